"""Uses of templates become plain nodes: which there are, their names, values and places."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinkgraph.event import Event
from sinkgraph.expr.compile import compile_expression
from sinkgraph.graph.load import load_graph
from sinkgraph.graph.model import Graph
from tests.spec.templates.documents import ENDS, HEAD, codes_at, graph_of, read, shape

HOOK = """\
  hook:
    params:
      url: {type: url}
      path: {type: path, default: ~}
      slow: {type: duration, default: 5s}
      spare: {type: node, default: ~}
    node:
      kind: broadcast
      to:
        - kind: queue
          name: out
          pass: [capacity, when_full]
          capacity: 7
          dead_letter: "${param:spare}"
          to: {kind: http, url: "${param:url}", timeout: "${param:slow}"}
        - {kind: file, given: path, path: "${param:path}"}
"""
URL = "https://h.example/"


def _values(graph: Graph, name: str) -> dict[str, Any]:
    return graph.nodes[name].spec.model_dump(mode="json")


def test_nodes_are_named_after_the_use_and_their_kind_or_name() -> None:
    graph = graph_of(HOOK, f"{{kind: hook, url: '{URL}', path: a.jsonl}}")
    assert shape(graph) == {
        "use": ["use.out", "use.file"],
        "use.out": ["use.http"],
        "use.http": [],
        "use.file": [],
    }
    assert {node.origin for name, node in graph.nodes.items() if name != "in"} == {"use", None}


def test_a_node_whose_param_is_not_given_is_not_there() -> None:
    graph = graph_of(HOOK, f"{{kind: hook, url: '{URL}'}}")
    assert shape(graph)["use"] == ["use.out"]
    assert "use.file" not in graph.nodes


def test_params_passes_and_defaults_go_where_the_body_says() -> None:
    graph = graph_of(HOOK, f"{{kind: hook, url: '{URL}', capacity: 5000, slow: 1s}}")
    assert _values(graph, "use.out")["capacity"] == 5000
    assert _values(graph, "use.http")["timeout"] == "1s"
    plain = graph_of(HOOK, f"{{kind: hook, url: '{URL}'}}")
    assert _values(plain, "use.out")["capacity"] == 7, "what the body says"
    assert _values(plain, "use.http")["timeout"] == "5s", "the default of the param"


def test_a_port_takes_the_name_of_a_sink_or_a_node_written_in_place() -> None:
    named = graph_of(HOOK, f"{{kind: hook, url: '{URL}', spare: rest}}", "  rest: {kind: stdout}\n")
    assert "rest" in shape(named)["use.out"]
    inline = graph_of(HOOK, f"{{kind: hook, url: '{URL}', spare: {{kind: stdout}}}}")
    assert "use.stdout" in shape(inline)["use.out"]
    assert inline.nodes["use.stdout"].origin is None


def test_what_every_node_has_is_said_once_for_all_of_them() -> None:
    use = (
        f"{{kind: hook, url: '{URL}', group: eu, was: old, description: Both., on_remove: discard}}"
    )
    graph = graph_of(HOOK, use)
    own = [node for node in graph.nodes.values() if node.origin == "use"]
    assert {node.group for node in own} == {"eu"}
    assert {getattr(node.spec, "on_remove", None) for node in own} == {"discard"}
    assert [node.spec.was for node in own] == ["old", "old.out", "old.http"]
    assert [node.spec.description for node in own] == ["Both.", None, None]


def test_enabled_false_takes_all_of_it_away() -> None:
    more = "  rest: {kind: stdout}\n"
    text = (
        f"{HEAD}templates:\n{HOOK}sources:\n  in: {{kind: stdin, to: all}}\nsinks:\n"
        "  all: {kind: broadcast, to: [use, rest]}\n"
        f"  use: {{kind: hook, url: '{URL}', enabled: false}}\n{more}"
    )
    graph, _ = read(text)
    assert graph is not None
    assert not [name for name in graph.nodes if name.startswith("use")]


def test_each_repeats_a_node_and_a_fan_out_of_one_says_nothing() -> None:
    text = """\
  many:
    params: {urls: {type: list, items: url, min: 1}}
    node:
      kind: retry
      to:
        kind: fallback
        to: [{kind: timeout, each: urls, after: 1s, to: {kind: http, url: "${param:urls}"}}]
