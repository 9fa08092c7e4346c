"""The schema a source names: built in, a file beside the document, or a type of Python.

It reads and judges the schema; what events of it mean to the nodes below is
`sinkgraph.graph.typing`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from collections.abc import Mapping as Mapping_
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from sinkgraph.diagnostics.diagnostic import Diagnostic, Label, has_errors
from sinkgraph.diagnostics.nearest import nearest
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.diagnostics.source import Span
from sinkgraph.expr.built_in import BUILT_IN
from sinkgraph.expr.roots import Root
from sinkgraph.expr.schema import Pointer, SchemaProblem, schema_problems, type_of_schema
from sinkgraph.expr.types import ANY, Type
from sinkgraph.formats.type_patterns import DEFAULT
from sinkgraph.spec.document import read
from sinkgraph.spec.document_tree import Mapping, Node, Sequence
from sinkgraph.spec.including.paths import documents_in
from sinkgraph.spec.kinds.source import SourceSpec
from sinkgraph.spec.leaves import plain, unwrap

__all__ = ["MAX_BYTES", "NamedSchema", "Schema", "named_schemas", "read_schema", "roots_of"]

MAX_BYTES = 1024 * 1024
_PYTHON = "python:"


@dataclass(frozen=True, slots=True)
class Schema:
    """Is a schema that was read: how messages name it, what it says, the type of its events."""

    name: str
    value: Any
    type: Type


@dataclass(frozen=True, slots=True)
class NamedSchema:
    """Is a schema where a source names it; `pattern`: of the types it is for, None for every."""

    text: str
    pattern: str | None
    keys: tuple[str, ...]


def named_schemas(spec: SourceSpec) -> list[NamedSchema]:
    """Return the schemas a source names, in the order of the document."""
    made = [NamedSchema(text, one, ("schemas", one)) for one, text in spec.schemas.items()]
    if spec.schema_ is not None:
        made.insert(0, NamedSchema(spec.schema_, None, ("schema",)))
    return made


def roots_of(schemas: Mapping_[str | None, Schema]) -> tuple[Root, ...]:
    """Return the types payloads may have, from the schemas by pattern (None: for every event)."""
    whole = schemas.get(None)
    patterns = frozenset(one for one in schemas if one is not None)
    if not patterns:
        return (Root(whole.type),) if whole is not None else ()
    made = [
        Root(schema.type, one, patterns - {one}, schema.name)
        for one, schema in schemas.items()
        if one is not None
    ]
    if DEFAULT not in patterns:
        rest, name = (ANY, "") if whole is None else (whole.type, whole.name)
        made.append(Root(rest, DEFAULT, patterns, name))
    return tuple(made)


def read_schema(
    text: str, base: Path, at: Span | None = None, path: str = ""
) -> tuple[Schema | None, list[Diagnostic]]:
    """Return the schema a document names, and what is wrong with it.

    `at` and `path`: where the document names it. Files are relative to `base`.
    """
    if text in BUILT_IN:
        return Schema(text, BUILT_IN[text], type_of_schema(BUILT_IN[text])), []
    if text.startswith(_PYTHON):
        return _from_python(text, at, path)
    return _from_file(text, base, at, path)


def _from_file(
    text: str, base: Path, at: Span | None, path: str
) -> tuple[Schema | None, list[Diagnostic]]:
    file = base / text
    try:
        size = file.stat().st_size
        reason = "is a directory" if file.is_dir() else ""
        if size > MAX_BYTES and not reason:
            reason = f"is larger than {MAX_BYTES // 1024} KiB"
    except (OSError, ValueError) as error:
        reason = f"cannot be read: {getattr(error, 'strerror', None) or error}"
    if reason:
        headline = f"the schema `{safe_text(text, 200)}` {reason}"
        return None, [_wrong(headline, at, path, *_beside(file, base))]
    tree, found = read(_shown(file))
    if tree is None or has_errors(found):
        return None, [
            *found,
            _wrong(f"the schema `{safe_text(text, 200)}` is not usable", at, path),
        ]
    value = unwrap(plain(tree))
    problems = schema_problems(value)
    if problems:
        return None, [_in_file(one, tree, at) for one in problems]
    return Schema(text, value, type_of_schema(value)), []


def _beside(file: Path, base: Path) -> tuple[str, ...]:
    """Say what may help where a schema is not there: the nearest name in its folder."""
    if file.exists():
        return ()
    near = nearest(file.name, documents_in(os.fspath(file.parent)))
    if near is None:
        return ("a path is relative to the document that writes it",)
    return (f"the nearest is `{safe_text(os.path.relpath(file.parent / near, base), 200)}`",)


def _shown(file: Path) -> str:
    """Return a path as findings show it: from the working directory where it is below it."""
    try:
        return os.fspath(file.relative_to(Path.cwd()))
    except ValueError:
        return os.fspath(file)


def _wrong(headline: str, at: Span | None, path: str, *help: str) -> Diagnostic:
    return Diagnostic("SG406", headline, "error", at, "named here", path, help=help)


def _in_file(one: SchemaProblem, tree: Mapping, at: Span | None) -> Diagnostic:
    span = _place(tree, one.at)
    named = (Label(at, "named here"),) if at is not None else ()
    help = (safe_text(one.help, 300),) if one.help else ()
    return Diagnostic(
        "SG406",
        safe_text(one.headline, 300),
        "error",
        span,
        one.label,
        "/".join(map(str, one.at)),
        named,
        help=help,
    )


def _place(tree: Mapping, pointer: Pointer) -> Span | None:
    """Return where the value a pointer names stands, or the nearest that holds it."""
    held: Node = tree
    for step in pointer:
        below: Node | None = None
        if isinstance(held, Mapping):
            below = held.get(str(step))
        elif isinstance(held, Sequence) and isinstance(step, int) and step < len(held):
            below = held.items[step]
        if below is None:
            break
        held = below
    return held.span


def _from_python(text: str, at: Span | None, path: str) -> tuple[Schema | None, list[Diagnostic]]:
    module, _, name = text.removeprefix(_PYTHON).partition(":")
    sys.path.append(os.getcwd())  # where `run` finds functions too, after all else
    try:
        held: Any = import_module(module)
        for part in name.split("."):
            held = getattr(held, part)
        value = _python_schema(held)
    except Exception as error:  # whatever the user's module does
        said = safe_text(f"{type(error).__name__}: {error}".partition("\n")[0], 300)
        headline = f"the type `{safe_text(text, 200)}` gives no schema: {said}"
        help = "name a pydantic model, a msgspec Struct, a dataclass or a TypedDict"
        return None, [_wrong(headline, at, path, help)]
    finally:
        sys.path.remove(os.getcwd())
    problems = schema_problems(value)
    if problems:
        return None, list(_of_type(text, problems, at, path))
    return Schema(name.rpartition(".")[2], value, type_of_schema(value) if value else ANY), []


def _of_type(
    text: str, problems: list[SchemaProblem], at: Span | None, path: str
) -> Iterator[Diagnostic]:
    for one in problems:
        where = "/".join(map(str, one.at))
        headline = f"the schema of `{text}` cannot be used at `{where}`: {one.headline}"
        yield _wrong(safe_text(headline, 300), at, path)


def _python_schema(held: Any) -> Any:
    import msgspec

    if isinstance(held, type) and issubclass(held, msgspec.Struct):
        return msgspec.json.schema(held)
    from pydantic import TypeAdapter

    if not isinstance(held, type) and getattr(held, "__origin__", None) is None:
        raise TypeError(f"{type(held).__name__} is no type")
    return TypeAdapter(held).json_schema()
