# %% [markdown]
# # 04 Probabilistic losses: what makes it pay to be honest?
#
# A forecaster says "seventy per cent". Tomorrow it rains, or it does not; neither outcome proves
# her right or wrong. How can you pay her so that saying exactly what she believes is her best
# policy, and saying "seventy" when she thinks "sixty" costs her?
#
# The answer is a loss on *distributions*, and it turns out that most losses of the last two
# chapters were one loss in different clothes. This chapter undresses it, measures how far two
# distributions are apart, and finds out why the two directions of that measure want different
# things. Then it asks the question every deployed model should be asked: when you say seventy per
# cent, does it happen seven times in ten?

# %%
import numpy as np

import lossmath as lm
from lossmath.explore import (
    Arrows,
    Axis,
    Band,
    Bars,
    Boxes,
    Curve,
    Explorer,
    Level,
    Panel,
    Picture,
    Points,
    Predict,
    Rule,
    Slider,
    anatomy,
    slider,
    table,
)

# %% [markdown]
# ## One template
#
# Let the model answer with a whole distribution, $p(y \mid \theta)$, and charge it the **surprise**
# at what happened:
#
# $$\ell = -\log p(y \mid \theta) .$$
#
# This is the **negative log-likelihood**. Its logarithm is the natural one, so surprise is counted
# in **nats**; divided by $\log 2$ it would be bits. The sum over independent examples is the
# negative logarithm of the probability of all of them together, so its minimum is the parameter
# under which the data are most likely. Choose the family and a familiar loss falls out:
#
# | what $y$ is | family | $-\log p$ |
# |---|---|---|
# | a real number | Gaussian, spread fixed | squared error |
# | a real number, wild errors | Laplace, Student's *t* | absolute error, its robust cousin |
# | yes or no | Bernoulli | binary cross-entropy |
# | one of several classes | categorical | cross-entropy |
# | a count | Poisson with mean $e^z$ | $e^z - y z$ + constant |
#
# The cell writes each density down as the textbook has it and compares.

# %%
y, mu, v, b, rate, p_yes = 1.3, 0.4, 0.5, 0.7, 2.5, 0.8
zoo = {
    "Gaussian": (
        np.exp(-((y - mu) ** 2) / (2 * v)) / np.sqrt(2 * np.pi * v),
        lm.GaussianNLL().value(mu, v, y),
    ),
    "Laplace": (np.exp(-abs(y - mu) / b) / (2 * b), lm.LaplaceNLL().value(mu, b, y)),
    "Bernoulli": (p_yes, lm.BinaryCrossEntropyFromProbabilities().value(p_yes, 1.0)),
    "categorical": (0.5, lm.NegativeLogLikelihood().value(np.log([0.2, 0.5, 0.3]), 1)),
    "Poisson": (rate**3 * np.exp(-rate) / 6, lm.PoissonNLL().value(np.log(rate), 3.0)),
}
for name, (density, loss) in zoo.items():
    print(f"{name:12} −log density {-np.log(density):.6f}   lossmath {float(loss):.6f}")
    assert np.isclose(-np.log(density), float(loss))

# %% [markdown]
# You have met all of them but the last. A model of counts predicts the *logarithm* $z$ of the mean,
# so that any number is allowed. The slope $e^z - y$ is once more what was expected less what was
# seen. The curvature is $e^z$: the loss is convex, and the larger the mean it predicts, the shorter
# the step that is safe.

# %%
seen = 3.0
least = float(lm.PoissonNLL().value(np.log(seen), seen))
extra = {
    mean: float(lm.PoissonNLL().value(np.log(mean), seen)) - least for mean in (seen / 3, 3 * seen)
}
Explorer(
    lambda count: anatomy(
        {"Poisson": lm.PoissonNLL()},
        span=(-3, 4),
        tops=(14, 14, 30),
        variable="log of the mean, z",
        target=count,
    ),
    [Slider("count", 0, 12, seen, symbol="y", meaning="what was counted", whole=True)],
    title="A loss for counts",
    predict=Predict(
        "You counted 3. Which mean costs more: 9, three times too high, or 1, three times too low?",
        choices=("9", "1", "they cost the same"),
        answer="9" if extra[9.0] > extra[1.0] else "1",
        because=f"Above the least loss, 9 costs {extra[9.0]:.2f} and 1 costs {extra[1.0]:.2f}: to "
        "the right the loss grows like the mean itself, to the left only like its logarithm.",
    ),
)

# %% [markdown]
# > **Refute this.** *“The squared error is the Gaussian negative log-likelihood.”* Then both should
# > pull equally hard.

# %%
pull_of = {s: float(lm.GaussianNLL().gradient(1.0, s**2, 0.0)[0]) for s in (0.1, 1.0, 10.0)}
for s, pull in pull_of.items():
    print(f"residual 1, σ = {s:4}: the likelihood pulls with {pull:7.2f}, half squared error with "
          f"{float(lm.HalfSquaredError().gradient(1.0, 0.0)):.2f}")  # fmt: skip

# %% [markdown]
# Only at $\sigma = 1$, up to a constant and a half. In general the pull is divided by $\sigma^2$:
# at $\sigma = 0.1$ it is 100<!--= f"{pull_of[0.1]:.0f}" --> times as strong. The *minimum* in the
# mean is the same whatever $\sigma$ you fix; the learning rate that suits it is not.
#
# ### Letting the model say how unsure it is
#
# Nothing forces $\sigma$ to be fixed. With $v = \sigma^2$ a second output, the loss of one example
# is
#
# $$\tfrac12\log v + \frac{(y-\mu)^2}{2v} + \tfrac12\log 2\pi .$$
#
# The first term says *be precise*, the second *but not more than you can afford*. The derivative in
# $v$ is $\frac{1}{2v^2}\big(v - (y-\mu)^2\big)$. Its sum over the data is zero when $v$ is the mean
# squared residual: the model is asked for the size of its own errors. The Laplace loss,
# $\log 2b + |y - \mu|/b$, asks in the same way for the mean absolute residual. Here are both for a
# single residual $r$.

# %% jupyter={"source_hidden": true}
gaussian, laplace = lm.GaussianNLL(), lm.LaplaceNLL()
SPREADS = np.linspace(0.08, 6, 149)


def precision(residual):
    pair = np.full_like(SPREADS, residual), SPREADS, 0 * SPREADS
    shapes = {
        "value": ([loss.value(*pair) for loss in (gaussian, laplace)], -0.5, 6),
        "slope": ([loss.gradient(*pair)[1] for loss in (gaussian, laplace)], -3, 2),
        "curvature": ([loss.hessian(*pair)[1][1] for loss in (gaussian, laplace)], -1, 2),
    }
    return Picture(
        [
            Panel(
                title,
                [
                    Curve(SPREADS, curve, name)
                    for name, curve in zip(("Gaussian, by v", "Laplace, by b"), curves, strict=True)
                ],
                Axis("v or b", 0, 6),
                Axis("", low, high),
            )
            for title, (curves, low, high) in shapes.items()
        ],
        readings={"best v": residual**2, "best b": residual},
    )


