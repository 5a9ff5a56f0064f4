# %% [markdown]
# # 13 Fused cross-entropy: the same arithmetic, a fraction of the traffic
#
# A language model ends in one logit for every word it knows. A batch of `8192` tokens and a
# vocabulary of `128256` words make a table of a billion logits, two gigabytes in bfloat16.
# Cross-entropy turns it into one number, and into a gradient of the same size. The arithmetic is
# nothing: about ten operations per logit. So why can two programs that compute *exactly the same
# loss* differ ninefold in what they cost?
#
# Because they carry the table past the processor a different number of times. This chapter counts:
# passes, tensors, instructions. It needs no GPU. Every time on a GPU in it is a **prediction**,
# computed from bytes and from the rates of a data sheet, and labelled so. What was measured, and on
# which machine, stands at the end and says so too.

# %%
import importlib.util
import json
import os
import subprocess
import sys
import warnings
from functools import lru_cache, partial, reduce
from pathlib import Path
from textwrap import shorten

import numpy as np
import torch
import torch.nn.functional as F
from IPython.display import Markdown
from torch.autograd.function import once_differentiable

import lossmath as lm
from lossmath.explore import (
    Axis,
    Band,
    Bars,
    Curve,
    Explorer,
    Panel,
    Picture,
    Points,
    Predict,
    Rule,
    Slider,
)
from lossmath.fused import cross_entropy, linear_cross_entropy, plain, providers
from lossmath.fused.arguments import Options
from lossmath.fused.bench import GRID
from lossmath.fused.linear import FLOP_PER_BYTE, rows_per_chunk
from lossmath.fused.measure import Cpu
from lossmath.fused.published import (
    DEVICES,
    SOURCES,
    UNITS,
    carried,
    logits_bytes,
    table,
    teraflops,
)
from lossmath.fused.report import NOMINAL, recorded, tables
from lossmath.fused.workload import Workload

ROWS, WORDS, FEATURES = 8192, 128256, 4096
MILLI = 1e-3
print(f"An H200 by its data sheet: {NOMINAL['GBps']:.0f} GB/s of memory traffic, "
      f"{NOMINAL['TFLOPs']:.0f} TFLOP/s of bfloat16 products")  # fmt: skip
print(f"The table of logits: {2 * ROWS * WORDS / 1e9:.1f} GB")

# %% [markdown]
# ## Predict: how often does the table pass?
#
# Call the size of the logits $U$. The loss cannot be known before every logit has been **read**,
# and the gradient, $p - q$ for every logit, must be **written**. So nothing beats $2U$ for both.
# That is the **floor**. Three programs, for the loss and its gradient, in the shape of above:
#
# * **naive**: `-logits.softmax(1).log().gather(1, target).mean()`, then `backward()`;
# * **eager**: `F.cross_entropy(logits, target)`, which is `log_softmax` and `nll_loss`, then
#   `backward()`;
# * **in place**: one kernel that keeps a row close at hand and writes its gradient over it.
#
# Before you read on: how many gigabytes does each carry to and from memory? Every operation that is
# not fused reads its tables and writes its result. Write your numbers here, or on paper: a guess
# that was never written down cannot be wrong.

# %%
MINE = {"in place": None, "eager": None, "naive": None}  # your gigabytes in place of None

# %% jupyter={"source_hidden": true}
PASSES = {"in place": 2, "two kernels": 3, "eager": 6, "naive": 11, "float()": 18}


def gigabytes(name, rows=ROWS, words=WORDS, width=2):
    """What a program moves, forward and backward, by its passes over the logits."""
    return PASSES[name] * width * rows * words / 1e9


def verdict(name, guess):
    """Nothing is told before something was written down."""
    if guess is None:
        return "write a number in the cell above, and run both again"
    return f"you wrote {guess:5.1f} GB; counted: {gigabytes(name):5.1f} GB, {PASSES[name]} passes"


print("\n".join(f"{name:9} {verdict(name, guess)}" for name, guess in MINE.items()))

# %% [markdown]
# And this is the count, in passes over the table:
#
# * **in place**: one launch reads a row, keeps it close at hand, and writes its gradient over it.
#   One reading, one writing: $2U$.
# * **two kernels**, a forward and a backward: read; later read again, and write. $3U$, whether the
#   gradient is written over the logits, which saves memory, or beside them.
# * **eager**: `log_softmax` reads and writes; `nll_loss` picks one logit of a row, and its backward
#   fills a whole table with zeros; the softmax's backward reads two tables and writes one. $6U$.
# * **naive**: `softmax` reads and writes, `log` reads and writes, `gather` picks. Backward,
#   `gather` fills a table with zeros, and `log` and `softmax` each read two tables and write one.
#   At least $11U$.
# * **float()**: many training scripts convert bfloat16 logits to float32 first. Eager then moves
#   its passes at four bytes, plus the two conversions: $36$ bytes per logit, $18U$.
#
# For the shape above that is 4.2<!--= f"{gigabytes('in place'):.1f}" --> GB in place,
# 12.6<!--= f"{gigabytes('eager'):.1f}" --> GB eager and
# 23.1<!--= f"{gigabytes('naive'):.1f}" --> GB naive. Whoever guessed that the naive program moves
# its three tables once each forgot the readings, and that backward costs more than forward. A time
# follows by dividing by the rate of the memory.

# %% jupyter={"source_hidden": true}
ENDS = np.linspace(0, 262144, 9)


def moving(vocabulary, passes, rate):
    """Milliseconds to move the bfloat16 logits of ROWS rows `passes` times."""
    return passes * 2 * ROWS * vocabulary / (1e9 * rate) / MILLI


def traffic(vocabulary, rate):
    return Picture(
        [
            Panel(
                "predicted time, forward and backward (ms)",
                [
                    *(
                        Curve(ENDS * MILLI, moving(ENDS, passes, rate), name)
                        for name, passes in PASSES.items()
                    ),
                    Rule(vocabulary * MILLI),
                ],
                Axis("vocabulary V, in thousands", 0, 262.144),
                Axis("", 0, 17),
            )
        ],
        readings={
            f"{name} (ms)": moving(vocabulary, passes, rate) for name, passes in PASSES.items()
        },
    )


dear = moving(WORDS, PASSES["float()"], NOMINAL["GBps"])
least = moving(WORDS, PASSES["in place"], NOMINAL["GBps"])
Explorer(
    traffic,
    [
        Slider("vocabulary", 0, 262144, WORDS, symbol="V", meaning="words in the vocabulary"),
        Slider("rate", 2000, 6000, NOMINAL["GBps"], "log", "B", "GB/s", "rate of the memory"),
    ],
    title="Bytes decide: predictions for 8192 rows of bfloat16 logits",
    predict=Predict(
        "The in-place program moves the table twice. By what factor is converting to float32 and "
        "calling the eager loss slower, if bytes decide?",
        answer=dear / least,
        within=0.5,
        because="36 bytes per logit against 4. The rate of the memory cancels.",
    ),
)

# %% [markdown]
# Every program is a straight line, and its steepness is its number of passes. At the data sheet's
# rate the floor is 0.88<!--= f"{least:.2f}" --> ms, and the habit of converting first costs
# 7.9<!--= f"{dear:.1f}" --> ms. No real copy reaches the data sheet's rate, so turn $B$ down to
# what yours does: all lines rise together, and their **ratios stay**. That is why an honest
# benchmark measures a plain copy in the same run and reports a share of it.
#
# ## It dies quietly
#
# Before speed, correctness. Here are three programs for the same loss, with two logits, the right
# one lower by a gap. The true gradient is $p - q$, close to plus and minus one.

# %%
FORMS = {
    "exp, sum, log": providers.exp_sum_log_gather,
    "softmax, then log": providers.softmax_gather_log,
    "F.cross_entropy": F.cross_entropy,
}


def loss_and_pull(form, gap, dtype=torch.float32):
    """Loss and gradient in the wrong class's logit, which stands `gap` above the right one's."""
    logits = torch.tensor([[gap, 0.0]], dtype=dtype, requires_grad=True)
    loss = form(logits, torch.tensor([1]))
    (gradient,) = torch.autograd.grad(loss, logits)
    return loss.item(), gradient[0, 0].item()


print("gap    loss and gradient of " + "; ".join(FORMS))
for gap in (20.0, 80.0, 90.0, 110.0):
    pairs = [loss_and_pull(form, gap) for form in FORMS.values()]
    print(f"{gap:3.0f}" + "".join(f"{loss:12.1f} {pull:4g}" for loss, pull in pairs))

# %% jupyter={"source_hidden": true}
GAPS = np.arange(1.0, 121.0)


@lru_cache(maxsize=1)
def shares_of_the_truth():
    """For each form the loss and the gradient over the true ones, along GAPS; NaN where lost."""
    truth = np.array([loss_and_pull(F.cross_entropy, gap, torch.float64) for gap in GAPS])
    shares = {}
    for name, form in FORMS.items():
        share = np.array([loss_and_pull(form, gap) for gap in GAPS]) / truth
        shares[name] = np.where(np.isfinite(share), share, np.nan)
    return shares


def dying(gap):
    at = int(np.argmin(np.abs(GAPS - gap)))
    panels, readings = [], {}
    for name, share in shares_of_the_truth().items():
        lost = np.where(np.isnan(share[:, 1]), 1.5, -0.2)
        panels.append(
            Panel(
                name,
                [
                    Band(GAPS, np.full_like(GAPS, -0.2), lost, stroke="grey"),
                    Curve(GAPS, share[:, 0], "loss"),
                    Curve(GAPS, share[:, 1], "gradient"),
                    Rule(gap),
                ],
                Axis("gap", 0, 120),
                Axis("share of the truth" if not panels else "", -0.2, 1.5),
            )
        )
        readings[f"gradient, {name}"] = share[at, 1]
    return Picture(panels, readings)


