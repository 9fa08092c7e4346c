"""Large pictures made small: chains become lanes, groups become one node each.

It works on a drawing, so what was marked or promised in a folded part is still told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from sinkgraph.render.alike import fold_alike, summed
from sinkgraph.render.parts import (
    Box,
    Drawing,
    DrawnEdge,
    DrawnNode,
    Mark,
    boxes_in,
    nodes_in,
)

__all__ = ["LANES_ABOVE", "MAX_DRAWN", "Folded", "fold", "fold_to_fit", "groups_of"]

LANES_ABOVE = 60
"""So many nodes are drawn one by one; above it, chains are drawn as lanes."""
MAX_DRAWN = 60
"""So many nodes and lanes are drawn; above it, groups are folded."""
MAX_KINDS = 4
MAX_MEMBERS = 40
MAX_ROWS = 12


@dataclass(frozen=True, slots=True)
class Folded:
    """Is a drawing made smaller, and what was done.

    `lanes`: chains became cards; `groups`: those that became a node each; `alike`: how many
    branches became rows of a card.
    """

    drawing: Drawing
    lanes: bool = False
    groups: tuple[str, ...] = ()
    alike: int = 0


def groups_of(drawing: Drawing) -> list[str]:
    """Return the path of every group that has a frame, outer ones first."""
    return [box.key for box in boxes_in(drawing.frame) if box.kind == "group"]


def fold(
    drawing: Drawing, *, lanes: bool = False, groups: Iterable[str] = (), alike: bool = False
) -> Folded:
    """Return a drawing with chains as lanes, and alike branches as one card, if told so.

    The given groups are folded; a group inside of one is folded with it.
    """
    chosen = set(groups)
    made = _fold_groups(drawing, chosen.__contains__) if chosen else drawing
    if lanes:
        made = _fold_lanes(made)
    kept = tuple(path for path in groups_of(drawing) if path in chosen)
    made, count = fold_alike(made) if alike else (made, 0)
    return Folded(made, lanes, kept, count)


def fold_to_fit(drawing: Drawing) -> Folded:
    """Return a drawing that can be read: lanes where it has many nodes, then folded groups.

    Groups are folded level by level, the innermost first, so that siblings look alike. If that is
    not enough, or there are none, alike branches become one card.
    """
    if _count(drawing) <= LANES_ABOVE:
        return Folded(drawing)
    found = fold(drawing, lanes=True)
    by_depth: dict[int, list[str]] = {}
    for path in groups_of(drawing):
        by_depth.setdefault(path.count("/"), []).append(path)
    for depth in sorted(by_depth, reverse=True):
        if _count(found.drawing) <= MAX_DRAWN:
            break
        found = fold(drawing, lanes=True, groups=by_depth[depth])
    if _count(found.drawing) > MAX_DRAWN:
        found = fold(drawing, lanes=True, groups=found.groups, alike=True)
    return found


def _count(drawing: Drawing) -> int:
    return sum(1 for _ in nodes_in(drawing.frame))


# --- groups --------------------------------------------------------------------------------------


def _fold_groups(drawing: Drawing, chosen: Callable[[str], bool]) -> Drawing:
    stands_for: dict[str, str] = {}
    frame = _without_groups(drawing.frame, chosen, stands_for)
    return replace(drawing, frame=frame, edges=_moved(drawing.edges, stands_for))


def _without_groups(box: Box, chosen: Callable[[str], bool], stands_for: dict[str, str]) -> Box:
    """Return a copy of a frame in which the chosen groups are nodes."""
    made = Box(box.kind, box.key, box.label, box.about)
    for key, inner in box.boxes.items():
        if inner.kind == "group" and chosen(inner.key):
            members = tuple(nodes_in(inner))
            name = f"{inner.key}/"  # no node is named so
            stands_for.update((one.name, name) for one in members)
            made.nodes.append(_folded(inner, name, members))
        else:
            made.boxes[key] = _without_groups(inner, chosen, stands_for)
    made.nodes += box.nodes
    return made


def _folded(box: Box, name: str, members: tuple[DrawnNode, ...]) -> DrawnNode:
    kinds = Counter(one.kind for one in members).most_common()
    said = [f"{count:,} {kind}" for kind, count in kinds[:MAX_KINDS]]
    if len(kinds) > MAX_KINDS:
        said.append(f"{sum(count for _, count in kinds[MAX_KINDS:]):,} more")
    listed = [f"{one.name}: {one.kind}" for one in members[:MAX_MEMBERS]]
    more = len(members) - MAX_MEMBERS
    about = (box.about, *listed, *([f"and {more:,} more"] if more > 0 else []))
    many = f"group · {len(members):,} {'node' if len(members) == 1 else 'nodes'}"
    lines = (many, " · ".join(said))
    marked = any(one.mark not in ("", "same") for one in members)
    same: Mark = "same" if any(one.mark for one in members) else ""
    mark: Mark = "changed" if marked else same
    chips = summed(members)
    return DrawnNode(name, "group", "folded", box.label, lines, about, chips, mark, members=members)


def _moved(
    edges: Iterable[DrawnEdge], stands_for: dict[str, str], *, apart: bool = False
) -> tuple[DrawnEdge, ...]:
    """Return the edges between what is left; those that became alike are one.

    `apart`: edges with different labels stay two.
    """
    made: dict[tuple[object, ...], DrawnEdge] = {}
    count: Counter[tuple[object, ...]] = Counter()
    for edge in edges:
        source = stands_for.get(edge.source, edge.source)
        target = stands_for.get(edge.target, edge.target)
        if source == target:
            continue
        touched = edge.source in stands_for or edge.target in stands_for
        own = (edge.label if apart else None) if touched else len(made)
        key = (source, target, edge.line, edge.mark, own)
        count[key] += 1
        first = made.get(key)
        if first is None:
            made[key] = replace(edge, source=source, target=target)
        else:
            label = first.label if first.label == edge.label else (f"×{count[key]:,}",)
            about = first.about if count[key] > MAX_MEMBERS else f"{first.about}\n{edge.about}"
            made[key] = replace(first, label=label, about=about)
    return tuple(made.values())


# --- lanes ---------------------------------------------------------------------------------------


def _fold_lanes(drawing: Drawing) -> Drawing:
    """Return a drawing in which each chain of nodes within one frame is one card."""
    drawing = replace(drawing, frame=_without_composites(drawing.frame))
    frame_of: dict[str, int] = {}
    held: dict[str, DrawnNode] = {}
    for index, box in enumerate([drawing.frame, *boxes_in(drawing.frame)]):
        for node in box.nodes:
            frame_of[node.name] = index
            held[node.name] = node
    following = {
        edge.source: edge
        for edge in drawing.edges
        if edge.chain
        and frame_of[edge.source] == frame_of[edge.target]
        and held[edge.source].form not in ("source", "folded")
        and held[edge.target].form != "folded"
        and held[edge.source].mark == held[edge.target].mark
    }
    led = {edge.target for edge in following.values()}
    lanes: dict[str, DrawnNode] = {}
    stands_for: dict[str, str] = {}
    for name in [name for name in following if name not in led]:
        chain, labels = [held[name]], {}
        while (edge := following.get(chain[-1].name)) is not None:
            labels[edge.source] = edge.label
            chain.append(held[edge.target])
        for start in range(0, len(chain), MAX_ROWS):
            rows = chain[start : start + MAX_ROWS]
            stands_for.update((one.name, rows[0].name) for one in rows)
            lanes[rows[0].name] = _lane(rows, labels)
    frame = _with_lanes(drawing.frame, lanes, stands_for)
    return replace(drawing, frame=frame, edges=_moved(drawing.edges, stands_for, apart=True))


def _lane(chain: list[DrawnNode], labels: dict[str, tuple[str, ...]]) -> DrawnNode:
    first = chain[0]
    members = tuple(replace(one, lines=(*one.caption, *labels.get(one.name, ()))) for one in chain)
    about = tuple(line for one in chain for line in (one.about[0], *one.about[1:3]))
    chips = tuple(dict.fromkeys(chip for one in chain for chip in one.chips))
    return DrawnNode(
        first.name, first.kind, "lane", first.title, (), about, chips, first.mark, members=members
    )


def _without_composites(box: Box) -> Box:
    """Return a copy of a frame whose composites have none of their own: lanes say the same."""
    made = Box(box.kind, box.key, box.label, box.about)
    for key, inner in box.boxes.items():
        copy = _without_composites(inner)
        if copy.kind == "composite":
            made.nodes += copy.nodes
            made.boxes |= copy.boxes
        else:
            made.boxes[key] = copy
    made.nodes += box.nodes
    return made


def _with_lanes(box: Box, lanes: dict[str, DrawnNode], stands_for: dict[str, str]) -> Box:
    """Return a copy of a frame with lanes in place of what they stand for."""
    made = Box(box.kind, box.key, box.label, box.about)
    made.boxes = {k: _with_lanes(inner, lanes, stands_for) for k, inner in box.boxes.items()}
    for node in box.nodes:
        if node.name in lanes:
            made.nodes.append(lanes[node.name])
        elif node.name not in stands_for:
            made.nodes.append(node)
    return made
