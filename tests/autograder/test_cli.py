"""The instructor's program, from an empty folder to feedback pages."""

import copy
import csv
import dataclasses
import io
import json
import shutil
import subprocess
import sys

import pytest
from classroom import hand_in

from autograder import bank, cli, sample
from autograder.cli import DONE, FAILED, NO_SANDBOX, USAGE, main
from autograder.config import Course
from autograder.grade import ClassResult
from autograder.sandbox import SandboxError

FIRST = "01_mse_gradient"


@pytest.fixture
def only_first(first_bank, monkeypatch):
    """The bank as if the first problem were the only one."""
    monkeypatch.setattr(bank, "problems", lambda root=None: first_bank)


@pytest.fixture
def fall(course):
    """A released course with one submission."""
    submitted = course.layout.folder("submitted", "ada")
    submitted.mkdir(parents=True)
    shutil.copy(course.layout.folder("release") / f"{FIRST}.ipynb", submitted)
    return course.folder


def test_from_submissions_to_feedback(fall, capsys):
    assert main(["grade", "--course", str(fall)]) == DONE
    said = capsys.readouterr().out
    assert "1 submission;" in said and "isolation: bwrap" in said
    assert main(["report", "--course", str(fall)]) == DONE
    assert "Nothing was written." in capsys.readouterr().out
    page = fall / "report.html"
    assert main(["report", "--html", str(page), "--course", str(fall)]) == DONE
    assert "1 student." in page.read_text() and "ran in the sandbox" in page.read_text()
    assert main(["feedback", "--course", str(fall), "ada"]) == DONE
    assert (fall / "feedback" / "ada" / "losses" / f"{FIRST}.html").exists()


def test_a_page_that_cannot_be_written_keeps_no_other_back(fall, capsys):
    hand_in(Course.open(fall), "bob", sample.right)
    assert main(["grade", "--course", str(fall)]) == DONE
    (fall / "autograded" / "ada" / "losses" / f"{FIRST}.ipynb").write_text("no notebook")
    assert main(["feedback", "--course", str(fall)]) == FAILED
    assert "ada's feedback could not be written" in capsys.readouterr().err
    assert (fall / "feedback" / "bob" / "losses" / f"{FIRST}.html").exists()


def test_old_and_new_scores_are_shown(fall, capsys):
    assert main(["grade", "--course", str(fall)]) == DONE
    assert main(["regrade", "--course", str(fall)]) == DONE
    assert "No score changed." in capsys.readouterr().out
    hand_in(Course.open(fall), "ada", sample.right)
    hand_in(Course.open(fall), "bob", sample.untouched)
    assert main(["regrade", "--course", str(fall)]) == DONE
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["ada", FIRST, "0", "8"] in rows and ["bob", FIRST, "0"] in rows


def test_only_data_on_stdout_for_programs(fall, capsys):
    assert main(["grade", "--json", "--course", str(fall)]) == DONE
    data = json.loads(capsys.readouterr().out)
    assert (data["students"][0]["student"], data["students"][0]["score"]) == ("ada", 0.0)
    assert (data["failed"], data["not_graded"], data["isolation"]) == ({}, [], "bwrap")
    main(["report", "--csv", "--course", str(fall)])
    assert list(csv.reader(io.StringIO(capsys.readouterr().out)))[1] == ["ada", "0", "0"]


def test_a_release_makes_the_folder_and_can_be_made_again(tmp_path, only_first):
    fall = tmp_path / "fall"
    assert main(["release", "--course", str(fall)]) == DONE
    assert (fall / "release" / "losses" / f"{FIRST}.ipynb").exists()
    config = fall / "nbgrader_config.py"
    config.write_text(config.read_text() + "# my own line\n")
    secret = (fall / "secret").read_text()
    assert main(["release", "--course", str(fall)]) == DONE
    assert "my own line" in config.read_text()
    assert (fall / "secret").read_text() == secret


@pytest.mark.parametrize("command", ["grade", "regrade", "feedback", "report"])
def test_a_folder_that_is_no_course_is_named(command, tmp_path, capsys):
    assert main([command, "--course", str(tmp_path)]) == USAGE
    assert "is not a course folder" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["grade", "regrade", "feedback", "report"])