gradients = {name: share[:, 1] for name, share in shares_of_the_truth().items()}
zero_from = GAPS[np.argmax(gradients["exp, sum, log"] < 0.5)]
gone_from = GAPS[np.argmax(np.isnan(gradients["softmax, then log"]))]
infinite_from = GAPS[np.argmax(np.isnan(shares_of_the_truth()["softmax, then log"][:, 0]))]
Explorer(
    dying,
    [Slider("gap", 1, 120, 60, meaning="by how much the wrong logit is higher", whole=True)],
    title="Right is 1; shaded: the gradient is not a number",
    predict=Predict(
        "softmax, then log: which fails first as the gap grows?",
        choices=("the loss", "the gradient", "both at once"),
        answer="the gradient",
        because="The loss needs log p, the gradient 1/p, and 1/p overflows before p underflows.",
    ),
)

# %% [markdown]
# Look at the first panel: the loss is perfect, no warning appears, and from a gap of
# 52<!--= f"{zero_from:.0f}" --> on the gradient is zero where it should be one: that token no
# longer teaches anything. In the second panel the gradient is gone at
# 89<!--= f"{gone_from:.0f}" -->, while the loss is a number until
# 104<!--= f"{infinite_from:.0f}" -->. *The loss looked fine* is what people say who watched
# the loss only.
#
# ## Count the tensors
#
# Memory has one great advantage over time: it can be counted exactly, on any machine. The allocator
# reports every tensor it hands out and takes back. Below is what eight programs hold while they
# compute the loss and its gradient, event by event, in units of one table of logits: the six ways
# to write the loss that one meets, and the two kernels and the one launch of this course.

# %%
count = Workload(512, 8000, None, torch.float32, "cpu", backward=True)
unit = 4 * count.N * count.V
scale = Cpu()


def held(program):
    """Tables of logits held beyond the logits themselves, after every larger allocation."""
    torch.manual_seed(0)
    leaves, target = count.inputs()
    arguments = count.arguments(leaves)
    levels = np.array(scale.held(lambda: count.call(program, arguments, target))) / unit
    levels = levels[np.append(True, np.abs(np.diff(levels)) > 0.2)]
    return np.concatenate([[0.0], levels])


STAIRS = {
    "exp, sum, log": held(providers.exp_sum_log_gather),
    "logsumexp": held(providers.logsumexp_minus_gather),
    "softmax, log, gather": held(providers.softmax_log_gather),
    "softmax, gather, log": held(providers.softmax_gather_log),
    "log_softmax, nll_loss": held(providers.log_softmax_nll),
    "F.cross_entropy": held(F.cross_entropy),
    "two kernels": held(cross_entropy),
    "one launch": held(partial(cross_entropy, in_place=True)),
}
for name, levels in STAIRS.items():
    print(f"{name:21} at most {levels.max():.1f} tables")

CPU = next(run for run in recorded() if run["env"]["kind"] == "cpu")
GPU_RUNS = [run for run in recorded() if run["env"]["kind"] == "cuda"]
GPU = [
    r
    for run in GPU_RUNS
    if run["env"]["device"] == GPU_RUNS[0]["env"]["device"]
    for r in run["results"]
    if r["ok"]
]


def result(program, direction="fwd+bwd", op="cross_entropy"):
    """A recorded result by the name of its program."""
    wanted = (op, direction, program)
    return next(r for r in CPU["results"] if (r["op"], r["pass"], r["provider"]) == wanted)


def recorded_tables(program):
    """Recorded peak memory in tables of logits."""
    r = result(program)
    return r["peak_extra_bytes"] / (4 * r["N"] * r["V"])


for program in ("softmax, log, gather", "F.cross_entropy"):
    name = f"compile({program})"
    print(
        f"{name:29} at most {recorded_tables(name):.1f} tables (recorded: compiling takes a while)"
    )


# %% jupyter={"source_hidden": true}
TOGETHER = {
    "exponentials by hand": ("exp, sum, log", "logsumexp"),
    "softmax first": ("softmax, log, gather", "softmax, gather, log"),
    "the library's loss": ("log_softmax, nll_loss", "F.cross_entropy"),
    "fused": ("two kernels", "one launch"),
}
HEIGHTS = sorted(
    {round(levels.max()) for levels in STAIRS.values()} - {0}
    | {round(recorded_tables("compile(softmax, log, gather)"))},
    reverse=True,
)


def steps(levels):
    """A staircase through the levels, from 0 to 1 along the run."""
    at = np.linspace(0, 1, len(levels) + 1)
    return np.repeat(at, 2)[1:-1], np.repeat(levels, 2)


def memory(rows):
    table = 4 * rows * WORDS / 1e9
    return Picture(
        [
            *(
                Panel(
                    title,
                    [Curve(*steps(STAIRS[name]), name) for name in names],
                    Axis("first event to last", 0, 1),
                    Axis("tables of logits", 0, 7),
                )
                for title, names in TOGETHER.items()
            ),
            Panel(
                "a peak in GB, float32",
                [Bars([peak * table for peak in HEIGHTS], names=tuple(map(str, HEIGHTS)))],
                Axis("tables at the peak", -0.6, len(HEIGHTS) - 0.4),
                Axis("GB", 0, 55),
            ),
        ],
        readings={"one table (GB)": table},
    )


Explorer(
    memory,
    [Slider("rows", 512, 16384, ROWS, symbol="N", meaning="tokens in the batch", whole=True)],
    title="The staircase of memory, and what it comes to for 128256 words",
    predict=Predict(
        "How many tables of logits does F.cross_entropy hold at its peak, forward and backward, "
        "the gradient included and the logits themselves not?",
        answer=round(float(STAIRS["F.cross_entropy"].max())),
        within=0.1,
        because="The log-probabilities, the zeros that nll_loss fills in, and the gradient.",
    ),
)

# %% [markdown]
# The peaks are integers: 6<!--= round(STAIRS["exp, sum, log"].max()) --> tables for exponentials
# without the maximum, 4<!--= round(STAIRS["logsumexp"].max()) --> for `logsumexp`,
# 3<!--= round(STAIRS["softmax, log, gather"].max()) --> for either order of softmax and logarithm,
# and as many for the library's loss, which is `log_softmax` and `nll_loss` to the last step. The
# two kernels hold 1<!--= round(STAIRS["two kernels"].max()) -->, the gradient that was asked for.
# In place none is held: what little shows is a few rows that the CPU's version works on at a time,
# and that do not grow with the batch. The recorded run at the end of this chapter adds that
# `torch.compile` takes `F.cross_entropy` to
# 1<!--= f"{recorded_tables('compile(F.cross_entropy)'):.0f}" -->, but leaves `softmax, log, gather`
# at 2<!--= f"{recorded_tables('compile(softmax, log, gather)'):.0f}" -->: a
# compiler fuses what you wrote, it does not replace your formula.
#
# > **Refute this.** *“The naive formula is slower than the library's.”* It holds as many tables and
# > makes more passes. Is it? Here is what one CPU thread said.

# %%
naive_ratio = result("softmax, gather, log")["ratio"]
advice_ratio = result("logsumexp - gather")["ratio"]
for name, ratio in {
    "softmax, gather, log": naive_ratio,
    "logsumexp - gather": advice_ratio,
}.items():
    print(f"{name:21} {ratio['median']:.2f} times as long as {ratio['to']}, "
          f"from {ratio['min']:.2f} to {ratio['max']:.2f} (recorded)")  # fmt: skip
assert naive_ratio["median"] < 1.05 < advice_ratio["min"]

# %% [markdown]
# Not there: one naive form took 0.97<!--= f"{naive_ratio['median']:.2f}" --> of the library's time,
# and `logsumexp - gather`, the form that most texts recommend, took
# 1.77<!--= f"{advice_ratio['median']:.2f}" --> times as long. Speed depends on the machine and on
# the order of operations. Memory and correctness do not. So count before you time.
#
# ## Two numbers per row
#
# For a row of logits $x$ with the target $y$, let
#
# $$m = \max_j x_j, \qquad d = \sum_j e^{x_j - m} .$$
#
# Then $\log\sum_j e^{x_j} = m + \log d$, and
#
# $$\text{loss} = \log d + (m - x_y), \qquad
# \frac{\partial\,\text{loss}}{\partial x_j} = \frac{e^{x_j - m}}{d} - [j = y] .$$
#
# No exponent is ever positive, so nothing overflows, and $d \ge 1$, so its logarithm is harmless. A
# backward pass needs no table of probabilities: the logits and **two numbers per row** rebuild
# them. Check both formulas against this course's record:

# %%
torch.manual_seed(1)
x, y = 3 * torch.randn(4, 50, dtype=torch.float64), torch.tensor([0, 7, 7, 49])
m = x.amax(1)
d = (x - m[:, None]).exp().sum(1)
loss = d.log() + (m - x[torch.arange(4), y])
gradient = (x - m[:, None]).exp() / d[:, None]
gradient[torch.arange(4), y] -= 1
record = lm.CrossEntropyFromLogits()
assert torch.allclose(loss, record.value(x, y), rtol=1e-13)
assert torch.allclose(gradient, record.gradient(x, y), atol=1e-14)
print("loss and gradient agree with the record to thirteen digits")

# %% [markdown]
# Why keep the pair, and not the single number $m + \log d$? Large logits. A float32 has about seven
# digits, and at ten thousand the sum spends five of them on $m$. A third form, *folded*, is a trick
# of kernels: the hardware knows $2^t$ only, so $e^{x - m} = 2^{xc - mc}$ with
# $c = 1/\log 2$, which costs one instruction less than $2^{(x - m)c}$. Is it the same number?

