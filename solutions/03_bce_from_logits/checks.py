"""What 03 is graded on."""

import numpy as np

from autograder.checks import (
    check,
    expect,
    expect_dtype,
    expect_refusal,
    expect_unchanged,
    numbers,
    sizes,
    value_like,
)


def logits(rng, shape, dtype="f8"):
    """Ordinary logits on both sides of zero, with labels that are 0, 1 or anything between."""
    z = numbers(rng, shape, 2.5)
    y = rng.uniform(0.02, 0.98, shape)
    hard = rng.random(shape) < 0.4
    return z.astype(dtype), np.where(hard, np.round(y), y).astype(dtype)


def seen_by_steps(z, y):
    """The arguments of every step of the ladder at the same points."""
    with np.errstate(over="ignore"):
        u, v, w = np.exp(-z), np.exp(z), np.exp(-np.abs(z))
    return {"step_1": (u, y), "step_2": (u, z, y), "step_3": (v, z, y), "step_4": (w, z, y)}


def soft_points(rng, shape):
    """Points at which every term of every formula counts."""
    return numbers(rng, shape, 2.0), rng.uniform(0.1, 0.9, shape)


def step_is_right(ask, reference, rng, step):
    for shape in (*sizes(rng, 7), (3, 4), (2, 3, 5)):
        z, y = logits(rng, shape)
        reply = ask(step, *seen_by_steps(z, y)[step])
        expect(reply, reference.bce(z, y), rtol=1e-8)
        expect_unchanged(reply)
    # How far the value is off in float32 depends on the logit; that is what step 4 is for.
    expect_dtype(ask(step, *seen_by_steps(*logits(rng, 5, "f4"))[step]), "float32")


@check("ladder", points=0.5, says="Step 1 is the loss, in u; it keeps float32.")
def first_step(ask, reference, rng):
    step_is_right(ask, reference, rng, "step_1")


@check("ladder", points=0.5, says="Step 2 is the loss, in u and z; it keeps float32.")
def second_step(ask, reference, rng):
    step_is_right(ask, reference, rng, "step_2")


@check("ladder", points=0.5, says="Step 3 is the loss, in v and z; it keeps float32.")
def third_step(ask, reference, rng):
    step_is_right(ask, reference, rng, "step_3")


@check("ladder", points=0.5, says="Step 4 is the loss, in w and z; it keeps float32.")
def fourth_step(ask, reference, rng):
    step_is_right(ask, reference, rng, "step_4")


@check("ladder", points=1, says="The ladder holds: every step gives what the one before it gives.")
def first_false_step(ask, reference, rng):
    z, y = soft_points(rng, 8)
    below, value = "step_0", reference.step_0(1 / (1 + np.exp(-z)), y)
    for step, seen in seen_by_steps(z, y).items():
        law = f"{step} is the first false step: at the same points {below} gives something else"
        reply = ask(step, *seen)
        expect(reply, value, rtol=1e-8, law=law)
        below, value = step, reply.value


@check("ladder", points=1, says="Step 4 holds at the top, where u or v is infinite.")
def top_of_the_ladder(ask, reference, rng):
    for size in (1e4, 800.0, float(rng.uniform(1e3, 1e5))):
        z = size * rng.choice([-1.0, 1.0], 6)
        z[:2] = -size, size
        for y in (np.zeros(6), np.ones(6), rng.uniform(0.1, 0.9, 6)):
            expect(ask("step_4", *seen_by_steps(z, y)["step_4"]), reference.bce(z, y))


@check("value", points=1, says="The value is right for hard and for soft labels.")
def ordinary_values(ask, reference, rng):
    for shape in (*sizes(rng, 7), (3, 4), (2, 3, 5)):
        z, y = logits(rng, shape)
        expect(ask("bce", z, y), reference.bce(z, y))


@check("value", points=0.75, says="Logits of ±10000 give no inf and no nan.")
def far_values(ask, reference, rng):
    for size in (1e4, float(rng.uniform(800, 9000)), 1e9):
        for sign in (-1, 1):
            z = np.full(3, sign * size)
            y = np.array([0.0, 1.0, float(rng.uniform(0.1, 0.9))])
            expect(ask("bce", z, y), reference.bce(z, y))


