"""What the sink contract is tried with: a new sink each time, alone or in a graph of its own.

Whatever is awaited here has to end, and after every step the ledgers have to balance. What is
promised is said in `sink_promises`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any, TypeVar

from sinkgraph.event import Batch, Event
from sinkgraph.runtime.live import Live
from sinkgraph.runtime.run import run
from sinkgraph.sinks.base import Node, Sink
from sinkgraph.telemetry.stats import LedgerView
from sinkgraph.testing.sinks import RecordingSink

__all__ = ["HostedSink", "MakeSink", "SinkTrial", "ended", "numbered", "together"]

_Result = TypeVar("_Result")

MakeSink = Callable[..., Sink | AbstractAsyncContextManager[Sink]]
"""Returns a new sink, or an async context manager that gives one and takes it away again.

It is called without arguments or, for a trial that `wraps`, with the target to write to.
"""


def numbered(n: int) -> Event:
    """Return an event whose payload is `{"n": n}`."""
    return Event(id=f"contract-{n}", type="contract", source="contract", time=1.5, data={"n": n})


async def ended(work: Awaitable[_Result], limit_s: float, what: str) -> _Result:
    """Return what `work` returns; AssertionError when it raises or takes too long."""
    task = asyncio.ensure_future(work)
    try:
        done, _ = await asyncio.wait([task], timeout=limit_s)
        if not done:
            raise AssertionError(f"{what} had not ended after {limit_s:g} s")
    finally:
        task.cancel()
    error = asyncio.CancelledError() if task.cancelled() else task.exception()
    if error is not None:
        raise AssertionError(f"{what} raised {error!r}") from error
    return task.result()


async def together(works: Iterable[Awaitable[None]]) -> None:
    """Await several things at once, to the end of each; raise what the first to fail raised."""
    for error in await asyncio.gather(*works, return_exceptions=True):
        if error is not None:
            raise error


@dataclass(frozen=True)
class SinkTrial:
    """Is what the promises are tried with: new sinks, new events, and the options of a run.

    `wraps`: every event that is written to the sink goes on, once, to the target it is made with.
    """

    make_sink: MakeSink
    make_event: Callable[[int], Event] = numbered
    instant: bool | None = None
    limit_s: float = 30.0
    options: Mapping[str, Any] = field(default_factory=dict)
    wraps: bool = False
    numbers: count[int] = field(default_factory=count)

    def events(self, n: int) -> list[Event]:
        """Return n events that were not used before."""
        return [self.make_event(next(self.numbers)) for _ in range(n)]

    @asynccontextmanager
    async def made(self, target: RecordingSink | None = None) -> AsyncIterator[Sink]:
        """Give a sink that nothing runs."""
        given = self.make_sink(target or RecordingSink()) if self.wraps else self.make_sink()
        if isinstance(given, AbstractAsyncContextManager):
            async with given as sink:
                yield sink
        else:
            yield given

    @asynccontextmanager
    async def hosted(self, target: RecordingSink | None = None) -> AsyncIterator[HostedSink]:
        """Give a sink that a graph runs; at its end no event is unaccounted for, no task left."""
        target = target or RecordingSink()
        async with self.made(target) as sink:
            before = asyncio.all_tasks()
            try:
                live = await run(sink, **self.options).__aenter__()
            except Exception as error:
                raise AssertionError(f"a graph of it alone does not start: {error!r}") from error
            node = sink if isinstance(sink, Node) else next(iter(live.nodes.values()))
            try:
                yield HostedSink(self, sink, node, live, target)
            except BaseException:
                await asyncio.wait([asyncio.ensure_future(live.close())], timeout=self.limit_s)
                raise
            report = await ended(live.close(), 2 * self.limit_s, "closing the graph")
            assert report.residue == 0, f"after the close {report.residue} events have no account"
            fresh = asyncio.all_tasks() - before
            late = (await asyncio.wait(fresh, timeout=self.limit_s))[1] if fresh else ()
            names = ", ".join(sorted(task.get_name() for task in late))
            assert not late, f"{self.limit_s:g} s after the close there are tasks of it: {names}"


@dataclass(frozen=True)
class HostedSink:
    """Is a sink in a running graph; `node` is what the graph writes to."""

    trial: SinkTrial
    sink: Sink
    node: Node
    live: Live
    target: RecordingSink

    @property
    def doors(self) -> list[Sink]:
        """What may be written to: the sink, and what stands for it in the graph."""
        return [self.sink] if self.sink is self.node else [self.sink, self.node]

    async def call(self, work: Awaitable[_Result], what: str) -> _Result:
        """Return what `work` returns, then hold the ledgers to it."""
        result = await ended(work, self.trial.limit_s, what)
        self.balance(what)
        return result

    async def write(self, n: int, what: str = "a write") -> list[str]:
        """Write n new events by the graph's way; return their ids."""
        batch = Batch.of(self.trial.events(n))
        await self.call(self.node.write(batch), what)
        return batch.ids

    def accounts(self) -> dict[str, LedgerView]:
        """Return every node's ledger."""
        return {name: one.ledger for name, one in self.live.snapshot().nodes.items()}

    def balance(self, what: str) -> None:
        """Hold every ledger to the conservation law."""
        for name, ledger in self.accounts().items():
            assert ledger.residue == 0, f"after {what} {name} does not balance: {ledger}"
            assert ledger.pending >= 0, f"after {what} {name} has less than nothing: {ledger}"
