"""The report as one page: tables, and pictures that are also told in words.

The file holds everything itself and loads nothing. It names students and is for the instructor
alone.
"""

from __future__ import annotations

import base64
import io
import statistics

import matplotlib as mpl
from jinja2 import Environment
from matplotlib.figure import Figure

from autograder.config import ASSIGNMENT
from autograder.export import points_text
from autograder.report import ProblemStatistics, StudentScore, problem_statistics

BINS = 10
WEAK = 0.2  # a discrimination below this is the usual reason to look at an item
INK = "#1f5fa8"

PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
      content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Report: {{ assignment }}</title>
<style>
:root { color-scheme: light; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto;
       padding: 0 1rem; color: #222; background: #fff; }
figure { margin: 1rem 0; }
img { max-width: 100%; height: auto; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { padding: .2rem .7rem; text-align: left; border-bottom: 1px solid #ddd; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
</style>
</head>
<body>
<h1>Report: {{ assignment }}</h1>
<p>{{ summary }}</p>

<h2>Totals</h2>
<figure><img src="{{ totals_picture }}" alt="Bars of totals, told in the caption">
<figcaption>{{ totals_words }}</figcaption></figure>

<h2>Problems and their parts</h2>
<p>Difficulty is the mean share of the points earned: 100% means that everybody got everything.
Discrimination is the correlation of an item's points with all other points of the same students.
Below {{ weak }} those who are good at the rest do hardly better here: look at the item's wording
and checks. Points that wait for a reader or were taken off for being late are left out.</p>
<figure><img src="{{ items_picture }}" alt="Dots of parts, told in the caption and the table">
<figcaption>{{ items_words }}</figcaption></figure>
<table>
<tr><th>problem</th><th>part</th><th class="number">difficulty</th>
    <th class="number">discrimination</th></tr>
{% for problem in problems %}
<tr><th scope="row">{{ problem.item }}</th><td></td>
    <td class="number">{{ share(problem.difficulty) }}</td>
    <td class="number">{{ signed(problem.discrimination) }}</td></tr>
{% for part in problem.parts %}
<tr><td></td><td>{{ part.item }}</td>
    <td class="number">{{ share(part.difficulty) }}</td>
    <td class="number">{{ signed(part.discrimination) }}</td></tr>
{% endfor %}
{% endfor %}
</table>

<h2>Usual mistakes</h2>
{% if mistakes %}
<table>
<tr><th>problem</th><th>mistake</th><th class="number">students</th></tr>
{% for problem, mistake, count in mistakes %}
<tr><td>{{ problem }}</td><td>{{ mistake }}</td>
    <td class="number">{{ count }} ({{ share(count / scores | length) }})</td></tr>
{% endfor %}
</table>
{% else %}
<p>None of the mistakes that the problems know was found.</p>
{% endif %}

<h2>Students</h2>
<table>
<tr><th>student</th>
{% for problem in problems %}<th class="number">{{ number(problem.item) }}</th>{% endfor %}
    <th class="number">total</th></tr>
{% for row in scores %}
<tr><th scope="row">{{ row.student }}</th>
{% for problem in row.problems %}<td class="number">{{ points(problem.score) }}
{%- if problem.waiting %}+{% endif %}</td>{% endfor %}
    <td class="number">{{ points(row.score) }}/{{ points(row.out_of) }}</td></tr>
{% endfor %}
</table>
<p>+ a written answer is waiting to be read</p>
</body>
</html>
"""


def as_page(scores: list[StudentScore]) -> str:
    """The report as HTML. Raises ValueError when nobody has been graded."""
    if not scores:
        raise ValueError("nobody has been graded yet, so there is nothing to report")
    problems = problem_statistics(scores)
    template = Environment(autoescape=True, trim_blocks=True).from_string(PAGE)
    return template.render(
        assignment=ASSIGNMENT,
        summary=_summary(scores),
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
        number=_number,
        points=points_text,
    )


def _summary(scores: list[StudentScore]) -> str:
    totals = [row.score for row in scores]
    return (
        f"{len(scores)} students. Out of {points_text(_most(scores))} points the mean is "
        f"{statistics.fmean(totals):.1f} and the median {statistics.median(totals):.1f}; "
        f"the lowest total is {min(totals):.1f}, the highest {max(totals):.1f}."
    )


def _mistakes(problems: list[ProblemStatistics]) -> list[tuple[str, str, int]]:
    """The most frequent first."""
    found = [(p.item, name, count) for p in problems for name, count in p.misconceptions.items()]
    return sorted(found, key=lambda row: -row[2])


def _most(scores: list[StudentScore]) -> float:
    return max(row.out_of for row in scores)


def _number(problem: str) -> str:
    return problem.partition("_")[0]


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
        (f"{_number(problem.item)} {part.item}", part.difficulty, part.discrimination)
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
