"""Cross-entropy that touches memory as little as it can: from logits, and from a linear layer.

    from lossmath.fused import cross_entropy, linear_cross_entropy

On a GPU the work is done by the Triton kernels of `kernels`; anywhere else by plain PyTorch with
the same interface and results. `python -m lossmath.fused.bench` measures both against the usual
formulations, `python -m lossmath.fused.sass` reads the compiled kernels without a GPU.
"""

from .linear import linear_cross_entropy, rows_per_chunk
from .loss import cross_entropy

__all__ = ["cross_entropy", "linear_cross_entropy", "rows_per_chunk"]
