"""Which fields of each kind a live node follows in place, and for which something is opened anew.

It is a table; docs/reloading.md is made from it. What a plan says of a node is `compare`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from sinkgraph.formats.url import origin
from sinkgraph.graph.model import GraphNode
from sinkgraph.spec.kind import Kind, Side, find_kind

__all__ = [
    "DRAWING",
    "SURVIVES",
    "UNCOMPARED",
    "Effect",
    "Row",
    "Rule",
    "rows",
    "rule_of",
    "side_of",
]

Effect: TypeAlias = Literal["retune", "replace", "either", "drawing"]

DRAWING = frozenset({"description", "group"})
"""Fields that only describe."""
UNCOMPARED = frozenset({"kind", "enabled", "was"})
"""Fields that say which node it is, or whether it is there at all."""


def _always(_old: Any, _new: Any) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Rule:
    """Says what a change of a field does beyond being followed in place, and why.

    `when` tells whether two values do it; `unless` says in words where they do not. `replaces`:
    something is opened anew for it. `forgets`: state that it costs.
    """

    why: str
    when: Callable[[Any, Any], bool] = _always
    unless: str = ""
    replaces: bool = True
    forgets: str = ""


def _other_origin(old: Any, new: Any) -> bool:
    return origin(old) != origin(new)


def _to_or_from_nothing(old: Any, new: Any) -> bool:
    return bool(old) != bool(new)


_Kind: TypeAlias = tuple[Side, str]

_RULES: Mapping[_Kind, Mapping[str, Rule]] = MappingProxyType(
    {
        ("source", "http"): {
            "listen": Rule("another address is listened to"),
            "path": Rule("another path is taken at its address"),
        },
        ("source", "file"): {
            "paths": Rule("other files are read"),
            "follow": Rule("files are read to another end"),
            "from": Rule("files without a position are read from elsewhere"),
            "format": Rule("lines are read as something else"),
        },
        ("sink", "queue"): {"store": Rule("its events are kept in another place")},
        ("sink", "dedupe"): {
            "by": Rule("what it remembers are other keys", replaces=False, forgets="window"),
        },
        ("sink", "rate_limit"): {
            "by": Rule("its rates belong to other keys", replaces=False, forgets="tokens"),
        },
        ("sink", "http"): {
            "url": Rule(
                "events go to another address",
                _other_origin,
                "scheme, host and port are the same",
                forgets="concurrency",
            ),
        },
        ("sink", "file"): {"path": Rule("another file is written")},
        ("sink", "channel"): {
            "capacity": Rule(
                "it begins to hold events, or stops to",
                _to_or_from_nothing,
                "neither value is 0",
            ),
            "readers": Rule("its readers share events in another way"),
        },
        ("sink", "call"): {"target": Rule("another function is called")},
    }
)

SURVIVES: Mapping[_Kind, tuple[str, ...]] = MappingProxyType(
    {
        ("source", "http"): ("the listener, while `listen` is the same",),
        ("source", "file"): ("the position in each file",),
        ("source", "stdin"): ("what was read and not yet handed on",),
        ("source", "generate"): ("how many events were made",),
        ("sink", "queue"): ("what is pending, in order", "who waits for room"),
        ("sink", "retry"): (
            "the attempts of each event",
            "the breaker's state, while what it protects has the same origin",
        ),
        ("sink", "breaker"): ("its state, while what it protects has the same origin",),
        ("sink", "rate_limit"): ("the tokens left",),
        ("sink", "dedupe"): ("what it remembers",),
        ("sink", "sample"): ("where it is in its count",),
        ("sink", "batch"): ("what it has collected",),
        ("sink", "dead_letter"): ("its letters",),
        ("sink", "http"): ("the concurrency it has learned, while the origin is the same",),
        ("sink", "file"): ("the file, while `path` is the same",),
        ("sink", "channel"): ("what its readers have not read",),
    }
)
"""What a node keeps over a reload, by side and kind; others hold nothing."""

_UNKNOWN = Rule("its kind does not say that it follows changes in place")


def side_of(node: GraphNode) -> Side:
    """Return the mapping of a document a node stands in."""
    return "source" if node.role == "source" else "sink"


def rule_of(side: Side, kind: str, field: str, *, port: bool = False) -> Rule | None:
    """Return the rule of a field; None where it is followed in place and costs nothing.

    A kind of a third party is replaced for each of its own fields; ports are links, and those of
    every kind are set anew in place.
    """
    if port or field in DRAWING or field == "on_remove":
        return None
    found = find_kind(side, kind)
    if found is None or found.build:
        return _UNKNOWN
    return _RULES.get((side, kind), {}).get(field)


@dataclass(frozen=True, slots=True)
class Row:
    """Is one kind and field, and what a change of it does."""

    side: Side
    kind: str
    field: str
    effect: Effect
    why: str


def rows(kind: Kind) -> Iterator[Row]:
    """Yield a row for each field of a kind, in the order of its model."""
    ports = {one.name for one in kind.ports}
    for name, field in kind.model.model_fields.items():
        key = field.alias or name
        if key in UNCOMPARED:
            continue
        rule = rule_of(kind.side, kind.name, key, port=key in ports)
        yield Row(kind.side, kind.name, key, *_effect(key, rule))


def _effect(field: str, rule: Rule | None) -> tuple[Effect, str]:
    if field in DRAWING:
        return "drawing", ""
    if rule is None:
        return "retune", ""
    why = f"{rule.why}, unless {rule.unless}" if rule.unless else rule.why
    if not rule.replaces:
        return "retune", why
    return ("either" if rule.unless else "replace"), why
