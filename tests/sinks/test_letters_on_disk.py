"""Dead letters in a state dir: what was buried outlives the process, within bounds, counted."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from unittest.mock import patch

import pytest

import sinkgraph as sg
from sinkgraph.errors import Overloaded, StoreFull
from sinkgraph.event import Batch, Event, Json
from sinkgraph.log.disk.chunk import decode
from sinkgraph.log.disk.dead import DeadFilter, WrongCount
from sinkgraph.sinks import Broadcast, DeadLetters, Filter, Queue
from sinkgraph.sinks import letters_on_disk as subject
from sinkgraph.testing import Died, RecordingSink, World, simulate


class Refusing:
    """Rejects every event; says when it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def write(self, events: Any) -> None:
        """Reject."""
        self.asked += 1
        raise sg.Rejected("no thanks")

    async def close(self) -> None:
        """Hold nothing."""


def graph(letters: DeadLetters | None = None) -> Queue:
    return Queue(Refusing(), dead_letter=letters)


def keeper(world: World, name: str = "dead-letters") -> DeadLetters:
    assert world.process is not None
    node = world.process.live.nodes[name]
    assert isinstance(node, DeadLetters)
    return node


async def kept(node: DeadLetters) -> list[Event]:
    """Return the events of all its letters, each read as a part of a page."""
    found: list[Event] = []
    after = 0
    while page := await node.letters(after=after, limit=3):
        after = page[-1].number
        for one in page:
            assert one.body is not None
            found += decode(one.body)
    return found


def numbers(events: Sequence[Event]) -> list[int]:
    return [event.data["n"] for event in events]


def told(world: World) -> list[str]:
    return [fact["kind"] for fact in world.trace.of("journal")]


# what is kept


def test_a_letter_is_the_event_as_it_was_accepted_and_says_how_it_died() -> None:
    text = Json(b'{"n" : 1.0,  "big": 123456789012345678901234567890}')
    given = [
        Event("one", "push", "registry", 12.25, text, {"own": {"a": [1]}}),
        Event("two", "pull", "registry", 13.5, b"\x00\xff", {}),
    ]

    async def story(world: World) -> None:
        async with world.run(graph(), durable=True) as live:
            await live.write_many(given)
            assert await live.drain(10)
        async with world.run(graph(), durable=True):
            node = keeper(world)
            for was, letter in zip(given, await node.letters(), strict=True):
                assert letter.body is not None
                (event,) = decode(letter.body)
                assert event.payload == was.payload or event.payload.raw == text.raw
                assert type(event.payload) is type(was.payload)
                assert (event.id, event.type, event.source, event.time) == (
                    (was.id, was.type, was.source, was.time)
                )
                meta = dict(event.meta)
                first, last = meta.pop("first_failed"), meta.pop("last_failed")
                assert first <= last == letter.at <= world.clock.wall()
                assert meta.pop("graph") == live.topology.ctx.graph_digest
                assert meta == {
                    **was.meta,
                    "reason": "rejected",
                    "node": "queue",
                    "path": ["queue"],
                    "attempts": 1,
                    "errors": ["Rejected: no thanks"],
                    "history": [{"attempt": 1, "at": last, "error": "Rejected: no thanks"}],
                }
                head = (letter.sink, letter.node, letter.reason, letter.id, letter.type)
                assert head == ("dead-letters", "queue", "rejected", was.id, was.type)

    simulate(story)


def test_what_no_file_can_hold_is_shown_and_not_lost() -> None:
    class Odd:
        def __repr__(self) -> str:
            return "<odd>"

    async def story(world: World) -> None:
        async with world.run(graph(), durable=True) as live:
            await live.write_many([Event("odd", data=Odd()), Event("even", data=2)])
            assert await live.drain(10)
            odd, even = await kept(keeper(world))
            assert (odd.id, odd.data) == ("odd", "<odd>")
            assert odd.meta["unstorable"].startswith("Odd: the payload cannot be encoded as JSON")
            assert (even.data, "unstorable" in even.meta) == (2, False)

    simulate(story)


