"""Dedupe: what was accepted passes once, what failed may pass again, nothing is ever lost."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkgraph.errors import DeliveryFailed, Owed, PartialWrite, Rejected
from sinkgraph.event import Batch, Event
from sinkgraph.simulation.loop import run
from sinkgraph.sinks.base import Terminal
from sinkgraph.sinks.dedupe import Dedupe
from tests.sinks.rig import Rig, Target, balanced, event, events, owing

DOWN = DeliveryFailed("down")


def test_a_duplicate_is_counted_as_filtered() -> None:
    async def main() -> None:
        rig, target = Rig(), Target()
        sink = Dedupe(target)
        rig.bind(sink)
        await sink.write(events("a", "b", "a", "a"))
        await sink.write(events("b", "c"))
        assert target.writes == [["a", "b"], ["c"]]
        view = sink.account()
        assert (view.entered, view.delivered, view.filtered) == (6, 3, {"duplicate": 3})
        assert sink.facts() == {"remembered": 3, "forgotten": 0, "without_key": 0}
        balanced(sink, target)

    run(main())


def test_an_id_is_remembered_for_the_window_from_its_acceptance() -> None:
    async def main() -> None:
        target = Target()
        sink = Dedupe(target, window=10.0)
        await sink.write(events("a"))
        await asyncio.sleep(9.0)
        await sink.write(events("a"))  # seeing it again does not renew it
        await asyncio.sleep(1.0)
        await sink.write(events("a"))
        assert target.taken == ["a", "a"]
        assert len(sink._seen) == 1

    run(main())


def test_memory_is_bounded_and_the_oldest_id_is_forgotten_first() -> None:
    async def main() -> None:
        target = Target()
        sink = Dedupe(target, max_ids=2)
        for name in "abc":
            await sink.write(events(name))
        await sink.write(events("b", "c"))
        await sink.write(events("a"))
        assert target.taken == ["a", "b", "c", "a"]
        assert (sink.facts()["remembered"], sink.facts()["forgotten"]) == (2, 2)

    run(main())


def test_what_the_target_refused_is_not_remembered() -> None:
    async def main() -> None:
        target = Target(DOWN)
        sink = Dedupe(target)
        with pytest.raises(DeliveryFailed) as caught:
            await sink.write(events("a", "b"))
        assert caught.value is DOWN
        await sink.write(events("a", "b"))
        assert target.taken == ["a", "b"]
        balanced(sink, target)

    run(main())


def test_a_failed_part_owes_only_what_is_new() -> None:
    async def main() -> None:
        target = Target(None, DOWN)
        sink = Dedupe(target)
        await sink.write(events("a"))
        with pytest.raises(PartialWrite) as caught:
            await sink.write(events("a", "b", "c", "b"))
        (part,) = caught.value.owed
        assert [one.id for one in part.events] == ["b", "c", "b"]
        await part.write(part.events)
        assert target.taken == ["a", "b", "c"]
        view = sink.account()
        assert (view.filtered, view.returned) == ({"duplicate": 2}, 3)
        balanced(sink, target)

    run(main())


def test_a_repeat_of_something_owed_is_owed_too() -> None:
    async def main() -> None:
        other = Target(name="other")
        sink = Dedupe(Target(owing("b", error=DOWN, sink=other)))
        with pytest.raises(PartialWrite) as caught:
            await sink.write(events("a", "b", "a", "b"))
        view = sink.account()
        assert (view.delivered, view.filtered, view.returned) == (1, {"duplicate": 1}, 2)
        for part in caught.value.owed:
            await part.write(part.events)
        view = sink.account()
        assert (other.taken, view.filtered) == (["b"], {"duplicate": 2})
        balanced(sink, other)

    run(main())


def test_an_owed_part_is_remembered_only_when_it_was_paid() -> None:
    async def main() -> None:
        other = Target(name="other")
        target = Target(owing("b", error=DOWN, sink=other))
        sink = Dedupe(target)
        with pytest.raises(PartialWrite) as caught:
            await sink.write(events("a", "b"))
        await sink.write(events("a", "b"))
        assert target.taken == ["a", "b"]
        (part,) = caught.value.owed
        await part.write(part.events)  # the duplicate that passed is the price of not knowing
        assert other.taken == ["b"]
        await sink.write(events("b"))
        assert target.taken == ["a", "b"]
        balanced(sink, target, other)

    run(main())


def test_two_branches_that_owe_the_same_event_are_both_paid() -> None:
    async def main() -> None:
        left, right = Target(DOWN, name="left"), Target(name="right")
        batch = events("a", "b")
        partial = PartialWrite(
            [Owed(left.write, batch[:1], DOWN), Owed(right.write, batch[:1], DOWN)]
        )
        sink = Dedupe(Target(partial))
        with pytest.raises(PartialWrite) as caught:
            await sink.write(batch)
        first, second = caught.value.owed
        await second.write(second.events)
        with pytest.raises(DeliveryFailed):
            await first.write(first.events)
        await first.write(first.events)
        assert (left.taken, right.taken) == (["a"], ["a"])
        balanced(sink, left, right)

    run(main())


def test_what_was_changed_below_is_still_known_by_its_key() -> None:
    async def main() -> None:
        other = Target(name="other")
        changed = Batch.of([event("x1", "changed")])
        sink = Dedupe(Target(PartialWrite([Owed(other.write, changed, DOWN)])), by="data.v")
        with pytest.raises(PartialWrite) as caught:
            await sink.write(Batch.of([event("x1", "k1"), event("x2", "k2")]))
        (part,) = caught.value.owed
        await part.write(part.events)
        await sink.write(Batch.of([event("x3", "k1"), event("x4", "changed")]))
        view = sink.account()
        assert (view.delivered, view.filtered) == (3, {"duplicate": 1})
        balanced(sink, other)

    run(main())


def test_a_duplicate_under_way_waits_and_is_counted_away_when_the_first_is_accepted() -> None:
    async def main() -> None:
        target = Target(5.0)
        sink = Dedupe(target)
        first = asyncio.create_task(sink.write(events("a")))
        await asyncio.sleep(1.0)
        await sink.write(events("b", "a"))
        assert asyncio.get_running_loop().time() == 5.0
        assert first.done()
        assert target.taken == ["b", "a"]
        balanced(sink, target)

    run(main())


def test_a_duplicate_under_way_tries_itself_when_the_first_fails_or_is_cancelled() -> None:
    async def main() -> None:
        target = Target([5.0, DOWN], 5.0)
        sink = Dedupe(target)
        first = asyncio.create_task(sink.write(events("a")))
        await asyncio.sleep(1.0)
        second = asyncio.create_task(sink.write(events("a")))
        third = asyncio.create_task(sink.write(events("a")))
        with pytest.raises(DeliveryFailed):
            await first
        await asyncio.sleep(1.0)
        second.cancel()
        await third
        assert asyncio.get_running_loop().time() == 6.0
        assert second.cancelled()
        assert target.writes == [["a"]] * 3
        view = sink.account()
        assert (view.delivered, view.returned) == (1, 2)
        balanced(sink, target)

    run(main())


def test_a_cancelled_waiter_does_not_disturb_the_first() -> None:
    async def main() -> None:
        target = Target(5.0)
        sink = Dedupe(target)
        first = asyncio.create_task(sink.write(events("a")))
        await asyncio.sleep(1.0)
        second = asyncio.create_task(sink.write(events("a")))
        await asyncio.sleep(1.0)
        second.cancel()
        await first
        assert target.taken == ["a"]
        assert not sink._under_way
        balanced(sink, target)

    run(main())


def test_writes_that_hold_each_other_s_events_do_not_wait_in_a_circle() -> None:
    async def main() -> None:
        target = Target(2.0, 2.0)
        sink = Dedupe(target)
        await asyncio.gather(sink.write(events("a", "b", "c")), sink.write(events("c", "d", "a")))
        assert target.writes == [["a", "b", "c"], ["d"]]
        assert asyncio.get_running_loop().time() == 2.0
        balanced(sink, target)

    run(main())


@pytest.mark.parametrize("by", ["data.v", lambda one: one.data["v"]])
def test_keys_can_be_anything_an_event_holds(by: Any) -> None:
    async def main() -> None:
        target = Target()
        sink = Dedupe(target, by=by)
        await sink.write(
            Batch.of([event("a", 1), event("b", True), event("c", 1), event("d", "1")])
        )
        assert target.taken == ["a", "b", "d"]

    run(main())


def test_an_event_without_a_key_always_passes() -> None:
    async def main() -> None:
        target = Target()
        sink = Dedupe(target, by="data.missing")
        await sink.write(events("a", "b"))
        await sink.write(events("a", "b"))
        assert sink.facts() == {"remembered": 0, "forgotten": 0, "without_key": 4}
        nameless = Dedupe(target)
        await nameless.write([Event(), Event()])
        assert len(target.taken) == 6
        balanced(sink, nameless, target)

    run(main())


def test_what_is_remembered_stays_when_it_follows_other_limits() -> None:
    async def main() -> None:
        sink, target = Dedupe(Target()), Target()
        await sink.write(events("a", "b"))
        sink.become(Dedupe(target, max_ids=2))
        await sink.write(events("a", "b", "c"))
        assert target.taken == ["c"]
        assert sink.max_ids == 2

    run(main())


def test_keys_of_another_expression_are_other_keys() -> None:
    async def main() -> None:
        sink, target = Dedupe(Target()), Target()
        await sink.write(events("a"))
        sink.become(Dedupe(target, by=lambda event: event.id))
        await sink.write(events("a", "a"))
        assert target.taken == ["a"]

    run(main())


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({"window": 0.0}, "window .*0.0"),
        ({"window": math.inf}, "window .*inf"),
        ({"max_ids": 0}, "max_ids .*0"),
    ],
)
def test_a_bad_limit_names_field_and_value(fields: dict[str, Any], names: str) -> None:
    with pytest.raises(ValueError, match=names):
        Dedupe(Target(), **fields)


class Flaky(Terminal):
    """Takes a random time, then accepts, refuses, or owes some of each batch."""

    kind = "flaky"

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.random = random.Random(seed)
        self.taken: list[str] = []

    async def deliver(self, batch: Batch) -> None:
        await asyncio.sleep(self.random.random())
        match self.random.randrange(4):
            case 0:
                raise DOWN
            case 1:
                raise Rejected("bad")
            case 2:
                cut = self.random.randrange(len(batch) + 1)
                self.taken += batch.ids[:cut]
                if cut < len(batch):
                    raise PartialWrite([Owed(self.write, batch[cut:], DOWN)])
            case _:
                self.taken += batch.ids


@given(
    st.integers(0, 2**32),
    st.lists(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=5), min_size=1, max_size=8),
)
def test_every_event_is_taken_at_least_once_and_only_once_when_nothing_is_owed(
    seed: int, writes: list[list[str]]
) -> None:
    async def main() -> None:
        target = Flaky(seed)
        sink = Dedupe(target)
        split = False

        async def pay(write: Any, batch: Sequence[Event]) -> None:
            nonlocal split
            while True:
                try:
                    await write(batch)
                except PartialWrite as error:
                    split = True
                    for part in error.owed:
                        await pay(part.write, part.events)
                except (DeliveryFailed, Rejected):
                    continue
                return

        await asyncio.gather(*[pay(sink.write, events(*names)) for names in writes])
        wanted = {name for names in writes for name in names}
        assert set(target.taken) == wanted
        if not split:
            assert len(target.taken) == len(wanted)
        assert not sink._under_way
        balanced(sink, target)

    run(main())
