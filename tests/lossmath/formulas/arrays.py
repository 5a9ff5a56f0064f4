"""The primitives of lossmath.arrays; their derivatives are checked through autograd elsewhere."""

import math

from make_vectors import rows
from mpmath import exp, fsum, gamma, log, loggamma, mpf, sqrt

LINE = [(s * x,) for x in (1e-20, 0.1, 1.0, 5.0, 20.5, 37.0, 300.0, 700.0) for s in (1, -1)]
LISTS = [
    ([1.0, 2.0, 3.5],),
    ([-1000.0, -1000.0],),
    ([1e4, 0.0, -1e4],),
    ([0.25],),
    ([5.0, -3.0, 4.75, 1e-3],),
]


def softmax_entry(x):
    """The first entry, which stands for all of them: shifting the list exposes the others."""
    return exp(x[0]) / fsum(exp(a) for a in x)


def rel_entr(p, q):
    if p == 0:
        return mpf(0)
    return p * log(p / q) if q else mpf("inf")


def table():
    plain = {"differentiable": ()}
    return [
        *rows("softplus", lambda x: log(1 + exp(x)), LINE, **plain),
        *rows("log_sigmoid", lambda x: -log(1 + exp(-x)), LINE, **plain),
        *rows("sigmoid", lambda x: 1 / (1 + exp(-x)), LINE, **plain),
        *rows("sigmoid_slope", lambda x: exp(-x) / (1 + exp(-x)) ** 2, LINE, **plain),
        *rows("logsumexp", lambda x: log(fsum(map(exp, x))), LISTS, **plain),
        *rows("log_softmax", lambda x: log(softmax_entry(x)), LISTS, **plain),
        *rows("softmax", softmax_entry, LISTS, **plain),
        *rows(
            "norm",
            lambda x: sqrt(fsum(a**2 for a in x)),
            [*LISTS, ([3e200, 4e200],), ([],), ([0.0, 0.0],)],
            **plain,
        ),
        *rows(
            "xlogy",
            lambda x, y: x * log(y) if x else mpf(0),
            [(0.0, 0.0), (0.0, 2.0), (0.5, 3.0), (-2.0, 1e-300)],
            **plain,
        ),
        *rows(
            "rel_entr",
            rel_entr,
            [(0.0, 0.0), (0.0, 0.5), (0.25, 0.75), (1e-300, 0.5), (0.9, 0.1)],
            **plain,
        ),
        *rows("rel_entr", rel_entr, [(0.5, 0.4375), (0.5, 0.5), (1.0, 5e-324)], **plain),
        *rows("rel_entr", rel_entr, [(0.25, 0.0)], **plain),
        *rows(
            "log_ratio",
            lambda p, q: log(p / q),
            [(0.5, 0.5 + 2**-40), (0.625, 0.375), (1.0, 5e-324), (1e-300, 1e-8)],
            **plain,
        ),
        *rows(
            "above_mean",
            lambda x, p: x[0] - fsum(a * b for a, b in zip(x, p, strict=True)),
            [([0.1, 3.0], [1 - 2**-50, 2**-50]), ([2.0, 0.5, -7.0], [0.25, 0.5, 0.25])],
            **plain,
        ),
        *rows("exp_remainder", lambda x: exp(x) - 1 - x, [*LINE, (-1e300,), (0.999,)], **plain),
        *rows(
            "softmax_jacobian",
            lambda x: softmax_entry(x) * (1 - softmax_entry(x)),
            LISTS,
            **plain,
        ),
        *rows(
            "log1p_square",
            lambda x: log(1 + x**2),
            [(1e-9,), (-0.5,), (1.0,), (3.0,), (1e200,)],
            **plain,
        ),
        *rows(
            "log_factorial", lambda x: loggamma(x + 1), [(0.0,), (3.0,), (2.5,), (170.0,)], **plain
        ),
        *rows(
            "log_gamma_step",
            lambda x: log(sqrt(x) * gamma(x) / gamma(x + 0.5)),
            [(1e-300,), (0.5,), (2.0,), (15.0,), (169.0,)],
            **plain,
            sizes=(1, 0, 0),
        ),
        *rows(
            "log_gamma_step",
            lambda x: log(sqrt(x)) + loggamma(x) - loggamma(x + 0.5),
            [(171.0,), (400.0,), (1e42,)],
            **plain,
        ),
        *rows(
            "logaddexp",
            lambda x, y: log(exp(x) + exp(y)),
            [(0.5, -0.25), (-3.0, 2.0), (-1e4, -1e4), (-800.0, 1e-20), (1e300, 0.0)],
            **plain,
        ),
        *rows("times", lambda w, x: w * x, [(0.25, -3.0), (0.0, 2.0)], **plain),
        *rows("times", lambda w, x: mpf(0), [(0.0, -math.inf)], **plain),
    ]
