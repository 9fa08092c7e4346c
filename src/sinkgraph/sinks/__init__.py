"""The sinks: how events move. Every one is usable without any document.

Public names are looked up on first use, so that importing this package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sinkgraph.sinks.backoff import ConstantBackoff as ConstantBackoff
    from sinkgraph.sinks.backoff import ExponentialBackoff as ExponentialBackoff
    from sinkgraph.sinks.backoff import GoEventsBackoff as GoEventsBackoff
    from sinkgraph.sinks.balance import Balance as Balance
    from sinkgraph.sinks.base import Sink as Sink
    from sinkgraph.sinks.base import Terminal as Terminal
    from sinkgraph.sinks.batch import BatchSink as BatchSink
    from sinkgraph.sinks.blackhole import Blackhole as Blackhole
    from sinkgraph.sinks.breaker_policy import Breaker as Breaker
    from sinkgraph.sinks.breaker_sink import BreakerSink as BreakerSink
    from sinkgraph.sinks.broadcast import Broadcast as Broadcast
    from sinkgraph.sinks.burial import DeadLetters as DeadLetters
    from sinkgraph.sinks.call import Call as Call
    from sinkgraph.sinks.channel import Channel as Channel
    from sinkgraph.sinks.dedupe import Dedupe as Dedupe
    from sinkgraph.sinks.fallback import Fallback as Fallback
    from sinkgraph.sinks.file import FileSink as FileSink
    from sinkgraph.sinks.filter import Filter as Filter
    from sinkgraph.sinks.http import HttpSink as HttpSink
    from sinkgraph.sinks.queue import Queue as Queue
    from sinkgraph.sinks.rate_limit import RateLimit as RateLimit
    from sinkgraph.sinks.retry import Retry as Retry
    from sinkgraph.sinks.route import Route as Route
    from sinkgraph.sinks.sample import Sample as Sample
    from sinkgraph.sinks.stdout import Stdout as Stdout
    from sinkgraph.sinks.timeout import Timeout as Timeout
    from sinkgraph.sinks.transform import Transform as Transform

_EXPORTS: dict[str, str] = {
    "Balance": "balance",
    "BatchSink": "batch",
    "Blackhole": "blackhole",
    "Breaker": "breaker_policy",
    "BreakerSink": "breaker_sink",
    "Broadcast": "broadcast",
    "Call": "call",
    "Channel": "channel",
    "ConstantBackoff": "backoff",
    "DeadLetters": "burial",
    "Dedupe": "dedupe",
    "ExponentialBackoff": "backoff",
    "Fallback": "fallback",
    "FileSink": "file",
    "Filter": "filter",
    "GoEventsBackoff": "backoff",
    "HttpSink": "http",
    "Queue": "queue",
    "RateLimit": "rate_limit",
    "Retry": "retry",
    "Route": "route",
    "Sample": "sample",
    "Sink": "base",
    "Stdout": "stdout",
    "Terminal": "base",
    "Timeout": "timeout",
    "Transform": "transform",
}
"""Public name → its module here, and its name there where that differs."""

__all__ = sorted(_EXPORTS)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    """Load a public name from its module on first use (PEP 562)."""
    if name not in _EXPORTS:
        raise AttributeError(f"module 'sinkgraph.sinks' has no attribute {name!r}")
    module, _, attribute = _EXPORTS[name].partition(":")
    found = getattr(import_module(f"sinkgraph.sinks.{module}"), attribute or name)
    globals()[name] = found
    return found
