/** Shows what is wrong now, what it means, and what to do. */

import { button, el, icon, fill, reconcile } from "./dom.js";
import { may } from "./key.js";

const SIGNS = { critical: "M10 3l8 14H2zM10 8v4M10 14.6v.1", warning: "M10 3l8 14H2zM10 8v4M10 14.6v.1", info: "M7 4v12M13 4v12" };

/** Show them; `onresume` is called with `queues/{name}` or `agents/{slug}`. */
export function showTroubles(node, troubles, onresume) {
  const keyOf = (trouble) => `${trouble.code}:${trouble.title}`;
  reconcile(node, troubles, keyOf, () => el("article", { class: "trouble" }), (card, trouble) => {
    card.dataset.severity = trouble.severity;
    fill(card, [trouble, may("ops")], () => [
      icon(SIGNS[trouble.severity]),
      el("div", {}, el("h2", {}, trouble.title), el("p", {}, trouble.meaning), el("p", { class: "remedy" }, trouble.remedy)),
      trouble.resume && may("ops") ? button("Resume", () => onresume(trouble.resume), "quiet small") : null,
    ]);
  });
}
