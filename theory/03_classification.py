# %% [markdown]
# # 03 Classification: how should a mistake count before it is one?
#
# A spam filter is right or wrong, so why not train it to be wrong as rarely as possible? Because
# "wrong" is a cliff. Move the filter a little and the number of mistakes usually does not move at
# all, so it never says which way to go. Every loss of this chapter replaces the cliff with a slope
# you can walk down, and each slope has an opinion: when is a right answer right enough, how loudly
# should a bad mistake shout, and is the score that comes out a probability or only a ranking?
#
# The chapter starts with one score and two classes, goes on to three classes, where losses become
# landscapes, and ends with classes that have an order.

# %%
import numpy as np

import lossmath as lm
from lossmath.explore import (
    Arrows,
    Axis,
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
    slider,
    table,
)
from lossmath.explore.views import samples

# %% [markdown]
# ## One number to judge by: the margin
#
# Call the two classes $y = +1$ and $y = -1$, and let the model give a **score** $s$: positive means
# "I say $+1$". Then the product
#
# $$m = y\,s$$
#
# is positive when the model is right and negative when it is wrong, and its size says how far from
# changing its mind the model is. It is called the **margin**. What we care about is the
# **zero-one loss**: one if $m \le 0$ and nothing otherwise. Its slope is zero wherever it has one.
#
# The losses that stand in for it, its **surrogates**, all fall as the margin grows:
#
# * the **hinge**, $\max(0, \mu - m)$: pull evenly until the margin reaches $\mu$, then stop;
# * the **squared hinge**, $\max(0, \mu - m)^2$: pull in proportion to what is missing;
# * the **logistic** loss, $\log(1 + e^{-m})$: pull less and less, but never stop.


# %% jupyter={"source_hidden": true}
MARGIN_PANELS = (
    ("value", "value", -0.2, 5),
    ("slope", "gradient", -4.2, 0.4),
    ("curvature", "hessian", -0.4, 2.4),
)


def margin_losses(margin):
    losses = {
        "zero-one": lm.ZeroOne(),
        "hinge": lm.Hinge(margin),
        "squared hinge": lm.SquaredHinge(margin),
        "logistic": lm.Logistic(),
    }
    across = Axis("margin m", -3, 5)
    panels = []
    for title, how, low, high in MARGIN_PANELS:
        curves = []
        for name, loss in losses.items():
            m = samples(loss, -3, 5)
            label = "" if title == "curvature" and name == "zero-one" else name
            curves.append(Curve(m, getattr(loss, how)(m, np.ones_like(m)), label))
        panels.append(Panel(title, curves, across, Axis("", low, high)))
    return Picture(panels)


SURROGATES = {
    "the hinge": lm.Hinge(),
    "the squared hinge": lm.SquaredHinge(),
    "the logistic loss": lm.Logistic(),
}
pullers = [name for name, loss in SURROGATES.items() if float(loss.gradient(1.5, 1.0)) != 0]
Explorer(
    margin_losses,
    [slider(lm.Hinge, "margin", high=2)],
    title="Three slopes in place of one cliff",
    predict=Predict(
        "An example is classified correctly, with a margin of 1.5. At μ = 1, which loss still "
        "pulls on it?",
        choices=(*SURROGATES, "none of them"),
        answer=pullers[0],
        because="Both hinges are flat beyond μ. The logistic loss is never satisfied.",
    ),
)

# %% [markdown]
# **Things to try.** Move $\mu$ to zero: the hinge still pulls on every mistake, but a bare win is
# now enough. Look at the squared hinge at the left edge: one wrong label there pulls harder than
# several ordinary mistakes together. And look at the curvature: the hinge has none, the squared
# hinge is all or nothing, the logistic loss has a soft bump around the decision.
#
# > **Refute this.** *“The hinge only penalises predictions within the margin.”* Try an example on
# > the wrong side, one that is barely right, and one that is right by more than the margin.

# %%
hinge_costs = {margin: float(lm.Hinge().value(margin, 1.0)) for margin in (-2.0, 0.5, 1.5)}
for margin, cost in hinge_costs.items():
    print(f"margin {margin:4}: the hinge charges {cost:.1f}")
assert hinge_costs[-2.0] > hinge_costs[0.5] > hinge_costs[1.5] == 0

# %% [markdown]
# Half right. Beyond the margin all is free, and within it a right answer pays for what it
# lacks: 0.5<!--= f"{hinge_costs[0.5]:.1f}" --> here. But a wrong answer pays too, and more:
# here 3.0<!--= f"{hinge_costs[-2.0]:.1f}" -->. The hinge charges for everything short of $\mu$,
# in a straight line without end. (Do these losses lie above the zero-one loss, as surrogates are
# said to? [What a loss does](01_what_a_loss_does.ipynb) has tried it.)
#
# ### What the best score says
#
# Suppose many examples look alike and a share $\eta$ of them is positive. Which score do they get?
# That depends on the loss alone, and it decides what you may read into the score afterwards.

# %%
scores = np.linspace(-6, 6, 2401)


def best_score(loss, share):
    """The score with the least mean loss when a share of the examples is positive."""
    ones = np.ones_like(scores)
    mean = share * loss.value(scores, ones) + (1 - share) * loss.value(scores, -ones)
    return scores[int(np.argmin(mean))]


told = {}
for share in (0.51, 0.75, 0.99):
    told[share] = {name: best_score(loss, share) for name, loss in SURROGATES.items()}
    print(f"η = {share:.2f}   " + "   ".join(f"{n}: {s:5.2f}" for n, s in told[share].items()))
assert np.isclose(told[0.75]["the logistic loss"], np.log(3), atol=0.01)

