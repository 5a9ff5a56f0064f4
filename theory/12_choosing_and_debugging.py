# %% [markdown]
# # 12 Choosing and debugging: the loss fell, and what else?
#
# The curve goes down, smoothly, epoch after epoch, and the model is useless. Or the curve does not
# move at all. Or it falls below zero, where nobody expected it. In each case somebody asks the same
# question: *is it the model, the data, or the loss?*
#
# This chapter is about answering it within minutes. First, how to choose a loss so that a falling
# curve means something. Then four diseases in which the loss falls honestly and misleads:
# shortcuts, easy negatives, saturation, and confidence without cause. Last, twelve mistakes of a
# line or two each, all of which run without an error, what gives each of them away, and how to
# write the test that would have.

# %%
from functools import lru_cache
from itertools import combinations

import numpy as np
import torch
import torch.nn.functional as F
from IPython.display import Markdown

import lossmath as lm
from lossmath.explore import (
    Axis,
    Bars,
    Curve,
    Explorer,
    Panel,
    Picture,
    Points,
    Predict,
    Rule,
    Slider,
    slider,
)

BCE = lm.BinaryCrossEntropyFromLogits()
CE = lm.CrossEntropyFromLogits()


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


# %% [markdown]
# ## From the task to the loss
#
# Three questions, in this order.
#
# * **What is the answer?** A number, a class, an order, a distribution. This decides the family.
# * **Which property of it do you want?** If the same situation comes up a hundred times with a
#   hundred outcomes, the model can give only *one* answer. The mean, the median, the ninetieth
#   percentile, a probability? A loss has a favourite, its **best constant**, and that is what you
#   get, whether you asked for it or not.
# * **What do mistakes cost?** Wild ones, rare ones, confident ones, those on one side.
#
# The second question is the one that is skipped. A bakery promises delivery times and wants to keep
# nine promises of ten. Its times are skewed: mostly quick, sometimes very slow. It trains on
# squared error, as one does. Here are promises for one street, by three losses:

# %%
rng = np.random.default_rng(1)
minutes = 10 + rng.gamma(2.0, 6.0, 2000)
promises = np.linspace(5, 60, 1101)
kept = {}
for name, loss in {
    "squared error": lm.SquaredError(),
    "absolute error": lm.AbsoluteError(),
    "quantile, τ = 0.9": lm.Quantile(tau=0.9),
}.items():
    best = promises[np.argmin([loss(np.full(2000, p), minutes) for p in promises])]
    kept[name] = (minutes <= best).mean()
    print(f"{name:18} promises {best:.1f} minutes and keeps {kept[name]:.0%}")

# %% [markdown]
# The squared error's model keeps 60%<!--= f"{kept['squared error']:.0%}" --> of its promises.
# Nothing is wrong with it: it found the mean, and no amount of data or layers will turn a mean into
# a promise. The last one keeps 90%<!--= f"{kept['quantile, τ = 0.9']:.0%}" -->, because that is
# what its best constant *is*. Below, common tasks with what each loss aims at and how it fails,
# from the records of this course. A dash says that the best constant has no name of its own, or
# that a single constant makes no sense there.

# %%
TASKS = {
    "a number, errors of similar size": lm.SquaredError,
    "a number, a few wild errors": lm.Huber,
    "a promise to be kept": lm.Quantile,
    "a count": lm.PoissonNLL,
    "yes or no, as a probability": lm.BinaryCrossEntropyFromLogits,
    "yes or no, yes is rare": lm.BinaryFocal,
    "one of several classes": lm.CrossEntropyFromLogits,
    "grades in an order": lm.RankedProbabilityScore,
    "which of two is better": lm.BradleyTerry,
    "what matches what": lm.InfoNCE,
    "regions of an image": lm.DiceBCE,
    "boxes": lm.GIoU,
    "a long-run reward": lm.TDError,
}
rows = [
    f"| {task} | `{loss.name}` | {loss.elicits or '–'} | {loss.failures[0]} |"
    for task, loss in TASKS.items()
]
Markdown("\n".join(["| task | loss | aims at | fails when |", "|---|---|---|---|", *rows]))

# %% [markdown]
# ## Before anything is learned
#
# The first value of the loss, before the first step, is the only one you can predict without
# knowing the data. A network that knows nothing should say nothing: equal logits, and so a loss of
# $\log C$ for $C$ classes. If the first number is much larger, then the network starts out *sure*,
# and its first thousand steps will be spent on unlearning that.

# %% jupyter={"source_hidden": true}
SPREADS = np.linspace(0, 5, 31)


@lru_cache(maxsize=128)
def first_losses(classes):
    """Mean loss, and mean largest probability, of random logits, by how far they are spread."""
    noise = np.random.default_rng(0).standard_normal((60, classes))
    labels = np.arange(60) % classes
    losses = [float(CE(s * noise, labels)) for s in SPREADS]
    powers = np.exp(SPREADS[:, None, None] * noise)
    sure = (powers.max(-1) / powers.sum(-1)).mean(-1)
    return np.array(losses), sure


def first_step(classes, spread):
    losses, sure = first_losses(round(classes))
    return Picture(
        [
            Panel(
                "loss before the first step",
                [
                    Curve(SPREADS, losses, "loss"),
                    Rule(np.log(round(classes)), along="y", stroke="grey"),
                    Rule(spread),
                ],
                Axis("spread of the logits", 0, 5),
                Axis("", 0, 20),
            ),
            Panel(
                "largest probability, on average",
                [Curve(SPREADS, sure, stroke="orange"), Rule(spread)],
                Axis("spread of the logits", 0, 5),
                Axis("", 0, 1),
            ),
        ],
        readings={
            "log C": np.log(round(classes)),
            "first loss": np.interp(spread, SPREADS, losses),
        },
    )


