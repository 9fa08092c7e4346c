"""What a running graph says of itself at one instant, frozen: the snapshot and the close report."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sinkgraph.telemetry.stats import LedgerView

__all__ = ["CloseReport", "NodeStatus", "Snapshot"]


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """Is one node at one instant. `facts` depend on the kind: depth, breaker, latency in seconds.

    `status` is `starting`, `ok`, `degraded`, `failed`, `draining` or `stopped`.
    """

    name: str
    kind: str
    status: str
    ledger: LedgerView
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def depth(self) -> int:
        """Events this node is responsible for and has not settled."""
        return self.ledger.pending

    @property
    def breaker(self) -> str | None:
        """The state of its breaker, or None when it has none."""
        held = self.facts.get("breaker")
        return str(held["state"]) if isinstance(held, dict) else None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Is a whole graph at one instant; `at` in Unix seconds, `uptime_s` since the start."""

    name: str
    generation: int
    at: float
    uptime_s: float
    nodes: dict[str, NodeStatus]

    def __getitem__(self, name: str) -> NodeStatus:
        return self.nodes[name]

    @property
    def residue(self) -> int:
        """The sum of what no ledger accounts for; other than 0 is a bug."""
        return sum(abs(node.ledger.residue) for node in self.nodes.values())

    @property
    def pending(self) -> int:
        """Events not settled anywhere; dead letters that are kept do not count."""
        return sum(n.depth for n in self.nodes.values() if n.kind != "dead_letter")


@dataclass(frozen=True, slots=True)
class CloseReport:
    """Is what became of everything when a graph stopped.

    `left` counts by node the events that were still pending at the deadline and are lost with
    the process, `kept` those that are in the state dir for the next start, `saved` those among
    them that a memory queue held until the stop; `took_s` is how long the stop took.
    """

    snapshot: Snapshot
    left: dict[str, int]
    took_s: float
    deadline_s: float
    kept: dict[str, int] = field(default_factory=dict)
    saved: dict[str, int] = field(default_factory=dict)

    @property
    def residue(self) -> int:
        """What no ledger accounts for; 0 unless sinkgraph has a bug."""
        return self.snapshot.residue

    @property
    def lost(self) -> int:
        """Events lost with the process."""
        return sum(self.left.values())
