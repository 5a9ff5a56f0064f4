"""Builds the student's bundle: one archive, the same bytes for the same checkout."""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

HERE = Path(__file__).parent
ROOT = HERE.parent
NAME = "lossmath-course"
COURSE = ("theory/*.ipynb", "exercises/*.ipynb", "docs/losses.md", "docs/gpu.md", "LICENSE")
PYTHON = "python-3.11"


def wheel(folder: Path) -> Path:
    """The package as a wheel: mathematics, pictures and what `check` needs."""
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", folder, ROOT]
    subprocess.run(command, check=True)
    (found,) = folder.glob("*.whl")
    return found


def requirements(package: str) -> str:
    """What a student installs: the wheel, and JupyterLab in the tested version."""
    pins = (ROOT / "constraints.txt").read_text().splitlines()
    lab = next(pin for pin in pins if pin.startswith("jupyterlab=="))
    return f"./{package}\n{lab}\n"


def contents() -> dict[str, bytes]:
    """Every file of the bundle by its path in it."""
    files = {
        str(path.relative_to(ROOT)): path.read_bytes()
        for pattern in COURSE
        for path in ROOT.glob(pattern)
    }
    for name in ("README.md", "colab.py"):
        files[name] = (HERE / name).read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        package = wheel(Path(folder))
        files[package.name] = package.read_bytes()
    files["requirements.txt"] = requirements(package.name).encode()
    files["runtime.txt"] = f"{PYTHON}\n".encode()
    return files


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "folder", nargs="?", type=Path, default=ROOT / "build", help="where to put it; else build/"
    )
    target = parser.parse_args(arguments).folder / f"{NAME}.zip"
    target.parent.mkdir(parents=True, exist_ok=True)
    with ZipFile(target, "w", ZIP_DEFLATED) as archive:
        for name, data in sorted(contents().items()):
            # ZipInfo's own date is 1980, whatever the clock says.
            info = ZipInfo(f"{NAME}/{name}")
            info.external_attr = 0o644 << 16
            archive.writestr(info, data, ZIP_DEFLATED)
    print(f"The bundle is {target}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
