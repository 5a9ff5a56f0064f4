"""A picture in words, computed from its data: the text equivalent of an explorer."""

from collections.abc import Mapping, Sequence

import numpy as np

from lossmath.explore.picture import (
    Arrows,
    Axis,
    Bars,
    Boxes,
    Curve,
    Level,
    Mark,
    Matrix,
    Panel,
    Picture,
    Points,
)

FLAT = 1e-3  # of the curve's own span: changes below this are not seen
PLATEAU = 0.1  # of the axis: a shorter flat stretch is not worth a word
FEW = 3  # dots or arrows are told one by one, more of them as a crowd
MANY_BARS = 8  # from here on only the highest and the lowest are told
ALIGNED = 0.7  # a correlation or a mean cosine from which a direction is plain to see


def number(value: float) -> str:
    """Three significant digits with a true minus sign: −0.5, 12, 0.0315."""
    text = f"{value + 0.0:.3g}"
    if "e" in text and 1e-4 < abs(value) < 1e6:
        text = f"{value:.0f}"
    return text.replace("-", "−")


def sentences(picture: Picture) -> list[str]:
    """One sentence per panel, naming its curves, fields and points; then the readings."""
    said = []
    for panel in picture.panels:
        words = "; ".join(filter(None, (_mark(mark, panel) for mark in panel.marks)))
        if words:
            said.append(f"{panel.title} — {words}." if panel.title else f"{words}.")
    said += [f"{name}: {number(value)}." for name, value in picture.readings.items()]
    return said


def settings(values: Mapping[str, float], signs: Mapping[str, str]) -> str:
    """The sliders as a phrase: δ = 1, τ = 0.5."""
    return ", ".join(f"{signs[name]} = {number(value)}" for name, value in values.items())


def _mark(mark: Mark, panel: Panel) -> str:
    if isinstance(mark, Curve):
        said = mark.label or mark is _lone_curve(panel)
        return _prefix(mark) + _curve(mark, panel) if said else ""
    if isinstance(mark, Level):
        return _level(mark, panel)
    if isinstance(mark, Points):
        return _points(mark, panel)
    if isinstance(mark, Arrows):
        return _arrows(mark)
    if isinstance(mark, Boxes):
        return _boxes(mark, panel)
    if isinstance(mark, Bars):
        return _bars(mark)
    if isinstance(mark, Matrix):
        return _matrix(mark, panel)
    return ""


def _lone_curve(panel: Panel) -> Curve | None:
    """The first curve of a panel that names none, nor shows a field or bars: the title names it."""
    curves = [mark for mark in panel.marks if isinstance(mark, Curve)]
    others = any(isinstance(mark, Level | Arrows | Bars | Matrix) for mark in panel.marks)
    if panel.bare or others or any(mark.label for mark in curves):
        return None
    return next((mark for mark in curves if not mark.thin), None)


def _curve(mark: Curve, panel: Panel) -> str:
    x, y = mark.arrays()["x"], mark.arrays()["y"]
    return curve(x, y, panel.x.label, log_x=panel.x.scale == "log", log_y=panel.y.scale == "log")


def _level(mark: Level, panel: Panel) -> str:
    x, y, z = mark.arrays().values()
    row, column = np.unravel_index(np.nanargmin(z), z.shape)
    return (
        f"level sets{f' of {mark.label}' if mark.label else ''}: lowest {number(np.nanmin(z))} at "
        f"{panel.x.label or 'x'} = {number(x[column])}, "
        f"{panel.y.label or 'y'} = {number(y[row])}, "
        f"highest {number(np.nanmax(z))}"
    )


def _points(mark: Points, panel: Panel) -> str:
    """Few dots by their places; a cloud by its middle, its extent and its slope."""
    dots = np.column_stack([mark.x, mark.y])
    dots = dots[np.isfinite(dots).all(axis=1)]
    if not len(dots):
        return ""
    if len(dots) <= FEW:
        name = mark.label or _owner(mark, panel) + ("dot" if len(dots) == 1 else "dots")
        return f"{name} at {', '.join(map(_place, dots))}"
    for bars in panel.marks:
        if isinstance(bars, Bars) and np.array_equal(mark.x, np.arange(len(bars.names))):
            return f"{mark.label or 'dots'}: {_heights(bars.names, mark.y)}"
    (left, bottom), (right, top) = dots.min(axis=0), dots.max(axis=0)
    name = _prefix(mark) or _owner(mark, panel)
    said = f"{name}{len(dots)} dots around {_place(np.median(dots, axis=0))}"
    if right > left:
        said += f", from {number(left)} to {number(right)} across"
    if top > bottom:
        said += f", from {number(bottom)} to {number(top)} up"
    if right > left and top > bottom:
        slope = np.corrcoef(dots.T)[0, 1]
        if abs(slope) >= ALIGNED:
            said += ", rising to the right" if slope > 0 else ", falling to the right"
    return said


