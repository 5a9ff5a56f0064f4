# %% [markdown]
# # 10 Generative losses: how do you grade a forgery?
#
# A student paints in the manner of a master. How good is the painting? You cannot compare it, brush
# stroke by brush stroke, with the right answer, because there is no right answer: the master never
# painted this one. What you want is that nobody can tell the student's *collection* from the
# master's.
#
# A **generator** is such a student. It is a function that turns random numbers into examples, and
# its loss has to grade a whole collection. This chapter shows the two ways in which that is done.
# In the first, a second model is trained to catch the forgeries, and the generator is graded by
# how well it escapes. In the second, every genuine example is squeezed through a narrow gap and
# rebuilt, and the generator pays for what is lost and for what came through. Each has a famous way
# to go wrong, and both will go wrong on this page.

# %%
from functools import lru_cache
from itertools import pairwise
from statistics import NormalDist

import numpy as np

import lossmath as lm
from lossmath.explore import (
    Arrows,
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
    table,
)

# %% [markdown]
# ## The discriminator first
#
# Let $p$ be the density of genuine examples and $q$ the density of the generator's. The
# **discriminator** gives each example $x$ a score $z(x)$, and $D = 1 / (1 + e^{-z})$ is the
# probability it gives to "genuine". It is an ordinary classifier with an ordinary loss, the
# cross-entropy of [chapter three](03_classification.ipynb), once for a real example with score
# $z_r$ and once for a fake with score $z_f$:
#
# $$\log(1 + e^{-z_r}) + \log(1 + e^{z_f}) .$$
#
# Suppose it may choose the score of every place $x$ freely. There it pays, in the mean,
# $p \log(1 + e^{-z}) + q \log(1 + e^{z})$. The derivative $-p\,(1 - D) + q\,D$ vanishes where
#
# $$D = \frac{p}{p + q}, \qquad z = \log\frac{p}{q} .$$
#
# So the best score *is* the log-ratio of the two densities, although nobody ever wrote down a
# density: the discriminator learns it from examples. Put it back into the loss. With
# $m = \tfrac12(p + q)$ for the even mixture, $D = p / 2m$ and $1 - D = q / 2m$, and summed over all
# places
#
# $$\sum_x p \log\frac{2m}{p} + q \log\frac{2m}{q}
# = 2\log 2 - D_{KL}(p\,\|\,m) - D_{KL}(q\,\|\,m) = \log 4 - 2\,\mathrm{JS}(p, q) .$$
#
# $D_{KL}(p\,\|\,m) = \sum p \log\frac pm$ is the divergence of
# [chapter four](04_probabilistic.ipynb), and the mean of the two is called the **Jensen–Shannon
# divergence**. It is zero for equal densities and $\log 2$ for densities that never meet, in
# **nats**, as the logarithms are natural. A discriminator's loss is therefore a measurement: the
# lower it is, the further apart the collections are.

# %%
PLACES = np.linspace(-8, 8, 321)
kl, classifier = lm.ForwardKL(), lm.BinaryCrossEntropyFromLogits()


def normal(mean, width):
    """Probabilities of PLACES under Gaussians; the parameters may be arrays of one shape."""
    mean, width = (np.asarray(a, dtype=float)[..., None] for a in (mean, width))
    weight = np.exp(-0.5 * ((PLACES - mean) / width) ** 2)
    return weight / weight.sum(axis=-1, keepdims=True)


def jensen_shannon(p, q):
    """Mean divergence of two distributions from their even mixture, in nats."""
    middle = (p + q) / 2
    return (kl.value(middle, p) + kl.value(middle, q)) / 2


def best_discriminator_loss(p, q):
    """What it pays in the mean, real examples coming with p and fakes with q."""
    scores = np.log(p / q)
    of_real = classifier.value(scores, np.ones_like(p))
    of_fake = classifier.value(scores, np.zeros_like(q))
    return float(p @ of_real + q @ of_fake)


real, fake = normal(0.0, 1.0), normal(2.0, 1.5)
left, right = best_discriminator_loss(real, fake), np.log(4) - 2 * jensen_shannon(real, fake)
print(f"loss of the best discriminator {left:.6f}    log 4 − 2 JS {float(right):.6f}")
assert np.isclose(left, right)

# %% jupyter={"source_hidden": true}
SHOWN = np.flatnonzero(np.abs(PLACES) <= 6)[::2]
CELL = PLACES[1] - PLACES[0]


def caught(mean, width):
    p, q = normal(0.0, 1.0), normal(mean, width)
    loss, twice = best_discriminator_loss(p, q), 2 * float(jensen_shannon(p, q))
    x = PLACES[SHOWN]
    return Picture(
        [
            Panel(
                "two collections",
                [Curve(x, p[SHOWN] / CELL, "real"), Curve(x, q[SHOWN] / CELL, "fake")],
                Axis("x", -6, 6),
                Axis("density", 0, 0.9),
            ),
            Panel(
                "best discriminator",
                [
                    Curve(x, (p / (p + q))[SHOWN], "D", stroke="green"),
                    Rule(0.5, along="y", stroke="grey"),
                ],
                Axis("x", -6, 6),
                Axis("probability of real", 0, 1.05),
            ),
            Panel(
                "loss and divergence",
                [
                    Bars([loss, twice, loss + twice], ("loss", "2 JS", "sum")),
                    Rule(np.log(4), along="y", stroke="green"),
                ],
                Axis("", -0.5, 2.5),
                Axis("nats", 0, 1.6),
            ),
        ],
        readings={"loss": loss, "Jensen–Shannon divergence": twice / 2},
    )


