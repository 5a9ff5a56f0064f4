"""What others have published about the same task, as they published it, and read against the floor.

Every number stands in published.json, with where it was found, what it counts and what is unfair
in the comparison. Computed from it, by the rates of a device's data sheet: how many tables of
logits could have been carried in the time, and what the products of a linear layer would need.
"""

import json
from pathlib import Path

import torch

from .workload import Workload

_FILE = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
# GB/s of the memory and TFLOP/s of bfloat16 products, by the data sheets.
DEVICES: dict[str, dict[str, float]] = _FILE["devices"]
SOURCES: list[dict] = _FILE["sources"]
UNITS = {"MiB": 2**20, "GB": 10**9}


def workload(source: dict, result: dict) -> Workload:
    """What the program of a result was given."""
    dtype = getattr(torch, source["dtype"])
    backward = source["pass"] == "fwd+bwd"
    return Workload(result["N"], result["V"], result["D"], dtype, "cuda", backward)


def logits_bytes(source: dict, result: dict) -> int:
    """The size of one table of logits."""
    return getattr(torch, source["dtype"]).itemsize * result["N"] * result["V"]


def carried(source: dict, result: dict) -> float:
    """Tables of logits that the memory carries in the published time, at its nominal rate."""
    rate = DEVICES[source["device"]]["GBps"]
    if "GBps" in result:
        return source["passes_counted"] * rate / result["GBps"]
    return result["ms"] * 1e6 * rate / logits_bytes(source, result)


def teraflops(source: dict, result: dict) -> float:
    """TFLOP/s of a linear layer's products in the published time."""
    return (workload(source, result).flop or 0) / result["ms"] / 1e9


def peak(source: dict, result: dict) -> float:
    """The published peak in tables of logits."""
    return result["peak"] * UNITS[source["peak_unit"]] / logits_bytes(source, result)


def table(source: dict) -> str:
    """One source: where it stands, what it counts, what is unfair, and its numbers."""
    direction = "forward and backward" if source["pass"] == "fwd+bwd" else "forward"
    heading = f"{source['device'] or 'a GPU that is not named'}, {source['dtype']}, {direction}"
    return "\n".join(
        [
            f"**{source['title']}**: {heading}. Published in {source['where']}.\n",
            f"*Counted*: {source['counts']}. *Unfair*: {source['unfair']}\n",
            "| program | N | V | D | published | computed | peak, published | computed |",
            "|---|---|---|---|---|---|---|---|",
            *(_row(source, result) for result in source["results"]),
            "",
        ]
    )


def _row(source: dict, result: dict) -> str:
    cells = [
        result["program"],
        result["N"],
        result["V"],
        result["D"] or "",
        f"{result['GBps']} GB/s" if "GBps" in result else f"{result['ms']} ms",
        _reading(source, result),
        f"{result['peak']} {source['peak_unit']}" if "peak" in result else "",
        f"{peak(source, result):.2f} tables" if "peak" in result else "",
    ]
    return "| " + " | ".join(map(str, cells)) + " |"


def _reading(source: dict, result: dict) -> str:
    if source["op"] == "cross_entropy":
        return f"{carried(source, result):.2f} tables carried"
    reached = teraflops(source, result)
    if source["device"] is None:
        return f"{reached:.0f} TFLOP/s"
    return f"{reached:.0f} TFLOP/s, {reached / DEVICES[source['device']]['TFLOPs']:.0%}"
