# %% [markdown]
# # 11 · GPU lab: fused cross-entropy ★★★ (bonus)
#
# **The question.** A language model of 128,256 tokens that reads 8,192 positions makes a table of
# a thousand million logits, only to reduce it to one number. How little memory, and how few trips
# to it, does that number really need?
#
# **Why it matters.** Cross-entropy does about ten operations for each logit, and a GPU does them
# faster than its memory can deliver the logits. So what takes time is *traffic*, and what ends the
# run is *memory*. Both can be counted with a pencil, before anybody owns a GPU.
#
# **How the lab works.** A kernel is a small program that runs for one row at a time and sees one
# *block* of it at a time, as many logits as fit on the chip. You write the bodies of these programs
# in numpy, for a few rows at once, and somebody else plays the GPU: `launch_forward` below, or
# whoever grades. The row is cut into blocks of *their* choice, each block is handed to you alone,
# and what you want to remember of the blocks before must be in the two numbers that you return. No
# GPU is needed, and nothing here is timed. The lab is a bonus beside the ten problems; your
# instructor says how its points count.
#
# **Conventions.** Of a row of logits $x$ with target $y$, two **statistics** are kept:
#
# $$m = \max_j x_j \qquad d = \sum_j e^{x_j - m} \qquad
# \text{loss} = \log d + (m - x_y) \qquad
# \frac{\partial\,\text{loss}}{\partial x_j} = \frac{e^{x_j - m}}{d} - [j = y]$$
#
# Arrays of statistics have one entry for each row. A target of −100 says that a row does not count.

# %% nbgrader={"grade_id": "setup"}
import numpy as np

from lossmath.course import check, hint, progress

IGNORE = -100

# %% [markdown]
# ## Merge · 2 points
#
# Two programs have each read one half of a row. `merge(m1, d1, m2, d2)` returns the statistics
# `(m, d)` of the whole row, from theirs alone. All four are arrays of shape (rows,).
#
# ```
# the half [0, log 3] has      m1 = 1.09861,  d1 = 1.33333
# the half [log 5] has         m2 = 1.60944,  d2 = 1
# the whole [0, log 3, log 5]  m  = 1.60944,  d  = 1.8
# ```
#
# * Every sum $d$ is measured from its own maximum. They can be added once both are measured from
#   the same one.
# * A stretch that holds nothing but −∞ has m = −∞ and d = 0: it does not count. That is true of
#   both halves at once, too: the answer is then (−∞, 0), and −∞ − (−∞) is no number.
# * A NaN must come out of `m` and of `d`. float32 in gives float32 out.
#
# The order and the grouping of merges do not matter. This is why a thousand lanes of a GPU may each
# read a part of the row, and why no one of them has to see all of it.


# %% nbgrader={"grade_id": "statistics", "solution": true}
def merge(m1, d1, m2, d2):
    """Statistics of two stretches of logits together, from those of each.

    m1, m2: largest logits, arrays of shape (rows,), -inf where there is none.
    d1, d2: sums of exp(logit - m), arrays of that shape.
    Returns (m, d), two arrays of that shape and precision.
    """
    ### BEGIN SOLUTION
    m = np.maximum(m1, m2)
    # Where both are empty, anything finite does: exp(-inf - 0) is 0, and so is d.
    common = np.where(np.isneginf(m), 0, m)
    return m, d1 * np.exp(m1 - common) + d2 * np.exp(m2 - common)
    ### END SOLUTION


# %% nbgrader={"grade_id": "merge", "points": 2}
check("11", "merge")

# %% [markdown]
# ## Forward · 2 points
#
# The body of the forward kernel's loop, and what it does after the loop:
#
# * `absorb(m, d, x)` returns the statistics `(m, d)` after one block more. `x` has shape (rows,
#   block). Beyond the end of the row a block holds −∞, and whole blocks of −∞ may come first. `x`
#   may be float16 while `m` and `d` are float32: sums are kept in the precision of `m`.
# * `row_loss(m, d, x_target, target)` returns the loss of every row, from the statistics, the
#   target's logit and the target; 0 where the target is −100, whatever else stands there, NaN too.
#
# ```
# absorb([1], [2], [[1, 0]])                        m = [1],   d = [3.36788]
# row_loss([1, nan], [3, 1], [0, 0], [4, -100])     [2.09861, 0]
# row_loss([1e12], [3], [1e12], [1])                [1.09861]
# ```
#
# Near a logit of 10,000 float32 has three decimals left. The loss is a difference of logits and
# need not suffer: mind what you add to what.


