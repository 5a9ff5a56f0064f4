"""Inputs that break a direct transcription of the auxiliary losses, and the right answer."""

import warnings

import numpy as np
import pytest
import torch

from lossmath import (
    CentreLoss,
    EntropyRegularisation,
    L1Penalty,
    L2Penalty,
    LoadBalancing,
    LogSumExp,
    NegativeELBO,
    OrthogonalityPenalty,
    PhysicsInformed,
    SparsityKL,
    TDError,
)

CASES = {}


def nasty(row):
    """Register a function as the test of a row."""
    return lambda function: CASES.setdefault(row, function)


@nasty("D67 no gradient reaches the next value")
def _():
    value, next_value, reward = (torch.tensor(x, requires_grad=True) for x in (1.0, 4.0, 0.5))
    loss = TDError(discount=0.5).value(value, next_value, reward)
    loss.backward()
    assert loss == 1.125 and value.grad == -1.5
    assert next_value.grad is None
    assert TDError(discount=0.5).gradient(value, next_value, reward) == (-1.5, 0)
    assert TDError().gradient(2.0, 0.0, 3.0) == (-1, 0)  # the end of an episode


@nasty("D50 sums beyond half precision whose result is within it")
def _():
    weights = np.full(10**6, 0.5, dtype=np.float16)
    assert L1Penalty()(weights) == 500
    assert L2Penalty()(weights) == 250
    point, origin = np.full((1, 1), 300, dtype=np.float16), np.zeros((1, 1), dtype=np.float16)
    assert CentreLoss(strength=0.5)(point, origin, np.array([0])) == 22500
    residuals, none = np.full(2, 200, dtype=np.float16), np.zeros(2, dtype=np.float16)
    assert PhysicsInformed()(residuals, none, none) == 40000
    assert TDError().value(*np.array([300, 0, 0], dtype=np.float16)) == 45000
    zeros = np.zeros(70_000, dtype=np.float16)
    assert LogSumExp().value(zeros) == np.float16(np.log(70_000))
    expected = np.float16(1 / 70_000)
    assert (LogSumExp().gradient(zeros) == expected).all()


@nasty("D50 a divergence that does not count may be infinite")
def _():
    for dtype, log_variance in ((np.float32, 90), (np.float64, 800)):
        likelihood, mean = np.array(-1, dtype), np.zeros(1, dtype)
        loss = NegativeELBO(beta=0.0)
        with np.errstate(over="ignore"):
            assert loss.value(likelihood, mean, np.full(1, log_variance, dtype)) == 1
            gradients = loss.gradient(likelihood, mean, np.full(1, log_variance, dtype))
        assert [float(g.item()) for g in gradients] == [-1, 0, 0]


@nasty("D68 only the probabilities carry a gradient, and ties go to the lower index")
def _():
    logits = torch.tensor([[2.0, 0.0], [1.0, 3.0], [0.0, 5.0]], dtype=torch.float64)
    logits.requires_grad_()
    loss = LoadBalancing(strength=1.0)
    loss.value(logits).backward()
    p = torch.softmax(logits.detach(), dim=-1)
    share = torch.tensor([1 / 3, 2 / 3], dtype=torch.float64)  # a constant
    exact = 2 / 3 * p * (share - torch.sum(share * p, dim=-1, keepdim=True))
    np.testing.assert_allclose(logits.grad, exact, rtol=1e-12)
    np.testing.assert_allclose(loss.gradient(logits.detach()), exact, rtol=1e-12)
    tied = np.zeros((3, 4))
    assert loss.value(tied) == 1
    np.testing.assert_allclose(loss.gradient(tied)[0], np.array([3, -1, -1, -1]) / 12)
    np.testing.assert_allclose(
        LoadBalancing(1.0, top=2).gradient(tied)[0], np.array([1, 1, -1, -1]) / 6
    )
    assert loss.value(torch.zeros((3, 4))) == 1


@nasty("D76 entropy of a certain choice")
def _():
    loss, certain = EntropyRegularisation(beta=1.0), np.array([0.0, -np.inf, -2000.0])
    assert loss.value(certain) == 0
    assert loss.gradient(certain).tolist() == [0, 0, 0]
    assert np.isfinite(loss.hessian(certain)).all()
    tensor = torch.tensor(certain, requires_grad=True)
    loss.value(tensor).backward()
    assert tensor.grad.tolist() == [0, 0, 0]


@nasty("D10 no tokens, examples or rows")
def _():
    assert LoadBalancing().value(np.zeros((2, 0, 3))).tolist() == [0, 0]
    assert LoadBalancing().gradient(np.zeros((2, 0, 3))).shape == (2, 0, 3)
    with pytest.raises(ValueError, match=r"LoadBalancing: .* its last axis must not be empty"):
        LoadBalancing()(np.zeros((2, 3, 0)))
    assert OrthogonalityPenalty(1.0).value(np.zeros((0, 2))) == 2  # two columns of length 0
    for weight in (np.zeros((0, 2)), np.zeros((2, 0))):
        assert OrthogonalityPenalty().gradient(weight).shape == weight.shape
        assert OrthogonalityPenalty().hessian(weight).shape == 2 * weight.shape
    examples = np.zeros((0, 2)), np.zeros((3, 2)), np.zeros(0, dtype=int)
    (within, _), (_, between) = CentreLoss().hessian(*examples)
    assert within.shape == (0, 2, 0, 2) and not between.any()


@nasty("D43 the curvature of an unknown activity is unknown")
def _():
    assert np.isnan(SparsityKL().hessian(np.nan))


@nasty("D77 sparsity of a unit that is always or never active")
def _():
    for dtype in (np.float64, np.float32, np.float16):
        ends = np.array([0.0, 1.0], dtype)
        assert SparsityKL().value(ends).tolist() == [np.inf, np.inf]
        assert SparsityKL().gradient(ends).tolist() == [-np.inf, np.inf]
        assert SparsityKL().hessian(ends).tolist() == [np.inf, np.inf]
    masked = SparsityKL()([0.05, 0.0], mask=[True, False])
    assert masked == 0
    with pytest.raises(ValueError, match=r"activity=1.5 must lie in \[0, 1\]"):
        SparsityKL().value(1.5)


@nasty("D42 weights of exactly zero")
def _():
    assert L1Penalty(1.0).gradient([0.0, -0.0, 2.0]).tolist() == [0, 0, 1]


@nasty("D16 a class without a centre")
def _():
    with pytest.raises(ValueError, match=r"label=3 must lie in \[0, 2\]"):
        CentreLoss().value(np.zeros((1, 2)), np.zeros((3, 2)), [3])


@pytest.mark.parametrize("row", CASES)
def test_nasty(row):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        CASES[row]()
