"""The record that every loss is: its parameters, its formulas and what it claims about itself.

A loss is one frozen dataclass. Its fields are its parameters, its class attributes tell what a
reader wants to know, and three short methods give the mathematics in the loss's own variables:
`f` the value, `df` the slope, `d2f` the curvature. Everything else is derived here.
"""

import difflib
import math
import numbers
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from inspect import Parameter as SignatureParameter
from inspect import Signature
from typing import Any, ClassVar, NamedTuple, dataclass_transform

import numpy as np

from lossmath.arrays import Array, common_floating_dtype, device, to_arrays
from lossmath.reduction import Reduction

CATALOGUE: dict[str, type["Loss"]] = {}


@dataclass(frozen=True)
class Interval:
    """The real numbers between two bounds, written as in `Interval(above=0, at_most=1)`."""

    above: float = -math.inf
    at_least: float = -math.inf
    below: float = math.inf
    at_most: float = math.inf
    excluding: float | None = None

    def excludes(self, x: Any) -> Any:
        """Whether a number (or each number of an array) lies outside. NaN does not."""
        outside = (x < self.at_least) | (x > self.at_most)
        if self.above > -math.inf:
            outside = outside | (x <= self.above)
        if self.below < math.inf:
            outside = outside | (x >= self.below)
        return outside if self.excluding is None else outside | (x == self.excluding)

    @property
    def low(self) -> float:
        return max(self.above, self.at_least)

    @property
    def high(self) -> float:
        return min(self.below, self.at_most)

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Numbers of the interval, for tests and examples."""
        if math.isfinite(self.low) and math.isfinite(self.high):
            return rng.uniform(self.low, self.high, shape)
        if math.isfinite(self.low):
            return self.low + np.exp(rng.standard_normal(shape))
        if math.isfinite(self.high):
            return self.high - np.exp(rng.standard_normal(shape))
        return 2 * rng.standard_normal(shape)

    def __str__(self) -> str:
        left = "[" if self.at_least > self.above else "("
        right = "]" if self.at_most < self.below else ")"
        hole = "" if self.excluding is None else f" without {self.excluding:g}"
        return f"{left}{self.low:g}, {self.high:g}{right}{hole}"


@dataclass(frozen=True)
class OneOf:
    """A finite set of allowed values, such as the labels -1 and 1."""

    members: tuple[Any, ...]

    def excludes(self, x: Any) -> Any:
        """Whether a value (or each value of an array) is no member. NaN is let through."""
        outside = x == x
        for member in self.members:
            outside = outside & (x != member)
        return outside

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Members of the set, for tests and examples."""
        return rng.choice(np.asarray(self.members, dtype=float), shape)

    def __str__(self) -> str:
        return "{" + ", ".join(map(str, self.members)) + "}"


