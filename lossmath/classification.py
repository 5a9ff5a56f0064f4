"""Classification losses: of a margin, of a probability, of one logit and of a score per class.

A score or logit is any real number; a name that ends in FromProbabilities wants probabilities, and
raises ValueError when it gets something else. Losses that count in nats use the natural logarithm.
A target is a probability, so that soft labels need nothing special, and a label is one of -1 and 1
or the integer index of a class. Classes lie along the last axis.
"""

from dataclasses import dataclass, field
from math import ceil, inf
from typing import Any

import numpy as np

from lossmath.arguments import Argument, check_domain
from lossmath.arrays import (
    Array,
    array_namespace,
    device,
    diagonal,
    log_softmax,
    logaddexp,
    odds,
    one_hot,
    quotient,
    sigmoid,
    sigmoid_slope,
    softmax,
    softmax_jacobian,
    softplus,
    step,
    times,
    to_arrays,
)
from lossmath.domains import Interval, OneOf, Simplex
from lossmath.loss import Kink, Loss, Parameter, parameter

PROBABILITY = Interval(at_least=0, at_most=1)

SIGN = Argument("label", domain=OneOf((-1, 1)), differentiable=False)
TARGET = Argument("target", domain=PROBABILITY, differentiable=False)
CLASS = Argument("label", index_of="c", differentiable=False)
DISTRIBUTION = Argument("target", "c", Simplex(), differentiable=False)


# Losses of the margin.


class Margin(Loss, abstract=True):
    """Losses of the margin m = y s: how far the score lies on its label's side of zero."""

    arguments = (Argument("score"), SIGN)

    def variables(self, *arrays):
        score, label = arrays
        return (label * score,)

    def _gradient(self, arrays, xp):
        _, label = arrays
        return label * self.df(*self.variables(*arrays), xp)


class ZeroOne(Margin):
    """Whether the score is on the wrong side: what one would like to minimise, but cannot descend.

    A score of 0 decides nothing and counts as wrong. Both derivatives are 0 everywhere.
    """

    formula = r"\mathbf 1[m \le 0],\quad m = y s"
    elicits = "any score on the side of the more frequent label"
    kinks = (Kink(0, order=0),)
    convex = False
    nonnegative = True
    failures = ("its gradient is 0 wherever there is one, so it cannot guide a descent",)
    reference = "Vapnik (1995)"
    aliases = ("0-1 loss", "zero-one loss", "misclassification", "error rate")

    def f(self, m, xp):
        return xp.where(m > 0, 0.0, xp.where(m <= 0, 1.0, m))

    def df(self, m, xp):
        return xp.where(xp.isnan(m), m, 0.0)

    def d2f(self, m, xp):
        return xp.zeros_like(m)


class Logistic(Margin):
    """Binary cross-entropy written with labels -1 and 1: it never stops asking for more margin."""

    formula = r"\log(1 + e^{-m}),\quad m = y s"
    noise = "Bernoulli"
    elicits = "log-odds of the label 1"
    convex = True
    lipschitz = 1
    nonnegative = True
    failures = (
        "at m = 0 it is log 2 = 0.69, below the zero-one loss; divided by log 2 it bounds it",
        "on separable data the scores grow without end",
    )
    reference = "Cox (1958)"
    aliases = ("logistic loss", "logistic margin loss")

    def f(self, m, xp):
        return softplus(-m)

    def df(self, m, xp):
        return -sigmoid(-m)

    def d2f(self, m, xp):
        return sigmoid_slope(m)


class Hinge(Margin):
    """Linear until the margin is wide enough, then nothing: only the hard cases shape the fit.

    The gradient at the kink is 0, one of the subgradients between -1 and 0.
    """

    margin: float = parameter(
        1.0, at_least=0, slider=(0, 5), symbol=r"\mu", meaning="margin beyond which nothing is lost"
    )

    formula = r"\max(0,\ \mu - m),\quad m = y s"
    elicits = "the more frequent label"
    kinks = (Kink("margin", order=1),)
    convex = True
    lipschitz = 1
    nonnegative = True
    failures = ("its scores are no probabilities: the best one is the same for 51 % and 99 %",)
    reference = "Cortes & Vapnik (1995)"
    aliases = ("hinge loss", "SVM loss")

    def f(self, m, xp):
        return xp.clip(self.margin - m, min=0)

    def df(self, m, xp):
        return -step(self.margin - m)

    def d2f(self, m, xp):
        return xp.zeros_like(m)


