"""What the sources that read lines share: batches handed on until taken, bad lines set apart.

Where lines come from, and what a place among them is, is their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sinkgraph.formats.limits import MIB, Limits
from sinkgraph.sinks.base import Link, Sink
from sinkgraph.sinks.burial import bury_batch
from sinkgraph.sources.base import SourceNode
from sinkgraph.sources.lines import BadLine, LineFormat, decode_lines

__all__ = ["MOST_LINES", "LineSource"]

MOST_LINES = 1_000


class LineSource(SourceNode):
    """Reads lines. One that is no event becomes a dead letter, its bytes the payload.

    `registry` takes notifications of a Docker registry apart. `max_line` in bytes.
    """

    def __init__(
        self,
        to: Sink | Link,
        *,
        format: LineFormat = "ndjson",
        registry: bool = False,
        max_line: int = MIB,
    ) -> None:
        super().__init__(to)
        if format not in ("ndjson", "lines"):
            raise ValueError(f"format must be ndjson or lines, not {format!r}")
        if max_line < 1:
            raise ValueError(f"max_line must be at least 1 byte, not {max_line!r}")
        self.format: LineFormat = format
        self.registry = registry
        self.max_line = max_line
        self.bad_lines = 0
        self._limits = Limits(max_body=max_line)

    async def take(self, lines: Sequence[bytes]) -> None:
        """Hand lines on; returns when all were taken or became dead letters."""
        decoded = decode_lines(
            lines,
            self.format,
            self._limits,
            registry=self.registry,
            received=self.bound.clock.wall(),
        )
        if decoded.values:
            await self.deliver(self.stamp(decoded.values))
        for one in decoded.bad:
            await self._set_apart(one)

    async def _set_apart(self, line: BadLine) -> None:
        """Make a dead letter of a line that is no event."""
        self.bad_lines += 1
        self.last_error = line.reason
        ledger = self.ledger
        ledger.entered += 1
        ledger.held += 1
        dead = 0
        try:
            await bury_batch(self, None, self.stamp([_shown(line.text)]), "bad_line", [line.reason])
            dead = 1
        finally:
            ledger.held -= 1
            ledger.dead_lettered += dead
            ledger.returned += 1 - dead

    def facts(self) -> dict[str, Any]:
        """Return what a snapshot shows of reading."""
        return {**super().facts(), "bad_lines": self.bad_lines}


def _shown(text: bytes) -> str | bytes:
    try:
        return text.decode()
    except UnicodeDecodeError:
        return text
