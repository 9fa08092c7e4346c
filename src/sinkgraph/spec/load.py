"""From a document's tree to its spec: the head, `defaults`, and every node with its own findings.

It connects nothing: whether targets exist and what the graph promises is `sinkgraph.graph`.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as MappingABC
from typing import Any

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.diagnostics.nearest import nearest
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.diagnostics.source import Span
from sinkgraph.spec.declared import GraphSpec, NodeDecl
from sinkgraph.spec.defaults import defaults_of_kinds, read_defaults
from sinkgraph.spec.document_tree import Entry, Mapping, Node, Scalar
from sinkgraph.spec.fields import name_problem, shown
from sinkgraph.spec.judged import not_in_this_version
from sinkgraph.spec.leaves import is_secret, leaf, plain, written
from sinkgraph.spec.nodes import Located, NodeReader
from sinkgraph.spec.promises import read_promises
from sinkgraph.spec.secret import MASK
from sinkgraph.spec.sections import declared, wrong_shape
from sinkgraph.spec.templates.read import read_templates

__all__ = ["LATER", "TOP_LEVEL", "VERSION", "load_spec", "wrong_version"]

VERSION = 1
TOP_LEVEL: MappingABC[str, str] = {
    "$schema": "The JSON Schema an editor judges the document by; nothing else reads it.",
    "sinkgraph": "The version of the document: 1.",
    "name": "The name of the graph.",
    "description": "What the graph is for.",
    "include": "Documents whose content is merged into this one: paths and globs.",
    "vars": "Typed values, overridden with `--set NAME=VALUE`.",
    "defaults": "Fields every node of a kind has unless it says otherwise.",
    "templates": "Composite nodes of your own, with params; used as a `kind`.",
    "sources": "Where events enter.",
    "sinks": "Everything that is written to.",
    "promises": "What the graph must keep; a document that does not is refused.",
    "tests": "Scenarios; not run in this version.",
    "egress": "Addresses sinks may reach; not in this version.",
}
"""Every key of the top level and what it is, in the order they are written in."""

LATER = {
    "egress": "leave it away: link-local and metadata addresses are always refused",
}
"""Keys of the top level a later version reads → what to do until then."""
_PART = "if it is a part, check the document that includes it: a part says no version and no name"
_MAX_FOUND = 1000  # in the head; and in `defaults`
_UNCHECKED = ("tests",)


def load_spec(
    tree: Mapping,
    *,
    vars: MappingABC[str, Any] | None = None,
    located: Located | None = None,
) -> tuple[GraphSpec, list[Diagnostic]]:
    """Return the spec of an interpolated tree, and every problem found in it.

    A node that is not valid stays in the spec without its fields, so that what is wrong between
    nodes is still found. `vars` are the values that expressions and the graph see;
    `located` brings relative inputs of other folders to where those of the graph start.
    """
    found: list[Diagnostic] = []
    _head(tree, found)
    name = _name(tree, found)
    values = dict(vars or {})
    templates = read_templates(tree, found, vars=values, defaults=defaults_of_kinds(tree))
    reader = NodeReader(read_defaults(tree, templates, found), located, templates)
    for one in declared(tree, found):
        if one.tree is not None:
            reader.read(one.name, one.side, one.tree, one.at)
        else:
            none = Mapping(None, [])
            reader.nodes.append(NodeDecl(one.name, one.side, "", None, none, one.at, blind=True))
    found.extend(reader.found)
    promises, more = read_promises(tree)
    found.extend(more)
    description = tree.get("description")
    held = leaf(description) if type(description) is Scalar else None
    text = MASK if is_secret(held) else written(held)
    if description is not None and text is None:
        found.append(wrong_shape(description.span, "description", "text"))
    return GraphSpec(name, text, values, tuple(reader.nodes), tree, tuple(promises)), found


def _head(tree: Mapping, found: list[Diagnostic]) -> None:
    """Judge the keys of the top level and the version."""
    known = set(TOP_LEVEL)
    for entry in tree.entries:
        if len(found) >= _MAX_FOUND:
            break
        key, span = entry.key.text, entry.key.span
        if key in LATER:
            found.append(not_in_this_version(f"`{key}`", span, key, LATER[key]))
        elif key in _UNCHECKED:
            found.append(_unchecked(key, span))
        elif key not in known:
            found.append(_unknown_key(entry, known))
    version = tree.get("sinkgraph")
    if version is None:
        start = tree.entries[0].key.span if tree.entries else tree.span
        whole = () if "name" in tree or not len(tree) else (_PART,)
        found.append(
            Diagnostic(
                "SG125",
                "the document does not say its version",
                "error",
                start,
                "no `sinkgraph:` at the top level",
                "sinkgraph",
                help=(f"add `sinkgraph: {VERSION}` as its first line", *whole),
            )
        )
    else:
        found.extend(wrong_version(version))


def wrong_version(version: Node) -> Iterator[Diagnostic]:
    """Yield that a document's version is not the one this program reads."""
    if type(version) is Scalar and version.value == VERSION and version.value is not True:
        return
    said = shown(plain(version))
    yield Diagnostic(
        "SG126",
        f"the document's version is {said}, and this program reads version {VERSION}",
        "error",
        version.span,
        "not a version this program knows",
        "sinkgraph",
        help=(f"write `sinkgraph: {VERSION}`",),
    )


def _unknown_key(entry: Entry, known: set[str]) -> Diagnostic:
    near = nearest(entry.key.text, known)
    help = f"the nearest is `{near}`" if near else "nodes stand under `sources:` and `sinks:`"
    shown, span = safe_text(entry.key.text, 80), entry.key.span
    headline = f"`{shown}` is not a key of a document"
    return Diagnostic("SG120", headline, "error", span, "unknown key", shown, help=(help,))


def _unchecked(key: str, span: Span | None) -> Diagnostic:
    return Diagnostic(
        "SG151",
        f"`{key}` is not run in this version",
        "warning",
        span,
        "not run",
        key,
        help=("nothing needs to change: a later version reads it",),
    )


def _name(tree: Mapping, found: list[Diagnostic]) -> str:
    held = tree.get("name")
    if held is None:
        start = tree.entries[0].key.span if tree.entries else tree.span
        found.append(
            Diagnostic(
                "SG121",
                "the document does not say its `name`",
                "error",
                start,
                "no `name:` at the top level",
                "name",
                help=("add `name:`, for example `name: registry-notifications`",),
            )
        )
        return "unnamed"
    word = leaf(held) if type(held) is Scalar else None
    text = written(word)
    if text is None:
        found.append(wrong_shape(held.span, "name", "text"))
        return "unnamed"
    problem = name_problem(text)
    if problem:
        help = "a name is 1 to 64 of `A-Z a-z 0-9 . _ -`"
        found.append(
            Diagnostic(
                "SG128",
                f"the name {shown(word)} {problem}",
                "error",
                held.span,
                problem,
                "name",
                help=(help,),
            )
        )
    return text
