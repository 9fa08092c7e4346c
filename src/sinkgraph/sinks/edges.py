"""Edges that a reload keeps: what leads to the same target stays the same object.

An attempt under way, and what is owed of it, holds the edge itself; so both go on where it leads.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeVar

from sinkgraph.sinks.base import Link
from sinkgraph.sinks.splice import beyond

__all__ = ["kept"]

_Edge = TypeVar("_Edge")


def kept(
    before: Sequence[_Edge], fresh: Sequence[_Edge], link: Callable[[_Edge], Link]
) -> tuple[list[_Edge], list[_Edge]]:
    """Return the edges a node has from now on, and those it had only before.

    They are in the order of `fresh`. One that leads to a target of the same name is that of
    `before`, and follows.
    """
    known: dict[str, deque[_Edge]] = {}
    for one in before:
        known.setdefault(beyond(link(one).target).name, deque()).append(one)
    edges: list[_Edge] = []
    for new in fresh:
        same = known.get(beyond(link(new).target).name)
        if same:
            link(same[0]).follow(link(new))
            edges.append(same.popleft())
        else:
            edges.append(new)
    return edges, [one for left in known.values() for one in left]
