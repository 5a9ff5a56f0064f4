"""One JupyterLab, one site and one Chromium for all browser tests."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from labdriver import ROOT, Lab, chromium, running_lab, watch
from playwright.sync_api import Browser, Page


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running_lab(tmp_path_factory.mktemp("lab")) as lab:
        yield lab


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    subprocess.run([sys.executable, ROOT / "site" / "build.py", folder], check=True)
    return folder / "html"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that must report no error and no warning."""
    page = browser.new_page(viewport={"width": 1250, "height": 1000})
    said = watch(page)
    yield page
    page.close()
    assert said == []
