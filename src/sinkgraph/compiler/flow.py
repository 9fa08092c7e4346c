"""Builders of the kinds between sources and terminals: fan, change, reliability."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sinkgraph.compiler.build import Parts, backoff_and_breaker
from sinkgraph.compiler.policies import breaker_of
from sinkgraph.sinks.balance import Balance
from sinkgraph.sinks.base import Node
from sinkgraph.sinks.batch import BatchSink
from sinkgraph.sinks.breaker_sink import BreakerSink
from sinkgraph.sinks.broadcast import Broadcast
from sinkgraph.sinks.burial import DeadLetters
from sinkgraph.sinks.dedupe import Dedupe
from sinkgraph.sinks.fallback import Fallback
from sinkgraph.sinks.filter import Filter
from sinkgraph.sinks.queue import Queue
from sinkgraph.sinks.rate_limit import RateLimit
from sinkgraph.sinks.retry import Retry
from sinkgraph.sinks.route import Route
from sinkgraph.sinks.sample import Sample
from sinkgraph.sinks.timeout import Timeout
from sinkgraph.sinks.transform import Transform

__all__ = ["MAKERS"]


def _broadcast(parts: Parts) -> Node:
    targets: list[Any] = parts.ports.get("to", [])
    return Broadcast(targets, drop_closed=False)


def _filter(parts: Parts) -> Node:
    return Filter(
        parts.one(),
        parts.expression(parts.spec.where, "bool"),
        otherwise=parts.maybe("otherwise"),
        on_error=parts.spec.on_error,
        dead_letter=parts.dead_letter(),
    )


def _route(parts: Parts) -> Node:
    routes = [
        (parts.expression(rule.when, "bool"), parts.one(f"routes.{k}"))
        for k, rule in enumerate(parts.spec.routes)
    ]
    return Route(
        routes,
        default=parts.maybe("default"),
        on_error=parts.spec.on_error,
        dead_letter=parts.dead_letter(),
    )


def _fallback(parts: Parts) -> Node:
    return Fallback(parts.many())


def _balance(parts: Parts) -> Node:
    key = parts.spec.key
    return Balance(
        parts.many(),
        by=parts.spec.by,
        key=parts.expression(key, "any").evaluate if key is not None else None,
    )


def _transform(parts: Parts) -> Node:
    spec = parts.spec
    return Transform(
        parts.one(),
        set=spec.set,
        compute={path: parts.expression(text, "any") for path, text in spec.compute.items()},
        remove=spec.remove,
        rename=spec.rename,
        python=parts.function(spec.python) if spec.python is not None else None,
        on_error=spec.on_error,
        dead_letter=parts.dead_letter(),
    )


def _dedupe(parts: Parts) -> Node:
    spec = parts.spec
    by = spec.by if spec.by == "id" else parts.expression(spec.by, "any").evaluate
    return Dedupe(parts.one(), by=by, window=spec.window, max_ids=spec.max_ids)


def _sample(parts: Parts) -> Node:
    return Sample(parts.one(), ratio=parts.spec.ratio, every=parts.spec.every)


def _rate_limit(parts: Parts) -> Node:
    spec = parts.spec
    by = parts.expression(spec.by, "any").evaluate if spec.by is not None else None
    waits = {} if spec.max_wait is None else {"max_wait": spec.max_wait}
    return RateLimit(parts.one(), rate=spec.rate, burst=spec.burst, by=by, **waits)


def _batch(parts: Parts) -> Node:
    spec = parts.spec
    return BatchSink(
        parts.one(),
        max_events=spec.max_events,
        max_bytes=spec.max_bytes,
        max_wait=spec.max_wait,
    )


def _queue(parts: Parts) -> Node:
    spec = parts.spec
    order_by = parts.expression(spec.order_by, "any") if spec.order_by is not None else None
    return Queue(
        parts.one(),
        spec.capacity,
        spec.when_full,
        store=spec.store,
        on_stop=spec.on_stop,
        overflow=parts.maybe("overflow"),
        max_wait=spec.max_wait,
        max_bytes=spec.max_bytes,
        concurrency=spec.concurrency,
        order_by=order_by.evaluate if order_by is not None else None,
        max_batch=spec.max_batch,
        linger=spec.linger,
        dead_letter=parts.dead_letter(),
    )


def _retry(parts: Parts) -> Node:
    spec = parts.spec
    return Retry(
        parts.one(),
        **backoff_and_breaker(parts),
        max_attempts=spec.max_attempts,
        give_up_after=spec.give_up_after,
        hold=spec.hold,
        dead_letter=parts.dead_letter(),
        retry_after_cap=spec.retry_after_cap,
    )


def _breaker(parts: Parts) -> Node:
    return BreakerSink(parts.one(), breaker_of(parts.spec))


def _timeout(parts: Parts) -> Node:
    return Timeout(parts.one(), parts.spec.after)


def _dead_letter(parts: Parts) -> Node:
    spec = parts.spec
    return DeadLetters(spec.capacity, max_bytes=spec.max_bytes, max_age=spec.max_age)


MAKERS: dict[str, Callable[[Parts], Node]] = {
    "broadcast": _broadcast,
    "filter": _filter,
    "route": _route,
    "fallback": _fallback,
    "balance": _balance,
    "transform": _transform,
    "dedupe": _dedupe,
    "sample": _sample,
    "rate_limit": _rate_limit,
    "batch": _batch,
    "queue": _queue,
    "retry": _retry,
    "breaker": _breaker,
    "timeout": _timeout,
    "dead_letter": _dead_letter,
}
