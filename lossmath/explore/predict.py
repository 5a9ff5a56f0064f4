"""Predict first: a question the reader commits to before the picture is shown."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Predict:
    """A question with one right answer: one of `choices`, or a number within `within` of it.

    Compute the answer from the loss; `because` is shown with the verdict either way.
    """

    question: str
    answer: str | float
    because: str
    choices: Sequence[str] = ()
    within: float = 0.0

    def __post_init__(self) -> None:
        if self.choices and self.answer not in self.choices:
            raise ValueError(
                f"Predict: answer={self.answer!r} must be one of choices={list(self.choices)}"
            )
        if not self.choices and not isinstance(self.answer, int | float):
            raise ValueError(f"Predict: answer={self.answer!r} must be a number without choices")

    @property
    def words(self) -> str:
        """The question and what there is to choose from, without the answer."""
        choices = f" ({' / '.join(self.choices)})" if self.choices else ""
        return f"Predict first: {self.question}{choices}"

    def spec(self) -> dict[str, Any]:
        return asdict(self)
