"""A class from submissions to gradebook: traps closed, nobody lost, the same score each way."""

import copy
import os
import shutil
import stat
import sys
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from classroom import FIRST, FULL, contents, hand_in, nbgrader, shown
from nbconvert.exporters import HTMLExporter
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from nbgrader.server_extensions.formgrader import handlers
from traitlets.config import Config

from autograder import audit, execute, report, sample, submission
from autograder.config import ASSIGNMENT, Course
from autograder.grade import find_graded, grade, settings_of, write_feedback
from autograder.release import release
from autograder.sandbox import SandboxError
from autograder.staging import staged

SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(1)>"


# ---------------------------------------------------------------------------- the class


def showing(source):
    """No answer, and a cell of the student's own that shows something."""
    return sample.empty_with(source)


def without(*grade_ids):
    def answer(problem, notebook):
        sample.right(problem, notebook)
        notebook.cells = [c for c in notebook.cells if sample._grade_id(c) not in grade_ids]
        return notebook

    return answer


def changed(**grading):
    """Right but for one gradient, with other grading metadata in every cell."""

    def answer(problem, notebook):
        sample.cell("mse_gradient", "pass")(problem, notebook)
        for cell in notebook.cells:
            if "nbgrader" in cell.metadata:
                cell.metadata["nbgrader"] |= grading
        return notebook

    return answer


def doubled(problem, notebook):
    sample.right(problem, notebook)
    notebook.cells.append(copy.deepcopy(notebook.cells[3]))
    notebook.cells.append(copy.deepcopy(notebook.cells[4]))
    return notebook


def own_graded_cell(problem, notebook):
    grading = {"grade": True, "solution": False, "locked": True, "schema_version": 3}
    notebook.cells.append(
        nbformat.v4.new_code_cell(
            "100", metadata={"nbgrader": grading | {"grade_id": "extra", "points": 100}}
        )
    )
    return notebook


