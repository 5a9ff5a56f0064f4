"""Pages show students' text and outputs with everything active taken out."""

import base64

import nbformat
import pytest
from bs4 import BeautifulSoup

from autograder.feedback import MAX_TEXT, clean_outputs, notes_cell, safe_markdown2html
from autograder.page import FeedbackExporter

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
HARMLESS = {"text/plain": "a number"}


def as_base64(content):
    return base64.b64encode(content).decode()


def display(**data):
    kinds = {"png": "image/png", "html": "text/html", "svg": "image/svg+xml", "text": "text/plain"}
    return {"output_type": "display_data", "data": {kinds[k]: v for k, v in data.items()}}


# ---------------------------------------------------------------------------- outputs


def test_text_and_pictures_are_kept():
    outputs = clean_outputs(
        [
            {"output_type": "stream", "name": "stderr", "text": "warning"},
            display(png=as_base64(PNG), text="figure"),
            {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["line"]},
        ]
    )
    assert [output.output_type for output in outputs] == ["stream", "display_data", "error"]
    assert outputs[1].data == {"image/png": as_base64(PNG)}
    nbformat.validate(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(outputs=outputs)]))


def test_a_result_becomes_a_display_so_that_it_is_never_taken_for_a_score():
    (output,) = clean_outputs(
        [{"output_type": "execute_result", "execution_count": 1, "data": {"text/plain": "10"}}]
    )
    assert output.output_type == "display_data"


@pytest.mark.parametrize(
    "output",
    [
        display(html="<script>alert(1)</script>"),
        display(svg="<svg onload=alert(1)>"),
        display(png=as_base64(b"<html>")),
        display(png="not base64!"),
        display(png=as_base64(PNG + bytes(5_000_000))),
        {"output_type": "display_data", "data": {"application/javascript": "alert(1)"}},
        {"output_type": "update_display_data", "data": HARMLESS},
        {"output_type": "stream"} | {"output_type": ["stream"]},
        {"output_type": "display_data", "data": 7},
        "text",
        None,
    ],
)
def test_anything_else_is_left_out(output):
    assert clean_outputs([output]) == []


@pytest.mark.parametrize("claim", [None, 7, {"output_type": "stream"}, "text"])
def test_outputs_may_be_anything(claim):
    assert clean_outputs(claim) == []


def test_output_is_bounded_in_length_and_number():
    long = {"output_type": "stream", "name": "stdout", "text": "x" * MAX_TEXT}
    assert sum(len(output.text) for output in clean_outputs([long] * 3)) == MAX_TEXT
    assert len(clean_outputs([display(text="x")] * 1000)) == 100


def test_output_has_no_terminal_codes():
    text = "\x1b[38m \x1b]0;title\x07 a \x1b\x1b[1m[38m \x1b[31mred\x1b[0m"
    for kind in ("stream", "error"):
        (output,) = clean_outputs([{"output_type": kind, "text": text, "evalue": text}])
        kept = output.get("text", output.get("evalue"))
        assert "\x1b" not in kept and kept.endswith("red")


# ---------------------------------------------------------------------------- markdown

ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "[a](javascript:alert(1))",
    "[a](javascript&#58;alert(1))",
    "[a](&#x6A;avascript:alert(1))",
    "[a](<java\nscript:alert(1)>)",
    "<a href='data:text/html,<script>alert(1)</script>'>a</a>",
    "<a href='&#1;data:text/html,<script>alert(1)</script>'>a</a>",
    "<a href='da&#9;ta:text/html,<script>alert(1)</script>'>a</a>",
    "[a](/api/kernels) [b](../../files/submitted/me/page.html) [c](//example.org)",
    "![a](javascript:alert(1))",
    "![a](https://example.org/track.png)",
    "![a](data:image/svg+xml;base64,PHN2Zy8+)",
    "<iframe src='https://example.org'></iframe>",
    "<form action='/api'><button class='full-credit'>x</button></form>",
    "<style>body {display: none}</style>",
    "<div style='position: fixed'>x</div>",
    "<div id='gradient' class='score' data-link='x'>x</div>",
    "<span class='full-credit'>x</span>",
    "<base href='https://example.org'>",
    "<meta http-equiv='refresh' content='0'>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--><img src onerror=alert(1)>'>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "$\\href{javascript:alert(1)}{x}$ <script>alert(1)</script>",
    "```mermaid\n</pre><script>alert(1)</script>\n```",
    "<details open ontoggle=alert(1)>x</details>",
    "<!-- <script>alert(1)</script> -->",
    "> " * 5000 + "<script>alert(1)</script>",
]


