"""A picture in words, computed from its data: the text equivalent of an explorer."""

from collections.abc import Mapping

import numpy as np

from lossmath.explore.picture import Bars, Curve, Level, Mark, Matrix, Panel, Picture, Points

FLAT = 1e-3  # of the curve's own span: changes below this are not seen
PLATEAU = 0.1  # of the axis: a shorter flat stretch is not worth a word


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
        named = filter(None, (_mark(mark, panel) for mark in panel.marks))
        words = "; ".join(named) or _alone(panel)
        if words:
            said.append(f"{panel.title} — {words}." if panel.title else f"{words}.")
    said += [f"{name}: {number(value)}." for name, value in picture.readings.items()]
    return said


def settings(values: Mapping[str, float], signs: Mapping[str, str]) -> str:
    """The sliders as a phrase: δ = 1, τ = 0.5."""
    return ", ".join(f"{signs[name]} = {number(value)}" for name, value in values.items())


def _mark(mark: Mark, panel: Panel) -> str:
    if isinstance(mark, Curve) and mark.label:
        return f"{mark.label}: {_curve(mark, panel)}"
    if isinstance(mark, Level):
        return _level(mark, panel)
    if isinstance(mark, Points) and mark.label and mark.arrays()["x"].size == 1:
        x, y = mark.arrays()["x"].item(), mark.arrays()["y"].item()
        return f"{mark.label} at ({number(x)}, {number(y)})"
    if isinstance(mark, Bars):
        heights = mark.arrays()["height"]
        return ", ".join(f"{n} {number(h)}" for n, h in zip(mark.names, heights, strict=True))
    if isinstance(mark, Matrix):
        z = mark.arrays()["z"]
        row, column = np.unravel_index(np.nanargmax(z), z.shape)
        name = f"{mark.label}: " if mark.label else ""
        return f"{name}largest cell {number(z.max())} in row {row + 1}, column {column + 1}"
    return ""


def _alone(panel: Panel) -> str:
    """The first curve of a panel that names nothing in it: the title is its name."""
    for mark in panel.marks:
        if isinstance(mark, Curve) and not mark.thin and not panel.bare:
            return _curve(mark, panel)
    return ""


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
