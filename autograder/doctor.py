"""Proves on the instructor's own machine that grading is safe here: `python -m autograder doctor`.

Nothing is taken for granted from a program's presence or a version's name: real escapes are tried
from inside the sandbox, and a tiny class that falls into nbgrader's classic traps is graded.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

from autograder import bank, report, sample, sandbox
from autograder.config import Course
from autograder.grade import grade, write_feedback
from autograder.kernel import Kernel, Zygote
from autograder.release import release
from autograder.sample import Student

EXTRAS = ("", "notebooks", "grading")
# Older versions have published holes that pages of students' work reach.
ADVISORIES = ("jupyter_server>=2.20.0", "nbconvert>=7.17.1")
REINSTALL = "run `make -B setup`, which installs the tested versions"
START_IT = "docs/trust.md, under “Where it runs”, says what each system needs"
NO_PROOF = "trust no score given here; `make -B setup` installs the tested versions anew"
KEEP_OUT = "do not grade others' work on this machine; docs/trust.md names other ways"
ATTEMPT_SECONDS = 10.0


@dataclass(frozen=True)
class Finding:
    """One thing that was tried; when it is not as it should be, what was found and what to do."""

    about: str
    says: str
    ok: bool
    advice: str
    found: str = ""


def examine() -> Iterator[Finding]:
    """Every finding, as soon as it is made; takes less than a minute."""
    yield from versions()
    available = sandbox.probe()
    held = available.level == "bwrap"
    says = "bubblewrap isolates a process completely"
    yield Finding("sandbox", says, held, START_IT, available.reason)
    if not held:
        return
    with Zygote() as zygote:
        yield from escapes(zygote)
    yield from traps()


# ---------------------------------------------------------------------------- versions


def versions() -> Iterator[Finding]:
    """Whether what is installed is what the project asks for and what advisories ask for."""
    asked = map(Requirement, importlib.metadata.requires("lossmath") or [])
    # Extras that include each other ask twice for the same.
    wanted = {r.name: r for r in asked if r.name != "lossmath" and _applies(r)}
    for requirement in [*wanted.values(), *map(Requirement, ADVISORIES)]:
        found = _version(requirement.name)
        fits = found is not None and requirement.specifier.contains(found, prereleases=True)
        here = "is not installed" if found is None else f"is {found}"
        says = f"{requirement.name} {here} ({requirement.specifier} is asked for)"
        yield Finding("versions", says, fits, REINSTALL)


def _applies(requirement: Requirement) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in EXTRAS)


def _version(name: str) -> str | None:
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        return importlib.metadata.version(name)
    return None


# ---------------------------------------------------------------------------- escapes


@dataclass(frozen=True)
class Surroundings:
    """What a notebook must not reach: a file, an environment variable, a listener."""

    file: Path
    word: str
    listener: socket.socket

    @property
    def port(self) -> int:
        return self.listener.getsockname()[1]


@dataclass(frozen=True)
class Escape:
    """One attempt: `source` prints ESCAPED when it got anywhere."""

    says: str
    source: str


ESCAPES = (
    Escape(
        "a notebook cannot read or write your files",
        """
        for mode in "ra":
            try:
                open({file!r}, mode)
                print("ESCAPED")
            except OSError:
                pass
        """,
    ),
    Escape(
        "a notebook does not see your environment",
        """
        import glob

        for path in glob.glob("/proc/*/environ"):
            try:
                seen = open(path, "rb").read()
            except OSError:
                continue
            if {word!r}.encode() in seen:
                print("ESCAPED")
        """,
    ),
    Escape(
        "a notebook reaches no network, not even this machine's",
        """
        import socket

        try:
            socket.create_connection(("127.0.0.1", {port}), timeout=2)
            print("ESCAPED")
        except OSError:
            pass
        """,
    ),
    Escape(
        "a notebook finds no solution and no part of the grader that knows one",
        """
        import glob, importlib

        for name in ("autograder.bank", "autograder.judge", "lossmath.regression"):
            try:
                importlib.import_module(name)
                print("ESCAPED")
            except ImportError:
                pass
        for place in ("/grader", "/packages", "/work", {checkout!r}):
            if glob.glob(place + "/*/problem.py") or glob.glob(place + "/solutions/*"):
                print("ESCAPED")
        """,
    ),
    Escape(
        "a notebook has no rights beyond those of a nobody",
        """
        import ctypes, os

        libc = ctypes.CDLL(None, use_errno=True)
        calls = (
            lambda: libc.setuid(0),
            lambda: libc.unshare(0x10000000),
            lambda: libc.mount(b"/", b"/tmp", b"none", 4096, None),
            lambda: libc.ptrace(16, 1, 0, 0),
        )
        if any(call() == 0 for call in calls) or os.getuid() == 0:
            print("ESCAPED")
        """,
    ),
    Escape(
        "a notebook cannot start processes without end",
        """
        import os, time

        try:
            for _ in range(500):
                if os.fork() == 0:
                    time.sleep(60)
                    os._exit(0)
            print("ESCAPED")
        except OSError:
            pass
        """,
    ),
    Escape(
        "a notebook cannot fill the disk",
        """
        try:
            with open("/tmp/large", "wb") as file:
                for _ in range(500):
                    file.write(bytes(1 << 20))
            print("ESCAPED")
        except OSError:
            pass
        """,
    ),
)


def escapes(zygote: Zygote, attempts: Iterable[Escape] = ESCAPES) -> Iterator[Finding]:
    """What comes of each attempt, and whether limits hold."""
    with _surroundings() as around:
        for attempt in attempts:
            with zygote.kernel() as kernel:
                yield Finding("sandbox", attempt.says, _held(kernel, attempt, around), KEEP_OUT)
    for says, holds in (
        ("an endless loop is stopped", _loop_stops),
        ("too much memory is refused", _memory_is_limited),
        ("the watchdog counts the memory of all processes", _memory_is_watched),
        ("nothing a notebook starts outlives it", _nothing_is_left),
    ):
        yield Finding("sandbox", says, holds(zygote), KEEP_OUT)


@contextlib.contextmanager
def _surroundings() -> Iterator[Surroundings]:
    word = secrets.token_hex(16)
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        file = stack.enter_context(tempfile.NamedTemporaryFile(dir=Path.home()))
        # A program of yours whose environment holds the word, until its input ends.
        waiting = [sys.executable, "-c", "input()"]
        program = subprocess.Popen(waiting, env={"WORD": word}, stdin=subprocess.PIPE)
        stack.enter_context(program)
        stack.callback(program.kill)
        yield Surroundings(Path(file.name), word, listener)


def _held(kernel: Kernel, attempt: Escape, around: Surroundings) -> bool:
    """Whether an attempt ran to its end and got nowhere."""
    source = textwrap.dedent(attempt.source).format(
        file=str(around.file), word=around.word, port=around.port, checkout=str(sandbox.CHECKOUT)
    )
    run = kernel.execute(source + "\nprint('ran')", timeout=ATTEMPT_SECONDS)
    return run.ok and [output.get("text") for output in run.outputs] == ["ran\n"]


def _loop_stops(zygote: Zygote) -> bool:
    with zygote.kernel() as kernel:
        return kernel.execute("while True: pass", timeout=0.5).timed_out


def _memory_is_limited(zygote: Zygote) -> bool:
    with zygote.kernel() as kernel:
        run = kernel.execute("bytearray(8 << 30)", timeout=ATTEMPT_SECONDS)
        return not run.died and "MemoryError" in [output.get("ename") for output in run.outputs]


# A fifth of a notebook's memory in each of eight processes.
SPREAD = """
import os, time

