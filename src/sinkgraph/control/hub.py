"""Messages to many readers: each has a short queue, and a slow one loses some and is told so.

It knows no sockets and waits for nobody. A reader that comes back goes on where it was, while what
it missed is still in the ring.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

import msgspec

__all__ = ["MOST_READERS", "Hub", "Message", "Reader"]

MOST_READERS = 64
_QUEUED = 16
_encode = msgspec.json.Encoder(enc_hook=str).encode


class Message(msgspec.Struct, frozen=True):
    """Is one message as it is sent: its number, its kind and its JSON, encoded once for all."""

    seq: int
    event: str
    data: bytes

    @staticmethod
    def of(seq: int, event: str, value: object) -> Message:
        """Encode a message."""
        return Message(seq, event, _encode(value))


class Reader:
    """Is one reader's queue; `missed` counts what it was too slow for since it was last told."""

    def __init__(self, hub: Hub, most: int) -> None:
        self._hub = hub
        self._most = most
        self._queue: deque[Message] = deque()
        self._wanted: asyncio.Future[None] | None = None
        self.missed = 0
        self.closed = False

    def put(self, message: Message) -> None:
        """Queue a message; when the reader is too far behind, all it has not read is dropped."""
        if self.closed:
            return
        if len(self._queue) >= self._most:
            self.missed += len(self._queue)
            self._queue.clear()
        self._queue.append(message)
        self._wake()

    def push(self, messages: list[Message]) -> None:
        """Queue what it is to have first."""
        self._queue.extend(messages)
        self._wake()

    def close(self) -> None:
        """End it after what it has; idempotent."""
        self.closed = True
        self._hub.leave(self)
        self._wake()

    def _wake(self) -> None:
        if self._wanted is not None and not self._wanted.done():
            self._wanted.set_result(None)

    async def next(self, within_s: float) -> Message | None:
        """Return the next message, or None when there is none in time, or at the end."""
        if not self._queue and not self.closed:
            self._wanted = asyncio.get_running_loop().create_future()
            await asyncio.wait([self._wanted], timeout=within_s)
        return self._queue.popleft() if self._queue else None

    def take_missed(self) -> int:
        """Return how many messages were dropped since this was last asked."""
        missed, self.missed = self.missed, 0
        return missed


class Hub:
    """Numbers messages and hands each to every reader; the last `kept` can be read again.

    `run_id` is part of what a reader names when it comes back: another run's numbers say nothing.
    `whole()` gives what a reader gets first when it cannot go on where it was.
    """

    def __init__(
        self,
        run_id: str,
        whole: Callable[[], list[Message]],
        *,
        kept: int = 64,
        queued: int = _QUEUED,
        most_readers: int = MOST_READERS,
    ) -> None:
        self.run_id = run_id
        self.seq = 0
        self.most_readers = most_readers
        self._whole = whole
        self._queued = queued
        self._ring: deque[Message] = deque(maxlen=kept)
        self._readers: dict[Reader, None] = {}

    @property
    def readers(self) -> int:
        """How many read now."""
        return len(self._readers)

    def publish(self, event: str, value: object) -> Message:
        """Number a message and hand it to every reader."""
        self.seq += 1
        message = Message.of(self.seq, event, value)
        self._ring.append(message)
        for reader in list(self._readers):
            reader.put(message)
        return message

    def join(self, last_id: str | None) -> Reader | None:
        """Return a new reader, or None when there are too many.

        `last_id` is what the last message it had was called: it goes on behind that, if it can.
        """
        if len(self._readers) >= self.most_readers:
            return None
        reader = Reader(self, self._queued)
        reader.push(self._after(last_id))
        self._readers[reader] = None
        return reader

    def _after(self, last_id: str | None) -> list[Message]:
        run_id, _, number = (last_id or "").rpartition(".")
        if run_id == self.run_id and number.isdecimal() and len(number) < 16:
            seq = int(number)
            first = self._ring[0].seq if self._ring else self.seq + 1
            if first - 1 <= seq <= self.seq:
                return [message for message in self._ring if message.seq > seq]
        return self._whole()

    def whole(self) -> list[Message]:
        """Return what a reader gets that missed something."""
        return self._whole()

    def leave(self, reader: Reader) -> None:
        """Forget a reader."""
        self._readers.pop(reader, None)

    def close(self) -> None:
        """End every reader."""
        for reader in list(self._readers):
            reader.close()
