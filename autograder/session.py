"""One notebook's process: run its cells, ask its functions, survive what they do.

A lost process costs the cell or the question that lost it. A new one replays the cells before it,
without the culprit, at most `MAX_RESTARTS` times.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nbformat.notebooknode import NotebookNode

from autograder.feedback import clean_outputs, error_output
from autograder.kernel import Kernel, KernelDied
from autograder.wire import Answer, StudentError, plain_text

MAX_RESTARTS = 3
MAX_TROUBLES = 5  # sentences about cells
MAX_STOPPED = 2  # questions of one function that may hang or end the process


@dataclass(frozen=True)
class TimeLimits:
    """Time a student's code may take, in seconds of wall clock."""

    cell: float = 10.0
    question: float = 5.0
    notebook: float = 90.0  # all cells together, and again all questions together


class Session:
    """The process of one notebook, replaced when it is lost."""

    def __init__(self, new_kernel: Callable[[], Kernel], limits: TimeLimits):
        self.new_kernel = new_kernel
        self.limits = limits
        self.kernel: Kernel | None = new_kernel()
        self.restarts = 0
        self.done: list[str] = []  # cells to replay
        self.stopped: dict[str, int] = {}  # questions that had to be stopped, by function
        self.troubles: list[str] = []  # sentences about cells that failed or were stopped
        self.start_clock()

    def start_clock(self) -> None:
        self.deadline = time.monotonic() + self.limits.notebook

    def run(self, source: str) -> list[NotebookNode]:
        """Outputs of one cell, with an error that says so when it was stopped."""
        self._replace_lost()
        left = self.deadline - time.monotonic()
        if self.kernel is None or left <= 0:
            why = "the notebook took too long" if self.kernel else "too many cells were stopped"
            return [error_output("NotRun", f"This cell was not run: {why}.")]
        run = self.kernel.execute(source, timeout=min(self.limits.cell, left))
        outputs = clean_outputs(run.outputs)
        if run.died or run.timed_out:
            self._note(source, f"was stopped: it {run.reason}.")
            outputs.append(error_output("Stopped", f"This cell was stopped: it {run.reason}."))
        else:
            self.done.append(source)
            self._note_error(source, outputs)
        return outputs

    def ask(self, function: str, *args: Any, **kwargs: Any) -> Answer:
        """The answer of a student's function. Raises StudentError."""
        self._replace_lost()
        left = self.deadline - time.monotonic()
        if self.kernel is None or left <= 0:
            raise StudentError(f"{function} was not asked: too much was stopped before it")
        if self.stopped.get(function, 0) >= MAX_STOPPED:
            raise StudentError(f"{function} was not asked again: it had to be stopped before")
        started = time.monotonic()
        limit = min(self.limits.question, left)
        try:
            return self.kernel.ask(function, *args, timeout=limit, **kwargs)
        except StudentError as error:
            if isinstance(error, KernelDied) or time.monotonic() - started >= limit:
                self.stopped[function] = self.stopped.get(function, 0) + 1
            raise

    def close(self) -> None:
        if self.kernel is not None:
            self.kernel.close()

    def _note_error(self, source: str, outputs: list[NotebookNode]) -> None:
        for output in outputs:
            if output.output_type == "error":
                self._note(source, f"ended with {_error_text(output)}.")
                return

    def _note(self, source: str, what: str) -> None:
        if len(self.troubles) < MAX_TROUBLES:
            first_line = plain_text(source.strip().partition("\n")[0].replace("`", "'"), 60)
            self.troubles.append(f"The cell `{first_line}` {what}")

    def _replace_lost(self) -> None:
        """Start a new process if the last one is gone, and run the cells so far in it."""
        while self.kernel is not None and not self.kernel.alive:
            self.kernel.close()
            self.kernel = None
            if self.restarts == MAX_RESTARTS:
                self.troubles.append(f"Nothing more was run after {MAX_RESTARTS} new starts.")
                return
            self.restarts += 1
            self.kernel = self.new_kernel()
            self._replay()

    def _replay(self) -> None:
        """Run the cells so far again; one that loses the process this time is left out.

        All of them have the time of a first run, whatever they did with it then.
        """
        assert self.kernel is not None
        deadline = time.monotonic() + self.limits.notebook
        for number, source in enumerate(self.done):
            left = max(0.0, deadline - time.monotonic())
            self.kernel.execute(source, timeout=min(self.limits.cell, left))
            if not self.kernel.alive:
                del self.done[number]
                return


def _error_text(output: NotebookNode) -> str:
    # A syntax error's text ends with the internal name of the cell. Whatever it is, it is cut
    # before the pattern, which takes the square of its length.
    text = re.sub(r" \(<[^>]*>, line (\d+)\)$", r" in line \1", plain_text(output.evalue))
    text = plain_text(text, 120)
    return f"{output.ename}: {text}" if text else output.ename
