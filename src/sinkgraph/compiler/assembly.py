"""What a compiler hands to the topology: live nodes, connected and not yet bound to anything."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sinkgraph.sinks.base import Link, Node
from sinkgraph.sinks.burial import DeadLetters
from sinkgraph.sources.base import SourceNode

if TYPE_CHECKING:
    from sinkgraph.graph.model import Graph

__all__ = ["Assembly"]


@dataclass(slots=True)
class Assembly:
    """Is what a compiler hands over: nodes that are connected but not bound.

    `entries` are edges written from outside by name (inlets are sources, and are in `sources`).
    `graph` is what it was built from, where that was a document; `shared` is what its nodes hold
    together, and what those of a later graph of the same run join.
    """

    name: str
    sources: dict[str, SourceNode] = field(default_factory=dict)
    sinks: dict[str, Node] = field(default_factory=dict)
    entries: dict[str, Link] = field(default_factory=dict)
    dead_letters: Node = field(default_factory=DeadLetters)
    digest: str = ""
    provided: dict[str, Any] = field(default_factory=dict)
    graph: Graph | None = None
    shared: dict[str, Any] = field(default_factory=dict)

    @property
    def nodes(self) -> dict[str, Node]:
        """Every node by name: sources, sinks, dead letters."""
        return {**self.sources, **self.sinks, self.dead_letters.name: self.dead_letters}
