"""Regression losses, of the residual r = prediction - target unless their formula says otherwise.

Every loss here is elementwise except RootMeanSquaredError. At a kink `gradient` is 0 or, for the
asymmetric quantile loss, the middle of the two slopes; `hessian` is 0 where a slope jumps.
"""

from math import inf, log, pi, prod, sqrt

from lossmath.arguments import Argument
from lossmath.arrays import (
    device,
    log1p_square,
    log_factorial,
    log_gamma_step,
    norm,
    orthogonal_projector,
    times,
)
from lossmath.domains import POSITIVE, Interval
from lossmath.loss import Kink, Loss, Residual, parameter


class SquaredError(Residual):
    """The square of the residual: large errors dominate, and the best constant is the mean."""

    formula = r"r^2"
    noise = "Gaussian"
    elicits = "mean"
    convex = True
    nonnegative = True
    symmetric = True
    failures = ("one outlier outweighs everything else: the gradient grows with the residual",)
    reference = "Legendre (1805)"
    aliases = ("MSE", "L2", "mean squared error", "quadratic loss")

    def f(self, r, xp):
        return r * r

    def df(self, r, xp):
        return 2 * r

    def d2f(self, r, xp):
        return xp.full_like(r, 2.0)


class HalfSquaredError(Residual):
    """Half the square, so that the gradient is the residual itself."""

    formula = r"\tfrac12 r^2"
    noise = "Gaussian with unit variance"
    elicits = "mean"
    convex = True
    nonnegative = True
    symmetric = True
    failures = ("half of what others call L2: learning rates do not carry over",)
    reference = "Gauss (1809)"
    aliases = ("half MSE", "L2 with one half")

    def f(self, r, xp):
        return r * (r / 2)

    def df(self, r, xp):
        return r

    def d2f(self, r, xp):
        return xp.ones_like(r)


