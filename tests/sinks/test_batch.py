"""The batch sink: full or due, nobody is told too early, each writer owns its own failures."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkgraph.errors import DeliveryFailed, NotOwned, Owed, PartialWrite, Rejected, SinkClosed
from sinkgraph.event import Batch, Event
from sinkgraph.simulation.loop import run
from sinkgraph.sinks.base import Node, Terminal
from sinkgraph.sinks.batch import BatchSink
from tests.sinks.rig import (
    InstantTarget,
    Rig,
    Target,
    balanced,
    batch_refused,
    event,
    events,
    owing,
)

DOWN = DeliveryFailed("down")


def bound(sink: BatchSink) -> BatchSink:
    Rig().bind(sink)
    return sink


async def write(sink: Node, *names: str) -> float:
    await sink.write(events(*names))
    return asyncio.get_running_loop().time()


def test_a_full_batch_goes_at_once_and_the_rest_when_the_first_has_waited_long_enough() -> None:
    async def main() -> None:
        target = Target()
        sink = bound(BatchSink(target, max_events=4, max_wait=2.0))
        ends = await asyncio.gather(
            write(sink, "a", "b"), write(sink, "c"), write(sink, "d", "e"), write(sink, "f")
        )
        assert target.writes == [["a", "b", "c", "d"], ["e", "f"]]
        assert target.times == [0.0, 2.0]
        assert list(ends) == [0.0, 0.0, 2.0, 2.0]
        balanced(sink, target)

    run(main())


def test_no_writer_is_told_before_its_batch_was_accepted() -> None:
    async def main() -> None:
        target = Target(7.0)
        sink = bound(BatchSink(target, max_events=2, max_wait=1.0))
        first, second = asyncio.create_task(write(sink, "a")), asyncio.create_task(write(sink, "b"))
        await asyncio.sleep(6.9)
        assert not first.done()
        assert not second.done()
        assert sink.pending() == 2
        assert list(await asyncio.gather(first, second)) == [7.0, 7.0]
        balanced(sink, target)

    run(main())


def test_a_write_larger_than_a_batch_travels_in_several() -> None:
    async def main() -> None:
        target = Target()
        sink = bound(BatchSink(target, max_events=3, max_wait=1.0))
        assert await write(sink, *"abcdefgh") == 1.0
        assert ["".join(ids) for ids in target.writes] == ["abc", "def", "gh"]
        balanced(sink, target)

    run(main())


def test_it_blocks_while_a_batch_is_under_way_and_then_takes_what_has_gathered() -> None:
    async def main() -> None:
        target = Target(10.0, 1.0)
        sink = bound(BatchSink(target, max_events=3, max_wait=0.0))
        writes = [asyncio.create_task(write(sink, name)) for name in "abcdefg"]
        await asyncio.sleep(5.0)
        assert target.writes == [["a"]]
        assert sink.facts() == {"collected": 6, "writers": 6, "batches": 1, "fused": False}
        await asyncio.gather(*writes)
        assert ["".join(ids) for ids in target.writes] == ["a", "bcd", "efg"]
        balanced(sink, target)

    run(main())


def test_a_batch_is_bounded_in_bytes_unless_one_event_is_larger() -> None:
    async def main() -> None:
        target = Target()
        sink = bound(BatchSink(target, max_bytes=30, max_wait=1.0))
        sizes = {"a": 2, "b": 2, "c": 50, "d": 2, "e": 1}  # `{"v":"…"}` adds 8
        write_all = sink.write(Batch.of(event(k, "x" * n) for k, n in sizes.items()))
        await write_all
        assert ["".join(ids) for ids in target.writes] == ["ab", "c", "de"]
        assert target.times[-1] == 1.0
        unspeakable = Batch.of([Event(id="f", data={"v": object()}), event("g", "x")])
        await sink.write(unspeakable)
        assert target.taken[-2:] == ["f", "g"]
        balanced(sink, target)

    run(main())


def test_every_writer_of_a_refused_batch_gets_the_bare_error_for_its_own() -> None:
    async def main() -> None:
        target = Target(DOWN)
        sink = bound(BatchSink(target, max_events=3))
        got = await asyncio.gather(write(sink, "a", "b"), write(sink, "c"), return_exceptions=True)
        assert list(got) == [DOWN, DOWN]
        assert sink.account().returned == 3
        balanced(sink, target)

    run(main())


def test_what_is_owed_goes_back_to_whose_it_is_and_is_paid_uncollected() -> None:
    async def main() -> None:
        other = Target(name="other")
        target = Target(owing("b", "c", "e", error=DOWN, sink=other))
        sink = bound(BatchSink(target, max_events=6))
        got = await asyncio.gather(
            write(sink, "a", "b"),
            write(sink, "c"),
            write(sink, "d"),
            write(sink, "e", "f"),
            return_exceptions=True,
        )
        owed = [
            [[one.id for one in part.events] for part in error.owed]
            for error in got
            if isinstance(error, PartialWrite)
        ]
        assert owed == [[["b"]], [["c"]], [["e"]]]
        assert got[2] == 0.0
        for error in got:
            if isinstance(error, PartialWrite):
                await error.owed[0].write(error.owed[0].events)
        assert other.writes == [["b"], ["c"], ["e"]]
        assert asyncio.get_running_loop().time() == 0.0
        balanced(sink, target, other)

    run(main())


def test_owed_events_with_one_id_are_told_apart_by_what_they_are() -> None:
    async def main() -> None:
        first, second = event("x", 1), event("x", 2)

        def judge(batch: Batch) -> PartialWrite:
            return PartialWrite([Owed(batch_refused, batch[1:2], DOWN)])

        sink = bound(BatchSink(Target(judge), max_events=2))
        got = await asyncio.gather(
            sink.write([first]), sink.write([second]), return_exceptions=True
        )
        assert got[0] is None
        assert isinstance(got[1], PartialWrite)
        assert got[1].owed[0].events[0] is second

    run(main())


def test_a_write_cut_over_batches_owes_what_failed_and_what_comes_after() -> None:
    async def main() -> None:
        target = Target(None, DOWN, None)
        sink = bound(BatchSink(target, max_events=2, max_wait=0.5))
        with pytest.raises(PartialWrite) as caught:
            await write(sink, *"abcde")
        (part,) = caught.value.owed
        assert [one.id for one in part.events] == ["c", "d", "e"]
        await part.write(part.events)
        assert target.taken == list("abcde")
        balanced(sink, target)

    run(main())


def test_a_writer_cancelled_in_line_takes_its_events_back() -> None:
    async def main() -> None:
        target = Target()
        sink = bound(BatchSink(target, max_events=10, max_wait=5.0))
        first = asyncio.create_task(write(sink, "a", "b"))
        await asyncio.sleep(1.0)
        second = asyncio.create_task(write(sink, "c"))
        await asyncio.sleep(1.0)
        first.cancel()
        assert await second == 6.0
        assert target.writes == [["c"]]
        assert first.cancelled()
        assert sink.facts()["collected"] == 0
        balanced(sink, target)

    run(main())


def test_a_writer_cancelled_under_way_leaves_the_others_undisturbed() -> None:
    async def main() -> None:
        target = Target(5.0)
        sink = bound(BatchSink(target, max_events=2))
        first, second = asyncio.create_task(write(sink, "a")), asyncio.create_task(write(sink, "b"))
        await asyncio.sleep(1.0)
        first.cancel()
        assert await second == 5.0
        assert (target.taken, target.cancelled) == (["a", "b"], 0)
        balanced(sink, target)

    run(main())


def test_a_write_nobody_waits_for_is_cancelled_and_blocks_nobody() -> None:
    async def main() -> None:
        target = Target(1e9)
        sink = bound(BatchSink(target, max_events=2))
        writes = [asyncio.create_task(write(sink, name)) for name in "ab"]
        await asyncio.sleep(1.0)
        for task in writes:
            task.cancel()
        await asyncio.wait(writes)
        await write(sink, "c", "d")
        assert target.taken == ["c", "d"]
        assert (target.cancelled, asyncio.get_running_loop().time()) == (1, 1.0)
        balanced(sink, target)

    run(main())


def test_drain_hands_on_at_once_and_waits_for_the_outcome() -> None:
    async def main() -> None:
        target = Target(2.0)
        sink = bound(BatchSink(target, max_events=10, max_wait=100.0))
        writes = [asyncio.create_task(write(sink, name)) for name in "ab"]
        await asyncio.sleep(1.0)
        await sink.drain()
        assert asyncio.get_running_loop().time() == 3.0
        assert await asyncio.gather(*writes) == [3.0, 3.0]
        late = asyncio.create_task(write(sink, "c"))
        await asyncio.sleep(50.0)
        assert not late.done()
        await sink.drain()
        assert await late == 53.0
        balanced(sink, target)

    run(main())


def test_close_flushes_and_every_closer_waits_for_it() -> None:
    async def main() -> None:
        target = Target(2.0)
        sink = bound(BatchSink(target, max_wait=100.0))
        writing = asyncio.create_task(write(sink, "a"))
        await asyncio.sleep(1.0)
        closers = [asyncio.create_task(sink.close()) for _ in range(100)]
        await asyncio.sleep(1.0)
        assert not any(task.done() for task in closers)
        with pytest.raises(SinkClosed, match="batch"):
            await write(sink, "b")
        await asyncio.gather(*closers)
        assert await writing == 3.0
        await sink.close()
        balanced(sink, target)

    run(main())


def test_a_close_given_up_refuses_who_still_stands_in_line() -> None:
    async def main() -> None:
        target = Target(1e9)
        sink = bound(BatchSink(target, max_events=1))
        first, second = asyncio.create_task(write(sink, "a")), asyncio.create_task(write(sink, "b"))
        await asyncio.sleep(1.0)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(sink.close(), 3.0)
        with pytest.raises(SinkClosed):
            await second
        first.cancel()
        await asyncio.wait([first])
        balanced(sink)

    run(main())


@pytest.mark.parametrize("pause", [0.0, 1.0])
def test_a_stopped_delivery_is_a_failure_to_its_writers_also_before_it_began(pause: float) -> None:
    async def main() -> None:
        rig, target = Rig(), Target(*[1e9] if pause else [])
        sink = BatchSink(target, max_events=1)
        rig.bind(sink)
        writing = asyncio.create_task(write(sink, "a"))
        await asyncio.sleep(pause)
        rig.tasks[0].cancel()
        with pytest.raises(DeliveryFailed, match="the write was stopped"):
            await writing
        assert len(target.writes) == (1 if pause else 0)
        await write(sink, "b")
        assert target.taken == ["b"]
        balanced(sink)

    run(main())


def test_fused_into_a_queue_writes_pass_straight_through() -> None:
    async def main() -> None:
        target = InstantTarget()
        sink = BatchSink(target, max_events=10, max_wait=100.0)
        assert not sink.instant
        assert not sink.offer(events("a"))
        sink.fused = True
        assert (sink.instant, sink.fused) == (True, True)
        assert sink.offer(events("a"))
        assert await write(sink, "b", "c") == 0.0
        assert target.writes == [["b", "c"]]
        balanced(sink, target)

    run(main())


def test_new_limits_hold_for_what_is_collected_already() -> None:
    async def main() -> None:
        target = Target()
        sink = bound(BatchSink(target, max_events=10, max_wait=100.0))
        writes = [asyncio.create_task(write(sink, name)) for name in "abc"]
        await asyncio.sleep(1.0)
        sink.retune(2, None, 100.0)
        await asyncio.sleep(1.0)
        assert target.writes == [["a", "b"]]
        await asyncio.gather(sink.drain(), *writes)
        balanced(sink, target)

    run(main())


def test_outside_a_topology_it_says_so() -> None:
    sink = BatchSink(Target())
    with pytest.raises(NotOwned, match="belongs to no topology"):
        run(sink.write(events("a")))
    balanced(sink)


@pytest.mark.parametrize(
    ("fields", "error", "names"),
    [
        ({"max_events": 0}, ValueError, "max_events .*0"),
        ({"max_bytes": 0}, ValueError, "max_bytes .*0"),
        ({"max_wait": -1.0}, ValueError, "max_wait .*-1.0"),
        ({"max_wait": "1s"}, TypeError, "max_wait .*'1s'"),
    ],
)
def test_a_bad_limit_names_field_and_value(
    fields: dict[str, Any], error: type[Exception], names: str
) -> None:
    with pytest.raises(error, match=names):
        BatchSink(Target(), **fields)


class Moody(Terminal):
    """Takes a while, then accepts, refuses or owes some of each batch."""

    kind = "moody"

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.random = random.Random(seed)
        self.taken: list[str] = []

    async def deliver(self, batch: Batch) -> None:
        await asyncio.sleep(self.random.random() * 3)
        mood = self.random.randrange(5)
        if mood == 0:
            raise DOWN
        if mood == 1:
            raise Rejected("bad")
        bad = [k for k in range(len(batch)) if mood == 2 and self.random.random() < 0.5]
        self.taken += [own for k, own in enumerate(batch.ids) if k not in bad]
        if bad:
            raise PartialWrite([Owed(self.write, batch.pick(bad), DOWN)])


@given(
    st.integers(0, 2**32),
    st.integers(1, 7),
    st.lists(st.tuples(st.integers(1, 9), st.integers(0, 40)), min_size=1, max_size=12),
)
def test_whatever_happens_every_event_is_taken_exactly_once_by_its_own_writer(
    seed: int, size: int, writers: list[tuple[int, int]]
) -> None:
    async def main() -> None:
        target = Moody(seed)
        sink = bound(BatchSink(target, max_events=size, max_wait=1.0))

        async def pay(continuation: Any, batch: Sequence[Event], own: set[str]) -> None:
            assert {one.id for one in batch} <= own
            try:
                await continuation(batch)
            except PartialWrite as error:
                for part in error.owed:
                    await pay(part.write, part.events, own)
            except (DeliveryFailed, Rejected):
                await pay(continuation, batch, own)

        async def writer(w: int, n: int, begin: int) -> None:
            await asyncio.sleep(begin / 10)
            names = [f"{w}-{k}" for k in range(n)]
            await pay(sink.write, events(*names), set(names))

        await asyncio.gather(*[writer(w, n, begin) for w, (n, begin) in enumerate(writers)])
        wanted = sorted(f"{w}-{k}" for w, (n, _) in enumerate(writers) for k in range(n))
        assert sorted(target.taken) == wanted
        balanced(sink, target)

    run(main())
