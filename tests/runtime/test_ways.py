"""A node's path names whom every event has passed: what a dead letter says of its way is true."""

from __future__ import annotations

from typing import Any

import sinkgraph as sg
from tests.support.virtual import virtual


def document(**sinks: Any) -> dict[str, Any]:
    return {
        "sinkgraph": 1,
        "name": "ways",
        "sources": {"a": {"kind": "inlet", "to": "fan"}, "b": {"kind": "inlet", "to": "fan"}},
        "sinks": {"fan": {"kind": "broadcast", "to": ["left", "right"]}, **sinks},
    }


def nodes() -> dict[str, Any]:
    return {
        "left": {"kind": "filter", "where": "data.n > 1", "to": "q"},
        "right": {"kind": "filter", "where": "data.n < 1", "to": "q"},
        "q": {"kind": "queue", "to": "end"},
        "end": {"kind": "blackhole"},
    }


def paths(live: sg.Live) -> dict[str, tuple[str, ...]]:
    return {name: node.path for name, node in live.topology.nodes.items()}


@virtual
async def test_where_ways_meet_only_what_they_share_is_named() -> None:
    async with sg.run(document(**nodes())) as live:
        found = paths(live)
    assert found["a"] == ("a",)
    assert found["fan"] == ("fan",)
    assert found["left"] == ("fan", "left")
    assert found["q"] == ("fan", "q")
    assert found["end"] == ("fan", "q", "end")


@virtual
async def test_what_a_reload_begins_is_told_the_same() -> None:
    before = document(left={"kind": "blackhole"}, right={"kind": "blackhole"})
    async with sg.run(before) as live:
        await live.reload(document(**nodes()))
        found = paths(live)
    assert found["q"] == ("fan", "q")
    assert found["left"] == ("fan", "left")


@virtual
async def test_of_a_long_way_the_end_is_kept() -> None:
    chain = {
        f"n{i}": {"kind": "filter", "where": "data.n > 1", "to": f"n{i + 1}"} for i in range(40)
    }
    sinks = {"left": {"kind": "filter", "where": "data.n > 1", "to": "n0"}, **chain}
    async with sg.run(
        document(**sinks, n40={"kind": "blackhole"}, right={"kind": "blackhole"})
    ) as live:
        found = paths(live)
    assert found["n40"] == tuple(f"n{i}" for i in range(9, 41))
