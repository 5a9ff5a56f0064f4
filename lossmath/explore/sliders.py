"""Sliders: the numbers a reader may turn, and the stops each one offers."""

import unicodedata
from dataclasses import dataclass

import numpy as np

STOPS = 201


@dataclass(frozen=True)
class Slider:
    """One number with its range, taken from a loss's record or stated for the picture alone."""

    name: str
    low: float
    high: float
    default: float
    scale: str = "linear"
    symbol: str = ""
    unit: str = ""
    meaning: str = ""
    whole: bool = False

    def __post_init__(self) -> None:
        if self.scale not in ("linear", "log", "log2"):
            raise ValueError(
                f"Slider {self.name}: scale={self.scale!r} must be 'linear', 'log' or 'log2'"
            )
        if self.scale != "linear" and self.low <= 0:
            raise ValueError(f"Slider {self.name}: low={self.low} must be above 0 on a log scale")
        if not self.low < self.high:
            raise ValueError(f"Slider {self.name}: low={self.low} must lie below high={self.high}")
        if not self.low <= self.default <= self.high:
            raise ValueError(
                f"Slider {self.name}: default={self.default} must lie in [{self.low}, {self.high}]"
            )

    def spread(self, count: int) -> np.ndarray:
        """About `count` values from low to high, even on the scale, the default among them."""
        if self.whole:
            count = min(count, round(self.high - self.low) + 1)
        even = np.linspace if self.scale == "linear" else np.geomspace
        values = even(self.low, self.high, count)
        if self.whole:
            values = np.round(values)
        return np.unique([*values, self.default])

    def stops(self) -> np.ndarray:
        """The values the handle can rest on: rounded so that they read well, never out of range."""
        span = self.high - self.low
        values = self.spread(STOPS)
        if self.scale == "linear":
            rounded = np.round(values, 3 - int(np.floor(np.log10(span))))
        else:
            rounded = np.array([float(f"{value:.3g}") for value in values])
        rounded[[0, -1]] = self.low, self.high
        return np.unique([*np.clip(rounded, self.low, self.high), self.default])

    @property
    def sign(self) -> str:
        """The symbol as a plain character where it has one: δ for \\delta."""
        letter = self.symbol.lstrip("\\").removeprefix("var")
        named = "lamda" if letter == "lambda" else letter  # Unicode's spelling
        try:
            return unicodedata.lookup(f"GREEK SMALL LETTER {named}")
        except KeyError:
            return letter or self.name
