"""Reading nodes: kind, ports, what is not in this version, then the model of its fields.

Every node is read whatever became of the others; names across nodes are judged in
`sinkgraph.graph`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from collections.abc import Mapping as MappingABC
from typing import Any

from pydantic import ValidationError

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.diagnostics.nearest import nearest
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.diagnostics.source import Span
from sinkgraph.spec.declared import NodeDecl
from sinkgraph.spec.document_tree import Entry, Mapping, Node, Scalar
from sinkgraph.spec.fields import name_problem, shown
from sinkgraph.spec.judged import not_in_this_version, take_later, validated
from sinkgraph.spec.kind import LATER_KINDS, Kind, Kinds, Side, plugin_problems
from sinkgraph.spec.kinds.base import NodeSpec, Section
from sinkgraph.spec.leaves import is_secret, leaf, plain, written
from sinkgraph.spec.locate import Owner, from_problem, from_validation
from sinkgraph.spec.ports import INLINE_NAME, Inline, PortReader
from sinkgraph.spec.templates.expand import Expander
from sinkgraph.spec.templates.read import NO_TEMPLATES, Templates

__all__ = ["Defaults", "Located", "NodeReader"]

Defaults = MappingABC[str, list[Entry]]
"""Kind → the fields every node of it has unless it says otherwise."""

Located = Callable[[type[Section], Mapping], Mapping]
"""Brings the relative inputs of a node, by its model, to where the graph's inputs start."""

_MAX_FOUND = 1000
"""Findings after which the fields of further nodes are not judged any more."""
_OTHER_SIDE: dict[Side, Side] = {"source": "sink", "sink": "source"}
_SECTION: dict[Side, str] = {"source": "sources", "sink": "sinks"}


class NodeReader:
    """Reads nodes one after the other; `nodes` and `found` grow as it goes."""

    def __init__(
        self,
        defaults: Defaults,
        located: Located | None = None,
        templates: Templates = NO_TEMPLATES,
    ) -> None:
        self.nodes: list[NodeDecl] = []
        self.found: list[Diagnostic] = []
        self._defaults = defaults
        self._located = located
        self._kinds = templates.kinds
        self._wrong = templates.wrong
        self._expander = Expander(templates.made, located)

    def read(self, name: str, side: Side, tree: Mapping, at: Span | None) -> None:
        """Read a node and, after it, every node written inside it."""
        todo: list[tuple[Side, Inline]] = [(side, Inline(name, tree, at, ""))]
        while todo:
            here, one = todo.pop()
            inner = self._one(one, here)
            todo.extend(("sink", child) for child in reversed(inner))

    def _one(self, one: Inline, side: Side) -> list[Inline]:
        decl = NodeDecl(one.name, side, "", None, one.tree, one.at, holder=one.holder or None)
        self.nodes.append(decl)
        problem = name_problem(one.name)
        nameless = not one.name and not one.holder  # which is a finding already
        if problem and not nameless and not (one.holder and INLINE_NAME not in one.tree):
            self._bad_name(decl, problem)
        tired = len(self.found) >= _MAX_FOUND
        known = self._kind(decl, helped=not tired)
        if decl.kind is not None:
            decl.tree = self._with_defaults(decl.kind, one.tree)
            if self._located is not None:
                decl.tree = self._located(decl.kind.model, decl.tree)
        ports = PortReader(decl, self._kinds)
        values = self._values(decl, ports, skip_name=bool(one.holder))
        self.found.extend(ports.found)
        if known and decl.kind is not None and not tired:
            self._validate(decl, decl.kind, values)
        self._enabled(decl, values)
        if decl.kind is not None and decl.kind.composite and decl.spec is not None:
            self.nodes.pop()
            self.nodes.extend(self._expander.expand(decl))
            self.found.extend(self._expander.found)
            self._expander.found.clear()
        return ports.inline

    def _bad_name(self, decl: NodeDecl, problem: str) -> None:
        shown = f"`{safe_text(decl.name, 80)}`" if decl.name else "an empty text"
        self.found.append(
            Diagnostic(
                "SG128",
                f"the name {shown} {problem}",
                "error",
                decl.at if decl.holder is None else _span(decl.tree.get(INLINE_NAME)),
                problem,
                _SECTION[decl.side],
                help=("a name is 1 to 64 of `A-Z a-z 0-9 . _ -`, in a group `group/name`",),
            )
        )

    def _kind(self, decl: NodeDecl, *, helped: bool) -> bool:
        """Find the kind; tell whether the fields can be judged by it."""
        held = decl.tree.get("kind")
        text = written(leaf(held)) if type(held) is Scalar else None
        path = f"{_SECTION[decl.side]}.{decl.shown}"
        if held is None or text is None:
            self.found.append(_without_kind(decl, held, path, self._kinds))
            return False
        decl.kind_name = text
        kind = self._kinds.find(decl.side, text)
        if kind is None and decl.side == "sink" and text in self._wrong:
            decl.blind = True
            return False
        later = LATER_KINDS.get((decl.side, text))
        if later is not None:
            self.found.append(
                not_in_this_version(f"kind `{text}`", held.span, f"{path}.kind", later)
            )
            return False
        if kind is None:
            word = leaf(held) if type(held) is Scalar else text
            if is_secret(word):
                decl.kind_name = ""
            found = _unknown_kind(decl, word, held.span, path, self._kinds, helped=helped)
            self.found.append(found)
            return False
        decl.kind = kind
        return True

    def _with_defaults(self, kind: Kind, tree: Mapping) -> Mapping:
        entries = self._defaults.get(kind.name)
        if not entries:
            return tree
        known = {one.alias or name for name, one in kind.model.model_fields.items()}
        added = [one for one in entries if one.key.text in known and one.key.text not in tree]
        return Mapping(tree.span, [*tree.entries, *added]) if added else tree

    def _values(self, decl: NodeDecl, ports: PortReader, *, skip_name: bool) -> dict[str, Any]:
        values: dict[str, Any] = {}
        names = ports.ports
        for entry in decl.tree.entries:
            key = entry.key.text
            if key in names:
                values[key] = ports.read(entry)
            elif type(entry.value) is Scalar:
                values[key] = leaf(entry.value)
            else:
                values[key] = plain(entry.value)
        if skip_name:
            values.pop(INLINE_NAME, None)
        return values

    def _validate(self, decl: NodeDecl, kind: Kind, values: dict[str, Any]) -> None:
        path = f"{_SECTION[decl.side]}.{decl.shown}"
        owner = Owner(decl.label, path, decl.tree, decl.at)
        self.found.extend(take_later(kind.model, values, owner))
        spec, error = validated(kind.model, values)
        if error is not None:
            self.found.extend(from_validation(error, owner, kind.model))
            decl.blind = decl.blind or _hides_edges(error, kind)
            return
        assert isinstance(spec, NodeSpec)
        decl.spec = spec
        self.found.extend(from_problem(one, owner) for one in spec.problems())

    def _enabled(self, decl: NodeDecl, values: dict[str, Any]) -> None:
        if decl.spec is not None:
            decl.enabled = decl.spec.enabled
        else:
            decl.enabled = values.get("enabled") is not False


