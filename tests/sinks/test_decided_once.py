"""Proves that an attempt made again decides nothing again: chosen is chosen, buried is buried."""

from __future__ import annotations

from typing import Any

import pytest

from sinkgraph.errors import DeliveryFailed, Owed, PartialWrite
from sinkgraph.event import Batch, Event
from sinkgraph.sinks.backoff import ConstantBackoff
from sinkgraph.sinks.base import Sink
from sinkgraph.sinks.blackhole import Blackhole
from sinkgraph.sinks.broadcast import Broadcast
from sinkgraph.sinks.filter import Filter
from sinkgraph.sinks.queue import Queue
from sinkgraph.sinks.retry import Retry
from sinkgraph.sinks.sample import Sample
from sinkgraph.testing import FlakySink, RecordingSink
from tests.support.virtual import start, virtual


def patient(to: Sink) -> Queue:
    return Queue(Retry(to, backoff=ConstantBackoff(0.1)))


@pytest.mark.parametrize("options", [{"every": 2}, {"ratio": 0.5}])
def test_an_event_that_was_chosen_is_not_drawn_again_when_its_write_fails(
    options: dict[str, Any],
) -> None:
    @virtual
    async def story() -> None:
        flaky = FlakySink()
        sample = Sample(flaky, **options)
        async with start(patient(sample), drain=1000) as live:
            for n in range(40):
                flaky.script = [3]
                await live.write(n)
                assert await live.drain(100)
            ledger = live.snapshot()["sample"].ledger
            assert ledger.residue == 0
            assert ledger.entered == 40
            assert len(flaky.data) == 40 - ledger.filtered["sampled_out"]

    story()


@virtual
async def test_an_event_is_buried_once_however_often_a_sibling_fails() -> None:
    def broken(event: Event) -> bool:
        raise ValueError(event.data)

    flaky = FlakySink(3)
    async with start(patient(Broadcast([flaky, Filter(Blackhole(), broken)]))) as live:
        await live.write(1)
        assert await live.drain(10)
        assert live.snapshot()["dead-letters"].ledger.entered == 1
        assert live.snapshot()["filter"].ledger.entered == 1
        assert live.snapshot().residue == 0
    assert flaky.data == [1]


@virtual
async def test_an_event_is_filtered_once_however_often_a_sibling_fails() -> None:
    flaky = FlakySink(3)
    nothing = Filter(Blackhole(), lambda event: False)
    async with start(patient(Broadcast([flaky, nothing]))) as live:
        await live.write(1)
        assert await live.drain(10)
        assert live.snapshot()["filter"].ledger.filtered == {"no_match": 1}
        assert live.snapshot().residue == 0
    assert flaky.data == [1]


@virtual
async def test_every_parked_event_has_its_own_attempts() -> None:
    class AllBad(RecordingSink):
        async def deliver(self, batch: Batch) -> None:
            if len(batch) == 1:
                raise DeliveryFailed("no")
            raise PartialWrite(
                [Owed(self.write, batch.pick([k]), DeliveryFailed("no")) for k in range(len(batch))]
            )

    retry = Retry(
        AllBad(), backoff=ConstantBackoff(1.0), max_attempts=4, give_up_after=0.0, hold="event"
    )
    async with start(Queue(retry), drain=100) as live:
        await live.write_many([1, 2, 3, 4, 5])
        assert await live.drain(90)
        dead = live.nodes["dead-letters"].events  # type: ignore[attr-defined]
        assert [event.meta["attempts"] for event in dead] == [4] * 5
        assert live.snapshot().residue == 0
