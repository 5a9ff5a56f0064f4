"""The student's bundle: the same bytes every time, nothing of the trusted side, and it works."""

import ast
import email
import io
import json
import re
import runpy
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from packaging.specifiers import SpecifierSet

from tests.test_links import leads_somewhere, links

ROOT = Path(__file__).parents[2]
SOLUTIONS = sorted((ROOT / "solutions").glob("[0-9][0-9]_*"))


def build(folder: Path) -> bytes:
    subprocess.run([sys.executable, ROOT / "bundle" / "build.py", folder], check=True)
    (archive,) = folder.iterdir()
    return archive.read_bytes()


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return build(tmp_path_factory.mktemp("bundle"))


@pytest.fixture(scope="module")
def course(archive: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle unpacked, as a student has it."""
    folder = tmp_path_factory.mktemp("student")
    zipfile.ZipFile(io.BytesIO(archive)).extractall(folder)
    return folder / "lossmath-course"


@pytest.fixture(scope="module")
def package(course: Path) -> zipfile.ZipFile:
    (wheel,) = course.glob("*.whl")
    return zipfile.ZipFile(wheel)


@pytest.fixture(scope="module")
def texts(course: Path, package: zipfile.ZipFile) -> dict[str, str]:
    """Everything there is to read in the bundle and in its wheel."""
    readable = {".ipynb", ".json", ".md", ".py", ".txt"}
    found = {
        str(path.relative_to(course)): path.read_text()
        for path in course.rglob("*")
        if path.suffix in readable
    }
    for name in package.namelist():
        if Path(name).suffix in readable:
            found[name] = package.read(name).decode()
    return {
        name: flat(cells(text) if name.endswith(".ipynb") else text) for name, text in found.items()
    }


def cells(notebook: str) -> str:
    return "\n".join("".join(cell["source"]) for cell in json.loads(notebook)["cells"])


def test_building_twice_gives_the_same_bytes(archive: bytes, tmp_path: Path) -> None:
    assert build(tmp_path) == archive


def test_it_holds_every_notebook(course: Path) -> None:
    for folder in ("theory", "exercises"):
        committed = {path.name: path.read_bytes() for path in (ROOT / folder).glob("*.ipynb")}
        assert {path.name: path.read_bytes() for path in (course / folder).iterdir()} == committed


def test_its_links_lead_somewhere_inside_it(course: Path) -> None:
    pages = [*course.rglob("*.md"), *course.rglob("*.ipynb")]
    dead = [(p.name, to) for p in pages for to in links(p) if not leads_somewhere(p, to)]
    assert dead == []


def test_it_holds_nothing_of_the_trusted_side(course: Path, package: zipfile.ZipFile) -> None:
    top = {path.name for path in course.iterdir() if path.suffix != ".whl"}
    assert top == {
        "LICENSE", "README.md", "colab.py", "docs", "exercises", "requirements.txt", "runtime.txt",
        "theory",
    }  # fmt: skip
    packed = {name.split("/")[0] for name in package.namelist() if ".dist-info/" not in name}
    assert packed == {"lossmath"}


def flat(text: str) -> str:
    """Without indentation, which differs from place to place."""
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())


def secrets(folder: Path) -> list[str]:
    """Every solution of a problem, and every function of its checks, mutants and variants."""
    found = re.findall(
        r"### BEGIN SOLUTION(.*?)### END SOLUTION", (folder / "problem.py").read_text(), re.DOTALL
    )
    for name in ("checks.py", "mutants.py", "accepted.py"):
        source = (folder / name).read_text()
        nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
        found += [ast.get_source_segment(source, node) or "" for node in nodes]
    return [secret for secret in map(flat, found) if len(secret) > 40]


@pytest.mark.parametrize("folder", SOLUTIONS, ids=lambda folder: folder.name)
def test_no_solution_and_no_hidden_check_is_in_it(folder: Path, texts: dict[str, str]) -> None:
    hidden = secrets(folder)
    assert len(hidden) > 10
    leaked = [(name, secret) for name, text in texts.items() for secret in hidden if secret in text]
    assert leaked == []
    assert not any("BEGIN SOLUTION" in text for text in texts.values())


NOTEBOOK = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell

shell = InteractiveShell.instance()
for cell in json.load(open(sys.argv[1], encoding="utf-8"))["cells"]:
    if cell["cell_type"] == "code":
        shell.run_cell("".join(cell["source"]))
shell.run_cell("check('01')")
"""


def test_a_student_installs_it_and_checks_a_stub(course: Path, tmp_path: Path) -> None:
    """Into an empty environment, with the index a student would use."""
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    install = [python, "-m", "pip", "install", "--quiet", "-r", "requirements.txt"]
    subprocess.run(install, cwd=course, check=True)

    def run(*command: object) -> str:
        done = subprocess.run(
            [python, *command], cwd=course / "exercises", capture_output=True, text=True, check=True
        )
        return done.stdout

    assert "Problem 01, value" in (said := run("-c", NOTEBOOK, "01_mse_gradient.ipynb"))
    assert "mse is not written yet." in said and "CheckFailed" in said
    assert "Traceback" not in said
    found = run("-c", "import lossmath; print(lossmath.__file__)")
    assert str(tmp_path) in found
    missing = "from importlib.util import find_spec as f; print(f('autograder'), f('nbgrader'))"
    assert run("-c", missing).split() == ["None", "None"]
    assert run("-m", "jupyterlab", "--version").strip() in (course / "requirements.txt").read_text()


def test_binder_finds_what_it_reads(course: Path, package: zipfile.ZipFile) -> None:
    """repo2docker takes the Python of runtime.txt and installs requirements.txt from the root."""
    local, *pinned = (course / "requirements.txt").read_text().split()
    assert (course / local).is_file() and pinned[0].startswith("jupyterlab==")
    (metadata,) = (name for name in package.namelist() if name.endswith("/METADATA"))
    supported = email.message_from_bytes(package.read(metadata))["Requires-Python"]
    version = (course / "runtime.txt").read_text().strip().removeprefix("python-")
    assert SpecifierSet(supported).contains(version)


def test_colab_installs_the_wheel_and_lets_widgets_appear(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[object] = []
    output = SimpleNamespace(enable_custom_widget_manager=lambda: done.append("widgets"))
    monkeypatch.setitem(sys.modules, "google.colab", SimpleNamespace(output=output))
    monkeypatch.setattr(subprocess, "run", lambda command, check: done.append(command[-1]))
    monkeypatch.chdir(course)
    runpy.run_path(str(course / "colab.py"))
    (wheel,) = course.glob("*.whl")
    assert done == [wheel, "widgets"] and Path.cwd() == course / "exercises"
    assert "lossmath-course/colab.py" in (course / "README.md").read_text()
