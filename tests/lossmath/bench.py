"""How fast are the losses? Each against a peer library, as ratios within one run.

`python tests/lossmath/bench.py` rewrites docs/speed.md. Ours and the peer's take turns, so that a
machine that slows down slows both; the median of the ratios is what counts.
"""

import platform
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import scipy.special
import torch
import torch.nn.functional as F

import lossmath as lm

PAGE = Path(__file__).parents[2] / "docs" / "speed.md"
ELEMENTS = 1_000_000
CLASSES = 100
ROUNDS = 15

INTRODUCTION = """\
# How fast the losses are

One number per row: our time divided by the peer's, for the value and for the gradient, on
{elements:,} elements in float64 on one thread ({machine}). Below 1 means that `lossmath` is faster.
Peers are NumPy or SciPy functions on arrays and `torch.nn.functional` on tensors; a peer's gradient
is its autograd or, where a library has no gradient, the bare NumPy formula. Made by `make bench`.

The last column names what a ratio above {allowed} pays for:

* **checks**: arguments are compared with their domain (labels are -1 or 1, probabilities sum to 1),
  which reads the whole array once or twice; the peer trusts its input.
* **tails**: the peer's shorter formula loses relative accuracy or overflows far out.
* **autograd**: the formula must also be differentiable by an autograd library at every point, so it
  takes two exponentials where a hand-written C loop takes one.
* **dense**: a label becomes one row of zeros and a one; the peer writes into its own result.
* **fused**: torch computes the loss in one compiled loop; here every step is an array operation,
  one implementation for all array libraries. Each step's result is fresh memory that the operating
  system hands out page by page: that is most of Huber's and SmoothL1's time, and varies with the
  allocator.
* **memory**: the bare formula reuses its own temporary array, which only one expression can.

| loss | arrays | peer | value | gradient | pays for |
|---|---|---|---|---|---|
"""

ALLOWED = 1.5

# What each loss pays for where it is slower than allowed, by loss; torch rows pay for fused loops.
PAYS_FOR = {
    "SquaredError": "memory",
    "PseudoHuber": "tails",
    "LogCosh": "tails",
    "MeanSquaredLogError": "tails, checks",
    "BinaryCrossEntropyFromLogits": "checks, autograd",
    "Hinge": "checks",
    "CrossEntropyFromLogits": "tails, dense, checks",
    "ForwardKL": "checks",
}

Pair = tuple[Callable[[], object], Callable[[], object]]


