"""The contract of sinks has teeth: whoever breaks a promise is told which."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from sinkgraph import DeliveryFailed, Event, PartialWrite, Sink, SinkClosed
from sinkgraph.event import Batch, as_batch
from sinkgraph.sinks import Blackhole
from sinkgraph.sinks.base import Link, Node, owed_count
from sinkgraph.testing import CONTRACT, check_sink_contract, run
from sinkgraph.testing.sink_trial import SinkTrial


class Good:
    """Keeps every promise."""

    def __init__(self) -> None:
        self.closed = False
        self.got: list[Event] = []

    async def write(self, events: Sequence[Event]) -> None:
        if self.closed:
            raise SinkClosed("closed")
        self.got.extend(events)

    async def close(self) -> None:
        self.closed = True


class TakesOnlyLists(Good):
    async def write(self, events: Sequence[Event]) -> None:
        await super().write([events.pop() for _ in range(len(events))])  # type: ignore[attr-defined]


class NeedsAnEvent(Good):
    async def write(self, events: Sequence[Event]) -> None:
        await super().write([events[0], *events[1:]])


class TakesNone(Good):
    async def write(self, events: Sequence[Event]) -> None:
        await super().write(events or [])


class WritesIntoEvents(Good):
    async def write(self, events: Sequence[Event]) -> None:
        for event in events:
            event.data["seen"] = True
        await super().write(events)


class OneAtATime(Good):
    busy = False

    async def write(self, events: Sequence[Event]) -> None:
        assert not self.busy
        self.busy = True
        await asyncio.sleep(0)
        self.busy = False
        await super().write(events)


class KeepsItsLock(Good):
    def __init__(self) -> None:
        super().__init__()
        self.lock = asyncio.Lock()

    async def write(self, events: Sequence[Event]) -> None:
        await self.lock.acquire()
        await asyncio.sleep(0)
        self.lock.release()
        await super().write(events)


class GoodNode(Node):
    """Keeps every promise, and accounts for itself."""

    kind = "good"

    async def write(self, events: Sequence[Event]) -> None:
        self.refuse_if_closed()
        self.ledger.entered += len(events)
        self.ledger.delivered += len(events)


class LosesCount(GoodNode):
    async def write(self, events: Sequence[Event]) -> None:
        self.refuse_if_closed()
        self.ledger.entered += len(events)


class OffersByHalves(GoodNode):
    @property
    def instant(self) -> bool:
        return True

    def offer(self, batch: Batch) -> bool:
        self.ledger.entered += 1
        self.ledger.delivered += 1
        return False


class OffersForEver(GoodNode):
    @property
    def instant(self) -> bool:
        return True

    def offer(self, batch: Batch) -> bool:
        self.ledger.entered += len(batch)
        self.ledger.delivered += len(batch)
        return True


class OfferRaises(GoodNode):
    def __init__(self) -> None:
        super().__init__()
        self.to = Link(Blackhole())

    def links(self) -> Sequence[Link]:
        return (self.to,)

    def offer(self, batch: Batch) -> bool:
        self.to.target.refuse_if_closed()
        return False


class DrainsForEver(GoodNode):
    async def drain(self) -> None:
        await asyncio.Event().wait()


class CannotCloseUnopened(GoodNode):
    opened = False

    async def open(self) -> None:
        self.opened = True

    async def close(self) -> None:
        assert self.opened
        await super().close()


class CannotCloseUnstarted(GoodNode):
    begun = False

    def start(self) -> None:
        self.begun = True

    async def close(self) -> None:
        assert self.begun
        await super().close()


class ClosesOnce(Good):
    async def close(self) -> None:
        assert not self.closed
        await super().close()


class StumblesOverClosers(Good):
    closing = 0

    async def close(self) -> None:
        self.closing += 1
        await asyncio.sleep(0)
        assert self.closing == 1
        self.closing -= 1
        await super().close()


class ReturnsFromCloseAtOnce(Good):
    async def close(self) -> None:
        if not self.closed:
            self.closed = True
            await asyncio.sleep(1)


class TakesAfterClose(Good):
    async def write(self, events: Sequence[Event]) -> None:
        self.got.extend(events)


class SaysSomethingElse(Good):
    async def write(self, events: Sequence[Event]) -> None:
        if self.closed:
            raise RuntimeError("closed")
        await super().write(events)


class LeavesWritersWaiting(GoodNode):
    async def write(self, events: Sequence[Event]) -> None:
        self.refuse_if_closed()
        await asyncio.sleep(0.01)
        if self.closed:
            await asyncio.Event().wait()
        await super().write(events)


class WaitsForWhatIsClosed(GoodNode):
    def __init__(self) -> None:
        super().__init__()
        self.to = Link(Blackhole())

    def links(self) -> Sequence[Link]:
        return (self.to,)

    async def write(self, events: Sequence[Event]) -> None:
        await super().write(events)
        if self.to.target.closed:
            await asyncio.Event().wait()


BROKEN: list[tuple[Callable[[], Any], str]] = [
    (TakesOnlyLists, "takes_a_batch_a_list_and_a_tuple: a write of a batch raised"),
    (NeedsAnEvent, "an_empty_write_is_nothing: a write of no events raised IndexError"),
    (TakesNone, "none_is_a_type_error: write(None) is a TypeError, not None"),
    (WritesIntoEvents, "events_are_not_changed: an event was changed"),
    (OneAtATime, "concurrent_writes_are_legal: twenty writes at once raised"),
    (
        KeepsItsLock,
        "a_cancelled_write_leaves_it_usable: a write after cancelled ones had not ended",
    ),
    (LosesCount, "takes_a_batch_a_list_and_a_tuple: after a write of a batch good does not bal"),
    (OffersByHalves, "an_offer_takes_all_or_nothing: an offer was counted that was not taken"),
    (OffersForEver, "an_offer_never_raises: it took an offer after close"),
    (OfferRaises, "an_offer_never_raises: an offer when what is below is closed raised"),
    (DrainsForEver, "draining_ends: drain before any write had not ended after 5 s"),
    (CannotCloseUnopened, "closing_before_the_start_is_safe: close before the start raised"),
    (CannotCloseUnstarted, "a_life_without_a_write_is_uneventful: "),
    (ClosesOnce, "closing_again_does_nothing: a second close raised"),
    (StumblesOverClosers, "a_hundred_may_close_at_once: a hundred closes raised"),
    (
        TakesAfterClose,
        "writes_after_close_raise_sink_closed: a write after close raises SinkClosed",
    ),
    (ReturnsFromCloseAtOnce, "no_close_returns_before_it_is_closed: a second close returned while"),
    (SaysSomethingElse, "it raised RuntimeError('closed')"),
    (LeavesWritersWaiting, "a_write_under_way_ends_with_close: a write under way at close had not"),
    (WaitsForWhatIsClosed, "a_write_ends_when_what_is_below_is_closed: a write when what is below"),
]


@pytest.mark.parametrize(("sink", "told"), BROKEN, ids=[one.__name__ for one, _ in BROKEN])
def test_a_broken_promise_is_told(sink: Callable[[], Any], told: str) -> None:
    with pytest.raises(AssertionError) as raised:
        run(check_sink_contract(sink, limit_s=5.0))
    assert told in str(raised.value)


class Passing(GoodNode):
    """Passes everything on."""

    def __init__(self, to: Sink) -> None:
        super().__init__()
        self.to = Link(to)

    def links(self) -> Sequence[Link]:
        return (self.to,)

    async def write(self, events: Sequence[Event]) -> None:
        self.refuse_if_closed()
        n = len(as_batch(events))
        ledger = self.ledger
        ledger.entered += n
        ledger.held += n
        owed = n
        try:
            await self.pass_on(events)
            owed = 0
        except BaseException as error:
            owed = owed_count(error, n)
            raise
        finally:
            ledger.held -= n
            ledger.returned += owed
            ledger.delivered += n - owed

    async def pass_on(self, events: Sequence[Event]) -> None:
        if len(events):
            await self.to.write(events)


class WritesTwice(Passing):
    async def pass_on(self, events: Sequence[Event]) -> None:
        await super().pass_on(events)
        await super().pass_on(events[:1])


class ClosesItsTarget(Passing):
    async def close(self) -> None:
        await super().close()
        await self.to.target.close()


class TearsAWrite(Passing):
    async def pass_on(self, events: Sequence[Event]) -> None:
        try:
            await super().pass_on(events)
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            await super().pass_on(events)
            raise


class HoldsItsWriter(Passing):
    async def pass_on(self, events: Sequence[Event]) -> None:
        work = asyncio.ensure_future(super().pass_on(events))
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            await asyncio.wait([work])
            raise


class StopsAtAFailure(Passing):
    failed = False

    async def pass_on(self, events: Sequence[Event]) -> None:
        if self.failed:
            raise DeliveryFailed("it failed before")
        try:
            await super().pass_on(events)
        except Exception:
            self.failed = True
            raise


class WritesAllAgain(Passing):
    async def pass_on(self, events: Sequence[Event]) -> None:
        try:
            await super().pass_on(events)
        except PartialWrite:
            await super().pass_on(events)


BROKEN_WRAPPING: list[tuple[Callable[[Sink], Sink], str]] = [
    (WritesTwice, "what_comes_in_comes_out_once: of 45 events 0 did not come out, and 22 came"),
    (ClosesItsTarget, "closing_it_leaves_its_target_open: closing it has closed its target"),
    (TearsAWrite, "a_cancelled_write_is_taken_once_or_not_at_all: an event whose write was canc"),
    (HoldsItsWriter, "a_stalled_target_does_not_hold_a_cancelled_writer: a cancelled write had"),
    (StopsAtAFailure, "whatever_its_target_raises_touches_only_those_events: after the target r"),
    (WritesAllAgain, "only_what_is_owed_is_written_again: of 5 events 0 did not come out, and 3"),
]


@pytest.mark.parametrize(
    ("sink", "told"), BROKEN_WRAPPING, ids=[one.__name__ for one, _ in BROKEN_WRAPPING]
)
def test_a_broken_promise_to_a_target_is_told(sink: Callable[[Sink], Sink], told: str) -> None:
    with pytest.raises(AssertionError) as raised:
        run(check_sink_contract(sink, wraps=True, limit_s=5.0))
    assert told in str(raised.value)


def test_who_passes_everything_on_passes() -> None:
    run(check_sink_contract(Passing, wraps=True, instant=False))


class LeavesATask(GoodNode):
    def start(self) -> None:
        self.task = asyncio.ensure_future(asyncio.sleep(3600))


def test_a_task_that_is_left_is_told() -> None:
    with pytest.raises(AssertionError, match="5 s after the close there are tasks of it: Task-"):
        run(check_sink_contract(LeavesATask, limit_s=5.0))


def test_every_promise_is_broken_by_somebody() -> None:
    told = {text.partition(":")[0] for _, text in [*BROKEN, *BROKEN_WRAPPING]}
    assert {promise.__name__ for promise in CONTRACT} <= told


@pytest.mark.parametrize("sink", [Good, GoodNode])
def test_who_keeps_every_promise_passes(sink: Callable[[], Any]) -> None:
    run(check_sink_contract(sink, instant=False))


def test_an_idle_sink_answers_an_offer_as_it_is_said() -> None:
    with pytest.raises(AssertionError, match="it answered True to an offer when it was idle"):
        run(check_sink_contract(Blackhole, instant=False))


def test_events_of_ones_own_can_be_given() -> None:
    made: list[int] = []

    def make(n: int) -> Event:
        made.append(n)
        return Event(id=f"own-{n}", data="text")

    async def story() -> None:
        await check_sink_contract(Good, make_event=make)
        assert made == sorted(set(made))
        assert len(SinkTrial(Good, make).events(3)) == 3

    run(story())
