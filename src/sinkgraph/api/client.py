"""Speaks to a running graph: typed, async, and back by itself when the connection was lost.

It is the terminal interface's only door. It decides nothing about what it is told, and starts
nothing.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ValidationError

from sinkgraph.api.addresses import Address, Unreachable
from sinkgraph.api.folding import Folded
from sinkgraph.api.messages import (
    Done,
    GenerationList,
    JournalEntry,
    JournalList,
    LetterGroups,
    LetterList,
    LetterView,
    Problem,
    Purged,
    Replayed,
    TapEvent,
    TapGap,
    Written,
)
from sinkgraph.api.models import GraphView, Health, HistoryView, SnapshotView
from sinkgraph.api.sse import messages_of
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.errors import SinkgraphError

if TYPE_CHECKING:
    import aiohttp

__all__ = ["Client", "Refused", "Seen"]

_Model = TypeVar("_Model", bound=BaseModel)
_FIRST_S, _LONGEST_S = 0.25, 10.0  # between two attempts to connect
_SILENT_S = 25.0  # after which a stream is given up; the server says something every 10


class Refused(SinkgraphError):
    """Say that the graph refused a request; `problem` is why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Seen:
    """Is what is known of a graph: the newest snapshot, and whether it is still told of.

    While it is not, `error` says why, and the snapshot is as it was.
    """

    snapshot: SnapshotView | None
    live: bool
    error: str | None = None


