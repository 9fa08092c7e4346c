"""The rate limit: never faster than it says, in order, bounded waits, no token lost."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkgraph.errors import DeliveryFailed, Overloaded, PartialWrite, SinkClosed
from sinkgraph.event import Batch
from sinkgraph.simulation.loop import run
from sinkgraph.sinks import rate_limit
from sinkgraph.sinks.rate_limit import Bucket, RateLimit
from tests.sinks.rig import InstantTarget, Rig, Target, balanced, event, events, owing


@given(
    st.floats(0.01, 1e6),
    st.integers(1, 1000),
    st.lists(st.tuples(st.floats(0, 100), st.integers(1, 50)), max_size=40),
)
def test_a_bucket_never_gives_more_than_burst_and_rate_allow(
    rate: float, burst: int, steps: list[tuple[float, int]]
) -> None:
    bucket, now, given_out = Bucket(rate, burst, burst, 0.0), 0.0, 0
    for pause, n in steps:
        now += pause
        bucket = bucket.filled(now)
        if not bucket.wait(n):
            bucket = bucket.less(n)
            given_out += n
        assert given_out <= burst + rate * now + rate * 1e-5 * len(steps) + 1e-6
        assert bucket.level <= burst


def test_a_clock_that_goes_back_gives_nothing() -> None:
    bucket = Bucket(10.0, 5, 0.0, 100.0)
    assert bucket.filled(50.0) == bucket
    assert bucket.filled(100.2).level == pytest.approx(2.0)


def test_single_writes_pass_at_the_rate_after_the_burst() -> None:
    async def main() -> None:
        rig, target = Rig(), Target()
        sink = RateLimit(target, rate=10.0, burst=2)
        rig.bind(sink)
        for k in range(6):
            await sink.write(events(f"e{k}"))
        assert target.times == pytest.approx([0.0, 0.0, 0.1, 0.2, 0.3, 0.4])
        await asyncio.sleep(100.0)
        for k in range(3):
            await sink.write(events(f"f{k}"))
        assert target.times[6:] == pytest.approx([100.4, 100.4, 100.5])
        assert sink.facts()["waits"] == 5
        balanced(sink, target)

    run(main())


def test_writers_are_served_in_the_order_they_came() -> None:
    async def main() -> None:
        target = Target()
        sink = RateLimit(target, rate=1.0, burst=5, max_wait=100.0)
        big = asyncio.create_task(sink.write(events(*"abcde")))
        await asyncio.sleep(0)
        writes = [asyncio.create_task(sink.write(events(name))) for name in "vwxyz"]
        large = asyncio.create_task(sink.write(events(*"12345")))
        await asyncio.gather(big, large, *writes)
        assert "".join(target.taken) == "abcdevwxyz12345"
        assert target.times == pytest.approx([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 10.0])
        balanced(sink, target)

    run(main())


def test_a_batch_larger_than_the_burst_is_paid_piecewise() -> None:
    async def main() -> None:
        target = Target()
        sink = RateLimit(target, rate=10.0, burst=4)
        await sink.write(events(*"abcdefghij"))
        assert ["".join(ids) for ids in target.writes] == ["abcd", "efgh", "ij"]
        assert target.times == pytest.approx([0.0, 0.4, 0.6])
        balanced(sink, target)

    run(main())


def test_a_wait_is_bounded_and_says_when_to_come_back() -> None:
    async def main() -> None:
        target = Target()
        sink = RateLimit(target, rate=0.1, burst=1, max_wait=4.0)
        sink.name = "slow"
        await sink.write(events("a"))
        with pytest.raises(Overloaded, match=r"^rate_limit slow: no turn after 4s at 0.1/s") as no:
            await sink.write(events("b"))
        assert no.value.retry_after_s == pytest.approx(6.0)
        assert asyncio.get_running_loop().time() == 4.0
        await asyncio.sleep(6.0)
        await sink.write(events("b"))
        assert target.taken == ["a", "b"]
        balanced(sink, target)

    run(main())


def test_what_found_no_turn_in_time_is_owed_and_the_rest_is_done() -> None:
    async def main() -> None:
        target = Target()
        sink = RateLimit(target, rate=1.0, burst=2, max_wait=5.0)
        with pytest.raises(PartialWrite) as caught:
            await sink.write(events(*"abcdefghij"))
        (part,) = caught.value.owed
        assert isinstance(part.error, Overloaded)
        assert [one.id for one in part.events] == list("ghij")
        assert "".join(target.taken) == "abcdef"
        await part.write(part.events)
        assert "".join(target.taken) == "abcdefghij"
        balanced(sink, target)

    run(main())


def test_the_targets_own_time_is_not_waiting() -> None:
    async def main() -> None:
        target = Target(50.0, 50.0, 50.0)
        sink = RateLimit(target, rate=1.0, burst=1, max_wait=5.0)
        await sink.write(events(*"abc"))
        assert target.taken == ["a", "b", "c"]

    run(main())


def test_a_cancelled_writer_gives_its_tokens_back() -> None:
    async def main() -> None:
        target = Target()
        sink = RateLimit(target, rate=1.0, burst=10)
        await sink.write(events(*"abcdefghij"))
        first = asyncio.create_task(sink.write(events(*"0123456789")))
        await asyncio.sleep(0)
        second = asyncio.create_task(sink.write(events("x")))
        await asyncio.sleep(3.0)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        await second
        assert asyncio.get_running_loop().time() == 3.0
        assert target.taken[-1] == "x"
        balanced(sink, target)

    run(main())


def test_a_writer_cancelled_in_the_tick_of_its_turn_gives_the_tokens_back() -> None:
    async def main() -> None:
        target = Target()
        sink = RateLimit(target, rate=1.0, burst=1)
        await sink.write(events("a"))
        loop = asyncio.get_running_loop()
        first = asyncio.create_task(sink.write(events("b")))
        await asyncio.sleep(0)
        loop.call_at(1.0, first.cancel)  # the timer of the turn was set before, and runs before
        await asyncio.wait([first])
        assert first.cancelled()
        await sink.write(events("c"))
        assert (target.taken, loop.time()) == (["a", "c"], 1.0)

    run(main())


def test_a_failed_attempt_has_used_its_tokens() -> None:
    async def main() -> None:
        target = Target(DeliveryFailed())
        sink = RateLimit(target, rate=1.0, burst=1)
        with pytest.raises(DeliveryFailed):
            await sink.write(events("a"))
        await sink.write(events("a"))
        assert asyncio.get_running_loop().time() == 1.0
        balanced(sink, target)

    run(main())


def test_a_piece_that_fails_owes_itself_and_what_comes_after() -> None:
    async def main() -> None:
        other = Target(name="other")
        target = Target(None, owing("d", error=DeliveryFailed(), sink=other))
        sink = RateLimit(target, rate=1.0, burst=2)
        with pytest.raises(PartialWrite) as caught:
            await sink.write(events(*"abcdefgh"))
        assert [[one.id for one in part.events] for part in caught.value.owed] == [
            ["d"],
            list("efgh"),
        ]
        assert target.taken == list("abc")
        for part in caught.value.owed:
            await part.write(part.events)
        assert ("".join(target.taken), other.taken) == ("abcefgh", ["d"])
        balanced(sink, target, other)

    run(main())


@pytest.mark.parametrize("by", ["data.v", lambda one: one.data["v"]])
def test_each_key_has_a_rate_of_its_own(by: Any) -> None:
    async def main() -> None:
        target = Target()
        sink = RateLimit(target, rate=1.0, burst=1, by=by)

        def of(key: str, *names: str) -> Batch:
            return Batch.of(event(name, key) for name in names)

        slow = asyncio.create_task(sink.write(of("a", "a1", "a2", "a3")))
        await asyncio.sleep(0.1)
        await sink.write(of("b", "b1"))
        assert asyncio.get_running_loop().time() == 0.1
        await slow
        assert asyncio.get_running_loop().time() == 2.0
        await sink.write(Batch.of([event("c1", "c"), event("d1", "d"), event("c2", "c")]))
        assert target.writes[-2:] == [["c1", "d1"], ["c2"]]
        assert sink.facts()["keys"] == 4
        balanced(sink, target)

    run(main())


def test_keys_are_bounded_and_one_that_is_waited_for_is_not_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rate_limit, "_MAX_KEYS", 3)

    async def main() -> None:
        sink = RateLimit(Target(), rate=1.0, burst=1, by=lambda one: one.id)
        await sink.write(events("a"))
        waiting = asyncio.create_task(sink.write(events("a")))
        await asyncio.sleep(0)
        for k in range(50):
            await sink.write(events(f"k{k}"))
            assert len(sink._lines) <= 3
        await waiting
        assert asyncio.get_running_loop().time() == 1.0

    run(main())


def test_events_whose_key_cannot_be_had_share_a_rate() -> None:
    async def main() -> None:
        sink = RateLimit(Target(), rate=1.0, burst=1, by=lambda one: one.data["missing"])
        await sink.write(events("a", "b", "c"))
        assert asyncio.get_running_loop().time() == 2.0

    run(main())


def test_it_offers_only_what_it_has_tokens_for() -> None:
    async def main() -> None:
        rig, target = Rig(), InstantTarget()
        sink = RateLimit(target, rate=1.0, burst=2)
        rig.bind(sink)
        assert sink.offer(events("a"))
        assert not sink.offer(events("b", "c"))
        target.ready = False
        assert not sink.offer(events("b"))
        target.ready = True
        assert sink.offer(events("b"))
        assert not sink.offer(events("c"))
        waiting = asyncio.create_task(sink.write(events("c", "d")))
        await asyncio.sleep(1.5)
        assert not sink.offer(events("e"))  # somebody stands in line
        await waiting
        assert target.taken == ["a", "b", "c", "d"]
        balanced(sink, target)

    run(main())


def test_closing_sends_who_waits_away() -> None:
    async def main() -> None:
        sink = RateLimit(Target(), rate=0.001, burst=1)
        await sink.write(events("a"))
        waiting = asyncio.create_task(sink.write(events("b")))
        await asyncio.sleep(1.0)
        await sink.close()
        with pytest.raises(SinkClosed, match="rate_limit"):
            await waiting
        with pytest.raises(SinkClosed):
            await sink.write(events("c"))
        balanced(sink)

    run(main())


def test_a_new_rate_holds_for_who_waits_already() -> None:
    async def main() -> None:
        sink = RateLimit(Target(), rate=0.1, burst=1)
        await sink.write(events("a"))
        waiting = asyncio.create_task(sink.write(events("b")))
        await asyncio.sleep(1.0)
        sink.retune(rate=10.0, burst=1)
        await waiting
        assert asyncio.get_running_loop().time() == pytest.approx(1.09)

    run(main())


@pytest.mark.parametrize(
    ("fields", "error", "names"),
    [
        ({"rate": 0.0}, ValueError, "rate .*0.0"),
        ({"rate": -1.0}, ValueError, "rate .*-1.0"),
        ({"rate": math.inf}, ValueError, "rate .*inf"),
        ({"rate": "10/s"}, TypeError, "rate .*'10/s'"),
        ({"rate": 1.0, "burst": 0}, ValueError, "burst .*0"),
        ({"rate": 1.0, "burst": 1.5}, ValueError, "burst .*1.5"),
        ({"rate": 1.0, "max_wait": 0.0}, ValueError, "max_wait .*0.0"),
    ],
)
def test_a_bad_limit_names_field_and_value(
    fields: dict[str, Any], error: type[Exception], names: str
) -> None:
    with pytest.raises(error, match=names):
        RateLimit(Target(), **fields)


def test_the_default_burst_is_a_second_s_worth_and_at_least_one() -> None:
    assert RateLimit(Target(), 100.0).burst == 100
    assert RateLimit(Target(), 0.2).burst == 1
