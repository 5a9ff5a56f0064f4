"""Where attacks are let loose: a course full of canaries, and what has come of them afterwards."""

from __future__ import annotations

import contextlib
import copy
import hashlib
import json
import os
import shutil
import socket
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from bs4 import BeautifulSoup

from autograder import bank, report
from autograder.bank import Problem
from autograder.config import CONFIG_FILE, Course
from autograder.grade import ClassResult, find_graded, grade, write_feedback
from autograder.release import release
from tests.hostile.attack import CANARY, FIRST, PORTS, PROCESS_NAME, UNIX_NAME, Attack, right

HONEST = ("aa-honest", "mm-honest", "zz-honest")
LIMITS = """
c.SandboxExecute.cell_seconds = 3  # noqa: F821
c.SandboxExecute.question_seconds = 2  # noqa: F821
c.SandboxExecute.notebook_seconds = 20  # noqa: F821
"""
# What grading itself writes (a time stamp that is none is set aside; formulas are drawn with
# matplotlib, which keeps a list of fonts), and what Jupyter writes into an empty home.
OWN = (
    "audit",
    "autograded",
    "feedback",
    "gradebook",
    "staged",
    "secret",
    "__pycache__",
    "timestamp.txt",
    "fontlist-",
)
JUPYTERS = ("migrated", "README", "history.sqlite")


@dataclass
class Graded:
    """A graded class, and what its surroundings looked like before and after."""

    course: Course
    outcome: ClassResult
    scores: dict[str, float]
    reasons: dict[str, str]
    before: dict[str, str]
    after: dict[str, str]
    visitors: list[str] = field(default_factory=list)
    left_behind: list[int] = field(default_factory=list)


def grade_class(folder: Path, home: Path, attacks: Iterable[Attack]) -> Graded:
    """Grade attacks as one class between honest students; `home` is the instructor's."""
    course, problem = make_course(folder)
    plant(folder, home)
    hand_in(folder, problem, attacks)
    with listening() as visitors, environment(HOME=str(home), EXAM=f"{CANARY}-environment"):
        before = fingerprint(folder, home)
        outcome = grade(course, workers=2)
        for student in find_graded(course):
            write_feedback(course, student)
        rows = {row.student: row.problems[0] for row in report.collect(course)}
        graded = Graded(
            course,
            outcome,
            {name: row.score for name, row in rows.items()},
            {name: _sentences(row) for name, row in rows.items()},
            before,
            fingerprint(folder, home),
            left_behind=left_behind(),
        )
    graded.visitors = visitors
    return graded


def _sentences(row: report.ProblemScore) -> str:
    return " ".join([*row.notes, *(loss.why for loss in row.losses)])


# ---------------------------------------------------------------------------- before


def make_course(folder: Path) -> tuple[Course, Problem]:
    """A released course of the first problem, with canaries in its checks and its problem."""
    solutions = folder / "solutions"
    shutil.copytree(bank.SOLUTIONS / FIRST, solutions / FIRST)
    # Not beside the solution: right submissions are made of it, and would find it in themselves.
    hide_in(solutions / FIRST / "checks.py", "import numpy as np")
    hide_in(solutions / FIRST / "problem.py", '# %% tags=["public"]')
    (folder / "nbgrader_config.py").write_text(
        CONFIG_FILE.replace(".parent)", f".parent, solutions=Path({str(solutions)!r}))") + LIMITS
    )
    course = Course.open(folder)
    (problem,) = bank.problems(solutions)
    release(course.folder, [problem], course.config)
    return course, problem


def hide_in(path: Path, line: str) -> None:
    """Put a canary below a line of a file."""
    before, line, after = path.read_text().partition(f"{line}\n")
    path.write_text(f"{before}{line}# {CANARY}-x\n{after}")


