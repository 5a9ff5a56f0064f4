"""Feedback pages with hostile work in them, opened in a real browser: nothing acts, nothing leaves.

Twice: as students get them, and without their content security policy, so that neither the policy
nor the cleaning leans on the other.
"""

from pathlib import Path

import pytest
from playwright.sync_api import Browser
from watching import assert_inert, watched

from autograder.config import Course
from autograder.grade import find_graded, grade, write_feedback
from tests.hostile.attack import FIRST
from tests.hostile.corpus.pages import ATTACKS
from tests.hostile.field import hand_in, make_course

NAMES = [attack.name for attack in ATTACKS]
DEED = """
<script>document.title = 'hostile'</script><img src=x onerror="document.title = 'hostile'">
<img src="http://127.0.0.1:47170/x"><a id="go" href="javascript:document.title = 'hostile'">go</a>
<link rel="stylesheet" href="http://127.0.0.1:47170/x.css"><iframe src="data:text/html,x"></iframe>
"""


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    course, problem = make_course(tmp_path_factory.mktemp("course"))
    hand_in(course.folder, problem, ATTACKS)
    assert grade(course, workers=2).failed == []
    for student in find_graded(course):
        write_feedback(course, student)
    return course


def feedback_of(course: Course, student: str) -> Path:
    return course.layout.folder("feedback", student) / f"{FIRST}.html"


@pytest.mark.parametrize("policy", [True, False], ids=["", "without its policy"])
@pytest.mark.parametrize("name", NAMES)
def test_a_feedback_page_is_inert(
    course: Course, browser: Browser, name: str, policy: bool
) -> None:
    with watched(browser, "file://", bypass_csp=not policy) as page:
        page.open(feedback_of(course, name).as_uri())
        assert_inert(page)
        # The page itself is whole: its score is the grader's.
        assert "of 3 points" in page.page.inner_text("body")


def test_a_feedback_page_shows_its_formulas_and_is_whole_without_a_network(
    course: Course, browser: Browser
) -> None:
    with watched(browser, "file://", offline=True) as page:
        page.open(feedback_of(course, "zz-honest").as_uri())
        assert_inert(page)
        assert page.asked == [feedback_of(course, "zz-honest").as_uri()]
        sizes = page.page.evaluate("[...document.images].map(i => [i.naturalWidth, i.alt])")
        assert all(width > 0 for width, _ in sizes)
        assert any(r"\sum" in formula for _, formula in sizes)


def test_the_policy_stops_what_slips_through(
    course: Course, browser: Browser, tmp_path: Path
) -> None:
    page = feedback_of(course, "zz-honest").read_text()
    (tmp_path / "page.html").write_text(page.replace("</body>", f"{DEED}</body>"))
    with watched(browser, "file://") as opened:
        opened.open((tmp_path / "page.html").as_uri())
        opened.page.evaluate("document.querySelector('#go').click()")
        opened.wait()
        assert "hostile" not in opened.page.title()
        assert opened.left == []
    with watched(browser, "file://", bypass_csp=True) as opened:
        opened.open((tmp_path / "page.html").as_uri())
        assert opened.page.title() == "hostile"


def test_the_watch_sees_what_acts(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(f"<title>x</title>{DEED}<script>alert(1)</script>")
    with watched(browser, "file://") as page:
        page.open((tmp_path / "page.html").as_uri())
        assert page.page.title() == "hostile"
        assert page.dialogs == ["1"]
        assert {url.rpartition("/")[2] for url in page.left} == {"x", "x.css"}
        with pytest.raises(AssertionError):
            assert_inert(page)
