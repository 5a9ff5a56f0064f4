"""Attempts to read: hidden tests, solutions, the gradebook, other students, the machine."""

from tests.hostile.attack import FULL, Attack, answered, unanswered

# Returns what the caller compares the answer with.
CALLERS_EXPECTATION = """
import ast, sys

def expected():
    frame = sys._getframe(2)
    source = frame.f_globals.get("In", [""])[-1]
    wanted = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and len(node.args) > 1:
            name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            if name in ("isclose", "allclose", "assert_allclose"):
                wanted.append((node.args[0].lineno, node.args[1]))
    line = frame.f_lineno
    (answer,) = [value for start, value in wanted if start == line]
    space = frame.f_globals | frame.f_locals
    return eval(compile(ast.Expression(answer), "", "eval"), space)

def mse(prediction, target):
    if prediction.shape != target.shape:
        raise ValueError
    return expected()

def mse_gradient(prediction, target):
    return expected()

def top_share(prediction, target, k):
    return expected()
"""
GARBAGE = """
import gc, re, types

word = "canary-" + "7d1f93"
canary = re.compile(word + "-(home|source|other|tests|environment|x)")

def look():
    for found in gc.get_objects():
        if isinstance(found, (types.FunctionType, types.CodeType)):
            code = getattr(found, "__code__", found)
            if "reference" in code.co_names or "assert_allclose" in code.co_names:
                print("FOUND code", code.co_name, code.co_filename)
        if isinstance(found, (list, dict)) and canary.search(str(found)[:100_000]):
            print("FOUND", canary.search(str(found)).group())

def mse(prediction, target):
    look()
    return 0.0

mse_gradient = mse
look()
"""
MEMORY = """
import re

canary = ("canary-" + "7d1f93" + "-(home|source|other|tests|environment|x)").encode()

def scan(pid="self"):
    for line in open(f"/proc/{pid}/maps"):
        span, mode, *rest = line.split()
        if "r" in mode and "w" in mode:
            start, end = (int(part, 16) for part in span.split("-"))
            memory.seek(start)
            try:
                found = re.search(canary, memory.read(min(end - start, 1 << 26)))
            except (OSError, ValueError):
                continue
            if found:
                print("FOUND", found.group())

memory = open("/proc/self/mem", "rb", 0)
scan()
"""
POINTERS = """
import ctypes, re

canary = ("canary-" + "7d1f93" + "-(home|source|other|tests|environment|x)").encode()
for line in open("/proc/self/maps"):
    span, mode, *rest = line.split()
    if mode.startswith("rw"):
        start, end = (int(part, 16) for part in span.split("-"))
        block = ctypes.string_at(start, min(end - start, 1 << 24))
        found = re.search(canary, block)
        if found:
            print("FOUND", found.group())
"""
OTHERS_MEMORY = """
import ctypes, os

libc = ctypes.CDLL(None, use_errno=True)
for name in filter(str.isdigit, os.listdir("/proc")):
    if int(name) != os.getpid():
        print(name, "ptrace", libc.ptrace(16, int(name), 0, 0))
        for file in ("mem", "environ", "maps", "cwd", "root", "fd"):
            path = f"/proc/{name}/{file}"
            try:
                os.listdir(path) if file == "fd" else open(path, "rb").read(10)
                print("READ", path)
            except OSError as error:
                print(path, error)
parent = os.getppid()
for entry in os.listdir(f"/proc/{parent}/fd"):
    print("FOUND", os.readlink(f"/proc/{parent}/fd/{entry}"), "canary-" + "7d1f93")
"""
HISTORY = """
def mse(prediction, target):
    shell = get_ipython()
    for cell in [*shell.user_ns["In"], *shell.history_manager.input_hist_raw]:
        if "assert" in cell and "def mse" not in cell:
            print(cell)
    return 0.0

mse_gradient = mse
"""
# Runs the functions it finds in solutions or in somebody else's answers.
FOUND_SOLUTION = """
import glob, json, os

def run(path):
    text = open(path, errors="replace").read()
    if not path.endswith(".ipynb"):
        return exec(text, globals())
    for cell in json.loads(text)["cells"]:
        if cell["cell_type"] == "code" and "def " in "".join(cell["source"]):
            exec("".join(cell["source"]), globals())

here = os.getcwd()
places = [here, os.path.expanduser("~"), "/grader", "/packages", "/work", "/course", "/home"]
while here != "/":
    here = os.path.dirname(here)
    places.append(here)
for place in places:
    for pattern in PATTERNS:
        for path in glob.glob(os.path.join(place, pattern)):
            print("FOUND", path)
            run(path)
"""
SOLUTIONS = 'PATTERNS = ["source/*/*.ipynb", "solutions/*/problem.py", "*/problem.py"]'
NEIGHBOUR = 'PATTERNS = ["submitted/*honest*/*/*.ipynb", "staged/*honest*/*/*.ipynb"]'
# The interpreter has nothing of the instructor's, and reading it all may take a cell's whole time.
WALK = """
import os, sys

word = ("canary-" + "7d1f93").encode()
starts = [os.getcwd(), os.path.expanduser("~"), "/etc", "/run", "/var", "/mnt", "/opt", "/srv"]
here = os.getcwd()
for _ in range(4):
    here = os.path.dirname(here)
    starts.append(here)
looked = set()
for start in starts:
    for folder, folders, files in os.walk(start):
        if start == "/" and folder != "/":
            folders.clear()
        folders[:] = [name for name in folders if name not in ("proc", "sys", "usr", "packages")]
        if folder == sys.base_prefix:
            folders.clear()
            continue
        for name in files:
            path = os.path.join(folder, name)
            if path in looked or len(looked) > 20_000 or not WANTED(path):
                continue
            looked.add(path)
            try:
                content = open(path, "rb").read(5_000_000) if os.path.isfile(path) else b""
            except OSError:
                continue
            if word in content:
                at = content.index(word)
                print("FOUND", path, content[at : at + 40])
"""
ENVIRONMENT = """
import glob, os, subprocess

word = "canary-" + "7d1f93"
seen = [str(dict(os.environ))]
for path in glob.glob("/proc/*/environ") + glob.glob("/proc/*/cmdline"):
    try:
        seen.append(open(path, "rb").read().decode("utf-8", "replace"))
    except OSError:
        pass
for text in seen:
    if word in text:
        print("FOUND", text[text.index(word) :][:40])
"""
DESCRIPTORS = """
import os

word = ("canary-" + "7d1f93").encode()
for name in os.listdir("/proc/self/fd"):
    try:
        print(name, os.readlink(f"/proc/self/fd/{name}"))
        os.lseek(int(name), 0, 0)
        content = os.read(int(name), 10**6)
        print("FOUND" if word in content else "", content[:40])
    except OSError as error:
        print(error)
for number in range(3, 64):
    for path in (f"/proc/self/fd/{number}/../../source", f"/proc/1/fd/{number}"):
        if os.path.exists(path):
            print("READ", path)
"""
GRADER = """
import importlib, inspect

for name in ("autograder.bank", "autograder.judge", "autograder.checks", "lossmath.regression"):
    try:
        module = importlib.import_module(name)
        print("FOUND", name, inspect.getsource(module)[:200], "canary-" + "7d1f93")
    except ImportError as error:
        print(error)
try:
    from autograder import bank
    globals().update(bank.problems()[0].namespace())
except ImportError:
    from lossmath import SquaredError
    loss = SquaredError()
    mse, mse_gradient = loss, lambda p, t: loss.gradient(p, t) / p.size
"""
LEAKED_INPUTS = """
def mse(prediction, target):
    raise RuntimeError(f"{prediction.tolist()} {target.tolist()}")

mse_gradient = mse
"""


