"""Proves that lanes forget nothing that is parked, and are woken no more often than they must."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import Context
from typing import Any

import sinkgraph
from sinkgraph.simulation.loop import VirtualLoop
from sinkgraph.sinks.backoff import ConstantBackoff
from sinkgraph.sinks.queue import Queue
from sinkgraph.sinks.retry import Retry
from sinkgraph.testing import FlakySink, SlowSink
from tests.support.virtual import start, virtual


class Hasty(VirtualLoop):
    """Fires timers up to half a millisecond early, as uvloop does, which counts in whole ones."""

    def call_at(  # type: ignore[override]
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        return super().call_at(round(when, 3), callback, *args, context=context)


def test_a_parked_event_is_tried_again_although_its_timer_fired_early() -> None:
    async def story() -> None:
        sink = FlakySink(20)
        retry = Retry(sink, backoff=ConstantBackoff(0.0123), hold="event")
        async with sinkgraph.run(Queue(retry)) as live:
            for n in range(10):
                await live.write(n)
                await asyncio.sleep(0.0017)
            assert await live.drain(10)
        assert sorted(sink.data) == list(range(10))

    with asyncio.Runner(loop_factory=Hasty) as runner:
        runner.run(story())


@virtual
async def test_a_gate_is_asked_to_wake_a_queue_once_however_many_lanes_it_has() -> None:
    queue = Queue(SlowSink(0.01), concurrency=4, max_batch=1)
    async with start(queue) as live:
        for n in range(300):
            await live.write(n)
        for _ in range(20):
            await asyncio.sleep(0.05)
            assert queue.gate is not None
            assert len(queue.gate._sleepers) <= 1
