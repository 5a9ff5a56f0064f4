# %% [markdown]
# # 08 · Pairwise preference ★★★
#
# **The question.** A language model has written two answers to one prompt, and a person prefers
# the first. Direct preference optimisation (DPO) turns that single bit into a loss, and measures
# against a frozen copy of the model, the *reference*. What is the copy for: which pairs pull hard,
# and which hardly at all?
#
# **Why it matters.** This is how most chat models are tuned to preferences. Its code is five lines
# long, and every one of them can be wrong without a crash: a sum that should be no mean, a sign, a
# forgotten reference, a logarithm of zero.
#
# **Conventions.** `policy` and `reference` are arrays of shape (pairs, 2). Column 0 belongs to the
# chosen answer, column 1 to the rejected one, and every entry is $\log\pi(\text{answer} \mid
# \text{prompt})$ of the *whole* answer, in nats. The number β > 0 has no unit; a β that is not
# positive raises `ValueError`. Every array that you return has the precision of those that come
# in: float32 in, float32 out.

# %% nbgrader={"grade_id": "setup"}
import numpy as np

from lossmath.course import check, hint, progress

# %% [markdown]
# ## From tokens to answers · 1 point
#
# A model gives one log-probability for every token. `sequence_log_probability(tokens, mask)` makes
# one number of each row: the log-probability of the answer. The mask is True at the tokens of the
# answer and False at the prompt and at the padding; what stands there has no influence whatever,
# not even when it is NaN or infinite.
#
# ```
# tokens = [[-1, -2, -0.5],    mask = [[False, True, True ],
#           [-3, -1, -9  ]]            [True,  True, False]]
# ```
#
# The answers have the log-probabilities `[-2.5, -4]`. The probability of an answer is a product
# over its tokens, so that long answers are less probable than short ones; DPO means it that way.


# %% nbgrader={"grade_id": "sequence_log_probability", "solution": true}
def sequence_log_probability(tokens, mask):
    """Log-probability of each row's answer; 0 for a row without an answer.

    tokens: floating-point array of shape (answers, tokens), in nats. mask: boolean array of that
    shape, True where the token belongs to the answer.
    Returns an array of shape (answers,) and of the precision of the tokens, in nats.
    """
    ### BEGIN SOLUTION
    return np.sum(tokens, axis=1, where=mask)
    ### END SOLUTION


# %% nbgrader={"grade_id": "sequences", "points": 1}
check("08", "sequences")

# %% [markdown]
# ## Margin and loss · 2.5 points
#
# How much more than the reference does the policy prefer the chosen answer? That difference of
# differences, times β, is the **margin** of a pair:
#
# $$h = \beta\left[\left(\log\pi_\text{chosen} - \log\pi^\text{ref}_\text{chosen}\right) -
# \left(\log\pi_\text{rejected} - \log\pi^\text{ref}_\text{rejected}\right)\right]$$
#
# The loss of a pair is $-\log\sigma(h)$ with $\sigma(h) = 1/(1 + e^{-h})$, and `dpo_loss` is the
# mean over pairs, a single number. With β = 0.5:
#
# | policy | reference | margin | loss of the pair |
# |---|---|---|---|
# | `[-12, -14]` | `[-11, -12]` | 0.5 | 0.474077 |
# | `[-20, -15]` | `[-18, -16]` | −1.5 | 1.701413 |
#
# so the loss is 1.08775. Answers are long and their log-probabilities large: margins of ±900 occur,
# and the loss there is 0 or 900. At a margin of 30 it is about 9.4e-14, and not 0. A NaN that comes
# in must come out.


# %% nbgrader={"grade_id": "dpo_loss", "solution": true}
def margin(policy, reference, beta):
    """Margin of each pair: how much more than the reference the policy prefers the chosen answer.

    policy, reference: floating-point arrays of shape (pairs, 2), in nats; chosen first.
    beta: positive number. Returns an array of shape (pairs,) and of the precision of the policy,
    without unit. Raises ValueError for beta <= 0.
    """
    ### BEGIN SOLUTION
    if not beta > 0:
        raise ValueError(f"margin: beta={beta} must be positive")
    gained = policy - reference
    return beta * (gained[:, 0] - gained[:, 1])
    ### END SOLUTION


