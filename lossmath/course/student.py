"""Calling a student's functions: fresh inputs, plain numbers back, errors as sentences."""

import copy
import inspect
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np


class Unanswered(Exception):
    """A function of the student gave no answer; `kind` is the name of the error behind it."""

    def __init__(self, kind: str, sentence: str):
        super().__init__(sentence)
        self.kind = kind


class NotWritten(Unanswered):
    """The function is missing or still the empty stub."""


@dataclass(frozen=True)
class Drawing:
    """The data of a figure with one pair of axes."""

    lines: tuple[tuple[str, np.ndarray, np.ndarray], ...]
    xlabel: str
    ylabel: str
    legend: tuple[str, ...]


class Student:
    """The functions found in a student's notebook."""

    def __init__(self, namespace: Mapping[str, Any]):
        self.namespace = namespace

    def __call__(self, function: str, *arguments: Any) -> Any:
        """The function's answer to copies of the arguments, as plain numbers and arrays."""
        return self.answer(function, arguments)[0]

    def answer(self, function: str, arguments: tuple) -> tuple[Any, tuple]:
        """The function's answer, and its arguments as it left them."""
        written = self.namespace.get(function)
        if not callable(written):
            raise NotWritten(
                "NameError",
                f"{function} is not defined yet: run its cell, or check its name.",
            )
        arguments = copy.deepcopy(arguments)
        try:
            with np.errstate(all="ignore"), _unseen():
                value = plain(written(*arguments))
        except NotImplementedError:
            raise NotWritten("NotImplementedError", f"{function} is not written yet.") from None
        except Exception as error:
            kind = type(error).__name__
            sentence = f"{function} raised {kind}: {error}".removesuffix(": ")
            if kind == "NameError":  # Run All stops here, before a cell further down defines it
                sentence += "; what a function uses must stand above its check"
            raise Unanswered(kind, sentence) from None
        return value, arguments

    def describe(self, function: str, arguments: tuple) -> str:
        """The arguments under the names the student gave them: `prediction = [1.0], ...`."""
        try:
            names = list(inspect.signature(self.namespace[function]).parameters)
        except (TypeError, ValueError):
            names = []
        names += [f"argument {i + 1}" for i in range(len(names), len(arguments))]
        return ", ".join(
            f"{name} = {show(value)}" for name, value in zip(names, arguments, strict=False)
        )


@contextmanager
def _unseen() -> Iterator[None]:
    """What is drawn in here is neither shown nor left open."""
    before = _open_figures()
    try:
        with _no_display():
            yield
    finally:
        for figure in _open_figures() - before:
            sys.modules["matplotlib.pyplot"].close(figure)


def _no_display() -> AbstractContextManager:
    if "IPython" not in sys.modules:
        return nullcontext()
    from IPython.utils.capture import capture_output

    return capture_output(stdout=False, stderr=False)


def _open_figures() -> set[int]:
    pyplot = sys.modules.get("matplotlib.pyplot")
    return set(pyplot.get_fignums()) if pyplot else set()


def plain(value: Any) -> Any:
    """Tensors as numpy arrays, figures as their data, everything else as it is."""
    if isinstance(value, tuple | list):
        return type(value)(plain(item) for item in value)
    if hasattr(value, "detach"):
        return value.detach().cpu().numpy()
    if hasattr(value, "savefig") and hasattr(value, "axes"):
        return drawing(value)
    return value


def drawing(figure: Any) -> Drawing:
    """The lines, labels and legend of a matplotlib figure."""
    if len(figure.axes) != 1:
        raise ValueError(f"the figure has {len(figure.axes)} pairs of axes, one is asked for")
    axes = figure.axes[0]
    legend = axes.get_legend()
    texts = [text.get_text() for text in legend.get_texts()] if legend else []
    lines = tuple(
        (str(line.get_label()), np.asarray(line.get_xdata()), np.asarray(line.get_ydata()))
        for line in axes.lines
    )
    return Drawing(lines, axes.get_xlabel(), axes.get_ylabel(), tuple(texts))


def numbers(value: Any) -> np.ndarray:
    """A function's answer as an array of numbers.

    Raises Unanswered with a sentence when it is something else.
    """
    if value is None:
        raise Unanswered("None", "it returned nothing: is the `return` missing?")
    if isinstance(value, tuple | list):
        return np.concatenate([numbers(item).ravel() for item in value] or [np.zeros(0)])
    if isinstance(value, np.ma.MaskedArray):
        raise Unanswered("type", "it returned a masked array, where plain numbers are asked for.")
    if isinstance(value, np.ndarray | np.generic | int | float) and np.asarray(
        value
    ).dtype.kind in ("iuf"):
        return np.asarray(value, dtype=float)
    raise Unanswered("type", f"it returned {show(value)}, where numbers are asked for.")


def show(value: Any) -> str:
    """A value in one short line."""
    if isinstance(value, np.ndarray):
        text = np.array2string(
            value, precision=6, separator=", ", threshold=24, max_line_width=10**6
        )
        return " ".join(text.split())
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Drawing):
        return "a figure"
    if isinstance(value, tuple | list):
        return "[" + ", ".join(show(item) for item in value) + "]"
    return repr(value)[:80]
