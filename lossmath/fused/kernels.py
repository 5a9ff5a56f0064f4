"""Cross-entropy of logits in Triton: one row of V logits per program.

Notation of every kernel here: x the logits of a row, y its target, and two row statistics

    m = max_j x_j,    d = sum_j exp(x_j - m),    so that  log sum_j exp(x_j) = m + log d.

Saving the pair (m, d) and not their sum keeps full precision where |x| is large: the loss is
log d + (m - x_y) and a probability is exp(x_j - m) / d, both free of a large intermediate.

V, BLOCK, SMOOTHING, Z_LOSS and IGNORE are compile-time constants, so what is not asked for costs
no instruction.
"""

import triton
import triton.language as tl

# exp(t) = 2**(t log2 e), and base 2 is what the hardware computes. The difference is taken first:
# folding to x*log2e - m*log2e saves an instruction but loses digits at |x| = 1e4 without an FMA.
LOG2E = tl.constexpr(1.4426950408889634)
# A running maximum starts at the lowest finite number, not at -inf: a stretch of -inf logits then
# gives -inf - finite = -inf, whose exponential is 0, where -inf - (-inf) would be NaN. Scaled by
# LOG2E it overflows to the -inf that is meant; NumPy, under the interpreter, remarks on that.
LOWEST = tl.constexpr(-3.4028234663852886e38)
# Every lane sees this many logits of a block before it rescales its running sum.
DEPTH = tl.constexpr(4)


@triton.jit
def absorb(m, d, x):
    """The lanes' running (m, d) after a further tile x of shape (DEPTH, lanes)."""
    larger = tl.maximum(m, tl.max(x, axis=0))
    d = d * tl.exp2((m - larger) * LOG2E)
    return larger, d + tl.sum(tl.exp2((x - larger[None, :]) * LOG2E), axis=0)


@triton.jit
def row_statistics(row, x_y, V: tl.constexpr, SMOOTHING: tl.constexpr, BLOCK: tl.constexpr):
    """m, d and sum_j (x_j - x_y) of one row, in one reading.

    Each lane keeps its own (m, d); since merging such pairs is associative, the lanes are joined
    once, at the end, and the loop holds no barrier.
    """
    LANES: tl.constexpr = BLOCK // DEPTH
    FULL: tl.constexpr = V - V % BLOCK
    tile = tl.arange(0, DEPTH)[:, None] * LANES + tl.arange(0, LANES)[None, :]
    m = tl.full((LANES,), LOWEST, tl.float32)
    d = tl.zeros((LANES,), tl.float32)
    above = tl.zeros((LANES,), tl.float32)
    # Whole blocks need no mask, and only unmasked loads are 16 bytes wide for every V.
    for start in range(0, FULL, BLOCK):
        x = tl.load(row + start + tile).to(tl.float32)
        m, d = absorb(m, d, x)
        if SMOOTHING > 0:
            above += tl.sum(x - x_y, axis=0)
    if FULL < V:
        inside = tile < V - FULL
        x = tl.load(row + FULL + tile, mask=inside, other=float("-inf")).to(tl.float32)
        m, d = absorb(m, d, x)
        if SMOOTHING > 0:
            above += tl.sum(tl.where(inside, x - x_y, 0.0), axis=0)
    highest = tl.max(m, axis=0)
    d = tl.sum(d * tl.exp2((m - highest) * LOG2E), axis=0)
    return highest, d, tl.sum(above, axis=0)


@triton.jit
def row_loss(
    row, x_y, V: tl.constexpr, SMOOTHING: tl.constexpr, Z_LOSS: tl.constexpr, BLOCK: tl.constexpr
):
    """Loss of one row, with its statistics m and d."""
    m, d, above = row_statistics(row, x_y, V, SMOOTHING, BLOCK)
    loss = tl.log(d) + (m - x_y)
    if SMOOTHING > 0:  # measured from x_y: a plain sum of logits near 1e4 would swamp the loss
        loss -= SMOOTHING / V * above
    if Z_LOSS > 0:
        lse = m + tl.log(d)
        loss += Z_LOSS * lse * lse
    return loss, m, d


@triton.jit
def gradient_factors(
    m, d, upstream, V: tl.constexpr, SMOOTHING: tl.constexpr, Z_LOSS: tl.constexpr
):
    """(a, b) such that the gradient is a exp(x_j - m) - b at every j but the target."""
    a = upstream / d  # the one division of a row
    if Z_LOSS > 0:
        a *= 1 + 2 * Z_LOSS * (m + tl.log(d))
    return a, upstream * (SMOOTHING / V)


@triton.jit
def write_gradient(logits, gradient, inside, m, a, b, SMOOTHING: tl.constexpr):
    """Gradient of a tile as if it did not hold the target."""
    x = tl.load(logits, mask=inside).to(tl.float32)
    g = a * tl.exp2((x - m) * LOG2E)
    if SMOOTHING > 0:
        g -= b
    tl.store(gradient, g.to(gradient.dtype.element_ty), mask=inside)


@triton.jit
def write_target_gradient(gradient, known, x_y, m, a, b, upstream, SMOOTHING: tl.constexpr):
    """The gradient at the target: cheaper once per row than a comparison for every logit."""
    tl.debug_barrier()  # the tile that holds the target must have been stored
    g = a * tl.exp2((x_y - m) * LOG2E) - b - upstream * (1 - SMOOTHING)
    tl.store(gradient, g.to(gradient.dtype.element_ty), mask=known)


