# %% [markdown]
# # 01 What a loss does: what does your model actually hear?
#
# You want a bakery that rarely runs out, a doctor's aid that misses nothing, a translator people
# enjoy reading. None of that ever reaches the model. During training it is told **one number**, the
# loss, and which way that number slopes. It will do whatever makes the number smaller.
#
# So the loss is the only sentence in which you can say what you want. This chapter reads that
# sentence in four ways:
#
# * as a **signal**: its slope is the push that each example gives;
# * as a **noise model**: it is a belief about how targets scatter;
# * as **geometry**: it decides which predictions are equally bad;
# * as a **proxy**: it stands in for the thing you really measure.
#
# Then it asks what is usually left to a default argument: how many numbers become one.

# %%
from functools import lru_cache

import numpy as np

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
    residual_plane,
    slider,
    table,
)

# %% [markdown]
# ## A signal: data go in, pushes come out
#
# A training step is a short chain: a **prediction** $\hat y$ is made, a **pointwise loss**
# $\ell(\hat y, y)$ compares it with the target $y$, its slope $\partial\ell/\partial\hat y$ says
# which way to move and how urgently, and the parameters follow. Only the slope comes back. Two
# losses with the same slope train the same model.
#
# Take the smallest model there is. A baker bakes the same number $c$ of trays every morning. Here
# is how many trays the customers wanted on forty-one days. Every day pulls on $c$, and how hard it
# pulls is up to the loss.

# %%
demand = np.sort(np.random.default_rng(11).lognormal(1.0, 0.75, 41))
SHORTAGE = 0.8  # running out costs four times as much as throwing away: 0.8 against 0.2

LOSSES = {
    "squared": lm.SquaredError(),
    "absolute": lm.AbsoluteError(),
    "quantile": lm.Quantile(SHORTAGE),
}


def at_every(candidates, data):
    """Each candidate against every target: two arrays of shape (candidates, targets)."""
    shape = (len(candidates), len(data))
    return np.broadcast_to(candidates[:, None], shape), np.broadcast_to(data, shape)


def mean_loss(loss, candidates, data):
    """What each candidate costs on average."""
    return loss.value(*at_every(candidates, data)).mean(axis=1)


print(f"trays wanted: from {demand[0]:.1f} to {demand[-1]:.1f}, "
      f"mean {demand.mean():.2f}, median {np.median(demand):.2f}")  # fmt: skip

# %% jupyter={"source_hidden": true}
TRAYS = np.sort(np.concatenate([np.linspace(0, 12, 61), demand]))
COSTS = {name: mean_loss(loss, TRAYS, demand) for name, loss in LOSSES.items()}
TOPS = {"squared": 70, "absolute": 8, "quantile": 5}
PULLS = {"squared": 22, "absolute": 1.6, "quantile": 1.6}


def heard(guess):
    """The mean loss with its tangent, and below it the pull of every day."""
    above, below, net = [], [], {}
    for name, loss in LOSSES.items():
        at = np.full_like(demand, guess)
        pulls = loss.gradient(at, demand)
        net[name] = float(pulls.mean())
        here = float(loss(at, demand))
        reach = np.array([-2.5, 2.5])
        above.append(
            Panel(
                f"{name}: mean loss",
                [
                    Curve(TRAYS, COSTS[name], stroke="blue"),
                    Curve(guess + reach, here + net[name] * reach, stroke="orange"),
                    Points([guess], [here], stroke="orange", size=5),
                ],
                Axis("trays baked c", 0, 12),
                Axis("", 0, TOPS[name]),
            )
        )
        below.append(
            Panel(
                "pull of each day",
                [
                    Points(demand, pulls, stroke="ink", size=2.5),
                    Rule(net[name], along="y", stroke="orange"),
                    Rule(guess, stroke="grey"),
                ],
                Axis("trays wanted that day", 0, 12),
                Axis("", -PULLS[name], PULLS[name]),
            )
        )
    return Picture(
        above + below, readings={f"net pull, {name}": pull for name, pull in net.items()}
    )


before, after = (
    {name: heard(guess).readings[f"net pull, {name}"] for name in LOSSES} for guess in (9.0, 11.0)
)
growing = [name for name in LOSSES if after[name] > 1.01 * before[name]]
assert growing == ["squared"]
Explorer(
    heard,
    [Slider("guess", 0.5, 11.0, 6.0, symbol="c", meaning="trays baked", unit="trays")],
    title="Every day pulls; the slope is what is left over",
    predict=Predict(
        "At c = 9 every day lies below you. Slide on to 11: whose net pull still grows?",
        choices=tuple(LOSSES),
        answer=growing[0],
        because="Its pull grows with the distance. The others count days, and all are counted.",
    ),
)
# %% [markdown]
# The dots in the lower row are all the model ever learns of the days. Under the **squared error** a
# dot's height is twice its distance. Under the **absolute error** there are only two heights, so
# what counts is *how many* days lie on either side. Under the **quantile loss** the two heights
# differ: a day that wanted more than was baked pulls up with 0.8<!--= SHORTAGE -->, one that wanted
# less pulls down with 0.2<!--= f"{1 - SHORTAGE:.1f}" -->.
#
# ## What a loss asks for
#
# Slide $c$ until a net pull is zero and you have found the constant that loss likes best. In
# general, the best constant satisfies
#
# $$\mathbb E\big[\partial_c\,\ell(c, Y)\big] = 0,$$
#
# and for each loss that equation names a property of the distribution of $Y$:
#
# | loss | the equation | the property it **elicits** |
# |---|---|---|
# | squared | $2\,(c - \mathbb E Y) = 0$ | mean |
# | absolute | $P(Y < c) - P(Y > c) = 0$ | median |
# | quantile at $\tau$ | $(1 - \tau)\,P(Y < c) - \tau\,P(Y > c) = 0$ | the $\tau$-quantile |
#
# Now without solving anything. Three bakers start with an empty oven and take plain gradient steps,
# $c \leftarrow c - \eta \cdot \text{(net pull)}$, with the same $\eta$.

