"""Copies are named whatever was done to hide them, and honest solutions are not."""

import ast
import itertools
import json
import random

import pytest
from classroom import FIRST, hand_in

from autograder import bank, sample, similar
from autograder.cli import DONE, main
from autograder.preflight import Cell
from autograder.similar import ALIKE, ENOUGH, pairs, pieces

# ---------------------------------------------------------------------------- ways to hide


class Renamed(ast.NodeTransformer):
    """Every name of the student's own is another one."""

    def __init__(self):
        self.names = {}

    def other(self, name):
        return self.names.setdefault(name, f"other_{len(self.names)}")

    def visit_Name(self, node):
        if node.id not in similar.BUILTINS:
            node.id = self.other(node.id)
        return node

    def visit_arg(self, node):
        node.arg = self.other(node.arg)
        return node

    def visit_FunctionDef(self, node):
        node.name = self.other(node.name)
        return self.generic_visit(node)


class Reordered(ast.NodeTransformer):
    """Functions, and statements in them, in another order, whatever that computes."""

    def generic_visit(self, node):
        super().generic_visit(node)
        if isinstance(node, ast.Module | ast.FunctionDef | ast.For | ast.If):
            random.Random(0).shuffle(node.body)
        return node


class Annotated(ast.NodeTransformer):
    """A docstring and types for every function."""

    def visit_FunctionDef(self, node):
        node.body.insert(0, ast.Expr(ast.Constant("My own thoughts, at some length.")))
        node.returns = ast.Name("float")
        for argument in node.args.args:
            argument.annotation = ast.Constant("numpy.ndarray")
        return node


class Stepwise(ast.NodeTransformer):
    """What is returned gets a name first."""

    def visit_Return(self, node):
        if node.value is None:
            return node
        return [
            ast.Assign([ast.Name("result", ast.Store())], node.value),
            ast.Return(ast.Name("result", ast.Load())),
        ]


def changed(*ways):
    def hide(source):
        tree = ast.parse(source)
        for way in ways:
            tree = way().visit(tree)
        return ast.unparse(ast.fix_missing_locations(tree))  # which drops comments and layout

    return hide


def commented(source):
    lines = source.splitlines()
    return "\n\n".join(line + "  # mine" if line.strip() else line for line in lines)


def padded(source):
    """With code of somebody's own around it."""
    return "ratios = [a / (b + 1) for a, b in zip(range(9), range(9))]\n" + source


WAYS = {
    "comments": commented,
    "layout and no comments": changed(),
    "names": changed(Renamed),
    "order": changed(Reordered),
    "docstrings and types": changed(Annotated),
    "something added": padded,
    "steps": changed(Stepwise),
    "all of it": lambda source: padded(changed(Renamed, Reordered, Annotated, Stepwise)(source)),
}


# ---------------------------------------------------------------------------- both distributions


def code(source):
    return pieces([Cell("code", source)])


def solution(problem):
    cells = [cell for cell in problem.notebook.cells if cell.cell_type == "code"]
    return "\n".join(c.source for c in cells if c.metadata.get("nbgrader", {}).get("solution"))


@pytest.fixture(scope="module")
def honest():
    """Different right solutions of every problem, by problem."""
    return {
        problem.name: [solution(problem), *(variant.source for variant in problem.accepted)]
        for problem in bank.problems()
    }


def likeness(one, other):
    return len(one & other) / min(len(one), len(other))


def test_honest_solutions_stay_below_the_threshold(honest):
    alike = [
        likeness(one, other)
        for sources in honest.values()
        for one, other in itertools.combinations(map(code, sources), 2)
        if min(len(one), len(other)) >= ENOUGH
    ]
    assert len(alike) > 100
    assert sum(alike) / len(alike) < 0.1
    assert max(alike) < 0.55 < ALIKE - 0.1


def test_honest_students_are_far_from_alike_as_a_whole(honest):
    count = min(map(len, honest.values()))
    works = {
        str(number): {name: code(sources[number]) for name, sources in honest.items()}
        for number in range(count)
    }
    wholes = [
        likeness(*({(name, p) for name in work for p in work[name]} for work in two))
        for two in itertools.combinations(works.values(), 2)
    ]
    assert max(wholes) < 0.2
    assert pairs(works) == []


@pytest.mark.parametrize("way", WAYS)
def test_copies_stay_above_the_threshold(honest, way):
    alike = [
        likeness(code(source), code(WAYS[way](source)))
        for sources in honest.values()
        for source in sources
        if len(code(source)) >= ENOUGH
    ]
    assert len(alike) > 30
    assert min(alike) > 0.85 > ALIKE + 0.1


# ---------------------------------------------------------------------------- a class


def work(*pieces_, notebook="01"):
    return {notebook: set(pieces_)}