def test_what_did_not_die_is_kept_too_by_who_wrote_it() -> None:
    async def story(world: World) -> None:
        letters = DeadLetters()
        async with world.run(Filter(RecordingSink(), "data.n > 1", otherwise=letters)) as live:
            await live.write({"n": 1})
            (in_memory,) = await letters.letters()
        letters = DeadLetters()
        on_disk = Filter(RecordingSink(), "data.n > 1", otherwise=letters)
        async with world.run(on_disk, durable=True) as live:
            await live.write({"n": 1})
            (letter,) = await letters.letters()
            assert (letter.node, letter.reason) == (in_memory.node, in_memory.reason)
            assert (letter.node, letter.reason) == ("filter", "written")
            assert letter.first == letter.at
            assert letter.at == pytest.approx(world.clock.wall(), abs=1)
            assert live.snapshot()["filter"].ledger.delivered == 1

    simulate(story)


# when it is kept


@pytest.mark.parametrize("ending", ["kill", "power"])
def test_a_write_that_returned_is_on_disk(ending: Any) -> None:
    async def story(world: World) -> None:
        async with world.run(DeadLetters(), durable=True) as live:
            await live.write({"n": 0})
            await live.write_many([{"n": 1}, {"n": 2}])
            await world.crash(ending, "none")
        async with world.run(DeadLetters(), durable=True) as live:
            node = keeper(world, "dead_letter")
            assert numbers(await kept(node)) == [0, 1, 2]
            assert node.ledger.recovered == node.pending() == 3
            assert node.facts()["durable"] is True
            assert node.facts()["reasons"] == {"written": 3}
            assert node.facts()["came"] == {}

    simulate(story, seeds=range(3))


@pytest.mark.parametrize("changes", range(20))
def test_letters_and_events_of_one_write_are_on_disk_together_or_not_at_all(changes: int) -> None:
    def tree() -> Filter:
        return Filter(Queue(Stuck(), store="disk"), "data.ok")

    async def story(world: World) -> None:
        async with world.run(tree(), durable=True) as live:
            await live.write({"n": 0, "ok": True})
            world.faults.die_after(changes)
            try:
                await world.do(live.write_many([{"n": 1, "ok": True}, {"n": 2}]))
                returned = True
            except Died:
                returned = False
            await world.crash()
        async with world.run(tree(), durable=True) as live:
            there = live.snapshot()["queue"].depth - 1, keeper(world).pending()
            assert there in ((0, 0), (1, 1))
            assert not returned or there == (1, 1)

    simulate(story, seeds=range(3))


class Stuck:
    """Takes nothing, for ever."""

    async def write(self, events: Any) -> None:
        """Wait."""
        await asyncio.Event().wait()

    async def close(self) -> None:
        """Hold nothing."""


def test_a_filter_below_a_disk_queue_settles_an_event_once_its_letter_is_on_disk() -> None:
    async def story(world: World) -> None:
        tree = Queue(Filter(RecordingSink(), "data.x > 1"), store="disk")
        async with world.run(tree, durable=True) as live:
            world.stall_disk(1.5, 3)
            await live.write({"n": 1})
            assert await live.drain(1)
            await world.until(2)
            writing = world.spawn(live.write_many([{"n": 2}, {"x": 3}]), "write")
            await world.until(4)
            assert not writing.done()
            await world.until(6)
            await world.crash()
        tree = Queue(Filter(RecordingSink(), "data.x > 1"), store="disk")
        async with world.run(tree, durable=True) as live:
            assert await live.drain(10)
            assert set(numbers(await kept(keeper(world)))) == {1, 2}

    simulate(story)


# a disk that refuses


def test_while_the_disk_is_full_the_event_stays_pending_and_is_buried_afterwards() -> None:
    async def story(world: World) -> None:
        async with world.run(graph(), durable=True) as live:
            world.faults.full(at=1, for_s=10)
            await world.until(2)
            await live.write({"n": 1})
            await world.until(9)
            node = keeper(world)
            assert live.snapshot()["queue"].ledger.pending == 1
            assert (node.pending(), node.status) == (0, "degraded")
            assert "dead_letter_refused" in told(world)
            assert await live.drain(60)
            assert (node.pending(), node.status) == (1, "ok")
            assert node.ledger.returned > 0
            assert numbers(await kept(node)) == [1]

    simulate(story)


