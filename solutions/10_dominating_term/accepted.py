"""Right solutions to 10 with other ideas or in other styles."""

import math
import operator

import numpy as np
import torch

from autograder.bank import Accepted


class Loops(Accepted):
    """Plain loops, `math.hypot`, and a count of the steps at which one term outweighs the rest."""

    def gradient_norms(gradients, weights):
        return np.array(
            [
                [abs(w) * math.hypot(*g) for g, w in zip(step, weights)]
                for step in gradients.tolist()
            ]
        )

    def cosines(gradients):
        units = []
        for g in gradients.tolist():
            length = math.hypot(*g)
            units.append([x / length for x in g] if length else g)
        table = [[sum(map(operator.mul, u, v)) for v in units] for u in units]
        return np.array(table, gradients.dtype)

    def dominating_term(values, gradients, weights):
        counts = [0] * len(weights)
        for lengths in gradient_norms(gradients, weights).tolist():
            loudest = max(range(len(lengths)), key=lengths.__getitem__)
            if lengths[loudest] > 2 * (sum(lengths) - lengths[loudest]):
                counts[loudest] += 1
        most = max(counts)
        return counts.index(most) if most > len(gradients) / 2 else -1


class OthersAsAVector(Accepted):
    """A term dominates if, at most steps, the sum of all other gradients is much shorter."""

    def dominating_term(values, gradients, weights):
        weighted = gradients * weights[:, None]
        others = weighted.sum(axis=1, keepdims=True) - weighted
        own = np.linalg.norm(weighted, axis=-1)
        alone = np.mean(np.linalg.norm(others, axis=-1) < 0.4 * own, axis=0)
        term = np.argmax(alone)
        return term if alone[term] > 0.5 else -1


class Logarithms(Accepted):
    """Median of the logarithm of a term's length over that of all others; a 0-d array comes out."""

    def dominating_term(values, gradients, weights):
        lengths = gradient_norms(gradients, weights)
        others = lengths.sum(axis=1, keepdims=True) - lengths
        lead = np.median(np.log(lengths + 1e-300) - np.log(others + 1e-300), axis=0)
        return np.asarray(np.where(lead.max() > math.log(2), lead.argmax(), -1))


class TrimmedMean(Accepted):
    """Mean share after the lowest and the highest third of the steps are left out."""

    def dominating_term(values, gradients, weights):
        lengths = gradient_norms(gradients, weights)
        shares = np.sort(lengths / lengths.sum(axis=1, keepdims=True), axis=0)
        third = len(shares) // 3
        kept = shares[third : len(shares) - third].mean(axis=0)
        return float(np.argmax(kept)) if kept.max() > 2 / 3 else -1.0


class Torch(Accepted):
    """Tensors with numbers out of range taken care of by scaling; tensors come out."""

    def gradient_norms(gradients, weights):
        gradients, weights = torch.tensor(gradients), torch.tensor(weights)
        scale = gradients.abs().amax(-1, keepdim=True)
        scale = torch.where(scale == 0, torch.ones_like(scale), scale)
        return torch.linalg.vector_norm(gradients / scale, dim=-1) * scale[..., 0] * weights.abs()

    def cosines(gradients):
        gradients = torch.tensor(gradients)
        scale = gradients.abs().amax(1, keepdim=True)
        units = torch.nn.functional.normalize(
            gradients / torch.where(scale == 0, torch.ones_like(scale), scale), dim=1
        )
        return units @ units.T

    def dominating_term(values, gradients, weights):
        lengths = gradient_norms(gradients, weights)
        share, term = torch.quantile(lengths / lengths.sum(1, keepdim=True), 0.45, dim=0).max(0)
        return term if share > 0.55 else torch.tensor(-1)


class Einsum(Accepted):
    """Inner products of scaled gradients, and a vote of the steps."""

    def gradient_norms(gradients, weights):
        scale = np.abs(gradients).max(axis=-1, keepdims=True) + (gradients == 0).all(
            axis=-1, keepdims=True
        )
        scaled = gradients / scale
        squares = np.einsum("stp,stp->st", scaled, scaled)
        return np.sqrt(squares) * scale[..., 0] * np.abs(weights)

    def cosines(gradients):
        scale = np.abs(gradients).max(axis=1)
        scaled = gradients / np.where(scale == 0, 1, scale)[:, None]
        table = np.einsum("ip,jp->ij", scaled, scaled)
        length = np.sqrt(np.diag(table))
        return np.divide(
            table, np.outer(length, length), out=np.zeros_like(table), where=table != 0
        )

    def dominating_term(values, gradients, weights):
        lengths = np.sort(gradient_norms(gradients, weights), axis=1)
        alone = lengths[:, -1] > 1.5 * lengths[:, :-1].sum(axis=1)
        votes = np.bincount(
            gradient_norms(gradients, weights).argmax(axis=1)[alone], minlength=len(weights)
        )
        return votes.argmax() if votes.max() > 0.5 * len(lengths) else -1
