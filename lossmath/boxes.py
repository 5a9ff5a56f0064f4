"""Losses of boxes, and of detecting objects with them.

A box is (x1, y1, x2, y2) with x1 <= x2 and y1 <= y2 along the last axis. A box without area
overlaps nothing, but two identical boxes fit perfectly whatever their area. Where edges line up
the slope jumps, and a gradient is the mean of the slopes on both sides: 0 at a perfect fit. Where
boxes only touch, the overlap has the slope 0.
"""

from dataclasses import dataclass
from math import inf, pi
from typing import Any

import numpy as np
from array_api_compat import array_namespace

from lossmath.arguments import Argument
from lossmath.arrays import Array, device, stop_gradient
from lossmath.classification import BinaryFocal
from lossmath.domains import OneOf
from lossmath.loss import Accumulating, Kink, Loss, parameter
from lossmath.regression import SmoothL1


@dataclass(frozen=True)
class Box:
    """Boxes (x1, y1, x2, y2) along the last axis, none of them turned inside out."""

    filler: float = 0.5

    def excludes(self, x: Any) -> Any:
        xp = array_namespace(x)
        inverted = xp.any(x[..., :2] > x[..., 2:], axis=-1, keepdims=True)
        return xp.broadcast_to(inverted, x.shape)

    def sample(
        self, rng: np.random.Generator, shape: tuple[int, ...], spread: float = 1
    ) -> np.ndarray:
        corner = spread * rng.standard_normal((*shape[:-1], 2))
        return np.concatenate([corner, corner + rng.gamma(4.0, 0.5, corner.shape)], axis=-1)

    def room(self, x: np.ndarray) -> np.ndarray:
        sides = x[..., 2:] - x[..., :2]
        return np.minimum(np.concatenate([sides, sides], axis=-1) / 2, 1)

    def __str__(self) -> str:
        return "the boxes (x1, y1, x2, y2) with x1 <= x2 and y1 <= y2"


class BoxPair(Accumulating, abstract=True):
    """Losses that begin with IoU, and the areas of two boxes from which all of them are made."""

    arguments = (
        Argument("prediction", "4", Box()),
        Argument("target", "4", Box(), differentiable=False),
    )
    kinks = (Kink(0, order=1),)
    convex = False
    lipschitz = None  # it grows as boxes shrink
    nonnegative = True
    symmetric = True

    def kink_variable(self, *arrays):
        """Between each edge of one box and the edges of the other in the same direction."""
        p, t = arrays
        return array_namespace(p).concat(
            [p - t, p[..., :2] - t[..., 2:], p[..., 2:] - t[..., :2]], axis=-1
        )

    # Areas, and how each grows with the four numbers of the prediction.

    def _sides(self, p, t, xp):
        """Width and height (..., 2) of the prediction, the target, their overlap and their hull.

        The hull is the smallest box around both.
        """
        last_start, first_end = (
            xp.maximum(p[..., :2], t[..., :2]),
            xp.minimum(p[..., 2:], t[..., 2:]),
        )
        first_start, last_end = (
            xp.minimum(p[..., :2], t[..., :2]),
            xp.maximum(p[..., 2:], t[..., 2:]),
        )
        own, other = p[..., 2:] - p[..., :2], t[..., 2:] - t[..., :2]
        return own, other, xp.clip(first_end - last_start, min=0), last_end - first_start

    def _rates(self, p, t, xp):
        """How fast each number moves the side it ends: of the prediction, the overlap, the hull."""
        own = xp.broadcast_to(xp.asarray([-1, -1, 1, 1], dtype=p.dtype, device=device(p)), p.shape)
        ahead = xp.sign(p - t)
        _, _, overlap, _ = self._sides(p, t, xp)
        return own, _twice(xp.sign(overlap), xp) * (own - ahead) / 2, (own + ahead) / 2

    def _areas(self, p, t, xp):
        """Of the overlap, the union and the hull; and what the union has beside the overlap."""
        own, other, overlap, hull = (xp.prod(s, axis=-1) for s in self._sides(p, t, xp))
        return overlap, own + (other - overlap), hull, (own - overlap) + (other - overlap)

    def _area_slopes(self, p, t, xp):
        """Of the overlap, the union and the hull."""
        own, _, overlap, hull = (_twice(xp.flip(s, axis=-1), xp) for s in self._sides(p, t, xp))
        own_rate, overlap_rate, hull_rate = self._rates(p, t, xp)
        growth = overlap_rate * overlap
        return growth, own_rate * own - growth, hull_rate * hull

    def _area_bends(self, p, t, xp):
        """Of the overlap, the union and the hull: areas bend where width and height both move."""
        own, overlap, hull = (
            _outer(rate, rate) * _across(rate, xp) for rate in self._rates(p, t, xp)
        )
        return overlap, own - overlap, hull

    def f(self, p, t, xp):
        _, union, _, missed = self._areas(p, t, xp)
        differ = xp.astype(xp.any(p != t, axis=-1), p.dtype)
        return xp.where(union == 0, differ, _ratio(missed, union, xp))

    def df(self, p, t, xp):
        overlap, union, _, _ = self._areas(p, t, xp)
        growth, union_growth, _ = self._area_slopes(p, t, xp)
        return -_ratio_slope(overlap, union, growth, union_growth, xp)

    def d2f(self, p, t, xp):
        overlap, union, _, _ = self._areas(p, t, xp)
        slopes, bends = self._area_slopes(p, t, xp), self._area_bends(p, t, xp)
        return -_ratio_bend(overlap, union, slopes[0], slopes[1], bends[0], bends[1], xp)