# %% jupyter={"source_hidden": true}
OFFSETS = np.geomspace(1, 1e6, 25)
KEPT = ("lse", "(m, d)", "folded")
torch.manual_seed(2)
NOISE, PICKED = torch.randn(16, 256), torch.randint(256, (16,))
COLUMN = PICKED[:, None]


def apart(got, want):
    return float((got.double() - want).norm() / want.norm())


@lru_cache(maxsize=4096)
def precision(offset, spread):
    """Relative errors (loss, probabilities) of each way to keep a row, in float32."""
    z = offset + spread * NOISE
    exact = z.double()
    lse = exact.logsumexp(1)
    wanted = lse - exact.gather(1, COLUMN)[:, 0], (exact - lse[:, None]).exp()
    loss, m, d = plain.forward(z, PICKED, Options())
    one, top = (m + d.log())[:, None], m[:, None]
    base = np.float32(1 / np.log(2)).item()
    powers = torch.exp2(z * base - top * base)
    got = {
        "lse": ((one - z.gather(1, COLUMN))[:, 0], (z - one).exp()),
        "(m, d)": (loss, (z - top).exp() / d[:, None]),
        "folded": (
            powers.sum(1).log() + (top - z.gather(1, COLUMN))[:, 0],
            powers / powers.sum(1, keepdim=True),
        ),
    }
    return {name: [apart(g, w) for g, w in zip(got[name], wanted, strict=True)] for name in KEPT}


def right_digits(error):
    return -np.log10(max(error, 1e-9))


def digits(offset, spread):
    along = [precision(float(o), spread) for o in OFFSETS]
    panels = [
        Panel(
            f"right digits of the {what}",
            [
                *(Curve(OFFSETS, [right_digits(e[name][i]) for e in along], name) for name in KEPT),
                Rule(offset),
            ],
            Axis(
                "all logits lie near", 1, 1e6, "log", {1: "1", 1e2: "100", 1e4: "10⁴", 1e6: "10⁶"}
            ),
            Axis("", 0, 9),
        )
        for i, what in enumerate(("loss", "probabilities"))
    ]
    here = precision(offset, spread)
    readings = {f"error of p, {name}": here[name][1] for name in KEPT}
    return Picture(panels, readings)


far = precision(1e4, 1.0)
Explorer(
    digits,
    [
        Slider("offset", 1, 1e6, 1e4, "log", "o", meaning="added to every logit"),
        Slider("spread", 0.3, 10, 1, "log", "s", meaning="how far logits scatter"),
    ],
    title="What is lost by keeping one number instead of two",
)

# %% [markdown]
# With logits near ten thousand, the pair keeps 7<!--= int(right_digits(far["(m, d)"][0])) -->
# digits of the loss, all there are, and the single number
# 4<!--= int(right_digits(far["lse"][0])) -->. The folded form loses as much. On a GPU folding is
# safe, because there the product and the difference are *one* instruction that rounds once, a fused
# multiply-add. The same source is right on one machine and wrong on another. The kernels here
# subtract first.
#
# ## Reading a row once: the online softmax
#
# The definition of $d$ needs $m$, and $m$ needs the whole row: two readings. Unless pairs can be
# **merged**. Take the pairs of two stretches of a row, $(m_1, d_1)$ and $(m_2, d_2)$. The maximum
# of both is $m = \max(m_1, m_2)$, and a sum taken below another maximum is rescaled:
#
# $$(m_1, d_1) \oplus (m_2, d_2) = \big(m,\; d_1 e^{m_1 - m} + d_2 e^{m_2 - m}\big) .$$
#
# A single logit is the pair $(x_j, 1)$. The operation does not care about order or grouping, so a
# thousand threads may each fold their own share of the row and merge at the end.


# %%
def merge(a, b):
    """The pair of two stretches of a row from the pairs of each."""
    (m_a, d_a), (m_b, d_b) = a, b
    m = max(m_a, m_b)
    return m, d_a * np.exp(m_a - m) + d_b * np.exp(m_b - m)


rng = np.random.default_rng(3)
row = rng.normal(0, 20, 1000)
whole = row.max(), np.exp(row - row.max()).sum()
for _ in range(50):  # any order, any grouping
    shuffled, cuts = rng.permutation(row), np.sort(rng.choice(999, 7, replace=False)) + 1
    parts = [reduce(merge, [(z, 1.0) for z in part]) for part in np.split(shuffled, cuts)]
    m_, d_ = reduce(merge, parts)
    assert m_ == whole[0] and np.isclose(d_, whole[1], rtol=1e-12)
print("50 random orders and groupings, one answer")

# %% jupyter={"source_hidden": true}
ROW = 6 * np.random.default_rng(8).standard_normal(48)
PLACES = np.arange(1.0, 49.0)


def reading(seen, shift):
    z = ROW + shift
    m = np.maximum.accumulate(z)
    d = np.array([np.exp(z[: k + 1] - m[k]).sum() for k in range(len(z))])
    at = round(seen) - 1
    known = np.where(seen >= PLACES, 1.0, np.nan)
    return Picture(
        [
            Panel(
                "dots: logits; line: the largest so far",
                [
                    Points(PLACES, z, stroke="grey", size=3),
                    Curve(PLACES, m * known, stroke="blue"),
                    Points([at + 1], [m[at]], stroke="blue"),
                    Rule(seen),
                ],
                Axis("read", 0, 49),
                Axis("", -40, 40),
            ),
            Panel(
                "sum d so far",
                [
                    Curve(PLACES, d * known, stroke="orange"),
                    Points([at + 1], [d[at]], stroke="orange"),
                    Rule(seen),
                ],
                Axis("read", 0, 49),
                Axis("", 0, 6),
            ),
        ],
        readings={"m": m[at], "d": d[at], "m + log d": m[at] + np.log(d[at])},
    )


Explorer(
    reading,
    [
        Slider("seen", 1, 48, 30, symbol="k", meaning="logits read so far", whole=True),
        Slider("shift", -20, 20, 0, symbol="s", meaning="added to every logit"),
    ],
    title="One reading, with a sum that is rescaled at every new maximum",
    live=True,
    predict=Predict(
        "Add 20 to every logit. By what factor does the final d change?",
        answer=1.0,
        within=0.01,
        because="d is a sum of exp(x − m), and m moves along with x. Only m changes.",
    ),
)

# %% [markdown]
# Wherever $m$ takes a step up, what was summed below the old maximum shrinks, and the new logit
# adds one. After a high step little more than this one is left. After a low one $d$ has grown.
#
# > **Refute this.** *“Subtracting the maximum makes log-sum-exp safe.”* Vocabularies are padded,
# > and forbidden words are masked, with logits of minus infinity. Let a whole stretch be masked.

# %%
masked = [(-np.inf, 1.0)] * 3
with np.errstate(invalid="ignore"):
    unsafe = reduce(merge, [*masked, (2.0, 1.0)])


def guarded(a, b):
    """`merge` whose maximum starts at the lowest finite number."""
    lowest = (np.finfo(np.float32).min, 0.0)
    (m_a, d_a), (m_b, d_b) = merge(lowest, a), merge(lowest, b)
    return merge((m_a, d_a), (m_b, d_b))


safe = reduce(guarded, [*masked, (2.0, 1.0)])
print("unguarded:", tuple(map(float, unsafe)), "   guarded:", tuple(map(float, safe)))
assert np.isnan(unsafe[1]) and safe == (2.0, 1.0)
padded_row = torch.full((1, 5000), -torch.inf)
padded_row[0, -1] = 2.0
ours = cross_entropy(padded_row, torch.tensor([4999]))
print("a row of 4999 masked logits and one other, loss:", ours.item())

# %% [markdown]
# $-\infty - (-\infty)$ is not a number, and one such stretch spoils the row, although the answer is
# plain: the masked logits count for nothing. The kernels let $m$ start at the lowest *finite*
# number instead. Then a masked logit gives $e^{-\infty} = 0$, as it should.
#
# ## The kernel, and reading it without a GPU
#
# In Triton one writes what happens to a *tile* of logits, and the compiler spreads it over threads.
# This is the heart of the forward kernel of this course, from `lossmath/fused/kernels.py`:
#
# ```python
# def absorb(m, d, x):
#     larger = tl.maximum(m, tl.max(x, axis=0))
#     d = d * tl.exp2((m - larger) * LOG2E)
#     return larger, d + tl.sum(tl.exp2((x - larger[None, :]) * LOG2E), axis=0)
# ```
#
# You know every piece: it is `merge`, of a running pair with four new logits at a time. Triton can
# *interpret* it on a CPU, slowly and truthfully. That must be asked for before Triton is first
# imported, so it happens in a process of its own:

# %%
SCRIPT = """
import torch, torch.nn.functional as F
from lossmath.fused import cross_entropy
from lossmath.fused.backend import backend
torch.manual_seed(0)
for words in (1000, 5003):
    x, y = 4 * torch.randn(3, words), torch.randint(words, (3,))
    exact, mine = x.double().requires_grad_(), x.clone().requires_grad_()
    F.cross_entropy(exact, y).backward()
    loss = cross_entropy(mine, y)
    loss.backward()
    error = ((mine.grad - exact.grad).norm() / exact.grad.norm()).item()
    by = "Triton" if backend(x).__name__.endswith("launch") else "plain PyTorch, without Triton"
    print(f"V = {words}, by {by}: agrees with float64 to six digits: {error < 1e-6}")
"""
run = subprocess.run(
    [sys.executable, "-c", SCRIPT],
    env={**os.environ, "TRITON_INTERPRET": "1"},
    capture_output=True,
    text=True,
)
assert run.returncode == 0, run.stderr
print(run.stdout)

# %% [markdown]
# Will it be *fast*? A processor of a GPU can start only so many instructions per second. By its
# data sheet an H200 has `132` multiprocessors of four times `32` lanes at `1.98` GHz. Divide by the
# logits that the memory delivers per second, and you have the **budget**:

