"""Losses between distributions: divergences, what is built from them, and scores of a forecast.

D_KL(p || q) is the mean of log(p / q) under p. In ForwardKL the target is p, in ReverseKL it is q;
everywhere else the formula says so. Probabilities lie along the last axis and sum to 1, and one
value belongs to one distribution: it is a sum over the classes, never their mean.
"""

from math import inf
from typing import Any, NamedTuple

from lossmath.arguments import Argument
from lossmath.arrays import (
    Array,
    above_mean,
    array_namespace,
    common_floating_dtype,
    device,
    diagonal,
    exp_remainder,
    log_ratio,
    log_softmax,
    logsumexp,
    one_hot,
    quotient,
    rel_entr,
    softmax,
    softmax_jacobian,
    times,
    to_arrays,
    xlogy,
)
from lossmath.domains import Interval, Simplex
from lossmath.loss import Accumulating, Loss, Residual, parameter

PROBABILITY = Interval(at_least=0, at_most=1)
PREDICTION = Argument("prediction", "c", Simplex())
TARGET = Argument("target", "c", Simplex(), differentiable=False)


# Kullback-Leibler divergences.


class ForwardKL(Loss):
    """What coding the target with the prediction's code wastes: misses cost most.

    It is the cross-entropy less the entropy of the target. Where the target is 0 the prediction may
    be anything; where only the prediction is 0 the loss is +inf. The gradient treats the
    probabilities as free numbers.
    """

    arguments = (PREDICTION, TARGET)
    formula = r"D_{KL}(p \,\|\, q) = \sum_c p_c \log\frac{p_c}{q_c},\quad p \text{ the target}"
    noise = "categorical"
    elicits = "mean"
    convex = True
    nonnegative = True
    symmetric = False
    failures = (
        "infinite when the prediction excludes what can happen",
        "for distributions that agree up to rounding, a value may fall below 0 by as little",
        "mass-covering: one bump fitted to two hills spreads over the valley between them",
    )
    reference = "Kullback & Leibler (1951)"
    aliases = ("KL", "KL divergence", "relative entropy", "inclusive KL")

    def f(self, q, p, xp):
        return xp.sum(rel_entr(p, q), axis=-1)

    def df(self, q, p, xp):
        return -quotient(p, q)

    def d2f(self, q, p, xp):
        return diagonal(quotient(quotient(p, q), q))


class ReverseKL(Loss):
    """What coding the prediction with the target's code wastes: false alarms cost most.

    Where the prediction is 0 the target may be anything; where only the target is 0 the loss is
    +inf. Where both are 0 the gradient is 1, its limit as they vanish together.
    """

    arguments = (PREDICTION, TARGET)
    formula = r"D_{KL}(q \,\|\, p) = \sum_c q_c \log\frac{q_c}{p_c},\quad p \text{ the target}"
    elicits = "normalised geometric mean"
    convex = True
    nonnegative = True
    symmetric = False
    failures = (
        "infinite when the prediction allows what the target excludes",
        "mode-seeking: one bump fitted to two distant hills settles on one of them",
    )
    reference = "Kullback & Leibler (1951)"
    aliases = ("exclusive KL", "information projection")

    def f(self, q, p, xp):
        return xp.sum(rel_entr(q, p), axis=-1)

    def df(self, q, p, xp):
        return log_ratio(q, p) + 1

    def d2f(self, q, p, xp):
        return diagonal(quotient(xp.ones_like(q), q))


