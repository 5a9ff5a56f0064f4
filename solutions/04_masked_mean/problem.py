# %% [markdown]
# # 04 · Masked mean ★★
#
# **The question.** Sentences in a batch have different lengths, so the short ones are filled up
# with padding. The loss of a padding slot is a number like any other, only it means nothing. How
# do you average so that it truly means nothing?
#
# **Why it matters.** This is the most repeated bug in training code: the mean is divided by the
# wrong count, and nothing crashes. The loss looks a little small, short sentences get a little
# less attention, and a run that splits its batch in two quietly optimises something else.
#
# **Conventions.** `values` holds one loss per slot and `mask` is a boolean array of the same shape,
# True where the slot counts. What stands in the other slots has **no influence whatever**, not
# even when it is NaN or infinite. If no slot counts at all, the mean is 0 and its gradient is zero:
# an empty batch should not move the model.

# %% nbgrader={"grade_id": "setup"}
import numpy as np

from lossmath.course import check, hint, progress

# %% [markdown]
# ## The mean over what counts · 3 points
#
# `masked_mean(values, mask)` returns a single number, for arrays of any shape.
#
# ```
# values = [[1, 2, 7],      mask = [[True, True,  False],
#           [3, 8, 9]]              [True, False, False]]
# ```
#
# Three slots count, with the values 1, 2 and 3, so the masked mean is 2.
#
# Mind the difference: a NaN in a slot that does *not* count is ignored, a NaN in a slot that *does*
# count must come out, for it is the symptom of a bug you want to see. Half precision (float16)
# ends at 65504; the mean of three values of 30000 is 30000 even where their sum has no room.


# %% nbgrader={"grade_id": "masked_mean", "solution": true}
def masked_mean(values, mask):
    """Mean of the values whose mask is True; 0 if there are none.

    values: floating-point array of any shape. mask: boolean array of that shape.
    Returns a single number, in the unit of the values.
    """
    ### BEGIN SOLUTION
    kept = values[mask]
    return kept.mean(dtype=np.float64) if kept.size else 0.0
    ### END SOLUTION


# %% nbgrader={"grade_id": "mean", "points": 3}
check("04", "mean")

# %% [markdown]
# ## Its gradient · 2 points
#
# `masked_mean_gradient(values, mask)` returns an array with the shape and precision of `values`:
# how fast the masked mean grows when a slot's value is raised. In the example above, raising the
# first value by 0.3 raises the mean of three by 0.1:
#
# ```
# [[1/3, 1/3, 0],
#  [1/3, 0,   0]]
# ```


# %% nbgrader={"grade_id": "masked_mean_gradient", "solution": true}
def masked_mean_gradient(values, mask):
    """Gradient of `masked_mean` with respect to the values; zero everywhere if nothing counts.

    values: floating-point array of any shape. mask: boolean array of that shape.
    Returns an array of that shape and of the precision of the values, without unit.
    """
    ### BEGIN SOLUTION
    return (mask / max(np.count_nonzero(mask), 1)).astype(values.dtype)
    ### END SOLUTION


# %% nbgrader={"grade_id": "gradient", "points": 2}
check("04", "gradient")

# %% [markdown]
# ## Every sentence counts once · 2 points
#
# In the mean above every *token* has the same weight, so that a long sentence counts for more than
# a short one. `sequence_mean(values, mask)` gives every *sentence* the same weight: average each
# row over its own tokens, then average the rows. Rows without a single token are left out of the
# second average; if no row has any, the answer is 0.
#
# In the example the rows have the means 1.5 and 3, so the sequence mean is 2.25, while the token
# mean was 2. Neither is the right one; but a paper that reports one and code that computes the
# other disagree.


# %% nbgrader={"grade_id": "sequence_mean", "solution": true}
def sequence_mean(values, mask):
    """Mean over rows of each row's masked mean; rows in which nothing counts are left out.

    values: floating-point array of shape (sequences, tokens). mask: boolean array of that shape.
    Returns a single number, in the unit of the values.
    """
    ### BEGIN SOLUTION
    rows = zip(values, mask, strict=True)
    means = [masked_mean(row, counts) for row, counts in rows if counts.any()]
    return sum(means) / max(len(means), 1)
    ### END SOLUTION


# %% nbgrader={"grade_id": "sequences", "points": 2}
check("04", "sequences")

# %% [markdown]
# ## In pieces · 3 points
#
# A batch that does not fit in memory is cut into micro-batches, whose gradients are added up before
# the model takes its step. That must not change what is optimised: cutting a batch is a matter of
# memory and not of mathematics.
#
# Here `batches` is a list of pairs `(values, mask)`; the pieces may have different shapes, and some
# may have no slot that counts.
#
# * `accumulated_mean(batches)` returns the masked mean of all pieces together, a single number.
# * `accumulated_gradient(batches)` returns a list with one array per piece, in its shape and
#   precision: the gradient of that mean with respect to the piece's values.
#
# Example: one piece has a single token with loss 10, another has nine tokens whose losses add up to
# 2. All together that is 12 / 10 = 1.2, and raising the loss of any of the ten tokens raises it by
# 0.1 times as much: all entries of the gradient are 0.1. The mean of the two means is
# (10 + 2/9) / 2, more than four times as much.


