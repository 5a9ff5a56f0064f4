"""Wrong solutions to 06 that real people write."""

import numpy as np

from autograder.bank import Mutant


class Perceptron(Mutant):
    """This costs nothing as soon as the sign is right: it is the perceptron's loss. The hinge asks
    for a margin of 1."""

    def hinge(score, label):
        if np.any(np.abs(label) != 1):
            raise ValueError("labels")
        return np.maximum(0, -label * score)


class SquaredHinge(Mutant):
    """This is the squared hinge loss, a smooth relative with another slope everywhere."""

    def hinge(score, label):
        if np.any(np.abs(label) != 1):
            raise ValueError("labels")
        return np.maximum(0, 1 - label * score) ** 2


class ZeroOneLoss(Mutant):
    """This counts mistakes. It is flat everywhere, so no step could improve it; the hinge grows
    with the distance to the margin."""

    def hinge(score, label):
        if np.any(np.abs(label) != 1):
            raise ValueError("labels")
        return np.where(label * score <= 0, 1.0, 0 * score).astype(score.dtype)


class LabelForgotten(Mutant):
    """This looks at the score alone. The margin is label times score."""

    def hinge(score, label):
        if np.any(np.abs(label) != 1):
            raise ValueError("labels")
        return np.maximum(0, 1 - score)


class AnyLabel(Mutant):
    """This accepts the label 0. Its margin is 0 whatever the score is, the loss is 1 for ever, and
    nothing is learned from it."""

    def hinge(score, label):
        return np.maximum(0, 1 - label * score)


class NanHidden(Mutant):
    """This turns a NaN into a loss of 0, as `fmax` and Python's own `max` do. A NaN must come
    out."""

    def hinge(score, label):
        if np.any(np.abs(label) != 1):
            raise ValueError("labels")
        return np.fmax(0, 1 - label * score)


class MeanOfAll(Mutant):
    """This averages over the entries; every one of them has its own loss here."""

    def hinge(score, label):
        if np.any(np.abs(label) != 1):
            raise ValueError("labels")
        return np.mean(np.maximum(0, 1 - label * score))


class ScoresOverwritten(Mutant):
    """This multiplies the scores by the labels in place. After the call, the caller's scores are
    margins."""

    def hinge(score, label):
        if np.any(np.abs(label) != 1):
            raise ValueError("labels")
        score *= label
        return np.maximum(0, 1 - score)


class FlatAtTheBend(Mutant):
    """This returns 0 twice for a margin of 1. That is one subgradient there, and a common choice,
    but the interval of all of them is asked for."""

    def hinge_interval(score, label):
        if np.any(np.abs(label) != 1):
            raise ValueError("labels")
        slope = np.where(label * score < 1, -label, 0)
        return slope, slope


class SteepAtTheBend(Mutant):
    """This counts a margin of 1 as too small: it returns −y twice there. All slopes between −y and
    0 belong to the interval."""

    def hinge_interval(score, label):
        if np.any(np.abs(label) != 1):
            raise ValueError("labels")
        slope = np.where(label * score <= 1, -label, 0)
        return slope, slope


class MiddleOfTheBend(Mutant):
    """This returns −y/2 twice at the bend, the mean of the slopes on both sides. That is one
    subgradient of many."""

    def hinge_interval(score, label):
        if np.any(np.abs(label) != 1):
            raise ValueError("labels")
        slope = np.where(label * score < 1, -label, 0 * score)
        slope = np.where(label * score == 1, -label / 2, slope)
        return slope, slope


class OneSideForBothLabels(Mutant):
    """At the bend this is right for the label 1 only. For the label −1 the loss rises with the
    score, and the interval goes from 0 to 1."""

    def hinge_interval(score, label):
        if np.any(np.abs(label) != 1):
            raise ValueError("labels")
        margin = label * score
        slope = np.where(margin < 1, -label, 0)
        one = np.ones_like(score)
        return np.where(margin == 1, -one, slope), slope


