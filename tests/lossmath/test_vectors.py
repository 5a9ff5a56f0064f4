"""Every loss against exact values, in every namespace; the files against their generator."""

import array_api_strict
import make_vectors
import numpy as np
import pytest
import torch
from exact import check_primitive, check_row, decode, read

import lossmath


def converter(xp, dtype):
    """From lists of numbers to arrays of this dtype; integers stay integers, as labels must."""
    return lambda x: xp.asarray(x, dtype=None if np.asarray(x).dtype.kind == "i" else dtype)


NAMESPACES = {
    "numpy": converter(np, np.float64),
    "torch": converter(torch, torch.float64),
    "array_api_strict": converter(array_api_strict, array_api_strict.float64),
}
FAMILIES = sorted({loss.family for loss in lossmath.catalogue()})


@pytest.mark.parametrize("namespace", NAMESPACES)
@pytest.mark.parametrize("loss", lossmath.catalogue(), ids=lambda cls: cls.name)
def test_exact_rows(loss, namespace):
    rows = [row for row in read(loss.family) if row["loss"] == loss.name]
    assert rows, f"no exact rows for {loss.name}"
    for row in rows:
        check_row(row, NAMESPACES[namespace])


@pytest.mark.parametrize("loss", lossmath.catalogue(), ids=lambda cls: cls.name)
def test_exact_rows_in_single_precision(loss):
    for row in read(loss.family):
        if row["loss"] == loss.name and fits_float32(row):
            check_row(row, converter(np, np.float32), ulps=16)


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_exact_rows_of_primitives(namespace):
    for row in read("arrays"):
        check_primitive(row, NAMESPACES[namespace])


@pytest.mark.parametrize("family", ["arrays", *FAMILIES])
def test_rows_are_what_the_generator_writes(family):
    assert read(family) == make_vectors.entries(family)


def fits_float32(row):
    """Whether inputs are exact in float32 and nothing on the way leaves its normal range."""
    inputs = np.concatenate([np.ravel(decode(x)) for x in row["inputs"]])
    results = np.array([row["value"], *row["gradient"], *np.ravel(row["hessian"])], dtype=float)
    sizes = np.abs(np.concatenate([inputs, results]))
    with np.errstate(over="ignore"):
        exact = np.all(inputs.astype(np.float32) == inputs)
    return exact and np.all((sizes == 0) | ((sizes > 1e-20) & (sizes < 1e20)))
