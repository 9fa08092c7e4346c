"""How the dlq commands put dead letters into words and into JSON.

It prints nothing and reads no store.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sinkgraph.log.disk.dead import DeadGroup, DeadLetter
    from sinkgraph.log.disk.letters import Told

__all__ = ["DAMAGED", "group_object", "last_error", "letter_object", "letters_words", "when"]

DAMAGED = "(damaged: it cannot be read)"


def letters_words(count: int) -> str:
    """Return `1 dead letter`, `2,000 dead letters`."""
    return f"{count:,} dead letter{'' if count == 1 else 's'}"


def when(seconds: float) -> str:
    """Return a Unix time as RFC 3339, or as a number where no calendar holds it."""
    from sinkgraph.formats.times import write_rfc3339

    return write_rfc3339(seconds) or repr(seconds)


def last_error(told: Told | None) -> str:
    """Return why a letter died last, in its own words."""
    if told is None:
        return DAMAGED
    return told.errors[-1] if told.errors else ""


def group_object(group: DeadGroup, example: DeadLetter | None, told: Told | None) -> dict[str, Any]:
    """Return a group as plain values; `example` is its newest letter."""
    made: dict[str, Any] = {
        "node": group.node,
        "reason": group.reason,
        "sink": group.sink,
        "count": group.count,
        "bytes": group.size,
        "first": when(group.first),
        "last": when(group.last),
        "example": None,
    }
    if example is not None:
        error = told.errors[-1] if told is not None and told.errors else None
        made["example"] = {
            "number": example.number,
            "id": example.id,
            "error": error,
            "damaged": told is None,
        }
    return made


def letter_object(letter: DeadLetter, told: Told | None) -> dict[str, Any]:
    """Return a letter as plain values, but for its event."""
    made: dict[str, Any] = {
        "number": letter.number,
        "id": letter.id,
        "type": letter.type,
        "node": letter.node,
        "reason": letter.reason,
        "sink": letter.sink,
        "bytes": letter.size,
        "first_failed": when(letter.first),
        "last_failed": when(letter.at),
        "damaged": told is None,
    }
    if told is not None:
        made |= {
            "path": list(told.path),
            "attempts": told.attempts,
            "errors": list(told.errors),
            "history": [
                {
                    "attempt": one.number,
                    "at": None if one.at is None else when(one.at),
                    "error": one.error,
                }
                for one in told.history
            ],
            "left_out": told.left_out,
            "replayed": told.replayed,
            "graph": told.graph or None,
        }
    return made
