# %% [markdown]
# # 08 Numerical stability: the formula was right, so why is the loss not a number?
#
# You train a classifier for an hour. The loss falls nicely, and then the log says `nan`, "not a
# number", and goes on saying it for ever. You check the formula. It is right. You check its
# derivative. It is right too.
#
# What is wrong lies in between. A computer does not calculate with numbers but with **floats**: a
# finite set of numbers with gaps between them and an end on either side. A formula can be true for
# all numbers and still step, halfway through, into a gap or over an end. This chapter shows where
# that happens to losses, how to rewrite them so that it does not, and what changes when floats have
# only sixteen bits.

# %%
import math

import mpmath
import numpy as np
import torch
import torch.nn.functional as F
from IPython.display import Markdown

import lossmath as lm
from lossmath.explore import (
    Axis,
    Curve,
    Explorer,
    Matrix,
    Panel,
    Picture,
    Points,
    Predict,
    Rule,
    Slider,
    table,
)

torch.set_num_threads(1)
mpmath.mp.dps = 50  # digits of the exact arithmetic we compare with
FORMATS = {
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
    "float32": torch.float32,
    "float64": torch.float64,
}

# %% [markdown]
# ## A run that dies
#
# The smallest possible case: one weight $w$ and three examples that all deserve the answer yes, one
# of them hard, one of them easy. The **logit** of an example is $z = wx$; it may be any real
# number, and the sigmoid $p = 1/(1 + e^{-z})$ makes a probability of it. The binary cross-entropy
# is typed as every textbook prints it.


# %%
def textbook(z, y):
    """Binary cross-entropy of a logit, by way of the probability."""
    p = 1 / (1 + torch.exp(-z))
    return -(y * torch.log(p) + (1 - y) * torch.log(1 - p))


def train(cost, steps=60, rate=2.0):
    """The largest logit and the mean loss at each step of gradient descent in float32."""
    w, x, y = torch.zeros(1, requires_grad=True), torch.tensor([0.2, 1.0, 5.0]), torch.ones(3)
    seen = []
    for _ in range(steps):
        loss = cost(w * x, y).mean()
        (slope,) = torch.autograd.grad(loss, w)
        seen.append(((w * x).max().item(), loss.item()))
        w = (w - rate * slope).detach().requires_grad_()
    return seen


typed = train(textbook)
died = next(step for step, (_, loss) in enumerate(typed) if math.isnan(loss))
sturdy = train(lm.BinaryCrossEntropyFromLogits().value)
for step in (0, died - 1, died, len(typed) - 1):
    print(f"step {step:2}: typed {typed[step][1]:6.4f}   lossmath {sturdy[step][1]:6.4f}   "
          f"its largest logit {sturdy[step][0]:5.1f}")  # fmt: skip

# %% [markdown]
# Nothing extreme happened. At step 15<!--= died --> the easy example had a logit of 16.8<!--=
# f"{sturdy[died][0]:.1f}" -->. Its probability rounded to exactly one, $\log(1 - p)$ became
# $-\infty$, and the factor $1 - y = 0$ in front does not help: $0 \cdot \infty$ is not a number.
# The model died of being right.
#
# ## The ruler
#
# A float holds a sign, an exponent and a fixed number of binary digits, its **significand**. Near
# one, float32 has $2^{23}$ marks between one and two; between two and four it has the same number
# of marks, twice as far apart; and so on up, and down. Two marks next to each other are one **unit
# in the last place** apart, one **ULP**. So a float is precise *relative to its own size*, until
# it falls off either end of the ruler.

# %%
for name, dtype in FORMATS.items():
    info = torch.finfo(dtype)
    digits = 1 - round(math.log2(info.eps))
    print(f"{name:9} binary digits {digits:2}   gap above 1: {info.eps:.2g}   "
          f"largest {info.max:.2e}   smallest {info.smallest_normal * info.eps:.1e}")  # fmt: skip

# %% jupyter={"source_hidden": true}
POWERS = 2.0 ** np.arange(-30, 21)


def tens(*exponents):
    """Powers of ten as the ticks of an axis."""
    raised = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
    return {10.0**k: f"10{str(k).translate(raised)}" if k else "1" for k in exponents}


def gap(x, dtype):
    """The distance of the marks around x: one unit in the last place."""
    info = torch.finfo(dtype)
    size = np.maximum(np.abs(x), info.smallest_normal)
    return np.where(np.abs(x) <= info.max, 2.0 ** np.floor(np.log2(size)) * info.eps, np.nan)


EDGES = np.repeat(POWERS, 2)[1:-1]
WITHIN = np.repeat(POWERS[:-1], 2)  # the power of two that each stretch between two edges starts at


def ruler(x):
    names = ("float16", "bfloat16", "float32")
    here = {name: float(gap(np.array(x), FORMATS[name])) for name in names}
    strokes = dict(zip(names, ("blue", "orange", "green"), strict=True))
    return Picture(
        [
            Panel(
                "distance to the next float",
                [
                    *(
                        Curve(EDGES, gap(WITHIN, FORMATS[name]), name, stroke=strokes[name])
                        for name in names
                    ),
                    *(Points([x], [here[name]], stroke=strokes[name], size=5) for name in names),
                    Rule(x, stroke="grey"),
                ],
                Axis("x", 1e-9, 1e6, scale="log", ticks=tens(-9, -6, -3, 0, 3, 6)),
                Axis("", 5e-17, 1e4, scale="log", ticks=tens(-16, -12, -8, -4, 0, 4)),
            )
        ],
        readings={f"gap in {name}": width for name, width in here.items()},
    )


def unnoticed(dtype):
    """The largest step that leaves a weight of 1 where it is."""
    steps = torch.linspace(0, 0.02, 4001, dtype=torch.float64)
    moved = (1 + steps).to(dtype) != 1
    return float(steps[~moved].max())


Explorer(
    ruler,
    [Slider("x", 1e-8, 6e4, 1.0, scale="log", meaning="where on the ruler")],
    title="A ruler whose marks spread out",
    predict=Predict(
        "A bfloat16 weight is 1. How large a step may an optimiser take without moving it at all?",
        answer=round(unnoticed(torch.bfloat16), 5),
        within=0.0015,
        because=f"The next mark is 2⁻⁷ = {2**-7:.4f} away, and half of that still rounds back.",
    ),
)

