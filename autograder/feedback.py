"""What a page may show: students' text and outputs with everything active taken out.

Feedback pages are opened by students, formgrader pages by the instructor on the same origin as
the notebook server, so script in a submission would act with the instructor's rights. Nothing is
filtered by looking for bad things: what is allowed is listed, the rest goes. Three places apply
it: outputs are rebuilt from what a student's process sent, markdown is cleaned after it has been
rendered (in both kinds of page), and feedback pages carry a content security policy (page.py).
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Iterable, Mapping
from typing import Any

import bleach
import nbformat
from mistune import HTMLRenderer
from nbconvert.filters import Highlight2HTML, strip_ansi
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat.notebooknode import NotebookNode

from autograder.wire import PICTURES, plain_text

MAX_TEXT = 100_000  # characters of output kept per cell
MAX_PICTURE = 4_000_000  # bytes of pictures kept per cell
MAX_OUTPUTS = 100
MAX_RENDERED = 5_000  # characters of one cell: renderers may take the square or cube of it
MAX_REOPENED = 20_000  # tags of the text times tags of its page: what is left open opens in each

# ---------------------------------------------------------------------------- outputs


def clean_outputs(outputs: Any) -> list[NotebookNode]:
    """Outputs built anew from what a student's process sent: text, PNG and JPEG alone.

    Whatever has another form is left out; the argument is a claim and may be anything.
    """
    if not isinstance(outputs, list):
        return []
    budget = _Budget()
    cleaned = [_clean_output(output, budget) for output in outputs[:MAX_OUTPUTS]]
    return [output for output in cleaned if output is not None]


class _Budget:
    """Room left in one cell."""

    def __init__(self) -> None:
        self.text = MAX_TEXT
        self.picture = MAX_PICTURE

    def cut(self, text: Any) -> str:
        """As much of the text as there is room for, without colours and other terminal codes."""
        kept = str(text)[: self.text]
        self.text -= len(kept)
        # What is left of a code could be the beginning of another one.
        plain = strip_ansi(kept).replace("\x1b", "")
        return plain.encode("utf-8", "replace").decode("utf-8")

    def image(self, kind: str, data: Any) -> str:
        """The picture in base64 if it is one, else ""."""
        if not isinstance(data, str) or len(data) > self.picture * 4 / 3:
            return ""
        try:
            content = base64.b64decode("".join(data.split()), validate=True)
        except (ValueError, binascii.Error):
            return ""
        if not content.startswith(PICTURES[kind]):
            return ""
        self.picture -= len(content)
        return base64.b64encode(content).decode("ascii")


def _clean_output(output: Any, budget: _Budget) -> NotebookNode | None:
    if not isinstance(output, Mapping):
        return None
    kind = output.get("output_type")
    if kind == "stream":
        name = "stderr" if output.get("name") == "stderr" else "stdout"
        return nbformat.v4.new_output("stream", name=name, text=budget.cut(output.get("text", "")))
    if kind == "error":
        return error_output(
            plain_text(str(output.get("ename", "Error")), 80),
            budget.cut(output.get("evalue", "")),
            [budget.cut(line) for line in _list(output.get("traceback"))],
        )
    if kind in ("execute_result", "display_data"):
        data = _clean_data(output.get("data"), budget)
        # A result is shown like any other display: only a graded cell may hold a result, its score.
        return nbformat.v4.new_output("display_data", data=data) if data else None
    return None


def _clean_data(data: Any, budget: _Budget) -> dict[str, str]:
    if not isinstance(data, Mapping):
        return {}
    for kind in PICTURES:
        if picture := budget.image(kind, data.get(kind)):
            return {kind: picture}
    return {"text/plain": text} if (text := budget.cut(data.get("text/plain", ""))) else {}


def _list(value: Any) -> list:
    return value[:MAX_OUTPUTS] if isinstance(value, list) else []


def error_output(name: str, text: str, traceback: Iterable[str] = ()) -> NotebookNode:
    """An error as a cell shows it."""
    return nbformat.v4.new_output("error", ename=name, evalue=text, traceback=list(traceback))


# ---------------------------------------------------------------------------- markdown

TEXT_TAGS = {"a", "b", "br", "code", "del", "em", "i", "img", "s", "span", "strong", "sub", "sup"}
BLOCK_TAGS = {"blockquote", "details", "div", "hr", "p", "pre", "summary"}
HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
LISTS = {"dd", "dl", "dt", "li", "ol", "ul"}
TABLES = {"table", "tbody", "td", "th", "thead", "tr"}
TAGS = TEXT_TAGS | BLOCK_TAGS | HEADINGS | LISTS | TABLES
# Class names of highlighted code; any other class could dress up as a control of the page.
HIGHLIGHT = re.compile(r"highlight|[a-z]{1,3}[0-9]?")
# Where a link may lead: not to the server a page comes from, where the reader is logged in.
LINK = re.compile(r"#|https?://|mailto:", re.IGNORECASE)
EMBEDDED = re.compile(r"data:image/(png|jpeg);base64,[A-Za-z0-9+/=]+")


class PlainRenderer(IPythonRenderer):
    """Opens no file, needs no attachment, and highlights Python alone.

    Other languages are named in the text: a student would choose which program reads it.
    """

    def __init__(self) -> None:
        super().__init__(escape=False, exclude_anchor_links=True)

    def image(self, text: str, url: str, title: str | None = None) -> str:
        return HTMLRenderer.image(self, text, url, title)

    def block_code(self, code: str, info: str | None = None) -> str:
        is_python = (info or "").split()[:1] in (["python"], ["py"], ["ipython3"])
        return super().block_code(code, "python" if is_python else None)


def safe_markdown2html(source: str, renderer: PlainRenderer | None = None) -> str:
    """Markdown as HTML without script, styles, forms, frames, or anything fetched by itself."""
    if len(source) > MAX_RENDERED:
        return _as_typed(source)
    try:
        page = MarkdownWithMath(renderer=renderer or PlainRenderer()).render(source)
    except RecursionError:  # absurd nesting: shown as it was typed
        page = bleach.clean(source, tags=set())
    if source.count("<") * page.count("<") > MAX_REOPENED:
        return _as_typed(source)
    return bleach.clean(
        page,
        tags=TAGS,
        attributes=_allow,
        protocols=["http", "https", "mailto", "data"],
        strip=True,
    )


def safe_highlight_code(source: str, metadata: Any = None) -> str:
    """Code as HTML in colours. `metadata` is nbconvert's, and of no use here."""
    if len(source) > MAX_RENDERED:
        return _as_typed(source)
    return Highlight2HTML(pygments_lexer="python")(source)


def _as_typed(source: str) -> str:
    """A text too long to be rendered in good time."""
    return f'<div class="highlight"><pre>{html.escape(source)}</pre></div>'


def _allow(tag: str, name: str, value: str) -> bool:
    if name == "class":
        return tag in ("div", "span") and bool(HIGHLIGHT.fullmatch(value))
    if tag == "a":
        return name == "href" and bool(LINK.match(value))
    if tag == "img":
        return name == "alt" or (name == "src" and bool(EMBEDDED.fullmatch(value)))
    return tag in ("td", "th") and name == "align"


# ---------------------------------------------------------------------------- notes


def notes_cell(notes: list[str]) -> NotebookNode:
    """A cell that tells the student what was noted while the submission was read."""
    lines = "\n".join(f"* {_literally(note)}" for note in notes)
    return nbformat.v4.new_markdown_cell(f"**About the file you handed in**\n\n{lines}", id="notes")


def _literally(text: str) -> str:
    """Markdown that shows `text` as it is: names of files and errors are a student's words."""
    return re.sub(r"[^\w\s.,:;'-]|_", lambda sign: f"&#{ord(sign[0])};", text)