class SquaredHinge(Margin):
    """The hinge squared: its corner is rounded off, and wide violations cost much more.

    At the margin itself, where the curvature jumps, it is given as 0.
    """

    margin: float = parameter(
        1.0, at_least=0, slider=(0, 5), symbol=r"\mu", meaning="margin beyond which nothing is lost"
    )

    formula = r"\max(0,\ \mu - m)^2,\quad m = y s"
    elicits = "2 p - 1 at margin 1, where p is the share of the label 1"
    kinks = (Kink("margin", order=2),)
    convex = True
    nonnegative = True
    failures = ("one mislabelled example far on the wrong side outweighs many others",)
    reference = "Chang, Hsieh & Lin (2008)"
    aliases = ("squared hinge loss", "L2-SVM loss")

    def f(self, m, xp):
        return xp.clip(self.margin - m, min=0) ** 2

    def df(self, m, xp):
        return -2 * xp.clip(self.margin - m, min=0)

    def d2f(self, m, xp):
        return 2 * step(self.margin - m)


# Two classes: a probability or a logit against a target between 0 and 1.


class BinaryCrossEntropyFromProbabilities(Loss):
    """The surprise at a yes or no that was given this probability. Certain and wrong costs +inf.

    At a probability of 0 or 1 that is right, the derivatives are one-sided: -1 or 1, and 1.
    """

    arguments = (Argument("probability", domain=PROBABILITY), TARGET)
    formula = r"-y \log p - (1-y) \log(1-p)"
    noise = "Bernoulli"
    elicits = "mean"
    convex = True
    nonnegative = True
    failures = (
        "infinite for a wrong probability of 0 or 1, to which a sigmoid easily rounds",
        "with soft targets the least value is their entropy, not 0",
    )
    reference = "Good (1952)"
    aliases = ("BCE", "binary cross-entropy", "log loss")

    def f(self, p, y, xp):
        missed = xp.where(p == 1, -inf, xp.log1p(-xp.where(p == 1, 0.0, p)))
        return times(y, -_log(p, xp)) - times(1 - y, missed)

    def df(self, p, y, xp):
        at_the_end = xp.where(p > y, inf, xp.where(p < y, -inf, 1 - 2 * y))
        spread = p * (1 - p)
        return xp.where(spread == 0, at_the_end, (p - y) / xp.where(spread == 0, 1.0, spread))

    def d2f(self, p, y, xp):
        return quotient(quotient(y, p), p) + quotient(quotient(1 - y, 1 - p), 1 - p)


class BinaryCrossEntropyFromLogits(Loss):
    """Binary cross-entropy of the sigmoid of a logit, without ever computing that probability.

    Smoothing moves targets towards 1/2 before pos_weight multiplies the part of the label 1.
    """

    pos_weight: float = parameter(
        1.0,
        above=0,
        slider=(0.1, 100),
        scale="log",
        symbol="w",
        meaning="what a positive example counts, in negative ones",
    )
    label_smoothing: float = parameter(
        0.0,
        at_least=0,
        at_most=1,
        slider=(0, 0.5),
        symbol=r"\varepsilon",
        meaning="share of each target that is replaced by 1/2",
    )

    arguments = (Argument("logit"), TARGET)
    formula = (
        r"w y_\varepsilon \log(1+e^{-z}) + (1-y_\varepsilon) \log(1+e^{z}),\quad "
        r"y_\varepsilon = (1-\varepsilon) y + \tfrac12\varepsilon"
    )
    noise = "Bernoulli"
    elicits = "log-odds of the mean"
    convex = True
    lipschitz = "max(1, pos_weight)"
    nonnegative = True
    failures = (
        "given probabilities instead of logits it returns plausible nonsense",
        "a pos_weight other than 1 shifts the predicted odds by that factor",
    )
    reference = "Cox (1958)"
    aliases = ("BCE with logits", "sigmoid cross-entropy")

    def variables(self, *arrays):
        logit, target = arrays
        smooth = (1 - self.label_smoothing) * target + self.label_smoothing / 2
        return logit, self.pos_weight * smooth, 1 - smooth

    def f(self, z, on, off, xp):
        return _surprise(z, on, off, xp)

    def df(self, z, on, off, xp):
        return _surprise_slope(z, on, off)

    def d2f(self, z, on, off, xp):
        return (on + off) * sigmoid_slope(z)


