"""The table of a chapter's losses is Markdown that renders."""

import lossmath
from lossmath.explore import table


def test_formulas_keep_their_bars_without_ending_a_cell():
    for loss in lossmath.catalogue():
        row = table(loss).data.splitlines()[2]
        formula = row.split(" | ")[1]
        assert "|" not in formula
        bars = loss.formula.replace(r"\|", "").count("|")
        assert formula.count(r"\vert ") == bars
        assert formula.count(r"\Vert ") == loss.formula.count(r"\|")
        assert r"\\v" not in formula and r"\\V" not in formula, "a line break and a word"
