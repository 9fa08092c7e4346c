"""SG308: a timeout leaves the retry below it time for a second attempt."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.graph.facts import Facts
from sinkgraph.spec.policies import ExponentialBackoff, GoEventsBackoff
from sinkgraph.spec.units import format_duration

__all__ = ["check"]

_DRAWN = {"full": "up to ", "equal": "up to ", "decorrelated": "at least "}
"""How the first wait of a jitter stands to `base`."""


def check(facts: Facts) -> Iterator[Diagnostic]:
    """Yield each timeout that is shorter than the first wait of a retry below it.

    Where the wait is drawn, its longest counts: then some writes end early, and others do not.
    """
    nodes = facts.graph.nodes
    for name, node in nodes.items():
        below = facts.below(name) if node.kind == "timeout" else None
        if below is None:
            continue
        retry = nodes[below.name]
        wait = _first_wait(retry.spec)
        timeout: Any = node.spec
        if wait is None or timeout.after >= wait[0]:
            continue
        seconds, about = wait
        ends = "may end" if about == "up to " else "ends"
        yield Diagnostic(
            "SG308",
            f"timeout `{name}` {ends} before the retry `{retry.name}` tries again",
            "warning",
            facts.place(node, "after"),
            f"the retry's first wait is {about}{format_duration(seconds)}",
            f"sinks.{name}.after",
            facts.label("waits longer", retry, "backoff", "base"),
            facts.reach_note(retry.name),
            (f"put the timeout below `{retry.name}`, where it bounds each attempt",),
        )


def _first_wait(spec: Any) -> tuple[float, str] | None:
    """Return the first wait of a retry, and how far that is exact; None: it has no backoff.

    With only a breaker, a retry waits once that is open.
    """
    backoff = spec.backoff
    if backoff is None:
        if spec.breaker is not None:
            return None
        backoff = ExponentialBackoff()
    if isinstance(backoff, GoEventsBackoff):
        return min(backoff.base + backoff.factor, backoff.cap), ""
    return min(backoff.base, backoff.cap), _DRAWN.get(backoff.jitter, "")
