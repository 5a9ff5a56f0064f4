"""What 07 is graded on."""

import numpy as np

from autograder.checks import (
    Failure,
    check,
    expect,
    expect_dtype,
    expect_promised_change,
    expect_refusal,
    expect_unchanged,
    numbers,
    value_like,
)

SIZES = (1, 2, 3, 8)


def similarities(rng, n, dtype="f8"):
    """Cosine similarities; some positives win their row, and that of the first one does not."""
    table = rng.uniform(-0.9, 0.7, (n, n))
    table[np.diag_indices(n)] += rng.choice([0.0, 0.4], n)
    if n > 1:
        table[0, 0] = table[0, 1:].max() - rng.uniform(0.1, 0.4)
    return table.astype(dtype)


def close_rivals(rng, n, temperature):
    """Similarities so close that every one of them counts at this temperature."""
    return 0.5 + numbers(rng, (n, n), 2 * temperature)


def some_temperature(rng):
    return float(rng.choice([0.05, 0.07, 0.2, 0.5, 1.5]) * rng.uniform(0.9, 1.1))


@check("value", points=1, says="The loss is right for any size and temperature.")
def ordinary_values(ask, reference, rng):
    for n in (*SIZES, int(rng.integers(10, 30))):
        table, temperature = similarities(rng, n), some_temperature(rng)
        expect(ask("info_nce", table, temperature), reference.info_nce(table, temperature))


@check("value", points=0.75, says="At temperatures down to 0.001 nothing overflows or is capped.")
def cold_values(ask, reference, rng):
    for n in (2, 8):
        for temperature in (1e-3, float(rng.uniform(1e-3, 1.3e-3))):
            table = similarities(rng, n)
            # One positive is beaten by a thousand nats, another one wins with a large exponent.
            table[0] += 1 - table[0].max()
            table[0, 0], table[1, 1] = -0.2, 1
            expect(ask("info_nce", table, temperature), reference.info_nce(table, temperature))


@check("value", points=0.5, says="Law: a number added to a whole row changes nothing.")
def rows_shifted(ask, reference, rng):
    table, temperature = similarities(rng, 6), some_temperature(rng)
    right = reference.info_nce(table, temperature)
    expect(ask("info_nce", table + 10 * numbers(rng, (6, 1)), temperature), right)


@check("value", points=0.25, says="Law: rows and columns in another common order change nothing.")
def reordered(ask, reference, rng):
    table, temperature = similarities(rng, 7), some_temperature(rng)
    order = rng.permutation(7)
    right = reference.info_nce(table, temperature)
    expect(ask("info_nce", table[np.ix_(order, order)], temperature), right)
    expect(ask("info_nce", table, temperature), right)


@check("value", points=0.5, says="Bad shapes and temperatures, NaN and inputs are treated right.")
def careful_value(ask, reference, rng):
    table = similarities(rng, 4)
    reply = ask("info_nce", table, 0.1)
    expect(reply, reference.info_nce(table, 0.1))
    expect_unchanged(reply)
    for temperature in (0.0, -0.1):
        why = "the temperature is not positive"
        expect_refusal(ask, "info_nce", table, temperature, error="ValueError", why=why)
    for wrong in (table[:3], table[:, :3]):
        why = f"the shape is {wrong.shape}"
        expect_refusal(ask, "info_nce", wrong, 0.1, error="ValueError", why=why)
    table[2, rng.integers(4)] = np.nan
    expect(ask("info_nce", table, 0.1), np.nan)


@check("gradient", points=0.75, says="The probabilities are right, at 0.001 as well.")
def ordinary_probabilities(ask, reference, rng):
    for n in SIZES:
        for temperature in (some_temperature(rng), 1e-3):
            table = similarities(rng, n)
            # The best of one row is far above, the best of another far below all others.
            table[0] += 1 - table[0].max()
            table[-1] -= 1
            right = reference.probabilities(table, temperature)
            expect(ask("probabilities", table, temperature), right)
    for temperature in (0.0, -1.0):
        why = "the temperature is not positive"
        expect_refusal(ask, "probabilities", table, temperature, error="ValueError", why=why)


@check("gradient", points=1, says="The gradient is right for any size and temperature.")
def ordinary_gradients(ask, reference, rng):
    for n in (*SIZES, int(rng.integers(10, 30))):
        table, temperature = similarities(rng, n), some_temperature(rng)
        right = reference.info_nce_gradient(table, temperature)
        expect(ask("info_nce_gradient", table, temperature), right)


