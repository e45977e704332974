"""The rules for the parts of Relais: schema, sweeper, broker, workers."""

from collections.abc import Iterator

from relais.diagnosis.facts import Facts
from relais.diagnosis.findings import Code, Finding, Severity
from relais.explain.words import count, time_of
from relais.liveness import sweeper_is_late


def find_outdated_schema(facts: Facts) -> Iterator[Finding]:
    """A database that has another schema than this release."""
    if not facts.is_current:
        yield Finding(
            Code.SCHEMA_OUTDATED,
            Severity.CRITICAL,
            f"The schema of the database is at {facts.revision or 'nothing'}; this release needs {facts.head}.",
            1,
            "Migrate the database; it is safe to repeat. Nothing else was looked at.",
            "relais migrate",
            [{"revision": facts.revision, "needed": facts.head}],
        )


def find_silent_sweeper(facts: Facts) -> Iterator[Finding]:
    """A sweeper that doesn't run."""
    age_s = facts.sweeper_age_s
    if sweeper_is_late(age_s):
        ran = "never ran" if age_s is None else f"last ran {time_of(age_s)} ago"
        yield Finding(
            Code.SWEEPER_SILENT,
            Severity.CRITICAL,
            f"The sweeper {ran}: nobody takes back the jobs of dead workers or announces what was forgotten.",
            1,
            "Start the sweeper (python -m relais_worker.sweeper); if one should run, see its log.",
            evidence=[{"sweeper_ran_s": age_s}],
        )


def find_broker_down(facts: Facts) -> Iterator[Finding]:
    """A broker that the sweeper can't reach."""
    if facts.broker_up is False:
        waiting = sum(queue.waiting for queue in facts.queues)
        yield Finding(
            Code.BROKER_DOWN,
            Severity.CRITICAL,
            f"The sweeper can't reach the broker: no worker is woken for the {count(waiting, 'job')} waiting.",
            waiting,
            "Start RabbitMQ, or correct RELAIS_BROKER_URL. Messages are accepted meanwhile; the sweeper announces what "
            "waits as soon as the broker is back.",
            evidence=[{"broker_up": False, "waiting": waiting}],
        )


def find_silent_workers(facts: Facts) -> Iterator[Finding]:
    """Workers that hang: neither gone nor heard of."""
    silent = facts.silent_workers
    if silent:
        yield Finding(
            Code.WORKER_SILENT,
            Severity.WARNING,
            f"{count(len(silent), 'worker')} {'has' if len(silent) == 1 else 'have'} not been heard of for up to "
            f"{time_of(max(worker.age_s for worker in silent))}, without a goodbye.",
            len(silent),
            "See whether the process still runs: end one that hangs, and start another. Its jobs come back by "
            "themselves when their leases end.",
            evidence=[{"worker": worker.id, "name": worker.name, "seen_s": worker.age_s} for worker in silent],
        )
