"""What 11 is graded on.

The judge plays the GPU: it holds the rows, cuts them into blocks of its own choice, and hands the
functions one block at a time together with their own answers to the blocks before. A function that
needs the whole row, or the whole batch, never gets to see it.
"""

from dataclasses import replace

import numpy as np

from autograder.checks import (
    check,
    expect,
    expect_dtype,
    expect_refusal,
    expect_unchanged,
    numbers,
    value_like,
)

IGNORE = -100
EMPTY = (-np.inf, 0.0)


def statistics(rng, lanes, scale=3.0, dtype="f8"):
    """Statistics of so many stretches of logits."""
    return numbers(rng, lanes, scale, dtype), rng.uniform(1, 9, lanes).astype(dtype)


def rows_of_logits(rng, rows, classes, dtype="f8"):
    """Logits, and targets none of which is in the first columns."""
    logits = numbers(rng, (rows, classes), 2.0, dtype)
    return logits, rng.integers(classes // 2, classes, rows)


def blocks(logits, block):
    """First columns and blocks, the last one filled up with -inf."""
    for start in range(0, logits.shape[1], block):
        x = np.full((len(logits), block), -np.inf, logits.dtype)
        piece = logits[:, start : start + block]
        x[:, : piece.shape[1]] = piece
        yield start, x


def forward(ask, logits, target, block, dtype="f8"):
    """The answer for the rows' losses, each row read in blocks."""
    m, d = np.full(len(logits), -np.inf, dtype), np.zeros(len(logits), dtype)
    for _, x in blocks(logits, block):
        m, d = value_like(ask("absorb", m, d, x), (m, d))
    x_target = logits[np.arange(len(logits)), np.where(target == IGNORE, 0, target)]
    return ask("row_loss", m, d, x_target.astype(dtype), target)


def whole(logits, target):
    """The rows' losses and their gradient, computed in one piece in float64."""
    x = logits.astype(float)
    lse = np.logaddexp.reduce(x, axis=1)
    one_hot = np.arange(x.shape[1]) == target[:, None]
    counts = target != IGNORE
    x_target = x[np.arange(len(x)), np.where(counts, target, 0)]
    gradient = np.exp(x - lse[:, None]) - one_hot
    return np.where(counts, lse - x_target, 0), np.where(counts[:, None], gradient, 0)


@check("merge", points=0.5, says="Two stretches make one, for any number of rows.")
def ordinary_merges(ask, reference, rng):
    for rows in (1, 2, int(rng.integers(5, 40))):
        halves = (*statistics(rng, rows), *statistics(rng, rows))
        expect(ask("merge", *halves), reference.merge(*halves))


@check("merge", points=0.5, says="Law: the order and the grouping of merges do not matter.")
def associative(ask, reference, rng):
    first, second, third = (statistics(rng, 6) for _ in range(3))
    left = value_like(ask("merge", *first, *second), first)
    right = value_like(ask("merge", *third, *second), first)
    all_three = reference.merge(*reference.merge(*first, *second), *third)
    expect(ask("merge", *left, *third), all_three)
    law = "three stretches merged in another order give other statistics"
    expect(ask("merge", *right, *first), all_three, law=law)


@check("merge", points=0.5, says="Empty stretches do not count, not even two of them.")
def empty_merges(ask, reference, rng):
    m, d = statistics(rng, 4)
    empty = [np.full(4, value) for value in EMPTY]
    expect(ask("merge", m, d, *empty), (m, d))
    expect(ask("merge", *empty, m, d), (m, d))
    expect(ask("merge", *empty, *empty), tuple(empty))


@check("merge", points=0.25, says="Far apart and near 10,000, in float32, the sums are right.")
def hard_merges(ask, reference, rng):
    near, far = statistics(rng, 5, dtype="f4"), statistics(rng, 5, dtype="f4")
    for shift in (0, 1e4, -1e4):
        halves = (near[0] + np.float32(shift), near[1], far[0] + np.float32(1e4), far[1])
        reply = ask("merge", *halves)
        expect(reply, reference.merge(*halves))
        for part in reply.value:
            expect_dtype(replace(reply, value=part), "float32")


@check("merge", points=0.25, says="A NaN comes out of m and of d; inputs are left unchanged.")
def careful_merge(ask, reference, rng):
    halves = (*statistics(rng, 3), *statistics(rng, 3))
    reply = ask("merge", *halves)
    expect(reply, reference.merge(*halves))
    expect_unchanged(reply)
    for side in (0, 2):
        unknown = [half.copy() for half in halves]
        unknown[side][1] = np.nan
        expect(ask("merge", *unknown), reference.merge(*unknown))


@check("forward", points=0.75, says="Blocks of any size give the loss of the whole row.")
def any_block(ask, reference, rng):
    logits, target = rows_of_logits(rng, 3, int(rng.integers(20, 60)))
    right, _ = whole(logits, target)
    for block in (1, 8, 64, int(rng.integers(2, 20))):
        expect(forward(ask, logits, target, block), right)


@check("forward", points=0.5, says="Blocks of −∞ may come first, last and in between.")
def blocks_of_nothing(ask, reference, rng):
    logits, target = rows_of_logits(rng, 3, 24)
    logits[0, :9] = logits[1, 3:11] = -np.inf
    right, _ = whole(logits, target)
    for block in (4, 3):
        expect(forward(ask, logits, target, block), right)


@check("forward", points=0.25, says="Logits near 10,000 cost no digits, and overflow nothing.")
def large_logits(ask, reference, rng):
    logits, target = rows_of_logits(rng, 4, 20)
    right, _ = whole(logits, target)
    for shift in (1e4, -1e4):
        expect(forward(ask, logits + shift, target, 6), right)
    far, d = 1e12 * rng.uniform(0.5, 1, 4).round(3), rng.uniform(2, 9, 4)
    expect(ask("row_loss", far, d, far, np.arange(4)), np.log(d))


@check("forward", points=0.25, says="Rows that do not count have a loss of 0, whatever they hold.")
def ignored_losses(ask, reference, rng):
    m, d = statistics(rng, 6)
    x_target = m - rng.uniform(1, 2, 6)
    target = np.where(rng.permutation(6) < 3, IGNORE, 5)
    expect(ask("row_loss", m, d, x_target, target), reference.row_loss(m, d, x_target, target))
    m[target == IGNORE] = np.nan
    expect(ask("row_loss", m, d, x_target, target), reference.row_loss(m, d, x_target, target))


@check(
    "forward", points=0.25, says="float16 logits give float32 sums and losses; NaN and inputs stay."
)
def careful_forward(ask, reference, rng):
    m, d = np.zeros(8, "f4"), np.ones(8, "f4")
    x = rng.uniform(-1, 0, (8, 700)).astype("f2")
    reply = ask("absorb", m, d, x)
    expect(reply, reference.absorb(m, d, x))
    expect_unchanged(reply)
    for part in reply.value:
        expect_dtype(replace(reply, value=part), "float32")
    x[rng.integers(8), rng.integers(700)] = np.nan
    expect(ask("absorb", m, d, x), reference.absorb(m, d, x))
    losses = ask("row_loss", m, d, numbers(rng, 8, dtype="f4"), np.arange(8))
    expect_dtype(losses, "float32")
    expect_unchanged(losses)


@check("backward", points=0.75, says="Blocks of any size make the gradient of the whole row.")
def any_gradient_block(ask, reference, rng):
    logits, target = rows_of_logits(rng, 3, int(rng.integers(20, 40)))
    upstream = rng.uniform(0.5, 2, 3) * rng.choice([-1, 1], 3)
    m = logits.max(axis=1)
    d = np.exp(logits - m[:, None]).sum(axis=1)
    _, right = whole(logits, target)
    right = upstream[:, None] * np.pad(right, ((0, 0), (0, 64)))
    for block in (1, 8, 64):
        for start, x in blocks(logits, block):
            expected = right[:, start : start + block]
            expect(ask("gradient_block", x, start, target, m, d, upstream), expected)


@check("backward", points=0.5, says="Law: it predicts how your own forward pass changes.")
def predicts_the_change(ask, reference, rng):
    logits, target = rows_of_logits(rng, 2, 10)
    upstream = np.ones(2)
    m = logits.max(axis=1)
    d = np.exp(logits - m[:, None]).sum(axis=1)
    step = numbers(rng, logits.shape, 1e-4)
    change = np.zeros(2)
    for start, x in blocks(logits, 5):
        gradient = value_like(ask("gradient_block", x, start, target, m, d, upstream), x)
        change += 2 * np.sum(gradient * step[:, start : start + 5], axis=1)
    there = value_like(forward(ask, logits + step, target, 4), m)
    # The curvature cancels between there and back; what is left is of third order.
    law = "your losses do not change as your gradient_block promises"
    expect(forward(ask, logits - step, target, 4), there - change, rtol=1e-8, law=law)


@check("backward", points=0.25, says="Rows that do not count have a gradient of exactly 0.")
def ignored_gradients(ask, reference, rng):
    logits, target = rows_of_logits(rng, 4, 6)
    target[[0, 2]] = IGNORE
    m, d = statistics(rng, 4)
    upstream = rng.uniform(1, 2, 4)
    arguments = (0, target, m + 9, d, upstream)
    expect(ask("gradient_block", logits, *arguments), reference.gradient_block(logits, *arguments))
    logits[0, 1], arguments[2][2] = np.nan, np.nan
    expect(ask("gradient_block", logits, *arguments), reference.gradient_block(logits, *arguments))


@check("backward", points=0.25, says="Near 10,000 and beyond the end of the row it is right.")
def hard_gradients(ask, reference, rng):
    logits, target = rows_of_logits(rng, 3, 6)
    logits += 1e4
    logits[:, 4:] = -np.inf
    arguments = (3, target, logits.max(axis=1), rng.uniform(1, 9, 3), rng.uniform(1, 2, 3))
    expect(ask("gradient_block", logits, *arguments), reference.gradient_block(logits, *arguments))


@check("backward", points=0.25, says="float16 logits get a float16 gradient; inputs stay.")
def careful_gradient(ask, reference, rng):
    logits, target = rows_of_logits(rng, 3, 8, "f2")
    m, d = statistics(rng, 3, 1.0, "f4")
    reply = ask("gradient_block", logits, 0, target, m + np.float32(4), d, np.ones(3, "f4"))
    expect(reply, reference.gradient_block(*reply.arguments))
    expect_dtype(reply, "float16")
    expect_unchanged(reply)


def linear_batch(rng, rows, features, classes):
    """Features, a weight, and targets some of which do not count."""
    target = rng.integers(0, classes, rows)
    target[rng.permutation(rows)[: rows // 3]] = IGNORE
    return numbers(rng, (rows, features)), numbers(rng, (classes, features)), target


def in_chunks(ask, x, weight, target, chunk):
    """Loss, dx and dW of a batch that is handed out a chunk of rows at a time."""
    scale = 1 / max(np.count_nonzero(target != IGNORE), 1)
    loss, pieces, dw = 0.0, [], np.zeros(weight.shape)
    for start in range(0, len(x), chunk):
        rows = slice(start, start + chunk)
        reply = ask("chunk_step", x[rows], weight, target[rows], scale, dw)
        more, dx, dw = value_like(reply, (0.0, x[rows], dw))
        loss += more
        pieces.append(dx)
    return reply, (loss, np.concatenate(pieces), dw)


def at_once(x, weight, target):
    """The same of the whole batch in one piece."""
    loss, gradient = whole(x @ weight.T, target)
    count = max(np.count_nonzero(target != IGNORE), 1)
    return loss.sum() / count, gradient @ weight / count, gradient.T @ x / count


def expect_batch(ask, x, weight, target, chunk):
    """All chunks together are the batch in one piece."""
    reply, together = in_chunks(ask, x, weight, target, chunk)
    law = f"the {-(-len(x) // chunk)} chunks together are not the batch in one piece"
    for mine, right in zip(together, at_once(x, weight, target), strict=True):
        expect(replace(reply, value=mine), right, law=law)


@check("chunks", points=0.5, says="The chunk is the largest that fits, to the byte.")
def exact_chunks(ask, reference, rng):
    for _ in range(4):
        rows, features, classes = (int(rng.integers(low, 2 * low)) for low in (200, 2, 200))
        kept = 4 * (rows + classes) * features
        fit = int(rng.integers(2, 9))
        for budget in (kept + 4 * fit * classes, kept + 4 * (fit + 1) * classes - 1):
            expect(ask("largest_chunk", rows, features, classes, budget), fit)
        expect(ask("largest_chunk", rows, features, classes, 10**8), rows)
        too_small = (rows, features, classes, kept + 4 * classes - 1)
        why = "the budget has no room for a row of logits"
        expect_refusal(ask, "largest_chunk", *too_small, error="ValueError", why=why)


@check("chunks", points=0.75, says="A batch handed out within your own budget has the right loss.")
def within_the_budget(ask, reference, rng):
    rows, features, classes = int(rng.integers(60, 80)), 2, 20
    fit = int(rng.integers(3, 5))
    budget = 4 * ((rows + classes) * features + fit * classes)
    expect(ask("largest_chunk", rows, features, classes, budget), fit)
    expect_batch(ask, *linear_batch(rng, rows, features, classes), fit)


@check(
    "chunks", points=0.25, says="Law: wherever the batch is cut, loss and gradients are the same."
)
def cut_anywhere(ask, reference, rng):
    x, weight, target = linear_batch(rng, 8, 4, 5)
    for chunk in (1, 3, 8):
        expect_batch(ask, x, weight, target, chunk)


@check("chunks", points=0.25, says="Large logits and chunks in which nothing counts are right.")
def hard_chunks(ask, reference, rng):
    x, weight, target = linear_batch(rng, 4, 3, 5)
    arguments = (300 * x, weight, target, 0.25, np.ones((5, 3)))
    expect(ask("chunk_step", *arguments), reference.chunk_step(*arguments))
    arguments = (x, weight, np.full(4, IGNORE), 0.25, numbers(rng, (5, 3)))
    expect(ask("chunk_step", *arguments), (0.0, np.zeros((4, 3)), arguments[-1]))


@check("chunks", points=0.25, says="float16 features add up in float32; inputs are left unchanged.")
def careful_chunk(ask, reference, rng):
    x, weight = numbers(rng, (3, 4), 1.0, "f2"), numbers(rng, (6, 4), 1.0, "f2")
    dw = numbers(rng, (6, 4), 50.0, "f4")
    reply = ask("chunk_step", x, weight, rng.integers(0, 6, 3), 0.1, dw)
    right = reference.chunk_step(*reply.arguments)
    expect(reply, right)
    expect_unchanged(reply)
    for part, dtype in zip(reply.value[1:], ("float16", "float32"), strict=True):
        expect_dtype(replace(reply, value=part), dtype)


@check("bytes", points=0.25, says="Forward and backward, alone and one after the other.")
def kernels(ask, reference, rng):
    expect_traffic(ask, reference, rng, "forward", "backward", "two kernels")


@check("bytes", points=0.25, says="One launch.")
def one_launch(ask, reference, rng):
    expect_traffic(ask, reference, rng, "one launch")


@check("bytes", points=0.25, says="Step by step, with and without the logarithm of the softmax.")
def step_by_step(ask, reference, rng):
    expect_traffic(ask, reference, rng, "eager", "naive")


@check("bytes", points=0.25, says="The detour through float32.")
def detour(ask, reference, rng):
    expect_traffic(ask, reference, rng, "cast")


def expect_traffic(ask, reference, rng, *programs):
    for program in programs:
        for itemsize in (2, 4):
            shape = int(rng.integers(2, 99)), int(rng.integers(100, 999))
            right = reference.bytes_moved(program, *shape, itemsize)
            expect(ask("bytes_moved", program, *shape, itemsize), right)
