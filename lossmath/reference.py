"""The reference of all losses, written from their records: `python -m lossmath.reference`.

It rewrites docs/losses.md; with `--check` it changes nothing and fails when the page is stale.
"""

import argparse
import inspect
import math
import sys
from collections.abc import Iterator
from pathlib import Path

from lossmath import catalogue
from lossmath.domains import REALS
from lossmath.loss import Loss

PAGE = Path(__file__).parent.parent / "docs" / "losses.md"

INTRODUCTION = """\
# Every loss

This page is generated from the records in `lossmath`; `make notebooks` rebuilds it.

A **loss** turns a prediction and a target into a number that says how bad the prediction is.
Its **gradient** tells in which direction, and how strongly, the prediction is asked to move; its
**Hessian** how quickly that pull changes. Every loss below gives all three:

```python
import lossmath

huber = lossmath.Huber(delta=1.0)      # parameters have names, ranges and defaults
huber.value([3.0, 0.5], [0.0, 0.0])    # one number for each element: array([2.5, 0.125])
huber.gradient([3.0, 0.5], [0.0, 0.0]) # array([1. , 0.5])
huber([3.0, 0.5], [0.0, 0.0])          # calling it gives the mean: 1.3125
```

NumPy arrays, PyTorch tensors, other array-API arrays, lists and numbers all work. Calls also take
`reduction`, `weights`, `mask`, `denominator` and `ignore_index`, which `help(lossmath.Reduction)`
explains.

How to read an entry. *Arguments* are the arrays a loss takes, in order. `(…)` stands for any
leading shape, such as a batch; a name after it, as in `(…, c)`, is an axis that one value consumes.
Arguments marked *fixed* have no gradient. *Best constant* is what you get when you predict one
number for a whole sample. A *kink* of order 1 is a corner, where the slope jumps; of order 2, a
place where only the curvature jumps. *Known to be* lists properties that the tests try to refute.
"""

CLAIMS = {
    "convex": ("convex", "not convex"),
    "nonnegative": ("never negative", "negative for some inputs"),
    "symmetric": ("symmetric in its two arguments", None),
}


def page() -> str:
    """The whole reference as Markdown."""
    return "\n".join([INTRODUCTION, *_contents(), *(s for f in _families() for s in _family(f))])


def _families() -> list[str]:
    return list(dict.fromkeys(loss.family for loss in catalogue()))


def _contents() -> Iterator[str]:
    for family in _families():
        links = ", ".join(f"[{loss.name}](#{loss.name.lower()})" for loss in catalogue(family))
        yield f"* **{family.capitalize()}**: {links}"
    yield ""


def _family(family: str) -> Iterator[str]:
    yield f"## {family.capitalize()}\n"
    yield _paragraphs(sys.modules[f"lossmath.{family}"])[0] + "\n"
    for loss in catalogue(family):
        yield from _entry(loss)


def _entry(loss: type[Loss]) -> Iterator[str]:
    yield f"### {loss.name}\n"
    yield from (text + "\n" for text in _paragraphs(loss))
    yield f"$$\n{loss.formula}\n$$\n"
    yield from _parameters(loss)
    yield from (f"* **{label}**: {text}" for label, text in _facts(loss) if text)
    yield ""


def _paragraphs(documented: object) -> list[str]:
    """The docstring's paragraphs, each on one line."""
    return [" ".join(text.split()) for text in (inspect.getdoc(documented) or "").split("\n\n")]


def _parameters(loss: type[Loss]) -> Iterator[str]:
    if not loss.parameters:
        return
    yield "| parameter | default | allowed | meaning |\n|---|---|---|---|"
    for name, parameter in loss.parameters.items():
        symbol = f" (${parameter.symbol}$)" if parameter.symbol else ""
        allowed = str(parameter.domain).replace("|", "\\|")
        yield f"| `{name}`{symbol} | `{parameter.default}` | {allowed} | {parameter.meaning} |"
    yield ""


def _facts(loss: type[Loss]) -> Iterator[tuple[str, str]]:
    yield "Arguments", "; ".join(_argument(argument) for argument in loss.arguments)
    yield "Also called", ", ".join(loss.aliases)
    yield "Noise model", loss.noise
    yield "Best constant", loss.elicits
    yield "Kinks", "; ".join(f"order {kink.order} at `{kink.at}`" for kink in loss.kinks)
    yield "Known to be", ", ".join(_claims(loss))
    yield (
        "Hessian",
        "closed form" if loss().has_hessian else "`lossmath.numeric_hessian` estimates it",
    )
    yield "Goes wrong when", "; ".join(loss.failures)
    yield "Reference", loss.reference


def _argument(argument) -> str:
    axes = argument.axes.replace("...", "any shape").split()
    shape = "any shape" if argument.axes == "..." else "(" + ", ".join(["…", *axes]) + ")"
    limits = "" if argument.domain == REALS else f" in {argument.domain}"
    if argument.index_of:
        limits = f", integer labels below {argument.index_of}"
    return f"`{argument.name}` {shape}{limits}{'' if argument.differentiable else ', fixed'}"


def _claims(loss: type[Loss]) -> Iterator[str]:
    for claim, (true, false) in CLAIMS.items():
        verdict = getattr(loss, claim)
        text = {True: true, False: false}.get(verdict)
        if text:
            yield text
    steepest = loss.lipschitz
    if steepest is not None and steepest != math.inf:
        yield f"of slope at most `{steepest}`"


def main(arguments: list[str] | None = None) -> int:
    """Write or check the page; the exit status is 1 when a check finds it out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say whether the page is current")
    if parser.parse_args(arguments).check:
        current = PAGE.exists() and PAGE.read_text(encoding="utf-8") == page()
        if not current:
            print(f"{PAGE} is out of date: run python -m lossmath.reference", file=sys.stderr)
        return 0 if current else 1
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