def active_parts(html):
    """What could act or fetch in a page: found by a parser, not by looking for words."""
    soup = BeautifulSoup(html, "html.parser")
    for tag in soup.find_all(True):
        if tag.name in {"script", "style", "iframe", "form", "button", "svg", "base", "meta"}:
            yield tag.name
        for name, value in tag.attrs.items():
            text = " ".join(value) if isinstance(value, list) else value
            allowed = {
                "href": text.startswith(("http://", "https://", "mailto:", "#")),
                "src": text.startswith(("data:image/png;base64,", "data:image/jpeg;base64,")),
                "alt": True,
                "align": True,
                "class": text == "highlight",
            }
            if not allowed.get(name, False):
                yield name, text


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_active_survives_in_markdown(attack):
    assert list(active_parts(safe_markdown2html(attack))) == []


def test_the_check_above_sees_what_the_plain_renderer_lets_through():
    from nbconvert.filters.markdown_mistune import markdown2html_mistune

    assert list(active_parts(markdown2html_mistune("<img src=x onerror=alert(1)>")))


def test_honest_markdown_is_rendered():
    html = safe_markdown2html(
        "# Title\n\n*em* `code` [link](https://example.org) $a < b$\n\n"
        "| a | b |\n|---|--:|\n| 1 | 2 |\n\n```python\nx = 1\n```\n\n"
        f"![](data:image/png;base64,{as_base64(PNG)})\n\n![](attachment:gone.png)"
    )
    soup = BeautifulSoup(html, "html.parser")
    assert soup.h1.text == "Title"
    assert soup.a["href"] == "https://example.org"
    assert soup.find("td").text == "1"
    assert soup.find("div", class_="highlight") is not None
    assert soup.img["src"].endswith(as_base64(PNG))
    assert "$a < b$" in soup.text


@pytest.mark.parametrize(
    "source",
    ["attachment:x.svg", "&#97;ttachment:x.svg", "attaattachment:chment:x", "<attachment\\:x>"],
)
def test_a_picture_that_is_attached_to_nothing_stops_no_page(source):
    assert "before" in safe_markdown2html(f"before ![x]({source})")


def test_a_student_chooses_no_highlighter():
    assert "highlight" in safe_markdown2html("```python\nx = 1\n```")
    assert "highlight" not in safe_markdown2html("```smithy\nx = 1\n```")


def test_tags_left_open_do_not_make_a_page_grow():
    """A browser opens them again in every paragraph that follows."""
    text = "".join(f"<b a{number}>" for number in range(300)) + "<p>x" * 620
    assert len(safe_markdown2html(text)) < 10 * len(text)


def test_notes_show_what_a_student_wrote_as_it_is():
    note = "The cell `a` ended with </ul><h1>8</h1> **all** _points_ [x](http://y) $a$ & ~~b~~."
    page = BeautifulSoup(safe_markdown2html(notes_cell([note]).source), "html.parser")
    assert [tag.name for tag in page.find_all(True)] == ["p", "strong", "ul", "li"]
    assert page.li.text == note


def test_feedback_pages_carry_a_policy_first():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("text")])
    page, _ = FeedbackExporter(template_name="classic").from_notebook_node(notebook)
    first = BeautifulSoup(page, "html.parser").head.find(True)
    assert first["http-equiv"] == "Content-Security-Policy"
    assert "default-src 'none'" in first["content"] and "unsafe-inline'; form" in first["content"]
