"""Attempts on whoever reads: the feedback page, the page for grading by hand, the table."""

import nbformat

from autograder import sample
from tests.hostile.attack import FULL, NO_GRADIENT, Attack, answered, cells, find, right, unanswered

# An attack that works says so in the page's title, and asks a listener.
DEED = "document.title='hostile';fetch('http://127.0.0.1:47170/')"
SCRIPT = f'<script>{DEED}</script><img src=x onerror="{DEED}"><svg onload="{DEED}"></svg>'
OUTPUTS = f"""
from IPython.display import HTML, SVG, IFrame, Javascript, Markdown, display

print({SCRIPT!r})
for shown in (HTML, Javascript, Markdown):
    display(shown({SCRIPT!r}))
display(IFrame("http://127.0.0.1:47170/", 10, 10))
display({{"image/svg+xml": "<svg onload='{DEED}'>", "text/latex": "$\\\\href{{javascript:x}}$",
         "application/javascript": "{DEED}", "application/vnd.x+json": {{}},
         "text/plain": {SCRIPT!r}}}, raw=True)
class Shown:
    def _repr_html_(self): return {SCRIPT!r}
    def _repr_png_(self): return {SCRIPT!r}.encode()
    def __repr__(self): return {SCRIPT!r}
Shown()
"""
ERRORS = f"""
error = type({SCRIPT!r}, (Exception,), {{"__module__": {SCRIPT!r}}})
raise error({SCRIPT!r} + "\\x1b[31m\\x1b]0;hostile\\x07")
"""
FORGED_ERROR = """
from autograder import responder

def forged(self, name, text, traceback):
    self.items.append({
        "output_type": "error",
        "ename": "\\x1b[2J\\n\\n# Score: 8 of 8 <script>",
        "evalue": "\\x1b]0;hostile\\x07[red]x[/red]",
        "traceback": ["\\x1b[2J<script>alert(1)</script>"],
    })

responder.Outputs.error = forged
1 / 0
"""
MARKDOWN = f"""
{SCRIPT}

[one](javascript:{DEED}) [two](java&#115;cript:{DEED}) [three](data:text/html,{SCRIPT})
<a href="javascript&colon;{DEED}">four</a> <a href="&#1;javascript:{DEED}">five</a>
<javascript:{DEED}> [six][x] ![seven](javascript:{DEED})

[x]: javascript:{DEED} "onmouseover={DEED}"

<iframe srcdoc="{SCRIPT}"></iframe><object data="javascript:{DEED}"></object>
<embed src="http://127.0.0.1:47170/"><base href="http://127.0.0.1:47170/">
<meta http-equiv="refresh" content="0;url=http://127.0.0.1:47170/">
<link rel="stylesheet" href="http://127.0.0.1:47170/x.css">
<style>body {{ background: url(http://127.0.0.1:47170/) }} @import "http://127.0.0.1:47170/";</style>
<math><mtext><img src=x onerror="{DEED}"></mtext></math>
<details open ontoggle="{DEED}"><summary>eight</summary></details>
<div style="position:fixed;inset:0;background:url(http://127.0.0.1:47170/)">nine</div>
<form action="http://127.0.0.1:47170/"><input autofocus onfocus="{DEED}"><button>ten</button></form>
<textarea autofocus onfocus="{DEED}"></textarea><video src=x onerror="{DEED}"></video>
<noscript><p title="</noscript><img src=x onerror={DEED}>"></noscript>
<![CDATA[<script>{DEED}</script>]]> <!--><script>{DEED}</script>-->

$\\href{{javascript:{DEED}}}{{x}} \\unicode{{x}} \\style{{background:url(x)}}{{y}}$
$\\require{{../../../x}} \\class{{hostile}}{{z}} \\cssId{{hostile}}{{z}} <script>{DEED}</script>$

```html
{SCRIPT}
```
"""
PICTURES = """
![beacon](http://127.0.0.1:47170/beacon.png) <img src="//127.0.0.1:47170/x.png">
<img srcset="http://127.0.0.1:47170/x.png 1x" src="data:image/svg+xml,<svg onload=alert(1)>">
![data](data:text/html;base64,PHNjcmlwdD4=) ![own](attachment:x.svg)
<picture><source srcset="http://127.0.0.1:47170/x.png"></picture>
<audio src="http://127.0.0.1:47170/x"></audio> <table background="http://127.0.0.1:47170/x"></table>
![file](file:///etc/passwd) ![relative](../../gradebook.db)
"""
LOGIN = """
<div class="panel panel-primary nbgrader_cell"><div class="score">8/8</div>
<form><input name="password" type="password"></form></div>
<span class="btn btn-success full-credit" id="value">Full credit</span>
"""
MARKUP = """
# [bold red]8 of 8[/bold red] \x1b[2J [link=http://127.0.0.1:47170]here[/link] `x` <b>y</b>
raise ValueError("[blink]all points[/blink] \\x1b[2J\\x1b[1;1H <script>")
"""


