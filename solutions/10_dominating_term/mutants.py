"""Wrong solutions to 10 that real people write."""

import numpy as np

from autograder.bank import Mutant


class LargestValue(Mutant):
    """This looks at values. A model never sees a value, only gradients: a large term may be flat,
    and a tiny one steep."""

    def dominating_term(values, gradients, weights):
        shares = np.median(values / values.sum(axis=1, keepdims=True), axis=0)
        return int(np.argmax(shares)) if shares.max() > 0.6 else -1


class LargestWeightedValue(Mutant):
    """This looks at values times weights, which are parts of the total. What moves the model is
    their slope, not their size."""

    def dominating_term(values, gradients, weights):
        parts = values * weights
        shares = np.median(parts / parts.sum(axis=1, keepdims=True), axis=0)
        return int(np.argmax(shares)) if shares.max() > 0.6 else -1


class LargestWeight(Mutant):
    """This looks at the weights alone. A weight of 100 is no more than a change of unit; with a
    gradient a hundred times shorter it does nothing."""

    def dominating_term(values, gradients, weights):
        shares = np.abs(weights) / np.abs(weights).sum()
        return int(np.argmax(shares)) if shares.max() > 0.6 else -1


class GradientsWithoutWeights(Mutant):
    """This compares gradients before they are weighted. In other units of a term its gradient is
    longer and its weight smaller; only their product takes part in the step."""

    def dominating_term(values, gradients, weights):
        lengths = np.linalg.norm(gradients, axis=-1)
        shares = np.median(lengths / lengths.sum(axis=1, keepdims=True), axis=0)
        return int(np.argmax(shares)) if shares.max() > 0.6 else -1


class NeverAlarmed(Mutant):
    """This never finds anything. No false alarm, and no alarm."""

    def dominating_term(values, gradients, weights):
        return -1


class AlwaysAlarmed(Mutant):
    """This always names the loudest term. Some term is always the loudest; the question is whether
    it leaves the others a part."""

    def dominating_term(values, gradients, weights):
        lengths = gradient_norms(gradients, weights)
        shares = np.median(lengths / lengths.sum(axis=1, keepdims=True), axis=0)
        return int(np.argmax(shares))


class AboveItsFairShare(Mutant):
    """This raises an alarm as soon as a term has clearly more than an equal share. Terms are never
    exactly even, and most such runs are healthy."""

    def dominating_term(values, gradients, weights):
        lengths = gradient_norms(gradients, weights)
        shares = np.median(lengths / lengths.sum(axis=1, keepdims=True), axis=0)
        return int(np.argmax(shares)) if shares.max() > 1.2 / len(weights) else -1


class AlmostEverything(Mutant):
    """This draws the line at 93 % of the summed lengths. A term with 90 % of them is still nine
    times as long as all others together, and so are many that dominate."""

    def dominating_term(values, gradients, weights):
        lengths = gradient_norms(gradients, weights)
        shares = np.median(lengths / lengths.sum(axis=1, keepdims=True), axis=0)
        return int(np.argmax(shares)) if shares.max() > 0.93 else -1


class MuchLongerThanTheTypicalTerm(Mutant):
    """This compares the longest gradient with the median of the terms. In a duel two are far above
    the median, and neither dominates: compare with all others together."""

    def dominating_term(values, gradients, weights):
        lengths = gradient_norms(gradients, weights)
        ratios = np.median(lengths / np.median(lengths, axis=1, keepdims=True), axis=0)
        return int(np.argmax(ratios)) if ratios.max() > 5 else -1


class MeanOverTheRun(Mutant):
    """This averages the lengths over the run. Gradients are longest at the start, and a loud start
    or a few outliers decide the mean; make the steps comparable first."""

    def dominating_term(values, gradients, weights):
        lengths = gradient_norms(gradients, weights).mean(axis=0)
        shares = lengths / lengths.sum()
        return int(np.argmax(shares)) if shares.max() > 0.6 else -1


class FirstStep(Mutant):
    """This looks at the first step only. A loud start is healthy, and domination may come late."""

    def dominating_term(values, gradients, weights):
        lengths = gradient_norms(gradients, weights)[0]
        return int(np.argmax(lengths)) if lengths.max() > 0.6 * lengths.sum() else -1


class LastStep(Mutant):
    """This looks at the last step only, where a dominating term may be silent by chance, or a
    healthy one be an outlier."""

    def dominating_term(values, gradients, weights):
        lengths = gradient_norms(gradients, weights)[-1]
        return int(np.argmax(lengths)) if lengths.max() > 0.6 * lengths.sum() else -1


