"""Wrong solutions to 07 that real people write."""

import numpy as np

from autograder.bank import Mutant


class TemperatureForgotten(Mutant):
    """This leaves the temperature out. Similarities lie between −1 and 1, and without it even a
    perfect model could hardly tell its keys apart."""

    def info_nce(similarity, temperature):
        if similarity.shape[0] != similarity.shape[1] or not temperature > 0:
            raise ValueError("shape or temperature")
        ahead = similarity - similarity.diagonal()[:, None]
        return np.mean(np.logaddexp.reduce(ahead, axis=1))


class TimesTheTemperature(Mutant):
    """This multiplies by the temperature. A low temperature sharpens the choice: divide by it."""

    def info_nce(similarity, temperature):
        if similarity.shape[0] != similarity.shape[1] or not temperature > 0:
            raise ValueError("shape or temperature")
        ahead = (similarity - similarity.diagonal()[:, None]) * temperature
        return np.mean(np.logaddexp.reduce(ahead, axis=1))


class PositiveLeftOut(Mutant):
    """This leaves the positive out of the sum below the fraction line. That is another loss, which
    can be negative; here p is a probability among all keys."""

    def info_nce(similarity, temperature):
        if similarity.shape[0] != similarity.shape[1] or not temperature > 0:
            raise ValueError("shape or temperature")
        ahead = (similarity - similarity.diagonal()[:, None]) / temperature
        ahead[np.diag_indices(len(ahead))] = -np.inf
        return np.mean(np.logaddexp.reduce(ahead, axis=1))


class ColumnsInsteadOfRows(Mutant):
    """This lets each key choose among the queries. A row is one query; the choice runs along it."""

    def info_nce(similarity, temperature):
        if similarity.shape[0] != similarity.shape[1] or not temperature > 0:
            raise ValueError("shape or temperature")
        ahead = (similarity - similarity.diagonal()[None, :]) / temperature
        return np.mean(np.logaddexp.reduce(ahead, axis=0))


class BothDirections(Mutant):
    """This averages over rows and columns, as CLIP does. Here only the queries choose."""

    def info_nce(similarity, temperature):
        if similarity.shape[0] != similarity.shape[1] or not temperature > 0:
            raise ValueError("shape or temperature")
        own = similarity.diagonal()
        by_row = np.logaddexp.reduce((similarity - own[:, None]) / temperature, axis=1)
        by_column = np.logaddexp.reduce((similarity - own[None, :]) / temperature, axis=0)
        return np.mean(by_row + by_column) / 2


class OneChoiceForTheWholeTable(Mutant):
    """This divides by the sum over the whole table. Every row is a choice of its own."""

    def info_nce(similarity, temperature):
        if similarity.shape[0] != similarity.shape[1] or not temperature > 0:
            raise ValueError("shape or temperature")
        logits = similarity / temperature
        return np.logaddexp.reduce(logits, axis=None) - np.mean(np.diag(logits))


class OverflowingExponential(Mutant):
    """This takes exponentials of s/τ as they are. At a temperature of 0.001 they are infinite, and
    ∞/∞ is nan; subtract the largest of the row first."""

    def info_nce(similarity, temperature):
        if similarity.shape[0] != similarity.shape[1] or not temperature > 0:
            raise ValueError("shape or temperature")
        with np.errstate(all="ignore"):
            weight = np.exp(similarity / temperature)
            return -np.mean(np.log(np.diag(weight) / weight.sum(axis=1)))


class EpsilonInTheLogarithm(Mutant):
    """This adds a small number to the probability before the logarithm. It caps the loss at 18,
    where the positive is most clearly beaten."""

    def info_nce(similarity, temperature):
        if similarity.shape[0] != similarity.shape[1] or not temperature > 0:
            raise ValueError("shape or temperature")
        p = probabilities(similarity, temperature)
        return -np.mean(np.log(np.diag(p) + 1e-8))


