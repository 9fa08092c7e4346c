"""Hands events to Python code that reads them with `async for`.

It keeps at most `capacity` events, and a writer waits for the reader. Who writes to it, and what
happens to events nobody reads, is not its part.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, ClassVar, Literal

from sinkgraph.errors import Overloaded, Owed, PartialWrite, Rejected, SinkClosed
from sinkgraph.event import Batch, Event
from sinkgraph.formats.copying import copy_plain
from sinkgraph.sinks.base import Node, Terminal

__all__ = ["Channel", "Reader"]


class _Entry:
    """Is a batch on its way in: waiting for room, or (capacity 0) for being read."""

    __slots__ = ("batch", "future")

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.future: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class _Line:
    """Is what one reader, or all that compete, will read: views into batches, oldest first."""

    __slots__ = ("depth", "parts", "ready")

    def __init__(self) -> None:
        self.parts: deque[tuple[Batch, int, _Entry | None]] = deque()  # batch, next index, writer
        self.depth = 0
        self.ready = asyncio.Event()

    def put(self, batch: Batch, entry: _Entry | None) -> None:
        self.parts.append((batch, 0, entry))
        self.depth += len(batch)
        self.ready.set()

    def take(self) -> Event:
        batch, k, entry = self.parts[0]
        if k + 1 == len(batch):
            self.parts.popleft()
        else:
            self.parts[0] = (batch, k + 1, entry)
        self.depth -= 1
        return batch[k]

    def holds(self, entry: _Entry) -> bool:
        return any(one is entry for _, _, one in self.parts)

    def withdraw(self, entry: _Entry) -> int:
        """Take back what was not read of an entry; return how much of it was read."""
        read = len(entry.batch)
        kept: deque[tuple[Batch, int, _Entry | None]] = deque()
        for part in self.parts:
            if part[2] is entry:
                read = part[1]
                self.depth -= len(part[0]) - read
            else:
                kept.append(part)
        self.parts = kept
        return read


class Channel(Terminal):
    """Is a sink to write to and an async iterable to read from.

    An event is delivered when it is in the channel; with `capacity` 0, when it was read. With
    `readers="compete"` each event goes to one reader, with `"each"` every reader gets all that
    came since it began (the first also what was there). Readers get private copies. With
    `when_full="close"` a write that finds no room closes the channel, and its reader ends with
    `Overloaded(missed=n)`; with `"block"` the write waits. After `close` readers get what is left
    and then end; writes raise SinkClosed, those that wait too.
    """

    kind: ClassVar[str] = "channel"
    settings = ("capacity", "when_full")

    def __init__(
        self,
        capacity: int = 1_000,
        *,
        readers: Literal["compete", "each"] = "compete",
        when_full: Literal["block", "close"] = "block",
    ) -> None:
        super().__init__()
        if capacity < 0:
            raise ValueError(f"capacity must not be negative, not {capacity!r}")
        if readers not in ("compete", "each"):
            raise ValueError(f"readers must be compete or each, not {readers!r}")
        if when_full not in ("block", "close"):
            raise ValueError(f"when_full must be block or close, not {when_full!r}")
        self.capacity = capacity
        self.readers = readers
        self.when_full = when_full
        self.missed = 0
        self._lines: list[_Line] = [_Line()]
        self._unclaimed = True  # the only line belongs to whoever reads first
        self._waiting: deque[_Entry] = deque()
        self._handing: list[_Entry] = []

    # writing

    @property
    def instant(self) -> bool:
        """Whether a write can be taken at once."""
        return self.capacity > 0

    def offer(self, batch: Batch) -> bool:
        """Take a batch at once when there is room."""
        n = len(batch)
        if self.closed or self._waiting or not self.capacity or not self._fits(n):
            return False
        self._put(batch, None)
        self.ledger.entered += n
        self.ledger.delivered += n
        return True

    async def deliver(self, batch: Batch) -> None:
        """Put events in; a batch larger than the capacity goes in by parts."""
        if not self.capacity:
            await self._hand_over(batch)
            return
        if self.when_full == "close" and not self._fits(len(batch)):
            self.missed += len(batch)
            self._end()
            raise SinkClosed(f"channel {self.name or '(unnamed)'} closed: its reader is too slow")
        for at in range(0, len(batch), self.capacity):
            part = batch[at : at + self.capacity]
            try:
                await self._admit(part)
            except SinkClosed as error:
                if at == 0:
                    raise
                raise PartialWrite([Owed(self.write, batch[at:], error)]) from None

    async def _admit(self, batch: Batch) -> None:
        self.refuse_if_closed()
        if not self._waiting and self._fits(len(batch)):
            self._put(batch, None)
            return
        entry = _Entry(batch)
        self._waiting.append(entry)
        try:
            await entry.future
        finally:
            if entry in self._waiting:
                self._waiting.remove(entry)
                self._let_in()

    async def _hand_over(self, batch: Batch) -> None:
        self.refuse_if_closed()
        entry = _Entry(batch)
        self._handing.append(entry)
        self._put(batch, entry)
        try:
            await entry.future
        except SinkClosed as error:
            read = min(line.withdraw(entry) for line in self._lines)
            if not read:
                raise
            raise PartialWrite([Owed(self.write, batch[read:], error)]) from None
        finally:
            self._handing.remove(entry)
            for line in self._lines:
                line.withdraw(entry)

    def _fits(self, n: int) -> bool:
        return all(line.depth + n <= self.capacity for line in self._lines)

    def _put(self, batch: Batch, entry: _Entry | None) -> None:
        for line in self._lines:
            line.put(batch, entry)

    def _let_in(self) -> None:
        """Put in what waits, in order, as far as there is room."""
        while self._waiting and self._fits(len(self._waiting[0].batch)):
            entry = self._waiting.popleft()
            if not entry.future.done():
                self._put(entry.batch, None)
                entry.future.set_result(None)

    def can_become(self, fresh: Node) -> bool:
        """Readers that begin to compete, or stop to, need another channel; so does capacity 0."""
        return (
            isinstance(fresh, Channel)
            and fresh.readers == self.readers
            and bool(fresh.capacity) == bool(self.capacity)
        )

    def become(self, fresh: Node) -> None:
        """Hold more or fewer events from now on; what is in it stays."""
        super().become(fresh)
        self._let_in()

    # reading

    def __aiter__(self) -> Reader:
        """Begin to read."""
        if self.readers == "compete" or self._unclaimed:
            self._unclaimed = False
            return Reader(self, self._lines[0])
        line = _Line()
        self._lines.append(line)
        return Reader(self, line)

    def _took(self) -> None:
        self._let_in()
        for entry in list(self._handing):
            if not entry.future.done() and not any(line.holds(entry) for line in self._lines):
                entry.future.set_result(None)

    def _leave(self, line: _Line) -> None:
        """Forget the line of a reader that went away; the last one's is kept for the next."""
        if self.readers == "compete":
            return
        if len(self._lines) == 1:
            self._unclaimed = True
        elif line in self._lines:
            self._lines.remove(line)
            self._took()

    # ending

    async def close(self) -> None:
        """Take nothing more; readers get what is left, then end."""
        self._end()

    def _end(self) -> None:
        if self.closed:
            return
        self.closed = True
        error = SinkClosed(f"channel {self.name or '(unnamed)'} is closed")
        for entry in [*self._waiting, *self._handing]:
            if not entry.future.done():
                entry.future.set_exception(error)
        self._waiting.clear()
        for line in self._lines:
            line.ready.set()

    @property
    def depth(self) -> int:
        """How many events the slowest reader has still to read."""
        return max(line.depth for line in self._lines)

    def facts(self) -> dict[str, Any]:
        """Return depth, capacity and readers."""
        return {
            **super().facts(),
            "depth": self.depth,
            "capacity": self.capacity,
            "waiting": len(self._waiting) + len(self._handing),
            "missed": self.missed,
        }


