# %% [markdown]
# # 11 Auxiliary losses: what else do you want, and what would you pay?
#
# You ask a builder for the cheapest house in which the rain stays out, and that is what you get: a
# house without windows. It is not the builder's fault. You had more wishes than you had said.
#
# A model's main loss says what a right answer is. It does not say that the weights should be few,
# that the parts of the model should share the work, or that the answer should obey the laws of
# physics. An **auxiliary loss** says such a second wish, as a number $\Omega$ that is small when
# the wish is met, and adds it with a **price** $\lambda$:
#
# $$\text{total} = \text{main} + \lambda\,\Omega .$$
#
# At the minimum the two slopes cancel: what the wish gains by a small step is exactly what the main
# loss loses by it, at that rate of exchange. So every wish is met *a little*, at the cost of the
# answer, and the price decides how much. This chapter goes through the wishes people add, and
# through what each of them does that its name does not tell.

# %%
from functools import lru_cache

import numpy as np
from numpy.polynomial import legendre

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

softmax = lm.LogSumExp().gradient  # the slope of log-sum-exp is the softmax
EARNINGS = lm.KLPenalisedReward(beta=0.0)  # minus the mean reward of a softmax policy

# %% [markdown]
# ## Fewer or smaller weights: L1 and L2
#
# Suppose the main loss wants one weight to be $a$ and is half the square of the distance from it.
# Add the **L2** penalty $\lambda w^2$, and the slopes cancel where
#
# $$(w - a) + 2\lambda w = 0 \quad\Longrightarrow\quad w = \frac{a}{1 + 2\lambda} :$$
#
# every weight shrinks by the same *factor*, and none becomes zero. The **L1** penalty
# $\lambda |w|$ pulls with the same strength $\lambda$ however small the weight is:
#
# $$(w - a) + \lambda \operatorname{sign} w = 0 \quad\Longrightarrow\quad
#   w = \operatorname{sign}(a)\,\max(|a| - \lambda,\ 0) .$$
#
# Every weight shrinks by the same *amount*, and one that wants less than $\lambda$ is gone. That
# is called **soft thresholding**, and it is the whole secret of the lasso. It is all in the slopes:

# %% jupyter={"source_hidden": true}
WEIGHTS = np.concatenate([np.linspace(-2, -1e-9, 41), np.linspace(1e-9, 2, 41)])


def two_penalties(strength):
    penalties = {"L1": lm.L1Penalty(strength), "L2": lm.L2Penalty(strength)}
    shapes = {
        "value": (lambda penalty: [penalty.value([w]) for w in WEIGHTS], -0.2, 4),
        "slope": (lambda penalty: penalty.gradient(WEIGHTS), -4, 4),
        "curvature": (lambda penalty: np.diagonal(penalty.hessian(WEIGHTS)), -0.2, 4),
    }
    return Picture(
        [
            Panel(
                title,
                [Curve(WEIGHTS, how(penalty), name) for name, penalty in penalties.items()],
                Axis("weight w", -2, 2),
                Axis("", low, high),
            )
            for title, (how, low, high) in shapes.items()
        ]
    )


Explorer(
    two_penalties,
    [slider(lm.L1Penalty, "strength", low=0.05, high=1.5, default=0.5)],
    title="One pull that fades and one that does not",
)

# %% [markdown]
# Where L2 meets zero it has no pull left, and L1 still has all of it. On the left below are
# these two rules, in the middle the same with two weights: the grey rings are the main loss, the
# black mark is its least, and the diamond and the circle are all weights whose penalty equals that
# of the solution. On the right, six weights are fitted to forty examples; only the first three of
# the six matter.

# %%
UNPENALISED = np.array([1.5, 0.6])  # what the main loss alone would choose
BEND = np.array([[1.0, 0.5], [0.5, 1.0]])
rng = np.random.default_rng(5)
INPUTS = rng.standard_normal((40, 6))
INPUTS = (INPUTS - INPUTS.mean(axis=0)) / INPUTS.std(axis=0)
OUTPUTS = INPUTS @ np.array([1.5, -1.0, 0.5, 0, 0, 0]) + 0.5 * rng.standard_normal(40)
GRAM, PULL = INPUTS.T @ INPUTS / 40, INPUTS.T @ OUTPUTS / 40


def soft(a, threshold):
    """Towards 0 by this amount, and not past it."""
    return np.sign(a) * np.maximum(np.abs(a) - threshold, 0.0)


def lasso(bend, wish, strength, rounds=60):
    """Least of half a quadratic with this curvature and pull, plus strength times the sum of |w|:
    soft thresholding of one weight after the other."""
    w = np.zeros(len(wish))
    for _ in range(rounds):
        for i in range(len(w)):
            w[i] = soft(wish[i] - bend[i] @ w + bend[i, i] * w[i], strength) / bend[i, i]
    return w


def ridge(bend, wish, strength):
    """The same with the sum of the squares."""
    return np.linalg.solve(bend + 2 * strength * np.eye(len(wish)), wish)


def total(penalty, w):
    return lm.HalfSquaredError()(INPUTS @ w, OUTPUTS) + float(penalty.value(w))


slopes = {}
for name, solve, penalty in (("L1", lasso, lm.L1Penalty(0.3)), ("L2", ridge, lm.L2Penalty(0.3))):
    w = solve(GRAM, PULL, 0.3)
    main = INPUTS.T @ lm.HalfSquaredError().gradient(INPUTS @ w, OUTPUTS, reduction="mean")
    slopes[name] = np.abs(main + penalty.gradient(w))
    print(name, "weights", np.round(w, 2), "slope of the total", np.round(slopes[name], 6))
assert np.allclose(slopes["L2"], 0, atol=1e-12)
assert np.allclose(slopes["L1"][lasso(GRAM, PULL, 0.3) != 0], 0, atol=1e-12)

