"""Put a submission back into the form that was released.

A clean copy knows of each cell its kind, its text and the grade id it claims. Everything else is
taken from the release: which cells there are, their order, their metadata. nbgrader's own
OverwriteCells runs next and makes points, locks and the text of locked cells those of the
gradebook. So the only thing a student decides is the text of the cells meant for writing, and
cells of their own, which run in place and are never graded.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path

from nbconvert.exporters.exporter import ResourcesDict
from nbformat.notebooknode import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_locked
from traitlets import Unicode

from autograder.preflight import Cell, Layout, plain_cell


class Rebuild(NbGraderPreprocessor):
    """Everything but the text of the student's cells comes from the release."""

    course = Unicode(help="The course folder.").tag(config=True)

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        where = resources["nbgrader"]
        layout = Layout(Path(self.course), where["assignment"])
        return rebuild(nb, layout.release(where["notebook"])), resources


def rebuild(submitted: NotebookNode, released: NotebookNode) -> NotebookNode:
    """A copy of the released notebook with the student's text in it.

    Sentences about what had to be mended join the notes of the clean copy, in
    `metadata.autograder.notes`.
    """
    record = copy.deepcopy(submitted.metadata.get("autograder", {"notes": [], "received": True}))
    originals = {_grade_id(cell): cell for cell in released.cells if _grade_id(cell)}
    texts, own = _sort_cells(submitted.cells, originals, record["notes"])
    record["notes"] = list(dict.fromkeys(record["notes"]))  # a cell may be there a hundred times
    missing = [name for name in originals if name not in texts]
    if record["received"]:
        record["notes"] += [_missing_note(originals[name], name) for name in missing]

    notebook = copy.copy(released)
    notebook.metadata = copy.deepcopy(released.metadata)
    notebook.cells = list(_in_order(originals, texts, own))
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
    notebook.metadata["autograder"] = record
    return notebook


def _grade_id(cell: NotebookNode) -> str:
    return cell.metadata.get("nbgrader", {}).get("grade_id", "")


def _sort_cells(
    cells: list[NotebookNode], originals: dict[str, NotebookNode], notes: list[str]
) -> tuple[dict[str, str], dict[str, list[NotebookNode]]]:
    """Texts by grade id, and the student's own cells by the grade id they follow ("" = start)."""
    texts: dict[str, str] = {}
    own: dict[str, list[NotebookNode]] = {"": []}
    last = ""
    for cell in cells:
        name = _grade_id(cell)
        if name in originals and name not in texts and cell.cell_type == originals[name].cell_type:
            texts[name] = cell.source
            notes += _changes(cell, originals[name])
            own[name] = []
            last = name
            continue
        if name in texts:
            notes.append(
                f"The cell {name} appears twice; the first one counts, the other is ordinary."
            )
        elif name in originals:
            notes.append(f"The cell {name} was turned into a {cell.cell_type} cell.")
        own[last].append(plain_cell(Cell(cell.cell_type, cell.source)))
    return texts, own


def _changes(cell: NotebookNode, original: NotebookNode) -> Iterator[str]:
    """What a student changed in a cell and cannot."""
    claimed, points = (c.metadata.nbgrader.get("points", 0) for c in (cell, original))
    if claimed and claimed != points:
        yield f"The points of the cell {_grade_id(cell)} were changed; the released ones count."
    if is_locked(original) and cell.source.strip() != original.source.strip():
        yield f"The locked cell {_grade_id(cell)} was changed; the released text counts."


def _missing_note(original: NotebookNode, name: str) -> str:
    kind = "" if is_locked(original) else " with its starting text"
    return f"The cell {name} was missing from the submission and was put back{kind}."


def _in_order(
    originals: dict[str, NotebookNode], texts: dict[str, str], own: dict[str, list[NotebookNode]]
) -> Iterator[NotebookNode]:
    """Cells in released order, each followed by the student's own.

    A missing cell goes in before the own cells that may stand in for it: a student who wrote the
    answer into a fresh cell has the last word, not the starting text that was put back.
    """
    waiting = own[""]
    for name, original in originals.items():
        cell = copy.deepcopy(original)
        if name in texts:
            yield from waiting
            waiting = own[name]
            if not is_locked(cell):
                cell.source = texts[name]
        yield cell
    yield from waiting
