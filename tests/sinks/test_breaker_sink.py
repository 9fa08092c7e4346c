"""The breaker sink: what counts, what passes, what is told, and that no permit is ever lost."""

from __future__ import annotations

import asyncio

import pytest

from sinkgraph.errors import (
    BreakerOpen,
    DeliveryFailed,
    Overloaded,
    Owed,
    PartialWrite,
    Rejected,
    SinkClosed,
)
from sinkgraph.simulation.loop import run
from sinkgraph.sinks.breaker import Breaker
from sinkgraph.sinks.breaker_sink import BreakerSink, counts
from tests.sinks.rig import InstantTarget, Rig, Target, balanced, events, owing

TWICE = Breaker(failure_threshold=2, open_for=5.0, jitter=0.0)
DOWN = DeliveryFailed("down")


def test_open_fails_at_once_and_says_when_to_come_back() -> None:
    async def main() -> None:
        rig, target = Rig(), Target(DOWN, DOWN)
        sink = BreakerSink(target, TWICE)
        rig.bind(sink)
        for _ in range(2):
            with pytest.raises(DeliveryFailed, match=r"^down$"):
                await sink.write(events("a"))
        await asyncio.sleep(2.0)
        with pytest.raises(BreakerOpen, match="breaker node is open") as caught:
            await sink.write(events("a"))
        assert caught.value.retry_after_s == 3.0
        assert sink.facts() == {
            "breaker": {
                "state": "open",
                "failures": 2,
                "failure_threshold": 2,
                "opens": 1,
                "opens_last_hour": 1,
                "since": sink.clock.wall() - 2.0,
                "probe_in_s": 3.0,
            }
        }
        assert sink.status == "degraded"
        await asyncio.sleep(3.0)
        await sink.write(events("a"))
        assert (sink.machine.state, sink.status) == ("closed", "ok")
        assert target.writes == [["a"]] * 3
        balanced(sink, target)
        assert [kind for kind, _ in rig.facts] == [
            "breaker_opened",
            "breaker_half_open",
            "breaker_closed",
        ]
        assert rig.facts[0][1] == {
            "node": "node", "was": "closed", "failures": 2, "probe_in_s": 5.0,
        }  # fmt: skip

    run(main())


@pytest.mark.parametrize(
    ("error", "does"),
    [
        (DOWN, True),
        (DeliveryFailed("no route", counts=False), False),
        (BreakerOpen(retry_after_s=1.0), False),
        (TimeoutError(), True),
        (ConnectionResetError(), True),
        (KeyError("x"), True),
        (Rejected("bad"), False),
        (SinkClosed("closed"), False),
        (Overloaded(), False),
        (asyncio.CancelledError(), False),
        (PartialWrite([Owed(events, events("a"), Rejected("bad"))]), False),  # type: ignore[arg-type]
        (PartialWrite([Owed(events, events("a"), DOWN)]), True),  # type: ignore[arg-type]
    ],
)
def test_which_errors_count(error: BaseException, does: bool) -> None:
    assert counts(error) is does


def test_a_cancelled_probe_gives_its_permit_back() -> None:
    async def main() -> None:
        rig, target = Rig(), Target(DOWN, DOWN, 100.0)
        sink = BreakerSink(target, TWICE)
        rig.bind(sink)
        for _ in range(2):
            with pytest.raises(DeliveryFailed):
                await sink.write(events("a"))
        await asyncio.sleep(5.0)
        probe = asyncio.create_task(sink.write(events("a")))
        await asyncio.sleep(1.0)
        with pytest.raises(BreakerOpen, match="half open"):
            await sink.write(events("b"))
        probe.cancel()
        with pytest.raises(asyncio.CancelledError):
            await probe
        await sink.write(events("b"))
        assert sink.machine.state == "closed"
        balanced(sink, target)

    run(main())


@pytest.mark.parametrize("error", [Rejected("bad"), SinkClosed("closed"), Overloaded()])
def test_what_does_not_count_leaves_a_probe_undecided(error: Exception) -> None:
    async def main() -> None:
        rig, target = Rig(), Target(DOWN, DOWN, error)
        sink = BreakerSink(target, TWICE)
        rig.bind(sink)
        for _ in range(2):
            with pytest.raises(DeliveryFailed):
                await sink.write(events("a"))
        await asyncio.sleep(5.0)
        with pytest.raises(type(error)):
            await sink.write(events("a"))
        assert sink.machine.state == "half_open"
        await sink.write(events("a"))
        assert sink.machine.state == "closed"

    run(main())