# %% [markdown]
# Two formats share sixteen bits in different ways. **float16** spends them on digits: marks eight
# times denser than those of **bfloat16**, but the ruler ends at
# 65504<!--= f"{torch.finfo(torch.float16).max:.0f}" --> and, below about
# `6e-5`, its marks stop getting finer (these last floats are called **subnormal**; at `6e-8` they
# end). bfloat16 has the range of float32 and only 8<!--= 1 - round(math.log2(
# torch.finfo(torch.bfloat16).eps)) --> binary digits, a little more than two decimal ones. Neither
# is the better sixteen bits. One falls off the ends, the other cannot see small changes.
#
# ## Probabilities crowd at one
#
# Floats are dense near zero: `1e-30` is as good a float as any. They are not dense near one. Even
# the last float below one is half as far away as the next one above it, so a probability that is
# *almost certain* has nowhere to live. A logit has no such trouble: $z = 40$ and $z = 41$ are
# ordinary numbers.
#
# Below is the loss $-\log p$ of a right answer with logit $z$, exactly and by way of a probability
# that was rounded to some number of binary digits.

# %% jupyter={"source_hidden": true}
CONFIDENT = np.linspace(0, 45, 541)
TRUE_LOSS = lm.BinaryCrossEntropyFromLogits().value(CONFIDENT, np.ones_like(CONFIDENT))


def through_probability(z, digits):
    """−log of the probability, rounded to this many binary digits."""
    missing = np.exp(-z) / (1 + np.exp(-z))
    rounded = np.round(missing * 2.0**digits) / 2.0**digits  # what p lacks to 1, in its last digit
    return -np.log1p(-rounded)


def certain_from(digits):
    """The logit from which on the rounded probability is exactly 1."""
    return (digits + 1) * math.log(2)


def crowded(digits):
    digits = round(digits)
    typed = through_probability(CONFIDENT, digits)
    last = certain_from(digits)
    across = Axis("logit z", 0, 45)
    return Picture(
        [
            Panel(
                "loss of a right answer",
                [
                    Curve(CONFIDENT, TRUE_LOSS, "exact"),
                    Curve(CONFIDENT, np.where(typed > 0, typed, np.nan), "through p"),
                    Points([last], [2.0**-digits], stroke="orange", size=5),
                ],
                across,
                Axis("", 1e-18, 2, scale="log", ticks=tens(-16, -12, -8, -4, 0)),
            ),
            Panel(
                "through p, as a share of exact",
                [
                    Curve(CONFIDENT, np.ones_like(CONFIDENT), "exact", stroke="blue"),
                    Curve(CONFIDENT, typed / TRUE_LOSS, "through p", stroke="orange"),
                ],
                across,
                Axis("", 0, 2.1),
            ),
        ],
        readings={"loss is exactly 0 beyond z": last},
    )


Explorer(
    crowded,
    [Slider("digits", 8, 53, 11, symbol="d", meaning="binary digits of p", whole=True)],
    title="A probability that is almost one",
    predict=Predict(
        "float32 has 24 binary digits. From which logit on is the loss through p exactly zero?",
        answer=round(certain_from(24), 1),
        within=1.0,
        because=f"Each binary digit buys log 2 = {math.log(2):.2f} of logit, and there are 24 of "
        "them.",
    ),
)

# %% [markdown]
# The dashed line is what remains of the loss: first it wavers, as ever fewer digits are left
# between $p$ and one, and at the dot it ends: the model stops learning from that example. bfloat16
# reaches only a logit of 6.2<!--= f"{certain_from(8):.1f}" -->, float16 8.3<!--=
# f"{certain_from(11):.1f}" -->, float32 17.3<!--= f"{certain_from(24):.1f}" -->, and even float64
# gives up at 37.4<!--= f"{certain_from(53):.1f}" -->. (Our run died a little before that. It rounds
# $1 + e^{-z}$ first, and above one the marks are twice as far apart: that is one binary digit less,
# and 16.6<!--= f"{certain_from(23):.1f}" -->.)
#
# So do not go through $p$. Put the sigmoid into the logarithm and simplify on paper:
#
# $$-\log\frac{1}{1 + e^{-z}} = \log\left(1 + e^{-z}\right).$$
#
# This is exact algebra, and the digit-eating step from `1e-18` to "one minus `1e-18`" is gone. Two
# dangers remain. For $z = -1000$ the exponential overflows; take out the larger of the two terms
# first. And when $e^{-z}$ is tiny, adding it to one loses it again; the library function
# $\mathrm{log1p}(x) = \log(1 + x)$ exists for exactly that. Together:
#
# $$\log\left(1 + e^{-z}\right) = \max(-z, 0) + \mathrm{log1p}\left(e^{-|z|}\right).$$
#
# This function is called **softplus** (of $-z$). For a target $y$ between zero and one the whole
# loss is $\max(z, 0) - yz + \mathrm{log1p}(e^{-|z|})$, and its slope is simply $\sigma(z) - y$.
#
# > **Refute this.** *“Just add a small ε inside the logarithm, $-\log(p + \varepsilon)$, and the
# > problem is solved.”* It removes the infinity. What else does it remove?

# %%
wrong = torch.tensor([-5.0, -15.0, -30.0, -60.0], requires_grad=True)  # the target is 1
guarded = -torch.log(torch.sigmoid(wrong) + 1e-8)
(guarded_slope,) = torch.autograd.grad(guarded.sum(), wrong)
clipped = -torch.log(torch.sigmoid(wrong).clamp(min=1e-8))
(clipped_slope,) = torch.autograd.grad(clipped.sum(), wrong)
bce = lm.BinaryCrossEntropyFromLogits()
with torch.no_grad():
    true_loss = bce.value(wrong, torch.ones(4))
    true_slope = bce.gradient(wrong, torch.ones(4))
for i, z in enumerate(wrong.tolist()):
    print(f"logit {z:3.0f}:  loss {guarded[i]:6.3f} instead of {true_loss[i]:6.3f}   "
          f"slope {guarded_slope[i]:6.0e} instead of {true_slope[i]:.2f}")  # fmt: skip
