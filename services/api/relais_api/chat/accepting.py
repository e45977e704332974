"""Accepts messages: concurrent ones share one transaction."""

from collections.abc import Sequence

from sqlalchemy.exc import DBAPIError

from relais.store.accept import Acceptance, NewMessage
from relais.store.admission import Full, accept_within_limits
from relais_api.batching import Batcher
from relais_api.database import Database

_LARGEST = 200
_MOST_WAITING = 2_000


class Acceptor:
    """Writes messages in micro-batches, because the lane's counter allows one commit at a time anyway.

    `most_waiting` is how many may wait in all; agents may have limits of their own.
    """

    def __init__(self, database: Database, *, most_waiting: int | None = None) -> None:
        self._database = database
        self._most_waiting = most_waiting
        self._batcher: Batcher[NewMessage, Acceptance | Full] = Batcher(
            self._write, largest=_LARGEST, most_waiting=_MOST_WAITING
        )

    async def accept(self, message: NewMessage) -> Acceptance | Full:
        """Commit a message, find the one that its idempotency key names, or tell which limit leaves it no place.

        Raises:
            DatabaseAwayError: it is not known whether the message was committed.
            LineTooLongError: too many requests wait to be written.
        """
        return await self._batcher.submit(message)

    async def _write(self, batch: Sequence[NewMessage]) -> Sequence[Acceptance | Full | Exception]:
        try:
            return await self._database.write(accept_within_limits, batch, self._most_waiting)
        except DBAPIError as error:
            # The server refused a value that validation let through: it must not cost its neighbours their place.
            if len(batch) == 1:
                return [error]
            return [result for message in batch for result in await self._write([message])]
