"""Inputs that break a direct transcription of the losses of representations, by their row."""

import math

import numpy as np
import pytest
import torch
from test_nasty import exactly, refuses

from lossmath import (
    CLIP,
    ArcFace,
    Circle,
    ContrastivePair,
    CosineEmbedding,
    InfoNCE,
    NTXent,
    Triplet,
    semi_hard_negatives,
)
from lossmath.numeric import as_tuple

pytestmark = pytest.mark.filterwarnings("error")


def autograd(loss, *inputs):
    """PyTorch's gradient of the summed value in each of the differentiable arguments."""
    tensors = [
        torch.tensor(x) if argument.index_of else torch.tensor(x, dtype=torch.float64)
        for argument, x in zip(loss.arguments, inputs, strict=True)
    ]
    moving = [
        t.requires_grad_() for a, t in zip(loss.arguments, tensors, strict=True) if a.differentiable
    ]
    return [g.tolist() for g in torch.autograd.grad(loss.value(*tensors).sum(), moving)]


def test_d23_parameters_out_of_range():
    refuses(r"ContrastivePair: margin=-1 must lie in \[0, inf\)", ContrastivePair, -1)
    refuses(r"Triplet: margin=-1 must lie in \[0, inf\)", Triplet, -1)
    for loss in (InfoNCE, NTXent):
        refuses(rf"{loss.name}: temperature=0 must lie in \(0, inf\)", loss, 0)
    refuses(r"CosineEmbedding: margin=2 must lie in \[-1, 1\]", CosineEmbedding, 2)
    refuses("ArcFace: margin=28.6 must lie in", ArcFace, 28.6)  # degrees
    refuses(
        r"semi_hard_negatives: margin=-1 must lie in \[0, inf\)", semi_hard_negatives, 1, [], -1
    )


@pytest.mark.parametrize("squared", [True, False])
def test_d46_triplet_whose_anchor_is_its_positive(squared):
    loss, point, negative = Triplet(margin=9.0, squared=squared), [1.0, 2.0], [1.0, 0.0]
    to_negative = [0.0, 2 * 2.0 if squared else 1.0]
    exactly(loss.value(point, point, negative), 9.0 - (4.0 if squared else 2.0))
    anchor, positive, pushed = loss.gradient(point, point, negative)
    assert anchor.tolist() == [0, -to_negative[1]]
    assert positive.tolist() == [0, 0]
    assert pushed.tolist() == to_negative
    assert autograd(loss, point, point, negative) == [[0, -to_negative[1]], [0, 0], to_negative]
    assert np.all(np.isfinite(loss.hessian(point, point, negative)[0][0]))


def test_d47_contrastive_pair_that_coincides_and_should_differ():
    loss, point = ContrastivePair(margin=2.0), [1.0, -1.0]
    for similar, value in ((0, 4.0), (1, 0.0)):
        exactly(loss.value(point, point, similar), value)
        assert [g.tolist() for g in loss.gradient(point, point, similar)] == [[0, 0], [0, 0]]
        assert autograd(loss, point, point, similar) == [[0, 0], [0, 0]]
        assert loss.hessian(point, point, similar)[0][0].tolist() == [[2, 0], [0, 2]]


def test_d48_cosine_of_a_zero_vector():
    loss, zero, vector = CosineEmbedding(), [0.0, 0.0], [3.0, 4.0]
    for pair in ((zero, vector), (vector, zero), (zero, zero)):
        assert loss.value(*pair, 1) == 1
        assert loss.value(*pair, -1) == 0
        assert CosineEmbedding(margin=-0.5).value(*pair, -1) == 0.5
        for label in (1, -1):
            assert [g.tolist() for g in loss.gradient(*pair, label)] == [[0, 0], [0, 0]]
            assert autograd(loss, *pair, label) == [[0, 0], [0, 0]]
    views = np.zeros((3, 2))
    exactly(NTXent().value(views, views), math.log(5))
    exactly(CLIP().value(views, views, 1.0), math.log(3))
    for gradient in (*NTXent().gradient(views, views), *CLIP().gradient(views, views, 1.0)):
        assert np.all(gradient == 0)
    assert np.all(np.array(autograd(NTXent(), views, views)) == 0)


def test_d49_cosine_of_vectors_of_very_different_length():
    small, large = [1e-200, 1e-200], [1e200, 0.0]
    exactly(CosineEmbedding().value(small, large, 1), 1 - math.sqrt(0.5))
    for length in (1e-200, 1e200):
        vector = np.array([length, length])
        assert CosineEmbedding().value(vector, vector, 1) == 0
        exactly(NTXent().value([vector], [vector]), 0.0)
    assert abs(float(CosineEmbedding().value([3e4, 3e4], np.float16([3e4, 0]), 1)) - 0.293) < 1e-3