class BinaryFocal(Loss):
    """Cross-entropy that fades for what is already classified well, so that the hard cases rule.

    q = 1 - p_t is the probability missing on the target's side. At a saturated right answer the
    gradient in the logit vanishes for every gamma, also below 1.
    """

    gamma: float = parameter(
        2.0,
        at_least=0,
        slider=(0, 5),
        symbol=r"\gamma",
        meaning="how strongly easy examples fade; 0 leaves weighted cross-entropy",
    )
    alpha: float = parameter(
        0.25,
        at_least=0,
        at_most=1,
        slider=(0, 1),
        symbol=r"\alpha",
        meaning="weight of the label 1; the label 0 has the rest",
    )
    balanced: bool = parameter(
        True, choices=(False, True), meaning="whether to weigh the two labels by alpha at all"
    )

    arguments = (Argument("logit"), TARGET)
    formula = (
        r"-\alpha_t\, q^\gamma \left(y \log p + (1-y) \log(1-p)\right),\quad "
        r"q = y(1-p) + (1-y)p,\ \alpha_t = \alpha y + (1-\alpha)(1-y)"
    )
    convex = False  # for gamma > 0
    lipschitz = None
    nonnegative = True
    failures = (
        "its best constant is no probability: for a share of 0.9 and gamma = 2 it is 0.69",
        "not convex in the logit, so a descent can meet flat stretches",
    )
    reference = "Lin et al. (2017)"
    aliases = ("focal loss", "sigmoid focal loss")

    def __post_init__(self):
        super().__post_init__()
        if self.gamma == 0:  # weighted cross-entropy
            object.__setattr__(self, "convex", True)

    def variables(self, *arrays):
        logit, target = arrays
        return logit, target, 1 - target

    def _parts(self, z, on, off, xp):
        """The factor before the cross-entropy, and the slope of log q in the logit."""
        below, above = _surprises(z, xp)
        log_q = logaddexp(_log(on, xp) - above, _log(off, xp) - below)
        # dq/dz over q, a ratio of exponentials: neither underflows before their quotient does.
        # At an infinite logit that is right, q = 0 and nothing is lost, whatever the rate.
        finite = xp.where(log_q == -inf, 0.0, log_q)
        rate = (off - on) * xp.exp(-below - above - finite)
        weight = self.alpha * on + (1 - self.alpha) * off if self.balanced else 1.0
        return weight * xp.exp(times(self.gamma, log_q)), rate

    def f(self, z, on, off, xp):
        factor, _ = self._parts(z, on, off, xp)
        return times(factor, _surprise(z, on, off, xp))

    def df(self, z, on, off, xp):
        factor, rate = self._parts(z, on, off, xp)
        faded = times(self.gamma * rate, _surprise(z, on, off, xp))
        return factor * (faded + _surprise_slope(z, on, off))

    def d2f(self, z, on, off, xp):
        factor, rate = self._parts(z, on, off, xp)
        bend = self.gamma * rate * ((self.gamma - 1) * rate + sigmoid(-z) - sigmoid(z))
        mixed = 2 * self.gamma * rate * _surprise_slope(z, on, off)
        bent = times(bend, _surprise(z, on, off, xp))
        return factor * (bent + mixed + sigmoid_slope(z))


class SigmoidSquaredError(Loss):
    """Squared error of a sigmoid: why classifiers are not trained on it.

    A confidently wrong logit sits on the flat tail, where the gradient vanishes.
    """

    arguments = (Argument("logit"), TARGET)
    formula = r"(\sigma(z) - y)^2"
    elicits = "log-odds of the mean"
    convex = False
    lipschitz = 8 / 27
    nonnegative = True
    failures = ("confidently wrong means almost no gradient: 4.1e-9 at z = -20 for y = 1",)
    reference = "Solla, Levin & Fleisher (1988)"
    aliases = ("MSE on a sigmoid", "Brier score of a logit")

    def f(self, z, y, xp):
        return _surprise_slope(z, y, 1 - y) ** 2

    def df(self, z, y, xp):
        return 2 * _surprise_slope(z, y, 1 - y) * sigmoid_slope(z)

    def d2f(self, z, y, xp):
        slope = sigmoid_slope(z)
        bend = _surprise_slope(z, y, 1 - y) * (sigmoid(-z) - sigmoid(z))
        return 2 * slope * (slope + bend)


