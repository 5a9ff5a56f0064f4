"""Sliders, layout, labels and pages."""

import base64
import io
import json
import re
import zlib
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.path import Path
from matplotlib.transforms import Bbox
from PIL import Image

import lossmath as lm
from lossmath.explore import (
    Arrows,
    Axis,
    Bars,
    Curve,
    Explorer,
    Matrix,
    Panel,
    Picture,
    Points,
    Slider,
    anatomy,
    page,
    residual_plane,
    slider,
    still,
)
from lossmath.explore.labels import size
from lossmath.explore.layout import WIDTH, places
from lossmath.explore.scene import Scene
from lossmath.explore.style import MARKERS, PAPER, STROKES
from lossmath.explore.views import samples


@pytest.mark.parametrize("scale", ["linear", "log", "log2"])
def test_stops_hold_both_ends_and_the_default(scale):
    stops = Slider("a", 0.05, 5, 0.321, scale).stops()
    assert stops[0] == 0.05 and stops[-1] == 5 and 0.321 in stops
    assert 150 < len(stops) < 250 and (np.diff(stops) > 0).all()


@pytest.mark.parametrize("scale", ["linear", "log2"])
def test_ends_that_do_not_read_well_are_reached(scale):
    stops = Slider("n", 513, 262144, 8192, scale, whole=True).stops()
    assert stops[0] == 513 and stops[-1] == 262144


def test_whole_numbers_stay_whole():
    assert Slider("n", 1, 12, 4, whole=True).stops().tolist() == list(range(1, 13))


@pytest.mark.parametrize(
    ("symbol", "sign"),
    [(r"\delta", "δ"), (r"\varepsilon", "ε"), ("C", "C"), ("z₀", "z₀"), ("", "a")],
)
def test_the_sign_is_a_plain_character(symbol, sign):
    assert Slider("a", 0, 1, 0, symbol=symbol).sign == sign


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"default": 7}, "default=7 must lie in"),
        ({"low": 1, "high": 1, "default": 1}, "low=1 must lie below high=1"),
        ({"low": 0, "scale": "log"}, "low=0 must be above 0"),
        ({"scale": "cubic"}, "scale='cubic' must be"),
    ],
)
def test_an_impossible_slider_is_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        Slider(**{"name": "a", "low": 0.1, "high": 2, "default": 1, **fields})


def test_a_unit_is_as_long_along_both_axes_where_it_matters():
    panels = [Panel("", [], equal=True)] * 2
    for place in places(panels, [((-4.0, 4.0), (-1.0, 1.0)), ((0.0, 1.0), (0.0, 9.0))]):
        across = place.width / (place.x[1] - place.x[0])
        down = place.height / (place.y[1] - place.y[0])
        assert across == pytest.approx(down)


def test_a_kink_is_met_from_both_sides_whatever_the_parameter():
    for delta in (0.05, 1.0, 5.0):
        x = samples(lm.Huber(delta), -4, 4)
        assert x.size == samples(lm.Huber(2.0), -4, 4).size and (np.diff(x) >= 0).all()
        assert np.abs(x - delta).min() < 1e-5 and np.abs(x + delta).min() < 1e-5


def rounded_corners(delta):
    return anatomy(
        {
            "Huber": lm.Huber(delta),
            "pseudo-Huber": lm.PseudoHuber(delta),
            "smooth L1": lm.SmoothL1(delta),
            "log-cosh": lm.LogCosh(),
        },
        tops=(5, 2, 2.4),
    )


def label_boxes(scene, p):
    """The middle and half the size of every label of a panel in the default frame, in pixels."""
    marks = scene.start.panels[p].marks
    return [
        (middle, np.array(size(marks[m].label)) / 2)
        for (of, m), middle in scene.labels_of(scene.start).items()
        if of == p
    ]


def test_default_labels_stay_inside_and_touch_no_curve_and_no_other():
    scene = Scene(rounded_corners, [slider(lm.Huber, "delta")])
    for p, place in enumerate(scene.plan):
        boxes = label_boxes(scene, p)
        assert len(boxes) == 4
        for k, (middle, half) in enumerate(boxes):
            assert (middle - half >= 0).all()
            assert (middle + half <= (place.width, place.height)).all()
            for other, other_half in boxes[:k]:
                assert (np.abs(middle - other) >= half + other_half).any()
            for curve in scene.start.panels[p].marks:
                line = np.column_stack([place.across(curve.x), place.down(curve.y)])
                box = Bbox([middle - half, middle + half])
                assert not Path(line).intersects_bbox(box, filled=False)


def test_an_axis_without_bounds_holds_every_frame():
    def draw(a):
        return Picture([Panel("", [Curve([0, 1], [0, a])], Axis("", 0, 1), Axis("", low=0))])

    (place,) = Scene(draw, [Slider("a", 1, 9, 2)]).plan
    assert place.y[0] == 0 and 9 < place.y[1] < 10