Explorer(
    first_step,
    [
        Slider("classes", 2, 1000, 10, "log", "C", meaning="number of classes", whole=True),
        Slider("spread", 0, 5, 1, symbol="s", meaning="spread of the logits at the start"),
    ],
    title="A number to expect: the first loss (grey: log C)",
    predict=Predict(
        "Ten classes, and a network whose logits start at exactly zero. What is its first loss?",
        answer=round(float(CE(np.zeros((1, 10)), np.array([3]))), 3),
        within=0.02,
        because="It gives every class a tenth, and −log of a tenth is log 10.",
    ),
)

# %%
scattered = {s: np.interp(s, SPREADS, first_losses(1000)[0]) - np.log(1000) for s in (0.5, 1.0)}
print("above log 1000, by spread:", {s: f"{above:.2f}" for s, above in scattered.items()})

# %% [markdown]
# By how much is it larger? If the logits scatter like a Gaussian with spread $s$, the mean of $e^z$
# over many classes is $e^{s^2/2}$, and as long as $s$ is not large the loss is about
# $\log C + \tfrac12 s^2$. With a thousand classes and $s = 1$ it starts
# 0.46<!--= f"{scattered[1.0]:.2f}" --> above $\log C$, which hurts nobody; at $s = 5$ it is the
# disaster on the right of the picture.
#
# So the first test costs one line: **print the first loss and compare it with the loss of knowing
# nothing.** For a number that is the variance of the targets (squared error), for yes or no it is
# $\log 2$. The second test takes a minute: **train on one small batch until it knows it by heart.**
# A model that cannot learn ten examples will not learn ten million, and the loss should go to its
# smallest value. Which is what?
#
# > **Refute this.** *“A loss is never negative, and a perfect model brings it to zero.”*

# %%
soft = float(lm.SoftCrossEntropyFromLogits().value(np.log([0.9, 0.1]), [0.9, 0.1]))
density = float(lm.GaussianNLL().value(5.0, 0.1**2, 5.0))
smoothed = lm.CrossEntropyFromLogits(label_smoothing=0.1)
lead = np.linspace(0, 12, 1201)
scores = np.column_stack([lead, np.zeros((1201, 9))])
smooth_best = float(smoothed.value(scores, np.zeros(1201, int)).min())
print(f"exactly the right probabilities for a soft label: {soft:.3f}")
print(f"exactly the right number, and sure of it:         {density:.3f}")
print(f"the best that smoothed labels allow:              {smooth_best:.3f}")

# %% [markdown]
# Three perfect models: 0.325<!--= f"{soft:.3f}" -->, which is the entropy of the label;
# −1.384<!--= f"{density:.3f}".replace("-", "−") -->, because a density may exceed one; and
# 0.500<!--= f"{smooth_best:.3f}" -->. Work out the floor of *your* loss before you wait for zero.
#
# ## Disease one: the shortcut
#
# Photographs of two kinds of animal. One kind was mostly photographed by a club that prints a mark
# into the corner. There are two features now: the animal itself, noisy, and the mark, clear. What
# will the loss take?

