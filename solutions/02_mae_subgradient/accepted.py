"""Right solutions to 02 in other styles."""

import math

import numpy as np
import torch

from autograder.bank import Accepted


class Loops(Accepted):
    """Plain loops over Python numbers."""

    def mae(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError("shapes differ")
        errors = [abs(float(p) - float(t)) for p, t in zip(prediction.flat, target.flat)]
        return sum(errors) / len(errors)

    def mae_gradient(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError("shapes differ")
        dtype = prediction.dtype if prediction.dtype.kind == "f" else float
        gradient = np.zeros(prediction.shape, dtype)
        for i in np.ndindex(*prediction.shape):
            residual = prediction[i] - target[i]
            if math.isnan(residual):
                gradient[i] = math.nan
            elif residual != 0:
                gradient[i] = math.copysign(1, residual) / prediction.size
        return gradient

    def slope_interval(constant, target):
        left = right = 0
        for t in target.ravel().tolist():
            if math.isnan(t):
                return math.nan, math.nan
            left += 1 if t < constant else -1
            right += 1 if t <= constant else -1
        return left / target.size, right / target.size

    def minimisers(target):
        ordered = sorted(target.ravel().tolist())
        if any(math.isnan(t) for t in ordered):
            return math.nan, math.nan
        return ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]


class TorchAutograd(Accepted):
    """The gradient by automatic differentiation; tensors come out."""

    def mae(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError("shapes differ")
        prediction, target = torch.tensor(prediction), torch.tensor(target)
        if not prediction.is_floating_point():
            prediction, target = prediction.double(), target.double()
        return torch.nn.functional.l1_loss(prediction, target)

    def mae_gradient(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError("shapes differ")
        prediction, target = torch.tensor(prediction), torch.tensor(target)
        if not prediction.is_floating_point():
            prediction, target = prediction.double(), target.double()
        prediction.requires_grad_()
        residual = prediction - target
        residual.abs().mean().backward()
        # torch answers 0 for the slope at NaN; the product brings the NaN back.
        return prediction.grad + 0 * residual.detach()


class WhereWithCare(Accepted):
    """`np.where` and masks; 0-d arrays come out."""

    def mae(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError("shapes differ")
        residual = prediction - target
        return np.asarray(np.where(residual < 0, -residual, residual).mean())

    def mae_gradient(prediction, target):
        if np.shape(prediction) != np.shape(target):
            raise ValueError("shapes differ")
        sign = np.sign(prediction - target)
        return np.where(sign == 0, 0 * sign, sign) / sign.size


class Einsum(Accepted):
    """Inner products with einsum, in double precision inside."""

    def mae(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError("shapes differ")
        size = np.abs(np.subtract(prediction, target, dtype=np.float64)).ravel()
        return np.einsum("i->", size) / size.size

    def mae_gradient(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError("shapes differ")
        sign = np.sign(np.subtract(prediction, target, dtype=np.float64))
        gradient = np.einsum("...,...->...", sign, 1 / prediction.size)
        return gradient.astype(prediction.dtype if prediction.dtype.kind == "f" else float)


class SearchInTheSorted(Accepted):
    """Positions in the sorted targets; a list and an array come out."""

    def slope_interval(constant, target):
        ordered = np.sort(target.ravel())
        if np.isnan(ordered[-1]):
            return [np.nan, np.nan]
        left = np.searchsorted(ordered, constant, side="left")
        right = np.searchsorted(ordered, constant, side="right")
        return [2 * left / ordered.size - 1, 2 * right / ordered.size - 1]

    def minimisers(target):
        middle = [(target.size - 1) // 2, target.size // 2]
        low, high = np.partition(target.ravel(), [*middle, -1])[middle]
        return [low, high] if not np.isnan(target).any() else [np.nan, np.nan]


class IntervalsAdded(Accepted):
    """One interval for each target, averaged; the best constants are those whose slopes hold 0."""

    def slope_interval(constant, target):
        slope = np.sign(constant - target).astype(float)
        lower, upper = np.where(slope == 0, -1, slope), np.where(slope == 0, 1, slope)
        return lower.mean(), upper.mean()

    def minimisers(target):
        if np.isnan(target).any():
            return np.nan, np.nan
        best = []
        for t in np.unique(target):
            lower, upper = slope_interval(t, target)
            if lower <= 0 <= upper:
                best.append(t)
        return best[0], best[-1]
