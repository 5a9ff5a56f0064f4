# %% [markdown]
# # 05 Contrastive and ranking: learning from comparison
#
# Your phone knows your face from a single photograph. It was never trained on you: no class in its
# network carries your name. It was trained to place pictures in a space where two pictures of one
# person lie close together and pictures of two people lie apart. You are recognised because you are
# *near yourself*.
#
# Nobody can say where in that space a face belongs. All we can say is *these two are the same* or
# *this one before that one*. So the losses of this chapter have no target. They compare. What is
# compared with what is then half of the loss, and most of what goes wrong.
#
# A network's output for one input is called its **embedding**, a vector. We write $u$ and $v$ for
# embeddings and $d = \|u - v\|$ for their distance.

# %%
import numpy as np

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

# %% [markdown]
# ## Pairs: pull and push
#
# Take two embeddings and one bit: similar ($s = 1$) or not ($s = 0$). The **contrastive pair loss**
# (Hadsell and others) is a spring for the first kind and a buffer for the second:
#
# $$s\,d^2 + (1 - s)\,\max(0,\ \mu - d)^2 .$$
#
# Similar pairs are pulled together with a force $2d$. Pairs that differ are pushed apart, the
# harder the closer they are, until they are a **margin** $\mu$ away. From there on nothing happens.

# %% jupyter={"source_hidden": true}
TOP = 3.0


def pair_shapes(margin):
    loss = lm.ContrastivePair(margin)
    around = np.linspace(1e-9, margin - 1e-9, 41), np.linspace(margin + 1e-9, TOP, 4)
    marks = [[], [], []]
    for label, similar, away in (
        ("similar", 1, np.linspace(1e-9, TOP, 41)),
        ("different", 0, np.concatenate(around)),
    ):
        pair = away[:, None], np.zeros((len(away), 1)), np.full(len(away), similar)
        shapes = (
            loss.value(*pair),
            loss.gradient(*pair)[0][:, 0],
            loss.hessian(*pair)[0][0][:, 0, 0],
        )
        for panel, y in zip(marks, shapes, strict=True):
            panel.append(Curve(away, y, label))
    return Picture(
        [
            Panel(title, panel, Axis("distance d", 0, TOP), Axis("", low, high))
            for title, panel, (low, high) in zip(
                ("value", "slope", "curvature"), marks, ((-0.2, 5), (-4, 4), (-0.2, 2.5)),
                strict=True,
            )
        ]
    )  # fmt: skip


shut = lm.ContrastivePair(margin=1.0)
push = np.abs(shut.gradient([[0.2], [0.8]], [[0.0], [0.0]], [0, 0])[0][:, 0])
Explorer(
    pair_shapes,
    [slider(lm.ContrastivePair, "margin", high=2.5)],
    title="A spring and a buffer",
    predict=Predict(
        "The margin is 1. One pair that should differ is 0.2 apart, another 0.8. How many times "
        "harder is the first pushed?",
        answer=round(float(push[0] / push[1]), 3),
        within=0.05,
        because=f"The push is 2(μ − d): {push[0]:.1f} against {push[1]:.1f}.",
    ),
)

# %% [markdown]
# > **Refute this.** *“The contrastive loss minimises the distance of similar pairs and maximises
# > the distance of different ones.”* What does a pair feel that is far apart already?

# %%
far = np.array([0.5, 0.99, 1.01, 100.0])
felt = shut.gradient(far[:, None], np.zeros((4, 1)), np.zeros(4))[0][:, 0]
for distance, slope in zip(far, felt, strict=True):
    print(f"different, {distance:6.2f} apart: pushed with {-slope:.2f}")
assert (felt[2:] == 0).all() and (felt[:2] < 0).all()

# %% [markdown]
# Refuted: the second half stops at the margin. Just below it a pair is pushed with
# 0.02<!--= f"{-felt[1]:.2f}" -->, just above with 0.00<!--= f"{abs(felt[2]):.2f}" -->. That is no
# flaw. Without the stop, the easiest way to lower the loss would be to blow up the whole space. And
# a warning about conventions: the original paper has one half in front, and calls similar pairs
# zero. Labels the wrong way round train without complaint.
#
# ## Triplets: closer than
#
# Pairs ask for absolute distances: none at all within a class, and the same $\mu$ between any two.
# Often we only mean a *comparison*. An **anchor** $a$ should be closer to its **positive** $p$ than
# to a **negative** $n$, by a margin:
#
# $$\max(0,\ D_{ap} - D_{an} + \mu) .$$
#
# Here $D$ is a distance, or its square; we shall see that this matters.
#
# Seen from the anchor this divides space into three zones. Negatives closer than the positive are
# **hard**. Those behind it, but by less than the margin, are **semi-hard**. All others are
# **easy**: they cost nothing and teach nothing. In the picture each ring is the outer edge of the
# zone that it names, and the grey dots are negatives.

# %% jupyter={"source_hidden": true}
crowd = np.random.default_rng(242).normal(scale=1.1, size=(24, 2))
ROUND = np.linspace(-np.pi / 2, 1.5 * np.pi, 49)


def ring(radius, label, stroke):
    return Curve(radius * np.cos(ROUND), radius * np.sin(ROUND), label, stroke)


