"""The rules for what waits: what keeps a whole queue waiting, and what waits for too long."""

from collections.abc import Iterator

from relais.diagnosis.facts import Facts, QueueFacts
from relais.diagnosis.findings import Code, Finding, Severity
from relais.diagnosis.limits import WAIT_OBJECTIVE_S
from relais.explain import Cause
from relais.explain.words import count, time_of
from relais.parts import PART_WORDS, Part

# What a person did, what lies in the work itself, and what needs more capacity: nothing is broken.
_NOT_BROKEN = {
    Cause.QUEUE_PAUSED, Cause.AGENT_PAUSED, Cause.SESSION_BUSY, Cause.BACKING_OFF, Cause.IN_LINE, Cause.SLOTS_BUSY,
}  # fmt: skip


def find_no_worker(facts: Facts) -> Iterator[Finding]:
    """Queues in which something waits, and that no live worker serves."""
    for queue in facts.queues:
        if queue.waiting and not queue.workers:
            yield Finding(
                Code.NO_WORKER,
                Severity.CRITICAL,
                f"No live worker serves the queue {queue.name}, in which {_waiting(queue)}.",
                queue.waiting,
                f"Start a worker (python -m relais_worker) whose RELAIS_WORKER_QUEUES has {queue.name}; if one should "
                "run, see its log.",
                evidence=[{"queue": queue.name, "waiting": queue.waiting}],
            )


def find_parts_down(facts: Facts) -> Iterator[Finding]:
    """Parts that the workers can't reach."""
    for queue in facts.queues:
        if not queue.workers_waiting:
            continue
        every = queue.workers_waiting >= queue.workers
        words = [PART_WORDS[Part(part)] for part in queue.parts_down]
        names = " and ".join(word.name for word in words)
        yield Finding(
            Code.PART_DOWN,
            Severity.CRITICAL if every and queue.waiting else Severity.WARNING,
            f"{queue.workers_waiting} of {count(queue.workers, 'worker')} of the queue {queue.name} can't reach "
            f"{names}, and so {'take' if queue.workers_waiting > 1 else 'takes'} nothing; {_waiting(queue)}.",
            queue.workers_waiting,
            "; ".join(f"For {word.name}: {word.remedy}" for word in words)
            + ("." if every else ". The part is up for the other workers: check the network of those that wait."),
            evidence=[{"queue": queue.name, "parts": list(queue.parts_down), "waiting": queue.waiting}],
        )


def find_pauses(facts: Facts) -> Iterator[Finding]:
    """Queues and agents that somebody paused."""
    for queue in facts.queues:
        if queue.paused_for_s is not None:
            yield Finding(
                Code.QUEUE_PAUSED,
                Severity.WARNING if queue.waiting else Severity.INFO,
                f"The queue {queue.name} has been paused for {time_of(queue.paused_for_s)}; {_waiting(queue)}.",
                queue.waiting,
                "Resume it, unless the pause is meant; the log of operators' actions says who paused it.",
                f"relais queue resume {queue.name}",
                [{"queue": queue.name, "paused_for_s": queue.paused_for_s, "waiting": queue.waiting}],
            )
    for agent in facts.paused_agents:
        yield Finding(
            Code.AGENT_PAUSED,
            Severity.WARNING if agent.waiting else Severity.INFO,
            f"The agent {agent.slug} has been paused for {time_of(agent.paused_for_s)}; "
            f"{_are_waiting(agent.waiting)} for it.",
            agent.waiting,
            "Resume it, unless the pause is meant; the log of operators' actions says who paused it.",
            f"relais queue resume --agent {agent.slug}",
            [{"agent": agent.slug, "paused_for_s": agent.paused_for_s, "waiting": agent.waiting}],
        )


def find_waiting_too_long(facts: Facts) -> Iterator[Finding]:
    """Queues whose oldest job waits for longer than the objective, with the cause."""
    for queue in facts.queues:
        objective_s = WAIT_OBJECTIVE_S[queue.name]
        oldest = queue.oldest
        if oldest is None or oldest.waits_s <= objective_s:
            continue
        yield Finding(
            Code.WAITING_TOO_LONG,
            Severity.WARNING if oldest.why.cause in _NOT_BROKEN else Severity.CRITICAL,
            f"The oldest job of {queue.name} has waited for {time_of(oldest.waits_s)}, longer than the "
            f"{time_of(objective_s)} that one should; {_waiting(queue)}. {oldest.why.summary}",
            queue.waiting,
            oldest.why.next_step,
            f"relais queue explain {oldest.ref}",
            [
                {
                    "ref": oldest.ref,
                    "queue": queue.name,
                    "waits_s": oldest.waits_s,
                    "objective_s": objective_s,
                    "cause": str(oldest.why.cause),
                }
            ],
        )


def _waiting(queue: QueueFacts) -> str:
    return _are_waiting(queue.waiting)


def _are_waiting(number: int) -> str:
    return f"{count(number, 'job')} {'waits' if number == 1 else 'wait'}"
