"""Losses of a game between a generator and a critic, and the distance that the game estimates.

A score is a logit for the discriminator, where more means more likely real, and any real number for
the critic. Real and generated examples come in batches of the same size, one of each per value.
"""

from math import gcd
from typing import Any

from lossmath.arguments import Argument
from lossmath.arrays import (
    Array,
    array_namespace,
    at_least_float32,
    diagonal,
    sigmoid,
    sigmoid_slope,
    softplus,
    stop_gradient,
)
from lossmath.domains import Interval, Simplex
from lossmath.loss import Kink, Loss, parameter

REAL = Argument("real")
FAKE = Argument("fake")


class GANDiscriminator(Loss):
    """Binary cross-entropy that asks for high scores of real examples and low scores of fakes.

    When it cannot tell them apart, every score is 0 and the loss log 4.
    """

    arguments = (REAL, FAKE)
    formula = r"\log(1 + e^{-z_r}) + \log(1 + e^{z_f})"
    noise = "Bernoulli"
    elicits = "log-ratio of the two densities"
    convex = True
    lipschitz = "sqrt(2)"
    nonnegative = True
    failures = ("a perfect discriminator leaves the generator with next to nothing to learn from",)
    reference = "Goodfellow et al. (2014)"
    aliases = ("GAN loss", "discriminator loss", "adversarial loss")

    def f(self, real, fake, xp):
        return softplus(-real) + softplus(fake)

    def df(self, real, fake, xp):
        return -sigmoid(-real), sigmoid(fake)

    def d2f(self, real, fake, xp):
        zero = xp.zeros_like(real)
        return (
            (sigmoid_slope(real), zero),
            (zero, sigmoid_slope(fake)),
        )


class SaturatingGenerator(Loss):
    """The generator's half of the minimax game: minus what the discriminator pays for fakes.

    A fake that is found out at once sits where the gradient vanishes: 4.5e-5 at a score of -10.
    """

    arguments = (FAKE,)
    formula = r"-\log(1 + e^{z_f})"
    convex = False
    lipschitz = 1
    nonnegative = False
    failures = ("the worse the fakes, the weaker the gradient: early training stalls",)
    reference = "Goodfellow et al. (2014)"
    aliases = ("minimax generator",)

    def f(self, fake, xp):
        return -softplus(fake)

    def df(self, fake, xp):
        return -sigmoid(fake)

    def d2f(self, fake, xp):
        return -sigmoid_slope(fake)


class NonSaturatingGenerator(Loss):
    """The generator's loss in practice: the surprise at a fake that was taken for real.

    Its gradient is strongest where the minimax one vanishes: -0.99995 at a score of -10.
    """

    arguments = (FAKE,)
    formula = r"\log(1 + e^{-z_f})"
    convex = True
    lipschitz = 1
    nonnegative = True
    failures = ("producing one convincing example again and again pays off: mode collapse",)
    reference = "Goodfellow et al. (2014)"
    aliases = ("generator loss",)

    def f(self, fake, xp):
        return softplus(-fake)

    def df(self, fake, xp):
        return -sigmoid(-fake)

    def d2f(self, fake, xp):
        return sigmoid_slope(fake)


class WGANCritic(Loss):
    """How far a critic scores real examples above fakes, kept honest by a penalty on its steepness.

    `steepness` is the length of the critic's gradient at a point between the two examples. Minus
    the generator's loss is the mean score of its fakes.
    """

    penalty: float = parameter(
        10.0,
        at_least=0,
        slider=(0, 100),
        symbol=r"\lambda",
        meaning="price of a steepness other than 1; 0 leaves the two means",
    )

    arguments = (REAL, FAKE, Argument("steepness", domain=Interval(at_least=0)))
    formula = r"D(x_f) - D(x_r) + \lambda \big(\|\nabla D\| - 1\big)^2"
    convex = True
    lipschitz = None
    nonnegative = False
    failures = (
        "estimates the Wasserstein distance only for the best critic of slope at most 1",
        "without the penalty or another bound the scores run off to infinity",
    )
    reference = "Arjovsky, Chintala & Bottou (2017); penalty: Gulrajani et al. (2017)"
    aliases = ("WGAN", "WGAN-GP", "Wasserstein GAN critic")

    def f(self, real, fake, steepness, xp):
        return fake - real + self.penalty * (steepness - 1) * (steepness - 1)

    def df(self, real, fake, steepness, xp):
        one = xp.ones_like(real)
        return -one, one, 2 * self.penalty * (steepness - 1)

    def d2f(self, real, fake, steepness, xp):
        zero = xp.zeros_like(real)
        bend = xp.full_like(real, 2 * self.penalty)
        return (zero, zero, zero), (zero, zero, zero), (zero, zero, bend)


