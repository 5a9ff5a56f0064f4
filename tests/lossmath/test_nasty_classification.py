"""Inputs that break a direct transcription of the classification losses, by their row."""

import math

import numpy as np
import pytest
import torch
from test_nasty import exactly, refuses

from lossmath import (
    BinaryCrossEntropyFromLogits,
    BinaryCrossEntropyFromProbabilities,
    BinaryFocal,
    CrammerSingerHinge,
    CrossEntropyFromLogits,
    CrossEntropyFromProbabilities,
    CumulativeLink,
    Hinge,
    Logistic,
    NegativeLogLikelihood,
    RankedProbabilityScore,
    SigmoidSquaredError,
    SoftCrossEntropyFromLogits,
    SquaredHinge,
    WestonWatkinsHinge,
    ZeroOne,
    perplexity,
)

pytestmark = pytest.mark.filterwarnings("error")

FAR = np.array([1e4, 0.0, -1e4])
FLOATS = [torch.float16, torch.bfloat16, torch.float32, torch.float64]


def autograd(loss, logits, target):
    leaf = torch.tensor(logits, dtype=torch.float64, requires_grad=True)
    loss.value(leaf, torch.tensor(target), reduction="sum").backward()
    return leaf.grad.tolist()


@pytest.mark.parametrize("size", [1e4, 1e9, 1e20])
def test_d1_bce_of_large_logits(size):
    loss, z, y = BinaryCrossEntropyFromLogits(), [size, size, -size, -size], [0.0, 1.0, 0.0, 1.0]
    assert loss.value(z, y).tolist() == [size, 0, 0, size]
    assert loss.gradient(z, y).tolist() == [1, 0, 0, -1]
    assert loss.hessian(z, y).tolist() == [0, 0, 0, 0]
    assert autograd(loss, z, y) == [1, 0, 0, -1]


def test_d2_bce_keeps_its_tail():
    loss = BinaryCrossEntropyFromLogits()
    for sign, y in ((1, 1.0), (-1, 0.0)):
        z = np.array([37.0, 300.0]) * sign
        tail = np.exp([-37.0, -300.0])  # log(1 + x) = x, as x is far below the spacing at 1
        exactly(loss.value(z, [y, y]), tail)
        exactly(loss.gradient(z, [y, y]), -sign * tail)
    exactly(Logistic().value(37.0, 1.0), math.exp(-37))
    np.testing.assert_allclose(loss.value([-37.0, 300.0], [0.0, 1.0]), [8.53e-17, 5.15e-131], 1e-3)
    multiclass, sure = CrossEntropyFromLogits(), [40.0, 0.0, 0.0]
    exactly(multiclass.value(sure, 0), 2 * math.exp(-40))
    exactly(multiclass.gradient(sure, 0), np.array([-2, 1, 1]) * math.exp(-40))


def test_d3_bce_of_a_certain_and_right_probability():
    loss, certain = BinaryCrossEntropyFromProbabilities(), [0.0, 1.0]
    assert loss.value(certain, certain).tolist() == [0, 0]
    assert loss.gradient(certain, certain).tolist() == [1, -1]
    assert loss.hessian(certain, certain).tolist() == [1, 1]
    assert autograd(loss, certain, certain) == [1, -1]
    assert CrossEntropyFromProbabilities().value(certain, certain) == 0
    assert CrossEntropyFromProbabilities().gradient(certain, certain).tolist() == [0, -1]


def test_d4_bce_of_a_certain_and_wrong_probability():
    loss, wrong, right = BinaryCrossEntropyFromProbabilities(), [0.0, 1.0], [1.0, 0.0]
    assert loss.value(wrong, right).tolist() == [math.inf, math.inf]
    assert loss.gradient(wrong, right).tolist() == [-math.inf, math.inf]
    assert loss.hessian(wrong, right).tolist() == [math.inf, math.inf]
    assert CrossEntropyFromProbabilities().value(wrong, right) == math.inf


