"""Order by key: a key is owned by one lane only while one of its events is unsettled.

It holds batches per key and says which keys may be taken; it starts and waits for nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable
from typing import Any

from sinkgraph.event import Batch, Event, join

__all__ = ["Keys", "as_key", "same_key"]


def as_key(order_by: Any) -> Callable[[Event], Hashable]:
    """Return a function from event to key for a callable, an expression or a field name.

    An event whose key cannot be had shares the key None with others of its kind.
    """
    if callable(order_by):
        return lambda event: _hashable(_guarded(order_by, event))
    from sinkgraph.expr.compile import compile_expression

    expression = compile_expression(order_by, result="any")
    return lambda event: _hashable(_guarded(expression.evaluate, event))


def same_key(one: Any, other: Any) -> bool:
    """Tell whether two `by`s, callables or texts, give every event the same key.

    Of two expressions it is known by their text, of other callables only when they are one.
    """
    if one is other or one == other:
        return True
    texts = [getattr(getattr(by, "__self__", by), "text", None) for by in (one, other)]
    return texts[0] is not None and texts[0] == texts[1]


def _guarded(key_of: Callable[[Event], Any], event: Event) -> Any:
    try:
        return key_of(event)
    except BaseException:  # whatever it raises, its event has no key, and that is all
        return None


def _hashable(key: Any) -> Hashable:
    try:
        hash(key)
    except BaseException:
        try:
            return repr(key)
        except BaseException:
            return _hashable(None)
    # True and 1 are equal to Python and different keys to a user
    return (type(key).__name__, key)


class _Part:
    """Is what waits of one batch that came when `came` events had, those at `indices` of it."""

    __slots__ = ("_came", "_indices", "batch")

    def __init__(self, batch: Batch, came: int, indices: list[int]) -> None:
        self.batch = batch
        self._came = came
        self._indices = indices

    def __len__(self) -> int:
        return len(self.batch)

    def split(self, n: int) -> Batch:
        """Take the first n events off, and return them."""
        first, self.batch = self.batch[:n], self.batch[n:]
        self._indices = self._indices[n:]
        return first

    def places(self) -> Iterable[tuple[int, int]]:
        """Yield for each event how many had come before it, and where it stands here."""
        return ((self._came + index, k) for k, index in enumerate(self._indices))


class Keys:
    """Splits batches by key and hands out keys nobody owns, oldest first."""

    def __init__(self, key_of: Callable[[Event], Hashable]) -> None:
        self._key_of = key_of
        self._backlog: dict[Hashable, deque[_Part]] = {}
        self._owned: dict[Hashable, int] = {}  # how many jobs hold a key
        self.runnable: deque[Hashable] = deque()
        self.waiting = 0  # events of runnable keys
        self._count = 0
        self._came = 0  # events ever taken in

    def __len__(self) -> int:
        """Events that no lane has: of runnable keys, and of keys that are owned."""
        return self._count

    def __bool__(self) -> bool:
        """It is something also where it holds nothing."""
        return True

    @property
    def idle(self) -> bool:
        """Whether no key is held and nothing waits for one."""
        return not self._owned and not self._backlog

    def hold(self, batches: Iterable[Batch]) -> list[Hashable]:
        """Own the keys of these events, beside whoever owns them already; return them."""
        keys = list(dict.fromkeys(key for batch in batches for key in self.of(batch)))
        for key in keys:
            self._own(key)
        return keys

    def of(self, batch: Batch) -> Iterable[Hashable]:
        """Return the keys of a batch, each once, in the order of its events."""
        return dict.fromkeys(map(self._key_of, batch))

    def _own(self, key: Hashable) -> None:
        self._owned[key] = self._owned.get(key, 0) + 1

    def add(self, batch: Batch) -> None:
        """Take in a batch, split by key."""
        self._count += len(batch)
        split: dict[Hashable, list[int]] = {}
        for k, event in enumerate(batch):
            split.setdefault(self._key_of(event), []).append(k)
        for key, indices in split.items():
            part = batch if len(indices) == len(batch) else batch.pick(indices)
            backlog = self._backlog.get(key)
            if key in self._owned:
                part = part.slim()  # it may wait long, and must not pin its page meanwhile
            kept = _Part(part, self._came, indices)
            if backlog is None:
                self._backlog[key] = deque([kept])
                if key not in self._owned:
                    self.runnable.append(key)
            else:
                backlog.append(kept)
            if key not in self._owned:
                self.waiting += len(part)
        self._came += len(batch)

    def take(self, limit: int) -> tuple[list[Hashable], Batch]:
        """Own the oldest runnable keys, up to about `limit` events; return them joined."""
        owned: list[Hashable] = []
        parts: list[Batch] = []
        n = 0
        while self.runnable and n < limit:
            key = self.runnable.popleft()
            backlog = self._backlog[key]
            first = len(backlog[0])
            if parts and n + first > limit:
                self.runnable.appendleft(key)
                break
            self._own(key)
            owned.append(key)
            self.waiting -= sum(len(part) for part in backlog)
            while backlog and n < limit and (not parts or n + len(backlog[0]) <= limit):
                if len(backlog[0]) > limit - n:
                    parts.append(backlog[0].split(limit - n))
                else:
                    parts.append(backlog.popleft().batch)
                n += len(parts[-1])
        self._count -= n
        return owned, join(parts)

    def release(self, keys: list[Hashable]) -> bool:
        """Give keys back; True when one that nobody owns now has more to deliver."""
        more = False
        for key in keys:
            holders = self._owned.pop(key, 1) - 1
            if holders > 0:
                self._owned[key] = holders
                continue
            backlog = self._backlog.get(key)
            if backlog:
                self.runnable.append(key)
                self.waiting += sum(len(part) for part in backlog)
                more = True
            else:
                self._backlog.pop(key, None)
        return more

    def held(self) -> list[Batch]:
        """Return what no lane owns, and keep it."""
        return [part.batch for backlog in self._backlog.values() for part in backlog]

    def in_order(self) -> list[Batch]:
        """Return what no lane owns in the order in which it came, whatever its keys."""
        parts = [part for backlog in self._backlog.values() for part in backlog]
        places = sorted((at, p, k) for p, part in enumerate(parts) for at, k in part.places())
        runs: list[tuple[int, int, int]] = []
        for _, p, k in places:
            if runs and runs[-1][0] == p and runs[-1][2] == k:
                runs[-1] = (p, runs[-1][1], k + 1)
            else:
                runs.append((p, k, k + 1))
        return [parts[p].batch[i:j] for p, i, j in runs]

    def surrender(self) -> list[Batch]:
        """Return what no lane owned, and forget it."""
        left = self.held()
        self._backlog.clear()
        self.runnable.clear()
        self._owned.clear()
        self.waiting = self._count = 0
        return left
