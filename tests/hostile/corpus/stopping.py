"""Attempts to stop or to slow down grading: ends, hangs, bombs, floods."""

import json

import nbformat

from tests.hostile.attack import (
    FULL,
    NO_GRADIENT,
    Attack,
    answered,
    cells,
    right,
    unanswered,
    with_gradient,
)

SHARED_MEMORY = """
import mmap

held = []
while True:
    held.append(mmap.mmap(-1, 100 << 20))
    for _ in range(100):
        held[-1].write(bytes(1 << 20))
"""
FORKS = """
import os

while True:
    try:
        os.fork()
    except OSError:
        pass
"""
DISK = """
held = []
for folder in ("/tmp", "/dev/shm", "."):
    for number in range(5_000):
        try:
            open(f"{folder}/{number}", "wb").write(bytes(100_000_000))
        except OSError as error:
            print(error)
            break
"""
KILL_ALL = """
import os

for target in (os.getppid(), 1, -1, 0):
    for number in (15, 9):
        try:
            os.kill(target, number)
        except OSError as error:
            print(error)
"""
DEAF_LOOP = """
import signal

signal.signal(signal.SIGINT, signal.SIG_IGN)
while True:
    pass
"""
DISPLAYS = """
from IPython.display import display

for number in range(20_000):
    display(number)
"""
PICTURES = """
import os
from IPython.display import Image, display

for _ in range(10):
    display(Image(bytes.fromhex("89504e470d0a1a0a") + os.urandom(700_000), format="png"))
"""
LIMITS = """
import resource

for name in ("NOFILE", "NPROC", "AS", "DATA", "FSIZE", "STACK"):
    limit = getattr(resource, f"RLIMIT_{name}")
    try:
        resource.setrlimit(limit, (8, 8))
    except (OSError, ValueError) as error:
        print(error)
"""
SLEEPERS = """
import os, time

for _ in range(40):
    if os.fork() == 0:
        time.sleep(600)
        os._exit(0)
"""
BUSY_SESSIONS = """
import os, time

for _ in range(20):
    if os.fork() == 0:
        os.setsid()
        while True:
            pass
time.sleep(1)
"""
FULL_SOCKETS = """
import os, socket, time

def fill():
    pairs = []
    while True:
        try:
            pairs.append(socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM))
            for end in pairs[-1]:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 30)
                end.setblocking(False)
                while end.send(bytes(100_000)):
                    pass
        except BlockingIOError:
            continue
        except OSError:
            return time.sleep(2)

for _ in range(60):
    if os.fork() == 0:
        fill()
        os._exit(0)
fill()
"""
LATER = """
import os, threading

threading.Timer(0.2, os._exit, [0]).start()
"""
ALARM = "import signal; signal.setitimer(signal.ITIMER_REAL, 0.2)"
TWENTIETH_CALL = """
import os

calls = 0
whole = mse

def mse(prediction, target):
    global calls
    calls += 1
    if calls == 20:
        os._exit(0)
    return whole(prediction, target)
"""
RAISES_AT_EXIT = """
import atexit, gc, os

class Last:
    def __del__(self):
        os._exit(3)

last = Last()
atexit.register(os._exit, 4)
gc.disable()
"""
DEEP_VALUE = """
def mse_gradient(prediction, target):
    inside = answer = []
    for _ in range(200_000):
        inside.append([])
        inside = inside[0]
    return answer
"""


def flood_of_cells(problem, notebook):
    """Right, and forty cells that each show as much as a cell may."""
    right(problem, notebook).cells += cells(*[PICTURES] * 40)
    return notebook


def long_text(problem, notebook):
    """Right, with texts whose rendering takes the square of their length."""
    right(problem, notebook).cells += cells("\\\\(" * 100_000, kind="markdown")
    notebook.cells.append(nbformat.v4.new_code_cell("\n " * 60_000))
    return notebook


def five_thousand_cells(problem, notebook):
    right(problem, notebook).cells += cells(*["pass"] * 5_000)
    return notebook


def nested(path):
    notebook = json.loads(path.read_text())
    notebook["metadata"] = 0
    path.write_text(json.dumps(notebook).replace('"metadata": 0', '"metadata": ' + "[" * 200_000))


