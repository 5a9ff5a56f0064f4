"""A picture in words, judged against curves whose shape is known."""

import numpy as np
import pytest

from lossmath.explore import (
    Arrows,
    Axis,
    Bars,
    Boxes,
    Curve,
    Level,
    Matrix,
    Panel,
    Picture,
    Points,
)
from lossmath.explore.describe import curve, number, sentences

X = np.linspace(-5, 5, 1001)


@pytest.mark.parametrize(
    ("y", "said"),
    [
        (np.clip(X, -1, 1), "saturates at ±1 beyond |r| = 1"),
        (np.clip(X, -1, 2), "flat at −1 up to r = −1 and at 2 from r = 2, rising from −1 to 2"),
        (np.maximum(X, 0), "flat at 0 up to r = 0, rising from 0 to 5"),
        (-X, "falling from 5 to −5"),
        (0 * X + 2, "constant at 2"),
        (X**2, "lowest 0 at r = 0, 25 at both edges"),
        (np.exp(-X), "flat at 0.00674 from r = 1.87, falling from 148 to 0.00674"),
        (np.abs(X - 1), "lowest 0 at r = 1, 6 at the left edge, 4 at the right"),
        ((np.abs(X) <= 1) * 1.0, "flat at 0 beyond |r| = 1.01, highest 1 from r = −1 to 1"),
        (
            np.minimum(1, np.cos(X) * (X < 0) + (X >= 0)),
            "flat at 1 from r = −0.06, lowest −1 at r = −3.14, 0.284 at the left edge",
        ),
        (np.full_like(X, np.nan), "outside the picture"),
    ],
)
def test_what_is_said_of_a_curve(y, said):
    assert curve(X, y, "residual r") == said


@pytest.mark.parametrize(
    ("label", "place"),
    [
        ("forecast q", "q = 1"),
        ("lead g of the right logit", "lead g of the right logit = 1"),
        ("mean of q", "mean of q = 1"),
        ("length, in metres", "length = 1"),
        ("", "x = 1"),
    ],
)
def test_a_place_is_named_by_the_symbol_or_else_the_whole_label(label, place):
    assert f"lowest 0 at {place}, " in curve(X, (X - 1) ** 2, label)


def test_on_a_log_axis_a_small_value_is_no_flat_stretch():
    x = np.geomspace(0.01, 100, 201)
    assert curve(x, 1 / x, "size", log_x=True, log_y=True) == "falling from 100 to 0.01"
    said = "flat at 0.01 up to size = 1, rising from 0.01 to 100"
    assert curve(x, 0.01 * np.maximum(x, 1) ** 2, "size", log_x=True, log_y=True) == said


def test_a_closed_curve_is_said_by_its_extent():
    turn = np.linspace(0, 2 * np.pi, 101)
    assert curve(2 * np.cos(turn), np.sin(turn)) == "from −2 to 2 across, from −1 to 1 up"


def test_a_panel_that_names_no_curve_still_says_its_first():
    panel = Panel("cost", [Curve(X, X**2), Curve(X, X)])
    assert sentences(Picture([panel])) == ["cost — lowest 0 at x = 0, 25 at both edges."]


def said(*marks, **axes):
    """What is said of the last of the marks of one panel, after the words for the others."""
    (sentence,) = sentences(Picture([Panel("", marks, **axes)]))
    return sentence.removesuffix(".").split("; ")[-1]


SIDE = np.linspace(-0.9, 0.9, 8)
GRID_X, GRID_Y = (side.ravel() for side in np.meshgrid(SIDE, SIDE))


