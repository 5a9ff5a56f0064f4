"""Where the panels stand, in pixels; the browser and matplotlib both draw to this plan."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lossmath.explore.picture import Panel

WIDTH = 760.0
HEIGHT = 250.0
HEIGHT_ALONE = 340.0
ROOM = {"left": 52.0, "right": 12.0, "top": 26.0, "bottom": 42.0}
PER_ROW = 3


Range = tuple[float, float]


@dataclass(frozen=True)
class Place:
    """The inside of a panel's axes: its corner, its size and the ranges of its axes."""

    left: float
    top: float
    width: float
    height: float
    x: Range
    y: Range
    log_x: bool = False
    log_y: bool = False

    def across(self, x: np.ndarray) -> np.ndarray:
        """Pixels from the left edge."""
        return self.width * _share(x, self.x, self.log_x)

    def down(self, y: np.ndarray) -> np.ndarray:
        """Pixels from the top edge."""
        return self.height * (1 - _share(y, self.y, self.log_y))


def _share(values: np.ndarray, bounds: Range, log: bool) -> np.ndarray:
    low, high = bounds
    if log:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.log(values / low) / np.log(high / low)
    return (values - low) / (high - low)


def places(panels: Sequence[Panel], ranges: Sequence[tuple[Range, Range]]) -> list[Place]:
    """Rows of at most three panels across the full width; panels with equal axes keep them."""
    columns = min(len(panels), PER_ROW)
    cell = WIDTH / columns
    width = min(cell, 560) - ROOM["left"] - ROOM["right"]
    height = (HEIGHT if columns > 1 else HEIGHT_ALONE) - ROOM["top"] - ROOM["bottom"]
    if any(panel.equal for panel in panels):
        height = min(width, 400.0)
    plan = []
    for index, (panel, (x, y)) in enumerate(zip(panels, ranges, strict=True)):
        row, column = divmod(index, columns)
        inner = (width, height)
        if panel.equal:
            unit = min(width / (x[1] - x[0]), height / (y[1] - y[0]))
            inner = (unit * (x[1] - x[0]), unit * (y[1] - y[0]))
        plan.append(
            Place(
                left=column * cell + ROOM["left"],
                top=row * (height + ROOM["top"] + ROOM["bottom"]) + ROOM["top"],
                width=inner[0],
                height=inner[1],
                x=x,
                y=y,
                log_x=panel.x.scale == "log",
                log_y=panel.y.scale == "log",
            )
        )
    return plan


def size(plan: Sequence[Place]) -> tuple[float, float]:
    """Width and height of the whole picture."""
    return WIDTH, max(place.top + place.height for place in plan) + ROOM["bottom"]
