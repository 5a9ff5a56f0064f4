"""Formulas as pictures: a page shows them without script and without asking anybody.

matplotlib draws them. It knows most of LaTeX's mathematics, not all of it; a formula it does not
know stays text, and so does one that a student has made very long, very large or very frequent.
"""

from __future__ import annotations

import base64
import html
import io
import re
from functools import lru_cache

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.mathtext import MathTextParser

from autograder.feedback import PlainRenderer

LONGEST = 300  # characters; drawing may take the square of it
WIDEST, HIGHEST = 600, 120  # points
ON_A_PAGE = 300
POINTS = 11.0
DOTS_PER_INCH = 100
X_HEIGHT = 0.43  # of the letters, as a share of their size
# What matplotlib calls by another name, or wants in braces.
SAME = (
    (re.compile(r"\\[lr]vert(?![a-zA-Z])"), "|"),
    (re.compile(r"\\[lr]Vert(?![a-zA-Z])"), r"\\Vert "),
    (re.compile(r"\\([gl])e(?![a-zA-Z])"), r"\\\1eq"),
    (re.compile(r"\\frac\s*(\w|\\[a-zA-Z]+)\s*(\w|\\[a-zA-Z]+)"), r"\\frac{\1}{\2}"),
)


class PicturedFormulas(PlainRenderer):
    """Renders the Markdown of one page, its formulas as pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.left = ON_A_PAGE

    def inline_math(self, body: str) -> str:
        self.left -= 1
        text = html.escape(" ".join(body.split()))
        picture = draw(body) if self.left >= 0 else ""
        if not picture:
            return f"<code>{text}</code>"
        return f'<img src="data:image/png;base64,{picture}" alt="{text}"/>'

    def block_math(self, body: str) -> str:
        return f"<blockquote>{self.inline_math(body)}</blockquote>"


@lru_cache(maxsize=1_000)
def draw(formula: str) -> str:
    """A picture of the formula as PNG in base64; "" when it cannot be drawn."""
    if len(formula) > LONGEST:
        return ""
    for theirs, ours in SAME:
        formula = theirs.sub(ours, formula)
    text = f"${' '.join(formula.split())}$"
    font = FontProperties(size=POINTS, math_fontfamily="cm")
    try:
        width, height, depth, _, _ = MathTextParser("path").parse(text, 72, font)
    except (ValueError, RecursionError):
        return ""
    # Pages put the middle of a picture half an x above the baseline.
    middle = X_HEIGHT * POINTS / 2
    half = max(height - depth - middle, depth + middle) + 1
    if not (0 < width <= WIDEST and half <= HIGHEST / 2):
        return ""
    figure = Figure((width / 72, 2 * half / 72), DOTS_PER_INCH)
    figure.text(0, (half - middle) / (2 * half), text, fontproperties=font)
    file = io.BytesIO()
    FigureCanvasAgg(figure).print_png(file)
    return base64.b64encode(file.getvalue()).decode("ascii")