def test_what_many_have_is_no_sign():
    everybody, own = range(100), itertools.count(1000)
    works = {str(number): work(*everybody, *itertools.islice(own, ENOUGH)) for number in range(20)}
    works["a"] = work(*everybody, *range(200, 260))
    works["b"] = work(*everybody, *range(200, 255))
    (pair,) = pairs(works)
    assert pair.students == ("a", "b")
    assert (pair.whole.shared, pair.whole.similarity) == (55, 1.0)


def test_a_few_who_copy_are_not_taken_for_many():
    works = {str(number): work(*range(100)) for number in range(5)}
    assert len(pairs(works)) == 10


@pytest.mark.parametrize(("holders", "named"), [(30, 30 * 29 // 2), (31, 0)])
def test_no_more_are_paired_in_a_large_class(holders, named):
    """Of 400 a tenth would be 40, whose pairs grow with the square of the class."""
    works = {str(number): work(*range(1000 * number, 1000 * number + 50)) for number in range(400)}
    works |= {str(number): work(*range(50)) for number in range(holders)}
    assert len(pairs(works)) == named


def test_too_little_is_not_compared():
    assert pairs({name: work(*range(ENOUGH - 1)) for name in "ab"}) == []


def test_one_notebook_copied_among_many_is_named():
    works = {
        name: {str(number): set(range(place, place + 50)) for number in range(10)}
        for name, place in (("a", 0), ("b", 1000))
    }
    works["a"]["7"] = works["b"]["7"]
    (pair,) = pairs(works)
    assert [like.notebook for like in pair.notebooks] == ["7"]
    assert pair.whole.similarity == 0.1


def test_the_most_alike_come_first():
    works = {"a": work(*range(100)), "b": work(*range(70)), "c": work(*range(50), *range(200, 210))}
    works["b"] |= {"02": set(range(300, 360))}
    assert [pair.students for pair in pairs(works)] == [("a", "c"), ("b", "c"), ("a", "b")]


def rewritten(problem, notebook):
    """The solution, with other names and comments, in one cell at the end."""
    return sample._add(notebook, commented(changed(Renamed)(solution(problem))))


def test_a_class_is_read_and_its_pair_named(course, capsys):
    for student, answer in {
        "ada": sample.right,
        "bob": rewritten,
        "chen": sample.untouched,
        "dora": sample.untouched,
        "eve": lambda problem, notebook: sample._add(notebook, problem.accepted[0].source),
    }.items():
        hand_in(course, student, answer)
    sample.cut_short(hand_in(course, "fay", sample.right))
    assert main(["similar", "--course", str(course.folder), "--json"]) == DONE
    (pair,) = json.loads(capsys.readouterr().out)
    assert pair["students"] == ["ada", "bob"]
    assert [like["notebook"] for like in pair["notebooks"]] == [FIRST]
    assert main(["similar", "--course", str(course.folder)]) == DONE
    assert "ada and bob" in capsys.readouterr().out


def test_nobody_is_named_without_a_reason(course, capsys):
    for student in ("chen", "dora"):
        hand_in(course, student, sample.untouched)
    assert main(["similar", "--course", str(course.folder)]) == DONE
    assert "No two submissions are alike." in capsys.readouterr().out


# ---------------------------------------------------------------------------- what is no code


def test_nothing_is_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code("open('here', 'w')\n!touch here\n%run here\nraise SystemExit")
    assert list(tmp_path.iterdir()) == []


def test_ipythons_own_lines_do_not_hide_code():
    source = "def f(x):\n    return (x ** 2 - x ** 3).sum() / x.size + 1"
    assert code(source) == code("%matplotlib inline\n!ls\n" + source)


def test_code_with_a_mistake_is_compared_as_words():
    source = "def f(x:\n    return the sum of all squares of x over the size of x"
    assert likeness(code(source), code(source + "\n# and more")) > 0.9


def test_written_answers_are_compared_by_their_words():
    text = "The median stays where it is because one outlier cannot move the middle of the sample."
    other = text.upper().replace(" ", "\n").replace("MEDIAN", "*median*")
    assert pieces([Cell("markdown", text)]) == pieces([Cell("markdown", other)]) != set()
    assert pieces([Cell("markdown", "I do not know.")]) == set()


@pytest.mark.parametrize(
    "source",
    [
        "-" * 50_000 + "1",
        "(" * 50_000,
        "a" + ".a" * 25_000,
        "1" + "+1" * 25_000,
        "f'{" * 200,
        "x = " + "[" * 150 + "]" * 150,
        " " * 200_000 + "\n" * 200_000 + "x",
        "1e999 + 9" + "9" * 4_000,
        "\0",
        "'\\d' is 1",
    ],
)
def test_strange_code_is_survived(source, recwarn):
    assert len(code(source)) < 10
    assert len(recwarn) == 0


def test_no_notebook_is_too_long_to_be_compared():
    long = Cell("code", "a\n" * (similar.MOST_CODE // 2 + 1))
    copied = Cell("code", "def f(x):\n    return (x ** 2 - x ** 3).sum() / x.size + 1")
    assert pieces([copied, long]) >= pieces([copied])
    assert pieces([long, copied]) != pieces([long])