def test_d5_cross_entropy_of_far_logits():
    loss = CrossEntropyFromLogits()
    assert loss.value([FAR] * 3, [0, 1, 2]).tolist() == [0, 1e4, 2e4]
    assert loss.gradient(FAR, 1).tolist() == [1, -1, 0]
    assert autograd(loss, FAR, 1) == [1, -1, 0]
    assert SoftCrossEntropyFromLogits().value(FAR, [0.0, 0.5, 0.5]) == 1.5e4
    half = FAR.astype(np.float16)
    assert loss.value(half, 1) == 1e4
    assert loss.value(half, 1).dtype == np.float16


def test_d6_a_minus_infinite_logit_where_the_target_is_zero():
    logits = np.array([-np.inf, 1.0, 1.0])
    for loss, target in (
        (CrossEntropyFromLogits(), 1),
        (SoftCrossEntropyFromLogits(), [0.0, 1.0, 0.0]),
        (CrossEntropyFromLogits(class_weights=(0, 1, 1), label_smoothing=0), 1),
    ):
        exactly(loss.value(logits, target), math.log(2))
        exactly(loss.gradient(logits, target), [0, -0.5, 0.5])
        assert np.all(loss.hessian(logits, target)[0] == 0)
        np.testing.assert_allclose(autograd(loss, logits, target), [0, -0.5, 0.5], atol=1e-15)
    log_p = [-math.inf, 0.0]
    assert NegativeLogLikelihood().value(log_p, 1) == 0
    assert NegativeLogLikelihood().gradient(log_p, 1).tolist() == [0, -1]


def test_d7_a_minus_infinite_logit_where_the_target_is_not_zero():
    logits = np.array([-np.inf, 1.0])
    assert CrossEntropyFromLogits().value(logits, 0) == math.inf
    assert CrossEntropyFromLogits(label_smoothing=0.1).value(logits, 1) == math.inf
    assert SoftCrossEntropyFromLogits().value(logits, [0.5, 0.5]) == math.inf
    assert CrossEntropyFromLogits().gradient(logits, 0).tolist() == [-1, 1]
    assert NegativeLogLikelihood().value(logits, 0) == math.inf


def test_d8_no_class_is_possible():
    with np.errstate(invalid="ignore"):
        impossible = CrossEntropyFromLogits().value(np.full(3, -np.inf), 0)
    assert not np.isfinite(impossible)  # never a plausible number


def test_d9_cross_entropy_far_below_zero():
    exactly(CrossEntropyFromLogits().value([-1000.0, -1000.0], 0), math.log(2))
    exactly(CrossEntropyFromLogits().value([1e8, 1e8 + 1], 1), math.log1p(math.exp(-1)))


def test_d10_every_label_is_ignored():
    for loss in (CrossEntropyFromLogits(), NegativeLogLikelihood(), WestonWatkinsHinge()):
        scores, labels = torch.zeros((2, 3), requires_grad=True), [-100, -100]
        result = loss(scores, labels, ignore_index=-100)
        result.backward()
        assert result == 0
        assert torch.all(scores.grad == 0)
        gradient = loss.gradient(scores, labels, ignore_index=-100, reduction="mean")
        assert torch.all(gradient == 0)


def test_d11_the_mean_counts_labels_that_are_not_ignored():
    loss, logits = CrossEntropyFromLogits(), np.zeros((4, 2))
    logits[3] = np.nan
    exactly(loss(logits, [0, 1, 0, -100], ignore_index=-100), math.log(2))
    gradient = loss.gradient(logits, [0, 1, 0, -100], ignore_index=-100, reduction="mean")
    exactly(gradient, np.array([[-0.5, 0.5], [0.5, -0.5], [-0.5, 0.5], [0, 0]]) / 3)


def test_d11_an_ignored_class_still_competes_in_other_rows():
    loss, logits = CrossEntropyFromLogits(), np.zeros((2, 3))
    exactly(loss(logits, [2, 0], ignore_index=2), math.log(3))


