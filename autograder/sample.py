"""The sample class: what each student handed in, what it must score, and what the table must say.

Good, partial, empty, differently styled, faulty and hostile submissions, made from the released
notebooks. `python -m autograder demo` grades them and compares.
"""

from __future__ import annotations

import copy
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat.notebooknode import NotebookNode
from nbgrader.preprocessors import ClearSolutions

from autograder.bank import Problem
from autograder.config import Course
from autograder.errors import WrongUse
from autograder.report import StudentScore
from autograder.wire import plain_text

Answer = Callable[[Problem, NotebookNode], NotebookNode]

# ---------------------------------------------------------------------------- ways to answer


def right(problem: Problem, notebook: NotebookNode) -> NotebookNode:
    """Every answer cell filled with the solution."""
    solution = {_grade_id(cell): cell.source for cell in problem.notebook.cells}
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source = _without_markers(solution[_grade_id(cell)])
    return notebook


def untouched(problem: Problem, notebook: NotebookNode) -> NotebookNode:
    """Handed in as it was released."""
    return notebook


def style(number: int) -> Answer:
    """Right, in the style of one of the accepted solutions."""
    return lambda problem, notebook: _add(
        right(problem, notebook), problem.accepted[number % len(problem.accepted)].source
    )


def mistake(name: str) -> Answer:
    """Right but for one usual mistake, by its name among the problem's mutants."""

    def answer(problem: Problem, notebook: NotebookNode) -> NotebookNode:
        (mutant,) = (mutant for mutant in problem.mutants if mutant.name == name)
        return _add(right(problem, notebook), mutant.source)

    return answer


def cell(grade_id: str, source: str) -> Answer:
    """Right but for one answer cell, which holds `source`."""

    def answer(problem: Problem, notebook: NotebookNode) -> NotebookNode:
        for part in right(problem, notebook).cells:
            if _grade_id(part) == grade_id:
                part.source = source
        return notebook

    return answer


def empty_with(source: str) -> Answer:
    """Nothing but a cell of the student's own, at the end."""
    return lambda problem, notebook: _add(notebook, source)


def tagged(problem: Problem, notebook: NotebookNode) -> NotebookNode:
    """No answer, and every cell marked as not to be run."""
    for part in notebook.cells:
        part.metadata["tags"] = ["skip-execution"]
    return notebook


def _grade_id(part: NotebookNode) -> str:
    return part.metadata.get("nbgrader", {}).get("grade_id", "")


def _without_markers(source: str) -> str:
    words = ClearSolutions()
    markers = (words.begin_solution_delimeter, words.end_solution_delimeter)
    return "\n".join(
        line for line in source.split("\n") if not any(marker in line for marker in markers)
    )


def _add(notebook: NotebookNode, source: str) -> NotebookNode:
    notebook.cells.append(nbformat.v4.new_code_cell(source, id="own"))
    return notebook


# ---------------------------------------------------------------------------- ways to hand in


def cut_short(path: Path) -> None:
    """A file that was not transferred to its end."""
    path.write_bytes(path.read_bytes()[:-200])


def link_to_solution(path: Path) -> None:
    """A link where a file should be."""
    path.unlink()
    path.symlink_to(os.path.join("../../../source/./losses", path.name))


# ---------------------------------------------------------------------------- the class


@dataclass(frozen=True)
class Student:
    """One submission. Problems not named in `answers` are answered by `otherwise`.

    `scores` are the points in problems that must score less than all that are given without a
    reader; `says` must stand among the reasons in the table.
    """

    name: str
    story: str
    otherwise: Answer = right
    answers: Mapping[str, Answer] = field(default_factory=dict)
    files: Mapping[str, Callable[[Path], None]] = field(default_factory=dict)
    scores: Mapping[str, float] | float | None = None
    says: str = ""


LOOP = "while True:\n    pass"
HOARD = "hoard = []\nwhile True:\n    hoard.append(bytearray(50_000_000))"
SEARCH = """\
import glob

for folder in (".", "/home", "/root", "/grader"):
    for path in glob.glob(folder + "/**/problem.py", recursive=True):
        exec(open(path).read())

if "mse_gradient" not in dir():
    raise LookupError("no solution found")
"""
PATCH = """\
import builtins
import numpy

def agree(*arguments, **options):
    return True

for name in dir(numpy.testing):
    if name.startswith("assert"):
        setattr(numpy.testing, name, agree)
numpy.allclose = numpy.array_equal = builtins.all = agree
"""
SHOUT = """\
from IPython.display import display

print("10.0")
display(10.0)
10.0
"""
WARN = """\
import sys
import warnings

warnings.warn("this is only a warning", DeprecationWarning)
print("loading ...", file=sys.stderr)
"""

