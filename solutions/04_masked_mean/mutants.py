"""Wrong solutions to 04 that real people write."""

import numpy as np

from autograder.bank import Mutant


class RowsOverPadding(Mutant):
    """This averages each row over its full padded width, so that a short sentence looks easy."""

    def sequence_mean(values, mask):
        rows = mask.any(axis=1)
        return np.where(mask, values, 0.0)[rows].mean() if rows.any() else 0.0


class MeanOverPadding(Mutant):
    """This averages over the padding too: it divides by the number of all slots instead of those
    that count."""

    def masked_mean(values, mask):
        return np.where(mask, values, 0.0).mean(dtype=float)


class MaskIgnored(Mutant):
    """This does not look at the mask at all."""

    def masked_mean(values, mask):
        return values.mean(dtype=float)


class MaskTurnedAround(Mutant):
    """This averages what should be left out. True marks the slots that count; some libraries use
    True for padding."""

    def masked_mean(values, mask):
        kept = values[~mask]
        return kept.mean(dtype=float) if kept.size else 0.0


class TimesTheMask(Mutant):
    """This multiplies by the mask, and 0 · NaN is NaN: whatever stands in the padding leaks into
    the mean. Choose the slots instead of weighting them."""

    def masked_mean(values, mask):
        return (values * mask).sum(dtype=float) / max(mask.sum(), 1)


class EpsilonInTheDenominator(Mutant):
    """This adds a small number to the count so as not to divide by zero, which makes every mean a
    little too small. Treat the empty selection by name."""

    def masked_mean(values, mask):
        return np.where(mask, values, 0.0).sum(dtype=float) / (mask.sum() + 1e-8)


class EmptyMeanIsNan(Mutant):
    """This divides 0 by 0 where nothing counts. The mean of nothing is 0 here by agreement, so that
    an empty batch does not spoil the run."""

    def masked_mean(values, mask):
        return values[mask].sum(dtype=float) / mask.sum()


class SumInsteadOfMean(Mutant):
    """This is the sum over the slots that count; it still has to be divided by their number."""

    def masked_mean(values, mask):
        return values[mask].sum(dtype=float)


class NanHidden(Mutant):
    """This leaves out every NaN, also in slots that count. A NaN that counts is the symptom of a
    bug and must come out."""

    def masked_mean(values, mask):
        kept = values[mask]
        return np.nanmean(kept.astype(float)) if np.isfinite(kept).any() else 0.0


class NanBecomesZero(Mutant):
    """This turns NaN into 0 before averaging, also in slots that count; a run that diverges would
    look as if it had learned everything."""

    def masked_mean(values, mask):
        kept = np.nan_to_num(values[mask].astype(float))
        return kept.mean() if kept.size else 0.0


class ZeroTakenForPadding(Mutant):
    """This counts the slots whose value is not 0. A token can have a loss of exactly 0 and still
    count; only the mask knows."""

    def masked_mean(values, mask):
        kept = values[mask]
        return kept.sum(dtype=float) / max(np.count_nonzero(kept), 1)


class PaddingOverwritten(Mutant):
    """This sets the padding to 0 in the caller's own array. Work on a copy, for example with
    `np.where`."""

    def masked_mean(values, mask):
        values[~mask] = 0
        return values.sum(dtype=float) / max(mask.sum(), 1)


class HalfPrecisionOverflow(Mutant):
    """This adds up in half precision, where a few large values leave no room. Add up in a wider
    type."""

    def masked_mean(values, mask):
        kept = values[mask]
        return kept.sum() / kept.dtype.type(kept.size) if kept.size else 0.0


class GradientOverAllSlots(Mutant):
    """This gradient divides by the number of all slots; the mean it belongs to divides by those
    that count."""

    def masked_mean_gradient(values, mask):
        return mask.astype(values.dtype) / mask.size


class GradientReachesPadding(Mutant):
    """This gives slots that do not count a gradient too: the model would learn from padding."""

    def masked_mean_gradient(values, mask):
        return np.full_like(values, 1 / max(np.count_nonzero(mask), 1))


class GradientNotDivided(Mutant):
    """This is the gradient of the masked sum. The mean divides by the number of slots that count,
    and so does its gradient."""

    def masked_mean_gradient(values, mask):
        return mask.astype(values.dtype)


