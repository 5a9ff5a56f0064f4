"""Death at every moment: it costs what was being asked, and nothing else.

Deaths between two questions of the judge are tried one by one, on the problem's own solution in
this process; deaths of real processes at every stage of a request, in the sandbox.
"""

import threading

import pytest

from autograder import bank
from autograder.judge import judge
from autograder.kernel import KernelDied, LocalAsk
from autograder.session import MAX_STOPPED, Session, TimeLimits
from tests.autograder.test_kernel import works

PROBLEM = bank.load(bank.SOLUTIONS / "01_mse_gradient")
SEED = b"seed"
LIMITS = TimeLimits()


class Mortal:
    """The solution, in processes that end at certain questions, counted over all processes."""

    asked = 0
    deadly: frozenset[int] = frozenset()

    def __init__(self):
        self.alive = True
        self.answer = LocalAsk(PROBLEM.namespace())

    def ask(self, function, *args, timeout, **kwargs):
        type(self).asked += 1
        if self.asked in self.deadly:
            self.alive = False
            raise KernelDied(f"{function} got no answer: the notebook's process ended")
        return self.answer(function, *args, **kwargs)

    def close(self):
        pass


def scored(*deadly):
    """The parts' scores when these questions end the process."""
    Mortal.asked, Mortal.deadly = 0, frozenset(deadly)
    session = Session(Mortal, LIMITS)
    return judge(PROBLEM, session.ask, SEED)


def lost(parts):
    return [line for part in parts.values() for line in part.lines if line.points < line.out_of]


@pytest.fixture(scope="module")
def questions():
    """How many questions an honest notebook is asked."""
    assert lost(scored()) == []
    return Mortal.asked


def test_each_single_death_costs_the_one_check_that_asked(questions):
    for moment in range(1, questions + 1):
        (line,) = lost(scored(moment))
        assert "got no answer" in line.why


def test_a_function_that_ends_its_process_costs_no_other_function_a_point():
    lines = lost(scored(*range(1, MAX_STOPPED + 1)))  # the first questions are those about mse
    assert len(lines) > MAX_STOPPED
    assert all(line.why.startswith("mse ") for line in lines)


# ---------------------------------------------------------------------------- real processes

DEFINE = "import os, struct, time\ndef one(x): return x"
# Each ends the process at another stage of answering `ask("one", 1)`.
STAGES = {
    "before it is asked": "os._exit(0)",
    "when its name is looked up": """
from autograder import responder
responder._find = lambda namespace, name: os._exit(0)
""",
    "in the first call": "def one(x): os._exit(0)",
    "in the last call": """
calls = []
def one(x):
    calls.append(x)
    return os._exit(0) if len(calls) == 3 else x
""",
    "while the answer is written": """
from autograder import responder, wire
def torn(*arguments):
    os.write(3, struct.pack(">I", 40) + b'{"n": 3, "ans')
    os._exit(0)
wire.send_frame = torn
""",
    "after the length of the answer": """
from autograder import wire
def torn(*arguments):
    os.write(3, struct.pack(">I", 40)[:2])
    os._exit(0)
wire.send_frame = torn
""",
    "by a signal": """
import signal
signal.setitimer(signal.ITIMER_REAL, 0.05)
def one(x): time.sleep(5)
""",
    "with its channel closed and itself alive": """
def one(x):
    os.close(3)
    time.sleep(5)
""",
}


@pytest.mark.parametrize("stage", STAGES)
def test_a_process_that_ends_at_any_stage_is_only_lost(zygote, stage):
    with zygote.kernel() as kernel:
        assert kernel.execute(DEFINE).ok
        kernel.execute(STAGES[stage])
        with pytest.raises(KernelDied):
            kernel.ask("one", 1)
        assert not kernel.alive
    assert works(zygote)


@pytest.mark.parametrize("seconds", [0.0, 0.001, 0.003, 0.01, 0.03, 0.1])
def test_a_process_that_is_killed_at_any_time_is_only_lost(zygote, seconds):
    with zygote.kernel() as kernel:
        kernel.execute(DEFINE)
        killer = threading.Timer(seconds, kernel.processes.kill)
        killer.start()
        with pytest.raises(KernelDied):
            while True:
                assert kernel.ask("one", 1).value == 1
        killer.join()
    assert works(zygote)


def test_what_a_thread_does_after_its_cell_changes_no_answer(zygote):
    """It may print and interrupt; what comes back is the notebook's answer, or none."""
    source = """
import os, signal, threading, time
def one(x): return x

def haunt():
    while True:
        print("10.0")
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.0005)

threading.Thread(target=haunt, daemon=True).start()
"""
    with zygote.kernel() as kernel:
        kernel.execute(source)
        for _ in range(50):
            try:
                answer = kernel.ask("one", 7)
            except KernelDied:
                break
            except Exception as error:
                assert "KeyboardInterrupt" in str(error)
            else:
                assert (answer.value, answer.repeat) == (7, 7)
    assert works(zygote)
