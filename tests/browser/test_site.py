"""The site as it lies on disk: every explorer of every chapter, and what a page may ask for."""

import subprocess
from pathlib import Path

import pytest
from labdriver import ROOT
from playwright.sync_api import Locator, Page, Request, expect
from reader import colours, contrast, crowded, drag_slider, luminance

from lossmath import catalogue

HERE = Path(__file__).parent
CHAPTERS = sorted(path.stem for path in (ROOT / "theory").glob("[0-9][0-9]_*.ipynb"))
EXPLORER, CHAPTER = 1_000_000, 4_000_000  # bytes
# The two sidebars of the theme have no names, and a table's corner may be empty.
THE_THEMES = {"landmark-unique", "empty-table-header"}


@pytest.fixture(scope="session")
def axe() -> Path:
    found = HERE / "node_modules" / "axe-core" / "axe.min.js"
    if not found.exists():
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=HERE, check=True)
    return found


@pytest.fixture
def asked(page: Page) -> list[str]:
    """What the page asked another host for."""
    asked: list[str] = []

    def note(request: Request) -> None:
        if not request.url.startswith(("file:", "data:", "blob:")):
            asked.append(request.url)

    page.on("request", note)
    return asked


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_explorer_of_a_chapter_lives(
    page: Page, site: Path, axe: Path, asked: list[str], chapter: str
) -> None:
    source = site / "theory" / f"{chapter}.html"
    html = source.read_text()
    frames = html.split("data-lm-explorer>")[1:]
    sizes = [len(part[: part.index("</script>")]) for part in frames]
    assert max(sizes) < EXPLORER and len(html) < CHAPTER

    page.goto(source.as_uri())
    page.wait_for_function("() => !document.querySelector('[data-lm-explorer]')")
    explorers = page.locator(".lm-explorer").all()
    assert len(explorers) == len(sizes) > 0
    for explorer in explorers:
        answer(explorer)
        assert crowded(explorer) == [], explorer.inner_text()[:60]
        handles = explorer.get_by_role("slider").all()
        for handle in handles:
            moves(page, explorer, handle)
        for handle in handles:
            has_room(explorer, handle)
        legible(explorer)
    assert violations(page, axe) == []
    page.emulate_media(color_scheme="dark")
    for explorer in explorers:
        legible(explorer, dark=True)
    assert violations(page, axe, "color-contrast") == []
    assert asked == []


def answer(explorer: Locator) -> None:
    """Some answer to the question that hides the picture."""
    if not explorer.locator(".lm-predict").count():
        return
    if explorer.get_by_role("radio").count():
        explorer.get_by_role("radio").first.check()
    else:
        explorer.get_by_role("spinbutton").fill("1")
    explorer.get_by_role("button", name="Commit").click()


def drawn(explorer: Locator) -> str:
    """Every mark of the picture, as the browser has it."""
    marks = explorer.locator(".lm-marks:not(.lm-ghost)")
    return marks.evaluate_all("all => all.map(marks => marks.innerHTML).join()")


def moves(page: Page, explorer: Locator, handle: Locator) -> None:
    """By keyboard from end to end, then back by mouse."""
    ends = {}
    for key in ("Home", "End"):
        handle.press(key)
        ends[key] = drawn(explorer)
    drag_slider(page, handle, 0.02)
    back = drawn(explorer)
    still = ends["Home"] == ends["End"] or ends["End"] == back
    assert not still, f"{explorer.inner_text()[:60]}: {handle.get_attribute('aria-valuetext')}"


def has_room(explorer: Locator, handle: Locator) -> None:
    """Its labels stand apart at either end of the slider, the others being at their start."""
    explorer.get_by_role("button", name="Reset").click()
    for key in ("Home", "End"):
        handle.press(key)
        assert crowded(explorer) == [], f"{explorer.inner_text()[:60]}: {key}"


def legible(explorer: Locator, dark: bool = False) -> None:
    background, text, mark = colours(explorer)
    assert contrast(text, background) > 7 and contrast(mark, background) > 4.5
    assert luminance(background) < 0.1 if dark else luminance(background) > 0.9


def violations(page: Page, axe: Path, *rules: str) -> list[str]:
    """What axe-core finds wrong with the page, by these rules or all."""
    page.add_script_tag(path=axe)
    options: dict[str, object] = {"resultTypes": ["violations"]}
    options["preload"] = False  # it would fetch the stylesheets anew
    if rules:
        options["runOnly"] = rules
    found = page.evaluate("options => axe.run(document, options)", options)["violations"]
    found = [v for v in found if v["id"] not in THE_THEMES]
    return [f"{v['id']}: {node['html']}" for v in found for node in v["nodes"]]


@pytest.mark.parametrize(
    "text", ["index", "docs/losses", "docs/trust", "exercises/01_mse_gradient"]
)
def test_a_page_can_be_read_by_keyboard_and_by_ear(
    page: Page, site: Path, axe: Path, text: str
) -> None:
    page.goto((site / f"{text}.html").as_uri())
    assert violations(page, axe) == []
    page.emulate_media(color_scheme="dark")
    assert violations(page, axe, "color-contrast") == []


def test_the_reference_has_every_loss(page: Page, site: Path, asked: list[str]) -> None:
    page.goto((site / "docs" / "losses.html").as_uri())
    headings = set(page.get_by_role("heading").all_inner_texts())
    missing = [record.name for record in catalogue() if record.name not in headings]
    assert missing == [] and asked == []


def test_search_finds_a_word_of_a_chapter(page: Page, site: Path, asked: list[str]) -> None:
    page.goto((site / "index.html").as_uri())
    field = page.get_by_placeholder("Search")
    field.fill("elicits")
    field.press("Enter")
    found = page.locator("#search-results a").filter(has_text="01 What a loss does")
    expect(found.first).to_be_visible()
    found.first.click()
    expect(page.locator(".lm-explorer").first).to_be_visible()
    assert asked == []
