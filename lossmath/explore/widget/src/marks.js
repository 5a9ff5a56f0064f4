// One painter per kind of mark: made once for its panel, then called with new numbers.

import { contours } from "d3-contour";
import { line, area } from "d3-shape";

const colour = (mark) => `var(--lm-${mark.stroke})`;
const sound = (d) => Number.isFinite(d[0]) && Number.isFinite(d[1]);
const zip = (xs, ys, x, y) => Array.from(xs, (value, i) => [x(value), y(ys[i])]);
const trace = line().defined(sound);

function stroked(group, mark, width = 2) {
  return group
    .append("path")
    .attr("fill", "none")
    .attr("stroke", colour(mark))
    .attr("stroke-width", width)
    .attr("stroke-linejoin", "round")
    .attr("stroke-dasharray", mark.dash.join(" ") || null);
}

function curve(group, mark, { x, y }) {
  const path = stroked(group, mark, mark.thin ? 1 : 2);
  return (data) => path.attr("d", trace(zip(data.x, data.y, x, y)));
}

function band(group, mark, { x, y }) {
  const path = group.append("path").attr("fill", colour(mark)).attr("fill-opacity", 0.18);
  const shape = area().x((d) => d[0]).y0((d) => d[1]).y1((d) => d[2]);
  return (data) =>
    path.attr("d", shape(Array.from(data.x, (v, i) => [x(v), y(data.low[i]), y(data.high[i])])));
}

function level(group, mark, { x, y }) {
  const paths = mark.levels.map(() =>
    group
      .append("path")
      .attr("fill", colour(mark))
      .attr("fill-opacity", 0.06)
      .attr("stroke", colour(mark))
      .attr("stroke-opacity", 0.8)
      .attr("stroke-width", 1),
  );
  return (data) => {
    const [columns, rows] = [data.x.length, data.y.length];
    const across = (c) => x(data.x[0] + ((c - 0.5) * (data.x[columns - 1] - data.x[0])) / (columns - 1));
    const down = (r) => y(data.y[0] + ((r - 0.5) * (data.y[rows - 1] - data.y[0])) / (rows - 1));
    const ring = (points) => `M${points.map((p) => `${across(p[0]).toFixed(1)},${down(p[1]).toFixed(1)}`).join("L")}Z`;
    const shapes = contours().size([columns, rows]).thresholds(mark.levels)(data.z);
    shapes.forEach((shape, i) => paths[i].attr("d", shape.coordinates.flat().map(ring).join("") || null));
  };
}

function arrows(group, mark, { x, y }) {
  const path = stroked(group, mark, 1.5).attr("stroke-dasharray", null);
  return (data) => {
    const parts = Array.from(data.x, (x0, i) => {
      const [ax, ay] = [x(x0), y(data.y[i])];
      const [bx, by] = [x(x0 + data.dx[i]), y(data.y[i] + data.dy[i])];
      const length = Math.hypot(bx - ax, by - ay);
      if (!(length > 0.5)) return "";
      const head = Math.min(6, length / 2) / length;
      const [ux, uy] = [(bx - ax) * head, (by - ay) * head];
      return `M${ax},${ay}L${bx},${by}M${bx - ux - uy / 2},${by - uy + ux / 2}L${bx},${by}L${bx - ux + uy / 2},${by - uy - ux / 2}`;
    });
    path.attr("d", parts.join(""));
  };
}

function points(group, mark, { x, y, drag }) {
  const dots = [];
  const shape = `M${mark.marker.map(([right, up]) => [right * mark.size, -up * mark.size]).join("L")}Z`;
  return (data) => {
    while (dots.length < data.x.length) {
      const dot = group.append("path").attr("d", shape).attr("fill", colour(mark));
      if (mark.handle.length) drag(dot.attr("class", "lm-handle"), mark.handle);
      dots.push(dot);
    }
    dots.forEach((dot, i) => dot.attr("transform", `translate(${x(data.x[i])},${y(data.y[i])})`));
  };
}

function bars(group, mark, { x, y, halfBar }) {
  const rects = mark.names.map(() => group.append("rect").attr("fill", colour(mark)).attr("fill-opacity", 0.75));
  return (data) =>
    rects.forEach((rect, i) => {
      const [base, top] = [y(data.base[i]), y(data.base[i] + data.height[i])];
      rect
        .attr("x", x(i - halfBar))
        .attr("width", x(i + halfBar) - x(i - halfBar))
        .attr("y", Math.min(base, top))
        .attr("height", Math.abs(base - top));
    });
}

function boxes(group, mark, { x, y }) {
  const path = stroked(group, mark).attr("fill", colour(mark)).attr("fill-opacity", 0.12);
  return (data) =>
    path.attr(
      "d",
      Array.from(data.x0, (x0, i) => {
        const [l, r, t, b] = [x(x0), x(data.x1[i]), y(data.y1[i]), y(data.y0[i])];
        return `M${l},${t}H${r}V${b}H${l}Z`;
      }).join(""),
    );
}

// Cells of ink are a photograph, which would be its own negative on dark paper.
function matrix(group, mark, { x, y, width, height, shape }) {
  const [rows, columns] = shape.z;
  const photograph = mark.stroke === "ink";
  if (photograph) group.append("rect").attr("fill", "white").attr("width", width).attr("height", height);
  const cells = Array.from({ length: rows * columns }, (_, k) => {
    const [row, column] = [Math.floor(k / columns), k % columns];
    return group
      .append("rect")
      .attr("fill", photograph ? "black" : colour(mark))
      .attr("x", x(column))
      .attr("width", x(column + 1) - x(column))
      .attr("y", y(rows - row))
      .attr("height", y(rows - row - 1) - y(rows - row));
  });
  const shade = (z) => Math.min(1, Math.max(0, (z - mark.low) / (mark.high - mark.low)));
  return (data) => cells.forEach((cell, k) => cell.attr("fill-opacity", shade(data.z[k])));
}

function rule(group, mark, { x, y, width, height }) {
  const path = stroked(group, mark, 1);
  return (data) =>
    path.attr("d", mark.along === "x" ? `M${x(data.at[0])},0V${height}` : `M0,${y(data.at[0])}H${width}`);
}

export const painters = { curve, band, level, arrows, points, bars, boxes, matrix, rule };
