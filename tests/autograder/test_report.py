"""The table, its reasons, and how the problems worked."""

import csv
import io
import json

import numpy as np
import pytest
from bs4 import BeautifulSoup
from rich.console import Console

from autograder.report import (
    Loss,
    PartScore,
    ProblemScore,
    StudentScore,
    as_csv,
    as_json,
    as_tables,
    losses,
    problem_statistics,
)
from autograder.report_page import as_page, totals_in_bins


def problem(score, name="01_first", **more):
    return ProblemScore(name, score, 10.0, **more)


def row(student, *scores):
    names = ("01_first", "02_second", "03_third")
    return StudentScore(
        student,
        tuple(problem(score, name) for score, name in zip(scores, names, strict=False)),
    )


class Grade:
    """What the report reads of a grade in the gradebook."""

    def __init__(self, name, score, max_score, manual_score=None, needs_manual_grade=False):
        self.name = name
        self.score = score
        self.max_score = max_score
        self.manual_score = manual_score
        self.needs_manual_grade = needs_manual_grade


class Notebook:
    def __init__(self, *grades):
        self.grades = grades


def part(*lines, score=None, misconception=None):
    """Lines are (points, out_of, why)."""
    earned = sum(line[0] for line in lines)
    return {
        "earned": earned,
        "out_of": sum(line[1] for line in lines),
        "score": earned if score is None else score,
        "misconception": misconception,
        "lines": [
            {"points": points, "out_of": out_of, "says": "Something.", "why": why}
            for points, out_of, why in lines
        ],
    }


# ---------------------------------------------------------------------------- reasons


def test_every_missing_point_has_a_reason():
    parts = {"value": part((1, 1, ""), (0, 2, "has the wrong shape."), (0, 1, "is wrong."))}
    assert losses(Notebook(Grade("value", 1, 4)), parts) == [
        Loss("value", 2, "has the wrong shape."),
        Loss("value", 1, "is wrong."),
    ]


def test_a_sentence_is_said_once_for_each_part():
    parts = {"value": part((0, 1, "raises."), (0, 2, "raises."))}
    assert losses(Notebook(Grade("value", 0, 3)), parts) == [Loss("value", 3, "raises.")]


def test_a_recognised_misconception_is_the_reason():
    known = {"name": "half", "says": "This is half of it."}
    parts = {"value": part((0, 3, "is too small."), misconception=known)}
    assert losses(Notebook(Grade("value", 0, 3)), parts) == [
        Loss("value", 3, "This is half of it.")
    ]


def test_full_parts_and_waiting_answers_lose_nothing():
    notebook = Notebook(Grade("value", 3, 3), Grade("written", 0, 2, needs_manual_grade=True))
    assert losses(notebook, {"value": part((3, 3, ""))}) == []


def test_points_given_by_hand_are_named_as_such():
    notebook = Notebook(Grade("written", 0.5, 2, manual_score=0.5))
    assert losses(notebook, {}) == [Loss("written", 1.5, "Graded by hand.")]


def test_points_given_by_hand_count_though_nbgrader_asks_for_another_look():
    again = Grade("written", 0.5, 2, manual_score=0.5, needs_manual_grade=True)
    assert losses(Notebook(again), {}) == [Loss("written", 1.5, "Graded by hand.")]


def test_an_empty_notebook_has_one_reason():
    notebook = Notebook(Grade("value", 0, 8), Grade("written", 0, 2))
    parts = {"value": part((0, 8, "mse is not written yet."))}
    assert losses(notebook, parts) == [Loss("", 10, "Nothing was written.")]


def test_a_notebook_that_lacks_only_the_answer_in_words_is_not_called_empty():
    notebook = Notebook(Grade("value", 8, 8), Grade("written", 0, 2))
    parts = {"value": part((8, 8, ""))}
    assert losses(notebook, parts) == [Loss("written", 2, "The answer is not written yet.")]


# ---------------------------------------------------------------------------- statistics


def test_difficulty_is_the_mean_share_and_discrimination_a_correlation():
    scores = [row("a", 10, 8), row("b", 5, 4), row("c", 0, 0)]
    first, second = problem_statistics(scores)
    assert (first.difficulty, second.difficulty) == (0.5, 0.4)
    assert first.discrimination == pytest.approx(1.0)


def test_a_problem_that_sorts_the_other_way_round_is_seen():
    scores = [row("a", 10, 0, 0), row("b", 0, 10, 10), row("c", 5, 4, 5)]
    assert problem_statistics(scores)[0].discrimination < -0.9


@pytest.mark.parametrize("scores", [[row("a", 3, 4)], [row("a", 3, 4), row("b", 3, 5)]])
def test_without_variation_there_is_no_discrimination(scores):
    assert problem_statistics(scores)[0].discrimination is None


def test_misconceptions_are_counted():
    scores = [
        StudentScore(name, (problem(5, misconceptions=(mistake,)),))
        for name, mistake in (("a", "half"), ("b", "half"), ("c", "sign"))
    ]
    assert problem_statistics(scores)[0].misconceptions == {"half": 2, "sign": 1}


def answered(student, *problems, late=0.0):
    """One who earned so many points in the parts of each problem; None waits for a reader."""
    return StudentScore(
        student,
        tuple(
            ProblemScore(
                f"{number:02}_problem",
                score=sum(filter(None, parts)) - late,
                out_of=5.0 * len(parts),
                waiting=5.0 * list(parts).count(None),
                late=late,
                parts=tuple(
                    PartScore(name, points, 5.0)
                    for name, points in zip("abc", parts, strict=False)
                    if points is not None
                ),
            )
            for number, parts in enumerate(problems)
        ),
    )


