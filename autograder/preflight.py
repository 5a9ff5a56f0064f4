"""Clean copies of what students sent: the first thing that happens to a submission.

A submission is somebody else's folder. It may hold links that point at the solutions, pipes that
never end, files of any size and notebooks that are no notebooks. Nothing of it is copied: each
notebook of the assignment is read once, through plain files only, reduced to the kind, text and
grade id of its cells, and written anew under `staged/`. What cannot be read is replaced by the
released notebook, which scores 0 and says why, so that nobody drops out of the class. The one
thing changed in a submission is a time stamp that is none: nbgrader's web pages read it there.

Every difficulty becomes one sentence that student and instructor both read.
"""

from __future__ import annotations

import copy
import functools
import json
import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
from nbformat.notebooknode import NotebookNode
from nbgrader.utils import parse_utc

MAX_BYTES = 20_000_000  # of one notebook; pictures included, an honest one has about a million
MAX_CELLS = 1_000
MAX_TEXT = 500_000  # characters of all cells; an honest one has about twenty thousand
MAX_ENTRIES = 1_000  # files looked at in one folder

STAGED = "staged"
SET_ASIDE = "timestamp.txt.unusable"  # what a time stamp that is none is called from then on
# What a folder may be called to count as a student: it becomes part of paths and web pages.
STUDENT_NAME = re.compile(r"[\w@][\w.@+,' -]*(?<! )")
# The forms in which nbgrader writes a time stamp.
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d{1,6})?( [A-Z]{1,5}| ?[+-]\d{4})?")
CELL_KINDS = {"code": "code", "markdown": "markdown", "raw": "raw", "heading": "markdown"}


class Unreadable(Exception):
    """A file that is not used; the text is the rest of a sentence that begins with its name."""


@dataclass(frozen=True)
class Cell:
    """All that is kept of a submitted cell; `grade_id` is empty for a student's own cells.

    `points` are those that it claims, to be told and not believed.
    """

    kind: str
    source: str
    grade_id: str = ""
    points: float = 0.0


@dataclass
class Received:
    """A submission as read: notebooks by name, what was noted about each, and about the whole."""

    notebooks: dict[str, list[Cell]] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)
    general: list[str] = field(default_factory=list)
    timestamp: str | None = None


@dataclass(frozen=True)
class CleanCopy:
    """A submission as notebooks of ours, every sentence about it, and when it was handed in."""

    notebooks: dict[str, NotebookNode]
    notes: list[str]
    timestamp: str | None


# ---------------------------------------------------------------------------- the class


@dataclass(frozen=True)
class Layout:
    """Where a course folder keeps the steps of one assignment (nbgrader's own layout)."""

    course: Path
    assignment: str

    def folder(self, step: str, student: str = ".") -> Path:
        return self.course / step / student / self.assignment

    def released(self) -> list[str]:
        """Names of the assignment's notebooks, in order. Raises FileNotFoundError."""
        names = sorted(path.stem for path in self.folder("release").glob("*.ipynb"))
        if not names:
            raise FileNotFoundError(
                f"{self.folder('release')}: no notebook has been released; "
                "run `python -m autograder release` first"
            )
        return names

    def release(self, name: str) -> NotebookNode:
        """A released notebook; not to be changed."""
        path = self.folder("release") / f"{name}.ipynb"
        return _read_notebook(path, path.stat().st_mtime_ns)


@functools.lru_cache(maxsize=64)
def _read_notebook(path: Path, changed: int) -> NotebookNode:
    """A notebook of ours, read once for every time it `changed`."""
    return nbformat.read(path, as_version=4)


