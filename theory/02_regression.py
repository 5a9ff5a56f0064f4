# %% [markdown]
# # 02 Regression: how much should one bad day count?
#
# You predict how long deliveries take. Nine days out of ten you are off by a few minutes. On the
# tenth a lorry breaks down and you are off by three hours. How much should that one day change
# your model?
#
# There is no answer in the data. The answer is in the loss you choose, and choosing it well means
# knowing three pictures of it: its **value** (what an error costs), its **slope** (how hard the
# error pulls on the model) and its **curvature** (how quickly the pull changes). This chapter
# draws them for the losses of regression, lets you bend them, and shows how they fail.
#
# Throughout, $y$ is the target, $\hat y$ the prediction and $r = \hat y - y$ the **residual**:
# positive when you predict too much.

# %%
import numpy as np

import lossmath as lm
from lossmath.explore import (
    Axis,
    Band,
    Curve,
    Explorer,
    Panel,
    Picture,
    Points,
    Predict,
    Rule,
    Slider,
    anatomy,
    residual_plane,
    slider,
    table,
)

# %% [markdown]
# ## The slope is a pull
#
# Take the simplest model there is: one number $c$, used as the prediction for every day. It should
# make the total loss $\sum_i f(c - y_i)$ as small as possible, and at the smallest point of a
# smooth function the derivative is zero:
#
# $$\sum_i f'(c - y_i) = 0 .$$
#
# Read $f'(c - y_i)$ as the force with which day $i$ pulls on $c$. The best $c$ is where the forces
# balance. That one sentence explains most of this chapter.
#
# * For the **squared error** $f(r) = r^2$ the pull is $2r$: proportional to the distance. Balance
#   means $\sum_i (c - y_i) = 0$, so $c$ is the **mean**.
# * For the **absolute error** $f(r) = |r|$ the pull is $+1$ or $-1$ whatever the distance. Balance
#   means as many points above as below, so $c$ is the **median**.
#
# Here are five days and the two best constants, found by trying all of them.

# %%
days = np.array([1.0, 2.0, 3.0, 4.0, 40.0])
candidates = np.linspace(0, 45, 4501)


def best_constant(loss, targets):
    """The candidate with the smallest mean loss."""
    costs = [loss(np.full_like(targets, c), targets) for c in candidates]
    return candidates[int(np.argmin(costs))]


squared_best = best_constant(lm.SquaredError(), days)
absolute_best = best_constant(lm.AbsoluteError(), days)
huber_best = best_constant(lm.Huber(delta=3.0), days)
assert np.isclose(squared_best, days.mean()) and np.isclose(absolute_best, np.median(days))
print(
    f"squared error: {squared_best:.2f}   absolute: {absolute_best:.2f}   Huber: {huber_best:.2f}"
)

# %% [markdown]
# One bad day out of five moved the squared error's answer to 10<!--= f"{squared_best:.0f}" -->,
# further than any of the other four days ever was. The absolute error stayed at
# 3<!--= f"{absolute_best:.0f}" -->. The
# third number, 3.25<!--= f"{huber_best:.2f}" -->, is the compromise we look at next.
#
# > **Refute this.** *“The squared error is robust to small errors.”* A loss is called **robust** if
# > a few bad days, however bad, cannot drag its answer far. Make the bad day worse.

# %%
dragged = {}
for worst in (40.0, 400.0, 4000.0):
    changed = np.append(days[:-1], worst)
    dragged[worst] = changed.mean(), np.median(changed)
    print(f"bad day {worst:4.0f}: squared error answers {dragged[worst][0]:5.1f}, "
          f"absolute {dragged[worst][1]:.1f}")  # fmt: skip
sizes = np.array([0.1, 1.0, 10.0])
costs = lm.SquaredError().value(sizes, 0 * sizes)
pulls = lm.SquaredError().gradient(sizes, 0 * sizes)
print("errors of", sizes, "cost", costs, "and pull with", pulls)
assert dragged[4000.0][0] > 100 * dragged[4000.0][1]

# %% [markdown]
# Refuted: it is *insensitive* to small errors, which is something else. An error of a tenth costs
# only 0.01<!--= f"{costs[0]:.2f}" -->. Robustness is a question about large ones, and there nothing
# in this chapter does worse: the mean follows the bad day to
# 802<!--= f"{dragged[4000.0][0]:.0f}" --> and would follow it anywhere, while the median stays at
# 3<!--= f"{dragged[4000.0][1]:.0f}" -->. (Compare the two lists: an error ten times as large
# *costs* 100<!--= f"{costs[2] / costs[1]:.0f}" --> times as much and *pulls*
# 10<!--= f"{pulls[2] / pulls[1]:.0f}" --> times as hard.)
#
# ## Huber: quadratic nearby, linear far away
#
# Squared error listens to small errors in proportion, which is kind to an optimiser: the pull
# fades as you come close. Absolute error refuses to be shouted at. Huber (1964) joined the two at
# a distance $\delta$ by **clipping the pull**:
#
# $$f'(r) = \min(\max(r, -\delta), \delta).$$
#
# Everything else follows by integrating: $\tfrac12 r^2$ while $|r| \le \delta$, and the straight
# line $\delta(|r| - \tfrac12\delta)$ beyond, which meets the parabola at the same height and the
# same slope. So there is no corner where they meet. Only the curvature jumps, from one to zero.
#
# The compromise in the last cell had $\delta = 3$: four days pull in proportion and the bad one
# with its limit, $(c - 1) + (c - 2) + (c - 3) + (c - 4) - 3 = 0$, so $c = \tfrac{13}{4}$.

