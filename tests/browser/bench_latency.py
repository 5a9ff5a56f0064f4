"""How soon a picture shows, and how long from a key press on a slider to the repainted picture.

    python tests/browser/bench_latency.py [--steps 30]

Explorers that play frames, one that asks the kernel, and the usual `interact` with inline
matplotlib take turns in one run, so that a busy machine slows all of them alike. Then every chapter
is run in JupyterLab, cell by cell, and the first slider of each of its explorers that play frames
is moved. Writes docs/explorer-speed.md. A measurement, not a test: no number here can fail.
"""

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import nbformat
import numpy as np
from labdriver import ROOT, Lab, chromium, open_notebook, run_all, running_lab
from playwright.sync_api import Browser, Locator, Page, TimeoutError

PAGE = ROOT / "docs" / "explorer-speed.md"
TEXT = """\
# How fast the sliders are

Milliseconds from the event of an arrow key on a slider to the repainted picture, in JupyterLab in
Chromium without a screen or a graphics card. The four ways draw the same three losses and took
turns, {steps} key presses each; half of the presses took no longer than the first number, and 95 in
a hundred no longer than the second. Made by `make bench-latency`.

| | half | 95 of 100 |
|---|--:|--:|
{rows}

An explorer computes its frames once, in Python, and plays them in the browser: {ratio:.0f} times as
fast as `interact`, which draws anew with matplotlib at each step; the aim is 20 times. A screen
that shows 60 pictures a second shows one every 17 ms, so a press waits 8 ms for it on average,
whatever is drawn.

## Every explorer of the course

Each chapter was run in JupyterLab, cell by cell. The first picture: seconds from running a cell to
its picture on the screen, for half of the chapter's explorers and for the slowest of them, with
everything else that its cell computes. The frames follow it; the kernel answers until they are
there. The sliders: milliseconds as above, with the frames there, {presses} key presses on the first
slider of each of the {count} explorers that play frames, for the chapter and for the explorer that
is slowest in 95 of 100. The aims: a first picture within 1 s, half of the presses within 16 ms, 95
of 100 within 33 ms. {missed}

| chapter | explorers | first picture | slowest | sliders: half | 95 of 100 | slowest |
|---|--:|--:|---|--:|--:|---|
{chapters}

The other explorers compute each picture in the kernel when it is asked for, because it hangs on too
many sliders or shows a real run; the aim is 100 ms.

| chapter | explorer | half | 95 of 100 |
|---|---|--:|--:|
{live}
"""
SETUP = """
import matplotlib.pyplot as plt
import numpy as np
from ipywidgets import FloatSlider, interact
import lossmath as lm
from lossmath.explore import Axis, Curve, Explorer, Panel, Picture, anatomy, residual_plane, slider

def losses(delta):
    return {"Huber": lm.Huber(delta), "pseudo": lm.PseudoHuber(delta), "L1": lm.SmoothL1(delta)}

DELTA = slider(lm.Huber, "delta", low=0.3, high=3)
LEVELS = (0.25, 1, 2.25, 4, 6.25)
"""
CELLS = {
    "curves, frames": "Explorer(lambda delta: anatomy(losses(delta)), [DELTA])",
    "level sets and arrows, frames": (
        "Explorer(lambda delta: Picture([residual_plane(loss, title=name, levels=LEVELS)"
        " for name, loss in losses(delta).items()]), [DELTA])"
    ),
    "curves, kernel at each step": (
        "Explorer(lambda delta: anatomy(losses(delta)), [DELTA], live=True)"
    ),
    "curves, interact and inline matplotlib": """
@interact(delta=FloatSlider(min=0.3, max=3, step=0.01, value=1))
def show(delta):
    figure, panels = plt.subplots(1, 3, figsize=(8, 2.6))
    r = np.linspace(-4, 4, 150)
    for loss in losses(delta).values():
        for axes, how in zip(panels, (loss.value, loss.gradient, loss.hessian)):
            axes.plot(r, how(r, 0 * r))
    plt.show()
""",
}
VIEWPORT = {"width": 1250, "height": 1000}
TURNS = 5
PRESSES = 10  # on each explorer of the course
PATIENCE = 5000  # milliseconds; what takes longer has not changed the picture
MEASURE = """
() => {
  let pressed = 0;
  window.latencies = [];
  document.addEventListener("keydown", (event) => (pressed = event.timeStamp), true);
  window.repainted = (act) => requestAnimationFrame(() => {
    const after = new MessageChannel();
    after.port1.onmessage = act;
    after.port2.postMessage(0);
  });
  window.follow = (node, kind) => {
    if (node.followed) return;
    node.followed = true;
    new MutationObserver(async (changes) => {
      if (kind === "interact") {
        const picture = node.querySelector("img");
        const added = changes.flatMap((change) => [...change.addedNodes]);
        if (!picture || !added.some((n) => n.querySelector?.("img"))) return;
        await picture.decode();
      } else if (!changes.some((change) => change.target.ownerSVGElement)) return;
      window.repainted(() => window.latencies.push(performance.now() - pressed));
    }).observe(node, { subtree: true, childList: true, attributes: kind !== "interact" });
  };
}
"""
# A kernel that answers has sent the frames, which it computes between two requests.
FRAMES_THERE = """
() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel
  .requestExecute({ code: "" }).done.then(() => null)
"""
RUN = """
async ([index, shows]) => {
  const notebook = window.jupyterapp.shell.currentWidget.content;
  notebook.activeCellIndex = index;
  await notebook.scrollToItem(index, "center");
  const { node } = notebook.widgets[index];
  const start = performance.now();
  const seen = new Promise((resolve) => {
    const observer = new MutationObserver(() => {
      if (!node.querySelector(".lm-explorer .lm-marks")) return;
      observer.disconnect();
      window.repainted(() => resolve(performance.now() - start));
    });
    observer.observe(node, { subtree: true, childList: true });
  });
  await window.jupyterapp.commands.execute("notebook:run-cell");
  return shows ? seen : null;
}
"""


