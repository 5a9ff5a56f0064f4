"""The corpus on stock nbgrader and on this grader: the table of docs/trust.md.

    python tests/hostile/compare.py           everything
    python tests/hostile/compare.py NAME ...  these attacks on stock nbgrader, the rest as recorded

What came of each attack is kept in comparison.json, and the page is written from there.

Stock nbgrader has nothing that keeps a submission from this machine, so each run of it happens in
a throw-away folder inside bubblewrap, without network; attacks that would take a machine down are
left out. Takes about an hour. Needs bubblewrap.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass
from functools import partial
from pathlib import Path

import nbformat

from autograder import bank
from autograder.bank import Problem
from autograder.release import source_notebook
from tests.hostile import field
from tests.hostile.attack import CANARY, FIRST, FULL, PORTS, PROCESS_NAME, UNIX_NAME, Attack
from tests.hostile.corpus import CORPUS, KINDS

PAGE = Path(__file__).parents[2] / "docs" / "trust.md"
RECORD = Path(__file__).with_name("comparison.json")
SIDES = ("stock", "here")
BEGIN, END = "<!-- comparison -->", "<!-- end of comparison -->"
NEIGHBOURS = ("aa-honest", "zz-honest")
PARTS = ("value", "gradient", "share")
SECONDS = 150  # for one class of two on stock nbgrader
# Stock nbgrader gives all points of a cell or none: half a point is no difference in merit.
MARGIN = 0.5
# Right answers that lose points here by rules which plain nbgrader does not have: a notebook has at
# most 1000 cells, the last definition of a function counts, code stays in code cells, and the
# program that answers for a notebook is left alone.
OTHER_RULES = (
    "five-thousand-cells",
    "value-forgets-return",
    "always-refuses",
    "retyped",
    "replay",
)
DAMAGE = {
    "others": "another student was not graded",
    "files changed": "files outside were changed",
    "secrets read": "hidden checks, solutions or the instructor's own files were read",
    "connected": "a program of the instructor's machine was reached",
    "left running": "a process stayed behind",
    "active page": "script ran for whoever reads the page",
}

CONFIG = """
c = get_config()
c.CourseDirectory.root = "/field/course"
c.CourseDirectory.db_url = "sqlite:////field/course/gradebook.db"
c.ClearSolutions.code_stub = {"python": "raise NotImplementedError  # your code here"}
c.ExecutePreprocessor.timeout = 10
"""
TESTS = {
    "setup": "import numpy as np",
    "value": f"""\
worked = np.array([1.0, 3.0, 0.0, 2.0]), np.array([0.0, 1.0, 0.0, 2.0])
assert np.isclose(mse(*worked), 1.25)
### BEGIN HIDDEN TESTS
# {CANARY}-tests
rng = np.random.default_rng(2024)
for shape in (1, 2, 7, (3, 4)):
    p, t = rng.normal(0.7, 1.0, size=shape), rng.normal(size=shape)
    np.testing.assert_allclose(mse(p, t), np.mean((p - t) ** 2))
try:
    mse(np.ones((3, 1)), np.ones(3))
except ValueError:
    pass
else:
    raise AssertionError("different shapes must be refused")
### END HIDDEN TESTS""",
    "gradient": f"""\
np.testing.assert_allclose(mse_gradient(*worked), [0.5, 1.0, 0.0, 0.0])
### BEGIN HIDDEN TESTS
# {CANARY}-tests
for shape in (1, 2, 7, (3, 4)):
    p, t = rng.normal(0.7, 1.0, size=shape), rng.normal(size=shape)
    np.testing.assert_allclose(mse_gradient(p, t), 2 * (p - t) / p.size)
### END HIDDEN TESTS""",
    "share": f"""\
assert np.isclose(top_share(np.array([1.0, -1.0, 8.0]), np.zeros(3), 1), 0.8)
### BEGIN HIDDEN TESTS
# {CANARY}-tests
for k in (0, 2, 5, 9):
    p, t = rng.normal(0.7, 1.0, size=9), rng.normal(size=9)
    np.testing.assert_allclose(
        top_share(p, t, k), np.sort(np.abs(p - t))[9 - k :].sum() / np.abs(p - t).sum()
    )
assert top_share(np.ones(3), np.ones(3), 2) == 0
### END HIDDEN TESTS""",
}

