# %% [markdown]
# # 00 Start here: which loss, and what will it cost you?
#
# A **loss** is a function that turns a prediction and the truth into one number: how bad was that?
# Training a model means making this number small. Nothing else tells the model what you want, so
# the choice of the loss is the choice of what it becomes.
#
# This course lets you *play* with losses until you can predict what they will do. This page shows
# how that works, checks that your machine is ready, helps you choose a loss, and lists the
# chapters.
#
# ## Is everything here?
#
# If you are reading this in JupyterLab, run the cell below (press Shift and Enter together).
# Without a running kernel you can read on all the same: every picture is saved in the page.

# %%
import html
import importlib.util
import json
import sys
from pathlib import Path

import ipywidgets as widgets
import numpy as np
from IPython.display import Markdown

import lossmath as lm
from lossmath.domains import REALS
from lossmath.explore import (
    Axis,
    Curve,
    Explorer,
    Panel,
    Picture,
    Points,
    Predict,
    Slider,
)

ready = {
    "Python 3.11 or newer": sys.version_info >= (3, 11),
    "NumPy 2 or newer": int(np.__version__.partition(".")[0]) >= 2,
    "the losses give right answers": float(lm.Huber(delta=1.0)([3.0, 0.5], [0.0, 0.0])) == 1.3125,
    "sliders (anywidget)": importlib.util.find_spec("anywidget") is not None,
    "PyTorch, for the chapters that train networks": importlib.util.find_spec("torch") is not None,
}
for what, fine in ready.items():
    print("ok     " if fine else "MISSING", what)

# %% [markdown]
# Should something be missing, the `README.md` in the folder of this course says how to install it.
#
# ## How to use a chapter
#
# The heart of a chapter is its **explorers**: pictures with sliders. Here is the first one. The
# horizontal axis is a prediction, the truth is zero, and the two curves say what the prediction
# costs under two losses. Move the slider, by mouse or with the arrow keys, or drag the mark that
# says so.
#
# Many explorers ask you to **predict first**. Please do commit to an answer before you look, even
# to a wrong one: it is the difference between watching and learning. *Reset* brings the picture
# back, *Pin* keeps a ghost of it to compare with, and *In words* describes it without a picture.
# When you open a notebook again another day, run it again: explorers need their frames.

# %% jupyter={"source_hidden": true}
ACROSS = np.linspace(-6.5, 6.5, 131)
FIRST = {"squared error": lm.SquaredError(), "absolute error": lm.AbsoluteError()}


def first_touch(prediction):
    costs = {name: float(loss.value(prediction, 0.0)) for name, loss in FIRST.items()}
    return Picture(
        [
            Panel(
                "what a prediction costs when the truth is 0",
                [
                    *(
                        Curve(ACROSS, loss.value(ACROSS, np.zeros_like(ACROSS)), name)
                        for name, loss in FIRST.items()
                    ),
                    Points([prediction], [costs["squared error"]], stroke="blue", size=5),
                    Points([prediction], [costs["absolute error"]], stroke="orange", size=5),
                    Points([prediction], [-5.0], "drag me", "purple", 6, handle=("prediction", "")),
                ],
                Axis("prediction", -6.5, 6.5),
                Axis("cost", -8, 40),
            )
        ],
        readings=costs,
    )


dear = first_touch(6.0).readings["squared error"]
Explorer(
    first_touch,
    [Slider("prediction", -6, 6, 3, symbol="p", meaning="the prediction")],
    title="Your first explorer",
    predict=Predict(
        "An error of 3 costs 9 under the squared error. What does an error of 6 cost?",
        answer=dear,
        within=0.5,
        because="Twice the error, four times the cost. The absolute error would only double.",
    ),
)

