"""Says in plain words what is wrong now, what it means, and what to do."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from relais.explain.words import count, time_of
from relais.lifecycle import WAITING
from relais.parts import PART_WORDS, Part
from relais.queues import ALL_QUEUES
from relais.store.monitor_failures import CauseOfFailure
from relais.store.monitor_pauses import Pause
from relais.store.monitor_workers import ListedWorker
from relais.store.stats import Stats
from relais.store.workers import WORKER_SILENT_AFTER_S

Severity = Literal["critical", "warning", "info"]
_SWEEPER_LATE_S = 30
_WOKEN_WITHIN_S = 10.0
_WORKER_LOST = "worker_lost"
_DAY_S = 86_400.0
_A_FEW = 5


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that keeps work from being done.

    Args:
        code: stable name of the rule.
        severity: `critical` when nothing moves, `warning` when less moves, `info` when somebody wanted it so.
        title: what is wrong.
        meaning: what that does to messages.
        remedy: what to do.
        about: what tells it from others with its code.
        command: what to type, where a command mends it.
        ref: the job to look at.
        resume: what to resume, where that mends it: `queues/{name}` or `agents/{slug}`.
        retry: the filter of what to retry, where that mends it.
        wake: whether to wake the workers helps meanwhile.
    """

    code: str
    severity: Severity
    title: str
    meaning: str
    remedy: str
    about: str = ""
    command: str | None = None
    ref: str | None = None
    resume: str | None = None
    retry: Mapping[str, str] | None = None
    wake: bool = False


def find_troubles(
    stats: Stats,
    workers: Sequence[ListedWorker],
    pauses: Sequence[Pause],
    failures: Sequence[CauseOfFailure] = (),
) -> list[Trouble]:
    """What is wrong, the worst first."""
    found = [
        *_crew(stats, workers), *_parts(stats), *_sweeper(stats), *_broker(stats), *_lost(stats, failures),
        *_paused(stats, pauses),
    ]  # fmt: skip
    return sorted(found, key=lambda trouble: ("critical", "warning", "info").index(trouble.severity))


def _waiting(stats: Stats) -> int:
    return sum(number for (_, state), number in stats.backlog.jobs.items() if state in WAITING)


def _crew(stats: Stats, workers: Sequence[ListedWorker]) -> Iterator[Trouble]:
    waiting = _waiting(stats)
    if not stats.workers_alive:
        oldest = time_of(max(stats.backlog.oldest_waiting_s.values()))
        yield Trouble(
            "no_worker",
            "critical" if waiting else "warning",
            "No workers",
            "Workers do the work, and none runs. "
            + (f"{_who_waits(stats)}, the oldest for {oldest}." if waiting else "Nothing waits at the moment."),
            "Start a worker: python -m relais_worker. If one should run, its log says why it doesn't.",
        )
    else:
        yield from _unserved(stats, workers)
    if stats.workers_silent:
        yield Trouble(
            "worker_silent",
            "warning",
            f"{count(stats.workers_silent, 'worker')} fell silent",
            "No heartbeat came for 30 s and no goodbye. What they had in hand goes to others when its lease ends.",
            "See whether their hosts and their way to the database are up; restart them.",
        )


def _unserved(stats: Stats, workers: Sequence[ListedWorker]) -> Iterator[Trouble]:
    alive = [worker for worker in workers if not worker.stopped and worker.seen_s <= WORKER_SILENT_AFTER_S]
    for queue in ALL_QUEUES:
        waiting = sum(stats.backlog.jobs[queue.kind, state] for state in WAITING)
        if waiting and not any(queue.name in worker.queues for worker in alive):
            yield Trouble(
                "queue_unserved",
                "critical",
                f"No worker serves {queue.name}",
                f"{count(waiting, 'job')} of it {_verb(waiting, 'wait')}; the workers that live serve other queues.",
                f"Start a worker whose RELAIS_WORKER_QUEUES has {queue.name}.",
                about=queue.name,
            )


def _parts(stats: Stats) -> Iterator[Trouble]:
    for part in Part:
        blind = stats.waiting_for.get(part, 0)
        words = PART_WORDS[part]
        if blind:
            every = blind >= stats.workers_alive
            yield Trouble(
                "part_down",
                "critical" if every else "warning",
                f"{words.title} is down" if every else f"{words.title} is down for some workers",
                f"{blind} of {count(stats.workers_alive, 'worker')} can't reach {words.name} and "
                f"{_verb(blind, 'take')} nothing. {_who_waits(stats)} meanwhile and {_spends(stats)} no attempt.",
                f"{words.remedy[0].upper()}{words.remedy[1:]}.",
                about=part,
            )


