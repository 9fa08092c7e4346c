"""Nodes are read one by one: text as written, nodes in place, defaults, and what is later."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkgraph.diagnostics.diagnostic import Diagnostic, sort_diagnostics
from sinkgraph.diagnostics.safe import safe_text
from sinkgraph.graph.load import load_graph
from sinkgraph.spec.declared import GraphSpec, NodeDecl
from sinkgraph.spec.document import from_python, parse
from sinkgraph.spec.load import load_spec
from sinkgraph.spec.secret import Secret
from sinkgraph.spec.vars import read_vars

HEAD = "sinkgraph: 1\nname: made\n"


def _spec(text: str) -> tuple[GraphSpec, list[Diagnostic]]:
    tree, found = parse(HEAD + text, "graph.yaml", "yaml")
    assert tree is not None, found
    spec, more = load_spec(tree)
    return spec, sort_diagnostics([*found, *more])


def _nodes(text: str) -> dict[str, NodeDecl]:
    spec, found = _spec(text)
    assert not found, found
    return {one.name: one for one in spec.nodes}


def _codes(text: str) -> list[str]:
    return [one.code for one in _spec(text)[1]]


def test_names_and_texts_are_taken_as_written() -> None:
    nodes = _nodes(
        """
sources: {1.10: {kind: stdin, to: 0012345}}
sinks:
  0012345: {kind: filter, where: "true", description: 1e3, to: no}
  no: {kind: http, url: "http://x/", headers: {X-On: on, X-Version: 1.10}}
"""
    )
    assert list(nodes) == ["1.10", "0012345", "no"]
    assert nodes["1.10"].edges[0].target == "0012345"
    spec: Any = nodes["no"].spec
    assert {k: v.reveal() for k, v in spec.headers.items()} == {"X-On": "on", "X-Version": "1.10"}
    assert nodes["0012345"].spec is not None
    assert nodes["0012345"].spec.description == "1e3"


def test_nodes_in_place_are_named_after_what_writes_to_them() -> None:
    nodes = _nodes(
        """
sinks:
  fan:
    kind: broadcast
    to:
      - {kind: queue, to: {kind: retry, to: {kind: http, url: "http://x/"}}}
      - {node: {kind: file, path: a}, required: false}
      - {kind: file, path: b}
      - {name: eu/own, kind: queue, to: {kind: stdout}}
  route:
    kind: route
    routes:
      - {when: "true", to: {kind: file, path: c}}
    default: {kind: blackhole}
"""
    )
    assert list(nodes) == [
        *("fan", "fan.queue", "fan.queue.retry", "fan.queue.retry.http"),
        *("fan.file", "fan.file-2", "eu/own", "eu/own.stdout"),
        *("route", "route.file", "route.blackhole"),
    ]
    edges = [(e.port, e.target, e.required, e.index) for e in nodes["fan"].edges]
    assert edges == [
        ("to", "fan.queue", True, 0),
        ("to", "fan.file", False, 1),
        ("to", "fan.file-2", True, 2),
        ("to", "eu/own", True, 3),
    ]
    assert [(e.port, e.target) for e in nodes["route"].edges] == [
        ("routes.0", "route.file"),
        ("default", "route.blackhole"),
    ]


def test_a_node_in_place_stands_where_its_kind_is_written() -> None:
    spec, _ = _spec("sinks:\n  a: {kind: queue, to: {kind: stdout}}\n")
    inner = spec.nodes[1]
    assert inner.holder == "a"
    assert inner.at is not None
    assert inner.at.text == "stdout"


@pytest.mark.parametrize("kind", ["queue", "retry", "dedupe", "batch", "endpoint", "breaker"])
def test_a_second_node_with_state_in_place_must_be_named(kind: str) -> None:
    more = "url: 'http://x/'" if kind == "endpoint" else "to: out"
    text = f"sinks:\n  fan: {{kind: broadcast, to: [{{kind: {kind}, {more}}}, "
    second = f"{{kind: {kind}, {more}}}]}}\n"
    assert "SG208" in _codes(text + second)
    named = f"{{name: other, kind: {kind}, {more}}}]}}\n"
    assert "SG208" not in _codes(text + named)


def test_a_broken_node_hides_no_other() -> None:
    spec, found = _spec(
        """
