"""The composite `endpoint`: one node of a document that becomes queue, filter, retry and http.

Here are its fields; `sinkgraph.graph.composite` expands it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from sinkgraph.spec.fields import Url
from sinkgraph.spec.kinds.base import NodeSpec, Section
from sinkgraph.spec.kinds.reliability import QueueFields, RetryFields
from sinkgraph.spec.kinds.terminal import HttpFields, HttpFormat, batch_of_json
from sinkgraph.spec.kinds.types import Word, whole
from sinkgraph.spec.problem import Later, Problem

__all__ = ["Endpoint", "Ignore"]


class Ignore(Section):
    """Says which registry events are not sent, as a registry's own `ignore` does."""

    actions: tuple[Word, ...] = ()
    """Actions that are not sent: `[pull, mount]`."""
    media_types: tuple[Word, ...] = ()
    """Media types of the target that are not sent."""

    def problems(self) -> Iterator[Problem]:
        """Yield an `ignore` that names nothing."""
        if not (self.actions or self.media_types):
            yield Problem(
                "SG142",
                "`ignore` names nothing",
                (),
                "neither `actions` nor `media_types` is given",
                help=("add `actions: [pull]`, or take `ignore` away",),
            )


def _one_or_many(value: object) -> object:
    return value if isinstance(value, list | tuple) else (value,)


class Endpoint(QueueFields, RetryFields, HttpFields, NodeSpec):
    """Delivers events to a URL through a queue and a retry: NAME, NAME.retry, NAME.http.

    It takes every field of the three. Where two share a name: `concurrency` is the queue's
    (requests at once), `max_batch` the http sink's (events in a request), `dead_letter` is both the
    queue's and the retry's, and `timeout` is the http sink's.
    """

    later: ClassVar[tuple[Later, ...]] = (*QueueFields.later, *HttpFields.later)

    kind: Literal["endpoint"]
    """`endpoint`."""
    url: Annotated[
        tuple[Url, ...],
        Field(min_length=1),
        BeforeValidator(_one_or_many, json_schema_input_type=Url | tuple[Url, ...]),
    ]
    """Where requests go; a list is tried in order, each when the one before fails."""
    format: HttpFormat | None = None
    """How events are written [`docker` when every source above has schema `docker.registry`, else
    `json`]."""
    concurrency: Annotated[int, whole(1, 1_000)] = 1
    """Requests under way at once."""
    max_batch: Annotated[int, whole(1, 10_000)] | None = None
    """Events at most in one request [1; 100 for `ndjson` and `docker`]."""
    ignore: Ignore | None = None
    """Registry events that are not sent."""

    def problems(self) -> Iterator[Problem]:
        """Yield what queue, retry and http say against themselves."""
        yield from QueueFields.problems(self)
        yield from RetryFields.problems(self)
        if self.format == "json" and (self.max_batch or 1) > 1:
            yield batch_of_json()
