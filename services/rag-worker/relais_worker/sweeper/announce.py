"""Keeps the broker supplied with tokens for what can run, and announces what the API could not.

Tokens are topped up when few are left, so a wiped broker, a lost publish, a due retry and a session's next message are
one case: more jobs can run than there are tokens. A token too many costs one empty claim.
"""

import time

import structlog
from dramatiq.errors import BrokerConnectionError
from sqlalchemy import Engine

from relais.broker import AnyBroker, Publisher
from relais.queues import QUEUE_NAMES
from relais.store.jobs import mark_announced
from relais.store.sweep import count_eligible, note_heartbeat, stale_pending

_LOW_WATER = 1_000
_BATCH = 1_000
_PUBLISH_TIMEOUT_S = 30.0
_PROBE_EVERY_S = 10.0
_PROBE_TIMEOUT_S = 1.0

log = structlog.get_logger(__name__)


class Announce:
    """One round of announcements."""

    def __init__(self, engine: Engine, broker: AnyBroker, publisher: Publisher) -> None:
        self._engine = engine
        self._broker = broker
        self._publisher = publisher
        self._next_probe = time.monotonic()

    def __call__(self) -> None:
        """Top up every queue's tokens, then mark stale `pending` jobs as announced.

        Raises:
            sqlalchemy.exc.DBAPIError: the database is away.
        """
        ready = {name: self._top_up(name) for name in QUEUE_NAMES}
        up = all(count is not None for count in ready.values())
        alarms = self._alarms()
        with self._engine.begin() as conn:
            if up:
                for job_ids in stale_pending(conn, limit=_BATCH).values():
                    mark_announced(conn, job_ids)
            known = {name: count for name, count in ready.items() if count is not None}
            note_heartbeat(conn, "broker", {"up": up, "ready": known, "alarms": alarms})

    def _alarms(self) -> list[str] | None:
        """What RabbitMQ is short of, asked now and then: it is told to publishers only, and there may be no token."""
        if time.monotonic() >= self._next_probe:
            self._next_probe = time.monotonic() + _PROBE_EVERY_S
            self._publisher.probe(timeout_s=_PROBE_TIMEOUT_S)
        alarms = self._broker.alarms
        return None if alarms is None else sorted(alarms)

    def _top_up(self, queue: str) -> int | None:
        """Return the tokens that are ready afterwards; None when the broker is away."""
        with self._engine.begin() as conn:
            eligible = count_eligible(conn, queue=queue, limit=_LOW_WATER)
        try:
            ready = self._broker.tokens_ready(queue)
        except BrokerConnectionError:
            return None
        missing = eligible - ready
        if missing <= 0:
            return ready
        if not self._publisher.publish(queue, missing, timeout_s=_PUBLISH_TIMEOUT_S):
            return None
        log.info("tokens.topped_up", queue=queue, published=missing)
        return ready + missing
