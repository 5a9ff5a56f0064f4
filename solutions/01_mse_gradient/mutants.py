"""Wrong solutions to 01 that real people write."""

import numpy as np

from autograder.bank import Mutant


class HalfSquaredError(Mutant):
    """This is half the squared error. The ½ that makes the gradient prettier is another loss."""

    def mse(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError("shapes differ")
        return np.mean((prediction - target) ** 2) / 2


class SumInsteadOfMean(Mutant):
    """This is the sum of the squares. A mean divides by the number of entries, so that the loss
    does not grow with the size of the batch."""

    def mse(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError("shapes differ")
        return np.sum((prediction - target) ** 2)


class RootMeanSquare(Mutant):
    """This is the root of the mean squared error. RMSE has another gradient, and the mean of
    mini-batch RMSEs is not the RMSE of the whole."""

    def mse(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError("shapes differ")
        return np.sqrt(np.mean((prediction - target) ** 2))


class AbsoluteError(Mutant):
    """This is the mean absolute error; the residuals should be squared."""

    def mse(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError("shapes differ")
        return np.mean(np.abs(prediction - target))


class VarianceOfResiduals(Mutant):
    """This is the variance of the residuals. MSE is the variance plus the squared mean residual:
    a model that is off by a constant has no variance and a large MSE."""

    def mse(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError("shapes differ")
        return np.var(prediction - target)


class SquareOfTheMean(Mutant):
    """This squares the mean residual. Square first, then average: errors of opposite sign must not
    cancel."""

    def mse(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError("shapes differ")
        return np.mean(prediction - target) ** 2


class SilentBroadcasting(Mutant):
    """This lets numpy stretch a column against a row: (n, 1) and (n,) become an (n, n) table, and
    the mean of that table compares every prediction with every target."""

    def mse(prediction, target):
        return np.mean((prediction - target) ** 2)


class HiddenNan(Mutant):
    """This leaves NaN out of the mean. A loss that hides a NaN hides the bug that made it."""

    def mse(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError("shapes differ")
        return np.nanmean((prediction - target) ** 2)


class SubtractionInPlace(Mutant):
    """This subtracts in place with `-=`, and so overwrites the caller's predictions."""

    def mse(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError("shapes differ")
        prediction -= target
        return np.mean(prediction**2)


class TheTwoIsMissing(Mutant):
    """This gradient lacks the 2 that the square's derivative brings down: it belongs to half the
    squared error."""

    def mse_gradient(prediction, target):
        return (prediction - target) / prediction.size


class TheMeanIsMissing(Mutant):
    """This is the gradient of the sum of squares; the mean also divides the gradient by the number
    of entries."""

    def mse_gradient(prediction, target):
        return 2.0 * (prediction - target)


class SignTurned(Mutant):
    """This gradient points downhill: it is that of target − prediction. Gradients are taken with
    respect to the prediction and point uphill."""

    def mse_gradient(prediction, target):
        return 2 * (target - prediction) / prediction.size


class SignLost(Mutant):
    """This gradient has the right sizes and no signs. The sign says which way to correct; with
    absolute values, every prediction would only ever go down."""

    def mse_gradient(prediction, target):
        return 2 * np.abs(prediction - target) / prediction.size


class OneNumberForAll(Mutant):
    """This averages the gradient to one number. Every prediction has an entry of its own."""

    def mse_gradient(prediction, target):
        return np.full(prediction.shape, 2 * np.mean(prediction - target) / prediction.size)


class RowsInsteadOfEntries(Mutant):
    """This divides by the number of rows, `len(prediction)`. The mean runs over all entries of a
    table, `prediction.size`."""

    def mse_gradient(prediction, target):
        return 2 * (prediction - target) / len(prediction)


class DividedByNMinusOne(Mutant):
    """This divides by n − 1. That is the correction for a sample variance; a mean loss divides by
    n."""

    def mse_gradient(prediction, target):
        return 2 * (prediction - target) / max(prediction.size - 1, 1)


class GradientOfTheRoot(Mutant):
    """This is the gradient of the root mean squared error, which also divides by the RMSE."""

    def mse_gradient(prediction, target):
        residual = prediction - target
        root = np.sqrt(np.mean(residual**2))
        return residual / (prediction.size * root)


class FiniteDifferences(Mutant):
    """This approximates the gradient by small steps, and loses its accuracy when the numbers are
    much larger or smaller than the step. The formula is exact."""

    def mse_gradient(prediction, target):
        gradient = np.zeros(prediction.shape)
        for i in np.ndindex(prediction.shape):
            moved = prediction.astype(float)
            moved[i] += 1e-6
            gradient[i] = (mse(moved, target) - mse(prediction, target)) / 1e-6
        return gradient


class WholeNumbersCutOff(Mutant):
    """This fills an array made with `zeros_like` of the prediction. For whole-number inputs that
    array can hold whole numbers only, and every fraction is cut off."""

    def mse_gradient(prediction, target):
        gradient = np.zeros_like(prediction)
        for i in np.ndindex(prediction.shape):
            gradient[i] = 2 * (prediction[i] - target[i]) / prediction.size
        return gradient


class PrecisionRaised(Mutant):
    """This turns float32 into float64. The answer should have the precision of the input, or a
    training step doubles its memory without a word."""

    def mse_gradient(prediction, target):
        return 2 * (prediction - target).astype(np.float64) / prediction.size


class WrittenIntoACopy(Mutant):
    """This writes through `ravel()`. That is a view of a table stored row by row, but a copy of one
    stored column by column, and what is written into the copy is lost."""

    def mse_gradient(prediction, target):
        gradient = np.zeros_like(prediction, dtype=np.result_type(prediction, 1.0))
        gradient.ravel()[:] = (2 * (prediction - target) / prediction.size).ravel()
        return gradient


class GradientsPileUp(Mutant):
    """This adds to the gradient of the previous call, as `backward()` does in torch when nobody
    zeroes the gradients. A gradient depends on its inputs alone."""

    def mse_gradient(prediction, target, store={}):
        gradient = store.get(prediction.shape, 0.0) + 2 * (prediction - target) / prediction.size
        store[prediction.shape] = gradient
        return gradient


class LargestBySign(Mutant):
    """This takes the largest residuals by sign, so that an outlier below is the last to count.
    The pull goes with the absolute value."""

    def top_share(prediction, target, k):
        residual = np.sort(prediction - target, axis=None)
        total = np.abs(residual).sum()
        return np.abs(residual[residual.size - k :]).sum() / total if total else 0.0


class ShareOfTheLoss(Mutant):
    """This is the share of the loss, from squared residuals. The gradient is proportional to the
    residual itself; the share of the pull is asked for."""

    def top_share(prediction, target, k):
        pull = np.sort((prediction - target) ** 2.0, axis=None)
        total = pull.sum()
        return pull[pull.size - k :].sum() / total if total else 0.0


class SmallestInsteadOfLargest(Mutant):
    """This takes the k smallest residuals: `sort` puts the small ones first."""

    def top_share(prediction, target, k):
        pull = np.sort(np.abs(prediction - target), axis=None)
        total = pull.sum()
        return pull[:k].sum() / total if total else 0.0


class SmallTakenForPerfect(Mutant):
    """This takes a small total for a perfect fit. In a large unit all residuals are small, and the
    shares are what they were; only where all are exactly zero there is nothing to share."""

    def top_share(prediction, target, k):
        pull = np.sort(np.abs(prediction - target), axis=None)
        total = pull.sum()
        return 0.0 if total < 1e-9 else pull[pull.size - k :].sum() / total


class MinusZeroSlice(Mutant):
    """This slices with `[-k:]`. For k = 0 that is `[0:]`, everything instead of nothing."""

    def top_share(prediction, target, k):
        pull = np.sort(np.abs(prediction - target), axis=None)
        total = pull.sum()
        return pull[-k:].sum() / total if total else 0.0


class ZeroByZero(Mutant):
    """This divides zero by zero at a perfect fit. Where nothing pulls, the share is 0 by
    agreement."""

    def top_share(prediction, target, k):
        pull = np.sort(np.abs(prediction - target), axis=None)
        return pull[pull.size - k :].sum() / pull.sum()


class EpsilonInTheDenominator(Mutant):
    """This adds a small number to the denominator. When the residuals are small themselves, it
    decides the answer; treat the one special case, a total of exactly zero, by name."""

    def top_share(prediction, target, k):
        pull = np.sort(np.abs(prediction - target), axis=None)
        return pull[pull.size - k :].sum() / (pull.sum() + 1e-12)


class PullsThatCancel(Mutant):
    """This divides by the sum of signed gradients, in which pulls of opposite sign cancel; the
    "share" can then be anything, even above 1."""

    def top_share(prediction, target, k):
        residual = (prediction - target).ravel()
        order = np.argsort(np.abs(residual))
        total = abs(residual.sum())
        return np.abs(residual[order[residual.size - k :]]).sum() / total if total else 0.0