hopeless = best_discriminator_loss(real, real)
Explorer(
    caught,
    [
        Slider("mean", -5, 5, 2, symbol=r"\mu", meaning="mean of the fakes"),
        Slider("width", 0.5, 2, 1.5, scale="log", symbol=r"\sigma", meaning="width of the fakes"),
    ],
    title="The best discriminator of real and fake",
    predict=Predict(
        "Put the fakes exactly on the real examples. What does the best discriminator lose?",
        answer=round(hopeless, 6),
        within=0.02,
        because="It says one half everywhere and pays log 2 for each of the two: "
        f"log 4 = {np.log(4):.3f}.",
    ),
)

# %% [markdown]
# The green line is $\log 4$, and the two bars always add up to it. At $\mu = 0$ and $\sigma = 1$
# the discriminator is helpless: $D$ is one half everywhere. Now make the fakes *narrower* than the
# real examples, at the same place. It calls the middle fake and the flanks real: it has noticed
# that something is missing.
#
# > **Refute this.** *“A loss is never negative, and a perfect model costs zero.”* Ask the losses
# > of this chapter what they cost when the forgery is perfect.

# %%
even = 0.0  # the score of an example that could be either
perfect = {
    "discriminator": float(lm.GANDiscriminator().value(even, even)),
    "minimax generator": float(lm.SaturatingGenerator().value(even)),
    "non-saturating generator": float(lm.NonSaturatingGenerator().value(even)),
}
critic_far = float(lm.WGANCritic().value(3.0, 0.0, 1.0))
for name, loss in perfect.items():
    print(f"{name:25} {loss:+.4f}")
print(f"critic that scores real examples 3 above fakes {critic_far:+.1f}")
assert perfect["minimax generator"] < 0 < perfect["discriminator"]

# %% [markdown]
# Refuted twice over. With perfect forgeries the discriminator pays
# 1.3863<!--= f"{perfect['discriminator']:.4f}" -->, the generator
# −0.6931<!--= f"{perfect['minimax generator']:.4f}".replace("-", "−") --> or
# 0.6931<!--= f"{perfect['non-saturating generator']:.4f}" -->, depending on which loss it uses, and
# a critic that you will meet below is at −3.0<!--= f"{critic_far:.1f}".replace("-", "−") --> while
# it is *winning*. In a game, a player's loss also depends on how good the other one is just now. A
# curve that falls does not mean that the pictures get better.
#
# ## The forger's gradient
#
# The generator cannot move $z$; it moves its fakes, and feels $z$ through the slope of its loss. If
# it simply wants the opposite of the discriminator, it minimises $\log(1 - D) = -\log(1 + e^{z})$.
# Each wins what the other loses, and such a game is called **minimax**. Its derivative in the score
# is $-D$. Say that out loud: the pull on a fake is the probability that it *passes*. The fakes that
# most need to change are those with $D \approx 0$, and they feel nothing. The loss is
# **saturated**.
#
# The remedy is one line. Instead of minimising the chance of being caught, maximise the chance of
# passing: minimise $-\log D = \log(1 + e^{-z})$. The derivative is $-(1 - D)$, which is largest
# where the fakes are worst. This is the **non-saturating** loss. The third curve belongs to a
# *critic*, which comes later and whose score is not squashed into a probability at all. (The
# discriminator's own loss is in the picture, too: the non-saturating curve is what it pays for a
# real example, and its mirror image what it pays for a fake.)

# %%
SCORES = np.linspace(-11, 11, 89)
GENERATORS = {"minimax": lm.SaturatingGenerator(), "non-saturating": lm.NonSaturatingGenerator()}


# %% jupyter={"source_hidden": true}
def forger(score):
    strokes = dict(zip(GENERATORS, ("blue", "orange"), strict=True))
    curves = {how: [] for how in ("value", "gradient", "hessian")}
    for how, marks in curves.items():
        for name, loss in GENERATORS.items():
            at = float(getattr(loss, how)(score))
            marks.append(Curve(SCORES, getattr(loss, how)(SCORES), name, strokes[name]))
            marks.append(Points([score], [at], stroke=strokes[name], size=5))
    curves["value"].append(Curve(SCORES, -SCORES, "critic", "green"))
    curves["gradient"].append(Curve(SCORES, -np.ones_like(SCORES), "critic", "green"))
    curves["hessian"].append(Curve(SCORES, np.zeros_like(SCORES), "critic", "green"))
    across = Axis("a fake's score z", -11, 11)
    return Picture(
        [
            Panel("value", curves["value"], across, Axis("", -12, 12)),
            Panel("slope: the pull", curves["gradient"], across, Axis("", -1.3, 0.3)),
            Panel("curvature", curves["hessian"], across, Axis("", -0.35, 0.35)),
        ],
        readings={
            "probability of passing": 1 / (1 + np.exp(-score)),
            **{f"slope, {name}": float(g.gradient(score)) for name, g in GENERATORS.items()},
        },
    )


weak, strong = (float(loss.gradient(-10.0)) for loss in GENERATORS.values())
ratio = strong / weak
AMOUNTS = {"ten times": 10, "a thousand times": 1e3, "twenty thousand times": 2e4}
Explorer(
    forger,
    [Slider("score", -10, 10, -4, symbol="z", meaning="the discriminator's score of a fake")],
    title="What a fake feels when it is found out",
    predict=Predict(
        "A fake scores −10. How much harder does the non-saturating loss pull, about?",
        choices=tuple(AMOUNTS),
        answer=min(AMOUNTS, key=lambda name: abs(np.log(AMOUNTS[name] / ratio))),
        because="The ratio of the slopes is (1 − D) / D = exp(−z), and exp(10) is "
        f"{np.exp(10):.0f}.",
    ),
)

