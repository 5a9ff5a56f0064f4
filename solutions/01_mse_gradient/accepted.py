"""Right solutions to 01 in other styles."""

import math

import numpy as np
import torch

from autograder.bank import Accepted


class Loops(Accepted):
    """Plain loops over Python numbers."""

    def mse(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError("shapes differ")
        total = 0.0
        for p, t in zip(prediction.flat, target.flat):
            total += (float(p) - float(t)) ** 2
        return total / prediction.size

    def mse_gradient(prediction, target):
        dtype = prediction.dtype if prediction.dtype.kind == "f" else float
        gradient = np.empty(prediction.shape, dtype)
        for i in np.ndindex(*prediction.shape):
            gradient[i] = 2 * (prediction[i] - target[i]) / prediction.size
        return gradient

    def top_share(prediction, target, k):
        pulls = sorted((abs(float(p - t)) for p, t in zip(prediction.flat, target.flat)))[::-1]
        return sum(pulls[:k]) / sum(pulls) if any(pulls) else 0


class Einsum(Accepted):
    """Inner products with einsum; 0-d arrays come out."""

    def mse(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError("shapes differ")
        residual = (prediction - target).ravel() / math.sqrt(prediction.size)
        return np.asarray(np.einsum("i,i->", residual, residual))

    def mse_gradient(prediction, target):
        return np.einsum("...,...->...", prediction - target, 2.0 / prediction.size).astype(
            prediction.dtype if prediction.dtype.kind == "f" else float
        )


class TorchAutograd(Accepted):
    """The gradient by automatic differentiation; tensors come out."""

    def mse(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError("shapes differ")
        prediction, target = torch.tensor(prediction), torch.tensor(target)
        if not prediction.is_floating_point():
            prediction, target = prediction.double(), target.double()
        return torch.nn.functional.mse_loss(prediction, target)

    def mse_gradient(prediction, target):
        prediction, target = torch.tensor(prediction), torch.tensor(target)
        if not prediction.is_floating_point():
            prediction, target = prediction.double(), target.double()
        prediction.requires_grad_()
        # The sum is divided after the derivative, so that huge squares do not matter.
        ((prediction - target) ** 2).sum().backward()
        return prediction.grad / prediction.numel()


class DoublePrecisionInside(Accepted):
    """Computes in float64 and rounds once at the end."""

    def mse(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError("shapes differ")
        residual = np.subtract(prediction, target, dtype=np.float64)
        return float(np.vdot(residual, residual) / residual.size)

    def mse_gradient(prediction, target):
        gradient = 2 / prediction.size * np.subtract(prediction, target, dtype=np.float64)
        return gradient.astype(np.result_type(prediction.dtype, np.float16))


class Partition(Accepted):
    """The k largest by partial sorting, from the gradient itself."""

    def top_share(prediction, target, k):
        pull = np.abs(mse_gradient(prediction, target)).ravel()
        if k == 0 or not pull.any():
            return 0.0
        return np.partition(pull, -k)[-k:].sum() / pull.sum()


class OneMinusTheRest(Accepted):
    """The share as one minus what the small residuals carry."""

    def top_share(prediction, target, k):
        pull = np.sort(np.abs((target - prediction).ravel()))
        if not np.count_nonzero(pull):
            return np.float64(0)
        return 1 - pull[: pull.size - k].sum() / pull.sum()
