# %% [markdown]
# # 07 Geometry and optimisation: how large a step?
#
# You are on a hillside in fog. You can feel the slope under your feet and nothing else. How far may
# you walk before you must feel again? Too timid, and you will be there all night. Too bold, and you
# step across the valley and stand *higher* than before.
#
# The slope cannot tell you. What decides is how quickly the slope **changes**: the curvature. This
# chapter looks at losses as landscapes: in which variables they are bowls at all, what replaces the
# slope at a crease, how steepness and curvature limit the step, what a real network's landscape
# looks like, and what happens when two losses want to go different ways.

# %%
from functools import lru_cache

import numpy as np
import torch
from IPython.display import Markdown

import lossmath as lm
from lossmath.explore import (
    Arrows,
    Axis,
    Bars,
    Curve,
    Explorer,
    Level,
    Matrix,
    Panel,
    Picture,
    Points,
    Predict,
    Rule,
    Slider,
    slider,
    table,
)

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)
families = [*lm.catalogue("regression"), *lm.catalogue("classification")]
bowls = [loss for loss in families if loss.convex]

# %% [markdown]
# ## Convex in what?
#
# A function is **convex** if no chord of it runs below it: for any two points, the straight line
# between their values lies on or above the function. Then there are no false valleys, since every
# minimum is a lowest one.
#
# Most losses are convex *in the prediction*: of the 31<!--= len(families) --> for regression and
# classification in this course, 24<!--= len(bowls) -->. But you do not turn the prediction, you
# turn weights. Here is the smallest network with a hidden layer: two weights, one behind the other,
# and the target one,
#
# $$\hat y = w_1 w_2, \qquad \ell = (\hat y - 1)^2 .$$
#
# The picture shows the loss over both weights. Turn the segment through the origin, and look on the
# right at what you would meet along it, with its chord.

# %% jupyter={"source_hidden": true}
SQUARED = lm.SquaredError()
SIDE = np.linspace(-2, 2, 49)
PRODUCT = SIDE[:, None] * SIDE[None, :]
VALLEYS = SQUARED.value(PRODUCT, np.ones_like(PRODUCT))
ALONG = np.linspace(-np.sqrt(2), np.sqrt(2), 61)


def chord(turn):
    """The loss along a segment through the origin, and the straight line between its ends."""
    across, up = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    losses = SQUARED.value(ALONG**2 * across * up, np.ones_like(ALONG))
    line = np.linspace(losses[0], losses[-1], ALONG.size)
    return Picture(
        [
            Panel(
                "loss over both weights",
                [
                    Level(SIDE, SIDE, VALLEYS, (0.05, 0.3, 0.8, 1.5, 3, 8), stroke="blue"),
                    Curve(ALONG * across, ALONG * up, stroke="orange"),
                    Points([1, -1], [1, -1], "perfect", stroke="ink", size=4),
                ],
                Axis("w₁", -2, 2),
                Axis("w₂", -2, 2),
                equal=True,
            ),
            Panel(
                "loss along the segment",
                [
                    Curve(ALONG, losses, "loss", stroke="blue"),
                    Curve(ALONG, line, "chord", stroke="orange"),
                ],
                Axis("place along the segment", -1.5, 1.5),
                Axis("", -0.3, 5),
            ),
        ],
        readings={
            "loss in the middle": losses[30],
            "chord in the middle": line[30],
            "curvature in the middle": round(-4 * across * up, 6) + 0.0,
        },
    )


def below(turn):
    """Whether the chord runs below the loss somewhere."""
    loss, line = (mark.y for mark in chord(turn).panels[1].marks)
    return bool((line < loss - 1e-9).any())


Explorer(
    chord,
    [Slider("turn", 0, 180, 110, symbol=r"\phi", unit="degrees", meaning="turn of the segment")],
    title="The same loss, two weights",
    predict=Predict(
        "Turn the segment to 45°, so that it joins two perfect networks. The chord will run …",
        choices=("above the loss", "below the loss", "exactly on it"),
        answer="below the loss" if below(45.0) else "above the loss",
        because="Both ends are perfect, and their average, the origin, predicts 0.",
    ),
)

# %% [markdown]
# > **Refute this.** *“Squared error is convex, so training with squared error is a convex
# > problem.”* Then the average of two perfect networks must be perfect.

# %%
one, other = np.array([1.0, 1.0]), np.array([-1.0, -1.0])
costs = {
    name: float(SQUARED.value(float(np.prod(weights)), 1.0))
    for name, weights in {"one": one, "other": other, "average": (one + other) / 2}.items()
}
hessian_at_origin = np.array([[0.0, -2.0], [-2.0, 0.0]])  # of (w1 w2 − 1)² at (0, 0)
bends = np.linalg.eigvalsh(hessian_at_origin)
print(costs, "  curvatures at the origin:", bends)
assert costs["one"] == costs["other"] == 0 < costs["average"]
convex = lm.SquaredError, lm.AbsoluteError, lm.Huber, lm.CrossEntropyFromLogits
assert all(loss.convex for loss in convex)
assert not (lm.SigmoidSquaredError.convex or lm.BinaryFocal.convex)

# %% [markdown]
# Refuted. Both ends cost 0.0<!--= costs["one"] -->, the average costs
# 1.0<!--= costs["average"] -->. At the origin the slope is zero and the curvatures are
# −2<!--= f"{bends[0]:.0f}".replace("-", "−") --> and 2<!--= f"{bends[1]:.0f}" -->: a **saddle**,
# down one way and up the other. So always ask: convex in *which variable*?
#
# | loss | in the prediction | in the weights of a linear model | in the weights of a network |
# |---|---|---|---|
# | squared, absolute, Huber | convex | convex | not |
# | cross-entropy | convex in the logits | convex | not |
# | squared error of a sigmoid, focal | not convex in the logit | not | not |
#
# The middle column follows from the first, because a linear model puts straight lines through the
# loss, and a straight cut through a bowl is a bowl. Nothing of the kind saves the last column: with
# a hidden layer you may swap two hidden units and have another network that is just as good, while
# the average of the two, in which both units are the same, is as a rule worse.
#
# > **Refute this.** *“Good losses are pseudo-convex: any update of the model leads towards the
# > optimum.”* The word has a fixed meaning: a smooth $f$ is **pseudo-convex** if no point $y$ lies
# > lower than $x$ unless the slope at $x$ points down towards it, $\nabla f(x)^\top (y - x) < 0$.
# > In one variable: it falls, then it rises. Student's *t* does so without being convex. Take a
# > long step on it, and then add up two of it.

