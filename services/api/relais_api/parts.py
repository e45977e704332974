"""What the API is made of: the dependencies that it is given, and the parts that its routes use."""

import asyncio
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncEngine

from relais.broker.publisher import Publisher
from relais_api.chat.accepting import Acceptor
from relais_api.chat.announcing import Announcer
from relais_api.chat.directory import AgentDirectory
from relais_api.database import Database
from relais_api.lines import LineView
from relais_api.messages.events import Follower
from relais_api.messages.feed import MessageFeed


@dataclass(frozen=True, slots=True)
class Limits:
    """How much the API takes: bytes, and messages that may wait in all (None: any number)."""

    body_bytes: int = 1_048_576
    document_bytes: int = 20_971_520
    upload_bytes: int = 104_857_600
    waiting: int | None = None


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What the composition root hands over; the app closes the engine, and starts and stops the publisher.

    `admin_key_sha256` is the hash of the key from the settings; None leaves only stored keys.
    """

    engine: AsyncEngine
    publisher: Publisher
    admin_key_sha256: bytes | None = None
    limits: Limits = Limits()
    patience_s: float = 5.0
    publish_budget_s: float = 0.05
    cors_origins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Parts:
    """What the routes use; one of each per app."""

    limits: Limits
    admin_key_sha256: bytes | None
    publisher: Publisher
    database: Database
    agents: AgentDirectory
    acceptor: Acceptor
    announcer: Announcer
    lines: LineView
    feed: MessageFeed
    follower: Follower

    async def start(self) -> None:
        """Start what runs in the background."""
        self.publisher.start()

    async def stop(self) -> None:
        """Stop it, and close the pool."""
        self.feed.close()
        self.lines.close()
        await asyncio.to_thread(self.publisher.stop)
        await self.database.close()


def assemble(given: Dependencies) -> Parts:
    """Build the parts from the dependencies; nothing starts or connects yet."""
    database = Database(given.engine, patience_s=given.patience_s)
    lines, feed = LineView(database), MessageFeed(database)
    return Parts(
        limits=given.limits,
        admin_key_sha256=given.admin_key_sha256,
        publisher=given.publisher,
        database=database,
        agents=AgentDirectory(database),
        acceptor=Acceptor(database, most_waiting=given.limits.waiting),
        announcer=Announcer(database, given.publisher, budget_s=given.publish_budget_s),
        lines=lines,
        feed=feed,
        follower=Follower(database, lines, feed),
    )


async def parts_of(request: Request) -> Parts:
    """Give a route the parts of the app that it runs in."""
    return cast("Parts", request.app.state.parts)


PartsOf = Annotated[Parts, Depends(parts_of)]
