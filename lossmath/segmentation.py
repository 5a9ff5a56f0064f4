"""Losses of masks: how well a map of probabilities covers the region it should, as a whole.

One value belongs to a whole mask (..., h, w); its pixels are probabilities. In the formulas I is
the sum of p t over the pixels, P that of p and T that of t. For soft targets the product p t is not
the smaller of the two, so that a soft target does not fit itself perfectly.
"""

from lossmath.arguments import Argument
from lossmath.arrays import Array, diagonal, odds, sigmoid, sigmoid_slope
from lossmath.classification import PROBABILITY, BinaryCrossEntropyFromLogits
from lossmath.loss import Accumulating, parameter

TARGET = Argument("target", "h w", PROBABILITY, differentiable=False)


class Overlap(Accumulating, abstract=True):
    """Losses 1 - (k I + s_n) / (k I + M + s_d), where M is what prediction and target do not share.

    Computed as (M + s_d - s_n) / (k I + M + s_d), which keeps its digits near a perfect fit. The
    smoothing decides about empty masks: without it two of them are 0/0, and give NaN.
    """

    smooth_nr: float = parameter(
        1e-5,
        at_least=0,
        slider=(1e-6, 1),
        scale="log",
        symbol="s_n",
        unit="pixels",
        meaning="what is added to the numerator: equal to s_d, two empty masks fit perfectly",
    )
    smooth_dr: float = parameter(
        1e-5,
        at_least=0,
        slider=(1e-6, 1),
        scale="log",
        symbol="s_d",
        unit="pixels",
        meaning="what is added to the denominator: keeps empty masks from dividing by 0",
    )

    arguments = (Argument("prediction", "h w", PROBABILITY), TARGET)
    lipschitz = None  # up to 1 / s_d
    nonnegative = True
    share = 1  # k, what a shared pixel counts

    def __post_init__(self):
        super().__post_init__()
        if self.smooth_nr > self.smooth_dr:
            object.__setattr__(self, "nonnegative", None)

    def missed(self, p, t, xp):
        """What each pixel adds to M, with its slope and its curvature in p."""
        raise NotImplementedError

    def _ratios(self, p, t, missed, xp):
        """The loss, what it lacks to 1, and the denominator, none of them by a difference."""
        shared = self.share * xp.sum(p * t, axis=(-2, -1))
        missed = xp.sum(missed, axis=(-2, -1))
        extent = shared + missed + self.smooth_dr
        loss = (missed + (self.smooth_dr - self.smooth_nr)) / extent
        return loss, (shared + self.smooth_nr) / extent, extent

    def f(self, p, t, xp):
        missed, _, _ = self.missed(p, t, xp)
        return self._ratios(p, t, missed, xp)[0]

    def df(self, p, t, xp):
        missed, slope, _ = self.missed(p, t, xp)
        loss, fit, extent = (x[..., None, None] for x in self._ratios(p, t, missed, xp))
        return (fit * slope - loss * self.share * t) / extent

    def d2f(self, p, t, xp):
        missed, slope, bend = self.missed(p, t, xp)
        _, fit, extent = (x[..., None, None] for x in self._ratios(p, t, missed, xp))
        pixels = (*p.shape[:-2], p.shape[-2] * p.shape[-1])
        gradient = xp.reshape(self.df(p, t, xp), pixels)
        widening = xp.reshape(self.share * t + slope, pixels)
        cross = gradient[..., None] * widening[..., None, :]
        own = diagonal(xp.reshape(fit * bend, pixels))
        hessian = (own - cross - xp.matrix_transpose(cross)) / extent
        return xp.reshape(hessian, (*p.shape, *p.shape[-2:]))


class Dice(Overlap):
    """One minus twice the overlap over the two sizes: large and small regions count alike.

    With `squared` the sizes are sums of squares, and a soft target fits itself.
    """

    squared: bool = parameter(
        False, choices=(False, True), meaning="whether sizes add up squared probabilities"
    )

    formula = r"1 - \frac{2 I + s_n}{P + T + s_d}"
    symmetric = True
    share = 2
    failures = (
        "on an empty mask the gradient is about 1/s_d: a single spurious pixel costs everything",
        "not convex: from a poor start the way to the best mask may lead uphill",
        "others put the smoothing beside I, which makes it twice as large, or leave it out",
    )
    reference = "Milletari, Navab & Ahmadi (2016)"
    aliases = ("Dice loss", "F1 loss", "Sørensen-Dice")

    def missed(self, p, t, xp):
        if self.squared:
            return (p - t) ** 2, 2 * (p - t), xp.full_like(p, 2.0)
        return p * (1 - t) + (1 - p) * t, 1 - 2 * t, xp.zeros_like(p)


