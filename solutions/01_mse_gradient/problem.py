# %% [markdown]
# # 01 · MSE gradient ★
#
# **The question.** You fit a model with mean squared error. One reading out of a hundred is a
# typing mistake. How much of what the model learns in the next step comes from that one reading?
#
# **Why it matters.** A model never sees its loss, only the gradient of it. Squared error pulls on
# each prediction with a force proportional to its residual, so whoever is far off pulls hardest.
# In this problem you write the loss, its gradient, and the number that answers the question.
#
# **Conventions.** The residual is $r = \text{prediction} - \text{target}$. The mean runs over
# *all* entries, whatever the shape, and there is no factor ½:
#
# $$\mathrm{MSE} = \frac1n \sum_{i=1}^{n} r_i^2$$
#
# If targets are in metres, MSE is in square metres, and its gradient with respect to a prediction
# is in metres.

# %% nbgrader={"grade_id": "setup"}
import numpy as np

from lossmath.course import check, hint, progress

# %% [markdown]
# ## The value · 2 points
#
# `mse(prediction, target)` takes two numpy arrays of one shape (any shape) and returns a single
# number.
#
# | prediction | target | residual | MSE |
# |---|---|---|---|
# | `[1, 3, 0, 2]` | `[0, 1, 0, 2]` | `[1, 2, 0, 0]` | (1 + 4 + 0 + 0) / 4 = 1.25 |
#
# Three things are part of the task:
#
# * Arrays of different shapes raise `ValueError`. Numpy would stretch a column `(n, 1)` against a
#   row `(n,)` to an `(n, n)` table without a word, and the mean of that table is not your loss.
# * A NaN that comes in must come out; a loss that hides a NaN hides the bug that made it.
# * The inputs stay as they were.


# %% nbgrader={"grade_id": "mse", "solution": true}
def mse(prediction, target):
    """Mean squared error.

    prediction, target: arrays of one shape, in the unit of the target.
    Returns a single number, in that unit squared. Raises ValueError if the shapes differ.
    """
    ### BEGIN SOLUTION
    if prediction.shape != target.shape:
        raise ValueError(f"mse: shapes {prediction.shape} and {target.shape} must be equal")
    return np.mean((prediction - target) ** 2)
    ### END SOLUTION


# %% nbgrader={"grade_id": "value", "points": 2}
check("01", "value")

# %% [markdown]
# ## The gradient · 3 points
#
# `mse_gradient(prediction, target)` returns an array with the shape of `prediction`: entry *i* says
# how fast the MSE grows when prediction *i* is raised.
#
# With the numbers above the gradient is `[0.5, 1, 0, 0]`. Check it by hand: raise the first
# prediction from 1 to 1.01, and the MSE goes from 1.25 to 1.255025, at a rate of about 0.5.
#
# The answer has the precision of `prediction`: float32 in, float32 out. Whole numbers in give
# float64 out, since a gradient is rarely whole.


# %% nbgrader={"grade_id": "mse_gradient", "solution": true}
def mse_gradient(prediction, target):
    """Gradient of `mse` with respect to the prediction.

    prediction, target: arrays of one shape, in the unit of the target.
    Returns an array of that shape, in the unit of the target.
    """
    ### BEGIN SOLUTION
    return 2 * (prediction - target) / prediction.size
    ### END SOLUTION


# %% nbgrader={"grade_id": "gradient", "points": 3}
check("01", "gradient")

# %% [markdown]
# ## Who pulls · 3 points
#
# `top_share(prediction, target, k)` answers the question at the top: of the total pull
# $\sum_i |g_i|$, where $g$ is the gradient, which share belongs to the `k` entries with the largest
# $|r_i|$?
#
# The result is between 0 and 1. With residuals `[1, -1, 8]` the largest one carries 8 of 10, so
# `top_share` with `k = 1` is 0.8; with `k = 3` it is 1, and with `k = 0` it is 0. In a perfect
# fit all residuals are exactly 0, there is no pull to share, and the answer is 0.
#
# Try it on a hundred residuals from a normal distribution, then replace one of them by 50.


# %% nbgrader={"grade_id": "top_share", "solution": true}
def top_share(prediction, target, k):
    """Share of the total absolute gradient that the k largest residuals carry.

    prediction, target: arrays of one shape. k: a whole number from 0 to their number of entries.
    Returns a single number between 0 and 1, without unit.
    """
    ### BEGIN SOLUTION
    # Every entry of the gradient has the same factor 2/n, which cancels in a share.
    pull = np.sort(np.abs(prediction - target), axis=None)
    total = pull.sum()
    if total == 0:
        return 0.0
    return pull[pull.size - k :].sum() / total
    ### END SOLUTION


# %% nbgrader={"grade_id": "share", "points": 3}
check("01", "share")

