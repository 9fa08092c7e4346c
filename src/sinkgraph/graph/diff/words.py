"""What a plan says of a node in sentences: why it changes, and what becomes of what is pending.

They end without a full stop and begin in lower case, so that a table or a list can hold them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.graph.diff.plan import Action, FieldChange
from sinkgraph.graph.diff.sides import Side
from sinkgraph.graph.model import Graph, GraphNode

__all__ = ["NOTHING_PENDING", "events_of", "events_of_leaving", "quoted", "reason_of"]

NOTHING_PENDING = "nothing is pending here"

_HOLDERS = frozenset({"queue", "retry", "batch", "channel", "dead_letter"})
"""Kinds in which events wait."""

_FORGOTTEN: Mapping[str, str] = {
    "breaker": "its breaker begins closed, since events go to another origin",
    "window": "what it remembered is forgotten",
    "tokens": "its rates begin anew",
    "concurrency": "it learns anew how many requests the other side takes",
}


def quoted(name: str) -> str:
    """Return a name for a sentence."""
    return f"`{safe_text(name, 80)}`"


def _named(names: Sequence[str]) -> str:
    return " and ".join(
        filter(None, [", ".join(map(quoted, names[:-1])), *map(quoted, names[-1:])])
    )


def reason_of(
    action: Action,
    was: str | None,
    changes: Sequence[FieldChange],
    whys: Sequence[str],
    forgets: Sequence[str],
) -> str:
    """Return why a node of both graphs becomes what it becomes; `whys`: of its replacement."""
    former = f"it was {quoted(was)}" if was is not None else ""
    parts = [former]
    if action == "replace":
        parts += dict.fromkeys(whys)
    elif any(not one.drawing for one in changes):
        parts.append("it follows in place")
    elif changes:
        parts.append("only what describes it differs")
    parts += [_FORGOTTEN[one] for one in forgets]
    return "; ".join(filter(None, parts)) or "nothing of it differs"


def events_of(
    action: Action, old: GraphNode, new: GraphNode, changed: Mapping[str, FieldChange], after: Side
) -> str:
    """Return what becomes of what is pending at a node of both graphs.

    `changed`: the first change of each field, by the key it stands under.
    """
    if action == "replace":
        said = _replaced(new, changed, after)
        if said:
            return said
    if new.kind == "http" and new.role == "terminal" and "url" in changed:
        return _new_address(new, after)
    if new.kind in _HOLDERS:
        if action == "rename":
            return "stay, under the new name"
        to = changed.get("to")
        moved = to is not None and to.after in after.graph.nodes
        return f"go on to {quoted(to.after)}" if moved and to is not None else "stay"
    return NOTHING_PENDING


def _replaced(new: GraphNode, changed: Mapping[str, FieldChange], after: Side) -> str:
    """Return what becomes of what is pending where a new node takes the place of an old one."""
    match new.role == "source", new.kind:
        case False, "queue":
            where = "on disk" if new.on_disk else "in memory"
            return f"go first, in order; those that come from now on are kept {where}"
        case False, "http":
            return _new_address(new, after)
        case False, "file":
            return "what is being written ends in the old file, the next goes to the new one"
        case False, "channel":
            return "its readers get what it holds, and then end"
        case True, "http":
            return "requests under way are answered, the next are taken at the new address"
        case True, "file":
            return "files read before go on where they stood"
    return ""


def _new_address(new: GraphNode, after: Side) -> str:
    above = after.fed_by.get(new.name, ())
    if not above:
        return "attempts under way end at the old URL, the next go to the new one"
    return f"those of {_named(above)} go on to the new URL"


def events_of_leaving(node: GraphNode, fate: str, before: Graph) -> str:
    """Return what becomes of what is pending at a node that leaves."""
    if node.kind == "dead_letter":
        return "its letters stay in the state dir"
    if node.role == "source":
        return "what it has begun to hand on is finished first"
    if node.kind == "channel":
        return "its readers get what it holds, and then end"
    if node.kind != "queue":
        return NOTHING_PENDING
    word, _, name = fate.partition(":")
    match word:
        case "drain":
            to = next((e.target for e in before.downstream(node.name) if e.port == "to"), "")
            left = "become dead letters at the deadline"
            rest = "stay on disk for the next start" if node.on_disk else left
            return f"drain in the background to {quoted(to)}; the rest {rest}"
        case "dead_letter":
            return "become dead letters"
        case "discard":
            return "are discarded, and counted"
        case "move_to":
            return f"move to {quoted(name)}"
        case "keep":
            return "stay on disk for the next start"
    return "cannot be said: the fate is none"