# Many classes: probabilities, logits or scores along the last axis.


class CrossEntropyFromProbabilities(Loss):
    """The mean surprise at classes drawn from the target that were given these probabilities.

    A probability of 0 costs nothing where the target is 0 too, and +inf where it is not. The
    gradient treats the probabilities as free numbers; it does not know that their sum stays 1.
    """

    arguments = (Argument("probabilities", "c", Simplex()), DISTRIBUTION)
    formula = r"-\sum_c y_c \log p_c"
    noise = "categorical"
    elicits = "mean"
    convex = True
    nonnegative = True
    failures = ("infinite for a probability of 0 that happens, to which a softmax easily rounds",)
    reference = "Good (1952)"
    aliases = ("categorical cross-entropy", "logarithmic score")

    def f(self, p, y, xp):
        return xp.sum(times(y, -_log(p, xp)), axis=-1)

    def df(self, p, y, xp):
        return -quotient(y, p)

    def d2f(self, p, y, xp):
        return diagonal(quotient(quotient(y, p), p))


@dataclass(frozen=True)
class ClassWeights:
    """The values of a parameter that holds one non-negative number per class, or None."""

    filler: Any = None

    def excludes(self, x: Any) -> bool:
        return x is not None and not (
            isinstance(x, tuple) and all(0 <= weight < inf for weight in x) and any(x)
        )

    def sample(
        self, rng: np.random.Generator, shape: tuple[int, ...], spread: float = 1
    ) -> np.ndarray:
        return np.exp(spread * rng.standard_normal(shape))

    def room(self, x: np.ndarray) -> np.ndarray:
        return np.minimum(x, 1)

    def __str__(self) -> str:
        return "{None, one number at least 0 per class}"


def _class_weights() -> Any:
    meaning = "what an example counts, by its class: one number for each, or None"
    record = Parameter(None, ClassWeights(), None, "linear", "w", "", meaning)
    return field(default=None, metadata={"parameter": record})


class Softmax(Loss, abstract=True):
    """Losses of one logit per class against a distribution over the classes, by way of the softmax.

    The target is smoothed, and then each class's share in it is multiplied by its weight. A logit
    may be -inf; where the target is 0 too, it plays no part. The mean divides by the number of
    values. PyTorch divides by the summed weights of the labels when there are class weights: that
    is reduction="sum" over that sum.
    """

    label_smoothing: float = parameter(
        0.0,
        at_least=0,
        at_most=1,
        slider=(0, 0.5),
        symbol=r"\varepsilon",
        meaning="share of each target that is spread evenly over all classes",
    )
    temperature: float = parameter(
        1.0,
        above=0,
        slider=(0.05, 10),
        scale="log",
        symbol="T",
        meaning="what the logits are divided by: above 1 the probabilities move together",
    )
    class_weights: tuple[float, ...] | None = _class_weights()

    formula = (
        r"-\sum_c w_c y^\varepsilon_c \log \operatorname{softmax}(z/T)_c,\quad "
        r"y^\varepsilon_c = (1-\varepsilon) y_c + \varepsilon/C"
    )
    noise = "categorical"
    elicits = "log-shares of the classes, up to a shift"
    convex = True
    lipschitz = "sqrt(2) * max(class_weights or (1,)) / temperature"
    nonnegative = True

    def __post_init__(self):
        given: Any = self.class_weights
        if hasattr(given, "__len__"):  # a list or an array, whose content could change
            object.__setattr__(self, "class_weights", tuple(map(float, given)))
        super().__post_init__()

    def variables(self, *arrays):
        logits, target = arrays
        xp, classes = array_namespace(logits), logits.shape[-1]
        weighted = (1 - self.label_smoothing) * target + self.label_smoothing / classes
        if self.class_weights is not None:
            if len(self.class_weights) != classes:
                raise ValueError(
                    f"{self.name}: class_weights has {len(self.class_weights)} entries "
                    f"but there are {classes} classes"
                )
            home = {"dtype": logits.dtype, "device": device(logits)}
            weighted = weighted * xp.asarray(self.class_weights, **home)
        return logits / self.temperature, weighted

    def f(self, z, y, xp):
        return xp.sum(times(y, -log_softmax(z)), axis=-1)

    def df(self, z, y, xp):
        # sum(y) p - y, where expm1(log p) = p - 1 keeps its digits as p approaches 1.
        others = xp.sum(y, axis=-1, keepdims=True) - y
        return others * softmax(z) + y * xp.expm1(log_softmax(z))

    def d2f(self, z, y, xp):
        return xp.sum(y, axis=-1)[..., None, None] * softmax_jacobian(z)

    def _gradient(self, arrays, xp):
        return super()._gradient(arrays, xp) / self.temperature

    def _hessian(self, arrays, xp):
        return super()._hessian(arrays, xp) / self.temperature**2


