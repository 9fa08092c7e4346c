"""The virtual loop: time jumps, deadlocks are reported, runs repeat."""

from __future__ import annotations

import asyncio
import math
from typing import cast

import pytest

from sinkgraph.simulation import loop as loops
from sinkgraph.simulation.loop import EPOCH, Deadlock, VirtualClock, VirtualLoop, run


def test_a_year_passes_at_once() -> None:
    async def main() -> tuple[float, float]:
        clock = VirtualClock()
        await asyncio.sleep(365 * 86_400)
        return clock.now(), clock.wall()

    assert run(main()) == (365 * 86_400, EPOCH + 365 * 86_400)


def test_timers_fire_in_order_at_their_time() -> None:
    async def main() -> list[tuple[str, float]]:
        seen: list[tuple[str, float]] = []
        loop = asyncio.get_running_loop()

        async def wait(name: str, seconds: float) -> None:
            await asyncio.sleep(seconds)
            seen.append((name, loop.time()))

        await asyncio.gather(wait("c", 0.3), wait("a", 0.1), wait("b", 0.2), wait("0", 0))
        return seen

    assert run(main()) == [("0", 0.0), ("a", 0.1), ("b", 0.2), ("c", 0.3)]


def test_a_timeout_is_exact() -> None:
    async def main() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await asyncio.Event().wait()
        return asyncio.get_running_loop().time()

    assert run(main()) == 0.5


def test_waiting_for_nothing_is_a_deadlock_that_names_the_task() -> None:
    async def main() -> None:
        await asyncio.create_task(asyncio.Event().wait(), name="stuck one")

    with pytest.raises(Deadlock, match=r"nothing can happen.*\n.*\n.*stuck one waits at .*:\d+"):
        run(main())


def test_a_sleep_without_end_is_a_deadlock() -> None:
    with pytest.raises(Deadlock):
        run(asyncio.sleep(math.inf))


def test_a_loop_that_never_lets_time_pass_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops, "_TICKS_AT_ONE_TIME", 1_000)

    async def main() -> None:
        for _ in range(10_000):
            await asyncio.sleep(0)

    with pytest.raises(Deadlock, match="time has stopped at 0s"):
        run(main())


def test_the_wall_clock_can_be_stepped_alone() -> None:
    async def main() -> tuple[float, float]:
        clock = VirtualClock()
        clock.step(-3600)
        return clock.now(), clock.wall()

    assert run(main()) == (0.0, EPOCH - 3600)


def test_executors_run_inline_and_pass_errors_on() -> None:
    async def main() -> int:
        with pytest.raises(ZeroDivisionError):
            await asyncio.to_thread(lambda: 1 // 0)
        return await asyncio.to_thread(lambda: 7)

    assert run(main()) == 7


def test_the_seed_decides_what_the_loop_draws() -> None:
    async def main() -> float:
        return cast(VirtualLoop, asyncio.get_running_loop()).random.random()

    assert run(main(), seed=3) == run(main(), seed=3) != run(main(), seed=4)


def test_real_io_is_read_before_time_passes() -> None:
    async def main() -> tuple[bytes, float]:
        import socket

        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.setblocking(False)
            theirs.send(b"x")
            return await loop.sock_recv(ours, 1), loop.time()

    assert run(main()) == (b"x", 0.0)
