"""Writes what is to be replayed into its nodes, while a graph runs: in order, at a rate, resumable.

The events stand in the log of a cursor `replay/NODE`; they are settled there once NODE has taken
them, so a crash costs repetition and never loss. How dead letters get there is `replaying`'s.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from sinkgraph.errors import SinkgraphError
from sinkgraph.event import Batch
from sinkgraph.log.backlog import size_of
from sinkgraph.log.disk.letters import REPLAY
from sinkgraph.runtime.replay_write import Stopped, Writing, most_at_once
from sinkgraph.sinks.base import Context, Node
from sinkgraph.sinks.burial import DeadLetters

if TYPE_CHECKING:
    from sinkgraph.log.disk.dead import DeadFilter
    from sinkgraph.log.disk.replaying import Chosen, Moved
    from sinkgraph.log.disk.shelf import Shelf
    from sinkgraph.runtime.state import StateDir

__all__ = ["Replay", "Replays"]

_MOST = 500  # events in one write
_LEAVE_S = 2.0  # how long a write may take to end once the graph stops
_WRITES_A_SECOND = 10  # where a rate allows so few that they can be counted


class Running(Protocol):
    """Is what a replay needs of the topology it works in."""

    ctx: Context
    state: StateDir | None
    status: str
    replaying: dict[str, asyncio.Task[None]]

    @property
    def nodes(self) -> Mapping[str, Node]:
        """Every node by name."""
        ...

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Start a task that ends with the topology."""
        ...


class Replays:
    """Has every stored replay of a topology written, and moves dead letters to be replayed."""

    def __init__(self, topology: Running) -> None:
        self._topology = topology
        self._replays: dict[str, Replay] = {}
        self._stopping = False

    def start(self) -> None:
        """Go on with what was to be replayed when the last run ended; synchronous."""
        state = self._topology.state
        if state is None or state.depot is None:
            return
        for name, shelf in list(state.depot.shelves.items()):
            if name.startswith(REPLAY) and shelf.pending:
                replay = self._of(name.removeprefix(REPLAY))
                replay.ledger.recovered += shelf.pending
                self._go(replay)

    def stop(self) -> None:
        """Begin no further write; what was not written stays for the next start. Idempotent."""
        self._stopping = True
        for replay in self._replays.values():
            replay.stop()

    async def replay(
        self,
        chosen: Chosen | None = None,
        *,
        to: str | None = None,
        rate: float | None = None,
        expect: int | None = None,
    ) -> Moved:
        """Move dead letters (all, unless chosen by a filter or numbers) and begin to write them.

        Each goes into the node where it died, or into `to`, at most `rate` events a second for
        each node. Returns when all are on disk as events to be replayed; they are written from
        then on. Letters of nodes that are not in this graph are left. A replay that stopped for a
        failure goes on. Raises WrongReplay unless `expect` letters match, KeyError for a `to` that
        is no node, SinkgraphError where there is no state dir or the graph stops.
        """
        from sinkgraph.log.disk.replaying import move

        topology, state = self._topology, self._topology.state
        if state is None:
            raise SinkgraphError("there is no state dir: dead letters in memory cannot be replayed")
        if to is not None:
            self._refuse(to)
        if topology.status != "ok" or state.depot is None:
            raise SinkgraphError(f"the graph is {topology.status}: nothing was replayed")
        made = await move(
            state.depot,
            _every() if chosen is None else chosen,
            to=to,
            rate=rate,
            expect=expect,
            moved=self._moved,
            known=None if to is not None else self._known(),
        )
        for node in made.events:
            self._go(self._of(node))
        return made

    def resume(self, node: str) -> None:
        """Go on with a replay that stopped for a failure; nothing when it runs or is done."""
        if node in self._replays:
            self._go(self._replays[node])

    async def ended(self) -> None:
        """Wait until every replay has written all it has, or stopped."""
        while tasks := [one.task for one in self._replays.values() if one.working]:
            await asyncio.wait([task for task in tasks if task is not None])

    @property
    def pending(self) -> int:
        """How many events wait to be written, also where a replay has stopped."""
        return sum(one.pending() for one in self._replays.values())

    @property
    def accounts(self) -> list[Replay]:
        """Every replay there was in this run, for its ledger."""
        return list(self._replays.values())

    def _known(self) -> frozenset[str]:
        nodes = self._topology.nodes
        return frozenset(name for name, one in nodes.items() if not isinstance(one, DeadLetters))

    def _refuse(self, to: str) -> None:
        node = self._topology.nodes.get(to)
        if node is None:
            raise KeyError(f"no node is named {to!r}")
        if isinstance(node, DeadLetters):
            raise SinkgraphError(f"{to} keeps dead letters: name the node they are to go into")

    def _moved(self, node: str, n: int) -> None:
        self._of(node).ledger.entered += n

    def _of(self, name: str) -> Replay:
        replay = self._replays.get(name)
        if replay is None:
            topology, state = self._topology, self._topology.state
            depot = state.depot if state is not None else None
            assert depot is not None, "what is replayed is in an open state dir"
            shelf = depot.claim(REPLAY + name)
            replay = self._replays[name] = Replay(name, shelf, lambda: topology.nodes.get(name))
            replay.bind(topology.ctx)
        return replay

    def _go(self, replay: Replay) -> None:
        topology = self._topology
        if replay.working:
            replay.wake()
        elif not self._stopping and replay.pending():
            replay.task = topology.spawn(replay.run(), f"replay into {replay.into}")
            topology.replaying[replay.name] = replay.task
            replay.task.add_done_callback(lambda _: topology.replaying.pop(replay.name, None))


