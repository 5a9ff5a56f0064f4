"""What grading costs, beside plain nbgrader and beside the least it could cost.

    python tests/autograder/bench.py                  a class of 20, writes what it found
    python tests/autograder/bench.py --students 4     a quick look, writes nothing

What is found is kept in bench.json; docs/grading-speed.md and the table of docs/scale.md are
written from it.

The same notebooks go three ways, each in a fresh process: through plain nbgrader, through
`python -m autograder grade`, and through one warm process that does nothing but run students'
code. Processor time is that of the whole process tree, taken from a control group of its own, so
that killed processes count too.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean
from typing import TypeVar

import nbformat
import scale

from autograder import audit, bank, grade, sample, wire, zygote
from autograder.config import ASSIGNMENT, CONFIG_FILE, Course
from autograder.execute import zygote as warm_interpreter
from autograder.gradebook import Writer
from autograder.judge import judge
from autograder.preflight import find_students
from autograder.release import release
from autograder.responder import reply_to_question, run_cell
from autograder.submission import grade_submission

T = TypeVar("T")

DOCS = Path(__file__).parent.parent.parent / "docs"
PLAIN = "c = get_config()\nc.CourseDirectory.root = {root!r}\n"
FORKS = 20
KEPT_IN = ("audit", "autograded", "feedback")  # what grading leaves behind, beside the gradebook

# ---------------------------------------------------------------------------- the class


def answer_of(number: int, problem: bank.Problem) -> sample.Answer:
    """What a class hands in: right in several styles, with a usual mistake, or nothing yet."""
    if number % 4 == 1:
        return sample.mistake(problem.mutants[number % len(problem.mutants)].name)
    if number % 4 == 2:
        return sample.style(number)
    return sample.untouched if number % 8 == 3 else sample.right


def write_class(folder: Path, problems: list[bank.Problem], solutions: Path, size: int) -> Course:
    folder.mkdir()
    config = CONFIG_FILE.replace(".parent)", f".parent, solutions=Path({str(solutions)!r}))")
    (folder / "nbgrader_config.py").write_text(config)
    course = Course.open(folder)
    release(folder, problems, course.config)
    audit.course_secret(folder)
    for problem in problems:
        path = course.layout.folder("release") / f"{problem.name}.ipynb"
        released = nbformat.read(path, as_version=4)
        for number in range(size):
            target = course.layout.folder("submitted", f"student-{number:02d}")
            target.mkdir(parents=True, exist_ok=True)
            notebook = answer_of(number, problem)(problem, copy.deepcopy(released))
            nbformat.write(notebook, target / path.name)
    return course


# ---------------------------------------------------------------------------- measuring


@contextmanager
def control_group() -> Iterator[Path]:
    """A group whose processor time is counted. Raises PermissionError, FileNotFoundError."""
    mounts = (line.split() for line in Path("/proc/self/mounts").read_text().splitlines())
    root = next(Path(mount[1]) for mount in mounts if mount[2] == "cgroup2")
    group = root / f"bench-{os.getpid()}"
    group.mkdir()
    try:
        yield group
    finally:
        while (group / "cgroup.procs").read_text():  # what was killed takes a moment to go
            time.sleep(0.05)
        group.rmdir()


def measured(command: list[str], folder: Path) -> tuple[float, float, str]:
    """Seconds of wall clock and of processor time a command takes, and what it prints."""
    with control_group() as group:
        started = time.perf_counter()
        done = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            preexec_fn=lambda: print(os.getpid(), file=(group / "cgroup.procs").open("w")),
        )
        wall = time.perf_counter() - started
        usage = (group / "cpu.stat").read_text().split()
        if done.returncode != 0:
            raise RuntimeError(f"{command}: {done.stderr[-2000:]}")
    return wall, int(usage[usage.index("usage_usec") + 1]) / 1e6, done.stdout


def fresh(course: Course, folder: Path) -> Path:
    """A copy of the class that nobody has graded."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(course.folder, folder)
    return folder


