"""yaml-language-server, given our schema, completes, explains and underlines what it should."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from sinkgraph.spec.kind import kind_names
from tests.support.language_server import Editor, missing, open_editor
from tests.support.program import GRAPHS

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

PLACE = GRAPHS / "new.yaml"
"""Where a document under test stands: beside the schema its first line names. Never written."""

HEAD = """\
# yaml-language-server: $schema=./sinkgraph.schema.json
sinkgraph: 1
name: made
sources:
  lines: {kind: stdin, to: node}
sinks:
"""
DESIGNED = (
    HEAD.partition("sources:")[0]
    + """\
vars:
  hook_url: {default: "http://127.0.0.1:9000/hook"}
sources:
  registry:
    kind: http
    listen: 127.0.0.1:8700
    path: /events
    schema: docker.registry
    to: fanout
sinks:
  fanout: {kind: broadcast, to: [audit, pushes]}
  audit:  {kind: queue, store: disk, to: {kind: file, path: audit.jsonl}}
  pushes:
    kind: filter
    where: data.action == "push" && data.target.repository.startsWith("library/")
    to: hooks
  hooks:
    kind: endpoint
    url: "${var:hook_url}"
    headers: {Authorization: "Bearer ${env:HOOK_TOKEN}"}
    timeout: 500ms
    breaker: {failure_threshold: 5, open_for: 1s}
promises:
  - {from: registry, to: audit.file, delivery: at_least_once, accepted: durable, order: kept}
tests:
  - name: a push survives an outage