# %%
heavy = lm.StudentTNLL()
residuals = np.linspace(-12, 12, 481)
assert (heavy.gradient(residuals, 0 * residuals) * residuals >= 0).all()
assert heavy.hessian(4.0, 0.0) < 0
long_step = 2.0 - 4.0 * float(heavy.gradient(2.0, 0.0))
before, after = (float(heavy.value(r, 0.0)) for r in (2.0, long_step))
print(f"step size 4, from r = 2 to r = {long_step:.1f}: the loss goes from {before:.2f} to "
      f"{after:.2f}")  # fmt: skip


def settle(c, targets, steps=400):
    """Where short gradient steps on the mean loss end, and that loss."""
    for _ in range(steps):
        c -= 0.2 * heavy.gradient(np.full_like(targets, c), targets, reduction="mean").sum()
    return c, float(heavy(np.full_like(targets, c), targets))


apart = np.array([-5.0, 5.0, 5.0])
valleys = {start: settle(start, apart) for start in (-3.0, 3.0)}
for start, (c, loss) in valleys.items():
    print(f"targets −5, 5, 5, start at {start:2.0f}: ends at {c:5.2f} with loss {loss:.2f}")
assert after > before and valleys[-3.0][1] > valleys[3.0][1] + 0.1

# %% [markdown]
# Refuted twice. What the property does promise is that the only flat place is the lowest, and that
# a *short enough* step down the slope comes closer to it. A long one overshoots: the loss rose from
# 2.71<!--= f"{before:.2f}" --> to 3.93<!--= f"{after:.2f}" -->. And it is a promise about one
# example. Sums of convex losses are convex, but sums of pseudo-convex ones may be anything: started
# on the wrong side, the fit settles at
# −3.86<!--= f"{valleys[-3.0][0]:.2f}".replace("-", "−") --> with a loss of
# 6.26<!--= f"{valleys[-3.0][1]:.2f}" --> where 3.68<!--= f"{valleys[3.0][1]:.2f}" --> could be had.
#
# ## At a crease: subgradients
#
# The absolute error has a crease at zero and no slope there. Something weaker survives. A number
# $g$ is a **subgradient** of $f$ at $x_0$ if the line through that point with slope $g$ stays below
# $f$ everywhere:
#
# $$f(x) \ge f(x_0) + g\,(x - x_0) \quad \text{for all } x .$$
#
# Where $f$ is smooth and convex, only the tangent does. At a crease there is room for many.

# %% jupyter={"source_hidden": true}
REAL = np.sort(np.concatenate([np.linspace(-3, 3, 61), [1.0]]))
CREASES = {
    "absolute error, at 0": (lm.AbsoluteError().value(REAL, 0 * REAL), 0.0, 0.0, "residual r"),
    "hinge, at its corner 1": (lm.Hinge().value(REAL, np.ones_like(REAL)), 1.0, 0.0, "margin m"),
    "half squared error, at 0": (
        lm.HalfSquaredError().value(REAL, 0 * REAL),
        0.0,
        0.0,
        "residual r",
    ),
}


def support(g):
    panels, readings = [], {}
    for name, (loss, at, height, along) in CREASES.items():
        line = height + g * (REAL - at)
        panels.append(
            Panel(
                name,
                [
                    Curve(REAL, loss, "loss", stroke="blue"),
                    Curve(REAL, line, "line", stroke="orange"),
                    Points([at], [height], stroke="ink", size=4),
                ],
                Axis(along, -3, 3),
                Axis("", -2, 3),
            )
        )
        readings[f"line above the {name.split(',')[0]} by"] = float(
            np.maximum(line - loss, 0).max()
        )
    return Picture(panels, readings=readings)


def allowed(name):
    """The least and the greatest slope whose line never rises above this loss."""
    key = f"line above the {name.split(',')[0]} by"
    slopes = np.linspace(-1.5, 1.5, 301)
    good = [g for g in slopes if support(g).readings[key] < 1e-9]
    return round(min(good), 2), round(max(good), 2)


INTERVALS = {"only 0": (0.0, 0.0), "from −1 to 1": (-1.0, 1.0), "all of them": (-1.5, 1.5)}
at_zero, at_corner = allowed("absolute error, at 0"), allowed("hinge, at its corner 1")
Explorer(
    support,
    [Slider("g", -1.5, 1.5, 0.4, meaning="slope of the line")],
    title="Lines that stay below",
    predict=Predict(
        "Which slopes g keep the line below the absolute error everywhere?",
        choices=tuple(INTERVALS),
        answer=next(name for name, ends in INTERVALS.items() if ends == at_zero),
        because="Steeper than the loss itself, a line would cut through one of its arms.",
    ),
)

# %% [markdown]
# The set of all subgradients is the **subdifferential**: at zero the interval from
# −1<!--= f"{at_zero[0]:.0f}".replace("-", "−") --> to 1<!--= f"{at_zero[1]:.0f}" --> for the
# absolute error, from −1<!--= f"{at_corner[0]:.0f}".replace("-", "−") --> to
# 0<!--= f"{at_corner[1]:.0f}" --> for the hinge at its corner. And a point is a minimum exactly if
# zero is one of them.
#
# > **Refute this.** *“The derivative of the hinge loss at its corner is zero.”* Ask three ways of
# > writing the same loss.

# %%
WAYS = {
    "relu(1 − s)": lambda s: torch.relu(1 - s),
    "clamp(1 − s, min=0)": lambda s: torch.clamp(1 - s, min=0),
    "maximum(1 − s, 0)": lambda s: torch.maximum(1 - s, torch.zeros(())),
}
answers = {}
for name, way in WAYS.items():
    score = torch.tensor(1.0, requires_grad=True)
    way(score).backward()
    answers[name] = score.grad.item() + 0.0
    print(f"torch, {name:20} gives {answers[name]:5.1f}")
print(f"lossmath gives {float(lm.Hinge().gradient(1.0, 1.0)) + 0.0:.1f}")
assert len(set(answers.values())) == 3

