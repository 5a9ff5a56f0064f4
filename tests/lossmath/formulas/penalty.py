"""Penalties and auxiliary terms as a textbook writes them, and where to evaluate them."""

from make_vectors import rows
from mpmath import exp, fabs, fsum, log, mpf

STRENGTHS = [{"strength": s} for s in (1e-3, 1e-6, 3.0)]


def l1(w, strength):
    return strength * fsum(map(fabs, w))


def l2(w, strength):
    return strength * fsum(a**2 for a in w)


def orthogonality(w, strength):
    """Over pairs of columns: their inner product, less 1 for a column with itself."""
    columns = list(zip(*w, strict=True))
    return strength * fsum(
        (fsum(x * y for x, y in zip(a, b, strict=True)) - (i == j)) ** 2
        for i, a in enumerate(columns)
        for j, b in enumerate(columns)
    )


def centre(features, centres, label, strength):
    pairs = [(x, centres[int(y)]) for x, y in zip(features, label, strict=True)]
    return strength / 2 * fsum((a - b) ** 2 for x, c in pairs for a, b in zip(x, c, strict=True))


def sparsity(activity, rho):
    return rho * log(rho / activity) + (1 - rho) * log((1 - rho) / (1 - activity))


def softmax(z):
    total = fsum(exp(a) for a in z)
    return [exp(a) / total for a in z]


def negative_entropy(z, beta):
    return beta * fsum(p * log(p) for p in softmax(z))


def load(logits, strength, top=1):
    experts = len(logits[0])
    sent = [0] * experts
    for token in logits:
        for expert in sorted(range(experts), key=lambda e: -token[e])[:top]:
            sent[expert] += mpf(1) / len(logits)
    mean = [fsum(column) / len(logits) for column in zip(*map(softmax, logits), strict=True)]
    return strength * experts * fsum(f * p for f, p in zip(sent, mean, strict=True))


def physics(prediction, target, equation, strength):
    data = fsum((a - b) ** 2 for a, b in zip(prediction, target, strict=True)) / len(target)
    return data + strength * fsum(a**2 for a in equation) / len(equation)


def temporal_difference(value, next_value, reward, discount):
    return (reward + discount * next_value - value) ** 2 / 2


def table():
    moves = [(0.5, 2.0, 1.0), (3.0, -1.0, 0.0), (1e3, 0.25, -4.0)]
    routed = [
        ([[0.5, -1.0], [0.0, 2.0], [1.0, 0.25]],),
        ([[1.5, -0.5, 0.25, 0.0], [0.0, 2.0, -3.0, 1.0]],),
        ([[40.0, 0.0, -2.0]],),
    ]
    return [
        *rows("L1Penalty", l1, [([0.5, -2.0, 1e-9],), ([-1e100],)], STRENGTHS),
        *rows(
            "L1Penalty",
            l1,
            [([0.0, -3.0],)],
            [{"strength": 0.5}],
            gradient=[0, -0.5],
            hessian=[[0, 0], [0, 0]],
        ),
        *rows("L2Penalty", l2, [([0.5, -2.0, 1e-9],), ([0.0, 1e100],)], STRENGTHS),
        *rows(
            "OrthogonalityPenalty",
            orthogonality,
            [
                ([[0.5, -1.0], [2.0, 0.25], [0.0, 1.5]],),
                ([[1.5, 0.5, -0.25]],),
                ([[0.0, 1.0], [-1.0, 0.0]],),
            ],
            STRENGTHS,
        ),
        *rows(
            "CentreLoss",
            centre,
            [
                ([[0.5, -1.0], [2.0, 0.25], [0.0, 1.5]], [[0.0, 0.25], [1.0, -3.0]], [1, 0, 1]),
                ([[1.0], [2.0]], [[0.5], [4.0], [7.0]], [2, 2]),
            ],
            STRENGTHS,
            differentiable=(0, 1),
        ),
        *rows(
            "SparsityKL",
            sparsity,
            [(0.25,), (0.5,), (0.03125,), (1e-9,), (1e-100,), (1 - 2**-20,)],
            [{"rho": 0.05}, {"rho": 0.5}, {"rho": 0.01}],
            sizes=(0.5, 0, 0),
        ),
        *rows("SparsityKL", sparsity, [(1e-155,)], [{"rho": 0.01}]),
        *rows(
            "EntropyRegularisation",
            negative_entropy,
            [([0.0, 0.0],), ([1.5, -0.5, 0.25],), ([10.0, 0.0, -5.0],), ([700.0, 0.0],)],
            [{"beta": 0.01}, {"beta": 1.0}],
            sizes=(0, 0.5, 0.5),
        ),
        *rows(
            "EntropyRegularisation",
            negative_entropy,
            [([50.0, 0.0],), ([0.0, 30.0, 1.0],)],
            [{"beta": 1.0}],
            sizes=(0, 0, 0.5),
        ),
        *rows(
            "LoadBalancing",
            load,
            routed,
            [{"strength": 0.01}, {"strength": 1.0, "top": 2}],
            sizes=(0, 1, 1),
        ),
        *rows(
            "LoadBalancing",
            load,
            [([[50.0, 0.5, 0.0], [0.0, 40.0, 1.0]],)],
            [{"strength": 1.0}, {"strength": 1.0, "top": 2}],
            hessian=[[]],
        ),
        *rows(
            "PhysicsInformed",
            physics,
            [([0.5, 2.0], [1.0, -1.0], [0.25, 0.0, -3.0]), ([1e3], [0.0], [1e-9])],
            [{"strength": 1.0}, {"strength": 1e-3}, {"strength": 1e3}],
            differentiable=(0, 2),
        ),
        *(
            row
            for move in moves
            for discount in (0.0, 0.5, 1.0)
            for row in rows(
                "TDError",
                temporal_difference,
                [move],
                [{"discount": discount}],
                differentiable=(0, 1),
                # The target is a constant, which differences do not know.
                gradient=[move[0] - (move[2] + discount * move[1]), 0],
                hessian=[[1, 0], [0, 0]],
            )
        ),
    ]
