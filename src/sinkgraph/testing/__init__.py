"""Tools for testing sinks, sources and graphs: scripted sinks, contracts, virtual time.

They need no test framework; every check is an async function that raises AssertionError.

from sinkgraph.testing import FlakySink, run

def test_it_comes_through() -> None:
    async def story() -> None:
        sink = FlakySink(3)
        async with sinkgraph.run(Queue(Retry(sink))) as live:
            await live.write({"n": 1})
            assert await live.drain(60)
        assert sink.data == [{"n": 1}]

    run(story())  # virtual time: the waits between the attempts cost nothing
"""

from __future__ import annotations

from sinkgraph.simulation.loop import Deadlock, VirtualClock, run
from sinkgraph.testing.contracts import (
    CONTRACT,
    SOURCE_CONTRACT,
    check_sink_contract,
    check_source_contract,
)
from sinkgraph.testing.sinks import (
    FlakySink,
    Outcome,
    RecordingSink,
    SlowSink,
    StalledSink,
    refusing,
)

__all__ = [
    "CONTRACT",
    "SOURCE_CONTRACT",
    "Deadlock",
    "FlakySink",
    "Outcome",
    "RecordingSink",
    "SlowSink",
    "StalledSink",
    "VirtualClock",
    "check_sink_contract",
    "check_source_contract",
    "refusing",
    "run",
]
