"""The sink that counts and forgets."""

from __future__ import annotations

import pytest

from sinkgraph.errors import SinkClosed
from sinkgraph.event import Batch, Event
from sinkgraph.sinks.blackhole import Blackhole

BATCH = Batch.from_payloads([1, 2, 3], "u", 0, source="", type="event", time=0.0)


async def test_everything_is_counted() -> None:
    sink = Blackhole()
    await sink.write([Event("a")])
    await sink.write(BATCH)
    assert sink.offer(BATCH)
    assert sink.ledger.delivered == 7
    assert sink.account().residue == 0


async def test_none_is_a_type_error() -> None:
    with pytest.raises(TypeError):
        await Blackhole().write(None)  # type: ignore[arg-type]


async def test_a_closed_one_refuses() -> None:
    sink = Blackhole()
    await sink.close()
    assert not sink.offer(BATCH)
    with pytest.raises(SinkClosed):
        await sink.write(BATCH)
    assert sink.ledger.entered == 0
