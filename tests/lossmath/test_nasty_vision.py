"""Inputs that break a direct transcription of the losses of vision, by their row."""

import math

import numpy as np
import pytest
import torch
from test_nasty import exactly, refuses

from lossmath import (
    SSIM,
    CIoU,
    Dice,
    DiceBCE,
    DIoU,
    GIoU,
    IoU,
    Perceptual,
    RetinaNet,
    SoftIoU,
    Tversky,
)
from lossmath.numeric import as_tuple

pytestmark = pytest.mark.filterwarnings("error")

EMPTY, FULL = np.zeros((4, 5)), np.ones((4, 5))
BOXES = (IoU(), GIoU(), DIoU(), CIoU())
UNIT, POINT = [0.0, 0.0, 1.0, 1.0], [2.0, 3.0, 2.0, 3.0]


def autograd(loss, first, second):
    """PyTorch's gradient of the summed value in the first of two arguments."""
    moving = torch.tensor(first, dtype=torch.float64, requires_grad=True)
    loss.value(moving, torch.tensor(second, dtype=torch.float64)).sum().backward()
    return moving.grad.numpy()


# Masks.


def test_d23_parameters_out_of_range():
    refuses(r"Dice: smooth_dr=-1 must lie in \[0, inf\)", Dice, smooth_dr=-1)
    refuses(r"Tversky: alpha=-0.5 must lie in \[0, inf\)", Tversky, alpha=-0.5)
    refuses(r"RetinaNet: beta=0 must lie in \(0, inf\)", RetinaNet, beta=0)
    refuses(r"SSIM: data_range=0 must lie in \(0, inf\)", SSIM, data_range=0)
    refuses(r"SSIM: window=4 must lie in \{3, 11\}", SSIM, window=4)
    refuses("prediction=1.5 must lie in", Dice(), EMPTY + 1.5, EMPTY)
    refuses("target=255 must lie in", SoftIoU(), EMPTY, 255 * FULL)


@pytest.mark.parametrize("smooth", [1.0, 1e-5, 1e-30])
def test_d57_empty_masks(smooth):
    for loss in (Dice(smooth, smooth), SoftIoU(smooth, smooth), Dice(smooth, smooth, squared=True)):
        assert loss.value(EMPTY, EMPTY) == 0
        assert np.all(np.isfinite(loss.gradient(EMPTY, EMPTY)))
        # A full prediction of an empty mask, and the reverse: 1 - s / (P + s).
        for pair in ((FULL, EMPTY), (EMPTY, FULL)):
            np.testing.assert_allclose(loss.value(*pair), 20 / (20 + smooth), 1e-15)
        assert loss.value(FULL, FULL) == 0
    assert Tversky(smooth, smooth).value(EMPTY, EMPTY) == 0
    exactly(Tversky(smooth, smooth).value(FULL, EMPTY), 0.3 * 20 / (0.3 * 20 + smooth))


def test_d57_empty_masks_without_smoothing_have_no_value():
    with np.errstate(invalid="ignore"):
        assert math.isnan(Dice(0.0, 0.0).value(EMPTY, EMPTY))
    assert Dice(0.0, 0.0).value(FULL, EMPTY) == 1
    exactly(Dice(0.0, 1.0).value(EMPTY, EMPTY), 1.0)  # only the denominator is smoothed


def test_d58_a_trace_of_probability_on_an_empty_mask():
    smooth, trace = 1e-5, np.full((1, 2), 1e-6)
    loss, total = Dice(smooth, smooth), 2e-6
    exactly(loss.value(trace, 0 * trace), total / (total + smooth))
    # The slope of P / (P + s) is s / (P + s)^2: nearly 1/s, and a tenth of that at P = 2 s.
    expected = np.full((1, 2), smooth / (total + smooth) ** 2)
    np.testing.assert_allclose(loss.gradient(trace, 0 * trace), expected, 1e-14)
    np.testing.assert_allclose(autograd(loss, trace, 0 * trace), expected, 1e-10)
    assert 6e4 < expected[0, 0] < 1 / smooth


