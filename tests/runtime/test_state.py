"""What becomes of stored events at a start, and of a start that cannot do it."""

from __future__ import annotations

from typing import Any

import pytest

from sinkgraph.errors import StartFailed
from sinkgraph.sinks.burial import DeadLetters
from sinkgraph.testing import World, simulate


def document(queue: str, capacity: int) -> dict[str, Any]:
    return {
        "sinkgraph": 1,
        "name": "fates",
        "sources": {"in": {"kind": "inlet", "to": queue}},
        "sinks": {
            queue: {"kind": "queue", "store": "disk", "to": "again"},
            "again": {"kind": "retry", "to": "hook"},
            "hook": {"kind": "http", "url": "http://nobody.test/"},
            "dead-letters": {"kind": "dead_letter", "capacity": capacity},
        },
    }


def test_a_fate_does_not_wait_for_room_among_the_dead_letters() -> None:
    fates = {"old": "dead_letter"}

    async def story(world: World) -> None:
        world.destination("http://nobody.test").down(0, 1000)
        async with world.run(document("old", 10), durable=True, drain=0.0) as live:
            for n in range(3):
                await live.write({"n": n})
        async with world.run(document("new", 3), durable=True, fates=fates):
            pass
        async with world.run(document("old", 10), durable=True, drain=0.0) as live:
            await live.write({"n": 3})
        with pytest.raises(
            StartFailed, match=r"fate old=dead_letter: dead-letters has no room for"
        ):
            async with world.run(document("new", 3), durable=True, fates=fates):
                raise AssertionError("not reached")
        async with world.run(document("new", 10), durable=True, fates=fates) as live:
            node = live.nodes["dead-letters"]
            assert isinstance(node, DeadLetters)
            letters = await node.letters()
            assert [(one.node, one.reason) for one in letters] == [("old", "node_removed")] * 4
            assert live.snapshot().residue == 0

    simulate(story)