def test_without_a_margin_pairs_that_differ_cost_nothing():
    loss, point = ContrastivePair(margin=0), [1.0, -1.0]
    for other in (point, [2.0, 3.0]):
        assert loss.value(point, other, 0) == 0
        assert [g.tolist() for g in loss.gradient(point, other, 0)] == [[0, 0], [0, 0]]
        assert loss.hessian(point, other, 0)[0][0].tolist() == [[0, 0], [0, 0]]
        assert autograd(loss, point, other, 0) == [[0, 0], [0, 0]]
    assert loss.kink_points() == []


def test_d49_contrastive_pair_far_apart():
    far = [1e200, 0.0], [-1e200, 0.0]
    assert ContrastivePair().value(*far, 0) == 0
    exactly(ContrastivePair().gradient(*far, 1)[0], [4e200, 0.0])


def test_d50_info_nce_at_low_temperature():
    similarities = [[1.0, 0.5, -1.0], [0.5, 1.0, -1.0]]
    loss = InfoNCE(temperature=1e-3)
    exactly(loss.value(similarities, [0, 0]), [math.exp(-500), 500.0])
    exactly(loss.gradient(similarities[1], 0), [-1000.0, 1000.0, 0.0])
    assert autograd(loss, similarities[1], 0) == [[-1000, 1000, 0]]
    half = np.array([-1.0, 1.0, 0.5], dtype=np.float16)
    exactly(InfoNCE(temperature=0.01).value(half, 0), 200, np.float16)
    exactly(InfoNCE(temperature=0.01).gradient(half, 0), [-100, 100, 0], np.float16)


def test_d50_clip_holds_its_scale():
    pairs = [[1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]]
    for log_scale in (math.log(100) + 1e-9, 50.0, 1e4):
        np.testing.assert_allclose(CLIP().value(*pairs, log_scale), 100, 1e-14)
        assert CLIP().gradient(*pairs, log_scale)[2] == 0
        assert autograd(CLIP(), *pairs, log_scale)[2] == 0


def test_d51_the_gradient_of_info_nce_contains_the_temperature():
    similarities, p = np.log([0.5, 0.25, 0.25]), np.array([0.5, 0.25, 0.25])
    for temperature in (0.07, 1.0, 2.0):
        gradient = InfoNCE(temperature).gradient(similarities * temperature, 0)
        np.testing.assert_allclose(gradient, (p - [1, 0, 0]) / temperature, 1e-14)


def test_d52_without_negatives_nothing_is_lost():
    assert InfoNCE().value([0.3], 0) == 0
    assert InfoNCE().gradient([0.3], 0).tolist() == [0]
    assert InfoNCE().value([0.3, -math.inf], 0) == 0
    assert InfoNCE().gradient([0.3, -math.inf], 0).tolist() == [0, 0]
    assert NTXent().value([[1.0, 2.0]], [[-3.0, 0.5]]) == 0
    assert CLIP().value([[1.0, 2.0]], [[-3.0, 0.5]], 0.0) == 0


def test_no_pairs_to_match():
    nothing = np.zeros((5, 0, 3))
    message = r"NTXent: first and second hold n=0 pairs but need at least 1"
    refuses(message, NTXent(), nothing, nothing)
    message = r"CLIP: images and texts hold n=0 pairs but need at least 1"
    refuses(message, CLIP().gradient, nothing, nothing, np.zeros(5))
    views = np.zeros((2, 0))  # without a single number in it a view is a zero vector
    exactly(NTXent().value(views, views), math.log(3))


def test_d52_no_semi_hard_negative():
    anchor, positive, negative = np.zeros((2, 3)), np.ones((2, 3)), np.full((2, 3), 9.0)
    mask = semi_hard_negatives([3.0, 3.0], [[243.0], [243.0]], margin=1.0)[:, 0]
    assert mask.tolist() == [False, False]
    assert Triplet()(anchor, positive, negative, mask=mask) == 0
    gradients = Triplet().gradient(anchor, positive, negative, mask=mask, reduction="mean")
    assert all(np.all(g == 0) for g in gradients)


def test_d53_a_view_is_not_compared_with_itself():
    views = np.eye(4)
    # Each view has the similarity 1 to its twin and 0 to six others; its own 1 does not count.
    exactly(NTXent(temperature=1.0).value(views, views), math.log(math.e + 6) - 1)


def test_d54_arc_face_at_both_ends_of_the_cosine():
    for own, other in ((1.0, 0.5), (-1.0, 0.5), (1.0, 1.0), (-1.0, -1.0)):
        loss, cosines = ArcFace(margin=0.5, scale=64.0), [own, other]
        gradient = loss.gradient(cosines, 0)
        assert np.all(np.isfinite(gradient))
        np.testing.assert_allclose(autograd(loss, cosines, 0)[0], gradient, 1e-12)
    lead = 64 * (1 - math.cos(0.5))
    exactly(ArcFace().value([1.0, 1.0], 0), lead + math.log1p(math.exp(-lead)))


def test_d54_arc_face_beyond_pi():
    loss, margin = ArcFace(margin=0.5, scale=1.0), 0.5
    angle = np.linspace(0, math.pi, 1001)
    cosines = np.stack([np.cos(angle), np.zeros(1001)], axis=-1).clip(-1, 1)
    values = loss.value(cosines, np.zeros(1001, dtype=int))
    assert np.all(np.diff(values) > 0)  # turning away never helps
    beyond = -0.95
    lowered = beyond - margin * math.sin(margin)
    exactly(loss.value([beyond, 0.0], 0), math.log1p(math.exp(-lowered)))


