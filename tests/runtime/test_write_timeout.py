"""Proves that a write with a timeout ends in time, whatever stands below, and says what is owed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from sinkgraph.errors import Overloaded, PartialWrite
from sinkgraph.sinks.base import Sink
from sinkgraph.sinks.broadcast import Broadcast
from sinkgraph.sinks.filter import Filter
from sinkgraph.sinks.queue import Queue
from sinkgraph.sinks.retry import Retry
from sinkgraph.testing import FlakySink, RecordingSink, StalledSink
from tests.support.virtual import start, virtual


@pytest.mark.parametrize(
    "tree",
    [
        lambda sink: sink,
        lambda sink: Retry(sink),
        lambda sink: Broadcast([sink]),
        lambda sink: Filter(sink, where=lambda event: True),
    ],
    ids=["sink", "retry", "broadcast", "filter"],
)
def test_a_sink_that_stalls_is_cut_off(tree: Callable[[Sink], Sink]) -> None:
    @virtual
    async def story() -> None:
        stalled = StalledSink()
        loop = asyncio.get_running_loop()
        async with start(tree(stalled)) as live:
            began = loop.time()
            with pytest.raises(Overloaded, match="did not take it"):
                await live.write({"n": 0}, timeout=2.0)
            assert loop.time() - began == pytest.approx(2.0)
            assert live.snapshot().residue == 0
            stalled.release()
            await live.write({"n": 1}, timeout=2.0)
        assert [data["n"] for data in stalled.data] == [1]

    story()


@virtual
async def test_what_was_taken_in_time_is_not_owed() -> None:
    stalled, bare, queued = StalledSink(), RecordingSink(), RecordingSink()
    async with start(Broadcast([bare, stalled, Queue(queued)])) as live:
        with pytest.raises(PartialWrite) as raised:
            await live.write_many([{"n": 0}, {"n": 1}], timeout=2.0)
        (owed,) = raised.value.owed
        assert isinstance(owed.error, Overloaded)
        stalled.release()
        await owed.write(owed.events)
        assert live.snapshot().residue == 0
    assert stalled.ids == bare.ids == queued.ids


@virtual
async def test_a_timeout_of_the_sink_s_own_is_its_own_error() -> None:
    for tree in (lambda sink: sink, lambda sink: Broadcast([sink])):
        async with start(tree(FlakySink([TimeoutError("the far end")]))) as live:
            with pytest.raises(TimeoutError, match="the far end"):
                await live.write({"n": 0}, timeout=5.0)
