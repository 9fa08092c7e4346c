"""SG202, SG203, SG209, SG217: events have a way in, and a way to every node."""

from __future__ import annotations

from collections.abc import Iterator

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.diagnostics.source import Span
from sinkgraph.graph.model import DEAD_LETTERS
from sinkgraph.graph.order import reached
from sinkgraph.graph.view import View
from sinkgraph.spec.document_tree import Mapping

__all__ = ["check", "roots"]


def check(view: View) -> Iterator[Diagnostic]:
    """Yield a document without sinks or sources, and nodes that no event can reach."""
    sinks = [one for one in view.nodes.values() if one.side == "sink"]
    if all(one.name == DEAD_LETTERS and not view.into[one.name] for one in sinks):
        if not (view.unread or view.shadowed):
            yield _no_sink(view)
        return
    if not view.sources:
        yield from _no_source(view)
    else:
        yield from _unreachable(view)


def roots(view: View) -> list[str]:
    """Return the sinks that nothing writes to; every node may write to `dead-letters`."""
    return [
        name
        for name, one in view.nodes.items()
        if one.side == "sink" and not view.into[name] and name != DEAD_LETTERS
    ]


def _place(tree: Mapping, *sections: str) -> Span | None:
    """Return where the first of these sections stands that is there, or what stands first."""
    for section in sections:
        if section in tree:
            return tree.key_span(section)
    return tree.entries[0].key.span if tree.entries else tree.span


def _no_sink(view: View) -> Diagnostic:
    declared = any(one.side == "sink" for one in view.disabled.values())
    label = "every sink is disabled" if declared else "no sink is declared"
    return Diagnostic(
        "SG202",
        "the graph has no sink",
        "error",
        _place(view.spec.tree, "sinks", "sources"),
        label,
        "sinks",
        help=("declare one: `sinks: {out: {kind: stdout}}`",),
    )


def _no_source(view: View) -> Iterator[Diagnostic]:
    entries = roots(view)
    if view.unread:
        return
    if len(entries) > 1 and not _unsure(view):
        shown = ", ".join(f"`{name}`" for name in entries[:6])
        yield Diagnostic(
            "SG217",
            "the graph has no source, and more than one sink that nothing writes to",
            "error",
            view.nodes[entries[1]].at,
            "nothing writes to this sink either",
            "sources",
            notes=(f"events could enter at {shown}",),
            help=("declare a source: `sources: {inlet: {kind: inlet, to: …}}`",),
        )
        return
    yield Diagnostic(
        "SG203",
        "the graph has no source",
        "warning",
        _place(view.spec.tree, "sources", "sinks"),
        "events enter from Python only, through the implied `inlet`",
        "sources",
        help=("declare a source to `run` it; `kind: inlet` says that Python writes",),
    )


def _unsure(view: View) -> bool:
    """Tell whether some edge could not be read, so that what it reaches is not known."""
    if view.unknown or view.looped or view.backwards or view.unread or view.shadowed:
        return True
    return any(one.blind or one.kind is None for one in view.spec.nodes)


def _unreachable(view: View) -> Iterator[Diagnostic]:
    if _unsure(view):
        return
    successors = {
        name: [edge.target for edge in one.edges]
        for name, one in (*view.nodes.items(), *view.disabled.items())
    }
    sources = [
        name for name, one in (*view.nodes.items(), *view.disabled.items()) if one.side == "source"
    ]
    found = {*reached(sources, successors), DEAD_LETTERS}
    for name, one in view.nodes.items():
        if name in found or any(link.source.name not in found for link in view.into[name]):
            continue
        yield Diagnostic(
            "SG209",
            f"no event can reach sink `{name}`",
            "warning",
            one.at,
            "nothing writes to it",
            f"sinks.{name}",
            help=(f"name it in a `to:`, or write `enabled: false` in `{name}`",),
        )