# %% [markdown]
# > **Refute this.** *“The discriminator tries to maximise the minimax value, and the generator
# > tries to minimise it.”* Let both kinds of generator learn against the best discriminator, from
# > fakes that start six units away. The generator knows a single trick, to shift its fakes
# > by $\theta$. For real examples $\mathcal N(0, 1)$ and fakes $\mathcal N(\theta, 1)$ the best
# > score is $z(x) = \tfrac12\theta^2 - \theta x$, with slope $-\theta$ everywhere.


# %%
def pull(loss, shift, width=1.0):
    """Slope of a generator's mean loss in its shift, against the best discriminator."""
    shift = np.asarray(shift, dtype=float)[..., None]
    fakes = shift + width * PLACES  # as many of each as normal(0, 1) says
    scores = (shift**2 / 2 - shift * fakes) / width**2
    return loss.gradient(scores) @ normal(0.0, 1.0) * (-shift[..., 0] / width**2)


def arrival(loss, start=6.0, rate=0.5, near=0.1, patience=20_000):
    """Steps of gradient descent until the shift is small."""
    shift = start
    for step in range(patience):
        if abs(shift) < near:
            return step
        shift -= rate * float(pull(loss, shift))
    return patience


arrived = {name: arrival(loss) for name, loss in GENERATORS.items()}
print(f"pull at a score of −10:  minimax {weak:.3g}   non-saturating {strong:.5f}")
print("steps to arrive:", arrived)
assert arrived["minimax"] > 10 * arrived["non-saturating"]

# %% [markdown]
# Half right. It is true of the *value* of the game, and of hardly anybody's code. At a score of
# minus ten the minimax pull is −4.54e-05<!--= f"{weak:.2e}".replace("-4", "−4") -->, the other
# −0.99995<!--= f"{strong:.5f}".replace("-", "−") -->. In our small world it is the difference
# between 143<!--= arrived["minimax"] --> steps and
# 11<!--= arrived["non-saturating"] -->. The two losses want the same end, but they are two
# losses, and with the second one the game is no longer minimax: the players' losses do not add up
# to zero.
#
# ## Sliding apart: Jensen–Shannon against Wasserstein
#
# Look closer at what stalls. Take real examples and fakes as two equal hills, of width $\sigma$,
# and slide one away. As soon as they hardly overlap, Jensen–Shannon says "as different as can be",
# $\log 2$, and goes on saying so at any distance. It cannot tell *near* from *far*, so it gives no
# direction.
#
# There is a distance that can. Think of one hill as sand that has to be carried to where the other
# one stands. The least total work, mass times way, is the **earth mover's** or **Wasserstein**
# distance. On a line it is the area between the two distribution functions,
#
# $$W_1 = \int |F(x) - G(x)|\,dx ,$$
#
# and for two equal hills simply the distance between them. In the right-hand picture you see what
# each way of grading feels like to the generator.

# %% jupyter={"source_hidden": true}
GAPS = np.linspace(-4.5, 4.5, 61)
EARTH = lm.Wasserstein1D()
NOISE = np.array([NormalDist().inv_cdf((i + 0.5) / 60) for i in range(60)])  # even quantiles


@lru_cache(maxsize=32)
def by_gap(width):
    """Both distances over all gaps, and the slope of every way of grading in the gap."""
    still = np.broadcast_to(width * NOISE, (len(GAPS), len(NOISE)))
    moved = GAPS[:, None] + still
    p = np.broadcast_to(normal(0.0, width), (len(GAPS), len(PLACES)))
    pulls = {name: pull(loss, GAPS, width) for name, loss in GENERATORS.items()}
    pulls["W₁"] = EARTH.gradient(moved, still).sum(axis=-1)
    return jensen_shannon(p, normal(GAPS, width)), EARTH.value(moved, still), pulls


def apart(gap, width):
    divergence, work, pulls = by_gap(width)
    x = PLACES[SHOWN]
    here = {"JS": np.interp(gap, GAPS, divergence), "W₁": np.interp(gap, GAPS, work)}
    felt = {name: np.interp(gap, GAPS, slope) for name, slope in pulls.items()}
    across = Axis("distance of the hills θ", -4.5, 4.5)
    return Picture(
        [
            Panel(
                "two hills",
                [
                    Curve(x, normal(0.0, width)[SHOWN] / CELL, "real"),
                    Curve(x, normal(gap, width)[SHOWN] / CELL, "fake"),
                ],
                Axis("x", -6, 6),
                Axis("density", 0, 2.2),
            ),
            Panel(
                "how far apart",
                [
                    Curve(GAPS, divergence, "JS", stroke="blue"),
                    Curve(GAPS, work, "W₁", stroke="green"),
                    Points([gap], [here["JS"]], stroke="blue", size=5),
                    Points([gap], [here["W₁"]], stroke="green", size=5),
                ],
                across,
                Axis("", 0, 4.7),
            ),
            Panel(
                "slope in θ",
                [
                    *(Curve(GAPS, slope, name.replace("saturating", "sat."), stroke)
                      for (name, slope), stroke in zip(pulls.items(), ("blue", "orange", "green"),
                                                       strict=True)),
                    Rule(gap, stroke="grey"),
                ],
                across,
                Axis("", -5, 5),
            ),
        ],
        readings={**here, **{f"slope, {name}": slope for name, slope in felt.items()}},
    )  # fmt: skip


