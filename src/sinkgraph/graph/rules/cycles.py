"""SG210, SG215: events never come back to a node they passed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from sinkgraph.diagnostics.diagnostic import Diagnostic, Label
from sinkgraph.graph.order import topological
from sinkgraph.graph.view import Link, View

__all__ = ["check"]

_MAX_LABELS = 8


def check(view: View) -> Iterator[Diagnostic]:
    """Yield dead letters that point back upstream, then each knot of other edges once."""
    if view.order is not None:
        return
    position = {name: index for index, name in enumerate(view.nodes)}
    dropped: set[int] = set()
    for knot in _knots(view, dropped, position):
        for name in knot:
            for link in view.out[name]:
                if link.edge.port == "dead_letter" and link.target.name in knot:
                    dropped.add(id(link))
                    if not link.edge.repeats:
                        yield _upstream(view, link)
    for knot in _knots(view, dropped, position):
        yield _cycle(_shortest(view, knot, dropped))


def _knots(view: View, dropped: set[int], position: dict[str, int]) -> list[dict[str, None]]:
    """Return the strongly connected sets of more than one node, each in the document's order."""
    left = {
        name: [link.target.name for link in links if id(link) not in dropped]
        for name, links in view.out.items()
    }
    done = set(topological(view.nodes, left))
    if len(done) == len(left):
        return []
    import networkx as nx

    graph: nx.DiGraph[str] = nx.DiGraph()
    for name, targets in left.items():
        if name not in done:
            graph.add_edges_from((name, target) for target in targets if target not in done)
    knots = [
        sorted(one, key=position.__getitem__)
        for one in nx.strongly_connected_components(graph)
        if len(one) > 1
    ]
    return [dict.fromkeys(one) for one in sorted(knots, key=lambda names: position[names[0]])]


def _shortest(view: View, knot: dict[str, None], dropped: set[int]) -> list[Link]:
    """Return a shortest cycle through the first node of a knot, by breadth-first search."""
    start = next(iter(knot))
    came: dict[str, Link] = {}
    todo = deque([start])
    while todo:
        for link in view.out[todo.popleft()]:
            target = link.target.name
            if target not in knot or id(link) in dropped:
                continue
            if target == start:
                return _back(link, came, start)
            if target not in came:
                came[target] = link
                todo.append(target)
    raise AssertionError("a strongly connected set has a cycle through each of its nodes")


def _back(last: Link, came: dict[str, Link], start: str) -> list[Link]:
    path = [last]
    while path[-1].source.name != start:
        path.append(came[path[-1].source.name])
    return path[::-1]


def _cycle(links: list[Link]) -> Diagnostic:
    *steps, last = links
    names = [link.source.name for link in links]
    labels = tuple(
        Label(link.span, f"`{link.source.shown}` writes to `{link.target.shown}`")
        for link in steps[:_MAX_LABELS]
        if link.span is not None
    )
    shown = [*names[:6], "…", *names[-2:]] if len(names) > 9 else names
    notes: tuple[str, ...] = ()
    if len(names) > 2:
        notes = (f"the cycle is `{' → '.join([*shown, names[0]])}`",)
    return Diagnostic(
        "SG210",
        "sinks form a cycle",
        "error",
        last.span,
        f"`{last.source.shown}` writes back to `{last.target.shown}`",
        f"sinks.{last.source.shown}.{last.edge.port}",
        labels,
        notes,
    )


def _upstream(view: View, link: Link) -> Diagnostic:
    name, target = link.source.name, link.target.name
    at = (Label(link.target.at, "upstream of it"),) if link.target.at is not None else ()
    return Diagnostic(
        "SG215",
        f"the dead letter of `{name}` points back upstream",
        "error",
        link.span,
        f"`{target}` writes to `{name}` again",
        f"sinks.{name}.{link.edge.port}",
        at,
        ("an event that cannot be delivered would go round for ever",),
        ("name a sink that does not lead back here, for example a file",),
    )
