"""An explorer whose kernel never ran, or is no longer the one that made it."""

from collections.abc import Iterator

import nbformat
import pytest
from labdriver import Lab, open_notebook, run_all
from playwright.sync_api import Page, expect
from reader import paths

CODE = """
import lossmath as lm
from lossmath.explore import Explorer, anatomy, slider

Explorer(
    lambda delta: anatomy({"Huber": lm.Huber(delta)}), [slider(lm.Huber, "delta")], live=LIVE
)
"""


@pytest.fixture
def notebook(lab: Lab, page: Page, request: pytest.FixtureRequest) -> Iterator[str]:
    """A notebook with one explorer, open and run."""
    cell = nbformat.v4.new_code_cell(CODE.replace("LIVE", str(request.param == "live")))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    text = nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": kernel})
    path = f"{request.node.name}.ipynb".replace("[", "-").replace("]", "")
    nbformat.write(text, lab.folder / path)
    open_notebook(page, lab, path)
    run_all(page)
    page.locator(".lm-explorer").wait_for(timeout=60_000)
    yield path
    lab.close_sessions()


def test_a_chapter_nobody_ran_shows_its_stills(lab: Lab, page: Page) -> None:
    open_notebook(page, lab, "theory/02_regression.ipynb")
    picture = page.locator(".jp-RenderedImage img").first
    picture.wait_for(state="attached")
    assert picture.evaluate("img => img.decode().then(() => img.naturalWidth)") > 900
    assert page.locator(".lm-explorer").count() == 0
    lab.close_sessions()


@pytest.mark.parametrize("notebook", ["ahead"], indirect=True)
def test_a_saved_notebook_keeps_the_still_and_no_widget_state(
    lab: Lab, page: Page, notebook: str
) -> None:
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    saved = nbformat.read(lab.folder / notebook, as_version=4)
    (output,) = saved.cells[0].outputs
    assert len(output.data["image/png"]) > 10_000 and "saturates at ±1" in output.data["text/plain"]
    assert "widgets" not in saved.metadata


def restart(page: Page) -> None:
    page.evaluate("() => void window.jupyterapp.commands.execute('kernelmenu:restart')")
    page.get_by_role("button", name="Confirm Kernel Restart").click()
    page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']").wait_for()


@pytest.mark.parametrize("notebook", ["ahead"], indirect=True)
def test_frames_play_on_after_a_restart(page: Page, notebook: str) -> None:
    explorer, handle = page.locator(".lm-explorer"), page.get_by_role("slider")
    curve = explorer.locator(".lm-marks:not(.lm-ghost) path").first
    drawn = curve.get_attribute("d") or ""
    handle.press("Home")
    expect(curve).not_to_have_attribute("d", drawn)  # the frames have come
    before = paths(explorer)
    restart(page)
    handle.press("End")
    assert paths(explorer) != before
    expect(explorer.locator(".lm-busy")).to_be_hidden()


@pytest.mark.parametrize("notebook", ["live"], indirect=True)
def test_a_live_picture_says_that_its_kernel_has_gone(page: Page, notebook: str) -> None:
    restart(page)
    page.get_by_role("slider").press("End")
    expect(page.get_by_role("status").filter(has_text="run the cell again")).to_be_visible()