half_epsilon = torch.tensor(1e-8, dtype=torch.float16).item()
print("ε in float16:", half_epsilon)
assert abs(guarded_slope[2]) < 1e-4 and half_epsilon == 0 == clipped_slope[2]

# %% [markdown]
# Refuted. It silences the worst examples. At a logit of $-30$ the loss is stuck at
# 18.4<!--= f"{guarded[2].item():.1f}" -->, and the slope, which should be
# −1<!--= f"{true_slope[2].item():.0f}".replace("-", "−") -->, is
# −9e-06<!--= f"{guarded_slope[2].item():.0e}".replace("-", "−", 1) -->: what is most wrong is
# corrected least. And in float16 the ε *is* 0.0<!--= half_epsilon -->. Clipping the probability,
# the other popular cure, makes the slope exactly zero instead. Work with logits, and there is
# nothing to guard.
#
# A pair of warnings about names. A loss "from logits" that is given probabilities raises no error,
# because a probability is a perfectly good logit; it squashes them a second time:

# %%
sure = np.array([0.999, 0.999, 0.001])
answers = np.array([1.0, 1.0, 0.0])
as_meant = float(lm.BinaryCrossEntropyFromProbabilities()(sure, answers))
squashed_twice = float(bce(sure, answers))
print(f"as probabilities {as_meant:.4f}, mistaken for logits {squashed_twice:.4f}")
try:
    lm.BinaryCrossEntropyFromProbabilities()([3.0, -1.0], [1.0, 0.0])
except ValueError as error:
    print("logits mistaken for probabilities:", error)

# %% [markdown]
# Nearly perfect predictions cost 0.4402<!--= f"{squashed_twice:.4f}" --> instead of
# 0.0010<!--= f"{as_meant:.4f}" -->, and no training will bring that below
# 0.31<!--= f"{float(bce(1.0, 1.0)):.2f}" --> for a positive example. The opposite mistake can be
# detected, and lossmath refuses.
#
# ## Log-sum-exp: choose your own zero
#
# With many classes the same thing is called the softmax. The loss of class $y$ is
#
# $$-\log\frac{e^{z_y}}{\sum_j e^{z_j}} = \log\sum_j e^{z_j} - z_y ,$$
#
# and the first term, **log-sum-exp**, is where code breaks. Each $e^{z_j}$ must be a float. But
# for any number $m$ you like, taking out the factor $e^m$ changes nothing:
#
# $$\log\sum_j e^{z_j} = m + \log\sum_j e^{z_j - m} .$$
#
# On paper every $m$ is as good as any other. Try them. There are three logits, $s$, $s - 1$ and
# $s - 5$; the curves show by how many ULPs the computed value misses the exact one.


# %%
def spacing(exact, dtype):
    """One unit in the last place of a number of any precision."""
    info = torch.finfo(dtype)
    smallest = math.frexp(info.smallest_normal)[1]
    exponent = max(mpmath.frexp(exact)[1], smallest) if exact else smallest
    return mpmath.ldexp(info.eps / 2, exponent)


def ulps(computed, exact, dtype):
    """How far a float is from the exact value, in units in its last place; inf if it is no number.

    This is the error of the arithmetic alone: `exact` starts from the very floats that went in.
    """
    value = float(computed)
    if not math.isfinite(value):
        return math.inf
    return float(abs(mpmath.mpf(value) - exact) / spacing(exact, dtype))


# %% jupyter={"source_hidden": true}
NARROW = ("float16", "bfloat16", "float32")


def survives(dtype):
    """The largest logit whose exponential is still a float."""
    return math.log(torch.finfo(dtype).max)


def vanishes(dtype):
    """The logit from which on, downwards, the exponential is zero."""
    info = torch.finfo(dtype)
    return math.log(info.smallest_normal * info.eps / 2)


def shifted(size, dtype):
    """Shifts around the largest logit, and the error of log-sum-exp with each, in ULPs.

    NaN where the result is no number.
    """
    z = torch.tensor([size, size - 1, size - 5], dtype=dtype)
    exact = mpmath.log(mpmath.fsum(mpmath.exp(float(x)) for x in z))
    shifts = np.round(np.linspace(size - 1 - survives(dtype), size + 1 - vanishes(dtype), 161))
    shift = torch.tensor(shifts, dtype=dtype)
    tried = shift + torch.log(torch.exp(z - shift[:, None]).sum(-1))
    error = np.array([ulps(value, exact, dtype) for value in tried])
    return shifts, np.where(np.isfinite(error), np.maximum(error, 0.1), np.nan)


def shift_panel(size):
    errors = {name: shifted(size, FORMATS[name]) for name in NARROW}
    usable = {name: shifts[np.isfinite(error)] for name, (shifts, error) in errors.items()}
    return Picture(
        [
            Panel(
                "error of log-sum-exp, in ULPs",
                [
                    *(Curve(shifts, error, name) for name, (shifts, error) in errors.items()),
                    Rule(size, stroke="ink"),
                ],
                Axis("shift m", -100, 210),
                Axis("", 0.004, 1e6, scale="log", ticks=tens(-2, 0, 2, 4, 6)),
            )
        ],
        readings={
            f"{name} works {end}": float(at)
            for name in ("float16", "float32")
            for end, at in zip(("from m", "to m"), usable[name][[0, -1]], strict=True)
        },
    )


Explorer(
    shift_panel,
    [Slider("size", 0, 100, 60, symbol="s", meaning="largest logit")],
    title="Which m?",
    predict=Predict(
        "Without any shift, m = 0: up to which logit does float32 survive?",
        answer=round(survives(torch.float32), 1),
        within=3,
        because=f"The largest float32 is {torch.finfo(torch.float32).max:.1e}, and its logarithm "
        f"is {survives(torch.float32):.1f}.",
    ),
)

