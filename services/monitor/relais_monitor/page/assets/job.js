/** The page of one job. */

import { openAction } from "./actions.js";
import { byId, fill, setText } from "./dom.js";
import { showAnswer, showFacts, showReason } from "./job-facts.js";
import { badge, possible } from "./job-table.js";
import { startTexts } from "./job-texts.js";
import { read } from "./http.js";
import { may, operator, watchKey } from "./key.js";
import { letIn } from "./let-in.js";
import { showLedger, showLife } from "./life.js";
import { noteTime, repeat, showLive } from "./live.js";
import { startSignIn } from "./sign-in.js";
import { rememberedList } from "./way-back.js";

const EVERY_MS = 2_000;
const ref = document.body.dataset.ref;
let life = null;

startSignIn();
const texts = startTexts(ref);
startActions();
showWayBack();
letIn();
const loop = repeat(refresh, EVERY_MS, report);
watchKey(showActions);

async function refresh() {
  life = await read(`/api/jobs/${encodeURIComponent(ref)}`);
  noteTime(life.at);
  fill(byId("job-state"), life.job.state, () => badge(life.job.state));
  showReason(life.reason);
  showLife(byId("life"), life);
  showLedger(byId("ledger"), life.events);
  showFacts(byId("facts"), life);
  showAnswer(life);
  showActions();
  texts.follow(life);
}

// An address without a job isn't a page that lost its server.
function report(error) {
  showLive(error?.status === 404 || error?.status === 422 ? null : error);
  if (error?.status !== 404 && error?.status !== 422) return;
  const notice = byId("away");
  notice.hidden = false;
  setText(notice, error.status === 404 ? error.message : "This is no ref of a job: a ref has twelve digits, 0-9 and a-f.");
}

function showWayBack() {
  const list = rememberedList();
  if (list === null) return;
  byId("back").href = list;
  setText(byId("back"), "← Back to the filtered jobs");
}

function startActions() {
  for (const button of document.querySelectorAll("#job-actions [data-action]")) {
    button.addEventListener("click", () => openAction(button.dataset.action, { refs: [ref] }, () => loop.wake()));
  }
}

function showActions() {
  const can = life ? possible(life.job.state) : [];
  for (const button of document.querySelectorAll("#job-actions [data-action]")) {
    button.disabled = !may("ops") || !can.includes(button.dataset.action);
  }
  setText(byId("act-why"), why(can));
}

function why(can) {
  if (operator() === null) return "Read-only: sign in with an operator's key to retry, cancel or unlock.";
  if (!may("ops")) return "Read-only: this key has scope read; these actions need ops.";
  return life && !can.length ? `Nothing can be done with a ${life.job.state} job.` : "";
}
