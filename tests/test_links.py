"""Links between pages: every file and heading they point to exists."""

import json
import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from markdown_it import MarkdownIt

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "theory/*.ipynb", "exercises/*.ipynb")
    for path in ROOT.glob(pattern)
)
MARKDOWN = MarkdownIt("commonmark").enable("table")


def text(page: Path) -> str:
    """A page's Markdown: of a notebook, its cells and what they show."""
    if page.suffix == ".md":
        return page.read_text(encoding="utf-8")
    parts = []
    for cell in json.loads(page.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "markdown":
            parts.append("".join(cell["source"]))
        for output in cell.get("outputs", []):
            parts.append("".join(output.get("data", {}).get("text/markdown", "")))
    return "\n\n".join(parts)


def links(page: Path) -> set[str]:
    """The targets of a page's links and pictures that stay in the project."""
    # In a formula, brackets and parentheses are no link.
    prose = re.sub(r"\$\$.*?\$\$|\$[^$\n]*\$", "", text(page), flags=re.DOTALL)
    tokens = [t for block in MARKDOWN.parse(prose) for t in block.children or []]
    targets = [str(t.attrs.get("href") or t.attrs.get("src") or "") for t in tokens]
    return {target for target in targets if target and not re.match(r"[a-z]+:", target)}


def anchors(page: Path) -> set[str]:
    """The names of a page's headings, as code hosts make them."""
    headings = re.findall(r"^#+ (.*)$", text(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in headings}


def leads_somewhere(page: Path, link: str) -> bool:
    path, _, anchor = unquote(link).partition("#")
    target = (page.parent / path) if path else page
    if anchor and target.suffix == ".md" and target.exists():
        return anchor in anchors(target)
    return target.exists()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    assert [link for link in links(page) if not leads_somewhere(page, link)] == []
