"""Proves that what durable writes are measured beside does what its rows say."""

from __future__ import annotations

import asyncio
from pathlib import Path

import apsw
import pytest

from benchmarks.durable_bare import BareLoop
from benchmarks.durable_peers import peers
from benchmarks.durable_runs import Saturation, Waits, by_writers, running
from benchmarks.figures import QUICK, Effort, EventsLost, measure_in_turn
from benchmarks.payloads import event_values, json_texts


async def test_the_bare_loop_stores_every_event_in_fewer_rows_than_writes(tmp_path: Path) -> None:
    loop = BareLoop(tmp_path, encodes=True)
    await by_writers(loop.write, event_values(700), 200, 50, Waits())
    await loop.write_many(event_values(700)[:7])
    assert loop.close() == loop.written == 207
    database = apsw.Connection(str(tmp_path / "bare.db"))
    rows = database.execute("SELECT n, body FROM rows ORDER BY key").fetchall()
    assert len(rows) < 60
    assert rows[-1] == (7, b"\n".join(json_texts(700)[:7]))
    assert database.pragma("journal_mode") == "wal"
    database.close()


async def test_the_bare_loop_tells_its_writers_when_it_cannot_store(tmp_path: Path) -> None:
    loop = BareLoop(tmp_path, encodes=False)
    blocker = apsw.Connection(str(tmp_path / "bare.db"))
    blocker.execute("BEGIN IMMEDIATE")
    with pytest.raises(apsw.BusyError):
        await loop.write(b"{}")
    blocker.execute("ROLLBACK")
    blocker.close()
    await loop.write(b"{}")
    assert loop.close() == loop.written == 1


async def test_what_a_disk_queue_did_not_get_fails_the_benchmark() -> None:
    async with running() as ours:
        await ours.live.write({"a": 1})
        with pytest.raises(EventsLost, match="end 0 got 1 of 2 events"):
            await ours.prove(2)
        ours.written = 0
        await ours.prove(1)


def test_waits_are_medians_of_the_last_runs() -> None:
    waits = Waits()
    waits.add([9.0])
    for add in (0.0, 0.1, 0.2):
        waits.add([add + k / 1_000 for k in reversed(range(100))])
    assert waits.of_last(3) == pytest.approx((150.0, 199.0))


async def test_things_measured_in_turn_take_their_repeats_after_one_another() -> None:
    runs: list[str] = []

    def once(name: str) -> object:
        async def run(n: int) -> float:
            runs.append(name)
            return n * (1e-6 if name == "a" else 2e-6)

        return run

    effort = Effort(0.4, 3, 1_000_000)
    figures = await measure_in_turn([once("a"), once("b")], effort)  # type: ignore[list-item]
    assert runs[-6:] == ["a", "b"] * 3
    assert [figure.ns_median for figure in figures] == pytest.approx([1_000, 2_000])
    assert figures[0].events == pytest.approx(2 * figures[1].events, rel=0.01)


async def test_a_peer_that_is_not_installed_is_left_out_and_the_reason_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("benchmarks.durable_peers.find_spec", lambda name: None)
    rows = await peers(QUICK)
    assert [row.how for row in rows] == ["log"]
    assert capsys.readouterr().err.splitlines() == [
        "left out: persist-queue is not installed",
        "left out: redis-server is not on PATH",
    ]


async def test_writers_share_the_events_and_each_waits_for_its_own() -> None:
    seen: list[int] = []
    most = now = 0

    async def write(payload: int) -> None:
        nonlocal most, now
        now += 1
        most = max(most, now)
        await asyncio.sleep(0)
        now -= 1
        seen.append(payload)

    await by_writers(write, range(10), 10, 4, Waits())
    assert sorted(seen) == list(range(10))
    assert most == 4


async def test_a_saturated_loop_is_left_alone_afterwards() -> None:
    loop, turns = asyncio.get_running_loop(), 0
    with Saturation(0.0):
        for _ in range(5):
            assert len(loop._ready) == 1  # type: ignore[attr-defined]
            await asyncio.sleep(0)
            turns += 1
    await asyncio.sleep(0)
    assert turns == 5
    assert not loop._ready  # type: ignore[attr-defined]