sources:
  in: {kind: htpp, to: fan}
sinks:
  fan: {kind: broadcast, to: [{kind: queue, capacity: many, to: {kind: file}}, out]}
  out: {kind: http, url: x, tiemout: 1}
"""
    )
    assert [one.code for one in found] == ["SG124", "SG122", "SG121", "SG129", "SG120"]
    assert [one.name for one in spec.nodes] == ["in", "fan", "fan.queue", "fan.queue.file", "out"]
    assert [edge.target for edge in spec.nodes[0].edges] == ["fan"]


def test_defaults_fill_what_a_node_does_not_say() -> None:
    nodes = _nodes(
        """
defaults:
  http: {timeout: 3s, max_body: 2MiB}
sources:
  in: {kind: http, listen: "127.0.0.1:0", to: a}
sinks:
  a: {kind: http, url: "http://x/"}
  b: {kind: http, url: "http://y/", timeout: 7s}
"""
    )
    values: list[Any] = [nodes[name].spec for name in ("a", "b", "in")]
    assert (values[0].timeout, values[1].timeout) == (3.0, 7.0)
    assert values[2].max_body == 2 * 1024**2


def test_one_wrong_default_is_said_at_its_own_place() -> None:
    _, found = _spec(
        """
defaults: {http: {timeout: 3}}
sinks:
  a: {kind: http, url: "http://x/"}
"""
    )
    assert [one.code for one in found] == ["SG127"]
    assert found[0].span is not None
    assert (found[0].span.line, found[0].span.text) == (4, "3")


@pytest.mark.parametrize(
    ("node", "place"),
    [
        ("{kind: queue, to: x, store: {kind: nats}}", "{kind: nats}"),
        ("{kind: endpoint, url: 'http://x/', store: {kind: redis}}", "{kind: redis}"),
        ("{kind: http, url: 'http://x/', signing: {}}", "signing"),
        ("{kind: http, url: 'http://x/', format: cloudevents_batch}", "cloudevents_batch"),
        ("{kind: endpoint, url: 'http://x/', tls: {}}", "tls"),
        ("{kind: file, path: x, rotate: {max_size: 1MB, every: 1d}}", "every"),
        ("{kind: subscribers, members: runtime}", "subscribers"),
        ("{kind: kafka, topic: x}", "kafka"),
    ],
)
def test_what_is_later_is_one_finding_at_its_place(node: str, place: str) -> None:
    _, found = _spec(f"sinks:\n  a: {node}\n")
    assert [one.code for one in found] == ["SG150"]
    assert found[0].span is not None
    assert found[0].span.text == place


def test_a_slip_of_a_required_key_is_one_finding() -> None:
    assert _codes("sinks:\n  a: {kind: http, ulr: 'http://x/'}\n") == ["SG120"]


def test_the_union_tag_is_no_part_of_a_place() -> None:
    _, found = _spec("sinks:\n  a: {kind: retry, to: x, backoff: {base: 1, jiter: full}}\n")
    assert [(one.code, one.span.text) for one in found if one.span] == [
        ("SG127", "1"),
        ("SG120", "jiter"),
    ]
    _, found = _spec("sinks:\n  a: {kind: stdout, on_remove: keep}\n")
    assert [(one.code, one.span.text) for one in found if one.span] == [("SG123", "keep")]


VARS = """
vars:
  text: {default: 1.10, type: string}
  count: {default: 3}
  share: {default: 0.5}
  wait: {default: 500ms, type: duration}
  size: {default: 1MiB, type: size}
  on: {default: true}
  key: {default: abc, secret: true}