class IoU(BoxPair):
    """One minus the intersection over the union of two boxes: 0 when they coincide, 1 when apart.

    I is the area they share, U the area they cover together.
    """

    formula = r"1 - \frac{I}{U},\quad I = |A \cap B|,\ U = |A \cup B|"
    failures = ("boxes that do not overlap get no gradient, however near or far they are",)
    reference = "Yu et al. (2016)"
    aliases = ("IoU loss", "box IoU", "Jaccard of boxes")


class GIoU(BoxPair):
    """IoU plus the empty share of the hull: boxes that are apart are drawn together.

    C is the area of the hull, the smallest box around both. The values lie between 0 and 2.
    """

    formula = r"1 - \frac{I}{U} + \frac{C - U}{C}"
    failures = ("a box inside the other leaves no empty hull, and it is IoU again",)
    reference = "Rezatofighi et al. (2019)"
    aliases = ("generalised IoU", "generalized IoU")

    def f(self, p, t, xp):
        _, union, hull, _ = self._areas(p, t, xp)
        return super().f(p, t, xp) + _ratio(hull - union, hull, xp)

    def df(self, p, t, xp):
        own, other, overlap, hull = (_twice(s, xp) for s in self._sides(p, t, xp))
        own_rate, overlap_rate, hull_rate = self._rates(p, t, xp)

        def slope(side, rate):
            # Of a box's share of the hull, a product of two shares: where its side is the hull's
            # it cancels exactly, and leaves all digits to a small box beside a large one.
            share = _ratio(side, hull, xp)
            return xp.flip(share, axis=-1) * _ratio(rate - share * hull_rate, hull, xp)

        filled = slope(own, own_rate) + slope(other, 0.0) - slope(overlap, overlap_rate)
        return super().df(p, t, xp) - filled

    def d2f(self, p, t, xp):
        _, union, hull, _ = self._areas(p, t, xp)
        slopes, bends = self._area_slopes(p, t, xp), self._area_bends(p, t, xp)
        filled = _ratio_bend(union, hull, slopes[1], slopes[2], bends[1], bends[2], xp)
        return super().d2f(p, t, xp) - filled


