"""Every nbgrader setting of a course, in one function.

A course folder's `nbgrader_config.py` holds three lines that call it:

    from pathlib import Path
    from autograder.config import configure
    configure(c, Path(__file__).parent)

With it nbgrader's own commands and its web pages grade exactly as `python -m autograder grade`.
"""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from autograder import bank
from autograder.preflight import Layout

ASSIGNMENT = "losses"
CONFIG_FILE = """\
from pathlib import Path
from autograder.config import configure
configure(c, Path(__file__).parent)  # noqa: F821
"""


def configure(
    c: Config, course: Path, solutions: Path = bank.SOLUTIONS, db_url: str | None = None
) -> None:
    """Fill nbgrader's configuration `c` for a course folder.

    The gradebook is an SQLite file of the course folder unless `db_url` names another database,
    such as "postgresql://...".
    """
    course = Path(course).resolve()
    c.CourseDirectory.root = str(course)
    c.CourseDirectory.db_url = db_url or f"sqlite:///{course / 'gradebook.db'}"
    # The name nbgrader's own steps use; PostgreSQL, unlike SQLite, insists that the course exists.
    c.CourseDirectory.course_id = "default_course"
    _configure_release(c)
    _configure_autograde(c, course, solutions)
    _configure_pages(c)


def _configure_release(c: Config) -> None:
    c.ClearSolutions.code_stub = {"python": "raise NotImplementedError  # your code here"}
    c.ClearSolutions.text_stub = "*Your answer here.*"


def _configure_autograde(c: Config, course: Path, solutions: Path) -> None:
    # Constructed once per run, before any submission is opened: swaps in the clean copies.
    c.Autograde.exporter_class = "autograder.staging.CleanCopies"
    # A rebuilt notebook has no outputs, no doubled ids and the release's metadata, so nbgrader's
    # steps that see to these have nothing left to do.
    c.Autograde.sanitize_preprocessors = [
        "autograder.rebuild.Rebuild",
        "nbgrader.preprocessors.OverwriteKernelspec",
        "nbgrader.preprocessors.OverwriteCells",
    ]
    c.Autograde.autograde_preprocessors = [
        "autograder.execute.SandboxExecute",
        "nbgrader.preprocessors.LimitOutput",
        "nbgrader.preprocessors.SaveAutoGrades",
        "nbgrader.preprocessors.AssignLatePenalties",
    ]
    c.AssignLatePenalties.plugin_class = "autograder.late.DailyPenalty"
    c.Rebuild.course = str(course)
    c.SandboxExecute.course = str(course)
    c.SandboxExecute.solutions = str(solutions)


def _configure_pages(c: Config) -> None:
    c.HTMLExporter.sanitize_html = True
    c.HTMLExporter.embed_images = False  # a picture's path in a submission must open no file
    c.HTMLExporter.filters = {
        "markdown2html": "autograder.feedback.safe_markdown2html",
        "highlight_code": "autograder.feedback.safe_highlight_code",
    }
    c.GenerateFeedback.exporter_class = "autograder.page.FeedbackExporter"


@dataclass(frozen=True)
class Course:
    """An opened course folder: its configuration as nbgrader's own commands would read it."""

    folder: Path
    config: Config

    @classmethod
    def open(cls, folder: Path) -> Course:
        """Raises FileNotFoundError when `folder` is no course folder."""
        folder = folder.resolve()
        if not (folder / "nbgrader_config.py").exists():
            raise FileNotFoundError(
                f"{folder} is not a course folder; `python -m autograder release` makes one"
            )
        _put_alembic_on_path()
        return cls(folder, PyFileConfigLoader("nbgrader_config.py", str(folder)).load_config())

    @classmethod
    def create(cls, folder: Path) -> Course:
        """Make `folder` a course folder, or open the one that is there."""
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "nbgrader_config.py"
        if not file.exists():
            file.write_text(CONFIG_FILE)
        return cls.open(folder)

    @property
    def layout(self) -> Layout:
        return Layout(self.folder, ASSIGNMENT)

    def directory(self) -> CourseDirectory:
        return CourseDirectory(config=self.config, assignment_id=ASSIGNMENT)

    def gradebook(self) -> Gradebook:
        directory = self.directory()
        return Gradebook(directory.db_url, directory.course_id)


def _put_alembic_on_path() -> None:
    """nbgrader starts the program `alembic` for a new gradebook; it is beside this interpreter."""
    here = str(Path(sys.executable).parent)
    if shutil.which("alembic") is None:
        os.environ["PATH"] = here + os.pathsep + os.environ.get("PATH", "")
