"""From one value per element to one number: sums, means, weights and masks.

Every reduction here is a weighted sum of the values, so the gradient of the reduced loss is the
gradient of each value times its coefficient in that sum.
"""

from dataclasses import dataclass, fields, replace
from typing import Any

from lossmath.arrays import (
    REAL_KINDS,
    Array,
    at_least_float32,
    common_floating_dtype,
    device,
    to_arrays,
)

REDUCTIONS = ("none", "sum", "mean", "sequence_mean")
DENOMINATORS = ("count", "weight_sum")


@dataclass(frozen=True)
class Reduction:
    """How values become the result; its fields are keyword options of every call of a loss.

    reduction: "none" keeps the values, "sum" adds them, "mean" divides the sum by the denominator,
        "sequence_mean" takes the mean along the last axis and then the plain mean of those, so
        that short and long sequences count alike; empty sequences are left out.
    weights: one non-negative factor per value.
    mask: one boolean per value; only the selected values take part, whatever stands in the others.
    denominator: "count" divides by the number of selected values, "weight_sum" by their weights.
    ignore_index: class label whose values are left out, as a mask would.

    A mean over nothing is 0 with zero gradient. Half precision is accumulated in float32.
    Raises ValueError for an unknown option, a shape other than the values' or a negative weight.
    """

    reduction: str = "none"
    weights: Any = None
    mask: Any = None
    denominator: str = "count"
    ignore_index: int | None = None

    def __post_init__(self) -> None:
        for option, allowed in (("reduction", REDUCTIONS), ("denominator", DENOMINATORS)):
            value = getattr(self, option)
            if value not in allowed:
                raise ValueError(f"{option}={value!r} must be one of {', '.join(allowed)}")
        if self.denominator == "weight_sum" and self.weights is None:
            raise ValueError("denominator='weight_sum' needs weights")

    @classmethod
    def of(cls, options: dict[str, Any]) -> "Reduction":
        """The reduction with these options. Raises TypeError for one that does not exist."""
        known = [field.name for field in fields(cls)]
        for option in options:
            if option not in known:
                raise TypeError(f"there is no option {option}; there are {', '.join(known)}")
        return cls(**options)

    def bind(self, shape: tuple[int, ...], like: Array, xp: Any) -> "Reduction":
        """The same reduction with weights and mask as checked arrays beside the array `like`."""
        if self.reduction == "sequence_mean" and shape == ():
            raise ValueError("reduction='sequence_mean' needs values with at least one axis")
        weights, mask = (
            None if given is None else xp.asarray(given, device=device(like))
            for given in (self.weights, self.mask)
        )
        for option, array in (("weights", weights), ("mask", mask)):
            if array is not None and tuple(array.shape) != shape:
                raise ValueError(
                    f"{option} has shape {tuple(array.shape)} but the values have shape {shape}"
                )
        if mask is not None and not xp.isdtype(mask.dtype, "bool"):
            raise ValueError(f"mask has dtype {mask.dtype} but must be boolean; see weights")
        if weights is not None and not xp.isdtype(weights.dtype, REAL_KINDS):
            raise ValueError(f"weights has dtype {weights.dtype} but must hold real numbers")
        if weights is not None and bool(xp.any(weights < 0)):
            raise ValueError(f"weights={float(xp.min(weights))} must be at least 0")
        return replace(self, weights=weights, mask=mask)

    def reduce(self, values: Array, xp: Any) -> Array:
        """The reduced value, in the dtype of the values."""
        if self._changes_nothing("none"):
            return values
        share = self._share(values, xp)
        terms = xp.astype(values, share.dtype) * share
        if self.mask is not None:
            terms = xp.where(self.mask, terms, xp.zeros_like(terms))
        if self.reduction == "sequence_mean":
            terms = xp.sum(xp.sum(terms, axis=-1) / self._divisor(share, xp))
        elif self.reduction != "none":
            terms = xp.sum(terms) / self._divisor(share, xp)
        return xp.astype(terms, values.dtype)

    def coefficients(self, values: Array, xp: Any) -> Array | None:
        """The derivative of the reduced value in each of the values; None when all are 1."""
        if self._changes_nothing("none", "sum"):
            return None
        share = self._share(values, xp)
        divisor = self._divisor(share, xp)
        if self.reduction == "sequence_mean":
            divisor = xp.expand_dims(divisor, axis=-1)
        return share / divisor

    def _changes_nothing(self, *reductions: str) -> bool:
        return self.reduction in reductions and self.mask is None and self.weights is None

    def _share(self, values: Array, xp: Any) -> Array:
        """The weight of each value, 0 where it is masked."""
        wide = at_least_float32(values.dtype, xp)
        share = xp.ones(values.shape, dtype=wide, device=device(values))
        if self.weights is not None:
            share = xp.astype(self.weights, wide)
        return share if self.mask is None else xp.where(self.mask, share, xp.zeros_like(share))

    def _divisor(self, share: Array, xp: Any) -> Array:
        """What the sum is divided by; 1 instead of 0, so that a mean over nothing is 0."""
        if self.reduction in ("none", "sum"):
            return xp.ones((), dtype=share.dtype, device=device(share))
        counted = share
        if self.denominator == "count":
            counted = xp.ones_like(share)
            if self.mask is not None:
                counted = xp.astype(self.mask, share.dtype)
        if self.reduction == "sequence_mean":
            lengths = xp.sum(counted, axis=-1)
            sequences = xp.sum(xp.astype(lengths > 0, share.dtype))
            total = lengths * sequences
        else:
            total = xp.sum(counted)
        return xp.where(total == 0, xp.ones_like(total), total)


def reduce(values: Any, **options: Any) -> Array:
    """Reduce an array of values; the options are the fields of `Reduction`, by default the mean.

    Integers become floats.
    """
    (values,), xp = to_arrays([values])
    values = xp.astype(values, common_floating_dtype([values], xp), copy=False)
    reduction = Reduction.of({"reduction": "mean"} | options)
    return reduction.bind(tuple(values.shape), values, xp).reduce(values, xp)