# %% jupyter={"source_hidden": true}
WANTED = np.linspace(-2, 2, 81)
SIDE = np.linspace(-1, 2.5, 43)
OFF = np.stack(np.meshgrid(SIDE, SIDE), axis=-1) - UNPENALISED
RINGS = 0.5 * np.einsum("...i,ij,...j", OFF, BEND, OFF)
PRICES = np.geomspace(0.01, 3, 60)
PATHS = np.array([lasso(GRAM, PULL, p) for p in PRICES])
AROUND = np.linspace(0, 2 * np.pi, 49)
CORNERS = np.array([[1, 0], [0, 1], [-1, 0], [0, -1], [1, 0]])


def one_weight(strength):
    return Panel(
        "one weight",
        [
            Curve(WANTED, soft(WANTED, strength), "L1", stroke="blue"),
            Curve(WANTED, WANTED / (1 + 2 * strength), "L2", stroke="orange"),
        ],
        Axis("wanted a", -2, 2),
        Axis("kept w", -2, 2),
        equal=True,
    )


def two_weights(few, small):
    """Both solutions, each with all the weights whose penalty is the same."""
    diamond = np.abs(few).sum() * CORNERS
    circle = np.linalg.norm(small) * np.column_stack([np.cos(AROUND), np.sin(AROUND)])
    return Panel(
        "two weights",
        [
            Level(SIDE, SIDE, RINGS, (0.03, 0.15, 0.4, 0.8, 1.4), stroke="grey"),
            Curve(*diamond.T, stroke="blue"),
            Curve(*circle.T, stroke="orange"),
            Points(*few[:, None], stroke="blue", size=5),
            Points(*small[:, None], stroke="orange", size=5),
            Points(*UNPENALISED[:, None], stroke="ink", size=3),
        ],
        Axis("w₁", -1, 2.5),
        Axis("w₂", -1, 2.5),
        equal=True,
    )


def six_weights(strength):
    named = zip(PATHS.T, ("first", "second", "third"), strict=False)
    return Panel(
        "six weights under L1",
        [
            *(Curve(PRICES, path, label, "blue") for path, label in named),
            *(Curve(PRICES, path, stroke="grey") for path in PATHS.T[3:]),
            Rule(strength),
        ],
        Axis("λ", 0.01, 3, scale="log"),
        Axis("", -1.3, 1.8),
    )


def shrink(strength):
    few = lasso(BEND, BEND @ UNPENALISED, strength)
    small = ridge(BEND, BEND @ UNPENALISED, strength)
    return Picture(
        [one_weight(strength), two_weights(few, small), six_weights(strength)],
        readings={
            "w₂ under L1": few[1],
            "w₂ under L2": small[1],
            "weights left of the six": int((np.abs(lasso(GRAM, PULL, strength)) > 1e-12).sum()),
        },
    )


gone = {"L1": float(soft(0.5, 0.6)), "L2": 0.5 / (1 + 2 * 0.6)}
Explorer(
    shrink,
    [slider(lm.L1Penalty, "strength", low=0.01, high=3, default=0.3)],
    title="The same amount, or the same factor",
    predict=Predict(
        "A weight wants to be 0.5, and λ = 0.6. What is left of it under L1?",
        answer=gone["L1"],
        within=0.01,
        because=f"0.5 is less than the threshold. L2 would have kept 0.5 / 2.2 = {gone['L2']:.3f}.",
    ),
)

# %% [markdown]
# Push $\lambda$ up and see the diamond catch the blue dot on its corner: a corner is where one
# weight is exactly zero. The circle has no corners.
#
# Two traps. **Halves**: some write $\tfrac12\lambda w^2$ and call *that* weight decay, so their
# $\lambda$ counts half as much as this one. **Sums**: the main loss is a mean over examples, the
# penalty a sum over weights. Double the width of a layer, and the penalty weighs more although
# you changed no price.
#
# And **watch it fail**: plain gradient steps on L1 never arrive. A **proximal** step, one gradient
# step for the main loss and then soft thresholding, does.


# %%
def descend(strength, proximal, rate=0.1, steps=400):
    """The six weights after gradient steps, or after proximal ones."""
    w = np.zeros(6)
    for _ in range(steps):
        main = GRAM @ w - PULL
        if proximal:
            w = soft(w - rate * main, rate * strength)
        else:
            w = w - rate * (main + lm.L1Penalty(strength).gradient(w))
    return w


hopping, landed = descend(0.3, proximal=False), descend(0.3, proximal=True)
print("gradient steps:", np.round(hopping, 4))
print("proximal steps:", np.round(landed, 4))
zeros = {"gradient": int((hopping == 0).sum()), "proximal": int((landed == 0).sum())}

# %% [markdown]
# The proximal steps have 3<!--= zeros["proximal"] --> exact zeros, the plain ones
# 0<!--= zeros["gradient"] -->: each step throws the small weights from one side of zero to
# the other.
#
# ## Different features: orthogonality
#
# Two columns of a weight matrix $W$ that point the same way compute the same feature twice. The
# matrix $W^\top W$ holds all their inner products: squared lengths on its diagonal, and beside it
# how alike two columns are. The penalty asks for the identity matrix:
#
# $$\Omega = \big\| W^\top W - I \big\|^2, \qquad \nabla \Omega = 4\,W (W^\top W - I) ,$$
#
# where the bars mean the sum of all squared entries. Below are two columns, both of length $\ell$
# and an angle $\varphi$ apart.

# %% jupyter={"source_hidden": true}
TURNS = np.linspace(5, 175, 69)
ORTHOGONAL = lm.OrthogonalityPenalty(1.0)


def columns(angle, length):
    """The matrix of two columns of this length, this many degrees apart."""
    angle = np.radians(np.asarray(angle, dtype=float))
    first, second = np.ones_like(angle), np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    first = np.stack([first, 0 * first], axis=-1)
    return length * np.stack([first, second], axis=-1)


OPEN = np.column_stack([np.cos(AROUND), np.sin(AROUND)])


