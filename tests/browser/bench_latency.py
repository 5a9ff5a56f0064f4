"""How long from a key press on a slider to the repainted picture, in JupyterLab.

    python tests/browser/bench_latency.py [--steps 30]

Explorers that play frames, one that asks the kernel, and the usual `interact` with inline
matplotlib take turns in one run, so that a busy machine slows all of them alike. Writes
docs/explorer-speed.md. A measurement, not a test: no number here can fail.
"""

import argparse
import tempfile
from pathlib import Path

import nbformat
import numpy as np
from labdriver import chromium, open_notebook, run_all, running_lab
from playwright.sync_api import Page

PAGE = Path(__file__).parents[2] / "docs" / "explorer-speed.md"
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
fast as `interact`, which draws anew with matplotlib at each step. A screen that shows 60 pictures a
second shows one every 17 ms.
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
MEASURE = """
() => {
  let pressed = 0;
  window.latencies = [];
  document.addEventListener("keydown", (event) => (pressed = event.timeStamp), true);
  window.repainted = () => requestAnimationFrame(() => {
    const after = new MessageChannel();
    after.port1.onmessage = () => window.latencies.push(performance.now() - pressed);
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
      } else if (!changes.some((c) => c.attributeName === "d")) return;
      window.repainted();
    }).observe(node, { subtree: true, childList: true, attributes: kind !== "interact" });
  };
}
"""


def measure(page: Page, cell: int, kind: str, steps: int) -> list[float]:
    """Milliseconds from key to picture, one press after another."""
    found = page.locator(".jp-Notebook .jp-Cell").nth(cell)
    found.evaluate("cell => cell.scrollIntoView({ block: 'center' })")
    page.wait_for_timeout(500)
    handle = found.locator(".noUi-handle" if kind == "interact" else "input[type=range]")
    found.locator(".jp-Cell-outputArea").evaluate("(node, kind) => follow(node, kind)", kind)
    handle.focus()
    taken = []
    for step in range(steps):
        page.evaluate("() => (window.latencies = [])")
        page.keyboard.press("ArrowRight" if step % 2 else "ArrowLeft")
        page.wait_for_function("() => window.latencies.length > 0", timeout=20_000)
        taken.append(page.evaluate("() => window.latencies[0]"))
        page.wait_for_timeout(60)
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=30, help="key presses per way")
    chosen = parser.parse_args()
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in (SETUP, *CELLS.values())],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    taken: dict[str, list[float]] = {name: [] for name in CELLS}
    with (
        tempfile.TemporaryDirectory() as folder,
        running_lab(Path(folder)) as lab,
        chromium() as browser,
    ):
        nbformat.write(notebook, Path(folder) / "theory" / "bench.ipynb")
        page = browser.new_page(viewport={"width": 1250, "height": 1000})
        open_notebook(page, lab, "theory/bench.ipynb")
        run_all(page)
        page.locator(".noUi-handle").wait_for(timeout=60_000)
        page.evaluate(MEASURE)
        for _ in range(5):  # take turns
            for cell, name in enumerate(CELLS, 1):
                kind = "interact" if "interact" in name else "explorer"
                taken[name] += measure(page, cell, kind, max(1, chosen.steps // 5))
        lab.close_sessions()
    PAGE.write_text(report(taken), encoding="utf-8")
    print(PAGE.read_text(encoding="utf-8"))


def report(taken: dict[str, list[float]]) -> str:
    """docs/explorer-speed.md, from milliseconds by way."""
    half = {name: float(np.median(ms)) for name, ms in taken.items()}
    rows = [
        f"| {name} | {half[name]:.0f} | {np.quantile(taken[name], 0.95):.0f} |" for name in half
    ]
    played, *_, drawn = half.values()
    (steps,) = {len(ms) for ms in taken.values()}
    return TEXT.format(steps=steps, rows="\n".join(rows), ratio=drawn / played)


if __name__ == "__main__":
    main()