bends_down = float(gaussian.hessian(0.5, 1.0, 0.0)[1][1])
Explorer(
    precision,
    [Slider("residual", 0.2, 2, 0.5, symbol="r", meaning="size of the residual")],
    title="What a spread costs",
    predict=Predict(
        "The residual is 0.5. Is the Gaussian loss, as a function of v, convex?",
        choices=("yes", "no"),
        answer="no" if bends_down < 0 else "yes",
        because="The logarithm wins on the right: beyond v = 2r² the curve bends downwards.",
    ),
)

# %% [markdown]
# A wall on the left, a gentle slope on the right: being too sure costs far more than being too
# vague. And neither curve is convex in its spread. Now twelve measurements with mean five and
# standard deviation one, and the loss over all pairs of $\mu$ and $\log\sigma$.
# The arrows are steps downhill, and the orange curve is the best $\sigma$ for each $\mu$.

# %%
noise = np.random.default_rng(4).standard_normal(12)
measured = 5 + (noise - noise.mean()) / noise.std()


def mean_nll(mu, log_sigma):
    """Mean loss over the measurements; the two parameters may be arrays of one shape."""
    mu, v = (np.asarray(a)[..., None] for a in (mu, np.exp(2 * np.asarray(log_sigma))))
    shape = np.broadcast_shapes(mu.shape, measured.shape)
    values = gaussian.value(*(np.broadcast_to(a, shape) for a in (mu, v, measured)))
    return values.mean(axis=-1)


def mean_nll_slope(mu, log_sigma):
    """Its derivatives in μ and in log σ: dv = 2v d(log σ)."""
    mu, v = (np.asarray(a)[..., None] for a in (mu, np.exp(2 * np.asarray(log_sigma))))
    shape = np.broadcast_shapes(mu.shape, measured.shape)
    mu, v, y = (np.broadcast_to(a, shape) for a in (mu, v, measured))
    in_mu, in_v, *_ = gaussian.gradient(mu, v, y)
    return in_mu.mean(axis=-1), (2 * v * in_v).mean(axis=-1)


# %% jupyter={"source_hidden": true}
MUS, LOGS = np.linspace(1, 9, 61), np.linspace(-1.2, 2, 49)
VALLEY = mean_nll(*np.meshgrid(MUS, LOGS))
FEW = [a.ravel() for a in np.meshgrid(np.linspace(1.5, 8.5, 9), np.linspace(-0.3, 1.8, 7))]
SLOPES = mean_nll_slope(*FEW)
LENGTH = 0.35 / np.maximum(1, np.hypot(*SLOPES))
REACH = np.linspace(0, 10, 101)


def likely(mean, log_sigma):
    sigma = np.exp(log_sigma)
    density = np.exp(-gaussian.value(np.full_like(REACH, mean), np.full_like(REACH, sigma**2),
                                     REACH))  # fmt: skip
    in_mu, in_log = mean_nll_slope(mean, log_sigma)
    return Picture(
        [
            Panel(
                "the model and the data",
                [
                    Curve(REACH, density, stroke="blue"),
                    Points(measured, np.full_like(measured, 0.015), stroke="ink", size=3),
                ],
                Axis("y", 0, 10),
                Axis("density", 0, 0.9),
            ),
            Panel(
                "mean loss over μ and log σ",
                [
                    Level(MUS, LOGS, VALLEY, (1.45, 1.6, 1.8, 2.1, 2.6, 3.5, 6.0, 12.0)),
                    Arrows(*FEW, -LENGTH * SLOPES[0], -LENGTH * SLOPES[1], stroke="ink"),
                    Curve(MUS, np.log(np.hypot(1.0, MUS - 5)), "best σ", stroke="orange"),
                    Points([mean], [log_sigma], stroke="purple", size=7,
                           handle=("mean", "log_sigma")),
                ],
                Axis("μ", 1, 9),
                Axis("log σ", -1.2, 2),
            ),
        ],
        readings={"mean loss": float(mean_nll(mean, log_sigma)), "σ": sigma,
                  "slope in μ": float(in_mu), "in log σ": float(in_log)},
    )  # fmt: skip


excuse = float(np.sqrt(np.mean((7 - measured) ** 2)))
Explorer(
    likely,
    [
        Slider("mean", 1.3, 8.7, 7, symbol=r"\mu", meaning="mean"),
        Slider("log_sigma", -1.1, 1.9, 0, symbol="s", meaning="log σ, the log of the spread"),
    ],
    title="How sure should it be? Drag the dot",
    predict=Predict(
        "The data have mean 5 and standard deviation 1. Hold μ at 7, two too high. Which σ makes "
        "the best of it?",
        answer=round(excuse, 3),
        within=0.05,
        because="The mean squared residual about 7 is 1² + 2² = 5: variance plus squared bias.",
    ),
)

# %% [markdown]
# With $\mu$ stuck at seven the best $\sigma$ is 2.236<!--= f"{excuse:.3f}" -->: it **blames the
# noise** for its own bias. Follow the arrows from the lower left to see the trap. They first climb
# steeply to a large $\sigma$ and only then creep along the valley, because the pull on $\mu$ is
# divided by $\sigma^2$. In numbers, from a start eight below:


# %%
def steps_to_arrive(learn_sigma, rate=0.05, near=0.1):
    """Gradient steps until μ is within `near` of the data's mean, starting at −3."""
    mu, log_sigma = -3.0, 0.0
    for step in range(100_000):
        if abs(mu - 5) < near:
            return step
        in_mu, in_log = mean_nll_slope(mu, log_sigma)
        mu -= rate * float(in_mu)
        if learn_sigma:  # clipped, or the first steps would throw σ out of any range
            log_sigma -= rate * float(np.clip(in_log, -5, 5))


arrive = {learn: steps_to_arrive(learn) for learn in (False, True)}
print(f"σ held at 1: {arrive[False]} steps    σ learned as well: {arrive[True]} steps")

# %% [markdown]
# Learning $\sigma$ as well takes 620<!--= arrive[True] --> steps instead of
# 86<!--= arrive[False] -->. A network that fits a hard region badly at first will
# call it noisy, and then has little reason to fit it better. Start with $\sigma$ fixed and free it
# later. And in the other direction there is no floor at all: a model that hits one point exactly
# may shrink $\sigma$ for ever.

# %%
for sigma in (1.0, 0.1, 0.001, 1e-6):
    print(f"exact hit, σ = {sigma:g}: loss {float(gaussian.value(2.0, sigma**2, 2.0)):.2f}")
falls = float(gaussian.value(2.0, 1e-12, 2.0))