far = {gap: float(jensen_shannon(normal(0.0, 0.3), normal(gap, 0.3))) for gap in (2.0, 4.0)}
lost = far[4.0] - far[2.0]
Explorer(
    apart,
    [
        Slider("gap", -4, 4, 1.5, symbol=r"\theta", meaning="how far the fakes are off"),
        Slider("width", 0.2, 1, 0.6, scale="log", symbol=r"\sigma", meaning="width of both hills"),
    ],
    title="Two hills slide apart",
    predict=Predict(
        "Two hills of width 0.3 stand 2 apart and slide on until they are 4 apart. By how much "
        "does the Jensen–Shannon divergence grow?",
        answer=round(lost, 4),
        within=0.02,
        because=f"At 2 apart it is already log 2 = {np.log(2):.3f}, and there is no more to be "
        "had.",
    ),
)

# %% [markdown]
# Make the hills narrow. Jensen–Shannon becomes a pit with steep walls in a flat plain, while the
# Wasserstein distance is the same cone at every width. The blue pull, of the minimax game, lives
# only on the walls of the pit. In fact it *is* the slope of twice the divergence: the
# discriminator is at its best, where a change of its own makes no difference to first order, so
# only the generator's step counts.

# %%
divergence, _, pulls = by_gap(1.0)
assert np.allclose(np.gradient(2 * divergence, GAPS)[1:-1], pulls["minimax"][1:-1], atol=0.01)
table_of_pulls = {}
for gap in (0.5, 2.0, 6.0):
    table_of_pulls[gap] = {name: float(pull(loss, gap)) for name, loss in GENERATORS.items()}
    print(f"θ = {gap}:", {name: f"{value:.2g}" for name, value in table_of_pulls[gap].items()})

# %% [markdown]
# The non-saturating pull has the opposite ailment: at $\theta = 6$ it is
# 6.0<!--= f"{table_of_pulls[6.0]['non-saturating']:.1f}" -->, and with narrow hills it is larger
# still, because the best discriminator is a cliff. It points the right way, but only on average
# and with a length that says little.
#
# The distance does not ask for samples of one size, either: it only compares distribution
# functions. Points that repeat and points that weigh more are the same to it.

# %%
once, often = np.array([0.0, 1.0]), np.array([0.0, 0.0, 0.0, 1.0])
repeated = EARTH.value(once, often)
weighted = lm.WeightedWasserstein1D().value(once, once, [0.5, 0.5], [0.75, 0.25])
assert repeated == weighted
print(f"two points against four: {repeated}; two against two with weights: {weighted}")

# %% [markdown]
# ## The critic, and its leash
#
# How can a network *measure* earth moving? By a beautiful exchange of roles (Kantorovich, 1942):
# the least work of the carrier equals the largest profit of a scorer whose scores may not rise
# faster than distance,
#
# $$W_1(p, q) = \max_{\|\nabla D\| \,\le\, 1} \;
#   \mathbb E_p[D(x)] - \mathbb E_q[D(x)] .$$
#
# ($\mathbb E_p$ is the mean over real examples, $\mathbb E_q$ over fakes.) So train a **critic**
# $D$, any function, to score real examples above fakes, and keep it on a leash: no slope beyond
# one. The generator then simply raises the mean score of its fakes. A
# popular leash is the **gradient penalty**. Its loss for one pair is
#
# $$D(x_f) - D(x_r) + \lambda\,\big(\|\nabla D\| - 1\big)^2 ,$$
#
# with the slope taken somewhere between the pair. Below, fakes stand around zero and real examples
# around three, so that $W_1 = 3$, and the critic is a straight line of slope $k$.

# %% jupyter={"source_hidden": true}
FORGED, GENUINE = 0.5 * NOISE[4::6], 3 + 0.5 * NOISE[4::6]
STEEP = np.linspace(0, 2.1, 61)
TRUE_DISTANCE = float(EARTH.value(GENUINE, FORGED))


def critic_loss(k, penalty):
    """Mean loss of critics with scores k x, for all the slopes k at once."""
    k = np.asarray(k, dtype=float)[..., None] * np.ones_like(FORGED)
    return lm.WGANCritic(penalty).value(k * GENUINE, k * FORGED, k).mean(axis=-1)


def leash(k, penalty):
    losses = critic_loss(STEEP, penalty)
    ends = np.array([-2.0, 5.0])
    return Picture(
        [
            Panel(
                "the critic's scores",
                [
                    Curve(ends, k * ends, "D", stroke="purple"),
                    Points(FORGED, k * FORGED, "fake", "orange"),
                    Points(GENUINE, k * GENUINE, "real", "blue"),
                ],
                Axis("x", -2, 5),
                Axis("score", -4, 10),
            ),
            Panel(
                "the critic's loss, by its slope",
                [
                    Curve(STEEP, critic_loss(STEEP, 0.0), "no penalty", stroke="grey"),
                    Curve(STEEP, losses, "with penalty", stroke="purple"),
                    Curve(STEEP, np.full_like(STEEP, -TRUE_DISTANCE), "−W₁", stroke="green"),
                    Points([k], critic_loss([k], penalty), stroke="purple", size=6),
                ],
                Axis("slope k", 0, 2.1),
                Axis("", -8, 10),
            ),
        ],
        readings={
            "critic says": float(k * (GENUINE.mean() - FORGED.mean())),
            "W₁": TRUE_DISTANCE,
            "its loss": float(critic_loss(k, penalty)),
            "curvature in k": 2 * penalty,
        },
    )