def test_d54_cosines_that_rounding_has_put_out_of_range():
    refuses(r"cosines=1 must lie in \[-1, 1\]", ArcFace(), [1.0 + 1e-15, 0.0], 0)


def test_d55_circle_anchor_without_a_positive():
    loss = Circle(scale=4.0)
    similarities = np.array([[0.5, -0.25, 0.75], [0.9, 0.8, 0.7], [0.0, 0.25, 0.5]])
    positive = np.array([[1, 0, 0], [0, 0, 0], [1, 1, 0]])
    values = loss.value(similarities, positive)
    assert values[1] == 0 and np.all(values[[0, 2]] > 0)
    exactly(loss(similarities, positive), values[[0, 2]].mean())
    gradient = loss.gradient(similarities, positive, reduction="mean")
    assert gradient[1].tolist() == [0, 0, 0]
    exactly(gradient[0], loss.gradient(similarities[0], positive[0]) / 2)
    mask = [True, True, False]
    exactly(loss(similarities, positive, mask=mask), values[0])
    assert loss(similarities[:2], positive[:2], mask=[False, True]) == 0
    tensor = torch.tensor(similarities, requires_grad=True)
    loss(tensor, torch.tensor(positive)).backward()
    np.testing.assert_allclose(tensor.grad, gradient, 1e-12)


def test_d55_circle_anchor_without_a_negative():
    assert Circle().value([0.5, -0.5], [1, 1]) == 0
    assert Circle().gradient([0.5, -0.5], [1, 1]).tolist() == [0, 0]
    assert autograd(Circle(), [0.5, -0.5], [1, 1]) == [[0, 0]]


@np.errstate(invalid="ignore")  # np.logaddexp warns of NaN
def test_d43_nan_is_not_swallowed():
    nan = [math.nan, 1.0]
    for loss, inputs in (
        (ContrastivePair(), (nan, [0.0, 0.0], 0)),
        (ContrastivePair(), ([0.0, 0.0], [1.0, 1.0], math.nan)),
        (Triplet(), ([9.0, 9.0], [9.0, 9.0], nan)),
        (CosineEmbedding(), (nan, [0.0, 0.0], -1)),
        (InfoNCE(), (nan, 1)),
        (ArcFace(), (nan, 1)),
        (Circle(), (nan, [1, 0])),
        (Circle(), ([0.5, 0.5], [math.nan, 0.0])),
        (NTXent(), ([nan], [[1.0, 1.0]])),
        (CLIP(), ([nan], [[1.0, 1.0]], 0.0)),
    ):
        assert math.isnan(loss.value(*inputs)), loss
        tensors = [torch.tensor(x) for x in inputs]
        assert math.isnan(loss.value(*tensors)), loss


def test_d70_kinks_are_declared():
    assert ContrastivePair(2.0).kink_points() == [(2, 2)]
    assert Triplet().kink_points() == [(0, 1)]
    assert CosineEmbedding(0.5).kink_points() == [(0.5, 1)]
    assert CosineEmbedding(1.0).kink_points() == []
    assert ArcFace().kink_points() == [(math.pi, 0)]
    assert ArcFace(margin=0).kink_points() == []


def test_d74_integers_and_wrong_labels():
    exactly(ContrastivePair().value([3, 0], [0, 4], 1), 25.0)
    exactly(Triplet().value([0, 0], [3, 4], [0, 1]), 25.0)
    exactly(CosineEmbedding().value([1, 0], [0, 1], 1), 1.0)
    refuses(r"similar=-1 must lie in \{0, 1\}", ContrastivePair(), [1.0], [2.0], -1)
    refuses(r"label=0 must lie in \{-1, 1\}", CosineEmbedding(), [1.0], [2.0], 0)
    refuses(r"positive=2 must lie in \[0, 1\]", InfoNCE(), [1.0, 2.0], 2)
    refuses(r"positive=2 must lie in \{0, 1\}", Circle(), [1.0, 2.0], [2, 0])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_d75_numpy_parameters_do_not_widen(dtype):
    vector, wide = torch.tensor([1.0, 2.0], dtype=dtype), np.float64(0.5)
    for loss, inputs in (
        (ContrastivePair(wide), (vector, -vector, 0)),
        (Triplet(wide, squared=False), (vector, -vector, vector + 1)),
        (CosineEmbedding(wide), (vector, -vector, -1)),
        (InfoNCE(wide), (vector, 1)),
        (ArcFace(wide, wide), (vector / 4, 1)),
        (Circle(wide, wide), (vector / 4, [1, 0])),
        (NTXent(wide), (vector[None], -vector[None])),
        (CLIP(), (vector[None], -vector[None], 0.5)),
    ):
        assert loss.value(*inputs).dtype == dtype
        assert all(g.dtype == dtype for g in as_tuple(loss.gradient(*inputs)))
