"""Loss functions you can play with: value, gradient and Hessian of each, and what it claims.

>>> import lossmath
>>> huber = lossmath.Huber(delta=1.0)
>>> float(huber([3.0, 0.5], [0.0, 0.0]))
1.3125
>>> huber.gradient([3.0, 0.5], [0.0, 0.0])
array([1. , 0.5])
"""

from typing import Any

from lossmath import regression  # noqa: F401  (importing a family fills the catalogue)
from lossmath.loss import CATALOGUE, Argument, Interval, Kink, Loss, OneOf, Parameter, find
from lossmath.numeric import numeric_hessian
from lossmath.reduction import Reduction, reduce

__all__ = [
    "Argument",
    "Interval",
    "Kink",
    "Loss",
    "OneOf",
    "Parameter",
    "Reduction",
    "catalogue",
    "find",
    "numeric_hessian",
    "reduce",
]


def catalogue(family: str | None = None) -> tuple[type[Loss], ...]:
    """Every loss, or those of one family. A loss class is its own record:

    `name`, `family`, `formula`, `parameters`, `arguments`, `aliases`, `noise`, `elicits`, `kinks`,
    `convex`, `lipschitz`, `nonnegative`, `symmetric`, `failures`, `reference`.
    """
    return tuple(loss for loss in CATALOGUE.values() if family in (None, loss.family))


def __getattr__(name: str) -> Any:
    """Each loss of the catalogue is an attribute of the package."""
    if name not in CATALOGUE:
        raise AttributeError(f"module 'lossmath' has no attribute {name!r}")
    return CATALOGUE[name]


def __dir__() -> list[str]:
    return [*__all__, *CATALOGUE]
