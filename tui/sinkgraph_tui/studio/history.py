"""Undo and redo of patches, each change under a name such as "add queue `hold`".

It holds no text but what changes take away; a limit drops the oldest changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sinkgraph_tui.studio.patches import Patch, applied, inverse

__all__ = ["Change", "History", "made", "redone", "undone"]

_MAX_CHANGES = 1000


@dataclass(frozen=True, slots=True)
class Change:
    """Is a named change: `forward` counts in the text before it, `back` in the text after."""

    name: str
    forward: tuple[Patch, ...]
    back: tuple[Patch, ...]


@dataclass(frozen=True, slots=True)
class History:
    """Holds the text now, what can be undone (latest last) and redone (next last)."""

    text: str
    past: tuple[Change, ...] = ()
    future: tuple[Change, ...] = ()

    @property
    def undo_name(self) -> str | None:
        """The name of what `undone` takes back, or None."""
        return self.past[-1].name if self.past else None

    @property
    def redo_name(self) -> str | None:
        """The name of what `redone` makes again, or None."""
        return self.future[-1].name if self.future else None


def made(history: History, name: str, patches: Sequence[Patch]) -> History:
    """Return the history with a change made; what could be redone is gone.

    Raises ValueError for patches that do not fit the text. A change of nothing is not noted.
    """
    text = applied(history.text, patches)
    if text == history.text:
        return history
    change = Change(name, tuple(patches), inverse(history.text, patches))
    return History(text, (*history.past, change)[-_MAX_CHANGES:])


def undone(history: History) -> History:
    """Return the history with the latest change taken back; itself when there is none."""
    if not history.past:
        return history
    *past, last = history.past
    return History(applied(history.text, last.back), tuple(past), (*history.future, last))


def redone(history: History) -> History:
    """Return the history with the change last taken back made again; itself when there is none."""
    if not history.future:
        return history
    *future, last = history.future
    return History(applied(history.text, last.forward), (*history.past, last), tuple(future))