@pytest.mark.parametrize(
    ("mark", "words"),
    [
        (Points([1], [2]), "dot at (1, 2)"),
        (Points([1], [2], "start"), "start at (1, 2)"),
        (Points([1, np.nan, 3], [2, 5, 4]), "dots at (1, 2), (3, 4)"),
        (
            Points([0, 1, 2, 9], [4, 3, 2, 1], "far"),
            "far: 4 dots around (1.5, 2.5), from 0 to 9 across, from 1 to 4 up, "
            "falling to the right",
        ),
        (Points([0, 1, 2, 3], [5, 5, 5, 5]), "4 dots around (1.5, 5), from 0 to 3 across"),
        (
            Arrows([0, 1], [0, 1], [1, 0], [0, 2]),
            "arrow from (0, 0) to (1, 0), arrow from (1, 1) to (1, 3)",
        ),
        (
            Arrows(GRID_X, GRID_Y, -GRID_X, -GRID_Y),
            "64 arrows, shortest around (0, 0) and pointing there",
        ),
        (
            Arrows(GRID_X, GRID_Y, GRID_X, GRID_Y),
            "64 arrows, shortest around (0, 0) and pointing away from there",
        ),
        (
            Arrows(GRID_X, GRID_Y, -GRID_Y, GRID_X),
            "64 arrows, shortest around (0, 0) and circling it",
        ),
        (
            Arrows(GRID_X, GRID_Y, -np.sign(GRID_X), -np.sign(GRID_Y)),
            "64 arrows, of one length around (0, 0) and pointing there",
        ),
        (Boxes([0], [0], [2], [1]), "box from (0, 0) to (2, 1)"),
        (Boxes([0, 1], [0, 0], [1, 2], [3, 5]), "2 boxes, from 0 to 2 across, from 0 to 5 up"),
        (Arrows([0], [0], [1], [2], "pull"), "pull: arrow from (0, 0) to (1, 2)"),
        (Bars([1, 2], ("a", "b"), "over", base=[3, 4]), "over: a 1, b 2"),
        (Bars(range(9), tuple("abcdefghi")), "9 bars, highest i 8, lowest a 0"),
        (
            Matrix([[0, 3], [1, 2]]),
            "2 by 2 cells, largest 3 in row 1, column 2, the diagonal largest in 1 of 2 rows",
        ),
        (Matrix([[0, np.nan, 3]]), "1 by 3 cells, largest 3 in row 1, column 3"),
        (Matrix([[2, 2]]), "1 by 2 cells, all 2"),
        (
            Matrix([[0, 0, 0], [0, 0.9, 1]], stroke="ink"),
            "2 by 3 cells, 2 dark, in rows 2 to 2, columns 2 to 3",
        ),
    ],
)
def test_what_is_said_of_a_mark(mark, words):
    assert said(mark) == words


def test_boxes_are_told_by_what_they_share_with_the_first():
    truth = Boxes([0], [0], [2], [2], "truth")
    assert said(truth, Boxes([1], [0], [3], [2])) == (
        "box from (1, 0) to (3, 2), sharing 0.333 of their joint area with truth"
    )
    assert said(truth, Boxes([2], [0], [3], [2])).endswith("clear of truth")


def test_dots_are_named_after_the_curve_or_the_bars_they_belong_to():
    cost = Curve(X, X**2, "cost", "blue")
    assert said(cost, Points([1], [1], stroke="blue")) == "cost: dot at (1, 1)"
    assert said(cost, Points([1], [1], stroke="ink")) == "dot at (1, 1)"
    bars = Bars([1, 2, 3, 4], tuple("abcd"))
    assert said(bars, Points(range(4), [5, 6, 7, 8])) == "dots: a 5, b 6, c 7, d 8"


def test_a_cell_is_found_by_the_names_of_its_row_and_column():
    rows, columns = Axis("", 0, 2, ticks={1.5: "old", 0.5: "new"}), Axis("", ticks={2.5: "last"})
    words = said(Matrix([[0, 0, 0], [0, 0, 1]]), x=columns, y=rows)
    assert words == "2 by 3 cells, largest 1 in row new, column last"


@pytest.mark.parametrize(
    ("value", "text"),
    [(-0.5, "−0.5"), (0.0, "0"), (-0.0, "0"), (12345.0, "12345"), (3.14159, "3.14")],
)
def test_numbers_read_well(value, text):
    assert number(value) == text


def test_every_panel_and_reading_is_said():
    z = np.add.outer((np.arange(5.0) - 1) ** 2, (np.arange(5.0) - 2) ** 2)
    picture = Picture(
        [
            Panel("curves", [Curve(X, X, "line"), Curve(X, -X)]),
            Panel("field", [Level(np.arange(5), np.arange(5), z, (1.0,))]),
            Panel("", [Bars([1, 2], ("a", "b"))]),
        ],
        readings={"share": 0.25},
    )
    assert sentences(picture) == [
        "curves — line: rising from −5 to 5.",
        "field — level sets: lowest 0 at x = 2, y = 1, highest 13.",
        "a 1, b 2.",
        "share: 0.25.",
    ]
