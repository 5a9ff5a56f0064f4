"""The bank of problems: reads the folders `solutions/NN_name` into `Problem` records.

A folder holds `problem.py` (the notebook with its solution), `checks.py`, `mutants.py` and
`accepted.py`. The solution cells of `problem.py`, executed, are the reference; there is no second
copy of any right answer.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import math
import textwrap
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jupytext
from nbformat import NotebookNode

from autograder.checks import Check
from autograder.errors import WrongUse
from lossmath.course.published import Misconception, Published, PublishedPart
from lossmath.course.student import Student

SOLUTIONS = Path(__file__).parent.parent / "solutions"

POINTS = 10
WRITTEN_POINTS = 2
FEWEST_MUTANTS = 15
FEWEST_ACCEPTED = 5


class Variant:
    """Base of the classes in `mutants.py` and `accepted.py`.

    Such a class is a name, a docstring, and functions (without `self`) that take the place of the
    solution's; a function that it does not mention stays as in the solution.
    """


class Mutant(Variant):
    """A wrong solution real people write; the docstring is the sentence a student reads."""


class Accepted(Variant):
    """A right solution in another style; the docstring says which."""


@dataclass(frozen=True)
class Alternative:
    """A variant as text: its name in words, its sentence, and the cell a student would write."""

    name: str
    says: str
    source: str


@dataclass(frozen=True)
class Part:
    """A graded cell. A written part is graded by a person."""

    name: str
    points: float
    written: bool


@dataclass(frozen=True)
class Problem:
    """Everything the trusted side knows about a problem."""

    number: str
    name: str
    title: str
    notebook: NotebookNode
    parts: tuple[Part, ...]
    checks: tuple[Check, ...]
    mutants: tuple[Alternative, ...]
    accepted: tuple[Alternative, ...]

    def namespace(self, variant: Alternative | None = None) -> dict[str, Any]:
        """The functions of the solution, with those of a variant in their place."""
        namespace = execute(self.notebook, self.name)
        if variant:
            _run(variant.source, f"{self.name}: {variant.name}", namespace)
        return namespace

    @functools.cached_property
    def reference(self) -> types.SimpleNamespace:
        """The solution's functions, as attributes."""
        return types.SimpleNamespace(**self.namespace())

    @functools.cached_property
    def published(self) -> Published:
        """What students' machines know about the problem, with a fingerprint of every mutant.

        Raises WrongUse when the solution breaks a law it publishes.
        """
        public = _declared(self)
        right = Student(self.namespace())
        for part in public.parts:
            for law in part.laws:
                if law.counterexample(right, public.inputs[law.function]):
                    raise WrongUse(f"{self.name}: the solution breaks the law {law.says!r}")
        return dataclasses.replace(public, misconceptions=tuple(_misconceptions(self, public)))


def problems(root: Path = SOLUTIONS) -> list[Problem]:
    """All problems of a folder, in order of their numbers."""
    return [load(folder) for folder in sorted(root.glob("[0-9][0-9]_*"))]


def chosen(numbers: list[str], root: Path = SOLUTIONS) -> list[Problem]:
    """The problems of these numbers, or all. Raises WrongUse for a number that none has."""
    folders = {folder.name[:2]: folder for folder in sorted(root.glob("[0-9][0-9]_*"))}
    for number in numbers:
        if number not in folders:
            raise WrongUse(f"there is no problem {number!r}; problems: {', '.join(folders)}")
    return [load(folders[number]) for number in numbers or folders]


def load(folder: Path) -> Problem:
    """The problem in a folder. Raises WrongUse that says what is wrong with it."""
    number, _, _ = folder.name.partition("_")
    notebook = jupytext.read(folder / "problem.py")
    parts = tuple(_parts(notebook))
    checks = tuple(v for v in _module(folder / "checks.py").values() if isinstance(v, Check))
    mutants = tuple(_alternatives(folder / "mutants.py", Mutant))
    accepted = tuple(_alternatives(folder / "accepted.py", Accepted))
    title = notebook.cells[0].source.partition("\n")[0].removeprefix(f"# {number} · ")
    problem = Problem(number, folder.name, title, notebook, parts, checks, mutants, accepted)
    complaints = _complaints(problem)
    if complaints:
        raise WrongUse(f"{folder.name}: " + "; ".join(complaints))
    return problem


def execute(notebook: NotebookNode, name: str) -> dict[str, Any]:
    """The namespace after the set-up and solution cells; graded and free cells are not run."""
    namespace: dict[str, Any] = {"__name__": name}
    for cell in notebook.cells:
        grading = cell.metadata.get("nbgrader", {})
        if cell.cell_type == "code" and grading and "points" not in grading:
            _run(cell.source, f"{name}/problem.py", namespace)
    return namespace


def is_public_data(cell: NotebookNode) -> bool:
    """The cell that declares hints, public inputs and laws; it never reaches the student."""
    return "public" in cell.metadata.get("tags", [])