def saved_scores(problem, notebook):
    """Outputs in the file, as if the graded cells had been run."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [nbformat.v4.new_output("execute_result", data={"text/plain": "10"})]
    return notebook


def renamed_cell(problem, notebook):
    sample.right(problem, notebook)
    for cell in notebook.cells:
        if sample._grade_id(cell) == "mse_gradient":
            cell.metadata["nbgrader"]["grade_id"] = "mse_gradient_final"
    return notebook


def scripted(problem, notebook):
    """Right, with script wherever a student can put text."""
    sample.right(problem, notebook)
    for cell in notebook.cells:
        if sample._grade_id(cell) == "written":
            cell.source = f"{SCRIPT}\n\n[x](javascript:alert(1))"
    notebook.cells.insert(0, nbformat.v4.new_markdown_cell(SCRIPT))
    notebook.cells.append(nbformat.v4.new_raw_cell(SCRIPT))
    shows = (
        "from IPython.display import HTML, Javascript, display\n"
        f"print({SCRIPT!r}); display(HTML({SCRIPT!r})); display(Javascript('alert(1)'))\n"
        "display({'image/svg+xml': '<svg onload=alert(1)>'}, raw=True)\n"
        f"raise ValueError({SCRIPT!r})"
    )
    return sample._add(notebook, shows)


CLASS = {
    # name: answer, points expected
    "right": (sample.right, FULL),
    "untouched": (sample.untouched, 0.0),
    "tagged": (sample.tagged, 0.0),
    "saved": (saved_scores, 0.0),
    "shows-10": (showing("10.0"), 0.0),
    "shows-nan": (showing("float('nan')"), 0.0),
    "shows-inf": (showing("float('inf')"), 0.0),
    "shows-11": (showing("11"), 0.0),
    "displays-0": (
        lambda p, n: sample._add(
            sample.right(p, n), "from IPython.display import display; display(0)"
        ),
        FULL,
    ),
    "shows-nothing": (showing("pass"), 0.0),
    "shows-numpy-0": (
        lambda p, n: sample._add(sample.right(p, n), "import numpy; numpy.float64(0.0)"),
        FULL,
    ),
    "warns": (lambda p, n: sample._add(sample.right(p, n), sample.WARN), FULL),
    "raises": (lambda p, n: sample._add(sample.right(p, n), "raise ValueError"), FULL),
    "quits": (lambda p, n: sample._add(sample.right(p, n), "quit()"), FULL),
    "exits": (lambda p, n: sample._add(sample.right(p, n), "import os; os._exit(0)"), FULL),
    "patches": (showing(sample.PATCH), 0.0),
    "no-checks": (without("value", "gradient", "share"), FULL),
    "no-gradient": (without("mse_gradient"), 5.0),
    "doubled": (doubled, FULL),
    "renamed": (renamed_cell, FULL),
    "more-points": (changed(points=100, grade=True, locked=False), 5.0),
    "other-schema": (changed(schema_version=99), 5.0),
    "own-graded": (own_graded_cell, 0.0),
    "scripted": (scripted, FULL),
}


def plant_files(course):
    """Submissions whose trouble is in the files, not in a notebook."""
    sample.cut_short(hand_in(course, "cut-short", sample.right))
    sample.link_to_solution(hand_in(course, "linked", sample.right))
    hand_in(course, "no-notebook", sample.right).unlink()
    pipe = hand_in(course, "pipe", sample.right)
    pipe.unlink()
    os.mkfifo(pipe)
    folder = hand_in(course, "folder", sample.right)
    folder.unlink()
    folder.mkdir()
    shadow = hand_in(course, "shadowing", sample.right).parent
    for name in ("numpy.py", "lossmath.py", "sitecustomize.py"):
        (shadow / name).write_text("raise SystemExit('shadowed')")
    (shadow / "data.txt").symlink_to("../../../source/./losses/01_mse_gradient.ipynb")
    stamped = hand_in(course, "stamped", sample.right).parent
    (stamped / "timestamp.txt").write_text("yesterday, I promise")
    outside = hand_in(course, "elsewhere", sample.right).parent
    outside.rename(course.folder / "hidden")
    outside.symlink_to(course.folder / "hidden")


FILES = {
    "cut-short": 0.0,
    "linked": 0.0,
    "no-notebook": 0.0,
    "pipe": 0.0,
    "folder": 0.0,
    "shadowing": FULL,
    "stamped": FULL,
    "elsewhere": 0.0,
}
EXPECTED = {name: points for name, (_, points) in CLASS.items()} | FILES


@pytest.fixture(scope="module")
def graded(released, tmp_path_factory):
    """The whole class, graded once, with its feedback pages."""
    folder = tmp_path_factory.mktemp("class") / "course"
    shutil.copytree(released.folder, folder)
    course = Course.open(folder)
    for student, (answer, _) in CLASS.items():
        hand_in(course, student, answer)
    plant_files(course)
    outcome = grade(course)
    assert outcome.failed == []
    for student in find_graded(course):
        write_feedback(course, student)
    return course


def scores(course):
    return {row.student: row.problems[0].score for row in report.collect(course)}


@pytest.mark.parametrize("student", EXPECTED)
def test_the_gradebook_holds_what_was_earned(graded, student):
    assert scores(graded)[student] == EXPECTED[student]


def test_nobody_is_left_out(graded):
    assert set(scores(graded)) == set(EXPECTED)
    for student in EXPECTED:
        for step, kind in (("autograded", "ipynb"), ("feedback", "html")):
            assert (graded.layout.folder(step, student) / f"{FIRST}.{kind}").is_file()


def test_nothing_of_a_submission_but_its_notebooks_is_copied(graded):
    for student in EXPECTED:
        names = {path.name for path in graded.layout.folder("autograded", student).iterdir()}
        assert names - {"timestamp.txt"} == {f"{FIRST}.ipynb"}


def test_nbgraders_pages_come_up_whatever_was_sent_as_a_time_stamp(graded):
    api = NbGraderAPI(graded.directory(), config=graded.config)
    (stamped,) = (s for s in api.get_submissions(ASSIGNMENT) if s["student"] == "stamped")
    assert stamped["autograded"] and stamped["timestamp"]


def test_a_written_answer_waits_and_an_empty_one_does_not(graded):
    waiting = {row.student: row.problems[0].waiting for row in report.collect(graded)}
    assert waiting["right"] == 2.0 and waiting["untouched"] == 0.0


# ---------------------------------------------------------------------------- nbgrader by hand


@pytest.fixture(scope="module")
def by_hand(graded, released, tmp_path_factory):
    """The same submissions, graded with nbgrader's own commands."""
    folder = tmp_path_factory.mktemp("by-hand") / "course"
    shutil.copytree(released.folder, folder)
    shutil.copy2(graded.folder / "secret", folder)
    shutil.copytree(
        graded.folder / "submitted", folder / "submitted", symlinks=True, ignore=_no_pipes
    )
    os.mkfifo(folder / "submitted" / "pipe" / ASSIGNMENT / f"{FIRST}.ipynb")
    for command in ("autograde", "generate_feedback"):
        done = nbgrader(folder, command, ASSIGNMENT)
        assert done.returncode == 0, done.stderr
    return Course.open(folder)


