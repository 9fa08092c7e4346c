"""Proves how long a retry waits, when it gives up, and what it tells of what it gave up on."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sinkgraph.errors import BreakerOpen, DeliveryFailed, Overloaded, PartialWrite, Rejected
from sinkgraph.event import Event
from sinkgraph.runtime.live import Live
from sinkgraph.sinks.backoff import ConstantBackoff, ExponentialBackoff
from sinkgraph.sinks.breaker_policy import Breaker
from sinkgraph.sinks.breaker_sink import BreakerSink
from sinkgraph.sinks.broadcast import Broadcast
from sinkgraph.sinks.queue import Queue
from sinkgraph.sinks.retry import Retry
from sinkgraph.testing import FlakySink, Outcome, RecordingSink, StalledSink, refusing
from tests.support.virtual import start, virtual

STEADY = Breaker(failure_threshold=2, open_for=10.0, jitter=0, reopen_factor=1)


class Timed(FlakySink):
    """Is a flaky sink that knows when it was asked."""

    def __init__(self, script: Any = (), *, then: Outcome = None) -> None:
        super().__init__(script, then=then)
        self.times: list[float] = []

    async def deliver(self, batch: Any) -> None:
        self.times.append(asyncio.get_running_loop().time())
        await super().deliver(batch)


def dead(live: Live) -> list[Event]:
    return list(live.nodes["dead-letters"].events)  # type: ignore[attr-defined]


def kinds(live: Live) -> list[str]:
    return [entry.kind for entry in live.topology.journal.entries]


@virtual
async def test_it_waits_longer_after_every_failure() -> None:
    sink = Timed(4)
    backoff = ExponentialBackoff(base=1.0, factor=2.0, cap=5.0, jitter="none")
    async with start(Retry(sink, backoff)) as live:
        await live.write({"n": 0})
        assert live.snapshot()["retry"].facts["attempts"] == 5
        assert live.snapshot()["retry"].status == "ok"
    assert sink.times == pytest.approx([0, 1, 3, 7, 12])


@virtual
async def test_without_a_policy_the_waits_grow_and_differ() -> None:
    sink = Timed(8)
    async with start(Retry(sink)) as live:
        await live.write({"n": 0})
    waits = [after - before for before, after in zip(sink.times, sink.times[1:], strict=False)]
    assert all(0 < wait <= min(30, 2**k) for k, wait in enumerate(waits))
    assert len(set(waits)) == len(waits)


@virtual
async def test_it_waits_as_long_as_the_endpoint_asks_and_a_little_more() -> None:
    sink = Timed([DeliveryFailed("busy", retry_after_s=7.0), DeliveryFailed(retry_after_s=0.0)])
    async with start(Retry(sink, ConstantBackoff(1.0))) as live:
        await live.write({"n": 0})
    asked, plain = sink.times[1], sink.times[2] - sink.times[1]
    assert 7.0 <= asked <= 7.7
    assert 1.0 <= plain <= 1.1


@virtual
async def test_no_endpoint_can_ask_for_longer_than_the_cap() -> None:
    sink = Timed([DeliveryFailed(retry_after_s=1e9)])
    async with start(Retry(sink, ConstantBackoff(1.0), retry_after_cap=20.0)) as live:
        await live.write({"n": 0})
    assert 20 <= sink.times[1] <= 22


@pytest.mark.parametrize(
    ("max_attempts", "give_up_after", "attempts"),
    [(3, 0.0, 3), (3, 10.0, 11), (20, 5.0, 20), (1, 0, 1)],
)
def test_it_gives_up_when_both_limits_are_passed(
    max_attempts: int, give_up_after: float, attempts: int
) -> None:
    @virtual
    async def story() -> None:
        sink = Timed(then=DeliveryFailed("down"))
        retry = Retry(
            sink, ConstantBackoff(1.0), max_attempts=max_attempts, give_up_after=give_up_after
        )
        async with start(Queue(retry)) as live:
            await live.write({"n": 0})
            assert await live.drain(100)
            (letter,) = dead(live)
            assert (letter.meta["reason"], letter.meta["attempts"]) == ("gave_up", attempts)
            assert letter.meta["errors"][0] == "DeliveryFailed: down"
            assert len(letter.meta["errors"]) == min(attempts, 20)
            assert live.snapshot()["retry"].facts["given_up"] == 1
            assert live.snapshot()["retry"].ledger.dead_lettered == 1
        assert len(sink.times) == attempts

    story()


@virtual
async def test_one_poison_event_is_not_its_neighbours_fault() -> None:
    sink = FlakySink(then=refusing(lambda event: event.data["n"] == 2, DeliveryFailed))
    retry = Retry(sink, ConstantBackoff(1.0), max_attempts=3, give_up_after=0.0)
    async with start(Queue(retry)) as live:
        await live.write_many([{"n": n} for n in range(6)])
        assert await live.drain(60)
        assert [letter.data["n"] for letter in dead(live)] == [2]
    assert [data["n"] for data in sink.data] == [0, 1, 3, 4, 5]


@virtual
async def test_what_is_rejected_is_not_tried_again() -> None:
    sink, grave = FlakySink(then=Rejected("bad shape")), RecordingSink()
    async with start(Retry(sink, dead_letter=grave)) as live:
        await live.write({"n": 0})
        assert live.snapshot()["retry"].ledger.dead_lettered == 1
    assert grave.events[0].meta["errors"] == ["Rejected: bad shape"]
    assert len(sink.attempts) == 1


@virtual
async def test_the_breaker_opens_and_one_attempt_probes() -> None:
    sink = Timed([DeliveryFailed("down")] * 3)
    async with start(Retry(sink, ConstantBackoff(1.0), STEADY)) as live:
        writes = [asyncio.create_task(live.write({"n": n})) for n in range(5)]
        await asyncio.sleep(5)
        breaker = live.snapshot()["retry"].facts["breaker"]
        assert breaker["state"] == "open"
        await asyncio.gather(*writes)
        assert live.snapshot()["retry"].breaker == "closed"
        assert "breaker_opened" in kinds(live)
        assert "breaker_closed" in kinds(live)
    at_ten = [at for at in sink.times if 10 <= at < 10.5]
    assert len(at_ten) <= 2
    assert len(sink.data) == 5


@virtual
async def test_refused_attempts_do_not_count() -> None:
    sink = Timed(then=DeliveryFailed("down"))
    below = BreakerSink(sink, STEADY)
    retry = Retry(below, ConstantBackoff(1.0), max_attempts=4, give_up_after=0.0)
    async with start(Queue(retry)) as live:
        await live.write({"n": 0})
        assert await live.drain(200)
        assert dead(live)[0].meta["attempts"] == 4
    assert len(sink.times) == 4


@virtual
async def test_nothing_spins_on_what_a_breaker_does_not_count() -> None:
    sink = Timed([Overloaded("busy")] * 30)
    async with start(Retry(sink, breaker=STEADY)) as live:
        await live.write({"n": 0})
        assert live.snapshot()["retry"].breaker == "closed"
    assert sink.times[-1] > 10


@virtual
async def test_a_success_at_once_counts_for_the_breaker() -> None:
    class Sometimes(FlakySink):
        @property
        def instant(self) -> bool:
            return True

        def offer(self, batch: Any) -> bool:
            return not self.script and RecordingSink.offer(self, batch)

    sink = Sometimes(1)
    sink.takes_at_once = True
    retry = Retry(sink, ConstantBackoff(1.0), Breaker(failure_threshold=2, open_for=5.0))
    async with start(Queue(retry)) as live:
        await live.write({"n": 0})
        assert await live.drain(20)
        await live.write({"n": 1})
        assert await live.drain(20)
        assert live.snapshot()["retry"].facts["breaker"]["failures"] == 0
    assert len(sink.data) == 2


@virtual
async def test_what_asks_to_be_left_alone_is() -> None:
    sink = FlakySink([Rejected("gone", status=410, isolate=True)])
    async with start(Queue(Retry(sink, breaker=STEADY))) as live:
        await live.write({"n": 0})
        await asyncio.sleep(1)
        assert live.snapshot()["retry"].breaker == "isolated"
        assert [letter.meta["reason"] for letter in dead(live)] == ["rejected"]
        await live.write({"n": 1})
        await asyncio.sleep(100)
        assert len(sink.attempts) == 1
        assert live.snapshot()["queue"].depth == 1
        retry = live.nodes["retry"]
        assert isinstance(retry, Retry)
        assert retry.machine is not None
        retry.machine.reset(asyncio.get_running_loop().time())
        retry.wake()
        assert await live.drain(10)
    assert [data["n"] for data in sink.data] == [1]


@pytest.mark.parametrize("hold", ["lane", "event"])
def test_a_failing_event_holds_its_lane_or_steps_aside(hold: str) -> None:
    @virtual
    async def story() -> None:
        times = iter(range(3))
        sink = FlakySink(
            then=refusing(
                lambda event: event.data["n"] == 0 and next(times, None) is not None,
                DeliveryFailed,
            )
        )
        queue = Queue(Retry(sink, ConstantBackoff(1.0), hold=hold), max_batch=1)
        async with start(queue) as live:
            for n in range(3):
                await live.write({"n": n})
            assert await live.drain(30)
            assert live.snapshot().residue == 0
        expected = [0, 1, 2] if hold == "lane" else [1, 2, 0]
        assert [data["n"] for data in sink.data] == expected

    story()


@virtual
async def test_an_open_breaker_parks_what_need_not_wait_in_line() -> None:
    sink = Timed(2)
    queue = Queue(Retry(sink, ConstantBackoff(1.0), STEADY, hold="event"), max_batch=1)
    async with start(queue) as live:
        for n in range(4):
            await live.write({"n": n})
        await asyncio.sleep(5)
        assert live.snapshot()["queue"].facts["parked"] == 4
        assert await live.drain(60)
        assert live.snapshot().residue == 0
    assert sorted(data["n"] for data in sink.data) == [0, 1, 2, 3]


@virtual
async def test_alone_it_holds_its_writer_whatever_it_is_told_to_hold() -> None:
    sink = FlakySink(2)
    async with start(Retry(sink, ConstantBackoff(1.0), hold="event")) as live:
        await live.write({"n": 0})
    assert len(sink.data) == 1


@virtual
async def test_a_cancelled_write_gives_its_probe_back() -> None:
    class Down(StalledSink):
        async def deliver(self, batch: Any) -> None:
            if len(self.attempts) < 2:
                self.attempts.append(batch.ids)
                raise DeliveryFailed("down")
            await super().deliver(batch)

    sink = Down()
    retry = Retry(sink, ConstantBackoff(1.0), STEADY)
    async with start(retry) as live:
        writing = asyncio.create_task(live.write({"n": 0}))
        await sink.entered.wait()  # the probe, when the breaker has been open for its time
        assert live.snapshot()["retry"].breaker == "half_open"
        writing.cancel()
        await asyncio.wait([writing])
        sink.release()
        async with asyncio.timeout(1):
            await live.write({"n": 1})
        assert live.snapshot()["retry"].breaker == "closed"
        assert live.snapshot()["retry"].ledger.returned == 1


@virtual
async def test_parts_of_a_partial_write_are_paid_by_their_own_continuation() -> None:
    left, right = FlakySink(1), FlakySink(2)
    async with start(Retry(Broadcast([left, right]), ConstantBackoff(1.0))) as live:
        await live.write_many([{"n": 0}, {"n": 1}])
        assert live.snapshot()["broadcast"].ledger.residue == 0
    assert (len(left.attempts), len(right.attempts)) == (2, 3)
    assert left.ids == right.ids


@virtual
async def test_a_breaker_node_refuses_at_once_and_says_for_how_long() -> None:
    sink = FlakySink(then=DeliveryFailed("down"))
    async with start(BreakerSink(sink, STEADY)) as live:
        for _ in range(2):
            with pytest.raises(DeliveryFailed, match="down"):
                await live.write({"n": 0})
        with pytest.raises(BreakerOpen) as raised:
            await live.write({"n": 0})
        assert raised.value.retry_after_s == pytest.approx(10.0)
    assert len(sink.attempts) == 2


@virtual
async def test_it_never_raises_a_partial_write_while_it_can_try_again() -> None:
    sink = FlakySink()
    sink.script = [refusing(lambda e: e.data["n"] % 2 == 1, DeliveryFailed, lambda: sink), 3]
    async with start(Retry(sink, ConstantBackoff(1.0))) as live:
        try:
            await live.write_many([{"n": n} for n in range(4)])
        except PartialWrite:
            raise AssertionError("the writer was told to try again") from None
    assert sorted(data["n"] for data in sink.data) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("options", "said"),
    [({"hold": "queue"}, "hold is one of"), ({"max_attempts": 0}, "max_attempts is at least 1")],
)
def test_what_makes_no_retry_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Retry(RecordingSink(), **options)


@virtual
async def test_it_says_which_attempt_comes_next_and_when() -> None:
    backoff = ExponentialBackoff(base=1.0, factor=2.0, cap=5.0, jitter="none")
    async with start(Retry(Timed(2), backoff)) as live:
        writing = asyncio.ensure_future(live.write({"n": 0}))
        await asyncio.sleep(1.5)
        facts = live.snapshot()["retry"].facts
        assert (facts["next_attempt"], facts["next_attempt_in_s"]) == (3, pytest.approx(1.5))
        await writing
        facts = live.snapshot()["retry"].facts
        assert (facts["next_attempt"], facts["next_attempt_in_s"]) == (None, None)


@virtual
async def test_a_breaker_says_since_when_it_stands_so_and_what_the_last_hour_saw() -> None:
    async with start(Retry(Timed(1), breaker=Breaker(failure_threshold=1, open_for=4.0))) as live:
        wall = live.topology.clock.wall
        first, began = live.snapshot()["retry"].facts["breaker"], wall()
        assert (first["since"], first["opens_last_hour"]) == (None, 0)
        writing = asyncio.ensure_future(live.write({"n": 0}))
        await asyncio.sleep(1)
        opened = live.snapshot()["retry"].facts["breaker"]
        assert (opened["state"], opened["since"]) == ("open", pytest.approx(began))
        await writing
        closed = live.snapshot()["retry"].facts["breaker"]
        assert (closed["state"], closed["since"]) == ("closed", pytest.approx(wall()))
        await asyncio.sleep(3500)
        assert live.snapshot()["retry"].facts["breaker"]["opens_last_hour"] == 1
        await asyncio.sleep(200)
        late = live.snapshot()["retry"].facts["breaker"]
        assert (late["opens"], late["opens_last_hour"]) == (1, 0)
