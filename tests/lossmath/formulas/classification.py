"""The classification losses as a textbook writes them, and where to evaluate them."""

from make_vectors import rows
from mpmath import exp, fsum, log, mpf

SIZES = [1e-160, 1e-9, 0.25, 1.5, 3.0, 37.0, 300.0, 1e4, 1e20]
MARGINS = [(s * x, y) for x in SIZES for s, y in ((1, 1), (-1, 1), (1, -1))]
LOGITS = [(s * x, y) for x in SIZES for s in (1, -1) for y in (0.0, 1.0)]
FEW = [(0.25, 1.0), (-1.5, 1.0), (3.0, 0.0), (-37.0, 0.0), (300.0, 1.0), (-1e4, 1.0)]
SOFT = [(0.0, 0.5), (0.0, 0.25), (2.0, 0.75), (-3.5, 0.125), (40.0, 0.5), (-1e4, 0.875)]
# Where a curvature changes its sign, and far from there.
NEAR = [(s * x, y) for x in (0.25, 1.5) for s in (1, -1) for y in (0.0, 0.5, 1.0)]
FAR = [(s * x, y) for x in (37.0, 1e4) for s in (1, -1) for y in (0.0, 1.0)]
PROBABILITIES = [(p, y) for p in (1e-100, 1e-20, 1e-9, 0.25, 0.75, 1 - 2**-40) for y in (0.0, 1.0)]
MIXED = [(0.25, 0.75), (1e-9, 0.5), (0.875, 0.625), (2.0**-30, 2.0**-40)]

CERTAIN = [([40.0, 0.0, 0.0], 0), ([0.0, 700.0, 3.0], 1), ([1e4, 0.0, -1e4], 0)]
WRONG = [([40.0, 0.0, 0.0], 1), ([1e4, 0.0, -1e4], 1), ([1e4, 0.0, -1e4], 2), ([0.0, 1e20], 0)]
SCORED = [
    ([0.0, 0.0], 0),
    ([1.5, -0.5, 0.25], 2),
    ([-1000.0, -1000.0], 1),
    ([1.0, 3.0, 2.5, -4.0], 1),
]
BLENDED = [
    ([0.0, 0.0], [0.5, 0.5]),
    ([1.5, -0.5, 0.25], [0.125, 0.75, 0.125]),
    ([1e4, 0.0, -1e4], [0.5, 0.25, 0.25]),
    ([700.0, 0.0], [0.875, 0.125]),
    ([40.0, 0.0, 0.0], [1.0, 0.0, 0.0]),
]
TIED, NO_BEND = [([1.0, 0.0], 0), ([0.0, 1.0], 1)], [[0, 0], [0, 0]]
SIMPLEX = [
    ([0.5, 0.25, 0.25], [0.25, 0.25, 0.5]),
    ([0.5, 0.0, 0.5], [0.75, 0.0, 0.25]),
    ([1.0, 0.0], [1.0, 0.0]),
    ([1e-100, 1.0, 1e-20], [0.5, 0.25, 0.25]),
]
RANKED = [
    ([0.5, 0.25, 0.25], 0),
    ([0.125, 0.5, 0.375], 1),
    ([0.0, 0.0, 0.0, 1.0], 0),
    ([1.0, 0.0], 0),
]


def sigmoid(z):
    return 1 / (1 + exp(-z))


def expected_log(y, p):
    """y log p, where what cannot happen costs nothing."""
    return y * log(p) if y else mpf(0)


def zero_one(s, y):
    return mpf(1) if y * s <= 0 else mpf(0)


def logistic(s, y):
    return log(1 + exp(-y * s))


def hinge(s, y, margin=1):
    return max(mpf(0), margin - y * s)


def squared_hinge(s, y, margin=1):
    return hinge(s, y, margin) ** 2


def bernoulli(p, y):
    return -expected_log(y, p) - expected_log(1 - y, 1 - p)


def bernoulli_of_logit(z, y, pos_weight=1, label_smoothing=0):
    y = y * (1 - label_smoothing) + label_smoothing * mpf(0.5)
    return -pos_weight * expected_log(y, sigmoid(z)) - expected_log(1 - y, sigmoid(-z))


def focal(z, y, gamma, alpha, balanced=True):
    p = sigmoid(z)
    p_t = p * y + sigmoid(-z) * (1 - y)
    missing = p * (1 - y) + sigmoid(-z) * y
    alpha_t = alpha * y + (1 - alpha) * (1 - y) if balanced else 1
    assert abs(p_t + missing - 1) < mpf(10) ** -1000
    return alpha_t * missing**gamma * bernoulli_of_logit(z, y)


def squared_of_logit(z, y):
    return (sigmoid(z) - y) ** 2


def cross_entropy(p, y):
    return -fsum(expected_log(t, q) for q, t in zip(p, y, strict=True))


def soft_softmax(z, y, label_smoothing=0, temperature=1, class_weights=None):
    weights = class_weights or [1] * len(z)
    total = fsum(exp(a / temperature) for a in z)
    smooth = [(1 - label_smoothing) * t + label_smoothing / len(z) for t in y]
    terms = zip(weights, smooth, z, strict=True)
    return -fsum(w * t * log(exp(a / temperature) / total) for w, t, a in terms if w * t)


def softmax(z, label, **settings):
    return soft_softmax(z, [mpf(c == label) for c in range(len(z))], **settings)


