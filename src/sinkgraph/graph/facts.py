"""What the lints look at: the resolved graph, what is concluded from it, and where it is written.

It judges nothing. Nodes that are not valid, and what only they connect, are left out: a lint says
what is so on the ways that are there, whatever else is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from sinkgraph.diagnostics.diagnostic import Label
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.diagnostics.source import Span
from sinkgraph.graph.inference.bound import Worst, worst_waits
from sinkgraph.graph.inference.roads import roads
from sinkgraph.graph.model import Graph, GraphEdge, GraphNode
from sinkgraph.graph.resolve import resolve
from sinkgraph.graph.view import View
from sinkgraph.spec.declared import NodeDecl
from sinkgraph.spec.kind import find_kind

__all__ = ["Facts", "RetryBelow", "named"]

_SHOWN = 4  # nodes at each end of a long way


@dataclass(frozen=True, slots=True)
class RetryBelow:
    """Is a retry that is reached without a queue; `cut`: the first timeout on the way there."""

    name: str
    cut: str | None


@dataclass
class Facts:
    """Holds a graph beside the view it comes from; `whole`: nothing of the view was left out."""

    view: View
    graph: Graph
    whole: bool

    @classmethod
    def of(cls, view: View) -> Facts | None:
        """Return the facts of a view, or None when there is too little of it."""
        order = view.settled
        valid = [name for name in order if view.nodes[name].spec is not None]
        if len(valid) == len(view.nodes):
            return cls(view, resolve(view), True) if view.sources or view.roots else None
        kept = set(valid)
        reduced = replace(
            view,
            nodes={name: one for name, one in view.nodes.items() if name in kept},
            out={name: [x for x in view.out[name] if x.target.name in kept] for name in valid},
            into={name: [x for x in view.into[name] if x.source.name in kept] for name in valid},
        )
        return cls(reduced, resolve(reduced), False) if reduced.sources else None

    @cached_property
    def worst(self) -> dict[str, Worst]:
        """How long a write into each node may take."""
        return worst_waits(self.graph)

    @cached_property
    def roads(self) -> dict[str, list[GraphEdge]]:
        """The edges on which events of each node go on."""
        return {name: list(roads(self.graph, name)) for name in self.graph.nodes}

    @cached_property
    def into(self) -> dict[str, GraphEdge]:
        """Each node → the first edge into it that events of a source come by."""
        found: dict[str, GraphEdge] = {}
        for name in self.graph.order:
            if self.graph.nodes[name].role == "source" or name in found:
                for edge in self.roads[name]:
                    found.setdefault(edge.target, edge)
        return found

    @cached_property
    def slow(self) -> frozenset[str]:
        """The nodes from which something slow is reached without a queue between."""
        found: set[str] = set()
        for name in reversed(self.graph.order):
            node = self.graph.nodes[name]
            if node.role == "terminal":
                kind = find_kind("sink", node.kind)
                if kind is not None and kind.slow:
                    found.add(name)
            elif node.kind != "queue" and any(one.target in found for one in self.roads[name]):
                found.add(name)
        return frozenset(found)

    @cached_property
    def retry_below(self) -> dict[str, RetryBelow]:
        """The nodes that are a retry or write to one without a queue → the nearest one."""
        found: dict[str, RetryBelow] = {}
        for name in reversed(self.graph.order):
            kind = self.graph.nodes[name].kind
            if kind == "retry":
                found[name] = RetryBelow(name, None)
            elif kind != "queue":
                below = next((found[x.target] for x in self.roads[name] if x.target in found), None)
                if below is not None:
                    found[name] = RetryBelow(below.name, name) if kind == "timeout" else below
        return found

    def below(self, name: str) -> RetryBelow | None:
        """Return the nearest retry that a node writes to without a queue."""
        found = self.retry_below
        return next((found[x.target] for x in self.roads[name] if x.target in found), None)

    @cached_property
    def _heads(self) -> dict[str, tuple[int, tuple[str, ...]]]:
        """Each node → how many stand before it on the way of `into`, and the first four."""
        found: dict[str, tuple[int, tuple[str, ...]]] = {}
        for name in self.graph.order:
            edge = self.into.get(name)
            count, first = (0, ()) if edge is None else found[edge.source]
            count += edge is not None
            found[name] = (count, (*first, name) if len(first) < _SHOWN else first)
        return found

    def reach_note(self, name: str) -> tuple[str, ...]:
        """Return the note that tells how events reach a node, cut in the middle when it is long."""
        count, first = self._heads[name]
        if not count:
            return ()
        last = [name]
        while len(last) < min(count + 1, _SHOWN if count > 2 * _SHOWN else count + 1):
            last.append(self.into[last[-1]].source)
        steps = [*first, "…", *last[::-1]] if count > 2 * _SHOWN else last[::-1]
        return (f"events reach it by `{safe_text(' → '.join(steps), 700)}`",)

    def decl(self, node: GraphNode) -> NodeDecl | None:
        """Return what a node was written as; None when no document wrote it."""
        return self.view.nodes.get(node.name)

    def written(self, node: GraphNode) -> str:
        """Return the name under which a document wrote a node."""
        return node.origin or node.name

    def place(self, node: GraphNode, *path: str) -> Span | None:
        """Return where a field of a node stands, or as much of its path as is written."""
        decl = self.decl(node)
        if decl is None:
            return node.declared_at
        at = decl.at
        tree: object = decl.tree
        for key in path:
            entry = getattr(tree, "entry", lambda _: None)(key)
            if entry is None:
                break
            tree = entry.value
            at = entry.value.span or entry.key.span or at
        return at

    def label(self, text: str, node: GraphNode, *path: str) -> tuple[Label, ...]:
        """Return the label at a field of another node."""
        at = self.place(node, *path)
        return (Label(at, text),) if at is not None else ()

    def spread(self, name: str) -> Iterator[str]:
        """Yield the targets of a node that get events beside each other; none for a single way."""
        if self.graph.nodes[name].kind != "fallback":
            targets = list(dict.fromkeys(one.target for one in self.roads[name]))
            if len(targets) > 1:
                yield from targets


def named(names: list[str]) -> str:
    """Return some names for a sentence."""
    shown = ", ".join(f"`{safe_text(one, 80)}`" for one in names[:3])
    return f"{shown}, …" if len(names) > 3 else shown
