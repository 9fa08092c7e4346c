"""The fallback: the first target that accepts, only what is owed goes on, errors together."""

from __future__ import annotations

import asyncio
from typing import Any

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
from sinkgraph.event import Batch
from sinkgraph.simulation.loop import run
from sinkgraph.sinks.breaker_sink import BreakerSink
from sinkgraph.sinks.fallback import Fallback, combined
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


@pytest.mark.parametrize(
    "error",
    [DOWN, TimeoutError(), OSError("reset"), SinkClosed("closed"), Overloaded(), KeyError()],
)
def test_the_next_target_gets_what_the_first_cannot_take(error: Exception) -> None:
    async def main() -> None:
        first, second, third = Target(error), Target(), Target()
        sink = Fallback([first, second, third])
        await sink.write(events("a", "b"))
        await sink.write(events("c"))
        assert (first.taken, second.taken, third.writes) == (["c"], ["a", "b"], [])
        assert sink.facts()["failovers"] == 1
        balanced(sink, first, second)

    run(main())


def test_an_open_breaker_is_skipped_at_once() -> None:
    async def main() -> None:
        rig, first, second = Rig(), Target([1.0, DOWN], name="first"), Target(name="second")
        sink = Fallback([BreakerSink(first, failure_threshold=1, jitter=0.0), second])
        rig.bind(sink)
        await sink.write(events("a"))
        assert rig.clock.now() == 1.0
        await sink.write(events("b"))
        assert (rig.clock.now(), first.writes) == (1.0, [["a"]])
        await asyncio.sleep(5.0)
        await sink.write(events("c"))
        assert (first.taken, second.taken) == (["c"], ["a", "b"])
        balanced(sink, first, second)

    run(main())


def test_only_what_is_owed_goes_on_once_and_as_it_came() -> None:
    async def main() -> None:
        changed = Batch.of([event("b", "changed below")])
        twice = PartialWrite(
            [Owed(batch_refused, changed, DOWN), Owed(batch_refused, changed, OSError("reset"))]
        )
        first, second = Target(twice), Target()
        sink = Fallback([first, second])
        batch = events("a", "b", "c")
        await sink.write(batch)
        assert (first.taken, second.writes) == (["a", "c"], [["b"]])
        assert sink.account().delivered == 3
        balanced(sink, first, second)

    run(main())


def test_a_rejected_event_is_not_failed_over() -> None:
    async def main() -> None:
        first, second = Target(Rejected("bad")), Target()
        sink = Fallback([first, second])
        with pytest.raises(Rejected, match="bad"):
            await sink.write(events("a"))
        assert second.writes == []
        balanced(sink, first)

    run(main())


def test_of_a_partial_write_the_rejected_part_stays_owed_and_the_rest_goes_on() -> None:
    async def main() -> None:
        bad = Rejected("bad")
        batch = events("a", "b", "c")
        partial = PartialWrite(
            [Owed(batch_refused, batch[:1], bad), Owed(batch_refused, batch[1:2], DOWN)]
        )
        first, second = Target(partial), Target()
        sink = Fallback([first, second])
        with pytest.raises(PartialWrite) as caught:
            await sink.write(batch)
        (part,) = caught.value.owed
        assert ([one.id for one in part.events], part.error) == (["a"], bad)
        assert (first.taken, second.taken) == (["c"], ["b"])
        assert sink.account().returned == 1
        balanced(sink, first, second)

    run(main())


def test_when_every_target_fails_all_is_said_and_the_next_write_begins_anew() -> None:
    async def main() -> None:
        first, second = Target(DOWN), Target(DeliveryFailed("busy", retry_after_s=7.0))
        sink = Fallback([first, second])
        sink.name = "hooks"
        with pytest.raises(
            DeliveryFailed, match=r"^fallback hooks: no target accepted: down; busy$"
        ) as caught:
            await sink.write(events("a"))
        assert caught.value.retry_after_s == 7.0
        await sink.write(events("a"))
        assert first.taken == ["a"]
        balanced(sink, first, second)

    run(main())


def test_what_no_target_took_is_owed_through_the_fallback() -> None:
    async def main() -> None:
        first = Target(owing("b", "c", error=DOWN), DOWN)
        second = Target(owing("c", error=DOWN))
        sink = Fallback([first, second])
        with pytest.raises(PartialWrite) as caught:
            await sink.write(events("a", "b", "c"))
        (part,) = caught.value.owed
        assert [one.id for one in part.events] == ["c"]
        await part.write(part.events)
        assert (first.taken, second.taken) == (["a"], ["b", "c"])
        balanced(sink, first, second)

    run(main())


def test_cancellation_is_not_failed_over() -> None:
    async def main() -> None:
        first, second = Target(9.0), Target()
        sink = Fallback([first, second])
        task = asyncio.create_task(sink.write(events("a")))
        await asyncio.sleep(1.0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (first.cancelled, second.writes) == (1, [])
        balanced(sink, first)

    run(main())


@pytest.mark.parametrize(
    ("errors", "kind", "retry_after_s"),
    [
        ([SinkClosed("x"), SinkClosed("y")], SinkClosed, None),
        ([SinkClosed("x"), DOWN], DeliveryFailed, None),
        ([BreakerOpen(retry_after_s=9.0), BreakerOpen(retry_after_s=4.0)], BreakerOpen, 4.0),
        ([Overloaded(retry_after_s=1.0), Overloaded()], Overloaded, 1.0),
        (
            [DeliveryFailed(retry_after_s=3.0), OSError(), DeliveryFailed(retry_after_s=8.0)],
            DeliveryFailed,
            8.0,
        ),
        (
            [BreakerOpen(retry_after_s=300.0), DeliveryFailed(retry_after_s=2.0)],
            DeliveryFailed,
            2.0,
        ),
    ],
)
def test_errors_together_say_what_the_writer_can_do(
    errors: list[Exception], kind: type[Exception], retry_after_s: float | None
) -> None:
    error: Any = combined("fallback x", errors)
    assert type(error) is kind
    assert getattr(error, "retry_after_s", None) == retry_after_s


def test_errors_together_are_unsent_only_if_all_are() -> None:
    sent, unsent = DeliveryFailed("s"), DeliveryFailed("u", unsent=True, counts=False)
    for errors, expected in (([sent, unsent], (False, True)), ([unsent, unsent], (True, False))):
        error = combined("f", errors)
        assert isinstance(error, DeliveryFailed)
        assert (error.unsent, error.counts) == expected


def test_it_offers_to_the_first_target_only() -> None:
    first, second = InstantTarget(), InstantTarget()
    sink = Fallback([first, second])
    assert sink.instant
    assert sink.offer(events("a"))
    first.ready = False
    assert not sink.offer(events("b"))
    assert second.taken == []
    balanced(sink, first)


def test_no_targets_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one target"):
        Fallback([])
