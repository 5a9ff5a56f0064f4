# %% [markdown]
# # 07 · InfoNCE ★★
#
# **The question.** Eight pictures and their eight captions: which caption belongs to which picture?
# InfoNCE turns this game into a loss, and a single number, the temperature, decides how hard it is.
# What does the temperature do, and what happens when it is almost zero?
#
# **Why it matters.** Nearly every model that maps pictures, sentences or sounds into one space was
# trained with this loss. Its two usual mistakes do not crash: a forgotten factor 1/τ makes the
# gradient fourteen times too small at τ = 0.07, and an exponential of s/τ overflows as soon as
# someone turns the temperature down.
#
# **Conventions.** `similarity` is a square array of shape (n, n): entry $s_{ij}$ says how similar
# query $i$ and key $j$ are. The **positive** of row $i$ is column $i$; all other keys of the row
# are its negatives. The temperature τ > 0 has the unit of the similarities. Each row is a choice
# among n keys:
#
# $$p_{ij} = \frac{e^{s_{ij}/\tau}}{\sum_k e^{s_{ik}/\tau}} \qquad
# \mathrm{InfoNCE} = -\frac1n\sum_{i=1}^n \log p_{ii}$$
#
# The sum below the fraction line runs over *all* keys of the row, the positive included. Logarithms
# are natural, so that the loss is in nats. Every array that you return has the precision of
# `similarity`: float32 in, float32 out.

# %% nbgrader={"grade_id": "setup"}
import numpy as np

from lossmath.course import check, hint, progress

# %% [markdown]
# ## The value · 3 points
#
# `info_nce(similarity, temperature)` returns a single number. With τ = 0.25:
#
# ```
# similarity = [[0.8, 0.2],      -log p of the positives: 0.0868362 and 1.1711
#               [0.6, 0.4]]      InfoNCE: 0.628968
# ```
#
# * At τ = 0.001 the exponents reach a thousand, and $e^{1000}$ overflows. The loss is a number of
#   ordinary size all the same: about the distance to the best key, divided by τ.
# * With a single pair there is nothing to confuse it with, and the loss is 0.
# * A table that is not square, or a temperature that is not positive, raises `ValueError`. A NaN
#   that comes in must come out.
#
# *Refute this.* You may read that a perfect similarity matrix, the identity, has the loss log n.
# Try n = 8 and τ = 1. Which matrix does have the loss log n?


# %% nbgrader={"grade_id": "info_nce", "solution": true}
def info_nce(similarity, temperature):
    """Mean over rows of the negative log-probability of the positive.

    similarity: floating-point array of shape (n, n); row i's positive is column i.
    temperature: positive number, in the unit of the similarities.
    Returns a single number, in nats. Raises ValueError for a table that is not square and for
    temperature <= 0.
    """
    ### BEGIN SOLUTION
    rows, columns = similarity.shape
    if rows != columns:
        raise ValueError(f"info_nce: shape {similarity.shape} must be square")
    if not temperature > 0:
        raise ValueError(f"info_nce: temperature={temperature} must be positive")
    # -log p of the positive is the log of a sum over all keys, of how far each is ahead of it.
    ahead = (similarity - similarity.diagonal()[:, None]) / temperature
    return np.mean(np.logaddexp.reduce(ahead, axis=1))
    ### END SOLUTION


# %% nbgrader={"grade_id": "value", "points": 3}
check("07", "value")

# %% [markdown]
# ## Probabilities and gradient · 3 points
#
# `probabilities(similarity, temperature)` returns the table of all $p_{ij}$, for any positive
# temperature (else `ValueError`). `info_nce_gradient(similarity, temperature)` returns an array
# with the shape and precision of `similarity`: how fast the loss grows when a similarity is raised.
# In the example:
#
# ```
# probabilities = [[0.916827, 0.0831727],    gradient = [[-0.166345,  0.166345],
#                  [0.689974, 0.310026 ]]                [ 1.37995,  -1.37995 ]]
# ```
#
# Every negative is pushed away in proportion to its probability: the temperature decides who counts
# as a rival. And it stands in front of the whole gradient once more: where from?


