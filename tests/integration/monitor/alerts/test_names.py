"""The rules of Prometheus against what the monitor really exports."""

import re

from relais.store.settle import settle_completed
from relais.store.sweep import note_heartbeat
from relais_monitor.alerts.catalogue import RULES
from relais_monitor.alerts.recording import RECORDINGS
from support.seeding import accept_many, answer, claim, make_agent, make_worker

EXPRS = [rule.expr for rule in (*RULES, *RECORDINGS)]


def _everything_known(engine):
    """A worker, a sweeper that sees its broker, an answered message: every metric has a sample."""
    accept_many(engine, make_agent(engine), 1)
    job = claim(engine, make_worker(engine))
    with engine.begin() as conn:
        settle_completed(conn, job.id, job.attempt, answer())
        note_heartbeat(conn, "sweeper", {})
        note_heartbeat(conn, "broker", {"up": True, "ready": {"ai-messages": 0}, "alarms": []})


def test_every_metric_that_a_rule_reads_is_exported(monitor, engine):
    """A rule over a name that nobody exports could never fire."""
    _everything_known(engine)
    exported = {name for name, _ in monitor.scrape()}
    read = {name for expr in EXPRS for name in re.findall(r"\brelais_\w+", expr)}
    assert len(read) > 15  # the search can't come to nothing unnoticed
    assert read - exported == set()


def test_every_label_that_a_rule_selects_by_is_exported(monitor, engine):
    """A selector that matches nothing would be as blind; the bound of the objective is one of them."""
    _everything_known(engine)
    samples = list(monitor.scrape())
    selectors = {found for expr in EXPRS for found in re.findall(r"\b(relais_\w+)\{([^}]*)\}", expr)}
    assert len(selectors) > 8
    assert [selector for selector in selectors if not any(_selects(selector, sample) for sample in samples)] == []


def test_every_recorded_series_that_an_alert_reads_is_recorded():
    """An alert over a series that no rule records could never fire."""
    read = {name for rule in RULES for name in re.findall(r"\brelais:[\w:]+", rule.expr)}
    assert read
    assert read <= {recording.record for recording in RECORDINGS}


def _selects(selector, sample):
    (metric, matchers), (name, labels) = selector, sample
    wanted = re.findall(r'(\w+)=~?"([^"]*)"', matchers)
    given = dict(labels)
    return name == metric and all(
        re.fullmatch(value.replace("\\\\", "\\"), given.get(key, "")) for key, value in wanted
    )
