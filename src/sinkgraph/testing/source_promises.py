"""The promises every source keeps, each a function that raises AssertionError when it is broken.

A source is run into a sink that takes, holds or refuses what comes. What its events are, and where
they come from, is for its own tests.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

from sinkgraph.testing.sink_trial import ended, together
from sinkgraph.testing.source_trial import FED, Gauge, SourceTrial

__all__ = ["SOURCE_PROMISES", "SourcePromise"]

_MOST_UNTAKEN = 1_000


# what it gives


async def its_events_are_sound(trial: SourceTrial) -> None:
    """Give events: each with a payload and an id of its own."""
    gauge = Gauge()
    async with trial.hosted(gauge) as on:
        on.give()
        await on.until(lambda: bool(gauge.events), "the first event")
        told = await on.told()
        assert told in (None, FED), f"of {FED} events it was given it took {told}"
        await on.settle()
        events = gauge.events
    ids = {event.id for event in events}
    assert "" not in ids, "an event has no id"
    assert len(ids) == len(events), "two events have the same id"
    assert all(event.payload is not None for event in events), "an event has no payload"


async def returned_events_are_not_lost(trial: SourceTrial) -> None:
    """Give again what the target refused, or tell the giver."""
    whole = await trial.everything()
    gauge = Gauge(errors=("full", "failed", "partly", "full"))
    async with trial.hosted(gauge) as on:
        on.give()
        told = await on.told()
        if told is not None:
            assert told < FED, "the giver was told that refused events were taken"
            assert told <= len(gauge.events), f"{told} are said to be taken, and fewer arrived"
        else:
            await on.until(lambda: not gauge.errors or on.task.done(), "the last refusal")
            await on.settle()
            lost = _difference(whole, on.payloads)
            assert not lost, f"{len(lost)} of {len(whole)} events were lost when they were refused"
            again = _difference(on.payloads, whole)
            assert not again, f"{len(again)} events came twice though none was kept"
        on.balance("refusals")


async def its_position_moves_after_acceptance(trial: SourceTrial) -> None:
    """Tell a position from which exactly what was not accepted is read again."""
    whole = await trial.everything()
    for room in (0, 1, 2):
        gauge = Gauge(room)
        async with trial.hosted(gauge) as on:
            on.give()
            await on.until(lambda: gauge.held > 0 or on.task.done(), "a write")  # noqa: B023
            position, taken = on.node.position, on.payloads
            on.task.cancel()
        if position is None or trial.feed is not None:
            return  # it has no place: what is not taken stays with its giver
        rest = await trial.everything(position)
        lost = _difference(whole, taken + rest)
        assert not lost, f"{len(lost)} events were lost by a stop after {room} writes"
        again = _difference(taken + rest, whole)
        assert not again, f"{len(again)} accepted events were read again after {room} writes"


def _difference(one: list[bytes], other: list[bytes]) -> list[bytes]:
    """Return what is in one list and not, or not as often, in the other."""
    return list((Counter(one) - Counter(other)).elements())


# how it waits


async def backpressure_stops_reading(trial: SourceTrial) -> None:
    """Read no further while the target does not take what was read."""
    gauge = Gauge(0)
    async with trial.hosted(gauge) as on:
        on.give()
        await on.until(lambda: gauge.held > 0, "a write")
        await on.settle()
        before = on.node.account()
        await on.settle()
        after = on.node.account()
        assert after.entered == before.entered, "it reads on while its target takes nothing"
        assert after.entered <= _MOST_UNTAKEN, f"it read {after.entered} events ahead"
        assert after.delivered == 0, "it counts as delivered what was not taken"
        on.balance("a stall")
        gauge.open_up()
        await on.told()
        await on.settle()
        assert gauge.events, "nothing came after the stall"
        on.balance("the end of a stall")


# how it ends


async def it_ends_when_it_is_stopped(trial: SourceTrial) -> None:
    """Return from run soon after stop, which may be called twice."""
    async with trial.hosted(Gauge()) as on:
        on.give()
        await on.until(lambda: bool(on.gauge.events), "the first event")
        await on.told()
        on.node.stop()
        await on.stopped()
        on.balance("stop")
    async with trial.hosted(Gauge()) as on:
        await on.stopped("a stop before its first step")
        on.balance("a stop before its first step")


async def it_ends_when_its_target_is_closed(trial: SourceTrial) -> None:
    """Return from run, or tell every giver, when the target takes nothing any more."""
    gauge = Gauge(errors=("closed",))
    async with trial.hosted(gauge) as on:
        on.give()
        told = await on.told()
        if told is not None:
            assert told == 0, f"{told} events are said to be taken by a closed target"
            await on.stopped()
        else:
            await ended(on.task, trial.limit_s, "run into a closed target")
        assert on.node.account().delivered == 0, "it counts as delivered what nobody took"
        on.balance("a closed target")


async def a_cancelled_run_owns_nothing(trial: SourceTrial) -> None:
    """Count as returned what was not accepted when the run was cancelled."""
    gauge = Gauge(0)
    async with trial.hosted(gauge) as on:
        on.give()
        await on.until(lambda: gauge.held > 0, "a write")
        on.task.cancel()
        done, _ = await asyncio.wait([on.task], timeout=trial.limit_s)
        assert done, f"a cancelled run had not ended after {trial.limit_s:g} s"
        on.balance("a cancelled run")
        if trial.feed is None:
            ledger = on.node.account()
            assert ledger.pending == 0, f"{ledger.pending} events belong to a run that has ended"
            assert ledger.returned == ledger.entered, "it forgot what was not accepted"


async def closing_a_source_is_safe_at_any_time(trial: SourceTrial) -> None:
    """Close as often as it is asked to: before the start, a hundred at once, after the end."""
    async with trial.made() as node:
        for _ in range(2):
            await ended(node.close(), trial.limit_s, "close before the start")
    async with trial.hosted(Gauge()) as on:
        await on.stopped()
        every = together(on.node.close() for _ in range(100))
        await ended(every, trial.limit_s, "a hundred closes")
        on.node.stop()
        on.balance("a hundred closes")


SourcePromise = Callable[[SourceTrial], Awaitable[None]]

SOURCE_PROMISES: tuple[SourcePromise, ...] = (
    its_events_are_sound,
    returned_events_are_not_lost,
    its_position_moves_after_acceptance,
    backpressure_stops_reading,
    it_ends_when_it_is_stopped,
    it_ends_when_its_target_is_closed,
    a_cancelled_run_owns_nothing,
    closing_a_source_is_safe_at_any_time,
)
"""Every promise of a source, from what it gives to how it ends."""
