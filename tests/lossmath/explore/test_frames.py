"""Frames on the wire: how little packing and playing them moves the picture."""

from dataclasses import fields
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import lossmath as lm
from lossmath.explore import Axis, Curve, Level, Panel, Picture, Slider, anatomy, slider
from lossmath.explore.frames import FINEST, Slot, pack, points, unpack
from lossmath.explore.scene import Scene

STACKS = arrays(
    np.float64,
    st.tuples(st.integers(2, 5), st.integers(1, 40)),
    elements=st.floats(-100, 100) | st.just(np.nan),
)


@given(STACKS, st.sampled_from([0.0, 10.0, 1e3, 1e6]))
def test_packing_moves_nothing_by_more_than_the_promised_pixels(stack, pixels_per_unit):
    (slot,), buffer = pack([(stack, pixels_per_unit)])
    back = unpack(slot, buffer, len(stack))
    back = np.broadcast_to(back, stack.shape)
    assert np.array_equal(np.isnan(back), np.isnan(stack))
    float32 = 100 * 2.0**-23
    worst = np.nanmax(np.abs(back - stack), initial=0.0)
    if slot.dtype == "uint16":
        assert worst * pixels_per_unit <= FINEST + 1e-9
    else:
        assert worst <= float32


def test_a_wide_range_is_kept_in_floats_and_an_ordinary_one_in_sixteen_bits():
    grow = np.linspace(0, 1, 100) * np.array([[1.0], [2.0]])
    (near, far, still), buffer = pack(
        [(grow, 200.0), (grow * 1e6, 200.0), (np.ones((2, 100)), 200.0)]
    )
    assert (near.dtype, far.dtype) == ("uint16", "float32")
    assert not still.moving and len(buffer) == 2 * 100 * 2 + 2 * 100 * 4 + 100 * 4


def test_infinity_survives():
    stack = np.array([np.r_[np.inf, np.arange(20)], np.r_[-np.inf, np.arange(20)]])
    (slot,), buffer = pack([(stack, 1.0)])
    assert np.array_equal(unpack(slot, buffer, 2), stack)


def test_one_slider_two_sliders_and_more():
    def grid(n):
        sliders = [Slider(f"s{i}", 0, 1, 0.3) for i in range(n)]
        return Scene(lambda **_: Picture([]), sliders).points

    assert 60 <= len(grid(1)) <= 70
    assert 500 <= len(grid(2)) <= 700
    away = [{name for name, v in values.items() if v != 0.3} for values in grid(4)]
    assert all(names <= {"s0", "s1"} or len(names) == 1 for names in away)
    assert {frozenset(names) for names in away} == {
        frozenset(names) for names in ((), ("s0",), ("s1",), ("s0", "s1"), ("s2",), ("s3",))
    }
    for n in (1, 2, 3, 4):
        assert dict.fromkeys((f"s{i}" for i in range(n)), 0.3) in grid(n)


def test_points_run_in_c_order_which_the_browser_relies_on():
    sliders = [Slider("a", 0, 1, 0), Slider("b", 0, 1, 0)]
    assert [tuple(v.values()) for v in points(sliders, [[0.0, 1.0], [5.0, 6.0, 7.0]])] == [
        (0, 5), (0, 6), (0, 7), (1, 5), (1, 6), (1, 7),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("make", "parameter"),
    [(lm.Huber, "delta"), (lm.PseudoHuber, "delta"), (lm.Quantile, "tau")],
)
def test_played_frames_stay_within_half_a_pixel_of_the_record(make, parameter):
    """Between grid points too, for every vertex of every panel."""
    turn = slider(make, parameter)
    scene = Scene(lambda **values: anatomy({"loss": make(**values)}), [turn])
    spec, buffer = scene.spec()
    slots = {
        (slot["panel"], slot["mark"], slot["field"]): unpack(
            Slot(*(slot[f.name] for f in fields(Slot))), buffer, len(scene.points)
        )
        for slot in spec["slots"]
    }
    grid = np.array(scene.grid[0])
    for low, high in pairwise(grid):
        value = (low + high) / 2
        i = int(np.searchsorted(grid, low))
        for p, (panel, place) in enumerate(
            zip(scene.draw(**{parameter: value}).panels, scene.plan, strict=True)
        ):
            exact = panel.marks[0].arrays()
            seen = np.logical_and.reduce(
                [
                    (exact[a] >= getattr(place, a)[0]) & (exact[a] <= getattr(place, a)[1])
                    for a in "xy"
                ]
            )
            for field, to_pixels in (("x", place.across), ("y", place.down)):
                stack = np.broadcast_to(slots[p, 0, field], (len(grid), exact[field].size))
                played = (stack[i] + stack[i + 1]) / 2
                worst = np.abs(to_pixels(played) - to_pixels(exact[field]))[seen].max()
                assert worst < 0.5, (panel.title, field, value)


def test_level_sets_cost_little():
    side = np.linspace(-4, 4, 49)

    def draw(a):
        z = side[:, None] ** 2 + a * side[None, :] ** 2
        return Picture([Panel("", [Level(side, side, z, (1.0, 4.0))], Axis("", -4, 4))])

    _, buffer = Scene(draw, [Slider("a", 0.1, 2, 1)]).spec()
    assert len(buffer) < 350_000


def test_frames_that_differ_in_more_than_numbers_are_refused():
    def draw(a):
        return Picture([Panel("", [Curve(np.arange(2 + (a > 0.5)), np.arange(2 + (a > 0.5)))])])

    with pytest.raises(ValueError, match="only the numbers may change"):
        Scene(draw, [Slider("a", 0, 1, 0)]).spec()
