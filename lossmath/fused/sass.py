"""What a GPU would execute: the kernels compiled for an H100 or H200 and read back, without one.

    python -m lossmath.fused.sass
    python -m lossmath.fused.sass --V 50257 50304 --dtype bf16

Triton's wheel carries NVIDIA's assembler and disassembler, and neither needs a device. A sweep is
the stretch of code that goes over a row; of each, the instructions and exponentials are counted
for one logit, and the bytes of a load. Rows of few blocks are unrolled into one stretch, "both".
The same reading of a forward kernel of your own: `budget`.

At the 4.8 TB/s of its data sheet an H200 has time for 13.9 instructions per bfloat16 logit that it
reads, and twice that for one that it also writes.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

ABSENT = (
    "Triton is not installed here, and its wheel holds the compiler and the disassembler that "
    "this needs: pip install triton (Linux)."
)
ITEMSIZE = {"bf16": 2, "fp16": 2, "fp32": 4}
# Kernel and warps, as `launch` shapes them; the one-launch kernel for rows that fill half of a
# multiprocessor and for those that fill all of it.
KERNELS = [
    ("forward_kernel", 8),
    ("backward_kernel", 4),
    ("forward_gradient_kernel", 16),
    ("forward_gradient_kernel", 32),
]
CAPABILITY = 90
TOOLS = ("ptxas", "nvdisasm", "cuobjdump")
# Logits are counted in the widest load: beside them a sweep loads at most the target, its logit and
# a factor, 14 bytes.
WIDEST = 16
# What an instruction is for, by how its opcode begins; anything else moves data or steers.
KINDS = {
    "load": ("LDG", "STG"),
    "max": ("FMNMX", "HMNMX2", "VHMNMX"),  # the latter two of several halves at once
    "exp": ("MUFU.EX2",),
    "add": ("FADD", "FMUL", "FFMA"),
}
INSTRUCTION = re.compile(r"/\*[0-9a-f]{4,}\*/\s+(@!?U?P\w+)?\s*([A-Z][\w.]*)(.*)")
LABEL = re.compile(r"^(\.L_x_\d+):")


@dataclass(frozen=True)
class Sweep:
    """One sweep of a compiled kernel over a row."""

    kernel: str
    dtype: str
    V: int
    aligned: bool
    warps: int
    sweep: str  # "forward", "maximum" alone, "gradient", or "both" in one stretch of code
    instructions: float  # per logit
    exps: float  # per logit
    load_bytes: int  # of the loads that bring most logits
    registers: int
    spills: int
    kinds: dict[str, float]  # instructions per logit by KINDS, and the "rest"


def sweeps(
    kernel,
    dtype: str,
    V: int,
    warps: int,
    *,
    aligned: bool = True,
    smoothing: float = 0.0,
    z_loss: float = 0.0,
) -> list[Sweep]:
    """Compile a kernel of `kernels` and count what each of its sweeps executes.

    Args:
        kernel: a function made by `triton.jit`, with the arguments of the one it stands for.
        dtype: of the logits, "bf16", "fp16" or "fp32".
        V: classes.
        warps: of 32 threads; each thread holds 64 bytes of logits, as in `launch`.
        aligned: whether rows start at multiples of 16 logits, as with a padded row stride.
        smoothing, z_loss: as label_smoothing and z_loss of `cross_entropy`.

    Raises:
        ValueError: an argument of the kernel has another name than those it may have.
        ModuleNotFoundError: Triton is not installed.
    """
    from .launch import BYTES_PER_THREAD

    block = warps * 32 * BYTES_PER_THREAD // ITEMSIZE[dtype]
    cubin = _compile(kernel, dtype, V, warps, block, aligned, smoothing, z_loss)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kernel.cubin"
        path.write_bytes(cubin)
        listing = _tool("nvdisasm", "-c", str(path))
        usage = _tool("cuobjdump", "-res-usage", str(path))
    (registers,) = map(int, re.findall(r"REG:(\d+)", usage))
    spills = len(re.findall(r"\b(?:STL|LDL)\b", listing))
    return [
        Sweep(
            kernel.__name__, dtype, V, aligned, warps, kind,
            instructions, kinds["exp"], load_bytes, registers, spills, kinds,
        )
        for kind, instructions, load_bytes, kinds in _count(listing, ITEMSIZE[dtype])
    ]  # fmt: skip


def absent() -> str:
    """Why kernels cannot be compiled and read here, as a sentence; empty where they can."""
    if not find_spec("triton"):
        return ABSENT
    if os.environ.get("TRITON_INTERPRET") == "1":
        return "TRITON_INTERPRET=1 is set here, so Triton interprets and compiles nothing."
    missing = [name for name in TOOLS if not _path(name).exists()]
    return f"Triton's package has no {' and no '.join(missing)} here." if missing else ""


def _compile(kernel, dtype, V, warps, block, aligned, smoothing, z_loss) -> bytes:
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    types = {
        "logits": f"*{dtype}", "gradient": f"*{dtype}", "target": "*i64",
        "loss": "*fp32", "maximum": "*fp32", "total": "*fp32", "upstream": "*fp32",
        "stride": "i32", "gradient_stride": "i32", "upstream_stride": "i32",
    }  # fmt: skip
    constants = {"V": V, "IGNORE": -100, "SMOOTHING": smoothing, "Z_LOSS": z_loss, "BLOCK": block}
    names = kernel.arg_names
    for name in names:
        if name not in types | constants:
            raise ValueError(f"{kernel.__name__}: argument {name!r} must be one of "
                             f"{', '.join(types | constants)}")  # fmt: skip
    multiples = [n for n in names if "*" in types.get(n, "") or (n in types and aligned)]
    source = ASTSource(
        kernel,
        {name: types.get(name, "constexpr") for name in names},
        {(names.index(name),): value for name, value in constants.items() if name in names},
        {(names.index(name),): [["tt.divisibility", 16]] for name in multiples},
    )
    target = GPUTarget("cuda", CAPABILITY, 32)
    return triton.compile(source, target=target, options={"num_warps": warps}).asm["cubin"]


def _path(tool: str) -> Path:
    import triton

    return Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / tool


def _tool(name: str, *arguments: str) -> str:
    command = [str(_path(name)), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _count(listing: str, itemsize: int) -> list[tuple[str, float, int, dict[str, float]]]:
    """(sweep, instructions per logit, load bytes, instructions per logit by kind) of each sweep.

    A sweep is a basic block that loads logits and takes an exponential of each, or else finds their
    maximum. The masked end of a row looks the same with predicated loads, and stands in only where
    no block of the row is whole.
    """
    found: dict[str, tuple[bool, tuple[float, int, dict[str, float]]]] = {}
    for body in _basic_blocks(listing):
        loads = [(mask, _load_bytes(opcode)) for mask, opcode in body if opcode[:3] == "LDG"]
        sizes = [size for _, size in loads]
        opcodes = [opcode for _, opcode in body]
        logits = sum(sizes) // WIDEST * WIDEST // itemsize
        kinds = {
            kind: sum(opcode.startswith(beginnings) for opcode in opcodes)
            for kind, beginnings in KINDS.items()
        }
        if not logits or (kinds["exp"] < logits and not kinds["max"]):
            continue
        stores = any(opcode.startswith("STG") for opcode in opcodes)
        if kinds["exp"] < logits:
            sweep = "maximum"
        else:
            sweep = "gradient" if not kinds["max"] else "both" if stores else "forward"
        whole = not any(mask for mask, _ in loads)
        width = max(set(sizes), key=sizes.count)
        if sweep not in found or whole > found[sweep][0]:
            kinds["rest"] = len(body) - sum(kinds.values())
            per_logit = {kind: count / logits for kind, count in kinds.items()}
            found[sweep] = whole, (len(body) / logits, width, per_logit)
    if len(found) > 1:
        found.pop("both", None)
    return [(sweep, *counts) for sweep, (_, counts) in sorted(found.items())]


def _basic_blocks(listing: str) -> list[list[tuple[str | None, str]]]:
    """The listing's (predicate, opcode) pairs, cut at labels and after branches."""
    blocks: list[list[tuple[str | None, str]]] = [[]]
    for line in listing.splitlines():
        if LABEL.match(line):
            blocks.append([])
        elif match := INSTRUCTION.search(line):
            blocks[-1].append((match[1], match[2]))
            if match[2].startswith(("BRA", "EXIT")):
                blocks.append([])
    return blocks