def test_an_unknown_student_is_named(fall, command, capsys):
    assert main(["grade", "--course", str(fall)]) == DONE
    assert main([command, "--course", str(fall), "bob"]) == USAGE
    assert "no submission of bob; there are: ada" in capsys.readouterr().err


@pytest.mark.parametrize("sent", [f"{FIRST}.ipynb", f"Losses/{FIRST}.ipynb"])
def test_a_folder_without_the_assignment_is_named_everywhere(fall, sent, capsys):
    misplaced = fall / "submitted" / "bob" / sent
    misplaced.parent.mkdir(parents=True)
    shutil.copy(fall / "release" / "losses" / f"{FIRST}.ipynb", misplaced)
    said = "submitted/bob holds no folder losses: not graded"

    def run(*arguments, code):
        assert main([*arguments, "--course", str(fall)]) == code
        return capsys.readouterr()

    assert run("grade", code=FAILED).err.endswith(f"{said}\n")
    assert json.loads(run("grade", "--json", code=FAILED).out)["not_graded"] == [said]
    assert run("grade", "ada", code=DONE).err.count(said) == 0
    report = run("report", code=DONE)
    assert "Nothing was written." in report.out and said in report.err
    assert json.loads(run("report", "--json", code=DONE).out)["not_graded"] == [said]
    run("report", "--html", str(fall / "report.html"), code=DONE)
    assert said in (fall / "report.html").read_text()


# ---------------------------------------------------------------------------- foreseeable mistakes


def sentence(capsys):
    """The last line on stderr; before it may stand a progress bar, and what nbgrader logs."""
    return capsys.readouterr().err.splitlines()[-1]


def test_a_gradebook_that_is_not_there_is_one_sentence(fall, capsys):
    nowhere = "db_url='postgresql+psycopg://grader@127.0.0.1:1/fall'"
    config = fall / "nbgrader_config.py"
    config.write_text(config.read_text().replace(".parent,", f".parent, {nowhere},", 1))
    for command in ("release", "report"):
        assert main([command, "--course", str(fall)]) == FAILED
        said = sentence(capsys)
        assert said.startswith("the gradebook cannot be used: connection failed")


def test_a_folder_where_a_file_should_be_is_named(fall, tmp_path, capsys):
    assert main(["grade", "--course", str(fall)]) == DONE
    capsys.readouterr()
    assert main(["report", "--html", str(tmp_path), "--course", str(fall)]) == USAGE
    assert sentence(capsys) == f"[Errno 21] Is a directory: '{tmp_path}'"


def test_a_file_where_a_folder_should_be_is_named(tmp_path, capsys):
    file = tmp_path / "fall"
    file.write_text("")
    assert main(["release", "--course", str(file)]) == USAGE
    assert sentence(capsys) == f"[Errno 17] File exists: '{file}'"


@pytest.mark.filterwarnings("ignore::nbformat.warnings.DuplicateCellId")
def test_a_release_that_nbgrader_refuses_is_told_in_its_words(tmp_path, first_bank, capsys):
    (problem,) = first_bank
    notebook = copy.deepcopy(problem.notebook)
    notebook.cells.append(next(c for c in notebook.cells if sample._grade_id(c) == "value"))
    doubled = dataclasses.replace(problem, notebook=notebook)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bank, "problems", lambda root=None: [doubled])
        assert main(["release", "--course", str(tmp_path / "fall")]) == FAILED
    assert sentence(capsys) == "nbgrader made no release: Duplicate grade id: value"


def test_a_reader_who_stops_reading_sees_no_traceback(fall):
    command = [sys.executable, "-m", "autograder", "report", "--json", "--course", str(fall)]
    reading = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    reading.stdout.close()
    assert reading.stderr.read() == ""
    assert reading.wait() == FAILED


def test_a_mistake_of_our_own_is_not_called_wrong_use(fall, monkeypatch):
    def wrong(*arguments):
        raise ValueError("a mistake of ours")

    monkeypatch.setattr(cli.report, "collect", wrong)
    with pytest.raises(ValueError, match="a mistake of ours"):
        main(["report", "--course", str(fall)])


