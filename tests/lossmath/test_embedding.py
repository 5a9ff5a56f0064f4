"""Laws and limits of the losses of representations, and agreement with other libraries.

Other libraries are no oracle: where one is known to be wrong it is left out, and the line says why.
"""

import numpy as np
import pytest
import scipy.spatial
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import lossmath
from lossmath import (
    CLIP,
    ArcFace,
    Circle,
    ContrastivePair,
    CosineEmbedding,
    CrossEntropyFromLogits,
    InfoNCE,
    NTXent,
    SquaredHinge,
    Triplet,
    semi_hard_negatives,
)

RNG = np.random.default_rng(5)
A, P, N = RNG.normal(size=(3, 20, 4))
SIMILAR = RNG.integers(0, 2, 20).astype(float)
COSINES = RNG.uniform(-0.99, 0.99, (20, 6))
LABEL = RNG.integers(0, 6, 20)

scores = arrays(float, 5, elements=st.floats(-30, 30))


def close(ours, theirs, rtol=1e-12, atol=1e-14):
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=rtol, atol=atol)


def t(x):
    return torch.tensor(x)


def rotation(seed):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(4, 4)))[0]


# Laws of distances.


@given(st.integers(0, 99), st.floats(-5, 5))
def test_distances_do_not_notice_a_rotation_and_a_shift(seed, shift):
    moved = [x @ rotation(seed) + shift for x in (A, P, N)]
    for squared in (True, False):
        loss = Triplet(squared=squared)
        close(loss.value(*moved), loss.value(A, P, N), atol=1e-11)
    loss = ContrastivePair(3.0)
    close(loss.value(*moved[:2], SIMILAR), loss.value(A, P, SIMILAR), atol=1e-11)


def test_moving_all_points_together_changes_nothing():
    gradients = Triplet(margin=5.0).gradient(A, P, N)
    close(sum(gradients), np.zeros_like(A), atol=1e-12)
    blocks = Triplet(margin=5.0, squared=False).hessian(A, P, N)
    for row in blocks:
        close(sum(row), np.zeros((20, 4, 4)), atol=1e-12)


def test_a_pair_that_should_differ_is_a_squared_hinge_on_its_distance():
    distance = np.linalg.norm(A - P, axis=-1)
    ours = ContrastivePair(3.0).value(A, P, np.zeros(20))
    close(ours, SquaredHinge(3.0).value(distance, np.ones(20)))
    close(ContrastivePair(3.0).value(A, P, np.ones(20)), distance**2)


def test_a_triplet_is_satisfied_from_its_margin_on():
    anchor, positive = np.zeros((1, 2)), np.array([[1.0, 0.0]])
    loss = Triplet(margin=3.0)
    for far, value in ((1.0, 3.0), (1.5, 3 + 1 - 1.5**2), (2.0, 0.0), (5.0, 0.0)):
        close(loss.value(anchor, positive, [[0.0, far]]), [value])
    assert [g.tolist() for g in loss.gradient(anchor, positive, [[0.0, 2.0]])] == [[[0, 0]]] * 3


# Laws of similarities.


@given(scores, st.floats(-100, 100), st.floats(0.05, 2))
def test_info_nce_sees_only_differences_of_similarities(s, shift, temperature):
    loss = InfoNCE(temperature)
    close(loss.value(s + shift, 2), loss.value(s, 2), rtol=1e-9, atol=1e-9)
    close(np.sum(loss.gradient(s, 2)), 0.0, atol=1e-12)


@given(scores, st.permutations([1, 2, 3, 4]))
def test_info_nce_does_not_care_for_the_order_of_negatives(s, order):
    close(InfoNCE().value(s[[0, *order]], 0), InfoNCE().value(s, 0), rtol=1e-11, atol=1e-300)


def test_info_nce_of_the_identity_is_not_the_logarithm_of_its_size():
    value = InfoNCE(temperature=1.0)(np.eye(8), np.arange(8))
    close(value, np.log(np.e + 7) - 1)
    assert round(float(value), 4) == 1.2740 and round(np.log(8), 4) == 2.0794
    close(InfoNCE(temperature=1.0)(np.zeros((8, 8)), np.arange(8)), np.log(8))


def test_info_nce_at_both_ends_of_the_temperature():
    s = np.array([0.25, 0.75, -0.5, 0.5])
    close(InfoNCE(1e9).value(s, 0), np.log(4), rtol=1e-8)
    close(1e-4 * InfoNCE(1e-4).value(s, 0), 0.75 - 0.25)
    weights = [InfoNCE(temperature).gradient(s, 0)[1:] for temperature in (0.01, 0.1, 1.0)]
    shares = [w / w.sum() for w in weights]
    entropies = [-np.sum(w * np.log(w)) for w in shares]
    assert entropies == sorted(entropies)  # a low temperature looks at the closest negative alone