# Runs inside: nbgrader's own commands, with somebody listening and a look at what is left.
INSIDE = f"""
import json, os, resource, socket, subprocess, sys

seconds, *commands = sys.argv[1:]
resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
there, local = socket.socket(), socket.socket(socket.AF_UNIX)
there.bind(("127.0.0.1", {PORTS[0]}))
local.bind({UNIX_NAME!r})
for listener in (there, local):
    listener.listen(100)
    listener.setblocking(False)
for command in commands:
    try:
        with open("/field/log", "ab") as log:
            subprocess.run(
                [sys.executable, "-m", "nbgrader", *command.split()],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=float(seconds),
                start_new_session=True,
            )
    except subprocess.TimeoutExpired:
        pass
seen = {{"visitors": 0, "left": 0}}
for listener in (there, local):
    try:
        listener.accept()
        seen["visitors"] += 1
    except BlockingIOError:
        pass
for number in filter(str.isdigit, os.listdir("/proc")):
    try:
        seen["left"] += open(f"/proc/{{number}}/comm").read().strip() == {PROCESS_NAME!r}
    except OSError:
        pass
json.dump(seen, open("/field/seen", "w"))
"""


@dataclass(frozen=True)
class Outcome:
    """What one attack came to; `score` is None when the submission was dropped."""

    score: float | None
    harm: tuple[str, ...] = ()

    def unearned(self, deserved: float) -> bool:
        return self.score is not None and self.score > deserved + MARGIN

    def lost(self, deserved: float) -> bool:
        return self.score is not None and self.score < deserved - MARGIN


def deserved(attack: Attack, side: str) -> tuple[float, float]:
    """The least and the most points that are right for an attack."""
    most = FULL if side == "stock" and attack.name in OTHER_RULES else attack.earns
    return (0.0 if attack.up_to else most), most


# ---------------------------------------------------------------------------- stock nbgrader


def bubblewrap(folder: Path, *commands: str) -> dict | None:
    """Run nbgrader's commands on `folder`; None when the run itself did not survive."""
    prefix = Path(sys.prefix)
    command = ["bwrap", "--unshare-all", "--die-with-parent", "--new-session"]
    command += ["--unshare-user", "--uid", "1000", "--gid", "1000", "--cap-drop", "ALL"]
    for path in dict.fromkeys(("/usr", "/etc/passwd", "/etc/ld.so.cache", sys.base_prefix, prefix)):
        command += ["--ro-bind", str(path), str(path)]
    for name in ("bin", "lib", "lib64"):
        if Path("/", name).is_symlink():
            command += ["--symlink", os.readlink(f"/{name}"), f"/{name}"]
    command += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--bind", str(folder)]
    command += ["/field", "--chdir", "/field/course", "--", sys.executable, "-c", INSIDE]
    environment = {"HOME": "/field/home", "PATH": f"{prefix}/bin:/usr/bin", "LANG": "C.UTF-8"}
    environment["EXAM"] = f"{CANARY}-environment"
    seen = folder / "seen"
    seen.unlink(missing_ok=True)
    try:
        subprocess.run(
            [*command, str(SECONDS), *commands],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=(len(commands) + 1) * SECONDS,
        )
    except subprocess.TimeoutExpired:
        return None
    return json.loads(seen.read_text()) if seen.is_file() else None


def stock_course(folder: Path, problem: Problem) -> None:
    """A released course as nbgrader's own documentation builds one, with hidden tests."""
    source = folder / "course" / "source" / "losses"
    source.mkdir(parents=True)
    (folder / "course" / "nbgrader_config.py").write_text(CONFIG)
    notebook = source_notebook(problem)
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        cell.source = TESTS.get(name, cell.source)
    nbformat.write(notebook, source / f"{FIRST}.ipynb")
    field.plant(folder / "course", folder / "home")
    bubblewrap(folder, "generate_assignment losses --create")


