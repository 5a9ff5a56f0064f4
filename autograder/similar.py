"""Pairs of submissions that share more than the release does.

Code is compared by its form, not its text. Each statement becomes the sequence of its syntax
nodes, without names of the student's own, comments, docstrings, annotations and layout, and the
sequence becomes its overlapping pieces of `LENGTH` nodes. So renaming, reformatting and the order
of statements and functions change nothing. Prose, and code that is no Python, becomes its
overlapping pieces of `LENGTH` words.

From a student's pieces those of the release are taken away, and those that many in the class have:
they are what the exercise asks for. The similarity of two submissions is the share of the smaller
one's pieces that the other has too. It is a reason to read both, and a proof of nothing.

Nothing of a submission is run, and no more of it is read than in grading.
"""

from __future__ import annotations

import ast
import builtins
import re
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations

from rich.box import SIMPLE_HEAD
from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from autograder.preflight import Cell, Layout, find_students, receive

LENGTH = 8  # pieces are so long: shorter ones are everybody's, longer ones miss small changes
ENOUGH = 30  # pieces; two works of which one has fewer are not compared
ALIKE = 0.7  # the similarity from which a pair is named
# What more than this share of a class has is common: the exercise asks for it. But what FEW have
# may be one group's, and pairs of more than MOST would grow with the square of the class, though a
# piece that so many have tells little about any two of them.
SHARE, FEW, MOST = 0.1, 8, 30

BUILTINS = frozenset(dir(builtins))
MOST_CODE = 30_000  # characters of a notebook, thrice an honest one's: parsing takes their square

SHELL = re.compile(r"^([ \t]*)[%!?].*$", re.MULTILINE)  # IPython's own lines
SKIPPED = "annotation", "returns", "decorator_list", "type_comment", "type_params", "ctx"

Pieces = set[int]


@dataclass(frozen=True)
class Likeness:
    """How alike two students' notebooks are: `shared` pieces, a share of the smaller one's."""

    notebook: str
    shared: int
    similarity: float


@dataclass(frozen=True)
class Pair:
    """Two students whose work is alike, as a whole or in the notebooks named."""

    students: tuple[str, str]
    whole: Likeness
    notebooks: tuple[Likeness, ...]


# ---------------------------------------------------------------------------- pieces


def pieces(cells: Iterable[Cell]) -> Pieces:
    """The pieces of all cells of a notebook."""
    found: Pieces = set()
    parsed = 0
    for cell in cells:
        parsed += len(cell.source) if cell.kind == "code" else 0
        is_code = cell.kind == "code" and parsed <= MOST_CODE
        found |= _of_code(cell.source) if is_code else _of_words(cell.source)
    return found


