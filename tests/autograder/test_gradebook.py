"""The gradebook is whole at every moment, and says what nbgrader itself would say."""

import fcntl
import logging
import random
import shutil
import signal
import subprocess
import sys
import threading
from functools import partial
from multiprocessing import active_children
from pathlib import Path

import nbformat
import pytest
from classroom import FIRST, FULL, contents, hand_in, nbgrader, shown, wait_until

from autograder import sample
from autograder.config import ASSIGNMENT, Course
from autograder.grade import grade, settings_of
from autograder.gradebook import Writer
from autograder.submission import drafts, grade_submission

SLOW = "import time\ntime.sleep(600)"
STOPS = random.Random(3).sample(range(1, 1000), 4)  # in thousandths of all changes of a run
STUDENTS = ("ada", "bob", "chen")


def write_class(course):
    """One who solves everything, one who solves nothing, one in between."""
    answers = (sample.right, sample.untouched, sample.cell("mse_gradient", "pass"))
    for student, answer in zip(STUDENTS, answers, strict=True):
        hand_in(course, student, answer)
    stamp = course.layout.folder("submitted", STUDENTS[0]) / "timestamp.txt"
    stamp.write_text("2026-03-01 12:00:00 UTC")


def copied(course, folder):
    shutil.copytree(course.folder, folder)
    return Course.open(folder)


def configured(course, *lines):
    """The course, read again with more lines in its configuration."""
    with (course.folder / "nbgrader_config.py").open("a") as config:
        config.write("\n".join(lines) + "\n")
    return Course.open(course.folder)


# ---------------------------------------------------------------------------- stopped runs


@pytest.fixture(scope="module")
def handed_in(released, tmp_path_factory):
    """A class that nobody has graded."""
    course = copied(released, tmp_path_factory.mktemp("handed-in") / "course")
    write_class(course)
    (course.folder / "secret").write_text("17" * 32)
    return course


@pytest.fixture(scope="module")
def undisturbed(handed_in, tmp_path_factory):
    """The same class graded in one go, and how many changes that took."""
    course = copied(handed_in, tmp_path_factory.mktemp("undisturbed") / "course")
    done = stopped(course, 0)
    assert done.returncode == 0, done.stderr
    return course, int(done.stdout)


