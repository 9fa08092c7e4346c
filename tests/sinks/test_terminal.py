"""Proves that whatever a sink raises touches only the events it was given."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from sinkgraph.errors import DeliveryFailed, PartialWrite
from sinkgraph.event import Batch, Event
from sinkgraph.sinks.base import Node, Sink
from sinkgraph.sinks.broadcast import Broadcast
from sinkgraph.sinks.queue import Queue
from sinkgraph.testing import RecordingSink, StalledSink
from tests.support.virtual import start, virtual

ODD = [asyncio.CancelledError, SystemExit, KeyboardInterrupt, BaseException]


class Odd(RecordingSink):
    """Raises something once that is no Exception."""

    def __init__(self, error: type[BaseException]) -> None:
        super().__init__()
        self.odd: list[type[BaseException]] = [error]

    async def deliver(self, batch: Batch) -> None:
        if self.odd:
            raise self.odd.pop()
        await super().deliver(batch)


class Stranger:
    """Is the same for those who know only `write` and `close`."""

    def __init__(self, error: type[BaseException]) -> None:
        self.odd = [error]
        self.data: list[object] = []

    async def write(self, events: Sequence[Event]) -> None:
        if self.odd:
            raise self.odd.pop()
        self.data += [event.data for event in events]

    async def close(self) -> None:
        pass


class Between(Node):
    """Is a node of a third party that is no terminal."""

    def __init__(self, error: type[BaseException]) -> None:
        super().__init__()
        self.odd = [error]
        self.data: list[object] = []

    async def write(self, events: Sequence[Event]) -> None:
        if self.odd:
            raise self.odd.pop()
        self.data += [event.data for event in events]


@pytest.mark.parametrize("error", ODD)
@pytest.mark.parametrize("make", [Odd, Stranger, Between])
def test_a_queue_delivers_again_what_raised_no_exception(
    make: type[Odd | Stranger | Between], error: type[BaseException]
) -> None:
    @virtual
    async def story() -> None:
        sink = make(error)
        async with start(Queue(sink)) as live:
            await live.write(1)
            await live.write(2)
            assert await live.drain(60)
            assert live.snapshot().residue == 0
        assert sink.data == [1, 2]

    story()


@pytest.mark.parametrize("error", ODD)
def test_siblings_finish_beside_what_raised_no_exception(error: type[BaseException]) -> None:
    @virtual
    async def story() -> None:
        odd, slow = Odd(error), StalledSink()
        sinks: list[Sink] = [odd, slow]
        async with start(Broadcast(sinks)) as live:
            writing = asyncio.ensure_future(live.write(1))
            await asyncio.sleep(1)
            assert not writing.done()
            slow.release()
            with pytest.raises(PartialWrite) as caught:
                await writing
            (owed,) = caught.value.owed
            assert isinstance(owed.error, DeliveryFailed)
            assert live.snapshot().residue == 0
        assert slow.data == [1]

    story()


@virtual
async def test_a_write_that_is_cancelled_stays_cancelled() -> None:
    sink = StalledSink()
    async with start(sink) as live:
        writing = asyncio.ensure_future(live.write(1))
        await sink.entered.wait()
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        assert live.snapshot().residue == 0
