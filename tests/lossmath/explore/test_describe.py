"""A picture in words, judged against curves whose shape is known."""

import numpy as np
import pytest

from lossmath.explore import Bars, Curve, Level, Panel, Picture
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