def find_students(layout: Layout) -> tuple[list[str], list[str]]:
    """Students who sent something for the assignment, and sentences about what is no student."""
    students, notes = [], []
    submitted = layout.course / "submitted"
    if not submitted.is_dir():
        return [], [f"there is no folder {submitted}"]
    for entry in sorted(os.scandir(submitted), key=lambda entry: entry.name):
        if entry.name.startswith("."):
            continue
        if not STUDENT_NAME.fullmatch(entry.name):
            notes.append(f"submitted/{entry.name!r} is not a usable student name; rename it")
        elif not entry.is_dir() and not entry.is_symlink():
            notes.append(f"submitted/{entry.name} is a file, not a student's folder; not graded")
        elif os.path.lexists(os.path.join(entry.path, layout.assignment)):
            students.append(entry.name)
        elif entry.is_symlink():
            notes.append(f"submitted/{entry.name} is a link that leads nowhere; not graded")
        else:
            notes.append(f"submitted/{entry.name} holds no folder {layout.assignment}: not graded")
    return students, notes


def clean_copy(layout: Layout, student: str) -> CleanCopy:
    """The clean copy of one submission, in memory."""
    names = layout.released()
    received = receive(layout.course / "submitted", student, layout.assignment, names)
    # What concerns the whole submission is shown with its first notebook.
    received.notes[names[0]][:0] = received.general
    return CleanCopy(
        {name: _clean_notebook(layout, name, received) for name in names},
        list(dict.fromkeys(note for name in names for note in received.notes[name])),
        received.timestamp,
    )


def stage(layout: Layout, student: str) -> list[str]:
    """Write the clean copy of one submission; returns every sentence about it."""
    clean = clean_copy(layout, student)
    target = layout.folder(STAGED, student)
    if target.exists():
        shutil.rmtree(target)
    target.mkdir(parents=True)
    for name, notebook in clean.notebooks.items():
        nbformat.write(notebook, target / f"{name}.ipynb")
    if clean.timestamp:
        (target / "timestamp.txt").write_text(clean.timestamp)
    return clean.notes


def _clean_notebook(layout: Layout, name: str, received: Received) -> NotebookNode:
    if name in received.notebooks:
        notebook = _notebook([plain_cell(cell) for cell in received.notebooks[name]])
    else:
        notebook = _notebook(copy.deepcopy(layout.release(name).cells))
    # Nothing of the student's metadata survives, so this key is ours alone.
    notebook.metadata["autograder"] = {
        "notes": received.notes[name],
        "received": name in received.notebooks,
    }
    return notebook


def _notebook(cells: list[NotebookNode]) -> NotebookNode:
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"
    return nbformat.v4.new_notebook(cells=cells)


def plain_cell(cell: Cell) -> NotebookNode:
    """A notebook cell that holds what is kept of a submitted one."""
    # Not `new_code_cell`, which takes longer to validate a cell than we take to grade it.
    of_code: dict = {"outputs": [], "execution_count": None} if cell.kind == "code" else {}
    claims = {"grade_id": cell.grade_id, "points": cell.points}
    metadata = {"nbgrader": claims} if cell.grade_id else {}
    return nbformat.from_dict(
        {"cell_type": cell.kind, "source": cell.source, "metadata": metadata, **of_code}
    )


# ---------------------------------------------------------------------------- one submission


def receive(submitted: Path, student: str, assignment: str, names: list[str]) -> Received:
    """Read the notebooks called `names` from a student's folder, and nothing else."""
    received = Received()
    try:
        with _folder(submitted, student, assignment) as folder:
            _list_others(folder, names, received)
            for name in names:
                _receive_notebook(folder, name, received)
            received.timestamp = _receive_timestamp(folder, received)
    except Unreadable as problem:
        received.notes = {name: [f"The submission {problem}."] for name in names}
    return received


def _receive_notebook(folder: int, name: str, received: Received) -> None:
    notes = received.notes.setdefault(name, [])
    try:
        cells, remarks = parse_notebook(read_plain_file(folder, f"{name}.ipynb", MAX_BYTES))
        notes += [f"{name}.ipynb {remark}." for remark in remarks]
        received.notebooks[name] = cells
    except FileNotFoundError:
        notes.append(f"{name}.ipynb was not handed in.")
    except Unreadable as problem:
        notes.append(f"{name}.ipynb could not be used: it {problem}.")


