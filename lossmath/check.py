"""Checks that a loss is what it says it is.

Every function in CHECKS takes a loss and raises `Refuted`, with a sentence, when the loss breaks
its promise; a check whose promise the loss does not make passes. They need no expected values:
a derivative is compared with differences and with PyTorch's autograd, a claim is attacked with
random inputs. `check(loss)` runs them all.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import array_api_compat.numpy as numpy_namespace
import numpy as np
from array_api_compat import array_namespace

from lossmath.arguments import common_sizes
from lossmath.arrays import Array
from lossmath.domains import Domain
from lossmath.loss import Loss
from lossmath.numeric import as_tuple, numeric_hessian
from lossmath.reduction import DENOMINATORS, REDUCTIONS

ITEMS = 64
FEWER_ITEMS = 8  # of values that consume more than a hundred numbers, such as images
SEEDS = range(3)
# Weights of f(x + k h) - f(x - k h) in an eighth-order estimate of h f'(x).
STENCIL = ((1, 4 / 5), (2, -1 / 5), (3, 4 / 105), (4, -1 / 280))
STEP = 5e-4


class Refuted(AssertionError):
    """A loss broke one of its promises."""


def check(loss: Loss) -> None:
    """Run every check. Raises Refuted at the first broken promise."""
    for one in CHECKS:
        one(loss)


def variants(cls: type[Loss]) -> Iterator[Loss]:
    """The loss as it comes, and with each parameter at the ends of its slider or its choices."""
    yield cls()
    for name, declared in cls.parameters.items():
        others = declared.slider or declared.choices
        yield from (cls(**{name: value}) for value in others if value != declared.default)


# Derivatives.


def gradient_matches_differences(loss: Loss) -> None:
    """The gradient along a random line is the slope of the value, away from kinks."""
    if loss.semigradient:
        return
    for seed in SEEDS:
        line = _smooth_line(loss, seed)
        slope = sum(w * (line.value(k * STEP) - line.value(-k * STEP)) for k, w in STENCIL) / STEP
        _agree(line.slope(0), slope, 1e-9, f"{loss}: gradient and differences of the value")


def gradient_matches_autograd(loss: Loss) -> None:
    """The gradient is PyTorch's derivative of the summed value, away from kinks."""
    for seed in SEEDS:
        inputs = _smooth_line(loss, seed).start
        for ours, theirs in zip(
            as_tuple(loss.gradient(*inputs)), _autograd(loss, inputs), strict=True
        ):
            _agree(ours, theirs, 1e-11, f"{loss}: gradient and autograd")


def hessian_matches_differences(loss: Loss) -> None:
    """The Hessian along a random line is the slope of every gradient, away from kinks."""
    if not loss.has_hessian or loss.semigradient:
        return
    for seed in SEEDS:
        line = _smooth_line(loss, seed)
        around = [(w, line.gradient(k * STEP), line.gradient(-k * STEP)) for k, w in STENCIL]
        for i, product in enumerate(line.hessian_product(0)):
            slope = sum(w * (up[i] - down[i]) for w, up, down in around) / STEP
            _agree(product, slope, 1e-9, f"{loss}: Hessian and differences of the gradient")


def hessian_matches_numeric_estimate(loss: Loss) -> None:
    """The Hessian has the shape of `numeric_hessian`, and its first digits, on two batch axes."""
    if not loss.has_hessian or loss.semigradient:
        return
    inputs = loss.examples(batch=(3, 2))
    ours, estimate = loss.hessian(*inputs), numeric_hessian(loss, *inputs)
    for row, estimated in zip(as_tuple(ours), as_tuple(estimate), strict=True):
        for block, other in zip(as_tuple(row), as_tuple(estimated), strict=True):
            _agree(block, other, 1e-5, f"{loss}: Hessian and numeric_hessian")


def reductions_match_autograd(loss: Loss) -> None:
    """Reduced gradients are those of the reduced value, whatever stands behind the mask."""
    inputs: Sequence[Array] = loss.examples(batch=(4, 3))
    shape = loss.value(*inputs).shape
    _compare_reductions(loss, inputs, "sum", "mean")
    if shape:
        _compare_reductions(loss, inputs, "none", "sequence_mean")
        mask = np.arange(math.prod(shape)).reshape(shape) % 3 > 0
        weights = np.random.default_rng(0).uniform(0.5, 2, shape)
        inputs = [_hide(loss, x, mask) for x in inputs]
        for denominator in DENOMINATORS:
            options = {"mask": mask, "weights": weights, "denominator": denominator}
            _compare_reductions(loss, inputs, *REDUCTIONS, **options)