def _no_pipes(folder, names):
    return [name for name in names if stat.S_ISFIFO(os.lstat(f"{folder}/{name}").st_mode)]


def test_nbgraders_own_commands_give_the_same_scores(graded, by_hand):
    assert scores(by_hand) == scores(graded)
    assert contents(by_hand) == contents(graded)
    assert shown(by_hand) == shown(graded)
    page = by_hand.layout.folder("feedback", "right") / f"{FIRST}.html"
    assert "Content-Security-Policy" in page.read_text()


def test_the_flag_that_skips_execution_gives_no_points(course):
    hand_in(course, "untouched", sample.untouched)
    nbgrader(course.folder, "autograde", ASSIGNMENT, "--no-execute")
    assert scores(course) == {"untouched": 0.0}


@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")  # of nbgrader's own queries
def test_the_button_of_the_web_page_gives_the_same_score(course):
    hand_in(course, "right", sample.right)
    hand_in(course, "tagged", sample.tagged)
    directory = CourseDirectory(config=course.config)
    api = NbGraderAPI(directory, config=course.config)
    for student in ("right", "tagged"):
        assert api.autograde(ASSIGNMENT, student)["success"]
    assert scores(course) == {"right": FULL, "tagged": 0.0}
    # The page's own view of the course stays on what was submitted.
    assert directory.submitted_directory == "submitted"
    assert api.get_submission(ASSIGNMENT, "right")["autograded"]


# ---------------------------------------------------------------------------- pages


def pages(course, student):
    """The feedback page, and the page on which the instructor grades by hand."""
    yield (course.layout.folder("feedback", student) / f"{FIRST}.html").read_text()
    config = Config(course.config)
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [handlers.template_path]
    notebook = course.layout.folder("autograded", student) / f"{FIRST}.ipynb"
    resources = {"notebook_id": FIRST, "base_url": "", "index": 0, "total": 1}
    yield HTMLExporter(config=config).from_filename(str(notebook), resources=resources)[0]


@pytest.mark.parametrize("which", [0, 1], ids=["feedback", "formgrader"])
def test_pages_hold_no_script_of_a_student(graded, which):
    """Whatever acts in the page also stands in the page of a student without script."""
    hostile, plain = (
        BeautifulSoup(list(pages(graded, student))[which], "html.parser")
        for student in ("scripted", "right")
    )
    assert active(hostile) == active(plain)
    assert "alert(1)" in hostile.text  # shown as text


def active(soup):
    found = {str(tag) for tag in soup.find_all(["script", "svg", "iframe", "object", "embed"])}
    for tag in soup.find_all(True):
        for name, value in tag.attrs.items():
            if name.startswith("on") or str(value).strip().lower().startswith("javascript:"):
                found.add(f"{tag.name} {name}={value}")
    return found


@pytest.mark.parametrize("student", ["right", "scripted"])
def test_a_feedback_page_has_everything_in_it(graded, student):
    """No script, and nothing that is fetched from anywhere."""
    page = BeautifulSoup(next(pages(graded, student)), "html.parser")
    assert page.find_all(["script", "link", "iframe", "base"]) == []
    pictures = page.find_all("img", src=True)
    assert pictures and all(shown["src"].startswith("data:image/png") for shown in pictures)


@pytest.mark.parametrize("student", ["untouched", "no-gradient", "patches"])
def test_feedback_gives_away_no_check_and_no_solution(graded, first_problem, first_bank, student):
    page = BeautifulSoup(next(pages(graded, student)), "html.parser").text
    (problem,) = first_bank
    checks = (first_problem / FIRST / "checks.py").read_text().splitlines()
    solution = [
        line
        for cell in problem.notebook.cells
        if cell.metadata.get("nbgrader", {}).get("solution") and cell.cell_type == "code"
        for line in cell.source.partition("BEGIN SOLUTION")[2].splitlines()
    ]
    secrets = {line.strip() for line in checks if "expect" in line or "rng" in line}
    if student != "no-gradient":
        secrets |= {line.strip() for line in solution if len(line.strip()) > 20}
    assert secrets
    assert [secret for secret in secrets if secret in page] == []


def test_feedback_lists_every_check_with_its_points(graded, first_bank):
    page = BeautifulSoup(next(pages(graded, "untouched")), "html.parser").text
    for check in first_bank[0].checks:
        assert f"✗ 0/{check.points:g}  {check.says}" in page


def test_feedback_tells_what_was_wrong_with_the_file(graded):
    assert "its text is not JSON" in next(pages(graded, "cut-short"))
    assert "is a link" in next(pages(graded, "linked"))