best_slope = 1 + TRUE_DISTANCE / (2 * lm.WGANCritic().penalty)
assert np.isclose(critic_loss(best_slope, 10.0), critic_loss(np.linspace(0, 3, 3001), 10.0).min())
Explorer(
    leash,
    [
        Slider("k", 0, 2, 1, meaning="slope of the critic"),
        slider(lm.WGANCritic, "penalty"),
    ],
    title="A critic on a leash",
    predict=Predict(
        "With λ = 10, at which slope is the critic's loss lowest?",
        choices=("a little below 1", "exactly 1", "a little above 1"),
        answer="a little above 1" if best_slope > 1 else "a little below 1",
        because="Pulling is rewarded in proportion, and the penalty costs nothing at first: "
        "−3k + λ(k − 1)² is lowest at k = 1 + 3/(2λ).",
    ),
)

# %% [markdown]
# > **Refute this.** *“A Wasserstein critic's loss measures the earth mover's distance.”* Compare
# > four critics of the same two collections.

# %%
readings = {
    "lazy, slope 0.2": (0.2, 10.0),
    "best, with λ = 10": (best_slope, 10.0),
    "best, with λ = 1": (1 + TRUE_DISTANCE / 2, 1.0),
    "no leash, slope 50": (50.0, 0.0),
}
says = {}
for name, (k, penalty) in readings.items():
    says[name] = float(k * (GENUINE.mean() - FORGED.mean()))
    print(f"{name:20} says {says[name]:6.2f}, loss {float(critic_loss(k, penalty)):7.2f}    "
          f"W₁ = {TRUE_DISTANCE:.2f}")  # fmt: skip
assert says["lazy, slope 0.2"] < TRUE_DISTANCE < says["best, with λ = 10"]

# %% [markdown]
# Refuted. Only the *best* critic of slope *at most one* does. A half-trained critic says too
# little, 0.60<!--= f"{says['lazy, slope 0.2']:.2f}" -->. A soft leash lets the best one lean into
# it: it says 3.45<!--= f"{says['best, with λ = 10']:.2f}" --> with $\lambda = 10$ and
# 7.50<!--= f"{says['best, with λ = 1']:.2f}" --> with $\lambda = 1$. And without a leash the number
# means nothing at all. What is true is weaker and still useful: the critic's slope does not fade
# with distance, so the generator always knows where to go.
#
# There is a third way to keep scores in bounds: stop asking. The **hinge** critic is the margin
# loss of [chapter three](03_classification.ipynb) with labels plus and minus one. Once a fake
# scores below minus one the critic has nothing more to gain from it:

# %%
hinge_slopes = {s: float(lm.Hinge().gradient(s, -1.0)) + 0.0 for s in (-2.0, -0.5, 2.0)}
for score, slope in hinge_slopes.items():
    print(f"a fake that scores {score:4}: the hinge critic pushes its score with {slope:.0f}")

# %% [markdown]
# ## Round and round
#
# So far the discriminator was always the best one. In practice both players take small steps *at
# the same time*, and then even the simplest minimax game imaginable may never end. All real
# examples sit at zero, all fakes at $\theta$, and the discriminator's score is $z = \psi x$ with a
# single weight $\psi$. The only rest is at $\theta = \psi = 0$.
#
# When the fake is to the right, the discriminator learns a falling score; that sends the fake to
# the left, past zero, and the discriminator must turn round. Turn on a small penalty
# $\lambda \psi^2$ on its slope and look again.

# %% jupyter={"source_hidden": true}
PACE, TURNS = 0.25, 100
SPOTS = np.stack([a.ravel() for a in np.meshgrid(*2 * [np.linspace(-1.8, 1.8, 8)])])


def urges(places, penalty):
    """Downhill for both players: in the fakes' place θ and the discriminator's weight ψ."""
    shift, weight = places
    of_generator = lm.SaturatingGenerator().gradient(weight * shift)  # the other's is minus this
    shrink = lm.L2Penalty(penalty).gradient(weight)
    return np.stack([-of_generator * weight, of_generator * shift - shrink])


def duel(penalty):
    """The places of both players when they step together, (TURNS + 1, 2)."""
    path = [np.array([[1.0], [0.0]])]
    for _ in range(TURNS):
        path.append(path[-1] + PACE * urges(path[-1], penalty))
    return np.stack(path)[..., 0]


def orbit(penalty):
    path, away = duel(penalty), urges(SPOTS, penalty)
    return Picture(
        [
            Panel(
                "both players",
                [
                    Arrows(*SPOTS, *(0.25 * away), stroke="grey"),
                    Curve(path[:, 0], path[:, 1], stroke="blue"),
                    Points([1.0], [0.0], "start", "orange", size=5),
                    Points([0.0], [0.0], "rest", "ink"),
                ],
                Axis("the fake θ", -2.2, 2.2),
                Axis("the discriminator ψ", -2.2, 2.2),
                equal=True,
            ),
            Panel(
                "how far the fake is off",
                [Curve(np.arange(TURNS + 1.0), np.abs(path[:, 0]), "|θ|", stroke="blue")],
                Axis("steps taken", 0, TURNS),
                Axis("distance", 0, 2.2),
            ),
        ],
        readings={
            "distance from rest, start": 1.0,
            "and at the end": float(np.hypot(*path[-1])),
        },
    )


