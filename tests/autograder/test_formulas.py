"""Formulas on feedback pages are pictures; what a student exaggerates stays text."""

import base64
import io

import nbformat
import pytest
from bs4 import BeautifulSoup
from matplotlib import image

from autograder.bank import SOLUTIONS
from autograder.feedback import safe_markdown2html
from autograder.formulas import HIGHEST, LONGEST, ON_A_PAGE, WIDEST, PicturedFormulas

EXERCISES = sorted((SOLUTIONS.parent / "exercises").glob("*.ipynb"))


def rendered(source, renderer=None):
    page = safe_markdown2html(source, renderer or PicturedFormulas())
    return BeautifulSoup(page, "html.parser")


def pixels(tag):
    return image.imread(io.BytesIO(base64.b64decode(tag["src"].partition(",")[2])), "png")


@pytest.mark.parametrize("path", EXERCISES, ids=lambda path: path.stem)
def test_every_formula_of_a_problem_is_drawn(path):
    cells = nbformat.read(path, as_version=4).cells
    for cell in cells:
        if cell.cell_type == "markdown":
            page = rendered(cell.source)
            assert "$" not in page.text
            assert [code.text for code in page.find_all("code") if "\\" in code.text] == []


def test_a_picture_shows_the_formula_and_says_it():
    small, large = rendered(r"$x$ and $\frac12 \lvert x \rvert \ge y < z$").find_all("img")
    assert large["alt"] == r"\frac12 \lvert x \rvert \ge y < z"
    assert (pixels(small)[..., :3] < 0.5).any()
    assert pixels(large).shape[1] > 3 * pixels(small).shape[1]


def test_the_letters_of_a_line_stand_on_one_height():
    """The middle of each picture is half an x above the baseline, whatever is above or below."""
    plain, raised = rendered(r"$x$ $x^{2^{2^{2}}}$").find_all("img")

    def baseline(picture):
        ink = (picture[:, :6, :3] < 0.5).any(axis=(1, 2))
        return ink.nonzero()[0].max() - picture.shape[0] / 2

    assert abs(baseline(pixels(plain)) - baseline(pixels(raised))) <= 1


@pytest.mark.parametrize(
    "formula",
    [
        r"\hspace{99999}",
        r"\hspace{-99999} x",
        r"\hspace{1e9}",
        "x" * LONGEST,
        "x" * (LONGEST + 1),
        "{" * 140 + "x" + "}" * 140,
        r"\frac{" * 40 + "1",
        "x_x_x",
        r"\begin{cases} 1 \end{cases}",
        r"\href{javascript:alert(1)}{x}",
    ],
)
def test_what_cannot_be_drawn_stays_text(formula):
    page = rendered(f"before ${formula}$ after")
    assert page.img is None
    assert page.code.text == formula


def test_a_drawn_formula_is_bounded_in_size():
    (picture,) = rendered(r"$\genfrac{}{}{0}{}{a}{b}" + "x" * 60 + "$").find_all("img")
    height, width = pixels(picture).shape[:2]
    assert width <= WIDEST * 100 / 72 + 2 and height <= HIGHEST * 100 / 72 + 2


def test_a_page_draws_so_many_formulas_and_no_more():
    page = PicturedFormulas()
    drawn = [len(rendered("$x$ " * 100, page).find_all("img")) for _ in range(4)]
    assert sum(drawn) == ON_A_PAGE == 300 and drawn[-1] == 0