class Client:
    """Speaks to the graph at an address while the block is entered; `token` for an address of TCP.

    Methods raise Unreachable when nobody answers, Refused when the graph does not want to.
    """

    def __init__(
        self, address: Address, *, token: str | None = None, timeout_s: float = 10.0
    ) -> None:
        self.address = address
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._timeout_s = timeout_s
        self._base = address.url or "http://sinkgraph"
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Client:
        import aiohttp

        socket = self.address.socket
        connector = aiohttp.UnixConnector(socket) if socket is not None else None
        self._session = aiohttp.ClientSession(connector=connector, headers=self._headers)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    # looking

    async def health(self) -> Health:
        """Return whether it is ready, and the status of every node."""
        return await self._get("/readyz", Health, also=503)

    async def graph(self) -> GraphView:
        """Return the graph that runs."""
        return await self._get("/v1/graph", GraphView)

    async def snapshot(self) -> SnapshotView:
        """Return every node as of the last look."""
        return await self._get("/v1/snapshot", SnapshotView)

    async def history(
        self, *, since: float | None = None, nodes: Sequence[str] = ()
    ) -> HistoryView:
        """Return up to ten minutes, after Unix time `since`."""
        query = [("node", name) for name in nodes]
        query += [("since", repr(since))] if since is not None else []
        return await self._get("/v1/history", HistoryView, query=query)

    async def events(self, *, limit: int = 100, nodes: Sequence[str] = ()) -> JournalList:
        """Return the newest entries of the journal."""
        query = [("limit", str(limit)), *(("node", name) for name in nodes)]
        return await self._get("/v1/events", JournalList, query=query)

    async def letter_groups(self, **chosen: str | float | None) -> LetterGroups:
        """Return dead letters by node and reason; choose as in ReplayRequest, but for numbers."""
        return await self._get("/v1/dead-letters", LetterGroups, query=_given(chosen))

    async def letters(
        self, *, after: int = 0, limit: int = 100, **chosen: str | float | None
    ) -> LetterList:
        """Return a page of dead letters, behind the number `after`."""
        query = [("after", str(after)), ("limit", str(limit)), *_given(chosen)]
        return await self._get("/v1/dead-letters/list", LetterList, query=query)

    async def letter(self, number: int) -> LetterView:
        """Return one dead letter with its event."""
        return await self._get(f"/v1/dead-letters/{number}", LetterView)

    # acting

    async def write(self, events: Sequence[Any], **how: Any) -> int:
        """Write payloads; `to`, `type`, `source`, `timeout_s` as in WriteRequest."""
        body = {"events": list(events), **how}
        return (await self._post("/v1/write", Written, body)).accepted

    async def act(
        self, verb: str, node: str, *, for_s: float | None = None, why: str | None = None
    ) -> Done:
        """Carry out pause, resume, drain, trip, reset or probe."""
        group = "breakers" if verb in ("trip", "reset", "probe") else "nodes"
        body = {"for_s": for_s, "why": why}
        return await self._post(f"/v1/{group}/{_part(node)}/{verb}", Done, body)

    async def replay(self, **how: Any) -> Replayed:
        """Have dead letters written again; fields as in ReplayRequest."""
        return await self._post("/v1/dead-letters/replay", Replayed, how)

    async def purge(self, numbers: Sequence[int]) -> int:
        """Delete dead letters by number; all of them, or none."""
        body = {"numbers": list(numbers), "expect": len(set(numbers))}
        return (await self._post("/v1/dead-letters/purge", Purged, body)).purged

    async def plan(self, document: str | None = None, **how: Any) -> dict[str, Any]:
        """Return what a document would change; without one, the file of the run.

        `syntax`, `path`, `name`, `fates` and `origin` as in PlanRequest. Raises Refused with the
        findings of what is no graph.
        """
        return await self._reload("plan", {"document": document, **how}, None)

    async def apply(
        self, document: str | None = None, *, generation: int | None = None, **how: Any
    ) -> dict[str, Any]:
        """Run a document from now on, if `generation` is still the one that runs.

        Without a document, what the file of the run says; the rest as for `plan`.
        """
        return await self._reload("apply", {"document": document, **how}, generation)

    async def rollback(
        self,
        to: int | None = None,
        *,
        generation: int | None = None,
        fates: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Run the document of generation `to` again, without one the one before what runs.

        Only if `generation` is still the one that runs, where it is given.
        """
        return await self._reload(
            "rollback", {"generation": to, "fates": dict(fates or {})}, generation
        )

    async def generations(self) -> GenerationList:
        """Return the documents that are kept."""
        return await self._get("/v1/generations", GenerationList)

    async def _reload(
        self, verb: str, body: Mapping[str, Any], generation: int | None
    ) -> dict[str, Any]:
        given = {key: value for key, value in body.items() if value is not None}
        told: dict[str, Any] = await self._json(
            "POST", f"/v1/{verb}", body=given, match=generation, slow=True
        )
        return told

    # following

    async def watch(self) -> AsyncIterator[Seen]:
        """Yield what is known of the graph, twice a second, for ever.

        While it cannot be reached that is said once, and tried again at growing intervals. Raises
        Refused when it may not be watched.
        """
        folded = Folded()
        wait_s = _FIRST_S
        while True:
            try:
                async for message in self._messages("/v1/stream", folded.last_id):
                    wait_s = _FIRST_S
                    if folded.take(message) and folded.snapshot is not None:
                        yield Seen(folded.snapshot, True)
                error = "it ended the stream"
            except Unreachable as lost:
                error = str(lost)
            yield Seen(folded.snapshot, False, error)
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_S)

    async def journal(self, *, again: bool = True) -> AsyncIterator[JournalEntry]:
        """Yield entries of the journal: the newest hundred, then what comes.

        With `again` it comes back after a lost connection, else it raises Unreachable.
        """
        last_id: str | None = None
        wait_s = _FIRST_S
        while True:
            try:
                async for message in self._messages("/v1/events", last_id):
                    wait_s = _FIRST_S
                    last_id = message.id or last_id
                    if message.event == "entry":
                        yield JournalEntry.model_validate_json(message.data)
            except Unreachable:
                if not again:
                    raise
            if not again:
                return
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_S)

    async def tap(
        self,
        node: str,
        *,
        where: str | None = None,
        rate: float | None = None,
        cap: int | None = None,
    ) -> AsyncIterator[TapEvent | TapGap]:
        """Yield a sample of the events that pass a node, and how many were left out.

        Ends when the graph does, or the node is gone.
        """
        given = {"where": where, "rate": rate, "bytes": cap}
        query = [(key, str(value)) for key, value in given.items() if value is not None]
        path = f"/v1/tap/{_part(node)}"
        async for message in self._messages(path, None, query=query):
            if message.event == "event":
                yield TapEvent.model_validate_json(message.data)
            elif message.event == "gap":
                yield TapGap.model_validate_json(message.data)

    # requests

    async def _get(
        self,
        path: str,
        model: type[_Model],
        *,
        query: Sequence[tuple[str, str]] = (),
        also: int = 200,
    ) -> _Model:
        return _parsed(model, await self._json("GET", path, query=query, also=also))

    async def _post(self, path: str, model: type[_Model], body: Mapping[str, Any]) -> _Model:
        return _parsed(model, await self._json("POST", path, body=body))

    async def _json(
        self,
        method: str,
        path: str,
        *,
        query: Sequence[tuple[str, str]] = (),
        body: Mapping[str, Any] | None = None,
        match: int | None = None,
        also: int = 200,
        slow: bool = False,
    ) -> Any:
        headers = {"If-Match": f'"{match}"' if match is not None else "*"} if slow else {}
        limit = 12 * self._timeout_s if slow else self._timeout_s
        async with self._asking(
            method, path, limit, headers=headers, params=list(query), json=body
        ) as answer:
            text = await answer.text()
            if answer.status >= 400 and answer.status != also:
                raise self._refusal(answer.status, text)
            try:
                return json.loads(text)
            except ValueError:
                raise Unreachable(f"{self.address} does not speak as a graph does") from None

    @asynccontextmanager
    async def _asking(
        self, method: str, path: str, total_s: float | None, **how: Any
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        import aiohttp

        if self._session is None:
            raise SinkgraphError("enter the client first: `async with Client(address) as graph:`")
        waits = aiohttp.ClientTimeout(
            total=total_s, connect=self._timeout_s, sock_read=_SILENT_S if total_s is None else None
        )
        try:
            async with self._session.request(
                method, self._base + path, timeout=waits, allow_redirects=False, **how
            ) as answer:
                yield answer
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            said = safe_text(_why(error), 200)
            begun = not isinstance(error, aiohttp.ClientConnectorError)
            if begun and method != "GET":
                raise Unreachable(
                    f"{self.address} was asked, and it is not known whether it does it: {said}"
                ) from None
            raise Unreachable(f"cannot reach {self.address}: {said}") from None

    def _refusal(self, status: int, text: str) -> SinkgraphError:
        try:
            return Refused(Problem.model_validate_json(text))
        except ValidationError:
            said = f"{self.address} does not speak as a graph does: it answered {status}"
            return Unreachable(said)

    async def _messages(
        self, path: str, last_id: str | None, *, query: Sequence[tuple[str, str]] = ()
    ) -> AsyncIterator[Any]:
        headers = {"Accept": "text/event-stream"}
        headers |= {"Last-Event-ID": last_id} if last_id else {}
        async with self._asking("GET", path, None, headers=headers, params=list(query)) as answer:
            if answer.status >= 400:
                raise self._refusal(answer.status, await answer.text())
            async for message in messages_of(answer.content.iter_any()):
                yield message


def _given(chosen: Mapping[str, str | float | None]) -> list[tuple[str, str]]:
    return [(name, str(value)) for name, value in chosen.items() if value is not None]


def _parsed(model: type[_Model], value: Any) -> _Model:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise Unreachable(f"what was answered is not understood: {place}") from None


def _why(error: Exception) -> str:
    """Return why nothing was answered, without the words of the library that asked."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    number = getattr(error, "errno", None)
    if isinstance(number, int) and number > 0:
        return os.strerror(number).lower()
    return str(error) or "it ended the connection"


def _part(node: str) -> str:
    """Return a node's name as a part of a path; raise Refused for what no node can be called."""
    if any(part in ("", ".", "..") for part in node.split("/")):
        said = f"no node is named `{safe_text(node, 80)}`"
        raise Refused(Problem(type="about:blank", title="not found", status=404, detail=said))
    return quote(node)
