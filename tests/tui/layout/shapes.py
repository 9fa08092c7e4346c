"""The graphs and looks that the layout is tried with."""

from __future__ import annotations

import random
from itertools import pairwise

from sinkgraph_tui.layout import Look, Looks, MapEdge, MapGraph, MapNode

__all__ = [
    "chain",
    "dense",
    "eight",
    "eighteen",
    "islands",
    "ladder",
    "long_names",
    "one_more",
    "outage",
    "regions",
    "star",
]

_LANES = (
    *("billing", "audit", "search", "slack", "mirror", "quota"),
    *("analytics", "email", "sms", "push", "fraud", "stock"),
)


class _Written:
    """Collects nodes and edges in the order they are written."""

    def __init__(self) -> None:
        self.nodes: list[MapNode] = []
        self.edges: list[MapEdge] = []

    def node(self, name: str, kind: str, *, role: str = "", group: str | None = None) -> None:
        self.nodes.append(MapNode(name, kind, role, group))

    def chain(self, *names: str) -> None:
        self.edges += [MapEdge(one, other) for one, other in pairwise(names)]

    def lane(self, name: str, group: str | None = None, *, dead: str | None = "dead") -> None:
        """Write queue → retry → breaker → http."""
        parts = [name, f"{name}.retry", f"{name}.breaker", f"{name}.http"]
        for part, kind in zip(parts, ("queue", "retry", "breaker", "http"), strict=True):
            self.node(part, kind, group=group)
        self.chain(*parts)
        if dead:
            self.edges.append(MapEdge(parts[1], dead, "dead_letter", error=True))

    def head(self, name: str, group: str | None = None) -> str:
        """Write source → filter → transform → broadcast; return the last."""
        parts = [name, f"{name}/drop", f"{name}/stamp", f"{name}/fan"]
        self.node(name, "http", role="source", group=group)
        for part, kind in zip(parts[1:], ("filter", "transform", "broadcast"), strict=True):
            self.node(part, kind, group=group)
        self.chain(*parts)
        return parts[-1]

    def graph(self) -> MapGraph:
        return MapGraph.of(self.nodes, self.edges)


def eight() -> MapGraph:
    """Return what the quickstart is when it runs."""
    made = _Written()
    made.node("registry", "http", role="source")
    made.node("fanout", "broadcast")
    made.node("audit", "queue")
    made.node("audit.to", "file")
    made.node("pushes", "filter")
    made.node("hooks", "queue")
    made.node("hooks.retry", "retry")
    made.node("hooks.http", "http")
    made.chain("registry", "fanout", "audit", "audit.to")
    made.chain("pushes", "hooks", "hooks.retry", "hooks.http")
    made.edges.append(MapEdge("fanout", "pushes", index=1))
    return made.graph()


def eighteen() -> MapGraph:
    """Return the graph of the design's first picture."""
    made = _Written()
    made.node("registry", "http", role="source")
    made.node("drop-pulls", "filter")
    made.node("stamp", "transform")
    made.node("fanout", "broadcast")
    made.chain("registry", "drop-pulls", "stamp", "fanout")
    made.lane("billing")
    made.lane("search")
    made.node("slack", "filter")
    made.lane("slack.queue")
    made.node("audit", "queue")
    made.node("audit.file", "file")
    made.chain("audit", "audit.file")
    made.chain("slack", "slack.queue")
    for index, name in enumerate(("billing", "search", "slack", "audit")):
        made.edges.append(MapEdge("fanout", name, index=index, required=name != "audit"))
    made.edges.append(MapEdge("audit", "dead", "dead_letter", error=True))
    made.node("dead", "dead_letter")
    return made.graph()


def regions(names: tuple[str, ...], lanes: int, *, dead: bool = True) -> MapGraph:
    """Return a head and so many lanes for each region, and one place for dead letters."""
    made = _Written()
    for region in names:
        fan = made.head(region, region)
        for index, name in enumerate(_LANES[:lanes]):
            made.lane(f"{region}/{name}", region, dead="dead" if dead else None)
            made.edges.append(MapEdge(fan, f"{region}/{name}", index=index))
    if dead:
        made.node("dead", "dead_letter")
    return made.graph()


