"""What is to be drawn: nodes, edges and groups, in the order of the document.

It holds no live numbers (`looks`) and no places (`arrange`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["MapEdge", "MapGraph", "MapNode"]


@dataclass(frozen=True, slots=True)
class MapNode:
    """Is one node; `label` stands for `name` where it is shown."""

    name: str
    kind: str
    role: str = ""
    group: str | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True)
class MapEdge:
    """Is one edge.

    `error`: it carries dead letters, and is dashed. `required` False: nobody waits for it.
    """

    source: str
    target: str
    port: str = "to"
    index: int = 0
    required: bool = True
    error: bool = False


@dataclass(frozen=True, slots=True)
class MapGraph:
    """Is a graph; it may be broken, as a document is while it is written."""

    nodes: tuple[MapNode, ...]
    edges: tuple[MapEdge, ...]

    @classmethod
    def of(cls, nodes: Iterable[MapNode], edges: Iterable[MapEdge]) -> MapGraph:
        """Make one of any iterables."""
        return cls(tuple(nodes), tuple(edges))
