"""Moves dead letters to where a graph takes them up again: the log of a cursor `replay/NODE`.

A letter and its place there change in one commit, so it is never in both and never in none. Who
writes the events into the node is the runtime's business.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from sinkgraph.errors import SinkgraphError
from sinkgraph.event import Batch, Event
from sinkgraph.log.backlog import size_of
from sinkgraph.log.disk.dead import EVERY, DeadFilter, DeadLetter, count, letter, letters
from sinkgraph.log.disk.draft import Draft, Entry, Pledge
from sinkgraph.log.disk.letters import REPLAY, home, is_name, newest, revived, tell

if TYPE_CHECKING:
    from sinkgraph.log.disk.depot import Depot
    from sinkgraph.log.disk.shelf import Shelf
    from sinkgraph.log.disk.store import Store

__all__ = ["AT_ONCE", "Chosen", "Moved", "WrongReplay", "matching", "move", "rate_of"]

AT_ONCE = 1_000
"""Letters moved in one commit, at most."""

_BYTES = 8 * 1024**2  # of payload in one commit; one letter may be larger
_ROW_EVENTS = 500
_ROW_BYTES = 1024**2

Chosen = DeadFilter | Sequence[int]
"""Which letters: those a filter chooses, or those with these numbers."""


@dataclass(slots=True)
class Moved:
    """Is what a replay has moved so far: `events` by node, and what was left and why, by number."""

    events: dict[str, int] = field(default_factory=dict)
    left: dict[int, str] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """How many letters were moved."""
        return sum(self.events.values())


class WrongReplay(SinkgraphError, ValueError):
    """Say that a replay would move another number of letters than expected: none was moved."""

    def __init__(self, expected: int, found: int) -> None:
        self.expected = expected
        self.found = found
        super().__init__(f"{found} dead letters match, not {expected}: nothing was replayed")


def matching(store: Store, chosen: Chosen) -> int:
    """Return how many letters there are to replay."""
    if isinstance(chosen, DeadFilter):
        return count(store, chosen)
    return sum(letter(store, number) is not None for number in dict.fromkeys(chosen))


async def move(
    depot: Depot,
    chosen: Chosen = EVERY,
    *,
    to: str | None = None,
    rate: float | None = None,
    expect: int | None = None,
    at_once: int = AT_ONCE,
    known: Collection[str] | None = None,
    moved: Callable[[str, int], None] | None = None,
    progress: Callable[[Moved], None] | None = None,
) -> Moved:
    """Move letters into the log of the node where each died, or of `to`; return what became.

    `rate`: at most so many events a second are then written into each of these nodes. `expect`:
    WrongReplay unless they are as many. Several commits follow one another where there are more
    than `at_once`; each holds by itself, and what came after the call began is left alone. `known`:
    the nodes there are, where that is known; letters of others are left. `moved(node, n)` is called
    in the tick in which n events are on disk, `progress` after each commit. Raises StoreFull and
    StoreFailed as any write; what was moved by then stays moved.
    """
    async with depot.vault.turn:  # nobody else takes letters out meanwhile
        if expect is not None:
            n = await depot.ask(lambda store: matching(store, chosen))
            if n != expect:
                raise WrongReplay(expect, n)
        made = Moved()
        pages = _Pages(chosen, at_once)
        while page := await depot.ask(pages.next):
            out = _sorted_out(page, to, known, made)
            if out.letters:
                await _commit(depot, out, rate, made, moved)
            if progress is not None:
                progress(made)
        return made


class _Pages:
    """Reads what is chosen in order, as much at a time as goes into one commit.

    What comes after the first one was read is left alone.
    """

    def __init__(self, chosen: Chosen, at_once: int) -> None:
        self._chosen = chosen
        self._at_once = at_once
        self._after = 0
        self._last: int | None = None
        self._todo = None if isinstance(chosen, DeadFilter) else sorted(set(chosen))

    def next(self, store: Store) -> list[DeadLetter]:
        """Return the next letters with their bodies; [] at the end."""
        page = self._named(store) if self._todo is not None else self._filtered(store)
        if page:
            self._after = page[-1].number
        return page

    def _filtered(self, store: Store) -> list[DeadLetter]:
        chosen, after = self._chosen, self._after
        assert isinstance(chosen, DeadFilter), "numbers are given, or a filter is"
        if self._last is None:
            self._last = newest(store, chosen) or 0
        heads = letters(store, chosen, after=after, limit=self._at_once, bodies=False)
        fit = _fitting([one.size for one in heads if one.number <= self._last])
        return letters(store, chosen, after=after, limit=fit) if fit else []

    def _named(self, store: Store) -> list[DeadLetter]:
        page: list[DeadLetter] = []
        held = 0
        for number in self._todo or ():
            one = letter(store, number) if number > self._after else None
            if one is None:
                continue
            page.append(one)
            held += one.size
            if len(page) >= self._at_once or held > _BYTES:
                break
        return page


def _fitting(sizes: Sequence[int]) -> int:
    """Return how many of the first ones go into one commit; at least one where there is one."""
    held = 0
    for k, size in enumerate(sizes):
        held += size
        if held > _BYTES:
            return max(1, k)
    return len(sizes)


@dataclass(slots=True)
class _Out:
    """Is what is moved in one commit: letters, and the events made of them by node."""

    letters: list[DeadLetter] = field(default_factory=list)
    events: dict[str, list[Event]] = field(default_factory=dict)


def _sorted_out(
    page: Sequence[DeadLetter], to: str | None, known: Collection[str] | None, made: Moved
) -> _Out:
    """Return what can be moved of a page; note of the rest why it is left."""
    out = _Out()
    for one in page:
        node = to if to is not None else home(one.node)
        told = tell(one)
        if told is None:
            why = "it is damaged"
        elif told.unstorable:
            why = f"its payload could not be stored as it was ({told.unstorable})"
        elif to is None and (not is_name(node) or node == one.sink):
            why = "it does not say where it died: name a node"
        elif known is not None and node not in known:
            why = f"it died at {node}, which is not in this graph: name a node"
        else:
            out.events.setdefault(node, []).append(revived(told))
            out.letters.append(one)
            continue
        made.left[one.number] = why
    return out


async def _commit(
    depot: Depot,
    out: _Out,
    rate: float | None,
    made: Moved,
    moved: Callable[[str, int], None] | None,
) -> None:
    """Move letters in one commit: each is an event to be replayed from then on, and no letter."""
    events = out.events
    shelves = {node: depot.claim(REPLAY + node) for node in events}
    drafts = [draft for node, shelf in shelves.items() for draft in _drafts(shelf, events[node])]

    def apply() -> None:
        depot.vault.removed(out.letters, "replayed")
        for draft in drafts:
            (shelf,) = draft.takers
            shelf.took(draft.stored(), draft.size, cold=True)
        for node, several in events.items():
            made.events[node] = made.events.get(node, 0) + len(several)
            if moved is not None:
                moved(node, len(several))

    numbers = [one.number for one in out.letters]
    pledge = Pledge(loop=depot.loop)
    for node in events:
        _keep_rate(depot, node, rate)
    depot.add(Entry(drafts, (), apply, _nothing, pledge, forget_dead=numbers))
    await pledge


def _drafts(shelf: Shelf, events: Sequence[Event]) -> list[Draft]:
    """Return what is stored of one node's events, in rows of a size that is read at once."""
    drafts: list[Draft] = []
    row: list[Event] = []
    held = 0

    def end() -> None:
        nonlocal row, held
        batch = Batch.of(row)
        drafts.append(Draft(f"queue {shelf.name}", batch, len(row), size_of(batch), {shelf: None}))
        row, held = [], 0

    for event in events:
        size = size_of(Batch.of([event]))
        if row and (len(row) >= _ROW_EVENTS or held + size > _ROW_BYTES):
            end()
        row.append(event)
        held += size
    end()
    return drafts


def _keep_rate(depot: Depot, node: str, rate: float | None) -> None:
    """Have the rate of a node's replay written, with the events it is for."""
    value = msgspec.json.encode({"rate": rate})
    if (depot.get("replay", node) or msgspec.json.encode({"rate": None})) != value:
        depot.put("replay", node, value)


def rate_of(value: bytes | None) -> float | None:
    """Return the rate a record tells, in events a second; None where there is no limit."""
    if value is None:
        return None
    try:
        told = msgspec.json.decode(value, type=dict[str, float | None])
    except msgspec.DecodeError:
        return None
    rate = told.get("rate")
    return rate if rate is not None and rate > 0 else None


def _nothing() -> None:
    return None
