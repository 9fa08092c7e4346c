"""The ports through which the engine meets time, chance and the network.

Engine modules import these protocols and never `time`, `random` or `socket`, so that the same
engine runs on a virtual clock. The real implementations of clock and chance live here too; the
real network is `sinkgraph.runtime.network`.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

__all__ = [
    "Clock",
    "Disk",
    "LoopClock",
    "Network",
    "Random",
    "Request",
    "Response",
    "system_random",
]

_Result = TypeVar("_Result")


class Clock(Protocol):
    """Tell the time. `now` is monotonic and only good for differences; `wall` is Unix time."""

    def now(self) -> float:
        """Return monotonic seconds."""
        ...

    def wall(self) -> float:
        """Return seconds since the Unix epoch."""
        ...


class Random(Protocol):
    """Draw random numbers; `random.Random` is one."""

    def random(self) -> float:
        """Return a float in [0, 1)."""
        ...

    def uniform(self, a: float, b: float) -> float:
        """Return a float in [a, b]."""
        ...

    def getrandbits(self, k: int, /) -> int:
        """Return an int of k random bits."""
        ...


class Disk(Protocol):
    """Run blocking calls on the store's files; the only door of the engine to the disk."""

    def submit(self, call: Callable[[], _Result]) -> asyncio.Future[_Result]:
        """Begin `call` once every earlier one has ended; the future has what it gave or raised.

        A call that was begun is never cancelled.
        """
        ...

    async def close(self) -> None:
        """Wait for what was submitted, then release the thread; idempotent."""
        ...


class LoopClock:
    """Is the clock of the running loop: `now` is `loop.time`, so a virtual loop is obeyed."""

    __slots__ = ("now", "wall")

    def __init__(self) -> None:
        self.now = asyncio.get_running_loop().time
        self.wall = time.time


def system_random(seed: int | None = None) -> random.Random:
    """Return the real source of chance; a seed makes it repeatable."""
    return random.Random(seed)


@dataclass(frozen=True, slots=True)
class Request:
    """Is one HTTP request to send. `timeout_s` bounds the whole exchange, connect included."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    timeout_s: float = 10.0
    max_response: int = 65_536
    verify: bool = True


@dataclass(frozen=True, slots=True)
class Response:
    """Is the answer to a Request: status, lower-cased headers, at most `max_response` bytes."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class Network(Protocol):
    """Send one HTTP request; the only door of the engine to the network."""

    async def send(self, request: Request) -> Response:
        """Return the response, or raise `DeliveryFailed` (with `unsent` set truthfully).

        Must survive cancellation at any point by closing the connection it used.
        """
        ...

    async def close(self) -> None:
        """Release every connection; idempotent."""
        ...