# %% [markdown]
# Down to −12.90<!--= f"{falls:.2f}".replace("-", "−") --> and on to $-\infty$. Bound $\sigma$ from
# below by what your instrument can resolve, and say so, rather than letting a library do it
# silently.
#
# ## How far apart are two distributions?
#
# Suppose the world draws classes from $p$ and the model says $q$. The mean surprise is the
# **cross-entropy** $H(p, q) = -\sum_c p_c \log q_c$. Even a model that knows $p$ is surprised:
# $H(p) = -\sum_c p_c \log p_c$, the **entropy**, is the price of the world's own randomness. What
# is left is the model's fault, the **Kullback–Leibler divergence**:
#
# $$H(p, q) = H(p) + D_{KL}(p \,\|\, q), \qquad
#   D_{KL}(p\,\|\,q) = \sum_c p_c \log\frac{p_c}{q_c} \;\ge\; 0 .$$
#
# Why never negative? Because $\log x \le x - 1$:
# $-D_{KL} = \sum_c p_c \log\frac{q_c}{p_c} \le \sum_c (q_c - p_c) = 1 - 1 = 0$, with equality only
# where $q_c = p_c$. So the cross-entropy has its least value exactly at $q = p$, and that value is
# $H(p)$, not zero.

# %% jupyter={"source_hidden": true}
STATED = np.linspace(0.005, 0.995, 100)


def two_classes(p):
    p = np.asarray(p, dtype=float)
    return np.stack([p, 1 - p], axis=-1)


def bill(truth, stated):
    world = np.broadcast_to(two_classes(truth), (len(STATED), 2))
    forward = lm.ForwardKL()
    at_stated = float(forward.value(two_classes(stated), two_classes(truth)))
    floor = float(lm.entropy(two_classes(truth)))
    divergence = forward.value(two_classes(STATED), world)
    return Picture(
        [
            Panel(
                "mean surprise, by what the model says",
                [
                    Curve(STATED, floor + divergence, "cross-entropy"),
                    Curve(STATED, divergence, "divergence"),
                    Rule(floor, along="y", stroke="green"),
                    Rule(truth, stroke="grey"),
                    Points([stated], [floor + at_stated], stroke="blue", size=5),
                    Points([stated], [at_stated], stroke="orange", size=5),
                ],
                Axis("probability stated", 0, 1),
                Axis("nats", 0, 4),
            ),
            Panel(
                "the bill",
                [Bars([floor, at_stated, floor + at_stated], ("world", "model", "total"))],
                Axis("", -0.5, 2.5),
                Axis("nats", 0, 4),
            ),
        ],
        readings={
            "entropy": floor,
            "divergence": at_stated,
            "cross-entropy": floor + at_stated,
            "curvature at the truth": 1 / (truth * (1 - truth)),
        },
    )


Explorer(
    bill,
    [
        Slider("truth", 0.02, 0.98, 0.7, symbol="p", meaning="true probability"),
        Slider("stated", 0.02, 0.98, 0.9, symbol="q", meaning="probability stated"),
    ],
    title="Who pays for the surprise?",
)

# %% [markdown]
# The green line is the entropy, which no model can beat. Move $p$ towards a half and it rises; set
# $q = p$ and the model's share is gone.
#
# > **Refute this.** *“Cross-entropy measures the overlap of two probability distributions, for
# > instance of logits.”* An overlap is one for two equals, is the same both ways, and has an end.

# %%
cross_entropy = lm.CrossEntropyFromProbabilities()
one, other = np.array([0.7, 0.2, 0.1]), np.array([0.4, 0.4, 0.2])
ways = {
    "one with itself": (one, one),
    "other with itself": (other, other),
    "one, coded for other": (other, one),
    "other, coded for one": (one, other),
    "a class all but excluded": (np.array([1 - 1e-6, 1e-6, 0.0]), np.array([0.5, 0.5, 0.0])),
}
paid = {}
for name, (stated, world) in ways.items():
    paid[name] = float(cross_entropy.value(stated, world))
    shared = np.minimum(stated, world).sum()
    print(f"{name:25} cross-entropy {paid[name]:.3f}   overlap {shared:.3f}")
logits = np.array([2.0, -1.0, 0.5])
try:
    cross_entropy.value(logits, one)
except ValueError as error:
    print("logits:", error)
moved = lm.LogSumExp().gradient(logits) - lm.LogSumExp().gradient(logits + 100)
assert np.allclose(moved, 0) and paid["one with itself"] != paid["other with itself"]
assert paid["one, coded for other"] != paid["other, coded for one"]

# %% [markdown]
# Refuted in every word. Two equals pay 0.802<!--= f"{paid['one with itself']:.3f}" --> here and
# 1.055<!--= f"{paid['other with itself']:.3f}" --> there, their entropies. The two ways round
# differ, and there is no end: a class that was all but excluded brings the mean to
# 6.908<!--= f"{paid['a class all but excluded']:.3f}" -->. Cross-entropy is a **code length**: the
# mean number of nats per message when messages come from $p$ and the code was made for $q$. And
# logits are no distribution: they may be negative, and all of them moved up by a hundred say the
# same. The softmax makes one of them.
#
# > **Refute this.** *“Cross-entropy pushes a model to be completely sure even when the data are
# > ambiguous.”* Look where the blue curve is lowest, then try it on a model.


# %%
def train(features, labels, steps=4000, rate=0.5):
    """Weights of a logistic regression after plain gradient descent on cross-entropy."""
    loss, weights = lm.BinaryCrossEntropyFromLogits(), np.zeros(features.shape[1])
    for _ in range(steps):
        weights -= rate * features.T @ loss.gradient(features @ weights, labels) / len(labels)
    return weights


def sureness(features, weights):
    """Mean probability of the class that is chosen."""
    return float(np.mean(1 / (1 + np.exp(-np.abs(features @ weights)))))


rng = np.random.default_rng(0)
ambiguous = (rng.random(2000) < 0.7).astype(float)
constant = train(np.ones((2000, 1)), ambiguous, steps=500)
coins = {n: (rng.standard_normal((n, 60)), (rng.random(n) < 0.5).astype(float)) for n in (50, 5000)}
print(f"one constant, 70% positive: says {sureness(np.ones((1, 1)), constant):.3f} "
      f"where the share is {ambiguous.mean():.3f}")  # fmt: skip
sure = {n: sureness(x, train(x, flips, steps=1000)) for n, (x, flips) in coins.items()}
for n, mean in sure.items():
    print(f"60 useless features, {n:4} coin flips: mean confidence {mean:.2f}")

# %% [markdown]
# Refuted: in the population the best answer to an ambiguous question is the ambiguous truth. The
# constant model stops at 0.697<!--= f"{sureness(np.ones((1, 1)), constant):.3f}" -->, the share in
# its data. Overconfidence is real, but it comes from **having more parameters than evidence**: with
# sixty useless features and fifty coin flips the flips can be separated, and the mean confidence is
# 0.99<!--= f"{sure[50]:.2f}" -->; with a hundred times the data it is
# 0.54<!--= f"{sure[5000]:.2f}" -->.
#
# ## Two directions, two temperaments
#
# The divergence is not symmetric, and the asymmetry has a character. Let $p$ be the target and $q$
# the model.
#
# * **Forward**, $D_{KL}(p \,\|\, q)$, averages over the *target*. Wherever $p$ has mass, a small
#   $q$ is punished: $q$ must **cover** everything. Maximum likelihood is this direction.
# * **Reverse**, $D_{KL}(q \,\|\, p)$, averages over the *model*. Wherever $q$ puts mass, a small
#   $p$ is punished: $q$ must **not stray**, and may leave things out. Variational inference is this
#   one, and so is the penalty that keeps a tuned language model near its reference.
#
# Below, $p$ has two hills and $q$ is a single Gaussian. Fit it by hand: both divergences are drawn
# over all $\mu$ and $\sigma$, and the dot is your $q$ in both.

