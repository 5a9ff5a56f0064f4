"""Wrong solutions to 02 that real people write."""

import numpy as np

from autograder.bank import Mutant


class SquaredError(Mutant):
    """This is the mean squared error; the absolute value of the residuals is asked for."""

    def mae(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError("shapes differ")
        return np.mean((prediction - target) ** 2)


class RootMeanSquare(Mutant):
    """This is the root of the mean square. It is in the right unit, but a large residual counts for
    more than its share."""

    def mae(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError("shapes differ")
        return np.sqrt(np.mean((prediction - target) ** 2))


class SumInsteadOfMean(Mutant):
    """This is the sum of the absolute residuals; a mean divides by the number of entries."""

    def mae(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError("shapes differ")
        return np.sum(np.abs(prediction - target))


class AbsoluteOfTheMean(Mutant):
    """This takes the absolute value of the mean residual. Errors of opposite sign cancel; take the
    absolute values first."""

    def mae(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError("shapes differ")
        return np.abs(np.mean(prediction - target))


class MedianOfTheErrors(Mutant):
    """This is the median of the absolute residuals. The median is what minimises the MAE; the MAE
    itself is a mean."""

    def mae(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError("shapes differ")
        return np.median(np.abs(prediction - target))


class RootOfTheSquare(Mutant):
    """This computes |r| as the root of r². The square of 1e200 overflows and that of 1e-200 is
    zero, while both absolute values are ordinary numbers."""

    def mae(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError("shapes differ")
        return np.mean(np.sqrt((prediction - target) ** 2))


class SilentBroadcasting(Mutant):
    """This lets numpy stretch a column against a row, and averages over all pairs of predictions
    and targets."""

    def mae(prediction, target):
        return np.mean(np.abs(prediction - target))


class HiddenNan(Mutant):
    """This leaves NaN out of the mean. A loss that hides a NaN hides the bug that made it."""

    def mae(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError("shapes differ")
        return np.nanmean(np.abs(prediction - target))


class SubtractionInPlace(Mutant):
    """This subtracts in place with `-=`, and so overwrites the caller's predictions."""

    def mae(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError("shapes differ")
        prediction -= target
        return np.mean(np.abs(prediction))


class TheMeanIsMissing(Mutant):
    """This is the gradient of the sum: every entry is −1, 0 or 1. The mean also divides the
    gradient by the number of entries."""

    def mae_gradient(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError("shapes differ")
        return np.sign(prediction - target) * 1.0


class SignTurned(Mutant):
    """This gradient points downhill: it is that of target − prediction. Raising a prediction that
    is too high makes the MAE grow."""

    def mae_gradient(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError("shapes differ")
        return np.sign(target - prediction) / prediction.size


class OneAtTheCorner(Mutant):
    """This counts a residual of zero as positive. 1/n is a subgradient there, but it pushes a
    perfect prediction away; the agreed answer is 0."""

    def mae_gradient(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError("shapes differ")
        residual = prediction - target
        sign = np.where(residual < 0, -1, 1) + 0 * residual
        return sign / prediction.size


class MinusOneAtTheCorner(Mutant):
    """This counts a residual of zero as negative. −1/n is a subgradient there, but it pushes a
    perfect prediction away; the agreed answer is 0."""

    def mae_gradient(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError("shapes differ")
        residual = prediction - target
        sign = np.where(residual > 0, 1, -1) + 0 * residual
        return sign / prediction.size


class DividedByItself(Mutant):
    """This computes the sign as r/|r|, which is 0/0 at a perfect prediction."""

    def mae_gradient(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError("shapes differ")
        residual = prediction - target
        with np.errstate(invalid="ignore"):
            return residual / np.abs(residual) / prediction.size


class CornerRoundedOff(Mutant):
    """This adds a small number under the fraction line to round off the corner. Residuals of that
    size or smaller then pull too little; the sign is exact and needs no help."""

    def mae_gradient(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError("shapes differ")
        residual = prediction - target
        return residual / (np.abs(residual) + 1e-8) / prediction.size


class PullOfSquaredError(Mutant):
    """This gradient grows with the residual, as that of squared error does. Under absolute error
    every entry pulls with the same force, however far off it is."""

    def mae_gradient(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError("shapes differ")
        return (prediction - target) / prediction.size


class RowsInsteadOfEntries(Mutant):
    """This divides by the number of rows, `len(prediction)`. The mean runs over all entries of a
    table, `prediction.size`."""

    def mae_gradient(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError("shapes differ")
        return np.sign(prediction - target) / len(prediction)


class EntriesThatCount(Mutant):
    """This divides by the number of residuals that are not zero. The mean counts the perfect
    predictions too."""

    def mae_gradient(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError("shapes differ")
        residual = prediction - target
        return np.sign(residual) / max(np.count_nonzero(residual), 1)


class PrecisionRaised(Mutant):
    """This turns float32 into float64: `np.where` between Python numbers takes numpy's default
    precision."""

    def mae_gradient(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError("shapes differ")
        residual = prediction - target
        sign = np.where(residual > 0, 1.0, np.where(residual < 0, -1.0, 0 * residual))
        return sign.astype(float) / prediction.size


class WholeNumbersCutOff(Mutant):
    """This fills an array made with `zeros_like` of the prediction. For whole-number inputs that
    array can hold whole numbers only, and every 1/n is cut off to 0."""

    def mae_gradient(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError("shapes differ")
        gradient = np.zeros_like(prediction)
        gradient[...] = np.sign(prediction - target) / prediction.size
        return gradient


class NanTakenForPerfect(Mutant):
    """This gives 0 where a NaN came in: NaN is neither above nor below, and so it passes for a
    perfect prediction. A NaN must come out."""

    def mae_gradient(prediction, target):
        if prediction.shape != target.shape:
            raise ValueError("shapes differ")
        above, below = prediction > target, prediction < target
        sign = above.astype(float) - below.astype(float)
        gradient = sign / prediction.size
        return gradient.astype(prediction.dtype) if prediction.dtype.kind == "f" else gradient


class GradientOfStretchedArrays(Mutant):
    """This gradient does not look at the shapes: a column against a row gives a table."""

    def mae_gradient(prediction, target):
        return np.sign(prediction - target) / prediction.size


class OneSlopeForAll(Mutant):
    """This returns one subgradient twice. At a corner there is a whole interval of them, the
    subdifferential, and its two ends are asked for."""

    def slope_interval(constant, target):
        middle = np.mean(np.sign(constant - target), dtype=float)
        return middle, middle


class WholeIntervalAtEveryCorner(Mutant):
    """This returns [−1, 1] at every corner. That is the interval of a single |r|; the other targets
    have their slopes as well, and all of them are averaged."""

    def slope_interval(constant, target):
        if np.any(target == constant) and not np.isnan(target).any():
            return -1.0, 1.0
        middle = np.mean(np.sign(constant - target), dtype=float)
        return middle, middle


class HalfTheCorner(Mutant):
    """This interval is half as wide as it should be: an equal target contributes from −1 to 1, not
    from −½ to ½."""

    def slope_interval(constant, target):
        middle = np.mean(np.sign(constant - target), dtype=float)
        corner = np.mean(target == constant) / 2
        return middle - corner, middle + corner


class AboveAndBelowSwapped(Mutant):
    """This interval has its sign turned: targets *below* the constant make the MAE grow when the
    constant is raised."""

    def slope_interval(constant, target):
        middle = np.mean(np.sign(target - constant), dtype=float)
        corner = np.mean(target == constant)
        return middle - corner, middle + corner


class CountsInsteadOfShares(Mutant):
    """These are the slopes of the sum of absolute errors. The mean divides them by the number of
    targets."""

    def slope_interval(constant, target):
        middle = np.sum(np.sign(constant - target), dtype=float)
        corner = np.sum(target == constant, dtype=float)
        return middle - corner, middle + corner


class EndsSwapped(Mutant):
    """These are the right two ends in the wrong order: the lower one comes first."""

    def slope_interval(constant, target):
        middle = np.mean(np.sign(constant - target), dtype=float)
        corner = np.mean(target == constant)
        return middle + corner, middle - corner


class NearlyEqual(Mutant):
    """This takes targets *close to* the constant for equal, as `isclose` does. In a small unit
    everything is close; a corner is where they are exactly equal."""

    def slope_interval(constant, target):
        equal = np.isclose(target, constant)
        sign = np.where(equal, 0, np.sign(constant - target))
        middle, corner = np.mean(sign, dtype=float), np.mean(equal)
        return middle - corner, middle + corner


class NanCountedNowhere(Mutant):
    """This counts targets below and above, and a NaN is neither. It silently drops out; it should
    come out."""

    def slope_interval(constant, target):
        below, above = np.mean(target < constant), np.mean(target > constant)
        equal = np.mean(target == constant)
        return below - above - equal, below - above + equal


class MiddleOfTheMiddle(Mutant):
    """This returns `np.median` twice. For an even number of readings numpy reports the centre of an
    interval, all of which is equally good."""

    def minimisers(target):
        return np.median(target), np.median(target)


class MeanMinimisesSquares(Mutant):
    """This is the mean, which minimises the squared error. Absolute error is smallest at the
    median."""

    def minimisers(target):
        return np.mean(target), np.mean(target)


class NotSorted(Mutant):
    """This takes the readings in the middle of the array. They have to be sorted first: the middle
    in size is asked for, not the middle in time."""

    def minimisers(target):
        if np.isnan(target).any():
            return np.nan, np.nan
        flat = target.ravel()
        return flat[(flat.size - 1) // 2], flat[flat.size // 2]


class OneTooFar(Mutant):
    """This is one position too far to the right: with n readings, counting from 0, the middle ones
    are number (n − 1) // 2 and n // 2."""

    def minimisers(target):
        if np.isnan(target).any():
            return np.nan, np.nan
        ordered = np.sort(target, axis=None)
        n = ordered.size
        return ordered[n // 2], ordered[min((n + 2) // 2, n - 1)]


class LowerMedianOnly(Mutant):
    """This finds one of the best constants and not all: for an even number of readings the upper
    end is the next reading."""

    def minimisers(target):
        low = np.quantile(target, 0.5, method="lower")
        return low, low


class NoEvenNumbers(Mutant):
    """This always takes two neighbours in the middle. For an odd number of readings the slope jumps
    across zero at one reading, and that one alone is best."""

    def minimisers(target):
        if np.isnan(target).any():
            return np.nan, np.nan
        ordered = np.sort(target, axis=None)
        n = ordered.size
        return ordered[max(n // 2 - 1, 0)], ordered[n // 2]


class SmallestToLargest(Mutant):
    """This is the range of all readings. A constant at its end has nearly all readings on one side,
    and all of them pull."""

    def minimisers(target):
        return np.min(target), np.max(target)


class QuarterToThreeQuarters(Mutant):
    """These are the quartiles, a measure of spread. The best constants have half of the readings on
    either side."""

    def minimisers(target):
        return np.quantile(target, 0.25), np.quantile(target, 0.75)


class SortedInPlace(Mutant):
    """This sorts the caller's own array. After the call, every reading has lost its place."""

    def minimisers(target):
        if np.isnan(target).any():
            return np.nan, np.nan
        flat = target.reshape(-1)
        flat.sort()
        return flat[(flat.size - 1) // 2], flat[flat.size // 2]


class NanSortedToTheEnd(Mutant):
    """This sorts a NaN to the end, where it counts as a large reading. It should come out."""

    def minimisers(target):
        ordered = np.sort(target, axis=None)
        return ordered[(ordered.size - 1) // 2], ordered[ordered.size // 2]