# ---------------------------------------------------------------------------- runs


@pytest.fixture
def runs(monkeypatch):
    """The notebooks that were really run, by student."""
    found = []
    original = execute.run_notebook

    def counting(notebook, *arguments):
        found.append(notebook)
        return original(notebook, *arguments)

    monkeypatch.setattr(execute, "run_notebook", counting)
    return found


def test_a_second_run_grades_only_what_changed(course, runs):
    for student in ("ada", "bob"):
        hand_in(course, student, sample.right)
    assert [result.unchanged for result in grade(course).results] == [False, False]
    assert len(runs) == 2
    assert [result.unchanged for result in grade(course).results] == [True, True]
    assert len(runs) == 2
    shutil.rmtree(course.folder / "submitted" / "bob")
    hand_in(course, "bob", sample.untouched)
    assert [result.unchanged for result in grade(course).results] == [True, False]
    assert len(runs) == 3
    assert scores(course) == {"ada": FULL, "bob": 0.0}


def test_a_lost_gradebook_is_filled_again_without_running_anything(course, runs):
    hand_in(course, "ada", sample.right)
    grade(course)
    with course.gradebook() as gradebook:
        gradebook.remove_submission(ASSIGNMENT, "ada")
    assert not grade(course).results[0].unchanged
    assert len(runs) == 1
    assert scores(course) == {"ada": FULL}


def test_a_changed_problem_is_graded_again(course, runs, tmp_path, monkeypatch):
    hand_in(course, "ada", sample.right)
    grade(course)
    solutions = tmp_path / "solutions"
    shutil.copytree(settings_of(course).solutions, solutions)
    with (solutions / FIRST / "checks.py").open("a") as file:
        file.write("\n# another thought\n")
    course.config.SandboxExecute.solutions = str(solutions)
    grade(course)
    assert len(runs) == 2


def test_points_that_a_new_release_moves_are_given_anew(course, runs):
    hand_in(course, "ada", sample.right)
    grade(course)
    path = course.layout.folder("release") / f"{FIRST}.ipynb"
    released = nbformat.read(path, as_version=4)
    for cell in released.cells:
        about = cell.metadata.get("nbgrader", {})
        if about.get("grade_id") == "gradient":
            about["points"] = 1
            with course.gradebook() as gradebook:
                gradebook.find_grade_cell("gradient", FIRST, ASSIGNMENT).max_score = 1
                gradebook.db.commit()
    nbformat.write(released, path)
    assert grade(course).failed == []
    assert scores(course) == {"ada": FULL - 2}


def test_grading_again_runs_what_has_not_changed(course, runs):
    for student in ("ada", "bob"):
        hand_in(course, student, sample.right)
    grade(course)
    assert [result.unchanged for result in grade(course, ["ada"], again=True).results] == [False]
    assert len(runs) == 3


def test_a_gradebook_that_is_gone_is_made_by_release_and_filled(course, runs, first_bank):
    hand_in(course, "ada", sample.right)
    grade(course)
    before = contents(course)
    (course.folder / "gradebook.db").unlink()
    with pytest.raises(ValueError, match="run `python -m autograder release`"):
        grade(course)
    release(course.folder, first_bank, course.config)
    assert grade(course).failed == []
    assert contents(course) == before
    assert len(runs) == 1


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"\xff\xfe", b'{"student": "ada"}', b"null"])
def test_a_damaged_record_is_made_anew_with_the_same_score(course, runs, damage):
    hand_in(course, "ada", sample.cell("mse_gradient", "pass"))
    grade(course)
    before = contents(course)
    audit.path_of(course.folder, ASSIGNMENT, "ada", FIRST).write_bytes(damage)
    assert grade(course).failed == []
    assert len(runs) == 2
    assert contents(course) == before


def test_everything_a_score_depends_on_is_part_of_its_name():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x")])
    noted = copy.deepcopy(notebook)
    noted.metadata["autograder"] = {"received": False}
    written = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("y")])
    base = ("checks", "programs", "bwrap", 10.0)
    names = {audit.fingerprint(other, *base) for other in (notebook, noted, written)}
    for number in range(len(base)):
        names.add(audit.fingerprint(notebook, *base[:number], "other", *base[number + 1 :]))
    assert len(names) == 3 + len(base)


def test_a_worker_with_other_versions_refuses_to_grade(course):
    hand_in(course, "ada", sample.right)
    settings = replace(settings_of(course), programs="of another day")
    with pytest.raises(RuntimeError, match="this worker has other versions"):
        submission.grade_submission("ada", course.folder, settings)