# %% jupyter={"source_hidden": true}
COUNT = 400
_rng = np.random.default_rng(5)
KIND = np.repeat([0.0, 1.0], COUNT // 2)
SIDE = 2 * KIND - 1
ANIMAL, MARK, LUCK, COIN = (
    _rng.standard_normal(COUNT),
    0.3 * _rng.standard_normal(COUNT),
    (_rng.permutation(COUNT) + 0.5) / COUNT,
    np.tile([-1.0, 1.0], COUNT // 2),
)
SHOWN = np.r_[0:30, COUNT - 30 : COUNT]


def photographs(reliability, strength):
    """Features of training (the mark is right in a share of cases) and of a new source."""
    animal = strength * SIDE + ANIMAL
    agrees = np.where(reliability > LUCK, SIDE, -SIDE)
    training = np.column_stack([animal, agrees + MARK])
    elsewhere = np.column_stack([animal[::-1] * -1, COIN + MARK])
    return training, elsewhere


def fit(x, y, penalty=1e-3, weights=None, rounds=8):
    """Weights of a logistic model by Newton's method, with a small penalty on their squares."""
    w = np.zeros(x.shape[1])
    each = np.ones(len(y)) if weights is None else weights
    for _ in range(rounds):
        z = x @ w
        slope = x.T @ (each * BCE.gradient(z, y)) / len(y) + penalty * w
        bend = (x.T * (each * BCE.hessian(z, y))) @ x / len(y) + penalty * np.eye(len(w))
        w = w - np.linalg.solve(bend, slope)
    return w


def accuracy(w, x):
    return float(((x @ w > 0) == (KIND == 1)).mean())


def shortcut(reliability, strength):
    training, elsewhere = photographs(reliability, strength)
    w = fit(training, KIND)
    across = np.array([-5.0, 5.0])
    line = np.clip(-w[0] * across / (w[1] if abs(w[1]) > 0.05 else 0.05), -60, 60)
    dots = training[SHOWN]
    return Picture(
        [
            Panel(
                "training, and the line that was learned",
                [
                    Points(*dots[:30].T, "one kind", "blue"),
                    Points(*dots[30:].T, "the other", "orange"),
                    Curve(across, line, stroke="ink"),
                ],
                Axis("the animal", -5, 5),
                Axis("the mark", -2.5, 2.5),
            ),
            Panel(
                "share of right answers",
                [
                    Bars(
                        [accuracy(w, training), accuracy(w, elsewhere)],
                        names=("training", "new source"),
                    ),
                    Rule(0.5, along="y"),
                ],
                Axis("", -0.6, 1.6),
                Axis("", 0, 1),
            ),
        ],
        readings={
            "training loss": float(BCE(training @ w, KIND)),
            "weight of the animal": w[0],
            "of the mark": w[1],
        },
    )


here, there = photographs(0.97, 1.0)
fooled = fit(here, KIND)
Explorer(
    shortcut,
    [
        Slider("reliability", 0.5, 1, 0.97, symbol="ρ",
               meaning="how often the mark is right in training"),
        Slider("strength", 0, 3, 1, symbol="a", meaning="how clearly the animal shows"),
    ],
    title="The loss takes what works",
    predict=Predict(
        "In training the mark is right in 97 of 100 cases and the model reaches nearly that. In a "
        "new source the mark means nothing. What share is right there?",
        answer=round(accuracy(fooled, there), 2),
        within=0.06,
        because="Most of the weight went to the mark, which is now a coin.",
    ),
)  # fmt: skip

# %% [markdown]
# In training 96%<!--= f"{accuracy(fooled, here):.0%}" --> are right, and elsewhere
# 64%<!--= f"{accuracy(fooled, there):.0%}" -->. Turn $\rho$ up and watch the line tip over: the
# better the shortcut, the lower the loss, and the worse the model. **No loss can see this**,
# because on the training data the shortcut *is* the better answer, and on held-out data from the
# same source too. The test is a different source, or one with the suspected feature scrambled. A
# cure is to weigh the examples so that the mark no longer predicts the kind:

# %%
agree = (here[:, 1] > 0) == (KIND == 1)
balance = np.where(agree, 0.5 / agree.mean(), 0.5 / (~agree).mean())
cured = fit(here, KIND, weights=balance)
honest = fit(here[:, :1], KIND)
for name, w in {"as it comes": fooled, "balanced": cured}.items():
    print(f"{name:12} training {accuracy(w, here):.0%}, new source {accuracy(w, there):.0%}, "
          f"training loss {float(BCE(here @ w, KIND)):.3f}")  # fmt: skip
print(f"the animal alone: {((there[:, :1] @ honest > 0) == (KIND == 1)).mean():.0%} everywhere")

# %% [markdown]
# With the weights, the new source rises to 86%<!--= f"{accuracy(cured, there):.0%}" -->, as good as
# a model that never saw the mark, while the plain training loss gets *worse*, from
# 0.094<!--= f"{float(BCE(here @ fooled, KIND)):.3f}" --> to
# 0.315<!--= f"{float(BCE(here @ cured, KIND)):.3f}" -->. Whoever picks the model by that number
# picks the wrong one.
#
# ## Disease two: drowned by the easy
#
# A detector looks at a hundred thousand places, and ten hold something. The empty ones are easy,
# each pulls only a little, and there are so many. Under cross-entropy the pull of an example is
# $|p - y|$. Multiply by the count. The focal loss (Lin and others, 2017) multiplies each loss by
# $(1 - p_t)^\gamma$, where $p_t$ is the probability given to the truth, so that what is already
# right fades away.

# %% jupyter={"source_hidden": true}
CROWD = np.geomspace(1, 1e5, 41)
LOGITS = np.linspace(-9, 3, 61)
HARD = -1.0  # the logit of the one hard positive


def pull(loss, z, target):
    return np.abs(loss.gradient(z, np.full_like(z, target)))


def drowning(gamma, easy):
    losses = {"cross-entropy": BCE, "focal": lm.BinaryFocal(gamma=gamma, balanced=False)}
    shares, singles, readings = [], [], {}
    for name, loss in losses.items():
        crowd = CROWD * pull(loss, np.array([easy]), 0.0)
        hard = pull(loss, np.array([HARD]), 1.0)
        shares.append(Curve(CROWD, crowd / (crowd + hard), name))
        singles.append(Curve(LOGITS, np.maximum(pull(loss, LOGITS, 0.0), 1e-12), name))
        readings[f"easy negatives that pull as hard, {name}"] = float((hard / crowd[:1]).item())
    return Picture(
        [
            Panel(
                "pull of the easy, as a share",
                shares,
                Axis(
                    "easy negatives per hard positive",
                    1,
                    1e5,
                    "log",
                    {1: "1", 1e2: "100", 1e4: "10⁴"},
                ),
                Axis("", 0, 1),
            ),
            Panel(
                "pull of one negative",
                [*singles, Rule(easy)],
                Axis("its logit", -9, 3),
                Axis("", 1e-5, 3, "log"),
            ),
        ],
        readings=readings,
    )


whispers, faded = drowning(2.0, -4.0).readings.values()
shout, whisper = pull(BCE, np.array([HARD]), 1.0)[0], pull(BCE, np.array([-4.0]), 0.0)[0]
Explorer(
    drowning,
    [
        slider(lm.BinaryFocal, "gamma"),
        Slider("easy", -8, -1, -4, symbol="z", meaning="logit of the easy negatives"),
    ],
    title="A thousand whispers against one shout",
    predict=Predict(
        "How many negatives at a logit of −4 pull as hard as one positive at −1, under "
        "cross-entropy?",
        answer=round(whispers),
        within=6,
        because=f"{shout:.3f} against {whisper:.3f}: about forty whispers make a shout.",
    ),
)

# %% [markdown]
# Under cross-entropy 41<!--= f"{whispers:.0f}" --> are enough. With $\gamma = 2$ it takes
# 44<!--= f"{faded / 1000:.0f}" --> thousand.
#
# > **Refute this.** *“Focal loss solves class imbalance.”* Let something be there in one place out
# > of a hundred, with no way of telling which. The honest answer is one per cent.

# %%
grid = np.linspace(-8, 2, 20001)
said = {}
for name, loss in {
    "cross-entropy": BCE,
    "focal, γ = 2": lm.BinaryFocal(gamma=2.0, balanced=False),
}.items():
    costs = 0.01 * loss.value(grid, np.ones_like(grid)) + 0.99 * loss.value(grid, 0 * grid)
    said[name] = sigmoid(grid[np.argmin(costs)])
    print(f"{name:14} says {said[name]:.1%}")

# %% [markdown]
# Cross-entropy says 1.0%<!--= f"{said['cross-entropy']:.1%}" -->: it never needed balance to be
# right in the end. The focal loss says 15.4%<!--= f"{said['focal, γ = 2']:.1%}" -->. It cures the
# *beginning* of training, where whispers drown the shout, and it pays with probabilities that are
# none. Rank with them; do not bet on them.
#
# ## Disease three: too wrong to learn
#
# A unit with a sigmoid begins on the wrong side: the truth is one, and its logit is far below zero.
# The more wrong it is, the harder it should be pulled. Is it?

# %% jupyter={"source_hidden": true}
STEPS = np.arange(101.0)
RATE = 1.0
DEPTHS = np.linspace(-12, 4, 81)
PAIR = {"cross-entropy": BCE, "squared": lm.SigmoidSquaredError()}


@lru_cache(maxsize=128)
def climb(name, start):
    """The probability of the truth along a descent that begins at a logit."""
    z, path = np.array(start), []
    for _ in STEPS:
        path.append(float(sigmoid(z)))
        z = z - RATE * PAIR[name].gradient(z, 1.0)
    return np.array(path)


def saturation(start):
    return Picture(
        [
            Panel(
                "pull at a logit, truth 1",
                [
                    *(
                        Curve(DEPTHS, np.abs(loss.gradient(DEPTHS, np.ones_like(DEPTHS))), name)
                        for name, loss in PAIR.items()
                    ),
                    Rule(start),
                ],
                Axis("logit", -12, 4),
                Axis("", 0, 1.1),
            ),
            Panel(
                "probability of the truth",
                [Curve(STEPS, climb(name, start), name) for name in PAIR],
                Axis("steps", 0, 100),
                Axis("", 0, 1.05),
            ),
        ],
        readings={f"after 100 steps, {name}": climb(name, start)[-1] for name in PAIR},
    )


Explorer(
    saturation,
    [Slider("start", -10, -5, -8, symbol="z", meaning="logit at the start")],
    title="The worse the answer, the weaker the pull",
    predict=Predict(
        "Start at a logit of −8 and take 100 steps. Which loss is still at the bottom?",
        choices=tuple(PAIR),
        answer=min(PAIR, key=lambda name: climb(name, -8.0)[-1]),
        because="Its pull has the factor p(1 − p), which vanishes where the sigmoid is flat.",
    ),
)

# %% [markdown]
# Cross-entropy's pull grows towards one, because its logarithm is steep exactly where the sigmoid
# is flat. The squared error multiplies by $p(1 - p)$, and from a logit of $-8$ it has climbed to a
# probability of 0.0004<!--= f"{climb('squared', -8.0)[-1]:.4f}" --> after a hundred steps. That is
# **saturation**.
#
# > **Refute this.** *“Gradient starvation, that is, dead neurons.”* Three different things are
# > called by each other's names. Make each of them, and measure where the pull is lost.

# %%
torch.manual_seed(0)
inputs = torch.rand(64, 3)
bias = torch.tensor(-5.0, requires_grad=True)
hidden = torch.relu(inputs.sum(1) + bias)  # never above zero: a dead unit
z = (2 * hidden - 3).requires_grad_()
z.retain_grad()
F.binary_cross_entropy_with_logits(z, torch.ones(64)).backward()
print(f"dead:      pull on the output {z.grad.abs().sum():.2f}, on the unit's bias {bias.grad:.2f}")

wrong = float(abs(lm.SigmoidSquaredError().gradient(-10.0, 1.0)))
print(f"saturated: pull of the loss itself {wrong:.4f}, at an answer that is wrong")

y = np.tile([0.0, 1.0], 200)
noise = np.random.default_rng(3).standard_normal(400)
x = np.column_stack([6 * (2 * y - 1), 0.5 * (2 * y - 1) + noise])  # a loud and a quiet feature
w, quiet = np.zeros(2), []
for _ in range(50):
    gradient = x.T @ BCE.gradient(x @ w, y) / 400
    quiet.append(abs(gradient[1]))
    w -= 0.5 * gradient
print(f"starved:   pull on the quiet feature {quiet[0]:.3f} at first, {quiet[-1]:.4f} after 50 "
      f"steps; its weight is only {w[1]:.2f}")  # fmt: skip
alone = fit(x[:, 1:], y)
print(f"           alone it would have earned a weight of {alone[0]:.2f}")

# %% [markdown]
# A **dead** unit: the loss pulls on the output, and nothing reaches the weights behind a flat
# activation. A **saturated** loss: the loss itself does not pull. A **starved** feature (Pezeshki
# and others, 2021): loss and units are in order, but a louder feature has explained the examples,
# $p - y$ is near zero, and nothing is left for the quiet one. The first needs another activation or
# start, the second another loss, the third a different view of the data.
#
# ## Disease four: sure without cause
#
# Twenty features, of which the truth uses five, and outcomes that are never certain. Fit all twenty
# weights on $n$ examples and ask of *new* cases: where the model says ninety per cent, does it
# happen in ninety per cent?

# %% jupyter={"source_hidden": true}
TRUTH = np.r_[np.full(5, 0.6), np.zeros(15)]
_rng = np.random.default_rng(2)
POOL = _rng.standard_normal((2000, 20))
OUTCOME = (_rng.random(2000) < sigmoid(POOL @ TRUTH)).astype(float)
NEW = _rng.standard_normal((2000, 20))
CHANCE = sigmoid(NEW @ TRUTH)
SIZES = np.array([30, 35, 42, 50, 60, 75, 100, 150, 250, 500, 1000, 2000])


@lru_cache(maxsize=4096)
def learned(n, penalty):
    """Weights from the first n examples; the loss on them and on new cases, in expectation."""
    w = fit(POOL[:n], OUTCOME[:n], penalty)
    return w, float(BCE(POOL[:n] @ w, OUTCOME[:n])), float(BCE(NEW @ w, CHANCE))


def stated_and_true(w):
    """Mean stated and mean true probability in ten equal groups, by what was stated."""
    stated = sigmoid(NEW @ w)
    groups = np.argsort(stated).reshape(10, -1)
    return stated[groups].mean(1), CHANCE[groups].mean(1)


def overconfident(n, penalty):
    w, _, new = learned(round(n), penalty)
    along = [learned(size, penalty)[1:] for size in SIZES]
    stated, true = stated_and_true(w)
    return Picture(
        [
            Panel(
                "new cases, in ten groups",
                [
                    Curve([0, 1], [0, 1], stroke="grey", thin=True),
                    Curve(stated, true, stroke="blue"),
                    Points(stated, true, stroke="blue", size=4),
                ],
                Axis("the model says", 0, 1),
                Axis("it happens", 0, 1),
                equal=True,
            ),
            Panel(
                "loss",
                [
                    Curve(SIZES, [t for t, _ in along], "training"),
                    Curve(SIZES, [v for _, v in along], "new cases"),
                    Rule(np.log(2), along="y", stroke="grey"),
                    Rule(n),
                ],
                Axis("examples n", 30, 2000, "log"),
                Axis("", 0, 4),
            ),
        ],
        readings={
            "the surest group says": stated[-1],
            "there it happens": true[-1],
            "loss, new cases": new,
            "right answers": float(np.where(NEW @ w > 0, CHANCE, 1 - CHANCE).mean()),
        },
    )


few = overconfident(60, 0.001).readings
tamed = overconfident(60, 0.1).readings
worst = SIZES[np.argmax([learned(size, 0.001)[2] for size in SIZES])]
Explorer(
    overconfident,
    [
        Slider("n", 30, 2000, 60, "log", "n", meaning="training examples", whole=True),
        Slider("penalty", 0.001, 1, 0.001, "log", "λ", meaning="penalty on squared weights"),
    ],
    title="Confidence grows faster than knowledge (grey: a model that says one half)",
    predict=Predict(
        "Twenty weights, sixty examples, hardly any penalty. In the tenth of new cases where the "
        "model is surest of a yes, it says 99%. How often is it yes?",
        answer=round(few["there it happens"], 2),
        within=0.08,
        because="With three examples per weight, luck looks like evidence.",
    ),
)

# %% [markdown]
# With sixty examples the surest group says 98.9%<!--= f"{few['the surest group says']:.1%}" --> and
# is right in 71%<!--= f"{few['there it happens']:.0%}" -->. The loss on new cases is
# 0.99<!--= f"{few['loss, new cases']:.2f}" -->, worse than always saying one half, although
# 60%<!--= f"{few['right answers']:.0%}" --> of its answers are right. Turn $\lambda$ up: at `0.1`
# the loss falls to 0.67<!--= f"{tamed['loss, new cases']:.2f}" -->. Or turn $n$ up: with two
# thousand examples there is nothing to cure. Cross-entropy does not *want* overconfidence; few
# examples per weight produce it. So watch the loss on new cases and not only the accuracy. Accuracy
# cannot see it.
#
# The peak for new cases, at 42<!--= worst --> examples, is no accident. Up to about twice as
# many examples as weights, even labels drawn by a coin can be separated (Cover, 1965). Near that
# edge the separation just barely succeeds, and it takes enormous weights.
#
# ## Twelve mistakes, wrong and then right
#
# Every one of these runs. Most give a curve that falls. After each, what gives it away.


# %%
def show(wrong, right):
    print(f"wrong: {wrong}\nright: {right}")


def refusal(call, *arguments):
    """What a loss says to arguments it does not take."""
    try:
        call(*arguments)
    except ValueError as error:
        return str(error)
    raise AssertionError("the loss took them")


# %% [markdown]
# ### 1. Softmax twice
# The network ends in a softmax, and the loss applies another. Here every answer is perfect.

# %%
labels = np.arange(10)
logits = 30.0 * np.eye(10)
probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
twice, once = float(CE(probabilities, labels)), float(CE(logits, labels))
show(f"{twice:.3f} for a perfect model of ten classes", f"{once:.3f}")

# %% [markdown]
# **Gives it away:** one batch cannot be learned below 1.461<!--= f"{twice:.3f}" -->. Probabilities
# lie between zero and one, so as logits they can never be far apart.
#
# ### 2. Scores where probabilities are expected
# The reverse: the sigmoid was forgotten, and a raw score goes into a logarithm.

# %%
scores, hits = np.array([2.5, -0.7]), np.array([1.0, 1.0])
with np.errstate(invalid="ignore"):
    naive = -(hits * np.log(scores)).mean()
show(naive, f"{float(BCE(scores, hits)):.3f}; lossmath refuses the other: "
     + refusal(lm.BinaryCrossEntropyFromProbabilities().value, scores, hits))  # fmt: skip

# %% [markdown]
# **Gives it away:** a loss that is negative or not a number, from the first step on.
#
# ### 3. A probability that is clipped
# "To be safe", probabilities are kept above a small number before the logarithm.

# %%
z = torch.tensor(-20.0, requires_grad=True)
clipped = -torch.sigmoid(z).clamp(1e-7, 1).log()
(lost,) = torch.autograd.grad(clipped, z)
stable = float(BCE.value(-20.0, 1.0)), float(BCE.gradient(-20.0, 1.0))
show(
    f"loss {clipped.item():.1f}, gradient {lost.item():.3f}",
    f"loss {stable[0]:.1f}, gradient {stable[1]:.3f}",
)

# %% [markdown]
# **Gives it away:** the loss reaches a ceiling and the worst examples never improve. A clip has the
# slope zero, so exactly the most wrong answers pull no more.
#
# ### 4. A column against a row
# Predictions of shape `(n, 1)` meet targets of shape `(n,)`. Broadcasting makes a square of them.

# %%
targets = np.random.default_rng(0).normal(0, 2, 100)
perfect = targets[:, None]
square = ((perfect - targets) ** 2).mean()
show(f"{square:.2f} for perfect predictions",
     f"{float(lm.SquaredError()(perfect[:, 0], targets)):.2f}; of the other: "
     + refusal(lm.SquaredError().value, perfect, targets))  # fmt: skip

# %% [markdown]
# **Gives it away:** all predictions move to the mean of the targets, and the loss stays at their
# variance. Every prediction was compared with every target.
#
# ### 5. Averaging over the padding
# Sequences are padded to one length, and the mean runs over the padding too.

# %%
mask = np.arange(8) < np.array([8, 2, 1, 1])[:, None]
tokens = np.where(mask, 1.0, 0.0)  # loss per token; a padded slot costs nothing
silent = tokens.mean()
counted = float(lm.SquaredError()(np.ones((4, 8)), np.zeros((4, 8)), mask=mask))
show(f"{silent:.3f}", f"{counted:.3f}")

# %% [markdown]
# **Gives it away:** the loss changes when you pad to another length, and that must change nothing.
#
# ### 6. The mean of batch means
# An epoch ends with a small batch, and the epoch's loss is the plain mean of the batches' losses.

# %%
residuals = np.random.default_rng(1).normal(0, 1, 204)
residuals[200:] = 6.0  # four hard examples come last
batches = [residuals[:100], residuals[100:200], residuals[200:]]
means = np.mean([float(lm.SquaredError()(b, 0 * b)) for b in batches])
whole = float(lm.SquaredError()(residuals, 0 * residuals))
show(f"{means:.2f}", f"{whole:.2f}")

# %% [markdown]
# **Gives it away:** the epoch's loss depends on the batch size. Add sums and counts; divide once.
#
# ### 7. A sum, and a larger batch
# The step size was tuned with sixty-four examples and `reduction="sum"`. Then the batch grows.


# %%
def after_steps(reduction, batch, rate, steps=8):
    """Squared error of a one-weight model after some steps of descent."""
    x = np.random.default_rng(2).standard_normal(batch)
    w = 0.0
    for _ in range(steps):
        w -= rate * x @ lm.SquaredError().gradient(w * x, 3 * x, reduction=reduction)
    return float(lm.SquaredError()(w * x, 3 * x))


tuned, grown = after_steps("sum", 64, 0.005), after_steps("sum", 512, 0.005)
steady = after_steps("mean", 512, 0.005 * 64)
show(f"sum: {tuned:.1e} with 64 examples, {grown:.1e} with 512", f"mean: {steady:.1e} with 512")

# %% [markdown]
# **Gives it away:** a run that was fine explodes on a larger machine. A sum multiplies the step by
# the batch size, and the edge at two over the curvature
# ([chapter seven](07_geometry_and_optimisation.ipynb)) is crossed.
#
# ### 8. Labels of minus one and one
# Code for the hinge loss uses $\pm 1$; binary cross-entropy wants zero and one.

# %%
sure_no = torch.tensor([-5.0, -50.0, -500.0])
endless = F.binary_cross_entropy_with_logits(sure_no, torch.full((3,), -1.0), reduction="none")
show([round(v) for v in endless.tolist()],
     f"{BCE.value(sure_no.numpy(), np.zeros(3)).round(4).tolist()}; lossmath refuses -1: "
     + refusal(BCE.value, -5.0, -1.0))  # fmt: skip

# %% [markdown]
# **Gives it away:** the loss falls below zero and never stops. With a label of minus one the
# formula rewards a lower logit for ever.
#
# ### 9. A label of minus one, as an index
# Unlabelled examples carry the label `-1`. NumPy counts that from the end.

# %%
table_ = np.log(np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]]))
unlabelled = np.array([0, -1])
picked = -table_[np.arange(2), unlabelled]
left_out = float(CE(table_, unlabelled, ignore_index=-1))
show(f"{picked.mean():.3f}: the second row counts as class 2", f"{left_out:.3f}, left out; "
     + refusal(CE.value, table_, unlabelled))  # fmt: skip

