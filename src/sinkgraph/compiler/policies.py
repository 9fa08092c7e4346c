"""From stated policies to the values the sinks follow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sinkgraph.sinks.backoff import Backoff, ExponentialBackoff, GoEventsBackoff
from sinkgraph.sinks.breaker_policy import Breaker
from sinkgraph.spec import policies
from sinkgraph.spec.secret import Secret

__all__ = ["backoff_of", "breaker_of", "plain_vars"]


def backoff_of(spec: Any) -> Backoff | None:
    """Return the backoff a document states, or None."""
    match spec:
        case None:
            return None
        case policies.ExponentialBackoff():
            return ExponentialBackoff(spec.base, spec.factor, spec.cap, spec.jitter)
        case policies.GoEventsBackoff():
            return GoEventsBackoff(spec.base, spec.factor, spec.cap)
        case _:
            raise TypeError(f"not a backoff: {spec!r}")


def breaker_of(spec: policies.BreakerFields | None) -> Breaker | None:
    """Return the breaker policy a document states, or None."""
    if spec is None:
        return None
    return Breaker(**{name: getattr(spec, name) for name in policies.BreakerFields.model_fields})


def plain_vars(vars: Mapping[str, Any]) -> dict[str, Any]:
    """Return the vars as expressions see them; a secret is revealed to the expression alone."""
    return {k: v.reveal() if isinstance(v, Secret) else v for k, v in vars.items()}
