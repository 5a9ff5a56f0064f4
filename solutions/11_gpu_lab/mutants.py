"""Wrong solutions to 11 that real people write."""

import numpy as np

from autograder.bank import Mutant


class NoGuardForEmpty(Mutant):
    """This subtracts −∞ from −∞ where both stretches are empty, and that is no number. One NaN in
    the first block then spoils the whole row."""

    def merge(m1, d1, m2, d2):
        m = np.maximum(m1, m2)
        return m, d1 * np.exp(m1 - m) + d2 * np.exp(m2 - m)


class SumsOfTwoScales(Mutant):
    """This adds two sums that are measured from different maxima. Bring both to the common maximum
    first."""

    def merge(m1, d1, m2, d2):
        return np.maximum(m1, m2), d1 + d2


class ScaledTheWrongWay(Mutant):
    """This multiplies by exp(m − m1) where exp(m1 − m) is needed: the maximum has grown, so each
    term is smaller than it was, not larger."""

    def merge(m1, d1, m2, d2):
        m = np.maximum(m1, m2)
        common = np.where(np.isneginf(m), 0, m)
        up = np.exp(common - np.where(np.isneginf(m1), common, m1))
        down = np.exp(common - np.where(np.isneginf(m2), common, m2))
        return m, d1 * up + d2 * down


class FirstIsNeverScaled(Mutant):
    """This brings the second sum to the new maximum and leaves the first one as it was. It is right
    only as long as the maximum never moves."""

    def merge(m1, d1, m2, d2):
        m = np.maximum(m1, m2)
        common = np.where(np.isneginf(m), 0, m)
        return m, d1 + d2 * np.exp(m2 - common)


class SecondIsNeverScaled(Mutant):
    """This takes it for granted that the second stretch holds the maximum. Its sum, too, must be
    brought to the common one."""

    def merge(m1, d1, m2, d2):
        m = np.maximum(m1, m2)
        common = np.where(np.isneginf(m), 0, m)
        return m, d1 * np.exp(m1 - common) + d2


class MaximumHidesNan(Mutant):
    """This takes the larger of the two that is a number, and so hides a NaN from the maximum."""

    def merge(m1, d1, m2, d2):
        m = np.fmax(m1, m2)
        common = np.where(np.isneginf(m), 0, m)
        return m, d1 * np.exp(m1 - common) + d2 * np.exp(m2 - common)


class LogOfTheSum(Mutant):
    """This returns the logarithm of the sum. The statistic is the sum itself; its logarithm is
    taken once, at the end of the row."""

    def merge(m1, d1, m2, d2):
        m = np.maximum(m1, m2)
        common = np.where(np.isneginf(m), 0, m)
        return m, np.log(d1 * np.exp(m1 - common) + d2 * np.exp(m2 - common))


class MergedInDouble(Mutant):
    """This computes in float64 and returns it. The precision of the statistics is the caller's
    choice; on a chip, twice the bytes are half the rows."""

    def merge(m1, d1, m2, d2):
        m = np.maximum(m1, m2)
        common = np.where(np.isneginf(m), 0, m)
        return m, d1.astype(float) * np.exp(m1 - common) + d2 * np.exp(m2 - common)


class MergedInPlace(Mutant):
    """This multiplies the caller's sums in place. The next reader of them finds other numbers."""

    def merge(m1, d1, m2, d2):
        m = np.maximum(m1, m2)
        common = np.where(np.isneginf(m), 0, m)
        d1 *= np.exp(m1 - common)
        d2 *= np.exp(m2 - common)
        return m, d1 + d2


class ExponentialsOfLogits(Mutant):
    """This takes the exponential of the logits themselves, which overflows beyond 709. Subtract the
    block's maximum first."""

    def absorb(m, d, x):
        total = np.exp(x.astype(m.dtype)).sum(axis=1)
        largest = x.astype(m.dtype).max(axis=1)
        common = np.where(np.isneginf(largest), 0, largest)
        return merge(m, d, largest, total * np.exp(-common))


class LastBlockAlone(Mutant):
    """This forgets the blocks before: the statistics of the new block replace them."""

    def absorb(m, d, x):
        x = x.astype(m.dtype)
        largest = x.max(axis=1)
        common = np.where(np.isneginf(largest), 0, largest)
        return largest, np.exp(x - common[:, None]).sum(axis=1)


class ZerosBeyondTheEnd(Mutant):
    """This takes what lies beyond the end of the row for logits of 0, and each adds its
    exponential. A masked load fills in −∞."""

    def absorb(m, d, x):
        x = np.where(np.isneginf(x), 0, x).astype(m.dtype)
        largest = x.max(axis=1)
        return merge(m, d, largest, np.exp(x - largest[:, None]).sum(axis=1))


