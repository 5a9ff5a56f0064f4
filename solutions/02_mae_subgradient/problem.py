# %% [markdown]
# # 02 · MAE and its subgradient ★
#
# **The question.** The absolute value has a corner at zero. What is the slope of a corner? And if
# four readings are 1, 2, 5 and 9, which single number is closest to all of them?
#
# **Why it matters.** Mean absolute error is what you reach for when a few readings are wrong: every
# reading pulls with the same force, however far off it is. The price is that corner. Libraries
# answer 0, 1 or −1 there, all three with good reason, and a fit by absolute error can have many
# best answers instead of one. Both are clear once you think in intervals instead of numbers.
#
# **Conventions.** The residual is $r = \text{prediction} - \text{target}$, and the mean runs over
# all $n$ entries, whatever the shape:
#
# $$\mathrm{MAE} = \frac1n \sum_{i=1}^{n} \lvert r_i\rvert$$
#
# If targets are in metres, MAE is in metres, and its slope has no unit. In every function, a NaN
# that comes in must come out (of an interval, as both its ends), and the inputs stay as they were.

# %% nbgrader={"grade_id": "setup"}
import numpy as np

from lossmath.course import check, hint, progress

# %% [markdown]
# ## The value · 1.5 points
#
# `mae(prediction, target)` takes two numpy arrays of one shape (any shape) and returns a single
# number. Arrays of different shapes raise `ValueError`.
#
# | prediction | target | residual | MAE |
# |---|---|---|---|
# | `[3, 2, 2, 1]` | `[1, 2, 5, 9]` | `[2, 0, -3, -8]` | (2 + 0 + 3 + 8) / 4 = 3.25 |


# %% nbgrader={"grade_id": "mae", "solution": true}
def mae(prediction, target):
    """Mean absolute error.

    prediction, target: arrays of one shape, in the unit of the target.
    Returns a single number, in that unit. Raises ValueError if the shapes differ.
    """
    ### BEGIN SOLUTION
    if prediction.shape != target.shape:
        raise ValueError(f"mae: shapes {prediction.shape} and {target.shape} must be equal")
    return np.mean(np.abs(prediction - target))
    ### END SOLUTION


# %% nbgrader={"grade_id": "value", "points": 1.5}
check("02", "value")

# %% [markdown]
# ## The gradient, and 0 at the corner · 2.5 points
#
# `mae_gradient(prediction, target)` returns an array with the shape of `prediction`: entry *i* says
# how fast the MAE grows when prediction *i* is raised. Where a residual is exactly zero there is no
# derivative; the agreed answer is 0, so that a perfect prediction stays where it is.
#
# With the numbers above the gradient is `[0.25, 0, -0.25, -0.25]`. The entry that is off by 8 pulls
# no harder than the one that is off by 3.
#
# The answer has the precision of `prediction`: float32 in, float32 out. Whole numbers in give
# float64 out. Different shapes raise `ValueError` here too.


# %% nbgrader={"grade_id": "mae_gradient", "solution": true}
def mae_gradient(prediction, target):
    """A subgradient of `mae` with respect to the prediction: 0 where the residual is 0.

    prediction, target: arrays of one shape, in the unit of the target.
    Returns an array of that shape, without unit. Raises ValueError if the shapes differ.
    """
    ### BEGIN SOLUTION
    if prediction.shape != target.shape:
        raise ValueError(
            f"mae_gradient: shapes {prediction.shape} and {target.shape} must be equal"
        )
    return np.sign(prediction - target) / prediction.size
    ### END SOLUTION


# %% nbgrader={"grade_id": "gradient", "points": 2.5}
check("02", "gradient")

# %% [markdown]
# ## All slopes at once · 2 points
#
# Now the model is a single number: it predicts the same `constant` $c$ for every target. Its MAE as
# a function of $c$ is a chain of straight pieces with a corner at each target.
#
# A **subgradient** at $c$ is the slope of any straight line that touches this graph at $c$ and is
# nowhere above it. On a straight piece there is one such line. At a corner there are many, and
# their slopes fill an interval: the **subdifferential**, from the slope of the piece on the left to
# the slope of the piece on the right. `slope_interval(constant, target)` returns its two ends as a
# tuple, lower end first.
#
# For the targets `[1, 2, 5, 9]`:
#
# | constant | below it | equal to it | above it | `slope_interval` |
# |---|---|---|---|---|
# | 3 | 2 | 0 | 2 | `(0, 0)` |
# | 2 | 1 | 1 | 2 | `(-0.5, 0)` |
# | 10 | 4 | 0 | 0 | `(1, 1)` |
#
# Only targets *exactly* equal to the constant make a corner there.


