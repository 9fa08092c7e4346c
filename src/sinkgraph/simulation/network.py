"""The engine's network in a simulation: scripted destinations, found by URL; no socket.

A host that no destination stands for does not resolve. What a destination does is its own affair.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from random import Random as SeededRandom
from typing import Any

from sinkgraph.clock import Random, Request, Response
from sinkgraph.errors import DeliveryFailed
from sinkgraph.formats.url import origin, shown_url
from sinkgraph.simulation.destination import Destination, Exchange, Latency

__all__ = ["Arrived", "VirtualNetwork"]

Note = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Arrived:
    """Is one event as one destination took it; `at` in virtual seconds."""

    at: float
    where: str
    id: str | None
    payload: Any


class VirtualNetwork:
    """Answers every request by the destination its URL belongs to.

    Implements `sinkgraph.clock.Network`; a graph may close it, and the next one uses it again.
    `note(what, **facts)` is told of every request, if given.
    """

    def __init__(self, *, random: Random | None = None, note: Note | None = None) -> None:
        self._random = random if random is not None else SeededRandom(0)
        self._note = note
        self.destinations: dict[str, Destination] = {}
        self._by_url: dict[str, Destination] = {}
        self._by_origin: dict[tuple[str, str, int | None], Destination] = {}
        self.closes = 0

    def destination(self, where: str, *, latency: Latency = 0.01) -> Destination:
        """Return the destination of an origin or of one URL; it is made when first asked for.

        A URL with a path stands for that URL alone and beats its origin. `latency` counts when it
        is made.
        """
        found = self.destinations.get(where)
        if found is None:
            found = self.destinations[where] = Destination(where, self._random, latency=latency)
            rest = where.partition("://")[2]
            if "/" in rest.rstrip("/"):
                self._by_url[where] = found
            else:
                self._by_origin[origin(where)] = found
        return found

    def arrived(self) -> list[Arrived]:
        """Return every event any destination took, in order of time."""
        taken = [
            (one, destination.where)
            for destination in self.destinations.values()
            for one in destination.taken
        ]
        taken.sort(key=lambda pair: pair[0].at)
        return [
            Arrived(one.at, where, one.ids[k] if k < len(one.ids) else None, payload)
            for one, where in taken
            for k, payload in enumerate(one.payloads)
        ]

    async def send(self, request: Request) -> Response:
        """Return what the destination answers, or raise DeliveryFailed as `HttpNetwork` does."""
        found = self._by_url.get(request.url) or self._by_origin.get(origin(request.url))
        if found is None:
            await asyncio.sleep(0.001)
            said = f"cannot connect to {shown_url(request.url)}: name or service not known"
            raise DeliveryFailed(said, unsent=True)
        where = found.where

        def noted(exchange: Exchange) -> None:
            if self._note is not None:
                self._note("request", to=where, did=str(exchange.answer), ids=exchange.ids)

        return await found.meet(request, noted)

    async def close(self) -> None:
        """Count that a graph closed it; what is in flight is its sender's to cancel."""
        self.closes += 1