class BlockOfNothing(Mutant):
    """This is not prepared for a block that holds nothing but −∞: −∞ − (−∞) is no number."""

    def absorb(m, d, x):
        x = x.astype(m.dtype)
        largest = x.max(axis=1)
        return merge(m, d, largest, np.exp(x - largest[:, None]).sum(axis=1))


class SummedInLogitPrecision(Mutant):
    """This sums in the precision of the logits. In float16, a sum of some hundred terms has three
    digits left; turn the logits to the precision of m first."""

    def absorb(m, d, x):
        largest = x.max(axis=1)
        common = np.where(np.isneginf(largest), 0, largest)
        total = np.exp(x - common[:, None]).sum(axis=1)
        return merge(m, d, largest.astype(m.dtype), total.astype(m.dtype))


class SumBeforeDifference(Mutant):
    """This adds log d to m first and subtracts the logit then. Where logits are large, log d is
    lost in that sum; take the difference of the two large numbers first."""

    def row_loss(m, d, x_target, target):
        return np.where(target == IGNORE, 0, (m + np.log(d)) - x_target)


class LogOfTwo(Mutant):
    """This takes the logarithm to the base 2. Base 2 is fine inside a kernel, if every logarithm is
    turned back: the loss is in nats."""

    def row_loss(m, d, x_target, target):
        return np.where(target == IGNORE, 0, np.log2(d) + (m - x_target))


class LikelihoodItself(Mutant):
    """This is the logarithm of the probability; the loss is its negative."""

    def row_loss(m, d, x_target, target):
        return np.where(target == IGNORE, 0, (x_target - m) - np.log(d))


class MaximumForgotten(Mutant):
    """This leaves out m − x of the target: it is the loss of a row whose target has the largest
    logit."""

    def row_loss(m, d, x_target, target):
        return np.where(target == IGNORE, 0, np.log(d) + 0 * m)


class LossesInDouble(Mutant):
    """This fills an array made with `np.zeros`, which is float64 whatever the statistics are. The
    losses are asked for in the precision of m."""

    def row_loss(m, d, x_target, target):
        losses = np.zeros(len(m))
        counts = target != IGNORE
        losses[counts] = (np.log(d) + (m - x_target))[counts]
        return losses


class LossTimesZero(Mutant):
    """This multiplies the loss of a row that does not count by 0, and 0 times NaN is NaN. Choose
    instead of multiplying."""

    def row_loss(m, d, x_target, target):
        return (np.log(d) + (m - x_target)) * (target != IGNORE)


class EveryRowCounts(Mutant):
    """This has no eye for the target −100, and counts rows of padding."""

    def row_loss(m, d, x_target, target):
        return np.log(d) + (m - x_target)


class StartForgotten(Mutant):
    """This takes every block for the first one: the target's column is looked for among 0, 1, 2, …
    and not from `start` on."""

    def gradient_block(x, start, target, m, d, upstream):
        p = np.exp(x.astype(m.dtype) - m[:, None]) / d[:, None]
        gradient = upstream[:, None] * (p - (np.arange(x.shape[1]) == target[:, None]))
        return np.where(target[:, None] == IGNORE, 0, gradient).astype(x.dtype)


class NotDivided(Mutant):
    """This takes the exponential for the probability. It still has to be divided by d."""

    def gradient_block(x, start, target, m, d, upstream):
        column = start + np.arange(x.shape[1])
        weight = np.exp(x.astype(m.dtype) - m[:, None])
        gradient = upstream[:, None] * (weight - (column == target[:, None]))
        return np.where(target[:, None] == IGNORE, 0, gradient).astype(x.dtype)


class BlockIsTheWorld(Mutant):
    """This normalises within the block. The probabilities of a row add up to 1 over the whole row;
    its m and d are there for that."""

    def gradient_block(x, start, target, m, d, upstream):
        column = start + np.arange(x.shape[1])
        weight = np.exp(x.astype(m.dtype) - m[:, None])
        p = weight / weight.sum(axis=1, keepdims=True)
        gradient = upstream[:, None] * (p - (column == target[:, None]))
        return np.where(target[:, None] == IGNORE, 0, gradient).astype(x.dtype)


class TargetNotSubtracted(Mutant):
    """This is the probability alone. At the target's column, 1 is subtracted: there the loss falls
    when the logit rises."""

    def gradient_block(x, start, target, m, d, upstream):
        gradient = upstream[:, None] * np.exp(x.astype(m.dtype) - m[:, None]) / d[:, None]
        return np.where(target[:, None] == IGNORE, 0, gradient).astype(x.dtype)


class UpstreamForgotten(Mutant):
    """This leaves `upstream` out: it is the gradient of the plain sum of the losses."""

    def gradient_block(x, start, target, m, d, upstream):
        column = start + np.arange(x.shape[1])
        p = np.exp(x.astype(m.dtype) - m[:, None]) / d[:, None]
        gradient = p - (column == target[:, None])
        return np.where(target[:, None] == IGNORE, 0, gradient).astype(x.dtype)


