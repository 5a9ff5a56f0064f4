"""Losses of representations: what belongs together is drawn close, what does not is pushed apart.

An embedding is a vector along the last axis. Distances are Euclidean; a similarity is a score that
grows as two things get closer, usually the cosine of the angle between them. The zero vector has no
direction: its cosine with anything is taken as 0, and it gets no gradient from it.
"""

import math
from dataclasses import replace
from math import inf, log, pi
from typing import Any

from lossmath.arguments import Argument
from lossmath.arrays import (
    Array,
    array_namespace,
    device,
    diagonal,
    log_softmax,
    logsumexp,
    norm,
    one_hot,
    orthogonal_projector,
    sigmoid,
    softmax,
    softmax_jacobian,
    softplus,
    step,
    stop_gradient,
    to_arrays,
)
from lossmath.classification import CLASS
from lossmath.domains import Interval, OneOf
from lossmath.loss import Accumulating, Kink, Loss, parameter

# Distances.


class ContrastivePair(Loss):
    """Draws similar pairs together and pushes the others apart, until they are a margin away.

    Where a pair that should differ coincides, there is no direction to push it in: the gradient is
    0, and the Hessian leaves the corner out.
    """

    margin: float = parameter(
        1.0,
        at_least=0,
        slider=(0.1, 5),
        symbol=r"\mu",
        meaning="distance beyond which a pair that should differ costs nothing",
    )

    arguments = (
        Argument("first", "d"),
        Argument("second", "d"),
        Argument("similar", domain=OneOf((0, 1)), differentiable=False),
    )
    formula = r"s\,d^2 + (1-s) \max(0,\ \mu - d)^2,\quad d = \|u - v\|_2"
    kinks = (Kink("margin", order=2),)
    convex = False
    nonnegative = True
    failures = (
        "the original paper has one half in front and labels similar pairs 0, not 1",
        "without pairs that differ, mapping everything to one point is perfect",
    )
    reference = "Hadsell, Chopra & LeCun (2006)"
    aliases = ("contrastive loss", "pair loss")

    def kink_points(self):
        return super().kink_points() if self.margin else []

    def kink_variable(self, *arrays):
        """The distance of a pair that should differ."""
        x, similar = self.variables(*arrays)
        return array_namespace(x).where(similar == 0, norm(x), inf)

    def variables(self, *arrays):
        first, second, similar = arrays
        return first - second, similar

    def f(self, x, similar, xp):
        distance = norm(x)
        return _by_label(similar, distance, xp.clip(self.margin - distance, min=0), xp) ** 2

    def df(self, x, similar, xp):
        unit, distance = _unit(x, xp)
        gap = xp.clip(self.margin - distance, min=0)
        return 2 * _by_label(similar, distance, -gap, xp)[..., None] * unit

    def d2f(self, x, similar, xp):
        straight = diagonal(xp.ones_like(x))
        apart = step(self.margin - norm(x))[..., None, None]
        pushed = apart * (straight - self.margin * _length_hessian(x, xp))
        return 2 * _by_label(similar[..., None, None], straight, pushed, xp)

    def _gradient(self, arrays, xp):
        slope = super()._gradient(arrays, xp)
        return slope, -slope

    def _hessian(self, arrays, xp):
        bend = super()._hessian(arrays, xp)
        return (bend, -bend), (-bend, bend)


