"""Distributions that break a direct transcription of the formulas, and the right answer."""

import math
import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from lossmath import (
    Distillation,
    ForwardKL,
    GaussianKL,
    GaussianReconstruction,
    KLPenalisedReward,
    LogScore,
    LogSumExp,
    NegativeELBO,
    ReverseKL,
    entropy,
)

CASES = {}


def nasty(row):
    """Register a function as the test of a row."""
    return lambda function: CASES.setdefault(row, function)


def autograd(loss, prediction, *others):
    """PyTorch's gradient of the loss in its first argument."""
    x = torch.tensor(prediction, dtype=torch.float64, requires_grad=True)
    loss.value(x, *others).sum().backward()
    return x.grad.tolist()


@nasty("D8 log-sum-exp of infinities")
def _():
    loss, nothing = LogSumExp(), np.array([-np.inf, -np.inf])
    assert loss.value(nothing) == -np.inf
    assert loss.value([0.0, np.inf]) == np.inf
    assert loss.gradient(nothing).tolist() == autograd(loss, nothing) == [0, 0]
    assert loss.gradient([3.0, -np.inf]).tolist() == autograd(loss, [3.0, -np.inf]) == [1, 0]


@nasty("D9 log-sum-exp far below and above zero")
def _():
    loss = LogSumExp()
    assert loss.value([-1000.0, -1000.0]) == math.log(2) - 1000
    assert loss.value(np.full(2, 1e4, dtype=np.float16)) == 1e4
    assert loss.gradient([-1000.0, -1000.0]).tolist() == [0.5, 0.5]


@nasty("D15 half of a square beyond half precision")
def _():
    mean, zero = np.float16(300), np.float16(0)
    assert GaussianKL().value(mean, zero) == 45000
    assert GaussianReconstruction().value(mean, zero) == 45000


@nasty("D36 a probability of 0 that the other distribution shares or does not")
def _():
    q, p = [0.25, 0.75, 0.0], [0.0, 1.0, 0.0]
    for dtype in (np.float64, np.float32, np.float16):
        arrays = np.array(q, dtype), np.array(p, dtype)
        np.testing.assert_allclose(ForwardKL().value(*arrays), -math.log(0.75), rtol=1e-3)
        np.testing.assert_allclose(ReverseKL().value(*arrays[::-1]), -math.log(0.75), rtol=1e-3)
        assert ForwardKL().gradient(*arrays)[[0, 2]].tolist() == [0, 0]
    assert autograd(ForwardKL(), q, p) == ForwardKL().gradient(q, p).tolist() == [0, -1 / 0.75, 0]
    assert ForwardKL().hessian(q, p)[[0, 2], [0, 2]].tolist() == [0, 0]
    assert np.isfinite(ReverseKL().gradient([0.5, 0.5, 0.0], q)).all()


@nasty("D37 a probability of 0 for what can happen")
def _():
    zero, some = [0.0, 1.0], [0.25, 0.75]
    assert ForwardKL().value(zero, some) == np.inf
    assert ForwardKL().gradient(zero, some)[0] == -np.inf
    assert ForwardKL().hessian(zero, some)[0, 0] == np.inf
    assert ReverseKL().value(some, zero) == np.inf
    assert ReverseKL().gradient(some, zero)[0] == np.inf
    assert ReverseKL().gradient(zero, some)[0] == -np.inf
    assert LogScore().value(zero, 0) == np.inf
    assert LogScore().gradient(zero, 0).tolist() == [-np.inf, 0]
    student, teacher = [-np.inf, 0.0], [0.0, 0.0]
    assert Distillation().value(student, teacher, 1) == np.inf
    assert KLPenalisedReward().value(teacher, student, [0.0, 0.0]) == np.inf


@nasty("D37 a logit of -inf on both sides")
def _():
    masked = np.array([1.0, 0.0, -np.inf])
    other, reward = np.array([0.0, 0.5, -np.inf]), np.array([1.0, 2.0, 3.0])
    for ours, theirs in (
        (Distillation().value(masked, other, 0), Distillation().value(masked[:2], other[:2], 0)),
        (
            KLPenalisedReward().value(masked, other, reward),
            KLPenalisedReward().value(masked[:2], other[:2], reward[:2]),
        ),
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-14)
    for loss, others in ((Distillation(), (other, 0)), (KLPenalisedReward(), (other, reward))):
        gradient = loss.gradient(masked, *others)
        assert gradient[2] == 0
        tensors = [torch.as_tensor(x) for x in others]
        np.testing.assert_allclose(autograd(loss, masked, *tensors), gradient, atol=1e-15)


