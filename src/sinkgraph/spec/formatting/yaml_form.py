"""YAML in the one form `sinkgraph fmt` writes: read, every comment given its place, put in order.

What a value becomes is `yaml_write`.
"""

from __future__ import annotations

from sinkgraph.spec.document_tree import Mapping
from sinkgraph.spec.formatting.layout import Comment, Value, put_in_order, take_head
from sinkgraph.spec.formatting.yaml_comments import give_comments
from sinkgraph.spec.formatting.yaml_layout import read_yaml
from sinkgraph.spec.formatting.yaml_write import write_yaml

__all__ = ["format_yaml"]


def format_yaml(text: str, tree: Mapping) -> tuple[str, list[str]]:
    """Return a YAML text in order, and its comments; `tree` is what it says.

    Raises CannotFormatError.
    """
    layout = read_yaml(text)
    comments = [one.text for one in layout.comments]
    give_comments(layout)
    root = layout.root
    assert root is not None
    head, gap = _head(root)
    put_in_order(root)
    lines = write_yaml(root, head, gap=gap)
    return "\n".join((*layout.before, *lines, *layout.after)) + "\n", comments


def _head(root: Value) -> tuple[list[Comment], bool]:
    """Take the comments of the whole document from its first item."""
    return take_head(root.items[0]) if root.items else ([], False)