class Triplet(Accumulating):
    """Asks that an anchor be closer to its positive than to its negative, by a margin.

    A squared distance makes the margin squared too. At the kink all derivatives are 0; where two
    points coincide, their distance has none.
    """

    margin: float = parameter(
        1.0,
        at_least=0,
        slider=(0, 5),
        symbol=r"\mu",
        meaning="how much closer the positive must be: 0.2 is usual on the unit sphere",
    )
    squared: bool = parameter(
        True, choices=(False, True), meaning="whether distances are squared, as in FaceNet"
    )

    arguments = (Argument("anchor", "d"), Argument("positive", "d"), Argument("negative", "d"))
    formula = r"\max(0,\ D_{ap} - D_{an} + \mu),\quad D = \|u - v\|_2^2 \text{ or } \|u - v\|_2"
    kinks = (Kink(0, order=1),)
    convex = False
    nonnegative = True
    failures = (
        "most triplets soon cost nothing, so training stalls without choosing the hard ones",
        "one name, two losses: squared distances in FaceNet, plain ones in PyTorch",
    )
    reference = "Schroff, Kalenichenko & Philbin (2015); plain distances: Balntas et al. (2016)"
    aliases = ("triplet loss", "triplet margin loss")

    def __post_init__(self):
        super().__post_init__()
        if not self.squared:  # each of the three points moves two unit vectors at most
            object.__setattr__(self, "lipschitz", "sqrt(6)")

    def variables(self, *arrays):
        anchor, positive, negative = arrays
        return anchor - positive, anchor - negative, negative - positive

    def kink_variable(self, *arrays):
        return self._gap(*self.variables(*arrays))

    def _gap(self, near, far, between):
        if not self.squared:
            return norm(near) - norm(far) + self.margin
        # As a product, a difference of squares keeps its digits when the anchor is far from both.
        return array_namespace(near).sum((near + far) * between, axis=-1) + self.margin

    def _pull(self, x, xp):
        """The slope of the distance, squared or not."""
        return 2 * x if self.squared else _unit(x, xp)[0]

    def _bend(self, x, xp):
        return 2 * diagonal(xp.ones_like(x)) if self.squared else _length_hessian(x, xp)

    def f(self, near, far, between, xp):
        return xp.clip(self._gap(near, far, between), min=0)

    def df(self, near, far, between, xp):
        active = step(self._gap(near, far, between))[..., None]
        to_positive, to_negative = active * self._pull(near, xp), active * self._pull(far, xp)
        return to_positive - to_negative, -to_positive, to_negative

    def d2f(self, near, far, between, xp):
        active = step(self._gap(near, far, between))[..., None, None]
        p, n = active * self._bend(near, xp), active * self._bend(far, xp)
        zero = xp.zeros_like(p)
        return (p - n, -p, n), (-p, p, zero), (n, zero, -n)


# Similarities.


class InfoNCE(Loss):
    """The surprise at which candidate is the positive: a cross-entropy of similarities.

    Similarities (..., c) hold the positive and its negatives, `positive` says which one it is; a
    matrix of all against all comes with the labels 0, 1, 2, ... A candidate at -inf takes no part.
    Without negatives the loss is 0. On average log(c) minus it is at most the mutual information.
    """

    temperature: float = parameter(
        0.07,
        above=0,
        slider=(0.01, 2),
        scale="log",
        symbol=r"\tau",
        meaning="what similarities are divided by: below 1 the closest negatives count most",
    )

    arguments = (
        Argument("similarities", "c"),
        Argument("positive", index_of="c", differentiable=False),
    )
    formula = r"-\log \frac{e^{s_+/\tau}}{e^{s_+/\tau} + \sum_j e^{s_j/\tau}}"
    noise = "categorical"
    convex = True
    lipschitz = "sqrt(2) / temperature"
    nonnegative = True
    failures = (
        "a candidate that is really a positive is pushed away like any other",
        "the gradient contains 1/tau: a new temperature wants a new learning rate",
    )
    reference = "van den Oord, Li & Vinyals (2018)"
    aliases = ("info nce", "N-pair loss", "contrastive cross-entropy")

    def variables(self, *arrays):
        similarities, positive = arrays
        return similarities / self.temperature, one_hot(positive, similarities)

    def f(self, z, right, xp):
        return -xp.sum(xp.where(right == 1, log_softmax(z), 0.0), axis=-1)

    def df(self, z, right, xp):
        # p - 1 at the positive, by way of expm1 to keep its digits as p approaches 1.
        return xp.where(right == 1, xp.expm1(log_softmax(z)), softmax(z)) / self.temperature

    def d2f(self, z, right, xp):
        return softmax_jacobian(z) / self.temperature**2


class Matching(Loss, abstract=True):
    """Losses of n pairs of vectors, in which each half must recognise the other among all."""

    def _values_shape(self, sizes):
        if sizes["n"] == 0:
            names = " and ".join(a.name for a in self.arguments if "n" in a.axes.split())
            raise ValueError(f"{names} hold n=0 pairs but need at least 1")
        return super()._values_shape(sizes)