def alike(angle, length):
    w = columns(angle, length)
    bends = np.linalg.eigvalsh(ORTHOGONAL.hessian(w).reshape(4, 4))
    return Picture(
        [
            Panel(
                "two columns",
                [
                    Curve(OPEN[:, 0], OPEN[:, 1], stroke="grey", thin=True),
                    Arrows([0, 0], [0, 0], w[0], w[1], stroke="blue"),
                ],
                Axis("", -1.6, 1.6),
                Axis("", -1.6, 1.6),
                equal=True,
            ),
            Panel(
                "size of the entries of WᵀW",
                [Matrix(np.abs(w.T @ w), 0, 2.3, stroke="blue")],
                Axis("", 0, 2),
                Axis("", 0, 2),
                equal=True,
                bare=True,
            ),
            Panel(
                "penalty, by angle",
                [
                    Curve(TURNS, ORTHOGONAL.value(columns(TURNS, length)), "Ω", stroke="blue"),
                    Points([angle], [ORTHOGONAL.value(w)], stroke="blue", size=6),
                ],
                Axis("angle φ", 0, 180),
                Axis("", -0.4, 14),
            ),
        ],
        readings={
            "penalty": float(ORTHOGONAL.value(w)),
            "inner product of the columns": round(float(w[:, 0] @ w[:, 1]), 9) + 0.0,
            "least curvature": round(bends[0], 9) + 0.0,
            "largest": bends[-1],
        },
    )


right_angle = float(ORTHOGONAL.value(columns(90.0, 1.4)))
Explorer(
    alike,
    [
        Slider("angle", 5, 175, 50, symbol=r"\varphi", unit="degrees", meaning="angle"),
        Slider("length", 0.3, 1.5, 1, symbol="ℓ", meaning="length of both columns"),
    ],
    title="How alike are two columns?",
    predict=Predict(
        "Set the angle to 90° and the length to 1.4, so that both squared lengths are 1.96. What "
        "is the penalty?",
        answer=round(right_angle, 4),
        within=0.05,
        because="The columns share nothing, but each is too long: (1.96 − 1)² twice.",
    ),
)

# %% [markdown]
# > **Refute this.** *“Orthogonality losses penalise similarity.”* Look for a matrix whose columns
# > are as different as can be and which pays all the same, and for one that can never be satisfied.

# %%
long_ones = float(ORTHOGONAL.value(2 * np.eye(3)))
wide = np.random.default_rng(0).standard_normal((2, 5))
for _ in range(500):
    wide -= 0.01 * ORTHOGONAL.gradient(wide)
stuck = float(ORTHOGONAL.value(wide))
curved = np.linalg.eigvalsh(ORTHOGONAL.hessian(np.eye(2)).reshape(4, 4))
print(f"three orthogonal columns of length 2 pay {long_ones:.0f}")
print(f"five columns with two rows, after 500 steps downhill, pay {stuck:.3f}")
print("curvatures at the identity:", np.round(curved, 6))

# %% [markdown]
# Half right: it penalises similarity *and length*. Three perfectly orthogonal columns of length two
# pay 27<!--= f"{long_ones:.0f}" -->. And five columns in a plane cannot all be at right angles;
# the least that they can pay is 3.000<!--= f"{stuck:.3f}" -->, one for each column too many. For a
# wide matrix pass the transpose and ask for orthogonal *rows*.
#
# The curvatures tell one thing more. At the identity three of them are
# 8<!--= f"{curved[-1]:.0f}" --> and one is 0<!--= f"{curved[0]:.0f}" -->, along the rotations: the
# penalty cares how the columns stand to each other, not where they point. And with the length at
# its left end the curvature is *negative*: at zero the loss has a hilltop, not a valley.
#
# ## Same class, same place: the centre loss
#
# A classifier is content when classes are *separable*. For recognising faces you also want the
# examples of one class to lie close together. The **centre loss** charges half the squared
# distance of every example's features $x_i$ from the centre $c_{y_i}$ of its class. Its slope is
# simply $x_i - c_{y_i}$, and its curvature is one in all directions.
#
# Below, ninety examples in three classes move freely in the plane, thirty steps down the
# cross-entropy plus $\lambda$ times the centre loss.

# %%
rng = np.random.default_rng(7)
DIRECTIONS = 1.5 * np.array([[0, 1], [-np.sqrt(0.75), -0.5], [np.sqrt(0.75), -0.5]]).T
LABELS = np.repeat([0, 1, 2], 30)
MEMBERS = (LABELS[:, None] == np.arange(3)) / 30.0
NEWBORN = 0.9 * rng.standard_normal((90, 2)) + 0.7 * DIRECTIONS.T[LABELS]


@lru_cache(maxsize=256)
def settled(strength, rounds=30, rate=0.25):
    """Where the features go, their spread within a class, and the distance between classes."""
    x = NEWBORN.copy()
    for _ in range(rounds):
        main = lm.CrossEntropyFromLogits().gradient(x @ DIRECTIONS, LABELS) @ DIRECTIONS.T
        x = x - rate * (main + lm.CentreLoss(strength).gradient(x, MEMBERS.T @ x, LABELS)[0])
    centres = MEMBERS.T @ x
    within = float(np.sqrt(np.mean(np.sum((x - centres[LABELS]) ** 2, axis=1))))
    between = float(np.mean(np.linalg.norm(centres - np.roll(centres, 1, axis=0), axis=1)))
    return x, within, between


# %% jupyter={"source_hidden": true}
TIGHTNESS = np.geomspace(0.01, 1, 16)
SPREADS = np.array([settled(float(s))[1:] for s in TIGHTNESS])


def gathered(strength):
    x, within, between = settled(strength)
    strokes = ("blue", "orange", "green")
    return Picture(
        [
            Panel(
                "features of three classes",
                [
                    *(Points(*x[k == LABELS].T, stroke=strokes[k], size=2.5) for k in range(3)),
                    Points(*(MEMBERS.T @ x).T, stroke="ink", size=5),
                ],
                Axis("", -4, 4),
                Axis("", -4, 4),
                equal=True,
            ),
            Panel(
                "what the price does",
                [
                    Curve(TIGHTNESS, SPREADS[:, 1], "between classes", stroke="blue"),
                    Curve(TIGHTNESS, SPREADS[:, 0], "within a class", stroke="orange"),
                    Rule(strength),
                ],
                Axis("λ", 0.01, 1, scale="log"),
                Axis("distance", 0, 4.5),
            ),
        ],
        readings={"within a class": within, "between classes": between, "ratio": between / within},
    )


