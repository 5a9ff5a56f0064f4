"""Divergences, latent terms and scores as a textbook writes them, and where to evaluate them."""

from make_vectors import rows
from mpmath import exp, fsum, log, mpf, sqrt

# (prediction, target): ordinary, nearly equal, equal, far apart, with zeros.
INSIDE = [
    ([0.5, 0.25, 0.25], [0.25, 0.25, 0.5]),
    ([0.5, 0.25, 0.25], [0.5, 0.28125, 0.21875]),
    ([0.375, 0.625], [0.875, 0.125]),
    ([1e-100, 1.0, 1e-20], [0.5, 0.25, 0.25]),
    ([0.5, 0.5], [1e-30, 1.0]),
]
EQUAL = [([0.25, 0.75], [0.25, 0.75])]
NEVER = [([0.5, 0.0, 0.5], [0.75, 0.0, 0.25]), ([0.0, 1.0], [0.0, 1.0])]

LOGITS = [[0.0, 0.0], [1.5, -0.5, 0.25], [3.0, 2.5, -4.0, 1.0], [-1000.0, -1001.0]]
LOGITS += [[1e4, 0.0, -1e4], [40.0, 0.0, 0.0], [-2.5]]
LATENTS = [(0.0, 0.0), (0.75, -0.5), (-2.0, 1.5), (3.0, 0.999), (1e-9, 1e-6), (1e-9, -1e-9)]
LATENTS += [(0.0, -1000.0), (0.25, -37.0), (-1e3, 1.0), (0.5, 50.0), (1e-160, -1.0)]


def kl(p, q):
    """Sum of p log(p / q) over what p allows."""
    return fsum(a * log(a / b) if b else mpf("inf") for a, b in zip(p, q, strict=True) if a)


def forward(q, p):
    return kl(p, q)


def reverse(q, p):
    return kl(q, p)


def softmax(z):
    total = fsum(exp(a) for a in z)
    return [exp(a) / total for a in z]


def distillation(student, teacher, label, temperature, alpha):
    warm, warm_teacher = (softmax([a / temperature for a in z]) for z in (student, teacher))
    hard = -log(softmax(student)[int(label)])
    return alpha * temperature**2 * kl(warm_teacher, warm) + (1 - alpha) * hard


def reward_with_penalty(policy, reference, reward, beta):
    p = softmax(policy)
    earned = fsum(a * b for a, b in zip(p, reward, strict=True))
    return -earned + beta * kl(p, softmax(reference))


def gaussian_kl(mean, log_variance):
    variance = exp(log_variance)
    return (variance + mean**2) / 2 - mpf(0.5) - log(sqrt(variance))


def negative_elbo(log_likelihood, mean, log_variance, beta):
    return beta * fsum(map(gaussian_kl, mean, log_variance)) - log_likelihood


def gaussian_reconstruction(x, y, sigma):
    return ((x - y) / sigma) ** 2 / 2


def log_score(p, label):
    return -log(p[int(label)]) if p[int(label)] else mpf("inf")


def brier(p, y):
    return (p - y) ** 2


def log_sum_exp(z):
    return log(fsum(map(exp, z)))


def table():
    both = {"differentiable": (0, 1)}
    taught = [
        ([0.5, -1.0], [1.0, 0.25], 1),
        ([1.5, -0.5, 0.25], [0.0, 2.0, -3.0], 2),
        ([1e3, 0.0, -1e3], [1.0, 0.0, 0.0], 0),
        ([2.0, 2.0, 5.0], [700.0, 0.0, 0.0], 1),
    ]
    recipes = [(1.0, 1.0), (4.0, 0.5), (1.0, 0.0), (3.0, 0.25), (20.0, 1.0)]
    recipes = [{"temperature": t, "alpha": a} for t, a in recipes]
    bets = [
        ([0.0, 0.0], [0.0, 0.0], [1.0, -1.0]),
        ([1.5, -0.5, 0.25], [0.0, 2.0, -3.0], [0.5, 3.0, -1.0]),
        ([10.0, 0.0, -5.0], [0.0, 1.0, 2.0], [1.0, 2.0, 3.0]),
    ]
    return [
        *rows("ForwardKL", forward, INSIDE + EQUAL, sizes=(0.5, 0, 0)),
        *rows(
            "ForwardKL",
            forward,
            NEVER[:1],
            gradient=[-1.5, 0, -0.5],
            hessian=[[3, 0, 0], [0, 0, 0], [0, 0, 1]],
        ),
        *rows("ForwardKL", forward, NEVER[1:], gradient=[0, -1], hessian=[[0, 0], [0, 1]]),
        *rows("ReverseKL", reverse, INSIDE + EQUAL, sizes=(0.5, 1, 0)),
        *rows("Distillation", distillation, taught, recipes, sizes=(0, 1, 1)),
        *rows(
            "KLPenalisedReward",
            reward_with_penalty,
            bets,
            [{"beta": 0.1}, {"beta": 1.0}, {"beta": 0.0}],
            sizes=(2, 1, 1),
        ),
        *rows(
            "KLPenalisedReward",
            reward_with_penalty,
            [([50.0, 0.0], [0.0, 50.0], [1.0, 2.0])],  # a policy all but certain
            [{"beta": 0.125}, {"beta": 0.0}],
            sizes=(0, 0, 1),
        ),
        *rows("GaussianKL", gaussian_kl, LATENTS, **both),
        *rows(
            "NegativeELBO",
            negative_elbo,
            [(-3.0, [0.5, -1.0], [0.25, -2.0]), (1e-3, [0.0, 1e-9], [-1000.0, 1e-6])],
            [{"beta": 1.0}, {"beta": 10.0}, {"beta": 0.0}],
            differentiable=(0, 1, 2),
            sizes=(1, 0, 0),
        ),
        *rows(
            "GaussianReconstruction",
            gaussian_reconstruction,
            [(0.5, 2.0), (-3.25, 1e-9), (1e100, 0.0), (1.25, 1.25)],
            [{"sigma": 1.0}, {"sigma": 0.1}, {"sigma": 7.0}],
        ),
        *rows(
            "LogScore",
            log_score,
            [([0.5, 0.25, 0.25], 1), ([0.625, 0.375], 0), ([1e-100, 1.0, 1e-20], 2)],
        ),
        *rows("BrierScore", brier, [(0.25, 1.0), (0.75, 0.0), (1.0, 1.0), (1e-9, 0.625)]),
        *rows("LogSumExp", log_sum_exp, [(z,) for z in LOGITS]),
    ]
