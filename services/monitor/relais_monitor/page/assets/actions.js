/** An action on jobs: a preview of what will change, a canary, the execution, its result. */

import { optionsOf } from "./action-options.js";
import { openDialog } from "./dialog.js";
import { announce, el } from "./dom.js";
import { inWords } from "./filters.js";
import { operate } from "./http.js";
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
 * @param {{refs?: string[], filter?: object}} meant which jobs: these, or all that match
 * @param {() => void} ondone called after something changed
 */
export function openAction(action, meant, ondone) {
  const words = ACTIONS[action];
  const target = withoutCancelled(action, meant);
  const options = optionsOf(action, target, plan);
  const preview = el("div", { class: "preview", "aria-live": "polite" });
  const canary = makeCanary(showButton);
  const meaning = el("p", { class: "meaning" }, words.meaning, target === meant ? null : " Only failed ones: set the state cancelled to put back what somebody cancelled.");
  const dialog = openDialog({ title: title(), nodes: [meaning, ...options.nodes, preview, canary.node], danger: words.danger, ongo: execute });
  let planned = null; // what was shown: only that is done
  let asked = 0;
  let busy = false;
  plan();

  function title() {
    return `${words.title}: ${describe(target, options.values())}`;
  }

  async function plan() {
    const mine = (asked += 1);
    const body = { ...whichOf(target), ...options.values() };
    planned = null;
    dialog.retitle(title());
    dialog.fail("");
    dialog.change(() => preview.replaceChildren("Looking what would change…"));
    showButton();
    try {
      const found = await send({ ...body, dry_run: true, limit: MOST_AT_ONCE });
      if (mine !== asked) return;
      planned = { ...found, body };
      dialog.change(showPreview);
    } catch (error) {
      if (mine !== asked) return;
      dialog.change(() => preview.replaceChildren("No preview: see below."));
      dialog.fail(error.message);
    }
    showButton();
  }

  function send(body) {
    return operate("POST", `/api/jobs/${action}`, { body });
  }

  function showPreview() {
    const all = within(planned);
    preview.replaceChildren(
      el("p", {}, el("strong", {}, count(all, "job")), ` ${words.verb}.`, planned.matching ? null : ` ${words.none}`),
      ...refList(planned.refs, all), ...skippedList(planned.skipped),
    );
    canary.offer(all);
  }

  function showButton() {
    const amount = planned === null ? 0 : chosenRefs().length;
    dialog.offer(amount ? `${words.title} ${count(amount, "job")}` : words.title, amount > 0 && !busy);
  }

  function chosenRefs() {
    return planned.refs.slice(0, canary.limit());
  }

  // The refs of the preview are sent, so that nothing that came to match meanwhile is changed too.
  async function execute() {
    const seen = planned;
    const ref = chosenRefs();
    const { keep, ...body } = seen.body; // already counted by the preview
    busy = true;
    showButton();
    dialog.fail("");
    try {
      showResult(await send({ ...body, ref, dry_run: false, limit: ref.length }), ref.length, within(seen));
    } catch (error) {
      busy = false;
      dialog.fail(error.message);
      showButton();
    }
  }

  function showResult(result, wanted, all) {
    asked += 1; // a preview that is still under way has nothing to say any more
    const told = `${count(result.changed, "job")} ${words.done}.`;
    const rest = all > wanted ? { label: `${words.title} more`, run: openAgain } : null;
    dialog.finish([
      el("p", {}, el("strong", {}, told), rest ? ` ${number(all - wanted)} more match.` : ""),
      ...refList(result.refs, result.changed), ...skippedList(result.skipped),
    ], rest);
    announce(told);
    ondone(result);
  }

  function openAgain() {
    dialog.close();
    openAction(action, meant, ondone);
  }
}

// What a person cancelled comes back only when it is named, as on the command line.
function withoutCancelled(action, target) {
  const { filter } = target;
  return action === "retry" && filter && !filter.state && !filter.ref ? { filter: { ...filter, state: "failed" } } : target;
}

/** The choice between a few and all, offered when there are more than a few. */
function makeCanary(onchange) {
  const all = el("span");
  const few = el("input", { type: "radio", name: "canary", checked: true });
  const node = el("fieldset", { hidden: true, onchange },
    el("legend", {}, "How many"),
    el("label", { class: "choice" }, few, `First ${CANARY} only, the oldest, to see whether it helps`),
    el("label", { class: "choice" }, el("input", { type: "radio", name: "canary" }), all));
  return {
    node,
    limit: () => (!node.hidden && few.checked ? CANARY : MOST_AT_ONCE),
    offer(amount) {
      node.hidden = amount <= CANARY;
      few.checked = true;
      all.textContent = amount > MOST_AT_ONCE ? `The oldest ${number(MOST_AT_ONCE)} at once` : `All ${number(amount)}`;
    },
  };
}

/** How many would change: those that match, less what is left out. */
function within({ matching, refs }) {
  return refs.length < MOST_AT_ONCE ? refs.length : matching;
}

function describe({ refs, filter }, { state, older_than: age }) {
  if (refs) return refs.length === 1 ? `job ${refs[0]}` : count(refs.length, "selected job");
  const all = { ...filter, ...(state ? { state } : {}), ...(age ? { older_than: age } : {}) };
  return Object.keys(all).length ? `all jobs with ${inWords(all)}` : "all jobs";
}

function whichOf({ refs, filter }) {
  if (refs) return { ref: refs };
  const { ref, ...rest } = filter;
  return ref ? { ...rest, ref: [ref] } : rest;
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