class EndsNotInOrder(Mutant):
    """For the label −1 these ends are in the wrong order: −y is then 1, the upper end."""

    def hinge_interval(score, label):
        if np.any(np.abs(label) != 1):
            raise ValueError("labels")
        margin = label * score
        slope = np.where(margin < 1, -label, 0)
        return np.where(margin == 1, -label, slope), slope


class SignTurned(Mutant):
    """These slopes have the wrong sign: raising the score of a positive example makes its loss
    smaller."""

    def hinge_interval(score, label):
        if np.any(np.abs(label) != 1):
            raise ValueError("labels")
        margin = label * score
        left = np.where(margin < 1, label, 0 * score)
        right = np.where(margin == 1, label, left)
        return np.minimum(left, right), np.maximum(left, right)


class SlopeInTheMargin(Mutant):
    """These are the slopes with respect to the margin, −1 for every label. The score is asked for,
    and the chain rule brings in the label."""

    def hinge_interval(score, label):
        if np.any(np.abs(label) != 1):
            raise ValueError("labels")
        margin = label * score
        left = np.where(margin < 1, -np.ones_like(score), 0 * score)
        right = np.where(margin == 1, -np.ones_like(score), left)
        return np.minimum(left, right), np.maximum(left, right)


class BendAtZero(Mutant):
    """This puts the bend at the margin 0. A score that is only just right still costs something;
    the bend is at 1."""

    def hinge_interval(score, label):
        if np.any(np.abs(label) != 1):
            raise ValueError("labels")
        margin = label * score
        left = np.where(margin < 0, -label, 0 * score)
        right = np.where(margin == 0, -label, left)
        return np.minimum(left, right), np.maximum(left, right)


class NearlyAtTheBend(Mutant):
    """This takes margins *close to* 1 for the bend, as `isclose` does. A little to the side there
    is just one slope."""

    def hinge_interval(score, label):
        if np.any(np.abs(label) != 1):
            raise ValueError("labels")
        margin = label * score
        left = np.where(margin < 1, -label, 0 * score)
        left = np.where(np.isclose(margin, 1), 0 * score, left)
        right = np.where(np.isclose(margin, 1), -label, left)
        return np.minimum(left, right), np.maximum(left, right)


class NanTakenForRight(Mutant):
    """This gives the slope 0 where a NaN came in: no comparison with NaN is true, so it lands in
    the last region."""

    def hinge_interval(score, label):
        if np.any(np.abs(label) != 1):
            raise ValueError("labels")
        margin = label * score
        zero = np.zeros_like(score)
        left = np.where(margin < 1, -label, zero)
        right = np.where(margin == 1, -label, left)
        return np.minimum(left, right), np.maximum(left, right)


class IntervalForAnyLabel(Mutant):
    """This interval accepts the label 0 and answers that nothing can be learned from it, instead of
    raising ValueError."""

    def hinge_interval(score, label):
        margin = label * score
        left = np.where(margin < 1, -label, 0 * score)
        right = np.where(margin == 1, -label, left)
        return np.minimum(left, right), np.maximum(left, right)


class RightClassCounted(Mutant):
    """This counts the right class among the violations: compared with itself it has a violation of
    1, always."""

    def violations(scores, label):
        if np.any((label < 0) | (label >= scores.shape[1])):
            raise ValueError("labels")
        return np.maximum(0, 1 + scores - scores[np.arange(len(label)), label][:, None])


class RightMinusWrong(Mutant):
    """This has the difference the wrong way round, and charges for a clear decision. A wrong class
    violates the margin when its score is too *high*."""

    def violations(scores, label):
        if np.any((label < 0) | (label >= scores.shape[1])):
            raise ValueError("labels")
        rows = np.arange(len(label))
        table = np.maximum(0, 1 - scores + scores[rows, label][:, None])
        table[rows, label] = 0
        return table


class MarginOfTwo(Mutant):
    """This asks for a margin of 2, as the paper by Weston and Watkins does. Here it is 1."""

    def violations(scores, label):
        if np.any((label < 0) | (label >= scores.shape[1])):
            raise ValueError("labels")
        rows = np.arange(len(label))
        table = np.maximum(0, 2 + scores - scores[rows, label][:, None])
        table[rows, label] = 0
        return table


