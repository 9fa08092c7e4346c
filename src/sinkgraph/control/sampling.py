"""Looks at a running graph once a second, and twice while somebody watches: nothing is hooked in.

Each look is one snapshot of plain counters, from which rates, history, the stream and the metrics
are made. Between looks the engine does not know that it is watched.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from sinkgraph.api.models import PROTOCOL
from sinkgraph.control.hub import Hub, Message
from sinkgraph.control.measures import Measures
from sinkgraph.control.operating import is_paused
from sinkgraph.control.redact import Redactor
from sinkgraph.control.view import node_view
from sinkgraph.graph.model import Graph
from sinkgraph.runtime.live import Live
from sinkgraph.sinks.base import Node
from sinkgraph.sources.base import SourceNode
from sinkgraph.telemetry.histogram import Histogram
from sinkgraph.telemetry.history import History
from sinkgraph.telemetry.status import NodeStatus, Snapshot

__all__ = ["Sampler"]

PERIOD_S = 1.0
WATCHED_S = 0.5
_SHARE = 20  # a look may take at most one part in so many of the time


class Sampler:
    """Keeps what the last looks told.

    `reverts(name)` tells in how many seconds an operator's pause of a node, and what was done to
    its breaker, end by themselves; `said(name)` who did either, and why.
    """

    def __init__(
        self,
        live: Live,
        graph: Callable[[], Graph | None],
        redactor: Redactor,
        reverts: Callable[[str], tuple[float | None, float | None]],
        drift: Callable[[], dict[str, Any] | None] = lambda: None,
        said: Callable[[str], tuple[dict[str, Any] | None, ...]] = lambda name: (None, None),
    ) -> None:
        self._live = live
        self._graph = graph
        self._redactor = redactor
        self._reverts = reverts
        self._drift = drift
        self._said = said
        self.measures = Measures()
        self.history = History(step_s=PERIOD_S)
        self.lag_s = 0.0
        self.looks = 0
        self.latest: Snapshot = live.snapshot()
        self._kept_at = -PERIOD_S
        self._view: dict[str, Any] | None = None  # as it was sent to the stream last
        self._nodes: dict[str, tuple[Any, NodeStatus, dict[str, Any]]] = {}  # as shown last
        self._failed = ""  # what went wrong at a look, in its own words
        self._wanted = asyncio.Event()
        self.hub = Hub(live.topology.run_id, self._whole)
        self.look()

    # looking

    async def run(self) -> None:
        """Look until cancelled."""
        loop = asyncio.get_running_loop()
        took = 0.0
        while True:
            period = WATCHED_S if self.hub.readers else PERIOD_S
            due = loop.time() + max(period, took * _SHARE)
            try:
                async with asyncio.timeout_at(due):
                    await self._wanted.wait()
            except TimeoutError:
                self.lag_s = max(0.0, loop.time() - due)
            self._wanted.clear()
            began = loop.time()
            self._look_safely()
            took = loop.time() - began

    def _look_safely(self) -> None:
        """Look; an error of ours is noted, once, and the next look comes all the same."""
        try:
            self.look()
        except Exception as error:
            said = repr(error)
            if said != self._failed:
                self._failed = said
                self._live.topology.journal.note("control_failed", path="look", error=said)

    def hurry(self) -> None:
        """Look soon: something was changed by an operator."""
        self._wanted.set()

    def look(self) -> None:
        """Look once, and tell the stream what has changed."""
        live = self._live
        now = live.topology.clock.now()
        snapshot = self.latest = live.snapshot()
        self.looks += 1
        samples = self.measures.look(snapshot, self._latencies(), now)
        if now - self._kept_at >= PERIOD_S * 0.9:
            self._kept_at = now
            self.history.add(snapshot.at, samples)
        if self.hub.readers:
            self._publish()
        else:
            self._view = None

    def _latencies(self) -> dict[str, Histogram]:
        found = {}
        for name, node in self._live.nodes.items():
            latency = getattr(node, "latency", None)
            if isinstance(latency, Histogram):
                found[name] = latency
        return found

    # telling

    def view(self) -> dict[str, Any]:
        """Return the latest look as `SnapshotView` has it."""
        snapshot, topology, graph = self.latest, self._live.topology, self._graph()
        return {
            "name": snapshot.name,
            "run_id": topology.run_id,
            "status": topology.status,
            "generation": snapshot.generation,
            "digest": topology.assembly.digest,
            "at": snapshot.at,
            "uptime_s": round(snapshot.uptime_s, 3),
            "pending": snapshot.pending,
            "residue": snapshot.residue,
            "loop_lag_s": round(self.lag_s, 6),
            "nodes": self._shown(graph),
            "removed": {name: ledger.as_dict() for name, ledger in snapshot.removed.items()},
            "drift": self._drift(),
        }

    def _shown(self, graph: Graph | None) -> dict[str, dict[str, Any]]:
        lives = self._live.nodes
        nodes = self.latest.nodes.items()
        return {name: self._node(node, lives.get(name), graph) for name, node in nodes}

    def _node(self, node: NodeStatus, live: Node | None, graph: Graph | None) -> dict[str, Any]:
        """Return a node as it is shown; the same as before where nothing of it has changed."""
        measure = self.measures[node.name]
        held = (is_paused(live), *self._reverts(node.name))
        said = self._said(node.name)
        key = (id(graph), id(live), held, said, measure.told())
        before = self._nodes.get(node.name)
        if before is not None and before[0] == key and before[1] == node:
            return before[2]
        declared = graph.nodes.get(node.name) if graph is not None else None
        view = node_view(
            node,
            measure,
            self._redactor,
            role=declared.role if declared is not None else _role(live),
            paused=held[0],
            group=declared.group if declared is not None else None,
            origin=declared.origin if declared is not None else None,
            resumes_in_s=held[1],
            reverts_in_s=held[2],
            pause=said[0],
            isolated=said[1],
        )
        self._nodes[node.name] = (key, node, view)
        return view

    def _whole(self) -> list[Message]:
        """Return the message a reader of the stream begins with."""
        if self._view is None:
            self._view = self.view()
        hub = self.hub
        value = {"seq": hub.seq, "protocol": PROTOCOL, "snapshot": self._view}
        return [Message.of(hub.seq, "full", value)]

    def _publish(self) -> None:
        old, new = self._view, self.view()
        self._view = new
        seq = self.hub.seq + 1
        if old is None or old["generation"] != new["generation"]:
            self.hub.publish("full", {"seq": seq, "protocol": PROTOCOL, "snapshot": new})
            return
        before, nodes = old["nodes"], new["nodes"]
        changed = {}
        for name, node in nodes.items():
            was = before.get(name)
            if was is not node and was != node:
                changed[name] = node if was is None else _changed(was, node)
        top = {key: value for key, value in _changed(old, new).items() if key != "nodes"}
        gone = [name for name in before if name not in nodes]
        for name in gone:
            self._nodes.pop(name, None)
        told = {"seq": seq, "at": new["at"], "snapshot": top, "nodes": changed, "gone": gone}
        self.hub.publish("delta", told)


def _role(node: Node | None) -> str:
    """Return the role of a node no document declares."""
    if isinstance(node, SourceNode):
        return "source"
    links = len(node.links()) if node is not None else 0
    return "terminal" if not links else "fan" if links > 1 else "change"


def _changed(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in new.items() if old.get(key) != value or key not in old}
