"""The figures of docs/gpu.md: computed floors, recorded results and published ones, as tables.

python -m lossmath.fused.report            # rewrite them after adding a file to results/
python -m lossmath.fused.report --check    # fail when the page is out of date
"""

import argparse
import json
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import torch

from .bench import DTYPES, GRID
from .providers import BASELINE
from .published import DEVICES, SOURCES, table
from .workload import Workload

PAGE = Path(__file__).parents[2] / "docs" / "gpu.md"
RESULTS = Path(__file__).with_name("results")
MARKER = "<!-- From here on: python -m lossmath.fused.report -->\n"
# An H200 by its data sheet. What a copy and a product reach in practice is less, and is measured
# in every run of the benchmark.
NOMINAL = DEVICES["NVIDIA H200"]


def recorded() -> list[dict]:
    """Every recorded run of the benchmark."""
    return [json.loads(path.read_text()) for path in sorted(RESULTS.glob("*.json"))]


def floors() -> str:
    """The least time for each shape of the GPU's grid, at the nominal rates."""
    grid: dict = GRID["cuda"]
    (rows,), (features,) = grid["N"], grid["D"]
    lines = [
        f"N = {rows}. Linear layer: D = {features}, {grid['dtype'][0]}.",
        "",
        "| V | logits' dtype | logits, GB | forward, ms | forward and backward, ms | "
        "linear layer, forward and backward, ms |",
        "|---|---|---|---|---|---|",
    ]
    for V in grid["V"]:
        for name in grid["dtype"]:
            forward, both, linear = (
                Workload(rows, V, D, DTYPES[name], "cuda", backward)
                for D, backward in ((None, False), (None, True), (features, True))
            )
            moved = [w.model_bytes / NOMINAL["GBps"] / 1e6 for w in (forward, both)]
            products = f"{(linear.flop or 0) / NOMINAL['TFLOPs'] / 1e9:.1f}"
            lines.append(
                f"| {V} | {name} | {forward.model_bytes / 1e9:.2f} | {moved[0]:.2f} | "
                f"{moved[1]:.2f} | {products if name == grid['dtype'][0] else ''} |"
            )
    return "\n".join(lines)


def tables(report: dict) -> str:
    """One recorded run: where it ran, and a table for each operation and shape."""
    return "\n".join([_environment(report), *_tables(report["results"])])


def _environment(report: dict) -> str:
    env, before = report["env"], report["ceilings"]["before"]
    versions = [f"{name} {env[name]}" for name in ("torch", "triton", "cuda") if env[name]]
    text = f"**{env['device']}**, {', '.join(versions)}. Timer: {env['timer']}."
    if before:
        after = report["ceilings"]["after"] or before
        text += (
            f" Copy {before['copy_GBps']:.0f} GB/s before and {after['copy_GBps']:.0f} after; "
            f"product {before['matmul_TFLOPs']:.0f} TFLOP/s and {after['matmul_TFLOPs']:.0f}."
        )
    return text + "\n"


def _shape(result: dict) -> tuple:
    return result["op"], result["dtype"], result["N"], result["V"], result["D"] or 0


def _tables(results: list[dict]) -> Iterator[str]:
    for (op, dtype, N, V, D), group in groupby(sorted(results, key=_shape), key=_shape):
        by_program: dict[str, dict[str, dict]] = {}
        for result in group:
            by_program.setdefault(result["provider"], {})[result["pass"]] = result
        features = f", D = {D}" if D else ""
        yield f"`{op}`, {dtype}, N = {N}, V = {V}{features}:\n"
        yield "| program | forward | peak | forward and backward | peak |\n|---|---|---|---|---|"
        for program, passes in by_program.items():
            cells = [
                cell
                for direction in ("fwd", "fwd+bwd")
                for cell in _cells(passes.get(direction), D > 0)
            ]
            name = f"**{program}**" if program == BASELINE[op] else program
            yield f"| {name} | " + " | ".join(cells) + " |"
        yield ""


def _cells(result: dict | None, linear: bool) -> tuple[str, str]:
    """Time, in milliseconds or as a ratio, and peak memory in logits tensors."""
    if result is None:
        return "", ""
    if not result["ok"]:
        return result["error"], ""
    size = getattr(torch, result["dtype"]).itemsize * result["N"] * result["V"]
    peak = f"{result['peak_extra_bytes'] / size:.2f}"
    if result["ms"] is None:
        return f"{result['ratio']['median']:.2f}", peak
    share = result["fraction_of_matmul" if linear else "fraction_of_copy"]
    return f"{result['ms']['median']:.3g} ms, {share:.0%}", peak


def page(text: str) -> str:
    """The page with its figures made anew; what stands above the marker is kept."""
    prose, marker, _ = text.partition(MARKER)
    if not marker:
        raise ValueError(f"docs/gpu.md must hold the line {MARKER!r}")
    return "\n".join(
        [
            prose + MARKER,
            "## Floors of an H200, computed\n",
            f"Least bytes at {NOMINAL['GBps']:.0f} GB/s and least products at "
            f"{NOMINAL['TFLOPs']:.0f} TFLOP/s, the rates of the data sheet. These are predictions: "
            "no program has been timed for this table.\n",
            floors() + "\n",
            "## Recorded results\n",
            *(tables(report) for report in recorded()),
            "## Published by others, not measured here\n",
            *map(table, SOURCES),
        ]
    )


def main(arguments: list[str] | None = None) -> int:
    """Write or check the page; the exit status is 1 when a check finds it out of date."""
    parser = argparse.ArgumentParser(
        prog="python -m lossmath.fused.report",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--check", action="store_true", help="only say whether the page is current")
    check = parser.parse_args(arguments).check
    text = PAGE.read_text(encoding="utf-8")
    current = page(text)
    if check:
        if text != current:
            print(f"{PAGE} is out of date: run python -m lossmath.fused.report", file=sys.stderr)
        return int(text != current)
    PAGE.write_text(current, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
