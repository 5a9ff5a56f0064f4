"""The kernels as compiled for an H100 or H200, read without one."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from lossmath.fused import sass

# Kernel and warps. An H200 has time for 15.6 instructions per bfloat16 logit read, and as many per
# logit written; half of that leaves room for the ends of rows and for waiting.
SHAPES = [
    ("forward_kernel", 8, {"forward"}),
    ("backward_kernel", 4, {"gradient"}),
    ("forward_gradient_kernel", 16, {"forward", "gradient"}),
    ("forward_gradient_kernel", 32, {"forward", "gradient"}),
]
BUDGET = {"forward": 8.5, "gradient": 7.5}


@pytest.mark.parametrize("dtype", ["bf16", "fp32"])
@pytest.mark.parametrize(("kernel", "warps", "expected"), SHAPES)
def test_budget(kernel, warps, expected, dtype):
    from lossmath.fused import kernels

    found = sass.sweeps(getattr(kernels, kernel), dtype, 128256, warps)
    assert {s.sweep for s in found} == expected
    for s in found:
        assert s.instructions <= BUDGET[s.sweep]
        assert s.exps <= 1.25
        assert s.load_bytes == 16
        assert s.spills == 0
        assert s.registers <= 64, "32 warps no longer fit on a multiprocessor"


@pytest.mark.parametrize(
    ("sweep", "right", "wrong"),
    [
        ("forward", "tl.exp2((x - larger[None, :]) * LOG2E)", "tl.exp(x - larger[None, :])"),
        ("gradient", "a * tl.exp2((x - m) * LOG2E)", "tl.exp2((x - m) * LOG2E) / a"),
    ],
    ids=["exp for exp2", "a division for every logit"],
)
def test_slower_arithmetic_exceeds_the_budget(sweep, right, wrong, tmp_path):
    source = Path(sass.__file__).with_name("kernels.py").read_text()
    assert right in source
    path = tmp_path / "slower.py"
    path.write_text(source.replace(right, wrong))
    spec = importlib.util.spec_from_file_location("slower", path)
    slower = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(slower)
    found = sass.sweeps(slower.forward_gradient_kernel, "bf16", 128256, 16)
    assert {s.sweep: s.instructions for s in found}[sweep] > BUDGET[sweep]


@pytest.mark.parametrize(("smoothing", "z_loss"), [(0.1, 0.0), (0.0, 0.01), (0.1, 0.01)])
def test_options_cost_two_instructions_at_most(smoothing, z_loss):
    from lossmath.fused import kernels

    options = {"smoothing": smoothing, "z_loss": z_loss}
    kernel = kernels.forward_gradient_kernel
    plain = sass.sweeps(kernel, "bf16", 128256, 32)
    for before, s in zip(plain, sass.sweeps(kernel, "bf16", 128256, 32, **options), strict=True):
        assert s.instructions <= before.instructions + (2.5 if smoothing else 0.1)
        assert s.spills == 0


@pytest.mark.parametrize("name", [*dict(sass.KERNELS), "rescale_kernel"])
@pytest.mark.parametrize("dtype", ["fp16", "bf16", "fp32"])
def test_every_kernel_compiles_for_short_rows(name, dtype):
    from lossmath.fused import kernels

    kernel = getattr(kernels, name)
    for s in sass.sweeps(kernel, dtype, 37, 1, aligned=False, smoothing=0.1, z_loss=0.01):
        assert s.spills == 0


def test_padded_rows_are_read_sixteen_bytes_at_a_time_and_odd_ones_are_not():
    from lossmath.fused import kernels

    loads = {
        aligned: sass.sweeps(kernels.forward_kernel, "bf16", 50257, 8, aligned=aligned)[0]
        for aligned in (True, False)
    }
    assert loads[True].load_bytes == 16 and loads[False].load_bytes == 2
    assert loads[True].instructions < loads[False].instructions


def test_counts_by_hand():
    listing = """
.L_x_0:
  /*0000*/ LDG.E.128 R8, desc[UR4][R2.64] ;
  /*0010*/ @P0 FMNMX R1, R2, R3, !PT ;
  /*0020*/ MUFU.EX2 R1, R1 ;
  /*0030*/ MUFU.EX2 R2, R2 ;
  /*0040*/ MUFU.EX2 R3, R3 ;
  /*0050*/ MUFU.EX2 R4, R4 ;
  /*0060*/ @!P0 BRA `(.L_x_0) ;
  /*0070*/ @P1 LDG.E.128 R8, desc[UR4][R2.64] ;
"""
    kinds = {"load": 1 / 4, "max": 1 / 4, "exp": 1.0, "add": 0.0, "rest": 1 / 4}
    assert sass._count(listing, itemsize=4) == [("forward", 7 / 4, 16, kinds)]


def test_table():
    command = [sys.executable, "-m", "lossmath.fused.sass", "--V", "32000", "--dtype", "bf16"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert lines[0].split()[:4] == ["kernel", "warps", "dtype", "V"]
    assert [line.split()[0] for line in lines[1:]] == [name for name, _ in sass.KERNELS]


def test_without_triton_a_sentence(monkeypatch):
    monkeypatch.setattr(sass, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match="Triton is not installed here"):
        sass.main([])
