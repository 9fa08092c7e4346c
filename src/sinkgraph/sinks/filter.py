"""A filter lets matching events pass; the rest is counted, or goes to `otherwise`.

It does not evaluate expressions itself: `where` is a callable over an Event, or an expression
that can judge a whole batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, cast

from sinkgraph.event import Batch, Event
from sinkgraph.log.admission import Plan
from sinkgraph.sinks.base import Link, Sink
from sinkgraph.sinks.instant import Instant, bury
from sinkgraph.telemetry.stats import Ledger

__all__ = ["Filter", "Predicate", "as_predicate", "fail_events"]

_ON_ERROR = ("dead_letter", "drop", "pass")
_LOG_EVERY_S = 60.0


class Predicate(Protocol):
    """Judges a batch: which indices match, and which failed with what."""

    def predicate(self, batch: Batch) -> tuple[list[int], list[tuple[int, Exception]]]:
        """Return the matching indices in order, and the failed ones with their errors."""
        ...


class _CallablePredicate:
    def __init__(self, judge: Callable[[Event], object]) -> None:
        self._judge = judge

    def predicate(self, batch: Batch) -> tuple[list[int], list[tuple[int, Exception]]]:
        judge = self._judge
        matched: list[int] = []
        failed: list[tuple[int, Exception]] = []
        for k, event in enumerate(batch):
            try:
                if judge(event):
                    matched.append(k)
            except Exception as error:
                failed.append((k, error))
            except BaseException as error:
                failed.append((k, RuntimeError(f"the predicate raised {error!r}")))
        return matched, failed


def as_predicate(where: Any) -> Predicate:
    """Return a Predicate for a callable, an expression's text, or a compiled expression."""
    if isinstance(where, str):
        from sinkgraph.expr.compile import compile_expression

        return cast(Predicate, compile_expression(where, result="bool"))
    if hasattr(where, "predicate"):
        return cast(Predicate, where)
    if callable(where):
        return _CallablePredicate(where)
    raise TypeError(f"a predicate is an expression or a callable, not {where!r}")


class Filter(Instant):
    """Passes events for which `where` is true to `to`.

    `on_error` says what becomes of an event whose evaluation failed: `dead_letter`, `drop`
    (counted) or `pass`.
    """

    kind = "filter"
    settings = ("where", "on_error")
    edges = ("to", "otherwise", "dead_letter")

    def __init__(
        self,
        to: Sink,
        where: Any,
        *,
        otherwise: Sink | None = None,
        on_error: str = "dead_letter",
        dead_letter: Sink | None = None,
    ) -> None:
        super().__init__()
        if on_error not in _ON_ERROR:
            raise ValueError(f"on_error is one of {', '.join(_ON_ERROR)}, not {on_error!r}")
        self.to = Link(to)
        self.otherwise = Link(otherwise, "otherwise") if otherwise is not None else None
        self.dead_letter = Link(dead_letter, "dead_letter") if dead_letter is not None else None
        self.where = as_predicate(where)
        self.on_error = on_error
        self.last_error: str | None = None
        self._logged_at: float | None = None

    def links(self) -> Sequence[Link]:
        """Return `to`, then `otherwise` and `dead_letter` where they exist."""
        return [link for link in (self.to, self.otherwise, self.dead_letter) if link is not None]

    @property
    def instant(self) -> bool:
        """Whether both outcomes can be taken at once."""
        return self.to.target.instant and (self.otherwise is None or self.otherwise.target.instant)

    def admit(self, batch: Batch, plan: Plan, trail: tuple[Ledger, ...], link: Link) -> None:
        """Plan to hand on what matches."""
        n = len(batch)
        ledger = self.ledger
        plan.enter(ledger, n)
        matched, failed = self.where.predicate(batch)
        if failed:
            matched = fail_events(self, batch, plan, matched, failed, trail)
        below = (*trail, ledger)
        if len(matched) == n:
            self.to.admit(batch, plan, below)
            return
        if matched:
            self.to.admit(batch.pick(matched), plan, below)
        passed = len(matched) + (0 if self.on_error == "pass" else len(failed))
        if passed == n:
            return
        if self.otherwise is None:
            plan.filter(ledger, "no_match", n - passed, trail)
            return
        taken = set(matched) | {k for k, _ in failed}
        rest = batch.pick(k for k in range(n) if k not in taken)
        self.otherwise.admit(rest, plan, below)

    def facts(self) -> dict[str, Any]:
        """Return the last evaluation error."""
        return {"last_error": self.last_error}


def fail_events(
    node: Any,
    batch: Batch,
    plan: Plan,
    matched: list[int],
    failed: list[tuple[int, Exception]],
    trail: tuple[Ledger, ...],
) -> list[int]:
    """Apply a node's `on_error` to failed evaluations; return the indices that pass."""
    note_failure(node, failed[0][1])
    if node.on_error == "pass":
        return sorted([*matched, *(k for k, _ in failed)])
    if node.on_error == "drop":
        plan.drop(node.ledger, "expression_error", len(failed), trail)
    else:
        texts = [f"{type(error).__name__}: {error}" for _, error in failed]
        bad = batch.pick(k for k, _ in failed)
        bury(node, node.dead_letter, bad, plan, "expression_error", texts, trail)
    return matched


def note_failure(node: Any, error: Exception) -> None:
    """Remember a failed evaluation; journal the first one a minute."""
    node.last_error = f"{type(error).__name__}: {error}"
    node.status = "degraded"
    if node.ctx is None:
        return
    now = node.ctx.clock.now()
    if node._logged_at is None or now - node._logged_at >= _LOG_EVERY_S:
        node._logged_at = now
        node.ctx.journal("expression_failed", node=node.name, error=node.last_error)
