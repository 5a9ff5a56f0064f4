"""Pictures of losses with sliders: in a notebook, on a page without a kernel, and as stills.

A `Picture` is panels of marks; an `Explorer` is a function from sliders to a picture:

    Explorer(
        lambda delta: anatomy({"Huber": Huber(delta), "squared": SquaredError()}),
        [slider(Huber, "delta")],
    )
"""

from lossmath.explore.explorer import Explorer
from lossmath.explore.page import fragment, module, page
from lossmath.explore.picture import (
    Arrows,
    Axis,
    Band,
    Bars,
    Boxes,
    Curve,
    Level,
    Matrix,
    Panel,
    Picture,
    Points,
    Rule,
)
from lossmath.explore.predict import Predict
from lossmath.explore.sliders import Slider
from lossmath.explore.table import table
from lossmath.explore.views import anatomy, residual_plane, slider

__all__ = [
    "Arrows",
    "Axis",
    "Band",
    "Bars",
    "Boxes",
    "Curve",
    "Explorer",
    "Level",
    "Matrix",
    "Panel",
    "Picture",
    "Points",
    "Predict",
    "Rule",
    "Slider",
    "anatomy",
    "fragment",
    "module",
    "page",
    "residual_plane",
    "slider",
    "table",
]