def test_d59_soft_targets_overlap_by_their_product():
    soft = np.array([[0.3, 0.8], [0.5, 0.9]])
    loss = Dice(0.0, 0.0)
    exactly(loss.value(soft, soft), 1 - np.sum(soft**2) / np.sum(soft))
    assert round(float(loss.value(soft, soft)), 3) == 0.284  # not 0, as with the smaller of both
    assert Dice(0.0, 0.0, squared=True).value(soft, soft) == 0


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_d14_d15_large_masks_in_low_precision(dtype):
    # 300 x 300 pixels add up to more than float16 can hold.
    mask = np.zeros((300, 300), dtype=dtype)
    mask[:, :150] = 1
    for loss, value in ((Dice(), 0.5), (SoftIoU(), 2 / 3)):
        ours = loss.value(np.roll(mask, 75, axis=1), mask)
        exactly(ours, dtype(value), dtype)
        assert loss.value(mask, mask) == 0
    logits = np.full((300, 300), 20, dtype=dtype)
    assert DiceBCE().value(logits, np.ones_like(logits)) < 1e-4


def test_d1_saturated_logits_of_a_mask():
    logits, target = np.array([[1e4, -1e4], [1e4, -1e4]]), np.array([[1.0, 0.0], [0.0, 1.0]])
    exactly(DiceBCE(cross_entropy=1.0, smooth=0.0).value(logits, target), 0.5 + 5e3)
    exactly(DiceBCE(dice=0.0).gradient(logits, target), [[0, 0], [0.25, -0.25]])
    np.testing.assert_allclose(autograd(DiceBCE(), logits, target), [[0, 0], [0.25, -0.25]])


def test_masks_without_pixels():
    for nothing in (np.zeros((2, 0, 3)), np.zeros((2, 3, 0))):
        assert DiceBCE().value(nothing, nothing).tolist() == [0, 0]
        assert DiceBCE().gradient(nothing, nothing).shape == nothing.shape


# Boxes.


def test_d60_boxes_apart():
    other = [3.0, 0.0, 4.0, 1.0]
    assert IoU().value(UNIT, other) == 1
    assert IoU().gradient(UNIT, other).tolist() == [0, 0, 0, 0]
    for loss in BOXES[1:]:
        assert loss.value(UNIT, other) > 1
        gradient = loss.gradient(UNIT, other)
        assert gradient[2] < 0  # growing or moving to the right helps
        np.testing.assert_allclose(autograd(loss, UNIT, other)[[0, 2]], gradient[[0, 2]], 1e-12)
    exactly(GIoU().value(UNIT, other), 1 + 2 / 4)


def test_d61_boxes_turned_inside_out():
    message = r"prediction=3 must lie in the boxes \(x1, y1, x2, y2\) with x1 <= x2 and y1 <= y2"
    for loss in BOXES:
        refuses(message, loss, [3.0, 3.0, 1.0, 1.0], [1.0, 1.0, 3.0, 3.0])
        refuses("target=0 must lie in", loss, UNIT, [0.0, 2.0, 1.0, 1.0])
        hidden = loss.value([UNIT, [3.0, 3.0, 1.0, 1.0]], [UNIT, UNIT], mask=[True, False])
        assert hidden.tolist() == [0, 0]


def test_d61_boxes_without_area():
    assert IoU().value(POINT, UNIT) == 1
    assert IoU().value(POINT, [0.0, 0.0, 0.0, 0.0]) == 1
    assert GIoU().value(POINT, [0.0, 0.0, 0.0, 0.0]) == 2
    line = [0.0, 1.0, 4.0, 1.0]
    for loss in BOXES:
        for box in (POINT, line):
            assert loss.value(box, box) == 0
            assert loss.gradient(box, box).tolist() == [0, 0, 0, 0]
            assert autograd(loss, box, box).tolist() == [0, 0, 0, 0]
        for pair in ((POINT, UNIT), (UNIT, POINT), (POINT, line), (line, POINT), (line, UNIT)):
            assert 0 < loss.value(*pair) < 4
            assert np.all(np.isfinite(loss.gradient(*pair)))
            assert np.all(np.isfinite(autograd(loss, *pair)))
            if loss.has_hessian:
                assert np.all(np.isfinite(loss.hessian(*pair)))


