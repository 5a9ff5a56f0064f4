"""Grade a class: workers run and judge submissions, one writer fills nbgrader's gradebook.

The two halves are kept apart. `submission.grade_submission` works on files alone, so that any
number of workers may do it at once and in any order; `gradebook.Writer`, in this process, records
one submission at a time. A run can be stopped at any moment: the next one finds the records of
what was done and does the rest. One student's trouble never stops the next.
"""

from __future__ import annotations

import fcntl
import glob
import logging
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Future
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from nbgrader.converters import GenerateFeedback

from autograder import audit
from autograder.config import ASSIGNMENT, Course
from autograder.errors import WrongUse
from autograder.execute import SandboxExecute, Settings
from autograder.gradebook import Writer, quiet_queries
from autograder.preflight import find_students
from autograder.sandbox import SandboxError
from autograder.submission import grade_submission
from autograder.workers import hired, run


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
    """What happened to a class, how students' code was kept apart, and what was not graded.

    `notes` are sentences about what in `submitted/` is no submission, when everybody was asked for.
    """

    results: list[Result]
    notes: list[str]
    isolation: str

    @property
    def failed(self) -> list[Result]:
        return [result for result in self.results if result.error or result.faults]

    @property
    def ok(self) -> bool:
        return not self.failed and not self.notes


def grade(
    course: Course,
    students: Iterable[str] = (),
    *,
    isolation: str | None = None,
    progress: Callable[[int, int, str], None] = lambda done, total, student: None,
    workers: int = 1,
    scheduler: str | None = None,
    again: bool = False,
) -> ClassResult:
    """Grade the submissions of `students`, or of everybody, with so many `workers`.

    What has not changed since the last run is not run, unless `again`. `scheduler` is the address
    of a dask scheduler whose workers grade instead; they see the course folder under the same path.
    `progress(done, total, student)` is called at the start and after each student. Raises
    WrongUse for a student without a submission or while another run grades the course,
    FileNotFoundError when nothing has been released, and `SandboxError` when students' code cannot
    be kept apart.
    """
    found, notes = find_students(course.layout)
    wanted = list(students)
    chosen = choose(found, wanted)
    settings = replace(settings_of(course, isolation), reuse=not again)
    for name in course.layout.released():
        if not (settings.solutions / name).is_dir():
            raise FileNotFoundError(f"{settings.solutions / name}: no checks for {name}.ipynb")
    task = partial(grade_submission, course=course.folder, settings=settings)
    results: dict[str, Result] = {}
    progress(0, len(chosen), "")
    with (
        _only_run(course),
        Writer(course, _log(course)) as writer,
        hired(max(1, min(workers, len(chosen))), scheduler) as (executor, at_once),
    ):
        for student, future in run(executor, at_once, task, chosen):
            results[student] = _record(course, student, future, writer)
            progress(len(results), len(chosen), student)
        writer.update_penalties({name for name, result in results.items() if result.unchanged})
    return ClassResult(
        [results[student] for student in chosen], [] if wanted else notes, settings.isolation
    )


def choose(found: list[str], wanted: Collection[str]) -> list[str]:
    """Those of `found` who are `wanted`, or all. Raises WrongUse for a name that is not there."""
    unknown = sorted(set(wanted) - set(found))
    if unknown:
        there = ", ".join(found) or "nobody"
        raise WrongUse(f"no submission of {', '.join(unknown)}; there are: {there}")
    return [student for student in found if not wanted or student in wanted]


def settings_of(course: Course, isolation: str | None = None) -> Settings:
    """The settings nbgrader's own run would use, reusing records of unchanged work."""
    settings = SandboxExecute(config=course.config).settings()
    return replace(settings, reuse=True, isolation=isolation or settings.isolation)


def _record(course: Course, student: str, future: Future, writer: Writer) -> Result:
    """Put one outcome into the gradebook, whatever it is."""
    result = Result(student)
    try:
        graded = future.result()
        result.notes, result.faults = graded.notes, graded.faults
        result.unchanged = writer.holds(graded)
        if not result.unchanged:
            writer.record(graded)
    except SandboxError:
        raise
    except BrokenExecutor:
        result.error = "the process that graded it was killed, twice"
    except Exception as error:
        _log(course).exception("%s could not be graded", student)
        result.error = f"{type(error).__name__}: {error} (more in audit/grading.log)"
    return result


@contextmanager
def _only_run(course: Course) -> Iterator[None]:
    """Hold the course while grading: the gradebook has one writer. Raises WrongUse."""
    with (audit.folder(course.folder) / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise WrongUse(f"another run is grading {course.folder}") from None
        yield


# ---------------------------------------------------------------------------- feedback


def find_graded(course: Course, students: Iterable[str] = ()) -> list[str]:
    """The students with graded notebooks, or those of `students`. Raises WrongUse."""
    found = sorted(path.parent.name for path in course.folder.glob(f"autograded/*/{ASSIGNMENT}"))
    return choose(found, list(students))


def write_feedback(course: Course, student: str) -> Path:
    """Write the student's feedback pages with nbgrader; returns their folder."""
    directory = course.directory()
    directory.student_id = glob.escape(student)
    converter = GenerateFeedback(coursedir=directory, config=course.config, log=_log(course))
    converter.force = True
    with quiet_queries():
        converter.start()
    return course.layout.folder("feedback", student)


def _log(course: Course) -> logging.Logger:
    log = logging.getLogger(f"autograder.{course.folder}")
    if not log.handlers:
        handler = logging.FileHandler(audit.folder(course.folder) / "grading.log")
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        log.addHandler(handler)
        log.setLevel(logging.WARNING)
        log.propagate = False
    return log
