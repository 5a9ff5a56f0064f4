"""Watches the memory and the number of a notebook's processes, and ends them all above the limit.

The limits of the Linux kernel count each process alone; this counts the whole tree.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

INTERVAL = 0.1  # seconds between two looks


class Watchdog(threading.Thread):
    """Looks at the tree of process `root` until stopped; calls `end(reason)` once.

    `memory` is in bytes, all processes together.
    """

    def __init__(self, root: int, memory: int, processes: int, end: Callable[[str], None]):
        super().__init__(name=f"watchdog-{root}", daemon=True)
        self.root = root
        self.most_memory = memory
        self.most_processes = processes
        self.end = end
        self.stopped = threading.Event()
        self.start()

    def stop(self) -> None:
        self.stopped.set()
        if self is not threading.current_thread():
            self.join()

    def run(self) -> None:
        try:
            reason = ""
            while not reason and not self.stopped.wait(INTERVAL):
                reason = self.complaint()
        except Exception as error:  # an unwatched notebook must not go on
            reason = f"could not be watched any more ({error})"
        if reason and not self.stopped.is_set():
            self.end(reason)

    def complaint(self) -> str:
        """What is wrong with the tree now, or nothing."""
        members = tree(self.root)
        if len(members) > self.most_processes:
            return f"started more than {self.most_processes} processes"
        # Resident memory counts shared pages for each process, so it can only be too much; it
        # costs far less to read than the proportional share, which decides.
        if (
            resident_memory(members) > self.most_memory
            and proportional_memory(members) > self.most_memory
        ):
            return f"used more than {self.most_memory >> 20} MB of memory"
        return ""


def tree(root: int) -> list[int]:
    """`root` and all its descendants. Daemons stay in it: they become children of `root`."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            children.setdefault(_parent(name), []).append(int(name))
    members = [root]
    for member in members:
        members += children.get(member, [])
    return members


def _parent(process: str) -> int:
    # The command's name, in parentheses, may itself hold spaces and parentheses.
    fields = _read(f"/proc/{process}/stat").rpartition(")")[2].split()
    return int(fields[1]) if fields else 0


def resident_memory(processes: list[int]) -> int:
    """Bytes in memory, shared pages counted for each process."""
    page = os.sysconf("SC_PAGE_SIZE")
    fields = [_read(f"/proc/{process}/statm").split() for process in processes]
    return page * sum(int(numbers[1]) for numbers in fields if numbers)


def proportional_memory(processes: list[int]) -> int:
    """Bytes in memory, each shared page counted as one part for each process that maps it."""
    return sum(_share(process) for process in processes)


def _share(process: int) -> int:
    for line in _read(f"/proc/{process}/smaps_rollup").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) << 10
    return resident_memory([process])  # Linux before 4.14 does not say


def _read(path: str) -> str:
    """A file of /proc; empty when its process has just ended."""
    try:
        with open(path) as file:
            return file.read()
    except (FileNotFoundError, ProcessLookupError):
        return ""