class CrossEntropyFromLogits(Softmax):
    """The surprise at a class, from unnormalised scores: the standard loss of classifiers.

    Language models are trained on it too, each token being the label of the logits before it.
    """

    arguments = (Argument("logits", "c"), CLASS)
    failures = (
        "without smoothing, separable data drive the logits towards infinity",
        "given probabilities instead of logits it returns plausible nonsense",
    )
    reference = "Bridle (1990); smoothing: Szegedy et al. (2016); temperature: Guo et al. (2017)"
    aliases = ("CE", "cross-entropy", "softmax cross-entropy", "language-model loss")

    def variables(self, *arrays):
        logits, label = arrays
        return super().variables(logits, one_hot(label, logits))


class SoftCrossEntropyFromLogits(Softmax):
    """Cross-entropy against a distribution over the classes instead of a single label."""

    arguments = (Argument("logits", "c"), DISTRIBUTION)
    failures = (
        "the least value is the entropy of the target, not 0",
        "given probabilities instead of logits it returns plausible nonsense",
    )
    reference = "Bridle (1990); smoothing: Szegedy et al. (2016); temperature: Guo et al. (2017)"
    aliases = ("soft-label cross-entropy", "CE with soft labels")


class NegativeLogLikelihood(Loss):
    """Minus the log-probability of the label, for log-probabilities that are already at hand.

    The other classes' log-probabilities play no part, so they may be -inf.
    """

    arguments = (Argument("log_probabilities", "c"), CLASS)
    formula = r"-\log p_y"
    noise = "categorical"
    convex = True
    lipschitz = 1
    nonnegative = False
    failures = (
        "raw logits are taken without complaint: apply log_softmax first",
        "negative for log-densities above 0, so 0 is no floor",
    )
    reference = "Good (1952)"
    aliases = ("NLL", "negative log-likelihood")

    def f(self, log_p, label, xp):
        return -xp.sum(times(one_hot(label, log_p), log_p), axis=-1)

    def df(self, log_p, label, xp):
        return xp.where(xp.isnan(log_p), log_p, -one_hot(label, log_p))

    def d2f(self, log_p, label, xp):
        return diagonal(xp.zeros_like(log_p))


class WestonWatkinsHinge(Loss):
    """Every wrong class that comes too close to the right one costs: one hinge for each of them.

    At a kink its hinge gives no gradient, and squared no curvature.
    """

    margin: float = parameter(
        1.0,
        at_least=0,
        slider=(0, 5),
        symbol=r"\mu",
        meaning="lead of the right class beyond which nothing is lost",
    )
    power: int = parameter(1, choices=(1, 2), meaning="1 for hinges, 2 for squared hinges")
    normalize: bool = parameter(
        False, choices=(False, True), meaning="whether to divide by the number of classes"
    )

    arguments = (Argument("scores", "c"), CLASS)
    formula = r"\sum_{j \ne y} \max(0,\ \mu + s_j - s_y)"
    kinks = (Kink("-margin", order="power"),)
    convex = True
    lipschitz = None  # it grows with the number of classes
    nonnegative = True
    failures = (
        "one name, several losses: margin 2 in the original paper, divided by C in PyTorch",
        "without a class more frequent than all others together, the best scores can rank wrongly",
    )
    reference = "Weston & Watkins (1999)"
    aliases = ("multiclass hinge", "multi-margin loss")

    def variables(self, *arrays):
        """How far each class is ahead of the label, -inf for the label itself; and the label."""
        scores, label = arrays
        xp, right = array_namespace(scores), one_hot(label, scores)
        return xp.where(right == 1, -inf, _ahead(scores, right, xp)), right

    def _divisor(self, right):
        return right.shape[-1] if self.normalize else 1

    def f(self, ahead, right, xp):
        excess = xp.clip(self.margin + ahead, min=0)
        return xp.sum(excess**self.power, axis=-1) / self._divisor(right)

    def df(self, ahead, right, xp):
        gap = self.margin + ahead
        pull = step(gap) if self.power == 1 else 2 * xp.clip(gap, min=0)
        pull = xp.where(right == 1, -xp.sum(pull, axis=-1, keepdims=True), pull)
        return pull / self._divisor(right)

    def d2f(self, ahead, right, xp):
        # Each hinge bends along e_j - e_y, j being the class and y the label.
        bend = 2 * (self.power - 1) * step(self.margin + ahead)
        total = xp.sum(bend, axis=-1)[..., None, None]
        row, column = right[..., None, :], right[..., None]
        cross = bend[..., None] * row + column * bend[..., None, :]
        return (diagonal(bend) - cross + total * column * row) / self._divisor(right)


