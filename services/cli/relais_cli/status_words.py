"""Where a message is, in a few words."""

from collections.abc import Sequence
from typing import Any

from relais.lifecycle import State
from relais.parts import PART_WORDS, Part
from relais_cli.render import counted, duration


def describe(status: dict[str, Any]) -> str:
    """Say in a few words where a message is."""
    if status["status"] == State.PROCESSING:
        return "Being answered" if status["attempt"] == 1 else f"Being answered, attempt {status['attempt']}"
    if status["waiting_for"]:
        return _waiting_for(status["waiting_for"])
    if status["next_attempt_at"]:
        return f"Attempt {status['attempt']} failed ({status['error_code']}); waiting for the next"
    return describe_place(status["queue_position"], status["eta_seconds"])


def describe_place(position: int | None, eta_s: float | None) -> str:
    """Say in a few words how long it takes."""
    if position is None:
        return "Accepted"
    ahead = "next in the queue" if position == 1 else f"{counted(position - 1, 'message')} ahead in the queue"
    about = f", about {duration(eta_s)}" if eta_s is not None and eta_s >= 1 else ""
    return f"Position {position}, {ahead}{about}"


def _waiting_for(parts: Sequence[str]) -> str:
    names = " and ".join(PART_WORDS[Part(part)].name for part in parts)
    down, them = ("is down", "it") if len(parts) == 1 else ("are down", "them")
    return f"Waiting: {names} {down}; the answer comes once Relais can reach {them}"
