"""A document with its comments as a small tree, and that tree as YAML again.

It reads the starters of this package, which keep to a narrow form: block mappings of two columns,
values and list items on one line. It judges nothing; any other document is not for it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Entry", "leaf", "read_tree", "value_of", "yaml_text"]

ITEM = "-"
"""The key of an entry that is an item of a list."""


@dataclass(slots=True)
class Entry:
    """Is a key with its text (a scalar or flow value) or its entries, and the comments above it.

    A line of `above` that is empty is a blank line.
    """

    key: str
    text: str = ""
    entries: list[Entry] = field(default_factory=list)
    above: list[str] = field(default_factory=list)

    def get(self, key: str) -> Entry | None:
        """Return the entry of a key."""
        return next((one for one in self.entries if one.key == key), None)

    def at(self, *keys: str) -> Entry:
        """Return the entry below keys; raise KeyError when there is none."""
        found = self
        for key in keys:
            below = found.get(key)
            if below is None:
                raise KeyError(key)
            found = below
        return found

    def without(self, key: str) -> None:
        """Take a key out, if it is there."""
        self.entries = [one for one in self.entries if one.key != key]

    def before(self, key: str, entry: Entry) -> None:
        """Put an entry before that of a key, or last."""
        keys = [one.key for one in self.entries]
        self.entries.insert(keys.index(key) if key in keys else len(keys), entry)


def read_tree(text: str) -> Entry:
    """Return the tree of a starter; its head comment stands above its first key."""
    root = Entry("")
    open_: list[tuple[int, Entry]] = [(-2, root)]
    above: list[str] = []
    for line in text.splitlines():
        bare = line.strip()
        if not bare or bare.startswith("#"):
            above.append(bare)
            continue
        indent = len(line) - len(line.lstrip())
        while open_[-1][0] >= indent:
            open_.pop()
        if bare.startswith("- "):
            made = Entry(ITEM, bare[2:])
        else:
            key, _, value = bare.partition(":")
            made = Entry(key, value.strip())
        made.above, above = above, []
        open_[-1][1].entries.append(made)
        open_.append((indent, made))
    return root


def yaml_text(root: Entry) -> str:
    """Return the tree as YAML."""
    lines: list[str] = []
    _write(root.entries, "", lines)
    return "\n".join(lines) + "\n"


def _write(entries: list[Entry], indent: str, lines: list[str]) -> None:
    for one in entries:
        lines += [indent + text if text else "" for text in one.above]
        mark = "- " if one.key == ITEM else f"{one.key}: "
        lines.append(f"{indent}{mark}{one.text}".rstrip())
        _write(one.entries, indent + "  ", lines)


def value_of(entry: Entry) -> Any:
    """Return what an entry holds, as plain values."""
    import yaml

    if not entry.entries:
        return yaml.safe_load(entry.text)
    if entry.entries[0].key == ITEM:
        return [value_of(one) for one in entry.entries]
    return {one.key: value_of(one) for one in entry.entries}


def leaf(text: str) -> str:
    """Return a text as a YAML scalar, quoted only where it must be."""
    import yaml

    try:
        plain = yaml.safe_load(f"a: {text}") == {"a": text}
    except yaml.YAMLError:
        plain = False
    if plain and text.isprintable() and ": " not in text:
        return text
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