drift = float(np.hypot(*duel(0.0)[-1]))
Explorer(
    orbit,
    [Slider("penalty", 0, 0.5, 0, symbol=r"\lambda", meaning="price of the discriminator's slope")],
    title="The simplest game of all",
    predict=Predict(
        f"Without a penalty, where are the players after {TURNS} steps?",
        choices=("closer to rest", "as far as at the start", "further away"),
        answer="further away" if drift > 1.1 else "as far as at the start",
        because="They circle, and every straight step leaves the circle on the outside.",
    ),
)

# %% [markdown]
# Every player goes downhill at every step, and the pair goes nowhere. From a distance of one they
# have drifted to 1.88<!--= f"{drift:.2f}" -->. "Go downhill" is a promise about *one* loss. With
# two losses the arrows need not point to anything; here they turn. The penalty gives them an
# inward lean: that is what penalties of this kind are for.
#
# ## The other way: squeeze and rebuild
#
# Now the grading without a critic. The **variational autoencoder** of
# [chapter four](04_probabilistic.ipynb) sends an example $x$ through a few hidden numbers $z$. An
# encoder answers with a mean $\mu$ and a variance $e^{l}$ for each of them, a decoder rebuilds $x$
# from a draw. Two terms grade it:
#
# $$\underbrace{\frac{\|\hat x - x\|^2}{2\sigma^2}}_{\text{what was lost}} \;+\; \beta
#   \underbrace{\sum_i \tfrac12\big(\mu_i^2 + e^{l_i} - 1 - l_i\big)}_{\text{what came through, in
#   nats}} .$$
#
# The first wants $z$ to tell all about $x$. The second is the divergence of the encoder's answer
# from the standard normal, and wants it to tell nothing. The exchange rate is $\beta$.
#
# Look at the second for one hidden number. In $\mu$ it is a parabola with curvature one. In $l$,
# the logarithm of the variance, it is lopsided:

# %% jupyter={"source_hidden": true}
LOG_VARIANCES = np.linspace(-6, 3, 73)


def price_of_one(mean):
    kl = lm.GaussianKL()
    pair = np.full_like(LOG_VARIANCES, mean), LOG_VARIANCES
    shapes = {
        "value": (kl.value(*pair), -0.3, 6),
        "slope in l": (kl.gradient(*pair)[1], -2, 6),
        "curvature in l": (kl.hessian(*pair)[1][1], -0.3, 6),
    }
    return Picture(
        [
            Panel(
                title,
                [Curve(LOG_VARIANCES, curve, stroke="purple"), Rule(0.0, stroke="grey")],
                Axis("log of the variance, l", -6, 3),
                Axis("", low, high),
            )
            for title, (curve, low, high) in shapes.items()
        ],
        readings={"at l = 0": float(kl.value(mean, 0.0)), "at l = −6": float(kl.value(mean, -6.0))},
    )


Explorer(
    price_of_one,
    [Slider("mean", 0, 3, 0.5, symbol=r"\mu", meaning="mean of the encoder's answer")],
    title="The price of one hidden number",
)

# %% [markdown]
# To be vague costs exponentially, to be precise only in proportion to the digits: each halving of
# the variance costs about $\tfrac12\log 2$ nats, and the curvature is nearly zero there, so that
# nothing but the first term calls a too certain encoder back. The mean only lifts the curve.
#
# What does a deal look like? Take one direction, along which the data vary with variance $v$ around
# zero. Let the encoder's mean be $a x$, its variance $s$, and the decoder's answer $w z$. Averaged
# over the data and the draws, the two terms are
#
# $$\frac{v\,(1 - w a)^2 + w^2 s}{2\sigma^2} + \frac\beta2 \big(a^2 v + s - 1 - \log s\big) .$$
#
# Write $c = \beta\sigma^2$ for the **price**. Three derivatives have to vanish:
#
# * in $s$: $\ w^2 + c = c / s$, so that $s = c / (w^2 + c)$;
# * in $a$: $\ c\,a = w\,(1 - w a)$, so that $a = w / (w^2 + c)$, and hence $1 - w a = s$;
# * in $w$: $\ w s = a v\,(1 - w a) = a v s$, so that $w = a v$: either $w = 0$ or $w^2 + c = v$.
#
# The second answer exists only for $v > c$, and then it is the better one. So with directions of
# several variances $v_i$ one comparison decides:
#
# * if $v_i > c$, direction $i$ gets a hidden number of its own. It tells
#   $\tfrac12 \log \frac{v_i}{c}$ nats, and the mean rebuilding shrinks towards the centre by the
#   factor $w a = 1 - c / v_i$;
# * if not, the direction is **switched off**: rebuilt as its mean, at no cost in nats.
#
# The cell takes two directions and asks lossmath whether every derivative really vanishes.

# %%
VARIANCES = np.array([4.0, 0.5])
CLOUD = np.random.default_rng(2).standard_normal((80, 2))
CLOUD = (CLOUD - CLOUD.mean(axis=0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(CLOUD.T, ddof=0)).T)
CLOUD = CLOUD * np.sqrt(VARIANCES)  # variances exactly 4 and 0.5, uncorrelated


def best_deal(beta, sigma):
    """Decoder weight, encoder weight and encoder variance for each direction."""
    price = beta * sigma**2
    decode = np.sqrt(np.clip(VARIANCES - price, 0, None))
    return decode, decode / (decode**2 + price), price / (decode**2 + price)


def two_terms(decode, encode, variance, beta, sigma):
    """Mean loss of the cloud, what was lost and what came through, in nats."""
    means = encode * CLOUD
    logs = np.broadcast_to(np.log(variance), means.shape)
    misses = lm.GaussianReconstruction(sigma).value(decode * means, CLOUD)
    lost = (misses + decode**2 * variance / (2 * sigma**2)).sum(axis=-1)
    total = lm.NegativeELBO(beta).value(-lost, means, logs)
    return total.mean(), lost.mean(), lm.GaussianKL().value(means, logs).mean(axis=0)


