"""systemd is told that a run is ready, lives and stops, where it asked to be."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sinkgraph.control.systemd import Notifier


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.setblocking(False)
        yield sock


async def heard(manager: socket.socket) -> dict[str, str]:
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(10):
        text = (await loop.sock_recv(manager, 4096)).decode()
    return dict(line.split("=", 1) for line in text.splitlines())


def notifier(manager: socket.socket, **env: str) -> tuple[Notifier, list[str]]:
    said = ["2 queues, nothing pending"]
    where = {"NOTIFY_SOCKET": manager.getsockname(), **env}
    return Notifier(lambda: said[0], where), said


async def test_it_says_ready_alive_and_stopping(manager: socket.socket) -> None:
    one, said = notifier(manager, WATCHDOG_USEC="40000")
    await one.ready()
    first = await heard(manager)
    assert first == {"READY": "1", "STATUS": said[0], "MAINPID": str(os.getpid())}
    assert await heard(manager) == {"WATCHDOG": "1"}
    said[0] = "billing\nfails"
    while "STATUS" not in (told := await heard(manager)):
        pass
    assert told == {"WATCHDOG": "1", "STATUS": "billing fails"}
    await one.stopping()
    while "STOPPING" not in (told := await heard(manager)):
        pass
    assert told == {"STOPPING": "1", "STATUS": "draining"}
    await one.close()
    await one.close()


async def test_an_abstract_socket_is_spoken_to() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0sinkgraph-test-notify")
        manager.setblocking(False)
        one = Notifier(lambda: "ok", {"NOTIFY_SOCKET": "@sinkgraph-test-notify"})
        await one.ready()
        assert (await heard(manager))["READY"] == "1"
        await one.close()


@pytest.mark.parametrize("where", ["", "relative", "/nowhere/at/all"])
async def test_where_nobody_listens_nothing_fails(where: str) -> None:
    one = Notifier(lambda: "ok", {"NOTIFY_SOCKET": where})
    await one.ready()
    assert one.send("RELOADING=1") is False
    await one.stopping()
    await one.close()


async def test_a_watchdog_of_another_process_is_not_ours(manager: socket.socket) -> None:
    one, _ = notifier(manager, WATCHDOG_USEC="1000", WATCHDOG_PID="1")
    await one.ready()
    await heard(manager)
    await asyncio.sleep(0.02)
    with pytest.raises(BlockingIOError):
        manager.recv(100)
    await one.close()


async def test_a_reload_is_told_with_its_time_and_its_end(manager: socket.socket) -> None:
    one, said = notifier(manager)
    await one.ready()
    await heard(manager)
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1_000
    with one.reloading():
        told = await heard(manager)
        assert told["RELOADING"] == "1"
        assert before <= int(told["MONOTONIC_USEC"])
        assert int(told["MONOTONIC_USEC"]) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1_000
    assert await heard(manager) == {"READY": "1", "STATUS": said[0]}
    with one.reloading():
        await heard(manager)
        await one.stopping()
        assert (await heard(manager))["STOPPING"] == "1"
    with pytest.raises(BlockingIOError):
        manager.recv(4096)
    await one.close()
