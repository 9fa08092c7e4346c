"""Text becomes one tree with positions, whatever the syntax: YAML, TOML or JSON.

It knows no kind and no field; what a document may say is judged later, on the tree.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Mapping as AnyMapping
from pathlib import PurePath
from typing import Any, Literal, assert_never

from sinkgraph.diagnostics.diagnostic import Diagnostic, has_errors, sort_diagnostics
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.diagnostics.source import SourceText, Span
from sinkgraph.spec.document_file import read_bytes
from sinkgraph.spec.document_text import MAX_DEPTH, MAX_VALUES, decode, too_deep
from sinkgraph.spec.document_tree import Entry, Mapping, Node, Scalar, Sequence, Value

__all__ = [
    "Entry",
    "Mapping",
    "Node",
    "Scalar",
    "Sequence",
    "Syntax",
    "Value",
    "from_python",
    "parse",
    "read",
    "syntax_of",
]

Syntax = Literal["yaml", "toml", "json"]

_SUFFIXES: dict[str, Syntax] = {".yaml": "yaml", ".yml": "yaml", ".toml": "toml", ".json": "json"}


def parse(text: str | bytes, name: str, syntax: Syntax) -> tuple[Mapping | None, list[Diagnostic]]:
    """Return the tree of a document, and every finding about its text, sorted by place.

    `name` is how the document is shown. The tree is None when the text cannot be read to its end;
    with an error and a tree, the rest of the document can still be judged. Must survive any text.
    """
    source, findings = decode(text, name)
    if source is None:
        return None, findings
    paused = gc.isenabled()
    gc.disable()
    try:
        root, found = _parsers(syntax)(source)
    finally:
        if paused:
            gc.enable()
    findings = sort_diagnostics(found)
    if isinstance(root, Mapping):
        return root, findings
    if not has_errors(findings):
        findings.append(_not_a_mapping(source, root))
    return None, findings


def read(
    path: str | os.PathLike[str], syntax: Syntax | None = None
) -> tuple[Mapping | None, list[Diagnostic]]:
    """Return the tree of a file, or of standard input for `-`; never raises for a bad file.

    The suffix tells the syntax; standard input is JSON when it begins with `{"`, else YAML.
    """
    name = os.fspath(path)
    known = syntax or syntax_of(name)
    if known is None and name != "-":
        return None, [_unknown_suffix(name)]
    content, finding = read_bytes(name)
    if content is None:
        return None, [] if finding is None else [finding]
    if known is None:
        known = "json" if content.lstrip().startswith((b'{"', b"{}")) else "yaml"
    return parse(content, "<stdin>" if name == "-" else name, known)


def syntax_of(name: str) -> Syntax | None:
    """Return the syntax a file name tells by its suffix, or None."""
    return _SUFFIXES.get(PurePath(name).suffix.lower())


def from_python(document: AnyMapping[Any, Any]) -> tuple[Mapping | None, list[Diagnostic]]:
    """Return the tree of a document given as Python values; findings have paths, not places."""
    findings: list[Diagnostic] = []
    todo: list[tuple[Node, Any, str, int]] = []

    left = MAX_VALUES

    def made(value: Any, path: str, depth: int) -> Node | None:
        nonlocal left
        left -= 1
        if left == 0:
            headline = f"the document holds more than {MAX_VALUES:,} values, or contains itself"
            findings.append(Diagnostic("SG113", headline, path=path))
        if left <= 0:
            return None
        if isinstance(value, AnyMapping | list | tuple):
            if depth > MAX_DEPTH:
                findings.append(too_deep(None, path))
                return None
            node: Node = Mapping(None, []) if isinstance(value, AnyMapping) else Sequence(None, [])
            todo.append((node, value, path, depth))
            return node
        leaf = _leaf(value)
        if leaf is None:
            headline = f"a document cannot hold a Python {type(value).__qualname__}"
            findings.append(Diagnostic("SG122", headline, path=path))
        return leaf

    root = made(document, "", 1)
    while todo:
        node, value, path, depth = todo.pop()
        if isinstance(node, Mapping):
            seen: set[str] = set()
            for key, one in value.items():
                leaf = _leaf(key)
                below = f"{path}.{leaf.text}" if leaf and path else leaf.text if leaf else path
                if leaf is None or not leaf.text:
                    findings.append(Diagnostic("SG115", "a key is not plain text", path=path))
                elif leaf.text in seen:
                    headline = f"the key `{safe_text(leaf.text, 80)}` stands twice in one mapping"
                    findings.append(Diagnostic("SG108", headline, path=below))
                elif (child := made(one, below, depth + 1)) is not None:
                    seen.add(leaf.text)
                    node.entries.append(Entry(leaf, child))
        elif isinstance(node, Sequence):
            for index, one in enumerate(value):
                if (child := made(one, f"{path}[{index}]", depth + 1)) is not None:
                    node.items.append(child)
    return (root if isinstance(root, Mapping) else None), findings


def _leaf(value: object) -> Scalar | None:
    match value:
        case None:
            return Scalar(None, "null", None)
        case bool():
            return Scalar(None, "true" if value else "false", value)
        case int() | float():
            return Scalar(None, str(value), value)
        case str():
            return Scalar(None, value, value, True)
        case os.PathLike():
            text = os.fspath(value)
            return Scalar(None, text, text, True) if isinstance(text, str) else None
        case _:
            return None


def _parsers(syntax: Syntax) -> Any:
    """Return the parser of a syntax; none is imported before it is needed."""
    match syntax:
        case "yaml":
            from sinkgraph.spec.document_yaml import parse_yaml

            return parse_yaml
        case "toml":
            from sinkgraph.spec.document_toml import parse_toml

            return parse_toml
        case "json":
            from sinkgraph.spec.document_json import parse_json

            return parse_json
        case _:
            assert_never(syntax)


def _not_a_mapping(source: SourceText, root: Node | None) -> Diagnostic:
    help = "a document begins with `sinkgraph: 1`"
    blank = isinstance(root, Scalar) and root.value is None and not root.text
    if root is None or blank:
        start = Span(source, 0, 0)
        return Diagnostic("SG104", "the document is empty", span=start, help=(help,))
    what = "list" if isinstance(root, Sequence) else "single value"
    span = root.span
    if span is not None:
        span = Span(source, span.start, min(span.end, span.start + len(source.line(span.line))))
    return Diagnostic(
        "SG114",
        f"the document is a {what}, not a mapping",
        span=span,
        label=f"a {what}",
        help=(help,),
    )


def _unknown_suffix(name: str) -> Diagnostic:
    if "\n" in name:
        return Diagnostic(
            "SG101",
            "the text of a document stands where its path is needed",
            span=Span(SourceText("<text>", name), 0, len(name.partition("\n")[0])),
            label="not a path",
            help=("write it to a file, or hand over what it says as a dict",),
        )
    if os.path.isdir(name):
        return Diagnostic(
            "SG101", "the document is a directory", span=Span(SourceText(name, ""), 0, 0)
        )
    if not os.path.lexists(name):
        missing = Span(SourceText(name, ""), 0, 0)
        return Diagnostic("SG101", "the document does not exist", span=missing)
    return Diagnostic(
        "SG119",
        f"the name `{safe_text(name)}` does not tell the syntax",
        span=Span(SourceText(name, ""), 0, 0),
        help=("name it `.yaml`, `.toml` or `.json`",),
    )
