"""Reductions against NumPy's averages, and the rules for masks, weights and empty selections."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import lossmath
from lossmath import Huber, SquaredError

RNG = np.random.default_rng(3)
PREDICTION, TARGET = RNG.normal(size=(2, 4, 6))
WEIGHTS = RNG.exponential(size=(4, 6))
MASK = RNG.random((4, 6)) < 0.6
SQUARES = (PREDICTION - TARGET) ** 2

EXPECTED = {
    "sum": (lambda v, w, m: np.sum((w * v)[m]), {}),
    "mean": (lambda v, w, m: np.sum((w * v)[m]) / m.sum(), {}),
    "weighted mean": (
        lambda v, w, m: np.average(v[m], weights=w[m]),
        {"reduction": "mean", "denominator": "weight_sum"},
    ),
    "sequence_mean": (
        lambda v, w, m: np.mean([(a * b)[c].mean() for a, b, c in zip(v, w, m, strict=True)]),
        {},
    ),
    "none": (lambda v, w, m: np.where(m, w * v, 0), {}),
}
UNWEIGHTED = ("sum", "mean", "sequence_mean", "none")
AVERAGES = [(name, True) for name in EXPECTED] + [(name, False) for name in UNWEIGHTED]


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(("name", "weighted"), AVERAGES)
def test_reduction_is_the_numpy_average(name, masked, weighted):
    formula, options = EXPECTED[name]
    options = {"reduction": name} | options
    mask, weights = np.ones_like(MASK), np.ones_like(WEIGHTS)
    if masked:
        mask = options["mask"] = MASK
    if weighted:
        weights = options["weights"] = WEIGHTS
    expected = formula(SQUARES, weights, mask)
    np.testing.assert_allclose(SquaredError()(PREDICTION, TARGET, **options), expected, rtol=1e-14)
    np.testing.assert_allclose(lossmath.reduce(SQUARES, **options), expected, rtol=1e-14)


def check_all_averages():
    for name, weighted in AVERAGES:
        for masked in (False, True):
            test_reduction_is_the_numpy_average(name, masked, weighted)


def test_calling_a_loss_takes_the_mean_and_its_methods_do_not():
    loss = SquaredError()
    assert loss(PREDICTION, TARGET) == loss.value(PREDICTION, TARGET, reduction="mean")
    assert loss.value(PREDICTION, TARGET).shape == PREDICTION.shape
    np.testing.assert_array_equal(
        loss.gradient(PREDICTION, TARGET, reduction="mean"),
        loss.gradient(PREDICTION, TARGET) * (1 / PREDICTION.size),
    )
    np.testing.assert_allclose(
        loss.hessian(PREDICTION, TARGET, reduction="mean"), 2 / PREDICTION.size
    )


@given(hnp.arrays(float, st.integers(1, 30), elements=st.floats(-100, 100)), st.integers(1, 29))
def test_sums_of_parts_compose_where_means_do_not(residuals, cut):
    zeros, loss = np.zeros_like(residuals), Huber()
    parts = [slice(None, cut), slice(cut, None)]
    total = sum(loss(residuals[p], zeros[p], reduction="sum") for p in parts)
    np.testing.assert_allclose(total / residuals.size, loss(residuals, zeros), rtol=1e-12)


def test_a_mean_over_nothing_is_zero_with_zero_gradient():
    nothing = np.zeros_like(MASK)
    for reduction in ("sum", "mean", "sequence_mean"):
        how = {"reduction": reduction, "mask": nothing}
        assert Huber()(PREDICTION, TARGET, **how) == 0
        assert np.all(Huber().gradient(PREDICTION, TARGET, **how) == 0)
    assert Huber()([], []) == 0
    assert Huber()(PREDICTION, TARGET, weights=0 * WEIGHTS, denominator="weight_sum") == 0


def test_an_empty_sequence_is_left_out():
    value = SquaredError()(
        [[3.0, 1.0], [5.0, 7.0]],
        np.zeros((2, 2)),
        mask=[[True, True], [False, False]],
        reduction="sequence_mean",
    )
    assert value == 5


def test_whatever_a_mask_hides_is_harmless():
    mask = np.array([True, False, False, False])
    prediction = np.array([1.0, np.nan, np.inf, 3.0])
    target = np.array([2.0, 1.0, np.inf, 0.0])  # the last is outside the domain
    loss = lossmath.MeanAbsolutePercentageError()
    assert loss(prediction, target, mask=mask) == 0.5
    np.testing.assert_array_equal(
        loss.gradient(prediction, target, mask=mask, reduction="mean"), [-0.5, 0, 0, 0]
    )
    tensor = torch.tensor(prediction, requires_grad=True)
    loss(tensor, torch.tensor(target), mask=torch.tensor(mask)).backward()
    assert tensor.grad.tolist() == [-0.5, 0, 0, 0]


def test_half_precision_is_accumulated_in_single():
    many = np.full(5000, 30000, dtype=np.float16)
    mean = lossmath.AbsoluteError()(many, np.zeros_like(many))
    assert mean == 30000
    assert mean.dtype == np.float16


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reduction": "average"}, "reduction='average' must be one of none, sum, mean"),
        ({"denominator": "n"}, "denominator='n' must be one of count, weight_sum"),
        ({"denominator": "weight_sum"}, "needs weights"),
        ({"weights": [1.0]}, r"weights has shape \(1,\) but the values have shape \(2,\)"),
        ({"weights": [1.0, -2.0]}, "weights=-2.0 must be at least 0"),
        ({"mask": [[True, False]]}, r"mask has shape \(1, 2\) but the values have shape \(2,\)"),
        ({"mask": [1, 0]}, "mask has dtype int64 but must be boolean"),
        ({"weights": ["a", "b"]}, "weights has dtype .* but must hold real numbers"),
        ({"ignore_index": -100}, "no class labels"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Huber()([1.0, 2.0], [0.0, 0.0], **options)


def test_sequence_mean_needs_a_sequence():
    with pytest.raises(ValueError, match="at least one axis"):
        Huber()(1.0, 0.0, reduction="sequence_mean")


def test_the_mean_of_integers_is_no_integer():
    assert lossmath.reduce([1, 2]) == lossmath.reduce(np.array([True, False])) + 1 == 1.5
    assert lossmath.reduce(torch.tensor([1, 2])) == 1.5
