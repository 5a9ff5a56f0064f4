"""What a loss is given: declaring its arrays, and checking that they are what was declared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lossmath.arrays import REAL_KINDS, Array
from lossmath.domains import REALS, Domain, Interval


@dataclass(frozen=True)
class Argument:
    """One array a loss is given.

    axes: names of the trailing axes that a single value consumes: "" for an elementwise loss,
        "c" for class scores, of which there must be one, "h w" for images, a number for a fixed
        size, "..." for all axes.
        What stands in front of them is the batch, and the shape of the values.
    domain: the numbers allowed in it.
    differentiable: whether the gradient has an entry for it.
    index_of: for integer labels, the axis they index.
    """

    name: str
    axes: str = ""
    domain: Domain = REALS
    differentiable: bool = True
    index_of: str = ""

    def sizes(self, shape: tuple[int, ...]) -> dict[str, Any]:
        """The size of each named axis, and of the "batch", when the array has this shape."""
        if self.axes == "...":
            return {"batch": (), "...": shape}
        names = self.axes.split()
        batch = len(shape) - len(names)
        sizes = dict(zip(names, shape[max(batch, 0) :], strict=False))
        if batch < 0 or any(name.isdigit() and int(name) != sizes[name] for name in names):
            raise ValueError(f"{self.name} has shape {shape} but needs axes (..., {self.axes})")
        if sizes.get("c") == 0:
            raise ValueError(f"{self.name} has shape {shape} but its last axis must not be empty")
        return {"batch": shape[:batch], **sizes}

    def event_ndim(self, ndim: int) -> int:
        """How many trailing axes a single value consumes."""
        return ndim if self.axes == "..." else len(self.axes.split())

    def sample(
        self, rng: np.random.Generator, sizes: Mapping[str, Any], spread: float = 1
    ) -> np.ndarray:
        """An array of allowed numbers with these sizes of the batch and the named axes."""
        if self.axes == "...":
            return self.domain.sample(rng, sizes["batch"], spread)
        event = [int(axis) if axis.isdigit() else sizes[axis] for axis in self.axes.split()]
        shape = (*sizes["batch"], *event)
        if self.index_of:
            return rng.integers(sizes[self.index_of], size=shape)
        return self.domain.sample(rng, shape, spread)

    def cast(self, array: Array, dtype: Any, xp: Any) -> Array:
        """The array in this floating dtype; integer labels stay integers."""
        if not xp.isdtype(array.dtype, "integral" if self.index_of else REAL_KINDS):
            wanted = "integer labels" if self.index_of else "real numbers"
            raise TypeError(f"{self.name} has dtype {array.dtype} but must hold {wanted}")
        return array if self.index_of or array.dtype == dtype else xp.astype(array, dtype)


def common_sizes(arguments: Sequence[Argument], arrays: Sequence[Array]) -> dict[str, Any]:
    """The size of the batch and of every named axis.

    Raises ValueError with both shapes when two arrays disagree: nothing is ever broadcast.
    """
    seen: dict[str, tuple[Any, str]] = {}
    for argument, array in zip(arguments, arrays, strict=True):
        shape = tuple(array.shape)
        described = f"{argument.name} has shape {shape}"
        for axis, size in argument.sizes(shape).items():
            first_size, first = seen.setdefault(axis, (size, described))
            if size != first_size:
                raise ValueError(f"{first} but {described}")
    return {axis: size for axis, (size, _) in seen.items()}


def check_domain(
    argument: Argument, array: Array, sizes: Mapping[str, Any], selected: Array | None, xp: Any
) -> None:
    """Raise ValueError naming the first selected number that lies outside its domain."""
    domain: Domain = argument.domain
    if argument.index_of:
        domain = Interval(at_least=0, at_most=sizes[argument.index_of] - 1)
    if domain == REALS:
        return
    outside = domain.excludes(array)
    if selected is not None:
        outside = outside & selected
    if bool(xp.any(outside)):
        culprit = float(array[outside][0] if array.ndim else array)
        raise ValueError(f"{argument.name}={culprit:g} must lie in {domain}")
