"""What a late submission loses, through nbgrader's own hook for it."""

from __future__ import annotations

import math

from nbgrader.plugins import BasePlugin
from traitlets import Float

from autograder.bank import POINTS

DAY = 24 * 60 * 60


class DailyPenalty(BasePlugin):
    """For each day begun, a share of the points of every problem.

    nbgrader takes no more than the problem has earned, and nothing without a due date.
    """

    per_day = Float(0.1, min=0, max=1, help="Share lost for each day begun.").tag(config=True)
    at_most = Float(0.5, min=0, max=1, help="Share lost in the end.").tag(config=True)

    def late_submission_penalty(
        self, student_id: str, score: float, total_seconds_late: float
    ) -> float:
        """Points that one notebook loses."""
        days = math.ceil(total_seconds_late / DAY)
        return POINTS * min(days * self.per_day, self.at_most)
