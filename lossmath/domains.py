"""Sets of allowed numbers, for parameters and for arguments.

A domain is anything with the four members of `Domain`; a family may bring its own.
"""

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from array_api_compat import array_namespace


class Domain(Protocol):
    """What a domain answers; `str(domain)` is how an error message writes it."""

    @property
    def filler(self) -> float:
        """A harmless number that stands in for whatever a mask hides."""

    def excludes(self, x: Any) -> Any:
        """Whether a value, or each number of an array, lies outside. NaN does not."""

    def sample(
        self, rng: np.random.Generator, shape: tuple[int, ...], spread: float = 1
    ) -> np.ndarray:
        """Random members; a larger spread reaches further out."""

    def room(self, x: np.ndarray) -> np.ndarray:
        """How far each number may move without leaving the domain, at most 1."""


@dataclass(frozen=True)
class Interval:
    """The real numbers between two bounds, written as in `Interval(above=0, at_most=1)`."""

    above: float = -math.inf
    at_least: float = -math.inf
    below: float = math.inf
    at_most: float = math.inf
    excluding: float | None = None

    @property
    def low(self) -> float:
        return max(self.above, self.at_least)

    @property
    def high(self) -> float:
        return min(self.below, self.at_most)

    @property
    def filler(self) -> float:
        # Inside rather than at an end, where a derivative may be infinite.
        return next(x for x in (0.5, 0.0, 1.0, self.low + 1, self.high - 1) if not self.excludes(x))

    def excludes(self, x: Any) -> Any:
        outside = (x < self.at_least) | (x > self.at_most)
        if self.above > -math.inf:
            outside = outside | (x <= self.above)
        if self.below < math.inf:
            outside = outside | (x >= self.below)
        return outside if self.excluding is None else outside | (x == self.excluding)

    def sample(
        self, rng: np.random.Generator, shape: tuple[int, ...], spread: float = 1
    ) -> np.ndarray:
        noise = spread * rng.standard_normal(shape)
        if math.isfinite(self.low) and math.isfinite(self.high):
            return rng.uniform(self.low, self.high, shape)
        distance = np.maximum(np.exp(noise), 1e-9)
        if math.isfinite(self.low):
            return self.low + distance
        if math.isfinite(self.high):
            return self.high - distance
        return 2 * noise

    def room(self, x: np.ndarray) -> np.ndarray:
        return np.minimum(np.minimum(x - self.low, self.high - x), 1)

    def __str__(self) -> str:
        left = "[" if self.at_least > self.above else "("
        right = "]" if self.at_most < self.below else ")"
        hole = "" if self.excluding is None else f" without {self.excluding:g}"
        return f"{left}{self.low:g}, {self.high:g}{right}{hole}"


REALS = Interval()
POSITIVE = Interval(above=0)


@dataclass(frozen=True)
class OneOf:
    """A finite set of allowed values, such as the labels -1 and 1."""

    members: tuple[Any, ...]

    @property
    def filler(self) -> float:
        return self.members[0]

    def excludes(self, x: Any) -> Any:
        outside = x == x
        for member in self.members:
            outside = outside & (x != member)
        return outside

    def sample(
        self, rng: np.random.Generator, shape: tuple[int, ...], spread: float = 1
    ) -> np.ndarray:
        return rng.choice(np.asarray(self.members, dtype=float), shape)

    def room(self, x: np.ndarray) -> np.ndarray:
        return np.zeros_like(x)

    def __str__(self) -> str:
        return "{" + ", ".join(map(str, self.members)) + "}"


@dataclass(frozen=True)
class Simplex:
    """Probabilities along the last axis: non-negative numbers whose sum is 1 up to rounding."""

    @property
    def filler(self) -> float:
        return 1.0

    def excludes(self, x: Any) -> Any:
        xp = array_namespace(x)
        error = xp.abs(xp.sum(x, axis=-1, keepdims=True) - 1)
        return (x < 0) | (error > xp.finfo(x.dtype).eps ** 0.5)

    def sample(
        self, rng: np.random.Generator, shape: tuple[int, ...], spread: float = 1
    ) -> np.ndarray:
        return rng.dirichlet(np.full(shape[-1], 2 / spread), shape[:-1])

    def room(self, x: np.ndarray) -> np.ndarray:
        return np.minimum(x, 1 - x)

    def __str__(self) -> str:
        return "the simplex (each at least 0, sum 1)"
