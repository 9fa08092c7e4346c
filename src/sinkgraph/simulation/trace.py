"""What happened in a simulated run, in order and by virtual time, with a hash to compare runs by.

The same seed gives the same trace in every process, whatever its hash seed. It holds plain values
only: nothing whose text depends on an address or on the order of a set.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

__all__ = ["Step", "Trace"]


@dataclass(frozen=True, slots=True)
class Step:
    """Is one thing that happened: when (virtual seconds), what, and its facts as JSON text."""

    at: float
    what: str
    facts: str

    def __str__(self) -> str:
        return f"{self.at:.6f} {self.what} {self.facts}"


class Trace:
    """Keeps every step; `now` tells virtual time."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._hash = hashlib.sha256()
        self.steps: list[Step] = []

    def note(self, what: str, /, **facts: Any) -> None:
        """Add a step. Raises TypeError for a fact that is no JSON value: it might not repeat."""
        text = json.dumps(facts, sort_keys=True, ensure_ascii=True, default=_refuse)
        step = Step(self._now(), what, text)
        self._hash.update(f"{step.at!r} {what} {text}\n".encode())
        self.steps.append(step)

    @property
    def digest(self) -> str:
        """The hash of all steps so far."""
        return self._hash.hexdigest()

    def of(self, what: str) -> Iterator[dict[str, Any]]:
        """Yield the facts of every step of one sort, with `at` added."""
        for step in self.steps:
            if step.what == what:
                yield {"at": step.at, **json.loads(step.facts)}

    def difference(self, other: Trace) -> tuple[Step | None, Step | None] | None:
        """Return the first pair of steps in which two traces differ, or None."""
        for ours, theirs in zip(self.steps, other.steps, strict=False):
            if ours != theirs:
                return ours, theirs
        shared = min(len(self.steps), len(other.steps))
        if len(self.steps) == len(other.steps):
            return None
        more = [*self.steps[shared : shared + 1], *other.steps[shared : shared + 1]][0]
        return (more, None) if len(self.steps) > shared else (None, more)

    def last(self, n: int = 20) -> str:
        """Return the last n steps as text, one a line."""
        return "\n".join(str(step) for step in self.steps[-n:])


def _refuse(value: object) -> NoReturn:
    raise TypeError(f"a trace holds JSON values, not {type(value).__name__}")
