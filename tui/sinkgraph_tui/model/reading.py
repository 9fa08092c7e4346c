"""The front of the model: takes what the client hands out, gives what a screen shows.

It holds what was taken and is told the time; every answer is a frozen value. It starts nothing
and asks nobody.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Mapping
from dataclasses import dataclass, field

from sinkgraph.api.client import Seen
from sinkgraph.api.messages import JournalEntry
from sinkgraph.api.models import GraphView, HistoryView, SnapshotView
from sinkgraph_tui.model.alarms import Alarm, Board, Key, alarms_of
from sinkgraph_tui.model.causes import Trouble, fold
from sinkgraph_tui.model.freshness import Freshness, freshness_of
from sinkgraph_tui.model.headlines import Hand, headline, summary
from sinkgraph_tui.model.reasons import why
from sinkgraph_tui.model.rows import Row, row_of
from sinkgraph_tui.model.shape import Shape
from sinkgraph_tui.model.signs import Sign, signs_of
from sinkgraph_tui.model.slope import Trend
from sinkgraph_tui.model.text import Line
from sinkgraph_tui.model.timeline import Cursor, Timeline
from sinkgraph_tui.model.totals import Totals, totals_of
from sinkgraph_tui.model.upcoming import Step, next_steps

__all__ = ["Reading", "View"]

_MOST_ENTRIES = 1_000
_BY_HAND = frozenset({
    "queue_paused", "source_paused", "breaker_isolated", "breaker_tripped", "drain_asked",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class View:
    """Is a graph at one moment, as a screen shows it.

    `now` is the server's time that countdowns go by; `whole` is false where only the server's
    history tells of that moment. A view before the first snapshot has none.
    """

    freshness: Freshness
    cursor: Cursor
    now: float
    shape: Shape
    timeline: Timeline
    snapshot: SnapshotView | None = None
    whole: bool = True
    alarms: tuple[Alarm, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    hands: Mapping[str, Hand] | None = None
    address: str | None = None
    _rows: dict[str, Row] = field(default_factory=dict, init=False, repr=False, compare=False)
    _signs: dict[str, tuple[Sign, ...]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def level(self) -> int:
        """The worst level of an alarm that stands and was not acknowledged; 6 when all is well."""
        found = [one.level for one in self.alarms if not one.cleared and one.acked_until is None]
        return min(found, default=6)

    @property
    def strip(self) -> Line:
        """How many alarms there are, or that there are none."""
        return summary(self.alarms, len(self.snapshot.nodes) if self.snapshot is not None else 0)

    @property
    def totals(self) -> Totals | None:
        """The numbers of the whole graph."""
        if self.snapshot is None:
            return None
        return totals_of(self.snapshot, self.shape, self.timeline)

    def headline(self, alarm: Alarm) -> Line:
        """Return how an alarm reads."""
        return headline(alarm, self.shape, self.now, self.hands)

    def why(self, name: str) -> tuple[Line, ...]:
        """Return why a node stands as it does."""
        if self.snapshot is None:
            return ()
        return why(name, self.snapshot, self.shape, self.timeline, self.troubles, self.hands)

    def next(self, name: str) -> tuple[Step, ...]:
        """Return what comes next for a node, and what can be done."""
        if self.snapshot is None:
            return ()
        return next_steps(
            name, self.snapshot, self.shape, self.timeline, self.troubles, address=self.address
        )

    def signs(self, name: str) -> tuple[Sign, ...]:
        """Return what is abnormal of a node, the worst first."""
        if not self._signs:
            found: dict[str, list[Sign]] = {}
            for sign in (sign for one in self.troubles for sign in one.signs):
                found.setdefault(sign.node, []).append(sign)
            self._signs[""] = ()
            for node, signs in found.items():
                self._signs[node] = tuple(sorted(signs, key=lambda one: one.level))
        return self._signs.get(name, ())

    def node_level(self, name: str) -> int | None:
        """Return the worst level of a node, None when it is as it should be."""
        return min((sign.level for sign in self.signs(name)), default=None)

    def row(self, name: str) -> Row | None:
        """Return a node in the values of a row, None for one that is not there."""
        if self.snapshot is None or name not in self.snapshot.nodes:
            return None
        row = self._rows.get(name)
        if row is None:
            level = self.node_level(name)
            row = row_of(name, self.snapshot, self.shape, self.timeline, level)
            self._rows[name] = row
        return row

    def rows(self) -> tuple[Row, ...]:
        """Return the rows of all nodes, in the order of the graph."""
        names = self.shape.order(self.snapshot.nodes) if self.snapshot is not None else ()
        return tuple(row for name in names if (row := self.row(name)) is not None)

    def trend(self, name: str) -> Trend:
        """Return how the depth of a node goes."""
        return self.timeline.trend(name, self.snapshot.at if self.snapshot is not None else None)


class Reading:
    """Takes snapshots, graphs, journal entries and history, and gives views of any moment.

    `address` stands in commands where more than one graph runs.
    """

    def __init__(self, *, address: str | None = None) -> None:
        self.address = address
        self.timeline = Timeline()
        self.shape = Shape(None)
        self.board = Board()
        self.entries: list[JournalEntry] = []
        self._live = False
        self._error: str | None = None
        self._received: float | None = None
        self._run_id: str | None = None

    # what comes; `now` is the local monotonic clock

    def take(self, seen: Seen, now: float) -> None:
        """Take what the client has seen."""
        self._live, self._error = seen.live, seen.error
        snapshot = seen.snapshot
        if snapshot is None or not seen.live:
            return
        if self._run_id not in (None, snapshot.run_id):
            self.entries.clear()
        self._run_id = snapshot.run_id
        self._received = now
        self.timeline.add(snapshot)
        self.board = self.board.advanced(signs_of(snapshot, self.shape, self.timeline), snapshot.at)

    def take_graph(self, graph: GraphView) -> None:
        """Take the graph that runs; it is asked for again whenever `wants_graph()`."""
        self.shape = Shape(graph)

    def wants_graph(self) -> bool:
        """Whether another graph runs than the one that is known."""
        graph = self.shape.graph
        if not self.timeline:
            return graph is None
        latest = self.timeline.latest
        return graph is None or (graph.generation, graph.digest) != (
            latest.generation,
            latest.digest,
        )

    def take_history(self, history: HistoryView) -> None:
        """Take what the server knows of the time before this began."""
        self.timeline.seed(history)

    def take_entry(self, entry: JournalEntry) -> None:
        """Take one fact of the journal; one that is known already is passed over."""
        if any(one.seq == entry.seq and one.at == entry.at for one in self.entries):
            return
        insort(self.entries, entry, key=lambda one: (one.at, one.seq))
        del self.entries[:-_MOST_ENTRIES]

    # what is done to alarms

    def acknowledge(self, key: Key, lasting_s: float = 600.0) -> None:
        """Acknowledge an alarm for a time."""
        self.board = self.board.acknowledged(key, lasting_s)

    def look_at_cleared(self) -> None:
        """Forget the alarms that are over: they were looked at."""
        self.board = self.board.seen()

    # what is shown

    def view(self, now: float, cursor: Cursor | None = None) -> View:
        """Return what is to be shown at local monotonic time `now`, of the cursor's moment."""
        here = cursor if cursor is not None else Cursor()
        if not self.timeline:
            fresh = freshness_of(received=None, now=now, live=self._live, error=self._error)
            return View(fresh, here, 0.0, self.shape, self.timeline, address=self.address)
        then = self.timeline.at(here.at)
        behind = 0.0 if here.live else self.timeline.last - then.snapshot.at
        fresh = freshness_of(
            received=self._received, now=now, live=self._live, error=self._error,
            behind_s=behind, at=then.snapshot.at,
        )  # fmt: skip
        if here.live:
            signs = self.board.present()
            alarms = self.board.alarms(self.shape)
            passed = 0.0 if fresh.frozen else fresh.age_s
        else:
            signs = signs_of(then.snapshot, self.shape, self.timeline)
            alarms, passed = alarms_of(signs, self.shape), 0.0
        if fresh.sign is not None:
            alone = Alarm(fresh.sign.key, (Trouble(fresh.sign),))
            alarms = (alone, *alarms)
        return View(
            fresh, here, then.snapshot.at + passed, self.shape, self.timeline, then.snapshot,
            then.whole, alarms, fold(signs, self.shape), self._hands(then.snapshot.at),
            self.address,
        )  # fmt: skip

    def _hands(self, until: float) -> dict[str, Hand]:
        """Return who paused, tripped or drained a node last, and why."""
        found: dict[str, Hand] = {}
        for entry in self.entries:
            if entry.at > until or entry.node is None or entry.kind not in _BY_HAND:
                continue
            by, reason = entry.facts.get("by"), entry.facts.get("why")
            if by is not None or entry.node not in found:
                found[entry.node] = Hand(
                    str(by) if by is not None else None, str(reason) if reason else None
                )
        return found