# %% nbgrader={"grade_id": "slope_interval", "solution": true}
def slope_interval(constant, target):
    """The subdifferential of the MAE of a constant prediction.

    constant: number, in the unit of the target. target: array of any shape, at least one entry.
    Returns (lower end, upper end), two numbers without unit.
    """
    ### BEGIN SOLUTION
    # A target below pulls with +1, one above with -1, an equal one with anything between.
    middle = np.mean(np.sign(constant - target), dtype=float)
    corner = np.mean(target == constant)
    return middle - corner, middle + corner
    ### END SOLUTION


# %% nbgrader={"grade_id": "interval", "points": 2}
check("02", "interval")

# %% [markdown]
# ## All best constants · 2 points
#
# A constant is a minimum exactly when 0 is one of its slopes: the flat line touches there. In the
# table above that holds for 2 and for 3, and it holds for everything between 2 and 5.
# `minimisers(target)` returns the ends of the interval of *all* constants with the smallest MAE, as
# a tuple: `(2, 5)` for the targets `[1, 2, 5, 9]`, and `(2, 2)` for `[7, 1, 2]`.
#
# *Predict, then try:* what does `np.median` return for `[1, 2, 5, 9]`, and what would a model
# trained by small steps end up with, starting from 0?


# %% nbgrader={"grade_id": "minimisers", "solution": true}
def minimisers(target):
    """The set of constants with the smallest MAE, which is an interval.

    target: array of any shape, at least one entry.
    Returns (lower end, upper end), two numbers in the unit of the target.
    """
    ### BEGIN SOLUTION
    return np.quantile(target, 0.5, method="lower"), np.quantile(target, 0.5, method="higher")
    ### END SOLUTION


# %% nbgrader={"grade_id": "best", "points": 2}
check("02", "best")

# %% [markdown]
# ## In your words · 2 points
#
# A textbook says: "Absolute error is a bad choice, because it has a discontinuity at 0."
#
# 1. What does jump at 0, what does not, and why does the minimum not suffer?
# 2. Two libraries differ: one returns the slope 0 at the corner, the other 1. Which one is right,
#    and when would you notice the difference while training?
#
# *How it is read.* One point for the first question: the value is continuous and the slope is what
# jumps, and the minimum is where the interval of slopes contains 0. One point for the second: both
# numbers lie in the interval from −1 to 1, and a true case in which the choice shows (or a true
# reason why it seldom does).

# %% [markdown] nbgrader={"grade_id": "written", "points": 2, "solution": true}
# The value |r| is continuous at 0, it goes to 0 from both sides. Its slope jumps from −1 to 1. The
# minimum does not need a derivative there: every slope between −1 and 1 belongs to a line that
# touches from below, 0 is among them, and a flat line below the graph that touches it is just what
# a minimum is. If anything, the corner makes the minimum sharper.
#
# Both are right: 0 and 1 both lie in the interval [−1, 1], and every number of it is a subgradient.
# With real-valued data a residual is hardly ever exactly 0, so one seldom notices. It shows when
# predictions hit targets exactly, for instance with whole-number or clipped targets or all-zero
# initial weights: the slope 1 pushes a perfect prediction away, the slope 0 leaves it in peace.
#
# *For the reader.* Question 1: "the derivative does not exist" counts as the jump of the slope; the
# reason for the minimum may be said with the interval, with the flat line, or with the sign change
# of the slope. Question 2: naming one library as wrong earns nothing; "never noticed" without a
# reason earns nothing.

# %% [markdown]
# Stuck? `hint("02")` gives three hints, one at a time. `progress()` shows where you are.

# %% tags=["public"]
from lossmath.course.laws import Example, Gradient, Invariant, Precision, Pure, Refuses, Shape

