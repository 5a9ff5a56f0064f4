"""The instructor's page: its commands do, in their order, what it says."""

import re
import shlex
from pathlib import Path

import pytest
from classroom import FIRST, hand_in, nbgrader

from autograder import bank, sample
from autograder.cli import DONE, main
from autograder.config import Course

PAGE = Path(__file__).parents[2] / "docs" / "instructor.md"
# Tested where they are at home: the machine, the environment, the web pages.
ELSEWHERE = ("make ", ". .venv", "python -m autograder doctor")


def blocks(language=""):
    found = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return [text for of, text in found if of == language]


def commands():
    """The lines of the page's blocks without a language, one command each."""
    found = "".join(blocks()).splitlines()
    return [line for line in found if not line.startswith(ELSEWHERE)]


@pytest.fixture
def only_first(first_bank, monkeypatch):
    monkeypatch.setattr(bank, "problems", lambda root=None: first_bank)


def prepare(folder):
    """What the instructor does by hand between the commands: a list, and what students sent."""
    (roster,) = blocks("csv")
    (folder / "roster.csv").write_text(roster)
    course = Course.open(folder)
    for student, answer in (("ada", sample.right), ("emil", sample.mistake("the two is missing"))):
        stamp = hand_in(course, student, answer).parent / "timestamp.txt"
        stamp.write_text("2026-03-02 10:00:00 UTC")


def test_every_command_of_the_page_works_in_its_place(tmp_path, only_first, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path
    for command in commands():
        program, *rest = shlex.split(command)
        if program == "cd":
            folder = (folder / rest[0]).resolve()
        elif program == "nbgrader":
            run = nbgrader(folder, *rest)
            assert run.returncode == 0, run.stderr
        else:
            assert rest[:2] == ["-m", "autograder"]
            assert main(rest[2:]) == DONE, command
        if not (tmp_path / "fall" / "submitted").exists():
            prepare(tmp_path / "fall")
    said = capsys.readouterr().out
    for phrase in ("lacks the 2", "ada and emil", "No score changed.", "Import this into Moodle"):
        assert phrase in said
    exported = (tmp_path / "fall" / "grades.csv").read_text()
    assert '"Lovelace, Ada",4711,,ada,,7' in exported  # a day late
    for made in ("report.html", "grades.csv", f"fall/feedback/ada/losses/{FIRST}.html"):
        assert (tmp_path / made).exists()


@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")  # nbgrader's own
def test_the_lines_for_the_configuration_and_the_gradebook_work(course, monkeypatch):
    settings = [block for block in blocks("python") if block.startswith("c.")]
    with (course.folder / "nbgrader_config.py").open("a") as config:
        config.write("".join(settings))
    known = Course.open(course.folder).config
    assert known.DailyPenalty == {"per_day": 0.05, "at_most": 0.3}
    assert known.BlackboardExporter.columns["losses"].endswith("|4711")

    with course.gradebook() as gradebook:
        gradebook.add_student("ada")
        gradebook.update_or_create_assignment("losses", duedate="2026-03-01 23:59:00 UTC")
        gradebook.add_submission("losses", "ada")
    (more_time,) = (block for block in blocks("python") if "grant_extension" in block)
    course.folder.rename(course.folder.parent / "fall")
    monkeypatch.chdir(course.folder.parent)
    exec(more_time, {})
    with Course.open(Path("fall")).gradebook() as gradebook:
        assert str(gradebook.find_submission("losses", "ada").duedate) == "2026-03-03 23:59:00"
