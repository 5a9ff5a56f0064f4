"""Laws of the classification losses, what they elicit, and agreement with other libraries.

Other libraries are no oracle: where one is known to be wrong it is left out, and the line says why.
"""

import math

import numpy as np
import pytest
import sklearn.metrics as sk
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

import lossmath
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
    hard_examples,
    ordinal_levels,
    perplexity,
)
from lossmath.arrays import log_softmax, sigmoid, softmax
from lossmath.check import CHECKS

RNG = np.random.default_rng(2)
Z = RNG.normal(size=40) * 3
SOFT = RNG.uniform(size=40)
SIGN = RNG.choice([-1.0, 1.0], size=40)
LOGITS = RNG.normal(size=(30, 5)) * 3
LABELS = RNG.integers(5, size=30)
TARGETS = RNG.dirichlet(np.ones(5), size=30)
WEIGHTS = np.array([0.5, 1.0, 2.0, 0.25, 3.0])

scores = st.floats(-50, 50)
rows = st.lists(st.floats(-20, 20), min_size=2, max_size=6)


def close(ours, theirs, rtol=1e-12):
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=rtol, atol=1e-14)


def best(loss, share, *, low=-20.0, high=20.0):
    """The constant at which the mean gradient vanishes, for this share of the positive label."""
    negative = 0.0 if loss.arguments[1].name == "target" else -1.0
    for _ in range(100):
        middle = (low + high) / 2
        slope = share * loss.gradient(middle, 1.0) + (1 - share) * loss.gradient(middle, negative)
        low, high = (middle, high) if slope < 0 else (low, middle)
    return middle


# Options that sliders do not reach.


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("cls", [CrossEntropyFromLogits, SoftCrossEntropyFromLogits])
@pytest.mark.parametrize(
    "options", [{}, {"label_smoothing": 0.2, "temperature": 3.0}], ids=["plain", "smooth"]
)
def test_promises_with_class_weights(cls, options, check):
    check(cls(class_weights=(0.5, 2.0, 0.0), **options))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_promises_of_squared_and_normalised_weston_watkins(check):
    check(WestonWatkinsHinge(margin=2.0, power=2, normalize=True))


# The same loss in other words.


@given(scores)
def test_logistic_is_binary_cross_entropy(s):
    bce = BinaryCrossEntropyFromLogits()
    close(Logistic().value(s, 1), bce.value(s, 1.0))
    close(Logistic().value(s, -1), bce.value(s, 0.0))
    close(Logistic().gradient(s, -1), bce.gradient(s, 0.0))


@given(st.floats(-10, 10), st.floats(0, 1))
def test_binary_cross_entropy_of_logits_and_of_probabilities_agree(z, y):
    p = sigmoid(np.array(z))
    close(
        BinaryCrossEntropyFromLogits().value(z, y),
        BinaryCrossEntropyFromProbabilities().value(p, y),
        1e-10,
    )
    close(
        BinaryCrossEntropyFromLogits().gradient(z, y),
        BinaryCrossEntropyFromProbabilities().gradient(p, y) * p * (1 - p),
        1e-10,
    )


@given(scores, st.floats(0, 1))
def test_two_classes_are_the_binary_case(z, y):
    close(
        SoftCrossEntropyFromLogits().value([z, 0.0], [y, 1 - y]),
        BinaryCrossEntropyFromLogits().value(z, y),
    )


def test_cross_entropies_agree():
    ours = CrossEntropyFromLogits().value(LOGITS, LABELS)
    close(ours, SoftCrossEntropyFromLogits().value(LOGITS, np.eye(5)[LABELS]))
    close(ours, NegativeLogLikelihood().value(log_softmax(LOGITS), LABELS))
    close(ours, CrossEntropyFromProbabilities().value(softmax(LOGITS), np.eye(5)[LABELS]), 1e-10)


@given(scores, scores)
def test_multiclass_hinges_of_two_classes_are_the_hinge(a, b):
    for loss in (WestonWatkinsHinge(), CrammerSingerHinge()):
        close(loss.value([a, b], 0), Hinge().value(a - b, 1))
        close(loss.value([a, b], 1), Hinge().value(a - b, -1))


