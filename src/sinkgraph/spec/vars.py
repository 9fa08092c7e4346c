"""A document's `vars`: typed values with defaults, overridden from outside by text.

Where they are used is `sinkgraph.spec.interpolate` and the expressions.
"""

from __future__ import annotations

from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.diagnostics.nearest import nearest
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.diagnostics.source import Span
from sinkgraph.spec.document_tree import Entry, Mapping, Node
from sinkgraph.spec.fields import Duration, Flag, JsonValue, Size, Text, shown
from sinkgraph.spec.kinds.base import Section
from sinkgraph.spec.kinds.types import Choice
from sinkgraph.spec.leaves import FilledText, Placeholder, is_secret, plain, unwrap, written
from sinkgraph.spec.locate import Owner, from_validation
from sinkgraph.spec.secret import Secret

__all__ = ["VarSpec", "Vars", "read_vars"]

VarType = Literal["string", "int", "float", "bool", "duration", "size"]
_MAX_FOUND = 1000
_NAME_HELP = "a var is named by a letter and letters, digits or `_`, so that `vars.NAME` reads it"
_SHAPES: dict[type, str] = {bool: "bool", int: "int", float: "float"}


class VarSpec(Section):
    """Is one var: `${var:NAME}` in text, `vars.NAME` in expressions."""

    type: Annotated[VarType, Choice()] | None = None
    """What it holds: `string`, `int`, `float`, `bool`, `duration`, `size` [that of `default`]."""
    default: JsonValue = None
    """Its value unless `--set NAME=VALUE` gives another."""
    secret: Flag = False
    """True: its value is shown nowhere."""
    description: Text | None = None
    """What it is for."""


class _Typed(Section):
    """Reads one value of each type."""

    duration: Duration = 1.0
    size: Size = 1


@dataclass(slots=True)
class Vars:
    """Holds values for expressions and texts for interpolation; what is secret is a Secret."""

    values: dict[str, Any] = field(default_factory=dict)
    texts: dict[str, str | Secret] = field(default_factory=dict)
    declared: set[str] = field(default_factory=set)


def read_vars(
    tree: Node | None, set_vars: MappingABC[str, str], *, strict: bool
) -> tuple[Vars, list[Diagnostic]]:
    """Return the vars of a document with `set_vars` applied, and what is wrong with them.

    `strict`: a var without a value is an error; else a warning, and a placeholder stands for it.
    """
    vars, found = Vars(), list[Diagnostic]()
    entries = tree.entries if isinstance(tree, Mapping) else []
    if tree is not None and not isinstance(tree, Mapping) and plain(tree) is not None:
        found.append(
            Diagnostic(
                "SG122",
                "`vars` is not a mapping",
                span=tree.span,
                path="vars",
                help=("write `vars: {name: {default: value}}`",),
            )
        )
    for entry in entries:
        vars.declared.add(entry.key.text)
        if len(found) < _MAX_FOUND:
            found.extend(_one(entry, vars, set_vars, strict))
        else:
            vars.texts[entry.key.text] = Placeholder("unset")
    for name in set_vars:
        if name not in vars.declared:
            near = nearest(name, vars.declared)
            help = (f"the nearest is `{near}`",) if near else ("declare it under `vars:`",)
            shown_name = safe_text(name, 80)
            found.append(
                Diagnostic(
                    "SG132",
                    f"no var is named `{shown_name}`",
                    path=f"--set {shown_name}",
                    help=help,
                )
            )
    return vars, found


def _one(
    entry: Entry, vars: Vars, set_vars: MappingABC[str, str], strict: bool
) -> list[Diagnostic]:
    name, at = entry.key.text, entry.key.span
    path = f"vars.{name}"
    label = f"var `{safe_text(name, 80)}`"
    # A var that is declared wrongly is declared: only its own mistake is reported.
    vars.texts[name], vars.values[name] = Placeholder("unset"), None
    if not (name.isidentifier() and name.isascii()):
        return [
            Diagnostic(
                "SG128", f"{label} cannot be named so", "error", at, "", path, help=(_NAME_HELP,)
            )
        ]
    if not isinstance(entry.value, Mapping):
        held = plain(entry.value)
        text = (None if is_secret(held) else written(held)) or "…"
        help = f"write `{name}: {{default: {text}}}`"
        return [
            Diagnostic(
                "SG122",
                f"{label} is not a mapping",
                "error",
                entry.value.span,
                "",
                path,
                help=(help,),
            )
        ]
    try:
        spec = VarSpec.model_validate(plain(entry.value))
    except ValidationError as error:
        return list(from_validation(error, Owner(label, path, entry.value, at), VarSpec))
    held = entry.value.get("default")
    raw: Any = None if held is None else plain(held)
    span = held.span if held is not None else at
    if name in set_vars:
        raw, span, path = FilledText(set_vars[name]), None, f"--set {name}"
    if raw is None or isinstance(raw, Placeholder):
        return [_no_value(label, at, path, strict)] if raw is None else []
    wanted = spec.type or _SHAPES.get(type(spec.default), "string")
    try:
        value = _typed(raw, wanted)
    except (ValueError, PydanticCustomError) as error:
        return [_bad_value(label, wanted, "***" if spec.secret else shown(raw), error, span, path)]
    text = written(raw) or ""
    hidden = spec.secret or is_secret(raw)
    vars.texts[name] = Secret(text) if hidden else text
    vars.values[name] = Secret(value if isinstance(value, str) else text) if hidden else value
    return []


def _typed(raw: Any, wanted: str) -> Any:
    """Return a leaf as a value of that type; raise ValueError."""
    text = written(raw)
    if text is None:
        raise ValueError("is not a single value")
    if wanted == "string":
        return text
    if wanted == "bool":
        if text.lower() not in {"true", "false"} or (
            type(raw) is str and not isinstance(raw, FilledText)
        ):
            raise ValueError("is not `true` or `false`")
        return text.lower() == "true"
    if wanted in {"int", "float"}:
        number = unwrap(raw)
        if isinstance(number, bool):
            raise ValueError("is not a number")
        if isinstance(raw, FilledText):
            number = int(text) if wanted == "int" else float(text)
        if wanted == "float" and isinstance(number, int):
            number = float(number)
        if isinstance(number, str) or (wanted == "int" and isinstance(number, float)):
            raise ValueError("is not a number" if wanted == "float" else "is not a whole number")
        return number
    try:
        return getattr(_Typed.model_validate({wanted: raw}), wanted)
    except ValidationError as error:
        raise ValueError(str(error.errors()[0]["msg"]).partition("` ")[2]) from None


def _bad_value(
    label: str, wanted: str, value: str, error: Exception, span: Span | None, path: str
) -> Diagnostic:
    why = str(error) if str(error).startswith(("is ", "has ")) else f"is not {wanted}"
    return Diagnostic(
        "SG122",
        f"{label}: {value} {why}",
        "error",
        span,
        why,
        path,
        help=(f"its type is `{wanted}`",),
    )


def _no_value(label: str, at: Span | None, path: str, strict: bool) -> Diagnostic:
    return Diagnostic(
        "SG133",
        f"{label} has no value",
        "error" if strict else "warning",
        at,
        "no `default`, and none is set",
        path,
        help=("add `default:`, or give it with `--set`",),
    )
