"""Explorers on a page of their own: the same frames and the same module, no kernel, no network."""

import base64
import json
import zlib
from collections.abc import Sequence
from html import escape

from lossmath.explore.explorer import Explorer
from lossmath.explore.style import PAPER

MODULE = Explorer._esm
BODY = (
    f"body {{ font-family: system-ui, sans-serif; margin: 24px; background: {PAPER.light}; }}\n"
    f"@media (prefers-color-scheme: dark) {{ body {{ background: {PAPER.dark}; }} }}\n"
)


def fragment(explorer: Explorer) -> str:
    """The explorer as HTML; `module()` and the stylesheet must be on the page once."""
    spec, frames = explorer.for_page()
    data = json.dumps({"spec": _packed(json.dumps(spec).encode()), "frames": _packed(frames)})
    still = base64.b64encode(explorer.still()).decode()
    return (
        f'<script type="application/json" data-lm-explorer>{data}</script>\n'
        f'<noscript><img alt="{escape(explorer.words)}" '
        f'src="data:image/png;base64,{still}"></noscript>\n'
    )


def _packed(data: bytes) -> str:
    """Neighbouring frames are much alike, and so are their words."""
    return base64.b64encode(zlib.compress(data)).decode()


def module() -> str:
    """The script that brings every fragment on the page to life."""
    code = base64.b64encode(str(MODULE).encode()).decode()
    return (
        f'<script type="module">import {{ mount }} from "data:text/javascript;base64,{code}"; '
        "mount();</script>\n"
    )


def page(explorers: Sequence[Explorer], title: str) -> str:
    """A complete HTML document that works from disk and asks no other host for anything."""
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        f"<title>{escape(title)}</title>\n"
        '<meta name="viewport" content="width=device-width">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<style>\n{BODY}{Explorer._css}\n</style>\n<body>\n<h1>{escape(title)}</h1>\n"
        + "".join(fragment(explorer) for explorer in explorers)
        + module()
        + "</body>\n</html>\n"
    )