def branches() -> Broadcast:
    """Return a tree whose writes are accepted by memory queues before anything is planned."""
    return Broadcast([Queue(RecordingSink()), Filter(Queue(RecordingSink()), "data.x > 1")])


def test_what_was_accepted_in_memory_follows_when_the_disk_has_room() -> None:
    async def story(world: World) -> None:
        async with world.run(branches(), durable=True) as live:
            world.faults.full(at=1, for_s=10)
            await world.until(2)
            for n in range(5):
                await live.write({"n": n})
            await world.until(3)
            node = keeper(world)
            assert (node.not_stored, node.pending()) == (5, 5)
            assert node.status == "degraded"
            assert await kept(node) == []
            assert await live.drain(60)
            assert (node.not_stored, node.pending(), node.status) == (0, 5, "ok")
            assert numbers(await kept(node)) == list(range(5))

    simulate(story)


def test_what_follows_is_bounded_and_what_is_too_much_is_counted() -> None:
    async def story(world: World) -> None:
        async with world.run(branches(), durable=True) as live:
            world.faults.full(at=1, for_s=10)
            await world.until(2)
            for n in range(20):
                await live.write({"n": n})
                await asyncio.sleep(0.01)
            node = keeper(world)
            assert node.not_stored == 8
            assert node.ledger.dropped == {"dead_letters_full": 12}
            assert "dead_letters_full" in told(world)
            assert await live.drain(60)
            assert numbers(await kept(node)) == list(range(8))

    with patch.object(subject, "_BEHIND", 8):
        simulate(story)


def test_what_a_failed_disk_did_not_take_is_counted_as_left() -> None:
    async def story(world: World) -> None:
        async with world.run(branches(), durable=True) as live:
            await live.write({"n": 0})
            await asyncio.sleep(1)
            world.faults.fail("sync")
            await live.write({"n": 1})
            await asyncio.sleep(1)
            node = keeper(world)
            assert (node.not_stored, node.status) == (1, "failed")
            world.faults.heal()
            await live.write({"n": 2})
            await asyncio.sleep(1)
            assert node.not_stored == 2
        report = live.report
        assert report is not None
        assert report.left == {"dead-letters": 2}
        assert report.residue == 0
        assert "dead_letters_not_stored" in told(world)

    simulate(story)


def test_a_write_that_the_disk_refuses_raises_and_nothing_is_kept() -> None:
    async def story(world: World) -> None:
        async with world.run(Filter(RecordingSink(), "data.x > 1"), durable=True) as live:
            world.faults.full(at=1, for_s=10)
            await world.until(2)
            with pytest.raises(StoreFull):
                await live.write({"n": 1})
            assert keeper(world).pending() == 0
            assert live.snapshot()["filter"].ledger.entered == 0
            await world.until(12)
            await live.write({"n": 1})
            assert keeper(world).pending() == 1

    simulate(story)


# bounds


@pytest.mark.parametrize("bounds", [{"capacity": 5}, {"max_bytes": 35}])
def test_what_is_full_blocks_who_feeds_it_until_there_is_room(bounds: dict[str, int]) -> None:
    async def story(world: World) -> None:
        letters = DeadLetters(**bounds)
        queue = graph(letters)
        async with world.run(queue, durable=True) as live:
            for n in range(3):
                await live.write({"n": n})
            await asyncio.sleep(1)
            assert (letters.status, "dead_letters_filling" in told(world)) == ("ok", False)
            for n in range(3, 9):
                await live.write({"n": n})
            await asyncio.sleep(100)
            assert letters.facts()["depth"] == 5
            assert letters.status == "degraded"
            assert told(world).count("dead_letters_filling") == 1
            assert told(world).count("dead_letters_full") == 1
            assert live.snapshot()["queue"].depth == 4
            first = await letters.letters(limit=2, bodies=False)
            assert await letters.forget([one.number for one in first], 2) == 2
            await asyncio.sleep(1)
            assert numbers(await kept(letters)) == [2, 3, 4, 5, 6]
            assert letters.ledger.dropped == {"purged": 2}
            rest = await letters.letters(bodies=False)
            await letters.forget([one.number for one in rest], 5)
            assert await live.drain(10)
            assert numbers(await kept(letters)) == [7, 8]
            assert letters.status == "ok"
            assert "dead_letters_have_room" in told(world)

    simulate(story)


