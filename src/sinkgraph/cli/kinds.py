"""`sinkgraph kinds [NAME]`: the kinds of nodes there are, and the fields of one.

Everything it says is read from the registry of kinds and from their models.
"""

from __future__ import annotations

import json
import shutil
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from sinkgraph.cli.options import echo, json_option, wants_color
from sinkgraph.diagnostics.safe import safe_text

if TYPE_CHECKING:
    from sinkgraph.api.fields import FieldWords
    from sinkgraph.spec.kind import Kind

__all__ = ["command"]

_ROLES = {
    "source": "Sources: where events enter",
    "fan": "Fan out and choose",
    "change": "Change what passes, or how much",
    "reliability": "Reliability",
    "terminal": "Terminals: where events leave",
}
_MAX_WIDTH = 100


@click.command(name="kinds")
@click.argument("name", required=False)
@json_option
def command(name: str | None, as_json: bool) -> None:
    """List the kinds of nodes, or the fields of one.

    NAME is a kind, for example `queue`; `http` and `file` are both a source and a sink.
    """
    from sinkgraph.spec.kind import all_kinds

    kinds = all_kinds()
    chosen = kinds if name is None else tuple(one for one in kinds if one.name == name)
    if not chosen:
        raise click.UsageError(_unknown(name or "", [one.name for one in kinds]))
    if as_json:
        echo(json.dumps([_as_object(one) for one in chosen], indent=2))
    elif name is None:
        echo("\n".join(_table(chosen)))
    else:
        echo("\n\n".join("\n".join(_page(one)) for one in chosen))


def _unknown(name: str, known: list[str]) -> str:
    from sinkgraph.diagnostics.nearest import nearest

    near = nearest(name, known)
    help = f"the nearest is `{near}`" if near else "`sinkgraph kinds` lists them"
    return f"`{safe_text(name, 80)}` is not a kind; {help}"


def _table(kinds: tuple[Kind, ...]) -> Iterator[str]:
    """Yield the kinds by role, one a line."""
    wide = max(len(one.name) for one in kinds)
    ports = max(len(_ports(one)) for one in kinds)
    for role, title in _ROLES.items():
        yield _bold(title)
        for kind in kinds:
            if kind.role == role:
                row = f"  {kind.name:<{wide}}  {_ports(kind):<{ports}}  {kind.summary}"
                yield safe_text(row)
        yield ""
    yield "`sinkgraph kinds NAME` lists the fields of one; ports in (…) may be left away."


def _ports(kind: Kind) -> str:
    """Return the outputs of a kind, e.g. `to (otherwise)`; optional ones in parentheses."""
    shown = []
    for port in kind.ports:
        text = f"{port.name}[…]" if port.many else port.name
        shown.append(f"({text})" if port.optional else text)
    return " ".join(shown) or "—"


def _page(kind: Kind) -> Iterator[str]:
    """Yield everything about one kind."""
    from sinkgraph.api.fields import fields_of

    what = "source" if kind.role == "source" else f"sink, {kind.role}"
    yield f"{_bold(safe_text(kind.name))} ({what}): {safe_text(kind.summary)}"
    if kind.ports:
        yield f"  ports: {_ports(kind)}"
    fields = fields_of(kind)
    for title, everywhere in (("Fields", False), ("Fields of every node", True)):
        chosen = [one for one in fields if one.everywhere is everywhere]
        if chosen:
            yield ""
            yield _bold(title)
            yield from _fields(chosen, "  ")


def _fields(fields: list[FieldWords], indent: str) -> Iterator[str]:
    width = min(shutil.get_terminal_size((80, 24)).columns, _MAX_WIDTH)
    for one in fields:
        default = "" if one.default is None else f" [{_value(one.default)}]"
        needed = ", required" if one.required else ""
        yield safe_text(f"{indent}{one.name}: {one.type}{needed}{default}")
        below = indent + "    "
        yield from textwrap.wrap(
            safe_text(one.description), width, initial_indent=below, subsequent_indent=below
        )
        for variant, inner in one.inner:
            if variant:
                yield f"{below}with `kind: {variant}`:"
            yield from _fields(
                [field for field in inner if field.name != "kind"], below + "  " * bool(variant)
            )


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _as_object(kind: Kind) -> dict[str, Any]:
    from sinkgraph.api.fields import fields_of

    return {
        "name": kind.name,
        "role": kind.role,
        "side": kind.side,
        "summary": kind.summary,
        "composite": kind.composite,
        "ports": [
            {"name": one.name, "many": one.many, "optional": one.optional} for one in kind.ports
        ],
        "fields": [_field_object(one) for one in fields_of(kind)],
    }


def _field_object(field: FieldWords) -> dict[str, Any]:
    made: dict[str, Any] = {
        "name": field.name,
        "type": field.type,
        "required": field.required,
        "default": field.default,
        "description": field.description,
    }
    if field.inner:
        made["fields"] = [
            {"kind": variant or None, "fields": [_field_object(one) for one in inner]}
            for variant, inner in field.inner
        ]
    return made


def _bold(text: str) -> str:
    return f"\x1b[1m{text}\x1b[0m" if wants_color() else text
