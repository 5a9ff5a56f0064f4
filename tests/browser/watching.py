"""A browser page that notes everything that acts or leaves."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Dialog, Page, Route

LINKS = """[...document.querySelectorAll("a[href], area[href]")].map(a => a.protocol)"""
WAIT = 150  # milliseconds for what acts on its own


class Watched:
    """`home` is where a page may ask; `left` holds requests to anywhere else."""

    def __init__(self, page: Page, home: str, answers: dict[str, str]):
        self.page = page
        self.home = home
        self.answers = answers
        self.asked: list[str] = []
        self.left: list[str] = []
        self.dialogs: list[str] = []
        page.on("dialog", self._dialog)
        page.route("**/*", self._route)

    def _dialog(self, dialog: Dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def _route(self, route: Route) -> None:
        url = route.request.url
        self.asked.append(url)
        known = [answer for start, answer in self.answers.items() if url.startswith(start)]
        if known:
            route.fulfill(body=known[0], content_type="text/javascript")
        elif url.startswith((self.home, "data:")):
            route.continue_()
        else:
            self.left.append(url)
            route.abort()

    def open(self, url: str) -> None:
        """Open a page and do what a reader does: look, scroll, press a key."""
        self.page.goto(url)
        self.wait()
        self.page.keyboard.press("Tab")
        self.page.mouse.move(300, 300)
        self.page.mouse.wheel(0, 2_000)
        self.wait()

    def wait(self) -> None:
        self.page.wait_for_timeout(WAIT)


@contextmanager
def watched(
    browser: Browser, home: str, answers: dict[str, str] | None = None, **context: Any
) -> Iterator[Watched]:
    """A page in a context of its own; `answers` are given in place of other servers' by prefix."""
    with browser.new_context(viewport={"width": 1250, "height": 1000}, **context) as own:
        yield Watched(own.new_page(), home, answers or {})


def assert_inert(watched: Watched) -> None:
    """Nothing of an attack has acted, asked, or waits behind a link."""
    assert "hostile" not in watched.page.title()
    assert watched.dialogs == []
    assert watched.left == []
    assert set(watched.page.evaluate(LINKS)) <= {"http:", "https:", "mailto:", "file:"}