# %%
LINE = np.linspace(-13, 13, 157)


def normal(mean, sigma):
    """Probabilities of the grid points of LINE under Gaussians; parameters of any one shape."""
    mean, sigma = (np.asarray(a, dtype=float)[..., None] for a in (mean, sigma))
    weight = np.exp(-0.5 * ((LINE - mean) / sigma) ** 2)
    return weight / weight.sum(axis=-1, keepdims=True)


def hills(gap, share=0.6):
    """Two hills of width one, `gap` apart; the left one has this share."""
    return share * normal(-gap / 2, 1.0) + (1 - share) * normal(gap / 2, 1.0)


def divergences(mean, sigma, target):
    """Forward and reverse divergence of the Gaussians from the target."""
    q = normal(mean, sigma)
    p = np.broadcast_to(target, q.shape)
    return lm.ForwardKL().value(q, p), lm.ReverseKL().value(q, p)


# %% jupyter={"source_hidden": true}
TWO = hills(6.0)
CENTRES, WIDTHS = np.linspace(-6, 6, 49), np.linspace(0.5, 5, 37)
COVER, SEEK = divergences(*np.meshgrid(CENTRES, WIDTHS), TWO)
CELL = LINE[1] - LINE[0]
SHOWN = np.abs(LINE) < 8.2


def by_hand(mean, sigma):
    q = normal(mean, sigma)
    forward, reverse = divergences(mean, sigma, TWO)
    planes = [
        Panel(
            title,
            [
                Level(CENTRES, WIDTHS, z, levels, stroke=stroke),
                Points([mean], [sigma], stroke="purple", size=7, handle=("mean", "sigma")),
            ],
            Axis("μ", -6, 6),
            Axis("σ", 0.5, 5),
        )
        for title, z, levels, stroke in (
            ("forward: p against q", COVER, (0.47, 0.6, 0.9, 1.5, 3.0, 6.0, 12.0), "orange"),
            ("reverse: q against p", SEEK, (0.53, 0.6, 0.75, 0.87, 1.0, 1.3, 2.0, 3.0), "green"),
        )
    ]
    densities = Panel(
        "target and model",
        [
            Curve(LINE[SHOWN], TWO[SHOWN] / CELL, "p"),
            Curve(LINE[SHOWN], q[SHOWN] / CELL, "q", stroke="purple"),
        ],
        Axis("x", -8, 8),
        Axis("density", 0, 0.5),
    )
    return Picture(
        [densities, *planes], readings={"forward": float(forward), "reverse": float(reverse)}
    )


def valleys(z):
    """How many cells of a landscape lie below all eight neighbours."""
    inner = z[1:-1, 1:-1]
    around = [z[1 + i : z.shape[0] - 1 + i, 1 + j : z.shape[1] - 1 + j]
              for i in (-1, 0, 1) for j in (-1, 0, 1) if (i, j) != (0, 0)]  # fmt: skip
    return int((inner < np.min(around, axis=0)).sum())


count = {"forward": valleys(COVER), "reverse": valleys(SEEK)}
Explorer(
    by_hand,
    [
        Slider("mean", -5.6, 5.6, 1, symbol=r"\mu", meaning="where q stands"),
        Slider("sigma", 0.6, 4.8, 1.5, symbol=r"\sigma", meaning="how wide q is"),
    ],
    title="One hill for two: fit it by hand",
    predict=Predict(
        "Over all μ and σ, how many separate valleys does the reverse divergence have?",
        choices=("1", "2", "3"),
        answer=str(count["reverse"]),
        because="One for each hill that q can settle on, and one for spreading out over both. "
        "The forward divergence has a single valley.",
    ),
)

# %% [markdown]
# The forward landscape has 1<!--= count["forward"] --> valley: its bottom is the Gaussian with the
# mean and the variance of $p$, whatever $p$ looks like. (Up to $H(p)$, which $q$ cannot change, the
# forward divergence is the mean Gaussian loss under $p$, and you know where that one is lowest: at
# the mean, with the mean squared residual for $v$.) The reverse landscape has
# 3<!--= count["reverse"] -->, two of them tight around a hill and one broad and shallow, and where
# a descent ends depends on where it starts.
#
# Now let both fits be computed and pull the hills apart. The right-hand picture records how wide
# each fit is.

# %%
GAPS = np.linspace(0, 10, 41)


def forward_fit(target):
    """The Gaussian with the target's mean and standard deviation."""
    mean = round(float(LINE @ target), 9) + 0.0  # no −1e-18 where it is 0
    return mean, float(np.sqrt((LINE - mean) ** 2 @ target))


def reverse_fit(target):
    """The Gaussian of least reverse divergence: a coarse search, then two finer ones."""
    means, widths = np.linspace(-6, 6, 25), np.geomspace(0.5, 6, 17)
    for _ in range(4):
        grid = np.meshgrid(means, widths)
        q = normal(*grid)
        values = lm.ReverseKL().value(q, np.broadcast_to(target, q.shape))
        row, column = np.unravel_index(values.argmin(), values.shape)
        mean, width = means[column], widths[row]
        step, ratio = means[1] - means[0], widths[1] / widths[0]
        means = mean + step * np.linspace(-1, 1, 7)
        widths = width * ratio ** np.linspace(-1, 1, 7)
    return float(mean), float(width)


# %% jupyter={"source_hidden": true}
SPREAD = {name: [fit(hills(g))[1] for g in GAPS]
          for name, fit in {"forward": forward_fit, "reverse": reverse_fit}.items()}  # fmt: skip


def apart(gap):
    target = hills(gap)
    fits = {"forward": forward_fit(target), "reverse": reverse_fit(target)}
    return Picture(
        [
            Panel(
                "the target and both fits",
                [
                    Curve(LINE, target / CELL, "p"),
                    *(Curve(LINE, normal(*fit) / CELL, name) for name, fit in fits.items()),
                ],
                Axis("x", -10, 10),
                Axis("density", 0, 0.45),
            ),
            Panel(
                "width of the fit",
                [
                    *(Curve(GAPS, SPREAD[name], name, stroke=stroke)
                      for name, stroke in (("forward", "orange"), ("reverse", "green"))),
                    Rule(gap),
                ],
                Axis("distance of the hills", 0, 10),
                Axis("σ", 0, 5.5),
            ),
        ],
        readings={"forward μ": fits["forward"][0], "forward σ": fits["forward"][1],
                  "reverse μ": fits["reverse"][0], "reverse σ": fits["reverse"][1]},
    )  # fmt: skip


