"""How this run makes live nodes of documents: what it was given beside them stays the same.

It starts and owns nothing; a start and a reload both use it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

from sinkgraph.compiler.assembly import Assembly
from sinkgraph.runtime.tree import host
from sinkgraph.sources.base import Source

if TYPE_CHECKING:
    from sinkgraph.graph.model import Graph

__all__ = ["Recipe"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """Is what a run adds to its documents; see `sinkgraph.run`."""

    output_dir: str = "."
    state_dir: str | None = None
    set_vars: Mapping[str, str] = field(default_factory=dict)
    provide: Mapping[str, Any] | None = None
    sources: Mapping[str, Source] = field(default_factory=dict)

    def graph(self, what: Any, set_vars: Mapping[str, str] | None = None) -> Graph:
        """Return the graph of a path, a mapping or a Graph; `set_vars` go before those given here.

        Raises DocumentError with every diagnostic, TypeError for what is none of these.
        """
        if isinstance(what, (str, os.PathLike, Mapping)):
            load = import_module("sinkgraph.graph.load").load
            made: Graph = load(
                what,
                set_vars={**self.set_vars, **(set_vars or {})},
                secrets="strict",
                output_dir=self.output_dir,
            )
            return made
        if not hasattr(what, "digest"):
            raise TypeError(f"a path, a Graph or a dict is needed, not {what!r}")
        graph: Graph = what
        return graph

    def assembly(self, graph: Graph, shared: dict[str, Any] | None = None) -> Assembly:
        """Return the live nodes of a graph; `shared` is what nodes of this run hold together.

        Raises StartFailed with every reason why a node cannot be built.
        """
        made: Assembly = import_module("sinkgraph.compiler.build").build(
            graph,
            output_dir=self.output_dir,
            state_dir=self.state_dir,
            provided=self.provide,
            shared=shared,
        )
        return host(made, self.sources)
