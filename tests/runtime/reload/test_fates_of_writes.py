"""A write the disk has not answered yet, to a queue that leaves, shares the fate of that queue."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sinkgraph.runtime.live import Live
from sinkgraph.testing import World, simulate
from tests.support.ledgers import assert_nothing_lost
from tests.support.reloading import applied, document, edited, numbers

DISK_S = 0.5


def two_queues(store: str) -> dict[str, Any]:
    """Return a fan-out to a queue on disk and to one that is to leave."""
    return document(
        {
            "fan": {"kind": "broadcast", "to": ["kept", "leaves"]},
            "kept": {"kind": "queue", "to": "one", "store": "disk"},
            "leaves": {"kind": "queue", "to": "two", "store": store},
            "one": {"kind": "http", "url": "http://one.test/"},
            "two": {"kind": "http", "url": "http://two.test/"},
        }
    )


def swapped(before: dict[str, Any]) -> dict[str, Any]:
    """Return the document with another queue in the place of the one that leaves."""
    return edited(
        before,
        fan={"to": ["kept", "comes"]},
        leaves=None,
        comes={"kind": "queue", "to": "two", "store": "memory"},
    )


async def swap_while_writing(live: Live, before: dict[str, Any], fate: str) -> None:
    """Reload while an event is being written to disk; return when what left is gone."""
    writing = asyncio.ensure_future(live.write({"n": 1}))
    await asyncio.sleep(DISK_S / 10)
    await applied(live, swapped(before), fates={"leaves": fate}, drain=DISK_S / 10)
    assert not writing.done()
    await writing
    assert await live.drain(100)
    assert "leaves" not in live.nodes


@pytest.mark.parametrize("store", ["memory", "disk"])
@pytest.mark.parametrize(
    ("fate", "came", "buried", "dropped"),
    [
        ("move_to:comes", [1], 0, {}),
        ("dead_letter", [], 1, {}),
        ("discard", [], 0, {"discarded": 1}),
    ],
)
def test_a_write_under_way_follows_the_fate_of_the_queue(
    store: str, fate: str, came: list[int], buried: int, dropped: dict[str, int]
) -> None:
    async def story(world: World) -> None:
        world.disk_latency = DISK_S
        one, two = world.destination("http://one.test"), world.destination("http://two.test")
        before = two_queues(store)
        async with world.run(before, durable=True) as live:
            await swap_while_writing(live, before, fate)
            assert numbers(one) == [1]
            assert numbers(two) == came
            assert live.snapshot().nodes["dead-letters"].ledger.entered == buried
            left = live.topology.removed["leaves"]
            assert (left.entered, left.dropped, left.residue) == (1, dropped, 0)
        assert_nothing_lost(live)

    simulate(story)


def test_a_write_that_comes_after_the_drain_of_its_queue_is_over_is_buried() -> None:
    async def story(world: World) -> None:
        world.disk_latency = DISK_S
        one, two = world.destination("http://one.test"), world.destination("http://two.test")
        before = two_queues("memory")
        async with world.run(before, durable=True) as live:
            await swap_while_writing(live, before, "drain")
            assert numbers(one) == [1]
            assert numbers(two) == []
            assert live.snapshot().nodes["dead-letters"].ledger.entered == 1
            left = live.topology.removed["leaves"]
            assert (left.entered, left.dead_lettered, left.residue) == (1, 1, 0)
        assert_nothing_lost(live)

    simulate(story)
