"""Proves how a graph starts and ends: all of it or none of it, in time, with one report."""

from __future__ import annotations

import asyncio
import threading

import pytest

import sinkgraph
from sinkgraph.errors import SinkClosed, SinkgraphError, StartFailed
from sinkgraph.sinks.base import Terminal
from sinkgraph.sinks.broadcast import Broadcast
from sinkgraph.sinks.queue import Queue
from sinkgraph.sinks.retry import Retry
from sinkgraph.testing import FlakySink, RecordingSink, StalledSink
from tests.support.virtual import start, virtual


class Opening(Terminal):
    """Opens as it is told, and knows whether it was closed again."""

    def __init__(self, error: Exception | None = None, *, wait: float = 0.0) -> None:
        super().__init__()
        self.error = error
        self.wait = wait
        self.opened = False

    async def open(self) -> None:
        await asyncio.sleep(self.wait)
        if self.error is not None:
            raise self.error
        self.opened = True


@virtual
async def test_a_start_that_fails_says_every_reason_and_closes_what_it_opened() -> None:
    fine = Opening()
    bad = [Opening(OSError("no such device")), Opening(SinkgraphError("no such host"))]
    with pytest.raises(StartFailed) as raised:
        async with start(Broadcast([Queue(fine), Queue(bad[0]), bad[1]])):
            raise AssertionError("it started")
    first, second = raised.value.reasons
    assert "no such host" in first
    assert "no such device" in second
    assert fine.opened
    assert fine.closed


@virtual
async def test_a_start_that_is_cancelled_closes_what_it_opened() -> None:
    quick, slow = Opening(), Opening(wait=100)
    entering = asyncio.ensure_future(start(Broadcast([slow, Queue(quick)])).__aenter__())
    await asyncio.sleep(1)
    assert quick.opened
    entering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await entering
    assert quick.closed
    assert slow.closed


@virtual
async def test_a_hundred_closers_get_one_report() -> None:
    sink = StalledSink()
    async with start(Queue(sink)) as live:
        await live.write_many([{"n": n} for n in range(5)])
        closers = [asyncio.ensure_future(live.close(3.0)) for _ in range(100)]
        reports = await asyncio.gather(*closers)
    assert len(set(map(id, reports))) == 1
    assert reports[0] is live.report
    assert reports[0].left == {"queue": 5}
    assert reports[0].lost == 5
    assert reports[0].took_s == pytest.approx(3.0, abs=0.1)


@pytest.mark.parametrize("deadline", [0.0, 2.0, 30.0])
def test_a_stop_is_bounded_whatever_the_sinks_do(deadline: float) -> None:
    @virtual
    async def story() -> None:
        stalled, down = StalledSink(), FlakySink(then=OSError)
        tree = Broadcast([Queue(stalled), Queue(Retry(down)), Queue(RecordingSink())])
        async with start(tree, drain=deadline) as live:
            await live.write({"n": 0})
            await asyncio.sleep(1)
        assert live.report is not None
        assert live.report.took_s <= deadline + 0.1
        assert live.report.left == {"queue": 1, "queue-2": 1}
        assert live.report.residue == 0
        assert live.snapshot()["queue"].status == "stopped"

    story()


@virtual
async def test_a_sink_that_ignores_cancellation_is_left_behind_by_name() -> None:
    deaf = StalledSink(deaf=True)
    async with start(Queue(deaf), drain=1.0) as live:
        await live.write({"n": 0})
        await deaf.entered.wait()
    assert live.report is not None
    assert live.report.took_s < 5
    left = [e for e in live.topology.journal.entries if e.kind == "close_abandoned"]
    assert [entry.facts for entry in left] == [{"node": "queue"}]
    assert live.report.left == {"queue": 1}
    deaf.release()  # its lane ends, and nothing is counted twice
    await asyncio.sleep(1)
    assert live.snapshot().residue == 0
    assert len(asyncio.all_tasks()) == 1


@virtual
async def test_what_a_deaf_sink_takes_in_the_end_has_been_answered_for() -> None:
    deaf = StalledSink(deaf=True)
    queue = Queue(deaf)
    fan = Broadcast([queue])
    async with start(fan) as live:
        await live.write({"n": 0})
        await deaf.entered.wait()
        await live.remove(queue, fate="dead_letter")
        await asyncio.sleep(10)
        assert queue.account().dead_lettered == 1
        deaf.release()
        await asyncio.sleep(1)
        view = queue.account()
        assert (view.residue, view.pending, view.delivered) == (0, 0, 0)


@virtual
async def test_a_drain_that_takes_too_long_says_so() -> None:
    sink = StalledSink()
    async with start(Queue(sink)) as live:
        await live.write({"n": 0})
        assert not await live.drain(2.0)
        sink.release()
        assert await live.drain(2.0)


@virtual
async def test_leaving_delivers_what_is_pending() -> None:
    sink = FlakySink(3)
    async with start(Queue(Retry(sink))) as live:
        await live.write_many([{"n": n} for n in range(100)])
    assert len(sink.events) == 100
    assert live.report is not None
    assert (live.report.lost, live.report.residue) == (0, 0)
    with pytest.raises(SinkClosed):
        await live.write({"n": 100})


@virtual
async def test_an_error_of_the_body_is_its_own() -> None:
    sink = RecordingSink()

    async def body() -> None:
        async with start(Queue(sink)) as live:
            await live.write({"n": 0})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await body()
    assert (len(sink.events), sink.closes) == (1, 1)


def test_any_thread_may_emit() -> None:
    async def story() -> None:
        sink = RecordingSink(instant=True)
        async with sinkgraph.run(Queue(sink)) as live:
            taken: list[bool] = []

            def emit(first: int) -> None:
                taken.extend([live.emit({"n": n}) for n in range(first, first + 500)])

            threads = [threading.Thread(target=emit, args=(500 * k,)) for k in range(8)]
            for thread in threads:
                thread.start()
            await asyncio.gather(*[asyncio.to_thread(thread.join) for thread in threads])
            assert all(taken)
            assert await live.drain(10)
            assert live.snapshot()["inbox"].ledger.delivered == 4000
            assert live.snapshot().residue == 0
        numbers = [data["n"] for data in sink.data]
        assert sorted(numbers) == list(range(4000))
        for k in range(8):  # each thread's own in order
            own = [n for n in numbers if n // 500 == k]
            assert own == sorted(own)

    asyncio.run(story())


@virtual
async def test_a_full_inbox_refuses_and_counts() -> None:
    sink = StalledSink()
    async with start(Queue(sink, 1), drain=0) as live:
        taken = [live.emit({"n": n}) for n in range(20_000)]
        assert taken.count(True) == 10_000
        ledger = live.snapshot()["inbox"].ledger
        assert ledger.dropped == {"inbox_full": 10_000}
        assert ledger.residue == 0
        with pytest.raises(TypeError):
            live.emit(None)
    assert not live.emit({"n": 0})
