"""A graph on a thread of its own: no caller of another thread waits for a loop that has ended."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import pytest

import sinkgraph
from sinkgraph import Event, SinkClosed
from sinkgraph.runtime.background import Background
from sinkgraph.sinks import Queue
from sinkgraph.testing import RecordingSink, StalledSink


class WritesAtTheVeryEnd:
    """Is a sink that has another thread write while the loop takes its last step."""

    def __init__(self) -> None:
        self.live: Background | None = None
        self.told: list[BaseException] = []
        self.writer = threading.Thread(target=self._write, daemon=True)

    async def write(self, events: Sequence[Event]) -> None:
        """Put the other write where a loop that ends waits for its own threads."""
        loop = asyncio.get_running_loop()
        setattr(loop, "shutdown_default_executor", self._last_step)  # noqa: B010

    async def close(self) -> None:
        """Hold nothing."""

    async def _last_step(self, *_: object) -> None:
        self.writer.start()
        self.writer.join(0.2)

    def _write(self) -> None:
        assert self.live is not None
        try:
            self.live.write("too late")
        except BaseException as error:
            self.told.append(error)


def test_a_write_while_the_loop_ends_is_refused() -> None:
    sink = WritesAtTheVeryEnd()
    with sinkgraph.background(sink) as live:
        sink.live = live
        live.write("event")
    sink.writer.join(10)
    assert not sink.writer.is_alive()
    assert [type(error) for error in sink.told] == [SinkClosed]


def test_a_write_that_waits_when_the_loop_ends_is_told() -> None:
    sink = StalledSink()
    told: list[BaseException] = []

    def write() -> None:
        try:
            live.write("event")
        except BaseException as error:
            told.append(error)

    writer = threading.Thread(target=write, daemon=True)
    with sinkgraph.background(sink, drain=0.1) as live:
        writer.start()
        while not sink.attempts:
            live.snapshot()
    writer.join(10)
    assert not writer.is_alive()
    assert [type(error) for error in told] == [SinkClosed]


def test_many_threads_may_close_at_once_and_each_gets_the_report() -> None:
    sink = RecordingSink()
    reports: list[Any] = []
    with sinkgraph.background(Queue(sink)) as live:
        for n in range(100):
            live.write({"n": n})
        closers = [threading.Thread(target=lambda: reports.append(live.close())) for _ in range(20)]
        for one in closers:
            one.start()
        for one in closers:
            one.join(30)
    assert len(sink.events) == 100
    assert reports == [live.report] * 20


def test_after_close_every_call_is_refused() -> None:
    with sinkgraph.background(RecordingSink()) as live:
        pass
    for call in (lambda: live.write("event"), lambda: live.write_many(["event"]), live.snapshot):
        with pytest.raises(SinkClosed):
            call()
    assert live.close() is live.report