def zones(margin, near):
    rings = {"squared": np.sqrt(near**2 + margin), "plain": near + margin}
    squares = (crowd**2).sum(axis=1)
    hard = (squares <= near**2).mean()
    semi = lm.semi_hard_negatives(near**2, squares, margin).mean()
    return Picture(
        [
            Panel(
                f"{name} distances",
                [
                    Points(crowd[:, 0], crowd[:, 1], stroke="grey", size=2.5),
                    ring(near, "hard", "orange"),
                    ring(outer, "semi-hard", "blue"),
                    Points([near], [0.0], "p", "green", size=5),
                    Points([0.0], [0.0], "a", "ink", size=5),
                ],
                Axis("x", -3, 3),
                Axis("y", -3, 3),
                equal=True,
            )
            for name, outer in rings.items()
        ],
        readings={
            "share of hard negatives": hard,
            "semi-hard, by squared distances": semi,
            "easy": 1 - hard - semi,
        },
    )


reach = float(np.sqrt(1.0**2 + 0.5))
Explorer(
    zones,
    [
        slider(lm.Triplet, "margin", high=1.5, default=0.5, meaning="how much closer p must be"),
        Slider("near", 0.5, 1.5, 1, symbol="d", meaning="distance from the anchor to p"),
    ],
    title="Which negatives does an anchor feel?",
    predict=Predict(
        "The positive is 1 away, the margin is 0.5 and distances are squared. Up to what distance "
        "from the anchor is a negative still pushed?",
        answer=round(reach, 4),
        within=0.015,
        because="The margin is added to the square of the distance: √(1 + 0.5).",
    ),
)

# %% [markdown]
# > **Refute this.** *“The triplet loss is zero once the positive is closer than the negative by the
# > margin.”* By the margin of what? Two libraries, one name:

# %%
a, p, n = [[0.0, 0.0]], [[1.0, 0.0]], [[1.4, 0.0]]
costs = {squared: float(lm.Triplet(0.5, squared)(a, p, n)) for squared in (True, False)}
a, p, n = [[0.0, 0.0]], [[0.1, 0.0]], [[0.62, 0.0]]
costs_near = {squared: float(lm.Triplet(0.5, squared)(a, p, n)) for squared in (True, False)}
for squared in (True, False):
    print(f"squared={squared!s:5}  distances 1 and 1.4 cost {costs[squared]:.3f}   "
          f"0.1 and 0.62 cost {costs_near[squared]:.3f}")  # fmt: skip
assert costs[True] == 0 < costs[False] and costs_near[False] == 0 < costs_near[True]

# %% [markdown]
# With squared distances (FaceNet) the margin has the unit of a square. The first triplet is fine
# and the second costs 0.126<!--= f"{costs_near[True]:.3f}" -->. With plain distances (PyTorch) the
# second is fine and the first costs 0.100<!--= f"{costs[False]:.3f}" -->. Look at the two rings
# above: the plain one has the same width everywhere, the squared one is wide near the anchor and
# thin far away. A margin does not carry over from one to the other.
#
# **Mining.** Most negatives are soon *easy*. Training then spends its time on triplets of
# gradient zero, and so the triplets are chosen: this is called mining. FaceNet took the semi-hard
# ones; Hermans and others took the hardest in every batch and found that better. Neither is
# always right: the hardest negative of a batch may simply carry a wrong label.
#
# ## Watch three losses arrange eighteen points
#
# Three classes of six points, scattered at random, and no network: the points move freely,
# downhill. On the left only similar pairs are used.

# %%
classes = np.repeat(np.arange(3), 6)
scattered = np.random.default_rng(2).normal(size=(18, 2))
i, j = np.triu_indices(18, 1)
same = (classes[i] == classes[j]).astype(int)
anchor, positive, negative = np.array(
    [
        (a, p, n)
        for a in range(18)
        for p in range(18)
        for n in range(18)
        if a != p and classes[a] == classes[p] != classes[n]
    ]
).T


def gathered(slopes, rows):
    """The gradient of the sum, in every point, from slopes at the points of pairs or triplets."""
    total = np.zeros((18, 2))
    for slope, row in zip(slopes, rows, strict=True):
        np.add.at(total, row, slope)
    return total


def similar_pairs(x):
    k = same == 1
    return gathered(lm.ContrastivePair(1.5).gradient(x[i[k]], x[j[k]], same[k]), (i[k], j[k]))


def all_pairs(x):
    return gathered(lm.ContrastivePair(1.5).gradient(x[i], x[j], same), (i, j))


def all_triplets(x):
    slopes = lm.Triplet(1.0).gradient(x[anchor], x[positive], x[negative])
    return gathered(slopes, (anchor, positive, negative))


def descend(gradient, x, rate, steps=48):
    path = [x]
    for _ in range(steps):
        path.append(path[-1] - rate * gradient(path[-1]))
    return path


# There are many more triplets than pairs, so each of them gets a smaller step.
paths = {
    "similar pairs only": descend(similar_pairs, scattered, rate=0.007),
    "all pairs, μ = 1.5": descend(all_pairs, scattered, rate=0.007),
    "all triplets, μ = 1": descend(all_triplets, scattered, rate=0.001),
}


def centres(x):
    return np.array([x[classes == c].mean(axis=0) for c in range(3)])


moved = np.abs(centres(paths["similar pairs only"][-1]) - centres(scattered)).max()


