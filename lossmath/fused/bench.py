"""Benchmark of cross-entropy and of linear layer + cross-entropy.

    python -m lossmath.fused.bench --json results.json            # the grid for this device
    python -m lossmath.fused.bench --sweep                        # and warps, and chunk sizes
    python -m lossmath.fused.bench --N 8192 --V 128256 --only ours --once    # for a profiler

Needs torch, triton and numpy alone; where lossmath's other requirements are missing, say
`python -m fused.bench` in the folder lossmath.

Every program is first compared with float64 on fresh random inputs, and one that is wrong gets no
time. Then all programs take turns, each on restored inputs, so that whatever drifts drifts for all.
On a GPU times are read against the copy and matrix-product rates of the same run; on a CPU only
their ratios to the baseline mean anything, and only those are kept.
"""

import argparse
import itertools
import json
import re
import statistics
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch

from .measure import Cpu, Gpu, Machine
from .providers import BASELINE, Provider, providers
from .workload import TOLERANCE, Workload

SCHEMA = "ce-bench/1"
DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}
GRID = {
    "cuda": {
        "N": [8192],
        "V": [32000, 50257, 50304, 128256, 151936, 262144],
        "D": [4096],
        "dtype": ["bfloat16", "float32"],
    },
    "cpu": {"N": [2048], "V": [32000], "D": [512], "dtype": ["float32"]},
}
WARM_UPS = 3
LEAST_ROUNDS, MOST_ROUNDS = 7, 200
PATH = re.compile(r"(/[\w.+-]+){2,}/?")


def main(arguments: list[str] | None = None) -> None:
    options = _parse(arguments)
    machine: Machine = Gpu() if options.device == "cuda" else Cpu()
    workloads = list(_workloads(options))
    if options.once:
        for workload in workloads:
            _run_once(workload, options)
        return
    report: dict[str, Any] = {
        "schema": SCHEMA,
        "env": machine.environment(),
        "ceilings": {"before": machine.ceilings(), "after": {}},
        "results": [],
    }
    for workload in workloads:
        results = _measure(workload, machine, options, report["ceilings"]["before"])
        report["results"] += results
        print(_table(workload, results), flush=True)
        if options.json:  # after every shape, so that a run cut short leaves what it has
            options.json.write_text(json.dumps(report, indent=1) + "\n")
    report["ceilings"]["after"] = machine.ceilings()
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m lossmath.fused.bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", type=Path, help="where the results go")
    parser.add_argument(
        "--device", choices=GRID, default="cuda" if torch.cuda.is_available() else "cpu"
    )
    parser.add_argument("--op", nargs="+", choices=BASELINE, default=list(BASELINE))
    parser.add_argument("--pass", nargs="+", choices=["fwd", "fwd+bwd"], default=["fwd", "fwd+bwd"])
    parser.add_argument("--N", nargs="+", type=int, help="rows")
    parser.add_argument("--V", nargs="+", type=int, help="classes")
    parser.add_argument("--D", nargs="+", type=int, help="features of the linear layer")
    parser.add_argument("--dtype", nargs="+", choices=DTYPES)
    parser.add_argument("--seconds", type=float, default=0.6, help="of measurement per program")
    parser.add_argument(
        "--only", nargs="+", default=[""], help="programs whose name holds one of these"
    )
    parser.add_argument("--sweep", action="store_true", help="also other warps and chunk sizes")
    parser.add_argument("--once", action="store_true", help="one call each, not measured")
    options = parser.parse_args(arguments)
    for name, default in GRID[options.device].items():
        if getattr(options, name) is None:
            setattr(options, name, default)
    return options


def _workloads(options: argparse.Namespace) -> Iterator[Workload]:
    passes = vars(options)["pass"]
    for dtype, n, v, direction in itertools.product(options.dtype, options.N, options.V, passes):
        for op in options.op:
            for d in [None] if op == "cross_entropy" else options.D:
                yield Workload(n, v, d, DTYPES[dtype], options.device, direction == "fwd+bwd")


def _selected(
    workload: Workload, options: argparse.Namespace, always: str | None = None
) -> dict[str, Provider]:
    table = providers(workload, options.sweep)
    return {
        name: provider
        for name, provider in table.items()
        if name == always or any(part in name for part in options.only)
    }


def _run_once(workload: Workload, options: argparse.Namespace) -> None:
    leaves, target = workload.inputs()
    for name, provider in _selected(workload, options).items():
        print(name)
        workload.call(provider, workload.arguments(leaves), target)


def _measure(
    workload: Workload, machine: Machine, options: argparse.Namespace, ceilings: dict
) -> list:
    baseline = BASELINE[workload.op]
    results, alive = {}, {}
    for name, provider in _selected(workload, options, always=baseline).items():
        results[name] = _checked(workload, provider, machine)
        if results[name]["ok"]:
            alive[name] = provider
    times = _times(workload, alive, machine, options.seconds)
    for name, values in times.items():
        results[name] |= _figures(workload, values, times.get(baseline), ceilings)
    return [
        {
            "op": workload.op,
            "pass": "fwd+bwd" if workload.backward else "fwd",
            "provider": name,
            "N": workload.N,
            "V": workload.V,
            "D": workload.D,
            "dtype": str(workload.dtype).removeprefix("torch."),
            **result,
        }
        for name, result in results.items()
    ]


