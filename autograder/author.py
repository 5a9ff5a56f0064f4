"""What the author of a problem uses: a folder to begin from, and how well a problem does its work.

`python -m autograder problem new 12_quantiles` makes the folder, and `... problem measure 12` says
whether every wrong solution loses points and is named, and no right one loses any.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from autograder import bank
from autograder.bank import Alternative, Problem
from autograder.errors import WrongUse
from autograder.judge import PartScore, judge
from autograder.kernel import LocalAsk
from lossmath.course.notebook import counterexamples
from lossmath.course.student import Student

TEMPLATE = bank.SOLUTIONS / "template"
NAME = re.compile(r"([0-9]{2})_([a-z0-9]+(?:_[a-z0-9]+)*)")

# Inputs differ from student to student, so nothing may hang on one draw of them.
SEEDS = (b"one student", b"another", b"a third")
LEAST_LOSS = 0.25  # points; a mistake that costs less could pass for a rounding


# ---------------------------------------------------------------------------- a new folder


def new_problem(name: str, root: Path = bank.SOLUTIONS) -> Path:
    """Make the folder of a new problem: the template under its own number and title.

    Raises WrongUse for a name that is not like `12_quantiles` and for a number that is taken.
    """
    matched = NAME.fullmatch(name)
    if not matched:
        raise WrongUse(f"{name!r} is no name for a problem: write it like 12_quantiles")
    number, words = matched.groups()
    for taken in root.glob(f"{number}_*"):
        raise WrongUse(f"the number {number} is taken by {taken.name}")
    title = words.replace("_", " ").capitalize()
    folder = root / name
    folder.mkdir(parents=True)
    for file in TEMPLATE.glob("*.py"):
        text = file.read_text(encoding="utf-8").replace("# 00 · Log-cosh", f"# {number} · {title}")
        (folder / file.name).write_text(re.sub(r"\b00\b", number, text), encoding="utf-8")
    return folder


# ---------------------------------------------------------------------------- measuring


@dataclass(frozen=True)
class Caught:
    """What became of a wrong solution.

    `lost` are the points it loses when it is luckiest; `named` whether the judge told which mistake
    it is, whatever the inputs; `noticed` whether the student's own checks do, with its sentence or,
    where it answers twice in two ways, by saying so.
    """

    name: str
    lost: float
    named: bool
    noticed: bool


@dataclass(frozen=True)
class Kept:
    """What became of a right solution in another style: the reasons for which it lost points."""

    name: str
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class PartSummary:
    """A part's points, and how many checks and wrong solutions there are to it."""

    name: str
    points: float
    written: bool
    checks: int
    mutants: int


@dataclass(frozen=True)
class Measurement:
    """How well one problem does its work; `seconds` of processor time judge one notebook."""

    problem: str
    seconds: float
    parts: tuple[PartSummary, ...]
    solution: Kept
    mutants: tuple[Caught, ...]
    accepted: tuple[Kept, ...]

    @property
    def complaints(self) -> list[str]:
        """Every promise the problem does not keep, as a sentence for its author."""
        found = [
            f"{kept.name} loses points: {reason}"
            for kept in (self.solution, *self.accepted)
            for reason in kept.reasons
        ]
        for mutant in self.mutants:
            if mutant.lost < LEAST_LOSS:
                found.append(f"{mutant.name} loses {mutant.lost:g} points")
            if not mutant.named:
                found.append(f"{mutant.name} is not named by the judge")
            if not mutant.noticed:
                found.append(f"{mutant.name} is not named in the notebook: add a probe that tells")
        return found


def measure(problem: Problem) -> Measurement:
    """Judge the solution, every mutant and every accepted variant of a problem."""
    started = time.process_time()
    _judge(problem, None, SEEDS[0])
    seconds = time.process_time() - started
    caught_in: Counter[str] = Counter()
    mutants = []
    for mutant in problem.mutants:
        scores = [_judge(problem, mutant, seed) for seed in SEEDS]
        mutants.append(_caught(problem, mutant, scores))
        caught_in.update(part for part, score in scores[0].items() if score.earned < score.out_of)
    checks = Counter(check.part for check in problem.checks)
    return Measurement(
        problem.name,
        seconds,
        tuple(
            PartSummary(p.name, p.points, p.written, checks[p.name], caught_in[p.name])
            for p in problem.parts
        ),
        _kept(problem, None),
        tuple(mutants),
        tuple(_kept(problem, variant) for variant in problem.accepted),
    )


def _judge(problem: Problem, variant: Alternative | None, seed: bytes) -> dict[str, PartScore]:
    return judge(problem, LocalAsk(problem.namespace(variant)), seed)


def _caught(problem: Problem, mutant: Alternative, scores: list[dict[str, PartScore]]) -> Caught:
    lost = [sum(part.out_of - part.earned for part in score.values()) for score in scores]
    named = [mutant in [part.misconception for part in score.values()] for score in scores]
    told = _told_in_notebook(problem, mutant)
    noticed = mutant.says in told or any(line.startswith("then ") for line in told)
    return Caught(mutant.name, min(lost), all(named), noticed)


def _kept(problem: Problem, variant: Alternative | None) -> Kept:
    reasons = [
        line.why
        for seed in SEEDS
        for part in _judge(problem, variant, seed).values()
        for line in part.lines
        if line.why
    ]
    reasons += _told_in_notebook(problem, variant)
    return Kept(variant.name if variant else "the solution", tuple(dict.fromkeys(reasons)))


def _told_in_notebook(problem: Problem, variant: Alternative | None) -> list[str]:
    """Every line the public checks print about what fails."""
    student = Student(problem.namespace(variant))
    with np.errstate(all="ignore"):
        return [
            line
            for part in problem.published.parts
            if part.laws
            for _, found in counterexamples(problem.published, part, student)
            if found
            for line in found.lines
        ]


# ---------------------------------------------------------------------------- on paper


def as_json(measurement: Measurement) -> dict[str, Any]:
    """The measurement and its complaints as JSON-ready data."""
    return asdict(measurement) | {"complaints": measurement.complaints}


def as_tables(measurement: Measurement) -> RenderableType:
    """Parts, mutants and accepted variants for a terminal."""
    return Group(_parts(measurement), _mutants(measurement), _accepted(measurement))


def _parts(measurement: Measurement) -> Table:
    title = f"{measurement.problem}: {measurement.seconds:.2f} s to judge"
    table = _table(title, "part", "points", "checks", "mutants caught")
    for part in measurement.parts:
        by = "read by a person" if part.written else str(part.checks)
        table.add_row(part.name, f"{part.points:g}", by, "" if part.written else str(part.mutants))
    return table


def _mutants(measurement: Measurement) -> Table:
    table = _table("Wrong solutions", "mutant", "loses", "named", "named in the notebook")
    for mutant in measurement.mutants:
        marks = [_mark(mutant.named), _mark(mutant.noticed)]
        table.add_row(escape(mutant.name), f"{mutant.lost:g}", *marks)
    return table


def _accepted(measurement: Measurement) -> Table:
    table = _table("Right solutions", "accepted", "kept")
    for kept in (measurement.solution, *measurement.accepted):
        table.add_row(escape(kept.name), _mark(not kept.reasons))
    return table


def _table(title: str, *headings: str) -> Table:
    return Table(*headings, title=title, box=SIMPLE_HEAD, title_justify="left")


def _mark(good: bool) -> str:
    return "✓" if good else "✗"