@pytest.mark.parametrize("again", [False, True])
def test_points_given_by_hand_survive_another_run(course, again):
    hand_in(course, "ada", sample.right)
    grade(course)
    with course.gradebook() as gradebook:
        gradebook.find_grade("written", FIRST, ASSIGNMENT, "ada").manual_score = 1.5
        gradebook.find_grade("gradient", FIRST, ASSIGNMENT, "ada").manual_score = 1.0
        gradebook.db.commit()
    if not again:
        shutil.rmtree(course.folder / "audit")
    grade(course, again=again)
    assert scores(course) == {"ada": FULL + 1.5 - 2.0}


def test_one_students_trouble_does_not_stop_the_next(course, monkeypatch):
    for student in ("ada", "bob"):
        hand_in(course, student, sample.right)
    original = submission.clean_copy

    def failing(layout, student):
        if student == "ada":
            raise OSError("the disk is full")
        return original(layout, student)

    monkeypatch.setattr(submission, "clean_copy", failing)
    outcome = grade(course)
    assert [(result.student, "disk is full" in result.error) for result in outcome.results] == [
        ("ada", True),
        ("bob", False),
    ]
    assert scores(course) == {"bob": FULL}
    assert "disk is full" in (course.folder / "audit" / "grading.log").read_text()


def test_a_mistake_in_a_check_reaches_the_instructor(course, tmp_path):
    hand_in(course, "ada", sample.right)
    solutions = tmp_path / "solutions"
    shutil.copytree(settings_of(course).solutions, solutions)
    with (solutions / FIRST / "checks.py").open("a") as file:
        file.write("\ncareful_value.__dict__['run'] = lambda ask, reference, rng: 1 / 0\n")
    course.config.SandboxExecute.solutions = str(solutions)
    (result,) = grade(course).failed
    assert result.error == "" and "ZeroDivisionError" in result.faults[0]
    assert scores(course) == {"ada": FULL - 0.25}


def test_a_submission_taken_back_is_not_graded_again(course):
    for student in ("ada", "bob"):
        hand_in(course, student, sample.right)
    staged(course.directory())
    shutil.rmtree(course.folder / "submitted" / "bob")
    staged(course.directory())
    assert [path.parent.name for path in course.folder.glob("staged/*/losses")] == ["ada"]


def test_a_student_without_a_submission_is_named(course):
    hand_in(course, "ada", sample.right)
    with pytest.raises(ValueError, match="no submission of bob; there are: ada"):
        grade(course, ["bob"])


# ---------------------------------------------------------------------------- keeping apart


def test_without_a_sandbox_nothing_is_graded(course, monkeypatch):
    hand_in(course, "ada", sample.right)
    execute.zygote.cache_clear()
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    with pytest.raises(SandboxError, match="bubblewrap is not installed"):
        grade(course)
    assert scores(course) == {}
    done = nbgrader(course.folder, "autograde", ASSIGNMENT, path=os.environ["PATH"])
    assert done.returncode != 0 and "bubblewrap is not installed" in done.stderr
    assert not course.layout.folder("autograded", "ada").exists()


def test_a_score_without_a_sandbox_says_so_and_does_not_last(course, runs, caplog):
    hand_in(course, "ada", sample.right)
    assert grade(course, isolation="none").failed == []
    assert "NO SANDBOX" in caplog.text
    record = audit.load(audit.path_of(course.folder, ASSIGNMENT, "ada", FIRST))
    assert record.isolation == "none" and "no proof" in " ".join(record.notes)
    assert "no proof" in (write_feedback(course, "ada") / f"{FIRST}.html").read_text()
    assert not grade(course).results[0].unchanged
    assert len(runs) == 2
    assert audit.load(audit.path_of(course.folder, ASSIGNMENT, "ada", FIRST)).isolation == "bwrap"


def test_the_secret_and_the_records_are_the_owners_alone(graded):
    assert stat.S_IMODE((graded.folder / "secret").stat().st_mode) == 0o600
    assert stat.S_IMODE((graded.folder / "audit").stat().st_mode) == 0o700
    record = audit.path_of(graded.folder, ASSIGNMENT, "right", FIRST)
    assert stat.S_IMODE(record.stat().st_mode) == 0o600


def test_inputs_differ_between_students_and_stay_on_a_regrade(course):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x")])
    other = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("y")])
    seed = execute.seed_of(course.folder, "ada", FIRST, notebook)
    assert seed == execute.seed_of(course.folder, "ada", FIRST, notebook)
    assert seed != execute.seed_of(course.folder, "bob", FIRST, notebook)
    assert seed != execute.seed_of(course.folder, "ada", FIRST, other)
