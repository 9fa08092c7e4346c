"""What the terminal interface asks of a graph: the verbs of the client, and nothing else.

`sinkgraph.api.client.Client` is one; tests play recordings through another.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Protocol

from sinkgraph.api.client import Seen
from sinkgraph.api.messages import (
    Done,
    GenerationList,
    JournalEntry,
    LetterGroups,
    LetterList,
    LetterView,
    Replayed,
    TapEvent,
    TapGap,
)
from sinkgraph.api.models import GraphView, HistoryView

__all__ = ["Door"]


class Door(Protocol):
    """Is what a screen can ask for; each may raise Unreachable or Refused, as the client does."""

    @property
    def address(self) -> object:
        """Where it leads to; `str()` of it is shown."""

    def watch(self) -> AsyncIterator[Seen]:
        """Yield what is known of the graph, for ever."""

    def journal(self, *, again: bool = True) -> AsyncIterator[JournalEntry]:
        """Yield facts: the newest hundred, then what comes."""

    def tap(
        self,
        node: str,
        *,
        where: str | None = None,
        rate: float | None = None,
        cap: int | None = None,
    ) -> AsyncIterator[TapEvent | TapGap]:
        """Yield a sample of what passes a node."""

    async def graph(self) -> GraphView:
        """Return the graph that runs."""

    async def history(
        self, *, since: float | None = None, nodes: Sequence[str] = ()
    ) -> HistoryView:
        """Return up to ten minutes."""

    async def letter_groups(self, **chosen: str | float | None) -> LetterGroups:
        """Return dead letters by node and reason."""

    async def letters(
        self, *, after: int = 0, limit: int = 100, **chosen: str | float | None
    ) -> LetterList:
        """Return a page of dead letters."""

    async def letter(self, number: int) -> LetterView:
        """Return one dead letter with its event."""

    async def act(
        self, verb: str, node: str, *, for_s: float | None = None, why: str | None = None
    ) -> Done:
        """Carry out pause, resume, drain, trip, reset or probe."""

    async def replay(self, **how: Any) -> Replayed:
        """Have dead letters written again."""

    async def purge(self, numbers: Sequence[int]) -> int:
        """Delete dead letters by number."""

    async def plan(self, document: str | None = None, **how: Any) -> dict[str, Any]:
        """Return what a document would change."""

    async def apply(
        self, document: str | None = None, *, generation: int | None = None, **how: Any
    ) -> dict[str, Any]:
        """Run a document from now on."""

    async def rollback(
        self,
        to: int | None = None,
        *,
        generation: int | None = None,
        fates: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Run an earlier document again."""

    async def generations(self) -> GenerationList:
        """Return the documents that are kept."""

    async def write(self, events: Sequence[Any], **how: Any) -> int:
        """Write payloads."""
