"""The instructor's program: `python -m autograder --help`."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from nbgrader.converters.base import NbGraderException
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy.exc import OperationalError

from autograder import audit, author, bank, doctor, export, report, sample, similar
from autograder.bank import Problem
from autograder.config import ASSIGNMENT, Course
from autograder.errors import WrongUse
from autograder.grade import ClassResult, find_graded, grade, write_feedback
from autograder.preflight import find_students
from autograder.release import ReleaseError, release
from autograder.report import count_text
from autograder.report_page import as_page
from autograder.sandbox import SandboxError

DONE, FAILED, USAGE, NO_SANDBOX = 0, 1, 2, 3
WRONG_PATH = (
    FileNotFoundError,
    FileExistsError,
    IsADirectoryError,
    NotADirectoryError,
    PermissionError,
)

EPILOG = """\
a course from start to end:
  python -m autograder release --course fall   makes the folder; hand out fall/release/losses
  ... put what students send into fall/submitted/NAME/losses/*.ipynb ...
  python -m autograder grade --course fall     runs it in the sandbox, fills the gradebook
  python -m autograder report --course fall    the table, with the reason for each lost point
  python -m autograder feedback --course fall  a page for each student and problem
  python -m autograder export canvas --course fall   the grades as Canvas imports them

exit codes: 0 done, 1 something could not be done or graded, 2 wrong use, 3 no sandbox here
"""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        code = options.run(options)
        sys.stdout.flush()
        return code
    except SandboxError as error:
        _complain(f"{error} (what to do: docs/trust.md, under “Where it runs”)")
        return NO_SANDBOX
    except (WrongUse, *WRONG_PATH) as error:
        _complain(str(error))
        return USAGE
    except BrokenPipeError:  # as with `| head`; Python itself would complain of it at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OperationalError as error:
        _complain(f"the gradebook cannot be used: {str(error.orig).partition(chr(10))[0]}")
        return FAILED
    except (ReleaseError, OSError) as error:
        _complain(str(error))
        return FAILED
    except KeyboardInterrupt:
        _complain("stopped")
        return FAILED


# ---------------------------------------------------------------------------- commands


def _release(options: argparse.Namespace) -> int:
    """Build the notebooks for students, and the gradebook that knows their points."""
    course = Course.create(options.course)
    print(f"Hand these to students: {_release_all(course, bank.problems())}")
    return DONE


def _grade(options: argparse.Namespace) -> int:
    """Run submissions in the sandbox, judge them, and fill nbgrader's gradebook."""
    course = Course.open(options.course)
    outcome = _grade_with_progress(course, options, options.students)
    if options.json:
        asked = {result.student for result in outcome.results}
        scores = [row for row in report.collect(course) if row.student in asked]
        print(json.dumps(report.as_json(scores) | _as_json(outcome), indent=1))
    else:
        count = count_text(len(outcome.results), "submission")
        unchanged = sum(result.unchanged for result in outcome.results)
        print(f"{count}; {unchanged} had not changed since the last run")
        print(f"isolation: {outcome.isolation}")
        print("`python -m autograder report` shows the scores and the reasons")
    return _conclude(outcome)


def _regrade(options: argparse.Namespace) -> int:
    """Grade what changed, and the students named in any case; show old and new scores."""
    course = Course.open(options.course)
    before = report.collect(course)
    outcome = _grade_with_progress(course, options, options.students, bool(options.students))
    changes = report.changes(before, report.collect(course))
    if options.json:
        found = [asdict(change) for change in changes]
        print(json.dumps({"changes": found} | _as_json(outcome), indent=1))
    elif changes:
        Console().print(report.as_change_table(changes))
    else:
        print("No score changed.")
    return _conclude(outcome)


def _feedback(options: argparse.Namespace) -> int:
    """Write the pages that students get back."""
    return _write_pages(Course.open(options.course), options.students)


def _report(options: argparse.Namespace) -> int:
    """Print the score table, the reason for each lost point, and how the problems worked."""
    course = Course.open(options.course)
    scores = report.collect(course, options.students)
    not_graded = [] if options.students else find_students(course.layout)[1]
    if options.json:
        print(json.dumps(report.as_json(scores) | {"not_graded": not_graded}, indent=1))
    elif options.csv:
        print(report.as_csv(scores), end="")
    elif options.html:
        options.html.write_text(as_page(scores, not_graded), encoding="utf-8")
        print(f"Open this in a browser: {options.html}")
    elif scores:
        Console().print(report.as_tables(scores))
    else:
        print("Nobody has been graded yet.")
    for note in not_graded:
        _complain(note)
    return DONE


def _export(options: argparse.Namespace) -> int:
    """Write the grades as a file for a learning-management system."""
    course = Course.open(options.course)
    exporter = export.EXPORTERS[options.system](
        config=course.config, log=logging.getLogger("autograder.export")
    )
    exporter.to = str(options.to or course.folder / exporter.filename)
    with course.gradebook() as gradebook:
        exporter.export(gradebook)
    print(f"Import this into {options.system.capitalize()}: {exporter.to}")
    return DONE


def _similar(options: argparse.Namespace) -> int:
    """Name pairs of submissions that share more than the release does."""
    course = Course.open(options.course)
    with _progress("comparing") as advance:
        pairs = similar.similar(course.layout, advance)
    if options.json:
        print(json.dumps([asdict(pair) for pair in pairs], indent=1))
    elif pairs:
        Console().print(similar.as_table(pairs))
    else:
        print("No two submissions are alike.")
    return DONE


def _demo(options: argparse.Namespace) -> int:
    """Grade the sample class from start to end and check every score against what it should be."""
    course = sample.fresh_course(options.course)
    problems = bank.problems()
    _release_all(course, problems)
    sample.write(course, problems)
    outcome = _grade_with_progress(course, options)
    scores = report.collect(course)
    Console().print(report.as_tables(scores))
    written = _write_pages(course, [])
    complaints = sample.compare(scores, problems)
    for complaint in complaints:
        _complain(complaint)
    if not complaints:
        print(f"All {len(sample.CLASS)} sample students got exactly the points they should.")
    return _conclude(outcome) or (FAILED if complaints else written)


def _doctor(options: argparse.Namespace) -> int:
    """Prove on this machine that the sandbox holds, the traps are closed, the versions fit."""
    findings = []
    with Console(stderr=options.json).status("examining this machine"):
        for finding in doctor.examine():
            findings.append(finding)
            if not options.json:
                _print_finding(finding)
    if options.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=1))
    return DONE if all(finding.ok for finding in findings) else FAILED


def _new(options: argparse.Namespace) -> int:
    """Make the folder of a new problem, complete and working, to be rewritten."""
    print(f"Rewrite the four files in {author.new_problem(options.name)}")
    return DONE


def _measure(options: argparse.Namespace) -> int:
    """Try the solutions, right and wrong, that come with the problems, and say what is missing."""
    problems = bank.chosen(options.numbers)
    measured = []
    with _progress("measuring") as advance:
        for done, problem in enumerate(problems):
            advance(done, len(problems), problem.name)
            measured.append(author.measure(problem))
    if options.json:
        print(json.dumps([author.as_json(measurement) for measurement in measured], indent=1))
    else:
        Console().print(*map(author.as_tables, measured))
    complaints = [f"{m.problem}: {complaint}" for m in measured for complaint in m.complaints]
    for complaint in complaints:
        _complain(complaint)
    return FAILED if complaints else DONE


def _print_finding(finding: doctor.Finding) -> None:
    print(f"{'✓' if finding.ok else '✗'} {finding.about}: {finding.says}", flush=True)
    if not finding.ok:
        if finding.found:
            print(f"  found: {finding.found}", flush=True)
        print(f"  what to do: {finding.advice}", flush=True)


# ---------------------------------------------------------------------------- shared steps


def _release_all(course: Course, problems: list[Problem]) -> Path:
    """Release the problems in a course folder; returns where the notebooks are."""
    with _progress("releasing", 1):
        # nbgrader would hide what is wrong with a gradebook, and workers race for a new secret.
        course.gradebook().close()
        audit.course_secret(course.folder)
        return release(course.folder, problems, course.config)


def _grade_with_progress(
    course: Course,
    options: argparse.Namespace,
    students: Iterable[str] = (),
    again: bool = False,
) -> ClassResult:
    if options.isolation == "none":
        _complain("NO SANDBOX: students' code runs with your rights and can read your files")
    try:
        with _progress("grading") as advance:
            return grade(
                course,
                students,
                isolation=options.isolation,
                progress=advance,
                workers=options.workers,
                scheduler=options.scheduler,
                again=again,
            )
    except (SandboxError, KeyboardInterrupt):
        _complain(
            "Grading stopped. What was graded until then is kept; the next run does the rest."
        )
        raise


def _write_pages(course: Course, students: list[str]) -> int:
    """Write everybody's pages and say where; one that fails keeps no other back."""
    graded, failed = find_graded(course, students), []
    with _progress("writing feedback") as advance:
        for done, student in enumerate(graded):
            advance(done, len(graded), student)
            try:
                write_feedback(course, student)
            except NbGraderException:
                failed.append(student)
    print(f"Feedback pages: {course.folder / 'feedback'}")
    for student in failed:
        log = audit.folder(course.folder) / "grading.log"
        _complain(f"{student}'s feedback could not be written: {log} says why")
    return FAILED if failed else DONE


@contextmanager
def _progress(title: str, total: int | None = None) -> Iterator[Callable[[int, int, str], None]]:
    """A progress bar on stderr; yields `advance(done, total, what)`."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as progress:
        task = progress.add_task(title, total=total)

        def advance(done: int, total: int, what: str) -> None:
            progress.update(task, completed=done, total=total, description=f"{title} {what}")

        yield advance
        progress.update(task, completed=progress.tasks[0].total or 0, description=title)


def _as_json(outcome: ClassResult) -> dict[str, Any]:
    failed = {
        result.student: [result.error] if result.error else result.faults
        for result in outcome.failed
    }
    return {"failed": failed, "not_graded": outcome.notes, "isolation": outcome.isolation}


def _conclude(outcome: ClassResult) -> int:
    """Say what could not be graded; returns the exit code."""
    for note in outcome.notes:
        _complain(note)
    for result in outcome.failed:
        if result.error:
            _complain(f"{result.student} could not be graded: {result.error}")
        for fault in result.faults:
            _complain(f"{result.student} lost points by a mistake in a check: {fault}")
    return DONE if outcome.ok else FAILED


def _complain(sentence: str) -> None:
    print(sentence, file=sys.stderr)


# ---------------------------------------------------------------------------- arguments


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m autograder",
        description=f"Release, grade and report the assignment {ASSIGNMENT!r}.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _command(commands, "release", _release)
    for name, run in (
        ("grade", _grade),
        ("regrade", _regrade),
        ("feedback", _feedback),
        ("report", _report),
    ):
        command = _command(commands, name, run)
        command.add_argument("students", nargs="*", metavar="STUDENT", help="only these students")
    _grading(commands.choices["grade"])
    _grading(commands.choices["regrade"])
    for name in ("grade", "regrade"):
        commands.choices[name].add_argument("--json", action="store_true", help="print JSON")
    form = commands.choices["report"].add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON")
    form.add_argument("--csv", action="store_true", help="print CSV")
    form.add_argument("--html", type=Path, metavar="FILE", help="write a page with pictures")
    _command(commands, "similar", _similar).add_argument(
        "--json", action="store_true", help="print JSON"
    )
    exporting = _command(commands, "export", _export)
    exporting.add_argument("system", choices=list(export.EXPORTERS), help="the system to import it")
    exporting.add_argument("--to", type=Path, metavar="FILE", help="the file to write")
    check = commands.add_parser("doctor", help=_doctor.__doc__, description=_doctor.__doc__)
    check.add_argument("--json", action="store_true", help="print JSON")
    check.set_defaults(run=_doctor)
    _problem(commands)
    demo = _command(commands, "demo", _demo, course=Path("build/demo"))
    _grading(demo)
    return parser


def _command(commands, name: str, run: Callable, course: Path = Path()) -> argparse.ArgumentParser:
    text = run.__doc__ or ""
    command = commands.add_parser(name, help=text, description=text)
    command.add_argument(
        "--course",
        type=Path,
        default=course,
        metavar="DIR",
        help="the course folder (default: %(default)s)",
    )
    command.set_defaults(run=run)
    return command


def _problem(commands) -> None:
    """The commands for authors, which need no course."""
    text = "For authors: begin a problem, and measure how well problems do their work."
    steps = commands.add_parser("problem", help=text, description=text)
    steps = steps.add_subparsers(required=True, metavar="STEP")
    new = steps.add_parser("new", help=_new.__doc__, description=_new.__doc__)
    new.add_argument("name", metavar="NAME", help="number and title, such as 12_quantiles")
    new.set_defaults(run=_new)
    measure = steps.add_parser("measure", help=_measure.__doc__, description=_measure.__doc__)
    measure.add_argument("numbers", nargs="*", metavar="NUMBER", help="only these problems")
    measure.add_argument("--json", action="store_true", help="print JSON")
    measure.set_defaults(run=_measure)


def _grading(command: argparse.ArgumentParser) -> None:
    """Options of the commands that run students' code."""
    command.add_argument(
        "--isolation",
        choices=["bwrap", "none"],
        help="'none' runs students' code with your own rights: for your own work alone",
    )
    command.add_argument(
        "--workers",
        type=_count,
        default=os.cpu_count() or 1,
        metavar="N",
        help="processes that grade at the same time (default: one for each core)",
    )
    command.add_argument(
        "--scheduler",
        metavar="URL",
        help="grade on the workers of this dask scheduler instead, such as tcp://head:8786",
    )


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of processes, at least 1")
    return int(text)