class AnyStep(Mutant):
    """This raises an alarm for a single loud step. Outliers and loud starts are healthy; what
    counts is most of the run."""

    def dominating_term(values, gradients, weights):
        lengths = gradient_norms(gradients, weights)
        shares = np.max(lengths / lengths.sum(axis=1, keepdims=True), axis=0)
        return int(np.argmax(shares)) if shares.max() > 0.6 else -1


class EveryStep(Mutant):
    """This asks for domination at every single step, and misses what begins late or pauses now and
    then. Most of the steps are enough."""

    def dominating_term(values, gradients, weights):
        lengths = gradient_norms(gradients, weights)
        shares = np.min(lengths / lengths.sum(axis=1, keepdims=True), axis=0)
        return int(np.argmax(shares)) if shares.max() > 0.6 else -1


class QuietestTerm(Mutant):
    """This names the term that is drowned out. The one that drowns it is asked for."""

    def dominating_term(values, gradients, weights):
        lengths = gradient_norms(gradients, weights)
        shares = np.median(lengths / lengths.sum(axis=1, keepdims=True), axis=0)
        return int(np.argmin(shares)) if shares.max() > 0.6 else -1


class CountedFromOne(Mutant):
    """This counts terms from 1. Indices count from 0 here, so that `weights[answer]` is the weight
    to change."""

    def dominating_term(values, gradients, weights):
        lengths = gradient_norms(gradients, weights)
        shares = np.median(lengths / lengths.sum(axis=1, keepdims=True), axis=0)
        return int(np.argmax(shares)) + 1 if shares.max() > 0.6 else -1


class ZeroForNone(Mutant):
    """This answers 0 if no term dominates. But 0 is the index of the first term; the answer for
    none is −1."""

    def dominating_term(values, gradients, weights):
        lengths = gradient_norms(gradients, weights)
        shares = np.median(lengths / lengths.sum(axis=1, keepdims=True), axis=0)
        return int(np.argmax(shares)) if shares.max() > 0.6 else 0


class WeightForgotten(Mutant):
    """These are the lengths of the gradients without their weights. The step goes along the
    weighted ones."""

    def gradient_norms(gradients, weights):
        largest = np.max(np.abs(gradients), axis=-1)
        scale = np.where(largest > 0, largest, 1)
        return scale * np.linalg.norm(gradients / scale[..., None], axis=-1)


class LengthsInDouble(Mutant):
    """This fills a table made with `np.zeros`, which is float64 whatever the gradients are. Lengths
    of float32 gradients are asked for in float32."""

    def gradient_norms(gradients, weights):
        lengths = np.zeros(gradients.shape[:2])
        for step, term in np.ndindex(*lengths.shape):
            g = gradients[step, term].astype(float)
            largest = np.max(np.abs(g)) or 1.0
            lengths[step, term] = abs(weights[term]) * (largest * np.linalg.norm(g / largest))
        return lengths


class SquaredLengths(Mutant):
    """These are squared lengths; the root is missing. Squares exaggerate every difference, and
    those of 1e200 have no room."""

    def gradient_norms(gradients, weights):
        return weights**2 * np.sum(gradients**2, axis=-1)


class SumOfSizes(Mutant):
    """This adds up the sizes of the entries. That is another length, which depends on how the axes
    happen to lie; the Euclidean one does not."""

    def gradient_norms(gradients, weights):
        return np.abs(weights) * np.sum(np.abs(gradients), axis=-1)


class RootMeanSquare(Mutant):
    """This divides by the number of parameters before it takes the root. That is the size of a
    typical entry, not the length."""

    def gradient_norms(gradients, weights):
        largest = np.max(np.abs(gradients), axis=-1)
        scale = np.where(largest > 0, largest, 1)
        squares = np.mean((gradients / scale[..., None]) ** 2, axis=-1)
        return np.abs(weights) * scale * np.sqrt(squares)


class LargestEntry(Mutant):
    """This takes the largest entry of a gradient for its length. All the others count as well."""

    def gradient_norms(gradients, weights):
        return np.abs(weights) * np.max(np.abs(gradients), axis=-1)


class WeightedWithItsSign(Mutant):
    """This multiplies by the weight with its sign, and a negative weight makes a negative length.
    It turns the gradient around; its length stays positive."""

    def gradient_norms(gradients, weights):
        largest = np.max(np.abs(gradients), axis=-1)
        scale = np.where(largest > 0, largest, 1)
        return weights * (scale * np.linalg.norm(gradients / scale[..., None], axis=-1))