def _owner(mark: Points, panel: Panel) -> str:
    """Dots of a named curve's colour are its own."""
    styled = panel.styled()
    mine = next(stroke for other, stroke, _ in styled if other is mark)
    curves = (other for other, stroke, _ in styled if stroke == mine and isinstance(other, Curve))
    return next((_prefix(curve) for curve in curves if curve.label), "")


def _arrows(mark: Arrows) -> str:
    """Few arrows from end to end; a field by where it rests and how it turns about that place."""
    start = np.column_stack([_rounded(mark.x, False), _rounded(mark.y, False)])
    way = np.column_stack([mark.dx, mark.dy])
    length = np.hypot(*way.T)
    start, way, length = start[length > 0], way[length > 0], length[length > 0]
    if len(start) <= FEW:
        ends = zip(start, start + way, strict=True)
        return _prefix(mark) + ", ".join(f"arrow from {_place(a)} to {_place(b)}" for a, b in ends)
    shortest = length <= 1.01 * length.min()
    rest = start[shortest].mean(axis=0).round(9)
    size = "of one length" if shortest.all() else "shortest"
    said = f"{len(start)} arrows, {size} around {_place(rest)}{_turning(rest - start, way)}"
    return _prefix(mark) + said


def _turning(inward: np.ndarray, way: np.ndarray) -> str:
    """How arrows stand to one place, from the ways to it and their own, both (n, 2)."""
    sizes = np.hypot(*inward.T) * np.hypot(*way.T)
    apart = sizes > 0
    towards = ((inward * way).sum(axis=1)[apart] / sizes[apart]).mean()
    aside = (inward[:, 0] * way[:, 1] - inward[:, 1] * way[:, 0])[apart] / sizes[apart]
    if abs(aside.mean()) >= ALIGNED:
        return " and circling it"
    if abs(towards) >= ALIGNED:
        return " and pointing there" if towards > 0 else " and pointing away from there"
    return ""


def _boxes(mark: Boxes, panel: Panel) -> str:
    """A single box by its corners and its share of the first one; several by their extent."""
    low, high = np.column_stack([mark.x0, mark.y0]), np.column_stack([mark.x1, mark.y1])
    if len(low) > 1:
        (left, bottom), (right, top) = low.min(axis=0), high.max(axis=0)
        return (
            f"{_prefix(mark)}{len(low)} boxes, from {number(left)} to {number(right)} across, "
            f"from {number(bottom)} to {number(top)} up"
        )
    said = f"{mark.label or 'box'} from {_place(low[0])} to {_place(high[0])}"
    first = next(m for m in panel.marks if isinstance(m, Boxes) and m.x0.size == 1)
    if first is mark:
        return said
    share, other = _joint_share(first, mark), first.label or "the first"
    if share == 0:
        return f"{said}, clear of {other}"
    return f"{said}, sharing {number(share)} of their joint area with {other}"


def _joint_share(one: Boxes, other: Boxes) -> float:
    """The intersection of two boxes over their union."""
    width = min(one.x1[0], other.x1[0]) - max(one.x0[0], other.x0[0])
    height = min(one.y1[0], other.y1[0]) - max(one.y0[0], other.y0[0])
    both = max(width, 0.0) * max(height, 0.0)
    areas = sum((box.x1[0] - box.x0[0]) * (box.y1[0] - box.y0[0]) for box in (one, other))
    return both / (areas - both) if both else 0.0


def _bars(mark: Bars) -> str:
    return _prefix(mark) + _heights(mark.names, mark.height)


def _heights(names: Sequence[str], heights: np.ndarray) -> str:
    said = [f"{name} {number(height)}" for name, height in zip(names, heights, strict=True)]
    if len(said) > MANY_BARS:
        highest, lowest = said[np.argmax(heights)], said[np.argmin(heights)]
        return f"{len(said)} bars, highest {highest}, lowest {lowest}"
    return ", ".join(said)


def _matrix(mark: Matrix, panel: Panel) -> str:
    """A photograph by where it is dark; other cells by the largest and by the diagonal."""
    z = mark.z
    rows, columns = z.shape
    said = f"{_prefix(mark)}{rows} by {columns} cells, "
    if np.nanmin(z) == np.nanmax(z):
        return f"{said}all {number(np.nanmax(z))}"
    if mark.stroke == "ink":
        dark = np.argwhere(z > (mark.low + mark.high) / 2) + 1
        if not len(dark):
            return f"{said}none dark"
        (top, left), (bottom, right) = dark.min(axis=0), dark.max(axis=0)
        return f"{said}{len(dark)} dark, in rows {top} to {bottom}, columns {left} to {right}"
    row, column = np.unravel_index(np.nanargmax(z), z.shape)
    said += (
        f"largest {number(z[row, column])} in row {_tick(panel.y, rows - row - 0.5, int(row))}, "
    )
    said += f"column {_tick(panel.x, column + 0.5, int(column))}"
    if rows == columns:
        leads = int((np.diag(z) >= np.nanmax(z, axis=1)).sum())
        said += f", the diagonal largest in {leads} of {rows} rows"
    return said


def _tick(axis: Axis, at: float, index: int) -> str:
    """The name of a row or column, or its number."""
    return (axis.ticks or {}).get(at, str(index + 1))


