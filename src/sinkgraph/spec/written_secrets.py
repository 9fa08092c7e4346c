"""Which texts of a document are secrets that somebody wrote into it, so that no excerpt shows them.

Whether writing them there is right is judged elsewhere; the tree is only looked at.
"""

from __future__ import annotations

import re

from sinkgraph.spec.document_tree import Entry, Mapping, Node, Scalar, Sequence

__all__ = ["CREDENTIAL", "SECRET_FIELDS", "hide_written_secrets"]

SECRET_FIELDS = frozenset({"token", "tokens"})
"""Fields that hold nothing but secrets."""
CREDENTIAL = re.compile(
    r"authorization|cookie|token|secret|password|api-?key|signature", re.IGNORECASE
)
"""Finds the names of headers that carry credentials."""
_IN_URL = re.compile(r"(?<=://)[^/?#@\s]*(?=@)|(?<=\?)[^#\s\"']+")


def hide_written_secrets(tree: Mapping) -> None:
    """Hide tokens, credentials in headers and URLs, and secret vars in the tree's sources.

    A text with a `${…}` stays: it says where a secret comes from, not what it is.
    """
    todo: list[Node] = [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, Sequence):
            todo.extend(node.items)
        elif isinstance(node, Mapping):
            for entry in node.entries:
                _look(entry)
                if type(entry.value) is not Scalar:
                    todo.append(entry.value)
    held = tree.get("vars")
    for entry in held.entries if isinstance(held, Mapping) else ():
        value = entry.value
        if isinstance(value, Mapping) and _is_true(value.get("secret")):
            _hide(value.get("default"))


def _look(entry: Entry) -> None:
    name, value = entry.key.text, entry.value
    if name in SECRET_FIELDS:
        _hide(value)
    elif name == "headers" and isinstance(value, Mapping):
        for header in value.entries:
            if CREDENTIAL.search(header.key.text):
                _hide(header.value)
    elif name == "url":
        for one in value.items if isinstance(value, Sequence) else (value,):
            _hide_in_url(one)


def _hide(value: Node | None) -> None:
    """Hide a leaf, or every leaf of a list."""
    if isinstance(value, Sequence):
        for one in value.items:
            _hide(one)
    elif isinstance(value, Scalar) and value.span is not None and "${" not in value.text:
        value.span.source.hide(value.span.start, value.span.end)


def _hide_in_url(value: Node) -> None:
    if not isinstance(value, Scalar) or value.span is None:
        return
    start = value.span.start
    for found in _IN_URL.finditer(value.span.text):
        if "${" not in found[0]:
            value.span.source.hide(start + found.start(), start + found.end())


def _is_true(value: Node | None) -> bool:
    return isinstance(value, Scalar) and value.text.lower() == "true"
