"""The codec: every bit survives, and nothing but plain values ever comes out."""

import base64
import json
import math
import random
import socket
import threading
import time

import numpy
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autograder import wire
from autograder.kernel import LocalAsk
from autograder.wire import BadReply, StudentError

MSE = wire.Question(7, "mse", (0.5,), {})


def through(value):
    """There and back again, as bytes."""
    message, values = wire.load(wire.dump({"v": wire.encode(value)}))
    back = values.value(message["v"])
    values.finish()
    return back


def same(a, b):
    """Equal in type, dtype, shape and every bit (NaN equals itself, 0.0 is not -0.0)."""
    if isinstance(a, numpy.ndarray | numpy.generic):
        return (
            type(a) is type(b)
            and a.dtype == b.dtype
            and a.shape == b.shape
            and (a.tobytes() == b.tobytes())
        )
    if isinstance(a, float):
        return type(b) is float and ((math.isnan(a) and math.isnan(b)) or a.hex() == b.hex())
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(map(same, a.values(), b.values()))
    return type(a) is type(b) and a == b


arrays = hnp.arrays(
    st.sampled_from(sorted(wire.DTYPES)), hnp.array_shapes(min_dims=0, min_side=0, max_side=4)
)
leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(10**300), 10**300)
    | st.floats()
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    | arrays
    | arrays.filter(lambda a: a.ndim == 0).map(lambda a: a[()])
)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text("abc", max_size=3) | st.integers(0, 9), inner, max_size=4)
    ),
    max_leaves=10,
)


@given(values)
def test_every_value_survives(value):
    assert same(through(value), value)


def test_float32_in_fortran_order_and_big_endian_arrive_as_the_same_numbers():
    array = numpy.asfortranarray(numpy.arange(6, dtype="f4").reshape(2, 3))
    assert same(through(array), numpy.ascontiguousarray(array))
    assert through(array.astype(">f4")).tolist() == array.tolist()


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 4)])
def test_an_array_stored_column_by_column_stays_so(shape):
    array = numpy.arange(24.0)[: math.prod(shape)].reshape(shape)
    assert through(array).flags.c_contiguous
    assert through(numpy.asfortranarray(array)).flags.fnc


def test_arrays_arrive_writable_and_apart():
    array = numpy.zeros(3)
    copy = through(array)
    copy[0] = 1.0
    assert array[0] == 0.0


def test_a_tensor_becomes_an_array_and_keeps_its_dtype():
    tensor = torch.tensor([1.5, 2.0], dtype=torch.float32, requires_grad=True)
    assert same(through(tensor * 2), numpy.array([3.0, 4.0], dtype="f4"))
    assert through(torch.tensor(2.0)).shape == ()


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (1j, "a complex"),
        (iter([]), "a list_iterator"),
        ({1.5: 2}, "a dictionary with a float as key"),
        (numpy.array([1j]), "an array of complex128"),
        (numpy.array([object()]), "an array of object"),
        (numpy.ma.masked_array([1.0], [True]), "a masked array"),
        (dict.fromkeys(range(1001)), "a dictionary of more than 1000 entries"),
        (10**400, "an integer of more than 310 digits"),
        (torch.zeros(2, dtype=torch.bfloat16), "a tensor of torch.bfloat16"),
        (numpy.zeros(10**6), "an array of 8000000 bytes (at most 2000000 fit)"),
    ],
)
def test_what_does_not_fit_is_named(value, name):
    with pytest.raises(wire.Unsupported, match=name.replace("(", r"\(").replace(")", r"\)")):
        wire.encode([value])


def test_a_list_that_holds_itself_is_refused():
    loop: list = []
    loop.append(loop)
    with pytest.raises(wire.Unsupported, match="nested too deeply"):
        wire.encode(loop)


