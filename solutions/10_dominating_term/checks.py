"""What 10 is graded on."""

import numpy as np

from autograder.checks import (
    Failure,
    check,
    expect,
    expect_dtype,
    expect_unchanged,
    numbers,
    value_like,
)

LEAST_FOUND = 0.95
MOST_FALSE_ALARMS = 0.05


def gradients(rng, *shape, scale=1.0):
    """Gradients of very different lengths, the last one exactly zero where there are several."""
    g = numbers(rng, shape) * scale * 10 ** rng.uniform(-2, 2, (*shape[:-1], 1))
    if shape[-2] > 2:
        g[..., -1, :] = 0
    return g


def weights(rng, terms):
    return 10 ** rng.uniform(-2, 2, terms)


def half_dominated(reference, rng, count, healthy=None, dominated=None):
    """Runs of these kinds in turn, by default of all; every other one is dominated."""
    kinds = healthy or reference.HEALTHY, dominated or reference.DOMINATED
    return [reference.draw_run(rng, kinds[i % 2][i // 2 % len(kinds[i % 2])]) for i in range(count)]


def diagnosed(ask, log):
    """The student's answer for a run: a whole number from -1 on, below the number of terms."""
    reply = ask("dominating_term", *log)
    value = value_like(reply, 0)
    expect_unchanged(reply)
    if value not in range(-1, log[2].size):
        raise Failure(f"{reply.inputs}, the answer is neither -1 nor the index of a term.")
    return int(value)


def tried(ask, reference, runs):
    """Detections and false alarms both count."""
    found, alarms = reference.rates(lambda *log: diagnosed(ask, log), runs)
    if found < LEAST_FOUND or alarms > MOST_FALSE_ALARMS:
        raise Failure(
            f"Of {len(runs)} runs, you name the right term in {found:.0%} of the dominated ones "
            f"and raise a false alarm in {alarms:.0%} of the healthy ones; at least "
            f"{LEAST_FOUND:.0%} and at most {MOST_FALSE_ALARMS:.0%} are asked for."
        )


@check("norms", points=1, says="The lengths of the weighted gradients are right.")
def ordinary_lengths(ask, reference, rng):
    for steps, terms, parameters in ((1, 1, 1), (3, 2, 5), (7, 4, 30)):
        g, w = gradients(rng, steps, terms, parameters), weights(rng, terms)
        expect(ask("gradient_norms", g, w), reference.gradient_norms(g, w))


@check("norms", points=0.5, says="Entries of 1e200 and of 1e-200 have ordinary lengths.")
def extreme_lengths(ask, reference, rng):
    for scale in (1e200, 1e-200):
        g, w = gradients(rng, 4, 3, 6, scale=scale), weights(rng, 3)
        expect(ask("gradient_norms", g, w), reference.gradient_norms(g, w))


@check("norms", points=0.25, says="No length is negative, float32 stays so, and a NaN comes out.")
def careful_lengths(ask, reference, rng):
    g, w = gradients(rng, 3, 4, 5), weights(rng, 4) * np.array([1, -1, -1, 1])
    expect(ask("gradient_norms", g, w), reference.gradient_norms(g, w))
    expect_dtype(ask("gradient_norms", g.astype("f4"), w.astype("f4")), "float32")
    g[1, 2, 3] = np.nan
    expect(ask("gradient_norms", g, w), reference.gradient_norms(g, w))


@check(
    "norms", points=0.25, says="Law: turning all gradients alike changes no length; inputs stay."
)
def turned_lengths(ask, reference, rng):
    g, w = gradients(rng, 3, 2, 6), weights(rng, 2)
    turn, _ = np.linalg.qr(numbers(rng, (6, 6)))
    reply = ask("gradient_norms", g @ turn, w)
    expect(reply, reference.gradient_norms(g, w))
    expect_unchanged(reply)


@check("conflicts", points=1, says="The table of cosines is right.")
def ordinary_cosines(ask, reference, rng):
    for terms, parameters in ((1, 3), (2, 2), (5, 8), (3, 40)):
        g = numbers(rng, (terms, parameters))
        expect(ask("cosines", g), reference.cosines(g))


@check("conflicts", points=0.5, says="Law: no length matters, be it 1e200 or 1e-200.")
def any_length(ask, reference, rng):
    g = numbers(rng, (4, 6))
    right = reference.cosines(g)
    for lengths in (np.full(4, 1e200), np.full(4, 1e-200), 10 ** rng.uniform(-30, 30, 4)):
        expect(ask("cosines", g * lengths[:, None]), right)


@check(
    "conflicts", points=0.5, says="A gradient of zero has cosines of 0; float32 and inputs stay."
)
def no_direction(ask, reference, rng):
    g = gradients(rng, 4, 5)
    reply = ask("cosines", g)
    expect(reply, reference.cosines(g))
    expect_unchanged(reply)
    expect_dtype(ask("cosines", g.astype("f4")), "float32")


# How sure the behaviour is graded: share of dominated runs found and of false alarms, as mean ±
# standard deviation of 200 judgements, and how often each of the four checks below was passed.
# At least 0.95 and at most 0.05 are asked for. tests/solutions/test_behaviour.py measures again.
#
#                              100 runs of all kinds              passed, check by check
#                              found           false alarms
# the solution                 1.000 ± 0.000   0.000 ± 0.000      1     1     1     1
# least of the accepted        1.000 ± 0.001   0.000 ± 0.001      1     1     1     1
# largest value                0.048 ± 0.030   0.434 ± 0.059      0     0     0     0
# largest weighted value       0.119 ± 0.043   0.772 ± 0.056      0     0     0     0
# gradients without weights    0.551 ± 0.069   0.686 ± 0.062      0     0     0     0
# never an alarm               0.000 ± 0.000   0.000 ± 0.000      0     0     0     0
# always an alarm              1.000 ± 0.000   1.000 ± 0.000      0     0     0     0
# mean over the run            1.000 ± 0.002   0.399 ± 0.004      0     0     1     0
# last step                    0.931 ± 0.030   0.056 ± 0.030      0.11  0     0.99  0.16
#
# Without an error in 26 000 dominated and 26 000 healthy runs, the solution's rate of error is
# below 1.2e-4 (at 95 %); the check with the fewest runs is then passed with a probability above
# 1 - 6e-6. A diagnosis by values passes the first check with a probability below 1e-12.
@check("diagnosis", points=1.5, says="All kinds of runs: terms are found, alarms are true.")
def all_kinds(ask, reference, rng):
    tried(ask, reference, half_dominated(reference, rng, 100))


@check("diagnosis", points=1, says="Loud starts and outliers, late and interrupted domination.")
def over_time(ask, reference, rng):
    kinds = ("loud start", "outliers"), ("late", "interrupted")
    tried(ask, reference, half_dominated(reference, rng, 60, *kinds))


@check("diagnosis", points=1, says="Values that mislead, and duels.")
def misleading(ask, reference, rng):
    kinds = ("large value", "duel"), ("smallest value", "throughout")
    tried(ask, reference, half_dominated(reference, rng, 60, *kinds))


@check("diagnosis", points=0.5, says="Law: the units of the terms change no answer.")
def any_unit(ask, reference, rng):
    runs = half_dominated(reference, rng, 40)
    tried(ask, reference, runs)
    for (values, g, w), _ in runs[:20]:
        c = 10 ** rng.uniform(-3, 3, w.size)
        before = diagnosed(ask, (values, g, w))
        if diagnosed(ask, (values * c, g * c[:, None], w / c)) != before:
            raise Failure("Measured in other units, the same run gets another diagnosis.")
