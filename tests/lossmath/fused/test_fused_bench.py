"""The benchmark: what it writes, what it refuses to time, and what it counts exactly."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from lossmath.fused import bench
from lossmath.fused.measure import Cpu
from lossmath.fused.providers import providers
from lossmath.fused.workload import Workload

RESULTS = Path(bench.__file__).parent / "results"
TINY = ["--device", "cpu", "--N", "16", "--V", "300", "--D", "8", "--seconds", "0"]
FIELDS = {
    "op", "pass", "provider", "N", "V", "D", "dtype", "ok", "error", "check", "ms", "ratio",
    "model_bytes", "model_GBps", "fraction_of_copy", "flop", "TFLOPs", "fraction_of_matmul",
    "peak_extra_bytes",
}  # fmt: skip
CEILINGS = {"copy_GBps", "matmul_TFLOPs", "matmul_dtype"}
ENVIRONMENT = {
    "device", "kind", "sms", "l2_bytes", "capability", "driver", "torch", "triton",
    "liger_kernel", "cuda", "python", "when", "timer",
}  # fmt: skip


def logits_workload(backward=True, rows=16, classes=300):
    return Workload(rows, classes, None, torch.float32, "cpu", backward)


@pytest.fixture(autouse=True)
def threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)  # the CPU clock wants one


@pytest.fixture
def report(request, tmp_path):
    if request.param == "recorded":
        return json.loads((RESULTS / "cpu.json").read_text())
    bench.main([*TINY, "--only", "ours", "--json", str(tmp_path / "r.json")])
    return json.loads((tmp_path / "r.json").read_text())


@pytest.mark.parametrize("report", ["fresh", "recorded"], indirect=True)
def test_report(report):
    assert report["schema"] == "ce-bench/1"
    assert set(report["env"]) == ENVIRONMENT and report["env"]["kind"] == "cpu"
    assert report["ceilings"] == {"before": {}, "after": {}}
    passes = {(r["op"], r["pass"]) for r in report["results"]}
    assert passes == {(o, p) for o in bench.BASELINE for p in ("fwd", "fwd+bwd")}
    for r in report["results"]:
        assert set(r) == FIELDS
        assert r["ok"] and r["error"] is None
        assert r["check"]["loss_rel_err"] < 1e-4
        assert (r["check"]["grad_rel_err"] is None) == (r["pass"] == "fwd")
        # On a CPU only ratios and memory mean anything.
        assert r["ms"] is r["model_GBps"] is r["fraction_of_copy"] is r["TFLOPs"] is None
        assert r["ratio"]["min"] <= r["ratio"]["median"] <= r["ratio"]["max"]
        assert r["ratio"]["n"] >= 7
        if r["provider"] == bench.BASELINE[r["op"]]:
            assert r["ratio"]["median"] == 1


def test_every_recorded_file_is_whole():
    paths = sorted(RESULTS.glob("*.json"))
    assert paths
    for path in paths:
        assert not re.search(r"/(home|root|tmp|usr|work)\b", path.read_text()), path
        whole(json.loads(path.read_text()))


def whole(report):
    """A result is checked and timed, or says why not; a GPU's stand beside its ceilings."""
    gpu = report["env"]["kind"] == "cuda"
    assert report["schema"] == "ce-bench/1" and set(report["env"]) == ENVIRONMENT
    assert gpu or re.fullmatch(r"\w+ CPU", report["env"]["device"])
    assert set(report["ceilings"]["before"]) == (CEILINGS if gpu else set())
    for r in report["results"]:
        assert set(r) == FIELDS
        assert r["ok"] == (r["error"] is None) == bool(r["ms"] or r["ratio"])
        assert not r["ok"] or (r["ms"] is not None) == (r["fraction_of_copy"] is not None) == gpu


def test_a_whole_file_is_told_from_others(tmp_path):
    bench.main([*TINY, "--only", "ours", "--op", "cross_entropy", "--json", str(tmp_path / "r")])
    report = json.loads((tmp_path / "r").read_text())
    whole(report)
    for field, wrong in (("error", "a reason"), ("ratio", None), ("ms", {"median": 1.0})):
        with pytest.raises(AssertionError):
            results = [report["results"][0] | {field: wrong}]
            whole(report | {"results": results})


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RuntimeError("no room\nat line 3"), "RuntimeError: no room"),
        (AssertionError(), "AssertionError: "),
        (OSError("/home/me/.triton/cache is full"), "OSError: ... is full"),
        (ValueError("1/2 of a/b"), "ValueError: 1/2 of a/b"),
    ],
)
def test_a_reason_is_one_line_and_names_no_folder(error, said):
    assert bench._brief(error) == said


