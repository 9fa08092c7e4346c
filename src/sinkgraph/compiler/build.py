"""The one bridge between meaning and machinery: a Graph becomes an Assembly of live nodes.

Each kind has one function from its spec to its sink; nothing is opened or started here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any, cast

from sinkgraph.compiler.assembly import Assembly
from sinkgraph.compiler.policies import backoff_of, breaker_of, plain_vars
from sinkgraph.errors import StartFailed
from sinkgraph.graph.model import DEAD_LETTERS, Graph, GraphNode
from sinkgraph.sinks.base import Node
from sinkgraph.spec.kind import find_kind

__all__ = ["build"]


@dataclass(slots=True)
class Parts:
    """Is what one node is built from: its spec, its targets by port, and where it stands.

    `state_dir`: where the run keeps what outlives it; None when nowhere.
    """

    node: GraphNode
    ports: dict[str, list[tuple[Node, bool]]]
    graph: Graph
    output_dir: Path
    vars: Mapping[str, Any]
    shared: dict[str, Any]
    state_dir: str | None = None

    @property
    def spec(self) -> Any:
        """The validated fields of the node."""
        return self.node.spec

    def one(self, port: str = "to") -> Node:
        """Return the target of a port that must have one."""
        return self.ports[port][0][0]

    def maybe(self, port: str) -> Node | None:
        """Return the target of an optional port, or None."""
        targets = self.ports.get(port)
        return targets[0][0] if targets else None

    def dead_letter(self) -> Node | None:
        """Return the chosen dead letter sink; None for the implied one."""
        chosen = self.maybe("dead_letter")
        return None if chosen is not None and chosen.name == DEAD_LETTERS else chosen

    def many(self, port: str = "to") -> list[Node]:
        """Return the targets of a port that holds a list."""
        return [target for target, _ in self.ports.get(port, [])]

    def expression(self, text: str, result: str) -> Any:
        """Return a compiled expression that sees the graph's vars."""
        compiled = import_module("sinkgraph.expr.compile")
        return compiled.compile_expression(text, vars=self.vars, result=result)

    def function(self, target: str) -> Callable[[Any], Any] | None:
        """Return the function `package.module:function`; what is wrong with it is noted."""
        where, _, what = target.partition(":")
        try:
            found: Any = import_module(where)
            for part in what.split("."):
                found = getattr(found, part)
        except Exception as error:  # whatever a module does on import
            self.refuse(f"cannot import {target}: {error}")
            return None
        if not callable(found) or iscoroutinefunction(found):
            kind = "async" if callable(found) else "not a function"
            self.refuse(f"{target} is {kind}; an ordinary function is needed")
            return None
        return cast("Callable[[Any], Any]", found)

    def refuse(self, reason: str) -> None:
        """Note why the graph cannot start; `build` raises all of them."""
        refused: list[str] = self.shared.setdefault("refused", [])
        refused.append(f"{self.node.kind} {self.node.name}: {reason}")

    def input(self, path: str) -> str:
        """Return an input path, relative to the document."""
        return str(self.graph.base / path)


def build(
    graph: Graph,
    *,
    output_dir: str = ".",
    provided: Mapping[str, Any] | None = None,
    state_dir: str | None = None,
    shared: dict[str, Any] | None = None,
) -> Assembly:
    """Return the live nodes of a graph, connected, not bound to anything.

    `provided` holds the callables that `kind: call` targets named `provided:NAME` mean; `state_dir`
    is the run's, if any; `shared` is what the nodes of an earlier graph of the run hold together
    (listeners). Raises StartFailed with every reason why a node cannot be built.
    """
    assembly = Assembly(
        graph.name or "graph", digest=graph.digest, provided=dict(provided or {}), graph=graph
    )
    built: dict[str, Node] = {}
    shared = assembly.shared = {} if shared is None else dict(shared)
    values = plain_vars(graph.vars)
    for name in reversed(graph.order):
        node = graph.nodes[name]
        ports: dict[str, list[tuple[Node, bool]]] = {}
        for edge in graph.downstream(name):
            ports.setdefault(edge.port, []).append((built[edge.target], edge.required))
        parts = Parts(node, ports, graph, Path(output_dir), values, shared, state_dir)
        live = _maker(node)(parts)
        live.name = name
        live.on_remove = _fate(node.spec)
        live.was = getattr(node.spec, "was", None)
        built[name] = live
    if refused := shared.pop("refused", None):
        raise StartFailed(refused)
    for name in graph.order:
        node, made = graph.nodes[name], built[name]
        if node.role == "source":
            assembly.sources[name] = made  # type: ignore[assignment]
        elif name == DEAD_LETTERS:
            assembly.dead_letters = made
        else:
            assembly.sinks[name] = made
    return assembly


def _fate(spec: Any) -> str:
    """Return `on_remove` as text: a word, or `move_to:NAME`."""
    said = getattr(spec, "on_remove", "drain")
    return said if isinstance(said, str) else f"move_to:{said.move_to}"


def _maker(node: GraphNode) -> Callable[[Parts], Node]:
    side = "source" if node.role == "source" else "sink"
    if not node.implied:
        kind = find_kind("source" if side == "source" else "sink", node.kind)
        if kind is not None and kind.build:
            module, _, function = kind.build.partition(":")
            made: Callable[[Parts], Node] = getattr(import_module(module), function)
            return made
    room = {"source": "sources", "terminal": "terminals"}.get(node.role, "flow")
    makers = import_module(f"sinkgraph.compiler.{room}").MAKERS
    maker: Callable[[Parts], Node] = makers[node.kind]
    return maker


def backoff_and_breaker(parts: Parts) -> dict[str, Any]:
    """Return the two policies of a retry as the sink takes them."""
    return {
        "backoff": backoff_of(parts.spec.backoff),
        "breaker": breaker_of(parts.spec.breaker),
    }
