"""What a drawing says of a node: one line of what matters, and every field that was set.

It shows no secret: a `Secret` is `***`, what came from the environment or a file is shown as the
document writes it, and a URL has neither user nor query.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from sinkgraph.diagnostics.safe import clip, safe_text
from sinkgraph.formats.url import shown_url
from sinkgraph.graph.model import Graph, GraphNode
from sinkgraph.spec import document_tree as tree
from sinkgraph.spec.kinds import change, fan, reliability, source, terminal
from sinkgraph.spec.kinds.base import NodeSpec
from sinkgraph.spec.leaves import Placeholder
from sinkgraph.spec.secret import MASK
from sinkgraph.spec.units import format_duration, format_rate

__all__ = ["Facts", "one_line"]

MAX_VALUE = 100
_UNSAID = frozenset({"kind", "description", "group", "enabled", "was"})
_UNCOMPARED = frozenset({"kind", "enabled", "was"})
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_REFERENCE = re.compile(r"\$\{(env|file|var):([^}:]*)[^}]*\}")
_USER = re.compile(r"//[^/?#@]*@")
_SHORTEST_MASKED = 4


class Facts:
    """Tells what there is to say of the nodes of one graph."""

    def __init__(self, graph: Graph) -> None:
        self._declared = {decl.name: decl for decl in graph.spec.nodes}
        self._defaults = graph.spec.tree.get("defaults")

    def composite(self, node: GraphNode) -> str:
        """Return the kind of the composite a node came from, or ""."""
        decl = self._declared.get(node.origin or "")
        return "" if decl is None else decl.kind_name

    def caption(self, node: GraphNode) -> tuple[str, ...]:
        """Return kind and what matters most, e.g. `queue`, `memory`, `10,000`."""
        hidden = self._hidden(node)
        said = (one_line(_shown(part, hidden)) for part in _essentials(node.spec) if part)
        return one_line(node.kind), *said

    def description(self, node: GraphNode) -> str:
        """Return the node's description, on one line; may be empty."""
        hidden = self._hidden(node)
        return one_line(_shown(node.spec.description or "", hidden))

    def fields(self, node: GraphNode) -> list[tuple[str, str]]:
        """Return name and value of every field that is not as by default, ports left out."""
        spec, hidden = node.spec, self._hidden(node)
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
            said.append((key, clip(one_line(_shown(dumped[key], hidden)), MAX_VALUE)))
        return said

    def changes(self, node: GraphNode, before: Facts, old: GraphNode) -> list[str]:
        """Return what of a node is not as in another document: `capacity: 100 → 200`.

        Values that differ but may not be shown are only named.
        """
        made = [] if node.kind == old.kind else [f"kind: {one_line(f'{old.kind} → {node.kind}')}"]
        if type(node.spec) is not type(old.spec):
            return made
        hidden, hidden_old = self._hidden(node), before._hidden(old)
        dumped = node.spec.model_dump(mode="json", by_alias=True)
        dumped_old = old.spec.model_dump(mode="json", by_alias=True)
        for name, field in type(node.spec).model_fields.items():
            if name in _UNCOMPARED or name in _ports(node.spec):
                continue
            if getattr(node.spec, name, None) == getattr(old.spec, name, None):
                continue
            key = field.alias or name
            now = clip(one_line(_shown(dumped[key], hidden)), MAX_VALUE)
            then = clip(one_line(_shown(dumped_old[key], hidden_old)), MAX_VALUE)
            made.append(f"{key}: {then} → {now}" if now != then else f"{key}: another value")
        return made

    def _hidden(self, node: GraphNode) -> Mapping[str, str]:
        """Return the texts of a node that must not be shown → what is shown instead."""
        decl = self._declared.get(node.origin or node.name)
        if decl is None:
            return {}
        held = [decl.tree]
        if isinstance(self._defaults, tree.Mapping):
            defaults = self._defaults.get(decl.kind_name)
            held += [defaults] if isinstance(defaults, tree.Mapping) else []
        made: dict[str, str] = {}
        for mapping in held:
            for entry in mapping:
                stand_in = getattr(node.spec, _attribute(node.spec, entry.key.text), None)
                for leaf in _leaves(entry.value):
                    if isinstance(leaf.value, Placeholder):
                        made[str(stand_in or leaf.value)] = _as_written(str(leaf.value))
                    elif leaf.secret and leaf.value:
                        text = "" if leaf.span is None else leaf.span.text.strip("\"'")
                        made[str(leaf.value)] = _as_written(text) or MASK
        return made


def _attribute(spec: NodeSpec, key: str) -> str:
    """Return the attribute that holds the field a document calls `key`."""
    fields = type(spec).model_fields
    return next((name for name, field in fields.items() if field.alias == key), key)


def _leaves(node: tree.Node) -> Iterator[tree.Scalar]:
    todo = [node]
    while todo:
        one = todo.pop()
        if isinstance(one, tree.Mapping):
            todo.extend(entry.value for entry in one)
        elif isinstance(one, tree.Sequence):
            todo.extend(one.items)
        elif isinstance(one, tree.Scalar):
            yield one


def one_line(text: str) -> str:
    """Return text made safe, its line breaks and runs of spaces made one space each."""
    return safe_text(" ".join(text.split()))


def _as_written(text: str) -> str:
    """Return text with references instead of values, without their defaults, user and query."""
    if _REFERENCE.search(text) is None:
        return ""
    bare = _USER.sub("//", _REFERENCE.sub(r"${\1:\2}", text))
    head, mark, _ = bare.partition("?")
    return f"{head}?…" if mark else head


def _shown(value: Any, hidden: Mapping[str, str]) -> str:
    """Return a JSON value as text, with hidden texts and the private parts of URLs left out."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return _text(value, hidden)
        case int():
            return _count(value)
        case list() | tuple():
            return f"[{', '.join(_shown(one, hidden) for one in value)}]"
        case dict():
            inner = (f"{_text(str(k), hidden)}: {_shown(v, hidden)}" for k, v in value.items())
            return f"{{{', '.join(inner)}}}"
        case _:
            return str(value)


def _text(text: str, hidden: Mapping[str, str]) -> str:
    if text in hidden:
        return hidden[text]
    for secret, instead in hidden.items():
        if len(secret) >= _SHORTEST_MASKED and secret in text:
            text = text.replace(secret, instead or MASK)
    return shown_url(text) if _URL.match(text) else text


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
