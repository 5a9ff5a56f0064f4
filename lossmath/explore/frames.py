"""Frames: the pictures over the sliders' grid, packed into one buffer the browser can play.

An array that never changes is stored once. One that does is stored for every frame in 16 bits,
which moves nothing on the screen by more than `FINEST` pixels; where 16 bits could not promise
that (a curve that leaves the panel by thousands of its heights) it is stored as float32.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from lossmath.explore.layout import Place
from lossmath.explore.picture import Level, Mark, Picture
from lossmath.explore.sliders import Slider

FINEST = 0.05  # pixels
CODES = 65534  # the last 16-bit code stands for "not a number"
CROSSED = 2  # sliders, the first ones, whose values are combined; any other moves alone
PER_AXIS = 64
PER_AXIS_CROSSED = 24
PER_AXIS_ALONE = 48
SHORT = 16  # numbers; shorter arrays are not worth quantising

Values = dict[str, float]


def grids(sliders: Sequence[Slider]) -> list[list[float]]:
    """The values each slider takes in the frames."""
    if len(sliders) == 1:
        return [sliders[0].spread(PER_AXIS).tolist()]
    counts = [PER_AXIS_CROSSED] * CROSSED + [PER_AXIS_ALONE] * (len(sliders) - CROSSED)
    return [slider.spread(n).tolist() for slider, n in zip(sliders, counts, strict=False)]


def points(sliders: Sequence[Slider], grid: Sequence[Sequence[float]]) -> Iterator[Values]:
    """Where frames are computed: every combination of the first two sliders, in C order; then
    along each other slider in turn. The sliders not named rest at their defaults."""
    home = {slider.name: slider.default for slider in sliders}
    names = list(home)
    for pair in product(*grid[:CROSSED]):
        yield {**home, **dict(zip(names, pair, strict=False))}
    for name, values in zip(names[CROSSED:], grid[CROSSED:], strict=True):
        yield from ({**home, name: value} for value in values)


@dataclass(frozen=True)
class Slot:
    """Where one array of the picture lies in the buffer, and how to read it."""

    offset: int
    shape: tuple[int, ...]
    dtype: str
    moving: bool
    low: float = 0.0
    step: float = 1.0


Named = tuple[tuple[int, int, str], np.ndarray, float]


def arrays(
    picture: Picture, plan: Sequence[Place], labels: Mapping[tuple[int, int], np.ndarray]
) -> list[Named]:
    """Every array of a picture in a fixed order: (panel, mark, field), data, pixels per unit.

    Labels come as pixel positions under the field name "label_at"; readings last, under (-1, -1).
    """
    found: list[Named] = []
    for p, (panel, place) in enumerate(zip(picture.panels, plan, strict=True)):
        for m, mark in enumerate(panel.marks):
            for name, data in mark.arrays().items():
                found.append(((p, m, name), data, _pixels_per_unit(mark, name, place)))
            if (p, m) in labels:
                found.append(((p, m, "label_at"), labels[p, m], 1.0))
    readings = np.array(list(picture.readings.values()), dtype=np.float64)
    found.append(((-1, -1, "readings"), readings, np.inf))
    return found


def _pixels_per_unit(mark: Mark, name: str, place: Place) -> float:
    """How far on the screen one unit of this array reaches; inf asks for floats."""
    axis = mark.data[name]
    if axis == "x":
        return np.inf if place.log_x else place.width / (place.x[1] - place.x[0])
    if axis == "y":
        return np.inf if place.log_y else place.height / (place.y[1] - place.y[0])
    if isinstance(mark, Level) and len(mark.levels) > 1:
        return 100 / float(np.diff(mark.levels).min())
    return 0.0


def pack(stacks: Sequence[tuple[np.ndarray, float]]) -> tuple[list[Slot], bytes]:
    """Slots and one buffer for stacks of arrays, each (frames, *shape) with its pixels per unit."""
    slots, chunks, offset = [], [], 0
    for stack, scale in stacks:
        slot, chunk = _pack_one(stack, scale, offset)
        chunk += b"\0" * (-len(chunk) % 4)
        slots.append(slot)
        chunks.append(chunk)
        offset += len(chunk)
    return slots, b"".join(chunks)


def _pack_one(stack: np.ndarray, scale: float, offset: int) -> tuple[Slot, bytes]:
    shape = stack.shape[1:]
    if len(stack) > 1 and np.array_equal(
        stack, np.broadcast_to(stack[:1], stack.shape), equal_nan=True
    ):
        return Slot(offset, shape, "float32", False), stack[0].astype("<f4").tobytes()
    in_floats = Slot(offset, shape, "float32", True), stack.astype("<f4").tobytes()
    finite = np.isfinite(stack)
    if stack[0].size < SHORT or not finite.any() or np.isinf(stack).any():
        return in_floats
    low, high = float(stack[finite].min()), float(stack[finite].max())
    step = (high - low) / CODES or 1.0
    if step / 2 * scale > FINEST:
        return in_floats
    codes = np.full(stack.shape, CODES + 1, dtype="<u2")
    codes[finite] = np.rint((stack[finite] - low) / step)
    return Slot(offset, shape, "uint16", True, low, step), codes.tobytes()


def unpack(slot: Slot, buffer: bytes, frames: int) -> np.ndarray:
    """The inverse of `pack` for one slot: float64, (frames, *shape) or (1, *shape) if still."""
    count = (frames if slot.moving else 1) * int(np.prod(slot.shape))
    dtype = "<u2" if slot.dtype == "uint16" else "<f4"
    codes = np.frombuffer(buffer, dtype, count, slot.offset).astype(np.float64)
    if slot.dtype == "uint16":
        codes = np.where(codes > CODES, np.nan, slot.low + codes * slot.step)
    return codes.reshape(frames if slot.moving else 1, *slot.shape)