# %%
ISSUE = 132 * 4 * 32 * 1.98e9  # instructions of single lanes, per second


def budget(bytes_per_logit, rate=NOMINAL["GBps"]):
    """Instructions per logit that hide behind the memory's rate."""
    return ISSUE / (1e9 * rate / bytes_per_logit)


EXPONENTIALS = ISSUE * 16 / (4 * 32)  # of the 128 lanes of a multiprocessor, 16 can do these
exps = EXPONENTIALS / (1e9 * NOMINAL["GBps"] / 2)
print(f"bfloat16: {budget(2):.1f} instructions per logit read, float32: {budget(4):.1f}")
print(f"bfloat16: {exps:.2f} exponentials per logit read")

# %% [markdown]
# In bfloat16 a logit must be dealt with in 13.9<!--= f"{budget(2):.1f}" --> instructions,
# everything included, or the memory waits for the arithmetic. Exponentials are rarer still: few
# lanes can take them, and 1.7<!--= f"{exps:.1f}" --> per logit are affordable. One fits, a second
# one, as in an online softmax that rescales at every logit, does not. Are we below? Triton's
# package carries the compiler and the disassembler for NVIDIA's processors, and neither of them
# needs a GPU. So compile for one and **count**. Beside our kernel stands the one that textbooks
# show: a running maximum for the whole block, and `tl.exp`.

# %%
counts = {}
if importlib.util.find_spec("triton"):
    import triton
    import triton.language as tl

    from lossmath.fused import kernels, sass

    @triton.jit
    def textbook_kernel(logits, target, loss, stride, V: tl.constexpr, BLOCK: tl.constexpr):
        n = tl.program_id(0).to(tl.int64)
        row = logits + n * stride
        cols = tl.arange(0, BLOCK)
        m = -float("inf")
        d = 0.0
        for start in range(0, V - V % BLOCK, BLOCK):
            x = tl.load(row + start + cols).to(tl.float32)
            larger = tl.maximum(m, tl.max(x, axis=0))
            d = d * tl.exp(m - larger) + tl.sum(tl.exp(x - larger), axis=0)
            m = larger
        x_y = tl.load(row + tl.load(target + n)).to(tl.float32)
        tl.store(loss + n, tl.log(d) + (m - x_y))

    for name, kernel, words, aligned in (
        ("textbook", textbook_kernel, WORDS, True),
        ("forward", kernels.forward_kernel, WORDS, True),
        ("odd rows", kernels.forward_kernel, 50257, False),
        ("padded", kernels.forward_kernel, 50257, True),
    ):
        (found,) = sass.sweeps(kernel, "bf16", words, 8, aligned=aligned)
        counts[name] = found
        print(f"{name:9} V = {words:6}  {found.instructions:5.1f} instructions and "
              f"{found.exps:.2f} exponentials per logit, loads of {found.load_bytes:2} bytes, "
              f"{found.spills} spills")  # fmt: skip
    saved = 1 - counts["forward"].instructions / counts["textbook"].instructions
    assert 1 / 4 < saved < 2 / 5
else:
    print("Triton is not installed here; its package holds the compiler that this cell needs.")

# %% [markdown]
# About a third of the instructions is saved. `tl.exp` preserves results so tiny that they are
# barely numbers, which takes about three instructions for every logit, and which a sum that is at
# least one never notices. `tl.exp2` lets them become zero. And one maximum serves four logits,
# without a barrier inside the loop. The picture below takes both kernels apart.
#
# The third line shows what an *odd* vocabulary costs. A row of `50257` bfloat16 logits is no
# multiple of `16` bytes long, so most rows start off the grid on which wide loads are allowed, and
# every logit is fetched by an instruction of its own. The fourth line is the cure: leave a little
# room at the end of each row, so that the next one starts on the grid again. The values stay the
# same; only the stride changes.
#
# How fast is the forward pass, then? As fast as the slower of two: the memory, or the instructions.

# %% jupyter={"source_hidden": true}
PRICES = np.geomspace(3, 40, 61)
KINDS = ("add", "max", "exp", "rest", "load")
LEAN = ("textbook", "forward")


def throughput(price, bytes_per_logit, rate):
    """Logits per second, in units of 1e12: the memory's limit or the instructions'."""
    return np.minimum(1e9 * rate / bytes_per_logit, ISSUE / price) / 1e12


def stacked():
    """What was counted, kind upon kind."""
    heights = np.array([[counts[name].kinds[kind] for name in LEAN] for kind in KINDS])
    bases = heights.cumsum(axis=0) - heights
    stack = zip(KINDS, heights, bases, strict=True)
    return Panel(
        "counted: instructions per logit, by kind",
        [Bars(height, names=LEAN, label=kind, base=base) for kind, height, base in stack],
        Axis("", -0.6, len(LEAN) - 0.4),
        Axis("", 0, 13),
    )


def limits(price, rate):
    curves = []
    for name, width in {"bfloat16": 2, "float32": 4}.items():
        at = np.sort(np.append(PRICES, np.clip(budget(width, rate), *PRICES[[0, -1]])))
        curves.append(Curve(at, throughput(at, width, rate), name))
    speed = Panel(
        "predicted: 10¹² logits/s",
        [*curves, Rule(price)],
        Axis("instructions per logit", 3, 40, "log"),
        Axis("", 0, 3.5),
    )
    return Picture(
        [speed, stacked()] if counts else [speed],
        readings={
            "bfloat16 (10¹²/s)": float(throughput(price, 2, rate)),
            "float32 (10¹²/s)": float(throughput(price, 4, rate)),
            "budget, bfloat16": budget(2, rate),
        },
    )


costly = throughput(30.0, 2, NOMINAL["GBps"]) / throughput(30.0, 4, NOMINAL["GBps"])
Explorer(
    limits,
    [
        Slider("price", 3, 40, 8, "log", "i", meaning="instructions per logit"),
        Slider("rate", 2000, 6000, NOMINAL["GBps"], "log", "B", "GB/s", "rate of the memory"),
    ],
    title="Two limits: the memory's rate (flat) and the instructions (falling)",
    predict=Predict(
        "A kernel needs 30 instructions per logit. How many times as many logits per second does "
        "it do in bfloat16 as in float32?",
        answer=float(costly),
        within=0.05,
        because="Both are limited by the instructions, which do not care how wide a logit is.",
    ),
)

# %% [markdown]
# Here is a diagnosis that needs no profiler. Time a kernel in both formats and compare **logits per
# second**, not bytes: twice as many in bfloat16 means that the memory is the limit, equally many
# means the instructions are. And a faster memory makes the budget *smaller*: what hid behind the
# memory of the last generation may not hide behind the next.
#
# One more line of the kernel deserves a look: `n = tl.program_id(0).to(tl.int64)`. A row starts at
# $n$ times the stride, and the number of a program is an `int32`. Is that enough for the shapes of
# the benchmark?

# %%
LARGEST = 2**31 - 1
for rows in (8192, 8193, 16384):
    for words in GRID["cuda"]["V"][-2:]:
        last = rows * words - 1
        print(f"{rows:5} rows of {words} logits: the last is number {last:>10}, in 32 bits "
              f"{np.int64(last).astype(np.int32):>11}")  # fmt: skip
assert LARGEST == 8192 * 262144 - 1

# %% [markdown]
# With `8192` rows of `262144` logits the last number is the largest that an `int32` can hold, so a
# careless kernel passes every test of that size. One more row, and it reads somewhere else: no
# error, or the end of the process. A good test puts a few rows that far apart, in memory that is
# asked for and hardly touched.
#
# ## Backward, in place, and what was promised
#
# The backward kernel reads the logits again and writes $p - q$. If nobody needs the logits any
# more, it can write *over* them, and since the loss is one number that is known to be multiplied by
# some factor later, the gradient can even be taken **in the forward pass**. Both are easy to write
# and easy to get wrong, because a kernel's writing is invisible to autograd. Three accidents, run
# here on purpose:

# %%
torch.manual_seed(4)
target = torch.tensor([1, 2, 0, 3])


def complaint(action):
    """The beginning of the error that an action should raise."""
    try:
        action()
    except (RuntimeError, ValueError) as error:
        return shorten(str(error), 112, placeholder=" …")
    raise AssertionError("nothing was refused")


def penalty_too(in_place):
    """Somebody else's gradient needs the logits that ours were written over."""
    features = torch.randn(4, 8, requires_grad=True)
    logits = features * 2
    penalty = (logits**2).sum()  # saves the logits
    return (cross_entropy(logits, target, in_place=in_place) + 1e-4 * penalty).backward()


class Detached(torch.autograd.Function):
    """A correct gradient behind the decorator that is said to forbid second derivatives."""

    @staticmethod
    def forward(ctx, logits, target):
        ctx.save_for_backward(logits, target)
        return F.cross_entropy(logits, target)

    @staticmethod
    @once_differentiable
    def backward(ctx, upstream):
        logits, target = ctx.saved_tensors
        return upstream * (logits.softmax(1) - F.one_hot(target, 8)) / len(target), None


def penalised(loss):
    """Gradient in the logits of the loss plus the square of its own gradient's length."""
    logits = torch.linspace(-1, 1, 32).reshape(4, 8).requires_grad_()
    value = loss(logits, target)
    (gradient,) = torch.autograd.grad(value, logits, create_graph=True)
    return torch.autograd.grad(value + 10 * (gradient**2).sum(), logits)[0]