class DIoU(BoxPair):
    """IoU plus the squared distance of the centres, relative to the diagonal of the hull.

    d is the distance of the centres and c the diagonal.
    """

    formula = r"1 - \frac{I}{U} + \frac{d^2}{c^2}"
    failures = ("concentric boxes get no help beyond IoU, whatever their shapes",)
    reference = "Zheng et al. (2020)"
    aliases = ("distance IoU",)

    def _squares(self, p, t, xp):
        """Of the distance and the diagonal."""
        offset, hull = self._offset(p, t), self._sides(p, t, xp)[3]
        return xp.sum(offset**2, axis=-1), xp.sum(hull**2, axis=-1)

    def _offset(self, p, t):
        return (p[..., :2] + p[..., 2:] - t[..., :2] - t[..., 2:]) / 2

    def _square_slopes(self, p, t, xp):
        hull, rate = self._sides(p, t, xp)[3], self._rates(p, t, xp)[2]
        return _twice(self._offset(p, t), xp), 2 * _twice(hull, xp) * rate

    def _square_bends(self, p, t, xp):
        rate = self._rates(p, t, xp)[2]
        along = 1 - _across(p, xp)
        growth = 2 * _outer(rate, rate) * along
        return xp.broadcast_to(along / 2, growth.shape), growth

    def f(self, p, t, xp):
        distance, diagonal = self._squares(p, t, xp)
        return super().f(p, t, xp) + _ratio(distance, diagonal, xp)

    def df(self, p, t, xp):
        (distance, diagonal), slopes = self._squares(p, t, xp), self._square_slopes(p, t, xp)
        return super().df(p, t, xp) + _ratio_slope(distance, diagonal, slopes[0], slopes[1], xp)

    def d2f(self, p, t, xp):
        (distance, diagonal), slopes = self._squares(p, t, xp), self._square_slopes(p, t, xp)
        bends = self._square_bends(p, t, xp)
        apart = _ratio_bend(distance, diagonal, slopes[0], slopes[1], bends[0], bends[1], xp)
        return super().d2f(p, t, xp) + apart


class CIoU(DIoU):
    """DIoU plus the difference of shapes: of the angles whose tangents are width over height.

    Its weight alpha is held constant in the gradient, as published: that is not the slope of the
    value. A box that is a point has no shape, and the angle 0.
    """

    formula = (
        r"1 - \frac{I}{U} + \frac{d^2}{c^2} + \alpha v,\quad "
        r"v = \tfrac{4}{\pi^2}(\arctan\tfrac{w}{h} - \arctan\tfrac{w'}{h'})^2,\ "
        r"\alpha = \frac{v}{1 - I/U + v}"
    )
    semigradient = True
    failures = ("autodiff through alpha gives another gradient than the published one",)
    reference = "Zheng et al. (2020)"
    aliases = ("complete IoU",)

    d2f = Loss.d2f  # with its weight held constant the value has no Hessian to be right about

    def _turn(self, p, t, xp):
        """The angle of the prediction less that of the target."""
        own, other, _, _ = self._sides(p, t, xp)
        return _angle(own, xp) - _angle(other, xp)

    def _weight(self, p, t, v, xp):
        return stop_gradient(_ratio(v, BoxPair.f(self, p, t, xp) + v, xp))

    def _shape(self, p, t, xp):
        return 4 / pi**2 * self._turn(p, t, xp) ** 2

    def f(self, p, t, xp):
        v = self._shape(p, t, xp)
        return super().f(p, t, xp) + self._weight(p, t, v, xp) * v

    def df(self, p, t, xp):
        weight = self._weight(p, t, self._shape(p, t, xp), xp)
        own = self._sides(p, t, xp)[0]
        square = xp.sum(own**2, axis=-1, keepdims=True)
        # d angle = (h dw - w dh) / (w^2 + h^2)
        turning = xp.flip(own, axis=-1) * xp.asarray([1, -1], dtype=p.dtype, device=device(p))
        rate = self._rates(p, t, xp)[0] * _twice(_ratio(turning, square, xp), xp)
        slope = 8 / pi**2 * weight * self._turn(p, t, xp)
        return super().df(p, t, xp) + slope[..., None] * rate