Domain = Interval | OneOf
REALS = Interval()


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
class Argument:
    """One array a loss is given.

    axes: names of the trailing axes that a single value consumes: "" for an elementwise loss,
        "c" for class scores, "h w" for images, a number for a fixed size, "..." for all axes.
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
        return {"batch": shape[:batch], **sizes}

    def event_ndim(self, ndim: int) -> int:
        """How many trailing axes a single value consumes."""
        return ndim if self.axes == "..." else len(self.axes.split())

    def sample(self, rng: np.random.Generator, sizes: Mapping[str, Any]) -> np.ndarray:
        """An array of allowed numbers with these sizes of the batch and the named axes."""
        if self.axes == "...":
            return self.domain.sample(rng, sizes["batch"])
        event = [int(a) if a.isdigit() else sizes[a] for a in self.axes.split()]
        shape = (*sizes["batch"], *event)
        if self.index_of:
            return rng.integers(sizes[self.index_of], size=shape)
        return self.domain.sample(rng, shape)

    @property
    def filler(self) -> float:
        """An allowed number that stands in for whatever a mask hides."""
        return next(x for x in (0, 1, 0.5) if not self.domain.excludes(x))


@dataclass(frozen=True)
class Kink:
    """Where a derivative of this order jumps, in the loss's own variable.

    `at` and `order` are numbers or expressions in the parameters, such as "-delta".
    """

    at: float | str
    order: int | str


class Inputs(NamedTuple):
    """The checked arguments of one call."""

    arrays: list[Array]
    xp: Any
    reduction: Reduction
    batch: Array  # zeros with the shape and dtype of the values


@dataclass_transform(frozen_default=True, kw_only_default=False, field_specifiers=(parameter,))
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
    _signature: ClassVar[Signature]

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
    lipschitz: ClassVar[float | str] = math.inf  # bound on the length of a value's gradient
    nonnegative: ClassVar[bool | None] = None
    symmetric: ClassVar[bool | None] = None  # in exchanging its two arguments

    def __init_subclass__(cls, abstract: bool = False) -> None:
        dataclass(frozen=True)(cls)
        cls.name = cls.__name__
        cls.family = cls.__module__.rpartition(".")[2]
        cls.parameters = {f.name: f.metadata["parameter"] for f in fields(cls)}  # type: ignore[arg-type]
        cls._signature = Signature(
            [
                SignatureParameter(a.name, SignatureParameter.POSITIONAL_OR_KEYWORD)
                for a in cls.arguments
            ]
        )
        if not abstract:
            CATALOGUE[cls.name] = cls

    def __post_init__(self) -> None:
        for name, declared in self.parameters.items():
            value, domain = getattr(self, name), declared.domain
            numeric = isinstance(domain, Interval)
            if numeric and not (isinstance(value, numbers.Real) and math.isfinite(value)):
                raise ValueError(f"{self.name}: {name}={value!r} must be a number in {domain}")
            if domain.excludes(value):
                raise ValueError(f"{self.name}: {name}={value!r} must lie in {domain}")
            if numeric:  # a NumPy scalar would widen float32 arrays, a Python float never does
                object.__setattr__(self, name, float(value))

    # The mathematics, written by each loss in its own variables.

    def variables(self, *arrays: Array) -> tuple[Array, ...]:
        """The loss's own variables, handed to f, df and d2f. Kinks are located in the first."""
        return arrays

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
        named = {a.name: options.pop(a.name) for a in self.arguments if a.name in options}
        given = self._signature.bind(*inputs, **named).args
        arrays, xp = to_arrays(given)
        dtype = common_floating_dtype(given, xp)
        arrays = [
            self._cast(argument, array, dtype, xp)
            for argument, array in zip(self.arguments, arrays, strict=True)
        ]
        shape = self._values_shape(arrays)
        reduction = Reduction(**options).bind(shape, arrays[0], xp)
        reduction = self._mask_ignored(reduction, arrays)
        if reduction.mask is not None:
            mask = reduction.mask
            arrays = [
                xp.where(self._spread(mask, x.ndim), x, xp.full_like(x, argument.filler))
                for argument, x in zip(self.arguments, arrays, strict=True)
            ]
        self._check_domains(arrays, xp)
        return Inputs(arrays, xp, reduction, xp.zeros(shape, dtype=dtype, device=device(arrays[0])))

    def _cast(self, argument: Argument, array: Array, dtype: Any, xp: Any) -> Array:
        kind = "integral" if argument.index_of else ("bool", "integral", "real floating")
        if not xp.isdtype(array.dtype, kind):
            wanted = "integer labels" if argument.index_of else "real numbers"
            raise TypeError(
                f"{self.name}: {argument.name} has dtype {array.dtype} but must hold {wanted}"
            )
        return array if argument.index_of or array.dtype == dtype else xp.astype(array, dtype)

    def _values_shape(self, arrays: list[Array]) -> tuple[int, ...]:
        """The shape of the values. Raises ValueError when the arguments do not fit together."""
        seen: dict[str, tuple[Any, str]] = {}
        for argument, array in zip(self.arguments, arrays, strict=True):
            shape = tuple(array.shape)
            described = f"{argument.name} has shape {shape}"
            for axis, size in argument.sizes(shape).items():
                first_size, first = seen.setdefault(axis, (size, described))
                if size != first_size:
                    raise ValueError(f"{self.name}: {first} but {described}")
        return seen["batch"][0]

    def _mask_ignored(self, reduction: Reduction, arrays: list[Array]) -> Reduction:
        """The reduction with ignore_index turned into a mask."""
        if reduction.ignore_index is None:
            return reduction
        labels = [x for a, x in zip(self.arguments, arrays, strict=True) if a.index_of]
        if not labels:
            raise ValueError(f"{self.name} has no class labels for ignore_index to find")
        mask = labels[0] != reduction.ignore_index
        return replace(reduction, mask=mask if reduction.mask is None else mask & reduction.mask)

    def _check_domains(self, arrays: list[Array], xp: Any) -> None:
        sizes: dict[str, Any] = {}
        for argument, array in zip(self.arguments, arrays, strict=True):
            sizes |= argument.sizes(tuple(array.shape))
            domain = argument.domain
            if argument.index_of:
                domain = Interval(at_least=0, at_most=sizes[argument.index_of] - 1)
            if domain == REALS:
                continue
            outside = domain.excludes(array)
            if bool(xp.any(outside)):
                culprit = array[outside][0] if array.ndim else array
                raise ValueError(
                    f"{self.name}: {argument.name}={float(culprit):g} must lie in {domain}"
                )

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

    @classmethod
    def examples(cls, seed: int = 0, batch: tuple[int, ...] = (5,)) -> tuple[np.ndarray, ...]:
        """Random allowed arguments: one array each, with this batch shape and small other axes."""
        rng = np.random.default_rng(seed)
        named = dict.fromkeys(axis for a in cls.arguments for axis in a.axes.split())
        sizes = {"batch": batch} | {axis: 3 + i for i, axis in enumerate(named)}
        return tuple(argument.sample(rng, sizes) for argument in cls.arguments)


class Residual(Loss, abstract=True):
    """Losses of the residual: the first argument minus the last. Others pass through unchanged.

    The residual moves one for one with the prediction, so slope and curvature in the residual are
    gradient and Hessian.
    """

    def variables(self, *arrays: Array) -> tuple[Array, ...]:
        prediction, *others, target = arrays
        return prediction - target, *others


def find(name: str) -> type[Loss]:
    """The loss of this name or alias, whatever its capitals: find("mse") is SquaredError."""
    names = {n.lower(): loss for loss in CATALOGUE.values() for n in (loss.name, *loss.aliases)}
    if name.lower() not in names:
        near = difflib.get_close_matches(name.lower(), names, n=3)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise KeyError(f"no loss is called {name!r}{hint}")
    return names[name.lower()]