# %% [markdown]
# Refuted: there is no derivative, and automatic differentiation, which differentiates *code* and
# not functions, returns 0<!--= f"{answers['relu(1 − s)']:.0f}" --> or
# −1<!--= f"{answers['clamp(1 − s, min=0)']:.0f}".replace("-", "−") --> or
# −0.5<!--= f"{answers['maximum(1 − s, 0)']:.1f}".replace("-", "−") -->. All three are subgradients,
# so none is wrong. It is wrong to expect two libraries to agree there, or to call one of these
# numbers "the" subgradient.
#
# Two things about subgradients surprise people who know gradients. First, a step along one **need
# not go downhill**:

# %%
spot = np.array([1.0, 0.0])


def ridge(w):
    """|w1| + 3 |w2|: creased along both axes."""
    return float(lm.AbsoluteError().value(w, 0 * w) @ np.array([1.0, 3.0]))


chosen = np.array([1.0, 3.0])  # a subgradient at (1, 0): any second entry from −3 to 3 is
rng = np.random.default_rng(0)
elsewhere = rng.uniform(-3, 3, (2000, 2))
assert all(ridge(w) >= ridge(spot) + chosen @ (w - spot) - 1e-12 for w in elsewhere)
rises = {step: ridge(spot - step * chosen) - ridge(spot) for step in (0.3, 0.1, 0.001)}
for step, rise in rises.items():
    print(f"a step of {step:5} along minus the subgradient changes the loss by {rise:+.3f}")
distance = np.linalg.norm(spot), np.linalg.norm(spot - 0.1 * chosen)
print(f"the distance to the minimum went from {distance[0]:.3f} to {distance[1]:.3f}")

# %% [markdown]
# However short the step, the loss goes *up*: by 0.008<!--= f"{rises[0.001]:.3f}" --> for a step of
# `0.001`. What does shrink, for short enough steps, is the *distance to the minimum*, here from
# 1.000<!--= f"{distance[0]:.3f}" --> to 0.949<!--= f"{distance[1]:.3f}" -->; that is how such
# methods are proved to work. Second, the slope **does not fade** near the minimum, so a fixed step
# never stops hopping over it. A fading one, $\eta/\sqrt t$ at step $t$, hops less and less. And
# Huber's slope fades by itself.

# %% jupyter={"source_hidden": true}
ROUNDS = 40
TIMES = np.arange(ROUNDS + 1.0)


def walk(loss, steps, start=2.9):
    """Where descent with these step sizes goes on a loss whose minimum is at 0."""
    path = [start]
    for step in steps:
        path.append(path[-1] - step * float(loss.gradient(path[-1], 0.0)))
    return np.array(path)


def hopping(eta):
    fixed = np.full(ROUNDS, eta)
    paths = {
        "absolute, fixed step": walk(lm.AbsoluteError(), fixed),
        "absolute, fading step": walk(lm.AbsoluteError(), fixed / np.sqrt(TIMES[1:])),
        "Huber, fixed step": walk(lm.Huber(delta=0.5), fixed),
    }
    return Picture(
        [
            Panel(
                name,
                [Curve(TIMES, path, stroke=stroke), Rule(0.0, along="y")],
                Axis("steps taken", 0, ROUNDS),
                Axis("residual r", -1.5, 3),
            )
            for (name, path), stroke in zip(paths.items(), ("blue", "orange", "green"), strict=True)
        ],
        readings={f"last |r|, {name}": abs(path[-1]) for name, path in paths.items()},
    )


Explorer(
    hopping,
    [Slider("eta", 0.05, 1.5, 0.8, symbol=r"\eta", meaning="step size")],
    title="A slope that does not fade",
)

# %% [markdown]
# The remedies are in the picture: let the step fade, or choose a loss like Huber's that is smooth
# at the bottom. That is half of why smooth losses are popular. The other half comes now.
#
# ## How steep: the scale of gradients
#
# Change the loss and you change the length of its gradient, and with it the step that your
# learning rate really takes. On doubly logarithmic axes:

# %% jupyter={"source_hidden": true}
SIZES = np.geomspace(0.01, 100, 65)
STEEP = {
    "squared": lambda delta: lm.SquaredError(),
    "absolute": lambda delta: lm.AbsoluteError(),
    "Huber": lambda delta: lm.Huber(delta),
    "log-cosh": lambda delta: lm.LogCosh(),
}


def steepness(delta, size):
    def slope(make, r):
        return np.abs(make(delta).gradient(r, np.zeros_like(r)))

    here = np.array([size])
    return Picture(
        [
            Panel(
                "how hard a residual pulls",
                [
                    *(Curve(SIZES, slope(make, SIZES), name) for name, make in STEEP.items()),
                    Rule(size, stroke="ink"),
                ],
                Axis("size of the residual", 0.01, 100, scale="log"),
                Axis("length of the gradient", 0.01, 200, scale="log"),
            )
        ],
        readings={name: float(slope(make, here)[0]) for name, make in STEEP.items()},
    )


Explorer(
    steepness,
    [
        slider(lm.Huber, "delta", low=0.1),
        Slider("size", 0.01, 100, 10, scale="log", symbol="r", meaning="size of the residual"),
    ],
    title="One learning rate does not fit all",
)

# %%
distances = np.random.default_rng(2).normal(30, 8, 64)  # in metres
guess = np.full(64, 25.0)
lengths = {
    ("squared", "mean", "m"): SQUARED.gradient(guess, distances, reduction="mean"),
    ("squared", "sum", "m"): SQUARED.gradient(guess, distances, reduction="sum"),
    ("squared", "mean", "cm"): SQUARED.gradient(100 * guess, 100 * distances, reduction="mean"),
    ("absolute", "mean", "m"): lm.AbsoluteError().gradient(guess, distances, reduction="mean"),
    ("absolute", "mean", "cm"): lm.AbsoluteError().gradient(
        100 * guess, 100 * distances, reduction="mean"
    ),
}
lengths = {key: float(np.linalg.norm(gradient)) for key, gradient in lengths.items()}
for (name, reduction, unit), length in lengths.items():
    print(f"{name:9} {reduction:5} targets in {unit:3} gradient of length {length:10.3f}")
wide, narrow = (float(lm.GaussianNLL().gradient(25.0, sigma**2, 30.0)[0]) for sigma in (1.0, 0.1))
print(f"Gaussian likelihood: slope {wide:.0f} at σ = 1, {narrow:.0f} at σ = 0.1")
by_unit = lengths["squared", "mean", "cm"] / lengths["squared", "mean", "m"]
by_sum = lengths["squared", "sum", "m"] / lengths["squared", "mean", "m"]

