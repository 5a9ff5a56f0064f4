"""The regression losses as a textbook writes them, and where to evaluate them."""

from make_vectors import rows
from mpmath import cosh, exp, fabs, gamma, log, loggamma, pi, sqrt

# (prediction, target): small, ordinary, near and beyond thresholds, far, offset from zero.
RESIDUALS = [1e-160, 1e-9, 1e-3, 0.3, 0.5, 0.999, 1.5, 4.0, 12.0, 37.0, 1e3, 1e5, 1e150]
PAIRS = [(s * r, 0.0) for r in RESIDUALS for s in (1, -1)] + [(2.5, 0.75), (-3.25, 1.5), (1.0, 9.0)]
FAR = [(1e200, 0.0), (-1e300, 0.0)]
FIT = [(0.0, 0.0), (2.5, 2.5)]


def squared(p, y):
    return (p - y) ** 2


def half_squared(p, y):
    return (p - y) ** 2 / 2


def root_mean_squared(p, y, over="all"):
    return sqrt(sum((a - b) ** 2 for a, b in zip(p, y, strict=True)) / len(p))


def absolute(p, y):
    return fabs(p - y)


def huber(p, y, delta):
    r = fabs(p - y)
    return r**2 / 2 if r <= delta else delta * (r - delta / 2)


def smooth_l1(p, y, beta):
    r = fabs(p - y)
    return r**2 / (2 * beta) if r < beta else r - beta / 2


def pseudo_huber(p, y, delta):
    return delta**2 * (sqrt(1 + ((p - y) / delta) ** 2) - 1)


def log_cosh(p, y):
    return log(cosh(p - y))


def quantile(p, y, tau):
    return (1 - tau) * (p - y) if p > y else tau * (y - p)


def absolute_percentage(p, y, scale=1):
    return scale * fabs((y - p) / y)


def squared_log(p, y):
    return (log(1 + p) - log(1 + y)) ** 2


def gaussian(mean, variance, y, full=True):
    normaliser = sqrt(2 * pi * variance) if full else sqrt(variance)
    return log(normaliser) + (y - mean) ** 2 / (2 * variance)


def laplace(location, scale, y):
    return -log(exp(-fabs(y - location) / scale) / (2 * scale))


def student_t(p, y, degrees, scale):
    t = (p - y) / scale
    factor = gamma((degrees + 1) / 2) / (sqrt(degrees * pi) * gamma(degrees / 2))
    return -log(factor / scale * (1 + t**2 / degrees) ** (-(degrees + 1) / 2))


def poisson(z, y, full=True):
    return exp(z) - y * z + (loggamma(y + 1) if full else 0)