# %%
STEPS, ETA = 100, 0.3


def descend(loss, start=0.0, steps=STEPS, eta=ETA):
    """The guesses of plain gradient descent on the mean loss, shape (steps + 1,)."""
    path = [start]
    for _ in range(steps):
        path.append(path[-1] - eta * loss.gradient(np.full_like(demand, path[-1]), demand).mean())
    return np.array(path)


squared_path, absolute_path = descend(lm.SquaredError()), descend(lm.AbsoluteError())


# %% jupyter={"source_hidden": true}
STROKES = ("blue", "orange", "green")


@lru_cache(maxsize=64)
def quantile_path(tau):
    return descend(lm.Quantile(tau))


def until(path, step):
    return np.where(np.arange(STEPS + 1) <= step, path, np.nan)


def learning(step, tau):
    paths = {"squared": squared_path, "absolute": absolute_path, "quantile": quantile_path(tau)}
    goals = {
        "mean": demand.mean(),
        "median": np.median(demand),
        "τ-quantile": np.quantile(demand, tau),
    }
    times = np.arange(STEPS + 1.0)
    now = round(step)
    return Picture(
        [
            Panel(
                "three descents",
                [
                    *(Curve(times, until(path, now), name) for name, path in paths.items()),
                    *(
                        Points([now], [path[now]], stroke=stroke, size=5)
                        for path, stroke in zip(paths.values(), STROKES, strict=True)
                    ),
                    *(
                        Rule(goal, along="y", stroke=stroke)
                        for goal, stroke in zip(goals.values(), STROKES, strict=True)
                    ),
                    Points(np.full_like(demand, STEPS + 5), demand, stroke="grey", size=2),
                ],
                Axis("gradient steps taken", -2, STEPS + 7),
                Axis("guess c", -0.3, 10),
            )
        ],
        readings={
            **{f"{name} at": path[now] for name, path in paths.items()},
            **goals,
        },
    )


ends = {
    "squared": squared_path[-1],
    "absolute": absolute_path[-1],
    "quantile": quantile_path(SHORTAGE)[-1],
}
Explorer(
    learning,
    [
        Slider("step", 0, STEPS, STEPS, symbol="t", meaning="steps taken", whole=True),
        slider(lm.Quantile, "tau", low=0.1, high=0.95, default=SHORTAGE),
    ],
    title="Nobody told them about means or medians",
    predict=Predict(
        "A hundred steps at τ = 0.8: which baker ends up baking the most?",
        choices=tuple(ends),
        answer=max(ends, key=ends.get),
        because="Its answer lies above four fifths of all days. The mean lies above far fewer.",
    ),
)

# %%
assert abs(ends["squared"] - demand.mean()) < 1e-6
assert abs(ends["absolute"] - np.median(demand)) < 0.15
assert abs(ends["quantile"] - np.quantile(demand, SHORTAGE)) < 0.5
sold_out = {name: np.mean(demand > baked) for name, baked in ends.items()}
for name, share in sold_out.items():
    print(f"{name:9} baker runs out on {share:.0%} of the days")

# %% [markdown]
# The grey marks at the right edge are the days, the lines the three properties. The squared-error
# baker runs out on 39%<!--= f"{sold_out['squared']:.0%}" --> of all days, the absolute-error baker
# on 49%<!--= f"{sold_out['absolute']:.0%}" -->, the quantile baker on
# 20%<!--= f"{sold_out['quantile']:.0%}" -->. Same data, same optimiser, same step size. The third
# was told that running out is worse; the other two were not, and cannot guess.
#
# ### What about a probability?
#
# Now the target is yes or no: does it rain? Say it rains with probability $p$, and the forecast
# is a number $q$. Which loss makes it best to say $q = p$?

# %% jupyter={"source_hidden": true}
Q = np.linspace(0.001, 0.999, 333)
YES, NO = np.ones_like(Q), np.zeros_like(Q)
FORECAST = {
    "logarithmic": lm.BinaryCrossEntropyFromProbabilities(),
    "Brier": lm.BrierScore(),
    "absolute": lm.AbsoluteError(),
}


def expected(loss, rate):
    """The expected loss of each forecast in Q when the event has this probability."""
    return rate * loss.value(Q, YES) + (1 - rate) * loss.value(Q, NO)


def best_forecast(loss, rate):
    return Q[int(np.argmin(expected(loss, rate)))]


def forecasts(rate):
    curves = {name: expected(loss, rate) for name, loss in FORECAST.items()}
    best = {name: int(np.argmin(cost)) for name, cost in curves.items()}
    return Picture(
        [
            Panel(
                "expected loss of saying q",
                [
                    *(Curve(Q, cost, name) for name, cost in curves.items()),
                    *(
                        Points([Q[best[name]]], [curves[name][best[name]]], stroke=stroke, size=5)
                        for name, stroke in zip(curves, STROKES, strict=True)
                    ),
                    Rule(rate, stroke="grey"),
                ],
                Axis("forecast q", 0, 1),
                Axis("", 0, 1.6),
            )
        ],
        readings={f"best q for {name}": Q[at] for name, at in best.items()},
    )


bold = round(best_forecast(lm.AbsoluteError(), 0.7))
Explorer(
    forecasts,
    [Slider("rate", 0.05, 0.95, 0.7, symbol="p", meaning="how often it really rains")],
    title="Which loss rewards an honest forecast?",
    predict=Predict(
        "It rains on 70% of such days. Under absolute error, which forecast q is cheapest?",
        answer=bold,
        within=0.02,
        because="The median of zeros and ones is zero or one. Absolute error rewards bravado.",
    ),
)

