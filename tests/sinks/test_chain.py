"""A chain of any length costs no stack: each queue hands on in a step of its own."""

from __future__ import annotations

import pytest

import sinkgraph
from sinkgraph.sinks import Blackhole, Filter, Queue, Retry
from sinkgraph.sinks.base import Sink


def _chain(length: int, **fields: object) -> Queue:
    end: Sink = Blackhole()
    for _ in range(length):
        end = Queue(end, **fields)  # type: ignore[arg-type]
    assert isinstance(end, Queue)
    return end


@pytest.mark.parametrize(
    "fields", [{}, {"max_bytes": 1_000_000}, {"when_full": "drop_newest"}], ids=str
)
async def test_two_thousand_queues_in_a_row_deliver(fields: dict[str, object]) -> None:
    async with sinkgraph.run(_chain(2_000, **fields)) as live:
        for n in range(20):
            await live.write({"n": n})
        assert await live.drain(30)
        snapshot = live.snapshot()
    assert snapshot.residue == 0
    assert snapshot["blackhole"].ledger.delivered == 20


async def test_retries_and_filters_between_queues_cost_no_stack_either() -> None:
    end: Sink = Blackhole()
    for _ in range(500):
        end = Queue(Retry(Filter(end, where=lambda event: True)))
    async with sinkgraph.run(end) as live:
        await live.write_many([{"n": n} for n in range(50)])
        assert await live.drain(30)
        snapshot = live.snapshot()
    assert snapshot.residue == 0
    assert snapshot["blackhole"].ledger.delivered == 50