def awake(x):
    """Share of the triplets that still cost anything."""
    return float((lm.Triplet(1.0).value(x[anchor], x[positive], x[negative]) > 0).mean())


# %% jupyter={"source_hidden": true}
CLASS_STROKES = ("blue", "orange", "green")


def arranged(step):
    panels = [
        Panel(
            title,
            [
                Points(*path[round(step)][classes == c].T, name, stroke=stroke, size=4)
                # On the left all names would end in one place.
                for c, (name, stroke) in enumerate(zip(names, CLASS_STROKES, strict=True))
            ],
            Axis("", -3, 3),
            Axis("", -3, 3),
            equal=True,
        )
        for (title, path), names in zip(paths.items(), (("", "", ""), "ABC", "ABC"), strict=True)
    ]
    return Picture(
        panels,
        readings={"triplets that still cost": awake(paths["all triplets, μ = 1"][round(step)])},
    )


Explorer(
    arranged,
    [Slider("step", 0, 48, 48, symbol="step", meaning="steps of gradient descent", whole=True)],
    title="Eighteen points find their places",
    predict=Predict(
        "On the left, only pairs of one class pull. Each class shrinks. What do the centres of the "
        "three classes do?",
        choices=("they move apart", "they move together", "they stay"),
        answer="they stay" if moved < 1e-9 else "they move apart",
        because="Every pull in a class has its counter-pull; between classes there is none.",
    ),
)

# %% [markdown]
# The left panel is the first failure of this chapter: **collapse**. Pulling alone is satisfied when
# all members of a class share one point, and nothing keeps the classes apart. In a network it is
# worse, because *every* input may be sent to the same point:

# %%
nowhere = np.zeros((18, 2))
k = same == 1
collapsed = float(lm.ContrastivePair(1.5)(nowhere[i[k]], nowhere[j[k]], same[k]))
stuck = np.abs(all_triplets(nowhere)).max()
print(f"loss of similar pairs with everything in one point: {collapsed:.1f}")
print(f"triplet loss there: {float(lm.Triplet(1.0)(*(nowhere[[q]] for q in (0, 1, 6)))):.1f}, "
      f"and its gradient: {stuck:.1f}")  # fmt: skip
first, last = awake(scattered), awake(paths["all triplets, μ = 1"][-1])
print(f"triplets that still cost: {first:.0%} at first, {last:.0%} in the end")

# %% [markdown]
# The pair loss calls the collapse perfect. The triplet loss charges its margin for it, but its
# gradient there is 0.0<!--= f"{stuck:.1f}" -->, so once everything has fallen together nothing
# pulls it apart again. A loss that sits exactly at its margin is how you recognise it. The other
# number is the easy majority: at the start 69%<!--= f"{first:.0%}" --> of the triplets cost
# something, in the end 0%<!--= f"{last:.0%}" -->.
#
# ## InfoNCE: find your partner among many
#
# One negative at a time is slow. Give the anchor a whole line-up instead: one positive and many
# negatives, each with a similarity $s_j$ (larger is closer). *Which is the partner?* That is a
# classification, and we know its loss: cross-entropy, with the similarities over a **temperature**
# $\tau$ as logits. It is called InfoNCE (van den Oord and others):
#
# $$-\log p_+, \qquad p_j = \frac{e^{s_j/\tau}}{\sum_k e^{s_k/\tau}},
# \qquad\text{with slopes}\quad \frac{p_+ - 1}{\tau}\ \text{ and }\ \frac{p_j}{\tau} .$$
#
# The positive is in the denominator as well. Every negative is pushed in proportion to its own
# $p_j$: the mining is built in, and $\tau$ says how picky it is.
#
# With a batch of pairs the line-up is free: everyone else's partner serves as a negative. Row $i$
# of the matrix holds the similarities of anchor $i$, and the right answers stand on the diagonal.

# %%
rng = np.random.default_rng(12)
directions = rng.normal(size=(6, 4))
views = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in
         (directions, directions + 0.6 * rng.normal(size=(6, 4)))]  # fmt: skip
similarities = views[0] @ views[1].T
partners = np.arange(6)


# %% jupyter={"source_hidden": true}
NAMES = tuple(str(q + 1) for q in partners)
COLUMNS = Axis("candidate", 0, 6, ticks={q + 0.5: name for q, name in enumerate(NAMES)})
ROWS = Axis("anchor", 0, 6, ticks={5.5 - q: name for q, name in enumerate(NAMES)})


def lineup(temperature, anchor):
    loss = lm.InfoNCE(temperature)
    chance = np.exp(-loss.value(similarities[:, None, :].repeat(6, 1), np.tile(partners, (6, 1))))
    row = round(anchor) - 1
    pull = -loss.gradient(similarities, partners)[row] * temperature
    return Picture(
        [
            Panel("similarities", [Matrix(similarities, low=-1, high=1)],
                  COLUMNS, ROWS, equal=True),
            Panel("probabilities p", [Matrix(chance, low=0, high=1, stroke="orange")],
                  COLUMNS, ROWS, equal=True),
            Panel("pull of one anchor, times τ", [Bars(pull, names=NAMES, stroke="orange")],
                  Axis("candidate", -0.6, 5.6), Axis("", -1, 1)),
        ],
        readings={
            "loss": float(loss(similarities, partners)),
            "mean entropy of the rows": float(np.mean(lm.entropy(chance))),
            "largest slope": float(np.abs(loss.gradient(similarities, partners)).max()),
        },
    )  # fmt: skip


