"""The table of metrics against what the monitor exports."""

import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from prometheus_client.core import Metric

from relais.lifecycle import State
from relais.parts import ALARMS, Part
from relais.queues import QUEUE_NAMES, Kind
from relais.store.backlog import Backlog
from relais.store.ledger import LedgerEvent
from relais.store.stats import BrokerReport, Stats
from relais_monitor.metrics.families import families
from relais_monitor.snapshot import History, Snapshot
from relais_monitor.tally.minutes import Minutes
from relais_monitor.tally.recording import record_total
from relais_monitor.tally.sums import Sums
from relais_monitor.windows import WINDOWS, add_up_window

ROOT = Path(__file__).parents[3]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
HEAD = "| metric | type | labels | says |"
NOW = datetime(2026, 1, 2, 12, tzinfo=UTC).timestamp()
AGENT = UUID(int=1)


def everything_known() -> Snapshot:
    """A snapshot in which nothing is unknown: a worker, a sweeper, a broker, an answer."""
    stats = Stats(
        now=NOW,
        backlog=Backlog({(kind, State.QUEUED): 1 for kind in Kind}, dict.fromkeys(Kind, 1.0), dict.fromkeys(Kind, 1.0)),
        workers_alive=1,
        workers_silent=0,
        slots=1,
        slots_busy=0,
        slots_waiting=0,
        waiting_for=dict.fromkeys(Part, 0),
        sweeper_ran_at=NOW,
        broker=BrokerReport(up=True, ready=dict.fromkeys(QUEUE_NAMES, 0), alarms=ALARMS),
        agents={AGENT: "demo"},
        deleted_agents={},
        models=frozenset({"llama3.2"}),
        queues_paused=dict.fromkeys(QUEUE_NAMES),
        agents_paused=[],
    )
    event = LedgerEvent(
        1, NOW, Kind.ANSWER, AGENT, "complete", State.PROCESSING, State.COMPLETED, None, 1, 1, 1,
        model="llama3.2", grounded=True, tokens_prompt=1, tokens_completion=1, generate_ms=1.0,
    )  # fmt: skip
    totals, minutes = Sums(), Minutes()
    record_total(totals, event)
    minutes.record(event)
    windows = {name: add_up_window(minutes.view(), name, NOW) for name in WINDOWS}
    return Snapshot(stats, dict(stats.backlog.jobs), History(NOW, totals, minutes.view(), windows))


def exported() -> list[Metric]:
    return list(families(everything_known()))


def _row(family: Metric) -> tuple[str, str, str]:
    suffix = {"counter": "_total", "info": "_info"}.get(family.type, "")
    labels = sorted({label for sample in family.samples for label in sample.labels} - {"le"})
    return f"`{family.name}{suffix}`", family.type, ", ".join(labels)


def _documented() -> list[tuple[str, ...]]:
    lines = OPERATIONS.splitlines()
    first = lines.index(HEAD) + 2
    rows = lines[first : lines.index("", first)]
    return [tuple(cell.strip() for cell in row.strip("|").split("|"))[:3] for row in rows]


def test_the_table_has_every_metric_with_its_type_and_labels() -> None:
    """Whoever writes a query finds its metric on the page, and no metric that isn't there."""
    assert sorted(_documented()) == sorted(map(_row, exported()))


def test_every_metric_has_a_name_of_its_own_and_says_what_it_is() -> None:
    """One family per name, below `relais_`, with a sentence of help and its unit in the name."""
    names = Counter(family.name for family in exported())
    assert [name for name, count in names.items() if count > 1 or not name.startswith("relais_")] == []
    assert [family.name for family in exported() if not re.fullmatch(r".+\.", family.documentation)] == []
    timed = [family.name for family in exported() if family.type == "histogram" and "attempts" not in family.name]
    assert [name for name in timed if not name.endswith("_seconds")] == []


def test_no_page_names_a_metric_that_is_not_exported() -> None:
    """What a page tells the reader to watch can be watched."""
    known = {_row(family)[0].strip("`") for family in exported()}
    known |= {f"{name}_{suffix}" for name in known for suffix in ("bucket", "sum", "count")}
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    named = {name for page in pages for name in re.findall(r"`(relais_[a-z_]+[a-z])[`{]", page.read_text())}
    assert {name for name in named if not (ROOT / "services/monitor" / name).exists()} - known - PACKAGES == set()


# Packages, roles and databases have names of the same form.
PACKAGES = {
    "relais_api",
    "relais_worker",
    "relais_monitor",
    "relais_models",
    "relais_cli",
    "relais_app",
    "relais_owner",
}
