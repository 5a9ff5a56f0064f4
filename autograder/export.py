"""Grades as the files that learning-management systems import.

Each class is an exporter of nbgrader, so `python -m autograder export canvas` and
`nbgrader export --exporter=autograder.export.CanvasExporter` write the same file. Columns follow
the systems' own instructions for importing grades. A student's name in the gradebook is the login
in the system; first and last name, email and `lms_user_id` come from the gradebook where it has
them.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Literal

from nbgrader.api import (
    Assignment,
    Grade,
    Gradebook,
    Student,
    SubmittedAssignment,
    SubmittedNotebook,
)
from nbgrader.plugins import ExportPlugin
from sqlalchemy import Select, select
from sqlalchemy.orm import load_only
from traitlets import Dict, Unicode

from autograder.errors import WrongUse

FORMULA = tuple("=+-@＝＋－＠")  # how cells begin that a spreadsheet calculates

Row = list[str]


class GradeFile(ExportPlugin):
    """One line for each student, one column for each assignment: points, late penalty taken off.

    Who handed in nothing has 0 points.
    """

    columns = Dict(
        key_trait=Unicode(),
        value_trait=Unicode(),
        help="Headings of assignments' columns in the system, where not the assignments' names.",
    ).tag(config=True)

    filename: ClassVar[str]
    quoting: ClassVar[Literal[0, 1]] = csv.QUOTE_MINIMAL

    def export(self, gradebook: Gradebook) -> None:
        """Write the file. Raises WrongUse when there is no grade to write."""
        assignments = [a for a in gradebook.assignments if _chosen(a.name, self.assignment)]
        students = [s for s in _students(gradebook) if _chosen(s.id, self.student)]
        scores = _scores(gradebook)
        if not scores:
            raise WrongUse("the gradebook holds no grades yet; run `python -m autograder grade`")
        unread = _unread(gradebook, {a.name for a in assignments}, {s.id for s in students})
        if unread:
            self.log.warning("Answers nobody has read yet count 0 points; students: %d", unread)
        with open(self.to or self.filename, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n", quoting=self.quoting)
            writer.writerows(self.heads(assignments))
            for student in students:
                earned = [points_text(scores.get((student.id, a.name), 0.0)) for a in assignments]
                writer.writerow([neutral(text) for text in self.row(student, earned)])

    def heads(self, assignments: list[Assignment]) -> Iterator[Row]:
        """The lines above the students."""
        raise NotImplementedError

    def row(self, student: Student, earned: Row) -> Row:
        """The line of one student."""
        raise NotImplementedError

    def column(self, assignment: Assignment) -> str:
        """The heading of an assignment's column."""
        return self.columns.get(assignment.name, assignment.name)


class CanvasExporter(GradeFile):
    """Canvas: five columns about the student, and a line of maximal points."""

    filename = "grades-canvas.csv"

    def heads(self, assignments: list[Assignment]) -> Iterator[Row]:
        about = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
        yield about + [self.column(assignment) for assignment in assignments]
        yield ["Points Possible", "", "", "", ""] + [points_text(a.max_score) for a in assignments]

    def row(self, student: Student, earned: Row) -> Row:
        names = [name for name in (student.last_name, student.first_name) if name]
        name = ", ".join(names) or student.id
        return [name, student.lms_user_id or "", "", student.id, "", *earned]


class MoodleExporter(GradeFile):
    """Moodle: any columns; which is which is chosen while importing."""

    filename = "grades-moodle.csv"

    def heads(self, assignments: list[Assignment]) -> Iterator[Row]:
        about = ["First name", "Last name", "Username", "Email address"]
        yield about + [self.column(assignment) for assignment in assignments]

    def row(self, student: Student, earned: Row) -> Row:
        about = [student.first_name, student.last_name, student.id, student.email]
        return [text or "" for text in about] + earned


class BlackboardExporter(GradeFile):
    """Blackboard: students are known by their user names, and everything is in quotes."""

    filename = "grades-blackboard.csv"
    quoting = csv.QUOTE_ALL

    def heads(self, assignments: list[Assignment]) -> Iterator[Row]:
        about = ["Last Name", "First Name", "Username"]
        yield about + [self.column(assignment) for assignment in assignments]

    def row(self, student: Student, earned: Row) -> Row:
        return [student.last_name or "", student.first_name or "", student.id, *earned]


class BrightspaceExporter(GradeFile):
    """Brightspace: nothing about a student but the user name, and a mark at the end of a line."""

    filename = "grades-brightspace.csv"

    def heads(self, assignments: list[Assignment]) -> Iterator[Row]:
        grades = [f"{self.column(assignment)} Points Grade" for assignment in assignments]
        yield ["Username", *grades, "End-of-Line Indicator"]

    def row(self, student: Student, earned: Row) -> Row:
        return [student.id, *earned, "#"]


EXPORTERS: dict[str, type[GradeFile]] = {
    "canvas": CanvasExporter,
    "moodle": MoodleExporter,
    "blackboard": BlackboardExporter,
    "brightspace": BrightspaceExporter,
}


def neutral(text: str) -> str:
    """`text` on one line, and so that no spreadsheet takes it for a formula."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return f"'{line}" if line.startswith(FORMULA) else line


def points_text(value: float) -> str:
    """Points with at most two decimals."""
    return f"{round(value, 2):g}"


def _students(gradebook: Gradebook) -> Iterable[Student]:
    # nbgrader would add up all scores of everybody, too.
    about = load_only(Student.first_name, Student.last_name, Student.email, Student.lms_user_id)
    return gradebook.db.scalars(select(Student).options(about).order_by(Student.id))


def _scores(gradebook: Gradebook) -> dict[tuple[str, str], float]:
    """Points by student and assignment."""
    scores: Counter[tuple[str, str]] = Counter()
    for student, assignment, score, penalty in gradebook.db.execute(
        _notebooks(SubmittedNotebook.score, SubmittedNotebook.late_submission_penalty)
    ):
        scores[student, assignment] += score - (penalty or 0.0)
    return {place: max(0.0, score) for place, score in scores.items()}


def _unread(gradebook: Gradebook, assignments: set[str], students: set[str]) -> int:
    """How many of the students have an answer that waits for a reader."""
    waiting = gradebook.db.execute(
        _notebooks()
        .join(Grade, Grade.notebook_id == SubmittedNotebook.id)
        .where(
            Grade.needs_manual_grade,
            Grade.manual_score.is_(None),
            Assignment.name.in_(assignments),
        )
    )
    return len({student for student, _ in waiting} & students)


def _notebooks(*columns: Any) -> Select:
    """Student, assignment and these columns of every notebook handed in."""
    return (
        select(SubmittedAssignment.student_id, Assignment.name, *columns)
        .select_from(SubmittedNotebook)
        .join(SubmittedAssignment, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
        .join(Assignment, SubmittedAssignment.assignment_id == Assignment.id)
    )


def _chosen(name: str, names: list) -> bool:
    # nbgrader's command line makes numbers of names that look like it.
    return not names or name in map(str, names)
