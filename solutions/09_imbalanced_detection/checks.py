"""What 09 is graded on."""

import numpy as np

from autograder.checks import Failure, check, expect_unchanged, numbers, value_like

COMMON = (0.01, 0.03)
RARE = (0.005, 0.01)
LEAST_GAIN = {COMMON: 0.1, RARE: 0.05}


def usable(reply, shape):
    """The answer as finite numbers of this shape."""
    value = value_like(reply, np.zeros(shape)).astype(float)
    if not np.all(np.isfinite(value)):
        raise Failure(f"{reply.inputs}, the answer of {reply.function} is not finite.")
    return value


def batch(rng, n, objects):
    """Logits of both signs, and labels with so many objects, in any order."""
    return numbers(rng, n, 1.5), (rng.permutation(n) < objects).astype(float)


def tells_apart(ask, n, objects, rng):
    """Of windows with one score, objects are raised and the others lowered: no loss is constant."""
    _, labels = batch(rng, n, objects)
    reply = ask("detection_gradient", np.zeros(n), labels)
    gradient = usable(reply, (n,))
    if np.any(gradient[labels == 1] >= 0) or np.any(gradient[labels == 0] <= 0):
        raise Failure(
            "Where all windows have the same score, your gradient does not raise the score of "
            "every object and lower that of every other window."
        )


def compared(ask, reference, rng, priors):
    """The student's gain in average precision and added calibration error, over 12 tasks."""

    def asked(function):
        return lambda logits, other: usable(ask(function, logits, other), logits.shape)

    return reference.compare_with_bce(
        asked("detection_gradient"), asked("probability"), rng, priors
    )


def ranks(gained, priors):
    """The gain in average precision reaches the margin."""
    if not gained >= LEAST_GAIN[priors]:
        raise Failure(
            f"With {priors[0]:.1%} to {priors[1]:.1%} of objects, your average precision is "
            f"{gained:+.3f} above that of cross-entropy; {LEAST_GAIN[priors]} is asked for."
        )


@check("functions", points=1, says="Law: the gradient predicts how your own loss changes.")
def predicts_the_change(ask, reference, rng):
    tells_apart(ask, 12, 2, rng)
    for n, objects in ((2, 1), (9, 3), (60, 2)):
        logits, labels = batch(rng, n, objects)
        gradient = usable(ask("detection_gradient", logits, labels), (n,))
        for _ in range(2):
            step = numbers(rng, n, 1e-4)
            there = usable(ask("detection_loss", logits + step, labels), ())
            back = usable(ask("detection_loss", logits - step, labels), ())
            rise, promised = there - back, 2 * np.sum(gradient * step)
            # The curvature cancels; what is left is of third order, and rounding.
            if abs(rise - promised) > 1e-4 * np.sum(np.abs(gradient * step)) + 1e-12 * abs(there):
                raise Failure("Your loss does not change as your gradient promises.")


@check("functions", points=1, says="Loss and gradient are finite for every batch and all logits.")
def finite_everywhere(ask, reference, rng):
    n = int(rng.integers(10, 30))
    for objects in (0, n, 1):
        logits, labels = batch(rng, n, objects)
        for size in (1.0, 1e4 / np.max(np.abs(logits))):
            usable(ask("detection_loss", size * logits, labels), ())
            usable(ask("detection_gradient", size * logits, labels), (n,))
    for label in (0.0, 1.0):
        usable(
            ask("detection_gradient", np.array([1e4 * (1 - 2 * label)]), np.array([label])), (1,)
        )
    tells_apart(ask, n, 1, rng)


@check("functions", points=0.5, says="Probabilities lie in [0, 1] and never fall.")
def probabilities(ask, reference, rng):
    # Sorted all together: some of the random logits lie beyond the fixed ones.
    logits = np.sort(np.concatenate([[-1e4, -20, -8], numbers(rng, 30, 3.0), [8, 20, 1e4]]))
    for prior in (0.5, 0.02, float(rng.uniform(0.001, 0.05))):
        answer = usable(ask("probability", logits, prior), logits.shape)
        if np.any((answer < 0) | (answer > 1)):
            raise Failure("Some of your probabilities lie outside of [0, 1].")
        if np.any(np.diff(answer) < -1e-12):  # more than rounding
            raise Failure("Your probabilities do not rise with the logit.")
        if answer[0] > 0.01 or answer[-1] < 0.99:
            raise Failure("Far out, your probabilities do not come near 0 and 1.")


@check("functions", points=0.5, says="Logits and labels are left unchanged.")
def pure(ask, reference, rng):
    logits, labels = batch(rng, 9, 2)
    tells_apart(ask, 9, 2, rng)
    for function, other in (
        ("detection_loss", labels),
        ("detection_gradient", labels),
        ("probability", 0.02),
    ):
        expect_unchanged(ask(function, logits, other))


# How sure the behaviour is graded: mean ± standard deviation of 200 judgements (one judgement is
# itself a mean over 12 tasks), and the probability of passing that follows for a normal
# distribution. tests/solutions/test_behaviour.py measures again on fewer.
#
#                                 gain, common       gain, rare         added error, common
# asked for                       at least 0.1       at least 0.05      at most 0, and the gain
# the solution                    +0.299 ± 0.016     +0.233 ± 0.023     -0.0064 ± 0.0013
#   passes with probability       over 1 - 1e-12     over 1 - 1e-12     1 - 4e-7
# least of the accepted (squares) +0.252 ± 0.022     +0.152 ± 0.021     -0.0046 ± 0.0013
#   passes with probability       1 - 2e-12          1 - 6e-7           1 - 2e-4
# plain cross-entropy, also ×10   +0.000 ± 0.000     +0.000 ± 0.000     0, without the gain
#   passes with probability       0                  0                  0
# focal loss alone                -0.036 ± 0.009     -0.003 ± 0.001     +0.0830 ± 0.0030
#   passes with probability       below 1e-12        below 1e-12        below 1e-12
# squared error of probabilities  -0.023 ± 0.025     -0.023 ± 0.009     without the gain
#   passes with probability       4e-7               below 1e-12        4e-7
# constant, accuracy, the prior   -0.088 ± 0.021     -0.025 ± 0.009     without the gain
#   pass with probability         below 1e-12        below 1e-12        below 1e-12
# weights, read as trained        +0.261 ± 0.016     +0.189 ± 0.023     +0.2690 ± 0.0123
#   passes with probability       over 1 - 1e-12     1 - 8e-10          below 1e-12
@check("ranking", points=2, says="Objects are found: 1 to 3 %.")
def finds_objects(ask, reference, rng):
    gained, _ = compared(ask, reference, rng, COMMON)
    ranks(gained, COMMON)


@check("ranking", points=1, says="Rare objects are found: 0.5 to 1 %.")
def finds_rare_objects(ask, reference, rng):
    gained, _ = compared(ask, reference, rng, RARE)
    ranks(gained, RARE)


@check("calibration", points=2, says="Probabilities are true, and tell windows apart.")
def true_probabilities(ask, reference, rng):
    gained, added = compared(ask, reference, rng, COMMON)
    ranks(gained, COMMON)
    if not added <= 0:
        raise Failure(
            f"Your calibration error is {added:.4f} above that of cross-entropy; it must not be "
            f"larger."
        )
