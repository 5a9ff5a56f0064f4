"""Direct labels: where each name may stand so that it hides nothing.

A label is tied to one point of its curve, or to one of its points, and to one side of it. Its first
such anchor is chosen for all frames together, so that a moving slider carries the label along. The
next is across the line from it, and some more are chosen for single frames: the label stands at one
of these where a line, an edge or another label would be in the way of the first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextToPath

from lossmath.explore.layout import Place
from lossmath.explore.picture import (
    Arrows,
    Bars,
    Boxes,
    Curve,
    Mark,
    Panel,
    Picture,
    Points,
    Rule,
)
from lossmath.explore.style import FONT_SIZE, HALF_BAR, LABEL_GAP, RCPARAMS

LINE = 12.0  # pixels
STEP = 4.0  # pixels between the places a drawn line is judged by
CANDIDATES = 24  # places along a curve
RINGS = (1.0, 2.5, 5.0)  # how far from it, in gaps
HOME = 20.0  # what the default frame counts among the others: it is the one everybody sees
EDGE = 3.0  # pixels kept from the panel's own edges
CLEAR = 8.0  # pixels; more room than this is no better
BESIDE = np.array([6.0, 0.0])  # pixels between two labels on one line, that would read as one
TOUCH = 1.0  # pixels, half a line's width
FILLING = 25  # points that fill a bar, either way: closer together than a label is high
FAR = 4  # panels; a line is followed no further
PASSES = 3
AT_ONCE = 64  # labels whose distances are found together: what fits into the processor's cache
NOTHING = np.empty((0, 2))

Each = Mapping[int, np.ndarray]  # by mark

# What each fault of a label costs, in a frame where it has it.
CUT_OFF, ON_A_LABEL, ON_A_LINE, CROWDED, STRAYED = 30.0, 40.0, 10.0, 3.0, 5.0
MOVED = 8.0  # what it costs to leave the first anchor: more than a narrow place, less than a line


@dataclass(frozen=True)
class Anchor:
    """A label's point, as a share of the way along its mark, and its offset in pixels."""

    share: float
    dx: float
    dy: float

    def mirrored(self) -> "Anchor":
        """The same on the other side."""
        return Anchor(self.share, -self.dx, -self.dy)


Anchors = Mapping[tuple[int, int], Sequence[Anchor]]  # by panel and mark


def anchors(pictures: Sequence[Picture], plan: Sequence[Place]) -> Anchors:
    """The anchors of each labelled mark, judged in some of the frames, the default one first."""
    return {
        (p, m): found
        for p, place in enumerate(plan)
        for m, found in _arrange([picture.panels[p] for picture in pictures], place).items()
    }


def positions(
    picture: Picture, plan: Sequence[Place], anchors: Anchors
) -> dict[tuple[int, int], np.ndarray]:
    """Where the middle of each label stands, in pixels from its panel's top left corner; NaN while
    nothing of its mark is seen."""
    at = {}
    for p, (panel, place) in enumerate(zip(picture.panels, plan, strict=True)):
        options = {m: found for (of, m), found in anchors.items() if of == p}
        for m, middle in _stand(panel, place, options).items():
            at[p, m] = middle
    return at


@cache
def size(text: str) -> tuple[float, float]:
    """The room a label takes in the still, in pixels; the browser's letters are no wider."""
    font = FontProperties(family=RCPARAMS["font.family"], weight="bold", size=FONT_SIZE)
    width, _, _ = TextToPath().get_text_width_height_descent(text, font, ismath=False)
    return width, LINE


def _along(mark: Mark, place: Place, shares: np.ndarray) -> np.ndarray:
    """The given shares of the way along the line of a mark, in pixels, (n, 2)."""
    x, y = _line(mark)
    at = shares * (x.size - 1)
    before, after = np.floor(at).astype(int), np.ceil(at).astype(int)
    one, other = (_pixels(x[i], y[i], place) for i in (before, after))
    return one + (at - before)[:, None] * (other - one)


def _line(mark: Mark) -> tuple[np.ndarray, np.ndarray]:
    """What a label is tied to: a curve or dots, an arrow, or the right-hand sides of bars."""
    if isinstance(mark, Arrows):
        return np.append(mark.x, mark.x + mark.dx), np.append(mark.y, mark.y + mark.dy)
    if isinstance(mark, Bars):
        return np.arange(mark.height.size) + HALF_BAR, mark.base + mark.height / 2
    data = mark.arrays()
    return data["x"], data["y"]


def _pixels(x: np.ndarray, y: np.ndarray, place: Place) -> np.ndarray:
    return np.column_stack([place.across(np.ravel(x)), place.down(np.ravel(y))])


