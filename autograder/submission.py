"""What a worker does with one submission: clean copy, sandbox, judge, graded notebooks.

It works on files alone and never opens the gradebook, so any number of workers may do it at once.
What the gradebook is to hold comes back as plain values; the graded notebooks wait as a draft in
the student's folder of records until `gradebook.Writer` puts them in place.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from uuid import uuid4

import nbformat
from nbformat.notebooknode import NotebookNode
from nbgrader.preprocessors import LimitOutput
from nbgrader.utils import compute_checksum, determine_grade, is_grade, is_solution

from autograder import audit
from autograder.audit import Record
from autograder.config import ASSIGNMENT, Course
from autograder.execute import Settings, grade_notebook, with_outputs
from autograder.preflight import Layout, clean_copy
from autograder.rebuild import rebuild

DRAFT = "graded-"  # how the names of folders of graded notebooks begin that nobody reads yet
NO_RESPONSE = "No response."  # nbgrader's comment on an answer cell left as it was released

# One process has one warm interpreter, and the judge draws figures with one pyplot.
_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class Graded:
    """The outcome of one submission, small enough to travel.

    `scores` and `comments` map (notebook, cell) to what nbgrader makes of the cell: points, None
    where a person has to read; a comment, None where there is something to read. `draft` is the
    folder of the graded notebooks, None when those in place already show all this.
    """

    student: str
    timestamp: str | None
    scores: dict[tuple[str, str], float | None]
    comments: dict[tuple[str, str], str | None]
    notes: list[str]
    faults: list[str]
    draft: Path | None


def grade_submission(student: str, course: Path, settings: Settings) -> Graded:
    """Grade a student's notebooks, or find the records of having done so. Raises SandboxError."""
    if settings.programs != audit.programs():
        raise RuntimeError("this worker has other versions than the run was started with")
    layout = Layout(course, ASSIGNMENT)
    clean = clean_copy(layout, student)
    notebooks, records = {}, []
    for name, copy in clean.notebooks.items():
        notebook = rebuild(copy, layout.release(name))
        with _one_at_a_time:
            record = grade_notebook(notebook, student, ASSIGNMENT, name, settings)
        notebooks[name] = limited(with_outputs(notebook, record), course)
        records.append(record)
    unchanged = settings.reuse and _is_shown(layout, student, records, clean.timestamp)
    draft = None if unchanged else write_draft(layout, student, notebooks, clean.timestamp)
    return Graded(
        student,
        clean.timestamp,
        scores=_of_cells(notebooks, is_grade, lambda cell: determine_grade(cell)[0]),
        comments=_of_cells(notebooks, is_solution, _comment),
        notes=clean.notes,
        faults=[fault for record in records for fault in record.faults()],
        draft=draft,
    )


def limited(notebook: NotebookNode, course: Path) -> NotebookNode:
    """The notebook with its outputs cut as nbgrader is configured to cut them."""
    return _limit(course).preprocess(notebook, {})[0]


@cache
def _limit(course: Path) -> LimitOutput:
    return LimitOutput(config=Course.open(course).config)


def _of_cells(notebooks, chosen, value) -> dict:
    """`value(cell)` of the cells `chosen`, by notebook and cell."""
    return {
        (name, cell.metadata.nbgrader.grade_id): value(cell)
        for name, notebook in notebooks.items()
        for cell in notebook.cells
        if chosen(cell)
    }


def _comment(cell: NotebookNode) -> str | None:
    return NO_RESPONSE if cell.metadata.nbgrader.get("checksum") == compute_checksum(cell) else None


# ---------------------------------------------------------------------------- graded notebooks


def drafts(layout: Layout, student: str) -> list[Path]:
    """The folders of graded notebooks that wait until the gradebook knows the scores in them."""
    return list(audit.folder_of(layout.course, layout.assignment, student).glob(f"{DRAFT}*"))


def write_draft(
    layout: Layout, student: str, notebooks: dict[str, NotebookNode], timestamp: str | None
) -> Path:
    """Write graded notebooks into a folder of their own; returns it."""
    # A scheduler that takes a worker for lost has its work done by another, perhaps while the first
    # still writes, or while what it wrote is being put in place.
    draft = audit.folder_of(layout.course, layout.assignment, student) / f"{DRAFT}{uuid4().hex}"
    draft.mkdir(parents=True)
    for name, notebook in notebooks.items():
        # Not `nbformat.write`: the cells are our own, there is nothing to validate.
        (draft / f"{name}.ipynb").write_text(nbformat.v4.writes(notebook) + "\n", encoding="utf-8")
    if timestamp:
        (draft / "timestamp.txt").write_text(timestamp)
    return draft


def _is_shown(layout: Layout, student: str, records: list[Record], timestamp: str | None) -> bool:
    """Whether the graded notebooks in place are those of these records."""
    folder = layout.folder("autograded", student)
    return _text(folder / "timestamp.txt") == (timestamp or "") and all(
        _fingerprint_in(folder / f"{record.notebook}.ipynb") == record.fingerprint
        for record in records
    )


def _fingerprint_in(notebook: Path) -> str:
    try:
        return json.loads(_text(notebook))["metadata"]["autograder"]["fingerprint"]
    except (KeyError, ValueError):
        return ""


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