def test_writers_that_wait_for_room_come_in_their_order_and_may_give_up() -> None:
    async def story(world: World) -> None:
        letters = DeadLetters(2)
        async with world.run(letters, durable=True) as live:
            writes = [asyncio.create_task(live.write({"n": n})) for n in range(6)]
            await asyncio.sleep(1)
            assert [write.done() for write in writes] == [True, True, False, False, False, False]
            writes[2].cancel()
            await asyncio.sleep(1)
            for _ in range(2):
                found = await letters.letters(limit=1)
                await letters.forget([found[0].number], 1)
                await asyncio.sleep(1)
            assert numbers(await kept(letters)) == [3, 4]
            assert not writes[5].done()
            await letters.close()
            with pytest.raises(sg.SinkClosed):
                await writes[5]
            assert letters.ledger.returned == 2

    simulate(story)


def test_who_was_let_in_and_finds_the_room_taken_waits_at_the_head_of_the_line() -> None:
    async def story(world: World) -> None:
        letters = DeadLetters(1)
        async with world.run(letters, durable=True) as live:
            await live.write({"n": 0})
            writes = [asyncio.create_task(live.write({"n": n})) for n in (1, 2)]
            await asyncio.sleep(1)
            (first,) = await letters.letters()
            disk, taken = letters._letters, Batch.of([Event("taken", data={"n": 9})])
            assert isinstance(disk, subject.DiskLetters)
            wake = disk._wake

            def wake_and_take() -> None:
                wake()
                disk._wake = wake  # type: ignore[method-assign]
                disk.rows(taken)

            disk._wake = wake_and_take  # type: ignore[method-assign]
            await letters.forget([first.number], 1)
            await asyncio.sleep(1)
            assert [write.done() for write in writes] == [False, False]
            disk.refused(taken)
            await asyncio.sleep(1)
            assert numbers(await kept(letters)) == [1]
            for write in writes[1:]:
                write.cancel()

    simulate(story)


def test_a_write_waits_until_all_of_it_fits_and_one_that_never_does_until_nothing_is_there() -> (
    None
):
    async def story(world: World) -> None:
        letters = DeadLetters(4)
        async with world.run(letters, durable=True) as live:
            await live.write({"n": 0})
            three = asyncio.create_task(live.write_many([{"n": n} for n in (1, 2, 3)]))
            five = asyncio.create_task(live.write_many([{"n": n} for n in range(4, 9)]))
            await asyncio.sleep(1)
            assert (three.done(), five.done(), letters.facts()["depth"]) == (True, False, 4)
            found = await letters.letters(bodies=False)
            for k, one in enumerate(found, 1):
                assert not five.done()
                await letters.forget([one.number], 1)
                await asyncio.sleep(1)
                assert letters.facts()["depth"] == (4 - k or 5)
            assert five.done()

    simulate(story)


