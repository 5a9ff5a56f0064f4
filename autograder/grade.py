"""Grade a class: clean copy, sandbox, judge, and nbgrader's own gradebook, student by student.

The two halves are kept apart. `run_submission` works on files alone, so that any number of workers
may do it at once; `record_submission` writes to the gradebook, by nbgrader's own Autograde, which
finds the runs' records and runs nothing again. A class is graded by doing both for each student in
turn; one student's trouble never stops the next.
"""

from __future__ import annotations

import glob
import json
import logging
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import nbformat
from nbgrader.api import MissingEntry
from nbgrader.converters import Autograde, GenerateFeedback
from nbgrader.converters.base import BaseConverter
from sqlalchemy.exc import SAWarning
from traitlets.config import Config

from autograder import audit
from autograder.audit import Record
from autograder.config import ASSIGNMENT, Course
from autograder.execute import SandboxExecute, Settings, grade_notebook, zygote
from autograder.preflight import STAGED, find_students, stage
from autograder.rebuild import rebuild
from autograder.sandbox import SandboxError


@dataclass
class Result:
    """What happened to one student's submission.

    `error` says why it could not be graded; `faults` are mistakes in our own checks that cost the
    student points, with a name for where.
    """

    student: str
    notes: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    unchanged: bool = False
    error: str = ""


@dataclass
class ClassResult:
    """What happened to a class, with sentences about what in `submitted/` is no submission."""

    results: list[Result]
    notes: list[str]

    @property
    def failed(self) -> list[Result]:
        return [result for result in self.results if result.error or result.faults]


def grade(
    course: Course,
    students: Iterable[str] = (),
    isolation: str | None = None,
    progress: Callable[[int, int, str], None] = lambda done, total, student: None,
) -> ClassResult:
    """Grade the submissions of `students`, or of everybody.

    `progress(done, total, student)` is called before each student. Raises ValueError for a student
    without a submission, FileNotFoundError when nothing has been released, and
    `SandboxError` when students' code cannot be kept apart here.
    """
    found, notes = find_students(course.layout)
    chosen = _choose(found, list(students))
    settings = settings_of(course, isolation)
    for name in course.layout.released():
        if not (settings.solutions / name).is_dir():
            raise FileNotFoundError(f"{settings.solutions / name}: no checks for {name}.ipynb")
    zygote(settings.isolation).kernel().close()  # no sandbox, no grading
    results = []
    for done, student in enumerate(chosen):
        progress(done, len(chosen), student)
        results.append(_grade_student(course, student, settings))
    return ClassResult(results, notes)


def _choose(found: list[str], wanted: list[str]) -> list[str]:
    unknown = sorted(set(wanted) - set(found))
    if unknown:
        there = ", ".join(found) or "nobody"
        raise ValueError(f"no submission of {', '.join(unknown)}; there are: {there}")
    return [student for student in found if not wanted or student in wanted]


def settings_of(course: Course, isolation: str | None = None) -> Settings:
    """The settings nbgrader's own run would use, reusing records of unchanged work."""
    settings = SandboxExecute(config=course.config).settings()
    return replace(settings, reuse=True, isolation=isolation or settings.isolation)


def _grade_student(course: Course, student: str, settings: Settings) -> Result:
    result = Result(student)
    try:
        result.notes, records = run_submission(course, student, settings)
        result.faults = [fault for record in records for fault in record.faults()]
        result.unchanged = is_recorded(course, student, records)
        if not result.unchanged:
            record_submission(course, student, settings)
    except SandboxError:
        raise
    except Exception as error:
        _log(course).exception("%s could not be graded", student)
        result.error = f"{type(error).__name__}: {error} (more in audit/grading.log)"
    return result


# ---------------------------------------------------------------------------- files alone


def run_submission(
    course: Course, student: str, settings: Settings
) -> tuple[list[str], list[Record]]:
    """Clean copy, then a record of every notebook; returns the notes about the files too."""
    layout = course.layout
    notes = stage(layout, student)
    records = []
    for name in layout.released():
        released = nbformat.read(layout.folder("release") / f"{name}.ipynb", as_version=4)
        copy = nbformat.read(layout.folder(STAGED, student) / f"{name}.ipynb", as_version=4)
        notebook = rebuild(copy, released)
        records.append(grade_notebook(notebook, student, ASSIGNMENT, name, settings))
    return notes, records


# ---------------------------------------------------------------------------- the gradebook


def is_recorded(course: Course, student: str, records: list[Record]) -> bool:
    """Whether the gradebook and the graded notebooks already show these records."""
    folder = course.layout.folder("autograded", student)
    if any(_fingerprint_in(folder / f"{r.notebook}.ipynb") != r.fingerprint for r in records):
        return False
    with course.gradebook() as gradebook:
        try:
            gradebook.find_submission(ASSIGNMENT, student)
        except MissingEntry:
            return False
    return True


def _fingerprint_in(path: Path) -> str:
    try:
        return json.loads(path.read_text())["metadata"]["autograder"]["fingerprint"]
    except (FileNotFoundError, KeyError, ValueError):
        return ""


def record_submission(course: Course, student: str, settings: Settings) -> None:
    """Let nbgrader's Autograde write the student's grades. Raises NbGraderException."""
    config = Config(course.config)
    config.SandboxExecute.reuse = True
    config.SandboxExecute.isolation = settings.isolation
    _convert(course, Autograde, student, config, submitted_directory=STAGED)


def find_graded(course: Course, students: Iterable[str] = ()) -> list[str]:
    """The students with graded notebooks, or those of `students`. Raises ValueError."""
    found = sorted(path.parent.name for path in course.folder.glob(f"autograded/*/{ASSIGNMENT}"))
    return _choose(found, list(students))


def write_feedback(course: Course, student: str) -> Path:
    """Write the student's feedback pages with nbgrader; returns their folder."""
    _convert(course, GenerateFeedback, student, course.config)
    return course.layout.folder("feedback", student)


def _convert(
    course: Course, kind: type[BaseConverter], student: str, config: Config, **directories: str
) -> None:
    """Run one of nbgrader's converters for one student, its messages going to the log."""
    directory = course.directory()
    directory.student_id = glob.escape(student)
    for name, value in directories.items():
        setattr(directory, name, value)
    converter = kind(coursedir=directory, config=config, log=_log(course))
    converter.force = True
    with warnings.catch_warnings():
        # nbgrader's queries make SQLAlchemy warn about objects that are not saved yet.
        warnings.simplefilter("ignore", SAWarning)
        converter.start()


def _log(course: Course) -> logging.Logger:
    log = logging.getLogger(f"autograder.{course.folder}")
    if not log.handlers:
        handler = logging.FileHandler(audit.folder(course.folder) / "grading.log")
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        log.addHandler(handler)
        log.setLevel(logging.WARNING)
        log.propagate = False
    return log
