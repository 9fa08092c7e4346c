"""What a running graph says of itself at one instant, frozen: the snapshot and the close report."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sinkgraph.telemetry.stats import LedgerView

__all__ = ["CloseReport", "NodeStatus", "Snapshot"]

_NAMED = 5  # nodes, where a report is told in a few lines


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """Is one node at one instant. `facts` depend on the kind: depth, breaker, latency in seconds.

    `status` is `starting`, `ok`, `degraded`, `failed`, `draining` or `stopped`. `waiting` is how
    many events wait here: in a queue, or at what writes into the graph; an event on its way
    through other nodes waits where it was taken from.
    """

    name: str
    kind: str
    status: str
    ledger: LedgerView
    facts: dict[str, Any] = field(default_factory=dict)
    waiting: int = 0

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
    """Is a whole graph at one instant; `at` in Unix seconds, `uptime_s` since the start.

    `removed` has the ledgers of nodes that have left, by name.
    """

    name: str
    generation: int
    at: float
    uptime_s: float
    nodes: dict[str, NodeStatus]
    removed: dict[str, LedgerView] = field(default_factory=dict)

    def __getitem__(self, name: str) -> NodeStatus:
        return self.nodes[name]

    @property
    def residue(self) -> int:
        """The sum of what no ledger accounts for; other than 0 is a bug."""
        return sum(map(abs, self.residues.values()))

    @property
    def residues(self) -> dict[str, int]:
        """What a ledger does not account for, by node; empty unless sinkgraph has a bug."""
        found = {node.name: node.ledger.residue for node in self.nodes.values()}
        return {name: residue for name, residue in found.items() if residue}

    @property
    def pending(self) -> int:
        """Events that still have to go somewhere, each counted once for each queue that owes it.

        Dead letters do not count: they are where they belong.
        """
        return sum(node.waiting for node in self.nodes.values())

    def as_dict(self) -> dict[str, Any]:
        """Return the ledgers and what is pending as plain values, for JSON."""
        return {
            "name": self.name,
            "generation": self.generation,
            "at": self.at,
            "uptime_s": self.uptime_s,
            "pending": self.pending,
            "residue": self.residue,
            "nodes": {
                node.name: {
                    "kind": node.kind,
                    "status": node.status,
                    "waiting": node.waiting,
                    "ledger": node.ledger.as_dict(),
                }
                for node in self.nodes.values()
            },
            "removed": {name: ledger.as_dict() for name, ledger in self.removed.items()},
        }


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

    def __str__(self) -> str:
        """Return a few lines: how it ended, what was kept, what was lost."""
        snapshot = self.snapshot
        head = f"{_one_line(snapshot.name)} stopped after {snapshot.uptime_s:.1f} s"
        ledgers = [node.ledger for node in snapshot.nodes.values() if node.kind != "dead_letter"]
        ends = [("dropped", sum(sum(one.dropped.values()) for one in ledgers))]
        ends += [("dead-lettered", sum(one.dead_lettered for one in ledgers))]
        sums = [f"{n:,} {word}" for word, n in ends if n]
        residue = f"residue {self.residue}" + (", a bug in sinkgraph" if self.residue else "")
        lines = [", ".join([f"{head} (the stop took {self.took_s:.1f} s)", *sums, residue])]
        for word, held in (("kept for the next start", self.kept), ("lost in memory", self.left)):
            if held:
                lines.append(f"{word}: {sum(held.values()):,} ({_named(held)})")
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values, for JSON; the ledgers are under `nodes`."""
        return {
            **self.snapshot.as_dict(),
            "took_s": self.took_s,
            "deadline_s": self.deadline_s,
            "kept": dict(self.kept),
            "saved": dict(self.saved),
            "left": dict(self.left),
        }


def _named(held: dict[str, int]) -> str:
    """Return how many events each node holds, the most first; of many nodes the first few."""
    order = sorted(held, key=lambda name: -held[name])
    more = f", and {len(order) - _NAMED:,} more nodes" if len(order) > _NAMED else ""
    return ", ".join(f"{_one_line(name)} {held[name]:,}" for name in order[:_NAMED]) + more


def _one_line(name: str) -> str:
    return "".join(one if one.isprintable() else "?" for one in name)