def unconfigured(course: Course, folder: Path) -> Path:
    """The same class under nbgrader as it comes; graded cells run the checks students can see."""
    fresh(course, folder)
    (folder / "nbgrader_config.py").write_text(PLAIN.format(root=str(folder)))
    return folder


# ---------------------------------------------------------------------------- in a process


def floor(course: Course) -> dict[str, float]:
    """Processor seconds of students' code alone, in one warm process without any wall.

    `shown`: every code cell once, the checks students see included: what plain nbgrader runs.
    `asked`: the cells without checks, and the students' answers to the judge's questions.
    """
    shell = zygote.warm_up()
    found = {"shown": 0.0, "asked": 0.0}

    def timed(kind: str, work: Callable[[], T]) -> T:
        started = time.process_time()
        try:
            return work()
        finally:
            found[kind] += time.process_time() - started

    settings = grade.settings_of(course)
    for path in sorted(course.folder.glob(f"submitted/*/{ASSIGNMENT}/*.ipynb")):
        problem = bank.load(settings.solutions / path.stem)
        for kind in found:
            shell.reset(new_session=True)
            for cell in nbformat.read(path, as_version=4).cells:
                is_check = cell.metadata.get("nbgrader", {}).get("grade", False)
                if cell.cell_type == "code" and (kind == "shown" or not is_check):
                    timed(kind, lambda cell=cell: run_cell(shell, cell.source))

        def ask(function: str, *arguments: object) -> wire.Answer:
            question = wire.Question(0, function, arguments, {})
            payload = wire.encode_question(question)
            reply = timed("asked", lambda: reply_to_question(shell.user_ns, payload))
            return wire.decode_answer(reply, question)

        judge(problem, ask, b"seed")
    return found


def steps(course: Course) -> dict[str, object]:
    """What one submission costs a worker and the writer, and a fork its isolation, in seconds."""
    settings = grade.settings_of(course)
    students, _ = find_students(course.layout)
    warm = warm_interpreter(settings.isolation)
    warm.kernel().close()
    started = time.perf_counter()
    for _ in range(FORKS):
        warm.kernel().close()
    fork = (time.perf_counter() - started) / FORKS
    work, trusted, write = [], [], []
    with Writer(course, grade._log(course)) as writer:
        for student in students:
            clock, own = time.perf_counter(), time.process_time()
            graded = grade_submission(student, course.folder, settings)
            work.append(time.perf_counter() - clock)
            trusted.append(time.process_time() - own)
            clock = time.perf_counter()
            writer.record(graded)
            write.append(time.perf_counter() - clock)
    pages = []
    for student in students:
        clock = time.perf_counter()
        grade.write_feedback(course, student)
        pages.append(time.perf_counter() - clock)
    return {
        "fork": fork,
        "work": work,
        "trusted": fmean(trusted),
        "write": fmean(write),
        "feedback": pages,
        "bytes": fmean(size_of(course, student) for student in students),
    }


def size_of(course: Course, student: str) -> int:
    """Bytes that grading keeps of one submission."""
    found = [path for kind in KEPT_IN for path in course.folder.glob(f"{kind}/**/{student}/**/*")]
    return sum(path.stat().st_size for path in found if path.is_file())


# ---------------------------------------------------------------------------- the report


