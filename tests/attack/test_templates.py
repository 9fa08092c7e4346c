"""Templates that would grow without end, or crash, or lose a node: each is one finding, soon."""

from __future__ import annotations

from typing import Any

import pytest

from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.graph.load import load_graph
from sinkgraph.spec.templates import put


def found_in(templates: dict[str, Any], **use: Any) -> list[Diagnostic]:
    """Return the findings of a document whose only sink is a use of template `t`."""
    return load_graph(
        {
            "sinkgraph": 1,
            "name": "attack",
            "sources": {"in": {"kind": "stdin", "to": "out"}},
            "templates": templates,
            "sinks": {"out": {"kind": "t", **use}},
        }
    )[1]


def told(found: list[Diagnostic]) -> list[str]:
    return [f"{one.code} {one.path}: {one.headline}" for one in found]


def ladder(levels: int, param: dict[str, Any], value: Any, last: dict[str, Any]) -> dict[str, Any]:
    """Return templates each of which gives `value` to the next one's param `a`."""
    names = ["t", *(f"t{n}" for n in range(1, levels))]
    made: dict[str, Any] = {}
    for name, below in zip(names, [*names[1:], None], strict=True):
        node = last if below is None else {"kind": below, "a": value}
        made[name] = {"params": {"a": param}, "node": node}
    return made


# --- what grows -----------------------------------------------------------------------------------


def test_a_text_that_each_template_repeats_ends_at_16_mib() -> None:
    last = {"kind": "file", "path": "${param:a}"}
    found = found_in(ladder(8, {"type": "string"}, "${param:a}" * 100, last), a="x" * 10)
    assert told(found) == ["SG103 sinks.out: the uses of templates become more than 16 MiB of text"]


