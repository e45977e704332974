"""The rules that hold rows against the broker: jobs that could start, and the tokens that would wake a worker."""

from collections.abc import Iterator

from relais.diagnosis.facts import Facts, QueueFacts
from relais.diagnosis.findings import Code, Finding, Severity
from relais.diagnosis.limits import TAKEN_WITHIN_S
from relais.explain.words import count, time_of


def find_token_trouble(facts: Facts) -> Iterator[Finding]:
    """Jobs that could have started long ago, with a slot free: without a token for them, or with tokens unused."""
    for queue in facts.queues:
        late = queue.eligible_waits_s is not None and queue.eligible_waits_s > TAKEN_WITHIN_S
        if late and queue.slots_idle and queue.tokens is not None:
            yield _not_taken(queue, queue.tokens) if queue.tokens else _missing(queue)


def _missing(queue: QueueFacts) -> Finding:
    return Finding(
        Code.TOKENS_MISSING,
        Severity.CRITICAL,
        f"{_could_start(queue)}, and the broker has no token that would wake a worker for them.",
        queue.eligible,
        "Publish the missing tokens; then see why the sweeper doesn't: its log names the reason.",
        f"relais queue reconcile {queue.name}",
        [_shown(queue)],
    )


def _not_taken(queue: QueueFacts, tokens: int) -> Finding:
    return Finding(
        Code.TOKENS_NOT_TAKEN,
        Severity.CRITICAL,
        f"{_could_start(queue)}, and {count(tokens, 'token')} in the broker {'is' if tokens == 1 else 'are'} "
        "not taken by any worker.",
        queue.eligible,
        "See the workers' logs: they live, and take nothing from the broker. Unless they are just being stopped, "
        "restart them one after another.",
        evidence=[_shown(queue)],
    )


def _could_start(queue: QueueFacts) -> str:
    return (
        f"{count(queue.eligible, 'job')} of {queue.name} could start, the oldest for {time_of(_late_s(queue))}, "
        f"with {count(queue.slots_idle, 'slot')} free"
    )


def _late_s(queue: QueueFacts) -> float:
    return queue.eligible_waits_s or 0.0


def _shown(queue: QueueFacts) -> dict[str, object]:
    return {
        "queue": queue.name,
        "eligible": queue.eligible,
        "oldest_waits_s": queue.eligible_waits_s,
        "tokens_ready": queue.tokens,
        "slots_idle": queue.slots_idle,
    }


def find_unannounced(facts: Facts) -> Iterator[Finding]:
    """Jobs that stay `pending`."""
    for queue in facts.queues:
        if queue.unannounced:
            yield Finding(
                Code.NOT_ANNOUNCED,
                Severity.WARNING,
                f"{count(queue.unannounced, 'job')} of {queue.name} {'is' if queue.unannounced == 1 else 'are'} still "
                "pending: nobody announced them to the broker.",
                queue.unannounced,
                "Mend the broker or the sweeper, whichever is down; where both are up, announce them.",
                f"relais queue reconcile {queue.name}",
                [{"queue": queue.name, "pending": queue.unannounced}],
            )