def _compare_reductions(
    loss: Loss, inputs: Sequence[Array], *reductions: str, **options: Any
) -> None:
    for reduction in reductions:
        how = options | {"reduction": reduction}
        ours = as_tuple(loss.gradient(*inputs, **how))
        for mine, theirs in zip(ours, _autograd(loss, inputs, **how), strict=True):
            _agree(mine, theirs, 1e-11, f"{loss}: gradient and autograd, reduction={reduction}")


# Claims.


def kinks_are_real(loss: Loss) -> None:
    """At a declared kink of order n the n-th derivative jumps and all lower ones do not."""
    for at, order in loss.kink_points():
        line, t = _crossing(loss, at)
        sides = [
            (line.value(t + 1e-7), line.value(t - 1e-7)),
            (line.slope(t + 1e-7), line.slope(t - 1e-7)),
            (line.curvature(t, 1e-4), line.curvature(t, -1e-4)),
        ]
        # A penalty may be weighted down, and a hinge is 0 on one side.
        size = min(1.0, float(np.max(np.abs([line.value(0.0), *itertools.chain(*sides)]))))
        jumps = [np.max(np.abs(right - left)) / size for right, left in sides]
        for lower in range(order):
            _require(jumps[lower] < 1e-3, f"{loss}: derivative {lower} jumps at {at:g}")
        _require(jumps[order] > 1e-2, f"{loss}: derivative {order} does not jump at {at:g}")


def kinks_are_complete(loss: Loss) -> None:
    """Where value, slope or closed-form curvature jumps along a random line, a kink is declared."""
    for seed in SEEDS:
        line = _Line(loss, seed)
        followed = [line.value, line.slope] + [line.closed_curvature] * loss.has_hessian
        for order, derivative in enumerate(followed):
            t, gap = _largest_jump(derivative, line.shape)
            variable = line.items(loss.kink_variable(*line.at(t)))
            declared = [at for at, kink_order in loss.kink_points() if kink_order <= order]
            near = [np.min(np.abs(variable - at), axis=-1) < 1e-6 for at in declared]
            undeclared = gap & ~np.any([np.zeros_like(gap), *near], axis=0)
            _require(not np.any(undeclared), f"{loss}: derivative {order} jumps undeclared")


def convexity_holds(loss: Loss) -> None:
    """No chord lies below a convex loss; some chord lies below one that is declared not convex."""
    worst = -math.inf
    for line in _lines_near_and_far(loss):
        chord = (line.value(0.1) + line.value(0.9)) / 2
        excess = (line.value(0.5) - chord) / (1 + np.abs(chord))
        _require(np.all(np.isfinite(excess)), f"{loss}: a value is not finite")
        worst = max(worst, float(np.max(excess)))
    if loss.convex is True:
        _require(worst <= 1e-12, f"{loss}: claims to be convex but a chord lies below it")
    if loss.convex is False:
        _require(worst > 1e-9, f"{loss}: claims not to be convex but no chord lies below it")


def lipschitz_bound_holds(loss: Loss) -> None:
    """Slopes stay below the declared bound and come near it, or have none."""
    if loss.lipschitz is None:
        return
    if any(order == 0 for _, order in loss.kink_points()):
        _require(loss.lipschitz == math.inf, f"{loss}: jumps, so no bound holds across them")
        return
    steepest = max(float(np.max(line.steepness())) for line in _lines_near_and_far(loss))
    bound = loss.evaluate(loss.lipschitz)
    _require(steepest <= bound * (1 + 1e-12), f"{loss}: slope {steepest} exceeds {bound}")
    # A value of n numbers may share its slope among them, as a mean does.
    line = _Line(loss, 0)
    share = math.sqrt(sum(g.size for g in line.gradient(0.0)) / max(math.prod(line.shape), 1))
    reached = min(bound / 1.5 / share, 20)
    _require(steepest >= reached, f"{loss}: slopes end at {steepest}, far below {bound}")