class UpstreamForHalf(Mutant):
    """This multiplies the probability by `upstream`, and subtracts a whole 1 at the target. The
    factor belongs to both."""

    def gradient_block(x, start, target, m, d, upstream):
        column = start + np.arange(x.shape[1])
        p = np.exp(x.astype(m.dtype) - m[:, None]) / d[:, None]
        gradient = upstream[:, None] * p - (column == target[:, None])
        return np.where(target[:, None] == IGNORE, 0, gradient).astype(x.dtype)


class PaddingPulls(Mutant):
    """This gives rows that do not count the gradient of a row without target: their probabilities.
    It must be 0."""

    def gradient_block(x, start, target, m, d, upstream):
        column = start + np.arange(x.shape[1])
        p = np.exp(x.astype(m.dtype) - m[:, None]) / d[:, None]
        return (upstream[:, None] * (p - (column == target[:, None]))).astype(x.dtype)


class GradientTimesZero(Mutant):
    """This multiplies the gradient of a row that does not count by 0. What does not count may be
    NaN, and 0 times NaN is NaN."""

    def gradient_block(x, start, target, m, d, upstream):
        column = start + np.arange(x.shape[1])
        p = np.exp(x.astype(m.dtype) - m[:, None]) / d[:, None]
        factor = upstream * (target != IGNORE)
        return (factor[:, None] * (p - (column == target[:, None]))).astype(x.dtype)


class GradientInStatisticsPrecision(Mutant):
    """This gives float16 logits a float32 gradient, which is twice as large and cannot take their
    place in memory."""

    def gradient_block(x, start, target, m, d, upstream):
        column = start + np.arange(x.shape[1])
        p = np.exp(x.astype(m.dtype) - m[:, None]) / d[:, None]
        gradient = upstream[:, None] * (p - (column == target[:, None]))
        return np.where(target[:, None] == IGNORE, 0, gradient)


