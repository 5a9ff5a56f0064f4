"""Write vectors/*.json: exact values, gradients and Hessians, from formulas stated a second time.

    python tests/lossmath/make_vectors.py

Each module in formulas/ states the textbook formula of every loss of one family in mpmath and the
inputs to try; it shares nothing with the package. Derivatives are central differences with a step
of 1e-300 in 1100 digits, exact far beyond double precision. At a kink a row states by hand the
convention the package documents. Adding a loss means adding a `rows(...)` call to its family.
"""

import importlib
import itertools
import json
import math
from pathlib import Path

from mpmath import mp, mpf, nstr

HERE = Path(__file__).parent
STEP = mpf(10) ** -300
NOISE = mpf(10) ** -400
DIGITS = 25
mp.dps = 1100


def rows(loss, formula, inputs, parameters=({},), differentiable=(0,), sizes=(0, 0, 0), **by_hand):
    """One row for every combination of inputs and parameters.

    formula: called with the inputs as (nested lists of) mpf and the parameters as keywords.
    inputs: one tuple per row, of numbers or nested lists.
    differentiable: positions of the inputs that gradient and Hessian refer to; () for none.
    sizes: of the largest term in value, gradient and Hessian, where the terms of a sum cancel; the
        last place is then counted from there.
    by_hand: gradient= or hessian= for rows at a kink, where differences mean nothing.
    """
    return [
        {**row(loss, formula, given, setting, differentiable, by_hand), "sizes": sizes}
        for setting, given in itertools.product(parameters, inputs)
    ]


def row(loss, formula, inputs, parameters, differentiable, by_hand):
    flat = [flatten(inputs[position]) for position in differentiable]
    point = [mpf(x) for part in flat for x in part]

    def value(moved):
        numbers = iter(moved)
        given = list(map(exact, inputs))
        for position in differentiable:
            given[position] = refill(inputs[position], numbers)
        settings = {k: exact(v) if isinstance(v, float) else v for k, v in parameters.items()}
        return formula(*given, **settings)

    gradient = by_hand.get("gradient") or [slope(value, point, i) for i in range(len(point))]
    hessian = by_hand.get("hessian") or [
        [bend(value, point, i, j) for j in range(len(point))] for i in range(len(point))
    ]
    return {
        "loss": loss,
        "parameters": parameters,
        "inputs": encode(inputs),
        "value": digits(value(point)),
        "gradient": [digits(x) for x in gradient],
        "hessian": [[digits(x) for x in line] for line in hessian],
    }


def slope(f, point, i):
    h = STEP * max(1, abs(point[i]))
    return (f(moved(point, (i, h))) - f(moved(point, (i, -h)))) / (2 * h)


def bend(f, point, i, j):
    h, k = (STEP * max(1, abs(point[n])) for n in (i, j))
    corners = [a * b * f(moved(point, (i, a * h), (j, b * k))) for a in (1, -1) for b in (1, -1)]
    return sum(corners) / (4 * h * k)


def moved(point, *steps):
    there = list(point)
    for i, step in steps:
        there[i] += step
    return there


def flatten(x):
    return [leaf for part in x for leaf in flatten(part)] if isinstance(x, list) else [x]


def refill(x, numbers):
    return [refill(part, numbers) for part in x] if isinstance(x, list) else next(numbers)


def exact(x):
    """The double (or integer) x, or nested lists of them, without any rounding."""
    return [exact(part) for part in x] if isinstance(x, list) else mpf(x)


def encode(x):
    """JSON has no infinities, so they travel as strings."""
    if isinstance(x, list | tuple):
        return [encode(part) for part in x]
    return x if math.isfinite(x) else str(float(x))


def digits(x):
    """Enough digits for any double; below 1e-400 lies only the noise of the differences."""
    return nstr(mpf(x) if abs(x) > NOISE else mpf(0), DIGITS)


def entries(family):
    """The rows of one family, as they come back from its file."""
    table = importlib.import_module(f"formulas.{family}").table()
    return json.loads(json.dumps(table))


def main():
    for path in sorted((HERE / "formulas").glob("*.py")):
        lines = ",\n".join(json.dumps(entry) for entry in entries(path.stem))
        (HERE / "vectors" / f"{path.stem}.json").write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
