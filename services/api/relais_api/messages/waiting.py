"""Waits for a message on behalf of a client that asked to."""

import time
from uuid import UUID

from relais.store.status import MessageStatus, find_status
from relais_api.http.problems import UnknownMessage
from relais_api.messages.bodies import StatusBody, status_body
from relais_api.messages.etags import status_etag
from relais_api.parts import Parts

_POSITION_EVERY_S = 1.0  # positions move without the message's own row changing


async def read_status(parts: Parts, message_id: UUID) -> MessageStatus:
    """Read a message's row.

    Raises:
        UnknownMessage: there is none.
    """
    status = await parts.database.read(find_status, message_id)
    if status is None:
        raise UnknownMessage("No message has this id; check the address.")
    return status


async def read_body(parts: Parts, message_id: UUID) -> StatusBody:
    """Read a message's status body.

    Raises:
        UnknownMessage: there is none.
    """
    return status_body(await read_status(parts, message_id), await parts.lines.current())


async def wait_for_end(parts: Parts, message_id: UUID, wait_s: float) -> StatusBody:
    """Wait up to `wait_s` seconds for the message to end; return where it is then."""
    deadline = time.monotonic() + wait_s
    with parts.feed.watch(message_id) as watch:
        while not (watch.gone or parts.feed.closing or (watch.view is not None and watch.view.ended)):
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                break
            await watch.changed(timeout_s=left_s)
    return await read_body(parts, message_id)


async def wait_for_change(parts: Parts, message_id: UUID, etag: str, wait_s: float) -> StatusBody:
    """Wait up to `wait_s` seconds for a status body whose tag isn't `etag`; return the newest one."""
    deadline = time.monotonic() + wait_s
    status = await read_status(parts, message_id)
    with parts.feed.watch(message_id) as watch:
        while True:
            if watch.view is not None and not watch.view.agrees_with(status):
                status = await read_status(parts, message_id)
            body = status_body(status, await parts.lines.current())
            left_s = deadline - time.monotonic()
            if status_etag(body) != etag or left_s <= 0 or parts.feed.closing:
                return body
            await watch.changed(timeout_s=min(left_s, _POSITION_EVERY_S))
