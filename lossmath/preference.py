"""Ranking and preference losses: of how far one score lies above another.

The first argument is the one that should win; every gradient pushes the two apart equally hard.
"""

from lossmath.arguments import Argument
from lossmath.arrays import sigmoid, sigmoid_slope, softplus, step, times
from lossmath.domains import OneOf
from lossmath.loss import Kink, Loss, parameter


class Preference(Loss, abstract=True):
    """Losses of the difference d between the first score and the second."""

    def variables(self, *arrays):
        first, second, *others = arrays
        return first - second, *others

    def _gradient(self, arrays, xp):
        slope = self.df(*self.variables(*arrays), xp)
        return slope, -slope

    def _hessian(self, arrays, xp):
        curvature = self.d2f(*self.variables(*arrays), xp)
        return (curvature, -curvature), (-curvature, curvature)


class MarginRanking(Preference):
    """A hinge on the order of two scores: satisfied once the right one leads by the margin.

    The label is 1 when the first should lead and -1 when the second should. The gradient at the
    kink is 0.
    """

    margin: float = parameter(
        0.0,
        at_least=0,
        slider=(0, 5),
        symbol=r"\mu",
        meaning="lead beyond which nothing is lost",
    )

    arguments = (
        Argument("first"),
        Argument("second"),
        Argument("label", domain=OneOf((-1, 1)), differentiable=False),
    )
    formula = r"\max\big(0,\ \mu - y (s_1 - s_2)\big)"
    kinks = (Kink("margin", order=1),)
    convex = True
    lipschitz = "sqrt(2)"
    nonnegative = True
    failures = ("with margin 0, giving everything the same score is already perfect",)
    reference = "Herbrich, Graepel & Obermayer (2000)"
    aliases = ("margin ranking loss", "pairwise hinge")

    def kink_variable(self, *arrays):
        difference, label = self.variables(*arrays)
        return label * difference

    def f(self, d, label, xp):
        return xp.clip(self.margin - label * d, min=0)

    def df(self, d, label, xp):
        return -label * step(self.margin - label * d)

    def d2f(self, d, label, xp):
        return xp.zeros_like(d)


class BradleyTerry(Preference):
    """The surprise that the chosen one won, if scores are log-strengths: it trains reward models.

    Only the difference matters, so scores are known up to a common shift.
    """

    margin: float = parameter(
        0.0,
        at_least=0,
        slider=(0, 5),
        symbol=r"\mu",
        meaning="lead that is taken off before the comparison, to demand more",
    )

    arguments = (Argument("chosen"), Argument("rejected"))
    formula = r"-\log\sigma(s_w - s_l - \mu)"
    noise = "Bernoulli"
    elicits = "a difference of the log-odds of winning, plus the margin"
    convex = True
    lipschitz = "sqrt(2)"
    nonnegative = True
    failures = ("if one always beats the other, the difference grows without end",)
    reference = "Bradley & Terry (1952); Burges et al. (2005)"
    aliases = ("pairwise logistic loss", "RankNet", "reward-model loss")

    def f(self, d, xp):
        return softplus(self.margin - d)

    def df(self, d, xp):
        return -sigmoid(self.margin - d)

    def d2f(self, d, xp):
        return sigmoid_slope(d - self.margin)


class DPO(Preference):
    """Direct preference optimisation: Bradley-Terry on how much more than a reference model likes.

    Arguments are log-probabilities of whole answers given the prompt, each summed over its tokens,
    under the model in training and under the frozen reference. Smoothing takes the share
    label_smoothing of the preferences to be recorded the wrong way round.
    """

    beta: float = parameter(
        0.1,
        above=0,
        slider=(0.01, 1),
        scale="log",
        symbol=r"\beta",
        meaning="strength of the tie to the reference: what one nat of difference counts",
    )
    label_smoothing: float = parameter(
        0.0,
        at_least=0,
        below=0.5,
        slider=(0, 0.4),
        symbol=r"\varepsilon",
        meaning="share of the preferences believed to be the wrong way round",
    )

    arguments = (
        Argument("chosen"),
        Argument("rejected"),
        Argument("reference_chosen", differentiable=False),
        Argument("reference_rejected", differentiable=False),
    )
    formula = (
        r"-(1-\varepsilon)\log\sigma(\beta h) - \varepsilon\log\sigma(-\beta h),\quad "
        r"h = \log\tfrac{\pi_w}{\pi_l} - \log\tfrac{\pi^{\rm ref}_w}{\pi^{\rm ref}_l}"
    )
    noise = "Bernoulli"
    convex = True
    lipschitz = "sqrt(2) * beta * (1 - label_smoothing)"
    nonnegative = True
    failures = (
        "both log-probabilities can fall together while their difference grows",
        "sums over tokens favour differences of long answers",
    )
    reference = "Rafailov et al. (2023); smoothing: Mitchell (2023)"
    aliases = ("direct preference optimization", "direct preference optimisation")

    def variables(self, *arrays):
        chosen, rejected, reference_chosen, reference_rejected = arrays
        return ((chosen - reference_chosen) - (rejected - reference_rejected),)

    def f(self, h, xp):
        kept, flipped = softplus(-self.beta * h), softplus(self.beta * h)
        return (1 - self.label_smoothing) * kept + times(self.label_smoothing, flipped)

    def df(self, h, xp):
        kept, flipped = sigmoid(-self.beta * h), sigmoid(self.beta * h)
        return self.beta * (self.label_smoothing * flipped - (1 - self.label_smoothing) * kept)

    def d2f(self, h, xp):
        return self.beta**2 * sigmoid_slope(self.beta * h)
