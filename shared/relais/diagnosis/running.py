"""The rules for jobs in `processing` that nobody ends, and for leases that belong to no run."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from relais.diagnosis.facts import Facts, Run
from relais.diagnosis.findings import Code, Finding, Severity
from relais.diagnosis.limits import (
    BEYOND_DEADLINE_S,
    MENDED_WITHIN_S,
    SURELY_MENDED_WITHIN_S,
    WORKER_SILENT_S,
)
from relais.explain.words import count, time_of
from relais.liveness import sweeper_is_late


def _without_lease(run: Run) -> float | None:
    return run.runs_s if run.lease_s is None else None


def _lease_over(run: Run) -> float | None:
    return -run.lease_s if run.lease_s is not None and run.lease_s < -MENDED_WITHIN_S else None


def _worker_gone(run: Run) -> float | None:
    if run.worker_age_s is None:
        return run.runs_s
    if run.worker_gone_s is not None:
        return run.worker_gone_s if run.worker_gone_s > MENDED_WITHIN_S else None
    return run.worker_age_s if run.worker_age_s > WORKER_SILENT_S else None


def _beyond_deadline(run: Run) -> float | None:
    over = run.runs_s - run.deadline_s
    return over if over > BEYOND_DEADLINE_S else None


@dataclass(frozen=True, slots=True)
class _Kind:
    """One way to be stuck: for how long a run is, None when it isn't; and whether the sweeper mends it."""

    code: Code
    stuck_s: Callable[[Run], float | None]
    says: str
    mended: bool


_KINDS = (
    _Kind(Code.NO_LEASE, _without_lease, "no lease, so that the sweeper never takes {it} back", mended=False),
    _Kind(Code.LEASE_EXPIRED, _lease_over, "a lease that ended, and nobody took {it} back", mended=True),
    _Kind(Code.WORKER_GONE, _worker_gone, "a worker that is gone or silent", mended=True),
    _Kind(Code.PAST_DEADLINE, _beyond_deadline, "been running for longer than the deadline allows", mended=False),
)


def find_stuck(facts: Facts) -> Iterator[Finding]:
    """Jobs stuck in `processing`, each under the first kind that holds."""
    left = list(facts.runs)
    for kind in _KINDS:
        stuck = [(run, stuck_s) for run in left if (stuck_s := kind.stuck_s(run)) is not None]
        left = [run for run in left if kind.stuck_s(run) is None]
        if stuck:
            yield _stuck(facts, kind, stuck)


def _stuck(facts: Facts, kind: _Kind, stuck: Sequence[tuple[Run, float]]) -> Finding:
    one = len(stuck) == 1
    longest = max(stuck_s for _, stuck_s in stuck)
    critical = not kind.mended or longest > SURELY_MENDED_WITHIN_S or sweeper_is_late(facts.sweeper_age_s)
    has = "has" if one else "have"
    jobs = f"{count(len(stuck), 'job')} in processing {has} {kind.says.format(it='it' if one else 'them')}"
    recommendation, command = _remedy(facts, kind, [run for run, _ in stuck], mends_itself=not critical)
    return Finding(
        kind.code,
        Severity.CRITICAL if critical else Severity.WARNING,
        f"{jobs} (for {time_of(longest)}).",
        len(stuck),
        recommendation,
        command,
        [_shown(run) for run, _ in sorted(stuck, key=lambda pair: -pair[1])],
    )


def _remedy(facts: Facts, kind: _Kind, runs: Sequence[Run], *, mends_itself: bool) -> tuple[str, str | None]:
    if mends_itself:
        return "Nothing yet: the sweeper gives such jobs to other workers within seconds.", None
    if kind.mended and sweeper_is_late(facts.sweeper_age_s):
        return "Start the sweeper: it gives such jobs to other workers at once.", None
    which = f" {runs[0].ref}" if len(runs) == 1 else ""
    what = "it: it goes back to its" if which else "them: they go back to their"
    recommendation = f"Unlock {what} place in the line, and what the old attempt still sends is dropped."
    return recommendation, f"relais queue unlock{which}"


def _shown(run: Run) -> dict[str, object]:
    return {
        "ref": run.ref,
        "queue": run.queue,
        "worker": run.worker_id,
        "runs_s": run.runs_s,
        "deadline_s": run.deadline_s,
        "lease_ends_in_s": run.lease_s,
        "worker_seen_s": run.worker_age_s,
    }


def find_stray_leases(facts: Facts) -> Iterator[Finding]:
    """Leases that no run holds; no transition leaves one."""
    strays = facts.stray_leases
    if not strays:
        return
    belong = "belongs" if len(strays) == 1 else "belong"
    yield Finding(
        Code.STRAY_LEASE,
        Severity.WARNING,
        f"{count(len(strays), 'lease')} {belong} to no running attempt: no transition of Relais leaves one.",
        len(strays),
        "Find out who wrote to the tables by hand. It holds up nothing: the job's next claim takes the lease over, and "
        "with the job it goes.",
        f"relais queue explain {strays[0].ref}",
        [
            {
                "ref": stray.ref,
                "state": str(stray.state),
                "lease_attempt": stray.attempt,
                "worker": stray.worker_id,
                "ends_in_s": stray.ends_in_s,
            }
            for stray in strays
        ],
    )
