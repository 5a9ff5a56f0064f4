"""The losses of images as a textbook writes them, and where to evaluate them."""

import numpy as np
from make_vectors import rows
from mpmath import exp, fsum, mpf, sqrt

UNSTATED = {"hessian": [[]]}  # the package gives no closed form


def picture(height, width, seed):
    """Brightnesses in steps of 1/256, exact in single precision too."""
    rng = np.random.default_rng(seed)
    return (rng.integers(0, 257, (height, width)) / 256).tolist()


def ssim(x, y, data_range=1, window=11, sigma=1.5, k1=0.01, k2=0.03):
    middle = window // 2
    near = [exp(-mpf((i - middle) ** 2) / (2 * mpf(sigma) ** 2)) for i in range(window)]
    total = fsum(near) ** 2
    places = [(i, j) for i in range(window) for j in range(window)]
    c1, c2 = ((mpf(k) * data_range) ** 2 for k in (k1, k2))
    similarities = []
    for top in range(len(x) - window + 1):
        for left in range(len(x[0]) - window + 1):
            seen = [
                (near[i] * near[j] / total, x[top + i][left + j], y[top + i][left + j])
                for i, j in places
            ]
            mean_x, mean_y = fsum(w * a for w, a, _ in seen), fsum(w * b for w, _, b in seen)
            variance_x = fsum(w * (a - mean_x) ** 2 for w, a, _ in seen)
            variance_y = fsum(w * (b - mean_y) ** 2 for w, _, b in seen)
            covariance = fsum(w * (a - mean_x) * (b - mean_y) for w, a, b in seen)
            brightness = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
            structure = (2 * covariance + c2) / (variance_x + variance_y + c2)
            similarities.append(brightness * structure)
    return 1 - fsum(similarities) / len(similarities)


def responses(image, seed):
    """The channels of each of the three layers, every one a list of lines."""
    frozen, channels, found = np.random.RandomState(seed), [image], []
    for out in (4, 4, 4):
        bank = frozen.standard_normal((out, len(channels), 3, 3)) / (3 * len(channels) ** 0.5)
        height, width = len(channels[0]) - 2, len(channels[0][0]) - 2
        filtered = [
            [
                [
                    fsum(
                        mpf(float(kernel[c, i, j])) * channel[top + i][left + j]
                        for c, channel in enumerate(channels)
                        for i in range(3)
                        for j in range(3)
                    )
                    for left in range(width)
                ]
                for top in range(height)
            ]
            for kernel in bank
        ]
        channels = [[[z / sqrt(1 + z**2) for z in line] for line in f] for f in filtered]
        found.append([[z for line in channel for z in line] for channel in channels])
    return found


def gram(layer):
    size = len(layer) * len(layer[0])
    return [fsum(p * q for p, q in zip(a, b, strict=True)) / size for a in layer for b in layer]


def perceptual(x, y, fine=1, middle=1, coarse=1, style=0, seed=0):
    layers = zip((fine, middle, coarse), responses(x, seed), responses(y, seed), strict=True)
    total = mpf(0)
    for weight, ours, theirs in layers:
        pairs = [p for a, b in zip(ours, theirs, strict=True) for p in zip(a, b, strict=True)]
        content = fsum((p - q) ** 2 for p, q in pairs) / len(pairs)
        gap = fsum((p - q) ** 2 for p, q in zip(gram(ours), gram(theirs), strict=True))
        total += weight * (content + style * gap)
    return total


def table():
    small = (picture(4, 5, 1), picture(4, 5, 2))
    large = (picture(11, 11, 3), picture(11, 11, 4))
    flat = ([[0.5] * 4] * 3, [[0.625] * 4] * 3)
    faces = (picture(7, 7, 5), picture(7, 7, 6))
    windows = [
        {"window": 3},
        {"window": 3, "sigma": 0.5, "data_range": 4.0},
        {"window": 3, "sigma": 5.0, "k1": 0.1, "k2": 0.25},
    ]
    return [
        *rows("SSIM", ssim, [small], windows, sizes=(0, 1, 0), **UNSTATED),
        *rows("SSIM", ssim, [flat], windows, sizes=(0, 4, 0), **UNSTATED),
        *rows("SSIM", ssim, [large], sizes=(0, 1, 0), **UNSTATED),
        *rows(
            "Perceptual",
            perceptual,
            [faces],
            [{"style": 2.0, "fine": 0.5, "coarse": 4.0}, {"seed": 1, "middle": 0.75}],
            sizes=(1, 1, 0),
            **UNSTATED,
        ),
    ]
