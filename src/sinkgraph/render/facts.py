"""What a drawing says of a node: one line of what matters, and every field that was set.

It shows no secret: a `Secret` is `***`, what came from the environment or a file is shown as the
document writes it, and a URL has neither user nor query.
"""

from __future__ import annotations

from collections.abc import Iterator

from sinkgraph.diagnostics.safe import clip
from sinkgraph.graph.model import Graph, GraphNode
from sinkgraph.graph.shown import Shower, one_line, shown
from sinkgraph.spec.kinds import change, fan, reliability, source, terminal
from sinkgraph.spec.kinds.base import NodeSpec
from sinkgraph.spec.units import format_duration, format_rate

__all__ = ["Facts", "one_line"]

MAX_VALUE = 100
_UNSAID = frozenset({"kind", "description", "group", "enabled", "was"})


class Facts:
    """Tells what there is to say of the nodes of one graph."""

    def __init__(self, graph: Graph) -> None:
        self._shower = Shower(graph)

    def composite(self, node: GraphNode) -> str:
        """Return the kind of the composite a node came from, or ""."""
        decl = self._shower.declared(node) if node.origin else None
        return "" if decl is None or decl.use is None else decl.use.kind_name

    def caption(self, node: GraphNode) -> tuple[str, ...]:
        """Return kind and what matters most, e.g. `queue`, `memory`, `10,000`."""
        hidden = self._shower.hidden(node)
        said = (one_line(shown(part, hidden)) for part in _essentials(node.spec) if part)
        return one_line(node.kind), *said

    def description(self, node: GraphNode) -> str:
        """Return the node's description, on one line; may be empty."""
        hidden = self._shower.hidden(node)
        return one_line(shown(node.spec.description or "", hidden))

    def fields(self, node: GraphNode) -> list[tuple[str, str]]:
        """Return name and value of every field that is not as by default, ports left out."""
        spec, hidden = node.spec, self._shower.hidden(node)
        dumped = spec.model_dump(mode="json", by_alias=True)
        ports = _ports(spec)
        said = []
        for name, field in type(spec).model_fields.items():
            key = field.alias or name
            value = getattr(spec, name, None)
            if name in _UNSAID or name in ports or value is None:
                continue
            if value == spec.default_of(name):
                continue
            said.append((key, clip(one_line(shown(dumped[key], hidden)), MAX_VALUE)))
        return said


def _ports(spec: NodeSpec) -> frozenset[str]:
    """Return the names of a model's fields that hold targets: they are drawn as edges."""
    names = {"to", "otherwise", "overflow", "dead_letter", "default", "routes"}
    return frozenset(names & type(spec).model_fields.keys())


def _count(number: int) -> str:
    return f"{number:,}"


def _essentials(spec: NodeSpec) -> tuple[str, ...]:
    """Return the few values that tell a node from others of its kind; "" are left out."""
    match spec:
        case source.HttpSourceSpec():
            return (f"{spec.listen}{spec.path}",)
        case source.FileSourceSpec():
            return (", ".join(spec.paths), "follow" if spec.follow else "")
        case source.Generate():
            rate = "" if spec.rate is None else format_rate(spec.rate)
            return (rate, "" if spec.count is None else f"{spec.count:,} events")
        case source.SourceSpec():
            return (spec.schema_ or "",)
        case terminal.HttpSinkSpec():
            return ("" if spec.method == "POST" else spec.method, spec.url)
        case terminal.FileSinkSpec():
            return (spec.path,)
        case terminal.Call():
            return (spec.target,)
        case terminal.ChannelSpec():
            return (_count(spec.capacity),)
        case fan.Balance():
            return (spec.by if spec.key is None else f"by {spec.key}",)
        case _:
            return (*_change(spec), *_reliability(spec))


def _change(spec: NodeSpec) -> Iterator[str]:
    match spec:
        case change.Transform():
            for verb in ("rename", "remove", "set", "compute"):
                if changed := getattr(spec, verb):
                    yield f"{verb} {', '.join(changed)}"
            yield spec.python or ""
        case change.Dedupe():
            yield f"by {spec.by}"
            yield format_duration(spec.window)
        case change.Sample():
            yield f"1 in {spec.every:,}" if spec.every else f"{(spec.ratio or 0) * 100:g}%"
        case change.RateLimit():
            yield format_rate(spec.rate)
            yield "" if spec.by is None else f"by {spec.by}"
        case change.BatchSpec():
            yield f"{spec.max_events:,} or {format_duration(spec.max_wait)}"


def _reliability(spec: NodeSpec) -> Iterator[str]:
    match spec:
        case reliability.Queue():
            yield spec.store
            yield _count(spec.capacity)
            yield "" if spec.when_full in {"block", "overflow"} else spec.when_full
            yield "" if spec.concurrency == 1 else f"{spec.concurrency} at once"
        case reliability.Retry():
            yield f"{spec.max_attempts:,} attempts"
            if spec.breaker is not None:
                opens = format_duration(spec.breaker.open_for)
                yield f"breaker {spec.breaker.failure_threshold:,} → {opens}"
        case reliability.BreakerNode():
            yield f"{spec.failure_threshold:,} failures → {format_duration(spec.open_for)}"
        case reliability.Timeout():
            yield format_duration(spec.after)
        case reliability.DeadLetter():
            yield f"keeps {spec.capacity:,}"
