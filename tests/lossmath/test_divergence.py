"""Laws and limits of divergences and scores, what they elicit, and agreement with other libraries.

Other libraries are no oracle: where one is known to be wrong it is left out, and the line says why.
"""

import numpy as np
import pytest
import scipy.optimize
import scipy.special
import scipy.stats
import sklearn.metrics
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lossmath import (
    BinaryCrossEntropyFromLogits,
    BrierScore,
    CrossEntropyFromLogits,
    CrossEntropyFromProbabilities,
    Distillation,
    ForwardKL,
    GaussianKL,
    GaussianNLL,
    GaussianReconstruction,
    HalfSquaredError,
    KLPenalisedReward,
    LogScore,
    LogSumExp,
    NegativeELBO,
    ReverseKL,
    SoftCrossEntropyFromLogits,
    entropy,
    expected_calibration_error,
    reliability,
)

RNG = np.random.default_rng(2)
P, Q = RNG.dirichlet(np.ones(4), size=(2, 20))
S, T, R = RNG.normal(size=(3, 20, 4)) * 3
LABEL = RNG.integers(4, size=20)
MEAN, LOG_VARIANCE = RNG.normal(size=(2, 20))

logits = arrays(float, 4, elements=st.floats(-20, 20))


def close(ours, theirs, rtol=1e-12, atol=1e-14):
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=rtol, atol=atol)


def softmax(z):
    return scipy.special.softmax(z, axis=-1)


def tensors(*inputs):
    return [torch.tensor(x) for x in inputs]


# Divergences.


@given(logits, logits)
def test_cross_entropy_is_entropy_plus_divergence(a, b):
    p, q = softmax(a), softmax(b)
    close(CrossEntropyFromProbabilities().value(q, p), entropy(p) + ForwardKL().value(q, p))


def test_cross_entropy_is_the_divergence_only_from_certain_targets():
    certain, likely, q = [1.0, 0.0], [0.9, 0.1], [0.6, 0.4]
    both = CrossEntropyFromProbabilities().value, ForwardKL().value
    assert both[0](q, certain) == both[1](q, certain)
    close(both[0](q, likely) - both[1](q, likely), 0.32508297339144820)
    close(entropy(likely), 0.32508297339144820)


@given(logits, logits)
def test_a_divergence_is_at_least_half_the_squared_total_variation(a, b):
    """Pinsker: in particular it is 0 for equal distributions alone."""
    p, q = softmax(a), softmax(b)
    assert ForwardKL().value(q, p) >= np.sum(np.abs(p - q)) ** 2 / 2 - 1e-15
    assert ForwardKL().value(p, p) == ReverseKL().value(p, p) == 0


def test_the_reverse_divergence_exchanges_the_two():
    close(ReverseKL().value(P, Q), ForwardKL().value(Q, P))
    assert not np.allclose(ReverseKL().value(P, Q), ForwardKL().value(P, Q))


def test_through_a_softmax_the_gradient_is_the_difference_of_probabilities():
    p, q = P, softmax(S)
    through = np.einsum("nij,nj->ni", LogSumExp().hessian(S), ForwardKL().gradient(q, p))
    close(through, q - p)
    close(through, SoftCrossEntropyFromLogits().gradient(S, p))


def fitted(loss, gap, start):
    """Mean and width of the Gaussian that is closest to two unit bumps at -gap and gap."""
    x = np.linspace(-30, 30, 6001)
    target = scipy.stats.norm.pdf(x, -gap) + scipy.stats.norm.pdf(x, gap)
    target = target / np.sum(target)

    def distance(parameters):
        bump = scipy.stats.norm.pdf(x, parameters[0], np.exp(parameters[1])) + 1e-200
        return loss.value(bump / np.sum(bump), target)

    best = scipy.optimize.minimize(distance, start, method="Nelder-Mead", tol=1e-9).x
    return best[0], np.exp(best[1])


