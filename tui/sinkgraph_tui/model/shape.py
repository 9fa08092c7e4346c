"""The graph as an operator needs it: what is above and below, which lane, what waits for what.

It knows edges and declared fields; how anything stands right now is not its subject.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from sinkgraph.api.models import EdgeView, GraphNodeView, GraphView

__all__ = ["ASIDE", "Shape"]

ASIDE = frozenset({"dead_letter", "overflow"})
"""Ports through which nothing goes while all is well."""


class Shape:
    """Is the shape of one generation's graph. Unknown names have nothing above or below them."""

    def __init__(self, graph: GraphView | None) -> None:
        self.graph = graph
        nodes = graph.nodes if graph is not None else []
        self.nodes: dict[str, GraphNodeView] = {node.name: node for node in nodes}
        self.rank = {name: k for k, name in enumerate(self.nodes)}
        self._down: dict[str, list[EdgeView]] = {}
        self._up: dict[str, list[EdgeView]] = {}
        for edge in graph.edges if graph is not None else []:
            self._down.setdefault(edge.source, []).append(edge)
            self._up.setdefault(edge.target, []).append(edge)
        self._sections: dict[str, tuple[str, ...]] = {}

    # one step

    def edges_down(self, name: str, *, aside: bool = False) -> list[EdgeView]:
        """Return the edges to what a node writes to; with `aside`, where its failures go too."""
        return [edge for edge in self._down.get(name, []) if aside or edge.port not in ASIDE]

    def edges_up(self, name: str, *, aside: bool = False) -> list[EdgeView]:
        """Return the edges from what writes to a node."""
        return [edge for edge in self._up.get(name, []) if aside or edge.port not in ASIDE]

    def target(self, name: str, port: str) -> str | None:
        """Return what a port leads to."""
        return next((e.target for e in self._down.get(name, []) if e.port == port), None)

    def kind(self, name: str) -> str:
        """Return the kind of a node, empty for one that is not declared."""
        node = self.nodes.get(name)
        return node.kind if node is not None else ""

    def field(self, name: str, key: str) -> Any:
        """Return a declared field of a node, None where there is none."""
        node = self.nodes.get(name)
        return node.fields.get(key) if node is not None else None

    def order(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return names once each, in the order of the graph; unknown ones last, by name."""
        last = len(self.rank)
        return tuple(sorted(set(names), key=lambda one: (self.rank.get(one, last), one)))

    # walks

    def below(self, name: str, *, aside: bool = False) -> tuple[str, ...]:
        """Return everything events may reach after a node."""
        return self.order(self._walk(name, lambda one: self._targets(one, aside)))

    def above(self, name: str) -> tuple[str, ...]:
        """Return everything from which events reach a node."""
        return self.order(self._walk(name, lambda one: (e.source for e in self.edges_up(one))))

    def section(self, name: str) -> tuple[str, ...]:
        """Return what works for a node: all below it, up to and with the next queues."""
        held = self._sections.get(name)
        if held is None:

            def on(one: str) -> Iterator[str]:
                return iter(()) if one != name and self.is_queue(one) else self._targets(one)

            held = self._sections[name] = self.order(self._walk(name, on))
        return held

    def _targets(self, name: str, aside: bool = False) -> Iterator[str]:
        return (edge.target for edge in self.edges_down(name, aside=aside))

    @staticmethod
    def _walk(name: str, step: Callable[[str], Iterable[str]]) -> set[str]:
        seen: set[str] = set()
        todo = list(step(name))
        while todo:
            one = todo.pop()
            if one not in seen:
                seen.add(one)
                todo += step(one)
        seen.discard(name)
        return seen

    # what an operator asks

    def is_queue(self, name: str) -> bool:
        """Whether a node holds events until what is below has taken them."""
        return self.kind(name) == "queue"

    def is_source(self, name: str) -> bool:
        """Whether events begin at a node."""
        node = self.nodes.get(name)
        return node is not None and node.role == "source"

    def queues_above(self, name: str) -> tuple[str, ...]:
        """Return the queues whose lanes lead to a node."""
        return self.order(one for one in self.queues if name in self.section(one))

    @cached_property
    def queues(self) -> tuple[str, ...]:
        """All queues, in the order of the graph."""
        return tuple(name for name in self.nodes if self.is_queue(name))

    def label(self, name: str) -> str:
        """Return the name an operator knows a node by: its own, or that of its composite."""
        node = self.nodes.get(name)
        return (node.origin or name) if node is not None else name

    def leaf(self, name: str) -> str:
        """Return the last part of its label: `search` of `eu/search`."""
        return self.label(name).rpartition("/")[2]

    def host(self, name: str) -> str | None:
        """Return the host a node, or the only terminal that works for it, speaks to."""
        hosts = {
            host
            for one in (name, *(() if self.field(name, "url") else self.section(name)))
            if (host := _host(self.field(one, "url"))) is not None
        }
        return hosts.pop() if len(hosts) == 1 else None


def _host(url: Any) -> str | None:
    if not isinstance(url, str):
        return None
    try:
        return urlsplit(url).netloc.rpartition("@")[2] or None
    except ValueError:
        return None
