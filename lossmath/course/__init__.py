"""What a student uses inside a problem notebook: `check`, `hint`, `progress` and `budget`.

Nothing here knows a right answer. A problem's public data (`problems/NN.json`) holds its worked
examples, the laws its functions must obey, its hints, and the fingerprints of usual mistakes.
"""

from .kernel import budget
from .notebook import CheckFailed, check, hint, progress

__all__ = ["CheckFailed", "budget", "check", "hint", "progress"]
