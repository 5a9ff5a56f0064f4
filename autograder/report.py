"""The score table with the reason for each lost point, and how the problems worked.

Scores come from the gradebook, so that points given by hand count; reasons come from the records
of the grading runs.
"""

from __future__ import annotations

import csv
import io
import statistics
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass, field
from itertools import groupby
from typing import Any

from nbgrader.api import Grade, MissingEntry, SubmittedNotebook
from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from autograder import audit
from autograder.config import ASSIGNMENT, Course
from autograder.export import neutral, points_text
from autograder.grade import choose

UNWRITTEN = "not written yet."  # how the reasons for an empty answer end


@dataclass(frozen=True)
class Loss:
    """Points lost in one part, and the sentence that says why."""

    part: str
    points: float
    why: str


@dataclass(frozen=True)
class PartScore:
    """One student's points in one part."""

    part: str
    score: float
    out_of: float


@dataclass(frozen=True)
class ProblemScore:
    """One student's outcome in one problem.

    `waiting` points are still to be given by hand; `late` points were taken off the score; `parts`
    lacks those that wait; `isolation` is how the code was kept apart, where any was run.
    """

    problem: str
    score: float
    out_of: float
    waiting: float = 0.0
    losses: tuple[Loss, ...] = ()
    notes: tuple[str, ...] = ()
    misconceptions: tuple[str, ...] = ()
    late: float = 0.0
    parts: tuple[PartScore, ...] = ()
    isolation: str = ""

    @property
    def known(self) -> float:
        """Points for the work alone, whenever it came."""
        return self.score + self.late


@dataclass(frozen=True)
class StudentScore:
    """One row of the table."""

    student: str
    problems: tuple[ProblemScore, ...]

    @property
    def score(self) -> float:
        return sum(problem.score for problem in self.problems)

    @property
    def out_of(self) -> float:
        return sum(problem.out_of for problem in self.problems)


@dataclass(frozen=True)
class ItemStatistics:
    """How a problem or a part of one worked.

    `difficulty` is the mean share of points earned (1 = everybody got everything) and
    `discrimination` the correlation of the item's points with the rest of the total, None when
    one of them does not vary. Neither counts points that wait for a reader or were taken off for
    being late.
    """

    item: str
    difficulty: float
    discrimination: float | None


@dataclass(frozen=True)
class ProblemStatistics(ItemStatistics):
    """A problem's parts, and how many made each usual mistake."""

    parts: tuple[ItemStatistics, ...] = ()
    misconceptions: dict[str, int] = field(default_factory=dict)


def collect(course: Course, students: Collection[str] = ()) -> list[StudentScore]:
    """The scores of `students`, or of everybody in the gradebook, in order of their names.

    Raises WrongUse for a student without a score.
    """
    with course.gradebook() as gradebook:
        try:
            submissions = gradebook.assignment_submissions(ASSIGNMENT)
        except MissingEntry:
            submissions = []
        notebooks = {s.student.id: sorted(s.notebooks, key=lambda n: n.name) for s in submissions}
        return [
            StudentScore(
                student,
                tuple(_problem_score(course, student, notebook) for notebook in notebooks[student]),
            )
            for student in choose(sorted(notebooks), students)
        ]


def _problem_score(course: Course, student: str, notebook: SubmittedNotebook) -> ProblemScore:
    record = audit.load(audit.path_of(course.folder, ASSIGNMENT, student, notebook.name))
    if record is not None and not record.received:
        return _nothing_received(notebook, record.notes)
    parts = record.parts if record else {}
    penalty = notebook.late_submission_penalty or 0.0
    late = (Loss("all", penalty, "The notebook was handed in late."),) if penalty else ()
    return ProblemScore(
        problem=notebook.name,
        score=notebook.score - penalty,
        out_of=notebook.max_score,
        waiting=sum(grade.max_score for grade in notebook.grades if _waits(grade)),
        losses=tuple(losses(notebook, parts)) + late,
        notes=tuple(record.notes) if record else (),
        misconceptions=tuple(
            part["misconception"]["name"] for part in parts.values() if part["misconception"]
        ),
        late=penalty,
        parts=_part_scores(notebook),
        isolation=record.isolation if record else "",
    )


def _nothing_received(notebook: SubmittedNotebook, notes: list[str]) -> ProblemScore:
    *others, why = notes
    loss = Loss("", notebook.max_score - notebook.score, why)
    return ProblemScore(
        notebook.name,
        notebook.score,
        notebook.max_score,
        losses=(loss,),
        notes=tuple(others),
        parts=_part_scores(notebook),
    )