# %% [markdown]
# Measured in centimetres, the same errors give the squared error a gradient
# 100<!--= f"{by_unit:.0f}" --> times as long, and the absolute error exactly the one it had. A sum
# over the batch instead of a mean: 64<!--= f"{by_sum:.0f}" --> times as long. And "squared error is
# a special case of the Gaussian likelihood" is true *up to a factor*: with $\sigma = 0.1$ instead
# of one, the slope is 100<!--= f"{narrow / wide:.0f}" --> times as steep. Each of these is a change
# of learning rate in disguise. Scale your targets, and fix the reduction, before you tune anything.
#
# ## How curved: the edge at two over the curvature
#
# Close to its minimum a smooth loss looks like a parabola: up to a constant it is
# $f(e) = \tfrac12 \lambda e^2$, where $e$ is the distance from the minimum and $\lambda$ the
# curvature. One gradient step gives
#
# $$e \leftarrow e - \eta\,\lambda e = (1 - \eta\lambda)\, e .$$
#
# Every step multiplies the error by the same factor. It shrinks if and only if
# $|1 - \eta\lambda| < 1$, which is to say
#
# $$\eta < \frac{2}{\lambda} .$$
#
# At $\eta = 1/\lambda$ one step is enough. Between one and two over $\lambda$ you jump across the
# valley and land a little lower. Beyond, you climb.
#
# With many weights the curvature is a matrix, the **Hessian** $H$. Along each of its
# **eigenvectors**, the directions that it only stretches, the sentence above holds with the factor
# of the stretching, the **eigenvalue**, in place of $\lambda$. For a linear model $\hat y = Xw$ the
# chain rule gives it in one line,
#
# $$H = \frac1n \sum_i \ell''(\hat y_i)\; x_i x_i^\top ,$$
#
# the curvature of the loss times the spread of the inputs. One step size has to serve all
# directions, so the **largest** eigenvalue sets the limit, and the smallest sets the waiting time.
# Below, two inputs, the second on a scale $s$ times larger, so $H$ has the eigenvalues
# $1$ and $s^2$.

# %% jupyter={"source_hidden": true}
TURNS = np.linspace(0, 2 * np.pi, 49)
PACES = 30


def hessian(loss, weights, x, y):
    """The Hessian of the mean loss of a linear model in its weights."""
    bend = loss.hessian(x @ weights, y)
    return x.T * bend @ x / len(y)


@lru_cache(maxsize=64)
def curvatures(scale):
    """Eigenvalues of the Hessian for two uncorrelated inputs of spread 1 and `scale`."""
    x = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]]) * np.array([1.0, scale])
    return np.linalg.eigvalsh(hessian(lm.HalfSquaredError(), np.zeros(2), x, np.zeros(4)))


def descent(eta, scale):
    """Errors of both weights over the steps, and the loss at each, for half the squared error."""
    bend = curvatures(scale)
    errors = np.array([-2.0, 1.2]) * (1 - eta * bend) ** np.arange(PACES + 1)[:, None]
    losses = 0.5 * errors**2 @ bend
    return np.clip(errors, -40, 40), np.clip(losses, 1e-9, 1e9)


def edge(eta, scale):
    path, losses = descent(eta, scale)
    top = scale**2
    rings = [
        Curve(radius * np.cos(TURNS), radius / scale * np.sin(TURNS), stroke="grey", thin=True)
        for radius in (1, 2, 3)
    ]
    return Picture(
        [
            Panel(
                "the walk, seen from above",
                [
                    *rings,
                    Curve(path[:, 0], path[:, 1], stroke="blue"),
                    Points(path[:, 0], path[:, 1], stroke="blue", size=2.5),
                ],
                Axis("error of weight one", -3, 3),
                Axis("error of weight two", -3, 3),
                equal=True,
            ),
            Panel(
                "loss after each step",
                [Curve(np.arange(PACES + 1.0), losses, stroke="blue")],
                Axis("steps taken", 0, PACES),
                Axis("", 1e-4, 1e4, scale="log"),
            ),
        ],
        readings={
            "η × largest curvature": eta * top,
            "factor per step, weight one": 1 - eta,
            "weight two": 1 - eta * top,
        },
    )


top_curvature = curvatures(3.0)
assert np.allclose(top_curvature, [1, 9])
Explorer(
    edge,
    [
        Slider("eta", 0.01, 1, 0.1, scale="log", symbol=r"\eta", meaning="step size"),
        Slider("scale", 1, 5, 3, symbol="s", meaning="scale of the second input"),
    ],
    title="The edge: two over the largest curvature",
    predict=Predict(
        "The curvatures are 1 and 9. Raise η: from which step size on does the walk run away?",
        answer=round(float(2 / top_curvature[-1]), 4),
        within=0.01,
        because="Two over the largest curvature, 2/9. The flat direction would have allowed 2.",
    ),
)


# %%
def steps_needed(eta, scale, below=1e-6):
    """Steps until the loss is a millionth of what it was."""
    errors, steps = np.array([-2.0, 1.2]), 0
    curvature = np.array([1.0, scale**2])
    start = curvature @ errors**2
    while curvature @ errors**2 > below * start:
        errors, steps = errors * (1 - eta * curvature), steps + 1
    return steps


patience = {scale: steps_needed(1 / scale**2, scale) for scale in (1.0, 3.0, 10.0)}
for scale, steps in patience.items():
    print(f"inputs on scales 1 and {scale:4.0f}: {steps:4} steps with the step size 1/λmax")

# Two inputs as they come: rooms, and area in square metres.
rng = np.random.default_rng(6)
rooms = rng.integers(1, 6, 200).astype(float)
raw = np.column_stack([rooms, 25 * rooms + rng.normal(0, 12, 200)])
price = raw @ np.array([10.0, 3.0]) + rng.normal(0, 5, 200)


def fit(x, eta, steps=200):
    """Mean squared error before and after plain gradient descent from zero."""
    y, weights = price - price.mean(), np.zeros(2)
    first = float(SQUARED(x @ weights, y))
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(steps):
            weights = weights - eta * x.T @ SQUARED.gradient(x @ weights, y, reduction="mean")
        return first, float(np.mean((x @ weights - y) ** 2))