def _hides_edges(error: ValidationError, kind: Kind) -> bool:
    """Tell whether a port may stand under a key that was not understood, or is left out."""
    ports = {one.name for one in kind.ports}
    return any(
        one["type"] == "extra_forbidden"
        or (one["type"] == "missing" and ports.intersection(map(str, one["loc"])))
        for one in error.errors(include_url=False)
    )


def _without_kind(decl: NodeDecl, held: Node | None, path: str, kinds: Kinds) -> Diagnostic:
    """Return the finding of a node that says no kind, or says it under another word."""
    headline = f"{decl.side} `{decl.shown}` does not say its `kind`"
    help = f"the kinds are {_listed(kinds.names(decl.side))}"
    label, span = "no `kind`", decl.at
    if held is not None:
        nothing = type(held) is Scalar and not held.text
        label, span = "nothing follows" if nothing else "not the name of a kind", held.span
    else:
        near = nearest("kind", (one.key.text for one in decl.tree.entries))
        slip = decl.tree.entry(near or "type")
        word = written(leaf(slip.value)) if slip and type(slip.value) is Scalar else None
        if slip is not None and word is not None and kinds.find(decl.side, word) is not None:
            label, span = "here it is called `kind`", slip.key.span
            help = f"write `kind: {word}`"
    return Diagnostic("SG121", headline, "error", span, label, path, help=(help,))


def _unknown_kind(
    decl: NodeDecl, word: Any, span: Span | None, path: str, kinds: Kinds, *, helped: bool
) -> Diagnostic:
    other = _OTHER_SIDE[decl.side]
    text = "" if is_secret(word) else written(word) or ""
    near = nearest(text, kinds.names(decl.side)) if helped else None
    if kinds.find(other, text) is not None:
        help = f"{shown(word)} is a kind of {other}: write this node under `{_SECTION[other]}:`"
    elif near:
        help = f"the nearest is `{near}`"
    else:
        help = f"the kinds are {_listed(kinds.names(decl.side))}"
    headline = f"{shown(word)} of {decl.side} `{decl.shown}` is not a kind"
    label = f"no {decl.side} is of this kind"
    notes = plugin_problems()
    return Diagnostic(
        "SG124", headline, "error", span, label, f"{path}.kind", notes=notes, help=(help,)
    )


def _span(node: Node | None) -> Span | None:
    return None if node is None else node.span


def _listed(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)
