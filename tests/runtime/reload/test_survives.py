"""What a node has learned, holds or counts survives a reload by its name."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest

import sinkgraph
from sinkgraph.sinks.http import HttpSink
from sinkgraph.sinks.retry import Retry
from sinkgraph.testing import World, simulate
from tests.support.ledgers import assert_nothing_lost
from tests.support.reloading import Sinks, applied, chain, document, edited, numbers

STEADY = {"base": "1h", "cap": "1h", "jitter": "none"}
BREAKER: dict[str, Any] = {"failure_threshold": 3, "open_for": "1h", "open_for_max": "1h"}


def machine(live: Any) -> Any:
    return cast(Retry, live.nodes["retry"]).machine


def test_a_breaker_stays_open_when_its_threshold_is_raised() -> None:
    async def story(world: World) -> None:
        world.destination("http://a.test").script("503 x99")
        before = document(chain(retry_backoff={"base": "10ms"}, retry_breaker=BREAKER))
        async with world.run(before, drain=0.1) as live:
            await live.write({"n": 1})
            await asyncio.sleep(5)
            assert machine(live).state == "open"
            raised = {**BREAKER, "failure_threshold": 50}
            await applied(live, edited(before, retry={"breaker": raised}))
            assert machine(live).state == "open"

    simulate(story)


def test_a_breaker_closes_when_its_origin_is_another_and_not_when_the_path_is() -> None:
    async def story(world: World) -> None:
        world.destination("http://a.test").script("503 x99")
        good = world.destination("http://b.test")
        before = document(chain(retry_backoff={"base": "10ms"}, retry_breaker=BREAKER))
        async with world.run(before, drain=0.1) as live:
            await live.write({"n": 1})
            await asyncio.sleep(5)
            await applied(live, edited(before, http={"url": "http://a.test/other"}))
            assert machine(live).state == "open"
            await applied(live, edited(before, http={"url": "http://b.test/"}))
            assert machine(live).state == "closed"
            await asyncio.sleep(1)
            assert numbers(good) == [1]

    simulate(story)


def test_attempts_are_counted_on_and_the_limit_is_the_new_one() -> None:
    async def story(world: World) -> None:
        world.destination("http://a.test").script("503 x99")
        backoff = {"base": "1s", "cap": "1s", "jitter": "none"}
        before = document(chain(retry_backoff=backoff, retry_max_attempts=100))
        async with world.run(before) as live:
            await live.write({"n": 1})
            await asyncio.sleep(4.5)
            assert live.snapshot().nodes["retry"].facts["attempts"] == 5
            limits = {"max_attempts": 7, "give_up_after": "1s"}
            await applied(live, edited(before, retry=limits))
            await asyncio.sleep(10)
            assert live.snapshot().nodes["retry"].facts["attempts"] == 7
            (letter,) = live.nodes["dead-letters"].events  # type: ignore[attr-defined]
            assert letter.meta["attempts"] == 7

    simulate(story)


@pytest.mark.parametrize("store", ["memory", "disk"])
def test_ten_thousand_pending_go_to_the_new_url_in_order(store: str) -> None:
    async def story(world: World) -> None:
        world.destination("http://a.test").script("503 x9999")
        good = world.destination("http://b.test")
        more: dict[str, Any] = {"http_format": "ndjson", "http_max_batch": 1000}
        before = document(chain(retry_backoff=STEADY, queue_store=store, **more))
        async with world.run(before, durable=store == "disk") as live:
            for at in range(0, 10_000, 100):
                await live.write_many([{"n": n} for n in range(at, at + 100)])
            await applied(live, edited(before, http={"url": "http://b.test/"}))
            assert await live.drain(100)
            assert numbers(good) == list(range(10_000))
        assert_nothing_lost(live)

    simulate(story)


@pytest.mark.parametrize("stores", [("memory", "disk"), ("disk", "memory")])
def test_a_queue_changes_its_store_and_keeps_its_order(stores: tuple[str, str]) -> None:
    async def story(world: World) -> None:
        host = world.destination("http://a.test", latency=0.05)
        first, second = (document(chain(queue_store=store)) for store in stores)
        async with world.run(first, durable=True) as live:
            writing = [asyncio.ensure_future(live.write({"n": n})) for n in range(200)]
            await asyncio.sleep(0)
            for k in range(10):
                result = await live.reload((second, first)[k % 2])
                assert result or "it can go back when that is done" in str(result)
                await live.write({"n": 200 + k})
                await asyncio.sleep(0.03)
            await asyncio.gather(*writing)
            assert await live.drain(100)
            taken = numbers(host)
            assert sorted(taken) == list(range(210))
            assert [n for n in taken if n < 200] == list(range(200))
        assert_nothing_lost(live)

    simulate(story)


def test_what_a_queue_on_disk_held_outlives_a_crash_right_after_it_changed_its_store() -> None:
    async def story(world: World) -> None:
        host = world.destination("http://a.test").script("503 x1")
        disk = document(chain(queue_store="disk", retry_backoff=STEADY))
        memory = document(chain(retry_backoff=STEADY))
        async with world.run(disk, durable=True) as live:
            await live.write_many([{"n": n} for n in range(50)])
            await applied(live, memory)
            await world.crash()
        async with world.run(memory, durable=True) as live:
            assert await live.drain(5000)
        assert sorted(set(numbers(host))) == list(range(50))

    simulate(story)


@pytest.mark.parametrize("store", ["memory", "disk"])
def test_a_renamed_queue_keeps_what_it_holds_also_over_a_restart(store: str) -> None:
    async def story(world: World) -> None:
        host = world.destination("http://a.test").script("503 x1")
        before = document(chain(queue_store=store, retry_backoff=STEADY))
        sinks = before["sinks"]
        after = document(
            {
                "other": {**sinks["queue"], "was": "queue"},
                "retry": sinks["retry"],
                "http": sinks["http"],
            }
        )
        async with world.run(before, durable=True, drain=0) as live:
            await live.write_many([{"n": n} for n in range(50)])
            await asyncio.sleep(1)
            result = await applied(live, after)
            assert result.plan.of("other").action == "rename"
            assert live.snapshot().nodes["other"].depth == 50
        async with world.run(after, durable=True) as live:
            assert await live.drain(5000)
        assert numbers(host) == list(range(50))

    simulate(story)


def test_a_capacity_below_the_depth_drops_nothing_and_takes_nothing() -> None:
    async def story(world: World) -> None:
        host = world.destination("http://a.test", latency=1.0)
        before = document(chain(queue_capacity=50))
        async with world.run(before) as live:
            await live.write_many([{"n": n} for n in range(40)])
            world.allow({"queue": 40})
            await applied(live, edited(before, queue={"capacity": 5}))
            with pytest.raises(sinkgraph.errors.Overloaded):
                await live.write({"n": 40}, timeout=1)
            await live.write({"n": 41}, timeout=60)
            assert await live.drain(100)
        assert numbers(host) == [*range(40), 41]

    simulate(story)


def test_bytes_that_are_bounded_while_a_batch_fails_are_all_given_back() -> None:
    async def story(world: World) -> None:
        host = world.destination("http://a.test").script("503 x4")
        backoff = {"base": "5s", "cap": "5s", "jitter": "none"}
        more: dict[str, Any] = {
            "http_format": "ndjson",
            "http_max_batch": 2,
            "retry_backoff": backoff,
        }
        before = document(chain(retry_hold="event", **more))
        async with world.run(before) as live:
            await live.write_many([{"n": n} for n in range(8)])
            await asyncio.sleep(1)
            await applied(live, edited(before, queue={"max_bytes": "60B"}))
            assert await live.drain(100)
            assert live.snapshot().nodes["queue"].facts["bytes"] == 0
            await live.write_many([{"n": n} for n in range(8, 14)], timeout=1)
            assert await live.drain(100)
        assert sorted(numbers(host)) == list(range(14))

    simulate(story)


def test_tokens_windows_counters_and_half_full_batches_survive() -> None:
    async def story(world: World) -> None:
        sinks: Sinks = {
            "fan": {"kind": "broadcast", "to": ["limit", "once", "third", "pack"]},
            "limit": {"kind": "rate_limit", "rate": "1/h", "burst": 2, "max_wait": "1s", "to": "a"},
            "once": {"kind": "dedupe", "by": "data.n", "window": "1h", "to": "b"},
            "third": {"kind": "sample", "every": 5, "to": "c"},
            "pack": {"kind": "batch", "max_events": 4, "max_wait": "1h", "to": "d"},
            **{name: {"kind": "blackhole"} for name in "abcd"},
        }
        for name in ("limit", "once", "third", "pack"):
            sinks[f"q-{name}"] = {"kind": "queue", "to": name}
        sinks["fan"]["to"] = [f"q-{name}" for name in ("limit", "once", "third", "pack")]
        before = document(sinks, to="fan")
        after = edited(
            before,
            limit={"max_wait": "2s"},
            once={"window": "2h"},
            third={"description": "every fifth"},
            pack={"max_events": 5},
        )
        async with world.run(before, drain=0) as live:
            for n in (0, 0):
                await live.write({"n": n})
            await asyncio.sleep(1)
            await applied(live, after)
            for n in (0, 1, 2):
                await live.write({"n": n})
            await asyncio.sleep(1)
            nodes = live.snapshot().nodes
            assert nodes["a"].ledger.delivered == 2
            assert nodes["b"].ledger.delivered == 3
            assert nodes["c"].ledger.delivered == 1
            assert nodes["d"].ledger.delivered == 5

    simulate(story)


def test_learned_concurrency_stays_with_its_endpoint() -> None:
    async def story(world: World) -> None:
        world.destination("http://a.test").script("503 x20")
        before = document(chain(retry_backoff={"base": "1s", "cap": "1s"}))
        async with world.run(before, drain=0) as live:
            await live.write({"n": 1})
            await asyncio.sleep(5)
            http = cast(HttpSink, live.nodes["http"])
            learned = http.slots.ramp.limit
            assert learned < http.slots.ramp.most
            await applied(live, edited(before, http={"timeout": "3s"}))
            assert http.slots.ramp.limit == learned
            await applied(live, edited(before, http={"url": "http://b.test/"}))
            assert live.nodes["http"] is http
            assert http.slots.ramp.limit > learned

    simulate(story)


def test_targets_added_and_readers_of_a_running_graph_stay() -> None:
    async def story(world: World) -> None:
        added = sinkgraph.testing.RecordingSink()
        sinks: Sinks = {
            "fan": {"kind": "broadcast", "to": ["one"]},
            "one": {"kind": "queue", "to": "hole"},
            "hole": {"kind": "blackhole"},
        }
        before = document(sinks)
        after = edited(
            before, fan={"to": ["one", "two"]}, two={"kind": "queue", "to": "hole", "capacity": 5}
        )
        async with world.run(before) as live:
            await live.add("fan", sinkgraph.sinks.Queue(added))
            async with live.subscribe("one") as seen, live.subscribe("fan") as all_of_it:
                await live.write({"n": 0})
                await applied(live, after)
                await live.write({"n": 1})
                await applied(live, before)
                await live.write({"n": 2})
                assert live.emit({"n": 3})
                assert await live.drain(10)
                for reader in (seen, all_of_it):
                    got = [(await anext(reader)).data["n"] for _ in range(4)]
                    assert got == [0, 1, 2, 3]
            assert [event.data["n"] for event in added.events] == [0, 1, 2, 3]
        assert_nothing_lost(live)

    simulate(story)


async def test_file_sinks_swap_their_paths(tmp_path: Path) -> None:
    sinks: Sinks = {
        "fan": {"kind": "broadcast", "to": ["left", "right"]},
        "left": {"kind": "filter", "where": "data.n % 2 == 0", "to": "ql"},
        "right": {"kind": "filter", "where": "data.n % 2 == 1", "to": "qr"},
        "ql": {"kind": "queue", "to": "fl"},
        "qr": {"kind": "queue", "to": "fr"},
        "fl": {"kind": "file", "path": "a.ndjson"},
        "fr": {"kind": "file", "path": "b.ndjson"},
    }
    before = document(sinks)
    after = edited(before, fl={"path": "b.ndjson"}, fr={"path": "a.ndjson"})
    async with sinkgraph.run(before, output_dir=tmp_path) as live:
        for k in range(20):
            await live.write({"n": 2 * k})
            await live.write({"n": 2 * k + 1})
            assert await live.drain(5)
            await applied(live, (after, before)[k % 2])
    lines = {name: (tmp_path / f"{name}.ndjson").read_text().split() for name in "ab"}
    assert len(lines["a"]) == len(lines["b"]) == 20
    assert lines["a"][:2] == ['{"n":0}', '{"n":3}']
    assert not any(live.topology.ctx.files._open)


async def test_broadcasts_of_a_thousand_queues_are_reloaded() -> None:
    names = [f"q{k}" for k in range(1_000)]
    sinks: Sinks = {"fan": {"kind": "broadcast", "to": names}, "hole": {"kind": "blackhole"}}
    sinks |= {name: {"kind": "queue", "to": "hole"} for name in names}
    before = document(sinks)
    after = edited(before, fan={"to": names[:-1]}, q999=None, q0={"capacity": 5})
    async with sinkgraph.run(before) as live:
        for k in range(6):
            await live.write({"n": k})
            await applied(live, (after, before)[k % 2])
        assert await live.drain(10)
        delivered = live.snapshot().nodes["hole"].ledger.delivered
        assert delivered == 6 * 999 + 3
    assert_nothing_lost(live)
