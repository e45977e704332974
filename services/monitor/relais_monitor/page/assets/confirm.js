/** A small dialog before an action that isn't about jobs: what will happen, a field or two, yes or no. */

import { openDialog } from "./dialog.js";
import { announce } from "./dom.js";

/**
 * Ask, then do.
 * @param {{title: string, nodes: Node[], yes: string, run: () => Promise<string>, ondone?: () => void}} what `run` gives the words for its success
 */
export function confirm({ title, nodes, yes, run, ondone = () => {} }) {
  const dialog = openDialog({ title, nodes, ongo: execute });
  dialog.offer(yes, true);

  async function execute() {
    dialog.offer(yes, false);
    dialog.fail("");
    try {
      announce(await run());
      dialog.close();
      ondone();
    } catch (error) {
      dialog.fail(error.message);
      dialog.offer(yes, true);
    }
  }
}