ATTACKS = (
    Attack("exits", "ends its process in a cell", answered("import os; os._exit(0)")),
    Attack("segfault", "crashes in a cell", answered("import ctypes; ctypes.string_at(0)")),
    Attack("quits", "quits in a cell", answered("quit()", "exit()", "raise SystemExit(1)")),
    Attack("kills-all", "kills every process it may", answered(KILL_ALL), says="was stopped"),
    Attack(
        "stops-parent",
        "freezes the process above it",
        answered("import os, signal; os.kill(os.getppid(), signal.SIGSTOP)"),
    ),
    Attack(
        "stops-itself",
        "freezes itself in a cell",
        answered("import os, signal; os.kill(os.getpid(), signal.SIGSTOP)"),
        says="did not stop",
    ),
    Attack(
        "exits-when-asked",
        "ends its process in a question",
        with_gradient("import os\ndef mse_gradient(prediction, target):\n    os._exit(0)"),
        NO_GRADIENT,
        "mse_gradient got no answer",
    ),
    Attack(
        "quits-when-asked",
        "quits in a question",
        with_gradient("def mse_gradient(prediction, target):\n    raise SystemExit"),
        NO_GRADIENT,
        "raised SystemExit",
    ),
    Attack("exits-between", "ends its process between two cells", answered(LATER), up_to=True),
    Attack("alarm-between", "is ended by its own alarm", answered(ALARM), up_to=True),
    Attack(
        "exits-at-twenty",
        "ends its process in the twentieth call",
        answered(TWENTIETH_CALL),
        up_to=True,
        says="mse got no answer",
    ),
    Attack("at-exit", "acts when it is being ended", answered(RAISES_AT_EXIT)),
    Attack(
        "endless-cell",
        "never comes to an end in a cell",
        with_gradient("while True:\n    pass"),
        NO_GRADIENT,
        "took longer than",
    ),
    Attack(
        "deaf-cell",
        "ignores being asked to stop",
        with_gradient(DEAF_LOOP),
        NO_GRADIENT,
        "did not stop",
    ),
    Attack(
        "endless-answer",
        "never answers a question",
        with_gradient("def mse_gradient(prediction, target):\n    while True:\n        pass"),
        NO_GRADIENT,
        "took longer than",
    ),
    Attack(
        "catches-the-interrupt",
        "goes on when it is asked to stop",
        with_gradient(
            """
            def mse_gradient(prediction, target):
                while True:
                    try:
                        while True:
                            pass
                    except BaseException:
                        pass
            """
        ),
        NO_GRADIENT,
        "did not stop",
    ),
    Attack(
        "fork-bomb", "starts processes without end", answered(FORKS), says="was stopped", bomb=True
    ),
    Attack(
        "busy-sessions",
        "is busy in twenty sessions",
        answered(BUSY_SESSIONS),
        up_to=True,
        bomb=True,
    ),
    Attack("full-sockets", "fills sockets", answered(FULL_SOCKETS), up_to=True, bomb=True),
    Attack("sleepers", "starts forty processes", answered(SLEEPERS), up_to=True),
    Attack(
        "memory-bomb",
        "fills the memory",
        with_gradient("held = []\nwhile True:\n    held.append(bytes(50_000_000))"),
        NO_GRADIENT,
        "MemoryError",
        bomb=True,
    ),
    Attack(
        "shared-memory-bomb",
        "fills memory that limits of the system do not count",
        with_gradient(SHARED_MEMORY),
        NO_GRADIENT,
        "was stopped",
        bomb=True,
    ),
    Attack("disk-bomb", "fills every folder", answered(DISK), bomb=True),
    Attack(
        "endless-output",
        "prints without end",
        with_gradient("while True:\n    print('x' * 1000)"),
        NO_GRADIENT,
        "took longer than",
        bomb=True,
    ),
    Attack(
        "output-below-python",
        "writes to the standard output's descriptor",
        answered("import os\nfor _ in range(100): os.write(1, bytes(100_000))"),
    ),
    Attack("displays", "shows twenty thousand things", answered(DISPLAYS)),
    Attack(
        "pictures",
        "shows pictures in forty cells",
        flood_of_cells,
        up_to=True,
        bomb=True,
    ),
    Attack("long-text", "has texts that are slow to render", long_text),
    Attack(
        "slow-sentence",
        "has an error whose text is slow to search",
        answered(*["raise ValueError(' (<' * 33_000)"] * 20),
        says="ended with ValueError",
    ),
    Attack(
        "five-thousand-cells",
        "has five thousand cells",
        five_thousand_cells,
        0,
        "more than 1000 cells",
    ),
    Attack("nested", "is nested 200 000 deep", right, 0, "could not be used", file=nested),
    Attack(
        "asks-the-grader",
        "waits for somebody to type",
        with_gradient("number = input('n? ')\nraise ValueError(number)"),
        NO_GRADIENT,
        "input() is not available while grading",
    ),
    Attack("takes-its-limits", "leaves itself no room", answered(LIMITS), FULL, up_to=True),
    Attack(
        "deep-value", "answers with a deep list", with_gradient(DEEP_VALUE), NO_GRADIENT, "nested"
    ),
    Attack(
        "busy-threads",
        "leaves ten busy threads",
        unanswered(
            """
            import threading

            def spin():
                while True:
                    pass

            for _ in range(10):
                threading.Thread(target=spin, daemon=True).start()
            """
        ),
        0,
        "is not defined",
    ),
)
