"""The public data of a problem: what `problems/NN.json` holds, read and written."""

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .fingerprint import fingerprint
from .laws import Law
from .student import Student

FOLDER = Path(__file__).parent / "problems"


@dataclass(frozen=True)
class PublishedPart:
    """One graded part: its points, and its laws (none where a person grades)."""

    name: str
    points: float
    laws: tuple[Law, ...]


@dataclass(frozen=True)
class Misconception:
    """A usual mistake: its sentence, and the fingerprint of each function it changes."""

    says: str
    fingerprints: dict[str, str]


@dataclass(frozen=True)
class Published:
    """Everything a student's machine knows about a problem.

    `inputs` are, for each function, the cases its laws are tried on, smallest first; `probes` are
    further cases, at the edges, on which usual mistakes are told apart.
    """

    number: str
    title: str
    hints: tuple[str, ...]
    parts: tuple[PublishedPart, ...]
    inputs: dict[str, list[tuple]]
    probes: dict[str, list[tuple]]
    misconceptions: tuple[Misconception, ...]

    def fingerprint_of(self, student: Student, function: str) -> str:
        """The fingerprint of one function of a student's notebook."""
        return fingerprint(student, function, self.inputs[function] + self.probes[function])

    def to_json(self) -> str:
        return json.dumps(_encode(self), indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Published":
        data = _decode(json.loads(text))
        data["parts"] = tuple(
            PublishedPart(part["name"], part["points"], tuple(map(_law, part["laws"])))
            for part in data["parts"]
        )
        data["misconceptions"] = tuple(Misconception(**m) for m in data["misconceptions"])
        for kind in ("inputs", "probes"):
            data[kind] = {name: list(map(tuple, cases)) for name, cases in data[kind].items()}
        return cls(**data)


class OneLine(Exception):
    """Shown in a notebook as one line, without the way it took: the sentence says it all."""

    def _render_traceback_(self) -> list[str]:
        return [f"{type(self).__name__}: {self}"]


class Unknown(OneLine, ValueError):
    """A problem, part or hint that does not exist."""


def published(number: str) -> Published:
    """The public data of a problem, by its number.

    Raises Unknown, a ValueError, for a number that no problem has.
    """
    path = FOLDER / f"{number}.json"
    if not path.is_file():
        raise Unknown(
            f"there is no problem {number!r}; problems: {', '.join(map(repr, all_numbers()))}"
        )
    return Published.from_json(path.read_text(encoding="utf-8"))


def all_numbers() -> list[str]:
    """The numbers of all problems, in order."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def _law(fields: dict[str, Any]) -> Law:
    kind: Callable[..., Law] = Law.kinds[fields.pop("law")]
    return kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()})


def _encode(value: Any) -> Any:
    if isinstance(value, Law):
        return {"law": type(value).__name__, **_fields(value)}
    if dataclasses.is_dataclass(value):
        return _fields(value)
    if isinstance(value, dict):
        return {key: _encode(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_encode(item) for item in value]
    if isinstance(value, np.ndarray) and value.flags.fnc:  # stored column by column
        return {"transposed": _encode(value.T)}
    if isinstance(value, np.ndarray):
        return {"array": _encode(value.tolist()), "dtype": str(value.dtype)}
    if isinstance(value, float) and not np.isfinite(value):
        return {"float": str(value)}
    return value


def _fields(record: Any) -> dict[str, Any]:
    return {f.name: _encode(getattr(record, f.name)) for f in dataclasses.fields(record)}


def _decode(value: Any) -> Any:
    if isinstance(value, dict):
        value = {key: _decode(item) for key, item in value.items()}
        if value.keys() == {"array", "dtype"}:
            return np.array(value["array"], dtype=value["dtype"])
        if value.keys() == {"transposed"}:
            return value["transposed"].T
        if value.keys() == {"float"}:
            return float(value["float"])
        return value
    return [_decode(item) for item in value] if isinstance(value, list) else value