def dpo_loss(policy, reference, beta):
    """Mean over pairs of the DPO loss; arguments and errors as for `margin`.

    Returns a single number, in nats.
    """
    ### BEGIN SOLUTION
    # log(1 + exp(-h)) without leaving the range of floating-point numbers.
    return np.mean(np.logaddexp(0, -margin(policy, reference, beta)))
    ### END SOLUTION


# %% nbgrader={"grade_id": "value", "points": 2.5}
check("08", "value")

# %% [markdown]
# ## The gradient · 2.5 points
#
# `dpo_gradient(policy, reference, beta)` returns an array with the shape and precision of `policy`:
# how fast the mean loss grows when one log-probability of the policy is raised. The reference is
# frozen and gets no gradient. For the two pairs of the table it is
#
# ```
# [[-0.0943852, 0.0943852],
#  [-0.204394,  0.204394 ]]
# ```
#
# Small gradients are asked for as exactly as large ones: a single pair with β = 1 and a margin of
# 30 has the gradient `[[-9.35762e-14, 9.35762e-14]]`. (How many digits of $1 - \sigma(30)$ are
# right?)


# %% nbgrader={"grade_id": "dpo_gradient", "solution": true}
def dpo_gradient(policy, reference, beta):
    """Gradient of `dpo_loss` with respect to the policy's log-probabilities.

    Arguments and errors as for `margin`.
    Returns an array of shape (pairs, 2) and of the precision of the policy, without unit.
    """
    ### BEGIN SOLUTION
    h = margin(policy, reference, beta)
    # exp(-log(1 + exp(h))) is σ(-h), exact to the last digits where it is tiny.
    force = beta * np.exp(-np.logaddexp(0, h)) / len(policy)
    return np.stack([-force, force], axis=1)
    ### END SOLUTION


# %% nbgrader={"grade_id": "gradient", "points": 2.5}
check("08", "gradient")

# %% [markdown]
# ## What the reference does · 2 points
#
# However wrong a pair is, neither entry of its gradient exceeds β/n for n pairs. The **pull** of a
# pair is the share of that largest force it uses, a number between 0 and 1.
#
# * `pull(policy, reference, beta)` returns the pull of every pair. In the table above the two pairs
#   pull with `[0.377541, 0.817574]`. A pair with a margin of 30 pulls with 9.35762e-14.
# * `reference_margin(policy, share, beta)` turns the question round. The policy is given, and each
#   pair pulls with the same `share` between 0 and 1: by how many nats does its reference then
#   prefer the chosen answer? (Its log-probability of the chosen answer less that of the rejected
#   one is asked for.)
#
# For the two policies above, β = 0.5 and a share of 0.75 the answer is `[4.19722, -2.80278]`; for a
# share of one half it is `[2, -5]`: look at what the policy itself prefers. A pair that does not
# pull at all (share 0) belongs to a reference at −∞, one that pulls with full force (share 1) to
# one at +∞. These infinite answers are asked for, too, and not an error.
#
# *Predict, before you try:* two pairs look the same to the policy. One reference liked the chosen
# answer better, the other the rejected one. Which of the two pairs pulls harder?


# %% nbgrader={"grade_id": "reference", "solution": true}
def pull(policy, reference, beta):
    """Share of its largest possible force with which each pair pulls.

    Arguments and errors as for `margin`.
    Returns an array of shape (pairs,) and of the precision of the policy, between 0 and 1.
    """
    ### BEGIN SOLUTION
    return np.exp(-np.logaddexp(0, margin(policy, reference, beta)))
    ### END SOLUTION


def reference_margin(policy, share, beta):
    """What a reference must prefer, for each pair to pull with a given share of its force.

    policy: floating-point array of shape (pairs, 2), in nats; chosen first. share: number from 0
    to 1. beta: positive number. Returns an array of shape (pairs,) and of the precision of the
    policy, in nats.
    """
    ### BEGIN SOLUTION
    with np.errstate(divide="ignore"):
        log_odds = np.log(share) - np.log1p(-share)
    # A plain number takes the precision of the array it meets; one of numpy brings its own.
    return policy[:, 0] - policy[:, 1] + float(log_odds) / beta
    ### END SOLUTION