# %% [markdown]
# Five more things you will meet in every chapter.
#
# * **Refute this** boxes hold a sentence that you can find in print and that is wrong, or half
#   right. The cell below each one settles it. There is one further down this page.
# * **Watch it fail**: every loss is shown breaking, live, because that is how you will meet it.
# * **Code you may change.** Every cell runs on its own data in a moment. Change a number and run it
#   again. (Cells that only draw are folded; click the bar beside them.)
# * **Numbers you can trust.** No result in the text was typed by hand from memory: each is computed
#   by a cell above it whenever the course is built, and the build fails if the text disagrees.
# * **Practise** links, at the end, to graded problems. In a problem's notebook, `check("01")`
#   reports everything that is right or wrong and shows the smallest example that breaks your
#   function, `hint("01")` helps in three steps, and `progress()` tells where you stand.
#
# You need some calculus (what a derivative is) and a little Python with NumPy. Probability is
# explained as it comes.
#
# ## Why the choice matters
#
# Nine journeys took the times marked in black at the left edge, and a tenth one is up to you.
# Predict all ten with *one* number. Three losses recommend three numbers: the squared error, the
# absolute error, and the **quantile loss**, for which a minute late costs
# 19<!--= f"{0.95 / (1 - 0.95):.0f}" --> times as much as a minute early. Drag the tenth journey.

# %% jupyter={"source_hidden": true}
JOURNEYS = np.array([18.0, 20, 21, 22, 24, 25, 26, 28, 31])
GUESSES = np.linspace(10, 90, 801)
ADVISERS = {
    "squared": lm.SquaredError(),
    "absolute": lm.AbsoluteError(),
    "quantile": lm.Quantile(0.95),
}


def mean_costs(loss, times):
    """What each guess costs on average."""
    shape = (len(GUESSES), len(times))
    guesses = np.broadcast_to(GUESSES[:, None], shape)
    return loss.value(guesses, np.broadcast_to(times, shape)).mean(axis=1)


def advice(tenth):
    """The best guess of each loss; the middle one where several are equally good."""
    times = np.append(JOURNEYS, tenth)
    best = {}
    for name, loss in ADVISERS.items():
        costs = mean_costs(loss, times)
        best[name] = float(np.median(GUESSES[costs <= costs.min() + 1e-9]))
    return best


TENTHS = np.linspace(12, 85, 39)
ADVICE = {name: np.array([advice(t)[name] for t in TENTHS]) for name in ADVISERS}


def three_advisers(tenth):
    best = advice(tenth)
    strokes = ("blue", "orange", "green")
    return Picture(
        [
            Panel(
                "what each loss recommends for all ten",
                [
                    *(Curve(TENTHS, guesses, name) for name, guesses in ADVICE.items()),
                    *(
                        Points([tenth], [best[name]], stroke=stroke, size=5)
                        for name, stroke in zip(ADVISERS, strokes, strict=True)
                    ),
                    Points(np.full(9, 9.5), JOURNEYS, stroke="ink", size=3),
                    Points([tenth], [4.0], "drag me", "purple", 6, handle=("tenth", "")),
                ],
                Axis("the tenth journey, in minutes", 8, 100),
                Axis("minutes", 0, 92),
            )
        ],
        readings={f"best for {name}": guess for name, guess in best.items()},
    )


calm, wild = advice(35.0), advice(85.0)
moved = {name: wild[name] - calm[name] for name in ADVISERS}
Explorer(
    three_advisers,
    [Slider("tenth", 12, 85, 35, symbol="t", unit="minutes", meaning="the tenth journey")],
    title="One number for ten journeys",
    predict=Predict(
        "The tenth journey grows from 35 minutes to 85. Which recommendation does not move at all?",
        choices=tuple(ADVISERS),
        answer=min(moved, key=lambda name: abs(moved[name])),
        because="The middle of ten numbers does not care how far out the last one lies.",
    ),
)

# %% [markdown]
# As the tenth journey grows from `35` to `85` minutes, the squared error's advice climbs by
# 5.0<!--= f"{moved['squared']:.1f}" --> minutes, a tenth of the way. The absolute error's does not
# move. The quantile loss, afraid of being late, follows all the way:
# 50.0<!--= f"{moved['quantile']:.1f}" --> minutes. Nobody made a mistake. They were asked
# different questions.
#
# > **Refute this.** *“One of the three must be the best loss.”* Let each of the recommendations be
# > judged by each of the losses.

# %%
times = np.append(JOURNEYS, 85.0)
judged = {
    judge: {name: float(loss(np.full(10, wild[name]), times)) for name in ADVISERS}
    for judge, loss in ADVISERS.items()
}
print(f"{'judged by':12}" + "".join(f"{'advice of ' + name:>20}" for name in ADVISERS))
for judge, costs in judged.items():
    print(f"{judge:12}" + "".join(f"{cost:20.2f}" for cost in costs.values()))
for judge, costs in judged.items():
    assert min(costs, key=costs.get) == judge

