# %% [markdown]
# # 06 · Hinge subgradient ★★
#
# **The question.** The hinge loss is flat, then it bends, then it is a straight line: there is no
# curvature anywhere, and at the bend not even a slope. What can be promised about a step along such
# a loss, if not that the loss goes down?
#
# **Why it matters.** Every network with a ReLU, a margin or a maximum has kinks like this one, and
# is trained by steps that use one slope out of many. Here is the smallest case in which you can say
# exactly which slopes there are, and prove what a step does.
#
# **Conventions.** A *score* says yes when it is positive. A binary *label* is −1 or 1, and the
# **margin** of an example is $y\,s$, label times score: how clearly the score is on the right side.
# The hinge loss asks for a margin of at least 1:
#
# $$\ell(s, y) = \max(0,\ 1 - y\,s)$$

# %% nbgrader={"grade_id": "setup"}
import numpy as np

from lossmath.course import check, hint, progress


def mean_hinge(weights, features, label):
    """Mean hinge loss of a linear model; it uses your `hinge` below."""
    return np.asarray(hinge(features @ weights, label)).mean()


# %% [markdown]
# ## Three regions · 3 points
#
# `hinge(score, label)` works entry by entry. `hinge_interval(score, label)` returns the
# **subdifferential** with respect to the score: the interval of all slopes that a straight line can
# have if it touches the loss at this score and is nowhere above it. It comes as a tuple of two
# arrays, all lower ends and all upper ends. Where the loss has a derivative, both are equal.
#
# There are three regions: margin below 1, exactly 1, and above. For example:
#
# | score | label | margin | hinge | lower end | upper end |
# |---|---|---|---|---|---|
# | −0.5 | 1 | −0.5 | 1.5 | −1 | −1 |
# | 1 | 1 | 1 | 0 | −1 | 0 |
# | −3 | −1 | 3 | 0 | 0 | 0 |
#
# What are the three intervals for the label −1? Draw its loss first.
#
# * Scores come in any shape, tables too. Shape and precision of the answers are those of the score;
#   `label` has the same.
# * A label other than −1 and 1 raises `ValueError` in both functions. With labels 0 and 1, the most
#   common mistake, every negative example would cost exactly 1, and nobody would learn from it.
# * A NaN among the scores must come out of both functions where it went in.


# %% nbgrader={"grade_id": "hinge", "solution": true}
def hinge(score, label):
    """Hinge loss, entry by entry.

    score: floating-point array. label: array like score, each entry -1 or 1.
    Returns an array like score, without unit. Raises ValueError for other labels.
    """
    ### BEGIN SOLUTION
    if np.any(np.abs(label) != 1):
        raise ValueError("hinge: labels must be -1 or 1")
    return np.maximum(0, 1 - label * score)
    ### END SOLUTION


def hinge_interval(score, label):
    """The subdifferential of `hinge` with respect to the score, entry by entry.

    Arguments and errors as for `hinge`.
    Returns (lower ends, upper ends), two arrays like score, without unit.
    """
    ### BEGIN SOLUTION
    if np.any(np.abs(label) != 1):
        raise ValueError("hinge_interval: labels must be -1 or 1")
    margin = label * score
    # The slopes of both pieces that meet here; away from the bend they are one piece. 0 · NaN
    # keeps a NaN.
    left = np.where(margin < 1, -label, 0 * margin)
    right = np.where(margin == 1, -label, left)
    return np.minimum(left, right), np.maximum(left, right)
    ### END SOLUTION


# %% nbgrader={"grade_id": "regions", "points": 3}
check("06", "regions")

# %% [markdown]
# ## More than two classes · 2 points
#
# Now every example has one score for each class, and `label` is the number of the right class,
# counted from 0. `violations(scores, label)` returns a table like `scores`, in their shape and
# precision: by how much does each wrong class come closer to the right one than a margin of 1?
#
# $$v_{ij} = \max(0,\ 1 + s_{ij} - s_{i y_i}) \quad\text{for } j \ne y_i, \qquad v_{iy_i} = 0$$
#
# Two losses are made of it, and libraries call either of them "the multiclass hinge loss":
# **Weston and Watkins** add up the violations of an example, **Crammer and Singer** take the
# largest. Both functions return the mean over examples, a single number.
#
# ```
# scores = [[2,   1.5, -1  ],    label = [0, 1]    violations = [[0,   0.5, 0   ],
#           [0.5, 0,    0.25]]                                   [1.5, 0,   1.25]]
# ```
#
# Here `weston_watkins` gives (0.5 + 2.75) / 2 = 1.625 and `crammer_singer` (0.5 + 1.5) / 2 = 1.
# A label that is no class raises `ValueError` in all three functions; remember what numpy takes
# the index −1 for. A NaN among the scores must come out of both losses.