class NTXent(Matching):
    """SimCLR's loss: each of 2n views must recognise, among all others, the view of its own image.

    One value for the n pairs of rows of two arrays (..., n, d), the mean over all 2n views. A view
    is never compared with itself.
    """

    temperature: float = parameter(
        0.5,
        above=0,
        slider=(0.05, 2),
        scale="log",
        symbol=r"\tau",
        meaning="what cosines are divided by: below 1 the closest negatives count most",
    )

    arguments = (Argument("first", "n d"), Argument("second", "n d"))
    formula = (
        r"-\frac{1}{2n} \sum_{i=1}^{2n} \log \frac{e^{\cos(z_i, z_{i'})/\tau}}"
        r"{\sum_{k \ne i} e^{\cos(z_i, z_k)/\tau}}"
    )
    convex = False
    lipschitz = None  # the gradient grows as a vector shrinks
    nonnegative = True
    symmetric = True
    failures = ("it depends on n: more pairs in a batch are more negatives for each of them",)
    reference = "Chen, Kornblith, Norouzi & Hinton (2020)"
    aliases = ("SimCLR loss", "normalised temperature-scaled cross-entropy")

    def variables(self, *arrays):
        """All views as unit vectors, their lengths, and where the other view of each one stands."""
        xp, n = array_namespace(*arrays), arrays[0].shape[-2]
        units, lengths = _unit(xp.concat(arrays, axis=-2), xp)
        return units, lengths, xp.roll(xp.arange(2 * n, device=device(units)), n)

    def _similarities(self, units, xp):
        itself = xp.eye(units.shape[-2], dtype=xp.bool, device=device(units))
        return xp.where(itself, -inf, xp.matmul(units, xp.matrix_transpose(units)))

    def f(self, units, lengths, other, xp):
        ranking = InfoNCE(self.temperature)
        return xp.mean(ranking._value([self._similarities(units, xp), other], xp), axis=-1)

    def df(self, units, lengths, other, xp):
        ranking = InfoNCE(self.temperature)
        pull = ranking._gradient([self._similarities(units, xp), other], xp)
        pull = (pull + xp.matrix_transpose(pull)) / pull.shape[-1]
        gradient = _through_unit(xp.matmul(pull, units), units, lengths, xp)
        n = gradient.shape[-2] // 2
        return gradient[..., :n, :], gradient[..., n:, :]


class CLIP(Matching):
    """Matches n images with their n captions: each must find the other among all of the batch.

    One value for the n pairs of rows of two arrays (..., n, d). The factor before the cosines is
    learned as its logarithm, and held at 100 from there on, where its gradient is 0.
    """

    arguments = (Argument("images", "n d"), Argument("texts", "n d"), Argument("log_scale"))
    formula = (
        r"-\frac{1}{2n} \sum_i \Big(\log \frac{e^{S_{ii}}}{\sum_j e^{S_{ij}}} + "
        r"\log \frac{e^{S_{ii}}}{\sum_j e^{S_{ji}}}\Big),\quad "
        r"S_{ij} = \min(e^\ell, 100) \cos(x_i, t_j)"
    )
    kinks = (Kink(log(100), order=1),)
    convex = False
    lipschitz = None  # the gradient grows as a vector shrinks
    nonnegative = True
    failures = ("two captions that fit both images are pushed away from the other's all the same",)
    reference = "Radford et al. (2021)"
    aliases = ("CLIP loss", "symmetric contrastive loss", "image-text contrastive loss")

    def kink_variable(self, *arrays):
        return arrays[2]

    def variables(self, *arrays):
        """Both sides as units with their lengths, the factor, and whether it is still learned."""
        images, texts, log_scale = arrays
        xp = array_namespace(images)
        # Held once more, because exp(log(100)) is a little above 100.
        scale = xp.clip(xp.exp(xp.clip(log_scale, max=log(100))), max=100)[..., None, None]
        return *_unit(images, xp), *_unit(texts, xp), scale, step(log(100) - log_scale)

    def _rankings(self, images, texts, scale, xp):
        """The scaled cosines, by rows and by columns, as arguments of InfoNCE."""
        logits = scale * xp.matmul(images, xp.matrix_transpose(texts))
        pairs = xp.arange(logits.shape[-1], device=device(logits))
        return [logits, pairs], [xp.matrix_transpose(logits), pairs]

    def f(self, images, _, texts, __, scale, learned, xp):
        by_row, by_column = self._rankings(images, texts, scale, xp)
        values = InfoNCE(1.0)._value(by_row, xp) + InfoNCE(1.0)._value(by_column, xp)
        return xp.mean(values, axis=-1) / 2

    def df(self, images, image_lengths, texts, text_lengths, scale, learned, xp):
        by_row, by_column = self._rankings(images, texts, scale, xp)
        across, down = InfoNCE(1.0)._gradient(by_row, xp), InfoNCE(1.0)._gradient(by_column, xp)
        pull = (across + xp.matrix_transpose(down)) / (2 * across.shape[-1])
        to_texts = xp.matmul(xp.matrix_transpose(pull), images)
        return (
            _through_unit(scale * xp.matmul(pull, texts), images, image_lengths, xp),
            _through_unit(scale * to_texts, texts, text_lengths, xp),
            learned * xp.sum(pull * by_row[0], axis=(-2, -1)),
        )