@dataclass(frozen=True)
class Seen:
    """What was measured of one explorer: seconds to its first picture, milliseconds per press.

    One that `plays` has frames; the others ask the kernel at each press.
    """

    title: str
    plays: bool
    first: float
    presses: list[float]


def measure(page: Page, cell: Locator, kind: str, steps: int) -> list[float]:
    """Milliseconds from key to picture, one press after another.

    The first press does not count, nor does one that changes no mark, as a step on a plateau.
    """
    page.evaluate(FRAMES_THERE)
    cell.evaluate("cell => cell.scrollIntoView({ block: 'center' })")
    page.wait_for_timeout(250)
    handle = cell.locator(".noUi-handle" if kind == "interact" else "input[type=range]").first
    cell.locator(".jp-Cell-outputArea").evaluate("(node, kind) => follow(node, kind)", kind)
    handle.focus()
    keys = ["ArrowRight", "ArrowLeft"]
    if handle.evaluate("input => input.value === input.max"):
        keys.reverse()
    taken = []
    for step in range(steps + 1):
        page.evaluate("() => (window.latencies = [])")
        page.keyboard.press(keys[step % 2])
        with suppress(TimeoutError):
            page.wait_for_function("() => window.latencies.length > 0", timeout=PATIENCE)
            taken += page.evaluate("() => window.latencies.slice(0, 1)") if step else []
        page.wait_for_timeout(40)
    return taken


