"""The topology: owns the live nodes, their tasks and their resources, from start to stop.

Start is provision (acquire, may fail, touches nothing running) → commit (one synchronous step);
stop is quiesce → drain to a deadline → close. It does not know documents: it is given nodes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextvars import Context as Variables
from contextvars import copy_context
from typing import Any

from sinkgraph.clock import Clock, Disk, LoopClock, Network, Random, system_random
from sinkgraph.compiler.assembly import Assembly
from sinkgraph.errors import StartFailed
from sinkgraph.log.turnstile import Turnstile
from sinkgraph.runtime import leaving
from sinkgraph.runtime.feeding import Feeding
from sinkgraph.runtime.look import take_snapshot
from sinkgraph.runtime.pool import ThreadPool
from sinkgraph.runtime.provisioning import provision
from sinkgraph.runtime.replay import Replays
from sinkgraph.runtime.retiring import Fate, Used, retire
from sinkgraph.runtime.state import StateDir
from sinkgraph.runtime.stopping import Stop
from sinkgraph.sinks.base import Context, Link, Node
from sinkgraph.sinks.instant import Instant
from sinkgraph.sinks.queue import Queue
from sinkgraph.sinks.wiring import downstream, prepare, unwire, ways, wire
from sinkgraph.sources.base import SourceNode
from sinkgraph.telemetry.journal import Journal
from sinkgraph.telemetry.stats import LedgerView
from sinkgraph.telemetry.status import CloseReport, Snapshot

__all__ = ["Topology"]

_log = logging.getLogger("sinkgraph")

_MOST_REMOVED = 10_000  # ledgers of nodes that have left


class Topology:
    """Runs one assembly.

    `drain_s`: how long a stop waits for what is pending, in seconds. Clock, chance, network and
    disk are ports; without them the real ones are used. `state_dir` is where events are kept that
    outlive the process; `fates` says what becomes of those whose queue is not in the graph.
    """

    def __init__(
        self,
        assembly: Assembly,
        *,
        clock: Clock | None = None,
        random: Random | None = None,
        network: Network | None = None,
        disk: Disk | None = None,
        output_dir: str = ".",
        state_dir: str | None = None,
        fates: Mapping[str, str] | None = None,
        drain_s: float = 25.0,
    ) -> None:
        self.assembly = assembly
        self.name = assembly.name
        self.drain_s = drain_s
        self.generation = 0
        self.status = "starting"
        self._clock = clock
        self._random = random if random is not None else system_random()
        self.network = network
        self._output_dir = output_dir
        self.state = StateDir(state_dir, disk, fates or {}) if state_dir is not None else None
        self.pool = ThreadPool()
        self.tasks: dict[asyncio.Task[None], None] = {}
        self.replaying: dict[str, asyncio.Task[None]] = {}
        self.leaving: dict[str, Node] = {}  # of earlier graphs, until they are drained and closed
        self.faces: dict[int, Node] = {}  # by the id of a node: what edges to it lead to instead
        self.retiring: dict[asyncio.Task[None], list[Node]] = {}
        self._context: Variables | None = None
        self._uids = 0
        self._wirings = 0
        self._stop: Stop | None = None
        self._stopping: asyncio.Task[CloseReport] | None = None
        self._order: list[Node] = []  # as of the last wiring
        self._on_wired: list[Callable[[], None]] = []
        self.closing: list[Callable[[], None]] = []
        self.beside: list[Node] = []  # accounts of what stands outside the graph, once used
        self.removed: dict[str, LedgerView] = {}  # of nodes that have left, by name
        self.replays = Replays(self)
        self.hurry = asyncio.Event()
        self.report: CloseReport | None = None

    # who is here

    @property
    def sources(self) -> Mapping[str, SourceNode]:
        """The sources by name."""
        return self.assembly.sources

    @property
    def nodes(self) -> dict[str, Node]:
        """Every node by name: sources, sinks, dead letters."""
        return {**self.assembly.nodes, **self.leaving}

    @property
    def working(self) -> list[asyncio.Task[None]]:
        """The tasks that bring events in: of sources, and of replays."""
        return [*self.feeding.tasks, *self.replaying.values()]

    @property
    def wired(self) -> list[Node]:
        """The nodes as of the last wiring, upstream before downstream."""
        return self._order

    def ordered(self) -> list[Node]:
        """Return every node, upstream before downstream; dead letters last."""
        dead = self.assembly.dead_letters
        roots = [*self._roots(), *self.leaving.values(), *self.assembly.sinks.values()]
        return [*(node for node in downstream(roots) if node is not dead), dead]

    def _roots(self) -> list[Node]:
        entries = [link.target for link in self.assembly.entries.values()]
        return [*self.assembly.sources.values(), *entries]

    def ordered_from_roots(self) -> list[Node]:
        """Return what sources and entries reach; a removed target is not among it."""
        return downstream(self._roots())

    def retired(self, node: Node) -> None:
        """Forget a node that was removed, drained and closed; its ledger is kept for the report."""
        if len(self.removed) < _MOST_REMOVED or node.name in self.removed:
            before = self.removed.get(node.name, LedgerView())
            self.removed[node.name] = LedgerView.total([before, node.account()])
        if self.assembly.sinks.get(node.name) is node:
            del self.assembly.sinks[node.name]
        if self.leaving.get(node.name) is node:
            del self.leaving[node.name]
        if isinstance(node, SourceNode):
            self.feeding.forget(node)
        self._order = [one for one in self._order if one is not node]

    def on_wired(self, listener: Callable[[], None]) -> None:
        """Call `listener` after every change of the wiring."""
        self._on_wired.append(listener)

    def on_closing(self, listener: Callable[[], None]) -> None:
        """Call `listener` when a stop has drained, before anything is closed."""
        self.closing.append(listener)

    # start

    async def start(self) -> None:
        """Provision everything, then commit; raises StartFailed with every reason, nothing runs."""
        self._context = copy_context()
        self.clock = self._clock if self._clock is not None else LoopClock()
        self.started_at = self.clock.now()
        self.run_id = f"{self._random.getrandbits(40):010x}"
        self.journal = Journal(self.clock.wall)
        self.journal.listen(_to_log)
        if self.network is None:
            from sinkgraph.runtime.network import HttpNetwork

            self.network = HttpNetwork()
        dead = self.assembly.dead_letters
        dead.name = dead.name or "dead-letters"
        self.ctx = Context(
            clock=self.clock,
            random=self._random,
            network=self.network,
            spawn=self.spawn,
            journal=self.journal.note,
            run_sync=self.pool.run,
            dead_letters=Link(dead, "dead_letter"),
            turnstile=Turnstile(),
            run_id=self.run_id,
            graph_digest=self.assembly.digest,
            output_dir=self._output_dir,
            provided=self.assembly.provided,
        )
        self.feeding = Feeding(self.spawn, self.journal.note)
        nodes = self.ordered()
        opened: list[Node] = []
        try:
            if self.state is not None:
                self.ctx.depot = await self.state.open(self.journal.note)
                self.ctx.records = self.ctx.depot
            self.bind(nodes)
            reasons = await provision(nodes, opened)
            if self.state is not None:
                reasons += self.state.unclaimed(nodes)
            if reasons:
                raise StartFailed(reasons)
            if self.state is not None:
                await self.state.settle_fates(self.ctx)
        except BaseException:
            self.status = "failed"
            await self.close_nodes(list(reversed(opened)))
            await self.release()
            raise
        self._commit(nodes)

    def bind(self, nodes: list[Node]) -> None:
        """Lend nodes the context and tell each whom its events have passed."""
        found = ways(nodes)
        for node in nodes:
            node.path = node.path or found[node.name]
            node.bind(self.ctx)

    def _commit(self, nodes: list[Node]) -> None:
        """Begin: synchronous, cannot fail."""
        self.wire()
        for node in reversed(nodes):
            node.start()
        self.generation = self.ctx.generation = self.generation + 1
        self.status = "ok"
        for source in self.assembly.sources.values():
            self.feeding.begin(source)
        self.replays.start()
        self.journal.note("graph_started", name=self.name, generation=self.generation)

    def wire(self) -> None:
        """Give every entrance its gate anew; what is pending stays where it is."""
        self._wirings += 1
        unwire(self._order)
        nodes = self._order = self.ordered()
        prepare(nodes)
        wire(nodes, [link.target for link in self.assembly.entries.values()], self._new_uid)
        self.ctx.turnstile.reconsider()
        for listener in self._on_wired:
            listener()

    def wire_below(self, root: Node) -> None:
        """Wire what a new target brings along, and nothing else."""
        self._wirings += 1
        fresh = downstream([root])
        prepare(fresh)
        wire(fresh, [], self._new_uid)
        known = set(map(id, self._order))
        self._order += [node for node in fresh if id(node) not in known]

    def _new_uid(self) -> str:
        self._uids += 1
        return self.run_id if self._uids == 1 else f"{self.run_id}{self._uids:x}"

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Start a task that ends with the topology; what it raises is journaled.

        It runs in the context of the start: a lane outlives the write that woke it.
        """
        context = self._context.copy() if self._context is not None else None
        task = asyncio.get_running_loop().create_task(work, name=name, context=context)
        self.tasks[task] = None
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self.tasks.pop(task, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.journal.note("task_failed", task=task.get_name(), error=repr(error))
            _log.error("task %s failed", task.get_name(), exc_info=error)

    async def sources_ended(self) -> None:
        """Wait until every source has come to its end."""
        await self.feeding.ended(lambda: self.assembly.sources)
        while self.replaying:
            await asyncio.wait(list(self.replaying.values()))

    # while it runs

    def flush(self) -> None:
        """Hand on everything admitted, so that numbers and places agree."""
        for node in self._order:
            if isinstance(node, Instant) and node.gate is not None:
                node.gate.flush()

    def snapshot(self) -> Snapshot:
        """Return everything it says of itself at this instant, frozen."""
        return take_snapshot(self)

    async def drain(self, deadline_s: float | None = None) -> bool:
        """Wait until nothing is pending, upstream first, at most `deadline_s` seconds.

        Replays that are under way, and what has left, are waited for too.

        Returns False when the deadline passed first, or something could not be drained.
        """
        limit = self.drain_s if deadline_s is None else deadline_s
        try:
            async with asyncio.timeout(limit):
                await self.replays.ended()
                while self.retiring:
                    await asyncio.wait(list(self.retiring))
                drained = await leaving.drain_nodes(self.ordered(), self.journal.note)
                return drained and not self.replays.pending
        except TimeoutError:
            return False

    # stop

    async def stop(
        self,
        deadline_s: float | None = None,
        *,
        first: Callable[[], Awaitable[None]] | None = None,
        drain_disk: bool = False,
    ) -> CloseReport:
        """Quiesce, drain to the deadline, close; every caller gets the same report.

        `deadline_s` in seconds, by default the topology's; a later call with a shorter one does
        not shorten a stop under way: use `abort`. `first` is drained before the nodes are, and
        cancelled at the deadline. What is on disk stays there for the next start, unless
        `drain_disk`.
        """
        if self._stopping is None:
            limit = self.drain_s if deadline_s is None else deadline_s
            loop = asyncio.get_running_loop()
            self._stop = Stop(self, limit, first, drain_disk=drain_disk)
            self._stopping = loop.create_task(self._run_stop(self._stop), name="topology stop")
        return await asyncio.shield(self._stopping)

    async def _run_stop(self, stop: Stop) -> CloseReport:
        self.report = await stop.run()
        return self.report

    def keep_disk(self) -> None:
        """Let a stop under way leave on disk what is there, from now on."""
        if self._stop is not None:
            self._stop.keep_disk()

    async def release(self, disk_s: float = 10.0) -> None:
        """Give back what it works with: state dir, network, threads.

        The disk is waited for at most `disk_s` seconds.
        """
        if self.state is not None:
            await self.state.close(disk_s)
        if self.network is not None:
            await self.network.close()
        self.pool.close()

    def abort(self) -> None:
        """End the drain of a stop under way at once; what is pending is counted as left."""
        self.hurry.set()

    async def close_nodes(self, nodes: Sequence[Node], within_s: float = leaving.CLOSE_S) -> None:
        """Close several nodes side by side; one that hangs or fails is named, not waited for."""
        await leaving.close_nodes(nodes, self.journal.note, within_s)

    def retire_soon(
        self, nodes: list[Node], fates: Mapping[Queue, Fate], deadline_s: float
    ) -> None:
        """Drain, close and forget nodes nothing writes to any more, in the background."""
        self._wirings += 1
        task = self.spawn(self._retire(nodes, fates, deadline_s), f"retire {nodes[0].name}")
        self.retiring[task] = nodes
        task.add_done_callback(lambda done: self.retiring.pop(done, None))

    async def _retire(
        self, nodes: list[Node], fates: Mapping[Queue, Fate], deadline_s: float
    ) -> None:
        used = Used(lambda: self._wirings, self.ordered_from_roots)
        ending = [self.feeding.end(one) for one in nodes if isinstance(one, SourceNode)]
        if ending:
            await asyncio.wait([asyncio.ensure_future(one) for one in ending], timeout=deadline_s)
        for node in await retire(nodes, fates, deadline_s, self.journal.note, used):
            self.retired(node)

    # another graph

    def face(self, node: Node) -> Node:
        """Return what edges to a node lead to: itself, or who watches what is written to it."""
        return self.faces.get(id(node), node)

    def adopt(self, new: Assembly) -> None:
        """Own the nodes of another assembly from now on; those it has not are to `leave`."""
        self.assembly = new
        self.name = new.name
        self.generation = self.ctx.generation = self.generation + 1
        self.ctx.graph_digest = new.digest
        self.ctx.provided = new.provided
        self.ctx.dead_letters.retarget(self.face(new.dead_letters))

    def leave(self, node: Node, name: str) -> None:
        """Keep a node of an earlier graph, under a name that is free, until it is retired."""
        node.name, node.left = name, True
        self.leaving[name] = node

    def leaves(self, node: Node) -> bool:
        """Whether a node belongs to an earlier graph only."""
        return self.leaving.get(node.name) is node


def _to_log(entry: Any) -> None:
    facts = " ".join(f"{key}={value}" for key, value in entry.facts.items() if value is not None)
    _log.info("%s %s", entry.kind, facts)
