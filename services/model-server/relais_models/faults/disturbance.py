"""Doing to a stream of tokens what its plan says."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass

from relais_models.contract import Finish, Piece
from relais_models.faults.desk import FaultDesk
from relais_models.faults.lies import told
from relais_models.faults.plan import Endpoint, FaultPlan


@dataclass(frozen=True, slots=True)
class Garbage:
    """A place in the stream where something comes that is not JSON."""


@dataclass(frozen=True, slots=True)
class Headers:
    """The place in the stream where the headers go out, before anything is generated."""


class BrokenOff(Exception):  # noqa: N818 -- an event, not an error of ours
    """The reply ends here; in order (but without its end), or by closing the connection when `abruptly`."""

    def __init__(self, *, abruptly: bool) -> None:
        super().__init__("the connection is closed" if abruptly else "the stream ends early")
        self.abruptly = abruptly


Item = Piece | Finish | Garbage | Headers


async def disturbed(
    desk: FaultDesk, endpoint: Endpoint, pieces: AsyncGenerator[Piece | Finish, None]
) -> AsyncGenerator[Item, None]:
    """Yield `pieces` with the faults of one request; counts it from the first step to the last.

    Raises:
        BrokenOff: where the plan says so.
        ModelError: the planned status, or the model's own.
    """
    plan = desk.admit(endpoint)
    finished = False
    try:
        async with aclosing(pieces):
            async for item in _with_faults(plan, pieces):
                finished = finished or isinstance(item, Finish)
                yield item
    finally:
        desk.close(endpoint, finished=finished)


async def _with_faults(plan: FaultPlan, pieces: AsyncIterator[Piece | Finish]) -> AsyncIterator[Item]:
    if plan.hang:
        await _for_ever()
    if plan.headers_only:
        yield Headers()
        await _for_ever()
    await asyncio.sleep(plan.first_token_delay_s)
    sent = 0
    async for piece in pieces:
        if plan.garbage_after == sent:
            yield Garbage()
        await _break_off(plan, sent)
        if sent and isinstance(piece, Piece):
            await asyncio.sleep(plan.token_delay_s)
        yield told(plan.lie, piece)
        sent += 1


async def _break_off(plan: FaultPlan, sent: int) -> None:
    if plan.stall_after == sent:
        await _for_ever()
    if plan.truncate_after == sent:
        raise BrokenOff(abruptly=False)
    if plan.drop_after == sent:
        raise BrokenOff(abruptly=True)


async def _for_ever() -> None:
    await asyncio.Event().wait()
