"""The explorer as a still: the same picture to the same plan, drawn by matplotlib."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.ticker import LogFormatter
from PIL import Image

from lossmath.explore import layout
from lossmath.explore.describe import number
from lossmath.explore.picture import Panel, Picture
from lossmath.explore.scene import Scene
from lossmath.explore.style import FONT_SIZE, HALF_BAR, LINE_WIDTH, PAPER, RCPARAMS, STROKES

DPI = 144
POINT = 0.72  # points in one pixel of the plan, which counts 100 to the inch
TITLE = 24  # pixels above the panels
READINGS = 20  # pixels below them
BESIDE = 37  # pixels from the upright axis to its name, clear of the tick labels
COLOURS = 256  # with fewer a small dot on a landscape turns grey


def png(scene: Scene, picture: Picture, title: str = "") -> bytes:
    """The picture as PNG bytes, the same for the same picture: no date, no program name."""
    with rc_context(RCPARAMS):
        figure = draw(scene, picture, title)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        image = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    out = BytesIO()
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


def draw(scene: Scene, picture: Picture, title: str = "") -> Figure:
    """The picture as a matplotlib figure."""
    width, height = layout.size(scene.plan)
    above = TITLE if title else 0
    readings = "     ".join(f"{name}: {number(value)}" for name, value in picture.readings.items())
    below = READINGS if readings else 0
    full = above + height + below
    figure = Figure(figsize=(width / 100, full / 100), dpi=DPI)
    if title:
        figure.text(0.01, 1 - 6 / full, title, va="top", size=14 * POINT, weight="bold")
    labels = scene.labels_of(picture)
    for p, (panel, place) in enumerate(zip(picture.panels, scene.plan, strict=True)):
        bottom = below + height - place.top - place.height
        axes = figure.add_axes(
            (place.left / width, bottom / full, place.width / width, place.height / full)
        )
        _axes(axes, panel, place)
        for m, (mark, stroke, marker) in enumerate(panel.styled()):
            MARKS[mark.kind](axes, mark, STROKES[stroke].light, marker or _dash(stroke))
            if (p, m) in labels:
                _label(axes, mark.label, labels[p, m], place, STROKES[stroke].light)
    if readings:
        figure.text(0.01, 4 / full, readings, va="bottom", size=FONT_SIZE * POINT)
    return figure


def _axes(axes: Axes, panel: Panel, place: layout.Place) -> None:
    size = FONT_SIZE * POINT
    axes.set(xscale=panel.x.scale, yscale=panel.y.scale, xlim=place.x, ylim=place.y)
    axes.set_title(panel.title, size=size, weight="bold", loc="left", pad=6)
    if panel.bare:
        axes.set_axis_off()
        return
    axes.set_xlabel(panel.x.label, size=size)
    axes.set_ylabel(panel.y.label, size=size)
    axes.yaxis.set_label_coords(-BESIDE / place.width, 0.5)
    axes.tick_params(labelsize=11 * POINT, length=3, width=0.7)
    axes.tick_params(which="minor", labelsize=11 * POINT)
    for axis, described in ((axes.xaxis, panel.x), (axes.yaxis, panel.y)):
        if described.scale == "log":
            axis.set_major_formatter(_PlainNumbers())
            axis.set_minor_formatter(_PlainNumbers())
        if described.ticks:
            axis.set_ticks(list(described.ticks), list(described.ticks.values()))
    axes.grid(linewidth=0.6)
    for name in ("left", "bottom"):
        axes.spines[name].set_linewidth(0.7)


class _PlainNumbers(LogFormatter):
    """Labels the ticks that matplotlib would, but 0.1 and not a power, as in the browser."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        return number(x) if super().__call__(x, pos) else ""


def _dash(stroke: str) -> Any:
    """A matplotlib line style; its dashes count line widths, the style's count pixels."""
    dash = STROKES[stroke].dash
    return (0, tuple(length / LINE_WIDTH for length in dash)) if dash else "-"