Explorer(
    gathered,
    [slider(lm.CentreLoss, "strength", low=0.01, default=0.1)],
    title="Gathering the classes",
)


# %%
def shrinking(with_main, rate=0.1, steps=200):
    """The scale of a network that may multiply all features by one number."""
    scale = 1.0
    for _ in range(steps):
        x = scale * NEWBORN
        slope = lm.CentreLoss(1 / 90).gradient(x, MEMBERS.T @ x, LABELS)[0]
        if with_main:
            logits = x @ DIRECTIONS
            slope = slope + lm.CrossEntropyFromLogits().gradient(logits, LABELS) @ DIRECTIONS.T / 90
        scale -= rate * np.sum(slope * NEWBORN)
    return scale


alone, together = shrinking(with_main=False), shrinking(with_main=True)
print(f"scale of the features, centre loss alone: {alone:.2g}   with the main loss: {together:.2f}")

# %% [markdown]
# The classes shrink to a point long before they come nearer to one another.
#
# **Watch it fail**: an auxiliary loss has no business alone. A network that may only scale its
# features meets the centre loss perfectly by scaling them to
# 4e-12<!--= f"{alone:.0e}" -->: everything in one point. With the main loss beside it the scale
# settles at 0.43<!--= f"{together:.2f}" -->.
#
# ## Few at a time: sparsity of activations
#
# L1 on activations makes them few. Another way is to say *how* few: a unit's mean activity
# $\hat\rho$ over many examples, a number between zero and one, should be near a small $\rho$. The
# penalty is the divergence of one coin from another,
#
# $$\rho \log\frac{\rho}{\hat\rho} + (1 - \rho) \log\frac{1 - \rho}{1 - \hat\rho}, \qquad
# \text{slope } \frac{\hat\rho - \rho}{\hat\rho\,(1 - \hat\rho)} .$$

# %% jupyter={"source_hidden": true}
ACTIVITY = np.linspace(0.004, 0.996, 125)


def lively(rho):
    loss = lm.SparsityKL(rho)
    across = Axis("mean activity ρ̂", 0, 1)
    bend = float(loss.hessian(rho))
    return Picture(
        [
            Panel(
                title,
                [
                    Curve(ACTIVITY, how(ACTIVITY), label, stroke="blue"),
                    Rule(rho, stroke="grey"),
                ],
                across,
                Axis("", low, high),
            )
            for title, how, label, low, high in (
                ("value", loss.value, "penalty", -0.15, 3),
                ("slope", loss.gradient, "penalty", -12, 12),
                ("curvature", loss.hessian, "penalty", -3, 80),
            )
        ],
        readings={
            "cost of a unit active half of the time": float(loss.value(0.5)),
            "curvature at the target": bend,
        },
    )


Explorer(
    lively,
    [slider(lm.SparsityKL, "rho")],
    title="A unit that should speak seldom",
)

# %%
busy = np.random.default_rng(1).random((10_000, 200)) < 0.05  # each unit is active 5% of the time
batches = {}
for n in (10, 100, 10_000):
    batches[n] = float(lm.SparsityKL()(busy[:n].mean(axis=0)))
    print(
        f"mean penalty of 200 well-behaved units, estimated from {n:5} examples: {batches[n]:.5f}"
    )

# %% [markdown]
# The curvature at the target is $1/(\rho(1-\rho))$: the rarer a unit should be, the stiffer the
# penalty. Its wall at zero is the trap. All the units in the cell behave exactly as they should,
# but with ten examples, or even a hundred, some of them happen to be silent, and silence costs
# $+\infty$. Estimate the activity over many batches, or accept L1.
#
# ## Undecided for longer: entropy
#
# A learner that acts must try things. If it settles on the first action that paid, it never meets
# a better one. So it is paid for being **undecided**: with $p = \operatorname{softmax}(z)$ the loss
# gets the term $-\beta H(p) = \beta \sum_c p_c \log p_c$, a loss that is negative unless the
# choice is certain.
#
# If action $c$ earns $R_c$, the total is
#
# $$-\sum_c p_c R_c + \beta \sum_c p_c \log p_c
# = \beta \sum_c p_c \log\frac{p_c}{e^{R_c/\beta}} .$$
#
# Up to a constant that is $\beta$ times the divergence of $p$ from the softmax of $R / \beta$, and
# a divergence is least when its two sides agree: $p$ proportional to $e^{R_c / \beta}$. The price
# $\beta$ is a temperature: hot is even, cold takes the best. (A rule for choosing actions, here
# $p$, is called a **policy**.)

# %%
EARNS = np.array([1.0, 0.8, 0.3, 0.0])
warm = lm.EntropyRegularisation(0.2)
at_best = EARNINGS.gradient(EARNS / 0.2, np.zeros(4), EARNS)
print("slope of the total at softmax(R / β):", np.round(at_best + warm.gradient(EARNS / 0.2), 12))
assert np.allclose(at_best + warm.gradient(EARNS / 0.2), 0, atol=1e-12)

# %% jupyter={"source_hidden": true}
WARMTHS = np.geomspace(0.02, 5, 60)
LOGITS = np.linspace(-6, 6, 97)
PAIRS = np.stack([LOGITS, 0 * LOGITS], axis=-1)


def policy(beta):
    """The best policy at this price, its mean earning and its entropy."""
    p = softmax(EARNS / np.asarray(beta)[..., None])
    return p, p @ EARNS, lm.entropy(p)