# %% [markdown]
# Refuted: each wins in its own court and loses in the other two. A loss is not right or wrong in
# itself. It fits what you want, or it does not. Nor can the numbers of two losses be compared:
# 349.60<!--= f"{judged['squared']['squared']:.2f}" --> square minutes are not more than
# 9.00<!--= f"{judged['absolute']['absolute']:.2f}" --> minutes.
#
# ### Watch it fail
#
# The commonest way to go wrong is a loss for another kind of answer. Three animals are numbered:
# cat zero, dog one, horse two. Half the pictures are cats, half are horses, and somebody trains on
# the class *number* with the squared error, "since it is a number".

# %%
animals = ("cat", "dog", "horse")
labels = np.repeat([0, 2], 50)
numbers = np.linspace(0, 2, 201)
said = numbers[
    np.argmin([lm.SquaredError()(np.full(100, number), labels.astype(float)) for number in numbers])
]
scores = np.log(np.array([0.5, 1e-9, 0.5]))  # what cross-entropy converges to: the log-shares
best = float(lm.CrossEntropyFromLogits()(np.tile(scores, (100, 1)), labels))
print(f"best class number under squared error: {said:.2f}, which is a {animals[round(said)]}")
print(f"cross-entropy of saying 'cat or horse, even odds': {best:.3f}")
assert animals[round(said)] == "dog" and np.isclose(best, np.log(2))

# %% [markdown]
# The best answer under squared error is 1.00<!--= f"{said:.2f}" -->, a dog, the one animal that
# never occurs. The optimiser did nothing wrong. Class numbers have no middle, and the loss assumed
# one.
#
# ## Which loss?
#
# Two questions: *what do you predict*, and *what matters most*? The answer comes from the records
# of lossmath: the formula, what the loss **assumes**, what it **aims at**, and **how it fails**.
# (Without a kernel the table below holds all the answers.)

# %% jupyter={"source_hidden": true}
ANSWERS = {
    "a number": {
        "errors are of similar size": "SquaredError",
        "a few errors are wild": "Huber",
        "many errors are wild, or labels wrong": "StudentTNLL",
        "typical cases count, extreme ones do not": "AbsoluteError",
        "too low costs more than too high, or the reverse": "Quantile",
        "ratios count, not differences": "MeanSquaredLogError",
        "I want to know how uncertain it is": "GaussianNLL",
        "it counts events": "PoissonNLL",
    },
    "yes or no": {
        "I need a probability": "BinaryCrossEntropyFromLogits",
        "only the decision matters": "Hinge",
        "yes is rare, and easy cases drown the hard ones": "BinaryFocal",
        "one confident mistake must not dominate": "BrierScore",
    },
    "one of several classes": {
        "I need probabilities": "CrossEntropyFromLogits",
        "the truth itself is a distribution": "SoftCrossEntropyFromLogits",
        "only the decision matters": "CrammerSingerHinge",
        "the classes have an order": "RankedProbabilityScore",
        "a larger model can teach this one": "Distillation",
    },
    "something in a picture": {
        "which pixels belong to it": "DiceBCE",
        "where its box is": "GIoU",
        "boxes and classes of many things": "RetinaNet",
        "the picture itself, as eyes compare it": "SSIM",
    },
    "what is alike": {
        "I have pairs": "ContrastivePair",
        "I know what is closer to what": "Triplet",
        "one match among many": "InfoNCE",
        "identities, to be told apart by angle": "ArcFace",
    },
    "which is better": {
        "items get scores": "BradleyTerry",
        "only a lead of some size matters": "MarginRanking",
        "a language model learns from preferences": "DPO",
    },
    "a distribution": {
        "all it can do must be covered": "ForwardKL",
        "what it does must be plausible": "ReverseKL",
        "how far apart two of them are": "Wasserstein1D",
        "data through hidden causes": "NegativeELBO",
    },
    "what will come of it": {
        "a long-run reward, learned step by step": "TDError",
        "a policy that must not stray": "KLPenalisedReward",
    },
}


def assumption(loss):
    """What a loss takes for granted: its noise model and the limits of what it is given."""
    given = [f"{loss.noise} noise"] if loss.noise else []
    limited = [a for a in loss.arguments if a.domain != REALS]
    given += [f"{argument.name} in {argument.domain}" for argument in limited]
    return "; ".join(given) or "no noise model"


