"""Run a rebuilt notebook in the sandbox and write the scores of its graded cells.

Takes the place of nbgrader's Execute. The student's code cells run top to bottom in one sandboxed
process. Graded cells never run: the judge asks the student's functions questions, and each graded
cell gets exactly two outputs, the score as a result (the form in which nbgrader takes partial
credit) and the reasons as text. Both are written here and nowhere else.
"""

from __future__ import annotations

import atexit
import copy
import hmac
import math
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters.exporter import ResourcesDict
from nbformat.notebooknode import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_grade, is_solution
from traitlets import Bool, Enum, Float, Unicode

from autograder import audit, bank
from autograder.audit import Record
from autograder.feedback import notes_cell
from autograder.judge import judge, notebook_seed
from autograder.kernel import Kernel, Zygote
from autograder.session import Session, TimeLimits

# The outcome of a graded cell that the judge has said nothing about.
NOTHING = {"earned": 0.0, "lines": [], "misconception": None, "faults": ["no check knows it"]}


@dataclass(frozen=True)
class Settings:
    """What a grading run needs beside the notebook; small and picklable."""

    course: Path
    solutions: Path
    isolation: str
    limits: TimeLimits
    reuse: bool = False
    programs: str = field(default_factory=audit.programs)  # that the run is started with


# ---------------------------------------------------------------------------- one notebook


def run_notebook(
    notebook: NotebookNode,
    problem: bank.Problem,
    new_kernel: Callable[[], Kernel],
    seed: bytes,
    limits: TimeLimits,
) -> tuple[list[list[NotebookNode]], dict[str, dict[str, Any]], list[str]]:
    """Outputs of every cell, the outcome of every graded part, and what went wrong in cells."""
    outputs: list[list[NotebookNode]] = [[] for _ in notebook.cells]
    with closing(Session(new_kernel, limits)) as session:
        for number, cell in enumerate(notebook.cells):
            if cell.cell_type == "code" and not is_scored(cell):
                outputs[number] = session.run(cell.source)
        session.start_clock()
        scores = judge(problem, session.ask, seed)
    return (
        outputs,
        {name: audit.part_as_dict(score) for name, score in scores.items()},
        session.troubles,
    )


def is_scored(cell: NotebookNode) -> bool:
    """Whether a cell's score is computed here; written answers are read by a person."""
    return cell.cell_type == "code" and is_grade(cell) and not is_solution(cell)


def grade_notebook(
    notebook: NotebookNode,
    student: str,
    assignment: str,
    name: str,
    settings: Settings,
) -> Record:
    """Grade one rebuilt notebook, or find the record of having done so; needs no gradebook."""
    path = audit.path_of(settings.course, assignment, student, name)
    folder = settings.solutions / name
    key = audit.fingerprint(
        notebook, audit.digest_of(folder), settings.programs, settings.isolation, settings.limits
    )
    known = audit.load(path)
    if settings.reuse and known is not None and known.fingerprint == key:
        return known
    started = time.monotonic()
    about = notebook.metadata.get("autograder", {})
    record = Record(
        student,
        name,
        key,
        received=about.get("received", True),
        notes=list(about.get("notes", [])),
        isolation=settings.isolation,
    )
    outputs: list[list[NotebookNode]] = [[] for _ in notebook.cells]
    if record.received:
        outputs, record.parts, troubles = run_notebook(
            notebook,
            load_problem(folder),
            zygote(settings.isolation).kernel,
            seed_of(settings.course, student, name, notebook),
            settings.limits,
        )
        record.notes += troubles
        if settings.isolation == "none":
            record.notes.append("This notebook was run without a sandbox; its score is no proof.")
    for cell, shown in zip(notebook.cells, outputs, strict=True):
        if is_scored(cell):
            shown[:] = score_outputs(cell, record)
    record.outputs = [[dict(output) for output in shown] for shown in outputs]
    record.seconds = round(time.monotonic() - started, 3)
    audit.save(path, record)
    return record


def load_problem(folder: Path) -> bank.Problem:
    """The problem in a folder, read again when its programs have changed."""
    return _load_problem(folder, audit.digest_of(folder))


@cache
def _load_problem(folder: Path, digest: str) -> bank.Problem:
    return bank.load(folder)


@cache
def zygote(isolation: str) -> Zygote:
    """The warm interpreter of this process, shared by every notebook it grades."""
    warm = Zygote(isolation)
    atexit.register(warm.close)
    return warm


