"""Writes docs/coverage.md: where each topic and each loss is taught, and which problem asks for it.

A topic names its chapter and the beginning of the heading it stands under; a heading that does not
exist is an error. Where a loss is used is read from the chapters' sources.
"""

import argparse
import re
import sys
from pathlib import Path

import jupytext

import lossmath

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "coverage.md"

# theme: topic, chapter and the beginning of a heading (several where it returns), problems
TOPICS = {
    "What a loss is": [
        ("a loss as training signal", ["01 A signal"], ["01"]),
        ("a loss as statistical assumption", ["01 A noise model", "02 A loss is a story"], []),
        ("a loss as geometry: level sets", ["01 Geometry", "02 Two residuals"], []),
        ("a loss as proxy of a metric; surrogates", ["01 A proxy"], ["09"]),
        ("which functional a loss elicits", ["01 What a loss asks for"], ["02"]),
        ("data set, model and prediction; pointwise loss", ["01 A signal"], []),
        ("population, empirical and regularised risk", ["01 Risk"], []),
        ("reductions: none, sum, mean", ["01 Many numbers become one"], ["04"]),
        ("masks, weights and their denominators", ["01 Masks, weights"], ["04"]),
        ("what makes a good loss", ["12 From the task", "07 Convex in what"], []),
    ],
    "Regression": [
        ("squared and half squared error", ["02 The slope is a pull"], ["01"]),
        ("absolute error and its kink", ["02 The slope", "07 At a crease"], ["02"]),
        ("Huber and Smooth L1", ["02 Huber"], ["05"]),
        ("log-cosh, pseudo-Huber: smooth and robust", ["02 Three cousins"], []),
        ("robustness: an outlier dragged away", ["02 Drag the outlier"], ["01", "05"]),
        ("quantiles and bands", ["02 Not the middle"], []),
        ("relative errors: MAPE and MSLE", ["02 Relative errors"], []),
        ("Gaussian, Laplace and Student noise", ["02 A loss is a story"], []),
        ("counts: Poisson noise", ["04 One template"], []),
    ],
    "Classification": [
        ("zero-one loss and margin losses", ["03 One number to judge by"], ["06"]),
        ("binary cross-entropy, from probability to logit", ["03 From a score"], ["03"]),
        ("categorical cross-entropy; gradient and Hessian", ["03 Three classes"], []),
        ("hinges, two classes and many", ["03 One number", "03 Hinges for many"], ["06"]),
        ("class weights, resampling", ["03 Rare classes"], ["09"]),
        ("focal loss and what it does to honesty", ["03 Focal loss"], ["09"]),
        ("label smoothing", ["03 Label smoothing"], []),
        ("ordered classes", ["03 Classes in a row"], []),
    ],
    "Probability": [
        ("negative log-likelihood as a template", ["04 One template"], []),
        ("predicted variance", ["04 Letting the model say"], []),
        ("forward and reverse KL", ["04 How far apart", "04 Two directions"], []),
        ("cross-entropy is entropy plus KL", ["04 How far apart"], []),
        ("ELBO, reconstruction and KL to a prior", ["04 The ELBO", "10 The other way"], []),
        ("proper scoring rules", ["04 Proper scores"], []),
        ("calibration and temperature scaling", ["04 Calibration"], ["09"]),
    ],
    "Comparison": [
        ("contrastive pairs", ["05 Pairs"], []),
        ("triplets and semi-hard mining", ["05 Triplets"], []),
        ("InfoNCE and its temperature", ["05 InfoNCE", "05 What a line-up"], ["07"]),
        ("NT-Xent and CLIP", ["05 SimCLR and CLIP"], []),
        ("cosine embedding, ArcFace, Circle", ["05 Angles"], []),
        ("margin ranking, Bradley–Terry", ["05 Ranking"], ["08"]),
    ],
    "Language models": [
        ("next-token loss and perplexity", ["06 Surprise, word by word"], []),
        ("padding; token against sequence means", ["06 Watch it fail: the shift"], ["04"]),
        ("distillation", ["06 Learning from a teacher"], []),
        ("reward models and the KL penalty", ["06 The better answer"], ["08"]),
        ("DPO and the reference model", ["06 DPO", "06 The flat direction"], ["08"]),
    ],
    "Geometry and optimisation": [
        ("convex, and in which variable", ["07 Convex in what"], []),
        ("smoothness and subgradients", ["07 At a crease"], ["02", "06"]),
        ("gradient scale", ["07 How steep"], ["10"]),
        ("Hessians and the step size", ["07 How curved", "07 Cross-entropy"], []),
        ("the landscape of a network", ["07 A real landscape"], []),
        ("balancing losses, gradient conflict", ["07 Two losses"], ["10"]),
    ],
    "Numerical stability": [
        ("logits against probabilities", ["08 Probabilities crowd"], ["03"]),
        ("log-sum-exp", ["08 Log-sum-exp"], ["07"]),
        ("masks and ignore index", ["08 Masks that leak"], ["04"]),
        ("mixed precision and loss scaling", ["08 Sixteen bits", "08 Loss scaling"], []),
        ("libraries against exact arithmetic", ["08 The map of errors", "08 Libraries"], []),
        ("fused cross-entropy on a GPU", ["13 Predict", "13 What was measured"], ["11"]),
    ],
    "Applications": [
        ("task and loss", ["00 Which loss", "12 From the task"], ["09"]),
        ("segmentation: Dice, IoU, Tversky, Dice + BCE", ["09 Regions"], []),
        ("boxes: IoU, GIoU, DIoU, CIoU", ["09 Boxes"], []),
        ("detectors: focal loss with Smooth L1", ["09 Detection"], ["09"]),
        ("images: SSIM and perceptual losses", ["09 Looks: SSIM", "09 Looks: through"], []),
        ("adversarial losses", ["10 The discriminator first", "10 The forger's gradient"], []),
        ("Wasserstein distance", ["10 Sliding apart", "10 The critic, and its leash"], []),
        ("penalties on weights", ["11 Fewer or smaller", "11 Different features"], []),
        ("centres, sparsity, entropy", ["11 Same class", "11 Few at a time", "11 Und"], []),
        ("mixtures of experts", ["11 Sharing the work"], []),
        ("physics-informed losses", ["11 Obeying a law"], []),
        ("temporal differences", ["11 Learning from your own"], []),
    ],
    "What goes wrong": [
        ("shortcut learning", ["12 Disease one"], []),
        ("easy negatives that dominate", ["12 Disease two"], ["09"]),
        ("saturation and starved gradients", ["12 Disease three", "03 From a score"], []),
        ("overconfidence", ["12 Disease four", "04 Calibration"], ["09"]),
        ("one term that dominates", ["07 Two losses"], ["10"]),
        ("twelve common mistakes", ["12 Twelve mistakes"], []),
        ("tests that catch a wrong loss", ["12 Write the test"], []),
    ],
}