def bump(position, amount, beta=1.5, sigma=0.5):
    """The loss when one of the six numbers of the best deal is changed a little."""
    deal = np.array(best_deal(beta, sigma))
    deal.ravel()[position] += amount
    return two_terms(*deal, beta, sigma)[0]


slopes = [(bump(i, 1e-4) - bump(i, -1e-4)) / 2e-4 for i in range(6)]
bends = [(bump(i, 1e-3) - 2 * bump(i, 0) + bump(i, -1e-3)) / 1e-6 for i in range(6)]
print("slopes at the best deal:    ", np.array2string(np.abs(slopes), precision=1))
print("curvatures at the best deal:", np.array2string(np.array(bends), precision=1))
assert np.allclose(slopes, 0, atol=1e-5) and min(bends) > 0

# %% jupyter={"source_hidden": true}
TILT = np.array([[0.8, -0.6], [0.6, 0.8]])
AROUND = np.linspace(0, 2 * np.pi, 61)
RING = np.column_stack([np.cos(AROUND), np.sin(AROUND)])
PRICES = np.geomspace(0.004, 100, 81)
NATS = 0.5 * np.log(np.maximum(VARIANCES[:, None] / PRICES, 1.0))
ERRORS = np.minimum(VARIANCES[:, None], PRICES).sum(axis=0)


def clouds(decode, encode, sigma):
    """The data, what is rebuilt of them, and two standard deviations of what is drawn anew."""
    shown, rebuilt = CLOUD @ TILT.T, (decode * encode * CLOUD) @ TILT.T
    drawn = (2 * np.sqrt(decode**2 + sigma**2) * RING) @ TILT.T
    return Panel(
        "data, rebuilt and drawn anew",
        [
            Points(*shown.T, stroke="grey", size=2.5),
            Points(*rebuilt.T, stroke="orange", size=2.5),
            Curve(*drawn.T, stroke="blue"),
        ],
        Axis("", -5, 5),
        Axis("", -5, 5),
        equal=True,
    )


def telling(price, told):
    return Panel(
        "what each hidden number tells",
        [
            Curve(PRICES, NATS[0], "long", stroke="blue"),
            Curve(PRICES, NATS[1], "short", stroke="orange"),
            Points([price, price], told, stroke="ink", size=5),
        ],
        Axis("price βσ²", 0.004, 100, scale="log"),
        Axis("nats", -0.15, 3.6),
    )


def trade(told, error):
    return Panel(
        "the best trade",
        [
            Curve(NATS.sum(axis=0), ERRORS, stroke="green"),
            Points([told], [error], stroke="ink", size=5),
        ],
        Axis("nats told", -0.2, 6.2),
        Axis("squared error", -0.2, 5),
    )


def squeeze(beta, sigma):
    price, deal = beta * sigma**2, best_deal(beta, sigma)
    decode, encode, _ = deal
    total, lost, told = two_terms(*deal, beta, sigma)
    return Picture(
        [
            clouds(decode, encode, sigma),
            telling(price, told),
            trade(told.sum(), 2 * sigma**2 * lost),
        ],
        readings={
            "price βσ²": price,
            "what was lost": float(lost),
            "β × what came through": float(beta * told.sum()),
            "their sum": float(total),
            "directions in use": int((decode > 0).sum()),
        },
    )


switch_off = VARIANCES[1] / 0.5**2
Explorer(
    squeeze,
    [
        slider(lm.NegativeELBO, "beta", low=0.1, high=20, scale="log"),
        slider(lm.GaussianReconstruction, "sigma", low=0.2, default=0.5),
    ],
    title="What is worth telling?",
    predict=Predict(
        "The short direction has variance 0.5, and σ = 0.5. Raise β: at which β does its hidden "
        "number fall silent?",
        answer=switch_off,
        within=0.1,
        because="When the price βσ² reaches the variance: 0.5 / 0.25 = 2.",
    ),
)

# %% [markdown]
# Grey dots are the data, orange dots what is rebuilt from the mean of $z$, and the blue ring (two
# standard deviations) is where *new* examples come from: draw $z$ from the standard normal, decode,
# add the decoder's noise. Turn $\beta$ up and the cloud first loses its short direction, then
# everything. At $\beta = 1$ the ring fits the data exactly, as long as both directions are in use;
# beyond, the model pays too much attention to the price and draws too narrowly.
#
# This is also why such models are called blurry. The squared error rebuilds whatever was not told
# as its **mean**, and the mean of many sharp pictures is not a sharp picture. A discriminator would
# notice at once; the rebuilding loss cannot, because it looks at one example at a time.
#
# > **Refute this.** *“The divergence measures how closely the latent space matches a normal
# > distribution.”* Then a perfect match must mean a divergence of zero.

# %%
decode, encode, variance = best_deal(beta=1.0, sigma=0.5)
hidden_spread = encode**2 * VARIANCES + variance  # of all hidden numbers: means, and noise around
_, _, told = two_terms(decode, encode, variance, 1.0, 0.5)
print("mean of all hidden numbers", np.round((encode * CLOUD).mean(axis=0), 6) + 0.0)
print("variance of them          ", hidden_spread)
print("mean divergence, in nats  ", np.round(told, 3))
assert np.allclose(hidden_spread, 1) and told.min() > 0.3

