"""From problem folders to what students get.

`python -m autograder.release` rebuilds `exercises/*.ipynb` and `lossmath/course/problems/*.json`;
with `--check` it changes nothing and fails when they are not what the folders make.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from autograder.bank import Problem, is_public_data, problems
from autograder.config import ASSIGNMENT, Course
from lossmath.course.published import FOLDER as PUBLISHED

EXERCISES = Path(__file__).parent.parent / "exercises"

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


class ReleaseError(Exception):
    """nbgrader does not make a release of the problems; the text says why."""


def source_notebook(problem: Problem) -> NotebookNode:
    """The problem as an nbgrader source notebook, solution included, public data left out."""
    notebook = nbformat.v4.new_notebook(
        metadata={"kernelspec": KERNEL, "language_info": {"name": "python"}}
    )
    cells = [cell for cell in problem.notebook.cells if not is_public_data(cell)]
    for number, cell in enumerate(cells):
        grading = cell.metadata.get("nbgrader")
        make = nbformat.v4.new_markdown_cell
        if cell.cell_type == "code":
            make = nbformat.v4.new_code_cell
        notebook.cells.append(
            make(
                cell.source,
                id=f"{problem.number}-{grading['grade_id'] if grading else number}",
                metadata={"nbgrader": _complete(grading)} if grading else {},
            )
        )
    return notebook


def write_sources(course: Path, bank: list[Problem]) -> None:
    """Write the source notebooks of all problems into a course directory, and nothing else."""
    folder = course / "source" / ASSIGNMENT
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for problem in bank:
        nbformat.write(source_notebook(problem), folder / f"{problem.name}.ipynb")


def release(folder: Path, bank: list[Problem], config: Config) -> Path:
    """Make nbgrader's release version in a course folder; returns where the notebooks are.

    `config` is the folder's nbgrader configuration; its gradebook learns the assignment. Raises
    ReleaseError when nbgrader refuses.
    """
    write_sources(folder, bank)
    api = NbGraderAPI(CourseDirectory(config=config), config=config)
    result = api.generate_assignment(ASSIGNMENT, force=True, create=True)
    if not result["success"]:
        raise ReleaseError(f"nbgrader made no release: {_cause(result)}")
    return folder / "release" / ASSIGNMENT


def _cause(result: dict[str, Any]) -> str:
    """The first error in nbgrader's log, which goes on to say what else failed because of it."""
    log = result.get("log") or result.get("error") or "no reason was given"
    found = re.search(r"^\s*[\w.]*Error: (.+)$", log, re.MULTILINE)
    return found[1] if found else log.strip().splitlines()[-1]


def build() -> dict[Path, str]:
    """What every built file should contain."""
    bank = problems()
    with tempfile.TemporaryDirectory() as folder:
        course = Course.create(Path(folder))
        released = release(course.folder, bank, course.config)
        notebooks = {
            EXERCISES / path.name: path.read_text(encoding="utf-8")
            for path in sorted(released.glob("*.ipynb"))
        }
    return notebooks | {
        PUBLISHED / f"{problem.number}.json": problem.published.to_json() for problem in bank
    }


def out_of_date(built: dict[Path, str]) -> list[Path]:
    """The files that differ from what they should contain, missing and left over ones too."""
    on_disk = {*EXERCISES.glob("*.ipynb"), *PUBLISHED.glob("*.json")}
    wrong = [
        path
        for path, text in built.items()
        if path not in on_disk or path.read_text(encoding="utf-8") != text
    ]
    return sorted({*wrong, *(on_disk - built.keys())})


def main(arguments: list[str] | None = None) -> int:
    """Build or check; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m autograder.release", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only compare, fail on differences")
    check = parser.parse_args(arguments).check
    built = build()
    for path in out_of_date(built):
        if check:
            print(f"{path} is not what its problem folder makes", file=sys.stderr)
        elif path in built:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(built[path], encoding="utf-8")
            print(f"wrote {path}")
        else:
            path.unlink()
            print(f"removed {path}")
    return 1 if check and out_of_date(built) else 0


def _complete(grading: dict[str, Any]) -> dict[str, Any]:
    """nbgrader's metadata from what `problem.py` states: everything but answers is locked."""
    solution = bool(grading.get("solution"))
    return {
        "schema_version": 3,
        "task": False,
        "grade": "points" in grading,
        "solution": solution,
        "locked": not solution,
        **grading,
    }


if __name__ == "__main__":
    sys.exit(main())
