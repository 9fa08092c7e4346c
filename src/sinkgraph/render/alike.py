"""Branches that look alike become one card with a row each, so that sixty of them can be read.

Alike are nodes or lanes of the same kinds, written to by one node and leading to the same ends.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from sinkgraph.render.parts import Box, Chip, Drawing, DrawnEdge, DrawnNode, boxes_in

__all__ = ["FEWEST", "fold_alike", "summed"]

FEWEST = 6
"""So many branches are drawn one by one, whatever they look like."""
_CHIPS = 2


def fold_alike(drawing: Drawing) -> tuple[Drawing, int]:
    """Return a drawing in which alike branches are one card, and how many branches that were."""
    into: dict[str, list[DrawnEdge]] = {}
    out: dict[str, list[DrawnEdge]] = {}
    for edge in drawing.edges:
        into.setdefault(edge.target, []).append(edge)
        out.setdefault(edge.source, []).append(edge)
    cards: dict[str, DrawnNode] = {}
    stands_for: dict[str, str] = {}
    for box in (drawing.frame, *boxes_in(drawing.frame)):
        groups: dict[object, list[DrawnNode]] = {}
        for node in box.nodes:
            if len(into.get(node.name, ())) == 1 and node.form != "folded":
                looks = _looks(node, into[node.name][0], out.get(node.name, ()))
                groups.setdefault(looks, []).append(node)
        for nodes in groups.values():
            if len(nodes) > FEWEST:
                cards[nodes[0].name] = _card(nodes, into)
                stands_for.update((one.name, nodes[0].name) for one in nodes)
    if not cards:
        return drawing, 0
    frame = _with_cards(drawing.frame, cards, stands_for)
    return replace(drawing, frame=frame, edges=_merged(drawing, stands_for)), len(stands_for)


def summed(nodes: Iterable[DrawnNode]) -> tuple[Chip, ...]:
    """Return what to say of many nodes: how many have each mark, or what is weakest in them."""
    nodes = list(nodes)
    marks = Counter(one.mark for one in nodes if one.mark not in ("", "same"))
    if marks:
        return tuple(Chip(f"{count:,} {mark}", mark) for mark, count in marks.items())  # type: ignore[arg-type]
    chips = [chip for one in nodes for chip in one.chips if chip.tone in ("poor", "fair")]
    return tuple(dict.fromkeys(chips))[:_CHIPS]


def _looks(node: DrawnNode, above: DrawnEdge, below: Iterable[DrawnEdge]) -> object:
    kinds = tuple(one.kind for one in node.members) or (node.kind,)
    ends = frozenset((edge.target, edge.line, edge.label, edge.mark) for edge in below)
    return node.form, kinds, node.mark, above.source, above.line, above.mark, ends


def _card(nodes: list[DrawnNode], into: dict[str, list[DrawnEdge]]) -> DrawnNode:
    first = nodes[0]
    kinds = " → ".join(one.kind for one in first.members or (first,))
    title = f"{len(nodes):,} alike: {kinds}"
    rows = tuple(
        replace(node, lines=(*into[node.name][0].label, *(node.members or (node,))[-1].caption))
        for node in nodes
    )
    about = (title, *(node.name for node in nodes))
    return DrawnNode(
        first.name, first.kind, "lane", title, (), about, summed(nodes), first.mark, members=rows
    )


def _with_cards(box: Box, cards: dict[str, DrawnNode], stands_for: dict[str, str]) -> Box:
    made = Box(box.kind, box.key, box.label, box.about)
    made.boxes = {key: _with_cards(one, cards, stands_for) for key, one in box.boxes.items()}
    made.nodes = [
        cards.get(node.name, node)
        for node in box.nodes
        if stands_for.get(node.name, node.name) == node.name
    ]
    return made


def _merged(drawing: Drawing, stands_for: dict[str, str]) -> tuple[DrawnEdge, ...]:
    """Return the edges, those of the branches of a card as one that says how many they are."""
    made: dict[object, DrawnEdge] = {}
    count: Counter[object] = Counter()
    for index, edge in enumerate(drawing.edges):
        target = stands_for.get(edge.target)
        source = stands_for.get(edge.source)
        if target is not None:
            key: object = (edge.source, target)
            moved = replace(edge, target=target, label=())
        elif source is not None:
            key = (source, edge.target, edge.line, edge.label)
            moved = replace(edge, source=source)
        else:
            key, moved = index, edge
        count[key] += 1
        if key not in made:
            made[key] = moved
        elif target is not None:
            made[key] = replace(made[key], label=(f"×{count[key]:,}",))
    return tuple(made.values())
