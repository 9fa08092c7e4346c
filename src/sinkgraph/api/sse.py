"""Server-sent events, read as they come: bytes become messages.

https://html.spec.whatwg.org/multipage/server-sent-events.html, but for what sinkgraph never sends.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from sinkgraph.api.addresses import Unreachable

__all__ = ["Message", "messages_of"]

MOST_BYTES = 64 * 1024**2


@dataclass(frozen=True, slots=True)
class Message:
    """Is one message: its kind, its data, and its id, if it has one."""

    event: str
    data: bytes
    id: str | None


async def messages_of(
    chunks: AsyncIterator[bytes], *, most: int = MOST_BYTES
) -> AsyncIterator[Message]:
    """Yield the messages in chunks of bytes; raises Unreachable for one beyond `most` bytes."""
    held = bytearray()
    async for chunk in chunks:
        searched = max(0, len(held) - 1)
        held += chunk
        while (end := held.find(b"\n\n", searched)) >= 0:
            message = _message(bytes(held[:end]))
            del held[: end + 2]
            searched = 0
            if message is not None:
                yield message
        if len(held) > most:
            raise Unreachable(f"a message is larger than {most} bytes")


def _message(block: bytes) -> Message | None:
    """Return the message of a block, None for one without data."""
    event, data, number = "message", [], None
    for line in block.split(b"\n"):
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"event":
            event = value.decode("utf-8", "replace")
        elif name == b"data":
            data.append(value)
        elif name == b"id":
            number = value.decode("utf-8", "replace")
    return Message(event, b"\n".join(data), number) if data else None
