"""Says why a message found no place in the line, with the time after which there may be one."""

import math

from relais.queues import AI_MESSAGES
from relais.store.admission import Full
from relais.store.line import Lines
from relais_api.http.problems import QueueFull

_SHORTEST_S, _LONGEST_S = 1, 120
_UNKNOWN_S = 30  # no worker is there, or none has completed a job within the hour: nothing to measure by


def queue_full(full: Full, lines: Lines | None) -> QueueFull:
    """Make the refusal of a message."""
    retry_after_s = seconds_until_free(full, lines)
    whose = "this agent" if full.agent else "all agents"
    return QueueFull(
        f"The line of {whose} is full: {full.waiting} waiting, {full.limit} allowed. Send this message again after "
        f"{retry_after_s} s; with an Idempotency-Key it can't be accepted twice.",
        retry_after_s=retry_after_s,
        limited="agent" if full.agent else "all",
        limit=full.limit,
        waiting=full.waiting,
    )


def seconds_until_free(full: Full, lines: Lines | None) -> int:
    """Whole seconds until a place is free at the measured pace, between 1 and 120; 30 where nothing is known.

    A place is free once a message starts: any, for the limit on all messages; for an agent's, one of its own, whose
    position in the whole line is how many must start until then. `Lines` estimates what so many starts take.
    """
    if lines is None:
        return _UNKNOWN_S
    wanted_s = lines.seconds_until_started(AI_MESSAGES.name, _starts(full, lines))
    if wanted_s is None:
        return _UNKNOWN_S
    return min(max(math.ceil(wanted_s), _SHORTEST_S), _LONGEST_S)


def _starts(full: Full, lines: Lines) -> int:
    if full.place_frees is None:
        return 1 if full.agent else full.waiting - full.limit + 1
    return lines.position(AI_MESSAGES.name, *full.place_frees)
