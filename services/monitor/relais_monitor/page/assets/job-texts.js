/** Shows the texts of a job, to those whose key allows it. */

import { byId, el, fill } from "./dom.js";
import { operate } from "./http.js";
import { key, may, operator, watchKey } from "./key.js";

const NAMES = { question: "Question", draft: "Answer so far", content: "Answer" };

/** Make the panel; `follow(life)` reads anew when the job moved. */
export function startTexts(ref) {
  const node = byId("texts-body");
  let sign = null; // of what is shown, or was asked for last
  let asking = null; // the key that an answer is awaited for

  async function show(life) {
    const wanted = JSON.stringify([operator(), life?.job.state, life?.job.attempt, life?.job.written]);
    if (wanted === sign) return;
    const mine = key();
    if (mine === null) {
      sign = wanted;
      return tell("Texts of messages are hidden. Sign in with a key of scope admin to read question, answer and error.");
    }
    if (asking === mine) return; // the next round asks for what is newer
    [sign, asking] = [wanted, mine];
    await ask(mine);
    if (asking === mine) asking = null;
  }

  // An answer that comes after somebody signed out isn't theirs to see.
  async function ask(mine) {
    try {
      const job = await operate("GET", `/api/jobs/${ref}`);
      if (key() === mine) fill(node, job, () => blocks(job));
    } catch (error) {
      if (key() !== mine) return;
      sign = null; // so that the next round asks again
      tell(error.message);
    }
  }

  function tell(words) {
    fill(node, words, () => el("p", { class: "empty" }, words));
  }

  let last = null;
  watchKey(() => show(last));
  return {
    follow(life) {
      last = life;
      show(life);
    },
  };
}

function blocks(job) {
  const found = textsOf(job);
  if (!found.length) return el("p", { class: "empty" }, may("admin") ? "This job has no texts." : "Texts need a key of scope admin; this one has less.");
  const less = may("admin") || job.texts ? [] : [el("p", { class: "soft" }, "Question and answer need a key of scope admin; this one has less.")];
  return [...less, ...found.flatMap(([name, text]) => [el("p", { class: "texts-label" }, name), el("div", { class: "text-block", tabIndex: 0, role: "region", "aria-label": name }, text)])];
}

// Question, answer and error are texts; the evidence of the answer is shown as the document it is.
function textsOf(job) {
  const texts = job.texts ?? {};
  const found = Object.entries(NAMES).flatMap(([field, name]) => (texts[field] ? [[name, texts[field]]] : []));
  if (job.document) found.unshift(["Document", job.document]);
  if (job.error) found.push(["Last error", job.error]);
  for (const passage of texts.citations ?? []) found.push([`Source ${passage.index}: ${passage.document}`, passage.text]);
  if (texts.evidence) found.push(["Evidence", JSON.stringify(texts.evidence, null, 2)]);
  return found;
}