class Reader:
    """Reads a channel: `async for event in channel`. Stop it by leaving the loop, or `close`."""

    def __init__(self, channel: Channel, line: _Line) -> None:
        self._channel = channel
        self._line = line
        self._left = False

    def __aiter__(self) -> Reader:
        """Return itself."""
        return self

    async def __anext__(self) -> Event:
        """Return the next event; ends after the channel was closed and read to its end."""
        line, channel = self._line, self._channel
        while not self._left:
            if line.depth:
                event = line.take()
                channel._took()
                return _private(event)
            if channel.closed:
                if channel.missed:
                    raise Overloaded(
                        f"channel {channel.name or '(unnamed)'}: the reader was too slow",
                        missed=channel.missed,
                    )
                break
            line.ready.clear()
            await line.ready.wait()
        raise StopAsyncIteration

    def close(self) -> None:
        """Read no further; idempotent."""
        if not self._left:
            self._left = True
            self._line.ready.set()
            self._channel._leave(self._line)

    def __del__(self) -> None:
        """Leave, when the reading loop was left without `close`."""
        self.close()


def _private(event: Event) -> Event:
    """Return the event with a payload nobody else holds; one that cannot be copied is shared."""
    try:
        return event.with_data(copy_plain(event.payload))
    except Rejected:
        return event
