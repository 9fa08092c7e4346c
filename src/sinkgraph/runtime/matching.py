"""Which live node goes on as which of a new graph, and which begin and end.

It changes nothing; the commit does what it says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sinkgraph.sinks.base import Node
from sinkgraph.sinks.http import HttpSink
from sinkgraph.sinks.queue import Queue
from sinkgraph.sinks.splice import beyond

if TYPE_CHECKING:
    from sinkgraph.compiler.assembly import Assembly
    from sinkgraph.graph.diff import Plan

__all__ = ["Matching", "endpoints", "match"]


@dataclass(slots=True)
class Matching:
    """Says what becomes of every node.

    `kept`: new name → the live node that goes on, and the one built for it, whose settings it
    follows. `alike`: those of them of which nothing but where their edges lead can differ.
    `begun`: new name → a node that begins. `ended`: nodes that stay behind, by the name they had.
    """

    kept: dict[str, tuple[Node, Node]] = field(default_factory=dict)
    alike: set[str] = field(default_factory=set)
    begun: dict[str, Node] = field(default_factory=dict)
    ended: dict[str, Node] = field(default_factory=dict)

    @property
    def changed(self) -> set[str]:
        """The new names of nodes that are not as they were."""
        return {*self.begun, *(name for name in self.kept if name not in self.alike)}

    @property
    def final(self) -> dict[str, Node]:
        """Every node of the new graph by its name, live or about to be."""
        return {**{name: old for name, (old, _) in self.kept.items()}, **self.begun}


def match(
    live: Mapping[str, Node], leaving: Mapping[str, Node], new: Assembly, plan: Plan
) -> Matching:
    """Match live nodes, and those that are leaving, with those of a new assembly."""
    made = Matching()
    changes = {one.name: one for one in plan.changes if one.action != "remove"}
    taken: set[str] = set()
    for name, fresh in new.nodes.items():
        change = changes.get(name)
        former = change.was if change is not None and change.was else name
        old = live.get(former) or leaving.get(name)
        same = change is not None and change.action == "keep" and old is not None
        if old is not None and not old.closed and same and _same_edges(old, fresh):
            made.kept[name] = old, fresh
            made.alike.add(name)
        elif old is not None and not old.closed and old.can_become(fresh):
            made.kept[name] = old, fresh
        else:
            made.begun[name] = fresh
            continue
        taken.add(old.name)
    made.ended = {name: node for name, node in live.items() if name not in taken}
    return made


def _same_edges(old: Node, fresh: Node) -> bool:
    if type(old) is not type(fresh):
        return False
    if (old.on_remove, old.was) != (fresh.on_remove, fresh.was):
        return False
    mine, other = old.links(), fresh.links()
    return [(one.port, one.required) for one in mine] == [(one.port, one.required) for one in other]


def endpoints(node: Node) -> frozenset[tuple[str, str, int | None]]:
    """Return the origins that a node delivers to by itself: of http sinks before any queue."""
    found: set[tuple[str, str, int | None]] = set()
    seen: set[int] = set()
    todo = [link.target for link in node.links() if link.port != "dead_letter"]
    while todo:
        one = beyond(todo.pop())
        if id(one) in seen or isinstance(one, Queue):
            continue
        seen.add(id(one))
        if isinstance(one, HttpSink):
            found.add(one.origin)
        todo += [link.target for link in one.links() if link.port != "dead_letter"]
    return frozenset(found)