# %% [markdown]
# The grey upright marks the truth. The logarithmic loss (cross-entropy) and the Brier score are
# lowest exactly there, for every $p$: such losses are called **proper**, and *strictly* proper
# because nothing else does as well. The absolute error runs to the nearest wall: at
# $p = 0.7$ it would have you say 1<!--= bold -->. Training a probability with it does not make a
# worse forecaster; it makes a forecaster of something else.
#
# > **Refute this.** *“For every property of a distribution there is a loss that elicits it.”* Then
# > there is one for the variance: a loss $\ell(v, y)$ whose best constant $v$ is always
# > $\operatorname{Var}(Y)$. Look at two distributions that never vary, and at their mixture.

# %%
always_zero, always_two = np.zeros(500), np.full(500, 2.0)
mixture = np.concatenate([always_zero, always_two])
print(f"variances: {always_zero.var():.0f} and {always_two.var():.0f}; mixed: {mixture.var():.0f}")
assert always_zero.var() == always_two.var() == 0 and mixture.var() > 0

# %% [markdown]
# Refuted. If a number $v$ is the best answer for two distributions, it is the best for any mixture
# of them, because the expected loss of a mixture is a mixture of expected losses. Zero would be the
# best answer for both of these, hence for the mixture, whose variance is
# 1<!--= f"{mixture.var():.0f}" -->. No loss of one number can do it. Predict the mean
# *as well*, and it works: that is the Gaussian likelihood of
# [the next chapter](02_regression.ipynb).
#
# ## A noise model: what you believe about errors
#
# Why squares at all? Suppose the targets are $y_i = c + \text{noise}$ with noise density $p$. The
# most likely $c$ maximises $\prod_i p(y_i - c)$; taking $-\log$ turns the product into a sum, and
# that sum is a total loss:
#
# $$\ell(c, y) = -\log p(y - c).$$
#
# Gaussian noise, $p \propto e^{-r^2/2\sigma^2}$, gives the squared error; Laplace noise,
# $p \propto e^{-|r|/b}$, the absolute error; a coin with probability $q$ gives the cross-entropy
# $-y\log q - (1-y)\log(1-q)$; a die gives its version for many classes. lossmath keeps a record of
# every loss, with the noise it believes in and the property it elicits:

# %%
for loss in lm.catalogue():
    if loss.noise in ("Gaussian", "Laplace", "Bernoulli", "categorical", "Poisson") and loss.convex:
        print(f"{loss.noise:12} {loss.__name__:37} elicits {loss.elicits or '(see its page)'}")

# %% [markdown]
# So choosing a loss is a bet on the noise, and a bet can be lost. Tukey (1960) proposed a cruel
# little test. Most errors are perfectly Gaussian, but a small **share** of them comes from an
# instrument that is several times as noisy. You estimate a constant from twenty-five such
# measurements, by the mean (squared error) or by the median (absolute error). Which estimate
# scatters less?

# %% jupyter={"source_hidden": true}
_rng = np.random.default_rng(11)
QUIET, LUCK = _rng.standard_normal((1200, 25)), _rng.random((1200, 25))
BINS = np.linspace(-1.5, 1.5, 61)
MIDDLES = (BINS[1:] + BINS[:-1]) / 2
SMOOTH = np.exp(-0.5 * (np.arange(-6, 7) / 2.0) ** 2)


def estimates(share, times):
    """The mean and the median of each of 1200 samples of 25 measurements of zero."""
    noise = QUIET * np.where(share > LUCK, times, 1.0)
    return {"mean": noise.mean(axis=1), "median": np.median(noise, axis=1)}


def scatter(values):
    density = np.histogram(values, BINS, density=True)[0]
    return np.convolve(density, SMOOTH / SMOOTH.sum(), mode="same")


def bets(share, times):
    guesses = estimates(share, times)
    spread = {name: values.std() for name, values in guesses.items()}
    return Picture(
        [
            Panel(
                "where 1200 estimates of zero fall",
                [Curve(MIDDLES, scatter(values), name) for name, values in guesses.items()],
                Axis("estimate", -1.5, 1.5),
                Axis("density", 0, 2.2),
            )
        ],
        readings={
            "spread of the mean": spread["mean"],
            "spread of the median": spread["median"],
            "spread of the mean ÷ of the median": spread["mean"] / spread["median"],
        },
    )


def ratio(share, times=10.0):
    return bets(share, times).readings["spread of the mean ÷ of the median"]


shares = np.linspace(0, 0.05, 51)
turning = float(shares[np.argmax([ratio(share) > 1 for share in shares])])
OPTIONS = {"under 2%": 0.02, "about 5%": 0.08, "about 15%": 0.25, "over 25%": 1.0}
Explorer(
    bets,
    [
        Slider("share", 0, 0.3, 0.0, symbol="s", meaning="share of bad measurements"),
        Slider("times", 2, 10, 10, symbol="k", meaning="how many times as noisy they are"),
    ],
    title="Tukey's test: the mean against the median",
    predict=Predict(
        "The bad instrument is ten times as noisy. How large a share of bad measurements makes the "
        "median the better estimate?",
        choices=tuple(OPTIONS),
        answer=next(name for name, top in OPTIONS.items() if turning < top),
        because="One reading in a hundred is enough: its noise counts a hundredfold in a variance.",
    ),
)

