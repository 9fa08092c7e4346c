"""Kinds where events enter: http, stdin, file, generate, inlet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from sinkgraph.spec.fields import (
    Address,
    Duration,
    Flag,
    JsonValue,
    Rate,
    Size,
    Text,
)
from sinkgraph.spec.kinds.base import NodeSpec, Target
from sinkgraph.spec.kinds.event_types import TypePattern, never_met, two_answers
from sinkgraph.spec.kinds.types import Choice, Count, InputPath, Schema, SecretField
from sinkgraph.spec.problem import Later, Problem

__all__ = [
    "FileSourceSpec",
    "Generate",
    "HttpSourceSpec",
    "Inlet",
    "SourceSpec",
    "StdinSource",
]

LineFormat = Annotated[Literal["ndjson", "lines"], Choice()]

_SAY_NOTHING = frozenset({None, "any", "json", "cloudevents"})
"""Schemas that say nothing of payloads."""


class SourceSpec(NodeSpec):
    """Holds the fields every source has."""

    to: Target
    """The sink its events go to."""
    schema_: Annotated[Schema | None, Field(alias="schema")] = None
    """What its events look like: `docker.registry`, `./event.schema.json` (JSON Schema) or
    `python:package.module:Type` [any JSON]; `cloudevents`: how they are written."""
    schemas: dict[TypePattern, Schema] = Field(default_factory=dict)
    """What they look like by type: `{order.created: ./order.schema.json, order.*: json}`; the type
    itself comes before the longest beginning, then `default`."""
    validate_: Annotated[
        Literal["off", "warn", "reject"],
        Choice(),
        Field(alias="validate"),
    ] = "off"
    """What becomes of events unlike the schema: `off` lets them pass, `warn` counts and tells them,
    `reject` refuses the request or write they are in, or makes dead letters of lines."""

    def problems(self) -> Iterator[Problem]:
        """Yield events that are held against nothing, and schemas that cannot be meant."""
        kind = str(getattr(self, "kind", ""))
        yield from two_answers(self.schema_, self.schemas)
        yield from never_met(kind, self.schema_, self.schemas)
        if self.schema_ == "cloudevents" and kind in {"generate", "inlet"}:
            yield Problem(
                "SG142",
                f"events of `{kind}` are written in no format",
                ("schema",),
                "how requests and lines are written",
                help=("leave it away",),
            )
        said = {self.schema_, *self.schemas.values()}
        if self.validate_ != "off" and said <= _SAY_NOTHING:
            yield Problem(
                "SG142",
                f"`validate: {self.validate_}` has no schema to hold events against",
                ("validate",),
                "no `schema` says what events look like",
                help=("add `schema: ./event.schema.json`, or take `validate` away",),
            )


class HttpSourceSpec(SourceSpec):
    """Takes events from HTTP requests: JSON, NDJSON, Docker registry notifications, CloudEvents."""

    later = (
        Later("verify", instead="use `token`"),
        Later("tls", instead="listen on a loopback address behind a proxy that ends TLS"),
    )

    kind: Literal["http"]
    """`http`."""
    listen: Address
    """Address and port: `127.0.0.1:8700`; port 0 takes a free one."""
    path: Text = "/"
    """The path requests are sent to."""
    token: SecretField | None = None
    """The bearer token a request must carry."""
    tokens: tuple[SecretField, ...] = ()
    """Several tokens, each of which is good."""
    max_body: Size = 1024**2
    """The largest request body."""
    max_wait: Duration = 2.0
    """How long a request waits for room before it is answered 429."""
    open: Flag = False
    """True takes requests from the network without a token."""

    def problems(self) -> Iterator[Problem]:
        """Yield an address that cannot be used, or is open to everybody by accident."""
        yield from super().problems()
        if not (self.listen.loopback or self.open or self.token or self.tokens):
            yield Problem(
                "SG511",
                f"anybody on the network may write to `{self.listen}`",
                ("listen",),
                "not a loopback address, and no token is asked for",
                help=("add `token: ${env:NAME}`, or write `open: true` if that is meant",),
            )
        if not self.path.startswith("/") or any(c in self.path for c in "?# \t\r\n"):
            yield Problem(
                "SG129",
                f"`{self.path}` is not a path",
                ("path",),
                help=("a path begins with `/` and holds no space, `?` or `#`",),
            )


class StdinSource(SourceSpec):
    """Reads events from standard input."""

    kind: Literal["stdin"]
    """`stdin`."""
    format: LineFormat = "ndjson"
    """What a line holds: a JSON value, or plain text."""


def _one_or_many(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


class FileSourceSpec(SourceSpec):
    """Reads events from files, and may follow them as they grow.

    With a state dir a later run goes on where this one stopped, also after a kill or a rotation.
    """

    kind: Literal["file"]
    """`file`."""
    paths: Annotated[
        tuple[InputPath, ...],
        Field(min_length=1),
        BeforeValidator(_one_or_many, json_schema_input_type=str | tuple[str, ...]),
    ]
    """Files or globs, relative to the document: `[logs/*.log]`."""
    follow: Flag = False
    """True waits for new lines, also after a rotation."""
    from_: Annotated[Literal["start", "end"], Choice(), Field(alias="from")] = "start"
    """Where reading begins when there is no saved position."""
    format: LineFormat = "ndjson"
    """What a line holds: a JSON value, or plain text."""


class Generate(SourceSpec):
    """Makes events, for trying a graph out."""

    kind: Literal["generate"]
    """`generate`."""
    rate: Rate | None = None
    """Events per time: `100/s` [as fast as they are taken]."""
    count: Count | None = None
    """How many events it makes [no end; needs `rate`]."""
    event: JsonValue = None
    """The payload of each event [`{n: 1}`, `{n: 2}`, …]."""

    def problems(self) -> Iterator[Problem]:
        """Yield a source without end and without rate."""
        yield from super().problems()
        if self.rate is None and self.count is None:
            yield Problem(
                "SG142",
                "events are made without end and without a rate",
                (),
                "neither `rate` nor `count` is given",
                on_key=True,
                help=("add `rate: 100/s` or `count: 1000`",),
            )


class Inlet(SourceSpec):
    """Takes events from Python: `live.write(...)`."""

    kind: Literal["inlet"]
    """`inlet`."""
