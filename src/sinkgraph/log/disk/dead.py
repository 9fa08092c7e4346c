"""The table of dead letters: added with a commit, then grouped, listed, shown and deleted.

It decides neither what is dead nor when to forget it, and reads no clock: times are given. It works
the same on a store in use and on one opened to look into.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zlib import crc32

import msgspec

from sinkgraph.errors import SinkgraphError

if TYPE_CHECKING:
    import apsw

    from sinkgraph.log.disk.store import Store

__all__ = [
    "EVERY",
    "DeadFilter",
    "DeadGroup",
    "DeadLetter",
    "DeadRow",
    "WrongCount",
    "count",
    "delete",
    "groups",
    "letter",
    "letters",
    "numbered",
    "oldest",
    "size",
]


@dataclass(frozen=True, slots=True)
class DeadRow:
    """Is a dead letter to store: `body` is the event with its meta, as `chunk.encode` gives it.

    `sink` keeps it, `node` is where it died. `at` and `first`: Unix seconds of the last and the
    first failure. `size`: bytes of its payload.
    """

    sink: str
    node: str
    reason: str
    id: str
    type: str
    at: float
    first: float
    size: int
    body: bytes


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Is a stored dead letter; numbers grow and never return. `body` is None where it is damaged.

    It is also None in a listing without bodies.
    """

    number: int
    sink: str
    node: str
    reason: str
    id: str
    type: str
    at: float
    first: float
    size: int
    body: bytes | None


@dataclass(frozen=True, slots=True)
class DeadGroup:
    """Is what died at one node for one reason, and is kept by one sink.

    How many, the bytes of their payloads, Unix time of the first and of the last failure.
    """

    sink: str
    node: str
    reason: str
    count: int
    size: int
    first: float
    last: float


@dataclass(frozen=True, slots=True)
class DeadFilter:
    """Chooses dead letters; None leaves open. Times are Unix seconds of the last failure.

    `sinks`: one of several.
    """

    node: str | None = None
    reason: str | None = None
    type: str | None = None
    id: str | None = None
    since: float | None = None
    before: float | None = None
    sink: str | None = None
    sinks: tuple[str, ...] | None = None

    def where(self) -> tuple[str, list[Any]]:
        """Return the condition and its values."""
        parts: list[str] = []
        values: list[Any] = []
        for name, value in (
            ("node =", self.node),
            ("reason =", self.reason),
            ("type =", self.type),
            ("id =", self.id),
            ("at >=", self.since),
            ("at <", self.before),
            ("sink =", self.sink),
        ):
            if value is not None:
                parts.append(f"{name} ?")
                values.append(_storable(value))
        if self.sinks is not None:
            parts.append(f"sink IN ({','.join('?' * len(self.sinks))})")
            values += map(_storable, self.sinks)
        return " AND ".join(parts) or "1", values

    def takes(self, one: DeadLetter) -> bool:
        """Return whether it chooses a letter: what `where` says, said of one that is at hand."""
        wanted = self.node, self.reason, self.type, self.id, self.sink
        has = one.node, one.reason, one.type, one.id, one.sink
        if any(want not in (None, own) for want, own in zip(wanted, has, strict=True)):
            return False
        if self.since is not None and one.at < self.since:
            return False
        if self.before is not None and one.at >= self.before:
            return False
        return self.sinks is None or one.sink in self.sinks


EVERY = DeadFilter()

_AT_ONCE = 500


class WrongCount(SinkgraphError, ValueError):
    """Say that a deletion would hit another number of dead letters than expected: none is gone."""

    def __init__(self, expected: int, found: int) -> None:
        self.expected = expected
        self.found = found
        super().__init__(f"{found} dead letters would go, not {expected}: nothing was deleted")


# reading


def groups(store: Store, chosen: DeadFilter = EVERY) -> list[DeadGroup]:
    """Return the dead letters by node, reason and sink, the most frequent first."""
    where, values = chosen.where()
    rows = store.select(
        "SELECT sink, node, reason, count(*), sum(size), min(first), max(at) FROM dead"
        f" WHERE {where} GROUP BY node, reason, sink ORDER BY 4 DESC, 2, 3, 1",
        values,
    )
    return [
        DeadGroup(_shown(sink), _shown(node), _shown(reason), *totals)
        for sink, node, reason, *totals in rows
    ]


def letters(
    store: Store,
    chosen: DeadFilter = EVERY,
    *,
    after: int = 0,
    limit: int = 100,
    bodies: bool = True,
) -> list[DeadLetter]:
    """Return dead letters in order of number, behind `after`, at most `limit`."""
    where, values = chosen.where()
    rows = store.select(
        f"SELECT {_COLUMNS if bodies else _HEADER} FROM dead WHERE number > ? AND {where}"
        " ORDER BY number LIMIT ?",
        [after, *values, limit],
    )
    return [_letter(row) for row in rows]


