"""Derivatives by differences: estimates, for losses and places without a closed form."""

import math
from typing import Any

from lossmath.arrays import Array


def numeric_hessian(loss: Any, *inputs: Any, **named: Any) -> Any:
    """An estimate of `loss.hessian(...)` by central differences of its gradient.

    It has the shape of the closed form. In float64 about ten digits are right where the loss is
    smooth over a step of 6e-6; none are within a step of a kink or of the edge of a domain.
    """
    arrays, xp, _, _ = loss._prepare(inputs, named)
    columns = [
        _column(loss, arrays, position, xp)
        for position, argument in enumerate(loss.arguments)
        if argument.differentiable
    ]
    rows = tuple(zip(*columns, strict=True))
    return rows if len(rows) > 1 else rows[0][0]


def _column(loss: Any, arrays: list[Array], position: int, xp: Any) -> list[Array]:
    """The derivative of every gradient in the argument at this position."""
    x = arrays[position]
    batch_ndim = x.ndim - loss.arguments[position].event_ndim(x.ndim)
    batch, event = x.shape[:batch_ndim], x.shape[batch_ndim:]
    size = math.prod(event)
    flat = xp.reshape(x, (*batch, size))
    step = xp.finfo(x.dtype).eps ** (1 / 3) * xp.clip(xp.abs(flat), min=1)
    slices: list[list[Array]] = []
    for k in range(size):
        moved = xp.where(xp.arange(size) == k, step, xp.zeros_like(step))
        up, down = (
            as_tuple(loss._gradient([*arrays[:position], y, *arrays[position + 1 :]], xp))
            for y in (xp.reshape(flat + moved, x.shape), xp.reshape(flat - moved, x.shape))
        )
        width = 2 * step[..., k : k + 1]
        slices.append(
            [xp.reshape(u - d, (*batch, -1)) / width for u, d in zip(up, down, strict=True)]
        )
    gradients = as_tuple(loss._gradient(arrays, xp))
    return [
        xp.reshape(xp.stack(parts, axis=-1), (*gradient.shape, *event))
        for parts, gradient in zip(zip(*slices, strict=True), gradients, strict=True)
    ]


def as_tuple(derivative: Any) -> tuple[Array, ...]:
    """One derivative per differentiable argument, also when there is only one."""
    return derivative if isinstance(derivative, tuple) else (derivative,)
