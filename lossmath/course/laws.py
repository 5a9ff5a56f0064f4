"""The laws a problem may demand in public: each is one sentence and a search for a counterexample.

A law is checked on the problem's public inputs, smallest first, so that the first counterexample
found is also the easiest to think about. Only the student's own functions are compared with each
other; the one exception is `Example`, whose answer stands in the statement.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from .student import Drawing, Student, Unanswered, numbers, show


@dataclass(frozen=True)
class Counterexample:
    """What went wrong, line by line, and where it helps two curves and what is asked of them."""

    lines: tuple[str, ...]
    curves: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    along: str = ""
    demand: str = "These two should coincide"


@dataclass(frozen=True)
class Law:
    """A sentence about `function` that must hold for every input."""

    function: str

    kinds: ClassVar[dict[str, type["Law"]]] = {}

    def __init_subclass__(cls) -> None:
        Law.kinds[cls.__name__] = cls

    @property
    def says(self) -> str:
        """The law, as a sentence a student reads."""
        raise NotImplementedError

    def broken_by(self, student: Student, arguments: tuple) -> Counterexample | None:
        """What goes wrong with these arguments, None where the law holds."""
        raise NotImplementedError

    def counterexample(self, student: Student, cases: list[tuple]) -> Counterexample | None:
        """The first case that breaks the law, an error of the function included."""
        for arguments in cases:
            try:
                found = self.broken_by(student, arguments)
            except Unanswered as error:
                found = Counterexample((str(error),))
            if found:
                inputs = student.describe(self.function, arguments)
                return replace(found, lines=(inputs, *found.lines))
        return None


@dataclass(frozen=True)
class Example(Law):
    """The worked example of the statement."""

    arguments: tuple
    gives: Any

    @property
    def says(self) -> str:
        return f"The worked example of {self.function} comes out as {show(self.gives)}."

    def counterexample(self, student: Student, cases: list[tuple]) -> Counterexample | None:
        return super().counterexample(student, [self.arguments])

    def broken_by(self, student: Student, arguments: tuple) -> Counterexample | None:
        value = student(self.function, *arguments)
        if _close(value, self.gives):
            return None
        mine, right = _beside(value, self.gives), show(self.gives)
        further = "; they differ in the digits that follow" if mine == right else ""
        return Counterexample(
            (f"your {self.function} gives {mine}, the statement says {right}{further}",)
        )


@dataclass(frozen=True)
class Refuses(Law):
    """Arguments outside the domain raise an error instead of giving a number."""

    arguments: tuple
    error: str
    because: str

    @property
    def says(self) -> str:
        return f"{self.function} raises {self.error} {self.because}."

    def counterexample(self, student: Student, cases: list[tuple]) -> Counterexample | None:
        return super().counterexample(student, [self.arguments])

    def broken_by(self, student: Student, arguments: tuple) -> Counterexample | None:
        try:
            value = student(self.function, *arguments)
        except Unanswered as error:
            return None if error.kind == self.error else Counterexample((str(error),))
        return Counterexample((f"your {self.function} answers {show(value)}",))


@dataclass(frozen=True)
class Finite(Law):
    """No infinity and no NaN comes out of inputs at the edge of the domain."""

    edges: tuple[tuple, ...]
    when: str

    @property
    def says(self) -> str:
        return f"{self.function} is finite {self.when}."

    def counterexample(self, student: Student, cases: list[tuple]) -> Counterexample | None:
        return super().counterexample(student, list(self.edges))

    def broken_by(self, student: Student, arguments: tuple) -> Counterexample | None:
        value = student(self.function, *arguments)
        if np.all(np.isfinite(numbers(value))):
            return None
        return Counterexample((f"your {self.function} gives {show(value)}",))


@dataclass(frozen=True)
class Pure(Law):
    """The function depends on its inputs alone and leaves them as it found them."""

    @property
    def says(self) -> str:
        return f"{self.function} leaves its inputs as they were, and answers the same twice."

    def broken_by(self, student: Student, arguments: tuple) -> Counterexample | None:
        value, after = student.answer(self.function, arguments)
        if not _same(after, arguments):
            return Counterexample((f"after the call: {student.describe(self.function, after)}",))
        again = student(self.function, *arguments)
        if show(again) != show(value):
            return Counterexample((f"first it gives {show(value)}", f"then {show(again)}"))
        return None


@dataclass(frozen=True)
class Shape(Law):
    """The answer has the shape of one argument, or is a single number."""

    like: str = ""

    @property
    def says(self) -> str:
        what = f"an array with the shape of {self.like}" if self.like else "a single number"
        return f"{self.function} returns {what}."

    def broken_by(self, student: Student, arguments: tuple) -> Counterexample | None:
        shape = np.shape(arguments[0]) if self.like else ()
        value = student(self.function, *arguments)
        if not isinstance(value, tuple | list) and numbers(value).shape == shape:
            return None
        given = f"your {self.function} gives {show(value)}"
        return Counterexample((f"{given}: {_form(value)} where {_shaped(shape)} is asked for",))


@dataclass(frozen=True)
class Precision(Law):
    """The answer has the precision of the inputs, which are asked as float32, too."""

    @property
    def says(self) -> str:
        return f"{self.function} answers float32 with float32, and all else with float64."

    def counterexample(self, student: Student, cases: list[tuple]) -> Counterexample | None:
        return super().counterexample(student, [*map(_in_single, cases), *cases])

    def broken_by(self, student: Student, arguments: tuple) -> Counterexample | None:
        value = student(self.function, *arguments)
        numbers(value)  # nothing else has a precision
        items = value if isinstance(value, tuple | list) else [value]
        asked = max(_dtypes(arguments), key=lambda dtype: dtype.kind == "f")
        wanted = asked if asked.kind == "f" else np.float64
        for dtype in (np.asarray(item).dtype for item in items):
            if dtype != wanted:
                return Counterexample((f"asked in {asked}, your {self.function} gives {dtype}",))
        return None


@dataclass(frozen=True)
class Gradient(Law):
    """The gradient agrees with what nudging the first argument does to the student's own value."""

    of: str
    wrt: str

    @property
    def says(self) -> str:
        return f"{self.function} is the slope of your own {self.of} when {self.wrt} is nudged."

    def broken_by(self, student: Student, arguments: tuple) -> Counterexample | None:
        if arguments[0].dtype != float:
            return None
        slopes = _slopes(student, self.of, arguments)
        if not np.all(np.isfinite(slopes)):
            return None
        gradient = student(self.function, *arguments)
        if _close(gradient, slopes, rtol=1e-5):
            return None
        return Counterexample(
            (
                f"your {self.function} gives {_beside(gradient, slopes)}",
                f"nudging {self.wrt} moves your {self.of} at the rate {show(slopes)}",
            ),
            *self._curves(student, arguments, gradient, slopes),
        )

    def _curves(
        self, student: Student, arguments: tuple, gradient: Any, slopes: np.ndarray
    ) -> tuple[dict[str, tuple[np.ndarray, np.ndarray]], str]:
        """Both curves while the entry that disagrees most moves three units each way."""
        if np.shape(gradient) != slopes.shape or not np.all(np.isfinite(arguments[0])):
            return {}, ""
        worst = np.unravel_index(np.argmax(np.abs(gradient - slopes)), slopes.shape)
        sweep, moved = _swept(arguments, worst)
        mine = [numbers(student(self.function, *there))[worst] for there in moved]
        nudged = [_slopes(student, self.of, there)[worst] for there in moved]
        curves = {
            f"your {self.function}": (sweep, np.array(mine)),
            f"slope of your {self.of}": (sweep, np.array(nudged)),
        }
        return curves, f"{self.wrt}[{', '.join(str(int(i)) for i in worst)}]"


