"""The tables of docs/gpu.md: current, and right for a run on a GPU as well."""

import json
import re

import pytest

from lossmath.fused import report


def on_a_gpu() -> dict:
    """The run recorded on a CPU with the fields that a GPU fills in."""
    run = json.loads((report.RESULTS / "cpu.json").read_text())
    run["env"] |= {"device": "NVIDIA H200", "kind": "cuda", "cuda": "13.0"}
    run["ceilings"] = {
        "before": {"copy_GBps": 4000.0, "matmul_TFLOPs": 800.0, "matmul_dtype": "bfloat16"},
        "after": {"copy_GBps": 4040.0, "matmul_TFLOPs": 790.0, "matmul_dtype": "bfloat16"},
    }
    run["results"] = [r for r in run["results"] if r["provider"].startswith(("ours", "x @"))]
    for r in run["results"]:
        r["ms"] = {"median": 2.0, "p10": 1.0, "p90": 3.0, "n": 9}
        r["fraction_of_copy"], r["fraction_of_matmul"] = 0.9, 0.7
    run["results"][0] |= {"ok": False, "error": "out of memory", "ms": None, "ratio": None}
    return run


def test_the_page_is_current(capsys):
    assert report.main(["--check"]) == 0, capsys.readouterr().err


def test_a_changed_figure_is_noticed_and_the_prose_is_kept(tmp_path, monkeypatch):
    text = report.PAGE.read_text()
    page = tmp_path / "gpu.md"
    page.write_text(
        text.replace("| ours, one launch |  |  | 0.46", "| ours, one launch |  |  | 0.1")
    )
    assert page.read_text() != text
    monkeypatch.setattr(report, "PAGE", page)
    assert report.main(["--check"]) == 1
    assert report.main([]) == 0
    assert page.read_text() == text


def test_the_page_needs_its_marker():
    with pytest.raises(ValueError, match=r"docs/gpu.md must hold the line"):
        report.page("# Fused cross-entropy\n")


def cells(shown: str) -> dict[tuple, list[str]]:
    """The cells of the tables by operation, dtype, N, V, D and program."""
    found, shape = {}, ()
    for line in shown.splitlines():
        if heading := re.match(r"`(\w+)`, (\w+), N = (\d+), V = (\d+)(?:, D = (\d+))?:", line):
            shape = heading.groups()
        elif line.startswith("| ") and not line.startswith("| program"):
            program, *rest = line.strip("| ").split(" | ")
            found[*shape, program.strip("*")] = rest
    return found


@pytest.mark.parametrize("run", [*report.recorded(), on_a_gpu()], ids=lambda r: r["env"]["device"])
def test_every_recorded_time_is_shown(run):
    shown = cells(report.tables(run))
    for r in run["results"]:
        shape = (r["op"], r["dtype"], str(r["N"]), str(r["V"]), r["D"] and str(r["D"]))
        text = " | ".join(shown[*shape, r["provider"]])
        if not r["ok"]:
            assert r["error"] in text
        elif r["ms"]:
            assert f"{r['ms']['median']:.3g} ms" in text
        else:
            assert f"{r['ratio']['median']:.2f}" in text


def test_several_recorded_files_stand_one_after_the_other(tmp_path, monkeypatch):
    cpu, gpu = (report.RESULTS / "cpu.json").read_text(), json.dumps(on_a_gpu())
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    (tmp_path / "cpu.json").write_text(cpu)
    alone, others = report.page(report.MARKER).split("## Published by others")
    (tmp_path / "h200.json").write_text(gpu)
    both = report.page(report.MARKER)
    assert both.startswith(alone) and both.endswith(others)
    assert "**NVIDIA H200**" in both.removeprefix(alone).removesuffix(others)


def test_a_run_on_a_gpu_shows_times_shares_and_failures():
    shown = report.tables(on_a_gpu())
    assert "**NVIDIA H200**" in shown and "cuda 13.0" in shown
    assert "Copy 4000 GB/s before and 4040 after" in shown
    assert "| ours, one launch |  |  | 2 ms, 90% | 0.01 |" in shown
    assert "| ours, chunked | 2 ms, 70% | 0.13 | 2 ms, 70% | 0.40 |" in shown
    assert "| ours, two kernels | out of memory |  | 2 ms, 90% | 1.01 |" in shown


def test_floors_are_bytes_over_the_nominal_rate():
    row = next(line for line in report.floors().splitlines() if line.startswith("| 128256 | bf"))
    least = 2 * 8192 * 128256 * 2 / (report.NOMINAL["GBps"] * 1e9) * 1e3
    assert f"| {least:.2f} |" in row
