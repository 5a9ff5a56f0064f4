# %% [markdown]
# # 03 · BCE from logits ★
#
# **The question.** The textbook's binary cross-entropy takes a probability $p$. Real code takes the
# logit $z$ and never computes $p$ at all. Why, and how does one get from one formula to the other
# without a false step?
#
# **Why it matters.** A network gives logits, and logits of a sure network are large. At $z = -40$
# the probability is 4e-18, and $1 - p$ rounds to 1; at $z = 40$ it rounds to 0, and its logarithm
# is minus infinity. A loss that goes through $p$ turns the most telling mistakes into `inf` and
# `nan`. The cure is algebra you can do on one page, and it makes the gradient simpler, too.
#
# **Conventions.** All functions work entry by entry, without any mean. Labels $y$ may be *soft*,
# anything from 0 to 1. Logarithms are natural, losses are in nats, and the logistic function is
#
# $$p = \sigma(z) = \frac{1}{1 + e^{-z}}$$

# %% nbgrader={"grade_id": "setup"}
import numpy as np

from lossmath.course import check, hint, progress


def step_0(p, y):
    """Binary cross-entropy of a probability: the step the ladder stands on."""
    return -y * np.log(p) - (1 - y) * np.log(1 - p)


# %% [markdown]
# ## A ladder from p to z · 4 points
#
# Climb from `step_0` above to a formula that survives every logit. Each step is a function that
# returns **the same loss**, but sees only what its row of the table lists, so that it has to be
# written differently. All arguments are arrays of one shape and precision, and so is the answer.
#
# | step | sees | what you do |
# |---|---|---|
# | `step_0(p, y)` | $p$ | given |
# | `step_1(u, y)` | $u = e^{-z}$ | put in $p = 1/(1+u)$; what is $1 - p$ then? |
# | `step_2(u, z, y)` | $u = e^{-z}$ and $z$ | one logarithm is known: get rid of $\log u$ |
# | `step_3(v, z, y)` | $v = e^{z}$ and $z$ | the same from the other side, with $u = 1/v$ |
# | `step_4(w, z, y)` | $w = e^{-\lvert z\rvert}$ and $z$ | join steps 2 and 3, for any $z$ |
#
# | $z$ | $y$ | $p$ | $u$ | $v$ | $w$ | loss |
# |---|---|---|---|---|---|---|
# | 2 | 0.25 | 0.880797 | 0.135335 | 7.38906 | 0.135335 | 1.62693 |
# | −1 | 1 | 0.268941 | 2.71828 | 0.367879 | 0.367879 | 1.31326 |
#
# Every step is compared with the one before it at random points, and the **first false step** is
# named. Any correct form counts. At the top, for $z = \pm10^4$, $u$ or $v$ is infinite, but $w$ is
# simply 0, and `step_4` must still be right.


# %% nbgrader={"grade_id": "ladder_steps", "solution": true}
def step_1(u, y):
    """The loss in terms of u = exp(-z); arrays of one shape in, one out, in nats."""
    ### BEGIN SOLUTION
    # p = 1 / (1 + u) and 1 - p = u / (1 + u)
    return y * np.log(1 + u) + (1 - y) * (np.log(1 + u) - np.log(u))
    ### END SOLUTION


def step_2(u, z, y):
    """The loss in terms of u = exp(-z) and z, without a logarithm of u itself."""
    ### BEGIN SOLUTION
    # log u = -z, and the two shares of log(1 + u) add up to one
    return np.log(1 + u) + (1 - y) * z
    ### END SOLUTION


def step_3(v, z, y):
    """The loss in terms of v = exp(z) and z."""
    ### BEGIN SOLUTION
    # 1 + u = (1 + v) / v, and log v = z
    return np.log(1 + v) - y * z
    ### END SOLUTION


def step_4(w, z, y):
    """The loss in terms of w = exp(-|z|) and z, for any z."""
    ### BEGIN SOLUTION
    # w is u for z >= 0 and v for z < 0: the steps 2 and 3 differ by z in just the first case
    return np.log(1 + w) + np.maximum(z, 0) - y * z
    ### END SOLUTION


# %% nbgrader={"grade_id": "ladder", "points": 4}
check("03", "ladder")

# %% [markdown]
# ## The value · 3 points
#
# `bce(z, y)` is the top of the ladder as a function of the logit alone: two floating-point arrays
# of one shape and precision in, an array like them out. For the two rows above: `[1.62693,
# 1.31326]`.
#
# * At $z = \pm10^4$ the loss is 0, 10000, or for soft labels something between; never `inf` or
#   `nan`.
# * Small losses count. For $z = 40$ and $y = 1$ the loss is 4.24835e-18, and not 0. (What does the
#   computer make of 1 + 4e-18, and which numpy function is made for it?)
# * A label below 0 or above 1 raises `ValueError`; data labelled −1 and 1 would otherwise train on
#   nonsense. A NaN among the logits must come out where it went in.


# %% nbgrader={"grade_id": "bce", "solution": true}
def bce(z, y):
    """Binary cross-entropy of logits, entry by entry.

    z: floating-point array of finite logits. y: array like z, labels from 0 to 1.
    Returns an array like z, in nats. Raises ValueError for labels outside 0..1.
    """
    ### BEGIN SOLUTION
    if np.any((y < 0) | (y > 1)):
        raise ValueError("bce: labels y must lie between 0 and 1")
    return np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z)))
    ### END SOLUTION


# %% nbgrader={"grade_id": "value", "points": 3}
check("03", "value")