# %%
clean, dirty = 1 / ratio(0.0), ratio(0.1)
print(f"no bad readings: the median scatters {clean:.2f} times as much as the mean")
print(f"one in ten bad:  the mean scatters {dirty:.2f} times as much as the median")
print(f"they change places at a share of about {turning:.1%}")

# %% [markdown]
# With purely Gaussian noise the mean is the better bet: the median scatters
# 1.24<!--= f"{clean:.2f}" --> times as much (in theory $\sqrt{\pi/2} \approx 1.25$ for many
# measurements). Spoil one reading in ten and the mean scatters
# 2.42<!--= f"{dirty:.2f}" --> times as much as the median. The exchange happens at a share of
# 0.4%<!--= f"{turning:.1%}" -->, which no histogram of twenty-five values would ever show you. That
# is what an *assumption* of a loss means: not that it stops working elsewhere, but what it costs
# there.
#
# Not every loss is a likelihood. The hinge loss, the triplet loss and their relatives are better
# read as geometry.
#
# ## Geometry: which predictions are equally bad?
#
# Two days, one weight: the model predicts $\theta x_1$ and $\theta x_2$. As $\theta$ runs through
# all numbers, the pair of residuals $(\theta x_1 - y_1,\ \theta x_2 - y_2)$ runs along a straight
# line, and nothing off that line can be reached. The best $\theta$ is where the line **first
# touches** a level set of the loss growing out of the origin. The line is given by your data and
# your model. The shape that grows is given by the loss.

# %% jupyter={"source_hidden": true}
PLANES = {
    "squared": (lm.SquaredError(), (1, 4, 9), "blue"),
    "absolute": (lm.AbsoluteError(), (1, 2, 3), "orange"),
    "quantile, τ = 0.8": (lm.Quantile(0.8), (0.4, 0.8, 1.2), "green"),
}
FIRST, SECOND = -1.0, 0.5  # the targets of the two days
FIELD = {
    name: residual_plane(loss, title=name, levels=levels, stroke=stroke).marks[0]
    for name, (loss, levels, stroke) in PLANES.items()
}


def touching(loss, x, y):
    """The best weight: least squares, or for losses made of straight pieces a perfect hit."""
    candidates = np.array([x @ y / (x @ x), *(y / x)])
    residuals = candidates[:, None] * x - y
    return candidates[int(np.argmin(loss.value(residuals, 0 * residuals).sum(axis=1)))]


def inputs(turn):
    """The inputs of the two days: the direction of the line of residuals."""
    return np.array([np.cos(np.radians(turn)), np.sin(np.radians(turn))])


def reach(turn, second):
    x, y = inputs(turn), np.array([FIRST, second])
    line = np.linspace(-12, 12, 2)[:, None] * x - y
    panels, found = [], {}
    for name, (loss, _, _) in PLANES.items():
        weight = touching(loss, x, y)
        residual = weight * x - y
        found[f"θ, {name.split(',')[0]}"] = weight
        panels.append(
            Panel(
                name,
                [
                    FIELD[name],
                    Curve(line[:, 0], line[:, 1], stroke="ink"),
                    Points([residual[0]], [residual[1]], stroke="purple", size=6),
                ],
                Axis("residual of day one", -4, 4),
                Axis("residual of day two", -4, 4),
                equal=True,
            )
        )
    return Picture(panels, readings=found)


Explorer(
    reach,
    [
        Slider("turn", 10, 80, 30, symbol=r"\alpha", unit="degrees", meaning="turn of the line"),
        Slider("second", -0.5, 0.7, SECOND, symbol="y", meaning="target of day two"),
    ],
    title="The line is your model, the shape your loss",
    predict=Predict(
        "Turn the line. Under which losses is one of the two residuals always exactly 0?",
        choices=("squared", "absolute and quantile", "all three"),
        answer="absolute and quantile",
        because="Their shapes have corners on the axes; a line meets a polygon at a corner first.",
    ),
)


# %%
def by_trying(loss, x, y):
    """The best weight of a fine grid."""
    theta = np.linspace(-6, 6, 24_001)
    residuals = np.outer(theta, x) - y
    return theta[np.argmin(loss.value(residuals, 0 * residuals).sum(axis=1))]


def smaller_residual(loss, turn):
    x, y = inputs(turn), np.array([FIRST, SECOND])
    return np.abs(by_trying(loss, x, y) * x - y).min()


corner, smooth = (
    max(smaller_residual(loss, turn) for turn in np.arange(10.5, 80))
    for loss in (lm.AbsoluteError(), lm.SquaredError())
)
print(f"smaller residual, largest over all angles: absolute {corner:.4f}, squared {smooth:.2f}")
assert corner < 0.001 < 0.3 < smooth

# %% [markdown]
# A circle touches a line wherever it happens to; a diamond touches it at a corner, and a corner
# lies on an axis, where one residual is zero. (The search over a fine grid of $\theta$ agrees:
# the smaller residual is never more than 0.0003<!--= f"{corner:.4f}" -->, less than a
# step of the grid, where the squared error leaves up to 0.75<!--= f"{smooth:.2f}" -->. Only a line
# along a side of the diamond, at `45` degrees, leaves a choice: every point of the side is as
# good.) So **absolute error fits some points exactly and gives the rest up**, while squared error
# disappoints everyone a little. Turn the picture into one about weights instead of residuals and
# you have the reason why an L1 penalty gives zeros and an L2 penalty does not.
#
# ## A proxy: the metric you cannot descend
#
# What you want is often a count: the share of right answers, an exact match, how many words a
# translation has in common with a good one (BLEU and ROUGE count that). Counts are staircases.
#
# Below, a hundred emails have been scored by a filter, thirty of them spam. One number $b$ is added
# to every score; a positive result $s$ means "spam". Two counts judge the filter: its **error
# rate**, and its **F1 score**, twice the spam it caught divided by all it called spam plus all
# there was, which is one for a perfect filter and zero for one that catches nothing. Beside them
# stands the cross-entropy of the coin above, with $q = 1/(1 + e^{-s})$ as the probability of spam.

