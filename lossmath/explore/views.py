"""Ready-made pictures of losses, from their records alone."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from lossmath.explore.picture import Arrows, Axis, Curve, Level, Mark, Panel, Picture
from lossmath.explore.sliders import Slider
from lossmath.loss import Loss

POINTS = 150
BESIDE = 1e-9  # of the span: how close to a kink it is looked at from either side


def slider(loss: type[Loss], name: str, **changes: Any) -> Slider:
    """The slider of a loss's parameter, from its record; `changes` override fields of `Slider`."""
    declared = loss.parameters[name]
    low, high = declared.slider or (declared.default, declared.default)
    fields = {
        "name": name,
        "low": low,
        "high": high,
        "default": declared.default,
        "scale": declared.scale,
        "symbol": declared.symbol,
        "unit": "units of the target" if declared.unit == "target" else declared.unit,
        "meaning": declared.meaning,
    }
    return Slider(**{**fields, **changes})


def samples(loss: Loss, low: float, high: float) -> np.ndarray:
    """Points from low to high, or to the outermost kink, that meet every kink from both sides.

    Each stretch between kinks has a fixed number of points, so that a kink stays a vertex, and a
    jump a jump, while a slider moves it in or out of view.
    """
    kinks = sorted(at for at, _ in loss.kink_points())
    beside = BESIDE * (high - low)
    around = [at + side for at in kinks for side in (-beside, beside)]
    ends = np.array([min([low, *around]), *around, max([high, *around])])
    count = POINTS // (len(kinks) + 1) | 1  # odd, so that a stretch about 0 holds 0 itself
    return np.concatenate([np.linspace(a, b, count) for a, b in ends.reshape(-1, 2)])


def anatomy(
    losses: Mapping[str, Loss],
    *,
    span: tuple[float, float] = (-4, 4),
    tops: tuple[float, float, float] = (6, 3, 2.5),
    variable: str = "residual r",
    target: float = 0.0,
) -> Picture:
    """Value, slope and curvature of elementwise losses, side by side.

    The horizontal axis is the prediction at a fixed target, which for target 0 is the residual
    itself. `tops` are the upper ends of the three vertical axes. Where the slope jumps it is drawn
    as an upright stroke: the subdifferential.
    """
    marks: list[list[Mark]] = [[], [], []]
    for label, loss in losses.items():
        x = target + samples(loss, span[0] - target, span[1] - target)
        at = np.full_like(x, target)
        for panel, how in zip(marks, (loss.value, loss.gradient, loss.hessian), strict=True):
            panel.append(Curve(x, how(x, at), label))
    across = Axis(variable, *span)
    bottoms = (-0.06 * tops[0], -tops[1], -0.06 * tops[2])
    return Picture(
        [
            Panel(title, panel, across, Axis("", bottom, top))
            for title, panel, bottom, top in zip(
                ("value", "slope", "curvature"), marks, bottoms, tops, strict=True
            )
        ]
    )


def residual_plane(
    loss: Loss,
    *,
    title: str,
    levels: tuple[float, ...],
    stroke: str = "blue",
    reach: float = 4.0,
    arrow: float = 0.35,
    resolution: int = 49,
) -> Panel:
    """Level sets of the summed loss of two residuals, with arrows down the gradient.

    `arrow` is the length drawn for a gradient of length one, in residual units.
    """
    side = np.linspace(-reach, reach, resolution)
    along = loss.value(side, np.zeros_like(side))
    coarse = np.linspace(-0.9 * reach, 0.9 * reach, 8)
    slope = -arrow * loss.gradient(coarse, np.zeros_like(coarse))
    x, y = (part.ravel() for part in np.meshgrid(coarse, coarse))
    dx, dy = (part.ravel() for part in np.meshgrid(slope, slope))
    return Panel(
        title,
        [
            Level(side, side, along[:, None] + along[None, :], levels, stroke=stroke),
            Arrows(x, y, dx, dy, stroke="ink"),
        ],
        Axis("first residual", -reach, reach),
        Axis("second residual", -reach, reach),
        equal=True,
    )