def test_nobody_overtakes_who_waits_for_room_and_who_gives_up_lets_the_next_one_go() -> None:
    async def story(world: World) -> None:
        letters = DeadLetters(4)
        tree = Broadcast([Filter(RecordingSink(), "data.n > 0", dead_letter=letters)])
        async with world.run(tree, durable=True) as live:
            await letters.write([Event(f"e{n}", data={"n": n}) for n in range(4)])
            three = [Event(f"f{n}", data={"n": n}) for n in range(3)]
            first = asyncio.create_task(letters.write(three))
            second = asyncio.create_task(letters.write([Event("g", data={"n": 9})]))
            await asyncio.sleep(1)
            for one in await letters.letters(limit=2):
                await letters.forget([one.number], 1)
            await asyncio.sleep(1)
            assert (first.done(), second.done()) == (False, False)
            with pytest.raises(Overloaded):
                await live.write({"m": 1})
            first.cancel()
            await asyncio.sleep(1)
            assert second.done()
            await live.write({"m": 1})
            assert letters.facts()["depth"] == 4

    simulate(story)


def test_what_follows_is_kept_as_far_as_there_is_room() -> None:
    async def story(world: World) -> None:
        document = {
            "sinkgraph": 1,
            "name": "fan",
            "sources": {"in": {"kind": "inlet", "to": "fan"}},
            "sinks": {
                "fan": {"kind": "broadcast", "to": ["all", "some"]},
                "some": {"kind": "filter", "where": "data.x > 1", "to": "chosen"},
                "all": {"kind": "queue", "to": "nowhere"},
                "chosen": {"kind": "queue", "to": "nowhere"},
                "nowhere": {"kind": "blackhole"},
                "dead-letters": {"kind": "dead_letter", "capacity": 5},
            },
        }
        async with world.run(document, durable=True) as live:
            await live.write_many([{"n": n} for n in range(3)])
            await live.write_many([{"n": n} for n in range(3, 9)])
            assert await live.drain(5)
            node = keeper(world)
            assert numbers(await kept(node)) == [0, 1, 2, 3, 4]
            assert node.ledger.dropped == {"dead_letters_full": 4}

    simulate(story)


def test_a_plan_does_not_wait_for_room_it_is_refused_as_a_whole() -> None:
    async def story(world: World) -> None:
        letters, good = DeadLetters(2), RecordingSink()
        tree = Filter(Queue(good, store="disk"), "data.n > 0", dead_letter=letters)
        async with world.run(tree, durable=True) as live:
            await live.write({"m": 1})
            with pytest.raises(Overloaded, match="no room in dead letters dead_letter"):
                await live.write_many([{"n": 1}, {"m": 2}, {"m": 3}])
            await live.write({"n": 3})
            assert await live.drain(10)
            assert good.data == [{"n": 3}]
            assert live.snapshot()["filter"].ledger.entered == 2

    simulate(story)


def test_an_optional_branch_is_not_worth_waiting_for() -> None:
    async def story(world: World) -> None:
        letters, good = DeadLetters(1), RecordingSink()
        tree = Broadcast([Queue(good, store="disk"), (letters, False)])
        async with world.run(tree, durable=True) as live:
            for n in range(3):
                await live.write({"n": n})
            assert await live.drain(10)
            assert good.data == [{"n": n} for n in range(3)]
            assert letters.ledger.dropped == {"optional_full": 2}
            assert letters.pending() == 1

    simulate(story)


# age


def test_letters_expire_and_are_counted() -> None:
    async def story(world: World) -> None:
        letters = DeadLetters(max_age=100.0)
        async with world.run(letters, durable=True) as live:
            for n in range(5):
                await live.write({"n": n})
                await asyncio.sleep(20)
            assert numbers(await kept(letters)) == [0, 1, 2, 3, 4]
            await world.until(142)
            assert numbers(await kept(letters)) == [3, 4]
            assert letters.ledger.dropped == {"expired": 3}
            assert letters.facts()["reasons"] == {"written": 2}
            await world.crash()
        await world.until(1000)
        letters = DeadLetters(max_age=100.0)
        async with world.run(letters, durable=True) as live:
            assert letters.ledger.recovered == 2
            await asyncio.sleep(2)
            assert await kept(letters) == []
            assert letters.ledger.dropped == {"expired": 2}
            assert live.snapshot().residue == 0

    simulate(story)


