"""Reads, in one snapshot, everything that a diagnosis of the whole system rests on.

Each statement walks an index and stops at a limit, so that the cost depends on what is wrong, not on the tables' size.
"""

from sqlalchemy import Connection, text

from relais.diagnosis.facts import Facts, SilentWorker
from relais.store.diagnosis_answers import read_broken
from relais.store.diagnosis_ends import read_failures, read_poison
from relais.store.diagnosis_queues import read_paused_agents, read_queues
from relais.store.diagnosis_runs import read_runs, read_stray_leases
from relais.store.migrate import current_revision, head_revision
from relais.store.stats import BROKER_REPORT_VALID_S
from relais.store.workers import alive_sql

_SIGNS = text(f"""
SELECT (SELECT extract(epoch FROM now() - ran_at)::float FROM heartbeats WHERE part = 'sweeper') AS sweeper_age_s,
       (SELECT details FROM heartbeats
        WHERE part = 'broker' AND ran_at > now() - interval '{BROKER_REPORT_VALID_S} seconds') AS broker""")
_SILENT_WORKERS = text(f"""
SELECT id, name, extract(epoch FROM now() - heartbeat_at)::float AS age_s FROM workers
WHERE stopped_at IS NULL AND NOT {alive_sql("workers")}
ORDER BY heartbeat_at LIMIT 100""")


def read_diagnosis(conn: Connection) -> Facts:
    """Read the facts; the caller's transaction must be REPEATABLE READ for them to agree with one another."""
    revision, head = current_revision(conn), head_revision()
    if revision != head:
        return Facts(revision, head)
    signs = conn.execute(_SIGNS).one()
    broker = signs.broker or {}
    return Facts(
        revision,
        head,
        queues=read_queues(conn, broker.get("ready") or {}),
        paused_agents=read_paused_agents(conn),
        runs=read_runs(conn),
        stray_leases=read_stray_leases(conn),
        failures=read_failures(conn),
        poison=read_poison(conn),
        broken=read_broken(conn),
        silent_workers=[SilentWorker(*row) for row in conn.execute(_SILENT_WORKERS)],
        sweeper_age_s=signs.sweeper_age_s,
        broker_up=broker.get("up"),
    )