def test_d16_label_out_of_range():
    scores = np.full((2, 3), 1 / 3)
    for loss in (
        CrossEntropyFromLogits(),
        NegativeLogLikelihood(),
        WestonWatkinsHinge(),
        CrammerSingerHinge(),
        RankedProbabilityScore(),
    ):
        refuses(r"label=3 must lie in \[0, 2\]", loss, scores, [0, 3])
        refuses(r"label=-100 must lie in \[0, 2\]", loss, scores, [0, -100])
        with pytest.raises(TypeError, match="label has dtype float64 but must hold integer labels"):
            loss(scores, [0.0, 1.0])


def test_d17_smoothing_comes_before_class_weights():
    logits, labels = np.log([[0.5, 0.25, 0.25], [0.125, 0.375, 0.5]]), [0, 2]
    weights, share = np.array([0.5, 2.0, 3.0]), 0.25
    target = (1 - share) * np.eye(3)[labels] + share / 3
    loss = CrossEntropyFromLogits(label_smoothing=share, class_weights=tuple(weights))
    np.testing.assert_allclose(
        loss.value(logits, labels), -np.sum(weights * target * logits, axis=-1), 1e-14
    )
    theirs = torch.nn.functional.cross_entropy(
        torch.tensor(logits), torch.tensor(labels), torch.tensor(weights), label_smoothing=share
    )
    ours = loss(logits, labels, reduction="sum") / weights[labels].sum()
    np.testing.assert_allclose(ours, theirs, 1e-14)


def test_d17_class_weights_must_fit_the_classes():
    loss = CrossEntropyFromLogits(class_weights=[1, 2])
    refuses("class_weights has 2 entries but there are 3 classes", loss, np.zeros(3), 0)
    for wrong in ((1.0, -1.0), (1.0, math.inf), (math.nan,), (0.0, 0.0), (), 1.0):
        refuses("class_weights=.* must lie in", CrossEntropyFromLogits, class_weights=wrong)


def test_d23_parameters_out_of_range():
    refuses(r"temperature=0.0 must lie in \(0, inf\)", CrossEntropyFromLogits, temperature=0.0)
    refuses(r"label_smoothing=1.5 must lie in \[0, 1\]", CrossEntropyFromLogits, 1.5)
    refuses(r"margin=-1 must lie in \[0, inf\)", Hinge, -1)
    refuses(r"gamma=-1 must lie in \[0, inf\)", BinaryFocal, gamma=-1)
    refuses(r"alpha=2 must lie in \[0, 1\]", BinaryFocal, alpha=2)
    refuses(r"pos_weight=0 must lie in \(0, inf\)", BinaryCrossEntropyFromLogits, pos_weight=0)
    refuses(r"power=3 must lie in \{1, 2\}", WestonWatkinsHinge, power=3)


def test_d32_focal_with_gamma_zero_is_weighted_cross_entropy():
    z, y = np.array([1e4, 1e4, -1e4, -1e4, 37.0, 0.5]), np.array([1.0, 0.0, 1.0, 0.0, 1.0, 0.25])
    plain, weights = BinaryCrossEntropyFromLogits(), 0.25 * y + 0.75 * (1 - y)
    loss = BinaryFocal(gamma=0, alpha=0.25)
    exactly(loss.value(z, y), weights * plain.value(z, y))
    exactly(loss.gradient(z, y), weights * plain.gradient(z, y))
    np.testing.assert_allclose(autograd(loss, z, y), weights * plain.gradient(z, y), 1e-14)
    exactly(BinaryFocal(gamma=0, balanced=False).value(z, y), plain.value(z, y))


def test_d33_focal_with_gamma_below_one_vanishes_at_saturation():
    loss, z, y = BinaryFocal(gamma=0.5, balanced=False), [100.0, -100.0, 1e3, -1e3], [1.0] * 4
    expected = [-1.5 * math.exp(-150), -1, 0, -1]
    np.testing.assert_allclose(loss.gradient(z, y), expected, 1e-13)
    np.testing.assert_allclose(autograd(loss, z, y), expected, 1e-13)
    np.testing.assert_allclose(loss.gradient(100.0, 1.0), -1.08e-65, 1e-2)
    assert np.all(np.isfinite(loss.hessian(z, y)))


