"""The explorer as a widget: its traits, its answers, its representations."""

import io
import subprocess
import sys

import ipywidgets
import numpy as np
import pytest
from PIL import Image
from traitlets import TraitError

import lossmath as lm
from lossmath.explore import (
    Curve,
    Explorer,
    Panel,
    Picture,
    Predict,
    Slider,
    anatomy,
    slider,
)


def huber(**options):
    return Explorer(
        lambda delta: anatomy({"Huber": lm.Huber(delta)}),
        [slider(lm.Huber, "delta")],
        title="Huber",
        **options,
    )


def test_the_slider_comes_from_the_record():
    declared = lm.Huber.parameters["delta"]
    made = slider(lm.Huber, "delta")
    assert (made.low, made.high) == declared.slider
    assert (made.default, made.scale, made.sign) == (declared.default, declared.scale, "δ")


@pytest.mark.parametrize(
    ("symbol", "sign"),
    [(r"\delta", "δ"), (r"\lambda", "λ"), ("w", "w"), (r"\ell_1", "ell_1"), ("", "name")],
)
def test_a_symbol_is_shown_as_its_letter(symbol, sign):
    assert Slider("name", 0, 1, 0, symbol=symbol).sign == sign


@pytest.mark.parametrize("wrong", [-1.0, 0.0, 5.01, np.nan, np.inf, "a", None])
def test_a_value_out_of_range_is_refused_and_the_old_one_kept(wrong):
    explorer = huber()
    with pytest.raises(TraitError):
        explorer.delta = wrong
    assert explorer.delta == 1.0


def test_the_refusal_says_what_is_allowed():
    with pytest.raises(TraitError, match=r"delta=-1.0 must lie in \[0.05, 5\]"):
        huber().delta = -1


def test_a_slider_is_an_ordinary_trait():
    explorer, control = huber(), ipywidgets.FloatSlider(min=0.05, max=5, value=2)
    seen = []
    explorer.observe(lambda change: seen.append(change["new"]), "delta")
    explorer.delta = 0.5
    ipywidgets.jslink((control, "value"), (explorer, "delta"))
    ipywidgets.dlink((control, "value"), (explorer, "delta"))
    assert seen == [0.5, 2.0] and explorer.values == {"delta": 2.0}
    assert "delta" in explorer.keys


def test_two_explorers_do_not_share_their_sliders():
    first, second = huber(), huber()
    first.delta = 3
    assert second.delta == 1.0


def test_a_slider_may_not_take_the_name_of_a_widget_trait():
    with pytest.raises(ValueError, match="'layout' is an attribute"):
        Explorer(lambda layout: Picture([]), [Slider("layout", 0, 1, 0)])


def ask(explorer, **values):
    """What the kernel answers when the browser asks for the picture at these values."""
    sent = []
    explorer.send = lambda content, buffers=None: sent.append((content, buffers))
    explorer._handle_custom_msg({"id": 7, "values": values}, [])
    return sent[0]


def test_the_kernel_answers_with_exact_arrays_and_words():
    explorer = huber()
    content, (buffer,) = ask(explorer, delta=0.777)
    x, y = explorer.scene.draw(delta=0.777).panels[0].marks[0].arrays().values()
    got = np.frombuffer(buffer, "<f4")
    assert content["id"] == 7 and "saturates at ±0.777 beyond |r| = 0.777" in content["words"]
    assert np.array_equal(got[: x.size], x.astype("f4"))
    assert np.array_equal(got[x.size : x.size + y.size], y.astype("f4"))
    sizes = [np.prod(slot["shape"], dtype=int) for slot in explorer._spec["slots"]]
    assert got.size == sum(sizes)


def test_a_failing_picture_is_reported_not_raised():
    def draw(a):
        return Picture([Panel("", [Curve([0, 1], [0, 1 / (a - 0.123)])])])

    content, buffers = ask(Explorer(draw, [Slider("a", 0, 1, 0)]), a=0.123)
    assert content == {"id": 7, "error": "float division by zero"} and buffers is None


def test_a_live_explorer_computes_only_what_it_shows():
    drawn = []

    def draw(a, b):
        drawn.append((a, b))
        return Picture([Panel("", [Curve([0, 1], [a, b], "line")])])

    explorer = Explorer(draw, [Slider("a", 0, 1, 0.5), Slider("b", 0, 1, 0.5)], live=True)
    assert len(drawn) <= 5 and explorer._spec["live"]
    spec, _ = explorer.for_page()
    assert len(drawn) > 500 and not spec["live"]


class Loop:
    """The event loop of a kernel in the middle of a cell."""

    def __init__(self):
        self.later = []

    def call_soon(self, act):
        self.later.append(act)


def test_in_a_kernel_the_frames_follow_the_first_picture(monkeypatch):
    drawn, loop = [], Loop()
    monkeypatch.setattr("lossmath.explore.explorer._kernel_loop", lambda: loop)

    def draw(delta):
        drawn.append(delta)
        return anatomy({"Huber": lm.Huber(delta)})

    explorer = Explorer(draw, [slider(lm.Huber, "delta")], title="Huber")
    early = explorer._spec
    assert len(drawn) < 10 and early["live"] and len(early["words"]) == 1
    (send_frames,) = loop.later
    send_frames()
    monkeypatch.undo()
    assert explorer._spec == huber()._spec and explorer._frames == huber()._frames
    assert early["panels"] == explorer._spec["panels"]


def test_the_mimebundle_has_a_view_a_picture_and_words():
    data, _ = huber()._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert "saturates at ±1 beyond |r| = 1" in data["text/plain"]
    assert Image.open(io.BytesIO(data["image/png"])).size[0] > 900


def test_the_still_is_small_the_same_every_time_and_follows_the_slider():
    explorer = huber()
    first = explorer.still()
    assert len(first) < 60_000 and huber().still() == first
    assert b"Software" not in first and b"tIME" not in first
    explorer.delta = 3
    assert explorer.still() != first and "δ = 3" in explorer.words


@pytest.mark.parametrize(
    ("title", "opening"), [("Huber", "Huber. "), ("Which bends?", "Which bends? "), ("", "")]
)
def test_the_words_open_with_the_title_as_a_sentence(title, opening):
    explorer = Explorer(lambda: Picture([Panel("", [Curve([0, 1], [2, 2], "flat")])]), title=title)
    assert explorer.words == f"{opening}flat: constant at 2."
    assert explorer._spec["opening"] == opening.strip()


def test_the_words_ask_before_they_tell():
    def words(predict):
        return Explorer(lambda: flat, title="Two", predict=predict).words

    flat = Picture([Panel("", [Curve([0, 1], [2, 2], "flat")])])
    number, choice = Predict("How high?", 2.0, "b"), Predict("Which?", "p", "b", ("p", "q"))
    assert words(number) == "Two. Predict first: How high? flat: constant at 2."
    assert words(choice) == "Two. Predict first: Which? (p / q) flat: constant at 2."


def test_a_prediction_needs_an_answer_that_can_be_checked():
    with pytest.raises(ValueError, match="answer='c' must be one of choices"):
        Predict("?", "c", "because", choices=("a", "b"))
    with pytest.raises(ValueError, match="must be a number"):
        Predict("?", "c", "because")


def test_an_explorer_fits_in_a_message():
    explorer = huber()
    assert len(explorer._frames) < 1_000_000


def test_importing_lossmath_stays_light():
    code = (
        "import lossmath, sys; print([m for m in ('matplotlib', 'anywidget') if m in sys.modules])"
    )
    got = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert got.stdout.strip() == "[]"
