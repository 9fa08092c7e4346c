"""Tells systemd how a run stands: ready, in words, alive, stopping (sd_notify, by its protocol).

It says nothing where nobody asked (`$NOTIFY_SOCKET`), and never fails a run.
https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

__all__ = ["Notifier"]

_WORDS = 200


class Notifier:
    """Sends states to the service manager that started this process, if one wants them.

    Enter it when the graph runs: it says READY, then every half of the watchdog's time that it is
    alive, with `status()` as a line of text when that has changed.
    """

    def __init__(self, status: Callable[[], str], env: Mapping[str, str] | None = None) -> None:
        held = os.environ if env is None else env
        self._status = status
        self._told = ""
        self._address = _address(held.get("NOTIFY_SOCKET", ""))
        self._watchdog_s = _watchdog(held)
        self._socket: socket.socket | None = None
        self._task: asyncio.Task[None] | None = None

    async def ready(self) -> None:
        """Say that the graph runs, and go on saying that it lives."""
        if self._address is None:
            return
        try:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            self._socket.setblocking(False)
        except OSError:
            return
        self._told = self._status()[:_WORDS]
        self.send("READY=1", f"STATUS={self._told}", f"MAINPID={os.getpid()}")
        loop = asyncio.get_running_loop()
        self._task = loop.create_task(self._live(), name="systemd notifier")

    async def _live(self) -> None:
        every = min(self._watchdog_s / 2, 5.0) if self._watchdog_s else 5.0
        while True:
            await asyncio.sleep(every)
            states = ["WATCHDOG=1"] if self._watchdog_s else []
            said = self._status()[:_WORDS]
            if said != self._told:
                self._told = said
                states.append(f"STATUS={said}")
            if states:
                self.send(*states)

    def send(self, *states: str) -> bool:
        """Send states (`NAME=value`); False when nobody is there to hear them. Never waits."""
        if self._socket is None or self._address is None:
            return False
        text = "\n".join(state.replace("\n", " ") for state in states)
        try:
            self._socket.sendto(text.encode("utf-8", "replace"), self._address)
        except OSError:
            return False
        return True

    @contextmanager
    def reloading(self) -> Iterator[None]:
        """Say that it reloads while the block is entered, then that it is ready again."""
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1_000
        self.send("RELOADING=1", f"MONOTONIC_USEC={now}")
        try:
            yield
        finally:
            if self._told != "draining":
                self.send("READY=1", f"STATUS={self._status()[:_WORDS]}")

    async def stopping(self) -> None:
        """Say that it stops; the watchdog is told on while it drains. Idempotent."""
        self.send("STOPPING=1", "STATUS=draining")
        self._told = "draining"
        self._status = lambda: "draining"

    async def close(self) -> None:
        """Say nothing more. Idempotent."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _address(text: str) -> str | None:
    """Return where to send: a path, or an abstract name, which begins with `@`."""
    if text.startswith("@"):
        return "\0" + text[1:]
    return text if text.startswith("/") else None


def _watchdog(env: Mapping[str, str]) -> float | None:
    """Return in how many seconds systemd wants a sign of life, None when it wants none."""
    text, pid = env.get("WATCHDOG_USEC", ""), env.get("WATCHDOG_PID", "")
    if not text.isdecimal() or not int(text) or (pid and pid != str(os.getpid())):
        return None
    return int(text) / 1e6