class SquaresOutOfRange(Mutant):
    """This squares entries of 1e200, which have no room in a float, and of 1e−200, which become
    zero. Divide by the largest entry first and multiply at the end."""

    def gradient_norms(gradients, weights):
        return np.abs(weights) * np.sqrt(np.sum(gradients**2, axis=-1))


class ZeroByZero(Mutant):
    """This divides a gradient of zero by its largest entry, and gets NaN. Its length is 0."""

    def gradient_norms(gradients, weights):
        largest = np.max(np.abs(gradients), axis=-1)
        return np.abs(weights) * largest * np.linalg.norm(gradients / largest[..., None], axis=-1)


class InnerProducts(Mutant):
    """These are inner products, which grow with the lengths. A cosine divides by both of them."""

    def cosines(gradients):
        return gradients @ gradients.T


class DividedOnce(Mutant):
    """This divides by the length of one of the two gradients only. The table should be symmetric,
    with ones on its diagonal."""

    def cosines(gradients):
        largest = np.max(np.abs(gradients), axis=1, keepdims=True)
        scaled = gradients / np.where(largest > 0, largest, 1)
        length = np.linalg.norm(scaled, axis=1, keepdims=True)
        return scaled / np.where(length > 0, length, 1) @ gradients.T


class ConflictsHidden(Mutant):
    """These are absolute values of cosines. The sign is the point: below 0 two terms pull against
    each other."""

    def cosines(gradients):
        largest = np.max(np.abs(gradients), axis=1, keepdims=True)
        directions = gradients / np.where(largest > 0, largest, 1)
        length = np.linalg.norm(directions, axis=1, keepdims=True)
        directions = directions / np.where(length > 0, length, 1)
        return np.abs(directions @ directions.T)


class Angles(Mutant):
    """These are angles. Their cosines are asked for."""

    def cosines(gradients):
        largest = np.max(np.abs(gradients), axis=1, keepdims=True)
        directions = gradients / np.where(largest > 0, largest, 1)
        length = np.linalg.norm(directions, axis=1, keepdims=True)
        directions = directions / np.where(length > 0, length, 1)
        return np.arccos(np.clip(directions @ directions.T, -1, 1))


class Correlations(Mutant):
    """These are correlations: each gradient's own mean has been subtracted. A gradient's mean is
    part of its direction."""

    def cosines(gradients):
        largest = np.max(np.abs(gradients), axis=1, keepdims=True)
        directions = gradients / np.where(largest > 0, largest, 1)
        directions = directions - directions.mean(axis=1, keepdims=True)
        length = np.linalg.norm(directions, axis=1, keepdims=True)
        directions = directions / np.where(length > 0, length, 1)
        return directions @ directions.T


class EpsilonBesideTheLength(Mutant):
    """This adds a small number to every length so as not to divide by zero. Beside a gradient of
    1e−8 it is not small, and the cosines shrink. Treat the zero gradient by name."""

    def cosines(gradients):
        directions = gradients / (np.linalg.norm(gradients, axis=1, keepdims=True) + 1e-8)
        return directions @ directions.T


class NoDirectionIsNan(Mutant):
    """This divides a zero gradient by its length of zero. It has no direction, and its cosines are
    0 by agreement."""

    def cosines(gradients):
        directions = gradients / np.max(np.abs(gradients), axis=1, keepdims=True)
        directions = directions / np.linalg.norm(directions, axis=1, keepdims=True)
        return directions @ directions.T


class LengthsOutOfRange(Mutant):
    """This squares entries of 1e200 and of 1e−200 on the way to a length, and loses the direction.
    Divide each gradient by its largest entry first."""

    def cosines(gradients):
        length = np.sqrt(np.sum(gradients**2, axis=1, keepdims=True))
        directions = gradients / np.where(length > 0, length, 1)
        return directions @ directions.T


class NormalisedInPlace(Mutant):
    """This normalises the caller's own gradients. After the call their lengths are gone. Work on a
    copy."""

    def cosines(gradients):
        largest = np.max(np.abs(gradients), axis=1, keepdims=True)
        gradients /= np.where(largest > 0, largest, 1)
        length = np.linalg.norm(gradients, axis=1, keepdims=True)
        gradients /= np.where(length > 0, length, 1)
        return gradients @ gradients.T