def answer(loss):
    """A loss's record as a small page."""
    summary = html.escape(" ".join((loss.__doc__ or "").split("\n\n")[0].split()))
    formula = html.escape(loss.formula)
    rows = {
        "assumes": html.escape(assumption(loss)),
        "aims at": html.escape(loss.elicits or "nothing with a name of its own"),
        "fails when": "; ".join(html.escape(failure) for failure in loss.failures),
        "in Python": f"<code>lossmath.{loss.name}</code>",
        "from": html.escape(loss.reference),
    }
    listed = "".join(f"<li><b>{title}</b>: {text}</li>" for title, text in rows.items())
    return f"<h3>{loss.name}</h3><p>{summary}</p><p>$${formula}$$</p><ul>{listed}</ul>"


class Chooser(widgets.VBox):
    """Two questions and the record that answers them."""

    def __init__(self):
        wide = {"style": {"description_width": "7em"}, "layout": {"width": "36em"}}
        self.what = widgets.Dropdown(options=list(ANSWERS), description="I predict", **wide)
        self.matters = widgets.Dropdown(description="what matters", **wide)
        self.shown = widgets.HTMLMath()
        super().__init__([self.what, self.matters, self.shown])
        self.what.observe(self._ask, "value")
        self.matters.observe(self._answer, "value")
        self._ask()

    def _ask(self, _change=None):
        self.matters.options = list(ANSWERS[self.what.value])
        self.matters.index = 0

    def _answer(self, _change=None):
        if self.matters.value in ANSWERS[self.what.value]:
            name = ANSWERS[self.what.value][self.matters.value]
            self.shown.value = answer(getattr(lm, name))

    def _repr_mimebundle_(self, **options):
        """The widget, and its present answer for a reader without a kernel."""
        shown = f"{self.what.value}; {self.matters.value}"
        bundle = super()._repr_mimebundle_(**options)
        return {**bundle, "text/html": self.shown.value, "text/plain": f"Which loss? {shown}"}


Chooser()

# %% jupyter={"source_hidden": true}
rows = ["| you predict | what matters | loss | assumes | aims at | fails when |"]
rows.append("|" + "---|" * 6)
for what, cases in ANSWERS.items():
    for matters, name in cases.items():
        loss = getattr(lm, name)
        link = f"[{name}](../docs/losses.md#{name.lower()})"
        cells = (what, matters, link, assumption(loss), loss.elicits or "–", loss.failures[0])
        rows.append("| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |")
Markdown("\n".join(rows))

# %% [markdown]
# Take the answer as a first suspect, not as a verdict. The column that repays reading is the last.
# All losses, with their formulas, are in [one reference](../docs/losses.md).
#
# ## The chapters
#
# Each opens with a question. If time is short, read the first three and the one about choosing and
# debugging; the others wait until you need them.

# %% jupyter={"source_hidden": true}


def headings(folder, pattern="[0-9][0-9]_*.ipynb"):
    """The notebooks of a folder: path and first line, in order."""
    for path in sorted(Path(folder).glob(pattern)):
        lines = "".join(json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"])
        yield path.as_posix(), lines.splitlines()[0].lstrip("# ")


rows = ["| | chapter | its question |", "|---|---|---|"]
for path, heading in headings("."):
    title, _, question = heading[3:].partition(":")
    if not path.startswith("00"):
        question = question.strip()
        rows.append(f"| {heading[:2]} | [{title}]({path}) | {question[:1].upper()}{question[1:]} |")
Markdown("\n".join(rows))

# %% [markdown]
# ## The problems
#
# Ten points each; the stars say how hard. Begin with the first as soon as you have read about
# regression.

# %% jupyter={"source_hidden": true}
rows = [f"* [{heading}]({path})" for path, heading in headings("../exercises")]
Markdown("\n".join(rows))

# %% [markdown]
# ## Further reading
#
# * Gneiting, *Making and evaluating point forecasts* (2011): why a forecaster must be told the
#   loss.
# * Goodfellow, Bengio and Courville, *Deep Learning* (2016), for networks and how they are trained.
# * Murphy, *Probabilistic Machine Learning: An Introduction* (2022), for losses as likelihoods.
# * Wald, *Statistical Decision Functions* (1950): where the word loss, in this sense, grew up.
#
# Now turn the page: [what a loss does](01_what_a_loss_does.ipynb).
