"""The tests themselves are tested: no fault put into a formula goes unnoticed."""

import mutate
import pytest

import lossmath

# Faults that change nothing, and why.
HARMLESS = {
    "MeanAbsolutePercentageError.variables: -(target)",  # only the size of the target is used
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("cls", lossmath.catalogue(), ids=lambda cls: cls.name)
def test_every_fault_in_a_loss_is_noticed(cls):
    assert set(mutate.survivors(cls)) <= HARMLESS


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_every_fault_in_a_primitive_is_noticed():
    assert mutate.surviving_primitives() == []


def test_a_fault_is_really_put_in():
    def double(x):
        return 2 * x

    changed = {what: mutant(3.0) for what, mutant in mutate.mutants(double)}
    assert changed == {
        "(2 * x) * 1.001": 6.0 * 1.001,
        "-(2 * x)": -6.0,
        "2 * x -> 2": 2,
        "2 * x -> x": 3.0,
    }