# %% nbgrader={"grade_id": "accumulated", "solution": true}
def accumulated_mean(batches):
    """Masked mean of all micro-batches together; 0 if nothing counts in any of them.

    batches: list of pairs (values, mask) as in `masked_mean`, of any shapes.
    Returns a single number, in the unit of the values.
    """
    ### BEGIN SOLUTION
    # Sum first and divide once: only the total knows how many slots count.
    total = sum(values[mask].sum(dtype=np.float64) for values, mask in batches)
    return total / max(sum(np.count_nonzero(mask) for _, mask in batches), 1)
    ### END SOLUTION


def accumulated_gradient(batches):
    """Gradient of `accumulated_mean`, one array for each micro-batch.

    batches: list of pairs (values, mask) as in `masked_mean`, of any shapes.
    Returns a list of arrays, each with the shape and precision of its values, without unit.
    """
    ### BEGIN SOLUTION
    count = max(sum(np.count_nonzero(mask) for _, mask in batches), 1)
    return [(mask / count).astype(values.dtype) for values, mask in batches]
    ### END SOLUTION


# %% nbgrader={"grade_id": "accumulate", "points": 3}
check("04", "accumulate")

# %% [markdown]
# Stuck? `hint("04")` gives three hints, one at a time. `progress()` shows where you are.

# %% tags=["public"]
from lossmath.course.laws import Accumulates, Example, Gradient, Invariant, Precision, Pure, Shape

hints = [
    "Multiplying by the mask is not the same as leaving out: what is 0 · NaN? Choose first, then "
    "do arithmetic with what is left.",
    "For each function, say aloud which count stands below the fraction line: slots, tokens of one "
    "row, rows with a token, or tokens of all pieces. Then ask what happens when that count is 0.",
    "A mean of means weights its parts equally, however large they are. Carry the sum and the "
    "count separately through the pieces; when is the earliest moment at which you may divide?",
]

nan = float("nan")
table = np.array([[1.0, 2.0, 7.0], [3.0, 8.0, 9.0]])
some = np.array([[True, True, False], [True, False, False]])
none = np.zeros((2, 3), bool)
cases = [
    (np.array([[2.0]]), np.array([[True]])),
    (np.array([[2.0]]), np.array([[False]])),
    (np.array([[1.0, 5.0]]), np.array([[True, False]])),
    (np.array([[0.0, 4.0], [6.0, 1.0]]), np.array([[True, True], [False, True]])),
    (table, some),
    (table, np.array([[False, False, False], [True, True, False]])),
    (np.array([[-1.5, nan, 0.25], [2.0, 3.5, nan]]), np.array([[1, 0, 1], [1, 1, 0]], bool)),
    (table, none),
]
edges = [
    (np.array([[1.0, nan], [2.0, 4.0]]), np.array([[True, True], [False, True]])),
    (np.array([[1.0, float("inf")], [2.0, 4.0]]), np.array([[True, False], [False, True]])),
    (np.array([[0.1, -7.3, 2.2], [0.0, 1.9, 5.1]]), np.array([[1, 1, 1], [1, 1, 0]], bool)),
    (np.array([[3e4, 3e4, 3e4]], dtype="float16"), np.array([[True, True, True]])),
    (np.array([[1.5, 2.25]], dtype="float32"), np.array([[True, False]])),
]
one_and_nine = [
    (np.array([10.0]), np.array([True])),
    (np.array([2.0, 0, 0, 0, 0, 0, 0, 0, 0]), np.ones(9, bool)),
]
pieces = [
    [cases[0]],
    [cases[0], cases[2]],
    [cases[1], cases[2]],
    [cases[3], cases[4]],
    one_and_nine,
    [cases[4], cases[5], cases[6], cases[7]],
    [cases[1], cases[7]],
]
inputs = {
    "masked_mean": cases,
    "masked_mean_gradient": cases,
    "sequence_mean": cases,
    "accumulated_mean": [(batches,) for batches in pieces],
    "accumulated_gradient": [(batches,) for batches in pieces],
}
probes = {
    "masked_mean": edges,
    "masked_mean_gradient": edges,
    "sequence_mean": edges[:3],
    "accumulated_mean": [(edges[:3],)],
    "accumulated_gradient": [(edges,)],
}
laws = {
    "mean": [
        Example("masked_mean", (table, some), 2.0),
        Example("masked_mean", (table, none), 0.0),
        Shape("masked_mean"),
        Invariant("masked_mean", "masked values"),
        Invariant("masked_mean", "padding"),
        Pure("masked_mean"),
    ],
    "gradient": [
        Example("masked_mean_gradient", (table, none), np.zeros((2, 3))),
        Shape("masked_mean_gradient", like="values"),
        Gradient("masked_mean_gradient", of="masked_mean", wrt="values"),
        Precision("masked_mean_gradient"),
        Invariant("masked_mean_gradient", "masked values"),
        Pure("masked_mean_gradient"),
    ],
    "sequences": [
        Example("sequence_mean", (table, some), 2.25),
        Example("sequence_mean", (table, none), 0.0),
        Invariant("sequence_mean", "masked values"),
        Invariant("sequence_mean", "padding"),
        Pure("sequence_mean"),
    ],
    "accumulate": [
        Example("accumulated_mean", (one_and_nine,), 1.2),
        Example("accumulated_mean", (pieces[-1],), 0.0),
        Example("accumulated_gradient", (one_and_nine,), (np.full(1, 0.1), np.full(9, 0.1))),
        Accumulates("accumulated_mean", whole="masked_mean"),
        Accumulates("accumulated_gradient", whole="masked_mean_gradient"),
        Precision("accumulated_gradient"),
        Pure("accumulated_mean"),
        Pure("accumulated_gradient"),
    ],
}
