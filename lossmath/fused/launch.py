"""Launching the kernels: shapes of grids and blocks, and where results go."""

import torch
from torch import Tensor

from . import kernels
from .arguments import Options, empty_rows

# A thread holds four 16-byte loads: enough in flight to hide memory, and no register is spilled.
BYTES_PER_THREAD = 64


def forward(logits: Tensor, target: Tensor, options: Options) -> tuple[Tensor, Tensor, Tensor]:
    """Loss, maximum m and sum d of exp(x - m) for each of the N rows of (N, V) logits."""
    rows, classes = logits.shape
    loss, m, d = torch.empty(3, rows, dtype=torch.float32, device=logits.device)
    if rows:
        with torch.cuda.device_of(logits):
            kernels.forward_kernel[(rows,)](
                logits, target, loss, m, d, logits.stride(0),
                **_constants(classes, options), **tile(logits, 8),
            )  # fmt: skip
    return loss, m, d


def backward(
    logits: Tensor, target: Tensor, m: Tensor, d: Tensor, upstream: Tensor, options: Options
) -> Tensor:
    """The (N, V) gradient of sum_n upstream_n * loss_n."""
    rows, classes = logits.shape
    dense = logits.is_contiguous()
    gradient = torch.empty_like(logits) if dense else empty_rows(rows, classes, logits)
    shape = tile(logits, 4)
    if rows:
        with torch.cuda.device_of(logits):
            kernels.backward_kernel[(rows, -(-classes // shape["BLOCK"]))](
                logits, target, m, d, upstream, upstream.stride(0),
                gradient, logits.stride(0), gradient.stride(0),
                **_constants(classes, options), **shape,
            )  # fmt: skip
    return gradient


def forward_gradient_(logits: Tensor, target: Tensor, upstream: Tensor, options: Options) -> Tensor:
    """The N losses; the logits are replaced by the gradient of sum_n upstream_n * loss_n."""
    rows, classes = logits.shape
    loss = torch.empty(rows, dtype=torch.float32, device=logits.device)
    if rows:
        with torch.cuda.device_of(logits):
            kernels.forward_gradient_kernel[(rows,)](
                logits, target, loss, upstream, upstream.stride(0), logits.stride(0),
                **_constants(classes, options), **tile(logits, _one_launch_warps(logits)),
            )  # fmt: skip
    return loss


def rescale_(gradient: Tensor, upstream: Tensor) -> None:
    """Multiply row n of the gradient by upstream_n."""
    rows, classes = gradient.shape
    shape = tile(gradient, 4)
    if rows:
        with torch.cuda.device_of(gradient):
            kernels.rescale_kernel[(rows, -(-classes // shape["BLOCK"]))](
                gradient, upstream, upstream.stride(0), gradient.stride(0), classes, **shape
            )


def tile(logits: Tensor, most_warps: int) -> dict[str, int]:
    """Warps for a row, and BLOCK, how many logits they hold at a time. Both powers of two."""
    per_warp = 32 * BYTES_PER_THREAD // logits.element_size()
    wanted = -(-logits.shape[1] // per_warp)
    warps = min(most_warps, 1 << (wanted - 1).bit_length())
    return {"BLOCK": warps * per_warp, "num_warps": warps}


def one_launch_warps(row_bytes: int, processors: int, cache_bytes: int) -> int:
    """Warps per row of the one-launch kernel.

    With half the 32 warps that its registers allow, a multiprocessor works on two rows at once and
    one can load while the other waits. But the second sweep must still find all rows in flight in
    the L2 cache, so longer rows get a whole multiprocessor each.
    """
    return 16 if 2 * processors * row_bytes <= cache_bytes else 32


def _one_launch_warps(logits: Tensor) -> int:
    if not logits.is_cuda:
        return 32
    gpu = torch.cuda.get_device_properties(logits.device)
    row_bytes = logits.shape[1] * logits.element_size()
    return one_launch_warps(row_bytes, gpu.multi_processor_count, gpu.L2_cache_size)


def _constants(classes: int, options: Options) -> dict[str, float]:
    return {
        "V": classes,
        "IGNORE": options.ignore_index,
        "SMOOTHING": options.label_smoothing,
        "Z_LOSS": options.z_loss,
    }
