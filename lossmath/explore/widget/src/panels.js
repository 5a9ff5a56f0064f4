// The picture: axes drawn once, marks repainted, the compared picture behind them.

import { axisBottom, axisLeft } from "d3-axis";
import { scaleLinear, scaleLog } from "d3-scale";
import { create } from "d3-selection";
import { unique } from "./controls.js";
import { painters } from "./marks.js";

const COMPARED = new Set(["curve", "points", "bars", "boxes"]);

export class Panels {
  // `drag(names, values)` is called while a handle is pulled, `drop()` when it is let go.
  constructor(spec, drag, drop) {
    this.slots = spec.slots;
    this.halfBar = spec.half_bar;
    this.svg = create("svg").attr("viewBox", `0 0 ${spec.width} ${spec.height}`).attr("role", "img");
    const parts = spec.panels.flatMap((panel, p) => this.panel(panel, p, drag, drop));
    this.ghosts = parts.filter((part) => part.ghost);
    this.marks = parts.filter((part) => !part.ghost);
  }

  node() {
    return this.svg.node();
  }

  paint(arrays) {
    this.apply(this.marks, arrays);
  }

  // The faint picture to compare with; null takes it away.
  compare(arrays) {
    for (const part of this.ghosts) part.group.attr("display", arrays ? null : "none");
    if (arrays) this.apply(this.ghosts, arrays);
  }

  // Painting is what a step costs, so nothing is painted as it already stands.
  apply(parts, arrays) {
    for (const part of parts) {
      const data = Object.fromEntries(part.fields.map(([field, slot]) => [field, arrays[slot]]));
      if (part.data && part.fields.every(([field]) => same(data[field], part.data[field]))) continue;
      part.data = data;
      part.paint(data);
      part.place?.(data.label_at);
    }
  }

  panel(panel, p, drag, drop) {
    const { width, height } = panel;
    const group = this.svg.append("g").attr("transform", `translate(${panel.left},${panel.top})`);
    const x = scale(panel.x, [0, width]);
    const y = scale(panel.y, [height, 0]);
    axes(group, panel, x, y);
    const id = unique("clip");
    group.append("clipPath").attr("id", id)
      .append("rect").attr("y", -1).attr("width", width + 1).attr("height", height + 2);
    const inside = () => group.append("g").attr("class", "lm-marks");
    const behind = inside().attr("clip-path", `url(#${id})`).classed("lm-ghost", true);
    const front = inside().attr("clip-path", `url(#${id})`);
    const names = inside();
    const context = { x, y, width, height, halfBar: this.halfBar, drag: handle(x, y, drag, drop) };
    return panel.marks.flatMap((mark, m) => {
      const fields = this.fields(p, m);
      const shape = Object.fromEntries(fields.map(([field, slot]) => [field, this.slots[slot].shape]));
      const moving = fields.some(([, slot]) => this.slots[slot].moving);
      const make = (parent, ghost, what = mark) => {
        const own = parent.append("g");
        return { ghost, group: own, fields, paint: painters[mark.kind](own, what, { ...context, shape }) };
      };
      const named = fields.some(([field]) => field === "label_at");
      const drawn = { ...make(front, false), place: named ? label(names, mark, width, height) : undefined };
      if (!moving || !COMPARED.has(mark.kind)) return [drawn];
      return [make(behind, true, { ...mark, handle: [] }), drawn];
    });
  }

  fields(p, m) {
    return this.slots.flatMap((slot, i) => (slot.panel === p && slot.mark === m ? [[slot.field, i]] : []));
  }
}

function same(one, other) {
  return one === other || one.every((value, i) => Object.is(value, other[i]));
}

function scale(axis, pixels) {
  return (axis.scale === "log" ? scaleLog() : scaleLinear()).domain(axis.range).range(pixels);
}

// About `count` numbers along an axis, or the names of some places on it.
function ticks(axis, count, named) {
  axis.tickSizeOuter(0);
  if (named) return axis.tickValues(named.map(([at]) => at)).tickFormat((_, i) => named[i][1]);
  // A log axis would write a tenth as 100m.
  return axis.ticks(Math.max(3, Math.round(count)), axis.scale().base ? "~g" : undefined);
}

function axes(group, panel, x, y) {
  const { width, height } = panel;
  const text = (content) => group.append("text").text(content);
  text(panel.title).attr("class", "lm-panel-title").attr("y", -9);
  if (panel.bare) return;
  const bars = panel.marks.find((mark) => mark.kind === "bars");
  const barNames = bars && bars.names.map((name, i) => [i, name]);
  const across = () => ticks(axisBottom(x), width / 55, panel.x.ticks || barNames);
  const down = () => ticks(axisLeft(y), height / 40, panel.y.ticks);
  const grid = (axis, length) => axis.tickSize(-length).tickFormat("");
  group.append("g").attr("class", "lm-grid").attr("transform", `translate(0,${height})`)
    .call(grid(across(), height));
  group.append("g").attr("class", "lm-grid").call(grid(down(), width));
  group.append("g").attr("class", "lm-axis").attr("transform", `translate(0,${height})`).call(across());
  group.append("g").attr("class", "lm-axis").call(down());
  text(panel.x.label).attr("x", width / 2).attr("y", height + 34).attr("text-anchor", "middle");
  text(panel.y.label).attr("transform", `translate(-38,${height / 2}) rotate(-90)`).attr("text-anchor", "middle");
}

// A direct label beside its mark, hidden while that part of the mark is out of view.
function label(group, mark, width, height) {
  const text = group.append("text").attr("class", "lm-label").attr("text-anchor", "middle").attr("dy", "0.35em")
    .style("fill", `var(--lm-${mark.stroke})`).text(mark.label);
  return ([x, y]) => {
    const seen = x >= 0 && x <= width && y >= 0 && y <= height;
    text.attr("display", seen ? null : "none");
    if (seen) text.attr("x", x.toFixed(1)).attr("y", y.toFixed(1));
  };
}

function handle(x, y, drag, drop) {
  return (dot, names) => {
    const node = dot.node();
    const move = (event) => {
      const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(node.parentNode.getScreenCTM().inverse());
      drag(names, [x.invert(at.x), y.invert(at.y)]);
    };
    dot.on("pointerdown", (event) => {
      event.preventDefault();
      node.setPointerCapture(event.pointerId);
      dot.on("pointermove", move);
    });
    dot.on("pointerup pointercancel", () => {
      dot.on("pointermove", null);
      drop();
    });
  };
}