centred = raw - raw.mean(axis=0)
tidy = centred / centred.std(axis=0)
limits = {}
for name, x in {"as they come": centred, "standardised": tidy}.items():
    limits[name] = 2 / np.linalg.eigvalsh(hessian(SQUARED, np.zeros(2), x, price))[-1]
    first, last = fit(x, 0.1)
    print(f"{name:13} largest safe step {limits[name]:.5f}   "
          f"loss {first:8.1f} -> {last:.3g} after 200 steps of 0.1")  # fmt: skip

# %% [markdown]
# The larger the ratio of the curvatures (the **condition number**), the longer the wait:
# 1<!--= patience[1.0] --> step for equal scales, 53<!--= patience[3.0] --> for scales that differ
# by a factor of three (a ratio of nine) and 508<!--= patience[10.0] --> for ten (a hundred). And
# here the classic accident: rooms and square metres side by side allow a step of
# 0.00071<!--= f"{limits['as they come']:.5f}" -->, and the habitual `0.1` explodes. Subtract the
# mean, divide by the spread, and 0.51<!--= f"{limits['standardised']:.2f}" --> is allowed.
# Standardising inputs is no ritual. It reshapes the bowl.
#
# What does the *loss* contribute to $H$? Its own curvature $\ell''$:
#
# * **squared error**: always 2<!--= f"{float(SQUARED.hessian(0.0, 0.0)):.0f}" -->, whatever the
#   residual;
# * **Huber**: 1<!--= f"{float(lm.Huber().hessian(0.0, 0.0)):.0f}" --> inside its threshold and
#   0<!--= f"{float(lm.Huber().hessian(9.0, 0.0)):.0f}" --> outside: outliers do not make the bowl
#   steeper;
# * **smooth L1**: $1/\beta$ inside, so sharpening its tip narrows the safe step;
# * **logistic**: at most 0.25<!--= f"{float(lm.Logistic().hessian(0.0, 1.0)):.2f}" -->, and only
#   for examples that are undecided.
#
# ## Cross-entropy: curvature that melts away
#
# For a softmax with probabilities $p$ the Hessian in the logits is
# $\operatorname{diag}(p) - p\,p^\top$. Raise the first of four logits above the others and watch
# it.

# %% jupyter={"source_hidden": true}
CE = lm.CrossEntropyFromLogits()
GAPS = np.linspace(0, 10, 61)
CLASSES = ("1", "2", "3", "4")


def melt(gap):
    """Probabilities, Hessian and its eigenvalues when one logit leads by `gap`."""
    logits = np.zeros(len(CLASSES))
    logits[0] = gap
    curvature = CE.hessian(logits, 0)
    return lm.LogSumExp().gradient(logits), curvature, np.linalg.eigvalsh(curvature)


SPECTRA = np.array([melt(gap)[2] for gap in GAPS])


def certainty(gap):
    odds, curvature, eigenvalues = melt(gap)
    return Picture(
        [
            Panel(
                "probabilities",
                [Bars(odds, CLASSES, stroke="green")],
                Axis("class", -0.5, 3.5),
                Axis("", 0, 1),
            ),
            Panel(
                "size of the Hessian's entries",
                [Matrix(np.abs(curvature), 0, 0.26, stroke="blue")],
                Axis("logit", 0, 4, ticks={k + 0.5: name for k, name in enumerate(CLASSES)}),
                Axis("logit", 0, 4, ticks={3.5 - k: name for k, name in enumerate(CLASSES)}),
                equal=True,
            ),
            Panel(
                "its eigenvalues",
                [
                    Curve(GAPS, SPECTRA[:, 3], "largest", stroke="blue"),
                    Curve(GAPS, SPECTRA[:, 1], "second smallest", stroke="orange"),
                    Points([gap], [eigenvalues[3]], stroke="blue", size=5),
                    Points([gap], [eigenvalues[1]], stroke="orange", size=5),
                ],
                Axis("lead of the first logit", 0, 10),
                Axis("", 1e-5, 1, scale="log"),
            ),
        ],
        readings={
            "probability of class 1": float(odds[0]),
            "largest curvature": eigenvalues[3],
            "smallest": abs(round(eigenvalues[0], 12)),
        },
    )


Explorer(
    certainty,
    [Slider("gap", 0, 10, 1.0, symbol="g", meaning="lead of the first logit")],
    title="A confident softmax is flat",
)

# %% [markdown]
# One eigenvalue is always zero: adding the same number to all logits changes nothing. The others
# melt, the largest after one small rise.
#
# > **Refute this.** *“When the model is very confident, the curvature of cross-entropy concentrates
# > in the directions that change the confident probabilities.”* Compare the eigenvalues at a lead
# > of ten with those at no lead at all.

# %%
sure, unsure = melt(10.0)[2], melt(0.0)[2]
print("lead 0: ", np.array2string(unsure, precision=6, suppress_small=True))
print("lead 10:", np.array2string(sure, precision=6, suppress_small=True))
assert sure.max() < 1e-3 * unsure.max()

# %% [markdown]
# Refuted: it does not concentrate anywhere, it **vanishes**. The largest eigenvalue falls from
# 0.250<!--= f"{unsure[-1]:.3f}" --> to 0.00018<!--= f"{sure[-1]:.5f}" -->. A confident classifier
# stands on a plain. If it is right, there is nothing left to learn; if it is wrong, the slope is
# still near one and carries it home, but a method that divides by curvature (Newton's) would be
# sent far too far.
#
# ## A real landscape
#
# Enough parabolas. Here is a network with one hidden layer of six units, nineteen weights in all,
# learning a wavy curve from twenty-four points with squared error. PyTorch differentiates it twice,
# so that every Hessian below is exact.

# %%
HIDDEN = 6
x_train = torch.linspace(-2, 2, 24)
y_train = torch.sin(2 * x_train) + 0.3 * x_train


def network(weights, x):
    """One hidden layer of tanh units; `weights` has shape (3 HIDDEN + 1,)."""
    inner, shift, outer = weights[: 3 * HIDDEN].reshape(3, HIDDEN)
    return torch.tanh(x[:, None] * inner + shift) @ outer + weights[-1]


def training_loss(weights):
    # Written out, because torch cannot look through lossmath's checks of its inputs.
    return ((network(weights, x_train) - y_train) ** 2).mean()


