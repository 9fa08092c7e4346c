"""Orders of a graph that need no library: topological, and what a set of names reaches.

Cycles are found and told in `sinkgraph.graph.rules.cycles`. Nothing here recurses.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence

__all__ = ["reached", "topological"]


def topological(names: Iterable[str], successors: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the names so that each comes after all that write to it (Kahn 1962).

    Names that are free at the same time keep the order given, so equal graphs have equal orders.
    What stands on a cycle, or behind one, is left out.
    """
    waiting = dict.fromkeys(names, 0)
    for targets in successors.values():
        for target in targets:
            waiting[target] += 1
    ready = deque(name for name, count in waiting.items() if count == 0)
    order: list[str] = []
    while ready:
        name = ready.popleft()
        order.append(name)
        for target in successors.get(name, ()):
            waiting[target] -= 1
            if waiting[target] == 0:
                ready.append(target)
    return order


def reached(start: Iterable[str], successors: Mapping[str, Sequence[str]]) -> set[str]:
    """Return the names of `start` and all that can be reached from them."""
    found = set(start)
    todo = list(found)
    while todo:
        for target in successors.get(todo.pop(), ()):
            if target not in found:
                found.add(target)
                todo.append(target)
    return found
