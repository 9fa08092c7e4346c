"""Whether somebody holds something back, and how to wait until nobody does.

It decides nothing: who holds, and for how long, is an operator's affair.
"""

from __future__ import annotations

import asyncio
from collections.abc import Container
from typing import Any

__all__ = ["Hold", "Naps", "resolve"]


class Hold:
    """Is a gate an operator can shut: what was begun ends, nothing is begun while `on`."""

    __slots__ = ("_waiting", "on")

    def __init__(self) -> None:
        self.on = False
        self._waiting: list[asyncio.Future[None]] = []

    def begin(self) -> bool:
        """Hold back from now on; return whether that is new."""
        fresh, self.on = not self.on, True
        return fresh

    def end(self) -> bool:
        """Hold back no longer; return whether that is new."""
        was, self.on = self.on, False
        self.nudge()
        return was

    def nudge(self) -> None:
        """Let who waits look again."""
        for future in self._waiting:
            resolve(future)
        self._waiting.clear()

    async def over(self) -> None:
        """Wait until it ends, or somebody is nudged: look again then."""
        if self.on:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(future)
            try:
                await future
            finally:
                if future in self._waiting:
                    self._waiting.remove(future)


def resolve(future: asyncio.Future[None]) -> None:
    """End the wait for a future, unless it has ended."""
    if not future.done():
        future.set_result(None)


class Naps:
    """Are waits that end early when somebody says so."""

    def __init__(self) -> None:
        self._naps: dict[asyncio.Future[None], asyncio.Task[Any] | None] = {}

    def __len__(self) -> int:
        return len(self._naps)

    async def take(self, seconds: float) -> None:
        """Wait so long, or until `end`."""
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        self._naps[future] = asyncio.current_task()
        timer = loop.call_later(seconds, resolve, future)
        try:
            await future
        finally:
            timer.cancel()
            del self._naps[future]

    def end(self, tasks: Container[asyncio.Task[Any]] | None = None) -> None:
        """End every wait, or those of some tasks."""
        for future, task in self._naps.items():
            if tasks is None or task in tasks:
                resolve(future)