@given(st.floats(0, 1))
def test_ranked_probability_score_of_two_classes_is_the_squared_error(p):
    close(RankedProbabilityScore().value([1 - p, p], 1), (p - 1) ** 2)


@given(scores, st.floats(0, 1))
def test_one_threshold_is_binary_cross_entropy(z, y):
    close(CumulativeLink().value([z], [y]), BinaryCrossEntropyFromLogits().value(z, y))


# Laws of cross-entropy.


@given(rows, st.integers(0, 1), st.floats(-20, 20))
def test_a_common_shift_of_the_logits_changes_nothing(z, label, shift):
    loss = CrossEntropyFromLogits()
    close(loss.value(np.array(z) + shift, label), loss.value(z, label), 1e-10)
    close(loss.gradient(z, label).sum(), 0)


@given(rows)
def test_hessian_of_cross_entropy_knows_no_direction_of_equal_logits(z):
    hessian = CrossEntropyFromLogits().hessian(z, 0)
    close(hessian @ np.ones(len(z)), np.zeros(len(z)))
    close(hessian, hessian.T)
    assert np.linalg.eigvalsh(hessian).min() > -1e-14


def test_curvature_vanishes_with_confidence():
    loss = CrossEntropyFromLogits()
    flat, sure = (np.linalg.eigvalsh(loss.hessian(z, 0)) for z in ([0.0] * 3, [10.0, 0.0, 0.0]))
    close(flat, [0, 1 / 3, 1 / 3])
    close(sure, [0, 4.54e-5, 1.36e-4], 5e-3)


def test_soft_cross_entropy_is_least_at_the_target_and_then_its_entropy():
    loss, z = SoftCrossEntropyFromLogits(), np.log(TARGETS)
    close(loss.value(z, TARGETS), -np.sum(TARGETS * np.log(TARGETS), axis=-1))
    close(loss.gradient(z, TARGETS), np.zeros_like(z))
    assert np.all(loss.value(LOGITS, TARGETS) >= loss.value(z, TARGETS))
    close(loss.value(np.log([0.9, 0.1]), [0.9, 0.1]), 0.325, 1e-3)


@given(st.floats(0.01, 0.5), st.integers(2, 20))
def test_smoothing_has_a_finite_best_lead(share, classes):
    z = np.zeros(classes)
    z[0] = math.log(1 + (1 - share) * classes / share)
    close(CrossEntropyFromLogits(label_smoothing=share).gradient(z, 0), np.zeros(classes))


def test_best_lead_of_ten_classes():
    z = np.zeros(10)
    z[0] = 4.511
    gradient = CrossEntropyFromLogits(label_smoothing=0.1).gradient(z, 0)
    assert np.abs(gradient).max() < 1e-4


def test_binary_smoothing_is_that_of_two_classes():
    binary = BinaryCrossEntropyFromLogits(label_smoothing=0.2)
    both = CrossEntropyFromLogits(label_smoothing=0.2)
    pairs = np.stack([np.zeros_like(Z), Z], axis=-1)
    close(binary.value(Z, SIGN > 0), both.value(pairs, (SIGN > 0).astype(int)))


@pytest.mark.parametrize("temperature", [0.25, 1.0, 4.0])
def test_temperature_divides_the_logits(temperature):
    cold, plain = CrossEntropyFromLogits(temperature=temperature), CrossEntropyFromLogits()
    close(cold.value(LOGITS, LABELS), plain.value(LOGITS / temperature, LABELS))
    p = softmax(LOGITS / temperature)
    close(cold.gradient(LOGITS, LABELS), (p - np.eye(5)[LABELS]) / temperature, 1e-10)


def test_weights_of_classes_are_weights_of_examples():
    ours = CrossEntropyFromLogits(class_weights=tuple(WEIGHTS))(LOGITS, LABELS)
    close(ours, CrossEntropyFromLogits()(LOGITS, LABELS, weights=WEIGHTS[LABELS]))


# Laws of the others.


