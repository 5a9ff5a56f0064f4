"""Inputs that break a direct transcription of the formulas, one test each, and the right answer."""

import math
import warnings

import numpy as np
import pytest
import torch
from toys import LogProbability

import lossmath
from lossmath import Huber, LogCosh, MeanSquaredLogError, Quantile, RootMeanSquaredError
from lossmath.arrays import logsumexp, xlogy

CASES = {}


def nasty(row):
    """Register a function as the test of a row."""
    return lambda function: CASES.setdefault(row, function)


def refuses(message, call, *args, **kwargs):
    with pytest.raises(ValueError, match=message):
        call(*args, **kwargs)


def exactly(result, expected, dtype=np.float64):
    assert result.dtype == dtype
    np.testing.assert_allclose(result, expected, rtol=2 * np.finfo(dtype).eps, atol=0)


@nasty("D8 log-sum-exp of infinities")
def _():
    assert logsumexp(np.array([-np.inf, -np.inf])) == -np.inf
    assert logsumexp(np.array([-np.inf, np.inf])) == np.inf
    empty = torch.full((3,), -torch.inf, requires_grad=True)
    logsumexp(empty).backward()
    assert empty.grad.tolist() == [0, 0, 0]


@nasty("D9 log-sum-exp far below zero")
def _():
    exactly(logsumexp(np.array([-1000.0, -1000.0])), -1000 + math.log(2))


@nasty("D10 every label is ignored")
def _():
    scores, labels = torch.zeros((2, 3), requires_grad=True), [-100, -100]
    loss = LogProbability()
    assert loss(scores, labels, ignore_index=-100) == 0
    gradient = loss.gradient(scores, labels, ignore_index=-100, reduction="mean")
    assert torch.all(gradient == 0)
    loss(scores, labels, ignore_index=-100).backward()
    assert torch.all(scores.grad == 0)


@nasty("D11 ignored labels are not counted")
def _():
    scores = np.array([[-1.0, -2.0], [-3.0, -4.0], [np.nan, np.nan]])
    assert LogProbability()(scores, [0, 1, -100], ignore_index=-100) == (1 + 4) / 2
    options = {"ignore_index": -100, "mask": [False, True, True]}
    assert LogProbability()(scores, [0, 1, -100], **options) == 4


@nasty("D12 NaN and infinity in masked slots")
def _():
    mask, residual = [True, False, False], np.array([3.0, np.nan, np.inf])
    assert Huber()(residual, np.zeros(3), mask=mask) == 2.5
    gradient = Huber().gradient(residual, np.zeros(3), mask=mask, reduction="mean")
    assert gradient.tolist() == [1, 0, 0]


@nasty("D13 no epsilon in the denominator")
def _():
    mask = [True] * 3 + [False]
    assert lossmath.AbsoluteError()([2.0] * 4, [0.0] * 4, mask=mask) == 2


@nasty("D14 empty selection in float16")
def _():
    half = np.ones(2, dtype=np.float16)
    result = Huber()(half, half, mask=[False, False])
    assert result == 0
    assert result.dtype == np.float16


@nasty("D15 float16 mean beyond the largest float16 sum")
def _():
    half = np.full(3, 30000, dtype=np.float16)
    exactly(lossmath.AbsoluteError()(half, 0 * half), 30000, np.float16)
    tensor = torch.full((3,), 30000, dtype=torch.float16)
    assert lossmath.AbsoluteError()(tensor, 0 * tensor) == 30000


@nasty("D15 half of a square beyond the largest float16")
def _():
    exactly(lossmath.HalfSquaredError().value(np.float16(300), 0), 45000, np.float16)


@nasty("D16 label out of range")
def _():
    refuses("label=3 must lie in", LogProbability(), np.zeros((2, 3)), [0, 3])
    refuses("label=-1 must lie in", LogProbability(), np.zeros((2, 3)), [0, -1])


