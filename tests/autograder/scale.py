"""How long a large class takes, from what tests/autograder/bench.py measured: docs/scale.md.

python tests/autograder/scale.py    writes the table of the page again
"""

from __future__ import annotations

import heapq
import json
from pathlib import Path
from statistics import fmean

PAGE = Path(__file__).parents[2] / "docs" / "scale.md"
RECORD = Path(__file__).with_name("bench.json")
BEGIN, END = "<!-- measured -->", "<!-- end of measured -->"
CLASS = 10_000
WORKERS = (2, 8, 32, 128)


def schedule(
    work: list[float], write: float, workers: int, size: int, lost_every: int = 0
) -> tuple[float, float]:
    """Seconds until a class of `size` is in the gradebook, and how busy the one writer was.

    Each submission takes one of the measured times `work` on whichever worker is free first; the
    writer takes `write` seconds for each, in the order they are finished. Of `lost_every`
    submissions one loses its worker at the very end and is done once more.
    """
    free = [0.0] * workers
    finished = []
    for number in range(size):
        end = heapq.heappop(free) + work[number % len(work)]
        if lost_every and number % lost_every == 0:
            end += work[number % len(work)]
        heapq.heappush(free, end)
        finished.append(end)
    clock = 0.0
    for end in sorted(finished):
        clock = max(clock, end) + write
    return clock, size * write / clock


def report(record: dict) -> str:
    """Markdown: the measured costs, and what they come to in a large class."""
    steps = record["steps"]
    work, write, pages = steps["work"], steps["write"], fmean(steps["feedback"])
    rows = []
    for workers in WORKERS:
        seconds, busy = schedule(work, write, workers, CLASS)
        worse, _ = schedule(work, write, workers, CLASS, lost_every=10)
        rows.append(
            f"| {workers} | {_duration(seconds)} | {100 * busy:.0f} % | {_duration(worse)} |"
        )
    table = "\n".join(rows)
    return f"""\
Measured on {record["cores"]} cores, for submissions of {record["notebooks"]} notebooks:

* a submission keeps a worker busy for {fmean(work):.2f} s (from {min(work):.2f} to \
{max(work):.2f} s), and the writer for {1e3 * write:.0f} ms;
* its feedback pages are nbgrader's work and take {pages:.2f} s, for all {CLASS:,} in one process \
{_duration(CLASS * pages)};
* its record, graded notebooks and pages take {steps["bytes"] / 1e6:.1f} MB, for all {CLASS:,} \
{CLASS * steps["bytes"] / 1e9:.0f} GB.

A schedule in which each submission goes to the first free worker:

| workers | until all {CLASS:,} are in the gradebook | writer busy \
| when one submission in ten loses its worker |
|--:|--:|--:|--:|
{table}"""


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds < 7_200 else f"{seconds / 3_600:.1f} h"


def with_report(page: str, record: dict) -> str:
    head, _, rest = page.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{report(record)}\n{END}{tail}"


if __name__ == "__main__":
    PAGE.write_text(with_report(PAGE.read_text(), json.loads(RECORD.read_text())))