# %% [markdown]
# ## The gradient · 3 points
#
# `bce_gradient(z, y)` is the derivative of `bce` with respect to $z$, entry by entry. For the two
# rows above it is `[0.630797, -0.731059]`: look at $p$ and $y$ in the table, and you know the
# formula. Everything complicated has cancelled.
#
# The same care is asked for as above: right at $z = \pm10^4$, and exact where it is small. For
# $z = 40$ and $y = 1$ the gradient is −4.24835e-18. The obvious formula subtracts two numbers that
# are equal to 16 digits there; write it as a weighted mean of $\sigma(z)$ and $-\sigma(-z)$.


# %% nbgrader={"grade_id": "bce_gradient", "solution": true}
def bce_gradient(z, y):
    """Derivative of `bce` with respect to the logit, entry by entry.

    z: floating-point array of finite logits. y: array like z, labels from 0 to 1.
    Returns an array like z, between -1 and 1, in nats.
    """
    ### BEGIN SOLUTION
    # exp(-log(1 + exp(-z))) is σ(z), without overflow and exact where it is tiny.
    return (1 - y) * np.exp(-np.logaddexp(0, -z)) - y * np.exp(-np.logaddexp(0, z))
    ### END SOLUTION


# %% nbgrader={"grade_id": "gradient", "points": 3}
check("03", "gradient")

# %% [markdown]
# Stuck? `hint("03")` gives three hints, one at a time. `progress()` shows where you are.

# %% tags=["public"]
from lossmath.course.laws import (
    Example,
    Gradient,
    Invariant,
    Ladder,
    Precision,
    Pure,
    Refuses,
    Shape,
)

hints = [
    "Start with hard labels: for y = 1 only one logarithm is left. Write it in u, then in z and v. "
    "Then do the same for y = 0, and put the two together with the weights y and 1 − y.",
    "The logarithm of a fraction is a difference, and log u is known without a computer. From step "
    "2 to step 3 the sum 1 + u becomes a fraction, too. For step 4, ask of steps 2 and 3 which one "
    "sees w when z is positive, and which when z is negative: by how much do they differ then?",
    "In the value, everything but the logarithm is exact for hard labels, if the large numbers "
    "cancel before the small one is added; the logarithm of one plus something tiny has a function "
    "of its own. For the gradient, differentiate step 3 and name what you see; then split the "
    "label into y and 1 − y.",
]

nan = float("nan")
z = np.array([2.0, -1.0])
y = np.array([0.25, 1.0])
loss = np.array([1.6269280110429725, 1.3132616875182228])


def seen_by_steps(z, y):
    """The arguments of every step at the same points."""
    u, v, w = np.exp(-z), np.exp(z), np.exp(-np.abs(z))
    return {
        "step_0": (1 / (1 + u), y),
        "step_1": (u, y),
        "step_2": (u, z, y),
        "step_3": (v, z, y),
        "step_4": (w, z, y),
    }


points = [
    (np.array([0.0]), np.array([1.0])),
    (np.array([1.0]), np.array([0.0])),
    (np.array([-0.5]), np.array([0.5])),
    (z, y),
    (np.array([0.25, -3.0, 1.5, -2.0]), np.array([0.75, 0.0, 1.0, 0.4])),
    (np.array([[4.5, -0.1], [-6.0, 0.9]]), np.array([[0.9, 0.3], [0.05, 0.0]])),
]
sure_and_right = (np.array([40.0]), np.array([1.0]))
sure_and_wrong = (np.array([1e4, -1e4]), np.array([0.0, 1.0]))
far = [
    sure_and_wrong,
    (np.array([1e4, -1e4]), np.array([1.0, 0.0])),
    (np.array([1e4, -1e4]), np.array([0.25, 0.75])),
    (np.array([20.0]), np.array([1.0])),
    sure_and_right,
    (np.array([-40.0]), np.array([0.0])),
    (np.array([1.5, -2.25], dtype="float32"), np.array([0.5, 1.0], dtype="float32")),
    (np.array([nan, 1.0]), np.array([0.0, 1.0])),
]
signed = (np.array([1.0, -2.0]), np.array([1.0, -1.0]))
ladder = [seen_by_steps(*point) for point in points]
with np.errstate(over="ignore"):
    above = [seen_by_steps(*point) for point in far[:3]]
inputs = {f"step_{i}": [seen[f"step_{i}"] for seen in ladder] for i in range(5)} | {
    "bce": points,
    "bce_gradient": points,
}
probes = {
    "step_4": [seen["step_4"] for seen in above],
    "bce": [*far, signed],
    "bce_gradient": far,
}
longest = seen_by_steps(np.array([2.0, -1.0, 0.5, -3.0, 4.0]), np.array([0.25, 1.0, 0.0, 0.6, 0.9]))
laws = {
    "ladder": [
        *(Example(f"step_{i}", seen_by_steps(z, y)[f"step_{i}"], loss) for i in range(1, 5)),
        Ladder("step_0", longest["step_0"], tuple(longest.items())[1:]),
        *(Precision(f"step_{i}") for i in range(1, 5)),
        *(Pure(f"step_{i}") for i in range(1, 5)),
    ],
    "value": [
        Example("bce", (z, y), loss),
        Example("bce", sure_and_wrong, np.array([10000.0, 10000.0])),
        Example("bce", sure_and_right, np.array([4.248354255291589e-18])),
        Shape("bce", like="z"),
        Precision("bce"),
        Invariant("bce", "classes swapped"),
        Refuses("bce", signed, "ValueError", "for labels outside 0 to 1"),
        Pure("bce"),
    ],
    "gradient": [
        Example("bce_gradient", (z, y), np.array([0.6307970779778823, -0.7310585786300049])),
        Example("bce_gradient", sure_and_right, np.array([-4.248354255291589e-18])),
        Shape("bce_gradient", like="z"),
        Gradient("bce_gradient", of="bce", wrt="z"),
        Precision("bce_gradient"),
        Pure("bce_gradient"),
    ],
}
