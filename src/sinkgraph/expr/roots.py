"""The types a payload may have: one for each schema, and which of them facts leave.

How a fact comes to be is `sinkgraph.expr.facts`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sinkgraph.expr.facts import Facts
from sinkgraph.expr.types import Type

__all__ = ["Root", "may_be"]


@dataclass(frozen=True, slots=True)
class Root:
    """Is one of the types a payload may have; `event`: of events of this type only."""

    type: Type
    event: str | None = None


def may_be(roots: Sequence[Root], facts: Facts, chosen: frozenset[str]) -> list[Root] | None:
    """Return the types a payload may have given the facts; None when that is not known.

    `chosen`: the variables beside the payload that conditions read, since they may tell which.
    """
    left = [one for one in roots if one.event is None or _is_of(one.event, facts)]
    told = chosen == {"=ev.type"} and all(one.event is not None for one in left)
    if len(left) > 1 and chosen and not told:
        return None
    return left or None


def _is_of(event: str, facts: Facts) -> bool:
    held = ("string", event)
    for what, of, value in facts:
        if of == ("ev.type",) and (
            (what == "in" and held not in value) or (what == "out" and held in value)
        ):
            return False
    return True
