"""The one writer of nbgrader's gradebook: a submission goes in whole or not at all.

nbgrader's own steps open the gradebook anew and commit for every cell. Here its interface works in
one session, and one transaction holds a student, the submission, every score and comment and the
late penalty. The graded notebooks follow once it is committed, so a run that is stopped in between
finds that they do not show the scores and records the submission again.
"""

from __future__ import annotations

import logging
import shutil
import warnings
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from nbformat.notebooknode import NotebookNode
from nbgrader.api import Assignment, Notebook, SubmittedAssignment, SubmittedNotebook
from nbgrader.converters import Autograde
from nbgrader.preprocessors import AssignLatePenalties
from nbgrader.utils import is_grade, is_locked
from sqlalchemy import select
from sqlalchemy.exc import SAWarning
from sqlalchemy.orm import Session, load_only, scoped_session, selectinload, sessionmaker

from autograder.config import ASSIGNMENT, Course
from autograder.errors import WrongUse
from autograder.submission import Graded, drafts


@contextmanager
def quiet_queries() -> Iterator[None]:
    """nbgrader's queries make SQLAlchemy warn about objects that are not saved yet."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)
        yield


class _OneStep(Session):
    """nbgrader's interface commits at the end of everything it does; here that only flushes."""

    def commit(self) -> None:
        self.flush()


class Writer:
    """Records graded submissions; a context manager. Raises WrongUse for another release."""

    def __init__(self, course: Course, log: logging.Logger):
        self.layout = course.layout
        self.gradebook = course.gradebook()
        self.gradebook.db = scoped_session(
            sessionmaker(class_=_OneStep, bind=self.gradebook.engine, future=True)
        )
        self.converter = Autograde(coursedir=course.directory(), config=course.config, log=log)
        self.penalties = AssignLatePenalties(parent=self.converter)
        self.penalties.init_plugin()
        self._require_release()
        self.known = self._students_with_submissions()

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *exception: object) -> None:
        self.gradebook.close()

    def holds(self, graded: Graded) -> bool:
        """Whether gradebook and graded notebooks already show this outcome."""
        return graded.draft is None and graded.student in self.known

    def record(self, graded: Graded) -> None:
        """Put a submission into the gradebook and its graded notebooks in place."""
        with self._transaction():
            submission = self._submission(graded)
            for notebook in submission.notebooks:
                self._write_scores(notebook, graded)
            self._write_penalties(submission)
        self.known.add(graded.student)
        self._show(graded)

    def update_penalties(self, students: Collection[str]) -> None:
        """Take off anew what is late: due dates, extensions and scores by hand change."""
        # nbgrader computes many sums for whatever it loads; these are all that is needed.
        when = load_only(
            SubmittedAssignment.timestamp,
            SubmittedAssignment.extension,
            SubmittedAssignment.student_id,
            SubmittedAssignment.assignment_id,
        )
        notebooks = selectinload(SubmittedAssignment.notebooks).load_only(
            SubmittedNotebook.score, SubmittedNotebook.late_submission_penalty
        )
        query = (
            select(SubmittedAssignment)
            .join(Assignment)
            .where(Assignment.name == ASSIGNMENT, SubmittedAssignment.student_id.in_(students))
            .options(when, notebooks)
        )
        with self._transaction():
            for submission in self.gradebook.db.scalars(query):
                self._write_penalties(submission)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with quiet_queries():
            try:
                with self.gradebook.db.begin():
                    yield
            finally:
                self.gradebook.db.remove()

    def _submission(self, graded: Graded) -> SubmittedAssignment:
        self.assignment = self._load_assignment()
        self.cells = {
            cell.id: (notebook.name, cell.name)
            for notebook in self.assignment.notebooks
            for cell in notebook._base_cells
        }
        self.gradebook.update_or_create_student(graded.student)
        when = {"timestamp": graded.timestamp} if graded.timestamp else {}
        return self.gradebook.update_or_create_submission(ASSIGNMENT, graded.student, **when)

    def _load_assignment(self) -> Assignment:
        """The assignment with all its cells, in a few queries instead of one per notebook."""
        cells = selectinload(Assignment.notebooks).selectinload(Notebook._base_cells)
        query = select(Assignment).where(Assignment.name == ASSIGNMENT).options(cells)
        assignment = self.gradebook.db.scalars(query).one_or_none()
        if assignment is None:
            raise WrongUse(
                f"the gradebook does not know the assignment {ASSIGNMENT!r}; "
                "run `python -m autograder release`"
            )
        return assignment

    def _write_scores(self, notebook: SubmittedNotebook, graded: Graded) -> None:
        """Scores and comments as nbgrader's SaveAutoGrades leaves them; a person's stay."""
        for grade in notebook.grades:
            grade.auto_score = graded.scores[self.cells[grade.cell_id]]
            grade.needs_manual_grade = grade.manual_score is not None or grade.auto_score is None
        for comment in notebook.comments:
            comment.auto_comment = graded.comments[self.cells[comment.cell_id]]

    def _write_penalties(self, submission: SubmittedAssignment) -> None:
        for notebook in submission.notebooks:
            notebook.late_submission_penalty = self._penalty(notebook, submission)

    def _penalty(
        self, notebook: SubmittedNotebook, submission: SubmittedAssignment
    ) -> float | None:
        """The penalty nbgrader's plugin gives a late notebook, at most what it scored."""
        if submission.total_seconds_late == 0:
            return None
        penalty = self.penalties.plugin_inst.late_submission_penalty(
            submission.student_id, notebook.score, submission.total_seconds_late
        )
        return None if penalty is None else min(max(penalty, 0), notebook.score)

    def _show(self, graded: Graded) -> None:
        """Move the graded notebooks to where formgrader and feedback look for them."""
        if graded.draft:
            target = self.layout.folder("autograded", graded.student)
            shutil.rmtree(target, ignore_errors=True)
            target.parent.mkdir(parents=True, exist_ok=True)
            graded.draft.rename(target)
            self.converter.set_permissions(ASSIGNMENT, graded.student)
        for left in drafts(self.layout, graded.student):  # by workers that were lost
            shutil.rmtree(left, ignore_errors=True)

    # ------------------------------------------------------------------------ at the start

    def _students_with_submissions(self) -> set[str]:
        query = select(SubmittedAssignment.student_id).join(Assignment)
        with self._transaction():
            return set(self.gradebook.db.scalars(query.where(Assignment.name == ASSIGNMENT)))

    def _require_release(self) -> None:
        """The gradebook must know the released cells: submissions are rebuilt from the release."""
        with self._transaction():
            notebooks = {book.name: book for book in self._load_assignment().notebooks}
            for name in self.layout.released():
                known = _known_cells(notebooks[name]) if name in notebooks else {}
                if known != _released_cells(self.layout.release(name)):
                    raise WrongUse(
                        f"the gradebook knows another {name}.ipynb than the release folder holds; "
                        "run `python -m autograder release`"
                    )


def _known_cells(notebook: Notebook) -> dict[str, tuple]:
    """Checksum, lock and points of every released cell, by grade id."""
    points = {cell.name: cell.max_score for cell in notebook.grade_cells}
    return {
        cell.name: (cell.checksum, cell.locked, points.get(cell.name))
        for cell in notebook.source_cells
    }


def _released_cells(notebook: NotebookNode) -> dict[str, tuple]:
    """The same of a released notebook."""
    return {
        about["grade_id"]: (
            about["checksum"],
            is_locked(cell),
            float(about["points"]) if is_grade(cell) else None,
        )
        for cell in notebook.cells
        if (about := cell.metadata.get("nbgrader"))
    }
