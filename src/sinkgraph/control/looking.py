"""Endpoints that only look: health, graph, snapshot, stream, history, journal, tap, metrics.

None of them asks the engine for anything but what the last look told; a tap alone stands in it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from sinkgraph.control.access import Caller
from sinkgraph.control.answers import EventStream, json_response, reading
from sinkgraph.control.desk import Desk
from sinkgraph.control.places import Places
from sinkgraph.control.problems import Refusal
from sinkgraph.control.tap import Tap
from sinkgraph.control.view import graph_view
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.graph.model import Graph

if TYPE_CHECKING:
    from sinkgraph.render.guarantees import Guarantee

__all__ = [
    "drawing", "events", "generations", "graph", "history", "livez", "metrics", "number", "openapi",
    "readyz", "snapshot", "stream", "tap",
]  # fmt: skip

_MOST_TAPS = 8
_MOST_WHERE = 4_096
_TELL_S = 1.0
_encode = msgspec.json.encode


async def livez(desk: Desk, request: Request, caller: Caller | None) -> Response:
    """Answer, which is all that is asked."""
    return json_response({"status": desk.live.topology.status, "ready": _ready(desk)})


async def readyz(desk: Desk, request: Request, caller: Caller | None) -> Response:
    """Say whether events are taken in; an open breaker does not matter."""
    ready = _ready(desk)
    made: dict[str, object] = {"status": desk.live.topology.status, "ready": ready}
    if caller is not None and "read" in caller.scopes:
        made["nodes"] = {name: node.status for name, node in desk.live.nodes.items()}
    return json_response(made, 200 if ready else 503)


def _ready(desk: Desk) -> bool:
    topology = desk.live.topology
    sources = topology.sources.values()
    return topology.status == "ok" and not any(one.status == "failed" for one in sources)


async def graph(desk: Desk, request: Request, caller: Caller | None) -> Response:
    """Return the graph that runs."""
    found, topology = _graph_of(desk), desk.live.topology
    drift = desk.drift()
    view = graph_view(
        found,
        desk.redactor,
        generation=topology.generation,
        digest=topology.assembly.digest,
        drift=drift["said"] if drift is not None else None,
    )
    return json_response(view)


def _graph_of(desk: Desk) -> Graph:
    if desk.graph is None:
        raise Refusal(404, "not_found", "this run was started without a document")
    return desk.graph


async def generations(desk: Desk, request: Request, caller: Caller | None) -> Response:
    """Return the documents that are kept."""
    supervisor = desk.supervisor
    kept = supervisor.generations.all() if supervisor is not None else []
    made = [
        {
            "generation": one.generation,
            "digest": one.digest,
            "at": one.at,
            "origin": one.origin,
            "by": safe_text(one.by, 200),
            "override": one.override,
            "of": one.of,
            "name": safe_text(one.document.main.name, 500),
            "runs": one.generation == desk.live.generation,
        }
        for one in kept
    ]
    return json_response({"generations": made})


async def snapshot(desk: Desk, request: Request, caller: Caller | None) -> Response:
    """Return the last look."""
    return json_response(desk.sampler.view())


async def stream(desk: Desk, request: Request, caller: Caller | None) -> Response:
    """Send everything, then what changes."""
    hub = desk.sampler.hub
    reader = hub.join(request.headers.get("last-event-id"))
    if reader is None:
        raise Refusal(503, "busy", f"{hub.most_readers} watch already")
    desk.sampler.hurry()
    return EventStream(reading(hub, reader, whole_after_gap=True))


async def history(desk: Desk, request: Request, caller: Caller | None) -> Response:
    """Return the last ten minutes of some nodes, or of all."""
    names = request.query_params.getlist("node")
    since = number(request, "since")
    return json_response(desk.sampler.history.read(since, set(names) if names else None))


async def events(desk: Desk, request: Request, caller: Caller | None) -> Response:
    """Return the newest entries of the journal, or send them as they come."""
    names = set(request.query_params.getlist("node"))
    if "text/event-stream" in request.headers.get("accept", ""):
        reader = desk.news.join(request.headers.get("last-event-id"))
        if reader is None:
            raise Refusal(503, "busy", f"{desk.news.most_readers} read already")
        return EventStream(reading(desk.news, reader, whole_after_gap=False))
    limit = number(request, "limit", least=1, most=1_000)
    chosen = [one for one in desk.journal if not names or one["node"] in names]
    return json_response({"entries": chosen[-int(limit or 100) :]})


async def metrics(desk: Desk, request: Request, caller: Caller | None) -> Response:
    """Return the numbers of the last look."""
    exposition = await asyncio.to_thread(_exposition)
    body, kind = exposition(desk, request.headers.get("accept", ""))
    return Response(body, headers={"content-type": kind})


def _exposition() -> Any:
    """Load what writes metrics, aside from the loop: most runs are never asked for them."""
    from sinkgraph.control.metrics import exposition

    return exposition


async def drawing(desk: Desk, request: Request, caller: Caller | None) -> Response:
    """Draw the graph and how it stands, aside from the loop, one picture at a time."""
    from sinkgraph.control.overlay import overlay
    from sinkgraph.render.image import RenderError

    found = _graph_of(desk)
    try:
        async with desk.drawing:
            notes = overlay(desk.sampler.view()["nodes"])
            picture = await asyncio.to_thread(_drawn, found, notes)
    except RenderError as error:
        raise Refusal(501, "not_available", safe_text(str(error), 500)) from None
    return Response(picture, media_type="image/svg+xml")


@lru_cache(maxsize=2)
def _drawn(graph: Graph, notes: tuple[Guarantee, ...]) -> bytes:
    from sinkgraph.render.drawing import draw
    from sinkgraph.render.output import made

    return made(draw(graph, guarantees=notes), "svg", timeout_s=20.0)


async def openapi(desk: Desk, request: Request, caller: Caller | None) -> Response:
    """Return the description of all this."""
    from sinkgraph.control.openapi import description

    return json_response(await asyncio.to_thread(description))  # made once, and slowly


async def tap(desk: Desk, request: Request, caller: Caller | None) -> Response:
    """Send a sample of the events that pass a node, and say what was left out."""
    node = Places(desk.live).node(request.path_params["name"])
    rate = number(request, "rate", least=0.1, most=200.0)
    cap = number(request, "bytes", least=64, most=65_536)
    where = await _compiled(request.query_params.get("where"))
    if node.kind == "dead_letter":
        raise Refusal(409, "wrong_node", f"`{node.name}` keeps dead letters: list them instead")
    if desk.taps >= _MOST_TAPS:
        raise Refusal(503, "busy", f"{_MOST_TAPS} tap already")
    one = Tap(desk.redactor, rate=rate or 20.0, cap=int(cap or 4_096), where=where)
    one.bind(desk.live.topology.ctx)
    return EventStream(_tapped(desk, node.name, one))


async def _compiled(text: str | None) -> object:
    """Compile an expression aside from the loop: it may be the first one ever."""
    if text is None or not text.strip():
        return None
    if len(text) > _MOST_WHERE:
        raise Refusal(422, "invalid", f"`where` is longer than {_MOST_WHERE} characters")
    from sinkgraph.expr.compile import compile_expression
    from sinkgraph.expr.errors import BadExpression

    try:
        return await asyncio.to_thread(compile_expression, text, result="bool")
    except BadExpression as error:
        said = [safe_text(one.message, 200) for one in error.errors]
        raise Refusal(422, "invalid", "`where` is not an expression", errors=said) from None


async def _tapped(desk: Desk, name: str, tap: Tap) -> AsyncIterator[bytes]:
    """Stand at a node until the reader goes; where the node was replaced, stand at the new one."""
    live, loop = desk.live, asyncio.get_running_loop()
    at = live.nodes.get(name)
    leave = live.splices.insert(name, tap)
    desk.taps += 1
    try:
        told, due = tap.counts(), loop.time() + _TELL_S
        yield b": tapped\n\n"
        while live.topology.status == "ok":
            for value in await tap.taken(max(0.0, min(_TELL_S, due - loop.time()))):
                yield b"event: event\ndata: " + _encode(value) + b"\n\n"
            if loop.time() >= due:
                due = loop.time() + _TELL_S
                counts = tap.counts()
                if counts != told:
                    told = counts
                    yield b"event: gap\ndata: " + _encode(counts) + b"\n\n"
                else:
                    yield b": still here\n\n"
            now = live.nodes.get(name)
            if now is not at:
                leave()
                leave = _nothing
                if now is None:
                    return
                at, leave = now, live.splices.insert(name, tap)
    finally:
        desk.taps -= 1
        leave()
        await tap.close()


def _nothing() -> None:
    return None


def number(
    request: Request, name: str, *, least: float = -1e18, most: float = 1e18
) -> float | None:
    """Return a number of the query, None where it is not given; refuse what is none."""
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not least <= value <= most:
        bounds = f" from {least:g} to {most:g}" if least > -1e18 else ""
        raise Refusal(400, "bad_request", f"`{name}` is not a number{bounds}")
    return value
