"""Wakes workers for accepted messages, within the time that a reply may wait for the broker."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import structlog
from sqlalchemy.exc import DBAPIError

from relais.broker.publisher import Publisher
from relais.queues import AI_MESSAGES
from relais.store.jobs import mark_announced
from relais_api.batching import Batcher, LineTooLongError
from relais_api.database import Database, DatabaseAwayError

log = structlog.get_logger(__name__)

_LARGEST = 500
_MOST_WAITING = 5_000


class Announcer:
    """Publishes one token per message and marks it `queued`, many at a time; what fails is left to the sweeper."""

    def __init__(self, database: Database, publisher: Publisher, *, budget_s: float) -> None:
        self._database = database
        self._publisher = publisher
        self._budget_s = budget_s
        self._batcher: Batcher[UUID, bool] = Batcher(self._announce, largest=_LARGEST, most_waiting=_MOST_WAITING)

    async def announce(self, message_id: UUID) -> bool:
        """Announce a message; False when it stays `pending`, which costs it a second at most."""
        try:
            return await self._batcher.submit(message_id)
        except (DatabaseAwayError, LineTooLongError, DBAPIError) as error:
            # The message is committed: whatever goes wrong now must not become a refusal.
            log.warning("message.not_announced", message_id=str(message_id), error=type(error).__name__)
            return False

    def wake(self, queue_name: str, count: int = 1) -> None:
        """Ask for tokens without waiting for them."""
        self._publisher.request(queue_name, count)

    async def top_up(self, queue_name: str, count: int, *, patience_s: float) -> bool:
        """Publish tokens; False when the broker hasn't confirmed them within the time."""
        future = asyncio.wrap_future(self._publisher.request(queue_name, count))
        # Not cancelled at the end of the time: the tokens may still get through, and one too many does no harm.
        await asyncio.wait({future}, timeout=patience_s)
        return future.done() and future.result()

    async def _announce(self, message_ids: Sequence[UUID]) -> list[bool]:
        announced = await self.top_up(AI_MESSAGES.name, len(message_ids), patience_s=self._budget_s)
        if announced:
            await self._database.write(mark_announced, message_ids)
        return [announced] * len(message_ids)
