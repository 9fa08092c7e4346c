"""Keys have one order; what a user named keeps the order it was written in."""

from __future__ import annotations

import pytest

from sinkgraph.spec.formatting.order import DOCUMENT, FIELDS, PORTS
from sinkgraph.spec.kind import Kind, all_kinds
from sinkgraph.spec.load import TOP_LEVEL
from tests.spec.formatting.laws import in_order


def _keys(text: str) -> list[str]:
    return [line.strip(" -").partition(":")[0] for line in text.splitlines()]


@pytest.mark.parametrize("kind", all_kinds(), ids=lambda kind: f"{kind.side}-{kind.name}")
def test_every_field_of_a_kind_has_its_place(kind: Kind) -> None:
    fields = {field.alias or name for name, field in kind.model.model_fields.items()}
    ports = {port.name for port in kind.ports}
    assert fields - ports - set(FIELDS) == set()
    assert ports <= set(PORTS)


def test_no_field_has_two_places() -> None:
    assert len({*FIELDS, *PORTS}) == len(FIELDS) + len(PORTS)


def test_the_top_level_is_in_the_order_of_its_table() -> None:
    backwards = "".join(f"{key}: {{}}\n" for key in reversed(list(TOP_LEVEL)))
    assert _keys(in_order(backwards)) == list(TOP_LEVEL)
    assert DOCUMENT.rank("sinkgraph") < DOCUMENT.rank("name") < DOCUMENT.rank("a key of nobody")


def test_kind_is_first_and_ports_are_last() -> None:
    node = """\
sinks:
  hold:
    to: out
    dead_letter: letters
    when_full: drop_oldest
    capacity: 10
    description: holds
    kind: queue
    store: disk
"""
    assert _keys(in_order(node))[2:] == [
        *("kind", "description", "store", "capacity", "when_full", "dead_letter", "to")
    ]


def test_nodes_in_nodes_and_sections_are_put_in_order_too() -> None:
    text = """\
sinks:
  again: {to: {url: "https://example.org/a", kind: http}, kind: retry, backoff: {cap: 5s, base: 1s}}
  every: {to: [{required: false, node: out}, {to: out, kind: queue}], kind: broadcast}
  choose:
    default: out
    routes: [{to: {kind: stdout}, when: data.a == 1}]
    kind: route
"""
    assert (
        in_order(text)
        == """\
sinks:
  again: {kind: retry, backoff: {base: 1s, cap: 5s}, to: {kind: http, url: "https://example.org/a"}}
  every: {kind: broadcast, to: [{node: out, required: false}, {kind: queue, to: out}]}
  choose:
    kind: route
    routes: [{when: data.a == 1, to: {kind: stdout}}]
    default: out
"""
    )


def test_what_a_user_named_keeps_its_order() -> None:
    text = """\
vars:
  z: {default: 1}
  a: {default: 2}
sources:
  y: {kind: stdin, to: x}
  b: {kind: generate, event: {to: 1, kind: 2, a: 3}, to: x}
sinks:
  x:
    kind: transform
    set: {to: 1, kind: 2}
    compute:
      name: data.a
      kind: data.b
    rename: {z: a, b: c}
    to: out
  out: {kind: http, url: "https://example.org/", headers: {url: a, kind: b}}
"""
    assert in_order(text) == text


def test_how_many_events_go_together_stands_beside_their_format() -> None:
    text = """\
sinks:
  a: {kind: queue, store: disk, capacity: 9, max_batch: 5, linger: 1s, to: b}
  b: {kind: http, url: "https://example.org/", format: ndjson, max_batch: 5, timeout: 5s}
"""
    assert in_order(text) == text


def test_fields_nobody_knows_stand_between_fields_and_ports_as_they_were() -> None:
    text = "sinks:\n  a: {to: b, zeta: 1, alpha: 2, capacity: 3, kind: queue}\n"
    assert in_order(text) == "sinks:\n  a: {kind: queue, capacity: 3, zeta: 1, alpha: 2, to: b}\n"


def test_a_kind_nobody_knows_keeps_its_own_fields_as_they_were() -> None:
    text = "sinks:\n  a: {to: b, url: c, path: d, timeout: 1s, group: g, kind: mirrored_hook}\n"
    assert in_order(text) == (
        "sinks:\n  a: {kind: mirrored_hook, group: g, to: b, url: c, path: d, timeout: 1s}\n"
    )


def test_templates_promises_and_tests_are_put_in_order() -> None:
    text = """\
promises:
  - {order: kept, to: b, from: a}
tests:
  - {steps: [], name: a push survives}
templates:
  hook:
    node: {to: {to: a, kind: queue, name: inner}, kind: retry}
    params:
      url: {description: where, default: b, type: url}
      a: {type: string}
    description: a hook
include: [b.yaml, a.yaml]
"""
    assert (
        in_order(text)
        == """\
include: [b.yaml, a.yaml]
templates:
  hook:
    description: a hook
    params:
      url: {type: url, default: b, description: where}
      a: {type: string}
    node: {kind: retry, to: {kind: queue, name: inner, to: a}}
promises:
  - {from: a, to: b, order: kept}
tests:
  - {name: a push survives, steps: []}
"""
    )


def test_defaults_are_in_the_order_of_the_fields_of_their_kind() -> None:
    text = "sinks: {}\ndefaults:\n  http: {timeout: 1s, url: a}\n  queue: {to: a, capacity: 1}\n"
    assert in_order(text) == (
        "defaults:\n  http: {url: a, timeout: 1s}\n  queue: {capacity: 1, to: a}\nsinks: {}\n"
    )


def test_no_alias_comes_to_stand_before_its_anchor() -> None:
    text = "sinks: {a: {kind: &k queue, to: b}}\nname: *k\nsinkgraph: 1\n"
    assert in_order(text) == text


def test_all_syntaxes_have_one_order() -> None:
    toml = """\
name = "a"
sinkgraph = 1

[sinks.a]
to = "b"
kind = "queue"

[sinks.c.breaker]
open_for = "1s"
failure_threshold = 3

[sinks.c]
to = { url = "https://example.org/", kind = "http" }
kind = "retry"

[[sinks.d.routes]]
to = "a"
when = "true"

[[sinks.d.routes]]
to = "b"

[sinks.d]
kind = "route"

[vars.z]
default = 1

[vars.a]
default = 1
"""
    assert (
        in_order(toml, "toml")
        == """\
sinkgraph = 1
name = "a"

[vars.z]
default = 1

[vars.a]
default = 1

[sinks.a]
kind = "queue"
to = "b"

[sinks.c]
kind = "retry"
to = { kind = "http", url = "https://example.org/" }

[sinks.c.breaker]
failure_threshold = 3
open_for = "1s"

[sinks.d]
kind = "route"

[[sinks.d.routes]]
when = "true"
to = "a"

[[sinks.d.routes]]
to = "b"
"""
    )
    json = '{"sinks": {"a": {"to": "b", "kind": "queue"}}, "name": "a", "$schema": "s"}'
    assert in_order(json, "json") == (
        '{"$schema": "s", "name": "a", "sinks": {"a": {"kind": "queue", "to": "b"}}}\n'
    )
