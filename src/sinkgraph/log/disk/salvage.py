"""Checks a state directory, and repairs one: everything that can be read goes into a new file.

Both say exactly what is missing. Neither guesses: an event is whole, as its checksum says, or lost.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from typing import Any

import apsw

from sinkgraph.errors import SinkgraphError
from sinkgraph.log.disk import dead
from sinkgraph.log.disk import directory as place
from sinkgraph.log.disk.errors import StateDamaged, StateUnusable
from sinkgraph.log.disk.format import DATABASE
from sinkgraph.log.disk.lock import Lock
from sinkgraph.log.disk.mark import MarkFile
from sinkgraph.log.disk.rebuild import Lost, Rebuilt, rebuild
from sinkgraph.log.disk.store import Store

__all__ = ["Checked", "Contents", "Lost", "Repaired", "check", "places_words", "repair"]


@dataclass(frozen=True, slots=True)
class Contents:
    """Is what a log holds: events at positions [first, head), of which `damaged` are not whole."""

    log: int
    name: str
    first: int
    head: int
    rows: int
    events: int
    size: int
    damaged: int


@dataclass(frozen=True, slots=True)
class Checked:
    """Is what a check found. `problems` has one line each; none means that all is as written.

    `logs`: what stands in each. `cursors`: by name, stored events that it was to take, taken by
    now or not. `records`, `dead`: how many there are. `quarantine`: (log, position, events, why).
    `cut`: events that were committed and are gone with the end of the file.
    """

    directory: str
    problems: tuple[str, ...]
    logs: tuple[Contents, ...] = ()
    cursors: tuple[tuple[str, int], ...] = ()
    records: int = 0
    lost_records: int = 0
    dead: int = 0
    damaged_dead: int = 0
    quarantine: tuple[tuple[int, int, int, str], ...] = ()
    cut: int = 0
    size: int = 0

    @property
    def sound(self) -> bool:
        """Whether there is nothing to repair."""
        return not self.problems


@dataclass(frozen=True, slots=True)
class Repaired:
    """Is what a repair did: what the new file holds, what is lost, where the old file is kept.

    `kept` is None where nothing was damaged: then the file was only made smaller. `doubts` says
    what cannot be known; without any, nothing is lost but what is told. `lost_before`: events that
    an earlier repair found to be lost, for which queues still wait.
    """

    directory: str
    kept: str | None
    events: int
    records: int
    dead: int
    lost: tuple[Lost, ...]
    lost_records: int
    lost_dead: int
    cut: int
    doubts: tuple[str, ...]
    lost_before: int
    size_before: int
    size_after: int

    @property
    def lost_events(self) -> int:
        """How many events of logs are lost, those cut off included."""
        return sum(one.n for one in self.lost) + self.cut

    def lines(self) -> list[str]:
        """Return what happened, one fact a line."""
        said = [f"saved {self.events} events, {self.records} records, {self.dead} dead letters"]
        for one in self.lost:
            said.append(f"lost {one.n} events of {one.name}: positions {one.at} to {one.end - 1}")
        if self.cut:
            said.append(f"lost {self.cut} events at the end: they were committed and cut off")
        if self.lost_records:
            said.append(f"lost {self.lost_records} records (places of queues, positions of files)")
        if self.lost_dead:
            said.append(f"lost {self.lost_dead} dead letters")
        said += self.doubts
        if self.kept is None:
            said.append(f"nothing was damaged: {self.size_before} → {self.size_after} bytes")
        else:
            said.append(f"the damaged file is kept as {self.kept}")
        return said


def check(directory: str) -> Checked:
    """Read everything in a state directory, in use or not, and return what is wrong.

    Raises StateUnusable for a directory that cannot be looked into.
    """
    try:
        store = Store.open(directory, read_only=True)
    except StateDamaged as error:
        return Checked(directory, (error.why,))
    try:
        return _checked(store)
    except SinkgraphError as error:
        return Checked(directory, (str(error),))
    finally:
        store.close()


def _checked(store: Store) -> Checked:
    problems: list[str] = []
    try:
        found = [str(row[0]) for row in store.db.execute("PRAGMA integrity_check(20)")]
        told = [line.strip() for text in found for line in text.splitlines()]
        problems += [line for line in told if line != "ok" and not line.startswith("***")]
    except apsw.Error as error:
        problems.append(str(error))
    names = {
        int(value): name for (kind, name), (_, value) in store.records.items() if kind == "log"
    }
    cursors = {
        number: name for (kind, name), (number, _) in store.records.items() if kind == "cursor"
    }
    taken: Counter[int] = Counter()
    logs: list[Contents] = []
    known = {(log, at): (n, why) for log, at, n, why in _quarantine(store)}
    for log, head in sorted(store.heads().items()):
        name = names.get(log, f"log {log}")
        rows = events = size = damaged = 0
        for row, why in store.verify(log):
            if why:
                damaged += row.n
                if (log, row.at) not in known:
                    problems.append(f"{name}, {places_words(row.at, row.n)}: {why}")
                continue
            if row.takers:  # else it is a hole
                rows, events, size = rows + 1, events + row.n, size + row.size
            for number, ranges in row.takers.items():
                taken[number] += row.n if ranges is None else sum(b - a for a, b in ranges)
        logs.append(Contents(log, name, head.first, head.head, rows, events, size, damaged))
    letters, bad_letters = _verified_dead(store)
    if bad_letters:
        problems.append(_count(bad_letters, "dead letter", "damaged"))
    if store.told_dead != letters + bad_letters:
        missing = store.told_dead - letters - bad_letters
        problems.append(_count(missing, "dead letter", "missing"))
    if store.lost_records:
        problems.append(_count(store.lost_records, "record", "damaged"))
    if store.cut:
        problems.append(_count(store.cut, "committed event", "cut off"))
    return Checked(
        store.directory,
        tuple(problems),
        tuple(logs),
        tuple((cursors.get(number, f"cursor {number}"), n) for number, n in sorted(taken.items())),
        len(store.records),
        store.lost_records,
        letters,
        bad_letters,
        tuple((log, at, n, why) for (log, at), (n, why) in known.items()),
        store.cut,
        _size(store.path) + _size(f"{store.path}-wal"),
    )


def places_words(at: int, n: int) -> str:
    """Return which events of a log are meant, in words."""
    if n == 1:
        return f"position {at:,}: 1 event"
    return f"positions {at:,} to {at + n - 1:,}: {n:,} events"


def _count(n: int, what: str, state: str) -> str:
    return f"1 {what} is {state}" if n == 1 else f"{n:,} {what}s are {state}"


def _quarantine(store: Store) -> list[Any]:
    return store.select("SELECT log, at, n, why FROM quarantine ORDER BY log, at")


def _verified_dead(store: Store) -> tuple[int, int]:
    whole = damaged = after = 0
    while found := dead.letters(store, after=after, limit=200):
        damaged += sum(one.body is None for one in found)
        whole += sum(one.body is not None for one in found)
        if found[-1].number <= after:
            break  # its page is damaged
        after = found[-1].number
    return whole, damaged


def repair(directory: str, *, dry: bool = False) -> Repaired:
    """Put everything that can be read into a new file, and keep the old one where it is damaged.

    Works on a directory nobody uses. It may be interrupted at any point and run again. `dry`: the
    new file is made and removed, nothing else is touched. Raises StateLocked, StateNewer and
    StateUnusable, also where there is no room for the new file.
    """
    path = place.found(directory)
    lock = Lock(directory)
    try:
        if not dry:
            _finish(directory)
        _refuse_newer(directory, path)
        beside = [one for one in (f"{path}-wal", f"{path}-shm") if not os.path.exists(one)]
        sound = check(directory).sound
        _remove(*beside)  # made by looking, and empty
        fresh = os.path.join(directory, place.FRESH)
        _remove(fresh, f"{fresh}-journal")
        before = _size(path) + _size(f"{path}-wal")
        mark = MarkFile(directory)
        marked = mark.read()
        try:
            made = rebuild(path, fresh, marked.total)
        except (apsw.FullError, OSError) as error:
            _remove(fresh, f"{fresh}-journal")
            said = place.why(error) if isinstance(error, OSError) else "no space left on the disk"
            raise StateUnusable(f"cannot repair {path}: {said}; nothing was changed") from None
        kept = _free_name(path) if made.damaged or not sound else None
        after = _size(fresh)
        if dry:
            _remove(fresh)
        else:
            _put_in_place(directory, fresh, kept)
            mark.write(made.seq, made.total)
        mark.close()
    finally:
        lock.release()
    return _told(directory, kept, made, before, after)


def _told(directory: str, kept: str | None, made: Rebuilt, before: int, after: int) -> Repaired:
    return Repaired(
        directory,
        kept,
        made.events,
        made.records,
        made.dead,
        made.lost,
        made.lost_records,
        made.lost_dead,
        made.cut,
        made.doubts,
        made.lost_before,
        before,
        after,
    )


def _refuse_newer(directory: str, path: str) -> None:
    """Raise for a whole file of another format; whatever is damaged may be repaired."""
    with open(path, "rb") as file:
        head = file.read(512)
    try:
        version = place.version_of(directory, head, os.stat(path).st_size, 0)
    except StateDamaged:
        return
    if version:
        place.refuse_other_version(directory, version)


def _put_in_place(directory: str, fresh: str, kept: str | None) -> None:
    """Let the new file take the place of the old one; see `_finish` for an interruption.

    The old file and its log are reachable under their new names before either loses its own, and
    the log is gone before the new file has the name that it belongs to.
    """
    path = os.path.join(directory, DATABASE)
    if kept is not None:
        os.link(path, kept)
        if os.path.exists(f"{path}-wal"):
            os.link(f"{path}-wal", f"{kept}-wal")
        place.sync(directory)
    os.replace(fresh, os.path.join(directory, place.REPAIRED))
    place.sync(directory)
    _finish(directory)


def _finish(directory: str) -> None:
    """Put a complete new file in its place, where there is one."""
    path, repaired = (os.path.join(directory, name) for name in (DATABASE, place.REPAIRED))
    if os.path.exists(repaired):
        _remove(f"{path}-wal", f"{path}-shm")
        place.sync(directory)
        os.replace(repaired, path)
        place.sync(directory)


def _free_name(path: str) -> str:
    number = 1
    while os.path.exists(f"{path}.damaged-{number}"):
        number += 1
    return f"{path}.damaged-{number}"


def _remove(*paths: str) -> None:
    for path in paths:
        try:
            os.unlink(path)
        except FileNotFoundError:
            pass


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0