# %% [markdown]
# For the logistic loss the pulls balance where $\frac{\eta}{1 + e^s} = \frac{1-\eta}{1 + e^{-s}}$,
# that is, $e^s = \frac{\eta}{1-\eta}$: it answers with the **log-odds**. Undo the logarithm and you
# have the probability back. The squared hinge answers $2\eta - 1$, which can be undone too. The
# hinge says 1.00<!--= f"{told[0.51]['the hinge']:.2f}" --> for $\eta = 0.51$ and
# 1.00<!--= f"{told[0.99]['the hinge']:.2f}" --> for $\eta = 0.99$: it has settled which class is
# more frequent and thrown the rest away.
# That is a fine answer when you only want the decision, and no answer when you want to know how
# sure to be. (So the hinge is no remedy for overconfidence, as one also reads. It states no
# confidence at all.)
#
# ## From a score to a probability
#
# Let the model state a probability $p$ of a "yes". An answer $y \in \{0, 1\}$ then has likelihood
# $p^y (1-p)^{1-y}$, and its negative logarithm is the **binary cross-entropy**:
#
# $$-y \log p - (1-y)\log(1-p) .$$
#
# The model produces a real number $z$, a **logit**, and the sigmoid $p = \sigma(z) = 1/(1+e^{-z})$
# turns it into a probability. Its derivative is $\sigma'(z) = p(1-p)$. Now watch the cancellation:
#
# $$\frac{d\ell}{dz} = \underbrace{\frac{p - y}{p(1-p)}}_{d\ell/dp} \cdot
# \underbrace{p(1-p)}_{dp/dz} = p - y .$$
#
# The pull is *how wrong the probability is*, nothing else. It is the logistic loss again, in other
# letters. The curvature is $p(1-p)$, never negative, so the loss is **convex** in the logit: a
# single valley, however many examples are added up.
#
# What if you take the squared error of the probability instead, $(p - y)^2$? Nothing cancels: the
# pull is $2(p-y)\,p(1-p)$, and where the model is *most* wrong the factor $p(1-p)$ is next to
# nothing. Below, both losses start from the same wrong belief in a positive example and take a
# hundred gradient steps of size one.

# %%
STEPS = 100
pair = {
    "cross-entropy": lm.BinaryCrossEntropyFromLogits(),
    "squared error": lm.SigmoidSquaredError(),
}


def descend(loss, start, steps=STEPS):
    """The logits a positive example passes through, steps of size one down its gradient."""
    path = [start]
    for _ in range(steps):
        path.append(path[-1] - float(loss.gradient(path[-1], 1.0)))
    return np.array(path)


def probability(logit):
    return 1 / (1 + np.exp(-logit))


# %% jupyter={"source_hidden": true}
LOGITS = np.linspace(-14, 4, 161)


def race(start):
    paths = {name: descend(loss, start) for name, loss in pair.items()}
    at = np.ones_like(LOGITS)
    across = Axis("logit z", -14, 4)
    return Picture(
        [
            Panel(
                "slope",
                [
                    *(Curve(LOGITS, loss.gradient(LOGITS, at), n) for n, loss in pair.items()),
                    Rule(start),
                ],
                across,
                Axis("", -1.1, 0.1),
            ),
            Panel(
                "curvature",
                [
                    *(Curve(LOGITS, loss.hessian(LOGITS, at), n) for n, loss in pair.items()),
                    Rule(start),
                ],
                across,
                Axis("", -0.15, 0.3),
            ),
            Panel(
                "what the model says",
                [
                    Curve(np.arange(STEPS + 1), probability(path), name)
                    for name, path in paths.items()
                ],
                Axis("step", 0, STEPS),
                Axis("probability", -0.03, 1.25),
            ),
        ],
        readings={f"{name} ends at": probability(path[-1]) for name, path in paths.items()},
    )


stuck, taught = (
    float(probability(descend(pair[name], -8.0)[-1])) for name in ("squared error", "cross-entropy")
)
Explorer(
    race,
    [Slider("start", -12, 2, -4, symbol="z₀", meaning="the logit it starts from")],
    title="The same mistake, two teachers",
    predict=Predict(
        "Set the start to −8. Which probability has the squared error taught after a hundred "
        "steps?",
        answer=round(stuck, 4),
        within=0.02,
        because="On the flat tail of the sigmoid the slope is about 2p, which is under a "
        "thousandth there.",
    ),
)

# %% [markdown]
# From $z_0 = -8$ the squared error has reached a probability of
# 0.0004<!--= f"{stuck:.4f}" -->; the cross-entropy 0.99<!--= f"{taught:.2f}" -->.
# At $z = -20$ the two slopes are
# 4.1e-09<!--= f"{-float(pair['squared error'].gradient(-20.0, 1.0)):.1e}" --> and
# 1.0<!--= f"{-float(pair['cross-entropy'].gradient(-20.0, 1.0)):.1f}" --> in size. The middle
# picture tells the same story: the squared error bends **downwards** on the left, so it is not
# convex in the logit, and a method that trusts the curvature would step the wrong way.
# (As a *score* of probabilities the squared error is perfectly honest; the next chapter comes back
# to it.)
#
# ## Rare classes
#
# One message in ten is spam. What should a model say that cannot tell the messages apart? The mean
# loss over the sample is in the right-hand picture, with the best logit marked. Two parameters bend
# it: `pos_weight` $w$ counts every positive example $w$ times, and label smoothing $\varepsilon$
# moves every target a little towards one half.

# %% jupyter={"source_hidden": true}
RARE = 0.1
WIDE = np.linspace(-6, 6, 49)


def weighted(pos_weight, label_smoothing):
    loss = lm.BinaryCrossEntropyFromLogits(pos_weight, label_smoothing)
    yes, no = np.ones_like(WIDE), np.zeros_like(WIDE)
    mean = RARE * loss.value(WIDE, yes) + (1 - RARE) * loss.value(WIDE, no)
    slope = RARE * loss.gradient(WIDE, yes) + (1 - RARE) * loss.gradient(WIDE, no)
    best = float(np.interp(0.0, slope, WIDE))
    across = Axis("logit z", -6, 6)
    return Picture(
        [
            Panel(
                "loss of one example",
                [Curve(WIDE, loss.value(WIDE, yes), "y = 1"),
                 Curve(WIDE, loss.value(WIDE, no), "y = 0")],
                across,
                Axis("", -0.2, 8),
            ),
            Panel(
                "slope",
                [Curve(WIDE, loss.gradient(WIDE, yes), "y = 1"),
                 Curve(WIDE, loss.gradient(WIDE, no), "y = 0")],
                across,
                Axis("", -3, 1.5),
            ),
            Panel(
                "mean loss, a tenth positive",
                [Curve(WIDE, mean, stroke="blue"), Rule(best, stroke="orange")],
                across,
                Axis("", 0, 4),
            ),
        ],
        readings={"best logit": best, "which says p": probability(best)},
    )  # fmt: skip


