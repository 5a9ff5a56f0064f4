"""What 04 is graded on."""

import numpy as np

from autograder.checks import check, expect, expect_dtype, expect_unchanged, numbers


def masked(rng, shape, scale=1.0, dtype="f8"):
    """Values with mean far from zero, and a mask that keeps some slots and drops others.

    The first slot counts and holds a 0, which is a value like any other; the last does not count.
    """
    values = numbers(rng, shape, scale, dtype) + np.asarray(2 * scale, dtype)
    mask = rng.random(shape) < 0.6
    mask.flat[0], mask.flat[-1] = True, False
    values.flat[0] = 0
    return values, mask


def ragged(rng, rows, width):
    """Rows of clearly different lengths, padded at the end."""
    values = numbers(rng, (rows, width)) + np.arange(1, rows + 1)[:, None]
    lengths = 1 + (np.arange(rows) * 3 + rng.integers(width)) % width
    return values, np.arange(width) < lengths[:, None]


def spoiled(values, mask, rng):
    """The same values with NaN and infinity in the slots that do not count."""
    nonsense = rng.choice([np.nan, np.inf, -np.inf], size=values.shape)
    return np.where(mask, values, nonsense)


def pieces(rng, count=4):
    """Micro-batches of different shapes."""
    return [ragged(rng, int(rng.integers(1, 4)), int(rng.integers(2, 7))) for _ in range(count)]


@check("mean", points=1, says="The mean is right for arrays of any shape.")
def ordinary_means(ask, reference, rng):
    for shape in ((2,), (9,), (3, 5), (2, 3, 4), (int(rng.integers(20, 60)),)):
        values, mask = masked(rng, shape)
        expect(ask("masked_mean", values, mask), reference.masked_mean(values, mask))


@check("mean", points=0.5, says="NaN and infinity in slots that do not count have no influence.")
def masked_nonsense(ask, reference, rng):
    for shape in ((5,), (3, 4)):
        values, mask = masked(rng, shape)
        expect(
            ask("masked_mean", spoiled(values, mask, rng), mask),
            reference.masked_mean(values, mask),
        )


@check("mean", points=0.5, says="Where nothing counts, the mean is 0.")
def nothing_counts(ask, reference, rng):
    for shape in ((1,), (3, 4)):
        values = numbers(rng, shape)
        expect(ask("masked_mean", values, np.zeros(shape, bool)), 0.0)
        expect(ask("masked_mean", values + 1, ~np.zeros(shape, bool)), np.mean(values + 1))


@check("mean", points=0.5, says="A NaN that counts comes out; tiny and huge values are exact.")
def other_values(ask, reference, rng):
    for scale, dtype in ((1e-150, "f8"), (1e150, "f8"), (1.0, "f4")):
        values, mask = masked(rng, (4, 6), scale, dtype)
        rtol = 1e-5 if dtype == "f4" else None
        expect(ask("masked_mean", values, mask), reference.masked_mean(values, mask), rtol=rtol)
    values[0, 0] = np.nan
    expect(ask("masked_mean", values, mask), np.nan)


@check("mean", points=0.25, says="Half precision does not overflow on the way.")
def half_precision(ask, reference, rng):
    values = rng.integers(20_000, 40_000, size=(2, 6)).astype("f2")
    mask = np.array([[1, 1, 0, 1, 1, 1], [0, 1, 1, 0, 1, 1]], bool)
    expect(ask("masked_mean", values, mask), reference.masked_mean(values, mask), rtol=5e-3)


@check("mean", points=0.25, says="Values and mask are left unchanged.")
def mean_is_pure(ask, reference, rng):
    values, mask = masked(rng, (3, 4))
    reply = ask("masked_mean", values, mask)
    expect_unchanged(reply)
    expect(reply, reference.masked_mean(values, mask))


@check("gradient", points=0.75, says="The gradient is right for arrays of any shape.")
def ordinary_gradients(ask, reference, rng):
    for shape in ((2,), (9,), (3, 5), (2, 3, 4)):
        values, mask = masked(rng, shape)
        expect(
            ask("masked_mean_gradient", values, mask), reference.masked_mean_gradient(values, mask)
        )


@check("gradient", points=0.5, says="Slots that do not count get exactly 0, whatever is in them.")
def masked_gradients(ask, reference, rng):
    values, mask = masked(rng, (3, 5))
    expect(
        ask("masked_mean_gradient", spoiled(values, mask, rng), mask),
        reference.masked_mean_gradient(values, mask),
    )


@check("gradient", points=0.25, says="Where nothing counts, the gradient is zero.")
def no_gradient(ask, reference, rng):
    values, mask = masked(rng, (3, 4))
    expect(ask("masked_mean_gradient", values, np.zeros((3, 4), bool)), np.zeros((3, 4)))
    expect(ask("masked_mean_gradient", values, mask), reference.masked_mean_gradient(values, mask))


