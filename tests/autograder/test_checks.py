"""What counts as a right answer, and what the sentence about a wrong one may tell."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.checks import (
    Failure,
    Inconsistent,
    Questions,
    expect,
    expect_dtype,
    expect_promised_change,
    expect_refusal,
    expect_unchanged,
    identical,
    value_like,
)
from autograder.kernel import LocalAsk
from autograder.wire import StudentError


def reference(values, k=1):
    raise AssertionError("only its parameter names are used")


def ask_of(function):
    """Questions to one student function named f(values, k)."""
    return Questions(LocalAsk({"f": function}), SimpleNamespace(f=reference))


def answer(value, values=None):
    """The reply of a function that returns `value`."""
    return ask_of(lambda values: value)("f", np.arange(3.0) if values is None else values)


RIGHT = [
    (2.5, 2.5),
    (np.float64(2.5), 2.5),
    (np.array(2.5), 2.5),
    (np.float32(2.5), 2.5),
    (2, 2.0),
    (2.5 * (1 + 1e-12), 2.5),
    (np.array([1.0, 2.0]), np.array([1.0, 2.0])),
    (np.array([1, 2]), np.array([1.0, 2.0])),
    (np.array([1.0, 2.00001], "f4"), np.array([1.0, 2.0], "f4")),
    (np.array([np.nan, 1.0, np.inf]), np.array([np.nan, 1.0, np.inf])),
    (np.array([0.0, 1e-17]), np.array([0.0, 1e-17])),
    (np.array([1e-150, 1e150]), np.array([0.0, 1e150])),
    ([1.0, np.array([2.0])], (1.0, np.array([2.0]))),
    (np.zeros(0), np.zeros(0)),
]


@pytest.mark.parametrize(("got", "expected"), RIGHT)
def test_right_answers_in_any_plain_form_pass(got, expected):
    expect(answer(got), expected)


WRONG = [
    (None, 2.5, "is None"),
    (True, 1.0, "is True or False"),
    (np.array([True]), np.array([1.0]), "is True or False"),
    ("2.5", 2.5, "is a str"),
    ([2.5], np.array([2.5]), "is a list"),
    ({"a": 1}, 2.5, "is a dict"),
    (np.array([2.5]), 2.5, "has shape (1,), a single number"),
    (2.5, np.array([2.5, 2.5]), "has shape (), shape (2,)"),
    (np.ones((2, 1)), np.ones((1, 2)), "has shape (2, 1)"),
    (2, 2.5, "whole number where a fraction"),
    (2, 3, "is wrong"),
    (np.nan, 2.5, "not a number"),
    (np.inf, 2.5, "infinite"),
    (-np.inf, np.inf, "infinite with the wrong sign"),
    (2.5, np.nan, "a NaN must not be hidden"),
    (1.0, np.inf, "finite where it cannot be"),
    (-2.5, 2.5, "wrong sign"),
    (5.0, 2.5, "too large by a factor of 2"),
    (1.25, 2.5, "too small by a factor of 2"),
    (250.0, 2.5, "too large by a factor of 100"),
    (7.5, 2.5, "too large by a factor that is the number of entries"),
    (0.0, 2.5, "zero where it is not"),
    (2.5000001, 2.5, "is wrong"),
    (np.array([1.0, 2.1]), np.array([1.0, 2.0]), "wrong in 1 of 2 entries, first at 2"),
    (np.array([1e-8, 1.0]), np.array([0.0, 1.0]), "wrong in 1 of 2"),
    ((1.0,), (1.0, 2.0), "has 1 items, 2"),
    (1.0, (1.0, 2.0), "is a float, a tuple of 2 is"),
    ((1.0, 3.0), (1.0, 2.0), "(item 2) is wrong"),
]


@pytest.mark.parametrize(("got", "expected", "sentence"), WRONG)
def test_a_wrong_answer_is_told_in_which_way(got, expected, sentence):
    with pytest.raises(Failure) as failure:
        expect(answer(got), expected)
    assert sentence in str(failure.value)


def test_single_precision_is_not_enough_where_double_is_asked_for():
    value = np.linspace(0.1, 0.9, 5)
    with pytest.raises(Failure):
        expect(answer(value.astype("f4")), value)


@given(
    st.lists(st.floats(0.1, 10), min_size=1, max_size=6),
    st.floats(-10, 10),
    st.integers(0, 5),
)
def test_no_sentence_shows_an_expected_number(expected, wrong, at):
    """Seven digits of an expected number never appear, whichever way the answer is off."""
    expected = np.array(expected) + 0.001234567
    for got in (
        expected + wrong,
        expected * wrong,
        np.where(np.arange(expected.size) == at, 0, expected),
    ):
        try:
            expect(answer(got, np.arange(float(expected.size))), expected)
        except Failure as failure:
            for number in expected:
                assert f"{number:.5f}"[:-1] not in str(failure)


def test_the_sentence_describes_the_inputs():
    with pytest.raises(Failure) as failure:
        expect(answer(1.0, np.full((2, 3), 1e9, "f4")), 2.0)
    assert "`values` (shape (2, 3), float32, of size about 1e+9)" in str(failure.value)


def test_every_second_table_is_stored_column_by_column():
    ask = ask_of(lambda values: float(values[0][0].flags.c_contiguous))
    batches = [(np.ones((2, 3)), np.ones((2, 3), bool))]
    assert [ask("f", batches).value for _ in range(4)] == [1.0, 0.0, 1.0, 0.0]
    assert batches[0][0].flags.c_contiguous


def test_the_sentence_says_how_a_table_is_stored():
    def writes_through_ravel(values):
        doubled = np.zeros_like(values)
        doubled.ravel()[:] = 2 * values.ravel()
        return doubled

    ask = ask_of(writes_through_ravel)
    table = np.ones((2, 3))
    expect(ask("f", table), 2 * table)
    with pytest.raises(Failure, match=r"shape \(2, 3\), stored column by column\).* zero where"):
        expect(ask("f", table), 2 * table)


@pytest.mark.parametrize(("asked", "described"), [("eager", "'eager'"), (128256, "128256")])
def test_names_and_whole_numbers_are_quoted(asked, described):
    with pytest.raises(Failure) as failure:
        expect(answer(1.0, asked), 2.0)
    assert f"`values` ({described})" in str(failure.value)


def test_a_law_speaks_for_itself():
    with pytest.raises(Failure, match="does not fit its gradient"):
        expect(answer(1.0), 2.0, law="the value does not fit its gradient")


def test_a_function_that_remembers_is_inconsistent():
    calls = []

    def right_at_first(values):
        calls.append(1)
        return 1.0 if len(calls) <= 2 else 2.0  # the warm-up and the first call

    with pytest.raises(Inconsistent, match="remember"):
        ask_of(right_at_first)("f", np.zeros(3))


def test_a_function_that_eats_its_input_is_told_so():
    def f(values):
        values += 1
        return values.sum()

    with pytest.raises(Inconsistent, match="changed its inputs"):
        ask_of(f)("f", np.zeros(3))


def test_an_overwritten_input_is_found_even_if_the_answer_repeats():
    def f(values):
        values[:] = 0
        return 1.0

    with pytest.raises(Failure, match="changes its inputs"):
        expect_unchanged(ask_of(f)("f", np.ones(3)))
    expect_unchanged(ask_of(lambda values: values.copy())("f", np.array([np.nan, 1.0])))


def test_precision():
    reply = answer(np.zeros(2, "f4"))
    expect_dtype(reply, "float32")
    with pytest.raises(Failure, match="float64 is asked for"):
        expect_dtype(reply, "float64")
    pieces = answer([np.zeros(2, "f4"), np.zeros(3)])
    with pytest.raises(Failure, match=r"\(item 2\) has dtype float64, float32 is asked for"):
        expect_dtype(pieces, "float32")


def test_refusals():
    def f(values):
        raise ValueError("no")

    def g(values):
        raise TypeError("no")

    why = "k is negative"
    expect_refusal(ask_of(f), "f", np.zeros(1), error="ValueError", why=why)
    with pytest.raises(StudentError, match="TypeError"):
        expect_refusal(ask_of(g), "f", np.zeros(1), error="ValueError", why=why)
    with pytest.raises(Failure, match="although k is negative"):
        expect_refusal(ask_of(lambda values: 1), "f", np.zeros(1), error="ValueError", why=why)


def test_questions_are_kept_as_they_were_asked():
    ask = ask_of(lambda values: values.sum())
    values = np.ones(3)
    ask("f", values)
    values[:] = 7
    (asked,) = ask.asked
    assert asked.arguments[0].tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        (1.0, 1.0, True),
        (1.0, 1, False),
        (float("nan"), float("nan"), True),
        (np.ones(2), np.ones(2), True),
        (np.ones(2), np.ones(2, "f4"), False),
        (np.ones(2), [1.0, 1.0], False),
        ([np.ones(2), {"a": 1.0}], [np.ones(2), {"a": 1.0}], True),
        ([np.ones(2)], [np.ones(2), 1], False),
        ({"a": 1.0}, {"a": 2.0}, False),
        ("a", "a", True),
        (None, 0, False),
    ],
)
def test_identical(a, b, same):
    assert identical(a, b) is same


def test_a_value_for_a_law_has_its_form_and_any_number():
    table = value_like(answer(np.array([[1, 2]])), np.zeros((1, 2)))
    np.testing.assert_array_equal(table, [[1, 2]])
    assert value_like(answer((2, np.nan)), (0.0, 0.0))[0] == 2


@pytest.mark.parametrize("form", [0.0, np.zeros(3), (0.0, 0.0)], ids=str)
@pytest.mark.parametrize("got", [None, "text", np.zeros((2, 2)), [1.0], True], ids=str)
def test_a_value_of_another_form_cannot_enter_a_law(got, form):
    with pytest.raises(Failure, match="the answer of f"):
        value_like(answer(got), form)


@pytest.mark.parametrize(("factor", "kept"), [(2.0, True), (2.002, False), (-2.0, False)])
def test_a_gradient_promises_how_its_own_value_changes(factor, kept):
    student = {"f": lambda x, k: k * np.sum(x**2), "df": lambda x, k: factor * k * x}
    ask = Questions(LocalAsk(student), SimpleNamespace(f=reference, df=reference))
    step = 1e-4 * np.arange(1.0, 4.0)
    promise = "f", "df", step, np.array([1.0, -0.5, 2.0]), 3.0
    if kept:
        expect_promised_change(ask, *promise)
    else:
        with pytest.raises(Failure, match="your f does not change as your df promises"):
            expect_promised_change(ask, *promise)