class CrammerSingerHinge(Loss):
    """Only the strongest rival counts: a hinge on the lead over the best wrong class.

    Where several rivals tie, the gradient pushes the first of them; at the margin itself, none.
    """

    margin: float = parameter(
        1.0,
        at_least=0,
        slider=(0, 5),
        symbol=r"\mu",
        meaning="lead of the right class beyond which nothing is lost",
    )

    arguments = (Argument("scores", "c"), CLASS)
    formula = r"\max\big(0,\ \max_{j \ne y} \mu + s_j - s_y\big)"
    kinks = (Kink(0, order=1),)
    convex = True
    lipschitz = "sqrt(2)"
    nonnegative = True
    failures = (
        "only two scores get a gradient, so all other wrong classes wait for their turn",
        "without a class that has more than half the labels, the best scores are all equal",
    )
    reference = "Crammer & Singer (2001)"
    aliases = ("max-margin multiclass hinge",)

    def variables(self, *arrays):
        """What each class would cost as the strongest rival, 0 for the label itself."""
        scores, label = arrays
        xp, right = array_namespace(scores), one_hot(label, scores)
        return xp.where(right == 1, 0.0, self.margin + _ahead(scores, right, xp)), right

    def kink_variable(self, *arrays):
        """The lead of each class over every other as a rival: the slope jumps where two tie."""
        cost, _ = self.variables(*arrays)
        xp = array_namespace(cost)
        return cost[..., None] - cost[..., None, :] + diagonal(xp.full_like(cost, inf))

    def f(self, cost, right, xp):
        return xp.max(cost, axis=-1)

    def df(self, cost, right, xp):
        rival = one_hot(xp.argmax(cost, axis=-1), cost)
        return step(xp.max(cost, axis=-1, keepdims=True)) * (rival - right)

    def d2f(self, cost, right, xp):
        return diagonal(xp.zeros_like(cost))


# Ordered classes.


class RankedProbabilityScore(Loss):
    """Squared error of cumulative probabilities: being wrong by one class costs least."""

    arguments = (Argument("probabilities", "c", Simplex()), CLASS)
    formula = r"\sum_c \big(F_c - \mathbf 1[y \le c]\big)^2,\quad F_c = \sum_{k \le c} p_k"
    elicits = "shares of the classes"
    convex = True
    lipschitz = None  # it grows with the number of classes
    nonnegative = True
    failures = (
        "it takes all neighbouring classes to be equally far apart",
        "some divide by C - 1: compare values only between equal definitions",
    )
    reference = "Epstein (1969)"
    aliases = ("RPS",)

    def variables(self, *arrays):
        """The error of each cumulative probability."""
        probabilities, label = arrays
        xp = array_namespace(probabilities)
        reached = xp.cumulative_sum(one_hot(label, probabilities), axis=-1)
        return (xp.cumulative_sum(probabilities, axis=-1) - reached,)

    def f(self, error, xp):
        return xp.sum(error**2, axis=-1)

    def df(self, error, xp):
        # A probability takes part in the cumulative ones from its own class onwards.
        return 2 * xp.flip(xp.cumulative_sum(xp.flip(error, axis=-1), axis=-1), axis=-1)

    def d2f(self, error, xp):
        n = error.shape[-1]
        place = xp.arange(n, dtype=error.dtype, device=device(error))
        shared = n - xp.maximum(place[:, None], place[None, :])
        return xp.ones_like(error)[..., None] * (2 * shared)


