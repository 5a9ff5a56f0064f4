"""What cross-entropy must do, as plain functions: run in-process on the PyTorch implementation,
in a process of their own on the kernels (Triton's interpreter), and against every mutant.

    TRITON_INTERPRET=1 python fused_checks.py     # the kernels; prints {check: failure or null}

The oracle is torch's cross-entropy in float64, with the z-loss added by its definition.
"""

import json
import traceback
import warnings
from functools import partial

import torch
import torch.nn.functional as F

from lossmath.fused import cross_entropy, linear_cross_entropy
from lossmath.fused.arguments import Options
from lossmath.fused.backend import backend

CHECKS = {}


KERNEL_CHECKS = {}


def check(function):
    CHECKS[function.__name__] = function
    return function


def kernel_check(function):
    KERNEL_CHECKS[function.__name__] = function
    return function


def oracle(logits, target, *, z_loss=0.0, reduction="mean", upstream=None, **options):
    """Loss and gradient in float64."""
    x = logits.detach().double().requires_grad_()
    loss = F.cross_entropy(x, target.long(), reduction="none", **options)
    valid = target != options.get("ignore_index", -100)
    loss = loss + torch.where(valid, z_loss * x.logsumexp(1) ** 2, 0.0)
    if reduction != "none":
        loss = loss.sum() / (valid.sum() if reduction == "mean" else 1)
    (gradient,) = torch.autograd.grad(loss, x, upstream if upstream is None else upstream.double())
    return loss.detach(), gradient


def ours(logits, target, *, in_place, upstream=None, **options):
    """Loss and gradient of computed logits, not of a leaf."""
    x = torch.empty_strided(logits.shape, logits.stride(), dtype=logits.dtype).copy_(logits)
    x.requires_grad_()
    x = _Computed.apply(x)
    loss = cross_entropy(x, target, in_place=in_place, **options)
    (gradient,) = torch.autograd.grad(loss, x, upstream)
    return loss.detach(), gradient


