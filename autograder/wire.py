"""Plain values and questions as bytes: the one language spoken with a student's process.

A frame is a four-byte length, a line of JSON, and the bytes of the arrays in it, in their order.
Floats travel as hexadecimal text, so that every bit survives. Whatever arrives from a student's
process is a claim: it is matched exactly against what is allowed, and nothing in it is evaluated,
unpickled or looked up by name. Both sides use this file; it imports nothing but numpy.
"""

from __future__ import annotations

import builtins
import re
import socket
import struct
import sys
import time
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass
from json import JSONDecoder, JSONEncoder
from math import inf, isfinite, nan, prod
from typing import Any, ClassVar, NoReturn

from numpy import asarray, dtype, float64, frombuffer, generic, ndarray
from numpy.ma import MaskedArray

# Everything is imported by name and functions keep the built-ins they were made with: a notebook
# that replaces `asarray` or `builtins.abs` does not break its own answers.
globals()["__builtins__"] = dict(vars(builtins))

ANSWER_BYTES = 2_000_000  # largest question and largest answer
RUN_BYTES = 8_000_000  # largest reply to running a cell, pictures included
CELL_TEXT = 100_000  # characters of output kept per cell
CELL_OUTPUTS = 200  # outputs kept per cell, streams and errors included
CELL_DISPLAYS = 20  # displays kept per cell
PICTURE_BYTES = 1_000_000  # largest picture kept
CELL_PICTURE_BYTES = 4_000_000  # all pictures of a cell together
DEPTH = 12  # how deep lists, tuples and dictionaries may be nested
ITEMS = 100_000  # how many values one message may hold
KEYS = 1_000  # entries of one dictionary: chosen keys could make a large one very slow
TEXT = 100_000  # longest string
DIGITS = 310  # longest integer: every finite float64 fits

# The plain number types; little-endian on the wire whatever the machine.
DTYPES = {
    name: dtype(name).newbyteorder("<")
    for name in (
        *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
        *("float16", "float32", "float64"),
    )
}
NAMES = {plain: name for name, plain in DTYPES.items()}
MAX_DIMENSIONS = 8
MAX_LENGTH = 10_000_000  # of one axis: an array of size zero may still claim an absurd shape

# What a display may hold, and how a picture's bytes begin. HTML is shown to nobody.
PLAIN = "text/plain"
PICTURES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}

HEX_FLOAT = re.compile(r"-?0x[01]\.[0-9a-f]{1,13}p[+-][0-9]{1,4}")
SPECIAL_FLOATS = {"nan": nan, "inf": inf, "-inf": -inf}
TYPE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,79}")


class StudentError(Exception):
    """A question that got no usable answer; `sentence` tells the student why."""

    def __init__(self, sentence: str):
        super().__init__(sentence)
        self.sentence = sentence


class BadReply(Exception):
    """Bytes from a student's process that do not follow the protocol."""


class Unsupported(Exception):
    """A value that has no place on the wire; the text names it ("a generator")."""


@dataclass(frozen=True)
class Line:
    """One line of a plot: `x` and `y` are float64 arrays of one length."""

    x: ndarray
    y: ndarray
    label: str


@dataclass(frozen=True)
class Axes:
    """One panel of a figure; `legend` holds the legend's texts, empty when there is none."""

    lines: tuple[Line, ...]
    title: str
    xlabel: str
    ylabel: str
    xscale: str
    yscale: str
    legend: tuple[str, ...]


@dataclass(frozen=True)
class FigureData:
    """What a matplotlib figure (or a single axes) shows, as data instead of pixels."""

    axes: tuple[Axes, ...]


@dataclass(frozen=True)
class Question:
    """A call to make; `number` says which reply belongs to it."""

    number: int
    function: str
    args: tuple
    kwargs: dict[str, Any]

    @property
    def inputs(self) -> tuple:
        return (*self.args, *self.kwargs.values())


@dataclass(frozen=True)
class Answer:
    """The results of two calls on the same argument objects.

    `inputs_after` holds the positional arguments after both calls, then the keyword arguments in
    the order they were given. `repeat` is `value` itself when the process says that they are equal,
    and `inputs_after` what was sent when it says that nothing changed.
    """

    value: Any
    repeat: Any
    inputs_after: tuple


# ---------------------------------------------------------------------------- values to JSON


