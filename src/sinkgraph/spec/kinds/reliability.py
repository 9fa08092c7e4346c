"""Kinds that keep events from being lost: queue, retry, breaker, timeout, and the dead letter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, model_validator

from sinkgraph.spec.fields import Duration, DurationOrZero, Size
from sinkgraph.spec.kinds.base import NodeSpec, Section, Target
from sinkgraph.spec.kinds.types import Choice, Count, Expression, whole
from sinkgraph.spec.leaves import written
from sinkgraph.spec.policies import Backoff, Breaker, BreakerFields
from sinkgraph.spec.problem import Later, Problem
from sinkgraph.spec.units import format_size

__all__ = [
    "BreakerNode",
    "DeadLetter",
    "Queue",
    "QueueFields",
    "Retry",
    "RetryFields",
    "Timeout",
]

WhenFull = Annotated[Literal["block", "reject", "drop_oldest", "drop_newest", "overflow"], Choice()]


CAPACITY = 10_000
ON_DISK: Mapping[str, int] = MappingProxyType({"capacity": 1_000_000, "max_bytes": 1024**3})
"""What bounds a queue on disk unless its document says otherwise."""

_IS_ON_DISK = {"properties": {"store": {"const": "disk"}}, "required": ["store"]}


def _by_store(schema: dict[str, Any]) -> None:
    """State in a JSON Schema the two defaults that depend on `store`."""
    if any(name not in schema["properties"] for name in ("store", *ON_DISK)):
        return  # a template that does not pass all three
    del schema["properties"]["capacity"]["default"], schema["properties"]["max_bytes"]["default"]
    disk = {"capacity": ON_DISK["capacity"], "max_bytes": format_size(ON_DISK["max_bytes"])}
    memory = {"capacity": CAPACITY, "max_bytes": None}
    schema["if"] = _IS_ON_DISK
    for branch, defaults in (("then", disk), ("else", memory)):
        stated = {name: {"default": value} for name, value in defaults.items()}
        schema[branch] = {"properties": stated}


class QueueFields(Section):
    """Holds the fields of a queue, which an endpoint takes too."""

    model_config = ConfigDict(json_schema_extra=_by_store)

    later: ClassVar[tuple[Later, ...]] = (
        Later(
            "store",
            lambda value: isinstance(value, dict),
            "write `store: disk`, which keeps events on this machine",
        ),
    )

    store: Annotated[Literal["memory", "disk"], Choice()] = "memory"
    """Where pending events are kept: in `memory`, where a kill loses them, or on `disk`, in the
    state dir, where it does not; a write to a queue on disk returns when the disk has the event."""
    capacity: Annotated[int, whole(1, 100_000_000)] = CAPACITY
    """Events it holds at most [on disk 1,000,000]."""
    max_bytes: Size | None = None
    """Bytes of payload it holds at most [on disk 1GiB]."""
    when_full: WhenFull = "block"
    """What a write meets when there is no room: `block` waits, `reject` refuses, `drop_oldest` and
    `drop_newest` lose events and count them, `overflow` writes to that port."""
    overflow: Target | None = None
    """Where events go that find no room, for `when_full: overflow`."""
    max_wait: Duration | None = None
    """How long a blocked writer waits before it is refused [as long as it wants]."""
    order_by: Expression | None = None
    """A key; events of one key stay in order when `concurrency` is more than 1."""
    linger: DurationOrZero = 0.0
    """How long a delivery waits for more events."""
    dead_letter: Target | None = None
    """Where events go that the target rejects [the implied `dead-letters`]."""
    on_stop: Annotated[Literal["save", "discard"], Choice()] = "save"
    """What becomes of events in memory still pending when a stop reaches its deadline: `save` keeps
    them in the state dir, when the run has one, for the next start; `discard` counts and reports
    them. What a queue on disk holds stays there."""

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, values: Any) -> Any:
        return cls.filled(values) if isinstance(values, dict) else values

    @classmethod
    def filled(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Give a queue on disk the defaults of one, where the document leaves them open."""
        if written(values.get("store")) != "disk":
            return values
        filled = {"capacity": ON_DISK["capacity"], **values}
        if filled.get("max_bytes") is None:
            filled["max_bytes"] = format_size(ON_DISK["max_bytes"])
        return filled

    def default_of(self, field: str) -> Any:
        """Return what a field holds when a document leaves it open; bounds depend on the store."""
        on_disk = self.store == "disk" and field in ON_DISK
        return ON_DISK[field] if on_disk else super().default_of(field)

    def problems(self) -> Iterator[Problem]:
        """Yield an overflow port that is missing or not used, and a stop that cannot discard."""
        if self.store == "disk" and self.on_stop == "discard":
            yield Problem(
                "SG142",
                "a stop discards nothing that is on disk",
                ("on_stop",),
                "`store` is `disk`",
                help=("take `on_stop` away, or write `store: memory`",),
            )
        if self.when_full == "overflow" and self.overflow is None:
            yield Problem(
                "SG142",
                "`when_full: overflow` does not say where events go",
                ("when_full",),
                "`overflow` is not given",
                help=("add `overflow: NAME`",),
            )
        if self.when_full != "overflow" and self.overflow is not None:
            yield Problem(
                "SG142",
                "`overflow` means nothing without `when_full: overflow`",
                ("overflow",),
                f"`when_full` is `{self.when_full}`",
                help=("write `when_full: overflow`, or take `overflow` away",),
                on_key=True,
            )


