"""How clean copies take the place of submissions when nbgrader is started by hand.

nbgrader's Autograde makes its exporter after it has looked for notebooks and before it opens any
file of a submission, and an exception there stops it. That makes the exporter's construction the
one configurable place that every run passes, from the command line and from the web page alike.
"""

from __future__ import annotations

import copy
import fnmatch
import shutil
from pathlib import Path
from typing import Any

from nbconvert.exporters import NotebookExporter
from nbgrader.converters import Autograde
from nbgrader.coursedir import CourseDirectory

from autograder.preflight import STAGED, Layout, find_students, stage


class CleanCopies(NotebookExporter):
    """nbconvert's notebook exporter; its construction points Autograde at clean copies."""

    def __init__(self, parent: Any = None, **kwargs: Any):
        super().__init__(parent=parent, **kwargs)
        if isinstance(parent, Autograde) and parent.coursedir.submitted_directory != STAGED:
            parent.coursedir = staged(parent.coursedir)
            parent.init_notebooks()


def staged(coursedir: CourseDirectory) -> CourseDirectory:
    """A course directory of the same submissions as clean copies; the original stays as it is."""
    layout = Layout(Path(coursedir.root), coursedir.assignment_id)
    students = find_students(layout)[0]
    for folder in layout.course.glob(f"{STAGED}/*/{layout.assignment}"):
        if folder.parent.name not in students:  # taken back since it was copied
            shutil.rmtree(folder)
    for student in fnmatch.filter(students, coursedir.student_id):
        stage(layout, student)
    clean = copy.copy(coursedir)
    clean.submitted_directory = STAGED
    return clean
