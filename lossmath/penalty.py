"""Terms beside the main loss: on weights and activations, on routing, on physics and on time.

A penalty adds up what it finds and multiplies it by its weight in the objective, so that most of
these losses are one number for a whole array, not one for each of its entries.
"""

from math import inf
from typing import Any

from lossmath.arguments import Argument
from lossmath.arrays import (
    Array,
    above_mean,
    array_namespace,
    device,
    diagonal,
    one_hot,
    rel_entr,
    softmax,
    stop_gradient,
    to_arrays,
)
from lossmath.divergence import PROBABILITY, ExpectedCost
from lossmath.loss import Accumulating, Kink, Loss, parameter

WEIGHT = Argument("weight", "...")


class Weighed(Loss, abstract=True):
    """Losses times a strength: f, df and d2f are those of strength 1.

    A class of its own, below `Accumulating`: a sum that only float32 holds may fit half precision
    again once it is multiplied.
    """

    strength: float = parameter(
        1e-3,
        at_least=0,
        slider=(1e-6, 1),
        scale="log",
        symbol=r"\lambda",
        meaning="what the penalty counts beside the main loss",
    )

    lipschitz = None
    nonnegative = True

    def _value(self, arrays, xp):
        return self.strength * super()._value(arrays, xp)

    def _gradient(self, arrays, xp):
        return _times(self.strength, super()._gradient(arrays, xp))

    def _hessian(self, arrays, xp):
        return _times(self.strength, super()._hessian(arrays, xp))


class Penalty(Accumulating, Weighed, abstract=True):
    """Losses that add up over weights or examples, and count as much as their strength says."""


# Weights.


class L1Penalty(Penalty):
    """The sum of the sizes of the weights: pulls each towards 0 equally hard, and some all the way.

    The gradient at a weight of 0 is 0, one of the subgradients between -strength and strength.
    """

    arguments = (WEIGHT,)
    formula = r"\lambda \sum_i |w_i|"
    noise = "Laplace prior on the weights"
    kinks = (Kink(0, order=1),)
    convex = True
    failures = ("plain gradient steps hop around 0; exact zeros need a proximal step",)
    reference = "Tibshirani (1996)"
    aliases = ("lasso", "L1 regularisation")

    def f(self, w, xp):
        return xp.sum(xp.abs(w))

    def df(self, w, xp):
        return xp.sign(w)

    def d2f(self, w, xp):
        return _over_all(xp.zeros_like(w), xp)


class L2Penalty(Penalty):
    """The sum of the squared weights: shrinks large weights most and makes none exactly 0."""

    arguments = (WEIGHT,)
    formula = r"\lambda \sum_i w_i^2"
    noise = "Gaussian prior on the weights"
    convex = True
    failures = ("with one half in front, as in weight decay, the same strength means half as much",)
    reference = "Hoerl & Kennard (1970)"
    aliases = ("ridge", "weight decay", "L2 regularisation", "Tikhonov")

    def f(self, w, xp):
        return xp.sum(w * w)

    def df(self, w, xp):
        return 2 * w

    def d2f(self, w, xp):
        return _over_all(xp.full_like(w, 2.0), xp)


class OrthogonalityPenalty(Penalty):
    """How far the columns of a matrix are from orthonormal: squared, and summed over all pairs."""

    arguments = (Argument("weight", "n m"),)
    formula = r"\lambda \left\| W^\top W - I \right\|_F^2"
    failures = (
        "a wide matrix cannot have orthonormal columns: pass its transpose to ask for its rows",
        "it grows with the fourth power of the weights, so a far-off start needs small steps",
    )
    reference = "Brock et al. (2017)"
    aliases = ("orthogonal regularisation",)

    def _excess(self, w, xp):
        return xp.matmul(xp.matrix_transpose(w), w) - _identity(w.shape[-1], w, xp)

    def f(self, w, xp):
        return xp.sum(self._excess(w, xp) ** 2, axis=(-2, -1))

    def df(self, w, xp):
        return 4 * xp.matmul(w, self._excess(w, xp))

    def d2f(self, w, xp):
        # The derivative of entry (i, a) of W (W^T W - I) in weight (j, b), axes in the order iajb.
        rows, columns = (_identity(size, w, xp) for size in w.shape[-2:])
        outer = xp.matmul(w, xp.matrix_transpose(w))
        same_row = rows[:, None, :, None] * self._excess(w, xp)[..., None, :, None, :]
        same_column = columns[:, None, :] * outer[..., :, None, :, None]
        crossed = w[..., :, None, None, :] * xp.matrix_transpose(w)[..., None, :, :, None]
        return 4 * (same_row + same_column + crossed)


