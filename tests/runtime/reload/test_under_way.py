"""What is under way while a graph is reloaded: attempts, waits and parked events go on."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sinkgraph.testing import World, simulate
from tests.support.ledgers import assert_nothing_lost
from tests.support.reloading import Sinks, applied, chain, document, edited, numbers


@pytest.mark.parametrize("hold", ["lane", "event", "key"])
def test_events_held_by_a_retry_see_a_fixed_url_at_once(hold: str) -> None:
    async def story(world: World) -> None:
        world.destination("http://a.test").script("503 x999")
        good = world.destination("http://b.test")
        backoff = {"base": "10m", "cap": "10m", "jitter": "none"}
        more: dict[str, Any] = {"queue_order_by": "data.n"} if hold == "key" else {}
        before = document(chain(retry_backoff=backoff, retry_hold=hold, **more))
        async with world.run(before) as live:
            await live.write_many([{"n": n} for n in range(5)])
            await asyncio.sleep(60)
            await applied(live, edited(before, http={"url": "http://b.test/"}))
            await asyncio.sleep(1)
            assert sorted(numbers(good)) == [0, 1, 2, 3, 4]
        assert_nothing_lost(live)

    simulate(story)


def test_a_lane_in_its_own_back_off_sees_a_fixed_url_at_once() -> None:
    async def story(world: World) -> None:
        world.destination("http://a.test").script("503 x999")
        good = world.destination("http://b.test")
        before = document(
            {
                "queue": {"kind": "queue", "to": "http"},
                "http": {"kind": "http", "url": "http://a.test/"},
            }
        )
        async with world.run(before) as live:
            await live.write({"n": 1})
            await asyncio.sleep(300)
            await applied(live, edited(before, http={"url": "http://b.test/"}))
            await asyncio.sleep(0.1)
            assert numbers(good) == [1]

    simulate(story)


def test_a_write_under_way_to_a_queue_that_leaves_is_made_again_where_the_edge_leads() -> None:
    async def story(world: World) -> None:
        world.destination("http://a.test", latency=50.0)
        good = world.destination("http://b.test")
        sinks: Sinks = {
            "first": {"kind": "queue", "to": "second"},
            "second": {"kind": "queue", "to": "slow", "capacity": 1},
            "slow": {"kind": "http", "url": "http://a.test/", "timeout": "60s"},
        }
        before = document(sinks)
        after = edited(
            before,
            first={"to": "other"},
            second=None,
            slow=None,
            other={"kind": "queue", "to": "fast"},
            fast={"kind": "http", "url": "http://b.test/"},
        )
        async with world.run(before) as live:
            await live.write({"n": 0})
            await live.write({"n": 1})
            await asyncio.sleep(1)
            await applied(live, after, fates={"second": "discard"})
            await live.write({"n": 2})
            assert await live.drain(100)
            assert numbers(good) == [1, 2]
            assert not live.snapshot().nodes["dead-letters"].ledger.entered

    simulate(story)


def test_a_writer_that_waits_for_a_queue_that_leaves_writes_to_its_successor() -> None:
    async def story(world: World) -> None:
        world.destination("http://a.test", latency=50.0)
        good = world.destination("http://b.test")
        before = document(chain(queue_capacity=1, http_timeout="60s"))
        after = document({**chain("b"), "other": {"kind": "queue", "to": "retry"}}, to="other")
        del after["sinks"]["queue"]
        async with world.run(before) as live:
            await live.write({"n": 0})
            waiting = asyncio.ensure_future(live.write({"n": 1}))
            many = asyncio.ensure_future(live.write_many([{"n": 2}, {"n": 3}]))
            await asyncio.sleep(1)
            await applied(live, after, fates={"queue": "discard"})
            await asyncio.wait_for(asyncio.gather(waiting, many), 1)
            assert await live.drain(100)
            assert sorted(numbers(good)) == [1, 2, 3]

    simulate(story)


def test_writers_that_wait_are_let_in_by_a_larger_capacity_and_cut_by_a_smaller_one() -> None:
    async def story(world: World) -> None:
        slow = world.destination("http://a.test", latency=1.0)
        before = document(chain(queue_capacity=8, http_concurrency=1))
        async with world.run(before) as live:
            await live.write_many([{"n": n} for n in range(8)])
            eight = asyncio.ensure_future(live.write_many([{"n": n} for n in range(8, 16)]))
            await asyncio.sleep(0.5)
            world.allow({"queue": 8})
            await applied(live, edited(before, queue={"capacity": 3}))
            await asyncio.wait_for(eight, 30)
            assert live.snapshot().nodes["queue"].depth <= 3
            nine = asyncio.ensure_future(live.write_many([{"n": n} for n in range(16, 20)]))
            await asyncio.sleep(0.1)
            await applied(live, edited(before, queue={"capacity": 100}))
            await asyncio.wait_for(nine, 0.1)
            assert await live.drain(100)
            assert numbers(slow) == list(range(20))
        assert_nothing_lost(live)

    simulate(story)


def test_a_retry_that_leaves_gives_what_it_holds_to_the_edge_that_stays() -> None:
    async def story(world: World) -> None:
        host = world.destination("http://a.test").script("503 x1")
        before = document(chain(retry_backoff={"base": "10m", "cap": "10m", "jitter": "none"}))
        after = edited(before, queue={"to": "http"}, retry=None)
        async with world.run(before) as live:
            await live.write({"n": 1})
            await asyncio.sleep(1)
            await applied(live, after)
            await asyncio.sleep(1)
            assert numbers(host) == [1]
            assert not live.snapshot().nodes["dead-letters"].ledger.entered
        assert_nothing_lost(live)

    simulate(story)


def test_an_event_that_a_retry_parked_outlives_the_retry() -> None:
    async def story(world: World) -> None:
        host = world.destination("http://a.test").script("503 x1")
        backoff = {"base": "10s", "cap": "10s", "jitter": "none"}
        before = document(chain(retry_backoff=backoff, retry_hold="event"))
        after = edited(before, queue={"to": "http"}, retry=None)
        async with world.run(before) as live:
            await live.write({"n": 1})
            await asyncio.sleep(1)
            await applied(live, after)
            await asyncio.sleep(60)
            assert numbers(host) == [1]
            assert not live.snapshot().nodes["dead-letters"].ledger.entered

    simulate(story)


@pytest.mark.parametrize("fate", ["move_to:other", "dead_letter", "discard"])
@pytest.mark.parametrize("hold", ["lane", "event"])
def test_an_attempt_that_was_begun_is_not_made_twice_when_its_queue_leaves(
    fate: str, hold: str
) -> None:
    async def story(world: World) -> None:
        host = world.destination("http://a.test", latency=1.0)
        backoff = {"base": "10m", "cap": "10m", "jitter": "none"}
        sinks = chain(retry_backoff=backoff, retry_hold=hold)
        before = document(sinks)
        after = document({"other": {"kind": "queue", "to": "retry"}, **sinks}, to="other")
        del after["sinks"]["queue"]
        async with world.run(before) as live:
            await live.write_many([{"n": n} for n in range(5)])
            await asyncio.sleep(2.5)
            await applied(live, after, fates={"queue": fate})
            assert await live.drain(100)
            taken, dead = numbers(host), live.snapshot().nodes["dead-letters"].ledger.entered
            assert taken == list(range(5 if fate.startswith("move") else 3))
            assert dead == (2 if fate == "dead_letter" else 0)
        assert live.report is not None
        assert live.report.residue == 0

    simulate(story)


def test_a_lane_that_waits_for_its_next_attempt_lets_its_queue_go() -> None:
    async def story(world: World) -> None:
        host = world.destination("http://a.test").script("503 x1")
        backoff = {"base": "10m", "cap": "10m", "jitter": "none"}
        sinks = chain(retry_backoff=backoff)
        after = document({"other": {"kind": "queue", "to": "retry"}, **sinks}, to="other")
        del after["sinks"]["queue"]
        async with world.run(document(sinks)) as live:
            await live.write_many([{"n": n} for n in range(3)])
            await asyncio.sleep(1)
            await applied(live, after, fates={"queue": "move_to:other"})
            await asyncio.sleep(1)
            assert numbers(host) == [0, 1, 2]
        assert_nothing_lost(live)

    simulate(story)
