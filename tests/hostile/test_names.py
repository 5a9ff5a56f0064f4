"""Folders in `submitted/` are named by others too: odd names are graded, impossible ones told."""

import shutil

import pytest

from autograder import report
from autograder.grade import find_graded, grade, write_feedback
from tests.hostile.attack import FIRST, FULL
from tests.hostile.field import hand_in, make_course

USABLE = ("O'Brien, Zoë", "losses", "source", "4711", "no@body+1", "a.b..", "Ω", "x" * 200)
REFUSED = ("<script>alert(1)<", "[bold]", "*", "-n", "line\nbreak", "\x1b[2J", "a\u202eb", "\udc80")
IGNORED = (".hidden",)


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    course, problem = make_course(tmp_path_factory.mktemp("names"))
    hand_in(course.folder, problem, [])
    submitted = course.folder / "submitted"
    for name in (*USABLE, *REFUSED, *IGNORED):
        shutil.copytree(submitted / "aa-honest", submitted / name)
    (submitted / "a file").write_text("")
    (submitted / "nowhere").symlink_to("/nonexistent")
    return course


@pytest.fixture(scope="module")
def outcome(course):
    return grade(course)


def test_usable_names_are_graded(course, outcome):
    assert outcome.failed == []
    scores = {row.student: row.score for row in report.collect(course)}
    assert {name: scores.get(name) for name in USABLE} == dict.fromkeys(USABLE, FULL)


def test_other_names_are_told_and_not_graded(course, outcome):
    assert len(outcome.notes) == len(REFUSED) + 2
    assert all(note.isprintable() for note in outcome.notes)
    assert not {row.student for row in report.collect(course)} & {*REFUSED, *IGNORED}


def test_pages_are_written_for_usable_names(course, outcome):
    for name in set(find_graded(course)) & set(USABLE):
        page = write_feedback(course, name) / f"{FIRST}.html"
        assert page.is_file()
