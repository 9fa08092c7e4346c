"""Tools for testing sinks, sources and graphs: scripted sinks, contracts, virtual time, worlds.

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

A whole document, with scripted endpoints, a disk that fails and crashes, runs in a `World`:

def test_it_survives_an_outage() -> None:
    async def story(world: World) -> None:
        hooks = world.destination("http://127.0.0.1:9000").script("503 x5", "hang", 200)
        async with world.run("graph.yaml") as live:
            await live.write({"n": 1})
            assert await live.drain(600)
        assert hooks.payloads == [{"n": 1}]

    simulate(story)
"""

from __future__ import annotations

from sinkgraph.simulation.destination import Answer, Destination, Exchange
from sinkgraph.simulation.disk import VirtualDisk
from sinkgraph.simulation.faults import DiskFaults
from sinkgraph.simulation.loop import Deadlock, VirtualClock, run
from sinkgraph.simulation.network import VirtualNetwork
from sinkgraph.simulation.process import Died
from sinkgraph.simulation.producer import Letter, Producer
from sinkgraph.simulation.trace import Trace
from sinkgraph.simulation.world import Unaccounted, World, simulate
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
    "Answer",
    "Deadlock",
    "Destination",
    "Died",
    "DiskFaults",
    "Exchange",
    "FlakySink",
    "Letter",
    "Outcome",
    "Producer",
    "RecordingSink",
    "SlowSink",
    "StalledSink",
    "Trace",
    "Unaccounted",
    "VirtualClock",
    "VirtualDisk",
    "VirtualNetwork",
    "World",
    "check_sink_contract",
    "check_source_contract",
    "refusing",
    "run",
    "simulate",
]