@given(scores)
def test_what_bounds_the_zero_one_loss(m):
    wrong = ZeroOne().value(m, 1)
    assert Hinge().value(m, 1) >= wrong
    assert SquaredHinge().value(m, 1) >= wrong
    assert Logistic().value(m, 1) / math.log(2) >= wrong * (1 - 1e-15)


def test_the_logistic_loss_itself_does_not():
    assert Logistic().value(0.0, 1) < ZeroOne().value(0.0, 1)


@given(rows, st.integers(0, 1))
def test_weston_watkins_lies_between_one_and_all_rivals_of_crammer_singer(s, label):
    one, all_of_them = CrammerSingerHinge().value(s, label), WestonWatkinsHinge().value(s, label)
    assert one <= all_of_them * (1 + 1e-12)
    assert all_of_them <= (len(s) - 1) * one * (1 + 1e-12)


def test_the_order_of_the_classes_matters_only_if_they_are_ordered():
    order = np.array([3, 1, 4, 0, 2])
    where = np.argsort(order)
    for loss in (CrossEntropyFromLogits(), WestonWatkinsHinge(), CrammerSingerHinge()):
        close(loss.value(LOGITS[:, order], where[LABELS]), loss.value(LOGITS, LABELS))
    near, far = np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0])
    assert RankedProbabilityScore().value(near, 0) == 1
    assert RankedProbabilityScore().value(far, 0) == 2


@pytest.mark.parametrize(("p_t", "less"), [(0.9, 100), (0.968377, 1000), (0.99, 10000)])
def test_how_much_less_easy_examples_count_in_the_focal_loss(p_t, less):
    z = math.log(p_t / (1 - p_t))
    plain = BinaryCrossEntropyFromLogits().value(z, 1.0)
    close(plain / BinaryFocal(gamma=2, balanced=False).value(z, 1.0), less, 1e-4)


def test_alpha_weighs_the_labels():
    loss, plain = BinaryFocal(alpha=0.8), BinaryFocal(balanced=False)
    close(loss.value(Z, np.ones(40)), 0.8 * plain.value(Z, np.ones(40)))
    close(loss.value(Z, np.zeros(40)), 0.2 * plain.value(Z, np.zeros(40)))


def test_gradient_of_squared_error_vanishes_on_the_flat_tail():
    close(SigmoidSquaredError().gradient(-20.0, 1.0), -4.1e-9, 1e-2)
    close(BinaryCrossEntropyFromLogits().gradient(-20.0, 1.0), -1, 1e-8)


def test_zero_one_counts_mistakes_and_undecided_scores():
    assert ZeroOne().value([2.0, -2.0, 0.0, 0.0], [1, 1, 1, -1]).tolist() == [0, 1, 1, 1]


# What they elicit.


@pytest.mark.parametrize("share", [0.02, 0.3, 0.5, 0.9])
def test_what_binary_losses_elicit(share):
    log_odds = math.log(share / (1 - share))
    for loss in (Logistic(), BinaryCrossEntropyFromLogits(), SigmoidSquaredError()):
        close(best(loss, share), log_odds, 1e-9)
    close(best(SquaredHinge(), share), 2 * share - 1, 1e-9)
    close(best(BinaryCrossEntropyFromProbabilities(), share, low=0.0, high=1.0), share, 1e-9)
    shifted = best(BinaryCrossEntropyFromLogits(pos_weight=4), share)
    close(shifted, log_odds + math.log(4), 1e-9)


@pytest.mark.parametrize("share", [0.51, 0.99])
def test_the_hinge_elicits_the_more_frequent_label_and_no_probability(share):
    close(best(Hinge(), share), 1)
    close(best(Hinge(), 1 - share), -1)


@pytest.mark.parametrize(("gamma", "elicited"), [(0, 0.9), (2, 0.694), (5, 0.597)])
def test_the_focal_loss_elicits_no_probability(gamma, elicited):
    logit = best(BinaryFocal(gamma, balanced=False), 0.9)
    close(sigmoid(np.array(logit)), elicited, 1e-3)