def page() -> str:
    """The whole page. Raises ValueError for a heading, problem or loss that has no place."""
    lines = [
        "# Where everything is taught",
        "",
        "Each topic with the chapter, section and cells (counted from the top) that teach it, and"
        " the graded problems that ask for it; below, each loss with the chapters that use it.",
    ]
    for theme, topics in TOPICS.items():
        lines += ["", f"## {theme}", "", "| topic | taught in | problems |", "|---|---|---|"]
        for topic, places, problems in topics:
            taught = "; ".join(map(_section, places))
            lines.append(f"| {topic} | {taught} | {', '.join(map(_problem, problems))} |")
    lines += ["", "## Losses", "", "| loss | chapters |", "|---|---|"]
    for record in lossmath.catalogue():
        lines.append(f"| `{record.name}` | {', '.join(map(_chapter, _users(record.name)))} |")
    return "\n".join(lines) + "\n"


def _section(place: str) -> str:
    number, beginning = place.split(" ", 1)
    cells = jupytext.read(_source(number), fmt="py:percent").cells
    headings = [
        (at, len(hashes), text)
        for at, cell in enumerate(cells, 1)
        for hashes, text in re.findall(r"^(##+) (.*)$", cell.source, re.MULTILINE)
        if cell.cell_type == "markdown"
    ]
    for index, (first, level, text) in enumerate(headings):
        if text.startswith(beginning):
            ends = (at - 1 for at, other, _ in headings[index + 1 :] if other <= level)
            last = max(first, next(ends, len(cells)))
            cells_of_it = f"cell {first}" if first == last else f"cells {first}–{last}"
            return f"{_chapter(number)} {text} ({cells_of_it})"
    raise ValueError(f"chapter {number} has no heading that begins with {beginning!r}")


def _chapter(number: str) -> str:
    return f"[{number}](../theory/{_source(number).stem}.ipynb)"


def _source(number: str) -> Path:
    (path,) = (ROOT / "theory").glob(f"{number}_*.py")
    return path


def _problem(number: str) -> str:
    (path,) = (ROOT / "exercises").glob(f"{number}_*.ipynb")
    return f"[{number}](../exercises/{path.name})"


def _users(loss: str) -> list[str]:
    """The numbers of the chapters that use a loss."""
    uses = re.compile(rf"\blm\.{loss}\b|^    {loss},$|import .*\b{loss}\b", re.MULTILINE)
    sources = sorted((ROOT / "theory").glob("[0-9][0-9]_*.py"))
    users = [path.name[:2] for path in sources if uses.search(path.read_text(encoding="utf-8"))]
    if not users:
        raise ValueError(f"no chapter uses {loss}")
    return users


def main(arguments: list[str] | None = None) -> int:
    """Write or check the page; the exit status is 1 when a check finds it out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say whether the page is current")
    if parser.parse_args(arguments).check:
        return int(PAGE.read_text(encoding="utf-8") != page())
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
