"""Says in plain words what is wrong now, what it means, and what to do."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from relais.explain.words import count, time_of
from relais.lifecycle import WAITING
from relais.parts import PART_WORDS, Part
from relais.queues import ALL_QUEUES
from relais.store.monitor_pauses import Pause
from relais.store.monitor_workers import ListedWorker
from relais.store.stats import WORKER_SILENT_AFTER_S, Stats

Severity = Literal["critical", "warning", "info"]
_SWEEPER_LATE_S = 30


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that keeps work from being done.

    Args:
        code: stable name of the rule.
        severity: `critical` when nothing moves, `warning` when less moves, `info` when somebody wanted it so.
        title: what is wrong.
        meaning: what that does to messages.
        remedy: what to do.
        resume: what to resume, where that mends it: `queues/{name}` or `agents/{slug}`.
    """

    code: str
    severity: Severity
    title: str
    meaning: str
    remedy: str
    resume: str | None = None


def find_troubles(stats: Stats, workers: Sequence[ListedWorker], pauses: Sequence[Pause]) -> list[Trouble]:
    """What is wrong, the worst first."""
    found = [*_crew(stats, workers), *_parts(stats), *_sweeper(stats), *_broker(stats), *_paused(pauses)]
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
            f"Nothing is worked on. {count(waiting, 'job')} {_verb(waiting, 'wait')}, the oldest for {oldest}."
            if waiting
            else "Nothing would be worked on; nothing waits at the moment.",
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
                f"{blind} of {count(stats.workers_alive, 'worker')} can't reach {words.name} and claim nothing. "
                "Messages wait meanwhile and spend no attempt.",
                f"{words.remedy[0].upper()}{words.remedy[1:]}.",
            )


def _sweeper(stats: Stats) -> Iterator[Trouble]:
    silent_s = None if stats.sweeper_ran_at is None else stats.now - stats.sweeper_ran_at
    if silent_s is not None and silent_s <= _SWEEPER_LATE_S:
        return
    ran = "never ran" if silent_s is None else f"last ran {time_of(silent_s)} ago"
    yield Trouble(
        "sweeper_silent",
        "critical",
        f"The sweeper {ran}",
        "Nobody takes jobs from dead workers, starts due retries, or announces what the broker lost.",
        "Start the sweeper: python -m relais_worker.sweeper. If one should run, its log says why it doesn't.",
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


def _paused(pauses: Sequence[Pause]) -> Iterator[Trouble]:
    for pause in pauses:
        yield Trouble(
            f"{pause.what}_paused",
            "info",
            f"The {pause.what} {pause.name} is paused",
            "Its messages are accepted and wait; what already ran goes on. Nothing of it is claimed.",
            "Resume it when the maintenance is over.",
            resume=f"{pause.what}s/{pause.name}",
        )


def _verb(number: int, verb: str) -> str:
    return f"{verb}s" if number == 1 else verb
