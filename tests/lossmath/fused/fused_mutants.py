"""Wrong versions of the package, one mistake each, and the check that notices it.

    TRITON_INTERPRET=1 python fused_mutants.py     # prints {mistake: failure, null if it survives}

A mistake is an edit of one source file. Each is applied to a copy of the package, imported in a
forked process because some mistakes end in a segmentation fault.
"""

import json
import os
import shutil
import sys
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).parents[3] / "lossmath" / "fused"


@dataclass(frozen=True)
class Mutant:
    mistake: str
    file: str
    right: str
    wrong: str
    noticed_by: str  # the check that fails


KERNEL_MUTANTS = [
    Mutant("row offsets in int32", "kernels.py",
           "tl.program_id(0).to(tl.int64)", "tl.program_id(0)",
           "rows_a_billion_logits_apart"),
    Mutant("the end of a row is padded with 0", "kernels.py",
           'mask=inside, other=float("-inf")).to', "mask=inside, other=0.0).to",
           "rows_masked_by_the_lowest_number"),
    Mutant("the end of a row is left out", "kernels.py", "if FULL < V:", "if FULL > V:",
           "vocabulary_that_is_no_multiple_of_anything"),
    Mutant("a running maximum starts at -inf", "kernels.py",
           "tl.constexpr(-3.4028234663852886e38)", 'tl.constexpr(float("-inf"))',
           "first_blocks_minus_infinity"),
    Mutant("a running maximum starts at 0", "kernels.py",
           "tl.constexpr(-3.4028234663852886e38)", "tl.constexpr(0.0)",
           "rows_masked_by_the_lowest_number"),
    Mutant("the running sum is not rescaled", "kernels.py",
           "d = d * tl.exp2((m - larger) * LOG2E)", "d = d * 1.0",
           "vocabulary_that_is_no_multiple_of_anything"),
    Mutant("lanes are joined without rescaling", "kernels.py",
           "tl.sum(d * tl.exp2((m - highest) * LOG2E), axis=0)", "tl.sum(d, axis=0)",
           "reductions"),
    Mutant("base 2 for base e", "kernels.py",
           "tl.constexpr(1.4426950408889634)", "tl.constexpr(1.0)",
           "reductions"),
    Mutant("no maximum is subtracted", "kernels.py",
           "larger = tl.maximum(m, tl.max(x, axis=0))", "larger = m * 0.0",
           "logits_of_ten_thousand"),
    Mutant("the log-sum-exp is formed first", "kernels.py",
           "tl.log(d) + (m - x_y)", "(tl.log(d) + m) - x_y",
           "logits_shifted_by_ten_thousand"),
    Mutant("the maximum is folded into the scaling", "kernels.py",
           "tl.exp2((x - m) * LOG2E)", "tl.exp2(x * LOG2E - m * LOG2E)",
           "logits_of_ten_thousand"),
    Mutant("smoothing sums the logits and then subtracts the target's", "kernels.py",
           "SMOOTHING / V * above", "SMOOTHING / V * ((above + V * x_y) - V * x_y)",
           "logits_shifted_by_ten_thousand"),
    Mutant("smoothing counts the padding", "kernels.py",
           "tl.where(inside, x - x_y, 0.0)", "x - x_y",
           "label_smoothing"),
    Mutant("smoothing is a sum over classes", "kernels.py",
           "loss -= SMOOTHING / V * above", "loss -= SMOOTHING * above",
           "label_smoothing"),
    Mutant("the smoothed gradient is a sum over classes", "kernels.py",
           "upstream * (SMOOTHING / V)", "upstream * SMOOTHING",
           "label_smoothing"),
    Mutant("the target keeps its whole probability", "kernels.py",
           "upstream * (1 - SMOOTHING)", "upstream",
           "label_smoothing"),
    Mutant("0 times infinity without smoothing", "kernels.py", "if SMOOTHING > 0:", "if True:",
           "scattered_minus_infinity"),
    Mutant("the target's gradient is not fixed up", "kernels.py",
           "tl.store(gradient, g.to(gradient.dtype.element_ty), mask=known)", "pass",
           "reductions"),
    Mutant("the target's logit is read after it was overwritten", "kernels.py",
           "write_target_gradient(row + y, known, x_y,",
           "write_target_gradient(row + y, known, tl.load(row + y).to(tl.float32),",
           "reductions"),
    Mutant("the z-loss gradient lacks its 2", "kernels.py", "1 + 2 * Z_LOSS", "1 + Z_LOSS",
           "z_loss"),
    Mutant("the z-loss is of log d", "kernels.py", "lse = m + tl.log(d)", "lse = tl.log(d)",
           "z_loss"),
    Mutant("an ignored row keeps its logits", "kernels.py",
           "tl.store(row + start + cols, zeros, mask=start + cols < V)", "pass",
           "all_rows_ignored"),
    Mutant("an ignored row's gradient is multiplied by 0", "kernels.py",
           "tl.store(out + cols, tl.zeros((BLOCK,), gradient.dtype.element_ty), mask=cols < V)",
           "tl.store(out + cols, tl.load(row + cols, mask=cols < V) * 0, mask=cols < V)",
           "ignored_rows_have_gradient_exactly_zero_even_of_nan"),
    Mutant("an ignored row has a loss", "kernels.py", "if y == IGNORE:", "if y == IGNORE - 1:",
           "ignored_rows_count_for_nothing"),
    Mutant("upstream is taken to be contiguous", "kernels.py",
           "n * upstream_stride", "n",
           "upstream_of_any_stride"),
    Mutant("upstream is taken to be 1", "kernels.py",
           "tl.load(upstream + n * upstream_stride), float", "1.0, float",
           "reductions"),
    Mutant("the gradient's rows are as far apart as the logits'", "kernels.py",
           "n * gradient_stride", "n * stride",
           "rows_any_distance_apart"),
    Mutant("rows are taken to be contiguous", "kernels.py", "n * stride", "n * V",
           "rows_any_distance_apart"),
    Mutant("rescaling skips all but 1", "kernels.py", "factor != 1", "factor == 1",
           "upstream_of_any_stride"),
    Mutant("a target beyond the row is read", "kernels.py",
           'mask=(y >= 0) & (y < V), other=float("nan")', "mask=y == y",
           "target_beyond_the_row"),
    Mutant("a target beyond the row has a gradient", "kernels.py",
           "tl.where(known, tl.load", "tl.where(y == y, tl.load",
           "target_beyond_the_row"),
]  # fmt: skip