def stopped(course, change):
    program = Path(__file__).parent / "stopped.py"
    return subprocess.run(
        [sys.executable, str(program), str(course.folder), str(change)],
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.parametrize("thousandths", STOPS)
def test_a_run_killed_anywhere_is_completed_by_the_next(
    handed_in, undisturbed, tmp_path, thousandths
):
    expected, changes = undisturbed
    course = copied(handed_in, tmp_path / "course")
    assert stopped(course, thousandths * changes // 1000).returncode == -signal.SIGKILL
    # Whoever is in the gradebook is there with everything.
    recorded = {row[0] for row in contents(course)}
    assert contents(course) == [row for row in contents(expected) if row[0] in recorded]
    assert grade(course).failed == []
    assert contents(course) == contents(expected)
    assert shown(course) == shown(expected)
    assert all(result.unchanged for result in grade(course).results)


def test_ctrl_c_leaves_what_is_finished_and_no_process(handed_in, undisturbed, tmp_path):
    expected, _ = undisturbed
    course = copied(handed_in, tmp_path / "course")
    hand_in(course, "zoe", sample.cell("mse_gradient", SLOW))
    run = subprocess.Popen(
        [sys.executable, "-m", "autograder", "grade", "--workers", "2", "--course", course.folder],
        stderr=subprocess.PIPE,
        text=True,
        # Where the tests themselves run in a shell's background, Ctrl-C is ignored.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    wait_until(course.layout.folder("autograded", STUDENTS[0]).exists)
    workers = children(run.pid)
    run.send_signal(signal.SIGINT)
    assert "What was graded until then is kept" in run.communicate(timeout=60)[1]
    assert run.returncode == 1
    assert workers
    wait_until(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers))
    recorded = {row[0] for row in contents(course)}
    assert STUDENTS[0] in recorded and "zoe" not in recorded
    assert contents(course) == [row for row in contents(expected) if row[0] in recorded]


def children(process):
    tasks = Path(f"/proc/{process}/task").glob("*/children")
    found = [int(child) for task in tasks for child in task.read_text().split()]
    return found + [grandchild for child in found for grandchild in children(child)]


def test_a_submission_whose_worker_is_killed_is_graded_again(handed_in, undisturbed, tmp_path):
    expected, _ = undisturbed
    course = copied(handed_in, tmp_path / "course")
    killed = []

    def kill_one():
        wait_until(lambda: list(course.folder.glob("audit/*/*/*.json")))
        killed.extend(active_children())
        for worker in killed:
            worker.kill()

    killer = threading.Thread(target=kill_one)
    killer.start()
    outcome = grade(course, workers=2)
    killer.join()
    assert killed and outcome.failed == []
    assert contents(course) == contents(expected)
    assert shown(course) == shown(expected)


def test_work_that_a_scheduler_has_done_twice_is_shown_whole(course, monkeypatch):
    write_class(course)
    settings = settings_of(course)
    write = nbformat.v4.writes
    with Writer(course, logging.getLogger()) as writer:
        first = grade_submission("ada", course.folder, settings)

        def write_too_late(notebook):
            writer.record(first)
            return write(notebook)

        monkeypatch.setattr(nbformat.v4, "writes", write_too_late)
        with pytest.raises(FileNotFoundError):  # nobody waits for the second
            grade_submission("ada", course.folder, settings)
    assert drafts(course.layout, "ada") == []
    assert grade_submission("ada", course.folder, settings).draft is None  # all is in place


def test_two_runs_do_not_write_at_the_same_time(course):
    write_class(course)
    grade(course, ["bob"])
    with (course.folder / "audit" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ValueError, match="another run is grading"):
            grade(course)
    assert {row[0] for row in contents(course)} == {"bob"}


# ---------------------------------------------------------------------------- as nbgrader


ALL_IS_LOST = (
    'c.AssignLatePenalties.plugin_class = "nbgrader.plugins.LateSubmissionPlugin"',
    'c.LateSubmissionPlugin.penalty_method = "zero"',
)


def due(course, date):
    with course.gradebook() as gradebook:
        gradebook.update_or_create_assignment(ASSIGNMENT, duedate=date)


def penalty(course, student="ada"):
    with course.gradebook() as gradebook:
        return gradebook.find_submission(ASSIGNMENT, student).late_submission_penalty


@pytest.mark.parametrize(("lines", "lost"), [((), 1.0), (ALL_IS_LOST, FULL)])
def test_late_submissions_lose_what_nbgrader_would_take(released, tmp_path, lines, lost):
    courses = []
    for name in ("ours", "theirs"):
        course = copied(released, tmp_path / name)
        write_class(course)
        (course.folder / "secret").write_text("17" * 32)
        course = configured(course, *lines)
        due(course, "2026-02-28 12:00:00 UTC")
        courses.append(course)
    ours, theirs = courses
    assert grade(ours).failed == []
    assert nbgrader(theirs.folder, "autograde", ASSIGNMENT).returncode == 0
    assert ("ada", FIRST, "notebook", False, lost) in contents(ours)
    assert contents(ours) == contents(theirs)


def test_a_penalty_follows_due_dates_and_scores_without_grading_anew(course):
    write_class(course)
    grade(course)
    assert penalty(course) == 0
    for date, lost in (
        ("2026-02-28 12:00:00 UTC", 1.0),  # a day late to the second
        ("2026-02-28 11:59:59 UTC", 2.0),
        ("2026-02-28 12:00:00 UTC", 1.0),
        ("2026-01-01 12:00:00 UTC", 5.0),
        (None, 0.0),
    ):
        due(course, date)
        assert all(result.unchanged for result in grade(course).results)
        assert penalty(course) == lost
        assert penalty(course, "bob") == 0  # without a time stamp nobody is late


def test_no_penalty_takes_more_than_was_earned(course):
    write_class(course)
    stamp = course.layout.folder("submitted", "bob") / "timestamp.txt"
    stamp.write_text("2026-03-01 12:00:00 UTC")
    due(course, "2026-02-01 12:00:00 UTC")
    grade(course)
    assert penalty(course, "bob") == 0
    with course.gradebook() as gradebook:
        gradebook.find_grade("written", FIRST, ASSIGNMENT, "bob").manual_score = 2
        gradebook.db.commit()
    grade(course)
    assert penalty(course, "bob") == 2


def test_a_score_given_by_hand_stays_and_asks_to_be_looked_at(course):
    write_class(course)
    grade(course)
    with course.gradebook() as gradebook:
        gradebook.find_grade("gradient", FIRST, ASSIGNMENT, "chen").manual_score = 1.5
        gradebook.find_comment("written", FIRST, ASSIGNMENT, "chen").manual_comment = "Nearly."
        gradebook.db.commit()
    hand_in(course, "chen", sample.right)
    assert grade(course).failed == []
    assert ("chen", FIRST, "gradient", "Grade", 3.0, 1.5, None, True) in contents(course)
    assert ("chen", FIRST, "written", "Comment", None, "Nearly.") in contents(course)


def test_a_new_time_stamp_alone_is_recorded(course):
    write_class(course)
    grade(course)
    stamp = course.layout.folder("submitted", "ada") / "timestamp.txt"
    stamp.write_text("2026-03-02 12:00:00 UTC")
    assert [result.unchanged for result in grade(course).results] == [False, True, True]
    assert ("ada", "submission", "2026-03-02 12:00:00", "None") in contents(course)


def test_a_gradebook_of_another_release_is_refused(course):
    write_class(course)
    with course.gradebook() as gradebook:
        gradebook.find_grade_cell("gradient", FIRST, ASSIGNMENT).max_score = 100
        gradebook.db.commit()
    with pytest.raises(ValueError, match=r"knows another 01_mse_gradient.ipynb than the release"):
        grade(course)
    assert contents(course) == []


def test_trouble_in_the_middle_of_a_submission_leaves_nothing_of_it(course, monkeypatch):
    write_class(course)
    original = Writer._penalty

    def failing(self, notebook, submission):
        if submission.student.id == "bob":
            raise OSError("the disk is full")
        return original(self, notebook, submission)

    monkeypatch.setattr(Writer, "_penalty", failing)
    assert [result.student for result in grade(course).failed] == ["bob"]
    assert {row[0] for row in contents(course)} == {"ada", "chen"}
    monkeypatch.undo()
    assert grade(course).failed == []
    assert {row[0] for row in contents(course)} == {"ada", "bob", "chen"}
