"""Laws and limits of the losses of boxes, and agreement with other ways to the same numbers.

Torchvision is no oracle here: it takes boxes turned inside out, and adds to the denominators.
"""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

import lossmath
from lossmath import CIoU, DIoU, GIoU, IoU, RetinaNet, SoftIoU

ALL = (IoU(), GIoU(), DIoU(), CIoU())
A, B = IoU.examples(seed=3, batch=(50,))
CORNERS = st.tuples(st.integers(0, 10), st.integers(0, 10))


def close(ours, theirs, rtol=1e-12, atol=1e-13):
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=rtol, atol=atol)


@st.composite
def boxes(draw):
    (x1, x2), (y1, y2) = sorted(draw(CORNERS)), sorted(draw(CORNERS))
    return np.array([x1, y1, x2 + 1, y2 + 1], dtype=float)


def mask(box):
    """The pixels of a box whose corners are whole numbers."""
    x1, y1, x2, y2 = box.astype(int)
    pixels = np.zeros((12, 12))
    pixels[y1:y2, x1:x2] = 1
    return pixels


@given(boxes(), boxes())
def test_iou_counts_pixels(a, b):
    close(IoU().value(a, b), SoftIoU(0, 0).value(mask(a), mask(b)))


@given(boxes(), boxes())
def test_giou_counts_the_empty_pixels_of_the_hull(a, b):
    hull = mask(np.concatenate([np.minimum(a[:2], b[:2]), np.maximum(a[2:], b[2:])]))
    empty = np.sum(hull * (1 - mask(a)) * (1 - mask(b))) / np.sum(hull)
    close(GIoU().value(a, b), IoU().value(a, b) + empty)


@given(boxes(), boxes())
def test_the_order_of_the_losses_and_their_ranges(a, b):
    iou, giou, diou, ciou = (float(loss.value(a, b)) for loss in ALL)
    assert 0 <= iou <= 1
    assert iou <= giou < 2 and iou <= diou <= ciou + 1e-15 and diou < 2 and ciou < 3
    assert (iou == 0) == bool(np.all(a == b))


@given(boxes(), boxes(), st.floats(0.01, 100), st.floats(-50, 50))
def test_moving_and_scaling_both_boxes_changes_nothing(a, b, scale, shift):
    for loss in ALL:
        close(loss.value(scale * a + shift, scale * b + shift), loss.value(a, b), atol=1e-9)


@pytest.mark.parametrize("loss", ALL, ids=repr)
def test_exchanging_axes_exchanges_gradients(loss):
    swap = [1, 0, 3, 2]
    close(loss.value(A[:, swap], B[:, swap]), loss.value(A, B))
    close(loss.gradient(A[:, swap], B[:, swap]), loss.gradient(A, B)[:, swap])


@pytest.mark.parametrize("loss", ALL, ids=repr)
def test_a_step_down_the_gradient_helps(loss):
    gradient = loss.gradient(A, B)
    moved = loss.value(A - 1e-6 * gradient, B)
    before = loss.value(A, B)
    stuck = np.all(gradient == 0, axis=-1)
    assert np.all(moved[~stuck] < before[~stuck])
    assert np.array_equal(stuck, (before == 1) if isinstance(loss, IoU) else np.zeros(50, bool))


def test_boxes_that_shift_apart():
    """Two unit squares, one moved by d: overlap 1 - d, union and hull 1 + d."""
    for d in (0.25, 0.5, 0.9):
        square, moved = [0.0, 0.0, 1.0, 1.0], [d, 0.0, 1.0 + d, 1.0]
        close(IoU().value(square, moved), 2 * d / (1 + d))
        close(GIoU().value(square, moved), 2 * d / (1 + d))
        close(DIoU().value(square, moved), 2 * d / (1 + d) + d**2 / (1 + (1 + d) ** 2))
        close(CIoU().value(square, moved), DIoU().value(square, moved))  # of the same shape
        # 1 - I / U = 2 d / (1 + d), and only two edges matter: the other two slide along.
        close(IoU().gradient(square, moved)[2], -1 / (1 + d))


