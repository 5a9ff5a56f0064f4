"""The explorer: a picture with sliders, as a Jupyter widget, a still image and words."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets
from IPython import get_ipython

from lossmath.explore.predict import Predict
from lossmath.explore.scene import Draw, Scene
from lossmath.explore.sliders import Slider
from lossmath.explore.still import png
from lossmath.explore.style import css


class _Turn(traitlets.Float):
    """A slider's value: a number inside the slider's range."""

    def __init__(self, slider: Slider) -> None:
        self.slider = slider
        super().__init__(slider.default)

    def validate(self, obj: Any, value: Any) -> float:
        value = float(super().validate(obj, value))
        if not self.slider.low <= value <= self.slider.high:
            raise traitlets.TraitError(
                f"Explorer: {self.slider.name}={value} must lie in "
                f"[{self.slider.low}, {self.slider.high}]"
            )
        return value


def _kernel_loop() -> asyncio.AbstractEventLoop | None:
    """The event loop of the kernel this runs in, which is free again when the cell has run."""
    if not hasattr(get_ipython(), "kernel"):
        return None
    try:
        return asyncio.get_running_loop()
    except RuntimeError:  # a thread of the reader's own
        return None


class Explorer(anywidget.AnyWidget):
    """A picture that follows its sliders.

    `draw` takes the sliders' values by name and returns a `Picture`. Frames are computed over the
    sliders' grid, in a notebook as soon as the first picture is out, and played in the browser;
    when a slider is let go the kernel sends the exact picture. Without a kernel the first two
    sliders move together and any other one alone, so name first those that a handle drags or the
    text turns together. Each slider is a trait of the explorer under its own name: read it, set it,
    observe it or link it. `live=True` asks the kernel at every step instead, for pictures that
    jump. `ahead=False` computes no frames at all, for pictures too costly to compute hundreds of
    times; such an explorer is live. Raises ValueError if the frames differ in more than their
    numbers.
    """

    _esm = Path(__file__).with_name("explorer.js")
    _css = css()
    _spec = traitlets.Dict().tag(sync=True)
    _frames = traitlets.Bytes().tag(sync=True)

    def __init__(
        self,
        draw: Draw,
        sliders: Sequence[Slider] = (),
        *,
        title: str = "",
        predict: Predict | None = None,
        live: bool = False,
        ahead: bool = True,
    ) -> None:
        taken = [slider.name for slider in sliders if hasattr(type(self), slider.name)]
        if taken:
            raise ValueError(f"Explorer: slider name {taken[0]!r} is an attribute of every widget")
        self.title = title
        self.scene = Scene(draw, tuple(sliders), ahead and not live)
        self._on_page = self.scene if ahead == self.scene.ahead else Scene(draw, tuple(sliders))
        self._question = predict
        loop = _kernel_loop() if self.scene.ahead else None
        spec, frames = self._describe(*(self.scene.first() if loop else self.scene.spec()))
        super().__init__(_spec={**spec, "live": bool(loop) or live or not ahead}, _frames=frames)
        self.add_traits(**{s.name: _Turn(s).tag(sync=True) for s in sliders})
        self.on_msg(self._answer)
        if loop:
            loop.call_soon(self._send_frames)

    def for_page(self) -> tuple[dict[str, Any], bytes]:
        """The description and the frames for a page without a kernel."""
        return self._describe(*self._on_page.spec())

    def _describe(self, spec: dict[str, Any], frames: bytes) -> tuple[dict[str, Any], bytes]:
        question = self._question.spec() if self._question else None
        named = {"title": self.title, "opening": self._opening}
        return {**spec, **named, "predict": question, "live": False}, frames

    def _send_frames(self) -> None:
        """Until the frames are there the kernel answers for them."""
        spec, frames = self._describe(*self.scene.spec())
        with self.hold_sync():
            self._frames, self._spec = frames, spec

    @property
    def values(self) -> dict[str, float]:
        """Every slider's value by name."""
        return {slider.name: getattr(self, slider.name) for slider in self.scene.sliders}

    @property
    def words(self) -> str:
        """The question, if there is one, and the picture as the sliders stand, as text."""
        question = self._question.words if self._question else ""
        said = self.scene.words(self.values, self.scene.draw(**self.values))
        return " ".join(filter(None, (self._opening, question, said)))

    @property
    def _opening(self) -> str:
        """The title as the sentence that is read out before the words."""
        return self.title + "." * bool(self.title and self.title[-1] not in ".?!")

    def still(self) -> bytes:
        """The picture as the sliders stand, as a PNG."""
        return png(self.scene, self.scene.draw(**self.values), self.title)

    def _answer(self, _widget: Any, content: dict[str, Any], _buffers: list[bytes]) -> None:
        """The browser asks for the exact picture at some values."""
        values = {
            slider.name: float(content["values"][slider.name]) for slider in self.scene.sliders
        }
        try:
            buffer, words = self.scene.exact(values)
        except (ValueError, ArithmeticError) as error:
            self.send({"id": content["id"], "error": str(error)})
            return
        self.send({"id": content["id"], "words": words}, [buffer])

    def _repr_mimebundle_(self, **_: Any) -> Any:
        data, metadata = super()._repr_mimebundle_() or ({}, {})
        return {**data, "image/png": self.still(), "text/plain": self.words}, metadata