class LastClassForMinusOne(Mutant):
    """This accepts the label −1, which numpy takes for the last class. Unlabelled examples would be
    trained on without a word."""

    def violations(scores, label):
        if np.any(label >= scores.shape[1]):
            raise ValueError("labels")
        rows = np.arange(len(label))
        table = np.maximum(0, 1 + scores - scores[rows, label][:, None])
        table[rows, label] = 0
        return table


class IndexErrorForAWrongLabel(Mutant):
    """This leaves the label check to numpy, which raises IndexError for some labels and nothing for
    others. ValueError is asked for."""

    def violations(scores, label):
        rows = np.arange(len(label))
        table = np.maximum(0, 1 + scores - scores[rows, label][:, None])
        table[rows, label] = 0
        return table


class ScoresOfTheRightClassErased(Mutant):
    """This writes the zeros for the right class into the caller's own scores. Work on a copy."""

    def violations(scores, label):
        if np.any((label < 0) | (label >= scores.shape[1])):
            raise ValueError("labels")
        rows = np.arange(len(label))
        own = scores[rows, label][:, None].copy()
        scores[rows, label] = -np.inf
        return np.maximum(0, 1 + scores - own)


class DividedByClasses(Mutant):
    """This divides by the number of classes, as torch's loss does. Weston and Watkins add the
    violations up."""

    def weston_watkins(scores, label):
        return np.mean(violations(scores, label))


class SumOverExamples(Mutant):
    """This adds up the examples. The mean over examples is asked for, so that the loss does not
    grow with the batch."""

    def weston_watkins(scores, label):
        return np.sum(violations(scores, label))


class LargestForWestonWatkins(Mutant):
    """This takes the largest violation; that is Crammer and Singer's loss. Weston and Watkins add
    all of them up."""

    def weston_watkins(scores, label):
        return np.mean(np.max(violations(scores, label), axis=1))


class SumForCrammerSinger(Mutant):
    """This adds the violations up; that is Weston and Watkins' loss. Crammer and Singer count only
    the worst class."""

    def crammer_singer(scores, label):
        return np.mean(np.sum(violations(scores, label), axis=1))


class LargestOfAllExamples(Mutant):
    """This takes the largest violation of the whole table. Every example has its own worst class;
    only then comes the mean."""

    def crammer_singer(scores, label):
        return np.max(violations(scores, label))


class ZeroInThePlaceOfTheRight(Mutant):
    """This hides the right class by setting its score to 0 before the maximum is taken. Where all
    wrong scores are negative, that 0 is the maximum, and a clear decision costs something."""

    def crammer_singer(scores, label):
        if np.any((label < 0) | (label >= scores.shape[1])):
            raise ValueError("labels")
        rows = np.arange(len(label))
        own = scores[rows, label]
        others = scores.copy()
        others[rows, label] = 0
        return np.mean(np.maximum(0, 1 + others.max(axis=1) - own))


class OwnEntryMinusOne(Mutant):
    """This pulls the right class up by 1, however many classes violate the margin. Its score stands
    in each of their violations."""

    def weston_watkins_subgradient(scores, label):
        push = (violations(scores, label) > 0).astype(scores.dtype)
        push[np.arange(len(label)), label] = -push.max(axis=1)
        return push / len(label)


class RightClassForgotten(Mutant):
    """This only pushes the wrong classes down. The right class's score stands in every violation,
    with a minus."""

    def weston_watkins_subgradient(scores, label):
        return (violations(scores, label) > 0).astype(scores.dtype) / len(label)


class PushedInProportion(Mutant):
    """This pushes each class in proportion to its violation; that is the gradient of squared
    violations. The slope of a straight line does not depend on where you are on it."""

    def weston_watkins_subgradient(scores, label):
        push = violations(scores, label)
        push[np.arange(len(label)), label] = -push.sum(axis=1)
        return push / len(label)


class SubgradientOfTheSum(Mutant):
    """This is a subgradient of the sum over examples; the mean also divides by their number."""

    def weston_watkins_subgradient(scores, label):
        push = (violations(scores, label) > 0).astype(scores.dtype)
        push[np.arange(len(label)), label] = -push.sum(axis=1)
        return push


