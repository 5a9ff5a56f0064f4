"""The page a student gets back: nbgrader's own, made to stand alone.

It is one file with everything in it: no script, nothing to be fetched, formulas as pictures. A
content security policy holds it to that, should anything slip through the cleaning of its parts.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from jinja2 import DictLoader
from nbconvert.exporters import HTMLExporter
from nbformat.notebooknode import NotebookNode

from autograder.feedback import safe_markdown2html
from autograder.formulas import PicturedFormulas

# No script at all, and no request to anywhere.
POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'none'; "
    "base-uri 'none'"
)
# nbgrader's page asks another server for MathJax, in a macro of this file.
NO_MATHJAX = {"mathjax.html.j2": "{% macro mathjax(url='') %}{% endmacro %}"}
# A reason that runs off the page is a reason nobody reads.
WRAP = "pre { white-space: pre-wrap; overflow-wrap: anywhere; }"
# nbgrader's page leaves no room between the columns of a table.
COLUMNS = "th, td { padding: 0 0.75em; }"


class FeedbackExporter(HTMLExporter):
    """nbgrader's feedback page made to stand alone: a policy, formulas as pictures, no script."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, extra_loaders=[DictLoader(NO_MATHJAX)], **kwargs)

    def from_notebook_node(  # type: ignore[override]
        self, nb: NotebookNode, resources: Any = None, **kwargs: Any
    ) -> tuple[str, dict[str, Any]]:
        rendered = partial(safe_markdown2html, renderer=PicturedFormulas())
        self.register_filter("markdown2html", rendered)
        page, resources = super().from_notebook_node(nb, resources, **kwargs)
        policy = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}"/>'
        page = page.replace("<head>", f"<head>{policy}", 1)
        return page.replace("</head>", f"<style>{WRAP} {COLUMNS}</style></head>", 1), resources
