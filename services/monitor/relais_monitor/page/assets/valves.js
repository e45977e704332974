/** Pauses and resumes queues and agents. */

import { button, el } from "./dom.js";
import { confirm } from "./confirm.js";
import { operate } from "./http.js";
import { may } from "./key.js";
import { makeTable } from "./table.js";
import { count, duration } from "./words.js";

const QUEUES = { "ai-messages": "answer", documents: "ingest" };

/** Make the list; `ondone` is called after a change. */
export function makeValves(ondone) {
  return makeTable("Queues and agents", [
    { title: "", class: "tight", sign: (valve) => valve.what, cell: (valve) => el("span", { class: "soft" }, valve.what) },
    { title: "Name", class: "", sign: (valve) => valve.name, cell: (valve) => el("strong", {}, valve.name) },
    { title: "State", class: "tight", sign: (valve) => [valve.paused, valve.for], cell: (valve) => state(valve) },
    { title: "Line", label: "", sign: (valve) => valve.line, cell: (valve) => valve.line },
    {
      title: "", class: "tight", sign: (valve) => [valve.name, valve.paused, may("ops")],
      cell: (valve) => (may("ops") ? el("span", { class: "row-actions" }, turn(valve, ondone)) : null),
    },
  ], { keyOf: (valve) => `${valve.what}:${valve.name}`, empty: "There are no queues yet." });
}

/** The rows of an overview. */
export function valvesOf({ pauses, counts, agents, at }) {
  const since = new Map(pauses.map((pause) => [`${pause.what}:${pause.name}`, pause.since]));
  const row = (what, name, line) => {
    const began = since.get(`${what}:${name}`);
    return { what, name, line, paused: began !== undefined, for: began ? duration((Date.parse(at) - Date.parse(began)) / 1000) : null };
  };
  const queues = Object.entries(QUEUES).map(([name, kind]) => {
    const states = counts[kind] ?? {};
    return row("queue", name, `${count((states.pending ?? 0) + (states.queued ?? 0), "waiting", "waiting")}, ${count(states.processing ?? 0, "running", "running")}`);
  });
  return [...queues, ...agents.map((slug) => row("agent", slug, ""))];
}

/** Ask, then resume `queues/{name}` or `agents/{slug}`. */
export function resume(path, ondone) {
  const [what, name] = path.split("/");
  change({ what: what.slice(0, -1), name, paused: true }, ondone);
}

function state(valve) {
  const words = valve.paused ? `paused for ${valve.for}` : "open";
  return el("span", { class: "badge", "data-tone": valve.paused ? "warn" : "good" }, words);
}

function turn(valve, ondone) {
  const verb = valve.paused ? "Resume" : "Pause";
  return button(verb, () => change(valve, ondone), "quiet small", { "aria-label": `${verb} the ${valve.what} ${valve.name}` });
}

function change(valve, ondone) {
  const verb = valve.paused ? "Resume" : "Pause";
  const meaning = valve.paused
    ? "Workers take its jobs again, in their order."
    : "No worker takes a job of it from now on. Messages are accepted and wait, what runs goes on.";
  confirm({
    title: `${verb} the ${valve.what} ${valve.name}`,
    nodes: [el("p", { class: "meaning" }, meaning), valve.line ? el("p", { class: "preview" }, `Now: ${valve.line}.`) : el("p", { class: "preview" }, "Jobs in hand aren't touched.")],
    yes: verb,
    run: async () => {
      await operate("POST", `/api/${valve.what}s/${valve.name}/${verb.toLowerCase()}`);
      return `${verb}d the ${valve.what} ${valve.name}.`;
    },
    ondone,
  });
}