class Distillation(Loss):
    """Learn from a teacher's probabilities and from the label: KL at a temperature, mixed with CE.

    The factor T^2 keeps the teacher's pull equally strong at every temperature. With alpha = 1 the
    label plays no part.
    """

    temperature: float = parameter(
        4.0,
        above=0,
        slider=(1, 20),
        scale="log",
        symbol="T",
        meaning="what both sets of logits are divided by: above 1 it shows the smaller classes",
    )
    alpha: float = parameter(
        0.5,
        at_least=0,
        at_most=1,
        slider=(0, 1),
        symbol=r"\alpha",
        meaning="weight of the teacher; the label has the rest",
    )

    arguments = (
        Argument("student", "c"),
        Argument("teacher", "c", differentiable=False),
        Argument("label", index_of="c", differentiable=False),
    )
    formula = (
        r"\alpha\, T^2 D_{KL}\big(\operatorname{softmax}(t/T) \,\|\, \operatorname{softmax}(s/T)"
        r"\big) - (1-\alpha) \log \operatorname{softmax}(s)_y"
    )
    convex = True
    lipschitz = "sqrt(2) * (alpha * temperature + 1 - alpha)"
    nonnegative = True
    failures = ("without the factor T^2 a high temperature silences the teacher",)
    reference = "Hinton, Vinyals & Dean (2015)"
    aliases = ("distillation KL", "knowledge distillation")

    def f(self, student, teacher, label, xp):
        soft = times(self.alpha * self.temperature**2, self._soft(student, teacher, xp))
        return soft + times(1 - self.alpha, self._hard(student, label, xp))

    def _soft(self, student, teacher, xp):
        """The divergence at the temperature."""
        p, log_p, log_q, gap, alike = self._compared(student, teacher, xp)
        far = xp.sum(p * (log_p - log_q), axis=-1)
        # Alike, as at a high temperature, it is log(mean(exp(-gap))) for gaps of mean 0 under p:
        # a sum of squares, where the difference of logarithms would leave only rounding errors.
        near = xp.log1p(xp.sum(p * exp_remainder(-gap), axis=-1))
        return xp.where(alike[..., 0], near, far)

    def _soft_slope(self, student, teacher, xp):
        """The student's probabilities less the teacher's."""
        p, log_p, log_q, gap, alike = self._compared(student, teacher, xp)
        near = -gap - xp.log1p(xp.sum(p * xp.expm1(-gap), axis=-1, keepdims=True))
        log_ratio = xp.where(alike, near, log_q - log_p)
        # By way of the smaller over the larger, which neither cancels nor overflows.
        less, q = xp.expm1(-xp.abs(log_ratio)), softmax(student / self.temperature)
        return xp.where(p == 0, q, xp.where(log_ratio > 0, -q * less, p * less))

    def _compared(self, student, teacher, xp):
        """The teacher's p, both logarithms, the gaps between the logits, and if all are small.

        The gaps have the mean 0 under p. A class of probability 0 plays no part.
        """
        log_p, log_q = (log_softmax(z / self.temperature) for z in (teacher, student))
        p = xp.exp(log_p)
        log_p, log_q = (xp.where(p == 0, 0.0, x) for x in (log_p, log_q))
        teacher, student = xp.where(p == 0, 0.0, teacher), xp.where(p == 0, -inf, student)
        gap = (teacher - student) / self.temperature
        alike = xp.max(gap, axis=-1, keepdims=True) - xp.min(gap, axis=-1, keepdims=True) < 1
        gap = xp.where(alike, gap, 0.0)
        return p, log_p, log_q, gap - xp.sum(p * gap, axis=-1, keepdims=True), alike

    def _hard(self, student, label, xp):
        """The cross-entropy of the label; the other classes may have a logit of -inf."""
        chosen = one_hot(label, student) == 1
        return -xp.sum(xp.where(chosen, log_softmax(student), 0.0), axis=-1)

    def df(self, student, teacher, label, xp):
        soft = self._soft_slope(student, teacher, xp)
        # p - 1 at the label, by way of expm1 to keep its digits as p approaches 1.
        chosen = one_hot(label, student) == 1
        hard = xp.where(chosen, xp.expm1(log_softmax(student)), softmax(student))
        return self.alpha * self.temperature * soft + (1 - self.alpha) * hard

    def d2f(self, student, teacher, label, xp):
        soft, hard = softmax_jacobian(student / self.temperature), softmax_jacobian(student)
        return self.alpha * soft + (1 - self.alpha) * hard