def run_stock(released: Path, problem: Problem, attack: Attack | None) -> Outcome:
    """Grade one attack between two honest students with stock nbgrader."""
    with tempfile.TemporaryDirectory(prefix="stock-") as name:
        folder = Path(name)
        shutil.copytree(released, folder, dirs_exist_ok=True)
        os.chmod(folder, 0o755)
        course = folder / "course"
        field.hand_in(course, problem, [attack] if attack else [], NEIGHBOURS)
        before = field.fingerprint(course, folder / "home")
        seen = bubblewrap(
            folder,
            "autograde losses --CourseDirectory.student_id_exclude=aa-honest",
            "generate_feedback losses",
        )
        after = field.fingerprint(course, folder / "home")
        changed = {path for path, _ in before.items() ^ after.items()}
        student = attack.name if attack else "zz-honest"
        return Outcome(
            stock_score(course, student), tuple(stock_harm(course, student, seen, changed))
        )


def stock_score(course: Path, student: str) -> float | None:
    """The student's points for code; None without a grade or without a page."""
    page = course / "feedback" / student / "losses" / f"{FIRST}.html"
    if not page.is_file():
        return None
    query = """
        select sum(coalesce(manual_score, auto_score, 0) + coalesce(extra_credit, 0)) from grade
        join base_cell on base_cell.id = grade.cell_id
        join submitted_notebook on submitted_notebook.id = grade.notebook_id
        join submitted_assignment on submitted_assignment.id = submitted_notebook.assignment_id
        where student_id = ? and base_cell.name in (?, ?, ?)
    """
    try:
        with sqlite3.connect(f"file:{course / 'gradebook.db'}?mode=ro", uri=True) as book:
            (score,) = book.execute(query, (student, *PARTS)).fetchone()
    except sqlite3.Error:
        return None
    return score


def stock_harm(course: Path, student: str, seen: dict | None, changed: set[str]) -> Iterable[str]:
    if seen is None or stock_score(course, "zz-honest") != FULL:
        yield "others"
    if seen and seen["left"]:
        yield "left running"
    if seen and seen["visitors"]:
        yield "connected"
    if changed:
        yield "files changed"
    if any(CANARY in line for line in field.secrets_seen(course, student)):
        yield "secrets read"
    plain = page_of(course, "zz-honest")
    if plain and field.active(page_of(course, student)) - field.active(plain):
        yield "active page"


def page_of(course: Path, student: str) -> str:
    path = course / "feedback" / student / "losses" / f"{FIRST}.html"
    return path.read_text() if path.is_file() else ""


# ---------------------------------------------------------------------------- this grader