# %%
steep = float(lm.Huber(delta=0.5).gradient(3.0, 0.0))
Explorer(
    lambda delta: anatomy(
        {
            "Huber": lm.Huber(delta),
            "half squared": lm.HalfSquaredError(),
            "absolute": lm.AbsoluteError(),
        },
        span=(-6, 6),
        tops=(8, 3, 1.8),
    ),
    [slider(lm.Huber, "delta")],
    title="Huber between its two parents",
    predict=Predict(
        "Set δ to 0.5. How hard does a residual of 3 pull: what is Huber's slope at r = 3?",
        answer=steep,
        within=0.02,
        because="The pull is the residual clipped at δ, so every residual beyond δ pulls equally.",
    ),
)

# %% [markdown]
# **Things to try.** Push $\delta$ to its left end: the slope becomes a step and Huber turns into
# $\delta$ times the absolute error, which shrinks to nothing along with $\delta$. Push it to the
# right end: within this window nothing is left but half the squared error, at its full height. To
# keep the height at the left end too, divide by $\delta$: that is the first cousin below.
#
# > **Refute this.** *“Huber, like the absolute error, is not differentiable at a few points.”*
# > If so, its slope must be different on the two sides of $r = \delta$.


# %%
def sides(how, at, h=1e-7):
    """A derivative just left and just right of a point."""
    return float(how(at - h, 0.0)), float(how(at + h, 0.0))


huber = lm.Huber(delta=1.0)
slope_left, slope_right = sides(huber.gradient, 1.0)
bend_left, bend_right = sides(huber.hessian, 1.0)
print(f"Huber at δ:    slope {slope_left:.4f} | {slope_right:.4f}    "
      f"curvature {bend_left:.0f} | {bend_right:.0f}")  # fmt: skip
print("absolute at 0: slope {:.0f} | {:.0f}".format(*sides(lm.AbsoluteError().gradient, 0.0)))
assert np.isclose(slope_left, slope_right, atol=1e-6) and bend_left != bend_right

# %% [markdown]
# Refuted. The slope is 1.000<!--= f"{slope_left:.3f}" --> on the left and
# 1.000<!--= f"{slope_right:.3f}" --> on the right; only the second derivative jumps. The absolute
# error does have a kink, at zero. (It has no *jump* there, as one also reads: the value is
# continuous, the slope is not.) At a kink any number between the two slopes may serve as a
# **subgradient**. That is the upright stroke in the slope panel above. Libraries have to pick one
# number; this course picks 0<!--= f"{float(lm.AbsoluteError().gradient(0.0, 0.0)):.0f}" -->.
#
# ## Three cousins
#
# * **Smooth L1** is Huber divided by its threshold, $f_\beta = \mathrm{Huber}_\beta / \beta$. The
#   tails always have slope one, and making $\beta$ smaller sharpens the tip instead of flattening
#   the tails.
# * **Pseudo-Huber**, $\delta^2\big(\sqrt{1 + (r/\delta)^2} - 1\big)$, has no seam at all: every
#   derivative exists, and the slope creeps towards $\pm\delta$ without arriving.
# * **Log-cosh**, $\log\cosh r$, is another seamless one, with slope $\tanh r$ and nothing to turn.
#   (It is praised for avoiding Huber's kink. There was none: only the curvature is smoother.)

# %%
Explorer(
    lambda delta: anatomy(
        {
            "Huber": lm.Huber(delta),
            "pseudo": lm.PseudoHuber(delta),
            "smooth L1": lm.SmoothL1(delta),
            "log-cosh": lm.LogCosh(),
        },
        span=(-4.5, 4.5),
        tops=(5, 2, 3),
    ),
    [slider(lm.Huber, "delta", low=0.5, high=2, meaning="threshold of the first three (β for L1)")],
    title="Four ways to round off a corner",
)

# %% [markdown]
# > **Refute this.** *“Log-cosh is a smooth approximation of Huber.”* Of which Huber? And how close?

# %%
r = np.array([0.1, 1.0, 3.0, 10.0, 100.0])
gap = lm.Huber(delta=1.0).value(r, 0 * r) - lm.LogCosh().value(r, 0 * r)
for residual, difference in zip(r, gap, strict=True):
    print(f"r = {residual:5.1f}   Huber(δ=1) − log-cosh = {difference:.4f}")
assert np.isclose(gap[-1], np.log(2) - 0.5)

