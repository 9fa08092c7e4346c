"""The ways of the control plane: for each its path, who may, what it is asked and what it gives.

It is one table, from which the routes, the OpenAPI and the tests of access are made.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from sinkgraph.api import messages, models
from sinkgraph.control import acting, letters, looking
from sinkgraph.control.access import Caller
from sinkgraph.control.desk import Desk

__all__ = ["WAYS", "Query", "Way"]

Endpoint = Callable[[Desk, Request, Caller | None], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Query:
    """Is one parameter of a query: its name, JSON type, and what it says."""

    name: str
    type: str
    help: str
    many: bool = False


@dataclass(frozen=True, slots=True)
class Way:
    """Is one method on one path. `scope` None: anybody may ask, also without a token.

    `gives` is a model, or the media type of what is no JSON; `streams` names the messages of a
    stream and their models.
    """

    method: str
    path: str
    scope: str | None
    endpoint: Endpoint
    says: str
    gives: type[BaseModel] | str | None = None
    asks: type[BaseModel] | None = None
    query: tuple[Query, ...] = ()
    problems: tuple[int, ...] = ()
    streams: dict[str, type[BaseModel]] = field(default_factory=dict)
    status: int = 200


_NODE = Query("node", "string", "only this node", many=True)
_CHOICE = (
    Query("node", "string", "died at this node"),
    Query("reason", "string", "died for this reason"),
    Query("type", "string", "of this type"),
    Query("id", "string", "the event with this id"),
    Query("sink", "string", "kept by this dead_letter sink"),
    Query("since", "number", "failed last since this Unix time"),
    Query("before", "number", "failed last before this Unix time"),
)
_WATCHED: dict[str, Any] = {"full": models.Full, "delta": models.Delta}
_IF_MATCH = (404, 409, 412, 413, 415, 422, 428, 501, 503)

WAYS: tuple[Way, ...] = (
    Way("GET", "/livez", None, looking.livez, "whether the program lives", models.Health),
    Way("GET", "/readyz", None, looking.readyz, "whether it takes events in", models.Health,
        problems=(503,)),
    Way("GET", "/metrics", "read", looking.metrics, "numbers for Prometheus", "text/plain"),
    Way("GET", "/graph.svg", "read", looking.drawing, "the live drawing", "image/svg+xml",
        problems=(404, 501)),
    Way("GET", "/v1/openapi.json", "read", looking.openapi, "this description",
        "application/json"),
    Way("GET", "/v1/graph", "read", looking.graph, "the graph that runs", models.GraphView,
        problems=(404,)),
    Way("GET", "/v1/snapshot", "read", looking.snapshot, "every node as of the last look",
        models.SnapshotView),
    Way("GET", "/v1/stream", "read", looking.stream, "every node, then what changes",
        "text/event-stream", problems=(503,), streams=_WATCHED),
    Way("GET", "/v1/history", "read", looking.history, "the last ten minutes",
        models.HistoryView, problems=(422,),
        query=(Query("since", "number", "only looks after this Unix time"), _NODE)),
    Way("GET", "/v1/events", "read", looking.events,
        "the journal; a stream where `text/event-stream` is accepted", messages.JournalList,
        problems=(422, 503), streams={"entry": messages.JournalEntry},
        query=(Query("limit", "integer", "at most so many of the newest"), _NODE)),
    Way("GET", "/v1/tap/{name}", "tap", looking.tap, "a sample of the events that pass a node",
        "text/event-stream", problems=(404, 409, 422, 503),
        streams={"event": messages.TapEvent, "gap": messages.TapGap},
        query=(
            Query("where", "string", "only events for which this expression is true"),
            Query("rate", "number", "at most so many events a second"),
            Query("bytes", "integer", "at most so many bytes of a payload"),
        )),
    Way("POST", "/v1/write", "operate", acting.write, "write events", messages.Written,
        messages.WriteRequest, problems=(404, 409, 413, 415, 422, 429, 503), status=202),
    Way("POST", "/v1/plan", "operate", acting.plan, "what a document would change",
        "application/json", messages.PlanRequest, problems=(409, 413, 415, 422, 501, 503)),
    Way("GET", "/v1/generations", "read", looking.generations, "the documents that are kept",
        messages.GenerationList),
    Way("POST", "/v1/apply", "admin", acting.apply, "run a document from now on",
        "application/json", messages.ApplyRequest, problems=_IF_MATCH),
    Way("POST", "/v1/rollback", "admin", acting.rollback, "run an earlier document again",
        "application/json", messages.RollbackRequest, problems=_IF_MATCH),
    *(
        Way("POST", f"/v1/nodes/{{name}}/{verb}", "operate", acting.verb(verb), says,
            messages.Done, messages.VerbRequest, problems=(404, 409, 413, 415, 422))
        for verb, says in (
            ("pause", "hold a queue's lanes, or a source's intake, back"),
            ("resume", "go on"),
            ("drain", "deliver what a queue holds; take nothing more in at a source"),
        )
    ),
    *(
        Way("POST", f"/v1/breakers/{{name}}/{verb}", "operate", acting.verb(verb), says,
            messages.Done, messages.VerbRequest, problems=(404, 409, 413, 415, 422))
        for verb, says in (
            ("trip", "let nothing through a breaker"),
            ("reset", "close a breaker"),
            ("probe", "let an open breaker try at once"),
        )
    ),
    Way("GET", "/v1/dead-letters", "read", letters.groups, "dead letters by node and reason",
        messages.LetterGroups, problems=(422,), query=_CHOICE),
    Way("GET", "/v1/dead-letters/list", "read", letters.listed, "dead letters, page by page",
        messages.LetterList, problems=(422,),
        query=(
            *_CHOICE,
            Query("after", "integer", "behind this number"),
            Query("limit", "integer", "at most so many"),
        )),
    Way("POST", "/v1/dead-letters/replay", "operate", letters.replay,
        "write dead letters into their nodes again", messages.Replayed, messages.ReplayRequest,
        problems=(404, 409, 413, 415, 422), status=202),
    Way("POST", "/v1/dead-letters/purge", "admin", letters.purge, "delete dead letters",
        messages.Purged, messages.PurgeRequest, problems=(409, 413, 415, 422)),
    Way("GET", "/v1/dead-letters/{number}", "tap", letters.shown, "one dead letter and its event",
        messages.LetterView, problems=(404, 422)),
)  # fmt: skip
"""In this order they are tried."""