"""
    one = graph_of(text, f"{{kind: many, urls: '{URL}'}}")
    assert shape(one) == {"use": ["use.timeout"], "use.timeout": ["use.http"], "use.http": []}
    two = graph_of(text, f"{{kind: many, urls: ['{URL}1', '{URL}2']}}")
    assert shape(two)["use.fallback"] == ["use.timeout", "use.timeout-2"]
    assert shape(two)["use.timeout-2"] == ["use.http-2"]
    assert _values(two, "use.http-2")["url"] == f"{URL}2"


def test_a_template_may_use_others_and_pass_on_what_they_take() -> None:
    text = """\
  slack:
    params: {room: {type: string}}
    node:
      kind: endpoint
      pass: [capacity, timeout]
      url: "https://slack.example/${param:room}"
  both:
    params: {rooms: {type: list, items: string}}
    node:
      kind: broadcast
      to: [{kind: slack, name: room, each: rooms, room: "${param:rooms}", capacity: 3}]
"""
    graph = graph_of(text, "{kind: both, rooms: [a, b]}")
    assert shape(graph) == {
        "use": ["use.room", "use.room-2"],
        "use.room": ["use.room.retry"],
        "use.room.retry": ["use.room.http"],
        "use.room.http": [],
        "use.room-2": ["use.room-2.retry"],
        "use.room-2.retry": ["use.room-2.http"],
        "use.room-2.http": [],
    }
    assert _values(graph, "use.room-2.http")["url"] == "https://slack.example/b"
    assert _values(graph, "use.room")["capacity"] == 3
    lone = graph_of(text, "{kind: slack, room: x, capacity: 9, timeout: 2s}")
    assert _values(lone, "use")["capacity"] == 9
    assert _values(lone, "use.http")["timeout"] == "2s"


def test_a_whole_param_keeps_its_type_and_its_tree() -> None:
    text = """\
  any:
    params: {headers: {type: mapping}, tries: {type: any}, backoff: {type: any, default: ~}}
    node:
      kind: retry
      max_attempts: "${param:tries}"
      backoff: "${param:backoff}"
      to: {kind: http, url: "https://h.example/", headers: "${param:headers}"}
"""
    use = "{kind: any, tries: 3, headers: {X-Team: a}, backoff: {base: 2s, jitter: none}}"
    graph = graph_of(text, use)
    assert _values(graph, "use")["max_attempts"] == 3
    assert _values(graph, "use")["backoff"]["jitter"] == "none"
    assert list(_values(graph, "use.http")["headers"]) == ["X-Team"]
    assert _values(graph_of(text, "{kind: any, tries: 3, headers: {}}"), "use")["backoff"] is None


def test_defaults_are_for_templates_too_and_for_the_nodes_of_own_ones() -> None:
    text = f"{HEAD}defaults:\n  hook: {{slow: 9s}}\n  http: {{method: PUT}}\n"
    text += f"templates:\n{HOOK}{ENDS}  use: {{kind: hook, url: '{URL}'}}\n"
    graph, found = read(text)
    assert graph is not None, found
    assert _values(graph, "use.http")["timeout"] == "9s"
    assert _values(graph, "use.http")["method"] == "PUT"


FILTER = """\
  only:
    params: {of: {type: any}}
    node: {kind: filter, where: data.x == params.of, to: {kind: stdout}}