"""


def _vars(text: str, set_vars: dict[str, str] | None = None) -> Any:
    tree, _ = parse(HEAD + text, "graph.yaml", "yaml")
    assert tree is not None
    return read_vars(tree.get("vars"), set_vars or {}, strict=True)


def test_vars_are_typed() -> None:
    vars, found = _vars(VARS)
    assert not found
    assert vars.values == {
        "text": "1.10",
        "count": 3,
        "share": 0.5,
        "wait": 0.5,
        "size": 1024**2,
        "on": True,
        "key": Secret("abc"),
    }
    assert vars.texts["wait"] == "500ms"
    assert vars.texts["key"] == Secret("abc")


def test_a_var_set_from_outside_keeps_its_type() -> None:
    vars, found = _vars(VARS, {"count": "12", "on": "false", "wait": "2s", "text": "no"})
    assert not found
    assert [vars.values[k] for k in ("count", "on", "wait", "text")] == [12, False, 2.0, "no"]
    _, found = _vars(VARS, {"count": "many", "share": "x", "wait": "5", "nobody": "1"})
    assert [one.code for one in found] == ["SG122", "SG122", "SG122", "SG132"]
    assert found[0].path == "--set count"


def test_a_secret_var_is_shown_in_no_finding() -> None:
    text = "vars:\n  key: {type: int, secret: true}\n"
    _, found = _vars(text, {"key": "open-sesame"})
    assert [one.code for one in found] == ["SG122"]
    assert "open-sesame" not in repr(found)


def test_a_var_without_value_is_an_error_when_strict() -> None:
    _, found = _vars("vars:\n  host: {}\n")
    assert [(one.code, one.severity) for one in found] == [("SG133", "error")]


_leaf = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["queue", "http", "filter", "a", "b", "true", "1s", "disk", "docker.registry"]),
)
_key = st.one_of(
    st.text(min_size=1, max_size=6),
    st.sampled_from(
        [
            *("kind", "to", "url", "routes", "when", "where", "name", "store", "capacity"),
            *("backoff", "breaker", "rotate", "otherwise", "default", "node", "headers"),
            *("ignore", "on_status", "enabled", "on_remove", "set", "compute", "dead_letter"),
        ]
    ),
)
_value = st.recursive(
    _leaf,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_key, inner, max_size=5)),
    max_leaves=20,
)
_node = st.one_of(
    _value,
    st.builds(
        lambda kind, rest: {**rest, "kind": kind},
        st.sampled_from(["queue", "http", "filter", "route", "broadcast", "endpoint", "retry"]),
        st.dictionaries(_key, _value, max_size=5),
    ),
)


@given(
    st.dictionaries(
        st.sampled_from(["sources", "sinks", "vars", "defaults", "name", "sinkgraph", "tests"]),
        st.one_of(_value, st.dictionaries(_key, _node, max_size=4)),
        max_size=6,
    )
)
def test_whatever_stands_in_a_document_gives_findings_only(document: dict[str, Any]) -> None:
    tree, _ = from_python(document)
    graph, found = load_graph(document, env={})
    assert (graph is None) == any(one.severity == "error" for one in found) or tree is None
    for one in found:
        assert one.headline
        texts = (one.headline, one.label, *one.notes, *one.help)
        assert [safe_text(text) for text in texts] == list(texts)


def test_a_value_where_a_mapping_stands_is_told_its_keys() -> None:
    _, found = _spec("""
sinks:
  a: {kind: file, path: a, rotate: 10MB}
  b: {kind: retry, to: a, breaker: true}
""")
    assert [one.help[0].partition(", `open_for`")[0] for one in found] == [
        "its keys are `max_size`, `keep`",
        "write `{}` for its defaults; its keys are `failure_threshold`",
    ]


def test_the_keys_of_a_kind_are_listed_without_those_of_later_versions() -> None:
    _, found = _spec("sinks: {a: {kind: http, url: 'http://x/', moonphase: full}}")
    assert "`method`" in found[0].help[0]
    assert "`signing`" not in found[0].help[0]
