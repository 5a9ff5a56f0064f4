"""Cross-entropy of a linear layer's output, a chunk of rows at a time.

The (N, V) logits never exist at once: each chunk's logits become its loss and its gradient, and
only dx and dW are kept. The work is three matrix products; fusing buys memory, not time.
"""

import torch
from torch import Tensor

from .arguments import Options, check_matrix, check_target, empty_rows, wide
from .backend import backend
from .loss import refuse_double_backward, row_weight

# FLOP a device can do in the time it moves a byte. An H200's data sheet gives 989 TFLOP/s over
# 4.8 TB/s, 206; products of matrices reach a smaller share of their rate than copies do. CPUs
# differ; with 64, chunks are small and products still large.
FLOP_PER_BYTE = {"cuda": 183, "cpu": 64}


def linear_cross_entropy(
    x: Tensor,
    weight: Tensor,
    target: Tensor,
    *,
    reduction: str = "mean",
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    z_loss: float = 0.0,
    chunk: int | None = None,
) -> Tensor:
    """`cross_entropy(x @ weight.T, target)` in the memory of a few rows of logits.

    Args:
        x: (N, D) features.
        weight: (V, D), dtype and device of x.
        target: (N,) class indices, as in `cross_entropy`.
        reduction: "mean" or "sum". Gradients are taken in forward, before an upstream gradient is
            known, and only a scalar can be multiplied in afterwards.
        ignore_index, label_smoothing, z_loss: as in `cross_entropy`.
        chunk: rows at a time; by default `rows_per_chunk`.

    Returns:
        The scalar loss, in float64 for float64 features and else in float32.

    Raises:
        TypeError, ValueError: as `cross_entropy`.
        RuntimeError: the gradient is differentiated again or asked for twice.
    """
    options = Options(reduction, ignore_index, label_smoothing, z_loss)
    if reduction == "none":
        raise ValueError(
            "cross_entropy: reduction='none' must be 'mean' or 'sum' with a linear layer"
        )
    check_matrix("x", x)
    check_matrix("weight", weight)
    if (x.shape[1], x.dtype, x.device) != (weight.shape[1], weight.dtype, weight.device):
        raise ValueError(
            f"cross_entropy: weight ({tuple(weight.shape)}, {weight.dtype}, {weight.device}) must "
            f"be (V, {x.shape[1]}) with the dtype and device of x, {x.dtype} and {x.device}"
        )
    check_target(target, x, len(weight), options)
    if chunk is None:
        chunk = rows_per_chunk(len(x), FLOP_PER_BYTE.get(x.device.type, FLOP_PER_BYTE["cpu"]))
    if chunk < 1:
        raise ValueError(f"cross_entropy: chunk={chunk} must be at least 1")
    recorded = torch.is_grad_enabled()
    wanted = (recorded and x.requires_grad, recorded and weight.requires_grad)
    return _Chunked.apply(x, weight, target.contiguous(), options, chunk, wanted)


def rows_per_chunk(rows: int, flop_per_byte: float) -> int:
    """The smallest chunk for which no matrix product waits for memory.

    A chunk of c rows does 2 c FLOP per entry of W in each product, and for that reads and writes
    the entry of the float32 dW, 8 bytes: c >= 4 * flop_per_byte. The rows are then shared out
    evenly, in multiples of 128, the height of a tile of a matrix product.
    """
    chunks = max(1, int(rows / (4 * flop_per_byte)))
    return 128 * max(1, -(-rows // (128 * chunks)))


class _Chunked(torch.autograd.Function):
    """Losses and, where wanted, gradients for an upstream of 1, all in forward."""

    @staticmethod
    def forward(ctx, x, weight, target, options, chunk, wanted):
        scale = row_weight(target, x.dtype, options)
        compute = backend(x)
        dx = x.new_empty(x.shape) if wanted[0] else None
        # In bfloat16 the sum over chunks would lose digits with every chunk.
        dw = weight.new_zeros(weight.shape, dtype=wide(weight.dtype)) if wanted[1] else None
        buffer = empty_rows(min(chunk, len(x)), len(weight), like=x)
        total = torch.zeros((), dtype=wide(x.dtype), device=x.device)
        for start in range(0, len(x), chunk):
            rows = slice(start, start + chunk)
            logits = torch.mm(x[rows], weight.T, out=buffer[: len(x[rows])])
            if not any(wanted):
                total += compute.forward(logits, target[rows], options)[0].sum()
                continue
            upstream = scale.expand(len(logits))
            total += compute.forward_gradient_(logits, target[rows], upstream, options).sum()
            if dx is not None:
                torch.mm(logits, weight, out=dx[rows])
            if dw is not None:
                _accumulate(dw, logits, x[rows])
        ctx.gradients = (dx, dw if dw is None else dw.to(weight.dtype))
        return total * scale

    @staticmethod
    def backward(ctx, upstream):
        refuse_double_backward()
        if ctx.gradients is None:
            raise RuntimeError(
                "cross_entropy: backward a second time, after its gradients were freed"
            )
        # Without a reference of ours left, autograd makes these very tensors the .grad.
        dx, dw = ctx.gradients
        ctx.gradients = None
        for gradient in (dx, dw):
            if gradient is not None:
                backend(gradient).rescale_(gradient, upstream.expand(len(gradient)))
        return dx, dw, None, None, None, None


def _accumulate(dw: Tensor, gradient: Tensor, x: Tensor) -> None:
    """dw += gradient.T @ x, each product entering the sum unrounded."""
    if dw.dtype == x.dtype:
        dw.addmm_(gradient.T, x)
    elif dw.is_cuda:
        torch.addmm(dw, gradient.T, x, out_dtype=dw.dtype, out=dw)
    else:
        dw.addmm_(gradient.T.to(dw.dtype), x.to(dw.dtype))