def _list_others(folder: int, names: list[str], received: Received) -> None:
    """Say which files were ignored, so that a misnamed notebook does not vanish silently."""
    expected = {f"{name}.ipynb" for name in names} | {"timestamp.txt", SET_ASIDE}
    found = []
    with os.scandir(folder) as entries:
        for count, entry in enumerate(entries):
            if count == MAX_ENTRIES:
                received.general.append(f"The submission holds more than {MAX_ENTRIES} files.")
                break
            if entry.name not in expected and not entry.name.startswith("."):
                found.append(entry.name)
    for name in sorted(file for file in found if file.endswith(".ipynb"))[:10]:
        received.general.append(
            f"{_printable(name)} is not a notebook of this assignment and was not graded; "
            f"the names are {names[0]}.ipynb and so on."
        )
    others = sorted(file for file in found if not file.endswith(".ipynb"))
    if others:
        shown = ", ".join(_printable(name) for name in others[:3])
        more = f" and {len(others) - 3} more" if len(others) > 3 else ""
        received.general.append(f"Files beside the notebooks are not used: {shown}{more}.")


def _receive_timestamp(folder: int, received: Received) -> str | None:
    """The time of submission as nbgrader wrote it, or the time of the newest notebook."""
    try:
        text = _read_timestamp(folder)
        # Our own, put there by an earlier run, when what was there is set aside.
        mended = _is_there(folder, SET_ASIDE)
    except FileNotFoundError:
        return None
    except (Unreadable, ValueError, OverflowError):
        times = [_modified(folder, f"{name}.ipynb") for name in received.notebooks]
        newest = datetime.fromtimestamp(max(times, default=0), UTC)
        text = newest.strftime("%Y-%m-%d %H:%M:%S UTC")
        _replace_timestamp(folder, text)
        mended = True
    if mended:
        received.general.append(
            "timestamp.txt is not a time; the date of the files was taken instead."
        )
    return text


def _read_timestamp(folder: int) -> str:
    text = read_plain_file(folder, "timestamp.txt", 100).decode("ascii").strip()
    if not TIMESTAMP.fullmatch(text):
        raise Unreadable("is not a time")
    parse_utc(text)  # as nbgrader will
    return text


def _replace_timestamp(folder: int, text: str) -> None:
    """Set aside what is no time stamp: nbgrader's web pages open it and would not come up."""
    with suppress(OSError):  # grading goes on where submissions may not be changed
        os.rename("timestamp.txt", SET_ASIDE, src_dir_fd=folder, dst_dir_fd=folder)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        descriptor = os.open("timestamp.txt", flags, 0o644, dir_fd=folder)
        with open(descriptor, "w") as file:
            file.write(text)


