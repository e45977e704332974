/** Shows a job's facts, its reason, and the figures of its answer. */

import { byId, el, fill, setText } from "./dom.js";
import { factList } from "./table.js";
import { clock, duration, figure, label, number, written } from "./words.js";

const EVIDENCE = {
  top_k: "Passages at most", score_threshold: "Lowest score", embedding_model: "Embedding model", found: "Passages found",
  outdated: "… of outdated documents", below_threshold: "… below the lowest score", over_budget: "… beyond the budget",
  earlier_turns: "Earlier turns", retrieve_ms: "Retrieval took", first_token_ms: "First token after",
};
const SHOWN_ELSEWHERE = new Set(["generate_ms"]);

/** Show why the job is where it is. */
export function showReason(reason) {
  byId("reason").hidden = reason === null;
  if (reason === null) return;
  setText(byId("reason-summary"), reason.summary);
  setText(byId("reason-next"), `Next step: ${reason.next_step}`);
  const pairs = Object.entries(reason.evidence)
    .filter(([name, value]) => value !== null && name !== "error")
    .map(([name, value]) => [label(name), figure(name, value)]);
  fill(byId("reason-evidence"), pairs, () => (pairs.length ? factList(pairs) : null));
}

/** Show what everybody may know of it. */
export function showFacts(node, { job }) {
  const pairs = [
    ["Kind", job.kind],
    ["Agent", job.agent],
    ["Queue", job.queue],
    ["Place in the line", job.position && number(job.position)],
    ["Attempt", job.attempt ? `${job.attempt} of ${job.attempt_limit}` : `none yet of ${job.attempt_limit}`],
    ["Accepted", clock(job.created_at)],
    ["Waits for", job.waits_s === null ? null : duration(job.waits_s)],
    ["Runs for", job.runs_s === null ? null : duration(job.runs_s)],
    ["Written so far", job.runs_s === null || !job.written ? null : written(job.written)],
    ["Ended", job.finished_at && clock(job.finished_at)],
    ["Last error", job.error_code],
  ];
  fill(node, [pairs, job.session], () => {
    const list = factList(pairs);
    if (job.session) list.append(el("dt", {}, "Session"), el("dd", {}, el("a", { class: "mono", href: `/?session=${job.session}` }, job.session)));
    return list;
  });
}

/** Show the figures of the answer. */
export function showAnswer({ answer }) {
  byId("answer").hidden = answer === null;
  if (answer === null) return;
  fill(byId("answer-figures"), answer, () => [factList(answerPairs(answer)), ...scores(answer.scores)]);
}

function answerPairs(answer) {
  const speed = answer.tokens_completion && answer.generation_time_ms ? (1000 * answer.tokens_completion) / answer.generation_time_ms : null;
  return [
    ["Grounded", answer.grounded ? "yes, it rests on documents" : "no: no passage was used"],
    ["Model", answer.model],
    ["Made by", `attempt ${answer.attempt}`],
    ["Length", `${number(answer.characters)} characters`],
    ["Citations", number(answer.citations)],
    ["Tokens read", answer.tokens_prompt === null ? null : number(answer.tokens_prompt)],
    ["Tokens written", answer.tokens_completion === null ? null : number(answer.tokens_completion)],
    ["Generation", answer.generation_time_ms === null ? null : duration(answer.generation_time_ms / 1000)],
    ["Speed", speed === null ? null : `${speed.toFixed(1)} tokens/s`],
    ...Object.entries({ ...answer.settings, ...answer.numbers })
      .filter(([name]) => !SHOWN_ELSEWHERE.has(name))
      .map(([name, value]) => [EVIDENCE[name] ?? label(name), figure(name, value)]),
  ];
}

function scores(values) {
  if (!values.length) return [];
  const most = Math.max(...values, 1e-9);
  const items = values.map((score, index) =>
    el("li", {}, `${index + 1}.`, el("meter", { min: 0, max: most, value: score, "aria-label": `Passage ${index + 1}` }), score.toFixed(2)));
  return [el("p", { class: "texts-label" }, "Scores of the passages"), el("ol", { class: "scores" }, ...items)];
}