@nasty("D37 a weight of 0 on an infinite term")
def _():
    student, even = [0.0, -np.inf], [0.0, 0.0]
    assert Distillation(alpha=0).value(student, even, 0) == 0
    assert Distillation(alpha=1).value(student, student, 1) == 0
    assert KLPenalisedReward(beta=0).value(even, student, [1.0, 3.0]) == -2
    assert KLPenalisedReward(beta=0).gradient(even, student, [1.0, 3.0]).tolist() == [0.5, -0.5]


@nasty("D38 the direction, and a mean over examples instead of over classes")
def _():
    q, p = np.array([[0.5, 0.25, 0.25]] * 4), np.array([[0.75, 0.125, 0.125]] * 4)
    exact = 0.75 * math.log(1.5) - 0.25 * math.log(2)
    assert ForwardKL().value(q, p).shape == (4,)
    np.testing.assert_allclose(ForwardKL()(q, p), exact, rtol=1e-15)
    np.testing.assert_allclose(ReverseKL()(p, q), exact, rtol=1e-15)
    over_all = F.kl_div(torch.tensor(q).log(), torch.tensor(p), reduction="none").mean()
    np.testing.assert_allclose(ForwardKL()(q, p), 3 * over_all, rtol=1e-12)


@nasty("D39 log-variances that vanish or almost do")
def _():
    loss = GaussianKL()
    assert loss.value(0.0, -1000.0) == 499.5
    assert loss.gradient(0.0, -1000.0) == (0, -0.5)
    np.testing.assert_allclose(loss.value(0.0, 1e-6), 2.5e-13 * (1 + 1e-6 / 3), rtol=1e-12)
    np.testing.assert_allclose(loss.value(0.0, -1e-12), 2.5e-25, rtol=1e-12)
    np.testing.assert_allclose(loss.gradient(0.0, 1e-12)[1], 5e-13, rtol=1e-12)
    assert loss.value(np.float16([0.0]), np.float16([-1000.0])) == 499.5
    assert NegativeELBO().value(-1.0, [0.0], [-1000.0]) == 500.5


@nasty("D69 autograd through a guarded logarithm")
def _():
    p = torch.tensor([0.0, 0.25, 0.75], dtype=torch.float64, requires_grad=True)
    entropy(p).backward()
    assert torch.isfinite(p.grad).all()
    np.testing.assert_allclose(p.grad[1:], [-math.log(0.25) - 1, -math.log(0.75) - 1])
    for loss in (ForwardKL(), ReverseKL()):
        gradient = autograd(loss, [0.0, 0.25, 0.75], torch.tensor([0.0, 0.5, 0.5]))
        assert np.isfinite(gradient).all()


@nasty("D71 logits where probabilities are wanted")
def _():
    for loss, other in ((ForwardKL(), [0.5, 0.5]), (ReverseKL(), [0.5, 0.5]), (LogScore(), 0)):
        with pytest.raises(ValueError, match=r"=.* must lie in the simplex"):
            loss([2.0, -1.0], other)


@nasty("D76 entropy of a certain distribution")
def _():
    for dtype in (np.float64, np.float32, np.float16):
        certain = np.array([0.0, 1.0, 0.0], dtype)
        assert entropy(certain) == 0 and entropy(certain).dtype == dtype
    assert entropy([1, 0]) == 0


@nasty("quotients that overflow in half precision")
def _():
    rare, common = np.float16([6e-6, 1.0]), np.float16([0.5, 0.5])
    exact = (math.log(0.5 / float(rare[0])) + math.log(0.5)) / 2
    np.testing.assert_allclose(ForwardKL().value(rare, common), exact, rtol=2e-3)
    assert np.isfinite(ForwardKL().value([5e-324, 1.0], [0.5, 0.5]))


@nasty("distributions that almost agree")
def _():
    for dtype in (np.float64, np.float32, np.float16):
        p = np.array([0.1, 0.2, 0.7], dtype)
        q = np.nextafter(p, p[::-1])
        assert abs(ForwardKL().value(q, p)) <= np.finfo(dtype).eps
        assert ForwardKL().value(p, p) == ReverseKL().value(p, p) == 0


@pytest.mark.parametrize("row", CASES)
def test_nasty(row):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        CASES[row]()