# %% [markdown]
# **Gives it away:** the last class is predicted far too often. Count the labels before you train.
#
# ### 10. Probabilities where logarithms are expected
# `F.kl_div` takes the *logarithm* of the prediction first, and the target second.

# %%
model, teacher = np.array([0.2, 0.5, 0.3]), np.array([0.6, 0.3, 0.1])
swapped = F.kl_div(torch.tensor(model), torch.tensor(teacher), reduction="sum").item()
divergence = float(lm.ForwardKL().value(model, teacher))
show(f"{swapped:.3f}", f"{divergence:.3f}, and "
     f"{F.kl_div(torch.tensor(model).log(), torch.tensor(teacher), reduction='sum'):.3f} "
     "with the logarithm")  # fmt: skip

# %% [markdown]
# **Gives it away:** a divergence below zero, which no divergence is. And of a model with itself it
# must be zero: one line to test.
#
# ### 11. Gradients that pile up
# PyTorch adds to `.grad`. Who does not reset it descends along the sum of all past gradients.


# %%
def descend(reset):
    w = torch.tensor(0.0, requires_grad=True)
    for _ in range(40):
        if reset:
            w.grad = None
        ((w - 3) ** 2).backward()
        with torch.no_grad():
            w -= 0.1 * w.grad
    return w.item()


