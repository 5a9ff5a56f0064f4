"""How Sphinx makes the site; `build.py` lays out what it reads."""

from sphinx.application import Sphinx

from lossmath.explore import module

project = "lossmath"
html_title = "Loss functions you can play with"
extensions = ["myst_nb"]
myst_enable_extensions = ["amsmath", "dollarmath"]
myst_heading_anchors = 4
nb_execution_mode = "off"  # the chapters come run
exclude_patterns = ["README.md"]  # the index includes it
suppress_warnings = ["misc.highlighting_failure"]  # a language without colours is set plain
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["explorer.css"]
mathjax_path = "tex-svg-full.js"
html_show_search_summary = False  # it fetches pages, which a page on disk may not
html_copy_source = False
html_show_copyright = False


# What the theme and its parts leave out for those who read by keyboard or by ear.
REPAIRS = {
    "body": {
        "<pre>": '<pre tabindex="0">',  # else a wide one cannot be scrolled by keyboard
        ' aria-label="Toggle hidden content"': "",  # the words on the switch say what it shows
    },
    "furo_navigation_tree": {'role="heading"': 'role="heading" aria-level="2"'},
}


def setup(app: Sphinx) -> None:
    app.connect("html-page-context", repair, priority=900)  # after the theme
    app.connect("html-page-context", enliven, priority=900)


def repair(app: Sphinx, page: str, template: str, context: dict, doctree: object) -> None:
    """Makes what is there reachable and named."""
    for part, repairs in REPAIRS.items():
        for flawed, sound in repairs.items():
            context[part] = context.get(part, "").replace(flawed, sound)


def enliven(app: Sphinx, page: str, template: str, context: dict, doctree: object) -> None:
    """Puts the module that moves explorers on each page that has one: a module of its own file
    would not load from disk."""
    if "data-lm-explorer" in context.get("body", ""):
        context["body"] += module()
