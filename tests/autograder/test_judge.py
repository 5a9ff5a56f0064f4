"""Points, sentences, and what becomes of answers that cannot be trusted."""

import dataclasses

import numpy as np
import pytest

from autograder import bank
from autograder.checks import Check, expect
from autograder.judge import OUR_FAULT, judge, notebook_seed
from autograder.kernel import LocalAsk

PROBLEM = bank.load(bank.SOLUTIONS / "01_mse_gradient")
SEED = notebook_seed(b"secret of the course", b"a notebook")


class Recorder:
    """Answers like the solution and keeps the questions."""

    def __init__(self):
        self.ask = LocalAsk(PROBLEM.namespace())
        self.questions = []

    def __call__(self, function, *arguments):
        self.questions.append(f"{function} {[np.asarray(a).tolist() for a in arguments]}")
        return self.ask(function, *arguments)


def questions(seed):
    recorder = Recorder()
    judge(PROBLEM, recorder, seed)
    return recorder.questions


def with_functions(**functions):
    return LocalAsk(PROBLEM.namespace() | functions)


def test_written_parts_are_left_to_a_person():
    assert "written" not in judge(PROBLEM, Recorder(), SEED)


def test_a_regrade_asks_the_same_and_scores_the_same():
    assert questions(SEED) == questions(SEED)
    ask = with_functions(mse=lambda prediction, target: 0.0)
    assert judge(PROBLEM, ask, SEED) == judge(PROBLEM, ask, SEED)


def test_another_secret_or_another_notebook_gets_other_inputs():
    seeds = [
        SEED,
        notebook_seed(b"another secret", b"a notebook"),
        notebook_seed(b"secret of the course", b"another notebook"),
    ]
    asked = [questions(seed) for seed in seeds]
    assert asked[0] != asked[1] != asked[2] != asked[0]


def test_every_check_draws_inputs_of_its_own():
    drawn = []

    def draw(ask, reference, rng):
        drawn.append(rng.random())

    checks = [Check(part, 1, "Draws.", draw) for part in ("value", "value", "gradient")]
    judge(dataclasses.replace(PROBLEM, checks=tuple(checks)), Recorder(), SEED)
    assert len(set(drawn)) == 3


def test_nothing_written_scores_nothing_and_says_so():
    def stub(*arguments):
        raise NotImplementedError

    ask = with_functions(mse=stub, mse_gradient=stub, top_share=stub)
    for score in judge(PROBLEM, ask, SEED).values():
        assert score.earned == 0
        assert all(line.why.endswith("is not written yet.") for line in score.lines)
        assert score.misconception is None


def test_a_missing_function_scores_nothing_and_says_so():
    for score in judge(PROBLEM, LocalAsk({}), SEED).values():
        assert score.earned == 0
        assert all("is not defined" in line.why for line in score.lines)


def test_an_error_of_the_student_is_a_sentence():
    score = judge(PROBLEM, with_functions(mse=lambda p, t: 1 / 0), SEED)["value"]
    assert score.earned == 0
    assert "mse raised ZeroDivisionError" in score.lines[0].why
    assert not score.faults


def test_right_on_the_first_call_only_earns_nothing():
    right = PROBLEM.reference.mse
    calls = []

    def mse(prediction, target):
        calls.append(1)
        return right(prediction, target) + (len(calls) % 3 == 0)  # warm-up, answer, repeat

    assert judge(PROBLEM, with_functions(mse=mse), SEED)["value"].earned == 0


def test_now_and_then_inconsistent_earns_nothing_in_the_part():
    right = PROBLEM.reference.mse
    calls = []

    def mse(prediction, target):
        calls.append(1)
        return right(prediction, target) + (len(calls) == 30)

    scores = judge(PROBLEM, with_functions(mse=mse), SEED)
    assert scores["value"].earned == 0
    assert all(line.why for line in scores["value"].lines)
    assert scores["share"].earned == 3


def test_half_a_solution_earns_part_of_the_points():
    vectors_only = PROBLEM.namespace()["mse_gradient"]

    def mse_gradient(prediction, target):
        return vectors_only(prediction, target) * (1 if prediction.ndim == 1 else 2)

    score = judge(PROBLEM, with_functions(mse_gradient=mse_gradient), SEED)["gradient"]
    assert score.earned == 2.5
    assert [line.points for line in score.lines] == [1, 0, 0.5, 0.5, 0.5]


def test_our_own_mistake_gives_nobody_points_and_is_shown_to_the_instructor():
    def broken(ask, reference, rng):
        expect(ask("mse", np.ones(2), np.ones(2)), reference.no_such_function())

    checks = (*PROBLEM.checks[1:], Check("value", 0.75, "Broken.", broken))
    problem = dataclasses.replace(PROBLEM, checks=checks)
    score = judge(problem, LocalAsk(problem.namespace()), SEED)["value"]
    assert score.earned == 1.25
    assert score.lines[-1].why == OUR_FAULT
    assert "no_such_function" in score.faults[0]


def test_a_mistake_in_another_hand_is_recognised():
    """Written differently, in other types, the same misconception gets the same name."""

    def mse_gradient(prediction, target):
        gradient = [p - t for p, t in zip(prediction.ravel(), target.ravel(), strict=True)]
        return np.array(gradient, "f8").reshape(prediction.shape) / prediction.size

    score = judge(PROBLEM, with_functions(mse_gradient=mse_gradient), SEED)["gradient"]
    assert score.misconception.name == "the two is missing"


@pytest.mark.parametrize("words", [(), ("these are not of one shape",)])
def test_a_mistake_has_its_name_whatever_the_words_of_an_error(words):
    def mse(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError(*words)
        return np.mean((prediction - target) ** 2) / 2

    score = judge(PROBLEM, with_functions(mse=mse), SEED)["value"]
    assert score.misconception.name == "half squared error"


def test_a_mistake_of_ones_own_gets_no_name():
    ask = with_functions(mse_gradient=lambda prediction, target: prediction * 0.3)
    assert judge(PROBLEM, ask, SEED)["gradient"].misconception is None


@pytest.mark.parametrize(
    "earned", [score.earned for score in judge(PROBLEM, Recorder(), SEED).values()]
)
def test_points_are_plain_numbers(earned):
    assert type(earned) is float


@pytest.mark.parametrize("number", [0.0, 1.0, 1e300, np.nan, np.inf])
@pytest.mark.parametrize("name", ["01_mse_gradient", "02_mae_subgradient", "07_infonce"])
def test_functions_of_one_number_earn_nothing_by_laws(name, number):
    problem = bank.load(bank.SOLUTIONS / name)
    solution = LocalAsk(problem.namespace())

    def constant(value):
        if isinstance(value, tuple):
            return tuple(map(constant, value))
        return np.full(np.shape(value), number)[()]

    def ask(function, *arguments):
        answer = solution(function, *arguments)
        value = constant(answer.value)
        return dataclasses.replace(answer, value=value, repeat=value)

    says = [
        line.says
        for score in judge(problem, ask, SEED).values()
        for line in score.lines
        if line.points
    ]
    assert not [text for text in says if text.startswith("Law: ")]