# %% [markdown]
# ## In your words · 2 points
#
# In one paragraph: why does a single outlier get so much of the next step under squared error, and
# what does it do to a fitted mean? Name one change to the loss that limits its pull, and what that
# change costs.
#
# *How it is read.* One point for the mechanism, with what happens to the mean said in a formula or
# in numbers. One point for a change that truly limits the pull, and a true cost of it.

# %% [markdown] nbgrader={"grade_id": "written", "points": 2, "solution": true}
# The gradient of MSE is $2r_i/n$: it grows in proportion to the residual and has no bound, so a
# reading that is fifty times further off than the others pulls fifty times harder on its
# prediction. For a constant model the minimum is the mean, and one wrong reading moves the mean by
# its distance divided by n, as far as it likes. Absolute error limits every pull to $1/n$; in
# exchange its slope jumps at zero, it aims at the median instead of the mean, and on clean normal
# noise it needs more data for the same accuracy. Huber keeps the quadratic core and caps the pull,
# and asks for δ in return.
#
# *For the reader.* The mechanism: pull proportional to the residual, without bound; the mean moves
# by (outlier − mean) / n. Costs that count: a kink, a second parameter, a different target such as
# the median, less efficiency on normal noise. Deleting outliers by hand earns no second point.

# %% [markdown]
# Stuck? `hint("01")` gives three hints, one at a time. `progress()` shows where you are.

# %% tags=["public"]
from lossmath.course.laws import Example, Gradient, Invariant, Precision, Pure, Refuses, Shape

hints = [
    "Take two entries and write the sum out by hand. Which terms contain the first prediction?",
    "The derivative of the first entry's square knows nothing of the other entries; the mean "
    "outside does. Keep both the exponent's factor and the mean's.",
    "For the share, think of the sizes of all pulls in one sorted list. Which factor do all of "
    "them have in common, and what remains of it in a ratio? Then try k = 0 and a perfect fit.",
]

worked = (np.array([1.0, 3.0, 0.0, 2.0]), np.array([0.0, 1.0, 0.0, 2.0]))
three = (np.array([1.0, -1.0, 8.0]), np.array([0.0, 0.0, 0.0]))
perfect = (np.array([2.0, 5.0]), np.array([2.0, 5.0]))
pairs = [
    (np.array([1.0]), np.array([0.0])),
    (np.array([0.0]), np.array([2.0])),
    (np.array([1.0, 3.0]), np.array([0.0, 2.5])),
    worked,
    three,
    (np.array([0.5, -2.25, 4.0, 1.75]), np.array([1.5, 0.75, -1.0, 1.0])),
    (np.array([[0.3, -1.2, 2.2], [4.1, 0.7, -3.9]]), np.array([[1.1, 0.4, -0.6], [3.5, 2.9, 0.2]])),
]
edges = [
    (np.array([1, 4, 2]), np.array([0, 2, 5])),
    (np.array([1.5, 2.25], dtype="float32"), np.array([0.5, 1.0], dtype="float32")),
    (np.array([3e150, -1e150]), np.array([1e150, 2e150])),
    (np.array([3e-150, -1e-150]), np.array([1e-150, 2e-150])),
    (np.array([1.0, float("nan"), 3.0]), np.array([0.0, 1.0, 1.0])),
    tuple(map(np.asfortranarray, pairs[-1])),
    perfect,
]
whole = edges[0]
mismatch = (np.array([[1.0], [2.0], [3.0]]), np.array([1.0, 2.0, 3.0]))
inputs = {
    "mse": pairs,
    "mse_gradient": [*pairs, whole],
    "top_share": [(*pair, k) for pair in pairs for k in range(pair[0].size + 1)],
}
probes = {
    "mse": [*edges, mismatch],
    "mse_gradient": edges,
    "top_share": [(*pair, 1) for pair in edges],
}
laws = {
    "value": [
        Example("mse", worked, 1.25),
        Shape("mse"),
        Refuses("mse", mismatch, "ValueError", "when the shapes differ"),
        Invariant("mse", "shift"),
        Invariant("mse", "one row"),
        Pure("mse"),
    ],
    "gradient": [
        Example("mse_gradient", worked, np.array([0.5, 1.0, 0.0, 0.0])),
        Shape("mse_gradient", like="prediction"),
        Gradient("mse_gradient", of="mse", wrt="prediction"),
        Precision("mse_gradient"),
        Pure("mse_gradient"),
    ],
    "share": [
        Example("top_share", (*three, 1), 0.8),
        Example("top_share", (*three, 3), 1.0),
        Example("top_share", (*three, 0), 0.0),
        Example("top_share", (*perfect, 1), 0.0),
        Shape("top_share"),
        Invariant("top_share", "scaling"),
        Invariant("top_share", "one row"),
        Pure("top_share"),
    ],
}
