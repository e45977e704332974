/** Which jobs are ticked, over all lists of the page. */

import { el } from "./dom.js";

/** Make an empty selection; `onchange` hears of every change. */
export function makeSelection(onchange) {
  const refs = new Set();

  function toggle(ref, on) {
    if (on) refs.add(ref);
    else refs.delete(ref);
    document.querySelectorAll(`input[data-ref="${CSS.escape(ref)}"]`).forEach((box) => {
      box.checked = on;
      box.closest("tr").dataset.selected = String(on);
    });
    onchange(refs.size);
  }

  return {
    has: (ref) => refs.has(ref),
    list: () => [...refs],
    size: () => refs.size,
    clear: () => [...refs].forEach((ref) => toggle(ref, false)),
    box: (ref) =>
      el("input", {
        type: "checkbox", "data-ref": ref, "aria-label": `Select ${ref}`, checked: refs.has(ref),
        onchange: (event) => toggle(ref, event.target.checked),
      }),
  };
}