def _ink(mark: Mark, place: Place) -> np.ndarray:
    """Places in pixels, (n, 2), that no label should cover."""
    if isinstance(mark, Curve):
        return _dense(_pixels(mark.x, mark.y, place), place)
    if isinstance(mark, Points):
        around = mark.size * np.array([(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)])
        return (_pixels(mark.x, mark.y, place)[:, None] + around).reshape(-1, 2)
    if isinstance(mark, Rule):
        upright = mark.along == "x"
        at = place.across(mark.at) if upright else place.down(mark.at)
        ends = [(at, 0), (at, place.height)] if upright else [(0, at), (place.width, at)]
        return _dense(np.array(ends, dtype=float), place)
    if isinstance(mark, Arrows):
        tail = _pixels(mark.x, mark.y, place)
        tip = _pixels(mark.x + mark.dx, mark.y + mark.dy, place)
        apart = np.stack([tail, tip, np.full_like(tip, np.nan)], axis=1)
        return _dense(apart.reshape(-1, 2), place)
    if isinstance(mark, Bars):
        share = np.linspace(0, 1, FILLING)
        x = np.arange(mark.height.size)[:, None, None] + HALF_BAR * (2 * share - 1)
        y = mark.base[:, None, None] + mark.height[:, None, None] * share[:, None]
        x, y = np.broadcast_arrays(x, y)
        return _pixels(x, y, place)
    if isinstance(mark, Boxes):
        corners = ((mark.x0, mark.y0), (mark.x1, mark.y0), (mark.x1, mark.y1), (mark.x0, mark.y1))
        sides = [_pixels(x, y, place) for x, y in (*corners, corners[0])]
        return np.concatenate([_dense(box, place) for box in np.stack(sides, axis=1)])
    return NOTHING


def _dense(line: np.ndarray, place: Place) -> np.ndarray:
    """What is seen of a line, as points `STEP` apart."""
    panel = np.array([place.width, place.height])
    seen = np.isfinite(line).all(axis=1)
    line = np.clip(np.nan_to_num(line), -FAR * panel, FAR * panel)
    steps = np.hypot(*np.diff(line, axis=0).T) * (seen[1:] & seen[:-1])
    way = np.concatenate([[0.0], np.cumsum(steps)])
    at = np.arange(0, way[-1], STEP)
    points = np.column_stack([np.interp(at, way, values) for values in line.T])
    return points[((points > -CLEAR) & (points < panel + CLEAR)).all(axis=1)]


@dataclass(frozen=True)
class _Judged:
    """The labels of a panel at each of their options in some frames, by mark."""

    sizes: Each  # (2,)
    centres: Each  # (frames, options, 2)
    costs: Each  # (frames, options), other labels aside

    def frame(self, k: int) -> "_Judged":
        """The same in one frame."""
        centres, costs = (
            {m: found[k : k + 1] for m, found in each.items()}
            for each in (self.centres, self.costs)
        )
        return _Judged(self.sizes, centres, costs)


def _judged(
    panels: Sequence[Panel],
    inks: Sequence[Sequence[np.ndarray]],
    place: Place,
    options: Mapping[int, Sequence[Anchor]],
) -> _Judged:
    sizes, centres, costs = {}, {}, {}
    for m, anchors in options.items():
        unseen = np.full((len(anchors), 2), np.nan)
        sizes[m] = np.array(size(panels[0].marks[m].label))
        centres[m] = np.array(
            [
                _centres(anchors, panel.marks[m], place) if len(ink[m]) else unseen
                for panel, ink in zip(panels, inks, strict=True)
            ]
        )
        costs[m] = np.array(
            [_alone(*at, sizes[m], m, place) for at in zip(centres[m], inks, strict=True)]
        )
    return _Judged(sizes, centres, costs)


def _inks(panel: Panel, place: Place) -> list[np.ndarray]:
    return [_ink(mark, place) for mark in panel.marks]


def _arrange(panels: Sequence[Panel], place: Place) -> dict[int, list[Anchor]]:
    """The cheapest places found for the labels of one panel: in all frames, then in each."""
    labels = [m for m, mark in enumerate(panels[0].marks) if _labelled(mark)]
    if not labels:
        return {}
    options = {
        m: _options(panels[0].marks[m], np.array(size(panels[0].marks[m].label))) for m in labels
    }
    judged = _judged(panels, [_inks(panel, place) for panel in panels], place, options)
    orders = [[*labels[k:], *labels[:k]] for k in range(len(labels))]
    found: dict[int, list[Anchor]] = {m: [] for m in labels}
    weights = np.array([HOME, *[1.0] * (len(panels) - 1)])
    each = [(judged.frame(k), np.ones(1)) for k in range(len(panels))]
    for frames in ((judged, weights), *each):
        _, taken = min(
            (_settle(order, *frames) for order in orders),
            key=lambda settled: sum(settled[0].values()),
        )
        for m, at in taken.items():
            anchor = options[m][at]
            found[m] += [new for new in (anchor, anchor.mirrored()) if new not in found[m]]
    return found


