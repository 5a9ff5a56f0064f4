"""Laws and limits of the losses of masks, and agreement with other libraries."""

import numpy as np
import pytest
import sklearn.metrics as sk
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import lossmath
from lossmath import Dice, DiceBCE, SoftIoU, Tversky

RNG = np.random.default_rng(7)
P, T = RNG.uniform(size=(2, 6, 5, 4))
HARD = (T > 0.6).astype(float)
Z = RNG.normal(size=(6, 5, 4)) * 3

masks = arrays(float, (3, 4), elements=st.floats(0, 1))
hard = arrays(float, (3, 4), elements=st.sampled_from([0.0, 1.0]))


def close(ours, theirs, rtol=1e-12, atol=1e-14):
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=rtol, atol=atol)


@given(masks, masks)
def test_dice_and_iou_are_two_views_of_one_overlap(p, t):
    """IoU = D / (2 - D), if the smoothing is counted twice in Dice."""
    dice, iou = 1 - Dice(0.5, 0.5).value(p, t), 1 - SoftIoU(0.25, 0.25).value(p, t)
    close(iou, dice / (2 - dice))
    assert dice >= iou - 1e-15


@given(masks, masks)
def test_tversky_contains_both(p, t):
    close(Tversky(0.1, 0.1, 1, 1).value(p, t), SoftIoU(0.1, 0.1).value(p, t))
    close(Tversky(0.1, 0.1, 0.5, 0.5).value(p, t), Dice(0.2, 0.2).value(p, t))
    close(Tversky(0.1, 0.1, 1, 1).gradient(p, t), SoftIoU(0.1, 0.1).gradient(p, t))
    close(Tversky(0.1, 0.1, 0.2, 0.9).value(p, t), Tversky(0.1, 0.1, 0.9, 0.2).value(t, p))


@given(masks, masks)
def test_overlap_losses_lie_between_0_and_1(p, t):
    for loss in (Dice(), SoftIoU(), Tversky(), Dice(squared=True)):
        assert 0 <= loss.value(p, t) <= 1 + 1e-15


@given(hard, hard)
def test_squares_make_no_difference_to_hard_masks(p, t):
    close(Dice(squared=True).value(p, t), Dice().value(p, t))


def test_only_hard_targets_fit_themselves():
    for loss in (Dice(), SoftIoU(), Tversky()):
        assert np.all(loss.value(HARD, HARD) == 0)
        assert np.all(loss.value(T, T) > 0.1)
    assert np.all(Dice(squared=True).value(T, T) == 0)


def test_the_best_soft_prediction_is_hard():
    """For p between 0 and 1 everywhere, some pixel wants to move to its end."""
    for loss in (Dice(), SoftIoU(), Tversky()):
        assert np.all(np.abs(loss.gradient(P, HARD)).max(axis=(-2, -1)) > 1e-3)
        signs = np.sign(loss.gradient(P, HARD))
        assert np.all(signs[HARD == 1] < 0) and np.all(signs[HARD == 0] > 0)


def test_dice_counts_small_and_large_regions_alike():
    for size in (4, 16, 64):
        target = np.zeros((64, 64))
        target[:size, :size] = 1
        half = target.copy()
        half[: size // 2] = 0
        close(Dice(0, 0).value(half, target), 1 / 3)


def test_tversky_charges_false_alarms_and_misses_by_their_price():
    target = np.array([[1.0, 1.0, 0.0, 0.0]])
    alarm, miss = np.array([[1.0, 1.0, 1.0, 0.0]]), np.array([[1.0, 0.0, 0.0, 0.0]])
    loss = Tversky(0, 0, alpha=0.3, beta=0.7)
    close(loss.value(alarm, target), 0.3 / 2.3)
    close(loss.value(miss, target), 0.7 / 1.7)
    assert Tversky(0, 0, alpha=0, beta=1).value(np.ones((1, 4)), target) == 0


def test_an_empty_mask_without_a_smoothed_numerator_is_never_right():
    empty = np.zeros((2, 2))
    assert Dice(smooth_nr=0, smooth_dr=1e-5).value(empty, empty) == 1
    assert Dice().value(empty, empty) == 0


def test_dice_and_cross_entropy_add_up():
    p = 1 / (1 + np.exp(-Z))
    pixels = F.binary_cross_entropy_with_logits(
        torch.tensor(Z), torch.tensor(HARD), reduction="none"
    )
    ours = DiceBCE(dice=2.0, cross_entropy=0.5, smooth=0.1).value(Z, HARD)
    close(ours, 2 * Dice(0.1, 0.1).value(p, HARD) + 0.5 * pixels.mean(dim=(1, 2)).numpy())


def test_where_dice_is_flat_the_cross_entropy_pulls():
    target, lost = np.eye(4), np.where(np.eye(4) == 1, -30.0, 30.0)
    dice = DiceBCE(cross_entropy=0.0).gradient(lost, target)
    both = DiceBCE().gradient(lost, target)
    assert np.max(np.abs(dice)) < 1e-12 < 0.06 < np.min(np.abs(both))


# Other libraries know hard masks only.


def test_hard_masks_agree_with_sklearn():
    prediction = (P > 0.5).astype(float)
    for p, t in zip(prediction, HARD, strict=True):
        close(1 - Dice(0, 0).value(p, t), sk.f1_score(t.ravel(), p.ravel()))
        close(1 - SoftIoU(0, 0).value(p, t), sk.jaccard_score(t.ravel(), p.ravel()))
        ours = 1 - Tversky(0, 0, alpha=0.2, beta=0.8).value(p, t)
        close(ours, sk.fbeta_score(t.ravel(), p.ravel(), beta=2))


def test_masks_need_two_axes():
    with pytest.raises(ValueError, match=r"Dice: prediction has shape \(4,\) but needs axes"):
        Dice().value(np.zeros(4), np.zeros(4))


def test_every_loss_of_masks_of_the_course_is_here():
    names = {loss.name for loss in lossmath.catalogue("segmentation")}
    assert names == {"Dice", "DiceBCE", "SoftIoU", "Tversky"}