def run_ours() -> dict[str, Outcome]:
    """Grade the whole corpus as one class with this grader."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as home:
        graded = field.grade_class(Path(folder), Path(home), CORPUS.values())
        harm = []
        if any(graded.scores.get(name) != FULL for name in field.HONEST):
            harm.append("others")
        if graded.left_behind:
            harm.append("left running")
        if graded.visitors:
            harm.append("connected")
        if graded.before != graded.after:
            harm.append("files changed")
        return {name: our_outcome(graded, name, harm) for name in CORPUS}


def our_outcome(graded: field.Graded, name: str, harm: list[str]) -> Outcome:
    """What happened to the whole class counts for everybody in it."""
    folder = graded.course.folder
    own = list(harm)
    if field.secrets_seen(folder, name):
        own.append("secrets read")
    if field.active(page_of(folder, name)) - field.active(page_of(folder, "zz-honest")):
        own.append("active page")
    return Outcome(graded.scores.get(name) if page_of(folder, name) else None, tuple(own))


# ---------------------------------------------------------------------------- the record


@dataclass
class Comparison:
    """What came of each attack, by name, on stock nbgrader and here."""

    stock: dict[str, Outcome]
    here: dict[str, Outcome]

    @classmethod
    def load(cls) -> Comparison:
        kept = json.loads(RECORD.read_text())
        sides: dict[str, dict[str, Outcome]] = {side: {} for side in SIDES}
        for name, outcomes in kept.items():
            for side, (score, harm) in outcomes.items():
                sides[side][name] = Outcome(score, tuple(harm))
        return cls(**sides)

    def save(self) -> None:
        """Keep what is known of the attacks in the corpus, one on each line."""
        lines = []
        for name in CORPUS:
            known = {s: getattr(self, s)[name] for s in SIDES if name in getattr(self, s)}
            outcomes = {side: astuple(outcome) for side, outcome in known.items()}
            lines.append(f"{json.dumps(name)}: {json.dumps(outcomes)}")
        RECORD.write_text("{\n" + ",\n".join(lines) + "\n}\n")


# ---------------------------------------------------------------------------- the page


def report(found: Comparison) -> str:
    """Markdown: by kind, how often each failed in which way, and what the damage was."""
    lines = [
        "| what the submission tries | run | unearned points | points lost | dropped | damage "
        "| here, all together |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    total = [0] * 6
    for kind, attacks in KINDS.items():
        row = counts([a for a in attacks if a.name in found.stock], found.stock, "stock")
        here = sum(counts(attacks, found.here, "here")[1:])
        lines.append(f"| {kind} | {' | '.join(map(str, row))} | {here} of {len(attacks)} |")
        total = [a + b for a, b in zip(total, [*row, here], strict=True)]
    bold = " | ".join(f"**{n}**" for n in total[:5])
    lines.append(f"| **all** | {bold} | **{total[5]} of {len(CORPUS)}** |")
    unearned = [o for n, o in found.stock.items() if o.unearned(deserved(CORPUS[n], "stock")[1])]
    full = sum(outcome.score >= FULL for outcome in unearned)
    damage = ", ".join(f"{DAMAGE[kind]} ({n})" for kind, n in harms(found.stock).items())
    lines += ["", f"Of the unearned points, {full} times all of them. The damage: {damage}."]
    lines.append(f"Each command of nbgrader was stopped after {SECONDS} s.")
    return "\n".join(lines)


def counts(attacks: Iterable[Attack], outcomes: dict[str, Outcome], side: str) -> list[int]:
    """How many there were, and how many failed in each way."""
    found = [(*deserved(attack, side), outcomes[attack.name]) for attack in attacks]
    return [
        len(found),
        sum(outcome.unearned(most) for _, most, outcome in found),
        sum(outcome.lost(least) for least, _, outcome in found),
        sum(outcome.score is None for *_, outcome in found),
        sum(bool(outcome.harm) for *_, outcome in found),
    ]


def harms(outcomes: dict[str, Outcome]) -> dict[str, int]:
    """How many attacks did each kind of damage."""
    names = [name for outcome in outcomes.values() for name in outcome.harm]
    return {name: names.count(name) for name in DAMAGE if name in names}


def with_report(page: str, found: Comparison) -> str:
    head, _, rest = page.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{report(found)}\n{END}{tail}"


# ---------------------------------------------------------------------------- the program


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", help="only these attacks on stock nbgrader")
    chosen = parser.parse_args().names or [a.name for a in CORPUS.values() if not a.bomb]
    found = Comparison.load() if RECORD.is_file() else Comparison({}, {})
    problem = bank.load(bank.SOLUTIONS / FIRST)
    with tempfile.TemporaryDirectory(prefix="released-") as name, ThreadPoolExecutor(2) as pool:
        os.chmod(name, 0o755)
        stock_course(Path(name), problem)
        honest = run_stock(Path(name), problem, None)
        if honest != Outcome(FULL):
            raise SystemExit(f"an honest student alone comes to {honest}: nothing can be compared")
        attacks = [CORPUS[name] for name in chosen]
        outcomes = pool.map(partial(run_stock, Path(name), problem), attacks)
        for done, (attack, outcome) in enumerate(zip(attacks, outcomes, strict=True), 1):
            found.stock[attack.name] = outcome
            found.save()
            least, most = deserved(attack, "stock")
            marks = " UNEARNED" * outcome.unearned(most) + " LOST" * outcome.lost(least)
            said = f"{done}/{len(chosen)} {attack.name}: {outcome}{marks}"
            print(said, file=sys.stderr, flush=True)
    found.here = run_ours()
    found.save()
    PAGE.write_text(with_report(PAGE.read_text(), found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
