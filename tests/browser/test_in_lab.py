"""The regression chapter in JupyterLab, used as a reader uses it."""

import io
from collections.abc import Iterator

import numpy as np
import pytest
from labdriver import Lab, open_notebook, run_all
from PIL import Image
from playwright.sync_api import Locator, Page, expect
from reader import colours, contrast, drag_slider, luminance, paths


@pytest.fixture
def chapter(lab: Lab, page: Page) -> Iterator[Page]:
    open_notebook(page, lab, "theory/02_regression.ipynb")
    run_all(page)
    yield page
    lab.close_sessions()


def explorer(page: Page, title: str) -> Locator:
    """The explorer of this title, scrolled to; JupyterLab renders cells as they come near."""
    found = page.locator(".lm-explorer").filter(has_text=title)
    for _ in range(80):
        if found.count():
            break
        page.locator(".jp-WindowedPanel-outer").first.evaluate("e => e.scrollBy(0, 400)")
        page.wait_for_timeout(150)
    for _ in range(20):  # cells above may still be growing
        found.evaluate("e => e.scrollIntoView({ block: 'center' })")
        page.wait_for_timeout(250)
        box = found.bounding_box()
        if box and box["y"] > 80 and box["y"] + box["height"] < 980:
            return found
    raise AssertionError(f"{title} does not stay in view")


def pixels(found: Locator) -> np.ndarray:
    shot = Image.open(io.BytesIO(found.locator("svg").screenshot())).convert("RGB")
    return np.asarray(shot, dtype=int)


def changed(before: np.ndarray, after: np.ndarray) -> int:
    """How many pixels differ visibly."""
    return int((np.abs(before - after).sum(axis=2) > 60).sum())


def test_mouse_and_keys_move_the_picture(chapter: Page) -> None:
    found = explorer(chapter, "Four ways to round off a corner")
    handle = found.get_by_role("slider")
    expect(handle).to_have_attribute("aria-valuetext", "δ = 1")
    drawn, seen = paths(found), pixels(found)

    drag_slider(chapter, handle, 0.95)
    dragged, seen_dragged = paths(found), pixels(found)
    assert dragged != drawn and changed(seen, seen_dragged) > 300

    text = handle.get_attribute("aria-valuetext")
    for _ in range(12):
        handle.press("ArrowLeft")
    assert paths(found) != dragged and changed(seen_dragged, pixels(found)) > 100
    assert handle.get_attribute("aria-valuetext") != text

    found.get_by_role("button", name="Reset").click()
    expect(handle).to_have_attribute("aria-valuetext", "δ = 1")
    assert changed(seen, pixels(found)) < 10


def test_the_kernel_answers_with_the_exact_picture(chapter: Page) -> None:
    found = explorer(chapter, "Four ways to round off a corner")
    handle = found.get_by_role("slider")
    handle.focus()
    for _ in range(9):
        handle.press("ArrowRight")
    value = handle.get_attribute("aria-valuetext").split()[2]  # type: ignore[union-attr]
    found.locator("summary").click()
    expect(found.locator(".lm-words p")).to_contain_text(f"At δ = {value}:")


def test_arrow_keys_work_in_command_mode(chapter: Page) -> None:
    """JupyterLab would otherwise take them to select another cell."""
    found = explorer(chapter, "Four ways to round off a corner")
    handle = found.get_by_role("slider")
    handle.focus()
    chapter.keyboard.press("Escape")
    handle.focus()
    before = handle.input_value()
    chapter.keyboard.press("ArrowRight")
    assert int(handle.input_value()) == int(before) + 1
    expect(handle).to_be_focused()


def test_the_picture_waits_for_a_prediction(chapter: Page) -> None:
    found = explorer(chapter, "Huber between its two parents")
    curve = found.locator(".lm-marks path").first
    expect(curve).to_be_hidden()
    commit = found.get_by_role("button", name="Commit")
    expect(commit).to_be_disabled()
    found.get_by_label("your answer").fill("3")
    commit.click()
    expect(found.locator(".lm-predict")).to_contain_text("Not this time: the answer is 0.5")
    assert found.locator(".lm-hidden").count() == 0
    found.get_by_label("your answer").fill("0.5")
    commit.click()
    expect(found.locator(".lm-predict")).to_contain_text("Yes.")


def test_dragging_the_outlier_refits_in_the_kernel(chapter: Page) -> None:
    found = explorer(chapter, "One point against twelve")
    found.get_by_label("squared", exact=True).check()
    found.get_by_role("button", name="Commit").click()
    readings = found.locator(".lm-readings b")
    before = readings.all_inner_texts()
    box = found.locator(".lm-handle").bounding_box()
    assert box
    chapter.mouse.move(box["x"] + 7, box["y"] + 7)
    chapter.mouse.down()
    chapter.mouse.move(box["x"] + 7, box["y"] + 200, steps=12)
    chapter.mouse.up()
    chapter.wait_for_function(
        "([handle, top]) => handle.getBoundingClientRect().top > top + 150",
        arg=[found.locator(".lm-handle").element_handle(), box["y"]],
    )
    expect(readings.first).not_to_have_text(before[0])
    expect(found.locator(".lm-busy")).to_be_hidden()


def test_both_themes_are_legible(chapter: Page) -> None:
    found = explorer(chapter, "Four ways to round off a corner")
    backgrounds = []
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        chapter.evaluate(
            "theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", theme
        )
        dark = "false" if "Dark" in theme else "true"
        chapter.locator(f"body[data-jp-theme-light='{dark}']").wait_for(state="attached")
        chapter.wait_for_timeout(500)  # the theme's own stylesheet arrives after the attribute
        page, text, curve = colours(found)
        backgrounds.append(page)
        assert contrast(text, page) > 7 and contrast(curve, page) > 4.5
    assert luminance(backgrounds[0]) > 0.9 and luminance(backgrounds[1]) < 0.1
