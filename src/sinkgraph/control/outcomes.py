"""What a caller of the supervisor is answered: what became of a reload, or why it has no answer.

It decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sinkgraph.errors import SinkgraphError
from sinkgraph.runtime.outcome import Applied, Refused

if TYPE_CHECKING:
    from sinkgraph.diagnostics.diagnostic import Diagnostic

__all__ = ["Busy", "Conflict", "NoGeneration", "NoOrigin", "Outcome", "Superseded", "silently"]


class Conflict(SinkgraphError):
    """Say that a change was meant for a generation that does not run any more."""

    def __init__(self, runs: int, meant: int) -> None:
        super().__init__(f"generation {runs} runs, not {meant}")
        self.runs = runs


class NoGeneration(SinkgraphError):
    """Say that a generation's document is not kept, and which are."""


class NoOrigin(SinkgraphError):
    """Say that there is no file to read again."""


class Busy(SinkgraphError):
    """Say that too many wait for their turn."""


@dataclass(frozen=True, slots=True)
class Superseded:
    """Says that another asked after this caller, and before its turn.

    `same`: for the same document, so that what became of that is true of this one too.
    """

    origin: str
    by: str
    same: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """Is what became of one request; true when what was asked for runs.

    `found`: the findings of the document, warnings too. `superseded`: whose request was carried
    out instead, in which case all the rest tells of that one.
    """

    result: Applied | Refused
    found: tuple[Diagnostic, ...] = ()
    superseded: Superseded | None = None

    def __bool__(self) -> bool:
        return bool(self.result) and (self.superseded is None or self.superseded.same)

    @property
    def findings(self) -> tuple[Diagnostic, ...]:
        """All that is to be said of the document."""
        return self.found or (self.result.diagnostics if isinstance(self.result, Refused) else ())

    @property
    def refusal(self) -> Refused | None:
        """Why it does not run, if it does not."""
        return self.result if isinstance(self.result, Refused) else None

    @property
    def reasons(self) -> tuple[str, ...]:
        """What else stands against it."""
        return self.result.reasons if isinstance(self.result, Refused) else ()

    def told(self, *, color: bool = False) -> str:
        """Return its findings as `check` shows them, then the other reasons; "" for none."""
        from sinkgraph.diagnostics.report import render_human

        parts = [render_human(self.findings, color=color)] if self.findings else []
        parts += [f"error: {reason}" for reason in self.reasons]
        return "\n".join(parts)

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        from sinkgraph.diagnostics.report import to_objects

        held = self.superseded
        return {
            **self.result.as_dict(),
            "applied": bool(self),
            "diagnostics": to_objects(self.findings),
            "told": self.told(),
            "superseded": None
            if held is None
            else {"origin": held.origin, "by": held.by, "same": held.same},
        }


@contextmanager
def silently() -> Iterator[None]:
    """Do around a reload what is done where nobody asked to be told of it: nothing."""
    yield
