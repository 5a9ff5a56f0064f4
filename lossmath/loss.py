"""The record that every loss is: its parameters, its formulas and what it claims about itself.

A loss is one frozen dataclass. Its fields are its parameters, its class attributes tell what a
reader wants to know, and three short methods give the mathematics in the loss's own variables:
`f` the value, `df` the slope, `d2f` the curvature. Everything else is derived here.
"""

import inspect
import math
import numbers
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, NamedTuple, dataclass_transform

import numpy as np

from lossmath.arguments import Argument, check_domain, common_sizes
from lossmath.arrays import Array, at_least_float32, common_floating_dtype, device, to_arrays
from lossmath.domains import Domain, Interval, OneOf
from lossmath.reduction import Reduction

CATALOGUE: dict[str, type["Loss"]] = {}


@dataclass(frozen=True)
class Parameter:
    """What is known of a parameter; a slider is built from this and nothing else."""

    default: Any
    domain: Domain
    slider: tuple[float, float] | None
    scale: str
    symbol: str
    unit: str
    meaning: str

    @property
    def choices(self) -> tuple[Any, ...]:
        """The allowed values when there are finitely many, else nothing."""
        return self.domain.members if isinstance(self.domain, OneOf) else ()


def parameter(
    default: Any,
    *,
    above: float = -math.inf,
    at_least: float = -math.inf,
    below: float = math.inf,
    at_most: float = math.inf,
    choices: tuple[Any, ...] | None = None,
    slider: tuple[float, float] | None = None,
    scale: str = "linear",
    symbol: str = "",
    unit: str = "",
    meaning: str = "",
) -> Any:
    """Declare a field of a loss as a parameter: its bounds or choices, its slider, its meaning."""
    domain = OneOf(choices) if choices else Interval(above, at_least, below, at_most)
    record = Parameter(default, domain, slider, scale, symbol, unit, meaning)
    return field(default=default, metadata={"parameter": record})


@dataclass(frozen=True)
class Kink:
    """Where the derivative of this order jumps; order 0 is a jump of the value itself.

    `at` is a value of the loss's `kink_variable`. Both are numbers or expressions in the
    parameters, such as "-delta".
    """

    at: float | str
    order: int | str


class Inputs(NamedTuple):
    """The checked arguments of one call."""

    arrays: list[Array]
    xp: Any
    reduction: Reduction
    batch: Array  # zeros with the shape and dtype of the values


