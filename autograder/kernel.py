"""The trusted handles on students' code: run its cells, ask its functions.

Whatever a student's process sends or fails to send ends in a `CellRun`, an `Answer` or a
`StudentError`; it never stops the grading of others.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import struct
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder import responder, sandbox, wire
from autograder.sandbox import Limits, SandboxError
from autograder.watchdog import Watchdog

CELL_SECONDS = 30.0
QUESTION_SECONDS = 5.0
FORK_SECONDS = 20.0  # longest fork and isolation
GRACE_SECONDS = 1.0  # between Ctrl-C and the end of the process
NOTEBOOK_BYTES = 24_000_000  # of outputs kept: more than a notebook file may have
TRANSFER_SECONDS = 5.0  # for a reply that has begun to arrive

# More than a notebook's share of the warm interpreter: an honest notebook meets the limit of the
# Linux kernel first, and reads a MemoryError instead of losing its process.
SHARED_MB = 256

BROKEN = "sent something that is not the reply to what it was asked"
ENDED = "ended by itself"
NO_ROOM = f"[left out: the notebook showed more than {NOTEBOOK_BYTES // 1_000_000} MB before]\n"
OVERTIME = "did not stop when its time was over"


class KernelDied(wire.StudentError):
    """The notebook's process is gone, and with it everything its cells had defined."""


@dataclass(frozen=True)
class CellRun:
    """What became of one cell.

    `outputs` are in notebook format: texts and pictures only, bounded. `reason` says why the
    process died or the cell was stopped ("used more than 1200 MB of memory").
    """

    outputs: list[dict]
    ok: bool
    died: bool
    timed_out: bool
    seconds: float
    reason: str = ""


class Zygote:
    """The warm interpreter of one worker; each notebook is forked from it.

    A context manager. It ends with the thread that used it first, so workers are processes, or
    threads that live as long as their zygote.
    """

    def __init__(self, isolation: str = "bwrap", limits: Limits | None = None):
        self.isolation = isolation
        self.limits = limits or Limits()
        self.started: sandbox.Started | None = None

    def __enter__(self) -> Zygote:
        self._start()
        return self

    def __exit__(self, *exception: Any) -> None:
        self.close()

    def kernel(self) -> Kernel:
        """A fresh process for one notebook. Raises SandboxError."""
        try:
            return self._fork()
        except OSError:  # the interpreter is gone: once more with a new one
            self.close()
        try:
            return self._fork()
        except OSError as error:
            raise SandboxError(f"a notebook could not be started: {error}") from error

    def close(self) -> None:
        if self.started is not None:
            self.started.close()
            self.started = None

    def _start(self) -> sandbox.Started:
        if self.started is None:
            self.started = sandbox.start(self.isolation)
        return self.started

    def _fork(self) -> Kernel:
        control = self._start().control
        ours, theirs = socket.socketpair()
        request = json.dumps(self.limits.for_zygote(self.isolation)).encode()
        with theirs:
            socket.send_fds(control, [request], [theirs.fileno()])
        try:
            return Kernel(ours, Processes(ours, self.isolation), self.limits)
        except BaseException:
            ours.close()
            raise


class Processes:
    """A hold on a notebook's processes: `init`, with which all of them end, and `student`."""

    def __init__(self, channel: socket.socket, isolation: str):
        channel.settimeout(FORK_SECONDS)
        verdict, descriptors, _, _ = socket.recv_fds(channel, 1, 2)
        if not verdict:
            raise ConnectionError("the warm interpreter is gone")
        if verdict != b"+":
            reason = channel.recv(1000).decode("utf-8", "replace")
            raise SandboxError(f"a notebook could not be isolated: {reason}")
        self.descriptors = descriptors
        if isolation == "bwrap":
            self.root = _number_of(descriptors[0])
        else:
            numbers = channel.recv(8, socket.MSG_WAITALL)
            self.root, self.student = struct.unpack(">II", numbers)

    def interrupt(self) -> None:
        """Ctrl-C for the student's process."""
        with contextlib.suppress(ProcessLookupError):
            if self.descriptors:
                signal.pidfd_send_signal(self.descriptors[1], signal.SIGINT)
            else:
                os.kill(self.student, signal.SIGINT)

    def kill(self) -> None:
        """End them all; can be said twice."""
        with contextlib.suppress(ProcessLookupError):
            if self.descriptors:
                signal.pidfd_send_signal(self.descriptors[0], signal.SIGKILL)
            else:
                os.killpg(self.root, signal.SIGKILL)

    def close(self) -> None:
        """End them all and wait until none is left."""
        self.kill()
        if self.descriptors:
            _readable(self.descriptors[0], TRANSFER_SECONDS)
        for descriptor in self.descriptors:
            os.close(descriptor)
        self.descriptors = []


