"""Right solutions to 06 in other styles."""

import math

import numpy as np
import torch

from autograder.bank import Accepted


class Loops(Accepted):
    """Plain loops, with an `if` for each region."""

    def hinge(score, label):
        loss = np.empty_like(score)
        for i in np.ndindex(*score.shape):
            if label[i] not in (-1, 1):
                raise ValueError(f"label {label[i]} must be -1 or 1")
            missing = 1 - label[i] * score[i]
            loss[i] = missing if missing > 0 or math.isnan(missing) else 0
        return loss

    def hinge_interval(score, label):
        lower, upper = np.empty_like(score), np.empty_like(score)
        for i in np.ndindex(*score.shape):
            if label[i] not in (-1, 1):
                raise ValueError(f"label {label[i]} must be -1 or 1")
            margin = label[i] * score[i]
            if math.isnan(margin):
                ends = math.nan, math.nan
            elif margin < 1:
                ends = -label[i], -label[i]
            elif margin == 1:
                ends = min(-label[i], 0), max(-label[i], 0)
            else:
                ends = 0, 0
            lower[i], upper[i] = ends
        return lower, upper

    def violations(scores, label):
        table = np.zeros_like(scores)
        examples, classes = scores.shape
        for i in range(examples):
            if not 0 <= label[i] < classes:
                raise ValueError(f"label {label[i]} is no class")
            for j in range(classes):
                if j != label[i]:
                    missing = 1 + scores[i, j] - scores[i, label[i]]
                    table[i, j] = 0 if missing < 0 else missing
        return table

    def crammer_singer_subgradient(scores, label):
        push = np.zeros_like(scores)
        for i, own in enumerate(label):
            worst = int(np.argmax(violations(scores[i : i + 1], label[i : i + 1])))
            if worst != own and 1 + scores[i, worst] - scores[i, own] > 0:
                push[i, worst] = 1 / len(label)
                push[i, own] = -1 / len(label)
        return push

    def linear_subgradient(weights, features, label):
        total = np.zeros_like(weights)
        for x, y in zip(features, label):
            if y * (x @ weights) < 1:
                total -= y * x
        return total / len(label)


class ByTheRegion(Accepted):
    """`np.select` over the three regions; lists come out."""

    def hinge_interval(score, label):
        if not np.isin(label, (-1, 1)).all():
            raise ValueError("labels must be -1 or 1")
        margin = score * label
        regions = [margin < 1, margin == 1, margin > 1]
        zero = np.zeros_like(score)
        lower = np.select(regions, [-label, np.minimum(-label, 0), zero], np.nan)
        upper = np.select(regions, [-label, np.maximum(-label, 0), zero], np.nan)
        return [lower, upper]


class TorchAutograd(Accepted):
    """Subgradients by automatic differentiation, which has its own choice at ties; tensors out."""

    def hinge(score, label):
        if (np.abs(label) != 1).any():
            raise ValueError("labels must be -1 or 1")
        return torch.relu(1 - torch.tensor(label) * torch.tensor(score))

    def weston_watkins_subgradient(scores, label):
        s = torch.tensor(scores, requires_grad=True)
        loss = torch.nn.functional.multi_margin_loss(s, torch.tensor(label)) * s.shape[1]
        return torch.autograd.grad(loss, s)[0]

    def crammer_singer_subgradient(scores, label):
        s, y = torch.tensor(scores, requires_grad=True), torch.tensor(label)[:, None]
        gap = 1 + s - s.gather(1, y)
        others = gap.scatter(1, y, 0.0)
        torch.relu(others.amax(dim=1)).mean().backward()
        return s.grad

    def linear_subgradient(weights, features, label):
        w = torch.tensor(weights, requires_grad=True)
        margin = torch.tensor(label) * (torch.tensor(features) @ w)
        torch.relu(1 - margin).mean().backward()
        return w.grad

    def polyak_step(weights, features, label):
        g = linear_subgradient(weights, features, label)
        loss, square = float(mean_hinge(weights, features, label)), float(g @ g)
        return torch.tensor(weights) - (loss / square if square else 0.0) * g


class OneHot(Accepted):
    """Multiclass losses with one-hot labels; 0-d arrays come out."""

    def violations(scores, label):
        classes = scores.shape[1]
        if label.min() < 0 or label.max() >= classes:
            raise ValueError(f"labels must lie in 0..{classes - 1}")
        hot = np.eye(classes, dtype=scores.dtype)[label]
        own = np.take_along_axis(scores, label[:, None], axis=1)
        return np.where(hot == 1, 0, np.maximum(1 - hot + scores - own, 0))

    def weston_watkins(scores, label):
        return np.asarray(violations(scores, label).sum() / len(scores))

    def weston_watkins_subgradient(scores, label):
        hot = np.eye(scores.shape[1], dtype=scores.dtype)[label]
        inside = (violations(scores, label) > 0).astype(scores.dtype)
        return (inside - inside.sum(axis=1, keepdims=True) * hot) / scores.dtype.type(len(label))


class MarginCounted(Accepted):
    """A class exactly at the margin is pushed, and of tied classes the last: subgradients, too."""

    def weston_watkins_subgradient(scores, label):
        rows = np.arange(len(label))
        own = scores[rows, label][:, None]
        push = (1 + scores - own >= 0).astype(scores.dtype)
        push[rows, label] = 0
        push[rows, label] = -push.sum(axis=1)
        return push / len(label)

    def crammer_singer_subgradient(scores, label):
        rows = np.arange(len(label))
        gaps = 1 + scores - scores[rows, label][:, None]
        gaps[rows, label] = -np.inf
        worst = scores.shape[1] - 1 - gaps[:, ::-1].argmax(axis=1)
        active = (gaps[rows, worst] >= 0).astype(scores.dtype)
        push = np.zeros_like(scores)
        push[rows, worst] = active
        push[rows, label] = -active
        return push / len(label)


class Einsum(Accepted):
    """Inner products with einsum, and the bound as a product."""

    def linear_subgradient(weights, features, label):
        margin = np.einsum("nd,d,n->n", features, weights, label)
        return np.einsum("n,nd->d", np.where(margin < 1, -label, 0.0), features) / label.size

    def distance_change(step, loss, subgradient):
        return step * (step * np.einsum("i,i->", subgradient, subgradient) - 2 * loss)

    def polyak_step(weights, features, label):
        g = linear_subgradient(weights, features, label)
        square = np.einsum("i,i->", g, g)
        length = np.divide(mean_hinge(weights, features, label), square) if square else 0.0
        return weights - length * g
