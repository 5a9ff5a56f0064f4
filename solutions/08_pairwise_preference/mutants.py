"""Wrong solutions to 08 that real people write."""

import numpy as np

from autograder.bank import Mutant


class SigmoidOfTheOtherSide(Mutant):
    """This gradient uses σ(h) where it should use σ(−h): pairs that are already right pull hardest,
    and those that are wrong hardly at all."""

    def dpo_gradient(policy, reference, beta):
        h = margin(policy, reference, beta)
        force = beta * np.exp(-np.logaddexp(0, -h)) / len(policy)
        return np.stack([-force, force], axis=1)


class ProbabilityInsteadOfPull(Mutant):
    """This is σ(h), the probability with which the pair is ranked rightly. The pull is what is
    missing to 1: a pair that is certainly right pulls no more."""

    def pull(policy, reference, beta):
        return np.exp(-np.logaddexp(0, -margin(policy, reference, beta)))


class PullOfThePolicyAlone(Mutant):
    """This pull depends on the policy alone. The reference decides from where on a pair counts as
    learned."""

    def pull(policy, reference, beta):
        return np.exp(-np.logaddexp(0, margin(policy, 0 * reference, beta)))


class MeanOverTokens(Mutant):
    """This averages over the tokens of an answer. The log-probability of an answer is the sum over
    its tokens; the mean forgives long answers."""

    def sequence_log_probability(tokens, mask):
        total = np.sum(tokens, axis=1, where=mask)
        return total / np.maximum(mask.sum(axis=1), 1).astype(tokens.dtype)


class PromptCounted(Mutant):
    """This adds up whole rows, prompt and padding included. Only the tokens where the mask is True
    belong to the answer."""

    def sequence_log_probability(tokens, mask):
        return tokens.sum(axis=1)


class MaskTurnedAround(Mutant):
    """This adds up what does not belong to the answer. True marks the tokens that count."""

    def sequence_log_probability(tokens, mask):
        return np.sum(tokens, axis=1, where=~mask)


class TimesTheMask(Mutant):
    """This multiplies by the mask, and 0 · NaN is NaN, as is 0 · ∞: what stands in the padding
    leaks into the answer. Choose the tokens instead of weighting them."""

    def sequence_log_probability(tokens, mask):
        return (tokens * mask).sum(axis=1)


class NanHidden(Mutant):
    """This leaves out every NaN, also in the tokens of the answer. A NaN that counts is the symptom
    of a bug and must come out."""

    def sequence_log_probability(tokens, mask):
        return np.nansum(np.where(mask, tokens, 0), axis=1)


class ProbabilitiesAdded(Mutant):
    """This adds up the probabilities of the tokens. That tokens follow one another multiplies their
    probabilities, which adds their logarithms."""

    def sequence_log_probability(tokens, mask):
        return np.log(np.sum(np.exp(tokens), axis=1, where=mask))


class PaddingOverwritten(Mutant):
    """This sets prompt and padding to 0 in the caller's own array. Work on a copy, for example with
    `np.where`."""

    def sequence_log_probability(tokens, mask):
        tokens[~mask] = 0
        return tokens.sum(axis=1)


class ReferenceForgotten(Mutant):
    """This margin does without the reference, so that nothing holds the policy near the model it
    started from. Subtract what the reference already preferred."""

    def margin(policy, reference, beta):
        if not beta > 0:
            raise ValueError("beta must be positive")
        return beta * (policy[:, 0] - policy[:, 1])


class ReferenceAdded(Mutant):
    """This adds the reference's preference instead of subtracting it. What counts is how much more
    than the reference the policy prefers the chosen answer."""

    def margin(policy, reference, beta):
        if not beta > 0:
            raise ValueError("beta must be positive")
        both = policy + reference
        return beta * (both[:, 0] - both[:, 1])


class ChosenAndRejectedSwapped(Mutant):
    """This takes column 0 for the rejected answer, and trains the model to prefer what people did
    not."""

    def margin(policy, reference, beta):
        if not beta > 0:
            raise ValueError("beta must be positive")
        gained = policy - reference
        return beta * (gained[:, 1] - gained[:, 0])