@triton.jit
def forward_kernel(
    logits, target, loss, maximum, total, stride,
    V: tl.constexpr, IGNORE: tl.constexpr, SMOOTHING: tl.constexpr, Z_LOSS: tl.constexpr,
    BLOCK: tl.constexpr,
):  # fmt: skip
    """loss, m and d of every row: one reading of the logits. Grid (N,)."""
    n = tl.program_id(0).to(tl.int64)  # n * stride passes 2**31 in ordinary training
    row = logits + n * stride
    y = tl.load(target + n)
    if y == IGNORE:
        tl.store(loss + n, 0.0)
        tl.store(maximum + n, 0.0)
        tl.store(total + n, 1.0)
    else:
        # A target outside [0, V) reads nothing and makes the loss NaN.
        x_y = tl.load(row + y, mask=(y >= 0) & (y < V), other=float("nan")).to(tl.float32)
        value, m, d = row_loss(row, x_y, V, SMOOTHING, Z_LOSS, BLOCK)
        tl.store(loss + n, value)
        tl.store(maximum + n, m)
        tl.store(total + n, d)


@triton.jit
def backward_kernel(
    logits, target, maximum, total, upstream, upstream_stride, gradient, stride, gradient_stride,
    V: tl.constexpr, IGNORE: tl.constexpr, SMOOTHING: tl.constexpr, Z_LOSS: tl.constexpr,
    BLOCK: tl.constexpr,
):  # fmt: skip
    """upstream_n * d loss_n / d x_nj from the saved m and d. Grid (N, cdiv(V, BLOCK))."""
    n = tl.program_id(0).to(tl.int64)
    start = tl.program_id(1) * BLOCK
    cols = start + tl.arange(0, BLOCK)
    row = logits + n * stride
    out = gradient + n * gradient_stride
    y = tl.load(target + n)
    if y == IGNORE:
        tl.store(out + cols, tl.zeros((BLOCK,), gradient.dtype.element_ty), mask=cols < V)
    else:
        known = (y >= 0) & (y < V)
        g = tl.where(known, tl.load(upstream + n * upstream_stride), float("nan")).to(tl.float32)
        m = tl.load(maximum + n)
        a, b = gradient_factors(m, tl.load(total + n), g, V, SMOOTHING, Z_LOSS)
        x_y = tl.load(row + y, mask=known, other=0.0).to(tl.float32)
        if start + BLOCK <= V:
            write_gradient(row + cols, out + cols, None, m, a, b, SMOOTHING)
        else:
            write_gradient(row + cols, out + cols, cols < V, m, a, b, SMOOTHING)
        here = (y >= start) & (y < start + BLOCK)
        write_target_gradient(out + y, known & here, x_y, m, a, b, g, SMOOTHING)


@triton.jit
def forward_gradient_kernel(
    logits, target, loss, upstream, upstream_stride, stride,
    V: tl.constexpr, IGNORE: tl.constexpr, SMOOTHING: tl.constexpr, Z_LOSS: tl.constexpr,
    BLOCK: tl.constexpr,
):  # fmt: skip
    """Loss of every row, and its gradient written over the logits, in one launch. Grid (N,).

    The second sweep finds the row in cache as long as all rows in flight fit there.
    """
    n = tl.program_id(0).to(tl.int64)
    row = logits + n * stride
    cols = tl.arange(0, BLOCK)
    y = tl.load(target + n)
    if y == IGNORE:
        tl.store(loss + n, 0.0)
        zeros = tl.zeros((BLOCK,), logits.dtype.element_ty)
        for start in range(0, V, BLOCK):
            tl.store(row + start + cols, zeros, mask=start + cols < V)
    else:
        known = (y >= 0) & (y < V)
        x_y = tl.load(row + y, mask=known, other=float("nan")).to(tl.float32)
        value, m, d = row_loss(row, x_y, V, SMOOTHING, Z_LOSS, BLOCK)
        tl.store(loss + n, value)
        g = tl.where(known, tl.load(upstream + n * upstream_stride), float("nan")).to(tl.float32)
        a, b = gradient_factors(m, d, g, V, SMOOTHING, Z_LOSS)
        FULL: tl.constexpr = V - V % BLOCK
        for start in range(0, FULL, BLOCK):
            write_gradient(row + start + cols, row + start + cols, None, m, a, b, SMOOTHING)
        if FULL < V:
            inside = cols < V - FULL
            write_gradient(row + FULL + cols, row + FULL + cols, inside, m, a, b, SMOOTHING)
        write_target_gradient(row + y, known, x_y, m, a, b, g, SMOOTHING)


@triton.jit
def rescale_kernel(
    gradient, upstream, upstream_stride, stride, V: tl.constexpr, BLOCK: tl.constexpr
):
    """Multiply row n by upstream_n, touching nothing where that is 1. Grid (N, cdiv(V, BLOCK)).

    The factor is looked at here, on the device: looking at it in Python would wait for the GPU.
    """
    n = tl.program_id(0).to(tl.int64)
    factor = tl.load(upstream + n * upstream_stride).to(tl.float32)
    if factor != 1:
        cols = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
        at = gradient + n * stride + cols
        g = tl.load(at, mask=cols < V).to(tl.float32) * factor
        tl.store(at, g.to(gradient.dtype.element_ty), mask=cols < V)
