"""How a running graph is told in lines: a table of its nodes, the worst first.

It formats snapshots; it asks nobody and prints nothing.
"""

from __future__ import annotations

from sinkgraph.api.models import NodeView, SnapshotView
from sinkgraph.diagnostics.safe import clip, safe_text, width
from sinkgraph.spec.units import format_duration

__all__ = ["held_by", "lasting", "node_state", "status_lines", "trouble"]

_COLUMNS = ("node", "kind", "state", "depth", "in/s", "out/s", "oldest", "")
_LEFT = frozenset({0, 1, 2, 7})
_WORST = {"failed": 0, "degraded": 1, "draining": 3, "starting": 4, "ok": 5, "stopped": 6}
_NOTE = 100


def status_lines(seen: SnapshotView) -> list[str]:
    """Return a headline, then a line for each node, the worst first."""
    head = [
        safe_text(seen.name, 80),
        seen.status,
        f"generation {seen.generation}",
        f"up {lasting(seen.uptime_s)}",
        f"{seen.pending:,} pending",
    ]
    lines = [", ".join(head)]
    if seen.drift is not None:
        lines.append(f"  drift: {safe_text(seen.drift.said)}")
        since = lasting(seen.at - seen.drift.since)
        digests = (seen.drift.running[:12], (seen.drift.file or "no graph")[:12])
        lines.append(f"    for {since}; runs {digests[0]}, the file is {digests[1]}")
    if seen.residue:
        lines.append(f"{seen.residue:,} events are not accounted for: this is a bug in sinkgraph")
    rows: list[tuple[str, ...]] = [_COLUMNS]
    order = {name: k for k, name in enumerate(seen.nodes)}
    shown = [node for node in seen.nodes.values() if _worth(node)]
    for node in sorted(shown, key=lambda one: (_rank(one), order[one.name])):
        rows.append(_row(node))
    widths = [max(width(row[k]) for row in rows) for k in range(len(_COLUMNS))]
    for row in rows:
        cells = [
            cell + " " * (widths[k] - width(cell))
            if k in _LEFT
            else " " * (widths[k] - width(cell)) + cell
            for k, cell in enumerate(row)
        ]
        lines.append(("  " + "  ".join(cells)).rstrip())
    return lines


def _worth(node: NodeView) -> bool:
    """Whether a node is shown: the dead letters of a graph that has none are not."""
    return node.kind != "dead_letter" or bool(node.ledger.entered or node.depth)


def _rank(node: NodeView) -> int:
    if trouble(node):
        return min(_WORST[node.status], 2)
    return _WORST[node.status]


def trouble(node: NodeView) -> bool:
    """Whether a node is not as it should be: it fails, is held back, or its breaker is not shut."""
    broken = node.breaker is not None and node.breaker.state != "closed"
    return node.status in ("failed", "degraded") or node.paused or broken


def _row(node: NodeView) -> tuple[str, ...]:
    depth = f"{node.depth:,}" if node.depth or node.capacity else ""
    if node.capacity:
        depth += f"/{node.capacity:,}"
    return (
        safe_text(node.name, 60),
        node.kind,
        node_state(node),
        depth,
        _rate(node.in_per_s),
        _rate(node.out_per_s),
        lasting(node.oldest_s) if node.oldest_s is not None else "",
        clip(_note(node), _NOTE),
    )


def node_state(node: NodeView) -> str:
    """Return in a word or two how a node stands."""
    if node.paused:
        return "paused"
    if node.breaker is not None and node.breaker.state != "closed":
        return f"breaker {node.breaker.state.replace('_', '-')}"
    return node.status


def _note(node: NodeView) -> str:
    """Return what an operator has to know beside the numbers."""
    parts = []
    if held := held_by(node):
        parts.append(held)
    if node.paused and node.resumes_in_s is not None:
        parts.append(f"resumes in {lasting(node.resumes_in_s)}")
    breaker = node.breaker
    if breaker is not None and breaker.retry_in_s is not None:
        parts.append(f"probes in {lasting(breaker.retry_in_s)}")
    if breaker is not None and breaker.reverts_in_s is not None:
        parts.append(f"resets in {lasting(breaker.reverts_in_s)}")
    dropped = sum(node.ledger.dropped.values())
    if dropped:
        reasons = ", ".join(safe_text(why) for why in node.ledger.dropped)
        parts.append(f"dropped {dropped:,} ({reasons})")
    if node.ledger.dead_lettered:
        parts.append(f"{node.ledger.dead_lettered:,} dead-lettered")
    if node.last_error and trouble(node):
        parts.append(safe_text(node.last_error))
    return "; ".join(parts)


def held_by(node: NodeView) -> str:
    """Return who holds a node back and why, "" where nobody does."""
    held = node.pause if node.paused else None
    if held is None and node.breaker is not None and node.breaker.state == "isolated":
        held = node.breaker.isolated
    if held is None:
        return ""
    why = f": {safe_text(held.why, 80)}" if held.why else ""
    return f"by {safe_text(held.by, 40)}{why}"


def _rate(per_s: float) -> str:
    if per_s == 0:
        return "0"
    return f"{per_s:.1f}" if per_s < 10 else f"{per_s:,.0f}"


def lasting(seconds: float) -> str:
    """Return a time as a person says it: two units at most, none smaller than a tenth of 1 s."""
    if seconds < 10:
        return f"{max(0.0, seconds):.1f}s"
    whole = int(seconds)
    for unit in (86_400, 3_600, 60):
        if whole >= unit:
            smaller = {86_400: 3_600, 3_600: 60, 60: 1}[unit]
            whole -= whole % smaller
            break
    return format_duration(float(whole))
