"""Bodies that a queue of tokens should never hold, and that somebody may publish all the same."""

import json
from typing import Any

from relais.broker.tokens import make_token
from relais.queues import AI_MESSAGES, DOCUMENTS

_YEAR_2100_MS = 4_102_444_800_000


def _forged(**fields: Any) -> bytes:
    """A token of another make."""
    return json.dumps(json.loads(make_token(AI_MESSAGES.name).encode()) | fields).encode()


MALFORMED = [
    b"",
    b"\xff\xfe\x00",
    b"null",
    b"[]",
    b"{}",
    b'{"queue_name": "ai-messages"}',
    b"not json at all",
    _forged(args=None),
    _forged(options=None),
    _forged(options=[]),
    _forged(actor_name={"a": 1}),
    _forged(actor_name=None),
    _forged(unexpected=1),
    _forged(padding="x" * 1_000_000),
]
FORGED = [
    _forged(actor_name="no-such-actor"),
    _forged(actor_name=DOCUMENTS.actor),
    _forged(queue_name="no-such-queue"),
    _forged(args=["surplus"]),
    _forged(kwargs={"surplus": 1}),
    _forged(options={"time_limit": 1}),
    _forged(options={"time_limit": "soon"}),
    _forged(options={"max_retries": "many", "retries": "some"}),
    _forged(options={"eta": "tomorrow"}),
    _forged(options={"eta": None}),
    _forged(options={"max_age": 0}),
    _forged(options={"pipe_target": make_token(AI_MESSAGES.name).asdict()}),
]
# As many as a worker fetches ahead, and more: held until next year, they would leave no room for another token.
POSTPONED = [_forged(options={"eta": _YEAR_2100_MS + number}) for number in range(40)]
