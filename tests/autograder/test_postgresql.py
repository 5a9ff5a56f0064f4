"""The gradebook in PostgreSQL: the same scores as in a file."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from classroom import contents, hand_in, shown

from autograder import report, sample
from autograder.config import CONFIG_FILE, Course
from autograder.grade import find_graded, grade, write_feedback
from autograder.release import release


@pytest.fixture(scope="module")
def server():
    """The address of an empty database on a server of our own, reached by a socket alone."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    assert programs, "install the Debian package postgresql: there is no initdb in /usr/lib"
    user = "postgres" if os.geteuid() == 0 else None  # PostgreSQL refuses to run as root
    with tempfile.TemporaryDirectory() as folder:
        if user:
            shutil.chown(folder, user)

        def run(program, *arguments):
            subprocess.run(
                [str(programs[-1].parent / program), *arguments],
                user=user,
                cwd=folder,
                check=True,
                stdout=subprocess.DEVNULL,
            )

        data = f"{folder}/data"
        run("initdb", "--username=grader", "--auth=trust", "--no-sync", "-D", data)
        options = f"-k {folder} -c listen_addresses='' -c fsync=off"
        run("pg_ctl", "start", "--wait", "-D", data, "-o", options, "-l", f"{folder}/log")
        try:
            run("createdb", "--host", folder, "--username=grader", "gradebook")
            yield f"postgresql+psycopg://grader@/gradebook?host={folder}"
        finally:
            run("pg_ctl", "stop", "--mode=immediate", "-D", data)


def class_of(folder, first_problem, first_bank, db_url):
    folder.mkdir()
    arguments = f".parent, solutions=Path({str(first_problem)!r}), db_url={db_url!r})"
    (folder / "nbgrader_config.py").write_text(CONFIG_FILE.replace(".parent)", arguments))
    (folder / "secret").write_text("17" * 32)
    course = Course.open(folder)
    release(course.folder, first_bank, course.config)
    hand_in(course, "ada", sample.right)
    hand_in(course, "bob", sample.cell("mse_gradient", "pass"))
    stamp = course.layout.folder("submitted", "ada") / "timestamp.txt"
    stamp.write_text("2026-03-01 12:00:00 UTC")
    return course


def test_the_same_scores_as_in_a_file(server, tmp_path, first_problem, first_bank):
    courses = [
        class_of(tmp_path / name, first_problem, first_bank, url)
        for name, url in (("file", None), ("server", server))
    ]
    for course in courses:
        assert grade(course).failed == []
    in_file, on_server = courses
    assert not (on_server.folder / "gradebook.db").exists()
    assert contents(on_server) == contents(in_file)
    assert shown(on_server) == shown(in_file)
    assert report.collect(on_server) == report.collect(in_file)
    assert all(result.unchanged for result in grade(on_server).results)
    for student in find_graded(on_server):
        assert list(write_feedback(on_server, student).glob("*.html"))