class _Computed(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return torch.empty_strided(x.shape, x.stride(), dtype=x.dtype).copy_(x)

    @staticmethod
    def backward(ctx, upstream):
        return upstream


def same(logits, target, loss_error=1e-6, gradient_error=1e-6, **options):
    """Both programs agree with the oracle to relative errors, the gradient's in norm."""
    want = oracle(logits, target, **options)
    for in_place in (False, True):
        got = ours(logits, target, in_place=in_place, **options)
        for mine, exact, allowed in zip(got, want, (loss_error, gradient_error), strict=True):
            error = ((mine.double() - exact).norm() / exact.norm()).item()
            assert error <= allowed, f"{in_place=}: relative error {error:.1e}"


def data(rows, classes, scale=1.0, dtype=torch.float32):
    return (torch.randn(rows, classes) * scale).to(dtype), torch.randint(classes, (rows,))


@check
def rows_shorter_than_a_block():
    same(*data(5, 2))
    same(*data(5, 37))
    for in_place in (False, True):  # one class is certain
        loss, gradient = ours(torch.ones(3, 1), torch.zeros(3, dtype=int), in_place=in_place)
        assert loss == 0 and (gradient == 0).all()


@check
def ignored_rows_count_for_nothing():
    logits, target = data(6, 5000, 3)
    target[1] = target[4] = -100
    same(logits, target, label_smoothing=0.1, z_loss=0.01)
    target[target == -100] = 7
    same(logits, target, ignore_index=7)


@check
def ignored_rows_have_gradient_exactly_zero_even_of_nan():
    logits, target = data(3, 5000)
    target[1] = -100
    logits[1] = float("nan")
    for in_place in (False, True):
        loss, gradient = ours(
            logits, target, in_place=in_place, reduction="none", upstream=torch.ones(3)
        )
        assert loss[1] == 0 and (gradient[1] == 0).all()
        assert torch.isfinite(loss).all() and (gradient[[0, 2]] != 0).any(1).all()


@check
def all_rows_ignored():
    logits, target = data(3, 100)
    target[:] = -100
    for in_place in (False, True):
        loss, gradient = ours(logits, target, in_place=in_place)
        assert torch.isnan(loss) and (gradient == 0).all()
        loss, gradient = ours(logits, target, in_place=in_place, reduction="sum")
        assert loss == 0 and (gradient == 0).all()


@check
def no_rows():
    logits, target = torch.empty(0, 100), torch.empty(0, dtype=int)
    for in_place in (False, True):
        assert torch.isnan(ours(logits, target, in_place=in_place)[0])
        loss, gradient = ours(
            logits, target, in_place=in_place, reduction="none", upstream=torch.ones(0)
        )
        assert loss.shape == (0,) and gradient.shape == (0, 100)


@check
def label_smoothing():
    same(*data(4, 1000, 3), label_smoothing=0.1)
    same(*data(4, 20011, 3), label_smoothing=0.3)


@check
def z_loss():
    same(*data(4, 9000, 3), z_loss=0.01)
    logits, target = data(4, 9000, 3)
    same(logits + 20, target, z_loss=0.1, label_smoothing=0.2)


@check
def reductions():
    logits, target = data(6, 9000, 3)
    target[2] = -100
    same(logits, target, reduction="sum")
    same(logits, target, reduction="none", upstream=torch.randn(6))


@check
def upstream_of_any_stride():
    logits, target = data(6, 9000, 3)
    same(logits, target, reduction="none", upstream=torch.randn(12)[::2])
    same(logits, target, reduction="none", upstream=torch.randn(1).expand(6))
    same(logits, target, upstream=torch.tensor(-2.5))


@check
def vocabulary_that_is_no_multiple_of_anything():
    same(*data(4, 50257, 4))


@check
def logits_of_ten_thousand():
    same((torch.rand(8, 20011) * 2 - 1) * 1e4, torch.randint(20011, (8,)))


@check
def logits_shifted_by_ten_thousand():
    logits, target = data(8, 20011)
    same(logits + 1e4, target)
    same(logits + 1e4, target, label_smoothing=0.9)


@check
def first_blocks_minus_infinity():
    logits, target = data(2, 40000)
    logits[:, :17000] = -float("inf")
    same(logits, target.clamp(min=17000))


@check
def scattered_minus_infinity():
    logits, target = data(4, 9000)
    logits[torch.rand(4, 9000) < 0.3] = -float("inf")
    logits[range(4), target] = 1.0
    same(logits, target)


@check
def rows_masked_by_the_lowest_number():
    logits = torch.full((2, 6000), torch.finfo(torch.float32).min)
    same(logits, torch.tensor([3, 5999]))


@check
def minus_infinity_at_the_target_is_an_infinite_loss():
    logits, target = data(2, 300)
    logits[range(2), target] = -float("inf")
    assert ours(logits, target, in_place=False)[0] == float("inf")


@check
def half_precision():
    same(*data(4, 33000, 1, torch.bfloat16), label_smoothing=0.1, gradient_error=3e-3)
    same(*data(4, 33000, 4, torch.float16), reduction="sum", gradient_error=3e-3)
    assert ours(*data(2, 50, 1, torch.bfloat16), in_place=True)[0].dtype == torch.float32


@check
def double_precision():
    same(*data(3, 1000, 3, torch.float64), loss_error=1e-14, gradient_error=1e-14)
    assert ours(*data(2, 50, 1, torch.float64), in_place=True)[0].dtype == torch.float64


@check
def rows_any_distance_apart():
    buffer = torch.randn(5, 9100)
    logits, target = buffer[:, :9000], torch.randint(9000, (5,))
    same(logits, target)
    padding = buffer[:, 9000:].clone()
    computed = _Computed.apply(buffer.clone().requires_grad_())
    cross_entropy(computed[:, :9000], target, in_place=True)
    assert torch.equal(computed[:, 9000:], padding), "written beyond the row"


@check
def columns_not_adjacent():
    logits, target = torch.randn(9000, 4).T, torch.randint(9000, (4,))
    want = oracle(logits, target)
    leaf = logits.detach().requires_grad_()
    loss = cross_entropy(leaf, target)
    (gradient,) = torch.autograd.grad(loss, leaf)
    assert torch.allclose(loss.double(), want[0]) and torch.allclose(gradient.double(), want[1])


@check
def targets_of_any_layout():
    logits, _ = data(6, 3000)
    target = torch.randint(3000, (13,))
    same(logits, target[1::2])
    same(logits, target[1::2].int())


@check
def logits_are_left_alone_unless_overwritten_on_request():
    logits, target = data(3, 5000)
    before = logits.clone()
    cross_entropy(logits, target, in_place=True)
    leaf = logits.requires_grad_()
    with torch.no_grad():
        cross_entropy(leaf, target, in_place=True)
    torch.autograd.grad(cross_entropy(leaf, target), leaf)
    assert torch.equal(logits, before)


@check
def overwritten_logits_are_noticed_by_whoever_saved_them():
    logits = torch.randn(3, 100).requires_grad_() * 1
    other = logits.square().sum()  # its backward needs the logits
    cross_entropy(logits, torch.tensor([1, 2, 3]), in_place=True)
    raises(RuntimeError, "modified by an inplace operation", other.backward)


@check
def gradient_in_place_is_handed_out_once():
    for upstream in (torch.tensor(1.0), torch.tensor(2.0)):
        logits = _Computed.apply(torch.randn(3, 100).requires_grad_())
        loss = cross_entropy(logits, torch.tensor([1, 2, 3]), in_place=True)
        grad = partial(torch.autograd.grad, loss, logits, upstream, retain_graph=True)
        grad()
        raises(RuntimeError, "modified by an inplace operation", grad)


@check
def gradient_penalty_raises():
    target = torch.tensor([1, 2, 3])
    x, weight = torch.randn(3, 4).requires_grad_(), torch.randn(100, 4)
    logits, overwritten = x @ weight.T, x @ weight.T
    losses = {
        logits: cross_entropy(logits, target),
        overwritten: cross_entropy(overwritten, target, in_place=True),
        x: linear_cross_entropy(x, weight, target),
    }
    for of, loss in losses.items():
        penalty = partial(torch.autograd.grad, loss, of, create_graph=True)
        raises(RuntimeError, "cannot be differentiated again", penalty)


@check
def linear_layer():
    for dtype, error in ((torch.float32, 1e-6), (torch.bfloat16, 6e-3)):
        x, weight = torch.randn(30, 24).to(dtype), (torch.randn(200, 24) / 5).to(dtype)
        target = torch.randint(200, (30,))
        target[5] = -100
        leaves = [x.double().requires_grad_(), weight.double().requires_grad_()]
        exact = F.cross_entropy(leaves[0] @ leaves[1].T, target, label_smoothing=0.1) * 3
        want = [exact, *torch.autograd.grad(exact, leaves)]
        for chunk in (1, 7, 30, None):
            mine = [x.clone().requires_grad_(), weight.clone().requires_grad_()]
            loss = 3 * linear_cross_entropy(*mine, target, label_smoothing=0.1, chunk=chunk)
            got = [loss, *torch.autograd.grad(loss, mine)]
            for a, b in zip(got, want, strict=True):
                off = ((a.double() - b).norm() / b.norm()).item()
                assert off <= error, f"{dtype} {chunk=}: relative error {off:.1e}"


@check
def linear_layer_of_transposed_matrices():
    x, weight = torch.randn(6, 9).T, torch.randn(6, 70).T
    target = torch.randint(70, (18,))[::2]
    wide = [x.double().requires_grad_(), weight.double().requires_grad_()]
    want = torch.autograd.grad(3 * F.cross_entropy(wide[0] @ wide[1].T, target), wide)
    mine = [x.requires_grad_(), weight.requires_grad_()]
    got = torch.autograd.grad(3 * linear_cross_entropy(*mine, target), mine)
    for a, b in zip(got, want, strict=True):
        assert (a.double() - b).norm() <= 1e-6 * b.norm()


@check
def rows_a_billion_logits_apart():
    """Offsets past 2**31: four GiB of addresses, of which a few pages are touched."""
    classes, far = 3000, 1 << 30
    buffer = torch.empty(2 * far + classes, dtype=torch.float16)
    logits = buffer.as_strided((3, classes), (far, 1))
    values, target = data(3, classes, 2, torch.float16)
    logits.copy_(values)
    want = oracle(values, target)
    leaf = logits.detach().requires_grad_()
    loss = cross_entropy(leaf, target)
    (gradient,) = torch.autograd.grad(loss, leaf)
    weight = torch.full((3,), 1 / 3)
    in_place = backend(logits).forward_gradient_(logits, target, weight, Options())
    for mine in (gradient, logits):
        assert (mine.double() - want[1]).norm() <= 3e-3 * want[1].norm()
    assert (loss - want[0]).abs() <= 1e-6 * want[0]
    assert (in_place.mean() - want[0]).abs() <= 1e-6 * want[0]


@kernel_check
def target_beyond_the_row():
    """Kernels do not look at targets beforehand: nothing is read or written, all is NaN."""
    from lossmath.fused import launch

    options, upstream = Options(), torch.ones(1)
    for wrong in (100, 105, -1):
        buffer = torch.ones(3, 128)
        logits, target = buffer[1:2, :100], torch.tensor([wrong])
        loss, m, d = launch.forward(logits, target, options)
        gradient = launch.backward(logits, target, m, d, upstream, options)
        assert torch.isnan(loss).all() and torch.isnan(gradient).all()
        assert torch.isnan(launch.forward_gradient_(logits, target, upstream, options)).all()
        assert torch.isnan(buffer).sum() == 100 and torch.isnan(logits).all()


def raises(kind, words, call):
    try:
        call()
    except kind as error:
        assert words in str(error), error
    else:
        raise AssertionError(f"no {kind.__name__}: {words!r}")


def failure(name) -> str | None:
    """Why a check fails, or None."""
    torch.manual_seed(1)
    try:
        (CHECKS | KERNEL_CHECKS)[name]()
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__} in {where.name}: {error}"
    return None


if __name__ == "__main__":
    torch.set_num_threads(1)
    # The lowest number scaled by log2 e overflows to the -inf that is meant; NumPy remarks on it.
    warnings.filterwarnings("ignore", category=RuntimeWarning)
    print(json.dumps({name: failure(name) for name in CHECKS | KERNEL_CHECKS}))