# Angles.


class CosineEmbedding(Loss):
    """One minus the cosine for pairs that belong together, the cosine itself for those that do not.

    Only what exceeds the margin costs. The length of a vector plays no part, so the gradient is at
    a right angle to it. The gradient at the kink is 0.
    """

    margin: float = parameter(
        0.0,
        at_least=-1,
        at_most=1,
        slider=(-1, 1),
        symbol=r"\mu",
        meaning="cosine up to which a pair that should differ costs nothing",
    )

    arguments = (
        Argument("first", "d"),
        Argument("second", "d"),
        Argument("label", domain=OneOf((-1, 1)), differentiable=False),
    )
    formula = r"1 - \cos(u, v) \text{ if } y = 1, \text{ else } \max(0,\ \cos(u, v) - \mu)"
    kinks = (Kink("margin", order=1),)
    convex = False
    lipschitz = None  # the gradient grows as a vector shrinks
    nonnegative = True
    failures = ("the longer a vector, the smaller its gradient: long vectors hardly turn",)
    reference = "Bromley et al. (1993)"
    aliases = ("cosine loss", "cosine distance", "cosine embedding loss")

    def kink_points(self):
        return super().kink_points() if abs(self.margin) < 1 else []

    def kink_variable(self, *arrays):
        (u, _), (v, _), _ = self.variables(*arrays)
        return 1 - self._distance(u, v, array_namespace(u))

    def variables(self, *arrays):
        """Both vectors as units with their lengths, and the label."""
        first, second, label = arrays
        xp = array_namespace(first)
        return _unit(first, xp), _unit(second, xp), label

    def _distance(self, u, v, xp):
        # 1 - cos as half a square: never negative, and accurate for vectors that are almost alike.
        directed = xp.any(u != 0, axis=-1) & xp.any(v != 0, axis=-1)
        half_square = xp.sum((u - v) ** 2, axis=-1) / 2
        return xp.where(directed, half_square, 1 - xp.sum(u * v, axis=-1))

    def f(self, first, second, label, xp):
        distance = self._distance(first[0], second[0], xp)
        excess = xp.clip(1 - distance - self.margin, min=0)
        return _by_label(label, distance, excess, xp)

    def df(self, first, second, label, xp):
        (u, first_length), (v, second_length) = first, second
        costly = step(1 - self._distance(u, v, xp) - self.margin)
        directed = (first_length != 0) & (second_length != 0)
        sign = xp.where(directed, _by_label(label, 1.0, -costly, xp), 0.0)
        slope = sign[..., None] * (u - v)
        return (
            _through_unit(slope, u, first_length, xp),
            _through_unit(-slope, v, second_length, xp),
        )