# %% nbgrader={"grade_id": "forward_kernel", "solution": true}
def absorb(m, d, x):
    """Statistics of the blocks so far and of one more.

    m, d: statistics so far, arrays of shape (rows,); -inf and 0 before the first block.
    x: block of logits, shape (rows, block), -inf where there is none; its precision may be lower.
    Returns (m, d), two arrays of the shape and precision of m.
    """
    ### BEGIN SOLUTION
    x = x.astype(m.dtype)
    largest = x.max(axis=1)
    common = np.where(np.isneginf(largest), 0, largest)
    return merge(m, d, largest, np.exp(x - common[:, None]).sum(axis=1))
    ### END SOLUTION


def row_loss(m, d, x_target, target):
    """Cross-entropy of each row, in nats; 0 where the target is IGNORE.

    m, d: statistics of whole rows, arrays of shape (rows,). x_target: logits of the targets, array
    of that shape. target: whole numbers of that shape. Returns an array of the shape and precision
    of m.
    """
    ### BEGIN SOLUTION
    return np.where(target == IGNORE, 0, np.log(d) + (m - x_target))
    ### END SOLUTION


# %% [markdown]
# This is the launch: it cuts the rows into blocks and hands them to your functions.


# %% nbgrader={"grade_id": "launch_forward"}
def blocks(logits, block):
    """Pairs of a block's first column and the block, filled up with -inf beyond the end."""
    for start in range(0, logits.shape[1], block):
        x = logits[:, start : start + block]
        beyond = ((0, 0), (0, block - x.shape[1]))
        yield start, np.pad(x, beyond, constant_values=-np.inf)


def row_statistics(logits, block):
    """Statistics of every row, a block of columns at a time."""
    m, d = np.full(len(logits), -np.inf), np.zeros(len(logits))
    for _, x in blocks(logits, block):
        m, d = map(np.asarray, absorb(m, d, x))
    return m, d


def launch_forward(logits, target, block):
    """Sum of the rows' losses, for logits of shape (rows, classes)."""
    x_target = logits[np.arange(len(logits)), np.where(target == IGNORE, 0, target)]
    return row_loss(*row_statistics(logits, block), x_target, target).sum()


# %% nbgrader={"grade_id": "forward", "points": 2}
check("11", "forward")

# %% [markdown]
# ## Backward · 2 points
#
# The backward kernel reads the logits again and recomputes the probabilities from the statistics
# that forward has left. One block of it is `gradient_block(x, start, target, m, d, upstream)`: the
# gradient of the loss with respect to the block's logits, multiplied by `upstream`, one number for
# each row. The block's first column is column `start` of the row. Rows that do not count have a
# gradient of exactly 0. The answer has the shape and precision of `x`.
#
# ```
# x = [[0, log 3]], start = 4, target = [5], m = [log 3], d = [1.33333], upstream = [2]
#
# gradient_block = [[0.5, -0.5]]
# ```
#
# Blocks do not know of each other here: on a GPU they all run at once.


# %% nbgrader={"grade_id": "backward_kernel", "solution": true}
def gradient_block(x, start, target, m, d, upstream):
    """Gradient with respect to one block of logits.

    x: shape (rows, block), columns start to start + block of the rows. target: whole numbers of
    shape (rows,), IGNORE where the row does not count. m, d: statistics of the whole rows.
    upstream: factors of the rows' losses, array of shape (rows,). Returns an array like x.
    """
    ### BEGIN SOLUTION
    column = start + np.arange(x.shape[1])
    p = np.exp(x.astype(m.dtype) - m[:, None]) / d[:, None]
    gradient = upstream[:, None] * (p - (column == target[:, None]))
    # Not a product with 0: what does not count may be NaN.
    return np.where(target[:, None] == IGNORE, 0, gradient).astype(x.dtype)
    ### END SOLUTION


