"""A queue keeps the order it promises while its lanes and keys become others."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from sinkgraph.runtime.live import Live
from sinkgraph.sinks.queue import Queue
from sinkgraph.testing import World, simulate
from tests.support.ledgers import assert_nothing_lost
from tests.support.reloading import applied, chain, document, edited

LANES: list[dict[str, Any]] = [
    {"concurrency": 1},
    {"concurrency": 4},
    {"concurrency": 4, "order_by": "data.n % 3"},
    {"concurrency": 4, "order_by": "data.n % 5"},
    {"concurrency": 1, "order_by": "data.n % 2"},
    {"concurrency": 2, "order_by": "data.n % 3"},
]


def modulus(lanes: dict[str, Any]) -> int | None:
    """Return by what numbers are in order: 1 for all of them, None for no order at all."""
    if "order_by" in lanes:
        return int(lanes["order_by"][-1])
    return 1 if lanes["concurrency"] == 1 else None


def judge(numbers: list[int], begun: set[int], by: int) -> None:
    """Hold that nothing overtakes an earlier number of its key, unless it was begun before."""
    for k, n in enumerate(numbers):
        for later in numbers[k + 1 :]:
            inverted = later < n and (later - n) % by == 0
            assert not inverted or n in begun, (n, later, numbers)


def under_way(live: Live) -> set[int]:
    lanes = cast(Queue, live.nodes["queue"]).lanes
    jobs = [*lanes._busy, *lanes._ready, *lanes._lot.jobs]
    return {event.data["n"] for job in jobs for _, part in job.owed() for event in part}


@pytest.mark.parametrize("after", range(len(LANES)))
@pytest.mark.parametrize("before", range(len(LANES)))
@pytest.mark.parametrize("hold", ["lane", "key"])
def test_what_is_begun_after_a_change_of_the_lanes_is_in_their_order(
    before: int, after: int, hold: str
) -> None:
    old, new = LANES[before], LANES[after]
    by = modulus(new) if hold == "lane" or "order_by" in new else None

    async def story(world: World) -> None:
        host = world.destination("http://a.test", latency=(0.01, 0.4))
        host.script(*(["503", "200", "200"] * 40))
        backoff = {"base": "100ms", "cap": "2s"}
        sinks = chain(retry_backoff=backoff, retry_hold=hold, queue_max_batch=3)
        one = document({**sinks, "queue": {**sinks["queue"], **old}})
        two = document({**sinks, "queue": {**sinks["queue"], **new}})
        async with world.run(one) as live:
            for n in range(60):
                await live.write({"n": n})
            await asyncio.sleep(3)
            begun, began = under_way(live), world.now
            await applied(live, two)
            for n in range(60, 80):
                await live.write({"n": n})
            assert await live.drain(500)
        taken = [(one.at, payload["n"]) for one in host.taken for payload in one.payloads]
        assert sorted(n for _, n in taken) == list(range(80))
        late = [n for at, n in taken if at > began]
        assert len(begun) < len(late)
        if by is not None:
            judge(late, begun, by)
        assert_nothing_lost(live)

    simulate(story)


def test_events_that_waited_for_an_owned_key_go_before_those_that_come_later() -> None:
    async def story(world: World) -> None:
        host = world.destination("http://a.test").script("503 x5")
        backoff = {"base": "10s", "cap": "10s", "jitter": "none"}
        sinks = chain(retry_backoff=backoff, queue_concurrency=2, queue_order_by="data.n % 2")
        before = document(sinks)
        async with world.run(before) as live:
            for n in range(9):
                await live.write({"n": n})
            await asyncio.sleep(1)
            after = edited(before, queue={"concurrency": 1})
            del after["sinks"]["queue"]["order_by"]
            await applied(live, after)
            for n in range(9, 12):
                await live.write({"n": n})
            assert await live.drain(500)
        numbers = [payload["n"] for one in host.taken for payload in one.payloads]
        assert sorted(numbers) == list(range(12))
        assert numbers[2:] == list(range(2, 12))

    simulate(story)