show(f"{descend(reset=False):.2f}", f"{descend(reset=True):.2f}, and the minimum is at 3")

# %% [markdown]
# **Gives it away:** the loss swings up and down like a pendulum and does not settle at any step
# size. It *is* a pendulum: without friction.
#
# ### 12. A target that moves along
# State A leads to B or to C, by a coin. B pays one, C pays nothing. The values are learned by
# making each state agree with the reward and the value that follow. The target of A is a *guess of
# the model's own*, and it must be held still. Somebody differentiates through it.


# %%
MOVES = ((0, 1, 0.0), (0, 2, 0.0), (1, 3, 1.0), (2, 3, 0.0))  # from, to, reward; 3 is the end
SURPRISE = lm.TDError(discount=1.0)


def learn_values(through_target):
    """Values of A, B, C and the end after many passes over both ways the coin can fall."""
    value = np.zeros(4)
    for _ in range(1000):
        gradient = np.zeros(4)
        for state, following, reward in MOVES:
            pull = float(SURPRISE.gradient(value[state], value[following], reward)[0])
            gradient[state] += pull
            if through_target:
                gradient[following] -= pull  # of ½(r + V(s') − V(s))² in V(s')
        gradient[3] = 0.0  # the end is worth nothing, by definition
        value -= 0.05 * gradient
    return value


