"""The registry of kinds: which there are, the ports each has, and the model of its fields.

It builds nothing live; `Kind.build` says who does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import Literal

from sinkgraph.spec.kinds import change, fan, reliability, source, terminal
from sinkgraph.spec.kinds.base import NodeSpec

__all__ = [
    "COMPOSITES",
    "ENTRY_POINTS",
    "EXPRESSION_FIELDS",
    "LATER_KINDS",
    "Kind",
    "Kinds",
    "Port",
    "Role",
    "Side",
    "all_kinds",
    "find_kind",
    "kind_names",
    "plugin_problems",
]

Role = Literal["source", "fan", "change", "reliability", "terminal"]
Side = Literal["source", "sink"]

ENTRY_POINTS = "sinkgraph.kinds"

EXPRESSION_FIELDS = frozenset({"where", "when", "compute", "by", "key", "order_by"})
"""Fields that hold expressions (`compute` a mapping of them): never interpolated."""


@dataclass(frozen=True, slots=True)
class Port:
    """Is a named output of a kind.

    `many`: it holds a list of targets. `optional`: it may be left away. `each`: it is the field
    `to` of every entry of the list in this field (`routes`); its edges are `routes.0`, `routes.1`…
    """

    name: str
    many: bool = False
    optional: bool = False
    each: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """Is one kind of node.

    `ports`: its outputs, in order. `model`: its fields. `build`: `pkg.mod:fn` makes the live node;
    "" when sinkgraph itself does. `stateful`: it holds what must not change hands, so a second one
    written in place needs a name. `slow`: it waits for the outside. `dead_letters`: events may go
    to a dead letter from it. `expressions`: fields that hold one. `composite`: it is a template,
    and `built_in` one that comes with sinkgraph.
    """

    name: str
    role: Role
    ports: tuple[Port, ...]
    model: type[NodeSpec]
    build: str = ""
    stateful: bool = False
    slow: bool = False
    dead_letters: bool = False
    expressions: tuple[str, ...] = ()
    composite: bool = False
    built_in: bool = False

    @property
    def side(self) -> Side:
        """The mapping of a document it stands in."""
        return "source" if self.role == "source" else "sink"

    @property
    def summary(self) -> str:
        """What it does, in one line."""
        return (self.model.__doc__ or "").strip().partition("\n")[0]


_TO = Port("to")
_LIST = Port("to", many=True)
_DEAD = Port("dead_letter", optional=True)
_OVERFLOW = Port("overflow", optional=True)

_BUILT_IN = (
    Kind("http", "source", (_TO,), source.HttpSourceSpec),
    Kind("stdin", "source", (_TO,), source.StdinSource, dead_letters=True),
    Kind("file", "source", (_TO,), source.FileSourceSpec, stateful=True, dead_letters=True),
    Kind("generate", "source", (_TO,), source.Generate),
    Kind("inlet", "source", (_TO,), source.Inlet),
    Kind("broadcast", "fan", (_LIST,), fan.Broadcast),
    Kind(
        "filter",
        "fan",
        (_TO, Port("otherwise", optional=True), _DEAD),
        fan.Filter,
        dead_letters=True,
        expressions=("where",),
    ),
    Kind(
        "route",
        "fan",
        (Port("routes", many=True, each=True), Port("default", optional=True), _DEAD),
        fan.Route,
        dead_letters=True,
        expressions=("routes.when",),
    ),
    Kind("fallback", "fan", (_LIST,), fan.Fallback),
    Kind("balance", "fan", (_LIST,), fan.Balance, expressions=("key",)),
    Kind(
        "transform",
        "change",
        (_TO, _DEAD),
        change.Transform,
        dead_letters=True,
        expressions=("compute",),
    ),
    Kind("dedupe", "change", (_TO,), change.Dedupe, stateful=True, expressions=("by",)),
    Kind("sample", "change", (_TO,), change.Sample, stateful=True),
    Kind("rate_limit", "change", (_TO,), change.RateLimit, stateful=True, expressions=("by",)),
    Kind("batch", "change", (_TO,), change.BatchSpec, stateful=True),
    Kind(
        "queue",
        "reliability",
        (_TO, _OVERFLOW, _DEAD),
        reliability.Queue,
        stateful=True,
        dead_letters=True,
        expressions=("order_by",),
    ),
    Kind("retry", "reliability", (_TO, _DEAD), reliability.Retry, stateful=True, dead_letters=True),
    Kind("breaker", "reliability", (_TO,), reliability.BreakerNode, stateful=True),
    Kind("timeout", "reliability", (_TO,), reliability.Timeout),
    Kind("dead_letter", "reliability", (), reliability.DeadLetter, stateful=True),
    Kind("http", "terminal", (), terminal.HttpSinkSpec, slow=True),
    Kind("file", "terminal", (), terminal.FileSinkSpec),
    Kind("stdout", "terminal", (), terminal.Stdout),
    Kind("channel", "terminal", (), terminal.ChannelSpec, stateful=True, slow=True),
    Kind("call", "terminal", (), terminal.Call, slow=True),
    Kind("blackhole", "terminal", (), terminal.Blackhole),
)

LATER_KINDS: Mapping[tuple[Side, str], str] = MappingProxyType(
    {
        ("source", "nats"): "take its events through an `http` or `stdin` source",
        ("source", "redis"): "take its events through an `http` or `stdin` source",
        ("source", "kafka"): "take its events through an `http` or `stdin` source",
        ("sink", "nats"): "call a Python function that writes to it: `kind: call`",
        ("sink", "redis"): "call a Python function that writes to it: `kind: call`",
        ("sink", "kafka"): "call a Python function that writes to it: `kind: call`",
        ("sink", "subscribers"): "list the targets in a `kind: broadcast`",
    }
)
"""Kinds of the design that a later version brings → what to do until then."""

COMPOSITES: tuple[str, ...] = ("endpoint",)
"""The kinds that are templates, which come with sinkgraph."""

_TABLE: Mapping[tuple[Side, str], Kind] = MappingProxyType(
    {(one.side, one.name): one for one in _BUILT_IN}
)


def find_kind(side: Side, name: str) -> Kind | None:
    """Return the kind of that name among sources or sinks, or None; asks plugins last."""
    found = _TABLE.get((side, name))
    if found is None and side == "sink":
        found = _built_in_template(name)
    return found if found is not None else _plugins().get((side, name))


def all_kinds() -> tuple[Kind, ...]:
    """Return every kind a document may write, built-in ones first."""
    known = list(_every_built_in())
    there = {(one.side, one.name) for one in known}
    known.extend(one for key, one in _plugins().items() if key not in there)
    return tuple(known)


def kind_names(side: Side) -> list[str]:
    """Return the names of the kinds of one side."""
    return [one.name for one in all_kinds() if one.side == side]


@dataclass(frozen=True, slots=True)
class Kinds:
    """Is every kind of one document: those there are, and its own templates."""

    own: Mapping[str, Kind] = field(default_factory=dict)

    def find(self, side: Side, name: str) -> Kind | None:
        """Return the kind of that name among sources or sinks, or None."""
        own = self.own.get(name) if side == "sink" else None
        return own if own is not None else find_kind(side, name)

    def names(self, side: Side) -> list[str]:
        """Return the names of the kinds of one side."""
        return [*kind_names(side), *(self.own if side == "sink" else ())]


def plugin_problems() -> tuple[str, ...]:
    """Return why kinds of installed packages could not be loaded, one line each."""
    return _loaded()[1]


def _built_in_template(name: str) -> Kind | None:
    """Return the kind of a template that comes with sinkgraph; it is read when first asked for."""
    return _every_template().get(name) if name in COMPOSITES else None


@cache
def _every_template() -> Mapping[str, Kind]:
    from sinkgraph.spec.templates.built_in import built_in_template

    found = ((name, built_in_template(name)) for name in COMPOSITES)
    return {name: one.kind for name, one in found if one is not None}


@cache
def _every_built_in() -> tuple[Kind, ...]:
    return (*_BUILT_IN, *_every_template().values())


def _plugins() -> Mapping[tuple[Side, str], Kind]:
    return _loaded()[0]


@cache
def _loaded() -> tuple[Mapping[tuple[Side, str], Kind], tuple[str, ...]]:
    """Load the kinds that installed packages bring, once; built-in names are never replaced."""
    found: dict[tuple[Side, str], Kind] = {}
    problems: list[str] = []
    for point in sorted(entry_points(group=ENTRY_POINTS), key=lambda one: one.name):
        try:
            kind = point.load()
        except Exception as error:  # whatever a package does on import
            problems.append(f"the entry point `{point.name}` cannot be loaded: {error!r}")
            continue
        if isinstance(kind, Kind):
            found.setdefault((kind.side, kind.name), kind)
        else:
            problems.append(f"the entry point `{point.name}` is no `sinkgraph.spec.kind.Kind`")
    return MappingProxyType(found), tuple(problems)
