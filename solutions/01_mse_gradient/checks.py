"""What 01 is graded on."""

import numpy as np

from autograder.checks import (
    check,
    expect,
    expect_dtype,
    expect_refusal,
    expect_unchanged,
    numbers,
    sizes,
)


def pair(rng, shape, scale=1.0, dtype="f8"):
    """A prediction and a target; neither has mean zero, so that no term drops out by luck."""
    return (
        numbers(rng, shape, scale, dtype) + np.asarray(0.7 * scale, dtype),
        numbers(rng, shape, scale, dtype),
    )


@check("value", points=0.75, says="The value is right for vectors and for tables.")
def ordinary_values(ask, reference, rng):
    for shape in (*sizes(rng, 7), (3, 4), (2, 3, 5)):
        prediction, target = pair(rng, shape)
        expect(ask("mse", prediction, target), reference.mse(prediction, target))


@check("value", points=0.5, says="Tiny, huge, float32 and whole numbers give the right value.")
def other_values(ask, reference, rng):
    for scale, dtype in ((1e-150, "f8"), (1e150, "f8"), (1.0, "f4"), (9.0, "i8")):
        prediction, target = pair(rng, 11, scale, dtype)
        expect(ask("mse", prediction, target), reference.mse(prediction, target))


@check("value", points=0.5, says="Arrays of different shapes are refused with ValueError.")
def different_shapes(ask, reference, rng):
    n = int(rng.integers(3, 9))
    column, row = numbers(rng, (n, 1)), numbers(rng, n)
    for prediction, target in ((column, row), (row, column), (row, numbers(rng, 1))):
        why = f"the shapes {prediction.shape} and {target.shape} differ"
        expect_refusal(ask, "mse", prediction, target, error="ValueError", why=why)
    expect(ask("mse", row, 2 * row), reference.mse(row, 2 * row))


@check("value", points=0.25, says="A NaN is passed on, and the inputs are left unchanged.")
def careful_value(ask, reference, rng):
    prediction, target = pair(rng, 6)
    expect_unchanged(ask("mse", prediction, target))
    expect(ask("mse", prediction, target), reference.mse(prediction, target))
    prediction[rng.integers(6)] = np.nan
    expect(ask("mse", prediction, target), np.nan)


@check("gradient", points=1, says="The gradient is right for vectors.")
def ordinary_gradients(ask, reference, rng):
    for size in sizes(rng, 7):
        prediction, target = pair(rng, size)
        expect(ask("mse_gradient", prediction, target), reference.mse_gradient(prediction, target))


@check("gradient", points=0.5, says="Tables of any shape, in any memory layout.")
def tables(ask, reference, rng):
    for shape in ((3, 4), (2, 3, 5), (5, 1)):
        prediction, target = pair(rng, shape)
        expect(ask("mse_gradient", prediction, target), reference.mse_gradient(prediction, target))


@check("gradient", points=0.5, says="Law: the gradient predicts how your own mse changes.")
def predicts_the_change(ask, reference, rng):
    for size in (5, 2, 1, int(rng.integers(20, 90))):
        prediction, target = pair(rng, size)
        step = numbers(rng, size)
        gradient = ask("mse_gradient", prediction, target)
        expect(gradient, np.broadcast_to(gradient.value, prediction.shape))
        start = ask("mse", prediction, target).value
        # MSE is quadratic: the first-order change and the curvature term are all there is.
        promised = start + np.sum(gradient.value * step) + np.mean(step**2)
        moved = ask("mse", prediction + step, target)
        expect(moved, promised, rtol=1e-8, law="your mse does not change as mse_gradient promises")


@check("gradient", points=0.5, says="Tiny, huge, float32 and whole numbers keep their accuracy.")
def other_gradients(ask, reference, rng):
    for scale, dtype in ((1e-150, "f8"), (1e150, "f8"), (1.0, "f4"), (9.0, "i8")):
        prediction, target = pair(rng, 11, scale, dtype)
        reply = ask("mse_gradient", prediction, target)
        expect(reply, reference.mse_gradient(prediction, target))
        expect_dtype(reply, "float32" if dtype == "f4" else "float64")


@check("gradient", points=0.5, says="A perfect fit, a NaN and the inputs are treated right.")
def careful_gradient(ask, reference, rng):
    prediction, target = pair(rng, 6)
    expect_unchanged(ask("mse_gradient", prediction, target))
    expect(ask("mse_gradient", target, target), np.zeros(6))
    prediction[rng.integers(6)] = np.nan
    expect(ask("mse_gradient", prediction, target), reference.mse_gradient(prediction, target))


@check("share", points=1, says="The share is right for ordinary residuals.")
def ordinary_shares(ask, reference, rng):
    for size in sizes(rng, 7):
        prediction, target = pair(rng, size)
        k = int(rng.integers(1, size + 1))
        expect(ask("top_share", prediction, target, k), reference.top_share(prediction, target, k))


@check("share", points=0.5, says="Nobody carries nothing, all together carry everything.")
def none_and_all(ask, reference, rng):
    prediction, target = pair(rng, int(rng.integers(5, 30)))
    expect(ask("top_share", prediction, target, 0), 0.0)
    expect(ask("top_share", prediction, target, prediction.size), 1.0)
    expect(ask("top_share", prediction, target, 2), reference.top_share(prediction, target, 2))


@check(
    "share", points=0.5, says="Law: shifting all numbers or changing their unit changes nothing."
)
def same_in_any_unit(ask, reference, rng):
    prediction, target = pair(rng, (3, 5))
    share = reference.top_share(prediction, target, 4)
    for scale in (1.0, 1e-150, 1e150):
        expect(ask("top_share", prediction * scale, target * scale, 4), share)
    expect(ask("top_share", prediction + 10, target + 10, 4), share)


@check("share", points=0.5, says="A perfect fit has nothing to share: the answer is 0.")
def nothing_to_share(ask, reference, rng):
    target = numbers(rng, 8)
    expect(ask("top_share", target, target, 3), 0.0)
    expect(ask("top_share", target + 1, target, 2), 0.25)


@check("share", points=0.5, says="An outlier below counts like one above; inputs stay unchanged.")
def outliers(ask, reference, rng):
    for sign in (1, -1):
        prediction, target = pair(rng, 40)
        prediction[rng.integers(40)] += sign * 50
        reply = ask("top_share", prediction, target, 1)
        expect(reply, reference.top_share(prediction, target, 1))
        expect_unchanged(reply)
