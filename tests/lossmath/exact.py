"""Reading the exact rows of vectors/*.json and comparing with them in units in the last place."""

import json
from pathlib import Path

import numpy as np

import lossmath.arrays
from lossmath.numeric import as_tuple

FOLDER = Path(__file__).parent / "vectors"


def read(family):
    return json.loads((FOLDER / f"{family}.json").read_text())


def label(row):
    parameters = ", ".join(f"{name}={value}" for name, value in row["parameters"].items())
    return f"{row['loss']}({parameters}) {row['inputs']}".replace("]", "").replace("[", "")


def check_row(row, convert=np.asarray, ulps=4):
    """Value, gradient and Hessian of one row, each within a few units in the last place."""
    loss = getattr(lossmath, row["loss"])(**row["parameters"])
    inputs = [convert(decode(x)) for x in row["inputs"]]
    value, gradient = loss.value(*inputs), as_tuple(loss.gradient(*inputs))
    results = {"value": flat(value), "gradient": np.concatenate([flat(g) for g in gradient])}
    if loss.has_hessian:
        results["hessian"] = matrix(loss.hessian(*inputs), len(row["gradient"]))
    for (name, ours), size in zip(results.items(), row["sizes"], strict=False):
        exact = np.array(row[name], dtype=float)
        assert_ulps(ours.ravel(), exact.ravel(), ulps, f"{label(row)}: {name}", size)


def check_primitive(row, convert=np.asarray, ulps=4):
    """The (first) number that a primitive of lossmath.arrays returns for one row."""
    inputs = [convert(decode(x)) for x in row["inputs"]]
    if row["loss"] == "log_gamma_step":  # the one primitive of a plain number
        inputs = [float(x) for x in inputs]
    value = getattr(lossmath.arrays, row["loss"])(*inputs)
    exact = np.array([row["value"]], dtype=float)
    assert_ulps(np.ravel(flat(value))[:1], exact, ulps, label(row), row["sizes"][0])


def decode(x):
    return [decode(part) for part in x] if isinstance(x, list) else number(x)


def number(x):
    return float(x) if isinstance(x, str) else x


def flat(x):
    return np.ravel(np.asarray(x))


def matrix(hessian, size):
    """The blocks of a Hessian as one square matrix over all differentiable numbers."""
    if not isinstance(hessian, tuple):
        return flat(hessian).reshape(size, size)
    blocks = [[flat(block) for block in line] for line in hessian]
    sizes = [round(line[i].size ** 0.5) for i, line in enumerate(blocks)]
    return np.block(
        [
            [block.reshape(height, width) for block, width in zip(line, sizes, strict=True)]
            for line, height in zip(blocks, sizes, strict=True)
        ]
    )


def assert_ulps(ours, exact, ulps, what, size=0):
    """Each number within so many units in the last place of its dtype, counted from this size."""
    unit = np.spacing(np.maximum(np.abs(exact), size).astype(ours.dtype)).astype(float)
    with np.errstate(invalid="ignore"):  # inf - inf where both are infinite
        close = np.abs(ours - exact) <= ulps * unit
    assert np.all(close | (ours == exact)), f"{what} is {ours}, not {exact}"
