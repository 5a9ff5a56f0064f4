"""Right solutions to 07 in other styles."""

import math

import numpy as np
import torch
from scipy import special, stats

from autograder.bank import Accepted


class Loops(Accepted):
    """Plain loops over Python numbers, row by row."""

    def info_nce(similarity, temperature):
        rows, columns = similarity.shape
        if rows != columns or temperature <= 0:
            raise ValueError("a square matrix and a positive temperature are needed")
        total = 0.0
        for i, row in enumerate(similarity.tolist()):
            logits = [s / temperature for s in row]
            if any(math.isnan(logit) for logit in logits):
                return math.nan
            top = max(logits)
            total += top + math.log(sum(math.exp(a - top) for a in logits)) - logits[i]
        return total / rows

    def probabilities(similarity, temperature):
        if temperature <= 0:
            raise ValueError("the temperature must be positive")
        table = np.empty_like(similarity)
        for i, row in enumerate(similarity):
            weights = [math.exp((s - max(row)) / temperature) for s in row.tolist()]
            table[i] = [w / sum(weights) for w in weights]
        return table

    def row_entropy(similarity, temperature):
        return np.array(
            [
                -sum(p * math.log(p) for p in row if p > 0)
                for row in probabilities(similarity, temperature).tolist()
            ],
            similarity.dtype,
        )

    def entropy_slope(similarity, temperature):
        slopes = []
        for row, p in zip(similarity, probabilities(similarity, temperature)):
            mean = sum(a * b for a, b in zip(p, row))
            slopes.append(sum(a * (b - mean) ** 2 for a, b in zip(p, row)) / temperature**3)
        return np.array(slopes)


class TorchAutograd(Accepted):
    """Cross-entropy of the rows against their own numbers; tensors come out."""

    def info_nce(similarity, temperature):
        if similarity.shape[0] != similarity.shape[1]:
            raise ValueError("the matrix must be square")
        if temperature <= 0:
            raise ValueError("the temperature must be positive")
        logits = torch.tensor(similarity) / temperature
        return torch.nn.functional.cross_entropy(logits, torch.arange(len(logits)))

    def info_nce_gradient(similarity, temperature):
        s = torch.tensor(similarity, requires_grad=True)
        loss = torch.nn.functional.cross_entropy(s / temperature, torch.arange(len(s)))
        return torch.autograd.grad(loss, s)[0]

    def row_entropy(similarity, temperature):
        logits = torch.tensor(similarity) / temperature
        return torch.distributions.Categorical(logits=logits).entropy()


class ScipySpecial(Accepted):
    """scipy's logsumexp, softmax and entropy."""

    def info_nce(similarity, temperature):
        n, m = similarity.shape
        if n != m:
            raise ValueError("the matrix must be square")
        if not temperature > 0:
            raise ValueError("the temperature must be positive")
        logits = similarity / temperature
        return np.mean(special.logsumexp(logits, axis=1) - np.diag(logits))

    def probabilities(similarity, temperature):
        if not temperature > 0:
            raise ValueError("the temperature must be positive")
        return special.softmax(similarity / temperature, axis=1)

    def row_entropy(similarity, temperature):
        return stats.entropy(special.softmax(similarity / temperature, axis=1), axis=1)


class ThroughLogProbabilities(Accepted):
    """Log-probabilities first, and everything from them; a 0-d array comes out."""

    def info_nce(similarity, temperature):
        if len(set(similarity.shape)) != 1:
            raise ValueError("the matrix must be square")
        if not temperature > 0:
            raise ValueError("the temperature must be positive")
        centred = (similarity - similarity.max(axis=1, keepdims=True)) / temperature
        log_p = centred - np.log(np.exp(centred).sum(axis=1, keepdims=True))
        return np.asarray(-np.trace(log_p) / len(log_p))

    def info_nce_gradient(similarity, temperature):
        n = len(similarity)
        gradient = probabilities(similarity, temperature).copy()
        gradient[np.arange(n), np.arange(n)] -= 1
        return gradient / (n * temperature)

    def row_entropy(similarity, temperature):
        centred = (similarity - similarity.max(axis=1, keepdims=True)) / temperature
        log_p = centred - np.log(np.exp(centred).sum(axis=1, keepdims=True))
        return -np.sum(np.exp(log_p) * log_p, axis=1)


class Einsum(Accepted):
    """Sums of products with einsum; the variance of the logits instead of the similarities."""

    def info_nce_gradient(similarity, temperature):
        n = similarity.shape[0]
        scale = similarity.dtype.type(1 / (n * temperature))
        p = probabilities(similarity, temperature)
        return np.einsum("ij,->ij", p - np.eye(n, dtype=p.dtype), scale)

    def entropy_slope(similarity, temperature):
        p = probabilities(similarity, temperature)
        logits = (similarity - similarity.max(axis=1, keepdims=True)) / temperature
        centred = logits - np.einsum("ij,ij->i", p, logits)[:, None]
        return np.einsum("ij,ij,ij->i", p, centred, centred) / temperature


class PairsOfRivals(Accepted):
    """The variance as half the mean squared difference of two independent draws."""

    def entropy_slope(similarity, temperature):
        p = probabilities(similarity, temperature)
        difference = similarity[:, :, None] - similarity[:, None, :]
        return np.einsum("ij,ik,ijk->i", p, p, difference**2) / (2 * temperature**3)
