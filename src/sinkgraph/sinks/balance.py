"""A sink that spreads events over several targets: each event goes to exactly one.

It does not try another target when one fails, except when a target is closed for good: whoever
writes again is balanced again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Sequence
from functools import partial
from hashlib import blake2b
from typing import Any, Literal, get_args

from sinkgraph.errors import Owed, PartialWrite, Rejected, SinkClosed
from sinkgraph.event import Batch, Event, as_batch, encode_json
from sinkgraph.sinks.base import Link, Node, Sink
from sinkgraph.sinks.edges import kept
from sinkgraph.sinks.keys import as_key
from sinkgraph.sinks.through import Branch, Passage, Passing

__all__ = ["Balance", "By", "jump_hash", "stable_hash"]

By = Literal["round_robin", "least_pending", "key"]


class Balance(Passing):
    """Writes each batch to one target, by turns or to the one with the least pending.

    With `by="key"` a batch is split by `key`, a callable or an expression, and events of one key
    go to the same target in every process (a jump hash of the key's JSON: when a target is added
    at the end, only the keys it takes over move). Events whose key cannot be had share one.
    """

    kind = "balance"
    settings = ("by", "_key_of")

    def __init__(
        self,
        targets: Sequence[Sink],
        by: By = "round_robin",
        key: Callable[[Event], Any] | str | None = None,
    ) -> None:
        super().__init__()
        if not targets:
            raise ValueError("a balance needs at least one target")
        if by not in get_args(By):
            raise ValueError(f"by must be one of {', '.join(get_args(By))}, not {by!r}")
        if (key is None) == (by == "key"):
            raise ValueError(f"key goes with by='key', not with by={by!r} and key={key!r}")
        self.targets = [Branch(target) for target in targets]
        self.by = by
        self._key_of = as_key(key) if key is not None else None
        self._turn = 0

    def become(self, fresh: Node) -> None:
        """Have the targets of `fresh`, in its order."""
        super().become(fresh)
        assert isinstance(fresh, Balance), "it becomes what is of its own kind"
        self.targets, _ = kept(self.targets, fresh.targets, lambda one: one.link)

    def links(self) -> Sequence[Link]:
        """Return the edges in order."""
        return [target.link for target in self.targets]

    async def write(self, events: Sequence[Event]) -> None:
        """Give each of `events` to one target, and count them."""
        self.refuse_if_closed()
        batch = as_batch(events)
        if len(batch):
            passage = Passage(self.ledger, len(batch), self.write)
            spread = self._spread if self._key_of is None else self._split
            await self.account_for(partial(spread, passage), batch, passage)

    async def _spread(self, passage: Passage, events: Sequence[Event]) -> None:
        """Write the batch to the next target that is not closed for good."""
        batch = as_batch(events)
        for target in self._in_turn():
            try:
                await target.write(batch)
                return
            except SinkClosed as error:
                closed = error
        raise closed

    def _in_turn(self) -> list[Branch]:
        """Return the targets in the order to try, and let the next write begin further on."""
        first = self._turn % len(self.targets)
        self._turn = first + 1
        turn = [*self.targets[first:], *self.targets[:first]]
        if self.by == "least_pending":
            turn.sort(key=lambda target: target.link.target.pending())
        return turn

    async def _split(self, passage: Passage, events: Sequence[Event]) -> None:
        """Write each key's events to its target, side by side."""
        batch = as_batch(events)
        split: dict[int, list[int]] = {}
        for k, event in enumerate(batch):
            split.setdefault(self.place(event), []).append(k)
        if len(split) == 1:
            await self.targets[next(iter(split))].write(batch)
            return
        parts = [(self.targets[place], batch.pick(at)) for place, at in sorted(split.items())]
        several = await asyncio.gather(*[_owed(target, part, passage) for target, part in parts])
        owed = [one for owed in several for one in owed]
        if owed:
            raise PartialWrite(owed)

    def place(self, event: Event) -> int:
        """Return the index of the target of this event's key."""
        if self._key_of is None:
            raise ValueError(f"{self.label} does not go by key")
        return jump_hash(stable_hash(self._key_of(event)), len(self.targets))

    def facts(self) -> dict[str, Any]:
        """Return each target's ledger by name."""
        return {
            "targets": {
                target.link.target.name: target.ledger.freeze(target.ledger.held)
                for target in self.targets
            }
        }


async def _owed(target: Branch, part: Batch, passage: Passage) -> list[Owed]:
    try:
        await target.write(part)
    except PartialWrite as error:
        return list(error.owed)
    except Exception as error:
        return [Owed(passage.again, part, error)]
    return []


def stable_hash(key: Hashable) -> int:
    """Return 64 bits of a key from `as_key`, the same in every process."""
    value = key[1] if isinstance(key, tuple) else key
    try:
        text = encode_json(value)
    except Rejected:
        text = repr(value).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big")


def jump_hash(key: int, places: int) -> int:
    """Return which of `places` a 64-bit key belongs to; of n + 1 places, 1/(n + 1) of keys move.

    J. Lamping, E. Veach, "A Fast, Minimal Memory, Consistent Hash Algorithm", 2014.
    """
    here, there = -1, 0
    while there < places:
        here = there
        key = (key * 2862933555777941757 + 1) & 0xFFFF_FFFF_FFFF_FFFF
        there = int((here + 1) * ((1 << 31) / ((key >> 33) + 1)))
    return here
