"""What the sources that read lines share: batches handed on until taken, bad lines set apart.

Where lines come from, and what a place among them is, is their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sinkgraph.formats.limits import MIB, Limits
from sinkgraph.sinks.base import Link, Sink
from sinkgraph.sources.base import SourceNode
from sinkgraph.sources.lines import LineFormat, decode_lines
from sinkgraph.sources.refusing import bury, without
from sinkgraph.sources.schema_gate import SchemaGate

__all__ = ["MOST_LINES", "LineSource"]

MOST_LINES = 1_000


class LineSource(SourceNode):
    """Reads lines. One that is no event becomes a dead letter, its bytes the payload.

    `registry` takes notifications of a Docker registry apart; with `cloud_events` a line is a
    CloudEvent in JSON. `max_line` in bytes. `gate` holds
    events against a schema; one it refuses becomes a dead letter too.
    """

    settings = ("gate", "format", "registry", "cloud_events", "max_line", "_limits")

    def __init__(
        self,
        to: Sink | Link,
        *,
        format: LineFormat = "ndjson",
        registry: bool = False,
        cloud_events: bool = False,
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
        self.cloud_events = cloud_events
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
            cloud_events=self.cloud_events,
            received=self.bound.clock.wall(),
        )
        bad = self.gate.refused(self, decoded.values) if self.gate is not None else []
        values = without(decoded.values, bad)
        if values:
            await self.deliver(self.stamp(values))
        for item in bad:
            await bury(self, decoded.values[item.index], "not_valid", item.reason)
        for one in decoded.bad:
            self.bad_lines += 1
            await bury(self, _shown(one.text), "bad_line", one.reason)

    def facts(self) -> dict[str, Any]:
        """Return what a snapshot shows of reading."""
        invalid = {} if self.gate is None else {"invalid": self.gate.invalid}
        return {**super().facts(), "bad_lines": self.bad_lines, **invalid}


def _shown(text: bytes) -> str | bytes:
    try:
        return text.decode()
    except UnicodeDecodeError:
        return text
