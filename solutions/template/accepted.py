"""Right solutions to 00 in other styles."""

import math

import numpy as np
import torch

from autograder.bank import Accepted


class Loops(Accepted):
    """Plain loops over Python numbers."""

    def log_cosh(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError("shapes differ")
        total = 0.0
        for p, t in zip(prediction.ravel().tolist(), target.ravel().tolist()):
            size = abs(p - t)
            total += size + math.log1p(math.exp(-2 * size)) - math.log(2)
        return total / prediction.size

    def log_cosh_gradient(prediction, target):
        gradient = np.empty_like(prediction)
        for i in np.ndindex(*prediction.shape):
            gradient[i] = math.tanh(prediction[i] - target[i]) / prediction.size
        return gradient


class LogAddExp(Accepted):
    """The logarithm of a sum of exponentials; a 0-d array comes out."""

    def log_cosh(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError("shapes differ")
        residual = prediction - target
        return np.asarray((np.logaddexp(residual, -residual) - math.log(2)).mean())


class TorchAutograd(Accepted):
    """softplus, and the gradient by automatic differentiation; tensors come out."""

    def log_cosh(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError("shapes differ")
        residual = torch.tensor(prediction) - torch.tensor(target)
        return (residual + torch.nn.functional.softplus(-2 * residual) - math.log(2)).mean()

    def log_cosh_gradient(prediction, target):
        residual = (torch.tensor(prediction) - torch.tensor(target)).requires_grad_()
        value = (residual + torch.nn.functional.softplus(-2 * residual)).mean()
        return torch.autograd.grad(value, residual)[0]


class LogisticGradient(Accepted):
    """The gradient through the logistic function, computed in float64 and rounded at the end."""

    def log_cosh_gradient(prediction, target):
        residual = np.subtract(prediction, target, dtype=np.float64)
        small = np.exp(-2 * np.abs(residual))
        gradient = np.sign(residual) * (1 - small) / (1 + small) / residual.size
        return gradient.astype(prediction.dtype)


class LargestTakenOut(Accepted):
    """Both exponents in one array, the larger taken out by hand."""

    def log_cosh(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError("shapes differ")
        exponents = np.stack([prediction - target, target - prediction])
        largest = exponents.max(axis=0)
        summed = np.exp(exponents - largest).sum(axis=0)
        return np.mean(largest + np.log(summed) - math.log(2))

    def log_cosh_gradient(prediction, target):
        exponents = np.stack([prediction - target, target - prediction])
        shares = np.exp(exponents - exponents.max(axis=0))
        return (shares[0] - shares[1]) / shares.sum(axis=0) / prediction.size