def _part_scores(notebook: SubmittedNotebook) -> tuple[PartScore, ...]:
    return tuple(
        PartScore(grade.name, grade.score, grade.max_score)
        for grade in sorted(notebook.grades, key=lambda grade: grade.name)
        if not _waits(grade)
    )


def _waits(grade: Grade) -> bool:
    """Whether nobody has read an answer yet. nbgrader asks for another look after a new run."""
    return grade.needs_manual_grade and grade.manual_score is None


def losses(notebook: SubmittedNotebook, parts: dict[str, dict[str, Any]]) -> list[Loss]:
    """Where points are missing in one notebook; the same sentence is said once per part."""
    found = []
    for grade in sorted(notebook.grades, key=lambda grade: grade.name):
        missing = grade.max_score - grade.score
        if missing <= 0 or _waits(grade):
            continue
        part = parts.get(grade.name)
        if grade.manual_score is not None:
            found.append(Loss(grade.name, missing, "Graded by hand."))
        elif part is None:
            found.append(Loss(grade.name, missing, "The answer is not written yet."))
        else:
            found += _losses_of_part(grade.name, part)
    lost = sum(loss.points for loss in found)
    everything = found and lost == sum(grade.max_score for grade in notebook.grades)
    if everything and all(loss.why.endswith(UNWRITTEN) for loss in found):
        return [Loss("", lost, "Nothing was written.")]
    return found


def _losses_of_part(name: str, part: dict[str, Any]) -> list[Loss]:
    scale = part["score"] / part["earned"] if part["earned"] else 1.0
    points: Counter[str] = Counter()
    for line in part["lines"]:
        if line["why"]:
            points[line["why"]] += (line["out_of"] - line["points"]) * scale
    if part["misconception"]:
        return [Loss(name, sum(points.values()), part["misconception"]["says"])]
    return [Loss(name, lost, why) for why, lost in points.items()]


# ---------------------------------------------------------------------------- statistics


def problem_statistics(scores: list[StudentScore]) -> list[ProblemStatistics]:
    """Difficulty, discrimination and misconceptions of every problem."""
    columns = zip(*(row.problems for row in scores), strict=True) if scores else ()
    totals = [sum(problem.known for problem in row.problems) for row in scores]
    return [_statistics_of_problem(column, totals) for column in columns]


def _statistics_of_problem(
    column: tuple[ProblemScore, ...], totals: list[float]
) -> ProblemStatistics:
    whole = _statistics_of_item(
        column[0].problem,
        [(p.known, p.out_of - p.waiting, total) for p, total in zip(column, totals, strict=True)],
    )
    parts: dict[str, list[tuple[float, float, float]]] = {}
    for problem, total in zip(column, totals, strict=True):
        for part in problem.parts:
            parts.setdefault(part.part, []).append((part.score, part.out_of, total))
    return ProblemStatistics(
        **vars(whole),
        parts=tuple(_statistics_of_item(name, rows) for name, rows in parts.items()),
        misconceptions=dict(Counter(name for score in column for name in score.misconceptions)),
    )


def _statistics_of_item(item: str, rows: list[tuple[float, float, float]]) -> ItemStatistics:
    """Of the students' points, what they could have been, and the totals they are part of."""
    own, out_of, totals = (list(values) for values in zip(*rows, strict=True))
    # Rounded, or the last digits of sums would count as differences between students.
    rest = [round(total - score, 9) for total, score in zip(totals, own, strict=True)]
    varies = len(set(own)) > 1 and len(set(rest)) > 1
    return ItemStatistics(
        item,
        difficulty=sum(own) / sum(out_of) if sum(out_of) else 0.0,
        discrimination=statistics.correlation(own, rest) if varies else None,
    )


# ---------------------------------------------------------------------------- changes


@dataclass(frozen=True)
class Change:
    """A score before and after a run; `old` is None for what had not been graded."""

    student: str
    problem: str
    old: float | None
    new: float


def changes(before: list[StudentScore], after: list[StudentScore]) -> list[Change]:
    """The scores that are not what they were."""
    known = {(row.student, p.problem): p.score for row in before for p in row.problems}
    now = [
        Change(row.student, p.problem, known.get((row.student, p.problem)), p.score)
        for row in after
        for p in row.problems
    ]
    return [change for change in now if change.old != change.new]


