/** Wakes the workers for what waits although nobody told them: brings rows and the broker's tokens together. */

import { confirm } from "./confirm.js";
import { el, setText } from "./dom.js";
import { operate } from "./http.js";
import { count } from "./words.js";

const QUEUES = ["ai-messages", "documents"];

/** Show what is missing and ask, then do it. */
export function wake(ondone) {
  const preview = el("p", { class: "preview", "aria-live": "polite" }, "Looking what is missing…");
  confirm({
    title: "Wake the workers",
    nodes: [el("p", { class: "meaning" }, "Free workers are told of the jobs that wait. It changes no job and no order; a call too many does no harm."), preview],
    yes: "Wake",
    run: async () => {
      const queues = await reconcile(false);
      if (queues.some((queue) => queue.confirmed === false)) throw new Error("The broker did not take it. Start RabbitMQ, then try again.");
      return `Woke workers for ${jobs(queues, "published")}.`;
    },
    ondone,
  });
  reconcile(true).then(
    (queues) => setText(preview, `Workers will be woken for ${jobs(queues, "to_publish")}.`),
    (error) => setText(preview, `No preview: ${error.message}`),
  );
}

function reconcile(dryRun) {
  return Promise.all(QUEUES.map((name) => operate("POST", `/api/queues/${name}/reconcile`, { query: { dry_run: dryRun } })));
}

function jobs(queues, field) {
  return count(queues.reduce((sum, queue) => sum + queue[field], 0), "job");
}
