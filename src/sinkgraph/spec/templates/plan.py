"""Which nodes of a template a use has, under which names, and what each writes to.

It depends on the use only through what is given and how long lists are, so uses share plans.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sinkgraph.diagnostics.source import Span
from sinkgraph.spec.document_tree import Mapping as Tree
from sinkgraph.spec.document_tree import Scalar
from sinkgraph.spec.kind import Port
from sinkgraph.spec.templates.model import Aim, Outlet, Part, Template
from sinkgraph.spec.templates.params import Param
from sinkgraph.spec.templates.put import Put

__all__ = ["Goal", "Step", "plan_of"]


@dataclass(slots=True)
class Goal:
    """Is one target of a node that is there: a node of the use by its suffix, a name, or a param.

    `required` and `rule` are those of the place it stands at.
    """

    span: Span | None
    suffix: str | None
    name: Scalar | None = None
    param: Param | None = None
    required: bool = True
    rule: Tree | None = None


@dataclass(slots=True)
class Step:
    """Is one node of a use: `suffix` is added to the name of the use, with its dot.

    `quick`: how it is made where nothing has to be judged; False when something has.
    """

    part: Part
    suffix: str
    items: Mapping[str, int]
    goals: list[tuple[Port, list[Goal]]] = field(default_factory=list)
    quick: Any = None


def plan_of(template: Template, put: Put) -> list[Step]:
    """Return the nodes of a use, each before those it writes to."""
    if not template.asks and not template.lists:
        key: tuple[tuple[bool, ...], tuple[int, ...]] = ((), ())
    else:
        key = (
            tuple(put.given(name) for name in template.asks),
            tuple(_length(put, name) for name in template.lists),
        )
    plan = template.plans.get(key)
    if plan is None:
        given = dict(zip(template.asks, key[0], strict=True))
        lengths = dict(zip(template.lists, key[1], strict=True))
        plan = _Planner(given.__getitem__, lengths.__getitem__).plan(template.first)
        template.plans[key] = plan
    return plan


def _length(put: Put, name: str) -> int:
    value = put.value(name)
    return len(value) if isinstance(value, list | tuple) else 0


class _Planner:
    def __init__(self, given: Callable[[str], bool], length: Callable[[str], int]) -> None:
        self._given = given
        self._length = length
        self._steps: list[Step] = []

    def plan(self, first: Part) -> list[Step]:
        self._place(first, "", {})
        return self._steps

    def _place(self, part: Part, number: str, items: Mapping[str, int]) -> list[Goal]:
        """Add a node with all below it; return what an edge to it leads to."""
        if part.given is not None and not self._given(part.given.shown):
            return self._onward(part, number, items)
        if part.each is None:
            return self._one(part, number, items)
        made: list[Goal] = []
        name = part.each.shown
        for at in range(self._length(name)):
            more = f"{number}-{at + 1}" if at else number
            made.extend(self._one(part, more, {**items, name: at}))
        return made

    def _onward(self, part: Part, number: str, items: Mapping[str, int]) -> list[Goal]:
        """Return what stands for a node that is not there: what it would write to."""
        for outlet in part.outlets:
            if outlet.port.name == "to":
                return self._goals(outlet, number, items)
        return []

    def _one(self, part: Part, number: str, items: Mapping[str, int]) -> list[Goal]:
        suffix = f".{part.base}{number}" if part.base else ""
        step = Step(part, suffix, items)
        at = len(self._steps)
        self._steps.append(step)
        for outlet in part.outlets:
            goals = self._goals(outlet, number, items)
            step.goals.append((outlet.port, goals))
            alone = len(goals) == 1 and outlet.port.many and outlet.port.name == "to"
            if alone and outlet.varies and part.base:  # a fan-out of one says nothing
                del self._steps[at]
                return goals
        return [Goal(None, suffix)]

    def _goals(self, outlet: Outlet, number: str, items: Mapping[str, int]) -> list[Goal]:
        made: list[Goal] = []
        for aim in outlet.aims:
            made.extend(self._reached(aim, number, items))
        return made

    def _reached(self, aim: Aim, number: str, items: Mapping[str, int]) -> list[Goal]:
        if aim.part is not None:
            found = self._place(aim.part, number, items)
        elif aim.param is not None:
            found = [Goal(aim.span, None, param=aim.param)] if self._given(aim.param.name) else []
        else:
            found = [Goal(aim.span, None, name=aim.name)]
        return [
            Goal(aim.span, one.suffix, one.name, one.param, aim.required, aim.rule) for one in found
        ]
