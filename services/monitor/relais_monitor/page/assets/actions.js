/** An action on jobs: a preview of what will change, a canary, the execution, its result. */

import { announce, button, byId, el, setText } from "./dom.js";
import { inWords } from "./filters.js";
import { operate } from "./http.js";
import { optionsOf } from "./action-options.js";
import { count, number } from "./words.js";

const CANARY = 5;
const MOST_AT_ONCE = 1000;
const SHOWN_REFS = 8;

/** What each action is called and does. */
export const ACTIONS = {
  retry: {
    title: "Retry", done: "put back", verb: "will be put back into the queue",
    meaning: "They go to the end of their line in their old order, with all their attempts again.",
    none: "Only failed and cancelled jobs can be retried.",
  },
  cancel: {
    title: "Cancel", done: "cancelled", verb: "will be cancelled", danger: true,
    meaning: "Those that wait leave the line; those that run are stopped and their text so far is dropped. A retry puts them back.",
    none: "Only jobs that wait or run can be cancelled.",
  },
  unlock: {
    title: "Unlock", done: "unlocked", verb: "will be taken from their worker",
    meaning: "They are taken from a worker that is gone, hangs or runs beyond its deadline, and wait again in their old place. A late result of that worker is dropped, so nothing is answered twice.",
    none: "Only running jobs can be unlocked.",
  },
  clean: {
    title: "Clean", done: "cleaned away", verb: "will be cleaned away", danger: true,
    meaning: "Ended jobs leave the table that the workers read. Conversations, answers and histories stay until their retention is over.",
    none: "Nothing ended matches.",
  },
};

/**
 * Open the dialog.
 * @param {keyof ACTIONS} action
 * @param {{refs?: string[], filter?: object}} target which jobs: these, or all that match
 * @param {() => void} ondone called after something changed
 */
export function openAction(action, target, ondone) {
  const words = ACTIONS[action];
  const dialog = byId("action-dialog");
  const options = optionsOf(action, target, plan);
  const preview = el("div", { class: "preview", "aria-live": "polite" });
  const canary = el("fieldset", { hidden: true });
  let planned = null;
  let asked = 0;

  setText(byId("action-title"), `${words.title}: ${describe(target)}`);
  byId("action-body").replaceChildren(el("p", { class: "meaning" }, words.meaning), ...options.nodes, preview, canary);
  setText(byId("action-error"), "");
  showButtons();
  dialog.showModal();
  plan();

  async function plan() {
    const mine = (asked += 1);
    planned = null;
    preview.replaceChildren("Looking what would change…");
    showButtons();
    try {
      const found = await send(true, MOST_AT_ONCE);
      if (mine !== asked) return;
      planned = found;
      showPreview();
    } catch (error) {
      if (mine !== asked) return;
      preview.replaceChildren("No preview: see below.");
      setText(byId("action-error"), error.message);
    }
    showButtons();
  }

  function send(dryRun, limit) {
    const which = target.refs ? { ref: target.refs } : filterBody(target.filter);
    setText(byId("action-error"), "");
    return operate("POST", `/api/jobs/${action}`, { body: { ...which, ...options.values(), dry_run: dryRun, limit } });
  }

  function showPreview() {
    preview.replaceChildren(
      el("p", {}, el("strong", {}, count(within(planned), "job")), ` ${words.verb}.`, planned.matching ? null : ` ${words.none}`),
      ...refList(planned.refs, within(planned)), ...skippedList(planned.skipped),
    );
    const all = within(planned);
    const some = all > CANARY;
    canary.hidden = !some;
    canary.replaceChildren(
      el("legend", {}, "How many"),
      choice("canary", CANARY, `First ${CANARY} only, the oldest, to see whether it helps`, true),
      choice("canary", MOST_AT_ONCE, all > MOST_AT_ONCE ? `The oldest ${number(MOST_AT_ONCE)} at once` : `All ${number(all)}`, false),
    );
    canary.onchange = showButtons;
  }

  function showButtons() {
    const amount = planned === null ? 0 : Math.min(within(planned), chosenLimit());
    const go = button(amount ? `${words.title} ${count(amount, "job")}` : words.title, execute, words.danger ? "danger" : "primary", { disabled: amount === 0 });
    byId("action-buttons").replaceChildren(button("Close", () => dialog.close()), go);
  }

  function chosenLimit() {
    const chosen = canary.hidden ? null : canary.querySelector("input:checked");
    return chosen ? Number(chosen.value) : MOST_AT_ONCE;
  }

  async function execute(event) {
    event.target.disabled = true;
    try {
      showResult(await send(false, chosenLimit()));
    } catch (error) {
      setText(byId("action-error"), error.message);
      showButtons();
    }
  }

  function showResult(result) {
    const left = Math.max(within(planned) - result.changed, 0);
    const told = `${count(result.changed, "job")} ${words.done}.`;
    byId("action-body").replaceChildren(
      el("p", {}, el("strong", {}, told), left ? ` ${number(left)} more match.` : ""),
      ...refList(result.refs, result.changed), ...skippedList(result.skipped),
    );
    const rest = left ? button(`${words.title} more`, () => openAgain()) : null;
    const close = button("Done", () => dialog.close(), "primary");
    byId("action-buttons").replaceChildren(...[rest, close].filter(Boolean));
    close.focus();
    announce(told);
    ondone(result);
  }

  function openAgain() {
    dialog.close();
    openAction(action, target, ondone);
  }
}

/** How many would change: those that match, less what is left out. */
function within({ matching, refs }) {
  return refs.length < MOST_AT_ONCE ? refs.length : matching;
}

function describe({ refs, filter }) {
  if (refs) return refs.length === 1 ? `job ${refs[0]}` : count(refs.length, "selected job");
  return Object.keys(filter).length ? `all jobs with ${inWords(filter)}` : "all jobs";
}

function filterBody(filter) {
  const { ref, ...rest } = filter;
  return ref ? { ...rest, ref: [ref] } : rest;
}

function choice(name, value, text, checked) {
  return el("label", { class: "choice" }, el("input", { type: "radio", name, value, checked }), text);
}

function refList(refs, total) {
  if (!refs.length) return [];
  const shown = refs.slice(0, SHOWN_REFS);
  const more = total - shown.length;
  const items = shown.map((ref) => el("li", {}, el("a", { href: `/jobs/${ref}`, target: "_blank" }, ref)));
  if (more > 0) items.push(el("li", {}, `and ${number(more)} more`));
  return [el("ul", { class: "refs", "aria-label": "The first of them" }, ...items)];
}

/** What matches and stays as it is, with the API's reasons. */
function skippedList(skipped) {
  if (!skipped.length) return [];
  const items = skipped.slice(0, SHOWN_REFS).map(({ ref, detail }) => el("li", {}, el("span", { class: "mono" }, ref), ` ${detail}`));
  const more = skipped.length - items.length;
  if (more > 0) items.push(el("li", {}, `and ${number(more)} more`));
  return [el("p", {}, "Left out:"), el("ul", { class: "skipped" }, ...items)];
}
