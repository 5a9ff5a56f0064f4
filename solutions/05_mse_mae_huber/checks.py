"""What 05 is graded on."""

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
)


def residuals(rng, shape, scale=1.0):
    """Residuals on both sides of every usual δ, one of them exactly zero where there is room."""
    r = numbers(rng, shape, 3 * scale)
    if r.size > 2:
        r.flat[1] = 0
    return r


def some_delta(rng, scale=1.0):
    return float(rng.uniform(0.4, 3.0) * scale)


@check("value", points=0.75, says="The value is right on both sides of δ.")
def ordinary_values(ask, reference, rng):
    for shape in (*sizes(rng, 7), (3, 4), (2, 3, 5)):
        r, delta = residuals(rng, shape), some_delta(rng)
        expect(ask("huber", r, delta), reference.huber(r, delta))


@check("value", points=0.5, says="Tiny, huge, infinite and float32 residuals, and NaN, come out.")
def other_values(ask, reference, rng):
    for scale in (1e-150, 1e200):
        r, delta = residuals(rng, 9, scale), some_delta(rng)
        expect(ask("huber", r, delta), reference.huber(r, delta))
    r = np.array([np.inf, -np.inf, np.nan, 0.3])
    expect(ask("huber", r, 1.5), reference.huber(r, 1.5))
    r = residuals(rng, 9).astype("f4")
    reply = ask("huber", r, 1.5)
    expect(reply, reference.huber(r, 1.5))
    expect_dtype(reply, "float32")


@check("value", points=0.5, says="Law: at |r| = δ both pieces meet, for every δ.")
def pieces_meet(ask, reference, rng):
    for _ in range(4):
        delta = some_delta(rng)
        r = delta * np.array([1, -1, 1 - 1e-9, 1 + 1e-9])
        expect(ask("huber", r, delta), np.full(4, delta**2 / 2), rtol=1e-8)


@check("value", points=0.25, says="δ ≤ 0 raises ValueError, and the residuals stay unchanged.")
def careful_value(ask, reference, rng):
    r = residuals(rng, 5)
    reply = ask("huber", r, 1.0)
    expect(reply, reference.huber(r, 1.0))
    expect_unchanged(reply)
    for delta in (0.0, -some_delta(rng)):
        expect_refusal(ask, "huber", r, delta, error="ValueError", why="δ is not positive")


@check("gradients", points=0.5, says="The gradient of squared error is right.")
def squared(ask, reference, rng):
    for shape in (*sizes(rng, 7), (3, 4), (2, 3, 5)):
        r = residuals(rng, shape)
        reply = ask("squared_error_gradient", r)
        expect(reply, reference.squared_error_gradient(r))
        expect_unchanged(reply)


@check("gradients", points=0.5, says="The gradient of absolute error is right, also at 0.")
def absolute(ask, reference, rng):
    for shape in (*sizes(rng, 7), (3, 4), (2, 3, 5)):
        r = residuals(rng, shape)
        reply = ask("absolute_error_gradient", r)
        expect(reply, reference.absolute_error_gradient(r))
        expect_unchanged(reply)


@check("gradients", points=1, says="The gradient of Huber is right from −5 to 5, for any δ.")
def huber(ask, reference, rng):
    line = np.linspace(-5, 5, 41)
    for delta in (1.0, some_delta(rng), 0.01, 4.9, 100.0):
        expect(ask("huber_gradient", line, delta), reference.huber_gradient(line, delta))
    for shape in ((3, 4), (2, 3, 5)):
        r = residuals(rng, shape)
        expect(ask("huber_gradient", r, 0.7), reference.huber_gradient(r, 0.7))


@check("gradients", points=0.5, says="Law: the gradient predicts how your own huber changes.")
def predicts_the_change(ask, reference, rng):
    for _ in range(3):
        delta = some_delta(rng)
        # Pairs that stay on one side of δ: there the loss is a parabola or a straight line, and
        # the mean of the slopes at both ends gives the rise exactly.
        start = np.concatenate([rng.uniform(-0.9, 0.8, 4), rng.uniform(1.1, 3, 3), [-2.0, -1.2]])
        end = start + 0.09
        start, end = start * delta, end * delta
        slope_at_start = ask("huber_gradient", start, delta)
        slope_at_end = ask("huber_gradient", end, delta)
        expect(slope_at_start, np.broadcast_to(slope_at_start.value, start.shape))
        mean_slope = (slope_at_start.value + slope_at_end.value) / 2
        promised = ask("huber", start, delta).value + mean_slope * (end - start)
        law = "your huber does not rise as your huber_gradient promises"
        expect(ask("huber", end, delta), promised, law=law)


