"""Direct labels: where each curve's name may stand so that it hides nothing.

A label is tied to one point of its curve and to one side of it. Both are chosen once, for all
frames together, so that moving a slider carries the label along without a jump.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lossmath.explore.layout import Place
from lossmath.explore.picture import Curve, Panel, Picture
from lossmath.explore.style import LABEL_GAP

LETTER = 7.4  # pixels per character, on the wide side
LINE = 15.0
SAMPLES = 93  # points a curve is judged by, every fourth of them a candidate
CANDIDATES = 24  # places along it
FRAMES = 6  # judged beside the default one, spread over all
AT_HOME = 10.0  # weight of the default frame: the one everybody sees
EDGE = 3.0  # pixels kept from the panel's own edges
CLEAR = 8.0  # pixels; more room than this is no better
PASSES = 3

# What each fault of a label costs, in a frame where it has it.
CUT_OFF, ON_A_LABEL, ON_A_CURVE, STRAYED = 12.0, 10.0, 3.0, 2.0


@dataclass(frozen=True)
class Anchor:
    """A label's point, as a share of the way along its curve, and its offset in pixels."""

    share: float
    dx: float
    dy: float

    def position(self, curve: Curve, place: Place) -> np.ndarray:
        """The middle of the label, in pixels from the panel's top left corner."""
        return _trace(curve, place, np.array([self.share]))[0] + (self.dx, self.dy)


def anchors(
    pictures: Sequence[Picture], home: int, plan: Sequence[Place]
) -> dict[tuple[int, int], Anchor]:
    """An anchor for each labelled curve, keyed by (panel, mark); `home` is the default frame."""
    spread = np.linspace(0, len(pictures) - 1, FRAMES).astype(int)
    judged = [pictures[i] for i in (home, *spread)]
    chosen: dict[tuple[int, int], Anchor] = {}
    for p, place in enumerate(plan):
        marks = pictures[home].panels[p].marks
        labels = {m: mark.label for m, mark in enumerate(marks) if _labelled(mark)}
        frames = [_curves(picture.panels[p], place) for picture in judged]
        for m, anchor in _arrange(labels, frames, place).items():
            chosen[p, m] = anchor
    return chosen


def _labelled(mark: object) -> bool:
    return isinstance(mark, Curve) and bool(mark.label)


def _trace(curve: Curve, place: Place, shares: np.ndarray) -> np.ndarray:
    """Points at the given shares of the way along the curve's vertices, in pixels, (n, 2)."""
    x, y = place.across(curve.arrays()["x"]), place.down(curve.arrays()["y"])
    way = np.linspace(0, 1, x.size)
    return np.column_stack([np.interp(shares, way, x), np.interp(shares, way, y)])


def _curves(panel: Panel, place: Place) -> dict[int, np.ndarray]:
    along = np.linspace(0, 1, SAMPLES)
    return {
        m: _trace(mark, place, along)
        for m, mark in enumerate(panel.marks)
        if isinstance(mark, Curve)
    }


def _arrange(
    labels: dict[int, str], frames: list[dict[int, np.ndarray]], place: Place
) -> dict[int, Anchor]:
    """Each label in turn takes its cheapest place among the others, a few times over.

    The longest chooses first: it has the fewest places to go.
    """
    weights = np.array([AT_HOME] + [1.0] * FRAMES)
    sizes = {m: np.array([len(text) * LETTER, LINE]) for m, text in labels.items()}
    options = {m: _options(size) for m, size in sizes.items()}
    centres = {m: [_centres(options[m], frame[m]) for frame in frames] for m in labels}
    alone = {
        m: weights
        @ [_alone(centres[m][f], sizes[m], m, frame, place) for f, frame in enumerate(frames)]
        for m in labels
    }
    taken: dict[int, int] = {}
    for _ in range(PASSES):
        for m in sorted(labels, key=lambda m: -len(labels[m])):
            cost = alone[m].copy()
            for other, at in taken.items():
                if other != m:
                    for f, weight in enumerate(weights):
                        away = np.abs(centres[m][f] - centres[other][f][at])
                        hit = (away < (sizes[m] + sizes[other]) / 2).all(axis=1)
                        cost += weight * ON_A_LABEL * hit
            taken[m] = int(np.argmin(cost))
    return {m: options[m][at] for m, at in taken.items()}


def _options(size: np.ndarray) -> list[Anchor]:
    beside, above = size / 2 + (2 * LABEL_GAP, LABEL_GAP)
    sides = [(0, -1), (0, 1), (1, 0), (-1, 0), (1, -1), (-1, -1), (1, 1), (-1, 1)]
    return [
        Anchor(float(share), dx * beside, dy * above)
        for share in np.linspace(0, 1, CANDIDATES)
        for dx, dy in sides
    ]


def _centres(options: list[Anchor], points: np.ndarray) -> np.ndarray:
    """Where each option would put the middle of the label, (options, 2)."""
    return np.array([points[round(o.share * (SAMPLES - 1))] + (o.dx, o.dy) for o in options])


def _alone(
    at: np.ndarray, size: np.ndarray, mine: int, curves: dict[int, np.ndarray], place: Place
) -> np.ndarray:
    """What each option costs in one frame, other labels aside."""
    inside = np.array([place.width, place.height])
    cut = ((at - size / 2 < EDGE) | (at + size / 2 > inside - EDGE)).any(axis=1) | np.isnan(at).any(
        axis=1
    )
    own = _distance(at, size, curves[mine])
    others = [_distance(at, size, points) for m, points in curves.items() if m != mine]
    nearest = np.min([np.full_like(own, CLEAR), *others], axis=0)
    crowded = ON_A_CURVE * (2 - nearest / CLEAR - np.minimum(own / LABEL_GAP, 1))
    strayed = STRAYED * ((nearest < own) | (own > CLEAR))
    return CUT_OFF * cut + crowded + strayed


def _distance(at: np.ndarray, size: np.ndarray, points: np.ndarray) -> np.ndarray:
    """From each label's box to the nearest of the points, in pixels."""
    across = np.maximum(np.abs(points[:, 0] - at[:, :1]) - size[0] / 2, 0)
    down = np.maximum(np.abs(points[:, 1] - at[:, 1:]) - size[1] / 2, 0)
    squared = across * across + down * down
    return np.sqrt(np.nan_to_num(squared, nan=np.inf, posinf=np.inf).min(axis=1))
