"""A sink that counts an event away whose id, or key, its target accepted a short while ago.

It remembers keys, never events, and only what the target accepted: a duplicate of something that
failed is tried. How keys are kept over a restart is `sinks.window`'s.
"""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from sinkgraph.errors import Owed, PartialWrite
from sinkgraph.event import Batch, Event, as_batch
from sinkgraph.sinks.base import Node, Sink
from sinkgraph.sinks.keys import as_key, same_key
from sinkgraph.sinks.saving import Saving
from sinkgraph.sinks.through import Passage, Through, Write
from sinkgraph.sinks.window import Window

__all__ = ["Dedupe"]

_SAVE_KEYS = 1_000  # what is noted is saved at the latest when it is so many

_NO_KEY = as_key(lambda _event: None)(Event())


class Dedupe(Through):
    """Hands on the first event of each key within `window` seconds.

    `by` is `id`, an expression or a callable. At most `max_ids` keys are remembered, the oldest
    are forgotten first. An event whose key cannot be had, or is null, always passes. A duplicate
    of an event that is under way waits for its outcome: accepted counts it away, failed lets it
    try itself. What the target still owes is not remembered until it was paid. With a state dir
    what is remembered outlives the process; what was accepted just before a kill may not, and a
    duplicate of it passes.
    """

    kind = "dedupe"
    settings = ("by", "_key_of")
    edges = ("to",)

    def __init__(
        self,
        to: Sink,
        by: Callable[[Event], Any] | str = "id",
        window: float = 600.0,
        max_ids: int = 100_000,
    ) -> None:
        super().__init__(to)
        self.by = by
        self._key_of = None if by == "id" else as_key(by)
        self._seen: OrderedDict[Hashable, float] = OrderedDict()
        self._under_way: dict[Hashable, asyncio.Future[None]] = {}
        self.without_key = 0
        self.forgotten = 0
        self._kept: Window | None = None  # only with a state dir
        self._saving = Saving(self._save)
        self._told = False
        self.retune(window, max_ids)

    def retune(self, window: float, max_ids: int) -> None:
        """Follow other limits from now on; what is remembered is kept as far as they allow."""
        _seconds("window", window)
        if isinstance(max_ids, bool) or max_ids < 1:
            raise ValueError(f"max_ids must be at least 1, not {max_ids!r}")
        self.window, self.max_ids = float(window), max_ids

    async def open(self) -> None:
        """Remember what an earlier run remembered, where there is a state dir."""
        if self._kept is not None or self.ctx is None or not self.ctx.records.durable:
            return
        by_id = self._key_of is None
        self._kept = kept = Window(self.ctx.records, self.name, self.clock, text=by_id)
        restored = kept.restore()
        if not restored and self.was is not None:
            restored = self._renamed(kept, Window(kept.records, self.was, self.clock, text=by_id))
        seen = self._seen
        for key, since in restored:
            seen[key] = since
            seen.move_to_end(key)
        self._expire()
        while len(seen) > self.max_ids:
            seen.popitem(last=False)
        if kept.damaged:
            self.journal("window_damaged", lost=kept.damaged)

    def _renamed(self, kept: Window, former: Window) -> list[tuple[Hashable, float]]:
        """Go on with what was kept under another name; both change in one commit."""
        restored = former.restore()
        kept.damaged += former.damaged
        for since, pairs in groupby(restored, itemgetter(1)):
            kept.note(since, [key for key, _ in pairs])
        self._save()
        former.clear()
        return restored

    def become(self, fresh: Node) -> None:
        """Follow other limits, maybe under another name; what is remembered stays.

        Keys of another expression are other keys: then nothing is remembered.
        """
        assert isinstance(fresh, Dedupe), "it becomes what is of its own kind"
        other = not same_key(self.by, fresh.by)
        if other:
            self._seen.clear()
        super().become(fresh)
        self.retune(fresh.window, fresh.max_ids)
        kept = self._kept
        if kept is not None and (other or kept.name != self.name):
            kept.clear()
            text = self._key_of is None
            self._kept = kept = Window(kept.records, self.name, self.clock, text=text)
            for since, keys in groupby(self._seen, self._seen.__getitem__):
                kept.note(since, list(keys))
            self._saving.touch()

    async def close(self) -> None:
        """Save what was remembered last."""
        await super().close()
        self._saving.flush()

    async def around(self, write: Write, batch: Batch, passage: Passage) -> None:
        """Hand on what is new, count the rest away; wait for duplicates under way elsewhere."""
        if isinstance(write, _Rest):
            await self._pay(write, batch)
            return
        keys = self._keys(batch)
        todo: Sequence[int] = range(len(batch))
        owed: list[Owed] = []
        while todo:
            found = self._sort(keys, todo)
            passage.filter("duplicate", found.seen)
            if found.new:
                owed += await self._try(write, batch, keys, found, passage)
            if found.elsewhere:
                await asyncio.wait(found.outcomes)
            todo = found.elsewhere
        if len(owed) == 1 and owed[0].events is batch and owed[0].write is passage.again:
            raise owed[0].error
        if owed:
            raise PartialWrite(owed)

    def _sort(self, keys: Sequence[Hashable], todo: Sequence[int]) -> _Sorted:
        """Say of each index in `todo` whether it is new, a repeat, seen, or under way elsewhere."""
        self._expire()
        seen, under_way = self._seen, self._under_way
        found, mine = _Sorted(), set[Hashable]()
        for k in todo:
            key = keys[k]
            if key == _NO_KEY:
                self.without_key += 1
                found.new.append(k)
            elif key in mine:
                found.repeats.append(k)
            elif key in seen:
                found.seen += 1
            elif (outcome := under_way.get(key)) is not None:
                found.elsewhere.append(k)
                if outcome not in found.outcomes:
                    found.outcomes.append(outcome)
            else:
                mine.add(key)
                found.new.append(k)
        return found

    async def _try(
        self, write: Write, batch: Batch, keys: list[Hashable], found: _Sorted, passage: Passage
    ) -> list[Owed]:
        """Write what is new, and settle its repeats by the outcome; return what is owed."""
        part = batch if len(found.new) == len(batch) else batch.pick(found.new)
        mine = [keys[k] for k in found.new]
        owed: list[Owed] = []
        refusal: Exception | None = None
        try:
            await self._attempt(write, part, mine)
        except PartialWrite as error:
            owed = _rests(error, dict(zip(part.ids, mine, strict=True)))
        except Exception as error:
            refusal = error
        else:
            passage.filter("duplicate", len(found.repeats))
            return []
        if refusal is not None:
            back = sorted([*found.new, *found.repeats])
            whole = len(back) == len(batch)
            return [Owed(passage.again, batch if whole else batch.pick(back), refusal)]
        failed = _failed(part, mine, owed)
        repeats = [k for k in found.repeats if keys[k] in failed]
        passage.filter("duplicate", len(found.repeats) - len(repeats))
        if repeats:
            owed.append(Owed(passage.again, batch.pick(repeats), owed[-1].error))
        return owed

    async def _attempt(self, write: Write, part: Batch, keys: Sequence[Hashable]) -> None:
        """Write what is new; its keys are known to be under way, then remembered if accepted."""
        outcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        claimed = [key for key in keys if key != _NO_KEY]
        for key in claimed:
            self._under_way[key] = outcome
        try:
            await write(part)
            self._remember(claimed)
        except PartialWrite as error:
            failed = _failed(part, keys, error.owed)
            self._remember([key for key in claimed if key not in failed])
            raise
        finally:
            for key in claimed:
                del self._under_way[key]
            outcome.set_result(None)

    async def _pay(self, rest: _Rest, batch: Batch) -> None:
        """Pay what was owed: it was found to be new already, and several branches may owe it."""
        try:
            await rest(batch)
        except PartialWrite as error:
            raise PartialWrite(_rests(error, rest.keys)) from error
        found = [rest.keys.get(own, _NO_KEY) for own in batch.ids]
        self._remember([key for key in found if key != _NO_KEY])

    def _keys(self, batch: Batch) -> list[Hashable]:
        key_of = self._key_of
        if key_of is None:
            return [own or _NO_KEY for own in batch.ids]
        return [key_of(event) for event in batch]

    def _remember(self, keys: Sequence[Hashable]) -> None:
        seen, now = self._seen, self.clock.now()
        for key in keys:
            seen[key] = now
            seen.move_to_end(key)
        while len(seen) > self.max_ids:
            seen.popitem(last=False)
            self.forgotten += 1
        kept = self._kept
        if kept is not None and keys:
            kept.note(now, keys)
            if not self.closed:
                self._saving.touch()
                if kept.fresh >= _SAVE_KEYS:
                    self._saving.flush()

    def _save(self) -> int:
        """Save what was remembered since the last time; return how many bytes that is."""
        kept = self._kept
        if kept is None:
            return 0
        size = kept.save(self.clock.now() - self.window, self.max_ids)
        if kept.unkept and not self._told:
            self._told = True
            self.journal("keys_not_kept", error="keys of their type end with the process")
        return size

    def _expire(self) -> None:
        """Forget what is older than the window."""
        seen, since = self._seen, self.clock.now() - self.window
        while seen:
            key = next(iter(seen))
            if seen[key] > since:
                break
            del seen[key]

    def facts(self) -> dict[str, Any]:
        """Return how many keys it remembers, forgot before their time, and could not have."""
        return {
            "remembered": len(self._seen),
            "forgotten": self.forgotten,
            "without_key": self.without_key,
        }