def undecided(beta):
    p, earned, entropy = policy(beta)
    loss = lm.EntropyRegularisation(beta)
    slopes = loss.gradient(PAIRS)[:, 0]
    bends = loss.hessian(PAIRS)[:, 0, 0]
    _, all_earned, all_entropies = policy(WARMTHS)
    return Picture(
        [
            Panel(
                "best policy",
                [Bars(p, ("A", "B", "C", "D"))],
                Axis("action", -0.5, 3.5),
                Axis("probability", 0, 1),
            ),
            Panel(
                "what the price buys",
                [
                    Curve(WARMTHS, all_earned, "earned", stroke="blue"),
                    Curve(WARMTHS, all_entropies, "entropy", stroke="orange"),
                    Rule(beta),
                ],
                Axis("β", 0.02, 5, scale="log"),
                Axis("", 0, 1.5),
            ),
            Panel(
                "the term, divided by β",
                [
                    Curve(LOGITS, loss.value(PAIRS) / beta, "value", stroke="blue"),
                    Curve(LOGITS, slopes / beta, "slope", stroke="orange"),
                    Curve(LOGITS, bends / beta, "curvature", stroke="green"),
                ],
                Axis("lead of one of two actions, z", -6, 6),
                Axis("", -0.8, 0.5),
            ),
        ],
        readings={
            "earned in the mean": float(earned),
            "entropy in nats": float(entropy),
            "probability of the best": float(p[0]),
        },
    )


Explorer(
    undecided,
    [slider(lm.EntropyRegularisation, "beta", low=0.02, high=5, default=0.2)],
    title="Paid for being undecided",
)

# %% [markdown]
# The right-hand picture has two surprises. The slope fades when the choice is nearly certain, so a
# policy that has *already* decided is hardly called back. And the curvature changes its sign: the
# term is no bowl. Now the commonest slip, the **sign**. A learner starts undecided between two
# actions, of which the second is truly better, but its first few tries say otherwise.


# %%
def learn(sign, steps=200, rate=0.5, beta=0.2):
    """Probability of the better action after learning from noisy rewards."""
    noise = np.random.default_rng(4)
    logits, estimate, tries = np.zeros(2), np.array([0.5, 0.0]), np.ones(2)
    for _ in range(steps):
        p = softmax(logits)
        action = int(noise.random() < p[1])
        tries[action] += 1
        reward = (0.5, 1.0)[action] + 0.1 * noise.standard_normal()
        estimate[action] += (reward - estimate[action]) / tries[action]
        want = EARNINGS.gradient(logits, np.zeros(2), estimate)
        logits = logits - rate * (want + sign * lm.EntropyRegularisation(beta).gradient(logits))
    return float(softmax(logits)[1]), int(tries[1]) - 1


explored, decided = learn(+1), learn(-1)
print(f"right sign: better action has probability {explored[0]:.3f}, tried {explored[1]} times")
print(f"wrong sign: better action has probability {decided[0]:.3f}, tried {decided[1]} times")

# %% [markdown]
# With the right sign the better action ends with probability
# 0.92<!--= f"{explored[0]:.2f}" -->. With the wrong one it ends with
# 0.01<!--= f"{decided[0]:.2f}" -->: the learner was paid to make up its mind, and did so after
# trying the better action 6<!--= decided[1] --> times.
#
# ## Sharing the work: balancing a mixture of experts
#
# In a **mixture of experts** a small router sends each token (a piece of text) to one of $E$
# expert networks. An expert that is used learns, a better expert is used more, and soon one does
# all the work. The usual remedy takes, for every expert $e$, the share $f_e$ of the tokens that
# are sent to it and the mean probability $P_e$ that the router gives it, and charges
#
# $$\Omega = E \sum_e f_e P_e .$$
#
# The shares come from a choice, "the largest score wins", whose derivative is zero or does not
# exist. They are held constant, and only $P$ carries a gradient: the slope in $P_e$ is $E f_e$, so
# it pushes probability away from the experts that are crowded just now. Here are thirty-two tokens
# and four experts that improve by practice; the first picture shows who works after sixty rounds.

# %%
PREFERENCES = 0.5 * np.random.default_rng(0).standard_normal((32, 4))
EVEN = lm.LoadBalancing(strength=1.0)


def chosen(scores):
    """Who each token is sent to, as ones and zeros."""
    return (scores.argmax(axis=-1)[..., None] == np.arange(scores.shape[-1])).astype(float)


def workplace(strengths, rounds=60, rate=2.0, learning=0.1):
    """Shares of the tokens by round, (rounds, prices, experts), and the experts' skill lacking."""
    bias, practice = np.zeros((2, len(strengths), 4))
    history = []
    for _ in range(rounds):
        scores = PREFERENCES + bias[:, None, :]
        share = chosen(scores).mean(axis=1)
        lack = np.broadcast_to(np.exp(-practice)[:, None, :], scores.shape)
        main = EARNINGS.gradient(scores, np.zeros_like(scores), -lack).mean(axis=1)
        balance = EVEN.gradient(scores).sum(axis=1)
        bias = bias - rate * (main + strengths[:, None] * balance)
        practice = practice + learning * share
        history.append(share)
    return np.array(history), np.exp(-practice)


STRENGTHS = np.geomspace(1e-3, 1, 49)
SHIFTS, LACKS = workplace(STRENGTHS)


def nearest(strength):
    """Which of the computed prices is closest."""
    return int(np.argmin(np.abs(np.log(STRENGTHS / strength))))


# %% jupyter={"source_hidden": true}
def shared(strength):
    k = nearest(strength)
    names = ("1", "2", "3", "4")
    return Picture(
        [
            Panel(
                "who works in the end",
                [Bars(SHIFTS[-1, k], names), Rule(0.25, along="y")],
                Axis("expert", -0.5, 3.5),
                Axis("share of the tokens", 0, 1),
            ),
            Panel(
                "share of each, by round",
                [
                    *(Curve(np.arange(60.0), SHIFTS[:, k, e], names[e], stroke)
                      for e, stroke in enumerate(("blue", "orange", "green", "purple"))),
                ],
                Axis("round", 0, 59),
                Axis("", 0, 1.02),
            ),
            Panel(
                "what the experts lack",
                [Bars(LACKS[k], names, stroke="orange")],
                Axis("expert", -0.5, 3.5),
                Axis("", 0, 1),
            ),
        ],
        readings={
            "largest share": SHIFTS[-1, k].max(),
            "experts at work": int((SHIFTS[-1, k] > 0).sum()),
            "mean lack of all four": LACKS[k].mean(),
        },
    )  # fmt: skip


