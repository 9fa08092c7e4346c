"""What a stored dead letter tells: the event as it was accepted, how it died, how it goes in again.

It reads values only; where letters are kept and found is the subject of `dead`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sinkgraph.event import Event, Meta

if TYPE_CHECKING:
    from sinkgraph.log.disk.dead import DeadFilter, DeadLetter
    from sinkgraph.log.disk.store import Store

__all__ = [
    "ADDED",
    "BEFORE",
    "REPLAY",
    "REPLAYED",
    "Attempt",
    "Told",
    "added_to",
    "home",
    "is_name",
    "newest",
    "read",
    "revived",
    "same_id",
    "tell",
]

_ALWAYS = (
    "reason",
    "node",
    "path",
    "attempts",
    "errors",
    "first_failed",
    "last_failed",
    "graph",
)
BEFORE = "before"
"""Has, in the meta of a dead letter, what the event's own meta had under these names."""

ADDED = (*_ALWAYS, "history", BEFORE)
"""What becoming a dead letter added to an event's meta, and a replay takes away."""

REPLAYED = "replayed"
"""Says in an event's meta how often it was replayed. It is counted when a letter is moved, not when
the event is written, so that writing it twice changes nothing."""

REPLAY = "replay/"
"""Begins the name of the cursor whose events are written again into a node."""


_LONGEST_NAME = 1_000


@dataclass(frozen=True, slots=True)
class Attempt:
    """Is one attempt, numbered from 1: when it failed (Unix seconds; None: not known), and why."""

    number: int
    at: float | None
    error: str


@dataclass(frozen=True, slots=True)
class Told:
    """Is a dead letter that could be read: `event` is the event as it was accepted.

    `errors` are texts, oldest first; `history` has the first and the last attempts, [] where it was
    stored before that was kept; `first` and `last` Unix seconds of the first and last failure;
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
    history: tuple[Attempt, ...] = ()

    @property
    def left_out(self) -> int:
        """How many attempts are counted, but not told of in `history`."""
        return max(0, self.attempts - len(self.history)) if self.history else 0


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
        tuple(_attempts(meta.get("history"))),
    )


def added_to(meta: Mapping[str, Any], death: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a death adds to an event's meta; what it hides there is kept in `before`."""
    own = {name: meta[name] for name in ADDED if name in meta} if meta else {}
    return {**death, BEFORE: own} if own else dict(death)


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
    meta = event.meta
    if not all(name in meta for name in _ALWAYS):  # it did not die, it was written
        return event
    own = meta.get(BEFORE)
    left: Mapping[str, Any] = {
        **{name: value for name, value in meta.items() if name not in ADDED},
        **(own if isinstance(own, dict) else {}),
    }
    return type(event)(event.id, event.type, event.source, event.time, event.payload, Meta(left))


def _attempts(value: Any) -> Iterator[Attempt]:
    """Yield the attempts that a meta tells of; a meta may come from anywhere."""
    for one in _list(value):
        if isinstance(one, dict) and (number := _count(one.get("attempt"))):
            at = one.get("at")
            if isinstance(at, bool) or not isinstance(at, int | float):
                at = None
            yield Attempt(number, at, str(one.get("error") or ""))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