def sign_is_as_declared(loss: Loss) -> None:
    """A nonnegative loss has no negative value; one declared otherwise has."""
    lowest = min(float(np.min(line.value(0.0))) for line in _lines_near_and_far(loss))
    if loss.nonnegative is True:
        _require(lowest >= 0, f"{loss}: claims to be nonnegative but reaches {lowest}")
    if loss.nonnegative is False:
        _require(lowest < 0, f"{loss}: claims negative values but none was found")


def symmetry_holds(loss: Loss) -> None:
    """Exchanging the two arguments changes nothing, or something if that is what is declared."""
    if loss.symmetric is None:
        return
    a, b = loss.examples(0, (ITEMS,))
    same = np.allclose(loss.value(a, b), loss.value(b, a), rtol=1e-12, atol=0)
    _require(same == loss.symmetric, f"{loss}: symmetric is declared {loss.symmetric}")


# Manners.


def dtype_is_kept(loss: Loss) -> None:
    """Every result has the dtype of the arguments, in every namespace and precision."""
    for xp, name, convert in _conversions():
        arrays = [convert(x) for x in loss.examples()]
        wanted = next(x.dtype for x in arrays if xp.isdtype(x.dtype, "real floating"))
        results = [loss.value(*arrays), loss(*arrays), *as_tuple(loss.gradient(*arrays))]
        results += as_tuple(loss.gradient(*arrays, reduction="mean"))
        if loss.has_hessian:
            results += [h for row in as_tuple(loss.hessian(*arrays)) for h in as_tuple(row)]
        for result in results:
            _require(result.dtype == wanted, f"{loss}: {name} became {result.dtype}")


def namespaces_agree(loss: Loss) -> None:
    """NumPy, PyTorch, array-api-strict and plain lists give the same numbers."""
    inputs = loss.examples()
    for _, name, convert in _conversions("float64"):
        arrays = [convert(x) for x in inputs]
        _agree(loss.value(*arrays), loss.value(*inputs), 1e-13, f"{loss}: value in {name}")
        ours, theirs = loss.gradient(*arrays), loss.gradient(*inputs)
        for mine, other in zip(as_tuple(ours), as_tuple(theirs), strict=True):
            _agree(mine, other, 1e-13, f"{loss}: gradient in {name}")
    _agree(loss.value(*(x.tolist() for x in inputs)), loss.value(*inputs), 0, f"{loss}: lists")


def inputs_are_left_alone(loss: Loss) -> None:
    """No argument is written to, and every result is an array of its own, free to be changed."""
    inputs = loss.examples()
    for x in inputs:
        x.flags.writeable = False
    results = [np.asarray(loss.value(*inputs)), *as_tuple(loss.gradient(*inputs))]
    if loss.has_hessian:
        results += [h for row in as_tuple(loss.hessian(*inputs)) for h in as_tuple(row)]
    for result in results:
        own = not any(np.shares_memory(result, x) for x in inputs)
        _require(own and result.flags.writeable, f"{loss}: a result is not an array of its own")


def nan_propagates(loss: Loss) -> None:
    """A NaN in any argument makes its own value NaN, and its own gradient, and no other."""
    for position, argument in enumerate(loss.arguments):
        if argument.index_of:
            continue
        inputs = _with_number(loss.examples(), position, math.nan)
        nan = np.isnan(loss.value(*inputs))
        _require(nan.flat[0] and nan.sum() == 1, f"{loss}: NaN in {argument.name} stays hidden")
        gradients = [np.isnan(g) for g in as_tuple(loss.gradient(*inputs))]
        own = any(np.any(g[:1]) for g in gradients)
        others = nan.ndim > 0 and any(np.any(g[1:]) for g in gradients)
        _require(not others, f"{loss}: NaN in {argument.name} spreads to other gradients")
        _require(
            own or not _gradient_depends_on(loss, position),
            f"{loss}: NaN in {argument.name} is missing from the gradient",
        )


def shapes_must_match(loss: Loss) -> None:
    """Arguments that would have to be broadcast raise ValueError with both shapes."""
    for position in range(1, len(loss.arguments)):
        inputs = list(loss.examples())
        first = inputs[0].shape
        inputs[position] = inputs[position][None]
        shapes = str(first), str(inputs[position].shape)
        _raises((loss.name, *shapes), loss.value, *inputs)


