"""Fuses linear chains of nodes into lanes, and says which edges join lanes.

It decides neither what is folded (`folding`) nor where anything stands.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sinkgraph_tui.layout.graph import MapEdge, MapGraph, MapNode

__all__ = ["LONGEST", "Block", "Chart", "Link", "chart"]

LONGEST = 12
"""How many nodes a lane has at most; a longer chain goes on in the next lane."""


@dataclass(frozen=True, slots=True)
class Block:
    """Is what gets one box: one lane, or several that are folded into one.

    `key` is the name of its first node. `lanes` are names of nodes, upstream first.
    """

    key: str
    label: str
    lanes: tuple[tuple[str, ...], ...]
    folded: bool = False

    @property
    def members(self) -> tuple[str, ...]:
        """Return every node in it."""
        return tuple(name for lane in self.lanes for name in lane)


@dataclass(frozen=True, slots=True)
class Link:
    """Is one or more edges from one node to one block; blocks are numbered."""

    source: int
    member: str
    target: int
    error: bool
    edges: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """Is a graph of blocks without circles. `unrouted`: edges that cannot be drawn."""

    nodes: dict[str, MapNode]
    blocks: tuple[Block, ...]
    links: tuple[Link, ...]
    unrouted: tuple[int, ...]


def chart(graph: MapGraph) -> Chart:
    """Fuse a graph into lanes. Edges to nowhere and edges that close a circle are left out."""
    nodes: dict[str, MapNode] = {}
    for node in graph.nodes:
        nodes.setdefault(node.name, node)
    known = [
        number
        for number, edge in enumerate(graph.edges)
        if edge.source in nodes and edge.target in nodes and edge.source != edge.target
    ]
    sound = _without_circles(nodes, graph.edges, known)
    blocks = tuple(
        Block(lane[0], label_of(nodes[lane[0]]), (lane,))
        for lane in _fused(nodes, [graph.edges[number] for number in sound])
    )
    kept = set(sound)
    unrouted = tuple(number for number in range(len(graph.edges)) if number not in kept)
    return Chart(nodes, blocks, links_of(blocks, graph.edges, sound), unrouted)


def label_of(node: MapNode) -> str:
    """Return how a node is called, its group before it."""
    name = node.label or node.name
    group = node.group
    return name if not group or name.startswith(group) else f"{group}/{name}"


def links_of(
    blocks: Sequence[Block], edges: Sequence[MapEdge], drawn: Iterable[int]
) -> tuple[Link, ...]:
    """Return how blocks are joined by the edges that leave them."""
    home = {name: number for number, block in enumerate(blocks) for name in block.members}
    found: dict[tuple[int, str, int, bool], list[int]] = defaultdict(list)
    for number in drawn:
        edge = edges[number]
        one, other = home[edge.source], home[edge.target]
        if one != other:
            found[one, edge.source, other, edge.error].append(number)
    return tuple(
        Link(source, member, target, error, tuple(numbers))
        for (source, member, target, error), numbers in found.items()
    )


def _without_circles(
    nodes: Iterable[str], edges: Sequence[MapEdge], known: Sequence[int]
) -> list[int]:
    """Return the edges but those that lead back to where a walk in document order came from."""
    out: dict[str, list[int]] = defaultdict(list)
    for number in known:
        out[edges[number].source].append(number)
    back: set[int] = set()
    state: dict[str, bool] = {}  # False: on the way, True: done
    for start in nodes:
        if start in state:
            continue
        state[start] = False
        stack = [(start, iter(out[start]))]
        while stack:
            name, rest = stack[-1]
            for number in rest:
                target = edges[number].target
                if target not in state:
                    state[target] = False
                    stack.append((target, iter(out[target])))
                    break
                if not state[target]:
                    back.add(number)
            else:
                state[name] = True
                stack.pop()
    return [number for number in known if number not in back]


def _fused(nodes: dict[str, MapNode], edges: Sequence[MapEdge]) -> list[tuple[str, ...]]:
    entering = Counter(edge.target for edge in edges)
    leaving = Counter(edge.source for edge in edges if not edge.error)
    after = {
        edge.source: edge.target
        for edge in edges
        if not edge.error
        and leaving[edge.source] == 1
        and entering[edge.target] == 1
        and nodes[edge.source].group == nodes[edge.target].group
    }
    inner = set(after.values())
    lanes: list[tuple[str, ...]] = []
    for name in nodes:
        if name in inner:
            continue
        lane, at = [name], name
        while at in after:
            at = after[at]
            if len(lane) == LONGEST:
                lanes.append(tuple(lane))
                lane = []
            lane.append(at)
        lanes.append(tuple(lane))
    return lanes
