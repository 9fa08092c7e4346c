"""The journal: past-tense facts about a running graph, newest last, bounded.

It decides nothing and writes nowhere; whoever wants to print or send entries listens.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Entry", "Journal"]

_KEPT = 1000


@dataclass(frozen=True, slots=True)
class Entry:
    """Is one fact: what happened, when (Unix seconds), and to whom."""

    at: float
    kind: str
    facts: dict[str, Any] = field(default_factory=dict)


class Journal:
    """Keeps the last 1,000 entries and tells its listeners of each new one."""

    def __init__(self, wall: Callable[[], float]) -> None:
        self._wall = wall
        self._entries: deque[Entry] = deque(maxlen=_KEPT)
        self._listeners: list[Callable[[Entry], None]] = []

    @property
    def entries(self) -> list[Entry]:
        """The entries kept, oldest first."""
        return list(self._entries)

    def note(self, kind: str, /, **facts: Any) -> None:
        """Add a fact, named in the past tense (`breaker_opened`). A listener that fails is cut."""
        entry = Entry(self._wall(), kind, facts)
        self._entries.append(entry)
        for listener in list(self._listeners):
            try:
                listener(entry)
            except Exception:
                self._listeners.remove(listener)

    def listen(self, listener: Callable[[Entry], None]) -> None:
        """Call `listener` with every entry from now on."""
        self._listeners.append(listener)
