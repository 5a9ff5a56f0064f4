# %% [markdown]
# # 10 · Does one term dominate? ★★★
#
# **The question.** A loss is often a sum: a data term, a penalty, a physical law, a second task.
# The run goes on for hours, the total falls, and in the end the model has learned one of the terms
# and none of the others. Could you have known from the log?
#
# **Why it matters.** A model takes its step along the *sum* of the terms' gradients. If one of them
# is fifty times longer than the others, the others do not take part, however large their values
# look in the log. In this problem you measure the pull of each term and the conflicts between
# them, and write a diagnosis that is tried on runs you have never seen.
#
# **Conventions.** A total $\sum_k \lambda_k L_k$ has terms with values $L_k$, weights $\lambda_k$
# and gradients $g_k = \nabla L_k$ (*without* the weight). The log of a run is three arrays:
#
# | array | shape | entry |
# |---|---|---|
# | `values` | (steps, terms) | $L_k$ at a step |
# | `gradients` | (steps, terms, parameters) | $g_k$ at a step |
# | `weights` | (terms,) | $\lambda_k$, the same at all steps |
#
# The cell below draws logs like those that your diagnosis is tried on. In half of the kinds one
# term dominates, and the answer is its index; in the others none does, and the answer is −1.

# %% nbgrader={"grade_id": "setup"}
import numpy as np

from lossmath.course import check, hint, progress

HEALTHY = ("even", "large value", "loud start", "outliers", "duel")
DOMINATED = ("throughout", "late", "smallest value", "interrupted")


def loudness(rng, kind, steps):
    """How many times longer than usual one term's weighted gradient is, at each step."""
    passed = np.arange(steps) / steps
    much = rng.uniform(30, 100)
    if kind == "loud start":
        return np.where(passed < rng.uniform(0.15, 0.3), much, 1)
    if kind == "outliers":
        return np.where(rng.permutation(passed) < 0.25, 5 * much, 1)
    if kind == "late":
        return np.where(passed < rng.uniform(0.2, 0.35), 1, much)
    if kind == "interrupted":
        return np.where(rng.permutation(passed) < 0.3, 0.01, much)
    return np.full(steps, much if kind in ("throughout", "smallest value", "duel") else 1)


def draw_run(rng, kind, steps=40, terms=None, parameters=12):
    """The log of one run, (values, gradients, weights), and the right diagnosis."""
    terms = terms or int(rng.integers(4, 7))
    term = int(rng.integers(terms))
    falling = np.exp(-2 * np.arange(steps) / steps)[:, None]
    lengths = falling * np.exp(0.3 * rng.standard_normal(terms))
    lengths = lengths * np.exp(0.3 * rng.standard_normal((steps, terms)))
    lengths[:, term] *= loudness(rng, kind, steps)
    directions = rng.standard_normal((terms, parameters))
    directions = directions + 0.5 * rng.standard_normal((steps, terms, parameters))
    if kind == "duel":  # another term pulls as hard, in the opposite direction
        other = (term + 1) % terms
        lengths[:, other] = lengths[:, term] * np.exp(0.2 * rng.standard_normal(steps))
        directions[:, other] = -directions[:, term]
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    weights = 10 ** rng.uniform(-2, 2, terms)
    values = falling * 10 ** rng.uniform(-1, 1, terms)
    values = values * np.exp(0.2 * rng.standard_normal((steps, terms)))
    values[:, term] *= {"large value": 1000, "smallest value": 0.001}.get(kind, 1)
    gradients = lengths[..., None] * directions / weights[:, None]
    return (values, gradients, weights), term if kind in DOMINATED else -1


def rates(diagnosis, runs):
    """Share of dominated runs whose term is found, and of healthy ones with a false alarm."""
    right = {True: [], False: []}
    for log, truth in runs:
        right[truth >= 0].append(diagnosis(*log) == truth)
    return float(np.mean(right[True])), float(1 - np.mean(right[False]))


# %% [markdown]
# ## How hard each term pulls · 2 points
#
# `gradient_norms(gradients, weights)` returns an array of shape (steps, terms): the Euclidean
# lengths of the weighted gradients, $\lVert \lambda_k g_k \rVert$.
#
# ```
# gradients = [[[3, 4], [0, 0.1]],      weights = [10, 10]
#              [[0, 4], [0, 0.2]],
#              [[0.2, 0], [0, -0.1]]]
# ```
#
# These are three steps of two terms with two parameters, and the lengths are
# `[[50, 1], [40, 2], [2, 1]]`. A length is never negative, also if a weight is: the weights
# `[-10, -10]` give the same ones. And lengths of gradients with entries of 1e200 or 1e−200 are
# ordinary numbers; only their squares are not. Gradients and weights in float32 give lengths in
# float32. Where a gradient holds a NaN, its length is NaN.