def _sweeper(stats: Stats) -> Iterator[Trouble]:
    silent_s = None if stats.sweeper_ran_at is None else stats.now - stats.sweeper_ran_at
    if silent_s is not None and silent_s <= _SWEEPER_LATE_S:
        return
    ran = "never ran" if silent_s is None else f"last ran {time_of(silent_s)} ago"
    oldest_s = max(stats.backlog.oldest_waiting_s.values())
    idle = _waiting(stats) and oldest_s > _WOKEN_WITHIN_S and stats.slots_idle
    jobs = f"{_who_waits(stats)}, the oldest for {time_of(oldest_s)}, although {_free(stats)}. " if idle else ""
    yield Trouble(
        "sweeper_silent",
        "critical",
        "Nobody wakes the workers: the sweeper doesn't run" if idle else "The sweeper doesn't run",
        f"{jobs}The sweeper, which announces again what RabbitMQ lost, {ran}. "
        "Jobs of dead workers and due retries wait for it too.",
        "Start the sweeper: python -m relais_worker.sweeper. If one should run, its log says why it doesn't."
        + (" To get these jobs going meanwhile, wake the workers." if idle else ""),
        command="relais queue reconcile --execute" if idle else None,
        wake=bool(idle),
    )


def _broker(stats: Stats) -> Iterator[Trouble]:
    if stats.broker is not None and not stats.broker.up:
        yield Trouble(
            "broker_down",
            "critical" if _waiting(stats) else "warning",
            "RabbitMQ is down",
            "Messages are accepted and kept as pending, but no worker is woken for them.",
            "Start RabbitMQ, free its disk or memory, or correct RELAIS_BROKER_URL. The sweeper announces what waits "
            "as soon as it is back.",
        )
    elif stats.broker is not None and stats.broker.alarms:
        short_of = " and ".join(sorted(stats.broker.alarms))
        yield Trouble(
            "broker_alarm",
            "critical" if _waiting(stats) else "warning",
            f"RabbitMQ is short of {short_of}",
            "It takes no tokens meanwhile: messages are kept as pending, but no worker is woken for them.",
            "Free what it is short of. RabbitMQ ends the alarm by itself, and the sweeper announces what waits.",
        )


def _lost(stats: Stats, failures: Sequence[CauseOfFailure]) -> Iterator[Trouble]:
    for cause in failures:
        if cause.error_code != _WORKER_LOST or cause.last_at is None or not cause.failed:
            continue
        if stats.now - cause.last_at.timestamp() > _DAY_S:
            continue
        one = cause.failed == 1
        yield Trouble(
            "worker_lost",
            "warning",
            f"{count(cause.failed, 'job')} failed because {'its' if one else 'their'} workers died",
            f"The process that worked on {'it' if one else 'them'} died at every attempt: something in "
            f"{'it' if one else 'them'}, or too little memory, kills workers. Nobody tries {'it' if one else 'them'} "
            "again by itself; other jobs go on.",
            "See the log and the memory limit of the workers that the job's page names. Once the cause is gone, retry"
            + (" it." if one else ": a few first, then the rest."),
            about=cause.kind,
            command=f"relais queue retry --kind {cause.kind} --error-code {_WORKER_LOST} --limit {_A_FEW} --execute",
            ref=cause.last_ref,
            retry={"state": "failed", "kind": cause.kind, "error_code": _WORKER_LOST},
        )


def _paused(stats: Stats, pauses: Sequence[Pause]) -> Iterator[Trouble]:
    for pause in pauses:
        waiting = _waiting_in(stats, pause.name) if pause.what == "queue" else 0
        jobs = f"{count(waiting, 'job')} {_verb(waiting, 'wait')}." if waiting else "What comes is accepted and waits."
        which = pause.name if pause.what == "queue" else f"--agent {pause.name}"
        yield Trouble(
            f"{pause.what}_paused",
            "warning" if waiting else "info",
            f"The {pause.what} {pause.name} is paused",
            f"Somebody paused it {time_of(stats.now - pause.since.timestamp())} ago: no worker takes a job of it. "
            f"{jobs} What already ran goes on.",
            "Resume it when the maintenance is over.",
            about=pause.name,
            command=f"relais queue resume {which} --execute",
            resume=f"{pause.what}s/{pause.name}",
        )


def _waiting_in(stats: Stats, name: str) -> int:
    kinds = [queue.kind for queue in ALL_QUEUES if queue.name == name]
    return sum(stats.backlog.jobs[kind, state] for kind in kinds for state in WAITING)


def _who_waits(stats: Stats) -> str:
    waiting = _waiting(stats)
    return f"{count(waiting, 'job')} {_verb(waiting, 'wait')}" if waiting else "Messages wait"


def _spends(stats: Stats) -> str:
    return _verb(_waiting(stats), "spend")


def _free(stats: Stats) -> str:
    return f"workers have {count(stats.slots_idle, 'slot').replace(' ', ' free ')}"


def _verb(number: int, verb: str) -> str:
    return f"{verb}s" if number == 1 else verb