def _readable(descriptor: int, seconds: float) -> bool:
    """Wait for bytes, or for the end of a process held by descriptor."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(max(0.0, seconds) * 1000))


def _number_of(descriptor: int) -> int:
    """The process number, as seen here, of a process held by descriptor."""
    lines = Path(f"/proc/self/fdinfo/{descriptor}").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pid:"))


class Kernel:
    """The process of one notebook, from outside. Everything it says is a claim."""

    def __init__(self, channel: socket.socket, processes: Processes, limits: Limits):
        self.channel = channel
        self.processes = processes
        self.reason = ""  # why the process is gone
        self.deadline = time.monotonic() + limits.notebook_seconds
        self.limits = limits
        self.number = 0
        self.room = NOTEBOOK_BYTES
        self.lock = threading.Lock()
        self.closed = False
        memory = (limits.memory_mb + SHARED_MB) << 20
        self.watchdog = Watchdog(processes.root, memory, limits.processes, self._end)

    @property
    def alive(self) -> bool:
        return not self.reason

    def execute(self, source: str, timeout: float = CELL_SECONDS) -> CellRun:
        """Run a cell. Never raises for what the cell does."""
        started = time.monotonic()
        self.number += 1
        outputs: list[dict] = []
        ok = timed_out = False
        try:
            payload = wire.cell(self.number, source)
            reply, timed_out = self._exchange(payload, wire.RUN_BYTES, timeout)
            outputs, ok = wire.decode_run(reply, self.number)
            self.room -= len(reply)
            if self.room < 0:
                outputs = [{"output_type": "stream", "name": "stderr", "text": NO_ROOM}]
        except wire.BadReply:
            self._end(BROKEN)
        except KernelDied:
            timed_out = self.reason == OVERTIME
        seconds = time.monotonic() - started
        reason = self.reason or (f"took longer than {timeout:g} s" if timed_out else "")
        return CellRun(outputs, ok and not timed_out, not self.alive, timed_out, seconds, reason)

    def ask(
        self, function: str, *args: Any, timeout: float = QUESTION_SECONDS, **kwargs: Any
    ) -> wire.Answer:
        """Call `function` of the notebook: once to warm up, then twice on the same objects.

        Raises StudentError when there is no usable answer (KernelDied when the process is lost),
        and ValueError when an argument cannot be sent.
        """
        self.number += 1
        question = wire.Question(self.number, function, args, kwargs)
        payload = wire.encode_question(question)
        try:
            reply, timed_out = self._exchange(payload, wire.ANSWER_BYTES, timeout)
            if timed_out:
                raise wire.StudentError(f"{function} took longer than {timeout:g} s")
            return wire.decode_answer(reply, question)
        except wire.BadReply:
            self._end(BROKEN)
        except KernelDied:
            pass
        raise KernelDied(f"{function} got no answer: the notebook's process {self.reason}")

    def close(self) -> None:
        """End every process of the notebook."""
        self._end("was closed")
        self.watchdog.stop()
        with self.lock:
            self.closed = True
            self.processes.close()
            self.channel.close()

    def __enter__(self) -> Kernel:
        return self

    def __exit__(self, *exception: Any) -> None:
        self.close()

    def _exchange(self, payload: bytes, limit: int, timeout: float) -> tuple[bytes, bool]:
        """Send a request and read its reply; True with a reply that came too late.

        Raises BadReply, KernelDied.
        """
        if self.reason:
            raise KernelDied(self.reason)
        if self._readable(0):
            self._end(BROKEN)  # nothing was asked yet
            raise KernelDied(self.reason)
        now = time.monotonic()
        deadline = min(now + timeout, self.deadline)
        try:
            wire.send_frame(self.channel, payload, deadline)
            in_time = self._readable(deadline - time.monotonic()) or self._give_in()
            arrived = time.monotonic() + TRANSFER_SECONDS
            return wire.receive_frame(self.channel, limit, arrived), not in_time
        except (EOFError, OSError) as error:
            self._end(OVERTIME if isinstance(error, TimeoutError) else ENDED)
            raise KernelDied(self.reason) from error

    def _readable(self, seconds: float) -> bool:
        return _readable(self.channel.fileno(), seconds)

    def _give_in(self) -> bool:
        """Interrupt and wait a moment; False means the reply came, but late."""
        self.processes.interrupt()
        if not self._readable(GRACE_SECONDS):
            raise TimeoutError("no reply to Ctrl-C")
        return False

    def _end(self, reason: str) -> None:
        """Kill everything; the first reason stays. The watchdog calls this from its thread."""
        with self.lock:
            self.reason = self.reason or reason
            if not self.closed:
                self.processes.kill()


class LocalAsk:
    """Asks functions of a namespace in this process, through the same bytes and the same code.

    For the trusted side's own functions (references, mutants, accepted solutions): there is no
    isolation and no time limit.
    """

    def __init__(self, namespace: Mapping[str, Any]):
        self.namespace = namespace

    def __call__(self, function: str, *args: Any, **kwargs: Any) -> wire.Answer:
        question = wire.Question(0, function, args, kwargs)
        reply = responder.reply_to_question(self.namespace, wire.encode_question(question))
        return wire.decode_answer(reply, question)
