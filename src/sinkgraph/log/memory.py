"""The append-only log in memory: a chain of chunks, read by any number of cursors.

The log holds only its tail, a cursor only its own chunk, so reference counting frees what every
cursor has passed. It knows no capacity and no sink: the gate above it decides what is appended.
"""

from __future__ import annotations

from typing import Any

from sinkgraph.event import Batch, Page

__all__ = ["PAGE", "Chunk", "Cursor", "Log"]

PAGE = 1000
"""Events in one page, and so the largest batch a log hands out."""

_MARK_S = 0.001  # events of one page closer than this share a time


class Chunk:
    """Is [i, j) of a page at positions [start, start + j - i) of a log; j is -1 while open."""

    __slots__ = ("i", "j", "next", "page", "start")

    def __init__(self, page: Page, i: int, j: int, start: int) -> None:
        self.page = page
        self.i = i
        self.j = j
        self.start = start
        self.next: Chunk | None = None


class Log:
    """Appends payloads and batches; positions count events from 0.

    `front` is the position up to which cursors may read; what was appended behind it is admitted
    and becomes readable with the next `advance`. `recent` is the chunk of what was handed on last.
    """

    __slots__ = ("front", "recent", "source", "tail", "type", "uid", "values")

    def __init__(self, uid: str, *, source: str = "", type: str = "event") -> None:
        self.uid = uid
        self.source = source
        self.type = type
        self.front = 0
        self.recent = self._open(0)

    def _open(self, start: int) -> Chunk:
        page = Page([], self.uid, start, source=self.source, type=self.type)
        self.values = page.values
        self.tail = Chunk(page, 0, -1, start)
        return self.tail

    @property
    def head(self) -> int:
        """The position behind the last admitted event."""
        return self.tail.start + len(self.values)

    def mark(self, wall_s: float) -> None:
        """Give what is appended from here on the time `wall_s`, in Unix seconds."""
        marks = self.tail.page.marks
        at = len(self.values)
        last_at, last_s = marks[-1]
        if at == last_at:
            marks[-1] = (at, wall_s)
        elif abs(wall_s - last_s) >= _MARK_S:
            marks.append((at, wall_s))

    def extend(self, values: list[Any]) -> None:
        """Admit payloads; the list itself becomes the page when that is still empty."""
        if self.values:
            self.values.extend(values)
        else:
            self.tail.page.values = self.values = values

    def advance(self) -> Batch | None:
        """Make everything admitted readable; return what is new, or None."""
        tail, head = self.tail, self.head
        if head == self.front:
            return None
        batch = Batch(tail.page, self.front - tail.start, head - tail.start)
        self.front = head
        self.recent = tail
        if len(self.values) >= PAGE:
            tail.j = len(self.values)
            tail.next = self._open(head)
        return batch

    def append(self, batch: Batch) -> None:
        """Append a batch that has its own page, readable at once; call `advance` before."""
        old, start = self.tail, self.front
        n = batch.j - batch.i
        self.front = start + n
        if old.start == start:  # nothing in the open chunk: it becomes this one
            chunk = old
            chunk.page, chunk.i, chunk.j = batch.page, batch.i, batch.j
        else:
            old.j = start - old.start
            chunk = old.next = Chunk(batch.page, batch.i, batch.j, start)
        chunk.next = self._open(start + n)
        self.recent = chunk


class Cursor:
    """Is a place in a log from which one queue reads on."""

    __slots__ = ("chunk", "log", "pos")

    def __init__(self, log: Log, chunk: Chunk, pos: int) -> None:
        self.log = log
        self.chunk = chunk
        self.pos = pos

    @property
    def lag(self) -> int:
        """Events between this cursor and the front."""
        return self.log.front - self.pos

    def take(self, limit: int) -> Batch | None:
        """Return at most `limit` events that stand together, and pass them; None at the front."""
        if self.pos >= self.log.front:
            return None
        chunk, at = self._settle()
        until = min(at + limit, chunk.j if chunk.j >= 0 else self.log.front - chunk.start)
        self.pos += until - at
        return Batch(chunk.page, at, until)

    def skip(self, n: int) -> None:
        """Pass n events without reading them, and let go of their pages."""
        self.pos = min(self.pos + n, self.log.front)
        self._settle()

    def _settle(self) -> tuple[Chunk, int]:
        """Step to the chunk that holds `pos`; return it and the index in its page."""
        chunk = self.chunk
        while chunk.j >= 0 and self.pos - chunk.start >= chunk.j - chunk.i:
            following = chunk.next
            assert following is not None, "a sealed chunk has a successor"
            chunk = following
        self.chunk = chunk
        return chunk, chunk.i + self.pos - chunk.start
