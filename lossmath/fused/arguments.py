"""What the losses accept and work on: options, dtypes, layouts; checked before any work."""

from dataclasses import dataclass

import torch
from torch import Tensor

FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
REDUCTIONS = ("mean", "sum", "none")


@dataclass(frozen=True)
class Options:
    """Cross-entropy + label smoothing + z_loss * (log sum exp)**2, and how rows are combined."""

    reduction: str = "mean"
    ignore_index: int = -100
    label_smoothing: float = 0.0
    z_loss: float = 0.0

    def __post_init__(self) -> None:
        if self.reduction not in REDUCTIONS:
            raise ValueError(
                f"cross_entropy: reduction={self.reduction!r} must be one of {REDUCTIONS}"
            )
        if not 0 <= self.label_smoothing < 1:
            raise ValueError(
                f"cross_entropy: label_smoothing={self.label_smoothing} must lie in [0, 1)"
            )
        if not 0 <= self.z_loss < float("inf"):
            raise ValueError(f"cross_entropy: z_loss={self.z_loss} must lie in [0, inf)")


def wide(dtype: torch.dtype) -> torch.dtype:
    """The dtype in which losses and row statistics are computed."""
    return torch.float64 if dtype == torch.float64 else torch.float32


def empty_rows(rows: int, classes: int, like: Tensor) -> Tensor:
    """An empty matrix with rows at multiples of 64 elements, so that 16-byte loads suit any V."""
    return like.new_empty(rows, 64 * -(-classes // 64))[:, :classes]


def check_matrix(name: str, matrix: Tensor) -> None:
    """An (N, V) floating-point tensor with at least one column."""
    if matrix.ndim != 2 or matrix.shape[1] == 0:
        raise ValueError(
            f"cross_entropy: {name} of shape {tuple(matrix.shape)} must have two dimensions, "
            "the second at least 1; flatten batch and time with reshape(-1, V) first"
        )
    if matrix.dtype not in FLOATS:
        raise TypeError(f"cross_entropy: {name} of dtype {matrix.dtype} must be one of {FLOATS}")


def check_target(target: Tensor, matrix: Tensor, classes: int, options: Options) -> None:
    """One class index per row of the matrix, on the same device."""
    if target.dtype not in (torch.int64, torch.int32):
        raise TypeError(
            f"cross_entropy: target of dtype {target.dtype} must hold class indices, "
            "torch.int64 or torch.int32"
        )
    if target.shape != matrix.shape[:1]:
        raise ValueError(
            f"cross_entropy: target of shape {tuple(target.shape)} must be ({len(matrix)},), "
            "one class per row"
        )
    if target.device != matrix.device:
        raise ValueError(
            f"cross_entropy: target on {target.device} must be on {matrix.device} like its rows"
        )
    if target.device.type == "cpu":  # elsewhere a look at the values would wait for the device
        wrong = (target != options.ignore_index) & ((target < 0) | (target >= classes))
        if wrong.any():
            raise ValueError(
                f"cross_entropy: target={target[wrong][0].item()} must lie in [0, {classes}) "
                f"or be ignore_index={options.ignore_index}"
            )


def check_overwritable(logits: Tensor) -> None:
    """Logits that may be replaced by their gradient."""
    rows, classes = logits.shape
    if logits.stride(1) != 1 or (rows > 1 and logits.stride(0) < classes):
        raise ValueError(
            f"cross_entropy: in_place=True needs rows of adjacent logits that do not overlap; "
            f"these (N, V) logits have strides {logits.stride()}"
        )
    owner = logits if logits._base is None else logits._base
    if owner.is_leaf and owner.requires_grad:
        raise ValueError(
            "cross_entropy: in_place=True would overwrite a leaf that requires grad, a parameter "
            "most likely; pass logits that were computed"
        )
