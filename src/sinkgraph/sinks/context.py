"""What a topology lends its sinks: clock, chance, network, tasks, the way to disk, open files.

It is a value without behaviour of its own; who makes it and what stands behind it is `runtime`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from sinkgraph.clock import Clock, Network, Random
from sinkgraph.sinks.open_files import Files

if TYPE_CHECKING:
    from sinkgraph.log.disk.depot import Depot
    from sinkgraph.log.turnstile import Turnstile
    from sinkgraph.sinks.base import Link

__all__ = ["Context", "NoRecords", "Records"]


class Records(Protocol):
    """Keeps small values by kind and name over a restart, where there is a state dir."""

    @property
    def durable(self) -> bool:
        """Whether anything is kept at all."""
        ...

    def get(self, kind: str, name: str) -> bytes | None:
        """Return what was put last, by this process or an earlier one; None when nothing was."""
        ...

    def put(self, kind: str, name: str, value: bytes) -> None:
        """Keep a value; it is on disk with the next commit, at most 50 ms from now."""
        ...


class NoRecords:
    """Is what there is without a state dir: it forgets at once."""

    durable = False

    def get(self, kind: str, name: str) -> bytes | None:
        """Return None."""
        return None

    def put(self, kind: str, name: str, value: bytes) -> None:
        """Forget it."""


@dataclass(slots=True)
class Context:
    """Is what the topology lends a sink for its lifetime.

    `spawn(coroutine, name)` starts a task the topology owns; `journal(kind, **facts)` notes a
    past-tense fact; `run_sync(fn, *args)` runs a blocking call in a bounded thread pool;
    `dead_letters` is where events go that no port claims; `depot` commits to the state dir, where
    there is one; `records` outlive the process. `generation` counts the graphs that ran: an attempt
    that failed while it changed is made again, where the edges lead by then.
    """

    clock: Clock
    random: Random
    network: Network
    spawn: Callable[[Coroutine[Any, Any, None], str], asyncio.Task[None]]
    journal: Callable[..., None]
    run_sync: Callable[..., Awaitable[Any]]
    dead_letters: Link
    turnstile: Turnstile
    run_id: str = ""
    generation: int = 0
    graph_digest: str = ""
    output_dir: str = "."
    depot: Depot | None = None
    provided: dict[str, Any] = field(default_factory=dict)
    records: Records = field(default_factory=NoRecords)
    files: Files = field(default_factory=Files)
