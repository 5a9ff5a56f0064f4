"""Laws and limits of the adversarial losses, and agreement with other libraries."""

import itertools

import numpy as np
import pytest
import scipy.optimize
import scipy.stats
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from lossmath import (
    BinaryCrossEntropyFromLogits,
    GANDiscriminator,
    NonSaturatingGenerator,
    SaturatingGenerator,
    Wasserstein1D,
    WeightedWasserstein1D,
    WGANCritic,
)

RNG = np.random.default_rng(3)
REAL, FAKE = RNG.normal(size=(2, 30)) * 3

# Few different numbers, so that points often meet.
samples = st.lists(st.integers(-4, 4).map(float), min_size=1, max_size=6)


def close(ours, theirs, rtol=1e-12, atol=1e-14):
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=rtol, atol=atol)


# The game.


def test_the_discriminator_is_binary_cross_entropy_on_both_halves():
    bce = BinaryCrossEntropyFromLogits()
    close(
        GANDiscriminator().value(REAL, FAKE),
        bce.value(REAL, np.ones(30)) + bce.value(FAKE, np.zeros(30)),
    )
    real, fake = torch.tensor(REAL), torch.tensor(FAKE)
    theirs = F.binary_cross_entropy_with_logits(real, torch.ones_like(real))
    theirs = theirs + F.binary_cross_entropy_with_logits(fake, torch.zeros_like(fake))
    close(GANDiscriminator()(REAL, FAKE), theirs)


def test_the_best_discriminator_scores_the_log_ratio_of_densities():
    """For N(1, 1) against N(-1, 1) that is 2x; where they are equal the loss is log 4."""
    x = np.linspace(-12, 12, 4001)
    real, fake = scipy.stats.norm.pdf(x, 1), scipy.stats.norm.pdf(x, -1)
    slope_real, slope_fake = GANDiscriminator().gradient(2 * x, 2 * x)
    close(real * slope_real + fake * slope_fake, np.zeros_like(x))
    assert GANDiscriminator().value(0.0, 0.0) == np.log(4)


def test_the_generators_share_their_goal_and_differ_in_where_they_learn():
    minimax, practical = SaturatingGenerator(), NonSaturatingGenerator()
    close(practical.value(FAKE) + minimax.value(FAKE), -FAKE)  # log-odds
    close(minimax.gradient(FAKE) + practical.gradient(FAKE), -np.ones(30))
    close(minimax.gradient(FAKE), practical.gradient(-FAKE))
    discriminator = GANDiscriminator().value(REAL, FAKE) + minimax.value(FAKE)
    close(discriminator, NonSaturatingGenerator().value(REAL))  # a zero-sum game in the fakes


def test_the_critic_is_a_difference_of_means_plus_a_penalty():
    steepness = RNG.uniform(0, 2, 30)
    close(WGANCritic(0)(REAL, FAKE, steepness), FAKE.mean() - REAL.mean())
    penalty = WGANCritic(10)(REAL, FAKE, steepness) - WGANCritic(0)(REAL, FAKE, steepness)
    close(penalty, 10 * np.mean((steepness - 1) ** 2))


def test_the_best_critic_of_slope_one_measures_the_distance_between_samples():
    """D(x) = x is best when one sample is the other moved up; the identity has slope 1."""
    moved = FAKE + 1.75
    close(-WGANCritic()(moved, FAKE, np.ones(30)), Wasserstein1D().value(moved, FAKE))


# The distance.


@given(samples, samples)
def test_distance_agrees_with_scipy(ours, theirs):
    close(Wasserstein1D().value(ours, theirs), scipy.stats.wasserstein_distance(ours, theirs))


@given(samples, samples, st.integers(0, 2**32 - 1))
def test_weighted_distance_agrees_with_scipy(ours, theirs, seed):
    rng = np.random.default_rng(seed)
    a, b = rng.dirichlet(np.ones(len(ours))), rng.dirichlet(np.ones(len(theirs)))
    close(
        WeightedWasserstein1D().value(ours, theirs, a, b),
        scipy.stats.wasserstein_distance(ours, theirs, a, b),
        atol=1e-13,
    )


