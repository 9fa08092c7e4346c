"""Nodes of a use made of values that were read already, which is how nearly all of them are made.

What has to be judged anew for each use is made by `sinkgraph.spec.templates.expand`.
"""

from __future__ import annotations

from typing import Any

from sinkgraph.spec.declared import EdgeDecl, NodeDecl
from sinkgraph.spec.document_tree import Entry
from sinkgraph.spec.document_tree import Mapping as Tree
from sinkgraph.spec.kinds.base import NodeSpec
from sinkgraph.spec.templates.model import Part, Template
from sinkgraph.spec.templates.plan import Step
from sinkgraph.spec.templates.put import Put, holds_params

__all__ = ["OF_ALL", "OF_FIRST", "Quick", "pass_on", "quick_of"]

OF_ALL = ("group", "on_remove")
OF_FIRST = (*OF_ALL, "description", "enabled", "was")
"""What all nodes of a use, or its first, take from it beside what the body passes."""


class Quick:
    """Is what the node of one step has in every use."""

    __slots__ = (
        "direct",
        "entries",
        "goals",
        "open",
        "part",
        "ports",
        "said",
        "step",
        "suffix",
        "takes",
    )

    def __init__(self, template: Template, step: Step) -> None:
        part = step.part
        self.step = step
        self.part = part
        self.suffix = step.suffix
        own = () if template.built_in else [part.tree.entry("kind")]
        said = [one for one in part.fields if not holds_params(one.value)]
        fixed = [one for one in (*own, *said) if one is not None]
        self.entries: list[Entry] = [*fixed, *(outlet.entry for outlet in part.outlets)]
        self.open = [one for one in part.fields if holds_params(one.value)]
        shared = OF_ALL if step.suffix else OF_FIRST
        left = {key for key in shared if key not in part.own}
        self.takes = frozenset((*part.passed, *left, *(("kind",) if template.built_in else ())))
        self.direct = [(name, ref) for name, ref in part.direct.items()]
        self.goals = [
            (port.name, goal.suffix, goal.span, goal.required, index)
            for port, goals in step.goals
            for index, goal in enumerate(goals)
            if goal.suffix is not None
        ]
        self.ports = [
            (port.name, port.many, tuple(goal.suffix or "" for goal in goals))
            for port, goals in step.goals
        ]
        self.said = template.built_in or not step.suffix

    def decl(self, use: NodeDecl, name: str, label: str, spec: NodeSpec, put: Put) -> NodeDecl:
        """Return the node of a use; `name` and `label` are those of the use it belongs to."""
        at, part, takes = use.at, self.part, self.takes
        entries = [one for one in put.tree.entries if one.key.text in takes]
        edges = [
            EdgeDecl(port, name + suffix, span or at, required, index)
            for port, suffix, span, required, index in self.goals
        ]
        made = NodeDecl(
            name + self.suffix,
            "sink",
            part.kind.name,
            part.kind,
            Tree(put.tree.span, [*self._entries(put, entries), *entries]),
            at,
            self._spec(name, spec, put),
            edges,
            holder=use.name if self.suffix or name != use.name else use.holder,
            use=use,
        )
        if self.said:
            made.said = label
        return made

    def _entries(self, put: Put, theirs: list[Entry]) -> list[Entry]:
        """Return what the body says, but for what the use says instead."""
        made = self.entries
        if self.open:
            put_in = [(one.key, put.node(one.value)) for one in self.open]
            made = [*made, *(Entry(key, node) for key, node in put_in if node is not None)]
        if self.part.passed and self.part.own:
            said = {one.key.text for one in theirs if one.key.text != "kind"}
            made = [one for one in made if one.key.text not in said]
        return made

    def _spec(self, name: str, spec: NodeSpec, put: Put) -> NodeSpec:
        part = self.part
        assert part.proto is not None
        said, values = spec.__pydantic_fields_set__, spec.__dict__
        update: dict[str, Any] = {key: values[key] for key in part.taken if key in said}
        for key, ref in self.direct:
            if key not in update:
                update[key] = put.value(ref)
        for port, many, suffixes in self.ports:
            if many:
                update[port] = tuple([name + suffix for suffix in suffixes])
            else:
                update[port] = name + suffixes[0] if suffixes else None
        own = part.own
        if "group" in said and "group" not in own:
            update["group"] = values["group"]
        if "on_remove" in said and "on_remove" not in own:
            update["on_remove"] = values["on_remove"]
        if "description" in said and not self.suffix and "description" not in own:
            update["description"] = values["description"]
        if "was" in said and values["was"] is not None:
            update["was"] = f"{values['was']}{self.suffix}"
        return part.proto.with_values(update)


def pass_on(edge: EdgeDecl, part: Part, edges: list[EdgeDecl]) -> None:
    """Add an edge that a use writes to those of a node whose body passes its port."""
    if edge.port.partition(".")[0] in part.passed:
        edges.append(
            EdgeDecl(
                *(edge.port, edge.target, edge.span, edge.required, edge.index),
                *(edge.inline, edge.secret, edge.repeats),
            )
        )
        edge.repeats = True


def quick_of(template: Template, step: Step) -> Quick | None:
    """Return how the node of a step is made, or None when each use of it is judged."""
    part = step.part
    if part.judged or part.wrong or part.proto is None:
        return None
    names = any(goal.suffix is None or goal.rule for _, goals in step.goals for goal in goals)
    return None if names else Quick(template, step)