def test_d62_boxes_that_touch_or_miss_each_other_twice():
    for other in ([1.0, 0.0, 2.0, 1.0], [1.0, 1.0, 2.0, 2.0], [2.0, 2.0, 3.0, 3.0]):
        assert IoU().value(UNIT, other) == 1  # two negative sides make no positive area
        assert IoU().gradient(UNIT, other).tolist() == [0, 0, 0, 0]
    exactly(GIoU().value(UNIT, [1.0, 0.0, 2.0, 1.0]), 1.0)
    exactly(GIoU().value(UNIT, [2.0, 2.0, 3.0, 3.0]), 1 + 7 / 9)


def test_a_perfect_fit_stays_where_it_is():
    box = [1.0, -2.0, 4.0, 5.0]
    for loss in BOXES:
        assert loss.value(box, box) == 0
        assert loss.gradient(box, box).tolist() == [0, 0, 0, 0]
        np.testing.assert_allclose(autograd(loss, box, box), np.zeros(4), atol=1e-15)


def test_d15_boxes_in_half_precision():
    box, moved = np.float16([0, 0, 1000, 500]), np.float16([500, 0, 1500, 500])
    exactly(IoU().value(box, moved), np.float16(2 / 3), np.float16)  # areas exceed 65504
    assert np.all(np.isfinite(IoU().gradient(box, moved)))


def detections(target):
    """Logits and boxes of three anchors, whose boxes are all off by 1."""
    return np.zeros((3, 2)), np.ones((3, 4)), np.array(target), np.zeros((3, 4))


def test_an_image_without_objects_is_divided_by_one():
    loss = RetinaNet(gamma=0.0, alpha=0.25)
    nothing = detections([[0, 0], [0, 0], [0, 0]])
    exactly(loss.value(*nothing), 6 * 0.75 * math.log(2))
    assert np.all(loss.gradient(*nothing)[1] == 0)
    one, two = detections([[1, 0], [0, 0], [0, 0]]), detections([[1, 0], [0, 1], [0, 0]])
    box_cost = 4 * (1 - 1 / 18)
    exactly(loss.value(*one), (0.25 + 5 * 0.75) * math.log(2) + box_cost)
    exactly(loss.value(*two), (2 * 0.25 + 4 * 0.75) * math.log(2) / 2 + box_cost)
    assert loss.gradient(*two)[1].tolist() == [[0.5] * 4, [0.5] * 4, [0] * 4]


def test_d12_background_anchors_may_hold_anything_as_their_box():
    logits, boxes, target, target_boxes = detections([[1, 0], [0, 0], [0, 0]])
    expected = RetinaNet().value(logits, boxes, target, target_boxes)
    target_boxes[1], target_boxes[2] = math.nan, math.inf
    exactly(RetinaNet().value(logits, boxes, target, target_boxes), expected)
    assert (
        RetinaNet().gradient(logits, boxes, target, target_boxes)[1][1:].tolist() == [[0] * 4] * 2
    )


# Images.


def test_d63_constant_images():
    dark, bright, c1 = 0.5, 0.6, 0.01**2
    images = np.full((16, 16), dark), np.full((16, 16), bright)
    similarity = (2 * dark * bright + c1) / (dark**2 + bright**2 + c1)
    np.testing.assert_allclose(1 - SSIM().value(*images), similarity, 1e-14)
    assert round(similarity, 5) == 0.98361
    for level in (0.0, 0.5, 1.0):
        image = np.full((11, 11), level)
        assert SSIM().value(image, image) == 0
        assert np.all(SSIM().gradient(image, image) == 0)


def test_d63_the_data_range_must_fit_the_pixels():
    rng = np.random.default_rng(0)
    x, y = rng.uniform(size=(2, 16, 16))
    right = SSIM().value(x, y)
    np.testing.assert_allclose(SSIM(data_range=255).value(255 * x, 255 * y), right, 1e-12)
    assert SSIM(data_range=255).value(x, y) < 0.01 < right  # nearly blind


