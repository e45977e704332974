/** Shows the worker processes: their slots, what each has in hand, and when it was last heard of. */

import { el } from "./dom.js";
import { makeTable, textColumn } from "./table.js";
import { duration } from "./words.js";

const SILENT_AFTER_S = 30;
const LATE_AFTER_S = 5;
const PARTS = { ollama: "Ollama", qdrant: "Qdrant" };

/** Make the list. */
export function makeWorkers() {
  return makeTable("Workers", [
    {
      title: "Worker", class: "wide", sign: (worker) => [worker.id, worker.name, worker.queues, worker.stopped, duration(worker.up_s)],
      cell: (worker) => [el("strong", {}, `${worker.id} `), worker.name, el("span", { class: "sub" }, [worker.queues.join(", "), worker.stopped ? "" : `up ${duration(worker.up_s)}`, worker.version].filter(Boolean).join(" · "))],
    },
    { title: "State", class: "tight", sign: standing, cell: (worker) => el("span", { class: "badge", "data-tone": standing(worker)[1] }, standing(worker)[0]) },
    { title: "Slots", label: "slots", class: "tight", sign: (worker) => [worker.slots, worker.jobs.length], cell: slots },
    {
      title: "In hand", class: "tight", sign: (worker) => worker.jobs.map((job) => [job.ref, duration(job.runs_s)]),
      cell: (worker) => (worker.jobs.length ? worker.jobs.map((job) => el("span", { class: "sub" }, el("a", { class: "ref", href: `/jobs/${job.ref}` }, job.ref), ` ${duration(job.runs_s)}`)) : ""),
    },
    textColumn("Heartbeat", (worker) => `${duration(worker.seen_s)} ago`, { label: "heartbeat", class: "tight" }),
  ], { keyOf: (worker) => String(worker.id), empty: "No workers. Start one: python -m relais_worker." });
}

function standing(worker) {
  if (worker.stopped) return ["stopped", "calm"];
  if (worker.seen_s > SILENT_AFTER_S) return ["silent", "bad"];
  if (worker.waiting_for.length) return [`waits for ${worker.waiting_for.map((part) => PARTS[part] ?? part).join(" and ")}`, "warn"];
  if (worker.seen_s > LATE_AFTER_S) return ["late", "warn"];
  return worker.jobs.length ? ["working", "busy"] : ["idle", "good"];
}

function slots(worker) {
  const busy = worker.jobs.length;
  if (worker.slots > 16) return `${busy} of ${worker.slots}`;
  const boxes = Array.from({ length: worker.slots }, (_, index) => el("i", { class: index < busy ? "busy" : "" }));
  return [el("span", { class: "slots", "aria-hidden": "true" }, ...boxes), el("span", { class: "hidden" }, `${busy} of ${worker.slots} busy`)];
}