@given(samples, samples)
def test_equal_weights_change_nothing(ours, theirs):
    a, b = np.full(len(ours), 1 / len(ours)), np.full(len(theirs), 1 / len(theirs))
    for what in ("value", "gradient"):
        plain = getattr(Wasserstein1D(), what)(ours, theirs)
        close(getattr(WeightedWasserstein1D(), what)(ours, theirs, a, b), plain, atol=1e-13)


@given(samples, samples, samples)
def test_it_is_a_distance(a, b, c):
    d = Wasserstein1D().value
    assert d(a, a) == 0 <= d(a, b) == d(b, a)
    assert d(a, c) <= d(a, b) + d(b, c) + 1e-12


@given(samples, samples, st.floats(-100, 100), st.floats(0.01, 100))
def test_it_moves_and_scales_with_the_samples(ours, theirs, shift, scale):
    d, x, y = Wasserstein1D().value, np.array(ours), np.array(theirs)
    close(d(x + shift, y + shift), d(x, y), atol=1e-11)
    close(d(scale * x, scale * y), scale * d(x, y))
    if shift > 8:  # entirely to the right
        close(d(x + shift, y), np.mean(x) + shift - np.mean(y))


def test_samples_of_one_size_are_matched_in_order_and_repeating_them_changes_nothing():
    close(Wasserstein1D().value(REAL, FAKE), np.mean(np.abs(np.sort(REAL) - np.sort(FAKE))))
    close(Wasserstein1D().value(np.tile(REAL, 3), FAKE), Wasserstein1D().value(REAL, FAKE))


def test_it_is_the_least_work_of_any_plan():
    ours, theirs = RNG.normal(size=4), RNG.normal(size=4)
    plans = itertools.permutations(range(4))
    least = min(np.mean(np.abs(ours - theirs[list(plan)])) for plan in plans)
    close(Wasserstein1D().value(ours, theirs), least)


@given(samples, samples)
def test_the_slope_of_moving_everything_is_the_middle_of_both_sides(ours, theirs):
    """Also where points meet: one-sided slopes are exact on a lattice with steps below its gaps."""
    x, h = np.array(ours), 0.25
    groups = {place: x == place for place in ours}
    gradient, value = Wasserstein1D().gradient(x, theirs), Wasserstein1D().value
    for group in groups.values():
        slope = (value(x + h * group, theirs) - value(x - h * group, theirs)) / (2 * h)
        close(np.sum(gradient[group]), slope, atol=1e-13)
        assert np.ptp(gradient[group]) < 1e-15


def test_gradient_steps_bring_the_samples_together():
    x, y = np.array([-3.0, 0.5, 9.0]), np.array([1.0, 2.0, 4.0])
    for _ in range(400):
        x = x - 0.06 * Wasserstein1D().gradient(x, y)
    assert Wasserstein1D().value(x, y) < 0.03


def test_not_convex_in_the_points():
    d, target = Wasserstein1D().value, [0.0, 1.0]
    assert d([0.0, 1.0], target) == d([1.0, 0.0], target) == 0 < d([0.5, 0.5], target)


@pytest.mark.parametrize(("n", "m"), [(0, 3), (3, 0), (0, 0)])
def test_empty_samples_are_refused(n, m):
    weights = np.full(n, 1 / max(n, 1)), np.full(m, 1 / max(m, 1))
    with pytest.raises(ValueError, match=f"samples of {n} and {m} must not be empty"):
        Wasserstein1D()(np.zeros(n), np.zeros(m))
    with pytest.raises(ValueError, match=f"samples of {n} and {m} must not be empty"):
        WeightedWasserstein1D()(np.zeros(n), np.zeros(m), *weights)


def test_weights_that_do_not_sum_to_one_are_refused():
    with pytest.raises(ValueError, match="prediction_weights=2 must lie in the simplex"):
        WeightedWasserstein1D()([0.0, 1.0], [0.5], [2.0, 3.0], [1.0])


def test_without_a_penalty_no_steepness_matters():
    steepness = np.array([1e30], dtype=np.float32)
    assert WGANCritic(penalty=0.0).value(np.float32([1]), np.float32([3]), steepness) == 2