"""


@given(
    st.one_of(
        st.text(max_size=20),
        st.integers(-(2**53), 2**53),
        st.booleans(),
        st.floats(-1e9, 1e9),
        st.lists(st.text(max_size=5), max_size=3),
        st.dictionaries(st.text(min_size=1, max_size=5), st.integers(-9, 9), max_size=3),
    )
)
@settings(max_examples=60, deadline=None)
def test_a_value_enters_an_expression_as_a_literal_whatever_it_holds(value: Any) -> None:
    document = {
        "sinkgraph": 1,
        "name": "t",
        "templates": {
            "only": {
                "params": {"of": {"type": "any"}},
                "node": {"kind": "filter", "where": "data.x == params.of", "to": "out"},
            }
        },
        "sources": {"in": {"kind": "stdin", "to": "use"}},
        "sinks": {"use": {"kind": "only", "of": value}, "out": {"kind": "stdout"}},
    }
    graph, found = read(json.dumps(document, ensure_ascii=False))
    if any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 for c in json.dumps(value, ensure_ascii=False)):
        return
    if graph is None:
        assert "$" in json.dumps(value), found
        return
    where = graph.nodes["use"].spec.where  # type: ignore[attr-defined]
    held = value.replace("$$", "$") if isinstance(value, str) else value
    assert compile_expression(where, result="bool").evaluate(Event(data={"x": held})) is True


@given(st.lists(st.sampled_from(["a", "b", "c.d", "x/y"]), min_size=1, max_size=4, unique=True))
@settings(max_examples=20, deadline=None)
def test_names_are_unique_and_the_same_each_time(names: list[str]) -> None:
    uses = "".join(
        f"  {name}: {{kind: hook, url: '{URL}', path: '{n}.jsonl'}}\n"
        for n, name in enumerate(names)
    )
    text = (
        f"{HEAD}templates:\n{HOOK}sources:\n  in: {{kind: stdin, to: all}}\nsinks:\n"
        f"  all: {{kind: broadcast, to: [{', '.join(names)}]}}\n{uses}"
    )
    graph, found = read(text)
    again, _ = read(text)
    assert graph is not None, found
    assert again is not None
    assert graph.digest == again.digest
    assert len(graph.nodes) == 3 + 4 * len(names), "in, all, dead-letters, four of each use"


def test_a_use_of_a_template_is_what_it_would_be_written_out() -> None:
    used = graph_of(HOOK, f"{{kind: hook, url: '{URL}', path: a.jsonl, slow: 2s}}")
    written, found = read(
        f"{HEAD}{ENDS}  use: {{kind: broadcast, to: [use.out, use.file]}}\n"
        "  use.out: {kind: queue, capacity: 7, to: use.http}\n"
        f"  use.http: {{kind: http, url: '{URL}', timeout: 2s}}\n"
        "  use.file: {kind: file, path: a.jsonl}\n"
    )
    assert written is not None, found
    assert used.digest == written.digest


def test_a_bomb_is_refused_before_it_is_made() -> None:
    lines = ["  t0: {node: {kind: stdout}}"]
    for n in range(1, 20):
        inner = ", ".join(f"{{kind: t{n - 1}, name: n{k}}}" for k in range(10))
        lines.append(f"  t{n}: {{node: {{kind: broadcast, to: [{inner}]}}}}")
    graph, found = read(
        f"{HEAD}templates:\n" + "\n".join(lines) + f"\n{ENDS}  use: {{kind: t19}}\n"
    )
    assert graph is None
    assert [one.code for one in found] == ["SG212"]


def test_templates_stand_at_most_twenty_deep() -> None:
    lines = ["  t0: {node: {kind: stdout}}"]
    lines += [
        f"  t{n}: {{node: {{kind: timeout, after: 1s, to: {{kind: t{n - 1}}}}}}}"
        for n in range(1, 25)
    ]
    graph, found = read(
        f"{HEAD}templates:\n" + "\n".join(lines) + f"\n{ENDS}  use: {{kind: t24}}\n"
    )
    assert graph is None
    assert codes_at(found) == [("SG160", 24, "t20")]


@pytest.mark.parametrize("kind", ["file", "queue", "endpoint", "http", "kafka"])
def test_a_template_has_a_name_of_its_own(kind: str) -> None:
    _, found = read(
        f"{HEAD}templates:\n  {kind}: {{node: {{kind: stdout}}}}\n{ENDS}  use: {{kind: stdout}}\n"
    )
    assert codes_at(found) == [("SG161", 4, kind)]


def test_a_template_that_nobody_uses_is_fine_and_judged_all_the_same() -> None:
    good, found = read(f"{HEAD}templates:\n{HOOK}{ENDS}  use: {{kind: stdout}}\n")
    assert good is not None
    assert found == []
    bad = HOOK.replace("capacity: 7", "capacity: lots").replace('url: "${param:url}"', "url: 5")
    _, found = read(f"{HEAD}templates:\n{bad}{ENDS}  use: {{kind: stdout}}\n")
    assert [one[0] for one in codes_at(found)] == ["SG122", "SG129"]


def test_what_is_wrong_in_a_template_is_said_once_however_often_it_is_used() -> None:
    bad = HOOK.replace('timeout: "${param:slow}"', "timeout: 5, dead_letter: x")
    uses = "".join(f"  u{n}: {{kind: hook, url: '{URL}'}}\n" for n in range(30))
    names = ", ".join(f"u{n}" for n in range(30))
    text = (
        f"{HEAD}templates:\n{bad}sources:\n  in: {{kind: stdin, to: all}}\nsinks:\n"
        f"  all: {{kind: broadcast, to: [{names}]}}\n{uses}"
    )
    _, found = read(text)
    assert sorted(one[0] for one in codes_at(found)) == ["SG120", "SG127"]


def test_a_lint_within_a_template_is_told_once_with_a_use() -> None:
    ends = "[{kind: http, url: '${param:url}'}, {kind: blackhole}]"
    slow = (
        f"  slow:\n    params: {{url: {{type: url}}}}\n    node: {{kind: broadcast, to: {ends}}}\n"
    )
    text = (
        f"{HEAD}templates:\n{slow}sources:\n  in: {{kind: stdin, to: all}}\nsinks:\n"
        f"  all: {{kind: queue, to: both}}\n  both: {{kind: broadcast, to: [a, b]}}\n"
        f"  a: {{kind: slow, url: '{URL}'}}\n  b: {{kind: slow, url: '{URL}'}}\n"
    )
    _, found = read(text)
    within = [one for one in found if one.span is not None and one.span.line == 6]
    assert len(within) == 1
    assert [label.text for label in within[0].secondary] == ["in this use"]
    assert within[0].notes[-1] == "so it is in 1 other use of the template"


def test_a_value_that_does_not_fit_is_told_at_the_use_beside_where_it_is_put() -> None:
    text = "  t:\n    params: {n: {type: any}}\n    node:\n"
    text += "      {kind: queue, capacity: '${param:n}', to: out}\n"
    use = "  use: {kind: t, n: lots}\n  out: {kind: stdout}\n"
    _, found = read(f"{HEAD}templates:\n{text}{ENDS}{use}")
    assert codes_at(found)[0] == ("SG122", 11, "lots")
    assert [(label.span.line, label.text) for label in found[0].secondary] == [(7, "used here")]


def test_a_secret_stands_in_no_expression_and_stays_one_in_a_text() -> None:
    env = {"TOKEN": "open-sesame"}
    _, found = read(
        f"{HEAD}templates:\n{FILTER}{ENDS}  use: {{kind: only, of: '${{env:TOKEN}}'}}\n", env=env
    )
    assert [one.code for one in found] == ["SG409"]
    assert "sesame" not in str(found)
    text = "  t:\n    params: {token: {type: string}}\n    node:\n"
    text += "      {kind: http, url: 'https://h.example/', headers: {X-Key: 'B ${param:token}'}}\n"
    graph = graph_of(text, "{kind: t, token: '${env:TOKEN}'}", env=env)
    assert graph.nodes["use"].spec.headers["X-Key"].reveal() == "B open-sesame"  # type: ignore[attr-defined]
    assert "sesame" not in graph.to_dot()


SYNTAXES = {
    "yaml": """\
