"""Runs every benchmark with tiny counts: each works, loses nothing and says so when one does."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Sequence

import pytest

import sinkgraph
from benchmarks.__main__ import TABLES, main
from benchmarks.engine import measure_shape
from benchmarks.figures import QUICK, Effort, EventsLost, Figure, Row, Table, measure
from benchmarks.payloads import DISTINCT, groups, json_texts, singles
from benchmarks.report import aligned, figure_table
from benchmarks.shapes import SHAPES, End, Shape, Tree, settle, verify
from benchmarks.write_alone import StalledSink
from sinkgraph import Event
from sinkgraph.sinks import Queue
from sinkgraph.sinks.blackhole import Blackhole


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_row_of_a_table_has_finite_figures(
    table: Table, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--quick", "--json", "--only", table.name]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["machine"]["loop"] == "asyncio"
    assert [one["name"] for one in found["tables"]] == [table.name]
    rows = found["tables"][0]["rows"]
    assert {row["name"] for row in rows} == set(table.names)
    for row in rows:
        assert row["events"] > 0
        assert row["repeats"] > 0
        assert math.isfinite(row["ns_median"])
        assert 0 < row["ns_min"] <= row["ns_median"]
        assert math.isfinite(row["events_per_s"])


def test_the_first_line_names_the_machine_and_one_row_can_be_chosen(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--quick", "--only", "engine.queue_retry"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"sinkgraph {sinkgraph.__version__} · ")
    assert "core" in lines[0]
    assert lines[0].endswith(" · asyncio loop")
    measured = [line for line in lines if line.startswith("queue → retry")]
    assert len(measured) == 3
    assert all(line.startswith("queue → retry → blackhole") for line in measured)
    assert not any("HTTP" in line for line in lines)


def test_an_unknown_name_is_a_usage_error_that_lists_the_known(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--only", "engin"])
    assert left.value.code == 2
    said = capsys.readouterr().err
    assert "nothing is named engin" in said
    assert "engine.broadcast_1000" in said


class HalfSink:
    """Counts only every second event it is given."""

    def __init__(self) -> None:
        self.seen = 0

    async def write(self, events: Sequence[Event]) -> None:
        self.seen += len(events) // 2

    async def close(self) -> None:
        pass


async def test_an_end_that_misses_events_fails_the_benchmark() -> None:
    def build() -> Tree:
        sink = HalfSink()
        queue = Queue(sink)
        return Tree(queue, (queue,), (End(lambda: sink.seen),))

    with pytest.raises(EventsLost, match="end 0 got 50 of 100 events"):
        await measure_shape(Shape("half", "half", build), 100, QUICK)


async def test_events_a_queue_dropped_fail_the_benchmark() -> None:
    hole = Blackhole()
    queue = Queue(hole, 1, "drop_newest")
    tree = Tree(queue, (queue,), (End(lambda: hole.account().delivered),))
    async with sinkgraph.run(queue) as live:
        await live.write_many(singles(4))
        await settle(live, tree)
        delivered = hole.account().delivered
        verify(live, tree, delivered)
        with pytest.raises(EventsLost, match=f"end 0 got {delivered} of {delivered + 1} events"):
            verify(live, tree, delivered + 1)


async def test_pending_events_fail_the_benchmark() -> None:
    released = asyncio.Event()
    sink = StalledSink(released)
    queue = Queue(sink)
    tree = Tree(queue, (queue,), (End(lambda: sink.seen),))
    async with sinkgraph.run(queue) as live:
        await live.write_many(singles(4))
        with pytest.raises(EventsLost, match="of 4 events written, residue is 0 and 4 are pending"):
            verify(live, tree, 4)
        released.set()
        await settle(live, tree)
        verify(live, tree, 4)


async def test_settled_means_delivered_for_every_shape() -> None:
    for shape in SHAPES:
        if shape.name == "broadcast_1000":
            continue
        tree = shape.build()
        async with sinkgraph.run(tree.root) as live:
            for payload in singles(8):
                await live.write(payload)
            await settle(live, tree)
            assert [end.count() for end in tree.ends] == [8 // end.one_in for end in tree.ends]


async def test_a_figure_is_the_time_per_event_of_runs_that_fill_their_slice() -> None:
    runs: list[int] = []

    async def once(n: int) -> float:
        runs.append(n)
        return n * 2e-6

    figure = await measure(once, Effort(0.4, 3, 1_000_000, first=10), step=8)
    assert (figure.events, figure.repeats) == (runs[-1], 3)
    assert [figure.ns_min, figure.ns_median] == pytest.approx([2_000, 2_000])
    assert runs[:2] == [16, 16]
    assert all(n % 8 == 0 for n in runs)
    assert 0.05 <= figure.events * 2e-6 <= 0.1


async def test_a_run_never_has_more_events_than_allowed() -> None:
    runs: list[int] = []

    async def once(n: int) -> float:
        runs.append(n)
        return n * 1e-9

    await measure(once, Effort(1.0, 2, 5_000))
    assert max(runs) == runs[-1] == 5_000


@pytest.mark.parametrize("n", [4, 1_000, DISTINCT, DISTINCT + 3_000])
def test_every_shard_and_half_the_actions_come_equally_often(n: int) -> None:
    payloads = singles(n)
    assert len(payloads) == n
    assert sum(one["action"] == "push" for one in payloads) == n // 2
    assert [sum(one["shard"] == k for one in payloads) for k in range(4)] == [n // 4] * 4


def test_groups_hold_the_same_payloads_as_singles() -> None:
    n = DISTINCT + 3_000
    assert [one for group in groups(n, 100) for one in group] == singles(n)
    with pytest.raises(ValueError, match="3 does not divide 9 and 200000"):
        groups(9, 3)


def test_json_texts_have_the_size_they_say() -> None:
    texts = json_texts()
    assert {len(text) for text in texts} == {256}
    assert sum(json.loads(text)["action"] == "push" for text in texts) == len(texts) // 2


def test_columns_are_aligned_and_notes_follow_the_row() -> None:
    rows = [["", "ns"], ["a", "1.5"], ["long", "1,000", "a note"]]
    assert aligned(rows, 1) == ["         ns", "a       1.5", "long  1,000  a note"]


def test_a_table_has_its_title_first_and_its_notes_last() -> None:
    async def nothing(*_: object) -> list[Row]:
        return []

    table = Table("t", "The title", ("row",), ("one note", "another"), nothing)
    text = figure_table(table, [Row("row", "label", "write", Figure(1_000, 7, 1.5, 2.0))])
    assert text.splitlines() == [
        "The title",
        "              ns/event  best     events/s  events  repeats",
        "label  write      2.00  1.50  500,000,000   1,000        7",
        "one note",
        "another",
    ]