def domains_are_enforced(loss: Loss) -> None:
    """A number outside the domain of its argument raises ValueError with name and domain."""
    sizes = common_sizes(loss.arguments, loss.examples())
    for position, argument in enumerate(loss.arguments):
        outside = _numbers_outside(argument.domain)
        if argument.index_of:
            outside = [-1, sizes[argument.index_of]]
        for number in outside:
            inputs = _with_number(loss.examples(), position, number)
            _raises((loss.name, argument.name), loss.value, *inputs)


def parameters_are_validated(loss: Loss) -> None:
    """A parameter outside its domain raises ValueError with loss, parameter, value and domain."""
    for name, declared in loss.parameters.items():
        for number in [*_numbers_outside(declared.domain), math.nan, math.inf]:
            mentions = f"{loss.name}: {name}={number!r}", str(declared.domain)
            _raises(mentions, type(loss), **{name: number})


def record_is_complete(loss: Loss) -> None:
    """Everything a reader or a slider needs is there."""
    for field in ("__doc__", "formula", "failures", "reference"):
        _require(bool(getattr(loss, field)), f"{loss}: {field} is empty")
    for name, declared in loss.parameters.items():
        _require(bool(declared.meaning), f"{loss}: {name} has no meaning")
        if declared.slider:
            low, high = declared.slider
            inside = not (declared.domain.excludes(low) or declared.domain.excludes(high))
            _require(inside and low <= declared.default <= high, f"{loss}: slider of {name}")
            _require(declared.symbol in loss.formula, f"{loss}: formula lacks {declared.symbol}")


CHECKS: tuple[Callable[[Loss], None], ...] = (
    gradient_matches_differences,
    gradient_matches_autograd,
    hessian_matches_differences,
    hessian_matches_numeric_estimate,
    reductions_match_autograd,
    kinks_are_real,
    kinks_are_complete,
    convexity_holds,
    lipschitz_bound_holds,
    sign_is_as_declared,
    symmetry_holds,
    dtype_is_kept,
    namespaces_agree,
    inputs_are_left_alone,
    nan_propagates,
    shapes_must_match,
    domains_are_enforced,
    parameters_are_validated,
    record_is_complete,
)


# Lines through the space of arguments.


class _Line:
    """Random allowed arguments `start`, and a straight way t to others; one t for every value.

    The way is `direction` per unit of t; only differentiable arguments move.
    """

    def __init__(self, loss: Loss, seed: int, spread: float = 1) -> None:
        self.loss = loss
        numbers = sum(x.size for x in loss.examples(seed, (1,)))
        items = (ITEMS if numbers <= 100 else FEWER_ITEMS,)
        self.start: list[Array] = list(loss.examples(seed, items, spread))
        ends = loss.examples(seed + 10_000, items, spread)
        self.direction = [
            end - x if argument.differentiable else None
            for argument, x, end in zip(loss.arguments, self.start, ends, strict=True)
        ]
        self.shape = self.value(0.0).shape

    def at(self, t: Any) -> list[Array]:
        """The arguments at t."""
        return [
            x if d is None else x + np.reshape(t, np.shape(t) + (1,) * (x.ndim - np.ndim(t))) * d
            for x, d in zip(self.start, self.direction, strict=True)
        ]

    def keep(self, chosen: Array) -> None:
        """Drop the items that are not chosen."""
        if self.shape:
            self.start = [x[chosen] for x in self.start]
            self.direction = [None if d is None else d[chosen] for d in self.direction]
            self.shape = (int(np.sum(chosen)),)

    def items(self, x: Array) -> Array:
        """An array with the axes of the values in front and one axis for the rest."""
        return np.reshape(x, (*self.shape, -1))

    def value(self, t: Any) -> Array:
        return np.asarray(self.loss._value(self.at(t), numpy_namespace))

    def gradient(self, t: Any) -> tuple[Array, ...]:
        return as_tuple(self.loss._gradient(self.at(t), numpy_namespace))

    def slope(self, t: Any) -> Array:
        """The derivative of the value in t."""
        return self._along(self.gradient(t))

    def steepness(self) -> Array:
        """The length of each value's gradient, over all arguments together."""
        squares = [np.sum(self.items(g) ** 2, axis=-1) for g in self.gradient(0.0)]
        return np.sqrt(sum(squares))

    def curvature(self, t: Any, step: float) -> Array:
        """The second derivative in t by a one-sided difference, on the side of the step."""
        return (self.slope(t + 2 * step) - self.slope(t + step)) / step

    def closed_curvature(self, t: Any) -> Array:
        """The second derivative in t from the closed-form Hessian."""
        return self._along(self.hessian_product(t))

    def hessian_product(self, t: Any) -> list[Array]:
        """The Hessian times the direction: the derivative of every gradient in t."""
        hessian = self.loss._hessian(self.at(t), numpy_namespace)
        rows = hessian if isinstance(hessian, tuple) else ((hessian,),)
        gradients = self.gradient(t)
        return [
            sum(_contract(block, d, g) for block, d in zip(row, self._moving(), strict=True))
            for row, g in zip(rows, gradients, strict=True)
        ]

    def _along(self, parts: Sequence[Array]) -> Array:
        products = (p * d for p, d in zip(parts, self._moving(), strict=True))
        return sum(np.sum(self.items(p), axis=-1) for p in products)

    def _moving(self) -> list[Array]:
        return [d for d in self.direction if d is not None]


