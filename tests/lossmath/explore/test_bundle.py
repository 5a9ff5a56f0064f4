"""The committed JavaScript is what its sources build."""

import shutil
import subprocess
from pathlib import Path

import lossmath

PACKAGE = Path(lossmath.__file__).parent / "explore"


def test_npm_ci_and_build_give_the_committed_bytes(tmp_path):
    ours = ("package.json", "package-lock.json", "build.js", "src")
    copy = tmp_path / "widget"
    copy.mkdir()
    for name in ours:
        source = PACKAGE / "widget" / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, copy / name)
    for command in (["npm", "ci", "--no-audit", "--no-fund"], ["npm", "run", "build"]):
        subprocess.run(command, cwd=copy, check=True, capture_output=True, timeout=300)
    assert (tmp_path / "explorer.js").read_bytes() == (PACKAGE / "explorer.js").read_bytes()


def test_the_lock_file_names_no_registry():
    assert "resolved" not in (PACKAGE / "widget" / "package-lock.json").read_text()