class ProbabilityUnderflow(Mutant):
    """This takes the logarithm of the finished probability. At a low temperature that is 0, and the
    loss infinite; stay with logarithms all the way."""

    def info_nce(similarity, temperature):
        if similarity.shape[0] != similarity.shape[1] or not temperature > 0:
            raise ValueError("shape or temperature")
        with np.errstate(divide="ignore"):
            return -np.mean(np.log(np.diag(probabilities(similarity, temperature))))


class LogitsClipped(Mutant):
    """This clips the logits to keep the exponentials in range. Beyond, nothing counts any more, and
    nobody is told."""

    def info_nce(similarity, temperature):
        if similarity.shape[0] != similarity.shape[1] or not temperature > 0:
            raise ValueError("shape or temperature")
        logits = np.clip(similarity / temperature, -50, 50)
        return np.mean(np.logaddexp.reduce(logits, axis=1) - np.diag(logits))


class SumOverRows(Mutant):
    """This adds up the rows. The mean is asked for, so that the loss does not grow with the
    batch."""

    def info_nce(similarity, temperature):
        if similarity.shape[0] != similarity.shape[1] or not temperature > 0:
            raise ValueError("shape or temperature")
        ahead = (similarity - similarity.diagonal()[:, None]) / temperature
        return np.sum(np.logaddexp.reduce(ahead, axis=1))


class SignTurned(Mutant):
    """This is the mean log-probability itself. To be minimised, it needs a minus."""

    def info_nce(similarity, temperature):
        if similarity.shape[0] != similarity.shape[1] or not temperature > 0:
            raise ValueError("shape or temperature")
        ahead = (similarity - similarity.diagonal()[:, None]) / temperature
        return -np.mean(np.logaddexp.reduce(ahead, axis=1))


class MeanBelowTheLine(Mutant):
    """This divides by the mean of the exponentials, which takes log n off the loss. The sum makes
    probabilities."""

    def info_nce(similarity, temperature):
        if similarity.shape[0] != similarity.shape[1] or not temperature > 0:
            raise ValueError("shape or temperature")
        ahead = (similarity - similarity.diagonal()[:, None]) / temperature
        return np.mean(np.logaddexp.reduce(ahead, axis=1)) - np.log(len(ahead))


class EveryKeyAsPositive(Mutant):
    """This averages −log p over the whole table. Only the entries on the diagonal are positives."""

    def info_nce(similarity, temperature):
        if similarity.shape[0] != similarity.shape[1] or not temperature > 0:
            raise ValueError("shape or temperature")
        logits = similarity / temperature
        return np.mean(np.logaddexp.reduce(logits, axis=1, keepdims=True) - logits)


class Bits(Mutant):
    """This uses logarithms to base 2, and so gives bits. The loss is in nats here."""

    def info_nce(similarity, temperature):
        if similarity.shape[0] != similarity.shape[1] or not temperature > 0:
            raise ValueError("shape or temperature")
        ahead = (similarity - similarity.diagonal()[:, None]) / temperature
        return np.mean(np.logaddexp.reduce(ahead, axis=1)) / np.log(2)


class AnyTemperature(Mutant):
    """This accepts a temperature of 0 or below. A negative one turns the game round and rewards the
    worst key; it should raise ValueError."""

    def info_nce(similarity, temperature):
        if similarity.shape[0] != similarity.shape[1]:
            raise ValueError("shape")
        with np.errstate(all="ignore"):
            ahead = (similarity - similarity.diagonal()[:, None]) / temperature
            return np.mean(np.logaddexp.reduce(ahead, axis=1))


class AnyShape(Mutant):
    """This accepts tables that are not square, in which some row or key has no partner."""

    def info_nce(similarity, temperature):
        if not temperature > 0:
            raise ValueError("temperature")
        logits = similarity / temperature
        n = min(logits.shape)
        return np.mean(np.logaddexp.reduce(logits, axis=1)[:n] - np.diag(logits))