def test_forward_covers_both_bumps_and_reverse_seeks_one_if_they_are_far_apart():
    close(fitted(ForwardKL(), 5.0, (1.0, 0.0)), (0, np.sqrt(26)), rtol=1e-5, atol=1e-5)
    close(fitted(ReverseKL(), 5.0, (1.0, 0.0)), (5, 1), rtol=1e-3)
    # Bumps as near as this are covered by both.
    close(fitted(ReverseKL(), 2.0, (1.0, 0.0)), (0, 2.047), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("loss", "best"),
    [
        (ForwardKL(), np.mean(P, axis=0)),
        (ReverseKL(), softmax(np.mean(np.log(P), axis=0))),
    ],
    ids=repr,
)
def test_best_constant_distribution(loss, best):
    assert loss.elicits
    constant = np.broadcast_to(best, P.shape).copy()
    slope = loss.gradient(constant, P, reduction="mean").sum(axis=0)
    close(slope, np.full(4, slope[0]), rtol=1e-9)  # no way to move within the simplex helps


def test_distillation_is_a_mixture_of_its_two_ends():
    soft, hard = Distillation(alpha=1), Distillation(alpha=0)
    close(hard.value(S, T, LABEL), CrossEntropyFromLogits().value(S, LABEL))
    close(Distillation(1, alpha=1).value(S, T, LABEL), ForwardKL().value(softmax(S), softmax(T)))
    close(
        Distillation(alpha=0.25).value(S, T, LABEL),
        0.25 * soft.value(S, T, LABEL) + 0.75 * hard.value(S, T, LABEL),
    )
    s, t = tensors(S / 4, T / 4)
    theirs = F.kl_div(F.log_softmax(s, -1), F.log_softmax(t, -1), reduction="none", log_target=True)
    close(soft.value(S, T, LABEL), 16 * theirs.sum(-1))


def test_distillation_at_a_high_temperature_matches_logits():
    gap = (T - S) - np.mean(T - S, axis=-1, keepdims=True)
    loss = Distillation(temperature=1e8, alpha=1)
    close(loss.value(S, T, LABEL), np.mean(gap**2, axis=-1) / 2, rtol=1e-6)


def test_distillation_keeps_its_digits_in_half_precision():
    s, t = (x.astype(np.float16) for x in (S, T))
    exact = Distillation(20, 1).value(s.astype(float), t.astype(float), LABEL)
    close(Distillation(20, 1).value(s, t, LABEL), exact, rtol=1e-2)


def test_the_best_policy_is_the_reference_tilted_by_the_reward():
    loss = KLPenalisedReward(beta=0.5)
    best = T + R / 0.5
    close(loss.gradient(best, T, R), np.zeros_like(T), atol=1e-12)
    close(loss.value(best, T, R), -0.5 * np.log(np.sum(softmax(T) * np.exp(R / 0.5), axis=-1)))
    assert np.all(loss.value(best, T, R) < loss.value(S, T, R))


def test_the_penalty_is_the_reverse_divergence():
    loss = KLPenalisedReward(beta=0.5)
    close(loss.value(S, T, 0 * R), 0.5 * ReverseKL().value(softmax(S), softmax(T)))
    close(KLPenalisedReward(beta=0).value(S, T, R), -np.sum(softmax(S) * R, axis=-1))


# Latent variables.


def test_gaussian_divergence_agrees_with_torch():
    mean, log_variance = tensors(MEAN, LOG_VARIANCE)
    ours = torch.distributions.Normal(mean, torch.exp(log_variance / 2))
    theirs = torch.distributions.kl_divergence(ours, torch.distributions.Normal(0.0, 1.0))
    close(GaussianKL().value(MEAN, LOG_VARIANCE), theirs)


def elbo(x, mean, log_variance):
    """The loss for z ~ N(0, 1) and x|z ~ N(z, 1), whose expected log-likelihood is known."""
    log_likelihood = -(np.log(2 * np.pi) + (x - mean) ** 2 + np.exp(log_variance)) / 2
    return NegativeELBO().value(log_likelihood, [mean], [log_variance])


