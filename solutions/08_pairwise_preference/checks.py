"""What 08 is graded on."""

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


def pairs(rng, n, beta=1.0):
    """Log-probabilities of answers of different lengths, with margins of a few units."""
    reference = -rng.uniform(5, 60, (n, 1)) + numbers(rng, (n, 2), 2 / beta)
    return reference + numbers(rng, (n, 2), 1.5 / beta) + rng.uniform(-0.5, 0.5), reference


def with_margin(rng, h, beta):
    """Pairs whose margins are `h`."""
    _, reference = pairs(rng, h.size)
    policy = reference + rng.uniform(-3, 3)
    # The rejected answer stays where it is, so that the margin comes out to the last digit or so.
    policy[:, 0] += h / beta
    return policy, reference


def some_beta(rng):
    return float(rng.choice([0.05, 0.1, 0.4, 0.75, 2.5]) * rng.uniform(0.9, 1.1))


def answers(rng, rows, width, dtype="f8"):
    """Log-probabilities of tokens: a prompt in front, the answer, padding behind."""
    tokens = -rng.exponential(2.0, (rows, width)).astype(dtype)
    start = rng.integers(0, width // 2, rows)[:, None]
    stop = start + 1 + rng.integers(0, width // 2, rows)[:, None]
    place = np.arange(width)
    mask = (start <= place) & (place < stop)
    mask[0] = (place > 0) & (place < width - 1)
    return tokens, mask


@check("sequences", points=0.5, says="The log-probability of an answer is right.")
def ordinary_answers(ask, reference, rng):
    for rows, width in ((1, 4), (3, 5), (7, 12)):
        tokens, mask = answers(rng, rows, width)
        expect(
            ask("sequence_log_probability", tokens, mask),
            reference.sequence_log_probability(tokens, mask),
        )


@check("sequences", points=0.25, says="Nonsense in prompt and padding is ignored, NaN is not.")
def masked_nonsense(ask, reference, rng):
    tokens, mask = answers(rng, 4, 6)
    right = reference.sequence_log_probability(tokens, mask)
    spoiled = np.where(mask, tokens, rng.choice([np.nan, -np.inf], size=tokens.shape))
    expect(ask("sequence_log_probability", spoiled, mask), right)
    spoiled[0, 1] = np.nan
    expect(
        ask("sequence_log_probability", spoiled, mask),
        reference.sequence_log_probability(spoiled, mask),
    )


@check("sequences", points=0.25, says="An empty answer has 0; float32 and inputs are kept right.")
def careful_answers(ask, reference, rng):
    tokens, mask = answers(rng, 3, 6, "f4")
    mask[1] = False
    reply = ask("sequence_log_probability", tokens, mask)
    expect(reply, reference.sequence_log_probability(tokens, mask))
    expect_dtype(reply, "float32")
    expect_unchanged(reply)


@check("value", points=0.75, says="The margin is right, for any β.")
def ordinary_margins(ask, reference, rng):
    for n in sizes(rng, 7):
        beta = some_beta(rng)
        policy, frozen = pairs(rng, n, beta)
        expect(ask("margin", policy, frozen, beta), reference.margin(policy, frozen, beta))


@check("value", points=0.75, says="The loss is right, for any β.")
def ordinary_losses(ask, reference, rng):
    for n in sizes(rng, 7):
        beta = some_beta(rng)
        policy, frozen = pairs(rng, n, beta)
        expect(ask("dpo_loss", policy, frozen, beta), reference.dpo_loss(policy, frozen, beta))


@check("value", points=0.5, says="Margins of ±900 and of 30 lose neither range nor digits.")
def far_margins(ask, reference, rng):
    for size in (900, 30, 300):
        for h in (np.array([-1.0 * size]), np.full(3, -1.0 * size), np.array([1.0 * size])):
            beta = some_beta(rng)
            policy, frozen = with_margin(rng, h, beta)
            # Rounding of the margin itself, about 1e-13, comes out in the loss.
            right = reference.dpo_loss(policy, frozen, beta)
            expect(ask("dpo_loss", policy, frozen, beta), right, rtol=1e-8)


@check("value", points=0.25, says="Law: a number added to both answers of a pair changes nothing.")
def prompts_cancel(ask, reference, rng):
    beta = some_beta(rng)
    policy, frozen = pairs(rng, 6, beta)
    right = reference.dpo_loss(policy, frozen, beta)
    prompt = 10 * numbers(rng, (6, 1))
    expect(ask("dpo_loss", policy + prompt, frozen, beta), right)
    expect(ask("dpo_loss", policy, frozen + prompt, beta), right)
    expect(ask("dpo_loss", frozen + prompt, frozen, beta), np.log(2))


@check("value", points=0.25, says="β ≤ 0 is refused; NaN, float32 and inputs are treated right.")
def careful_value(ask, reference, rng):
    policy, frozen = pairs(rng, 4)
    reply = ask("dpo_loss", policy, frozen, 0.5)
    expect(reply, reference.dpo_loss(policy, frozen, 0.5))
    expect_unchanged(reply)
    reply = ask("margin", policy.astype("f4"), frozen.astype("f4"), 0.5)
    expect_dtype(reply, "float32")
    expect_unchanged(reply)
    for function in ("margin", "dpo_loss"):
        for beta in (0.0, -some_beta(rng)):
            expect_refusal(
                ask, function, policy, frozen, beta, error="ValueError", why="β is not positive"
            )
    policy[1, 0] = np.nan
    expect(ask("dpo_loss", policy, frozen, 0.5), np.nan)


@check("gradient", points=0.75, says="The gradient is right, for any β.")
def ordinary_gradients(ask, reference, rng):
    for n in sizes(rng, 7):
        beta = some_beta(rng)
        policy, frozen = pairs(rng, n, beta)
        right = reference.dpo_gradient(policy, frozen, beta)
        expect(ask("dpo_gradient", policy, frozen, beta), right)


@check(
    "gradient", points=0.75, says="Far margins: no NaN, and tiny gradients to their last digits."
)
def far_gradients(ask, reference, rng):
    for size in (900, 30, 300):
        for sign in (-1, 1):
            beta = some_beta(rng)
            policy, frozen = with_margin(rng, np.full(2, sign * float(size)), beta)
            right = reference.dpo_gradient(policy, frozen, beta)
            expect(ask("dpo_gradient", policy, frozen, beta), right, rtol=1e-8)


@check("gradient", points=0.5, says="Law: the gradient predicts how your own dpo_loss changes.")
def predicts_the_change(ask, reference, rng):
    for n in (1, 5):
        beta = some_beta(rng)
        policy, frozen = pairs(rng, n, beta)
        for _ in range(2):
            step = numbers(rng, (n, 2), 1e-4 / beta)
            expect_promised_change(ask, "dpo_loss", "dpo_gradient", step, policy, frozen, beta)


@check("gradient", points=0.25, says="Law: both answers are pushed equally hard, at most by β/n.")
def equal_and_opposite(ask, reference, rng):
    beta = some_beta(rng)
    policy, frozen = with_margin(rng, numbers(rng, 8, 6), beta)
    gradient = ask("dpo_gradient", policy, frozen, beta)
    expect(gradient, reference.dpo_gradient(policy, frozen, beta))
    law = "what raises the chosen answer does not lower the rejected one as much"
    expect(gradient, -gradient.value[:, ::-1], law=law)


@check("gradient", points=0.25, says="float32 stays float32, and inputs are left unchanged.")
def careful_gradient(ask, reference, rng):
    policy, frozen = (array.astype("f4") for array in pairs(rng, 5))
    reply = ask("dpo_gradient", policy, frozen, 0.5)
    expect(reply, reference.dpo_gradient(policy, frozen, 0.5))
    expect_dtype(reply, "float32")
    expect_unchanged(reply)


@check("rescale", points=0.75, says="The pull of a pair is right, near and far.")
def pulls(ask, reference, rng):
    for n in sizes(rng, 7):
        beta = some_beta(rng)
        policy, frozen = pairs(rng, n, beta)
        expect(ask("pull", policy, frozen, beta), reference.pull(policy, frozen, beta))
    for size in (-900.0, 30.0, 900.0):
        policy, frozen = with_margin(rng, np.full(2, size), 0.5)
        right = reference.pull(policy, frozen, 0.5)
        expect(ask("pull", policy, frozen, 0.5), right, rtol=1e-8)


@check("rescale", points=0.75, says="So is the preference of the reference behind a given pull.")
def references(ask, reference, rng):
    for n in sizes(rng, 7):
        beta, share = some_beta(rng), float(rng.uniform(0.05, 0.95))
        policy, _ = pairs(rng, n, beta)
        right = reference.reference_margin(policy, share, beta)
        expect(ask("reference_margin", policy, share, beta), right)


@check("rescale", points=0.25, says="Law: a reference with that preference gives that pull.")
def there_and_back(ask, reference, rng):
    for share in (0.5, *rng.uniform(0.05, 0.95, 2)):
        beta = some_beta(rng)
        policy, _ = pairs(rng, 5, beta)
        preference = ask("reference_margin", policy, float(share), beta)
        expect(preference, np.broadcast_to(preference.value, 5))
        rejected = numbers(rng, 5, 10.0)
        frozen = np.stack([rejected + preference.value, rejected], axis=1)
        law = "your pull is not the share that was put into reference_margin"
        expect(ask("pull", policy, frozen, beta), np.full(5, share), rtol=1e-8, law=law)


@check("rescale", points=0.25, says="Shares of 0, 1 and 1e-15, float32 and inputs are right.")
def careful_references(ask, reference, rng):
    policy, frozen = pairs(rng, 3)
    for share in (0.0, 1.0, 1e-15):
        reply = ask("reference_margin", policy, share, 0.5)
        expect(reply, reference.reference_margin(policy, share, 0.5))
        expect_unchanged(reply)
    reply = ask("pull", policy, frozen, 0.5)
    expect(reply, reference.pull(policy, frozen, 0.5))
    expect_unchanged(reply)
    policy, frozen = policy.astype("f4"), frozen.astype("f4")
    expect_dtype(ask("pull", policy, frozen, 0.5), "float32")
    expect_dtype(ask("reference_margin", policy, 0.75, 0.5), "float32")
