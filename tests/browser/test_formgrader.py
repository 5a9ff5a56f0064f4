"""nbgrader's web pages in JupyterLab, used as an instructor uses them on a course of ours."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from labdriver import Lab, lab_in
from playwright.sync_api import Browser, FrameLocator, Locator, expect
from watching import Watched, assert_inert, watched

from autograder.config import ASSIGNMENT, Course
from tests.autograder.classroom import nbgrader
from tests.hostile.attack import FIRST, FULL
from tests.hostile.corpus import CORPUS
from tests.hostile.field import hand_in, make_course

HOSTILE = ("written-script", "own-cells", "outputs", "login")
HONEST = "zz-honest"
# nbgrader's page asks for MathJax and relies on it; here it is told at once that all is drawn.
MATHJAX = {
    "https://cdnjs.cloudflare.com/ajax/libs/mathjax/": """
    window.MathJax = {Hub: {
        Config() {}, Queue() {}, Startup: {signal: {Interest(tell) { tell("End"); }}},
    }};
    """
}


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A released course with submissions that nobody has graded."""
    course, problem = make_course(tmp_path_factory.mktemp("course"))
    hand_in(course.folder, problem, [CORPUS[name] for name in HOSTILE], [HONEST])
    return course


@pytest.fixture(scope="module")
def lab(course: Course) -> Iterator[Lab]:
    with lab_in(course.folder) as lab:
        yield lab


@pytest.fixture
def visit(lab: Lab, browser: Browser) -> Iterator[Watched]:
    """A browser that is logged in."""
    with watched(browser, lab.url, MATHJAX) as visit:
        visit.page.goto(f"{lab.url}/lab?token={lab.token}&reset")
        yield visit


@pytest.fixture(scope="module")
def autograded(lab: Lab, browser: Browser) -> None:
    """Every submission graded by its button on the page, reached through JupyterLab."""
    with watched(browser, lab.url, MATHJAX) as visit:
        visit.page.goto(f"{lab.url}/lab?token={lab.token}&reset")
        visit.page.wait_for_function("() => window.jupyterapp?.restored")
        visit.page.evaluate("() => window.jupyterapp.commands.execute('nbgrader:open-formgrader')")
        tab = visit.page.frame_locator("iframe")
        tab.get_by_role("link", name="Manage Assignments").wait_for(timeout=60_000)
        tab.locator("td.num-submissions a").click()
        for name in (*HOSTILE, HONEST):
            press(tab, name)
        assert visit.dialogs == visit.left == []


def press(tab: FrameLocator, name: str) -> None:
    """Autograde a submission and read what the page says about it."""
    row = tab.get_by_role("row").filter(has_text=name)
    expect(row.locator(".status")).to_have_text("needs autograding")
    row.locator(".autograde a").click()
    expect(tab.locator(".modal-title")).to_have_text("Success", timeout=120_000)
    tab.locator(".modal-footer").get_by_role("button", name="OK").click()
    expect(row.locator(".status")).to_have_text("needs manual grading")
    expect(row.locator(".score")).to_have_text(f"{FULL:g} / 10")


def submission_page(visit: Watched, course: Course, lab: Lab, student: str) -> None:
    with course.gradebook() as gradebook:
        notebook = gradebook.find_submission_notebook(FIRST, ASSIGNMENT, student).id
    visit.open(f"{lab.url}/formgrader/submissions/{notebook}/")
    visit.page.wait_for_function("() => window.formgrader?.grades?.loaded")


def part(visit: Watched, name: str) -> Locator:
    """The panel of a graded cell."""
    return visit.page.locator(".nbgrader_cell").filter(has=visit.page.locator(f"input#{name}"))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_submission_is_inert_for_whoever_grades_it(
    autograded: None, visit: Watched, course: Course, lab: Lab, name: str
) -> None:
    submission_page(visit, course, lab, name)
    expect(part(visit, "written")).to_contain_text("Student's answer")
    # The page's controls are the page's: one panel for each graded cell, whatever students show.
    assert visit.page.locator("input.score").count() == 4
    assert_inert(visit)


def test_points_given_by_hand_reach_the_exported_table(
    autograded: None, visit: Watched, course: Course, lab: Lab, tmp_path: Path
) -> None:
    given = {"written-script": 1.5, HONEST: 2.0}
    for name, points in given.items():
        submission_page(visit, course, lab, name)
        panel = part(visit, "written")
        panel.locator("input.score").fill(f"{points:g}")
        panel.locator("textarea").fill("Well said.")
        with visit.page.expect_response(lambda reply: "/api/grade/" in reply.url) as saved:
            panel.locator("input.score").blur()
        assert saved.value.ok
    assert nbgrader(course.folder, "export", "--to", str(tmp_path / "table.csv")).returncode == 0
    with (tmp_path / "table.csv").open() as table:
        scores = {row["student_id"]: float(row["score"]) for row in csv.DictReader(table)}
    assert scores == dict.fromkeys(HOSTILE, FULL) | {n: FULL + p for n, p in given.items()}
