/** One plot: bars over time, with a title, a description, and the same figures as a table. */

import { el } from "./dom.js";
import { steps, svg } from "./svg.js";

const LEFT = 44;
const BOTTOM = 20;
const TOP = 8;
const TICKS = 4;
let plots = 0;

/**
 * Make a plot; its bars are stacked, or with `overlay` begin at 0 one before the other, the tallest first.
 * @param {{title: string, unit: (value: number) => string, whole?: boolean, overlay?: boolean, series: {name: string, look: string, of: (point) => number | null}[]}} spec
 */
export function makePlot(spec) {
  const id = `plot-${(plots += 1)}`;
  const picture = svg("svg", { role: "img", "aria-labelledby": `${id}-t ${id}-d` });
  const now = el("span", { class: "now" });
  const body = el("tbody");
  const head = el("tr", {}, el("th", { scope: "col" }, "Time"), ...spec.series.map((series) => el("th", { scope: "col", class: "number" }, series.name)));
  const table = el("table", { class: "table" }, el("caption", {}, spec.title), el("thead", {}, head), body);
  const details = el("details", {}, el("summary", {}, "As a table"), el("div", { class: "scroll", tabIndex: 0, role: "region", "aria-label": `${spec.title}, as a table` }, table));
  const node = el("figure", { class: "plot" }, el("figcaption", {}, spec.title, now), picture, legend(spec.series), details);
  let shown = { points: [], summary: "" };

  function show(points, summary) {
    shown = { points, summary };
    now.textContent = summary;
    draw();
    if (details.open) fillTable();
  }

  function draw() {
    const width = Math.max(picture.clientWidth, 160);
    const height = Math.max(picture.clientHeight, 80);
    picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const title = svg("title", { id: `${id}-t` }, spec.title);
    const desc = svg("desc", { id: `${id}-d` }, describe(spec, shown));
    picture.replaceChildren(title, desc, ...drawing(spec, shown.points, width, height));
  }

  function fillTable() {
    body.replaceChildren(...[...shown.points].reverse().map((point) =>
      el("tr", {}, el("td", {}, timeOf(point)), ...spec.series.map((series) => el("td", { class: "number", "data-label": series.name }, words(spec, series.of(point)))))));
  }

  details.addEventListener("toggle", () => details.open && fillTable());
  new ResizeObserver(draw).observe(picture);
  return { node, show };
}

function drawing(spec, points, width, height) {
  const heights = (point) => spec.series.map((series) => series.of(point) ?? 0);
  const most = Math.max(0, ...points.map((point) => (spec.overlay ? Math.max(...heights(point)) : heights(point).reduce((a, b) => a + b, 0))));
  const marks = steps(spec.whole ? Math.max(most, 3) : most || 1);
  const top = marks.at(-1);
  const y = (value) => TOP + (height - TOP - BOTTOM) * (1 - value / top);
  const step = (width - LEFT) / Math.max(points.length, 1);
  const x = (index) => LEFT + index * step;
  return [
    ...marks.map((mark) => svg("line", { class: "grid", x1: LEFT, x2: width, y1: y(mark), y2: y(mark) })),
    ...marks.map((mark) => svg("text", { x: LEFT - 6, y: y(mark) + 4, "text-anchor": "end" }, spec.unit(mark))),
    ...timeMarks(points, x, step, height),
    ...bars(spec, points, x, y, step),
  ];
}

function timeMarks(points, x, step, height) {
  const every = Math.max(Math.ceil(points.length / TICKS), 1);
  return points.flatMap((point, index) =>
    index % every ? [] : [svg("text", { x: x(index) + (index ? step / 2 : 0), y: height - 4, "text-anchor": index ? "middle" : "start" }, timeOf(point))]);
}

function bars(spec, points, x, y, step) {
  const gap = Math.min(step * 0.2, 3);
  return points.flatMap((point, index) => {
    let base = 0;
    return spec.series.flatMap((series) => {
      const value = series.of(point) ?? 0;
      if (!value) return [];
      const bar = svg("rect", { class: series.look, x: x(index) + gap / 2, width: Math.max(step - gap, 1), y: y(base + value), height: Math.max(y(base) - y(base + value), 1) },
        svg("title", {}, `${timeOf(point)}: ${spec.unit(value)} ${series.name}`));
      if (!spec.overlay) base += value;
      return [bar];
    });
  });
}

function legend(series) {
  if (series.length < 2) return "";
  const mark = (item) => svg("svg", { viewBox: "0 0 12 12", "aria-hidden": "true" },
    svg("rect", { class: item.look, width: 12, height: 12, rx: 3 }));
  return el("ul", { class: "legend" }, ...series.map((item) => el("li", {}, mark(item), item.name)));
}

function describe(spec, { points, summary }) {
  if (!points.length) return "No figures yet.";
  return `${summary}. From ${timeOf(points[0])} to ${timeOf(points.at(-1))}; all figures are in the table below.`;
}

function words(spec, value) {
  return value === null || value === undefined ? "–" : spec.unit(value);
}

function timeOf(point) {
  return new Date(point.at).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
}
