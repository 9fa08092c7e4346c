"""What a stored dead letter tells: the event as it was accepted, how it died, how it goes in again.

It reads values only; where letters are kept and found is the subject of `dead`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sinkgraph.event import Event, Meta

if TYPE_CHECKING:
    from sinkgraph.log.disk.dead import DeadFilter, DeadLetter
    from sinkgraph.log.disk.store import Store

__all__ = [
    "ADDED",
    "REPLAY",
    "REPLAYED",
    "Told",
    "home",
    "is_name",
    "newest",
    "read",
    "revived",
    "same_id",
    "tell",
]

ADDED = (
    "reason",
    "node",
    "path",
    "attempts",
    "errors",
    "first_failed",
    "last_failed",
    "graph",
)
"""What becoming a dead letter added to an event's meta, and a replay takes away."""

REPLAYED = "replayed"
"""Says in an event's meta how often it was replayed. It is counted when a letter is moved, not when
the event is written, so that writing it twice changes nothing."""

REPLAY = "replay/"
"""Begins the name of the cursor whose events are written again into a node."""


_LONGEST_NAME = 1_000


@dataclass(frozen=True, slots=True)
class Told:
    """Is a dead letter that could be read: `event` is the event as it was accepted.

    `errors` are texts, oldest first; `first` and `last` Unix seconds of the first and last failure;
    `graph` the digest of the document it died in; `replayed` how often it was replayed before.
    `unstorable` says why its payload is kept as text only, where it is.
    """

    event: Event
    reason: str
    node: str
    path: tuple[str, ...]
    attempts: int
    errors: tuple[str, ...]
    first: float
    last: float
    graph: str
    replayed: int
    unstorable: str = ""


def read(letter: DeadLetter) -> Event | None:
    """Return the event as it is stored, its history in `meta`; None for a damaged letter."""
    from sinkgraph.log.disk.chunk import decode

    if letter.body is None:
        return None
    try:
        (event,) = decode(letter.body)
    except ValueError:  # no chunk, or not one event
        return None
    return event


def tell(letter: DeadLetter) -> Told | None:
    """Return what a letter tells, or None for one that is damaged or was read without its body."""
    event = read(letter)
    if event is None:
        return None
    meta = event.meta
    return Told(
        _as_accepted(event),
        letter.reason,
        letter.node,
        tuple(map(str, _list(meta.get("path")))),
        _count(meta.get("attempts")),
        tuple(map(str, _list(meta.get("errors")))),
        letter.first,
        letter.at,
        str(meta.get("graph") or ""),
        _count(meta.get(REPLAYED)),
        str(meta.get("unstorable") or ""),
    )


def revived(told: Told) -> Event:
    """Return the event as it is to be replayed: as accepted, and one replay more noted in it."""
    return told.event.with_meta(**{REPLAYED: told.replayed + 1})


def home(node: str) -> str:
    """Return where a letter that died at `node` is replayed: there; "" when that is not known."""
    return node.removeprefix(REPLAY)


def is_name(node: str) -> bool:
    """Return whether this can be the name of a node; what stands in an event may be anything."""
    return 0 < len(node) <= _LONGEST_NAME and node.isprintable()


def newest(store: Store, chosen: DeadFilter) -> int | None:
    """Return the number of the last letter that a filter chooses, or None."""
    where, values = chosen.where()
    return store.select(f"SELECT max(number) FROM dead WHERE {where}", values)[0][0]  # type: ignore[no-any-return]


def same_id(store: Store, id: str) -> list[int]:
    """Return the numbers of all letters of an event, oldest first."""
    from sinkgraph.log.disk.dead import DeadFilter

    where, values = DeadFilter(id=id).where()
    rows = store.select(f"SELECT number FROM dead WHERE {where} ORDER BY number", values)
    return [row[0] for row in rows]


def _as_accepted(event: Event) -> Event:
    left: Mapping[str, Any] = {k: v for k, v in event.meta.items() if k not in ADDED}
    return type(event)(event.id, event.type, event.source, event.time, event.payload, Meta(left))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