overwritten = complaint(lambda: penalty_too(in_place=True))
leaf = torch.randn(4, 8, requires_grad=True)
parameter = complaint(lambda: cross_entropy(leaf, target, in_place=True))
twice = complaint(lambda: penalised(cross_entropy))
lost = float(
    (penalised(Detached.apply) - penalised(F.cross_entropy)).norm()
    / penalised(F.cross_entropy).norm()
)
print("logits that somebody saved: ", overwritten)
print("logits that are a parameter:", parameter)
print("a gradient of the gradient: ", twice)
print(f"the same behind once_differentiable: no error, and a gradient that is {lost:.0%} off")

# %% [markdown]
# The third is the quiet one. A gradient penalty differentiates the gradient. The decorator
# `once_differentiable` only *detaches* it, so the penalty silently contributes nothing, and the
# result is 36%<!--= f"{lost:.0%}" --> off without a word. The kernels of this course look whether
# their backward is itself being recorded, and refuse.
#
# A fourth awaits whoever reads numbers by their address. Autograd hands a kernel the *upstream*
# gradient, one factor per row. After a sum all of them are one, so one is stored:

# %%
arrived = []
per_row = F.cross_entropy(torch.randn(4, 8, requires_grad=True), target, reduction="none")
per_row.register_hook(arrived.append)
per_row.sum().backward()
(upstream,) = arrived
stored = upstream.untyped_storage().nbytes() // upstream.element_size()
print(f"upstream of {len(upstream)} rows: stride {upstream.stride(0)}, numbers in memory: {stored}")

# %% [markdown]
# The upstream of 4<!--= len(upstream) --> rows holds 1<!--= stored --> number, at stride
# 0<!--= upstream.stride(0) -->. A kernel that fetches the factor of row $n$ from the $n$-th place
# reads whatever lies behind it, and a test with a mean would never show it. The kernels here take
# the stride along.
#
# > **Refute this.** *“The ignored value never meets the softmax.”* With a sentinel such as `-100`
# > as the label of padding, that is so. Suppose a script uses a word of the vocabulary, say the
# > first, for padding and ignores that.

# %%
torch.manual_seed(5)
words = torch.randn(3, 5, dtype=torch.float64)
labels = torch.tensor([2, 0, 4])  # the middle one is padding
by_word = lm.CrossEntropyFromLogits().value(words, labels)[[0, 2]].mean()
ignoring = cross_entropy(words, labels, ignore_index=0)
without = cross_entropy(words[:, 1:], labels - 1, ignore_index=-1)
print(f"row ignored: {ignoring:.4f}, mean of the two others {by_word:.4f}; "
      f"with the word left out of every softmax {without:.4f}")  # fmt: skip
assert torch.isclose(ignoring, by_word) and not torch.isclose(ignoring, without)

# %% [markdown]
# Ignoring a label leaves out a **row**, not a **column**. Every other row still counts the padding
# word among the possible ones, and still learns to avoid it: 1.6105<!--= f"{ignoring:.4f}" --> and
# not 1.4897<!--= f"{without:.4f}" -->. Which one you want is a decision; use a sentinel and make it
# on purpose.
#
# ## One launch, and when the cache says no
#
# Two kernels make three passes. One launch can make two: sweep over a row for $m$ and $d$, then
# sweep again and write. The second sweep reads too, but what it reads passed a moment ago and is
# still in the **cache**, provided that all rows in flight fit there together. With $k$ rows in
# flight on each of $132$ multiprocessors, that is $132\,k\,V$ logits. If they do not fit, the
# second reading goes to memory after all.

# %% jupyter={"source_hidden": true}
PROCESSORS = 132
UP_TO = float(ENDS[-1])


def in_flight(vocabulary, rows):
    """MB of bfloat16 logits that are between their two sweeps."""
    return 2 * PROCESSORS * rows * vocabulary / 1e6


def second_sweep(rows, cache):
    edge = min(cache * 1e6 / (2 * PROCESSORS * rows), UP_TO)
    at = np.array([0, edge, edge, UP_TO])
    across = Axis("vocabulary V, in thousands", 0, UP_TO * MILLI)
    return Picture(
        [
            Panel(
                "logits in flight (MB)",
                [
                    Curve(ENDS * MILLI, in_flight(ENDS, rows), stroke="orange"),
                    Rule(cache, along="y"),
                ],
                across,
                Axis("", 0, 160),
            ),
            Panel(
                "predicted time of one launch (ms)",
                [
                    *(
                        Curve(ENDS * MILLI, moving(ENDS, n, NOMINAL["GBps"]), f"{n} passes", "grey")
                        for n in (2, 3)
                    ),
                    Curve(
                        at * MILLI,
                        moving(at, np.array([2, 2, 3, 3]), NOMINAL["GBps"]),
                        stroke="blue",
                    ),
                ],
                across,
                Axis("", 0, 3),
            ),
        ],
        readings={"largest V that fits": cache * 1e6 / (2 * PROCESSORS * rows)},
    )


fits = {rows: 60e6 / (2 * PROCESSORS * rows) for rows in (1, 2)}
Explorer(
    second_sweep,
    [
        Slider(
            "rows", 1, 4, 2, symbol="k", meaning="rows in flight per multiprocessor", whole=True
        ),
        Slider("cache", 20, 130, 60, symbol="L", unit="MB", meaning="size of the L2 cache"),
    ],
    title="The second sweep is free while the rows in flight fit into the cache",
)

# %% [markdown]
# More rows in flight hide more waiting, and overflow the cache earlier: with a cache of `60` MB,
# two rows per multiprocessor fit up to $V$ = 113636<!--= f"{fits[2]:.0f}" -->, a single one up to
# 227273<!--= f"{fits[1]:.0f}" -->. So the launcher here gives short rows half a multiprocessor and
# long rows a whole one. That is a prediction, and the kind that only a measurement settles.
#
# The cache is not needed when a row **fits on the chip**: read it once into registers, find $m$ and
# $d$, write from there. A multiprocessor has `65536` registers of one float32 each, for everything
# it does, so that ends well before V = `65536`; beyond, registers spill to memory and the gain is
# gone. Some kernels go on from there with a *cluster*: several multiprocessors hold a piece of the
# row each, and `merge` their two numbers. The online softmax is the tool for rows that fit nowhere.
#
# ## Why have logits at all?
#
# The logits themselves come from a linear layer, $x W^\top$, and they are the largest thing in
# sight. Take a **chunk** of rows at a time: multiply, turn the chunk's logits into their gradient
# in place, multiply that back into $dx$ and $dW$, and reuse the memory. The three products cost
# $6NDV$ operations, for $D$ features, whatever you do; here fusing buys **memory, not time**. First
# the memory, counted on the spot:

# %%
torch.manual_seed(6)
features = torch.randn(512, 64, requires_grad=True)
weight = (torch.randn(8000, 64) / 8).requires_grad_()
labels = torch.randint(8000, (512,))


def peak_mib(loss):
    """Peak memory of forward and backward, in MiB; the gradients are part of it."""
    features.grad = weight.grad = None
    return scale.peak(lambda: loss().backward()) / 2**20


unfused = peak_mib(lambda: F.cross_entropy(features @ weight.T, labels))
chunked = {
    chunk: peak_mib(partial(linear_cross_entropy, features, weight, labels, chunk=chunk))
    for chunk in (512, 128, 32)
}
kept = 4 * (features.numel() + weight.numel()) / 2**20
print(f"unfused {unfused:.1f} MiB, of which dx and dW are {kept:.1f}")
for chunk, mib in chunked.items():
    print(f"chunks of {chunk:3} rows: {mib:4.1f} MiB")

# %% [markdown]
# From 46.9<!--= f"{unfused:.1f}" --> MiB down to 4.0<!--= f"{chunked[32]:.1f}" -->, and half of
# that are the gradients that were asked for.
#
# > **Refute this.** *“PyTorch has that built in: call `F.linear_cross_entropy` and the logits are
# > gone.”* It has. Count before you believe that you are using it.

# %%
built_in = partial(F.linear_cross_entropy, features, weight, labels)
in_chunks = torch.nn.LinearCrossEntropyOptions()
default = peak_mib(built_in)
asked_for = peak_mib(partial(built_in, options=in_chunks))
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    smoothed = peak_mib(partial(built_in, options=in_chunks, label_smoothing=0.1))
print(f"as it comes {default:.1f} MiB; with options {asked_for:.1f} MiB; "
      f"with options and smoothed labels {smoothed:.1f} MiB, warnings: {len(said)}")  # fmt: skip
assert default > 0.99 * unfused and smoothed > 0.99 * unfused and asked_for < unfused / 10

# %% [markdown]
# As it comes it computes all logits, 46.9<!--= f"{default:.1f}" --> MiB. Only an `options` object
# makes it work in chunks, 4.2<!--= f"{asked_for:.1f}" --> MiB; and asked for smoothed labels as
# well, it falls back to the logits with no more than a warning. It is a good function. What you can
# know about it without counting is its name.
#
# Then why not chunks of one row? Every chunk reads
# all of $W$, twice, and reads **and** writes the whole accumulator of $dW$. A chunk of $c$ rows
# does $2c$ operations per entry of $W$ in each product. If a device does $R$ operations in the time
# in which it moves one byte, then the product with $dW$, at eight bytes per entry in float32, is
# not held up by memory once
#
# $$2c \ge 8R, \qquad\text{that is}\qquad c \ge c^* = 4R .$$
#
# One picture holds this and the beginning of the chapter: the **roofline**. To the right, how many
# operations a program does for every byte that it moves. Up, how many per second it can do at best:
# the memory's rate times that number, a slope, until arithmetic is the limit, a roof. The products
# have a roof of their own, as matrix units make them; everything else stays below the lower one.

# %% jupyter={"source_hidden": true}
INTENSITY = np.geomspace(0.2, 2e4, 61)
PER_LOGIT = 10  # operations for the loss and its gradient
LANES = 2 * ISSUE / 1e12  # TFLOP/s without matrix units: a fused multiply-add is two operations