class PrecisionRaised(Mutant):
    """This turns float32 into float64: truth values divided by a whole number take numpy's default
    precision."""

    def weston_watkins_subgradient(scores, label):
        push = (violations(scores, label) > 0) / len(label)
        push[np.arange(len(label)), label] = -push.sum(axis=1)
        return push


class EmptyTableIsDouble(Mutant):
    """This fills tables made with `np.zeros` of a shape, which are float64 whatever the scores are.
    Tables like the scores are asked for, in their precision."""

    def violations(scores, label):
        if np.any((label < 0) | (label >= scores.shape[1])):
            raise ValueError("a label is no class")
        table = np.zeros(scores.shape)
        for i, own in enumerate(label):
            table[i] = np.maximum(0, 1 + scores[i] - scores[i, own])
            table[i, own] = 0
        return table


class EveryViolationPushed(Mutant):
    """This pushes every violating class down. In Crammer and Singer's loss only the worst class is
    seen."""

    def crammer_singer_subgradient(scores, label):
        push = (violations(scores, label) > 0).astype(scores.dtype)
        push[np.arange(len(label)), label] = -push.sum(axis=1)
        return push / len(label)


class AllTiedClassesPushed(Mutant):
    """Where classes are equally bad, this pushes all of them with full force, which is more than
    the loss can fall. One of them, or shares that add up to one, make a subgradient."""

    def crammer_singer_subgradient(scores, label):
        violation = violations(scores, label)
        worst = violation.max(axis=1, keepdims=True)
        push = ((violation == worst) & (violation > 0)).astype(scores.dtype)
        push[np.arange(len(label)), label] = -push.sum(axis=1)
        return push / len(label)


class SatisfiedPushedToo(Mutant):
    """This pushes in every example, also where no class violates the margin. There the loss is flat
    and the subgradient 0."""

    def crammer_singer_subgradient(scores, label):
        rows = np.arange(len(label))
        others = scores.copy()
        others[rows, label] = -np.inf
        push = np.zeros_like(scores)
        push[rows, others.argmax(axis=1)] = 1
        push[rows, label] = -1
        return push / len(label)


class ArgmaxOfNothing(Mutant):
    """Where no class violates the margin, the first of all the zeros counts as the largest: this
    pushes class 0 down, and the loss is flat there."""

    def crammer_singer_subgradient(scores, label):
        rows = np.arange(len(label))
        gradient = np.zeros_like(scores)
        gradient[rows, violations(scores, label).argmax(axis=1)] = 1
        gradient[rows, label] -= 1
        return gradient / len(label)


class MistakesOnly(Mutant):
    """This takes the class with the highest score for the worst, the right one included, and so
    corrects mistakes only. A class within the margin counts as well."""

    def crammer_singer_subgradient(scores, label):
        rows = np.arange(len(label))
        push = np.zeros_like(scores)
        push[rows, scores.argmax(axis=1)] += 1
        push[rows, label] -= 1
        return push / len(label)


class MistakesOnlyInTheLine(Mutant):
    """This learns from margins below 0 only. The hinge loss has its bend at 1."""

    def linear_subgradient(weights, features, label):
        inside = label * (features @ weights) < 0
        return -(label * inside) @ features / len(label)


class BendCounted(Mutant):
    """This counts a margin of exactly 1 as too small. That is a subgradient, too, but the one with
    slope 0 at the bend is asked for."""

    def linear_subgradient(weights, features, label):
        inside = label * (features @ weights) <= 1
        return -(label * inside) @ features / len(label)


class DownhillInTheLine(Mutant):
    """This points downhill. A subgradient points to where the loss grows; the minus belongs to the
    step."""

    def linear_subgradient(weights, features, label):
        inside = label * (features @ weights) < 1
        return (label * inside) @ features / len(label)


class MeanOverTheInside(Mutant):
    """This averages over the examples that have a loss. The mean runs over all of them."""

    def linear_subgradient(weights, features, label):
        inside = label * (features @ weights) < 1
        return -(label * inside) @ features / max(np.count_nonzero(inside), 1)


