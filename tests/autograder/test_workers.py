"""Work is done once, lost work is done again, and workers do not outlive the run."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import BrokenExecutor
from functools import partial
from pathlib import Path

import pytest
from classroom import wait_until

from autograder.workers import InProcess, Processes, hired, run

NAMES = ["ada", "bob", "chen", "dora", "emil"]


def double(name):
    return name * 2


def note(name, folder):
    """Leave a trace of every attempt."""
    with (folder / name).open("a") as file:
        file.write(".")
    return name


def killed_once(name, folder):
    if name == "chen" and not (folder / name).exists():
        note(name, folder)
        os.kill(os.getpid(), signal.SIGKILL)
    return note(name, folder)


def always_killed(name, folder):
    note(name, folder)
    if name == "chen":
        os.kill(os.getpid(), signal.SIGKILL)
    return name


def fail(name):
    raise OSError(f"no disk for {name}")


def outcomes(executor, at_once, function):
    return dict(run(executor, at_once, function, NAMES))


def results(found):
    return {name: future.result() for name, future in found.items()}


def attempts(folder):
    return {path.name: len(path.read_text()) for path in folder.iterdir()}


@pytest.mark.parametrize("count", [1, 2])
def test_everything_is_done_once(count, tmp_path):
    with hired(count) as (executor, at_once):
        found = outcomes(executor, at_once, partial(note, folder=tmp_path))
    assert {name: future.result() for name, future in found.items()} == {
        name: name for name in NAMES
    }
    assert attempts(tmp_path) == dict.fromkeys(NAMES, 1)


@pytest.mark.parametrize("count", [1, 2])
def test_an_error_stays_with_its_name(count):
    with hired(count) as (executor, at_once):
        found = outcomes(executor, at_once, fail)
    assert {name: str(f.exception()) for name, f in found.items()} == {
        name: f"no disk for {name}" for name in NAMES
    }


def test_lost_work_is_done_once_more(tmp_path):
    with hired(2) as (executor, at_once):
        found = outcomes(executor, at_once, partial(killed_once, folder=tmp_path))
    assert {name: future.result() for name, future in found.items()} == {
        name: name for name in NAMES
    }
    assert attempts(tmp_path) == dict.fromkeys(NAMES, 1) | {"chen": 2}


def test_what_kills_its_worker_twice_is_given_up_and_costs_nobody_else(tmp_path):
    with hired(2) as (executor, at_once):
        found = outcomes(executor, at_once, partial(always_killed, folder=tmp_path))
    assert isinstance(found.pop("chen").exception(), BrokenExecutor)
    assert results(found) == {name: name for name in NAMES if name != "chen"}
    assert attempts(tmp_path) == dict.fromkeys(NAMES, 1) | {"chen": 2}


def test_a_worker_lost_while_idle_is_replaced():
    with Processes(1) as executor:
        worker = executor.submit(os.getpid).result()
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda: not Path(f"/proc/{worker}").exists())
        assert executor.submit(double, "ab").result() == "abab"


def test_no_more_is_handed_out_than_asked_for():
    handed_out = []

    def names():
        for name in NAMES:
            handed_out.append(name)
            yield name

    for done, _ in enumerate(run(InProcess(), 1, double, names()), 1):
        assert len(handed_out) == done


def test_workers_do_not_wait_for_their_work_when_the_run_is_stopped():
    with pytest.raises(KeyboardInterrupt), Processes(2) as executor:
        executor.submit(time.sleep, 600)
        worker = executor.submit(os.getpid).result()
        raise KeyboardInterrupt
    assert not Path(f"/proc/{worker}").exists()


ORPHANS = """
import os, sys, time
from autograder.workers import Processes
executor = Processes(2)
print(*(executor.submit(os.getpid).result() for _ in range(2)), flush=True)
for _ in range(2):
    executor.submit(time.sleep, 600)
time.sleep(600)
"""


def test_workers_end_with_a_run_that_is_killed(tmp_path):
    script = tmp_path / "run.py"
    script.write_text(f"if __name__ == '__main__':\n    {'    '.join(ORPHANS.splitlines(True))}")
    main = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    workers = [int(number) for number in main.stdout.readline().split()]
    assert len(workers) == 2
    main.kill()
    main.wait()
    for worker in workers:
        wait_until(lambda worker=worker: not Path(f"/proc/{worker}").exists())


def test_an_address_without_a_scheduler_is_named(monkeypatch):
    monkeypatch.setattr("autograder.workers.CONNECT_SECONDS", 1)
    with (
        pytest.raises(ValueError, match=r"tcp://127.0.0.1:1.* does not answer"),
        hired(1, "tcp://127.0.0.1:1"),
    ):
        pass
