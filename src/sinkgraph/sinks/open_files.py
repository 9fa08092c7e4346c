"""The files that sinks append to, by path, each open once.

Two sinks may name one file, and a reload may pass one from a sink to another. How bytes reach a
file is `sinks.file_log`'s part.
"""

from __future__ import annotations

import asyncio
import os

from sinkgraph.sinks.file_log import FileLog

__all__ = ["Files", "OpenFile"]


class OpenFile:
    """Is one open file: its log, and whose turn it is to write to it."""

    __slots__ = ("holders", "log", "made", "turn")

    def __init__(self, log: FileLog, *, made: bool) -> None:
        self.log = log
        self.turn = asyncio.Lock()
        self.holders = 0
        self.made = made  # by opening it, for a graph that has not started yet


class Files:
    """Is a table of open files; who acquires one releases it."""

    def __init__(self) -> None:
        self._open: dict[str, OpenFile] = {}

    def acquire(self, path: str, *, max_size: int | None, keep: int) -> OpenFile:
        """Return the file of an absolute path, opened or created now if nobody has it open.

        Raises OSError naming it.
        """
        key = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
        one = self._open.get(key)
        if one is None:
            log = FileLog(path, max_size=max_size, keep=keep)
            made = not os.path.lexists(path)
            log.open()
            one = self._open[key] = OpenFile(log, made=made)
        one.holders += 1
        return one

    def release(self, one: OpenFile) -> bool:
        """Give a file back; whether nobody has it any more, so that it is to be closed."""
        one.holders -= 1
        if one.holders:
            return False
        self._open = {key: held for key, held in self._open.items() if held is not one}
        return True