Explorer(
    shared,
    [slider(lm.LoadBalancing, "strength", low=1e-3, high=1)],
    title="Who does the work?",
    live=True,
    predict=Predict(
        "At α = 0.01, how many of the four experts are still at work after sixty rounds?",
        choices=("1", "2", "3", "4"),
        answer=str(int((SHIFTS[-1, nearest(0.01)] > 0).sum())),
        because="A price of 0.01 is too weak here against experts that improve by practice.",
    ),
)

# %% [markdown]
# The price that is enough depends on how large the main loss's slopes are, here and in real models
# whose design has been published, such as the Switch Transformer and Mixtral. The number itself is
# harder to read than it looks.
#
# > **Refute this.** *“The balancing loss is lowest when the load is even.”* Even load gives one.
# > Try nine tokens that hardly prefer the first of two experts, and one that is sure of the second.

# %%
lukewarm = np.log(0.51 / 0.49)
even_scores = np.array([[1.0, 0.0], [0.0, 1.0]] * 5)
sly_scores = np.array([[lukewarm, 0.0]] * 9 + [[-8.0, 8.0]])
balances = {"even": float(EVEN.value(even_scores)), "nine to one": float(EVEN.value(sly_scores))}
for name, scores in (("even", even_scores), ("nine to one", sly_scores)):
    print(f"{name:12} shares {chosen(scores).mean(axis=0)}   loss {balances[name]:.4f}")
assert balances["nine to one"] < balances["even"] == 1

# %% [markdown]
# Refuted: a load of nine to one costs 0.934<!--= f"{balances['nine to one']:.3f}" -->, less than
# an even one, which costs 1.000<!--= f"{balances['even']:.3f}" -->. The crowded expert has a large
# *share* and a small mean *probability*. As a gradient this does no harm: it still pushes away from
# the crowd. As a gauge it misleads. Log the shares themselves.
#
# ## Obeying a law: physics-informed losses
#
# You have a few measurements of a quantity $u(t)$, and you know its law: it decays, $u' + u = 0$.
# A **physics-informed** loss asks the model for both: fit the data, and at many other places, where
# nothing was measured, let what remains of the law be small:
#
# $$\frac1n \sum_i (\hat u(t_i) - u_i)^2 + \frac\lambda m \sum_j
#   \big(\hat u'(s_j) + k\,\hat u(s_j)\big)^2 .$$
#
# The model below is a polynomial of degree six; it is linear in its seven coefficients, so that the
# best of them is a plain least-squares problem. All measurements are from the first third. The
# true law has $k = 1$, and you may believe another one.

# %%
END = 4.0
rng = np.random.default_rng(3)
MEASURED_AT = np.linspace(0.05, 1.3, 7)
MEASURED = np.exp(-MEASURED_AT) + 0.06 * rng.standard_normal(7)
TIMES = np.linspace(0, END, 41)


def polynomial(t, degree=6):
    """Legendre polynomials at these times, and their derivatives."""
    x = 2 * np.asarray(t) / END - 1
    slopes = [legendre.legval(x, legendre.legder(c)) for c in np.eye(degree + 1)]
    return legendre.legvander(x, degree), 2 / END * np.stack(slopes, axis=-1)


HERE, _ = polynomial(MEASURED_AT)
VALUES, SLOPES = polynomial(TIMES)


def obedient(strength, rate, data=HERE, law=None):
    """The coefficients of least physics-informed loss, and what they leave of the law."""
    law = SLOPES + rate * VALUES if law is None else law
    rows = [data / np.sqrt(len(data)), np.sqrt(strength / len(law)) * law]
    wish = np.append(MEASURED / np.sqrt(len(data)), np.zeros(len(law)))
    best = np.linalg.lstsq(np.concatenate(rows), wish, rcond=None)[0]
    return best, law @ best


best, left_over = obedient(1.0, 1.0)
of_data, of_law = lm.PhysicsInformed(1.0).gradient(HERE @ best, MEASURED, left_over)
slope = HERE.T @ of_data + (SLOPES + VALUES).T @ of_law
print("slope of the loss in the seven coefficients:", np.round(slope, 12))
assert np.allclose(slope, 0, atol=1e-10)

# %% jupyter={"source_hidden": true}
LAMBDAS = np.geomspace(1e-3, 1e3, 41)


def parts(strength, rate):
    """Mean squares of what is left of the data and of the law."""
    best, left = obedient(strength, rate)
    return np.mean((HERE @ best - MEASURED) ** 2), max(float(np.mean(left**2)), 1e-9)


@lru_cache(maxsize=64)
def trade(rate):
    return np.array([parts(strength, rate) for strength in LAMBDAS]).T


def physics(strength, rate):
    best, left = obedient(strength, rate)
    return Picture(
        [
            Panel(
                "the fit",
                [
                    Curve(TIMES, np.exp(-TIMES), "truth", stroke="grey"),
                    Curve(TIMES, VALUES @ best, "fit", stroke="blue"),
                    Points(MEASURED_AT, MEASURED, stroke="ink", size=3.5),
                ],
                Axis("time t", 0, END),
                Axis("u", -0.4, 1.4),
            ),
            Panel(
                "what is left of the law",
                [
                    Curve(TIMES, left, "u′ + ku", stroke="orange"),
                    Rule(0.0, along="y", stroke="grey"),
                ],
                Axis("time t", 0, END),
                Axis("", -1, 1),
            ),
            Panel(
                "mean squares",
                [
                    Curve(LAMBDAS, trade(rate)[0], "data", stroke="blue"),
                    Curve(LAMBDAS, trade(rate)[1], "law", stroke="orange"),
                    Rule(strength),
                ],
                Axis("λ", 1e-3, 1e3, "log", {1e-3: "10⁻³", 1.0: "1", 1e3: "10³"}),
                Axis("", 5e-10, 1, "log", {1e-8: "10⁻⁸", 1e-4: "10⁻⁴", 1.0: "1"}),
            ),
        ],
        readings={
            "misfit of the data": float(parts(strength, rate)[0]),
            "misfit of the law": float(parts(strength, rate)[1]),
            "farthest from the truth": float(np.abs(VALUES @ best - np.exp(-TIMES)).max()),
        },
    )


