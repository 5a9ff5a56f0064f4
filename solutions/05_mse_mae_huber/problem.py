# %% [markdown]
# # 05 · MSE, MAE and Huber side by side ★★
#
# **The question.** Squared error listens to everyone in proportion to how far off they are.
# Absolute error gives everyone one vote. Huber's loss has a dial δ that leads from one to the
# other: where exactly does it stop being the one and start being the other?
#
# **Why it matters.** Which of the three you train with decides how much a wrong label, a sensor
# glitch or a rare true extreme may move the model. That is a statement about slopes, so slopes are
# what you will write, test and draw.
#
# **Conventions.** All functions take residuals $r = \text{prediction} - \text{target}$, work entry
# by entry without any mean, and take derivatives with respect to the prediction.
#
# | loss | value | gradient |
# |---|---|---|
# | squared error | $r^2$ | you |
# | absolute error | $\lvert r\rvert$ | you; at $r = 0$ take 0 |
# | Huber, core $\lvert r\rvert\le\delta$ | $\frac12 r^2$ | you |
# | Huber, tail $\lvert r\rvert>\delta$ | $\delta\,(\lvert r\rvert-\frac\delta2)$ | you |
#
# Mind the ½: Huber's core is *half* the squared error. If residuals are in metres, so is δ.

# %% nbgrader={"grade_id": "setup"}
import matplotlib.pyplot as plt
import numpy as np

from lossmath.course import check, hint, progress

# %% [markdown]
# ## Huber's value · 2 points
#
# `huber(residual, delta)` takes an array and a positive number and returns an array of the same
# shape and precision.
#
# With `delta = 1`, the residuals `[0.5, 1, -3]` have the values `[0.125, 0.5, 2.5]`.
#
# * A δ that is not positive raises `ValueError`: a negative δ gives numbers, but no loss.
# * A residual of 1e200 is far from overflow in Huber's loss; only a detour through $r^2$ would
#   overflow. NaN stays NaN, infinity stays infinity.


# %% nbgrader={"grade_id": "huber", "solution": true}
def huber(residual, delta):
    """Huber's loss, entry by entry.

    residual: floating-point array. delta: positive number, in the unit of the residual.
    Returns an array of the residual's shape, in that unit squared. Raises ValueError for
    delta <= 0.
    """
    ### BEGIN SOLUTION
    if not delta > 0:
        raise ValueError(f"huber: delta={delta} must be positive")
    size = np.abs(residual)
    core = np.minimum(size, delta)
    return core * (size - core / 2)
    ### END SOLUTION


# %% nbgrader={"grade_id": "value", "points": 2}
check("05", "value")

# %% [markdown]
# ## Three gradients · 3 points
#
# With `delta = 1` and the residuals `[-3, 0, 0.5]`:
#
# | function | result |
# |---|---|
# | `squared_error_gradient(residual)` | `[-6, 0, 1]` |
# | `absolute_error_gradient(residual)` | `[-1, 0, 1]` |
# | `huber_gradient(residual, delta)` | `[-1, 0, 0.5]` |
#
# Shape and precision are those of the residual, and `huber_gradient` refuses the same δ as `huber`.
# A residual of 1e200 or infinity pulls as hard as any other in the tail; NaN stays NaN.
# Look closely at $\lvert r\rvert = \delta$: does Huber's slope jump there? (You may have read that
# it does.)


# %% nbgrader={"grade_id": "three_gradients", "solution": true}
def squared_error_gradient(residual):
    """Derivative of r² with respect to the prediction, entry by entry; an array like `residual`."""
    ### BEGIN SOLUTION
    return 2 * residual
    ### END SOLUTION


def absolute_error_gradient(residual):
    """Derivative of |r| with respect to the prediction, 0 at r = 0; an array like `residual`."""
    ### BEGIN SOLUTION
    return np.sign(residual)
    ### END SOLUTION


def huber_gradient(residual, delta):
    """Derivative of `huber` with respect to the prediction, entry by entry.

    residual: floating-point array. delta: positive number, in the unit of the residual.
    Returns an array like `residual`, in its unit. Raises ValueError for delta <= 0.
    """
    ### BEGIN SOLUTION
    if not delta > 0:
        raise ValueError(f"huber_gradient: delta={delta} must be positive")
    return np.clip(residual, -delta, delta)
    ### END SOLUTION