class FeaturesForgotten(Mutant):
    """This stops at the scores. The chain rule goes on to the weights: each example's slope is
    multiplied by its features."""

    def linear_subgradient(weights, features, label):
        inside = label * (features @ weights) < 1
        return np.full_like(weights, -np.sum(label * inside) / len(label))


class TwoForgotten(Mutant):
    """This bound lacks the 2 of the mixed term in the square, and so promises less than is
    certain."""

    def distance_change(step, loss, subgradient):
        return step**2 * np.sum(subgradient**2) - step * loss


class NormNotSquared(Mutant):
    """This bound has the length of the subgradient where its square belongs."""

    def distance_change(step, loss, subgradient):
        return step**2 * np.sqrt(np.sum(subgradient**2)) - 2 * step * loss


class StepNotSquared(Mutant):
    """This bound has the step where its square belongs, and so is right for a step of 1 only."""

    def distance_change(step, loss, subgradient):
        return step * np.sum(subgradient**2) - 2 * step * loss


class OnlyTheGain(Mutant):
    """This bound leaves out the square of the step, and so promises more and more the longer the
    step. That term is why steps can be too long."""

    def distance_change(step, loss, subgradient):
        return -2.0 * step * loss


class LengthNotSquared(Mutant):
    """This step divides by the length of the subgradient. The lowest point of the parabola is at
    the loss divided by the *squared* length."""

    def polyak_step(weights, features, label):
        g = linear_subgradient(weights, features, label)
        if not np.any(g):
            return weights.copy()
        return weights - mean_hinge(weights, features, label) / np.sqrt(np.sum(g**2)) * g


class TwiceTheStep(Mutant):
    """This step is twice as long as the best one. There the parabola is back at 0, and nothing is
    promised any more."""

    def polyak_step(weights, features, label):
        g = linear_subgradient(weights, features, label)
        if not np.any(g):
            return weights.copy()
        return weights - 2 * mean_hinge(weights, features, label) / np.sum(g**2) * g


class FixedStep(Mutant):
    """This takes a fixed learning rate. It is too long near the goal and too short far away; loss
    and subgradient tell the best length."""

    def polyak_step(weights, features, label):
        return weights - 0.1 * linear_subgradient(weights, features, label)


class Uphill(Mutant):
    """This steps along the subgradient instead of against it, away from all good weights."""

    def polyak_step(weights, features, label):
        g = linear_subgradient(weights, features, label)
        if not np.any(g):
            return weights.copy()
        return weights + mean_hinge(weights, features, label) / np.sum(g**2) * g


class ZeroByZero(Mutant):
    """This divides 0 by 0 where there is nothing left to learn, and the weights become nan. Where
    the subgradient is zero they should stay."""

    def polyak_step(weights, features, label):
        g = linear_subgradient(weights, features, label)
        with np.errstate(all="ignore"):
            return weights - mean_hinge(weights, features, label) / np.sum(g**2) * g


class StopsAtTheGoalOnly(Mutant):
    """This stops where the loss is 0. The subgradient can be 0 before, where the examples' slopes
    cancel each other, and then the step divides by 0."""

    def polyak_step(weights, features, label):
        g = linear_subgradient(weights, features, label)
        loss = mean_hinge(weights, features, label)
        if loss == 0:
            return weights
        with np.errstate(all="ignore"):
            return weights - loss / np.sum(g**2) * g


class EpsilonInTheDenominator(Mutant):
    """This adds a small number under the fraction line, which makes every step a little too short.
    Treat the one special case, a subgradient of zero, by name."""

    def polyak_step(weights, features, label):
        g = linear_subgradient(weights, features, label)
        return weights - mean_hinge(weights, features, label) / (np.sum(g**2) + 1e-6) * g


class WeightsOverwritten(Mutant):
    """This steps in place with `-=`, and overwrites the caller's weights."""

    def polyak_step(weights, features, label):
        g = linear_subgradient(weights, features, label)
        if np.any(g):
            weights -= mean_hinge(weights, features, label) / np.sum(g**2) * g
        return weights