def test_what_comes_while_others_expire_is_not_forgotten_when_it_is_old() -> None:
    async def story(world: World) -> None:
        letters = DeadLetters(max_age=100.0)
        async with world.run(letters, durable=True) as live:
            await live.write({"n": 0})
            await world.until(50)
            await live.write({"n": 1})
            depot = live.topology.ctx.depot
            assert depot is not None
            remove, old = depot.vault.remove, {"last_failed": world.clock.wall() - 30}

            async def remove_and_write(*given: Any) -> None:
                await remove(*given)
                await letters.write([Event("old", data={"n": 2}, meta=old)])

            with patch.object(depot.vault, "remove", remove_and_write):
                await world.until(102)
            assert numbers(await kept(letters)) == [1, 2]
            await world.until(122)
            assert numbers(await kept(letters)) == [1]
            await world.until(152)
            assert await kept(letters) == []

    simulate(story)


def test_many_letters_expire_in_several_commits() -> None:
    async def story(world: World) -> None:
        letters = DeadLetters(max_age=100.0)
        async with world.run(letters, durable=True) as live:
            await live.write_many([{"n": n} for n in range(17)])
            await world.until(50)
            await live.write_many([{"n": n} for n in range(17, 20)])
            await world.until(110)
            assert numbers(await kept(letters)) == [17, 18, 19]
            await world.until(160)
            assert await kept(letters) == []

    with patch.object(subject, "_AT_ONCE", 4):
        simulate(story)


def test_a_disk_that_is_full_keeps_what_is_old_until_later() -> None:
    async def story(world: World) -> None:
        letters = DeadLetters(max_age=10.0)
        async with world.run(letters, durable=True) as live:
            await live.write({"n": 1})
            with patch.object(live.topology.ctx.depot, "add", side_effect=StoreFull("full")):
                await world.until(20)
            assert letters.pending() == 1
            await world.until(20 + 3600)
            assert letters.pending() == 0

    simulate(story)


def test_letters_in_memory_expire_too() -> None:
    async def story(world: World) -> None:
        letters = DeadLetters(max_age=100.0)
        async with world.run(letters) as live:
            await live.write({"n": 1})
            await world.until(50)
            await live.write({"n": 2})
            await world.until(110)
            assert numbers(letters.events) == [2]
            assert letters.ledger.dropped == {"expired": 1}
            assert letters.facts()["durable"] is False

    simulate(story)


# whose they are


def test_each_sink_has_its_own_and_the_implied_one_those_of_nobody() -> None:
    async def story(world: World) -> None:
        def named(*names: str) -> Broadcast:
            made = [DeadLetters() for _ in names]
            for letters, name in zip(made, names, strict=True):
                letters.name = name
            return Broadcast(made)

        async with world.run(named("one", "two"), durable=True) as live:
            await live.write_many([{"n": 1}, {"n": 2}])
            assert await live.nodes["one"].groups() != await live.nodes["two"].groups()  # type: ignore[attr-defined]
        async with world.run(named("two", "three"), durable=True) as live:
            rest, two = keeper(world), keeper(world, "two")
            assert (rest.pending(), two.pending(), keeper(world, "three").pending()) == (2, 2, 0)
            assert {one.sink for one in await rest.letters()} == {"one"}
            assert [one.sink for one in await rest.groups(DeadFilter(sink="two"))] == []
            (first, second) = await two.letters(bodies=False)
            with pytest.raises(WrongCount):
                await rest.forget([first.number], 1)
            assert await two.forget([first.number, second.number, second.number], 2) == 2
            assert live.snapshot().residue == 0
        async with world.run(named("one"), durable=True) as live:
            assert keeper(world, "one").ledger.recovered == 2
            assert keeper(world).pending() == 0

    simulate(story)


