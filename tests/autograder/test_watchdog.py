"""The watchdog counts the whole tree, cannot be hidden from, and never goes blind silently."""

from autograder import watchdog
from autograder.watchdog import tree
from tests.autograder.test_kernel import works

# A name that reads like the rest of a line of /proc/PID/stat, with another parent in it.
HIDING = """
import ctypes, os, time
for name in (b"x) S 1 (y", b"a b) R 0 0", b")", b"(", b"1 2 3"):
    if os.fork() == 0:
        ctypes.CDLL(None).prctl(15, name, 0, 0, 0)
        if os.fork() == 0:
            os.setsid()
        time.sleep(60)
time.sleep(0.3)
"""


def test_no_name_hides_a_process(zygote):
    with zygote.kernel() as kernel:
        assert kernel.execute(HIDING).ok
        # Its init, itself, five children and five grandchildren.
        assert len(tree(kernel.processes.root)) == 12
    assert works(zygote)


def test_too_many_processes_are_ended(zygote, monkeypatch):
    with zygote.kernel() as kernel:
        monkeypatch.setattr(kernel.watchdog, "most_processes", 4)
        run = kernel.execute(HIDING + "time.sleep(30)", timeout=20)
        assert run.died and run.reason == "started more than 4 processes"
    assert works(zygote)


def test_a_notebook_that_cannot_be_watched_does_not_go_on(zygote, monkeypatch):
    with zygote.kernel() as kernel:

        def blind(root):
            raise PermissionError("no look at /proc")

        monkeypatch.setattr(watchdog, "tree", blind)
        run = kernel.execute("import time; time.sleep(30)", timeout=20)
        assert run.died and "could not be watched any more (no look at /proc)" in run.reason
    monkeypatch.undo()
    assert works(zygote)