# %% [markdown]
# Only for $\delta = 1$, and even then the gap does not close: it settles at
# 0.193<!--= f"{gap[-1]:.3f}" -->, because the tails are $|r| - \log 2$ against $|r| - \tfrac12$.
# The *slopes* agree far out, which is what an optimiser feels, so the sentence is half right.
#
# ## Two residuals at once
#
# With two data points the loss is a landscape over two residuals. Its level sets show what the
# loss regards as *equally bad*, and the arrows show the way downhill.

# %% jupyter={"source_hidden": true}
LEVELS = (0.25, 1, 2.25, 4, 6.25)


def landscapes(delta):
    return Picture(
        [
            residual_plane(loss, title=name, levels=LEVELS, stroke=stroke, arrow=0.25)
            for name, loss, stroke in (
                ("half squared", lm.HalfSquaredError(), "blue"),
                ("Huber", lm.Huber(delta), "orange"),
                ("absolute", lm.AbsoluteError(), "green"),
            )
        ]
    )


Explorer(
    landscapes, [slider(lm.Huber, "delta", low=0.2)], title="Equally bad, according to three losses"
)

# %% [markdown]
# Circles: squared error trades a large residual for several small ones; the arrows point straight
# at the origin and grow with distance. Diamonds: absolute error does not care how a total error is
# shared out, and its arrows all have the same length and one of four directions. Huber is round in
# the middle and has straight sides outside. Turn $\delta$ and watch the flat sides arrive.
# All arrows are drawn to one scale, so at a small $\delta$ you see how little Huber then pulls.
#
# ## Drag the outlier
#
# Now a straight line instead of a constant: twelve well-behaved points and one that you may drag.
# The fits are recomputed while you pull. Fitting a line to losses other than squared error uses the
# idea from above: a point with pull $f'(r)$ acts like a squared error with weight $f'(r)/r$, so
# repeat weighted least squares until nothing moves.

# %%
rng = np.random.default_rng(3)
distances = np.linspace(0.5, 8, 12)
times = 1.0 + 0.6 * distances + 0.25 * rng.standard_normal(12)


def fit_line(loss, x, y, rounds=60):
    """Intercept and slope of the line with the least total loss, by reweighted least squares."""
    design = np.column_stack([np.ones_like(x), x])
    line = np.linalg.lstsq(design, y, rcond=None)[0]
    for _ in range(rounds):
        residual = design @ line - y
        residual = np.where(np.abs(residual) < 1e-9, 1e-9, residual)
        weight = loss.gradient(residual, np.zeros_like(residual)) / residual
        line = np.linalg.solve(design.T * weight @ design, design.T @ (weight * y))
    return line


LOSSES = {
    "squared": lm.SquaredError(),
    "Huber": lm.Huber(delta=0.5),
    "absolute": lm.AbsoluteError(),
}


# %% jupyter={"source_hidden": true}
def with_outlier(at, height):
    x, y = np.append(distances, at), np.append(times, height)
    ends = np.array([-0.5, 10.5])
    lines = {name: fit_line(loss, x, y) for name, loss in LOSSES.items()}
    return Picture(
        [
            Panel(
                "delivery time against distance",
                [
                    *(Curve(ends, a + b * ends, name) for name, (a, b) in lines.items()),
                    Points(distances, times, stroke="ink", size=3.5),
                    Points([at], [height], "drag me", "purple", size=7, handle=("at", "height")),
                ],
                Axis("distance", -0.5, 10.5),
                Axis("time", -1, 14),
            )
        ],
        readings={f"slope of {name}": b for name, (_, b) in lines.items()},
    )


def slopes_at(at, height):
    return with_outlier(at, height).readings


climb = (8.5, 11)
tilt = {
    name: abs(slopes_at(9, climb[1])[reading] - slopes_at(9, climb[0])[reading])
    for name in LOSSES
    if (reading := f"slope of {name}")
}
Explorer(
    with_outlier,
    [
        Slider("at", 0, 10, 9, symbol="x", meaning="where the outlier is"),
        Slider("height", 0, 12, 11, symbol="y", meaning="how high it is"),
    ],
    title="One point against twelve",
    live=True,
    predict=Predict(
        f"The outlier climbs from {climb[0]} to {climb[1]}. Which line changes its slope the most?",
        choices=tuple(LOSSES),
        answer=max(tilt, key=tilt.get),
        because="Its pull grows with the distance; the other two pulls are already at their limit.",
    ),
)

# %% [markdown]
# While the point climbs from 8.5<!--= climb[0] --> to 11<!--= climb[1] -->, the slope of the
# squared-error line changes by 0.126<!--= f"{tilt['squared']:.3f}" -->, Huber's by
# 0.000<!--= f"{tilt['Huber']:.3f}" --> and the absolute error's by
# 0.000<!--= f"{tilt['absolute']:.3f}" -->. Drag the point **sideways** too, to the far right and
# down to the floor: even the absolute error's line sinks from a slope of
# 0.64<!--= f"{slopes_at(9, 11)['slope of absolute']:.2f}" --> to
# 0.59<!--= f"{slopes_at(10, 0)['slope of absolute']:.2f}" -->. A point far out along the axis has
# *leverage*. None of these losses asks whether an $x$ is unusual, only whether a residual is.
#
# How much of the total pull comes from one point? That is a number you can compute for any loss:

