"""Wrong solutions to 09 that real people write.

Beside another loss, the same gradient or reading may be right. So a function that is wrong only
beside others comes together with them, in a design that is not the solution's, and is known by all.
"""

import numpy as np

from autograder.bank import Mutant


class PlainCrossEntropy(Mutant):
    """This is binary cross-entropy itself. It is right in the end, but the end is more than ten
    steps away: at first the many negatives decide where the weights go."""

    def detection_loss(logits, labels):
        return np.mean(np.logaddexp(0, logits) - labels * logits)

    def detection_gradient(logits, labels):
        return (sigmoid(logits) - labels) / len(labels)

    def probability(logits, prior):
        return sigmoid(logits)


class CorrectedWithoutCause(Mutant):
    """This is binary cross-entropy, read as if it had been weighted. The reading has to undo what
    the loss did, and this loss did nothing."""

    def detection_loss(logits, labels):
        return np.mean(np.logaddexp(0, logits) - labels * logits)

    def detection_gradient(logits, labels):
        return (sigmoid(logits) - labels) / len(labels)

    def probability(logits, prior):
        return sigmoid(logits + np.log(prior))


class TenTimesCrossEntropy(Mutant):
    """This multiplies cross-entropy by a number. The trainer's steps have a fixed length: only the
    direction of the gradient counts, and that is the old one."""

    def detection_loss(logits, labels):
        return 10 * np.mean(np.logaddexp(0, logits) - labels * logits)

    def detection_gradient(logits, labels):
        return 10 * (sigmoid(logits) - labels) / len(labels)

    def probability(logits, prior):
        return sigmoid(logits)


class FocalAlone(Mutant):
    """This is focal loss with the usual γ = 2 and α = 0.25. At the start no window is easy yet, so
    that it begins like cross-entropy; and its minimum is not at the true probability."""

    def detection_loss(logits, labels):
        margin = np.where(labels == 1, logits, -logits)
        weight = np.where(labels == 1, 0.25, 0.75) * sigmoid(-margin) ** 2
        return np.mean(weight * np.logaddexp(0, -margin))

    def detection_gradient(logits, labels):
        margin = np.where(labels == 1, logits, -logits)
        missing = sigmoid(-margin)
        slope = missing**2 * (2 * (1 - missing) * np.logaddexp(0, -margin) + missing)
        return np.where(labels == 1, -0.25, 0.75) * slope / len(labels)

    def probability(logits, prior):
        return sigmoid(logits)


class SquaredErrorOfProbabilities(Mutant):
    """This is the squared error of σ(logit). Its gradient vanishes where the model is sure and
    wrong, and the negatives still decide the first steps."""

    def detection_loss(logits, labels):
        return np.mean((sigmoid(logits) - labels) ** 2)

    def detection_gradient(logits, labels):
        p = sigmoid(logits)
        return 2 * (p - labels) * p * (1 - p) / len(labels)

    def probability(logits, prior):
        return sigmoid(logits)


class ConstantLoss(Mutant):
    """This loss is constant. Its gradient is zero, and nothing is ever learned from it."""

    def detection_loss(logits, labels):
        return 0.0

    def detection_gradient(logits, labels):
        return np.zeros(len(logits))


class Accuracy(Mutant):
    """This counts errors. A count is flat almost everywhere, so that its gradient is zero; and with
    2 % of objects, finding none of them has an accuracy of 98 %."""

    def detection_loss(logits, labels):
        return np.mean((logits > 0) != (labels == 1))

    def detection_gradient(logits, labels):
        return np.zeros(len(logits))


class ObjectsOnly(Mutant):
    """This looks at objects only. Without a term for the other windows, raising every score is
    best."""

    def detection_loss(logits, labels):
        return np.sum(labels * np.logaddexp(0, -logits)) / max(np.sum(labels), 1)

    def detection_gradient(logits, labels):
        return -labels * sigmoid(-logits) / max(np.sum(labels), 1)


class ShiftTurned(Mutant):
    """This shifts the logits in the wrong direction: the model starts by expecting objects almost
    everywhere, and the negatives pull even harder than before."""

    def detection_loss(logits, labels):
        shifted = logits - log_odds_of(labels)
        return np.mean(np.logaddexp(0, shifted) - labels * shifted)

    def detection_gradient(logits, labels):
        return (sigmoid(logits - log_odds_of(labels)) - labels) / len(labels)

    def probability(logits, prior):
        return sigmoid(logits - np.log(prior / (1 - prior)))


class WeightsSwapped(Mutant):
    """This gives the larger weight to the class that has more windows already. A rare window has to
    weigh more, not less."""

    def detection_loss(logits, labels):
        share = np.mean(labels)
        weights = np.where(labels == 1, share, 1 - share)
        return np.mean(weights * (np.logaddexp(0, logits) - labels * logits))

    def detection_gradient(logits, labels):
        share = np.mean(labels)
        weights = np.where(labels == 1, share, 1 - share)
        return weights * (sigmoid(logits) - labels) / len(labels)