def test_a_program_that_is_wrong_or_fails_gets_no_time(monkeypatch):
    def runs_out_of_memory(logits, target):
        raise torch.OutOfMemoryError

    table = {
        "F.cross_entropy": F.cross_entropy,
        "wrong loss": lambda logits, target: F.cross_entropy(logits, target) + 0.1,
        "wrong gradient": lambda logits, target: F.cross_entropy(
            2 * logits - logits.detach(), target
        ),
        "not a number": lambda logits, target: F.cross_entropy(logits, target) * float("nan"),
        "too large": runs_out_of_memory,
        "unable": lambda logits, target: F.cross_entropy(logits, target[:3]),
    }
    monkeypatch.setattr(bench, "providers", lambda workload, sweep: table)
    options = bench._parse(TINY)
    results = bench._measure(logits_workload(), Cpu(), options, {})
    errors = {r["provider"]: r["error"] for r in results}
    assert [r["provider"] for r in results if r["ok"]] == ["F.cross_entropy"]
    assert all(r["ratio"] is None for r in results if not r["ok"])
    assert all(errors[name].startswith("wrong") for name in list(table)[1:4])
    assert errors["too large"] == "out of memory"
    assert errors["unable"].startswith("ValueError: Expected input batch_size")
    assert "out of memory" in bench._table(logits_workload(), results)


@pytest.mark.parametrize("features", [None, 8])
def test_reference(features):
    workload = Workload(100, 300, features, torch.float32, "cpu", True)
    leaves, target = workload.inputs()
    wide = [leaf.detach().double().requires_grad_() for leaf in leaves]
    logits = wide[0] if features is None else wide[0] @ wide[1].T
    loss = F.cross_entropy(logits, target)
    want = [loss, *torch.autograd.grad(loss, wide)]
    assert max(workload.errors(want, workload.reference(leaves, target))) < 1e-14


def test_every_call_gets_its_logits_restored():
    workload = logits_workload()
    leaves, target = workload.inputs()
    ours = providers(workload, sweep=False)["ours, one launch"]
    first, second = (workload.call(ours, workload.arguments(leaves), target) for _ in range(2))
    assert torch.equal(first[0], second[0]) and torch.equal(first[1], second[1])


def test_floor():
    """The byte and FLOP counts of the chapter's tables, in GB and TFLOP."""

    def at(rows, classes, features, dtype, backward):
        return Workload(rows, classes, features, dtype, "cpu", backward)

    assert at(8192, 32000, None, torch.bfloat16, False).model_bytes / 1e9 == pytest.approx(0.524288)
    assert at(8192, 128256, None, torch.bfloat16, True).model_bytes / 4.3e9 == pytest.approx(
        0.977, abs=5e-4
    )
    assert at(8192, 128256, None, torch.float32, True).flop is None
    assert at(8192, 32000, 2048, torch.bfloat16, True).flop / 1e12 == pytest.approx(3.22, abs=5e-3)
    assert at(8192, 262144, 4096, torch.bfloat16, True).flop / 1e12 == pytest.approx(52.8, abs=0.05)


def test_figures_on_a_gpu():
    workload = Workload(1000, 1000, 10, torch.float32, "cuda", True)
    ceilings = {"copy_GBps": 100.0, "matmul_TFLOPs": 1.0}
    figures = bench._figures(workload, [1.0, 2.0, 3.0], [2.0, 2.0, 2.0], ceilings)
    assert figures["ms"]["median"] == 2.0 and figures["ms"]["n"] == 3
    assert figures["ratio"]["median"] == 1.0
    assert figures["model_GBps"] == pytest.approx(2 * 4 * 2000 * 10 / 2e-3 / 1e9)
    assert figures["fraction_of_copy"] == pytest.approx(figures["model_GBps"] / 100)
    assert figures["TFLOPs"] == pytest.approx(6e7 / 2e-3 / 1e12)


@pytest.mark.parametrize(
    ("name", "tensors"),
    [
        ("exp / sum, log, gather", 6),
        ("softmax, log, gather", 3),
        ("softmax, gather, log", 3),
        ("logsumexp - gather", 4),
        ("log_softmax, nll_loss", 3),
        ("F.cross_entropy", 3),
        ("ours, two kernels", 1),
        ("ours, one launch", 0),
    ],
)
def test_peak_memory_in_logits_tensors(name, tensors):
    """Exact but for what is per row, and for the blocks in which PyTorch code goes over rows."""
    workload = logits_workload(rows=2048, classes=8000)
    leaves, target = workload.inputs()
    provider, arguments = providers(workload, sweep=False)[name], workload.arguments(leaves)
    peak = Cpu().peak(lambda: workload.call(provider, arguments, target))
    assert 0 <= peak / (4 * 2048 * 8000) - tensors < 0.1


def test_once_runs_without_measuring(capsys):
    bench.main([*TINY, "--only", "ours", "--op", "cross_entropy", "--pass", "fwd", "--once"])
    assert capsys.readouterr().out == "ours, two kernels\n"


def test_runs_where_only_torch_triton_and_numpy_are_installed():
    code = (
        "import sys, runpy; sys.modules['lossmath'] = sys.modules['array_api_compat'] = None;"
        f"sys.argv[1:] = {[*TINY, '--only', 'ours', '--once']};"
        "runpy.run_module('fused.bench', run_name='__main__')"
    )
    folder = Path(bench.__file__).parents[1]
    run = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert "ours, chunked" in run.stdout
