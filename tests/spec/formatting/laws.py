"""What must hold of every document that is put in order, and a second opinion on whether it does.

It shares no code with what it judges but the parser and the checker.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

from sinkgraph.diagnostics.diagnostic import has_errors
from sinkgraph.graph.load import load_tree
from sinkgraph.spec.document import Mapping, Node, Scalar, Sequence, Syntax, parse
from sinkgraph.spec.formatting.document import format_document
from tests.spec.formatting.corpus import ROOT

__all__ = ["in_order", "lawful"]

_NAMES = ("vars", "sources", "sinks", "set", "compute", "rename", "headers", "params", "defaults")


def in_order(content: str | bytes, syntax: Syntax = "yaml") -> str:
    """Return a document in order; it must be one that can be."""
    made = format_document(content, "graph", syntax)
    assert made.text is not None, made.refused or [one.headline for one in made.findings]
    return made.text


def lawful(content: str | bytes, name: str, syntax: Syntax) -> str | None:
    """Return a document in order, or None when it is left as it is; check that all laws hold."""
    made = format_document(content, name, syntax)
    if made.text is None:
        assert has_errors(list(made.findings)) != bool(made.refused)
        return None
    assert not made.findings
    before, _ = parse(content, name, syntax)
    after, found = parse(made.text, name, syntax)
    assert before is not None
    assert after is not None
    assert not has_errors(found)
    assert _plain(before) == _plain(after)
    assert _names(before) == _names(after)
    given = content.decode() if isinstance(content, bytes) else content
    assert Counter(_marks(given)) == Counter(_marks(made.text))
    assert format_document(made.text, name, syntax).text == made.text
    assert made.text.endswith("\n")
    assert "\r" not in made.text
    assert _judged(before) == _judged(after)
    return made.text


def _marks(text: str) -> list[str]:
    """Return the beginning of everything that may be a comment."""
    return [one.rstrip() for one in re.findall(r"#[ \t]*\w*(?: \d+)?", text)]


def _plain(node: Node) -> Any:
    """Return keys and values with their types, whatever the order of keys."""
    if isinstance(node, Scalar):
        return node.text, type(node.value).__name__, repr(node.value)
    if isinstance(node, Mapping):
        return {entry.key.text: _plain(entry.value) for entry in node.entries}
    assert isinstance(node, Sequence)
    return [_plain(one) for one in node.items]


def _names(node: Node, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], list[str]]]:
    """Return the keys in order of every mapping whose keys a user chose."""
    found: list[tuple[tuple[str, ...], list[str]]] = []
    if isinstance(node, Mapping):
        if path and path[-1] in _NAMES:
            found.append((path, [entry.key.text for entry in node.entries]))
        for entry in node.entries:
            found.extend(_names(entry.value, (*path, entry.key.text)))
    elif isinstance(node, Sequence):
        for place, one in enumerate(node.items):
            found.extend(_names(one, (*path, str(place))))
    return sorted(found)


def _judged(tree: Mapping) -> tuple[str | None, Counter[str] | set[str]]:
    """Return the digest of the graph, and the codes of the findings.

    Of a document that is wrong they are counted once each: how often one finding brings another
    may depend on the order of keys.
    """
    base = ROOT / "graphs"
    graph, found = load_tree(
        tree, base=base, output=Path(), set_vars={}, secrets="placeholder", env={}, includes=False
    )
    codes = Counter(one.code for one in found)
    return (None, set(codes)) if graph is None else (graph.digest, codes)
