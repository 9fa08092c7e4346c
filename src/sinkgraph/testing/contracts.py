"""Checks that a sink, or a source, keeps the promises every one of them makes.

The promises are said in `sink_promises`, `wrapping_promises` and `source_promises`; a test may
also run one at a time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from sinkgraph.event import Event
from sinkgraph.testing.sink_promises import SINK_PROMISES
from sinkgraph.testing.sink_trial import MakeSink, SinkTrial, numbered
from sinkgraph.testing.source_promises import SOURCE_PROMISES
from sinkgraph.testing.source_trial import Feed, MakeSource, SourceTrial
from sinkgraph.testing.wrapping_promises import WRAPPING_PROMISES

__all__ = ["CONTRACT", "SOURCE_CONTRACT", "check_sink_contract", "check_source_contract"]

CONTRACT = (*SINK_PROMISES, *WRAPPING_PROMISES)
"""The promises of a sink: `await promise(SinkTrial(make_sink))` tries one."""

SOURCE_CONTRACT = SOURCE_PROMISES
"""The promises of a source: `await promise(SourceTrial(make_source))` tries one."""


async def check_sink_contract(
    make_sink: MakeSink,
    *,
    wraps: bool = False,
    make_event: Callable[[int], Event] = numbered,
    instant: bool | None = None,
    limit_s: float = 30.0,
    **options: Any,
) -> None:
    """Raise AssertionError naming every promise that the sinks of `make_sink` break.

    `make_sink` returns a new sink each time, or an async context manager that gives one; the sink
    must be able to deliver. With `wraps` it is given the target the sink is to write to, and every
    event has to arrive there. `make_event` makes the n-th event. `instant`: whether an idle sink
    takes an offer at once (None: it may). `limit_s` bounds in seconds whatever has to end. Further
    options are those of `sinkgraph.run`: a network, a clock, an output directory.

    Runs on any loop; on a virtual one (`sinkgraph.testing.run`) waiting costs nothing.
    """
    trial = SinkTrial(make_sink, make_event, instant, limit_s, options, wraps)
    await _keep(CONTRACT, trial)


async def check_source_contract(
    make_source: MakeSource, *, feed: Feed | None = None, limit_s: float = 30.0
) -> None:
    """Raise AssertionError naming every promise that the sources of `make_source` break.

    `make_source` returns a new source over the same input each time, or an async context manager
    that gives one. A source that is given its events from outside needs `feed(source, n)`: give it
    n events and return how many the giver was told were taken. `limit_s` bounds in seconds
    whatever has to end.
    """
    await _keep(SOURCE_CONTRACT, SourceTrial(make_source, feed, limit_s))


async def _keep(promises: Iterable[Callable[[Any], Awaitable[None]]], trial: object) -> None:
    broken: list[AssertionError] = []
    said: list[str] = []
    for promise in promises:
        try:
            await promise(trial)
        except AssertionError as error:
            broken.append(error)
            said.append(f"{getattr(promise, '__name__', promise)}: {error}")
    if broken:
        raise AssertionError("\n".join(said)) from broken[0]