def _stand(
    panel: Panel, place: Place, options: Mapping[int, Sequence[Anchor]]
) -> dict[int, np.ndarray]:
    """Where the labels of a panel stand in this picture: at their first anchors if they may."""
    first = {m: found[:1] for m, found in options.items()}
    inks = [_inks(panel, place)]
    for some in (first, options):
        judged = _judged([panel], inks, place, some)
        for costs in judged.costs.values():
            costs[:, 1:] += MOVED
        paid, taken = _settle(list(some), judged, np.ones(1))
        if max(paid.values(), default=0) <= MOVED:  # no other anchor could be cheaper
            break
    return {m: judged.centres[m][0, at] for m, at in taken.items()}


def _settle(
    order: Sequence[int], judged: _Judged, weights: np.ndarray
) -> tuple[dict[int, float], dict[int, int]]:
    """Each label in turn takes its cheapest place among the others, a few times over: what it
    costs each, and which it is."""
    taken: dict[int, int] = {}
    paid: dict[int, float] = {}
    for m in [*order] * PASSES:
        cost = judged.costs[m].copy()
        for other, at in taken.items():
            if other != m:
                away = np.abs(judged.centres[m] - judged.centres[other][:, at, None])
                room = (judged.sizes[m] + judged.sizes[other]) / 2 + BESIDE
                cost += ON_A_LABEL * (away < room).all(axis=2)
        in_all = weights @ cost
        taken[m] = int(np.argmin(in_all))
        paid[m] = float(in_all[taken[m]])
    return paid, taken


def _labelled(mark: Mark) -> bool:
    return isinstance(mark, Curve | Points | Arrows | Bars) and bool(mark.label)


def _options(mark: Mark, size: np.ndarray) -> list[Anchor]:
    """Places around points of a curve or an arrow, or around some of the dots or bars."""
    last = _line(mark)[0].size - 1
    radius, shares = 0.0, np.linspace(0, 1, CANDIDATES)
    if isinstance(mark, Points | Bars):
        shares = np.unique(np.round(shares * last)) / max(last, 1)
    if isinstance(mark, Points):
        radius = mark.size
    gap = LABEL_GAP * np.array([2, 1])
    sides = np.array([(0, -1), (0, 1), (1, 0), (-1, 0), (1, -1), (-1, -1), (1, 1), (-1, 1)])
    offsets = [side * (size / 2 + radius + ring * gap) for ring in RINGS for side in sides]
    return [Anchor(float(share), dx, dy) for share in shares for dx, dy in offsets]


def _centres(options: Sequence[Anchor], mark: Mark, place: Place) -> np.ndarray:
    """Where each option would put the middle of the label, (options, 2)."""
    offsets = np.array([(option.dx, option.dy) for option in options])
    return _along(mark, place, np.array([option.share for option in options])) + offsets


def _alone(
    at: np.ndarray, inks: Sequence[np.ndarray], size: np.ndarray, mine: int, place: Place
) -> np.ndarray:
    """What each option costs in one frame, other labels aside."""
    inside = np.array([place.width, place.height])
    cut = ((at - size / 2 < EDGE) | (at + size / 2 > inside - EDGE)).any(axis=1) | np.isnan(at).any(
        axis=1
    )
    own = _distance(at, size, inks[mine])
    other = _distance(at, size, np.concatenate([*inks[:mine], *inks[mine + 1 :], NOTHING]))
    touching = (own < TOUCH).astype(float) + (other < TOUCH)
    crowded = 2 - np.minimum(own / LABEL_GAP, 1) - np.minimum(other / CLEAR, 1)
    strayed = 1.0 * (np.minimum(other, CLEAR) < own) + (own > 2 * CLEAR)
    return CUT_OFF * cut + ON_A_LINE * touching + CROWDED * crowded + STRAYED * strayed


def _distance(at: np.ndarray, size: np.ndarray, points: np.ndarray) -> np.ndarray:
    """From each label's box to the nearest of the points, in pixels."""
    seen = points[np.isfinite(points).all(axis=1)]
    parts = np.split(at, range(AT_ONCE, len(at), AT_ONCE))
    squared = np.concatenate([_squared_distance(part, size, seen) for part in parts])
    return np.sqrt(np.nan_to_num(squared, nan=np.inf))


def _squared_distance(at: np.ndarray, size: np.ndarray, points: np.ndarray) -> np.ndarray:
    across = np.maximum(np.abs(points[:, 0] - at[:, :1]) - size[0] / 2, 0)
    down = np.maximum(np.abs(points[:, 1] - at[:, 1:]) - size[1] / 2, 0)
    return (across * across + down * down).min(axis=1, initial=np.inf)
