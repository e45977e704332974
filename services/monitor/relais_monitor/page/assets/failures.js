/** Shows why jobs fail, grouped by cause. */

import { button, el } from "./dom.js";
import { makeMessages } from "./failure-messages.js";
import { may } from "./key.js";
import { makeTable } from "./table.js";
import { ago, clock, number } from "./words.js";

/**
 * Make the list.
 * @param {{now: () => string, onshow: (filter) => void, onretry: (filter) => void}} options
 */
export function makeFailures({ now, onshow, onretry }) {
  let last = [];
  const messages = makeMessages(() => table.show(last));
  const filterOf = (cause) => ({ state: "failed", kind: cause.kind, error_code: cause.error_code });
  const table = makeTable("Failures by cause", [
    {
      title: "Cause", class: "wide c-cause", sign: (cause) => [cause.error_code, cause.kind, messages.of(cause.last_ref)],
      cell: (cause) => [el("strong", { class: "mono" }, cause.error_code), el("span", { class: "sub" }, cause.kind), message(messages.of(cause.last_ref))],
    },
    { title: "Failed", label: "failed", class: "number", sign: (cause) => [cause.failed, cause.more], cell: (cause) => number(cause.failed) + (cause.more ? "+" : "") },
    { title: "Retrying", label: "retrying", class: "number", sign: (cause) => cause.retrying, cell: (cause) => (cause.retrying ? number(cause.retrying) : "") },
    {
      title: "First and last", class: "tight", sign: (cause) => [cause.last_ref, cause.first_at, cause.last_at && ago(cause.last_at, now())],
      cell: (cause) => [
        cause.last_at ? `${ago(cause.last_at, now())} ` : "", el("a", { class: "ref", href: `/jobs/${cause.last_ref}` }, cause.last_ref),
        cause.failed > 1 ? el("span", { class: "sub" }, `first ${clock(cause.first_at)}`) : null,
      ],
    },
    {
      title: "", class: "tight", sign: (cause) => [cause.error_code, cause.kind, cause.failed > 0, may("ops")],
      cell: (cause) => el("span", { class: "row-actions" },
        button("Show", () => onshow(cause.failed ? filterOf(cause) : { kind: cause.kind, error_code: cause.error_code }), "quiet small", { "aria-label": `Show jobs with ${cause.error_code}` }),
        may("ops") && cause.failed ? button("Retry", () => onretry(filterOf(cause)), "quiet small", { "aria-label": `Retry jobs with ${cause.error_code}` }) : null),
    },
  ], { keyOf: (cause) => `${cause.kind}:${cause.error_code}`, empty: "Nothing failed." });
  return {
    node: table.node,
    show(causes) {
      last = causes;
      messages.follow(causes.map((cause) => cause.last_ref));
      table.show(causes);
    },
  };
}

function message(words) {
  return words ? el("span", { class: "sub" }, words) : null;
}
