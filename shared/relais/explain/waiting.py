"""The rules for a job that waits, in the order in which they are asked."""

from collections.abc import Callable, Sequence

from relais.explain.facts import Cause, Explanation, Facts
from relais.explain.words import NOTHING, count, failure_of, slots_of, time_of
from relais.lifecycle import State
from relais.liveness import sweeper_is_late
from relais.parts import PART_WORDS, Part

_MOMENT_S = 3.0  # an announcement and a claim take no longer when all is well


def _paused(facts: Facts) -> Explanation | None:
    if facts.paused_for_s is None:
        return None
    return Explanation(
        Cause.QUEUE_PAUSED,
        f"The queue {facts.queue} is paused: no worker takes anything from it.",
        f"Resume it: relais queue resume {facts.queue} --execute, or POST /api/queues/{facts.queue}/resume.",
        {"queue": facts.queue, "paused_for_s": facts.paused_for_s},
    )


def _agent_paused(facts: Facts) -> Explanation | None:
    if facts.agent_paused_for_s is None:
        return None
    return Explanation(
        Cause.AGENT_PAUSED,
        f"Its agent {facts.agent} was paused {time_of(facts.agent_paused_for_s)} ago: no worker takes its messages.",
        f"Resume it: relais queue resume --agent {facts.agent} --execute, or POST /api/agents/{facts.agent}/resume.",
        {"agent": facts.agent, "paused_for_s": facts.agent_paused_for_s},
    )


def _no_worker(facts: Facts) -> Explanation | None:
    if facts.workers:
        return None
    seen = (
        "none was ever there"
        if facts.worker_seen_s is None
        else f"the last was seen {time_of(facts.worker_seen_s)} ago"
    )
    return Explanation(
        Cause.NO_WORKER,
        f"No live worker serves the queue {facts.queue}; {seen}.",
        f"Start a worker (python -m relais_worker) whose RELAIS_WORKER_QUEUES has {facts.queue}; if one should run, "
        "see its log.",
        {"queue": facts.queue, "last_worker_seen_s": facts.worker_seen_s},
    )


def _part_down(facts: Facts) -> Explanation | None:
    if facts.workers_waiting < facts.workers:
        return None
    parts = [PART_WORDS[Part(part)] for part in facts.parts_down]
    names = " and ".join(words.name for words in parts)
    return Explanation(
        Cause.PART_DOWN,
        f"None of the {count(facts.workers, 'worker')} can reach {names}; they wait, and so does this.",
        "; ".join(f"For {words.name}: {words.remedy}" for words in parts) + ".",
        {"parts": list(facts.parts_down), "workers_waiting": facts.workers_waiting},
    )


def _session_busy(facts: Facts) -> Explanation | None:
    if facts.blocker is None:
        return None
    does = "is being worked on" if facts.blocker.state is State.PROCESSING else "waits too"
    return Explanation(
        Cause.SESSION_BUSY,
        f"An earlier one of the same session must end first: {facts.blocker.id}, which {does}.",
        "Nothing: it runs when that one ends. To know why that one is where it is, explain it; to skip it, cancel it.",
        {"earlier": facts.blocker.id, "earlier_status": facts.blocker.state},
    )


def _backing_off(facts: Facts) -> Explanation | None:
    if facts.due_in_s is None or facts.due_in_s <= 0:
        return None
    return Explanation(
        Cause.BACKING_OFF,
        f"Attempt {facts.attempt} of {facts.attempt_limit} failed ({failure_of(facts)}); "
        f"the next one may begin in {time_of(facts.due_in_s)}.",
        f"{NOTHING} If it fails again for the same reason, mend that: docs/troubleshooting.md has {facts.error_code}.",
        {"error_code": facts.error_code, "error": facts.error, "due_in_s": facts.due_in_s, "attempt": facts.attempt},
    )


def _in_line(facts: Facts) -> Explanation | None:
    if not facts.ahead:
        return None
    return Explanation(
        Cause.IN_LINE,
        f"It waits for its turn behind {count(facts.ahead, 'other')}; {slots_of(facts)}.",
        f"{NOTHING} To be faster, start more workers or threads, as far as the model server can serve them.",
        {"ahead": facts.ahead, "slots": facts.slots, "busy": dict(facts.busy)},
    )


def _slots_busy(facts: Facts) -> Explanation | None:
    if sum(facts.busy.values()) < facts.slots:
        return None
    return Explanation(
        Cause.SLOTS_BUSY,
        f"It is next, and {slots_of(facts)}.",
        f"{NOTHING} To be faster, start more workers or threads, as far as the model server can serve them.",
        {"slots": facts.slots, "busy": dict(facts.busy)},
    )


def _not_announced(facts: Facts) -> Explanation | None:
    late = sweeper_is_late(facts.sweeper_age_s)
    free = sum(facts.busy.values()) < facts.slots
    if not free or facts.waits_s <= _MOMENT_S or not (late or facts.broker_up is False):
        return None
    evidence = {"sweeper_ran_s": facts.sweeper_age_s, "broker_up": facts.broker_up, "tokens_ready": facts.tokens}
    if late:
        ran = "never ran" if facts.sweeper_age_s is None else f"last ran {time_of(facts.sweeper_age_s)} ago"
        remedy = "Start the sweeper (python -m relais_worker.sweeper): it announces what waits within seconds."
        return Explanation(
            Cause.NOT_ANNOUNCED,
            f"No worker was woken for it, and the sweeper, which would do so, {ran}.",
            remedy,
            evidence,
        )
    return Explanation(
        Cause.NOT_ANNOUNCED,
        "No worker can be woken for it: the broker is down.",
        "Start RabbitMQ, or correct RELAIS_BROKER_URL; the sweeper announces what waits as soon as it is back.",
        evidence,
    )


def _starting(facts: Facts) -> Explanation:
    return Explanation(
        Cause.STARTING,
        "It is next, and a slot is free: a worker takes it within a second or two.",
        NOTHING,
        {"slots": facts.slots, "busy": dict(facts.busy), "tokens_ready": facts.tokens},
    )


WAITING: Sequence[Callable[[Facts], Explanation | None]] = (
    _paused, _agent_paused, _no_worker, _part_down, _session_busy, _backing_off, _not_announced,
    _in_line, _slots_busy, _starting,
)  # fmt: skip
"""What keeps every job of the queue waiting comes before what keeps only this one."""