def numpy_pairs() -> Iterator[tuple[str, str, Pair, Pair]]:
    """Loss, peer's name, and (ours, theirs) for the value and for the gradient."""
    rng = np.random.default_rng(0)
    prediction, target = 3 * rng.standard_normal((2, ELEMENTS))
    positive = np.exp(target)
    p, q = rng.dirichlet(np.ones(CLASSES), (2, ELEMENTS // CLASSES))
    logits = 3 * rng.standard_normal((ELEMENTS // CLASSES, CLASSES))
    labels = rng.integers(CLASSES, size=len(logits))
    label = np.sign(target)

    def pair(loss, peer_value, peer_gradient, *inputs):
        return (
            (lambda: loss.value(*inputs), peer_value),
            (lambda: loss.gradient(*inputs), peer_gradient),
        )

    def softmax_minus_one():
        probabilities = scipy.special.softmax(logits, axis=1)
        probabilities[np.arange(len(labels)), labels] -= 1
        return probabilities

    two = (prediction, target)
    yield (
        "SquaredError",
        "NumPy",
        *pair(
            lm.SquaredError(),
            lambda: np.square(prediction - target),
            lambda: 2 * (prediction - target),
            *two,
        ),
    )
    yield (
        "AbsoluteError",
        "NumPy",
        *pair(
            lm.AbsoluteError(),
            lambda: np.abs(prediction - target),
            lambda: np.sign(prediction - target),
            *two,
        ),
    )
    yield (
        "Huber",
        "SciPy",
        *pair(
            lm.Huber(),
            lambda: scipy.special.huber(1.0, prediction - target),
            lambda: np.clip(prediction - target, -1, 1),
            *two,
        ),
    )
    yield (
        "PseudoHuber",
        "SciPy",
        *pair(
            lm.PseudoHuber(),
            lambda: scipy.special.pseudo_huber(1.0, prediction - target),
            lambda: (prediction - target) / np.sqrt(1 + (prediction - target) ** 2),
            *two,
        ),
    )
    yield (
        "LogCosh",
        "NumPy",
        *pair(
            lm.LogCosh(),
            lambda: np.logaddexp(prediction - target, target - prediction) - np.log(2),
            lambda: np.tanh(prediction - target),
            *two,
        ),
    )
    yield (
        "Quantile",
        "NumPy",
        *pair(
            lm.Quantile(0.9),
            lambda: np.maximum(0.1 * (prediction - target), -0.9 * (prediction - target)),
            lambda: np.where(prediction < target, -0.9, 0.1),
            *two,
        ),
    )
    yield (
        "MeanSquaredLogError",
        "NumPy",
        *pair(
            lm.MeanSquaredLogError(),
            lambda: (np.log1p(np.abs(prediction)) - np.log1p(positive)) ** 2,
            lambda: (
                2 * (np.log1p(np.abs(prediction)) - np.log1p(positive)) / (1 + np.abs(prediction))
            ),
            np.abs(prediction),
            positive,
        ),
    )
    yield (
        "BinaryCrossEntropyFromLogits",
        "NumPy",
        *pair(
            lm.BinaryCrossEntropyFromLogits(),
            lambda: np.logaddexp(0, prediction) - prediction * (label > 0),
            lambda: scipy.special.expit(prediction) - (label > 0),
            prediction,
            (label > 0).astype(float),
        ),
    )
    yield (
        "Hinge",
        "NumPy",
        *pair(
            lm.Hinge(),
            lambda: np.maximum(0, 1 - label * prediction),
            lambda: np.where(label * prediction < 1, -label, 0),
            prediction,
            label,
        ),
    )
    yield (
        "CrossEntropyFromLogits",
        "SciPy",
        *pair(
            lm.CrossEntropyFromLogits(),
            lambda: (
                scipy.special.logsumexp(logits, axis=1) - logits[np.arange(len(labels)), labels]
            ),
            softmax_minus_one,
            logits,
            labels,
        ),
    )
    yield (
        "ForwardKL",
        "SciPy",
        *pair(
            lm.ForwardKL(),
            lambda: scipy.special.rel_entr(p, q).sum(axis=1),
            lambda: -p / q,
            *((p, q) if lm.ForwardKL().arguments[0].name == "target" else (q, p)),
        ),
    )


def torch_pairs() -> Iterator[tuple[str, str, Pair, Pair]]:
    """The same losses on tensors, against torch.nn.functional and its autograd."""
    generator = torch.Generator().manual_seed(0)
    prediction, target = 3 * torch.randn(2, ELEMENTS, generator=generator, dtype=torch.float64)
    label = torch.sign(target)
    logits = 3 * torch.randn(ELEMENTS // CLASSES, CLASSES, generator=generator, dtype=torch.float64)
    labels = torch.randint(CLASSES, (len(logits),), generator=generator)

    def pair(loss, peer, first, second):
        leaf = first.clone().requires_grad_()

        def peer_gradient():
            leaf.grad = None
            peer(leaf, second).sum().backward()

        return (
            (lambda: loss.value(first, second), lambda: peer(first, second)),
            (lambda: loss.gradient(first, second), peer_gradient),
        )

    for name, loss, peer, inputs in (
        ("SquaredError", lm.SquaredError(), F.mse_loss, (prediction, target)),
        ("AbsoluteError", lm.AbsoluteError(), F.l1_loss, (prediction, target)),
        ("Huber", lm.Huber(), F.huber_loss, (prediction, target)),
        ("SmoothL1", lm.SmoothL1(), F.smooth_l1_loss, (prediction, target)),
        (
            "BinaryCrossEntropyFromLogits",
            lm.BinaryCrossEntropyFromLogits(),
            F.binary_cross_entropy_with_logits,
            (prediction, (label > 0).to(torch.float64)),
        ),
        ("CrossEntropyFromLogits", lm.CrossEntropyFromLogits(), F.cross_entropy, (logits, labels)),
    ):
        unreduced = lambda x, y, peer=peer: peer(x, y, reduction="none")  # noqa: E731
        yield name, "torch", *pair(loss, unreduced, *inputs)


def ratio(ours: Callable, theirs: Callable) -> float:
    """Median of our time over theirs, taking turns."""
    ours(), theirs()
    return statistics.median(_seconds(ours) / _seconds(theirs) for _ in range(ROUNDS))


def _seconds(call: Callable) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def main() -> None:
    """Measure every pair and write the page."""
    torch.set_num_threads(1)
    text = INTRODUCTION.format(elements=ELEMENTS, machine=platform.machine(), allowed=ALLOWED)
    for arrays, pairs in (("NumPy", numpy_pairs()), ("torch", torch_pairs())):
        for name, peer, value, gradient in pairs:
            ratios = ratio(*value), ratio(*gradient)
            reason = ""
            if max(ratios) > ALLOWED:
                reason = "fused" if peer == "torch" else PAYS_FOR.get(name, "not known")
            row = f"| {name} | {arrays} | {peer} | {ratios[0]:.2f} | {ratios[1]:.2f} | {reason} |"
            print(row)
            text += row + "\n"
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
