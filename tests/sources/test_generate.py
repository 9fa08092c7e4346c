"""Made events: counted, rated, numbered; on a virtual clock."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sinkgraph.simulation.loop import run as run_virtual
from sinkgraph.sources.generate import Generate
from sinkgraph.sources.inlet import Inlet
from tests.support.contexts import Recorder, make_context


def made(sink: Any, **options: Any) -> Generate:
    source = Generate(sink, **options)
    source.name = "gen"
    source.bind(make_context())
    return source


async def test_so_many_are_made_as_fast_as_taken() -> None:
    sink = Recorder()
    source = made(sink, count=2_500)
    await source.run(source.to)
    assert sink.data == [{"n": k} for k in range(1, 2_501)]
    assert sink.sizes == [1_000, 1_000, 500]
    assert source.position == 2_500


async def test_a_given_event_is_numbered_in_meta() -> None:
    sink = Recorder()
    event = {"a": [1]}
    source = made(sink, count=2, event=event)
    event["a"].append(2)
    await source.run(source.to)
    assert sink.data == [{"a": [1]}, {"a": [1]}]
    assert [one.meta["seq"] for one in sink.events] == [1, 2]
    assert len({one.id for one in sink.events}) == 2


async def test_counting_goes_on_at_a_position() -> None:
    sink = Recorder()
    source = made(sink, count=3)
    await source.run(source.to, 2)
    assert sink.data == [{"n": 3}]


def took(seconds: float, **options: Any) -> list[Any]:
    """Return what is made in so much virtual time."""
    sink = Recorder()

    async def work() -> None:
        source = made(sink, **options)
        running = asyncio.ensure_future(source.run(source.to))
        await asyncio.wait([running], timeout=seconds)
        source.stop()
        await running

    run_virtual(work())
    return sink.data


@pytest.mark.parametrize("rate", [0.5, 3.0, 100.0, 7_777.0])
def test_the_rate_is_kept(rate: float) -> None:
    assert len(took(20.0, rate=rate)) == pytest.approx(20 * rate, abs=max(2.0, 0.02 * rate))


def test_the_count_ends_a_rated_source() -> None:
    assert took(100.0, rate=10.0, count=15) == [{"n": k} for k in range(1, 16)]


def test_lost_time_is_not_made_up_for_in_a_burst() -> None:
    sink = Recorder()

    async def work() -> None:
        source = made(sink, rate=10.0)
        running = asyncio.ensure_future(source.run(source.to))
        await asyncio.sleep(5)
        sink.gate.clear()
        await asyncio.sleep(100)
        sink.gate.set()
        await asyncio.sleep(5)
        source.stop()
        await running

    run_virtual(work())
    assert 90 <= len(sink.data) <= 115


async def test_stop_ends_it() -> None:
    sink = Recorder()
    source = made(sink, rate=0.001)
    running = asyncio.ensure_future(source.run(source.to))
    await sink.asked.wait()
    source.stop()
    await running
    assert sink.data == [{"n": 1}]


@pytest.mark.parametrize(
    "options",
    [{}, {"rate": 0}, {"rate": -1}, {"rate": float("nan")}, {"rate": float("inf")}, {"count": -1}],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"must|needs"):
        Generate(Recorder(), **options)


async def test_an_inlet_waits_and_hands_on() -> None:
    sink = Recorder()
    inlet = Inlet(sink)
    inlet.bind(make_context())
    running = asyncio.ensure_future(inlet.run(inlet.to))
    await inlet.write(inlet.stamp([1, 2]))
    assert not running.done()
    inlet.stop()
    await running
    assert sink.data == [1, 2]
    assert inlet.account().residue == 0