class BetaForgotten(Mutant):
    """This margin lacks the factor β, which says how far the policy may go from the reference
    before a pair counts as learned."""

    def margin(policy, reference, beta):
        if not beta > 0:
            raise ValueError("beta must be positive")
        gained = policy - reference
        return gained[:, 0] - gained[:, 1]


class DividedByBeta(Mutant):
    """This divides by β. DPO multiplies: a small β asks for a large change before a pair counts as
    learned."""

    def margin(policy, reference, beta):
        if not beta > 0:
            raise ValueError("beta must be positive")
        gained = policy - reference
        return (gained[:, 0] - gained[:, 1]) / beta


class RatioOfLogarithms(Mutant):
    """This divides log-probabilities. The logarithm of a ratio is a difference of logarithms."""

    def margin(policy, reference, beta):
        if not beta > 0:
            raise ValueError("beta must be positive")
        ratio = policy / reference
        return beta * (ratio[:, 0] - ratio[:, 1])


class AnyBeta(Mutant):
    """This accepts a β that is zero or negative. With a negative β the loss rewards the rejected
    answer; an argument outside its range should raise ValueError."""

    def margin(policy, reference, beta):
        gained = policy - reference
        return beta * (gained[:, 0] - gained[:, 1])


class LogarithmOfSigmoid(Mutant):
    """This takes the logarithm of a rounded number: for a large margin 1 + e^(−h) is infinite, or
    exactly 1, before the logarithm sees it. Take the larger term out of the sum first."""

    def dpo_loss(policy, reference, beta):
        h = margin(policy, reference, beta)
        return np.mean(-np.log(1 / (1 + np.exp(-h))))


class EpsilonInTheLogarithm(Mutant):
    """This adds a small number inside the logarithm. It caps the loss of the worst pairs, whose
    gradient would then be zero, and makes the loss of good pairs negative."""

    def dpo_loss(policy, reference, beta):
        h = margin(policy, reference, beta)
        return np.mean(-np.log(1 / (1 + np.exp(-h)) + 1e-8))


class MarginClipped(Mutant):
    """This clips the margin, so that a pair beyond the clip has the wrong loss. A stable formula
    needs no clip."""

    def dpo_loss(policy, reference, beta):
        h = np.clip(margin(policy, reference, beta), -50, 50)
        return np.mean(np.logaddexp(0, -h))


class SumInsteadOfMean(Mutant):
    """This is the sum over pairs; the mean is asked for, which does not grow with the batch."""

    def dpo_loss(policy, reference, beta):
        return np.sum(np.logaddexp(0, -margin(policy, reference, beta)))


class LossOfTheMeanMargin(Mutant):
    """This averages the margins first. The loss is curved, so that the loss of the mean margin is
    smaller than the mean of the losses."""

    def dpo_loss(policy, reference, beta):
        return np.logaddexp(0, -np.mean(margin(policy, reference, beta)))


class HingeInstead(Mutant):
    """This is a hinge on the margin, a relative of DPO (SLiC). DPO's loss is −log σ(h), which never
    stops pulling altogether."""

    def dpo_loss(policy, reference, beta):
        return np.mean(np.maximum(0, 1 - margin(policy, reference, beta)))


class SignOfTheLoss(Mutant):
    """This is log σ(h), which is to be maximised. A loss is minimised: turn the sign."""

    def dpo_loss(policy, reference, beta):
        return -np.mean(np.logaddexp(0, -margin(policy, reference, beta)))


class ChainRuleWithoutBeta(Mutant):
    """This gradient lacks the factor β, the slope of the margin in a log-probability."""

    def dpo_gradient(policy, reference, beta):
        force = np.exp(-np.logaddexp(0, margin(policy, reference, beta))) / len(policy)
        return np.stack([-force, force], axis=1)


class GradientOfTheSum(Mutant):
    """This is the gradient of the sum over pairs. The loss is a mean, and its gradient is divided
    by the number of pairs too."""

    def dpo_gradient(policy, reference, beta):
        force = beta * np.exp(-np.logaddexp(0, margin(policy, reference, beta)))
        return np.stack([-force, force], axis=1)