# %% nbgrader={"grade_id": "gradient_norms", "solution": true}
def gradient_norms(gradients, weights):
    """Lengths of the weighted gradients of all terms at all steps.

    gradients: floating-point array of shape (steps, terms, parameters). weights: floating-point
    array of shape (terms,), in the same precision. Returns an array of shape (steps, terms) and of
    that precision, in the unit of the total loss per unit of the parameters.
    """
    ### BEGIN SOLUTION
    largest = np.max(np.abs(gradients), axis=-1)
    scale = np.where(largest > 0, largest, 1)  # keeps the squares within range
    return np.abs(weights) * (scale * np.linalg.norm(gradients / scale[..., None], axis=-1))
    ### END SOLUTION


# %% nbgrader={"grade_id": "norms", "points": 2}
check("10", "norms")

# %% [markdown]
# ## Who pulls against whom · 2 points
#
# `cosines(gradients)` looks at one step: from the gradients of all terms, an array of shape (terms,
# parameters), it makes the table of shape (terms, terms) of the cosines of the angles between them.
# A cosine below 0 is a **conflict**: a step that helps one term harms the other.
#
# For the gradients `[[3, 4], [4, -3], [-6, -8], [0, 0]]` the table is
#
# ```
# [[ 1, 0, -1, 0],
#  [ 0, 1,  0, 0],
#  [-1, 0,  1, 0],
#  [ 0, 0,  0, 0]]
# ```
#
# A gradient of exactly zero has no direction and no conflicts; its cosines are 0 by agreement, also
# the one with itself. Lengths do not matter at all, be they 1e200 or 1e−200. So neither do positive
# weights. The table has the precision of the gradients.


# %% nbgrader={"grade_id": "cosines", "solution": true}
def cosines(gradients):
    """Cosines of the angles between the gradients of all terms; 0 where a gradient is zero.

    gradients: floating-point array of shape (terms, parameters).
    Returns an array of shape (terms, terms), in their precision and without unit, each entry from
    -1 to 1.
    """
    ### BEGIN SOLUTION
    largest = np.max(np.abs(gradients), axis=1, keepdims=True)
    directions = gradients / np.where(largest > 0, largest, 1)
    length = np.linalg.norm(directions, axis=1, keepdims=True)
    directions = directions / np.where(length > 0, length, 1)
    return directions @ directions.T
    ### END SOLUTION


# %% nbgrader={"grade_id": "conflicts", "points": 2}
check("10", "conflicts")

# %% [markdown]
# ## The diagnosis · 4 points
#
# `dominating_term(values, gradients, weights)` returns the index of the term that dominates a run,
# counted from 0, or −1 if none does.
#
# A term dominates if at *most* steps the model follows it alone: its weighted gradient is many
# times as long as all the others together. Being loud at the start, or now and then, is healthy.
# So is a large value. Two strong terms that pull against each other are another problem: neither
# follows the other. And a term that dominates may do so late, or be silent at some steps.
#
# In the run of three steps above, term 0 dominates, whatever the values are: the answer is 0. With
# the weights `[0.5, 10]` the lengths would be `[[2.5, 1], [2, 2], [0.1, 1]]`, and the answer −1.
#
# Where to draw the line is up to you. Grading is by behaviour, on runs never shown, half of them
# dominated: of these you must name the right term in at least 95 %, and of the healthy ones at most
# 5 % may be a false alarm. Both are asked of
#
# * 100 runs of all kinds together (1.5 points),
# * 60 runs with loud starts and outliers, late and interrupted domination (1 point),
# * 60 runs with values that mislead, and duels (1 point),
# * 40 runs that are measured in other units: a term's values and gradients times c, its weight
#   divided by c. The total loss is the same, and so must be every single answer (0.5 points).


# %% nbgrader={"grade_id": "dominating_term", "solution": true}
def dominating_term(values, gradients, weights):
    """Index of the term that dominates a run, -1 if none does.

    values: array of shape (steps, terms). gradients: array of shape (steps, terms, parameters),
    without weights. weights: array of shape (terms,). Returns a whole number.
    """
    ### BEGIN SOLUTION
    lengths = gradient_norms(gradients, weights)
    shares = lengths / np.sum(lengths, axis=1, keepdims=True)
    typical = np.median(shares, axis=0)  # single steps, and a short start, do not move a median
    term = np.argmax(typical)
    return int(term) if typical[term] > 0.6 else -1
    ### END SOLUTION


# %% nbgrader={"grade_id": "diagnosis", "points": 4}
check("10", "diagnosis")

# %% [markdown]
# Try your diagnosis on as many runs as you like, in a cell of your own:
#
# ```
# rng = np.random.default_rng(0)
# rates(dominating_term, [draw_run(rng, kind) for kind in HEALTHY + DOMINATED for _ in range(20)])
# ```
#
# The first number is the share of dominated runs whose term you name, the second that of healthy
# ones in which you raise a false alarm. `check` knows the example and some usual mistakes; how good
# your diagnosis is, these two numbers tell.

# %% [markdown]
# ## In your words · 2 points
#
# Which number does your diagnosis look at, and where does it draw the line? Defend both: name one
# healthy kind of run in which a simpler rule would raise a false alarm, and one dominated kind that
# a simpler rule would miss. What would you change in training once a term is found, and why is it
# no cure to look at the values and weight them equal?
#
# *How it is read.* One point for the rule, with a true example on both sides. One point for the
# remedy: it acts on the weighted gradients, and it is said why equal values do not mean equal
# pulls.