def test_d34_focal_of_soft_labels():
    z, y, gamma = np.array([0.5, -2.0]), np.array([0.3, 0.8]), 2.0
    p = 1 / (1 + np.exp(-z))
    p_t = p * y + (1 - p) * (1 - y)
    cross_entropy = -y * np.log(p) - (1 - y) * np.log(1 - p)
    loss = BinaryFocal(gamma, alpha=0.25)
    weight = 0.25 * y + 0.75 * (1 - y)
    np.testing.assert_allclose(loss.value(z, y), weight * (1 - p_t) ** gamma * cross_entropy, 1e-14)


def test_d35_focal_is_not_convex():
    assert BinaryFocal.convex is False
    assert BinaryFocal(gamma=2).hessian(-4.0, 1.0) < 0
    assert BinaryFocal(gamma=0.5).convex is False
    assert BinaryFocal(gamma=0).convex is True


def test_d41_margin_losses_refuse_labels_of_zero_and_one():
    for loss in (ZeroOne(), Logistic(), Hinge(), SquaredHinge()):
        refuses(r"label=0 must lie in \{-1, 1\}", loss, [0.5, 2.0], [0, 1])


def test_d42_hinges_at_the_kink():
    assert Hinge().gradient([1.0, -1.0], [1, -1]).tolist() == [0, 0]
    assert SquaredHinge().hessian([1.0, -1.0], [1, -1]).tolist() == [0, 0]
    for loss in (WestonWatkinsHinge(), CrammerSingerHinge()):
        for label in (0, 1):
            scores = [0.0, 0.0]
            scores[label] = 1.0
            assert loss.gradient(scores, label).tolist() == [0, 0]


@np.errstate(invalid="ignore")  # np.logaddexp warns of NaN
def test_d43_nan_is_not_swallowed():
    for loss in (ZeroOne(), Hinge(), SquaredHinge(), Logistic(), BinaryFocal()):
        for score in (np.array(math.nan), torch.tensor(math.nan)):
            assert math.isnan(loss.value(score, 1))
            assert math.isnan(loss.gradient(score, 1))
    for loss in (WestonWatkinsHinge(), CrammerSingerHinge(), CrossEntropyFromLogits()):
        for position in range(3):
            scores = np.array([5.0, -5.0, -5.0])
            scores[position] = math.nan
            for convert in (np.asarray, torch.asarray):
                assert math.isnan(loss.value(convert(scores), 0))
                assert math.isnan(loss.gradient(convert(scores), 0)[0])


def test_d44_multiclass_hinge_with_negative_wrong_scores():
    for loss in (WestonWatkinsHinge(), CrammerSingerHinge()):
        assert loss.value([0.5, -5.0, -5.0], 0) == 0
        assert loss.gradient([0.5, -5.0, -5.0], 0).tolist() == [0, 0, 0]


def test_d45_variants_of_the_multiclass_hinge_differ():
    scores = [1.0, 0.3, 0.6, 0.4]
    exactly(WestonWatkinsHinge().value(scores, 0), 0.3 + 0.6 + 0.4)
    exactly(CrammerSingerHinge().value(scores, 0), 0.6)
    exactly(WestonWatkinsHinge(normalize=True).value(scores, 0), 0.325)


def test_d70_kinks_are_declared():
    assert ZeroOne().kink_points() == [(0, 0)]
    assert Hinge(margin=2).kink_points() == [(2, 1)]
    assert SquaredHinge(margin=2).kink_points() == [(2, 2)]
    assert WestonWatkinsHinge(margin=2, power=2).kink_points() == [(-2, 2)]
    assert CrammerSingerHinge().kink_points() == [(0, 1)]


def test_d71_logits_are_no_probabilities():
    refuses(
        r"probability=1.5 must lie in \[0, 1\]",
        BinaryCrossEntropyFromProbabilities(),
        [0.5, 1.5],
        [0.0, 1.0],
    )
    refuses("target=2 must lie in", BinaryCrossEntropyFromLogits(), [0.5], [2.0])
    refuses("target=-1 must lie in", BinaryFocal(), [0.5], [-1.0])
    for loss, target in (
        (CrossEntropyFromProbabilities(), [1.0, 0.0]),
        (RankedProbabilityScore(), 0),
    ):
        for wrong in ([2.0, -1.0], [0.5, 0.6], [-0.5, 1.5]):
            refuses("probabilities=.* must lie in the simplex", loss, wrong, target)


