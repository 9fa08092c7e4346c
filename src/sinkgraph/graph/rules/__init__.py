"""The rules of a graph, one a file; each judges one thing and knows no other.

A rule is a function of a `View` that yields diagnostics.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.graph.rules import (
    cycles,
    expressions,
    failover,
    names,
    reach,
    renames,
    resources,
    secrets,
    size,
    slow,
    targets,
)
from sinkgraph.graph.view import View

__all__ = ["RULES", "Rule"]

Rule = Callable[[View], Iterator[Diagnostic]]

RULES: tuple[Rule, ...] = (
    names.check,
    targets.check,
    cycles.check,
    reach.check,
    renames.check,
    size.check,
    slow.check,
    failover.check,
    resources.check,
    secrets.check,
    expressions.check,
)
