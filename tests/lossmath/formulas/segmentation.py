"""The losses of masks as a textbook writes them, and where to evaluate them."""

from make_vectors import rows
from mpmath import exp, fsum, log

MASKS = [
    ([[0.5, 0.25, 0.75], [1.0, 0.125, 0.0]], [[1.0, 0.0, 1.0], [1.0, 0.0, 0.0]]),
    ([[0.5, 0.25], [0.75, 0.875]], [[0.25, 0.5], [1.0, 0.625]]),
    ([[1.0, 0.0, 1.0 - 2**-30]], [[1.0, 0.0, 1.0]]),
    ([[1.0, 1.0, 0.5]], [[0.0, 0.0, 0.0]]),
    ([[2**-20, 2**-21]], [[0.0, 0.0]]),
    ([[0.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]),
    ([[0.0, 0.0, 0.25]], [[1.0, 1.0, 0.0]]),
]
LOGITS = [
    ([[0.5, -2.0, 3.0], [0.0, 1.5, -0.25]], [[1.0, 0.0, 1.0], [1.0, 0.0, 0.0]]),
    ([[0.5, -1.0]], [[0.25, 0.625]]),
    ([[20.0, -20.0], [-8.0, 8.0]], [[1.0, 0.0], [1.0, 0.0]]),
    ([[-3.0, -5.0]], [[0.0, 0.0]]),
]


def sums(p, t):
    """Intersection and sizes."""
    pairs = [(a, b) for line in zip(p, t, strict=True) for a, b in zip(*line, strict=True)]
    return fsum(a * b for a, b in pairs), fsum(a for a, _ in pairs), fsum(b for _, b in pairs)


def squares(x):
    return fsum(a**2 for line in x for a in line)


def dice(p, t, smooth_nr, smooth_dr, squared=False):
    both, size_p, size_t = sums(p, t)
    sizes = squares(p) + squares(t) if squared else size_p + size_t
    return 1 - (2 * both + smooth_nr) / (sizes + smooth_dr)


def soft_iou(p, t, smooth_nr, smooth_dr):
    both, size_p, size_t = sums(p, t)
    return 1 - (both + smooth_nr) / (size_p + size_t - both + smooth_dr)


def tversky(p, t, smooth_nr, smooth_dr, alpha, beta):
    both, size_p, size_t = sums(p, t)
    extent = both + alpha * (size_p - both) + beta * (size_t - both)
    return 1 - (both + smooth_nr) / (extent + smooth_dr)


def dice_and_cross_entropy(z, t, smooth, dice=1, cross_entropy=1):
    p = [[1 / (1 + exp(-a)) for a in line] for line in z]
    pairs = [(a, b) for line in zip(p, t, strict=True) for a, b in zip(*line, strict=True)]
    nats = fsum(-b * log(a) - (1 - b) * log(1 - a) for a, b in pairs) / len(pairs)
    return dice * DICE(p, t, smooth, smooth) + cross_entropy * nats


DICE = dice  # under a name that the weight of the same name does not hide


def table():
    smooth = [{"smooth_nr": n, "smooth_dr": d} for n, d in ((1e-5, 1e-5), (1.0, 1.0), (0.25, 0.5))]
    prices = [{"alpha": a, "beta": b} for a, b in ((0.3, 0.7), (1.0, 0.25), (0.5, 0.5))]
    weights = [{"dice": a, "cross_entropy": b} for a, b in ((1.0, 1.0), (3.0, 0.5), (0.5, 0.0))]
    plain = {"smooth_nr": 0.0, "smooth_dr": 0.0}
    return [
        *rows("Dice", dice, MASKS, smooth, sizes=(0, 0.1, 1)),
        *rows("Dice", dice, MASKS, [{**s, "squared": True} for s in smooth], sizes=(0, 0.1, 1)),
        *rows("Dice", dice, MASKS[:3], [plain, {**plain, "squared": True}], sizes=(0, 0.1, 1)),
        *rows("SoftIoU", soft_iou, MASKS, smooth, sizes=(0, 0.1, 1)),
        *rows(
            "Tversky",
            tversky,
            MASKS,
            [{**s, **p} for s in smooth for p in prices],
            sizes=(0, 0.1, 1),
        ),
        *rows(
            "DiceBCE",
            dice_and_cross_entropy,
            LOGITS,
            [{"smooth": s, **w} for s in (1e-5, 1.0) for w in weights],
            sizes=(0, 0.1, 1),
            hessian=[[]],
        ),
        *rows(
            "DiceBCE",
            dice_and_cross_entropy,
            [([[40.0, -40.0]], [[1.0, 0.0]]), ([[20.0, 20.0]], [[1.0, 1.0]])],  # all but right
            [{"smooth": 1e-5, "dice": 1.0, "cross_entropy": c} for c in (0.0, 1.0)],
            hessian=[[]],
        ),
    ]