def _load_bytes(opcode: str) -> int:
    """LDG.E.128 loads 128 bits, LDG.E.U16 16, and LDG.E 32."""
    bits = re.search(r"\.[US]?(8|16|64|128)\b", opcode)
    return int(bits[1]) // 8 if bits else 4


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m lossmath.fused.sass",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--V", nargs="+", type=int, default=[32000, 50257, 128256])
    parser.add_argument("--dtype", nargs="+", choices=ITEMSIZE, default=["bf16", "fp32"])
    parser.add_argument("--smoothing", type=float, default=0.0)
    parser.add_argument("--z-loss", type=float, default=0.0)
    options = parser.parse_args(arguments)
    if why := absent():
        sys.exit(why)
    from . import kernels

    print(
        f"{'kernel':24}{'warps':>6}{'dtype':>6}{'V':>8}{'rows':>10}{'sweep':>10}"
        f"{'instr/logit':>12}{'exp/logit':>10}{'load B':>7}{'regs':>5}{'spills':>7}"
    )
    for dtype in options.dtype:
        for V in options.V:
            for aligned in (True,) if V % 16 == 0 else (False, True):
                for name, warps in KERNELS:
                    for s in sweeps(
                        getattr(kernels, name), dtype, V, warps,
                        aligned=aligned, smoothing=options.smoothing, z_loss=options.z_loss,
                    ):  # fmt: skip
                        rows = (
                            "dense" if aligned and V % 16 == 0 else "padded" if aligned else "odd"
                        )
                        print(
                            f"{s.kernel:24}{s.warps:6}{s.dtype:>6}{s.V:8}{rows:>10}{s.sweep:>10}"
                            f"{s.instructions:12.1f}{s.exps:10.2f}{s.load_bytes:7}"
                            f"{s.registers:5}{s.spills:7}",
                            flush=True,
                        )


if __name__ == "__main__":
    main()