perfect = float(lm.InfoNCE(1.0)(np.eye(8), np.arange(8)))
Explorer(
    lineup,
    [
        slider(lm.InfoNCE, "temperature", low=0.02, high=2, default=0.2),
        Slider("anchor", 1, 6, 3, meaning="whose pulls are shown", whole=True),
    ],
    title="Six anchors look for their partners",
    predict=Predict(
        "Eight perfect pairs: every anchor has cosine 1 with its partner and 0 with the seven "
        "others. What is InfoNCE at τ = 1?",
        answer=round(perfect, 3),
        within=0.03,
        because="The partner's share is only e / (e + 7): a cosine cannot exceed 1.",
    ),
)

# %% [markdown]
# **Things to try.** At the right end of the slider every row is nearly even, and all negatives are
# pushed alike, however far they are. Move left: each row decides, its entropy falls, and the push
# goes to the one or two most similar negatives. Further left still, only mistakes pull at all: the
# third anchor takes the first candidate for its partner, while the first anchor, which is right,
# comes to rest.
#
# Even perfect pairs have a loss of 1.274<!--= f"{perfect:.3f}" --> at $\tau = 1$. Cosines live
# between minus one and one, so that the softmax can never become sure unless $\tau$ is small. That
# is why values near a tenth are common, and why CLIP learns its temperature.
#
# > **Refute this.** *“InfoNCE is cross-entropy, so its gradient in the positive similarity is
# > $p_+ - 1$.”* Ask the difference quotient.


# %%
def quotient(temperature, h=1e-6):
    """Slope of the loss in the positive similarity of the first row, by difference."""
    row = similarities[0]
    step = h * np.eye(6)[0]
    loss = lm.InfoNCE(temperature)
    return float(loss.value(row + step, 0) - loss.value(row - step, 0)) / (2 * h)


ratios = {}
for tau in (1.0, 0.2, 0.07):
    chance = float(np.exp(-lm.InfoNCE(tau).value(similarities[0], 0)))
    ratios[tau] = quotient(tau) / (chance - 1)
    print(f"τ = {tau:4}: p − 1 = {chance - 1:8.4f}   true slope {quotient(tau):8.4f}   "
          f"ratio {ratios[tau]:.2f}")  # fmt: skip
assert np.allclose([ratios[t] * t for t in ratios], 1, rtol=1e-4)

# %% [markdown]
# The factor $1/\tau$ is missing: at $\tau = 0.07$ the true slope is 14.3<!--= f"{ratios[0.07]:.1f}"
# --> times larger. Turn the temperature down and you turn the learning rate up. The **Hessian**,
# $(\operatorname{diag}(p) - pp^\top)/\tau^2$, even has the square. With a single negative all of it
# can be drawn, over the lead $s_+ - s_1$ of the positive:

# %% jupyter={"source_hidden": true}
LEADS = np.linspace(-1, 1, 81)


def one_negative(temperature):
    loss = lm.InfoNCE(temperature)
    pair = np.column_stack([LEADS, 0 * LEADS]), np.zeros(len(LEADS), int)
    shapes = {
        "loss, times τ": (loss.value(*pair) * temperature, -0.1, 1.5),
        "slope, times τ": (loss.gradient(*pair)[:, 0] * temperature, -1.1, 0.1),
        "curvature, times τ²": (loss.hessian(*pair)[:, 0, 0] * temperature**2, -0.02, 0.3),
    }
    return Picture(
        [
            Panel(
                title, [Curve(LEADS, y)], Axis("lead of the positive", -1, 1), Axis("", low, high)
            )
            for title, (y, low, high) in shapes.items()
        ]
    )


Explorer(
    one_negative,
    [slider(lm.InfoNCE, "temperature", low=0.02, high=1, default=0.2)],
    title="InfoNCE with one negative",
)

# %% [markdown]
# Sharp where the row is undecided, flat where it is sure. A small $\tau$ leaves only a narrow strip
# of leads in which the landscape bends at all, and bends it there by $1/\tau^2$.
#
# ## What a line-up can prove
#
# InfoNCE has a second reading. If the pairs have mutual information $I$ (how many nats one half
# tells about the other), then for line-ups of $c$ candidates, *the positive included*, and for the
# mean loss over many of them,
#
# $$I \ge \log c - \text{loss}.$$
#
# The loss is never negative, so a line-up of $c$ can never prove more than $\log c$. Two correlated
# Gaussians, where the true $I$ and the best possible similarity are known:

# %%
rho = 0.999
information = -0.5 * np.log(1 - rho**2)