@nasty("D18 log-cosh of large residuals")
def _():
    for size, dtype in ((1e3, float), (1e5, float), (1e300, float), (90, "f4"), (12, "f2")):
        for sign in (1, -1):
            residual = np.array(sign * size, dtype=dtype)
            exactly(LogCosh().value(residual, 0), size - math.log(2), residual.dtype)
            exactly(LogCosh().gradient(residual, 0), sign, residual.dtype)


@nasty("D19 log-cosh of small residuals")
def _():
    exactly(LogCosh().value(1e-8, 0.0), 5e-17)


@nasty("D20 curvature of log-cosh in the tails")
def _():
    assert LogCosh().hessian(1e3, 0.0) == 0
    exactly(LogCosh().hessian(20.0, 0.0), 4 * math.exp(-40))


@nasty("D21 Huber far out")
def _():
    exactly(Huber(delta=2).value(-1e200, 0.0), 2e200)
    exactly(Huber(delta=2).gradient(-1e200, 0.0), -2)
    half = np.array(300, dtype=np.float16)
    exactly(Huber().value(half, 0), 299.5, np.float16)
    assert Huber().value(math.inf, 0.0) == math.inf


@nasty("D22 Huber on its threshold")
def _():
    for delta in (0.1, 1.0, 3.7):
        exactly(Huber(delta).value([delta, -delta], [0.0, 0.0]), [delta**2 / 2] * 2)
        exactly(Huber(delta).gradient([delta, -delta], [0.0, 0.0]), [delta, -delta])


@nasty("D23 parameters out of range")
def _():
    refuses(r"Huber: delta=0 must lie in \(0, inf\)", Huber, delta=0)
    refuses(r"Huber: delta=-1.0 must lie in \(0, inf\)", Huber, delta=-1.0)
    refuses(r"Huber: delta=nan must be a number in \(0, inf\)", Huber, delta=math.nan)
    refuses(r"Huber: delta='1' must be a number in \(0, inf\)", Huber, delta="1")
    refuses(r"Quantile: tau=1.0 must lie in \(0, 1\)", Quantile, tau=1.0)
    refuses(r"SmoothL1: beta=-1 must lie in \[0, inf\)", lossmath.SmoothL1, beta=-1)
    refuses(r"over='rows' must lie in \{all, per_output\}", RootMeanSquaredError, over="rows")


@nasty("D24 shapes that would broadcast")
def _():
    message = r"Huber: prediction has shape \(2, 1\) but target has shape \(3,\)"
    for derivative in (Huber(), Huber().value, Huber().gradient, Huber().hessian):
        refuses(message, derivative, np.zeros((2, 1)), np.zeros(3))
    refuses("shape", Huber(), np.zeros(3), 0.0)


@nasty("D25 pseudo-Huber near zero and far out")
def _():
    exactly(lossmath.PseudoHuber().value([1e-9, 1e200], [0.0, 0.0]), [5e-19, 1e200])


@nasty("D26 the sign of the quantile loss")
def _():
    loss = Quantile(tau=0.9)
    exactly(loss.gradient([0.0, 2.0, 1.0], [1.0, 1.0, 1.0]), [-0.9, 1 - 0.9, 0.5 - 0.9])
    exactly(loss.value([0.0, 2.0], [1.0, 1.0]), [0.9, 1 - 0.9])


@nasty("D27 dtype of gradients in PyTorch")
def _():
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        residual = torch.tensor([-1.0, 2.0], dtype=dtype)
        for loss in (Quantile(0.9), Huber(), lossmath.AbsoluteError()):
            assert loss.gradient(residual, 0 * residual).dtype == dtype


@nasty("D28 percentage of a zero target")
def _():
    refuses("target=0 must lie in", lossmath.MeanAbsolutePercentageError(), [1.0, 1.0], [2.0, 0.0])


@nasty("D29 log error at and just above -1, and near zero")
def _():
    refuses("prediction=-1 must lie in", MeanSquaredLogError(), [-1.0], [0.0])
    refuses("target=-5 must lie in", MeanSquaredLogError(), [0.0], [-5.0])
    exactly(MeanSquaredLogError().value(1e-12, 0.0), 1e-24 * (1 - 1e-12))


