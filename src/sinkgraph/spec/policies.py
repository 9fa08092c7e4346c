"""The policies a document states: how long to wait between attempts, when to stop trying.

They are values; the machines that follow them are `sinkgraph.sinks.backoff` and `.breaker`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Tag

from sinkgraph.spec.fields import Duration, Ratio, number
from sinkgraph.spec.kinds.base import Section
from sinkgraph.spec.kinds.types import Choice, Count, Factor, Share
from sinkgraph.spec.problem import Path, Problem

__all__ = ["Backoff", "Breaker", "BreakerFields", "ExponentialBackoff", "GoEventsBackoff"]

Jitter = Annotated[Literal["full", "equal", "decorrelated", "none"], Choice()]


class ExponentialBackoff(Section):
    """Waits base · factor^(n−1) after failure n, at most `cap`, made uneven by `jitter`."""

    kind: Literal["exponential"] = "exponential"
    """`exponential`."""
    base: Duration = 1.0
    """The wait after the first failure, before jitter."""
    factor: Annotated[float, number(0, 1000)] = 2.0
    """How much longer each wait is than the one before; at least 1."""
    cap: Duration = 30.0
    """The longest wait."""
    jitter: Jitter = "full"
    """`full` draws from [0, wait), `equal` from [wait/2, wait), `decorrelated` from the last wait,
    `none` waits exactly."""

    def problems(self) -> Iterator[Problem]:
        """Yield what base, factor and cap say against each other."""
        yield from _base_over_cap(self.base, self.cap)
        if self.factor < 1:
            yield Problem(
                "SG141",
                f"the backoff shrinks: factor is {self.factor:g}",
                ("factor",),
                "below 1, so later waits are shorter than earlier ones",
                help=("a factor of 1 waits evenly, 2 doubles",),
            )


class GoEventsBackoff(Section):
    """Waits min(base + factor · 2^(n−1), cap), as go-events does, without its overflow."""

    kind: Literal["go_events"]
    """`go_events`."""
    base: Duration = 1.0
    """The part of each wait that does not grow."""
    factor: Duration = 1.0
    """The part of each wait that doubles."""
    cap: Duration = 20.0
    """The longest wait (`Max` in go-events)."""

    def problems(self) -> Iterator[Problem]:
        """Yield what base and cap say against each other."""
        yield from _base_over_cap(self.base, self.cap)


def _base_over_cap(base: float, cap: float) -> Iterator[Problem]:
    if base > cap:
        yield Problem(
            "SG140",
            "the backoff's base is longer than its cap",
            ("base",),
            "longer than the longest wait",
            help=("raise `cap`, or lower `base`",),
            clash=((("cap",), "the longest wait"),),
        )


def _backoff_kind(value: Any) -> Any:
    if isinstance(value, dict):
        return value.get("kind", "exponential")
    return getattr(value, "kind", "exponential")


Backoff = Annotated[
    Annotated[ExponentialBackoff, Tag("exponential")]
    | Annotated[GoEventsBackoff, Tag("go_events")],
    Discriminator(_backoff_kind),
]
"""How long to wait between attempts."""


class BreakerFields(Section):
    """Holds the fields of a circuit breaker, as a policy and as a kind."""

    failure_threshold: Count = 5
    """Failures in a row that trip it."""
    open_for: Duration = 5.0
    """How long it refuses attempts after it trips for the first time."""
    open_for_max: Duration = 300.0
    """The longest it refuses attempts, however often it reopened."""
    reopen_factor: Factor = 2.0
    """How much longer it stays open each time a probe fails."""
    jitter: Ratio = 0.2
    """How far `open_for` is varied, up and down."""
    probes: Count = 1
    """Attempts admitted at once while it is half open."""
    half_open_max: Duration = 60.0
    """How long it may stay half open before it opens again."""
    window: Duration | None = None
    """Also judge the share of failures over this time; needs `failure_rate` or `slow_rate`."""
    min_calls: Count = 20
    """Attempts the window must hold before its shares count."""
    failure_rate: Share | None = None
    """The share of failures within the window that trips it [50 % when there is a window and no
    `slow_rate`]."""
    slow_after: Duration | None = None
    """An attempt that takes longer is slow."""
    slow_rate: Share | None = None
    """The share of slow attempts within the window that trips it."""

    def problems(self) -> Iterator[Problem]:
        """Yield what the times and the window's fields say against each other."""
        if self.open_for > self.open_for_max:
            yield Problem(
                "SG140",
                "the breaker's `open_for` is longer than its `open_for_max`",
                ("open_for",),
                "longer than the longest time",
                help=("raise `open_for_max`, or lower `open_for`",),
                clash=((("open_for_max",), "the longest time"),),
            )
        yield from self._needs("failure_rate", "window")
        yield from self._needs("slow_rate", "window")
        yield from self._needs("slow_rate", "slow_after")
        yield from self._needs("slow_after", "slow_rate")

    def _needs(self, field: str, other: str) -> Iterator[Problem]:
        if getattr(self, field) is not None and getattr(self, other) is None:
            path: Path = (field,)
            yield Problem(
                "SG142",
                f"the breaker's `{field}` means nothing without `{other}`",
                path,
                f"`{other}` is not given",
                help=(f"add `{other}:`, or take `{field}` away",),
                on_key=True,
            )


class Breaker(BreakerFields):
    """Is a circuit breaker: after enough failures it refuses attempts for a while, then probes."""
