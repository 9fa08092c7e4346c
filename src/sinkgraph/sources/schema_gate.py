"""Events held against the schema of their source: refused, or counted and told.

It decides nothing about schemas, only what becomes of events that are not valid.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from sinkgraph.event import Event, Json
from sinkgraph.formats.limits import BadItem
from sinkgraph.formats.type_patterns import best_pattern
from sinkgraph.sinks.base import Node

__all__ = ["Check", "SchemaGate"]

Check: TypeAlias = Callable[[Any], "str | None"]
"""Returns why a payload is not valid, or None."""
_TOLD_EVERY_S = 60.0
_TYPE = "event"  # of an event that came as a payload alone
_MOST_TYPES = 1_000  # whose check is remembered


class SchemaGate:
    """Holds the payloads of a source against a schema.

    `check` is for every event; `by_type` has checks by a pattern of their types, and comes first
    (None: anything is valid).
    With `refuse` such events are bad items of what they came in; else they pass, are counted, and
    told once a minute.
    """

    def __init__(
        self,
        check: Check | None,
        *,
        refuse: bool,
        by_type: Mapping[str, Check | None] | None = None,
    ) -> None:
        self._check = check
        self._by_type = dict(by_type or {})
        self._of_type: dict[str, Check | None] = {}
        self.refuse = refuse
        self.invalid = 0
        self._told_at: float | None = None
        self._told = 0  # how many there were when it was told last

    def refused(self, node: Node, values: Sequence[Any]) -> list[BadItem]:
        """Return the events to refuse, each with its index and why; count those that pass."""
        bad: list[BadItem] = []
        for index, value in enumerate(values):
            check = self._check
            if self._by_type:
                check = self._check_of(value.type if isinstance(value, Event) else _TYPE)
            why = check(_plain(value)) if check is not None else None
            if why is not None:
                bad.append(BadItem(index, why))
        if bad:
            self.invalid += len(bad)
            self._tell(node, bad[0].reason)
        return bad if self.refuse else []

    def _check_of(self, type: str) -> Check | None:
        """Return the check for events of a type."""
        if type not in self._of_type:
            if len(self._of_type) >= _MOST_TYPES:
                self._of_type.clear()
            pattern = best_pattern(self._by_type, type)
            self._of_type[type] = self._check if pattern is None else self._by_type[pattern]
        return self._of_type[type]

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