# %% nbgrader={"grade_id": "multiclass", "solution": true}
def violations(scores, label):
    """By how much each wrong class violates the margin of 1; 0 for the right class.

    scores: floating-point array of shape (examples, classes). label: whole numbers of shape
    (examples,), from 0 to classes - 1.
    Returns an array like scores, without unit. Raises ValueError for other labels.
    """
    ### BEGIN SOLUTION
    if np.any((label < 0) | (label >= scores.shape[1])):
        raise ValueError(f"violations: labels must lie in 0..{scores.shape[1] - 1}")
    rows = np.arange(len(label))
    violation = np.maximum(0, 1 + scores - scores[rows, label][:, None])
    violation[rows, label] = 0
    return violation
    ### END SOLUTION


def weston_watkins(scores, label):
    """Mean over examples of the sum of violations; arguments and errors as for `violations`."""
    ### BEGIN SOLUTION
    return np.mean(np.sum(violations(scores, label), axis=1))
    ### END SOLUTION


def crammer_singer(scores, label):
    """Mean over examples of the largest violation; arguments and errors as for `violations`."""
    ### BEGIN SOLUTION
    return np.mean(np.max(violations(scores, label), axis=1))
    ### END SOLUTION


# %% nbgrader={"grade_id": "classes", "points": 2}
check("06", "classes")

# %% [markdown]
# ## Their subgradients · 2 points
#
# `weston_watkins_subgradient(scores, label)` and `crammer_singer_subgradient(scores, label)` return
# an array with the shape and precision of `scores`. In the example above, for Weston and Watkins:
#
# ```
# [[-0.5,  0.5, 0  ],
#  [ 0.5, -1,   0.5]]
# ```
#
# For Crammer and Singer only the worst class of an example is pushed down:
#
# ```
# [[-0.5,  0.5, 0],
#  [ 0.5, -0.5, 0]]
# ```
#
# Where two classes are equally bad, or one is exactly at the margin, there are many subgradients,
# and **any of them** is right: any slopes of a plane that touches the loss at these scores and is
# nowhere above it.


# %% nbgrader={"grade_id": "multiclass_subgradients", "solution": true}
def weston_watkins_subgradient(scores, label):
    """A subgradient of `weston_watkins` with respect to the scores.

    Arguments as for `violations`. Returns an array like scores, without unit.
    """
    ### BEGIN SOLUTION
    push = (violations(scores, label) > 0).astype(scores.dtype)
    push[np.arange(len(label)), label] = -push.sum(axis=1)
    return push / len(label)
    ### END SOLUTION


def crammer_singer_subgradient(scores, label):
    """A subgradient of `crammer_singer` with respect to the scores.

    Arguments as for `violations`. Returns an array like scores, without unit.
    """
    ### BEGIN SOLUTION
    violation = violations(scores, label)
    rows, violated = np.arange(len(label)), violation.max(axis=1) > 0
    push = np.zeros_like(scores)
    push[rows, violation.argmax(axis=1)] = violated
    push[rows, label] = -1.0 * violated
    return push / len(label)
    ### END SOLUTION


# %% nbgrader={"grade_id": "subgradients", "points": 2}
check("06", "subgradients")

# %% [markdown]
# ## A step with a promise · 3 points
#
# Back to two classes, with a linear model: the scores are `features @ weights`, and
# $f(w)$ is the mean hinge loss (`mean_hinge` in the first cell). A step of length $t$ against a
# subgradient $g$ leads to $w - t\,g$. **The loss may rise at such a step.** What can be promised is
# something else. Let $w^\ast$ be *any* weights with loss 0. A subgradient's line is nowhere above
# the loss, also not at $w^\ast$, which says $g\cdot(w - w^\ast) \ge f(w)$. Expand the square
# $\lVert w - t\,g - w^\ast\rVert^2$, and you can bound by how much the squared distance to
# $w^\ast$ changes, without knowing $w^\ast$.
#
# * `linear_subgradient(weights, features, label)`: the subgradient of the mean hinge loss that
#   takes the slope 0 for margins of exactly 1; an array like `weights`.
# * `distance_change(step, loss, subgradient)`: the best such bound, for a step of length `step`
#   from weights with this loss and this subgradient. It is negative where the step is certain to
#   lead nearer. A single number; with `step = 1`, `loss = 0.5` and `subgradient = [0.6, 0.8]` the
#   bound is 0: nothing is promised.
# * `polyak_step(weights, features, label)`: the new weights after the step whose length makes that
#   bound as negative as it can be. Where the subgradient is zero, the weights stay where they are.
#
# The arguments of a model have one precision, and the arrays that come out keep it.
#
# Two examples, `features = [[1, 0], [3, -2]]` with `label = [1, -1]`, and the weights `[0, 1]`:
#
# | weights | loss | subgradient | squared distance to $w^\ast$ = `[1, 2]` |
# |---|---|---|---|
# | `[0, 1]` | 0.5 | `[-0.5, 0]` | 2 |
# | `[1, 1]` after the step | 1 | | 1 |
#
# The loss has doubled, and yet the step was a good one.


