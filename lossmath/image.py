"""Losses of images: how different two pictures look, rather than how far their pixels are apart.

One value belongs to a whole image (..., h, w) of one channel; other channels are part of the batch.
"""

from math import exp
from typing import Any

import numpy as np

from lossmath.arguments import Argument
from lossmath.arrays import Array, device
from lossmath.loss import Accumulating, parameter

LAYERS = ((1, 4), (4, 4), (4, 4))  # channels in and out of each layer of the filter bank
TAPS = 3  # width and height of a filter


class ImagePair(Accumulating, abstract=True):
    """Losses of two images, seen through a window that must fit into them."""

    arguments = (Argument("prediction", "h w"), Argument("target", "h w", differentiable=False))
    lipschitz = None
    nonnegative = True
    symmetric = True
    example_size = (11, 12)

    @property
    def _reach(self):
        """Width and height of the window through which the images are seen."""
        raise NotImplementedError

    def _values_shape(self, sizes):
        if min(sizes["h"], sizes["w"]) < self._reach:
            raise ValueError(
                f"images of {sizes['h']} x {sizes['w']} pixels are smaller than "
                f"the window of {self._reach} x {self._reach}"
            )
        return super()._values_shape(sizes)

    @classmethod
    def examples(cls, seed=0, batch=(5,), spread=1):
        """Two random images around the brightness 1/2, hardly larger than the window."""
        rng = np.random.default_rng(seed)
        images = rng.standard_normal((2, *batch, *cls.example_size))
        return tuple(0.5 + spread * image / 4 for image in images)