def weston_watkins(s, label, margin=1, power=1, normalize=False):
    own = s[int(label)]
    hinges = [max(mpf(0), margin + a - own) for c, a in enumerate(s) if c != label]
    return fsum(h**power for h in hinges) / (len(s) if normalize else 1)


def crammer_singer(s, label, margin=1):
    return max(0, max(margin + a - s[int(label)] for c, a in enumerate(s) if c != label))


def ranked_probability(p, label):
    return fsum((fsum(p[: c + 1]) - (1 if label <= c else 0)) ** 2 for c in range(len(p)))


def cumulative_link(z, levels):
    return fsum(bernoulli_of_logit(a, t) for a, t in zip(z, levels, strict=True))


def table():
    margins = [{"margin": m} for m in (0.625, 5.0)]
    smooth = [
        {"pos_weight": 8.0},
        {"label_smoothing": 0.25},
        {"pos_weight": 0.5, "label_smoothing": 0.5},
    ]
    fades = [{"gamma": g, "alpha": 0.25} for g in (0.0, 0.5, 2.0, 5.0)]
    fades += [{"gamma": 2.0, "alpha": 0.75, "balanced": False}]
    heads = [
        {"label_smoothing": 0.25},
        {"temperature": 4.0},
        {"class_weights": [0.5, 2.0, 3.0], "label_smoothing": 0.5, "temperature": 0.5},
        {"class_weights": [0.0, 2.0, 8.0]},
    ]
    three = [CERTAIN[0], *WRONG[:2], SCORED[1]]
    rivals = [
        ([0.5, -5.0, -5.0], 0),
        ([0.5, 0.25, 1.0], 1),
        ([2.0, 2.5, 0.0, 2.25], 0),
        ([1e9, 0.5], 1),
    ]
    return [
        *rows("ZeroOne", zero_one, MARGINS),
        *rows("ZeroOne", zero_one, [(0.0, 1), (0.0, -1)], gradient=[0], hessian=[[0]]),
        *rows("Logistic", logistic, [*MARGINS, (0.0, 1)]),
        *rows("Hinge", hinge, MARGINS),
        *rows("Hinge", hinge, MARGINS[6:18], margins),
        *rows("Hinge", hinge, [(1.0, 1), (-1.0, -1)], gradient=[0], hessian=[[0]]),
        *rows("SquaredHinge", squared_hinge, MARGINS),
        *rows("SquaredHinge", squared_hinge, MARGINS[6:18], margins),
        *rows("SquaredHinge", squared_hinge, [(1.0, 1), (-1.0, -1)], gradient=[0], hessian=[[0]]),
        *rows("BinaryCrossEntropyFromProbabilities", bernoulli, PROBABILITIES + MIXED),
        *rows(
            "BinaryCrossEntropyFromProbabilities",
            bernoulli,
            [(0.0, 0.0)],
            gradient=[1],
            hessian=[[1]],
        ),
        *rows(
            "BinaryCrossEntropyFromProbabilities",
            bernoulli,
            [(1.0, 1.0)],
            gradient=[-1],
            hessian=[[1]],
        ),
        *rows("BinaryCrossEntropyFromLogits", bernoulli_of_logit, LOGITS + SOFT),
        *rows("BinaryCrossEntropyFromLogits", bernoulli_of_logit, FEW + SOFT, smooth),
        *rows("BinaryFocal", focal, NEAR, fades, sizes=(0, 0.03, 0.06)),
        *rows("BinaryFocal", focal, FAR, fades),
        *rows("SigmoidSquaredError", squared_of_logit, NEAR, sizes=(0, 0, 0.1)),
        *rows("SigmoidSquaredError", squared_of_logit, FAR + SOFT[3:]),
        *rows("CrossEntropyFromProbabilities", cross_entropy, SIMPLEX),
        *rows("CrossEntropyFromLogits", softmax, CERTAIN + WRONG + SCORED),
        *rows("CrossEntropyFromLogits", softmax, three, heads),
        *rows("SoftCrossEntropyFromLogits", soft_softmax, BLENDED),
        *rows("SoftCrossEntropyFromLogits", soft_softmax, BLENDED[1:3], heads),
        *rows(
            "NegativeLogLikelihood",
            lambda log_p, label: -log_p[int(label)],
            [([-0.25, -1.5], 0), ([-0.25, -1.5, -700.0], 2), ([2.0, 1.0], 1)],
        ),
        *rows(
            "WestonWatkinsHinge",
            weston_watkins,
            SCORED + WRONG + rivals,
            [
                {},
                {"margin": 1.75, "power": 2},
                {"margin": 0.25, "power": 2, "normalize": True},
                {"normalize": True},
            ],
        ),
        *rows("CrammerSingerHinge", crammer_singer, SCORED + WRONG + rivals, [{}, *margins]),
        *rows("WestonWatkinsHinge", weston_watkins, TIED, gradient=[0, 0], hessian=NO_BEND),
        *rows("CrammerSingerHinge", crammer_singer, TIED, gradient=[0, 0], hessian=NO_BEND),
        *rows("RankedProbabilityScore", ranked_probability, RANKED),
        *rows(
            "CumulativeLink",
            cumulative_link,
            [
                ([1.5, -0.5], [1.0, 0.0]),
                ([40.0, 3.0, -37.0], [1.0, 1.0, 0.0]),
                ([-1e4, 0.25], [1.0, 0.25]),
            ],
        ),
    ]
