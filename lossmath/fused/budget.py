"""Is a forward kernel of your own right, and lean enough for an H100 or H200? No GPU is needed.

    from lossmath.fused.budget import budget

    budget("forward.py")

The file holds `forward_kernel(logits, target, loss, stride, V, BLOCK)`, made by `triton.jit`. One
program works on one row: it finds the V logits of row n from `logits + n * stride` on, reads BLOCK
at a time, and stores the row's cross-entropy in `loss + n`. Triton's interpreter runs it on a few
rows of which the loss is known; then it is compiled, and `sass` reads what a GPU would execute.
"""

import ast
import os
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from .sass import WIDEST, Sweep, absent, sweeps

KERNEL = "forward_kernel"
DTYPE, WARPS = "bf16", 8
# An H200 has time for 14 to 15 instructions while its memory delivers a bfloat16 logit. A kernel
# that needs as many as that waits for nothing else; a quarter is left for the ends of rows.
INSTRUCTIONS = 11.0
VOCABULARY, ODD = 128256, 50257
PATIENCE = 120  # seconds; the interpreter needs a few


def budget(path: str = "forward.py") -> None:
    """Print whether the kernel in a file is right, what it would execute, and if that is enough.

    The budget: no spills, loads of 16 bytes and at most 11 instructions per bfloat16 logit, for
    rows of 128256 logits. Rows of 50257 are shown beside them: most start off the grid of 16 bytes.
    """
    file = Path(path)
    if why := _unwritten(file) or absent() or _wrong(file):
        print(why)
        return
    print(f"{KERNEL} gives the right losses in Triton's interpreter.")
    try:
        found = {words: read(file, words) for words in (VOCABULARY, ODD)}
    except Exception as error:  # a compiler has many
        print(f"{KERNEL} does not compile: {error}")
        return
    for words, of_a_row in found.items():
        print(f"V = {words:6}: {_summary(of_a_row)}")
    print("\n".join(complaints(found[VOCABULARY])) or _praise())


def read(file: Path, words: int) -> list[Sweep]:
    """The sweeps of the kernel in a file over rows of so many logits without a gap between them."""
    kernel = runpy.run_path(str(file))[KERNEL]
    return sweeps(kernel, DTYPE, words, WARPS, aligned=words % WIDEST == 0)


def complaints(found: list[Sweep]) -> list[str]:
    """A sentence for everything in which a kernel exceeds the budget."""
    if not found:
        return [
            f"Over the budget: no stretch of the code loads {WIDEST} bytes of logits for a thread "
            "and takes their exponentials. Read BLOCK logits at a time, so that a thread has "
            "enough of them on their way."
        ]
    said = []
    if len(found) > 1:
        said.append(
            f"Over the budget: the row is read {len(found)} times. A sum that is rescaled whenever "
            "the maximum grows needs one reading."
        )
    if spills := max(s.spills for s in found):
        said.append(
            f"Over the budget: {spills} instructions carry registers to memory and back, spills. A "
            "thread has no room for so many logits: read BLOCK of them at a time."
        )
    if (width := min(s.load_bytes for s in found)) < WIDEST:
        said.append(
            f"Over the budget: loads are {width} bytes wide, not {WIDEST}. Neighbouring logits "
            "must be read in order, and masked together: compare columns with V only."
        )
    if (count := sum(s.instructions for s in found)) > INSTRUCTIONS:
        said.append(
            f"Over the budget: {count:.1f} instructions per logit, and {INSTRUCTIONS:.0f} are "
            "allowed. What does every logit pay for that a block, or the row, could pay for once? "
            "And which exponential does the hardware have?"
        )
    return said


def _summary(found: list[Sweep]) -> str:
    if not found:
        return "no sweep over the row was found"
    return (
        f"{max(s.registers for s in found)} registers, {max(s.spills for s in found)} spills, "
        f"loads of {min(s.load_bytes for s in found)} bytes, "
        f"{sum(s.instructions for s in found):.1f} instructions per logit"
    )