# %% nbgrader={"grade_id": "rescale", "points": 2}
check("08", "rescale")

# %% [markdown]
# ## In your words · 2 points
#
# 1. To the policy two pairs look the same: the chosen answer is 2 nats more likely than the
#    rejected one. The reference of the first pair preferred the chosen answer by 6 nats, that of
#    the second the rejected one by 6. With β = 0.5, which pair pulls harder, by what factor, and
#    what would be different without a reference?
# 2. In a run the DPO loss falls steadily, and so does the log-probability of the *chosen* answers.
#    How can that be?
#
# *How it is read.* One point for the first question: the right pair, a factor that follows from
# two pulls written down, and that without a reference both pull alike. One point for the second:
# the loss depends on a difference only, and a case is given in which both log-probabilities fall
# while the difference grows.

# %% [markdown] nbgrader={"grade_id": "written", "points": 2, "solution": true}
# The margins are 0.5 · (2 − 6) = −2 and 0.5 · (2 + 6) = 4, so the pulls are σ(2) = 0.881 and
# σ(−4) = 0.018: the first pair pulls 49 times harder. It has lost ground against its reference,
# while the second has already gained 8 nats. Without a reference both would have the margin 1 and
# pull alike; the reference moves the point where a pair counts as learned from 0 nats to what was
# preferred before the tuning began.
#
# The loss sees only the difference between chosen and rejected, less that of the reference. If the
# chosen answer falls from −12 to −15 and the rejected one from −14 to −25, the difference grows
# from 2 to 10 and the loss falls. The gradient pushes both entries with equal force in opposite
# directions, but the answers share parameters, and what lowers the rejected one may lower both.
#
# *For the reader.* Question 1: the factor may be rounded (48 to 50), it must come from both pulls;
# "the second pair" earns nothing. Question 2: any pair of numbers or a formula in which a constant
# is added to both entries; "the model forgets" without the difference earns nothing.

# %% [markdown]
# Stuck? `hint("08")` gives three hints, one at a time. `progress()` shows where you are.

# %% tags=["public"]
from lossmath.course.laws import (
    Example,
    Finite,
    Gradient,
    Invariant,
    Precision,
    Pure,
    Refuses,
    Shape,
)

hints = [
    "Write the margin of the first pair of the table with pencil, bracket by bracket. Then add 100 "
    "to both numbers of its policy. What changes, and why must it be so?",
    "The loss of a pair is log(1 + e^(−h)). For which h does the exponential overflow, for which "
    "is its sum with 1 rounded? There are functions for the logarithm of a sum of exponentials.",
    "The pair's loss depends on the policy through h alone: take the slope in h, then that of h in "
    "each of the two entries, and do not forget the mean. The slope in h, with its sign turned, is "
    "the pull; to turn the last question round, solve pull = share for h.",
]