def test_info_nce_bounds_the_mutual_information_from_below():
    """Of two standard normals with correlation rho: -log(1 - rho^2) / 2, whatever the number."""
    rho, size = 0.8, 64
    x = RNG.normal(size=(400, size))
    y = rho * x + np.sqrt(1 - rho**2) * RNG.normal(size=x.shape)
    # The best score is the log-ratio of the densities.
    log_ratio = -((y[:, None, :] - rho * x[:, :, None]) ** 2) / (2 * (1 - rho**2))
    log_ratio = log_ratio + y[:, None, :] ** 2 / 2 - np.log(1 - rho**2) / 2
    bound = np.log(size) - InfoNCE(1.0)(log_ratio, np.tile(np.arange(size), (400, 1)))
    truth = -np.log(1 - rho**2) / 2
    assert truth - 0.05 < bound < truth


def test_info_nce_is_cross_entropy_with_a_temperature():
    ours, theirs = InfoNCE(0.3), CrossEntropyFromLogits(temperature=0.3)
    for mine, other in zip(
        (ours.value, ours.gradient, ours.hessian),
        (theirs.value, theirs.gradient, theirs.hessian),
        strict=True,
    ):
        close(mine(COSINES, LABEL), other(COSINES, LABEL))


def test_nt_xent_and_clip_do_not_notice_length_and_order():
    order, lengths = RNG.permutation(20), RNG.exponential(size=(20, 1)) + 0.1
    close(NTXent().value(A[order] * lengths, P[order]), NTXent().value(A, P))
    close(CLIP().value(A[order] * lengths, P[order], 2.0), CLIP().value(A, P, 2.0))
    close(CLIP().value(A, P, 2.0), CLIP().value(P, A, 2.0))


def test_the_negatives_of_nt_xent_are_one_more_than_those_of_clip_and_one_less_than_twice():
    """With all cosines equal only the number of candidates is left."""
    same = np.ones((7, 3))
    close(NTXent().value(same, same), np.log(2 * 7 - 1))
    close(CLIP().value(same, same, 0.0), np.log(7))


def test_clip_learns_its_scale_down_when_pairs_are_wrong():
    right, wrong = np.eye(3), np.eye(3)[[1, 2, 0]]
    assert CLIP().gradient(right, right, 1.0)[2] < 0 < CLIP().gradient(right, wrong, 1.0)[2]


def test_cosine_gradients_turn_vectors_without_stretching_them():
    for loss, inputs in (
        (CosineEmbedding(-1.0), (A, P, np.where(SIMILAR, 1, -1))),
        (NTXent(), (A, P)),
        (CLIP(), (A, P, 1.5)),
    ):
        for x, gradient in zip((A, P), loss.gradient(*inputs), strict=False):
            close(np.sum(x * gradient, axis=-1), np.zeros(20), atol=1e-12)


def test_cosine_embedding_of_known_angles():
    turned = np.array([[1.0, 0.0], [0.0, 2.0], [-3.0, 0.0], [1.0, 1.0]])
    fixed = np.tile([1.0, 0.0], (4, 1))
    close(CosineEmbedding().value(turned, fixed, np.ones(4)), [0, 1, 2, 1 - np.sqrt(0.5)])
    close(CosineEmbedding(0.5).value(turned, fixed, -np.ones(4)), [0.5, 0, 0, np.sqrt(0.5) - 0.5])


def test_cosine_distance_keeps_its_digits_between_almost_equal_vectors():
    for angle in (1e-3, 1e-5, 1e-7):
        value = CosineEmbedding().value([1.0, 0.0], [np.cos(angle), np.sin(angle)], 1)
        close(value, 2 * np.sin(angle / 2) ** 2, rtol=1e-8)


def test_arc_face_without_a_margin_is_a_cross_entropy_of_cosines():
    plain = InfoNCE(1 / 64)
    close(ArcFace(margin=0).value(COSINES, LABEL), plain.value(COSINES, LABEL))
    close(ArcFace(margin=0).gradient(COSINES, LABEL), plain.gradient(COSINES, LABEL))


def test_arc_face_adds_its_margin_to_the_angle():
    margin, scale = 0.5, 8.0
    cosines = np.clip(COSINES, -0.8, 0.9)  # no angle passes pi
    logits = scale * cosines
    rows = np.arange(20)
    logits[rows, LABEL] = scale * np.cos(np.arccos(cosines[rows, LABEL]) + margin)
    theirs = F.cross_entropy(t(logits), t(LABEL), reduction="none")
    close(ArcFace(margin, scale).value(cosines, LABEL), theirs)
    assert np.all(ArcFace(0.5).value(cosines, LABEL) > ArcFace(0.25).value(cosines, LABEL))


def test_circle_is_at_its_target_where_positives_and_negatives_are_far_apart():
    m, scale = 0.25, 256.0
    best = Circle(m, scale).value([1.0, 1.0, 0.0, 0.0], [1, 1, 0, 0])
    # At similarity 1 and 0 the exponents are both -scale m^2.
    close(best, np.log1p(4 * np.exp(-2 * scale * m**2)))
    assert Circle(m, scale).value([0.0, 1.0], [1, 0]) > 400


