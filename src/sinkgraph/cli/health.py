"""Which nodes of a running graph began to fail or recovered, as lines for an operator.

It compares statuses from one look to the next; a breaker's own transitions are the journal's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, cast

from sinkgraph.diagnostics.safe import safe_text

if TYPE_CHECKING:
    from sinkgraph.sinks.base import Node
    from sinkgraph.sinks.queue import Queue

__all__ = ["Health", "Losses", "held_events", "resting_events"]

_EVERY_S = 30.0
_LOSSES_EVERY_S = 60.0


class Watched(Protocol):
    """Is what is looked at of a live node."""

    name: str
    status: str

    @property
    def kind(self) -> str:
        """The word of its kind."""
        ...

    def facts(self) -> Mapping[str, Any]:
        """Return what the node says of itself; `last_error` among it."""
        ...


class Health:
    """Remembers the status of every node and when a line was last said of it."""

    def __init__(self) -> None:
        self._was: dict[str, str] = {}
        self._said: dict[str, float] = {}

    def changes(self, nodes: Iterable[Watched], now: float) -> list[str]:
        """Return a line for each node that is worse or well again since the last look.

        `now` in seconds. A node that flaps is told of every 30 s at most.
        """
        lines = []
        for node in nodes:
            if node.kind == "breaker":
                continue
            is_now = "ok" if node.status in ("ok", "starting", "draining") else node.status
            if is_now == self._was.get(node.name, "ok"):
                continue
            said = self._said.get(node.name)
            if said is not None and now - said < _EVERY_S:
                continue
            self._was[node.name] = is_now
            self._said[node.name] = now
            reason = node.facts().get("last_error") if is_now != "ok" else None
            word = "delivers again" if is_now == "ok" else is_now
            tail = f"; {reason}" if reason else ""
            lines.append(safe_text(f"{node.name}: {word}{tail}"))
        return lines


class Losses:
    """Remembers what every node has dropped, and when that was said last."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, str], int] = {}
        self._said: dict[tuple[str, str], float] = {}

    def changes(self, nodes: Iterable[Node], now: float) -> list[dict[str, Any]]:
        """Return the facts of each node and reason that dropped events since it was said last.

        `now` in seconds. A node and reason is told of once a minute at most.
        """
        found = []
        for node in nodes:
            for reason, so_far in node.account().dropped.items():
                key = (node.name, reason)
                fresh = so_far - self._told.get(key, 0)
                if not fresh or now - self._said.get(key, -_LOSSES_EVERY_S) < _LOSSES_EVERY_S:
                    continue
                self._told[key], self._said[key] = so_far, now
                fact = {"node": node.name, "reason": reason, "events": fresh, "so_far": so_far}
                found.append(fact)
        return found


def held_events(sources: Iterable[Node], nodes: Iterable[Node]) -> int:
    """Return how many events are still to be delivered before a stop ends.

    Each is counted where it is kept, in a queue or at its source, not where it passes; what stays
    on disk is not waited for.
    """
    return sum(node.pending() for node in [*sources, *_queues(nodes, resting=False)])


def resting_events(nodes: Iterable[Node]) -> int:
    """Return how many events stay where they are, on disk, when the stop has ended."""
    return sum(node.pending() for node in _queues(nodes, resting=True))


def _queues(nodes: Iterable[Node], *, resting: bool) -> list[Node]:
    """Return the queues that deliver nothing more, or those that do."""
    found = [node for node in nodes if node.kind == "queue"]
    return [node for node in found if cast("Queue", node).lanes.resting == resting]
