"""The programs that the benchmark compares: names and functions that return a mean loss."""

import importlib.util
import shutil
from collections.abc import Callable
from functools import partial
from unittest.mock import patch

import torch
import torch.nn.functional as F
from torch import Tensor

from . import cross_entropy, linear_cross_entropy
from .workload import Workload

Provider = Callable[..., Tensor]

BASELINE = {
    "cross_entropy": "F.cross_entropy",
    "linear_cross_entropy": "x @ W.T, F.cross_entropy",
}


def exp_sum_log_gather(logits: Tensor, target: Tensor) -> Tensor:
    e = logits.exp()
    return -(e / e.sum(1, keepdim=True)).log().gather(1, target[:, None]).mean()


def softmax_log_gather(logits: Tensor, target: Tensor) -> Tensor:
    return -logits.softmax(1).log().gather(1, target[:, None]).mean()


def softmax_gather_log(logits: Tensor, target: Tensor) -> Tensor:
    return -logits.softmax(1).gather(1, target[:, None]).log().mean()


def logsumexp_minus_gather(logits: Tensor, target: Tensor) -> Tensor:
    return (logits.logsumexp(1) - logits.gather(1, target[:, None])[:, 0]).mean()


def log_softmax_nll(logits: Tensor, target: Tensor) -> Tensor:
    return F.nll_loss(logits.log_softmax(1), target)


def float_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    return F.cross_entropy(logits.float(), target)


def linear_then_cross_entropy(x: Tensor, weight: Tensor, target: Tensor) -> Tensor:
    return F.cross_entropy(x @ weight.T, target)


def providers(workload: Workload, sweep: bool) -> dict[str, Provider]:
    """Every program that can run this workload here, by name, the baseline among them."""
    if workload.op == "cross_entropy":
        return _of_logits(workload, sweep)
    return _of_linear(workload, sweep)


def _of_logits(workload: Workload, sweep: bool) -> dict[str, Provider]:
    table: dict[str, Provider] = {
        "exp / sum, log, gather": exp_sum_log_gather,
        "softmax, log, gather": softmax_log_gather,
        "softmax, gather, log": softmax_gather_log,
        "logsumexp - gather": logsumexp_minus_gather,
        "log_softmax, nll_loss": log_softmax_nll,
        "F.cross_entropy": F.cross_entropy,
    }
    if workload.dtype in (torch.float16, torch.bfloat16):
        table["F.cross_entropy of float()"] = float_cross_entropy
    table |= _compiled(table)
    table["ours, two kernels"] = cross_entropy
    if workload.backward:
        table["ours, one launch"] = partial(cross_entropy, in_place=True)
        if sweep and workload.device == "cuda":
            table |= {
                f"ours, one launch, {warps} warps": partial(_with_warps, warps=warps)
                for warps in (4, 8, 16, 32)
            }
    if workload.device == "cuda" and importlib.util.find_spec("liger_kernel"):
        from liger_kernel.transformers.functional import liger_cross_entropy

        table["Liger"] = liger_cross_entropy
    return table


def _of_linear(workload: Workload, sweep: bool) -> dict[str, Provider]:
    table: dict[str, Provider] = {BASELINE["linear_cross_entropy"]: linear_then_cross_entropy}
    table |= _compiled(table)
    table["ours, chunked"] = linear_cross_entropy
    if sweep:
        chunks = [c for c in (32, 64, 128, 256, 512, 1024, 2048, 4096, 8192) if c <= workload.N]
        table |= {f"ours, chunks of {c}": partial(linear_cross_entropy, chunk=c) for c in chunks}
    if importlib.util.find_spec("torch.nn.modules.linear_cross_entropy_options"):
        from torch.nn.modules.linear_cross_entropy_options import LinearCrossEntropyOptions

        options = LinearCrossEntropyOptions()
        table["F.linear_cross_entropy, chunked"] = partial(F.linear_cross_entropy, options=options)
    if workload.device == "cuda" and importlib.util.find_spec("liger_kernel"):
        from liger_kernel.transformers.functional import liger_fused_linear_cross_entropy

        table["Liger"] = liger_fused_linear_cross_entropy
    return table


def _compiled(table: dict[str, Provider]) -> dict[str, Provider]:
    """torch.compile of each, where there is a C compiler for it to use."""
    if not any(map(shutil.which, ("cc", "gcc", "clang"))):
        return {}
    torch._dynamo.reset()  # or the shapes measured before would count against its limit
    return {f"compile({name})": torch.compile(f, dynamic=False) for name, f in table.items()}


def _with_warps(logits: Tensor, target: Tensor, warps: int) -> Tensor:
    """The one-launch kernel with another shape than `launch` chooses."""
    from . import launch

    with patch.object(launch, "one_launch_warps", lambda *_: warps):
        return cross_entropy(logits, target, in_place=True)