class RetinaNet(Accumulating):
    """What a detector is trained on: focal loss on every anchor, Smooth L1 on boxes that matter.

    One value per image. `target` has a 1 for the class of an object's anchor and zeros for
    background, whose boxes are ignored. The sum is divided by the number of anchors with an
    object, or by 1 if there is none: the many background anchors do not water it down.
    """

    gamma: float = parameter(
        2.0,
        at_least=0,
        slider=(0, 5),
        symbol=r"\gamma",
        meaning="how strongly easy anchors fade",
    )
    alpha: float = parameter(
        0.25,
        at_least=0,
        at_most=1,
        slider=(0, 1),
        symbol=r"\alpha",
        meaning="weight of the label 1; the label 0 has the rest",
    )
    beta: float = parameter(
        1 / 9,
        above=0,
        slider=(0.05, 1),
        scale="log",
        symbol=r"\beta",
        meaning="offset below which the box term is quadratic",
    )
    box_weight: float = parameter(
        1.0,
        above=0,
        slider=(0.1, 10),
        scale="log",
        symbol=r"\lambda",
        meaning="weight of the box term",
    )

    arguments = (
        Argument("logits", "a c"),
        Argument("boxes", "a 4"),
        Argument("target", "a c", OneOf((0, 1)), differentiable=False),
        Argument("target_boxes", "a 4", differentiable=False),
    )
    formula = (
        r"\frac{1}{\max(1, n_+)} \Big(\sum_{a,c} \mathrm{focal}_{\gamma,\alpha}(z_{ac}, t_{ac}) + "
        r"\lambda \sum_{a\,\text{with object}} \mathrm{SmoothL1}_\beta(b_a - b'_a)\Big)"
    )
    kinks = (Kink("-beta", order=2), Kink("beta", order=2))
    lipschitz = None
    nonnegative = True
    failures = (
        "as a mean over all anchors instead, the few with an object would hardly count",
        "box offsets and logits differ in scale: one term can drown the other",
    )
    reference = "Lin et al. (2017)"
    aliases = ("detection loss", "focal + smooth L1", "RetinaNet loss")

    def kink_variable(self, *arrays):
        """The residuals of the boxes that matter."""
        _, boxes, target, target_boxes = arrays
        xp = array_namespace(boxes)
        return xp.where(_has_object(target, xp)[..., None], boxes - target_boxes, inf)

    def _terms(self):
        return BinaryFocal(self.gamma, self.alpha, balanced=True), SmoothL1(self.beta)

    def f(self, logits, boxes, target, target_boxes, xp):
        focal, smooth = self._terms()
        classes = focal._value([logits, target], xp)
        offsets = smooth._value([boxes, target_boxes], xp)
        offsets = xp.where(_has_object(target, xp)[..., None], offsets, 0.0)
        total = xp.sum(classes, axis=(-2, -1)) + self.box_weight * xp.sum(offsets, axis=(-2, -1))
        return total / _divisor(target, xp)

    def df(self, logits, boxes, target, target_boxes, xp):
        focal, smooth = self._terms()
        offsets = smooth._gradient([boxes, target_boxes], xp)
        offsets = xp.where(_has_object(target, xp)[..., None], offsets, 0.0)
        count = _divisor(target, xp)[..., None, None]
        return focal._gradient([logits, target], xp) / count, self.box_weight * offsets / count


# Smaller pieces.


def _twice(sides: Array, xp: Any) -> Array:
    """What belongs to x and y (..., 2), once for each of the four numbers of a box."""
    return xp.concat([sides, sides], axis=-1)


def _outer(a: Array, b: Array) -> Array:
    return a[..., None] * b[..., None, :]


def _across(like: Array, xp: Any) -> Array:
    """1 between a number of x and a number of y, 0 between two of the same: (4, 4)."""
    place = xp.arange(4, device=device(like))
    return xp.astype((place[:, None] + place) % 2, like.dtype)


def _ratio(a: Array, b: Array, xp: Any) -> Array:
    """a / b, and 0 with all its derivatives for 0 / 0."""
    return a / _divider(b, xp)


def _divider(b: Array, xp: Any) -> Array:
    return xp.where(b == 0, inf, b)


def _ratio_slope(a: Array, b: Array, da: Array, db: Array, xp: Any) -> Array:
    """The gradient of a / b."""
    return (da - _ratio(a, b, xp)[..., None] * db) / _divider(b, xp)[..., None]


def _ratio_bend(a: Array, b: Array, da: Array, db: Array, d2a: Array, d2b: Array, xp: Any) -> Array:
    """The Hessian of a / b."""
    slope = _ratio_slope(a, b, da, db, xp)
    own = d2a - _ratio(a, b, xp)[..., None, None] * d2b
    return (own - _outer(slope, db) - _outer(db, slope)) / _divider(b, xp)[..., None, None]


def _angle(sides: Array, xp: Any) -> Array:
    """The angle whose tangent is width over height, 0 for a point."""
    width, height = sides[..., 0], sides[..., 1]
    return xp.atan2(width, xp.where((width == 0) & (height == 0), 1.0, height))


def _has_object(target: Array, xp: Any) -> Array:
    """Which anchors have an object."""
    return xp.any(target != 0, axis=-1)


def _divisor(target: Array, xp: Any) -> Array:
    """The number of anchors with an object, but at least 1."""
    objects = xp.astype(_has_object(target, xp), target.dtype)
    return xp.clip(xp.sum(objects, axis=-1), min=1)
