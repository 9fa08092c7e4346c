"""Events held against the schema of their source: refused, or counted and told.

It decides nothing about schemas, only what becomes of events that are not valid.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sinkgraph.event import Event, Json
from sinkgraph.formats.limits import BadItem
from sinkgraph.sinks.base import Node

__all__ = ["SchemaGate"]

_TOLD_EVERY_S = 60.0


class SchemaGate:
    """Holds the payloads of a source against a schema.

    `check` returns why a payload is not valid, or None. With `refuse` such events are bad items of
    what they came in; else they pass, are counted, and told once a minute.
    """

    def __init__(self, check: Callable[[Any], str | None], *, refuse: bool) -> None:
        self._check = check
        self.refuse = refuse
        self.invalid = 0
        self._told_at: float | None = None
        self._told = 0  # how many there were when it was told last

    def refused(self, node: Node, values: Sequence[Any]) -> list[BadItem]:
        """Return the events to refuse, each with its index and why; count those that pass."""
        bad: list[BadItem] = []
        for index, value in enumerate(values):
            why = self._check(_plain(value))
            if why is not None:
                bad.append(BadItem(index, why))
        if bad:
            self.invalid += len(bad)
            self._tell(node, bad[0].reason)
        return bad if self.refuse else []

    def _tell(self, node: Node, reason: str) -> None:
        now = node.bound.clock.now()
        if self._told_at is None or now - self._told_at >= _TOLD_EVERY_S:
            count, self._told = self.invalid - self._told, self.invalid
            self._told_at = now
            node.bound.journal("events_invalid", node=node.name, count=count, error=reason)


def _plain(value: Any) -> Any:
    if isinstance(value, Event):
        value = value.payload
    return value.value if isinstance(value, Json) else value