class ArcFace(Loss):
    """Cross-entropy of cosines, where the right class must win by an angle added to its own.

    Takes the cosines of the angles to each class. Beyond pi the angle would turn back: there the
    cosine is lowered by margin times sin(margin) instead. At an angle of exactly 0 the slope of the
    angle is infinite; there the gradient treats its sine as constant.
    """

    margin: float = parameter(
        0.5,
        at_least=0,
        slider=(0, 1),
        at_most=pi / 2,
        symbol=r"\mu",
        unit="radians",
        meaning="angle by which the right class must win",
    )
    scale: float = parameter(
        64.0,
        above=0,
        slider=(1, 128),
        scale="log",
        symbol=r"\gamma",
        meaning="what cosines are multiplied by before the softmax",
    )

    arguments = (
        Argument("cosines", "c", Interval(at_least=-1, at_most=1)),
        CLASS,
    )
    formula = (
        r"-\log \frac{e^{\gamma \cos(\theta_y + \mu)}}"
        r"{e^{\gamma \cos(\theta_y + \mu)} + \sum_{j \ne y} e^{\gamma \cos\theta_j}}"
    )
    noise = "categorical"
    kinks = (Kink(pi, order=0),)
    lipschitz = None  # unbounded, unless the margin is 0
    nonnegative = True
    failures = (
        "some take the margin in degrees: 0.5 is then almost none",
        "a label wrong by a wide angle dominates: the loss grows like the scale",
        "a cosine that rounding has put above 1 is refused: clip it first",
    )
    reference = "Deng, Guo, Xue & Zafeiriou (2019)"
    aliases = ("additive angular margin", "angular margin softmax")

    def kink_points(self):
        return super().kink_points() if self.margin else []

    def kink_variable(self, *arrays):
        """The angle to the right class with its margin added."""
        cosines, label = arrays
        xp = array_namespace(cosines)
        right = xp.sum(one_hot(label, cosines) * cosines, axis=-1)
        return xp.acos(right) + self.margin

    def variables(self, *arrays):
        """The cosines with the margin at work, its slope there, and the label."""
        cosines, label = arrays
        xp, right = array_namespace(cosines), one_hot(label, cosines) == 1
        square = (1 - cosines) * (1 + cosines)
        # The root is never taken at 0, where its slope is infinite.
        angle_sine = xp.sqrt(xp.where(square == 0, 1.0, square)) * xp.sign(square)
        turned = cosines * math.cos(self.margin) - angle_sine * math.sin(self.margin)
        beyond = cosines < -math.cos(self.margin)
        lowered = xp.where(beyond, cosines - self.margin * math.sin(self.margin), turned)
        cotangent = stop_gradient(cosines) / xp.where(angle_sine == 0, inf, angle_sine)
        slope = xp.where(beyond, 1.0, math.cos(self.margin) + math.sin(self.margin) * cotangent)
        return xp.where(right, lowered, cosines), xp.where(right, slope, 1.0), label

    def f(self, lowered, slope, label, xp):
        return InfoNCE(1 / self.scale)._value([lowered, label], xp)

    def df(self, lowered, slope, label, xp):
        return slope * InfoNCE(1 / self.scale)._gradient([lowered, label], xp)


