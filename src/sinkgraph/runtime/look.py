"""One look at a running topology: every node's status and ledger at this instant, frozen.

It changes nothing; what is shown of a snapshot is decided elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sinkgraph.sinks.base import Node
from sinkgraph.sinks.queue import Queue
from sinkgraph.telemetry.status import NodeStatus, Snapshot

if TYPE_CHECKING:
    from sinkgraph.runtime.topology import Topology

__all__ = ["take_snapshot"]


def take_snapshot(topology: Topology) -> Snapshot:
    """Return everything a topology says of itself at this instant."""
    topology.flush()
    beside = {node.name: node for node in topology.beside if node.account().entered}
    beside |= {replay.name: replay for replay in topology.replays.accounts}
    outermost = [*topology.sources.values(), *beside.values()]
    outermost += [link.target for link in topology.assembly.entries.values()]
    first = {id(node) for node in outermost}
    stopped = topology.status == "stopped"
    nodes = {
        name: NodeStatus(
            name,
            node.kind,
            "stopped" if stopped else node.status,
            node.account(),
            node.facts(),
            _waiting(node, first=id(node) in first),
        )
        for name, node in {**topology.nodes, **beside}.items()
    }
    now = topology.clock.now()
    return Snapshot(
        topology.name,
        topology.generation,
        topology.clock.wall(),
        now - topology.started_at,
        nodes,
        dict(topology.removed),
    )


def _waiting(node: Node, *, first: bool) -> int:
    """Return how many events wait at a node; what a node above it waits for counts there."""
    if isinstance(node, Queue):
        return node.pending() if first else node.depth()
    return node.pending() if first else 0