# Activations and representations.


class CentreLoss(Penalty):
    """Half the squared distances of examples from the centre of their class, added up.

    The gradient in a centre is the true one, the sum over its class; the original method moves it
    by a damped mean instead.
    """

    strength: float = parameter(
        3e-3,
        at_least=0,
        slider=(1e-4, 1),
        scale="log",
        symbol=r"\lambda",
        meaning="what the compactness of the classes counts beside the main loss",
    )

    arguments = (
        Argument("features", "n d"),
        Argument("centres", "k d"),
        Argument("label", "n", index_of="k", differentiable=False),
    )
    formula = r"\frac\lambda2 \sum_i \left\| x_i - c_{y_i} \right\|_2^2"
    noise = "one Gaussian for each class, all of the same width"
    convex = True
    failures = ("alone it is perfect when every example and every centre is the same point",)
    reference = "Wen et al. (2016)"
    aliases = ("center loss",)

    def variables(self, *arrays):
        features, centres, label = arrays
        xp = array_namespace(features)
        member = one_hot(label, xp.matrix_transpose(centres))
        return features - xp.matmul(member, centres), member

    def f(self, r, member, xp):
        return xp.sum(r * r, axis=(-2, -1)) / 2

    def df(self, r, member, xp):
        return r, -xp.matmul(xp.matrix_transpose(member), r)

    def d2f(self, r, member, xp):
        one = _identity(r.shape[-1], r, xp)[:, None, :]
        examples, count = xp.sum(member, axis=-1), xp.sum(member, axis=-2)
        between = member[..., :, None, :, None] * one
        back = xp.matrix_transpose(member)[..., :, None, :, None] * one
        within = diagonal(examples)[..., :, None, :, None] * one
        return (within, -between), (-back, diagonal(count)[..., :, None, :, None] * one)


class SparsityKL(Loss):
    """How far the share of the time that a unit is active lies from the small share it should be.

    A unit that is always or never active costs +inf.
    """

    rho: float = parameter(
        0.05,
        above=0,
        below=1,
        slider=(0.01, 0.5),
        symbol=r"\rho",
        meaning="share of the examples that should activate a unit",
    )

    arguments = (Argument("activity", domain=PROBABILITY),)
    formula = r"\rho \log\frac{\rho}{\hat\rho} + (1-\rho) \log\frac{1-\rho}{1-\hat\rho}"
    noise = "Bernoulli"
    convex = True
    nonnegative = True
    failures = (
        "needs the mean over many examples: a small batch often has units at exactly 0",
        "for an activity that is rho up to rounding, a value may fall below 0 by as little",
    )
    reference = "Ng (2011)"
    aliases = ("sparsity penalty", "Bernoulli KL")

    def f(self, a, xp):
        rho = xp.full_like(a, self.rho)
        return rel_entr(rho, a) + rel_entr(1 - rho, 1 - a)

    def df(self, a, xp):
        inside = xp.where((a == 0) | (a == 1), 0.5, a)
        slope = (inside - self.rho) / (inside * (1 - inside))
        return xp.where(a == 0, -inf, xp.where(a == 1, inf, slope))

    def d2f(self, a, xp):
        edge = (a == 0) | (a == 1)
        inside = xp.where(edge, 0.5, a)
        curvature = self.rho / inside / inside + (1 - self.rho) / (1 - inside) ** 2
        return xp.where(edge, inf, curvature)