class Circle(Loss):
    """All positives of an anchor against all its negatives, the furthest off weighing most.

    Similarities (..., c) are cosines of one anchor with others, `positive` marks with 1 those of
    its own class. The weights alpha = max(0, s_n + m) and max(0, 1 + m - s_p) are held constant in
    the gradient. An anchor without positives costs nothing and is not counted in a mean.
    """

    margin: float = parameter(
        0.25,
        at_least=0,
        slider=(0, 0.5),
        symbol="m",
        meaning="slack: positives should reach 1 − m, negatives fall to m",
    )
    scale: float = parameter(
        256.0,
        above=0,
        slider=(16, 512),
        scale="log2",
        symbol=r"\gamma",
        meaning="what similarities are multiplied by: the hardest count more as it grows",
    )

    arguments = (
        Argument("similarities", "c"),
        Argument("positive", "c", OneOf((0, 1)), differentiable=False),
    )
    formula = (
        r"\log\Big(1 + \sum_n e^{\gamma \alpha_n (s_n - m)} "
        r"\sum_p e^{-\gamma \alpha_p (s_p - 1 + m)}\Big)"
    )
    lipschitz = None  # it grows with the similarities
    nonnegative = True
    semigradient = True
    failures = (
        "autodiff through the weights gives another gradient than the published one",
        "the published scale of 256 overflows in half precision beyond similarities of 1",
    )
    reference = "Sun et al. (2020)"
    aliases = ("circle loss",)

    def _mask_ignored(self, reduction, arrays):
        reduction = super()._mask_ignored(reduction, arrays)
        xp = array_namespace(*arrays)
        paired = xp.any(arrays[1] != 0, axis=-1)
        mask = paired if reduction.mask is None else paired & reduction.mask
        return replace(reduction, mask=mask)

    def variables(self, *arrays):
        """The exponents of positives and of negatives, each -inf at the others, and the weights."""
        s, positive = arrays
        xp, m = array_namespace(s), self.margin
        near = xp.clip(stop_gradient(1 + m - s), min=0)
        far = xp.clip(stop_gradient(s + m), min=0)
        weight = self.scale * _by_label(positive, -near, far, xp)
        exponent = weight * _by_label(positive, s - (1 - m), s - m, xp)
        pulled = xp.where(positive == 0, -inf, exponent)
        return pulled, xp.where(positive == 1, -inf, exponent), weight

    def f(self, pulled, pushed, weight, xp):
        return softplus(logsumexp(pulled) + logsumexp(pushed))

    def df(self, pulled, pushed, weight, xp):
        share = _shares(pulled, xp) + _shares(pushed, xp)
        return sigmoid(logsumexp(pulled) + logsumexp(pushed))[..., None] * share * weight


# What goes with these losses but is none.


def semi_hard_negatives(positive_distance: Any, negative_distances: Any, margin: float) -> Array:
    """Which negatives are farther from the anchor than its positive, but not by the margin.

    positive_distance (...) and negative_distances (..., k) give booleans (..., k): the triplets
    FaceNet trains on, as `mask` for `Triplet`. When there are none, the masked mean is 0. Distances
    must be squared if the margin is. Raises ValueError for a negative margin or shapes that do not
    match. Source: Schroff, Kalenichenko & Philbin (2015).
    """
    if not margin >= 0:
        raise ValueError(f"semi_hard_negatives: margin={margin!r} must lie in [0, inf)")
    (near, far), _ = to_arrays([positive_distance, negative_distances])
    if tuple(near.shape) != tuple(far.shape[:-1]) or far.ndim == 0:
        raise ValueError(
            f"semi_hard_negatives: positive_distance has shape {tuple(near.shape)} "
            f"but negative_distances has shape {tuple(far.shape)}"
        )
    near = near[..., None]
    return (near < far) & (far < near + margin)


# Smaller pieces.


def _by_label(label: Array, yes: Any, no: Any, xp: Any) -> Array:
    """The first where the label is 1, the second where it is 0 or -1, NaN where it is NaN."""
    return xp.where(label == 1, yes, xp.where(label < 1, no, label))


def _unit(x: Array, xp: Any) -> tuple[Array, Array]:
    """Each vector over its length, and that length; the zero vector stays zero."""
    length = norm(x)
    none = length[..., None] == 0
    return xp.where(none, 0.0, x / xp.where(none, 1.0, length[..., None])), length


def _through_unit(slope: Array, unit: Array, length: Array, xp: Any) -> Array:
    """The gradient in a vector, given that in its direction; 0 for the zero vector."""
    across = slope - xp.sum(slope * unit, axis=-1, keepdims=True) * unit
    return across / xp.where(length == 0, inf, length)[..., None]


def _length_hessian(x: Array, xp: Any) -> Array:
    """The Hessian (I - u u^T) / |x| of the length of x, 0 at 0: (..., d) to (..., d, d)."""
    unit, length = _unit(x, xp)
    return orthogonal_projector(unit) / xp.where(length == 0, inf, length)[..., None, None]


def _shares(z: Array, xp: Any) -> Array:
    """The softmax, all zeros where every entry is -inf."""
    none = xp.all(z == -inf, axis=-1, keepdims=True)
    return xp.where(none, 0.0, softmax(xp.where(none, 0.0, z)))
