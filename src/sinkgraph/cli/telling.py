"""What changed in a running graph, one sentence a change, for people who listen or read logs.

It compares snapshots, as they come; it asks nobody and prints nothing. Numbers that only move are
no change.
"""

from __future__ import annotations

from collections.abc import Iterator

from sinkgraph.api.models import BreakerView, NodeView, SnapshotView
from sinkgraph.cli.standing import held_by, lasting, node_state, trouble
from sinkgraph.diagnostics.safe import safe_text

__all__ = ["Teller"]

_MARKS = (50, 80, 100)  # per cent of a queue's capacity
_EVERY_S = 10.0  # losses of a node are told so often at most
_WELL = ("ok", "starting")


class Teller:
    """Remembers what was told; `changes` gives what is to be told now."""

    def __init__(self) -> None:
        self._seen: SnapshotView | None = None
        self._marks: dict[str, int] = {}
        self._since: dict[str, float] = {}  # when a node began to be in trouble
        self._lost: dict[str, tuple[float, int]] = {}
        self._dead: dict[str, tuple[float, int]] = {}

    def changes(self, now: SnapshotView) -> list[str]:
        """Return a sentence for each change since the snapshot before."""
        before, self._seen = self._seen, now
        if before is None or before.run_id != now.run_id:
            self._marks.clear()
            self._since.clear()
            self._lost = {name: (now.at, _dropped(node)) for name, node in now.nodes.items()}
            self._dead = {
                name: (now.at, node.ledger.dead_lettered) for name, node in now.nodes.items()
            }
            return self._first(now)
        told = []
        if now.generation != before.generation:
            told.append(f"generation {now.generation} runs now")
        if now.status != before.status:
            told.append(f"the graph is {now.status}")
        told += self._drift(before, now)
        for name in before.nodes:
            if name not in now.nodes:
                told.append(f"{safe_text(name)} was removed")
        for name, node in now.nodes.items():
            was = before.nodes.get(name)
            if was is None:
                article = "an" if node.kind[:1] in "aeiou" or node.kind == "http" else "a"
                told.append(f"{safe_text(name)} was added, {article} {node.kind}")
            else:
                told += self._node(was, node, now.at)
        if now.residue and now.residue != before.residue:
            told.append(f"{now.residue:,} events are unaccounted for, which is a bug in sinkgraph")
        return told

    def _drift(self, before: SnapshotView, now: SnapshotView) -> Iterator[str]:
        """Say what the file came to say, as against what runs."""
        was = before.drift.said if before.drift is not None else None
        if now.drift is not None and now.drift.said != was:
            yield f"drift: {safe_text(now.drift.said)}"
        elif now.drift is None and was is not None:
            yield "what runs is what the file says"

    def _first(self, now: SnapshotView) -> list[str]:
        head = f"{safe_text(now.name)} is {'running' if now.status == 'ok' else now.status}"
        head += f", generation {now.generation}, {now.pending:,} events pending"
        bad = [node for node in now.nodes.values() if trouble(node)]
        for node in bad:
            self._since[node.name] = now.at
        rest = [_state(node) for node in bad]
        full = [one for node in now.nodes.values() for one in self._fill(node)]
        return [head if rest or full else f"{head}, all is well", *rest, *full]

    def _node(self, was: NodeView, node: NodeView, at: float) -> list[str]:
        name, told = safe_text(node.name), []
        if was.paused != node.paused:
            ends = f", for {lasting(node.resumes_in_s)}" if node.resumes_in_s is not None else ""
            who = _who(node)
            told.append(f"{name} was paused{who}{ends}" if node.paused else f"{name} was resumed")
        if was.breaker is not None and node.breaker is not None:
            told += self._breaker(name, was.breaker, node)
        turned = (was.status in _WELL) != (node.status in _WELL)
        if turned and node.status != "draining" and node.kind != "breaker":
            told.append(self._status(name, node, at))
        told += self._fill(node)
        told += self._losses(name, node, at)
        if trouble(node):
            self._since.setdefault(node.name, at)
        else:
            self._since.pop(node.name, None)
        return told

    @staticmethod
    def _breaker(name: str, was: BreakerView, node: NodeView) -> list[str]:
        now = node.breaker
        if now is None or was.state == now.state:
            return []
        match now.state:
            case "open":
                said = f"opened after {now.failures} failures"
                if now.retry_in_s is not None:
                    said += f", probes in {lasting(now.retry_in_s)}"
                if node.last_error:
                    said += f", last error {safe_text(node.last_error, 160)}"
            case "half_open":
                said = "probes"
            case "isolated":
                said = f"was tripped{_who(node)}, nothing passes"
                if now.reverts_in_s is not None:
                    said += f" for {lasting(now.reverts_in_s)}"
            case "closed":
                said = "closed"
            case _:
                said = f"is {now.state}"
        return [f"the breaker of {name} {said}"]

    def _status(self, name: str, node: NodeView, at: float) -> str:
        if node.status in _WELL:
            since = self._since.get(node.name)
            return f"{name} works again" + (f" after {lasting(at - since)}" if since else "")
        why = f": {safe_text(node.last_error, 160)}" if node.last_error else ""
        return f"{name} is {node.status}{why}"

    def _fill(self, node: NodeView) -> list[str]:
        """Tell when a queue passes a mark on its way up, and when it is below all again."""
        if not node.capacity or node.kind != "queue":
            return []
        filled = 100 * node.depth / node.capacity
        mark = max((one for one in _MARKS if filled >= one), default=0)
        before = self._marks.get(node.name, 0)
        name = safe_text(node.name)
        if mark > before:
            self._marks[node.name] = mark
            rate = node.in_per_s - node.out_per_s
            if mark == 100:
                return [f"{name} is full, {node.depth:,} events"]
            eta = f", full in {lasting((node.capacity - node.depth) / rate)}" if rate > 0.5 else ""
            grows = f", growing {rate:,.0f} a second" if rate > 0.5 else ""
            return [f"{name} is {mark}% full{grows}{eta}"]
        if before and filled < _MARKS[0] / 2:
            self._marks[node.name] = 0
            return [f"{name} has room again, {node.depth:,} events wait"]
        return []

    def _losses(self, name: str, node: NodeView, at: float) -> list[str]:
        told = []
        told_at, so_far = self._lost.get(node.name, (0.0, 0))
        dropped = _dropped(node)
        if dropped > so_far and at - told_at >= _EVERY_S:
            self._lost[node.name] = (at, dropped)
            reasons = ", ".join(sorted(safe_text(reason) for reason in node.ledger.dropped))
            told.append(f"{name} dropped {dropped - so_far:,} events ({reasons})")
        told_at, so_far = self._dead.get(node.name, (0.0, 0))
        dead = node.ledger.dead_lettered
        if dead > so_far and at - told_at >= _EVERY_S:
            self._dead[node.name] = (at, dead)
            count = dead - so_far
            words = "1 event" if count == 1 else f"{count:,} events"
            told.append(f"{words} of {name} became dead letters")
        return told


def _dropped(node: NodeView) -> int:
    return sum(node.ledger.dropped.values())


def _state(node: NodeView) -> str:
    name, state = safe_text(node.name), node_state(node)
    why = f": {safe_text(node.last_error, 160)}" if node.last_error and not node.paused else ""
    if state.startswith("breaker "):
        return f"the breaker of {name} is {state.removeprefix('breaker ')}{_who(node)}{why}"
    return f"{name} is {state}{_who(node)}{why}"


def _who(node: NodeView) -> str:
    held = held_by(node)
    return f" {held}" if held else ""