def speed_page(results: dict) -> str:
    """docs/grading-speed.md."""
    size, notebooks = results["students"], results["notebooks"]
    plain, ours, shown, asked = (results[name] for name in ("plain", "ours", "shown", "asked"))
    steps = results["steps"]
    rows = [
        ("plain `nbgrader autograde`", f"{plain['wall']:.2f}", plain["cpu"]),
        (f"`grade --workers {results['workers']}`", f"{ours['wall']:.2f}", ours["cpu"]),
        ("students' code alone, with the checks they see", "", shown),
        ("students' code alone, with the judge's questions", "", asked),
    ]
    table = "\n".join(f"| {name} | {wall} | {cpu:.2f} |" for name, wall, cpu in rows)
    return f"""# What grading costs

Seconds for one submission of {notebooks} notebooks, in a class of {size}, start-up of every program
included. Sandbox on; {results["cores"]} cores.

| | wall clock | processor |
|---|---|---|
{table}

Against plain nbgrader: {plain["wall"] / ours["wall"]:.0f} times less wall clock and
{plain["cpu"] / ours["cpu"]:.0f} times less processor time. Against students' code alone:
{ours["cpu"] / shown:.1f} times what the cells cost with the checks that students see, and
{ours["cpu"] / asked:.1f} times what the cells cost with the judge's questions.

## Where the rest goes

* Every notebook has a process of its own, forked from a warm interpreter and walled off before a
  student's line runs: {1e3 * steps["fork"]:.0f} ms for each notebook,
  {notebooks * steps["fork"]:.2f} s for a submission. This is what keeps it from being free. It is
  forked twice, so that no student's process is the first one of its namespace, which hears fewer
  signals. What is warm lies in pages of 2 MB: a fork copies an entry for each page.
* Every question travels between two processes and is answered three times: once to warm up, twice
  to be compared.
* The judge's side of the questions, the clean copy and the graded notebooks:
  {steps["trusted"]:.2f} s of processor time for a submission.
* nbgrader's gradebook: {1e3 * steps["write"]:.0f} ms for a submission, in one transaction.
* Once for a run: importing nbgrader, and a warm interpreter for each worker. The smaller a class,
  the more of it falls on each submission.

## How it was measured

`make bench-grade` writes this page. The class is made of the released notebooks: half of it right,
in several styles, a quarter with one usual mistake in each problem, the rest partly untouched. The
same notebooks go through all four. Plain nbgrader runs them as it comes, with nothing of ours
configured: its graded cells run the checks that students see. The last two rows run cells in one
warm process, without walls, judge or gradebook; there is nothing below them. Processor time is that
of the whole process tree, counted by the Linux kernel in a control group of its own.
"""


# ---------------------------------------------------------------------------- the program


def compared(course: Course, options: argparse.Namespace, folder: Path) -> dict:
    """Every way of grading; what it takes for one submission."""
    here = folder / "run"
    plain = [str(Path(sys.executable).parent / "nbgrader"), "autograde", ASSIGNMENT]
    ours = [sys.executable, "-m", "autograder", "grade", "--workers", str(options.workers)]

    def of_one(command: list[str], course_folder: Path) -> dict[str, float]:
        wall, cpu, _ = measured(command, course_folder)
        return {"wall": wall / options.students, "cpu": cpu / options.students}

    def inside(part: str) -> dict:
        me = [sys.executable, __file__, "--only", part, str(fresh(course, here))]
        return json.loads(measured(me, here)[2])

    return {
        "plain": of_one(plain, unconfigured(course, here)),
        "ours": of_one(ours, fresh(course, here)),
        **{kind: seconds / options.students for kind, seconds in inside("floor").items()},
        "steps": inside("steps"),
        "workers": options.workers,
        "students": options.students,
        "cores": os.cpu_count(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--students", type=int, default=0, help="size of the class; writes nothing")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--solutions", type=Path, default=bank.SOLUTIONS)
    parser.add_argument("--only", nargs=2, metavar=("WHAT", "COURSE"), help="one part, as JSON")
    options = parser.parse_args()
    if options.only:
        what, course = options.only
        print(json.dumps({"floor": floor, "steps": steps}[what](Course.open(Path(course)))))
        return
    writing = not options.students
    options.students = options.students or 20
    problems = bank.problems(options.solutions)
    with tempfile.TemporaryDirectory() as folder:
        course = write_class(Path(folder) / "class", problems, options.solutions, options.students)
        results = compared(course, options, Path(folder))
    results["notebooks"] = len(problems)
    if not writing:
        print(speed_page(results), scale.report(results), sep="\n")
        return
    scale.RECORD.write_text(json.dumps(results, indent=1) + "\n")
    (DOCS / "grading-speed.md").write_text(speed_page(results))
    scale.PAGE.write_text(scale.with_report(scale.PAGE.read_text(), results))


if __name__ == "__main__":
    main()