# %% jupyter={"source_hidden": true}
_rng = np.random.default_rng(5)
SPAM = np.repeat([1.0, 0.0], [30, 70])
SCORES = np.concatenate([_rng.normal(1.0, 1.3, 30), _rng.normal(-1.0, 1.3, 70)])
EDGES = np.sort(np.concatenate([-SCORES - 1e-9, -SCORES + 1e-9, np.linspace(-4, 4, 41)]))
BCE = lm.BinaryCrossEntropyFromLogits()


def verdicts(shift):
    """Error rate and F1 score at this shift; a score of 0 counts as "not spam"."""
    called = SCORES + shift > 0
    hits = float((called * SPAM).sum())
    return np.mean(called != SPAM), 2 * hits / (called.sum() + SPAM.sum())


STAIRS = np.array([verdicts(shift) for shift in EDGES])
SLIDE = np.array([float(BCE(SCORES + shift, SPAM)) for shift in EDGES])


def proxies(shift):
    error, f1 = verdicts(shift)
    logits = SCORES + shift
    cost = float(BCE(logits, SPAM))
    slope = float(BCE.gradient(logits, SPAM).mean())
    marks = [
        Curve(EDGES, SLIDE, "cross-entropy"),
        Curve(EDGES, STAIRS[:, 0], "error rate"),
        Curve(EDGES, 1 - STAIRS[:, 1], "1 − F1"),
        Points([shift], [cost], stroke="blue", size=5),
        Points([shift], [error], stroke="orange", size=5),
        Points([shift], [1 - f1], stroke="green", size=5),
    ]
    step = 1e-6
    flat = (verdicts(shift + step)[0] - verdicts(shift - step)[0]) / (2 * step)
    return Picture(
        [Panel("a hundred emails", marks, Axis("shift b", -4, 4), Axis("", 0, 2.2))],
        readings={
            "slope of cross-entropy": slope,
            "slope of the error rate": flat,
            "error rate": error,
            "F1": f1,
        },
    )


Explorer(
    proxies,
    [Slider("shift", -3.5, 3.5, 2.0, symbol="b", meaning="added to every score")],
    title="Two staircases and a slide",
)

# %%
lowest = {
    "cross-entropy": EDGES[np.argmin(SLIDE)],
    "error rate": EDGES[np.argmin(STAIRS[:, 0])],
    "1 − F1": EDGES[np.argmax(STAIRS[:, 1])],
}
for name, shift in lowest.items():
    print(f"{name:14} is lowest at b = {shift:5.2f}, where F1 is {verdicts(shift)[1]:.3f}")


def f1_of(part):
    """The F1 score of some of the emails, unshifted."""
    called, truth = SCORES[part] > 0, SPAM[part]
    return 2 * float((called * truth).sum()) / (called.sum() + truth.sum())


whole_f1 = f1_of(slice(None))
mean_f1 = (f1_of(slice(0, 20)) + f1_of(slice(20, None))) / 2
print(f"F1 of all emails {whole_f1:.3f}, mean of two batches {mean_f1:.3f}")

# %% [markdown]
# Wherever a staircase has a slope, that slope is zero: a gradient step would not move at all. So
# one descends something else, a **surrogate**, and hopes that downhill here is downhill there. Near
# enough, but not the same: cross-entropy is lowest at
# b = −0.52<!--= f"{lowest['cross-entropy']:.2f}".replace("-", "−") -->, where F1 is
# 0.627<!--= f"{verdicts(lowest['cross-entropy'])[1]:.3f}" -->; the best F1 is
# 0.730<!--= f"{verdicts(lowest['1 − F1'])[1]:.3f}" -->, at
# b = 0.60<!--= f"{lowest['1 − F1']:.2f}" -->. The usual remedy is to train on the surrogate and
# choose the threshold afterwards, by the metric, on data held out for it. (F1 has a second defect
# as a loss: it is no mean over examples. Over all emails it is
# 0.689<!--= f"{whole_f1:.3f}" -->; averaged over two batches it is
# 0.680<!--= f"{mean_f1:.3f}" -->.)
#
# > **Refute this.** *“The lower the loss, the more answers are right.”*

# %%
truth = np.ones(100)
cautious = np.full(100, 0.2)  # logits: on the right side every time, never sure
brash = np.where(np.arange(100) < 5, -1.0, 5.0)  # very sure, and five times wrong
for name, logits in {"cautious": cautious, "brash": brash}.items():
    print(
        f"{name:9} cross-entropy {float(BCE(logits, truth)):.3f}   right {np.mean(logits > 0):.0%}"
    )
assert BCE(brash, truth) < BCE(cautious, truth) and np.mean(brash > 0) < np.mean(cautious > 0)

# %% [markdown]
# Refuted: the brash model has 8.3<!--= f"{float(BCE(cautious, truth) / BCE(brash, truth)):.1f}" -->
# times less loss and is right less often, 95%<!--= f"{np.mean(brash > 0):.0%}" --> against
# 100%<!--= f"{np.mean(cautious > 0):.0%}" -->. Loss and metric answer different questions. Watch
# both.
#
# > **Refute this.** *“A good surrogate lies above the zero-one loss, and the logistic loss
# > $\log(1 + e^{-m})$ is an example.”* Here $m$ is the **margin**: the score, counted positive on
# > the right side. Try $m = 0$, which counts as a mistake.

