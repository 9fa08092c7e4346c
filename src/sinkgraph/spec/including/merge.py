"""Several documents become one tree: sections name by name, lists one after the other.

Nothing is overridden: what two documents declare is a finding at the later one. Nodes of one name
are left side by side, for the rule that knows all names; every place stays true to its file.
"""

from __future__ import annotations

from collections.abc import Sequence as AnySequence

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.spec.document_tree import Entry, Mapping, Node, Scalar, Sequence
from sinkgraph.spec.including.findings import declared_twice, only_in_main
from sinkgraph.spec.sections import wrong_shape

__all__ = ["merge"]

_NODES = ("sources", "sinks")
_NAMED = {"vars": "var", "templates": "template"}
_LISTS = ("promises", "tests")
_OWN = frozenset({"$schema", "sinkgraph", "name", "description", "include"})
"""What each document says of itself; of an included one it does not count."""
_MAIN = frozenset({"egress"})
"""What only the first document may say."""
_SECTIONS = frozenset({*_NODES, *_NAMED, *_LISTS, "defaults"})


def merge(trees: AnySequence[Mapping], main: str) -> tuple[Mapping, list[Diagnostic], bool]:
    """Return one tree of several, the last of which is the first document, called `main`.

    Also what clashes, and whether every section could be read.
    """
    whole, found = trees[-1], list[Diagnostic]()
    sections: dict[str, list[Entry]] = {}
    for tree in trees:
        for entry in tree.entries:
            if entry.key.text in _SECTIONS and not _is_empty(entry.value):
                sections.setdefault(entry.key.text, []).append(entry)
    made: list[Entry] = []
    complete = True
    for entry in whole.entries:
        key = entry.key.text
        held = sections.pop(key, None)
        if held is None:
            made.append(entry)
            continue
        value, known = _merged(key, held, found)
        complete &= known
        made.append(Entry(entry.key, value))
    for key, held in sections.items():
        value, known = _merged(key, held, found)
        complete &= known
        made.append(Entry(held[0].key, value))
    for tree in trees[:-1]:
        for entry in tree.entries:
            if entry.key.text in _MAIN:
                found.append(only_in_main(entry.key, main))
            elif entry.key.text not in _OWN | _SECTIONS:
                made.append(entry)  # not a key of a document: said where all of them are judged
    return Mapping(whole.span, made), found, complete


def _merged(key: str, held: list[Entry], found: list[Diagnostic]) -> tuple[Node, bool]:
    """Return a section of several documents as one, and whether all of it could be read."""
    if len(held) == 1:
        return held[0].value, True
    if key in _LISTS:
        good = [one.value for one in held if isinstance(one.value, Sequence)]
        wrong = [one for one in held if not isinstance(one.value, Sequence)]
        found.extend(wrong_shape(one.value.span, key, "a list") for one in wrong)
        span = good[-1].span if good else None
        return Sequence(span, [item for one in good for item in one.items]), not wrong
    parts = [one.value for one in held if isinstance(one.value, Mapping)]
    wrong = [one for one in held if not isinstance(one.value, Mapping)]
    wanted = "a mapping of names to nodes" if key in _NODES else "a mapping"
    found.extend(wrong_shape(one.value.span, key, wanted) for one in wrong)
    entries = [one for part in parts for one in part.entries]
    if key == "defaults":
        entries = _defaults(entries, found)
    elif key in _NAMED:
        entries = _once(entries, key, found)
    return Mapping(parts[-1].span if parts else None, entries), not wrong


def _once(entries: list[Entry], section: str, found: list[Diagnostic]) -> list[Entry]:
    """Keep the first entry of each name."""
    kept: dict[str, Entry] = {}
    for entry in entries:
        name = entry.key.text
        first = kept.setdefault(name, entry)
        if first is entry:
            continue
        shown = safe_text(name, 80)
        help = ("declare it in one of them",)
        if section == "vars":
            help = (f"declare it in one of them; `--set {shown}=VALUE` gives it another value",)
        what = f"{_NAMED[section]} `{shown}`"
        found.append(declared_twice(what, f"{section}.{shown}", entry.key, first.key, *help))
    return list(kept.values())


def _defaults(entries: list[Entry], found: list[Diagnostic]) -> list[Entry]:
    """Bring the fields of each kind together; a field that stands twice is kept once."""
    kinds: dict[str, Entry] = {}
    fields: dict[str, dict[str, Entry]] = {}
    for entry in entries:
        name, value = entry.key.text, entry.value
        path = f"defaults.{safe_text(name, 80)}"
        first = kinds.get(name)
        if first is None:
            kinds[name] = entry
        elif not isinstance(value, Mapping):
            found.append(wrong_shape(value.span, path, "a mapping of fields"))
        elif not isinstance(first.value, Mapping):
            found.append(wrong_shape(first.value.span, path, "a mapping of fields"))
            kinds[name] = entry
        if not isinstance(value, Mapping):
            continue
        there = fields.setdefault(name, {})
        for one in value.entries:
            held = there.setdefault(one.key.text, one)
            if held is not one:
                shown = safe_text(one.key.text, 80)
                what = f"the default `{shown}` of {safe_text(name, 80)}"
                found.append(declared_twice(what, f"{path}.{shown}", one.key, held.key))
    return [
        Entry(one.key, Mapping(one.value.span, list(fields[name].values())))
        if isinstance(one.value, Mapping)
        else one
        for name, one in kinds.items()
    ]


def _is_empty(value: Node) -> bool:
    return type(value) is Scalar and value.value is None