# %%
good = np.random.default_rng(0).normal(size=99)
residuals = np.append(good, 50.0)
shares = {}
for name, loss in {**LOSSES, "Student-t": lm.StudentTNLL()}.items():
    pulls = np.abs(loss.gradient(residuals, np.zeros_like(residuals)))
    shares[name] = pulls[-1] / pulls.sum()
    print(f"{name:10} one outlier among a hundred carries {shares[name]:6.1%} of the pull")

# %% [markdown]
# Under squared error one point in a hundred carries
# 39%<!--= f"{shares['squared']:.0%}" --> of the gradient. Under absolute error it carries
# 1.0%<!--= f"{shares['absolute']:.1%}" -->, its fair share, and under Student's *t* less than its
# share: 0.1%<!--= f"{shares['Student-t']:.1%}" -->. To see why, we have to ask where losses come
# from.
#
# ## A loss is a story about noise
#
# Suppose targets scatter around the prediction with density $p(r)$. The most likely prediction
# maximises $\prod_i p(r_i)$, which is the same as minimising $\sum_i -\log p(r_i)$. So every noise
# model *is* a loss, $f(r) = -\log p(r)$, and every loss with a finite $\int e^{-f(r)}\,dr$ is a
# noise model in disguise:
#
# * Gaussian noise gives the squared error, Laplace noise the absolute error. Huber is a Gaussian
#   middle with Laplace tails.
# * Student's *t* with $\nu$ degrees of freedom gives $\tfrac{\nu+1}{2}\log(1 + r^2/\nu)$. Its pull,
#   $\frac{(\nu+1)\,r}{\nu + r^2}$, rises until $r = \sqrt\nu$ and then **falls again**: an error
#   too large to be believed is quietly ignored.

# %% jupyter={"source_hidden": true}
SPREAD = np.concatenate([np.linspace(-8, -1e-9, 81), np.linspace(1e-9, 8, 81)])
ZERO = np.zeros_like(SPREAD)
ONE = np.ones_like(SPREAD)


def noise_models(degrees):
    models = {
        "Gaussian": (
            lm.GaussianNLL().value(SPREAD, ONE, ZERO),
            lm.GaussianNLL().gradient(SPREAD, ONE, ZERO)[0],
        ),
        "Laplace": (
            lm.LaplaceNLL().value(SPREAD, ONE, ZERO),
            lm.LaplaceNLL().gradient(SPREAD, ONE, ZERO)[0],
        ),
        "Student-t": (
            lm.StudentTNLL(degrees).value(SPREAD, ZERO),
            lm.StudentTNLL(degrees).gradient(SPREAD, ZERO),
        ),
    }
    across = Axis("residual r", -8, 8)
    return Picture(
        [
            Panel(
                "density",
                [Curve(SPREAD, np.exp(-f), name) for name, (f, _) in models.items()],
                across,
                Axis("", 0, 0.55),
            ),
            Panel(
                "loss: −log density",
                [Curve(SPREAD, f, name) for name, (f, _) in models.items()],
                across,
                Axis("", 0, 9),
            ),
            Panel(
                "pull: its slope",
                [Curve(SPREAD, df, name) for name, (_, df) in models.items()],
                across,
                Axis("", -3, 3),
            ),
        ],
        readings={
            "Student-t pulls hardest at r": SPREAD[int(np.argmax(models["Student-t"][1]))],
            "with a pull of": models["Student-t"][1].max(),
        },
    )


Explorer(
    noise_models, [slider(lm.StudentTNLL, "degrees")], title="Three noise models and their losses"
)

# %%
tail = {
    "Gaussian": float(
        lm.GaussianNLL().value(6.0, 1.0, 0.0) - lm.GaussianNLL().value(0.0, 1.0, 0.0)
    ),
    "Student-t": float(lm.StudentTNLL(4.0).value(6.0, 0.0) - lm.StudentTNLL(4.0).value(0.0, 0.0)),
}
narrow = float(lm.GaussianNLL().value(0.0, 0.01, 0.0))
for name, surprise in tail.items():
    print(
        f"{name:10} finds a residual of 6 less likely than 0 by a factor of {np.exp(surprise):.3g}"
    )
print(f"Gaussian negative log-likelihood at σ = 0.1, r = 0: {narrow:.3f}")

# %% [markdown]
# The Gaussian calls a residual of six about
# 66 million<!--= f"{np.exp(tail['Gaussian']) / 1e6:.0f} million" --> times less likely than none,
# so it bends the whole model to avoid one. The *t* finds it only
# 316<!--= f"{np.exp(tail['Student-t']):.0f}" --> times less likely, shrugs, and moves on. The price
# shows in the curvature. That of the squared and of the absolute error is never negative; such
# losses are called **convex**, and a sum of convex losses has a single valley. Here is the *t*,
# with its width $s$ as well, beside half the squared error, which is the Gaussian of width one.

