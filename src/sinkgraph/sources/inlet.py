"""The named place where Python code writes events into a graph.

Writing is done by the running graph (`live.write`), straight into what is behind the inlet.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

from sinkgraph.errors import Rejected
from sinkgraph.event import Event, as_batch, to_payload
from sinkgraph.sinks.base import Link, Sink
from sinkgraph.sources.base import SourceNode
from sinkgraph.sources.schema_gate import SchemaGate
from sinkgraph.telemetry.stats import LedgerView

__all__ = ["Inlet"]


class _Entry(Protocol):
    def took(self) -> int:
        """Return how many events passed since this was last asked."""
        ...


class Inlet(SourceNode):
    """Has no input of its own and ends when it is stopped.

    `entry` is set by whoever writes past it, so that its ledger tells what went through. `gate`
    holds events against a schema: whoever writes past it asks `hold` first.
    """

    kind: ClassVar[str] = "inlet"
    settings = ("gate",)

    def __init__(self, to: Sink | Link, *, gate: SchemaGate | None = None) -> None:
        super().__init__(to)
        self.gate = gate
        self.entry: _Entry | None = None

    async def pump(self) -> None:
        """Wait for `stop`."""
        await self._stop.wait()

    async def write(self, events: Sequence[Event]) -> None:
        """Hand events on once; raises what the target raises."""
        self.refuse_if_closed()
        self.hold(events)
        await self.put(as_batch(events))

    def hold(self, values: Sequence[Any]) -> None:
        """Raise `Rejected` when one of the values that are written together is not valid.

        They are their writer's again, and counted as such.
        """
        if self.gate is None:
            return
        made = [one if isinstance(one, Event) else to_payload(one) for one in values]
        bad = self.gate.refused(self, made)
        if bad:
            self.ledger.entered += len(made)
            self.ledger.returned += len(made)
            first = f"{bad[0].reason}" if len(made) == 1 else f"[{bad[0].index}] {bad[0].reason}"
            counted = f"{len(bad)} of {len(made)} events are" if len(made) > 1 else "the event is"
            raise Rejected(f"{self.name}: {counted} not valid under the schema: {first}")

    def facts(self) -> dict[str, Any]:
        """Return what a snapshot shows of it."""
        return {**super().facts(), **({} if self.gate is None else {"invalid": self.gate.invalid})}

    def account(self) -> LedgerView:
        """Return its ledger, with what was written past it."""
        if self.entry is not None:
            n = self.entry.took()
            self.ledger.entered += n
            self.ledger.delivered += n
        return super().account()