# %% [markdown]
# Too small an $m$, and a term overflows; too large, and all terms vanish and leave $\log 0$. The
# stretch between moves along with the largest logit, the black upright, and never loses it: for
# float16 it reaches 11.1<!--= f"{survives(torch.float16):.1f}" --> to the left, for bfloat16 and
# float32 88.7<!--= f"{survives(torch.float32):.1f}" -->. Taking $m = \max_j z_j$ is always safe:
# the largest term is then $e^0 = 1$, so the sum cannot vanish, and it overflows only if there are
# more classes than the format can count. Terms that do vanish are too small to matter. (Slide $s$
# to zero: now the answer itself is small, and a distant $m$ costs digits long before it costs
# everything.)
#
# > **Refute this.** *“With the largest entry subtracted, log-sum-exp cannot fail.”* Sometimes all
# > entries are masked, which is done by setting logits to $-\infty$.


# %%
def with_maximum(z):
    """Log-sum-exp as it is usually taught."""
    top = z.max()
    return top + np.log(np.sum(np.exp(z - top)))


nothing_left = np.full(4, -np.inf)
with np.errstate(invalid="ignore"):
    taught = float(with_maximum(nothing_left))
kept = float(lm.LogSumExp().value(nothing_left))
print(f"a row with everything masked: taught {taught}, lossmath {kept}")
assert math.isnan(taught) and kept == -math.inf

# %% [markdown]
# Refuted: $-\infty - (-\infty)$ is not a number. The sum over nothing is zero and its logarithm
# −inf<!--= str(kept).replace("-", "−") -->, which a careful implementation returns by shifting
# with $m$ only where $m$ is finite. In the attention of a language model this is the row of a
# padded token, and its one `nan` spreads through every layer above.
#
# ## The map of errors
#
# Now measure. Three classes with logits $c + a$, $c$ and $c - 1$, the first of them right. Its
# cross-entropy depends on the **lead** $a$ alone; the common part $c$ cancels. Each cell of the
# map is one format and one lead, from $-2^{10}$ on the left (hopelessly wrong) over
# zero to $2^{10}$ on the right (absolutely sure). The darker, the more of its digits are wrong;
# striped cells are not numbers at all, or infinite. A cell counts as lost when it is striped or
# more than half of its digits are wrong. The exact values come from arithmetic with
# 50<!--= mpmath.mp.dps --> digits, applied to the same rounded logits that the code was given.


# %%
def softmax_then_log(z):
    """Cross-entropy of class 0 in two steps."""
    grown = torch.exp(z)
    return -torch.log(grown[:, 0] / grown.sum(-1))


def from_logits(z):
    """The same, in one."""
    return lm.CrossEntropyFromLogits().value(z, torch.zeros(len(z), dtype=torch.int64))


def exact_loss(z):
    """The same, with as many digits as it takes."""
    return [
        mpmath.log1p(mpmath.exp(mpmath.mpf(b) - a) + mpmath.exp(mpmath.mpf(c) - a))
        for a, b, c in z.double().tolist()
    ]


HALF = 2.0 ** np.arange(-4, 11)
LEADS = np.concatenate([-HALF[::-1], [0.0], HALF])


# %% jupyter={"source_hidden": true}
def errors_at(common, how):
    """Errors in ULPs, one row for each format and one column for each lead."""
    rows = []
    for dtype in FORMATS.values():
        z = torch.tensor(np.stack([common + LEADS, 0 * LEADS + common, 0 * LEADS + common - 1], -1))
        z = z.to(dtype)
        found = zip(how(z), exact_loss(z), strict=True)
        rows.append([ulps(value, exact, dtype) for value, exact in found])
    return np.array(rows)


DIGITS = np.array([1 - math.log2(torch.finfo(dtype).eps) for dtype in FORMATS.values()])


def lost(errors):
    """Share of the digits that are wrong, from 0 to 1; and where there is no number at all."""
    broken = ~np.isfinite(errors)
    wrong_digits = np.log2(1 + np.where(broken, 0, errors)) / DIGITS[:, None]
    return np.clip(wrong_digits, 0, 1), broken.astype(float)


ROWS = {3.5 - i: name for i, name in enumerate(("fp16", "bf16", "fp32", "fp64"))}
MARKED = {1: "−2¹⁰", 15: "−2³", 31: "0", 47: "2³", 61: "2¹⁰"}  # each cell is two columns wide


def error_map(common):
    panels, readings = [], {}
    for name, how in (("softmax, then log", softmax_then_log), ("from logits", from_logits)):
        errors = errors_at(common, how)
        digits, broken = lost(errors)
        panels.append(
            Panel(
                name,
                [
                    Matrix(np.kron(digits, [1, 1]), label="share of digits lost", stroke="blue"),
                    Matrix(np.kron(broken, [1, 0]), label="all lost", stroke="orange"),
                ],
                Axis("lead a of the right class", 0, 2 * LEADS.size, ticks=MARKED),
                Axis("", 0, 4, ticks=ROWS),
            )
        )
        readings[f"cells lost by {name}"] = float(np.mean(broken + (digits > 0.5)))
    return Picture(panels, readings=readings)


plain_errors = errors_at(0.0, softmax_then_log)
stable_errors = {c: errors_at(c, from_logits) for c in (-200.0, -100.0, 0.0, 100.0, 200.0)}
Explorer(
    error_map,
    [Slider("common", -200, 200, 0, symbol="c", meaning="added to all logits", whole=True)],
    title="Where the digits go",
    predict=Predict(
        "Add c = 100 to all logits, which changes no probability. How many of the four formats "
        "still give the two-step loss anywhere on the map?",
        choices=("all four", "three", "one", "none"),
        answer={0: "none", 1: "one", 3: "three", 4: "all four"}[
            int(np.isfinite(errors_at(100.0, softmax_then_log)).any(axis=1).sum())
        ],
        because=f"exp(100) is {math.exp(100):.1e}: only float64 has a number for that.",
    ),
)

# %%
worst_stable = max(float(errors.max()) for errors in stable_errors.values())
sure_and_right = plain_errors[3, LEADS == 32].item()
print(f"from logits, worst error on all maps: below 2 ULPs: {worst_stable < 2}")
print(f"two steps, float64, lead 32: {sure_and_right:.1e} ULPs of 2^53 = {2.0**53:.1e}")
digits_gone = round(math.log2(1 + errors_at(77.7, from_logits)[3].max()))
print(f"from logits, float64, c = 77.7: up to {digits_gone} of 53 digits wrong")
assert worst_stable < 2 and sure_and_right > 1e12