def one_more(graph: MapGraph, source: str, name: str = "late") -> MapGraph:
    """Return a graph with one lane more behind `source`."""
    made = _Written()
    made.nodes, made.edges = list(graph.nodes), list(graph.edges)
    made.lane(name, dead=None)
    made.edges.append(MapEdge(source, name, index=99))
    return made.graph()


def chain(count: int) -> MapGraph:
    made = _Written()
    for number in range(count):
        made.node(f"t{number}", "transform")
    made.chain(*(f"t{number}" for number in range(count)))
    return made.graph()


def star(count: int) -> MapGraph:
    made = _Written()
    made.node("hub", "broadcast")
    for number in range(count):
        made.node(f"end{number}", "blackhole")
        made.edges.append(MapEdge("hub", f"end{number}", index=number))
    return made.graph()


def ladder(rungs: int) -> MapGraph:
    """Return diamonds one behind the other, with a way past each."""
    made = _Written()
    made.node("top0", "broadcast")
    for rung in range(rungs):
        ends = f"top{rung}", f"left{rung}", f"right{rung}", f"top{rung + 1}"
        made.node(ends[1], "queue")
        made.node(ends[2], "queue")
        made.node(ends[3], "broadcast")
        made.chain(ends[0], ends[1], ends[3])
        made.chain(ends[0], ends[2], ends[3])
        made.chain(ends[0], ends[3])
    return made.graph()


def islands() -> MapGraph:
    made = _Written()
    made.node("orders", "http", role="source")
    made.lane("bill", dead=None)
    made.lane("ship", dead=None)
    made.edges += [MapEdge("orders", "bill"), MapEdge("orders", "ship", index=1)]
    made.node("clicks", "stdin", role="source")
    made.node("trash", "blackhole")
    made.chain("clicks", "trash")
    made.node("alone", "channel")
    return made.graph()


def long_names() -> MapGraph:
    made = _Written()
    made.node("注文の受付", "http", role="source")
    made.node("扇", "broadcast")
    made.lane("請求書を送る先のキュー", dead=None)
    made.lane("x" * 64, dead=None)
    made.lane("caf\u0065\u0301", dead=None)
    made.chain("注文の受付", "扇", "請求書を送る先のキュー")
    made.edges += [MapEdge("扇", "x" * 64, index=1), MapEdge("扇", "cafe\u0301", index=2)]
    return made.graph()


def dense(nodes: int, edges: int, seed: int = 1) -> MapGraph:
    """Return a graph nobody writes: edges drawn by lot."""
    lot = random.Random(seed)
    made = _Written()
    for number in range(nodes):
        made.node(f"n{number}", "broadcast")
    pairs: dict[tuple[int, int], None] = {}
    while len(pairs) < edges:
        one, other = sorted(lot.sample(range(nodes), 2))
        pairs[one, other] = None
    made.edges += [MapEdge(f"n{one}", f"n{other}") for one, other in pairs]
    return made.graph()


def outage() -> Looks:
    """Return how the graph of the first picture looks while billing is down."""
    return Looks(
        {
            "registry": Look(leaving="370/s"),
            "drop-pulls": Look(leaving="266/s", fact="72%"),
            "stamp": Look(leaving="266/s"),
            "fanout": Look(leaving="266/s", fact="×4"),
            "billing": Look(
                "bad", entering="266/s", fill=0.62, predicted=0.93, note="▲ +267/s  full in 1m11s"
            ),
            "billing.retry": Look(word="try 18 · wait 5s", dead="3/min"),
            "billing.breaker": Look("bad", "open", "OPEN probe in 5s"),
            "billing.http": Look("dim", leaving="0/s", fact="p99 –"),
            "search": Look(entering="266/s", fill=0.28),
            "search.breaker": Look(mark="closed", word="closed"),
            "search.http": Look(
                "warn", leaving="287/s", fact="p99 1.41s", note="▼ -2.9/s  drained in 7m49s"
            ),
            "slack": Look(entering="266/s", leaving="29/s", fact="11%"),
            "slack.queue": Look(
                "manual", "paused", "paused", fill=0.0, note="‖ paused by ops 4m ago"
            ),
            "slack.queue.http": Look(leaving="30/s", fact="p99 190ms"),
            "audit": Look(entering="266/s", fill=0.0),
            "audit.file": Look(leaving="266/s"),
            "dead": Look(entering="0.1/s", fill=0.0001),
        },
        selected="billing",
    )