def test_letters_are_grouped_filtered_and_forgotten_alike_in_memory_and_on_disk() -> None:
    async def told_by(world: World, *, durable: bool) -> list[Any]:
        first, second = DeadLetters(), Queue(Refusing())
        tree = Broadcast([first, second])
        async with world.run(tree, durable=durable) as live:
            await live.write_many([Event(f"e{n}", f"t{n % 2}", data={"n": n}) for n in range(4)])
            assert await live.drain(10)
            seen: list[Any] = []
            for node in (first, keeper(world)):
                seen += [(one.node, one.reason, one.count, one.size) for one in await node.groups()]
                for chosen in (
                    DeadFilter(type="t1"),
                    DeadFilter(id="e2"),
                    DeadFilter(node="queue", reason="rejected"),
                    DeadFilter(sinks=("dead-letters",)),
                    DeadFilter(since=world.clock.wall() + 1),
                    DeadFilter(before=world.clock.wall() + 1),
                ):
                    found = await node.letters(chosen, limit=3)
                    seen.append([(one.id, one.size, one.body is None) for one in found])
            with pytest.raises(WrongCount):
                await first.forget([1, 999], 2)
            (one,) = await first.letters(DeadFilter(id="e1"), bodies=False)
            assert one.body is None
            assert await first.forget([one.number], 1) == 1
            seen.append(first.facts()["reasons"])
            return [*seen, first.pending(), first.account().residue]

    async def story(world: World) -> None:
        in_memory = await told_by(world, durable=False)
        assert in_memory == await told_by(world, durable=True)
        assert in_memory[0] == ("broadcast", "written", 4, 28)

    simulate(story)


def test_letters_of_nobody_are_handed_to_a_sink_of_their_name_that_comes_later() -> None:
    async def story(world: World) -> None:
        async with world.run(DeadLetters(), durable=True) as live:
            await live.write_many([{"n": 1}, {"n": 2}])
        async with world.run(Broadcast([]), durable=True) as live:
            rest, late = keeper(world), DeadLetters()
            assert rest.pending() == 2
            late.name = "dead_letter"
            await live.add("broadcast", late)
            assert (rest.pending(), rest.ledger.delivered) == (0, 2)
            assert (late.pending(), late.ledger.recovered) == (2, 2)
            await live.write({"n": 3})
            assert numbers(await kept(late)) == [1, 2, 3]
            assert live.snapshot().residue == 0

    simulate(story)


def test_dead_letters_can_be_watched_on_their_way_to_the_disk() -> None:
    async def story(world: World) -> None:
        tree = Filter(RecordingSink(), "data.x > 1")
        async with (
            world.run(tree, durable=True) as live,
            live.subscribe("dead-letters") as events,
        ):
            await live.write({"n": 0})
            async with asyncio.timeout(5):
                assert (await anext(events)).meta["reason"] == "expression_error"
            assert numbers(await kept(keeper(world))) == [0]

    simulate(story)


def test_letters_on_disk_are_not_listed_at_once() -> None:
    async def story(world: World) -> None:
        async with world.run(DeadLetters(), durable=True) as live:
            node = keeper(world)
            with pytest.raises(sg.SinkgraphError, match=r"list them with letters\(\)"):
                _ = node.events
            assert not node.offer(sg.Batch.of([Event("e")]))
            assert live.snapshot().residue == 0

    simulate(story)


def test_letters_of_a_sink_that_is_removed_are_counted_at_once() -> None:
    async def story(world: World) -> None:
        grave = DeadLetters()
        grave.name = "grave"
        queue = graph(grave)
        async with world.run(Broadcast([queue, RecordingSink()]), durable=True) as live:
            await live.write_many([{"n": n} for n in range(3)])
            await asyncio.sleep(1)
            assert live.snapshot()["grave"].ledger.pending == 3
            await live.remove(queue)
            await asyncio.sleep(1)  # it leaves in the background
            snapshot = live.snapshot()
            gone, rest = snapshot.removed["grave"], snapshot["dead-letters"].ledger
            assert (gone.delivered, gone.pending, gone.residue) == (3, 0, 0)
            assert (rest.recovered, rest.pending, rest.residue) == (3, 3, 0)
            assert [one.sink for one in await keeper(world).letters()] == ["grave"] * 3
            assert await keeper(world).forget([1, 2, 3], 3) == 3
            assert live.snapshot()["dead-letters"].ledger.pending == 0
            assert live.snapshot().residue == 0

    simulate(story)
