/** Asks for a message's status again and again, as often as the server wants to be asked. */

import { retryAfterS } from "./problems.js";

const USUAL_PAUSE_S = 2;
const LONGEST_PAUSE_S = 15;

/** Whether a status is the last one, until a person retries. */
export function isFinal(status) {
  return status.status === "completed" || status.status === "failed" || status.status === "cancelled";
}

/**
 * Poll until `signal` aborts or `onStatus` was given a final status.
 * @param {{api: import("./api.js").Api, url: string, signal: AbortSignal, onStatus: Function, onTrouble: Function}} options
 */
export async function poll({ api, url, signal, onStatus, onTrouble }) {
  let etag = null;
  let failures = 0;
  while (!signal.aborted) {
    let pauseS = USUAL_PAUSE_S;
    try {
      const reply = await api.status(url, etag);
      const status = reply.status === 304 ? null : await reply.json();
      if (signal.aborted) return;
      failures = 0;
      etag = reply.headers.get("ETag");
      pauseS = Math.min(retryAfterS(reply, USUAL_PAUSE_S), LONGEST_PAUSE_S);
      onTrouble(null);
      if (status) onStatus(status);
      if (status && isFinal(status)) return;
    } catch (error) {
      if (signal.aborted) return;
      failures += 1;
      pauseS = Math.min(Math.max(error.retryAfterS || 0, 2 ** (failures - 1)), LONGEST_PAUSE_S);
      onTrouble(error);
      if (error.kind === "refused") return; // the message is gone: asking again can't help
    }
    await pause(pauseS * 1000, signal);
  }
}

/** Wait, but not past an abort. */
function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}
