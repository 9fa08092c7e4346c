"""Kinds where events leave the graph: http, file, stdout, channel, call, blackhole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from sinkgraph.spec.fields import Duration, Size, Url
from sinkgraph.spec.kinds.base import NodeSpec, Section
from sinkgraph.spec.kinds.types import (
    CallTarget,
    Choice,
    HeaderName,
    HeaderValue,
    OutputPath,
    StatusKey,
    whole,
)
from sinkgraph.spec.problem import Later, Problem

__all__ = [
    "Blackhole",
    "Call",
    "ChannelSpec",
    "FileSinkSpec",
    "HttpFields",
    "HttpSinkSpec",
    "Rotate",
    "Stdout",
]

CLOUD_EVENTS = ("cloudevents", "cloudevents_binary", "cloudevents_batch")
HttpFormat = Annotated[
    Literal[
        "json",
        "ndjson",
        "docker",
        "auto",
        "cloudevents",
        "cloudevents_binary",
        "cloudevents_batch",
    ],
    Choice(later=CLOUD_EVENTS),
]
Outcome = Annotated[Literal["ok", "retry", "reject", "dead_letter"], Choice()]
LineFormat = Annotated[Literal["ndjson", "lines"], Choice()]
LATER_FORMATS = tuple(
    Later("format", name, "`json` carries the payload; `ndjson` and `docker` batch it")
    for name in CLOUD_EVENTS
)
BATCHED = {"ndjson": 100, "docker": 100}


class HttpFields(Section):
    """Holds the fields of an http sink, which an endpoint takes too, but for `url` and `format`."""

    later: ClassVar[tuple[Later, ...]] = (
        *LATER_FORMATS,
        Later("signing", instead="send a token in `headers`"),
        Later("tls"),
        Later("egress"),
    )

    method: Annotated[Literal["POST", "PUT", "PATCH"], Choice()] = "POST"
    """The HTTP method."""
    headers: dict[HeaderName, HeaderValue] = Field(default_factory=dict)
    """Headers added to each request; their values are never shown."""
    timeout: Duration = 10.0
    """How long one request may take, connecting included."""
    on_status: dict[StatusKey, Outcome] = Field(default_factory=dict)
    """What a status means, by code or class: `{404: ok, 3xx: retry}`."""


class HttpSinkSpec(HttpFields, NodeSpec):
    """Sends events to a URL."""

    kind: Literal["http"]
    """`http`."""
    url: Url
    """Where requests go: `https://example.com/hook`."""
    format: HttpFormat = "json"
    """How events are written: `json` (one event a request), `ndjson`, `docker` (a registry
    notification); `auto` is `docker` when every source above has schema `docker.registry`, else
    `json`."""
    concurrency: Annotated[int, whole(1, 10_000)] = 64
    """Requests under way at once, over all writers [64; what a queue above delivers at once, when
    that is more]."""
    max_batch: Annotated[int, whole(1, 10_000)] | None = None
    """Events at most in one request [1; 100 for `ndjson` and `docker`]."""

    def problems(self) -> Iterator[Problem]:
        """Yield a batch where the format carries one event."""
        if self.format == "json" and (self.max_batch or 1) > 1:
            yield batch_of_json()

    @property
    def batch_limit(self) -> int:
        """Events at most in one request."""
        return self.max_batch or BATCHED.get(self.format, 1)


def batch_of_json() -> Problem:
    """Return the finding of several events in one `json` request."""
    return Problem(
        "SG142",
        "a `json` request carries one event",
        ("max_batch",),
        "more than one",
        help=("write `format: ndjson` for several events in one request",),
    )


class Rotate(Section):
    """Says when a file is closed and a new one begun."""

    later: ClassVar[tuple[Later, ...]] = (
        Later("every", instead="rotate by `max_size`"),
        Later("compress", instead="leave it away: rotated files stay as they are"),
    )

    max_size: Size
    """The size at which it rotates: `100MB`."""
    keep: Annotated[int, whole(1, 10_000)] = 5
    """Rotated files kept; the oldest is removed."""


class FileSinkSpec(NodeSpec):
    """Appends events to a file."""

    kind: Literal["file"]
    """`file`."""
    path: OutputPath
    """The file; a relative path is below the output directory."""
    format: LineFormat = "ndjson"
    """How events are written: one JSON value a line, or text as it is, a line each."""
    rotate: Rotate | None = None
    """When a new file is begun [never]."""
    sync: Annotated[Literal["none", "batch", "each"], Choice()] = "batch"
    """When the disk is made to hold what was written: never, after each batch, after each event."""


class Stdout(NodeSpec):
    """Prints events, one JSON value a line."""

    kind: Literal["stdout"]
    """`stdout`."""


class ChannelSpec(NodeSpec):
    """Hands events to Python code that reads `live.channel(name)`."""

    kind: Literal["channel"]
    """`channel`."""
    capacity: Annotated[int, whole(0, 10_000_000)] = 1_000
    """Events it holds for its readers; 0 hands over directly."""
    readers: Annotated[Literal["compete", "each"], Choice()] = "compete"
    """Whether readers share the events or each gets all."""


class Call(NodeSpec):
    """Calls a Python function with each event."""

    kind: Literal["call"]
    """`call`."""
    target: CallTarget
    """The function: `package.module:function`, or `provided:name` for one handed to
    `sinkgraph.run(…, provide={name: function})`."""


class Blackhole(NodeSpec):
    """Counts events and forgets them."""

    kind: Literal["blackhole"]
    """`blackhole`."""
