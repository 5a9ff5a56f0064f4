"""What 02 is graded on."""

import numpy as np

from autograder.checks import (
    Failure,
    check,
    expect,
    expect_dtype,
    expect_refusal,
    expect_unchanged,
    numbers,
    sizes,
    value_like,
)

ODD_MAGNITUDES = ((1e-200, "f8"), (1e200, "f8"), (1.0, "f4"), (9.0, "i8"))


def pair(rng, shape, scale=1.0, dtype="f8"):
    """A prediction and a target; from three entries on, at least one of them is hit exactly."""
    target = numbers(rng, shape, scale, dtype)
    prediction = numbers(rng, shape, scale, dtype) + np.asarray(0.7 * scale, dtype)
    if target.size > 2:
        hit = rng.integers(target.size)
        prediction.flat[hit] = target.flat[hit]
    return prediction, target


def readings(rng, size, scale=1.0):
    """Readings in no order, some of them equal: every fourth value occurs twice or more."""
    target = numbers(rng, size, scale) + scale
    target[3::4] = target[0]
    return rng.permutation(target)


def constant_mae(ask, constant, target):
    """What the student's own mae says about a constant prediction."""
    return ask("mae", np.full(target.shape, constant), target)


def ends_of(reply):
    """Both ends of an interval the student gave, as numbers."""
    return [float(end) for end in value_like(reply, (0.0, 0.0))]


@check("value", points=0.5, says="The value is right for vectors and for tables.")
def ordinary_values(ask, reference, rng):
    for shape in (*sizes(rng, 7), (3, 4), (2, 3, 5)):
        prediction, target = pair(rng, shape)
        expect(ask("mae", prediction, target), reference.mae(prediction, target))


@check("value", points=0.5, says="Tiny, huge, float32 and whole numbers give the right value.")
def other_values(ask, reference, rng):
    for scale, dtype in ODD_MAGNITUDES:
        prediction, target = pair(rng, 11, scale, dtype)
        expect(ask("mae", prediction, target), reference.mae(prediction, target))


@check("value", points=0.5, says="Different shapes are refused, a NaN comes out, inputs stay.")
def careful_value(ask, reference, rng):
    column, row = numbers(rng, (5, 1)), numbers(rng, 5)
    for prediction, target in ((column, row), (row, numbers(rng, 1))):
        why = f"the shapes {prediction.shape} and {target.shape} differ"
        expect_refusal(ask, "mae", prediction, target, error="ValueError", why=why)
    prediction, target = pair(rng, 6)
    reply = ask("mae", prediction, target)
    expect(reply, reference.mae(prediction, target))
    expect_unchanged(reply)
    prediction[rng.integers(6)] = np.nan
    expect(ask("mae", prediction, target), np.nan)


@check("gradient", points=0.75, says="The gradient is right for vectors and for tables.")
def ordinary_gradients(ask, reference, rng):
    for shape in (*sizes(rng, 7), (3, 4), (5, 1), (2, 3, 5)):
        prediction, target = pair(rng, shape)
        expect(ask("mae_gradient", prediction, target), reference.mae_gradient(prediction, target))


@check("gradient", points=0.5, says="At the corner it is 0: a perfect prediction is left in peace.")
def corners(ask, reference, rng):
    for shape in (1, 6, (3, 4)):
        prediction, target = pair(rng, shape)
        expect(ask("mae_gradient", target, target), np.zeros(shape))
        expect(ask("mae_gradient", prediction, target), reference.mae_gradient(prediction, target))


@check("gradient", points=0.5, says="Law: the line it promises touches your mae and never cuts it.")
def touches_from_below(ask, reference, rng):
    for size in (2, 5, int(rng.integers(10, 30))):
        prediction, target = pair(rng, size)
        reply = ask("mae_gradient", prediction, target)
        gradient = value_like(reply, prediction)
        start = value_like(ask("mae", prediction, target), 0.0)
        # On its own straight piece the loss follows the line exactly; elsewhere it lies above.
        room = np.abs(prediction - target)
        near = rng.uniform(-0.9, 0.9, size) * room
        promised = start + np.sum(gradient * near)
        law = "your mae does not change as your mae_gradient promises"
        expect(ask("mae", prediction + near, target), promised, rtol=1e-8, law=law)
        for _ in range(3):
            far = numbers(rng, size, 3.0)
            line = start + np.sum(gradient * far)
            if value_like(ask("mae", prediction + far, target), 0.0) < line - 1e-8:
                raise Failure(f"{reply.inputs}, the line of mae_gradient cuts above your mae.")


@check("gradient", points=0.5, says="Tiny, huge, float32 and whole numbers keep their accuracy.")
def other_gradients(ask, reference, rng):
    for scale, dtype in ODD_MAGNITUDES:
        prediction, target = pair(rng, 11, scale, dtype)
        reply = ask("mae_gradient", prediction, target)
        expect(reply, reference.mae_gradient(prediction, target))
        expect_dtype(reply, "float32" if dtype == "f4" else "float64")