class RootMeanSquaredError(Residual):
    """The length of the residual vector over the root of its size: squared error in target units.

    It is no mean of pointwise losses: one value for all elements, or one per output (the axes
    after the first). The Hessian is dense, shape + shape; at a perfect fit both derivatives are 0.
    """

    over: str = parameter(
        "all",
        choices=("all", "per_output"),
        meaning="one root over all elements, or one for each output along the first axis",
    )

    arguments = (Argument("prediction", "..."), Argument("target", "...", differentiable=False))
    formula = r"\sqrt{\tfrac1N \sum_i r_i^2}"
    elicits = "mean"
    convex = True
    lipschitz = 1
    nonnegative = True
    symmetric = True
    failures = ("the mean of the values of mini-batches is not the value of the whole set",)
    reference = "Willmott & Matsuura (2005)"
    aliases = ("RMSE",)

    def _values_shape(self, sizes):
        return () if self.over == "all" else sizes["..."][1:]

    def _spread(self, per_value, ndim):
        return per_value  # outputs are the last axes, which broadcasting aligns

    def _columns(self, r, xp):
        """The residuals as (samples, outputs), each output's length, and the root of samples."""
        outputs = 1 if self.over == "all" else prod(r.shape[1:])
        columns = xp.reshape(r, (prod(r.shape) // max(outputs, 1), outputs))
        return columns, norm(columns, axis=0), sqrt(max(columns.shape[0], 1))

    def f(self, r, xp):
        _, length, root = self._columns(r, xp)
        return xp.reshape(length / root, () if self.over == "all" else r.shape[1:])

    def df(self, r, xp):
        columns, length, root = self._columns(r, xp)
        direction = columns / xp.where(length == 0, 1.0, length)
        return xp.reshape(direction / root, r.shape)

    def d2f(self, r, xp):
        columns, length, root = self._columns(r, xp)
        length = xp.where(length == 0, inf, length)
        # One (samples, samples) block (I - u u^T) / |r| per output, on the diagonal of outputs.
        blocks = orthogonal_projector(xp.matrix_transpose(columns / length)) / length[:, None, None]
        blocks = xp.permute_dims(blocks, (1, 0, 2))[..., None]
        blocks = blocks * xp.eye(length.shape[0], dtype=r.dtype, device=device(r))[:, None, :]
        return xp.reshape(blocks / root, (*r.shape, *r.shape))


class AbsoluteError(Residual):
    """The size of the residual: every error pulls equally hard. The best constant is the median.

    The gradient at the kink is 0, one of the subgradients between -1 and 1.
    """

    formula = r"|r|"
    noise = "Laplace"
    elicits = "median"
    kinks = (Kink(0, order=1),)
    convex = True
    lipschitz = 1
    nonnegative = True
    symmetric = True
    failures = (
        "the gradient does not shrink near the optimum, so a fixed step keeps jumping over it",
    )
    reference = "Boscovich (1757)"
    aliases = ("MAE", "L1", "mean absolute error")

    def f(self, r, xp):
        return xp.abs(r)

    def df(self, r, xp):
        return xp.sign(r)

    def d2f(self, r, xp):
        return xp.zeros_like(r)


class Huber(Residual):
    """Quadratic near zero, linear in the tails: squared error with its gradient clipped at delta.

    The slope is continuous; only the curvature jumps, and at |r| = delta it is given as 1.
    """

    delta: float = parameter(
        1.0,
        above=0,
        slider=(0.05, 5),
        scale="log",
        symbol=r"\delta",
        unit="target",
        meaning="residual at which the loss turns linear",
    )

    formula = r"\tfrac12 r^2 \text{ if } |r| \le \delta, \text{ else } \delta(|r| - \tfrac12\delta)"
    noise = "Gaussian core, Laplace tails"
    kinks = (Kink("-delta", order=2), Kink("delta", order=2))
    convex = True
    lipschitz = "delta"
    nonnegative = True
    symmetric = True
    failures = ("rescaling the targets without rescaling delta silently changes the loss",)
    reference = "Huber (1964)"
    aliases = ("Huber loss",)

    def f(self, r, xp):
        near = xp.clip(xp.abs(r), max=self.delta)
        return near * (xp.abs(r) - near / 2)

    def df(self, r, xp):
        return xp.clip(r, -self.delta, self.delta)

    def d2f(self, r, xp):
        return xp.astype(xp.abs(r) <= self.delta, r.dtype)


class SmoothL1(Residual):
    """Huber divided by its threshold: absolute error whose kink is rounded off within beta.

    At |r| = beta the curvature is given as 0. With beta = 0 it is the absolute error itself.
    """

    beta: float = parameter(
        1.0,
        at_least=0,
        slider=(0, 5),
        symbol=r"\beta",
        unit="target",
        meaning="residual below which the loss is quadratic",
    )

    formula = r"\frac{r^2}{2\beta} \text{ if } |r| < \beta, \text{ else } |r| - \tfrac12\beta"
    noise = "Gaussian core, Laplace tails"
    kinks = (Kink("-beta", "2 if beta else 1"), Kink("beta", "2 if beta else 1"))
    convex = True
    lipschitz = 1
    nonnegative = True
    symmetric = True
    failures = ("as beta shrinks the curvature 1/beta grows, and with it the need for small steps",)
    reference = "Girshick (2015)"
    aliases = ("smooth absolute error",)

    def f(self, r, xp):
        if self.beta == 0:
            return xp.abs(r)
        near = xp.clip(xp.abs(r), max=self.beta)
        return near / self.beta * (xp.abs(r) - near / 2)

    def df(self, r, xp):
        return xp.sign(r) if self.beta == 0 else xp.clip(r / self.beta, -1, 1)

    def d2f(self, r, xp):
        near = xp.astype(xp.abs(r) < self.beta, r.dtype)
        return near if self.beta == 0 else near / self.beta


class PseudoHuber(Residual):
    """A Huber loss without seams: all derivatives exist, and the slope approaches delta."""

    delta: float = parameter(
        1.0,
        above=0,
        slider=(0.05, 5),
        scale="log",
        symbol=r"\delta",
        unit="target",
        meaning="residual around which quadratic turns into linear",
    )

    formula = r"\delta^2 \left(\sqrt{1 + (r/\delta)^2} - 1\right)"
    noise = "hyperbolic"
    convex = True
    lipschitz = "delta"
    nonnegative = True
    symmetric = True
    failures = (
        "far out it lies delta^2 below delta |r|: it approximates Huber, it does not equal it",
    )
    reference = "Charbonnier et al. (1994)"
    aliases = ("Charbonnier", "smooth robust loss")

    def _relative(self, r, xp):
        """r over delta, held where the 1 beside its square is long lost: at infinity no NaN."""
        numbers = xp.finfo(r.dtype)
        largest = min(2 / float(numbers.eps) * self.delta, float(numbers.max))
        return xp.clip(r, -largest, largest) / self.delta

    def f(self, r, xp):
        # sqrt(1 + v^2) - 1 = v^2 / (1 + sqrt(1 + v^2)) neither cancels nor overflows.
        v = self._relative(r, xp)
        return self.delta * r * (v / (1 + xp.hypot(v, xp.ones_like(v))))

    def df(self, r, xp):
        v = self._relative(r, xp)
        return self.delta * (v / xp.hypot(v, xp.ones_like(v)))

    def d2f(self, r, xp):
        v = r / self.delta
        return xp.hypot(v, xp.ones_like(v)) ** -3.0


class LogCosh(Residual):
    """Half the square near zero, |r| - log 2 in the tails, infinitely differentiable between."""

    formula = r"\log\cosh r"
    noise = "hyperbolic secant"
    convex = True
    lipschitz = 1
    nonnegative = True
    symmetric = True
    failures = ("its threshold is fixed at about 1, so it depends on the scale of the targets",)
    reference = "Green (1990)"
    aliases = ("log-cosh",)

    def f(self, r, xp):
        # Near zero cosh r - 1 = 2 sinh(r/2)^2 keeps the digits that log(cosh r) loses.
        near = xp.log1p(2 * xp.sinh(xp.clip(r, -1, 1) / 2) ** 2)
        far = xp.abs(r) + xp.log1p(xp.exp(-2 * xp.abs(r))) - log(2)
        return xp.where(xp.abs(r) < 1, near, far)

    def df(self, r, xp):
        return xp.tanh(r)

    def d2f(self, r, xp):
        sech = 2 * xp.exp(-xp.abs(r)) / (1 + xp.exp(-2 * xp.abs(r)))
        return sech * sech


class Quantile(Residual):
    """The pinball loss: predicting low costs tau per unit, predicting high 1 - tau.

    The gradient at the kink is 1/2 - tau, the middle of the two slopes.
    """

    tau: float = parameter(
        0.5,
        above=0,
        below=1,
        slider=(0.01, 0.99),
        symbol=r"\tau",
        meaning="level of the quantile: the share of targets that should lie below the prediction",
    )

    formula = r"\max\big((1-\tau)\,r,\ -\tau\,r\big)"
    noise = "asymmetric Laplace"
    elicits = "tau-quantile"
    kinks = (Kink(0, order=1),)
    convex = True
    lipschitz = "max(tau, 1 - tau)"
    nonnegative = True
    failures = ("quantiles fitted one by one can cross",)
    reference = "Koenker & Bassett (1978)"
    aliases = ("pinball", "quantile loss", "check loss")

    def f(self, r, xp):
        return xp.maximum((1 - self.tau) * r, -self.tau * r)

    def df(self, r, xp):
        return (xp.sign(r) + 1) / 2 - self.tau

    def d2f(self, r, xp):
        return xp.zeros_like(r)


class MeanAbsolutePercentageError(Residual):
    """The residual relative to the size of the target.

    The gradient at the kink is 0. A target of 0 has no relative error and raises ValueError.
    """

    scale: float = parameter(
        1, choices=(1, 100), meaning="1 for a fraction of the target, 100 for percent"
    )

    arguments = (
        Argument("prediction"),
        Argument("target", domain=Interval(excluding=0), differentiable=False),
    )
    formula = r"\frac{|r|}{|y|}"
    elicits = "median weighted by 1/|y|"
    kinks = (Kink(0, order=1),)
    convex = True
    nonnegative = True
    symmetric = False
    failures = (
        "undefined at a target of 0 and huge beside it",
        "a forecast of 0 never costs more than 1, too high a forecast costs without bound",
    )
    reference = "Makridakis (1993)"
    aliases = ("MAPE",)

    def variables(self, prediction, target):
        return prediction - target, target

    def f(self, r, target, xp):
        return self.scale * (xp.abs(r) / xp.abs(target))

    def df(self, r, target, xp):
        return self.scale * (xp.sign(r) / xp.abs(target))

    def d2f(self, r, target, xp):
        return xp.zeros_like(r)


class MeanSquaredLogError(Loss):
    """Squared error of log(1 + y): relative for large values, absolute near zero.

    Predicting too little costs more than predicting as much too much.
    """

    arguments = (
        Argument("prediction", domain=Interval(above=-1)),
        Argument("target", domain=Interval(above=-1), differentiable=False),
    )
    formula = r"\big(\log(1+\hat y) - \log(1+y)\big)^2"
    noise = "shifted log-normal"
    elicits = "exp(mean(log(1 + y))) - 1"
    convex = False
    nonnegative = True
    symmetric = True
    failures = ("not convex: where 1 + prediction exceeds e times 1 + target it curves downwards",)
    reference = "Tofallis (2015)"
    aliases = ("MSLE",)

    def _log_ratio(self, prediction, target, xp):
        # Close to the target, log1p of the relative error keeps the digits a difference loses.
        relative = (prediction - target) / (1 + target)
        near = xp.log1p(xp.clip(relative, -0.5, 0.5))
        return xp.where(xp.abs(relative) < 0.5, near, xp.log1p(prediction) - xp.log1p(target))

    def f(self, prediction, target, xp):
        return self._log_ratio(prediction, target, xp) ** 2

    def df(self, prediction, target, xp):
        return 2 * self._log_ratio(prediction, target, xp) / (1 + prediction)

    def d2f(self, prediction, target, xp):
        curving = 2 * (1 - self._log_ratio(prediction, target, xp))
        return curving / (1 + prediction) / (1 + prediction)


class GaussianNLL(Residual):
    """Negative log-likelihood of a normal distribution whose mean and variance are predicted."""

    full: bool = parameter(
        True, choices=(False, True), meaning="whether to include the constant log(2 pi) / 2"
    )

    arguments = (
        Argument("mean"),
        Argument("variance", domain=POSITIVE),
        Argument("target", differentiable=False),
    )
    formula = r"\tfrac12\left(\log v + \frac{(y-\mu)^2}{v}\right) + \tfrac12\log 2\pi"
    noise = "Gaussian"
    elicits = "mean and variance"
    convex = False
    nonnegative = False
    failures = (
        "negative where the density exceeds 1, so 0 is no floor",
        "a variance shrinking on one well-fitted point drives the loss to minus infinity",
    )
    reference = "Nix & Weigend (1994)"
    aliases = ("Gaussian negative log-likelihood",)

    def f(self, r, variance, xp):
        constant = log(2 * pi) / 2 if self.full else 0.0
        return (xp.log(variance) + r * (r / variance)) / 2 + constant

    def df(self, r, variance, xp):
        return r / variance, (1 - r * (r / variance)) / (2 * variance)

    def d2f(self, r, variance, xp):
        cross = -r / variance / variance
        curvature = (r * (r / variance) - 0.5) / variance / variance
        return (1 / variance, cross), (cross, curvature)


class LaplaceNLL(Residual):
    """Negative log-likelihood of a Laplace distribution whose location and scale are predicted.

    The gradient in the location is 0 at the kink.
    """

    arguments = (
        Argument("location"),
        Argument("scale", domain=POSITIVE),
        Argument("target", differentiable=False),
    )
    formula = r"\log 2b + \frac{|y-\mu|}{b}"
    noise = "Laplace"
    elicits = "median and mean absolute deviation from it"
    kinks = (Kink(0, order=1),)
    convex = False
    nonnegative = False
    failures = ("negative where the density exceeds 1, so 0 is no floor",)
    reference = "Laplace (1774)"
    aliases = ("Laplace negative log-likelihood",)

    def f(self, r, scale, xp):
        return xp.log(2 * scale) + xp.abs(r) / scale

    def df(self, r, scale, xp):
        return xp.sign(r) / scale, (1 - xp.abs(r) / scale) / scale

    def d2f(self, r, scale, xp):
        cross = -xp.sign(r) / scale / scale
        return (xp.zeros_like(r), cross), (cross, (2 * xp.abs(r) / scale - 1) / scale / scale)


class StudentTNLL(Residual):
    """Negative log-likelihood of Student's t: the pull of a residual fades once it is far out."""

    degrees: float = parameter(
        4.0,
        above=0,
        slider=(1, 30),
        symbol=r"\nu",
        meaning="degrees of freedom; small means heavy tails, large approaches the Gaussian",
    )
    scale: float = parameter(
        1.0,
        above=0,
        slider=(0.05, 5),
        scale="log",
        symbol="s",
        unit="target",
        meaning="width of the distribution",
    )

    formula = r"\tfrac{\nu+1}{2}\log\left(1+\frac{r^2}{\nu s^2}\right) + \log s + c_\nu"
    noise = "Student's t"
    convex = False
    lipschitz = "(degrees + 1) / (2 * scale * sqrt(degrees))"
    symmetric = True
    failures = ("not convex: a far-off start feels almost no pull towards the data",)
    reference = "Lange, Little & Taylor (1989)"
    aliases = ("Student t", "heavy-tailed likelihood")

    def _width(self):
        return self.scale * sqrt(self.degrees)

    def f(self, r, xp):
        constant = log_gamma_step(self.degrees / 2) + log(2 * pi) / 2 + log(self.scale)
        return (self.degrees + 1) / 2 * log1p_square(r / self._width()) + constant

    def df(self, r, xp):
        u = r / self._width()
        h = xp.hypot(u, xp.ones_like(u))
        return (self.degrees + 1) / self._width() * (u / h / h)

    def d2f(self, r, xp):
        u = xp.abs(r) / self._width()
        h = xp.hypot(u, xp.ones_like(u))
        return (self.degrees + 1) / self._width() ** 2 * ((1 - u) / h * ((1 + u) / h) / h / h)


class PoissonNLL(Loss):
    """Negative log-likelihood of a count whose log-rate is predicted."""

    full: bool = parameter(
        True, choices=(False, True), meaning="whether to include the constant log(y!)"
    )

    arguments = (
        Argument("log_rate"),
        Argument("target", domain=Interval(at_least=0), differentiable=False),
    )
    formula = r"e^{z} - y z + \log y!"
    noise = "Poisson"
    elicits = "log of the mean"
    convex = True
    failures = ("real counts often vary more than their mean, which this distribution cannot",)
    reference = "Nelder & Wedderburn (1972)"
    aliases = ("Poisson negative log-likelihood",)

    def f(self, log_rate, target, xp):
        constant = log_factorial(target) if self.full else 0.0
        return xp.exp(log_rate) - times(target, log_rate) + constant

    def df(self, log_rate, target, xp):
        return xp.exp(log_rate) - target

    def d2f(self, log_rate, target, xp):
        return xp.exp(log_rate)