# %% [markdown]
# Read the left map from its middle. To the right the answer is right, the probability crowds
# against one, and the digits fade until none are left: at a lead of $32$ even **float64** is off by
# more than `1e12` ULPs. To the left the answer is wrong, the probability is small, which floats can
# do, until the exponential leaves the range and the loss is infinite. Move $c$ and the stripes
# sweep in over rows that were fine. In the right map nothing happens: one formula, right to within
# two ULPs, in every format, for every lead, for every whole number $c$.
#
# Note what the map does *not* say. A format with few digits stays a format with few digits: an
# error of one ULP is 0.8%<!--= f"{torch.finfo(torch.bfloat16).eps:.1%}" --> in bfloat16. Stable
# means "no worse than the format", not "exact". And why whole numbers? With $c = 77.7$ the
# difference of two logits must be rounded, and $e^{-a}$ makes a relative error out of every
# absolute error in $a$. At a lead of $2^9$ that costs 8<!--= digits_gone --> of the
# 53<!--= DIGITS[3].astype(int) --> digits of float64. The formula is not to blame: one ULP more or
# less in a logit changes the loss itself by as much.
#
# The same measurement for other losses of this course, in float32, for magnitudes from about
# $2^{-20}$ to $2^{20}$:

# %%
r = 1.1 * 2.0 ** np.arange(-20, 21)
MP = mpmath
CASES = {
    "softplus of −z": (
        lambda x: torch.log(1 + torch.exp(-x)),
        lambda x: lm.Logistic().value(x, torch.ones_like(x)),
        lambda x: MP.log1p(MP.exp(-x)),
    ),
    "log-cosh": (
        lambda x: torch.log(torch.cosh(x)),
        lambda x: lm.LogCosh().value(x, torch.zeros_like(x)),
        lambda x: MP.log1p(2 * MP.sinh(x / 2) ** 2),
    ),
    "pseudo-Huber": (
        lambda x: torch.sqrt(1 + x * x) - 1,
        lambda x: lm.PseudoHuber().value(x, torch.zeros_like(x)),
        lambda x: x * x / (1 + MP.sqrt(1 + x * x)),
    ),
    "MSLE at target 0": (
        lambda x: torch.log(1 + x) ** 2,
        lambda x: lm.MeanSquaredLogError().value(x, torch.zeros_like(x)),
        lambda x: MP.log1p(x) ** 2,
    ),
}


def worst(how, exactly):
    """The largest error over all magnitudes, in ULPs of float32."""
    inputs = torch.tensor(r, dtype=torch.float32)
    pairs = zip(how(inputs), map(exactly, map(MP.mpf, inputs.tolist())), strict=True)
    return max(ulps(value, truth, torch.float32) for value, truth in pairs)


def verdict(error):
    if error > 2**22:  # of 24 binary digits
        return "overflows" if math.isinf(error) else "no digit right somewhere"
    return "within 2 ULPs" if error < 2 else "worse than 2 ULPs"


outcome = {}
for name, (as_printed, as_shipped, exactly) in CASES.items():
    outcome[name] = verdict(worst(as_printed, exactly)), verdict(worst(as_shipped, exactly))
    print(f"{name:16}  as printed: {outcome[name][0]:25} lossmath: {outcome[name][1]}")
assert all(shipped == "within 2 ULPs" != printed for printed, shipped in outcome.values())

# %% [markdown]
# The cures are always the same few: never form a large number only to take its logarithm, never
# subtract two nearly equal numbers, use `log1p` and `expm1` (the function $e^x - 1$) near zero, and
# work with logarithms of probabilities throughout.
#
# ## Masks that leak
#
# Padding must not count. [Chapter one](01_what_a_loss_does.ipynb) showed that multiplying by a mask
# of zeros and ones lets a `nan` through, because $0 \cdot \text{nan}$ is `nan`; so one selects
# instead. Selecting the *values* is not enough either, as soon as a program differentiates for you.
#
# > **Refute this.** *“A `where` around the dangerous expression keeps the padding out.”* It keeps
# > it out of the value. The second entry below is padding and holds the probability zero.

# %%
p = torch.tensor([0.5, 0.0], requires_grad=True)
real = torch.tensor([True, False])
outer = torch.where(real, -torch.log(p), 0.0)
(leaky,) = torch.autograd.grad(outer.sum(), p)
inner = torch.where(real, -torch.log(torch.where(real, p, 1.0)), 0.0)
(tight,) = torch.autograd.grad(inner.sum(), p)
surprise = lm.BinaryCrossEntropyFromProbabilities()
closed = surprise.gradient(p.detach(), torch.ones(2), mask=real)
print(f"value {outer.sum().item():.4f}   gradient, one where: {leaky.tolist()}")
print(f"gradient, two wheres: {tight.tolist()}   lossmath, closed form: {closed.tolist()}")
assert math.isnan(leaky[1]) and tight.tolist() == closed.tolist() == [-2.0, 0.0]

# %% [markdown]
# Refuted. The value is fine, and the gradient of the padding is nan<!--= leaky[1].item() -->. The
# chain rule multiplies what `where` sends back, a zero, by the slope of the logarithm at zero,
# which is infinite. Put a harmless number in **before** the dangerous function and select again
# after it: two wheres. (A closed-form gradient never asks the logarithm.)
#
# Labels need the same care. A padded position carries a label that no class has, a **sentinel**,
# and the loss is told to skip it: `ignore_index`. The popular sentinel $-1$ has a second meaning in
# Python, and this is the quietest bug of the chapter:

# %%
scores = np.array([[2.0, 0.0, 1.0], [0.0, 3.0, 1.0], [1.0, 1.0, 1.0]])
labels = np.array([0, 1, -1])  # the third position is padding
log_p = scores - np.log(np.exp(scores).sum(1, keepdims=True))
picked = -log_p[np.arange(3), labels]
cross_entropy = lm.CrossEntropyFromLogits()
skipped = float(cross_entropy(scores, labels, ignore_index=-1))
all_padding = float(cross_entropy(scores, np.full(3, -1), ignore_index=-1))
print(f"by indexing: {picked.round(4)}, mean {picked.mean():.4f}")
print(f"with ignore_index: mean {skipped:.4f}; with nothing but padding: {all_padding}")
try:
    cross_entropy(scores, labels)
