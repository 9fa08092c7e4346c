"""Kinds that fan out or choose: broadcast, route, filter, fallback, balance."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from sinkgraph.spec.fields import Flag
from sinkgraph.spec.kinds.base import NodeSpec, Section, Target
from sinkgraph.spec.kinds.types import Choice, Expression
from sinkgraph.spec.problem import Problem

__all__ = ["Balance", "Branch", "Broadcast", "Fallback", "Filter", "OnError", "Route", "RouteRule"]

OnError = Annotated[Literal["dead_letter", "drop", "pass"], Choice()]


class Branch(Section):
    """Is one target of a broadcast."""

    node: Target
    """The sink that is written to."""
    required: Flag = True
    """False: a failure or a full queue there is counted and never delays the writer."""


def _branch(value: Any) -> Any:
    return {"node": value} if isinstance(value, str) else value


BranchOrName = Annotated[Branch, BeforeValidator(_branch, json_schema_input_type=Target | Branch)]


class Broadcast(NodeSpec):
    """Gives every event to each of its targets."""

    kind: Literal["broadcast"]
    """`broadcast`."""
    to: tuple[BranchOrName, ...]
    """The targets: names, or `{node: name, required: false}`."""


class Filter(NodeSpec):
    """Lets an event pass when an expression holds."""

    kind: Literal["filter"]
    """`filter`."""
    where: Expression
    """The condition; events for which it is false go to `otherwise`, or are counted as filtered."""
    to: Target
    """Where events go for which it holds."""
    otherwise: Target | None = None
    """Where the other events go."""
    on_error: OnError = "dead_letter"
    """What becomes of an event the condition cannot be evaluated on (a missing field is such)."""
    dead_letter: Target | None = None
    """Where such events go [the implied `dead-letters`]."""


class RouteRule(Section):
    """Is one rule of a route."""

    when: Expression
    """The condition."""
    to: Target
    """Where an event goes for which this is the first condition that holds."""


class Route(NodeSpec):
    """Gives an event to the target of the first condition that holds."""

    kind: Literal["route"]
    """`route`."""
    routes: tuple[RouteRule, ...]
    """The rules, tried in order."""
    default: Target | None = None
    """Where an event goes that no rule takes; without it, it is counted as filtered."""
    on_error: OnError = "dead_letter"
    """What becomes of an event a condition cannot be evaluated on; `pass` sends it to `default`."""
    dead_letter: Target | None = None
    """Where such events go [the implied `dead-letters`]."""


class Fallback(NodeSpec):
    """Gives a batch to the first target that accepts it."""

    kind: Literal["fallback"]
    """`fallback`."""
    to: tuple[Target, ...]
    """The targets, in the order they are tried."""


class Balance(NodeSpec):
    """Spreads events over its targets: each event goes to one."""

    kind: Literal["balance"]
    """`balance`."""
    to: tuple[Target, ...]
    """The targets."""
    by: Annotated[Literal["round_robin", "least_pending", "key"], Choice()] = "round_robin"
    """How a target is chosen; `key` sends events of one key to the same target."""
    key: Expression | None = None
    """The key, for `by: key`."""

    def problems(self) -> Iterator[Problem]:
        """Yield a key without `by: key`, and the other way round."""
        if self.by == "key" and self.key is None:
            yield Problem(
                "SG142",
                "`by: key` does not say which key",
                ("by",),
                "`key` is not given",
                help=("add an expression: `key: data.customer`",),
            )
        if self.by != "key" and self.key is not None:
            yield Problem(
                "SG142",
                "`key` means nothing without `by: key`",
                ("key",),
                f"`by` is `{self.by}`",
                help=("write `by: key`, or take `key` away",),
                on_key=True,
            )