@dataclass(frozen=True)
class Supports(Law):
    """Lines whose slopes are the ends of the interval support the student's own convex loss.

    The loss works entry by entry; the slopes are those in its first argument.
    """

    of: str

    @property
    def says(self) -> str:
        return f"Lines with the slopes of {self.function} touch your own {self.of} from below."

    def broken_by(self, student: Student, arguments: tuple) -> Counterexample | None:
        at, rest = arguments[0], arguments[1:]
        ends, touched = (numbers(student(f, *arguments)) for f in (self.function, self.of))
        if ends.size != 2 * at.size or touched.shape != at.shape:
            return Counterexample(
                (f"your {self.function} gives {show(ends)}", f"your {self.of} {show(touched)}")
            )
        for slope in ends.reshape(2, *at.shape):
            for way in (-2.0, 2.0):
                line, there = touched + way * slope, numbers(student(self.of, at + way, *rest))
                above = line > there + 1e-7
                if np.any(above):
                    i = np.unravel_index(np.argmax(above), at.shape)
                    start = f"({show(at[i])}, {show(touched[i])})"
                    end = show(at[i] + way)
                    sweep, moved = _swept(arguments, i)
                    loss = [numbers(student(self.of, *there))[i] for there in moved]
                    straight = touched[i] + slope[i] * (sweep - at[i])
                    return Counterexample(
                        (
                            f"a line of slope {show(slope[i])} through {start} "
                            f"leads to ({end}, {show(line[i])})",
                            f"your {self.of} at {end} is {show(there[i])}, below the line",
                        ),
                        {
                            f"your {self.of}": (sweep, np.array(loss)),
                            f"a line of your {self.function}": (sweep, straight),
                        },
                        "one entry",
                        "The line should nowhere be above the curve",
                    )
        return None


