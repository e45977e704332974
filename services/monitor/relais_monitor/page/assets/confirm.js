/** A small dialog before an action that isn't about jobs: what will happen, a field or two, yes or no. */

import { announce, button, byId, setText } from "./dom.js";

/**
 * Ask, then do.
 * @param {{title: string, nodes: Node[], yes: string, run: () => Promise<string>, ondone?: () => void}} what `run` gives the words for its success
 */
export function confirm({ title, nodes, yes, run, ondone = () => {} }) {
  const dialog = byId("action-dialog");
  setText(byId("action-title"), title);
  setText(byId("action-error"), "");
  byId("action-body").replaceChildren(...nodes);
  const go = button(yes, execute, "primary");
  byId("action-buttons").replaceChildren(button("Close", () => dialog.close()), go);
  dialog.showModal();

  async function execute() {
    go.disabled = true;
    try {
      announce(await run());
      dialog.close();
      ondone();
    } catch (error) {
      setText(byId("action-error"), error.message);
      go.disabled = false;
    }
  }
}