# %% jupyter={"source_hidden": true}
ORDERS = (("value", "value", -1, 9), ("slope", "gradient", -3, 3), ("curvature", "hessian", -1, 2))
SMOOTH = np.linspace(-8, 8, 81)


def heavy_tails(degrees, scale):
    losses = {"Student-t": lm.StudentTNLL(degrees, scale), "half squared": lm.HalfSquaredError()}
    return Picture(
        [
            Panel(
                title,
                [
                    Curve(SMOOTH, getattr(loss, how)(SMOOTH, 0 * SMOOTH), n)
                    for n, loss in losses.items()
                ],
                Axis("residual r", -8, 8),
                Axis("", low, high),
            )
            for title, how, low, high in ORDERS
        ],
        readings={"bends downwards beyond r": scale * np.sqrt(degrees)},
    )


Explorer(
    heavy_tails,
    [slider(lm.StudentTNLL, "degrees"), slider(lm.StudentTNLL, "scale", low=0.4, high=3)],
    title="A loss that gives up on the hopeless",
)

# %% [markdown]
# Where the *t* has its greatest pull the curvature crosses zero, and beyond it is negative. Started
# far from the data a fit feels only feeble pulls, and there may be several valleys.
#
# > **Refute this.** *“A loss is never negative, and a perfect fit costs zero.”* The last line
# > printed above has the counterexample: −1.384<!--= f"{narrow:.3f}".replace("-", "−") -->.
# > A density may exceed one, and then its negative logarithm is below zero.
#
# ## Not the middle but the edge: quantiles
#
# A courier who promises the median time is late half the time. To promise a time that is kept on
# nine days of ten, predict a **quantile**. Make the pull asymmetric: $-\tau$ when the prediction is
# too low, $1 - \tau$ when it is too high. With a share $F$ of the targets below $c$, balance reads
#
# $$(1-\tau)\,F - \tau\,(1 - F) = 0 \quad\Longrightarrow\quad F = \tau .$$
#
# No distribution was assumed. The loss with this slope is called the quantile or pinball loss. Like
# the absolute error, which is twice its case $\tau = \tfrac12$, it has no curvature on either side.
# The picture has the squared error beside it, whose curvature is the same everywhere.
# (Some texts turn the sign of $r$ for this loss alone. One check settles every convention: at a
# large $\tau$, too low must cost more than too high.)

# %%
costs = -lm.Quantile(0.9).gradient(-1.0, 0.0) / lm.Quantile(0.9).gradient(1.0, 0.0)
Explorer(
    lambda tau: anatomy(
        {"pinball": lm.Quantile(tau), "squared": lm.SquaredError()}, tops=(4, 1.2, 2.5)
    ),
    [slider(lm.Quantile, "tau")],
    title="Tilt the loss",
    predict=Predict(
        "At τ = 0.9, how many times more does a minute too low cost than a minute too high?",
        answer=round(float(costs), 6),
        within=0.05,
        because="Too low costs τ = 0.9 a minute, too high 1 − τ = 0.1.",
    ),
)

# %% [markdown]
# Now forty waits, the dots, and the mean loss of every guess. Its slope is $F - \tau$, a staircase
# that climbs by one fortieth at each wait. The best guess is where it crosses zero.

# %% jupyter={"source_hidden": true}
waits = np.sort(np.random.default_rng(5).gamma(2.0, 1.5, 40))
guesses = np.sort(np.concatenate([np.linspace(0, 11, 61), waits, waits + 1e-9]))
OVER_WAITS = np.broadcast_arrays(guesses[:, None], waits)


def quantile_panels(tau):
    loss = lm.Quantile(tau)
    totals, slopes = (how(*OVER_WAITS).mean(axis=1) for how in (loss.value, loss.gradient))
    best = guesses[int(np.argmin(totals))]
    return Picture(
        [
            Panel(
                title,
                [
                    Curve(guesses, curve, stroke="blue"),
                    Points(waits, np.full_like(waits, dots), stroke="ink", size=2.5),
                    Rule(best, stroke="orange"),
                ],
                Axis("guess c", 0, 11),
                Axis("", low, high),
            )
            for title, curve, dots, low, high in (
                ("mean loss over forty waits", totals, 0.08, 0, 5),
                ("its slope", slopes, 0.0, -1.1, 1.1),
            )
        ],
        readings={"best guess": best, "share of waits at or below it": np.mean(waits <= best)},
    )


Explorer(
    quantile_panels,
    [slider(lm.Quantile, "tau")],
    title="The best guess slides through the data",
)

# %% [markdown]
# Two quantiles make a **band**. Below, both edges are straight lines fitted with the quantile loss
# at $\tau$ and $1 - \tau$. (For losses made of straight pieces the best line runs through two of
# the points, so we may simply try every pair.)

# %%
generator = np.random.default_rng(8)
x_band = np.sort(generator.uniform(0, 10, 50))
y_band = 2 + 0.5 * x_band + (0.3 + 0.25 * x_band) * generator.standard_normal(50)


