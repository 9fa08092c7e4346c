"""SG310: events get as far as each rule of a route, and to its default."""

from __future__ import annotations

from collections.abc import Iterator

from sinkgraph.diagnostics.diagnostic import Diagnostic, Label
from sinkgraph.expr.foregone import Key, all_of, any_of, key_of
from sinkgraph.expr.tree import Node
from sinkgraph.graph.rules.conditions import Condition, conditions
from sinkgraph.graph.view import View
from sinkgraph.spec.declared import NodeDecl

__all__ = ["check"]


def check(view: View) -> Iterator[Diagnostic]:
    """Yield rules that an earlier one leaves no event, and a default that gets none."""
    for decl in view.nodes.values():
        if decl.kind_name == "route":
            yield from _one(decl)


def _one(decl: NodeDecl) -> Iterator[Diagnostic]:
    taken: dict[Key, Condition] = {}  # where this part holds, an earlier rule took the event
    together: dict[frozenset[Key], Condition] = {}
    every = list(conditions(decl))
    for n, one in enumerate(every):
        certain = one.foregone
        if certain is not None and certain.holds:
            yield from _rest(decl, one, every[n + 1 :])
            return
        if certain is not None:
            continue  # SG309 says that it takes none
        parts = [key_of(part) for part in all_of(one.tree.root)]
        before = next((taken[key] for key in parts if key in taken), None)
        before = before or together.get(frozenset(parts))
        if before is not None:
            yield _unreached(decl, one, before)
            continue
        together[frozenset(parts)] = one
        for key in _enough(one.tree.root):
            taken.setdefault(key, one)


def _enough(root: Node) -> Iterator[Key]:
    """Yield parts that each make the whole condition hold."""
    parts = all_of(root)
    if len(parts) == 1:
        yield key_of(root)
        yield from map(key_of, any_of(root))


def _unreached(decl: NodeDecl, one: Condition, before: Condition) -> Diagnostic:
    at = before.leaf.span
    return Diagnostic(
        "SG310",
        f"no event gets to a rule of {decl.label}",
        "warning",
        one.leaf.span,
        "whenever this holds, an earlier rule has taken the event",
        f"sinks.{decl.shown}.{one.path}",
        (Label(at, "this one"),) if at is not None else (),
        help=("take this rule away, or put it before the other",),
    )


def _rest(decl: NodeDecl, one: Condition, later: list[Condition]) -> Iterator[Diagnostic]:
    """Yield the first thing behind a rule that always holds."""
    default = decl.tree.entry("default")
    at = one.leaf.span
    label = (Label(at, "always true"),) if at is not None else ()
    if later:
        first = later[0]
        more = len(later) - 1 + (default is not None)
        yield Diagnostic(
            "SG310",
            f"no event gets to a rule of {decl.label}",
            "warning",
            first.leaf.span,
            "an earlier rule has taken the event",
            f"sinks.{decl.shown}.{first.path}",
            label,
            (f"nor to {more} more behind it",) if more else (),
            ("put the rule that always holds last",),
        )
    elif default is not None:
        yield Diagnostic(
            "SG310",
            f"no event gets to the default of {decl.label}",
            "warning",
            default.value.span,
            "the last rule has taken the event",
            f"sinks.{decl.shown}.default",
            label,
            help=("keep one of the two: `default`, or the rule that always holds",),
        )
