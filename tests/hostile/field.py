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
from pathlib import Path

import nbformat
from bs4 import BeautifulSoup

from autograder.bank import Problem
from tests.hostile.attack import CANARY, FIRST, PORTS, PROCESS_NAME, UNIX_NAME, Attack, right

HONEST = ("aa-honest", "mm-honest", "zz-honest")
# What grading itself writes.
OWN = ("audit", "autograded", "feedback", "gradebook", "staged", "secret", "__pycache__")


# ---------------------------------------------------------------------------- before


def plant(course: Path, home: Path) -> None:
    """Put canaries where no notebook may look; whoever grades has this home."""
    for path in (home / ".ssh" / "id_ed25519", home / ".netrc", home / "exam.txt"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{CANARY}-home\n")
    (course / "source" / "losses" / "key.txt").write_text(f"{CANARY}-source\n")


def hand_in(course: Path, problem: Problem, attacks: Iterable[Attack]) -> None:
    """Hand in the work of honest students and that of each attack, under its name."""
    released = nbformat.read(course / "release" / "losses" / f"{FIRST}.ipynb", as_version=4)
    for name in HONEST:
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
                if not any(part.startswith(OWN) for part in inside):
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
    shown = json.dumps([cell.get("outputs", []) for cell in cells])
    # The notes on a page are ours, and part of what a student gets back.
    notes = ["".join(cell["source"]) for cell in cells if cell.get("id") == "notes"]
    words = (CANARY, "WROTE", "REACHED", "ALLOWED", "OPENED AF", "READ /", "FOUND")
    lines = (shown + "".join(notes)).replace("\\n", "\n").splitlines()
    return [line[:200] for line in lines if any(line.lstrip(' "').startswith(w) for w in words)]


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
            if asks or name.startswith("on") or name == "style" or "javascript:" in text:
                found.add(f"{tag.name} {name}={value}")
    return found


def fresh(folder: Path) -> Path:
    """An empty folder in place of what was there."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