def test_a_destination_that_asks_to_be_left_alone_is_isolated() -> None:
    async def main() -> None:
        rig, target = Rig(), Target(Rejected("gone", status=410, isolate=True))
        sink = BreakerSink(target, TWICE)
        rig.bind(sink)
        with pytest.raises(Rejected):
            await sink.write(events("a"))
        assert (sink.machine.state, sink.status) == ("isolated", "failed")
        await asyncio.sleep(10_000)
        with pytest.raises(BreakerOpen, match="isolated"):
            await sink.write(events("a"))
        sink.machine.reset(rig.clock.now())
        await sink.write(events("a"))
        assert [kind for kind, _ in rig.facts] == ["breaker_isolated", "breaker_closed"]
        balanced(sink, target)

    run(main())


def test_a_partial_write_is_a_failure_when_one_owed_error_counts() -> None:
    async def main() -> None:
        rig, other = Rig(), Target(name="other")
        target = Target(owing("a", error=Rejected("bad")), owing("a", error=DOWN, sink=other), DOWN)
        sink = BreakerSink(target, TWICE)
        rig.bind(sink)
        with pytest.raises(PartialWrite):
            await sink.write(events("a", "b"))
        assert sink.machine.failures == 0
        with pytest.raises(PartialWrite):
            await sink.write(events("a", "b"))
        assert sink.machine.failures == 1

    run(main())


def test_what_is_owed_is_paid_through_the_breaker() -> None:
    async def main() -> None:
        rig, other = Rig(), Target(DOWN, name="other")
        target = Target(owing("b", error=DOWN, sink=other))
        sink = BreakerSink(target, TWICE)
        rig.bind(sink)
        with pytest.raises(PartialWrite) as caught:
            await sink.write(events("a", "b"))
        (part,) = caught.value.owed
        with pytest.raises(DeliveryFailed):
            await part.write(part.events)
        assert sink.machine.state == "open"
        with pytest.raises(BreakerOpen):
            await part.write(part.events)
        assert other.writes == [["b"]]
        await asyncio.sleep(5.0)
        await part.write(part.events)
        assert (target.taken, other.taken) == (["a"], ["b"])
        view = sink.account()
        assert (view.entered, view.delivered, view.returned) == (5, 2, 3)
        balanced(sink, target, other)

    run(main())


def test_it_offers_only_while_it_is_closed() -> None:
    async def main() -> None:
        rig, target = Rig(), InstantTarget(DOWN, DOWN)
        sink = BreakerSink(target, TWICE)
        rig.bind(sink)
        assert sink.instant
        assert sink.offer(events("a"))
        target.ready = False
        assert not sink.offer(events("b"))
        for _ in range(2):
            with pytest.raises(DeliveryFailed):
                await sink.write(events("b"))
        target.ready = True
        assert not sink.offer(events("b"))
        await asyncio.sleep(5.0)
        assert not sink.offer(events("b"))
        await sink.write(events("b"))
        assert sink.offer(events("c"))
        assert target.taken == ["a", "b", "c"]
        await sink.close()
        assert not sink.offer(events("d"))
        balanced(sink, target)

    run(main())


def test_an_open_breaker_stays_open_under_another_policy() -> None:
    async def main() -> None:
        rig, sink = Rig(), BreakerSink(Target(DOWN, DOWN), TWICE)
        rig.bind(sink)
        for _ in range(2):
            with pytest.raises(DeliveryFailed):
                await sink.write(events("a"))
        sink.become(BreakerSink(Target()))
        with pytest.raises(BreakerOpen):
            await sink.write(events("a"))
        assert sink.status == "degraded"
        assert sink.machine.policy == Breaker()
        sink.retune(Breaker(open_for=1.0))
        await asyncio.sleep(1.2)
        await sink.write(events("a"))
        assert sink.status == "ok"

    run(main())


def test_a_closed_breaker_sink_refuses_writes_and_what_was_owed() -> None:
    async def main() -> None:
        target = Target(owing("a", error=DOWN))
        sink = BreakerSink(target, failure_threshold=2)
        assert sink.machine.policy == Breaker(failure_threshold=2)
        with pytest.raises(PartialWrite) as caught:
            await sink.write(events("a", "b"))
        await sink.close()
        await sink.close()
        with pytest.raises(SinkClosed, match="breaker"):
            await sink.write(events("a"))
        with pytest.raises(SinkClosed):
            await caught.value.owed[0].write(events("a"))

    run(main())


def test_none_and_a_doubled_policy_are_type_errors() -> None:
    with pytest.raises(TypeError, match="not both: probes"):
        BreakerSink(Target(), TWICE, probes=2)
    with pytest.raises(TypeError):
        run(BreakerSink(Target()).write(None))  # type: ignore[arg-type]


def test_drain_waits_for_the_write_under_way() -> None:
    async def main() -> float:
        sink = BreakerSink(Target(3.0, 1.0))
        writes = [asyncio.create_task(sink.write(events(name))) for name in "ab"]
        await asyncio.sleep(0)
        await sink.drain()
        await asyncio.gather(*writes)
        return asyncio.get_running_loop().time()

    assert run(main()) == 3.0
