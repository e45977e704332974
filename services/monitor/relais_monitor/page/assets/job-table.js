/** The columns of a job, the same in every list. */

import { button, el } from "./dom.js";
import { may } from "./key.js";
import { makeTable, textColumn } from "./table.js";
import { TONES, ago, duration, number, written } from "./words.js";

const POSSIBLE = {
  pending: ["cancel"], queued: ["cancel"], processing: ["cancel", "unlock"], failed: ["retry"], cancelled: ["retry"], completed: [],
};
const NAMES = { retry: "Retry", cancel: "Cancel", unlock: "Unlock" };

/**
 * Make a list of jobs.
 * @param {string} caption
 * @param {{empty: string, selection, onaction: (action, job) => void, now: () => string}} options
 */
export function makeJobTable(caption, { empty, selection, onaction, now }) {
  const columns = [
    { title: "", hidden: "Select", class: "c-box only-ops", sign: (job) => [job.ref, may("ops")], cell: (job) => (may("ops") ? selection.box(job.ref) : null) },
    { title: "Job", class: "c-job", sign: (job) => job.ref, cell: (job) => el("a", { class: "ref", href: `/jobs/${job.ref}` }, job.ref) },
    { title: "State", class: "c-state", sign: (job) => job.state, cell: (job) => badge(job.state) },
    { title: "Place", label: "place", class: "c-place number", sign: (job) => job.position, cell: (job) => (job.position ? number(job.position) : null) },
    { title: "Time", class: "c-time", sign: (job) => timeOf(job, now()), cell: (job) => timeOf(job, now()) },
    textColumn("Agent", (job) => job.agent, { label: "agent", class: "c-agent" }),
    textColumn("Attempt", (job) => (job.attempt ? `${job.attempt} of ${job.attempt_limit}` : ""), { label: "attempt", class: "c-attempt" }),
    textColumn("Worker", (job) => (job.worker && job.attempt ? String(job.worker) : ""), { label: "worker", class: "c-worker number" }),
    { title: "Detail", class: "wide", sign: detailOf, cell: detailOf },
    {
      title: "", class: "c-act only-ops", sign: (job) => [job.ref, job.state, may("ops")],
      cell: (job) => (may("ops") && POSSIBLE[job.state].length ? rowActions(job, onaction) : null),
    },
  ];
  const onrow = (row, job) => (row.dataset.selected = String(selection.has(job.ref)));
  return makeTable(caption, columns, { keyOf: (job) => job.ref, empty, look: "jobs", onrow });
}

/** The state as a badge. */
export function badge(state) {
  return el("span", { class: "badge", "data-tone": TONES[state] ?? "calm" }, state);
}

/** What can be done with a job in a state. */
export function possible(state) {
  return POSSIBLE[state] ?? [];
}

function rowActions(job, onaction) {
  const buttons = possible(job.state).map((action) =>
    button(NAMES[action], () => onaction(action, job), "quiet small", { "aria-label": `${NAMES[action]} ${job.ref}` }));
  return el("span", { class: "row-actions" }, ...buttons);
}

function timeOf(job, now) {
  if (job.state === "processing") return `runs ${duration(job.runs_s)}`;
  if (job.waits_s !== null) return `waits ${duration(job.waits_s)}`;
  const ended = job.finished_at ? ago(job.finished_at, now) : "";
  return job.took_s === null ? ended : `${ended}, took ${duration(job.took_s)}`;
}

function detailOf(job) {
  if (job.state === "processing") return job.kind === "ingest" ? "ingests a document" : written(job.written);
  if (job.due_in_s !== null) return `next attempt in ${duration(job.due_in_s)}${job.error_code ? ` after ${job.error_code}` : ""}`;
  if (job.error_code && job.state !== "completed") return job.error_code;
  return job.kind === "ingest" ? "document" : "";
}
