"""Scores reach nbgrader's gradebook exactly as they were earned."""

import nbformat
import numpy as np
import pytest
from nbgrader.utils import determine_grade

from autograder.audit import Record
from autograder.execute import SandboxExecute, is_scored, scaled, score_outputs, with_outputs

POINTS = 4.0


def graded_cell(grade_id="value"):
    grading = {"grade": True, "solution": False, "grade_id": grade_id, "points": POINTS}
    return nbformat.v4.new_code_cell("check()", metadata={"nbgrader": grading})


def part(earned, out_of=POINTS, lines=()):
    return {
        "earned": earned,
        "out_of": out_of,
        "lines": list(lines),
        "misconception": None,
        "faults": [],
    }


def grade_of(cell, record):
    """What nbgrader makes of the outputs."""
    cell.outputs = score_outputs(cell, record)
    nbformat.validate(nbformat.v4.new_notebook(cells=[cell]))
    return determine_grade(cell)


@pytest.mark.parametrize(
    ("earned", "score"),
    [
        (0.0, 0.0),
        (2.5, 2.5),
        (4.0, 4.0),
        (0, 0.0),
        (np.float64(0.0), 0.0),
        (np.float64(1.25), 1.25),
        (1e-9, 1e-9),
        (float("nan"), 0.0),
        (float("inf"), 0.0),
        (-5.0, 0.0),
        (11.0, 4.0),
    ],
)
def test_nbgrader_reads_exactly_what_was_earned(earned, score):
    assert grade_of(graded_cell(), Record("ada", "01", "", parts={"value": part(earned)})) == (
        score,
        POINTS,
    )


def test_a_cell_nobody_knows_scores_nothing():
    cell = graded_cell("made up")
    assert grade_of(cell, Record("ada", "01", "")) == (0.0, POINTS)
    assert "tell your instructor" in cell.outputs[1].text


def test_a_notebook_that_never_arrived_scores_nothing_and_says_so():
    cell = graded_cell()
    assert grade_of(cell, Record("ada", "01", "", received=False))[0] == 0.0
    assert "no notebook" in cell.outputs[1].text


def test_points_are_counted_as_the_gradebook_counts_them():
    assert scaled(1.0, 2.0, 5.0) == 2.5
    assert scaled(1.0, 0.0, 5.0) == 0.0


def test_every_check_is_listed_with_its_points_and_its_sentence():
    cell = graded_cell()
    lines = [
        {"points": 1.0, "out_of": 1.0, "says": "Vectors are right.", "why": ""},
        {"points": 0.0, "out_of": 3.0, "says": "Tables are right.", "why": "has shape (3,)."},
    ]
    grade_of(cell, Record("ada", "01", "", parts={"value": part(1.0, lines=lines)}))
    text = cell.outputs[1].text
    assert text.splitlines()[:3] == [
        "1 of 4 points",
        "✓ 1/1  Vectors are right.",
        "✗ 0/3  Tables are right.",
    ]
    assert "has shape (3,)." in text


def test_written_answers_are_left_to_a_reader():
    written = nbformat.v4.new_markdown_cell(
        metadata={"nbgrader": {"grade": True, "solution": True, "grade_id": "w", "points": 2}}
    )
    assert [is_scored(cell) for cell in (graded_cell(), written)] == [True, False]


def test_the_notes_come_first_and_outputs_stay_with_their_cells():
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell("text"), graded_cell()]
    )
    record = Record("ada", "01", "f", notes=["It is late."], parts={"value": part(1.0)})
    record.outputs = [[], [dict(o) for o in score_outputs(notebook.cells[1], record)]]
    graded = with_outputs(notebook, record)
    assert "It is late." in graded.cells[0].source
    assert determine_grade(graded.cells[2])[0] == 1.0
    assert notebook.cells[1].outputs == []


def test_switching_the_step_off_does_not_let_graded_cells_pass(monkeypatch):
    """nbgrader takes a graded cell without outputs for a full score."""
    seen = []
    step = SandboxExecute(enabled=False)
    monkeypatch.setattr(SandboxExecute, "preprocess", lambda self, nb, res: seen.append(nb))
    step("notebook", {})
    assert seen == ["notebook"]