class EntropyRegularisation(ExpectedCost):
    """A reward for staying undecided: less entropy costs more, up to nothing for a certain choice.

    As a loss it is minus beta times the entropy of the softmax.
    """

    beta: float = parameter(
        0.01,
        at_least=0,
        slider=(1e-3, 1),
        scale="log",
        symbol=r"\beta",
        meaning="what a nat of entropy earns",
    )

    arguments = (Argument("logits", "c"),)
    formula = r"-\beta H(p) = \beta \sum_c p_c \log p_c,\quad p = \operatorname{softmax}(z)"
    convex = False
    lipschitz = None
    nonnegative = False
    failures = ("with the wrong sign it makes a policy decide before it has tried anything",)
    reference = "Mnih et al. (2016); Pereyra et al. (2017)"
    aliases = ("entropy bonus", "confidence penalty")

    def _cost(self, *arrays):
        xp = array_namespace(*arrays)
        return xp.zeros_like(arrays[0])


# Routing, physics, time.


class LoadBalancing(Penalty):
    """Spreads tokens evenly over the experts of a mixture: an even load costs 1 per choice.

    Multiplied by the number of experts E, it pairs the share f of the tokens sent to an expert with
    its mean probability P. Who is sent where is held constant, so only P carries a gradient. Of
    equal scores, the expert with the lower index is chosen.
    """

    strength: float = parameter(
        0.01,
        at_least=0,
        slider=(1e-4, 0.1),
        scale="log",
        symbol=r"\alpha",
        meaning="what balance counts beside the main loss",
    )
    top: int = parameter(1, choices=(1, 2), meaning="how many experts each token is sent to")

    arguments = (Argument("router_logits", "t c"),)
    formula = r"\alpha E \sum_e f_e P_e"
    kinks = (Kink(0, order=0),)
    convex = False
    semigradient = True
    failures = (
        "too strong it sends tokens to experts that do not suit them",
        "no gauge of crowding: it is not 0 for an even load, and a crowded one may cost less",
    )
    reference = "Fedus, Zoph & Shazeer (2021)"
    aliases = ("MoE load balancing", "Switch auxiliary loss", "auxiliary balancing loss")

    def variables(self, *arrays):
        (logits,) = arrays
        xp = array_namespace(logits)
        order = xp.argsort(stop_gradient(logits), axis=-1, descending=True, stable=True)
        chosen = xp.astype(xp.argsort(order, axis=-1) < self.top, logits.dtype)
        return softmax(logits), xp.sum(chosen, axis=-2, keepdims=True) / _tokens(logits)

    def kink_variable(self, *arrays):
        """How far the scores of a token lie apart."""
        (logits,) = arrays
        later = [logits[..., i : i + 1] - logits[..., i + 1 :] for i in range(logits.shape[-1])]
        return array_namespace(logits).concat(later, axis=-1)

    def f(self, p, share, xp):
        mean = xp.sum(p, axis=-2, keepdims=True) / _tokens(p)
        return p.shape[-1] * xp.sum(share * mean, axis=(-2, -1))

    def df(self, p, share, xp):
        return p.shape[-1] / _tokens(p) * p * above_mean(share, p)