slopes_of = torch.func.vmap(torch.func.grad(training_loss))
curvatures_of = torch.func.vmap(torch.func.hessian(training_loss))
losses_of = torch.func.vmap(training_loss)
start = 0.7 * torch.randn(3 * HIDDEN + 1, generator=torch.Generator().manual_seed(3))
assert np.isclose(
    training_loss(start).item(),
    float(SQUARED(network(start, x_train).numpy(), y_train.numpy())),
)


def train(etas, steps):
    """Gradient descent with each step size at once: weights, (steps + 1, step sizes, weights)."""
    rates = torch.as_tensor(etas)[:, None]
    weights = start.repeat(len(rates), 1)
    visited = [weights]
    for _ in range(steps):
        weights = weights - rates * slopes_of(weights)
        visited.append(weights)
    return torch.stack(visited)


# %% [markdown]
# First one run with the modest step size `0.1`. The **slice** on the left is the plane in which the
# path moves most, through all nineteen dimensions. In the middle stands the **spectrum**, all
# eigenvalues of the Hessian in order. On the right you walk from where you stand along the most
# curved direction, and compare the loss with the parabola that the Hessian promises.

# %% jupyter={"source_hidden": true}
STAGES = np.unique(np.round(np.geomspace(1, 401, 64)).astype(int)) - 1
RUN = train([0.1], 400)[:, 0][STAGES]
RUN_LOSSES = losses_of(RUN).numpy()
VALUES, VECTORS = (part.numpy() for part in torch.linalg.eigh(curvatures_of(RUN)))
CENTRE = RUN.numpy().mean(axis=0)
_, STRENGTH, AXES = np.linalg.svd(RUN.numpy() - CENTRE, full_matrices=False)
IN_PLANE = (STRENGTH[:2] ** 2).sum() / (STRENGTH**2).sum()
PATH = (RUN.numpy() - CENTRE) @ AXES[:2].T
PLANE = np.linspace(-3, 3, 41)
_grid = CENTRE + PLANE[None, :, None] * AXES[0] + PLANE[:, None, None] * AXES[1]
SLICE = losses_of(torch.as_tensor(_grid.reshape(-1, CENTRE.size))).numpy().reshape(41, 41)
REACH = np.linspace(-0.8, 0.8, 41)


# %% jupyter={"source_hidden": true}
def landscape(stage):
    k = round(stage)
    direction = VECTORS[k][:, -1] * np.sign(VECTORS[k][0, -1])
    here = RUN[k].numpy()
    profile = losses_of(torch.as_tensor(here + REACH[:, None] * direction)).numpy()
    slope = slopes_of(RUN[k : k + 1]).numpy()[0] @ direction
    promised = RUN_LOSSES[k] + slope * REACH + 0.5 * VALUES[k, -1] * REACH**2
    return Picture(
        [
            Panel(
                "a slice of the landscape",
                [
                    Level(PLANE, PLANE, SLICE, (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2), stroke="blue"),
                    Curve(PATH[:, 0], PATH[:, 1], stroke="ink"),
                    Points([PATH[k, 0]], [PATH[k, 1]], stroke="orange", size=6),
                ],
                Axis("first direction", -3, 3),
                Axis("second", -3, 3),
                equal=True,
            ),
            Panel(
                "spectrum of the Hessian",
                [
                    Points(
                        np.arange(1.0, VALUES.shape[1] + 1), VALUES[k, ::-1], stroke="blue", size=4
                    )
                ],
                Axis("eigenvalue number", 0, 20),
                Axis("", -2, 12),
            ),
            Panel(
                "most curved direction",
                [
                    Curve(REACH, profile, "loss", stroke="blue"),
                    Curve(REACH, promised, "parabola", stroke="orange"),
                ],
                Axis("way walked", -0.8, 0.8),
                Axis("", -0.2, 3.6),
            ),
        ],
        readings={
            "step": STAGES[k],
            "loss": RUN_LOSSES[k],
            "largest curvature": VALUES[k, -1],
            "smallest": VALUES[k, 0],
        },
    )


Explorer(
    landscape,
    [
        Slider(
            "stage",
            0,
            len(STAGES) - 1,
            20,
            symbol="k",
            meaning="moment of the training",
            whole=True,
        )
    ],
    title="Nineteen weights learn a curve",
)

# %%
small = int((np.abs(VALUES[-1]) < 0.05 * VALUES[-1, -1]).sum())
negative = int((VALUES[0] < -1e-3).sum())
print(f"{IN_PLANE:.1%} of the path's spread lies in the slice")
print(f"at the start {negative} eigenvalues are negative; largest {VALUES[0, -1]:.1f}")
print(f"after 400 steps {small} of {VALUES.shape[1]} are below a twentieth of the largest, "
      f"{VALUES[-1, -1]:.1f}")  # fmt: skip

# %% [markdown]
# Three things to notice, all of them typical of far larger networks.
#
# * **A few steep directions, many flat ones.** At the end
#   16<!--= small --> of the nineteen eigenvalues are less than a twentieth of the largest. In most
#   directions the loss hardly cares.
# * **Negative curvature at the start**: 11<!--= negative --> eigenvalues are below zero. The walk
#   begins among saddles, not in a bowl.
# * **The slice flatters.** It holds 99.1%<!--= f"{IN_PLANE:.1%}" --> of the spread of this path, by
#   construction, and tells you nothing about the seventeen directions it leaves out. A plane
#   through a landscape of nineteen dimensions is a keyhole.
#
# And a fourth: the largest curvature *grew*, from 4.6<!--= f"{VALUES[0, -1]:.1f}" --> to
# 9.7<!--= f"{VALUES[-1, -1]:.1f}" -->. What if it grows until it meets two over the step size?

# %% jupyter={"source_hidden": true}
RATES = np.unique([*np.geomspace(0.08, 0.5, 47), 0.1, 0.3])
CHECKS = np.arange(0, 401, 20)
_runs = train(RATES, 400)
ALL_LOSSES = np.stack([losses_of(weights).numpy() for weights in _runs[::2]])
SHARPNESS = np.stack(
    [torch.linalg.eigvalsh(curvatures_of(_runs[at])).numpy()[:, -1] for at in CHECKS]
)


