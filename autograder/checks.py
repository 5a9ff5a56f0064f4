"""The vocabulary in which a problem's `checks.py` is written.

A check asks the student's functions questions and compares the answers with the reference. It
passes by returning and fails by raising `Failure` with a sentence for the student. A sentence may
tell what the inputs were like and in which way an answer is off, never what it should have been.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, NoReturn

import numpy as np

from autograder.wire import Answer, StudentError

# Relative error that counts as right, by the precision the answer was asked in.
TOLERANCE = {np.dtype("float64"): 1e-9, np.dtype("float32"): 1e-4, np.dtype("float16"): 5e-3}

Ask = Callable[..., Answer]


class Failure(Exception):
    """A check that did not pass; its text is the sentence the student reads."""


class Inconsistent(Failure):
    """The same question got two answers, so that neither can earn anything."""


@dataclass(frozen=True)
class Check:
    """One thing a part is graded on; `says` is a sentence a student may see."""

    part: str
    points: float
    says: str
    run: Callable[[Questions, SimpleNamespace, np.random.Generator], None]

    @property
    def is_law(self) -> bool:
        """Whether the student's answers are compared with each other."""
        return self.says.startswith("Law: ")


def check(part: str, *, points: float, says: str) -> Callable[[Callable], Check]:
    """Turn a function of (ask, reference, rng) into a check of a part, worth `points`."""
    return lambda run: Check(part, points, says, run)


@dataclass(frozen=True)
class Reply:
    """A question and its consistent answer; `original` is the solution's function."""

    function: str
    arguments: tuple
    value: Any
    inputs_after: tuple
    original: Callable

    @property
    def inputs(self) -> str:
        """What was asked, as the beginning of a sentence for the student."""
        return _describe_inputs(self.original, self.arguments)


@dataclass(frozen=True)
class Asked:
    """A question as it went out and what came back, for comparing with usual mistakes."""

    function: str
    arguments: tuple
    outcome: Answer | StudentError


class Questions:
    """Puts a check's questions, keeps them, and lets no inconsistent answer through."""

    def __init__(self, ask: Ask, reference: SimpleNamespace):
        self._ask = ask
        self._reference = reference
        self.asked: list[Asked] = []

    def __call__(self, function: str, *arguments: Any) -> Reply:
        """The answer of the student's function.

        Raises StudentError when there is none, Inconsistent when two calls disagree.
        """
        arguments = copy.deepcopy(arguments)  # a check may go on to change its own arrays
        if len(self.asked) % 2:  # what a table holds does not depend on how memory holds it
            arguments = _by_columns(arguments)
        try:
            answer = self._ask(function, *arguments)
        except StudentError as error:
            self.asked.append(Asked(function, arguments, error))
            raise
        self.asked.append(Asked(function, arguments, answer))
        original = getattr(self._reference, function)
        if not identical(answer.value, answer.repeat):
            cause = (
                "because it changed its inputs"
                if not identical(answer.inputs_after, arguments)
                else "so it must remember something between calls"
            )
            inputs = _describe_inputs(original, arguments)
            raise Inconsistent(
                f"{inputs}, a second call of {function} gave another answer, {cause}."
            )
        return Reply(function, arguments, answer.value, answer.inputs_after, original)

    def require_variety(self) -> None:
        """No function answers everything with one number: that obeys laws without knowing them.

        Unless the solution does so too. Raises Failure.
        """
        for function in {question.function for question in self.asked}:
            asked = [question for question in self.asked if question.function == function]
            values = [q.outcome.value for q in asked if isinstance(q.outcome, Answer)]
            original = getattr(self._reference, function)
            if _is_one_number(values) and not _is_one_number(
                [original(*copy.deepcopy(question.arguments)) for question in asked]
            ):
                raise Failure(
                    f"{function} answers everything with one number; that no law is broken is then "
                    "no sign of a right answer."
                )