def table():
    widths = [{"delta": d} for d in (0.05, 1.0, 5.0)]
    levels = [{"tau": t} for t in (0.01, 0.5, 0.9, 0.99)]
    uncertain = [(0.3, 0.25, 1.0), (-2.0, 1.0, 3.5), (1.0, 1e-3, 1.5), (4.0, 10.0, -30.0)]
    uncertain += [(0.5, 4.0, 0.125), (1e5, 3.0, 0.0), (1e-3, 7.0, 0.0)]
    tails = [
        {"degrees": n, "scale": s} for n, s in ((1.0, 1.0), (4.0, 1.0), (30.0, 0.25), (4.0, 5.0))
    ]
    log_pairs = [(5.0, 10.0), (15.0, 10.0), (1e-12, 0.0), (1000.001, 1000.0), (-0.9999999, 10.0)]
    log_pairs += [(1e200, 3.0), (0.0, 1e9), (6e8, 5e8), (-0.5, -0.999), (3.0, 3.0), (1e-9, 1e-3)]
    return [
        *rows("SquaredError", squared, PAIRS + FIT),
        *rows("HalfSquaredError", half_squared, PAIRS + FIT),
        *rows(
            "RootMeanSquaredError",
            root_mean_squared,
            [
                ([1.0, 2.0, 4.0], [0.5, 0.0, 5.0]),
                ([1e-9, 1.0], [0.0, 1.0]),
                ([3e200, 4e200], [0.0, 0.0]),
                ([1e-200, -1e-200, 0.0], [0.0, 0.0, 0.0]),
                ([2.5], [0.25]),
                ([1.0, 1e-9], [0.0, 0.0]),
            ],
            [{}, {"over": "per_output"}],
        ),
        *rows(
            "RootMeanSquaredError",
            root_mean_squared,
            [([1.0, 2.0], [1.0, 2.0])],
            gradient=[0, 0],
            hessian=[[0, 0], [0, 0]],
        ),
        *rows("AbsoluteError", absolute, PAIRS + FAR),
        *rows("AbsoluteError", absolute, FIT, gradient=[0], hessian=[[0]]),
        *rows("Huber", huber, [p for p in PAIRS if abs(p[0] - p[1]) != 5] + FAR + FIT, widths),
        *rows("Huber", huber, [(1.0, 0.0)], [{"delta": 1.0}], gradient=[1], hessian=[[1]]),
        *rows("Huber", huber, [(-0.25, 0.0)], [{"delta": 0.25}], gradient=[-0.25], hessian=[[1]]),
        *rows(
            "SmoothL1", smooth_l1, PAIRS + FAR + FIT, [{"beta": 0.07}, {"beta": 1.0}, {"beta": 6.0}]
        ),
        *rows("SmoothL1", smooth_l1, [(-6.0, 0.0)], [{"beta": 6.0}], gradient=[-1], hessian=[[0]]),
        *rows("SmoothL1", smooth_l1, PAIRS + FAR, [{"beta": 0.0}]),
        *rows("SmoothL1", smooth_l1, FIT, [{"beta": 0.0}], gradient=[0], hessian=[[0]]),
        *rows("PseudoHuber", pseudo_huber, PAIRS + FAR + FIT, widths),
        *rows("LogCosh", log_cosh, [p for p in PAIRS if abs(p[0]) < 1e150] + FIT),
        *rows("Quantile", quantile, PAIRS + FAR, levels),
        *rows("Quantile", quantile, FIT, [{"tau": 0.75}], gradient=[-0.25], hessian=[[0]]),
        *rows(
            "MeanAbsolutePercentageError",
            absolute_percentage,
            [(1.5, 2.0), (0.25, -3.0), (1e-9, 1e-8), (1e200, -1e-3), (7.0, 1e5), (0.0, 0.7)],
            [{"scale": 1}, {"scale": 100}],
        ),
        *rows(
            "MeanAbsolutePercentageError",
            absolute_percentage,
            [(2.5, 2.5)],
            gradient=[0],
            hessian=[[0]],
        ),
        *rows(
            "MeanSquaredLogError",
            squared_log,
            log_pairs,
        ),
        *rows("GaussianNLL", gaussian, uncertain, [{}, {"full": False}], differentiable=(0, 1)),
        *rows("LaplaceNLL", laplace, uncertain, differentiable=(0, 1)),
        *rows(
            "LaplaceNLL",
            laplace,
            [(1.5, 0.5, 1.5)],
            differentiable=(0, 1),
            gradient=[0, 2],
            hessian=[[0, 0], [0, -4]],
        ),
        *rows("StudentTNLL", student_t, PAIRS + FAR + FIT, tails, sizes=(3, 0, 1)),
        *rows(
            "StudentTNLL",
            student_t,
            [(1.5, 0.0), (0.0, 3.0)],
            [{"degrees": n, "scale": 0.5} for n in (700.0, 1e9)],
        ),
        *rows(
            "PoissonNLL",
            poisson,
            [(0.5, 3.0), (-4.0, 0.0), (2.0, 7.0), (1e-9, 1.0), (-300.0, 2.0), (0.3, 2.5)],
            [{}, {"full": False}],
            sizes=(2, 2, 0),
        ),
        *rows(
            "PoissonNLL",
            poisson,
            [(5.0, 150.0), (4.0, 80.0)],
            [{}, {"full": False}],
            sizes=(1000, 100, 0),
        ),
    ]
