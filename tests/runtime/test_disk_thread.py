"""Proves that the disk's thread works in order, ends cleanly, and is not starved by a busy loop."""

from __future__ import annotations

import asyncio
import threading
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import apsw
import pytest

from sinkgraph.runtime.disk_thread import DiskThread


def _threads() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name == "sinkgraph-disk"]


async def test_calls_are_done_in_the_order_they_were_submitted() -> None:
    disk, done = DiskThread(), list[int]()

    def work(number: int) -> int:
        done.append(number)
        return number * number

    answers = [disk.submit(partial(work, number)) for number in range(200)]
    assert await asyncio.gather(*answers) == [i * i for i in range(200)]
    assert done == list(range(200))
    await disk.close()


async def test_calls_run_on_one_thread_that_is_not_the_loops() -> None:
    disk = DiskThread()
    seen = {await disk.submit(threading.get_ident) for _ in range(5)}
    assert len(seen) == 1
    assert threading.get_ident() not in seen
    await disk.close()


async def test_what_a_call_raises_is_raised_to_who_waits_and_the_next_call_is_done() -> None:
    disk = DiskThread()

    def stopped() -> None:
        raise StopIteration

    with pytest.raises(ZeroDivisionError):
        await disk.submit(lambda: 1 // 0)
    with pytest.raises(RuntimeError, match="the call raised StopIteration"):
        await disk.submit(stopped)
    assert await disk.submit(lambda: 3) == 3
    await disk.close()


async def test_a_call_whose_answer_nobody_wants_is_done_all_the_same() -> None:
    disk, done, held = DiskThread(), [], threading.Event()
    first = disk.submit(held.wait)
    second = disk.submit(lambda: done.append(2))
    second.cancel()
    held.set()
    assert await first
    await disk.close()
    assert done == [2]
    assert second.cancelled()


async def test_nothing_is_scheduled_while_no_call_is_out() -> None:
    disk = DiskThread()
    assert await disk.submit(lambda: 1) == 1
    assert disk._loan is None
    await disk.close()
    assert disk._loan is None


async def test_close_waits_for_what_was_submitted_and_joins_the_thread() -> None:
    disk, held = DiskThread(), threading.Event()
    answer = disk.submit(held.wait)
    closing = [asyncio.ensure_future(disk.close()) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="the disk is closed"):
        await disk.submit(held.wait)
    held.set()
    await asyncio.gather(*closing)
    assert answer.result() is True
    assert not _threads()
    await disk.close()


async def test_a_cancelled_close_still_closes() -> None:
    disk, held = DiskThread(), threading.Event()
    answer = disk.submit(held.wait)
    closing = asyncio.ensure_future(disk.close())
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    held.set()
    await disk.close()
    assert answer.done()
    assert not _threads()


async def test_a_disk_that_was_never_used_has_no_thread() -> None:
    disk = DiskThread()
    await disk.close()
    assert not _threads()
    with pytest.raises(RuntimeError, match="the disk is closed"):
        await disk.submit(lambda: None)


def test_a_loop_that_was_closed_meanwhile_is_no_crash() -> None:
    disk, held, done = DiskThread(), threading.Event(), threading.Event()
    kept: list[asyncio.Future[Any]] = []

    async def leave() -> None:
        kept.append(disk.submit(held.wait))
        kept.append(disk.submit(done.set))

    async def return_and_close() -> int:
        answer = await disk.submit(lambda: 7)
        await disk.close()
        return answer

    asyncio.run(leave())
    held.set()
    assert done.wait(10)
    assert asyncio.run(return_and_close()) == 7
    assert not _threads()


@pytest.mark.parametrize(
    ("tick_s", "ticks", "commits"), [(0.00005, 8_000, 40), (0.0002, 3_000, 30), (0.003, 250, 10)]
)
async def test_a_saturated_loop_does_not_starve_commits(
    tmp_path: Path, tick_s: float, ticks: int, commits: int
) -> None:
    database = apsw.Connection(str(tmp_path / "events.db"))
    database.pragma("journal_mode", "wal")
    database.pragma("synchronous", "FULL")
    database.execute("CREATE TABLE rows (key INTEGER PRIMARY KEY, body BLOB)")
    body = bytes(45_000)
    disk, loop = DiskThread(), asyncio.get_running_loop()
    left, stored = ticks, 0

    def busy() -> None:  # always ready: the loop never waits
        nonlocal left
        ends = perf_counter() + tick_s
        while perf_counter() < ends:
            pass
        left -= 1
        if left:
            loop.call_soon(busy)

    async def commit() -> None:
        nonlocal stored
        while left:
            await disk.submit(
                lambda: database.execute("INSERT INTO rows (body) VALUES (?)", (body,))
            )
            stored += 1

    loop.call_soon(busy)
    await commit()
    await disk.close()
    assert stored >= commits
    assert database.execute("SELECT count(*) FROM rows").get == stored
    database.close()