class ExpectedCost(Loss, abstract=True):
    """Losses that are the mean cost of a choice made by a softmax, where certainty costs extra.

    With p = softmax(z) the value is the mean under p of h = cost + beta log p. Moving z changes
    log p only in ways whose mean is 0, so the gradient is p (h - value).
    """

    beta: float = parameter(
        0.1, at_least=0, slider=(0, 1), symbol=r"\beta", meaning="what a nat of certainty costs"
    )

    def _cost(self, *arrays: Array) -> Array:
        """The cost of every choice, from all arguments."""
        raise NotImplementedError

    def variables(self, *arrays):
        """p and h. A choice of probability 0 costs nothing."""
        z = arrays[0]
        xp = array_namespace(z)
        p = softmax(z)
        certainty, cost = (xp.where(p == 0, 0.0, x) for x in (log_softmax(z), self._cost(*arrays)))
        return p, self.beta * certainty + cost

    def f(self, p, h, xp):
        return xp.sum(p * h, axis=-1)

    def df(self, p, h, xp):
        return p * above_mean(h, p)

    def d2f(self, p, h, xp):
        excess = above_mean(h, p)
        mixed = excess[..., :, None] + excess[..., None, :] + self.beta
        return diagonal(p * (excess + self.beta)) - p[..., :, None] * p[..., None, :] * mixed


class KLPenalisedReward(ExpectedCost):
    """Reinforcement learning from human feedback: earn reward, but stay near the reference policy.

    The divergence is the reverse one: the policy pays for what the reference would not do. The best
    policy is the reference times exp(reward / beta), normalised.
    """

    beta: float = parameter(
        0.1,
        at_least=0,
        slider=(0, 1),
        symbol=r"\beta",
        unit="reward per nat",
        meaning="price of leaving the reference; 0 lets the policy chase the reward alone",
    )

    arguments = (
        Argument("policy", "c"),
        Argument("reference", "c", differentiable=False),
        Argument("reward", "c", differentiable=False),
    )
    formula = (
        r"-\sum_c \pi_c R_c + \beta D_{KL}(\pi \,\|\, \pi_{ref}),"
        r"\quad \pi = \operatorname{softmax}(z)"
    )
    convex = False
    lipschitz = None
    nonnegative = False
    failures = (
        "with a small beta the policy exploits every flaw of the reward model",
        "+inf for a choice that the reference excludes and the policy does not",
    )
    reference = "Ziegler et al. (2019)"
    aliases = ("RLHF KL penalty", "RLHF objective")

    def _cost(self, *arrays):
        _, reference, reward = arrays
        return -reward - times(self.beta, log_softmax(reference))


# Latent variables.


class GaussianKL(Loss):
    """How far a normal distribution lies from the standard one; a sum over latents adds these up.

    The variance is given by its logarithm, so that any real number is allowed.
    """

    arguments = (Argument("mean"), Argument("log_variance"))
    formula = r"\tfrac12\left(\mu^2 + e^l - 1 - l\right),\quad l = \log\sigma^2"
    convex = True
    nonnegative = True
    failures = (
        "taken for the log of the standard deviation, the log-variance is off by a factor of 2",
        "left alone it pulls every latent to the standard normal, which then says nothing",
    )
    reference = "Kingma & Welling (2014)"
    aliases = ("KL to the standard normal", "VAE regulariser")

    def f(self, mean, log_variance, xp):
        return mean * (mean / 2) + exp_remainder(log_variance) / 2

    def df(self, mean, log_variance, xp):
        return xp.asarray(mean, copy=True), xp.expm1(log_variance) / 2

    def d2f(self, mean, log_variance, xp):
        zero = xp.zeros_like(mean)
        return (xp.ones_like(mean), zero), (zero, xp.exp(log_variance) / 2)


class GaussianReconstruction(Residual):
    """Squared error in units of a decoder's noise: how much a reconstruction counts against the KL.

    It is the Gaussian negative log-likelihood up to a constant. For pixels that are probabilities
    the Bernoulli likelihood takes its place: BinaryCrossEntropyFromLogits, whose least value for
    grey targets is their entropy.
    """

    sigma: float = parameter(
        1.0,
        above=0,
        slider=(0.1, 2),
        scale="log",
        symbol=r"\sigma",
        unit="target",
        meaning="standard deviation of the decoder's noise; small means sharp reconstructions",
    )

    formula = r"\frac{r^2}{2\sigma^2}"
    noise = "Gaussian with standard deviation sigma"
    elicits = "mean"
    convex = True
    nonnegative = True
    symmetric = True
    failures = ("averaged over pixels while the KL is summed, it loses by the number of pixels",)
    reference = "Kingma & Welling (2014)"
    aliases = ("reconstruction loss",)

    def f(self, r, xp):
        scaled = r / self.sigma
        return scaled * (scaled / 2)

    def df(self, r, xp):
        return r / self.sigma / self.sigma

    def d2f(self, r, xp):
        return xp.full_like(r, 1 / self.sigma**2)


