"""Submissions for tests, and everything a gradebook holds about them."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import nbformat
from nbgrader.api import Comment, Grade, SubmittedAssignment, SubmittedNotebook

from autograder import execute
from autograder.grade import settings_of

FIRST = "01_mse_gradient"
FULL = 8.0  # of the first problem, without the written answer, which waits for a reader


def hand_in(course, student, answer, name=FIRST):
    """Write a student's notebook, made by `answer(problem, released notebook)`."""
    problem = execute.load_problem(settings_of(course).solutions / name)
    notebook = nbformat.read(course.layout.folder("release") / f"{name}.ipynb", as_version=4)
    folder = course.layout.folder("submitted", student)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.ipynb"
    # Written without validation: hostile files need not be valid.
    path.write_text(json.dumps(answer(problem, notebook)))
    return path


def contents(course):
    """All submissions, grades and comments in a course's gradebook, without its internal ids."""
    with course.gradebook() as gradebook:
        found = [
            (s.student_id, "submission", str(s.timestamp), str(s.extension))
            for s in gradebook.db.query(SubmittedAssignment)
        ]
        found += [
            (n.assignment.student_id, n.name, "notebook", n.flagged, n.late_submission_penalty)
            for n in gradebook.db.query(SubmittedNotebook)
        ]
        for kind, fields in (
            (Grade, ("auto_score", "manual_score", "extra_credit", "needs_manual_grade")),
            (Comment, ("auto_comment", "manual_comment")),
        ):
            for row in gradebook.db.query(kind):
                place = row.notebook.assignment.student_id, row.notebook.name, row.cell.name
                found.append((*place, kind.__name__, *(getattr(row, name) for name in fields)))
    return sorted(found, key=repr)


def shown(course):
    """The graded notebooks and time stamps that formgrader and feedback read, by path."""
    folder = course.folder / "autograded"
    texts = {str(p.relative_to(folder)): p.read_text() for p in folder.rglob("*") if p.is_file()}
    return {
        path: json.loads(text) if path.endswith(".ipynb") else text for path, text in texts.items()
    }


def nbgrader(folder, *arguments, path=None):
    """Run nbgrader's own program in a course folder."""
    here = Path(sys.executable).parent
    return subprocess.run(
        [str(here / "nbgrader"), *arguments],
        cwd=folder,
        env=os.environ | {"PATH": path or f"{here}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=300,
    )


def wait_until(true, seconds=300):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)
