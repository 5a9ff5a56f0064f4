"""Laws and limits of the regression losses, what they elicit, and agreement with other libraries.

Other libraries are no oracle: where one is known to be wrong it is left out, and the line says why.
"""

import numpy as np
import pytest
import scipy.optimize
import scipy.special
import scipy.stats
import sklearn.metrics as sk
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

import lossmath
from lossmath import (
    AbsoluteError,
    GaussianNLL,
    HalfSquaredError,
    Huber,
    LaplaceNLL,
    LogCosh,
    MeanAbsolutePercentageError,
    MeanSquaredLogError,
    PoissonNLL,
    PseudoHuber,
    Quantile,
    RootMeanSquaredError,
    SmoothL1,
    SquaredError,
    StudentTNLL,
)

RNG = np.random.default_rng(1)
P, Y = RNG.normal(size=(2, 40)) * 3
V = RNG.exponential(size=40) + 0.1
COUNTS = RNG.poisson(4, size=40).astype(float)

residuals = st.floats(-1e6, 1e6).filter(lambda r: r == 0 or abs(r) > 1e-100)
widths = st.floats(1e-3, 1e3)


def close(ours, theirs, rtol=1e-12):
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=rtol, atol=1e-14)


# Laws and limits.


@given(residuals, st.floats(0.01, 0.99))
def test_opposite_quantiles_add_up_to_the_absolute_error(r, tau):
    close(Quantile(tau).value(r, 0.0) + Quantile(1 - tau).value(r, 0.0), abs(r))
    close(Quantile(tau).value(r, 0.0), Quantile(1 - tau).value(-r, 0.0))


@given(residuals, widths)
def test_smooth_l1_is_huber_over_its_threshold(r, width):
    close(SmoothL1(width).value(r, 0.0) * width, Huber(width).value(r, 0.0))
    close(SmoothL1(width).gradient(r, 0.0) * width, Huber(width).gradient(r, 0.0))


@given(residuals, widths, st.floats(1e-2, 1e2))
def test_scaling_targets_and_threshold_together_scales_by_the_square(r, width, scale):
    for family in (Huber, PseudoHuber):
        scaled = family(width * scale).value(r * scale, 0.0)
        close(scaled, scale**2 * family(width).value(r, 0.0), rtol=1e-11)


def test_huber_runs_from_absolute_to_half_squared_error():
    close(Huber(1e-9).value(P, Y) / 1e-9, AbsoluteError().value(P, Y), rtol=1e-6)
    close(Huber(1e9).value(P, Y), HalfSquaredError().value(P, Y))
    close(PseudoHuber(1e-9).value(P, Y) / 1e-9, AbsoluteError().value(P, Y), rtol=1e-6)
    close(PseudoHuber(1e9).value(P, Y), HalfSquaredError().value(P, Y))
    close(SmoothL1(0).value(P, Y), AbsoluteError().value(P, Y))


@given(residuals)
def test_log_cosh_lies_between_its_two_limits(r):
    value = LogCosh().value(r, 0.0)
    assert max(0.0, abs(r) - np.log(2)) <= value <= min(r * r / 2, abs(r))


@given(residuals, widths)
def test_pseudo_huber_lies_below_huber_and_half_square(r, width):
    value = PseudoHuber(width).value(r, 0.0)
    assert value <= Huber(width).value(r, 0.0) * (1 + 1e-12)


def test_likelihoods_contain_the_errors_they_are_named_after():
    fixed = np.full_like(Y, 1.0)
    gap = GaussianNLL().value(P, fixed, Y) - HalfSquaredError().value(P, Y)
    close(gap, np.full_like(Y, np.log(2 * np.pi) / 2))
    close(GaussianNLL(full=False).value(P, fixed, Y), HalfSquaredError().value(P, Y))
    close(LaplaceNLL().value(P, fixed, Y), AbsoluteError().value(P, Y) + np.log(2))
    close(StudentTNLL(degrees=1e9).value(P, Y), GaussianNLL().value(P, fixed, Y), rtol=1e-6)


def test_root_of_the_mean_square():
    close(RootMeanSquaredError()(P, Y) ** 2, SquaredError()(P, Y))
    columns = P.reshape(8, 5), Y.reshape(8, 5)
    loss = RootMeanSquaredError(over="per_output")
    close(
        loss.value(*columns),
        [RootMeanSquaredError()(p, y) for p, y in zip(*map(np.transpose, columns), strict=True)],
    )
    tensor = torch.tensor(columns[0], requires_grad=True)
    loss(tensor, torch.tensor(columns[1])).backward()
    close(loss.gradient(*columns, reduction="mean"), tensor.grad)


def test_log_error_charges_more_for_predicting_too_little():
    low, high = MeanSquaredLogError().value([5.0, 15.0], [10.0, 10.0])
    assert (round(low, 3), round(high, 3)) == (0.367, 0.140)


def test_percentage_error_of_zero_is_one_however_large_the_target():
    close(MeanAbsolutePercentageError().value([0.0, 0.0], [1e-3, 1e9]), [1, 1])
    close(MeanAbsolutePercentageError(scale=100).value(110.0, 100.0), 10.0)


# What the best constant prediction is.

TARGETS = RNG.gamma(2.0, size=301)
WEIGHTED = np.sort(TARGETS)[np.searchsorted(np.cumsum(w := 1 / np.sort(TARGETS)), w.sum() / 2)]