@dataclass_transform(frozen_default=True, field_specifiers=(parameter,))
class Loss:
    """A loss and everything known about it.

    `loss.value(...)`, `loss.gradient(...)` and `loss.hessian(...)` take the arrays named in
    `arguments`, by position or by name, and the options of `Reduction`. Unless told otherwise they
    do not reduce; calling the loss is `value` with `reduction="mean"`. A derivative is one array,
    or a tuple in the order of the arguments when several are differentiable; a Hessian is then a
    tuple of rows. Writing `...` for the batch, the value has shape (...), the gradient the shape of
    its argument (..., axes), the Hessian (..., axes, axes), and (...) if the loss is elementwise.

    Inputs may be NumPy or PyTorch arrays, any other array-API arrays, lists or numbers. They are
    never modified and never broadcast, integers become floats, the dtype is kept, NaN propagates.
    Raises ValueError when shapes differ or an argument leaves its domain.
    """

    name: ClassVar[str]
    family: ClassVar[str]  # the module it lives in
    parameters: ClassVar[Mapping[str, Parameter]]
    _signature: ClassVar[inspect.Signature]

    arguments: ClassVar[tuple[Argument, ...]] = (
        Argument("prediction"),
        Argument("target", differentiable=False),
    )
    formula: ClassVar[str] = ""  # LaTeX, in the symbols of the parameters
    noise: ClassVar[str] = ""  # the distribution whose negative log-likelihood this is
    elicits: ClassVar[str] = ""  # the best constant prediction for a sample of targets
    failures: ClassVar[tuple[str, ...]] = ()
    reference: ClassVar[str] = ""
    aliases: ClassVar[tuple[str, ...]] = ()

    # Claims, each verified by lossmath.check. None claims nothing.
    kinks: ClassVar[tuple[Kink, ...]] = ()
    convex: ClassVar[bool | None] = None  # in all differentiable arguments together
    lipschitz: ClassVar[float | str | None] = math.inf  # bound on the length of a value's gradient
    nonnegative: ClassVar[bool | None] = None
    symmetric: ClassVar[bool | None] = None  # in exchanging its two arguments
    semigradient: ClassVar[bool] = False  # the gradient holds part of the value constant

    def __init_subclass__(cls, abstract: bool = False) -> None:
        dataclass(frozen=True)(cls)
        cls.name = cls.__name__
        cls.family = cls.__module__.rpartition(".")[2]
        cls.parameters = {f.name: f.metadata["parameter"] for f in fields(cls)}  # type: ignore[arg-type]
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        names = [argument.name for argument in cls.arguments]
        cls._signature = inspect.Signature([inspect.Parameter(name, kind) for name in names])
        if not abstract:
            CATALOGUE[cls.name] = cls

    def __post_init__(self) -> None:
        for name, declared in self.parameters.items():
            value, domain = getattr(self, name), declared.domain
            numeric = isinstance(domain, Interval)
            if numeric and not (isinstance(value, numbers.Real) and math.isfinite(value)):
                raise ValueError(f"{self.name}: {name}={value!r} must be a number in {domain}")
            if domain.excludes(value) or value != value:
                raise ValueError(f"{self.name}: {name}={value!r} must lie in {domain}")
            if numeric:  # a NumPy scalar would widen float32 arrays, a Python float never does
                object.__setattr__(self, name, float(value))

    # The mathematics, written by each loss in its own variables.

    def variables(self, *arrays: Array) -> tuple[Array, ...]:
        """The loss's own variables, handed to f, df and d2f."""
        return arrays

    def kink_variable(self, *arrays: Array) -> Array:
        """The variable in which kinks are located: the first of the own variables."""
        return self.variables(*arrays)[0]

    def f(self, *args: Any, **kwargs: Any) -> Array:
        """Value, given the loss's own variables and the namespace xp."""
        raise NotImplementedError

    def df(self, *args: Any, **kwargs: Any) -> Any:
        """Slope; a tuple when several arguments are differentiable."""
        raise NotImplementedError

    def d2f(self, *args: Any, **kwargs: Any) -> Any:
        """Curvature; a tuple of rows when several arguments are differentiable."""
        raise NotImplementedError(
            f"{self.name} has no Hessian in closed form; numeric_hessian estimates it"
        )

    # The chain rule from the own variables to the arguments; families override it.

    def _value(self, arrays: list[Array], xp: Any) -> Array:
        return self.f(*self.variables(*arrays), xp)

    def _gradient(self, arrays: list[Array], xp: Any) -> Any:
        return self.df(*self.variables(*arrays), xp)

    def _hessian(self, arrays: list[Array], xp: Any) -> Any:
        return self.d2f(*self.variables(*arrays), xp)

    # What everyone calls.

    def __call__(self, *inputs: Any, reduction: str = "mean", **options: Any) -> Array:
        """The reduced loss."""
        return self.value(*inputs, reduction=reduction, **options)

    def value(self, *inputs: Any, **options: Any) -> Array:
        """The loss of each element, or what the options of `Reduction` make of it."""
        arrays, xp, reduction, _ = self._prepare(inputs, options)
        return reduction.reduce(self._value(arrays, xp), xp)

    def gradient(self, *inputs: Any, **options: Any) -> Any:
        """The derivative of `value(...)`, summed if it is not reduced, in each argument."""
        arrays, xp, reduction, batch = self._prepare(inputs, options)
        return self._scale(self._gradient(arrays, xp), reduction.coefficients(batch, xp), xp)

    def hessian(self, *inputs: Any, **options: Any) -> Any:
        """The second derivative of each value, or of what the options make of them."""
        arrays, xp, reduction, batch = self._prepare(inputs, options)
        return self._scale(self._hessian(arrays, xp), reduction.coefficients(batch, xp), xp)

    # From what is given to checked arrays, and from values to reduced values.

    def _prepare(self, inputs: tuple[Any, ...], options: dict[str, Any]) -> Inputs:
        """Bind, convert and check what a call was given; errors begin with the loss's name."""
        named = {a.name: options.pop(a.name) for a in self.arguments if a.name in options}
        try:
            given = self._signature.bind(*inputs, **named).args
            return self._checked(given, Reduction.of(options))
        except (TypeError, ValueError) as error:
            raise type(error)(f"{self.name}: {error}") from None

    def _checked(self, given: Sequence[Any], reduction: Reduction) -> Inputs:
        arrays, xp = to_arrays(given)
        dtype = common_floating_dtype(given, xp)
        arrays = [a.cast(x, dtype, xp) for a, x in zip(self.arguments, arrays, strict=True)]
        sizes = common_sizes(self.arguments, arrays)
        shape = self._values_shape(sizes)
        reduction = self._mask_ignored(reduction.bind(shape, arrays[0], xp), arrays)
        for i, (argument, x) in enumerate(zip(self.arguments, arrays, strict=True)):
            selected = None if reduction.mask is None else self._spread(reduction.mask, x.ndim)
            check_domain(argument, x, sizes, selected, xp)
            if selected is not None:
                # Hidden slots are computed on harmless numbers, so that not even a NaN leaks out.
                arrays[i] = xp.where(selected, x, xp.full_like(x, argument.domain.filler))
        return Inputs(arrays, xp, reduction, xp.zeros(shape, dtype=dtype, device=device(arrays[0])))

    def _values_shape(self, sizes: Mapping[str, Any]) -> tuple[int, ...]:
        return sizes["batch"]

    def _mask_ignored(self, reduction: Reduction, arrays: list[Array]) -> Reduction:
        """The reduction with ignore_index turned into a mask."""
        if reduction.ignore_index is None:
            return reduction
        labels = [x for a, x in zip(self.arguments, arrays, strict=True) if a.index_of]
        if not labels:
            raise ValueError("there are no class labels for ignore_index to find")
        mask = labels[0] != reduction.ignore_index
        return replace(reduction, mask=mask if reduction.mask is None else mask & reduction.mask)

    def _spread(self, per_value: Array, ndim: int) -> Array:
        """One number per value, with axes of size 1 for the axes that a value consumes."""
        return per_value[(...,) + (None,) * (ndim - per_value.ndim)]

    def _scale(self, derivative: Any, coefficients: Array | None, xp: Any) -> Any:
        if coefficients is None:
            return derivative
        if isinstance(derivative, tuple):
            return tuple(self._scale(part, coefficients, xp) for part in derivative)
        wide = xp.astype(derivative, coefficients.dtype)
        return xp.astype(self._spread(coefficients, wide.ndim) * wide, derivative.dtype)

    # What others build on: expressions in the parameters, kinks, example inputs.

    def evaluate(self, expression: float | str) -> float:
        """A number, or an expression in the parameters such as "max(tau, 1 - tau)"."""
        if not isinstance(expression, str):
            return expression
        return eval(expression, {"__builtins__": {}, "max": max, "sqrt": math.sqrt}, vars(self))

    def kink_points(self) -> list[tuple[float, int]]:
        """Where derivatives jump in the first of the loss's own variables, and their order."""
        return [(float(self.evaluate(k.at)), int(self.evaluate(k.order))) for k in self.kinks]

    @property
    def has_hessian(self) -> bool:
        """Whether the second derivative is known in closed form."""
        return type(self).d2f is not Loss.d2f

    @classmethod
    def examples(
        cls, seed: int = 0, batch: tuple[int, ...] = (5,), spread: float = 1
    ) -> tuple[np.ndarray, ...]:
        """Random allowed arguments: one array each, with this batch shape and small other axes."""
        rng = np.random.default_rng(seed)
        named = dict.fromkeys(axis for a in cls.arguments for axis in a.axes.split())
        sizes = {"batch": batch} | {axis: 3 + i for i, axis in enumerate(named)}
        return tuple(argument.sample(rng, sizes, spread) for argument in cls.arguments)


