"""The chunked linear layer: exact for any chunk, and within its memory, counted exactly."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from lossmath.fused import linear_cross_entropy, rows_per_chunk
from lossmath.fused.measure import Cpu


def problem(rows, features, classes, dtype=torch.float32):
    x = torch.randn(rows, features).to(dtype).requires_grad_()
    weight = (torch.randn(classes, features) * features**-0.5).to(dtype).requires_grad_()
    return x, weight, torch.randint(classes, (rows,))


@settings(max_examples=30, deadline=None)
@given(
    rows=st.integers(1, 40),
    chunk=st.integers(1, 50),
    reduction=st.sampled_from(["mean", "sum"]),
    smoothing=st.sampled_from([0.0, 0.2]),
    upstream=st.sampled_from([1.0, -0.5]),
)
def test_any_chunk_in_double_precision(rows, chunk, reduction, smoothing, upstream):
    x, weight, target = problem(rows, 6, 30, torch.float64)
    target[::3] = 29
    options = {"reduction": reduction, "label_smoothing": smoothing, "ignore_index": 29}
    if (target == 29).all():
        target[0] = 1
    want = F.cross_entropy(x @ weight.T, target, **options) * upstream
    got = linear_cross_entropy(x, weight, target, chunk=chunk, **options) * upstream
    assert torch.allclose(got, want, rtol=1e-13)
    for mine, exact in zip(
        torch.autograd.grad(got, (x, weight)), torch.autograd.grad(want, (x, weight)), strict=True
    ):
        assert torch.allclose(mine, exact, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("wanted", [(True, False), (False, True), (False, False)])
def test_only_the_gradients_that_are_wanted(wanted):
    x, weight, target = problem(20, 6, 30)
    want = F.cross_entropy(x @ weight.T, target)
    exact = torch.autograd.grad(want, (x, weight))
    leaves = [leaf.detach().requires_grad_(w) for leaf, w in zip((x, weight), wanted, strict=True)]
    got = linear_cross_entropy(*leaves, target, chunk=7)
    assert torch.allclose(got, want) and got.requires_grad == any(wanted)
    if any(wanted):
        got.backward()
    for leaf, gradient, w in zip(leaves, exact, wanted, strict=True):
        assert torch.allclose(leaf.grad, gradient, atol=1e-6) if w else leaf.grad is None


def test_no_rows():
    x, weight, target = problem(0, 6, 30)
    loss = linear_cross_entropy(x, weight, target, reduction="sum")
    loss.backward()
    assert loss == 0 and x.grad.shape == (0, 6) and (weight.grad == 0).all()


def test_all_rows_ignored():
    x, weight, target = problem(20, 6, 30)
    loss = linear_cross_entropy(x, weight, torch.full_like(target, -100), chunk=7)
    loss.backward()
    assert torch.isnan(loss) and (x.grad == 0).all() and (weight.grad == 0).all()


def test_under_no_grad_no_gradient_is_computed():
    x, weight, target = problem(64, 512, 8000)
    with torch.no_grad():
        loss = linear_cross_entropy(x, weight, target, chunk=8)
        peak = Cpu().peak(lambda: linear_cross_entropy(x, weight, target, chunk=8))
    assert not loss.requires_grad and x.grad is weight.grad is None
    assert peak < 4 * weight.numel() / 2
    assert torch.allclose(loss, F.cross_entropy(x @ weight.T, target))


def test_a_second_backward_raises():
    x, weight, target = problem(20, 6, 30)
    loss = linear_cross_entropy(x, weight, target)
    loss.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="backward a second time"):
        loss.backward()


def step(x, weight, target, **options):
    x.grad = weight.grad = None
    linear_cross_entropy(x, weight, target, **options).backward()


@pytest.mark.parametrize("chunk", [16, 64, 256])
def test_memory_is_the_gradients_and_one_chunk(chunk):
    """dx + dW + one chunk of logits, and the 2 MiB blocks in which a chunk is worked on."""
    rows, features, classes = 512, 512, 8000
    x, weight, target = problem(rows, features, classes)
    peak = Cpu().peak(lambda: step(x, weight, target, chunk=chunk))
    gradients = 4 * features * (rows + classes)
    assert peak <= gradients + 4 * chunk * classes + 3 * (2 << 20)
    x.grad = weight.grad = None
    unfused = Cpu().peak(lambda: F.cross_entropy(x @ weight.T, target).backward())
    assert unfused >= 3 * 4 * rows * classes


def test_memory_does_not_grow_with_rows_beyond_dx():
    peaks = []
    for rows in (256, 1024):
        x, weight, target = problem(rows, 16, 4000)
        peaks.append(Cpu().peak(lambda: step(x, weight, target, chunk=64)))  # noqa: B023
    dx, per_row = 4 * 16 * (1024 - 256), 64 * (1024 - 256)
    assert peaks[1] - peaks[0] <= dx + per_row


def test_chunks_keep_matrix_products_from_waiting_for_memory():
    for rows in (1, 100, 733, 2048, 8192, 16384):
        for flop_per_byte in (6, 64, 183):
            chunk = rows_per_chunk(rows, flop_per_byte)
            assert chunk % 128 == 0
            assert chunk >= min(rows, 4 * flop_per_byte)
            assert chunk <= 2 * 4 * flop_per_byte + 128
    assert rows_per_chunk(8192, 183) == 768