def test_the_bound_holds_and_is_tight_at_the_posterior():
    x = 1.7
    evidence = scipy.stats.norm.logpdf(x, scale=np.sqrt(2))
    close(elbo(x, x / 2, np.log(0.5)), -evidence)
    for mean, log_variance in zip(MEAN, LOG_VARIANCE, strict=True):
        assert elbo(x, mean, log_variance) > -evidence


def test_the_bound_weighs_its_two_terms_and_can_be_negative():
    values = [NegativeELBO(b).value(5.0, [0.5, 1.0], [0.0, 0.0]) for b in (0, 1, 4)]
    close(values, [-5, -5 + 0.625, -5 + 4 * 0.625])


def test_reconstruction_is_gaussian_likelihood_without_its_constant():
    variance = np.full_like(MEAN, 0.49)
    theirs = GaussianNLL().value(MEAN, variance, LOG_VARIANCE)
    ours = GaussianReconstruction(0.7).value(MEAN, LOG_VARIANCE)
    close(ours + np.log(2 * np.pi * 0.49) / 2, theirs)
    close(GaussianReconstruction().value(S, T), HalfSquaredError().value(S, T))


def test_the_least_bernoulli_reconstruction_of_grey_is_its_entropy():
    y = 0.9
    best = BinaryCrossEntropyFromLogits().value(np.log(y / (1 - y)), y)
    close(best, entropy([y, 1 - y]))
    assert round(float(best), 3) == 0.325


# Scores.


@given(logits, logits)
def test_the_scores_are_strictly_proper(a, b):
    true, report = softmax(a), softmax(b)
    event = np.arange(4)
    for score in (
        lambda p: LogScore().value(np.tile(p, (4, 1)), event),
        lambda p: np.sum(BrierScore().value(np.tile(p, (4, 1)), np.eye(4)), axis=-1),
    ):
        lost = true @ (score(report) - score(true))
        assert lost >= -1e-12
        if np.max(np.abs(true - report)) > 1e-3:
            assert lost > 1e-7


def test_log_score_is_cross_entropy_of_a_certain_target():
    ours, theirs = LogScore(), CrossEntropyFromProbabilities()
    close(ours.value(P, LABEL), theirs.value(P, np.eye(4)[LABEL]))
    close(ours.value(P, LABEL).mean(), sklearn.metrics.log_loss(LABEL, P, labels=range(4)))


def test_brier_score_agrees_with_sklearn():
    probability, outcome = P[:, 0], (LABEL == 0).astype(float)
    theirs = sklearn.metrics.brier_score_loss(outcome, probability)
    close(BrierScore()(probability, outcome), theirs)


def test_calibration_error_by_hand():
    confidence = [0.1, 0.15, 0.55, 0.5, 1.0]
    correct = [0, 1, 1, 0, 1]
    # Bins [0, 0.5) and [0.5, 1]: |1 - 0.25| and |2 - 2.05|, over five forecasts.
    close(expected_calibration_error(confidence, correct, bins=2), (0.75 + 0.05) / 5)
    table = reliability(confidence, correct, bins=4)
    assert table.count.tolist() == [2, 0, 2, 1]
    close(table.confidence, [0.125, np.nan, 0.525, 1.0])
    close(table.accuracy, [0.5, np.nan, 0.5, 1.0])


def test_calibration_error_with_edges_on_every_bin():
    """Every forecast lands in a bin, and in the one that begins with it."""
    for bins in (1, 5, 7, 10, 15, 50, 100):
        edges = np.arange(bins + 1) / bins
        count = reliability(edges, np.zeros(bins + 1), bins).count
        assert count.tolist() == [1] * (bins - 1) + [2]
        close(expected_calibration_error(edges, np.zeros(bins + 1), bins), 0.5)


