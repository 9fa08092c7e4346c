"""Proves that a stop is bounded, and takes nothing it would lose."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest

from sinkgraph.errors import SinkClosed
from sinkgraph.event import Event
from sinkgraph.sinks.base import Sink
from sinkgraph.sinks.blackhole import Blackhole
from sinkgraph.sinks.broadcast import Broadcast
from sinkgraph.sinks.filter import Filter
from sinkgraph.sinks.queue import Queue
from sinkgraph.testing import RecordingSink, StalledSink
from tests.support.virtual import start, virtual

NODE_CLOSE_S = 3.0  # what closing may take beyond the deadline when something does not listen


class Stranger:
    """Is a sink of a third party whose `drain` does something odd."""

    def __init__(self, drain: Callable[[], object]) -> None:
        self._drain = drain
        self.data: list[object] = []

    async def write(self, events: Sequence[Event]) -> None:
        self.data += [event.data for event in events]

    async def drain(self) -> None:
        self._drain()
        while asyncio.get_running_loop().time() < 1_000:
            try:
                await asyncio.sleep(100)
            except asyncio.CancelledError:
                continue

    async def close(self) -> None:
        pass


def _fail() -> None:
    raise RuntimeError("cannot be drained")


def all_of(event: Event) -> bool:
    return event.data is not None


@virtual
async def test_the_inbox_has_no_deadline_of_its_own() -> None:
    loop = asyncio.get_running_loop()
    async with start(Queue(StalledSink(), 1), drain=5) as live:
        await live.write(0)
        for n in range(3):
            assert live.emit(n)
        await asyncio.sleep(1)
        began = loop.time()
        assert await live.drain(1) is False
        assert loop.time() - began == 1
        began = loop.time()
    assert loop.time() - began <= 5 + NODE_CLOSE_S
    assert live.report is not None
    inbox = live.report.snapshot["inbox"].ledger
    assert (inbox.entered, inbox.residue) == (3, 0)


@virtual
async def test_who_is_leaving_has_no_deadline_of_its_own() -> None:
    loop = asyncio.get_running_loop()
    queue = Queue(StalledSink())
    fan = Broadcast([queue, Queue(Blackhole())])
    async with start(fan, drain=2) as live:
        await live.write(0)
        await live.remove(queue, deadline=1_000)
        began = loop.time()
    assert loop.time() - began <= 2 + NODE_CLOSE_S
    assert live.report is not None
    assert live.report.left == {"queue": 1}
    assert asyncio.all_tasks() == {asyncio.current_task()}


@virtual
async def test_an_abort_ends_the_wait_for_what_was_emitted_too() -> None:
    loop = asyncio.get_running_loop()
    async with start(Queue(StalledSink(), 1), drain=1_000) as live:
        await live.write(0)
        live.emit(1)
        live.emit(2)
        await asyncio.sleep(1)
        closing = asyncio.ensure_future(live.close())
        await asyncio.sleep(1)
        began = loop.time()
        live.topology.abort()
        report = await closing
        assert loop.time() - began <= NODE_CLOSE_S
        assert await live.close() is report


@virtual
async def test_a_drain_that_ignores_cancellation_is_left_behind() -> None:
    loop = asyncio.get_running_loop()
    async with start(Queue(Stranger(lambda: None)), drain=2) as live:
        await live.write(1)
        began = loop.time()
    assert loop.time() - began <= 2 + NODE_CLOSE_S
    await asyncio.sleep(1_100)  # the stranger has an end


@virtual
async def test_a_drain_that_fails_does_not_keep_others_from_draining() -> None:
    kept = RecordingSink()
    shapes: list[Sink] = [Stranger(_fail), Queue(kept, linger=1.0)]
    async with start(Broadcast(shapes), drain=20) as live:
        await live.write(1)
        assert await live.drain(10) is False
        assert kept.data == [1]
        await live.write(2)
    assert kept.data == [1, 2]


@virtual
async def test_draining_beside_a_close_ends_with_it() -> None:
    loop = asyncio.get_running_loop()
    async with start(Queue(StalledSink()), drain=2) as live:
        await live.write(1)
        draining = asyncio.ensure_future(live.drain(100))
        await asyncio.sleep(0)
    assert await draining is False
    assert loop.time() <= 2 + NODE_CLOSE_S


@pytest.mark.parametrize("shape", ["queue", "filter", "fan", "mixed", "bare", "sink"])
def test_nothing_is_taken_that_a_stop_under_way_would_lose(shape: str) -> None:
    @virtual
    async def story() -> None:
        deaf = StalledSink(deaf=True)  # its queue takes its time to close
        shapes: dict[str, Callable[[], Sink]] = {
            "queue": lambda: Queue(deaf),
            "filter": lambda: Filter(Queue(deaf), all_of),
            "fan": lambda: Broadcast([Queue(deaf), Queue(Blackhole())]),
            "mixed": lambda: Broadcast([Queue(deaf), Filter(Queue(Blackhole()), all_of)]),
            "bare": lambda: Broadcast([Queue(deaf), Blackhole()]),
            "sink": lambda: Blackhole(),
        }
        async with start(shapes[shape](), drain=1) as live:
            await live.write(0)
            closing = asyncio.ensure_future(live.close())
            for n in range(40):
                await asyncio.sleep(0.1)
                try:
                    await (live.write(n) if n % 2 else live.write_many([n]))
                except SinkClosed:
                    break
            else:
                pytest.fail("writes are taken for ever")
            report = await closing
            deaf.release()
            with pytest.raises(SinkClosed):
                await live.write("late")
        assert report.snapshot.residue == 0
        dropped = [status.ledger.dropped for status in report.snapshot.nodes.values()]
        assert not any(dropped), dropped

    story()