class NanHidden(Mutant):
    """This leaves out rows with a NaN. A loss that hides a NaN hides the bug that made it."""

    def info_nce(similarity, temperature):
        if similarity.shape[0] != similarity.shape[1] or not temperature > 0:
            raise ValueError("shape or temperature")
        ahead = (similarity - similarity.diagonal()[:, None]) / temperature
        return np.nanmean(np.logaddexp.reduce(ahead, axis=1))


class ShiftedInPlace(Mutant):
    """This subtracts from the caller's own table. After the call, the similarities are gone."""

    def info_nce(similarity, temperature):
        if similarity.shape[0] != similarity.shape[1] or not temperature > 0:
            raise ValueError("shape or temperature")
        similarity -= similarity.diagonal()[:, None].copy()
        return np.mean(np.logaddexp.reduce(similarity / temperature, axis=1))


class ProbabilitiesDownTheColumns(Mutant):
    """These probabilities add up to one in each column. A row is one choice."""

    def probabilities(similarity, temperature):
        if not temperature > 0:
            raise ValueError("temperature")
        weight = np.exp((similarity - similarity.max(axis=0)) / temperature)
        return weight / weight.sum(axis=0)


class InfinityByInfinity(Mutant):
    """These probabilities are ∞/∞ at a low temperature. Adding a number to a whole row changes
    nothing: make its largest exponent 0."""

    def probabilities(similarity, temperature):
        if not temperature > 0:
            raise ValueError("temperature")
        with np.errstate(all="ignore"):
            weight = np.exp(similarity / temperature)
            return weight / weight.sum(axis=1, keepdims=True)


class LargestOfTheWholeTable(Mutant):
    """This subtracts the largest similarity of the whole table. At a low temperature, all weights
    of a weaker row become 0, and 0/0 is nan; each row needs its own largest."""

    def probabilities(similarity, temperature):
        if not temperature > 0:
            raise ValueError("temperature")
        with np.errstate(all="ignore"):
            weight = np.exp((similarity - similarity.max()) / temperature)
            return weight / weight.sum(axis=1, keepdims=True)


class ProbabilitiesAtAnyTemperature(Mutant):
    """These probabilities accept a temperature of 0 or below; that should raise ValueError."""

    def probabilities(similarity, temperature):
        with np.errstate(all="ignore"):
            behind = (similarity - similarity.max(axis=1, keepdims=True)) / temperature
            weight = np.exp(behind)
            return weight / weight.sum(axis=1, keepdims=True)


class TemperatureMissingInFront(Mutant):
    """This gradient lacks the factor 1/τ: it is the slope in the logits s/τ, and the chain rule
    goes on to s. At τ = 0.07 it is fourteen times too small."""

    def info_nce_gradient(similarity, temperature):
        p = probabilities(similarity, temperature)
        n = len(p)
        return (p - np.eye(n, dtype=p.dtype)) / n


class TimesTemperatureInFront(Mutant):
    """This gradient multiplies by τ where the chain rule divides."""

    def info_nce_gradient(similarity, temperature):
        p = probabilities(similarity, temperature)
        n = len(p)
        return (p - np.eye(n, dtype=p.dtype)) * temperature / n


class TheMeanIsMissing(Mutant):
    """This is the gradient of the sum over rows; the mean also divides it by n."""

    def info_nce_gradient(similarity, temperature):
        p = probabilities(similarity, temperature)
        n = len(p)
        return (p - np.eye(n, dtype=p.dtype)) / temperature


class MeanOfAllEntries(Mutant):
    """This divides by the number of all entries. The mean runs over the n rows."""

    def info_nce_gradient(similarity, temperature):
        p = probabilities(similarity, temperature)
        n = len(p)
        return (p - np.eye(n, dtype=p.dtype)) / (n * n * temperature)


