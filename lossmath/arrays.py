"""Stable building blocks on any array-API namespace: NumPy, PyTorch, array-api-strict and others.

Each function is finite wherever its mathematics is, keeps the dtype of its input, lets NaN through,
and can be differentiated by an autograd library at every point where a derivative exists.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device, is_array_api_obj

Array = Any  # the array API standard has no common base class to annotate with

REAL_KINDS = ("bool", "integral", "real floating")


def to_arrays(inputs: Sequence[Any]) -> tuple[list[Array], Any]:
    """The inputs as arrays of one namespace, and that namespace.

    Lists and Python numbers join the namespace and device of the arrays beside them, or become
    NumPy arrays when there is none. Raises TypeError when two namespaces are mixed.
    """
    given = [x for x in inputs if is_array_api_obj(x)] or [np.zeros(0)]
    try:
        xp, home = array_namespace(*given), device(given[0])
    except TypeError:
        kinds = sorted({type(x).__module__.partition(".")[0] for x in given})
        raise TypeError(f"arrays of {' and '.join(kinds)} cannot be mixed: convert them") from None
    return [x if is_array_api_obj(x) else xp.asarray(x, device=home) for x in inputs], xp


def common_floating_dtype(inputs: Sequence[Any], xp: Any) -> Any:
    """The dtype in which the inputs meet: that of their floating arrays, else the default float.

    Lists and Python numbers have no say, so they never widen a float32 array.
    """
    floating = [
        x.dtype for x in inputs if is_array_api_obj(x) and xp.isdtype(x.dtype, "real floating")
    ]
    return xp.result_type(*floating) if floating else xp.asarray(0.0).dtype


def at_least_float32(dtype: Any, xp: Any) -> Any:
    """The dtype to accumulate in: half precision widens to float32, the others stay."""
    return xp.result_type(dtype, xp.float32)


def stop_gradient(x: Array) -> Array:
    """The same numbers, seen as a constant by an autograd library."""
    return x.detach() if hasattr(x, "detach") else x


def softplus(x: Array) -> Array:
    """log(1 + exp(x)), accurate relative to itself in both tails."""
    xp = array_namespace(x)
    positive = x > 0
    # Both branches reach 0 with the same derivatives of every order, which |x| and max do not.
    tail = xp.log1p(xp.exp(xp.where(positive, -x, x)))
    return xp.where(positive, x, 0.0) + tail


def log_sigmoid(x: Array) -> Array:
    """log(1 / (1 + exp(-x)))."""
    return -softplus(-x)


def odds(x: Array) -> tuple[Array, Array]:
    """Two numbers in the proportion exp(x) to 1, the larger of which is 1."""
    xp = array_namespace(x)
    zero = xp.zeros_like(x)
    return xp.exp(xp.minimum(x, zero)), xp.exp(xp.minimum(-x, zero))


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x))."""
    on, off = odds(x)
    return on / (on + off)


def sigmoid_slope(x: Array) -> Array:
    """The derivative of the sigmoid, sigmoid(x) sigmoid(-x)."""
    on, off = odds(x)
    return on * off / (on + off) ** 2


def logaddexp(x: Array, y: Array) -> Array:
    """log(exp(x) + exp(y)), -inf when both are."""
    xp = array_namespace(x, y)
    ahead = x > y
    top, other = xp.where(ahead, x, y), xp.where(ahead, y, x)
    return top + xp.log1p(xp.exp(other - _finite(top, xp)))


def _finite(x: Array, xp: Any) -> Array:
    """x, and the largest finite numbers instead of infinities: a shift that makes no NaN."""
    largest = float(xp.finfo(x.dtype).max)
    return xp.clip(x, -largest, largest)


def _finite_max(x: Array, axis: int, xp: Any) -> Array:
    """The largest entry along an axis, made finite."""
    return _finite(stop_gradient(xp.max(x, axis=axis, keepdims=True)), xp)


def logsumexp(x: Array, axis: int = -1) -> Array:
    """log(sum(exp(x))) along an axis; -inf when every entry is -inf, +inf when any is +inf."""
    xp = array_namespace(x)
    wide = xp.astype(x, at_least_float32(x.dtype, xp), copy=False)
    top = _finite_max(wide, axis, xp)
    total = xp.sum(xp.exp(wide - top), axis=axis)
    empty = total == 0
    # Taking the log of 1 in the empty case keeps 0 * inf out of the autograd graph.
    log_total = xp.log(xp.where(empty, xp.ones_like(total), total))
    minus_infinity = xp.full_like(total, -math.inf)
    found = xp.where(empty, minus_infinity, log_total + xp.squeeze(top, axis=axis))
    return xp.astype(found, x.dtype, copy=False)