nan = float("nan")
inf = float("inf")
tokens = np.array([[-1.0, -2.0, -0.5], [-3.0, -1.0, -9.0]])
answer = np.array([[False, True, True], [True, True, False]])
policy = np.array([[-12.0, -14.0], [-20.0, -15.0]])
reference = np.array([[-11.0, -12.0], [-18.0, -16.0]])
rows = [
    (np.array([[-2.0, -1.0]]), np.array([[False, True]])),
    (np.array([[-2.0, -1.0]]), np.array([[True, True]])),
    (tokens, answer),
    (np.array([[-0.25, -3.5, -1.0, -2.0]]), np.array([[False, True, True, True]])),
    (np.array([[-1.5, -0.5], [-4.0, -2.0]]), np.array([[False, False], [True, True]])),
]
token_edges = [
    (np.array([[nan, -2.0, -inf], [-1.0, -3.0, nan]]), np.array([[0, 1, 0], [1, 1, 0]], bool)),
    (np.array([[-1.0, -2.0, nan]]), np.array([[True, True, True]])),
]
pairs = [
    (np.array([[-1.0, -2.0]]), np.array([[-1.5, -1.0]]), 0.1),
    (np.array([[-3.0, -1.0]]), np.array([[-2.0, -4.0]]), 2.0),
    (policy, reference, 0.5),
    (
        np.array([[-30.5, -28.0], [-7.25, -19.0], [-55.0, -54.5]]),
        np.array([[-31.0, -27.5], [-9.0, -16.0], [-50.0, -58.0]]),
        0.25,
    ),
]
far = [
    (np.array([[-100.0, -1000.0]]), np.array([[-100.0, -100.0]]), 1.0),
    (np.array([[-1000.0, -100.0]]), np.array([[-100.0, -100.0]]), 1.0),
    (np.array([[-10.0, -40.0]]), np.array([[-10.0, -10.0]]), 1.0),
    (np.array([[-70.0, -10.0]]), np.array([[-10.0, -10.0]]), 1.0),
    (np.array([[-1.5, -2.25]], dtype="float32"), np.array([[-1, -3]], dtype="float32"), 0.5),
    (np.array([[nan, -1.0], [-2.0, -3.0]]), np.array([[-1.0, -1.0], [-1.0, -2.0]]), 0.5),
]
not_positive = [(policy, reference, -0.5), (policy, reference, 0.0)]
shares = [(pair[0], share, pair[2]) for pair in pairs for share in (0.5, 0.75, 0.125)]
inputs = {
    "sequence_log_probability": rows,
    "margin": pairs,
    "dpo_loss": pairs,
    "dpo_gradient": pairs,
    "pull": pairs,
    "reference_margin": shares,
}
probes = {
    "sequence_log_probability": token_edges,
    "margin": [*far, *not_positive],
    "dpo_loss": [*far, *not_positive],
    "dpo_gradient": far,
    "pull": far,
    "reference_margin": [
        (policy, 0.0, 0.5),
        (policy, 1.0, 0.5),
        (policy, 1e-15, 0.5),
        (policy.astype("float32"), 0.75, 0.5),
    ],
}
laws = {
    "sequences": [
        Example("sequence_log_probability", (tokens, answer), np.array([-2.5, -4.0])),
        Invariant("sequence_log_probability", "masked values"),
        Invariant("sequence_log_probability", "padding"),
        Precision("sequence_log_probability"),
        Pure("sequence_log_probability"),
    ],
    "value": [
        Example("margin", (policy, reference, 0.5), np.array([0.5, -1.5])),
        Example("dpo_loss", (policy, reference, 0.5), 1.0877451310814297),
        Shape("dpo_loss"),
        Finite("dpo_loss", tuple(far[:2]), "for margins of ±900"),
        Invariant("dpo_loss", "answers alike"),
        Refuses("margin", (policy, reference, -0.5), "ValueError", "for a β that is not positive"),
        Precision("margin"),
        Pure("margin"),
        Pure("dpo_loss"),
    ],
    "gradient": [
        Shape("dpo_gradient", like="the policy"),
        Example(
            "dpo_gradient", far[2], np.array([[-9.357622968839299e-14, 9.357622968839299e-14]])
        ),
        Gradient("dpo_gradient", of="dpo_loss", wrt="policy"),
        Precision("dpo_gradient"),
        Pure("dpo_gradient"),
    ],
    "rescale": [
        Example(
            "pull", (policy, reference, 0.5), np.array([0.3775406687981454, 0.8175744761936437])
        ),
        Example("pull", far[2], np.array([9.357622968839299e-14])),
        Example(
            "reference_margin",
            (policy, 0.75, 0.5),
            np.array([4.19722457733622, -2.8027754226637804]),
        ),
        Example("reference_margin", (policy, 0.0, 0.5), np.array([-np.inf, -np.inf])),
        Example("reference_margin", (policy, 1.0, 0.5), np.array([np.inf, np.inf])),
        Precision("pull"),
        Precision("reference_margin"),
        Pure("pull"),
        Pure("reference_margin"),
    ],
}