# %% jupyter={"source_hidden": true}
def nearest(eta):
    """The run whose step size is closest."""
    return int(np.abs(np.log(RATES / eta)).argmin())


def stability(eta):
    run = nearest(eta)
    sharp = SHARPNESS[:, run]
    return Picture(
        [
            Panel(
                "training loss",
                [Curve(np.arange(0.0, 401, 2), ALL_LOSSES[:, run], stroke="blue")],
                Axis("step", 0, 400),
                Axis("", 0.005, 2, scale="log"),
            ),
            Panel(
                "largest curvature",
                [
                    Curve(CHECKS, sharp, "of the network", stroke="blue"),
                    Curve([0, 400], [2 / eta, 2 / eta], "2/η", stroke="orange"),
                ],
                Axis("step", 0, 400),
                Axis("", 0, 28),
            ),
        ],
        readings={"2/η": 2 / eta, "largest curvature, last 80 steps": sharp[-5:].mean()},
    )


settled = {eta: float(SHARPNESS[-5:, nearest(eta)].mean()) for eta in (0.1, 0.3)}
Explorer(
    stability,
    [Slider("eta", 0.08, 0.5, 0.1, scale="log", symbol=r"\eta", meaning="step size")],
    title="Training at the edge",
    predict=Predict(
        f"At η = 0.1 the mean of the last 80 steps is {settled[0.1]:.1f}. Where does the curvature "
        "settle at η = 0.3?",
        answer=round(2 / 0.3, 2),
        within=1.0,
        because=f"At 2/η, about {2 / 0.3:.1f}: above it, the walk is thrown out of the steep "
        "valley.",
    ),
)

# %%
for eta, sharp in settled.items():
    print(f"η = {eta}: 2/η = {2 / eta:4.1f}, curvature over the last 80 steps {sharp:4.1f}")
assert settled[0.1] < 0.6 * 2 / 0.1 and abs(settled[0.3] / (2 / 0.3) - 1) < 0.15
rattling = ALL_LOSSES[:, nearest(0.3)]
assert (np.diff(rattling) > 0).sum() > 30

# %% [markdown]
# With `η = 0.1` the edge is far away, at 20<!--= f"{2 / 0.1:.0f}" -->, and the curvature does as it
# likes. With `η = 0.3` the edge is at 6.7<!--= f"{2 / 0.3:.1f}" -->. On a fixed parabola the walk
# would explode there. Here it is thrown about, lands in a flatter place, and from then on hovers
# **at the edge**, while the loss rattles instead of falling smoothly. Cohen and others (2021) found
# this in networks large and small. So a step size does not only decide how fast you arrive. It
# decides *which* valleys you can live in.
#
# ## Two losses, one set of weights
#
# Many models add losses up: a box and a class, a reconstruction and a prior,
# $\mathcal L = \mathcal L_1 + \lambda \mathcal L_2$. Two bowls below; the first cares mostly about
# one direction, the second about another. The dark curve joins all best compromises, one for each
# $\lambda$, and the large dot is the one for yours. The arrows stand at one place on the way and
# show what each loss asks for there; the one without a name is the way their sum goes.

# %% jupyter={"source_hidden": true}
BOWLS = {
    "first": (np.array([[1.0, 0.0], [0.0, 5.0]]), np.array([-1.5, 0.8])),
    "second": (np.array([[4.0, 0.0], [0.0, 0.6]]), np.array([1.5, -0.8])),
}
HERE = np.array([0.0, 0.0])
MAP = np.linspace(-3, 3, 49)
TRADE = np.geomspace(1e-3, 1e3, 81)


def bowl(name, w):
    """The loss and its gradient at w, for one of the two bowls."""
    bend, bottom = BOWLS[name]
    away = np.asarray(w) - bottom
    return 0.5 * away @ bend @ away, bend @ away


def compromise(weight):
    (a, u), (b, v) = BOWLS.values()
    return np.linalg.solve(a + weight * b, a @ u + weight * b @ v)


FRONT = np.array([compromise(weight) for weight in TRADE])
PRICES = np.array([[bowl(name, w)[0] for name in BOWLS] for w in FRONT])
FIELDS = {name: np.array([[bowl(name, (x, y))[0] for x in MAP] for y in MAP]) for name in BOWLS}


def balance(weight):
    chosen = compromise(weight)
    pulls = [bowl("first", HERE)[1], weight * bowl("second", HERE)[1]]
    total = -sum(pulls)
    wishes = {
        "first asks": -0.25 * pulls[0],
        "second asks": -min(0.25, 2.4 / np.linalg.norm(pulls[1])) * pulls[1],
        "": 0.9 * total / np.linalg.norm(total),
    }
    arrows = [
        Arrows([HERE[0]], [HERE[1]], [x], [y], name, stroke)
        for (name, (x, y)), stroke in zip(wishes.items(), ("blue", "orange", "purple"), strict=True)
    ]
    step = 1e-3 * total / np.linalg.norm(total)
    changes = [1e3 * (bowl(name, HERE + step)[0] - bowl(name, HERE)[0]) for name in BOWLS]
    lengths = [np.linalg.norm(pull) for pull in pulls]
    return Picture(
        [
            Panel(
                "two landscapes",
                [
                    Level(MAP, MAP, FIELDS["first"], (0.5, 2, 6), "first loss", stroke="blue"),
                    Level(MAP, MAP, FIELDS["second"], (0.5, 2, 6), "second loss", stroke="orange"),
                    Points([chosen[0]], [chosen[1]], stroke="purple", size=6),
                    *(
                        Points([x], [y], f"{name} loss", stroke=stroke, size=3)
                        for (name, (_, (x, y))), stroke in zip(
                            BOWLS.items(), ("blue", "orange"), strict=True
                        )
                    ),
                    Curve(FRONT[:, 0], FRONT[:, 1], stroke="ink"),
                    *arrows,
                ],
                Axis("weight one", -3, 3),
                Axis("weight two", -3, 3),
                equal=True,
            ),
            Panel(
                "what each loss pays at the best compromise",
                [
                    Curve(PRICES[:, 0], PRICES[:, 1], stroke="ink"),
                    Points(
                        [bowl("first", chosen)[0]],
                        [bowl("second", chosen)[0]],
                        stroke="purple",
                        size=6,
                    ),
                ],
                Axis("first loss", 0, 12),
                Axis("second loss", 0, 20),
            ),
        ],
        readings={
            "share of the first in the gradient": lengths[0] / sum(lengths),
            "first loss per unit step": changes[0],
            "second": changes[1],
        },
    )