def packed(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


@pytest.mark.parametrize(
    "data",
    [
        {"array": ["float64", [2], 8]},  # fewer bytes than the shape claims
        {"array": ["float64", [2], 16]},  # more than there are
        {"array": ["float64", [10**6, 10**6], 8]},
        {"array": ["float64", [-1], -8]},
        {"array": ["float64", [True], 8]},
        {"array": ["float64", [1] * 9, 8]},
        {"array": ["float64", [10**18, 0], 0]},
        {"array": ["float64", [0, *[wire.MAX_LENGTH] * 7], 0]},  # more than numpy can count
        {"array": ["object", [1], 8]},
        {"array": ["V8", [1], 8]},
        {"array": ["uint8", [1], True]},
        {"array": ["bool", [1], 1]},
        {"scalar": ["float64", [1], 8]},
        [{"array": ["float64", [1], 8]}] * 2,  # the same bytes twice
        {"float": "1.5"},
        {"float": "0x1.8p+99999"},
        {"float": "0x1.8p+2000"},
        {"float": " 0x1.8p+0"},
        {"float": "NaN"},
        {"float": 1},
        {"dict": [[[1], 2]]},
        {"dict": [[True, 2]]},
        {"dict": [[1, 2, 3]]},
        {"dict": [[n * (2**61 - 1), 0] for n in range(wire.KEYS + 1)]},  # all hash to zero
        {"tuple": 3},
        {"figure": [{"lines": []}]},
        {"pickle": "x"},
        {"value": 1},
        {"float": "nan", "tuple": []},
        {},
        [[[[[[[[[[[[[1]]]]]]]]]]]]],
        [0] * (wire.ITEMS + 1),
        "x" * (wire.TEXT + 1),
    ],
)
def test_what_encode_never_makes_is_refused(data):
    with pytest.raises(BadReply):
        wire.Decoder(b"\x02" * 8).value(data)


@pytest.mark.parametrize("number", [0, 2, True, "1", None])
def test_a_reply_to_something_else_is_refused(number):
    """The first question, and the first cell, are number 1."""
    with pytest.raises(BadReply, match="not the reply"):
        question = wire.Question(1, "mse", (), {})
        wire.decode_answer(wire.dump({"n": number, "answer": 1}), question)
    with pytest.raises(BadReply, match="not the reply"):
        wire.decode_run(wire.dump({"n": number, "outputs": [], "ok": True}), 1)


@pytest.mark.parametrize(
    "reply",
    [
        {},
        {"repeat": 1},
        {"answer": 1, "inputs": [1]},
        {"answer": 1, "score": 10},
        {"raised": ["ValueError"]},
        {"raised": ["ValueError", ""], "missing": []},
        {"solved": []},
    ],
)
def test_a_reply_of_another_form_is_refused(reply):
    with pytest.raises(BadReply):
        wire.decode_answer(wire.dump({"n": 7} | reply), MSE)


def test_bytes_that_belong_to_no_array_are_refused():
    answer, run = {"n": 7, "answer": 1}, {"n": 7, "outputs": [], "ok": True}
    with pytest.raises(BadReply, match="bytes that belong to no array"):
        wire.decode_answer(wire.dump(answer) + b"x", MSE)
    with pytest.raises(BadReply, match="bytes that belong to no array"):
        wire.decode_run(wire.dump(run) + b"x", 7)


@pytest.mark.parametrize(
    "text",
    [
        b"1.5",
        b'{"n": 1.5}',
        b'{"n": NaN}',
        b'{"n": -Infinity}',
        b'{"n": ' + b"9" * 400 + b"}",
        b"[" * 100_000,
        b'{"n": 1',
        b"\xff\xfe{}",
        b"[]",
        b"",
    ],
)
def test_only_plain_json_objects_are_read(text):
    with pytest.raises(BadReply):
        wire.load(text)


# ------------------------------------------------------------------ mutated replies


def a_reply() -> dict:
    value = (numpy.arange(3.0), [1, 2.5, None], {"a": True, 3: "text"}, numpy.float32(1))
    inputs = wire.encode((numpy.zeros((2, 2)),))
    repeat = wire.encode(float("nan"))
    return {"n": 7, "answer": wire.encode(value), "repeat": repeat, "inputs": inputs}


plain_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["", "nan", "float64", "0x1.0p+0", "answer", "raised"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [*"nab", "array", "transposed", "tuple", "dict", "float", "scalar", "figure"]
            ),
            inner,
            max_size=2,
        )
    ),
    max_leaves=6,
)


def places(node, path=()):
    """Paths to every node of a JSON tree."""
    yield path
    if isinstance(node, dict | list):
        keys = node if isinstance(node, dict) else range(len(node))
        for key in keys:
            yield from places(node[key], (*path, key))


def replaced(node, path, new):
    if not path:
        return new
    copy = dict(node) if isinstance(node, dict) else list(node)
    copy[path[0]] = replaced(node[path[0]], path[1:], new)
    return copy


def is_plain(value) -> bool:
    if isinstance(value, list | tuple):
        return all(map(is_plain, value))
    if isinstance(value, dict):
        return all(map(is_plain, value.values()))
    if isinstance(value, numpy.ndarray | numpy.generic):
        return value.dtype.name in wire.DTYPES
    return value is None or type(value) in (bool, int, float, str, wire.FigureData)


