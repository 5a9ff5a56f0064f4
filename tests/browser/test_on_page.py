"""A page on disk: the same explorers without a kernel, against the record itself."""

import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, Request, expect

import lossmath as lm
from lossmath.explore import (
    Axis,
    Bars,
    Curve,
    Explorer,
    Panel,
    Picture,
    Points,
    Predict,
    Slider,
    anatomy,
    page,
    slider,
)


def huber() -> Explorer:
    return Explorer(
        lambda delta: anatomy({"Huber": lm.Huber(delta)}), [slider(lm.Huber, "delta")], title="H"
    )


def open_page(browser_page: Page, folder: Path, *explorers: Explorer) -> None:
    target = folder / "page.html"
    target.write_text(page(explorers, "Test"))
    requests: list[Request] = []
    browser_page.on("request", lambda request: requests.append(request))
    browser_page.goto(target.as_uri())
    browser_page.locator(".lm-explorer").first.wait_for()
    assert all(request.url.startswith(("file:", "data:")) for request in requests)


def drawn(browser_page: Page, panel: int, mark: int) -> np.ndarray:
    """The vertices of a drawn curve, in pixels of the panel."""
    path = browser_page.locator(".lm-marks:not(.lm-ghost) path[stroke-width='2']").nth(panel + mark)
    numbers = re.findall(r"-?\d+(?:\.\d+)?(?:e-?\d+)?", path.get_attribute("d") or "")
    return np.array(numbers, dtype=float).reshape(-1, 2)


@pytest.mark.parametrize("steps", [0, 1, 7, -33])
def test_a_moved_slider_draws_what_the_record_says(page: Page, tmp_path: Path, steps: int) -> None:
    explorer = huber()
    open_page(page, tmp_path, explorer)
    handle = page.get_by_role("slider")
    for _ in range(abs(steps)):
        handle.press("ArrowRight" if steps > 0 else "ArrowLeft")
    stops = explorer.scene.sliders[0].stops()
    delta = stops[int(handle.input_value())]
    for panel, place in enumerate(explorer.scene.plan[:2]):
        points = drawn(page, panel, 0)
        mark = explorer.scene.draw(delta=delta).panels[panel].marks[0].arrays()
        expected = np.column_stack([place.across(mark["x"]), place.down(mark["y"])])
        assert points.shape == expected.shape
        assert np.abs(points - expected).max() < 0.5  # pixels, on a plan 760 wide


def test_what_stands_still_is_not_drawn_anew(page: Page, tmp_path: Path) -> None:
    def picture(a: float, b: float) -> Picture:
        return Picture([Panel("", [Curve([0, 1], [0, y]) for y in (1.0, a, b)])])

    open_page(page, tmp_path, Explorer(picture, [Slider("a", 0, 1, 0.5), Slider("b", 0, 1, 0.5)]))
    handle = page.get_by_role("slider").first
    handle.press("ArrowRight")
    drawn = page.locator(".lm-marks path")
    drawn.evaluate_all("paths => paths.forEach(path => path.setAttribute('d', ''))")
    handle.press("ArrowRight")
    anew = [path for path in drawn.all() if path.get_attribute("d")]
    assert drawn.count() == 5 and len(anew) == 1  # three curves and two ghosts


def test_a_log_axis_counts_in_plain_numbers(page: Page, tmp_path: Path) -> None:
    panel = Panel("", [Curve([0.01, 100], [1, 2])], Axis("", 0.01, 100, scale="log"))
    open_page(page, tmp_path, Explorer(lambda: Picture([panel])))
    ticks = page.locator(".lm-axis").first.locator(".tick text").all_text_contents()
    assert {"0.01", "0.1", "1", "10", "100"} <= set(ticks)


def test_named_places_on_an_axis_take_the_place_of_numbers(page: Page, tmp_path: Path) -> None:
    panel = Panel("", [Curve([0, 2], [0, 1])], Axis("", 0, 2, ticks={0.5: "old", 1.5: "new"}))
    open_page(page, tmp_path, Explorer(lambda: Picture([panel])))
    texts = page.locator(".lm-axis").first.locator(".tick text").all_text_contents()
    assert texts == ["old", "new"]


