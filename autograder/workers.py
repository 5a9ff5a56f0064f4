"""Executors in which submissions are graded, and what becomes of work whose worker is lost.

Everything here speaks `concurrent.futures`: this process, processes of this machine, or the workers
of a dask scheduler on many machines.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    wait,
)
from contextlib import contextmanager, suppress
from itertools import chain, islice
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any

from autograder.errors import WrongUse

CONNECT_SECONDS = 20
WARM = ["autograder.submission"]  # imported once, before worker processes are forked


@contextmanager
def hired(count: int, scheduler: str | None = None) -> Iterator[tuple[Executor, int]]:
    """An executor and how much work to give it at a time.

    One worker is this process; more are processes of their own; `scheduler` is the address of a
    dask scheduler, whose workers are taken as they are. Raises WrongUse when it cannot be used.
    """
    if scheduler is not None:
        with _client(scheduler) as client:
            # One task more for each worker, so that none waits for the next to travel.
            yield client.get_executor(pure=False), 2 * len(client.nthreads())
    elif count == 1:
        yield InProcess(), 1
    else:
        with Processes(count) as processes:
            yield processes, count


def run(
    executor: Executor, at_once: int, function: Callable[[str], Any], names: Iterable[str]
) -> Iterator[tuple[str, Future]]:
    """Each name with the finished future of `function(name)`, in the order they finish.

    At most `at_once` are handed out at a time. What is lost with its worker is done once more.
    """
    waiting = iter(names)
    running: dict[Future, str] = {}
    lost: set[str] = set()
    while True:
        for name in islice(waiting, at_once - len(running)):
            running[executor.submit(function, name)] = name
        if not running:
            return
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            name = running.pop(future)
            if _is_lost(future) and name not in lost:
                lost.add(name)
                waiting = chain([name], waiting)
            else:
                yield name, future


def _is_lost(future: Future) -> bool:
    return not future.cancelled() and isinstance(future.exception(), BrokenExecutor)


# ---------------------------------------------------------------------------- this machine


class InProcess(Executor):
    """Does the work at once, in this process."""

    def submit(self, function: Callable, /, *args: Any, **kwargs: Any) -> Future:
        future: Future = Future()
        try:
            future.set_result(function(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class Processes(Executor):
    """Worker processes, each an executor of its own: so it is known what a lost one was doing.

    Takes as many pieces of work at a time as there are workers.
    """

    def __init__(self, count: int):
        self.workers = [_Worker() for _ in range(count)]
        self.idle: SimpleQueue[_Worker] = SimpleQueue()
        for worker in self.workers:
            self.idle.put(worker)

    def submit(self, function: Callable, /, *args: Any, **kwargs: Any) -> Future:
        worker = self.idle.get()
        try:
            future = worker.executor.submit(function, *args, **kwargs)
        except BrokenExecutor:  # lost while it had nothing to do
            worker.renew()
            future = worker.executor.submit(function, *args, **kwargs)
        future.add_done_callback(lambda done: self._take_back(worker, done))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the workers; with `cancel_futures`, without waiting for what they are doing."""
        for worker in self.workers:
            if cancel_futures:
                worker.lifeline.close()
            worker.executor.shutdown(wait=wait, cancel_futures=cancel_futures)

    def __exit__(self, kind: Any, *exception: Any) -> None:
        self.shutdown(cancel_futures=kind is not None)

    def _take_back(self, worker: _Worker, done: Future) -> None:
        if _is_lost(done):
            worker.renew()
        self.idle.put(worker)


class _Worker:
    """One process, started with its first work; it ends when its lifeline does."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Make ready to start, in place of a process that is lost."""
        # Forked from a process that has nothing but imported: forking this one, with its threads,
        # could copy a lock that nobody will ever open.
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(WARM)
        theirs, self.lifeline = context.Pipe(duplex=False)
        self.executor = ProcessPoolExecutor(1, context, _start_worker, (theirs,))


def _start_worker(lifeline: Connection) -> None:
    """Leave Ctrl-C to the main process, and end with it, even if it is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(lifeline,), daemon=True).start()


def _end_with(lifeline: Connection) -> None:
    with suppress(EOFError):
        lifeline.recv_bytes()
    os._exit(1)


# ---------------------------------------------------------------------------- many machines


@contextmanager
def _client(scheduler: str) -> Iterator[Any]:
    """A connection to a dask scheduler that has workers. Raises WrongUse."""
    try:
        from distributed import Client
    except ImportError:
        raise WrongUse("a scheduler needs dask: pip install distributed") from None
    try:
        client = Client(scheduler, timeout=CONNECT_SECONDS)
    except OSError as error:
        raise WrongUse(f"scheduler={scheduler!r} does not answer: {error}") from None
    with client:
        if not client.nthreads():
            raise WrongUse(f"scheduler={scheduler!r} has no workers: start `dask worker` first")
        yield client