def lines_through_pairs(x, y):
    i, j = np.triu_indices(len(x), 1)
    slopes = (y[j] - y[i]) / (x[j] - x[i])
    return np.column_stack([y[i] - slopes * x[i], slopes])


def quantile_line(tau, x, y, lines):
    """The candidate line with the least pinball loss, exactly."""
    fitted = lines[:, :1] + lines[:, 1:] * x
    losses = lm.Quantile(tau).value(fitted, np.broadcast_to(y, fitted.shape))
    return lines[int(np.argmin(losses.sum(axis=1)))]


candidate_lines = lines_through_pairs(x_band, y_band)


# %% jupyter={"source_hidden": true}
def band(tau):
    ends = np.array([0.0, 10.0])
    upper = quantile_line(tau, x_band, y_band, candidate_lines)
    lower = quantile_line(1 - tau, x_band, y_band, candidate_lines)
    high, low = (line[0] + line[1] * x_band for line in (upper, lower))
    inside = np.mean((y_band <= high + 1e-9) & (y_band >= low - 1e-9))
    return Picture(
        [
            Panel(
                "two quantile lines",
                [
                    Band(
                        ends, lower[0] + lower[1] * ends, upper[0] + upper[1] * ends, stroke="blue"
                    ),
                    Curve(ends, upper[0] + upper[1] * ends, "τ", stroke="blue"),
                    Curve(ends, lower[0] + lower[1] * ends, "1 − τ", stroke="orange"),
                    Points(x_band, y_band, stroke="ink", size=3),
                ],
                Axis("distance", 0, 10),
                Axis("time", -2, 14),
            )
        ],
        readings={"aimed at": 2 * tau - 1, "share of the points inside": inside},
    )


Explorer(
    band,
    [slider(lm.Quantile, "tau", low=0.55, high=0.98, default=0.9)],
    title="A band that widens where the data do",
)

# %% [markdown]
# > **Refute this.** *“Fitting two quantiles gives a confidence interval.”* A confidence interval is
# > about an *estimate* and narrows as data arrive. Does the band?


# %%
def interval_widths(n):
    """Width of the central 80% band of n targets, and of an 80% confidence interval of the mean."""
    sample = np.random.default_rng(1).standard_normal(n)
    low, high = np.quantile(sample, [0.1, 0.9])
    return high - low, 2 * 1.2816 * sample.std() / np.sqrt(n)


small, large = interval_widths(100), interval_widths(1_000_000)
print(f"n = 100:       band {small[0]:.3f}   confidence interval {small[1]:.4f}")
print(f"n = 1 000 000: band {large[0]:.3f}   confidence interval {large[1]:.4f}")
assert large[0] > 0.8 * small[0] and large[1] < 0.02 * small[1]

# %% [markdown]
# Refuted. With ten thousand times the data the band stays about
# 2.56<!--= f"{large[0]:.2f}" --> wide, while the confidence interval shrinks
# 85-fold<!--= f"{small[1] / large[1]:.0f}-fold" -->. The band is a **prediction interval**: where
# the next delivery will fall. And since the two lines are fitted separately, nothing stops them
# from **crossing** outside the data. Follow them to the left of zero:

# %%
upper = quantile_line(0.9, x_band, y_band, candidate_lines)
lower = quantile_line(0.1, x_band, y_band, candidate_lines)
crossing = (lower[0] - upper[0]) / (upper[1] - lower[1])
print(f"the 90% line runs below the 10% line for every distance under {crossing:.2f}")

# %% [markdown]
# ## Relative errors and their taste for low forecasts
#
# Five minutes late on a ten-minute trip is worse than on a two-hour one. Two losses try to say so.
# **MAPE** divides the error by the target, $|r| / |y|$. **MSLE** compares logarithms,
# $(\log(1 + \hat y) - \log(1 + y))^2$.

# %%
mape, msle = lm.MeanAbsolutePercentageError(), lm.MeanSquaredLogError()


# %% jupyter={"source_hidden": true}
def relative(target):
    x = np.concatenate([np.linspace(0, target - 1e-9, 61), np.linspace(target + 1e-9, 30, 61)])
    at = np.full_like(x, target)
    orders = [
        ("value", mape.value, msle.value, (0, 3)),
        ("slope", mape.gradient, msle.gradient, (-1.5, 0.6)),
        ("curvature", mape.hessian, msle.hessian, (-0.02, 0.06)),
    ]
    return Picture(
        [
            Panel(
                title,
                [
                    Curve(x, relative_error(x, at), "MAPE"),
                    Curve(x, log_error(x, at), "MSLE"),
                    Rule(target, stroke="grey"),
                ],
                Axis("prediction", 0, 30),
                Axis("", *ends),
            )
            for title, relative_error, log_error, ends in orders
        ],
        readings={
            "MSLE of half": float(msle.value(target / 2, target)),
            "MSLE of half as much again": float(msle.value(1.5 * target, target)),
            "MAPE of nothing": float(mape.value(0.0, target)),
        },
    )


