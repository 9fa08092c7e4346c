"""The last ten minutes of a graph, and a cursor to look at any moment of them.

It keeps what it is given and computes no alarm. What was before the first snapshot comes from the
server's own history, which knows less.
"""

from __future__ import annotations

import itertools
import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any, Literal

from sinkgraph.api.models import HistoryView, NodeView, SnapshotView
from sinkgraph_tui.model.slope import STEADY, WINDOW_S, Trend, latest_trend

__all__ = ["KEPT_S", "LIVE", "Cursor", "Series", "Then", "Timeline"]

KEPT_S = 600.0
_STEP_S = 0.9  # between two snapshots that are kept
_BACK_S = 2.0  # a clock that goes back by more was set
_FEWEST = 10
_USUAL_S, _MOST_USUAL = 10.0, 4_096
_RATES_S = 10.0
_BREAKERS = {0: "closed", 1: "half_open", 2: "open", 3: "isolated", 4: "disabled"}

Series = Literal["depth", "in_per_s", "out_per_s", "latency_p99_s", "breaker"]


@dataclass(frozen=True, slots=True)
class Then:
    """Is a graph as it was; not `whole` where only history tells of it."""

    snapshot: SnapshotView
    whole: bool


@dataclass(frozen=True, slots=True)
class Cursor:
    """Is the moment that is looked at, in Unix seconds of the server; None is now."""

    at: float | None = None

    @property
    def live(self) -> bool:
        """Whether it follows the newest snapshot."""
        return self.at is None

    def stepped(self, seconds: float, timeline: Timeline) -> Cursor:
        """Return it moved; it stays within what is kept, and past the newest it is live again."""
        if not timeline:
            return LIVE
        at = (timeline.last if self.at is None else self.at) + seconds
        return LIVE if at >= timeline.last else replace(self, at=max(at, timeline.first))

    def to_event(self, ats: Sequence[float], step: int, timeline: Timeline) -> Cursor:
        """Return it at the next (1) or previous (-1) of some moments, oldest first."""
        if not timeline:
            return LIVE
        here = timeline.last if self.at is None else self.at
        if step > 0:
            later = [at for at in ats if at > here and at >= timeline.first]
            return Cursor(later[0]) if later and later[0] < timeline.last else LIVE
        sooner = [at for at in ats if timeline.first <= at < here]
        return Cursor(sooner[-1]) if sooner else self


LIVE = Cursor()