def _prefix(mark: Mark) -> str:
    return f"{mark.label}: " if mark.label else ""


def _place(at: np.ndarray) -> str:
    return f"({number(at[0])}, {number(at[1])})"


def curve(
    x: np.ndarray, y: np.ndarray, along: str = "x", *, log_x: bool = False, log_y: bool = False
) -> str:
    """What the eye would say of a curve: constant, saturating, rising, falling, lowest where."""
    seen = np.isfinite(x) & np.isfinite(y) & ~(log_x & (x <= 0)) & ~(log_y & (y <= 0))
    if not seen.any():
        return "outside the picture"
    x, y = _rounded(x[seen], log_x), _rounded(y[seen], log_y)
    if np.ptp(y) <= 1e-9 * np.abs(y).max():
        return f"constant at {number(y[0])}"
    if (np.diff(x) < 0).any() and (np.diff(x) > 0).any():
        return (
            f"from {number(x.min())} to {number(x.max())} across, "
            f"from {number(y.min())} to {number(y.max())} up"
        )
    unit = _symbol(along)
    ends = _ends(x, np.log(x) if log_x else x, np.log(y) if log_y else y)
    flat = _plateaus(y, ends, unit)
    steps = np.diff(y)
    if (steps >= 0).all() or (steps <= 0).all():
        if flat.startswith("saturates"):
            return flat
        way = "rising" if y[-1] > y[0] else "falling"
        return ", ".join(filter(None, [flat, f"{way} from {number(y[0])} to {number(y[-1])}"]))
    return ", ".join(filter(None, [flat, *_extremes(x, y, ends, unit)]))


def _symbol(label: str) -> str:
    """The r of "residual r"; a label that ends in no symbol says it all, up to its unit."""
    *before, last = label.split(" ")
    if len(last) <= 2 and before[-1:] != ["of"]:
        return last or "x"
    return label.split(",")[0]


def _rounded(values: np.ndarray, log: bool) -> np.ndarray:
    """Without digits that no eye could see."""
    if log:
        return np.exp(np.round(np.log(values), 7))
    span = float(np.ptp(values)) or float(np.abs(values).max()) or 1.0
    return np.round(values, 7 - int(np.floor(np.log10(span)))) + 0.0


Ends = tuple[float | None, float | None]


def _ends(x: np.ndarray, across: np.ndarray, up: np.ndarray) -> Ends:
    """The x at which the level stretches at the left and right edges end, where there are any.

    They are judged by the places on the screen, `across` and `up`.
    """
    left, right = _plateau(across, up), _plateau(across[::-1], up[::-1])
    return (
        None if left is None else float(x[left]),
        None if right is None else float(x[::-1][right]),
    )


def _plateaus(y: np.ndarray, ends: Ends, unit: str) -> str:
    """The level stretches at the two ends, if they are long enough to see."""
    left, right = ends
    if left is not None and right is not None:
        if np.isclose(-left, right, rtol=0.02, atol=1e-4) and right >= 0:
            beyond = f"beyond |{unit}| = {number(right)}"
            if y[0] == y[-1]:
                return f"flat at {number(y[0])} {beyond}"
            if np.isclose(y[0], -y[-1], rtol=1e-3):
                return f"saturates at ±{number(abs(y[-1]))} {beyond}"
        return (
            f"flat at {number(y[0])} up to {unit} = {number(left)} "
            f"and at {number(y[-1])} from {unit} = {number(right)}"
        )
    if left is not None:
        return f"flat at {number(y[0])} up to {unit} = {number(left)}"
    return f"flat at {number(y[-1])} from {unit} = {number(right)}" if right is not None else ""


def _plateau(x: np.ndarray, y: np.ndarray) -> int | None:
    """The index at which the level stretch that starts at y[0] ends."""
    moved = np.abs(y - y[0]) > FLAT * np.ptp(y)
    end = max(int(np.argmax(moved)) - 1, 0)
    return end if abs(x[end] - x[0]) >= PLATEAU * np.ptp(x) else None


def _extremes(x: np.ndarray, y: np.ndarray, ends: Ends, unit: str) -> list[str]:
    said = []
    if y.min() < min(y[0], y[-1]):
        said.append(f"lowest {number(y.min())} {_where(x, y == y.min(), unit)}")
    if y.max() > max(y[0], y[-1]):
        said.append(f"highest {number(y.max())} {_where(x, y == y.max(), unit)}")
    steep_left, steep_right = (end is None for end in ends)
    if steep_left and steep_right and np.isclose(y[0], y[-1], rtol=1e-3):
        return [*said, f"{number(y[0])} at both edges"]
    if steep_left:
        said.append(f"{number(y[0])} at the left edge")
    if steep_right:
        said.append(f"{number(y[-1])} at the right" + ("" if steep_left else " edge"))
    return said


def _where(x: np.ndarray, there: np.ndarray, unit: str) -> str:
    first, last = x[there].min(), x[there].max()
    if first == last:
        return f"at {unit} = {number(first)}"
    return f"from {unit} = {number(first)} to {number(last)}"
