"""The records of a store: small values by kind and name, each with the number of its row.

What is put is kept here until a commit takes it along; a commit that failed gives it back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sinkgraph.log.disk.store import Store

__all__ = ["Changes", "Notes"]

Changes = dict[tuple[str, str], bytes]
"""Values to write, by kind and name."""


class Notes:
    """Holds the last value of every record, and which are not on disk yet."""

    def __init__(self, store: Store) -> None:
        self.changed: Changes = {}
        self._values = {key: value for key, (_, value) in store.records.items()}
        self._numbers = {key: number for key, (number, _) in store.records.items()}
        self._next = store.next_record_id

    def get(self, kind: str, name: str) -> bytes | None:
        """Return what was put under this kind and name last, or None."""
        return self._values.get((kind, name))

    def put(self, kind: str, name: str, value: bytes) -> None:
        """Keep a value for the next commit."""
        self._values[(kind, name)] = value
        self.changed[(kind, name)] = value

    def take(self) -> Changes:
        """Return what changed since the last call."""
        changed, self.changed = self.changed, {}
        return changed

    def give_back(self, changes: Changes) -> None:
        """Take back what could not be written; what was put since is newer."""
        self.changed = {**changes, **self.changed}

    def number(self, kind: str, name: str) -> int:
        """Return the number of a record's row, a new one where it has none."""
        number = self._numbers.get((kind, name))
        if number is None:
            number = self._numbers[(kind, name)] = self._next()
        return number

    def rename(self, kind: str, old: str, new: str) -> None:
        """Let a record go on under another name; one of that name gets the old one."""
        numbers = self._numbers
        number, other = numbers.pop((kind, old)), numbers.pop((kind, new), None)
        numbers[(kind, new)] = number
        if other is not None:
            numbers[(kind, old)] = other