def proven(candidates, rounds=2000):
    """log c − InfoNCE, with the best possible similarity: the log-ratio of the densities."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((rounds, 1))
    y = rng.standard_normal((rounds, candidates))
    y[:, :1] = rho * x + np.sqrt(1 - rho**2) * y[:, :1]
    ratio = -0.5 * (y - rho * x) ** 2 / (1 - rho**2) + 0.5 * y**2
    return np.log(candidates) - float(lm.InfoNCE(1.0)(ratio, np.zeros(rounds, int)))


bounds = {c: proven(c) for c in (2, 8, 64, 512)}
for c, bound in bounds.items():
    print(f"{c:3} candidates: at least {bound:.2f} of {information:.2f} nats")
assert all(bound <= min(np.log(c), information) for c, bound in bounds.items())

# %% [markdown]
# With eight candidates we learn that $I$ is at least 1.84<!--= f"{bounds[8]:.2f}" -->, with five
# hundred and twelve 3.07<!--= f"{bounds[512]:.2f}" -->; the truth is 3.11<!--= f"{information:.2f}"
# -->. Larger batches make harder line-ups. (Count carefully: some texts write $N$ for the
# *negatives*, and then the bound has $\log(N + 1)$.)
#
# ## SimCLR and CLIP
#
# Both are InfoNCE with cosines and the batch as a line-up.
#
# * **NT-Xent** (SimCLR) takes two distorted views of each image. Every view looks for its twin
#   among *all* other views.
# * **CLIP** has images and captions. Images look for captions along the rows, captions look for
#   images down the columns, and the two losses are averaged. The factor $1/\tau$ is learned, and
#   never allowed above a hundred.
#
# Below, six images have two views each, drawn as directions. The arrows are what NT-Xent wants.

# %% jupyter={"source_hidden": true}
turns = np.array([0.0, 0.5, 1.9, 2.9, 3.4, 5.0])
taus = np.geomspace(0.05, 2, 61)


def on_circle(angles):
    return np.column_stack([np.cos(angles), np.sin(angles)])


twins = on_circle(turns), on_circle(turns + np.array([0.25, 0.3, -0.3, 0.2, 0.3, 0.35]))
by_tau = {
    "NT-Xent": [float(lm.NTXent(t).value(*twins)) for t in taus],
    "CLIP": [float(lm.CLIP().value(*twins, np.log(1 / t))) for t in taus],
}


def circle(temperature):
    marks = []
    for view, slope, stroke in zip(
        twins, lm.NTXent(temperature).gradient(*twins), ("blue", "orange"), strict=True
    ):
        wish = -6 * temperature * slope
        marks += [
            Arrows(*view.T, *wish.T, stroke="ink"),
            Points(*view.T, stroke=stroke, size=5),
        ]
    lines = [Curve(*np.stack(pair, axis=1), stroke="grey", thin=True)
             for pair in zip(*twins, strict=True)]  # fmt: skip
    return Picture(
        [
            Panel("two views each, and their pulls, times τ",
                  [ring(1.0, "", "grey"), *lines, *marks],
                  Axis("", -1.5, 1.5), Axis("", -1.5, 1.5), equal=True),
            Panel("loss of this batch",
                  [Curve(taus, y, name) for name, y in by_tau.items()] + [Rule(temperature)],
                  Axis("τ", 0.05, 2, "log"), Axis("", 0, 2.5)),
        ]
    )  # fmt: skip


Explorer(
    circle,
    [slider(lm.NTXent, "temperature")],
    title="Twins attract, everybody else repels",
)

# %% [markdown]
# Arrows are at a right angle to the vectors: a cosine does not feel length. At a high temperature
# every pair of twins is drawn together, near or not, while all strangers push a little. At a low
# one only the undecided move: views whose nearest neighbour is a stranger. Twins that have found
# each other rest. On the right, both losses head for the logarithm of the size of a line-up, and
# that is eleven candidates for NT-Xent but six for CLIP: their values cannot be compared.
#
# Two ways to spoil it, both seen in the wild. **Compare a view with itself**, and it finds a
# candidate of cosine one that it can never beat. And let a **false negative** into the line-up: a
# second picture of the same thing, which is then pushed away.

# %%
batch = np.concatenate(twins)
cosines = batch @ batch.T
twin_of = np.roll(np.arange(12), 6)
spoiled = float(lm.InfoNCE(0.1)(cosines, twin_of))
right = float(lm.NTXent(0.1).value(*twins))
ideal = np.repeat(np.eye(6), 2, axis=0)
floor = float(lm.InfoNCE(0.1)(ideal @ ideal.T, np.arange(12) ^ 1))
print(f"self-similarity left in: {spoiled:.2f}, left out: {right:.2f}")
print(f"self-similarity left in, for perfect embeddings: {floor:.3f}")

lineup_of_dogs = np.array([[0.8, 0.8, 0.1, 0.0]])  # the second is a dog too
pushed = lm.InfoNCE(0.1).gradient(lineup_of_dogs, [0])[0]
print("pull on partner, other dog, cat, car:", np.round(-pushed, 2))

# %% [markdown]
# With itself in the line-up even a perfect embedding pays 0.693<!--= f"{floor:.3f}" -->, about
# $\log 2$: a coin between itself and its twin. And the other dog is pushed away with −5.00<!--=
# f"{-pushed[1]:.2f}".replace("-", "−") -->, as hard as the partner is pulled, *because* the
# embedding is good. Batches of many similar things need care with what counts as a negative.
#
# ## Angles
#
# When only directions matter, say so. The **cosine embedding loss** takes pairs again: $1 - \cos(u,
# v)$ for those that belong together, $\max(0, \cos(u, v) - \mu)$ for those that do not.


# %% jupyter={"source_hidden": true}
def cosine_shapes(margin):
    loss = lm.CosineEmbedding(margin)
    edge = np.clip(np.arccos(margin), 0.01, np.pi - 0.01)
    angles = np.concatenate(
        [np.linspace(1e-3, edge - 1e-9, 61), np.linspace(edge + 1e-9, np.pi - 1e-3, 10)]
    )
    value, slope = [], []
    for label, y, theta in (("belong", 1, np.linspace(1e-3, np.pi - 1e-3, 61)),
                            ("do not", -1, angles)):  # fmt: skip
        moving, sideways = on_circle(theta), on_circle(theta + np.pi / 2)
        pair = moving, np.tile([1.0, 0.0], (len(theta), 1)), np.full(len(theta), y)
        value.append(Curve(theta, loss.value(*pair), label))
        slope.append(Curve(theta, (loss.gradient(*pair)[0] * sideways).sum(axis=1), label))
    across = Axis("angle θ", 0, 3.2)
    return Picture(
        [Panel("value", value, across, Axis("", -0.1, 2.1)),
         Panel("slope in the angle", slope, across, Axis("", -1.1, 1.1))]
    )  # fmt: skip


Explorer(
    cosine_shapes,
    [slider(lm.CosineEmbedding, "margin")],
    title="Cosine embedding, as one vector turns away from the other",
)

# %% [markdown]
# > **Refute this.** *“The cosine embedding loss measures the cosine of the angle between two
# > vectors.”*

# %%
pairs = {"the same way": [1.0, 0.0], "at a right angle": [0.0, 1.0], "opposite": [-1.0, 0.0]}
print("                   cosine   loss if they belong   loss if they do not")
charged = {}
for name, v in pairs.items():
    charged[name] = [float(lm.CosineEmbedding().value([1.0, 0.0], v, y)) for y in (1, -1)]
    print(f"{name:18} {v[0]:+.0f}       {charged[name][0]:.0f}                     "
          f"{charged[name][1]:.0f}")  # fmt: skip
short, long = (
    np.linalg.norm(lm.CosineEmbedding().gradient([0.0, size], [1.0, 0.0], 1)[0])
    for size in (1.0, 100.0)
)
print(f"pull on a vector of length 1: {short:.2f}   of length 100: {long:.2f}")
assert charged["opposite"] == [2, 0] and charged["the same way"] == [0, 1]

# %% [markdown]
# It measures what is *wrong* with the cosine: one minus it, or its excess. Opposite vectors that
# need not belong cost 0<!--= f"{charged['opposite'][1]:.0f}" -->, not minus one. Note the slope in
# the picture, too: it is a sine. A pair that belongs but points *opposite* ways, the worst error of
# all, feels no pull. And a vector of length a hundred feels a hundredth: 0.01<!--= f"{long:.2f}"
# --> against 1.00<!--= f"{short:.2f}" -->.
#
# **ArcFace** (Deng and others) trains faces as classes, with one direction per person. Its logits
# are cosines times a scale $\gamma$, and the right class must win by an *angle*: its own logit is
# $\gamma\cos(\theta + \mu)$. Once $\theta + \mu$ passes $\pi$ this cosine would rise again, so from
# there on it is replaced by $\cos\theta - \mu\sin\mu$, which keeps falling, at the price of a step
# where the two meet.

# %% jupyter={"source_hidden": true}
RIVAL = np.cos(np.pi / 2)  # every other class stands at a right angle


def arc_shapes(margin, scale):
    turn = np.pi - margin
    seam = np.concatenate([np.linspace(0.02, turn - 1e-6, 31),
                           np.linspace(turn + 1e-6, np.pi, 7)])  # fmt: skip
    marks = [[], [], []]
    for name, record, angles in (
        ("ArcFace", lm.ArcFace(margin, scale), seam),
        ("no margin", lm.ArcFace(0.0, scale), np.linspace(0.02, np.pi, 41)),
    ):
        cosines = np.column_stack([np.cos(angles), *[np.full_like(angles, RIVAL)] * 9])
        label = np.zeros(len(angles), int)
        own = record.variables(cosines, label)[0][:, 0]  # the cosine with the margin at work
        value = record.value(cosines, label) / scale
        slope = -record.gradient(cosines, label)[:, 0] * np.sin(angles) / scale
        for panel, y in zip(marks, (own, value, slope), strict=True):
            panel.append(Curve(angles, y, name))
    across = Axis("angle θ", 0, 3.2)
    return Picture(
        [
            Panel(title, panel, across, Axis("", low, high))
            for title, panel, (low, high) in zip(
                ("own logit / γ", "loss / γ", "slope in the angle / γ"), marks,
                ((-2, 1.2), (-0.1, 2.5), (-0.1, 1.4)), strict=True,
            )
        ]
    )  # fmt: skip


with_margin = float(lm.ArcFace(0.5, 16.0).value([[np.cos(1.2), *[0.0] * 9]], [0])[0])
without = float(lm.ArcFace(0.0, 16.0).value([[np.cos(1.2), *[0.0] * 9]], [0])[0])
Explorer(
    arc_shapes,
    [slider(lm.ArcFace, "margin"), slider(lm.ArcFace, "scale", low=4, default=16)],
    title="ArcFace: ten classes, nine of them at a right angle",
)

# %% [markdown]
# A face that is $1.2$ radians from its class is nearer to it than to any other
# (a right angle is more). Without a margin the loss is 0.03<!--= f"{without:.2f}" --> and training
# is content; with a margin of a half it is 4.27<!--= f"{with_margin:.2f}" -->, and the face is
# pulled in. The margin makes classes narrow, so that *unseen* people find room between them. It is
# in radians here; some libraries take degrees, and a half of a degree is no margin at all. The
# right panel shows what the step costs: just before it the pull has faded to nothing, and a face
# there hardly moves, far as it is from its own class.
#
# **Circle loss** (Sun and others) looks at an anchor's similarity $s_p$ to a positive and $s_n$ to
# a negative, which should pass the marks $1 - m$ and $m$:
#
# $$\log\left(1 + e^{\gamma\,\left(\alpha_n (s_n - m) + \alpha_p (1 - m - s_p)\right)}\right),
# \qquad \alpha_n = \max(0,\ s_n + m), \quad \alpha_p = \max(0,\ 1 + m - s_p) .$$
#
# What each of the two lacks is weighed by how far it still is from a goal *beyond* its mark. Here
# is its landscape, beside that of InfoNCE with the same two candidates and $\tau = 1/\gamma$.

# %% jupyter={"source_hidden": true}
GRID = np.linspace(0, 1, 13)
COARSE = np.linspace(0.1, 0.9, 5)
CANDIDATES = np.stack(np.meshgrid(GRID, GRID), axis=-1)  # (s_n, s_p) in the last axis
SPOTS = np.stack(np.meshgrid(COARSE, COARSE), axis=-1).reshape(-1, 2)


def landscapes(margin, scale):
    ours, plain = lm.Circle(margin, scale), lm.InfoNCE(1 / scale)
    kinds = np.zeros(CANDIDATES.shape)
    kinds[..., 1] = 1
    heights = {
        "Circle": (ours.value(CANDIDATES, kinds),
                   ours.gradient(SPOTS, np.tile([0, 1], (len(SPOTS), 1)))),
        "InfoNCE": (plain.value(CANDIDATES, np.ones(CANDIDATES.shape[:-1], int)),
                    plain.gradient(SPOTS, np.ones(len(SPOTS), int))),
    }  # fmt: skip
    return Picture(
        [
            Panel(
                f"{name}: loss / γ",
                [
                    Level(GRID, GRID, value / scale, (0.05, 0.2, 0.4, 0.6, 0.8, 1.0),
                          stroke=stroke),
                    Arrows(*SPOTS.T, *(-0.1 / scale * slope.T), stroke="ink"),
                ],
                Axis("negative sₙ", 0, 1),
                Axis("positive sₚ", 0, 1),
                equal=True,
            )
            for (name, (value, slope)), stroke in zip(
                heights.items(), ("blue", "orange"), strict=True
            )
        ]
    )  # fmt: skip


Explorer(
    landscapes,
    [slider(lm.Circle, "margin"), slider(lm.Circle, "scale", default=32.0)],
    title="Two landscapes over the same two similarities",
)

# %% [markdown]
# InfoNCE sees the difference $s_p - s_n$ only: straight contours, all arrows parallel. A pair of
# similarities that are both high is as good as one where both are low. Circle's contours are arcs
# around the corner where the positive has one and the negative zero, and its arrows turn: whichever
# of the two is further off is moved more. (The weights $\alpha$ are held constant in the published
# gradient. Automatic differentiation through them gives another one.)
#
# ## Ranking: who is ahead?
#
# Sometimes there is no space at all, only scores to be ordered: search results, chess players,
# answers. Two losses of the difference $d = s_a - s_b$, where $a$ should be ahead:
#
# * **Margin ranking** is a hinge, $\max(0, \mu - d)$: satisfied once $a$ leads by $\mu$.
# * **Bradley–Terry** takes scores for logarithms of strengths. The chance that $a$ wins is its
#   share of the two strengths, $e^{s_a}/(e^{s_a} + e^{s_b}) = \sigma(d)$, and the loss is the
#   surprise that it did, $-\log\sigma(d)$. It is never quite satisfied. A margin,
#   $-\log\sigma(d - \mu)$, makes it demand more.


# %% jupyter={"source_hidden": true}
def rankings(margin):
    leads = np.concatenate([np.linspace(-9, margin - 1e-9, 41), np.linspace(margin + 1e-9, 5, 41)])
    zero, one = np.zeros_like(leads), np.ones_like(leads)
    shapes = {
        "hinge": (lm.MarginRanking(margin), (leads, zero, one)),
        "Bradley–Terry": (lm.BradleyTerry(margin), (leads, zero)),
    }
    marks = [[], [], []]
    for name, (loss, given) in shapes.items():
        for panel, y in zip(
            marks,
            (loss.value(*given), loss.gradient(*given)[0], loss.hessian(*given)[0][0]),
            strict=True,
        ):
            panel.append(Curve(leads, y, name))
    return Picture(
        [
            Panel(title, panel, Axis("lead d", -9, 5), Axis("", low, high))
            for title, panel, (low, high) in zip(
                ("value", "slope", "curvature"), marks, ((-0.5, 10), (-1.25, 0.25), (-0.03, 0.3)),
                strict=True,
            )
        ]
    )  # fmt: skip


lazy = float(lm.MarginRanking().value(0.0, 0.0, 1))
Explorer(
    rankings,
    [slider(lm.MarginRanking, "margin", high=3, default=1)],
    title="How much of a lead is enough?",
    predict=Predict(
        "A model gives every item the same score. What is its margin-ranking loss if the margin "
        "is 0, as it is by default in many libraries?",
        answer=lazy,
        within=0.01,
        because="With margin 0 a tie is already good enough: giving up is a perfect solution.",
    ),
)

# %% [markdown]
# Now a small chess club: five players, forty games. The strengths are found by gradient descent on
# Bradley–Terry, and the difference of two strengths predicts a game.

# %%
strength = np.array([1.5, 0.8, 0.0, -0.7, -1.6])
rng = np.random.default_rng(9)
games = np.array([rng.choice(5, 2, replace=False) for _ in range(40)])
upset = rng.random(40) > 1 / (1 + np.exp(strength[games[:, 1]] - strength[games[:, 0]]))
winner, loser = np.where(upset[:, None], games[:, ::-1], games).T


def fit_strengths(winner, loser, steps):
    scores = np.zeros(5)
    for _ in range(steps):
        slopes = lm.BradleyTerry().gradient(scores[winner], scores[loser])
        total = np.zeros(5)
        for slope, who in zip(slopes, (winner, loser), strict=True):
            np.add.at(total, who, slope)
        scores = scores - 0.1 * total
    return scores


fair = fit_strengths(winner, loser, 400)
assert strength[1] > strength[2] and fair[1] < fair[2]
shifted = lm.BradleyTerry()(fair[winner] + 10, fair[loser] + 10)
assert np.isclose(shifted, lm.BradleyTerry()(fair[winner], fair[loser]))
keep = loser != 0  # the club forgets every game that its best player lost
unbeaten = [fit_strengths(winner[keep], loser[keep], steps) for steps in (400, 4000)]
print("true strengths:          ", strength)
print("fitted:                  ", np.round(fair, 1))
for steps, scores in zip((400, 4000), unbeaten, strict=True):
    print(f"unbeaten, {steps:4} steps:   ", np.round(scores, 1))

# %% [markdown]
# Forty games are few: the second and the third have changed places. Only differences count: adding
# ten to every strength changes nothing, so somebody has to fix the zero. And the failure: a player
# who never lost has no finite strength. After four hundred steps the first player stands at
# 5.6<!--= f"{unbeaten[0][0]:.1f}" -->, after four thousand at 7.5<!--= f"{unbeaten[1][0]:.1f}" -->,
# and still climbing. A little L2 penalty, or one imaginary drawn game
# with everybody, keeps strengths finite. The same happens to a reward model, and to DPO, in [the
# next chapter](06_language_and_preferences.ipynb).
#
# ## Watch it fail: a small temperature
#
# At $\tau = 0.001$ the logits of cosines reach a thousand. Typed as written, InfoNCE does not
# survive that.

# %%
row = np.array([0.9, 0.5, 0.2])
with np.errstate(over="ignore", invalid="ignore"):
    powers = np.exp(row / 1e-3)
    naive = -np.log(powers[0] / powers.sum())
stable = lm.InfoNCE(1e-3)
print("typed as it is written:", naive)
print(f"lossmath: {float(stable.value(row, 0)):.4f}, and {float(stable.value(row, 1)):.1f} "
      "if the second were the partner")  # fmt: skip
assert np.isnan(naive) and np.isclose(stable.value(row, 1), 400)

# %% [markdown]
# Infinity over infinity. The stable form subtracts the largest logit first, and gives the right
# answers: nothing for the easy row, 400<!--= f"{float(stable.value(row, 1)):.0f}" --> nats for the
# wrong one.
#
# ## The losses on one screen

# %%
table(*lm.catalogue("embedding"), lm.MarginRanking, lm.BradleyTerry)

# %% [markdown]
# **How to choose.** Two views of one thing, or pictures and their captions, and large batches:
# InfoNCE in one of its forms, with $\tau$ near a tenth and an eye on false negatives. Few examples
# and a natural notion of *closer than*: triplets, with mining. Many known classes and unseen ones
# later: ArcFace. Pairs with a yes or no: contrastive or cosine. Only an order: Bradley–Terry if you
# want probabilities, the hinge if you want a lead. And **always** look at the spread of the
# embeddings: a falling loss and a vanishing spread is collapse.
#
# ## Practise
#
# * [InfoNCE](../exercises/07_infonce.ipynb): loss and gradient from a similarity matrix, and what
#   happens as the temperature falls.
# * [Pairwise preference](../exercises/08_pairwise_preference.ipynb): Bradley–Terry with a
#   reference.
#
# ## Further reading
#
# * Hadsell, Chopra and LeCun, *Dimensionality reduction by learning an invariant mapping* (2006).
# * Schroff, Kalenichenko and Philbin, *FaceNet* (2015); Hermans, Beyer and Leibe, *In defense of
#   the triplet loss* (2017), on mining.
# * van den Oord, Li and Vinyals, *Representation learning with contrastive predictive coding*
#   (2018); Poole and others, *On variational bounds of mutual information* (2019), on what it can
#   prove.
# * Chen and others, *A simple framework for contrastive learning* (2020); Radford and others,
#   *Learning transferable visual models from natural language supervision* (2021).
# * Wang and Isola, *Understanding contrastive representation learning through alignment and
#   uniformity* (2020).
# * Deng and others, *ArcFace* (2019); Sun and others, *Circle loss* (2020).
# * Bradley and Terry, *Rank analysis of incomplete block designs* (1952); Burges and others,
#   *Learning to rank using gradient descent* (2005).