# %% [markdown]
# Refuted. The hidden numbers of all examples together are as standard normal as can be, variance
# 1.000<!--= f"{hidden_spread[0]:.3f}" -->, and the divergence is
# 1.386<!--= f"{told[0]:.3f}" --> nats in one direction and
# 0.347<!--= f"{told[1]:.3f}" --> in the other. The term compares the answer for *each single
# example* with the standard normal, and its mean is the price of telling the examples apart. It
# vanishes only when nothing is told.
#
# ## Watch them fail
#
# **The naive formula.** The minimax loss is printed as $\log(1 - D)$. Typed that way:

# %%
score = 40.0
with np.errstate(divide="ignore"):
    naive = np.log(1 - 1 / (1 + np.exp(-score)))
stable = float(lm.SaturatingGenerator().value(score))
print(f"log(1 − D) as typed: {naive}    lossmath: {stable:.1f}")

# %% [markdown]
# A fake that scores forty is passed with a probability that rounds to one, and the logarithm of
# nothing is $-\infty$. Written in the score it is a plain
# −40.0<!--= f"{stable:.1f}".replace("-", "−") -->. Losses of a game want scores, never
# probabilities.
#
# **Mode collapse.** Real examples come from two equal hills, at minus three and three. The
# generator answers each discriminator with whatever scores best, and the discriminator then learns
# again from the new fakes. (A tenth of its fakes come from everywhere, to keep it from being
# certain about places it has never seen.)

# %%
TWO_HILLS = (normal(-3.0, 0.7) + normal(3.0, 0.7)) / 2
ANYWHERE = np.full_like(PLACES, 1 / len(PLACES))
place, history = 0.5, []
for _ in range(8):
    fakes = 0.9 * normal(place, 0.7) + 0.1 * ANYWHERE
    scores = np.log(TWO_HILLS / fakes)  # of the best discriminator
    generator_loss = lm.NonSaturatingGenerator().value(scores)
    place = float(PLACES[np.argmin(generator_loss)])
    history.append(place)
print("the generator stands at", [round(h, 1) for h in history])
reached = {round(h) for h in history}
assert len(reached) == 2 and all(a * b < 0 for a, b in pairwise(history))

# %% [markdown]
# It never makes both. The best answer to any *fixed* discriminator is its single best-scoring
# place, so the generator puts everything there, is found out, and leaps to the other hill, for
# ever. Nothing in a loss that grades one fake at a time asks for variety; only the discriminator's
# *next* lesson does. That is why people let it see several fakes at once, or make it learn faster.
#
# **The wrong sign.** The evidence lower bound is to be *maximised*, so the loss is minus the bound.
# Minimise the bound itself and training looks splendid: the number falls and falls.

# %%
weight, falling = 0.6, []
for _ in range(40):
    bound = -lm.NegativeELBO().value(-((weight * 2.0 - 2.0) ** 2) / 2, [weight * 2.0], [0.0])
    falling.append(float(bound))
    slope = -(2.0 * (weight * 2.0 - 2.0) + 2.0 * weight * 2.0)  # of the bound in the weight
    weight -= 0.02 * slope  # downhill: should have been uphill
print(f"“loss” {falling[0]:.2f} → {falling[-1]:.0f}, rebuilds 2 as {2 * weight:.1f}")

# %% [markdown]
# From −1.04<!--= f"{falling[0]:.2f}".replace("-", "−") --> down to
# −4265<!--= f"{falling[-1]:.0f}".replace("-", "−") -->, and what went in as two is rebuilt as
# 76.7<!--= f"{2 * weight:.1f}" -->. Look at the pictures, not only at the curve.
#
# ## The losses on one screen

# %%
table(*lm.catalogue("adversarial"), lm.GaussianReconstruction, lm.GaussianKL, lm.NegativeELBO)

# %% [markdown]
# **How to choose.** Sharp examples matter and you can look at them while it trains: a game, with
# the non-saturating or the hinge loss and a penalty on the discriminator's slope. You want to watch
# a number that means something: a critic, kept on its leash and trained well. You need the hidden
# numbers, a likelihood, or a training that simply runs: the two terms, with $\beta = 1$ until you
# know why not, and both of them *summed* over what they run over.
#
# ## Practise
#
# * [BCE from logits](../exercises/03_bce_from_logits.ipynb): the discriminator's loss, at scores
#   where the naive formula dies.
# * [Pairwise preference](../exercises/08_pairwise_preference.ipynb): another loss whose best score
#   is a log-ratio of two models.
# * [Does one term dominate?](../exercises/10_dominating_term.ipynb): what to measure when two terms
#   share one set of weights.
#
# ## Further reading
#
# * Goodfellow and others, *Generative adversarial nets* (2014): both generator losses are there.
# * Arjovsky and Bottou, *Towards principled methods for training generative adversarial networks*
#   (2017), on why the gradients vanish; Arjovsky, Chintala and Bottou, *Wasserstein GAN* (2017);
#   Gulrajani and others, *Improved training of Wasserstein GANs* (2017), for the penalty.
# * Lim and Ye, *Geometric GAN* (2017): the hinge critic.
# * Mescheder, Geiger and Nowozin, *Which training methods for GANs do actually converge?* (2018):
#   the simplest game of all.
# * Kingma and Welling, *Auto-encoding variational Bayes* (2014); Higgins and others, *β-VAE*
#   (2017); Lucas and others, *Don't blame the ELBO!* (2019), for the linear case and its collapse.
# * Peyré and Cuturi, *Computational optimal transport* (2019).