Explorer(
    apart,
    [Slider("gap", 0, 10, 6, symbol="d", meaning="distance of the two hills")],
    title="Covering and seeking",
    live=True,
)

# %% [markdown]
# > **Refute this.** *“Reverse KL seeks one mode: fitted to two equal hills, at $-2$ and at $2$, it
# > comes out narrow.”*

# %%
equal = reverse_fit(hills(4.0, share=0.5))
wider = reverse_fit(hills(8.0, share=0.5))
jump = 1 + int(np.flatnonzero(np.array(SPREAD["reverse"]) > 1.5).max())
print(f"hills at ±2: μ = {abs(equal[0]):.2f}, σ = {equal[1]:.2f}    "
      f"hills at ±4: |μ| = {abs(wider[0]):.2f}, σ = {wider[1]:.2f}")  # fmt: skip
assert equal[1] > 1.9 and wider[1] < 1.1

# %% [markdown]
# Refuted: at that distance the best reverse fit has $\sigma$ = 2.05<!--= f"{equal[1]:.2f}" --> and
# covers both. Only when the valley between the hills is deep enough does it pay to give one up; for
# our unequal pair that happens suddenly, at a distance of about
# 5.25<!--= f"{GAPS[jump]:.2f}" -->. "Mode seeking" is what the reverse direction *may* do, not
# what it always does.
#
# A last trap is the **order of the arguments**. In these chapters the first distribution of
# $D_{KL}(p\,\|\,q)$ is the one averaged over. In PyTorch, `kl_div(input, target)` computes
# $D_{KL}(\text{target}\,\|\,\text{input})$ and wants `input` as a logarithm; Keras writes
# `kl_divergence(y_true, y_pred)`. And the distribution people call "the reference" is sometimes $p$
# and sometimes $q$. Say which one you average over, and there is no confusion.
#
# ## The ELBO: when the likelihood is out of reach
#
# A variational autoencoder explains an observation $x$ by a hidden $z$: first $z$ is drawn from a
# standard normal $p(z)$, the **prior**, then $x$ from $p(x \mid z)$, the **decoder**. Its
# likelihood $p(x) = \int p(x\mid z)\,p(z)\,dz$ is usually out of reach, and so is the **posterior**
# $p(z \mid x)$, what one should believe about $z$ having seen $x$. So let a second model $q(z)$,
# the **encoder**, guess which $z$ was behind this $x$. Writing $p(x) = p(x, z)/p(z \mid x)$ and
# averaging the logarithm over $q$ gives
#
# $$-\log p(x) = \underbrace{-\mathbb E_q[\log p(x\mid z)] + D_{KL}(q \,\|\, p(z))}_{
# \text{negative ELBO}} \;-\; D_{KL}(q \,\|\, p(z\mid x)) .$$
#
# The last divergence is not negative, so the middle is never below $-\log p(x)$, and it needs only
# things we can compute. **Evidence lower bound** is the name of *minus* the middle, which is
# maximised; the loss is the middle itself.
#
# To see all of it at once, take $p(x \mid z) = \mathcal N(z, 1)$ and the observation $x = 2$. Then
# everything has a closed form: the floor is $-\log \mathcal N(2;\, 0,\, 2)$ and the true posterior
# is $\mathcal N(1, \tfrac12)$.

# %%
SEEN = 2.0


def reconstruction(mean, log_variance, x=SEEN, sigma=1.0):
    """Minus the mean of log p(x|z) under q: what a decoder with noise σ loses."""
    squared = lm.GaussianReconstruction(sigma).value(mean, np.full_like(mean, x))
    return squared + np.exp(log_variance) / (2 * sigma**2) + 0.5 * np.log(2 * np.pi * sigma**2)


def negative_elbo(mean, log_variance, beta=1.0):
    mean, log_variance = np.asarray(mean, dtype=float), np.asarray(log_variance, dtype=float)
    fit = -reconstruction(mean, log_variance)
    return lm.NegativeELBO(beta).value(fit, mean[..., None], log_variance[..., None])


floor = float(gaussian.value(0.0, 2.0, SEEN))
at_best = float(negative_elbo(1.0, np.log(0.5)))
print(f"floor −log p(x) = {floor:.6f}    loss at the true posterior = {at_best:.6f}")
assert np.isclose(floor, at_best)

# %% jupyter={"source_hidden": true}
HIDDEN = np.linspace(-3, 4, 99)
ELBO_M, ELBO_S = np.linspace(-1, 3, 49), np.linspace(-1.6, 0.8, 37)
BOUND = negative_elbo(*np.meshgrid(ELBO_M, 2 * ELBO_S))


def bell(mean, variance):
    return np.exp(-gaussian.value(np.full_like(HIDDEN, mean), np.full_like(HIDDEN, variance),
                                  HIDDEN))  # fmt: skip


def elbo(mean, log_sigma):
    log_variance = 2 * log_sigma
    fit = float(reconstruction(np.array(mean), np.array(log_variance)))
    divergence = float(lm.GaussianKL().value(mean, log_variance))
    return Picture(
        [
            Panel(
                "beliefs about z",
                [
                    Curve(HIDDEN, bell(0.0, 1.0), "prior", stroke="grey"),
                    Curve(HIDDEN, bell(1.0, 0.5), "posterior", stroke="green"),
                    Curve(HIDDEN, bell(mean, np.exp(log_variance)), "q", stroke="purple"),
                ],
                Axis("z", -3, 4),
                Axis("density", 0, 1),
            ),
            Panel(
                "negative ELBO",
                [
                    Level(ELBO_M, ELBO_S, BOUND,
                          (floor + 0.03, *(floor + np.array([0.15, 0.4, 0.8, 1.4, 2.2, 3.5])))),
                    Points([mean], [log_sigma], stroke="purple", size=7,
                           handle=("mean", "log_sigma")),
                ],
                Axis("mean of q", -1, 3),
                Axis("log σ of q", -1.6, 0.8),
            ),
            Panel(
                "where it comes from",
                [
                    Bars([fit, divergence, fit + divergence], ("rebuild", "KL", "sum")),
                    Rule(floor, along="y", stroke="green"),
                ],
                Axis("", -0.5, 2.5),
                Axis("nats", 0, 8.5),
            ),
        ],
        readings={"negative ELBO": fit + divergence, "floor": floor,
                  "gap": fit + divergence - floor},
    )  # fmt: skip


Explorer(
    elbo,
    [
        Slider("mean", -0.8, 2.8, 0, symbol="m", meaning="mean of q"),
        Slider("log_sigma", -1.5, 0.7, 0, symbol="s", meaning="log σ, the log of its spread"),
    ],
    title="Guess what was behind x = 2",
    predict=Predict(
        "Put q exactly on the true posterior. Which gap to the floor remains?",
        answer=round(at_best - floor, 6) + 0.0,
        within=0.01,
        because="The gap is the divergence of q from the true posterior, which is then zero.",
    ),
)