CONTRACT_MUTANTS = [
    Mutant("overwriting is hidden from autograd", "loss.py",
           "        increment_version(logits)\n", "",
           "overwritten_logits_are_noticed_by_whoever_saved_them"),
    Mutant("the gradient in place is handed out twice", "loss.py",
           "        increment_version(gradient)\n", "",
           "gradient_in_place_is_handed_out_once"),
    Mutant("a gradient penalty loses a term", "loss.py", "if torch.is_grad_enabled():", "if False:",
           "gradient_penalty_raises"),
    Mutant("logits are overwritten under no_grad", "loss.py",
           "if in_place and torch.is_grad_enabled() and logits.requires_grad:",
           "if in_place and logits.requires_grad:",
           "logits_are_left_alone_unless_overwritten_on_request"),
    Mutant("the mean is over all rows", "loss.py",
           "(target != options.ignore_index).sum()", "torch.tensor(len(target))",
           "ignored_rows_count_for_nothing"),
    Mutant("the mean over no rows is 0", "loss.py", ".sum().to(", ".sum().clamp(min=1).to(",
           "all_rows_ignored"),
    Mutant("targets are taken to be contiguous", "loss.py", "target.contiguous()", "target",
           "targets_of_any_layout"),
    Mutant("columns are taken to be adjacent", "loss.py", "if logits.stride(1) != 1:", "if False:",
           "columns_not_adjacent"),
    Mutant("the upstream gradient is not rescaled in place", "loss.py",
           "        backend(gradient).rescale_(gradient, upstream.expand(len(gradient)))\n", "",
           "upstream_of_any_stride"),
    Mutant("dW is summed in bfloat16", "linear.py",
           "dtype=wide(weight.dtype)) if", "dtype=weight.dtype) if",
           "linear_layer"),
    Mutant("dW is laid out like a transposed weight", "linear.py",
           "weight.new_zeros(weight.shape, dtype", "torch.zeros_like(weight, dtype",
           "linear_layer_of_transposed_matrices"),
    Mutant("a linear layer's targets are taken to be contiguous", "linear.py",
           "target.contiguous()", "target",
           "linear_layer_of_transposed_matrices"),
    Mutant("the linear layer forgets the upstream gradient", "linear.py",
           "                backend(gradient).rescale_(gradient, upstream.expand(len(gradient)))\n",
           "                pass\n",
           "linear_layer"),
    Mutant("the mean is over chunks", "linear.py",
           "scale.expand(len(logits))", "scale.new_tensor(1 / len(logits)).expand(len(logits))",
           "linear_layer"),
]  # fmt: skip

MUTANTS = [*KERNEL_MUTANTS, *CONTRACT_MUTANTS]


def apply(mutant: Mutant, root: Path) -> None:
    """A copy of the package under root, with the mistake in it."""
    (root / "lossmath").mkdir()
    (root / "lossmath" / "__init__.py").touch()
    copy = shutil.copytree(PACKAGE, root / "lossmath" / "fused")
    source = (copy / mutant.file).read_text()
    if mutant.right not in source:
        raise LookupError(f"{mutant.mistake}: {mutant.right!r} is not in {mutant.file}")
    (copy / mutant.file).write_text(source.replace(mutant.right, mutant.wrong))


def verdict(mutant: Mutant) -> str | None:
    """How the check named by the mutant fails, or None where it does not."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as answer:
        apply(mutant, Path(folder))
        child = os.fork()
        if child == 0:
            sys.path[:0] = [folder, str(Path(__file__).parent)]
            os.write(answer.fileno(), _failure(mutant.noticed_by).encode())
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            return f"signal {os.WTERMSIG(status)}"
        answer.seek(0)
        return answer.read().decode() or None


def _failure(name: str) -> str:
    import fused_checks

    return fused_checks.failure(name) or ""


if __name__ == "__main__":
    import torch
    import triton  # noqa: F401  imported once, before the forks

    torch.set_num_threads(1)
    warnings.filterwarnings("ignore", category=RuntimeWarning)
    print(json.dumps({mutant.mistake: verdict(mutant) for mutant in MUTANTS}))
