"""The simulated disk: calls in order, answers in virtual time, nothing after a death."""

from __future__ import annotations

import asyncio
import random

import pytest

from sinkgraph.simulation.disk import VirtualDisk
from tests.support.virtual import virtual


def now() -> float:
    return asyncio.get_running_loop().time()


@virtual
async def test_calls_run_one_after_the_other_and_take_their_time() -> None:
    disk = VirtualDisk(latency=2.0)
    began: list[tuple[int, float]] = []
    futures = [disk.submit(lambda k=k: began.append((k, now()))) for k in range(3)]  # type: ignore[misc]
    await asyncio.gather(*futures)
    assert began == [(0, 0.0), (1, 2.0), (2, 4.0)]
    assert now() == 6.0


@virtual
async def test_what_a_call_returns_or_raises_is_the_answer() -> None:
    disk = VirtualDisk()
    assert await disk.submit(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        await disk.submit(lambda: 1 // 0)
    assert await disk.submit(lambda: 8) == 8


@virtual
async def test_a_call_whose_caller_gave_up_still_runs_in_its_turn() -> None:
    disk = VirtualDisk(latency=1.0)
    ran: list[str] = []
    first = disk.submit(lambda: ran.append("first"))
    second = disk.submit(lambda: ran.append("second"))
    second.cancel()
    await first
    await disk.close()
    assert ran == ["first", "second"]


@virtual
async def test_a_stall_delays_the_answer_to_its_end() -> None:
    disk = VirtualDisk(latency=1.0)
    disk.stall(at=0.5, for_s=10.0)
    await disk.submit(lambda: None)
    assert now() == 10.5
    await disk.submit(lambda: None)
    assert now() == 11.5


@virtual
async def test_the_dead_are_told_nothing_and_begin_nothing() -> None:
    disk = VirtualDisk(latency=1.0)
    ran: list[str] = []
    under_way = disk.submit(lambda: ran.append("under way"))
    waiting = disk.submit(lambda: ran.append("waiting"))
    await asyncio.sleep(0.5)
    disk.die()
    after = disk.submit(lambda: ran.append("after"))
    await asyncio.sleep(100)
    assert ran == ["under way"]
    assert not any(one.done() for one in (under_way, waiting, after))
    await disk.close()


@virtual
async def test_close_waits_for_what_was_submitted_and_may_be_called_again() -> None:
    disk = VirtualDisk(latency=lambda chance: chance.uniform(1, 2), random=random.Random(1))
    futures = [disk.submit(lambda: None) for _ in range(3)]
    await asyncio.gather(disk.close(), disk.close())
    assert all(one.done() for one in futures)
    assert 3 <= now() <= 6
    await disk.close()