# %% [markdown]
# The two bars pull in opposite directions. Rebuilding $x$ wants $q$ narrow and near two; the
# divergence wants $q$ to be the prior, which knows nothing of $x$. With a weight $\beta$ on the
# divergence and a decoder noise $\sigma$ you can set the exchange rate. Setting the derivatives to
# zero gives the best $q$ for every $x$: mean $x/(1 + \beta\sigma^2)$ and variance
# $\beta\sigma^2 / (1 + \beta\sigma^2)$.

# %% jupyter={"source_hidden": true}
WORLD = np.linspace(-3, 3, 31)
RATES = np.geomspace(0.05, 10, 60)


def best_q(beta, sigma, x):
    share = beta * sigma**2
    return x / (1 + share), np.full_like(x, share / (1 + share))


def told(beta, sigma):
    """The mean divergence of the best q over observations from the model: what z says of x."""
    x = np.sqrt(1 + sigma**2) * np.linspace(-2, 2, 9)
    x = x * np.sqrt((1 + sigma**2) / np.mean(x**2))
    mean, variance = best_q(beta, sigma, x)
    return float(lm.GaussianKL().value(mean, np.log(variance)).mean())


def collapse(beta, sigma):
    mean, variance = best_q(beta, sigma, WORLD)
    spread = np.sqrt(variance)
    return Picture(
        [
            Panel(
                "what z says about x",
                [
                    Band(WORLD, mean - spread, mean + spread, stroke="purple"),
                    Curve(WORLD, mean, "mean of q", stroke="purple"),
                    Rule(1.0, along="y", stroke="grey"),
                    Rule(-1.0, along="y", stroke="grey"),
                ],
                Axis("x", -3, 3),
                Axis("z", -3, 3),
            ),
            Panel(
                "mean divergence: what q tells",
                [Curve(RATES, [told(b, sigma) for b in RATES], "KL"), Rule(beta)],
                Axis("β", 0.05, 10, scale="log"),
                Axis("nats", 0, 3),
            ),
        ],
        readings={"q tells, in nats": told(beta, sigma)},
    )


Explorer(
    collapse,
    [
        slider(lm.NegativeELBO, "beta", low=0.05, scale="log"),
        slider(lm.GaussianReconstruction, "sigma", low=0.3),
    ],
    title="Posterior collapse",
)

# %% [markdown]
# Raise $\beta$ and the band turns level and as wide as the prior, between the grey lines: every $x$
# gets the same $q$, and $z$ says nothing. That is **posterior collapse**, and it is often set off
# by accident. Take the *mean* of the reconstruction over the pixels of an image and the *sum* of
# the divergence over the hidden numbers, and you have chosen a $\beta$ as large as the number of
# pixels:

# %%
pixels = 28 * 28
told_by_sum, told_by_mean = told(1.0, 1.0), told(float(pixels), 1.0)
print(f"β = 1: {told_by_sum:.3f} nats    β = {pixels}: {told_by_mean:.7f} nats")

# %% [markdown]
# From 0.347<!--= f"{told_by_sum:.3f}" --> nats to 0.0000020<!--= f"{told_by_mean:.7f}" -->. When
# the pixels are probabilities the rebuilding loss is a binary cross-entropy, whose least value for
# grey pixels is their entropy: it does not go to zero, and should not.
#
# ## Proper scores: what to pay a forecaster
#
# Back to the question of the beginning. A score is **proper** if reporting the true probability
# minimises its mean, and **strictly proper** if nothing else does. Say rain has probability $p$ and
# she states $q$:
#
# * the **log score**, the surprise again, costs her $H(p) + D_{KL}(p \,\|\, q)$ in the mean;
# * the **Brier score** $(q - y)^2$ costs $p(1-p) + (p - q)^2$, so honesty is best here too;
# * the **absolute error** $|q - y|$ costs $p(1-q) + (1-p)q$, a straight line in $q$. The best
#   statement is an end of it: shout "certain" whenever $p$ is above one half.

# %%
log_score = lm.BinaryCrossEntropyFromProbabilities()
SCORES = {
    "log score": log_score.value,
    "Brier score": lm.BrierScore().value,
    "absolute error": lm.AbsoluteError().value,
}
BENDS = {
    "log score": log_score.hessian,
    "Brier score": lm.BrierScore().hessian,
    "absolute error": lm.AbsoluteError().hessian,
}


def expected(score, truth, stated):
    """Mean cost of a statement when the event has this probability."""
    ones = np.ones_like(stated)
    return truth * score(stated, ones) + (1 - truth) * score(stated, 0 * ones)


# %% jupyter={"source_hidden": true}
FINE = np.linspace(0.001, 0.999, 999)


def pay(truth):
    curves, lies, best = [], [], {}
    for name, score in SCORES.items():
        cost = expected(score, truth, STATED)
        honest = float(expected(score, truth, np.array([truth]))[0])
        curves.append(Curve(STATED, cost, name))
        lies.append(Curve(STATED, cost - honest, name))
        best[name] = float(FINE[np.argmin(expected(score, truth, FINE))])
    across = Axis("probability stated", 0, 1)
    return Picture(
        [
            Panel("mean cost", [*curves, Rule(truth)], across, Axis("", 0, 1.5)),
            Panel(
                "what a lie adds",
                [*lies, Rule(truth), Rule(0.0, along="y")],
                across,
                Axis("", -0.5, 1),
            ),
            Panel(
                "curvature of the cost",
                [
                    *(Curve(STATED, expected(bend, truth, STATED), name)
                      for name, bend in BENDS.items()),
                    Rule(truth),
                ],
                across,
                Axis("", -1, 20),
            ),
        ],
        readings={f"best for the {name}": q for name, q in best.items()},
    )  # fmt: skip


loudest = pay(0.7).readings["best for the absolute error"]
Explorer(
    pay,
    [Slider("truth", 0.02, 0.98, 0.6, symbol="p", meaning="true probability")],
    title="What is the best thing to say?",
    predict=Predict(
        "The event has probability 0.7. Paid by absolute error, which probability does a clever "
        "forecaster state?",
        answer=round(loudest),
        within=0.01,
        because="The mean cost is a straight line in what she states, so an end of it is best.",
    ),
)

# %% [markdown]
# The middle of each curve matters as well, and the last panel shows it. At the truth the log score
# bends with $1/(p(1-p))$ and the Brier score with two, so the log score cares far more about rare
# events: it tells one in a thousand from one in a million, where Brier sees next to no difference.

# %%
rare, rarer = 1e-3, 1e-6
price = {
    name: float(expected(score, rare, np.array([rarer]))[0]
                - expected(score, rare, np.array([rare]))[0])
    for name, score in SCORES.items()
}  # fmt: skip
for name, extra in price.items():
    print(f"{name:15} stating 1e-6 where the truth is 1e-3 adds {extra:+.2e}")

