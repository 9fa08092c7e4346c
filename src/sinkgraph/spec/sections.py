"""The nodes of `sources` and `sinks`, found even where the section or a node is misplaced.

What stands in the wrong place is said once and read all the same, so that it has no consequences.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.diagnostics.source import Span
from sinkgraph.spec.document_tree import Entry, Mapping, Node, Scalar, Sequence
from sinkgraph.spec.kind import Side, all_kinds, find_kind
from sinkgraph.spec.leaves import is_secret, leaf, written

__all__ = ["SECTIONS", "Declared", "declared", "entries_of", "wrong_shape"]

SECTIONS: tuple[tuple[str, Side], ...] = (("sources", "source"), ("sinks", "sink"))
_SIDES = dict(SECTIONS)


class Declared(NamedTuple):
    """Is a node of a document; `tree` is None when what stands there is no node."""

    name: str
    side: Side
    tree: Mapping | None
    at: Span | None


def declared(tree: Mapping, found: list[Diagnostic]) -> Iterator[Declared]:
    """Yield every node of both sections; add to `found` what stands there and is none."""
    for section, side in SECTIONS:
        lost = side == "source" and "sinks" not in tree
        yield from _nodes(entries_of(tree, section, found), side, section, found, lost=lost)


def entries_of(tree: Mapping, section: str, found: list[Diagnostic]) -> list[Entry]:
    """Return what a section holds by name; add to `found` that it is no mapping."""
    held = tree.get(section)
    if held is None or (type(held) is Scalar and held.value is None):
        return []
    if isinstance(held, Mapping):
        return held.entries
    help: tuple[str, ...] = ()
    if isinstance(held, Sequence) and section in _SIDES:
        help = (f"write each node under its name: `{_first_name(held)}: {{kind: …}}`",)
    found.append(wrong_shape(held.span, section, "a mapping of names to nodes", help))
    return []


def wrong_shape(span: Span | None, key: str, wanted: str, help: tuple[str, ...] = ()) -> Diagnostic:
    """Return the finding that what stands under a key is not what is wanted there."""
    headline = f"`{key}` is not {wanted}"
    return Diagnostic("SG122", headline, "error", span, f"not {wanted}", key, help=help)


def _nodes(
    entries: list[Entry], side: Side, section: str, found: list[Diagnostic], *, lost: bool = False
) -> Iterator[Declared]:
    """Yield the nodes of a section.

    `lost`: `sinks:` stands nowhere, so the first source of a kind that only sinks have begins it.
    """
    skip = 0
    for at, entry in enumerate(entries):
        if skip:
            skip -= 1
            continue
        name, value = entry.key.text, entry.value
        other = _SIDES.get(name)
        if other not in (None, side) and "kind" not in _keys(value):
            if isinstance(value, Mapping):
                found.append(_inside(entry, section))
                yield from _nodes(value.entries, _SIDES[name], name, found)
                continue
            if _empty(value):
                found.append(_inside(entry, section))
                side, section = _SIDES[name], name
                continue
        if isinstance(value, Mapping):
            if lost and side == "source" and (kind := _kind_of_sink(value)) is not None:
                found.append(_without_sinks(entry, kind))
                side, section = "sink", "sinks"
            beside = _fields_beside(entries, at, side)
            skip = len(beside)
            found.extend(_beside_node(one, side, name, section) for one in beside)
            whole = Mapping(value.span, [*value.entries, *beside]) if beside else value
            yield Declared(name, side, whole, entry.key.span)
        elif count := _nameless(entries, at):
            skip = count - 1
            found.append(_without_name(entry, side, section))
            yield Declared("", side, Mapping(None, entries[at : at + count]), entry.key.span)
        else:
            skip = _beside(entries, at)
            found.append(_no_node(entry, side, section, indent=bool(skip)))
            yield Declared(name, side, None, entry.key.span)


def _keys(value: Node) -> Mapping | tuple[str, ...]:
    return value if isinstance(value, Mapping) else ()


def _kind_of_sink(tree: Mapping) -> Scalar | None:
    """Return what says the kind of a node when only sinks are of that kind."""
    held = tree.get("kind")
    word = written(leaf(held)) if type(held) is Scalar and not is_secret(leaf(held)) else None
    if word is None or find_kind("source", word) is not None or find_kind("sink", word) is None:
        return None
    return held if type(held) is Scalar else None


def _fields_beside(entries: list[Entry], at: int, side: Side) -> list[Entry]:
    """Return the entries after a node that are fields of it, written beside it."""
    if at + 1 == len(entries) or isinstance(entries[at + 1].value, Mapping):
        return []
    tree = entries[at].value
    held = tree.get("kind") if isinstance(tree, Mapping) else None
    word = leaf(held) if type(held) is Scalar else None
    kind = find_kind(side, "" if is_secret(word) else written(word) or "")
    if kind is None or not isinstance(tree, Mapping):
        return []
    known = {one.alias or name for name, one in kind.model.model_fields.items()} - {"kind"}
    made: list[Entry] = []
    for one in _after(entries, at):
        if one.key.text not in known or one.key.text in tree or _is_node(one.value):
            break
        made.append(one)
    return made


def _nameless(entries: list[Entry], at: int) -> int:
    """Return how many entries are the fields of one node whose name is missing; 0 when not so."""
    count = 0
    for entry in (entries[at], *_after(entries, at)):
        if entry.key.text not in _field_names() or _is_node(entry.value):
            break
        count += 1
    first = entries[at]
    kind = first.value if first.key.text == "kind" else None
    known = type(kind) is Scalar and isinstance(kind.value, str)
    return count if known and count > 1 else 0


def _beside(entries: list[Entry], at: int) -> int:
    """Return how many entries after an empty one are its fields, written beside it."""
    if not _empty(entries[at].value):
        return 0
    count = 0
    for entry in _after(entries, at):
        if entry.key.text not in _field_names() or _is_node(entry.value):
            break
        count += 1
    return count if any(one.key.text == "kind" for one in entries[at + 1 :][:count]) else 0


def _after(entries: list[Entry], at: int) -> Iterator[Entry]:
    """Yield what follows an entry in the document it stands in."""
    here = entries[at].key.span
    for k in range(at + 1, len(entries)):
        span = entries[k].key.span
        if here is not None and span is not None and span.source is not here.source:
            return
        yield entries[k]


@cache
def _field_names() -> frozenset[str]:
    fields = (item for kind in all_kinds() for item in kind.model.model_fields.items())
    return frozenset(field.alias or name for name, field in fields)


def _is_node(value: Node) -> bool:
    return isinstance(value, Mapping) and "kind" in value


def _empty(value: Node) -> bool:
    return type(value) is Scalar and value.value is None


def _first_name(held: Sequence) -> str:
    first = held.items[0] if held.items else None
    name = first.get("name") if isinstance(first, Mapping) else first
    word = leaf(name) if type(name) is Scalar else None
    text = None if is_secret(word) else written(word)
    return safe_text(text, 80) if text else "NAME"


def _inside(entry: Entry, section: str) -> Diagnostic:
    name = entry.key.text
    return Diagnostic(
        "SG120",
        f"`{name}` stands inside `{section}`",
        "error",
        entry.key.span,
        f"not the name of a {_SIDES[section]}",
        f"{section}.{name}",
        help=(f"move `{name}` to the top level, beside `{section}`",),
    )


def _without_sinks(entry: Entry, kind: Scalar) -> Diagnostic:
    name = safe_text(entry.key.text, 80)
    return Diagnostic(
        "SG124",
        f"`{safe_text(kind.text, 80)}` of source `{name}` is not a kind",
        "error",
        kind.span,
        "no source is of this kind",
        f"sources.{name}.kind",
        help=(f"`{safe_text(kind.text, 80)}` is a kind of sink: write `sinks:` above `{name}`",),
    )


def _without_name(entry: Entry, side: Side, section: str) -> Diagnostic:
    return Diagnostic(
        "SG121",
        f"a {side} does not say its name",
        "error",
        entry.key.span,
        f"a field stands where the name of a {side} is needed",
        section,
        help=("write its name above it, and indent its fields below",),
    )


def _beside_node(entry: Entry, side: Side, name: str, section: str) -> Diagnostic:
    field, holder = entry.key.text, safe_text(name, 80)
    return Diagnostic(
        "SG120",
        f"`{field}` stands beside {side} `{holder}`, not in it",
        "error",
        entry.key.span,
        f"not the name of a {side}",
        f"{section}.{field}",
        help=(f"indent it, so that it belongs to `{holder}`",),
    )


def _no_node(entry: Entry, side: Side, section: str, *, indent: bool) -> Diagnostic:
    name = safe_text(entry.key.text, 80)
    help = f"write `{name}: {{kind: …}}`"
    if indent:
        help = f"indent the fields below it, so that they belong to `{name}`"
    return Diagnostic(
        "SG122",
        f"{side} `{name}` is not a mapping",
        "error",
        entry.key.span if indent else entry.value.span or entry.key.span,
        "no node",
        f"{section}.{name}",
        help=(help,),
    )