@check("gradient", points=0.5, says="At a temperature of 0.001 it is finite and right.")
def cold_gradients(ask, reference, rng):
    for n in (2, 8):
        table = similarities(rng, n)
        right = reference.info_nce_gradient(table, 1e-3)
        expect(ask("info_nce_gradient", table, 1e-3), right)


@check("gradient", points=0.5, says="Law: the gradient predicts how your own info_nce changes.")
def predicts_the_change(ask, reference, rng):
    for n in (2, 5):
        table, temperature = similarities(rng, n), some_temperature(rng)
        step = numbers(rng, (n, n), 1e-4 * temperature)
        expect_promised_change(ask, "info_nce", "info_nce_gradient", step, table, temperature)


@check("gradient", points=0.25, says="float32 stays float32, and inputs are left unchanged.")
def careful_gradient(ask, reference, rng):
    table = similarities(rng, 5, "f4")
    for function in ("probabilities", "info_nce_gradient"):
        reply = ask(function, table, 0.2)
        expect(reply, getattr(reference, function)(table, 0.2))
        expect_dtype(reply, "float32")
        expect_unchanged(reply)


@check("entropy", points=0.75, says="The entropy of every row is right; float32 stays float32.")
def ordinary_entropies(ask, reference, rng):
    for n in (2, 3, 8):
        temperature = some_temperature(rng)
        table = close_rivals(rng, n, temperature)
        expect(ask("row_entropy", table, temperature), reference.row_entropy(table, temperature))
    expect(ask("row_entropy", np.array([[0.3]]), 0.5), np.zeros(1))
    expect_dtype(ask("row_entropy", table.astype("f4"), temperature), "float32")


@check("entropy", points=0.5, says="At 0.001 only equal rivals are left: log of their number.")
def cold_entropies(ask, reference, rng):
    n = int(rng.integers(4, 8))
    table = rng.uniform(-0.9, 0.3, (n, n))
    for i in range(n):
        table[i, rng.permutation(n)[: i + 1]] = 0.8  # row i has i + 1 equal winners
    reply = ask("row_entropy", table, 1e-3)
    expect(reply, np.log(np.arange(1, n + 1)))
    expect_unchanged(reply)


@check("entropy", points=0.25, says="At a high temperature all are alike: log n.")
def hot_entropies(ask, reference, rng):
    n = int(rng.integers(3, 12))
    expect(ask("row_entropy", similarities(rng, n), 1e7), np.full(n, np.log(n)))


@check("entropy", points=0.5, says="Law: as the temperature falls, your own entropy falls.")
def falls_with_temperature(ask, reference, rng):
    table = similarities(rng, 6)
    warmer = np.full(6, np.inf)
    for temperature in (5.0, 1.0, 0.5, 0.2, 0.1, 0.05):
        reply = ask("row_entropy", table, temperature)
        entropy = value_like(reply, warmer)
        if not np.all(entropy < warmer):
            raise Failure(f"{reply.inputs}, an entropy is not below that of a higher temperature.")
        warmer = entropy
    expect(reply, reference.row_entropy(table, temperature))


@check("slope", points=0.75, says="The slope of the entropy is right; float32 stays float32.")
def ordinary_slopes(ask, reference, rng):
    for n in (2, 3, 8):
        temperature = some_temperature(rng)
        table = close_rivals(rng, n, temperature)
        expect(
            ask("entropy_slope", table, temperature), reference.entropy_slope(table, temperature)
        )
    expect(ask("entropy_slope", np.full((4, 4), 0.5), 0.1), np.zeros(4))
    expect_dtype(ask("entropy_slope", table.astype("f4"), temperature), "float32")


@check("slope", points=0.75, says="Law: it predicts how your own row_entropy changes.")
def predicts_the_entropy(ask, reference, rng):
    for n in (3, 6):
        temperature = some_temperature(rng)
        table = close_rivals(rng, n, temperature)
        slope = value_like(ask("entropy_slope", table, temperature), np.zeros(n))
        step = 1e-4 * temperature
        there = value_like(ask("row_entropy", table, temperature + step), np.zeros(n))
        promised = there - 2 * step * slope
        law = "your row_entropy does not change with the temperature as entropy_slope promises"
        expect(ask("row_entropy", table, temperature - step), promised, rtol=1e-7, law=law)


@check("slope", points=0.5, says="It keeps its digits at 0.001, and far from zero.")
def exact_slopes(ask, reference, rng):
    for shift in (0.0, 100.0):
        table = close_rivals(rng, 5, 1e-3) + shift
        reply = ask("entropy_slope", table, 1e-3)
        expect(reply, reference.entropy_slope(table, 1e-3), rtol=1e-8)
        expect_unchanged(reply)