def attainable(intensity, rate, roof):
    """TFLOP/s at so many operations per byte."""
    return np.minimum(rate * intensity / 1e3, roof)


def roofline(chunk, rate):
    top = NOMINAL["TFLOPs"]
    at = np.sort(np.append(INTENSITY, [1e3 * top / rate, 1e3 * LANES / rate]))
    losses = {name: PER_LOGIT / (2 * PASSES[name]) for name in ("naive", "eager", "in place")}
    products = {"x Wᵀ": 2 * chunk / 2, "dW": 2 * chunk / 8}  # per entry of W: operations, bytes
    reached = {
        name: float(attainable(x, rate, top if name in products else LANES))
        for name, x in (losses | products).items()
    }
    return Picture(
        [
            Panel(
                "predicted: 10¹² operations per second, at best",
                [
                    Curve(at, attainable(at, rate, top), "matrix units", "grey"),
                    Curve(at, attainable(at, rate, LANES), "other lanes", "grey", thin=True),
                    *(Points([x], [reached[name]], name) for name, x in losses.items()),
                    *(Points([x], [reached[name]], name) for name, x in products.items()),
                ],
                Axis("operations per byte", 0.2, 2e4, "log"),
                Axis("", 0.5, 2000, "log", {1: "1", 10: "10", 100: "100", 1000: "1000"}),
            )
        ],
        readings={
            "dW, share of the roof": reached["dW"] / top,
            "in place ÷ eager": reached["in place"] / reached["eager"],
        },
    )


share_of_64 = float(attainable(2 * 64 / 8, NOMINAL["GBps"], NOMINAL["TFLOPs"]) / NOMINAL["TFLOPs"])
Explorer(
    roofline,
    [
        Slider("chunk", 16, ROWS, 64, "log2", "c", meaning="rows in a chunk", whole=True),
        Slider("rate", 2000, 6000, NOMINAL["GBps"], "log", "B", "GB/s", "rate of the memory"),
    ],
    title="The roofline, predicted for an H200: a loss on the slope, a product under the roof",
    predict=Predict(
        "Chunks of 64 rows, dW summed in float32: what percentage of the matrix units' rate can "
        "the product with dW reach?",
        answer=100 * share_of_64,
        within=1,
        because="128 operations for 8 bytes are 16 per byte, and the corner lies at about "
        f"{1e3 * NOMINAL['TFLOPs'] / NOMINAL['GBps']:.0f}.",
    ),
)

# %% [markdown]
# The three losses do the same operations, ten for a logit, and differ in bytes alone: fusing moves
# the dot to the right, up the slope. Even in place it does 2.5<!--= PER_LOGIT / 4 --> operations
# per byte, far from any roof, so there **fusing buys time**. The products of a linear layer lie on
# the slope only while chunks are small: with `64` rows the one for $dW$ gets
# 8<!--= f"{100 * share_of_64:.0f}" --> percent of what the matrix units can do. Make the chunk
# larger until the dot meets the corner. Beyond, nothing is gained, and memory is lost. How much
# time is that?

# %% jupyter={"source_hidden": true}
CHUNKS = np.geomspace(32, ROWS, 49)
ACROSS_CHUNKS = Axis("rows in a chunk", 32, ROWS, "log")


def swept(results):
    """The recorded chunk sizes, and what was recorded of them, smallest chunk first."""
    kept = {
        int(r["provider"].split()[-1]): r
        for r in results
        if r["ok"] and r["pass"] == "fwd+bwd" and r["provider"].startswith("ours, chunks of")
    }
    return np.array(sorted(kept), float), [kept[chunk] for chunk in sorted(kept)]


ON_GPU = [r for r in GPU if (r["N"], r["V"], r["D"]) == (ROWS, WORDS, FEATURES)]
SIZES, TIMED = swept(r for r in ON_GPU if r["dtype"] == "bfloat16")
CPU_SIZES, CPU_TIMED = swept(CPU["results"])


def measured_chunks(of):
    """Points of the GPU's sweep over chunk sizes, where one is recorded."""
    return [Points(SIZES, [of(r) for r in TIMED], stroke="purple")] if TIMED else []


def predicted_linear(chunk, rate, products, wide=8):
    """Milliseconds: each product takes its arithmetic or its traffic, whichever is longer."""
    arithmetic = 2 * ROWS * FEATURES * WORDS / (1e12 * products)
    sweep = ROWS / chunk * WORDS * FEATURES / (1e9 * rate)  # of one byte per entry of W
    logits = 5 * 2 * ROWS * WORDS / (1e9 * rate)
    waits = (2 * sweep, 2 * sweep, wide * sweep)
    return (logits + sum(np.maximum(arithmetic, wait) for wait in waits)) / MILLI


def by_chunk(rate, products):
    edge = 4 * 1e3 * products / rate
    times = {
        "float32 dW": predicted_linear(CHUNKS, rate, products),
        "bfloat16 dW": predicted_linear(CHUNKS, rate, products, wide=4),
    }
    gradients = 2 * ROWS * FEATURES + (4 + 2) * WORDS * FEATURES
    held = (2 * CHUNKS * WORDS + gradients) / 1e9
    return Picture(
        [
            Panel(
                "predicted time (ms)",
                [
                    *(Curve(CHUNKS, t, name) for name, t in times.items()),
                    Rule(edge),
                    *measured_chunks(lambda r: r["ms"]["median"]),
                ],
                ACROSS_CHUNKS,
                Axis("", 10, 1000, "log"),
            ),
            Panel(
                "computed memory (GB)",
                [
                    Curve(CHUNKS, held, "with a chunk"),
                    Curve(CHUNKS, np.full_like(CHUNKS, gradients / 1e9), "dx, dW"),
                    Rule(edge),
                    *measured_chunks(lambda r: r["peak_extra_bytes"] / 1e9),
                ],
                ACROSS_CHUNKS,
                Axis("", 0, 6),
            ),
            Panel(
                "recorded on a CPU",
                [
                    Curve(
                        CPU_SIZES,
                        [r["ratio"]["median"] for r in CPU_TIMED],
                        "time ÷ unfused",
                        stroke="purple",
                    )
                ],
                Axis("rows in a chunk", 32, 2048, "log"),
                Axis("", 0, 2),
            ),
        ],
        readings={
            "c* = 4R": edge,
            "time at c* (ms)": float(predicted_linear(edge, rate, products)),
            "time at 64 rows (ms)": float(predicted_linear(64.0, rate, products)),
        },
    )


ridge = 1e3 * NOMINAL["TFLOPs"] / NOMINAL["GBps"]
slow = predicted_linear(256.0, NOMINAL["GBps"], NOMINAL["TFLOPs"])
fast = predicted_linear(1024.0, NOMINAL["GBps"], NOMINAL["TFLOPs"])
chosen = rows_per_chunk(ROWS, FLOP_PER_BYTE["cuda"])
Explorer(
    by_chunk,
    [
        Slider("rate", 2000, 6000, NOMINAL["GBps"], "log", "B", "GB/s", "rate of the memory"),
        Slider("products", 200, 1500, NOMINAL["TFLOPs"], "log", "P", "TFLOP/s",
               "rate of matrix products"),
    ],
    title="How large a chunk? (N = 8192, D = 4096, V = 128256)"
    + ("; dots: measured on a GPU" if TIMED else ""),
    predict=Predict(
        "The next generation doubles the products per second and leaves the memory as it is. By "
        "what factor does the smallest good chunk c* change?",
        answer=2.0,
        within=0.05,
        because="c* is four times operations per byte. Faster arithmetic wants larger chunks.",
    ),
)  # fmt: skip

# %% [markdown]
# At the data sheet's rates $R$ is 206<!--= f"{ridge:.0f}" --> and $c^*$
# 824<!--= f"{4 * ridge:.0f}" --> rows. Predicted times: 48<!--= f"{slow:.0f}" --> ms with chunks of
# `256` and 28<!--= f"{fast:.0f}" --> ms with chunks of `1024`, for the same arithmetic. The
# library of this course takes 768<!--= chosen --> rows here: it divides the batch evenly, for a
# somewhat smaller $R$, as devices fall short of their data sheets. The third panel is measured, on
# a CPU, where $R$ is smaller: below a hundred rows time goes up, as the derivation says.
#
# Why not halve the traffic with an accumulator in bfloat16, the second curve? Because every chunk
# would round the sum to three digits:

# %%
torch.manual_seed(7)
TERMS = torch.randn(1024, 4000).double()
EXACT = TERMS.sum(0)
ONCE = apart(EXACT.bfloat16(), EXACT)
COUNTS = 2 ** np.arange(11)


def summed(chunks, dtype):
    """Error of a sum that is kept in dtype from chunk to chunk and handed out in bfloat16."""
    running = torch.zeros(4000, dtype=dtype)
    for part in TERMS.chunk(int(chunks)):
        running = (running.double() + part.sum(0)).to(dtype)
    return apart(running.bfloat16(), EXACT) / ONCE


ERRORS = {
    name: np.array([summed(chunks, dtype) for chunks in COUNTS])
    for name, dtype in {"bfloat16": torch.bfloat16, "float32": torch.float32}.items()
}
rounding = dict(zip(COUNTS.tolist(), ERRORS["bfloat16"], strict=True))
for chunks in (8, 64, 1024):
    print(f"{chunks:4} chunks: {rounding[chunks]:4.1f} times the error of rounding once at the end")

# %% jupyter={"source_hidden": true}


def accumulators(chunks):
    at = int(np.argmin(np.abs(np.log(COUNTS / chunks))))
    return Picture(
        [
            Panel(
                "error of dW ÷ error of rounding once",
                [
                    *(Curve(COUNTS, errors, f"sum in {name}") for name, errors in ERRORS.items()),
                    Rule(COUNTS[at]),
                ],
                Axis("chunks", 1, 1024, "log"),
                Axis("", 0.7, 40, "log"),
            )
        ],
        readings={"chunks": COUNTS[at], **{name: errors[at] for name, errors in ERRORS.items()}},
    )