def test_a_bare_panel_shows_its_title_and_no_axes():
    def draw(bare):
        panel = Panel("simplex", [Curve([0, 1], [0, 1])], Axis("across"), bare=bare)
        return still.draw(Scene(lambda: Picture([panel]), []), Picture([panel])).axes[0]

    with_axes, without = draw(False), draw(True)
    assert with_axes.axison and with_axes.get_xlabel() == "across"
    assert not without.axison and without.get_title("left") == "simplex"


def test_named_places_on_an_axis_take_the_place_of_numbers():
    rows = Panel("", [Matrix([[0, 1]])], Axis("", 0, 2, ticks={0.5: "old", 1.5: "new"}))
    (axes,) = still.draw(Scene(lambda: Picture([rows]), []), Picture([rows])).axes
    shown = {label.get_position()[0]: label.get_text() for label in axes.get_xticklabels()}
    assert shown == {0.5: "old", 1.5: "new"} and axes.get_xlim() == (0, 2)


def luminance(colour):
    values = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return linear @ (0.2126, 0.7152, 0.0722)


@pytest.mark.parametrize("name", STROKES)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_stroke_stands_out_from_the_paper(name, theme):
    pair = [luminance(getattr(s, theme)) + 0.05 for s in (STROKES[name], PAPER)]
    assert max(pair) / min(pair) >= 4.5


def test_no_two_strokes_share_colour_or_dash():
    drawn = [s for name, s in STROKES.items() if name != "ink"]
    for field in ("light", "dark", "dash"):
        assert len({getattr(s, field) for s in drawn}) == len(drawn)


def test_the_label_of_a_dot_stands_beside_it_and_follows_it():
    def draw(x):
        wall = Curve([-1, 1], [0.3, 0.3])
        return Picture([Panel("", [wall, Points([x], [0], "me", size=6)], y=Axis("", -1, 1))])

    scene = Scene(draw, [Slider("x", -1, 1, 0)])
    ((middle, half),) = label_boxes(scene, 0)
    place, dot = scene.plan[0], scene.start.panels[0].marks[1]
    gap = np.abs(middle - (place.across(dot.x[0]), place.down(dot.y[0]))) - half
    assert 6 < gap.max() < 16
    (axes,) = still.draw(scene, draw(0.5)).axes
    (text,) = axes.texts
    moved = scene.labels_of(draw(0.5))[0, 1] - middle
    assert moved == pytest.approx((place.across(0.5) - place.across(0), 0))
    assert text.get_position()[0] * place.width == pytest.approx(middle[0] + moved[0])


def test_the_label_of_a_dot_changes_sides_at_the_edge():
    def draw(x):
        return Picture([Panel("", [Points([x], [0], "drag me")], Axis("", -1, 1))])

    scene = Scene(draw, [Slider("x", -1, 1, 0.5)])
    for x in (-0.97, 0.5, 0.97):
        at, half = scene.labels_of(draw(x))[0, 0], size("drag me")[0] / 2
        assert half <= at[0] <= scene.plan[0].width - half


def test_a_label_makes_way_for_a_line_and_returns():
    def draw(y):
        sweeping = Curve([0, 1], [y, y])
        return Picture([Panel("", [Curve([0, 1], [0, 0], "still"), sweeping], y=Axis("", -1, 1))])

    scene = Scene(draw, [Slider("y", -1, 1, 1)])
    place = scene.plan[0]
    for y in np.linspace(-1, 1, 41):
        at = scene.labels_of(draw(y))[0, 0][1]
        assert min(abs(at - place.down(y)), abs(at - place.down(0))) >= size("still")[1] / 2
    ends = [scene.labels_of(draw(y))[0, 0].tolist() for y in (1, 0.9)]
    assert ends[0] == ends[1]


def test_a_line_that_is_out_of_sight_has_no_label_there():
    def draw(y):
        return Picture([Panel("", [Curve([0, 1], [y, y], "level")], y=Axis("", -1, 1))])

    scene = Scene(draw, [Slider("y", 0, 2, 0.5)])
    assert np.isfinite(scene.labels_of(draw(0.9))[0, 0]).all()
    assert np.isnan(scene.labels_of(draw(2))[0, 0]).all()
    (axes,) = still.draw(scene, draw(2)).axes
    assert not axes.texts


def test_a_label_keeps_off_arrows():
    x = np.linspace(0.02, 0.98, 40)
    level, up = np.zeros(40), np.full(40, 0.4)
    for side in (1, -1):
        arrows = Arrows(x, level, level, side * up)
        panel = Panel("", [Curve([0, 1], [0, 0], "bare"), arrows], y=Axis("", -1, 1))
        scene = Scene(lambda panel=panel: Picture([panel]), [])
        ((_, at),) = scene.labels_of(scene.start).values()
        assert (at - scene.plan[0].height / 2) * side > 0  # pixels count downwards