HALF_COLOURS = """
print("\\x1b[38m half a colour \\x1b[48;5m")
print("\\x1b[" + "1;" * 40_000 + "38m" + "\\x1b[1m" * 5_000)
raise ValueError("\\x1b[38m \\x1b\\x1b[1m[48m")
"""
# Text that shows in another order than it is read in, or that ends pages and files early.
ODD_CHARACTERS = "\u202e 8 fo 8 \u2066\x00\x01\x08\x0b\x1b[2J\x7f\x85\u2028\ufeff\ufffe\U000e0001"
LINKS = f"""
<a href="&#1;data:text/html,{SCRIPT}">one</a> <a href="da&#9;ta:text/html,x">two</a>
<a href="//127.0.0.1:47170/">three</a> <a href="\\\\127.0.0.1\\x">four</a>
[five](/files/submitted/odd-links/losses/page.html) [six](../../../api/kernels) [seven](/hub/logout)
<a href="java\nscript:{DEED}">eight</a> <a href="vbscript:x">nine</a> <a href="blob:x">ten</a>
"""
LEFT_OPEN = "".join(f"<b a{number}>" for number in range(300)) + "<p>x" * 620
NOTE = """
raise ValueError("</li></ul><h1>8 of 8 points</h1> **Graded by hand.** [x](http://127.0.0.1:47170)")
"""
LARGE_PICTURE = """
import struct, zlib
from IPython.display import Image, display

def chunk(kind, data):
    length, check = len(data), zlib.crc32(kind + data)
    return struct.pack(">I", length) + kind + data + struct.pack(">I", check)

side = 30_000
press = zlib.compressobj()
rows = b"".join(press.compress(bytes(side // 8 + 1)) for _ in range(side)) + press.flush()
head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
parts = chunk(b"IHDR", head), chunk(b"IDAT", rows), chunk(b"IEND", b"")
display(Image(b"\\x89PNG\\r\\n\\x1a\\n" + b"".join(parts), format="png"))
"""


def written(text):
    def notebook(problem, notebook):
        find(right(problem, notebook), "written").source = text
        return notebook

    return notebook


def own_cells(problem, notebook):
    """Right, with script in every kind of cell of the student's own, and in names."""
    right(problem, notebook)
    notebook.cells[:0] = cells(MARKDOWN, kind="markdown") + cells(SCRIPT, kind="raw")
    notebook.cells += cells(f"{SCRIPT!r}")
    named = cells("1")[0]
    named.metadata = {"tags": [SCRIPT], "name": SCRIPT, "nbgrader": {"grade_id": SCRIPT}}
    named.id = SCRIPT
    notebook.cells.append(named)
    notebook.metadata["title"] = notebook.metadata["authors"] = SCRIPT
    return notebook


