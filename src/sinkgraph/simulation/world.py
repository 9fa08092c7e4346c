"""A world for a graph to run in: virtual time, scripted endpoints, a disk that fails, and crashes.

Everything that is drawn comes from one seed, so a run that failed can be had again. What a graph
is to do in it is a story, told by a test.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Mapping
from contextlib import asynccontextmanager
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, TypeVar

from sinkgraph.simulation.destination import Destination, Latency
from sinkgraph.simulation.disk import VirtualDisk
from sinkgraph.simulation.faults import DiskFaults, Ending, Kept, draw_ending
from sinkgraph.simulation.loop import VirtualClock, VirtualLoop
from sinkgraph.simulation.network import VirtualNetwork
from sinkgraph.simulation.process import Died, Process
from sinkgraph.simulation.producer import Producer
from sinkgraph.simulation.trace import Trace

if TYPE_CHECKING:
    from sinkgraph.runtime.live import Live
    from sinkgraph.telemetry.status import Snapshot

__all__ = ["Unaccounted", "World", "simulate"]

_Result = TypeVar("_Result")

SEED = "SINKGRAPH_SEED"


class Unaccounted(AssertionError):
    """Say that a node's ledger does not add up: the conservation law is broken."""


class World:
    """Is made on a running virtual loop, by `simulate`.

    `state_dir` outlives the processes that use it. `check_every_s`: how often the ledgers of a
    running graph are held to the conservation law, in virtual seconds.
    """

    def __init__(self, seed: int = 0, *, directory: str | None = None) -> None:
        self.seed = seed
        self.clock = VirtualClock()
        self.trace = Trace(self.clock.now)
        self.network = VirtualNetwork(random=self.chance("network"), note=self.trace.note)
        self.faults = DiskFaults(random=self.chance("faults"), now=self.clock.now)
        self.disk_latency: Latency = 0.0005
        self.check_every_s = 0.25
        self.process: Process | None = None
        self.crashes: list[float] = []
        self.broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._own = directory is None
        self.directory = directory if directory is not None else _directory()
        self.state_dir = os.path.join(self.directory, "state")
        self._tasks: dict[asyncio.Task[Any], None] = {}
        self._context = copy_context()
        self._stalls: list[tuple[float, float]] = []
        self._lives = 0
        self._ruins: asyncio.Future[None] | None = None
        self._numbers = 0
        self._deepest: dict[str, int] = {}
        self._up: list[asyncio.Future[None]] = []

    # chance and time

    def chance(self, name: str) -> random.Random:
        """Return a source of chance of its own for `name`, the same for the same seed."""
        return random.Random(f"{self.seed}/{name}")

    @property
    def now(self) -> float:
        """Virtual seconds since the world began."""
        return self.clock.now()

    async def until(self, at: float) -> None:
        """Wait until virtual second `at`; return at once when that has passed."""
        await asyncio.sleep(max(0.0, at - self.now))

    def number(self, n: int) -> range:
        """Return n numbers nobody else got."""
        self._numbers += n
        return range(self._numbers - n, self._numbers)

    # who is there

    def destination(self, where: str, *, latency: Latency = 0.01) -> Destination:
        """Return an endpoint, by origin or URL; it is made when first asked for."""
        return self.network.destination(where, latency=latency)

    def produce(self, name: str, *, count: int, **options: Any) -> Producer:
        """Let a producer write from now on; see `Producer` for the options."""
        return Producer(self, name, count=count, **options).start()

    def spawn(self, work: Coroutine[Any, Any, _Result], name: str) -> asyncio.Task[_Result]:
        """Start a task that ends with the world; what it raises fails the simulation."""
        context = self._context.copy()  # not that of a process, whose death would end it
        task = asyncio.get_running_loop().create_task(work, name=name, context=context)
        self._tasks[task] = None
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.pop(task, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._break(error)

    def _break(self, error: BaseException) -> None:
        if not self.broken.done():
            self.broken.set_exception(error)

    # a graph in it

    @asynccontextmanager
    async def run(self, what: Any, *, durable: bool = False, **options: Any) -> AsyncIterator[Live]:
        """Run a graph as `sinkgraph.run` does, on this world's ports.

        `durable` gives it the world's state dir and disk. When it was crashed inside the scope,
        leaving it does nothing. Raises Died when it dies before it is up.
        """
        live = await self.start(what, durable=durable, **options)
        try:
            yield live
        finally:
            await self.stop()

    async def start(self, what: Any, *, durable: bool = False, **options: Any) -> Live:
        """Start a graph; it runs until `stop` or `crash`."""
        from sinkgraph.runtime.run import Run, run

        assert self.process is None, "one graph at a time runs in a world"
        if self._ruins is not None:
            await asyncio.wait([self._ruins])  # of the last crash
        self._lives += 1
        disk = VirtualDisk(
            latency=self.disk_latency,
            random=self.chance(f"disk {self._lives}"),
            vfs=self.faults.name,
            lost=self._lost,
        )
        for stall in self._stalls:
            disk.stall(*stall)
        process = self.process = Process(self._lives, disk, self.network)
        options.setdefault("random", self.chance(f"engine {self._lives}"))
        options.setdefault("clock", self.clock)
        if durable:
            options.update(state_dir=self.state_dir, disk=disk)
        options.setdefault("output_dir", self.directory)

        def begin(port: Any, disk: VirtualDisk) -> Run:
            return run(what, network=port, **options)

        try:
            live = await process.start(begin)
        except BaseException:
            if self.process is process:
                self.process = None
                process.alive = False
            raise
        self.trace.note("started", life=process.number)

        def journaled(entry: Any) -> None:
            if process.alive:  # timers of the dead still go off, and nobody hears of them
                self.trace.note("journal", kind=entry.kind, life=process.number)

        live.topology.journal.listen(journaled)
        _ = self.spawn(self._watch(process), "watch")
        up, self._up = self._up, []
        for future in up:
            if not future.done():
                future.set_result(None)
        return live

    async def stop(self) -> None:
        """Stop the graph as leaving `sinkgraph.run` does; nothing when none runs."""
        process = self.process
        if process is None:
            return
        try:
            await process.stop()
        except Died:
            return  # the crash came first
        if self.process is process:
            self.process = None
        self.trace.note("stopped", life=process.number)
        report = process.live.report
        if report is not None:
            self._hold(report.snapshot)

    async def up(self) -> Process:
        """Return the process that runs; wait for the next one when none does."""
        while self.process is None or not self.process.started or not self.process.alive:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._up.append(future)
            await future
        return self.process

    async def survives(self, until: float) -> bool:
        """Wait until virtual second `until`; return False at once when the process has died."""
        process = self.process
        if process is None or not process.alive:
            return False
        await asyncio.wait([process.died], timeout=max(0.0, until - self.now))
        return process.alive

    async def do(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        """Run `work` inside the process; raises Died when that dies first."""
        assert self.process is not None, "a graph runs"
        return await self.process.do(work)

    # crashes

    async def crash(self, ending: Ending = "kill", kept: Kept = "some") -> None:
        """End the process at once, nothing closed; `power` also loses unsynced writes."""
        process = self.process
        if process is None:
            return
        self.process = None
        self.crashes.append(self.now)
        self.trace.note("crashed", life=process.number, ending=ending, kept=kept)
        self._ruins = asyncio.get_running_loop().create_future()
        self.faults.die()
        await process.die()
        self.faults.release()
        for store in process.disk.stores:
            store.close()
        self.faults.revive(ending, kept)
        self._ruins.set_result(None)

    def stall_disk(self, at: float, for_s: float) -> None:
        """Let the disk answer nothing from virtual second `at` for `for_s` seconds."""
        self._stalls.append((at, for_s))
        if self.process is not None:
            self.process.disk.stall(at, for_s)

    def crash_at(self, at: float, ending: Ending = "kill", kept: Kept = "some") -> None:
        """Crash at virtual second `at`, whatever runs then."""

        async def wait() -> None:
            await self.until(at)
            await self.crash(ending, kept)

        _ = self.spawn(wait(), f"crash at {at:g}")

    def _lost(self) -> bool:
        """Whether a disk call was cut short by a death in its middle; then all else dies too."""
        process = self.process
        if self.faults.dead and process is not None:
            ending, kept = draw_ending(self.chance(f"death {process.number}"))
            _ = self.spawn(self.crash(ending, kept), "death")
        return self.faults.dead

    # the law

    def snapshot(self) -> Snapshot:
        """Return the running graph's snapshot."""
        assert self.process is not None, "a graph runs"
        return self.process.live.snapshot()

    def check(self) -> None:
        """Hold every node of the running graph to the conservation law; raises Unaccounted."""
        process = self.process
        if process is not None and process.started and process.alive:
            self._hold(process.live.snapshot())

    def _hold(self, snapshot: Snapshot) -> None:
        for name, node in snapshot.nodes.items():
            if node.ledger.residue or node.ledger.pending < 0:
                raise Unaccounted(f"at {self.now:g} s {node.kind} {name}: {node.ledger}")
            for target, view in node.facts.get("targets", {}).items():
                if view.residue or view.pending < 0:
                    raise Unaccounted(f"at {self.now:g} s {name} to {target}: {view}")
            if node.kind == "queue":  # what ended before a crash, and was not noted, comes again
                most = max(node.facts["capacity"], node.ledger.recovered)
                if node.facts["depth"] > max(most, self._deepest.get(name, 0)):
                    raise Unaccounted(f"at {self.now:g} s queue {name} holds {node.facts}")

    def allow(self, depths: Mapping[str, int]) -> None:
        """Let queues whose capacity a reload lowers hold what they hold by then."""
        for name, depth in depths.items():
            self._deepest[name] = max(depth, self._deepest.get(name, 0))

    async def _watch(self, process: Process) -> None:
        while process.alive and self.process is process:
            self.check()
            await asyncio.sleep(self.check_every_s)

    # its end

    async def close(self) -> None:
        """End all that is left, and remove what was written."""
        if self.process is not None:
            await self.crash()
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(list(self._tasks))
        if self.broken.done() and not self.broken.cancelled():
            self.broken.exception()
        self.faults.close()
        if self._own:
            shutil.rmtree(self.directory, ignore_errors=True)


def simulate(
    story: Callable[[World], Awaitable[_Result]],
    *,
    seed: int | None = None,
    seeds: Iterable[int] | None = None,
) -> _Result:
    """Tell `story` in a world of its own, on virtual time; return what it returns.

    With `seeds`, tell it once for each, and return what the last one returned. The environment's
    SINKGRAPH_SEED beats both. A failure names its seed and shows the last steps of the trace.
    """
    wanted = os.environ.get(SEED)
    todo = [int(wanted)] if wanted else list(seeds) if seeds is not None else [seed or 0]
    if not todo:
        raise ValueError("no seed was given")
    for one in todo:
        result = _tell(story, one)
    return result


def _tell(story: Callable[[World], Awaitable[_Result]], seed: int) -> _Result:
    worlds: list[World] = []

    async def main() -> _Result:
        world = World(seed)
        worlds.append(world)
        told = asyncio.ensure_future(_await(story(world)))
        try:
            either: list[asyncio.Future[Any]] = [told, world.broken]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not told.done():
                told.cancel()
                await asyncio.gather(told, return_exceptions=True)
            if world.broken.done():
                world.broken.result()
            return told.result()
        finally:
            await world.close()

    try:
        with asyncio.Runner(loop_factory=lambda: VirtualLoop(seed=seed)) as runner:
            return runner.run(main())
    except BaseException as error:
        error.add_note(f"seed {seed}: to see it again, set {SEED}={seed}")
        if worlds and worlds[0].trace.steps:
            error.add_note("the last steps:\n" + worlds[0].trace.last())
        raise


async def _await(work: Awaitable[_Result]) -> _Result:
    return await work


def _directory() -> str:
    return tempfile.mkdtemp(prefix="sinkgraph-world-")
