"""Reading a node's ports: names, lists of names and nodes written in place become edges.

The port's value in the fields is replaced by names, so that a model never sees a nested node.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sinkgraph.diagnostics.diagnostic import Diagnostic, Label
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.diagnostics.source import Span
from sinkgraph.spec.declared import EdgeDecl, NodeDecl
from sinkgraph.spec.document_tree import Entry, Mapping, Node, Scalar, Sequence
from sinkgraph.spec.kind import Kinds, Port
from sinkgraph.spec.leaves import Placeholder, is_secret, leaf, plain, written

__all__ = ["INLINE_NAME", "Inline", "PortReader"]

INLINE_NAME = "name"
_MAX_FOUND = 1000  # in one node
_GENERIC = (
    Port("to", optional=True),
    Port("otherwise", optional=True),
    Port("default", optional=True),
    Port("overflow", optional=True),
    Port("dead_letter", optional=True),
    Port("routes", many=True, optional=True, each=True),
)
"""The ports a node of unknown kind is read with, so that its edges are still judged."""


@dataclass(slots=True)
class Inline:
    """Is a node written in place, under the name it got."""

    name: str
    tree: Mapping
    at: Span | None
    holder: str


class PortReader:
    """Reads the ports of one node; `edges`, `inline` and `found` grow as it goes."""

    def __init__(self, decl: NodeDecl, kinds: Kinds) -> None:
        self.decl = decl
        self._kinds = kinds
        self.inline: list[Inline] = []
        self.found: list[Diagnostic] = []
        self.ports = {one.name: one for one in (decl.kind.ports if decl.kind else _GENERIC)}
        self._first: dict[str, Span | None] = {}
        self._counts: dict[str, int] = {}

    def read(self, entry: Entry) -> Any:
        """Return what the model is given for the field of a port."""
        port = self.ports[entry.key.text]
        if port.each:
            return self._each(port, entry)
        if port.many:
            return self._many(port, entry)
        if isinstance(entry.value, Sequence) and self.decl.kind is not None:
            return self._list_for_one(port, entry, entry.value)
        if isinstance(entry.value, Sequence):
            for index, item in enumerate(entry.value.items):
                self._target(item, port.name, index)
            return None
        return self._target(entry.value, port.name, 0)

    def _many(self, port: Port, entry: Entry) -> Any:
        value = entry.value
        if not isinstance(value, Sequence):
            name = self._branch(value, port.name, 0)
            shown = f"[{_word(value)}]"
            self._arity(
                f"{self.decl.label} has a list of targets, and one stands there",
                value.span,
                "not a list",
                f"write `{port.name}: {shown}`",
            )
            return (name,)
        if not value.items:
            self.found.append(
                Diagnostic(
                    "SG211",
                    f"{self.decl.label} has no targets",
                    "error",
                    value.span,
                    "an empty list",
                    f"{self.decl.shown}.{port.name}",
                    help=("name at least one sink",),
                )
            )
            self.decl.blind = True
        names = tuple(
            self._branch(item, port.name, index) for index, item in enumerate(value.items)
        )
        self._repeated(value)
        return names

    def _repeated(self, value: Sequence) -> None:
        """Find a target that a list names twice."""
        seen: dict[str, Span | None] = {}
        for edge in self.decl.edges[-len(value.items) :] if value.items else ():
            if edge.target in seen and not edge.inline and len(self.found) < _MAX_FOUND:
                first = seen[edge.target]
                self.found.append(
                    Diagnostic(
                        "SG216",
                        f"{self.decl.label} names `{edge.shown}` twice",
                        "error",
                        edge.span,
                        "named again",
                        f"{self.decl.shown}.{edge.port}",
                        (Label(first, "named here first"),) if first else (),
                        help=("name each sink once",),
                    )
                )
            seen.setdefault(edge.target, edge.span)

    def _branch(self, value: Node, port: str, index: int) -> Any:
        """Read one target of a list; a broadcast's may be `{node: …, required: …}`."""
        if not isinstance(value, Mapping) or "node" not in value or "kind" in value:
            return self._target(value, port, index)
        made = {one.key.text: plain(one.value) for one in value.entries if one.key.text != "node"}
        required = made.get("required", True)
        node = value.get("node")
        assert node is not None
        made["node"] = self._target(node, port, index, required=required is not False)
        return made

    def _each(self, port: Port, entry: Entry) -> Any:
        value = entry.value
        if not isinstance(value, Sequence):
            self.decl.blind = True
            return plain(value)
        if not value.items and self.decl.kind is not None:
            return self._many(port, entry)
        made: list[Any] = []
        for index, item in enumerate(value.items):
            if not isinstance(item, Mapping):
                made.append(plain(item))
                continue
            rule = {one.key.text: plain(one.value) for one in item if one.key.text != "to"}
            target = item.entry("to")
            if target is not None and isinstance(target.value, Sequence):
                name = f"{port.name}.{index}"
                rule["to"] = self._list_for_one(Port(name), target, target.value)
            elif target is not None:
                rule["to"] = self._target(target.value, f"{port.name}.{index}", 0)
            made.append(rule)
        return made

    def _list_for_one(self, port: Port, entry: Entry, value: Sequence) -> Any:
        names = [self._target(item, port.name, index) for index, item in enumerate(value.items)]
        count = len(names)
        if count == 1 and not _is_inline(value.items[0]):
            help = f"write `{entry.key.text}: {_word(value.items[0])}`"
        elif count == 1:
            help = "write the sink without the brackets"
        elif count == 0:
            help = "name one sink"
        else:
            help = "put a `kind: broadcast` in between, and list them in its `to`"
        self._arity(
            f"{self.decl.label} has one `{entry.key.text}`, and a list of {count} stands there",
            value.span,
            "a list",
            help,
        )
        return names[0] if names else "unset"

    def _arity(self, headline: str, span: Span | None, label: str, help: str) -> None:
        path = self.decl.name
        self.found.append(Diagnostic("SG205", headline, "error", span, label, path, help=(help,)))

    def _target(self, value: Node, port: str, index: int, *, required: bool = True) -> Any:
        """Add the edge to one target and return its name; what names nothing is left as it is."""
        inline = secret = False
        if isinstance(value, Mapping):
            name, inline = self._name_inline(value), True
            self.inline.append(Inline(name, value, _kind_span(value), self.decl.name))
        elif type(value) is Scalar:
            held = leaf(value)
            text = written(held)
            if text is None or isinstance(held, Placeholder):
                self.decl.blind = True
                return "unset" if text is not None else None
            name, secret = text, is_secret(held)
        else:
            self.decl.blind = True
            return plain(value)
        span = _kind_span(value) if isinstance(value, Mapping) else value.span
        edge = EdgeDecl(port, name, span, required, index, inline, secret)
        self.decl.edges.append(edge)
        return name

    def _name_inline(self, tree: Mapping) -> str:
        own = tree.get(INLINE_NAME)
        if type(own) is Scalar and (text := written(leaf(own))):
            return text
        held = tree.get("kind")
        word = leaf(held) if type(held) is Scalar else None
        kind = (None if is_secret(word) else written(word)) or "sink"
        base = f"{self.decl.name}.{kind}"
        number = self._counts[kind] = self._counts.get(kind, 0) + 1
        if number == 1:
            self._first[kind] = _kind_span(tree)
            return base
        known = self._kinds.find("sink", kind)
        if known is not None and known.stateful:
            self.found.append(self._must_be_named(kind, tree, number))
        return f"{base}-{number}"

    def _must_be_named(self, kind: str, tree: Mapping, number: int) -> Diagnostic:
        first = self._first[kind]
        example = "{name: " + f"{self.decl.shown}.{kind}-{_LETTERS[number % 26]}, kind: {kind}, …}}"
        return Diagnostic(
            "SG208",
            f"two {kind} nodes written inside `{self.decl.shown}` would need numbers",
            "error",
            _kind_span(tree),
            f"another {kind} without a name",
            self.decl.name,
            (Label(first, f"this one is `{self.decl.shown}.{kind}`"),) if first else (),
            (_WHY_NAMED,),
            (f"name it: `{example}`",),
        )


_WHY_NAMED = "a number follows the order of the list: a reload could hand one's events to another"
_LETTERS = "zabcdefghijklmnopqrstuvwxy"


def _word(value: Node) -> str:
    """Return what a leaf says, as a proposal may repeat it; `…` for all else."""
    held = leaf(value) if type(value) is Scalar else None
    return "…" if is_secret(held) else safe_text(written(held) or "…", 80)


def _is_inline(value: Node) -> bool:
    return isinstance(value, Mapping)


def _kind_span(tree: Mapping) -> Span | None:
    """Return the place that stands for a node written in place: the value of its `kind`."""
    held = tree.get("kind")
    return tree.span if held is None else held.span
