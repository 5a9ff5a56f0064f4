"""Cross-entropy of (N, V) logits, and what autograd is promised about it."""

import torch
from torch import Tensor
from torch.autograd.graph import increment_version

from .arguments import (
    Options,
    check_matrix,
    check_overwritable,
    check_target,
    wide,
)
from .backend import backend


def cross_entropy(
    logits: Tensor,
    target: Tensor,
    *,
    reduction: str = "mean",
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    z_loss: float = 0.0,
    in_place: bool = False,
) -> Tensor:
    """Cross-entropy of logits, as `torch.nn.functional.cross_entropy` with class indices.

    Args:
        logits: (N, V), float16, bfloat16, float32 or float64. Rows may be any distance apart.
        target: (N,) class indices, int64 or int32, each in [0, V) or equal to `ignore_index`.
        reduction: "mean" over the rows that are not ignored, "sum", or "none" for all N losses.
        ignore_index: rows with this target have loss 0 and gradient exactly 0.
        label_smoothing: share in [0, 1) of the target's probability spread evenly over V classes.
        z_loss: weight of the squared log-sum-exp added to each row's loss; keeps logits small.
        in_place: when a gradient is wanted, compute it at once and over the logits, which are
            lost. All in all the logits are read once and written once, and no memory is taken.

    Returns:
        The loss, in float64 for float64 logits and else in float32.

    Raises:
        TypeError, ValueError: a dtype, shape, device or value that is not allowed. On a GPU
            targets are not looked at, which would wait for the device: one out of range reads
            nothing and makes its loss and its row of the gradient NaN.
        RuntimeError: the gradient is differentiated again or, in place, is asked for twice.
    """
    options = Options(reduction, ignore_index, label_smoothing, z_loss)
    check_matrix("logits", logits)
    check_target(target, logits, logits.shape[1], options)
    target = target.contiguous()
    if in_place and torch.is_grad_enabled() and logits.requires_grad:
        check_overwritable(logits)
        return _OneLaunch.apply(logits, target, options)
    if logits.stride(1) != 1:
        logits = logits.contiguous()
    return _TwoKernels.apply(logits, target, options)


class _TwoKernels(torch.autograd.Function):
    """Forward saves two numbers a row; backward recomputes the softmax from them."""

    @staticmethod
    def forward(ctx, logits, target, options):
        weight = row_weight(target, logits.dtype, options)
        loss, m, d = backend(logits).forward(logits, target, options)
        ctx.save_for_backward(logits, target, m, d, weight)
        ctx.options = options
        return loss if options.reduction == "none" else loss.sum() * weight

    @staticmethod
    def backward(ctx, upstream):
        refuse_double_backward()
        logits, target, m, d, weight = ctx.saved_tensors
        rows = (upstream * weight).expand(len(logits))
        return backend(logits).backward(logits, target, m, d, rows, ctx.options), None, None


class _OneLaunch(torch.autograd.Function):
    """Forward leaves the gradient where the logits were; backward hands it out, once.

    What a kernel stores is invisible to autograd, so the version counter is advanced by hand:
    whoever else saved these logits then gets torch's error and not a wrong gradient.
    """

    @staticmethod
    def forward(ctx, logits, target, options):
        weight = row_weight(target, logits.dtype, options)
        rows = weight.expand(len(logits))
        loss = backend(logits).forward_gradient_(logits, target, rows, options)
        increment_version(logits)
        ctx.save_for_backward(logits)
        return loss if options.reduction == "none" else loss.sum() * weight

    @staticmethod
    def backward(ctx, upstream):
        refuse_double_backward()
        (gradient,) = ctx.saved_tensors
        backend(gradient).rescale_(gradient, upstream.expand(len(gradient)))
        increment_version(gradient)
        return gradient.detach(), None, None


def row_weight(target: Tensor, dtype: torch.dtype, options: Options) -> Tensor:
    """What the sum of the losses is multiplied by: a scalar that never leaves the device."""
    if options.reduction == "mean":
        return (target != options.ignore_index).sum().to(wide(dtype)).reciprocal()
    return torch.ones((), dtype=wide(dtype), device=target.device)


def refuse_double_backward() -> None:
    """Raise inside a backward that is itself recorded.

    `once_differentiable` is no protection: it detaches, and the gradient penalty of a plain loss
    silently loses its second-order term.
    """
    if torch.is_grad_enabled():
        raise RuntimeError(
            "cross_entropy: its gradient cannot be differentiated again (create_graph=True); "
            "use torch.nn.functional.cross_entropy for that"
        )
