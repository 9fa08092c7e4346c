"""Folds what is alike: healthy branches between the same ends into one box, and whole groups.

Which nodes are worth a line of their own is said by the caller; it looks at no live number.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace

from sinkgraph_tui.layout.graph import MapEdge
from sinkgraph_tui.layout.lanes import Block, Chart, links_of

__all__ = ["FEWEST", "folded_branches", "folded_groups", "leads_back"]

FEWEST = 2
"""How many branches are folded at least: one line is not saved by folding one."""


def folded_branches(chart: Chart, edges: Sequence[MapEdge], loud: Collection[str]) -> Chart:
    """Fold branches that come from the same blocks, lead to the same, and hold no loud node.

    They stand beside each other, so that folding them closes no circle. What takes dead letters
    stays alone.
    """
    above: dict[int, set[int]] = defaultdict(set)
    below: dict[int, set[int]] = defaultdict(set)
    graves: set[int] = set()
    for link in chart.links:
        if link.error:
            graves.add(link.target)
        else:
            above[link.target].add(link.source)
            below[link.source].add(link.target)
    families: dict[tuple[frozenset[int], frozenset[int], str | None], list[int]]
    families = defaultdict(list)
    for number, block in enumerate(chart.blocks):
        ends = frozenset(above[number]), frozenset(below[number])
        if number in graves or block.folded or not (ends[0] or ends[1]):
            continue
        if not any(name in loud for name in block.members):
            families[*ends, chart.nodes[block.key].group].append(number)
    parts = [family for family in families.values() if len(family) >= FEWEST]
    return _merged(chart, edges, [(family, f"+ {len(family)} lanes") for family in parts])


def folded_groups(chart: Chart, edges: Sequence[MapEdge], groups: Collection[str]) -> Chart:
    """Fold each of these groups into one box, unless the boxes would then form a circle."""
    homes: dict[str, set[str]] = defaultdict(set)
    for block in chart.blocks:
        group = chart.nodes[block.key].group
        if group in groups and group is not None:
            homes[group].add(block.key)
    for group, keys in sorted(homes.items()):
        numbers = [n for n, block in enumerate(chart.blocks) if block.key in keys]
        nodes = sum(len(chart.blocks[number].members) for number in numbers)
        made = _merged(chart, edges, [(numbers, f"{group}/… {nodes} nodes")])
        if not leads_back(len(made.blocks), [(link.source, link.target) for link in made.links]):
            chart = made
    return chart


def _merged(chart: Chart, edges: Sequence[MapEdge], parts: list[tuple[list[int], str]]) -> Chart:
    """Return the chart with each part as one block, where its last block stood."""
    label = {part[-1]: (part, name) for part, name in parts}
    inside = {number for part, _ in parts for number in part}
    blocks: list[Block] = []
    for number, block in enumerate(chart.blocks):
        if number in label:
            part, name = label[number]
            lanes = tuple(lane for one in part for lane in chart.blocks[one].lanes)
            blocks.append(Block(lanes[0][0], name, lanes, folded=True))
        elif number not in inside:
            blocks.append(block)
    drawn = sorted({number for link in chart.links for number in link.edges})
    return replace(chart, blocks=tuple(blocks), links=links_of(blocks, edges, drawn))


def leads_back(count: int, pairs: Sequence[tuple[int, int]]) -> bool:
    """Tell whether some way leads back to where it began."""
    out: dict[int, list[int]] = defaultdict(list)
    waiting = [0] * count
    for one, other in pairs:
        out[one].append(other)
        waiting[other] += 1
    ready = [number for number in range(count) if not waiting[number]]
    seen = 0
    while ready:
        seen += 1
        for other in out[ready.pop()]:
            waiting[other] -= 1
            if not waiting[other]:
                ready.append(other)
    return seen != count
