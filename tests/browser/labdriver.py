"""A JupyterLab of its own for every test run, driven through Chromium as a reader would."""

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

ROOT = Path(__file__).parents[2]
NOISE = ("third-party cookie", "favicon", "Connection lost, reconnecting")  # nothing of ours


@dataclass
class Lab:
    """A running JupyterLab."""

    url: str
    token: str
    folder: Path

    def get(self, path: str, method: str = "GET") -> bytes:
        request = urllib.request.Request(
            f"{self.url}{path}", method=method, headers={"Authorization": f"token {self.token}"}
        )
        with urllib.request.urlopen(request, timeout=20) as reply:
            return reply.read()

    def close_sessions(self) -> None:
        """Kernels are silently reused otherwise."""
        for session in json.loads(self.get("/api/sessions")):
            self.get(f"/api/sessions/{session['id']}", "DELETE")


@contextmanager
def running_lab(folder: Path) -> Iterator[Lab]:
    """JupyterLab on a free port, serving a copy of theory/ from `folder`."""
    shutil.copytree(ROOT / "theory", folder / "theory")
    with lab_in(folder) as lab:
        yield lab


@contextmanager
def lab_in(folder: Path) -> Iterator[Lab]:
    """JupyterLab on a free port, started in `folder` and serving it."""
    quiet = folder / "settings/@jupyterlab/apputils-extension/notification.jupyterlab-settings"
    quiet.parent.mkdir(parents=True)
    quiet.write_text('{"fetchNews": "false", "checkForUpdates": false}')
    token = secrets.token_hex(16)
    settings = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": "0",
        "ServerApp.root_dir": str(folder),
        "ServerApp.allow_root": "True",
        "ServerApp.open_browser": "False",
        "IdentityProvider.token": token,
        "LabApp.expose_app_in_browser": "True",
    }
    environment = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
    }
    command = [sys.executable, "-m", "jupyterlab", *(f"--{k}={v}" for k, v in settings.items())]
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        yield Lab(_address(folder / "runtime", server), token, folder)
    finally:
        server.terminate()
        server.wait(20)


def _address(runtime: Path, server: subprocess.Popen[bytes]) -> str:
    """Where the server says it listens."""
    for _ in range(300):
        for found in runtime.glob("jpserver-*.json"):
            try:
                return str(json.loads(found.read_text())["url"]).rstrip("/")
            except ValueError:
                pass  # still being written
        if server.poll() is not None:
            break
        time.sleep(0.1)
    raise RuntimeError(f"JupyterLab did not start; see {runtime.parent / 'server.log'}")


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        yield browser
        browser.close()


def watch(page: Page) -> list[str]:
    """Collects every error and warning the page reports from now on."""
    said: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not any(n in message.text for n in NOISE):
            said.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: said.append(str(error)))
    return said


def open_notebook(page: Page, lab: Lab, path: str) -> None:
    """The notebook in a fresh workspace, its kernel idle."""
    page.goto(f"{lab.url}/lab/tree/{path}?token={lab.token}&reset")
    page.locator(".jp-Notebook").wait_for(timeout=60_000)
    page.wait_for_function(
        """() => {
            const panel = window.jupyterapp?.shell.currentWidget;
            return panel?.sessionContext?.session?.kernel?.status === "idle";
        }""",
        timeout=60_000,
    )


def run_all(page: Page) -> None:
    """Every cell, to the end."""
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
