"""Builds a new database file from whatever rows of a damaged one still hold.

It reads by `carve`, trusts only checksums, and counts what must have been there and is not.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import apsw
import msgspec

from sinkgraph.log.disk.carve import Cell, Image
from sinkgraph.log.disk.dead import dead_holds
from sinkgraph.log.disk.format import (
    APPLICATION_ID,
    LOG_BITS,
    SCHEMA,
    VERSION,
    State,
    anchor,
    checksum,
    is_hole,
    pack_record,
    place_of,
    row_holds,
    stamp_of,
    unpack_record,
    unpack_takers,
)
from sinkgraph.log.disk.intervals import Intervals

__all__ = ["LOST", "Lost", "Rebuilt", "covering", "rebuild"]

LOST = "lost before a repair"
"""Why positions are quarantined that no repair will bring back."""

PAGE_SIZE = 4096
_ORPHAN = "lost-"  # begins the name of a queue whose own is not known any more


@dataclass(frozen=True, slots=True)
class Lost:
    """Is a run of events that cannot be read: positions [at, at + n) of a log."""

    log: int
    name: str
    at: int
    n: int

    @property
    def end(self) -> int:
        """The position behind it."""
        return self.at + self.n


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """Is what stands in the new file, and what is missing there; `lost_before`: known to be."""

    seq: int
    total: int
    events: int
    records: int
    dead: int
    lost: tuple[Lost, ...]
    lost_before: int
    lost_records: int
    lost_dead: int
    cut: int
    doubts: tuple[str, ...]
    damaged: bool


@dataclass(slots=True)
class _Found:
    """Is where each row that holds was found, newest first where there are several."""

    image: Image
    state: State | None = None
    rows: dict[int, tuple[int, bool, int, int, int]] = field(default_factory=dict)
    holes: set[int] = field(default_factory=set)  # keys of rows that hold no events
    records: dict[int, tuple[int, bytes]] = field(default_factory=dict)
    dead: dict[int, tuple[int, int]] = field(default_factory=dict)
    last_dead: int = 0
    broken: int = 0  # rows that were found and do not hold
    gone: set[tuple[int, int, int]] = field(default_factory=set)  # lost before: log, position, n


def rebuild(path: str, fresh: str, marked: int) -> Rebuilt:
    """Build `fresh` from the database at `path`; `marked`: how many events were committed to it."""
    with Image(path, page_size=PAGE_SIZE) as image:
        found = _survey(image)
        state = found.state or State()
        ends = _ends(found, state)
        names = _names(found)
        chosen, lost = _chosen(found, ends, names)
        orphans = _adopt(found, chosen, state)
        os.close(os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        db = apsw.Connection(fresh, flags=apsw.SQLITE_OPEN_READWRITE)
        try:
            _write(db, found, chosen, lost, ends, total := max(state.total, marked))
        finally:
            db.close(True)
    records, dead = max(state.records, max(found.records, default=0)), len(found.dead)
    lost_dead = max(0, state.dead - dead)
    lost_records = records - len(found.records) + len(orphans)
    cut = 0
    if found.state is not None and state.heads is not None:
        cut = max(0, marked - state.total - _beyond(state, ends))
    known = covering(found.gone)
    fresh_lost = [one for one in lost if one.log not in known or _fresh(one, known[one.log])]
    gone = bool(fresh_lost or lost_dead or lost_records or cut or found.broken or image.bad_frames)
    doubts = [
        f"the place of a queue was lost: what is stored for it waits for `{_ORPHAN}{number}` now,"
        " what it had delivered too; a start asks for its --fate"
        for number in orphans
    ]
    if found.state is None or state.heads is None:
        doubts.append("more may be lost: nothing tells how much the store held")
    if image.bad_frames:
        doubts.append(
            "the write-ahead log was damaged: dead letters and records may be older than they were"
        )
    return Rebuilt(
        seq=_last_seq(found),
        total=total,
        events=sum(found.rows[key][2] for key in chosen if key not in found.holes),
        records=len(found.records) - len(orphans),
        dead=dead,
        lost=tuple(fresh_lost),
        lost_before=sum(one.n for one in lost) - sum(one.n for one in fresh_lost),
        lost_records=lost_records,
        lost_dead=lost_dead,
        cut=cut,
        doubts=tuple(doubts),
        damaged=gone or bool(doubts),
    )


def _fresh(one: Lost, known: Intervals) -> bool:
    return bool(known.missing(one.at, one.end))


def covering(gone: Iterable[tuple[int, int, int]]) -> dict[int, Intervals]:
    """Return what (log, position, events) cover together, by log."""
    found: dict[int, Intervals] = {}
    for log, at, n in gone:
        found.setdefault(log, Intervals()).add(at, at + n)
    return found


# looking


def _survey(image: Image) -> _Found:
    found = _Found(image)
    for cell in image.cells():
        values = cell.values
        if len(values) == 7 and values[0] is None:
            _note_row(found, cell)
        elif len(values) == 11 and values[0] is None:
            if cell.free:
                continue
            if dead_holds(_dead_values(cell)):
                found.dead[cell.rowid] = cell.page, cell.index
            else:
                found.broken += 1
        elif len(values) == 5 and values[0] is None and values[4] == LOST and not cell.free:
            found.gone.add(tuple(values[1:4]))
        elif len(values) == 2 and values[0] == "dead" and isinstance(values[1], int):
            found.last_dead = max(found.last_dead, values[1])
    return found


def _note_row(found: _Found, cell: Cell) -> None:
    key = cell.rowid
    _, seq, n, size, crc, takers, body = cell.values
    if not row_holds(key, seq, n, size, crc, takers, body):
        found.broken += not cell.free
    elif key == 0:
        if found.state is None or seq > found.state.seq:
            try:
                found.state = State.of(seq, n, size, body)
            except ValueError:
                found.broken += 1
    elif key >> LOG_BITS == 0:
        held = found.records.get(key)
        if held is None or seq > held[0]:
            found.records[key] = seq, body
    else:
        known = found.rows.get(key)
        if known is None or (not cell.free, seq) > (not known[1], known[0]):
            found.rows[key] = seq, cell.free, n, cell.page, cell.index
            (found.holes.add if is_hole(takers, body) else found.holes.discard)(key)


def _dead_values(cell: Cell) -> list[Any]:
    values = cell.values[1:]
    for k in (5, 6):
        if isinstance(values[k], int):
            values[k] = float(values[k])  # as a file stores a float without a fraction
    return values


def _names(found: _Found) -> dict[int, str]:
    names: dict[int, str] = {}
    for _, body in found.records.values():
        try:
            kind, name, value = unpack_record(body)
            if kind == "log":
                names[int(value)] = name
        except ValueError:
            continue
    return names


def _ends(found: _Found, state: State) -> dict[int, tuple[int, int]]:
    """Return first position and head of each log: as told, else and beyond that as found."""
    ends = dict(state.heads or {})
    for key, (seq, free, n, _, _) in found.rows.items():
        if not free and (state.heads is None or seq > state.seq):
            log, at = place_of(key)
            first, head = ends.get(log, (at, at))
            ends[log] = min(first, at), max(head, at + n)
    return ends


def _beyond(state: State, ends: dict[int, tuple[int, int]]) -> int:
    """Return how many events are known that were committed after what the state tells."""
    told = state.heads or {}
    later = sum(head - told.get(log, (0, 0))[1] for log, (_, head) in ends.items() if log in told)
    return later + sum(head - first for log, (first, head) in ends.items() if log not in told)


def _chosen(
    found: _Found, ends: dict[int, tuple[int, int]], names: dict[int, str]
) -> tuple[list[int], list[Lost]]:
    """Return the keys to keep, in order, and the holes between them.

    What stands on an unused page was deleted or moved: it fills a hole, and nothing else.
    """
    by_log: dict[int, list[int]] = defaultdict(list)
    for key in sorted(found.rows):
        by_log[place_of(key)[0]].append(key)
    chosen: list[int] = []
    lost: list[Lost] = []
    for log, (first, head) in sorted(ends.items()):
        name = names.get(log, f"log {log}")
        position = first
        keys = by_log.get(log, [])
        used = [key for key in keys if not found.rows[key][1]]
        for key in keys:
            _, free, n, _, _ = found.rows[key]
            at = place_of(key)[1]
            if not n or at + n <= position or at >= head or (free and at < position):
                continue
            k = bisect_right(used, key)
            if free and k < len(used) and key + n > used[k]:
                continue
            if at > position:
                lost.append(Lost(log, name, position, at - position))
            chosen.append(key)
            position = at + n
        if position < head:
            lost.append(Lost(log, name, position, head - position))
    return chosen, lost


def _last_seq(found: _Found) -> int:
    state = found.state.seq if found.state is not None else 0
    rows = max((row[0] for row in found.rows.values()), default=0)
    return max(state, rows, max((seq for seq, _ in found.records.values()), default=0))


def _adopt(found: _Found, chosen: list[int], state: State) -> list[int]:
    """Give every cursor whose record is lost, and that takes events, a place before them all.

    Return the numbers of these cursors. Without a place nobody would claim their events.
    """
    known = {number for number, (_, body) in found.records.items() if _kind(body) != "lost"}
    places: dict[int, dict[int, int]] = {}
    for key in chosen if found.state is None or len(known) < state.records else ():
        cell = found.image.cell(*found.rows[key][3:])
        for number in unpack_takers(cell.values[5]) if cell is not None else ():
            if number not in known:
                log, at = place_of(key)
                places.setdefault(number, {}).setdefault(log, at)
    for number, heads in places.items():
        value = msgspec.msgpack.encode([1, {}, heads])
        found.records[number] = state.seq, pack_record("cursor", f"{_ORPHAN}{number}", value)
    return sorted(places)


def _kind(body: bytes) -> str:
    try:
        return unpack_record(body)[0]
    except ValueError:
        return ""


# writing


def _write(
    db: apsw.Connection,
    found: _Found,
    chosen: list[int],
    lost: list[Lost],
    ends: dict[int, tuple[int, int]],
    total: int,
) -> None:
    """Write the new file in one transaction, synced at its end; it is no store until then."""
    db.pragma("page_size", PAGE_SIZE)
    db.pragma("journal_mode", "off")
    db.pragma("synchronous", "OFF")
    db.execute(f"BEGIN; {SCHEMA}")
    seq = _last_seq(found)
    highest = max(found.records, default=0)
    highest = max(highest, found.state.records if found.state is not None else 0)
    state = State(seq, total, highest, len(found.dead), ends)
    insert = "INSERT INTO rows (key, seq, n, size, crc, takers, body) VALUES (?,?,?,?,?,?,?)"
    db.execute(insert, state.row())
    db.executemany(insert, _records(found, highest, seq))
    db.executemany(insert, _rows(found, chosen))
    held = {place_of(key)[0] for key in chosen}
    for log, (_, head) in ends.items():
        if log not in held:
            row = anchor(log, head, seq)
            db.execute(insert, (*row[:4], checksum(*row), *row[4:]))
    for number in sorted(found.dead):
        cell = found.image.cell(*found.dead[number])
        if cell is not None:
            db.execute(
                "INSERT INTO dead"
                " (number, sink, node, reason, id, type, at, first, size, crc, body)"
                " VALUES (?,?,?,?,?,?,?,?,?,?,?)",
                (number, *_dead_values(cell)),
            )
    if found.last_dead:
        db.execute("DELETE FROM sqlite_sequence WHERE name = 'dead'")
        last = max(found.last_dead, max(found.dead, default=0))
        db.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('dead', ?)", (last,))
    db.executemany(
        "INSERT INTO quarantine (log, at, n, why) VALUES (?,?,?,?)",
        [(one.log, one.at, one.n, LOST) for one in lost],
    )
    db.execute(
        f"PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={stamp_of(VERSION)}; COMMIT"
    )
    db.pragma("journal_mode", "delete")
    db.pragma("synchronous", "FULL")
    db.pragma("journal_mode", "wal")


def _records(found: _Found, highest: int, seq: int) -> Iterator[tuple[Any, ...]]:
    """Yield the records; what is lost keeps its number, so that it is never given again."""
    for number in range(1, highest + 1):
        at, body = found.records.get(number, (seq, b""))
        body = body or pack_record("lost", str(number), b"")
        yield number, at, 0, 0, checksum(number, at, 0, 0, None, body), None, body


def _rows(found: _Found, chosen: list[int]) -> Iterator[tuple[Any, ...]]:
    for key in chosen:
        cell = found.image.cell(*found.rows[key][3:])
        assert cell is not None, "it was read before"
        yield (key, *cell.values[1:])
