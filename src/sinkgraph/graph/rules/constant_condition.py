"""SG309: a condition tells events apart."""

from __future__ import annotations

from collections.abc import Iterator

from sinkgraph.diagnostics.diagnostic import Diagnostic, Label
from sinkgraph.graph.rules.conditions import Condition, conditions
from sinkgraph.graph.view import View

__all__ = ["check"]


def check(view: View) -> Iterator[Diagnostic]:
    """Yield conditions that hold for no event, and filters that let every event pass.

    A rule of a route that always holds is how an `else` is written; what stands after it is SG310.
    """
    for decl in view.nodes.values():
        if decl.kind_name not in ("filter", "route"):
            continue
        for one in conditions(decl):
            found = one.foregone
            if found is not None and (not found.holds or decl.kind_name == "filter"):
                yield _constant(one, found.holds, found.clash)


def _constant(one: Condition, holds: bool, clash: tuple[tuple[int, int], ...] | None) -> Diagnostic:
    decl = one.decl
    secondary: tuple[Label, ...] = ()
    span, label = one.leaf.span, "always true" if holds else "never true"
    if clash == ():
        label = "never true: its parts exclude each other"
    elif clash is not None:
        first, span = one.at(*clash[0]), one.at(*clash[1])
        label = "this excludes what is asked for before"
        secondary = (Label(first, "excluded by the other"),) if first is not None else ()
    if holds:
        what = f"every event passes {decl.label}"
        help = f"write to what is below `{decl.shown}` directly, or state a condition"
    else:
        what = f"no event passes {decl.label}"
        help = f"change the condition, or write `enabled: false` in `{decl.shown}`"
        if decl.kind_name == "route":
            what = f"a rule of {decl.label} takes no event"
            help = "change the condition, or take the rule away"
    path = f"sinks.{decl.shown}.{one.path}"
    return Diagnostic("SG309", what, "warning", span, label, path, secondary, help=(help,))
