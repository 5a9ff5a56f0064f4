"""What a grading run knew and did, one JSON file per notebook, for the instructor alone.

A record serves three readers: the report, the instructor who answers an appeal, and the next
grading run, which reuses it when neither the submission nor anything that judges it has changed.
The folder `audit/` and the course secret are readable by their owner only and are part of no tree
that students see.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
import secrets
import tempfile
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from nbformat.notebooknode import NotebookNode

from autograder.judge import PartScore

PACKAGES = Path(__file__).parent, Path(__file__).parent.parent / "lossmath"
JUDGED_WITH = "numpy", "torch", "ipython", "matplotlib"


@dataclass
class Record:
    """The outcome of one notebook: plain data, as kept on disk.

    `parts` maps a graded cell to its points and lines; `outputs` holds the outputs of every cell;
    `notes` are sentences about the file and about what had to be stopped; `fingerprint` names
    everything the outcome depends on.
    """

    student: str
    notebook: str
    fingerprint: str
    received: bool = True
    parts: dict[str, dict[str, Any]] = field(default_factory=dict)
    outputs: list[list[dict]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    isolation: str = ""
    seconds: float = 0.0

    def faults(self) -> list[str]:
        """Mistakes in our own checks, each with the part it happened in."""
        return [
            f"{self.notebook}, {name}: {fault}"
            for name, part in self.parts.items()
            for fault in part["faults"]
        ]


def part_as_dict(score: PartScore) -> dict[str, Any]:
    """A part's outcome as JSON-ready data."""
    known = score.misconception
    return {
        "earned": score.earned,
        "out_of": score.out_of,
        "lines": [asdict(line) for line in score.lines],
        "misconception": {"name": known.name, "says": known.says} if known else None,
        "faults": list(score.faults),
    }


def folder(course: Path) -> Path:
    """The folder of records, made when missing; closed to everybody but its owner."""
    audit = course / "audit"
    audit.mkdir(mode=0o700, exist_ok=True)
    return audit


def folder_of(course: Path, assignment: str, student: str) -> Path:
    return folder(course) / assignment / student


def path_of(course: Path, assignment: str, student: str, notebook: str) -> Path:
    return folder_of(course, assignment, student) / f"{notebook}.json"


def save(path: Path, record: Record) -> None:
    """Write a record so that a reader sees the old one or the new one, never half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # A name of its own: the worker of a run that was killed may still be writing.
    descriptor, draft = tempfile.mkstemp(prefix=f".{path.stem}.", dir=path.parent)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(json.dumps(vars(record)))
    os.replace(draft, path)


def load(path: Path) -> Record | None:
    """The record at `path`; None when there is none, or one of another version."""
    try:
        return Record(**json.loads(path.read_text()))
    except (FileNotFoundError, TypeError, ValueError):
        return None


def course_secret(course: Path) -> bytes:
    """The secret that inputs are drawn from; made on first use, never shown to anybody."""
    path = course / "secret"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return bytes.fromhex(path.read_text())
    with open(descriptor, "w") as file:
        file.write(secrets.token_hex(32))
    return course_secret(course)


# ---------------------------------------------------------------------------- fingerprints


def fingerprint(notebook: NotebookNode, checks: str, programs: str, *settings: object) -> str:
    """A name for everything a score depends on: submission, points, checks, programs, settings."""
    points = [cell.metadata.get("nbgrader", {}).get("points") for cell in notebook.cells]
    digest = hashlib.sha256(notebook_content(notebook))
    digest.update(json.dumps(points).encode())
    digest.update(json.dumps(notebook.metadata.get("autograder", {})).encode())
    digest.update(repr((checks, programs, *settings)).encode())
    return digest.hexdigest()


def notebook_content(notebook: NotebookNode) -> bytes:
    """The cells as bytes: what the student wrote, and where."""
    cells = [
        [cell.cell_type, cell.metadata.get("nbgrader", {}).get("grade_id", ""), cell.source]
        for cell in notebook.cells
    ]
    return json.dumps(cells).encode()


def digest_of(folder: Path) -> str:
    """A name for the programs in a folder."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


@cache
def programs() -> str:
    """A name for the programs that run and judge notebooks, as this process found them."""
    versions = [platform.python_version(), *map(importlib.metadata.version, JUDGED_WITH)]
    return " ".join([*map(digest_of, PACKAGES), *versions])