def test_one_form_of_report_at_a_time(fall):
    with pytest.raises(SystemExit) as refused:
        main(["report", "--json", "--csv", "--course", str(fall)])
    assert refused.value.code == USAGE


def test_no_file_is_written_before_anybody_is_graded(fall, capsys):
    assert main(["export", "canvas", "--course", str(fall)]) == USAGE
    assert "no grades yet" in sentence(capsys)
    assert not list(fall.glob("*.csv"))


def test_what_is_stopped_says_what_became_of_it(fall, monkeypatch, capsys):
    def stop(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "grade", stop)
    monkeypatch.setattr(cli.similar, "similar", stop)
    assert main(["grade", "--course", str(fall)]) == FAILED
    assert "What was graded until then is kept" in capsys.readouterr().err
    assert main(["similar", "--course", str(fall)]) == FAILED
    assert sentence(capsys) == "stopped"


def test_a_student_who_could_not_be_graded_makes_the_run_fail(fall, monkeypatch, capsys):
    def failing(*arguments):
        raise OSError("the disk is full")

    monkeypatch.setattr("autograder.submission.clean_copy", failing)
    assert main(["grade", "--course", str(fall)]) == FAILED
    assert "ada could not be graded: OSError: the disk is full" in capsys.readouterr().err


def test_a_machine_without_a_sandbox_says_what_to_do(fall, monkeypatch, capsys):
    def unavailable(isolation):
        raise SandboxError("bubblewrap is not installed: run `apt-get install bubblewrap`")

    monkeypatch.setattr("autograder.execute.zygote", unavailable)
    assert main(["grade", "--course", str(fall)]) == NO_SANDBOX
    said = capsys.readouterr().err
    assert "apt-get install bubblewrap" in said and "docs/trust.md" in said
    assert "Grading stopped. What was graded until then is kept" in said
    assert "--isolation none" not in said


def test_going_without_a_sandbox_is_said_aloud(fall, monkeypatch, capsys):
    asked = []

    def grade(*students, isolation, **how):
        asked.append(isolation)
        return ClassResult([], [], isolation)

    monkeypatch.setattr(cli, "grade", grade)
    assert main(["grade", "--isolation", "none", "--course", str(fall)]) == DONE
    assert asked == ["none"]
    assert "NO SANDBOX" in capsys.readouterr().err


def test_the_help_names_every_command():
    said = subprocess.run(
        [sys.executable, "-m", "autograder", "--help"], capture_output=True, text=True, check=True
    ).stdout
    for command in ("release", "grade", "regrade", "feedback", "report", "similar", "export"):
        assert command in said


# ---------------------------------------------------------------------------- demonstration


def test_the_sample_class_gets_what_it_should(tmp_path, only_first, monkeypatch, capsys):
    # The two who use up their time or memory are left to the demonstration itself.
    quick = tuple(student for student in sample.CLASS if student.name not in ("hana", "ivo"))
    monkeypatch.setattr(sample, "CLASS", quick)
    assert main(["demo", "--course", str(tmp_path / "demo")]) == DONE
    said = capsys.readouterr().out
    assert f"All {len(quick)} sample students" in said
    assert "Feedback pages" in said


def test_a_wrong_score_makes_the_demonstration_fail(tmp_path, only_first, monkeypatch, capsys):
    wrong = sample.Student("ada", "solves everything", scores=3.0, says="never said")
    monkeypatch.setattr(sample, "CLASS", (wrong,))
    assert main(["demo", "--course", str(tmp_path / "demo")]) == FAILED
    said = capsys.readouterr().err
    assert "scored 8 in 01_mse_gradient, 3 was expected" in said
    assert "no reason says 'never said'" in said


def test_the_demonstration_removes_no_real_submissions(tmp_path, only_first, capsys):
    folder = tmp_path / "fall"
    Course.create(folder)
    (folder / "submitted" / "a real student").mkdir(parents=True)
    assert main(["demo", "--course", str(folder)]) == USAGE
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "one.png").write_text("")
    assert main(["demo", "--course", str(tmp_path / "photos")]) == USAGE
    assert (tmp_path / "photos" / "one.png").exists()
