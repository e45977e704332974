/** The choices that some actions have besides the jobs they mean. */

import { el } from "./dom.js";

/** The inputs of an action and what they say; `onchange` asks for a new preview. */
export function optionsOf(action, target, onchange) {
  if (action === "unlock") return unlockOptions(onchange);
  if (action === "clean") return cleanOptions(target, onchange);
  return { nodes: [], values: () => ({}) };
}

function unlockOptions(onchange) {
  const box = el("input", { type: "checkbox", onchange });
  const label = el("label", { class: "choice" }, box, "Force: also those whose worker seems well, or whose attempts are spent (they get one more)");
  return { nodes: [label], values: () => (box.checked ? { force: true } : {}) };
}

// Only of what was completed some may stay: failures are cleaned by their age alone.
function cleanOptions({ filter, refs }, onchange) {
  if (refs) return { nodes: [], values: () => ({}) };
  const state = el("select", { onchange }, ...["failed", "cancelled", "completed"].map((name) => el("option", {}, name)));
  state.value = ["failed", "cancelled", "completed"].includes(filter.state) ? filter.state : "failed";
  const age = el("input", { value: filter.older_than ?? "7d", placeholder: "7d", onchange, spellcheck: false });
  const keep = el("input", { type: "number", min: 0, placeholder: "of completed only", onchange });
  const fields = el("div", { class: "fields" },
    el("label", {}, "State", state), el("label", {}, "Ended longer ago than", age), el("label", {}, "Keep the newest", keep));
  return { nodes: [fields], values: () => ({ state: state.value, older_than: age.value.trim() || null, ...keepOf(state, keep) }) };
}

function keepOf(state, keep) {
  return state.value === "completed" && keep.value !== "" ? { keep: Number(keep.value) } : {};
}