@check("value", points=0.5, says="Losses far below rounding error keep their digits.")
def small_values(ask, reference, rng):
    for size in (20.0, 40.0, 300.0, float(rng.uniform(37, 60))):
        for label in (0.0, 1.0):
            z, y = np.full(2, size if label else -size), np.full(2, label)
            expect(ask("bce", z, y), reference.bce(z, y))


@check("value", points=0.25, says="Law: with the classes swapped, the loss is the same.")
def classes_swapped(ask, reference, rng):
    z, y = logits(rng, 9)
    loss = ask("bce", z, y)
    expect(loss, reference.bce(z, y))
    expect(ask("bce", -z, 1 - y), loss.value, law="turning z and taking 1 − y changes your bce")


@check("value", points=0.5, says="float32, NaN, labels outside 0 to 1 and inputs are right.")
def careful_value(ask, reference, rng):
    z, y = logits(rng, 6, "f4")
    for reply, right in (
        (ask("bce", z, y), reference.bce(z, y)),
        (ask("bce", 2000 * z, y), reference.bce(2000 * z, y)),
    ):
        expect(reply, right)
        expect_dtype(reply, "float32")
        expect_unchanged(reply)
    z, y = logits(rng, 6)
    for label in (-1.0, 1.5):
        wrong = np.where(np.arange(6) == rng.integers(6), label, y)
        expect_refusal(ask, "bce", z, wrong, error="ValueError", why=f"a label is {label:g}")
    z[rng.integers(6)] = np.nan
    expect(ask("bce", z, y), reference.bce(z, y))


@check("gradient", points=1, says="The gradient is right for hard and for soft labels.")
def ordinary_gradients(ask, reference, rng):
    for shape in (*sizes(rng, 7), (3, 4), (2, 3, 5)):
        z, y = logits(rng, shape)
        expect(ask("bce_gradient", z, y), reference.bce_gradient(z, y))


@check("gradient", points=0.75, says="Logits of ±10000 give no nan and no lost gradient.")
def far_gradients(ask, reference, rng):
    for size in (1e4, float(rng.uniform(800, 9000)), 1e9):
        for sign in (-1, 1):
            z = np.full(3, sign * size)
            y = np.array([0.0, 1.0, float(rng.uniform(0.1, 0.9))])
            expect(ask("bce_gradient", z, y), reference.bce_gradient(z, y))


@check("gradient", points=0.5, says="Gradients far below rounding error keep their digits.")
def small_gradients(ask, reference, rng):
    for size in (20.0, 40.0, 300.0, float(rng.uniform(37, 60))):
        for label in (0.0, 1.0):
            z, y = np.full(2, size if label else -size), np.full(2, label)
            expect(ask("bce_gradient", z, y), reference.bce_gradient(z, y))


@check("gradient", points=0.5, says="Law: the gradient predicts how your own bce changes.")
def predicts_the_change(ask, reference, rng):
    for size in (1, 8):
        z, y = soft_points(rng, size)
        gradient = value_like(ask("bce_gradient", z, y), z)
        step = 1e-4 * rng.uniform(0.5, 1, size)
        there = value_like(ask("bce", z + step, y), z)
        # The curvature cancels between there and back; what is left is of third order.
        promised = there - 2 * gradient * step
        law = "your bce does not change as bce_gradient promises"
        expect(ask("bce", z - step, y), promised, rtol=1e-8, law=law)


@check("gradient", points=0.25, says="float32 stays float32, a NaN comes out, inputs stay.")
def careful_gradient(ask, reference, rng):
    z, y = logits(rng, 6, "f4")
    reply = ask("bce_gradient", z, y)
    expect(reply, reference.bce_gradient(z, y))
    expect_dtype(reply, "float32")
    expect_unchanged(reply)
    z, y = logits(rng, 6)
    z[rng.integers(6)] = np.nan
    expect(ask("bce_gradient", z, y), reference.bce_gradient(z, y))
