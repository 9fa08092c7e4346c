"""What is remembered of the attempts at an event: when each failed and why, the first and the last.

It counts no attempts and makes none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["KEPT", "Tried", "and_one", "tried"]

KEPT = 10
"""Attempts that are kept from the first on, and as many up to the last."""

Tried = dict[str, Any]
"""Is one attempt as it stands in the meta of a dead letter: `attempt` (from 1), `at`, `error`."""


def tried(number: int, at: float, error: str) -> Tried:
    """Return an attempt by its number, the Unix time at which it failed, and what it said."""
    return {"attempt": number, "at": at, "error": error}


def and_one(history: Sequence[Tried], one: Tried) -> list[Tried]:
    """Return a history with one more attempt; what is left out shows by the numbers.

    The same attempt again takes the place of what was said of it before.
    """
    if history and history[-1]["attempt"] == one["attempt"]:
        history = history[:-1]
    made = [*history, one]
    return made if len(made) <= 2 * KEPT else [*made[:KEPT], *made[-KEPT:]]