class SoftIoU(Overlap):
    """One minus the intersection over the union: harder on a poor overlap than Dice."""

    formula = r"1 - \frac{I + s_n}{P + T - I + s_d}"
    convex = False
    symmetric = True
    failures = (
        "without any overlap it says only that there is none, not how far off the region is",
        "smoothing of a whole pixel hides regions of a few pixels",
    )
    reference = "Rahman & Wang (2016)"
    aliases = ("Jaccard loss", "soft Jaccard", "mask IoU")

    def missed(self, p, t, xp):
        return p * (1 - t) + (1 - p) * t, 1 - 2 * t, xp.zeros_like(p)


class Tversky(Overlap):
    """Overlap with a price of its own for false alarms and for misses.

    Both at 1 it is SoftIoU; both at 1/2 it is Dice, whose smoothing then counts half.
    """

    alpha: float = parameter(
        0.3,
        at_least=0,
        slider=(0, 1),
        symbol=r"\alpha",
        meaning="price of a false alarm, a pixel predicted but not in the target",
    )
    beta: float = parameter(
        0.7,
        at_least=0,
        slider=(0, 1),
        symbol=r"\beta",
        meaning="price of a miss, a pixel in the target but not predicted",
    )

    formula = r"1 - \frac{I + s_n}{I + \alpha (P - I) + \beta (T - I) + s_d}"
    failures = ("without a price of false alarms, predicting every pixel is perfect",)
    reference = "Salehi, Erdogmus & Gholipour (2017)"
    aliases = ("Tversky loss",)

    def missed(self, p, t, xp):
        false_alarm, miss = self.alpha * (1 - t), self.beta * t
        return p * false_alarm + (1 - p) * miss, false_alarm - miss, xp.zeros_like(p)


class DiceBCE(Accumulating):
    """Dice for the region as a whole plus the mean cross-entropy of its pixels, from one logit map.

    The cross-entropy guides where Dice is flat; Dice keeps a small region from being outvoted.
    """

    dice: float = parameter(
        1.0, at_least=0, slider=(0, 10), symbol=r"\lambda_1", meaning="weight of Dice"
    )
    cross_entropy: float = parameter(
        1.0, at_least=0, slider=(0, 10), symbol=r"\lambda_2", meaning="weight of the cross-entropy"
    )
    smooth: float = parameter(
        1e-5,
        at_least=0,
        slider=(1e-6, 1),
        scale="log",
        symbol="s",
        unit="pixels",
        meaning="smoothing of numerator and denominator of Dice",
    )

    arguments = (Argument("logits", "h w"), TARGET)
    formula = (
        r"\lambda_1 \Big(1 - \frac{2 I + s}{P + T + s}\Big) + "
        r"\frac{\lambda_2}{hw} \sum_i \big(\log(1+e^{z_i}) - t_i z_i\big),\quad p = \sigma(z)"
    )
    lipschitz = None
    nonnegative = True
    failures = ("the two terms have different scales: watch the length of each one's gradient",)
    reference = "Isensee et al. (2018)"
    aliases = ("combo loss", "Dice cross-entropy")

    def _terms(self):
        smooth = self.smooth
        return Dice(smooth, smooth, squared=False), BinaryCrossEntropyFromLogits(1.0, 0.0)

    def f(self, z, t, xp):
        dice, pixelwise = self._terms()
        # Both probabilities from the logit: 1 - p would lose its digits where p is almost 1.
        on, off = odds(z)
        p, rest = on / (on + off), off / (on + off)
        region = self.dice * dice._ratios(p, t, p * (1 - t) + rest * t, xp)[0]
        pixels = xp.sum(pixelwise._value([z, t], xp), axis=(-2, -1)) / _pixels(z)
        return region + self.cross_entropy * pixels

    def df(self, z, t, xp):
        dice, pixelwise = self._terms()
        region = self.dice * dice._gradient([sigmoid(z), t], xp) * sigmoid_slope(z)
        return region + self.cross_entropy * pixelwise._gradient([z, t], xp) / _pixels(z)


def _pixels(mask: Array) -> int:
    """How many pixels there are to take a mean over; a mean over none is 0."""
    return max(mask.shape[-2] * mask.shape[-1], 1)