Explorer(
    accumulators,
    [Slider("chunks", 1, 1024, 64, "log2", "k", meaning="chunks that are added up")],
    title="Where to keep the sum: every chunk rounds a bfloat16 accumulator once more",
    predict=Predict(
        "The sum is kept in float32 and rounded to bfloat16 at the end. By what factor does its "
        "error grow from one chunk to 1024?",
        answer=float(ERRORS["float32"][-1] / ERRORS["float32"][0]),
        within=0.1,
        because="What float32 loses on the way is far below the one rounding at the end.",
    ),
)

# %% [markdown]
# With `64` chunks the error is 5.6<!--= f"{rounding[64]:.1f}" --> times that of rounding once, and
# with a thousand 22<!--= f"{rounding[1024]:.0f}" --> times; an accumulator in float32 stays at
# 1<!--= f"{ERRORS['float32'][-1]:.0f}" -->. It is the wrong place to save.
#
# ## Judge a claim
#
# > **Refute this.** *“Linear layer and cross-entropy, forward and backward, `8192` tokens, `4096`
# > features, `128256` words, on an H200: `13.59` milliseconds.”* So it stood in a pull request to a
# > library of kernels (Liger-Kernel, number `1348`, since closed). The floor is all you need.

# %%
OTHERS = {source["title"]: source for source in SOURCES}


def found(title, program, **shape):
    """A published result with this N or V, after the source it is from."""
    source = OTHERS[title]
    wanted = {"program": program, **shape}
    return source, next(r for r in source["results"] if wanted.items() <= r.items())


withdrawn = found("A table that was withdrawn", "Liger, CuTe DSL")
assert withdrawn[1]["ms"] == 13.59
both = teraflops(*withdrawn)
forward = both / 3  # one product of three
print(f"forward and backward in that time: {both:.0f} TFLOP/s; the data sheet says "
      f"{NOMINAL['TFLOPs']:.0f}; forward alone: {forward:.0f} TFLOP/s")  # fmt: skip
assert both > NOMINAL["TFLOPs"] > forward

# %% [markdown]
# Three products of that size in that time are 1900<!--= f"{both:.0f}" --> TFLOP/s, nearly twice
# what the chip can do. The forward pass alone would be 633<!--= f"{forward:.0f}" -->, a good and
# credible number. So the table times a forward pass and says otherwise. Nobody need have cheated: a
# gradient that was never asked for is quickly computed. **Know the floor before you read a
# table**, your own included.
#
# ## What others have published
#
# Here is what is known of other kernels, as their authors published it: on their machines, with
# their counts. Nothing in these tables was measured for this course. Beside each number stands what
# the floor makes of it. For a loss: how many tables of logits the memory could have carried in that
# time, at the rate of its data sheet. Fewer than one forward, or two with the gradient, is
# impossible. For a linear layer: the rate at which its three products were made, and the share of
# the data sheet's.

# %% jupyter={"source_hidden": true}
Markdown("\n".join(map(table, SOURCES)))

