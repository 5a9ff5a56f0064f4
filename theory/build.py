"""Builds theory/NN_name.ipynb from theory/NN_name.py, and checks what the prose claims.

    python theory/build.py            build every chapter
    python theory/build.py 02 05      build these
    python theory/build.py --check    build in memory and compare with the committed notebooks
    python theory/build.py --alive F  write them to the folder F, with explorers that move on a page

The source is a jupytext percent script. A number in prose that is a result is followed by the
expression it came from, `0.367<!--= f"{msle(5, 10):.3f}" -->`, evaluated in the chapter's own
kernel once the cells above it have run. A number that is neither marked, nor code, nor formula,
nor part of a link target, a heading's number or a citation's year, is an error.
"""

import argparse
import base64
import hashlib
import io
import json
import os
import re
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import jupytext
import nbformat
import numpy as np
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from PIL import Image

HERE = Path(__file__).parent
SECONDS = 120  # a chapter that takes longer has gone wrong
PIXEL = 64  # of 255: a smaller difference is another build of the font rasteriser
SHARE = 0.001  # of the pixels of a picture that may differ by more
ALIVE = """
from lossmath.explore import Explorer, fragment
get_ipython().display_formatter.formatters["text/html"].for_type(Explorer, fragment)
"""
KEPT = ("text/plain", "text/markdown", "text/html", "text/latex", "image/png", "image/svg+xml")

CLAIM = re.compile(r"<!--=(?P<expression>.*?)-->", re.DOTALL)
EXEMPT = re.compile(
    r"""
    ```.*?```                                        # code block
    | `[^`]*`                                        # code
    | \$\$.*?\$\$ | \$[^$]*\$                        # formula
    | <!--.*?-->                                     # comment
    | \]\([^)]*\) | <https?://[^>]*>                 # link target
    | ^\#+\s+\d[\d.]*                                # number of a heading
    | ^\s*\d+\.\s                                   # number of a list's item
    | \((?:[^()\d]*[,;]?\s)?(?:1[6-9]|20)\d\d\)      # year of a citation
    """,
    re.DOTALL | re.MULTILINE | re.VERBOSE,
)
NUMBER = re.compile(r"(?<!\w)[−-]?\d[\d.,]*")


class Wrong(Exception):
    """A chapter that does not say what its run gives."""


