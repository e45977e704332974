/** Shows who did what, to those who hold a key. */

import { el } from "./dom.js";
import { inWords } from "./filters.js";
import { operate } from "./http.js";
import { may, watchKey } from "./key.js";
import { makeTable, textColumn } from "./table.js";
import { clock, number } from "./words.js";

/** Make the list; give what reads it anew. */
export function startAudit(node) {
  const table = makeTable("Actions of operators", [
    { title: "When", class: "tight", sign: (entry) => entry.at, cell: (entry) => clock(entry.at) },
    textColumn("Who", (entry) => entry.actor, { label: "who" }),
    { title: "What", class: "tight", sign: (entry) => entry.action, cell: (entry) => el("strong", {}, entry.action.replaceAll(/[._]/g, " ")) },
    { title: "On", class: "wide", sign: (entry) => [entry.target, entry.refs], cell: (entry) => [targetOf(entry.target), ...changed(entry.refs)] },
    textColumn("Matched", (entry) => number(entry.matching), { label: "matched", class: "number" }),
    textColumn("Changed", (entry) => number(entry.changed), { label: "changed", class: "number" }),
  ], { keyOf: (entry) => String(entry.id ?? entry.at), empty: "" });
  node.replaceChildren(table.node);

  let asked = 0;

  async function refresh() {
    const mine = (asked += 1); // who signs out, or in as somebody else, asks anew
    if (!may("read")) return table.show([], "Sign in with an operator's key to see who retried, cancelled, unlocked, cleaned, paused or silenced what, and when.");
    try {
      const page = await operate("GET", "/api/audit", { query: { limit: 20 } });
      if (mine !== asked) return;
      table.show(page.actions, "Nobody did anything yet.");
    } catch (error) {
      if (mine === asked) table.show([], error.message);
    }
  }

  watchKey(refresh);
  return refresh;
}

function changed(refs) {
  if (!refs.length) return [];
  const links = refs.slice(0, 3).flatMap((ref) => [" ", el("a", { class: "ref", href: `/jobs/${ref}` }, ref)]);
  return [el("span", { class: "sub" }, "Changed:", ...links, refs.length > 3 ? " and more" : "")];
}

function targetOf(target) {
  if (target === null || typeof target !== "object") return String(target ?? "");
  const given = Object.fromEntries(Object.entries(target).filter(([, value]) => value !== null && value !== undefined));
  return inWords(Object.fromEntries(Object.entries(given).map(([name, value]) => [name, shown(value)])));
}

// Ids are shortened to what everybody may see.
function shown(value) {
  const all = Array.isArray(value) ? value : [value];
  const words = all.slice(0, 3).map((item) => (/^[0-9a-f-]{36}$/.test(item) ? item.replaceAll("-", "").slice(0, 12) : String(item)));
  return words.join(", ") + (all.length > 3 ? ` and ${all.length - 3} more` : "");
}