# %% nbgrader={"grade_id": "info_nce_gradient", "solution": true}
def probabilities(similarity, temperature):
    """Probability of each key in its row.

    similarity: floating-point array of shape (n, n). temperature: positive number, in its unit.
    Returns an array like similarity. Raises ValueError for temperature <= 0.
    """
    ### BEGIN SOLUTION
    if not temperature > 0:
        raise ValueError(f"probabilities: temperature={temperature} must be positive")
    # Relative to the largest of its row, no exponent is above zero.
    behind = (similarity - similarity.max(axis=1, keepdims=True)) / temperature
    weight = np.exp(behind)
    return weight / weight.sum(axis=1, keepdims=True)
    ### END SOLUTION


def info_nce_gradient(similarity, temperature):
    """Gradient of `info_nce` with respect to the similarities; arguments as there.

    Returns an array like similarity, in nats per unit of similarity.
    """
    ### BEGIN SOLUTION
    n = len(similarity)
    positive = np.eye(n, dtype=similarity.dtype)
    return (probabilities(similarity, temperature) - positive) / (n * temperature)
    ### END SOLUTION


# %% nbgrader={"grade_id": "gradient", "points": 3}
check("07", "gradient")

# %% [markdown]
# ## How many rivals · 2 points
#
# How many keys does a row hesitate between? Its **entropy**
# $H_i = -\sum_j p_{ij}\log p_{ij}$ tells: it is 0 when one key has all the probability and
# log k when k keys share it equally, so that $e^{H}$ counts rivals.
#
# `row_entropy(similarity, temperature)` returns one entropy for each row, an array of shape (n,).
# In the example: `[0.286451, 0.619121]`.
#
# At τ = 0.001 most probabilities are exactly 0, and $0 \log 0$ is 0 here, as everywhere in
# information theory. Only keys that are exactly as similar as the best one remain.
#
# *Predict, then try:* what is the entropy of each row of the example at τ = 0.001, and at τ = 1000?


# %% nbgrader={"grade_id": "row_entropy", "solution": true}
def row_entropy(similarity, temperature):
    """Entropy of each row's probabilities; arguments as for `probabilities`.

    Returns an array of shape (n,) and of the precision of the similarities, in nats.
    """
    ### BEGIN SOLUTION
    p = probabilities(similarity, temperature)
    # Where p is 0, log 1 stands in for log 0: the product is 0.
    return -np.sum(p * np.log(np.where(p > 0, p, 1)), axis=1)
    ### END SOLUTION


# %% nbgrader={"grade_id": "entropy", "points": 2}
check("07", "entropy")

# %% [markdown]
# ## Why it falls · 2 points
#
# Does the entropy *always* fall when the temperature falls? Find out by differentiating:
# `entropy_slope(similarity, temperature)` returns $dH_i/d\tau$ for each row, an array of shape
# (n,). In the example: `[1.75692, 0.547609]`.
#
# Bring the result into a form in which you can see its sign: it is a well-known quantity of the
# similarities $s_{i1}, \dots, s_{in}$ under the probabilities $p_{i1}, \dots, p_{in}$, divided by a
# power of τ. When is it exactly zero?
#
# The formula is asked for, not an approximation by small steps, and it must keep its digits when
# τ = 0.001 and when all similarities are near 100.


# %% nbgrader={"grade_id": "entropy_slope", "solution": true}
def entropy_slope(similarity, temperature):
    """Derivative of `row_entropy` with respect to the temperature; arguments as there.

    Returns an array of shape (n,) and of that precision, in nats per unit of similarity.
    """
    ### BEGIN SOLUTION
    # With a = s/τ, H = log Σ exp(a) - Σ p a, and dH/dτ = Var(s)/τ³ under p: never negative.
    p = probabilities(similarity, temperature)
    mean = np.sum(p * similarity, axis=1, keepdims=True)
    return np.sum(p * (similarity - mean) ** 2, axis=1) / temperature**3
    ### END SOLUTION


# %% nbgrader={"grade_id": "slope", "points": 2}
check("07", "slope")

# %% [markdown]
# Stuck? `hint("07")` gives three hints, one at a time. `progress()` shows where you are.

