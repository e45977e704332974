/** Holds the last message of each cause of failure, for those who hold a key: an error may quote what somebody wrote. */

import { operate } from "./http.js";
import { key, may } from "./key.js";

const AGAIN_AFTER_MS = 8_000;

/** Hold none yet; `onnews` is called when one came. */
export function makeMessages(onnews) {
  const known = new Map(); // by the refs that are shown; an empty one is asked for, or has no words
  const failedAt = new Map();

  async function ask(ref, mine) {
    known.set(ref, "");
    try {
      const { error } = await operate("GET", `/api/jobs/${ref}`);
      if (key() !== mine || !known.has(ref)) return;
      known.set(ref, error ?? "");
      onnews();
    } catch {
      known.delete(ref); // the list works without; it is asked for again
      failedAt.set(ref, Date.now());
    }
  }

  return {
    of: (ref) => (may("read") ? known.get(ref) : undefined) ?? "",
    /** Ask for those of these jobs that aren't known; forget all others. */
    follow(refs) {
      const wanted = new Set(may("read") ? refs : []);
      for (const held of [known, failedAt]) for (const ref of held.keys()) if (!wanted.has(ref)) held.delete(ref);
      for (const ref of wanted) if (!known.has(ref) && Date.now() - (failedAt.get(ref) ?? 0) > AGAIN_AFTER_MS) ask(ref, key());
    },
  };
}