def _of_code(source: str) -> Pieces:
    try:
        with warnings.catch_warnings(action="ignore"):
            tree = ast.parse(SHELL.sub(r"\1pass", source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return _of_words(source)
    statements = (node for node in ast.walk(tree) if isinstance(node, ast.stmt))
    return {
        piece
        for statement in statements
        if not isinstance(statement, ast.Import | ast.ImportFrom | ast.Pass)
        and not _is_text(statement)
        for piece in _cut(list(_form(statement)))
    }


def _of_words(text: str) -> Pieces:
    words = re.findall(r"\w+", text.lower())
    return set(_cut(words)) if len(words) >= LENGTH else set()


def _cut(sequence: list[str]) -> Iterator[int]:
    """Every stretch of `LENGTH`, or all of a shorter sequence."""
    for start in range(max(1, len(sequence) - LENGTH + 1)):
        yield hash(tuple(sequence[start : start + LENGTH]))


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _form(statement: ast.stmt) -> Iterator[str]:
    """The nodes of a statement from left to right, without the statements inside it."""
    # Not recursive: an expression may be as deep as the parser allows.
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop()
        yield _label(node)
        parts = [
            part
            for name, value in ast.iter_fields(node)
            if name not in SKIPPED
            for part in (value if isinstance(value, list) else [value])
            if isinstance(part, ast.AST)
            and not isinstance(part, ast.stmt | ast.excepthandler | ast.match_case)
        ]
        waiting += reversed(parts)


def _label(node: ast.AST) -> str:
    match node:
        case ast.Name(id=name):
            return name if name in BUILTINS else "name"
        case ast.Attribute(attr=name):
            return f".{name}"
        case ast.keyword(arg=name):
            return f"{name}="
        case ast.Constant(value=bool() | None as value):
            return repr(value)
        case ast.Constant(value=int() | float() as value):
            return f"{value:g}" if abs(value) < 1e15 else "number"
        case ast.Constant(value=value):
            return type(value).__name__
        case _:
            return type(node).__name__


# ---------------------------------------------------------------------------- the class


def similar(
    layout: Layout, progress: Callable[[int, int, str], None] = lambda done, total, student: None
) -> list[Pair]:
    """The pairs of a class that are alike, the most alike first."""
    names = layout.released()
    students = find_students(layout)[0]
    released = {name: pieces(_cells_of_release(layout, name)) for name in names}
    works: dict[str, dict[str, Pieces]] = {}
    for done, student in enumerate(students):
        progress(done, len(students), student)
        received = receive(layout.course / "submitted", student, layout.assignment, names)
        works[student] = {
            name: pieces(cells) - released[name] for name, cells in received.notebooks.items()
        }
    return pairs(works)


def pairs(works: dict[str, dict[str, Pieces]]) -> list[Pair]:
    """The pairs that are alike among `works[student][notebook]`."""
    own = _without_common(works)
    shared: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for (notebook, _), holders in _holders(own).items():
        for pair in combinations(holders, 2):
            shared[pair][notebook] += 1
    found = [_compare(pair, counts, own) for pair, counts in shared.items()]
    alike = [pair for pair in found if pair.notebooks or pair.whole.similarity >= ALIKE]
    return sorted(alike, key=lambda pair: (-pair.whole.similarity, pair.students))


def _without_common(works: dict[str, dict[str, Pieces]]) -> dict[str, dict[str, Pieces]]:
    most = min(max(FEW, SHARE * len(works)), MOST)
    common = {place for place, holders in _holders(works).items() if len(holders) > most}
    return {
        student: {
            notebook: {piece for piece in found if (notebook, piece) not in common}
            for notebook, found in work.items()
        }
        for student, work in works.items()
    }


def _holders(works: dict[str, dict[str, Pieces]]) -> dict[tuple[str, int], list[str]]:
    """Who has each piece of each notebook, in order of names."""
    holders: dict[tuple[str, int], list[str]] = defaultdict(list)
    for student, work in sorted(works.items()):
        for notebook, found in work.items():
            for piece in found:
                holders[notebook, piece].append(student)
    return holders


def _compare(
    pair: tuple[str, str], shared: Counter[str], works: dict[str, dict[str, Pieces]]
) -> Pair:
    one, other = (works[student] for student in pair)
    sizes = [sum(map(len, work.values())) for work in (one, other)]
    notebooks = [
        _likeness(name, count, len(one[name]), len(other[name])) for name, count in shared.items()
    ]
    return Pair(
        pair,
        _likeness("", shared.total(), *sizes),
        tuple(sorted((n for n in notebooks if n.similarity >= ALIKE), key=lambda n: n.notebook)),
    )


def _likeness(notebook: str, shared: int, *sizes: int) -> Likeness:
    smaller = min(sizes)
    return Likeness(notebook, shared, shared / smaller if smaller >= ENOUGH else 0.0)


def as_table(pairs: list[Pair]) -> RenderableType:
    """The pairs for a terminal."""
    table = Table(
        title="Read these side by side",
        caption="To be alike is a reason to read both, and a proof of nothing.",
        box=SIMPLE_HEAD,
        title_justify="left",
        caption_justify="left",
    )
    table.add_column("students")
    table.add_column("alike", justify="right")
    table.add_column("notebooks")
    for pair in pairs:
        notebooks = [f"{like.notebook} {like.similarity:.0%}" for like in pair.notebooks]
        table.add_row(
            escape(" and ".join(pair.students)),
            f"{pair.whole.similarity:.0%}",
            ", ".join(notebooks),
        )
    return table


def _cells_of_release(layout: Layout, name: str) -> list[Cell]:
    return [Cell(cell.cell_type, cell.source) for cell in layout.release(name).cells]
