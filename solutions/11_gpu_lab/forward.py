"""A forward kernel within the budget: right, no spills, wide loads, 9 instructions per logit."""

import triton
import triton.language as tl

LOG2E = tl.constexpr(1.4426950408889634)
# Not -inf: a stretch of masked logits would subtract -inf from -inf.
LOWEST = tl.constexpr(-3.4028234663852886e38)


@triton.jit
def forward_kernel(logits, target, loss, stride, V: tl.constexpr, BLOCK: tl.constexpr):
    """Cross-entropy of row n, read once, BLOCK logits at a time."""
    n = tl.program_id(0).to(tl.int64)
    row = logits + n * stride
    column = tl.arange(0, BLOCK)
    m = LOWEST
    d = 0.0
    for start in range(0, V, BLOCK):
        inside = start + column < V
        x = tl.load(row + start + column, mask=inside, other=float("-inf")).to(tl.float32)
        larger = tl.maximum(m, tl.max(x, axis=0))
        d = d * tl.exp2((m - larger) * LOG2E) + tl.sum(tl.exp2((x - larger) * LOG2E), axis=0)
        m = larger
    x_target = tl.load(row + tl.load(target + n)).to(tl.float32)
    tl.store(loss + n, tl.log(d) + (m - x_target))