def log_softmax(x: Array, axis: int = -1) -> Array:
    """log(softmax(x)) along an axis, accurate relative to itself however close to 0 it is."""
    xp = array_namespace(x)
    wide = xp.astype(x, at_least_float32(x.dtype, xp))
    best = xp.argmax(wide, axis=axis, keepdims=True)
    place = xp.reshape(
        xp.arange(x.shape[axis], device=device(x)), (-1, *(1,) * ((x.ndim - 1 - axis) % x.ndim))
    )
    # The largest entry stands apart: adding its exp(0) = 1 to a small rest would cost all digits.
    zero = xp.where(xp.isnan(wide), wide, 0.0)
    shifted = xp.where(place == best, zero, wide - xp.take_along_axis(wide, best, axis=axis))
    rest = xp.sum(xp.where(place == best, zero, xp.exp(shifted)), axis=axis, keepdims=True)
    return xp.astype(shifted - xp.log1p(rest), x.dtype)


def softmax(x: Array, axis: int = -1) -> Array:
    """exp(x) / sum(exp(x)) along an axis."""
    xp = array_namespace(x)
    wide = xp.astype(x, at_least_float32(x.dtype, xp), copy=False)
    grown = xp.exp(wide - _finite_max(wide, axis, xp))
    return xp.astype(grown / xp.sum(grown, axis=axis, keepdims=True), x.dtype, copy=False)


def softmax_jacobian(x: Array) -> Array:
    """diag(p) - p p^T for p = softmax(x) along the last axis: (..., c) to (..., c, c)."""
    p, others = softmax(x), -array_namespace(x).expm1(log_softmax(x))  # 1 - p to all its digits
    return p[..., None] * _on_diagonal(others[..., None], -p[..., None, :])


def above_mean(x: Array, p: Array) -> Array:
    """x less its mean under the probabilities p along the last axis, also where p is nearly 1."""
    xp = array_namespace(x, p)
    # Counted from the likeliest entry, whose own excess is then no difference of equal numbers.
    gap = x - xp.take_along_axis(x, xp.argmax(p, axis=-1, keepdims=True), axis=-1)
    return gap - xp.sum(p * gap, axis=-1, keepdims=True)


def xlogy(x: Array, y: Array) -> Array:
    """x log(y), with 0 log(0) = 0."""
    xp = array_namespace(x, y)
    harmless = (x == 0) & ((y == 0) | xp.isinf(y))
    return x * xp.log(xp.where(harmless, xp.ones_like(y), y))


def times(weight: Any, x: Array) -> Array:
    """weight x, where a weight of 0 silences even an infinity."""
    xp = array_namespace(x)
    return weight * xp.where((weight == 0) & xp.isinf(x), 0.0, x)


def quotient(x: Array, y: Array) -> Array:
    """x / y of numbers at least 0, quietly 0 at 0 / 0 and +inf elsewhere at y = 0."""
    xp = array_namespace(x, y)
    return xp.where((y == 0) & (x > 0), math.inf, x / xp.where(y == 0, 1.0, y))


def step(x: Array) -> Array:
    """1 above 0, and 0 at and below it: the slope of max(0, x)."""
    xp = array_namespace(x)
    return xp.sign(xp.clip(x, min=0))


def log_ratio(p: Array, q: Array) -> Array:
    """log(p / q) of numbers at least 0, which is 0 when both are 0."""
    xp = array_namespace(p, q)
    close = (p < q + q) & (q < p + p)
    near = xp.log1p(xp.where(close, p - q, 0.0) / xp.where(close, q, 1.0))
    # A difference of logarithms, because the quotient overflows in half precision.
    far = xp.log(xp.where(p == 0, 1.0, p)) - xp.log(xp.where(q == 0, 1.0, q))
    ratio = xp.where(close, near, far)
    ratio = xp.where((p == 0) & (q > 0), -math.inf, ratio)
    return xp.where((q == 0) & (p > 0), math.inf, ratio)


