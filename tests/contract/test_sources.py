"""Every source keeps the contract of all sources; the table is complete, the contract has teeth."""

from __future__ import annotations

import asyncio
import inspect
import os
import pkgutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import sinkgraph.sources
from sinkgraph import Event
from sinkgraph.sinks.base import Link
from sinkgraph.sources.base import Hosted, SourceNode
from sinkgraph.sources.file import FileSource
from sinkgraph.sources.generate import Generate
from sinkgraph.sources.http import HttpSource
from sinkgraph.sources.inlet import Inlet
from sinkgraph.sources.line_source import LineSource
from sinkgraph.sources.stdin import Stdin
from sinkgraph.testing import SOURCE_CONTRACT, RecordingSink, run
from sinkgraph.testing.source_promises import SourcePromise
from sinkgraph.testing.source_trial import Feed, MakeSource, SourceTrial
from tests.support.client import calling, request

BASES = {SourceNode, LineSource}
"""What other sources are made of."""


@dataclass(frozen=True)
class Case:
    """Is one way to make a source; `real` ones need sockets, and so a real loop."""

    name: str
    make: Callable[[Path], MakeSource]
    feed: Feed | None = None
    real: bool = False

    def __repr__(self) -> str:
        return self.name


class Countdown:
    """Is a source of a third party: it counts down, and remembers where it got to."""

    def __init__(self, start: int = 9) -> None:
        self.position = start

    async def run(self, out: Link, position: Any) -> None:
        self.position = self.position if position is None else position
        while self.position:
            n = self.position
            event = Event(id=f"countdown-{n}", data={"n": n})
            try:
                await out.write([event])
            except sinkgraph.SinkClosed:
                raise
            except sinkgraph.SinkgraphError:
                await asyncio.sleep(1)
                continue
            self.position = n - 1


def lines(n: int, start: int = 0) -> str:
    return "".join(f'{{"n": {k}}}\n' for k in range(start, start + n))


def files(folder: Path) -> list[str]:
    """Return the paths of three files with some lines each."""
    for k in range(3):
        path = folder / f"{k}.ndjson"
        if not path.exists():
            path.write_text(lines(5, 10 * k), encoding="utf-8")
    return [str(folder / "*.ndjson")]


def piped(_: Path) -> MakeSource:
    """Return what makes a stdin over a pipe that holds some lines."""

    @asynccontextmanager
    async def make() -> AsyncIterator[Stdin]:
        out, fd = os.pipe()
        os.write(fd, lines(9).encode())
        os.close(fd)
        try:
            yield Stdin(R(), fd=out)
        finally:
            os.close(out)

    return make


async def through_the_inlet(inlet: Inlet, n: int) -> int:
    """Write n events one after the other; return how many were taken."""
    taken = 0
    for k in range(n):
        try:
            await inlet.write([Event(id=f"inlet-{k}", data={"n": k})])
            taken += 1
        except sinkgraph.SinkgraphError:
            pass
    return taken


async def by_requests(source: HttpSource, n: int) -> int:
    """Post n events one after the other; return how many were answered with 202."""
    taken = 0
    async with calling(source.address[1]) as caller:
        for k in range(n):
            answered = await caller.send(request(f'{{"n": {k}}}', path="/"))
            taken += answered.status == 202
    return taken


R = RecordingSink
CASES = [
    Case("file", lambda path: lambda: FileSource(R(), files(path))),
    Case("file-follow", lambda path: lambda: FileSource(R(), files(path), follow=True)),
    Case("generate", lambda _: lambda: Generate(R(), count=2_500)),
    Case("generate-rate", lambda _: lambda: Generate(R(), count=25, rate=10.0)),
    Case("generate-event", lambda _: lambda: Generate(R(), count=5, rate=2.0, event={"a": 1})),
    Case(
        "http",
        lambda _: lambda: HttpSource(R(), port=0, max_wait=60.0),
        feed=by_requests,
        real=True,
    ),
    Case("inlet", lambda _: lambda: Inlet(R()), feed=through_the_inlet),
    Case("stdin", piped),
    Case("third-party", lambda _: Countdown),
]


@pytest.mark.parametrize("promise", SOURCE_CONTRACT, ids=lambda one: one.__name__)
@pytest.mark.parametrize("case", CASES, ids=repr)
def test_every_source_keeps_every_promise(
    case: Case, promise: SourcePromise, tmp_path: Path
) -> None:
    async def story() -> None:
        await promise(SourceTrial(case.make(tmp_path), case.feed))

    (asyncio.run if case.real else run)(story())


def defined() -> set[type[SourceNode]]:
    """Return every source that is defined in a module of `sinkgraph.sources`."""
    found: set[type[SourceNode]] = set()
    for module in pkgutil.iter_modules(sinkgraph.sources.__path__, "sinkgraph.sources."):
        for one in vars(import_module(module.name)).values():
            if inspect.isclass(one) and issubclass(one, SourceNode):
                found |= {one} if one.__module__ == module.name else set()
    return found


def test_no_source_is_missing_in_the_table(tmp_path: Path) -> None:
    async def tried() -> set[type]:
        kinds: set[type] = set()
        for case in CASES:
            async with SourceTrial(case.make(tmp_path)).made() as source:
                kinds.add(type(source))
        return kinds

    assert defined() - BASES - asyncio.run(tried()) == set()
    assert defined() >= {*BASES, Hosted}