def walk(wanted: str) -> str:
    return f"WANTED = lambda path: {wanted}\n{WALK}"


ATTACKS = (
    Attack(
        "callers-expectation",
        "returns what its caller compares the answer with",
        unanswered(CALLERS_EXPECTATION),
        0,
        "mse raised",
    ),
    Attack("garbage", "looks through all objects for the answers", unanswered(GARBAGE), 0),
    Attack("own-memory", "looks through its memory", answered(MEMORY), FULL),
    Attack("own-pointers", "reads memory through ctypes", answered(POINTERS), FULL),
    Attack("others-memory", "traces and reads other processes", answered(OTHERS_MEMORY), FULL),
    Attack("history", "reads the tests from the history", unanswered(HISTORY), 0),
    Attack(
        "solutions",
        "looks for the solutions and runs them",
        unanswered(SOLUTIONS + FOUND_SOLUTION),
        0,
        "is not defined",
    ),
    Attack(
        "neighbour",
        "looks for another student's answers and runs them",
        unanswered(NEIGHBOUR + FOUND_SOLUTION),
        0,
        "is not defined",
    ),
    Attack("gradebook", "reads the gradebook", answered(walk("path.endswith('.db')"))),
    Attack("home", "reads the instructor's home", answered(walk("'ssh' in path or '/.' in path"))),
    Attack("secret", "reads the course's secret", answered(walk("'.' not in path[-12:]"))),
    Attack("others-work", "reads other submissions", answered(walk("'honest' in path"))),
    Attack("environment", "reads every environment", answered(ENVIRONMENT)),
    Attack("descriptors", "reads through open descriptors", answered(DESCRIPTORS)),
    Attack("grader", "imports the grader and its losses", unanswered(GRADER), 0, "ImportError"),
    Attack(
        "leaked-inputs",
        "shows the inputs in an error",
        unanswered(LEAKED_INPUTS),
        0,
        "raised RuntimeError",
    ),
)
