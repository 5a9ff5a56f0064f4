"""The table, its reasons, and how the problems worked."""

import csv
import io
import json

import pytest
from rich.console import Console

from autograder.report import (
    Loss,
    ProblemScore,
    StudentScore,
    as_csv,
    as_json,
    as_tables,
    losses,
    problem_statistics,
)


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


def test_an_empty_notebook_has_one_reason():
    notebook = Notebook(Grade("value", 0, 8), Grade("written", 0, 2))
    parts = {"value": part((0, 8, "mse is not written yet."))}
    assert losses(notebook, parts) == [Loss("", 10, "Nothing was written.")]


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


def test_an_empty_class_has_no_statistics():
    assert problem_statistics([]) == []


# ---------------------------------------------------------------------------- on paper

HOSTILE = StudentScore(
    "o'b,\"[red]x", (problem(7.25, losses=(Loss("value", 2.75, "is [bold]wrong[/bold]."),)),)
)


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
