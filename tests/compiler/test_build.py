"""Every kind is built from the least and from all of its fields, and the live node carries them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from sinkgraph.compiler.assembly import Assembly
from sinkgraph.compiler.build import build
from sinkgraph.errors import StartFailed
from sinkgraph.graph.load import load
from sinkgraph.spec.kind import Kind, all_kinds
from sinkgraph.spec.kinds.base import NodeSpec
from sinkgraph.spec.kinds.fan import Branch, RouteRule
from tests.compiler.carried import CARRIED, Carried

KINDS = [kind for kind in all_kinds() if not kind.build]
COMMON = set(NodeSpec.model_fields)
"""Fields of every node: the checker's, the drawing's and, later, the reload's."""

both = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.side}-{kind.name}")


def document(kind: Kind, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document around one node, with every sink a field may name."""
    ends = {name: {"kind": "blackhole"} for name in ("target", "spare", "other", "more")}
    node = {"kind": kind.name, **fields}
    if kind.side == "source":
        return {"sinkgraph": 1, "name": "one", "sources": {"n": node}, "sinks": ends}
    return {
        "sinkgraph": 1,
        "name": "one",
        "sources": {"in": {"kind": "inlet", "to": "n"}},
        "sinks": {"n": node, **ends},
    }


def made(kind: Kind, fields: Mapping[str, Any]) -> tuple[Any, Assembly]:
    """Return the spec of the node and what the compiler made of the document."""
    graph = load(document(kind, fields), secrets="strict")
    spec = kind.model.model_validate({"kind": kind.name, **fields})
    return spec, build(graph)


def least(kind: Kind, held: Carried) -> dict[str, Any]:
    """Return only what a node of the kind must say."""
    required = {
        one.alias or name
        for name, one in kind.model.model_fields.items()
        if one.is_required() and name != "kind"
    }
    return {**{name: held.fields[name] for name in required}, **held.least}


def plain(value: Any) -> Any:
    """Return models as mappings and `Branch` and `RouteRule` lists as lists of mappings."""
    if isinstance(value, BaseModel):
        return {name: plain(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, tuple) and value and isinstance(value[0], Branch | RouteRule):
        return [plain(one) for one in value]
    return value


def check(kind: Kind, held: Carried, fields: Mapping[str, Any]) -> None:
    """Hold that the live node of a document carries what its spec says, field by field."""
    spec, assembly = made(kind, fields)
    nodes: dict[str, Any] = {**assembly.sources, **assembly.sinks}
    for name, read in held.reads.items():
        live = nodes.get(f"n{held.inner.get(name, '')}")
        if live is None:
            assert getattr(spec, name) is None, name
            continue
        expected = plain(getattr(spec, name))
        if name == "listen":
            expected = str(expected)
        carried = read(live)
        if expected in (None, "auto") and name in DEFAULTED:
            assert DEFAULTED[name](carried), name
        else:
            assert carried == expected, name


DEFAULTED: dict[str, Any] = {
    "backoff": lambda carried: carried is not None,
    "burst": lambda carried: carried == 40,
    "max_wait": lambda carried: carried in (None, 60.0),
    "max_batch": lambda carried: carried == 1,
    "format": lambda carried: carried == "json",
}
"""Fields whose live value is decided when the document leaves them open."""


def test_every_kind_is_here() -> None:
    assert {(kind.side, kind.name) for kind in KINDS} == set(CARRIED)


@both
def test_every_field_of_a_kind_is_here(kind: Kind) -> None:
    held = CARRIED[kind.side, kind.name]
    names = set(kind.model.model_fields) - COMMON
    assert set(held.reads) | set(held.judged) == names
    aliases = {name: kind.model.model_fields[name].alias or name for name in held.reads}
    documents = [held.fields, *held.more]
    unset = [n for n, alias in aliases.items() if not any(alias in one for one in documents)]
    assert unset == [], "set every field in some document"


@both
def test_a_field_that_is_set_differs_from_its_default(kind: Kind) -> None:
    held = CARRIED[kind.side, kind.name]
    for fields in (held.fields, *held.more):
        spec = kind.model.model_validate({"kind": kind.name, **fields})
        for name, one in kind.model.model_fields.items():
            if (one.alias or name) in fields and not one.is_required():
                default = one.get_default(call_default_factory=True)
                if name != "backoff" or fields[name].get("kind") != "exponential":
                    assert plain(getattr(spec, name)) != plain(default), name


@both
def test_a_policy_inside_a_field_is_set_in_full(kind: Kind) -> None:
    held = CARRIED[kind.side, kind.name]
    for fields in (held.fields, *held.more):
        spec = kind.model.model_validate({"kind": kind.name, **fields})
        for name, value in fields.items():
            section = getattr(spec, name, None)
            if isinstance(section, BaseModel):
                assert set(value) == set(type(section).model_fields)
                for inner, one in type(section).model_fields.items():
                    if inner != "kind" and not one.is_required():
                        assert getattr(section, inner) != one.get_default(), inner


@both
def test_a_kind_is_built_from_the_least(kind: Kind) -> None:
    held = CARRIED[kind.side, kind.name]
    check(kind, held, least(kind, held))


@both
def test_a_kind_is_built_from_all_its_fields(kind: Kind) -> None:
    held = CARRIED[kind.side, kind.name]
    for fields in (held.fields, *held.more):
        check(kind, held, fields)


@both
def test_a_live_node_knows_its_name_and_its_kind(kind: Kind) -> None:
    held = CARRIED[kind.side, kind.name]
    _, assembly = made(kind, held.fields)
    nodes: dict[str, Any] = {**assembly.sources, **assembly.sinks}
    assert nodes["n"].name == "n"
    assert nodes["n"].kind == ("queue" if kind.composite else kind.name)
    assert assembly.dead_letters.name == "dead-letters"
    assert "dead-letters" not in assembly.sinks


def test_nodes_that_meet_below_are_one_object() -> None:
    graph = load(
        {
            "sinkgraph": 1,
            "name": "diamond",
            "sources": {"in": {"kind": "inlet", "to": "fan"}},
            "sinks": {
                "fan": {"kind": "broadcast", "to": ["a", "b"]},
                "a": {"kind": "queue", "to": "end"},
                "b": {"kind": "queue", "to": "end"},
                "end": {"kind": "blackhole"},
            },
        }
    )
    sinks: dict[str, Any] = build(graph).sinks
    assert sinks["a"].to.target is sinks["b"].to.target is sinks["end"]


def test_each_build_makes_live_nodes_of_its_own() -> None:
    kind = next(one for one in KINDS if one.name == "queue")
    graph = load(document(kind, {"to": "target"}))
    assert build(graph).sinks["n"] is not build(graph).sinks["n"]


def test_expressions_see_the_vars() -> None:
    graph = load(
        {
            "sinkgraph": 1,
            "name": "vars",
            "vars": {"least": {"type": "int", "default": 5}},
            "sources": {"in": {"kind": "inlet", "to": "f"}},
            "sinks": {
                "f": {"kind": "filter", "where": "data.n >= vars.least", "to": "end"},
                "end": {"kind": "blackhole"},
            },
        },
        set_vars={"least": "7"},
    )
    from tests.compiler.carried import event_of

    where = build(graph).sinks["f"].where  # type: ignore[attr-defined]
    assert [where.evaluate(event_of({"n": n})) for n in (6, 7)] == [False, True]


def test_every_function_that_is_missing_is_named() -> None:
    sinks: dict[str, Any] = {
        "fan": {"kind": "broadcast", "to": ["a", "b"]},
        "a": {"kind": "transform", "python": "json:nothing", "to": "end"},
        "b": {"kind": "transform", "python": "no.module:f", "to": "end"},
        "end": {"kind": "blackhole"},
    }
    sources = {"in": {"kind": "inlet", "to": "fan"}}
    graph = load({"sinkgraph": 1, "name": "x", "sources": sources, "sinks": sinks})
    with pytest.raises(StartFailed) as caught:
        build(graph)
    assert len(caught.value.reasons) == 2
    assert {reason.split(":")[0] for reason in caught.value.reasons} == {
        "transform a", "transform b",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("sinks", "worth"),
    [
        ({"a": {"kind": "file", "path": "x"}}, "delivered"),
        ({"a": {"kind": "queue", "to": {"kind": "file", "path": "x"}}}, "memory"),
        (
            {
                "a": {"kind": "broadcast", "to": ["b", "c"]},
                "b": {"kind": "file", "path": "x"},
                "c": {"kind": "queue", "to": {"kind": "blackhole"}},
            },
            "memory",
        ),
        (
            {
                "a": {"kind": "broadcast", "to": ["b", {"node": "c", "required": False}]},
                "b": {"kind": "file", "path": "x"},
                "c": {"kind": "queue", "to": {"kind": "blackhole"}},
            },
            "delivered",
        ),
        (
            {
                "a": {"kind": "filter", "where": "true", "to": "b", "otherwise": "c"},
                "b": {"kind": "file", "path": "x"},
                "c": {"kind": "endpoint", "url": "http://127.0.0.1:9/"},
            },
            "memory",
        ),
    ],
)
def test_what_accepted_is_worth_is_the_weakest_required_branch(
    sinks: dict[str, Any], worth: str
) -> None:
    assert worth_in(sinks) == worth


END = {"kind": "file", "path": "x"}
DISK = {"kind": "queue", "store": "disk", "to": "end"}
MEMORY = {"kind": "queue", "to": "end"}


def worth_in(sinks: dict[str, Any], *, state: bool = False) -> str:
    """Return what an http source in front of sink `a` says that `accepted` is worth."""
    sources = {"in": {"kind": "http", "listen": "127.0.0.1:0", "to": "a"}}
    graph = load({"sinkgraph": 1, "name": "x", "sources": sources, "sinks": sinks})
    source: Any = build(graph, state_dir="/state" if state else None).sources["in"]
    return str(source.worth)


@pytest.mark.parametrize(
    ("first", "more", "worth"),
    [
        (DISK, {}, "durable"),
        ({"kind": "endpoint", "url": "http://127.0.0.1:9/", "store": "disk"}, {}, "durable"),
        ({"kind": "broadcast", "to": ["d", "end"]}, {"d": DISK}, "durable"),
        ({"kind": "broadcast", "to": ["d", "m"]}, {"d": DISK, "m": MEMORY}, "memory"),
        (
            {"kind": "broadcast", "to": ["d", {"node": "m", "required": False}]},
            {"d": DISK, "m": MEMORY},
            "durable",
        ),
        ({**DISK, "when_full": "overflow", "overflow": "m"}, {"m": MEMORY}, "memory"),
        ({**DISK, "when_full": "overflow", "overflow": "d"}, {"d": DISK}, "durable"),
        ({**DISK, "dead_letter": "m"}, {"m": MEMORY}, "memory"),
        ({**DISK, "dead_letter": "letters"}, {"letters": {"kind": "dead_letter"}}, "durable"),
        ({"kind": "queue", "to": "d"}, {"d": DISK}, "memory"),
        ({**DISK, "to": "m"}, {"m": MEMORY}, "memory"),
        ({**DISK, "to": "d"}, {"d": DISK}, "durable"),
        (
            {"kind": "filter", "where": "data.x", "to": "d", "dead_letter": "m"},
            {"d": DISK, "m": MEMORY},
            "memory",
        ),
        (
            {"kind": "filter", "where": "data.x", "to": "d", "dead_letter": "letters"},
            {"d": DISK, "letters": {"kind": "dead_letter"}},
            "durable",
        ),
        ({"kind": "filter", "where": "data.x", "to": "d"}, {"d": DISK}, "durable"),
    ],
)
def test_accepted_is_durable_where_every_required_branch_is_on_disk(
    first: dict[str, Any], more: dict[str, Any], worth: str
) -> None:
    assert worth_in({"a": first, **more, "end": END}, state=True) == worth


def test_an_event_written_to_a_dead_letter_is_worth_what_keeps_it() -> None:
    sinks = {"a": {"kind": "filter", "where": "data.x", "to": "end", "otherwise": "letters"}}
    sinks |= {"letters": {"kind": "dead_letter"}, "end": END}
    assert worth_in(sinks, state=True) == "durable"
    assert worth_in(sinks) == "memory"


@pytest.mark.parametrize("name", ["events.db", "events.db-wal", "Events.Lock", "events.mark"])
def test_no_file_sink_writes_over_what_the_state_dir_keeps(name: str, tmp_path: Path) -> None:
    (tmp_path / "linked").symlink_to(tmp_path)

    def built(path: str, output_dir: Path) -> Assembly:
        graph = load({"sinkgraph": 1, "name": "x", "sinks": {"a": {"kind": "file", "path": path}}})
        return build(graph, output_dir=str(output_dir), state_dir=str(tmp_path))

    for path, output_dir in ((name, tmp_path), (f"linked/{name}", tmp_path)):
        with pytest.raises(StartFailed, match=r"file a: .* is a file of the state dir"):
            built(path, output_dir)
    for path, output_dir in (("events.jsonl", tmp_path), (name, tmp_path / "out")):
        assert "a" in built(path, output_dir).sinks


def test_a_node_is_told_the_name_it_had() -> None:
    sinks = {"a": {**DISK, "was": "old"}, "e": {"kind": "endpoint", "url": "http://x/", "was": "o"}}
    fan = {"kind": "broadcast", "to": ["a", "e", "once"]}
    sinks["once"] = {"kind": "dedupe", "was": "twice", "to": "end"}
    sources = {"in": {"kind": "file", "paths": ["x"], "was": "log", "to": "fan"}}
    document = {"sinkgraph": 1, "name": "x", "sources": sources}
    made = build(load({**document, "sinks": {"fan": fan, **sinks, "end": END}}))
    nodes: dict[str, Any] = {**made.sources, **made.sinks}
    assert {name: nodes[name].was for name in ("in", "a", "e", "once")} == {
        "in": "log",
        "a": "old",
        "e": "o",
        "once": "twice",
    }