# %%
margins = np.linspace(-4, 4, 801)
right_side = np.ones_like(margins)
mistake = lm.ZeroOne().value(margins, right_side)
surrogates = {
    "logistic": lm.Logistic().value(margins, right_side),
    "logistic / log 2": lm.Logistic().value(margins, right_side) / np.log(2),
    "hinge": lm.Hinge().value(margins, right_side),
}
for name, cost in surrogates.items():
    above = bool((cost >= mistake - 1e-12).all())
    print(f"{name:17} at m = 0: {cost[400]:.3f}   above the zero-one loss everywhere: {above}")
natural = float(lm.Logistic().value(0.0, 1.0))
assert natural < 1 <= natural / np.log(2) + 1e-12

# %% [markdown]
# Refuted as stated: with the natural logarithm it is 0.693<!--= f"{natural:.3f}" --> where the
# zero-one loss is 1<!--= f"{float(lm.ZeroOne().value(0.0, 1.0)):.0f}" -->. In bits, divided by
# $\log 2$, it does lie above, and so does the hinge. The factor changes no minimiser, so it is not
# what makes a surrogate good. What does is that **minimising it also minimises the mistakes**;
# Bartlett, Jordan and McAuliffe (2006) call such a surrogate *calibrated*.
#
# ## Risk: the loss you have and the loss you mean
#
# What you mean is the **risk** $R(c) = \mathbb E\,\ell(c, Y)$, over every day there will ever be.
# What you have is the **empirical risk**, a mean over $n$ of them,
# $\hat R_n(c) = \frac1n \sum_i \ell(c, y_i)$. What you often minimise is a third thing, the
# empirical risk plus a **penalty** $\lambda\,\Omega(c)$ that says what you would believe without
# data.
#
# Below, eight bakers have each seen $n$ days of their own. Each minimises
# $\hat R_n(c) + \lambda c^2$, a grey curve each, and bakes where it is lowest, at an orange dot.
# The blue curve is the risk nobody can see.

# %% jupyter={"source_hidden": true}
GUESSES = np.linspace(0, 8, 41)
FULL = np.random.default_rng(3).gamma(2.0, 1.9, (8, 1000))
TRUE_MEAN, TRUE_VARIANCE = 3.8, 2 * 1.9**2
PENALTY = np.array([lm.L2Penalty(1.0).value([guess]) for guess in GUESSES])
RISK = mean_loss(lm.SquaredError(), GUESSES, np.array([TRUE_MEAN])) + TRUE_VARIANCE


@lru_cache(maxsize=64)
def empirical(n):
    """The empirical risk of each guess for each of the eight bakers, shape (8, guesses)."""
    return np.stack([mean_loss(lm.SquaredError(), GUESSES, days[:n]) for days in FULL])


def risks(n, strength):
    count = round(n)
    objective = empirical(count) + strength * PENALTY
    chosen = FULL[:, :count].mean(axis=1) / (1 + strength)
    true_risk = (chosen - TRUE_MEAN) ** 2 + TRUE_VARIANCE
    return Picture(
        [
            Panel(
                "what eight bakers minimise",
                [
                    *(Curve(GUESSES, one, stroke="grey", thin=True) for one in objective),
                    Curve(GUESSES, RISK, "risk", stroke="blue"),
                    Points(chosen, np.full(8, 1.0), stroke="orange", size=4),
                    Rule(TRUE_MEAN, stroke="blue"),
                ],
                Axis("guess c", 0, 8),
                Axis("", 0, 40),
            )
        ],
        readings={
            "spread of their choices": chosen.std(),
            "bias": chosen.mean() - TRUE_MEAN,
            "mean risk above the least": true_risk.mean() - TRUE_VARIANCE,
        },
    )


def excess(n, strength):
    return risks(n, strength).readings["mean risk above the least"]


few = excess(4, 0.0), excess(4, 0.1)
many = excess(1000, 0.0), excess(1000, 0.1)
Explorer(
    risks,
    [
        Slider("n", 2, 1000, 20, scale="log", meaning="days seen", whole=True),
        Slider("strength", 0, 1, 0, symbol=r"\lambda", meaning="weight of the penalty"),
    ],
    title="The risk and its eight impressions",
)

# %%
print(f"n = 4:    excess risk {few[0]:.3f} without a penalty, {few[1]:.3f} with λ = 0.1")
print(f"n = 1000: excess risk {many[0]:.3f} without a penalty, {many[1]:.3f} with λ = 0.1")
spread = {n: risks(n, 0.0).readings["spread of their choices"] for n in (10, 1000)}
assert few[1] < few[0] and many[1] > many[0]

# %% [markdown]
# Two effects, both worth feeling in your fingers. More days pull the grey curves together: the
# bakers' choices scatter by 0.79<!--= f"{spread[10]:.2f}" --> with ten days and by
# 0.08<!--= f"{spread[1000]:.2f}" --> with a thousand, roughly a tenth for a hundred times the data.
# And a penalty pulls all choices towards zero, trading scatter for a fixed error, the *bias*. With
# four days that is a good trade, 1.457<!--= f"{few[1]:.3f}" --> instead of
# 1.874<!--= f"{few[0]:.3f}" --> above the least risk. With a thousand days it is a bad one:
# 0.113<!--= f"{many[1]:.3f}" --> instead of 0.007<!--= f"{many[0]:.3f}" -->.
#
# ## Many numbers become one
#
# A batch gives one loss per example. Turning them into a single number is called **reduction**, and
# it decides who is heard. lossmath spells out every choice:

# %%
errors = lm.SquaredError()
guess, target = np.array([1.0, 2.0, 4.0]), np.array([0.0, 0.0, 1.0])
for how in ("none", "sum", "mean"):
    print(f"{how:5} value {errors.value(guess, target, reduction=how)}   "
          f"gradient {errors.gradient(guess, target, reduction=how)}")  # fmt: skip