Explorer(
    relative,
    [Slider("target", 2, 20, 10, symbol="y", meaning="the true value")],
    title="What a prediction costs when the truth is y",
    predict=Predict(
        "The truth is 10. Which mistake costs more under MSLE: predicting 5 or predicting 15?",
        choices=("5", "15", "they cost the same"),
        answer="5" if msle.value(5.0, 10.0) > msle.value(15.0, 10.0) else "15",
        because="On a logarithmic scale 5 is further from 10 than 15 is.",
    ),
)

# %% [markdown]
# At $y = 10$, MSLE charges 0.367<!--= f"{float(msle.value(5.0, 10.0)):.3f}" --> for predicting
# five and 0.140<!--= f"{float(msle.value(15.0, 10.0)):.3f}" --> for fifteen: it prefers high
# forecasts. MAPE has the opposite taste. Forecasting nothing never costs more than
# 1<!--= f"{float(mape.value(0.0, 10.0)):.0f}" -->, while forecasting too much costs without
# bound. Its balance, $\sum_i \operatorname{sign}(c - y_i) / y_i = 0$, is that of a median in which
# every day has the weight $1/y_i$, so the small days outvote the large ones and the best constant
# is low. And look at the curvature for a small $y$: far to the right MSLE bends **downwards**. It
# is not convex, and the further off a prediction is there, the weaker it is pulled back.
#
# On skewed data the taste for low forecasts is not subtle:

# %%
orders = np.random.default_rng(2).lognormal(1.0, 1.0, 2000)
fine = np.linspace(0.05, 10, 996)
best_for_mape = fine[np.argmin([mape(np.full_like(orders, c), orders) for c in fine])]
best_for_msle = fine[np.argmin([msle(np.full_like(orders, c), orders) for c in fine])]
print(f"mean {orders.mean():.2f}   median {np.median(orders):.2f}   "
      f"best for MSLE {best_for_msle:.2f}   best for MAPE {best_for_mape:.2f}")  # fmt: skip

# %% [markdown]
# The data average 4.23<!--= f"{orders.mean():.2f}" -->; the constant that pleases MAPE most is
# 0.94<!--= f"{best_for_mape:.2f}" -->. A team that is paid by MAPE will under-stock.
#
# > **Refute this.** *“MSLE penalises relative differences.”* Doubling should then cost the same
# > everywhere.

# %%
doubling = {y: float(msle.value(2 * y, y)) for y in (0.01, 1.0, 100.0, 10_000.0)}
for y, cost in doubling.items():
    print(f"predicting {2 * y:8g} for {y:6g} costs {cost:.6f}")
assert doubling[0.01] < 0.001 * doubling[100.0]

# %% [markdown]
# Relative to $1 + y$, not to $y$. For large targets doubling costs $(\log 2)^2 \approx$
# 0.480<!--= f"{doubling[10_000.0]:.3f}" -->; near zero the loss is an ordinary squared error and
# the same doubling is nearly free.
#
# ## Watch them fail
#
# Formulas that are right on paper can be wrong on a machine, and losses can be right and still be
# the wrong choice. Each of these happens in practice.

# %%
big = 1000.0
with np.errstate(over="ignore"):
    naive = np.log(np.cosh(big))
    naive_pseudo = np.sqrt(1 + np.float64(1e200) ** 2) - 1
stable = float(lm.LogCosh().value(big, 0.0))
print(f"log(cosh(1000))     typed as it is written: {naive}    lossmath: {stable:.4f}")
print(f"pseudo-Huber(1e200) typed as it is written: {naive_pseudo}    "
      f"lossmath: {float(lm.PseudoHuber().value(1e200, 0.0)):.4g}")  # fmt: skip
try:
    mape(np.array([1.0, 2.0]), np.array([1.0, 0.0]))
except ValueError as error:
    print("MAPE at a target of 0:", error)
almost = float(mape.value(1.0, 1e-9))
print(f"MAPE at a target of 1e-9: {almost:.3g}")

# %% [markdown]
# * $\cosh 1000$ does not fit in a float, so the naive loss is infinite and its gradient is not a
#   number. The stable form $|r| + \log(1 + e^{-2|r|}) - \log 2$ never builds the large number:
#   999.3069<!--= f"{stable:.4f}" -->.
# * At a target of zero there is no relative error, and lossmath says so instead of inventing a
#   small constant. *Near* zero nobody warns you: a single target of `1e-9` and an
#   error of one cost 1e+09<!--= f"{almost:.0e}" -->.
#
# And the quietest failure. Somebody changes the unit of the targets and leaves $\delta$ alone:

# %%
truth = np.random.default_rng(4).normal(30.0, 8.0, 200)
truth[:10] += 400
best = np.linspace(20, 60, 4001)
minutes_fit = best[np.argmin([lm.Huber(delta=5.0)(np.full_like(truth, c), truth) for c in best])]
in_hours = best / 60
hours_fit = in_hours[
    np.argmin([lm.Huber(delta=5.0)(np.full_like(truth, c), truth / 60) for c in in_hours])
]
print(f"δ = 5 minutes: {minutes_fit:.1f} min    δ = 5 hours: {60 * hours_fit:.1f} min    "
      f"mean {truth.mean():.1f}, median {np.median(truth):.1f}")  # fmt: skip