class CumulativeLink(Loss):
    """One yes-or-no question per threshold, "is it above class k?", each a cross-entropy.

    `ordinal_levels` turns labels into the answers. If all logits share one score and differ by a
    constant of their threshold, the predicted probabilities cannot contradict each other.
    """

    arguments = (
        Argument("logits", "k"),
        Argument("levels", "k", PROBABILITY, differentiable=False),
    )
    formula = r"\sum_k \big(t_k \log(1+e^{-z_k}) + (1-t_k) \log(1+e^{z_k})\big)"
    elicits = "log-odds of lying above each threshold"
    convex = True
    lipschitz = None  # it grows with the number of thresholds
    nonnegative = True
    failures = ("logits of their own for each threshold can claim P(y > 2) > P(y > 1)",)
    reference = "Cao, Mirjalili & Raschka (2020)"
    aliases = ("CORAL", "ordinal cross-entropy", "extended binary classification")

    def f(self, z, levels, xp):
        return xp.sum(_surprise(z, levels, 1 - levels, xp), axis=-1)

    def df(self, z, levels, xp):
        return _surprise_slope(z, levels, 1 - levels)

    def d2f(self, z, levels, xp):
        return diagonal(sigmoid_slope(z))


# What goes with these losses but is none.


def ordinal_levels(label: Any, classes: int) -> Array:
    """Whether each label (...) lies above class k, for k = 0 ... classes - 2: booleans (..., k).

    Raises TypeError unless labels are integers, and ValueError when one is not below `classes`.
    """
    (label,), xp = to_arrays([label])
    label = CLASS.cast(label, None, xp)
    check_domain(CLASS, label, {"c": classes}, None, xp)
    return label[..., None] > xp.arange(classes - 1, device=device(label))


def perplexity(logits: Any, label: Any, **options: Any) -> Array:
    """The exponential of the mean cross-entropy of tokens: among how many the model hesitates.

    logits (..., c) and labels (...) must already be aligned, logits[t] predicting label[t], which
    is the token at t + 1. Padding takes no part when `mask` or `ignore_index` names it; the other
    options are those of `Reduction`. Over no token at all it is 1.
    """
    mean = CrossEntropyFromLogits()(logits, label, **options)  # type: ignore[call-arg]
    return array_namespace(mean).exp(mean)


def hard_examples(values: Any, share: float) -> Array:
    """The mask of the hardest share of the examples, by their loss values, at least one of them.

    Given as `mask` to the loss it makes online hard-example mining (Shrivastava et al., 2016): the
    loss stays the same, but is averaged over another sample. Raises ValueError unless
    0 < share <= 1.
    """
    if not 0 < share <= 1:
        raise ValueError(f"hard_examples: share={share!r} must lie in (0, 1]")
    (values,), xp = to_arrays([values])
    order = xp.argsort(xp.reshape(values, (-1,)), descending=True, stable=True)
    rank = xp.argsort(order)
    return xp.reshape(rank < ceil(share * rank.shape[0]), values.shape)


# Smaller pieces.


def _log(x: Array, xp: Any) -> Array:
    """log x, quietly -inf at 0."""
    return xp.where(x == 0, -inf, xp.log(xp.where(x == 0, 1.0, x)))


def _surprise(z: Array, on: Array, off: Array, xp: Any) -> Array:
    """Cross-entropy of sigmoid(z) when 1 has the weight `on` and 0 the weight `off`."""
    below, above = _surprises(z, xp)
    return times(on, below) + times(off, above)


def _surprises(z: Array, xp: Any) -> tuple[Array, Array]:
    """-log sigmoid(z) and -log sigmoid(-z), which share their costly part; both keep their tails.

    Branches, unlike |z|, have every derivative at 0.
    """
    positive = z > 0
    size = xp.where(positive, z, -z)
    rest = xp.log1p(xp.exp(-size))
    return xp.where(positive, 0.0, size) + rest, xp.where(positive, size, 0.0) + rest


def _surprise_slope(z: Array, on: Array, off: Array) -> Array:
    """Its slope in z; for on + off = 1 that is sigmoid(z) - on, without the cancellation."""
    up, down = odds(z)
    return (off * up - on * down) / (up + down)


def _ahead(scores: Array, right: Array, xp: Any) -> Array:
    """How far each class's score lies above that of the right one."""
    return scores - xp.sum(times(right, scores), axis=-1, keepdims=True)