def surprise(value):
    """The summed loss of all four moves."""
    return sum(float(SURPRISE.value(value[s], value[f], reward)) for s, f, reward in MOVES)


moving, held = learn_values(True), learn_values(False)
show(*(f"A, B, C = {value[:3].round(2).tolist()}, loss {surprise(value):.3f}"
       for value in (moving, held)))  # fmt: skip

# %% [markdown]
# **Gives it away:** nothing, unless you know the answer. The loss falls even further, to
# 0.125<!--= f"{surprise(moving):.3f}" --> instead of 0.250<!--= f"{surprise(held):.3f}" -->. B is
# worth one and C nothing, yet the wrong run says 0.75<!--= f"{moving[1]:.2f}" --> and
# 0.25<!--= f"{moving[2]:.2f}" -->, because B and C are pulled towards A so as to make A's error
# small ([chapter eleven](11_auxiliary.ipynb) has the whole story). Test on a toy whose answer you
# can compute by hand.
#
# ## Write the test that catches them
#
# Each of the twelve was given away by a number that somebody thought of printing. Better that a
# test prints it, every day. But which test? One that passes on the right loss has shown very
# little. The question is whether it *fails* on a wrong one.
#
# So here is one loss, the cross-entropy of tokens in rows of different lengths, with a temperature
# that divides the scores; and here are eight wrong ones. Five are mistakes from above. A test is an
# input, and it catches a wrong loss if the output differs from the right one by more than rounding.


