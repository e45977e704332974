/** Shows the alerts of the monitor itself, and silences them. */

import { button, el, setText, byId } from "./dom.js";
import { confirm } from "./confirm.js";
import { operate } from "./http.js";
import { may } from "./key.js";
import { makeTable } from "./table.js";
import { clock, count } from "./words.js";

const RANK = ["firing", "pending", "resolved", "unknown", "inactive"];
const TONE = { firing: "bad", pending: "warn", resolved: "good", unknown: "calm", inactive: "calm" };

/** Make the list; `ondone` is called after a silence was set or ended. */
export function makeAlerts(ondone) {
  return makeTable("Alerts", [
    { title: "State", class: "tight", sign: (rule) => [rule.state, silenced(rule)], cell: (rule) => el("span", { class: "badge", "data-tone": silenced(rule) ? "calm" : TONE[rule.state] }, silenced(rule) ? `${rule.state}, silenced` : rule.state) },
    { title: "Alert", class: "wide", sign: (rule) => [rule.name, rule.summary], cell: (rule) => [el("strong", {}, rule.summary ?? rule.name), el("span", { class: "sub" }, `${rule.name} · ${rule.severity}`)] },
    { title: "Since", class: "tight", label: "since", sign: (rule) => rule.since, cell: (rule) => (rule.since ? clock(rule.since) : "") },
    {
      title: "", class: "tight", sign: (rule) => [rule.name, rule.state, silenced(rule), may("ops")],
      cell: (rule) => (may("ops") ? el("span", { class: "row-actions" }, turn(rule, ondone)) : null),
    },
  ], { keyOf: (rule) => rule.key, empty: "All quiet: no alert fires." });
}

/** The rules of `/api/alerts` that matter now, the worst first; and how many are watched. */
export function alertsOf(body) {
  const rules = body.rules ?? body.alerts ?? [];
  const rows = rules.flatMap((rule) => {
    const alerts = rule.alerts ?? rule.instances ?? [];
    if (!alerts.length) return [{ ...rule, key: rule.name, state: rule.state ?? "inactive" }];
    return alerts.map((alert, index) => ({ ...rule, ...alert, name: rule.name, key: `${rule.name}:${index}`, silence: rule.silence ?? alert.silence, silenced: rule.silenced ?? alert.silenced }));
  });
  const shown = rows.filter((row) => ["firing", "pending", "resolved"].includes(row.state) || silenced(row));
  shown.sort((a, b) => RANK.indexOf(a.state) - RANK.indexOf(b.state));
  setText(byId("alerts-summary"), `${count(rules.length, "rule")} watched`);
  return shown;
}

function silenced(rule) {
  return Boolean(rule.silence ?? rule.silenced);
}

function turn(rule, ondone) {
  if (silenced(rule)) return button("End silence", () => end(rule, ondone), "quiet small", { "aria-label": `End the silence of ${rule.name}` });
  return button("Silence", () => silence(rule, ondone), "quiet small", { "aria-label": `Silence ${rule.name}` });
}

function silence(rule, ondone) {
  const minutes = el("input", { type: "number", min: 1, max: 10_080, value: 60, required: true });
  const reason = el("input", { maxLength: 200, placeholder: "maintenance of the model server" });
  confirm({
    title: `Silence ${rule.name}`,
    nodes: [
      el("p", { class: "meaning" }, "Nobody is notified of it meanwhile; it stays visible here. The silence ends by itself."),
      el("div", { class: "fields" }, el("label", {}, "Minutes", minutes), el("label", {}, "Reason", reason)),
    ],
    yes: "Silence",
    run: async () => {
      await operate("POST", "/api/silences", { body: { rule: rule.name, minutes: Number(minutes.value), reason: reason.value.trim() } });
      return `Silenced ${rule.name}.`;
    },
    ondone,
  });
}

function end(rule, ondone) {
  confirm({
    title: `End the silence of ${rule.name}`,
    nodes: [el("p", { class: "meaning" }, "People are notified of it again.")],
    yes: "End silence",
    run: async () => {
      const { silences = [] } = await operate("GET", "/api/silences");
      const ids = silences.filter((entry) => entry.rule === rule.name).map((entry) => entry.id);
      await Promise.all(ids.map((id) => operate("DELETE", `/api/silences/${id}`)));
      return `The silence of ${rule.name} is over.`;
    },
    ondone,
  });
}
