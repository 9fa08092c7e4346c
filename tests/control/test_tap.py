"""A tap looks at what passes; it costs a bounded time a second and never slows the graph."""

from __future__ import annotations

import asyncio
from typing import Any

from sinkgraph.control.redact import Redactor
from sinkgraph.control.tap import Tap
from sinkgraph.event import Batch
from sinkgraph.sinks.blackhole import Blackhole
from sinkgraph.sinks.queue import Queue
from sinkgraph.testing import RecordingSink
from tests.support.virtual import start, virtual


def made(live: Any, **options: Any) -> Tap:
    tap = Tap(Redactor(), **options)
    tap.bind(live.topology.ctx)
    return tap


def batch_of(payloads: list[Any]) -> Batch:
    return Batch.from_payloads(payloads, "u", 0, source="s", type="event", time=0.0)


@virtual
async def test_a_reader_that_never_reads_holds_nothing_up() -> None:
    sink = RecordingSink()
    async with start(Queue(sink, capacity=100)) as live:
        tap = made(live, rate=200)
        leave = live.splices.insert("queue", tap)
        for k in range(3_000):
            await live.write({"n": k}, timeout=1)
            if k % 50 == 0:
                await asyncio.sleep(0.1)
        assert await live.drain(60)
        leave()
        assert sink.data == [{"n": k} for k in range(3_000)]
        counts = tap.counts()
        assert counts["seen"] == 3_000
        assert counts["shown"] + counts["sampled_out"] == 3_000
        assert len(await tap.taken(0)) <= 256
        assert counts["missed"] == counts["shown"] - 256
        assert live.snapshot().residue == 0


@virtual
async def test_it_shows_its_rate_and_counts_the_rest() -> None:
    async with start(Blackhole()) as live:
        tap = made(live, rate=5)
        batch = batch_of([{"n": k} for k in range(100)])
        shown = []
        for _ in range(10):
            tap.watch(batch)
            shown.append(len(await tap.taken(0)))
            await asyncio.sleep(1)
        assert shown == [5] * 10
        assert tap.counts()["sampled_out"] == 950


@virtual
async def test_what_a_filter_is_asked_a_second_is_bounded() -> None:
    asked = []

    def where(event: Any) -> bool:
        asked.append(event)
        return False

    async with start(Blackhole()) as live:
        tap = made(live, where=where)
        batch = batch_of([{"n": k} for k in range(1_000)])
        for _ in range(50):
            tap.watch(batch)
        assert len(asked) == 2_000
        await asyncio.sleep(0.5)
        tap.watch(batch)
        assert len(asked) == 3_000
        counts = tap.counts()
        assert (counts["filtered"], counts["sampled_out"]) == (3_000, 48_000)


@virtual
async def test_a_filter_that_fails_is_counted() -> None:
    def where(event: Any) -> bool:
        raise ValueError("no")

    async with start(Blackhole()) as live:
        tap = made(live, where=where)
        tap.watch(batch_of([{"n": 1}]))
        assert tap.counts()["failed"] == 1
        assert await tap.taken(0) == []


@virtual
async def test_large_payloads_are_cut_and_huge_ones_not_even_decoded() -> None:
    async with start(Blackhole()) as live:
        tap = made(live, cap=100, rate=200)
        texts = ["x" * 50, "y" * 5_000, "z" * 1_000_000]
        payloads: list[Any] = [{"t": text} for text in texts]
        batch = batch_of([*payloads, b"\x00\xff"])
        tap.watch(batch)
        small, large, huge, raw = await tap.taken(0)
        assert (small["data"], small["preview"]) == ({"t": "x" * 50}, None)
        for one in (large, huge):
            assert one["data"] is None
            assert len(one["preview"]) <= 100
        assert (raw["data"], raw["preview"], raw["size"]) == (None, "2 bytes", 2)


@virtual
async def test_the_event_itself_is_not_changed() -> None:
    sink = RecordingSink()
    async with start(Queue(sink)) as live:
        tap = made(live)
        live.splices.insert("queue", tap)
        await live.write({"password": "p", "text": "\x1b]52;c;aGk=\x07"}, meta={"token": "t"})
        assert await live.drain(10)
        (shown,) = await tap.taken(0)
        assert shown["data"] == {"password": "***", "text": "\\x1b]52;c;aGk=\\x07"}
        assert shown["meta"] == {"token": "***"}
    assert sink.data == [{"password": "p", "text": "\x1b]52;c;aGk=\x07"}]
    assert sink.events[0].meta == {"token": "t"}