class EarthMover(Loss, abstract=True):
    """Least work, mass times distance, that turns one sample on a line into another.

    It is the area between the two distribution functions. Where points meet a slope may jump; the
    gradient is then the middle of the two slopes of moving all the points there together, shared
    by their masses, and so 0 for equal masses in one place. The gradient compares every point with
    every other: its memory grows with the square of the sample.
    """

    convex = False
    kinks = (Kink(0, order=1),)
    lipschitz = 1
    nonnegative = True
    reference = "Kantorovich (1942); on a line: Vallender (1974)"

    def _values_shape(self, sizes):
        if 0 in (sizes["n"], sizes["m"]):
            raise ValueError(f"samples of {sizes['n']} and {sizes['m']} must not be empty")
        return sizes["batch"]

    def kink_variable(self, *arrays):
        """The distances of the prediction's points from one another and from the target's."""
        xp, ours = array_namespace(arrays[0]), arrays[0]
        points = xp.concat(arrays[:2], axis=-1)
        gaps = [ours[..., i : i + 1] - points[..., i + 1 :] for i in range(ours.shape[-1])]
        return xp.concat(gaps, axis=-1)

    def _value(self, arrays, xp):
        return xp.astype(super()._value(_widened(arrays, xp), xp), arrays[0].dtype)

    def _gradient(self, arrays, xp):
        return xp.astype(super()._gradient(_widened(arrays, xp), xp), arrays[0].dtype)

    def f(self, ours, theirs, our_mass, their_mass, total, xp):
        points = xp.concat([ours, theirs], axis=-1)
        mass = xp.concat([our_mass, -their_mass], axis=-1)
        order = xp.argsort(stop_gradient(points), axis=-1)
        points, mass = (xp.take_along_axis(x, order, axis=-1) for x in (points, mass))
        # Between neighbours the distribution functions differ by the mass up to there.
        difference = xp.cumulative_sum(mass, axis=-1)[..., :-1]
        return xp.sum(xp.abs(difference) * (points[..., 1:] - points[..., :-1]), axis=-1) / total

    def df(self, ours, theirs, our_mass, their_mass, total, xp):
        points = xp.concat([ours, theirs], axis=-1)
        mass = xp.concat([our_mass, -their_mass], axis=-1)[..., None, :]
        side = xp.sign(ours[..., :, None] - points[..., None, :])
        here = 1 - xp.abs(side)
        below = xp.sum(xp.where(side > 0, mass, 0.0), axis=-1)
        above = below + xp.sum(here * mass, axis=-1)
        moved = xp.sum(here * xp.clip(mass, min=0), axis=-1)
        # |above - moved| - |above| and |below| - |below + moved|, small masses beside large ones.
        upwards = xp.clip(moved - 2 * above, -moved, moved)
        downwards = xp.clip(-moved - 2 * below, -moved, moved)
        share = our_mass / xp.where(moved == 0, 1.0, moved)
        return share * (upwards + downwards) / 2 / total

    def d2f(self, ours, theirs, our_mass, their_mass, total, xp):
        return diagonal(xp.zeros_like(ours))


class Wasserstein1D(EarthMover):
    """Earth mover's distance of two samples on a line, of any sizes: how far apart, in their units.

    For samples of equal size it is the mean distance between them once both are sorted.
    """

    arguments = (Argument("prediction", "n"), Argument("target", "m", differentiable=False))
    formula = r"W_1 = \int |F_u(x) - F_v(x)| \, dx"
    symmetric = True
    failures = ("not convex in the points: which point goes where changes as they pass each other",)
    aliases = ("W1", "Wasserstein-1", "earth mover's distance", "EMD")

    def variables(self, *arrays):
        # Whole numbers as masses keep the differences exact.
        ours, theirs = arrays
        n, m = ours.shape[-1], theirs.shape[-1]
        xp, unit = array_namespace(ours), gcd(n, m)
        return (
            ours,
            theirs,
            xp.full_like(ours, m / unit),
            xp.full_like(theirs, n / unit),
            n * m / unit,
        )


class WeightedWasserstein1D(EarthMover):
    """Earth mover's distance of two weighted samples, such as two histograms on one grid.

    The weights of each sample sum to 1; the gradient is in the places, not in the weights.
    """

    arguments = (
        Argument("prediction", "n"),
        Argument("target", "m", differentiable=False),
        Argument("prediction_weights", "n", Simplex(), differentiable=False),
        Argument("target_weights", "m", Simplex(), differentiable=False),
    )
    formula = r"W_1 = \int |F_u(x) - F_v(x)| \, dx,\quad F_u(x) = \sum_{u_i \le x} w_i"
    failures = ("histograms that were not divided by their totals have no distance",)
    aliases = ("weighted W1",)

    def variables(self, *arrays):
        return *arrays, 1.0


def _widened(arrays: list[Array], xp: Any) -> list[Array]:
    """The arrays in at least single precision, where the counts of large samples fit."""
    return [xp.astype(x, at_least_float32(x.dtype, xp)) for x in arrays]
