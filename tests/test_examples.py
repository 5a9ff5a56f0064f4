"""Examples on the pages run and give what stands beside them; figures are those on record."""

import json
import re
from pathlib import Path

import numpy as np

import lossmath
import lossmath.explore
from autograder import bank

ROOT = Path(__file__).parent.parent


def python_in(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)


def test_the_readme_shows_what_the_losses_give():
    (block,) = python_in("README.md")
    names: dict = {}
    shown = 0
    for line in block.splitlines():
        call, _, result = line.partition("  # ")
        if result:
            assert repr(eval(call, names)) == result.strip()
            shown += 1
        else:
            exec(call, names)
    assert shown == 3


def test_the_example_of_an_explorer_makes_a_picture():
    *_, block = python_in("docs/extending.md")
    names = {"lm": lossmath, "np": np, **vars(lossmath.explore)}
    source, _, explorer = block.partition("\n\n\nExplorer(")
    exec(source, names)
    made = eval(f"Explorer({explorer}", names)
    assert "<script" in lossmath.explore.fragment(made)


def test_the_readme_counts_what_there_is():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    said = {what: int(n) for n, what in re.findall(r"\| \[?more than (\d+)( explorers)?\b", readme)}
    mutants = sum(len(problem.mutants) for problem in bank.problems())
    chapters = (path.read_text(encoding="utf-8") for path in ROOT.glob("theory/*.ipynb"))
    stills = sum(text.count('"image/png"') for text in chapters)
    for count, what in ((mutants, ""), (stills, " explorers")):
        assert said[what] < count <= said[what] + 100


def test_the_readme_quotes_the_records():
    readme, trust, sliders = (
        (ROOT / page).read_text(encoding="utf-8")
        for page in ("README.md", "docs/trust.md", "docs/explorer-speed.md")
    )
    (found,) = re.findall(r"\| \*\*all\*\* \|(.*)\|", trust)
    run, unearned, _, dropped, *_ = (cell.strip(" *") for cell in found.split("|"))
    assert f"of {run} hostile or faulty submissions" in readme
    assert f"| {unearned}, plain nbgrader |" in readme
    assert f"| {dropped}, plain nbgrader |" in readme
    bench = json.loads((ROOT / "tests" / "autograder" / "bench.json").read_text())
    seconds = f"| {bench['ours']['wall']:.1f} | {bench['plain']['wall']:.0f}, plain nbgrader |"
    assert seconds in readme
    half = re.findall(r"^\| curves, (\w+).*? \| (\d+) \| \d+ \|$", sliders, re.MULTILINE)
    assert f"| {dict(half)['frames']} | {dict(half)['interact']}, `interact` |" in readme
