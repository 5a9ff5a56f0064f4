"""Loss functions you can play with: value, gradient and Hessian of each, and what it claims.

>>> import lossmath
>>> huber = lossmath.Huber(delta=1.0)
>>> float(huber([3.0, 0.5], [0.0, 0.0]))
1.3125
>>> huber.gradient([3.0, 0.5], [0.0, 0.0])
array([1. , 0.5])
"""

import difflib
from typing import Any

# Importing a family fills the catalogue.
from lossmath import (  # noqa: F401
    adversarial,
    boxes,
    classification,
    divergence,
    embedding,
    image,
    penalty,
    preference,
    regression,
    segmentation,
)
from lossmath.arguments import Argument
from lossmath.classification import hard_examples, ordinal_levels, perplexity
from lossmath.divergence import entropy, expected_calibration_error, reliability
from lossmath.domains import Interval, OneOf, Simplex
from lossmath.embedding import semi_hard_negatives
from lossmath.loss import CATALOGUE, Kink, Loss, Parameter, Residual, parameter
from lossmath.numeric import numeric_hessian
from lossmath.penalty import temporal_difference_target
from lossmath.reduction import Reduction, reduce

__all__ = [
    "Argument",
    "Interval",
    "Kink",
    "Loss",
    "OneOf",
    "Parameter",
    "Reduction",
    "Residual",
    "Simplex",
    "catalogue",
    "entropy",
    "expected_calibration_error",
    "find",
    "hard_examples",
    "numeric_hessian",
    "ordinal_levels",
    "parameter",
    "perplexity",
    "reduce",
    "reliability",
    "semi_hard_negatives",
    "temporal_difference_target",
]


def catalogue(family: str | None = None) -> tuple[type[Loss], ...]:
    """Every loss, or those of one family. A loss class is its own record:

    `name`, `family`, `formula`, `parameters`, `arguments`, `aliases`, `noise`, `elicits`, `kinks`,
    `convex`, `lipschitz`, `nonnegative`, `symmetric`, `failures`, `reference`.
    """
    return tuple(loss for loss in CATALOGUE.values() if family in (None, loss.family))


def find(name: str) -> type[Loss]:
    """The loss of this name or alias, whatever its capitals: find("mse") is SquaredError.

    Raises KeyError, with the nearest names, when there is none.
    """
    names = {n.lower(): loss for loss in catalogue() for n in (loss.name, *loss.aliases)}
    if name.lower() not in names:
        near = difflib.get_close_matches(name.lower(), names)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise KeyError(f"no loss is called {name!r}{hint}")
    return names[name.lower()]


def __getattr__(name: str) -> Any:
    """Each loss of the catalogue is an attribute of the package."""
    if name not in CATALOGUE:
        raise AttributeError(f"module 'lossmath' has no attribute {name!r}")
    return CATALOGUE[name]


def __dir__() -> list[str]:
    return [*__all__, *CATALOGUE]
