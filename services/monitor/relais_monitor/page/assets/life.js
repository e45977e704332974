/** Tells a job's life as a timeline of attempts. */

import { el, fill, reconcile } from "./dom.js";
import { makeTable, textColumn } from "./table.js";
import { TRANSITIONS, clock, duration } from "./words.js";

const TONE = { complete: "good", fail: "bad", retry_later: "bad", expire: "bad", expire_spent: "bad", cancel: "calm", hand_back: "calm", unlock: "calm" };

/** Show acceptance, attempts and what a person did, in the order of their times. */
export function showLife(node, life) {
  reconcile(node, entriesOf(life), (entry) => entry.key, () => el("li"), (item, entry) => {
    item.dataset.tone = entry.tone;
    fill(item, entry, () => [
      el("h3", {}, entry.title, el("time", { dateTime: entry.at ?? "" }, entry.at ? clock(entry.at) : "before the ledger begins")),
      ...entry.lines.map((line) => el("p", {}, line)),
    ]);
  });
}

function entriesOf({ job, events, attempts, at }) {
  const people = events.filter((event) => ["retry", "unlock", "cancel"].includes(event.transition)).map(byPerson);
  const entries = [...attempts.map(byWorker), ...people];
  entries.sort((a, b) => Date.parse(a.at ?? 0) - Date.parse(b.at ?? 0));
  const accepted = { key: "accepted", tone: "calm", at: job.created_at, title: "Accepted", lines: [] };
  return [accepted, ...entries, ...next(job, at)];
}

function byWorker(attempt) {
  const who = attempt.worker === null ? "" : `Worker ${attempt.worker}${attempt.worker_name ? ` (${attempt.worker_name})` : ""}`;
  const took = attempt.took_s === null ? "" : `${attempt.ended ? "took" : "has run for"} ${duration(attempt.took_s)}`;
  const waited = attempt.waited_s === null ? "" : `after ${duration(attempt.waited_s)} of waiting`;
  const cause = attempt.cause ?? (attempt.ended ? "" : "It runs.");
  return {
    key: `attempt-${attempt.number}`,
    tone: attempt.ended ? (TONE[attempt.outcome] ?? "calm") : "busy",
    at: attempt.began,
    title: `Attempt ${attempt.number}`,
    lines: [
      [who, took, waited].filter(Boolean).join(", "),
      attempt.error_code ? `${cause} Cause: ${attempt.error_code}.` : cause,
      attempt.came_late ? "Its result came after its end and was dropped, so that nothing is answered twice." : "",
    ].filter(Boolean),
  };
}

function byPerson(event) {
  const titles = { retry: "Retried by a person", unlock: "Unlocked by a person", cancel: "Cancelled" };
  return { key: `${event.transition}-${event.at}`, tone: "calm", at: event.at, title: titles[event.transition], lines: [] };
}

function next(job, at) {
  if (job.waits_s === null) return [];
  const due = job.due_in_s === null ? "" : `The next attempt may begin in ${duration(job.due_in_s)}.`;
  const place = job.position ? `Place ${job.position} in the line.` : "";
  return [{ key: "next", tone: "calm", at, title: "Waits now", lines: [place, due].filter(Boolean) }];
}

let table = null;

/** Show the ledger as it is. */
export function showLedger(node, events) {
  if (table === null) {
    table = makeTable("Ledger", [
      { title: "When", class: "tight", sign: (event) => event.at, cell: (event) => clock(event.at) },
      textColumn("What", (event) => TRANSITIONS[event.transition] ?? event.transition, { label: "" }),
      textColumn("State", (event) => event.to_state, { label: "state" }),
      textColumn("Attempt", (event) => String(event.attempt || ""), { label: "attempt", class: "number" }),
      textColumn("Worker", (event) => String(event.worker ?? ""), { label: "worker", class: "number" }),
      textColumn("Error", (event) => event.error_code ?? "", { label: "error" }),
    ], { keyOf: (event) => `${event.at}:${event.transition}`, empty: "The ledger no longer reaches back to this job." });
    node.append(table.node);
  }
  table.show(events);
}