base_rate = weighted(1.0, 0.0).readings["which says p"]
evened = weighted(9.0, 0.0).readings["which says p"]
Explorer(
    weighted,
    [
        slider(lm.BinaryCrossEntropyFromLogits, "pos_weight", high=20),
        slider(lm.BinaryCrossEntropyFromLogits, "label_smoothing"),
    ],
    title="What the best guess becomes when positives weigh more",
    predict=Predict(
        "One example in ten is positive. Set w to 9. Which probability does the best guess state?",
        answer=round(float(evened), 3),
        within=0.02,
        because="Nine times one positive balances nine negatives: the model is told that the "
        "classes are equally frequent.",
    ),
)

# %% [markdown]
# > **Refute this.** *“Cross-entropy assumes balanced classes.”* Then its best guess for a class
# > that makes up a tenth of the data should be wrong.

# %%
print(f"share of positives {RARE:.2f}   best guess {base_rate:.2f}   with w = 9 {evened:.2f}")
assert np.isclose(base_rate, RARE, atol=0.002)

# %% [markdown]
# Refuted: with $w = 1$ the best guess is
# 0.10<!--= f"{base_rate:.2f}" -->, the true share. Cross-entropy assumes nothing about balance. The
# *weight* is what moves the answer away from the truth, to
# 0.50<!--= f"{evened:.2f}" --> at $w = 9$. In general the pulls of a share $\eta$ of positives
# balance where $w\,\eta\,(1 - p) = (1 - \eta)\,p$, so $w$ multiplies the odds. That may be what you
# want when missing a positive is expensive, but then say so: moving the decision threshold does the
# same without spoiling the probabilities. What imbalance does harm is the *signal*, and that is the
# next section.
#
# In a **mean** of weighted losses there is a second choice, the denominator. The number of examples
# and the sum of their weights give different losses and different gradients, and libraries differ:

# %%
logits = np.array([[2.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
labels = np.array([0, 2, 2])
class_weights = (0.2, 1.0, 5.0)
weighted_ce = lm.CrossEntropyFromLogits(class_weights=class_weights)
by_count = float(weighted_ce(logits, labels))
summed = float(weighted_ce(logits, labels, reduction="sum"))
by_weight = summed / np.take(class_weights, labels).sum()
print(f"divided by the number of examples: {by_count:.3f}   by their weights: {by_weight:.3f}")

# %% [markdown]
# The same logits cost 4.433<!--= f"{by_count:.3f}" --> or 1.304<!--= f"{by_weight:.3f}" -->.
# PyTorch divides by the weights of the labels in the batch, Keras by the number of examples, and
# neither is wrong. But a learning rate tuned for one is not tuned for the other.
#
# ## Focal loss: let the easy ones fade
#
# A detector looks at a hundred thousand patches of an image, of which a dozen hold an object. Most
# of the others are plainly sky, and the model knows it. Each costs next to nothing, but there are
# so many of them.

# %%
bce = lm.BinaryCrossEntropyFromLogits()
focal = lm.BinaryFocal(gamma=2.0, balanced=False)
easy, hard = np.full(100_000, np.log(0.01 / 0.99)), np.full(12, np.log(0.1 / 0.9))
easy_share = {}
for name, loss in {"cross-entropy": bce, "focal, γ = 2": focal}.items():
    from_easy = np.abs(loss.gradient(easy, np.zeros_like(easy))).sum()
    from_hard = np.abs(loss.gradient(hard, np.ones_like(hard))).sum()
    easy_share[name] = from_easy / (from_easy + from_hard)
    print(f"{name:14} easy negatives carry {easy_share[name]:.1%} of the pull")

# %% [markdown]
# Under cross-entropy 99%<!--= f"{easy_share['cross-entropy']:.0%}" --> of the pull comes from
# patches the model has already understood. Lin and others (2017) multiply the cross-entropy by a
# factor that fades as the model gets it right. With $p_t$ the probability given to the true class,
#
# $$-\alpha_t\,(1 - p_t)^\gamma \log p_t .$$
#
# Here $\gamma$ sets how fast easy examples fade, and the class weight $\alpha_t$ is $\alpha$ for
# positives and $1 - \alpha$ for negatives. In the sum above, $\gamma = 2$ brings the share of the
# easy ones down to 2.2%<!--= f"{easy_share['focal, γ = 2']:.1%}" -->.


# %% jupyter={"source_hidden": true}
def focal_shapes(gamma, alpha):
    loss = lm.BinaryFocal(gamma, alpha)
    yes, no = np.ones_like(WIDE), np.zeros_like(WIDE)
    across = Axis("logit z", -6, 6)
    bend = loss.hessian(WIDE, yes)
    return Picture(
        [
            Panel(
                "value",
                [
                    Curve(WIDE, loss.value(WIDE, yes), "y = 1"),
                    Curve(WIDE, loss.value(WIDE, no), "y = 0"),
                    Curve(WIDE, bce.value(WIDE, yes), "cross-entropy"),
                ],
                across,
                Axis("", -0.1, 4),
            ),
            Panel(
                "slope",
                [
                    Curve(WIDE, loss.gradient(WIDE, yes), "y = 1"),
                    Curve(WIDE, loss.gradient(WIDE, no), "y = 0"),
                    Curve(WIDE, bce.gradient(WIDE, yes), "cross-entropy"),
                ],
                across,
                Axis("", -1.2, 1.2),
            ),
            Panel(
                "curvature for y = 1",
                [
                    Curve(WIDE, bend, "focal"),
                    Curve(WIDE, bce.hessian(WIDE, yes), "cross-entropy", stroke="green"),
                ],
                across,
                Axis("", -0.25, 0.55),
            ),
        ],
        readings={"lowest curvature": bend.min()},
    )


Explorer(
    focal_shapes,
    [slider(lm.BinaryFocal, "gamma"), slider(lm.BinaryFocal, "alpha", default=0.5)],
    title="Focal loss against the logit",
)

# %% [markdown]
# **Things to try.** At $\gamma = 0$ the focal loss is cross-entropy times $\alpha$, and only that:
# at $\alpha = \tfrac12$ everything is halved. Raise $\gamma$ and the blue value curve reaches the
# floor early. Then watch the curvature dip **below zero** on the left, where the model is badly
# wrong: unlike cross-entropy, focal loss is not convex in the logit.
#
# > **Refute this.** *“With $\gamma = 2$, easy examples with $p_t$ above nine tenths contribute a
# > hundred times less.”* Less than what?


# %%
def at(p, loss):
    return float(loss.value(np.log(p / (1 - p)), 1.0))


for p in (0.3, 0.5, 0.9, 0.968, 0.99):
    print(
        f"p_t = {p:<5}   cross-entropy / focal at the same p_t = {at(p, bce) / at(p, focal):8.1f}"
    )
against_half = at(0.5, focal) / at(0.9, focal)
print(f"focal loss at p_t = 0.5 over focal loss at p_t = 0.9: {against_half:.1f}")

# %% [markdown]
# Half right. The factor is 100<!--= f"{at(0.9, bce) / at(0.9, focal):.0f}" --> at exactly
# $p_t = 0.9$, against the *cross-entropy of the same example*; at $0.99$ it is already
# 10000<!--= f"{at(0.99, bce) / at(0.99, focal):.0f}" -->, and at one half only
# 4<!--= f"{at(0.5, bce) / at(0.5, focal):.0f}" -->. Against an undecided example under the same
# focal loss it is neither, but 164<!--= f"{against_half:.0f}" -->. A ratio needs both its ends.
#
# ### What fading does to honesty
#
# As before, let a share $\eta$ of identical examples be positive and ask which probability costs
# least. The mean slope is zero where $\eta\, f_1'(z) + (1-\eta) f_0'(z) = 0$, so each logit $z$ is
# the best answer for exactly one share, $\eta = f_0' / (f_0' - f_1')$. That gives the whole curve
# without a single search.

# %%
EVERY = np.linspace(-9, 9, 1801)


def best_for(loss):
    """For each logit of EVERY, the share of positives it is the best answer for."""
    on = loss.gradient(EVERY, np.ones_like(EVERY))
    off = loss.gradient(EVERY, np.zeros_like(EVERY))
    return off / (off - on)


def stated(loss, share):
    """The probability of least mean loss when a share of the examples is positive."""
    return float(probability(np.interp(share, best_for(loss), EVERY)))


# %% jupyter={"source_hidden": true}
def honesty(gamma, alpha):
    loss = lm.BinaryFocal(gamma, alpha)
    kept = np.linspace(0, 0.995, 100)
    shown = slice(400, -400, 12)  # the rest runs along the edges
    return Picture(
        [
            Panel(
                "share of the cross-entropy that is left",
                [
                    Curve(kept, (1 - kept) ** gamma, "(1 − p)^γ"),
                ],
                Axis("probability p of the true class", 0, 1),
                Axis("", 0, 1.15),
            ),
            Panel(
                "what the model ends up saying",
                [
                    Curve(best_for(loss)[shown], probability(EVERY)[shown], "focal loss"),
                    Curve([0, 1], [0, 1], "cross-entropy"),
                    Points([0.9], [stated(loss, 0.9)], stroke="blue"),
                ],
                Axis("true share of positives", 0, 1),
                Axis("probability stated", 0, 1),
                equal=True,
            ),
        ],
        readings={"stated when the truth is 0.9": stated(loss, 0.9)},
    )


pulled = stated(focal, 0.9)
Explorer(
    honesty,
    [
        slider(lm.BinaryFocal, "gamma"),
        slider(lm.BinaryFocal, "alpha", low=0.05, high=0.95, default=0.5),
    ],
    title="Focal loss is not honest about probabilities",
    predict=Predict(
        "Nine in ten of some look-alikes are positive. At γ = 2 and α = 0.5, which probability "
        "will a model trained on focal loss state?",
        answer=round(pulled, 3),
        within=0.03,
        because="Fading what is right makes the last steps towards 0.9 worthless, so the best "
        "answer is pulled towards one half.",
    ),
)

# %% [markdown]
# At $\gamma = 2$ it says 0.694<!--= f"{pulled:.3f}" --> where
# the truth is nine tenths, and at $\gamma = 5$
# 0.597<!--= f"{stated(lm.BinaryFocal(5.0, balanced=False), 0.9):.3f}" -->. It stays on the right
# side of one half (at $\alpha = \tfrac12$), so decisions are fine and rankings too; the number is
# no probability until you recalibrate it. Move $\alpha$ and the curve no longer crosses the middle
# at the middle: $\alpha$ shifts the threshold, $\gamma$ bends the scale.
#
# The other cure for too many easy examples is to leave them out. **Hard-example mining** keeps the
# loss and averages it over the hardest share only. It too changes which probabilities come out,
# for it changes the sample:

# %%
sample = np.random.default_rng(0).random(20_000) < 0.1
constant = np.linspace(-4, 2, 241)


def best_constant(share):
    """The probability that costs least when only the hardest share of the examples is averaged."""
    costs = []
    for z in constant:
        values = bce.value(np.full(sample.shape, z), sample)
        costs.append(values[lm.hard_examples(values, share)].mean())
    return float(probability(constant[int(np.argmin(costs))]))


mined = {share: best_constant(share) for share in (1.0, 0.2)}
for share, p in mined.items():
    print(f"averaging the hardest {share:4.0%}: the best constant says {p:.2f}")

# %% [markdown]
# With everything averaged the best constant says 0.10<!--= f"{mined[1.0]:.2f}" -->; with the
# hardest fifth it says 0.50<!--= f"{mined[0.2]:.2f}" -->: as long as positives look unlikely,
# all of them are among the hardest, and as many negatives fill up the fifth.
#
# ## Three classes: the loss becomes a landscape
#
# With $C$ classes the model gives one logit each, and the **softmax** turns them into
# probabilities, $p_i = e^{z_i} / \sum_j e^{z_j}$. The loss is the surprise at the true class $y$,
#
# $$\ell(z) = -\log p_y = \log \sum_j e^{z_j} - z_y .$$
#
# Differentiate the right-hand side. The derivative of the log-sum in $z_i$ is $p_i$, so
#
# $$\nabla \ell = p - e_y ,$$
#
# where $e_y$ is one at the true class and zero elsewhere (a **one-hot** vector): again prediction
# minus truth. Once more,
# and since $\partial p_i / \partial z_j = p_i(1[i{=}j] - p_j)$,
#
# $$\nabla^2 \ell = \operatorname{diag}(p) - p\,p^\top .$$
#
# Two readings of this matrix, the **Hessian**, are worth having. It is the **covariance** of the
# one-hot vector of a class drawn from $p$, so it has no negative eigenvalue: the loss bends
# downwards in no direction and is convex in the logits. And it is the **derivative of the
# probabilities**: step by $d$ in the logits and $p$ moves by about $(\operatorname{diag}(p) -
# pp^\top)\,d$. Adding one number to all logits changes nothing, which is why there is no curvature
# along the all-ones vector. What is left is a plane, the left picture; the right one shows all ways
# of sharing out one unit of probability among three classes.

# %%
PLANE = np.array([[0.0, np.sqrt(2 / 3)], [-np.sqrt(0.5), -np.sqrt(1 / 6)],
                  [np.sqrt(0.5), -np.sqrt(1 / 6)]])  # fmt: skip
assert np.allclose(PLANE.T @ PLANE, np.eye(2)) and np.allclose(PLANE.sum(axis=0), 0)
ce = lm.CrossEntropyFromLogits()


def softmax(z):
    return lm.LogSumExp().gradient(z)


def curvature(z):
    """The Hessian in the plane of logits that sum to zero: a 2 x 2 matrix."""
    return PLANE.T @ lm.LogSumExp().hessian(z) @ PLANE


# %% jupyter={"source_hidden": true}
REACH = 5.0
SIDE = np.linspace(-REACH, REACH, 61)
GRID = np.stack(np.meshgrid(SIDE, SIDE), axis=-1) @ PLANE.T
CAT = ce.value(GRID, np.zeros(GRID.shape[:2], dtype=int))
COARSE = np.stack(np.meshgrid(*[np.linspace(-4.3, 4.3, 8)] * 2), axis=-1).reshape(-1, 2)
DOWN = -0.9 * ce.gradient(COARSE @ PLANE.T, np.zeros(len(COARSE), dtype=int)) @ PLANE
CIRCLE = np.column_stack([f(np.linspace(0, 2 * np.pi, 61)) for f in (np.cos, np.sin)])
CORNERS = PLANE[[0, 1, 2, 0]]
INSIDE = np.array([(i, j, 8 - i - j) for i in range(1, 7) for j in range(1, 8 - i)]) / 8
HOME = 1 / 3 * (PLANE[0] - INSIDE @ PLANE)
NAMES = [
    Points([0.03], [0.87], "cat", "ink", size=0.1),
    Points([-0.78], [-0.58], "dog", "ink", size=0.1),
    Points([0.78], [-0.58], "bird", "ink", size=0.1),
]
FLAT_LINES = []
for cost in (0.25, 0.7, 1.4, 2.5):
    left = np.array([np.exp(-cost), 1 - np.exp(-cost), 0]) @ PLANE
    FLAT_LINES.append(Curve([left[0], -left[0]], [left[1], left[1]], stroke="blue", thin=True))


def three_classes(across, up):
    z = PLANE @ (across, up)
    p = softmax(z)
    at, bent = p @ PLANE, CIRCLE @ curvature(z)
    bends = np.linalg.eigvalsh(curvature(z))
    return Picture(
        [
            Panel(
                "logits, with a step of length one each way",
                [
                    Level(SIDE, SIDE, CAT, (0.25, 0.7, 1.4, 2.5, 4.0, 5.5)),
                    Arrows(COARSE[:, 0], COARSE[:, 1], DOWN[:, 0], DOWN[:, 1], stroke="ink"),
                    Curve(across + CIRCLE[:, 0], up + CIRCLE[:, 1], stroke="orange"),
                    Points([across], [up], stroke="purple", size=7, handle=("across", "up")),
                ],
                Axis("dog  ←  logits  →  bird", -REACH, REACH),
                Axis("→ cat", -REACH, REACH),
                equal=True,
            ),
            Panel(
                "probabilities, and where the steps lead",
                [
                    Curve(CORNERS[:, 0], CORNERS[:, 1], stroke="ink", thin=True),
                    *FLAT_LINES,
                    Arrows(*(INSIDE @ PLANE).T, *HOME.T, stroke="grey"),
                    Curve(at[0] + bent[:, 0], at[1] + bent[:, 1], stroke="orange"),
                    Points([at[0]], [at[1]], stroke="purple", size=5),
                    *NAMES,
                ],
                Axis("", -0.85, 0.85),
                Axis("", -0.68, 1.02),
                equal=True,
                bare=True,
            ),
        ],
        readings={
            "loss of a cat": float(ce.value(z, 0)),
            "pull": float(np.linalg.norm(ce.gradient(z, 0))),
            "largest curvature": bends[1],
            "the next": bends[0],
        },
    )


Explorer(
    three_classes,
    [
        Slider("across", -4.6, 4.6, 0.8, symbol="u", meaning="logits, from dog to bird"),
        Slider("up", -4.6, 4.6, -0.5, symbol="v", meaning="logits, towards cat"),
    ],
    title="It is a cat: drag the dot",
)

# %% [markdown]
# **What to see.** On the right, every grey arrow points straight at the cat: in the logits the pull
# is the arrow from where you are to where you should be, a third of its length drawn here. The blue
# lines are straight because the loss of a cat looks at the cat's probability alone. The orange
# ellipse is the Hessian: the circle of all unit steps, as the probabilities feel it. Drag the dot
# towards any edge and the ellipse goes flat; drag it into any corner, right **or wrong**, and it
# shrinks to a point.
#
# > **Refute this.** *“When the model is very confident, the curvature concentrates in the
# > directions that change the confident probabilities.”*

# %%
undecided = np.linalg.eigvalsh(lm.LogSumExp().hessian(np.zeros(3)))
confident = np.linalg.eigvalsh(lm.LogSumExp().hessian(np.array([10.0, 0.0, 0.0])))
print("eigenvalues, undecided:   ", " ".join(f"{abs(e):.6f}" for e in undecided))
print("eigenvalues, 10 logits up:", " ".join(f"{abs(e):.6f}" for e in confident))
assert confident.max() < 1e-3 * undecided.max()

# %% [markdown]
# Refuted: it concentrates nowhere, it **vanishes**. Undecided among three classes the curvature is
# 0.33<!--= f"{undecided[-1]:.2f}" --> in every direction of the plane; with one logit
# ten ahead the largest is 0.00014<!--= f"{confident[-1]:.5f}" -->. A model that is
# confidently *wrong* feels the full pull and almost no curvature, and a method that divides one by
# the other takes a giant step.
#
# ### Label smoothing
#
# On data that can be separated, cross-entropy is never content: every extra unit of logit still
# helps. **Label smoothing** gives each target a share $\varepsilon$ of the uniform distribution,
# $(1-\varepsilon)\,e_y + \varepsilon/C$, so being too sure starts to cost. Where is the new
# optimum? By symmetry all wrong logits are equal; let the right one lead by $g$. At the optimum
# $p$ equals the smoothed target, and the ratio of its entries is $e^g$:
#
# $$g^\star = \log\frac{1 - \varepsilon + \varepsilon/C}{\varepsilon/C}
#    = \log\Big(1 + \frac{(1-\varepsilon)\,C}{\varepsilon}\Big) .$$
#
# Cross-entropy is linear in its target. So the smoothed loss is a mixture: $1-\varepsilon$ times
# the plain one, plus $\varepsilon$ times the mean surprise over all classes, right and wrong.

# %% jupyter={"source_hidden": true}
LEADS = np.linspace(-4, 12, 65)


def smoothing(label_smoothing, classes):
    classes = round(classes)
    loss = lm.CrossEntropyFromLogits(label_smoothing=label_smoothing)
    z = np.zeros((len(LEADS), classes))
    z[:, 0] = LEADS
    y = np.zeros(len(LEADS), dtype=int)
    p = softmax(z)[:, 0]
    plain = ce.value(z, y), ce.gradient(z, y)[:, 0]
    optimum = np.log1p((1 - label_smoothing) * classes / label_smoothing)
    across = Axis("lead g of the right logit", -4, 12)
    return Picture(
        [
            Panel(
                "value",
                [
                    Curve(LEADS, loss.value(z, y), "smoothed"),
                    Curve(LEADS, plain[0], "plain"),
                    Rule(optimum),
                ],
                across,
                Axis("", 0, 6),
            ),
            Panel(
                "slope",
                [
                    Curve(LEADS, loss.gradient(z, y)[:, 0], "smoothed"),
                    Curve(LEADS, plain[1], "plain"),
                    Rule(optimum),
                ],
                across,
                Axis("", -1.05, 0.55),
            ),
            Panel(
                "curvature of both: p (1 − p)",
                [Curve(LEADS, p * (1 - p), stroke="blue"), Rule(optimum)],
                across,
                Axis("", -0.02, 0.3),
            ),
        ],
        readings={
            "best lead": optimum,
            "least loss": float(loss.value(np.array([optimum] + [0.0] * (classes - 1)), 0)),
        },
    )


Explorer(
    smoothing,
    [
        slider(lm.CrossEntropyFromLogits, "label_smoothing", low=0.005, default=0.1),
        Slider("classes", 2, 100, 10, scale="log", symbol="C", meaning="classes", whole=True),
    ],
    title="Smoothing puts the optimum at a finite lead",
)


# %%
def train(label_smoothing, steps):
    """The weight of a logistic regression on four separable points, after gradient descent."""
    x, y = np.array([-2.0, -1.0, 1.0, 2.0]), np.array([0.0, 0.0, 1.0, 1.0])
    loss, weight = lm.BinaryCrossEntropyFromLogits(label_smoothing=label_smoothing), 0.0
    for _ in range(steps):
        weight -= float(np.mean(loss.gradient(weight * x, y) * x))
    return weight


three_logits = np.array([2.0, 0.5, -1.0])
surprises = ce.value(np.tile(three_logits, (3, 1)), np.arange(3))
smoothed = lm.CrossEntropyFromLogits(label_smoothing=0.1).value(three_logits, 0)
assert np.isclose(smoothed, 0.9 * surprises[0] + 0.1 * surprises.mean())
best_lead = smoothing(0.1, 10).readings["best lead"]
grown = {(e, n): train(e, n) for e in (0.0, 0.1) for n in (100, 1_000, 10_000)}
for (e, n), weight in grown.items():
    print(f"ε = {e:<4} after {n:6} steps: weight {weight:.3f}")
assert np.isclose(grown[0.1, 1_000], grown[0.1, 10_000])

# %% [markdown]
# With ten classes and $\varepsilon = 0.1$ the best lead is
# 4.511<!--= f"{best_lead:.3f}" -->. In the little training run the plain weight keeps creeping,
# from 4.02<!--= f"{grown[0.0, 100]:.2f}" --> over 6.23<!--= f"{grown[0.0, 1_000]:.2f}" --> to
# 8.52<!--= f"{grown[0.0, 10_000]:.2f}" -->, while the smoothed one stops at
# 2.03<!--= f"{grown[0.1, 10_000]:.2f}" -->. But mind the condition: only **separable** data send
# plain logits to infinity. If one example in ten of a kind has the other label, plain
# cross-entropy stops by itself, at the log-odds of nine tenths, and smoothing then makes it *less*
# sure than the truth. And mind the convention: here the true class keeps $\varepsilon/C$ of what is
# given away, as in most libraries; a few share $\varepsilon$ among the $C - 1$ wrong classes.
#
# ## Hinges for many classes
#
# The hinge has more than one heir. Fix the true class and look at the **lead** $s_j - s_y$ of each
# rival.
#
# * **Weston–Watkins** adds up one hinge for every rival: $\sum_{j \ne y} \max(0, \mu + s_j - s_y)$.
# * **Crammer–Singer** takes only the strongest: $\max(0, \max_{j \ne y} \mu + s_j - s_y)$.
#
# With three classes the two leads make a plane. Cross-entropy lives on the same plane.

# %% jupyter={"source_hidden": true}
LEAD = np.linspace(-4, 3, 43)
RIVALS = np.stack([np.zeros((43, 43)), *np.meshgrid(LEAD, LEAD)], axis=-1)
FEW = np.linspace(-3.5, 2.5, 7)
FEW_RIVALS = np.stack([np.zeros((7, 7)), *np.meshgrid(FEW, FEW)], axis=-1)


def rivals_plane(loss, title, stroke):
    pull = -0.55 * loss.gradient(FEW_RIVALS, np.zeros((7, 7), dtype=int))
    return Panel(
        title,
        [
            Level(
                LEAD, LEAD, loss.value(RIVALS, np.zeros((43, 43), dtype=int)),
                (0.1, 0.5, 1.0, 2.0, 3.0, 4.5), stroke=stroke,
            ),
            Arrows(*(FEW_RIVALS[..., k].ravel() for k in (1, 2)),
                   *(pull[..., k].ravel() for k in (1, 2)), stroke="ink"),
        ],
        Axis("lead of the first rival", -4, 3),
        Axis("lead of the second", -4, 3),
        equal=True,
    )  # fmt: skip


def heirs(margin):
    return Picture(
        [
            rivals_plane(lm.WestonWatkinsHinge(margin), "Weston–Watkins", "blue"),
            rivals_plane(lm.CrammerSingerHinge(margin), "Crammer–Singer", "orange"),
            rivals_plane(ce, "cross-entropy", "green"),
        ]
    )


Explorer(
    heirs,
    [slider(lm.CrammerSingerHinge, "margin", high=3)],
    title="How three losses see two rivals",
)

# %% [markdown]
# The flat corner at the lower left is where the hinges are content; $\mu$ moves it. Weston–Watkins
# pushes both rivals at once, and Crammer–Singer the stronger one, straight left or straight down.
# Cross-entropy is a smooth Crammer–Singer: $\log(1 + e^a + e^b)$ is a soft version of
# $\max(0, a, b)$.
#
# Names alone do not settle what is computed, and neither do libraries:

# %%
three = np.array([0.5, -0.3, 0.2])
conventions = {
    "Weston–Watkins": lm.WestonWatkinsHinge(),
    "divided by C, as PyTorch does": lm.WestonWatkinsHinge(normalize=True),
    "margin 2, as in the paper": lm.WestonWatkinsHinge(margin=2.0),
    "squared, power=2": lm.WestonWatkinsHinge(power=2),
    "Crammer–Singer": lm.CrammerSingerHinge(),
}
for name, loss in conventions.items():
    print(f"{name:30} {float(loss.value(three, 0)):.2f}")

# What each loss makes of three classes with shares 0.40, 0.35 and 0.25, by trying every score.
shares = (0.40, 0.35, 0.25)
lead = np.linspace(-2, 2, 81)
tried = np.stack([np.zeros((81, 81)), *np.meshgrid(lead, lead, indexing="ij")], axis=-1)
best_scores = {}
for name, loss in {**conventions, "cross-entropy": ce}.items():
    total = sum(q * loss.value(tried, np.full((81, 81), c)) for c, q in enumerate(shares))
    best_scores[name] = tried[np.unravel_index(total.argmin(), total.shape)]
for name in ("Weston–Watkins", "Crammer–Singer", "cross-entropy"):
    print(f"best scores, {name:15}", best_scores[name].round(2))
assert best_scores["Weston–Watkins"][0] == best_scores["Weston–Watkins"][1]
assert not best_scores["Crammer–Singer"].any()

# %% [markdown]
# The lower lines are a warning. When no class has more than half the share, Crammer–Singer's best
# scores are all equal, and Weston–Watkins cannot tell a share of
# 40%<!--= f"{shares[0]:.0%}" --> from 35%<!--= f"{shares[1]:.0%}" -->: with an infinite amount of
# data they may still choose the wrong class. Cross-entropy recovers the order, and the shares.
#
# ## Classes in a row: ordinal targets
#
# A review gets one to five stars. Cross-entropy sees five unrelated classes: to a true five, saying
# "four" and saying "one" are the same mistake. The **ranked probability score** compares cumulative
# probabilities instead. With $F_c = P(\text{at most } c)$,
#
# $$\sum_c \big(F_c - \mathbf 1[y \le c]\big)^2 .$$
#
# Below, the review has five stars. The forecast gives that a probability of its own and puts all
# the rest on one other class, which you choose.

# %% jupyter={"source_hidden": true}
STARS = ("1", "2", "3", "4", "5")
rps = lm.RankedProbabilityScore()


def stars(rest, sure):
    p = np.zeros(5)
    p[4], p[round(rest) - 1] = sure, 1 - sure
    reached = np.cumsum(p)
    truth = np.array([0.0, 0.0, 0.0, 0.0, 1.0])
    edges = np.arange(5.0)
    return Picture(
        [
            Panel(
                "forecast", [Bars(p, STARS)], Axis("stars", -0.5, 4.5), Axis("probability", 0, 1)
            ),
            Panel(
                "cumulative, forecast over truth",
                [
                    Boxes(edges, truth, edges + 1, np.maximum(reached, truth), stroke="orange"),
                    Curve(np.repeat(np.arange(6.0), 2)[1:-1], np.repeat(reached, 2), "forecast"),
                    Curve(np.repeat(np.arange(6.0), 2)[1:-1], np.repeat(truth, 2), "truth"),
                ],
                Axis("stars c", 0, 5, ticks={i + 0.5: star for i, star in enumerate(STARS)}),
                Axis("probability of at most c", -0.03, 1.1),
            ),
        ],
        readings={
            "cross-entropy": float(lm.LogScore().value(p, 4)),
            "ranked probability score": float(rps.value(p, 4)),
        },
    )


near, far = (stars(k, 0.4).readings for k in (4, 1))
times = far["ranked probability score"] / near["ranked probability score"]
Explorer(
    stars,
    [
        Slider("rest", 1, 4, 4, symbol="k", meaning="the class that gets the rest", whole=True),
        Slider("sure", 0.05, 0.95, 0.4, symbol="p", meaning="probability of the true five stars"),
    ],
    title="Five stars: how wrong is the rest?",
    predict=Predict(
        "The rest moves from four stars down to one. By which factor does the ranked probability "
        "score grow?",
        answer=round(times, 6),
        within=0.05,
        because="The gap in the cumulative probabilities is equally high, but spans four classes "
        "instead of one. The cross-entropy does not change at all.",
    ),
)

# %% [markdown]
# Moving the rest from four stars to one multiplies the score by 4<!--= f"{times:.0f}" --> and
# leaves the cross-entropy at 0.916<!--= f"{far['cross-entropy']:.3f}" -->, the same as
# 0.916<!--= f"{near['cross-entropy']:.3f}" --> before.
#
# A second way to use the order asks one yes-or-no question per threshold, "more than $c$ stars?",
# each with its own binary cross-entropy: the **cumulative link** loss. Let all questions share one
# score and differ only by a constant, or the answers may contradict each other:

# %%
link = lm.CumulativeLink()
levels = lm.ordinal_levels(np.array([4]), 5)[0]
print("five stars as answers:", levels.astype(int))
free = np.array([1.0, 0.2, 1.5, 0.0])
shared = 1.0 - np.array([-0.5, 0.0, 0.5, 1.0])
for name, z in (("free logits", free), ("one score, ordered thresholds", shared)):
    p = probability(z)
    print(f"{name:30} P(more than c) = {p.round(2)}   loss {float(link.value(z, levels)):.3f}")
assert probability(free)[2] > probability(free)[1]

# %% [markdown]
# The free logits claim that more than three stars is likelier than more than two.
#
# ## Watch them fail
#
# Four ways to go wrong that raise no error, or only sometimes.

# %%
with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
    p = 1 / (1 + np.exp(-np.float64(40.0)))
    naive = -np.log(1 - p)
right = float(bce.value(40.0, 0.0))
print(f"a logit of 40 for a negative example: naive {naive}, from the logit {right:.1f}")

perfect = np.eye(3)
floor = float(ce(perfect, np.arange(3)))
print(f"perfect one-hot probabilities passed as logits cost {floor:.3f}")

try:
    lm.Hinge().value(np.array([2.0]), np.array([0.0]))
except ValueError as error:
    print("hinge with the labels 0 and 1:", error)
silent = float(np.maximum(0, 1 - 0.0 * 2.0))
print(f"the same by hand: every negative costs {silent:.0f}, whatever its score")

rng = np.random.default_rng(1)
clean = np.sign(rng.standard_normal(200))
position = clean * 2 + rng.standard_normal(200)
flipped = clean.copy()
flipped[position > 3.5] = -1  # a few far and confident examples get the wrong label
thresholds = np.linspace(-2, 4, 121)
cut = {}
for name, loss in SURROGATES.items():
    cut[name] = thresholds[np.argmin([loss(position - t, flipped) for t in thresholds])]
    print(f"{name:18} puts the boundary at {cut[name]:.2f}")

# %% [markdown]
# * **Probability first, logarithm second.** A sigmoid of forty rounds to one and the loss becomes
#   infinite, where the truth is 40.0<!--= f"{right:.1f}" -->. Work from logits.
# * **Probabilities where logits belong.** Softmax is applied twice; nothing crashes and the loss
#   falls, but even perfect predictions cost 0.551<!--= f"{floor:.3f}" -->, for ever.
# * **Labels of the wrong kind.** A hinge needs $\pm 1$. Fed zero for "no" it charges every negative
#   1<!--= f"{silent:.0f}" --> and gives it no gradient, so half the data fall silent. lossmath
#   refuses.
# * **Wrong labels, far out.** A handful of flipped examples moves the squared hinge's boundary
#   to 0.65<!--= f"{cut['the squared hinge']:.2f}" -->, the hinge's to
#   0.00<!--= f"{cut['the hinge']:.2f}" -->. Whoever pulls hardest when very wrong listens most to
#   wrong labels, and focal loss, made to listen to hard examples, cannot tell *hard* from
#   *mislabelled* either.
#
# ## The losses on one screen

# %%
table(
    lm.ZeroOne, lm.Hinge, lm.SquaredHinge, lm.Logistic, lm.BinaryCrossEntropyFromLogits,
    lm.SigmoidSquaredError, lm.BinaryFocal, lm.CrossEntropyFromLogits, lm.WestonWatkinsHinge,
    lm.CrammerSingerHinge, lm.RankedProbabilityScore, lm.CumulativeLink,
)  # fmt: skip

# %% [markdown]
# **How to choose.** Start with cross-entropy from logits: convex, honest about probabilities, a
# bounded pull. Rare classes: keep it, and move the threshold; weight classes when their mistakes
# really cost more, and say which denominator you used. Overwhelming numbers of easy examples: focal
# loss, then recalibrate. Only the decision matters: a hinge. Ordered classes: the ranked
# probability score or a cumulative link. Never the squared error of a sigmoid as a training signal.
#
# ## Practise
#
# * [Binary cross-entropy from logits](../exercises/03_bce_from_logits.ipynb): from the formula to
#   code that survives any logit.
# * [The hinge and its subgradient](../exercises/06_hinge_subgradient.ipynb): the three regions,
#   both multiclass heirs, and a step that provably descends.
# * [Imbalanced detection](../exercises/09_imbalanced_detection.ipynb): design a loss and be judged
#   by ranking *and* calibration.
#
# ## Further reading
#
# * Bartlett, Jordan and McAuliffe, *Convexity, classification, and risk bounds* (2006): when a
#   surrogate leads to the right decisions.
# * Cortes and Vapnik, *Support-vector networks* (1995): the hinge.
# * Crammer and Singer, *On the algorithmic implementation of multiclass kernel-based vector
#   machines* (2001); Weston and Watkins, *Support vector machines for multi-class pattern
#   recognition* (1999).
# * Lin and others, *Focal loss for dense object detection* (2017); Charoenphakdee and others, *On
#   focal loss for class-posterior probability estimation* (2021), on what its outputs mean.
# * Szegedy and others, *Rethinking the Inception architecture* (2016), for label smoothing; Müller,
#   Kornblith and Hinton, *When does label smoothing help?* (2019).
# * Shrivastava, Gupta and Girshick, *Training region-based object detectors with online hard
#   example mining* (2016).
# * Epstein, *A scoring system for probability forecasts of ranked categories* (1969); Cao,
#   Mirjalili and Raschka, *Rank consistent ordinal regression for neural networks* (2020).