def test_a_tree_that_each_template_repeats_ends_at_a_million_values(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(put.Room, "__init__", lambda self: _room(self, values=10_000))
    last = {"kind": "transform", "set": {"x": "${param:a}"}, "to": {"kind": "blackhole"}}
    found = found_in(ladder(9, {"type": "any"}, ["${param:a}"] * 10, last), a="x")
    assert [one.code for one in found] == ["SG103"]
    assert "values" in found[0].headline


def _room(room: put.Room, *, values: int) -> None:
    room.text, room.values, room.over = 1_000, values, ""


def test_literals_of_expressions_count_too() -> None:
    where = " || ".join(["data.x == params.a"] * 40)
    node = {"kind": "filter", "where": where, "to": {"kind": "blackhole"}}
    found = found_in(
        {"t": {"params": {"a": {"type": "string"}}, "node": node}}, a="x" * 1024 * 1024
    )
    assert [one.code for one in found] == ["SG103"]


def test_a_list_that_becomes_too_many_nodes_is_one_finding() -> None:
    body = {"kind": "broadcast", "to": [{"kind": "blackhole", "each": "u"}]}
    found = found_in(
        {"t": {"params": {"u": {"type": "list"}}, "node": body}}, u=list(range(50_001))
    )
    assert told(found) == ["SG212 sinks.out: the uses of templates become more than 50,000 nodes"]


def test_what_is_too_much_is_told_once_for_all_uses() -> None:
    deep = ladder(5, {"type": "any", "default": 1}, "${param:a}", {"kind": "blackhole"})
    for one in list(deep.values())[:-1]:
        node = one["node"]
        one["node"] = {
            "kind": "broadcast",
            "to": [{**node, "name": f"n{n}"} for n in range(12)],
        }
    document = {
        "sinkgraph": 1,
        "name": "attack",
        "sources": {"in": {"kind": "stdin", "to": "all"}},
        "templates": deep,
        "sinks": {
            "all": {"kind": "broadcast", "to": [f"s{n}" for n in range(20)]},
            **{f"s{n}": {"kind": "t"} for n in range(20)},
        },
    }
    assert [one.code for one in load_graph(document)[1]] == ["SG212"]


# --- names of params ------------------------------------------------------------------------------

NEEDED = ["model_config", "model_fields", "model_dump", "model_copy", "problems", "with_values"]
SHADOWING = ["copy", "json", "dict", "schema", "validate", "construct", "class", "least", "called"]


def file_of(name: str, params: dict[str, Any]) -> dict[str, Any]:
    return {"t": {"params": params, "node": {"kind": "file", "path": f"${{param:{name}}}"}}}


@pytest.mark.parametrize("name", [*NEEDED, "later", "borrowed", "_x", "__class__", "a b"])
def test_a_param_cannot_be_called_what_a_model_needs(name: str) -> None:
    found = found_in({"t": {"params": {name: {"type": "string"}}, "node": {"kind": "blackhole"}}})
    assert [one.code for one in found] == ["SG128"]


@pytest.mark.parametrize("name", SHADOWING)
def test_a_param_may_be_called_what_nothing_calls(name: str) -> None:
    assert found_in(file_of(name, {name: {"type": "string"}}), **{name: "a.jsonl"}) == []


@pytest.mark.parametrize("name", [*NEEDED, "later", "least", "called", "_x", "__class__", "a b"])
def test_a_field_of_a_mapping_cannot_be_called_what_a_model_needs(name: str) -> None:
    fields = {"fields": {name: {"type": "string"}}}
    params = {"m": {"type": "mapping", "default": None, **fields}}
    found = found_in({"t": {"params": params, "node": {"kind": "blackhole"}}})
    assert [one.code for one in found] == ["SG128"]


@pytest.mark.parametrize("name", ["copy", "json", "schema", "kind", "name", "where"])
def test_a_field_of_a_mapping_may_be_called_what_nothing_calls(name: str) -> None:
    params = {"m": {"type": "mapping", "fields": {name: {"type": "string"}}}}
    assert found_in(file_of(f"m.{name}", params), m={name: "a.jsonl"}) == []


# --- what values mean -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "value"),
    [
        ("params.a", True),
        ("data.x > params.a.b", {"b": 5}),
        ("data.x in params.a", [1, 2]),
        ("params.a.exists(x, x == data.x)", [1, 2]),
    ],
)
def test_a_param_of_any_type_may_be_whatever_the_expression_needs(where: str, value: Any) -> None:
    node = {"kind": "filter", "where": where, "to": {"kind": "blackhole"}}
    found = found_in({"t": {"params": {"a": {"type": "any"}}, "node": node}}, a=value)
    assert [one for one in found if one.severity == "error"] == []


@pytest.mark.parametrize("text", ['" || true || "', "\\", "\n", "');", "${x", "\\u0022", "'''"])
def test_no_text_of_a_use_becomes_part_of_an_expression(text: str) -> None:
    from sinkgraph.spec.templates.literal import literal

    made = literal(text, None)
    assert made[0] == made[-1] == '"'
    assert made[1:-1].replace("\\\\", "").replace('\\"', "").count('"') == 0


def test_a_default_cannot_read_another_param() -> None:
    params = {
        "a": {"type": "string", "default": "${param:b}"},
        "b": {"type": "string", "default": "b.jsonl"},
    }
    (found,) = found_in(file_of("a", params))
    assert found.code == "SG130"
    assert found.headline == "param `a` of template `t` depends on another param"


# --- names of nodes -------------------------------------------------------------------------------


def test_a_use_that_becomes_two_nodes_of_one_name_loses_none() -> None:
    body = {
        "kind": "broadcast",
        "to": [
            {"kind": "file", "each": "p", "name": "h", "path": "${param:p}"},
            {"kind": "blackhole", "name": "h-2"},
        ],
    }
    params = {"p": {"type": "list", "items": "string"}}
    (found,) = found_in({"t": {"params": params, "node": body}}, p=["a.x", "b.x"])
    assert found.code == "SG201"
    assert found.headline == "t `out` becomes two nodes named `out.h-2`"


def test_names_in_a_template_differ_in_more_than_case() -> None:
    to = [{"kind": "blackhole", "name": "x"}, {"kind": "blackhole", "name": "X"}]
    (found,) = found_in({"t": {"node": {"kind": "broadcast", "to": to}}})
    assert found.code == "SG208"
