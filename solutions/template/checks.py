"""What 00 is graded on."""

import numpy as np

from autograder.checks import (
    check,
    expect,
    expect_dtype,
    expect_promised_change,
    expect_refusal,
    expect_unchanged,
    numbers,
    sizes,
)


def pair(rng, shape, scale=1.0, dtype="f8"):
    """A prediction and a target whose residuals have no mean of zero."""
    return (
        numbers(rng, shape, scale, dtype) + np.asarray(0.7 * scale, dtype),
        numbers(rng, shape, scale, dtype),
    )


@check("value", points=2, says="The value is right for vectors and for tables.")
def ordinary_values(ask, reference, rng):
    for shape in (*sizes(rng, 7), (3, 4)):
        prediction, target = pair(rng, shape)
        expect(ask("log_cosh", prediction, target), reference.log_cosh(prediction, target))


@check("value", points=1, says="Residuals of thousands, and float32, give the right value.")
def other_values(ask, reference, rng):
    for scale, dtype in ((5e3, "f8"), (1e150, "f8"), (1.0, "f4")):
        prediction, target = pair(rng, 11, scale, dtype)
        expect(ask("log_cosh", prediction, target), reference.log_cosh(prediction, target))


@check("value", points=1, says="Other shapes are refused, a NaN is passed on, inputs are kept.")
def careful_value(ask, reference, rng):
    n = int(rng.integers(3, 9))
    column, row = numbers(rng, (n, 1)), numbers(rng, n)
    why = f"the shapes {column.shape} and {row.shape} differ"
    expect_refusal(ask, "log_cosh", column, row, error="ValueError", why=why)
    reply = ask("log_cosh", row, 2 * row)
    expect(reply, reference.log_cosh(row, 2 * row))
    expect_unchanged(reply)
    unknown = row.copy()
    unknown[rng.integers(n)] = np.nan
    expect(ask("log_cosh", unknown, row), np.nan)


@check("gradient", points=2, says="The gradient is right for vectors and for tables.")
def ordinary_gradients(ask, reference, rng):
    for shape in (*sizes(rng, 7), (3, 4)):
        prediction, target = pair(rng, shape)
        right = reference.log_cosh_gradient(prediction, target)
        expect(ask("log_cosh_gradient", prediction, target), right)


@check("gradient", points=1, says="Law: the gradient predicts how your own log_cosh changes.")
def predicts_the_change(ask, reference, rng):
    for size in (2, 5):
        prediction, target = pair(rng, size)
        step = numbers(rng, size, 1e-4)
        expect_promised_change(ask, "log_cosh", "log_cosh_gradient", step, prediction, target)


@check("gradient", points=1, says="Residuals of thousands, float32 and the inputs come through.")
def careful_gradient(ask, reference, rng):
    for scale, dtype in ((5e3, "f8"), (1.0, "f4")):
        prediction, target = pair(rng, 11, scale, dtype)
        reply = ask("log_cosh_gradient", prediction, target)
        expect(reply, reference.log_cosh_gradient(prediction, target))
        expect_dtype(reply, "float32" if dtype == "f4" else "float64")
        expect_unchanged(reply)
