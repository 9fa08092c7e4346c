"""Which edges of a node lead elsewhere than before, as the fields that hold them.

A target that was only renamed is the same target. What an edge carries is not judged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from typing import NamedTuple

from sinkgraph.graph.diff.fields import Differs, Pair
from sinkgraph.graph.diff.plan import NOTHING
from sinkgraph.graph.model import Graph, GraphEdge, GraphNode
from sinkgraph.spec.kind import Kind

__all__ = ["changed_edges"]


class _Way(NamedTuple):
    """Is an edge: its target by its present name, and under which condition it is taken."""

    target: str
    required: bool = True
    when: str = ""


_Ways = list[tuple[_Way, GraphEdge]]


def changed_edges(pair: Pair, kind: Kind | None, renamed: Mapping[str, str]) -> Iterator[Differs]:
    """Yield the ports of a node whose targets differ; `renamed`: old names → new ones."""
    if (
        not renamed
        and pair.same_vars
        and _all(pair.before.graph, pair.old) == _all(pair.after.graph, pair.new)
    ):
        return  # as nearly always
    was = _ports(pair.before.graph, pair.old, renamed)
    now = _ports(pair.after.graph, pair.new, {})
    if not (_names_letters(pair.old) or _names_letters(pair.new)):
        was.pop("dead_letter", None)
        now.pop("dead_letter", None)
    ports = {one.name: one for one in kind.ports} if kind is not None else {}
    for name in dict.fromkeys([*ports, *now, *was]):
        a, b = was.get(name, []), now.get(name, [])
        port = ports.get(name)
        if port is not None and port.each:
            yield from _routes(pair, name, a, b)
        elif [way for way, _ in a] == [way for way, _ in b]:
            continue
        elif pair.new.kind == "broadcast":
            yield from _members(name, a, b)
        else:
            many = port is not None and port.many
            span = (b or a)[0][1].span
            yield Differs((name,), _told(a, many=many), _told(b, many=many), span=span)


def _all(graph: Graph, node: GraphNode) -> list[tuple[str, str, bool, object]]:
    """Return everything that tells the edges of two nodes apart."""
    routes = node.spec.__dict__.get("routes")
    return [(one.port, one.target, one.required, routes) for one in graph.downstream(node.name)]


def _names_letters(node: GraphNode) -> bool:
    """Tell whether a node says where its dead letters go."""
    return node.spec.__dict__.get("dead_letter") is not None


def _ports(graph: Graph, node: GraphNode, renamed: Mapping[str, str]) -> dict[str, _Ways]:
    made: dict[str, _Ways] = {}
    rules = getattr(node.spec, "routes", ())
    for edge in graph.downstream(node.name):
        name, _, number = edge.port.partition(".")
        when = rules[int(number)].when if number.isdigit() else ""
        way = _Way(renamed.get(edge.target, edge.target), edge.required, when)
        made.setdefault(name, []).append((way, edge))
    return made


def _told(ways: _Ways, *, many: bool) -> str:
    names = [way.target for way, _ in ways]
    return f"[{', '.join(names)}]" if many else ", ".join(names) or NOTHING


def _members(port: str, was: _Ways, now: _Ways) -> Iterator[Differs]:
    """Yield targets that came, went, or are waited for otherwise; their order means nothing."""
    old = {way.target: (way, edge) for way, edge in was}
    new = {way.target: (way, edge) for way, edge in now}
    for name, (way, edge) in new.items():
        if name not in old:
            yield Differs((port,), NOTHING, name, span=edge.span)
        elif way.required != old[name][0].required:
            path = (port, edge.index, "required")
            yield Differs(path, _word(not way.required), _word(way.required), span=edge.span)
    for name, (_, edge) in old.items():
        if name not in new:
            yield Differs((port,), name, NOTHING, span=edge.span)


def _word(flag: bool) -> str:
    return "true" if flag else "false"


def _routes(pair: Pair, port: str, was: _Ways, now: _Ways) -> Iterator[Differs]:
    """Yield rules that came, went or changed; rules that only moved up or down are not told."""
    a, b = [way for way, _ in was], [way for way, _ in now]
    for verb, i, i_end, j, j_end in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        both = min(i_end - i, j_end - j)
        for n in range(both):
            yield from _rule(pair, port, was[i + n], (j + n, *now[j + n]), same=verb == "equal")
        for n in range(i + both, i_end):
            yield pair.differs((port, n), _shown(a[n]), None, was[n][1].span)
        for n in range(j + both, j_end):
            yield pair.differs((port, n), None, _shown(b[n]), now[n][1].span)


def _rule(
    pair: Pair,
    port: str,
    was: tuple[_Way, GraphEdge],
    now: tuple[int, _Way, GraphEdge],
    *,
    same: bool,
) -> Iterator[Differs]:
    """Yield what differs between two rules that stand for each other."""
    number, new, edge = now
    old = was[0]
    if old.when != new.when:
        yield pair.differs((port, number, "when"), old.when, new.when)
    elif told := pair.other_vars(new.when):
        yield Differs((port, number, "when"), *told)
    if not same and old.target != new.target:
        yield Differs((port, number, "to"), old.target, new.target, span=edge.span)


def _shown(way: _Way) -> dict[str, str]:
    return {"when": way.when, "to": way.target}
