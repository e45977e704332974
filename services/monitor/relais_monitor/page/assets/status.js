/** The status page: reads the picture of this moment again and again, and shows it. */

import { alertsOf, makeAlerts } from "./alerts.js";
import { startAudit } from "./audit.js";
import { startDiagnosis } from "./diagnosis.js";
import { byId, el, setText } from "./dom.js";
import { makeFailures } from "./failures.js";
import { read } from "./http.js";
import { startJobs } from "./jobs-panel.js";
import { watchKey } from "./key.js";
import { letIn } from "./let-in.js";
import { noteTime, repeat, showLive } from "./live.js";
import { startSignIn } from "./sign-in.js";
import { showAlertTile, showEnds, showTiles } from "./tiles.js";
import { startTrends } from "./trends.js";
import { showTroubles } from "./troubles.js";
import { makeValves, resume, valvesOf } from "./valves.js";
import { wake } from "./wake.js";
import { makeWorkers } from "./workers.js";
import { count } from "./words.js";

const EVERY_MS = 2_000;
const ALERTS_EVERY_MS = 5_000;
const AUDIT_EVERY_MS = 10_000;

let overview = null;

startSignIn();
const refreshAudit = startAudit(byId("audit-body"));
const jobs = startJobs(changed);
const failures = makeFailures({
  now: () => overview.at,
  onshow: (filter) => jobs.find(filter),
  onretry: (filter) => jobs.act("retry", { filter }),
});
const workers = makeWorkers();
const valves = makeValves(changed);
const alerts = makeAlerts(() => alertsLoop.wake());
byId("failures-body").append(failures.node);
byId("workers-body").append(workers.node);
byId("valves-body").append(valves.node);
byId("alerts-body").append(alerts.node);
startTrends();
startTileLinks();
startDiagnosis(byId("diagnosis-body"));
letIn();

const loop = repeat(refresh, EVERY_MS, showLive);
const alertsLoop = repeat(refreshAlerts, ALERTS_EVERY_MS);
repeat(refreshAudit, AUDIT_EVERY_MS);
watchKey(() => overview && show());

async function refresh() {
  overview = await read("/api/overview");
  noteTime(overview.at);
  show();
  showEnds((await read("/api/stats")).figures);
}

function show() {
  showTroubles(byId("troubles"), overview.troubles, mend);
  showTiles(overview);
  jobs.show(overview);
  failures.show(overview.failures);
  workers.show(overview.workers);
  valves.show(valvesOf(overview));
  const { alive, busy, slots } = overview.capacity;
  setText(byId("workers-summary"), alive ? `${count(alive, "worker")}, ${busy} of ${count(slots, "slot")} busy` : "No workers");
  offer("agents", overview.agents);
  offer("error-codes", overview.failures.map((cause) => cause.error_code));
}

function mend({ resume: path, retry }) {
  if (path) resume(path, changed);
  else if (retry) jobs.act("retry", { filter: retry });
  else wake(changed);
}

async function refreshAlerts() {
  const found = alertsOf(await read("/api/alerts"));
  alerts.show(found.alerts, found.words);
  showAlertTile(found);
}

function changed() {
  loop.wake();
  refreshAudit();
}

function offer(id, values) {
  const list = byId(id);
  const wanted = [...new Set(values)];
  if ([...list.children].map((option) => option.value).join() === wanted.join()) return;
  list.replaceChildren(...wanted.map((value) => el("option", { value })));
}

// A tile is a link to its filter; here it needs no new page.
function startTileLinks() {
  for (const tile of document.querySelectorAll("a.tile[href^='/']")) {
    tile.addEventListener("click", (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey) return;
      event.preventDefault();
      jobs.find(Object.fromEntries(new URL(tile.href).searchParams));
    });
  }
}
