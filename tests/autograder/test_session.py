"""A lost process costs the cell or the question that lost it, and nothing else."""

import pytest

from autograder.kernel import CellRun, KernelDied
from autograder.session import MAX_RESTARTS, Session, TimeLimits
from autograder.wire import Answer, StudentError

LIMITS = TimeLimits(cell=10.0, question=5.0, notebook=90.0)
DEADLY = {"die", "hang"}


class Scripted:
    """A kernel whose cells do what their text says; `ran` records what reached it."""

    def __init__(self):
        self.alive = True
        self.ran = []
        self.closed = False

    def execute(self, source, timeout):
        assert self.alive
        self.ran.append(source)
        if source in DEADLY:
            self.alive = False
            return CellRun([], False, True, source == "hang", 0.0, "ended by itself")
        if source == "slow":
            return CellRun([], False, False, True, timeout, f"took longer than {timeout:g} s")
        if source == "die later":
            self.alive = False  # noticed only when the next request is made
        return CellRun(
            [{"output_type": "stream", "name": "stdout", "text": source}], True, False, False, 0.0
        )

    def ask(self, function, *args, timeout, **kwargs):
        assert self.alive
        self.ran.append(f"ask {function}")
        if function == "killer":
            self.alive = False
            raise KernelDied("killer got no answer: the notebook's process ended by itself")
        if function == "wrong":
            raise StudentError("wrong raised ValueError: no")
        return Answer(1, 1, args)

    def close(self):
        self.closed = True


@pytest.fixture
def kernels():
    return []


@pytest.fixture
def session(kernels):
    def new_kernel():
        kernels.append(Scripted())
        return kernels[-1]

    return Session(new_kernel, LIMITS)


def test_cells_run_in_one_process_while_it_lives(session, kernels):
    assert session.run("a")[0].text == "a"
    session.run("b")
    session.ask("f")
    assert [kernel.ran for kernel in kernels] == [["a", "b", "ask f"]]
    assert session.troubles == []


def test_a_lost_process_is_replaced_and_its_culprit_left_out(session, kernels):
    for source in ("a", "die", "b"):
        outputs = session.run(source)
        assert (outputs[-1].output_type == "error") == (source == "die")
    assert [kernel.ran for kernel in kernels] == [["a", "die"], ["a", "b"]]
    assert kernels[0].closed
    assert "`die` was stopped: it ended by itself" in session.troubles[0]


def test_a_cell_that_was_stopped_is_not_replayed(session, kernels):
    for source in ("slow", "a", "die", "b"):
        session.run(source)
    assert kernels[-1].ran == ["a", "b"]
    assert "took longer than 10 s" in session.troubles[0]


def test_a_cell_that_loses_every_process_that_replays_it_is_given_up(session, kernels):
    session.run("a")
    session.run("die later")
    assert session.run("b")[0].text == "b"
    assert kernels[-1].ran[-1] == "b"


def test_restarts_are_bounded_and_the_rest_says_so(session, kernels):
    for _ in range(MAX_RESTARTS + 1):
        session.run("die")
    (output,) = session.run("a")
    assert output.ename == "NotRun"
    assert len(kernels) == MAX_RESTARTS + 1
    assert all(kernel.closed for kernel in kernels)
    with pytest.raises(StudentError, match="was not asked"):
        session.ask("f")


def test_a_function_that_ends_the_process_costs_only_its_own_questions(session, kernels):
    session.run("a")
    for _ in range(5):
        with pytest.raises(StudentError):
            session.ask("killer")
    assert session.ask("f").value == 1
    assert sum(kernel.ran.count("ask killer") for kernel in kernels) == 2
    assert kernels[-1].ran == ["a", "ask f"]


def test_a_wrong_answer_is_no_reason_to_stop_asking(session, kernels):
    for _ in range(5):
        with pytest.raises(StudentError, match="ValueError"):
            session.ask("wrong")
    assert kernels[0].ran.count("ask wrong") == 5


def test_time_is_bounded_for_the_whole_notebook(kernels, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("autograder.session.time.monotonic", lambda: clock[0])
    session = Session(Scripted, LIMITS)
    session.run("a")
    clock[0] = 91.0
    assert session.run("b")[0].ename == "NotRun"
    with pytest.raises(StudentError, match="was not asked"):
        session.ask("f")
    session.start_clock()
    assert session.ask("f").value == 1


def test_a_replay_has_the_time_of_a_first_run(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("autograder.session.time.monotonic", lambda: clock[0])
    granted = []

    class Slow(Scripted):
        def execute(self, source, timeout):
            if granted or source == "die":
                granted.append(timeout)
                clock[0] += timeout
            return super().execute(source, timeout)

    session = Session(Slow, LIMITS)
    for source in (*"abcdefghijklmnopqrstuvwxyz", "die", "next"):
        session.run(source)
    replayed = granted[1:]
    assert len(replayed) == 26
    assert sum(replayed) == LIMITS.notebook


def test_an_error_in_a_cell_is_told_in_one_sentence():
    class Failing(Scripted):
        def execute(self, source, timeout):
            error = {
                "output_type": "error",
                "ename": "SyntaxError",
                "evalue": "'(' was never closed (<ipython-input-3-abc>, line 1)",
                "traceback": [],
            }
            return CellRun([error], False, False, False, 0.0)

    session = Session(Failing, LIMITS)
    session.run("def f(:\n    pass")
    assert session.troubles == [
        "The cell `def f(:` ended with SyntaxError: '(' was never closed in line 1."
    ]
