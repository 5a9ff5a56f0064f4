"""What an explorer draws: panels holding curves, bands, level sets, arrows, points, bars and boxes.

A picture knows nothing of losses, sliders or screens. Every mark names which of its fields are data
(`data` maps the field to the axis it is measured along); the rest of its fields are fixed for the
life of the explorer. A new kind of mark is one class here, one function in `still.py` and one in
`widget/src/marks.js`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import cycle
from typing import Any, ClassVar, dataclass_transform

import numpy as np

from lossmath.explore.style import CYCLE, MARKERS, STROKES, Corners


@dataclass_transform(frozen_default=True)
class Mark:
    """Something drawn in a panel."""

    kind: ClassVar[str]
    data: ClassVar[Mapping[str, str]]
    label: str
    stroke: str

    def __init_subclass__(cls) -> None:
        dataclass(frozen=True)(cls)
        cls.kind = cls.__name__.lower()

    def __post_init__(self) -> None:
        if self.stroke not in ("", *STROKES):
            raise ValueError(f"{self.kind}: stroke={self.stroke!r} must be one of {list(STROKES)}")
        for name in self.data:
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.float64))

    def arrays(self) -> dict[str, np.ndarray]:
        """The data of this mark, float64, by field name."""
        return {name: getattr(self, name) for name in self.data}

    def constants(self) -> dict[str, Any]:
        """The fields that must not change from frame to frame."""
        names = [f.name for f in fields(self)]  # type: ignore[arg-type]
        return {name: getattr(self, name) for name in names if name not in self.data}


class Curve(Mark):
    """A line through (x, y), both of shape (n,); NaN breaks it."""

    data: ClassVar = {"x": "x", "y": "y"}
    x: Any
    y: Any
    label: str = ""
    stroke: str = ""
    thin: bool = False


class Band(Mark):
    """The region between low and high over x, all of shape (n,)."""

    data: ClassVar = {"x": "x", "low": "y", "high": "y"}
    x: Any
    low: Any
    high: Any
    label: str = ""
    stroke: str = ""


class Level(Mark):
    """Level sets of z, shape (len(y), len(x)), over evenly spaced x and y; NaN is outside."""

    data: ClassVar = {"x": "x", "y": "y", "z": "level"}
    x: Any
    y: Any
    z: Any
    levels: tuple[float, ...] = ()
    label: str = ""
    stroke: str = ""


class Arrows(Mark):
    """Arrows from (x, y) to (x + dx, y + dy), in the units of the axes; all of shape (n,)."""

    data: ClassVar = {"x": "x", "y": "y", "dx": "x", "dy": "y"}
    x: Any
    y: Any
    dx: Any
    dy: Any
    label: str = ""
    stroke: str = ""


class Points(Mark):
    """Dots at (x, y), shape (n,), of radius `size` in pixels; each series has its own marker.

    `handle=(slider for x, slider for y)` makes a single point draggable; an empty name leaves that
    coordinate alone.
    """

    data: ClassVar = {"x": "x", "y": "y"}
    x: Any
    y: Any
    label: str = ""
    stroke: str = ""
    size: float = 4.0
    handle: tuple[str, ...] = ()


class Bars(Mark):
    """One upright bar per height, centred on 0, 1, 2, …, named along the horizontal axis.

    Each stands on its `base`: on 0, or on the bars below it in a stack.
    """

    data: ClassVar = {"height": "y", "base": "y"}
    height: Any
    names: tuple[str, ...] = ()
    label: str = ""
    stroke: str = ""
    base: Any = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "base", np.broadcast_to(self.base, self.height.shape))


class Boxes(Mark):
    """Rectangles with corners (x0, y0) and (x1, y1), each of shape (n,)."""

    data: ClassVar = {"x0": "x", "y0": "y", "x1": "x", "y1": "y"}
    x0: Any
    y0: Any
    x1: Any
    y1: Any
    label: str = ""
    stroke: str = ""


class Matrix(Mark):
    """Cells of z, shape (rows, columns), row 0 on top, shaded from low to high.

    With stroke="ink" it is a photograph: black on white in a dark theme, too.
    """

    data: ClassVar = {"z": "level"}
    z: Any
    low: float = 0.0
    high: float = 1.0
    label: str = ""
    stroke: str = ""


class Rule(Mark):
    """A straight reference line across the panel at `at`, along="x" upright or along="y" level."""

    data: ClassVar = {"at": "x"}
    at: Any
    along: str = "x"
    label: str = ""
    stroke: str = "ink"


@dataclass(frozen=True)
class Axis:
    """A labelled axis; a missing bound is found from the data of every frame.

    `ticks` names places along it, {0.5: "float16"}, where numbers would mean nothing.
    """

    label: str = ""
    low: float | None = None
    high: float | None = None
    scale: str = "linear"
    ticks: Mapping[float, str] | None = None

    def __post_init__(self) -> None:
        if self.scale not in ("linear", "log"):
            raise ValueError(f"Axis: scale={self.scale!r} must be 'linear' or 'log'")


@dataclass(frozen=True)
class Panel:
    """Marks on one pair of axes; equal=True keeps a unit the same length along both.

    bare=True draws the marks and no axes, for shapes whose coordinates mean nothing to a reader.
    """

    title: str
    marks: Sequence[Mark]
    x: Axis = Axis()
    y: Axis = Axis()
    equal: bool = False
    bare: bool = False

    def styled(self) -> "list[tuple[Mark, str, Corners]]":
        """Each mark with its stroke and its marker.

        Marks that name no stroke take the next of the cycle, and so does each series of points its
        marker; no other mark has one.
        """
        strokes, markers = cycle(CYCLE), cycle(MARKERS.values())
        return [
            (
                mark,
                mark.stroke or next(strokes),
                next(markers) if isinstance(mark, Points) else (),
            )
            for mark in self.marks
        ]


@dataclass(frozen=True)
class Picture:
    """Panels side by side, and named numbers shown below them."""

    panels: Sequence[Panel]
    readings: Mapping[str, float] = field(default_factory=dict)
