"""A graph that is played: what screens are tested against, without a process or a socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from textual.pilot import Pilot

from sinkgraph.api.client import Refused, Seen
from sinkgraph.api.messages import (
    Done,
    GenerationList,
    JournalEntry,
    LetterGroups,
    LetterList,
    LetterView,
    Problem,
    Replayed,
    TapEvent,
    TapGap,
)
from sinkgraph.api.models import GraphView, HistoryView, SnapshotView
from sinkgraph_tui.app import Top
from sinkgraph_tui.settings import Settings
from sinkgraph_tui.widgets.rows import Rows
from tests.tui.model.scenes import recording

__all__ = ["Clock", "Played", "opened", "refused", "shown", "visible"]


class Clock:
    """Is a clock that stands until it is moved; `wall` is what a recording's server had."""

    def __init__(self, wall: float = 0.0) -> None:
        self.now, self.began = 1_000.0, wall

    def __call__(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.began + self.now - 1_000.0


def refused(status: int, detail: str) -> Refused:
    """Return a refusal as the server sends it."""
    return Refused(Problem(type="about:blank", title="no", status=status, detail=detail))


class Played:
    """Plays a recording up to a second of it; notes what is asked of it in `asked`.

    `says` are answers by verb, each a value or an error to be raised.
    """

    def __init__(
        self,
        until_s: float = 1e9,
        *,
        recorded: tuple[GraphView, tuple[SnapshotView, ...], tuple[JournalEntry, ...]]
        | None = None,
        says: Mapping[str, Any] | None = None,
    ) -> None:
        self.address = "orders"
        self.graph_view, self.snapshots, self.entries = recorded or recording()
        self.began = self.snapshots[0].at
        self.says: dict[str, Any] = dict(says or {})
        self.asked: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
        self.taps: asyncio.Queue[TapEvent | TapGap | None] = asyncio.Queue()
        self._more: asyncio.Queue[Seen] = asyncio.Queue()
        self._facts: asyncio.Queue[JournalEntry] = asyncio.Queue()
        self.clock = Clock(self.began)
        self.play(until_s)

    def play(self, until_s: float) -> None:
        """Let everything up to a second of the recording be seen, and the clocks stand there."""
        played = self.clock.now - 1_000.0
        for one in self.snapshots:
            if played <= one.at - self.began <= until_s or (not played and one.at == self.began):
                self._more.put_nowait(Seen(one, True))
        for entry in self.entries:
            if played <= entry.at - self.began <= until_s:
                self._facts.put_nowait(entry)
        last = self.snapshots[-1].at - self.began
        self.clock.now = 1_000.0 + min(until_s, last)

    def see(self, seen: Seen) -> None:
        """Let this be seen next."""
        self._more.put_nowait(seen)

    def fact(self, entry: JournalEntry) -> None:
        """Let this be in the journal."""
        self._facts.put_nowait(entry)

    async def _answer(self, verb: str, *args: Any, **how: Any) -> Any:
        self.asked.append((verb, args, how))
        said = self.says.get(verb)
        if callable(said):
            said = said(*args, **how)
        if isinstance(said, BaseException):
            raise said
        if said is None:
            raise refused(404, f"nothing is said of {verb}")
        return said

    # the door

    async def watch(self) -> AsyncIterator[Seen]:
        while True:
            yield await self._more.get()

    async def journal(self, *, again: bool = True) -> AsyncIterator[JournalEntry]:
        while True:
            yield await self._facts.get()

    async def tap(
        self,
        node: str,
        *,
        where: str | None = None,
        rate: float | None = None,
        cap: int | None = None,
    ) -> AsyncIterator[TapEvent | TapGap]:
        self.asked.append(("tap", (node,), {"where": where, "rate": rate, "cap": cap}))
        said = self.says.get("tap")
        if isinstance(said, BaseException):
            raise said
        while (one := await self.taps.get()) is not None:
            yield one

    async def graph(self) -> GraphView:
        return self.graph_view

    async def history(
        self, *, since: float | None = None, nodes: Sequence[str] = ()
    ) -> HistoryView:
        return self.says.get("history") or HistoryView(step_s=1, at=[], nodes={}, left_out=0)

    async def letter_groups(self, **chosen: str | float | None) -> LetterGroups:
        return await self._answer("letter_groups", **chosen)  # type: ignore[no-any-return]

    async def letters(
        self, *, after: int = 0, limit: int = 100, **chosen: str | float | None
    ) -> LetterList:
        return await self._answer("letters", after=after, limit=limit, **chosen)  # type: ignore[no-any-return]

    async def letter(self, number: int) -> LetterView:
        return await self._answer("letter", number)  # type: ignore[no-any-return]

    async def act(
        self, verb: str, node: str, *, for_s: float | None = None, why: str | None = None
    ) -> Done:
        return await self._answer("act", verb, node, for_s=for_s, why=why)  # type: ignore[no-any-return]

    async def replay(self, **how: Any) -> Replayed:
        return await self._answer("replay", **how)  # type: ignore[no-any-return]

    async def purge(self, numbers: Sequence[int]) -> int:
        return await self._answer("purge", numbers)  # type: ignore[no-any-return]

    async def plan(self, document: str | None = None, **how: Any) -> dict[str, Any]:
        return await self._answer("plan", document, **how)  # type: ignore[no-any-return]

    async def apply(
        self, document: str | None = None, *, generation: int | None = None, **how: Any
    ) -> dict[str, Any]:
        return await self._answer("apply", document, generation=generation, **how)  # type: ignore[no-any-return]

    async def rollback(
        self,
        to: int | None = None,
        *,
        generation: int | None = None,
        fates: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        return await self._answer("rollback", to, generation=generation, fates=fates)  # type: ignore[no-any-return]

    async def generations(self) -> GenerationList:
        return await self._answer("generations")  # type: ignore[no-any-return]

    async def write(self, events: Sequence[Any], **how: Any) -> int:
        return await self._answer("write", events, **how)  # type: ignore[no-any-return]


@asynccontextmanager
async def opened(
    door: Played, size: tuple[int, int] = (120, 35), **chosen: Any
) -> AsyncIterator[tuple[Top, Pilot[None]]]:
    """Open the screens of a played graph, and wait until they show it."""
    app = Top(door, Settings(**chosen), clock=door.clock, wall=door.clock.wall)
    async with app.run_test(size=size) as pilot:
        await settled(app, pilot)
        yield app, pilot


async def settled(app: Top, pilot: Pilot[None]) -> None:
    """Wait until what was said is shown."""
    for _ in range(4):
        await pilot.pause()
    app.show_now()
    await pilot.pause()


def shown(app: Top) -> str:
    """Return all text on the present screen, widget by widget."""
    return "\n".join(text for rows in app.screen.query(Rows) for text in rows.texts)


def visible(app: Top) -> str:
    """Return the text that is on the screen: of widgets that are displayed."""
    held = [rows for rows in app.screen.query(Rows) if rows.is_on_screen and rows.size.height]
    return "\n".join(text for rows in held for text in rows.texts[: rows.size.height])