class DownhillDirection(Mutant):
    """This gradient points downhill: it pushes positives apart. Raising the similarity of a
    positive makes the loss smaller."""

    def info_nce_gradient(similarity, temperature):
        p = probabilities(similarity, temperature)
        n = len(p)
        return (np.eye(n, dtype=p.dtype) - p) / (n * temperature)


class PositiveNotSubtracted(Mutant):
    """This gradient is made of the probabilities alone, and pushes every key away, the right one
    too. Each row of the gradient adds up to zero."""

    def info_nce_gradient(similarity, temperature):
        p = probabilities(similarity, temperature)
        n = len(p)
        return p / (n * temperature)


class PositivesOnly(Mutant):
    """This gradient is 0 for the negatives. They stand in the sum below the fraction line and are
    pushed away."""

    def info_nce_gradient(similarity, temperature):
        p = probabilities(similarity, temperature)
        n = len(p)
        return (p - 1) * np.eye(n, dtype=p.dtype) / (n * temperature)


class PrecisionRaised(Mutant):
    """This gradient turns float32 into float64: `np.eye` without a dtype is float64."""

    def info_nce_gradient(similarity, temperature):
        p = probabilities(similarity, temperature)
        n = len(p)
        return (p - np.eye(n)) / (n * temperature)


class TableOverwritten(Mutant):
    """This writes the gradient into the caller's own table of similarities."""

    def info_nce_gradient(similarity, temperature):
        p = probabilities(similarity, temperature)
        n = len(p)
        similarity[...] = (p - np.eye(n, dtype=p.dtype)) / (n * temperature)
        return similarity


class EntropiesOfPythonNumbers(Mutant):
    """This collects Python numbers in a list, and an array made of them is float64 whatever the
    similarities are."""

    def row_entropy(similarity, temperature):
        rows = probabilities(similarity, temperature).tolist()
        return np.array([-sum(p * np.log(p) for p in row if p > 0) for row in rows])


class ZeroTimesMinusInfinity(Mutant):
    """This takes the logarithm of probabilities that are 0, and 0 · (−∞) is nan. A key without
    probability adds nothing to the entropy."""

    def row_entropy(similarity, temperature):
        p = probabilities(similarity, temperature)
        with np.errstate(all="ignore"):
            return -np.sum(p * np.log(p), axis=1)


class EntropyWithEpsilon(Mutant):
    """This adds a small number inside the logarithm, and every entropy is a little too small. Leave
    the zeros out instead."""

    def row_entropy(similarity, temperature):
        p = probabilities(similarity, temperature)
        return -np.sum(p * np.log(p + 1e-8), axis=1)


class EntropyWithTinyEpsilon(Mutant):
    """This adds 1e-12 inside the logarithm. Where one key is nearly certain, the whole entropy is
    hardly more than that, and comes out too small or even negative. Leave the zeros out instead."""

    def row_entropy(similarity, temperature):
        p = probabilities(similarity, temperature)
        return -np.sum(p * np.log(p + 1e-12), axis=1)


class EntropyInBits(Mutant):
    """This entropy is in bits; natural logarithms are asked for."""

    def row_entropy(similarity, temperature):
        p = probabilities(similarity, temperature)
        return -np.sum(p * np.log2(np.where(p > 0, p, 1)), axis=1)


class MinusForgotten(Mutant):
    """This entropy lacks the minus. Logarithms of probabilities are negative, entropies are not."""

    def row_entropy(similarity, temperature):
        p = probabilities(similarity, temperature)
        return np.sum(p * np.log(np.where(p > 0, p, 1)), axis=1)


class OneEntropyForAll(Mutant):
    """This averages over the rows. Every row has its own entropy."""

    def row_entropy(similarity, temperature):
        p = probabilities(similarity, temperature)
        return np.mean(-np.sum(p * np.log(np.where(p > 0, p, 1)), axis=1))


