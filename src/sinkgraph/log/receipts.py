"""Tells, while a write is still under way, which of its events are still owed.

A queue on disk listens, so that what was delivered of a batch is noted as it happens and not
repeated after a crash. Nobody has to tell, and nobody relies on it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar

from sinkgraph.event import Batch

__all__ = ["Told", "among", "heard", "listen", "pass_on", "unheard"]

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
    known = part.page is batch.page or set(part.ids) <= set(batch.ids)
    _listening.set((part, told) if known else None)


def among(batch: Batch, owed: Sequence[Batch]) -> Batch:
    """Return what of a batch is owed, in its order: its events with an id of theirs."""
    ids = {own for one in owed for own in one.ids}
    left = [k for k, own in enumerate(batch.ids) if own in ids]
    return batch.pick(left) if len(left) < len(batch) else batch


def unheard() -> None:
    """Let nobody listen: the batch goes several ways, and each tells of itself only."""
    if _listening.get() is not None:
        _listening.set(None)
