"""What a queue that went to disk still holds in memory follows its fate too, each event once."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from sinkgraph.event import Batch, Event
from sinkgraph.log.backlog import Backlog
from sinkgraph.log.disk.chunk import decode
from sinkgraph.log.disk.places import placed, unplaced
from sinkgraph.runtime.live import Live
from sinkgraph.sinks.burial import DeadLetters
from sinkgraph.testing import Destination, World, simulate
from tests.support.ledgers import assert_nothing_lost
from tests.support.program import until
from tests.support.reloading import applied, document, edited, numbers


def two_queues(store: str) -> dict[str, Any]:
    """Return a fan-out to a queue on disk and to one that is kept in `store`."""
    return document(
        {
            "fan": {"kind": "broadcast", "to": ["beside", "moves"]},
            "beside": {"kind": "queue", "to": "one", "store": "disk"},
            "moves": {"kind": "queue", "to": "again", "store": store},
            "again": {"kind": "retry", "to": "two", "backoff": {"base": "1s", "cap": "1s"}},
            "one": {"kind": "http", "url": "http://one.test/"},
            "two": {"kind": "http", "url": "http://two.test/", "format": "ndjson"},
        }
    )


def batch_of(n: int) -> Batch:
    return Batch.of(Event(data={"n": k}) for k in range(n))


async def buried(live: Live) -> Counter[int]:
    node = live.nodes["dead-letters"]
    assert isinstance(node, DeadLetters)
    found: Counter[int] = Counter()
    for letter in await node.letters(limit=1_000):
        assert letter.body is not None
        found.update(event.data["n"] for event in decode(letter.body))
    return found


async def one_request(world: World, host: Destination) -> None:
    """Let an endpoint that is down take one request, and no more."""
    before = len(host.taken)
    host.recover()
    await until(lambda: len(host.taken) > before)
    host.down(world.now, how="503")
    await asyncio.sleep(0.1)


@pytest.mark.parametrize("back", [[], ["memory"], ["memory", "disk"]])
def test_what_stayed_in_memory_beside_a_queue_on_disk_is_buried_once(back: list[str]) -> None:
    async def story(world: World) -> None:
        world.disk_latency = 0.02
        world.destination("http://one.test")
        two = world.destination("http://two.test")
        two.down(0.0, how="503")
        async with world.run(two_queues("memory"), durable=True) as live:
            n = 0
            for store in ["disk", *back]:
                for _ in range(10):
                    await live.write({"n": n})
                    n += 1
                writing = asyncio.ensure_future(live.write({"n": n}))
                n += 1
                await asyncio.sleep(0.005)
                await applied(live, two_queues(store))
                await writing
            for _ in range(10):
                await live.write({"n": n})
                n += 1
            await one_request(world, two)  # what is held after it is of both kinds
            after = edited(
                two_queues(store),
                fan={"to": ["beside", "comes"]},
                moves=None,
                comes={"kind": "queue", "to": "again"},
            )
            await applied(live, after, fates={"moves": "dead_letter"})
            two.recover()
            assert await live.drain(100)
            assert live.topology.removed["moves"].dropped == {}
            assert await buried(live) + Counter(numbers(two)) == Counter(range(n))
        assert_nothing_lost(live)

    simulate(story)


def test_to_place_a_batch_leaves_those_who_hold_its_page_without_places() -> None:
    batch = batch_of(3)
    stored = placed(batch, 7)
    assert stored.places == range(7, 10)
    assert batch.places is None
    assert unplaced(stored).places is None
    assert unplaced(batch) is batch


def test_events_on_disk_and_in_memory_are_not_taken_as_one_batch() -> None:
    backlog = Backlog()
    backlog.load([batch_of(2), placed(batch_of(2), 7), placed(batch_of(2), 9)], 0)
    first, second = backlog.take(10), backlog.take(10)
    assert first is not None
    assert second is not None
    assert first.places is None
    assert list(second.places or ()) == [7, 8, 9, 10]
    assert backlog.take(10) is None
