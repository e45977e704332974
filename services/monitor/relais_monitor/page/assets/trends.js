/** The plots of the last hour and day. */

import { byId, setText } from "./dom.js";
import { read } from "./http.js";
import { repeat } from "./live.js";
import { makePlot } from "./plot.js";
import { duration, number } from "./words.js";

const EVERY_MS = 15_000;
const whole = (value) => number(Math.round(value));
const short = (value) => (value === 0 ? "0" : duration(value));

const PLOTS = [
  {
    title: "Throughput", unit: whole, whole: true,
    series: [
      { name: "completed", look: "good", of: (point) => point.completed },
      { name: "failed", look: "bad", of: (point) => point.failed },
      { name: "cancelled", look: "calm", of: (point) => point.cancelled },
    ],
    summary: (points) => `${number(sum(points, "completed"))} completed`,
  },
  {
    title: "Waiting time", unit: short, overlay: true,
    series: [
      { name: "19 of 20 waited less", look: "light", of: (point) => point.wait_p95_s },
      { name: "half waited less", look: "busy", of: (point) => point.wait_p50_s },
    ],
    summary: (points) => `lately ${short(latest(points, "wait_p50_s") ?? 0)}, at worst ${short(most(points, "wait_p95_s"))}`,
  },
  {
    title: "Failures", unit: whole, whole: true,
    series: [{ name: "failed", look: "bad", of: (point) => point.failed }],
    summary: (points) => share(sum(points, "failed"), sum(points, "completed")),
  },
];

/** Draw them, and again as time goes on. */
export function startTrends() {
  let window = "1h";
  const drawn = PLOTS.map((spec) => ({ ...spec, plot: makePlot(spec) }));
  byId("plots").replaceChildren(...drawn.map(({ plot }) => plot.node));

  async function refresh() {
    const points = pointsOf(await read(`/api/history?window=${window}`));
    for (const { plot, summary } of drawn) plot.show(points, points.length ? summary(points) : "");
  }

  const loop = repeat(refresh, EVERY_MS, (error) => {
    byId("trends-note").hidden = error === null;
    if (error) setText(byId("trends-note"), `No figures: ${error.message}`);
  });
  const buttons = [...document.querySelectorAll("[data-window]")];
  for (const button of buttons) {
    button.addEventListener("click", () => {
      window = button.dataset.window;
      for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
      loop.wake();
    });
  }
}

function pointsOf(body) {
  if (body.points === null) throw new Error(body.database_up ? "the monitor still reads the ledger." : "the database is away.");
  return body.points;
}

function sum(points, name) {
  return points.reduce((total, point) => total + (point[name] ?? 0), 0);
}

function most(points, name) {
  return Math.max(0, ...points.map((point) => point[name] ?? 0));
}

function latest(points, name) {
  return points.findLast((point) => point[name] !== null && point[name] !== undefined)?.[name] ?? null;
}

function share(failed, completed) {
  if (!failed) return "none";
  return `${number(failed)}, ${((100 * failed) / (failed + completed)).toFixed(1)} % of what ended`;
}
