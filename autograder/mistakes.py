"""The page of mistakes: every wrong solution, what it says to a student and what it costs.

    python -m autograder.mistakes

Writes docs/mistakes.md. The tests of the problems judge the same solutions and compare.
"""

from __future__ import annotations

from pathlib import Path

from autograder import bank
from autograder.bank import Alternative, Problem
from autograder.judge import PartScore, judge
from autograder.kernel import LocalAsk

PAGE = Path(__file__).parent.parent / "docs" / "mistakes.md"
SEED = b"seed of the page"  # inputs are drawn; those of another student may cost a little else
TEXT = """\
# Mistakes, and what they cost

The wrong solutions that come with each problem, as people write them. Each is judged like a
student's; the columns say how many points it loses in which part. A student who makes one reads its
sentence. The code stands in the problem's `mutants.py`. Built by `make notebooks`.

{problems}
"""


def main() -> None:
    problems = "\n\n".join(map(section, bank.problems()))
    PAGE.write_text(TEXT.format(problems=problems), encoding="utf-8")


def section(problem: Problem) -> str:
    """One problem's table."""
    judged = [part for part in problem.parts if not part.written]
    heading = " | ".join(f"{part.name} ({part.points:g})" for part in judged)
    rows = [
        row(mutant, judge(problem, LocalAsk(problem.namespace(mutant)), SEED))
        for mutant in problem.mutants
    ]
    return "\n".join(
        [
            f"## [{problem.name}](../solutions/{problem.name}/mutants.py)\n",
            f"| mistake | what a student reads | {heading} |",
            f"|---|---|{'--:|' * len(judged)}",
            *rows,
        ]
    )


def row(mutant: Alternative, scores: dict[str, PartScore]) -> str:
    """One mistake: its name, its sentence, and the points it loses in each part."""
    lost = (score.out_of - score.earned for score in scores.values())
    cells = [mutant.name, mutant.says, *(f"−{points:g}" if points else "" for points in lost)]
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


if __name__ == "__main__":
    main()
