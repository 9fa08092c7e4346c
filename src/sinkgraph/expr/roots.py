"""The types a payload may have: one for each schema, and which of them facts leave.

How a fact comes to be is `sinkgraph.expr.facts`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sinkgraph.expr.facts import Facts
from sinkgraph.expr.types import Type
from sinkgraph.formats.type_patterns import DEFAULT, best_pattern, meets

__all__ = ["Root", "may_be"]


@dataclass(frozen=True, slots=True)
class Root:
    """Is one of the types a payload may have.

    `event`: of events whose type belongs to this pattern only, and to none of `others`. `name` is
    how messages call it, where it is known that it is this one.
    """

    type: Type
    event: str | None = None
    others: frozenset[str] = frozenset()
    name: str = ""


def may_be(roots: Sequence[Root], facts: Facts, chosen: frozenset[str]) -> list[Root] | None:
    """Return the types a payload may have given the facts; None when that is not known.

    `chosen`: the variables beside the payload that conditions read, since they may tell which.
    """
    left = [one for one in roots if one.event is None or _is_of(one, one.event, facts)]
    told = chosen == {"=ev.type"} and all(one.event is not None for one in left)
    if len(left) > 1 and chosen and not told:
        return None
    return left or None


def _is_of(root: Root, event: str, facts: Facts) -> bool:
    """Tell whether facts leave a type that belongs to the pattern of a root."""
    one_type = event != DEFAULT and not event.endswith("*")
    for what, of, value in facts:
        if of != ("ev.type",):
            continue
        if what == "in" and not any(_belongs(root, event, *held) for held in value):
            return False
        if what == "out" and one_type and ("string", event) in value:
            return False
        if what == "begins" and not meets(event, root.others, value):
            return False
    return True


def _belongs(root: Root, event: str, kind: str, value: object) -> bool:
    if kind != "string" or not isinstance(value, str):
        return False
    return best_pattern({event, *root.others}, value) == event