# %%
def right(z, y, real, t):
    """Mean over the real tokens; scores z (rows, slots, classes), labels y (rows, slots)."""
    return CE(z / t, y, mask=real)


def of_label(parts, y):
    return parts.gather(-1, y[..., None])[..., 0]


WRONG = {
    "softmax twice": lambda z, y, real, t: CE((z / t).softmax(-1), y, mask=real),
    "a clip before the logarithm": lambda z, y, real, t: (
        -of_label((z / t).softmax(-1).clamp(1e-7, 1), y)[real].log().mean()
    ),
    "averaging over the padding": lambda z, y, real, t: (CE.value(z / t, y) * real).mean(),
    "the mean of the rows' means": lambda z, y, real, t: (
        (CE.value(z / t, y) * real).sum(1) / real.sum(1)
    ).mean(),
    "a sum": lambda z, y, real, t: CE(z / t, y, mask=real, reduction="sum"),
    "times the temperature": lambda z, y, real, t: CE(z * t, y, mask=real),
    "exponentials of the raw scores": lambda z, y, real, t: (
        -of_label((z / t).exp() / (z / t).exp().sum(-1, keepdim=True), y)[real].log().mean()
    ),
    "a detached log-sum-exp": lambda z, y, real, t: (
        (z / t).logsumexp(-1).detach() - of_label(z / t, y)
    )[real].mean(),
}


# %% jupyter={"source_hidden": true}
def run(version, scores, labels, real=None, temperature=1.0):
    """The loss of one version on a test's input, and its slope in the scores."""
    z = torch.tensor(scores, dtype=torch.float64, requires_grad=True)
    y = torch.tensor(labels)
    counted = torch.ones_like(y, dtype=torch.bool) if real is None else torch.tensor(real)
    loss = version(z, y, counted, temperature)
    (slope,) = torch.autograd.grad(loss, z)
    return loss.item(), slope.numpy()


def catches(test, version, slopes):
    outputs = zip(run(right, **test), run(version, **test), strict=True)
    loss, slope = (not np.allclose(*pair, rtol=1e-9, atol=1e-12) for pair in outputs)
    return loss or (slopes and slope)


def caught(tests, slopes=False):
    """By wrong version, the tests whose loss (or slope) tells it from the right one."""
    return {
        name: [said for said, test in tests.items() if catches(test, version, slopes)]
        for name, version in WRONG.items()
    }


def verdict(found):
    rows = [f"| {name} | {', '.join(by) or '**nothing**'} |" for name, by in found.items()]
    count = f"**{sum(map(bool, found.values()))} of {len(found)} are caught.**"
    return Markdown("\n".join(["| wrong loss | caught by |", "|---|---|", *rows, "", count]))


# %% [markdown]
# Two tests that anybody might write: a model that knows nothing, and one that is right. Change the
# scores, the labels, the temperature; add tests of your own, with more rows and slots, and with
# `real=[[True, False]]` for a row whose second slot is padding. How many can you catch?

