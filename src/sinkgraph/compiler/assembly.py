"""What a compiler hands to the topology: live nodes, connected and not yet bound to anything."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sinkgraph.sinks.base import Link, Node
from sinkgraph.sinks.burial import DeadLetters
from sinkgraph.sources.base import SourceNode

__all__ = ["Assembly"]


@dataclass(slots=True)
class Assembly:
    """Is what a compiler hands over: nodes that are connected but not bound.

    `entries` are edges written from outside by name (inlets are sources, and are in `sources`).
    """

    name: str
    sources: dict[str, SourceNode] = field(default_factory=dict)
    sinks: dict[str, Node] = field(default_factory=dict)
    entries: dict[str, Link] = field(default_factory=dict)
    dead_letters: Node = field(default_factory=DeadLetters)
    digest: str = ""
    provided: dict[str, Any] = field(default_factory=dict)
