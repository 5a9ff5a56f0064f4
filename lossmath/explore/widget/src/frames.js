// Frames computed in Python, read from one buffer and blended between grid points.

const NOT_A_NUMBER = 65535;

export class Frames {
  constructor(spec, buffer) {
    this.sliders = spec.sliders;
    this.slots = spec.slots.map((slot) => ({ ...slot, ...view(slot, buffer) }));
    this.home = spec.home;
    this.together = spec.crossed; // sliders, the first ones, with frames for all their combinations
  }

  // The arrays of the picture at these values, in slot order, or null where no frame reaches.
  at(values) {
    const corners = this.corners(values);
    return corners && this.slots.map((slot) => blend(slot, corners));
  }

  start() {
    return (this.first ??= this.slots.map((slot) => blend(slot, [[this.home, 1]])));
  }

  // The frame whose words fit best.
  nearest(values) {
    const corners = this.corners(values) ?? [[this.home, 1]];
    return corners.reduce((best, next) => (next[1] > best[1] ? next : best))[0];
  }

  // The first two sliders, which may leave their defaults together; any other does so alone.
  pair() {
    return this.sliders.slice(0, this.together);
  }

  // Frames to mix as [index, weight]: up to two along each slider of the grid.
  corners(values) {
    const sides = this.sliders.map((slider) => bracket(slider.grid, values[slider.name]));
    if (sides.includes(null)) return null;
    const away = this.sliders.flatMap((s, axis) => (values[s.name] === s.default ? [] : [axis]));
    if (away.every((axis) => axis < this.together)) return this.crossed(sides.slice(0, this.together));
    return away.length === 1 ? this.alone(away[0], sides[away[0]]) : null;
  }

  crossed(sides) {
    let corners = [[0, 1]];
    sides.forEach((side, axis) => {
      const count = this.sliders[axis].grid.length;
      corners = corners.flatMap(([index, weight]) =>
        side.map(([i, w]) => [index * count + i, weight * w]),
      );
    });
    return corners;
  }

  alone(axis, side) {
    const counts = this.sliders.slice(0, axis).map((slider) => slider.grid.length);
    const combined = counts.slice(0, this.together).reduce((n, count) => n * count, 1);
    const before = counts.slice(this.together).reduce((n, count) => n + count, combined);
    return side.map(([i, w]) => [before + i, w]);
  }

  // The kernel's exact arrays, one after another as floats.
  exact(data) {
    let offset = data.byteOffset;
    return this.slots.map(({ size }) => {
      const array = new Float32Array(data.buffer.slice(offset, offset + 4 * size));
      offset += 4 * size;
      return array;
    });
  }
}

function view(slot, buffer) {
  const size = slot.shape.reduce((a, b) => a * b, 1);
  const codes = slot.dtype === "uint16" ? Uint16Array : Float32Array;
  const count = slot.moving ? (buffer.byteLength - slot.offset) / codes.BYTES_PER_ELEMENT : size;
  return { size, codes: new codes(buffer.buffer, buffer.byteOffset + slot.offset, Math.floor(count)) };
}

function bracket(grid, value) {
  const last = grid.length - 1;
  if (!(value >= grid[0] && value <= grid[last])) return null;
  let i = grid.findLastIndex((g) => g <= value);
  if (grid[i] === value) return [[i, 1]];
  const share = (value - grid[i]) / (grid[i + 1] - grid[i]);
  return [[i, 1 - share], [i + 1, share]];
}

function blend({ size, codes, low, step, dtype, moving }, corners) {
  if (!moving) return codes; // as floats
  const out = new Float32Array(size);
  const packed = dtype === "uint16";
  for (const [frame, weight] of corners) {
    const base = frame * size;
    for (let k = 0; k < size; k++) {
      const code = codes[base + k];
      out[k] += weight * (packed ? (code === NOT_A_NUMBER ? NaN : low + code * step) : code);
    }
  }
  return out;
}
