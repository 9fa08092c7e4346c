"""What stands at the wrong place of the top level is said once, and read as it was meant.

A slip in one of its keys, a node or var beside its section, a section inside `vars`: otherwise
`vras:` would make every var unknown, and a line too many or too few every edge lead to nothing.
"""

from __future__ import annotations

from collections.abc import Collection

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.diagnostics.nearest import nearest
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.spec.document_tree import Entry, Mapping, Node, Scalar
from sinkgraph.spec.kind import Side, find_kind
from sinkgraph.spec.leaves import is_secret, leaf, written

__all__ = ["read_as_meant"]

_MAX_LOOKED_AT = 100  # unknown keys of one document
_VAR_KEYS = frozenset({"type", "default", "secret", "description"})
_SECTIONS: tuple[tuple[str, Side], ...] = (("sources", "source"), ("sinks", "sink"))


def read_as_meant(tree: Mapping, known: Collection[str]) -> tuple[Mapping, list[Diagnostic]]:
    """Return the tree with everything in the section it is meant for, and what was wrong there.

    `known` are the keys of the top level. What is not understood is left where it stands.
    """
    found: list[Diagnostic] = []
    entries = _without_lost_sections(tree.entries, found)
    moved: dict[str, list[Entry]] = {}
    kept: list[Entry] = []
    missing = {key for key in known if all(one.key.text != key for one in entries)}
    looked_at = 0
    for entry in entries:
        if entry.key.text in known or looked_at == _MAX_LOOKED_AT:
            kept.append(entry)
            continue
        looked_at += 1
        section = _section_of(entry.value)
        near = nearest(entry.key.text, known)
        if section:
            moved.setdefault(section, []).append(entry)
            found.append(_unknown_key(entry, f"move it under `{section}:`"))
        elif near in missing:
            missing.discard(near)
            found.append(_unknown_key(entry, f"the nearest is `{near}`"))
            kept.append(_renamed(entry, near))
        else:
            kept.append(entry)
    if not found:
        return tree, []
    return Mapping(tree.span, _with_moved(kept, moved)), found


def _with_moved(entries: list[Entry], moved: dict[str, list[Entry]]) -> list[Entry]:
    """Put entries at the end of their sections; a section that is no mapping keeps what it is."""
    made: list[Entry] = []
    for entry in entries:
        more = moved.pop(entry.key.text, None)
        value = entry.value
        if more and (isinstance(value, Mapping) or _is_empty(value)):
            own = value.entries if isinstance(value, Mapping) else []
            names = {one.key.text for one in own}
            fresh = [one for one in more if one.key.text not in names]
            entry = Entry(entry.key, Mapping(value.span, [*own, *fresh]))
        made.append(entry)
    for section, more in moved.items():
        key = Scalar(more[0].key.span, section, section, True)
        made.append(Entry(key, Mapping(more[0].value.span, more)))
    return made


def _without_lost_sections(entries: list[Entry], found: list[Diagnostic]) -> list[Entry]:
    """Take nodes out of `vars`, where they are when the line `sources:` is lost or indented."""
    at = next((n for n, one in enumerate(entries) if one.key.text == "vars"), None)
    if at is None or not isinstance(entries[at].value, Mapping):
        return entries
    if any(one.key.text == "sources" for one in entries):
        return entries
    held = entries[at].value
    inside = held.entries if isinstance(held, Mapping) else []
    for n, one in enumerate(inside):
        begins = one.key.text == "sources" and _is_empty(one.value)
        if not begins and _section_of(one.value) != "sources":
            continue
        found.append(_inside_vars(one) if begins else _node_in_vars(one))
        vars = Entry(entries[at].key, Mapping(held.span, inside[:n]))
        nodes = inside[n + 1 :] if begins else inside[n:]
        key = Scalar(one.key.span, "sources", "sources", True)
        sources = Entry(key, Mapping(one.value.span, nodes))
        return [*entries[:at], vars, sources, *entries[at + 1 :]]
    return entries


def _section_of(value: Node) -> str:
    """Return the section in which what stands there would be a node or var, or ""."""
    if not isinstance(value, Mapping):
        return ""
    held = value.get("kind")
    word = leaf(held) if type(held) is Scalar else None
    kind = None if is_secret(word) else written(word)
    if kind is None:
        is_var = len(value) and all(one.key.text in _VAR_KEYS for one in value)
        return "vars" if is_var else ""
    sections = [section for section, side in _SECTIONS if find_kind(side, kind) is not None]
    if len(sections) > 1:  # a source of this kind writes to something
        return sections[0] if "to" in value else sections[1]
    return "".join(sections)


def _unknown_key(entry: Entry, help: str) -> Diagnostic:
    shown, span = safe_text(entry.key.text, 80), entry.key.span
    headline = f"`{shown}` is not a key of a document"
    return Diagnostic("SG120", headline, "error", span, "unknown key", shown, help=(help,))


def _inside_vars(entry: Entry) -> Diagnostic:
    return Diagnostic(
        "SG120",
        "`sources` stands inside `vars`",
        "error",
        entry.key.span,
        "not the name of a var",
        "vars.sources",
        help=("move `sources` to the top level, beside `vars`",),
    )


def _node_in_vars(entry: Entry) -> Diagnostic:
    name = safe_text(entry.key.text, 80)
    return Diagnostic(
        "SG120",
        f"source `{name}` stands inside `vars`",
        "error",
        entry.key.span,
        "not a var",
        f"vars.{name}",
        help=(f"write `sources:` above `{name}`",),
    )


def _renamed(entry: Entry, name: str) -> Entry:
    return Entry(Scalar(entry.key.span, name, name, entry.key.quoted), entry.value)


def _is_empty(value: Node) -> bool:
    return type(value) is Scalar and value.value is None
