"""The tests themselves are tested: no fault put into a formula goes unnoticed."""

import mutate
import pytest
import test_reduction

import lossmath
from lossmath.check import reductions_match_autograd

# Faults that change nothing, and why.
HARMLESS = {
    "MeanAbsolutePercentageError.variables: -(target)",  # only the size of the target is used
    "ZeroOne.df: (xp.where(xp.isnan(m), m, 0.0)) * 1.001",  # zero however often
    "ZeroOne.df: -(xp.where(xp.isnan(m), m, 0.0))",
    "StudentTNLL._width: -(self.scale * sqrt(self.degrees))",  # only even in the width
    "Distillation._compared: (alike) * 1.001",  # a condition stays what it is
    # Width and height change their sign together, which their product does not notice.
    "BoxPair._sides: -(xp.clip(first_end - last_start, min=0))",
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("cls", lossmath.catalogue(), ids=lambda cls: cls.name)
def test_every_fault_in_a_loss_is_noticed(cls):
    assert set(mutate.survivors(cls, [cls])) <= HARMLESS


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("base", "losses"), mutate.families().items())
def test_every_fault_in_a_family_is_noticed(base, losses):
    assert set(mutate.survivors(base, losses)) <= HARMLESS


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_every_fault_in_a_primitive_is_noticed():
    assert mutate.surviving_primitives() == []


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_every_fault_in_a_reduction_is_noticed():
    assert mutate.surviving_reductions([test_reduction.check_all_averages, check_gradients]) == []


def check_gradients():
    reductions_match_autograd(lossmath.SquaredError())


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