def test_d64_variances_in_low_precision_do_not_turn_negative():
    rng = np.random.default_rng(0)
    for dtype, level, tolerance in ((np.float32, 255.0, 1e-3), (np.float32, 1e4, 0.02)):
        x, y = (level + rng.uniform(size=(2, 12, 12))).astype(dtype)
        loss = SSIM(data_range=1.0)
        for image in (x, y):
            _, variance = loss._moments(image, np)
            assert np.all(variance > 0)
        exact = loss.value(x.astype(float), y.astype(float))
        np.testing.assert_allclose(loss.value(x, y), exact, tolerance)
        exact = loss.gradient(x.astype(float), y.astype(float))
        np.testing.assert_allclose(loss.gradient(x, y), exact, atol=tolerance * np.max(abs(exact)))
    half = (128 + np.arange(144).reshape(12, 12) % 7).astype(np.float16)
    assert SSIM(data_range=255).value(half, half) == 0
    assert SSIM(data_range=255).value(half, half[::-1]).dtype == np.float16


def test_images_smaller_than_the_window():
    message = "SSIM: images of 11 x 10 pixels are smaller than the window of 11 x 11"
    refuses(message, SSIM(), np.zeros((11, 10)), np.zeros((11, 10)))
    message = "Perceptual: images of 6 x 9 pixels are smaller than the window of 7 x 7"
    refuses(message, Perceptual().gradient, np.zeros((6, 9)), np.zeros((6, 9)))
    assert SSIM(window=3).value(np.zeros((3, 3)), np.zeros((3, 3))) == 0


@np.errstate(invalid="ignore")  # np.logaddexp warns of NaN
def test_d43_nan_is_not_swallowed():
    nan = np.array([[math.nan, 0.5, 0.5]] * 3)
    fine = np.full((3, 3), 0.5)
    for loss in (Dice(), SoftIoU(), Tversky(), DiceBCE(), SSIM(window=3)):
        for pair in ((nan, fine), (fine, nan)):
            assert math.isnan(loss.value(*pair))
            assert math.isnan(loss.value(*map(torch.tensor, pair)))
    for loss in BOXES:
        for box in ([math.nan, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, math.nan]):
            assert math.isnan(loss.value(box, UNIT)) and math.isnan(loss.value(UNIT, box))
            assert np.any(np.isnan(loss.gradient(box, UNIT)))


def test_d70_kinks_are_declared():
    for loss in BOXES:
        assert loss.kink_points() == [(0, 1)]
    assert RetinaNet(beta=0.25).kink_points() == [(-0.25, 2), (0.25, 2)]
    assert SSIM().kink_points() == Perceptual().kink_points() == Dice().kink_points() == []


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_d75_numpy_parameters_do_not_widen(dtype):
    wide, box = np.float64(0.5), torch.tensor(UNIT, dtype=dtype)
    image = torch.linspace(0, 1, 99, dtype=torch.float64).reshape(9, 11).to(dtype)
    for loss, inputs in (
        (Dice(wide, wide), (image, 1 - image)),
        (Tversky(alpha=wide), (image, 1 - image)),
        (DiceBCE(wide, wide, wide), (image, 1 - image)),
        (GIoU(), (box, box / 2)),
        (RetinaNet(wide, wide, wide, wide), (box[None], box[None], [[1, 0, 0, 0]], box[None])),
        (SSIM(wide, 3, wide, wide, wide), (image, 1 - image)),
        (Perceptual(wide, style=wide), (image, 1 - image)),
    ):
        assert loss.value(*inputs).dtype == dtype
        assert all(g.dtype == dtype for g in as_tuple(loss.gradient(*inputs)))


def test_d74_integers():
    exactly(Dice(0, 0).value([[1, 0]], [[1, 1]]), 1 / 3)
    exactly(IoU().value([0, 0, 2, 2], [1, 0, 3, 2]), 2 / 3)
    assert (
        SSIM(data_range=255, window=3).value(np.eye(4, dtype=np.uint8), np.eye(4, dtype=int)) == 0
    )