@check("gradient", points=0.25, says="Law: the gradient predicts how your own masked mean changes.")
def predicts_the_change(ask, reference, rng):
    values, mask = masked(rng, (4, 5))
    step = numbers(rng, (4, 5))
    gradient = ask("masked_mean_gradient", values, mask)
    expect(gradient, np.broadcast_to(gradient.value, values.shape))
    # The mean is linear, so the gradient tells the whole change.
    promised = ask("masked_mean", values, mask).value + np.sum(gradient.value * step)
    moved = ask("masked_mean", values + step, mask)
    expect(moved, promised, law="your masked_mean does not change as your gradient promises")


@check("gradient", points=0.25, says="The precision of the values is kept, inputs stay unchanged.")
def gradient_is_pure(ask, reference, rng):
    values, mask = masked(rng, (3, 4), dtype="f4")
    reply = ask("masked_mean_gradient", values, mask)
    expect(reply, reference.masked_mean_gradient(values, mask))
    expect_dtype(reply, "float32")
    expect_unchanged(reply)


@check("sequences", points=0.75, says="The mean over sequences of different lengths is right.")
def ordinary_sequences(ask, reference, rng):
    for rows, width in ((2, 3), (5, 8), (9, 4)):
        values, mask = ragged(rng, rows, width)
        expect(ask("sequence_mean", values, mask), reference.sequence_mean(values, mask))


@check("sequences", points=0.25, says="Law: with equal lengths it is the mean over tokens.")
def equal_lengths(ask, reference, rng):
    values = numbers(rng, (4, 6)) + 1
    mask = np.zeros((4, 6), bool)
    mask[:, : rng.integers(2, 6)] = True
    expect(ask("sequence_mean", values, mask), reference.masked_mean(values, mask))


@check("sequences", points=0.5, says="Sequences without a token are left out.")
def empty_sequences(ask, reference, rng):
    values, mask = ragged(rng, 5, 6)
    mask[rng.permutation(5)[:2]] = False
    expect(ask("sequence_mean", values, mask), reference.sequence_mean(values, mask))


@check("sequences", points=0.25, says="NaN in padding has no influence; without tokens it is 0.")
def sequences_at_the_edge(ask, reference, rng):
    values, mask = ragged(rng, 4, 5)
    expect(
        ask("sequence_mean", spoiled(values, mask, rng), mask),
        reference.sequence_mean(values, mask),
    )
    expect(ask("sequence_mean", values, np.zeros((4, 5), bool)), 0.0)


@check("sequences", points=0.25, says="Law: more padding changes nothing; inputs stay unchanged.")
def more_padding(ask, reference, rng):
    values, mask = ragged(rng, 4, 5)
    longer = np.concatenate([values, numbers(rng, (4, 3))], axis=1)
    more = np.concatenate([mask, np.zeros((4, 3), bool)], axis=1)
    reply = ask("sequence_mean", longer, more)
    expect(reply, reference.sequence_mean(values, mask))
    expect_unchanged(reply)


@check("accumulate", points=1, says="The mean over micro-batches of different sizes is right.")
def ordinary_pieces(ask, reference, rng):
    for count in (1, 2, 5):
        batches = pieces(rng, count)
        expect(ask("accumulated_mean", batches), reference.accumulated_mean(batches))


@check("accumulate", points=0.75, says="So is its gradient, piece by piece.")
def gradients_of_pieces(ask, reference, rng):
    for count in (1, 2, 5):
        batches = pieces(rng, count)
        expect(ask("accumulated_gradient", batches), reference.accumulated_gradient(batches))


@check("accumulate", points=0.25, says="Each piece keeps its precision; pieces stay unchanged.")
def careful_pieces(ask, reference, rng):
    batches = [(values.astype("f4"), mask) for values, mask in pieces(rng)]
    reply = ask("accumulated_gradient", batches)
    expect(reply, reference.accumulated_gradient(batches))
    expect_dtype(reply, "float32")
    expect_unchanged(reply)


@check("accumulate", points=0.5, says="Pieces in which nothing counts change nothing.")
def empty_pieces(ask, reference, rng):
    batches = pieces(rng, 3)
    empty = [(values, np.zeros_like(mask)) for values, mask in pieces(rng, 2)]
    mixed = [empty[0], *batches, empty[1]]
    expect(ask("accumulated_mean", mixed), reference.accumulated_mean(batches))
    expect(ask("accumulated_mean", empty), 0.0)
    expect(ask("accumulated_gradient", mixed), reference.accumulated_gradient(mixed))
    expect(ask("accumulated_gradient", empty), reference.accumulated_gradient(empty))


@check("accumulate", points=0.5, says="Law: however a batch is cut, the result is the same.")
def any_cut(ask, reference, rng):
    values, mask = ragged(rng, 8, 6)
    for cuts in ([4], [1, 6], [2, 3, 5]):
        batches = list(zip(np.split(values, cuts), np.split(mask, cuts), strict=True))
        batches = [(spoiled(v, m, rng), m) for v, m in batches]
        reply = ask("accumulated_mean", batches)
        expect(reply, reference.masked_mean(values, mask))
        expect_unchanged(reply)