def seed_of(course: Path, student: str, name: str, notebook: NotebookNode) -> bytes:
    """Seed of the inputs: the same on every regrade, others for another student or notebook."""
    key = hmac.digest(audit.course_secret(course), f"{student}\0{name}".encode(), "sha256")
    return notebook_seed(key, audit.notebook_content(notebook))


# ---------------------------------------------------------------------------- the scores


def score_outputs(cell: NotebookNode, record: Record) -> list[NotebookNode]:
    """The two outputs of a graded cell: its score first, then every check with its points."""
    grading = cell.metadata["nbgrader"]
    most = float(grading["points"])
    known = NOTHING | {"out_of": most} | ({} if record.received else {"faults": []})
    part = record.parts.setdefault(grading["grade_id"], known)
    part["score"] = scaled(part["earned"], part["out_of"], most)
    return [
        nbformat.v4.new_output("execute_result", data={"text/plain": repr(part["score"])}),
        nbformat.v4.new_output("stream", name="stdout", text=explain(part, most, record.received)),
    ]


def scaled(earned: float, out_of: float, most: float) -> float:
    """Points as the gradebook counts them: a plain float from 0 to `most`, whatever came in."""
    if not (math.isfinite(earned) and out_of > 0):
        return 0.0
    return float(min(max(earned / out_of * most, 0.0), most))


def explain(part: dict[str, Any], most: float, received: bool) -> str:
    """The reasons for a score, one line per check, as the student reads them."""
    lines = [f"{part['score']:g} of {most:g} points"]
    if not received:
        lines.append("There was no notebook to grade; see the top of this page.")
    elif not part["lines"]:
        lines.append("Nothing is known about this cell, so it scores 0; tell your instructor.")
    for line in part["lines"]:
        mark = "✓" if line["points"] == line["out_of"] else "✗"
        lines.append(f"{mark} {line['points']:g}/{line['out_of']:g}  {line['says']}")
        if line["why"]:
            lines.append(f"        {line['why']}")
    if part["misconception"]:
        lines.append(f"Your answers are those of a usual mistake: {part['misconception']['says']}")
    return "\n".join(lines) + "\n"


def with_outputs(notebook: NotebookNode, record: Record) -> NotebookNode:
    """The graded notebook, as nbgrader and the feedback page read it."""
    graded = copy.copy(notebook)
    about = {"autograder": NotebookNode(fingerprint=record.fingerprint)}
    graded.metadata = NotebookNode(notebook.metadata | about)
    graded.cells = [
        NotebookNode(cell | {"outputs": list(map(nbformat.from_dict, outputs))})
        if cell.cell_type == "code"
        else cell
        for cell, outputs in zip(notebook.cells, record.outputs, strict=True)
    ]
    if record.notes:
        graded.cells.insert(0, notes_cell(record.notes))
    return graded


# ---------------------------------------------------------------------------- nbgrader's step


class SandboxExecute(NbGraderPreprocessor):
    """nbgrader's step "run the notebook", in the sandbox and judged from outside."""

    course = Unicode(help="The course folder.").tag(config=True)
    solutions = Unicode(str(bank.SOLUTIONS), help="The folder of the problems.").tag(config=True)
    isolation = Enum(
        ["bwrap", "none"],
        "bwrap",
        help="How students' code is kept apart; 'none' runs it with the rights of the grader.",
    ).tag(config=True)
    cell_seconds = Float(TimeLimits.cell, help="Longest run of one cell.").tag(config=True)
    question_seconds = Float(TimeLimits.question, help="Longest answer to one question.").tag(
        config=True
    )
    notebook_seconds = Float(TimeLimits.notebook, help="Longest run of all cells.").tag(config=True)
    reuse = Bool(False, help="Reuse the record of an earlier run of the same content.").tag(
        config=True
    )

    def settings(self) -> Settings:
        limits = TimeLimits(self.cell_seconds, self.question_seconds, self.notebook_seconds)
        return Settings(Path(self.course), Path(self.solutions), self.isolation, limits, self.reuse)

    def __call__(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        # Whatever `enabled` says: a graded cell without an output would score full marks.
        return self.preprocess(nb, resources)

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        where = resources["nbgrader"]
        record = grade_notebook(
            nb, where["student"], where["assignment"], where["notebook"], self.settings()
        )
        for fault in record.faults():
            self.log.error("%s lost points by a mistake in a check: %s", record.student, fault)
        return with_outputs(nb, record), resources
