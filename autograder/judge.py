"""From checks and a student's answers to points and sentences."""

from __future__ import annotations

import ast
import enum
import hashlib
import hmac
import math
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from types import CodeType
from typing import Any

import numpy as np

from autograder.bank import Alternative, Problem
from autograder.checks import (
    TOLERANCE,
    Ask,
    Asked,
    Check,
    Failure,
    Inconsistent,
    Questions,
    identical,
)
from autograder.kernel import LocalAsk
from autograder.wire import Answer, FigureData, StudentError

UNTRUSTED = "A function that answers one question in two ways earns nothing in this part."
UNUSABLE = "An answer is not of the kind that is asked for, so this check cannot use it."
OUR_FAULT = "This check could not run because of a mistake in the grader; your instructor sees it."


@dataclass(frozen=True)
class Line:
    """The outcome of one check: points earned and possible, its label, and why points are lost."""

    points: float
    out_of: float
    says: str
    why: str = ""


@dataclass(frozen=True)
class PartScore:
    """The outcome of a part.

    `misconception` is the usual mistake whose answers the student's equal; `faults` are tracebacks
    of our own checks, for the instructor alone.
    """

    out_of: float
    lines: tuple[Line, ...]
    misconception: Alternative | None = None
    faults: tuple[str, ...] = ()

    @property
    def earned(self) -> float:
        return math.fsum(line.points for line in self.lines)


def notebook_seed(secret: bytes, notebook: bytes) -> bytes:
    """The seed of a submission: the same on every regrade, another one for another notebook."""
    return hmac.digest(secret, hashlib.sha256(notebook).digest(), "sha256")


def judge(problem: Problem, ask: Ask, seed: bytes) -> dict[str, PartScore]:
    """Score every part of a problem that is not read by a person.

    `ask` answers for the student's notebook; inputs are drawn from `seed` and nothing else.
    """
    return {
        part.name: judge_part(problem, part.name, ask, seed)
        for part in problem.parts
        if not part.written
    }


def judge_part(problem: Problem, part: str, ask: Ask, seed: bytes) -> PartScore:
    """Score one part of a problem."""
    checks = [check for check in problem.checks if check.part == part]
    out_of = math.fsum(check.points for check in checks)
    asked: list[Asked] = []
    lines, faults = [], []
    consistent = True
    for number, check in enumerate(checks):
        questions = Questions(ask, problem.reference)
        try:
            _run(check, questions, problem, _generator(seed, part, number))
            lines.append(Line(check.points, check.points, check.says))
        except (Failure, StudentError) as reason:
            lines.append(Line(0.0, check.points, check.says, _sentence(reason)))
            consistent &= not isinstance(reason, Inconsistent)
        except Exception:
            ours = not _solution_passes(check, problem, _generator(seed, part, number))
            lines.append(Line(0.0, check.points, check.says, OUR_FAULT if ours else UNUSABLE))
            if ours:
                faults.append(f"{problem.name}, {part}, {check.says!r}:\n{traceback.format_exc()}")
        asked += questions.asked
    if not consistent:
        lines = [Line(0.0, line.out_of, line.says, line.why or UNTRUSTED) for line in lines]
    lost = any(line.why for line in lines)
    misconception = recognise(problem, asked) if lost else None
    return PartScore(out_of, tuple(lines), misconception, tuple(faults))


class Agreement(enum.IntEnum):
    """How far two people's answers to the same questions agree."""

    NONE = 0
    IN_NUMBERS = 1
    IN_TYPES_TOO = 2


def recognise(problem: Problem, asked: list[Asked]) -> Alternative | None:
    """The mutant that answers all questions as the student did, better than the solution does."""
    if not any(isinstance(question.outcome, Answer) for question in asked):
        return None
    namespace = problem.namespace()
    of_solution = cache(lambda number: _agreement(asked[number], namespace))
    best, telling = _most_telling(of_solution, len(asked))
    order = sorted(range(len(asked)), key=lambda number: number != telling)
    calls = {q.function: _reachable(namespace, q.function) for q in asked}
    closest = None
    for mutant in problem.mutants:
        changed = {name for name in calls if not calls[name].isdisjoint(_defined(mutant.source))}
        # Where a mutant changes nothing, it answers what the solution answers.
        if best == Agreement.IN_TYPES_TOO or asked[telling].function not in changed:
            continue
        mutated = problem.namespace(mutant)
        agreement = _least(
            (
                _agreement(asked[n], mutated) if asked[n].function in changed else of_solution(n)
                for n in order
            ),
            best,
        )
        if agreement > best:
            closest, best = mutant, agreement
    return closest


def _most_telling(agreement: Callable[[int], Agreement], count: int) -> tuple[Agreement, int]:
    """The least agreement of so many questions, and the first question it is found in."""
    least, telling = Agreement.IN_TYPES_TOO, 0
    for number in range(count):
        if agreement(number) < least:
            least, telling = agreement(number), number
        if least == Agreement.NONE:
            break
    return least, telling