def encode(value: Any, depth: int = DEPTH) -> Any:
    """A plain value as data for `dump`. Raises `Unsupported` for anything else."""
    if depth == 0:
        raise Unsupported("something nested too deeply")
    if isinstance(value, generic):
        return {"scalar": _array_fields(asarray(value))}
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return _encode_int(value)
    if isinstance(value, float):
        return {"float": _float_text(value)}
    if isinstance(value, str):
        return _encode_text(value)
    if isinstance(value, list | tuple) and len(value) > ITEMS:
        raise Unsupported(f"{with_article(type(value).__name__)} of more than {ITEMS} items")
    if isinstance(value, list):
        return [encode(item, depth - 1) for item in value]
    if isinstance(value, tuple):
        return {"tuple": [encode(item, depth - 1) for item in value]}
    if isinstance(value, dict):
        if len(value) > KEYS:
            raise Unsupported(f"a dictionary of more than {KEYS} entries")
        return {"dict": [[_encode_key(k), encode(v, depth - 1)] for k, v in value.items()]}
    if isinstance(value, ndarray) and value.flags.fnc:  # stored column by column, and stays so
        return {"transposed": _array_fields(value.T)}
    if isinstance(value, ndarray):
        return {"array": _array_fields(value)}
    if _is_from("torch", "Tensor", value):
        return {"array": _array_fields(_from_torch(value))}
    if _is_from("matplotlib.figure", "Figure", value):
        return {"figure": [_encode_axes(axes) for axes in value.axes]}
    if _is_from("matplotlib.axes", "Axes", value):
        return {"figure": [_encode_axes(value)]}
    raise Unsupported(with_article(type(value).__name__))


def with_article(noun: str) -> str:
    """ "array" -> "an array"."""
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"


def _encode_int(value: int) -> int:
    if abs(value) >= 10**DIGITS:
        raise Unsupported(f"an integer of more than {DIGITS} digits")
    return int(value)


def _float_text(value: float) -> str:
    return float.hex(value) if isfinite(value) else float.__repr__(value)


def _encode_text(value: str) -> str:
    if len(value) > TEXT:
        raise Unsupported(f"a text of more than {TEXT} characters")
    # A lone surrogate is legal in Python but not in UTF-8.
    return value.encode("utf-8", "replace").decode("utf-8")


def _encode_key(key: Any) -> Any:
    if isinstance(key, str | int) and not isinstance(key, bool):
        return encode(key)
    raise Unsupported(f"a dictionary with {with_article(type(key).__name__)} as key")


def _array_fields(array: ndarray) -> list:
    plain = array.dtype.newbyteorder("<")
    if plain not in NAMES:
        raise Unsupported(f"an array of {array.dtype.name}")
    if isinstance(array, MaskedArray):
        raise Unsupported("a masked array")
    if array.ndim > MAX_DIMENSIONS:
        raise Unsupported(f"an array with more than {MAX_DIMENSIONS} dimensions")
    if array.nbytes > ANSWER_BYTES:
        raise Unsupported(f"an array of {array.nbytes} bytes (at most {ANSWER_BYTES} fit)")
    return [NAMES[plain], list(array.shape), array.astype(plain, copy=False).tobytes()]


def _is_from(module: str, name: str, value: Any) -> bool:
    """isinstance against a class of a library that may not be loaded."""
    kind = getattr(sys.modules.get(module), name, None)
    return isinstance(kind, type) and isinstance(value, kind)


def _from_torch(tensor: Any) -> ndarray:
    try:
        return tensor.detach().cpu().resolve_conj().resolve_neg().numpy()
    except (TypeError, RuntimeError) as error:  # bfloat16, sparse, meta, ...
        raise Unsupported(f"a tensor of {tensor.dtype}") from error


def _encode_axes(axes: Any) -> dict:
    legend = axes.get_legend()
    return {
        "lines": [_encode_line(line) for line in axes.get_lines()],
        "title": _encode_text(axes.get_title()),
        "xlabel": _encode_text(axes.get_xlabel()),
        "ylabel": _encode_text(axes.get_ylabel()),
        "xscale": _encode_text(axes.get_xscale()),
        "yscale": _encode_text(axes.get_yscale()),
        "legend": [_encode_text(text.get_text()) for text in legend.get_texts()] if legend else [],
    }


def _encode_line(line: Any) -> list:
    x, y = (
        _array_fields(asarray(data, dtype="float64"))
        for data in (line.get_xdata(orig=False), line.get_ydata(orig=False))
    )
    return [x, y, _encode_text(str(line.get_label()))]


# ---------------------------------------------------------------------------- JSON to values