# %% jupyter={"source_hidden": true}
PLOT = "QuACK's plot of cross-entropy"
IN_THE_PLOT = {
    name: found(PLOT, name, V=65536) for name in ("QuACK", "torch.compile 2.7.1", "Liger 0.5.10")
}
tables_carried = {name: carried(*result) for name, result in IN_THE_PLOT.items()}
narrow, wide = (
    found(title, "torch.compile 2.7.1", V=32768)[1]["GBps"] / bytes_per_logit / 1e3
    for title, bytes_per_logit in ((PLOT, 2), ("QuACK's plot, in float32", 4))
)
few, many = (
    found("Liger's new kernel and its old one", "Liger, Triton", N=rows) for rows in (1024, ROWS)
)
CHUNKS_OF_BOTH = -(-WORDS // FEATURES)  # its rule: V / D, rounded up, whatever N
swept_bytes = CHUNKS_OF_BOTH * (2 + 2 + 8) * WORDS * FEATURES  # W twice, dW read and written
sweeping = swept_bytes / (1e9 * DEVICES[few[0]["device"]]["GBps"]) / MILLI
assert wide < narrow < 1.1 * wide


def peak_by_gradients(title, program):
    """A published peak as a multiple of the two gradients, in the format of the logits."""
    source, result = found(title, program, N=ROWS)
    gradients = logits_bytes(source, result) * result["D"] * (1 / result["N"] + 1 / result["V"])
    return result["peak"] * UNITS[source["peak_unit"]] / gradients


held = {
    program: peak_by_gradients(title, program)
    for title, program in (
        ("Cut cross-entropy", "cut cross-entropy"),
        ("Liger's new kernel and its old one", "Liger, CuTe DSL"),
        ("Liger's new kernel and its old one", "Liger, Triton"),
    )
}
assert sweeping < few[1]["ms"] < many[1]["ms"] < 1.1 * few[1]["ms"]

# %% [markdown]
# Read them with the tools of this chapter.
#
# * **Passes.** QuACK carries 1.05<!--= f"{tables_carried['QuACK']:.2f}" --> tables where one is the
#   least: nothing is left to gain. The compiled program carries
#   2.27<!--= f"{tables_carried['torch.compile 2.7.1']:.2f}" -->: it reads twice, or waits for its
#   instructions. Liger comes to 3.39<!--= f"{tables_carried['Liger 0.5.10']:.2f}" -->, and looks
#   slowest. But its forward pass reads, reads again and writes: the gradient is there already.
#   Count those three passes, and it moved
#   2964<!--= 3 * IN_THE_PLOT["Liger 0.5.10"][1]["GBps"] --> GB/s; count two readings for the
#   compiled one, and it moved 2958<!--= 2 * IN_THE_PLOT["torch.compile 2.7.1"][1]["GBps"] -->. All
#   three may well carry equally fast, and differ in what they were made to carry. **A comparison is
#   as fair as its count.**
# * **Two formats.** Turned into logits, the compiled program does
#   0.85<!--= f"{narrow:.2f}" --> million million a second in bfloat16 and
#   0.78<!--= f"{wide:.2f}" --> in float32: half the bytes gained less than a tenth. In float32 it
#   is as fast as the memory; in bfloat16 something else holds it, and the plot does not say what.
# * **Chunks.** The old kernel of Liger takes 117.1<!--= few[1]["ms"] --> ms for a thousand tokens
#   and 121.78<!--= many[1]["ms"] --> ms for eight times as many. Its rule makes
#   32<!--= CHUNKS_OF_BOTH --> chunks of either. Below $c^*$ the time is the number of chunks, not
#   of tokens, as derived above. Carrying $W$ and $dW$ so often takes at least
#   25<!--= f"{sweeping:.0f}" --> ms at the data sheet's rate; what the rest went into, the table
#   does not say.
# * **Memory.** Peaks are hard to compare: one source counts the logits, one the arguments, one
#   neither. But the two gradients of a linear layer must be held by all. Cut cross-entropy holds
#   1.00<!--= f"{held['cut cross-entropy']:.2f}" --> times that, and so nothing else to speak of;
#   Liger's new kernel 2.3<!--= f"{held['Liger, CuTe DSL']:.1f}" --> times and its old one
#   4.9<!--= f"{held['Liger, Triton']:.1f}" --> times, of which the table does not say what it is.
#
# ## Predictions beside measurements
#
# A prediction is worth something once it can fail. So here are all of them, for the shapes that the
# benchmark runs on a GPU, in the form in which a measurement meets them. As long as no GPU is
# recorded, the bars *are* the predictions, and the titles say so. A recorded run takes their place,
# and what was predicted stays as a dot above or below. Nothing is taken back.
#
# First the share of the floor that a program reaches: two passes at the rate of a copy are `1`. The
# bars are, from the left, `one` launch in place, `two` kernels, the compiled and the eager
# `F.cross_entropy`, and the naive `softmax, log, gather`. Who makes $n$ passes and waits for
# nothing but memory reaches $2/n$.

# %% jupyter={"source_hidden": true}
PROGRAMS = {
    "one": "ours, one launch",
    "two": "ours, two kernels",
    "comp.": "compile(F.cross_entropy)",
    "eager": "F.cross_entropy",
    "naive": "softmax, log, gather",
}
FORMATS = {"bfloat16": 2, "float32": 4}
VOCABULARIES = GRID["cuda"]["V"]
RECORDED = {
    (r["provider"], r["pass"], r["dtype"], r["V"]): r
    for r in GPU
    if r["op"] == "cross_entropy" and r["N"] == ROWS
}
if RECORDED:
    HOW = f"measured on {GPU_RUNS[0]['env']['device']}; {{}}: predicted"
    LINES = {name: name for name in PROGRAMS}
else:
    HOW = "predicted for an H200, nothing measured yet"
    LINES = {name: name for name in PROGRAMS if name != "comp."} | {"two": "two, comp."}
COPY = GPU_RUNS[0]["ceilings"]["before"]["copy_GBps"] if RECORDED else NOMINAL["GBps"]


BY_RATE = Slider("rate", COPY / 2, 2 * COPY, COPY, "log", "B", "GB/s", "rate of the memory")
BY_FORMAT = Slider(
    "number", 1, 2, 1, symbol="f", meaning="1 for bfloat16, 2 for float32", whole=True
)


def passes(name, vocabulary, width, cache):
    """Predicted passes over the logits; one launch needs its rows in flight to fit the cache."""
    if name == "one":
        return 2 if width * PROCESSORS * vocabulary <= cache * 1e6 else 3
    return {"two": 3, "comp.": 3, "eager": 6, "naive": 11}[name]


def measured(name, vocabulary, dtype, field, direction="fwd+bwd"):
    """A field of a recorded result; 0 where a recorded GPU has none for this program."""
    r = RECORDED.get((PROGRAMS[name], direction, dtype, vocabulary))
    return r[field] if r else 0.0


def strip(number, cache):
    dtype, width = list(FORMATS.items())[round(number) - 1]
    panels = []
    for words in VOCABULARIES:
        expected = [2 / passes(name, words, width, cache) for name in PROGRAMS]
        got = [measured(name, words, dtype, "fraction_of_copy") for name in PROGRAMS]
        panels.append(
            Panel(
                f"V = {words}",
                [
                    Bars(got if RECORDED else expected, names=tuple(PROGRAMS)),
                    Points(range(len(PROGRAMS)), expected, stroke="orange"),
                    Rule(1, along="y"),
                ],
                Axis("", -0.6, len(PROGRAMS) - 0.4),
                Axis("" if len(panels) % 3 else "share of the floor", 0, 1.15),
            )
        )
    return Picture(panels, readings={"bytes per logit": width})


Explorer(
    strip,
    [
        BY_FORMAT,
        Slider("cache", 20, 130, 60, symbol="L", unit="MB", meaning="size of the L2 cache"),
    ],
    title="Share of the floor, " + HOW.format("dots"),
)

# %% [markdown]
# Then the same as times against the vocabulary, on two logarithmic axes. There a number of passes
# is a straight line: the thin ones are `2`, `3`, `6` and `11` passes, from below. Whoever is
# measured between two lines makes passes that nobody counted, or waits for something else than
# memory.

# %% jupyter={"source_hidden": true}
AT = np.array(VOCABULARIES, float)
ACROSS = Axis("V, in thousands", 30, 280, "log")


def times_by_passes(rate, number):
    dtype, width = list(FORMATS.items())[round(number) - 1]
    wider = width / FORMATS["bfloat16"]
    guides = [
        Curve(AT * MILLI, wider * moving(AT, n, rate), stroke="grey", thin=True)
        for n in (2, 3, 6, 11)
    ]
    curves = []
    for name, label in LINES.items():
        expected = [wider * moving(v, passes(name, v, width, 60), rate) for v in VOCABULARIES]
        got = [
            (measured(name, v, dtype, "ms") or {"median": np.nan})["median"] for v in VOCABULARIES
        ]
        curves.append(Curve(AT * MILLI, got if RECORDED else expected, label))
    return Picture(
        [Panel("forward and backward (ms)", [*guides, *curves], ACROSS, Axis("", 0.1, 50, "log"))],
        readings={"bytes per logit": width},
    )


Explorer(
    times_by_passes,
    [BY_RATE, BY_FORMAT],
    title="Which line is it on? Times are " + HOW.format("grey"),
)

# %% [markdown]
# And the diagnosis from above: logits per second in the forward pass, in both formats. Two lines a
# factor of two apart wait for the memory, lines that touch for their instructions. With today's
# memory both programs are predicted to wait for it. Give the processor one that is twice as fast,
# and rows of odd length show first.

# %% jupyter={"source_hidden": true}


def forward_price(vocabulary):
    """Instructions per logit of the forward kernel, as counted above; rows of odd length cost."""
    kind = "odd rows" if vocabulary % 8 else "forward"
    return counts[kind].instructions if counts else 8.0


def by_format(rate):
    panels = []
    for name, title in {"two": "two kernels", "eager": "eager"}.items():
        marks = []
        for dtype, width in FORMATS.items():
            expected = [
                throughput(forward_price(v), width, rate) if name == "two"
                else 1e9 * rate / (2 * width) / 1e12  # log_softmax reads and writes
                for v in VOCABULARIES
            ]  # fmt: skip
            got = [
                measured(name, v, dtype, "model_GBps", "fwd") / (1e3 * width) for v in VOCABULARIES
            ]
            marks += [
                Curve(AT * MILLI, got if RECORDED else expected, dtype),
                Points(AT * MILLI, expected, stroke="grey", size=3),
            ]
        panels.append(Panel(f"{title}: 10¹² logits/s", marks, ACROSS, Axis("", 0, 5)))
    return Picture(panels)


Explorer(
    by_format,
    [BY_RATE],
    title="Memory or instructions? Rates are " + HOW.format("dots"),
)

# %% [markdown]
# Two of these predictions deserve distrust. The compiled program may make three passes and still be
# slower than their line in bfloat16, if it spends two exponentials and too many instructions on a
# logit; what is published above speaks for that. And one launch leaves the lowest line where the
# rows in flight outgrow the cache, in bfloat16 at the longest vocabulary only, in float32 earlier.
# If a cache is less forgiving than the size on its label, that step comes sooner.
#
# ## Before you time anything
#
# Then measure; but a clock answers the question that you put, not the one you meant. Call a kernel
# that works in place again and again, as one does with a clock in hand:

# %%
torch.manual_seed(8)
logits = (2 * torch.randn(64, 8000)).requires_grad_() * 1
classes = torch.randint(8000, (64,))
for repetition in (1, 2):
    spread = logits.std().item()
    stale = cross_entropy(logits, classes, in_place=True).item()
    print(f"repetition {repetition}: logits scatter by {spread:.5f}, loss {stale:.3f}")
assert np.isclose(stale, np.log(8000), atol=0.02)

# %% [markdown]
# The second repetition was given its own gradient for logits, numbers that are nearly all the same.
# Its loss is 9.0<!--= f"{stale:.1f}" -->, the logarithm of the number of words: it knows nothing.
# Its time would look fine, or better, as equal numbers even cost less power. So the benchmark of
# this course restores the logits before every call, outside the clock. These are its rules, each
# against a way to fool oneself:
#
# | rule | otherwise |
# |---|---|
# | compare with float64 first, in memory full of NaN | a kernel that writes nothing wins |
# | restore what is overwritten, unclocked | the second call sees another input |
# | measure a copy and a product in the same run | shares of a rate that no machine reaches |
# | clear the cache between calls | a small table is never read from memory |
# | take turns; report median and spread | a neighbour's job decides the order |
# | the same task for all, gradient included | one reading against three passes |
# | one count of bytes for all | a program is praised for what it wastes |
# | write the prediction down first, and keep it | every number looks as expected |
#
# ## What was measured
#
# This is what the benchmark recorded, with the machine it ran on. On a CPU a time is a ratio to the
# program in bold, and the peak is counted in tables of logits. One command measures a GPU and adds
# it here, at the vocabulary of this chapter; every shape stands in [docs/gpu.md](../docs/gpu.md).
# What does yours say? `python -m lossmath.fused.bench --json mine.json`, run where this notebook
# lies, takes a few minutes on a CPU. Then run the next cell again: your table stands below the
# recorded ones.


# %%
def shown(run):
    """The tables of a recorded run; of a GPU's, those of one vocabulary."""
    on_cpu = run["env"]["kind"] == "cpu"
    return tables(run | {"results": [r for r in run["results"] if on_cpu or r["V"] == WORDS]})


own = Path("mine.json")
runs = recorded() + ([json.loads(own.read_text())] if own.exists() else [])
Markdown("\n".join(map(shown, runs)))

# %% [markdown]
# ## The chapter on one screen
#
# | question | answer |
# |---|---|
# | what takes the time? | carrying the logits: count passes; the floor is $2U$ |
# | what is exact on any machine? | tables held at the peak: three eager, one or none fused |
# | what must be kept per row? | the pair $(m, d)$, not $m + \log d$ |
# | how is a row read once? | pairs merge in any order; $m$ starts at the lowest finite number |
# | is the kernel lean enough? | count instructions per logit against the budget; no GPU needed |
# | memory or instructions? | compare logits per second in two formats |
# | what does in place risk? | saved logits, second derivatives, parameters: refuse aloud |
# | time or memory? | left of the roofline's corner fusing buys time, right of it memory |
# | how large a chunk? | $c^* = 4R$, with the accumulator in float32 |
# | is a benchmark's number possible? | divide the work by the time, compare with the data sheet |
# | is a comparison fair? | ask what is counted, and whether both sides did the same |
#
# **How it fails.** Exponentials without the maximum: a gradient of zero beside a perfect loss.
# Probabilities first: a gradient that is not a number, long before the loss says so. A kernel that
# overwrites what autograd believes unchanged: a wrong gradient, silently. A chunk that is too
# small: the time of the traffic instead of the time of the arithmetic.
#
# ## Practise
#
# * [GPU lab](../exercises/11_gpu_lab.ipynb): merge, forward, backward, chunks under a budget and a
#   count of passes, block by block and without a GPU.
# * [BCE from logits](../exercises/03_bce_from_logits.ipynb): the stable form in two classes, and
#   the gradient at ten thousand.
# * [Masked mean](../exercises/04_masked_mean.ipynb): ignored rows, denominators, and chunks that
#   add up to the full batch.
# * [InfoNCE](../exercises/07_infonce.ipynb): a cross-entropy over a whole batch, loss and gradient.
#
# ## Further reading
#
# * Milakov and Gimelshein, *Online normalizer calculation for softmax* (2018): the merge.
# * Dao and others, *FlashAttention* (2022): the same merge inside attention.
# * Tillet, Kung and Cox, *Triton: an intermediate language and compiler for tiled neural network
#   computations* (2019).
# * Wijmans and others, *Cut your losses in large-vocabulary language models* (2024): a linear layer
#   and cross-entropy without logits.
# * Hsu and others, *Liger kernel: efficient Triton kernels for LLM training* (2024): the gradient
#   taken in the forward pass.
# * Williams, Waterman and Patterson, *Roofline: an insightful visual performance model* (2009): two
#   limits in one picture.
