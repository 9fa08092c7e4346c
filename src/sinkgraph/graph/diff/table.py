"""Which fields of each kind a live node follows in place, and which need a new one in its place.

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
    """Says of a field that a new node takes the place of the old one, and why.

    `when` tells whether two values need one; `unless` says in words where they do not. `forgets`:
    state that such a change costs.
    """

    why: str
    when: Callable[[Any, Any], bool] = _always
    unless: str = ""
    forgets: str = ""


def _other_origin(old: Any, new: Any) -> bool:
    return origin(old) != origin(new)


def _no_growth(old: Any, new: Any) -> bool:
    return bool(new < old or not old)


_Kind: TypeAlias = tuple[Side, str]

_REPLACED: Mapping[_Kind, Mapping[str, Rule]] = MappingProxyType(
    {
        ("source", "http"): {
            "listen": Rule("another address is listened to"),
            "path": Rule("another path is taken at its address"),
        },
        ("source", "file"): {
            "paths": Rule("other files are read"),
            "follow": Rule("files are read to another end"),
        },
        ("sink", "queue"): {"store": Rule("its events are kept in another place")},
        ("sink", "dedupe"): {
            "by": Rule("what was remembered are other keys", forgets="window"),
        },
        ("sink", "rate_limit"): {
            "by": Rule("its rates belong to other keys", forgets="tokens"),
        },
        ("sink", "http"): {
            "url": Rule(
                "events go to another address",
                _other_origin,
                "scheme, host and port stay",
                "concurrency",
            ),
        },
        ("sink", "file"): {"path": Rule("another file is written")},
        ("sink", "channel"): {
            "capacity": Rule("it holds less than before", _no_growth, "it grows"),
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
    """Return the rule of a field; None where it is always followed in place.

    A kind of a third party is replaced for each of its own fields; ports are links, and those of
    every kind are set anew in place.
    """
    if port or field in DRAWING or field == "on_remove":
        return None
    found = find_kind(side, kind)
    if found is None or found.build:
        return _UNKNOWN
    return _REPLACED.get((side, kind), {}).get(field)


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
        effect: Effect = "retune"
        why = ""
        if key in DRAWING:
            effect = "drawing"
        elif rule is not None:
            effect, why = (
                ("either", f"{rule.why}, unless {rule.unless}")
                if rule.unless
                else (
                    "replace",
                    rule.why,
                )
            )
        yield Row(kind.side, kind.name, key, effect, why)