@dataclass(frozen=True)
class Invariant(Law):
    """A change of the inputs that must not change the answer."""

    under: str

    @property
    def says(self) -> str:
        return f"{CHANGES[self.under][0]} does not change {self.function}."

    def broken_by(self, student: Student, arguments: tuple) -> Counterexample | None:
        changed = CHANGES[self.under][1](*arguments)
        before, after = student(self.function, *arguments), student(self.function, *changed)
        if _close(after, before):
            return None
        return Counterexample(
            (
                f"your {self.function} gives {show(before)}",
                f"with {student.describe(self.function, changed)}",
                f"it gives {show(after)}",
            )
        )


@dataclass(frozen=True)
class Odd(Law):
    """Turning the sign of the first argument turns the sign of the answer."""

    @property
    def says(self) -> str:
        return f"Turning the sign of the residual turns the sign of {self.function}."

    def broken_by(self, student: Student, arguments: tuple) -> Counterexample | None:
        there = student(self.function, *arguments)
        back = student(self.function, -arguments[0], *arguments[1:])
        if _close(back, -numbers(there)):
            return None
        return Counterexample(
            (f"your {self.function} gives {show(there)}", f"with the other sign {show(back)}")
        )


@dataclass(frozen=True)
class Limit(Law):
    """With its last argument far out, the function is a multiple of another one."""

    dial: str
    at: float
    equals: str
    times: float

    @property
    def says(self) -> str:
        return (
            f"With {self.dial} = {self.at:g}, {self.function} is {self.times:g} times "
            f"your {self.equals}."
        )

    def counterexample(self, student: Student, cases: list[tuple]) -> Counterexample | None:
        far_out = [(*arguments[:-1], self.at) for arguments in cases]
        return super().counterexample(student, far_out)

    def broken_by(self, student: Student, arguments: tuple) -> Counterexample | None:
        value = numbers(student(self.function, *arguments))
        limit = self.times * numbers(student(self.equals, *arguments[:-1]))
        if _close(value, limit):
            return None
        return Counterexample(
            (
                f"your {self.function} gives {_beside(value, limit)}",
                f"{self.times:g} times your {self.equals} is {show(limit)}",
            ),
            self._curves(student, arguments, value, limit),
            "one entry",
        )

    def _curves(
        self, student: Student, arguments: tuple, value: np.ndarray, limit: np.ndarray
    ) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Both functions while the entry that disagrees most moves, where they have its shape."""
        if not value.shape == limit.shape == np.shape(arguments[0]):
            return {}
        worst = np.unravel_index(np.argmax(np.abs(value - limit)), limit.shape)
        sweep, moved = _swept(arguments, worst)
        mine = [numbers(student(self.function, *there))[worst] for there in moved]
        other = [numbers(student(self.equals, *there[:-1]))[worst] for there in moved]
        return {
            f"your {self.function}": (sweep, np.array(mine)),
            f"{self.times:g} times your {self.equals}": (sweep, self.times * np.array(other)),
        }


@dataclass(frozen=True)
class Accumulates(Law):
    """Batch by batch or all at once: the answer is the same."""

    whole: str

    @property
    def says(self) -> str:
        return f"{self.function} over the pieces is {self.whole} of everything at once."

    def broken_by(self, student: Student, arguments: tuple) -> Counterexample | None:
        (batches,) = arguments
        values = np.concatenate([values.ravel() for values, _ in batches])
        mask = np.concatenate([mask.ravel() for _, mask in batches])
        pieces, together = student(self.function, batches), student(self.whole, values, mask)
        if np.ndim(together) and not _in_pieces(pieces, [values.shape for values, _ in batches]):
            return Counterexample(
                (
                    f"your {self.function} gives {show(pieces)}",
                    "a list is asked for: for each piece, an array with the shape of its values",
                )
            )
        if _close(numbers(pieces), together):
            return None
        return Counterexample(
            (
                f"your {self.function} gives {show(pieces)}",
                f"your {self.whole} of all values together gives {show(together)}",
            )
        )


@dataclass(frozen=True)
class Ladder(Law):
    """A derivation: each step, written differently, gives the numbers of the step before it.

    `function` is the step it starts from; `steps` are the others in order, each with its arguments
    at the same points.
    """

    arguments: tuple
    steps: tuple[tuple[str, tuple], ...]

    @property
    def says(self) -> str:
        return f"From {self.function} to {self.steps[-1][0]}, every step gives the same numbers."

    def counterexample(self, student: Student, cases: list[tuple]) -> Counterexample | None:
        return super().counterexample(student, [self.arguments])

    def broken_by(self, student: Student, arguments: tuple) -> Counterexample | None:
        below, given = self.function, student(self.function, *arguments)
        for step, seen in self.steps:
            value = student(step, *seen)
            if not _close(value, given):
                return Counterexample(
                    (
                        f"{step} is the first false step: it gives {show(value)}",
                        f"at the same points, {below} gives {show(given)}",
                    )
                )
            below, given = step, value
        return None


@dataclass(frozen=True)
class Figure(Law):
    """A figure has a line for each name, and says what its axes and lines are.

    `xlabel` and `ylabel` are words that the labels contain; a line goes `across` in `points`.
    """

    names: tuple[str, ...]
    xlabel: str
    ylabel: str
    across: tuple[float, float]
    points: int

    @property
    def says(self) -> str:
        return (
            f"The figure labels its axes and one line each for {', '.join(self.names)}, "
            f"{self._extent}."
        )

    @property
    def _extent(self) -> str:
        low, high = self.across
        return f"from {low:g} to {high:g} in at least {self.points} steps"

    def broken_by(self, student: Student, arguments: tuple) -> Counterexample | None:
        drawn = _drawing(student, self.function, arguments)
        shown = " ".join(drawn.legend).lower()
        wrong = [sentence for name in self.names for sentence in self._of_lines(drawn, name)]
        wrong += [f"{n} is not in the legend" for n in self.names if n.lower() not in shown]
        for axis, label, word in (
            ("x", drawn.xlabel, self.xlabel),
            ("y", drawn.ylabel, self.ylabel),
        ):
            if word not in label.lower():
                wrong.append(f"the label of the {axis} axis does not contain the word {word}")
        return Counterexample(tuple(wrong)) if wrong else None

    def _of_lines(self, drawn: Drawing, name: str) -> Iterator[str]:
        """What is wrong with the one line of this name."""
        lines = _lines(drawn, name)
        if len(lines) != 1:
            yield f"{len(lines)} lines have a label with the word {name}, one is asked for"
            return
        x, _ = lines[0]
        if x.size < self.points or not np.allclose((np.nanmin(x), np.nanmax(x)), self.across):
            yield f"the line {name} does not go {self._extent}"


@dataclass(frozen=True)
class Line(Law):
    """A line of the figure shows another of the student's functions.

    `dial`: whether that function takes the figure's own arguments, too.
    """

    name: str
    shows: str
    dial: bool

    @property
    def says(self) -> str:
        return f"{self.function} shows your own {self.shows} as the line {self.name}."

    def broken_by(self, student: Student, arguments: tuple) -> Counterexample | None:
        drawn = _drawing(student, self.function, arguments)
        lines = _lines(drawn, self.name)
        if not lines:
            return Counterexample((f"no line labelled {self.name}",))
        x, y = lines[0]
        wanted = numbers(student(self.shows, x, *(arguments if self.dial else ())))
        if wanted.shape != x.shape:
            raise Unanswered("shape", f"{self.shows} should answer entry by entry")
        # At a corner of the loss, at 0, the line may jump or leave a gap.
        gap = (x == 0) | np.isnan(x) | (np.isnan(y) & (np.abs(x) < 0.1))
        off = np.where(gap, 0.0, np.abs(y - wanted))
        if np.allclose(off, 0.0, atol=1e-7):
            return None
        i = np.argmax(off)
        return Counterexample(
            (f"at {show(x[i])} the line is at {show(y[i])}, {self.shows} at {show(wanted[i])}",),
            {f"the line {self.name}": (x, y), f"your {self.shows}": (x, wanted)},
            drawn.xlabel,
        )


def _in_pieces(value: Any, shapes: list[tuple[int, ...]]) -> bool:
    """Whether this is a list of arrays of these shapes."""
    several = isinstance(value, tuple | list)
    return several and [getattr(piece, "shape", None) for piece in value] == shapes


def _drawing(student: Student, function: str, arguments: tuple) -> Drawing:
    drawn = student(function, *arguments)
    if not isinstance(drawn, Drawing):
        raise Unanswered("None", "it returned no figure: return the Figure you draw on")
    return drawn


def _lines(drawn: Drawing, name: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """The points of the lines whose label contains the name."""
    return [(x, y) for label, x, y in drawn.lines if name.lower() in label.lower()]


def _scaled(*arguments: Any) -> tuple:
    return tuple(8 * a if isinstance(a, np.ndarray) else a for a in arguments)


def _enlarged(*arguments: Any) -> tuple:
    return tuple(1e200 * a if isinstance(a, np.ndarray) else a for a in arguments)


def _shifted(*arguments: Any) -> tuple:
    return tuple(a + 16 if isinstance(a, np.ndarray) else a for a in arguments)


def _in_one_row(*arguments: Any) -> tuple:
    return tuple(a.ravel() if isinstance(a, np.ndarray) else a for a in arguments)


def _masked_out(values: np.ndarray, mask: np.ndarray) -> tuple:
    return np.where(mask, values, np.nan), mask


def _padded(values: np.ndarray, mask: np.ndarray) -> tuple:
    column = (*values.shape[:-1], 1)
    return (
        np.concatenate([values, np.full(column, 9.0)], axis=-1),
        np.concatenate([mask, np.zeros(column, bool)], axis=-1),
    )


def _raised(pairs: np.ndarray, *rest: Any) -> tuple:
    return (pairs + 4.0 * np.arange(1, len(pairs) + 1)[:, None], *rest)


def _turned_round(*arguments: Any) -> tuple:
    return tuple(np.flip(a) if isinstance(a, np.ndarray) else a for a in arguments)


def _classes_swapped(logit: np.ndarray, label: np.ndarray) -> tuple:
    return -logit, 1 - label


def _sides_swapped(m1: Any, d1: Any, m2: Any, d2: Any) -> tuple:
    return m2, d2, m1, d1


def _blocks_of_one(logits: np.ndarray, target: np.ndarray, block: int) -> tuple:
    return logits, target, 1


CHANGES: dict[str, tuple[str, Callable[..., tuple]]] = {
    "scaling": ("Multiplying all numbers by 8", _scaled),
    "size": ("Multiplying all numbers by 1e200", _enlarged),
    "shift": ("Adding 16 to all numbers", _shifted),
    "one row": ("Writing a table in one row", _in_one_row),
    "masked values": ("Writing NaN into the masked slots", _masked_out),
    "padding": ("One more column of padding", _padded),
    "order": ("Writing everything in reverse order", _turned_round),
    "classes swapped": ("Turning the sign of z and taking 1 − y for y", _classes_swapped),
    "sides swapped": ("Swapping the two sides", _sides_swapped),
    "blocks": ("Reading in blocks of one", _blocks_of_one),
    "answers alike": ("Adding one number to both answers of a pair", _raised),
}


def _slopes(student: Student, function: str, arguments: tuple) -> np.ndarray:
    """Central differences of a value function along its first argument.

    A value with the shape of the argument is taken entry by entry, a single number as a whole.
    """
    at, rest = arguments[0], arguments[1:]
    step = 1e-5 * np.maximum(1.0, np.abs(np.nan_to_num(at)))

    def value(moved: np.ndarray) -> np.ndarray:
        return numbers(student(function, moved, *rest))

    def rise(nudge: np.ndarray) -> np.ndarray:
        above, below = value(at + nudge), value(at - nudge)
        with np.errstate(invalid="ignore"):  # between two infinities there is no slope, but NaN
            return above - below

    if value(at).shape == at.shape:
        return rise(step) / (2 * step)
    slopes = np.zeros(at.shape)
    for entry in np.ndindex(at.shape):
        nudge = np.zeros(at.shape)
        nudge[entry] = step[entry]
        difference = rise(nudge)
        if difference.shape != ():
            raise Unanswered("shape", f"{function} should give a single number")
        slopes[entry] = difference / (2 * step[entry])
    return slopes


def _swept(arguments: tuple, entry: tuple) -> tuple[np.ndarray, list[tuple]]:
    """One entry of the first argument moves three units each way: its positions, and the cases."""
    at, *rest = arguments
    sweep = at[entry] + np.linspace(-3, 3, 61)
    moved = []
    for position in sweep:
        there = at.copy()
        there[entry] = position
        moved.append((there, *rest))
    return sweep, moved


def _in_single(value: Any) -> Any:
    """The same numbers as float32."""
    if isinstance(value, tuple | list):
        return type(value)(map(_in_single, value))
    floating = isinstance(value, np.ndarray) and value.dtype == float
    return value.astype(np.float32) if floating else value


def _dtypes(value: Any) -> list[np.dtype]:
    """The dtypes of all arrays in the arguments."""
    if isinstance(value, tuple | list):
        return [dtype for item in value for dtype in _dtypes(item)]
    return [value.dtype] if isinstance(value, np.ndarray) else []


def _beside(value: Any, other: Any) -> str:
    """The value, and its form where it cannot be compared with the other for that alone."""
    several = isinstance(other, tuple | list)
    if isinstance(value, tuple | list) == several and (
        several or np.shape(value) == np.shape(other)
    ):
        return show(value)
    asked_for = f"a tuple or list of {len(other)}" if several else _form(other)
    return f"{show(value)} ({_form(value)}, not {asked_for})"


def _form(value: Any) -> str:
    if isinstance(value, tuple | list):
        return f"a {type(value).__name__}"
    return _shaped(np.shape(value))


def _shaped(shape: tuple[int, ...]) -> str:
    return f"an array of shape {shape}" if shape else "a single number"


def _close(value: Any, expected: Any, rtol: float = 1e-7) -> bool:
    if isinstance(expected, tuple | list) and value is not None:
        several = isinstance(value, tuple | list) and len(value) == len(expected)
        return several and all(map(_close, value, expected))
    if isinstance(value, tuple | list):
        return False
    value, expected = numbers(value), numbers(expected)
    if value.shape != expected.shape:
        return False
    largest = np.max(np.abs(expected), where=np.isfinite(expected), initial=0.0)
    return np.allclose(value, expected, rtol=rtol, atol=rtol * largest, equal_nan=True)


def _same(after: Any, before: Any) -> bool:
    if isinstance(before, tuple | list):
        return len(after) == len(before) and all(map(_same, after, before))
    return np.array_equal(after, before, equal_nan=np.asarray(before).dtype.kind == "f")
