"""What cross-entropy refuses, and the sentence it says then; imports that must stay cheap."""

import subprocess
import sys

import pytest
import torch

from lossmath.fused import cross_entropy, linear_cross_entropy

LOGITS = torch.randn(3, 10)
TARGET = torch.tensor([0, 9, -100])
X, WEIGHT = torch.randn(3, 4), torch.randn(10, 4)


@pytest.mark.parametrize(
    ("kind", "sentence", "logits", "target", "options"),
    [
        (TypeError, "logits of dtype torch.int64 must be", LOGITS.long(), TARGET, {}),
        (TypeError, "logits of dtype torch.complex64 must be", LOGITS * 1j, TARGET, {}),
        (TypeError, "target of dtype torch.float32 must hold", LOGITS, TARGET.float(), {}),
        (TypeError, "target of dtype torch.uint8 must hold", LOGITS, TARGET.byte(), {}),
        (ValueError, r"logits of shape \(10,\) must have two", LOGITS[0], TARGET, {}),
        (ValueError, r"logits of shape \(3, 10, 1\) must", LOGITS[:, :, None], TARGET, {}),
        (ValueError, r"logits of shape \(3, 0\) must", LOGITS[:, :0], TARGET, {}),
        (ValueError, r"target of shape \(2,\) must be \(3,\)", LOGITS, TARGET[:2], {}),
        (ValueError, r"target of shape \(3, 1\) must be \(3,\)", LOGITS, TARGET[:, None], {}),
        (ValueError, "target on meta must be on cpu", LOGITS, TARGET.to("meta"), {}),
        (ValueError, r"target=10 must lie in \[0, 10\)", LOGITS, TARGET + 1, {}),
        (ValueError, r"target=-1 must lie in \[0, 10\)", LOGITS, TARGET.clamp(min=-1), {}),
        (ValueError, "target=-100 .* ignore_index=7", LOGITS, TARGET, {"ignore_index": 7}),
        (ValueError, "reduction='avg' must be one of", LOGITS, TARGET, {"reduction": "avg"}),
        (ValueError, r"label_smoothing=1.0 must", LOGITS, TARGET, {"label_smoothing": 1.0}),
        (ValueError, r"label_smoothing=-0.1 must", LOGITS, TARGET, {"label_smoothing": -0.1}),
        (ValueError, r"z_loss=nan must", LOGITS, TARGET, {"z_loss": float("nan")}),
    ],
)
def test_bad_arguments(kind, sentence, logits, target, options):
    with pytest.raises(kind, match="cross_entropy: .*" + sentence):
        cross_entropy(logits, target, **options)


def test_a_parameter_is_not_overwritten():
    leaf = LOGITS.clone().requires_grad_()
    for logits in (leaf, leaf[:2], leaf.view(3, 10)):
        with pytest.raises(ValueError, match="overwrite a leaf that requires grad"):
            cross_entropy(logits, TARGET[: len(logits)], in_place=True)


def test_rows_that_share_memory_are_not_overwritten():
    row = torch.randn(10).requires_grad_() * 1
    with pytest.raises(ValueError, match=r"do not overlap.*\(0, 1\)"):
        cross_entropy(row.expand(3, 10), TARGET, in_place=True)
    column = torch.randn(10, 3).requires_grad_() * 1
    with pytest.raises(ValueError, match=r"adjacent logits.*\(1, 3\)"):
        cross_entropy(column.T, TARGET, in_place=True)


@pytest.mark.parametrize(
    ("kind", "sentence", "x", "weight", "options"),
    [
        (ValueError, "reduction='none' must be 'mean' or 'sum'", X, WEIGHT, {"reduction": "none"}),
        (ValueError, r"weight \(\(4, 10\), .*must be \(V, 4\)", X, WEIGHT.T, {}),
        (ValueError, "dtype and device of x, torch.float32", X, WEIGHT.double(), {}),
        (ValueError, r"x of shape \(3,\) must", X[:, 0], WEIGHT, {}),
        (ValueError, r"weight of shape \(4,\) must", X, WEIGHT[0], {}),
        (TypeError, "x of dtype torch.int64 must", X.long(), WEIGHT, {}),
        (ValueError, r"target=9 must lie in \[0, 9\)", X, WEIGHT[:9], {}),
        (ValueError, "chunk=0 must be at least 1", X, WEIGHT, {"chunk": 0}),
    ],
)
def test_bad_arguments_of_the_linear_layer(kind, sentence, x, weight, options):
    with pytest.raises(kind, match="cross_entropy: .*" + sentence):
        linear_cross_entropy(x, weight, TARGET, **options)


@pytest.mark.parametrize(
    ("module", "absent"),
    [("lossmath", ["torch", "triton"]), ("lossmath.fused", ["triton"])],
)
def test_import_brings_in_no_more_than_needed(module, absent):
    code = f"import sys, {module}; print([name for name in {absent} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
