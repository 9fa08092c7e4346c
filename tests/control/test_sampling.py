"""The looks: how often, and what happens when one fails."""

from __future__ import annotations

import asyncio

import pytest

from sinkgraph.control.desk import Desk
from sinkgraph.sinks import Blackhole, Queue
from tests.support.virtual import start, virtual


@virtual
async def test_it_looks_once_a_second_and_twice_while_somebody_watches() -> None:
    async with start(Queue(Blackhole())) as live:
        desk = Desk(live)
        sampler = desk.sampler
        sampling = desk.spawn(sampler.run(), "sampler")
        await asyncio.sleep(10.1)
        assert sampler.looks == 11
        reader = sampler.hub.join(None)
        assert reader is not None
        await asyncio.sleep(1)
        before = sampler.looks
        await asyncio.sleep(10)
        assert sampler.looks - before == 20
        reader.close()
        await asyncio.sleep(1)
        before = sampler.looks
        await asyncio.sleep(10)
        assert sampler.looks - before == 10
        assert not sampling.done()
        await desk.close()


@virtual
async def test_history_has_one_point_a_second_however_often_it_looks() -> None:
    async with start(Queue(Blackhole())) as live:
        desk = Desk(live)
        sampling = desk.spawn(desk.sampler.run(), "sampler")
        assert desk.sampler.hub.join(None) is not None
        await asyncio.sleep(20.2)
        points = desk.sampler.history.read()["at"]
        assert 20 <= len(points) <= 22
        assert not sampling.done()
        await desk.close()


@virtual
async def test_a_look_that_fails_is_noted_once_and_others_follow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with start(Queue(Blackhole())) as live:
        desk = Desk(live)
        sampling = desk.spawn(desk.sampler.run(), "sampler")

        def fail() -> None:
            raise RuntimeError("no")

        with monkeypatch.context() as patched:
            patched.setattr(live, "snapshot", fail)
            await asyncio.sleep(5)
        noted = [e.facts for e in live.topology.journal.entries if e.kind == "control_failed"]
        assert noted == [{"path": "look", "error": "RuntimeError('no')"}]
        before = desk.sampler.looks
        await asyncio.sleep(2)
        assert desk.sampler.looks > before
        assert not sampling.done()
        await desk.close()
