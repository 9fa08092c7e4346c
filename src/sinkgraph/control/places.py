"""Finds in a running graph what an operator's word is about: a queue, a source, a breaker.

It reads live links and changes nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping

from sinkgraph.control.problems import Refusal
from sinkgraph.diagnostics.nearest import nearest
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.runtime.live import Live
from sinkgraph.sinks.base import Node
from sinkgraph.sinks.breaker import BreakerMachine
from sinkgraph.sinks.breaker_sink import BreakerSink
from sinkgraph.sinks.queue import Queue
from sinkgraph.sinks.retry import Retry
from sinkgraph.sinks.splice import Splice, beyond
from sinkgraph.sources.base import SourceNode

__all__ = ["Places", "machine_of"]

_Breaking = Retry | BreakerSink


def machine_of(node: Node | None) -> BreakerMachine | None:
    """Return a node's breaker, if it has one."""
    return node.machine if isinstance(node, _Breaking) else None


class Places:
    """Is a graph's live nodes and links as they are at this instant."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._nodes: Mapping[str, Node] = live.nodes
        self._into: dict[int, list[Node]] = {}
        for node in live.topology.ordered():
            if isinstance(node, Splice):
                continue
            for link in node.links():
                if link.port != "dead_letter":
                    self._into.setdefault(id(beyond(link.target)), []).append(node)

    def node(self, name: str) -> Node:
        """Return the node of a name; refuse a name nobody has with the nearest."""
        node = self._nodes.get(name)
        if node is None:
            near = nearest(name, self._nodes)
            said = f"no node is named `{safe_text(name, 80)}`"
            raise Refusal(404, "not_found", said, nearest=near)
        return node

    def pausable(self, name: str) -> Queue | SourceNode:
        """Return the queue or source of a name; refuse others, naming the nearest that can."""
        node = self.node(name)
        if isinstance(node, Queue) or (isinstance(node, SourceNode) and node.kind != "inlet"):
            return node
        near = self._above(node) or self._below(node)
        help = f"; the nearest that can is `{near.name}`" if near is not None else ""
        why = "is written to by Python alone" if node.kind == "inlet" else "holds no events back"
        raise Refusal(
            409,
            "wrong_node",
            f"`{node.name}` ({node.kind}) {why}{help}",
            nearest=near.name if near is not None else None,
        )

    def breaking(self, name: str) -> tuple[Node, BreakerMachine]:
        """Return the node whose breaker is meant, and the breaker: its own, or one just below."""
        node = self.node(name)
        found = [one for one in self._stretch(node) if machine_of(one) is not None]
        for one in found[:1] if len(found) == 1 or machine_of(node) is not None else ():
            machine = machine_of(one)
            assert machine is not None, "it was found by its breaker"
            return one, machine
        names = sorted(one.name for one in found) or sorted(
            name for name, one in self._nodes.items() if machine_of(one) is not None
        )
        said = f"`{node.name}` has no breaker" if not found else f"`{node.name}` leads to several"
        listed = ", ".join(f"`{one}`" for one in names[:8])
        help = f"; breakers: {listed}" if names else "; this graph has none"
        near = nearest(name, names) or (names[0] if names else None)
        raise Refusal(409, "wrong_node", said + help, nearest=near)

    def retries_of(self, queue: Queue) -> list[Retry]:
        """Return the retries that make attempts for this queue, and for nobody else."""
        stretch = self._stretch(queue)
        ours = set(map(id, stretch))
        own: list[Retry] = []
        for node in stretch[1:]:
            above = self._into.get(id(node), [])
            if not all(id(one) in ours for one in above):
                ours.discard(id(node))
            elif isinstance(node, Retry):
                own.append(node)
        return own

    def retries_above(self, node: Node) -> list[Retry]:
        """Return the retries whose attempts may lead to a node, itself among them."""
        seen: dict[int, Node] = {id(node): node}
        todo = [node]
        while todo:
            one = todo.pop()
            for above in self._into.get(id(one), []):
                if id(above) not in seen and not isinstance(above, Queue):
                    seen[id(above)] = above
                    todo.append(above)
        return [one for one in seen.values() if isinstance(one, Retry)]

    def _stretch(self, node: Node) -> list[Node]:
        """Return a node and what is below it up to the next queue, upstream before downstream."""
        found: dict[int, Node] = {}
        todo = deque([node])
        while todo:
            one = todo.popleft()
            if id(one) in found or (isinstance(one, Queue) and one is not node):
                continue
            found[id(one)] = one
            todo.extend(
                beyond(link.target)
                for link in one.links()
                if link.port not in ("dead_letter", "overflow")
            )
        return list(found.values())

    def _above(self, node: Node) -> Node | None:
        return self._first(node, lambda one: self._into.get(id(one), []))

    def _below(self, node: Node) -> Node | None:
        return self._first(node, lambda one: [beyond(link.target) for link in one.links()])

    @staticmethod
    def _first(node: Node, step: Callable[[Node], Iterable[Node]]) -> Node | None:
        """Return the nearest queue or source, breadth first."""
        seen, todo = {id(node)}, deque(step(node))
        while todo:
            one = todo.popleft()
            if id(one) in seen:
                continue
            seen.add(id(one))
            if isinstance(one, Queue) or (isinstance(one, SourceNode) and one.kind != "inlet"):
                return one
            todo.extend(step(one))
        return None
