"""How every picture of the course looks, for the browser and for matplotlib alike.

Colours descend from Okabe and Ito's set, darkened to at least 4.8:1 on white and lightened for the
dark theme. Nothing depends on colour alone: each style has its own dash as well, and each series of
points in a panel its own marker.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, pi, sin, sqrt
from typing import Any

FONT_SIZE = 12
LINE_WIDTH = 2.0
LABEL_GAP = 4
HALF_BAR = 0.35  # of the distance between two bars


@dataclass(frozen=True)
class Stroke:
    """A colour for each theme and a dash pattern in pixels."""

    light: str
    dark: str
    dash: tuple[float, ...] = ()


STROKES = {
    "blue": Stroke("#0072B2", "#5BB8F0"),
    "orange": Stroke("#C04F00", "#FF9F55", (7, 3)),
    "green": Stroke("#00785A", "#3DCCA0", (2, 2.5)),
    "purple": Stroke("#8B3A80", "#E79BCB", (9, 3, 2, 3)),
    "brown": Stroke("#7A5C00", "#E8D04A", (4, 2)),
    "grey": Stroke("#5C5C5C", "#B8B8B8", (1, 2)),
    "ink": Stroke("#222222", "#E6E6E6"),
}
CYCLE = ("blue", "orange", "green", "purple", "brown", "grey")


Corners = tuple[tuple[float, float], ...]


def _marker(radii: Sequence[float]) -> Corners:
    """A shape with corners at equal angles from the top, as large as a circle of radius 1."""
    angle = 2 * pi / len(radii)
    pairs = zip(radii, [*radii[1:], radii[0]], strict=True)
    scale = sqrt(2 * pi / (sin(angle) * sum(one * other for one, other in pairs)))
    return tuple(
        (round(scale * radius * sin(k * angle), 3), round(scale * radius * cos(k * angle), 3))
        for k, radius in enumerate(radii)
    )


MARKERS = {
    "circle": _marker((1,) * 24),
    "square": _marker((1, sqrt(2)) * 4),
    "triangle": _marker((1,) * 3),
    "diamond": _marker((1, 0.6) * 2),
    "star": _marker((1, 0.4) * 5),
    "triangle down": _marker((0.5, 1) * 3),
}

PAPER = Stroke("#FFFFFF", "#111111")
TEXT = Stroke("#333333", "#DDDDDD")
GRID = Stroke("#E4E4E4", "#333333")

RCPARAMS: Any = {
    "font.family": "DejaVu Sans",
    "text.color": TEXT.light,
    "axes.labelcolor": TEXT.light,
    "axes.edgecolor": TEXT.light,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID.light,
    "xtick.color": TEXT.light,
    "ytick.color": TEXT.light,
    "svg.hashsalt": "lossmath",
}


def css() -> str:
    """The stylesheet of the browser explorer, with the colours above as its variables."""
    light, dark = _variables("light"), _variables("dark")
    return (
        f".lm-explorer {{ {light} --lm-size: {FONT_SIZE}px; }}\n"
        "@media (prefers-color-scheme: dark) {\n"
        f"  body:not([data-jp-theme-light]):not([data-theme='light']) .lm-explorer {{ {dark} }}\n"
        "}\n"
        f"body[data-jp-theme-light='false'] .lm-explorer {{ {dark} }}\n"
        f"body[data-theme='dark'] .lm-explorer {{ {dark} }}\n" + _RULES
    )


def _variables(theme: str) -> str:
    named = {
        **STROKES,
        "text-base": TEXT,
        "paper-base": PAPER,
        "grid": GRID,
    }
    return " ".join(f"--lm-{name}: {getattr(stroke, theme)};" for name, stroke in named.items())


_RULES = """
.lm-explorer {
  --lm-text: var(--jp-content-font-color1, var(--lm-text-base));
  --lm-paper: var(--jp-layout-color0, var(--lm-paper-base));
  color: var(--lm-text);
  background: var(--lm-paper);
  font: var(--lm-size)/1.45 var(--jp-ui-font-family, system-ui, sans-serif);
  max-width: 780px;
  padding: 6px 4px;
  contain: layout style; /* so that a step repaints this explorer and not the page */
}
.lm-explorer .lm-title { margin: 0 0 4px; font-size: 14px; font-weight: 600; }
.lm-explorer svg { display: block; width: 100%; height: auto; }
.lm-explorer svg text { fill: var(--lm-text); font-size: var(--lm-size); }
.lm-explorer svg .lm-panel-title { font-weight: 600; }
.lm-explorer svg .lm-axis path, .lm-explorer svg .lm-axis line { stroke: var(--lm-text); }
.lm-explorer svg .lm-axis text { font-size: 11px; }
.lm-explorer svg .lm-grid path { stroke: none; }
.lm-explorer svg .lm-grid line { stroke: var(--lm-grid); }
.lm-explorer svg .lm-label {
  font-weight: 600; paint-order: stroke; stroke: var(--lm-paper); stroke-width: 3px;
}
.lm-explorer svg .lm-handle { cursor: grab; touch-action: none; }
.lm-explorer svg .lm-handle:active { cursor: grabbing; }
.lm-explorer .lm-ghost { opacity: 0.32; }
.lm-controls { display: flex; flex-wrap: wrap; gap: 4px 18px; align-items: end; margin: 6px 0 2px; }
.lm-slider { display: grid; grid-template-columns: 5.6em 1fr; flex: 1 1 260px; gap: 0 8px; }
.lm-slider label { grid-column: 1 / 3; }
.lm-slider input { width: 100%; min-width: 140px; margin: 2px 0; accent-color: var(--lm-blue); }
.lm-slider output { white-space: nowrap; font-variant-numeric: tabular-nums; }
.lm-explorer button, .lm-explorer input[type=number] {
  font: inherit; color: inherit; background: transparent; cursor: pointer;
  border: 1px solid var(--lm-text); border-radius: 4px; padding: 3px 10px;
}
.lm-explorer input[type=number] { width: 6em; cursor: text; }
.lm-explorer button:disabled { opacity: 0.45; cursor: default; }
.lm-explorer :focus-visible { outline: 2px solid var(--lm-orange); outline-offset: 2px; }
.lm-readings { display: flex; flex-wrap: wrap; gap: 2px 18px; margin: 4px 0; }
.lm-readings b { font-variant-numeric: tabular-nums; }
.lm-busy { visibility: hidden; color: var(--lm-orange); }
.lm-is-busy .lm-busy { visibility: visible; }
.lm-predict { border: 1px solid var(--lm-grid); border-radius: 6px; margin: 0 0 8px; }
.lm-predict legend { font-weight: 600; padding: 0 6px; }
.lm-predict p { margin: 2px 0 6px; }
.lm-predict label, .lm-predict input[type=number] { margin-right: 16px; }
.lm-predict label { white-space: nowrap; }
.lm-hidden .lm-marks, .lm-hidden .lm-readings, .lm-hidden .lm-words { visibility: hidden; }
.lm-words { margin-top: 4px; }
.lm-words summary { cursor: pointer; width: max-content; }
.lm-spoken {
  position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
}
"""
