"""What the control plane says and holds goes on over a reload."""

from __future__ import annotations

import asyncio
import copy
from contextlib import aclosing
from typing import Any

from sinkgraph.api.addresses import Address
from sinkgraph.api.client import Client
from sinkgraph.api.messages import TapEvent
from tests.support.control import DOCUMENT, Watched, watched
from tests.support.program import until

SOURCES = {"in": {"kind": "inlet", "to": "fan"}}
BEFORE: dict[str, Any] = {**DOCUMENT, "sources": SOURCES}


def changed(**queue: Any) -> dict[str, Any]:
    """Return the document with other fields of its first queue, and another node."""
    made = copy.deepcopy(BEFORE)
    made["sinks"]["q"] |= queue
    made["sinks"]["more"] = {"kind": "queue", "to": {"kind": "blackhole", "name": "hole2"}}
    made["sinks"]["fan"]["to"] = ["q", "eu/kept", "more"]
    return made


def client(graph: Watched) -> Client:
    return Client(Address(socket=graph.control.socket))


async def test_a_pause_outlives_a_reload_and_ends_at_its_time() -> None:
    async with watched(BEFORE, tcp=False) as graph:
        await graph.post("/v1/nodes/q/pause", {"for_s": 300})
        await graph.live.write({"n": 1})
        assert await graph.live.reload(changed(capacity=50))
        await graph.live.write({"n": 2})
        await asyncio.sleep(0.05)
        assert graph.end.data == []
        node = await graph.node("q")
        assert (node["paused"], node["capacity"], node["depth"]) == (True, 50, 2)
        assert node["resumes_in_s"] is not None
        await graph.post("/v1/nodes/q/resume")
        await until(lambda: graph.end.data == [{"n": 1}, {"n": 2}])
        assert graph.live.snapshot().residue == 0


async def test_who_watches_is_told_of_the_new_graph() -> None:
    async with watched(BEFORE, tcp=False) as graph, client(graph) as one:
        async with aclosing(one.watch()) as seen, asyncio.timeout(20):  # type: ignore[type-var]
            await anext(seen)
            assert await graph.live.reload(changed())
            async for told in seen:
                if told.snapshot is not None and told.snapshot.generation == 2:
                    break
        assert told.snapshot is not None
        assert "more" in told.snapshot.nodes
        view = await one.graph()
        assert (view.generation, view.digest) == (2, graph.live.topology.assembly.digest)
        assert ("fan", "more") in {(edge.source, edge.target) for edge in view.edges}
        reply = await graph.ask("GET", "/metrics")
        assert b'sinkgraph_reloads_total{outcome="applied"} 1.0' in reply.body


async def test_a_tap_stands_at_the_node_that_took_the_place() -> None:
    async with watched(BEFORE, tcp=False) as graph, client(graph) as one:
        found: list[TapEvent] = []

        async def read() -> None:
            async with aclosing(one.tap("eu/kept")) as shown:  # type: ignore[type-var]
                async for message in shown:
                    if isinstance(message, TapEvent):
                        found.append(message)

        reading = asyncio.ensure_future(read())
        await until(lambda: graph.control.desk.taps)
        await graph.live.write({"n": 1})
        await until(lambda: len(found) == 1)
        other = changed()
        other["sinks"]["eu/kept"] = {"kind": "blackhole"}
        assert await graph.live.reload(other)
        assert graph.live.nodes["eu/kept"].kind == "blackhole"
        for n in range(2, 200):
            await graph.live.write({"n": n})
            await asyncio.sleep(0.05)
            if len(found) > 1:
                break
        assert len(found) > 1
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await until(lambda: not graph.control.desk.taps)
        assert graph.live.snapshot().residue == 0