# %% [markdown]
# The same data and the same code, but the answer moved from
# 31.1<!--= f"{minutes_fit:.1f}" --> to 46.3<!--= f"{60 * hours_fit:.1f}" --> minutes, because a
# threshold of five *hours* clips almost nothing. $\delta$ has the unit of the target. Scale it by a
# robust spread $s$ of the residuals, never by a habit.
#
# How many $s$ should it be? Ask what clipping costs when there is nothing to clip, on Gaussian
# errors. Close to the truth the balance $\sum_i f'(c - y_i) = 0$ is a straight line in $c$, so the
# balance point is off by the mean of $f'$ over the mean of $f''$, and its variance goes with
# $\mathbb E[f'^2] / \mathbb E[f'']^2$. For half the squared error this ratio is one.

# %%
ordinary = np.linspace(-8, 8, 160_001)
gaussian = np.exp(-lm.HalfSquaredError().value(ordinary, 0 * ordinary))
gaussian /= gaussian.sum()


def efficiency(delta):
    """Variance of the mean over that of Huber's constant, for many Gaussian errors."""
    loss = lm.Huber(delta)
    pulls, bends = (how(ordinary, 0 * ordinary) for how in (loss.gradient, loss.hessian))
    return (gaussian @ bends) ** 2 / (gaussian @ pulls**2)


for delta in (0.1, 0.5, 1.0, 1.345, 2.0):
    print(f"δ = {delta:5} standard deviations: {efficiency(delta):.0%} as efficient as the mean")

# %% [markdown]
# At `1.345` standard deviations Huber is still 95%<!--= f"{efficiency(1.345):.0%}" --> as efficient
# as the mean, and that is where this number, the default of many programs, comes from. Even a
# threshold of a tenth keeps 67%<!--= f"{efficiency(0.1):.0%}" -->: close to the median.
#
# > **Refute this.** *“RMSE is the standard deviation of the residuals.”* Try the residuals
# > `(1, 1, 1)`.

# %%
same = np.array([1.0, 1.0, 1.0])
rmse = lm.RootMeanSquaredError()
print(f"RMSE {float(rmse(same, 0 * same)):.1f}   standard deviation {same.std():.1f}")
errors = np.array([1.0, 2.0, 3.0, 10.0])
whole = float(rmse(errors, 0 * errors))
halves = np.mean([float(rmse(part, 0 * part)) for part in np.split(errors, 2)])
print(f"RMSE of all four {whole:.3f}   mean of the RMSEs of two batches {halves:.3f}")

# %% [markdown]
# Refuted: RMSE is 1.0<!--= f"{float(rmse(same, 0 * same)):.1f}" --> and the standard deviation
# 0.0<!--= f"{same.std():.1f}" -->. In general the mean square is the variance **plus the squared
# bias**, so the two agree only when the residuals average to zero. And RMSE is no mean of
# per-example losses: averaging it over batches gives 4.482<!--= f"{halves:.3f}" --> where the whole
# set has 5.339<!--= f"{whole:.3f}" -->. Its gradient, $r_i / (n \cdot \mathrm{RMSE})$, points where
# that of the mean square does but has the same length, $1/\sqrt n$, however good the fit: it does
# not fade as you arrive. Report RMSE; train on its square.
#
# ## The losses on one screen

# %%
table(*[loss for loss in lm.catalogue("regression") if loss is not lm.PoissonNLL])

# %% [markdown]
# **How to choose.** Errors that scatter evenly: squared error. A few wild ones: Huber, with
# $\delta$ near the size of an ordinary error. Many wild ones, or wrong labels: Student's *t*, from
# a good start. Being late costs more than being early: a quantile. Relative errors matter: model
# $\log y$ and say so, rather than optimising MAPE.
#
# ## Practise
#
# * [MSE gradient](../exercises/01_mse_gradient.ipynb): why outliers dominate, as a number.
# * [MAE and its subgradient](../exercises/02_mae_subgradient.ipynb): the stroke at zero, and
#   what the set of all minimisers looks like for an even number of points.
# * [MSE, MAE and Huber side by side](../exercises/05_mse_mae_huber.ipynb): both limits of
#   $\delta$, and a figure of your own.
#
# ## Further reading
#
# * Huber, *Robust estimation of a location parameter* (1964): where clipping the pull comes from.
# * Koenker and Bassett, *Regression quantiles* (1978).
# * Lange, Little and Taylor, *Robust statistical modeling using the t distribution* (1989).
# * Charbonnier and others, *Two deterministic half-quadratic regularization algorithms* (1994),
#   for the pseudo-Huber loss; Girshick, *Fast R-CNN* (2015), for smooth L1.
# * Nix and Weigend, *Estimating the mean and variance of the target probability distribution*
#   (1994): predicting the noise along with the value.
# * Tofallis, *A better measure of relative prediction accuracy* (2015), on what MAPE does to
#   forecasts.