class ShareOfTheLargestEntropy(Mutant):
    """This divides by log n. That is a useful measure between 0 and 1, but not the entropy in
    nats."""

    def row_entropy(similarity, temperature):
        p = probabilities(similarity, temperature)
        entropy = -np.sum(p * np.log(np.where(p > 0, p, 1)), axis=1)
        return entropy / np.log(max(len(p), 2))


class EntropyWithoutTemperature(Mutant):
    """This entropy is taken at a temperature of 1, whatever was asked for."""

    def row_entropy(similarity, temperature):
        p = probabilities(similarity, 1.0)
        return -np.sum(p * np.log(np.where(p > 0, p, 1)), axis=1)


class CrossEntropyWithThePositive(Mutant):
    """This is −log p of the positive, the row's loss. The entropy is the mean of −log p under p
    itself."""

    def row_entropy(similarity, temperature):
        behind = (similarity - similarity.max(axis=1, keepdims=True)) / temperature
        return np.log(np.exp(behind).sum(axis=1)) - np.diag(behind)


class SlopeInOneOverTau(Mutant):
    """This is the derivative with respect to 1/τ, with its sign turned: Var/τ. To get to τ,
    multiply by the derivative of 1/τ."""

    def entropy_slope(similarity, temperature):
        p = probabilities(similarity, temperature)
        mean = np.sum(p * similarity, axis=1, keepdims=True)
        variance = np.sum(p * (similarity - mean) ** 2, axis=1)
        return variance / temperature


class OneTauShort(Mutant):
    """This lacks a factor 1/τ: one comes from the logits, two from the derivative of 1/τ."""

    def entropy_slope(similarity, temperature):
        p = probabilities(similarity, temperature)
        mean = np.sum(p * similarity, axis=1, keepdims=True)
        variance = np.sum(p * (similarity - mean) ** 2, axis=1)
        return variance / temperature**2


class FallsTheOtherWay(Mutant):
    """This has the wrong sign: a lower temperature sharpens the choice, so that the entropy rises
    with the temperature."""

    def entropy_slope(similarity, temperature):
        p = probabilities(similarity, temperature)
        mean = np.sum(p * similarity, axis=1, keepdims=True)
        variance = np.sum(p * (similarity - mean) ** 2, axis=1)
        return -variance / temperature**3


class AllKeysAlike(Mutant):
    """This is the variance of the similarities with equal weights. The keys count by their
    probabilities."""

    def entropy_slope(similarity, temperature):
        return np.var(similarity, axis=1) / temperature**3


class MeanNotSubtracted(Mutant):
    """This is the mean square of the similarities. The square of their mean is missing; without it,
    a number added to the row would change the slope."""

    def entropy_slope(similarity, temperature):
        p = probabilities(similarity, temperature)
        return np.sum(p * similarity**2, axis=1) / temperature**3


class DifferenceOfLargeNumbers(Mutant):
    """This subtracts the square of the mean from the mean of the squares. Far from zero both are
    large and nearly equal, and the digits are gone; subtract the mean first."""

    def entropy_slope(similarity, temperature):
        p = probabilities(similarity, temperature)
        mean = np.sum(p * similarity, axis=1)
        return (np.sum(p * similarity**2, axis=1) - mean**2) / temperature**3


class FiniteDifferences(Mutant):
    """This approximates the slope by a small step, and is wrong as soon as the temperature is not
    much larger than the step. The formula is exact."""

    def entropy_slope(similarity, temperature):
        step = 1e-4
        warmer = row_entropy(similarity, temperature + step)
        return (warmer - row_entropy(similarity, temperature)) / step


class StandardDeviation(Mutant):
    """This is the standard deviation; the variance, its square, is what is left over."""

    def entropy_slope(similarity, temperature):
        p = probabilities(similarity, temperature)
        mean = np.sum(p * similarity, axis=1, keepdims=True)
        variance = np.sum(p * (similarity - mean) ** 2, axis=1)
        return np.sqrt(variance) / temperature**3