class NegativeELBO(Accumulating):
    """A variational autoencoder's loss: how badly it reconstructs, plus what its latents tell.

    The evidence lower bound is maximised, so the loss is minus the bound. The first argument
    estimates the mean of log p(x|z) under q: minus a reconstruction loss summed over the pixels.
    """

    beta: float = parameter(
        1.0,
        at_least=0,
        slider=(0, 10),
        symbol=r"\beta",
        meaning="weight of the divergence: 1 is the bound itself, more asks for simpler latents",
    )

    arguments = (
        Argument("log_likelihood"),
        Argument("mean", "z"),
        Argument("log_variance", "z"),
    )
    formula = (
        r"-\mathbb E_q[\log p(x|z)] + \beta \sum_i \tfrac12\left(\mu_i^2 + e^{l_i} - 1 - l_i\right)"
    )
    convex = True
    lipschitz = None
    failures = (
        "with the wrong sign it is maximised, and the reconstruction gets worse",
        "posterior collapse: a strong decoder ignores latents that cost more than they tell",
    )
    reference = "Kingma & Welling (2014); beta: Higgins et al. (2017)"
    aliases = ("ELBO", "VAE loss", "evidence lower bound")

    def f(self, log_likelihood, mean, log_variance, xp):
        divergence = GaussianKL().f(mean, log_variance, xp)
        return times(self.beta, xp.sum(divergence, axis=-1)) - log_likelihood

    def df(self, log_likelihood, mean, log_variance, xp):
        slopes = GaussianKL().df(mean, log_variance, xp)
        return -xp.ones_like(log_likelihood), *(times(self.beta, slope) for slope in slopes)

    def d2f(self, log_likelihood, mean, log_variance, xp):
        (one, zero), (_, curvature) = GaussianKL().d2f(mean, log_variance, xp)
        zeros = diagonal(zero)
        return (
            (xp.zeros_like(log_likelihood), zero, zero),
            (zero, self.beta * diagonal(one), zeros),
            (zero, zeros, diagonal(times(self.beta, curvature))),
        )


# Scores of a probability forecast.


class LogScore(Loss):
    """The surprise at what happened: the only proper score that looks at its probability alone.

    A score is strictly proper when reporting the true probabilities, and nothing else, is best.
    """

    arguments = (
        Argument("probabilities", "c", Simplex()),
        Argument("label", index_of="c", differentiable=False),
    )
    formula = r"-\log p_y"
    noise = "categorical"
    elicits = "share of each class"
    convex = True
    nonnegative = True
    failures = ("one event that was called impossible makes the whole mean infinite",)
    reference = "Good (1952); Gneiting & Raftery (2007)"
    aliases = ("ignorance score",)

    def f(self, p, label, xp):
        chosen = xp.sum(one_hot(label, p) * p, axis=-1)
        return rel_entr(xp.ones_like(chosen), chosen)

    def df(self, p, label, xp):
        return -quotient(one_hot(label, p), p)

    def d2f(self, p, label, xp):
        return diagonal(quotient(quotient(one_hot(label, p), p), p))


class BrierScore(Residual):
    """Squared error of a probability: a proper score that forgives even the impossible."""

    arguments = (
        Argument("probability", domain=PROBABILITY),
        Argument("target", domain=PROBABILITY, differentiable=False),
    )
    formula = r"(p - y)^2"
    elicits = "mean"
    convex = True
    lipschitz = 2
    nonnegative = True
    symmetric = True
    failures = (
        "summed over both classes it is twice this one",
        "for rare events almost any small probability scores well",
    )
    reference = "Brier (1950)"
    aliases = ("Brier", "quadratic score")

    def f(self, r, xp):
        return r * r

    def df(self, r, xp):
        return 2 * r

    def d2f(self, r, xp):
        return xp.full_like(r, 2.0)