class Replay(Node):
    """Writes the events of one cursor into one node; its ledger says what became of them.

    `target()` gives the node as it is now. The first failure stops it; the rest stays stored.
    """

    kind = "replay"

    def __init__(self, into: str, shelf: Shelf, target: Callable[[], Node | None]) -> None:
        super().__init__()
        self.into = into
        self.name = REPLAY + into
        self.task: asyncio.Task[None] | None = None
        self.last_error: str | None = None
        self._shelf = shelf
        self._target = target
        self._batches: deque[Batch] = deque()  # read, not written yet
        self._stop = asyncio.Event()
        self._due = 0.0

    @property
    def working(self) -> bool:
        """Whether its task runs."""
        return self.task is not None and not self.task.done()

    def stop(self) -> None:
        """Begin no further write; the one under way is given up when it does not end soon."""
        if not self._stop.is_set():
            self._stop.set()
            if self.task is not None:
                asyncio.get_running_loop().call_later(_LEAVE_S, self.task.cancel)

    def wake(self) -> None:
        """Take note of a new rate: what waits for the old one waits no longer."""
        self._due = min(self._due, self.bound.clock.now() + self._pace(1))

    # its work

    async def run(self) -> None:
        """Write until nothing is left, it is stopped, or a write fails."""
        ctx = self.bound
        before = self.ledger.delivered
        self.status, self.last_error = "ok", None
        rate = self._rate()
        ctx.journal("replay_started", node=self.into, events=self.pending(), rate=rate)
        try:
            while not self._stop.is_set() and (batch := await self._next()) is not None:
                await self._pause()
                if self._stop.is_set():
                    break
                await self._write(batch)
        except Stopped as error:
            if not self._stop.is_set():
                self.status, self.last_error = "failed", error.reason
                ctx.journal(
                    "replay_failed", node=self.into, error=error.reason, left=self.pending()
                )
            return
        if not self.pending():
            ctx.journal("replay_ended", node=self.into, events=self.ledger.delivered - before)

    async def _next(self) -> Batch | None:
        """Return what to write next; it stays where it is until it was written."""
        while not self._batches and self._shelf.cold:
            arrived: asyncio.Future[list[Batch]] = asyncio.get_running_loop().create_future()

            def done(
                batches: list[Batch],
                lost: int,
                _size: int,
                arrived: asyncio.Future[list[Batch]] = arrived,
            ) -> None:
                if lost:
                    self.ledger.drop("damaged", lost)
                    self.bound.journal("events_damaged", node=self.name, events=lost)
                self._batches.extend(batches)
                if not arrived.done():
                    arrived.set_result(batches)

            self._shelf.prefetch(done)
            stopped = asyncio.ensure_future(self._stop.wait())
            either: list[asyncio.Future[Any]] = [arrived, stopped]
            try:
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            finally:
                stopped.cancel()
            if not arrived.done():
                return None
        return self._batches[0] if self._batches else None

    async def _write(self, batch: Batch) -> None:
        """Write as much as goes at once; settle what was taken, keep the rest in its place."""
        node = self._target()
        if node is None or isinstance(node, DeadLetters):
            what = "keeps dead letters" if node is not None else "is not in this graph any more"
            raise Stopped(f"{self.into} {what}")
        part = batch[: min(self._most(), most_at_once(node, _MOST))]
        self._due = max(self._due, self.bound.clock.now()) + self._pace(len(part))
        writing = Writing(node, part, self._stop)
        try:
            await writing.run()
        finally:
            self._settle(batch, writing)

    def _settle(self, batch: Batch, writing: Writing) -> None:
        ended = writing.ended()
        self.ledger.delivered += len(ended) - writing.buried
        self.ledger.dead_lettered += writing.buried
        done = batch.pick(ended)
        left = [k for k in range(len(batch)) if k not in set(ended)]
        if left:
            first = left[0]
            whole = len(left) == len(batch) - first
            self._batches[0] = batch[first:] if whole else batch.pick(left)
        else:
            self._batches.popleft()
        if len(done):
            self._shelf.settle(done.places or (), size_of(done))

    # its pace

    def _rate(self) -> float | None:
        from sinkgraph.log.disk.replaying import rate_of

        return rate_of(self.bound.records.get("replay", self.into))

    def _most(self) -> int:
        rate = self._rate()
        return _MOST if rate is None else max(1, min(_MOST, int(rate / _WRITES_A_SECOND)))

    def _pace(self, n: int) -> float:
        rate = self._rate()
        return 0.0 if rate is None else n / rate

    async def _pause(self) -> None:
        """Wait until the rate allows the next write, or it is stopped."""
        while (left := self._due - self.bound.clock.now()) > 0 and not self._stop.is_set():
            try:
                async with asyncio.timeout(min(left, 1.0)):
                    await self._stop.wait()
            except TimeoutError:
                pass

    # what it says of itself

    def pending(self) -> int:
        """Return how many events are still to be written."""
        return self._shelf.pending

    def facts(self) -> dict[str, Any]:
        """Return where the events go, how many wait and at what rate they go."""
        return {
            "into": self.into,
            "depth": self.pending(),
            "rate": self._rate(),
            "last_error": self.last_error,
        }


def _every() -> DeadFilter:
    from sinkgraph.log.disk.dead import EVERY

    return EVERY
