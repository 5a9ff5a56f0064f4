"""Right solutions to 08 in other styles."""

import math

import numpy as np
import torch

from autograder.bank import Accepted


class Loops(Accepted):
    """Plain loops over Python numbers; lists become arrays at the end."""

    def sequence_log_probability(tokens, mask):
        rows = zip(tokens.tolist(), mask.tolist())
        sums = [math.fsum(t for t, kept in zip(*row) if kept) for row in rows]
        return np.array(sums, dtype=tokens.dtype)

    def margin(policy, reference, beta):
        if beta <= 0:
            raise ValueError(f"beta={beta} must be positive")
        return np.array([beta * ((p[0] - r[0]) - (p[1] - r[1])) for p, r in zip(policy, reference)])

    def dpo_loss(policy, reference, beta):
        total = 0.0
        for h in margin(policy, reference, beta).tolist():
            total += math.log1p(math.exp(-h)) if h > 0 else math.log1p(math.exp(h)) - h
        return total / len(policy)

    def dpo_gradient(policy, reference, beta):
        gradient = np.empty_like(policy)
        for i, h in enumerate(margin(policy, reference, beta).tolist()):
            far = math.exp(-abs(h))
            weight = far / (1 + far) if h > 0 else 1 / (1 + far)
            gradient[i] = -beta * weight / len(policy), beta * weight / len(policy)
        return gradient


class PreferencesFirst(Accepted):
    """The policy's preference less the reference's; the maximum taken out of the logarithm."""

    def margin(policy, reference, beta):
        if not beta > 0:
            raise ValueError("beta must be positive")
        prefers = np.array([1.0, -1.0], dtype=policy.dtype)
        return beta * (policy @ prefers - reference @ prefers)

    def dpo_loss(policy, reference, beta):
        h = margin(policy, reference, beta)
        return np.asarray((np.maximum(-h, 0) + np.log1p(np.exp(-np.abs(h)))).mean())


class SignedExponentials(Accepted):
    """The sigmoid with only negative exponents."""

    def pull(policy, reference, beta):
        h = margin(policy, reference, beta)
        far = np.exp(-np.abs(h))
        return np.where(h > 0, far, 1) / (1 + far)

    def dpo_gradient(policy, reference, beta):
        force = beta / len(policy) * pull(policy, reference, beta)
        return force[:, None] * np.array([-1, 1], dtype=policy.dtype)

    def reference_margin(policy, share, beta):
        if share in (0, 1):
            return np.full(len(policy), np.inf if share else -np.inf)
        return -np.diff(policy, axis=1)[:, 0] - math.log((1 - share) / share) / beta


class TorchAutograd(Accepted):
    """torch's own log-sigmoid and automatic differentiation; tensors come out."""

    def sequence_log_probability(tokens, mask):
        return torch.tensor(tokens).masked_fill(~torch.tensor(mask), 0).sum(1)

    def dpo_loss(policy, reference, beta):
        if beta <= 0:
            raise ValueError("beta must be positive")
        gained = torch.tensor(policy) - torch.tensor(reference)
        return -torch.nn.functional.logsigmoid(beta * (gained[:, 0] - gained[:, 1])).mean()

    def dpo_gradient(policy, reference, beta):
        policy = torch.tensor(policy, requires_grad=True)
        chosen, rejected = (policy - torch.tensor(reference)).unbind(1)
        loss = -torch.nn.functional.logsigmoid(beta * (chosen - rejected)).mean()
        return torch.autograd.grad(loss, policy)[0]

    def pull(policy, reference, beta):
        return torch.sigmoid(-torch.as_tensor(margin(policy, reference, beta)))

    def reference_margin(policy, share, beta):
        policy = torch.tensor(policy)
        return (
            policy[:, 0]
            - policy[:, 1]
            + torch.logit(torch.tensor(share, dtype=torch.float64)) / beta
        )


class Einsum(Accepted):
    """Chosen tokens and differences as inner products; the pull of an overflowing exponential."""

    def sequence_log_probability(tokens, mask):
        chosen = np.where(mask, tokens, 0)
        return np.einsum("at->a", chosen)

    def margin(policy, reference, beta):
        if not beta > 0:
            raise ValueError("beta must be positive")
        signs = np.array([beta, -beta], dtype=policy.dtype)
        return np.einsum("pa,a->p", policy - reference, signs)

    def pull(policy, reference, beta):
        with np.errstate(over="ignore"):
            return 1 / (1 + np.exp(margin(policy, reference, beta)))


class DoublePrecisionInside(Accepted):
    """Computes in float64 and rounds once at the end."""

    def sequence_log_probability(tokens, mask):
        wide = np.where(mask, tokens, 0).astype(np.float64)
        return wide.sum(axis=1).astype(tokens.dtype)

    def dpo_gradient(policy, reference, beta):
        h = margin(policy.astype(float), reference.astype(float), beta)
        weights = np.exp(np.minimum(-h, 0)) / (1 + np.exp(-np.abs(h))) * beta / h.size
        return np.column_stack([-weights, weights]).astype(policy.dtype)