def attached(problem, notebook):
    find(right(problem, notebook), "written").source = "![x](attachment:x.svg)"
    find(notebook, "written").attachments = {"x.svg": {"image/svg+xml": f"<svg onload={DEED}>"}}
    return notebook


def attached_to_nothing(problem, notebook):
    """Pictures that say in other letters that they are attached."""
    text = "![x](&#97;ttachment:x) ![y][z] ![x](attaattachment:chment:x)\n\n[z]: attachment&#58;z"
    find(right(problem, notebook), "written").source = text
    return notebook


def saved_outputs(problem, notebook):
    """Right, with script in the outputs and widgets of the file."""
    for cell in right(problem, notebook).cells:
        if cell.cell_type == "code":
            cell.outputs = [nbformat.v4.new_output("display_data", data={"text/html": SCRIPT})]
    state = {"state": {"x": {"model_module": "x", "model_name": "HTML", "state": {"v": SCRIPT}}}}
    notebook.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": state}
    return notebook


def odd_characters(problem, notebook):
    """Right, with characters that are no text, wherever there is text."""
    find(right(problem, notebook), "written").source = ODD_CHARACTERS
    for kind in ("code", "markdown", "raw"):
        notebook.cells += cells("# " + ODD_CHARACTERS, kind=kind)
    notebook.cells += cells(f"print({ODD_CHARACTERS!r})\nraise ValueError({ODD_CHARACTERS!r})")
    return notebook


def left_open(problem, notebook):
    right(problem, notebook).cells += cells(*[LEFT_OPEN] * 10, kind="markdown")
    return notebook


def named_markup(path):
    for name in ("](http:x) **8 of 8** [", "<h1>8 of 8<h1>", "`x` $8$ _8_.txt", "# 8.ipynb"):
        (path.parent / name).write_text("")


def many_words(problem, notebook):
    """A score of its own, said as a reader might believe it."""
    return unanswered("print('8 of 8 points\\n✓ 2/2  The value is right.')")(problem, notebook)


ATTACKS = (
    Attack("written-script", "has script in its written answer", written(MARKDOWN)),
    Attack("own-cells", "has script in cells of every kind", own_cells),
    Attack("outputs", "shows script", answered(OUTPUTS)),
    Attack("errors", "has script in an error's name", answered(ERRORS), says="ended with"),
    Attack("forged-error", "forges an error's name", answered(FORGED_ERROR), says="ended with"),
    Attack("pictures-from-afar", "has pictures that report", written(PICTURES)),
    Attack("attached", "attaches a drawing with script", attached),
    Attack("attached-to-nothing", "has pictures that are attached nowhere", attached_to_nothing),
    Attack("saved-outputs", "hands in outputs with script", saved_outputs),
    Attack("login", "imitates the page's controls", written(LOGIN)),
    Attack("markup", "has markup for the terminal", answered(MARKUP), says="ended with ValueError"),
    Attack("own-praise", "prints a score", many_words, 0, "is not defined"),
    Attack(
        "script-in-answer",
        "has script in the sentence of a lost point",
        sample.cell("mse_gradient", f"def mse_gradient(p, t):\n    raise ValueError({SCRIPT!r})"),
        NO_GRADIENT,
        "raised ValueError",
    ),
    Attack(
        "half-colours", "shows colours that break off", answered(HALF_COLOURS), says="ValueError"
    ),
    Attack("odd-characters", "has characters that are no text", odd_characters, says="null bytes"),
    Attack("odd-links", "links to where the reader is logged in", written(LINKS)),
    Attack("left-open", "leaves tags open that every paragraph opens again", left_open),
    Attack("note", "has markup in an error that is told above", answered(NOTE), says="8 of 8"),
    Attack(
        "named-markup", "has markup in names of files", right, says="not used", file=named_markup
    ),
    Attack("large-picture", "shows a picture of 900 megapixels", answered(LARGE_PICTURE)),
    Attack("long-lines", "shows lines without end", answered("print('x' * 10**7)"), FULL),
)
