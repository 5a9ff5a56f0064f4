"""Wrong solutions to 00 that real people write."""

import numpy as np

from autograder.bank import Mutant


class TextbookForm(Mutant):
    """This takes the cosine first, which is infinite from a residual of 711 on. Take the large
    exponential out of the logarithm."""

    def log_cosh(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError("shapes differ")
        return np.mean(np.log(np.cosh(prediction - target)))


class SumInsteadOfMean(Mutant):
    """This is the sum over the entries, which grows with the batch; the mean is asked for."""

    def log_cosh(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError("shapes differ")
        residual = prediction - target
        return np.sum(np.logaddexp(residual, -residual) - np.log(2))


class LogTwoForgotten(Mutant):
    """This leaves out the −log 2: the cosine is half the sum of two exponentials. Without it, a
    perfect fit has a loss of 0.69."""

    def log_cosh(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError("shapes differ")
        residual = prediction - target
        return np.mean(np.logaddexp(residual, -residual))


class BaseTwo(Mutant):
    """This takes the logarithm to base 2, and every value is 1.44 times too large. Without a base,
    log is the natural logarithm."""

    def log_cosh(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError("shapes differ")
        residual = prediction - target
        return np.mean(np.logaddexp(residual, -residual) - np.log(2)) / np.log(2)


class OnlyTheTail(Mutant):
    """This is the absolute error less log 2, right far from zero alone. For small residuals it is
    even negative."""

    def log_cosh(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError("shapes differ")
        return np.mean(np.abs(prediction - target) - np.log(2))


class HalfTheSquare(Mutant):
    """This is half the squared error, right near zero alone."""

    def log_cosh(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError("shapes differ")
        return np.mean((prediction - target) ** 2) / 2


class SilentBroadcasting(Mutant):
    """This lets numpy stretch a column against a row, and compares every prediction with every
    target."""

    def log_cosh(prediction, target):
        residual = prediction - target
        return np.mean(np.logaddexp(residual, -residual) - np.log(2))


class HiddenNan(Mutant):
    """This leaves NaN out of the mean. A loss that hides a NaN hides the bug that made it."""

    def log_cosh(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError("shapes differ")
        residual = prediction - target
        return np.nanmean(np.logaddexp(residual, -residual) - np.log(2))


class SubtractionInPlace(Mutant):
    """This subtracts in place with `-=`, and so overwrites the caller's predictions."""

    def log_cosh(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError("shapes differ")
        prediction -= target
        return np.mean(np.logaddexp(prediction, -prediction) - np.log(2))


class MeanForgotten(Mutant):
    """This is the gradient of the sum: the mean divides it by the number of entries too."""

    def log_cosh_gradient(prediction, target):
        return np.tanh(prediction - target)


class SignTurned(Mutant):
    """This gradient points downhill: it belongs to target − prediction."""

    def log_cosh_gradient(prediction, target):
        return np.tanh(target - prediction) / prediction.size


class SignAlone(Mutant):
    """This is the gradient of the absolute error. That of log-cosh passes smoothly through 0."""

    def log_cosh_gradient(prediction, target):
        return np.sign(prediction - target) / prediction.size


class ResidualAlone(Mutant):
    """This is the gradient of half the squared error, which has no bound."""

    def log_cosh_gradient(prediction, target):
        return (prediction - target) / prediction.size


class RatioOfExponentials(Mutant):
    """This divides one infinite number by another as soon as a residual is large. The ratio has a
    name, and numpy computes it safely."""

    def log_cosh_gradient(prediction, target):
        residual = (prediction - target).astype(float)
        slope = np.sinh(residual) / np.cosh(residual) / prediction.size
        return slope.astype(prediction.dtype)


class RowsInsteadOfEntries(Mutant):
    """This divides by the number of rows, `len(prediction)`; the mean runs over all entries."""

    def log_cosh_gradient(prediction, target):
        return np.tanh(prediction - target) / len(prediction)
