"""What changed between two moments of a graph, the heaviest first: for marks and time travel.

It compares what it is given; which moments those are, a cursor says.
"""

from __future__ import annotations

from collections.abc import Iterator

from sinkgraph.api.models import NodeView, SnapshotView
from sinkgraph_tui.model.figures import count, latency, per_s, short
from sinkgraph_tui.model.text import Line, Tone, plural, said

__all__ = ["changes_between"]

_FACTOR, _LEAST_S = 2.0, 0.05
_FEWEST, _SLOWEST = 10, 1.0
_WORSE: dict[str, Tone] = {"failed": "bad", "degraded": "warn", "open": "bad", "isolated": "manual"}


def changes_between(old: SnapshotView, new: SnapshotView) -> tuple[Line, ...]:
    """Return a line for each change; states before numbers, nodes in the order of the newer."""
    lines: list[tuple[int, Line]] = []
    if old.generation != new.generation:
        lines.append((0, said(f"generation {old.generation} → {new.generation}")))
    gone = [name for name in old.nodes if name not in new.nodes]
    lines += [(0, said((name, "strong"), " left")) for name in gone]
    for name, node in new.nodes.items():
        was = old.nodes.get(name)
        if was is None:
            lines.append((0, said((name, "strong"), f" came, a {node.kind}")))
        else:
            lines += _of_node(was, node)
    if not lines:
        return (said((f"nothing changed in {short(abs(new.at - old.at))}", "dim")),)
    return tuple(line for _, line in sorted(lines, key=lambda one: one[0]))


def _of_node(was: NodeView, node: NodeView) -> Iterator[tuple[int, Line]]:
    name: tuple[str, Tone] = (node.name, "strong")
    if was.breaker is not None and node.breaker is not None:
        before, now = was.breaker.state, node.breaker.state
        if before != now:
            tone = _WORSE.get(now, "text")
            yield 1, said(name, f" breaker {_word(before)} → ", (_word(now), tone))
    if was.paused != node.paused:
        yield 1, said(name, " was paused" if node.paused else " was resumed")
    if was.status != node.status and (was.breaker is None or was.breaker == node.breaker):
        yield 1, said(name, f" {was.status} → ", (node.status, _WORSE.get(node.status, "text")))
    lost = sum(node.ledger.dropped.values()) - sum(was.ledger.dropped.values())
    if lost > 0:
        yield 0, said(name, (f" lost {plural(lost, 'event')}", "bad"))
    dead = node.ledger.dead_lettered - was.ledger.dead_lettered
    if dead > 0 and node.kind != "dead_letter":
        yield 2, said(name, (f" +{plural(dead, 'dead letter')}", "warn"))
    if abs(node.depth - was.depth) >= _FEWEST and node.kind in ("queue", "dead_letter"):
        sign = "+" if node.depth > was.depth else "-"
        grown = count(abs(node.depth - was.depth))
        yield 3, said(name, f" depth {count(was.depth)} → {count(node.depth)} ({sign}{grown})")
    if _moved(was.out_per_s, node.out_per_s, _SLOWEST):
        yield 4, said(name, f" out {per_s(was.out_per_s)} → {per_s(node.out_per_s)}")
    p99s = [one.latency.recent_p99_s if one.latency is not None else None for one in (was, node)]
    if p99s[0] is not None and p99s[1] is not None and _moved(p99s[0], p99s[1], _LEAST_S):
        yield 4, said(name, f" p99 {latency(p99s[0])} → {latency(p99s[1])}")


def _word(state: str) -> str:
    return state.replace("_", "-")


def _moved(was: float, now: float, least: float) -> bool:
    """Whether a number has doubled or halved, and is worth a word."""
    low, high = sorted((was, now))
    return high - low >= least and high >= _FACTOR * low
