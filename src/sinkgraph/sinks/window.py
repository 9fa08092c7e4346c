"""Keeps the keys a dedupe remembers over a restart, in slices of bounded size.

What a key means, and when it is forgotten, is the dedupe's. A slice that is full is never written
again, so a save costs the same for ten keys remembered and for a hundred thousand. Keys are saved
after they were accepted: a kill forgets the last of them, and a duplicate passes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Any

import msgspec

from sinkgraph.clock import Clock
from sinkgraph.sinks.base import Records
from sinkgraph.sinks.plain_keys import NotKept, plain_key, real_key

__all__ = ["Window"]

SLICE_KEYS = 256
SLICE_BYTES = 16_384

_SAME_S = 0.01  # what was accepted within it is kept as of one time
_VERSION = 1
_encode = msgspec.msgpack.Encoder().encode


class _Kept(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Is a slice as bytes hold it; `groups` are keys that were accepted at the same time."""

    v: int
    number: int
    groups: list[tuple[float, list[Any]]]


_decode = msgspec.msgpack.Decoder(_Kept).decode


@dataclass(slots=True)
class _Slice:
    """Is some keys that were remembered one after the other; `newest` is when the last was."""

    slot: int
    number: int
    newest: float = 0.0
    keys: int = 0
    groups: int = 0
    body: bytearray = field(default_factory=bytearray)

    def add(self, newest: float, keys: int, group: bytes) -> None:
        self.newest = newest
        self.keys += keys
        self.groups += 1
        self.body += group

    @property
    def full(self) -> bool:
        return self.keys >= SLICE_KEYS or len(self.body) >= SLICE_BYTES

    def dump(self) -> bytes:
        """Return msgpack of a _Kept, whose groups are encoded already."""
        head = b"\x93" + _encode(_VERSION) + _encode(self.number)
        return head + b"\xdd" + self.groups.to_bytes(4, "big") + bytes(self.body)


