/** Puts figures of a status body into words for people. */

const MINUTE_S = 60;
const HOUR_S = 3600;

/** A length of time, as exact as a person needs it. */
export function duration(seconds) {
  if (seconds < 1) return "1 s";
  if (seconds < 1.5 * MINUTE_S) return `${Math.round(seconds)} s`;
  if (seconds < 1.5 * HOUR_S) return `${Math.round(seconds / MINUTE_S)} min`;
  return `${Math.round(seconds / HOUR_S)} h`;
}

/** The line under a question that has no answer yet. */
export function statusLine(status, now = Date.now()) {
  if (status.status === "processing") {
    return status.attempt > 1 ? `Working on the answer, attempt ${status.attempt}` : "Working on the answer";
  }
  if (status.waiting_for) return `Waiting: ${down(status.waiting_for)}. Your question is kept and answered afterwards`;
  const pause = status.next_attempt_at ? (Date.parse(status.next_attempt_at) - now) / 1000 : 0;
  if (pause > 0) return `${trouble(status)} Next attempt in ${duration(Math.ceil(pause))}`;
  return placeInLine(status);
}

function down(parts) {
  const names = { ollama: "the language model", qdrant: "the document search" };
  return `${parts.map((part) => names[part] ?? part).join(" and ")} ${parts.length > 1 ? "are" : "is"} not reachable`;
}

function trouble(status) {
  if (!status.error) return "The last attempt failed.";
  return /[.!?]$/.test(status.error) ? status.error : `${status.error}.`;
}

function placeInLine({ queue_position: position, eta_seconds: eta }) {
  const place = position ? `Position ${position.toLocaleString("en")} in the queue` : "Waiting in the queue";
  return eta === null || eta === undefined ? place : `${place} · about ${duration(eta)}`;
}

/** What made an answer and how long that took; empty when neither is known. */
export function provenance({ model, generation_time_ms: time }) {
  const parts = [];
  if (model) parts.push(model);
  if (time !== null && time !== undefined) parts.push(time < 100 ? `${time} ms` : `${(time / 1000).toFixed(1)} s`);
  return parts.join(" · ");
}

/** The number of characters as the API counts them: code points, not UTF-16 units. */
export function codePoints(text) {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}