def assert_harmless(payload: bytes) -> None:
    """A reply is an answer of plain values, a sentence, or refused; it raises nothing else."""
    try:
        answer = wire.decode_answer(payload, MSE)
    except BadReply:
        return
    except StudentError as error:
        assert len(error.sentence) < 1000 and error.sentence.isprintable()
        return
    assert is_plain([answer.value, answer.repeat, answer.inputs_after])


@settings(max_examples=400)
@given(st.data())
def test_a_reply_with_one_part_replaced_is_harmless(data):
    reply = a_reply()
    path = data.draw(st.sampled_from(list(places(reply))))
    assert_harmless(wire.dump(replaced(reply, path, data.draw(plain_json))))


@settings(max_examples=400)
@given(st.integers(0, 2**32), st.integers(1, 8))
def test_a_reply_with_bytes_changed_is_harmless(seed, changes):
    dice = random.Random(seed)
    payload = bytearray(wire.dump(a_reply()))
    for _ in range(changes):
        where = dice.randrange(len(payload))
        payload[where : where + dice.randrange(3)] = dice.randbytes(dice.randrange(3))
    assert_harmless(bytes(payload))


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_harmless(payload):
    assert_harmless(payload)


@settings(max_examples=300)
@given(st.data())
def test_mutated_outputs_of_a_cell_are_refused_or_stay_in_format(data):
    picture = packed(b"\x89PNG\r\n\x1a\n....")
    outputs = [
        {"output_type": "stream", "name": "stdout", "text": "a"},
        {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["t"]},
        {"output_type": "execute_result", "execution_count": 1, "data": {"text/plain": "1"}},
        {"output_type": "display_data", "data": {"image/png": picture, "text/html": "<b>"}},
    ]
    reply = {"n": 7, "ok": True, "outputs": outputs}
    path = data.draw(st.sampled_from(list(places(reply))))
    payload = json.dumps(replaced(reply, path, data.draw(plain_json))).encode()
    try:
        outputs, ok = wire.decode_run(payload, 7)
    except BadReply:
        return
    assert isinstance(ok, bool)
    for output in outputs:
        data = output.get("data", {})
        assert set(data) <= {"text/plain", "image/png", "image/jpeg"}
        assert all(isinstance(text, str) for text in data.values())


@pytest.mark.parametrize(
    "data",
    [
        {"image/png": packed(b"GIF89a")},
        {"image/png": "no base64!"},
        {"image/png": packed(b"\x89PNG\r\n\x1a\n" + bytes(wire.PICTURE_BYTES))},
        {"image/svg+xml": "<svg/>"},
        {"application/javascript": "alert(1)"},
        {"image/jpeg": ["list"]},
    ],
)
def test_a_display_keeps_only_texts_and_real_small_pictures(data):
    output = {
        "output_type": "display_data",
        "data": {"text/plain": "x"} | data,
        "metadata": {"a": 1},
    }
    payload = json.dumps({"n": 1, "ok": True, "outputs": [output]}).encode()
    assert wire.decode_run(payload, 1) == (
        [{"output_type": "display_data", "data": {"text/plain": "x"}, "metadata": {}}],
        True,
    )


def test_more_text_than_a_cell_may_print_is_refused():
    output = {"output_type": "stream", "name": "stdout", "text": "x" * wire.CELL_TEXT}
    payload = json.dumps({"n": 1, "ok": True, "outputs": [output] * 3}).encode()
    with pytest.raises(BadReply, match="too much text"):
        wire.decode_run(payload, 1)


# ------------------------------------------------------------------ frames


@pytest.fixture
def pair():
    left, right = socket.socketpair()
    with left, right:
        yield left, right


def test_frames_arrive_whole_and_in_order(pair):
    left, right = pair
    big = bytes(1_000_000)
    sender = threading.Thread(target=lambda: [wire.send_frame(left, f) for f in (big, b"", b"x")])
    sender.start()
    assert [wire.receive_frame(right, 2_000_000) for _ in range(3)] == [big, b"", b"x"]
    sender.join()


def test_a_frame_that_announces_too_much_is_refused_before_it_is_read(pair):
    left, right = pair
    left.sendall(b"\xff\xff\xff\xff")
    with pytest.raises(BadReply):
        wire.receive_frame(right, 1000, time.monotonic() + 1)


def test_a_frame_that_never_ends_meets_the_deadline(pair):
    left, right = pair
    left.sendall(b"\x00\x00\x00\x09abc")
    with pytest.raises(TimeoutError):
        wire.receive_frame(right, 1000, time.monotonic() + 0.05)


