"""`drain` returns when everything that was written has been delivered, whatever stands between."""

from __future__ import annotations

import pytest

import sinkgraph
from sinkgraph.sinks import Broadcast, Filter, Queue, Retry, Route, Sample
from sinkgraph.sinks.base import Sink
from sinkgraph.testing import RecordingSink


def _roots(end: RecordingSink) -> dict[str, Sink]:
    return {
        "queue": Queue(end),
        "filter": Filter(Queue(end), where=lambda event: True),
        "route": Route([(lambda event: True, Queue(end))]),
        "sample": Sample(Queue(end), every=1),
        "optional": Broadcast([(Queue(end), False)]),
        "nested": Broadcast([Filter(Queue(Queue(Retry(end))), where=lambda event: True)]),
        "shedding": Queue(end, when_full="drop_newest"),
        "bytes": Queue(end, max_bytes=1_000_000),
    }


@pytest.mark.parametrize("shape", list(_roots(RecordingSink())))
async def test_drain_waits_for_what_was_written(shape: str) -> None:
    end = RecordingSink()
    async with sinkgraph.run(_roots(end)[shape]) as live:
        await live.write({"n": 1})
        assert await live.drain(5)
        assert len(end.events) == 1


async def test_a_drain_of_a_running_graph_leaves_its_linger_alone() -> None:
    end = RecordingSink()
    queue = Queue(end, linger=30.0, max_batch=10)
    async with sinkgraph.run(queue) as live:
        await live.write({"n": 1})
        assert await live.drain(5)
        assert not queue.lanes.hurry