# %% nbgrader={"grade_id": "steps", "solution": true}
def linear_subgradient(weights, features, label):
    """A subgradient of `mean_hinge` with respect to the weights, with slope 0 at the bend.

    weights: floating-point array of shape (d,). features: array of shape (examples, d).
    label: array of shape (examples,), each entry -1 or 1. Returns an array like weights.
    """
    ### BEGIN SOLUTION
    inside = label * (features @ weights) < 1
    return -(label * inside) @ features / len(label)
    ### END SOLUTION


def distance_change(step, loss, subgradient):
    """Upper bound on the change of the squared distance to any weights with loss 0.

    step, loss: numbers, not negative. subgradient: array. Returns a single number.
    """
    ### BEGIN SOLUTION
    # ‖w - t g - w*‖² = ‖w - w*‖² - 2 t g·(w - w*) + t² ‖g‖², and g·(w - w*) >= f
    return step**2 * np.sum(subgradient**2) - 2 * step * loss
    ### END SOLUTION


def polyak_step(weights, features, label):
    """The weights after the step with the best promise; arguments as for `linear_subgradient`.

    Returns an array like weights.
    """
    ### BEGIN SOLUTION
    g = linear_subgradient(weights, features, label)
    if not np.any(g):
        return weights.copy()
    return weights - mean_hinge(weights, features, label) / np.sum(g**2) * g
    ### END SOLUTION


# %% nbgrader={"grade_id": "step", "points": 3}
check("06", "step")

# %% [markdown]
# Stuck? `hint("06")` gives three hints, one at a time. `progress()` shows where you are.

# %% tags=["public"]
from lossmath.course.laws import Example, Gradient, Precision, Pure, Refuses, Shape, Supports

hints = [
    "Draw the hinge loss against the score twice, for the label 1 and for the label −1, and write "
    "the slope beside each piece. At the bend, which slopes lie between the two?",
    "In several classes, raise one score by a little and see which violations change, and by how "
    "much. Raise the right class's own score: it stands in the violation of every wrong class, but "
    "only some of them notice.",
    "In the expanded square, one term holds the unknown weights; replace it by what is known to be "
    "at most as large. What is left is a parabola in the step length: where is its lowest point?",
]

