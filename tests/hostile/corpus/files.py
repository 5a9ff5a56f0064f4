"""Submissions whose trouble is in the files."""

import json
import os

from autograder import sample
from tests.hostile.attack import FIRST, FULL, Attack, right, unanswered, untouched

KERNEL = """
import sys

sys.path.pop(0)
from IPython.core.interactiveshell import InteractiveShell

async def skip(self, *arguments, **options):
    return False

InteractiveShell.run_code = skip
from ipykernel import kernelapp

kernelapp.launch_new_instance()
"""
USES_LINK = """
import json

for cell in json.load(open("data.txt"))["cells"]:
    if cell["cell_type"] == "code" and "def " in "".join(cell["source"]):
        exec("".join(cell["source"]))
"""


def rewritten(change):
    """A file whose bytes are changed."""
    return lambda path: path.write_bytes(change(path.read_bytes()))


def format_3(path):
    """As notebooks were kept before format 4."""
    data = json.loads(path.read_text())
    for cell in data["cells"]:
        if cell["cell_type"] == "code":
            cell["input"] = cell.pop("source")
            cell["language"] = "python"
            cell["prompt_number"] = cell.pop("execution_count", None)
    old = {"metadata": {"name": ""}, "nbformat": 3, "nbformat_minor": 0}
    path.write_text(json.dumps(old | {"worksheets": [{"cells": data["cells"], "metadata": {}}]}))


def large(path):
    with path.open("r+b") as file:
        file.truncate(100_000_000)


def renamed(path):
    path.rename(path.with_name("exercise one (final).ipynb"))


def pipe(path):
    path.unlink()
    os.mkfifo(path)


def folder(path):
    path.unlink()
    path.mkdir()


def hard_link(path):
    """A second name for the instructor's solution."""
    path.unlink()
    os.link(path.parents[3] / "source" / "losses" / path.name, path)


def linked_folder(path):
    """The whole submission is a link to somebody else's."""
    folder = path.parent
    path.unlink()
    folder.rmdir()
    folder.symlink_to("../aa-honest/losses")


def shadowing(path):
    """Files that would be imported in place of the real ones."""
    for name in ("numpy.py", "lossmath.py", "sitecustomize.py", "IPython.py", "json.py"):
        (path.parent / name).write_text("raise SystemExit('shadowed')")
    (path.parent / "ipykernel_launcher.py").write_text(KERNEL)


def linked_data(path):
    (path.parent / "data.txt").symlink_to(f"../../../source/./losses/{FIRST}.ipynb")


def stamped(text):
    return lambda path: (path.parent / "timestamp.txt").write_text(text)


def odd_names(path):
    for name in ("a\nb.ipynb", "\x1b[2J\x1b[31mred.txt", "<img src=x onerror=alert(1)>", "x" * 200):
        (path.parent / name).write_text("")
    for number in range(1_500):
        (path.parent / f"{number}.dat").touch()


def too_long_number(content):
    return content.replace(b'"nbformat_minor": 5', b'"nbformat_minor": ' + b"9" * 10_000)


def constants(content):
    return content.replace(b'"nbformat": 4', b'"x": [NaN, -Infinity, 1e999], "nbformat": 4')


ATTACKS = (
    Attack("cut-short", "is cut short", right, 0, "its text is not JSON", sample.cut_short),
    Attack("empty-file", "is an empty file", right, 0, "not JSON", rewritten(lambda b: b"")),
    Attack("a-list", "is JSON, but a list", right, 0, "not a notebook", rewritten(lambda b: b"[]")),
    Attack("binary", "is a picture", right, 0, "not JSON", rewritten(lambda b: b"\x89PNG" + b)),
    Attack(
        "latin-1",
        "is not UTF-8",
        right,
        FULL,
        "not plain UTF-8",
        rewritten(lambda b: b.replace(b'"metadata"', b'"name": "Andr\xe9", "metadata"', 1)),
    ),
    Attack(
        "utf-16",
        "is UTF-16",
        right,
        FULL,
        "not plain UTF-8",
        rewritten(lambda b: b.decode().encode("utf-16")),
    ),
    Attack(
        "byte-order-mark",
        "begins with a mark",
        right,
        FULL,
        "",
        rewritten(lambda b: b"\xef\xbb\xbf" + b),
    ),
    Attack(
        "lone-surrogate",
        "has half a character",
        right,
        FULL,
        "",
        rewritten(lambda b: b.replace(b"# 01", b"# \\ud800", 1)),
    ),
    Attack("format-3", "is in the format of 2011", right, FULL, "old notebook format", format_3),
    Attack("100-mb", "is 100 MB large", right, 0, "larger than 20 MB", large),
    Attack(
        "long-number", "has a number of 10 000 digits", right, 0, "JSON", rewritten(too_long_number)
    ),
    Attack("constants", "has NaN and Infinity", right, FULL, "", rewritten(constants)),
    Attack("renamed", "has another name", right, 0, "not a notebook of this assignment", renamed),
    Attack("absent", "is not there", right, 0, "was not handed in", os.unlink),
    Attack("linked", "is a link to the solution", right, 0, "is a link", sample.link_to_solution),
    Attack("hard-linked", "is the solution by another name", right, 0, "is a link", hard_link),
    Attack("linked-folder", "is a link to another submission", right, 0, "a link", linked_folder),
    Attack("pipe", "is a pipe", right, 0, "not an ordinary file", pipe),
    Attack("folder", "is a folder", right, 0, "is a folder", folder),
    Attack("shadowing", "brings files that replace programs", untouched, 0, "not used", shadowing),
    Attack(
        "linked-data",
        "brings a link to the solution and runs it",
        unanswered(USES_LINK),
        0,
        "FileNotFoundError",
        linked_data,
    ),
    Attack("stamped", "has a time that is none", right, FULL, "not a time", stamped("yesterday")),
    Attack(
        "out-of-time",
        "was sent before the year 1",
        right,
        FULL,
        "not a time",
        stamped("0001-01-01 00:00:00 +2300"),
    ),
    Attack("odd-names", "brings files with odd names", right, FULL, "not used", odd_names),
)
