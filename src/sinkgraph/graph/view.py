"""What the rules look at: declared nodes connected by name, those of templates' uses among them.

It holds facts and judges none; each rule of `sinkgraph.graph.rules` judges one thing.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from sinkgraph.diagnostics.diagnostic import Label
from sinkgraph.diagnostics.source import Span
from sinkgraph.graph.model import DEAD_LETTERS
from sinkgraph.graph.order import topological
from sinkgraph.graph.outputs import Output, look_at_outputs
from sinkgraph.spec.declared import EdgeDecl, GraphSpec, NodeDecl
from sinkgraph.spec.document_tree import Mapping, Scalar, Sequence

__all__ = ["Link", "View", "connect", "edge_path", "inside", "section_place"]


@dataclass(frozen=True, slots=True)
class Link:
    """Is an edge whose ends both exist."""

    source: NodeDecl
    edge: EdgeDecl
    target: NodeDecl

    @property
    def span(self) -> Span | None:
        """Where the target's name stands."""
        return self.edge.span


@dataclass
class View:
    """Holds the connected nodes of a document.

    `nodes`: the enabled ones by name, in the order written; the first of equal names. `out` and
    `into`: their links. `unknown`: edges that name nothing. `looped`: edges to their own node.
    `backwards`: edges into a source. `cut`: edges to a disabled node. `shadowed`: names of sinks
    that a node before them has too. `imports`: a schema may be Python that is imported for it.
    """

    spec: GraphSpec
    base: Path
    output: Path
    imports: bool = True
    nodes: dict[str, NodeDecl] = field(default_factory=dict)
    disabled: dict[str, NodeDecl] = field(default_factory=dict)
    out: dict[str, list[Link]] = field(default_factory=dict)
    into: dict[str, list[Link]] = field(default_factory=dict)
    unknown: list[tuple[NodeDecl, EdgeDecl]] = field(default_factory=list)
    looped: list[tuple[NodeDecl, EdgeDecl]] = field(default_factory=list)
    backwards: list[Link] = field(default_factory=list)
    cut: list[Link] = field(default_factory=list)
    shadowed: set[str] = field(default_factory=set)

    @cached_property
    def unread(self) -> tuple[str, ...]:
        """The sections of the document that could not be read at all."""
        held = {section: self.spec.tree.get(section) for section in ("sources", "sinks")}
        return tuple(
            section
            for section, one in held.items()
            if isinstance(one, Sequence) or (isinstance(one, Scalar) and one.value is not None)
        )

    @cached_property
    def order(self) -> list[str] | None:
        """The names, topologically, or None when there is a cycle."""
        order = self.settled
        return order if len(order) == len(self.nodes) else None

    @cached_property
    def settled(self) -> list[str]:
        """The names, topologically, without those on a cycle or behind one."""
        return topological(self.nodes, self.successors)

    @cached_property
    def successors(self) -> dict[str, list[str]]:
        """The names each node writes to."""
        return {name: [link.target.name for link in links] for name, links in self.out.items()}

    @cached_property
    def sources(self) -> list[NodeDecl]:
        """The enabled sources."""
        return [one for one in self.nodes.values() if one.side == "source"]

    @cached_property
    def parents(self) -> dict[str, str | None]:
        """What is reached from a source → the node before it on a shortest path."""
        found: dict[str, str | None] = {one.name: None for one in self.sources}
        todo = deque(found)
        while todo:
            name = todo.popleft()
            for target in self.successors[name]:
                if target not in found:
                    found[target] = name
                    todo.append(target)
        return found

    @cached_property
    def outputs(self) -> list[Output]:
        """The files that the enabled file sinks write, in the order written."""
        return look_at_outputs(self.nodes.values(), self.output)

    @cached_property
    def has_sinks(self) -> bool:
        """Whether a sink takes part, other than a `dead-letters` that nothing names."""
        return any(
            one.side == "sink" and (one.name != DEAD_LETTERS or self.into[one.name])
            for one in self.nodes.values()
        )

    @cached_property
    def roots(self) -> list[str]:
        """The sinks that nothing writes to; every node may write to `dead-letters`."""
        return [
            name
            for name, one in self.nodes.items()
            if one.side == "sink" and not self.into[name] and name != DEAD_LETTERS
        ]

    @cached_property
    def unsure(self) -> bool:
        """Whether some edge could not be read, so that what it reaches is not known."""
        if self.unknown or self.looped or self.backwards or self.unread or self.shadowed:
            return True
        return any(one.blind or one.kind is None for one in self.spec.nodes)

    def path_to(self, name: str) -> tuple[str, ...]:
        """Return a shortest path from a source to a node, both named; () when there is none."""
        path: list[str] = []
        at: str | None = name if name in self.parents else None
        while at is not None:
            path.append(at)
            at = self.parents[at]
        return tuple(reversed(path))

    def path_note(self, name: str) -> tuple[str, ...]:
        """Return the note that tells how events reach a node."""
        path = self.path_to(name)
        if len(path) < 2:
            return ()
        steps = [*path[:4], "…", *path[-4:]] if len(path) > 9 else path
        return (f"events reach it by `{' → '.join(steps)}`",)


def connect(spec: GraphSpec, base: Path, output: Path, *, imports: bool = True) -> View:
    """Connect the nodes of a spec by name; nothing is judged."""
    view = View(spec, base, output, imports)
    off: set[str] = set()
    for decl in spec.nodes:
        table = view.nodes
        if not decl.enabled or (decl.holder is not None and decl.holder in off):
            off.add(decl.name)
            table = view.disabled
        if decl.name not in view.nodes and decl.name not in view.disabled:
            table[decl.name] = decl
        elif decl.side == "sink":
            view.shadowed.add(decl.name)
    nodes, disabled = view.nodes, view.disabled
    out: dict[str, list[Link]] = {name: [] for name in nodes}
    into: dict[str, list[Link]] = {name: [] for name in nodes}
    for name, decl in nodes.items():
        links = out[name]
        for edge in decl.edges:
            target = nodes.get(edge.target)
            if target is None:
                if edge.target in disabled:
                    view.cut.append(Link(decl, edge, disabled[edge.target]))
                elif "sinks" not in view.unread and not edge.repeats:
                    view.unknown.append((decl, edge))
            elif target.side == "source" and edge.target in view.shadowed:
                continue  # the sink of that name is meant
            elif target is decl:
                view.looped.append((decl, edge))
            elif target.side == "source":
                if not edge.repeats:
                    view.backwards.append(Link(decl, edge, target))
            else:
                link = Link(decl, edge, target)
                links.append(link)
                into[edge.target].append(link)
    view.out, view.into = out, into
    return view


def inside(decl: NodeDecl) -> tuple[Label, ...]:
    """Return the label that names the node a finding is in."""
    return (Label(decl.at, f"in this {decl.side}"),) if decl.at is not None else ()


def edge_path(decl: NodeDecl, edge: EdgeDecl) -> str:
    """Return the dotted path of a port of a node."""
    return f"{decl.side}s.{decl.shown}.{edge.port}"


def section_place(tree: Mapping, *sections: str) -> Span | None:
    """Return where the first of these sections stands that is there, or what stands first."""
    for section in sections:
        if section in tree:
            return tree.key_span(section)
    return tree.entries[0].key.span if tree.entries else tree.span