def test_parts_are_compared_with_everything_else_a_student_earned():
    draw = np.random.default_rng(5).integers(0, 6, size=(40, 2, 2)).astype(float)
    scores = [
        answered(str(number), *person.tolist(), late=float(number % 3))
        for number, person in enumerate(draw)
    ]
    totals = draw.sum(axis=(1, 2))
    for problem, item in enumerate(problem_statistics(scores)):
        assert item.difficulty == pytest.approx(draw[:, problem].mean() / 5)
        for which, part in enumerate(item.parts):
            own = draw[:, problem, which]
            assert part.difficulty == pytest.approx(own.mean() / 5)
            assert part.discrimination == pytest.approx(np.corrcoef(own, totals - own)[0, 1])


def test_points_that_wait_for_a_reader_count_for_nothing():
    scores = [answered("a", (5.0, None)), answered("b", (4.0, 1.0)), answered("c", (3.0, 2.0))]
    (item,) = problem_statistics(scores)
    assert item.difficulty == pytest.approx(15 / 25)
    assert [part.difficulty for part in item.parts] == pytest.approx([0.8, 0.3])


def test_an_empty_class_has_no_statistics():
    assert problem_statistics([]) == []


# ---------------------------------------------------------------------------- the page


def page_of(scores):
    return BeautifulSoup(as_page(scores), "html.parser")


def test_totals_are_counted_in_tenths_with_both_ends():
    scores = [row(str(score), score) for score in (0, 0.99, 1, 9.99, 10)]
    assert totals_in_bins(scores) == [2, 1, 0, 0, 0, 0, 0, 0, 0, 2]


def test_the_page_stands_alone_and_tells_its_pictures_in_words():
    text = as_page([answered(name, (a, 1.0), (b, 4.0)) for name, a, b in ABC])
    page = BeautifulSoup(text, "html.parser")
    assert page.find_all(["script", "link", "iframe"]) == []
    assert "default-src 'none'" in text
    for picture in page.find_all("img"):
        assert picture["src"].startswith("data:image/svg+xml;base64,")
        assert "told in the caption" in picture["alt"]
    totals, items = (caption.text for caption in page.find_all("figcaption"))
    assert totals == "Totals: 1 from 6 to 8, 1 from 8 to 10, 1 from 10 to 12 points."
    assert items.endswith("Below the line at 0.2: 00 a, 01 a.")


ABC = (("ada", 5.0, 1.0), ("bob", 1.0, 2.0), ("chen", 0.0, 2.5))


def test_the_page_names_mistakes_and_students_whatever_they_are_called():
    scores = [
        StudentScore("<img src=x onerror=alert(1)>", (problem(5, misconceptions=("a < b & c",)),)),
        row("ada", 10),
    ]
    page = page_of(scores)
    assert [picture["src"][:5] for picture in page.find_all("img")] == ["data:"] * 2
    cells = [cell.text for cell in page.find_all(["td", "th"])]
    assert "<img src=x onerror=alert(1)>" in cells and "a < b & c" in cells
    assert "1 (50%)" in cells


def test_the_same_scores_make_the_same_page():
    scores = [row("a", 10, 8), row("b", 5, 4)]
    assert as_page(scores) == as_page(scores)


def test_a_class_that_nobody_has_graded_has_no_page():
    with pytest.raises(ValueError, match="nobody has been graded"):
        as_page([])


# ---------------------------------------------------------------------------- on paper

HOSTILE = StudentScore(
    "o'b,\"[red]x", (problem(7.25, losses=(Loss("value", 2.75, "is [bold]wrong[/bold]."),)),)
)


def test_csv_holds_no_formula():
    read = list(csv.reader(io.StringIO(as_csv([StudentScore("@SUM(1)", (problem(1),))]))))
    assert read[1][0] == "'@SUM(1)"


def test_csv_is_read_back_whatever_a_name_holds():
    read = list(csv.reader(io.StringIO(as_csv([HOSTILE]))))
    assert read == [["student", "01_first", "total"], [HOSTILE.student, "7.25", "7.25"]]


def test_json_holds_scores_reasons_and_statistics():
    data = json.loads(json.dumps(as_json([HOSTILE])))
    (student,) = data["students"]
    assert (student["score"], student["out_of"]) == (7.25, 10.0)
    assert student["problems"][0]["losses"][0]["points"] == 2.75
    assert data["problems"][0]["difficulty"] == 0.725


def test_the_table_shows_points_reasons_and_names_as_they_are():
    console = Console(width=120, file=io.StringIO())
    console.print(as_tables([HOSTILE, row("ada", 10)]))
    text = console.file.getvalue()
    for phrase in ("7.25/10", "10/10", "-2.75", "is [bold]wrong[/bold].", "[red]x", "86%"):
        assert phrase in text


def test_neighbouring_problems_with_the_same_reason_are_one_line_of_the_table():
    nothing = [
        problem(0.0, name, losses=(Loss("", 10.0, "Nothing was written."),))
        for name in ("01_first", "02_second")
    ]
    right = [problem(10.0, "03_third"), problem(10.0, "04_fourth")]
    console = Console(width=120, file=io.StringIO())
    console.print(as_tables([StudentScore("ada", (*nothing, *right))]))
    (line,) = (line for line in console.file.getvalue().splitlines() if "Nothing" in line)
    assert line.split() == ["ada", "01", "to", "02", "-20", "Nothing", "was", "written."]
