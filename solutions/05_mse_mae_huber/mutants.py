"""Wrong solutions to 05 that real people write."""

import matplotlib.pyplot as plt
import numpy as np

from autograder.bank import Mutant


class CoreWithoutHalf(Mutant):
    """The core of this Huber is r² instead of ½r², so that its value jumps at |r| = δ and its slope
    doubles."""

    def huber(residual, delta):
        if not delta > 0:
            raise ValueError("delta must be positive")
        size = np.abs(residual)
        core = np.minimum(size, delta)
        return np.where(size <= delta, core * core, delta * (size - delta / 2)).astype(
            residual.dtype
        )


class TailNotLowered(Mutant):
    """The tail of this Huber is δ|r| without the −½δ², so that the value jumps at |r| = δ. The
    constant is what glues the pieces together."""

    def huber(residual, delta):
        if not delta > 0:
            raise ValueError("delta must be positive")
        size = np.abs(residual)
        core = np.minimum(size, delta)
        return np.where(size <= delta, core * core / 2, delta * size).astype(residual.dtype)


class SmoothL1(Mutant):
    """This is Smooth L1, which is Huber divided by δ. The two agree only at δ = 1."""

    def huber(residual, delta):
        if not delta > 0:
            raise ValueError("delta must be positive")
        core = np.minimum(np.abs(residual), delta)
        return core * (np.abs(residual) - core / 2) / delta


class PseudoHuber(Mutant):
    """This is the pseudo-Huber loss, a smooth relative. Huber's own is exactly ½r² up to δ and
    exactly a straight line beyond."""

    def huber(residual, delta):
        if not delta > 0:
            raise ValueError("delta must be positive")
        v = residual / residual.dtype.type(delta)
        return delta**2 * v * (v / (np.hypot(v, 1) + 1))


class SignForgottenInTheTest(Mutant):
    """This tests r ≤ δ instead of |r| ≤ δ, so that every large negative residual is treated as if
    it were in the core."""

    def huber(residual, delta):
        if not delta > 0:
            raise ValueError("delta must be positive")
        size = np.abs(residual)
        with np.errstate(all="ignore"):
            return np.where(residual <= delta, residual**2 / 2, delta * (size - delta / 2)).astype(
                residual.dtype
            )


class OverflowInTheOtherBranch(Mutant):
    """This blends both branches by multiplication, and 0 · inf is NaN: for a huge residual the
    unused branch overflows and spoils the used one. Choose before you square."""

    def huber(residual, delta):
        if not delta > 0:
            raise ValueError("delta must be positive")
        size = np.abs(residual)
        core = (size <= delta).astype(residual.dtype)
        return core * residual**2 / 2 + (1 - core) * delta * (size - delta / 2)


class AnyDelta(Mutant):
    """This accepts a δ that is zero or negative and answers with numbers that are no loss at all.
    An argument outside its range should raise ValueError."""

    def huber(residual, delta):
        core = np.minimum(np.abs(residual), delta)
        return core * (np.abs(residual) - core / 2)


class ResidualsMadePositive(Mutant):
    """This takes the absolute value in place, and so overwrites the caller's residuals."""

    def huber(residual, delta):
        if not delta > 0:
            raise ValueError("delta must be positive")
        np.abs(residual, out=residual)
        core = np.minimum(residual, delta)
        return core * (residual - core / 2)


class HalfSquaredGradient(Mutant):
    """This is the gradient of half the squared error. The table has r² without the ½, so its slope
    is 2r."""

    def squared_error_gradient(residual):
        return residual * 1


class DividedByItself(Mutant):
    """This computes the sign as r/|r|, which is 0/0 at a residual of exactly zero. There the agreed
    slope is 0."""

    def absolute_error_gradient(residual):
        with np.errstate(invalid="ignore"):
            return residual / np.abs(residual)


class OneAtZero(Mutant):
    """This counts a residual of zero as positive, and pushes a perfect prediction away. At zero the
    agreed slope is 0, in the middle of the interval from −1 to 1."""

    def absolute_error_gradient(residual):
        return np.where(residual >= 0, 1, -1).astype(residual.dtype)


class PrecisionRaised(Mutant):
    """This turns float32 into float64: `np.where` between Python numbers, or a product with an
    array of truth values, takes numpy's default precision."""

    def absolute_error_gradient(residual):
        return np.where(residual > 0, 1.0, np.where(residual < 0, -1.0, 0.0))


class TailWithoutDelta(Mutant):
    """The tail of this gradient is ±1 instead of ±δ, so that the slope jumps at |r| = δ. Huber's
    slope is continuous; only its second derivative jumps."""

    def huber_gradient(residual, delta):
        if not delta > 0:
            raise ValueError("delta must be positive")
        inside = np.abs(residual) <= delta
        return np.where(inside, residual, np.sign(residual)).astype(residual.dtype)


class OutliersIgnored(Mutant):
    """This gives residuals beyond δ no pull at all. That is a trimmed loss, which is not convex;
    Huber limits an outlier's pull to δ and never lets go."""

    def huber_gradient(residual, delta):
        if not delta > 0:
            raise ValueError("delta must be positive")
        return np.where(np.abs(residual) <= delta, residual, 0 * np.sign(residual)).astype(
            residual.dtype
        )


class DeltaFixedAtOne(Mutant):
    """This clips at ±1 whatever δ is. With δ = 1 nobody notices."""

    def huber_gradient(residual, delta):
        if not delta > 0:
            raise ValueError("delta must be positive")
        return np.clip(residual, -1, 1)