@check("gradient", points=0.25, says="Different shapes are refused, a NaN comes out, inputs stay.")
def careful_gradient(ask, reference, rng):
    prediction, target = pair(rng, 6)
    expect_refusal(
        ask,
        "mae_gradient",
        prediction[:, None],
        target,
        error="ValueError",
        why="the shapes (6, 1) and (6,) differ",
    )
    expect_unchanged(ask("mae_gradient", prediction, target))
    prediction[rng.integers(6)] = np.nan
    expect(ask("mae_gradient", prediction, target), reference.mae_gradient(prediction, target))


@check("interval", points=0.5, says="Between the targets, both ends are the one slope there is.")
def straight_pieces(ask, reference, rng):
    for size in sizes(rng, 8):
        target = readings(rng, size)
        for constant in (float(rng.normal(1)), target.min() - 1.0, target.max() + 1.0):
            reply = ask("slope_interval", constant, target)
            expect(reply, reference.slope_interval(constant, target))


@check("interval", points=0.5, says="At a target, the interval is as wide as its share of all.")
def at_the_targets(ask, reference, rng):
    for size in sizes(rng, 8):
        target = readings(rng, size)
        for constant in (target[0], target[-1], target.max()):
            reply = ask("slope_interval", float(constant), target)
            expect(reply, reference.slope_interval(constant, target))
    expect(ask("slope_interval", 2.5, np.full(int(rng.integers(2, 9)), 2.5)), (-1.0, 1.0))


@check(
    "interval", points=0.5, says="Law: its ends are the slopes of your mae to the left and right."
)
def slopes_on_both_sides(ask, reference, rng):
    for size in (3, 8, int(rng.integers(10, 30))):
        target = readings(rng, size)
        constant = float(rng.choice(target))
        ends = ends_of(ask("slope_interval", constant, target))
        start = value_like(constant_mae(ask, constant, target), 0.0)
        others = np.abs(target - constant)
        step = 0.9 * np.min(others, where=others > 0, initial=2.0)
        for slope, move in zip(ends, (-step, step), strict=True):
            side = "left" if move < 0 else "right"
            law = f"your mae has another slope {side} of {constant:.6g} than slope_interval says"
            moved = constant_mae(ask, constant + move, target)
            expect(moved, start + slope * move, rtol=1e-8, law=law)


@check("interval", points=0.5, says="Any unit, whole numbers, tables, NaN and inputs are right.")
def careful_interval(ask, reference, rng):
    for scale in (1e-12, 1e200):
        target = readings(rng, 9, scale)
        constant = float(target[0])
        expect(ask("slope_interval", constant, target), reference.slope_interval(constant, target))
    for shape in ((3, 4), (2, 3, 2)):
        target = rng.integers(0, 4, size=shape)
        reply = ask("slope_interval", 2.0, target)
        expect(reply, reference.slope_interval(2.0, target))
        expect_unchanged(reply)
    expect(ask("slope_interval", 1.0, np.array([0.0, np.nan, 1.0, 4.0])), (np.nan, np.nan))


@check("best", points=0.75, says="The interval of best constants is found, for odd and even n.")
def ordinary_minimisers(ask, reference, rng):
    for size in (1, 2, 7, 10, int(rng.integers(20, 90))):
        target = numbers(rng, size) + 2
        expect(ask("minimisers", target), reference.minimisers(target))


@check("best", points=0.5, says="Equal readings, tables and whole numbers change nothing.")
def ties_and_tables(ask, reference, rng):
    for size in (4, 9, 12):
        target = readings(rng, size)
        expect(ask("minimisers", target), reference.minimisers(target))
    for target in (numbers(rng, (3, 4)), rng.integers(-9, 9, size=6)):
        expect(ask("minimisers", target), reference.minimisers(target))


@check("best", points=0.5, says="Law: your mae is equally small all over it, and larger outside.")
def flat_inside(ask, reference, rng):
    for size in (2, 6, 7, 11):
        target = numbers(rng, size, 3.0) - 4
        reply = ask("minimisers", target)
        low, high = ends_of(reply)
        least = value_like(constant_mae(ask, low, target), 0.0)
        for inside in (high, low + rng.uniform() * (high - low)):
            law = "your mae is not the same everywhere between your two ends"
            expect(constant_mae(ask, inside, target), least, rtol=1e-8, law=law)
        for outside in (low - 0.01, high + 0.01):
            if not value_like(constant_mae(ask, outside, target), 0.0) > least:
                raise Failure(f"{reply.inputs}, your mae is no larger just outside your two ends.")


@check("best", points=0.25, says="A NaN comes out, and the readings keep their order.")
def careful_minimisers(ask, reference, rng):
    target = numbers(rng, 8)
    reply = ask("minimisers", target)
    expect(reply, reference.minimisers(target))
    expect_unchanged(reply)
    target[rng.integers(8)] = np.nan
    expect(ask("minimisers", target), (np.nan, np.nan))