class Queue(QueueFields, NodeSpec):
    """Takes responsibility for events and delivers them at the target's own speed."""

    kind: Literal["queue"]
    """`queue`."""
    to: Target
    """Where events are delivered."""
    concurrency: Annotated[int, whole(1, 1_000)] = 1
    """Deliveries under way at once."""
    max_batch: Annotated[int, whole(1, 100_000)] = 1_000
    """Events at most in one delivery; targets may take fewer."""


class RetryFields(Section):
    """Holds the fields of a retry, which an endpoint takes too."""

    backoff: Backoff | None = None
    """How long to wait between attempts [exponential from 1s, doubling to 30s, full jitter; with
    only a breaker, its waits]."""
    breaker: Breaker | None = None
    """Stops attempts for a while after several failures; `{}` takes the defaults [none]."""
    max_attempts: Count = 20
    """Attempts on one event before giving up; `give_up_after` must have passed too."""
    give_up_after: Duration = 3600.0
    """Time on one event before giving up; `max_attempts` must have passed too."""
    hold: Annotated[Literal["lane", "key", "event"], Choice()] = "lane"
    """What waits while an event is tried again: its `lane`, its `key`, or only the `event`."""
    retry_after_cap: Duration = 3600.0
    """The longest wait a destination may ask for."""
    dead_letter: Target | None = None
    """Where events go that were given up or rejected [the implied `dead-letters`]."""

    def problems(self) -> Iterator[Problem]:
        """Yield what the policies say against themselves."""
        for field in ("backoff", "breaker"):
            policy = getattr(self, field)
            if policy is not None:
                for one in policy.problems():
                    yield within(one, field)


def within(problem: Problem, field: str) -> Problem:
    """Return a problem of a nested section as one of the section that holds it as `field`."""
    clash = tuple(((field, *path), text) for path, text in problem.clash)
    return replace(problem, path=(field, *problem.path), clash=clash)


class Retry(RetryFields, NodeSpec):
    """Writes again what its target could not take."""

    kind: Literal["retry"]
    """`retry`."""
    to: Target
    """Where events are written."""


class BreakerNode(BreakerFields, NodeSpec):
    """Fails fast while its target is failing."""

    kind: Literal["breaker"]
    """`breaker`."""
    to: Target
    """The target it watches."""


class Timeout(NodeSpec):
    """Ends a write that takes too long; its outcome is then unknown."""

    kind: Literal["timeout"]
    """`timeout`."""
    to: Target
    """Where events are written."""
    after: Duration
    """How long one write may take."""


class DeadLetter(NodeSpec):
    """Keeps events that could not be delivered, with the reason, until somebody replays them.

    They are kept in the state dir; a run without one keeps them in memory, until it ends.
    """

    kind: Literal["dead_letter"]
    """`dead_letter`."""
    capacity: Annotated[int, whole(1, 100_000_000)] = 100_000
    """Events it holds at most."""
    max_bytes: Size = 1024**3
    """Bytes it holds at most."""
    max_age: Duration = 30 * 86_400.0
    """How long an event is kept."""
