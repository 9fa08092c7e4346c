"""The templates that come with sinkgraph, written in the language of documents.

They are read when one is first asked for, and once.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

from sinkgraph.spec.document import parse
from sinkgraph.spec.document_tree import Entry, Node, Scalar, Sequence
from sinkgraph.spec.document_tree import Mapping as Tree
from sinkgraph.spec.interpolate import interpolate
from sinkgraph.spec.kind import COMPOSITES
from sinkgraph.spec.templates.model import Template
from sinkgraph.spec.templates.read import read_templates

__all__ = ["built_in_template"]


def built_in_template(name: str) -> Template | None:
    """Return a template that comes with sinkgraph, or None."""
    return _read(name) if name in COMPOSITES else None


@cache
def _read(name: str) -> Template:
    text = files(__package__).joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    tree, found = parse(text, f"{name}.yaml", "yaml")
    if tree is None or found:
        raise ValueError(f"the built-in template {name!r} cannot be read: {found}")
    filled, found = interpolate(tree, vars={}, env={}, base_dir=Path(), mode="strict")
    placeless = _without_places(filled)
    made, _ = read_templates(placeless, found, built_in=True)
    if found or name not in made:
        raise ValueError(f"the built-in template {name!r} is wrong: {found}")
    return made[name]


def _without_places(tree: Tree) -> Tree:
    """Return a tree that stands nowhere: what it says is found where it is used."""

    def bare(node: Node) -> Node:
        if isinstance(node, Tree):
            return Tree(None, [Entry(_at_none(one.key), bare(one.value)) for one in node])
        if isinstance(node, Sequence):
            return Sequence(None, [bare(one) for one in node])
        assert isinstance(node, Scalar)
        return _at_none(node)

    made = bare(tree)
    assert isinstance(made, Tree)
    return made


def _at_none(scalar: Scalar) -> Scalar:
    return Scalar(None, scalar.text, scalar.value, scalar.quoted, scalar.secret)
