"""The losses of a chapter on one screen, from their records."""

from IPython.display import Markdown

from lossmath.explore.describe import number
from lossmath.loss import Loss


def table(*losses: type[Loss]) -> Markdown:
    """One row per loss: formula, parameters, best constant, noise model, how it fails."""
    head = "| loss | formula | parameters | best constant | noise model | convex | how it fails |"
    rows = [head, "|" + "---|" * head.count(" |")]
    for loss in losses:
        cells = (
            loss.name,
            f"${_without_bars(loss.formula)}$",
            ", ".join(_parameter(loss, name) for name in loss.parameters) or "–",
            loss.elicits or "–",
            loss.noise or "–",
            {True: "yes", False: "no", None: "–"}[loss.convex],
            "; ".join(loss.failures) or "–",
        )
        rows.append("| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |")
    return Markdown("\n".join(rows))


def _without_bars(formula: str) -> str:
    """The formula with bars spelled out, for a bar would end the table's cell."""
    return formula.replace(r"\|", r"\Vert ").replace("|", r"\vert ")


def _parameter(loss: type[Loss], name: str) -> str:
    declared = loss.parameters[name]
    symbol = f"${declared.symbol}$" if declared.symbol else f"`{name}`"
    default = declared.default
    shown = number(default) if isinstance(default, float) else str(default)
    return f"{symbol} = {shown} in {declared.domain}"