# %% [markdown]
# Stating the wrong order of magnitude adds
# 5.9e-03<!--= f"{price['log score']:.1e}" --> to the log score and
# 1.0e-06<!--= f"{price['Brier score']:.1e}" --> to Brier's. The absolute error even *rewards* it.
# The flip side: one event she called impossible makes the log score infinite, and Brier forgives it
# for the price of one.
#
# > **Refute this.** *“A strictly proper score is one that the true distribution minimises.”* Then
# > paying every forecast the same fixed amount would be strictly proper.

# %%
fixed = expected(lambda q, y: np.ones_like(q), 0.7, STATED)
minimisers = {"fixed fee": int(np.isclose(fixed, fixed.min()).sum())}
for name in ("log score", "Brier score"):
    cost = expected(SCORES[name], 0.7, FINE)
    minimisers[name] = int(np.isclose(cost, cost.min(), rtol=0, atol=1e-12).sum())
print("statements that cost least:", minimisers)
assert minimisers["log score"] == minimisers["Brier score"] == 1

# %% [markdown]
# The truth does minimise a fixed fee, and so do all the 100<!--= minimisers["fixed fee"] -->
# statements that were tried. *Strictly* means that it is the only one. And note
# who is on the list: the squared error of a *probability* is strictly proper. It is as a training
# signal *through a sigmoid* that the last chapter warned of it.
#
# ## Calibration: does seventy per cent happen seven times in ten?
#
# Sort the forecasts into bins by their stated confidence, and in each bin compare the mean
# confidence with the share that came true. That is the **reliability diagram**; bars below the
# diagonal mean the model is too sure. The mean gap, weighted by the bins' sizes, is the **expected
# calibration error**, ECE.
#
# The cheapest repair is to divide all logits by one number, the **temperature** $T$, chosen to
# minimise the negative log-likelihood on held-out data. The model below is a good one whose logits
# were multiplied by two and a half, as overfitting tends to do.

# %%
rng = np.random.default_rng(11)
honest_logits = 1.5 * rng.standard_normal((3000, 4))
chances = lm.LogSumExp().gradient(honest_logits)
outcome = (rng.random((3000, 1)) > np.cumsum(chances, axis=1)).sum(axis=1)
loud_logits = 2.5 * honest_logits


def judged(temperature):
    """Confidence in the chosen class, and whether it was right."""
    p = lm.LogSumExp().gradient(loud_logits / temperature)
    return p.max(axis=1), (p.argmax(axis=1) == outcome).astype(float)


def held_out_nll(temperature):
    return float(lm.CrossEntropyFromLogits(temperature=temperature)(loud_logits, outcome))


def ece(temperature):
    return float(lm.expected_calibration_error(*judged(temperature)))


# %% jupyter={"source_hidden": true}
TEMPERATURES = np.geomspace(0.5, 10, 50)
NLLS = np.array([held_out_nll(t) for t in TEMPERATURES])
ECES = np.array([ece(t) for t in TEMPERATURES])
BINS = 15
EDGES = np.arange(BINS) / BINS


def diagram(temperature):
    confidence, right = judged(temperature)
    found = lm.reliability(confidence, right, BINS)
    share = np.nan_to_num(found.accuracy)
    return Picture(
        [
            Panel(
                "reliability",
                [
                    Boxes(EDGES, 0 * EDGES, EDGES + 1 / BINS, share, stroke="blue"),
                    Curve([0, 1], [0, 1], stroke="ink", thin=True),
                ],
                Axis("confidence", 0, 1),
                Axis("share that came true", 0, 1),
            ),
            Panel(
                "negative log-likelihood",
                [Curve(TEMPERATURES, NLLS, "NLL"), Rule(temperature)],
                Axis("T", 0.5, 10, scale="log"),
                Axis("nats", 0.6, 2),
            ),
            Panel(
                "calibration error",
                [Curve(TEMPERATURES, ECES, "ECE"), Rule(temperature)],
                Axis("T", 0.5, 10, scale="log"),
                Axis("", 0, 0.4),
            ),
        ],
        readings={
            "NLL": held_out_nll(temperature),
            "ECE": ece(temperature),
            "mean confidence": float(confidence.mean()),
            "accuracy": float(right.mean()),
        },
    )


accuracies = {float(judged(t)[1].mean()) for t in (0.5, 1.0, 2.5, 10.0)}
Explorer(
    diagram,
    [slider(lm.CrossEntropyFromLogits, "temperature", low=0.5)],
    title="Cooling an overconfident model",
    predict=Predict(
        "The temperature rises from 0.5 to 10. What happens to the accuracy?",
        choices=("it rises", "it falls", "nothing"),
        answer="nothing" if len(accuracies) == 1 else "it falls",
        because="Dividing all logits by one number changes no ranking, only how sure it sounds.",
    ),
)

# %%
search = np.linspace(1, 5, 401)
fitted = float(search[np.argmin([held_out_nll(t) for t in search])])
print(f"T = 1: ECE {ece(1.0):.3f}, NLL {held_out_nll(1.0):.3f}    "
      f"T = {fitted:.2f}: ECE {ece(fitted):.3f}, NLL {held_out_nll(fitted):.3f}")  # fmt: skip

# %% [markdown]
# At $T = 1$ the model is 0.203<!--= f"{ece(1.0):.3f}" --> too sure on average. The likelihood finds
# $T$ = 2.48<!--= f"{fitted:.2f}" -->, close to the factor we hid, and the calibration error falls
# to 0.023<!--= f"{ece(fitted):.3f}" -->.
#
# > **Refute this.** *“Cross-entropy assumes well-calibrated probabilities.”* Give it a model that
# > says one half to everybody, while three groups have chances of their own.

# %%
rng = np.random.default_rng(12)
group = rng.integers(0, 3, 3000)
member = (group[:, None] == np.arange(3)).astype(float)
came = (rng.random(3000) < np.array([0.05, 0.2, 0.6])[group]).astype(float)
states = {steps: 1 / (1 + np.exp(-train(member, came, steps))) for steps in (0, 4000)}
shares = came @ member / member.sum(axis=0)
for steps, stated in states.items():
    error = float(lm.expected_calibration_error(stated[group], came))
    print(f"after {steps:4} steps: says {stated.round(3)}, came true {shares.round(3)}, "
          f"ECE {error:.3f}")  # fmt: skip
assert np.allclose(states[4000], shares, atol=1e-6)

# %% [markdown]
# Refuted: it assumes no calibration, it *brings it about*. The slope in a group's logit is the sum
# of $p - y$ over the group, and that is zero exactly where the stated probability is the share that
# came true. For the second group it moved from 0.50<!--= f"{states[0][1]:.2f}" --> to
# 0.20<!--= f"{states[4000][1]:.2f}" -->, the share in the data. What it cannot do is to separate
# groups that the model does not see, or to be right about more groups than there is evidence for.
#
# > **Refute this.** *“A perfectly calibrated model has an ECE of zero, so anything above
# > two per cent is a defect.”* Let us measure a model that is perfect by construction: it draws a
# > probability, states it, and the event happens with exactly that probability.

# %%
SIZES = np.array([100, 200, 500, 1000, 2000, 5000])