def test_a_reader_that_does_not_read_meets_the_deadline(pair):
    left, _ = pair
    with pytest.raises(TimeoutError):
        wire.send_frame(left, bytes(10_000_000), time.monotonic() + 0.05)


def test_a_closed_channel_is_the_end(pair):
    left, right = pair
    left.sendall(b"\x00\x00\x00\x09abc")
    left.close()
    with pytest.raises(EOFError):
        wire.receive_frame(right, 1000)


# ------------------------------------------------------------------ questions, in this process


def sentence(namespace, *args):
    with pytest.raises(StudentError) as caught:
        LocalAsk(namespace)("mse", *args)
    return caught.value.sentence


def test_an_answer_holds_both_results_and_the_inputs_after_them():
    def mse(x, *, scale):
        x += 1
        return x.sum() * scale

    x = numpy.zeros(3)
    answer = LocalAsk({"mse": mse})("mse", x, scale=2.0)
    assert (answer.value, answer.repeat) == (6.0, 12.0)
    assert same(answer.inputs_after, (numpy.full(3, 2.0), 2.0))
    assert x.tolist() == [0, 0, 0]


def test_true_and_then_one_are_two_answers():
    results = iter([True, True, 1])
    answer = LocalAsk({"mse": lambda: next(results)})("mse")
    assert (type(answer.value), type(answer.repeat)) == (bool, int)


def test_a_function_right_on_its_first_call_only_is_seen_after_the_warm_up():
    calls: list = []

    def mse(x):
        calls.append(x)
        return 1.0 if len(calls) == 1 else 0.0

    assert LocalAsk({"mse": mse})("mse", 3.0).value == 0.0


def test_a_result_written_over_by_the_second_call_keeps_its_first_value():
    buffer = numpy.zeros(1)

    def mse(x):
        buffer[0] += 1
        return buffer

    answer = LocalAsk({"mse": mse})("mse", 0.0)
    assert (answer.value[0], answer.repeat[0]) == (2.0, 3.0)


def raises(error):
    def mse(*args):
        raise error

    return {"mse": mse}


class Rude(Exception):
    def __str__(self):
        raise SystemExit


@pytest.mark.parametrize(
    ("namespace", "expected"),
    [
        ({}, "mse is not defined: run its cell, or check its name"),
        ({"mse": 3}, "mse is an int, not a function"),
        (
            raises(ZeroDivisionError("division by zero")),
            "mse raised ZeroDivisionError: division by zero",
        ),
        (
            raises(ValueError("two\nlines\x1b[31m {0} {function}")),
            "mse raised ValueError: two lines [31m {0} {function}",
        ),
        (raises(MemoryError()), "mse raised MemoryError"),
        (raises(SystemExit(3)), "mse raised SystemExit: 3"),
        (raises(Rude()), "mse raised Rude"),
        ({"mse": lambda x: (y for y in x)}, "mse returned a generator; return numbers"),
        ({"mse": lambda x: x.append(1j)}, "mse put a complex into its arguments"),
        ({"mse": lambda x: ["x" * 90_000] * 30}, "mse returned more than 2000000 bytes"),
    ],
)
def test_no_answer_comes_with_a_sentence(namespace, expected):
    assert sentence(namespace, [1.0]).startswith(expected)


def test_an_argument_that_cannot_be_sent_is_the_checks_mistake():
    with pytest.raises(ValueError, match="a complex cannot be sent"):
        LocalAsk({"mse": abs})("mse", 1j)


def test_a_figure_arrives_as_its_data():
    from matplotlib import pyplot

    def plot(x):
        figure, axes = pyplot.subplots()
        axes.plot(x, x**2, label="squared")
        axes.set(xlabel="residual", title="MSE", yscale="log")
        axes.legend()
        return figure

    x = numpy.array([1, 2, 3])
    (axes,) = LocalAsk({"plot": plot})("plot", x).value.axes
    assert same(axes.lines[0].x, x.astype(float)) and axes.lines[0].y.tolist() == [1, 4, 9]
    assert (axes.lines[0].label, axes.legend) == ("squared", ("squared",))
    assert (axes.title, axes.xlabel, axes.yscale) == ("MSE", "residual", "log")


def test_every_call_begins_without_a_figure_as_a_cell_does():
    from matplotlib import pyplot

    def plot(x):
        pyplot.plot(x, x)
        return pyplot.gcf()

    plot([5.0])  # the student's own cell
    answer = LocalAsk({"plot": plot})("plot", [1.0])
    for figure in (answer.value, answer.repeat):
        assert [line.x.tolist() for line in figure.axes[0].lines] == [[1.0]]
    assert pyplot.get_fignums() == []