# %% nbgrader={"grade_id": "launch_backward"}
def launch_backward(logits, target, block):
    """Gradient of `launch_forward` with respect to the logits, block by block."""
    m, d = row_statistics(logits, block)
    upstream = np.ones(len(logits))
    pieces = [gradient_block(x, s, target, m, d, upstream) for s, x in blocks(logits, block)]
    return np.concatenate(pieces, axis=1)[:, : logits.shape[1]]


# %% nbgrader={"grade_id": "backward", "points": 2}
check("11", "backward")

# %% [markdown]
# ## In chunks, under a budget · 2 points
#
# The logits come out of a linear layer: `logits = x @ weight.T`, with features `x` of shape
# (rows, features) and a `weight` of shape (classes, features). Then they need never exist all at
# once. Take a *chunk* of rows, compute its logits, turn them into their gradient where they stand,
# and multiply that into the gradients $dx$ and $dW$, which are all that is kept.
#
# * `largest_chunk(rows, features, classes, budget)` returns how many rows a chunk may have at most.
#   Within `budget` bytes must lie $dx$, $dW$ and the logits of one chunk, all in float32, 4 bytes a
#   number. A chunk has no more rows than there are, and if not a single row fits, there is no
#   answer but `ValueError`.
# * `chunk_step(x, weight, target, scale, dw)` gets the rows of one chunk and returns `(loss, dx,
#   dw)`: `scale` times the sum of the chunk's losses, the gradient of that with respect to the
#   chunk's `x`, in the precision of `x`, and a new array, `dw` with this chunk's share added, in
#   the precision that `dw` came in. What comes in stays as it was. The logits, too, are computed in
#   the precision of `dw`. Some rows may have the target −100, and no column has that number. The
#   loss of a batch is a mean over all rows that count, and only the whole batch knows how many:
#   `scale` is one over their number.
#
# ```
# largest_chunk(rows=8, features=2, classes=10, budget=400) = 6
#
# x = [[1, 0]], weight = [[log 3, 5], [0, 7]], target = [0], scale = 0.5, dw = [[0, 0], [0, 0]]
# loss = 0.143841, dx = [[-0.137327, 0.25]], dw = [[-0.125, 0], [0.125, 0]]
# with target = [-100]: loss = 0, dx = [[0, 0]], dw = [[0, 0], [0, 0]]
# ```
#
# Whoever grades asks for the size of a chunk first, then hands you the batch in chunks of that
# size. So the memory is kept by construction: what you are never given you cannot keep.