def test_bars_are_stacked_and_their_names_stand_beside_them():
    under, over = (2, 3), (1, 4)
    bars = [Bars(under, ("a", "b"), "under"), Bars(over, ("a", "b"), "over", base=under)]
    picture = Picture([Panel("", bars, Axis("", -0.6, 1.4), Axis("", 0, 9))])
    scene = Scene(lambda: picture, [])
    (axes,) = still.draw(scene, picture).axes
    ends = [(bar.get_y(), bar.get_y() + bar.get_height()) for bar in axes.patches]
    assert ends == [(0, 2), (0, 3), (2, 3), (3, 7)]
    (place,) = scene.plan
    labels = label_boxes(scene, 0)
    assert len(labels) == 2
    for (x, y), (half_width, half_height) in labels:
        for bar, top in enumerate((3, 7)):
            left, right = place.across(bar - 0.35), place.across(bar + 0.35)
            beside = x + half_width < left or x - half_width > right
            assert beside or y + half_height < place.down(top)


def test_the_name_of_an_arrow_stands_at_it():
    arrow = Arrows([0], [0], [0.5], [0], "pull")
    scene = Scene(lambda: Picture([Panel("", [arrow], Axis("", -1, 1), Axis("", -1, 1))]), [])
    (place,), ((middle, half),) = scene.plan, label_boxes(scene, 0)
    assert place.across(0) - 2 * half[0] < middle[0] < place.across(0.5) + 2 * half[0]
    assert half[1] <= abs(middle[1] - place.down(0)) < 4 * half[1]


def test_every_series_of_points_in_a_panel_has_its_own_marker():
    series = [Points([k], [k], stroke="ink") for k in range(len(MARKERS))]
    picture = Picture([Panel("", [Curve([0, 1], [0, 1]), *series]), Panel("", series[:1])])
    several, alone = still.draw(Scene(lambda: picture, []), picture).axes
    shapes = [dots.get_paths()[0].vertices for dots in several.collections]
    assert len({shape.tobytes() for shape in shapes}) == len(series)
    assert np.array_equal(alone.collections[0].get_paths()[0].vertices, shapes[0])  # a circle


@pytest.mark.parametrize("corners", MARKERS.values(), ids=MARKERS)
def test_every_marker_is_as_large_as_a_circle(corners):
    x, y = np.array(corners).T
    assert (x @ np.roll(y, 1) - y @ np.roll(x, 1)) / 2 == pytest.approx(np.pi, rel=1e-3)


def test_a_dot_on_a_landscape_keeps_its_colour_in_a_still():
    losses = {"blue": lm.Huber(), "orange": lm.LogCosh(), "green": lm.SquaredError()}
    planes = [
        residual_plane(loss, title="", levels=(0.5, 1, 2, 4), stroke=stroke)
        for stroke, loss in losses.items()
    ]
    dot = Points([0], [0], stroke="purple")
    picture = Picture([replace(plane, marks=[*plane.marks, dot]) for plane in planes])
    scene = Scene(lambda: picture, [])
    place = scene.plan[0]
    with Image.open(io.BytesIO(still.png(scene, picture))) as image:
        scale = image.width / WIDTH
        at = (place.left + place.across(0), place.top + place.down(0))
        seen = image.convert("RGB").getpixel((int(at[0] * scale), int(at[1] * scale)))
    wanted = bytes.fromhex(STROKES["purple"].light[1:])
    assert np.abs(np.subtract(seen, list(wanted))).max() <= 16  # of 255


def test_a_page_names_no_other_host_and_cannot_be_broken_by_a_title():
    explorer = Explorer(
        lambda a: Picture([Panel("</script><b>", [Curve([0, 1], [0, a])])]), [Slider("a", 0, 1, 1)]
    )
    html = page([explorer], "<Losses>")
    code = base64.b64decode(re.search(r"javascript;base64,([\w+/=]+)", html)[1]).decode()
    hosts = set(re.findall(r"https?://[\w./]+", html + code))
    assert all(host.startswith("http://www.w3.org/") for host in hosts)  # names of XML kinds
    data = re.search(r"data-lm-explorer>(.*?)</script>", html, re.DOTALL)[1]
    spec = json.loads(zlib.decompress(base64.b64decode(json.loads(data)["spec"])))
    assert spec["panels"][0]["title"] == "</script><b>"
    assert "&lt;Losses&gt;" in html


def test_a_log_axis_of_a_still_counts_in_plain_numbers():
    picture = Picture(
        [Panel("", [Curve([0.01, 1], [2, 14])], Axis("", 0.01, 1, "log"), Axis("", 2, 14, "log"))]
    )
    axes = still.draw(Scene(lambda: picture, []), picture).axes[0]
    axes.figure.draw_without_rendering()

    def labels(axis):
        return [text for minor in (False, True) for tick in axis.get_ticklabels(minor=minor)
                if (text := tick.get_text())]  # fmt: skip

    assert {"0.01", "0.1", "1"} <= set(labels(axes.xaxis)) and "10" in labels(axes.yaxis)
    assert not any("$" in text or "e" in text for text in labels(axes.xaxis) + labels(axes.yaxis))
