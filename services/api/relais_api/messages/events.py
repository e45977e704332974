"""Tells one client live what happens to one message: place in the line, text as it comes, the end."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

from relais.lifecycle import TERMINAL
from relais.store.status import MessageStatus, find_status
from relais_api.database import Database, DatabaseAwayError
from relais_api.lines import LineView
from relais_api.messages.bodies import StatusBody, status_body
from relais_api.messages.feed import MessageFeed, View
from relais_api.messages.stream import Cursor, Event

_POSITION_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Follower:
    """Follows messages for clients, on the parts that read them."""

    database: Database
    lines: LineView
    feed: MessageFeed

    async def follow(self, message_id: UUID, cursor: Cursor) -> AsyncIterator[Event]:
        """Yield events until the message ends, it is deleted, or the service stops."""
        status: MessageStatus | None = None
        sent: StatusBody | None = None
        with self.feed.watch(message_id) as watch:
            while not self.feed.closing and not watch.gone:
                if status is None or not (watch.view is None or watch.view.agrees_with(status)):
                    status = await self._read(message_id) or status
                if status is not None:
                    body = status_body(status, await self.lines.current())
                    for event in _events(cursor, watch.view, body, sent):
                        yield event
                    if status.state in TERMINAL:
                        return
                    sent = body
                await watch.changed(timeout_s=_POSITION_EVERY_S)

    async def _read(self, message_id: UUID) -> MessageStatus | None:
        # The committed row alone says that a message ended; the view only says when to look.
        try:
            return await self.database.read(find_status, message_id)
        except DatabaseAwayError:
            return None


def _events(cursor: Cursor, view: View | None, body: StatusBody, sent: StatusBody | None) -> list[Event]:
    text = cursor.advance(view) if view is not None else []
    if body.status in TERMINAL:
        end = Event("done", body.model_dump_json(), f"{body.attempt}:{len(body.content or '')}")
        return [*text, *cursor.finish(view, body.content), end]
    return [*text, *([] if _same(sent, body) else [Event("status", body.model_dump_json())])]


def _same(sent: StatusBody | None, body: StatusBody) -> bool:
    # An estimate alone is no news: it would make an event of every second.
    return sent is not None and sent.model_copy(update={"eta_seconds": body.eta_seconds}) == body
