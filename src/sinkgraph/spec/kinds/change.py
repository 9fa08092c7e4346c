"""Kinds that change what passes or how much: transform, dedupe, sample, rate_limit, batch."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field

from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.spec.fields import Duration, JsonValue, Rate, Size
from sinkgraph.spec.kinds.base import NodeSpec, Target
from sinkgraph.spec.kinds.fan import OnError
from sinkgraph.spec.kinds.types import Count, Expression, PythonName, Share, Word, whole
from sinkgraph.spec.problem import Problem

__all__ = ["BatchSpec", "Dedupe", "RateLimit", "Sample", "Transform"]


class Transform(NodeSpec):
    """Makes a new event of each: first `rename`, then `remove`, `set`, `compute`, `python`."""

    kind: Literal["transform"]
    """`transform`."""
    to: Target
    """Where the new events go."""
    set: dict[Word, JsonValue] = Field(default_factory=dict)
    """Fields given a literal value: `data.environment: production`."""
    compute: dict[Word, Expression] = Field(default_factory=dict)
    """Fields given the value of an expression: `data.size_mb: data.target.size / 1000000`."""
    remove: tuple[Word, ...] = ()
    """Fields taken away."""
    rename: dict[Word, Word] = Field(default_factory=dict)
    """Fields moved: old path to new path."""
    python: PythonName | None = None
    """A function `package.module:function` that takes an event and returns one, or None."""
    on_error: OnError = "dead_letter"
    """What becomes of an event that cannot be transformed; `pass` hands it on unchanged."""
    dead_letter: Target | None = None
    """Where such events go [the implied `dead-letters`]."""

    def problems(self) -> Iterator[Problem]:
        """Yield a transform that changes nothing."""
        if not (self.set or self.compute or self.remove or self.rename or self.python):
            yield Problem(
                "SG142",
                "nothing is changed",
                (),
                "none of `set`, `compute`, `remove`, `rename`, `python` is given",
                on_key=True,
                help=("say what it changes, or write to its target directly",),
            )
        for field in ("set", "compute", "remove", "rename"):
            yield from self._bad_paths(field)
        for path in self.set.keys() & self.compute.keys():
            yield Problem(
                "SG142",
                f"`{path}` is both set and computed",
                ("compute", path),
                "computed here",
                help=("keep one of them",),
                clash=((("set", path), "set here"),),
                on_key=True,
            )

    def _bad_paths(self, field: str) -> Iterator[Problem]:
        held: Any = getattr(self, field)
        if isinstance(held, tuple):
            written = [((field, index), path, False) for index, path in enumerate(held)]
        else:
            written = [((field, path), path, True) for path in held]
        if field == "rename":
            written += [((field, old), new, False) for old, new in held.items()]
        for place, path, on_key in written:
            why = path_problem(path)
            if why:
                yield Problem(
                    "SG123",
                    f"`{safe_text(path, 80)}` {why}",
                    place,
                    why,
                    help=("write it as `data.a.b`, or `data` for the whole payload",),
                    on_key=on_key,
                )


_PATH = re.compile(r"(?:`[^`]+`|[^.`]+)(?:\.(?:`[^`]+`|[^.`]+))*")


def path_problem(path: str) -> str:
    """Return why a text is no path into an event, as a predicate, or ""."""
    if not _PATH.fullmatch(path):
        return "is no path"
    head, dot, _ = path.partition(".")
    if head == "id":
        return "would change the id, which an event keeps"
    if head == "meta" and not dot:
        return "would replace `meta` as a whole"
    if head in {"type", "source", "time"} and dot:
        return f"reads into `{head}`, which has no fields"
    return ""


class Dedupe(NodeSpec):
    """Counts an event away whose id (or key) passed before.

    With a state dir ids are remembered over a restart; after a kill, all but the last moment's.
    """

    kind: Literal["dedupe"]
    """`dedupe`."""
    to: Target
    """Where first events go."""
    by: Expression = "id"
    """What makes two events the same."""
    window: Duration = 600.0
    """How long an id is remembered."""
    max_ids: Count = 100_000
    """How many ids are remembered at most; the oldest are forgotten first."""


class Sample(NodeSpec):
    """Lets a share of the events pass and counts the others as filtered."""

    kind: Literal["sample"]
    """`sample`."""
    to: Target
    """Where the sample goes."""
    ratio: Share | None = None
    """The share that passes, at random: `0.1`."""
    every: Count | None = None
    """One event in so many passes: `10`."""

    def problems(self) -> Iterator[Problem]:
        """Yield a sample with both of `ratio` and `every`, or neither."""
        if (self.ratio is None) == (self.every is None):
            both = self.ratio is not None
            yield Problem(
                "SG142",
                "`ratio` and `every` are both given" if both else "no share is given",
                ("every",) if both else (),
                "" if both else "neither `ratio` nor `every` is given",
                help=("keep one of them",) if both else ("add `ratio: 0.1` or `every: 10`",),
                clash=((("ratio",), "the other one"),) if both else (),
                on_key=True,
            )


class RateLimit(NodeSpec):
    """Lets events pass at a bounded rate; a writer waits for its turn."""

    kind: Literal["rate_limit"]
    """`rate_limit`."""
    to: Target
    """Where events go."""
    rate: Rate
    """Events per time: `100/s`."""
    burst: Count | None = None
    """Events that may pass at once after a pause [one second's worth, at least 1]."""
    by: Expression | None = None
    """A key; each of its values has a rate of its own."""
    max_wait: Duration | None = None
    """How long a writer waits before it is refused [1m]."""


class BatchSpec(NodeSpec):
    """Collects events and hands them on together."""

    kind: Literal["batch"]
    """`batch`."""
    to: Target
    """Where the batches go."""
    max_events: Annotated[int, whole(1, 100_000)] = 1_000
    """Events at most in a batch."""
    max_bytes: Size | None = None
    """Bytes at most in a batch, unless one event is larger."""
    max_wait: Duration = 1.0
    """How long the first event of a batch waits at most."""
