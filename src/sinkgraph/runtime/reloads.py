"""Reloads of one running graph: one at a time, each answered truthfully.

It turns what is asked for into a graph and a plan; carrying it out is `runtime.reload`'s.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from sinkgraph.errors import DocumentError, SinkClosed, SinkgraphError, StartFailed
from sinkgraph.runtime.outcome import Applied, Refused
from sinkgraph.runtime.recipe import Recipe
from sinkgraph.runtime.reload import Reload
from sinkgraph.spec.document_file import read_regular

if TYPE_CHECKING:
    from sinkgraph.graph.diff import Plan
    from sinkgraph.graph.model import Graph
    from sinkgraph.runtime.topology import Topology

__all__ = ["Keeping", "Reloads"]

_MOST_BYTES = 16 * 1024**2
_TRIES = 3  # when nodes leave while what is new is being acquired


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Is what a reload is asked for; `read`: what its schemas held when they were read."""

    graph: Graph
    plan: Plan
    read: Mapping[str, str]


class Keeping(Protocol):
    """Keeps the document of a reload, so that it counts before anything the new graph stores."""

    async def prepare(self, graph: Graph, generation: int) -> str:
        """Store it where it does not count yet; return why that cannot be, "" when it is done."""
        ...

    def commit(self) -> None:
        """Let it count; called in the step that changes the graph. Must neither wait nor fail."""
        ...


class Reloads:
    """Reloads a topology from documents made into nodes by `recipe`."""

    def __init__(self, topology: Topology, recipe: Recipe) -> None:
        self._topology = topology
        self._recipe = recipe
        self._turn = asyncio.Lock()
        graph = topology.assembly.graph
        self._read: Mapping[str, str] = _contents(_schemas(graph)) if graph is not None else {}

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
        wanted = await self._wanted(document, set_vars, fates or {})
        return wanted.graph, wanted.plan

    async def _wanted(
        self, document: Any, set_vars: Mapping[str, str] | None, fates: Mapping[str, str]
    ) -> _Wanted:
        before, read = self.graph, self._read

        def compare() -> _Wanted:
            graph = self._recipe.graph(document, set_vars)
            now = _contents(_schemas(graph))
            rewritten = {path for path, held in now.items() if read.get(path, held) != held}
            diff = import_module("sinkgraph.graph.diff").diff
            return _Wanted(graph, diff(before, graph, fates=fates, rewritten=rewritten), now)

        wanted: _Wanted = await self._topology.pool.aside(compare)
        return wanted

    async def reload(
        self,
        document: Any,
        *,
        set_vars: Mapping[str, str] | None = None,
        fates: Mapping[str, str],
        drain_s: float | None = None,
        keeping: Keeping | None = None,
    ) -> Applied | Refused:
        """Run another graph; see `Live.reload`. `keeping` is asked to keep its document."""
        topology = self._topology
        async with self._turn:
            if topology.status not in ("ok", "degraded"):
                raise SinkClosed(f"{topology.name} is {topology.status}")
            try:
                wanted = await self._wanted(document, set_vars, fates)
            except DocumentError as error:
                return self._refused(diagnostics=tuple(error.diagnostics))
            plan = wanted.plan
            if plan.refused:
                return self._refused(diagnostics=plan.refused)
            if plan.same:
                return Applied(topology.generation, plan)
            if keeping is not None:
                reason = await keeping.prepare(wanted.graph, topology.generation + 1)
                if reason:
                    return self._refused(reasons=(reason,))
            limit = topology.drain_s if drain_s is None else drain_s
            outcome = await self._carry_out(wanted.graph, plan, fates, limit, keeping)
            if outcome:
                self._read = wanted.read
            return outcome

    async def _carry_out(
        self,
        graph: Graph,
        plan: Plan,
        fates: Mapping[str, str],
        drain_s: float,
        keeping: Keeping | None,
    ) -> Applied | Refused:
        topology = self._topology
        for _ in range(_TRIES):
            shared = topology.assembly.shared
            try:
                new = await topology.pool.aside(self._recipe.assembly, graph, shared)
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
            if keeping is not None:
                keeping.commit()
            reload.commit()
            took_s = topology.clock.now() - began
            counts = {action: len(held) for action, held in plan.by_action().items() if held}
            topology.journal.note("graph_reloaded", generation=topology.generation, **counts)
            return Applied(topology.generation, plan, took_s)
        return self._refused(reasons=("nodes came and went all the time; try again",))

    def _refused(self, **said: Any) -> Refused:
        refused = Refused(self._topology.generation, **said)
        self._topology.journal.note("reload_refused", reason=str(refused))
        return refused


def _schemas(graph: Graph) -> list[str]:
    """Return the schema files of a graph's sources: what other files say is in their nodes."""
    is_schema_file = import_module("sinkgraph.spec.kinds.types").is_schema_file
    found: dict[str, None] = {}
    for name in graph.sources:
        spec = graph.nodes[name].spec
        named = [getattr(spec, "schema_", None), *getattr(spec, "schemas", {}).values()]
        for one in named:
            if isinstance(one, str) and is_schema_file(one):
                found[os.path.normpath(graph.base / one)] = None
    return list(found)


def _contents(files: Iterable[str]) -> dict[str, str]:
    """Return a digest of what each file holds; of those that can be read."""
    found: dict[str, str] = {}
    for path in files:
        content, _ = read_regular(path, _MOST_BYTES)
        if content is not None:
            found[path] = sha256(content).hexdigest()
    return found