"""
)


@pytest.fixture(scope="module")
def editor() -> Iterator[Editor]:
    with open_editor() as one:
        yield one


def test_the_kinds_of_sinks_are_completed_with_what_each_is(editor: Editor) -> None:
    offered = editor.completions(PLACE, HEAD + "  node:\n    kind: |\n")
    assert set(offered) == set(kind_names("sink"))
    assert "Takes responsibility" in str(offered["queue"]["documentation"])


def test_the_kinds_of_sources_are_completed(editor: Editor) -> None:
    text = HEAD.replace("{kind: stdin, to: node}", "\n    kind: |") + "  node: {kind: stdout}\n"
    assert set(editor.completions(PLACE, text)) == set(kind_names("source"))


def test_a_new_node_is_offered_whole(editor: Editor) -> None:
    offered = editor.completions(PLACE, HEAD + "  node:\n    |\n")
    assert "to:" in offered["kind: queue"]["insertText"]
    assert "url:" in offered["kind: endpoint"]["insertText"]
    assert "kind" in offered
    assert "capacity" not in offered, "no kind is chosen yet"


def test_the_fields_of_the_kind_are_completed_and_no_others(editor: Editor) -> None:
    offered = editor.completions(PLACE, HEAD + "  node:\n    kind: queue\n    |\n")
    assert {"to", "capacity", "store", "when_full", "description"} <= set(offered)
    assert not {"url", "where", "path"} & set(offered)
    assert "Events it holds at most" in str(offered["capacity"]["documentation"])


def test_the_words_of_a_choice_are_completed_with_what_each_means(editor: Editor) -> None:
    text = HEAD + "  node:\n    kind: queue\n    when_full: |\n    to: end\n"
    offered = editor.completions(PLACE, text)
    words = {"block", "reject", "drop_oldest", "drop_newest", "overflow"}
    assert set(offered) == words
    assert "lost" in str(offered["drop_oldest"]["documentation"])


def test_a_nested_section_is_completed(editor: Editor) -> None:
    text = HEAD + "  node:\n    kind: retry\n    to: end\n    backoff:\n      |\n"
    assert set(editor.completions(PLACE, text)) == {"kind", "base", "factor", "cap", "jitter"}


def test_the_fields_of_a_node_written_in_place_are_completed(editor: Editor) -> None:
    text = HEAD + "  node:\n    kind: queue\n    to:\n      kind: file\n      |\n"
    offered = editor.completions(PLACE, text)
    assert {"path", "rotate", "sync"} <= set(offered)
    assert "capacity" not in offered


@pytest.mark.parametrize(
    ("node", "said"),
    [
        ("{kind: que, to: end}", "Value is not accepted"),
        ("{kind: stdin}", "Value is not accepted"),
        ("{to: end}", 'Missing property "kind"'),
        ("{kind: queue}", 'Missing property "to"'),
        ("{kind: queue, to: end, capcity: 3}", "Property capcity is not allowed"),
        ("{kind: queue, to: end, capacity: many}", "write a whole number"),
        ("{kind: queue, to: end, capacity: 0}", "minimum"),
        ("{kind: queue, to: end, enabled: 3}", "Incorrect type"),
        ("{kind: queue, to: end, linger: 5}", "Incorrect type"),
        ("{kind: queue, to: end, linger: 5 seconds}", "write it like `500ms`"),
        ("{kind: queue, to: end, max_bytes: 10}", "Incorrect type"),
        ("{kind: queue, to: end, store: tape}", "Value is not accepted"),
        ("{kind: queue, to: {kind: file, pth: x}}", "Property pth is not allowed"),
        ("{kind: queue, to: {kind: file}}", 'Missing property "path"'),
        ("{kind: queue, to: {kind: fil, path: x}}", "Value is not accepted"),
        ("{kind: retry, to: end, backoff: {bse: 1s}}", "Property bse is not allowed"),
        ("{kind: retry, to: end, breaker: {probes: two}}", "write a whole number"),
        ("{kind: broadcast, to: [{node: end, requierd: false}]}", "Property requierd"),
        ('{kind: filter, to: end, where: "data.a == ${var:a}"}', "vars.NAME"),
        ("{kind: http, url: ftp://example.org/}", "write it like `https://"),
        ("nothing", "Incorrect type"),
    ],
)
def test_what_is_wrong_is_underlined_where_it_stands(editor: Editor, node: str, said: str) -> None:
    found = editor.findings(PLACE, f"{HEAD}  end: {{kind: stdout}}\n  node: {node}\n")
    assert found, node
    assert {line for line, _ in found} == {8}, found
    assert any(said in message for _, message in found), found


def test_an_unknown_key_of_the_top_level_is_underlined(editor: Editor) -> None:
    found = editor.findings(PLACE, HEAD + "  node: {kind: stdout}\nsink: {}\n")
    assert found == [(8, "Property sink is not allowed.")]


def test_a_field_says_what_it_is(editor: Editor) -> None:
    shown = editor.hover(PLACE, HEAD + "  node: {kind: queue, to: end, cap|acity: 3}\n")
    assert "Events it holds at most" in shown
    assert "10000" in shown


def test_a_kind_says_what_it_is(editor: Editor) -> None:
    shown = editor.hover(PLACE, HEAD + "  node: {kind: que|ue, to: end}\n")
    assert "Takes responsibility for events" in shown


def test_what_defaults_fill_in_is_not_asked_for(editor: Editor) -> None:
    text = HEAD + "  node: {kind: timeout, to: end}\n  end: {kind: stdout}\n"
    assert [message for _, message in editor.findings(PLACE, text)] == ['Missing property "after".']
    assert editor.findings(PLACE, text + "defaults: {timeout: {after: 5s}}\n") == []


def test_a_field_of_defaults_is_judged_as_that_of_a_node(editor: Editor) -> None:
    text = HEAD + "  node: {kind: stdout}\ndefaults: {timeout: {after: 5}, queue: {x: 1}}\n"
    messages = [message for _, message in editor.findings(PLACE, text)]
    assert any("Incorrect type" in one for one in messages)
    assert any("Property x is not allowed" in one for one in messages)


@pytest.mark.parametrize("path", sorted(GRAPHS.glob("*.yaml")), ids=lambda path: path.name)
def test_a_shipped_document_has_nothing_underlined(editor: Editor, path: Path) -> None:
    assert editor.findings(path, path.read_text(encoding="utf-8")) == []


def test_the_sample_of_the_design_has_nothing_underlined(editor: Editor) -> None:
    assert editor.findings(PLACE, DESIGNED) == []


def test_the_schema_is_what_finds(editor: Editor) -> None:
    """Without the first line nothing is known, so nothing would be found."""
    unknown = re.sub(r"^# yaml.*\n", "", HEAD) + "  node: {kind: nothing}\n"
    assert editor.findings(PLACE, unknown) == []
