"""Fingerprints of answers: a usual mistake is recognised without storing any right answer."""

import hashlib
from typing import Any

import numpy as np

from .student import Drawing, Student, Unanswered


def fingerprint(student: Student, function: str, cases: list[tuple]) -> str:
    """A short digest of what the function answers to all cases, rounding errors left out."""
    text = "|".join(_answer(student, function, arguments) for arguments in cases)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _answer(student: Student, function: str, arguments: tuple) -> str:
    try:
        value, after = student.answer(function, arguments)
    except Unanswered as error:
        return error.kind
    return f"{_canonical(value)} {_canonical(after) != _canonical(arguments)}"


def _canonical(value: Any) -> str:
    if isinstance(value, tuple | list):
        return "(" + ",".join(_canonical(item) for item in value) + ")"
    if isinstance(value, Drawing):
        lines = [(label.lower(), x, y) for label, x, y in value.lines]
        return _canonical([lines, bool(value.xlabel), bool(value.ylabel), bool(value.legend)])
    if isinstance(value, bool | int | float | np.generic | np.ndarray):
        return _rounded(np.asarray(value))
    return repr(value)


def _rounded(array: np.ndarray) -> str:
    if array.dtype.kind not in "iuf":
        return f"{array.dtype} {array.tolist()}"
    dtype, array = array.dtype, array.astype(float)
    scale = np.max(np.abs(array), where=np.isfinite(array), initial=0.0)
    array = np.where(np.abs(array) < 1e-9 * scale, 0.0, array) + 0.0  # no negative zeros
    # A single number may be a float, a numpy scalar or a 0-d array; an array has a precision.
    kind = f"{dtype} {array.shape}" if array.shape else ""
    return f"{kind} " + " ".join(f"{number:.9e}" for number in array.ravel())
