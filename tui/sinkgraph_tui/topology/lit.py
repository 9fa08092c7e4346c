"""Lights some nodes of the map and fades the others: who is hit, and what a filter finds.

It changes looks that are given; who is hit, the model says.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from sinkgraph_tui.layout import Looks, Tone
from sinkgraph_tui.layout.graph import MapNode
from sinkgraph_tui.model.blast import Blast
from sinkgraph_tui.model.rows import Row
from sinkgraph_tui.model.text import said

__all__ = ["found_of", "in_ascii", "lit", "marked", "only"]


def marked(looks: Looks, names: Collection[str]) -> Looks:
    """Return looks in which these nodes have the glyph of what is marked."""
    if not names:
        return looks
    nodes = dict(looks.nodes)
    nodes |= {name: replace(looks.of(name), mark="marked") for name in names if name in nodes}
    return replace(looks, nodes=nodes)


def only(looks: Looks, names: Collection[str]) -> Looks:
    """Return looks in which every other node is faded."""
    nodes = {
        name: look if name in names else replace(look, tone="dim", note="", word="")
        for name, look in looks.nodes.items()
    }
    return replace(looks, nodes=nodes)


def lit(looks: Looks, blast: Blast, nodes: Collection[MapNode]) -> Looks:
    """Return looks that say of every node what becomes of it while `blast.node` takes nothing."""
    told: dict[str, tuple[Tone, str]] = {}
    told |= dict.fromkeys(blast.silent, ("dim", "idle"))
    told |= dict.fromkeys(blast.starved, ("manual", "starves"))
    told |= dict.fromkeys(blast.first, ("warn", "fills"))
    waits = "refused" if blast.harm == "refused" else "waits"
    told |= dict.fromkeys(blast.stalled, ("warn", waits))
    told |= dict.fromkeys(blast.aside, ("probing", "takes over"))
    told |= dict.fromkeys(blast.losing, ("bad", "loses"))
    told[blast.node] = ("bad", "stops")
    made = {}
    for node in nodes:
        tone, word = told.get(node.name, ("dim", ""))
        old = looks.of(node.name)
        made[node.name] = replace(old, tone=tone, word=word, note=word, mark=None)
    return replace(looks, nodes=made)


def in_ascii(looks: Looks) -> Looks:
    """Return looks whose words have no glyph but of ASCII; letters of names stay."""

    def plain(text: str) -> str:
        return text if text.isascii() else said(text).in_ascii().plain

    nodes = {
        name: replace(look, word=plain(look.word), note=plain(look.note), fact=plain(look.fact))
        for name, look in looks.nodes.items()
    }
    return replace(looks, nodes=nodes)


def found_of(rows: Collection[Row], sought: str) -> frozenset[str]:
    """Return the nodes whose name, kind or state holds a text; `!text` finds all others."""
    other = sought.startswith("!")
    text = sought.removeprefix("!").strip().casefold()
    if not text:
        return frozenset(row.name for row in rows)
    return frozenset(
        row.name
        for row in rows
        if any(text in one.casefold() for one in (row.name, row.kind, row.state.word)) is not other
    )
