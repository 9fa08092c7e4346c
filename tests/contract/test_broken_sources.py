"""The contract of sources has teeth: whoever breaks a promise is told which."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from sinkgraph import Event, SinkClosed, SinkgraphError
from sinkgraph.sinks.base import Link
from sinkgraph.sources.inlet import Inlet
from sinkgraph.testing import SOURCE_CONTRACT, RecordingSink, check_source_contract, run


class Good:
    """Counts to six, and keeps every promise."""

    def __init__(self) -> None:
        self.position = 0

    async def run(self, out: Link, position: Any) -> None:
        self.position = position or 0
        while self.position < 6:
            await self.give(out, self.position)
            self.position += 1

    async def give(self, out: Link, n: int) -> None:
        while True:
            try:
                await out.write([self.event(n)])
                return
            except SinkClosed:
                raise
            except SinkgraphError:
                await asyncio.sleep(1)

    def event(self, n: int) -> Event:
        return Event(id=f"good-{n}", data={"n": n})


class RepeatsIds(Good):
    def event(self, n: int) -> Event:
        return Event(id="same", data={"n": n})


class GivesUp(Good):
    async def give(self, out: Link, n: int) -> None:
        try:
            await out.write([self.event(n)])
        except SinkClosed:
            raise
        except SinkgraphError:
            pass


class MovesOnFirst(Good):
    async def give(self, out: Link, n: int) -> None:
        self.position += 1
        try:
            await super().give(out, n)
        finally:
            self.position -= 1


class ReadsAhead(Good):
    """Begins a write for every event at once."""

    async def run(self, out: Link, position: Any) -> None:
        self.position = position or 0
        writes = []
        try:
            for n in range(self.position, 6):
                writes.append(asyncio.ensure_future(self.give(out, n)))
                await asyncio.sleep(5)
            for write in writes:
                await write
                self.position += 1
        finally:
            for write in writes:
                write.cancel()
            await asyncio.gather(*writes, return_exceptions=True)


class DoesNotStop(Good):
    async def run(self, out: Link, position: Any) -> None:
        await super().run(out, position)
        for _ in range(100):
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError:
                pass


class InsistsOnAClosedTarget(Good):
    async def give(self, out: Link, n: int) -> None:
        while True:
            try:
                await super().give(out, n)
                return
            except SinkClosed:
                await asyncio.sleep(1)


class TellsWhatIsNotTrue(Inlet):
    """Says that it counts, and does not count what was cancelled."""

    async def pump(self) -> None:
        self.ledger.entered += 6
        self.ledger.held += 6
        for n in range(6):
            await self.to.write([Event(id=f"n-{n}", data=n)])
            self.ledger.delivered += 1
            self.ledger.held -= 1


class CannotBeClosedTwice(Inlet):
    async def pump(self) -> None:
        for n in range(6):
            await self.deliver(self.stamp([n]))

    async def close(self) -> None:
        assert not self.closed
        await super().close()


BROKEN: list[tuple[Callable[[], Any], str]] = [
    (RepeatsIds, "its_events_are_sound: two events have the same id"),
    (GivesUp, "returned_events_are_not_lost: 4 of 6 events were lost when they were refused"),
    (MovesOnFirst, "its_position_moves_after_acceptance: 1 events were lost by a stop after 0"),
    (ReadsAhead, "backpressure_stops_reading: it reads on while its target takes nothing"),
    (DoesNotStop, "it_ends_when_it_is_stopped: run after stop had not ended after 50 s"),
    (InsistsOnAClosedTarget, "it_ends_when_its_target_is_closed: run into a closed target had"),
    (
        lambda: TellsWhatIsNotTrue(RecordingSink()),
        "a_cancelled_run_owns_nothing: 6 events belong to a run that has ended",
    ),
    (
        lambda: CannotBeClosedTwice(RecordingSink()),
        "closing_a_source_is_safe_at_any_time: close before the start raised",
    ),
]


@pytest.mark.parametrize(
    ("source", "told"), BROKEN, ids=[told.partition(":")[0] for _, told in BROKEN]
)
def test_a_broken_promise_is_told(source: Callable[[], Any], told: str) -> None:
    with pytest.raises(AssertionError) as raised:
        run(check_source_contract(source, limit_s=50.0))
    assert told in str(raised.value)


def test_every_promise_is_broken_by_somebody() -> None:
    told = {text.partition(":")[0] for _, text in BROKEN}
    assert told == {promise.__name__ for promise in SOURCE_CONTRACT}


def test_who_keeps_every_promise_passes() -> None:
    run(check_source_contract(Good))


def test_a_source_that_says_taken_of_what_was_refused_is_told() -> None:
    class Flatters(Inlet):
        async def pump(self) -> None:
            await self._stop.wait()

    async def feed(source: Flatters, n: int) -> int:
        for k in range(n):
            try:
                await source.write([Event(id=f"f-{k}", data=k)])
            except SinkgraphError:
                pass
        return n

    with pytest.raises(AssertionError, match="told that refused events were taken"):
        run(check_source_contract(lambda: Flatters(RecordingSink()), feed=feed))


def test_a_source_that_gives_nothing_is_told() -> None:
    class Silent(Good):
        async def run(self, out: Link, position: Any) -> None:
            """Give nothing."""

    with pytest.raises(AssertionError, match="run ended, and the first event had not come"):
        run(check_source_contract(Silent))
