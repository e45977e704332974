/** Puts figures into words for people. */

const MINUTE_S = 60;
const HOUR_S = 3600;
const DAY_S = 86_400;
const CHARACTERS_PER_TOKEN = 4; // of English, roughly; only for "about"

/** A length of time, as exact as a person needs it. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  const s = Math.max(seconds, 0);
  if (s < 0.0995) return `${Math.round(s * 1000)} ms`;
  if (s < 9.95) return `${s.toFixed(1)} s`;
  if (s < 1.5 * MINUTE_S) return `${Math.round(s)} s`;
  if (s < 1.5 * HOUR_S) return `${Math.round(s / MINUTE_S)} min`;
  if (s < 1.5 * DAY_S) return `${Math.round(s / HOUR_S)} h`;
  return `${Math.round(s / DAY_S)} days`;
}

/** A number with separators. */
export function number(value) {
  return value === null || value === undefined ? "–" : value.toLocaleString("en");
}

/** A number with its noun. */
export function count(value, noun, plural = `${noun}s`) {
  return `${number(value)} ${value === 1 ? noun : plural}`;
}

/** A moment by the clock of whoever reads it; with the day when it isn't today. */
export function clock(iso, now = new Date()) {
  const at = new Date(iso);
  const time = at.toLocaleTimeString("en-GB");
  return at.toDateString() === now.toDateString() ? time : `${at.toLocaleDateString("en-CA")} ${time}`;
}

/** How long ago a moment was. */
export function ago(iso, now) {
  return `${duration((Date.parse(now) - Date.parse(iso)) / 1000)} ago`;
}

/** How far an answer has come. */
export function written(characters) {
  return `${count(characters, "character")} (≈ ${number(Math.round(characters / CHARACTERS_PER_TOKEN))} tokens)`;
}

/** The tone of a state: what its badge looks like. */
export const TONES = {
  pending: "calm", queued: "calm", processing: "busy", completed: "good", failed: "bad", cancelled: "warn",
};

/** What an entry of the ledger says. */
export const TRANSITIONS = {
  accept: "accepted", announce: "announced to the workers", claim: "taken by a worker", complete: "completed",
  fail: "failed for good", retry_later: "failed, to be tried again", hand_back: "handed back unharmed",
  expire: "taken from a silent worker", expire_spent: "taken from a silent worker, no attempt left",
  cancel: "cancelled", retry: "put back by a person", unlock: "unlocked by a person",
  superseded: "a late result was dropped",
};

/** A name of the code as words: `first_token_ms` becomes "First token". */
export function label(name) {
  const words = name.replace(/_(ms|s)$/, "").replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** A figure of an evidence, with the unit that its name has. */
export function figure(name, value) {
  if (value === null || value === undefined) return "unknown";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") {
    if (name.endsWith("_ms")) return duration(value / 1000);
    if (name.endsWith("_s")) return duration(value);
    return Number.isInteger(value) ? number(value) : value.toFixed(2);
  }
  if (Array.isArray(value)) return value.length ? value.map((item) => figure("", item)).join(", ") : "none";
  if (typeof value === "object") {
    const parts = Object.entries(value).map(([key, item]) => `${label(key)}: ${figure(key, item)}`);
    return parts.length ? parts.join(", ") : "none";
  }
  return String(value);
}
