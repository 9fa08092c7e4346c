"""A slip in a key of the top level is said once, and the document is read as it was meant.

Otherwise `vras:` would make every var unknown, and `siks:` every edge lead to nothing.
"""

from __future__ import annotations

from collections.abc import Collection

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.diagnostics.nearest import nearest
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.spec.document_tree import Entry, Mapping, Node, Scalar

__all__ = ["read_as_meant", "unknown_key"]

_MAX_LOOKED_AT = 100  # unknown keys of one document


def read_as_meant(tree: Mapping, known: Collection[str]) -> tuple[Mapping, list[Diagnostic]]:
    """Return the tree with the known keys that unknown ones are slips of, and a finding for each.

    A key is a slip of the nearest known one when that is nowhere else; a node is none.
    """
    unknown = [one for one in tree.entries if one.key.text not in known]
    if not unknown:
        return tree, []
    missing = {key for key in known if key not in tree}
    meant: dict[int, str] = {}
    found: list[Diagnostic] = []
    for entry in unknown[:_MAX_LOOKED_AT]:
        near = None if _is_node(entry.value) else nearest(entry.key.text, known)
        if near in missing:
            missing.discard(near)
            meant[id(entry)] = near
            found.append(unknown_key(entry, f"the nearest is `{near}`"))
    entries = [_renamed(one, meant.get(id(one))) for one in tree.entries]
    return Mapping(tree.span, entries), found


def unknown_key(entry: Entry, help: str) -> Diagnostic:
    """Return the finding of a key the top level does not have."""
    shown = safe_text(entry.key.text, 80)
    headline = f"`{shown}` is not a key of a document"
    return Diagnostic(
        "SG120", headline, "error", entry.key.span, "unknown key", shown, help=(help,)
    )


def _renamed(entry: Entry, name: str | None) -> Entry:
    if name is None:
        return entry
    key = entry.key
    return Entry(Scalar(key.span, name, name, key.quoted), entry.value)


def _is_node(value: Node) -> bool:
    return isinstance(value, Mapping) and "kind" in value
