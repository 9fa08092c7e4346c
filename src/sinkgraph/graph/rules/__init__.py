"""The rules of a graph, one a file; each judges one thing and knows no other.

A rule is a function of a `View` that yields diagnostics; a lint is one of `Facts`, and warns of
what a valid graph does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.graph.facts import Facts
from sinkgraph.graph.rules import (
    breaker_above_retry,
    constant_condition,
    cycles,
    ends_nowhere,
    event_types,
    expressions,
    failover,
    fates,
    head_of_line,
    held_by_retry,
    into_source,
    long_stretch,
    memory_before_disk,
    names,
    nested_retries,
    no_sink,
    no_source,
    optional_without_queue,
    order_lost,
    renames,
    reserved_name,
    route_not_reached,
    secrets,
    self_edge,
    shared_file,
    shared_listener,
    shared_stdin,
    slow,
    timeout_above_retry,
    too_many_nodes,
    too_many_targets,
    unbounded_call,
    unknown_target,
    unreachable,
    unsafe_path,
)
from sinkgraph.graph.view import View

__all__ = ["LINTS", "RULES", "Lint", "Rule"]

Rule = Callable[[View], Iterator[Diagnostic]]
Lint = Callable[[Facts], Iterator[Diagnostic]]

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
    event_types.check,
    constant_condition.check,
    route_not_reached.check,
)

LINTS: tuple[Lint, ...] = (
    fates.check,
    memory_before_disk.check,
    held_by_retry.check,
    nested_retries.check,
    breaker_above_retry.check,
    timeout_above_retry.check,
    unbounded_call.check,
    head_of_line.check,
    optional_without_queue.check,
    order_lost.check,
)
