"""JSON in order: two columns for a level, short lines kept together, texts as they are."""

from __future__ import annotations

from sinkgraph.spec.formatting.document import format_document
from tests.spec.formatting.laws import in_order


def test_a_whole_document() -> None:
    text = """\
{ "sinks": {
      "a":{"to":["b",{"kind":"stdout"}],"kind":"broadcast"},
      "b": {
        "url": "https:\\/\\/example.org\\/\\u00e9", "kind": "http",
        "headers": {}, "codes": [ ]
      }
  },
  "sinkgraph": 1, "name": "a" }"""
    assert (
        in_order(text, "json")
        == """\
{
  "sinkgraph": 1,
  "name": "a",
  "sinks": {
    "a": {"kind": "broadcast", "to": ["b", {"kind": "stdout"}]},
    "b": {
      "kind": "http",
      "url": "https:\\/\\/example.org\\/\\u00e9",
      "headers": {},
      "codes": []
    }
  }
}
"""
    )


def test_what_needs_more_than_a_line_takes_several() -> None:
    text = '{"sinks": {"a": {"kind": "http", "url": "%s"}, "b": {"kind": "stdout"}}}' % ("x" * 80)
    assert (
        in_order(text, "json")
        == """\
{
  "sinks": {
    "a": {
      "kind": "http",
      "url": "%s"
    },
    "b": {"kind": "stdout"}
  }
}
"""
        % ("x" * 80)
    )


def test_numbers_stay_as_they_are_written() -> None:
    text = '{"vars": {"a": {"default": 1.10}, "b": {"default": 1E3}, "c": {"default": -0}}}\n'
    assert in_order(text, "json") == text


def test_a_document_with_errors_in_its_text_is_refused_with_them() -> None:
    for text in ('{"sinks": {},}', "// a comment\n{}", '{"name": "a", "name": "b"}', '{"a": NaN}'):
        made = format_document(text, "graph.json", "json")
        assert made.text is None
        assert made.findings
