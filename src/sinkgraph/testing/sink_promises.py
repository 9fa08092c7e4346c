"""The promises every sink keeps, each a function that raises AssertionError when it is broken.

A promise is tried on a sink that nothing else uses, mostly one that a graph runs. What a sink does
with its events is not asked here: that is for its own tests.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, ClassVar

from sinkgraph.errors import SinkClosed, SinkgraphError, StartFailed
from sinkgraph.event import Batch, Event
from sinkgraph.runtime.run import run
from sinkgraph.sinks.base import Sink, Terminal
from sinkgraph.sinks.broadcast import Broadcast
from sinkgraph.testing.sink_trial import HostedSink, SinkTrial, ended, together

__all__ = ["SINK_PROMISES", "SinkPromise"]

_FORMS: tuple[Callable[[list[Event]], Sequence[Event]], ...] = (Batch.of, list, tuple)


# what may be written


async def takes_a_batch_a_list_and_a_tuple(trial: SinkTrial) -> None:
    """Take events in any sequence."""
    async with trial.hosted() as on:
        for door in on.doors:
            for form in _FORMS:
                events = form(trial.events(3))
                await on.call(door.write(events), f"a write of a {type(events).__name__.lower()}")


async def an_empty_write_is_nothing(trial: SinkTrial) -> None:
    """Return from a write of no events, and count nothing."""
    async with trial.hosted() as on:
        before = on.accounts()
        for door in on.doors:
            for form in _FORMS:
                await on.call(door.write(form([])), "a write of no events")
        assert on.accounts() == before, "a write of no events was counted"


async def none_is_a_type_error(trial: SinkTrial) -> None:
    """Refuse None with a TypeError, count nothing, and go on."""
    nothing: Any = None
    async with trial.hosted() as on:
        before = on.accounts()
        for door in on.doors:
            error = await _raised(door.write(nothing), trial.limit_s, "write(None)")
            assert isinstance(error, TypeError), f"write(None) is a TypeError, not {error!r}"
        assert on.accounts() == before, "a write of None was counted"
        await on.write(1, "a write after one of None")


async def events_are_not_changed(trial: SinkTrial) -> None:
    """Leave the events and the sequence they came in as they were."""
    async with trial.hosted() as on:
        given = trial.events(3)
        same, before = list(given), [_shown(event) for event in given]
        await on.call(on.sink.write(given), "a write of a list")
        await on.call(on.node.drain(), "drain")
        assert given == same, "the list that was written has changed"
        for event, shown in zip(given, before, strict=True):
            assert _shown(event) == shown, f"an event was changed: {shown} is {_shown(event)}"


def _shown(event: Event) -> tuple[Any, ...]:
    own = (event.id, event.type, event.source, event.time)
    return (*own, copy.deepcopy(event.data), dict(event.meta))


# several writers


async def concurrent_writes_are_legal(trial: SinkTrial) -> None:
    """Take the writes of twenty writers at once."""
    async with trial.hosted() as on:
        writes = [on.node.write(Batch.of(trial.events(1 + k % 3))) for k in range(20)]
        await on.call(together(writes), "twenty writes at once")
        await on.call(on.node.drain(), "drain after twenty writes")


async def a_cancelled_write_leaves_it_usable(trial: SinkTrial) -> None:
    """Survive the cancellation of a write wherever it stands."""
    async with trial.hosted() as on:
        for ticks in range(12):
            write = asyncio.ensure_future(on.node.write(Batch.of(trial.events(2))))
            for _ in range(ticks):
                await asyncio.sleep(0)
            what = f"a write that was cancelled after {ticks} ticks"
            write.cancel()
            done, _ = await asyncio.wait([write], timeout=trial.limit_s)
            assert done, f"{what} had not ended after {trial.limit_s:g} s"
            error = None if write.cancelled() else write.exception()
            assert error is None, f"{what} raised {error!r}"
            on.balance(what)
        await on.write(2, "a write after cancelled ones")
        await on.call(on.node.drain(), "drain after cancelled writes")


# the synchronous half


async def an_offer_takes_all_or_nothing(trial: SinkTrial) -> None:
    """Answer an offer at once: True and all of it is taken, False and nothing is."""
    async with trial.hosted() as on:
        before, was = on.accounts(), on.node.account()
        took = _offered(on, 3, "an offer")
        assert on.node.instant or not took, "it took an offer and says that it is not instant"
        if trial.instant is not None:
            assert took is trial.instant, f"it answered {took} to an offer when it was idle"
        on.balance("an offer")
        if took:
            came = on.node.account().entered - was.entered
            assert came % 3 == 0, f"{came} of the 3 events of an offer were taken"
        else:
            assert on.accounts() == before, "an offer was counted that was not taken"
        await on.call(on.node.drain(), "drain after an offer")
        await on.write(2, "a write after an offer")


async def an_offer_never_raises(trial: SinkTrial) -> None:
    """Answer an offer also when what is below, or the sink itself, is closed."""
    async with trial.hosted() as on:
        await _close_below(on)
        _offered(on, 2, "an offer when what is below is closed")
        on.balance("an offer when what is below is closed")
        await on.call(on.node.close(), "close")
        took = _offered(on, 2, "an offer after close")
        assert not took, "it took an offer after close"
        on.balance("an offer after close")


def _offered(on: HostedSink, n: int, what: str) -> bool:
    try:
        took = on.node.offer(Batch.of(on.trial.events(n)))
    except BaseException as error:
        raise AssertionError(f"{what} raised {error!r}") from error
    assert took is True or took is False, f"{what} was answered with {took!r}"
    return took


async def _close_below(on: HostedSink) -> None:
    for link in on.node.links():
        if link.port != "dead_letter":
            await on.call(link.target.close(), f"closing {link.target.name}")


# its life


async def draining_ends(trial: SinkTrial) -> None:
    """Return from drain, idle or not."""
    async with trial.hosted() as on:
        await on.call(on.node.drain(), "drain before any write")
        await on.write(5)
        await on.call(on.node.drain(), "drain")
        assert await ended(on.live.drain(trial.limit_s), 2 * trial.limit_s, "draining the graph"), (
            f"the graph was not drained after {trial.limit_s:g} s"
        )


async def a_life_without_a_write_is_uneventful(trial: SinkTrial) -> None:
    """Start and close with nothing between; and close when the start fails elsewhere."""
    async with trial.hosted() as on:
        on.balance("the start")
    async with trial.made() as sink:
        both = run(Broadcast([sink, _Unopenable()]), **trial.options)
        try:
            await ended(both.__aenter__(), trial.limit_s, "a start that fails elsewhere")
        except AssertionError as error:
            failed = error.__cause__
            if not isinstance(failed, StartFailed):
                raise
            assert len(failed.reasons) == 1, f"it adds reasons of its own: {failed.reasons}"
        await _refuses(sink, trial, "a start that failed")


class _Unopenable(Terminal):
    kind: ClassVar[str] = "unopenable"

    async def open(self) -> None:
        raise OSError("this sink never opens")


async def closing_before_the_start_is_safe(trial: SinkTrial) -> None:
    """Close, twice, a sink that no graph runs."""
    async with trial.made() as sink:
        for _ in range(2):
            await ended(sink.close(), trial.limit_s, "close before the start")
        await _refuses(sink, trial, "close before the start")


async def closing_again_does_nothing(trial: SinkTrial) -> None:
    """Close as often as it is asked to."""
    async with trial.hosted() as on:
        await on.write(2)
        await on.call(on.node.drain(), "drain")
        for door in on.doors:
            for which in ("close", "a second close"):
                await on.call(door.close(), which)


async def a_hundred_may_close_at_once(trial: SinkTrial) -> None:
    """Return from every one of a hundred calls of close, with writes under way."""
    async with trial.hosted() as on:
        writes = _begin_writes(on, 5)
        await asyncio.sleep(0)
        for door in on.doors:
            await on.call(together(door.close() for _ in range(100)), "a hundred closes")
        await _settled(on, writes, "a write under way when a hundred closed it")


async def no_close_returns_before_it_is_closed(trial: SinkTrial) -> None:
    """Let a second close wait for the first, with writes under way."""
    for which in (0, -1):  # the sink itself, and what stands for it in the graph
        async with trial.hosted() as on:
            writes = _begin_writes(on, 5)
            await asyncio.sleep(0)
            first = asyncio.ensure_future(on.doors[which].close())
            await asyncio.sleep(0)
            await on.call(on.doors[which].close(), "a second close")
            for _ in range(5):
                await asyncio.sleep(0)
            early = not first.done()
            await on.call(first, "close")
            assert not early, "a second close returned while the first was still closing"
            await on.call(on.node.close(), "close")
            await _settled(on, writes, "a write under way when it was closed twice")


async def writes_after_close_raise_sink_closed(trial: SinkTrial) -> None:
    """Say SinkClosed to every write after close, however it comes."""
    async with trial.hosted() as on:
        await on.write(2)
        for door in on.doors:
            await on.call(door.close(), "close")
            await _refuses(door, trial, "close")
            on.balance("a write after close")


async def a_write_under_way_ends_with_close(trial: SinkTrial) -> None:
    """Let no writer wait for a sink that was closed: each returns, or is told."""
    async with trial.hosted() as on:
        writes = _begin_writes(on, 10)
        await asyncio.sleep(0)
        await on.call(on.node.close(), "close with writes under way")
        await _settled(on, writes, "a write under way at close")


async def a_write_ends_when_what_is_below_is_closed(trial: SinkTrial) -> None:
    """Return from a write, or tell the writer, when no target takes anything any more."""
    async with trial.hosted() as on:
        await _close_below(on)
        await _settled(on, _begin_writes(on, 3), "a write when what is below is closed")


def _begin_writes(on: HostedSink, n: int) -> list[asyncio.Future[None]]:
    trial = on.trial
    return [asyncio.ensure_future(on.node.write(Batch.of(trial.events(2)))) for _ in range(n)]


async def _settled(on: HostedSink, writes: Iterable[asyncio.Future[None]], what: str) -> None:
    """Hold writes to end by returning, or with an error their writer can act on."""
    _, late = await asyncio.wait(list(writes), timeout=on.trial.limit_s)
    for write in late:
        write.cancel()
    assert not late, f"{what} had not ended after {on.trial.limit_s:g} s"
    for write in writes:
        error = None if write.cancelled() else write.exception()
        assert not write.cancelled(), f"{what} was cancelled, and not by its writer"
        assert error is None or isinstance(error, SinkgraphError), f"{what} raised {error!r}"
    on.balance(what)


async def _refuses(sink: Sink, trial: SinkTrial, after: str) -> None:
    for form in _FORMS:
        work = sink.write(form(trial.events(2)))
        error = await _raised(work, trial.limit_s, f"a write after {after}")
        assert isinstance(error, SinkClosed), f"a write after {after} raises SinkClosed; it " + (
            "returned" if error is None else f"raised {error!r}"
        )


async def _raised(work: Awaitable[None], limit_s: float, what: str) -> BaseException | None:
    """Return what `work` raises, or None when it returns."""
    task = asyncio.ensure_future(work)
    done, _ = await asyncio.wait([task], timeout=limit_s)
    if not done:
        task.cancel()
        raise AssertionError(f"{what} had not ended after {limit_s:g} s")
    return asyncio.CancelledError() if task.cancelled() else task.exception()


SinkPromise = Callable[[SinkTrial], Awaitable[None]]

SINK_PROMISES: tuple[SinkPromise, ...] = (
    takes_a_batch_a_list_and_a_tuple,
    an_empty_write_is_nothing,
    none_is_a_type_error,
    events_are_not_changed,
    concurrent_writes_are_legal,
    a_cancelled_write_leaves_it_usable,
    an_offer_takes_all_or_nothing,
    an_offer_never_raises,
    draining_ends,
    a_life_without_a_write_is_uneventful,
    closing_before_the_start_is_safe,
    closing_again_does_nothing,
    a_hundred_may_close_at_once,
    no_close_returns_before_it_is_closed,
    writes_after_close_raise_sink_closed,
    a_write_under_way_ends_with_close,
    a_write_ends_when_what_is_below_is_closed,
)
"""Every promise of a sink, from what may be written to how it ends."""
