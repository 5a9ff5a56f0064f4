"""Deliberate faults in the formulas, to see whether the tests notice.

Each returned expression is made 0.1 % too large and given the wrong sign; each product, quotient
and power loses a factor. A fault lives in this process alone and is taken back at once.
"""

import ast
import copy
import inspect
import re
import textwrap
from unittest import mock

from exact import check_primitive, check_row, read

from lossmath import arrays
from lossmath.check import (
    gradient_matches_differences,
    hessian_matches_differences,
    hessian_matches_numeric_estimate,
    variants,
)
from lossmath.loss import CATALOGUE, Loss
from lossmath.reduction import Reduction

DERIVATIVE_CHECKS = (
    gradient_matches_differences,
    hessian_matches_differences,
    hessian_matches_numeric_estimate,
)
MATHEMATICS = ("variables", "f", "df", "d2f", "_value", "_gradient", "_hessian")


def survivors(cls, losses):
    """Descriptions of the faults in a class that no test of any of these losses notices.

    The tests are the exact rows and the checks of derivatives.
    """
    found = []
    for name, function in formulas(cls):
        for what, mutant in mutants(function):
            with mock.patch.object(cls, name, mutant):
                if not any(notices(loss) for loss in losses):
                    found.append(f"{cls.name}.{name}: {what}")
    return found


def notices(cls):
    rows = [row for row in read(cls.family) if row["loss"] == cls.name]
    return any(fails(check_row, row) for row in rows) or any(
        fails(check, loss) for check in DERIVATIVE_CHECKS for loss in variants(cls)
    )


def families():
    """The classes that several losses inherit from, each with these losses."""
    found = {}
    for loss in CATALOGUE.values():
        for base in loss.__mro__[1:]:
            if issubclass(base, Loss) and base is not Loss and base.name not in CATALOGUE:
                found.setdefault(base, []).append(loss)
    return found


def surviving_primitives():
    """Descriptions of the faults in lossmath.arrays that its exact rows let pass."""
    rows = read("arrays")
    found = []
    for name in dict.fromkeys(row["loss"] for row in rows):
        own = [row for row in rows if row["loss"] == name]
        for what, mutant in mutants(getattr(arrays, name)):
            with mock.patch.object(arrays, name, mutant):
                if not any(fails(check_primitive, row) for row in own):
                    found.append(f"{name}: {what}")
    return found


def surviving_reductions(tests):
    """Descriptions of the faults in Reduction that all these tests let pass."""
    found = []
    for name in ("reduce", "coefficients", "_share", "_divisor"):
        for what, mutant in mutants(getattr(Reduction, name)):
            with mock.patch.object(Reduction, name, mutant):
                if not any(fails(test) for test in tests):
                    found.append(f"{name}: {what}")
    return found


def fails(test, *arguments):
    """Whether a test notices something; any error is a notice."""
    try:
        test(*arguments)
    except Exception:
        return True
    return False


def formulas(cls):
    """The methods in which a class writes its mathematics."""
    for name, member in vars(cls).items():
        plumbing = hasattr(Loss, name) and name not in MATHEMATICS
        if inspect.isfunction(member) and not plumbing:
            yield name, member


def mutants(function):
    """Faulty copies of a function, each with the expression that was changed."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    for index, node in enumerate(ast.walk(tree)):
        for what, replacement in faults(node):
            faulty = copy.deepcopy(tree)
            target = list(ast.walk(faulty))[index]
            rebuilt = ast.fix_missing_locations(Replace(target, replacement).visit(faulty))
            yield what, rebuild(rebuilt.body, function)


def rebuild(body, function):
    """What these statements define in place of the function, with the class that super() means."""
    maker = ast.parse(f"def make(__class__): return {function.__name__}")
    maker.body[0].body[:0] = body
    scope = {}
    exec(compile(maker, "<mutant>", "exec"), function.__globals__, scope)
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    return scope["make"](cells["__class__"].cell_contents if cells else None)


def faults(node):
    """Descriptions and replacements for one node of the syntax tree."""
    if isinstance(node, ast.Return):
        for leaf in leaves(node.value):
            source = ast.unparse(leaf)
            zero = re.match(r"(\S+\()?(xp\.zeros_like|zeros?\b)", source)  # no factor changes it
            for what in [f"{source} + 1"] if zero else [f"({source}) * 1.001", f"-({source})"]:
                yield what, swap(node, leaf, what)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div | ast.Pow):
        yield f"{ast.unparse(node)} -> {ast.unparse(node.left)}", node.left
        if isinstance(node.op, ast.Mult):
            yield f"{ast.unparse(node)} -> {ast.unparse(node.right)}", node.right


def leaves(value):
    """The expressions of a returned value, or of a returned tuple of tuples."""
    if isinstance(value, ast.Starred):  # arguments handed on as they are
        return []
    if not isinstance(value, ast.Tuple):
        return [value]
    return [leaf for part in value.elts for leaf in leaves(part)]


def swap(statement, leaf, source):
    """A copy of a statement with one expression written anew."""
    position = list(ast.walk(statement)).index(leaf)
    changed = copy.deepcopy(statement)
    target = list(ast.walk(changed))[position]
    return Replace(target, ast.parse(source, mode="eval").body).visit(changed)


class Replace(ast.NodeTransformer):
    """Put one node in the place of another."""

    def __init__(self, target, replacement):
        self.target, self.replacement = target, replacement

    def visit(self, node):
        return self.replacement if node is self.target else self.generic_visit(node)
