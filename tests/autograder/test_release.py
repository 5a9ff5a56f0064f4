"""What students get holds everything they need and nothing they should not see."""

import ast
import json

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager
from nbgrader.validator import Validator
from traitlets.config import Config

from autograder import bank, release
from autograder.config import Course
from lossmath.course import published

PROBLEMS = bank.problems()
BY_NAME = {problem.name: problem for problem in PROBLEMS}


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course folder with a fresh release."""
    course = Course.create(tmp_path_factory.mktemp("course"))
    release.release(course.folder, PROBLEMS, course.config)
    return course


@pytest.fixture(params=PROBLEMS, ids=lambda problem: problem.name)
def problem(request):
    return request.param


def exercise(problem):
    return nbformat.read(release.EXERCISES / f"{problem.name}.ipynb", as_version=4)


def solution_lines(problem):
    """The lines that only the solution has."""
    lines = set()
    for cell in problem.notebook.cells:
        _, *solutions = cell.source.split("### BEGIN SOLUTION")
        for solution in solutions:
            lines |= {line.strip() for line in solution.split("### END SOLUTION")[0].splitlines()}
    return {line for line in lines if len(line) > 12}


def test_the_committed_exercises_and_public_data_are_up_to_date():
    assert release.out_of_date(release.build()) == []


def test_a_change_on_disk_is_noticed(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(release, "EXERCISES", tmp_path)
    monkeypatch.setattr(release, "PUBLISHED", tmp_path)
    built = {tmp_path / "01.json": "new", tmp_path / "01.ipynb": "new"}
    monkeypatch.setattr(release, "build", lambda: built)
    (tmp_path / "99.ipynb").write_text("left over")
    (tmp_path / "01.json").write_text("old")
    assert release.main(["--check"]) == 1
    assert capsys.readouterr().err.count("is not what its problem folder makes") == 3
    assert (tmp_path / "01.json").read_text() == "old"
    assert release.main([]) == 0
    assert release.main(["--check"]) == 0
    assert not (tmp_path / "99.ipynb").exists()


def test_two_releases_are_the_same_to_the_byte(course, problem):
    path = course.folder / "release" / "losses" / f"{problem.name}.ipynb"
    assert path.read_text() == (release.EXERCISES / path.name).read_text()


def test_the_gradebook_knows_the_points(course, problem):
    with course.gradebook() as gradebook:
        notebook = gradebook.find_notebook(problem.name, "losses")
        assert notebook.max_score == 10
        names = {cell.name: cell.max_score for cell in notebook.grade_cells}
    assert names == {part.name: part.points for part in problem.parts}


def test_an_exercise_holds_no_solution_and_no_hidden_check(problem):
    text = json.dumps([cell.source for cell in exercise(problem).cells], ensure_ascii=False)
    assert "SOLUTION" not in text and "lossmath.course.laws" not in text
    secrets = solution_lines(problem) | {check.says for check in problem.checks}
    assert solution_lines(problem)
    assert not [secret for secret in secrets if json.dumps(secret)[1:-1] in text]


def test_the_public_data_holds_no_solution_and_no_hidden_check(problem):
    path = release.PUBLISHED / f"{problem.number}.json"
    text = path.read_text(encoding="utf-8")
    secrets = solution_lines(problem) | {check.says for check in problem.checks}
    assert not [secret for secret in secrets if secret in text]
    data = json.loads(text)
    assert set(data) == {
        *("number", "title", "hints", "parts", "inputs", "probes", "misconceptions")
    }
    for part in data["parts"]:
        for law in part["laws"]:
            assert ("gives" in law) == (law["law"] == "Example")


def test_the_public_data_is_read_back_as_it_was_written(problem):
    again = published.published(problem.number)
    assert again.to_json() == problem.published.to_json()
    assert again.title == problem.title


def test_an_exercise_is_ready_to_be_worked_on(problem):
    notebook = exercise(problem)
    nbformat.validate(notebook)
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    graded = [c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade")]
    for cell, part in zip(graded, problem.parts, strict=True):
        assert cell.metadata.nbgrader.grade_id == part.name
        if not part.written:
            assert cell.source == f'check("{problem.number}", "{part.name}")'
            assert cell.metadata.editable is False
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
    cells = [ast.parse(TransformerManager().transform_cell(cell.source)) for cell in code]
    functions = {f.name: f for cell in cells for f in cell.body if isinstance(f, ast.FunctionDef)}
    asked = {law.function for part in problem.published.parts for law in part.laws}
    # A function may be given, as a step to start from; everything else is there to be written.
    stubs = {name for name, f in functions.items() if "NotImplementedError" in ast.unparse(f)}
    assert stubs <= asked <= functions.keys()
    assert all(ast.get_docstring(functions[name]) for name in asked)


def validated(notebook, folder):
    """What nbgrader's own Validate says about a notebook."""
    path = folder / "notebook.ipynb"
    nbformat.write(notebook, path)
    return Validator(config=Config()).validate(str(path))


def test_nbgraders_validate_fails_on_the_stub_and_passes_on_the_solution(tmp_path):
    problem = BY_NAME["04_masked_mean"]
    failed = validated(exercise(problem), tmp_path)["failed"]
    assert len(failed) == 4
    assert "not written yet" in str(failed)
    assert "Traceback" not in str(failed)
    solved = release.source_notebook(problem)
    assert "failed" not in validated(solved, tmp_path)
