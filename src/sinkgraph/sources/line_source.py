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
from sinkgraph.sources.lines import LineFormat, decode_lines
from sinkgraph.sources.schema_gate import SchemaGate

__all__ = ["MOST_LINES", "LineSource"]

MOST_LINES = 1_000


class LineSource(SourceNode):
    """Reads lines. One that is no event becomes a dead letter, its bytes the payload.

    `registry` takes notifications of a Docker registry apart. `max_line` in bytes. `gate` holds
    events against a schema; one it refuses becomes a dead letter too.
    """

    def __init__(
        self,
        to: Sink | Link,
        *,
        format: LineFormat = "ndjson",
        registry: bool = False,
        max_line: int = MIB,
        gate: SchemaGate | None = None,
    ) -> None:
        super().__init__(to)
        self.gate = gate
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
        bad = self.gate.refused(self, decoded.values) if self.gate is not None else []
        refused = {one.index for one in bad}
        values = [one for k, one in enumerate(decoded.values) if k not in refused]
        if values:
            await self.deliver(self.stamp(values))
        for item in bad:
            await self._bury(decoded.values[item.index], "not_valid", item.reason)
        for one in decoded.bad:
            self.bad_lines += 1
            await self._bury(_shown(one.text), "bad_line", one.reason)

    async def _bury(self, value: Any, reason: str, why: str) -> None:
        """Make a dead letter of a line that is no event, or of an event that is not valid."""
        self.last_error = why
        ledger = self.ledger
        ledger.entered += 1
        ledger.held += 1
        dead = 0
        try:
            await bury_batch(self, None, self.stamp([value]), reason, [why])
            dead = 1
        finally:
            ledger.held -= 1
            ledger.dead_lettered += dead
            ledger.returned += 1 - dead

    def facts(self) -> dict[str, Any]:
        """Return what a snapshot shows of reading."""
        invalid = {} if self.gate is None else {"invalid": self.gate.invalid}
        return {**super().facts(), "bad_lines": self.bad_lines, **invalid}


def _shown(text: bytes) -> str | bytes:
    try:
        return text.decode()
    except UnicodeDecodeError:
        return text
