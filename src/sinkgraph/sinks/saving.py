"""When something that changes all the time is saved: at once, and then at most every so often.

It knows neither what is saved nor where.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

__all__ = ["PAUSE_S", "Saving"]

PAUSE_S = 0.02
"""Seconds between two saves, at least."""

_BYTES_PER_S = 2_000_000  # what is large is saved less often


class Saving:
    """Calls `save`, which returns how many bytes it wrote, soon after each `touch`."""

    __slots__ = ("_not_before", "_save", "_timer")

    def __init__(self, save: Callable[[], int]) -> None:
        self._save = save
        self._timer: asyncio.TimerHandle | None = None
        self._not_before = 0.0

    def touch(self) -> None:
        """Note that something changed; it is saved in the next tick or after the pause."""
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(max(loop.time(), self._not_before), self.flush)

    def flush(self) -> None:
        """Save now what was touched; nothing when nothing was."""
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
            pause_s = max(PAUSE_S, self._save() / _BYTES_PER_S)
            self._not_before = asyncio.get_running_loop().time() + pause_s
