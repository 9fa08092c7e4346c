"""Tells, while a write is still under way, which of its events are still owed.

A queue on disk listens, so that what was delivered of a batch is noted as it happens and not
repeated after a crash. Nobody has to tell, and nobody relies on it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar

from sinkgraph.event import Batch

__all__ = ["Told", "among", "branches", "fork", "heard", "listen", "pass_on", "unheard"]

Told = Callable[[Sequence[Batch]], None]
"""Is told what is still owed, by events; all others of the batch have come to their end."""

_listening: ContextVar[tuple[Batch, Told] | None] = ContextVar("listening", default=None)


def listen(batch: Batch, told: Told) -> None:
    """Listen to the write of this very batch, which the caller makes next, in this task."""
    _listening.set((batch, told))


def heard(batch: Batch) -> Told | None:
    """Return who listens to the write of this very batch; None when nobody does.

    What is cut, picked or joined from it is another batch: what became of that says too little.
    """
    now = _listening.get()
    return now[1] if now is not None and now[0] is batch else None


def pass_on(batch: Batch, part: Batch) -> None:
    """Let the write of `part` be heard instead: the rest of `batch` has come to its end.

    Events are told by their ids; where those are not the batch's, nobody listens.
    """
    if part is batch or (told := heard(batch)) is None:
        return
    _listening.set((part, told) if _known(batch, [part]) else None)


def fork(batch: Batch, parts: Sequence[Batch]) -> list[Told] | None:
    """Return who is told by each of the writes that a batch becomes; None when nobody listens.

    An event is owed as long as one of them owes it.
    """
    told = heard(batch)
    unheard()
    if told is None or not _known(batch, parts):
        return None
    return branches(told, [[part] for part in parts])


def branches(told: Told, owed: Sequence[Sequence[Batch]]) -> list[Told]:
    """Return who is told by each of several writes that owe so much; `told` gets the sum."""
    left = [list(one) for one in owed]

    def branch(k: int) -> Told:
        def hear(still: Sequence[Batch]) -> None:
            left[k] = list(still)
            told([batch for one in left for batch in one])

        return hear

    return [branch(k) for k in range(len(left))]


def _known(batch: Batch, parts: Sequence[Batch]) -> bool:
    """Whether all events of the parts have ids of the batch: it is told of by them."""
    ids: set[str] | None = None
    for part in parts:
        if part.page is not batch.page:
            ids = set(batch.ids) if ids is None else ids
            if not ids.issuperset(part.ids):
                return False
    return True


def among(batch: Batch, owed: Sequence[Batch]) -> Batch:
    """Return what of a batch is owed, in its order: its events with an id of theirs."""
    ids = {own for one in owed for own in one.ids}
    left = [k for k, own in enumerate(batch.ids) if own in ids]
    return batch.pick(left) if len(left) < len(batch) else batch


def unheard() -> None:
    """Let nobody listen: the batch goes several ways, and each tells of itself only."""
    if _listening.get() is not None:
        _listening.set(None)