def test_calibration_error_of_calibrated_forecasts_is_sampling_noise():
    confidence = RNG.uniform(size=100_000)
    correct = RNG.uniform(size=100_000) < confidence
    assert expected_calibration_error(confidence, correct) < 0.01
    assert expected_calibration_error(np.sqrt(confidence), correct) > 0.1
    assert expected_calibration_error([], []) == 0


def test_calibration_error_keeps_namespace_and_dtype():
    confidence = torch.tensor([0.25, 1.0], dtype=torch.float32)
    error = expected_calibration_error(confidence, torch.tensor([True, False]))
    assert error.dtype == torch.float32 and error == torch.tensor((0.75 + 1) / 2)


@pytest.mark.parametrize(
    ("confidence", "correct", "bins", "message"),
    [
        ([0.5, 1.5], [0, 1], 15, r"confidence must lie in \[0, 1\]"),
        ([0.5, 0.5], [0, 2], 15, r"correct must lie in \[0, 1\]"),
        ([0.5, 0.5], [1], 15, r"\(2,\) and correct \(1,\)"),
        ([[0.5]], [[1]], 15, r"\(1, 1\)"),
        ([0.5], [1], 0, "bins=0 must be a whole number"),
        ([0.5], [1], 2.5, "bins=2.5 must be a whole number"),
    ],
)
def test_calibration_error_refuses(confidence, correct, bins, message):
    with pytest.raises(ValueError, match=message):
        expected_calibration_error(confidence, correct, bins)


# Log-sum-exp and entropy.


@given(logits, st.floats(-1e3, 1e3))
def test_log_sum_exp_shifts_along_and_bounds_the_maximum(z, shift):
    value = LogSumExp().value(z)
    assert np.max(z) <= value <= np.max(z) + np.log(4) + 1e-14
    close(LogSumExp().value(z + shift), value + shift, atol=1e-12)
    close(value, scipy.special.logsumexp(z))
    close(LogSumExp().gradient(z), softmax(z))


def test_entropy_agrees_with_scipy_and_refuses_what_is_no_distribution():
    close(entropy(P), scipy.stats.entropy(P, axis=-1))
    assert entropy(np.full(8, 1 / 8)) == pytest.approx(np.log(8))
    with pytest.raises(ValueError, match="probabilities must lie in the simplex"):
        entropy([0.5, 0.6])


# Other libraries. torch.nn.functional.kl_div gives NaN where both are 0 and is left out there.


def test_divergence_agrees_with_scipy_and_torch():
    p = P.copy()
    p[:, 0] = 0
    p = p / np.sum(p, axis=-1, keepdims=True)
    close(ForwardKL().value(Q, p), np.sum(scipy.special.rel_entr(p, Q), axis=-1))
    q, target = tensors(Q, p)
    close(ForwardKL()(Q, p), F.kl_div(torch.log(q), target, reduction="batchmean"))


def test_an_infinite_variance_is_infinitely_far():
    assert GaussianKL().value(0.0, np.inf) == np.inf


def test_distillation_pulls_gently_at_a_high_temperature():
    student, teacher, temperature = np.array([3e-3, -2e-3, 1e-3]), np.zeros(3), 1e6
    gradient = Distillation(temperature, alpha=1.0).gradient(student, teacher, 0)
    np.testing.assert_allclose(gradient, (student - student.mean()) / 3, rtol=1e-8)


def test_distillation_from_a_sure_teacher_to_a_sure_student():
    gradient = Distillation(1.0, alpha=1.0).gradient([50.0, 0.0], [90.0, 0.0], 0)
    np.testing.assert_allclose(gradient, [-np.exp(-50), np.exp(-50)], rtol=1e-14)
    hard = Distillation(1.0, alpha=0.0).gradient([50.0, 0.0], [0.0, 0.0], 0)
    np.testing.assert_allclose(hard, [-np.exp(-50), np.exp(-50)], rtol=1e-14)
