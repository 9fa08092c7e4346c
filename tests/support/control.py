"""A graph that runs with its control plane, and a plain HTTP client that speaks to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from sinkgraph.control.access import Token
from sinkgraph.control.server import Control, Listen
from sinkgraph.event import Event
from sinkgraph.graph.load import load
from sinkgraph.graph.model import Graph
from sinkgraph.runtime.live import Live
from sinkgraph.runtime.run import run

__all__ = ["DOCUMENT", "TOKENS", "End", "Reply", "Watched", "watched"]

TOKENS = {scope: f"{scope}-token-0123456789" for scope in ("read", "tap", "operate", "admin")}

DOCUMENT: dict[str, Any] = {
    "sinkgraph": 1,
    "name": "watched",
    "sources": {
        "in": {"kind": "inlet", "to": "fan"},
        "ticks": {"kind": "generate", "rate": "1/s", "count": 1, "to": "fan"},
    },
    "sinks": {
        "fan": {"kind": "broadcast", "to": ["q", "eu/kept"]},
        "q": {
            "kind": "queue",
            "capacity": 100,
            "to": {
                "kind": "retry",
                "name": "again",
                "breaker": {"failure_threshold": 3, "open_for": "5s"},
                "to": {"kind": "call", "name": "end", "target": "provided:end"},
            },
        },
        "eu/kept": {"kind": "queue", "to": {"kind": "blackhole", "name": "hole"}},
    },
}


class End:
    """Is where events of the document arrive; while `fails`, it raises that."""

    def __init__(self) -> None:
        self.data: list[Any] = []
        self.calls = 0
        self.fails: Exception | None = None

    async def __call__(self, event: Event) -> None:
        """Take an event."""
        self.calls += 1
        if self.fails is not None:
            raise self.fails
        self.data.append(event.data)


@dataclass(frozen=True)
class Reply:
    """Is an answer, read whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    json: Any


class Watched:
    """Is a running graph with its control plane; `end` is the sink of the document."""

    def __init__(self, live: Live, control: Control, graph: Graph, end: End) -> None:
        self.live = live
        self.control = control
        self.graph = graph
        self.end = end
        connector = aiohttp.UnixConnector(control.socket or "/nowhere")
        self.http = aiohttp.ClientSession(connector=connector)
        self.tcp = aiohttp.ClientSession()

    async def ask(self, method: str, path: str, *, token: str | None = None, **how: Any) -> Reply:
        """Ask over the socket, or with a token over the address ("" sends none)."""
        headers = dict(how.pop("headers", {}))
        session, base = self.http, "http://sinkgraph"
        if token is not None:
            assert self.control.address is not None
            session, base = self.tcp, f"http://127.0.0.1:{self.control.address[1]}"
            if token:
                headers["Authorization"] = f"Bearer {token}"
        async with session.request(method, base + path, headers=headers, **how) as answer:
            body = await answer.read()
            is_json = "json" in answer.headers.get("content-type", "")
            value = await answer.json(content_type=None) if is_json else None
            told = {name.lower(): text for name, text in answer.headers.items()}
            return Reply(answer.status, told, body, value)

    async def get(self, path: str, **how: Any) -> Any:
        """Return the JSON of a GET that succeeds."""
        reply = await self.ask("GET", path, **how)
        assert reply.status == 200, reply.body
        return reply.json

    async def post(self, path: str, json: Any = None, **how: Any) -> Reply:
        """Send JSON."""
        return await self.ask("POST", path, json={} if json is None else json, **how)

    async def node(self, name: str) -> Any:
        """Return a node as it is now."""
        self.control.desk.sampler.look()
        return (await self.get("/v1/snapshot"))["nodes"][name]


@asynccontextmanager
async def watched(
    document: dict[str, Any] | None = None,
    *,
    end: End | None = None,
    tcp: bool = True,
    listen: Mapping[str, Any] | None = None,
    supervisor: Any = None,
    **options: Any,
) -> AsyncIterator[Watched]:
    """Run a document with its control plane, on the socket and on a free port."""
    sink = end if end is not None else End()
    graph = load(document or DOCUMENT)
    tokens = [Token.of(scope, secret, [scope]) for scope, secret in TOKENS.items()]
    given: dict[str, Any] = {"tokens": tokens, **(listen or {})}
    if tcp:
        given["tcp"] = ("127.0.0.1", 0)
    warnings: list[str] = []
    provided = {"end": sink}
    options.setdefault("drain", 1.0)
    async with run(graph, provide=provided, **options) as live:
        control = Control(
            live,
            graph=graph,
            supervisor=supervisor,
            listen=Listen(**given),
            state_dir=options.get("state_dir"),
            warn=warnings.append,
        )
        async with control:
            assert warnings == []
            made = Watched(live, control, graph, sink)
            try:
                yield made
            finally:
                await made.http.close()
                await made.tcp.close()