pair = np.array([[1.0, 2.0, 3.0], [2.0, 0.0, 2.0]]), np.zeros((2, 3))
per_row = errors.value(*pair).sum(axis=1)
per_entry = errors.value(*pair).mean(axis=1)
print("squared error of two vectors of three features, summed:", per_row, " averaged:", per_entry)

# %% [markdown]
# A **sum** grows with the batch, and so do its gradient and your effective step. A **mean** does
# not. The last line shows the same choice hiding in the *feature* axis: some books write the error
# of a vector as $\lVert \hat y - y \rVert^2$, which is a sum; most libraries average. Both have the
# same minimiser, and gradients that differ by a factor of
# 3<!--= f"{per_row[0] / per_entry[0]:.0f}" -->, the number of features. Over images of a million
# pixels that factor is no detail.
#
# ### Masks, weights and what stands underneath
#
# Sentences have different lengths, so a batch is padded, and the padding must not count. A
# **masked mean** selects the real entries and divides by *their* number. But a mean over what: over
# all tokens, or over sentences of means?
#
# Three sentences share a batch below, one to a row; every token has the same error. The shade of a
# cell is the weight of its token in the final number.

# %% jupyter={"source_hidden": true}
WIDE = 24


def voices(length):
    mask = np.arange(WIDE) < np.array([[2], [6], [round(length)]])
    ones = np.ones((3, WIDE))
    # The slope of half a squared error of 1 is 1, so the gradient is the weight itself.
    weight = {
        how: lm.HalfSquaredError().gradient(ones, 0 * ones, reduction=how, mask=mask)
        for how in ("mean", "sequence_mean")
    }
    return Picture(
        [
            Panel(
                title,
                [Matrix(weight[how], 0, 0.17, stroke="blue")],
                Axis("token", 0, WIDE),
                Axis("", 0, 3, ticks={2.5: "first", 1.5: "second", 0.5: "third"}),
            )
            for title, how in (
                ("mean over tokens", "mean"),
                ("mean over sentences", "sequence_mean"),
            )
        ],
        readings={
            "third sentence is heard, by tokens": weight["mean"][2].sum(),
            "by sentences": weight["sequence_mean"][2].sum(),
        },
    )


Explorer(
    voices,
    [Slider("length", 1, WIDE, 12, symbol="n", meaning="tokens in the third sentence", whole=True)],
    title="Who is heard?",
    predict=Predict(
        "Sentences of 2, 6 and 24 tokens. What share of the token mean belongs to the longest?",
        answer=float(voices(WIDE).readings["third sentence is heard, by tokens"]),
        within=0.03,
        because="Its 24 tokens out of 32, three quarters. By sentences it would be one third.",
    ),
)

# %% [markdown]
# Neither is wrong. Over tokens, long sentences dominate; over sentences, a token in a short one
# counts for more. It is wrong only to use one and report the other.
#
# **Weights** raise the same question. Count each example of a rare class $w$ times, then divide by
# the number of examples (`denominator="count"`), or by the total weight (`"weight_sum"`)?

# %% jupyter={"source_hidden": true}
WEIGHTS = np.geomspace(1, 100, 49)


def loudness(rare, w):
    """Share of the pull that the rare class has, and the total pull, for each denominator."""
    total = 1 - rare + rare * w
    return rare * w / total, {"count": total, "weight_sum": np.ones_like(total)}


def weighing(rare, weight):
    share, totals = loudness(rare, WEIGHTS)
    here, at = loudness(rare, np.array([weight]))
    return Picture(
        [
            Panel(
                "share of the pull on the rare class",
                [
                    Curve(WEIGHTS, share, "both"),
                    Points([weight], here, stroke="blue", size=5),
                ],
                Axis("weight w", 1, 100, scale="log"),
                Axis("", 0, 1),
            ),
            Panel(
                "total pull",
                [
                    *(Curve(WEIGHTS, total, name) for name, total in totals.items()),
                    Points([weight], at["count"], stroke="blue", size=5),
                    Points([weight], at["weight_sum"], stroke="orange", size=5),
                ],
                Axis("weight w", 1, 100, scale="log"),
                Axis("", 0.5, 100, scale="log"),
            ),
        ],
        readings={"share": here[0], "pull, count": at["count"][0], "weight_sum": 1.0},
    )


# The two formulas above against the real thing: ten rare examples in a hundred, weight 20.
heavy = np.where(np.arange(100) < 10, 20.0, 1.0)
ones = np.ones(100)
for denominator, total in loudness(0.1, np.array([20.0]))[1].items():
    pull = lm.HalfSquaredError().gradient(
        ones, 0 * ones, reduction="mean", weights=heavy, denominator=denominator
    )
    assert np.isclose(pull.sum(), total[0]) and np.isclose(pull[:10].sum() / pull.sum(), 20 / 29)

Explorer(
    weighing,
    [
        Slider("rare", 0.01, 0.5, 0.1, symbol=r"\rho", meaning="share of the rare class"),
        Slider("weight", 1, 100, 10, scale="log", symbol="w", meaning="weight of the rare class"),
    ],
    title="A weight turns two knobs at once",
)

# %%
balance = float(loudness(0.1, np.array([9.0]))[0][0])
growth = float(loudness(0.1, np.array([100.0]))[1]["count"][0])
print(f"a class of 10% with weight 9 has {balance:.0%} of the pull")
print(f"with weight 100 and denominator 'count' the whole gradient is {growth:.1f} times as long")

