"""The sinks: how events move. Every one is usable without any document.

Public names are looked up on first use, so that importing this package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

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
