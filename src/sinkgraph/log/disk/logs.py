"""Which logs a store has: where each begins and ends, and up to where it may be forgotten.

It places what is to be stored; what is stored, and when, is the depot's.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sinkgraph.log.disk.draft import Draft
from sinkgraph.log.disk.places import row_key
from sinkgraph.log.disk.shelf import Shelf

if TYPE_CHECKING:
    from sinkgraph.log.disk.opened import Opened

__all__ = ["Logs"]


class Logs:
    """Numbers logs by name. Each holds on disk what stands from `firsts` up to `heads`."""

    def __init__(self, opened: Opened) -> None:
        self.heads = opened.heads
        self.firsts = opened.firsts
        self._numbers = {
            name: int(value)
            for (kind, name), (_, value) in opened.store.records.items()
            if kind == "log"
        }

    def head(self, log: int) -> int:
        """Return the position behind the last event of a log."""
        return self.heads.get(log, 0)

    def place(self, draft: Draft, heads: dict[int, int]) -> tuple[int, bool]:
        """Give a draft its positions behind `heads`, which grow; return its log, and if it is new.

        The record of a new log belongs into the commit of its first events.
        """
        log = self._numbers.get(draft.log)
        fresh = log is None
        if log is None:
            log = self._numbers[draft.log] = max(self._numbers.values(), default=0) + 1
        at = heads.get(log, 0)
        heads[log] = at + draft.n
        draft.first = row_key(log, at)
        return log, fresh

    def floors(
        self, shelves: Iterable[Shelf], least: int, *, wholly: bool
    ) -> list[tuple[int, int]]:
        """Return up to where logs may be forgotten: by `least` positions, or if `wholly` all."""
        floors = dict(self.heads)
        for shelf in shelves:
            for log, stretch in shelf.stretches.items():
                pins = stretch.pins
                if pins is not None and pins < floors.get(log, pins + 1):
                    floors[log] = pins
        worth: list[tuple[int, int]] = []
        for log, floor in floors.items():
            free = floor - self.firsts.get(log, 0)
            if free >= least or (wholly and free and floor == self.heads.get(log, 0)):
                worth.append((log, floor))
        return worth

    def forgot(self, floors: Iterable[tuple[int, int]]) -> None:
        """Note that what stood below these positions is gone."""
        for log, floor in floors:
            self.firsts[log] = floor
