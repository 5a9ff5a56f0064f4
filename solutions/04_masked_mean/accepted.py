"""Right solutions to 04 in other styles."""

import math

import numpy as np
import torch

from autograder.bank import Accepted


class Loops(Accepted):
    """Plain loops over Python numbers."""

    def masked_mean(values, mask):
        total, count = 0.0, 0
        for value, counts in zip(values.flat, mask.flat):
            if counts:
                total += float(value)
                count += 1
        return total / count if count else 0

    def masked_mean_gradient(values, mask):
        count = sum(bool(counts) for counts in mask.flat)
        gradient = np.zeros_like(values)
        for slot in np.ndindex(*values.shape):
            if mask[slot]:
                gradient[slot] = 1 / count
        return gradient

    def sequence_mean(values, mask):
        means = []
        for row, counts in zip(values.tolist(), mask.tolist()):
            kept = [value for value, counted in zip(row, counts) if counted]
            if kept:
                means.append(math.fsum(kept) / len(kept))
        return math.fsum(means) / len(means) if means else 0.0

    def accumulated_mean(batches):
        kept = [float(v) for values, mask in batches for v in values[mask]]
        return math.fsum(kept) / len(kept) if kept else 0.0


class WhereThenDivide(Accepted):
    """`np.where` before the sum, a count that is at least one; 0-d arrays come out."""

    def masked_mean(values, mask):
        kept = np.where(mask, values.astype(np.float64), 0.0)
        return np.asarray(kept.sum() / np.maximum(mask.sum(), 1))

    def sequence_mean(values, mask):
        counts = mask.sum(axis=1)
        rows = np.where(mask, values, 0.0).sum(axis=1) / np.maximum(counts, 1)
        return np.asarray(rows.sum() / np.maximum((counts > 0).sum(), 1))


class MaskedArrays(Accepted):
    """numpy.ma, which averages over what is not masked."""

    def masked_mean(values, mask):
        if not mask.any():
            return 0.0
        return np.ma.masked_array(values, ~mask).mean(dtype=np.float64)

    def sequence_mean(values, mask):
        rows = np.ma.masked_array(values, ~mask).mean(axis=1)
        return float(rows.mean()) if mask.any() else 0.0


class Einsum(Accepted):
    """Inner products of chosen values with weights."""

    def sequence_mean(values, mask):
        counts = mask.sum(axis=1)
        weights = mask / np.maximum(counts, 1)[:, None] / max(np.count_nonzero(counts), 1)
        return np.einsum("bt,bt->", np.where(mask, values, 0), weights)

    def accumulated_mean(batches):
        count = sum(mask.sum() for _, mask in batches)
        total = sum(np.einsum("i->", values[mask]) for values, mask in batches)
        return total / count if count else 0.0


class TorchAutograd(Accepted):
    """The gradient by automatic differentiation; tensors come out."""

    def masked_mean(values, mask):
        kept = torch.tensor(values)[torch.tensor(mask)].double()
        return kept.sum() / max(kept.numel(), 1)

    def masked_mean_gradient(values, mask):
        values, mask = torch.tensor(values, requires_grad=True), torch.tensor(mask)
        (values[mask].sum() / max(int(mask.sum()), 1)).backward()
        return values.grad


class OneLongBatch(Accepted):
    """All pieces joined to one, and its gradient cut up again; tuples come out."""

    def accumulated_mean(batches):
        values = np.concatenate([values.ravel() for values, _ in batches])
        mask = np.concatenate([mask.ravel() for _, mask in batches])
        return np.mean(values, where=mask) if mask.any() else 0.0

    def accumulated_gradient(batches):
        count = np.sum([mask.sum() for _, mask in batches])
        return tuple(
            np.divide(mask, count, out=np.zeros_like(values), where=mask)
            for values, mask in batches
        )