loose, firm = (parts(strength, 0.5)[0] for strength in (1e-3, 1e3))
Explorer(
    physics,
    [
        slider(lm.PhysicsInformed, "strength"),
        Slider("rate", 0.5, 1.5, 1, symbol="k", meaning="the rate you believe; the truth is 1"),
    ],
    title="Seven measurements and a law",
    predict=Predict(
        "You believe k = 0.5, but the truth is 1. Raise λ from 0.001 to 1000: the misfit of the "
        "data …",
        choices=("falls", "stays as it is", "rises"),
        answer="rises" if firm > 1.1 * loose else "falls",
        because="The firmer the law, the less the data can contradict it, even a wrong law.",
    ),
)

# %% [markdown]
# With the right law and $\lambda$ around one, seven noisy points in the first third give the whole
# curve. With the wrong law the fit obeys *you*, and the data no longer object.
#
# > **Refute this.** *“A prediction that violates the laws of physics incurs a massive penalty, so
# > the output obeys them.”* How large is the penalty, and what is the cheapest way to obey?

# %%
worst = {strength: np.abs(obedient(strength, 1.0)[1]).max() for strength in (1e-3, 1.0, 1e3)}
for strength, violation in worst.items():
    print(f"λ = {strength:6g}: largest violation of the law {violation:.4f}")
stiff_values, stiff_slopes = (part[:, :2] for part in polynomial(TIMES))  # straight lines only
stiff_data = HERE[:, :2]
flat = {}
for strength in (0.01, 1.0, 100.0):
    line, _ = obedient(strength, 1.0, stiff_data, stiff_slopes + stiff_values)
    flat[strength] = float(np.abs(stiff_values @ line).max())
    print(f"straight line, λ = {strength:6g}: farthest from 0 it gets is {flat[strength]:.3f}")

# %% [markdown]
# Refuted. The penalty is a price and not a wall: at $\lambda = 1$ the law is still violated by up
# to 0.04<!--= f"{worst[1.0]:.2f}" -->, and nothing at all is asked between the chosen places.
# And the law alone is obeyed perfectly by $u = 0$. A model that is too stiff for the true solution,
# here a straight line, escapes in that direction: with $\lambda = 100$ its largest value is
# 0.032<!--= f"{flat[100.0]:.3f}" -->. Small residuals of the equation do not mean a good solution.
# The two terms also have different *units*, so there is no natural price; measure both gradients
# before you choose one.
#
# ## Learning from your own next guess: temporal differences
#
# What is it worth to be in state $s$? Worth $V(s)$ should be the reward $r$ of the next step plus
# what the next state $s'$ is worth, discounted by $\gamma$ because it comes later. The **temporal
# difference** is the surprise
#
# $$\delta = r + \gamma V(s') - V(s), \qquad \text{loss } \tfrac12 \delta^2 .$$
#
# It needs no end of the story: the model's own next guess stands in for the rest. That guess is
# **held constant**. The gradient is $-\delta$ for $V(s)$ and zero for $V(s')$, so the loss pulls
# this guess towards the next one and not both towards each other. In $V(s)$ it is the plain
# parabola of half a squared error, with curvature one. Take eight rooms in a row. You walk from
# each to the next, and only leaving the last one pays, with a reward of one. All rooms are updated
# at once.

# %% jupyter={"source_hidden": true}
ROOMS = np.arange(1.0, 9)
PAYS = np.append(np.zeros(7), 1.0)


@lru_cache(maxsize=64)
def walks(discount, sweeps=40, rate=0.5):
    """The rooms' values after every sweep, (sweeps + 1, 8)."""
    values = [np.zeros(8)]
    for _ in range(sweeps):
        after = np.append(values[-1][1:], 0.0)  # nothing follows the last room
        of_value, _ = lm.TDError(discount).gradient(values[-1], after, PAYS)
        values.append(values[-1] - rate * of_value)
    return np.array(values)


def rooms(discount, sweeps):
    values = walks(discount)[round(sweeps)]
    truth = discount ** (8 - ROOMS)
    surprise = PAYS + discount * np.append(values[1:], 0.0) - values
    return Picture(
        [
            Panel(
                "what each room is worth",
                [
                    Curve(ROOMS, truth, "truth", stroke="grey"),
                    Curve(ROOMS, values, "guess", stroke="blue"),
                    Points(ROOMS, values, stroke="blue", size=4),
                ],
                Axis("room", 0.7, 8.3),
                Axis("value V", -0.2, 1.2),
            ),
            Panel(
                "the surprise in each room",
                [Bars(surprise, ("1", "2", "3", "4", "5", "6", "7", "8"), stroke="orange")],
                Axis("room", -0.5, 7.5),
                Axis("δ", -0.05, 1.05),
            ),
        ],
        readings={
            "mean loss": float(lm.TDError(discount)(values, np.append(values[1:], 0.0), PAYS)),
            "value of the first room": values[0],
            "its true value": truth[0],
        },
    )


after_three = int((walks(0.9)[3] > 0).sum())
Explorer(
    rooms,
    [
        slider(lm.TDError, "discount", default=0.9),
        Slider("sweeps", 0, 40, 8, symbol="n", meaning="sweeps over all rooms", whole=True),
    ],
    title="The news travels backwards",
    predict=Predict(
        "All guesses start at 0. In how many of the eight rooms is the guess above 0 after three "
        "sweeps?",
        answer=after_three,
        within=0.1,
        because="In one sweep the news of the reward travels one room back.",
    ),
)

# %% [markdown]
# > **Refute this.** *“The temporal difference is the difference between the current estimate and
# > the reward received plus the estimated value of the next state.”* Three things are missing. The
# > first is $\gamma$; put it to one and walk in a circle. The second is the sign. The third is the
# > most expensive: that the next value is held constant. From $A$ you come to $B$ or to $C$ with
# > equal chances; $B$ ends with reward one, $C$ with nothing.


