/** The list of jobs: what runs and waits now, or what a filter finds; and the actions on them. */

import { openAction } from "./actions.js";
import { byId, setText } from "./dom.js";
import { inWords, narrows, startFilters } from "./filters.js";
import { read } from "./http.js";
import { makeJobTable } from "./job-table.js";
import { may, operator, watchKey } from "./key.js";
import { repeat } from "./live.js";
import { makeSelection } from "./selection.js";
import { count, number } from "./words.js";

const EVERY_MS = 4_000;
const PAGE = 50;

/** Make the panel work; `onchange` is called after an action. */
export function startJobs(onchange) {
  let filter = {};
  let found = [];
  let next = null;
  let extended = false; // a list that somebody reads on isn't shortened under their eyes
  let scope = "selected";
  let at = new Date().toISOString();
  let loop = null;

  const selection = makeSelection(showBar);
  const options = { selection, now: () => at, onaction: (action, job) => act(action, { refs: [job.ref] }) };
  const running = makeJobTable("Running now", { ...options, empty: "Nothing runs." });
  const queue = makeJobTable("The queue", { ...options, empty: "Nobody waits." });
  const matches = makeJobTable("Jobs that match the filter", { ...options, empty: "No job matches." });
  byId("running").append(running.node);
  byId("queue").append(queue.node);
  byId("found").append(matches.node);

  const filters = startFilters((chosen) => {
    filter = chosen;
    [found, next, extended] = [[], null, false];
    selection.clear();
    scope = narrows(filter) ? scope : "selected";
    byId("view-now").hidden = narrows(filter);
    byId("view-found").hidden = !narrows(filter);
    setText(byId("filter-error"), "");
    byId("more").removeAttribute("aria-disabled");
    document.title = narrows(filter) ? `${inWords(filter)} · Relais status` : "Relais status";
    showBar();
    loop?.wake();
  });

  async function search() {
    if (!narrows(filter) || extended) return;
    const asked = filter;
    try {
      const page = await read(`/api/jobs?${new URLSearchParams({ ...asked, limit: PAGE })}`);
      if (asked !== filter || extended) return;
      [found, next] = [page.jobs, page.next_cursor];
      setText(byId("filter-error"), "");
      showFound();
    } catch (error) {
      if (asked === filter) setText(byId("filter-error"), error.message);
      if (error.status === 422) showFound();
      else throw error;
    }
  }

  function showFound() {
    matches.show(found);
    setText(byId("jobs-summary"), `${count(found.length, "job")}${next ? " and more" : ""} with ${inWords(filter)}, newest first`);
    byId("more").hidden = next === null;
  }

  // `disabled` would drop the keyboard's focus.
  byId("more").addEventListener("click", async () => {
    const asked = filter;
    const more = byId("more");
    if (more.getAttribute("aria-disabled") === "true") return;
    more.setAttribute("aria-disabled", "true");
    try {
      const page = await read(`/api/jobs?${new URLSearchParams({ ...asked, limit: PAGE, cursor: next })}`);
      if (asked !== filter) return;
      [found, next, extended] = [[...found, ...page.jobs], page.next_cursor, true];
      showFound();
    } catch (error) {
      if (asked === filter) setText(byId("filter-error"), error.message);
    } finally {
      if (asked === filter) more.removeAttribute("aria-disabled");
    }
  });

  function act(action, target) {
    openAction(action, target, () => {
      selection.clear();
      extended = false;
      loop.wake();
      onchange();
    });
  }

  function showBar() {
    const allowed = may("ops");
    const some = scope === "matching" ? narrows(filter) : selection.size() > 0;
    setText(byId("selected-count"), number(selection.size()));
    for (const button of document.querySelectorAll("#act-scope button")) {
      button.setAttribute("aria-pressed", String(button.dataset.scope === scope));
      button.disabled = button.dataset.scope === "matching" && !narrows(filter);
    }
    for (const button of document.querySelectorAll("#act-bar [data-action]")) {
      button.disabled = !allowed || !(some || button.dataset.action === "clean");
    }
    setText(byId("act-why"), why(allowed, some));
  }

  function why(allowed, some) {
    if (operator() === null) return "Read-only: sign in with an operator's key to retry, cancel, unlock or clean.";
    if (!allowed) return "Read-only: this key has scope read; these actions need ops.";
    if (some) return "Every action shows first what it would change.";
    return scope === "matching" ? "Set a filter first." : "Tick jobs, or set a filter and choose all that match.";
  }

  for (const button of document.querySelectorAll("#act-scope button")) {
    button.addEventListener("click", () => {
      scope = button.dataset.scope;
      showBar();
    });
  }
  for (const button of document.querySelectorAll("#act-bar [data-action]")) {
    const action = button.dataset.action;
    button.addEventListener("click", () => {
      const chosen = scope === "selected" && selection.size() ? { refs: selection.list() } : { filter };
      act(action, chosen);
    });
  }

  watchKey(() => {
    selection.clear();
    matches.show(found);
    showBar();
  });
  loop = repeat(search, EVERY_MS);

  return {
    show(overview) {
      at = overview.at; // ages are by the database's clock, not by that of whoever looks
      if (narrows(filter)) return;
      running.show(overview.running);
      queue.show(overview.waiting);
      setText(byId("running-count"), counted(overview, overview.running, ["processing"]));
      setText(byId("queue-count"), counted(overview, overview.waiting, ["pending", "queued"]));
      setText(byId("jobs-summary"), "Running and waiting; set a filter to find any job");
    },
    find(chosen) {
      filters.apply(chosen);
      byId("jobs").scrollIntoView();
    },
    act,
  };
}

function counted({ counts }, shown, states) {
  const all = Object.values(counts).reduce((sum, row) => sum + states.reduce((part, state) => part + (row[state] ?? 0), 0), 0);
  return all > shown.length ? `first ${number(shown.length)} of ${number(all)}` : number(all);
}
