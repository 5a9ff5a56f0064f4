"""Problems graded by behaviour: the margins are so wide that luck decides nothing.

The comments in their `checks.py` state what was measured on 200 judgements; here it is measured
again on fewer, and the probability of passing is computed from that.
"""

import runpy
from statistics import NormalDist

import numpy as np
import pytest
from scipy.stats import binom

from autograder import bank

SURE = 1e-3
NAMES = ("09_imbalanced_detection", "10_dominating_term")
DETECTION, DOMINATING = (bank.load(bank.SOLUTIONS / name) for name in NAMES)
GRADED_09, GRADED_10 = (runpy.run_path(str(bank.SOLUTIONS / name / "checks.py")) for name in NAMES)


def design(problem, name):
    """The functions of the solution, of a mutant or of an accepted variant."""
    variants = {variant.name: variant for variant in (*problem.mutants, *problem.accepted)}
    return problem.namespace(variants[name] if name else None)


def judgements(name, priors, count=15):
    """Gains and added calibration errors of so many judgements of a design for 09."""
    mine = design(DETECTION, name)
    return np.array(
        [
            DETECTION.reference.compare_with_bce(
                lambda *arguments: np.asarray(mine["detection_gradient"](*arguments), float),
                lambda *arguments: np.asarray(mine["probability"](*arguments), float),
                np.random.default_rng([9, seed]),
                priors,
            )
            for seed in range(count)
        ]
    ).T


def above(sample, least):
    """Probability that a normal variable with the sample's mean and deviation reaches `least`."""
    return 1 - NormalDist(np.mean(sample), max(np.std(sample, ddof=1), 1e-12)).cdf(least)


@pytest.mark.parametrize("name", [None, "class weights", "weighted focal"])
def test_a_good_loss_passes_whatever_the_data(name):
    for priors, least in GRADED_09["LEAST_GAIN"].items():
        gained, added = judgements(name, priors)
        assert above(gained, least) > 1 - SURE
        if priors == GRADED_09["COMMON"]:
            assert above(-added, 0) > 1 - SURE


@pytest.mark.parametrize(
    "name",
    [
        "plain cross entropy",
        "corrected without cause",
        "focal alone",
        "squared error of probabilities",
        "constant loss",
        "accuracy",
        "always the prior",
    ],
)
def test_a_loss_that_ranks_no_better_earns_nothing_for_ranking(name):
    for priors, least in GRADED_09["LEAST_GAIN"].items():
        gained, _ = judgements(name, priors)
        assert above(gained, least) < SURE


@pytest.mark.parametrize("name", ["weighted and read as trained", "read as trained"])
def test_scores_that_are_no_probabilities_earn_nothing_for_calibration(name):
    _, added = judgements(name, GRADED_09["COMMON"])
    assert above(-added, 0) < SURE


def chance(name, kinds, runs, each=60):
    """Probability that a diagnosis passes with so many runs, from its errors on `each` of a kind.

    One error more is counted than was seen, so that a perfect record proves no perfection.
    """
    diagnosis = design(DOMINATING, name)["dominating_term"]
    passes = 1.0
    limits = GRADED_10["MOST_FALSE_ALARMS"], 1 - GRADED_10["LEAST_FOUND"]
    for half, allowed in zip(kinds, limits, strict=True):
        wrong = 0
        for kind in half:
            rng = np.random.default_rng([10, *kind.encode()])
            drawn = [DOMINATING.reference.draw_run(rng, kind) for _ in range(each)]
            wrong += sum(int(diagnosis(*log)) != truth for log, truth in drawn)
        error = min(1.0, (wrong + 1) / (each * len(half) + 1))
        passes *= binom.cdf(np.floor(allowed * (runs // 2) + 1e-9), runs // 2, error)
    return passes


ALL = DOMINATING.reference.HEALTHY, DOMINATING.reference.DOMINATED
OVER_TIME = ("loud start", "outliers"), ("late", "interrupted")
MISLEADING = ("large value", "duel"), ("smallest value", "throughout")


@pytest.mark.parametrize("name", [None, "loops", "others as a vector", "trimmed mean"])
def test_a_good_diagnosis_passes_whatever_the_runs(name):
    for kinds, runs in ((ALL, 100), (OVER_TIME, 60), (MISLEADING, 60), (ALL, 40)):
        assert chance(name, kinds, runs, each=250) > 0.99


@pytest.mark.parametrize(
    "name",
    [
        "largest value",
        "largest weighted value",
        "largest weight",
        "gradients without weights",
        "never alarmed",
        "always alarmed",
    ],
)
def test_a_diagnosis_that_ignores_the_pull_passes_nowhere(name):
    for kinds, runs in ((ALL, 100), (OVER_TIME, 60), (MISLEADING, 60), (ALL, 40)):
        assert chance(name, kinds, runs) < SURE