class Residual(Loss, abstract=True):
    """Losses of the residual: the first argument minus the last. Others pass through unchanged.

    The residual moves one for one with the prediction, so slope and curvature in the residual are
    gradient and Hessian.
    """

    def variables(self, *arrays: Array) -> tuple[Array, ...]:
        prediction, *others, target = arrays
        return prediction - target, *others


class Accumulating(Loss, abstract=True):
    """Losses whose single value adds up many numbers: computed in float32 at least, as means are.

    Half precision would lose digits and overflow at 65504. Results keep the dtype of the arguments.
    """

    def _value(self, arrays: list[Array], xp: Any) -> Array:
        return _as_dtype(super()._value(_widened(arrays, xp), xp), arrays[0].dtype, xp)

    def _gradient(self, arrays: list[Array], xp: Any) -> Any:
        return _as_dtype(super()._gradient(_widened(arrays, xp), xp), arrays[0].dtype, xp)

    def _hessian(self, arrays: list[Array], xp: Any) -> Any:
        return _as_dtype(super()._hessian(_widened(arrays, xp), xp), arrays[0].dtype, xp)


def _widened(arrays: list[Array], xp: Any) -> list[Array]:
    return [
        xp.astype(x, at_least_float32(x.dtype, xp), copy=False)
        if xp.isdtype(x.dtype, "real floating")
        else x
        for x in arrays
    ]


def _as_dtype(derivative: Any, dtype: Any, xp: Any) -> Any:
    if isinstance(derivative, tuple):
        return tuple(_as_dtype(part, dtype, xp) for part in derivative)
    return xp.astype(derivative, dtype, copy=False)