def _praise() -> str:
    return (
        f"Within the budget: no spills, loads of {WIDEST} bytes, at most {INSTRUCTIONS:.0f} "
        f"instructions per logit at V = {VOCABULARY}."
    )


def _unwritten(file: Path) -> str:
    """Why there is no kernel in the file yet; empty where there is one."""
    if not file.exists():
        return f"There is no {file.name} here yet: run the cell that writes it."
    try:
        program = ast.parse(file.read_text(encoding="utf-8"))
    except SyntaxError as error:
        return f"{file.name}, line {error.lineno}: {error.msg}."
    for part in program.body:
        if isinstance(part, ast.FunctionDef) and part.name == KERNEL:
            unwritten = isinstance(part.body[-1], ast.Pass)
            return f"{KERNEL} is not written yet." if unwritten else ""
    return f"{file.name} defines no {KERNEL}."


def _wrong(file: Path) -> str:
    """What is wrong with the kernel's losses, by Triton's interpreter; empty where nothing is.

    In a process of its own: the interpreter must be asked for before Triton is imported, and a
    wrong address ends the process.
    """
    command = [sys.executable, "-m", __name__, str(file)]
    try:
        run = subprocess.run(
            command,
            env=os.environ | {"TRITON_INTERPRET": "1"},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
    except subprocess.TimeoutExpired:
        return f"{KERNEL} did not end within {PATIENCE} seconds in Triton's interpreter."
    except OSError as error:
        return f"Triton's interpreter cannot be started here: {error}."
    if run.returncode < 0:
        return (
            f"{KERNEL} left its memory: a row lies at n * stride, which passes 2**31 in ordinary "
            "training. Make n an int64 before you multiply."
        )
    if run.returncode:
        return f"{KERNEL} cannot be run: {(run.stderr.strip().splitlines() or ['?'])[-1]}"
    return run.stdout.strip()


def _interpreted(file: Path) -> str:
    """The first wrong loss as a sentence, or nothing."""
    kernel = runpy.run_path(str(file))[KERNEL]
    torch.manual_seed(0)
    for name, logits, block in _cases():
        target = torch.randint(logits.shape[1] - 20, logits.shape[1], (len(logits),))
        loss = torch.full((len(logits),), float("nan"))
        constants = {"V": logits.shape[1], "BLOCK": block}
        kernel[len(logits),](logits, target, loss, logits.stride(0), **constants)
        right = F.cross_entropy(logits.double(), target, reduction="none")
        off = ~torch.isclose(loss.double(), right, rtol=1e-5)
        if off.any():
            n = int(off.nonzero()[0])
            return f"{name}: the loss of row {n} is {right[n]:.6g}, not {loss[n]:.6g}."
    return ""


def _cases() -> Iterator[tuple[str, Tensor, int]]:
    """(what is special about them, logits, BLOCK). Between rows lies what must not be read."""
    yield "A row shorter than a block", _rows(3 * torch.randn(2, 37)), 128
    x = 3 * torch.randn(3, 1000)
    yield "A row of three blocks and a piece", _rows(x), 256
    yield "Logits near ten thousand", _rows(x + 1e4), 256
    yield "bfloat16", _rows(x.bfloat16()), 256
    masked = x.clone()
    masked[:, :600] = -float("inf")
    yield "Blocks of minus infinity first", _rows(masked), 256
    far = torch.empty((1 << 31) + 1000, dtype=torch.bfloat16).as_strided((3, 1000), (1 << 30, 1))
    yield "Rows far apart", far.copy_(x), 256  # a few pages of all these addresses are touched


def _rows(x: Tensor) -> Tensor:
    """The same rows with a gap of NaN after each."""
    return F.pad(x, (0, 300), value=float("nan"))[:, : x.shape[1]]


if __name__ == "__main__":
    print(_interpreted(Path(sys.argv[1])))
