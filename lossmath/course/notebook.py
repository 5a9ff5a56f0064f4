"""`check`, `hint` and `progress`: what a student calls in a problem notebook."""

import io
import json
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from .laws import Counterexample
from .published import OneLine, Published, PublishedPart, Unknown, all_numbers, published
from .student import NotWritten, Student

PROGRESS = Path(".progress.json")  # beside the notebooks, so that all of them share it

_hints_given: dict[str, int] = {}


class CheckFailed(OneLine):
    """Some public checks fail; the report above says why."""


def check(number: str, part: str | None = None) -> None:
    """Run the public checks of one part of a problem, or of all its parts, and report each.

    The functions are taken from the notebook that calls. The grade comes from further checks on
    inputs you have not seen; these are the ones you can see.

    Raises CheckFailed when a check fails, Unknown for a problem or part that does not exist.
    """
    problem = published(number)
    student = Student(sys._getframe(1).f_globals)
    names = [p.name for p in problem.parts if p.laws]
    if part not in (None, *names):
        raise Unknown(f"problem {number} has no part {part!r}; parts: {', '.join(names)}")
    outcomes = {
        p.name: _report(problem, p, student)
        for p in problem.parts
        if p.laws and part in (None, p.name)
    }
    failed = [f"{name} ({why})" for name, why in outcomes.items() if why]
    if failed:
        raise CheckFailed(f"problem {number}, look again at {', '.join(failed)}")


def hint(number: str, step: int | None = None) -> None:
    """Print the next of a problem's three hints, or the one asked for (1, 2 or 3).

    Raises Unknown for a problem or hint that does not exist.
    """
    hints = published(number).hints
    if step not in (None, *range(1, len(hints) + 1)):
        raise Unknown(f"hint: step={step!r} must be 1, 2 or {len(hints)}")
    step = step or min(_hints_given.get(number, 0) + 1, len(hints))
    _hints_given[number] = max(step, _hints_given.get(number, 0))
    print(f"Hint {step} of {len(hints)}: {hints[step - 1]}")


def progress() -> None:
    """Print which parts of which problems pass their public checks, as last checked here."""
    done = _read_progress()
    print("Public checks passed, as last run in this folder:")
    for number in all_numbers():
        problem = published(number)
        print(f"  {number} {problem.title}")
        for part in problem.parts:
            if part.laws:
                state = done.get(number, {}).get(part.name, "not checked yet")
                print(f"      {part.name:<14}{_points(part.points):>10}   {state}")
            else:
                print(f"      {part.name:<14}{_points(part.points):>10}   read by a person")


def _report(problem: Published, part: PublishedPart, student: Student) -> str:
    """Print every check of a part; returns in a few words what fails, nothing if all pass."""
    print(f"Problem {problem.number}, {part.name} ({_points(part.points)})")
    printed = io.StringIO()
    try:
        with redirect_stdout(printed):  # a `print` left in a function runs hundreds of times
            found = counterexamples(problem, part, student)
    except NotWritten as error:
        print(f"  {error}")
        _write_progress(problem.number, part.name, "not written yet")
        return "not written yet"
    told: set[tuple[str, ...]] = set()  # one cause may break several laws
    for says, counterexample in found:
        print(f"  {'FAIL' if counterexample else 'pass'}  {says}")
        if counterexample:
            lines = ("as above",) if counterexample.lines in told else counterexample.lines
            told.add(counterexample.lines)
            print(*(f"        {line}" for line in lines), sep="\n")
    if printed.getvalue():
        print("  What your functions print is left out here. A call of your own shows it.")
    pictured = next((c for _, c in found if c and c.curves), None)
    if pictured:
        _draw(pictured)
    fail = sum(counterexample is not None for _, counterexample in found)
    _write_progress(problem.number, part.name, f"{len(found) - fail} of {len(found)} pass")
    return f"{fail} of {len(found)} checks fail" if fail else ""


def counterexamples(
    problem: Published, part: PublishedPart, student: Student
) -> list[tuple[str, Counterexample | None]]:
    """Each check of the part with what breaks it. Raises NotWritten for a missing function."""
    functions = list(dict.fromkeys(law.function for law in part.laws))
    for function in functions:
        _must_be_written(student, function, problem.inputs[function][0])
    found = [
        (law.says, law.counterexample(student, problem.inputs[law.function])) for law in part.laws
    ]
    mistake = _mistake(problem, part, student)
    says = "Your answers are those of a usual mistake:" if mistake else "No usual mistake is seen."
    return [*found, (says, mistake)]


def _must_be_written(student: Student, function: str, arguments: tuple) -> None:
    try:
        student.answer(function, arguments)
    except NotWritten:
        raise
    except Exception:
        return  # written, if not well: the checks say what is wrong


def _mistake(problem: Published, part: PublishedPart, student: Student) -> Counterexample | None:
    """The usual mistake that answers every public input just as the student's functions do."""
    mine = {
        function: problem.fingerprint_of(student, function)
        for function in {law.function for law in part.laws}
    }
    for misconception in problem.misconceptions:
        theirs = misconception.fingerprints
        changed = mine.keys() & theirs.keys()
        if changed and all(mine[function] == theirs[function] for function in changed):
            return Counterexample((misconception.says,))
    return None


def _draw(counterexample: Counterexample) -> None:
    """Show both curves of a counterexample, where there is a notebook to show them in."""
    from IPython import get_ipython

    if get_ipython() is None:
        return
    import matplotlib.pyplot as plt
    from IPython.display import display

    figure, axes = plt.subplots(figsize=(5, 3), layout="constrained")
    styles: list[dict[str, Any]] = [{"linestyle": "-"}, {"linestyle": "--"}]
    for (label, (x, y)), style in zip(counterexample.curves.items(), styles, strict=False):
        axes.plot(x, y, label=label, **style)
    axes.set(xlabel=counterexample.along, title=counterexample.demand)
    axes.legend()
    display(figure)
    plt.close(figure)


def _points(points: float) -> str:
    return f"{points:g} point" + ("" if points == 1 else "s")


def _read_progress() -> dict[str, dict[str, str]]:
    try:
        return json.loads(PROGRESS.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _write_progress(number: str, part: str, state: str) -> None:
    done = _read_progress()
    done.setdefault(number, {})[part] = state
    try:
        PROGRESS.write_text(json.dumps(done, indent=1), encoding="utf-8")
    except OSError:
        return  # a folder that cannot be written to keeps no progress
