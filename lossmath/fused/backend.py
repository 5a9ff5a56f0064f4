"""Which implementation computes: Triton's kernels or plain PyTorch."""

import importlib.util
import os
from types import ModuleType

import torch


def backend(logits: torch.Tensor) -> ModuleType:
    """`launch` or `plain`: two modules with the same four functions.

    `forward`, `backward`, `forward_gradient_` and `rescale_`; a trailing underscore means that the
    first argument is overwritten. Triton's interpreter runs the kernels on CPU tensors when
    TRITON_INTERPRET=1 was set before Triton was first imported. The kernels work in float32, so
    float64 always goes to `plain`.
    """
    kernels = logits.is_cuda or os.environ.get("TRITON_INTERPRET") == "1"
    if kernels and logits.dtype != torch.float64 and importlib.util.find_spec("triton"):
        from . import launch

        return launch
    from . import plain

    return plain