sinkgraph: 1
name: t
templates:
  t:
    params: {n: {type: any}}
    node: {kind: queue, capacity: "${param:n}", to: out, linger: "${param:m}"}
sources: {in: {kind: stdin, to: use}}
sinks:
  use: {kind: t, n: 1, x: 2}
  out: {kind: stdout}
""",
    "toml": """\
sinkgraph = 1
name = "t"
[templates.t.params.n]
type = "any"
[templates.t.node]
kind = "queue"
capacity = "${param:n}"
to = "out"
linger = "${param:m}"
[sources.in]
kind = "stdin"
to = "use"
[sinks.use]
kind = "t"
n = 1
x = 2
[sinks.out]
kind = "stdout"
""",
    "json": """\
{"sinkgraph": 1, "name": "t",
 "templates": {"t": {"params": {"n": {"type": "any"}},
  "node": {"kind": "queue", "capacity": "${param:n}", "to": "out", "linger": "${param:m}"}}},
 "sources": {"in": {"kind": "stdin", "to": "use"}},
 "sinks": {"use": {"kind": "t", "n": 1, "x": 2}, "out": {"kind": "stdout"}}}
""",
}


@pytest.mark.parametrize("syntax", sorted(SYNTAXES))
def test_places_are_exact_in_every_syntax(syntax: str, tmp_path: Path) -> None:
    path = tmp_path / f"t.{syntax}"
    path.write_text(SYNTAXES[syntax], encoding="utf-8")
    _, found = load_graph(path)
    assert [(one.code, one.span.text.strip("\"'")) for one in found if one.span] == [
        ("SG134", "${param:m}"),
        ("SG120", "x"),
    ]
