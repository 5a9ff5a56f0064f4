"""What a hostile or faulty submission is, and the pieces they are put together from.

Every submission answers problem 01 and is made from the released notebook. `earns` are the points
its answers deserve, whatever else it does; whoever gets more got them by the attack.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat.notebooknode import NotebookNode

from autograder import sample
from autograder.bank import Problem
from autograder.sample import right, untouched

FIRST = "01_mse_gradient"
FULL = 8.0  # without the written answer, which waits for a reader
NO_GRADIENT = 5.0

# Stands in everything that no notebook may see. Written in two halves here and in attacks, so that
# an attack does not find itself.
CANARY = "canary-" + "7d1f93"
# The network as attacks try it: somebody listens on one of these ports, and on this abstract name.
PORTS = range(47170, 47180)
UNIX_NAME = "\0hostile-listener"
PROCESS_NAME = "hostile-left"  # what a process that should not be there calls itself

__all__ = ["FULL", "NO_GRADIENT", "Attack", "Notebook", "right", "untouched"]

Notebook = Callable[[Problem, NotebookNode], NotebookNode]


@dataclass(frozen=True)
class Attack:
    """One submission.

    `says` must stand in what the instructor reads about it. `earns` is exact unless `up_to`:
    then the score depends on when the process ends, and only more is wrong. A `bomb` would take
    down a machine without limits.
    """

    name: str
    does: str
    notebook: Notebook = right
    earns: float = FULL
    says: str = ""
    file: Callable[[Path], Any] | None = None
    up_to: bool = False
    bomb: bool = False


def cells(*sources: str, kind: str = "code") -> list[NotebookNode]:
    """Cells of the student's own."""
    make = getattr(nbformat.v4, f"new_{kind}_cell")
    return [make(textwrap.dedent(source).strip()) for source in sources]


def unanswered(source: str) -> Notebook:
    """No answer: `source` is in the first cell for one, and the others are empty."""

    def notebook(problem: Problem, notebook: NotebookNode) -> NotebookNode:
        for name in ("mse", "mse_gradient", "top_share"):
            find(notebook, name).source = "pass"
        find(notebook, "mse").source = textwrap.dedent(source).strip()
        return notebook

    return notebook


def answered(*sources: str) -> Notebook:
    """Everything right, and cells of the student's own at the end."""

    def notebook(problem: Problem, notebook: NotebookNode) -> NotebookNode:
        right(problem, notebook).cells += cells(*sources)
        return notebook

    return notebook


def with_gradient(source: str) -> Notebook:
    """Everything right but the cell of the gradient."""
    return sample.cell("mse_gradient", textwrap.dedent(source).strip())


def everywhere(change: Callable[[NotebookNode], Any], start: Notebook = right) -> Notebook:
    """`start` with every cell changed."""

    def notebook(problem: Problem, notebook: NotebookNode) -> NotebookNode:
        for cell in start(problem, notebook).cells:
            change(cell)
        return notebook

    return notebook


def grade_id(cell: NotebookNode) -> str:
    """The name of a cell; empty for one of the student's own."""
    return cell.metadata.get("nbgrader", {}).get("grade_id", "")


def find(notebook: NotebookNode, name: str) -> NotebookNode:
    """The cell with a grade id."""
    return next(cell for cell in notebook.cells if grade_id(cell) == name)