def honest_ece(n, bins, seed):
    draw = np.random.default_rng(seed)
    stated = draw.random(n)
    return float(lm.expected_calibration_error(stated, draw.random(n) < stated, bins))


def honest_mean(n, bins, repeats=2):
    return float(np.mean([honest_ece(n, bins, seed) for seed in range(repeats)]))


# %% jupyter={"source_hidden": true}
def noise_of_ece(bins):
    measured_ece = [honest_mean(int(n), round(bins)) for n in SIZES]
    guide = np.sqrt(bins / SIZES) / 3
    return Picture(
        [
            Panel(
                "ECE of a model that is perfectly calibrated",
                [
                    Curve(SIZES, measured_ece, "measured"),
                    Curve(SIZES, guide, "√(bins / n) / 3"),
                    Rule(0.02, along="y"),
                ],
                Axis("number of forecasts", 100, 5000, scale="log"),
                Axis("ECE", 0, 0.25),
            )
        ],
        readings={"ECE at 100 forecasts": measured_ece[0], "at 5000": measured_ece[-1]},
    )


Explorer(
    noise_of_ece,
    [Slider("bins", 5, 50, 15, symbol="B", meaning="number of bins", whole=True)],
    title="The ruler has a width",
)

# %%
few, many = honest_mean(200, 15, repeats=40), honest_mean(5000, 15, repeats=5)
rain = (np.random.default_rng(6).random(5000) < 0.3).astype(float)
lazy = float(lm.expected_calibration_error(np.full(5000, 0.3), rain))
lazy_nll = float(log_score(np.full(5000, 0.3), rain))
print(f"perfect model, 15 bins: ECE {few:.3f} from 200 forecasts, {many:.3f} from 5000")
print(f"always saying 30%: ECE {lazy:.3f}, log score {lazy_nll:.3f}")

# %% [markdown]
# Refuted: from two hundred forecasts in fifteen bins even the perfect model shows
# 0.089<!--= f"{few:.3f}" -->, and from five thousand 0.018<!--= f"{many:.3f}" -->. ECE is an
# absolute value, so sampling noise cannot cancel; it grows with the number of bins and shrinks like
# $1/\sqrt n$. Quote it with $n$ and the bins, or not at all. It is no loss either: someone who
# always says "thirty per cent" where it rains on three days of ten has an ECE of
# 0.002<!--= f"{lazy:.3f}" --> and knows nothing. Proper scores reward both calibration *and*
# knowing.
#
# ## Watch them fail

# %%
p, q = np.array([0.5, 0.5, 0.0]), np.array([0.8, 0.2, 0.0])
with np.errstate(divide="ignore", invalid="ignore"):
    naive = float(np.sum(p * np.log(p / q)))
right = float(lm.ForwardKL().value(q, p))
print(f"a class both exclude:  typed as written {naive}    lossmath {right:.4f}")

excluded = np.array([1.0, 0.0, 0.0])
truly = float(lm.ForwardKL().value(excluded, p))
clipped = float(np.sum(p[:2] * np.log(p[:2] / np.clip(excluded[:2], 1e-7, 1))))
print(f"a class wrongly excluded: {truly}    clipped at 1e-7: {clipped:.2f}")

rows = np.tile(p, (4, 1)), np.tile(q, (4, 1))
per_row = float(lm.ForwardKL()(rows[1], rows[0]))
elementwise = per_row / 3
print(f"mean over rows {per_row:.4f}    mean over all cells {elementwise:.4f}")

big = np.array([1000.0, 999.0])
with np.errstate(over="ignore"):
    overflow = float(np.log(np.exp(big).sum()))
lse = float(lm.LogSumExp().value(big))
print(f"log-sum-exp of (1000, 999): typed as written {overflow}    lossmath {lse:.4f}")

# %% [markdown]
# * **Zero times the logarithm of zero.** A class that both exclude contributes nothing; the formula
#   as typed says *not a number* where the truth is 0.2231<!--= f"{right:.4f}" -->.
# * **A wrongly excluded class** costs infinitely much, and that is the honest answer. Clip the
#   probability and you have chosen the price yourself, 7.37<!--= f"{clipped:.2f}" --> here, without
#   telling anybody.
# * **The mean over what?** One divergence belongs to one distribution. A mean over every *cell*
#   divides by the number of classes as well, 0.0744<!--= f"{elementwise:.4f}" --> in place of
#   0.2231<!--= f"{per_row:.4f}" -->, and a penalty that was tuned becomes too weak. (PyTorch offers
#   both, as `mean` and `batchmean`.)
# * **The function underneath.** Softmax and cross-entropy rest on $\log\sum_j e^{z_j}$, which
#   overflows as written. Subtract the largest $z$ first: 1000.3133<!--= f"{lse:.4f}" -->. Its
#   gradient is the softmax and its Hessian the covariance of the last chapter.
#
# ## The losses on one screen

# %%
table(
    lm.GaussianNLL, lm.PoissonNLL, lm.NegativeLogLikelihood, lm.ForwardKL, lm.ReverseKL,
    lm.GaussianKL, lm.GaussianReconstruction, lm.NegativeELBO, lm.LogScore, lm.BrierScore,
    lm.LogSumExp,
)  # fmt: skip

# %% [markdown]
# **How to choose.** If you can write the probability of the outcome, minimise its negative
# logarithm: honest, and additive over independent data. Predict a spread when the noise differs
# from place to place, but fit the mean first. Fit to samples: forward KL, which is the same thing.
# Fit to a density you can evaluate: reverse KL, and try several starts. Compare forecasters with
# the log score, or with Brier when a single disaster must not decide. Report calibration with its
# sample size, and repair it with a temperature.
#
# ## Practise
#
# * [Binary cross-entropy from logits](../exercises/03_bce_from_logits.ipynb): the Bernoulli
#   likelihood, from the definition to stable code.
# * [InfoNCE](../exercises/07_infonce.ipynb): a cross-entropy with a temperature of its own.
# * [Pairwise preference](../exercises/08_pairwise_preference.ipynb): a Bernoulli likelihood over
#   choices, and a reference to stay close to.
# * [Imbalanced detection](../exercises/09_imbalanced_detection.ipynb): judged by calibration too.
#
# ## Further reading
#
# * Gneiting and Raftery, *Strictly proper scoring rules, prediction, and estimation* (2007).
# * Good, *Rational decisions* (1952), for the log score; Brier, *Verification of forecasts
#   expressed in terms of probability* (1950).
# * Kullback and Leibler, *On information and sufficiency* (1951).
# * Nix and Weigend, *Estimating the mean and variance of the target probability distribution*
#   (1994); Seitzer and others, *On the pitfalls of heteroscedastic uncertainty estimation with
#   probabilistic neural networks* (2022), on blaming the noise.
# * Kingma and Welling, *Auto-encoding variational Bayes* (2014); Higgins and others, *beta-VAE*
#   (2017).
# * Guo and others, *On calibration of modern neural networks* (2017); Kumar, Liang and Ma,
#   *Verified uncertainty calibration* (2019), on what binning can and cannot measure.
