/** The one dialog of all actions: it belongs to whoever opened it last, until it closes. */

import { button, byId, setText } from "./dom.js";

let opened = 0;

/**
 * Open it. What its opener does after it closed, or after another opened it, changes nothing in it.
 * @param {{title: string, nodes: Node[], danger?: boolean, ongo: () => void}} what `ongo` is called when somebody says yes
 */
export function openDialog({ title, nodes, danger = false, ongo }) {
  const node = byId("action-dialog");
  const mine = (opened += 1);
  const close = button("Close", () => node.close());
  const go = button("", () => go.getAttribute("aria-disabled") === "true" || go.onyes(), danger ? "danger" : "primary");
  go.onyes = ongo;

  const shown = () => mine === opened && node.open;

  // The buttons stay the same nodes and are never `disabled`: both would take the keyboard out of the dialog.
  const change = (how) => {
    if (!shown()) return;
    how();
    if (!node.contains(document.activeElement)) close.focus();
  };

  byId("action-body").replaceChildren(...nodes);
  byId("action-buttons").replaceChildren(close, go);
  setText(byId("action-title"), title);
  setText(byId("action-error"), "");
  node.showModal();

  return {
    close: () => shown() && node.close(),
    change,
    retitle: (words) => change(() => setText(byId("action-title"), words)),
    fail: (words) => change(() => setText(byId("action-error"), words)),
    offer: (label, ready) => change(() => {
      setText(go, label);
      go.setAttribute("aria-disabled", String(!ready));
    }),
    /** Show how it ended; `more` offers to go on. */
    finish: (result, more = null) => change(() => {
      byId("action-body").replaceChildren(...result);
      setText(close, "Done");
      [close.className, go.className, go.hidden] = ["primary", "quiet", more === null];
      if (more) [go.textContent, go.onyes] = [more.label, more.run];
      go.setAttribute("aria-disabled", "false");
      close.focus();
    }),
  };
}
