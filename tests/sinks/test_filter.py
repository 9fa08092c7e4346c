"""Proves what passes a filter, a route and a sample, and what becomes of the rest."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from sinkgraph.errors import DeliveryFailed
from sinkgraph.event import Event
from sinkgraph.runtime.live import Live
from sinkgraph.sinks.broadcast import Broadcast
from sinkgraph.sinks.filter import Filter
from sinkgraph.sinks.queue import Queue
from sinkgraph.sinks.route import Route
from sinkgraph.sinks.sample import Sample
from sinkgraph.testing import FlakySink, RecordingSink, StalledSink
from tests.support.virtual import start, virtual


def numbers(sink: RecordingSink) -> list[int]:
    return [data["n"] for data in sink.data]


def dead(live: Live) -> list[Event]:
    return list(live.nodes["dead-letters"].events)  # type: ignore[attr-defined]


def even(event: Event) -> bool:
    if event.data["n"] == 5:
        raise KeyError("five")
    return bool(event.data["n"] % 2 == 0)


PAYLOADS = [{"n": n} for n in range(8)]


@pytest.mark.parametrize("queued", [True, False])
@pytest.mark.parametrize("single", [True, False])
def test_what_matches_passes_and_the_rest_is_counted(queued: bool, single: bool) -> None:
    @virtual
    async def story() -> None:
        sink = RecordingSink()
        async with start(Filter(Queue(sink) if queued else sink, where=even)) as live:
            if single:
                for payload in PAYLOADS:
                    await live.write(payload)
            else:
                await live.write_many(PAYLOADS)
            assert await live.drain(5)
            ledger = live.snapshot()["filter"].ledger
            assert ledger.filtered == {"no_match": 3}
            assert (ledger.delivered, ledger.dead_lettered, ledger.residue) == (4, 1, 0)
        assert numbers(sink) == [0, 2, 4, 6]

    story()


@virtual
async def test_the_rest_goes_elsewhere_where_there_is_an_elsewhere() -> None:
    sink, other = RecordingSink(), RecordingSink()
    async with start(Filter(Queue(sink), where=even, otherwise=other)) as live:
        await live.write_many(PAYLOADS)
        assert await live.drain(5)
        assert live.snapshot().residue == 0
        assert live.snapshot()["filter"].ledger.filtered == {}
    assert (numbers(sink), numbers(other)) == ([0, 2, 4, 6], [1, 3, 7])


@pytest.mark.parametrize(
    ("on_error", "passed", "dropped", "buried"),
    [
        ("dead_letter", [0, 2, 4, 6], {}, [5]),
        ("drop", [0, 2, 4, 6], {"expression_error": 1}, []),
        ("pass", [0, 2, 4, 5, 6], {}, []),
    ],
)
def test_an_event_that_cannot_be_judged_goes_where_it_is_said(
    on_error: str, passed: list[int], dropped: dict[str, int], buried: list[int]
) -> None:
    @virtual
    async def story() -> None:
        sink = RecordingSink()
        async with start(Filter(Queue(sink), where=even, on_error=on_error)) as live:
            await live.write_many(PAYLOADS)
            assert await live.drain(5)
            node = live.snapshot()["filter"]
            assert (node.ledger.dropped, node.ledger.residue) == (dropped, 0)
            assert [event.data["n"] for event in dead(live)] == buried
            assert node.status == "degraded"
            assert node.facts["last_error"] == "KeyError: 'five'"
        assert numbers(sink) == passed

    story()


@virtual
async def test_one_failure_a_minute_is_journalled() -> None:
    async with start(Filter(RecordingSink(), where=even)) as live:
        for _ in range(3):
            await live.write({"n": 5})
        await asyncio.sleep(61)
        await live.write({"n": 5})
        kinds = [entry.kind for entry in live.topology.journal.entries]
        assert kinds.count("expression_failed") == 2


@virtual
async def test_a_filter_over_a_bare_sink_hands_its_error_up() -> None:
    sink = FlakySink(1)
    async with start(Filter(sink, where=lambda event: event.data["n"] < 2)) as live:
        with pytest.raises(Exception, match=r"owed|failure"):
            await live.write_many([{"n": n} for n in range(4)])
        ledger = live.snapshot()["filter"].ledger
        assert (ledger.returned, ledger.filtered, ledger.residue) == (2, {"no_match": 2}, 0)


@virtual
async def test_a_predicate_that_ends_the_world_ends_only_its_event() -> None:
    def judge(event: Event) -> bool:
        if event.data["n"] == 1:
            raise SystemExit(1)
        return True

    sink = RecordingSink()
    async with start(Filter(Queue(sink), where=judge)) as live:
        await live.write_many([{"n": n} for n in range(3)])
        assert await live.drain(5)
        assert [event.data["n"] for event in dead(live)] == [1]
    assert numbers(sink) == [0, 2]


@virtual
async def test_a_route_takes_the_first_that_claims_an_event() -> None:
    twos, threes, rest = RecordingSink(), RecordingSink(), RecordingSink()
    route = Route(
        [
            (lambda event: event.data["n"] % 2 == 0, Queue(twos)),
            (lambda event: event.data["n"] % 3 == 0, threes),
        ],
        default=Queue(rest),
    )
    async with start(route) as live:
        await live.write_many([{"n": n} for n in range(10)])
        await live.write({"n": 10})
        assert await live.drain(5)
        assert live.snapshot().residue == 0
    assert numbers(twos) == [0, 2, 4, 6, 8, 10]
    assert numbers(threes) == [3, 9]
    assert numbers(rest) == [1, 5, 7]


@virtual
async def test_what_no_route_claims_is_counted() -> None:
    sink = RecordingSink()
    async with start(Route([(even, Queue(sink))])) as live:
        await live.write_many(PAYLOADS)
        assert await live.drain(5)
        ledger = live.snapshot()["route"].ledger
        assert ledger.filtered == {"no_route": 3}
        assert (ledger.dead_lettered, ledger.residue) == (1, 0)
    assert numbers(sink) == [0, 2, 4, 6]


@virtual
async def test_a_failed_condition_keeps_an_event_from_later_routes() -> None:
    first, second, grave = RecordingSink(), RecordingSink(), RecordingSink()
    route = Route([(even, first), (lambda event: True, second)], dead_letter=grave)
    async with start(route) as live:
        await live.write_many(PAYLOADS)
        assert live.snapshot().residue == 0
    assert (numbers(second), numbers(grave)) == ([1, 3, 7], [5])
    assert grave.events[0].meta["reason"] == "expression_error"


@virtual
async def test_a_sample_passes_one_of_every_so_many() -> None:
    sink = RecordingSink()
    async with start(Sample(Queue(sink), every=3)) as live:
        await live.write({"n": 0})
        await live.write_many([{"n": n} for n in range(1, 9)])
        assert await live.drain(5)
        ledger = live.snapshot()["sample"].ledger
        assert (ledger.filtered, ledger.residue) == ({"sampled_out": 6}, 0)
    assert numbers(sink) == [0, 3, 6]


@virtual
async def test_a_sample_counts_what_waited_when_it_is_taken() -> None:
    stuck = StalledSink()
    async with start(Sample(Queue(stuck, 1), every=2)) as live:
        writes = [asyncio.create_task(live.write({"n": n})) for n in range(12)]
        await asyncio.sleep(1)
        stuck.release()
        await asyncio.gather(*writes)
        assert await live.drain(5)
        assert live.snapshot()["sample"].ledger.filtered == {"sampled_out": 6}


@virtual
async def test_a_sample_by_chance_passes_its_share() -> None:
    sink = RecordingSink()
    async with start(Sample(Queue(sink), ratio=0.25), random=random.Random(1)) as live:
        await live.write_many([{"n": n} for n in range(2000)])
        assert await live.drain(5)
        assert live.snapshot().residue == 0
    assert 400 < len(sink.events) < 600


@virtual
async def test_every_branch_of_a_fan_out_chooses_for_itself() -> None:
    sinks = [RecordingSink() for _ in range(3)]
    branches = [
        Filter(Queue(sinks[k]), where=lambda event, k=k: event.data["n"] % 3 == k) for k in range(3)
    ]
    async with start(Broadcast(branches)) as live:
        for n in range(9):
            await live.write({"n": n})
        assert await live.drain(5)
        assert live.snapshot().residue == 0
    assert [numbers(one) for one in sinks] == [[0, 3, 6], [1, 4, 7], [2, 5, 8]]


@virtual
async def test_a_failed_branch_is_owed_beside_what_was_stored() -> None:
    stored, down = RecordingSink(), FlakySink(then=DeliveryFailed)
    route = Route([(lambda event: event.data["n"] % 2 == 0, Queue(stored))], default=down)
    async with start(route) as live:
        with pytest.raises(Exception, match="2 events still owed"):
            await live.write_many([{"n": n} for n in range(4)])
        assert await live.drain(5)
        ledger = live.snapshot()["route"].ledger
        assert (ledger.delivered, ledger.returned, ledger.residue) == (2, 2, 0)
    assert numbers(stored) == [0, 2]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Filter(RecordingSink(), where=3), "a predicate is"),
        (lambda: Filter(RecordingSink(), where=even, on_error="explode"), "on_error is one of"),
        (lambda: Route([]), "at least one condition"),
        (lambda: Sample(RecordingSink()), "either ratio or every"),
        (lambda: Sample(RecordingSink(), ratio=0.5, every=2), "either ratio or every"),
        (lambda: Sample(RecordingSink(), ratio=1.5), "ratio is in"),
        (lambda: Sample(RecordingSink(), every=0), "every is at least 1"),
    ],
)
def test_what_makes_no_sense_is_refused(make: Any, said: str) -> None:
    with pytest.raises((ValueError, TypeError), match=said):
        make()
