"""`${env:NAME}`, `${file:/path}` and `${var:name}` in the texts of a tree become their values.

It runs after parsing, only inside string leaves, and once: what a value holds is never expanded
again. It coerces nothing: the type of the field does (`sinkgraph.spec.leaves.repair`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from collections.abc import Mapping as AnyMapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.diagnostics.source import SourceText
from sinkgraph.spec.document_traps import EXPRESSION_KEYS, EXPRESSION_MAPS
from sinkgraph.spec.document_tree import Entry, Mapping, Node, Scalar, Sequence
from sinkgraph.spec.fill import Filler, Mode

__all__ = ["EXPRESSION_FIELDS", "Mode", "interpolate"]

EXPRESSION_FIELDS = EXPRESSION_KEYS | EXPRESSION_MAPS
"""Keys whose text, or whose mapping of texts, holds expressions."""

_Inside = Literal["fields", "names", "literals", "expressions"]
_FIELDS: _Inside = "fields"
_NAMES: _Inside = "names"
_LITERALS: _Inside = "literals"
_EXPRESSIONS: _Inside = "expressions"
_NAMED_FIELDS = frozenset({"sinks", "sources", "templates", "params"})
_TEMPLATES = "templates"
_LITERAL_FIELDS = frozenset({"event", "headers", "set", "tls", "vars"})


def interpolate(
    tree: Mapping,
    *,
    vars: AnyMapping[str, object],
    env: AnyMapping[str, str],
    base_dir: Path,
    mode: Mode,
    expression_fields: AbstractSet[str] = EXPRESSION_FIELDS,
    bases: AnyMapping[SourceText, Path] | None = None,
    files: list[str] | None = None,
) -> tuple[Mapping, list[Diagnostic]]:
    """Return a tree with every `${…}` replaced, and every finding, in the order of the tree.

    A leaf that was filled holds a `FilledText`: a `SecretText` (and `secret`) when part of it came
    from `env`, a file or a var that is a `Secret`; a `Placeholder` when a part is not known. An
    unset variable or unusable file is an error in mode "strict" and a warning in "placeholder".
    Files are relative to `base_dir`, or to what `bases` has for the text they are named in; to
    `files` is added which were read or looked for. Raises nothing.
    """
    if not _has_marks(tree):
        return tree, []
    filler = Filler(vars, env, base_dir, mode, bases)
    made = Mapping(tree.span, [])
    todo = [_Step(made, tree, "", _FIELDS)]
    while todo:
        step = todo.pop()
        below: list[_Step] = []
        for place, old, inside in _children(step, expression_fields, filler):
            filler.template = step.template or (step.out is made and place == _TEMPLATES)
            new = filler.leaf_or_shell(old, place, inside == _EXPRESSIONS)
            if isinstance(step.out, Mapping) and isinstance(step.node, Mapping):
                key = step.node.entries[len(step.out.entries)].key
                step.out.entries.append(Entry(key, new))
            elif isinstance(step.out, Sequence):
                step.out.items.append(new)
            if type(new) is not Scalar:
                below.append(_Step(new, old, place, inside, filler.template))
        todo.extend(reversed(below))
    if files is not None:
        files.extend(os.path.abspath(base / name) for base, name in filler.files)
    return made, filler.found


@dataclass(frozen=True, slots=True)
class _Step:
    """Is a collection whose copy `out` is still to be filled; `inside` says what its keys are.

    `template`: it stands in a template.
    """

    out: Node
    node: Node
    path: str
    inside: _Inside
    template: bool = False


def _children(
    step: _Step, expression_fields: AbstractSet[str], filler: Filler
) -> Iterator[tuple[str, Node, _Inside]]:
    """Yield path, node and meaning of everything directly inside a collection."""
    node, path, inside = step.node, step.path, step.inside
    if isinstance(node, Sequence):
        for index, item in enumerate(node.items):
            yield f"{path}[{index}]", item, inside
    elif isinstance(node, Mapping):
        for entry in node.entries:
            name = entry.key.text
            filler.check_key(entry.key, path)
            yield (
                f"{path}.{name}" if path else name,
                entry.value,
                _below(inside, name, expression_fields),
            )


def _below(inside: _Inside, name: str, expression_fields: AbstractSet[str]) -> _Inside:
    if inside in {_LITERALS, _EXPRESSIONS}:
        return inside
    if inside == _NAMES:
        return _FIELDS
    if name in expression_fields:
        return _EXPRESSIONS
    if name in _LITERAL_FIELDS:
        return _LITERALS
    return _NAMES if name in _NAMED_FIELDS else _FIELDS


def _has_marks(tree: Mapping) -> bool:
    """Tell whether a text anywhere holds a `$`."""
    todo: list[Node] = [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, Mapping):
            for entry in node.entries:
                if type(entry.value) is not Scalar:
                    todo.append(entry.value)
                elif "$" in entry.value.text:
                    return True
                if "$" in entry.key.text:
                    return True
        elif isinstance(node, Sequence):
            todo.extend(node.items)
        elif isinstance(node, Scalar) and "$" in node.text:
            return True
    return False