for _ in range(8):
    if os.fork() == 0:
        held = bytearray(os.urandom(1 << 20) * 200)
        time.sleep(60)
time.sleep(60)
"""


def _memory_is_watched(zygote: Zygote) -> bool:
    with zygote.kernel() as kernel:
        run = kernel.execute(SPREAD, timeout=ATTEMPT_SECONDS)
        return run.died and "MB of memory" in run.reason


def _nothing_is_left(zygote: Zygote) -> bool:
    name = secrets.token_hex(6)
    source = f"""
import ctypes, os, time

if os.fork() == 0:
    os.setsid()
    ctypes.CDLL(None).prctl(15, b"{name}", 0, 0, 0)
    time.sleep(600)
"""
    with zygote.kernel() as kernel:
        run = kernel.execute(source, timeout=ATTEMPT_SECONDS)
    return run.ok and not _running(name)


def _running(name: str) -> bool:
    for path in Path("/proc").glob("[0-9]*/comm"):
        with contextlib.suppress(OSError):
            if path.read_text().strip() == name:
                return True
    return False


# ---------------------------------------------------------------------------- traps

# Who of the sample class falls into a trap of nbgrader, or is a witness that honest work scores.
WITNESSES = ("ada", "fay", "gus", "kofi", "lena", "mats", "nina", "omar", "pia")
WORDS = "The median stays where it is."
SCRIPT = f"{WORDS}<script>document.title = 'script ran'</script><img src=x onerror=alert(1)>"


def _scripted(problem, notebook):
    for cell in sample.right(problem, notebook).cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == "written":
            cell.source = SCRIPT
    return notebook


SCRIPTED = Student("quin", "puts script into a written answer", otherwise=_scripted)


def traps() -> Iterator[Finding]:
    """Grade a tiny class: each student gets exactly what is deserved, and no page acts."""
    problem = bank.load(min(bank.SOLUTIONS.glob("[0-9][0-9]_*")))
    students = [student for student in sample.CLASS if student.name in WITNESSES] + [SCRIPTED]
    with tempfile.TemporaryDirectory() as folder, open(os.devnull, "w") as quiet:
        course = Course.create(Path(folder))
        with contextlib.redirect_stderr(quiet):
            release(course.folder, [problem], course.config)
        sample.write(course, [problem], students)
        failed = {result.student: result.error for result in grade(course).failed}
        scores = report.collect(course)
        for student in students:
            complaints = sample.compare(scores, [problem], [student])
            complaints += [failed[student.name]] if student.name in failed else []
            says = f"a student who {student.story} gets {_deserts(student)}"
            yield Finding("traps", says, not complaints, NO_PROOF, "; ".join(complaints))
        page = (write_feedback(course, SCRIPTED.name) / f"{problem.name}.html").read_text()
        inert = "<script>document" not in page and "onerror=alert" not in page and WORDS in page
        yield Finding("traps", "a feedback page holds no script of a student", inert, KEEP_OUT)


def _deserts(student: Student) -> str:
    if student.scores is None:
        return "full marks"
    return "no points" if student.scores == 0.0 else "the points deserved"
