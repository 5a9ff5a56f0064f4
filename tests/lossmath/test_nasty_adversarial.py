"""Scores and samples that break a direct transcription of the formulas, and the right answer."""

import warnings

import numpy as np
import pytest
import torch

from lossmath import (
    GANDiscriminator,
    NonSaturatingGenerator,
    SaturatingGenerator,
    Wasserstein1D,
    WeightedWasserstein1D,
)

CASES = {}


def nasty(row):
    """Register a function as the test of a row."""
    return lambda function: CASES.setdefault(row, function)


@nasty("D65 samples of unequal sizes, with ties and weights")
def _():
    assert Wasserstein1D().value([0.0, 1.0, 3.0], [2.0]) == 4 / 3
    assert Wasserstein1D().value([1.0, 1.0, 1.0, 2.0], [1.0, 2.0]) == 0.25
    assert Wasserstein1D().value([1.0, 2.0] * 3, [2.0, 1.0]) == 0
    weights = [0.75, 0.25], [0.5, 0.25, 0.25]
    assert WeightedWasserstein1D().value([1.0, 2.0], [1.0, 2.0, 2.0], *weights) == 0.25
    unused = [1.0, 0.0], [0.5, 0.5]
    assert WeightedWasserstein1D().value([0.0, 1e300], [1.0, 3.0], *unused) == 2
    gradient = WeightedWasserstein1D().gradient([0.0, 1e300], [1.0, 3.0], *unused)
    assert gradient.tolist() == [-1, 0]


@nasty("D65 gradients where points meet")
def _():
    assert Wasserstein1D().gradient([1.0, 2.0], [2.0, 1.0]).tolist() == [0, 0]
    assert Wasserstein1D().gradient([3.0, 3.0], [1.0, 1.0, 0.0]).tolist() == [0.5, 0.5]
    assert Wasserstein1D().gradient([0.0, 0.0], [-1.0, 1.0]).tolist() == [0, 0]
    for x in ([1.0, 2.0], [3.0, 3.0], [0.0, 0.0]):
        tensor = torch.tensor(x, requires_grad=True)
        Wasserstein1D().value(tensor, torch.tensor([1.0, 2.0, 0.0])).backward()
        assert torch.isfinite(tensor.grad).all()


@nasty("D65 counts beyond half precision")
def _():
    many = np.linspace(0, 1, 700, dtype=np.float16)
    few = np.linspace(0, 1, 401, dtype=np.float16)
    result = Wasserstein1D().value(many, few)
    exact = Wasserstein1D().value(many.astype(float), few.astype(float))
    assert result.dtype == np.float16
    np.testing.assert_allclose(result, exact, atol=2e-3)
    np.testing.assert_allclose(
        Wasserstein1D().gradient(many + np.float16(2), few), np.full(700, 1 / 700), rtol=2e-3
    )


@nasty("D66 a fake that is found out at once")
def _():
    minimax = SaturatingGenerator().gradient(-10.0)
    practical = NonSaturatingGenerator().gradient(-10.0)
    assert (f"{-minimax:.1e}", f"{practical:.5f}") == ("4.5e-05", "-0.99995")
    np.testing.assert_allclose(SaturatingGenerator().gradient(-700.0), -np.exp(-700.0), rtol=1e-13)
    np.testing.assert_allclose(SaturatingGenerator().value(-37.0), -np.exp(-37.0), rtol=1e-15)


@nasty("D1 scores far from zero")
def _():
    for z in (1e4, 1e9, 1e20):
        assert GANDiscriminator().value(-z, z) == 2 * z
        assert GANDiscriminator().value(z, -z) == 0
        assert GANDiscriminator().gradient(-z, z) == (-1, 1)
        assert SaturatingGenerator().value(z) == -z
        assert NonSaturatingGenerator().value(-z) == z
    assert NonSaturatingGenerator().value(np.float16([-6e4])) == np.float16(6e4)


@pytest.mark.parametrize("row", CASES)
def test_nasty(row):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        CASES[row]()