def _label(axes: Axes, text: str, at: np.ndarray, place: layout.Place, colour: str) -> None:
    if np.isfinite(at).all() and 0 <= at[0] <= place.width and 0 <= at[1] <= place.height:
        axes.text(
            at[0] / place.width,
            1 - at[1] / place.height,
            text,
            transform=axes.transAxes,
            ha="center",
            va="center",
            color=colour,
            size=FONT_SIZE * POINT,
            weight="bold",
            zorder=4,
            path_effects=[withStroke(linewidth=2.4, foreground=PAPER.light)],
        )


def _curve(axes: Axes, mark: Any, colour: str, dash: Any) -> None:
    width = (0.5 if mark.thin else 1) * LINE_WIDTH * POINT
    axes.plot(mark.x, mark.y, color=colour, linestyle=dash, linewidth=width)


def _band(axes: Axes, mark: Any, colour: str, _: Any) -> None:
    axes.fill_between(mark.x, mark.low, mark.high, color=colour, alpha=0.18, linewidth=0)


def _level(axes: Axes, mark: Any, colour: str, _: Any) -> None:
    for level in mark.levels:
        axes.contourf(mark.x, mark.y, mark.z, [level, np.inf], colors=[colour], alpha=0.06)
    axes.contour(mark.x, mark.y, mark.z, mark.levels, colors=[colour], linewidths=0.8, alpha=0.8)


def _arrows(axes: Axes, mark: Any, colour: str, _: Any) -> None:
    axes.quiver(
        mark.x, mark.y, mark.dx, mark.dy,
        angles="xy", scale_units="xy", scale=1, color=colour, width=0.006,
    )  # fmt: skip


def _points(axes: Axes, mark: Any, colour: str, marker: Any) -> None:
    across = 2 * mark.size * POINT * np.abs(marker).max()
    axes.scatter(mark.x, mark.y, across**2, colour, marker=marker, linewidths=0, zorder=3)


def _bars(axes: Axes, mark: Any, colour: str, _: Any) -> None:
    at, width = range(len(mark.height)), 2 * HALF_BAR
    axes.bar(at, mark.height, width, mark.base, color=colour, alpha=0.75)
    axes.set_xticks(range(len(mark.names)), mark.names)


def _boxes(axes: Axes, mark: Any, colour: str, dash: Any) -> None:
    for x0, y0, x1, y1 in zip(mark.x0, mark.y0, mark.x1, mark.y1, strict=True):
        for alpha, fill in ((0.12, True), (1.0, False)):
            axes.add_patch(
                Rectangle(
                    (x0, y0), x1 - x0, y1 - y0, fill=fill, color=colour, alpha=alpha,
                    linestyle=dash, linewidth=LINE_WIDTH * POINT,
                )
            )  # fmt: skip


def _matrix(axes: Axes, mark: Any, colour: str, _: Any) -> None:
    rows, columns = mark.z.shape
    shade = np.clip((mark.z - mark.low) / (mark.high - mark.low), 0, 1)
    cells = np.dstack([np.broadcast_to(to_rgb(colour), (rows, columns, 3)), np.nan_to_num(shade)])
    extent = (0, columns, 0, rows)
    axes.imshow(cells, extent=extent, aspect="auto", interpolation="nearest", zorder=1)


def _rule(axes: Axes, mark: Any, colour: str, dash: Any) -> None:
    line = axes.axvline if mark.along == "x" else axes.axhline
    line(float(mark.at), color=colour, linestyle=dash, linewidth=0.5 * LINE_WIDTH * POINT)


MARKS: dict[str, Callable[[Axes, Any, str, Any], None]] = {
    "curve": _curve,
    "band": _band,
    "level": _level,
    "arrows": _arrows,
    "points": _points,
    "bars": _bars,
    "boxes": _boxes,
    "matrix": _matrix,
    "rule": _rule,
}