# ---------------------------------------------------------------------------- on paper


def number(problem: str) -> str:
    """The number that a problem's name begins with."""
    return problem.partition("_")[0]


def count_text(count: int, what: str) -> str:
    """So many of something."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def as_json(scores: list[StudentScore]) -> dict[str, Any]:
    """Everything in the report as JSON-ready data."""
    students = [asdict(row) | {"score": row.score, "out_of": row.out_of} for row in scores]
    return {
        "assignment": ASSIGNMENT,
        "students": students,
        "problems": [asdict(item) for item in problem_statistics(scores)],
    }


def as_csv(scores: list[StudentScore]) -> str:
    """One line per student: name, points of each problem, total."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    problems = [score.problem for score in scores[0].problems] if scores else []
    writer.writerow(["student", *problems, "total"])
    for row in scores:
        writer.writerow(
            [
                neutral(row.student),
                *(points_text(p.score) for p in row.problems),
                points_text(row.score),
            ]
        )
    return text.getvalue()


def as_tables(scores: list[StudentScore]) -> RenderableType:
    """Scores, reasons and statistics for a terminal."""
    return Group(_score_table(scores), _reason_table(scores), _statistics_table(scores))


def as_change_table(changes: list[Change]) -> RenderableType:
    """Old and new scores for a terminal."""
    table = Table(title="What changed", box=SIMPLE_HEAD, title_justify="left")
    table.add_column("student", no_wrap=True)
    table.add_column("problem", no_wrap=True)
    table.add_column("old", justify="right")
    table.add_column("new", justify="right")
    for change in changes:
        old = "" if change.old is None else points_text(change.old)
        table.add_row(escape(change.student), change.problem, old, points_text(change.new))
    return table


def _score_table(scores: list[StudentScore]) -> Table:
    # All problems of a course, with quarters of points, fit into a terminal of 80 columns.
    table = Table(title="Scores", box=SIMPLE_HEAD, title_justify="left", padding=0)
    table.add_column("student", no_wrap=True)
    for problem in scores[0].problems if scores else ():
        table.add_column(number(problem.problem), justify="right")
    table.add_column("total", justify="right")
    for row in scores:
        cells = [points_text(p.score) + ("+" if p.waiting else "") for p in row.problems]
        table.add_row(
            escape(row.student), *cells, f"{points_text(row.score)}/{points_text(row.out_of)}"
        )
    if any(problem.waiting for row in scores for problem in row.problems):
        table.caption = "+ a written answer is waiting to be read"
        table.caption_justify = "left"
    return table


def _reason_table(scores: list[StudentScore]) -> Table:
    table = Table(title="Why points were lost", box=SIMPLE_HEAD, title_justify="left")
    table.add_column("student", no_wrap=True)
    table.add_column("part", no_wrap=True)
    table.add_column("lost", justify="right")
    table.add_column("reason")
    for row in scores:
        name = escape(row.student)
        for place, lost, why in _reasons(row):
            table.add_row(name, place, lost, escape(why))
            name = ""
    return table


def _reasons(row: StudentScore) -> Iterator[tuple[str, str, str]]:
    """Where one student lost how much and why; neighbours with the same story tell it once."""
    for (notes, told), group in groupby(row.problems, key=_story):
        problems = list(group)
        numbers = [number(problem.problem) for problem in problems]
        place = numbers[0] if len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]}"
        for note in notes:
            yield place, "", note
        for at, (part, why) in enumerate(told):
            lost = sum(problem.losses[at].points for problem in problems)
            yield f"{place} {part}".rstrip(), points_text(-lost), why


def _story(problem: ProblemScore) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    return problem.notes, tuple((loss.part, loss.why) for loss in problem.losses)


def _statistics_table(scores: list[StudentScore]) -> Table:
    table = Table(title="How the problems worked", box=SIMPLE_HEAD, title_justify="left")
    for heading in ("problem", "mean", "discrimination", "usual mistakes"):
        table.add_column(heading)
    for item in problem_statistics(scores):
        found = sorted(item.misconceptions.items(), key=lambda pair: -pair[1])
        table.add_row(
            item.item,
            f"{item.difficulty:.0%}",
            "" if item.discrimination is None else f"{item.discrimination:+.2f}",
            escape(", ".join(f"{name} ({count})" for name, count in found)),
        )
    return table