@pytest.mark.parametrize(
    ("loss", "functional"),
    [
        (SquaredError(), np.mean(TARGETS)),
        (HalfSquaredError(), np.mean(TARGETS)),
        (RootMeanSquaredError(), np.mean(TARGETS)),
        (AbsoluteError(), np.median(TARGETS)),
        (Quantile(0.9), np.quantile(TARGETS, 0.9, method="inverted_cdf")),
        (Quantile(0.1), np.quantile(TARGETS, 0.1, method="inverted_cdf")),
        (MeanSquaredLogError(), np.expm1(np.mean(np.log1p(TARGETS)))),
        (MeanAbsolutePercentageError(), WEIGHTED),
        (PoissonNLL(), np.log(np.mean(TARGETS))),
    ],
    ids=repr,
)
def test_best_constant(loss, functional):
    assert loss.elicits
    best = scipy.optimize.minimize_scalar(
        lambda constant: loss(np.full_like(TARGETS, constant), TARGETS),
        bounds=(-0.9, 10),
        method="bounded",
        options={"xatol": 1e-10},
    )
    np.testing.assert_allclose(best.x, functional, atol=1e-6)


# Agreement with other libraries.

PEERS = {
    "torch mse": (SquaredError(), lambda: F.mse_loss(t(P), t(Y), reduction="none")),
    "torch l1": (AbsoluteError(), lambda: F.l1_loss(t(P), t(Y), reduction="none")),
    "torch huber": (Huber(0.7), lambda: F.huber_loss(t(P), t(Y), delta=0.7, reduction="none")),
    "torch smooth": (
        SmoothL1(0.7),
        lambda: F.smooth_l1_loss(t(P), t(Y), beta=0.7, reduction="none"),
    ),
    "scipy huber": (Huber(0.7), lambda: scipy.special.huber(0.7, P - Y)),
    "scipy pseudo-huber": (PseudoHuber(0.7), lambda: scipy.special.pseudo_huber(0.7, P - Y)),
    "scipy t": (StudentTNLL(3, 2), lambda: -scipy.stats.t.logpdf(Y, 3, loc=P, scale=2)),
}


def t(x):
    return torch.tensor(x)


@pytest.mark.parametrize("peer", PEERS)
def test_elementwise_peers(peer):
    loss, theirs = PEERS[peer]
    close(loss.value(P, Y), theirs())


def test_scipy_distributions():
    normal = scipy.stats.norm.logpdf(Y, loc=P, scale=np.sqrt(V))
    close(GaussianNLL().value(P, V, Y), -normal)
    close(LaplaceNLL().value(P, V, Y), -scipy.stats.laplace.logpdf(Y, loc=P, scale=V))
    close(PoissonNLL().value(P, COUNTS), -scipy.stats.poisson.logpmf(COUNTS, np.exp(P)))


def test_torch_likelihoods():
    # Variances stay far above 1e-6, where torch clamps in silence.
    ours = GaussianNLL().value(P, V, Y)
    close(ours, F.gaussian_nll_loss(t(P), t(Y), t(V), full=True, reduction="none"))
    # full=True is left out: torch takes Stirling's approximation of the factorial.
    ours = PoissonNLL(full=False).value(P, COUNTS)
    close(ours, F.poisson_nll_loss(t(P), t(COUNTS), full=False, reduction="none"))


def test_sklearn_means():
    close(SquaredError()(P, Y), sk.mean_squared_error(Y, P))
    close(RootMeanSquaredError()(P, Y), sk.root_mean_squared_error(Y, P))
    close(AbsoluteError()(P, Y), sk.mean_absolute_error(Y, P))
    close(Quantile(0.8)(P, Y), sk.mean_pinball_loss(Y, P, alpha=0.8))
    close(MeanAbsolutePercentageError()(P, Y), sk.mean_absolute_percentage_error(Y, P))
    close(MeanSquaredLogError()(V, COUNTS), sk.mean_squared_log_error(COUNTS, V))
    columns = P.reshape(8, 5), Y.reshape(8, 5)
    per_output = RootMeanSquaredError(over="per_output")
    close(per_output(*columns), sk.root_mean_squared_error(columns[1], columns[0]))


def test_every_regression_loss_of_the_course_is_here():
    assert {loss.name for loss in lossmath.catalogue("regression")} == {
        "AbsoluteError",
        "GaussianNLL",
        "HalfSquaredError",
        "Huber",
        "LaplaceNLL",
        "LogCosh",
        "MeanAbsolutePercentageError",
        "MeanSquaredLogError",
        "PoissonNLL",
        "PseudoHuber",
        "Quantile",
        "RootMeanSquaredError",
        "SmoothL1",
        "SquaredError",
        "StudentTNLL",
    }


def test_an_infinite_residual_has_its_limits():
    for loss in (AbsoluteError(), Huber(), lossmath.LogCosh(), lossmath.PseudoHuber()):
        assert loss.value([np.inf, -np.inf], [0.0, 1.0]).tolist() == [np.inf, np.inf]
        assert loss.gradient([np.inf, -np.inf], [0.0, 1.0]).tolist() == [1, -1]


def test_nothing_counted_at_no_rate_costs_nothing():
    assert lossmath.PoissonNLL().value([-np.inf, -np.inf], [0, 2]).tolist() == [0, np.inf]
