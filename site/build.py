"""Builds the site: pages that need no kernel and ask no other host for anything.

The chapters are run with explorers that move by themselves. What Sphinx reads is laid out as in
the repository, so that links between its texts hold.
"""

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
from sphinx.cmd.build import main as sphinx

from lossmath.explore import Explorer

HERE = Path(__file__).parent
ROOT = HERE.parent
TEXTS = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", "docs", "exercises")
LINK = re.compile(r"\[(?P<text>[^\]]+)\]\((?P<to>[^)#\s]+)[^)]*\)")


def lay_out(source: Path) -> None:
    """Everything Sphinx reads, chapters run."""
    (source / "_static").mkdir(parents=True)
    (source / "theory").mkdir()
    for name in TEXTS:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, source / name)
    for name in ("conf.py", "index.md"):
        shutil.copy(HERE / name, source / name)
    (source / "_static" / "explorer.css").write_text(Explorer._css)
    shutil.copy(mathjax(), source / "_static")
    run_chapters(source / "theory")
    for path in source.glob("**/*.md"):
        path.write_text(without_ways_out(path, source))


def without_ways_out(path: Path, source: Path) -> str:
    """The text, with links to files of the repository that are no pages turned into words."""

    def kept(link: re.Match[str]) -> str:
        target = (path.parent / link["to"]).resolve()
        ours = target.is_relative_to(source) and (ROOT / target.relative_to(source)).exists()
        return link["text"] if ours and not target.exists() else link[0]

    return LINK.sub(kept, path.read_text())


def mathjax() -> Path:
    """One file that sets every formula, its fonts included."""
    found = HERE / "node_modules" / "mathjax" / "es5" / "tex-svg-full.js"
    if not found.exists():
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=HERE, check=True)
    return found


def run_chapters(folder: Path) -> None:
    """The committed chapters, run anew with moving explorers; code hidden in them stays folded."""
    numbers = [notebook.name[:2] for notebook in (ROOT / "theory").glob("[0-9][0-9]_*.ipynb")]
    builder = [sys.executable, ROOT / "theory" / "build.py", "--alive", folder, *numbers]
    subprocess.run(builder, check=True)
    for path in folder.glob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            if cell.metadata.get("jupyter", {}).get("source_hidden"):
                cell.metadata["tags"] = ["hide-input"]
        nbformat.write(notebook, path)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    default = ROOT / "build" / "site"
    parser.add_argument(
        "folder", nargs="?", type=Path, default=default, help="where to put it; else build/site"
    )
    folder = parser.parse_args(arguments).folder.resolve()
    source, html = folder / "source", folder / "html"
    for old in (source, html):
        shutil.rmtree(old, ignore_errors=True)
    lay_out(source)
    failed = sphinx(["-q", "-W", "--keep-going", str(source), str(html)])
    print(f"The site is at {html}/index.html")
    return failed


if __name__ == "__main__":
    sys.exit(main())
