/** Keeps the page alive: asks again and again, slower when it fails, not at all while nobody looks. */

import { byId, setText } from "./dom.js";

const SLOWEST_MS = 15_000;

/**
 * Repeat `task` every `period` ms while the page is visible; `wake()` runs it at once.
 * @param {() => Promise<void>} task
 * @param {(error: Error | null) => void} [report] called after each run
 */
export function repeat(task, period, report = () => {}) {
  let timer = null;
  let running = false;
  let again = false;
  let failures = 0;

  async function run() {
    clearTimeout(timer);
    if (running) {
      again = true;
      return;
    }
    running = true;
    try {
      await task();
      failures = 0;
      report(null);
    } catch (error) {
      failures += 1;
      report(error);
    }
    running = false;
    plan();
  }

  function plan() {
    clearTimeout(timer);
    if (document.hidden) return;
    const pause = again ? 0 : Math.min(period * 2 ** Math.min(failures, 3), Math.max(SLOWEST_MS, period));
    again = false;
    timer = setTimeout(run, pause);
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : run()));
  run();
  return { wake: run };
}

/** Show whether what is on the page is what is. */
export function showLive(error) {
  const state = error === null ? "live" : "away";
  byId("live").dataset.state = state;
  setText(byId("live-text"), error === null ? "Live" : "Not live");
  const notice = byId("away");
  notice.hidden = error === null;
  if (error === null) return;
  const since = byId("live").dataset.at;
  const words = error.code === "database_unavailable" ? `The database is away. ${error.message}` : error.message;
  setText(notice, since ? `${words} What is shown below is from ${since}.` : words);
}

/** Remember when the picture was taken. */
export function noteTime(iso) {
  byId("live").dataset.at = new Date(iso).toLocaleTimeString("en-GB");
}
