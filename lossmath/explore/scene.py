"""An explorer's whole content, computed once: layout, label places, frames and their words."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np

from lossmath.explore import frames, labels, layout
from lossmath.explore.describe import number, sentences, settings
from lossmath.explore.frames import Values
from lossmath.explore.picture import Axis, Panel, Picture
from lossmath.explore.sliders import Slider
from lossmath.explore.style import HALF_BAR, STROKES

BETWEEN = 4  # frames spread over all by which labels are placed, beside the default and the ends

Draw = Callable[..., Picture]


class Drawn(Sequence[Picture]):
    """The pictures at some values of the sliders, each drawn when it is first looked at."""

    def __init__(self, draw: Draw, points: Sequence[Values]) -> None:
        self._places = range(len(points))
        self._at = cache(lambda place: draw(**points[place]))

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, place: Any) -> Any:
        return self._at(self._places[place])


@dataclass(frozen=True)
class Scene:
    """A picture as a function of its sliders.

    `ahead=False` computes nothing but the picture at the defaults; the kernel draws every other.
    """

    draw: Draw
    sliders: Sequence[Slider]
    ahead: bool = True

    @property
    def home(self) -> Values:
        """The sliders at their defaults."""
        return {slider.name: slider.default for slider in self.sliders}

    @cached_property
    def grid(self) -> list[list[float]]:
        if self.ahead:
            return frames.grids(self.sliders)
        return [[slider.default] for slider in self.sliders]

    @cached_property
    def points(self) -> list[Values]:
        return list(frames.points(self.sliders, self.grid))

    @cached_property
    def drawn(self) -> Drawn:
        return Drawn(self.draw, self.points)

    @cached_property
    def pictures(self) -> list[Picture]:
        """The frames; they must agree in everything but their data."""
        drawn = list(self.drawn)
        first = _shape(drawn[0])
        for values, picture in zip(self.points, drawn, strict=True):
            if _shape(picture) != first:
                raise ValueError(
                    f"the picture at {values} has other panels, marks or array sizes than the one "
                    f"at {self.points[0]}; only the numbers may change from frame to frame"
                )
        return drawn

    @cached_property
    def ends(self) -> list[Picture]:
        """Each slider at either end, the others at their defaults."""
        ends = [{**self.home, s.name: end} for s in self.sliders for end in (s.low, s.high)]
        if self.ahead:
            return [self.drawn[self.points.index(values)] for values in ends]
        return [self.draw(**values) for values in ends]

    @cached_property
    def witnesses(self) -> Sequence[Picture]:
        """Pictures from all over the sliders' ranges, to choose axes by."""
        return self.drawn if self.ahead else [*self.drawn, *self.ends]

    @cached_property
    def start(self) -> Picture:
        return self.drawn[self.points.index(self.home)]

    @cached_property
    def plan(self) -> list[layout.Place]:
        return layout.places(self.start.panels, [self._ranges(p) for p in range(self._count)])

    @cached_property
    def anchors(self) -> labels.Anchors:
        spread = np.linspace(0, len(self.drawn) - 1, BETWEEN).astype(int)
        judged = [self.start, *self.ends, *(self.drawn[i] for i in spread)]
        return labels.anchors(judged, self.plan)

    def labels_of(self, picture: Picture) -> dict[tuple[int, int], np.ndarray]:
        """Where the label of each mark stands, in pixels, by panel and mark."""
        return labels.positions(picture, self.plan, self.anchors)

    @property
    def _count(self) -> int:
        return len(self.start.panels)

    def _ranges(self, p: int) -> tuple[layout.Range, layout.Range]:
        panel = self.start.panels[p]
        return self._range(p, panel.x, "x"), self._range(p, panel.y, "y")

    def _range(self, p: int, axis: Axis, name: str) -> layout.Range:
        """The axis's own bounds, or those of the data of all frames and a little air."""
        if axis.low is not None and axis.high is not None:
            return axis.low, axis.high
        data = [
            mark.arrays()[key].ravel()
            for picture in self.witnesses
            for mark in picture.panels[p].marks
            for key, along in mark.data.items()
            if along == name and not key.startswith("d")
        ]
        seen = np.concatenate(data) if data else np.array([0.0, 1.0])
        seen = seen[np.isfinite(seen)]
        low, high = float(seen.min()), float(seen.max())
        air = 0.06 * ((high - low) or 1.0) if axis.scale == "linear" else 0.0
        return (
            low - air if axis.low is None else axis.low,
            high + air if axis.high is None else axis.high,
        )

    def spec(self) -> tuple[dict[str, Any], bytes]:
        """Everything the browser needs: a JSON description, and the frames as one buffer."""
        return self._spec(self.grid, self.points, self.pictures)

    def first(self) -> tuple[dict[str, Any], bytes]:
        """The same with the picture at the defaults for its only frame."""
        return self._spec([[slider.default] for slider in self.sliders], [self.home], [self.start])

    def _spec(
        self, grid: list[list[float]], points: Sequence[Values], pictures: Sequence[Picture]
    ) -> tuple[dict[str, Any], bytes]:
        named = [frames.arrays(picture, self.plan, self.labels_of(picture)) for picture in pictures]
        stacks = [
            (np.stack([frame[i][1] for frame in named]), named[0][i][2])
            for i in range(len(named[0]))
        ]
        slots, buffer = frames.pack(stacks)
        width, height = layout.size(self.plan)
        description = {
            "width": width,
            "height": height,
            "sliders": [self._slider(s, g) for s, g in zip(self.sliders, grid, strict=True)],
            "home": points.index(self.home),
            "crossed": frames.CROSSED,
            "half_bar": HALF_BAR,
            "panels": [
                self._panel(p, panel, place)
                for p, (panel, place) in enumerate(zip(self.start.panels, self.plan, strict=True))
            ],
            "slots": [
                {"panel": p, "mark": m, "field": field, **asdict(slot)}
                for slot, ((p, m, field), _, _) in zip(slots, named[0], strict=True)
            ],
            "readings": list(self.start.readings),
            "words": [
                self.words(values, picture)
                for values, picture in zip(points, pictures, strict=True)
            ],
        }
        return description, buffer

    def exact(self, values: Values) -> tuple[bytes, str]:
        """Every array at exactly these values, float32 in slot order; and the words."""
        picture = self.draw(**values)
        named = frames.arrays(picture, self.plan, self.labels_of(picture))
        return b"".join(data.astype("<f4").tobytes() for _, data, _ in named), self.words(
            values, picture
        )

    def words(self, values: Values, picture: Picture) -> str:
        """The text equivalent of the picture at these values."""
        said = " ".join(sentences(picture))
        signs = {slider.name: slider.sign for slider in self.sliders}
        return f"At {settings(values, signs)}: {said}" if values else said

    def _slider(self, slider: Slider, grid: list[float]) -> dict[str, Any]:
        stops = slider.stops().tolist()
        return {
            "name": slider.name,
            "sign": slider.sign,
            "meaning": slider.meaning,
            "unit": slider.unit,
            "default": slider.default,
            "stops": stops,
            "texts": [number(stop) for stop in stops],
            "grid": grid,
        }

    def _panel(self, p: int, panel: Panel, place: layout.Place) -> dict[str, Any]:
        return {
            "title": panel.title,
            "bare": panel.bare,
            "left": place.left,
            "top": place.top,
            "width": place.width,
            "height": place.height,
            "x": _axis(panel.x, place.x),
            "y": _axis(panel.y, place.y),
            "marks": [
                {
                    **mark.constants(),
                    "kind": mark.kind,
                    "stroke": stroke,
                    "dash": STROKES[stroke].dash,
                    "marker": marker,
                }
                for mark, stroke, marker in panel.styled()
            ],
        }


def _axis(axis: Axis, bounds: layout.Range) -> dict[str, Any]:
    ticks = list(axis.ticks.items()) if axis.ticks else None
    return {"label": axis.label, "range": bounds, "scale": axis.scale, "ticks": ticks}


def _shape(picture: Picture) -> Any:
    """What must be the same in every frame."""
    return (
        [
            (
                panel.title,
                panel.x,
                panel.y,
                panel.equal,
                panel.bare,
                [
                    (mark.kind, mark.constants(), {k: v.shape for k, v in mark.arrays().items()})
                    for mark in panel.marks
                ],
            )
            for panel in picture.panels
        ],
        list(picture.readings),
    )
