"""P17: a close is bounded. Any tree, whatever its sinks do: the deadline and a tenth of a second.

Sinks hang, swallow their cancellation, raise what is no Exception, cancel themselves, and do all
of that in `write`, in `drain` and in `close`. Every event is accounted for, every closer gets one
report, and no task of the graph is left but what a deaf sink keeps alive.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinkgraph.errors import SinkgraphError
from sinkgraph.event import Event
from sinkgraph.sinks.base import Link, Node, Sink, Terminal
from sinkgraph.sinks.broadcast import Broadcast
from sinkgraph.sinks.queue import Queue
from sinkgraph.sinks.retry import Retry
from sinkgraph.sinks.wiring import downstream
from sinkgraph.telemetry.status import CloseReport
from sinkgraph.testing import DiskFaults, VirtualDisk, run
from tests.reliability.trees import Forest, Path, Spec, Spot, Step, trees
from tests.support.virtual import start

GRACE_S = 0.1

Fault = Callable[["Faulty"], Awaitable[None]]


class Boom(BaseException):
    """Is no Exception."""


async def _well(_sink: Faulty) -> None:
    """Do nothing."""


async def _slow(_sink: Faulty) -> None:
    await asyncio.sleep(0.7)


async def _hangs(_sink: Faulty) -> None:
    await asyncio.Event().wait()


async def _deaf(sink: Faulty) -> None:
    """Hang, and swallow every cancellation until the test is over."""
    while not sink.over.is_set():
        try:
            await sink.over.wait()
        except asyncio.CancelledError:
            sink.swallowed += 1


async def _dawdles(_sink: Faulty) -> None:
    """Take its time to obey a cancellation."""
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(5)


async def _booms(_sink: Faulty) -> None:
    raise Boom("no exception")


async def _exits(_sink: Faulty) -> None:
    raise SystemExit(3)


async def _fails(_sink: Faulty) -> None:
    raise OSError("scripted")


async def _cancels_itself(_sink: Faulty) -> None:
    raise asyncio.CancelledError


FAULTS: dict[str, Fault] = {
    fault.__name__.strip("_"): fault
    for fault in (_well, _slow, _hangs, _deaf, _dawdles, _booms, _exits, _fails, _cancels_itself)
}


class Faulty:
    """Is a sink of a third party that misbehaves in each of its methods as it is told."""

    def __init__(self, write: str, drain: str, close: str) -> None:
        self.faults = {"write": write, "drain": drain, "close": close}
        self.over = asyncio.Event()
        self.swallowed = 0

    async def write(self, events: Sequence[Event]) -> None:
        """Misbehave."""
        await FAULTS[self.faults["write"]](self)

    async def drain(self) -> None:
        """Misbehave."""
        await FAULTS[self.faults["drain"]](self)

    async def close(self) -> None:
        """Misbehave."""
        await FAULTS[self.faults["close"]](self)


class FaultyNode(Terminal):
    """Is the same as a node of our own kind."""

    kind = "faulty"

    def __init__(self, faulty: Faulty) -> None:
        super().__init__()
        self.faulty = faulty

    async def deliver(self, batch: Any) -> None:
        await self.faulty.write(batch)

    async def drain(self) -> None:
        await self.faulty.drain()

    async def close(self) -> None:
        self.closed = True
        await self.faulty.close()


@dataclass(frozen=True)
class Plan:
    """Says how the sinks of a tree misbehave, in turn."""

    write: tuple[str, ...]
    drain: tuple[str, ...]
    close: tuple[str, ...]
    native: bool


class FaultyForest(Forest):
    """Builds trees whose every end is faulty."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.plan = plan
        self.faulty: list[Faulty] = []

    def _spot(self, spec: Spec, path: tuple[Step, ...]) -> Sink:
        k, plan = len(self.faulty), self.plan
        self.paths.append(Path(path, Spot([], instant=False, rejects=0, max_batch=None)))
        turns = [part[k % len(part)] for part in (plan.write, plan.drain, plan.close)]
        sink = Faulty(*turns)
        self.faulty.append(sink)
        return FaultyNode(sink) if plan.native else sink


def _some() -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(list(FAULTS)), min_size=1, max_size=4).map(tuple)


plans = st.builds(Plan, _some(), _some(), _some(), st.booleans())


