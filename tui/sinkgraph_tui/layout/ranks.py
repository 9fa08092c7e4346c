"""In which column a block stands, and where a long edge passes between columns.

Order within a column is decided by `order`, rows by `rows`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from sinkgraph_tui.layout.lanes import Chart, Link

__all__ = ["Layers", "Segment", "layered"]


@dataclass(frozen=True, slots=True)
class Segment:
    """Is a stretch of edges from one item to one of the next column.

    It leaves `source` by the exit `exit`: the name of a node, or "" of a passage.
    """

    source: int
    exit: str
    target: int
    error: bool
    edges: tuple[int, ...]


@dataclass(slots=True)
class Layers:
    """Holds the items of each column. Items below `blocks` are blocks, the others passages.

    `names` identify items from one drawing to the next.
    """

    blocks: int
    columns: list[list[int]]
    names: list[str]
    segments: list[Segment] = field(default_factory=list)
    column_of: list[int] = field(default_factory=list)


def layered(chart: Chart, *, errors: bool) -> Layers:
    """Rank blocks by the longest path and lay passages for edges that skip a column.

    Sources stand right before what they feed. Without `errors` those edges are not drawn, and
    what only they reach stands in the last column.
    """
    drawn = [link for link in chart.links if errors or not link.error]
    ranks = _ranks(len(chart.blocks), drawn)
    if not errors:
        fed = {link.target for link in drawn}
        busy = {link.source for link in drawn} | fed
        for link in chart.links:
            if link.error and link.target not in busy:
                ranks[link.target] = max(max(ranks, default=0), min(1, ranks[link.source] + 1))
    layers = Layers(
        len(chart.blocks),
        [[] for _ in range(max(ranks, default=-1) + 1)],
        [block.key for block in chart.blocks],
        column_of=list(ranks),
    )
    for number, rank in enumerate(ranks):
        layers.columns[rank].append(number)
    _laid(layers, drawn)
    return layers


def _ranks(count: int, links: list[Link]) -> list[int]:
    out: dict[int, list[int]] = defaultdict(list)
    waiting = [0] * count
    for link in links:
        out[link.source].append(link.target)
        waiting[link.target] += 1
    fed = [number > 0 for number in waiting]
    ranks = [0] * count
    ready = [number for number in range(count) if not waiting[number]]
    for number in ready:
        for other in out[number]:
            ranks[other] = max(ranks[other], ranks[number] + 1)
            waiting[other] -= 1
            if not waiting[other]:
                ready.append(other)
    for number in range(count):
        if not fed[number] and out[number]:
            ranks[number] = min(ranks[other] for other in out[number]) - 1
    return ranks


def _laid(layers: Layers, links: list[Link]) -> None:
    """Cut links into segments; long ones share passages by their target, else by their source."""
    ranks = layers.column_of
    long = [link for link in links if ranks[link.target] - ranks[link.source] > 1]
    sharing: dict[tuple[int, bool], set[tuple[int, str]]] = defaultdict(set)
    for link in long:
        sharing[link.target, link.error].add((link.source, link.member))
    found: dict[tuple[int, str, int, bool], list[int]] = defaultdict(list)
    passages: dict[str, int] = {}
    for link in links:
        at, exit_ = link.source, link.member
        shared = len(sharing[link.target, link.error]) > 1
        for rank in range(ranks[link.source] + 1, ranks[link.target]):
            tail = (
                layers.names[link.target]
                if shared
                else f"{link.member}:{layers.names[link.source]}"
            )
            name = f"\0{'in' if shared else 'out'}:{link.error:d}:{rank}:{tail}"
            if name not in passages:
                passages[name] = len(layers.names)
                layers.names.append(name)
                ranks.append(rank)
                layers.columns[rank].append(passages[name])
            found[at, exit_, passages[name], link.error] += link.edges
            at, exit_ = passages[name], ""
        found[at, exit_, link.target, link.error] += link.edges
    layers.segments = [
        Segment(source, exit_, target, error, tuple(sorted(set(edges))))
        for (source, exit_, target, error), edges in found.items()
    ]
