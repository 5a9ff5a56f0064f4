"""Everything but the text of the student's cells comes from the release."""

import copy

import nbformat
import pytest

from autograder.rebuild import rebuild


def cell(source, grade_id="", kind="code", **grading):
    metadata = {"nbgrader": {"grade_id": grade_id, **grading}} if grade_id else {}
    return getattr(nbformat.v4, f"new_{kind}_cell")(source=source, metadata=metadata)


def solution(source, grade_id):
    return cell(source, grade_id, solution=True, grade=False, locked=False)


def graded(grade_id, points):
    return cell(f"check('{grade_id}')", grade_id, grade=True, solution=False, points=points)


@pytest.fixture
def released():
    return nbformat.v4.new_notebook(
        cells=[
            cell("# Statement", kind="markdown"),
            solution("stub f", "f"),
            graded("value", 3),
            solution("stub g", "g"),
            graded("gradient", 5),
            cell("say why", "why", "markdown", grade=True, solution=True, points=2),
        ],
        metadata={"language_info": {"name": "python"}},
    )


def submit(*cells, received=True):
    """A clean copy: kind, text, and the grade id and points a cell claims."""
    notebook = nbformat.v4.new_notebook(
        cells=[
            cell(c.source, claims.get("grade_id", ""), c.cell_type, points=claims.get("points", 0))
            for c in cells
            for claims in (c.metadata.get("nbgrader", {}),)
        ]
    )
    notebook.metadata["autograder"] = {"notes": [], "received": received}
    return notebook


def sources(notebook):
    return [cell.source for cell in notebook.cells]


def notes(notebook):
    return notebook.metadata.autograder.notes


@pytest.mark.parametrize("kept", [0, 3])
def test_the_released_notebook_stays_as_it_is(released, kept):
    before = copy.deepcopy(released)
    notebook = rebuild(submit(*released.cells[:kept]), released)
    for cell in notebook.cells:
        cell.source = "changed"
        cell.metadata.clear()
    assert released == before


def test_a_faithful_submission_is_the_release_with_the_students_text(released):
    answered = copy.deepcopy(released)
    answered.cells[1].source = "def f(): return 1"
    answered.cells[5].source = "because"
    rebuilt = rebuild(submit(*answered.cells), released)
    assert sources(rebuilt) == sources(answered)
    assert [c.metadata for c in rebuilt.cells] == [c.metadata for c in released.cells]
    assert notes(rebuilt) == []
    nbformat.validate(rebuilt)


def test_locked_text_comes_from_the_release(released):
    changed = copy.deepcopy(released)
    changed.cells[2].source = "5"
    assert sources(rebuild(submit(*changed.cells), released)) == sources(released)


def test_cells_come_back_in_released_order(released):
    shuffled = [released.cells[i] for i in (0, 4, 3, 5, 2, 1)]
    assert sources(rebuild(submit(*shuffled), released)) == sources(released)


def test_own_cells_keep_their_place_and_carry_nothing(released):
    own = cell("helper = 1", "made up", grade=True, points=100)
    rebuilt = rebuild(submit(*released.cells[:2], own, *released.cells[2:]), released)
    assert sources(rebuilt) == [*sources(released)[:2], "helper = 1", *sources(released)[2:]]
    assert rebuilt.cells[2].metadata == {}
    assert notes(rebuilt) == []


def test_missing_cells_are_put_back_and_named(released):
    rebuilt = rebuild(submit(released.cells[0], released.cells[3]), released)
    assert [c.source for c in rebuilt.cells if c.metadata] == sources(released)[1:]
    assert [
        word in note
        for word, note in zip(("f ", "value", "gradient", "why"), notes(rebuilt), strict=True)
    ] == [True] * 4


def test_the_starting_text_put_back_does_not_undo_an_answer_in_a_fresh_cell(released):
    """A student whose solution cell lost its grade id still has the last word."""
    renamed = cell("def g(): return 2", "g_final", solution=True)
    rebuilt = rebuild(submit(*released.cells[:3], renamed, *released.cells[4:]), released)
    order = sources(rebuilt)
    assert order.index("stub g") < order.index("def g(): return 2")
    assert len(notes(rebuilt)) == 1


def test_the_first_of_two_cells_counts_and_the_other_is_an_ordinary_cell(released):
    twice = [*released.cells[:2], solution("again", "f"), *released.cells[2:]]
    rebuilt = rebuild(submit(*twice), released)
    assert sources(rebuilt)[1:3] == ["stub f", "again"]
    assert rebuilt.cells[2].metadata == {}
    assert ["f appears twice" in note for note in notes(rebuilt)] == [True]


def test_a_cell_of_another_kind_is_not_the_released_one(released):
    changed = copy.deepcopy(released)
    changed.cells[1] = cell("def f(): return 1", "f", "markdown")
    rebuilt = rebuild(submit(*changed.cells), released)
    code = [c for c in rebuilt.cells if c.metadata.get("nbgrader", {}).get("grade_id") == "f"]
    assert [c.cell_type for c in code] == ["code"] and code[0].source == "stub f"
    assert "markdown" in notes(rebuilt)[0]


def test_a_notebook_that_never_arrived_is_the_release_without_further_notes(released):
    rebuilt = rebuild(submit(*released.cells, received=False), released)
    assert sources(rebuilt) == sources(released)
    assert notes(rebuilt) == []


def test_changed_points_and_locked_text_are_told_and_do_not_count(released):
    submitted = copy.deepcopy(released)
    submitted.cells[2].metadata.nbgrader.points = 100
    submitted.cells[4].source = "1 + 1"
    submitted.cells[1].source = "def f(): pass"
    rebuilt = rebuild(submit(*submitted.cells), released)
    assert notes(rebuilt) == [
        "The points of the cell value were changed; the released ones count.",
        "The locked cell gradient was changed; the released text counts.",
    ]
    assert rebuilt.cells[2].metadata.nbgrader.points == 3
    assert rebuilt.cells[4].source == released.cells[4].source
