"""The tree of a new document as TOML and as JSON.

Comments stay comments in TOML. JSON has none: there the comment above a node is its description.
"""

from __future__ import annotations

import json
from typing import Any

from sinkgraph.cli.new.tree import ITEM, Entry, value_of, yaml_text

__all__ = ["MODELINES", "document_text"]

SCHEMA = "./sinkgraph.schema.json"
MODELINES = {"yaml": f"# yaml-language-server: $schema={SCHEMA}", "toml": f"#:schema {SCHEMA}"}
"""The first line of a document, by which an editor finds the schema."""
_WIDTH = 100


def document_text(root: Entry, syntax: str) -> str:
    """Return the tree in a syntax: `yaml`, `toml` or `json`."""
    if syntax == "toml":
        return _toml_text(root)
    if syntax == "json":
        return _json_text(root)
    return yaml_text(root)


def _toml_text(root: Entry) -> str:
    lines: list[str] = []
    for one in root.entries:
        above = [MODELINES["toml"] if line == MODELINES["yaml"] else line for line in one.above]
        if not one.entries:
            lines += [*above, f"{one.key} = {_toml(value_of(one))}"]
        for node in one.entries:
            several = node.key == ITEM
            lines += [*(above or [""]), *filter(None, node.above)]
            above = []
            lines.append(f"[[{one.key}]]" if several else f"[{one.key}.{_toml_key(node.key)}]")
            if several:
                lines += [f"{key} = {_toml(value)}" for key, value in value_of(node).items()]
            for entry in node.entries:
                lines += [*entry.above, f"{entry.key} = {_toml_lines(value_of(entry))}"]
    return "\n".join(lines) + "\n"


def _toml_lines(value: Any) -> str:
    """Return a value; a list of tables has a line for each."""
    if isinstance(value, list) and any(isinstance(one, dict) for one in value):
        return "[\n" + "".join(f"  {_toml(one)},\n" for one in value) + "]"
    return _toml(value)


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_toml_key(k)} = {_toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, str) and '"' in value and "'" not in value and value.isprintable():
        return f"'{value}'"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _toml_key(key: str) -> str:
    bare = key.replace("_", "").replace("-", "")
    return key if bare.isascii() and bare.isalnum() else json.dumps(key, ensure_ascii=False)


def _json_text(root: Entry) -> str:
    made: dict[str, Any] = {"$schema": SCHEMA}
    for one in root.entries:
        made[one.key] = value_of(one)
        for node in one.entries:
            said = " ".join(line.lstrip("# ") for line in node.above if line)
            if said and node.key != ITEM:
                made[one.key][node.key] = _described(made[one.key][node.key], said)
    parts = [f"  {_json(key)}: {_json_section(value)}" for key, value in made.items()]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _described(node: dict[str, Any], said: str) -> dict[str, Any]:
    """Return a node with a description behind its kind."""
    return {"kind": node["kind"], "description": said, **node}


def _json_section(value: Any) -> str:
    if not isinstance(value, dict | list):
        return _json(value)
    keys = [f"{_json(key)}: " for key in value] if isinstance(value, dict) else [""] * len(value)
    held = list(value.values()) if isinstance(value, dict) else value
    open_, close = ("{", "}") if isinstance(value, dict) else ("[", "]")
    parts = [
        f"    {key}{_json_fitting(one, len(key))}" for key, one in zip(keys, held, strict=True)
    ]
    return f"{open_}\n" + ",\n".join(parts) + f"\n  {close}"


def _json_fitting(value: Any, taken: int) -> str:
    """Return a node on one line, or a line for each field."""
    short = _json(value)
    if not isinstance(value, dict) or 4 + taken + len(short) < _WIDTH:
        return short
    parts = [f"      {_json(key)}: {_json(one)}" for key, one in value.items()]
    return "{\n" + ",\n".join(parts) + "\n    }"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