# %% [markdown] nbgrader={"grade_id": "written", "points": 2, "solution": true}
# I look at each term's share of the summed lengths at every step, and at the median of that share
# over the run; above 0.6 the term alone outweighs all others together. The mean of the lengths
# instead would raise a false alarm for loud starts, because gradients are longest at the start and
# a few steps decide the mean. Asking for it at *every* step would miss an interrupted domination.
# The line may lie anywhere between about 0.5, where a duel ends, and 0.7.
#
# The remedy is to divide the weight of that term until the lengths are comparable, by hand or by
# normalising gradients during training. Equal values are no cure: adding a constant to a term
# changes its value and not its gradient, and the squared error of a small quantity may have a tiny
# value and a steep slope.
#
# *For the reader.* Any statistic that resists single steps will do. "Lower the learning rate" is no
# remedy, for it scales all terms alike.

# %% [markdown]
# Stuck? `hint("10")` gives three hints, one at a time. `progress()` shows where you are.

# %% tags=["public"]
from lossmath.course.laws import Example, Finite, Invariant, Precision, Pure, Shape

hints = [
    "Before you square entries of 1e200, divide by something that belongs to the same gradient. "
    "What is left over if the whole gradient is zero?",
    "Draw one run of each kind and plot the weighted lengths of its terms over the steps, on a "
    "logarithmic axis. What do the dominated ones have in common that the loud start has not?",
    "Make the lengths of one step comparable with those of another first, and only then summarise "
    "over the steps, in a way that a quarter of the steps cannot spoil. Where does that number "
    "lie for a duel, where for four even terms, and where for domination?",
]

three_steps = np.array(
    [
        [[3.0, 4.0], [0.0, 0.1]],
        [[0.0, 4.0], [0.0, 0.2]],
        [[0.2, 0.0], [0.0, -0.1]],
    ]
)
tens = np.array([10.0, 10.0])
other = np.array([0.5, 10.0])
lengths = np.array([[50.0, 1.0], [40.0, 2.0], [2.0, 1.0]])
level = np.array([[1.0, 2.0], [1.0, 2.0], [1.0, 2.0]])
four = np.array([[3.0, 4.0], [4.0, -3.0], [-6.0, -8.0], [0.0, 0.0]])
logs = [
    (np.array([[[1.0]]]), np.array([2.0])),
    (np.array([[[3.0, -4.0], [1.0, 1.0]]]), np.array([1.0, -2.0])),
    (three_steps, tens),
    (three_steps, other),
    (np.array([[[0.0, 0.0], [5.0, 12.0], [0.5, 0.0]]]), np.array([3.0, 0.1, 4.0])),
]
tables = [
    np.array([[1.0, 0.0]]),
    np.array([[1.0, 0.0], [1.0, 1.0]]),
    np.array([[1.0, 2.0], [-3.0, 0.5]]),
    four,
    np.array([[0.25, -1.5, 3.0], [2.0, 0.0, -0.125]]),
]
seeds = np.random.default_rng(10)
small = [
    (level, three_steps, tens),
    (level, three_steps, other),
    *(
        draw_run(seeds, kind, steps=10, terms=4, parameters=2)[0]
        for kind in HEALTHY + DOMINATED
        for _ in range(2)
    ),
]
# Short runs, many of which end on an outlier or an interruption, and duels that a median of the
# terms does not notice.
misleading = [
    draw_run(seeds, kind, steps=5, terms=5, parameters=2)[0]
    for kind in ("outliers", "interrupted", "duel")
    for _ in range(5)
]
inputs = {
    "gradient_norms": logs,
    "cosines": [(table,) for table in tables],
    "dominating_term": small,
}
probes = {
    "gradient_norms": [
        (three_steps * 1e200, tens),
        (three_steps * 1e-200, tens),
        (three_steps.astype("float32"), tens.astype("float32")),
    ],
    "cosines": [
        (tables[1] * 1e200,),
        (tables[1] * 1e-200,),
        (tables[2] * 1e-6,),
        (four.astype("float32"),),
    ],
    "dominating_term": misleading,
}
laws = {
    "norms": [
        Example("gradient_norms", (three_steps, tens), lengths),
        Example("gradient_norms", (three_steps, -tens), lengths),
        Finite("gradient_norms", ((three_steps * 1e200, tens),), "for entries of 1e200"),
        Precision("gradient_norms"),
        Pure("gradient_norms"),
    ],
    "conflicts": [
        Example(
            "cosines",
            (four,),
            np.array([[1.0, 0, -1, 0], [0, 1, 0, 0], [-1, 0, 1, 0], [0, 0, 0, 0]]),
        ),
        Invariant("cosines", "size"),
        Precision("cosines"),
        Pure("cosines"),
    ],
    "diagnosis": [
        Example("dominating_term", (level, three_steps, tens), 0),
        Example("dominating_term", (level, three_steps, other), -1),
        Shape("dominating_term"),
        Pure("dominating_term"),
    ],
}