# %% nbgrader={"grade_id": "gradients", "points": 3}
check("05", "gradients")

# %% [markdown]
# ## The two limits · 2 points
#
# As δ grows, Huber's gradient becomes that of *half* the squared error, $r$. As δ shrinks, the
# gradient shrinks with it; divided by δ, it becomes that of absolute error,
# $\operatorname{sign} r$.
#
# On finitely many residuals the limits are not only approached but reached.
# `exact_deltas(residual)` returns the two values of δ where that happens, as a tuple:
#
# 1. the largest δ for which `huber_gradient(residual, δ) / δ` equals `absolute_error_gradient` in
#    every entry,
# 2. the smallest δ for which `huber_gradient(residual, δ)` equals half of `squared_error_gradient`
#    in every entry.
#
# For `[-3, 0, 0.5]` the answer is `(0.5, 3)`. If all residuals are zero, every positive δ does
# both, and the answer is `(inf, 0)`.


# %% nbgrader={"grade_id": "exact_deltas", "solution": true}
def exact_deltas(residual):
    """Where Huber's gradient meets its two limits on these residuals.

    residual: floating-point array with at least one entry.
    Returns (largest delta that acts as absolute error, smallest that acts as half squared error),
    two numbers in the unit of the residual; (inf, 0) if all residuals are zero.
    """
    ### BEGIN SOLUTION
    size = np.abs(residual)
    return np.min(size, where=size > 0, initial=np.inf), np.max(size)
    ### END SOLUTION


# %% nbgrader={"grade_id": "limits", "points": 2}
check("05", "limits")

# %% [markdown]
# ## The picture · 3 points
#
# `draw_gradients(delta)` draws the three gradients over residuals from −5 to 5 on one pair of axes
# and returns the matplotlib `Figure`. Drawing is graded through the data of the lines:
#
# * three lines whose labels contain the words `squared`, `absolute` and `Huber`, each from −5 to 5
#   in at least 50 steps; all other lines, if any, without a label;
# * a legend, an x label that contains `residual` and a y label that contains `gradient`.
#
# Where the gradient of absolute error jumps, you may draw the jump or leave a gap with NaN.
#
# *Predict, then run* `draw_gradients(1)` *in a cell of your own:* for which residuals do the lines
# of Huber and of absolute error coincide when δ = 1? And when δ = 2?


# %% nbgrader={"grade_id": "draw_gradients", "solution": true}
def draw_gradients(delta):
    """Draw the three gradients over residuals from -5 to 5.

    delta: positive number, Huber's parameter. Returns a matplotlib Figure with one pair of axes.
    """
    ### BEGIN SOLUTION
    residual = np.linspace(-5, 5, 401)
    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    axes.axhline(0, color="0.8", linewidth=1)
    axes.plot(residual, squared_error_gradient(residual), ":", label="squared error")
    axes.plot(residual, absolute_error_gradient(residual), "--", label="absolute error")
    axes.plot(residual, huber_gradient(residual, delta), "-", label=f"Huber, δ = {delta:g}")
    axes.set(xlabel="residual", ylabel="gradient")
    axes.legend()
    return figure
    ### END SOLUTION


# %% nbgrader={"grade_id": "figure", "points": 3}
check("05", "figure")

# %% [markdown]
# Stuck? `hint("05")` gives three hints, one at a time. `progress()` shows where you are.

# %% tags=["public"]
from lossmath.course.laws import (
    Example,
    Figure,
    Finite,
    Gradient,
    Limit,
    Line,
    Odd,
    Precision,
    Pure,
    Refuses,
    Shape,
)

hints = [
    "Draw Huber's value by hand for δ = 1 and mark its slope at r = 0, 0.5, 1, 2 and −2. Where "
    "does the slope stop growing?",
    "A residual has a part inside the core, at most δ in size, and a part beyond it. Which of the "
    "two does the slope depend on? How could the value use both parts without an `if`?",
    "The gradient differs from half squared error exactly in the entries beyond δ, and from δ "
    "times absolute error exactly in those inside. Which single residual decides each of the two "
    "questions, and why can one that is exactly zero not decide the first?",
]

