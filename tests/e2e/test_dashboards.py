"""Every query of the dashboards and of the scaling, asked of a real Prometheus that scraped a real system at work."""

import math
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from relais_cli.parts.model_server import ModelServer
from relais_cli.parts.ports import free_port
from relais_dashboards import DASHBOARDS
from relais_dashboards.promql import INTERVAL
from support.manifests import of_kind
from support.prometheus import watching
from support.stack import Stack, stopping
from support.waiting import wait_until

pytestmark = pytest.mark.timeout(240)
ANSWERED, FAILED = 4, 2
QUERIES = {
    f"{dashboard.uid}: {panel.title}, {query.legend or '-'}": query
    for dashboard in DASHBOARDS
    for panel in dashboard.panels
    for query in panel.queries
}
_FINISHED = (
    'kind="ingest", outcome="completed", agent="agent"',
    'kind="answer", outcome="completed", agent="agent"',
    'kind="answer", outcome="failed", agent="failing"',
)
_NOBODY = "http://127.0.0.1:9/"  # nobody listens there, and no alert is to fire


@pytest.fixture
def stack(database_url: str, amqp_url: str, model_server: ModelServer, tmp_path: Path) -> Iterator[Stack]:
    """All services; the monitor is on a port of its own."""
    settings = {"RELAIS_MONITOR_PORT": str(free_port())}
    with stopping(Stack(tmp_path, database_url, amqp_url, model_server.url, settings)) as stack:
        yield stack


@dataclass(frozen=True)
class Work:
    """Prometheus over a system that was at work between two moments; both in seconds since 1970."""

    http: httpx.Client
    rested_at: float
    done_at: float

    def names(self) -> set[str]:
        """Of all series."""
        return set(self.http.get("/api/v1/label/__name__/values").json()["data"])

    def values(self, expr: str) -> list[float]:
        """What a query gave after the work, without what is no number; what lies before it stands for long ago."""
        ago_ms = round(1000 * (self.done_at - self.rested_at))
        expr = re.sub(r"offset \w+", f"offset {ago_ms}ms", expr.replace(INTERVAL, "2m"))
        return _values(self.http, expr, self.done_at)


@pytest.fixture
def work(stack: Stack, tmp_path: Path) -> Iterator[Work]:
    """A system that was at work: a document was read, some messages were answered, and some failed."""
    folder = tmp_path / "watchers"
    folder.mkdir()
    stack.start("relais_monitor")
    stack.start_sweeper()
    stack.start_worker()
    stack.start_api()
    with (
        watching(folder, monitor=f"127.0.0.1:{stack.settings['RELAIS_MONITOR_PORT']}", webhook=_NOBODY) as watchers,
        httpx.Client(base_url=watchers.prometheus, timeout=10) as http,
    ):
        tokens = [stack.make_agent(), stack.make_agent(slug="failing", chat_model="nobody-has-it")]
        rested_at = wait_until(lambda: _seen_at(http, 0, 0, 0), 60, "Prometheus has seen the agents at rest")
        _upload(stack)
        wait_until(lambda: _seen_at(http, 1, 0, 0), 60, "the document is read")
        for token, count in zip(tokens, (ANSWERED, FAILED), strict=True):
            _ask(stack, token, count)
        done_at = wait_until(lambda: _judged_at(http, 1, ANSWERED, FAILED), 90, "all answered or failed")
        yield Work(http, rested_at, done_at)


def _seen_at(http: httpx.Client, *finished: int) -> float | None:
    """A moment at which Prometheus had seen just so many documents, answers and failures, and had its rules' series.

    It is fixed, and all queries are asked for it: a scrape that fails on a loaded machine would leave holes in others.
    It lies back far enough for such a scrape to have ended.
    """
    moment = time.time() - 2.5
    found = [_values(http, f"relais_jobs_finished_total{{{labels}}}", moment) for labels in _FINISHED]
    recorded = _values(http, 'relais:oldest_waiting_late:avg6h{kind="answer"}', moment)
    return moment if found == [[count] for count in finished] and recorded else None


def _judged_at(http: httpx.Client, *finished: int) -> float | None:
    """Such a moment, by which the rules had been evaluated over what was seen; until then their ratios are 0 / 0."""
    moment = _seen_at(http, *finished)
    ratio = 'relais:queue_wait_late:ratio_rate6h{kind="answer"}'
    return moment if moment and _values(http, ratio, moment) else None


def _ask(stack: Stack, token: str, count: int) -> None:
    for number in range(count):
        message = {"content": f"When are refunds of {number} paid?"}
        sent = httpx.post(f"{stack.url}/c/{token}/message", json=message, timeout=20)
        assert sent.status_code == 202, sent.text


def _upload(stack: Stack) -> None:
    files = [("file", ("refunds.md", b"# Refunds\n\nRefunds of 1 to 9 are paid within 30 days.", "text/markdown"))]
    sent = httpx.post(f"{stack.url}/api/agents/agent/documents", headers=stack.admin, files=files, timeout=20)
    assert sent.status_code == 202, sent.text


def _values(http: httpx.Client, expr: str, at: float) -> list[float]:
    """What an instant query gives, without what is no number; a query that isn't understood raises."""
    reply = http.get("/api/v1/query", params={"query": expr, "time": at})
    reply.raise_for_status()
    found = [float(sample["value"][1]) for sample in reply.json()["data"]["result"]]
    return [value for value in found if not math.isnan(value)]


def test_every_panel_shows_something(work: Work) -> None:
    """Every query is understood, names series that exist, and gives numbers, or says when it rightly gives none.

    So do those by which KEDA scales, which must give exactly one.
    """
    used = {name for query in QUERIES.values() for name in re.findall(r"\brelais[_:][\w:]+", query.expr)}
    assert used - work.names() == set()

    empty = {name for name, query in QUERIES.items() if not work.values(query.expr)}
    assert {name for name in empty if not QUERIES[name].empty_when} == set()
    # In this system only alerts are missing: everything else that may be empty was there.
    assert empty <= {"relais-reliability: Alerts, -"}

    (scaling,) = of_kind("ScaledObject").values()
    for trigger in scaling["spec"]["triggers"]:
        assert len(work.values(trigger["metadata"]["query"])) == 1, trigger["name"]