except (ValueError, IndexError) as error:
    print("without it, lossmath:", error)

# %% [markdown]
# Counted from the end, $-1$ is the *last class*: the padding is trained to be class three, and the
# mean is 0.5587<!--= f"{picked.mean():.4f}" --> instead of 0.2887<!--= f"{skipped:.4f}" -->.
# Replace the sentinel by a valid label first, mask afterwards, and divide by the number of
# positions that are left. If none is left, there is no right answer to the mean of nothing: PyTorch
# says `nan`, lossmath says 0.0<!--= all_padding --> with no gradient. Which suits you depends on
# whether you want to be stopped. What a sentinel must not be is a real class; [chapter
# six](06_language_and_preferences.ipynb) shows why.
#
# ## Sixteen bits: sums that stall
#
# Half the bits mean half the memory and several times the speed, so large models are trained in
# sixteen. Add up four thousand losses, each of them `0.1`, one after the other:


# %%
def running(dtype, term=0.1, count=4096):
    """A sum of equal terms, each addition rounded to the format; its value after every addition."""
    total, added = torch.zeros((), dtype=dtype), torch.tensor(term, dtype=dtype)
    seen = []
    for _ in range(count):
        total = total + added
        seen.append(total.item())
    return np.array(seen)


sums = {name: running(FORMATS[name]) for name in ("float16", "bfloat16", "float32")}
for name, seen in sums.items():
    last_moved = int(np.argmax(seen == seen[-1])) + 1
    print(f"{name:9} {seen[-1]:8.2f}   last moved by term {last_moved}")
thirty = torch.full((3,), 30000.0, dtype=torch.float16)
narrow_mean = ((thirty[0] + thirty[1] + thirty[2]) / 3).item()
wide_mean = lm.reduce(thirty).item()
print(f"mean of three losses of 30000: {narrow_mean} in float16, {wide_mean} by way of float32")

# %% [markdown]
# The true sum is 409.6<!--= f"{0.1 * 4096:.1f}" -->. The float16 sum stops at
# 256.0<!--= f"{sums['float16'][-1]:.1f}" -->, the bfloat16 sum at
# 32.0<!--= f"{sums['bfloat16'][-1]:.1f}" -->: in both places the gap is `0.25`, and `0.1` is less
# than half of it. The same thing happens to weights. At one, bfloat16 does not notice a step below
# 0.004<!--= f"{unnoticed(torch.bfloat16):.3f}" -->, and most steps late in training are smaller.
# Hence two rules: **accumulate in float32** (sums, means, variances, softmax denominators), and
# **keep a float32 copy of the weights** for the optimiser to change. Range is a trouble of its own:
# three losses of `30000` average to inf<!--= narrow_mean --> in float16, whose largest number their
# sum exceeds.
#
# ## Loss scaling
#
# Gradients are small numbers. In the mean over a large batch most entries lie far below one, and
# float16 has nothing between `6e-8` and zero. What rounds to zero is lost. But differentiation is
# linear: multiply the loss by $s$, and every gradient behind it is multiplied by $s$. So push them
# all up into the range, go back through the network in float16, and divide by $s$ in float32 before
# the step:
#
# $$\nabla L = \frac{1}{s}\,\nabla(s L).$$
#
# With $s$ a power of two even the rounding is the same, except at the two ends of the ruler. Below,
# a plane is fitted to data without noise, by squared error in the mean over a batch of a million,
# and the slope in each prediction, $2r/N$, is stored as float16 on its way to the weights. A step
# with an overflow in it is skipped, as is usual. The two hills on the left are the sizes of those
# slopes at the start and after eight steps; the dotted uprights are the two ends of float16.

# %%
_rng = np.random.default_rng(4)
FEATURES = torch.tensor(_rng.standard_normal((256, 16)), dtype=torch.float32)
TARGETS = FEATURES @ torch.tensor(_rng.standard_normal(16), dtype=torch.float32)
PARTS = 2**12  # the batch is this many parts of 256 examples; one stands for all
RATE, STEPS = 0.3, 40
squared = lm.SquaredError()


def slopes(weights):
    """The slope in each prediction of one part, for the mean over all of them."""
    return squared.gradient(FEATURES @ weights, TARGETS, reduction="mean") / PARTS


def step(weights, scale=1.0, dtype=torch.float32):
    """The weights after a step whose slopes were scaled and stored in this format."""
    stored = (scale * slopes(weights)).to(dtype).float() / scale
    if torch.isfinite(stored).all():
        return weights - RATE * PARTS * FEATURES.T @ stored
    return weights


def descend(scale=1.0, dtype=torch.float32):
    """The mean loss before every step."""
    weights, losses = torch.zeros(16), []
    for _ in range(STEPS):
        losses.append(float(squared(FEATURES @ weights, TARGETS)))
        weights = step(weights, scale, dtype)
    return np.array(losses)


WIDE = descend()


# %% jupyter={"source_hidden": true}
def octaves(slope):
    """The binary exponents of the entries that occur, and how often each does."""
    exponents = np.floor(np.log2(np.abs(slope.numpy())))
    places = np.arange(exponents.min() - 1, exponents.max() + 2)
    return places + 0.5, np.array([(exponents == place).mean() for place in places])


EARLY = slopes(torch.zeros(16))
weights = torch.zeros(16)
for _ in range(8):
    weights = step(weights)
HILLS = {"start": octaves(EARLY), "8 steps on": octaves(slopes(weights))}
NAMED = {-40: "2⁻⁴⁰", -24: "2⁻²⁴", -14: "2⁻¹⁴", 0: "1", 16: "2¹⁶"}