class Decoder:
    """Rebuilds the values of one message, in the order they were encoded.

    It counts their items, and `raw` holds the bytes of the arrays, each used once: a small message
    must not grow without bound.
    """

    def __init__(self, raw: bytes):
        self.left = ITEMS
        self.raw = memoryview(raw)

    def value(self, data: Any, depth: int = DEPTH) -> Any:
        """The value that `encode` turned into `data`. Raises `BadReply` for anything else."""
        self.left -= 1
        _require(self.left >= 0, "too many values")
        _require(depth > 0, "nested too deeply")
        if data is None or isinstance(data, bool | int):
            return data
        if isinstance(data, str):
            return _text(data)
        if isinstance(data, list):
            return [self.value(item, depth - 1) for item in data]
        _require(isinstance(data, dict) and len(data) == 1, "not a tagged value")
        ((tag, content),) = data.items()
        _require(tag in self.TAGS, "unknown tag")
        return self.TAGS[tag](self, content, depth)

    def float_(self, content: Any, depth: int) -> float:
        text = _text(content)
        if text in SPECIAL_FLOATS:
            return SPECIAL_FLOATS[text]
        _require(HEX_FLOAT.fullmatch(text) is not None, "malformed float")
        try:
            return float.fromhex(text)
        except OverflowError:
            _refuse("float out of range")

    def tuple_(self, content: Any, depth: int) -> tuple:
        return tuple(self.value(item, depth - 1) for item in _list(content))

    def dict_(self, content: Any, depth: int) -> dict:
        pairs = [_list(pair, 2) for pair in _list(content)]
        _require(len(pairs) <= KEYS, "too many keys")
        return {self.key(key, depth): self.value(value, depth - 1) for key, value in pairs}

    def key(self, data: Any, depth: int) -> Any:
        _require(isinstance(data, str | int) and not isinstance(data, bool), "malformed key")
        return self.value(data, depth)

    def array_(self, content: Any, depth: int) -> ndarray:
        return self.array(content)

    def transposed_(self, content: Any, depth: int) -> ndarray:
        return self.array(content).T

    def scalar_(self, content: Any, depth: int) -> Any:
        array = self.array(content)
        _require(array.ndim == 0, "a scalar with a shape")
        return array[()]

    def figure_(self, content: Any, depth: int) -> FigureData:
        return FigureData(tuple(self.axes(axes) for axes in _list(content)))

    TAGS: ClassVar[dict[str, Callable]] = {
        "float": float_,
        "tuple": tuple_,
        "dict": dict_,
        "array": array_,
        "transposed": transposed_,
        "scalar": scalar_,
        "figure": figure_,
    }

    def axes(self, data: Any) -> Axes:
        texts = ("title", "xlabel", "ylabel", "xscale", "yscale")
        _require(isinstance(data, dict) and set(data) == {"lines", "legend", *texts}, "bad axes")
        return Axes(
            lines=tuple(self.line(line) for line in _list(data["lines"])),
            legend=tuple(_text(text) for text in _list(data["legend"])),
            **{name: _text(data[name]) for name in texts},
        )

    def line(self, data: Any) -> Line:
        x, y, label = _list(data, 3)
        line = Line(self.array(x), self.array(y), _text(label))
        _require(line.x.ndim == line.y.ndim == 1, "a line that is not a vector")
        _require(line.x.dtype == line.y.dtype == float64, "a line that is not float64")
        _require(line.x.size == line.y.size, "a line whose x and y differ in length")
        return line

    def array(self, data: Any) -> ndarray:
        name, shape, length = _list(data, 3)
        _require(isinstance(name, str) and name in DTYPES, "unknown dtype")
        shape = _list(shape)
        _require(len(shape) <= MAX_DIMENSIONS, "too many dimensions")
        _require(all(type(n) is int and 0 <= n <= MAX_LENGTH for n in shape), "malformed shape")
        # An empty array has no bytes, and yet a shape that numpy cannot count.
        _require(prod(max(n, 1) for n in shape) <= MAX_LENGTH, "an absurd shape")
        # The length is checked before numpy sees the bytes, so a claimed shape allocates nothing.
        plain = DTYPES[name]
        fits = type(length) is int and prod(shape) * plain.itemsize == length <= len(self.raw)
        _require(fits, "array bytes do not fit the shape")
        raw, self.raw = self.raw[:length], self.raw[length:]
        array = frombuffer(raw, plain)
        if name == "bool":
            _require(not (array.view("u1") > 1).any(), "a truth value that is neither 0 nor 1")
        return array.astype(plain.newbyteorder("=")).reshape(shape)

    def finish(self) -> None:
        """No bytes may be left over."""
        _require(not self.raw, "bytes that belong to no array")


def _require(condition: bool, problem: str) -> None:
    if not condition:
        _refuse(problem)