def test_two_sliders_and_a_handle(page: Page, tmp_path: Path) -> None:
    def picture(x: float, y: float) -> Picture:
        return Picture(
            [
                Panel(
                    "plane",
                    [Points([x], [y], handle=("x", "y")), Curve([-1, 1], [x * y, x - y])],
                    Axis("", -1, 1),
                    Axis("", -1, 1),
                )
            ],
            readings={"product": x * y},
        )

    sliders = [Slider("x", -1, 1, 0.0), Slider("y", -1, 1, 0.0)]
    open_page(page, tmp_path, Explorer(picture, sliders, live=True))
    box = page.locator(".lm-handle").bounding_box()
    assert box
    page.mouse.move(box["x"] + 4, box["y"] + 4)
    page.mouse.down()
    page.mouse.move(box["x"] + 84, box["y"] - 46, steps=5)
    page.mouse.up()
    x, y = (
        float(re.sub(r".*= ", "", handle.get_attribute("aria-valuetext") or ""))
        for handle in page.get_by_role("slider").all()
    )
    assert x > 0.1 and y > 0.1
    assert float(page.locator(".lm-readings b").inner_text()) == pytest.approx(x * y, abs=2e-3)


def test_a_bare_panel_has_marks_and_a_title_but_no_axes(page: Page, tmp_path: Path) -> None:
    curve = Curve([0, 1], [0, 1])
    panels = [Panel("drawn", [curve], Axis("across")), Panel("bare", [curve], bare=True)]
    open_page(page, tmp_path, Explorer(lambda: Picture(panels)))
    assert len(drawn(page, 0, 0)) == len(drawn(page, 1, 0)) == 2
    assert page.locator(".lm-panel-title").all_text_contents() == ["drawn", "bare"]
    assert page.locator(".lm-axis").count() == page.locator(".lm-grid").count() == 2


def test_every_series_of_points_in_a_panel_has_its_own_marker(page: Page, tmp_path: Path) -> None:
    series = [Points([k, k], [0, 1], stroke="ink") for k in range(3)]
    open_page(page, tmp_path, Explorer(lambda: Picture([Panel("", series)])))
    shapes = [dot.get_attribute("d") for dot in page.locator(".lm-marks path").all()]
    assert len(shapes) == 6 and len(set(shapes)) == 3
    assert len(set(shapes[:2])) == 1


def test_bars_stand_on_their_base_and_bear_their_name(page: Page, tmp_path: Path) -> None:
    bars = Bars([1, -2], ("a", "b"), "over", base=[2, 3])
    panel = Panel("", [bars], Axis("", -0.6, 1.4), Axis("", 0, 5))
    explorer = Explorer(lambda: Picture([panel]))
    open_page(page, tmp_path, explorer)
    (place,) = explorer.scene.plan
    spans = []
    for rect in page.locator(".lm-marks:not(.lm-ghost) rect").all():
        top, height = (float(rect.get_attribute(name) or "nan") for name in ("y", "height"))
        spans.append((top, top + height))
    assert spans == [
        pytest.approx((place.down(3), place.down(2)), abs=0.5),
        pytest.approx((place.down(3), place.down(1)), abs=0.5),
    ]
    assert page.locator(".lm-label").all_text_contents() == ["over"]


def test_the_label_of_a_dot_stands_where_the_still_has_it(page: Page, tmp_path: Path) -> None:
    explorer = Explorer(
        lambda x: Picture([Panel("", [Points([x], [0], "me")])]), [Slider("x", -1, 1, 0)]
    )
    open_page(page, tmp_path, explorer)
    page.get_by_role("slider").press("ArrowRight")
    text = page.locator(".lm-marks .lm-label", has_text="me")
    value = explorer.scene.sliders[0].stops()[int(page.get_by_role("slider").input_value())]
    expected = explorer.scene.labels_of(explorer.scene.draw(x=value))[0, 0]
    got = [float(text.get_attribute(name) or "nan") for name in ("x", "y")]
    assert got == pytest.approx(expected, abs=0.5)


def four_sliders() -> Explorer:
    """A dot to drag by the first two, and the sum of all; the frames hold it exactly."""

    def picture(a: float, b: float, c: float, d: float) -> Picture:
        dot = Points([a], [b], size=6, handle=("a", "b"))
        panel = Panel("", [dot], Axis("", 0, 1), Axis("", 0, 1))
        return Picture([panel], readings={"sum": a + b + c + d})

    return Explorer(picture, [Slider(name, 0, 1, 0.5) for name in "abcd"])


