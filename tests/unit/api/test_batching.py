"""Callers that come while a batch is under way share the next one."""

import asyncio
from collections.abc import Sequence

from relais_api.batching import Batcher, LineTooLongError


def run(scenario):
    """Run an async scenario within five seconds."""
    return asyncio.run(asyncio.wait_for(scenario, 5))


async def begin(tasks: Sequence[asyncio.Task]) -> None:
    """Let every task run up to its first wait."""
    await asyncio.wait(tasks, timeout=0)


def test_callers_during_a_batch_share_the_next():
    """The first goes alone and at once; the others go together when it is done."""
    batches: list[list[int]] = []
    began, gate = asyncio.Event(), asyncio.Event()

    async def work(items: Sequence[int]) -> list[int]:
        batches.append(list(items))
        began.set()
        await gate.wait()
        return [item * 10 for item in items]

    async def scenario():
        batcher: Batcher[int, int] = Batcher(work, largest=10, most_waiting=10)
        first = asyncio.create_task(batcher.submit(1))
        await began.wait()
        others = [asyncio.create_task(batcher.submit(n)) for n in (2, 3)]
        await begin(others)
        gate.set()
        return await asyncio.gather(first, *others)

    assert run(scenario()) == [10, 20, 30]
    assert batches == [[1], [2, 3]]


def test_an_error_of_the_batch_reaches_all_and_one_of_an_item_only_its_caller():
    """What `work` raises fails every caller; an error in its result fails one. The batcher works on."""

    async def work(items: Sequence[str]) -> list[str | Exception]:
        if "broken" in items:
            raise OSError("away")
        return [ValueError(item) if item == "bad" else item for item in items]

    async def scenario():
        batcher: Batcher[str, str] = Batcher(work, largest=10, most_waiting=10)
        mixed = await asyncio.gather(*map(batcher.submit, ["good", "bad"]), return_exceptions=True)
        failed = await asyncio.gather(*map(batcher.submit, ["good", "broken"]), return_exceptions=True)
        return mixed, failed, await batcher.submit("good")

    mixed, failed, last = run(scenario())
    assert mixed[0] == "good"
    assert isinstance(mixed[1], ValueError)
    assert [type(error) for error in failed] == [OSError, OSError]
    assert last == "good"


def test_batches_are_bounded_and_so_is_the_line():
    """No batch is larger than `largest`, and a caller too many is refused at once."""
    sizes: list[int] = []

    async def work(items: Sequence[int]) -> Sequence[int]:
        sizes.append(len(items))
        return items

    async def scenario():
        batcher: Batcher[int, int] = Batcher(work, largest=3, most_waiting=7)
        return await asyncio.gather(*(batcher.submit(n) for n in range(8)), return_exceptions=True)

    *served, refused = run(scenario())
    assert served == list(range(7))
    assert isinstance(refused, LineTooLongError)
    assert max(sizes) == 3


def test_a_caller_who_left_costs_nothing():
    """Its item is not worked on, and the others are."""
    done: list[int] = []
    gate = asyncio.Event()

    async def work(items: Sequence[int]) -> Sequence[int]:
        await gate.wait()
        done.extend(items)
        return items

    async def scenario():
        batcher: Batcher[int, int] = Batcher(work, largest=1, most_waiting=9)
        tasks = [asyncio.create_task(batcher.submit(n)) for n in range(3)]
        await begin(tasks)
        tasks[1].cancel()
        gate.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    run(scenario())
    assert done == [0, 2]