def take_turns(browser: Browser, lab: Lab, steps: int) -> dict[str, list[float]]:
    """Milliseconds per key press for each way to draw the same."""
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in (SETUP, *CELLS.values())],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    nbformat.write(notebook, lab.folder / "theory" / "bench.ipynb")
    taken: dict[str, list[float]] = {name: [] for name in CELLS}
    page = browser.new_page(viewport=VIEWPORT)
    open_notebook(page, lab, "theory/bench.ipynb")
    run_all(page)
    page.locator(".noUi-handle").wait_for(timeout=60_000)
    page.evaluate(MEASURE)
    for _ in range(TURNS):
        for index, name in enumerate(CELLS, 1):
            cell = page.locator(".jp-Notebook .jp-Cell").nth(index)
            kind = "interact" if "interact" in name else "explorer"
            taken[name] += measure(page, cell, kind, max(1, steps // TURNS))
    page.close()
    lab.close_sessions()
    return taken


def run_chapter(browser: Browser, lab: Lab, name: str, steps: int) -> Iterator[Seen]:
    """Every explorer of a chapter, in order."""
    page = browser.new_page(viewport=VIEWPORT)
    open_notebook(page, lab, f"theory/{name}.ipynb")
    page.evaluate(MEASURE)
    cells = nbformat.read(lab.folder / "theory" / f"{name}.ipynb", as_version=4).cells
    for index, cell in enumerate(cells):
        if cell.cell_type == "code":
            shows = "Explorer(" in cell.source
            first = page.evaluate(RUN, [index, shows])
            if shows:
                found = page.locator(".jp-Cell.jp-mod-active")
                title = found.locator(".lm-title").inner_text()
                plays = not any(word in cell.source for word in ("live=True", "ahead=False"))
                pressed = measure(page, found, "explorer", steps)
                yield Seen(title, plays, first / 1000, pressed)
    page.close()
    lab.close_sessions()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=30, help="key presses per way")
    steps = parser.parse_args().steps
    with (
        tempfile.TemporaryDirectory() as folder,
        running_lab(Path(folder)) as lab,
        chromium() as browser,
    ):
        taken = take_turns(browser, lab, steps)
        names = sorted(path.stem for path in (ROOT / "theory").glob("[0-9]*.ipynb"))
        seen = {name: list(run_chapter(browser, lab, name, PRESSES)) for name in names}
    PAGE.write_text(report(taken, seen), encoding="utf-8")
    print(PAGE.read_text(encoding="utf-8"))


def report(taken: dict[str, list[float]], seen: dict[str, list[Seen]]) -> str:
    """docs/explorer-speed.md, from milliseconds by way and what was seen by chapter."""
    half = {name: float(np.median(ms)) for name, ms in taken.items()}
    rows = [f"| {name} | {half[name]:.0f} | {late(taken[name]):.0f} |" for name in half]
    played, *_, drawn = half.values()
    return TEXT.format(
        steps=max(map(len, taken.values())),
        rows="\n".join(rows),
        ratio=drawn / played,
        presses=PRESSES,
        count=sum(one.plays for explorers in seen.values() for one in explorers),
        missed=missed([one for explorers in seen.values() for one in explorers]),
        chapters="\n".join(row(name, explorers) for name, explorers in seen.items()),
        live="\n".join(
            f"| {name[:2]} | {one.title} | {np.median(one.presses):.0f} | {late(one.presses):.0f} |"
            for name, explorers in seen.items()
            for one in explorers
            if not one.plays
        ),
    )


def missed(explorers: list[Seen]) -> str:
    """How many explorers miss which aim."""
    sliders = [one.presses for one in explorers if one.plays]
    return (
        f"The first is missed by {sum(one.first > 1 for one in explorers)} of all, the second by "
        f"{sum(np.median(ms) > 16 for ms in sliders)} of these, the third by "
        f"{sum(late(ms) > 33 for ms in sliders)}."
    )


def row(name: str, explorers: list[Seen]) -> str:
    """One line of the table of chapters."""
    played = [one for one in explorers if one.plays]
    presses = [ms for one in played for ms in one.presses]
    slowest = max(explorers, key=lambda one: one.first)
    laziest = max(played, key=lambda one: late(one.presses))
    return (
        f"| [{name[:2]}](../theory/{name}.ipynb) | {len(explorers)} "
        f"| {np.median([one.first for one in explorers]):.1f} "
        f"| {slowest.first:.1f} {slowest.title} "
        f"| {np.median(presses):.0f} | {late(presses):.0f} "
        f"| {late(laziest.presses):.0f} {laziest.title} |"
    )


def late(ms: list[float]) -> float:
    """What 95 of 100 presses did not exceed."""
    return float(np.quantile(ms, 0.95))


if __name__ == "__main__":
    main()