def _checked(workload: Workload, provider: Provider, machine: Machine) -> dict[str, Any]:
    """Whether a program is right, and its peak memory: both before anything is timed."""
    result: dict[str, Any] = {
        "ok": False, "error": None, "check": None, "ms": None, "ratio": None,
        "model_bytes": workload.model_bytes, "model_GBps": None, "fraction_of_copy": None,
        "flop": workload.flop, "TFLOPs": None, "fraction_of_matmul": None,
        "peak_extra_bytes": None,
    }  # fmt: skip
    try:
        leaves, target = workload.inputs()
        for leaf in leaves:  # what is freed here is allocated next: unwritten results show
            torch.full_like(leaf, float("nan"), requires_grad=False)
        answers = workload.call(provider, workload.arguments(leaves), target)
        errors = workload.errors(answers, workload.reference(leaves, target))
        del answers
        result["check"] = {
            "loss_rel_err": errors[0],
            "grad_rel_err": max(errors[1:], default=None),
            "reference": "float64",
        }
        if not max(errors) <= TOLERANCE[workload.dtype]:  # a NaN is wrong too
            result["error"] = f"wrong: relative errors {errors}"
            return result
        for _ in range(WARM_UPS):
            workload.call(provider, workload.arguments(leaves), target)
        arguments = workload.arguments(leaves)
        result["peak_extra_bytes"] = machine.peak(
            lambda: workload.call(provider, arguments, target)
        )
        result["ok"] = True
    except torch.OutOfMemoryError:
        result["error"] = "out of memory"
    except Exception as error:  # a provider that cannot run here is a line of the table
        result["error"] = _brief(error)
    return result


def _brief(error: Exception) -> str:
    """Kind and first line of an error, without paths: they say nothing on another machine."""
    first = next(iter(str(error).splitlines()), "")
    return f"{type(error).__name__}: {PATH.sub('...', first)}"


def _times(
    workload: Workload, table: dict[str, Provider], machine: Machine, seconds: float
) -> dict[str, list[float]]:
    """Milliseconds of every program, round by round."""
    times: dict[str, list[float]] = {name: [] for name in table}
    leaves, target = workload.inputs()
    for done in range(1, MOST_ROUNDS + 1):
        for name, provider in table.items():
            arguments = workload.arguments(leaves)
            call = partial(workload.call, provider, arguments, target)
            times[name].append(machine.time(call))
        spent = sum(map(sum, times.values())) / 1e3
        if spent > seconds * len(table) and done >= LEAST_ROUNDS:
            break
    return times


def _figures(
    workload: Workload, times: list[float], baseline: list[float] | None, ceilings: dict
) -> dict:
    figures: dict = {}
    if baseline:
        ratios = [mine / base for mine, base in zip(times, baseline, strict=True)]
        figures["ratio"] = {
            "to": BASELINE[workload.op],
            "median": statistics.median(ratios),
            "min": min(ratios),
            "max": max(ratios),
            "n": len(ratios),
        }
    if not ceilings:
        return figures
    p10, *_, p90 = statistics.quantiles(times, n=10)
    median = statistics.median(times)
    figures["ms"] = {"median": median, "p10": p10, "p90": p90, "n": len(times)}
    figures["model_GBps"] = workload.model_bytes / median / 1e6
    figures["fraction_of_copy"] = figures["model_GBps"] / ceilings["copy_GBps"]
    if workload.flop:
        figures["TFLOPs"] = workload.flop / median / 1e9
        figures["fraction_of_matmul"] = figures["TFLOPs"] / ceilings["matmul_TFLOPs"]
    return figures


def _table(workload: Workload, results: list[dict]) -> str:
    """The results of one workload as text; memory in units of one logits tensor."""
    logits = workload.N * workload.V * workload.dtype.itemsize
    first = results[0]
    shape = f"N={workload.N} V={workload.V}" + (f" D={workload.D}" if workload.D else "")
    lines = [
        f"\n{workload.op}, {first['pass']}, {shape}, {first['dtype']}",
        f"{'':36}{'ms':>9}{'of copy':>9}{'of matmul':>10}{'ratio':>8}  [min, max]      peak",
    ]
    for result in results:
        if not result["ok"]:
            lines.append(f"{result['provider']:36}{result['error']}")
            continue
        ms, ratio = result["ms"], result["ratio"]
        spread = f"[{ratio['min']:.2f}, {ratio['max']:.2f}]" if ratio else ""
        lines.append(
            f"{result['provider']:36}"
            f"{_cell(ms and ms['median'], 9)}{_cell(result['fraction_of_copy'], 9)}"
            f"{_cell(result['fraction_of_matmul'], 10)}{_cell(ratio and ratio['median'], 8)}"
            f"  {spread:14}{result['peak_extra_bytes'] / logits:6.2f}"
        )
    return "\n".join(lines)


def _cell(value: float | None, width: int) -> str:
    return f"{'' if value is None else format(value, '.3g'):>{width}}"


if __name__ == "__main__":
    main()
