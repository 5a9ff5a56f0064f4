"""Wrong solutions to 03 that real people write."""

import numpy as np

from autograder.bank import Mutant


class BothSidesAlike(Mutant):
    """Step 1 takes 1/(1 + u) for 1 − p as well. From 1 − 1/(1 + u) there remains u/(1 + u)."""

    def step_1(u, y):
        return y * np.log(1 + u) + (1 - y) * np.log(1 + u)


class FractionTurned(Mutant):
    """Step 1 has p and 1 − p the wrong way round: with u = exp(−z), a large logit makes u small and
    p = 1/(1 + u) near one."""

    def step_1(u, y):
        return y * (np.log(1 + u) - np.log(u)) + (1 - y) * np.log(1 + u)


class LogarithmOfAFraction(Mutant):
    """Step 1 adds log u where it must be subtracted: the loss has −log(1 − p), and the minus turns
    both parts of the logarithm of a fraction."""

    def step_1(u, y):
        return y * np.log(1 + u) + (1 - y) * (np.log(1 + u) + np.log(u))


class LogarithmOfTheSum(Mutant):
    """Step 1 splits log(1 + u) into log 1 + log u. The logarithm of a product is a sum; that of a
    sum has no such rule."""

    def step_1(u, y):
        return y * np.log(u) + (1 - y) * (np.log(u) - np.log(u))


class SignOfTheLogit(Mutant):
    """Step 2 puts log u = z. But u = exp(−z), so that log u = −z."""

    def step_2(u, z, y):
        return np.log(1 + u) - (1 - y) * z


class WeightOfTheOtherLabel(Mutant):
    """Step 2 weights z with y. The term came from −log(1 − p), whose weight is 1 − y."""

    def step_2(u, z, y):
        return np.log(1 + u) + y * z


class LabelLostOnTheWay(Mutant):
    """Step 2 has lost the label: log u stands in the bracket of 1 − y only."""

    def step_2(u, z, y):
        return np.log(1 + u) + z


class PlusInsteadOfMinus(Mutant):
    """Step 3 adds y·z. Going from u to v takes a whole z away from (1 − y)·z, and −y·z is left."""

    def step_3(v, z, y):
        return np.log(1 + v) + y * z


class LogitNotTakenAlong(Mutant):
    """Step 3 only writes v for u. But 1 + u is (1 + v)/v, and the logarithm of that v is z."""

    def step_3(v, z, y):
        return np.log(1 + v) + (1 - y) * z


class WholeLogitSubtracted(Mutant):
    """Step 3 is right for y = 1 only: it subtracts z whatever the label is."""

    def step_3(v, z, y):
        return np.log(1 + v) - z


class SizeInsteadOfPositivePart(Mutant):
    """Step 4 adds |z| for either sign. For negative z, w is v, and step 3 has nothing to add."""

    def step_4(w, z, y):
        return np.log(1 + w) + np.abs(z) - y * z


class PositivePartForgotten(Mutant):
    """Step 4 is step 3 with w for v, which is right for negative z. For positive z, w is u, and
    step 2 has one z more."""

    def step_4(w, z, y):
        return np.log(1 + w) - y * z


class NegativePart(Mutant):
    """Step 4 takes the smaller of z and 0 where it needs the larger: z is added when it is positive
    and w is u."""

    def step_4(w, z, y):
        return np.log(1 + w) + np.minimum(z, 0) - y * z


class DownTheLadderAgain(Mutant):
    """Step 4 goes back to exp(z), which is infinite for z = 10000. It has w, which never is."""

    def step_4(w, z, y):
        with np.errstate(all="ignore"):
            return np.log(1 + np.exp(z)) - y * z


class ThroughTheProbability(Mutant):
    """This computes p first. For large logits p is exactly 0 or 1, and 0 · log 0 is nan; the
    formula from the top of the ladder needs no p."""

    def bce(z, y):
        if np.any((y < 0) | (y > 1)):
            raise ValueError("labels")
        with np.errstate(all="ignore"):
            p = 1 / (1 + np.exp(-z))
            return -y * np.log(p) - (1 - y) * np.log(1 - p)


class ProbabilityClipped(Mutant):
    """This clips p away from 0 and 1. The loss then never exceeds 16, and what is most wrong no
    longer counts as such."""

    def bce(z, y):
        if np.any((y < 0) | (y > 1)):
            raise ValueError("labels")
        with np.errstate(all="ignore"):
            p = np.clip(1 / (1 + np.exp(-z)), 1e-7, 1 - 1e-7)
        return -y * np.log(p) - (1 - y) * np.log(1 - p)


