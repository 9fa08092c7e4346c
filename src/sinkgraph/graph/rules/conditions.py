"""The conditions of a filter or a route, with what is certain of them and where they stand.

What is wrong with an expression is found elsewhere: such a one is left out here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sinkgraph.diagnostics.source import Span
from sinkgraph.expr.foregone import Foregone, foregone
from sinkgraph.expr.tree import Tree
from sinkgraph.spec.declared import NodeDecl
from sinkgraph.spec.document_tree import Mapping, Node, Scalar, Sequence
from sinkgraph.spec.leaves import Placeholder
from sinkgraph.spec.written_at import written_at

__all__ = ["Condition", "conditions"]


@dataclass(frozen=True, slots=True)
class Condition:
    """Is one condition: its node, its path in that, how it is written, and what it means."""

    decl: NodeDecl
    path: str
    leaf: Scalar
    tree: Tree

    @property
    def foregone(self) -> Foregone | None:
        """What is certain of it before there is an event."""
        return foregone(self.leaf.text, self.tree)

    def at(self, start: int, end: int) -> Span | None:
        """Return where a piece of it stands."""
        return written_at(self.leaf, start, end)


def conditions(decl: NodeDecl) -> Iterator[Condition]:
    """Yield the conditions of a node that can be used, in the order they are tried."""
    from sinkgraph.expr.check import checked
    from sinkgraph.expr.errors import BadExpression

    for path, leaf in _leaves(decl.tree):
        if not isinstance(leaf, Scalar) or isinstance(leaf.value, Placeholder):
            continue
        if not isinstance(leaf.value, str | bool):
            continue
        try:
            tree = checked(leaf.text, result="bool").tree
        except BadExpression:
            continue
        yield Condition(decl, path, leaf, tree)


def _leaves(tree: Mapping) -> Iterator[tuple[str, Node | None]]:
    yield "where", tree.get("where")
    routes = tree.get("routes")
    if isinstance(routes, Sequence):
        for index, item in enumerate(routes.items):
            if isinstance(item, Mapping):
                yield f"routes[{index}].when", item.get("when")