small = [
    np.array([0.5]),
    np.array([-2.0]),
    np.array([3.0, 0.0]),
    np.array([-3.0, 0.0, 0.5]),
    np.array([0.25, -0.75, 4.0, -1.25]),
    np.array([[2.2, -0.1], [-4.5, 0.9]]),
]
deltas = (1.1, 0.3, 2.7)
inside = [(residual, delta) for residual in small for delta in deltas]
edges = [
    (np.array([1.0, -1.0, 1.5]), 1.0),
    (np.array([1e200, -1e200]), 2.0),
    (np.array([float("nan"), float("inf"), float("-inf"), 0.5]), 1.0),
    (np.array([0.5, -3.0], dtype="float32"), 2.0),
    (np.array([1.0, -2.0]), -1.0),
    (np.array([1.0, -2.0]), 0.0),
]
zeros = np.zeros(2)
inputs = {
    "huber": inside,
    "squared_error_gradient": [(residual,) for residual in small],
    "absolute_error_gradient": [(residual,) for residual in small],
    "huber_gradient": inside,
    "exact_deltas": [(residual,) for residual in small],
    "draw_gradients": [(1.5,), (0.5,)],
}
probes = {
    "huber": edges,
    "squared_error_gradient": [(residual,) for residual, _ in edges],
    "absolute_error_gradient": [(residual,) for residual, _ in edges],
    "huber_gradient": edges,
    "exact_deltas": [(zeros,), (np.array([-4.0, -1.0]),)],
}
laws = {
    "value": [
        Example("huber", (np.array([0.5, 1.0, -3.0]), 1.0), np.array([0.125, 0.5, 2.5])),
        Shape("huber", like="the residual"),
        Precision("huber"),
        Refuses("huber", (np.array([1.0]), -1.0), "ValueError", "for a negative δ"),
        Refuses("huber", (np.array([1.0]), 0.0), "ValueError", "for δ = 0"),
        Pure("huber"),
    ],
    "gradients": [
        Example(
            "squared_error_gradient", (np.array([-3.0, 0.0, 0.5]),), np.array([-6.0, 0.0, 1.0])
        ),
        Example(
            "absolute_error_gradient", (np.array([-3.0, 0.0, 0.5]),), np.array([-1.0, 0.0, 1.0])
        ),
        Gradient("huber_gradient", of="huber", wrt="residual"),
        Precision("squared_error_gradient"),
        Precision("absolute_error_gradient"),
        Precision("huber_gradient"),
        Odd("huber_gradient"),
        Finite(
            "huber_gradient",
            ((np.array([1e200, float("inf"), float("-inf")]), 2.0),),
            "for an infinite residual",
        ),
        Refuses("huber_gradient", (np.array([1.0]), -1.0), "ValueError", "for a negative δ"),
        Refuses("huber_gradient", (np.array([1.0]), 0.0), "ValueError", "for δ = 0"),
        Pure("squared_error_gradient"),
        Pure("absolute_error_gradient"),
        Pure("huber_gradient"),
    ],
    "limits": [
        Example("exact_deltas", (np.array([-3.0, 0.0, 0.5]),), (0.5, 3.0)),
        Example("exact_deltas", (zeros,), (float("inf"), 0.0)),
        Limit("huber_gradient", dial="δ", at=1e6, equals="squared_error_gradient", times=0.5),
        Limit("huber_gradient", dial="δ", at=1e-6, equals="absolute_error_gradient", times=1e-6),
        Pure("exact_deltas"),
    ],
    "figure": [
        Figure(
            "draw_gradients",
            ("squared", "absolute", "Huber"),
            xlabel="residual",
            ylabel="gradient",
            across=(-5, 5),
            points=50,
        ),
        Line("draw_gradients", "squared", shows="squared_error_gradient", dial=False),
        Line("draw_gradients", "absolute", shows="absolute_error_gradient", dial=False),
        Line("draw_gradients", "Huber", shows="huber_gradient", dial=True),
    ],
}
