"""Cross-entropy against float64: the PyTorch code here, the Triton kernels in the interpreter."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fused_checks import CHECKS, KERNEL_CHECKS, failure
from fused_mutants import MUTANTS

HERE = Path(__file__).parent


def interpret(script: str) -> dict[str, str | None]:
    """What a script prints with Triton's interpreter on, which must be so from its first import."""
    environment = os.environ | {"TRITON_INTERPRET": "1"}
    command = [sys.executable, str(HERE / script)]
    run = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.fixture(scope="module")
def kernel_failures():
    return interpret("fused_checks.py")


@pytest.fixture(scope="module")
def mutant_failures():
    return interpret("fused_mutants.py")


@pytest.mark.parametrize("name", CHECKS)
def test_pytorch(name):
    assert failure(name) is None


@pytest.mark.parametrize("name", CHECKS | KERNEL_CHECKS)
def test_kernels(name, kernel_failures):
    assert kernel_failures[name] is None


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.mistake)
def test_mistake_is_noticed(mutant, mutant_failures):
    assert mutant_failures[mutant.mistake] is not None
