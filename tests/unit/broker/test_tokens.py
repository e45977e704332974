"""What counts as a token, and what doesn't."""

import time

import pytest

from relais.broker.tokens import is_token, make_token
from relais.queues import QUEUE_NAMES
from support.forged_tokens import FORGED, MALFORMED, POSTPONED

_FOREIGN = [*MALFORMED, *FORGED, *POSTPONED[:2]]


# Named by number: bodies have random ids, and test processes must agree on the names.
@pytest.mark.parametrize("body", _FOREIGN, ids=range(len(_FOREIGN)))
def test_what_nobody_of_ours_publishes_is_no_token(body: bytes):
    """Every forgery is told from a token: another actor, arguments, unknown options, a time in the far future."""
    assert not is_token(body, "ai-messages")


@pytest.mark.parametrize("queue", QUEUE_NAMES)
def test_our_own_tokens_are(queue: str):
    """A fresh token is one, and only in its own queue."""
    body = make_token(queue).encode()
    assert is_token(body, queue)
    assert not is_token(body, next(other for other in QUEUE_NAMES if other != queue))


def test_a_token_that_is_tried_again_is_one():
    """Dramatiq's retries add options and go through the queue of delayed messages: they stay tokens."""
    token = make_token("ai-messages")
    options = {"retries": 3, "traceback": "…", "requeue_timestamp": int(time.time() * 1000)}
    delayed = token.copy(queue_name="ai-messages.DQ", options=options | {"eta": int(time.time() * 1000) + 30_000})
    assert is_token(token.copy(options=options).encode(), "ai-messages")
    assert is_token(delayed.encode(), "ai-messages.DQ")
    assert not is_token(delayed.encode(), "ai-messages")