class BranchesSwapped(Mutant):
    """This has the two branches the wrong way round: flat in the core, growing in the tail."""

    def huber_gradient(residual, delta):
        if not delta > 0:
            raise ValueError("delta must be positive")
        tail = np.abs(residual) > delta
        return np.where(tail, residual, delta * np.sign(residual)).astype(residual.dtype)


class SignTurned(Mutant):
    """This gradient has the sign of target − prediction. Gradients are taken with respect to the
    prediction, and have the sign of the residual."""

    def huber_gradient(residual, delta):
        if not delta > 0:
            raise ValueError("delta must be positive")
        return -np.clip(residual, -delta, delta)


class SignLost(Mutant):
    """This gradient has the right sizes and no signs: every prediction would only ever go down."""

    def huber_gradient(residual, delta):
        if not delta > 0:
            raise ValueError("delta must be positive")
        return np.minimum(np.abs(residual), delta)


class ClippedInPlace(Mutant):
    """This clips the caller's own array. After the call, the residuals are gone."""

    def huber_gradient(residual, delta):
        if not delta > 0:
            raise ValueError("delta must be positive")
        return np.clip(residual, -delta, delta, out=residual)


class ZerosDecide(Mutant):
    """This lets a residual of exactly zero decide, and answers 0. But at zero both gradients are 0
    for every δ, so that only the others count."""

    def exact_deltas(residual):
        size = np.abs(residual)
        if not size.any():
            return np.inf, 0.0
        return size.min(), size.max()


class DeltasSwapped(Mutant):
    """These are the right two numbers in the wrong order. A small δ acts as absolute error, a large
    one as squared error."""

    def exact_deltas(residual):
        size = np.abs(residual)
        return np.max(size), np.min(size, where=size > 0, initial=np.inf)


class DeltasOfPositiveResiduals(Mutant):
    """This looks at positive residuals only; δ bounds the absolute value, so that residuals below
    zero count as well."""

    def exact_deltas(residual):
        positive = residual[residual > 0]
        if not positive.size:
            return np.inf, 0.0
        return positive.min(), positive.max()


class EmptyMinimum(Mutant):
    """This takes the smallest of the residuals that are not zero, and there may be none. Then every
    δ will do, and the answer is infinity."""

    def exact_deltas(residual):
        size = np.abs(residual)
        return size[size > 0].min(), size.max()


class ValuesInsteadOfGradients(Mutant):
    """This draws the losses themselves. Their slopes are asked for."""

    def draw_gradients(delta):
        r = np.linspace(-5, 5, 401)
        figure, axes = plt.subplots()
        axes.plot(r, r**2, label="squared error")
        axes.plot(r, np.abs(r), label="absolute error")
        axes.plot(r, huber(r, delta), label="Huber")
        axes.set(xlabel="residual", ylabel="gradient")
        axes.legend()
        return figure


class PictureIgnoresDelta(Mutant):
    """This draws Huber for δ = 1, whichever δ was asked for."""

    def draw_gradients(delta):
        r = np.linspace(-5, 5, 401)
        figure, axes = plt.subplots()
        axes.plot(r, squared_error_gradient(r), label="squared error")
        axes.plot(r, absolute_error_gradient(r), label="absolute error")
        axes.plot(r, huber_gradient(r, 1.0), label="Huber")
        axes.set(xlabel="residual", ylabel="gradient")
        axes.legend()
        return figure


class NoLegend(Mutant):
    """The lines have labels, but nobody sees them: `legend()` is missing."""

    def draw_gradients(delta):
        r = np.linspace(-5, 5, 401)
        figure, axes = plt.subplots()
        axes.plot(r, squared_error_gradient(r), label="squared error")
        axes.plot(r, absolute_error_gradient(r), label="absolute error")
        axes.plot(r, huber_gradient(r, delta), label="Huber")
        axes.set(xlabel="residual", ylabel="gradient")
        return figure


class AxesWithoutLabels(Mutant):
    """The axes do not say what they show: set an x label and a y label."""

    def draw_gradients(delta):
        r = np.linspace(-5, 5, 401)
        figure, axes = plt.subplots()
        axes.plot(r, squared_error_gradient(r), label="squared error")
        axes.plot(r, absolute_error_gradient(r), label="absolute error")
        axes.plot(r, huber_gradient(r, delta), label="Huber")
        axes.legend()
        return figure


class HalfThePicture(Mutant):
    """This draws residuals from 0 to 5 only. Half of the question lies below zero."""

    def draw_gradients(delta):
        r = np.linspace(0, 5, 201)
        figure, axes = plt.subplots()
        axes.plot(r, squared_error_gradient(r), label="squared error")
        axes.plot(r, absolute_error_gradient(r), label="absolute error")
        axes.plot(r, huber_gradient(r, delta), label="Huber")
        axes.set(xlabel="residual", ylabel="gradient")
        axes.legend()
        return figure


class FigureNotReturned(Mutant):
    """This draws the figure and returns nothing: a `return` is missing at the end."""

    def draw_gradients(delta):
        r = np.linspace(-5, 5, 401)
        figure, axes = plt.subplots()
        axes.plot(r, squared_error_gradient(r), label="squared error")
        axes.plot(r, absolute_error_gradient(r), label="absolute error")
        axes.plot(r, huber_gradient(r, delta), label="Huber")
        axes.set(xlabel="residual", ylabel="gradient")
        axes.legend()
        plt.close(figure)