class EpsilonInTheLogarithm(Mutant):
    """This adds a small number inside the logarithm. It caps the loss, makes it negative for a sure
    and right prediction, and falsifies every other value a little."""

    def bce(z, y):
        if np.any((y < 0) | (y > 1)):
            raise ValueError("labels")
        with np.errstate(all="ignore"):
            p = 1 / (1 + np.exp(-z))
        tiny = z.dtype.type(1e-8)
        return -y * np.log(p + tiny) - (1 - y) * np.log(1 - p + tiny)


class LogitsClipped(Mutant):
    """This clips the logits to a range it likes. Beyond, the loss stops growing, and nobody is
    told."""

    def bce(z, y):
        if np.any((y < 0) | (y > 1)):
            raise ValueError("labels")
        z = np.clip(z, -50, 50)
        return np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z)))


class OverflowingExponential(Mutant):
    """This is step 3 of the ladder: exp(z) overflows from a logit of 710 on (in float32 from 89
    on)."""

    def bce(z, y):
        if np.any((y < 0) | (y > 1)):
            raise ValueError("labels")
        with np.errstate(all="ignore"):
            return np.log1p(np.exp(z)) - y * z


class OnePlusTiny(Mutant):
    """This writes log(1 + w). For tiny w the sum is rounded to 1 and the loss to 0; `log1p` keeps
    all digits."""

    def bce(z, y):
        if np.any((y < 0) | (y > 1)):
            raise ValueError("labels")
        return np.maximum(z, 0) - y * z + np.log(1 + np.exp(-np.abs(z)))


class SmallTermFirst(Mutant):
    """This adds the logarithm to z before y·z is taken away. Beside a large logit the small loss is
    rounded off; let the large numbers cancel first."""

    def bce(z, y):
        if np.any((y < 0) | (y > 1)):
            raise ValueError("labels")
        return np.log1p(np.exp(-np.abs(z))) + np.maximum(z, 0) - y * z


class HardLabelsOnly(Mutant):
    """This asks whether y is 1 and takes every other label for 0. A soft label weights both
    logarithms."""

    def bce(z, y):
        if np.any((y < 0) | (y > 1)):
            raise ValueError("labels")
        return np.logaddexp(0, np.where(y == 1, -z, z))


class LabelsRounded(Mutant):
    """This rounds soft labels to 0 or 1, and with them goes what the labeller knew."""

    def bce(z, y):
        if np.any((y < 0) | (y > 1)):
            raise ValueError("labels")
        return np.logaddexp(0, np.where(y > 0.5, -z, z))


class ClassesSwapped(Mutant):
    """This is the loss with the two classes swapped: a large positive logit should be cheap for the
    label 1."""

    def bce(z, y):
        if np.any((y < 0) | (y > 1)):
            raise ValueError("labels")
        return np.maximum(-z, 0) + y * z + np.log1p(np.exp(-np.abs(z)))


class LogitTakenForProbability(Mutant):
    """This puts the logit where a probability belongs. A logit may be any number, and the logarithm
    of a negative one is nan."""

    def bce(z, y):
        if np.any((y < 0) | (y > 1)):
            raise ValueError("labels")
        with np.errstate(all="ignore"):
            return -y * np.log(z) - (1 - y) * np.log(1 - z)


class OneSideOnly(Mutant):
    """This is only the half with y, −y · log p. Predicting 1 for everything would cost nothing."""

    def bce(z, y):
        if np.any((y < 0) | (y > 1)):
            raise ValueError("labels")
        return y * np.logaddexp(0, -z)


class Bits(Mutant):
    """This uses logarithms to base 2, and so gives bits. The loss is in nats here."""

    def bce(z, y):
        if np.any((y < 0) | (y > 1)):
            raise ValueError("labels")
        loss = np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z)))
        return loss / z.dtype.type(np.log(2))


class MeanOfAll(Mutant):
    """This averages to a single number. Every entry has its own loss here."""

    def bce(z, y):
        if np.any((y < 0) | (y > 1)):
            raise ValueError("labels")
        return np.mean(np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z))))


class AnyLabel(Mutant):
    """This accepts labels such as −1, and answers with a number that falls without end as the logit
    grows. A label outside 0 to 1 should raise ValueError."""

    def bce(z, y):
        return np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z)))


