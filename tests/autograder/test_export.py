"""Grade files hold the columns each system asks for, the grades, and nothing a sheet calculates.

The files in `golden/` were laid out by hand from the systems' instructions for importing grades:
Canvas' header and its line of points possible, Blackboard's quotes and user names, Brightspace's
"Points Grade" and end-of-line mark; Moodle lets the reader choose.
"""

import csv
from pathlib import Path

import pytest
from classroom import FIRST, nbgrader

from autograder import export
from autograder.cli import DONE, USAGE, main
from autograder.config import ASSIGNMENT

GOLDEN = Path(__file__).parent / "golden"


pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")  # nbgrader's own


@pytest.fixture
def graded(course):
    """A gradebook with a late one, a reader's points, nobody's work, and hostile names."""
    with course.gradebook() as gradebook:
        people = {
            "ada": {"first_name": "Ada", "last_name": "Løvelace", "email": "ada@example.org"},
            "bob": {"first_name": "Bob, Jr.", "last_name": 'O"Hara', "lms_user_id": "4711"},
            "@eve": {"first_name": "=HYPERLINK(1)", "last_name": "-1+1", "email": "+x\n=y"},
            "idle": {},
        }
        for student, about in people.items():
            gradebook.add_student(student, **about)
        for student, parts in {
            "ada": {"value": 3.0, "gradient": 3.0, "share": 1.25},
            "bob": {"value": 3.0, "gradient": 1.0, "share": 0.0},
            "@eve": {},
        }.items():
            submission = gradebook.add_submission(ASSIGNMENT, student)
            for grade in submission.notebooks[0].grades:
                grade.auto_score = parts.get(grade.name, 0.0)
                grade.needs_manual_grade = student == "bob" and grade.name == "written"
        read = gradebook.find_grade("written", FIRST, ASSIGNMENT, "ada")
        read.manual_score, read.needs_manual_grade = 1.5, True  # as after another run
        late = gradebook.find_submission_notebook(FIRST, ASSIGNMENT, "bob")
        late.late_submission_penalty = 1.0
        gradebook.db.commit()
    return course


@pytest.mark.parametrize("system", export.EXPORTERS)
def test_the_file_is_what_the_system_documents(graded, system, capsys):
    assert main(["export", system, "--course", str(graded.folder)]) == DONE
    written = graded.folder / f"grades-{system}.csv"
    assert str(written) in capsys.readouterr().out
    assert written.read_text() == (GOLDEN / written.name).read_text()


def test_nbgraders_own_command_writes_the_same(graded):
    run = nbgrader(
        graded.folder, "export", "--exporter=autograder.export.CanvasExporter", "--to=ours.csv"
    )
    assert run.returncode == 0, run.stderr
    golden = (GOLDEN / "grades-canvas.csv").read_text()
    assert (graded.folder / "ours.csv").read_text() == golden
    assert "nobody has read yet count 0 points; students: 1" in run.stderr


def test_a_column_of_the_system_can_be_named(graded):
    with (graded.folder / "nbgrader_config.py").open("a") as config:
        config.write(f'c.BlackboardExporter.columns = {{"{ASSIGNMENT}": "Losses |42"}}\n')
    main(["export", "blackboard", "--course", str(graded.folder)])
    with (graded.folder / "grades-blackboard.csv").open() as file:
        assert next(csv.reader(file)) == ["Last Name", "First Name", "Username", "Losses |42"]


def test_students_and_assignments_can_be_chosen(graded, tmp_path):
    for chosen, lines in (({"student": ["ada"]}, 2), ({"assignment": ["other"]}, 5)):
        exporter = export.MoodleExporter(to=str(tmp_path / "grades.csv"), **chosen)
        with graded.gradebook() as gradebook:
            exporter.export(gradebook)
        read = list(csv.reader((tmp_path / "grades.csv").open()))
        assert len(read) == lines
        assert len(read[0]) == 5 - ("assignment" in chosen)


@pytest.mark.parametrize("sign", [*"=+-@", "\t=", "\r\n+", " @", "＝", "\0-"])
def test_no_text_begins_like_a_formula(sign):
    assert export.neutral(f"{sign}1") == f"'{sign.strip(chr(0)).strip()}1"


@pytest.mark.parametrize("text", ["", "Ada", "O'Hara-Smith", "ada@example.org", "1=1"])
def test_other_text_stays(text):
    assert export.neutral(text) == text


def test_an_unknown_system_is_named(graded, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["export", "sakai", "--course", str(graded.folder)])
    assert stop.value.code == USAGE
    assert "canvas" in capsys.readouterr().err