@nasty("D30 RMSE gradient at a perfect fit")
def _():
    loss, fit = RootMeanSquaredError(), [1.0, 2.0]
    assert loss.gradient(fit, fit).tolist() == [0, 0]
    tensor = torch.tensor(fit, requires_grad=True)
    loss(tensor, fit).backward()
    assert tensor.grad.tolist() == [0, 0]


@nasty("D31 RMSE of several outputs")
def _():
    prediction = np.array([[0.0, 2.0], [0.0, 2.0], [7.0, 6.0]])
    target = np.array([[0.5, 1.0], [-1.0, 1.0], [7.0, 7.0]])
    residual = prediction - target
    exactly(RootMeanSquaredError()(prediction, target), np.sqrt(np.mean(residual**2)))
    per_output = np.sqrt(np.mean(residual**2, axis=0))
    loss = RootMeanSquaredError(over="per_output")
    exactly(loss.value(prediction, target), per_output)
    exactly(loss(prediction, target), per_output.mean())
    assert not np.isclose(per_output.mean(), RootMeanSquaredError()(prediction, target))


@nasty("D40 variance that is not positive")
def _():
    for variance in (0.0, -1.0):
        refuses(r"variance=.* must lie in \(0, inf\)", lossmath.GaussianNLL(), 0.0, variance, 0.0)


@nasty("D43 NaN is not swallowed by a maximum")
def _():
    for loss in (Quantile(), Huber(), lossmath.SmoothL1(), lossmath.AbsoluteError()):
        for array in (np.array(math.nan), torch.tensor(math.nan)):
            assert math.isnan(loss.value(array, array))
            assert math.isnan(loss.gradient(array, 0 * array))


@nasty("D69 autograd through a guarded logarithm")
def _():
    x = torch.tensor([0.0, 0.0, 2.0], dtype=torch.float64, requires_grad=True)
    y = torch.tensor([0.0, 3.0, 4.0], dtype=torch.float64, requires_grad=True)
    xlogy(x, y).sum().backward()
    assert x.grad.tolist() == [0, math.log(3), math.log(4)]
    assert y.grad.tolist() == [0, 0, 0.5]


@nasty("D70 kinks are declared, so that no oracle is asked there")
def _():
    assert Huber(delta=2.5).kink_points() == [(-2.5, 2), (2.5, 2)]
    assert lossmath.AbsoluteError().kink_points() == [(0, 1)]
    assert lossmath.SmoothL1(beta=0).kink_points() == [(0, 1), (0, 1)]


@nasty("D73 means of unequal micro-batches")
def _():
    residuals = [np.array([10.0]), np.array([1.0, 1.0] + [0.0] * 7)]
    loss = lossmath.AbsoluteError()
    means = [loss(r, 0 * r) for r in residuals]
    sums = [loss(r, 0 * r, reduction="sum") for r in residuals]
    exactly(np.mean(means), (10 + 2 / 9) / 2)
    exactly(sum(sums) / 10, 1.2)


@nasty("D74 integers, booleans and lists")
def _():
    exactly(Huber()([2, 0], [1, 1]), 0.5)
    exactly(lossmath.SquaredError().value(np.array([1, 0]), np.array([True, True])), [0, 1])
    exactly(lossmath.HalfSquaredError()(torch.tensor(3), 0).numpy(), 4.5, np.float32)
    single = np.array([1.5], dtype=np.float32)
    exactly(Huber().value(single, [1]), [0.125], np.float32)


@nasty("D75 Python and NumPy numbers beside float32 arrays")
def _():
    single = np.array([3.0], dtype=np.float32)
    for delta in (1, 0.5, np.float64(0.5), np.float32(0.5)):
        assert Huber(delta).value(single, 0 * single).dtype == np.float32
        assert Huber(delta).gradient(single, [0.0]).dtype == np.float32


@pytest.mark.parametrize("row", CASES, ids=lambda row: row.split()[0])
def test_nasty(row):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        CASES[row]()