pulls_here = [bowl(name, HERE)[1] for name in BOWLS]
cosine = pulls_here[0] @ pulls_here[1] / np.prod([np.linalg.norm(pull) for pull in pulls_here])
Explorer(
    balance,
    [Slider("weight", 1e-3, 1e3, 1.0, scale="log", symbol=r"\lambda", meaning="second's weight")],
    title="Two bowls and one step",
    predict=Predict(
        "The second loss is a squared error in metres, balanced at λ = 1. You switch it to "
        "centimetres. Which λ keeps the balance?",
        answer=1 / 100**2,
        within=1e-6,
        because="Lengths grow a hundredfold, their squares ten thousandfold: λ = 0.0001.",
    ),
)

# %%
drift = {weight: balance(weight).readings for weight in (0.1, 1.0, 10.0)}
print(f"cosine between the two gradients at the marked place: {cosine:.2f}")
for weight, seen in drift.items():
    print(f"λ = {weight:4}: the first has {seen['share of the first in the gradient']:4.0%} of the "
          f"pull; a step changes the losses by {seen['first loss per unit step']:+.2f} and "
          f"{seen['second']:+.2f}")  # fmt: skip


def uncertainty_weights(losses):
    """Where e^(−s) L + s is least: the weight e^(−s) of each loss (Kendall and others, 2018)."""
    return 1 / np.asarray(losses)


in_metres, in_centimetres = np.array([0.3, 0.02]), np.array([0.3, 200.0])
balanced = [uncertainty_weights(losses) * losses for losses in (in_metres, in_centimetres)]
grid = np.linspace(-12, 12, 24_001)
found = np.exp(-grid[np.argmin(np.exp(-grid) * 200.0 + grid)])
print(f"learned weight of a loss of 200: {found:.4f}; the two terms then weigh {balanced[1]}")
assert np.isclose(found, uncertainty_weights([200.0])[0], rtol=1e-3)

# %% [markdown]
# At the marked place, the origin, the cosine of the two gradients is
# −0.42<!--= f"{cosine:.2f}".replace("-", "−") -->. When it is below zero the losses are in
# **conflict**: a step that helps one may hurt the other. At $\lambda = 1$ both still gain. At
# $\lambda = 10$ the sum's step changes the second by
# −6.00<!--= f"{drift[10.0]['second']:.2f}".replace("-", "−") --> and the first by
# 1.56<!--= f"{drift[10.0]['first loss per unit step']:.2f}" -->, for each unit of length: the first
# loss *rises*. The total falls all the same, and nothing in its curve would tell you. So **plot
# each term by itself, and the length of each term's gradient**.
#
# What to do about it? In order of honesty: decide what you want and set $\lambda$ by hand, in a
# table of both losses; bring the terms to a common scale first, by dividing each by its value at
# the start; or learn the scale: if each loss enters as $e^{-s}\mathcal L + s$ with a free number
# $s$, the minimum over $s$ gives it the weight $1/\mathcal L$ (Kendall and others, 2018). Then a
# change of units changes nothing. But neither does your opinion of what matters.
#
# ## The losses on one screen
#
# How steep and how curved each loss can get, found on a fine grid, and the step size that is safe
# for one weight with an input of size one:

# %%
spread_out = np.linspace(-30, 30, 6001)
rows = ["| loss | greatest slope | greatest curvature | safe step | convex in its input |"]
rows.append("|---|---|---|---|---|")
for loss in (
    lm.SquaredError(),
    lm.AbsoluteError(),
    lm.Huber(),
    lm.PseudoHuber(),
    lm.LogCosh(),
    lm.SmoothL1(beta=0.1),
    lm.SigmoidSquaredError(),
    lm.BinaryCrossEntropyFromLogits(),
):
    away = np.zeros_like(spread_out)
    slope = float(np.abs(loss.gradient(spread_out, away)).max())
    bend = float(loss.hessian(spread_out, away).max())
    grows = "grows" if slope > 20 else f"{slope:.2f}"
    safe = f"{2 / bend:.2f}" if bend > 0 else "none: let it fade"
    shape = "yes" if loss.convex else "no"
    rows.append(f"| {loss.name} | {grows} | {bend:.2f} | {safe} | {shape} |")
Markdown("\n".join(rows))

# %%
table(lm.SquaredError, lm.AbsoluteError, lm.Huber, lm.SmoothL1, lm.LogCosh, lm.Hinge,
      lm.CrossEntropyFromLogits, lm.SigmoidSquaredError)  # fmt: skip

# %% [markdown]
# **In one breath.** Say in which variable a loss is convex. At a crease, expect a choice, not a
# derivative. Scale the targets, for the slope, and the inputs, for the curvature. Keep the step
# below two over the largest curvature, and know that a network may move there on its own. With
# several losses, watch each of them.
#
# ## Practise
#
# * [Hinge and its subgradient](../exercises/06_hinge_subgradient.ipynb): three regions, and a step
#   that provably decreases.
# * [MAE and its subgradient](../exercises/02_mae_subgradient.ipynb): the whole interval at zero.
# * [Does one term dominate?](../exercises/10_dominating_term.ipynb): gradient norms, cosines and a
#   diagnosis that must not cry wolf.
#
# ## Further reading
#
# * Rockafellar, *Convex Analysis* (1970), for subgradients; Shor, *Minimization Methods for
#   Non-Differentiable Functions* (1985), for descending along them.
# * LeCun, Bottou, Orr and Müller, *Efficient BackProp* (1998): why inputs are standardised.
# * Li, Xu, Taylor, Studer and Goldstein, *Visualizing the loss landscape of neural nets* (2018).
# * Sagun, Evci, Güney, Dauphin and Bottou, *Empirical analysis of the Hessian of over-parametrized
#   neural networks* (2017): few large eigenvalues, many near zero.
# * Cohen, Kaur, Li, Kolter and Talwalkar, *Gradient descent on neural networks typically occurs at
#   the edge of stability* (2021).
# * Kendall, Gal and Cipolla, *Multi-task learning using uncertainty to weigh losses* (2018); Yu and
#   others, *Gradient surgery for multi-task learning* (2020), on conflict.
