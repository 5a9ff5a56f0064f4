"""Every problem keeps its promises: right styles earn everything, usual mistakes are named."""

import contextlib
import io

import numpy as np
import pytest

from autograder import bank, mistakes
from autograder.judge import judge
from autograder.kernel import LocalAsk
from lossmath.course import CheckFailed, check
from lossmath.course.student import Student

SEED = mistakes.SEED
MISTAKES = mistakes.PAGE.read_text(encoding="utf-8").splitlines()
PROBLEMS = bank.problems()


def variants(kind):
    return [
        pytest.param(problem, variant, id=f"{problem.number}-{variant.name}")
        for problem in PROBLEMS
        for variant in getattr(problem, kind)
    ]


def points(scores):
    return sum(score.earned for score in scores.values())


def reasons(scores):
    return [line.why for score in scores.values() for line in score.lines if line.why]


def full_marks(problem):
    return sum(part.points for part in problem.parts if not part.written)


def public_check(problem, namespace):
    """Whether the public checks pass, and what they print."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        try:
            eval(f"check({problem.number!r})", namespace | {"check": check})
        except CheckFailed:
            return False, printed.getvalue()
    return True, printed.getvalue()


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    """`check` keeps its progress in the working directory."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
def test_the_solution_earns_everything_whatever_the_inputs(problem):
    for seed in (SEED, b"another", b"a third"):
        scores = judge(problem, LocalAsk(problem.namespace()), seed)
        assert not reasons(scores)
        assert points(scores) == full_marks(problem)


@pytest.mark.parametrize(("problem", "variant"), variants("accepted"))
def test_a_right_solution_in_another_style_loses_nothing(problem, variant):
    for seed in (SEED, b"another", b"a third"):
        scores = judge(problem, LocalAsk(problem.namespace(variant)), seed)
        assert not reasons(scores)
        assert points(scores) == full_marks(problem)


@pytest.mark.parametrize(("problem", "variant"), variants("accepted"))
def test_a_right_solution_in_another_style_passes_in_the_notebook(problem, variant):
    passed, printed = public_check(problem, problem.namespace(variant))
    assert passed, printed


@pytest.mark.parametrize(("problem", "variant"), variants("mutants"))
def test_a_usual_mistake_loses_points_and_is_named(problem, variant):
    for seed in (SEED, b"another"):
        scores = judge(problem, LocalAsk(problem.namespace(variant)), seed)
        assert points(scores) <= full_marks(problem) - 0.25
        named = {score.misconception for score in scores.values() if score.misconception}
        assert variant in named
        assert not any(score.faults for score in scores.values())
        if seed == SEED:
            assert mistakes.row(variant, scores) in MISTAKES


def test_the_page_of_mistakes_holds_no_others():
    rows = [line for line in MISTAKES if line.startswith("| ")]
    heads = len(PROBLEMS)
    assert len(rows) == heads + sum(len(problem.mutants) for problem in PROBLEMS)


@pytest.mark.parametrize(("problem", "variant"), variants("mutants"))
def test_a_usual_mistake_is_named_in_the_notebook_too(problem, variant):
    passed, printed = public_check(problem, problem.namespace(variant))
    assert not passed
    forgets_to_forget = "FAIL" in printed and "\n        then " in printed
    assert variant.says in printed or forgets_to_forget


def test_a_reading_is_no_mistake_beside_a_loss_that_needs_no_other():
    """Cross-entropy is read as it was trained; that its logarithms overflow is another matter."""
    (detection,) = bank.chosen(["09"])
    namespace = detection.namespace()
    sigmoid, gradient = namespace["sigmoid"], namespace["bce_gradient"]

    def loss(logits, labels):
        p = sigmoid(logits)
        return -np.mean(labels * np.log(p) + (1 - labels) * np.log(1 - p))

    def reading(logits, prior):
        return sigmoid(logits)

    design = {"detection_loss": loss, "detection_gradient": gradient, "probability": reading}
    _, printed = public_check(detection, namespace | design)
    assert "your detection_loss gives inf" in printed
    assert "usual mistake:" not in printed


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
def test_no_two_mistakes_tell_the_student_the_same(problem):
    sentences = [mutant.says for mutant in problem.mutants]
    assert len(set(sentences)) == len(sentences)
    assert all(sentence.endswith(".") for sentence in sentences)


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
def test_the_published_data_holds_no_fingerprint_of_the_right_answers(problem):
    right = Student(problem.namespace())
    for function in problem.published.inputs:
        own = problem.published.fingerprint_of(right, function)
        for misconception in problem.published.misconceptions:
            assert misconception.fingerprints.get(function) != own


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
def test_the_statement_shows_every_worked_example(problem):
    """Numbers of an example stand in the markdown before the cell that asks for them."""
    text = "\n".join(c.source for c in problem.notebook.cells if c.cell_type == "markdown")
    for part in problem.published.parts:
        for law in part.laws:
            if type(law).__name__ == "Example":
                assert law.function in text
                values = law.gives if isinstance(law.gives, tuple) else (law.gives,)
                for value in values:
                    for number in getattr(value, "ravel", lambda value=value: [value])():
                        assert f"{abs(number):g}" in text.replace("−", "-")


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
def test_no_hint_holds_the_answer(problem):
    """No hint repeats a line of the solution, and no formula stands in one."""
    assert len(problem.published.hints) == 3
    for hint in problem.published.hints:
        assert "np." not in hint and "return" not in hint
