"""One of the two graphs of a plan, and what is asked of its nodes: values, words, places.

It compares nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from functools import cached_property
from itertools import islice
from typing import Any

from sinkgraph.diagnostics.safe import clip
from sinkgraph.diagnostics.source import Span
from sinkgraph.graph.diff.plan import NOTHING
from sinkgraph.graph.model import Graph, GraphNode
from sinkgraph.graph.shown import Shower, one_line, shown
from sinkgraph.spec import document_tree as tree
from sinkgraph.spec.kinds.types import is_schema_file
from sinkgraph.spec.secret import MASK, Secret

__all__ = ["Side", "Step", "keys"]

Step = str | int
"""One step of a field's path: a key, or a number in a list."""

_MOST = 1000  # characters of a value
_SHOWN = 4  # queues above a node

_READ = re.compile(
    r"\"\"\"[\s\S]*?\"\"\"|'''[\s\S]*?'''"
    r"|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|//[^\n]*"
    r"|(?<![\w.])(?P<vars>vars)\b(?:\s*\.\s*(?P<name>[A-Za-z_]\w*))?"
)


class Side:
    """Is a graph of a plan; `rewritten`: files that hold something else than for the other one."""

    def __init__(self, graph: Graph, rewritten: AbstractSet[str] = frozenset()) -> None:
        self.graph = graph
        self.rewritten = rewritten
        self._shower = Shower(graph)
        self._hidden: dict[str, Mapping[str, str]] = {}
        self._unset: dict[str, Mapping[str, tuple[str, ...]]] = {}

    # values

    def text(self, node: GraphNode, value: Any) -> str:
        """Return a JSON value of a node as people read it; secrets are `***`."""
        if value is None:
            return NOTHING
        hidden = self._hidden.get(node.name)
        if hidden is None:
            hidden = self._hidden[node.name] = self._shower.hidden(node)
        return clip(one_line(shown(value, hidden)), _MOST)

    def unset(self, node: GraphNode) -> Mapping[str, tuple[str, ...]]:
        """Return the fields of a node whose value is not known → what is written there."""
        found = self._unset.get(node.name)
        if found is None:
            found = self._unset[node.name] = self._shower.unset(node)
        return found

    def inputs(self, key: str, value: Any) -> Any:
        """Return what a field of a source holds, the paths of files in it made absolute."""
        if key == "schemas" and isinstance(value, dict):
            return {one: self.inputs("schema", named) for one, named in value.items()}
        if key == "paths":
            return [os.path.normpath(self.graph.base / one) for one in value]
        if key == "schema" and isinstance(value, str) and is_schema_file(value):
            return os.path.normpath(self.graph.base / value)
        return value

    def vars_in(self, expression: str) -> Iterable[str]:
        """Return the vars an expression reads; all when it reads them by a name it makes."""
        found: dict[str, None] = {}
        for one in _READ.finditer(expression):
            if one["vars"] and one["name"] is None:
                return tuple(self.graph.vars)
            if one["name"] is not None:
                found[one["name"]] = None
        return found

    def var(self, name: str) -> str:
        """Return a var and its value: `vars.limit = 5`."""
        value = self.graph.vars.get(name)
        text = MASK if isinstance(value, Secret) else shown(value, {})
        return clip(one_line(f"vars.{name} = {text}"), _MOST)

    # places

    def place(self, node: GraphNode, path: Iterable[Step]) -> Span | None:
        """Return where a field of a node stands, or as much of its path as is written.

        None when not even its key is.
        """
        path = tuple(path)
        for mapping in self._shower.written(node):
            if str(path[0]) in mapping:
                return _walk(mapping, path)
        return None

    # ways

    @cached_property
    def fed_by(self) -> Mapping[str, tuple[str, ...]]:
        """Each node → the first few queues whose events come to it with no other queue between."""
        found: dict[str, dict[str, None]] = {name: {} for name in self.graph.order}
        for name in self.graph.order:
            queue = self.graph.nodes[name].kind == "queue"
            handed = {name: None} if queue else found[name]
            for edge in self.graph.downstream(name):
                if edge.port == "to" if queue else edge.port != "dead_letter":
                    held = found[edge.target]
                    held.update(islice(handed.items(), _SHOWN - len(held)))
        return {name: tuple(held) for name, held in found.items()}


def _walk(mapping: tree.Mapping, path: tuple[Step, ...]) -> Span | None:
    at: tree.Node = mapping
    span: Span | None = None
    for step in path:
        if isinstance(at, tree.Mapping):
            entry = at.entry(str(step))
            if entry is None:
                break
            at = entry.value
            span = at.span if at.span is not None else entry.key.span
        elif isinstance(at, tree.Sequence) and isinstance(step, int) and step < len(at.items):
            at = at.items[step]
            span = at.span
        else:
            break
    return span


def keys(spec: Any) -> Iterator[tuple[str, str]]:
    """Yield attribute and key of each field of a section."""
    for name, field in type(spec).model_fields.items():
        yield name, field.alias or name
