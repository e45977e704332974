/** Tells people who don't see the page what changed. */

import { byId } from "./dom.js";

/** Say it once; the same words again are said again. */
export function announce(text) {
  const node = byId("announcer");
  node.textContent = "";
  requestAnimationFrame(() => (node.textContent = text));
}
