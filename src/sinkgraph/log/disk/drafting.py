"""From a plan to what is stored of it: each event once, however many queues take it.

What was picked from the written batch is found again by the places its events were given; what
was made anew on the way down is stored by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sinkgraph.event import Batch
from sinkgraph.log.backlog import size_of
from sinkgraph.log.disk.draft import Draft
from sinkgraph.log.disk.places import picked

if TYPE_CHECKING:
    from sinkgraph.log.admission import Plan, Stored
    from sinkgraph.log.disk.shelf import Shelf

__all__ = ["Share", "share_out"]


class Share:
    """Is what one queue takes of a draft; `batch()` has its places once it was stored."""

    __slots__ = ("draft", "indices", "own")

    def __init__(self, draft: Draft, own: Batch, indices: Sequence[int] | None) -> None:
        self.draft = draft
        self.own = own
        self.indices = indices

    def batch(self) -> Batch:
        """Return the queue's events with their places on disk."""
        if self.indices is None:
            return self.draft.stored()
        return picked(self.own, list(self.indices), self.draft.first)


def share_out(plan: Plan) -> tuple[list[Draft], dict[int, Share]]:
    """Return what is to be stored for a plan, and each stored part's share by its number in it."""
    drafts: list[Draft] = []
    shares: dict[int, Share] = {}
    root = plan.root
    from_root: list[tuple[int, Stored, Sequence[int]]] = []
    alone: dict[tuple[int, int, int], Draft] = {}
    seen: set[Shelf] = set()
    for k, one in enumerate(plan.stored):
        shelf = one.store.shelf
        if shelf is None or not shelf.takes:
            continue
        batch = one.batch
        indices = _indices(root, batch) if root is not None and shelf not in seen else None
        seen.add(shelf)
        if indices is not None:
            from_root.append((k, one, indices))
            continue
        key = (id(batch.page), batch.i, batch.j)
        draft = alone.get(key)
        if draft is None or shelf in draft.takers:
            draft = alone[key] = Draft(f"queue {shelf.name}", batch, len(batch), size_of(batch))
            drafts.append(draft)
        draft.takers[shelf] = None
        shares[k] = Share(draft, batch, None)
    if from_root and root is not None:
        drafts.insert(0, _root_draft(plan.origin, root, from_root, shares))
    return drafts, shares


def _root_draft(
    origin: str,
    root: Batch,
    parts: list[tuple[int, Stored, Sequence[int]]],
    shares: dict[int, Share],
) -> Draft:
    n = len(root)
    where: dict[int, int] | None = None
    batch = root
    if all(len(indices) < n for _, _, indices in parts):
        union = sorted({index for _, _, indices in parts for index in indices})
        if len(union) < n:
            where = {index: k for k, index in enumerate(union)}
            batch = root.pick(union)
            n = len(union)
    draft = Draft(f"entrance {origin}", batch, n, size_of(batch))
    for k, one, indices in parts:
        shelf = one.store.shelf
        assert shelf is not None, "only what has a shelf is stored"
        if where is not None:
            indices = [where[index] for index in indices]
        if len(indices) == n:
            draft.takers[shelf] = None
            shares[k] = Share(draft, batch, None)
        else:
            draft.takers[shelf] = _ranges(indices)
            shares[k] = Share(draft, one.batch, indices)
    return draft


def _indices(root: Batch, batch: Batch) -> Sequence[int] | None:
    """Return which events of `root` a batch holds, or None when it was not picked from it."""
    if batch is root:
        return range(len(root))
    if batch.page is root.page:
        return range(batch.i - root.i, batch.j - root.i)
    places, known = batch.places, root.places
    if places is None or known is None:
        return None
    if isinstance(known, range):
        first, n = known.start, len(known)
        found = [place - first for place in places]
        return found if all(0 <= index < n for index in found) else None
    where = {place: k for k, place in enumerate(known)}
    try:
        return [where[place] for place in places]
    except KeyError:
        return None


def _ranges(indices: Sequence[int]) -> list[list[int]]:
    if isinstance(indices, range):
        return [[indices.start, indices.stop]]
    found: list[list[int]] = []
    for index in indices:
        if found and found[-1][1] == index:
            found[-1][1] = index + 1
        else:
            found.append([index, index + 1])
    return found
