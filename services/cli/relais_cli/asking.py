"""Sends a question so that it is accepted exactly once, however often the network fails."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from relais_cli.client import Client, RefusedError, UnreachableError

_LATER = {429, 503}
_PAUSE_S = 1.0


@dataclass(frozen=True, slots=True)
class Question:
    """What to ask; the key makes two posts of it one message."""

    content: str
    session_id: str | None = None
    key: str = field(default_factory=lambda: str(uuid4()))


def find_token(client: Client, slug: str) -> str:
    """Find an agent's public token.

    Raises:
        CliError: there is no such agent, or the key isn't good for this.
    """
    return str(client.get(f"/api/agents/{slug}")["token"])


def post_question(
    client: Client, token: str, question: Question, deadline: float, tell: Callable[[str], None]
) -> dict[str, Any]:
    """Post a question; the receipt. Tries again with the same key while the service is overloaded or doesn't answer.

    Args:
        client: needs no key for this.
        token: the agent's.
        question: what to ask.
        deadline: on the monotonic clock; no attempt begins after it.
        tell: hears why it takes longer.

    Raises:
        CliError: it is refused, or wasn't accepted in time.
    """
    body = {"content": question.content, "session_id": question.session_id}
    while True:
        try:
            receipt: dict[str, Any] = client.post(
                f"/c/{token}/message", json=body, headers={"Idempotency-Key": question.key}
            )
        except (RefusedError, UnreachableError) as error:
            pause_s = _pause_before_next(error)
            if pause_s is None or time.monotonic() + pause_s > deadline:
                raise
            tell(f"{error} Trying again in {pause_s:.0f} s.")
            time.sleep(pause_s)
        else:
            return receipt


def _pause_before_next(error: RefusedError | UnreachableError) -> float | None:
    if isinstance(error, UnreachableError):
        return None if error.absent else _PAUSE_S
    return (error.retry_after_s or _PAUSE_S) if error.status in _LATER else None
