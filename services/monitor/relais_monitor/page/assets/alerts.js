/** Shows the alerts of the monitor itself, and silences them. */

import { button, el, setText, byId } from "./dom.js";
import { confirm } from "./confirm.js";
import { operate } from "./http.js";
import { may } from "./key.js";
import { makeTable } from "./table.js";
import { clock, count, number } from "./words.js";

const TONE = { firing: "bad", pending: "warn", resolved: "good", unknown: "calm", inactive: "calm" };
const QUIET = new Set(["inactive", "unknown"]);

/** Make the list; `ondone` is called after a silence was set or ended. */
export function makeAlerts(ondone) {
  return makeTable("Alerts", [
    { title: "State", class: "tight", sign: (alert) => [alert.state, silenced(alert), alert.inhibited], cell: state },
    {
      title: "Alert", class: "wide", sign: (alert) => [alert.rule, alert.labels, alert.evidence, alert.runbook],
      cell: (alert) => [el("strong", {}, alert.summary), labels(alert), alert.evidence ? el("span", { class: "sub" }, alert.evidence) : null, naming(alert)],
    },
    { title: "Since", class: "tight", label: "since", sign: (alert) => alert.since, cell: (alert) => (alert.since ? clock(alert.since) : "") },
    {
      title: "", class: "tight only-ops", sign: (alert) => [alert.rule, silenced(alert), may("ops")],
      cell: (alert) => (may("ops") ? el("span", { class: "row-actions" }, turn(alert, ondone)) : null),
    },
  ], { keyOf: (alert) => `${alert.rule}:${JSON.stringify(alert.labels)}`, empty: "Not judged yet." });
}

/**
 * What of `/api/alerts` matters now: the alerts, the worst first; whether any were judged; how many rules of the
 * monitor's own can't be; the words for an empty list. Says how many are watched.
 */
export function alertsOf({ alerts, looked_at: lookedAt }) {
  const own = alerts.filter((alert) => alert.watched_by === "monitor");
  const judged = lookedAt !== null;
  const unknown = rulesOf(own.filter((alert) => alert.state === "unknown"));
  const unsure = judged && unknown ? `${number(unknown)} can't be judged now` : "";
  setText(byId("alerts-summary"), judged ? [`${count(rulesOf(own), "rule")} watched`, unsure].filter(Boolean).join(", ") : "not judged yet");
  const words = !judged ? "Not judged yet." : unsure ? `No alert fires, but ${unsure}.` : "All quiet: no alert fires.";
  return { judged, unsure, words, alerts: alerts.filter((alert) => !QUIET.has(alert.state) || silenced(alert)) };
}

function rulesOf(alerts) {
  return new Set(alerts.map((alert) => alert.rule)).size;
}

function state(alert) {
  const more = silenced(alert) ? `, silenced until ${clock(alert.silenced_until)}` : alert.inhibited ? ", its cause fires" : "";
  return el("span", { class: "badge", "data-tone": more ? "calm" : TONE[alert.state] }, alert.state + more);
}

function labels(alert) {
  const words = Object.entries(alert.labels).map(([name, value]) => `${name} ${value}`).join(", ");
  return words ? ` (${words})` : null;
}

// The runbook is linked where people can open it: an address, not a file of the repository.
function naming(alert) {
  const link = /^https?:/.test(alert.runbook) ? el("a", { href: alert.runbook, rel: "noreferrer", target: "_blank" }, "runbook") : alert.runbook;
  return el("span", { class: "sub" }, `${alert.rule} · ${alert.severity} · `, link);
}

function silenced(alert) {
  return alert.silenced_until !== null;
}

function turn(alert, ondone) {
  if (silenced(alert)) return button("End silence", () => end(alert.rule, ondone), "quiet small", { "aria-label": `End the silence of ${alert.rule}` });
  return button("Silence", () => silence(alert.rule, ondone), "quiet small", { "aria-label": `Silence ${alert.rule}` });
}

function silence(rule, ondone) {
  const minutes = el("input", { type: "number", min: 1, max: 10_080, value: 60, required: true });
  const reason = el("input", { maxLength: 200, placeholder: "maintenance of the model server" });
  confirm({
    title: `Silence ${rule}`,
    nodes: [
      el("p", { class: "meaning" }, "Nobody is notified of it meanwhile; it stays visible here. The silence ends by itself."),
      el("div", { class: "fields" }, el("label", {}, "Minutes", minutes), el("label", {}, "Reason", reason)),
    ],
    yes: "Silence",
    run: async () => {
      await operate("POST", "/api/silences", { body: { rule, minutes: Number(minutes.value), reason: reason.value.trim() } });
      return `Silenced ${rule}.`;
    },
    ondone,
  });
}

function end(rule, ondone) {
  confirm({
    title: `End the silence of ${rule}`,
    nodes: [el("p", { class: "meaning" }, "People are notified of it again.")],
    yes: "End silence",
    run: async () => {
      const { silences = [] } = await operate("GET", "/api/silences");
      const ids = silences.filter((entry) => entry.rule === rule).map((entry) => entry.id);
      await Promise.all(ids.map((id) => operate("DELETE", `/api/silences/${id}`)));
      return `The silence of ${rule} is over.`;
    },
    ondone,
  });
}