class NanHidden(Mutant):
    """This replaces a NaN among the logits by 0. A loss that hides a NaN hides the bug that made
    it."""

    def bce(z, y):
        if np.any((y < 0) | (y > 1)):
            raise ValueError("labels")
        z = np.nan_to_num(z)
        return np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z)))


class LogitsOverwritten(Mutant):
    """This takes the absolute value in place, and overwrites the caller's logits."""

    def bce(z, y):
        if np.any((y < 0) | (y > 1)):
            raise ValueError("labels")
        linear = np.maximum(z, 0) - y * z
        np.abs(z, out=z)
        return linear + np.log1p(np.exp(-z))


class PrecisionRaised(Mutant):
    """This turns float32 into float64. The answer should have the precision of the logits."""

    def bce(z, y):
        if np.any((y < 0) | (y > 1)):
            raise ValueError("labels")
        z = z.astype(np.float64)
        return np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z)))


class SignTurned(Mutant):
    """This gradient is y − p and points downhill. The gradient of the loss is p − y."""

    def bce_gradient(z, y):
        return y * np.exp(-np.logaddexp(0, z)) - (1 - y) * np.exp(-np.logaddexp(0, -z))


class SigmoidForgotten(Mutant):
    """This is z − y. The probability is compared with the label, not the logit."""

    def bce_gradient(z, y):
        return z - y


class SlopeInTheProbability(Mutant):
    """This is the slope with respect to p, (p − y)/(p(1 − p)). The chain rule multiplies it by
    p(1 − p), and that cancels."""

    def bce_gradient(z, y):
        with np.errstate(all="ignore"):
            p = 1 / (1 + np.exp(-z))
            return (p - y) / (p * (1 - p))


class SquaredErrorOnSigmoid(Mutant):
    """This has a factor p(1 − p) too much, as squared error on a sigmoid has. Sure and wrong
    predictions then hardly learn; cross-entropy is there to avoid just that."""

    def bce_gradient(z, y):
        with np.errstate(all="ignore"):
            p = 1 / (1 + np.exp(-z))
        return (p - y) * p * (1 - p)


class InfinityByInfinity(Mutant):
    """This writes the sigmoid as exp(z)/(1 + exp(z)), which is ∞/∞ for large logits."""

    def bce_gradient(z, y):
        with np.errstate(all="ignore"):
            v = np.exp(z)
            return v / (1 + v) - y


class DigitsLost(Mutant):
    """This is p − y as it stands. For y = 1 and a large logit p is rounded to 1 and the gradient to
    0; write −σ(−z) for σ(z) − 1."""

    def bce_gradient(z, y):
        with np.errstate(over="ignore"):
            return 1 / (1 + np.exp(-z)) - y


class GradientOfTheClipped(Mutant):
    """This gradient is 0 where a clipped p no longer moves. What is sure and wrong would never be
    corrected."""

    def bce_gradient(z, y):
        slope = (1 - y) * np.exp(-np.logaddexp(0, -z)) - y * np.exp(-np.logaddexp(0, z))
        return np.where(np.abs(z) > 16.2, 0 * z, slope)


class GradientOfTheMean(Mutant):
    """This divides by the number of entries. Every entry has its own loss here, and no mean is
    taken."""

    def bce_gradient(z, y):
        slope = (1 - y) * np.exp(-np.logaddexp(0, -z)) - y * np.exp(-np.logaddexp(0, z))
        return slope / z.size


class GradientForRoundedLabels(Mutant):
    """This gradient rounds soft labels to 0 or 1, so that it vanishes for certainty instead of for
    the label's own probability."""

    def bce_gradient(z, y):
        return np.where(y > 0.5, -np.exp(-np.logaddexp(0, z)), np.exp(-np.logaddexp(0, -z)))


class GradientPrecisionRaised(Mutant):
    """This gradient turns float32 into float64, and with it every weight it is added to."""

    def bce_gradient(z, y):
        z = z.astype(np.float64)
        return (1 - y) * np.exp(-np.logaddexp(0, -z)) - y * np.exp(-np.logaddexp(0, z))


class LabelsOverwritten(Mutant):
    """This subtracts the label in place, and so overwrites the caller's array."""

    def bce_gradient(z, y):
        slope = (1 - y) * np.exp(-np.logaddexp(0, -z)) - y * np.exp(-np.logaddexp(0, z))
        y -= y
        return slope
