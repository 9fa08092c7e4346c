"""A use of a template becomes the nodes of its body, as if they had been written in its place.

What may be wrong with the use itself was found when it was read as a node of its kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from sinkgraph.diagnostics.diagnostic import Diagnostic, Label
from sinkgraph.spec.declared import EdgeDecl, NodeDecl
from sinkgraph.spec.document_tree import Entry, Node, Scalar, Sequence
from sinkgraph.spec.document_tree import Mapping as Tree
from sinkgraph.spec.judged import validated
from sinkgraph.spec.kind import Port
from sinkgraph.spec.kinds.base import NodeSpec, Section
from sinkgraph.spec.leaves import Placeholder, leaf, plain, written
from sinkgraph.spec.locate import Owner, from_problem, from_validation
from sinkgraph.spec.problem import Problem
from sinkgraph.spec.templates.built_in import built_in_template
from sinkgraph.spec.templates.model import Template
from sinkgraph.spec.templates.plan import Goal, Step, plan_of
from sinkgraph.spec.templates.put import Put, Room, holds_params, is_inside
from sinkgraph.spec.templates.quick import OF_ALL, OF_FIRST, Quick, pass_on, quick_of

__all__ = ["MAX_MADE", "Expander"]

MAX_MADE = 50_000
"""Nodes that all uses of templates together may become."""
_MANY = f"{MAX_MADE:,} nodes"


class Expander:
    """Expands uses one after the other; `made` counts their nodes, `found` grows as it goes."""

    def __init__(
        self,
        own: Mapping[str, Template],
        located: Callable[[type[Section], Tree], Tree] | None = None,
    ) -> None:
        self.found: list[Diagnostic] = []
        self.made = 0
        self.room = Room()
        self._over = False
        self._own = own
        self._located = located

    def expand(self, use: NodeDecl) -> list[NodeDecl]:
        """Return the nodes a valid use becomes; itself when its template is not known or too big.

        The first bears its name. Each knows the use, and stands where that stands.
        """
        template = self._template_of(use.kind_name)
        if template is None or use.spec is None or template.wrong:
            use.spec, use.blind = None, True
            return [use]
        nodes: list[NodeDecl] = []
        if self.made + template.least > MAX_MADE:
            self._stop(use)
        elif not self._over:
            path = f"sinks.{use.shown}"
            put = Put(template.params, use.tree, use.spec.__dict__, path, room=self.room)
            self._expand(template, _Use(use, use.name, use.label, use.edges, use.spec, put), nodes)
        if self.room.over:
            self._stop(use)
        if self._over:
            use.spec, use.blind = None, True
            return [use]
        return nodes

    def _expand(self, template: Template, use: _Use, nodes: list[NodeDecl]) -> None:
        plan = plan_of(template, use.put)
        if self.made + len(plan) > MAX_MADE:
            self._stop(use.decl)
        for step in plan:
            if self._over or self.room.over:
                break
            if step.quick is None:
                step.quick = quick_of(template, step) or False
            if step.quick and self._located is None:
                self._quick(template, step, use, nodes)
                continue
            node = _Node(template, step, use, self._located)
            nested = self._template_of(step.part.kind.name) if step.part.kind.composite else None
            decl = node.decl()
            self.found.extend(node.found)
            if nested is not None and decl.spec is not None:
                self._nested(nested, use.decl, decl, nodes)
                continue
            if decl.spec is not None and nested is None:
                for problem in decl.spec.problems():
                    self.found.extend(node.told(problem, decl))
            self.made += 1
            nodes.append(decl)
        if not self.room.over:
            self.found.extend(use.put.found)
        use.put.found.clear()

    def _quick(self, template: Template, step: Step, use: _Use, nodes: list[NodeDecl]) -> None:
        """Make a node of values that were read with the use."""
        quick: Quick = step.quick
        put = use.put
        if step.items:
            put = replace(put, items=step.items)
        decl = quick.decl(use.decl, use.name, use.label, use.spec, put)
        for edge in use.edges if quick.part.passed else ():
            pass_on(edge, quick.part, decl.edges)
        decl.blind = use.decl.blind
        assert decl.spec is not None
        decl.enabled = use.enabled and decl.spec.enabled
        for problem in decl.spec.problems():
            node = _Node(template, step, use, None)
            self.found.extend(node.told(problem, decl))
        self.made += 1
        nodes.append(decl)

    def _template_of(self, name: str) -> Template | None:
        own = self._own.get(name)
        return own if own is not None else built_in_template(name)

    def _nested(
        self, template: Template, outer: NodeDecl, decl: NodeDecl, nodes: list[NodeDecl]
    ) -> None:
        """Expand a node of a template that is a use of another one."""
        assert decl.spec is not None
        path = f"sinks.{decl.shown}"
        put = Put(template.params, decl.tree, decl.spec.__dict__, path, room=self.room)
        use = _Use(outer, decl.name, decl.label, decl.edges, decl.spec, put, decl.enabled)
        self._expand(template, use, nodes)

    def _stop(self, use: NodeDecl) -> None:
        """Say once what there is too much of; nothing more is expanded."""
        if self._over:
            return
        self._over = True
        code, what = ("SG103", self.room.over) if self.room.over else ("SG212", _MANY)
        self.found.append(
            Diagnostic(
                code,
                f"the uses of templates become more than {what}",
                "error",
                use.at,
                "one use too many",
                f"sinks.{use.shown}",
                help=("split the document into several graphs",),
            )
        )


class _Use:
    """Is a use that is being expanded: the outermost use it belongs to, and what is its own."""

    __slots__ = ("decl", "edges", "enabled", "label", "name", "put", "spec")

    def __init__(
        self,
        decl: NodeDecl,
        name: str,
        label: str,
        edges: list[EdgeDecl],
        spec: NodeSpec,
        put: Put,
        enabled: bool = True,
    ) -> None:
        self.decl = decl
        self.name = name
        self.label = label
        self.edges = edges
        self.spec = spec
        self.put = put
        self.enabled = enabled and decl.enabled and spec.enabled


class _Node:
    """Is one node of a use that is being made."""

    def __init__(
        self,
        template: Template,
        step: Step,
        use: _Use,
        located: Callable[[type[Section], Tree], Tree] | None,
    ) -> None:
        self.found: list[Diagnostic] = []
        self._template = template
        self._located = located
        self._step = step
        self._part = step.part
        self._use = use
        self._name = f"{use.name}{step.suffix}"
        self._put = replace(use.put, items=step.items) if step.items else use.put
        self._edges: list[EdgeDecl] = []

    def decl(self) -> NodeDecl:
        """Return the node as it would have been declared."""
        use, part = self._use, self._part
        tree = self._tree()
        targets = {port.name: self._targets(port, goals) for port, goals in self._step.goals}
        self._pass_edges()
        made = NodeDecl(
            self._name,
            "sink",
            part.kind.name,
            part.kind,
            tree,
            use.decl.at,
            edges=self._edges,
            blind=use.decl.blind,
            holder=use.decl.name if self._name != use.decl.name else use.decl.holder,
            use=use.decl,
        )
        if self._template.built_in or not self._step.suffix:
            made.said = use.label
        if not part.wrong:
            made.spec = self._judged(made, targets) if part.judged else self._copied(targets)
        made.enabled = use.enabled and (made.spec is None or made.spec.enabled)
        return made

    # --- the fields -------------------------------------------------------------------------------

    def _tree(self) -> Tree:
        """Return the fields as written: the body's, and those the use passes, each at its place."""
        use, part = self._use.put.tree, self._part
        kind = use.entry("kind") if self._template.built_in else part.tree.entry("kind")
        entries = [] if kind is None else [kind]
        passed = [one for key in part.passed if (one := use.entry(key)) is not None]
        said = {one.key.text for one in passed}
        for one in part.fields:
            if one.key.text not in said:
                node = self._field(one)
                if node is not None:
                    entries.append(one if node is one.value else Entry(one.key, node))
        for outlet in part.outlets:
            entries.append(self._rules(outlet.entry) if outlet.port.each else outlet.entry)
        shared = OF_FIRST if not self._step.suffix else OF_ALL
        theirs = [e for k in shared if k not in part.own and (e := use.entry(k)) is not None]
        made = Tree(use.span, [*entries, *passed, *theirs])
        return made if self._located is None else self._located(part.kind.model, made)

    def _field(self, entry: Entry) -> Node | None:
        if entry.key.text in self._expressions():
            return self._put.expression(entry.value)
        return self._put.node(entry.value)

    def _expressions(self) -> set[str]:
        return {one.partition(".")[0] for one in self._part.kind.expressions}

    def _rules(self, entry: Entry) -> Entry:
        """Return a list of rules with literals in its expressions."""
        goals = next(goals for port, goals in self._step.goals if port.name == entry.key.text)
        items: list[Node] = [self._rule(goal.rule) for goal in goals if goal.rule is not None]
        return Entry(entry.key, Sequence(entry.value.span, items))

    def _rule(self, rule: Tree) -> Tree:
        inner = {one.partition(".")[2] for one in self._part.kind.expressions}
        made = []
        for one in rule:
            put = self._put.expression if one.key.text in inner else self._put.node
            node = one.value if one.key.text == "to" else put(one.value)
            if node is not None:
                made.append(Entry(one.key, node))
        return Tree(rule.span, made)

    def _copied(self, targets: dict[str, Any]) -> NodeSpec:
        """Return the fields made of values that were read already."""
        use, part = self._use, self._part
        assert part.proto is not None
        said, values = use.spec.__pydantic_fields_set__, use.spec.__dict__
        update: dict[str, Any] = {name: values[name] for name in part.taken if name in said}
        for name, ref in part.direct.items():
            if name not in update:
                update[name] = self._put.value(ref)
        update.update(targets)
        update.update(self._shared())
        return part.proto.model_copy(update=update)

    def _shared(self) -> dict[str, Any]:
        """Return what every node of a use takes from it, but for what the body says."""
        spec, part = self._use.spec, self._part
        made: dict[str, Any] = {key: getattr(spec, key) for key in OF_ALL if key not in part.own}
        if not self._step.suffix and "description" not in part.own:
            made["description"] = spec.description
        if spec.was is not None:
            made["was"] = f"{spec.was}{self._step.suffix}"
        return made

    def _judged(self, made: NodeDecl, targets: dict[str, Any]) -> NodeSpec | None:
        """Return the fields judged by the node's own model, with what is wrong at its place."""
        part = self._part
        if not self._put.room.take_values(made.tree):
            made.blind = True
            return None
        path = f"sinks.{made.shown}"
        owner = Owner(made.label, path, made.tree, made.at)
        ports = {one.name for one in part.kind.ports}
        values: dict[str, Any] = {}
        for entry in made.tree.entries:
            key = entry.key.text
            if key not in ports:
                held = entry.value
                values[key] = leaf(held) if type(held) is Scalar else plain(held)
        values["kind"] = part.kind.name
        values.update(targets)
        for key in part.passed:
            if key in ports and key in self._use.put.tree:
                values[key] = self._use.spec.__dict__[key]
        values.update({k: v for k, v in self._shared().items() if v is not None})
        spec, error = validated(part.kind.model, values)
        if error is not None:
            found = list(from_validation(error, owner, part.kind.model))
            self.found.extend(one for each in found if (one := self._placed(each)) is not None)
            made.blind = made.blind or (bool(targets) and spec is None and made.blind)
        assert spec is None or isinstance(spec, NodeSpec)
        return spec

    def told(self, problem: Problem, made: NodeDecl) -> Iterator[Diagnostic]:
        """Yield what the node's fields say against each other, unless the body alone says it."""
        owner = Owner(made.label, f"sinks.{made.shown}", made.tree, made.at)
        if problem.path and problem.path[0] in self._part.passed:
            owner = Owner(self._use.label, f"sinks.{self._use.name}", made.tree, made.at)
        one = self._placed(from_problem(problem, owner))
        if one is not None:
            yield one

    def _placed(self, one: Diagnostic) -> Diagnostic | None:
        """Return a finding of a use with the other place it depends on; None for the body's own."""
        for entry in self._part.fields:
            at = entry.value.span
            if at is None or one.span is None:
                continue
            if is_inside(one.span, at) or is_inside(one.span, entry.key.span):
                if not holds_params(entry.value):
                    return None
                label = Label(self._use.decl.at, "in this use") if self._use.decl.at else None
                return replace(one, secondary=(*one.secondary, label)) if label else one
            if self._put.holds(entry.value, one.span):
                return replace(one, secondary=(*one.secondary, Label(at, "used here")))
        return one

    # --- the edges --------------------------------------------------------------------------------

    def _targets(self, port: Port, goals: list[Goal]) -> Any:
        """Add the edges of a port and return what the model is given for it."""
        made: list[Any] = []
        for index, goal in enumerate(goals):
            name = f"{port.name}.{index}" if port.each else port.name
            target = self._target(goal, name, 0 if port.each else index)
            if goal.rule is not None:
                key = "to" if port.each else "node"
                rule = {
                    e.key.text: plain(e.value) for e in self._rule(goal.rule) if e.key.text != key
                }
                made.append({**rule, key: target})
            else:
                made.append(target)
        if port.many:
            return made if any(isinstance(one, dict) for one in made) else tuple(made)
        return made[0] if made else None

    def _target(self, goal: Goal, port: str, index: int) -> str:
        span = goal.span if goal.span is not None else self._use.decl.at
        if goal.suffix is not None:
            name = f"{self._use.name}{goal.suffix}"
            self._edges.append(EdgeDecl(port, name, span, goal.required, index))
            return name
        if goal.param is not None:
            for edge in self._use.edges:
                if edge.port == goal.param.name:
                    self._edges.append(
                        EdgeDecl(
                            port,
                            edge.target,
                            edge.span,
                            goal.required,
                            index,
                            edge.inline,
                            edge.secret,
                            edge.repeats,
                        )
                    )
                    edge.repeats = True
                    return edge.target
            name = str(self._put.value(goal.param.name) or "unset")
            self._edges.append(EdgeDecl(port, name, span, goal.required, index))
            return name
        assert goal.name is not None
        held = leaf(goal.name)
        if isinstance(held, Placeholder):
            self._use.decl.blind = True
            return "unset"
        name = written(held) or "unset"
        self._edges.append(EdgeDecl(port, name, span, goal.required, index))
        return name

    def _pass_edges(self) -> None:
        """Add the edges of ports that the use writes and the body passes."""
        for edge in self._use.edges:
            pass_on(edge, self._part, self._edges)
