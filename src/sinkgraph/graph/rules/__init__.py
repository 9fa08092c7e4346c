"""The rules of a graph, one a file; each judges one thing and knows no other.

A rule is a function of a `View` that yields diagnostics.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.graph.rules import (
    cycles,
    ends_nowhere,
    expressions,
    failover,
    into_source,
    long_stretch,
    names,
    no_sink,
    no_source,
    renames,
    reserved_name,
    secrets,
    self_edge,
    shared_file,
    shared_listener,
    shared_stdin,
    slow,
    too_many_nodes,
    too_many_targets,
    unknown_target,
    unreachable,
    unsafe_path,
)
from sinkgraph.graph.view import View

__all__ = ["RULES", "Rule"]

Rule = Callable[[View], Iterator[Diagnostic]]

RULES: tuple[Rule, ...] = (
    names.check,
    reserved_name.check,
    unknown_target.check,
    self_edge.check,
    into_source.check,
    ends_nowhere.check,
    cycles.check,
    no_sink.check,
    no_source.check,
    unreachable.check,
    renames.check,
    too_many_nodes.check,
    too_many_targets.check,
    long_stretch.check,
    slow.check,
    failover.check,
    shared_file.check,
    unsafe_path.check,
    shared_listener.check,
    shared_stdin.check,
    secrets.check,
    expressions.check,
)
