/** Shows what is wrong now, what it means, and what to do; offers what mends it. */

import { button, el, icon, fill, reconcile, setText } from "./dom.js";
import { may, operator } from "./key.js";
import { openKeyDialog } from "./sign-in.js";

const SIGNS = { critical: "M10 3l8 14H2zM10 8v4M10 14.6v.1", warning: "M10 3l8 14H2zM10 8v4M10 14.6v.1", info: "M7 4v12M13 4v12" };

/** Show them; `onmend` is called with a trouble that can be mended from here. */
export function showTroubles(node, troubles, onmend) {
  const keyOf = (trouble) => `${trouble.code}:${trouble.about}`;
  reconcile(node, troubles, keyOf, () => el("article", { class: "trouble" }), (card, trouble) => {
    card.dataset.severity = trouble.severity;
    const { severity, remedy, command, ref, resume, retry, wake } = trouble;
    // Ages change all the time; a button under somebody's finger must not.
    fill(card, [severity, remedy, command, ref, resume, retry, wake, may("ops"), operator() === null], () => [
      icon(SIGNS[severity]),
      el("div", {}, el("h2"), el("p", { class: "meaning" }), el("p", { class: "remedy" }, ...withCommands(remedy)), more(trouble)),
      mendButton(trouble, onmend),
    ]);
    setText(card.querySelector("h2"), trouble.title);
    setText(card.querySelector(".meaning"), trouble.meaning);
  });
}

function withCommands(text) {
  return text.split(/(python -m \w+(?:\.\w+)*)/).map((part, n) => (n % 2 ? el("code", {}, part) : part));
}

function more({ command, ref }) {
  if (!command && !ref) return null;
  return el("p", { class: "more-words" },
    ref ? el("a", { href: `/jobs/${ref}` }, `See what happened to job ${ref}`) : null,
    command ? el("span", {}, "On the command line: ", el("code", {}, command)) : null);
}

function mendButton(trouble, onmend) {
  const verb = trouble.resume ? "Resume" : trouble.retry ? "Retry" : trouble.wake ? "Wake the workers" : null;
  if (verb === null) return null;
  if (may("ops")) return button(verb, () => onmend(trouble), "quiet small");
  return operator() === null ? button(`${verb} (needs a key)`, openKeyDialog, "quiet small") : null;
}