def rel_entr(p: Array, q: Array) -> Array:
    """p log(p / q), which is 0 when p = 0 and +inf when q = 0 < p."""
    xp = array_namespace(p, q)
    return p * xp.where((p == 0) & (q > 0), 0.0, log_ratio(p, q))


def exp_remainder(x: Array) -> Array:
    """exp(x) - 1 - x, the part of exp above its tangent at 0, accurate relative to itself."""
    xp = array_namespace(x)
    near = xp.clip(x, -1, 1)
    series = xp.ones_like(x)  # 1 + x/3 (1 + x/4 (1 + x/5 (...)))
    for k in range(20, 2, -1):
        series = 1 + near / k * series
    # Beyond 100 the line is lost beside the exponential, and at infinity it would make a NaN.
    far = xp.expm1(x) - xp.clip(x, max=100)
    return xp.where(xp.abs(x) < 1, near * near / 2 * series, far)


def log1p_square(x: Array) -> Array:
    """log(1 + x^2) without overflow of the square."""
    xp = array_namespace(x)
    near = xp.log1p(xp.clip(x, -1, 1) ** 2)
    far = 2 * xp.log(xp.hypot(x, xp.ones_like(x)))
    return xp.where(xp.abs(x) < 1, near, far)


def norm(x: Array, axis: int = -1, keepdims: bool = False) -> Array:
    """Euclidean length along an axis, scaled safe from overflow; its gradient at 0 is 0."""
    xp = array_namespace(x)
    wide = xp.astype(x, at_least_float32(x.dtype, xp))
    if x.shape[axis] == 0:
        return xp.zeros_like(xp.sum(x, axis=axis, keepdims=keepdims))
    scale = _finite_max(xp.abs(wide), axis, xp)
    scale = xp.where(scale == 0, xp.ones_like(scale), scale)
    total = xp.sum((wide / scale) ** 2, axis=axis, keepdims=True)
    # The square root is never taken at 0, where its slope is infinite.
    root = xp.sqrt(xp.where(total == 0, xp.ones_like(total), total))
    length = xp.where(total == 0, total, scale * root)
    return xp.astype(length if keepdims else xp.squeeze(length, axis=axis), x.dtype)


def log_factorial(x: Array) -> Array:
    """log(x!) = lgamma(x + 1) of constants, by the C library one number at a time.

    The array API has no lgamma. No gradient flows through the result.
    """
    xp = array_namespace(x)
    flat = xp.reshape(stop_gradient(x), (-1,))
    values = [math.lgamma(float(flat[i]) + 1) for i in range(flat.shape[0])]
    return xp.reshape(xp.asarray(values, dtype=x.dtype, device=device(x)), x.shape)


def log_gamma_step(x: float) -> float:
    """log(sqrt(x) gamma(x) / gamma(x + 1/2)) of a number above 0; it falls to 0 as x grows.

    A difference of two values of lgamma would lose the digits in which they agree, so it comes from
    gamma itself, and from Stirling's series where that overflows.
    """
    if x < 170:
        return math.log(math.gamma(x + 1) / (math.sqrt(x) * math.gamma(x + 0.5)))
    return (1 - (1 - 0.3 / (x * x)) / (24 * x * x)) / (8 * x)


def orthogonal_projector(unit: Array) -> Array:
    """I - u u^T, what is left of a vector beside the unit vector u: (..., d) to (..., d, d)."""
    xp = array_namespace(unit)
    outer = unit[..., :, None] * unit[..., None, :]
    # On the diagonal 1 - u_i^2 would lose its digits near 1; it is the sum of the other squares.
    squares = _on_diagonal(xp.zeros_like(unit)[..., None], (unit * unit)[..., None, :])
    return _on_diagonal(xp.sum(squares, axis=-1)[..., None], -outer)


def diagonal(x: Array) -> Array:
    """Square matrices with x on their diagonals: (..., c) to (..., c, c)."""
    return _on_diagonal(x[..., None], 0.0)


def _on_diagonal(on: Array, off: Any) -> Array:
    """Square matrices over the next to last axis of `on`, from what is on and off the diagonal."""
    xp = array_namespace(on)
    place = xp.arange(on.shape[-2], device=device(on))
    return xp.where(place[:, None] == place, on, off)


def one_hot(label: Array, like: Array) -> Array:
    """1 at the label and 0 at every other class along the last axis of `like`."""
    xp = array_namespace(like)
    places = xp.arange(like.shape[-1], device=device(like))
    return xp.astype(label[..., None] == places, like.dtype)
