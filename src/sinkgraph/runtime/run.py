"""`sinkgraph.run`: from a document, a graph, a dict or a tree of sinks to a running graph.

It chooses the way to an assembly; the topology does the running.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from sinkgraph.clock import Clock, Disk, Network, Random
from sinkgraph.compiler.assembly import Assembly
from sinkgraph.errors import SinkgraphError
from sinkgraph.runtime.live import Live
from sinkgraph.runtime.recipe import Recipe
from sinkgraph.runtime.topology import Topology
from sinkgraph.runtime.tree import assemble, host
from sinkgraph.sources.base import Source

__all__ = ["Run", "run"]


class Run:
    """Is an async context manager: entering starts the graph, leaving drains and closes it."""

    def __init__(
        self, assemble: Callable[[], Assembly], options: dict[str, Any], recipe: Recipe
    ) -> None:
        self._assemble = assemble
        self._options = options
        self._recipe = recipe
        self._live: Live | None = None

    async def __aenter__(self) -> Live:
        if self._live is not None:
            raise SinkgraphError("this run was already entered: call sinkgraph.run again")
        topology = Topology(self._assemble(), **self._options)
        await topology.start()
        self._live = Live(topology, self._recipe)
        return self._live

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._live is not None, "a run is left only after it was entered"
        await self._live.close()


def run(
    what: Any,
    *,
    state_dir: str | os.PathLike[str] | None = None,
    set_vars: Mapping[str, str] | None = None,
    provide: Mapping[str, Any] | None = None,
    sources: Mapping[str, Source] | None = None,
    output_dir: str | os.PathLike[str] | None = None,
    drain: float = 25.0,
    fates: Mapping[str, str] | None = None,
    clock: Clock | None = None,
    random: Random | None = None,
    network: Network | None = None,
    disk: Disk | None = None,
) -> Run:
    """Return a context manager that runs `what`: a path, a Graph, a dict, or a sink.

    `set_vars` overrides vars by text; `provide` holds the callables for `call` targets named
    `provided:NAME`; `sources` are `Source`s by name: each feeds the inlet of that name, or the root
    of a tree; `output_dir` is where relative output paths begin (the state dir, else the
    working directory); `drain` bounds in seconds the wait for pending events when it is left.
    `clock`, `random`, `network` and `disk` replace the engine's ports.
    `state_dir` keeps what outlives the process: disk queues, dead letters, positions; `fates` says
    what becomes of stored events whose queue is not in the graph (`dead_letter`, `discard`,
    `move_to:NAME`), by its name.

    Entering raises DocumentError with every diagnostic, or StartFailed with every reason; then
    nothing runs. Embedded runs install no signal handlers.
    """
    options: dict[str, Any] = {
        "clock": clock,
        "random": random,
        "network": network,
        "disk": disk,
        "state_dir": os.fspath(state_dir) if state_dir is not None else None,
        "fates": fates,
        "drain_s": drain,
        "output_dir": os.fspath(output_dir if output_dir is not None else state_dir or "."),
    }
    recipe = Recipe(
        options["output_dir"], options["state_dir"], set_vars or {}, provide, sources or {}
    )
    if callable(getattr(what, "write", None)):
        return Run(lambda: host(assemble(what), recipe.sources), options, recipe)
    if not isinstance(what, (str, os.PathLike, Mapping)) and not hasattr(what, "digest"):
        raise TypeError(f"sinkgraph.run takes a path, a Graph, a dict or a sink, not {what!r}")
    return Run(lambda: recipe.assembly(recipe.graph(what)), options, recipe)
