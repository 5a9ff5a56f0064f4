"""The losses of generators and critics as a textbook writes them, and where to evaluate them."""

from itertools import pairwise

from make_vectors import rows
from mpmath import exp, fabs, fsum, log, mpf

SCORES = [0.0, 0.25, -1.5, 3.0, -10.0, 37.0, -37.0, 300.0, -700.0, 1e4, 1e-9]


def sigmoid(z):
    return 1 / (1 + exp(-z))


def discriminator(real, fake):
    return -log(sigmoid(real)) - log(sigmoid(-fake))


def minimax_generator(fake):
    return log(sigmoid(-fake))


def surprised_generator(fake):
    return -log(sigmoid(fake))


def critic(real, fake, steepness, penalty):
    return fake - real + penalty * (steepness - 1) ** 2


def transport(ours, theirs):
    """Move mass from left to right over every gap between neighbouring points."""
    points = sorted(ours + theirs)
    work = mpf(0)
    for left, right in pairwise(points):
        have = mpf(sum(x <= left for x in ours)) / len(ours)
        want = mpf(sum(x <= left for x in theirs)) / len(theirs)
        work += fabs(have - want) * (right - left)
    return work


def weighted_transport(ours, theirs, our_weights, their_weights):
    """Fill the places of the target one after the other, from the left."""
    from_here = [list(pair) for pair in sorted(zip(ours, our_weights, strict=True))]
    to_there = [list(pair) for pair in sorted(zip(theirs, their_weights, strict=True))]
    work = []
    while from_here and to_there:
        (x, have), (y, want) = from_here[0], to_there[0]
        mass = min(have, want)
        work.append(mass * fabs(x - y))
        from_here[0][1] -= mass
        to_there[0][1] -= mass
        from_here = [pair for pair in from_here if pair[1] > 0]
        to_there = [pair for pair in to_there if pair[1] > 0]
    return fsum(work)


def table():
    apart = [
        ([1.0, 4.0], [0.0, 2.0]),
        ([3.0, 0.5, 7.0], [2.0, -1.0, 0.25]),
        ([0.0, 5.0, 10.0, -2.0], [1.0, 6.0]),
        ([0.5], [3.0, -4.0, 0.25]),
        ([1.0, 2.0, 4.0], [0.5, 3.0]),
        ([1e9, 1e-9], [0.0]),
    ]
    histograms = [
        ([0.0, 1.0, 3.0], [0.5, 2.0], [0.5, 0.125, 0.375], [0.25, 0.75]),
        ([5.0, -1.0], [2.0, 4.0, -3.0], [0.875, 0.125], [0.5, 0.25, 0.25]),
        ([2.0, 1.0], [0.0, 3.0], [0.0, 1.0], [0.5, 0.5]),
        ([-1.0, 0.0], [2.0, 3.0], [1e-40, 1.0], [0.5, 0.5]),
    ]
    # Points that meet, and the middle of the slopes on either side.
    met = [
        (([0.0, 1.0], [1.0, 0.0]), [0, 0]),
        (([0.0, 0.0], [-5.0, 5.0]), [0, 0]),
        (([2.0, 2.0], [5.0, 7.0]), [-0.5, -0.5]),
        (([1.0], [1.0, 2.0]), [-0.5]),
        (([1.0, 3.0], [1.0, 1.0]), [0, 0.5]),
        (([1.0, 1.0, 3.0], [1.0, 4.0]), [-1 / 12, -1 / 12, -1 / 3]),
    ]
    return [
        *rows(
            "GANDiscriminator",
            discriminator,
            [(a, b) for a in SCORES for b in (0.5, -40.0, a)],
            differentiable=(0, 1),
        ),
        *rows("SaturatingGenerator", minimax_generator, [(z,) for z in SCORES]),
        *rows("NonSaturatingGenerator", surprised_generator, [(z,) for z in SCORES]),
        *rows(
            "WGANCritic",
            critic,
            [(1.5, -0.25, 1.0), (0.5, 3.0, 0.0), (-2.0, 1e3, 1.75), (4.0, 4.0, 0.875)],
            [{"penalty": 10.0}, {"penalty": 0.0}, {"penalty": 3.0}],
            differentiable=(0, 1, 2),
        ),
        *rows("Wasserstein1D", transport, apart),
        *(
            row
            for inputs, slopes in met
            for row in rows(
                "Wasserstein1D",
                transport,
                [inputs],
                gradient=slopes,
                hessian=[[0] * len(slopes)] * len(slopes),
            )
        ),
        *rows("WeightedWasserstein1D", weighted_transport, histograms),
        *rows(
            "WeightedWasserstein1D",
            weighted_transport,
            [([1.0, 1.0, 2.0], [1.0, 3.0], [0.25, 0.125, 0.625], [0.125, 0.875])],
            gradient=[-1 / 6, -1 / 12, -0.625],
            hessian=[[0] * 3] * 3,
        ),
    ]
