"""Proves that a call which never returns keeps its own thread and nothing else."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from typing import Any

from sinkgraph.runtime.pool import ThreadPool


class _Preempted(queue.SimpleQueue[Any]):
    """Lets a thread that has taken a job lose the processor before it can say so."""

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        job = super().get(block, timeout)
        time.sleep(0.1)
        return job


async def test_a_call_that_never_returns_holds_up_no_other() -> None:
    pool, never = ThreadPool(4), threading.Event()
    pool._jobs = _Preempted()
    try:
        stuck = asyncio.ensure_future(pool.run(never.wait))
        await asyncio.sleep(0.05)
        async with asyncio.timeout(5):
            assert await pool.run(lambda: 1) == 1
        assert not stuck.done()
    finally:
        never.set()
        await stuck
        pool.close()


async def test_no_more_threads_than_allowed_and_no_job_is_forgotten() -> None:
    pool = ThreadPool(3)
    most = running = 0
    lock = threading.Lock()

    def work(n: int) -> int:
        nonlocal most, running
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.001)
        with lock:
            running -= 1
        return n

    try:
        assert await asyncio.gather(*[pool.run(work, n) for n in range(50)]) == list(range(50))
        assert most <= 3
    finally:
        pool.close()