# %%
def circle(discount, sweeps, rate=0.5):
    """The value of a single room that pays 1 and leads back to itself."""
    value = 0.0
    for _ in range(sweeps):
        value -= rate * float(lm.TDError(discount).gradient(value, value, 1.0)[0])
    return value


# The four moves that occur equally often: from, to (3 is the end), reward.
START, NEXT, REWARD = np.array([0, 0, 1, 2]), np.array([1, 2, 3, 3]), np.array([0, 0, 1.0, 0])


def three_states(whole_gradient, sweeps=300, rate=0.25):
    """Values of A, B and C; the whole gradient also moves the next value, by γ δ with γ = 1."""
    values = np.zeros(4)
    for _ in range(sweeps):
        surprise = REWARD + values[NEXT] - values[START]
        of_start, of_next = lm.TDError(1.0).gradient(values[START], values[NEXT], REWARD)
        np.add.at(values, START, -rate * of_start)
        np.add.at(values, NEXT, -rate * (surprise if whole_gradient else of_next))
        values[3] = 0.0  # the end is worth nothing
    return values[:3]


worth = {(d, n): circle(d, n) for d in (0.9, 1.0) for n in (100, 500)}
for (discount, sweeps), value in worth.items():
    print(f"γ = {discount}: after {sweeps} sweeps the circle is worth {value:.1f}")
held, moved = three_states(whole_gradient=False), three_states(whole_gradient=True)
print("A, B, C with the next value held constant:", np.round(held, 3))
print("A, B, C with the whole gradient:          ", np.round(moved, 3))
assert np.allclose(held, [0.5, 1, 0], atol=1e-3) and not np.allclose(moved, held, atol=0.1)

# %% [markdown]
# Refuted. Without $\gamma$ the circle is worth 250<!--= f"{worth[1.0, 500]:.0f}" --> after five
# hundred sweeps and keeps growing; with $\gamma = 0.9$ it is worth
# 10.0<!--= f"{worth[0.9, 500]:.1f}" -->. As to the sign, $\delta$ is *target minus estimate*, so
# that a positive surprise means "better than I thought". And if the gradient may also move the next
# value, $B$ is rated 0.75<!--= f"{moved[1]:.2f}" --> instead of
# 1.00<!--= f"{held[1]:.2f}" -->: since $A$ cannot tell which of the two will follow, the loss
# becomes smaller when $B$ and $C$ are made *alike*, and truth is paid for calm.
#
# **Watch it fail.** Holding the target constant means that no loss is being minimised, and
# then nothing promises that you arrive. One weight $w$ values a state as $w$ and the next one as
# $2w$, and nothing is ever earned. The right weight is zero. The first state is visited again and
# again, the second never. Two cures are tried: a copy of the weight for the targets, which is
# brought up to date only every fifty steps, and visiting the second state, too, whose walk ends.


# %%
def chase(steps=100, refresh=1, second=False, rate=0.1):
    """The weight after so many steps towards targets from a copy that is refreshed now and then."""
    weight, loss = 1.0, lm.TDError(0.9)
    for step in range(steps):
        if step % refresh == 0:
            copy = weight
        slope = loss.gradient(weight, 2 * copy, 0.0)[0]  # the first state's feature is 1
        if second:
            slope = slope + 2 * loss.gradient(2 * weight, 0.0, 0.0)[0]  # the second's is 2
        weight -= rate * float(slope)
    return weight


alone = {steps: chase(steps) for steps in (10, 50, 100)}
copied = {steps: chase(steps, refresh=50) for steps in (100, 1000)}
visited = chase(second=True)
print("w = 1, then", {steps: round(w, 2) for steps, w in alone.items()})
print("with a slow copy:", {steps: round(w, 1) for steps, w in copied.items()})
print(f"visiting the second state as well: {visited:.0e} after 100 steps")
assert alone[100] > 1000 and copied[1000] > 1000 and abs(visited) < 1e-6

# %% [markdown]
# The estimate chases a target that runs away nearly twice as fast: after a hundred steps it is at
# 2200<!--= f"{alone[100]:.0f}" -->. The slow copy, which practice keeps for calmer targets, delays
# the flight, to 3.2<!--= f"{copied[100]:.1f}" --> after a hundred steps, and does not end it: every
# fresh copy is the last one times $1.8$. What ends it is to learn from states as often as one
# really comes through them.
#
# ## The losses on one screen

# %%
table(*lm.catalogue("penalty"))

# %% [markdown]
# **How to choose a price.** First train with none and see what is really wrong. Then print both
# slopes, the main loss's and the auxiliary's, and start with a price that makes the second a tenth
# of the first. Judge by the wish itself (how many zeros, how even, how far from the law), never by
# the value of the auxiliary loss. And keep the units in mind: a sum grows with the model, a mean
# does not.
#
# ## Practise
#
# * [MAE and its subgradient](../exercises/02_mae_subgradient.ipynb): the kink that makes L1 hop.
# * [Masked mean](../exercises/04_masked_mean.ipynb): sums, means and what they are divided by.
# * [Does one term dominate?](../exercises/10_dominating_term.ipynb): measure the slopes of every
#   term before you choose a price.
#
# ## Further reading
#
# * Hoerl and Kennard, *Ridge regression* (1970); Tibshirani, *Regression shrinkage and selection
#   via the lasso* (1996).
# * Brock and others, *Neural photo editing with introspective adversarial networks* (2017), for
#   orthogonality; Wen and others, *A discriminative feature learning approach for deep face
#   recognition* (2016), for the centre loss.
# * Mnih and others, *Asynchronous methods for deep reinforcement learning* (2016), and Pereyra and
#   others, *Regularizing neural networks by penalizing confident output distributions* (2017).
# * Fedus, Zoph and Shazeer, *Switch Transformers* (2021); Jiang and others, *Mixtral of experts*
#   (2024).
# * Raissi, Perdikaris and Karniadakis, *Physics-informed neural networks* (2019); Wang, Teng and
#   Perdikaris, *Understanding and mitigating gradient flow pathologies* (2021).
# * Sutton, *Learning to predict by the methods of temporal differences* (1988); Baird, *Residual
#   algorithms* (1995), for the whole gradient.