def letter(store: Store, which: int | str) -> DeadLetter | None:
    """Return a dead letter by its number, or the last one of an event id; None: there is none."""
    by = "number" if isinstance(which, int) else "id"
    value = which if isinstance(which, int) else _storable(which)
    rows = store.select(
        f"SELECT {_COLUMNS} FROM dead WHERE {by} = ? ORDER BY number DESC LIMIT 1", [value]
    )
    return _letter(rows[0]) if rows else None


def count(store: Store, chosen: DeadFilter = EVERY) -> int:
    """Return how many dead letters there are."""
    where, values = chosen.where()
    return int(store.select(f"SELECT count(*) FROM dead WHERE {where}", values)[0][0])


def size(store: Store, chosen: DeadFilter = EVERY) -> int:
    """Return the bytes of their payloads."""
    where, values = chosen.where()
    rows = store.select(f"SELECT coalesce(sum(size), 0) FROM dead WHERE {where}", values)
    return int(rows[0][0])


def numbered(store: Store, numbers: Sequence[int]) -> list[DeadLetter]:
    """Return the letters of these numbers that are there, without bodies, each once."""
    found: list[DeadLetter] = []
    wanted = list(dict.fromkeys(numbers))
    for k in range(0, len(wanted), _AT_ONCE):
        part = wanted[k : k + _AT_ONCE]
        holes = ",".join("?" * len(part))
        rows = store.select(f"SELECT {_HEADER} FROM dead WHERE number IN ({holes})", part)
        found += map(_letter, rows)
    return found


def oldest(store: Store, chosen: DeadFilter = EVERY, *, limit: int = 500) -> list[DeadLetter]:
    """Return the letters that failed last the longest ago, without bodies, oldest first."""
    where, values = chosen.where()
    rows = store.select(
        f"SELECT {_HEADER} FROM dead WHERE {where} ORDER BY at, number LIMIT ?", [*values, limit]
    )
    return [_letter(row) for row in rows]


# deleting


def delete(store: Store, chosen: DeadFilter | Sequence[int], *, expect: int) -> int:
    """Delete dead letters, all or none; WrongCount unless they are as many as expected."""
    if isinstance(chosen, DeadFilter):
        where, values = chosen.where()
        rows = store.select(f"SELECT number FROM dead WHERE {where}", values)
        numbers = [row[0] for row in rows]
    else:
        numbers = [one for one in dict.fromkeys(chosen) if _is_there(store, one)]
    if len(numbers) != expect:
        raise WrongCount(expect, len(numbers))
    if numbers:
        store.commit([], forget_dead=numbers)
    return len(numbers)


# within a commit


def add_dead(db: apsw.Connection, rows: Sequence[DeadRow]) -> None:
    """Add dead letters; call within a transaction."""
    if rows:
        db.executemany(
            f"INSERT INTO dead ({_FIELDS}) VALUES (?,?,?,?,?,?,?,?,?,?)", map(_row, rows)
        )


def delete_dead(db: apsw.Connection, numbers: Sequence[int]) -> int:
    """Delete dead letters by number within a transaction; return how many there were."""
    gone = 0
    for number in numbers:
        db.execute("DELETE FROM dead WHERE number = ?", (number,))
        gone += db.changes()
    return gone


def dead_holds(values: Sequence[Any]) -> bool:
    """Return whether a row's values, from `sink` to `body`, are what was written."""
    *fields, crc, body = values
    try:
        return bool(_checksum(fields, body) == crc)
    except (TypeError, ValueError):
        return False


_FIELDS = "sink, node, reason, id, type, at, first, size, crc, body"
_HEADER = "number, sink, node, reason, id, type, at, first, size"
_COLUMNS = f"number, {_FIELDS}"


def _row(row: DeadRow) -> tuple[Any, ...]:
    texts = [_storable(text) for text in (row.sink, row.node, row.reason, row.id, row.type)]
    fields = [*texts, float(row.at), float(row.first), row.size]
    return (*fields, _checksum(fields, row.body), row.body)


def _checksum(fields: Sequence[Any], body: bytes) -> int:
    return crc32(body, crc32(msgspec.msgpack.encode(list(fields))))


def _letter(row: Sequence[Any]) -> DeadLetter:
    number, sink, node, reason, id, typ, at, first, held = row[:9]
    body = row[10] if len(row) > 9 and dead_holds(row[1:]) else None
    sink, node, reason, id, typ = map(_shown, (sink, node, reason, id, typ))
    times = _number(at), _number(first)
    return DeadLetter(number, sink, node, reason, id, typ, *times, int(_number(held)), body)


def _is_there(store: Store, number: int) -> bool:
    return bool(store.select("SELECT 1 FROM dead WHERE number = ?", [number]))


def _storable(value: Any) -> Any:
    """Return what the database takes: a text that UTF-8 cannot hold goes as bytes."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return value.encode("utf-8", "surrogatepass")
    return value


def _number(value: Any) -> float:
    return value if isinstance(value, int | float) else 0.0  # a damaged row may hold anything


def _shown(value: Any) -> str:
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            return value.decode("utf-8", "replace")
    return str(value)