class _Rest:
    """Is the continuation of something owed, with the keys its events were known by."""

    __slots__ = ("_write", "keys")

    def __init__(self, write: Write, keys: dict[str, Hashable]) -> None:
        self._write = write
        self.keys = keys

    async def __call__(self, events: Sequence[Event]) -> None:
        await self._write(events)


class _Sorted:
    """Is what a look at some events found: indices, and how many were seen before."""

    __slots__ = ("elsewhere", "new", "outcomes", "repeats", "seen")

    def __init__(self) -> None:
        self.new: list[int] = []
        self.repeats: list[int] = []
        self.seen = 0
        self.elsewhere: list[int] = []
        self.outcomes: list[asyncio.Future[None]] = []


def _rests(error: PartialWrite, keys: dict[str, Hashable]) -> list[Owed]:
    return [Owed(_Rest(part.write, keys), part.events, part.error) for part in error.owed]


def _failed(part: Batch, keys: Sequence[Hashable], owed: Sequence[Owed]) -> set[Hashable]:
    """Return the keys of `part` that are owed, by id: events may have changed on their way."""
    if not owed:
        return set()
    ids = {own for one in owed for own in as_batch(one.events).ids}
    return {key for own, key in zip(part.ids, keys, strict=True) if own in ids}


def _seconds(name: str, value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} must be seconds, not {value!r}")
    if not math.isfinite(value) or value <= 0:
        raise ValueError(f"{name} must be more than 0 seconds, not {value!r}")