nan = float("nan")
score = np.array([-0.5, 1.0, -3.0])
label = np.array([1.0, 1.0, -1.0])
scores = np.array([[2.0, 1.5, -1.0], [0.5, 0.0, 0.25]])
classes = np.array([0, 1])
features = np.array([[1.0, 0.0], [3.0, -2.0]])
sides = np.array([1.0, -1.0])
weights = np.array([0.0, 1.0])
bends = [
    (np.array([1.0]), np.array([1.0])),
    (np.array([-1.0]), np.array([-1.0])),
    (np.array([0.5]), np.array([1.0])),
    (np.array([0.0]), np.array([-1.0])),
    (np.array([3.0]), np.array([-1.0])),
    (score, label),
    (np.array([1.5, -1.0, 0.75, -0.25, 1.0, -2.0]), np.array([-1.0, -1.0, 1, -1, -1, -1])),
    (np.array([[0.5, 1.0], [-1.0, 2.0]]), np.array([[1.0, 1.0], [-1.0, -1.0]])),
]
bend_edges = [
    (np.array([1.0 - 1e-12, -1.0 + 1e-12]), np.array([1.0, -1.0])),
    (np.array([0.5, nan, 2.0]), np.array([1.0, 1.0, 1.0])),
    (np.array([0.5, -0.25], dtype="float32"), np.array([1.0, -1.0], dtype="float32")),
]
no_side = (np.array([0.5, -2.0]), np.array([1.0, 0.0]))
tables = [
    (np.array([[1.0, 0.5]]), np.array([0])),
    (np.array([[0.25, 0.5]]), np.array([1])),
    (np.array([[0.5, -5.0, -4.0]]), np.array([0])),
    (np.array([[0.3, 0.1, 0.6]]), np.array([2])),
    (scores, classes),
    (
        np.array([[3.1, 0.2, 2.4, -1.0], [0.7, 0.9, -0.3, 1.4], [1.5, 4.0, 0.1, 1.9]]),
        np.array([0, 2, 1]),
    ),
]
ties = [
    (np.array([[1.0, 1.0, 0.5, 1.0]]), np.array([2])),
    (np.array([[0.5, nan], [1.0, 2.0]]), np.array([0, 1])),
]
single = (scores.astype("float32"), classes)
no_class = [(scores, np.array([0, -1])), (scores, np.array([0, 3]))]
models = [
    (np.array([0.0]), np.array([[1.0]]), np.array([1.0])),
    (np.array([2.0]), np.array([[1.0]]), np.array([1.0])),
    (np.array([0.5]), np.array([[1.0], [-3.0]]), np.array([1.0, -1.0])),
    (weights, features, sides),
    (
        np.array([0.4, -0.3]),
        np.array([[1.0, 2.0], [-2.0, 1.0], [0.5, -3.0], [2.0, 2.0]]),
        np.array([1.0, -1.0, -1.0, 1.0]),
    ),
    (
        np.array([-1.0, 0.5, 2.0]),
        np.array([[2.0, 0.1, -1.0], [-1.5, 1.0, 0.4], [0.2, -2.0, 0.3]]),
        np.array([1.0, -1.0, 1.0]),
    ),
]
model_edges = [
    (np.array([2.0, -1.0]), np.array([[1.0, 0.0], [0.0, 2.0]]), sides),
    (np.array([0.0]), np.array([[2.0], [2.0]]), sides),
    (np.array([1.0, 0.0]), np.array([[1.0, 2.0], [1.0, 1.0]]), sides),
]
inputs = {
    "hinge": bends,
    "hinge_interval": bends,
    "violations": tables,
    "weston_watkins": tables,
    "crammer_singer": tables,
    "weston_watkins_subgradient": tables,
    "crammer_singer_subgradient": tables,
    "linear_subgradient": models,
    "distance_change": [
        (1.0, 0.5, np.array([0.6, 0.8])),
        (0.5, 2.0, np.array([3.0])),
        (0.25, 1.5, np.array([1.0, -2.0, 0.5])),
    ],
    "polyak_step": models,
}
probes = {
    "hinge": [*bend_edges, no_side],
    "hinge_interval": [*bend_edges, no_side],
    "violations": [*ties, *no_class, single],
    "weston_watkins": [*ties, *no_class],
    "crammer_singer": [*ties, *no_class],
    "weston_watkins_subgradient": [*ties[:1], single],
    "crammer_singer_subgradient": [*ties[:1], single],
    "linear_subgradient": model_edges,
    "polyak_step": model_edges,
}
laws = {
    "regions": [
        Example("hinge", (score, label), np.array([1.5, 0.0, 0.0])),
        Example(
            "hinge_interval",
            (score, label),
            (np.array([-1.0, -1.0, 0.0]), np.array([-1.0, 0.0, 0.0])),
        ),
        Shape("hinge", like="the score"),
        Supports("hinge_interval", of="hinge"),
        Precision("hinge"),
        Precision("hinge_interval"),
        Refuses("hinge", no_side, "ValueError", "for a label of 0"),
        Refuses("hinge_interval", no_side, "ValueError", "for a label of 0"),
        Pure("hinge"),
        Pure("hinge_interval"),
    ],
    "classes": [
        Example("violations", (scores, classes), np.array([[0, 0.5, 0], [1.5, 0, 1.25]])),
        Example("weston_watkins", (scores, classes), 1.625),
        Example("crammer_singer", (scores, classes), 1.0),
        Precision("violations"),
        Refuses("violations", no_class[0], "ValueError", "for the label −1"),
        Pure("violations"),
        Pure("weston_watkins"),
        Pure("crammer_singer"),
    ],
    "subgradients": [
        Shape("weston_watkins_subgradient", like="the scores"),
        Gradient("weston_watkins_subgradient", of="weston_watkins", wrt="scores"),
        Shape("crammer_singer_subgradient", like="the scores"),
        Gradient("crammer_singer_subgradient", of="crammer_singer", wrt="scores"),
        Precision("weston_watkins_subgradient"),
        Precision("crammer_singer_subgradient"),
        Pure("weston_watkins_subgradient"),
        Pure("crammer_singer_subgradient"),
    ],
    "step": [
        Example("linear_subgradient", (weights, features, sides), np.array([-0.5, 0.0])),
        Shape("linear_subgradient", like="the weights"),
        Gradient("linear_subgradient", of="mean_hinge", wrt="weights"),
        Precision("linear_subgradient"),
        Example("distance_change", (1.0, 0.5, np.array([0.6, 0.8])), 0.0),
        Shape("distance_change"),
        Example("polyak_step", (weights, features, sides), np.array([1.0, 1.0])),
        Precision("polyak_step"),
        Pure("linear_subgradient"),
        Pure("distance_change"),
        Pure("polyak_step"),
    ],
}