# %%
TESTS = {
    "knows nothing": dict(scores=[[[0.0, 0.0, 0.0]]], labels=[[0]]),  # one slot, three classes
    "is right": dict(scores=[[[2.0, 0.0, 0.0]]], labels=[[0]], temperature=1.0),
}
weak = caught(TESTS)
verdict(weak)

# %% [markdown]
# As they stand the two catch 1<!--= sum(map(bool, weak.values())) -->, and the first of them none:
# with equal scores the wrong losses are right. What does each survivor need?
#
# * **A sum** equals the mean of one token. It needs two.
# * **Averaging over the padding** needs padding.
# * **The mean of the rows' means** needs rows of different lengths.
# * **Times the temperature** needs any temperature but one.
# * **A clip** needs an answer that is sure and wrong: a probability below its floor, and so scores
#   that are more than 16<!--= f"{-np.log(1e-7):.0f}" --> apart.
# * **Raw exponentials** need a score that overflows:
#   710<!--= f"{np.log(np.finfo(float).max):.0f}" --> in double precision,
#   89<!--= f"{np.log(np.finfo(np.float32).max):.0f}" --> in single.
# * **A detached log-sum-exp**, held still while the rest is differentiated, needs another *look*.
#   Its loss is right for every input, and only its slope is wrong.
#
# Each line is a *kind* of input, and a reason to have it. Together they are four tests:

# %%
GOOD = {
    "warm": dict(scores=[[[2.0, 0.0, 0.0], [0.0, 1.0, 0.0]]], labels=[[0, 2]], temperature=2.0),
    "uneven": dict(
        scores=[[[2.0, 0.0, 0.0], [0.0, 1.0, 0.0]], [[1.0, 2.0, 1.0], [0.0, 0.0, 3.0]]],
        labels=[[0, 1], [2, 1]],
        real=[[True, True], [True, False]],
    ),
    "sure and wrong": dict(scores=[[[30.0, 0.0, 0.0]]], labels=[[1]]),
    "huge": dict(scores=[[[1000.0, 0.0, 0.0]]], labels=[[1]]),
}
strong = caught(GOOD, slopes=True)
verdict(strong)

# %%
blind = [name for name, by in caught(GOOD).items() if not by]
enough = next(
    some
    for count in range(len(GOOD) + 1)
    for some in combinations(GOOD, count)
    if all(caught({name: GOOD[name] for name in some}, slopes=True).values())
)
print("without the slopes these survive:", *blind)
print("enough to catch all:", ", ".join(enough))
assert blind == ["a detached log-sum-exp"] and set(GOOD) - set(enough) == {"sure and wrong"}
assert "sure and wrong" in strong["a clip before the logarithm"]
assert "sure and wrong" not in strong["exponentials of the raw scores"]

# %% [markdown]
# All 8<!--= sum(map(bool, strong.values())) --> are caught, and
# 3<!--= len(enough) --> of the tests would do. The one that could go, *sure and wrong*, is worth
# keeping: a clip fails it and raw exponentials do not, so it tells the two apart. For the same
# reason do not press everything into a single input that fails on anything. A good test says *what*
# is broken.
#
# **A test is only as good as the fault it can see.** When yours pass, break the loss on purpose,
# one line at a time, and watch whether they notice. The graded problems are checked in this way,
# with the wrong solutions that people write. Whoever has the whole project finds every one of them
# in `docs/mistakes.md`, with the points it costs.
#
# ## The chapter on one screen
#
# | what you see | look for | test |
# |---|---|---|
# | a first loss far above knowing nothing | logits too large, or no logits | print the first loss |
# | one batch is not learned by heart | softmax twice, clip, broadcasting | train on ten examples |
# | the loss stops above zero | its floor: soft labels, smoothing, noise | compute the floor |
# | the loss falls below zero | labels of minus one, missing logarithm | a perfect answer |
# | it depends on batch size or padding | sums, means of means, masks | change both and compare |
# | it swings or explodes | piled-up gradients, sums, step size | halve the step |
# | it falls and only the frequent is learned | easy negatives | add up pulls by group |
# | wrong answers that never improve | saturation, clip | gradient at a very wrong answer |
# | good here, bad elsewhere | shortcut | another source, a scrambled feature |
# | right, and much too sure | overfitting | loss on new cases, reliability |
# | good loss, useless answers | the wrong best constant | what does the loss aim at? |
# | all tests pass, and still wrong | a fault no input of theirs shows | break the loss on purpose |
#
# ## Practise
#
# * [Does one term dominate?](../exercises/10_dominating_term.ipynb): a diagnosis that is tried on
#   runs you have never seen.
# * [Imbalanced detection](../exercises/09_imbalanced_detection.ipynb): your own loss against easy
#   negatives, and its side effect.
# * [Masked mean](../exercises/04_masked_mean.ipynb): mistakes five and six, for good.
# * [BCE from logits](../exercises/03_bce_from_logits.ipynb): mistakes two, three and eight.
#
# ## Further reading
#
# * Geirhos and others, *Shortcut learning in deep neural networks* (2020).
# * Pezeshki and others, *Gradient starvation: a learning proclivity in neural networks* (2021).
# * Lin and others, *Focal loss for dense object detection* (2017), and Charoenphakdee and others,
#   *On focal loss for class-posterior probability estimation* (2021), on what it does to
#   probabilities.
# * Glorot and Bengio, *Understanding the difficulty of training deep feedforward neural networks*
#   (2010): saturation, and how to start.
# * Guo and others, *On calibration of modern neural networks* (2017).
# * Baird, *Residual algorithms: reinforcement learning with function approximation* (1995): the
#   moving target.
# * Zinkevich, *Rules of machine learning* (2017), and Karpathy, *A recipe for training neural
#   networks* (2019): checklists from practice.