CLASS = (
    Student("ada", "solves everything as the course does"),
    Student("bela", "solves everything in another style", otherwise=style(0)),
    Student("chen", "solves everything in a third style", otherwise=style(1)),
    Student("dora", "solves everything in a fourth style", otherwise=style(2)),
    Student(
        "emil",
        "forgets the factor 2 in one gradient",
        answers={"01": mistake("the two is missing")},
        scores={"01": 5.0},
        says="lacks the 2 that the square's derivative brings down",
    ),
    Student(
        "fay",
        "hands in the notebooks as they were released",
        otherwise=untouched,
        scores=0.0,
        says="Nothing was written.",
    ),
    Student(
        "gus",
        "leaves a syntax error in one cell",
        answers={"01": cell("mse_gradient", "def mse_gradient(prediction, target:\n    return 0")},
        scores={"01": 5.0},
        says="SyntaxError",
    ),
    Student(
        "hana",
        "has an endless loop in one problem",
        answers={"01": cell("mse_gradient", LOOP)},
        scores={"01": 5.0},
        says="took longer than 10 s",
    ),
    Student(
        "ivo",
        "fills the memory in one problem",
        answers={"01": cell("mse_gradient", HOARD)},
        scores={"01": 5.0},
        says="mse_gradient is not defined",
    ),
    Student(
        "jana",
        "looks for the solutions on the grader's disk",
        answers={"01": cell("mse_gradient", SEARCH)},
        scores={"01": 5.0},
        says="no solution found",
    ),
    Student(
        "kofi",
        "makes every comparison say yes",
        otherwise=empty_with(PATCH),
        scores=0.0,
        says="Nothing was written.",
    ),
    Student(
        "lena",
        "prints the score she would like",
        otherwise=empty_with(SHOUT),
        scores=0.0,
        says="Nothing was written.",
    ),
    Student(
        "mats",
        "sends a file that is cut short",
        files={"01": cut_short},
        scores={"01": 0.0},
        says="its text is not JSON",
    ),
    Student(
        "nina",
        "has harmless warnings on stderr",
        otherwise=lambda problem, notebook: _add(right(problem, notebook), WARN),
    ),
    Student(
        "omar",
        "marks every cell as not to be run",
        otherwise=tagged,
        scores=0.0,
        says="Nothing was written.",
    ),
    Student(
        "pia",
        "sends a link to the instructor's solution",
        files={"01": link_to_solution},
        scores={"01": 0.0},
        says="is a link",
    ),
)


# ---------------------------------------------------------------------------- in a course folder


def fresh_course(folder: Path) -> Course:
    """An empty course folder, in place of the one an earlier demonstration left.

    Raises WrongUse rather than remove a folder that holds anything else.
    """
    if folder.exists():
        students = {path.name for path in folder.glob("submitted/*")}
        if students - {student.name for student in CLASS}:
            raise WrongUse(f"{folder} holds submissions that are not the sample class's")
        if any(folder.iterdir()) and not (folder / "nbgrader_config.py").exists():
            raise WrongUse(f"{folder} is not empty and not a course folder")
        shutil.rmtree(folder)
    return Course.create(folder)


def write(
    course: Course, problems: list[Problem], students: Iterable[Student] | None = None
) -> None:
    """Hand in the work of `students`, or of the whole class."""
    for student in CLASS if students is None else students:
        folder = course.layout.folder("submitted", student.name)
        folder.mkdir(parents=True)
        for problem in problems:
            path = folder / f"{problem.name}.ipynb"
            answer = student.answers.get(problem.number, student.otherwise)
            released = copy.deepcopy(course.layout.release(problem.name))
            nbformat.write(answer(problem, released), path)
            student.files.get(problem.number, lambda path: None)(path)


def expected(student: Student, problem: Problem) -> float:
    """Points of a student in a problem, before anybody has read the written answers."""
    if isinstance(student.scores, float):
        return student.scores
    most = sum(part.points for part in problem.parts if not part.written)
    return (student.scores or {}).get(problem.number, most)


def compare(
    scores: list[StudentScore],
    problems: list[Problem],
    students: Iterable[Student] | None = None,
) -> list[str]:
    """Sentences about every score or reason that is not what it should be."""
    graded = {row.student: row for row in scores}
    complaints = []
    for student in CLASS if students is None else students:
        if student.name not in graded:
            complaints.append(f"{student.name} ({student.story}) was not graded")
            continue
        row = graded[student.name]
        for problem, score in zip(problems, row.problems, strict=True):
            if abs(score.score - expected(student, problem)) > 1e-9:
                complaints.append(
                    f"{student.name} ({student.story}) scored {score.score:g} in {problem.name}, "
                    f"{expected(student, problem):g} was expected"
                )
        if student.says not in " ".join(_reasons(row)):
            complaints.append(f"{student.name}: no reason says {student.says!r}")
    return complaints


def _reasons(row: StudentScore) -> list[str]:
    """Every sentence of a student's rows, on one line each."""
    found = [note for problem in row.problems for note in problem.notes]
    found += [loss.why for problem in row.problems for loss in problem.losses]
    return [plain_text(sentence, 1000) for sentence in found]
