"""The rules for what failed within a day, and for jobs that cost their workers their lives."""

from collections.abc import Iterator

from relais.diagnosis.facts import Facts, FailureGroup
from relais.diagnosis.findings import Code, Finding, Severity
from relais.diagnosis.limits import POISON_FROM
from relais.explain.words import count, time_of
from relais.lifecycle import State

# What lies in the message or the document itself, or is a consequence of a deletion: for its sender to mend.
_OF_THE_SENDER = {
    "agent_deleted", "agent_missing", "message_missing", "question_too_long", "unreadable_document",
}  # fmt: skip
_WORKER_LOST = "worker_lost"  # found as poison


def find_failures(facts: Facts) -> Iterator[Finding]:
    """What failed within a day and still is, by its cause, the most frequent first."""
    for group in sorted(facts.failures, key=lambda group: -group.count):
        if group.error_code != _WORKER_LOST:
            yield _failed(group)


def _failed(group: FailureGroup) -> Finding:
    theirs = group.error_code in _OF_THE_SENDER
    when = f"last {time_of(group.last_s)} ago" + (f", first {time_of(group.first_s)} ago" if group.count > 1 else "")
    return Finding(
        Code.FAILURES,
        Severity.INFO if theirs else Severity.WARNING,
        f"{count(group.count, 'job')} failed within a day with {group.error_code} ({when}).",
        group.count,
        f"Nothing here: the cause lies in what was sent (docs/troubleshooting.md has {group.error_code})."
        if theirs
        else f"Mend the cause (docs/troubleshooting.md has {group.error_code}), then retry; --limit 5 tries a few.",
        f"relais queue {'failed' if theirs else 'retry'} --error-code {group.error_code}",
        [{"error_code": group.error_code, "first_s": group.first_s, "last_s": group.last_s, "refs": list(group.refs)}],
    )


def find_poison(facts: Facts) -> Iterator[Finding]:
    """Jobs whose workers die again and again."""
    jobs = [job for job in facts.poison if job.state is State.FAILED or job.lost >= POISON_FROM]
    if not jobs:
        return
    worst = max(jobs, key=lambda job: job.lost)
    live = [job for job in jobs if job.state is not State.FAILED]
    yield Finding(
        Code.POISON,
        Severity.CRITICAL if live else Severity.WARNING,
        f"{count(len(jobs), 'job')} cost {count(worst.lost, 'worker')} "
        f"{'their lives' if worst.lost > 1 else 'its life'}: each attempt ended with the death of the process"
        + (f"; {count(len(live), 'job')} of these will be tried again." if live else "."),
        len(jobs),
        "Cancel it before it takes the next worker, then see that worker's log and memory limit."
        if live
        else "See the log and the memory limit of the workers that died; retry one alone before you retry more.",
        f"relais queue cancel {live[0].ref}" if live else f"relais queue retry {jobs[0].ref}",
        [{"ref": job.ref, "state": str(job.state), "workers_lost": job.lost} for job in jobs],
    )