def test_d72_perplexity_does_not_count_padding():
    logits = np.zeros((2, 3, 8))
    logits[1, 1:] = 100 * np.eye(8)[:2]
    labels = np.array([[5, 2, 7], [0, -100, -100]])
    exactly(perplexity(logits, labels, ignore_index=-100), 8)
    mask = labels >= 0
    exactly(perplexity(logits, np.where(mask, labels, 0), mask=mask), 8)
    assert perplexity(logits, np.full((2, 3), -100), ignore_index=-100) == 1


def test_d74_integers_booleans_and_lists():
    exactly(Hinge().value([0, 2], [1, -1]), [1, 3])
    exactly(BinaryCrossEntropyFromLogits().value([0], [True]), [math.log(2)])
    exactly(CrossEntropyFromLogits().value([0, 0], 1), math.log(2))
    for dtype in (np.int8, np.uint8, np.int32, np.int64):
        exactly(CrossEntropyFromLogits().value([0.0, 0.0], np.array(1, dtype=dtype)), math.log(2))
        ignored = np.array([1, 0], dtype=dtype)
        exactly(CrossEntropyFromLogits()(np.zeros((2, 2)), ignored, ignore_index=0), math.log(2))
    whole = torch.tensor([[0, 0]])
    assert CrossEntropyFromLogits().value(whole, torch.tensor([0])).dtype == torch.float32


@pytest.mark.parametrize("dtype", FLOATS)
def test_d75_numbers_beside_arrays_do_not_widen_them(dtype):
    logit, scores = torch.tensor([1.5], dtype=dtype), torch.tensor([[1.0, 2.0]], dtype=dtype)
    wide = np.float64(0.5)
    for loss in (
        BinaryCrossEntropyFromLogits(pos_weight=wide, label_smoothing=wide),
        BinaryFocal(gamma=wide, alpha=wide),
        SigmoidSquaredError(),
    ):
        for result in (loss.value, loss.gradient, loss.hessian):
            assert result(logit, [0.5]).dtype == dtype
    for loss in (
        CrossEntropyFromLogits(wide, wide, class_weights=np.array([0.5, 2.0])),
        WestonWatkinsHinge(margin=wide, power=2),
        CrammerSingerHinge(margin=wide),
    ):
        for result in (loss.value, loss.gradient, loss.hessian):
            assert result(scores, [1]).dtype == dtype


def test_d75_single_precision_numpy():
    single = np.array([1.5], dtype=np.float32)
    for loss in (Hinge(np.float64(2)), BinaryFocal(np.float64(2)), Logistic()):
        for result in (loss.value, loss.gradient, loss.hessian):
            assert result(single, [1]).dtype == np.float32
    soft = CrossEntropyFromLogits(temperature=np.float64(2), class_weights=np.ones(1))
    assert soft.value(single, 0).dtype == np.float32


def test_d78_bce_of_infinite_logits():
    z, y = [math.inf, math.inf, -math.inf, -math.inf, math.inf], [1.0, 0.0, 0.0, 1.0, 0.5]
    for loss in (BinaryCrossEntropyFromLogits(), BinaryCrossEntropyFromLogits(pos_weight=3)):
        assert loss.value(z, y).tolist() == [0, math.inf, 0, math.inf, math.inf]
        assert loss.gradient(z, y)[:3].tolist() == [0, 1, 0]
        assert np.all(loss.hessian(z, y) == 0)
    assert Logistic().value([math.inf, -math.inf], [1, 1]).tolist() == [0, math.inf]
    assert CumulativeLink().value(z[:2], y[:2]) == math.inf
    assert CumulativeLink().value([math.inf, -math.inf], [1.0, 0.0]) == 0