def test_circle_pulls_hardest_at_what_is_furthest_off():
    gradient = Circle(scale=1.0).gradient([0.9, 0.1, 0.1, 0.9], [1, 1, 0, 0])
    assert gradient[1] < gradient[0] < 0 < gradient[2] < gradient[3]


def test_circle_with_its_weights_written_out():
    s, positive, m, scale = np.array([0.7, -0.2, 0.4, 0.1]), np.array([1, 0, 1, 0]), 0.3, 8.0
    far = sum(np.exp(scale * (x + m) * (x - m)) for x in (-0.2, 0.1))
    near = sum(np.exp(-scale * (1 + m - x) * (x - 1 + m)) for x in (0.7, 0.4))
    close(Circle(m, scale).value(s, positive), np.log(1 + far * near))


# Mining.


def test_semi_hard_negatives_lie_in_the_open_band():
    distances = np.array([[0.5, 1.0, 1.2, 1.5, 2.0], [3.0, 3.1, 3.6, 0.0, 9.0]])
    ours = semi_hard_negatives([1.0, 3.0], distances, margin=0.5)
    assert ours.tolist() == [[False, False, True, False, False], [False, True, False, False, False]]


def test_semi_hard_negatives_cost_less_than_the_margin():
    distance = np.linalg.norm(A - P, axis=-1)
    others = np.linalg.norm(A - N, axis=-1)
    chosen = semi_hard_negatives(distance, others[:, None], margin=1.0)[:, 0]
    values = Triplet(1.0, squared=False).value(A, P, N)
    assert chosen.any() and (~chosen).any()
    assert np.array_equal(chosen, (values > 0) & (values < 1.0))
    tensors = semi_hard_negatives(t(distance), t(others)[:, None], margin=1.0)
    assert tensors[:, 0].tolist() == chosen.tolist()


def test_semi_hard_negatives_of_shapes_that_do_not_match():
    for negatives in (1.0, [1.0, 2.0], [[1.0]] * 3):
        with pytest.raises(ValueError, match=r"positive_distance has shape \(2,\) but"):
            semi_hard_negatives([1.0, 2.0], negatives, 0.5)


# Other libraries. Torch adds 1e-6 to differences before the norm unless told not to, and has wrong
# gradients of the cosine at a zero vector: there it is not asked.


@pytest.mark.parametrize("squared", [False, True])
def test_triplet_agrees_with_torch(squared):
    def distance(u, v):
        return torch.sum((u - v) ** 2, dim=-1) if squared else torch.linalg.norm(u - v, dim=-1)

    theirs = F.triplet_margin_with_distance_loss(
        t(A), t(P), t(N), distance_function=distance, margin=0.7, reduction="none"
    )
    close(Triplet(0.7, squared).value(A, P, N), theirs)
    if not squared:
        theirs = F.triplet_margin_loss(t(A), t(P), t(N), margin=0.7, eps=0, reduction="none")
        close(Triplet(0.7, squared).value(A, P, N), theirs)


def test_info_nce_agrees_with_torch():
    theirs = F.cross_entropy(t(COSINES) / 0.07, t(LABEL), reduction="none")
    close(InfoNCE(0.07).value(COSINES, LABEL), theirs, atol=1e-12)


def test_nt_xent_and_clip_agree_with_torch():
    units = F.normalize(torch.cat([t(A), t(P)]), dim=-1)
    cosines = units @ units.T
    cosines.fill_diagonal_(-torch.inf)
    other = torch.arange(40).roll(20)
    close(NTXent(0.2)(A, P), F.cross_entropy(cosines / 0.2, other))
    logits, pairs = 7.5 * cosines[:20, 20:], torch.arange(20)
    theirs = (F.cross_entropy(logits, pairs) + F.cross_entropy(logits.T, pairs)) / 2
    close(CLIP()(A, P, np.log(7.5)), theirs)


def test_cosine_embedding_agrees_with_torch_and_scipy():
    label = np.where(SIMILAR, 1, -1)
    theirs = F.cosine_embedding_loss(t(A), t(P), t(label), margin=0.2, reduction="none")
    # Torch adds 1e-12 to the squared lengths.
    close(CosineEmbedding(0.2).value(A, P, label), theirs, rtol=1e-10, atol=1e-11)
    distances = [scipy.spatial.distance.cosine(a, p) for a, p in zip(A, P, strict=True)]
    close(CosineEmbedding().value(A, P, np.ones(20)), distances)


def test_every_loss_of_representations_of_the_course_is_here():
    assert {loss.name for loss in lossmath.catalogue("embedding")} == {
        "CLIP",
        "ArcFace",
        "Circle",
        "ContrastivePair",
        "CosineEmbedding",
        "InfoNCE",
        "NTXent",
        "Triplet",
    }


def test_a_circle_of_any_scale_lets_nan_through_quietly():
    loss = Circle(scale=1e6)
    assert np.isnan(loss.value([[np.nan, 2.0, -1.0]], [[1, 0, 1]])).all()
    assert np.isnan(loss.gradient([[np.nan, 2.0, -1.0]], [[1, 0, 1]])).all()