def test_what_multiclass_losses_elicit():
    frequencies = np.array([0.5, 0.25, 0.125, 0.125])
    labels = np.arange(4)

    def slope(loss, prediction):
        gradient = loss.gradient(np.tile(prediction, (4, 1)), labels)
        return frequencies @ gradient

    close(slope(CrossEntropyFromLogits(), np.log(frequencies) + 7), np.zeros(4))
    # On the simplex a gradient is zero when it is the same in every direction that leaves the sum.
    ranked = slope(RankedProbabilityScore(), frequencies)
    close(ranked, np.full(4, ranked[0]))
    expected = CrossEntropyFromProbabilities().gradient(frequencies, frequencies)
    close(expected, np.full(4, -1.0))


# What goes with them.


def test_ordinal_levels():
    levels = ordinal_levels([0, 2, 3], classes=4)
    assert levels.tolist() == [[False] * 3, [True, True, False], [True] * 3]
    logits = RNG.normal(size=(3, 3))
    assert CumulativeLink().value(logits, levels).shape == (3,)
    assert ordinal_levels(torch.tensor(1), 3).tolist() == [True, False]


def test_levels_of_growing_labels_rise_with_the_score():
    thresholds = np.array([2.0, 0.0, -2.0])
    losses = [
        CumulativeLink().value(score + thresholds, ordinal_levels(2, 4))
        for score in (-4.0, 0.0, 1.0)
    ]
    assert losses[0] > losses[1] > losses[2]


def test_perplexity_is_the_number_of_equally_likely_tokens():
    close(perplexity(np.zeros((6, 12)), np.arange(6)), 12)
    nats = CrossEntropyFromLogits()(LOGITS, LABELS)
    close(perplexity(LOGITS, LABELS), np.exp(nats))
    close(perplexity(torch.tensor(LOGITS), torch.tensor(LABELS)), np.exp(nats))


@pytest.mark.parametrize(("share", "chosen"), [(0.3, 2), (0.4, 2), (0.5, 3), (1, 5), (1e-9, 1)])
def test_hard_examples_are_the_largest_values(share, chosen):
    values = np.array([0.5, 3.0, 0.1, 2.0, 1.0])
    mask = hard_examples(values, share)
    assert mask.sum() == chosen
    assert values[mask].min() >= values[~mask].max(initial=0)
    assert hard_examples(torch.tensor(values), share).tolist() == mask.tolist()


def test_hard_examples_of_ties_and_shapes():
    assert hard_examples(np.ones((2, 3)), 0.5).sum() == 3
    assert hard_examples(np.ones((2, 3)), 0.5).shape == (2, 3)
    assert hard_examples([7.0], 1).tolist() == [True]
    for share in (0, -0.5, 1.5, math.nan):
        with pytest.raises(ValueError, match=r"share=.* must lie in \(0, 1\]"):
            hard_examples([1.0], share)


def test_mining_averages_the_hardest():
    values = CrossEntropyFromLogits().value(LOGITS, LABELS)
    hardest = CrossEntropyFromLogits()(LOGITS, LABELS, mask=hard_examples(values, 0.2))
    close(hardest, np.sort(values)[-6:].mean())


# Other libraries.


def test_torch_agrees_on_binary_losses():
    # Targets stay away from the tails, where torch returns 0 for 8.5e-17.
    z, y = torch.tensor(Z), torch.tensor(SOFT)
    close(
        BinaryCrossEntropyFromLogits().value(z, y),
        F.binary_cross_entropy_with_logits(z, y, reduction="none"),
    )
    close(
        BinaryCrossEntropyFromLogits(pos_weight=3)(z, y),
        F.binary_cross_entropy_with_logits(z, y, pos_weight=torch.tensor(3.0)),
    )
    # At a probability of 0 or 1 torch clamps the logarithm at -100.
    p = torch.sigmoid(z)
    close(BinaryCrossEntropyFromProbabilities()(p, y), F.binary_cross_entropy(p, y))
    close(Logistic()(z, torch.tensor(SIGN)), F.soft_margin_loss(z, torch.tensor(SIGN)))