def scaling(power):
    scale = 2.0**power
    path = descend(scale, torch.float16)
    stored = (EARLY * scale).to(torch.float16)
    return Picture(
        [
            Panel(
                "slopes, times s",
                [
                    *(
                        Curve(places + power, heights, name)
                        for name, (places, heights) in HILLS.items()
                    ),
                    Rule(-24.0, stroke="grey"),
                    Rule(16.0, stroke="grey"),
                ],
                Axis("exponent of the size", -44, 28, ticks=NAMED),
                Axis("", 0, 0.4),
            ),
            Panel(
                "mean loss",
                [
                    Curve(np.arange(STEPS), WIDE, "float32"),
                    Curve(np.arange(STEPS), path, "float16"),
                ],
                Axis("step", 0, STEPS),
                Axis("", 1e-14, 100, scale="log", ticks=tens(-12, -8, -4, 0)),
            ),
        ],
        readings={
            "loss in the end": path[-1],
            "first slopes that overflow": float(torch.isinf(stored).float().mean()),
        },
    )


floor = {s: descend(s, torch.float16)[-1] for s in (1.0, 2.0, 2.0**20, 2.0**34)}
Explorer(
    scaling,
    [Slider("power", 0, 36, 0, symbol="k", meaning="the scale is s = 2 to the k", whole=True)],
    title="Push the gradients into range",
    predict=Predict(
        "Training in float16 stalls when the slopes round to zero. Double s: by what factor does "
        "the loss fall at which it stalls?",
        answer=round(floor[1.0] / floor[2.0]),
        within=0.5,
        because="The slopes reach half as far before they vanish, and the loss is their square.",
    ),
)

# %%
without_scale = {"float32": WIDE[-1], "bfloat16": descend(1.0, torch.bfloat16)[-1]}
for name, loss in without_scale.items():
    print(f"{name}, no scale:   below 1e-9: {loss < 1e-9}")
for s, loss in floor.items():
    print(f"float16, s = 2^{math.log2(s):<2.0f}: {f'{loss:.1g}' if loss > 1e-9 else 'below 1e-9'}")

# A scale that looks after itself: halve it when a step overflows, double it after ten good ones.
scale, good, weights, skipped_steps = 2.0**40, 0, torch.zeros(16), 0
for _ in range(STEPS):
    moved = step(weights, scale, torch.float16)
    overflowed = bool((moved == weights).all())
    scale, good = (scale / 2, 0) if overflowed else (scale, good + 1)
    skipped_steps += overflowed
    if good == 10:
        scale, good = 2 * scale, 0
    weights = moved
self_made = float(squared(FEATURES @ weights, TARGETS))
print(f"dynamic scale: {skipped_steps} steps skipped, below 1e-9: {self_made < 1e-9}")
assert max(self_made, *without_scale.values(), floor[2.0**20]) < 1e-9 < floor[1.0]

# %% [markdown]
# Without scaling the run stalls at a loss of 4e-05<!--= f"{floor[1.0]:.0e}" -->: the slopes have
# slid off the left end, past $2^{-24}$. Every doubling of $s$ lowers that floor by a factor of
# 4<!--= f"{floor[1.0] / floor[2.0]:.0f}" -->. With $s = 2^{20}$ float16 does as well as float32.
# With $s = 2^{34}$ the *first* slopes overflow, every step is skipped, and the loss stays where it
# began, at 8.6<!--= f"{floor[2.0**34]:.1f}" -->. Since the right $s$ moves during training, it is
# usually found by trial, as in the last lines of the cell: start too high, halve on overflow,
# double after a while without. bfloat16 has the range of float32 and needs none of this; it pays in
# digits.
#
# Scaling the loss is not a larger learning rate: the factor is divided out before the step, and it
# cancels exactly. Nor does it help where the *loss itself* overflowed on the way forward. That is
# what the first half of this chapter is for.
#
# ## Libraries that were wrong
#
# Surely somebody has done all this already? Mostly, and use what they did. But no library is an
# oracle, and a test that compares your loss with one of them inherits its mistakes. The cell asks
# three libraries, and works out with many digits what the formula says that they were asked for.
# Some of the differences are documented, in small print; the number is another one all the same.
# None is about a convention, such as the slope at a kink, where several answers are right. Numbers
# are float64 unless something else is said.


# %%
def wide(*numbers):
    return torch.tensor(numbers, dtype=torch.float64)


def half(*numbers):
    return torch.tensor(numbers, dtype=torch.float16)


def slope(cost, *numbers):
    """The first entry of the gradient that automatic differentiation finds."""
    at = wide(*numbers).requires_grad_()
    return torch.autograd.grad(cost(at).sum(), at)[0][0]


def typed_softplus(z):
    return z.clamp(min=0) + torch.log1p(torch.exp(-z.abs()))


with np.errstate(over="ignore"):  # NumPy would at least warn
    length = np.linalg.norm([1e200, 1e200])
    weighted = np.average(np.full(3, 30000, np.float16), weights=np.ones(3, np.float16))
