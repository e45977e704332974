/** Shows the counts by state, and who works. */

import { byId, setText } from "./dom.js";
import { count, duration, number } from "./words.js";

/** Show the live counts. */
export function showTiles({ counts, oldest_waiting_s: oldest, capacity }) {
  const waiting = total(counts, "pending") + total(counts, "queued");
  const age = Math.max(...Object.values(oldest));
  show("waiting", waiting, waiting ? `oldest ${duration(age)}` : "nobody waits");
  show("processing", total(counts, "processing"), `${capacity.busy} of ${count(capacity.slots, "slot")}`);
  show("workers", capacity.alive, capacity.alive ? crew(capacity) : "No workers", capacity.alive ? "" : "bad");
}

/** Show what ended, from the figures of `/api/stats`; what they don't say stays unknown. */
export function showEnds(figures) {
  for (const state of ["completed", "failed", "cancelled"]) {
    const kept = figures?.jobs ? total(figures.jobs, state) : null;
    const day = figures?.windows?.["24h"]?.[state] ?? null;
    const hour = figures?.windows?.["1h"]?.[state] ?? null;
    const note = day !== null ? `${number(hour)} in 1 h` : kept === null ? "" : `${number(kept)} stored`;
    show(state, day, note, state === "failed" && hour ? "bad" : "");
  }
}

/** Show how many alerts fire. */
export function showAlertTile({ judged, unsure, alerts }) {
  if (!judged) return show("alerts", null, "not judged yet");
  const firing = alerts.filter((alert) => alert.state === "firing").length;
  const pending = alerts.filter((alert) => alert.state === "pending").length;
  const known = pending ? `${pending} pending` : firing ? "firing" : "";
  show("alerts", firing, [known, unsure].filter(Boolean).join(", ") || "all quiet", firing ? "bad" : "");
}

function crew({ idle, waiting, silent }) {
  return [`${idle} free`, waiting && `${waiting} held back`, silent && `${silent} silent`].filter(Boolean).join(", ");
}

/** Null for a final state that the monitor hasn't counted yet. */
function total(counts, state) {
  const known = Object.values(counts).filter((states) => state in states);
  return known.length ? known.reduce((sum, states) => sum + states[state], 0) : null;
}

function show(name, figure, note, tone = "") {
  const tile = byId(`tile-${name}`);
  setText(tile.querySelector(".figure"), number(figure));
  setText(tile.querySelector(".note"), note);
  tile.dataset.tone = tone;
}
