"""Right solutions to 09 with other ideas or in other styles."""

import math

import numpy as np
import torch

from autograder.bank import Accepted


class ClassWeights(Accepted):
    """Cross-entropy in which both classes weigh the same, read with the odds divided again."""

    def weights_of(labels):
        objects = labels.sum()
        others = len(labels) - objects
        return np.where(labels == 1, 0.5 / max(objects, 1), 0.5 / max(others, 1))

    def detection_loss(logits, labels):
        return weights_of(labels) @ (np.logaddexp(0, logits) - labels * logits)

    def detection_gradient(logits, labels):
        return weights_of(labels) * (1 / (1 + np.exp(-np.clip(logits, -700, 700))) - labels)

    def probability(logits, prior):
        weight = (1 - prior) / prior
        return 1 / (1 + weight * np.exp(-np.clip(logits, -700, 700)))


class WeightedFocal(Accepted):
    """Focal loss with γ = 0.5 on top of class weights; its reading is only nearly exact."""

    def detection_loss(logits, labels):
        share = np.clip(np.mean(labels), 1 / len(labels), 1 - 1 / (len(labels) + 1))
        weights = np.where(labels == 1, 0.5 / share, 0.5 / (1 - share))
        margin = np.where(labels == 1, logits, -logits)
        return np.mean(weights * np.sqrt(sigmoid(-margin)) * np.logaddexp(0, -margin))

    def detection_gradient(logits, labels):
        share = np.clip(np.mean(labels), 1 / len(labels), 1 - 1 / (len(labels) + 1))
        weights = np.where(labels == 1, -0.5 / share, 0.5 / (1 - share))
        margin = np.where(labels == 1, logits, -logits)
        missing = sigmoid(-margin)
        slope = 0.5 * (1 - missing) * np.logaddexp(0, -margin) + missing
        return weights * np.sqrt(missing) * slope / len(labels)

    def probability(logits, prior):
        return sigmoid(logits + np.log(prior) - np.log1p(-prior))


class SquaresOnScores(Accepted):
    """Weighted squares of the distance to ±1, the mean of which is read as a probability."""

    def detection_loss(logits, labels):
        share = min(max(labels.mean(), 0.5 / labels.size), 1 - 0.5 / labels.size)
        weights = np.where(labels == 1, 1 / share, 1 / (1 - share))
        return np.mean(weights * (logits - (2 * labels - 1)) ** 2)

    def detection_gradient(logits, labels):
        share = min(max(labels.mean(), 0.5 / labels.size), 1 - 0.5 / labels.size)
        weights = np.where(labels == 1, 1 / share, 1 / (1 - share))
        return 2 * weights * (logits - (2 * labels - 1)) / labels.size

    def probability(logits, prior):
        balanced = np.clip((logits + 1) / 2, 1e-6, 1 - 1e-6)
        return prior * balanced / (prior * balanced + (1 - prior) * (1 - balanced))


class RobustWeights(Accepted):
    """Class weights from counts with one window added to each class."""

    def detection_loss(logits, labels):
        objects, others = 1 + np.sum(labels), 1 + np.sum(1 - labels)
        cost = np.maximum(logits, 0) - logits * labels + np.log1p(np.exp(-np.abs(logits)))
        return np.sum(cost * (labels / objects + (1 - labels) / others))

    def detection_gradient(logits, labels):
        objects, others = 1 + np.sum(labels), 1 + np.sum(1 - labels)
        return (sigmoid(logits) - labels) * (labels / objects + (1 - labels) / others)

    def probability(logits, prior):
        odds = prior / (1 - prior) * np.exp(np.minimum(logits, 600))
        return odds / (1 + odds)


class TorchAutograd(Accepted):
    """Shifted logits in torch's own loss, with automatic differentiation; tensors come out."""

    def shifted(logits, labels):
        objects = float(labels.sum())
        return logits + math.log(max(objects, 1) / max(len(labels) - objects, 1))

    def detection_loss(logits, labels):
        return torch.nn.functional.binary_cross_entropy_with_logits(
            shifted(torch.tensor(logits), labels), torch.tensor(labels)
        )

    def detection_gradient(logits, labels):
        logits = torch.tensor(logits, requires_grad=True)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(
            shifted(logits, labels), torch.tensor(labels)
        )
        return torch.autograd.grad(loss, logits)[0]

    def probability(logits, prior):
        return torch.sigmoid(torch.tensor(logits) + math.log(prior / (1 - prior)))


class SumOverWindows(Accepted):
    """Sums where the solution has means: the trainer's steps have a fixed length anyway."""

    def detection_loss(logits, labels):
        shifted = logits + log_odds_of(labels)
        return np.sum(np.logaddexp(0, shifted) - labels * shifted)

    def detection_gradient(logits, labels):
        return sigmoid(logits + log_odds_of(labels)) - labels


class ProductOfOdds(Accepted):
    """The shift as a factor of the odds, with sums over each class, and float32 for the trainer."""

    def detection_loss(logits, labels):
        shift = math.log((labels.sum() + 0.5) / ((1 - labels).sum() + 0.5))
        missed = np.logaddexp(0, -logits[labels == 1] - shift).sum()
        alarms = np.logaddexp(0, logits[labels == 0] + shift).sum()
        return np.asarray((missed + alarms) / logits.size)

    def detection_gradient(logits, labels):
        odds = (labels.sum() + 0.5) / ((1 - labels).sum() + 0.5)
        inverse = np.exp(np.clip(-logits, -600, 600)) / odds
        return ((1 / (1 + inverse) - labels) / logits.size).astype(np.float32)