class Reliability(NamedTuple):
    """What became of the forecasts in each bin of confidence; the means of an empty bin are NaN."""

    count: Array
    confidence: Array
    accuracy: Array


def reliability(confidence: Any, correct: Any, bins: int = 15) -> Reliability:
    """How often forecasts came true, grouped by confidence into bins of equal width.

    confidence: (n,) numbers in [0, 1]. correct: (n,) booleans, or the numbers 0 and 1. A bin is
    closed on the left, and the last one on both sides. Raises ValueError for numbers outside
    [0, 1], for differing shapes and for bins < 1.
    """
    count, stated, true = _binned(confidence, correct, bins)
    xp = array_namespace(count)
    occupied = xp.where(count == 0, xp.nan, count)
    return Reliability(count, stated / occupied, true / occupied)


def expected_calibration_error(confidence: Any, correct: Any, bins: int = 15) -> Array:
    """The mean gap between how sure and how right the forecasts of a bin are (Guo et al., 2017).

    Arguments and errors as in `reliability`; 0 when there are no forecasts. This is a metric: it
    jumps as forecasts change bins, and even perfect forecasts have about sqrt(bins / n) of it.
    """
    count, stated, true = _binned(confidence, correct, bins)
    xp = array_namespace(count)
    return xp.sum(xp.abs(true - stated)) / max(float(xp.sum(count)), 1)


def _binned(confidence: Any, correct: Any, bins: int) -> tuple[Array, Array, Array]:
    """Per bin: the number of forecasts, the sum of their confidences, how many came true."""
    if bins < 1 or bins != int(bins):
        raise ValueError(f"bins={bins} must be a whole number of at least 1")
    (confidence, correct), xp = to_arrays([confidence, correct])
    if confidence.ndim != 1 or confidence.shape != correct.shape:
        raise ValueError(
            f"confidence has shape {tuple(confidence.shape)} and correct {tuple(correct.shape)} "
            "but both must be (n,)"
        )
    dtype = common_floating_dtype([confidence], xp)
    confidence, correct = (xp.astype(x, dtype) for x in (confidence, correct))
    for name, x in (("confidence", confidence), ("correct", correct)):
        if bool(xp.any(PROBABILITY.excludes(x))):
            raise ValueError(f"{name} must lie in {PROBABILITY}")
    places = xp.arange(bins, device=device(confidence))
    edges = xp.astype(places, dtype) / bins
    place = xp.sum(xp.astype(confidence[:, None] >= edges, places.dtype), axis=-1) - 1
    member = xp.astype(place[:, None] == places, dtype)
    stated, true = (xp.sum(member * x[:, None], axis=0) for x in (confidence, correct))
    return xp.sum(member, axis=0), stated, true


# A building block with derivatives of its own.


class LogSumExp(Loss):
    """A smooth maximum: the largest score, plus at most the logarithm of how many there are.

    Its gradient is the softmax. It is -inf when every score is -inf, where the gradient is 0, and
    +inf when any is +inf, where there is no gradient but NaN.
    """

    arguments = (Argument("scores", "c"),)
    formula = r"\log \sum_c e^{z_c}"
    convex = True
    lipschitz = 1
    nonnegative = False
    failures = ("computed as written it overflows above 709, or 88 in single precision",)
    reference = "Boyd & Vandenberghe (2004)"
    aliases = ("LSE", "log-sum-exp", "softmax potential")

    def f(self, z, xp):
        return logsumexp(z)

    def df(self, z, xp):
        nothing = xp.max(z, axis=-1, keepdims=True) == -inf
        return xp.where(nothing, 0.0, softmax(xp.where(nothing, 0.0, z)))

    def d2f(self, z, xp):
        return softmax_jacobian(z)


def entropy(probabilities: Any) -> Array:
    """Mean surprise in nats, -sum p log p along the last axis, with 0 log 0 = 0.

    Adding D_KL(p || q) gives the cross-entropy of q under p. Raises ValueError off the simplex.
    """
    (p,), xp = to_arrays([probabilities])
    p = xp.astype(p, common_floating_dtype([p], xp))
    if bool(xp.any(Simplex().excludes(p))):
        raise ValueError(f"probabilities must lie in {Simplex()}")
    return -xp.sum(xlogy(p, p), axis=-1)