def _is_there(folder: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _modified(folder: int, name: str) -> float:
    return os.stat(name, dir_fd=folder, follow_symlinks=False).st_mtime


# ---------------------------------------------------------------------------- one file


@contextmanager
def _folder(submitted: Path, student: str, assignment: str) -> Iterator[int]:
    """Descriptor of submitted/student/assignment, reached without following a link.

    The folder `submitted` itself belongs to the instructor and may be a link.
    """
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    base = os.open(submitted, flags)
    try:
        for part in (student, assignment):
            try:
                step = os.open(part, flags | os.O_NOFOLLOW, dir_fd=base)
            except FileNotFoundError:
                raise Unreadable("is empty") from None
            except OSError:
                raise Unreadable(
                    "is not a folder of files (a link or a file is not used)"
                ) from None
            os.close(base)
            base = step
        yield base
    finally:
        os.close(base)


def read_plain_file(folder: int, name: str, limit: int) -> bytes:
    """Contents of a regular file in `folder`, at most `limit` bytes.

    Links are not followed, pipes are not waited for, and a file with a second name elsewhere (a
    hard link) is refused: it may be somebody else's. Raises FileNotFoundError, Unreadable.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(name, flags, dir_fd=folder)
    except FileNotFoundError:
        raise
    except OSError:
        raise Unreadable("is a link or cannot be opened") from None
    try:
        _require_plain(os.fstat(descriptor))
        with open(descriptor, "rb", closefd=False) as file:
            content = file.read(limit + 1)
    finally:
        os.close(descriptor)
    if len(content) > limit:
        raise Unreadable(
            f"is larger than {limit // 1_000_000} MB; clear its outputs and hand it in again"
            if limit >= 1_000_000
            else f"is longer than {limit} bytes"
        )
    return content


def _require_plain(status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise Unreadable("is a folder")
    if not stat.S_ISREG(status.st_mode):
        raise Unreadable("is not an ordinary file")
    if status.st_nlink != 1:
        raise Unreadable("is a link to another file")


# ---------------------------------------------------------------------------- one notebook


def parse_notebook(content: bytes) -> tuple[list[Cell], list[str]]:
    """The cells of a notebook file, and remarks about what had to be mended.

    Raises Unreadable.
    """
    remarks: list[str] = []
    text = _decode(content, remarks)
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise Unreadable("is not a notebook file (its text is not JSON)") from None
    cells = [_parse_cell(item) for item in _raw_cells(data, remarks)]
    kept = [cell for cell in cells if cell is not None]
    if sum(len(cell.source) for cell in kept) > MAX_TEXT:
        raise Unreadable(f"holds more than {MAX_TEXT} characters of text and code")
    if len(kept) < len(cells):
        remarks.append(f"has {len(cells) - len(kept)} damaged cells, which were left out")
    _remark_kernel(data, remarks)
    return kept, remarks


def _decode(content: bytes, remarks: list[str]) -> str:
    encoding = json.detect_encoding(content)
    text = content.decode(encoding, "replace")
    if encoding != "utf-8" or "\ufffd" in text:
        remarks.append("is not plain UTF-8 text; it was read as well as possible")
    return text


def _raw_cells(data: Any, remarks: list[str]) -> list:
    if not isinstance(data, dict):
        raise Unreadable("is not a notebook file")
    cells = data.get("cells")
    worksheets = data.get("worksheets")
    if isinstance(worksheets, list) and cells is None:  # formats 2 and 3
        remarks.append("is in an old notebook format and was converted")
        sheets = [sheet for sheet in worksheets if isinstance(sheet, dict)]
        parts = [sheet.get("cells") for sheet in sheets]
        cells = [cell for part in parts if isinstance(part, list) for cell in part]
    if not isinstance(cells, list):
        raise Unreadable("is not a notebook file (it has no cells)")
    if len(cells) > MAX_CELLS:
        raise Unreadable(f"has more than {MAX_CELLS} cells")
    return cells


def _parse_cell(item: Any) -> Cell | None:
    if not isinstance(item, dict) or item.get("cell_type") not in CELL_KINDS:
        return None
    source = item.get("source", item.get("input", ""))
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str):
        return None
    # A lone surrogate is legal in JSON but cannot be written as UTF-8.
    source = source.encode("utf-8", "replace").decode("utf-8")
    return Cell(CELL_KINDS[item["cell_type"]], source, *_claims(item))


def _claims(item: dict) -> tuple[str, float]:
    """The grade id and the points that a cell claims."""
    metadata = item.get("metadata")
    nbgrader = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    claimed = nbgrader if isinstance(nbgrader, dict) else {}
    grade_id, points = claimed.get("grade_id"), claimed.get("points")
    return (
        grade_id if isinstance(grade_id, str) and len(grade_id) <= 128 else "",
        float(points) if isinstance(points, int | float) and abs(points) < 1e6 else 0.0,
    )


def _remark_kernel(data: dict, remarks: list[str]) -> None:
    metadata = data.get("metadata")
    kernel = metadata.get("kernelspec") if isinstance(metadata, dict) else None
    language = kernel.get("language") if isinstance(kernel, dict) else None
    if isinstance(language, str) and language.lower() != "python":
        remarks.append(f"was saved with a kernel for {_printable(language)}; it was run as Python")


def _printable(text: str, limit: int = 60) -> str:
    shown = "".join(c if c.isprintable() else "?" for c in text)
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"