def _least(agreements: Iterable[Agreement], enough: Agreement) -> Agreement:
    """The least of some agreements; does not look further than to one as low as `enough`."""
    least = Agreement.IN_TYPES_TOO
    for agreement in agreements:
        least = min(least, agreement)
        if least <= enough:
            break
    return least


@cache
def _defined(source: str) -> frozenset[str]:
    """Names of the functions a cell defines."""
    return frozenset(n.name for n in ast.parse(source).body if isinstance(n, ast.FunctionDef))


def _reachable(namespace: dict[str, Any], function: str) -> set[str]:
    """A function and the functions of its namespace that it may call."""
    found = {function}
    waiting = [function]
    while waiting:
        code = getattr(namespace.get(waiting.pop()), "__code__", None)
        new = (_names(code) & namespace.keys()) - found if code else set()
        found |= new
        waiting += new
    return found


def _names(code: CodeType) -> set[str]:
    """Names that code looks up, that of functions inside it too."""
    inner = [_names(constant) for constant in code.co_consts if isinstance(constant, CodeType)]
    return set(code.co_names).union(*inner)


def _run(check: Check, questions: Questions, problem: Problem, rng: np.random.Generator) -> None:
    with np.errstate(all="ignore"):
        check.run(questions, problem.reference, rng)
        if check.is_law:
            questions.require_variety()


def _solution_passes(check: Check, problem: Problem, rng: np.random.Generator) -> bool:
    """Whether a check that stopped does not stop for the solution: then the answers stopped it."""
    try:
        _run(check, Questions(LocalAsk(problem.namespace()), problem.reference), problem, rng)
    except Exception:
        return False
    return True


def _generator(seed: bytes, part: str, number: int) -> np.random.Generator:
    key = hmac.digest(seed, f"{part}:{number}".encode(), "sha256")
    return np.random.Generator(np.random.PCG64(int.from_bytes(key)))


def _sentence(reason: Exception) -> str:
    if not isinstance(reason, StudentError):
        return str(reason)
    function, raised, _ = reason.sentence.partition(" raised NotImplementedError")
    return f"{function} is not written yet." if raised else reason.sentence


def _agreement(question: Asked, namespace: dict[str, Any]) -> Agreement:
    """How far these functions agree with the student on one question."""
    try:
        with np.errstate(all="ignore"):
            ask = LocalAsk(namespace)
            answer: Answer | StudentError = ask(question.function, *question.arguments)
    except StudentError as error:
        answer = error
    return _agreement_on(question, answer)


def _agreement_on(question: Asked, answer: Answer | StudentError) -> Agreement:
    theirs = question.outcome
    if isinstance(answer, StudentError) and isinstance(theirs, StudentError):
        same = _kind(answer) == _kind(theirs)
        return Agreement.IN_TYPES_TOO if same else Agreement.NONE
    if isinstance(answer, StudentError) or isinstance(theirs, StudentError):
        return Agreement.NONE
    kept = [identical(one.inputs_after, question.arguments) for one in (answer, theirs)]
    values = (answer.value, answer.repeat), (theirs.value, theirs.repeat)
    if kept[0] != kept[1] or not _close(*values):
        return Agreement.NONE
    same_types = _types(answer.value) == _types(theirs.value)
    return Agreement.IN_TYPES_TOO if same_types else Agreement.IN_NUMBERS


def _kind(error: StudentError) -> str:
    """What went wrong, without the words in which a person's own error says it."""
    return error.sentence.partition(": ")[0]


def _types(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_types(item) for item in value]
    return np.asarray(value).dtype if _numeric(value) else type(value)


def _close(a: Any, b: Any) -> bool:
    if isinstance(a, tuple | list) and isinstance(b, tuple | list):
        return len(a) == len(b) and all(map(_close, a, b))
    if isinstance(a, FigureData) and isinstance(b, FigureData):
        return _close(_drawn(a), _drawn(b))
    if _numeric(a) and _numeric(b):
        a, b = np.asarray(a), np.asarray(b)
        rtol = max(TOLERANCE.get(x.dtype, 1e-9) for x in (a, b))
        return a.shape == b.shape and np.allclose(a, b, rtol=rtol, atol=0.0, equal_nan=True)
    return identical(a, b)


def _drawn(figure: FigureData) -> list:
    """What can be compared between two people's figures: their curves and what is labelled."""
    return [
        (
            [(line.x, line.y) for line in axes.lines],
            [bool(text) for text in (axes.xlabel, axes.ylabel, axes.legend)],
        )
        for axes in figure.axes
    ]


def _numeric(value: Any) -> bool:
    number = isinstance(value, np.ndarray | np.generic | int | float)
    return number and np.asarray(value).dtype.kind in "biuf"  # not an int beyond 64 bits