def _refuse(problem: str) -> NoReturn:
    raise BadReply(problem)


def _text(data: Any) -> str:
    _require(isinstance(data, str) and len(data) <= TEXT, "not a short text")
    return data


def _list(data: Any, length: int | None = None) -> list:
    _require(isinstance(data, list) and len(data) <= ITEMS, "not a list")
    _require(length is None or len(data) == length, "a list of the wrong length")
    return data


# ---------------------------------------------------------------------------- messages


def dump(message: dict) -> bytes:
    """A message as the payload of a frame."""
    arrays: list[bytes] = []

    def set_aside(raw: bytes) -> int:
        arrays.append(raw)
        return len(raw)

    encoder = JSONEncoder(allow_nan=False, separators=(",", ":"), default=set_aside)
    return b"".join([encoder.encode(message).encode("utf-8"), b"\n", *arrays])


def load(payload: bytes) -> tuple[dict, Decoder]:
    """The message in a frame, and what rebuilds the values in it.

    Raises `BadReply` unless it is one JSON object of plain JSON.
    """
    line, _, raw = payload.partition(b"\n")
    try:
        message = _DECODER.decode(line.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise BadReply("not JSON") from error
    _require(isinstance(message, dict), "not a message")
    return message, Decoder(raw)


def _parse_int(text: str) -> int:
    _require(len(text) <= DIGITS + 1, "an integer with too many digits")
    return int(text)


# Floats are sent as hexadecimal text: one in plain JSON is none of ours.
_DECODER = JSONDecoder(parse_constant=_refuse, parse_float=_refuse, parse_int=_parse_int)


def encode_question(question: Question) -> bytes:
    """Ask for a call.

    Raises ValueError when an argument has no place on the wire: a mistake in a check.
    """
    function = question.function
    try:
        args, kwargs = encode(question.args), encode(question.kwargs)
    except Unsupported as error:
        raise ValueError(f"{function}: {error} cannot be sent as an argument") from error
    payload = dump({"n": question.number, "ask": function, "args": args, "kwargs": kwargs})
    if len(payload) > ANSWER_BYTES:
        raise ValueError(
            f"{function}: the arguments take {len(payload)} bytes, at most {ANSWER_BYTES} fit"
        )
    return payload


def decode_question(payload: bytes) -> Question:
    """Read a question, with arguments that nobody else holds."""
    message, values = load(payload)
    args, kwargs = values.value(message["args"]), values.value(message["kwargs"])
    return Question(message["n"], message["ask"], args, kwargs)


def decode_answer(payload: bytes, question: Question) -> Answer:
    """Read the reply to a question.

    Raises `StudentError` when it says why there is no answer, `BadReply` when it is malformed.
    """
    message, values = load(payload)
    _require(_is_number(message.pop("n", None), question.number), "not the reply to this question")
    if "answer" not in message:
        raise StudentError(_sentence(message, question.function))
    _require(message.keys() <= {"answer", "repeat", "inputs"}, "not an answer")
    value = values.value(message["answer"])
    # What is left out is claimed to be the same, and all that a process says is a claim.
    repeat = values.value(message["repeat"]) if "repeat" in message else value
    inputs = values.value(message["inputs"]) if "inputs" in message else question.inputs
    _require(isinstance(inputs, tuple), "inputs are not a tuple")
    values.finish()
    return Answer(value, repeat, inputs)


def _sentence(message: dict, function: str) -> str:
    """Why a question has no answer."""
    _require(len(message) == 1, "not a reply")
    ((reason, content),) = message.items()
    _require(reason in SENTENCES, "unknown kind of reply")
    parts = [plain_text(_text(part)) for part in _list(content)]
    try:
        return SENTENCES[reason].format(*parts, function=function)
    except IndexError:
        _refuse("a reason with a part missing")


def _is_number(data: Any, number: int) -> bool:
    return type(data) is int and data == number  # True equals 1


# Why a question has no answer, by the key its reply carries.
SENTENCES = {
    "missing": "{function} is not defined: run its cell, or check its name",
    "not_callable": "{function} is {0}, not a function",
    "raised": "{function} raised {0}: {1}",
    "raised_silently": "{function} raised {0}",
    "unsupported": "{function} returned {0}; "
    "return numbers, arrays, texts, or lists, tuples and dictionaries of them",
    "arguments": "{function} put {0} into its arguments; leave them unchanged",
    "too_large": "{function} returned more than {0} bytes",
}


def plain_text(text: str, limit: int = 300) -> str:
    """One printable line of at most `limit` characters, whatever a student's process sent."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


# ---------------------------------------------------------------------------- cells


def cell(number: int, source: str) -> bytes:
    """Ask to run a cell."""
    return dump({"n": number, "run": source})


def decode_run(payload: bytes, number: int) -> tuple[list[dict], bool]:
    """The outputs of a cell in notebook format and whether it ended without an error.

    Each output is rebuilt from its allowed fields. Raises `BadReply` when the reply is malformed
    or larger than a cell's outputs may be.
    """
    message, values = load(payload)
    values.finish()
    _require(set(message) == {"n", "outputs", "ok"}, "not the outputs of a cell")
    _require(_is_number(message["n"], number), "not the reply to this cell")
    _require(isinstance(message["ok"], bool), "neither success nor failure")
    _require(len(_list(message["outputs"])) <= CELL_OUTPUTS, "too many outputs")
    outputs = [_output(item) for item in message["outputs"]]
    size = sum(len(text) for output in outputs for text in _texts_of(output))
    _require(size <= 2 * CELL_TEXT, "too much text")
    return outputs, message["ok"]


def _output(item: Any) -> dict:
    _require(isinstance(item, dict), "not an output")
    kind = item.get("output_type")
    if kind == "stream":
        _require(item.get("name") in ("stdout", "stderr"), "unknown stream")
        return {"output_type": kind, "name": item["name"], "text": _some_text(item.get("text"))}
    if kind == "error":
        # The name becomes part of sentences in the table and in the notes.
        fields = {
            "ename": plain_text(_some_text(item.get("ename")), 80),
            "evalue": _some_text(item.get("evalue")),
        }
        traceback = [_some_text(part) for part in _list(item.get("traceback"))]
        return {"output_type": kind, **fields, "traceback": traceback}
    _require(kind in ("display_data", "execute_result"), "unknown kind of output")
    output = {"output_type": kind, "data": _bundle(item.get("data")), "metadata": {}}
    if kind == "execute_result":
        count = item.get("execution_count")
        _require(type(count) is int and 0 <= count < 1_000_000, "malformed execution count")
        output["execution_count"] = count
    return output


def _some_text(data: Any) -> str:
    """A text of a cell's output: the whole cell's share, and the note that it was cut."""
    _require(isinstance(data, str) and len(data) <= 2 * CELL_TEXT, "not a text of a cell")
    return data


def _bundle(data: Any) -> dict[str, str]:
    _require(isinstance(data, dict), "not a display")
    text = {PLAIN: _some_text(data[PLAIN])} if PLAIN in data else {}
    return text | {kind: data[kind] for kind in PICTURES if _is_picture(kind, data.get(kind))}


def _is_picture(kind: str, data: Any) -> bool:
    if not isinstance(data, str) or len(data) > 2 * PICTURE_BYTES:
        return False
    try:
        raw = b64decode(data.encode("ascii"), validate=True)
    except ValueError:
        return False
    return len(raw) <= PICTURE_BYTES and raw.startswith(PICTURES[kind])


def _texts_of(output: dict) -> list[str]:
    texts = [output[name] for name in ("text", "ename", "evalue") if name in output]
    texts += output.get("traceback", [])
    return [*texts, output.get("data", {}).get(PLAIN, "")]


# ---------------------------------------------------------------------------- frames

HEADER = struct.Struct(">I")


def send_frame(channel: socket.socket, payload: bytes, deadline: float | None = None) -> None:
    """Send one frame; `deadline` is a `time.monotonic` moment. Raises TimeoutError, OSError."""
    left = memoryview(HEADER.pack(len(payload)) + payload)
    while left:
        channel.settimeout(_remaining(deadline))
        left = left[channel.send(left) :]


def receive_frame(channel: socket.socket, limit: int, deadline: float | None = None) -> bytes:
    """Read one frame of at most `limit` bytes.

    Raises TimeoutError at the deadline, EOFError when the other side is gone, `BadReply` when the
    frame announces more than `limit`.
    """
    (length,) = HEADER.unpack(_receive_exactly(channel, HEADER.size, deadline))
    _require(length <= limit, f"a frame of {length} bytes")
    return _receive_exactly(channel, length, deadline)


def _receive_exactly(channel: socket.socket, count: int, deadline: float | None) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        channel.settimeout(_remaining(deadline))
        part = channel.recv(min(count - len(parts), 1 << 18))
        if not part:
            raise EOFError("the other side closed the channel")
        parts += part
    return bytes(parts)


def _remaining(deadline: float | None) -> float | None:
    if deadline is None:
        return None
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("deadline passed")
    return left
