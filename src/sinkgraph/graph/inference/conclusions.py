"""The conclusions about a graph, as values: each names the nodes and fields that decide it.

How they are reached stands beside it, a file each; how they are shown is for others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

__all__ = [
    "ACCEPTED",
    "DELIVERY",
    "ORDER",
    "Accepted",
    "Because",
    "Bound",
    "Inference",
    "Single",
    "Stall",
    "Way",
]

AcceptedWord = Literal["memory", "durable", "delivered"]
DeliveryWord = Literal["at_most_once", "at_least_once"]
OrderWord = Literal["not_kept", "per_key", "kept"]

ACCEPTED: tuple[AcceptedWord, ...] = ("memory", "durable", "delivered")
"""What `accepted` may be worth, the weakest first."""
DELIVERY: tuple[DeliveryWord, ...] = ("at_most_once", "at_least_once")
"""How often an accepted event arrives, the weakest first."""
ORDER: tuple[OrderWord, ...] = ("not_kept", "per_key", "kept")
"""In which order events arrive, the weakest first."""


@dataclass(frozen=True, slots=True)
class Because:
    """Is what decides a conclusion: a node, its field where one does, and why."""

    node: str
    field: str | None
    why: str

    def __str__(self) -> str:
        at = self.node if self.field is None else f"{self.node}.{self.field}"
        return f"{at}: {self.why}"


@dataclass(frozen=True, slots=True)
class Accepted:
    """Says what an accepted event is worth at a source: the weakest of its required branches."""

    source: str
    worth: AcceptedWord
    because: Because | None


@dataclass(frozen=True, slots=True)
class Way:
    """Says what holds between a source and a terminal, over all ways that lead there.

    `accepted` is what an accepted event is worth for this terminal, whatever other branches do.
    `durable_from`: the queue from which on a kill loses nothing. `path`: a way on which the
    weakest `delivery` holds. Each conclusion that is not the best one has its reason.
    """

    source: str
    terminal: str
    accepted: AcceptedWord
    accepted_because: Because | None
    delivery: DeliveryWord
    delivery_because: Because | None
    durable_from: str | None
    order: OrderWord
    order_because: Because | None
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stall:
    """Says that a slow terminal can hold up a source, and which branches wait with it.

    `when`: `at_once`, `when_full` (the queues of `through` first), or `refused` (the source is
    told that they are full).
    """

    terminal: str
    source: str
    when: Literal["at_once", "when_full", "refused"]
    through: tuple[str, ...]
    siblings: tuple[str, ...]
    because: Because


@dataclass(frozen=True, slots=True)
class Bound:
    """Says what a queue holds at most, and how long one event may keep the next one waiting.

    `bytes` None: not bounded. `event_s`: the worst time of one delivery, in seconds, retries
    included; None when nothing bounds it. `wait_s`: the worst time from its entrance to its end,
    in seconds, of an event that finds the queue full but for itself.
    """

    queue: str
    events: int
    bytes: int | None
    event_s: float | None
    wait_s: float | None
    because: Because | None


@dataclass(frozen=True, slots=True)
class Single:
    """Says that a node stands on every way from a source to any terminal."""

    source: str
    node: str


@dataclass(frozen=True, slots=True)
class Inference:
    """Holds every conclusion about a graph, in the order of its document."""

    accepted: tuple[Accepted, ...]
    ways: tuple[Way, ...]
    stalls: tuple[Stall, ...]
    bounds: tuple[Bound, ...]
    singles: tuple[Single, ...]

    @property
    def worth(self) -> Mapping[str, AcceptedWord]:
        """What `accepted` is worth, by source."""
        return MappingProxyType({one.source: one.worth for one in self.accepted})

    @property
    def events(self) -> int:
        """Events all queues hold at most."""
        return sum(one.events for one in self.bounds)

    @property
    def bytes(self) -> int | None:
        """Bytes all queues hold at most; None when one of them is not bounded in bytes."""
        held = [one.bytes for one in self.bounds]
        known = [one for one in held if one is not None]
        return sum(known) if len(known) == len(held) else None