class GradientTurned(Mutant):
    """This gradient points downhill. A gradient says where the loss grows; it is the optimiser that
    turns the sign."""

    def dpo_gradient(policy, reference, beta):
        force = beta * np.exp(-np.logaddexp(0, margin(policy, reference, beta))) / len(policy)
        return np.stack([force, -force], axis=1)


class BothPushedAlike(Mutant):
    """This pushes both answers in the same direction. The margin grows when the chosen answer rises
    and when the rejected one falls."""

    def dpo_gradient(policy, reference, beta):
        force = beta * np.exp(-np.logaddexp(0, margin(policy, reference, beta))) / len(policy)
        return np.stack([-force, -force], axis=1)


class RejectedLeftAlone(Mutant):
    """This gives the rejected answer no gradient; the loss depends on it as much as on the chosen
    one."""

    def dpo_gradient(policy, reference, beta):
        force = beta * np.exp(-np.logaddexp(0, margin(policy, reference, beta))) / len(policy)
        return np.stack([-force, 0 * force], axis=1)


class OneMinusSigmoid(Mutant):
    """This computes 1 − σ(h). For a margin of 30 the two are nearly equal, and their difference
    keeps only a few digits; σ(−h) is the same number and keeps them all."""

    def dpo_gradient(policy, reference, beta):
        h = margin(policy, reference, beta)
        force = beta * (1 - np.exp(-np.logaddexp(0, -h))) / len(policy)
        return np.stack([-force, force], axis=1)


class InfinityOverInfinity(Mutant):
    """This divides one exponential by another, and for a margin of −900 both are infinite: the
    gradient of the worst pair is NaN."""

    def dpo_gradient(policy, reference, beta):
        size = np.exp(-margin(policy, reference, beta))
        force = beta * size / (1 + size) / len(policy)
        return np.stack([-force, force], axis=1)


class PrecisionRaised(Mutant):
    """This turns float32 into float64. The gradient should have the precision of the policy."""

    def dpo_gradient(policy, reference, beta):
        h = margin(policy, reference, beta).astype(float)
        force = beta * np.exp(-np.logaddexp(0, h)) / len(policy)
        return np.stack([-force, force], axis=1)


class ScalarRaisesPrecision(Mutant):
    """This adds a number that numpy computed, which is float64 and makes the whole array so. A
    plain Python number takes the precision of the array it meets."""

    def reference_margin(policy, share, beta):
        return policy[:, 0] - policy[:, 1] + (np.log(share) - np.log1p(-share)) / beta


class PullInsteadOfItsShare(Mutant):
    """This is the force itself, β times the pull. The pull is the share of the largest possible
    force, a number between 0 and 1 whatever β is."""

    def pull(policy, reference, beta):
        return beta * np.exp(-np.logaddexp(0, margin(policy, reference, beta)))


class WrongSideOfThePolicy(Mutant):
    """This subtracts where it should add: the stronger a pair pulls, the *more* its reference must
    have preferred the chosen answer."""

    def reference_margin(policy, share, beta):
        return policy[:, 0] - policy[:, 1] - (np.log(share) - np.log1p(-share)) / beta


class LogitTimesBeta(Mutant):
    """This multiplies by β where it should divide. The margin is β times a difference in nats, and
    the question is for the nats."""

    def reference_margin(policy, share, beta):
        return policy[:, 0] - policy[:, 1] + (np.log(share) - np.log1p(-share)) * beta


class PolicyForgotten(Mutant):
    """This forgets the policy. The reference's preference is counted from what the policy itself
    prefers, and equals it at a share of one half."""

    def reference_margin(policy, share, beta):
        return 0 * policy[:, 0] + (np.log(share) - np.log1p(-share)) / beta


class ShareTakenForMargin(Mutant):
    """This divides the share itself by β. The share is σ of a margin; the margin is what is asked,
    so σ has to be inverted first."""

    def reference_margin(policy, share, beta):
        return policy[:, 0] - policy[:, 1] + share / beta