def test_how_far_apart_boxes_are_shows_in_all_but_iou():
    square = [0.0, 0.0, 1.0, 1.0]
    near, far = ([x, 0.0, x + 1, 1.0] for x in (2.0, 5.0))
    assert IoU().value(square, near) == IoU().value(square, far) == 1
    for loss in ALL[1:]:
        assert 1 < loss.value(square, near) < loss.value(square, far) < 2


def test_giou_of_a_box_inside_another_is_iou():
    outer, inner = [0.0, 0.0, 4.0, 4.0], [1.0, 0.5, 2.0, 3.0]
    close(GIoU().value(inner, outer), IoU().value(inner, outer))
    close(IoU().value(inner, outer), 1 - 2.5 / 16)


def test_ciou_asks_for_the_right_shape():
    target = [-2.0, -1.0, 2.0, 1.0]
    wide, tall = [-4.0, -0.5, 4.0, 0.5], [-1.0, -2.0, 1.0, 2.0]
    angle = np.arctan(0.5) - np.arctan(2)
    v = 4 / np.pi**2 * angle**2
    iou = IoU().value(tall, target)
    close(DIoU().value(tall, target), iou)  # the centres agree
    close(CIoU().value(tall, target), iou + v**2 / (iou + v))
    pull = CIoU().gradient(wide, target) - DIoU().gradient(wide, target)
    assert pull[2] > 0 > pull[3]  # narrower and taller


def test_hessians_of_a_box_that_is_moved_as_a_whole():
    """Along a common shift of all edges, the shift of one unit square gives -4 / (1 + d)^3."""
    d, along = 0.5, np.array([1.0, 0.0, 1.0, 0.0])
    hessian = IoU().hessian([0.0, 0.0, 1.0, 1.0], [d, 0.0, 1.0 + d, 1.0])
    close(along @ hessian @ along, -4 / (1 + d) ** 3)


# Detection.


def detections(seed=0):
    rng = np.random.default_rng(seed)
    target = np.eye(4)[rng.integers(0, 4, (3, 20))] * (rng.uniform(size=(3, 20, 1)) < 0.3)
    logits, boxes, others = rng.normal(size=(3, 20, 4)), *rng.normal(size=(2, 3, 20, 4))
    return logits, boxes, target, others


def test_retina_net_is_focal_plus_smooth_l1_over_the_number_of_objects():
    logits, boxes, target, others = map(torch.tensor, detections())
    p = torch.sigmoid(logits)
    p_t = p * target + (1 - p) * (1 - target)
    alpha = 0.25 * target + 0.75 * (1 - target)
    cross_entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    focal = (alpha * (1 - p_t) ** 2 * cross_entropy).sum(dim=(1, 2))
    objects = target.sum(dim=2)
    offsets = F.smooth_l1_loss(boxes, others, beta=1 / 9, reduction="none").sum(dim=2)
    expected = (focal + 2 * (objects * offsets).sum(dim=1)) / objects.sum(dim=1)
    close(RetinaNet(box_weight=2.0).value(logits, boxes, target, others), expected)


def test_more_background_does_not_water_down_the_objects():
    logits, boxes, target, others = detections()
    quiet = np.full((3, 500, 4), -12.0), np.zeros((3, 500, 4)), np.zeros((3, 500, 4))
    longer = [
        np.concatenate([x, extra], axis=1)
        for x, extra in zip(
            (logits, boxes, target, others), (*quiet, np.zeros((3, 500, 4))), strict=True
        )
    ]
    few = RetinaNet().value(logits, boxes, target, others)
    close(RetinaNet().value(*longer), few, rtol=1e-9)
    gradient = RetinaNet().gradient(*longer)
    close(gradient[0][:, :20], RetinaNet().gradient(logits, boxes, target, others)[0])


def test_every_loss_of_boxes_of_the_course_is_here():
    names = {loss.name for loss in lossmath.catalogue("boxes")}
    assert names == {"CIoU", "DIoU", "GIoU", "IoU", "RetinaNet"}
