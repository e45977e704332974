"""Follows the messages that clients of this process watch, with one statement for all of them.

The source is the committed rows, polled. Subscribers see only `View`s that grow, so that a live exchange of events can
feed them later without a change on their side.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy.exc import DBAPIError

from relais.lifecycle import TERMINAL, State
from relais.store.status import MessageStatus, Progress, read_progress
from relais_api.database import Database, DatabaseAwayError

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class View:
    """What is known of a watched message: its state, and the text of the draft of `draft_attempt` so far."""

    state: State
    attempt: int
    run_at: datetime | None
    draft_attempt: int = 0
    draft: str = ""

    @property
    def ended(self) -> bool:
        """Whether nothing but a person's retry will change it."""
        return self.state in TERMINAL

    def agrees_with(self, status: MessageStatus) -> bool:
        """Whether a row that was read tells the same; if not, it has to be read again."""
        return (self.state, self.attempt, self.run_at) == (status.state, status.attempt, status.run_at)


@dataclass(slots=True)
class _Watched:
    view: View | None = None
    gone: bool = False
    bells: set[asyncio.Event] = field(default_factory=set)


class Watch:
    """One client's view of one message."""

    def __init__(self, watched: _Watched, bell: asyncio.Event) -> None:
        self._watched = watched
        self._bell = bell

    @property
    def view(self) -> View | None:
        """The newest view; None before the first."""
        return self._watched.view

    @property
    def gone(self) -> bool:
        """Whether the message was deleted."""
        return self._watched.gone

    async def changed(self, *, timeout_s: float) -> bool:
        """Wait until the view changes or the feed closes; False when neither happened in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._bell.wait()
        rang = self._bell.is_set()
        self._bell.clear()
        return rang


class MessageFeed:
    """Polls every watched message each `interval_s` seconds, and nothing while nobody watches."""

    def __init__(self, database: Database, *, interval_s: float = 0.2) -> None:
        self._database = database
        self._interval_s = interval_s
        self._watched: dict[UUID, _Watched] = {}
        self._polling: asyncio.Task[None] | None = None
        self.closing = False

    @contextmanager
    def watch(self, message_id: UUID) -> Iterator[Watch]:
        """Follow a message for as long as the context is open."""
        watched = self._watched.setdefault(message_id, _Watched())
        bell = asyncio.Event()
        watched.bells.add(bell)
        if self._polling is None:
            self._polling = asyncio.create_task(self._poll())
        try:
            yield Watch(watched, bell)
        finally:
            watched.bells.discard(bell)
            if not watched.bells:
                self._watched.pop(message_id, None)

    def close(self) -> None:
        """Wake every watcher for the last time: `closing` is true from now on."""
        self.closing = True
        for watched in self._watched.values():
            _ring(watched)

    async def _poll(self) -> None:
        try:
            while self._watched:
                await self._look()
                await asyncio.sleep(self._interval_s)
        finally:
            self._polling = None

    async def _look(self) -> None:
        asked = dict(self._watched)
        known = [(id_, *_draft_known(watched.view)) for id_, watched in asked.items()]
        try:
            rows = await self._database.read(read_progress, known)
        except DatabaseAwayError:
            return  # watchers wait; the adapter has logged it
        except DBAPIError:
            log.exception("feed.failed")  # the polling must go on: watchers would never hear of the end
            return
        found = {progress.message_id: progress for progress in rows}
        for id_, watched in asked.items():
            _update(watched, found.get(id_))


def _draft_known(view: View | None) -> tuple[int, int]:
    return (0, 0) if view is None else (view.draft_attempt, len(view.draft))


def _update(watched: _Watched, progress: Progress | None) -> None:
    if progress is None:
        watched.gone = True
        _ring(watched)
        return
    view = _merge(watched.view, progress)
    if view != watched.view:
        watched.view = view
        _ring(watched)


def _merge(view: View | None, progress: Progress) -> View:
    draft_attempt, draft = _draft(view, progress)
    return View(progress.state, progress.attempt, progress.run_at, draft_attempt, draft)


def _draft(view: View | None, progress: Progress) -> tuple[int, str]:
    earlier = ("", 0) if view is None else (view.draft, view.draft_attempt)
    if progress.draft_attempt is None:  # dropped with the end of its attempt: keep what was shown
        return earlier[1], earlier[0]
    known = earlier[0] if earlier[1] == progress.draft_attempt else ""
    return progress.draft_attempt, known[: progress.draft_offset] + progress.added_text


def _ring(watched: _Watched) -> None:
    for bell in watched.bells:
        bell.set()