class SSIM(ImagePair):
    """One minus structural similarity: of brightness and of structure, in a window that slides.

    With the means m, the variances v and the error r = x - y it is the mean, over all positions of
    the window inside the image, of 1 - (1 - a)(1 - b), where a is the error of the brightness and b
    that of the structure. Pixels are weighted by a Gaussian; variances are those of a population.
    """

    data_range: float = parameter(
        1.0,
        above=0,
        symbol="L",
        meaning="difference between the brightest and the darkest possible pixel",
    )
    window: int = parameter(11, choices=(3, 11), meaning="width and height of the window")
    sigma: float = parameter(
        1.5,
        above=0,
        slider=(0.5, 5),
        scale="log",
        symbol=r"\sigma",
        unit="pixels",
        meaning="width of the Gaussian in the window",
    )
    k1: float = parameter(
        0.01,
        above=0,
        symbol="K_1",
        meaning="brightness below which errors of brightness are forgiven, in data ranges",
    )
    k2: float = parameter(
        0.03,
        above=0,
        symbol="K_2",
        meaning="contrast below which errors of structure are forgiven, in data ranges",
    )

    formula = (
        r"1 - \overline{(1-a)(1-b)},\quad a = \frac{m_r^2}{m_x^2 + m_y^2 + (K_1 L)^2},\ "
        r"b = \frac{v_r}{v_x + v_y + (K_2 L)^2},\ "
        r"\text{weights} \propto e^{-d^2 / 2\sigma^2}"
    )
    convex = False
    failures = (
        "a data range that does not fit the pixels hides all errors or exaggerates them",
        "it compares windows: moved by a pixel, a fine texture is all wrong",
    )
    reference = "Wang, Bovik, Sheikh & Simoncelli (2004)"
    aliases = ("structural similarity", "DSSIM", "SSIM loss")

    @property
    def _reach(self):
        return self.window

    def _weights(self, like, xp):
        distances = [(i - self.window // 2) / self.sigma for i in range(self.window)]
        weights = [exp(-distance * distance / 2) for distance in distances]
        shares = [weight / sum(weights) for weight in weights]
        return xp.asarray(shares, dtype=like.dtype, device=device(like))

    def _narrow(self, mean, variance, xp):
        """Means and variances of windows within the rows, transposed: the next call does columns.

        Squaring deviations, and not subtracting squares, keeps a variance from turning negative.
        """
        weights, means = self._weights(mean, xp), _slide(mean, self.window, xp)
        narrowed = xp.sum(weights * means, axis=-1)
        within = _slide(variance, self.window, xp) + (means - narrowed[..., None]) ** 2
        variance = xp.sum(weights * within, axis=-1)
        return xp.matrix_transpose(narrowed), xp.matrix_transpose(variance)

    def _widen(self, mean, narrowed, by_mean, by_variance, xp):
        """The gradient in what _narrow was given, from that in the mean and variance it returned.

        The slope of a variance is 2 w (m_i - m), because deviations from the mean add up to 0.
        """
        columns = (xp.matrix_transpose(x)[..., None] for x in (narrowed, by_mean, by_variance))
        narrowed, by_mean, by_variance = columns
        weights, deviations = self._weights(mean, xp), _slide(mean, self.window, xp) - narrowed
        pulled = weights * (by_mean + 2 * by_variance * deviations)
        return _unslide(pulled, xp), _unslide(weights * by_variance, xp)

    def _moments(self, x, xp):
        """Mean and variance in every window."""
        row_mean, row_variance = self._narrow(x, xp.zeros_like(x), xp)
        return self._narrow(row_mean, row_variance, xp)

    def _pull_back(self, x, by_mean, by_variance, xp):
        """The gradient in the pixels, from that in the mean and variance of every window."""
        row_mean, row_variance = self._narrow(x, xp.zeros_like(x), xp)
        mean, _ = self._narrow(row_mean, row_variance, xp)
        by_mean, by_variance = self._widen(row_mean, mean, by_mean, by_variance, xp)
        return self._widen(x, row_mean, by_mean, by_variance, xp)[0]

    def f(self, x, y, xp):
        (m_x, v_x), (m_y, v_y), (m_r, v_r) = (self._moments(z, xp) for z in (x, y, x - y))
        a, b = m_r**2 / self._light(m_x, m_y), v_r / self._contrast(v_x, v_y)
        return xp.mean(a + b - a * b, axis=(-2, -1))

    def df(self, x, y, xp):
        (m_x, v_x), (m_y, v_y), (m_r, v_r) = (self._moments(z, xp) for z in (x, y, x - y))
        light, contrast = self._light(m_x, m_y), self._contrast(v_x, v_y)
        a, b, places = m_r**2 / light, v_r / contrast, light.shape[-2] * light.shape[-1]
        by_a, by_b = (1 - b) / light / places, (1 - a) / contrast / places
        through_x = self._pull_back(x, -2 * by_a * a * m_x, -by_b * b, xp)
        return self._pull_back(x - y, 2 * by_a * m_r, by_b, xp) + through_x

    def _light(self, m_x, m_y):
        return m_x**2 + m_y**2 + (self.k1 * self.data_range) ** 2

    def _contrast(self, v_x, v_y):
        return v_x + v_y + (self.k2 * self.data_range) ** 2


class Perceptual(ImagePair):
    """Squared distance of what a fixed bank of filters sees in two images, on three scales.

    The bank stands in for a pretrained network: three layers of random 3 x 3 filters, each followed
    by z / sqrt(1 + z^2), that see 3, 5 and 7 pixels wide. F are the responses of a layer, N their
    number, and G = F F^T / N how its channels go together, wherever that is: the style.
    """

    fine: float = parameter(
        1.0, at_least=0, slider=(0, 1), symbol=r"\lambda_1", meaning="weight of the first layer"
    )
    middle: float = parameter(
        1.0, at_least=0, slider=(0, 1), symbol=r"\lambda_2", meaning="weight of the second layer"
    )
    coarse: float = parameter(
        1.0, at_least=0, slider=(0, 1), symbol=r"\lambda_3", meaning="weight of the third layer"
    )
    style: float = parameter(
        0.0,
        at_least=0,
        slider=(0, 1),
        symbol=r"\eta",
        meaning="weight of the style in each layer, beside the responses themselves",
    )
    seed: int = parameter(0, choices=(0, 1), meaning="which of the random banks to look through")

    formula = (
        r"\lambda_1 D_1 + \lambda_2 D_2 + \lambda_3 D_3,\quad "
        r"D_l = \frac{\|F_l - F'_l\|_2^2}{N_l} + \eta\, \|G_l - G'_l\|_F^2"
    )
    failures = (
        "it sees what its filters see: random ones know edges and textures, not objects",
        "with style alone, moving things about costs next to nothing",
    )
    reference = "Johnson, Alahi & Fei-Fei (2016); style: Gatys, Ecker & Bethge (2016)"
    aliases = ("feature reconstruction loss", "VGG loss", "style loss")
    example_size = (7, 8)

    @property
    def _reach(self):
        return 1 + len(LAYERS) * (TAPS - 1)

    def _bank(self, like, xp):
        """The filters (out, in, 3, 3) of each layer, the same in every version of NumPy."""
        frozen = np.random.RandomState(self.seed)
        for channels, out in LAYERS:
            filters = frozen.standard_normal((out, channels, TAPS, TAPS)) / (TAPS * channels**0.5)
            yield xp.asarray(filters.tolist(), dtype=like.dtype, device=device(like))

    def _responses(self, image, xp):
        """Those of each layer (..., channels, h, w), and their slopes."""
        x, found = image[..., None, :, :], []
        for filters in self._bank(image, xp):
            z = _correlate(x, filters, xp)
            root = xp.hypot(z, xp.ones_like(z))
            x = z / root
            found.append((x, root**-3.0))
        return found

    def _gram(self, response, xp):
        channels = _flat(response, xp)
        return xp.matmul(channels, xp.matrix_transpose(channels)) / _count(response)

    def _layers(self, x, y, xp):
        """Of each layer: its weight, the responses to both images, and the slopes of the first."""
        seen = zip(self._responses(x, xp), self._responses(y, xp), strict=True)
        for weight, ((ours, slope), (theirs, _)) in zip(
            (self.fine, self.middle, self.coarse), seen, strict=True
        ):
            yield weight, ours, theirs, slope

    def f(self, x, y, xp):
        total = xp.zeros_like(x[..., 0, 0])
        for weight, ours, theirs, _ in self._layers(x, y, xp):
            content = xp.sum((ours - theirs) ** 2, axis=(-3, -2, -1)) / _count(ours)
            gap = self._gram(ours, xp) - self._gram(theirs, xp)
            total = total + weight * (content + self.style * xp.sum(gap**2, axis=(-2, -1)))
        return total

    def df(self, x, y, xp):
        # Backwards through the layers, collecting what each adds to the gradient in its responses.
        layers, bank = list(self._layers(x, y, xp)), list(self._bank(x, xp))
        back = xp.zeros_like(layers[-1][1])
        for (weight, ours, theirs, slope), filters in zip(
            reversed(layers), reversed(bank), strict=True
        ):
            gap = self._gram(ours, xp) - self._gram(theirs, xp)
            channels = _flat(ours, xp)
            style = xp.reshape(xp.matmul(gap, channels), ours.shape)
            own = 2 * weight * (ours - theirs + 2 * self.style * style) / _count(ours)
            back = _correlate(_pad((back + own) * slope, TAPS - 1, xp), _reverse(filters, xp), xp)
        return back[..., 0, :, :]


# Smaller pieces.


def _slide(x: Array, size: int, xp: Any) -> Array:
    """The windows of this size along the last axis, their content on a new last one."""
    places = x.shape[-1] - size + 1
    return xp.stack([x[..., i : i + places] for i in range(size)], axis=-1)


def _unslide(windows: Array, xp: Any) -> Array:
    """The sum, for each place, of what the windows that cover it hold there."""
    size, total = windows.shape[-1], 0.0
    for i in range(size):
        before, after = (
            xp.zeros((*windows.shape[:-2], n), dtype=windows.dtype, device=device(windows))
            for n in (i, size - 1 - i)
        )
        total = total + xp.concat([before, windows[..., i], after], axis=-1)
    return total


def _pad(x: Array, width: int, xp: Any) -> Array:
    """A frame of zeros around the last two axes."""
    for _ in range(2):
        edge = xp.zeros((*x.shape[:-1], width), dtype=x.dtype, device=device(x))
        x = xp.matrix_transpose(xp.concat([edge, x, edge], axis=-1))
    return x


def _correlate(x: Array, filters: Array, xp: Any) -> Array:
    """Every filter (out, in, k, k) at every place where it fits into the image (..., in, h, w)."""
    out, channels, size, _ = filters.shape
    height, width = x.shape[-2] - size + 1, x.shape[-1] - size + 1
    patches = [x[..., i : i + height, j : j + width] for i in range(size) for j in range(size)]
    flat = (*x.shape[:-3], channels * size * size, height * width)
    seen = xp.matmul(xp.reshape(filters, (out, -1)), xp.reshape(xp.stack(patches, axis=-3), flat))
    return xp.reshape(seen, (*x.shape[:-3], out, height, width))


def _reverse(filters: Array, xp: Any) -> Array:
    """The filters that carry gradients back: input and output exchanged, turned upside down."""
    return xp.flip(xp.permute_dims(filters, (1, 0, 2, 3)), axis=(2, 3))


def _flat(response: Array, xp: Any) -> Array:
    """The places of a response in one row: (..., channels, h w)."""
    height, width = response.shape[-2:]
    return xp.reshape(response, (*response.shape[:-2], height * width))


def _count(response: Array) -> int:
    """The number of responses of one image."""
    channels, height, width = response.shape[-3:]
    return channels * height * width
