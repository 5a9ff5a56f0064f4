"""The corpus, graded once as a class between honest students, with everything to be seen of it."""

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from autograder import bank, report
from autograder.config import CONFIG_FILE, Course
from autograder.grade import ClassResult, find_graded, grade, write_feedback
from autograder.release import release
from tests.hostile import field as hostile
from tests.hostile.attack import CANARY, FIRST
from tests.hostile.corpus import CORPUS

LIMITS = """
c.SandboxExecute.cell_seconds = 3  # noqa: F821
c.SandboxExecute.question_seconds = 2  # noqa: F821
c.SandboxExecute.notebook_seconds = 20  # noqa: F821
"""


@dataclass
class Graded:
    """A graded class, and what its surroundings looked like before and after."""

    course: Course
    outcome: ClassResult
    scores: dict[str, float]
    reasons: dict[str, str]
    before: dict[str, str]
    after: dict[str, str]
    visitors: list[str] = field(default_factory=list)
    left_behind: list[int] = field(default_factory=list)


def make_course(folder: Path) -> tuple[Course, bank.Problem]:
    """A released course of the first problem, with canaries in its checks and its solution."""
    solutions = folder / "solutions"
    shutil.copytree(bank.SOLUTIONS / FIRST, solutions / FIRST)
    for name in ("checks.py", "problem.py"):
        path = solutions / FIRST / name
        path.write_text(path.read_text().replace("import numpy", f"# {CANARY}-x\nimport numpy", 1))
    (folder / "nbgrader_config.py").write_text(
        CONFIG_FILE.replace(".parent)", f".parent, solutions=Path({str(solutions)!r}))") + LIMITS
    )
    course = Course.open(folder)
    (problem,) = bank.problems(solutions)
    release(course.folder, [problem], course.config)
    return course, problem


@pytest.fixture(scope="session")
def graded(tmp_path_factory):
    """The whole corpus as one class."""
    folder, home = tmp_path_factory.mktemp("course"), tmp_path_factory.mktemp("home")
    course, problem = make_course(folder)
    hostile.plant(folder, home)
    hostile.hand_in(folder, problem, CORPUS.values())
    with pytest.MonkeyPatch.context() as patch, hostile.listening() as visitors:
        patch.setenv("HOME", str(home))
        patch.setenv("HOSTILE_SECRET", f"{CANARY}-environment")
        before = hostile.fingerprint(folder, home)
        outcome = grade(course, workers=2)
        for student in find_graded(course):
            write_feedback(course, student)
        rows = {row.student: row.problems[0] for row in report.collect(course)}
        seen = Graded(
            course,
            outcome,
            {name: row.score for name, row in rows.items()},
            {name: _sentences(row) for name, row in rows.items()},
            before,
            hostile.fingerprint(folder, home),
            left_behind=hostile.left_behind(),
        )
    seen.visitors = visitors
    assert os.environ.get("HOSTILE_SECRET") is None
    return seen


def _sentences(row: report.ProblemScore) -> str:
    return " ".join([*row.notes, *(loss.why for loss in row.losses)])
