"""The report as one page: tables, and pictures that are also told in words.

The file holds everything itself and loads nothing. It names students and is for the instructor
alone.
"""

from __future__ import annotations

import base64
import io
import statistics
from collections.abc import Iterable
from pathlib import Path

import matplotlib as mpl
from jinja2 import Environment, FileSystemLoader
from matplotlib.figure import Figure

from autograder.config import ASSIGNMENT
from autograder.errors import WrongUse
from autograder.export import points_text
from autograder.report import (
    ProblemStatistics,
    StudentScore,
    count_text,
    number,
    problem_statistics,
)

BINS = 10
WEAK = 0.2  # a discrimination below this is the usual reason to look at an item
INK = "#1f5fa8"

PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True
)


def as_page(scores: list[StudentScore], not_graded: Iterable[str] = ()) -> str:
    """The report as HTML, with sentences about what was not graded.

    Raises WrongUse when nobody has been graded.
    """
    if not scores:
        raise WrongUse("nobody has been graded yet, so there is nothing to report")
    problems = problem_statistics(scores)
    return PAGES.get_template("report_page.html.j2").render(
        assignment=ASSIGNMENT,
        summary=_summary(scores),
        isolation=_isolation(scores),
        not_graded=not_graded,
        totals_picture=_totals_picture(scores),
        totals_words=_totals_words(scores),
        items_picture=_items_picture(problems),
        items_words=_items_words(problems),
        problems=problems,
        mistakes=_mistakes(problems),
        scores=scores,
        weak=WEAK,
        share=lambda value: f"{value:.0%}",
        signed=_signed,
        number=number,
        points=points_text,
    )


def _summary(scores: list[StudentScore]) -> str:
    totals = [row.score for row in scores]
    return (
        f"{count_text(len(scores), 'student')}. Out of {points_text(_most(scores))} points the "
        f"mean is {statistics.fmean(totals):.1f} and the median {statistics.median(totals):.1f}; "
        f"the lowest total is {min(totals):.1f}, the highest {max(totals):.1f}."
    )


def _isolation(scores: list[StudentScore]) -> str:
    without = [row.student for row in scores if "none" in {p.isolation for p in row.problems}]
    if without:
        return f"Run without a sandbox, so that the scores are no proof: {', '.join(without)}."
    return "Students' code ran in the sandbox."


def _mistakes(problems: list[ProblemStatistics]) -> list[tuple[str, str, int]]:
    """The most frequent first."""
    found = [(p.item, name, count) for p in problems for name, count in p.misconceptions.items()]
    return sorted(found, key=lambda row: -row[2])


def _most(scores: list[StudentScore]) -> float:
    return max(row.out_of for row in scores)


def _signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+.2f}"


# ---------------------------------------------------------------------------- totals


def totals_in_bins(scores: list[StudentScore]) -> list[int]:
    """How many totals lie in each tenth of the points; a full score is in the last one."""
    most = _most(scores)
    counts = [0] * BINS
    for row in scores:
        place = int(BINS * row.score / most) if most else 0
        counts[min(max(place, 0), BINS - 1)] += 1
    return counts


def _totals_picture(scores: list[StudentScore]) -> str:
    figure, axes = _empty_picture("total", "students")
    width = _most(scores) / BINS
    places = [(place + 0.5) * width for place in range(BINS)]
    axes.bar(places, totals_in_bins(scores), width=0.95 * width, color=INK)
    axes.yaxis.get_major_locator().set_params(integer=True)
    return _as_address(figure)


def _totals_words(scores: list[StudentScore]) -> str:
    width = _most(scores) / BINS
    told = [
        f"{count} from {points_text(place * width)} to {points_text((place + 1) * width)}"
        for place, count in enumerate(totals_in_bins(scores))
        if count
    ]
    return f"Totals: {', '.join(told)} points."


# ---------------------------------------------------------------------------- items


def _items(problems: list[ProblemStatistics]) -> list[tuple[str, float, float]]:
    """Name, difficulty and discrimination of the parts that have one."""
    return [
        (f"{number(problem.item)} {part.item}", part.difficulty, part.discrimination)
        for problem in problems
        for part in problem.parts
        if part.discrimination is not None
    ]


def _items_picture(problems: list[ProblemStatistics]) -> str:
    figure, axes = _empty_picture("difficulty (mean share of points)", "discrimination")
    for name, *place in _items(problems):
        axes.plot(*place, "o", color=INK)
        axes.annotate(name.split()[0], place, (4, 4), textcoords="offset points")
    axes.axhline(WEAK, color="#888", linestyle="--", linewidth=1)
    axes.set_xlim(-0.03, 1.05)
    axes.set_ylim(-1.05, 1.05)
    return _as_address(figure)


def _items_words(problems: list[ProblemStatistics]) -> str:
    items = _items(problems)
    weak = [name for name, _, discrimination in items if discrimination < WEAK]
    return (
        f"{len(items)} parts, each with the number of its problem. "
        f"Below the line at {WEAK}: {', '.join(weak) or 'none'}."
    )


# ---------------------------------------------------------------------------- pictures


def _empty_picture(x: str, y: str):
    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _as_address(figure: Figure) -> str:
    """The picture as the address of an image; the same picture has the same address."""
    picture = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": ASSIGNMENT}):
        figure.savefig(picture, format="svg", metadata={"Date": None})
    return f"data:image/svg+xml;base64,{base64.b64encode(picture.getvalue()).decode()}"