class PhysicsInformed(Accumulating):
    """Fit the data and obey an equation: two mean squares, of what is left of each.

    `equation` is what remains of the differential equation, moved to one side, at points where no
    data are needed. For u' + u = 0 it is u' + u.
    """

    strength: float = parameter(
        1.0,
        at_least=0,
        slider=(1e-3, 1e3),
        scale="log",
        symbol=r"\lambda",
        meaning="what the equation counts beside the data",
    )

    arguments = (
        Argument("prediction", "n"),
        Argument("target", "n", differentiable=False),
        Argument("equation", "m"),
    )
    formula = r"\frac1n \sum_i (\hat u_i - u_i)^2 + \frac\lambda m \sum_j \mathcal N[\hat u](t_j)^2"
    noise = "Gaussian, in the data and in the equation"
    convex = True
    nonnegative = True
    failures = (
        "convex in what it is given, hardly ever in the network's weights",
        "the terms have different units and scales, so one of them can drown the other",
    )
    reference = "Raissi, Perdikaris & Karniadakis (2019)"
    aliases = ("PINN", "physics-informed loss", "logic-constraint residual")

    def variables(self, *arrays):
        prediction, target, equation = arrays
        return prediction - target, equation

    def _weights(self, r, equation):
        """What each square counts; a mean over nothing is 0."""
        return 1 / max(r.shape[-1], 1), self.strength / max(equation.shape[-1], 1)

    def f(self, r, equation, xp):
        data, physics = self._weights(r, equation)
        return data * xp.sum(r * r, axis=-1) + physics * xp.sum(equation * equation, axis=-1)

    def df(self, r, equation, xp):
        data, physics = self._weights(r, equation)
        return 2 * data * r, 2 * physics * equation

    def d2f(self, r, equation, xp):
        data, physics = self._weights(r, equation)
        zero = xp.zeros_like(r[..., :, None] * equation[..., None, :])
        return (
            (diagonal(xp.full_like(r, 2 * data)), zero),
            (xp.matrix_transpose(zero), diagonal(xp.full_like(equation, 2 * physics))),
        )


class TDError(Loss):
    """Half the squared surprise of a value estimate at the reward and the estimate that follow.

    The target is held constant: no gradient reaches the next value. After a terminal state pass 0
    for it. For a Huber loss give `temporal_difference_target` to Huber.
    """

    discount: float = parameter(
        0.99,
        at_least=0,
        at_most=1,
        slider=(0, 1),
        symbol=r"\gamma",
        meaning="what a reward one step later is worth now",
    )

    arguments = (
        Argument("value"),
        Argument("next_value"),
        Argument("reward", differentiable=False),
    )
    formula = r"\tfrac12 \delta^2,\quad \delta = r + \gamma V(s') - V(s)"
    noise = "Gaussian"
    elicits = "expected discounted return"
    convex = True
    nonnegative = True
    semigradient = True
    failures = (
        "differentiated through the target it pulls the next value towards this one",
        "estimates that chase one another can diverge",
    )
    reference = "Sutton (1988)"
    aliases = ("temporal difference", "TD(0)", "TD loss")

    def variables(self, *arrays):
        value, next_value, reward = arrays
        return (temporal_difference_target(reward, next_value, self.discount) - value,)

    def f(self, surprise, xp):
        return surprise * (surprise / 2)

    def df(self, surprise, xp):
        return -surprise, xp.zeros_like(surprise)

    def d2f(self, surprise, xp):
        zero = xp.zeros_like(surprise)
        return (xp.ones_like(surprise), zero), (zero, zero)


def temporal_difference_target(reward: Any, next_value: Any, discount: float = 0.99) -> Array:
    """reward + discount * next_value, elementwise and held constant.

    After a terminal state `next_value` is 0. Any regression loss of a value against this target is
    a temporal-difference loss. Raises ValueError when the shapes differ.
    """
    (reward, next_value), _ = to_arrays([reward, next_value])
    if reward.shape != next_value.shape:
        raise ValueError(
            f"reward has shape {tuple(reward.shape)} "
            f"but next_value has shape {tuple(next_value.shape)}"
        )
    return reward + discount * stop_gradient(next_value)


# Smaller pieces.


def _identity(size: int, like: Array, xp: Any) -> Array:
    return xp.eye(size, dtype=like.dtype, device=device(like))


def _tokens(routed: Array) -> int:
    """How many rows there are to take a mean over; a mean over none is 0."""
    return max(routed.shape[-2], 1)


def _times(strength: float, derivative: Any) -> Any:
    """Every array of a derivative times the strength."""
    if isinstance(derivative, tuple):
        return tuple(_times(strength, part) for part in derivative)
    return strength * derivative


def _over_all(x: Array, xp: Any) -> Array:
    """The entries of x on the diagonal of an array of shape x.shape + x.shape."""
    return xp.reshape(diagonal(xp.reshape(x, (-1,))), (*x.shape, *x.shape))