class WeightedAndReadAsTrained(Mutant):
    """This weights objects up and reads the logits as if nothing had happened: with 2 % of objects
    its odds are about fifty times too high. Divide them by the weight."""

    def detection_loss(logits, labels):
        weights = np.where(labels == 1, 0.5 / max(np.mean(labels), 1e-9), 0.5)
        weights = np.where(labels == 1, weights, 0.5 / max(1 - np.mean(labels), 1e-9))
        return np.mean(weights * (np.logaddexp(0, logits) - labels * logits))

    def detection_gradient(logits, labels):
        weights = np.where(labels == 1, 0.5 / max(np.mean(labels), 1e-9), 0.5)
        weights = np.where(labels == 1, weights, 0.5 / max(1 - np.mean(labels), 1e-9))
        return weights * (sigmoid(logits) - labels) / len(labels)

    def probability(logits, prior):
        return sigmoid(logits)


class ReadAsTrained(Mutant):
    """This reads the logits as if your loss had neither shifted nor weighted anything. The order of
    the windows does not suffer, but every probability is far too high: undo here what the loss
    did."""

    def shift_of(labels):
        return np.log((np.sum(labels) + 1) / (np.sum(1 - labels) + 1))

    def detection_loss(logits, labels):
        shifted = logits + shift_of(labels)
        return np.mean(np.logaddexp(0, shifted) - labels * shifted)

    def detection_gradient(logits, labels):
        return (sigmoid(logits + shift_of(labels)) - labels) / len(labels)

    def probability(logits, prior):
        return sigmoid(logits)


class CorrectedTheWrongWay(Mutant):
    """This corrects the reading in the wrong direction. Objects are rare, so the correction must
    lower the odds."""

    def probability(logits, prior):
        return sigmoid(logits - np.log(prior / (1 - prior)))


class AlwaysThePrior(Mutant):
    """This answers with the prior for every window. That is perfectly calibrated, and finds no
    object."""

    def probability(logits, prior):
        return np.full(len(logits), prior)


class TimesThePrior(Mutant):
    """This multiplies the probability by the prior. It is the odds that change by a factor; now
    even a window that surely shows an object gets no more than the prior."""

    def probability(logits, prior):
        return prior * sigmoid(logits)


class LogitsInsteadOfProbabilities(Mutant):
    """This gives corrected logits, which may be any number. A probability lies between 0 and 1."""

    def probability(logits, prior):
        return logits + np.log(prior / (1 - prior))


class Percentages(Mutant):
    """These are percentages. A probability lies between 0 and 1."""

    def probability(logits, prior):
        return 100 * sigmoid(logits + np.log(prior / (1 - prior)))


class ProbabilityOfTheBackground(Mutant):
    """This is the probability that there is *no* object."""

    def probability(logits, prior):
        return sigmoid(-logits - np.log(prior / (1 - prior)))


class NoObjectInTheBatch(Mutant):
    """This takes the logarithm of zero when a batch shows no object, or nothing else. Such batches
    occur, and one of them makes every weight NaN."""

    def log_odds_of(labels):
        objects = np.float64(np.sum(labels))
        with np.errstate(all="ignore"):
            return np.log(objects / (len(labels) - objects))


class LogarithmOfSigmoid(Mutant):
    """This takes the logarithm of a finished sigmoid. For a large logit the sigmoid is exactly 0 or
    1, and the loss is infinite or NaN."""

    def detection_loss(logits, labels):
        p = sigmoid(logits + log_odds_of(labels))
        return -np.mean(labels * np.log(p) + (1 - labels) * np.log(1 - p))


class ExponentialOverflow(Mutant):
    """This divides one exponential by another. For a logit of ten thousand both are infinite, and
    the gradient is NaN."""

    def detection_gradient(logits, labels):
        odds = np.exp(logits + log_odds_of(labels))
        return (odds / (1 + odds) - labels) / len(labels)


class GradientTurned(Mutant):
    """This gradient points downhill. A gradient says where the loss grows; it is the trainer that
    turns the sign."""

    def detection_gradient(logits, labels):
        return (labels - sigmoid(logits + log_odds_of(labels))) / len(labels)


class GradientOfTheSum(Mutant):
    """This is the gradient of the sum over windows, and the loss is their mean. One of the two
    lacks the number of windows."""

    def shift_of(labels):
        return np.log((np.sum(labels) + 1) / (np.sum(1 - labels) + 1))

    def detection_loss(logits, labels):
        shifted = logits + shift_of(labels)
        return np.mean(np.logaddexp(0, shifted) - labels * shifted)

    def detection_gradient(logits, labels):
        return sigmoid(logits + shift_of(labels)) - labels


class GradientOfAnotherLoss(Mutant):
    """The loss is shifted and its gradient is not. What is trained is the gradient, and that is the
    one of plain cross-entropy."""

    def shift_of(labels):
        return np.log((np.sum(labels) + 1) / (np.sum(1 - labels) + 1))

    def detection_loss(logits, labels):
        shifted = logits + shift_of(labels)
        return np.mean(np.logaddexp(0, shifted) - labels * shifted)

    def detection_gradient(logits, labels):
        return (sigmoid(logits) - labels) / len(labels)


class LogitsOverwritten(Mutant):
    """This shifts the caller's own logits. Work on a copy."""

    def detection_loss(logits, labels):
        # Only the first call moves them: afterwards their largest is where it should be.
        logits += log_odds_of(labels) - np.max(logits)
        return np.mean(np.logaddexp(0, logits) - labels * logits)
