"""The ranking and preference losses as a textbook writes them, and where to evaluate them."""

from make_vectors import rows
from mpmath import exp, log, mpf

PAIRS = [
    (0.0, 0.0),
    (1.5, 0.25),
    (-2.0, 1.5),
    (37.0, 0.0),
    (900.0, 0.0),
    (-0.5, 899.5),
    (1e20, -1e20),
]
ANSWERS = [
    (-12.5, -20.25, -13.0, -18.5),
    (-100.0, -80.0, -90.0, -95.0),
    (0.0, -900.0, 0.0, 0.0),
    (-900.0, 0.0, 0.0, 0.0),
    (-37.0, -37.0, -5.0, -5.0),
]


def sigmoid(x):
    return 1 / (1 + exp(-x))


def margin_ranking(a, b, y, margin=0):
    return max(mpf(0), -y * (a - b) + margin)


def bradley_terry(winner, loser, margin=0):
    return -log(exp(winner - margin) / (exp(winner - margin) + exp(loser)))


def dpo(chosen, rejected, reference_chosen, reference_rejected, beta, label_smoothing=0):
    """From the policy and the reference, each with its own log-ratio, as in the authors' code."""
    h = (chosen - rejected) - (reference_chosen - reference_rejected)
    kept, flipped = log(sigmoid(beta * h)), log(sigmoid(-beta * h))
    return -kept * (1 - label_smoothing) - flipped * label_smoothing


def table():
    ranked = [(*pair, y) for pair in PAIRS for y in (1, -1) if pair[0] - pair[1] not in (0, 1.25)]
    return [
        *rows(
            "MarginRanking",
            margin_ranking,
            ranked,
            [{}, {"margin": 0.5}, {"margin": 5.0}],
            differentiable=(0, 1),
        ),
        *rows(
            "MarginRanking",
            margin_ranking,
            [(1.5, 0.25, 1)],
            [{"margin": 1.25}],
            differentiable=(0, 1),
            gradient=[0, 0],
            hessian=[[0, 0], [0, 0]],
        ),
        *rows(
            "BradleyTerry",
            bradley_terry,
            PAIRS,
            [{}, {"margin": 0.5}, {"margin": 5.0}],
            differentiable=(0, 1),
        ),
        *rows(
            "DPO",
            dpo,
            ANSWERS,
            [{"beta": b} for b in (0.0625, 1.0)],
            differentiable=(0, 1),
        ),
        *rows(
            "DPO",
            dpo,
            ANSWERS[1:],
            [{"beta": 0.5, "label_smoothing": 0.25}],
            differentiable=(0, 1),
        ),
    ]