# %% tags=["public"]
from lossmath.course.laws import Example, Gradient, Invariant, Precision, Pure, Refuses, Shape

hints = [
    "Add the same number to all similarities of a row and write out its probabilities. Nothing "
    "changes; so you are free to choose that number. Which choice keeps every exponent at or below "
    "zero?",
    "A row's loss is the logarithm of a sum, less the positive's own logit. Differentiate with "
    "respect to the logits first; a logit is a similarity divided by the temperature, and the loss "
    "is a mean over rows.",
    "For the slope, write the entropy as the logarithm of the sum less the mean logit, both under "
    "the row's own probabilities. Differentiate with respect to 1/τ first; one sum of squares and "
    "one square of a sum are left. What do statisticians call their difference?",
]

nan = float("nan")
table = np.array([[0.8, 0.2], [0.6, 0.4]])
cases = [
    (np.array([[0.5]]), 0.5),
    (np.array([[0.0, 0.5], [0.25, 1.0]]), 1.0),
    (table, 0.25),
    (np.array([[0.9, 0.1, 0.35], [0.6, 0.5, -0.4], [-0.2, 0.3, 0.1]]), 0.1),
    (
        np.array(
            [
                [0.7, 0.65, -0.1, 0.2],
                [0.4, 0.3, 0.35, 0.45],
                [-0.6, 0.8, 0.75, 0.1],
                [0.0, 0.2, -0.3, 0.9],
            ]
        ),
        0.4,
    ),
]
cold = [
    (np.array([[-0.2, 0.9], [0.6, 0.9]]), 0.001),
    (np.array([[0.9, 0.3], [-0.5, -0.4]]), 0.001),
    (np.array([[0.5, 0.5, -0.2], [0.1, 0.3, 0.9], [0.2, 0.2, 0.2]]), 0.001),
]
warm = (np.array([[0.1, 0.8], [0.6, 0.4]], dtype="float32"), 0.5)
unknown = (np.array([[0.1, 0.8], [0.6, nan]]), 0.5)
oblong = (np.array([[0.1, 0.8, 0.3], [0.6, 0.4, 0.2]]), 0.5)
frozen = (table, 0.0)
close = (np.array([[100.001, 100.002], [99.999, 100.0]]), 0.001)
functions = ("info_nce", "probabilities", "info_nce_gradient", "row_entropy", "entropy_slope")
inputs = {function: cases for function in functions} | {"entropy_slope": [*cases, close]}
probes = {
    "info_nce": [*cold, warm, unknown, oblong, frozen, (table, -0.25)],
    "probabilities": [*cold, warm, frozen, (table, -0.25)],
    "info_nce_gradient": [*cold, warm],
    "row_entropy": [*cold, warm],
    "entropy_slope": [warm],
}
laws = {
    "value": [
        Example("info_nce", (table, 0.25), 0.6289684090508636),
        Shape("info_nce"),
        Invariant("info_nce", "shift"),
        Invariant("info_nce", "order"),
        Refuses("info_nce", oblong, "ValueError", "for a table that is not square"),
        Refuses("info_nce", frozen, "ValueError", "for a temperature of 0"),
        Pure("info_nce"),
    ],
    "gradient": [
        Example(
            "probabilities",
            (table, 0.25),
            np.array([[0.9168273035060777, 0.0831726964939224], [0.68997448, 0.31002552]]),
        ),
        Shape("info_nce_gradient", like="the similarities"),
        Gradient("info_nce_gradient", of="info_nce", wrt="similarity"),
        Precision("probabilities"),
        Precision("info_nce_gradient"),
        Refuses("probabilities", frozen, "ValueError", "for a temperature of 0"),
        Pure("probabilities"),
        Pure("info_nce_gradient"),
    ],
    "entropy": [
        Example("row_entropy", (table, 0.25), np.array([0.28645062, 0.61912108])),
        Invariant("row_entropy", "shift"),
        Precision("row_entropy"),
        Pure("row_entropy"),
    ],
    "slope": [
        Example("entropy_slope", (table, 0.25), np.array([1.75691518, 0.54760882])),
        Invariant("entropy_slope", "shift"),
        Precision("entropy_slope"),
        Pure("entropy_slope"),
    ],
}