def _contract(block: Array, direction: Array, gradient: Array) -> Array:
    """A Hessian block (batch, axes of the gradient, axes of the direction) times the direction."""
    batch = gradient.ndim + direction.ndim - block.ndim
    items = gradient.shape[:batch]
    matrix = block.reshape(*items, math.prod(gradient.shape[batch:]), -1)
    return (matrix @ direction.reshape(*items, -1, 1)).reshape(gradient.shape)


def _smooth_line(loss: Loss, seed: int) -> _Line:
    """A line that stays inside the domains and off the kinks for all |t| <= 4 STEP."""
    for attempt in range(seed, seed + 1000, 10):
        line = _Line(loss, attempt)
        rng = np.random.default_rng(attempt)
        line.direction = [
            None if d is None else rng.uniform(-1, 1, x.shape) * argument.domain.room(x)
            for argument, x, d in zip(loss.arguments, line.start, line.direction, strict=True)
        ]
        smooth = np.ones(line.shape, dtype=bool)
        for at, _ in loss.kink_points():
            sides = [
                np.sign(line.items(loss.kink_variable(*line.at(t))) - at)
                for t in (-5 * STEP, 0.0, 5 * STEP)
            ]
            smooth &= np.all((sides[0] == sides[1]) & (sides[1] == sides[2]), axis=-1)
        if np.any(smooth):
            line.keep(smooth)
            return line
    raise Refuted(f"{loss}: found no place away from its kinks")


def _crossing(loss: Loss, at: float) -> tuple[_Line, Array]:
    """A line whose items all take the kink variable through `at`, and where each does."""
    for seed in range(200):
        line = _Line(loss, seed, spread=1 + seed % 4)
        offsets = [line.items(loss.kink_variable(*line.at(t))) - at for t in (0.0, 1.0)]
        crosses = offsets[0] * offsets[1] < 0
        if not np.any(crosses):
            continue
        column = np.argmax(crosses, axis=-1)[..., None]
        low, high = np.zeros(line.shape), np.ones(line.shape)
        start = np.take_along_axis(offsets[0], column, -1)[..., 0]
        for _ in range(60):
            middle = (low + high) / 2
            offset = line.items(loss.kink_variable(*line.at(middle))) - at
            same = np.take_along_axis(offset, column, -1)[..., 0] * start > 0
            low, high = np.where(same, middle, low), np.where(same, high, middle)
        chosen = np.any(crosses, axis=-1)
        line.keep(chosen)
        return line, low[chosen] if low.ndim else low
    raise Refuted(f"{loss}: no line crosses the kink at {at:g}")


def _largest_jump(
    derivative: Callable[[Any], Array], shape: tuple[int, ...]
) -> tuple[Array, Array]:
    """Where on the way from 0 to 1 each item changes most abruptly, and whether it jumps there."""
    grid = np.linspace(0, 1, 257)
    values = np.stack([derivative(np.full(shape, t)) for t in grid])
    k = np.argmax(np.abs(np.diff(values, axis=0)), axis=0)
    low, high = grid[k], grid[k + 1]
    for _ in range(45):
        middle = (low + high) / 2
        at_low, at_middle, at_high = (derivative(t) for t in (low, middle, high))
        left = np.abs(at_middle - at_low) > np.abs(at_high - at_middle)
        low, high = np.where(left, low, middle), np.where(left, middle, high)
    gap = np.abs(derivative(high) - derivative(low))
    return low, gap > 1e-4 * (1 + np.max(np.abs(values), axis=0))