@check(
    "gradients", points=0.5, says="Huge values, NaN, float32, δ ≤ 0 and inputs are treated right."
)
def careful_gradients(ask, reference, rng):
    r = np.array([1e200, -1e200, np.nan, np.inf, 0.2])
    reply = ask("huber_gradient", r, 2.0)
    expect(reply, reference.huber_gradient(r, 2.0))
    expect_unchanged(reply)
    r = residuals(rng, 6).astype("f4")
    expect_dtype(ask("huber_gradient", r, 1.5), "float32")
    expect_dtype(ask("absolute_error_gradient", r), "float32")
    expect_dtype(ask("squared_error_gradient", r), "float32")
    for delta in (0.0, -some_delta(rng)):
        expect_refusal(ask, "huber_gradient", r, delta, error="ValueError", why="δ is not positive")


@check("limits", points=0.5, says="Law: a large δ gives half the gradient of squared error.")
def large_delta(ask, reference, rng):
    for delta in (1e3, 1e12):
        r = residuals(rng, 12)
        half = ask("squared_error_gradient", r).value / 2
        law = "the answer of huber_gradient is not half of your squared_error_gradient"
        expect(ask("huber_gradient", r, delta), half, law=law)


@check("limits", points=0.5, says="Law: a small δ gives δ times the gradient of absolute error.")
def small_delta(ask, reference, rng):
    for delta in (1e-6, 1e-12):
        r = residuals(rng, 12)
        scaled = ask("absolute_error_gradient", r).value * delta
        law = "the answer of huber_gradient is not δ times your absolute_error_gradient"
        expect(ask("huber_gradient", r, delta), scaled, law=law)


@check("limits", points=0.75, says="The two values of δ are found, zeros and signs included.")
def found_deltas(ask, reference, rng):
    for shape in (*sizes(rng, 7), (3, 4), (2, 3, 5)):
        r = residuals(rng, shape)
        reply = ask("exact_deltas", r)
        expect(reply, reference.exact_deltas(r))
        expect_unchanged(reply)
    r = -np.abs(residuals(rng, 6))
    expect(ask("exact_deltas", r), reference.exact_deltas(r))


@check("limits", points=0.25, says="If all residuals are zero, the answer is (inf, 0).")
def all_zero(ask, reference, rng):
    expect(ask("exact_deltas", np.zeros(int(rng.integers(1, 6)))), (np.inf, 0.0))
    r = residuals(rng, 5)
    expect(ask("exact_deltas", r), reference.exact_deltas(r))


def axes_of(reply):
    """The one pair of axes of a figure."""
    panels = getattr(reply.value, "axes", None)
    if panels is None:
        raise Failure("draw_gradients does not return a figure; return the one you draw on.")
    if len(panels) != 1:
        raise Failure(f"The figure has {len(panels)} pairs of axes; one is asked for.")
    return panels[0]


def curve(axes, word):
    """The one line whose label contains the word, from -5 to 5."""
    found = [line for line in axes.lines if word.lower() in line.label.lower()]
    if len(found) != 1:
        raise Failure(f"{len(found)} lines have a label with the word {word!r}; one is asked for.")
    line = found[0]
    if line.x.size < 50 or abs(line.x.min() + 5) > 1e-9 or abs(line.x.max() - 5) > 1e-9:
        raise Failure(f"The line {word!r} does not go from -5 to 5 in at least 50 steps.")
    return line


def follows(line, gradient, word):
    """The line shows this gradient at its own points; at 0 any slope between the sides will do."""
    gap = np.isnan(line.y) & (np.abs(line.x) < 0.1)
    wanted = gradient(line.x)
    right = np.isclose(line.y, wanted, rtol=1e-9, atol=1e-9) | gap
    if word == "absolute":
        right |= (line.x == 0) & (np.abs(line.y) <= 1)
    if not right.all():
        raise Failure(f"The line {word!r} does not show that gradient at every residual.")


@check("figure", points=1.5, says="The three lines show the three gradients.")
def curves(ask, reference, rng):
    delta = some_delta(rng)
    axes = axes_of(ask("draw_gradients", delta))
    follows(curve(axes, "squared"), reference.squared_error_gradient, "squared")
    follows(curve(axes, "absolute"), reference.absolute_error_gradient, "absolute")
    follows(curve(axes, "Huber"), lambda r: reference.huber_gradient(r, delta), "Huber")


@check("figure", points=0.75, says="The line of Huber, and no other, moves with δ.")
def dial(ask, reference, rng):
    for delta in (0.5, some_delta(rng), 4.5):
        axes = axes_of(ask("draw_gradients", delta))
        for word, gradient in (
            ("Huber", lambda r, delta=delta: reference.huber_gradient(r, delta)),
            ("squared", reference.squared_error_gradient),
        ):
            follows(curve(axes, word), gradient, word)


@check("figure", points=0.75, says="Axes and lines say what they are.")
def labels(ask, reference, rng):
    axes = axes_of(ask("draw_gradients", some_delta(rng)))
    for name, text, word in (("x", axes.xlabel, "residual"), ("y", axes.ylabel, "gradient")):
        if word not in text.lower():
            raise Failure(f"The label of the {name} axis does not contain {word!r}.")
    legend = " ".join(axes.legend).lower()
    for word in ("squared", "absolute", "huber"):
        curve(axes, word)
        if word not in legend:
            raise Failure(f"The legend does not name the line {word!r}.")
