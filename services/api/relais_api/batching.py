"""Group commit: callers that come while a batch is under way share the next one."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")
Work = Callable[[Sequence[T]], Awaitable[Sequence[R | Exception]]]


class LineTooLongError(Exception):
    """More callers wait than the batcher takes."""


class Batcher(Generic[T, R]):
    """Runs one batch at a time; an idle batcher starts at once, so that a lone caller waits for nobody.

    Args:
        work: does a batch and returns one result, or the error for that item alone, per item in the same order;
            what it raises goes to every caller of the batch.
        largest: most items of one batch.
        most_waiting: most callers that may wait for a batch.
    """

    def __init__(self, work: "Work[T, R]", *, largest: int, most_waiting: int) -> None:
        self._work = work
        self._largest = largest
        self._most_waiting = most_waiting
        self._waiting: deque[tuple[T, asyncio.Future[R]]] = deque()
        self._running: asyncio.Task[None] | None = None

    async def submit(self, item: T) -> R:
        """Have `item` done with the next batch and return its result.

        Raises:
            LineTooLongError: too many wait already.
        """
        if len(self._waiting) >= self._most_waiting:
            raise LineTooLongError
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return await future

    async def _run(self) -> None:
        try:
            while batch := self._take():
                await self._do(batch)
        finally:
            self._running = None

    def _take(self) -> list[tuple[T, asyncio.Future[R]]]:
        batch = list(islice(self._waiting, self._largest))
        for _ in batch:
            self._waiting.popleft()
        # A caller that has gone away took its future with it.
        return [(item, future) for item, future in batch if not future.done()] or (self._take() if batch else [])

    async def _do(self, batch: list[tuple[T, asyncio.Future[R]]]) -> None:
        try:
            results = await self._work([item for item, _ in batch])
        except Exception as error:  # noqa: BLE001 -- not handled here: every caller of the batch gets it
            results = [error] * len(batch)
        for (_, future), result in zip(batch, results, strict=True):
            if future.done():
                continue
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)
