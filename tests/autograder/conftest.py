import os
import shutil

import pytest

from autograder import bank
from autograder.config import CONFIG_FILE, Course
from autograder.kernel import Zygote
from autograder.release import release

SECRET = "host-secret-5f2d"
FIRST = "01_mse_gradient"


@pytest.fixture(scope="session")
def zygote():
    """One warm interpreter in its sandbox for all tests; a test forks from it what it needs."""
    # What no notebook may see or have.
    os.environ["GRADER_SECRET"] = SECRET
    groups = os.getgroups()
    if os.geteuid() == 0:
        os.setgroups([*groups, 4])
    with Zygote() as zygote:
        if os.geteuid() == 0:
            os.setgroups(groups)
        yield zygote


@pytest.fixture
def kernel(zygote):
    with zygote.kernel() as kernel:
        yield kernel


@pytest.fixture(scope="session")
def first_problem(tmp_path_factory):
    """A folder of problems that holds the first one alone."""
    folder = tmp_path_factory.mktemp("solutions")
    shutil.copytree(bank.SOLUTIONS / FIRST, folder / FIRST)
    return folder


@pytest.fixture(scope="session")
def first_bank(first_problem):
    return bank.problems(first_problem)


@pytest.fixture(scope="session")
def released(first_problem, first_bank, tmp_path_factory):
    """A course folder in which the first problem has been released."""
    folder = tmp_path_factory.mktemp("released")
    (folder / "nbgrader_config.py").write_text(
        CONFIG_FILE.replace(".parent)", f".parent, solutions=Path({str(first_problem)!r}))")
    )
    course = Course.open(folder)
    release(course.folder, first_bank, course.config)
    return course


@pytest.fixture
def course(released, tmp_path):
    """A fresh copy of the released course, without submissions."""
    shutil.copytree(released.folder, tmp_path / "course")
    return Course.open(tmp_path / "course")