def expect(reply: Reply, expected: Any, *, rtol: float | None = None, law: str = "") -> None:
    """The answer has the kind, shape and values of `expected`.

    Values agree to a relative error `rtol`, by default what the precision of `expected` allows.
    Python numbers and 0-d arrays are the same thing; tuples and lists are too. Where `expected`
    comes from other answers of the student, `law` is the sentence that says what does not fit; it
    must then be finite, or an answer of NaN would fit everything.
    """
    try:
        _compare(reply, reply.value, expected, rtol, "")
        if law and not np.isfinite(_flat(expected)).all():
            _fail(reply, "follows from answers that are no numbers")
    except Failure:
        if not law:
            raise
        raise Failure(f"{reply.inputs}, {law}.") from None


def value_like(reply: Reply, form: Any) -> Any:
    """The answer's value for use in a law, once it has the kind and shape of `form`."""
    if isinstance(form, tuple | list):
        got = _items(reply, reply.value, form)
        return tuple(_of_shape(reply, g, np.asarray(f), _item(i)) for i, (g, f) in got)
    return _of_shape(reply, reply.value, np.asarray(form), "")


def expect_promised_change(
    ask: Questions, value: str, gradient: str, step: np.ndarray, *arguments: Any
) -> None:
    """Law: the student's gradient in the first argument predicts how the student's value changes.

    step: a small change of the first argument, in its shape; small, because its cube is neglected.
    """
    first, *others = arguments
    slope = value_like(ask(gradient, *arguments), first)
    there = value_like(ask(value, first + step, *others), 0.0)
    # The curvature cancels between there and back; what is left is of third order.
    promised = there - 2 * np.sum(slope * step)
    law = f"your {value} does not change as your {gradient} promises"
    expect(ask(value, first - step, *others), promised, rtol=1e-8, law=law)


def expect_dtype(reply: Reply, dtype: str) -> None:
    """The answer is an array of this precision, or all its items are."""
    several = isinstance(reply.value, tuple | list)
    for i, value in enumerate(reply.value if several else [reply.value]):
        got = np.asarray(value).dtype
        if got != np.dtype(dtype):
            _fail(reply, f"has dtype {got}, {dtype} is asked for", _item(i) if several else "")


def expect_unchanged(reply: Reply) -> None:
    """The function left its inputs as they were."""
    if not identical(reply.inputs_after, reply.arguments):
        _fail(reply, "changes its inputs; work on a copy, the caller still needs them")


def expect_refusal(ask: Questions, function: str, *arguments: Any, error: str, why: str) -> None:
    """The function raises `error` for arguments outside its domain."""
    try:
        ask(function, *arguments)
    except StudentError as raised:
        if raised.sentence.startswith(f"{function} raised {error}"):
            return
        raise
    raise Failure(f"{function} gives an answer although {why}; it should raise {error}.")


def numbers(
    rng: np.random.Generator, shape: int | tuple[int, ...], scale: float = 1.0, dtype: str = "f8"
) -> np.ndarray:
    """Normally distributed numbers of a typical size `scale`."""
    return (rng.standard_normal(shape) * scale).astype(dtype)


def sizes(rng: np.random.Generator, *more: int) -> Iterator[int]:
    """The sizes 1 and 2, those asked for, and one nobody can guess."""
    yield from (1, 2, *more, int(rng.integers(20, 90)))