def _parts(notebook: NotebookNode) -> list[Part]:
    return [
        Part(grading["grade_id"], grading["points"], bool(grading.get("solution")))
        for cell in notebook.cells
        if "points" in (grading := cell.metadata.get("nbgrader", {}))
    ]


def _declared(problem: Problem) -> Published:
    """The public data as the problem's public cell declares it."""
    (cell,) = filter(is_public_data, problem.notebook.cells)
    declared = problem.namespace()
    _run(cell.source, f"{problem.name}: public data", declared)
    return Published(
        number=problem.number,
        title=problem.title,
        hints=tuple(declared["hints"]),
        parts=tuple(
            PublishedPart(part.name, part.points, tuple(declared["laws"].get(part.name, ())))
            for part in problem.parts
        ),
        inputs=declared["inputs"],
        probes={name: declared["probes"].get(name, []) for name in declared["inputs"]},
        misconceptions=(),
    )


def _misconceptions(problem: Problem, public: Published) -> Iterator[Misconception]:
    """The mutants that public inputs can tell, with a fingerprint of each function they change."""
    right = _fingerprints(public, problem.namespace())
    for mutant in problem.mutants:
        wrong = _fingerprints(public, problem.namespace(mutant))
        changed = {name: wrong[name] for name in wrong if wrong[name] != right[name]}
        if changed:
            yield Misconception(mutant.says, changed)


def _fingerprints(public: Published, namespace: dict[str, Any]) -> dict[str, str]:
    """Fingerprints of all functions; without those that answer differently the second time."""
    student = Student(namespace)
    first, second = (
        {name: public.fingerprint_of(student, name) for name in public.inputs} for _ in range(2)
    )
    return {name: first[name] for name in first if first[name] == second[name]}


def _complaints(problem: Problem) -> list[str]:
    """What is missing from a problem, as sentences for its author."""
    found = []
    total = sum(part.points for part in problem.parts)
    if total != POINTS:
        found.append(f"the parts make {total:g} points, {POINTS} are asked for")
    written = sum(part.points for part in problem.parts if part.written)
    if written > WRITTEN_POINTS:
        found.append(f"written parts make {written:g} points, at most {WRITTEN_POINTS} are allowed")
    for part in problem.parts:
        checked = math.fsum(c.points for c in problem.checks if c.part == part.name)
        if checked != (0 if part.written else part.points):
            found.append(f"the checks of {part.name!r} make {checked:g} of {part.points:g} points")
    unknown = {c.part for c in problem.checks} - {part.name for part in problem.parts}
    if unknown:
        found.append(f"checks of unknown parts: {', '.join(sorted(unknown))}")
    if len(problem.mutants) < FEWEST_MUTANTS:
        found.append(f"{len(problem.mutants)} mutants, at least {FEWEST_MUTANTS} are asked for")
    if len(problem.accepted) < FEWEST_ACCEPTED:
        found.append(f"{len(problem.accepted)} accepted, at least {FEWEST_ACCEPTED} are asked for")
    if sum(map(is_public_data, problem.notebook.cells)) != 1:
        found.append("problem.py has no cell tagged 'public', or more than one")
    return found


def _alternatives(path: Path, kind: type[Variant]) -> list[Alternative]:
    """The variants in a file, in order."""
    text = path.read_text(encoding="utf-8")
    body = ast.parse(text).body
    imports = [node for node in body if isinstance(node, ast.Import | ast.ImportFrom)]
    needed = [line for line in map(ast.unparse, imports) if "autograder" not in line]
    return [
        Alternative(
            _words(node.name),
            _one_line(ast.get_docstring(node) or ""),
            "\n".join(needed) + f"\n\n\n{_functions(node, text.splitlines())}\n",
        )
        for node in body
        if isinstance(node, ast.ClassDef) and kind.__name__ in map(ast.unparse, node.bases)
    ]


def _functions(variant: ast.ClassDef, lines: list[str]) -> str:
    """The functions of a class as a cell would define them."""
    functions = [node for node in variant.body if isinstance(node, ast.FunctionDef)]
    return "\n\n".join(
        textwrap.dedent("\n".join(lines[_first_line(node) - 1 : node.end_lineno]))
        for node in functions
    )


def _first_line(function: ast.FunctionDef) -> int:
    return min([function.lineno, *(node.lineno for node in function.decorator_list)])


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _words(name: str) -> str:
    """ "MeanOverPadding" -> "mean over padding"."""
    return "".join(f" {c.lower()}" if c.isupper() else c for c in name).strip()


def _module(path: Path) -> dict[str, Any]:
    """The names a trusted file of ours defines."""
    namespace: dict[str, Any] = {"__name__": f"{path.parent.name}.{path.stem}"}
    _run(path.read_text(encoding="utf-8"), str(path), namespace)
    return namespace


def _run(source: str, name: str, namespace: dict[str, Any]) -> None:
    exec(_compiled(source, name), namespace)


# The judge runs every mutant again for every part that lost points.
@functools.cache
def _compiled(source: str, name: str) -> types.CodeType:
    return compile(source, name, "exec")