class Timeline:
    """Keeps the snapshots of ten minutes, one a second, and the newest."""

    def __init__(self) -> None:
        self._kept: list[SnapshotView] = []
        self._latest: SnapshotView | None = None
        self._history: HistoryView | None = None
        self._usual: dict[tuple[str, Series, float], float | None] = {}

    def __bool__(self) -> bool:
        return self._latest is not None

    # what comes

    def add(self, snapshot: SnapshotView) -> None:
        """Take the newest snapshot; another run, or a clock set back, begins anew."""
        latest = self._latest
        if latest is not None and (
            latest.run_id != snapshot.run_id or snapshot.at < latest.at - _BACK_S
        ):
            self._kept.clear()
            self._usual.clear()
            self._history = None
            self._latest = latest = None
        if latest is not None and snapshot.at < latest.at:
            return
        self._latest = snapshot
        if not self._kept or snapshot.at - self._kept[-1].at >= _STEP_S:
            self._kept.append(snapshot)
        gone = bisect_left(self._kept, snapshot.at - KEPT_S, key=_at)
        del self._kept[:gone]

    def seed(self, history: HistoryView) -> None:
        """Take what the server knows of the time before the first snapshot."""
        self._history = history
        self._usual.clear()

    # where it begins and ends

    @property
    def latest(self) -> SnapshotView:
        """The newest snapshot; there must be one."""
        assert self._latest is not None, "an empty timeline has no latest snapshot"
        return self._latest

    @property
    def last(self) -> float:
        """When the newest snapshot was made."""
        return self.latest.at

    @property
    def first(self) -> float:
        """The oldest moment that can be looked at."""
        return next((at for at, _ in self._older()), self._kept[0].at)

    def _older(self) -> Iterator[tuple[float, int]]:
        """Yield moments of the history before the first snapshot, with their place in it."""
        if self._history is None or not self._kept:
            return
        end, begin = self._kept[0].at, self.last - KEPT_S
        for k, at in enumerate(self._history.at):
            if begin <= at < end:
                yield at, k

    # looking back

    def at(self, when: float | None = None) -> Then:
        """Return the graph as it was at a moment; the oldest known for one before."""
        if when is None or when >= self.last:
            return Then(self.latest, True)
        place = bisect_right(self._kept, when, key=_at)
        if place:
            return Then(self._kept[place - 1], True)
        older = list(self._older())
        if not older:
            return Then(self._kept[0], True)
        place = bisect_right(older, when, key=lambda one: one[0])
        return Then(self._rebuilt(*older[max(0, place - 1)]), False)

    def _rebuilt(self, at: float, place: int) -> SnapshotView:
        """Return the first snapshot with the numbers of the history, as far as it has them."""
        assert self._history is not None, "moments of a history come from one"
        first = self._kept[0]
        nodes = {}
        for name, node in first.nodes.items():
            values = {
                key: series[place]
                for key, series in self._history.nodes.get(name, {}).items()
                if series[place] is not None
            }
            if values:
                nodes[name] = _then(node, values)
        uptime = max(0.0, first.uptime_s - (first.at - at))
        pending = sum(node.waiting for node in nodes.values())
        changed = {"at": at, "uptime_s": uptime, "nodes": nodes, "pending": pending}
        return first.model_copy(update=changed)

    def snapshots(self, until: float | None = None, over_s: float = KEPT_S) -> list[SnapshotView]:
        """Return snapshots of the last seconds up to a moment, oldest first."""
        end = self.last if until is None else until
        begin = bisect_left(self._kept, end - over_s, key=_at)
        found = self._kept[begin : bisect_right(self._kept, end, key=_at)]
        if self._latest is not None and self._latest.at <= end and found[-1:] != [self._latest]:
            found.append(self._latest)
        return found

    def series(
        self, name: str, series: Series, *, until: float | None = None, over_s: float = KEPT_S
    ) -> list[tuple[float, float]]:
        """Return (when, value) of a node, oldest first, where it had one."""
        end = self.last if until is None else until
        points: list[tuple[float, float]] = []
        held = self._history.nodes.get(name, {}).get(series) if self._history else None
        if held is not None:
            for at, place in self._older():
                value = held[place]
                if value is not None and end - over_s <= at <= end:
                    points.append((at, value))
        for one in self.snapshots(until, over_s):
            node = one.nodes.get(name)
            value = _value(node, series) if node is not None else None
            if value is not None:
                points.append((one.at, value))
        return points

    def trend(self, name: str, until: float | None = None) -> Trend:
        """Return how the depth of a node goes."""
        points = self.series(name, "depth", until=until, over_s=WINDOW_S)
        if len({depth for _, depth in points}) < 2:
            return STEADY
        return latest_trend(points)

    def usual(self, name: str, series: Series, *, before: float | None = None) -> float | None:
        """Return the median before a moment, within ten seconds of it; None if little is known."""
        until = math.floor((self.last if before is None else before) / _USUAL_S) * _USUAL_S
        key = name, series, until
        if key not in self._usual:
            if len(self._usual) >= _MOST_USUAL:
                self._usual.clear()
            values = [value for _, value in self.series(name, series, until=until)]
            self._usual[key] = median(values) if len(values) >= _FEWEST else None
        return self._usual[key]

    def grown(
        self,
        name: str,
        counter: Callable[[NodeView], float],
        *,
        until: float | None = None,
        over_s: float = _RATES_S,
    ) -> tuple[float, float]:
        """Return by how much a counter of a node grew, and in how many seconds.

        A counter that went back belongs to a node that was replaced, and counts from nothing.
        """
        found = [
            (one.at, counter(one.nodes[name]))
            for one in self.snapshots(until, over_s)
            if name in one.nodes
        ]
        grown = 0.0
        for (_, was), (_, now) in itertools.pairwise(found):
            grown += now - was if now >= was else now
        return grown, (found[-1][0] - found[0][0]) if found else 0.0

    def since(
        self, name: str, holds: Callable[[NodeView], bool], until: float | None = None
    ) -> float | None:
        """Return since when something has held of a node without a break; None if it does not."""
        began: float | None = None
        for one in reversed(self.snapshots(until)):
            node = one.nodes.get(name)
            if node is None or not holds(node):
                return began
            began = one.at
        return began

    def broken_since(self, name: str, until: float | None = None) -> float | None:
        """Return since when the breaker of a node has not been closed, by history too."""
        began: float | None = None
        for one in reversed(self.snapshots(until)):
            node = one.nodes.get(name)
            if node is None or node.breaker is None or node.breaker.state in ("closed", "disabled"):
                return began
            began = one.at
        held = self._history.nodes.get(name, {}).get("breaker") if self._history else None
        for at, place in reversed(list(self._older()) if held is not None else []):
            code = held[place] if held is not None else None
            if code is None or at > (self.last if until is None else until):
                continue
            if round(code) in (0, 4):
                break
            began = at
        return began


def _at(snapshot: SnapshotView) -> float:
    return snapshot.at


def _value(node: NodeView, series: Series) -> float | None:
    match series:
        case "depth":
            return float(node.depth)
        case "in_per_s":
            return node.in_per_s
        case "out_per_s":
            return node.out_per_s
        case "latency_p99_s":
            return node.latency.recent_p99_s if node.latency is not None else None
        case "breaker":
            codes = {state: float(code) for code, state in _BREAKERS.items()}
            return codes[node.breaker.state] if node.breaker is not None else None


def _then(node: NodeView, values: dict[str, float | None]) -> NodeView:
    """Return a node with the numbers of the history; what that does not know is left out."""
    depth = int(values.get("depth") or 0)
    changed: dict[str, Any] = {
        "depth": depth,
        "waiting": depth if node.kind == "queue" else 0,
        "in_per_s": values.get("in_per_s") or 0.0,
        "out_per_s": values.get("out_per_s") or 0.0,
        "oldest_s": None,
        "last_error": None,
        "status": "ok",
        "paused": False,
    }
    code = values.get("breaker")
    if node.breaker is not None and code is not None:
        state = _BREAKERS.get(round(code), "closed")
        breaker = {"state": state, "retry_in_s": None, "reverts_in_s": None}
        changed["breaker"] = node.breaker.model_copy(update=breaker)
        changed["status"] = "ok" if state in ("closed", "disabled") else "degraded"
    if node.latency is not None:
        recent = {"recent_p99_s": values.get("latency_p99_s"), "recent_p50_s": None}
        changed["latency"] = node.latency.model_copy(update=recent)
    return node.model_copy(update=changed)