def _lines_near_and_far(loss: Loss) -> Iterator[_Line]:
    for spread in (0.1, 1, 10):
        for seed in range(10):
            yield _Line(loss, seed, spread)


# Smaller helpers.


def _require(condition: Any, otherwise: str) -> None:
    if not condition:
        raise Refuted(otherwise)


def _agree(ours: Any, theirs: Any, tolerance: float, what: str) -> None:
    """Equal shapes, and equal numbers up to the tolerance times 1 + |theirs|. NaN never agrees."""
    ours, theirs = (np.asarray(x.tolist() if hasattr(x, "tolist") else x) for x in (ours, theirs))
    _require(ours.shape == theirs.shape, f"{what} have shapes {ours.shape} and {theirs.shape}")
    if ours.size:
        error = np.abs(ours - theirs) / (1 + np.abs(theirs))
        _require(np.all(error <= tolerance), f"{what} differ by {np.max(error)}")


def _raises(mentions: Sequence[str], call: Callable, *args: Any, **kwargs: Any) -> None:
    """The call raises a ValueError whose message has all that it should mention."""
    try:
        call(*args, **kwargs)
    except ValueError as error:
        for part in mentions:
            _require(part in str(error), f"the message {str(error)!r} does not mention {part}")
    else:
        raise Refuted(f"no ValueError mentioning {', '.join(mentions)}")


def _autograd(loss: Loss, inputs: Sequence[Array], **options: Any) -> list[Array]:
    """PyTorch's derivative of the (summed) value in every differentiable argument."""
    import torch

    options = {
        name: torch.tensor(x) if isinstance(x, np.ndarray) else x for name, x in options.items()
    }
    tensors = [torch.tensor(x) for x in inputs]
    moving = [t for a, t in zip(loss.arguments, tensors, strict=True) if a.differentiable]
    for tensor in moving:
        tensor.requires_grad_()
    total = torch.sum(loss.value(*tensors, **options))
    if not total.requires_grad:
        return [np.zeros(t.shape) for t in moving]
    gradients = torch.autograd.grad(total, moving, allow_unused=True, materialize_grads=True)
    return [g.numpy() for g in gradients]


def _hide(loss: Loss, x: Array, mask: Array) -> Array:
    """NaN wherever the mask selects nothing; integer labels stay as they are."""
    return x if x.dtype.kind == "i" else np.where(loss._spread(mask, x.ndim), x, math.nan)


def _with_number(inputs: Sequence[Array], position: int, number: float) -> list[Array]:
    """The inputs with the very first number of one of them replaced."""
    changed = [x.copy() for x in inputs]
    changed[position].flat[0] = number
    return changed


def _gradient_depends_on(loss: Loss, position: int) -> bool:
    """Whether any of a few other numbers in the place of the first changes a gradient."""
    inputs = list(loss.examples())
    before = as_tuple(loss._gradient(inputs, numpy_namespace))
    for seed in range(1, 6):
        number = loss.examples(seed)[position].flat[0]
        after = as_tuple(loss._gradient(_with_number(inputs, position, number), numpy_namespace))
        if any(np.any(a != b) for a, b in zip(before, after, strict=True)):
            return True
    return False


def _numbers_outside(domain: Domain) -> list[float]:
    candidates = (-1e300, -1.0, 0.0, 0.3, 1.0, 2.0, 1e300)
    return [x for x in candidates if np.all(domain.excludes(np.full(1, x)))]


def _conversions(*only: str) -> Iterator[tuple[Any, str, Callable[[Array], Array]]]:
    """Every namespace and floating dtype: the namespace, a name, and NumPy to its arrays."""
    import array_api_strict
    import torch

    for library, dtypes in (
        (np, ("float16", "float32", "float64")),
        (torch, ("float16", "bfloat16", "float32", "float64")),
        (array_api_strict, ("float32", "float64")),
    ):
        xp = array_namespace(library.zeros(1))
        for dtype in only or dtypes:
            yield xp, f"{library.__name__} {dtype}", _converter(xp, getattr(xp, dtype))


def _converter(xp: Any, dtype: Any) -> Callable[[Array], Array]:
    return lambda x: xp.asarray(x, dtype=None if x.dtype.kind == "i" else dtype)