# %% [markdown]
# On the left the denominators agree: who is heard depends on the weights alone. On the right they
# part. Dividing by the count, a weight of `100` makes the whole gradient
# 10.9<!--= f"{growth:.1f}" --> times as long, as if somebody had turned up the learning rate.
# PyTorch's class weights divide by the sum of weights, Keras's sample weights by the count. Know
# which one you have before you tune a step size.
#
# > **Refute this.** *“To be safe, add a small ε below the line:
# > $\sum_i m_i\ell_i / (\sum_i m_i + \varepsilon)$.”* Safe against what? Try a padded slot that
# > holds no number at all, half precision, and an ε that one can feel.

# %%
loss_of = np.array([1.0, 3.0, np.nan])
keep = np.array([True, True, False])


def with_epsilon(values, mask, epsilon=1e-8):
    """The masked mean as it is often typed."""
    return (mask * values).sum() / (mask.sum() + epsilon)


typed = with_epsilon(loss_of, keep)
tidy = float(lm.reduce(loss_of, mask=keep))
vanished = np.float16(1e-8)
empty = float(lm.reduce(loss_of, mask=np.zeros(3, bool)))
gentle = with_epsilon(np.array([1.0, 3.0]), np.ones(2), epsilon=1e-2)
print(f"nothing in the masked slot:  typed {typed}   selected first {tidy}")
print(f"ε = 1e-8 in half precision: {vanished}   an empty mask, by lossmath: {empty}")
print(f"and with an ε large enough to feel: {gentle:.4f} instead of 2")
assert np.isnan(typed) and tidy == 2 and vanished == 0

# %% [markdown]
# Refuted three times. Multiplying by zero does not remove a NaN, since $0 \cdot \text{NaN}$ is NaN.
# In half precision the ε *is* 0.0<!--= float(vanished) -->, so it protects nobody. And where it is
# large enough to matter it bends every ordinary mean: 1.9900<!--= f"{gentle:.4f}" --> for what
# should be two. **Select** first, divide by the true count, and decide openly what an empty
# selection means; here it is 0.0<!--= empty -->, with zero gradient.
#
# ## Watch it fail: three quiet ones
#
# None of these raises an error in everyday code, which is why they live so long.

# %%
# 1. Micro-batches: the mean of means is not the mean.
long_losses, short_losses = np.full(9, 2 / 9), np.array([10.0])
mean_of_means = (lm.reduce(short_losses) + lm.reduce(long_losses)) / 2
true_mean = lm.reduce(np.concatenate([short_losses, long_losses]))
print(f"mean of the means {mean_of_means:.2f}, mean {true_mean:.2f}")

# 2. Shapes: (n, 1) against (n,) quietly makes an n × n table of differences.
x = np.linspace(0, 1, 50)
column, flat = x[:, None], x
perfect = float(np.mean((column - flat) ** 2))
constant = float(np.mean((np.full((50, 1), x.mean()) - flat) ** 2))
print(f"broadcast: perfect predictions cost {perfect:.3f}, the constant mean {constant:.3f}")
try:
    errors(column, flat)
except ValueError as error:
    print("lossmath:", error)

# 3. A target of zero is not a mask.
padded = np.array([4.0, 4.0, 0.0, 0.0])
zeroed, masked = float(padded.mean()), float(padded[:2].mean())
print(f"best constant when padding counts as zeros: {zeroed}; when it is masked: {masked}")

# %% [markdown]
# * **Micro-batches.** Ten tokens arrive as one and nine. The mean of the two means is
#   5.11<!--= f"{mean_of_means:.2f}" -->, the mean is 1.20<!--= f"{true_mean:.2f}" -->. This was a
#   real bug in gradient accumulation, found in several widely used training libraries (2024). Add
#   the sums, divide once.
# * **Shapes.** After broadcasting, perfect predictions cost
#   0.173<!--= f"{perfect:.3f}" --> and always saying the mean costs
#   0.087<!--= f"{constant:.3f}" -->. The best model is now the one that ignores its input. It
#   trains, the curve falls, and the result is useless.
# * **Zeros.** Zeros in padded slots drag the best constant from 4.0<!--= masked --> to
#   2.0<!--= zeroed -->. A mask says "no data here"; a zero says "the answer here is zero".
#
# ## The losses on one screen

# %%
table(
    lm.SquaredError,
    lm.AbsoluteError,
    lm.Quantile,
    lm.BinaryCrossEntropyFromProbabilities,
    lm.BrierScore,
    lm.ZeroOne,
    lm.Logistic,
    lm.Hinge,
)

# %% [markdown]
# Before you train, finish five sentences aloud. By its slope, the examples that push hardest are …
# By its noise model, I believe that errors are … Its minimiser, the property of the data that I
# will get, is … My metric is something else, namely … The many losses become one by dividing by …,
# so the loudest voice belongs to … If one of them embarrasses you, change the loss.
#
# ## Practise
#
# * [MSE gradient](../exercises/01_mse_gradient.ipynb): a loss as a signal, and who sends most of
#   it.
# * [Masked mean](../exercises/04_masked_mean.ipynb): masks, denominators, empty selections and
#   micro-batches that add up.
# * [MAE and its subgradient](../exercises/02_mae_subgradient.ipynb): the property that the absolute
#   error elicits, when it is not unique.
#
# ## Further reading
#
# * Tukey, *A survey of sampling from contaminated distributions* (1960).
# * Vapnik, *The Nature of Statistical Learning Theory* (1995): risk and empirical risk.
# * Bartlett, Jordan and McAuliffe, *Convexity, classification, and risk bounds* (2006): when
#   minimising a surrogate minimises the mistakes.
# * Gneiting and Raftery, *Strictly proper scoring rules, prediction, and estimation* (2007).
# * Gneiting, *Making and evaluating point forecasts* (2011): which properties can be elicited, and
#   why a forecaster should be told which one is wanted.