def identical(a: Any, b: Any) -> bool:
    """The same plain value twice, to the bit; NaN equals NaN."""
    if a is b:
        return True
    if isinstance(a, tuple | list) and isinstance(b, tuple | list):
        return len(a) == len(b) and all(map(identical, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(identical(a[key], b[key]) for key in a)
    if isinstance(a, np.ndarray | np.generic | float | int):
        if not isinstance(b, np.ndarray | np.generic | float | int):
            return False
        a, b = np.asarray(a), np.asarray(b)
        return a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    if hasattr(a, "__dict__"):
        return type(a) is type(b) and identical(vars(a), vars(b))
    return type(a) is type(b) and a == b


def _by_columns(value: Any) -> Any:
    """The same value, with its tables stored column by column."""
    if isinstance(value, tuple | list):
        return type(value)(map(_by_columns, value))
    return np.asfortranarray(value) if isinstance(value, np.ndarray) else value


def _compare(reply: Reply, got: Any, expected: Any, rtol: float | None, item: str) -> None:
    if isinstance(expected, tuple | list):
        for i, (one, other) in _items(reply, got, expected):
            _compare(reply, one, other, rtol, _item(i))
        return
    wanted = np.asarray(expected)
    values = _of_shape(reply, got, wanted, item)
    whole = values.dtype.kind in "iu" and wanted.dtype.kind == "f"
    if whole and not np.array_equal(values, wanted):
        _fail(reply, "is a whole number where a fraction is asked for", item)
    _compare_values(reply, values.astype(float), wanted, rtol, item)


def _of_shape(reply: Reply, got: Any, wanted: np.ndarray, item: str) -> np.ndarray:
    values = _as_numbers(reply, got, wanted, item)
    if values.shape != wanted.shape:
        asked_for = f"shape {wanted.shape}" if wanted.shape else "a single number"
        _fail(reply, f"has shape {values.shape}, {asked_for} is asked for", item)
    return values


def _items(reply: Reply, got: Any, expected: Any) -> Iterator[tuple[int, tuple[Any, Any]]]:
    if not isinstance(got, tuple | list):
        form = f"a {type(expected).__name__} of {len(expected)}"
        _fail(reply, f"is {_kind(got)}, {form} is asked for")
    if len(got) != len(expected):
        _fail(reply, f"has {len(got)} items, {len(expected)} are asked for")
    return enumerate(zip(got, expected, strict=True))


def _item(i: int) -> str:
    return f" (item {i + 1})"


def _as_numbers(reply: Reply, got: Any, wanted: np.ndarray, item: str) -> np.ndarray:
    asked_for = "an array of numbers" if wanted.shape else "a single number"
    if got is None:
        _fail(reply, "is None: is the `return` missing?", item)
    number = isinstance(got, np.ndarray | np.generic | int | float)
    if not number or np.asarray(got).dtype.kind not in "iuf":
        _fail(reply, f"is {_kind(got)}, {asked_for} is asked for", item)
    return np.asarray(got)


def _compare_values(
    reply: Reply, got: np.ndarray, wanted: np.ndarray, rtol: float | None, item: str
) -> None:
    rtol = rtol or TOLERANCE.get(wanted.dtype, 1e-9)
    wanted = wanted.astype(float)
    finite = np.isfinite(wanted)
    largest = np.max(np.abs(wanted), where=finite, initial=0.0)
    near = np.abs(np.subtract(got, wanted, where=finite, out=np.zeros_like(got))) <= (
        rtol * np.abs(np.where(finite, wanted, 0)) + 1e-3 * rtol * largest
    )
    same = (got == wanted) | (np.isnan(got) & np.isnan(wanted))
    right = np.where(finite, near & np.isfinite(got), same)
    if right.all():
        return
    sizes = [a.size for a in reply.arguments if isinstance(a, np.ndarray)]
    _fail(reply, _how_wrong(got.ravel(), wanted.ravel(), right.ravel(), sizes), item)


def _how_wrong(got: np.ndarray, wanted: np.ndarray, right: np.ndarray, sizes: list[int]) -> str:
    """In which way the numbers are off, without saying what they should be."""
    single = got.size == 1
    place = "is" if single else f"is, at entry {np.argmin(right) + 1} of {got.size},"
    first = np.argmin(right)
    if np.isnan(got[first]):
        return f"{place} not a number (nan)"
    if not np.isfinite(got[first]):
        return f"{place} infinite" + (" with the wrong sign" if np.isinf(wanted[first]) else "")
    if np.isnan(wanted[first]):
        return f"{place} an ordinary number although a NaN went in; a NaN must not be hidden"
    if not np.isfinite(wanted[first]):
        return f"{place} finite where it cannot be"
    pattern = _pattern(got, wanted, sizes)
    if pattern:
        return f"{'is' if single else 'is in every entry'} {pattern}"
    wrong = np.count_nonzero(~right)
    return (
        "is wrong" if single else f"is wrong in {wrong} of {got.size} entries, first at {first + 1}"
    )


def _pattern(got: np.ndarray, wanted: np.ndarray, sizes: list[int]) -> str | None:
    """A factor that all entries are off by, where it has a name."""
    used = wanted != 0
    if not np.isfinite(got).all() or not used.any() or np.any(got[~used] != 0):
        return None
    if not np.any(got):
        return "zero where it is not"
    factor = np.unique(np.round(got[used] / wanted[used], 6))
    if factor.size != 1:
        return None
    named = {-1.0: "of the right size and the wrong sign"}
    for count in (2, 100, *(size for size in sizes if size > 2)):
        what = "that is the number of entries" if count in sizes and count > 2 else f"of {count}"
        named.setdefault(float(count), f"too large by a factor {what}")
        named.setdefault(round(1 / count, 6), f"too small by a factor {what}")
    return named.get(float(factor[0]))


def _fail(reply: Reply, what: str, item: str = "") -> NoReturn:
    raise Failure(f"{reply.inputs}, the answer of {reply.function}{item} {what}.")


def _kind(value: Any) -> str:
    if isinstance(value, bool | np.bool) or getattr(value, "dtype", None) == np.bool:
        return "True or False"
    if isinstance(value, np.ndarray | np.generic):
        return f"an array of {value.dtype}"
    return f"a {type(value).__name__}"


def _is_one_number(values: list) -> bool:
    numbers = _flat(values)
    same = numbers.dtype.kind in "iuf" and numbers.size > 0
    return same and np.allclose(numbers, numbers[0], rtol=1e-5, atol=0.0, equal_nan=True)


def _flat(value: Any) -> np.ndarray:
    """All numbers in arrays, and in lists and tuples of them."""
    if isinstance(value, tuple | list):
        return np.concatenate([_flat(item) for item in value]) if value else np.empty(0)
    return np.ravel(value)


def _describe_inputs(function: Callable, arguments: tuple) -> str:
    names = inspect.signature(function).parameters
    described = [f"`{name}` ({_describe(a)})" for name, a in zip(names, arguments, strict=False)]
    return "With " + " and ".join(described)


def _describe(value: Any) -> str:
    if isinstance(value, np.ndarray) and value.dtype == np.bool:
        return f"{np.count_nonzero(value)} of {value.size} slots kept"
    if isinstance(value, np.ndarray):
        plural = "" if value.size == 1 else "s"
        count = f"{value.size} number{plural}" if value.ndim == 1 else f"shape {value.shape}"
        kind = "" if value.dtype == np.float64 else f", {value.dtype}"
        stored = ", stored column by column" if value.flags.fnc else ""
        return f"{count}{kind}{stored}{_magnitude(value)}"
    if isinstance(value, list | tuple):
        return f"{len(value)} piece{'' if len(value) == 1 else 's'}"
    if isinstance(value, str | int):
        return repr(value)
    return f"{value:.3g}"


def _magnitude(value: np.ndarray) -> str:
    """What is unusual about the numbers, as the end of a phrase."""
    if np.isnan(value).any():
        return ", with a NaN"
    if np.isinf(value).any():
        return ", with an infinity"
    largest = np.max(np.abs(value.astype(float)), initial=0.0)
    if largest == 0 or 1e-4 < largest < 1e4:
        return ""
    return f", of size about 1e{round(np.log10(largest)):+d}"
