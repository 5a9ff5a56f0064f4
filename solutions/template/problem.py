# %% [markdown]
# # 00 · Log-cosh ★
#
# **The question.** Which smooth loss behaves like squared error near zero and like absolute error
# far away, without a parameter to choose?
#
# **Why it matters.** The logarithm of the hyperbolic cosine does, and a gradient between −1 and 1
# per residual follows for free. Its textbook form, though, is infinite for a residual of 800.
#
# **Conventions.** `prediction` and `target` are arrays of one shape, in the unit of the target; the
# residual is $r_i = p_i - t_i$.

# %% nbgrader={"grade_id": "setup"}
import math

import numpy as np

from lossmath.course import check, hint, progress

# %% [markdown]
# ## The value · 4 points
#
# `log_cosh(prediction, target)` returns a single number, the mean of $\log\cosh r_i$. With
# `prediction = [1, 0, -2]` and `target = [0, 0, 0]` it is 0.586261.
#
# Far from zero $\log\cosh r$ is $|r| - \log 2$, which has room in any precision; $\cosh r$ has not.
# Arrays of different shapes raise `ValueError`.


# %% nbgrader={"grade_id": "log_cosh", "solution": true}
def log_cosh(prediction, target):
    """Mean logarithm of the hyperbolic cosine of the residual.

    prediction, target: arrays of one shape, in the unit of the target.
    Returns a single number, without unit. Raises ValueError when the shapes differ.
    """
    ### BEGIN SOLUTION
    if prediction.shape != target.shape:
        raise ValueError(f"log_cosh: shapes {prediction.shape} and {target.shape} must be equal")
    size = np.abs(prediction - target)
    return np.mean(size + np.log1p(np.exp(-2 * size)) - math.log(2))
    ### END SOLUTION


# %% nbgrader={"grade_id": "value", "points": 4}
check("00", "value")

# %% [markdown]
# ## The gradient · 4 points
#
# `log_cosh_gradient(prediction, target)` returns an array with the shape of `prediction`: how fast
# the mean grows when a prediction is raised. In the example: `[0.253865, 0, -0.321343]`. float32 in
# gives float32 out.


# %% nbgrader={"grade_id": "log_cosh_gradient", "solution": true}
def log_cosh_gradient(prediction, target):
    """Gradient of `log_cosh` with respect to the prediction; arguments as there.

    Returns an array like prediction, per unit of the target.
    """
    ### BEGIN SOLUTION
    return np.tanh(prediction - target) / prediction.size
    ### END SOLUTION


# %% nbgrader={"grade_id": "gradient", "points": 4}
check("00", "gradient")

# %% [markdown]
# ## In your words · 2 points
#
# Would you replace absolute error by log-cosh for prices in cents, and for prices in millions? Say
# what changes.
#
# *How it is read.* One point for what the unit does to the loss, said with a number. One point for
# a remedy that follows from it.

# %% [markdown] nbgrader={"grade_id": "written", "points": 2, "solution": true}
# The bend lies at residuals of about 1, whatever the unit. In cents nearly every residual is far
# beyond it, and the loss is absolute error less log 2; in millions all residuals are tiny and it is
# half the squared error. Divide the residuals by a scale first.
#
# *For the reader.* The number can be any residual compared with 1. A remedy is a scale, or Huber
# with its δ; "normalise the data" earns the point when it says by what.

# %% [markdown]
# Stuck? `hint("00")` gives three hints, one at a time. `progress()` shows where you are.

# %% tags=["public"]
from lossmath.course.laws import Example, Gradient, Invariant, Pure, Refuses, Shape

hints = [
    "Write the cosine as a sum of two exponentials. Which of the two is large, and which is at "
    "most 1 after you have taken the large one out?",
    "The logarithm of a product is a sum: one term is the size of the residual, one stays between "
    "0 and log 2, one is a constant.",
    "For the gradient, divide the derivative of the cosine by the cosine. The ratio has a name of "
    "its own, and the mean brings one more factor.",
]

zeros = np.zeros(3)
worked = (np.array([1.0, 0.0, -2.0]), zeros)
pairs = [
    (np.array([0.5]), np.array([0.0])),
    (np.array([0.0, 2.0]), np.array([1.5, 0.25])),
    worked,
    (np.array([[0.3, -1.2], [2.2, 4.1]]), np.array([[1.1, 0.4], [-0.6, 0.7]])),
]
edges = [
    (np.array([800.0, -900.0, 1.0]), zeros),
    (np.array([1.5, 0.25], dtype="float32"), np.zeros(2, dtype="float32")),
    (np.array([1.0, float("nan")]), np.zeros(2)),
]
mismatch = (np.array([[1.0], [2.0]]), np.array([1.0, 2.0]))
inputs = {"log_cosh": pairs, "log_cosh_gradient": pairs}
probes = {"log_cosh": [*edges, mismatch], "log_cosh_gradient": edges}
laws = {
    "value": [
        Example("log_cosh", worked, 0.5862611926136305),
        Shape("log_cosh"),
        Invariant("log_cosh", "shift"),
        Refuses("log_cosh", mismatch, "ValueError", "when the shapes differ"),
        Pure("log_cosh"),
    ],
    "gradient": [
        Example("log_cosh_gradient", worked, np.array([0.25386472, 0.0, -0.32134253])),
        Gradient("log_cosh_gradient", of="log_cosh", wrt="prediction"),
        Pure("log_cosh_gradient"),
    ],
}