class Window:
    """Is what records hold of the keys one dedupe remembers, under its name.

    `note` what was accepted, `save` now and then. Slices have numbered slots, so that there are
    never more records than were once needed.
    """

    def __init__(self, records: Records, name: str, clock: Clock, *, text: bool = False) -> None:
        self.name = name
        self.unkept = 0  # keys of types that cannot be kept
        self.damaged = 0  # slices that could not be read
        self.records = records
        self._clock = clock
        self._text = text  # every key is text
        self._total = 0  # keys in all slices
        self.fresh = 0  # keys noted since the last save
        self._fresh: list[tuple[float, list[Hashable]]] = []
        self._slices: deque[_Slice] = deque()  # oldest first; the last is written to
        self._open: _Slice | None = None
        self._free: list[int] = []
        self._slots = 0
        self._next = 0

    def note(self, now: float, keys: Sequence[Hashable]) -> None:
        """Add keys that were accepted at `now`, to be saved; never as younger than they are."""
        fresh = self._fresh
        if fresh and now - fresh[-1][0] < _SAME_S:
            fresh[-1][1].extend(keys)
        else:
            fresh.append((now, list(keys)))
        self.fresh += len(keys)

    # saving

    def save(self, since: float, most: int) -> int:
        """Put what was noted; give up slices older than `since` or beyond `most` keys.

        Returns how many bytes were put.
        """
        fresh, self._fresh, self.fresh = self._fresh, [], 0
        ahead = self._clock.wall() - self._clock.now()
        written: dict[int, _Slice] = {}
        for now, keys in fresh:
            for i in range(0, len(keys), SLICE_KEYS):
                self._add(now, now + ahead, keys[i : i + SLICE_KEYS], written)
        size = 0
        for one in written.values():
            value = one.dump()
            size += len(value)
            self._put(one.slot, value)
            if one.full:
                one.body = bytearray()
                self._open = None if one is self._open else self._open
        self._drop(since, most)
        return size

    def _add(
        self, now: float, when: float, keys: Sequence[Hashable], into: dict[int, _Slice]
    ) -> None:
        """Add keys to the slices that are written to."""
        plain: Sequence[Any] = keys if self._text else self._plain(keys)
        try:
            self._fill(now, when, plain, into)
        except UnicodeEncodeError:  # a lone surrogate in one of them: nothing was added
            self._fill(now, when, self._plain(keys), into)

    def _fill(self, now: float, when: float, plain: Sequence[Any], into: dict[int, _Slice]) -> None:
        if not plain:
            return
        group = _encode((when, plain))
        if len(group) > SLICE_BYTES and len(plain) > 1:
            half = len(plain) // 2
            self._fill(now, when, plain[:half], into)
            self._fill(now, when, plain[half:], into)
            return
        one = self._room()
        one.add(now, len(plain), group)
        self._total += len(plain)
        into[one.slot] = one

    def _plain(self, keys: Sequence[Hashable]) -> list[Any]:
        plain: list[Any] = []
        for key in keys:
            try:
                plain.append(plain_key(key))
            except NotKept:
                self.unkept += 1
        return plain

    def clear(self) -> None:
        """Keep nothing any more."""
        self._fresh, self.fresh = [], 0
        self._open = None
        while self._slices:
            self._give_up(self._slices.popleft())

    def _room(self) -> _Slice:
        if self._open is None or self._open.full:
            if self._free:
                slot = heappop(self._free)
            else:
                slot, self._slots = self._slots, self._slots + 1
            self._open = _Slice(slot, self._next)
            self._next += 1
            self._slices.append(self._open)
        return self._open

    def _drop(self, since: float, most: int) -> None:
        slices = self._slices
        while slices and slices[0] is not self._open:
            if slices[0].newest > since and self._total - slices[0].keys < most:
                break
            self._give_up(slices.popleft())

    def _give_up(self, one: _Slice) -> None:
        self._total -= one.keys
        heappush(self._free, one.slot)
        self._put(one.slot, b"")

    def _put(self, slot: int, value: bytes) -> None:
        self.records.put("dedupe", f"{self.name}/{slot}", value)

    # coming back

    def restore(self) -> list[tuple[Hashable, float]]:
        """Return the keys that were saved, oldest first, with the time of this clock's `now`.

        Ages are those of the wall clock. Where it was set back a key is as young as now, and
        where keys contradict each other the older time counts.
        """
        found: list[tuple[_Slice, list[tuple[float, list[Any]]]]] = []
        while (value := self.records.get("dedupe", f"{self.name}/{self._slots}")) is not None:
            slot, self._slots = self._slots, self._slots + 1
            kept = self._read(value)
            if kept is None:
                heappush(self._free, slot)
                continue
            self._next = max(self._next, kept.number + 1)
            keys = sum(len(some) for _, some in kept.groups)
            found.append((_Slice(slot, kept.number, keys=keys), kept.groups))
        found.sort(key=lambda pair: pair[0].number)
        now = newest = self._clock.now()
        ahead = self._clock.wall() - now
        keys_back: list[tuple[Hashable, float]] = []
        for one, groups in reversed(found):
            one.newest = newest = min(newest, groups[-1][0] - ahead if groups else newest)
            for when, some in reversed(groups):
                newest = min(newest, when - ahead)
                keys_back += [(key, newest) for key in reversed(self._real(some))]
        self._slices = deque(one for one, _ in found)
        self._total = sum(one.keys for one, _ in found)
        return keys_back[::-1]

    def _read(self, value: bytes) -> _Kept | None:
        """Return a slice; None where there is none, or it is damaged or newer."""
        if not value:
            return None
        try:
            kept = _decode(value)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            self.damaged += 1
            return None
        if kept.v != _VERSION:
            self.damaged += 1
            return None
        return kept

    def _real(self, keys: Iterable[Any]) -> list[Hashable]:
        real: list[Hashable] = []
        for key in keys:
            try:
                real.append(real_key(key))
            except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
                self.damaged += 1
        return real
