"""Grading on the workers of a dask scheduler: the same scores, also when one of them is lost."""

import shutil
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest
from classroom import contents, hand_in, shown, wait_until

from autograder import sample
from autograder.config import Course
from autograder.grade import grade
from autograder.workers import hired

STUDENTS = [f"student-{number}" for number in range(6)]


@contextmanager
def program(*arguments):
    command = [sys.executable, "-m", "dask", *map(str, arguments), "--no-dashboard"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory):
    """The address of a scheduler on this machine, and the file that tells workers of it."""
    from distributed import Client

    file = tmp_path_factory.mktemp("scheduler") / "scheduler.json"
    with program("scheduler", "--host=127.0.0.1", "--port=0", f"--scheduler-file={file}"):
        wait_until(file.exists)
        with Client(scheduler_file=str(file)) as client:
            yield client.scheduler.address, file, client


@pytest.fixture
def two_workers(scheduler):
    _, file, client = scheduler
    worker = ("worker", f"--scheduler-file={file}", "--no-nanny", "--nthreads=1")
    with program(*worker) as one, program(*worker) as other:
        client.wait_for_workers(2, timeout=300)
        yield one, other


def test_a_scheduler_without_workers_is_named(scheduler):
    with pytest.raises(ValueError, match="has no workers"), hired(1, scheduler[0]):
        pass


def test_the_same_scores_with_a_worker_lost_in_the_middle(
    released, scheduler, two_workers, tmp_path
):
    shutil.copytree(released.folder, tmp_path / "here")
    here = Course.open(tmp_path / "here")
    (here.folder / "secret").write_text("17" * 32)
    for number, student in enumerate(STUDENTS):
        answers = sample.right, sample.untouched, sample.cell("mse_gradient", "pass")
        hand_in(here, student, answers[number % 3])
    shutil.copytree(here.folder, tmp_path / "there")
    there = Course.open(tmp_path / "there")

    def kill_one():
        wait_until(lambda: list(there.folder.glob("audit/*/*/*.json")))
        two_workers[0].kill()

    killer = threading.Thread(target=kill_one)
    killer.start()
    outcome = grade(there, scheduler=scheduler[0])
    killer.join()
    assert outcome.failed == [] and two_workers[0].poll() is not None
    assert grade(here).failed == []
    assert contents(there) == contents(here)
    assert shown(there) == shown(here)
    assert all(result.unchanged for result in grade(there, scheduler=scheduler[0]).results)
