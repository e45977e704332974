/** Shows what the API finds wrong with the queues, rows against broker against leases, to those who hold a key. */

import { byId, el } from "./dom.js";
import { operate } from "./http.js";
import { may, watchKey } from "./key.js";
import { makeTable } from "./table.js";
import { number } from "./words.js";

const TONE = { critical: "bad", warning: "warn", info: "calm" };
const SHOWN_REFS = 5;

/** Make the panel work. */
export function startDiagnosis(node) {
  const table = makeTable("Findings", [
    { title: "Severity", class: "tight", sign: (finding) => finding.severity, cell: (finding) => el("span", { class: "badge", "data-tone": TONE[finding.severity] }, finding.severity) },
    {
      title: "Finding", class: "wide", sign: (finding) => [finding.title, finding.recommendation, finding.command],
      cell: (finding) => [el("strong", {}, finding.title), el("span", { class: "sub" }, finding.recommendation), finding.command ? el("span", { class: "sub mono" }, finding.command) : null],
    },
    { title: "Count", label: "count", class: "number", sign: (finding) => finding.count, cell: (finding) => number(finding.count) },
    { title: "Jobs", class: "", sign: refsOf, cell: (finding) => refsOf(finding).flatMap((ref) => [el("a", { class: "ref", href: `/jobs/${ref}` }, ref), " "]) },
  ], { keyOf: (finding) => `${finding.code}:${finding.title}`, empty: "" });
  node.append(table.node);

  let asked = 0;

  async function diagnose() {
    const mine = (asked += 1); // who signs out, or in as somebody else, asks anew
    byId("diagnose").disabled = !may("read");
    if (!may("read")) return table.show([], "Sign in with an operator's key to compare rows, broker and leases, and to get a recommendation for everything that is wrong.");
    try {
      const { findings } = await operate("GET", "/api/diagnosis");
      if (mine === asked) table.show(findings, `Nothing is wrong, at ${new Date().toLocaleTimeString("en-GB")}.`);
    } catch (error) {
      if (mine === asked) table.show([], error.message);
    }
  }

  byId("diagnose").addEventListener("click", diagnose);
  watchKey(diagnose);
}

function refsOf(finding) {
  const refs = finding.evidence.flatMap((entry) => [entry.ref, ...(entry.refs ?? [])]).filter((ref) => /^[0-9a-f]{12}$/.test(ref ?? ""));
  return [...new Set(refs)].slice(0, SHOWN_REFS);
}