async def stop(
    root: Sink,
    faulty: list[Faulty],
    drain_s: float,
    busy: Callable[[Any], Awaitable[None]],
    writers: Sequence[asyncio.Task[None]] = (),
    after_s: float = 6.0,
    **options: Any,
) -> CloseReport:
    """Start, be busy, stop, and judge how that went; `after_s` later no task is left."""
    mine = asyncio.current_task()
    loop = asyncio.get_running_loop()
    async with start(root, drain=drain_s, **options) as live:
        await busy(live)
        began = loop.time()
        reports = await asyncio.gather(*(live.close() for _ in range(5)))
        took_s = loop.time() - began
    assert len(set(map(id, reports))) == 1
    (report, *_) = reports
    assert took_s <= drain_s + GRACE_S + 1e-6, f"{took_s:g} s, and the deadline was {drain_s:g} s"
    assert report.took_s <= took_s
    unsettled = {n.name: n.ledger for n in report.snapshot.nodes.values() if n.ledger.residue}
    assert not unsettled, unsettled
    assert await live.close() is report
    with pytest.raises((SinkgraphError, asyncio.CancelledError)):
        await live.write({"n": 0, "k": 0})
    for one in faulty:
        one.over.set()
    for writer in writers:  # who writes to a bare sink waits for nobody else
        writer.cancel()
    await asyncio.gather(*writers, return_exceptions=True)
    await asyncio.sleep(after_s)
    left = [task.get_name() for task in asyncio.all_tasks() if task is not mine]
    assert not left, left
    return report


@settings(max_examples=4 * settings().max_examples)
@given(
    spec=trees(),
    plan=plans,
    drain_s=st.sampled_from([0.0, 1.0, 10.0]),
    writes=st.integers(1, 6),
    pause=st.sampled_from([0.0, 0.1, 3.0]),
)
def test_any_tree_closes_in_time_whatever_its_sinks_do(
    spec: Spec, plan: Plan, drain_s: float, writes: int, pause: float
) -> None:
    async def story() -> None:
        forest = FaultyForest(plan)
        root = forest.build(spec)
        writing: list[asyncio.Task[None]] = []

        async def busy(live: Any) -> None:
            for n in range(writes):
                values = [{"n": 3 * n + k, "k": k} for k in range(3)]
                writing.append(asyncio.create_task(live.write_many(values)))
                await asyncio.sleep(pause)

        await stop(root, forest.faulty, drain_s, busy, writing)

    run(story())


@pytest.mark.parametrize("where", ["write", "drain", "close"])
@pytest.mark.parametrize("fault", FAULTS)
def test_one_bad_sink_does_not_hold_up_the_close(fault: str, where: str) -> None:
    async def story() -> None:
        bad = Faulty(**{"write": "well", "drain": "well", "close": "well", where: fault})
        good = Faulty("slow", "well", "well")
        tree = Broadcast([Queue(Retry(bad)), Queue(good)])

        async def busy(live: Any) -> None:
            await live.write({"n": 1, "k": 1})
            await asyncio.sleep(0.1)

        await stop(tree, [bad, good], 2.0, busy)

    run(story())


# on disk

HANGS_S = 100.0

DISKS = ("well", "slow", "hangs", "fails", "full", "cannot be read")


def break_disk(how: str, disk: VirtualDisk, faults: DiskFaults) -> None:
    """Let a disk go wrong from now on."""
    now = asyncio.get_running_loop().time()
    if how == "slow":
        disk.latency = 0.02
    elif how == "hangs":
        disk.stall(now, HANGS_S)
    elif how == "fails":
        faults.fail("sync", times=10**6)
    elif how == "full":
        faults.fail("write", times=10**6, fault="ENOSPC")
    elif how == "cannot be read":
        faults.fail("read", times=10**6)


def put_on_disk(root: Sink, every: int) -> None:
    """Let every so many-th queue of a tree keep its events on disk."""
    node = root if isinstance(root, Node) else Link(root).target
    queues = [one for one in downstream([node]) if isinstance(one, Queue)]
    for queue in queues[::every]:
        queue.store = "disk"


@settings(max_examples=4 * settings().max_examples)
@given(
    spec=trees(),
    plan=plans,
    drain_s=st.sampled_from([0.0, 1.0, 10.0]),
    writes=st.integers(1, 6),
    pause=st.sampled_from([0.0, 0.1, 3.0]),
    how=st.sampled_from(DISKS),
    every=st.integers(1, 3),
    when=st.integers(0, 7),
)
def test_any_tree_closes_in_time_whatever_its_disk_does(
    spec: Spec,
    plan: Plan,
    drain_s: float,
    writes: int,
    pause: float,
    how: str,
    every: int,
    when: int,
) -> None:
    async def story(state: str) -> None:
        faults = DiskFaults()
        disk = VirtualDisk(vfs=faults.name)
        forest = FaultyForest(plan)
        root = forest.build(spec)
        put_on_disk(root, every)
        writing: list[asyncio.Task[None]] = []

        async def busy(live: Any) -> None:
            for n in range(writes):
                if n == when:
                    break_disk(how, disk, faults)
                values = [{"n": 3 * n + k, "k": k} for k in range(3)]
                writing.append(asyncio.create_task(live.write_many(values)))
                await asyncio.sleep(pause)
            if when >= writes:
                break_disk(how, disk, faults)

        options: dict[str, Any] = {"state_dir": state, "disk": disk, "after_s": 3 * HANGS_S}
        try:
            await stop(root, forest.faulty, drain_s, busy, writing, **options)
        finally:
            faults.close()

    with TemporaryDirectory() as state:
        run(story(state))
