"""Makes events, for trying a graph out and for measuring it.

It keeps to a rate, not to a schedule: time lost to a slow target is not made up for in a burst.
"""

from __future__ import annotations

from typing import Any, ClassVar

from sinkgraph.event import Json, LazyEvent, Meta
from sinkgraph.formats.copying import copy_plain
from sinkgraph.sinks.base import Link, Sink
from sinkgraph.sources.base import SourceNode
from sinkgraph.sources.refusing import bury, without
from sinkgraph.sources.schema_gate import SchemaGate

__all__ = ["Generate"]

_MOST = 1_000
_GRAIN_S = 0.01
_PATIENCE_S = 1.0


class Generate(SourceNode):
    """Makes `count` events (no end without it), `rate` a second (as fast as taken without it).

    `event` is the payload of each, whose number (from 1) is then in `meta` as `seq`; without it
    the payloads are `{"n": 1}`, `{"n": 2}`, … `gate` holds them against a schema; one it refuses
    becomes a dead letter.
    """

    kind: ClassVar[str] = "generate"
    settings = ("rate", "count", "_payload", "gate")

    def __init__(
        self,
        to: Sink | Link,
        *,
        rate: float | None = None,
        count: int | None = None,
        event: Any = None,
        gate: SchemaGate | None = None,
    ) -> None:
        super().__init__(to)
        self.gate = gate
        if rate is not None and not 0 < rate < float("inf"):
            raise ValueError(f"rate must be more than 0 a second, not {rate!r}")
        if count is not None and count < 0:
            raise ValueError(f"count must not be negative, not {count!r}")
        if rate is None and count is None:
            raise ValueError("a source without end needs a rate")
        self.rate = rate
        self.count = count
        self.made = 0
        self._payload = None if event is None else Json(None, copy_plain(event))

    async def pump(self) -> None:
        """Make events until there were enough or `stop` is called."""
        clock = self.bound.clock
        since, before, rate = clock.now(), self.made, self.rate  # when counting began
        while not self.stopping:
            if rate != self.rate:
                since, before, rate = clock.now(), self.made, self.rate
            left = _MOST if self.count is None else self.count - self.made
            if left <= 0:
                return
            if self.rate is None:
                due = left
                await self.pause(0)
            else:
                now = clock.now()
                due = int((now - since) * self.rate) + 1 - (self.made - before)
                if due <= 0:
                    await self.pause(max(_GRAIN_S, (1 - due) / self.rate / 2))
                    continue
                if due > max(1.0, self.rate * _PATIENCE_S):
                    since, before = now, self.made
                    due = 1
            n = min(due, left, _MOST)
            await self._hand_on(self._make(n))
            self.made += n

    async def _hand_on(self, values: list[Any]) -> None:
        bad = self.gate.refused(self, values) if self.gate is not None else []
        for item in bad:
            await bury(self, values[item.index], "not_valid", item.reason)
        kept = without(values, bad) if bad else values
        if kept:
            await self.deliver(self.stamp(kept))

    def _make(self, n: int) -> list[Any]:
        first = self.made + 1
        payload = self._payload
        if payload is None:
            return [{"n": k} for k in range(first, first + n)]
        now, base = self.bound.clock.wall(), self._count
        return [
            LazyEvent(
                f"{self._uid}-{base + k}", "event", self.name, now, payload, Meta(seq=first + k)
            )
            for k in range(n)
        ]

    @property
    def position(self) -> Any:
        """How many events were made and taken."""
        return self.made

    def seek(self, position: Any) -> None:
        """Go on counting there."""
        if isinstance(position, int) and position >= 0:
            self.made = position

    def facts(self) -> dict[str, Any]:
        """Return what a snapshot shows of it."""
        return {**super().facts(), **({} if self.gate is None else {"invalid": self.gate.invalid})}