hints = [
    "Draw the absolute value of one residual and write its slope on the left and on the right of "
    "the corner. Then do the same for the mean of two, with corners in different places.",
    "For a constant, every target below it pulls with one slope, every target above it with "
    "another, and one that is equal with a whole interval. How do you add intervals?",
    "Walk along the number line from left to right: by how much does the slope change at each "
    "target, where does it start and end, and between which targets, counted in order, does it "
    "cross zero? What is different when their number is even?",
]

nan = float("nan")
worked = (np.array([3.0, 2.0, 2.0, 1.0]), np.array([1.0, 2.0, 5.0, 9.0]))
four = worked[1]
pairs = [
    (np.array([1.0]), np.array([0.0])),
    (np.array([0.0]), np.array([0.0])),
    (np.array([0.0]), np.array([2.0])),
    (np.array([1.0, 3.0]), np.array([0.0, 5.5])),
    worked,
    (np.array([0.5, -2.25, 4.0, 1.75]), np.array([1.5, 0.75, -1.0, 1.75])),
    (np.array([[0.3, -1.2, 2.2], [4.1, 0.7, -3.9]]), np.array([[1.1, 0.4, 2.2], [3.5, 2.9, 0.2]])),
]
edges = [
    (np.array([1, 4, 2]), np.array([0, 2, 5])),
    (np.array([1.5, 2.25], dtype="float32"), np.array([0.5, 1.0], dtype="float32")),
    (np.array([3e200, -1e200]), np.array([1e200, 2e200])),
    (np.array([3e-12, -1e-12]), np.array([1e-12, 2e-12])),
    (np.array([1.0, nan, 3.0]), np.array([0.0, 1.0, 1.0])),
]
whole = edges[0]
mismatch = (np.array([[1.0], [2.0], [3.0]]), np.array([1.0, 2.0, 3.0]))
readings = [
    np.array([2.0]),
    np.array([7.0, 1.0, 2.0]),
    four,
    np.array([5.0, 5.0, -1.0, 2.0]),
    np.array([3.5, -2.0, 0.25, 8.0, -2.0, 1.5]),
    np.array([[4.0, -1.0, 2.5], [2.5, 9.0, -3.0]]),
]
inputs = {
    "mae": pairs,
    "mae_gradient": [*pairs, whole],
    "slope_interval": [
        (constant, target) for target in readings for constant in (2.0, 5.0, 3.0, -10.0, 2.5)
    ],
    "minimisers": [(target,) for target in readings],
}
probes = {
    "mae": [*edges, mismatch],
    "mae_gradient": [*edges, mismatch],
    "slope_interval": [
        (3e-12, np.array([1e-12, 3e-12, 4e-12])),
        (1.0, np.array([0.0, nan, 1.0])),
    ],
    "minimisers": [(np.array([3.0, 1.0, nan, 2.0]),), (np.array([4, 1, 3, 8]),)],
}
laws = {
    "value": [
        Example("mae", worked, 3.25),
        Shape("mae"),
        Refuses("mae", mismatch, "ValueError", "when the shapes differ"),
        Invariant("mae", "shift"),
        Invariant("mae", "one row"),
        Pure("mae"),
    ],
    "gradient": [
        Example("mae_gradient", worked, np.array([0.25, 0.0, -0.25, -0.25])),
        Shape("mae_gradient", like="prediction"),
        Gradient("mae_gradient", of="mae", wrt="prediction"),
        Precision("mae_gradient"),
        Refuses("mae_gradient", mismatch, "ValueError", "when the shapes differ"),
        Pure("mae_gradient"),
    ],
    "interval": [
        Example("slope_interval", (3.0, four), (0.0, 0.0)),
        Example("slope_interval", (2.0, four), (-0.5, 0.0)),
        Example("slope_interval", (10.0, four), (1.0, 1.0)),
        Invariant("slope_interval", "order"),
        Invariant("slope_interval", "one row"),
        Pure("slope_interval"),
    ],
    "best": [
        Example("minimisers", (four,), (2.0, 5.0)),
        Example("minimisers", (np.array([7.0, 1.0, 2.0]),), (2.0, 2.0)),
        Invariant("minimisers", "order"),
        Invariant("minimisers", "one row"),
        Pure("minimisers"),
    ],
}
