"""Reloads of one running graph: one at a time, each answered truthfully.

It turns what is asked for into a graph and a plan; carrying it out is `runtime.reload`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from sinkgraph.errors import DocumentError, SinkClosed, SinkgraphError, StartFailed
from sinkgraph.runtime.outcome import Applied, Refused
from sinkgraph.runtime.recipe import Recipe
from sinkgraph.runtime.reload import Reload

if TYPE_CHECKING:
    from sinkgraph.graph.diff import Plan
    from sinkgraph.graph.model import Graph
    from sinkgraph.runtime.topology import Topology

__all__ = ["Reloads"]

_TRIES = 3  # when nodes leave while what is new is being acquired


class Reloads:
    """Reloads a topology from documents made into nodes by `recipe`."""

    def __init__(self, topology: Topology, recipe: Recipe) -> None:
        self._topology = topology
        self._recipe = recipe
        self._turn = asyncio.Lock()

    @property
    def graph(self) -> Graph:
        """The graph that runs. Raises SinkgraphError for a tree of sinks, which has none."""
        graph = self._topology.assembly.graph
        if graph is None:
            raise SinkgraphError(
                f"{self._topology.name} runs a tree of sinks, which has no document to reload"
            )
        return graph

    async def plan(
        self,
        document: Any,
        *,
        set_vars: Mapping[str, str] | None = None,
        fates: Mapping[str, str] | None = None,
    ) -> tuple[Graph, Plan]:
        """Return the graph of a document, and what a reload to it would do.

        Raises DocumentError with every diagnostic.
        """
        before = self.graph
        graph = await self._aside(self._recipe.graph, document, set_vars)
        diff = import_module("sinkgraph.graph.diff").diff
        return graph, diff(before, graph, fates=fates or {})

    async def reload(
        self,
        document: Any,
        *,
        set_vars: Mapping[str, str] | None = None,
        fates: Mapping[str, str],
        drain_s: float | None = None,
    ) -> Applied | Refused:
        """Run another graph; see `Live.reload`."""
        topology = self._topology
        async with self._turn:
            if topology.status not in ("ok", "degraded"):
                raise SinkClosed(f"{topology.name} is {topology.status}")
            try:
                graph, plan = await self.plan(document, set_vars=set_vars, fates=fates)
            except DocumentError as error:
                return self._refused(diagnostics=tuple(error.diagnostics))
            if plan.refused:
                return self._refused(diagnostics=plan.refused)
            if not plan and not plan.document:
                return Applied(topology.generation, plan)
            limit = topology.drain_s if drain_s is None else drain_s
            return await self._carry_out(graph, plan, fates, limit)

    async def _carry_out(
        self, graph: Graph, plan: Plan, fates: Mapping[str, str], drain_s: float
    ) -> Applied | Refused:
        topology = self._topology
        for _ in range(_TRIES):
            shared = topology.assembly.shared
            try:
                new = await self._aside(self._recipe.assembly, graph, shared)
            except StartFailed as error:
                return self._refused(reasons=tuple(error.reasons))
            reload = Reload(topology, new, plan, fates, drain_s)
            reasons = await reload.provision()
            if reasons:
                return self._refused(reasons=tuple(reasons))
            if topology.status not in ("ok", "degraded"):
                await reload.give_back()
                return self._refused(reasons=(f"{topology.name} is {topology.status}",))
            if reload.stale:
                await reload.give_back()
                continue
            began = topology.clock.now()
            reload.commit()
            took_s = topology.clock.now() - began
            counts = {action: len(held) for action, held in plan.by_action().items() if held}
            topology.journal.note("graph_reloaded", generation=topology.generation, **counts)
            return Applied(topology.generation, plan, took_s)
        return self._refused(reasons=("nodes came and went all the time; try again",))

    async def _aside(self, call: Callable[..., Any], *args: Any) -> Any:
        """Return what a long call returns, made in a thread; a virtual loop has no other time."""
        if getattr(asyncio.get_running_loop(), "is_virtual", False):
            return call(*args)
        return await self._topology.pool.run(call, *args)

    def _refused(self, **said: Any) -> Refused:
        refused = Refused(self._topology.generation, **said)
        self._topology.journal.note("reload_refused", reason=str(refused))
        return refused