@pytest.mark.parametrize("share", [0.0, 0.1])
def test_torch_agrees_on_cross_entropy(share):
    z, labels, weights = map(torch.tensor, (LOGITS, LABELS, WEIGHTS))
    loss = CrossEntropyFromLogits(label_smoothing=share)
    close(loss(z, labels), F.cross_entropy(z, labels, label_smoothing=share))
    some = torch.where(labels == 2, -100, labels)
    close(
        loss(z, some, ignore_index=-100),
        F.cross_entropy(z, some, ignore_index=-100, label_smoothing=share),
    )
    soft = torch.tensor(TARGETS)
    options = {"label_smoothing": share, "reduction": "none"}
    close(
        SoftCrossEntropyFromLogits(share, class_weights=WEIGHTS).value(z, soft),
        F.cross_entropy(z, soft, weights, **options),
    )
    close(
        CrossEntropyFromLogits(share, class_weights=WEIGHTS).value(z, labels),
        F.cross_entropy(z, labels, weights, **options),
    )


def test_torch_agrees_on_scores_and_log_probabilities():
    z, labels = torch.tensor(LOGITS), torch.tensor(LABELS)
    log_p = torch.log_softmax(z, -1)
    close(NegativeLogLikelihood()(log_p, labels), F.nll_loss(log_p, labels))
    for power in (1, 2):
        loss = WestonWatkinsHinge(margin=0.5, power=power, normalize=True)
        close(loss(z, labels), F.multi_margin_loss(z, labels, p=power, margin=0.5))


def test_sklearn_agrees():
    close(ZeroOne()(Z, SIGN), sk.zero_one_loss(SIGN, np.sign(Z)))
    close(Hinge()(Z, SIGN), sk.hinge_loss(SIGN, Z))
    p = sigmoid(Z)
    close(BinaryCrossEntropyFromProbabilities()(p, SIGN > 0), sk.log_loss(SIGN > 0, p))
    close(CrammerSingerHinge()(LOGITS, LABELS), sk.hinge_loss(LABELS, LOGITS))
    close(
        CrossEntropyFromProbabilities()(softmax(LOGITS), np.eye(5)[LABELS]),
        sk.log_loss(LABELS, softmax(LOGITS)),
    )


@pytest.mark.parametrize("target", [0.0, 0.25, 1.0])
@pytest.mark.parametrize("logit", [0.0, 1.5, -800.0])
@pytest.mark.parametrize(
    "loss", [BinaryCrossEntropyFromLogits(), BinaryFocal(), BinaryFocal(gamma=0.5)], ids=repr
)
def test_autograd_may_be_applied_twice(loss, logit, target):
    z, y = torch.tensor([logit, target], dtype=torch.float64)
    twice = torch.autograd.functional.hessian(lambda z: loss.value(z, y), z)
    torch.testing.assert_close(twice, loss.hessian(z, y), rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focal_loss_of_an_infinite_logit(gamma):
    loss, logit, target = BinaryFocal(gamma), np.array([np.inf, -np.inf]), np.array([1.0, 0.0])
    assert loss.value(logit, target).tolist() == loss.gradient(logit, target).tolist() == [0, 0]
    assert loss.hessian(logit, target).tolist() == [0, 0]
    assert loss.value(-logit, target).tolist() == [np.inf, np.inf]
    assert loss.gradient(-logit, target).tolist() == [-0.25, 0.75]


def test_levels_of_labels_that_are_none():
    for label in (-1, 3):
        with pytest.raises(ValueError, match=rf"label={label} must lie in \[0, 2\]"):
            lossmath.ordinal_levels([0, label], 3)
    with pytest.raises(TypeError, match="label has dtype float64 but must hold integer labels"):
        lossmath.ordinal_levels([0.5], 3)


@pytest.mark.parametrize("loss", [SoftCrossEntropyFromLogits(), lossmath.LogSumExp()], ids=repr)
def test_scores_of_no_class_at_all(loss):
    with pytest.raises(ValueError, match=r"has shape \(2, 0\) but its last axis must not be empty"):
        loss.value(*[np.zeros((2, 0)) for _ in loss.arguments])