# %% nbgrader={"grade_id": "chunked", "solution": true}
def largest_chunk(rows, features, classes, budget):
    """Most rows of logits that may exist at once.

    rows, features, classes: whole numbers, the shape of the problem. budget: bytes for dx, dW and
    the logits of a chunk, in float32. Returns a whole number of rows, at least 1 and at most rows.
    Raises ValueError when not a single row of logits fits.
    """
    ### BEGIN SOLUTION
    kept = (rows + classes) * features
    fit = (budget // 4 - kept) // classes
    if fit < 1:
        raise ValueError(f"largest_chunk: budget={budget} must be at least {4 * (kept + classes)}")
    return min(fit, rows)
    ### END SOLUTION


def chunk_step(x, weight, target, scale, dw):
    """Loss and gradients of one chunk of rows.

    x: features, shape (chunk, features). weight: shape (classes, features). target: whole numbers
    of shape (chunk,), IGNORE where a row does not count. scale: factor of every row's loss. dw: sum
    of the chunks before, shape (classes, features).
    Returns (loss, dx, dw): a number, an array like x, a new array like dw.
    """
    ### BEGIN SOLUTION
    wide, weight_wide = x.astype(dw.dtype), weight.astype(dw.dtype)
    logits = wide @ weight_wide.T
    m = logits.max(axis=1)
    d = np.exp(logits - m[:, None]).sum(axis=1)
    x_target = logits[np.arange(len(x)), np.where(target == IGNORE, 0, target)]
    loss = scale * row_loss(m, d, x_target, target).sum()
    gradient = gradient_block(logits, 0, target, m, d, np.full_like(m, scale))
    return loss, (gradient @ weight_wide).astype(x.dtype), dw + gradient.T @ wide
    ### END SOLUTION


# %% nbgrader={"grade_id": "chunks", "points": 2}
check("11", "chunks")

# %% [markdown]
# ## Bytes · 1 point
#
# `bytes_moved(program, rows, classes, itemsize)` returns how many bytes a program moves between the
# memory and the chip, for logits of `itemsize` bytes each. Only tables of shape (rows, classes)
# are counted; targets, statistics and losses are too small to matter. Each step of a program reads
# the tables it needs from memory and writes the one it makes. These are the programs:
#
# * `"forward"`: the loss from the logits.
# * `"backward"`: the gradient from the logits and the statistics.
# * `"two kernels"`: the two above, one after the other.
# * `"one launch"`: a row's loss, then its gradient, written over the logits. The row is still on
#   the chip when it is needed for the second time.
# * `"eager"`: log-probabilities from the logits; the loss picks one of each row. Backwards: a table
#   of zeros with one entry set in each row; the gradient from that table and the log-probabilities.
# * `"naive"`: probabilities from the logits; their logarithms; the loss picks one of each row.
#   Backwards: a table of zeros with one entry set in each row; the gradient of the logarithm from
#   that table and the probabilities; the gradient of the softmax from the last table and the
#   probabilities.
# * `"cast"`: the logits turned into float32, which has 4 bytes; the program `"eager"` on these; its
#   gradient turned back.
#
# Setting or picking one entry of each row moves next to nothing; filling a table with zeros writes
# all of it. For example, with 2 rows, 3 classes and 4 bytes `"forward"` moves 24 bytes, and
# `"eager"` moves 144.
#
# Compare `"cast"` with `"one launch"` for logits of 2 bytes. Many training scripts are the former,
# for fear of the small precision.


# %% nbgrader={"grade_id": "bytes_moved", "solution": true}
def bytes_moved(program, rows, classes, itemsize):
    """Bytes of tables read and written by a program.

    program: one of the seven names above. rows, classes: shape of the logits. itemsize: bytes of
    one logit. Returns a whole number of bytes.
    """
    ### BEGIN SOLUTION
    # Reads and writes of the whole table.
    passes = {"forward": 1, "backward": 2, "two kernels": 3, "one launch": 2}
    passes |= {"eager": 2 + 1 + 3, "naive": 2 + 2 + 1 + 3 + 3}
    if program == "cast":
        cast = itemsize + 4
        return rows * classes * (cast + 4 * passes["eager"] + cast)
    return rows * classes * itemsize * passes[program]
    ### END SOLUTION


# %% nbgrader={"grade_id": "bytes", "points": 1}
check("11", "bytes")

# %% [markdown]
# ## Judge a claim · 1 point
#
# A pull request reports: "linear layer with cross-entropy, forward *and* backward, 8192 rows, 4096
# features, 128256 classes: 13.6 ms." The data sheet of that GPU promises 989 TFLOP/s for products
# of large matrices, more than any program reaches. Do you believe the report? Compute the least
# time it can take, and say what may have been measured instead.
#
# *How it is read.* Half a point for the least time, from the number of matrix products and their
# operations; half a point for an explanation that the numbers bear out.

# %% [markdown] nbgrader={"grade_id": "claim", "points": 1, "solution": true}
# Three products are needed: the logits, $dx$ and $dW$, each of $2 \cdot 8192 \cdot 4096 \cdot
# 128256$ operations, which is 8.6 TFLOP, together 25.8 TFLOP. At 989 TFLOP/s they take 26.1 ms;
# 13.6 ms would need 1900 TFLOP/s, nearly twice of what the GPU can do. The forward pass alone,
# one product, takes at least 8.7 ms and fits: it was most likely timed without the backward pass.
#
# *For the reader.* 26 ms earns the first half, also without the cross-entropy itself, which
# is small beside the products. Other explanations earn the second half only with a number: one
# product, a smaller batch, a shorter row. "The clock was wrong" does not.

# %% [markdown]
# Stuck? `hint("11")` gives three hints, one at a time. `progress()` shows where you are.
#
# ## Beyond the grade: a real kernel
#
# Your functions are the bodies of real kernels. Here you write one as a GPU would run it, in
# [Triton](https://triton-lang.org), and learn what it would execute, although there may be no GPU
# near you. No points depend on it. It needs PyTorch and Triton, which there is for Linux:
# `%pip install torch triton` in a cell of your own brings both.
#
# The kernel below is one *program* for each row. Row n has its `V` logits in memory from the
# address `logits + n * stride` on, and its target at `target + n`; its loss belongs at `loss + n`.
# In Triton
#
# * `tl.arange(0, BLOCK)` is a block of column numbers, and sums and comparisons of it are blocks;
# * `tl.load(address, mask=..., other=float("-inf"))` reads a block, and where the mask is false,
#   beyond the end of the row, it gives `other`; `.to(tl.float32)` comes next, as for `absorb`;
# * `tl.maximum` is of two blocks, `tl.max(x, axis=0)` and `tl.sum(x, axis=0)` are of one;
# * `tl.exp`, `tl.exp2` and `tl.log` are what they are called;
# * a number that has its name outside the kernel is declared so: `HALF = tl.constexpr(0.5)`.
#
# `budget("forward.py")` runs your kernel in Triton's interpreter, on rows of which the loss is
# known. Then it compiles it for an H100 or H200 and reads the result: how many *registers* a thread
# needs, how many instructions *spill*, that is, carry registers to memory because there are too few
# of them, how many bytes a load brings, and how many instructions a logit takes. While the memory
# of an H200 delivers one logit of two bytes, its processors have time for some 14. The budget
# leaves a margin: no spills, loads of 16 bytes, at most 11 instructions per logit, for rows of
# 128,256. Rows of 50,257 are shown, too. Why are they dearer?
#
# <details><summary>First hint: getting it right</summary>
#
# It is `absorb` in a loop over `range(0, V, BLOCK)`, with two plain numbers for m and d. Start m at
# the lowest finite float32, −3.4028234663852886e38, instead of −∞: then there is nothing to guard.
# Start d at `0.0`, not at `0`. And n times the stride passes 2³¹, so make n an int64 first:
# `tl.program_id(0).to(tl.int64)`.
# </details>
# <details><summary>Second hint: wide loads</summary>
#
# A thread reads 16 bytes at once if the compiler can see that they lie side by side and that all of
# them are wanted or none. So no index from a table, no order but the natural one, and a mask that
# compares columns with V and with nothing else. The target's logit is a load of its own.
# </details>
# <details><summary>Third hint: fewer instructions</summary>
#
# The hardware knows only the power of 2. `tl.exp2((x - m) * LOG2E)`, with LOG2E =
# 1.4426950408889634, is one exponential and two instructions beside it; `tl.exp` adds some for
# results so small that a sum never sees them. What happens once a block is shared by all its
# logits, so a block should be large; and one that does not fit into the registers spills.
# </details>

# %%
# %%writefile forward.py
import triton
import triton.language as tl


@triton.jit
def forward_kernel(logits, target, loss, stride, V: tl.constexpr, BLOCK: tl.constexpr):
    """Cross-entropy of one row of V logits, BLOCK at a time, into loss + n."""
    pass


# %%
from lossmath.course import budget

budget("forward.py")

# %% [markdown]
# Then read `lossmath/fused/kernels.py`, in which every line has its reason. With a GPU of your own,
# `python -m lossmath.fused.bench` measures those kernels against PyTorch's own. Before you run it,
# write down what you expect from `bytes_moved`, and keep both numbers below.
#
# | program | expected | measured | my machine |
# |---|---|---|---|
# | | | | |

# %% tags=["public"]
from lossmath.course.laws import Example, Gradient, Invariant, Precision, Pure, Refuses

hints = [
    "Whenever two sums of exponentials meet, ask of each from which number its exponents are "
    "measured. What does a sum have to be multiplied by to be measured from another one, and what "
    "is that factor where there is nothing to measure?",
    "A block is a stretch like any other: find its own two statistics, then use what you already "
    "have. In the gradient, a block knows its columns only by where it starts; compare those with "
    "the target.",
    "For the chunk, count three tables and let the budget pay for two of them first. For the "
    "traffic, go through the steps with a pencil: one stroke for every table that is read, one for "
    "every table that is written, zeros included.",
]

inf, nan = float("inf"), float("nan")
log3, log5 = float(np.log(3)), float(np.log(5))


def row(*values, dtype="float64"):
    return np.array(values, dtype=dtype)


halves = (row(log3), row(4 / 3), row(log5), row(1.0))
merges = [
    halves,
    (row(0.0), row(1.0), row(0.0), row(2.0)),
    (row(2.0, -1.0), row(1.5, 3.0), row(-1.0, 4.0), row(2.0, 1.25)),
    (row(-inf, 3.0), row(0.0, 1.0), row(1.0, -inf), row(2.0, 0.0)),
]
hard_merges = [
    (row(-inf), row(0.0), row(-inf), row(0.0)),
    (row(9e3, -9e3), row(1.0, 2.0), row(-9e3, 9e3), row(3.0, 1.5)),
    (row(nan, 1.0), row(nan, 1.0), row(1.0, nan), row(1.0, nan)),
    (row(nan), row(1.0), row(2.0), row(1.0)),
    tuple(a.astype("float32") for a in merges[2]),
]
absorbed = (row(1.0), row(2.0), np.array([[1.0, 0.0]]))
absorbs = [
    absorbed,
    (row(-inf), row(0.0), np.array([[0.0, log3, log5]])),
    (row(3.0, -2.0), row(1.5, 2.5), np.array([[1.0, 4.0, -inf], [-3.0, -2.5, -inf]])),
]
hard_absorbs = [
    (row(-inf, 2.0), row(0.0, 1.5), np.array([[-inf, -inf], [-inf, -inf]])),
    (row(9e3), row(1.5), np.array([[9001.0, 8999.5]])),
    (row(1.0), row(1.5), np.array([[nan, 2.0]])),
    (
        row(-inf, dtype="float32"),
        row(0.0, dtype="float32"),
        np.linspace(0, 1, 40, dtype="float16")[None],
    ),
]
counted = (row(1.0, nan), row(3.0, 1.0), row(0.0, 0.0), np.array([4, IGNORE]))
high = (row(1e12), row(3.0), row(1e12), np.array([1]))
ends = [
    (row(1.0), row(3.0), row(0.5), np.array([2])),
    counted,
    (row(2.0, -1.0, 3.0), row(1.0, 2.5, 4.0), row(2.0, -3.0, 1.0), np.array([0, 7, IGNORE])),
]
hard_ends = [
    high,
    (
        row(2.0, dtype="float32"),
        row(3.0, dtype="float32"),
        row(0.5, dtype="float32"),
        counted[3][:1],
    ),
    (row(1.0, nan), row(1.5, 1.0), row(1.0, 2.0), np.array([0, 3])),
]
table = np.array([[0.5, -1.25, 2.0, 0.75, 1.5], [3.0, 2.5, -0.5, 0.0, 1.0]])
launches = [
    (np.array([[1.0, 2.0]]), np.array([0]), 1),
    (np.array([[1.0, 2.0, 0.5]]), np.array([1]), 2),
    (table, np.array([2, 4]), 2),
    (table, np.array([0, IGNORE]), 4),
]
two = (np.array([[0.0, log3]]), 4, np.array([5]), row(log3), row(4 / 3), row(2.0))
tiles = [
    two,
    (np.array([[0.0, log3]]), 0, np.array([0]), row(2.0), row(3.0), row(1.0)),
    (table[:, :2], 2, np.array([3, IGNORE]), row(3.0, 4.0), row(2.5, 1.5), row(0.5, 2.0)),
    (table, 5, np.array([6, 1]), row(2.5, 4.0), row(4.5, 1.25), row(1.5, -0.25)),
]
hard_tiles = [
    (np.array([[9000.0, 8999.0, -inf]]), 3, np.array([4]), row(9000.0), row(2.5), row(1.0)),
    (np.array([[nan, 1.0]]), 0, np.array([IGNORE]), row(nan), row(nan), row(1.0)),
    (
        np.array([[0.5, 1.5]], dtype="float16"),
        2,
        np.array([2]),
        row(1.5, dtype="float32"),
        row(2.25, dtype="float32"),
        row(1.0, dtype="float32"),
    ),
]
chunk = (np.array([[1.0, 0.0]]), np.array([[log3, 5.0], [0.0, 7.0]]), np.array([0]), 0.5)
weight = np.array([[0.5, -1.0], [1.5, 0.25], [-0.75, 2.0]])
steps = [
    (*chunk, np.zeros((2, 2))),
    (np.array([[1.0, 2.0], [-0.5, 0.75]]), weight, np.array([2, 0]), 0.25, np.ones((3, 2))),
    (
        np.array([[1.0, 2.0], [-0.5, 0.75], [0.0, 3.0]]),
        weight,
        np.array([1, IGNORE, 2]),
        0.2,
        0.5 * np.ones((3, 2)),
    ),
]
hard_steps = [
    (np.array([[400.0, 0.0]]), weight, np.array([1]), 1.0, np.zeros((3, 2))),
    (np.array([[1.0, 2.0]]), weight, np.array([IGNORE]), 1.0, np.ones((3, 2))),
    (
        np.array([[0.3, -0.7]], dtype="float16"),
        weight.astype("float16"),
        np.array([0]),
        0.1,
        np.array([[7.1, 2.3], [5.7, -3.3], [8.9, 1.1]], dtype="float32"),
    ),
]
sizes = [(8, 2, 10, 400), (1, 1, 1, 12), (5, 3, 4, 300), (100, 2, 3, 4000), (7, 2, 5, 187)]
too_small = (8, 2, 10, 183)
programs = ("forward", "backward", "two kernels", "one launch", "eager", "naive", "cast")
traffic = [(program, 2, 3, size) for size in (4, 2) for program in programs]

inputs = {
    "merge": merges,
    "absorb": absorbs,
    "row_loss": ends,
    "launch_forward": launches,
    "gradient_block": tiles,
    "launch_backward": launches,
    "largest_chunk": sizes,
    "chunk_step": steps,
    "bytes_moved": traffic,
}
probes = {
    "merge": hard_merges,
    "absorb": hard_absorbs,
    "row_loss": hard_ends,
    "gradient_block": hard_tiles,
    "largest_chunk": [too_small, (3, 1, 2, 27)],
    "chunk_step": hard_steps,
}
laws = {
    "merge": [
        Example("merge", halves, (np.array([1.6094379124341003]), np.array([1.8]))),
        Invariant("merge", "sides swapped"),
        Precision("merge"),
        Pure("merge"),
    ],
    "forward": [
        Example("absorb", absorbed, (np.array([1.0]), np.array([3.3678794411714423]))),
        Example("row_loss", counted, np.array([2.09861228866811, 0.0])),
        Example("row_loss", high, np.array([1.09861228866811])),
        Invariant("launch_forward", "blocks"),
        Precision("absorb"),
        Precision("row_loss"),
        Pure("absorb"),
        Pure("row_loss"),
    ],
    "backward": [
        Example("gradient_block", two, np.array([[0.5, -0.5]])),
        Gradient("launch_backward", of="launch_forward", wrt="logits"),
        Invariant("launch_backward", "blocks"),
        Precision("gradient_block"),
        Pure("gradient_block"),
    ],
    "chunks": [
        Example("largest_chunk", (8, 2, 10, 400), 6),
        Refuses("largest_chunk", too_small, "ValueError", "when not a single row fits"),
        Example(
            "chunk_step",
            (*chunk, np.zeros((2, 2))),
            (
                0.14384103622589042,
                np.array([[-0.13732654, 0.25]]),
                np.array([[-0.125, 0.0], [0.125, 0.0]]),
            ),
        ),
        Example(
            "chunk_step",
            (*chunk[:2], np.array([IGNORE]), 0.5, np.zeros((2, 2))),
            (0.0, np.zeros((1, 2)), np.zeros((2, 2))),
        ),
        Pure("chunk_step"),
    ],
    "bytes": [
        Example("bytes_moved", ("forward", 2, 3, 4), 24),
        Example("bytes_moved", ("eager", 2, 3, 4), 144),
        Pure("bytes_moved"),
    ],
}
