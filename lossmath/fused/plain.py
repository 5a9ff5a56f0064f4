"""The four functions of `launch` in plain PyTorch, for machines without Triton.

Rows are taken a few at a time, so the intermediates of a block stay in cache and the extra memory
does not grow with N.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from .arguments import Options, wide

# Logits per block of rows: 2 MiB of float32, about what the cache of a core holds.
BLOCK = 1 << 19


def forward(logits: Tensor, target: Tensor, options: Options) -> tuple[Tensor, Tensor, Tensor]:
    """Loss, maximum m and sum d of exp(x - m) for each of the N rows of (N, V) logits."""
    loss, m, d = torch.empty(3, len(logits), dtype=wide(logits.dtype), device=logits.device)
    for rows in _blocks(logits):
        x = logits[rows].to(loss.dtype)
        loss[rows], m[rows], d[rows] = _statistics(x, target[rows], options)
    return loss, m, d


def backward(
    logits: Tensor, target: Tensor, m: Tensor, d: Tensor, upstream: Tensor, options: Options
) -> Tensor:
    """The (N, V) gradient of sum_n upstream_n * loss_n."""
    gradient = torch.empty_like(logits)
    for rows in _blocks(logits):
        x = logits[rows].to(m.dtype)
        gradient[rows] = _gradient(x, target[rows], m[rows], d[rows], upstream[rows], options)
    return gradient


def forward_gradient_(logits: Tensor, target: Tensor, upstream: Tensor, options: Options) -> Tensor:
    """The N losses; the logits are replaced by the gradient of sum_n upstream_n * loss_n."""
    loss = torch.empty(len(logits), dtype=wide(logits.dtype), device=logits.device)
    for rows in _blocks(logits):
        x = logits[rows].to(loss.dtype)
        loss[rows], m, d = _statistics(x, target[rows], options)
        logits[rows] = _gradient(x, target[rows], m, d, upstream[rows], options)
    return loss


def rescale_(gradient: Tensor, upstream: Tensor) -> None:
    """Multiply row n of the gradient by upstream_n."""
    if (upstream != 1).any():
        gradient.mul_(upstream[:, None])


def _blocks(logits: Tensor) -> Iterator[slice]:
    rows, classes = logits.shape
    step = max(1, BLOCK // classes)
    return (slice(start, start + step) for start in range(0, rows, step))


def _targets(target: Tensor, options: Options) -> tuple[Tensor, Tensor]:
    """Which rows are ignored, and a column of targets that is safe to gather with."""
    ignored = target == options.ignore_index
    return ignored, target.masked_fill(ignored, 0).long()[:, None]


def _statistics(x: Tensor, target: Tensor, options: Options) -> tuple[Tensor, Tensor, Tensor]:
    ignored, column = _targets(target, options)
    m = x.amax(1)
    d = (x - m[:, None]).exp_().sum(1)
    x_y = x.gather(1, column)
    loss = d.log() + (m - x_y[:, 0])
    if options.label_smoothing > 0:
        loss -= options.label_smoothing * (x - x_y).mean(1)
    if options.z_loss > 0:
        loss += options.z_loss * (m + d.log()) ** 2
    return loss.masked_fill_(ignored, 0), m, d


def _gradient(
    x: Tensor, target: Tensor, m: Tensor, d: Tensor, upstream: Tensor, options: Options
) -> Tensor:
    ignored, column = _targets(target, options)
    upstream = upstream.to(x.dtype)
    factor = upstream / d
    if options.z_loss > 0:
        factor = factor * (1 + 2 * options.z_loss * (m + d.log()))
    g = (x - m[:, None]).exp_().mul_(factor[:, None])
    if options.label_smoothing > 0:
        g -= (upstream * (options.label_smoothing / x.shape[1]))[:, None]
    g.scatter_add_(1, column, (upstream * (options.label_smoothing - 1))[:, None])
    return g.masked_fill_(ignored[:, None], 0)
