"""What a lint says a graph does is what the engine does, and its help mends it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.event import Event
from sinkgraph.graph.load import check
from sinkgraph.testing import Destination, World, simulate

SLOW, FAST = "http://slow.test", "http://fast.test"
Story = Callable[[World], Awaitable[None]]


def document(sinks: dict[str, Any]) -> dict[str, Any]:
    sources = {"in": {"kind": "inlet", "to": "a"}}
    return {"sinkgraph": 1, "name": "x", "sources": sources, "sinks": sinks}


def told(sinks: dict[str, Any], code: str) -> bool:
    """Return whether a lint is told of a document that has no error."""
    found: list[Diagnostic] = check(document(sinks), env={})
    assert all(one.severity == "warning" for one in found), found
    return any(one.code == code for one in found)


def hook(origin: str, **fields: Any) -> dict[str, Any]:
    return {"kind": "http", "url": f"{origin}/", "timeout": "2s", **fields}


def again(to: Any, attempts: int = 3, base: str = "1s", **fields: Any) -> dict[str, Any]:
    """Return a retry that makes so many attempts, `base` apart, and no more."""
    backoff = {"base": base, "cap": base, "jitter": "none"}
    limits = {"max_attempts": attempts, "give_up_after": "1ms"}
    return {"kind": "retry", "backoff": backoff, **limits, **fields, "to": to}


def numbers(destination: Destination) -> list[int]:
    return [payload["n"] for payload in destination.payloads]


@pytest.mark.parametrize("store", ["memory", "disk"])
def test_sg304_what_is_above_the_disk_is_lost_unless_it_is_on_disk(store: str) -> None:
    sinks: dict[str, Any] = {"a": {"kind": "queue", "store": store, "to": "b"}}
    sinks["b"] = {"kind": "queue", "store": "disk", "capacity": 3, "max_batch": 1, "to": "r"}
    sinks["r"] = {"kind": "retry", "to": hook(SLOW)}
    assert told(sinks, "SG304") == (store == "memory")

    async def story(world: World) -> None:
        end = world.destination(SLOW).down(0, 5)
        async with world.run(document(sinks), durable=True) as live:
            for n in range(12):
                await live.write({"n": n})
            await asyncio.sleep(1)
            await world.crash()
        await world.until(6)
        async with world.run(document(sinks), durable=True) as live:
            assert await live.drain(600)
        lost = set(range(12)) - set(numbers(end))
        assert bool(lost) == (store == "memory")

    simulate(story, seeds=range(3))


@pytest.mark.parametrize("queued", [False, True])
def test_sg305_a_write_and_what_is_beside_it_wait_for_the_retry(queued: bool) -> None:
    routes = [{"when": "data.n == 0", "to": "q" if queued else "r"}]
    sinks: dict[str, Any] = {"a": {"kind": "route", "routes": routes, "default": "f"}}
    sinks |= {"r": again(hook(SLOW), 5), "f": hook(FAST)}
    if queued:
        sinks["q"] = {"kind": "queue", "to": "r"}
    assert told(sinks, "SG305") == (not queued)

    async def story(world: World) -> None:
        world.destination(SLOW).down(0, 100)
        world.destination(FAST)
        async with world.run(document(sinks)) as live:
            began = world.now
            await live.write_many([{"n": n} for n in range(3)])
            assert (world.now - began >= 4) == (not queued)
            assert await live.drain(60)
            assert live.snapshot()["dead-letters"].ledger.entered == 1

    simulate(story)


def test_sg306_the_upper_retry_never_has_anything_to_try_again() -> None:
    sinks = {"a": again("b", 4), "b": again(hook(SLOW), 3)}
    assert told(sinks, "SG306")

    async def story(world: World) -> None:
        end = world.destination(SLOW).down(0)
        async with world.run(document(sinks)) as live:
            await live.write({"n": 1})
            facts = {name: live.snapshot()[name].facts for name in ("a", "b")}
            assert (facts["a"]["failures"], facts["b"]["given_up"]) == (0, 1)
            assert live.snapshot()["dead-letters"].ledger.entered == 1
        assert len(end.exchanges) == 3

    simulate(story)


def test_sg306_with_a_timeout_between_them_attempts_multiply() -> None:
    sinks = {"a": again("t", 4), "b": again(hook(SLOW), 3)}
    sinks["t"] = {"kind": "timeout", "after": "2500ms", "to": "b"}
    sinks["b"] |= {"give_up_after": "1h"}
    assert told(sinks, "SG306")

    async def story(world: World) -> None:
        end = world.destination(SLOW).down(0)
        async with world.run(document(sinks)) as live:
            await live.write({"n": 1})
            assert live.snapshot()["a"].facts["given_up"] == 1
        assert len(end.exchanges) == 4 * 3

    simulate(story)


@pytest.mark.parametrize("where", ["above", "inside", "cut"])
def test_sg307_a_breaker_above_a_retry_stays_closed(where: str) -> None:
    fields = {"failure_threshold": 2, "open_for": "1h", "open_for_max": "1h"}
    sinks: dict[str, Any] = {"a": {"kind": "breaker", **fields, "to": "b"}}
    sinks["b"] = again(hook(SLOW), 3)
    if where == "inside":
        sinks = {"a": {"kind": "queue", "to": "b"}, "b": again(hook(SLOW), 3, breaker=fields)}
    elif where == "cut":
        sinks["a"] |= {"to": "t"}
        sinks["t"] = {"kind": "timeout", "after": "1500ms", "to": "b"}
    assert told(sinks, "SG307") == (where == "above")

    async def story(world: World) -> None:
        end = world.destination(SLOW).down(0)
        async with world.run(document(sinks), drain=0.1) as live:
            for n in range(4):
                writing = asyncio.ensure_future(live.write({"n": n}))
                await asyncio.wait([writing])
                assert (writing.exception() is None) == (where != "cut")
            await asyncio.sleep(30)
        assert (len(end.exchanges) == 4 * 3) == (where == "above")
        assert (len(end.exchanges) <= 4) == (where != "above")

    simulate(story)


@pytest.mark.parametrize("above", [True, False])
def test_sg308_a_timeout_above_leaves_one_attempt_and_below_all_of_them(above: bool) -> None:
    sinks: dict[str, Any] = {"a": {"kind": "timeout", "after": "900ms", "to": "b"}}
    sinks["b"] = again(hook(SLOW), 3)
    if not above:
        sinks = {"a": again("b", 3), "b": {"kind": "timeout", "after": "900ms", "to": hook(SLOW)}}
    assert told(sinks, "SG308") == above

    async def story(world: World) -> None:
        end = world.destination(SLOW).down(0)
        async with world.run(document(sinks)) as live:
            writing = asyncio.ensure_future(live.write({"n": 1}))
            await asyncio.wait([writing])
            assert (writing.exception() is not None) == above
            dead = live.snapshot()["dead-letters"].ledger.entered
        assert (len(end.exchanges), dead) == ((1, 0) if above else (3, 1))

    simulate(story)


@pytest.mark.parametrize("bounded", [False, True])
def test_sg311_a_function_that_hangs_ends_no_attempt(bounded: bool) -> None:
    call = {"kind": "call", "target": "provided:f"}
    sinks: dict[str, Any] = {"a": {"kind": "queue", "max_batch": 1, "to": "r"}}
    sinks |= {"r": again("t" if bounded else "c"), "c": call}
    if bounded:
        sinks["t"] = {"kind": "timeout", "after": "1s", "to": "c"}
    assert told(sinks, "SG311") == (not bounded)
    called: list[int] = []

    async def f(event: Event) -> None:
        called.append(event.data["n"])
        if event.data["n"] == 0:
            await asyncio.Event().wait()

    async def story(world: World) -> None:
        called.clear()
        async with world.run(document(sinks), provide={"f": f}, drain=0.1) as live:
            await live.write_many([{"n": 0}, {"n": 1}])
            await asyncio.sleep(3600)
            assert live.snapshot()["dead-letters"].ledger.entered == bounded
        assert called == ([0, 0, 0, 1] if bounded else [0])

    simulate(story)


@pytest.mark.parametrize("lane", [True, False])
def test_sg312_events_for_a_branch_with_room_wait_behind_a_full_one(lane: bool) -> None:
    routes = [{"when": "data.slow", "to": "s"}]
    sinks: dict[str, Any] = {"b": {"kind": "route", "routes": routes, "default": "f"}}
    sinks["s"] = {"kind": "queue", "capacity": 2, "max_batch": 1, "to": hook(SLOW)}
    sinks["f"] = {"kind": "queue", "to": hook(FAST)}
    sinks["a"] = {"kind": "queue", "max_batch": 1, "to": "b"} if lane else sinks.pop("b")
    assert told(sinks, "SG312") == lane

    async def story(world: World) -> None:
        world.destination(SLOW).down(0, 1.5, "hang")
        fast = world.destination(FAST)
        async with world.run(document(sinks), drain=60) as live:
            writing = [asyncio.ensure_future(live.write({"n": n, "slow": True})) for n in range(4)]
            await asyncio.sleep(0.1)
            writing += [asyncio.ensure_future(live.write({"n": 9, "slow": False}))]
            await asyncio.sleep(1)
            assert numbers(fast) == ([] if lane else [9])
            await asyncio.gather(*writing)
            assert await live.drain(600)
        assert numbers(fast) == [9]

    simulate(story)


@pytest.mark.parametrize("queued", [False, True])
def test_sg313_an_optional_target_without_a_queue_is_waited_for_and_loses(queued: bool) -> None:
    optional = {"node": "q" if queued else "s", "required": False}
    sinks: dict[str, Any] = {"a": {"kind": "broadcast", "to": ["f", optional]}}
    sinks |= {"f": {"kind": "queue", "to": hook(FAST)}, "s": hook(SLOW)}
    if queued:
        sinks["q"] = {"kind": "queue", "to": "s"}
    assert told(sinks, "SG313") == (not queued)

    async def story(world: World) -> None:
        world.destination(FAST)
        slow = world.destination(SLOW).down(0, 3, "hang")
        async with world.run(document(sinks)) as live:
            await live.write({"n": 1})
            assert (world.now >= 2) == (not queued)
            assert await live.drain(60)
            dropped = live.snapshot()["a"].ledger.dropped
        assert dropped == ({} if queued else {"optional_failed": 1})
        assert len(numbers(slow)) == queued

    simulate(story)


@pytest.mark.parametrize(
    ("lanes", "hold"), [(0, "event"), (0, "key"), (0, "lane"), (1, "lane"), (4, "lane")]
)
def test_sg314_events_of_one_key_arrive_out_of_order(lanes: int, hold: str) -> None:
    sinks: dict[str, Any] = {"a": {"kind": "queue", "max_batch": 1, "to": "b"}}
    sinks["b"] = {"kind": "queue", "max_batch": 1, "concurrency": 2, "order_by": "string(data.k)"}
    sinks["b"] |= {"to": "r"}
    sinks["r"] = {"kind": "retry", "hold": hold, "to": hook(SLOW)}
    mixed = hold == "event" or lanes > 1
    if lanes:
        sinks["a"] |= {"concurrency": lanes, "to": "j"}
        sinks["j"] = {"kind": "retry", "to": "b"}
        sinks["b"] |= {"capacity": 2, "when_full": "reject"}
    assert told(sinks, "SG314") == mixed
    in_order: list[bool] = []

    async def story(world: World) -> None:
        end = world.destination(SLOW, latency=(0.001, 0.5))
        chance = world.chance("failures")
        end.judge = lambda request: 503 if chance.random() < 0.3 else None
        async with world.run(document(sinks)) as live:
            await live.write_many([{"n": n, "k": n % 3} for n in range(60)])
            assert await live.drain(3600)
        got = list(dict.fromkeys(numbers(end)))
        keys = [[n for n in got if n % 3 == k] for k in range(3)]
        in_order.append(all(part == sorted(part) for part in keys))

    simulate(story, seeds=range(5))
    assert all(in_order) == (not mixed)
