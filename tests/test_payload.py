"""Proves that a payload nobody can convert or encode is its own event's fault and no other's."""

from __future__ import annotations

import math

import pytest

from sinkgraph.event import Batch, Event
from sinkgraph.sinks.filter import Filter
from sinkgraph.sinks.queue import Queue
from sinkgraph.sinks.retry import Retry
from sinkgraph.testing import RecordingSink
from tests.support.virtual import start, virtual


def passes(event: Event) -> bool:
    return event.data is not None


@pytest.mark.parametrize("odd", [object(), math, {1, object()}])
def test_a_payload_nobody_can_convert_costs_no_other_event(odd: object) -> None:
    @virtual
    async def story() -> None:
        sink = RecordingSink()
        async with start(Filter(Queue(Retry(sink)), passes)) as live:
            await live.write_many([1, odd, 2])
            assert await live.drain(5)
            assert live.snapshot().residue == 0
        assert sink.data == [1, odd, 2]  # who has to encode it refuses it

    story()


@virtual
async def test_a_sink_that_encodes_refuses_only_the_payload_nobody_can_convert() -> None:
    class Encoding(RecordingSink):
        async def deliver(self, batch: Batch) -> None:
            batch.json()
            await super().deliver(batch)

    class Model:
        def model_dump(self, mode: str) -> object:
            raise LookupError("broken")

    sink = Encoding()
    async with start(Queue(sink)) as live:
        await live.write_many([1, object(), 2, Model(), 3])
        assert await live.drain(5)
        assert live.snapshot().residue == 0
        assert live.snapshot()["queue"].ledger.dead_lettered == 2
    assert sink.data == [1, 2, 3]
