"""How the values of a node are shown to people: what is secret, or came from outside, is not.

A `Secret` is `***`, what came from the environment or a file is shown as the document writes it,
and a URL has neither user nor query. It chooses no fields.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.formats.url import shown_url
from sinkgraph.graph.model import Graph, GraphNode
from sinkgraph.spec import document_tree as tree
from sinkgraph.spec.declared import NodeDecl
from sinkgraph.spec.kinds.base import NodeSpec
from sinkgraph.spec.leaves import Placeholder
from sinkgraph.spec.secret import MASK

__all__ = ["Shower", "one_line", "shown"]

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_REFERENCE = re.compile(r"\$\{(env|file|var):([^}:]*)[^}]*\}")
_USER = re.compile(r"//[^/?#@]*@")
_SHORTEST_MASKED = 4


class Shower:
    """Knows what must not be shown of the nodes of one graph."""

    def __init__(self, graph: Graph) -> None:
        self._declared = {decl.name: decl for decl in graph.spec.nodes}
        self._defaults = graph.spec.tree.get("defaults")

    def declared(self, node: GraphNode) -> NodeDecl | None:
        """Return what a node was written as; None when no document wrote it."""
        return self._declared.get(node.name)

    def written(self, node: GraphNode) -> Iterator[tree.Mapping]:
        """Yield the mappings of the document that hold the fields of a node, its own first."""
        decl = self.declared(node)
        if decl is None:
            return
        yield decl.tree
        if isinstance(self._defaults, tree.Mapping):
            defaults = self._defaults.get(decl.kind_name)
            if isinstance(defaults, tree.Mapping):
                yield defaults

    def hidden(self, node: GraphNode) -> Mapping[str, str]:
        """Return the texts of a node that must not be shown → what is shown instead."""
        made: dict[str, str] = {}
        for mapping in self.written(node):
            for entry in mapping:
                stand_in = getattr(node.spec, _attribute(node.spec, entry.key.text), None)
                for leaf in _leaves(entry.value):
                    if isinstance(leaf.value, Placeholder):
                        made[str(stand_in or leaf.value)] = _as_written(str(leaf.value))
                    elif leaf.secret and leaf.value:
                        text = "" if leaf.span is None else leaf.span.text.strip("\"'")
                        made[str(leaf.value)] = _as_written(text) or MASK
        return made

    def unset(self, node: GraphNode) -> Mapping[str, tuple[str, ...]]:
        """Return the fields of a node whose value is not known → what the document writes there."""
        made: dict[str, tuple[str, ...]] = {}
        for mapping in self.written(node):
            for entry in mapping.entries:
                held = entry.value
                if type(held) is tree.Scalar and type(held.value) is not Placeholder:
                    continue  # as nearly all are
                texts = (leaf.value for leaf in _leaves(held))
                known = [_as_written(str(one)) for one in texts if isinstance(one, Placeholder)]
                if known and entry.key.text not in made:
                    made[entry.key.text] = tuple(known)
        return made


def one_line(text: str) -> str:
    """Return text made safe, its line breaks and runs of spaces made one space each."""
    return safe_text(" ".join(text.split()))


def shown(value: Any, hidden: Mapping[str, str]) -> str:
    """Return a JSON value as text, with hidden texts and the private parts of URLs left out."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return _text(value, hidden)
        case int():
            return f"{value:,}"
        case list() | tuple():
            return f"[{', '.join(shown(one, hidden) for one in value)}]"
        case dict():
            inner = (f"{_text(str(k), hidden)}: {shown(v, hidden)}" for k, v in value.items())
            return f"{{{', '.join(inner)}}}"
        case _:
            return str(value)


def _attribute(spec: NodeSpec, key: str) -> str:
    """Return the attribute that holds the field a document calls `key`."""
    fields = type(spec).model_fields
    return next((name for name, field in fields.items() if field.alias == key), key)


def _leaves(node: tree.Node) -> Iterator[tree.Scalar]:
    return (one for one in tree.walk(node) if isinstance(one, tree.Scalar))


def _as_written(text: str) -> str:
    """Return text with references instead of values, without their defaults, user and query."""
    if _REFERENCE.search(text) is None:
        return ""
    bare = _USER.sub("//", _REFERENCE.sub(r"${\1:\2}", text))
    head, mark, _ = bare.partition("?")
    return f"{head}?…" if mark else head


def _text(text: str, hidden: Mapping[str, str]) -> str:
    if text in hidden:
        return hidden[text]
    for secret, instead in hidden.items():
        if len(secret) >= _SHORTEST_MASKED and secret in text:
            text = text.replace(secret, instead or MASK)
    return shown_url(text) if _URL.match(text) else text