@dataclass(frozen=True)
class Chapter:
    """One chapter: its source and the notebook built from it."""

    source: Path

    @property
    def notebook(self) -> Path:
        return self.source.with_suffix(".ipynb")

    def line_of(self, cell: NotebookNode, offset: int = 0) -> str:
        """file:line of a place in a Markdown cell."""
        lines = self.source.read_text().splitlines()
        first, inside = cell.source.splitlines()[0], cell.source[:offset].count("\n")
        at = next(i for i, line in enumerate(lines, 1) if line.removeprefix("# ") == first)
        return f"{self.source.name}:{at + inside}"

    def build(self, alive: bool = False) -> NotebookNode:
        """The executed notebook, the same bytes for the same source.

        `alive` adds to each explorer the HTML that moves without a kernel.
        """
        notebook = jupytext.read(self.source, fmt="py:percent")
        notebook.metadata = {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
        _name_cells(notebook)
        self._run(notebook, ALIVE if alive else "")
        for cell in notebook.cells:
            cell.metadata = {k: v for k, v in cell.metadata.items() if k in ("jupyter", "tags")}
            if cell.cell_type == "code":
                cell.execution_count = None
                cell.outputs = _joined(kept for output in cell.outputs if (kept := _kept(output)))
        nbformat.validate(notebook)
        return notebook

    def _run(self, notebook: NotebookNode, first: str) -> None:
        """Runs `first`, then the code cells in order; settles each Markdown cell's claims when its
        turn comes."""
        client = NotebookClient(notebook, timeout=SECONDS, kernel_name="python3")
        cells = list(notebook.cells)  # the client puts what it runs in their place
        wrong = []
        with client.setup_kernel(cwd=str(HERE)):
            client.execute_cell(nbformat.v4.new_code_cell(first), 0)
            for index, cell in enumerate(cells):
                if cell.cell_type == "code":
                    try:
                        client.execute_cell(cell, index)
                    except CellExecutionError as error:
                        raise Wrong(f"{self.source.name}: {error}") from None
                elif cell.cell_type == "markdown":
                    wrong += self._faults(cell, client, index)
        notebook.cells = cells
        if wrong:
            raise Wrong("\n".join(wrong))

    def _faults(self, cell: NotebookNode, client: NotebookClient, index: int) -> list[str]:
        """Claims the run contradicts, and numbers that nothing vouches for."""
        text = cell.source
        faults, vouched = [], [match.span() for match in EXEMPT.finditer(text)]
        for claim in CLAIM.finditer(text):
            expression = " ".join(claim["expression"].split())
            gave = _evaluate(expression, client, index)
            said = text[: claim.start()]
            vouched.append((claim.start() - len(gave), claim.start()))
            if not said.endswith(gave) or re.search(r"[\d.,−-]\Z", said.removesuffix(gave)):
                where, last = self.line_of(cell, claim.start()), (said.split() or [""])[-1]
                faults.append(f"{where}: the prose says {last!r} but {expression} gives {gave!r}")
        for number in NUMBER.finditer(text):
            if not any(start <= number.start() < end for start, end in vouched):
                where = self.line_of(cell, number.start())
                faults.append(f"{where}: {number[0]!r} is neither computed nor quoted")
        return faults


def _name_cells(notebook: NotebookNode) -> None:
    """Cell ids from what the cells say, so that editing one renames no other."""
    seen: dict[str, int] = {}
    for cell in notebook.cells:
        copy = seen[cell.source] = seen.get(cell.source, 0) + 1
        cell.id = hashlib.sha256(f"{cell.source}#{copy}".encode()).hexdigest()[:8]


def _evaluate(expression: str, client: NotebookClient, index: int) -> str:
    """The expression's value as text, from the chapter's kernel."""
    cell = nbformat.v4.new_code_cell(f"print({expression}, end='')")
    try:
        client.execute_cell(cell, index)
    except CellExecutionError as error:
        return f"{error.ename}: {error.evalue}"
    return "".join(output.text for output in cell.outputs if output.output_type == "stream")


def _kept(output: NotebookNode) -> NotebookNode | None:
    """The output without what only a live kernel understands."""
    if "execution_count" in output:
        output.execution_count = None
    if "data" in output:
        output.metadata = {}
        output.data = {kind: data for kind, data in output.data.items() if kind in KEPT}
        return output if output.data else None
    return output


def _joined(outputs: Iterable[NotebookNode]) -> list[NotebookNode]:
    """The outputs with printed text in one piece, which a busy machine delivers in several."""
    joined: list[NotebookNode] = []
    for output in outputs:
        before = joined[-1] if joined else None
        if before and output.output_type == "stream" and before.get("name") == output.name:
            before.text += output.text
        else:
            joined.append(output)
    return joined


def _without_pictures(notebook: NotebookNode) -> tuple[str, list[str]]:
    """The notebook as text with its PNGs taken out, and the PNGs."""
    pictures = []
    copy = nbformat.from_dict(json.loads(nbformat.writes(notebook)))
    for cell in copy.cells:
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                pictures.append(output.data.pop("image/png"))
    return nbformat.writes(copy), pictures


def _pixels(picture: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB"), dtype=int)


def _same_picture(one: str, other: str) -> bool:
    a, b = _pixels(one), _pixels(other)
    return a.shape == b.shape and float((np.abs(a - b) > PIXEL).mean()) <= SHARE


def differences(committed: NotebookNode, built: NotebookNode) -> list[str]:
    """What a reader of the committed notebook would be told wrongly."""
    (old, old_pictures), (new, new_pictures) = map(_without_pictures, (committed, built))
    found = []
    if old != new:
        pairs = zip(old.splitlines(), new.splitlines(), strict=False)
        first = next(((a, b) for a, b in pairs if a != b), ("(shorter)", "(longer)"))
        found.append(f"text differs: {first[0].strip()!r} is now {first[1].strip()!r}")
    if len(old_pictures) != len(new_pictures):
        found.append(f"{len(old_pictures)} pictures, now {len(new_pictures)}")
    for number, pair in enumerate(zip(old_pictures, new_pictures, strict=False), 1):
        if not _same_picture(*pair):
            found.append(f"picture {number} differs")
    return found


def settle(chapter: Chapter, chosen: argparse.Namespace) -> list[str]:
    """Builds one chapter and writes or compares it; what is wrong with it."""
    try:
        built = chapter.build(alive=bool(chosen.alive))
        if chosen.check:
            return differences(nbformat.read(chapter.notebook, as_version=4), built)
    except Wrong as error:
        return [str(error)]
    nbformat.write(built, (chosen.alive or HERE) / chapter.notebook.name)
    return []


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Build the theory notebooks.")
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    parser.add_argument("--alive", type=Path, metavar="FOLDER", help="write moving explorers there")
    parser.add_argument("chapters", nargs="*", metavar="NN", help="two-digit numbers; all if none")
    chosen = parser.parse_args(arguments)
    sources = sorted(HERE.glob("[0-9][0-9]_*.py"))
    if chosen.chapters:
        sources = [source for source in sources if source.name[:2] in chosen.chapters]
    failed = False
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        faults = pool.map(lambda source: settle(Chapter(source), chosen), sources)
        for source, found in zip(sources, faults, strict=True):
            failed |= bool(found)
            good = "as committed" if chosen.check else "built"
            print("\n".join(f"{source.name}: {line}" for line in found or [good]))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