class GradientBesideLogits(Mutant):
    """This has room for the logits and for their gradient. The gradient is written over the logits,
    so one table of a chunk is enough."""

    def largest_chunk(rows, features, classes, budget):
        fit = (budget // 4 - (rows + classes) * features) // (2 * classes)
        if fit < 1:
            raise ValueError("the budget is too small")
        return min(fit, rows)


class NumbersInsteadOfBytes(Mutant):
    """This takes the budget for a count of numbers. A float32 has 4 bytes."""

    def largest_chunk(rows, features, classes, budget):
        fit = (budget - (rows + classes) * features) // classes
        if fit < 1:
            raise ValueError("the budget is too small")
        return min(fit, rows)


class GradientsAreFree(Mutant):
    """This gives the whole budget to the logits. dx and dW are kept all the time, and have to lie
    in it too."""

    def largest_chunk(rows, features, classes, budget):
        fit = budget // 4 // classes
        if fit < 1:
            raise ValueError("the budget is too small")
        return min(fit, rows)


class MoreThanThereAre(Mutant):
    """This may answer with more rows than there are."""

    def largest_chunk(rows, features, classes, budget):
        fit = (budget // 4 - (rows + classes) * features) // classes
        if fit < 1:
            raise ValueError("the budget is too small")
        return fit


class AtLeastOneRow(Mutant):
    """This answers 1 where not a single row fits. Who asked would run out of memory; an error tells
    them before."""

    def largest_chunk(rows, features, classes, budget):
        fit = (budget // 4 - (rows + classes) * features) // classes
        return max(1, min(fit, rows))


class MeanOfTheChunk(Mutant):
    """This divides by the number of rows of the chunk. Chunks in which fewer rows count would then
    weigh more; `scale` is one over the number in the whole batch."""

    def chunk_step(x, weight, target, scale, dw):
        wide, weight_wide = x.astype(dw.dtype), weight.astype(dw.dtype)
        logits = wide @ weight_wide.T
        m = logits.max(axis=1)
        d = np.exp(logits - m[:, None]).sum(axis=1)
        x_target = logits[np.arange(len(x)), np.where(target == IGNORE, 0, target)]
        share = 1 / len(x)
        loss = share * row_loss(m, d, x_target, target).sum()
        gradient = gradient_block(logits, 0, target, m, d, np.full_like(m, share))
        return loss, (gradient @ weight_wide).astype(x.dtype), dw + gradient.T @ wide


class ChunksBeforeForgotten(Mutant):
    """This returns the share of this chunk in dW and drops those of the chunks before."""

    def chunk_step(x, weight, target, scale, dw):
        wide, weight_wide = x.astype(dw.dtype), weight.astype(dw.dtype)
        logits = wide @ weight_wide.T
        m = logits.max(axis=1)
        d = np.exp(logits - m[:, None]).sum(axis=1)
        x_target = logits[np.arange(len(x)), np.where(target == IGNORE, 0, target)]
        loss = scale * row_loss(m, d, x_target, target).sum()
        gradient = gradient_block(logits, 0, target, m, d, np.full_like(m, scale))
        return loss, (gradient @ weight_wide).astype(x.dtype), gradient.T @ wide


class AddedInFeaturePrecision(Mutant):
    """This adds dW up in the precision of the features. In float16 a small share is rounded away
    when it meets a large sum, chunk after chunk."""

    def chunk_step(x, weight, target, scale, dw):
        wide, weight_wide = x.astype(dw.dtype), weight.astype(dw.dtype)
        logits = wide @ weight_wide.T
        m = logits.max(axis=1)
        d = np.exp(logits - m[:, None]).sum(axis=1)
        x_target = logits[np.arange(len(x)), np.where(target == IGNORE, 0, target)]
        loss = scale * row_loss(m, d, x_target, target).sum()
        gradient = gradient_block(logits, 0, target, m, d, np.full_like(m, scale))
        dw = dw.astype(x.dtype) + (gradient.T @ wide).astype(x.dtype)
        return loss, (gradient @ weight_wide).astype(x.dtype), dw


class AddedInPlace(Mutant):
    """This adds to the caller's dW in place. Whoever calls twice has the chunk in it twice."""

    def chunk_step(x, weight, target, scale, dw):
        wide, weight_wide = x.astype(dw.dtype), weight.astype(dw.dtype)
        logits = wide @ weight_wide.T
        m = logits.max(axis=1)
        d = np.exp(logits - m[:, None]).sum(axis=1)
        x_target = logits[np.arange(len(x)), np.where(target == IGNORE, 0, target)]
        loss = scale * row_loss(m, d, x_target, target).sum()
        gradient = gradient_block(logits, 0, target, m, d, np.full_like(m, scale))
        dw += gradient.T @ wide
        return loss, (gradient @ weight_wide).astype(x.dtype), dw


class InPlaceIsFree(Mutant):
    """This counts nothing for writing over the logits. Writing in place saves memory, and moves as
    many bytes as writing elsewhere."""

    def bytes_moved(program, rows, classes, itemsize):
        passes = {"forward": 1, "backward": 2, "two kernels": 3, "one launch": 1}
        passes |= {"eager": 6, "naive": 11}
        if program == "cast":
            return rows * classes * (2 * (itemsize + 4) + 24)
        return rows * classes * itemsize * passes[program]


class ReadTwiceInOneLaunch(Mutant):
    """This counts the second reading of a row in one launch. It finds the row on the chip."""

    def bytes_moved(program, rows, classes, itemsize):
        passes = {"forward": 1, "backward": 2, "two kernels": 3, "one launch": 3}
        passes |= {"eager": 6, "naive": 11}
        if program == "cast":
            return rows * classes * (2 * (itemsize + 4) + 24)
        return rows * classes * itemsize * passes[program]


class ZerosCostNothing(Mutant):
    """This leaves out the table of zeros. Somebody has to write every one of them."""

    def bytes_moved(program, rows, classes, itemsize):
        passes = {"forward": 1, "backward": 2, "two kernels": 3, "one launch": 2}
        passes |= {"eager": 5, "naive": 10}
        if program == "cast":
            return rows * classes * (2 * (itemsize + 4) + 20)
        return rows * classes * itemsize * passes[program]


class ReadingAlone(Mutant):
    """This counts what is read and forgets what is written."""

    def bytes_moved(program, rows, classes, itemsize):
        passes = {"forward": 1, "backward": 1, "two kernels": 2, "one launch": 1}
        passes |= {"eager": 3, "naive": 6}
        if program == "cast":
            return rows * classes * (itemsize + 12 + 4)
        return rows * classes * itemsize * passes[program]


class CastCostsNothing(Mutant):
    """This counts the program in float32 and not the way there and back, which reads and writes a
    table each."""

    def bytes_moved(program, rows, classes, itemsize):
        passes = {"forward": 1, "backward": 2, "two kernels": 3, "one launch": 2}
        passes |= {"eager": 6, "naive": 11}
        if program == "cast":
            return rows * classes * 24
        return rows * classes * itemsize * passes[program]


class CastStaysSmall(Mutant):
    """This counts float32 tables at the size of the logits that they were made of. The detour is so
    dear because everything on it has 4 bytes."""

    def bytes_moved(program, rows, classes, itemsize):
        passes = {"forward": 1, "backward": 2, "two kernels": 3, "one launch": 2}
        passes |= {"eager": 6, "naive": 11, "cast": 10}
        return rows * classes * itemsize * passes[program]
