"""Grades a course, and is killed without warning before its n-th change to a file or the gradebook.

Arguments: the course folder and n. Prints how many changes there were when it lived to the end.
"""

import os
import signal
import sys
from pathlib import Path

from sqlalchemy import event
from sqlalchemy.engine import Engine

from autograder.config import Course
from autograder.grade import grade

FILES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.chmod"}
WRITING = os.O_WRONLY | os.O_RDWR

folder, last = Path(sys.argv[1]), int(sys.argv[2])
changes = 0


def change(*details):
    global changes
    changes += 1
    if changes == last:
        os.kill(os.getpid(), signal.SIGKILL)


def look(name, arguments):
    if name in FILES or (name == "open" and (arguments[2] or 0) & WRITING):
        change()


course = Course.open(folder)
event.listen(Engine, "before_cursor_execute", change)
event.listen(Engine, "commit", change)
sys.addaudithook(look)
outcome = grade(course)
assert not outcome.failed, outcome
print(changes)
