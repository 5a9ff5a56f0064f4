"""Every function a student writes is graded on what the course promises of all of them."""

import ast
import copy

import numpy as np
import pytest

from autograder import bank
from autograder.checks import Questions
from autograder.kernel import LocalAsk
from lossmath.course.published import published
from lossmath.course.student import Student

PROBLEMS = [problem for problem in bank.problems() if problem.number <= "10"]  # no lab beside them
FREE_PRECISION = {"detection_gradient", "probability"}  # the statement asks for finite numbers


def written_by_students(problem):
    """Names of the functions whose body is taken out of the student's notebook."""
    for cell in problem.notebook.cells:
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("solution"):
            for node in ast.parse(cell.source).body:
                if "### BEGIN SOLUTION" in ast.get_source_segment(cell.source, node):
                    yield node.name


FUNCTIONS = [
    pytest.param(problem, name, id=f"{problem.number}-{name}")
    for problem in PROBLEMS
    for name in written_by_students(problem)
]


def arrays(value):
    """All arrays in arguments or in an answer, however they are packed."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from arrays(item)


def each_array(change, value):
    """The same answer with every array changed."""
    if isinstance(value, tuple | list):
        return type(value)(each_array(change, item) for item in value)
    return change(value) if isinstance(value, np.ndarray | np.generic | float | int) else value


class Flawed:
    """A right function with a flaw; knows whether it was ever in a position to show it."""

    def __init__(self, function):
        self.function = function
        self.concerned = False


class AlwaysDouble(Flawed):
    """Answers with float64 arrays, whatever precision it is asked in."""

    def __call__(self, *arguments):
        answer = self.function(*arguments)
        promised = self.function.__name__ not in FREE_PRECISION
        self.concerned |= promised and any(a.ndim and a.dtype.kind == "f" for a in arrays(answer))
        return each_array(lambda a: a.astype(float) if np.ndim(a) else a, answer)


class OneAxisMore(Flawed):
    """Answers in a table of one row, and with a vector of one entry instead of a number."""

    def __call__(self, *arguments):
        answer = self.function(*arguments)
        changed = each_array(lambda a: np.asarray(a)[None], answer)
        self.concerned |= any(True for _ in arrays(changed))
        return changed


class ClearsItsInputs(Flawed):
    """Overwrites its inputs once they are read, and answers the same when asked again."""

    def __call__(self, *arguments):
        if not self.concerned or any(map(np.any, arrays(arguments))):
            self.answer = self.function(*copy.deepcopy(arguments))
        for array in arrays(arguments):
            self.concerned = True
            array[...] = 0
        return self.answer


class RowByRowOnly(Flawed):
    """Cannot read a table that is stored column by column."""

    def __call__(self, *arguments):
        self.concerned |= any(sum(n > 1 for n in a.shape) > 1 for a in arrays(arguments))
        if any(a.flags.fnc for a in arrays(arguments)):
            raise ValueError("a table that is stored row by row is expected")
        return self.function(*arguments)


def loses_points(problem, namespace):
    for number, check in enumerate(problem.checks):
        questions = Questions(LocalAsk(namespace), problem.reference)
        try:
            with np.errstate(all="ignore"):
                check.run(questions, problem.reference, np.random.default_rng(number))
        except Exception:  # a check that stops for want of a usable answer earns nothing either
            return True
    return False


def fails_in_the_notebook(problem, namespace):
    student, public = Student(namespace), published(problem.number)
    return any(
        law.counterexample(student, public.inputs[law.function])
        for part in public.parts
        for law in part.laws
    )


SHOWS = [
    *((flaw, loses_points) for flaw in (AlwaysDouble, OneAxisMore, ClearsItsInputs, RowByRowOnly)),
    *((flaw, fails_in_the_notebook) for flaw in (AlwaysDouble, OneAxisMore, ClearsItsInputs)),
]


@pytest.mark.parametrize(("flaw", "shows"), SHOWS)
@pytest.mark.parametrize(("problem", "name"), FUNCTIONS)
def test_a_flaw_that_any_function_may_have_shows(problem, name, flaw, shows):
    namespace = problem.namespace()
    student = namespace | {name: flaw(namespace[name])}
    shown = shows(problem, student)
    assert shown or not student[name].concerned