class EmptyGradientIsNan(Mutant):
    """This divides 0 by 0 where nothing counts: one batch of padding, and every weight is NaN."""

    def masked_mean_gradient(values, mask):
        return mask.astype(values.dtype) / values.dtype.type(np.count_nonzero(mask))


class GradientThroughNan(Mutant):
    """This multiplies the gradient by something made of the values, and 0 · NaN is NaN. The
    gradient of a mean does not depend on the values."""

    def masked_mean_gradient(values, mask):
        count = max(np.count_nonzero(mask), 1)
        return (values * 0 + 1) * mask / values.dtype.type(count)


class PrecisionRaised(Mutant):
    """This turns float32 into float64. The gradient should have the precision of the values."""

    def masked_mean_gradient(values, mask):
        return mask / max(np.count_nonzero(mask), 1)


class TokensInsteadOfSequences(Mutant):
    """This is the mean over tokens, in which a long sequence counts for more. Average each row
    first, then the rows."""

    def sequence_mean(values, mask):
        return masked_mean(values, mask)


class EmptySequencesCounted(Mutant):
    """This divides by all rows, also those without a single token, as if each were a perfect
    sentence with loss 0."""

    def sequence_mean(values, mask):
        sums = np.where(mask, values, 0.0).sum(axis=1)
        return (sums / np.maximum(mask.sum(axis=1), 1)).mean()


class EmptySequenceIsNan(Mutant):
    """This divides 0 by 0 for a row without a token, and one such row spoils the whole mean."""

    def sequence_mean(values, mask):
        sums = np.where(mask, values, 0.0).sum(axis=1)
        return (sums / mask.sum(axis=1)).mean() if mask.any() else 0.0


class ColumnsInsteadOfRows(Mutant):
    """This averages along the wrong axis: a sequence is a row, its tokens lie along axis 1."""

    def sequence_mean(values, mask):
        columns = [masked_mean(v, m) for v, m in zip(values.T, mask.T) if m.any()]
        return sum(columns) / max(len(columns), 1)


class MeanOfMeans(Mutant):
    """This averages the means of the pieces, so that a token in a small piece counts for more than
    one in a large piece. Add up sums and counts, and divide once."""

    def accumulated_mean(batches):
        return sum(masked_mean(*batch) for batch in batches) / len(batches)


class MeanOfNonEmptyMeans(Mutant):
    """This averages the means of the pieces that are not empty; a token in a small piece still
    counts for more than one in a large piece. Add up sums and counts, and divide once."""

    def accumulated_mean(batches):
        means = [masked_mean(v, m) for v, m in batches if m.any()]
        return sum(means) / max(len(means), 1)


class WeightedByRows(Mutant):
    """This weights each piece by its number of rows. What counts are tokens, and rows have
    different numbers of them."""

    def accumulated_mean(batches):
        total = sum(masked_mean(v, m) * len(v) for v, m in batches)
        return total / sum(len(values) for values, _ in batches)


class WeightedBySlots(Mutant):
    """This weights each piece by all its slots, padding included. Weight by the slots that
    count."""

    def accumulated_mean(batches):
        total = sum(masked_mean(v, m) * v.size for v, m in batches)
        return total / sum(values.size for values, _ in batches)


class LastPieceOnly(Mutant):
    """This keeps the count of the last piece only: the variable is overwritten in every turn of
    the loop instead of added to."""

    def accumulated_mean(batches):
        total = 0.0
        for values, mask in batches:
            total += values[mask].sum()
            count = np.count_nonzero(mask)
        return total / max(count, 1)


class EachPieceByItself(Mutant):
    """This divides each piece's gradient by that piece's own count. Added up, the pieces then
    follow the sum of their means, which grows with the number of pieces."""

    def accumulated_gradient(batches):
        return [masked_mean_gradient(values, mask) for values, mask in batches]


class GradientOfMeanOfMeans(Mutant):
    """This divides by each piece's own count and by the number of pieces: the gradient of a mean of
    means. Tokens of small pieces pull too hard; every token of the batch has the same weight, one
    over the count of all."""

    def accumulated_gradient(batches):
        return [masked_mean_gradient(v, m) / len(batches) for v, m in batches]


class PrecisionOfPiecesRaised(Mutant):
    """This turns float32 pieces into float64: truth values divided by a count take numpy's default
    precision, and the sum of all micro-batches takes twice the memory."""

    def accumulated_gradient(batches):
        count = max(sum(np.count_nonzero(mask) for _, mask in batches), 1)
        return [mask / count for _, mask in batches]
