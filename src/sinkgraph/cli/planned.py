"""How a plan is written for people: a row for each node, its fields below, and a line that counts.

Colours only repeat what signs and words say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

import click

from sinkgraph.cli.options import many
from sinkgraph.diagnostics.safe import clip, safe_text, width
from sinkgraph.graph.diff.plan import Action, FieldChange, NodeChange, Plan
from sinkgraph.graph.diff.words import NOTHING_PENDING

__all__ = ["DONE", "counted", "lines"]

_SIGNS: Mapping[Action, tuple[str, str]] = MappingProxyType(
    {
        "add": ("+", "green"),
        "retune": ("~", "yellow"),
        "replace": ("±", "yellow"),
        "rename": ("→", "cyan"),
        "remove": ("-", "red"),
        "keep": ("=", ""),
    }
)
DONE: Mapping[Action, str] = MappingProxyType(
    {
        "add": "added",
        "retune": "retuned",
        "replace": "replaced",
        "rename": "renamed",
        "remove": "removed",
        "keep": "kept",
    }
)
_WIDEST = 40  # columns of a name
_MOST = 100  # columns of one value
_BESIDE = 70  # columns of two values in one line
_INDENT = " " * 6


def lines(plan: Plan, *, whole: bool = False) -> Iterator[str]:
    """Yield a plan, line by line; `whole`: with the nodes that stay as they are."""
    rows = [one for one in plan.changes if whole or one.action != "keep" or one.changes]
    if plan.document:
        yield "  the document itself"
        yield from _fields(plan.document)
    names = [clip(safe_text(one.name), _WIDEST) for one in rows]
    wide = max(map(width, names), default=0)
    kinds = max((len(one.kind) for one in rows), default=0)
    for one, name in zip(rows, names, strict=True):
        sign, color = _SIGNS[one.action]
        done = f"{sign} {DONE[one.action]:<8}"
        head = click.style(done, fg=color) if color else done
        why, *more = one.reason.split("; ")
        yield f"  {head}  {name}{' ' * (wide - width(name))}  {one.kind:<{kinds}}  {why}"
        yield from _fields(one.changes)
        yield from (f"{_INDENT}{said}" for said in more)
        yield from _pending(one)
    if rows or plan.document:
        yield ""
    yield counted(plan)


def counted(plan: Plan) -> str:
    """Return how many nodes there are of each action: `Plan: 1 to add, 6 stay as they are.`"""
    held = plan.by_action()
    kept = len(held["keep"])
    parts = [f"{len(found):,} to {action}" for action, found in held.items() if action != "keep"]
    parts = [one for one in parts if not one.startswith("0 ")]
    rest = f"{many(kept, 'node')} {'stays as it is' if kept == 1 else 'stay as they are'}"
    if not parts:
        what = "nothing changes" if plan.same else "nothing that runs changes"
        return f"Plan: {what}; {rest}."
    refused = ", and it cannot be carried out" if plan.refused else ""
    return f"Plan: {', '.join(parts)}; {rest}{refused}."


def _fields(changes: Sequence[FieldChange]) -> Iterator[str]:
    wide = max((width(safe_text(one.field)) for one in changes), default=0)
    for one in changes:
        field = safe_text(one.field)
        head = f"{_INDENT}{field}{' ' * (wide - width(field))}  "
        if one.before == one.after or width(one.told) <= _BESIDE:
            yield head + one.told
        else:
            yield head + clip(one.before, _MOST)
            yield f"{' ' * (width(head) - 2)}→ {clip(one.after, _MOST)}"


def _pending(one: NodeChange) -> Iterator[str]:
    """Yield what becomes of what is pending, where something can be."""
    if one.events != NOTHING_PENDING and one.action != "keep":
        yield f"{_INDENT}events: {one.events}"