HOME = "Without Python, a and b move together and any other slider alone"


def turned(browser_page: Page) -> list[float]:
    """Where the sliders stand, as they tell it."""
    sliders = browser_page.get_by_role("slider").all()
    return [float((s.get_attribute("aria-valuetext") or "").split("=")[1]) for s in sliders]


def test_a_dragged_dot_keeps_both_coordinates_without_a_kernel(page: Page, tmp_path: Path) -> None:
    open_page(page, tmp_path, four_sliders())
    dot = page.locator(".lm-handle")
    before = dot.bounding_box()
    assert before
    page.mouse.move(before["x"] + before["width"] / 2, before["y"] + before["height"] / 2)
    page.mouse.down()
    for step in range(1, 6):
        page.mouse.move(before["x"] + 12 * step, before["y"] - 8 * step)
    page.mouse.up()
    after = dot.bounding_box()
    assert after
    assert after["x"] + after["width"] / 2 == pytest.approx(before["x"] + 60, abs=2)
    assert after["y"] + after["height"] / 2 == pytest.approx(before["y"] - 40, abs=2)
    a, b, c, d = turned(page)
    assert a > 0.55 and b > 0.55 and c == d == 0.5
    assert float(page.locator(".lm-readings b").inner_text()) == pytest.approx(a + b + 1, abs=0.01)
    assert HOME not in page.locator(".lm-explorer").inner_text()


def test_more_than_two_sliders_say_which_go_home_without_a_kernel(
    page: Page, tmp_path: Path
) -> None:
    open_page(page, tmp_path, four_sliders())
    a, b, c, d = page.get_by_role("slider").all()
    total, said = page.locator(".lm-readings b"), page.get_by_role("status").filter(has_text=HOME)
    a.press("End")
    b.press("End")
    assert turned(page) == [1, 1, 0.5, 0.5] and total.inner_text() == "3"
    expect(said).to_be_hidden()
    c.press("Home")
    assert turned(page) == [0.5, 0.5, 0, 0.5] and total.inner_text() == "1.5"
    expect(said).to_be_visible()
    d.press("End")
    assert turned(page) == [0.5, 0.5, 0.5, 1] and total.inner_text() == "2.5"
    a.press("Home")
    assert turned(page) == [0, 0.5, 0.5, 0.5] and total.inner_text() == "1.5"


def test_a_verdict_writes_its_number_like_every_other(page: Page, tmp_path: Path) -> None:
    question = Predict("How much?", answer=-0.0612345678, within=0.001, because="So it is.")
    open_page(page, tmp_path, Explorer(lambda: Picture([Panel("", [])]), predict=question))
    page.get_by_role("spinbutton").fill("5")
    page.get_by_role("button", name="Commit").click()
    expect(page.get_by_text("the answer is −0.0612. So it is.")).to_be_visible()


def test_the_ghost_keeps_the_default_and_pin_keeps_the_chosen(page: Page, tmp_path: Path) -> None:
    open_page(page, tmp_path, huber())
    ghost = page.locator(".lm-ghost path").first
    handle, pin = page.get_by_role("slider"), page.get_by_role("button", name="Pin")
    assert not ghost.is_visible()
    default = drawn(page, 0, 0)
    for _ in range(20):
        handle.press("ArrowRight")
    assert ghost.is_visible()
    chosen = page.locator(".lm-marks:not(.lm-ghost) path").first.get_attribute("d")
    assert ghost.get_attribute("d") != chosen
    pin.click()
    assert ghost.get_attribute("d") == chosen
    page.get_by_role("button", name="Reset").click()
    assert np.array_equal(drawn(page, 0, 0), default) and not ghost.is_visible()


def test_every_control_has_a_name_and_the_picture_its_words(page: Page, tmp_path: Path) -> None:
    open_page(page, tmp_path, huber())
    assert page.get_by_role(
        "slider", name="δ — residual at which the loss turns linear, in units of the target"
    ).count()
    picture = page.get_by_role("img")
    assert "saturates at ±1 beyond |r| = 1" in (picture.get_attribute("aria-label") or "")
    page.get_by_role("slider").press("PageUp")
    assert "saturates at ±1 beyond" not in (picture.get_attribute("aria-label") or "")