CLAIMS = {
    "`softplus(20.5) - 20.5` in torch": (
        F.softplus(wide(20.5)) - 20.5,
        mpmath.log1p(mpmath.exp(-20.5)),
        "above 20 it returns its argument",
    ),
    "`binary_cross_entropy_with_logits(-37, 0)` in torch": (
        F.binary_cross_entropy_with_logits(wide(-37), wide(0)),
        mpmath.log1p(mpmath.exp(-37)),
        "a small number is added to 37 before 37 is taken away",
    ),
    "`soft_margin_loss(-1000, 1)` in torch": (
        F.soft_margin_loss(wide(-1000), wide(1)),
        mpmath.log1p(mpmath.exp(1000)),
        "the exponential overflows",
    ),
    "`binary_cross_entropy(1e-50, 1)` in torch": (
        F.binary_cross_entropy(wide(1e-50), wide(1)),
        -mpmath.log(mpmath.mpf(1e-50)),
        "logarithms are cut off at −100",
    ),
    "`kl_div` in torch, a class that both exclude": (
        F.kl_div(wide(-math.inf, 0), wide(0, 1), reduction="sum"),
        mpmath.mpf(0),
        "zero times minus infinity",
    ),
    "`gaussian_nll_loss` in torch, off by 1e-3, variance 1e-12": (
        F.gaussian_nll_loss(wide(0), wide(1e-3), wide(1e-12)),
        (mpmath.log(mpmath.mpf(1e-12)) + mpmath.mpf(1e-3) ** 2 / mpmath.mpf(1e-12)) / 2,
        "the variance is raised to 1e-6",
    ),
    "`poisson_nll_loss(0, 2, full=True)` in torch": (
        F.poisson_nll_loss(wide(0), wide(2), full=True),
        1 + mpmath.log(2),
        "log 2! by Stirling's approximation",
    ),
    "slope of `max(z, 0) + log1p(exp(-abs(z)))` at 0, by torch": (
        slope(typed_softplus, 0),
        mpmath.mpf(1) / 2,
        "the kinks of `max` and `abs` do not cancel for it",
    ),
    "`cosine_similarity((1e200, 1e200), (1, 0))` in torch": (
        F.cosine_similarity(wide(1e200, 1e200), wide(1, 0), dim=0),
        1 / mpmath.sqrt(2),
        "the square of a length overflows",
    ),
    "`linalg.norm((1e200, 1e200))` in NumPy": (
        length,
        mpmath.mpf(1e200) * mpmath.sqrt(2),
        "the same, with a warning",
    ),
    "`average` of three 30000 with weights, float16, in NumPy": (
        weighted,
        mpmath.mpf(30000),
        "the sum overflows, with a warning",
    ),
    "`mse_loss` of the residuals 400, 0, 0, 0, float16, in torch": (
        F.mse_loss(half(400, 0, 0, 0), half(0, 0, 0, 0)),
        mpmath.mpf(40000),
        "the square overflows, though the mean is a number",
    ),
    "the same in lossmath": (
        squared(half(400, 0, 0, 0), half(0, 0, 0, 0)),
        mpmath.mpf(40000),
        "the same",
    ),
    "`logsumexp((-40, 0))` in torch": (
        torch.logsumexp(wide(-40, 0), 0),
        mpmath.log1p(mpmath.exp(-40)),
        "a small number is added to 1 before the logarithm",
    ),
    "`LogSumExp` of the same in lossmath": (
        lm.LogSumExp().value(wide(-40, 0)),
        mpmath.log1p(mpmath.exp(-40)),
        "the same",
    ),
}
rows = ["| asked | answered | exactly | why |", "|---|---|---|---|"]
for asked, (answered, exactly, why) in CLAIMS.items():
    said, truth = float(answered), float(exactly)
    assert not math.isclose(said, truth, rel_tol=1e-3), f"{asked} is right by now"
    rows.append(f"| {asked} | {said:.3g} | {truth:.3g} | {why} |")
Markdown("\n".join(rows))

# %% [markdown]
# Some of these will never hurt you: nobody misses `1e-9`. Some do: the infinity of a margin that is
# merely large, a variance that is silently another one, a likelihood that two programs report
# differently for the same counts. And see the last two pairs: two libraries that agree may agree on
# the same mistake, and one of the two is the library of this course. (The day a library mends its
# row the cell fails, and the row goes.) So test a loss against what must be **true** of it: values
# worked out with many digits, at both ends of the range; a gradient against differences; laws such
# as "adding a number to all logits changes nothing". Then compare with a library, to learn the
# conventions.
#
# ## Before you blame the formula
#
# When a run says `nan`, ask in this order.
#
# 1. **Logits.** How large do they get? Is any of them infinite? Is a row masked completely?
# 2. **Probabilities.** Does the code compute one and then take its logarithm?
# 3. **Masks.** Is something multiplied by zero that should have been selected? Before or after the
#    dangerous function?
# 4. **Denominators.** Can a count or a sum of weights be zero? Is a mean taken twice?
# 5. **Format.** In which one are sums accumulated, weights kept and gradients stored? Is the scale
#    still finite, or has every step been skipped since yesterday?
#
# ## The losses on one screen
#
# All of these are evaluated from logits or residuals in their stable form, and sums are accumulated
# in float32 at least.

# %%
table(
    lm.BinaryCrossEntropyFromProbabilities,
    lm.BinaryCrossEntropyFromLogits,
    lm.CrossEntropyFromProbabilities,
    lm.CrossEntropyFromLogits,
    lm.LogSumExp,
    lm.LogCosh,
    lm.PseudoHuber,
    lm.MeanSquaredLogError,
)

# %% [markdown]
# | you would like to write | write | because |
# |---|---|---|
# | $-\log\sigma(z)$ | $\mathrm{softplus}(-z)$ | probabilities crowd at one |
# | $\log\sum e^{z}$ | $m + \log\sum e^{z - m}$, $m = \max z$ where finite | exponentials overflow |
# | $\log(1 + x)$, $e^x - 1$ | `log1p(x)`, `expm1(x)` | one swallows a small $x$ |
# | $\log(p + \varepsilon)$ | the loss from logits | ε silences the worst examples |
# | `mask * loss` | `where` before *and* after | zero times infinity is no number |
# | a sum in sixteen bits | a sum in float32 | it stalls, or overflows |
# | gradients in float16 | gradients of $sL$, divided by $s$ | they round to zero |
#
# ## Practise
#
# * [BCE from logits](../exercises/03_bce_from_logits.ipynb): find the first false step in a
#   derivation, then write the loss so that it survives logits of ten thousand.
# * [Masked mean](../exercises/04_masked_mean.ipynb): `nan` in the padding, empty masks, and
#   batches that come in parts.
# * [InfoNCE](../exercises/07_infonce.ipynb): a softmax whose logits are divided by a thousandth.
#
# ## Further reading
#
# * Goldberg, *What every computer scientist should know about floating-point arithmetic* (1991).
# * Higham, *Accuracy and stability of numerical algorithms* (2002), the reference.
# * Blanchard, Higham and Higham, *Accurately computing the log-sum-exp and softmax functions*
#   (2021): why subtracting the maximum is not only safe but accurate.
# * Micikevicius and others, *Mixed precision training* (2018): float32 copies and loss scaling.
# * Kalamkar and others, *A study of bfloat16 for deep learning training* (2019).
# * Mächler, *Accurately computing $\log(1 - \exp(-|a|))$* (2012): the same craft on one function.
