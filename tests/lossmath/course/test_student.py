"""Calling a student's functions, and recognising their answers."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from lossmath.course.fingerprint import fingerprint
from lossmath.course.student import NotWritten, Student, Unanswered, numbers, show

X = np.array([0.1, 0.2, 0.7])


def test_a_call_cannot_touch_the_inputs():
    def f(x):
        x[:] = 0
        return x.sum()

    x = X.copy()
    value, (after,) = Student({"f": f}).answer("f", (x,))
    assert value == 0 and not after.any() and x.tolist() == X.tolist()


@pytest.mark.parametrize(
    ("namespace", "kind", "sentence"),
    [
        ({}, "NameError", "f is not defined yet"),
        ({"f": 3}, "NameError", "f is not defined yet"),
    ],
)
def test_a_missing_function(namespace, kind, sentence):
    with pytest.raises(NotWritten, match=sentence) as error:
        Student(namespace)("f", X)
    assert error.value.kind == kind


def test_the_stub_and_an_error():
    def stub(x):
        raise NotImplementedError

    with pytest.raises(NotWritten, match="f is not written yet"):
        Student({"f": stub})("f", X)
    with pytest.raises(Unanswered, match="f raised ZeroDivisionError: division by zero"):
        Student({"f": lambda x: 1 / 0})("f", X)


def test_a_name_that_a_later_cell_defines():
    with pytest.raises(Unanswered, match="'pull' is not defined; what a function uses must stand"):
        Student({"f": lambda x: pull(x)})("f", X)  # noqa: F821


def test_an_error_without_words():
    def f(x):
        raise AssertionError

    with pytest.raises(Unanswered) as error:
        Student({"f": f})("f", X)
    assert str(error.value) == "f raised AssertionError"


def test_only_the_figures_of_the_call_are_closed():
    before = plt.figure()
    Student({"f": lambda x: plt.figure().number})("f", X)
    assert plt.get_fignums() == [before.number]
    plt.close(before)


def test_tensors_become_arrays():
    value = Student({"f": lambda x: [torch.tensor(x, requires_grad=True)]})("f", X)
    assert isinstance(value[0], np.ndarray)


@pytest.mark.parametrize("value", [None, True, "1", np.array([True]), {"a": 1}, 1j, np.ma.masked])
def test_what_is_no_number(value):
    with pytest.raises(Unanswered):
        numbers(value)


def test_arguments_carry_the_students_own_names():
    student = Student({"f": lambda truth, k: 0})
    assert student.describe("f", (np.array([1.0, 2.5]), 3)) == "truth = [1. , 2.5], k = 3"


def test_long_arrays_are_shown_short():
    assert len(show(np.arange(1000.0))) < 60
    assert "\n" not in show(np.ones((20, 20)))


@pytest.mark.parametrize("one", [1, np.int64(1), np.float64(1), np.float32(1)])
def test_a_number_is_shown_without_its_type(one):
    assert show(one) == "1"


def same(f, g, cases=((X,),)):
    cases = list(cases)
    return fingerprint(Student({"f": f}), "f", cases) == fingerprint(Student({"f": g}), "f", cases)


def test_a_fingerprint_does_not_see_how_a_number_was_computed():
    assert same(lambda x: (x[0] + x[1]) + x[2], lambda x: x[2] + (x[1] + x[0]))
    assert same(lambda x: float(x.sum()), lambda x: np.asarray(x.sum()))
    assert same(lambda x: x - x, lambda x: -(x - x))
    assert same(lambda x: x * 2, lambda x: torch.tensor(x * 2))


@pytest.mark.parametrize(
    ("f", "g"),
    [
        (lambda x: x.sum(), lambda x: x.sum() + 1e-8),
        (lambda x: x, lambda x: x.astype("f4")),
        (lambda x: x, lambda x: x[None]),
        (lambda x: x.sum(), lambda x: 1 / 0),
        (lambda x: 0.0, lambda x: x.fill(0) or 0.0),
        (lambda x: np.nan, lambda x: 0.0),
    ],
)
def test_a_fingerprint_sees_what_matters(f, g):
    assert not same(f, g)