def plant(course: Path, home: Path) -> None:
    """Put canaries where no notebook may look; whoever grades has this home."""
    for path in (home / ".ssh" / "id_ed25519", home / ".netrc", home / "exam.txt"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{CANARY}-home\n")
    (course / "source" / "key.txt").write_text(f"{CANARY}-source\n")


def hand_in(
    course: Path, problem: Problem, attacks: Iterable[Attack], honest: Iterable[str] = HONEST
) -> None:
    """Hand in the work of honest students and that of each attack, under its name."""
    released = nbformat.read(course / "release" / "losses" / f"{FIRST}.ipynb", as_version=4)
    for name in honest:
        path = _write(course, name, right(problem, copy.deepcopy(released)))
        secret = {"cell_type": "markdown", "id": "own", "metadata": {}, "source": f"{CANARY}-other"}
        data = json.loads(path.read_text())
        path.write_text(json.dumps(data | {"cells": [*data["cells"], secret]}))
    for attack in attacks:
        path = _write(course, attack.name, attack.notebook(problem, copy.deepcopy(released)))
        if attack.file:
            attack.file(path)


def _write(course: Path, student: str, notebook: nbformat.NotebookNode) -> Path:
    path = course / "submitted" / student / "losses" / f"{FIRST}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(notebook))  # hostile notebooks need not be valid
    return path


@contextlib.contextmanager
def environment(**variables: str) -> Iterator[None]:
    """The environment with other variables for a while."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextlib.contextmanager
def listening() -> Iterator[list[str]]:
    """Listen where attacks try to connect; yields who came, filled in at the end."""
    came: list[str] = []
    with contextlib.ExitStack() as stack:
        there = stack.enter_context(socket.socket())
        _bind_one_of(there, PORTS)
        local = stack.enter_context(socket.socket(socket.AF_UNIX))
        local.bind(UNIX_NAME)
        for listener in (there, local):
            listener.listen(100)
            listener.setblocking(False)
        yield came
        for listener in (there, local):
            with contextlib.suppress(BlockingIOError):
                came.append(str(listener.accept()[1]))


def _bind_one_of(listener: socket.socket, ports: Iterable[int]) -> None:
    for port in ports:
        with contextlib.suppress(OSError):
            return listener.bind(("127.0.0.1", port))
    raise OSError(f"no port of {ports} is free")


# ---------------------------------------------------------------------------- afterwards


def fingerprint(*roots: Path) -> dict[str, str]:
    """Every file that grading has no business with, and what is in it."""
    found = {}
    for root in roots:
        for folder, _, names in os.walk(root):
            for name in names:
                path = Path(folder, name)
                inside = path.relative_to(root).parts
                if name not in JUPYTERS and not any(part.startswith(OWN) for part in inside):
                    found[str(path)] = _digest(path)
    return found


def _digest(path: Path) -> str:
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        return f"link to {os.readlink(path)}"
    if not stat.S_ISREG(status.st_mode):
        return "special"
    return hashlib.sha256(path.read_bytes()[:1_000_000]).hexdigest()


def left_behind() -> list[int]:
    """Processes of attacks that are still there."""
    found = []
    for number in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if Path(f"/proc/{number}/comm").read_text().strip() == PROCESS_NAME:
                found.append(int(number))
    return found


def secrets_seen(course: Path, student: str) -> list[str]:
    """What a student's notebook learned of what it must not know, by its own outputs."""
    path = course / "autograded" / student / "losses" / f"{FIRST}.ipynb"
    if not path.exists():
        return []
    cells = json.loads(path.read_text())["cells"]
    # The notes on a page are ours, and part of what a student gets back.
    shown = ["".join(cell["source"]) for cell in cells if cell.get("id") == "notes"]
    shown += [text for cell in cells for text in _texts(cell.get("outputs", []))]
    words = (CANARY, "FOUND", "WROTE", "REACHED", "ALLOWED", "OPENED", "READ /")
    return [line[:200] for text in shown for line in text.splitlines() if line.startswith(words)]


def _texts(outputs: list[dict]) -> Iterator[str]:
    for output in outputs:
        data = output.get("data", {})
        for text in (output.get("text"), output.get("evalue"), data.get("text/plain")):
            yield "".join(text or "")


def active(page: str) -> set[str]:
    """Everything in a page that acts or asks for something by itself."""
    soup = BeautifulSoup(page, "html.parser")
    acting = ["script", "svg", "iframe", "object", "embed", "base", "meta", "link", "form", "input"]
    acting += ["style", "video", "audio", "picture", "source", "math", "textarea", "button"]
    found = {str(tag) for tag in soup.find_all(acting)}
    for tag in soup.find_all(True):
        for name, value in tag.attrs.items():
            text = "".join(str(value).split()).lower()
            asks = name in ("src", "srcset", "background", "poster") and not text.startswith(
                "data:"
            )
            looks = name == "style" and ("url" in text or "position" in text)
            leads = name == "href" and not text.startswith(("http", "mailto:", "#"))
            if asks or looks or leads or name.startswith("on") or "javascript:" in text:
                found.add(f"{tag.name} {name}={value}")
    return found
