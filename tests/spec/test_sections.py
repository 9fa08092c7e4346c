"""What stands in the wrong place is said once, with what to do, and has no consequences."""

from __future__ import annotations

from tests.graph.documents import read


def _said(text: str) -> list[tuple[str, ...]]:
    """Return each finding of the whole check: code, what it points at, its help."""
    _, found = read("sinkgraph: 1\nname: made\n" + text)
    return [(one.code, one.span.text if one.span else "", *one.help) for one in found]


def test_fields_written_beside_their_node_are_one_finding() -> None:
    said = _said("sources:\n  in:\n  kind: stdin\n  to: out\nsinks:\n  out: {kind: stdout}\n")
    assert said == [("SG122", "in", "indent the fields below it, so that they belong to `in`")]


def test_an_empty_node_before_another_is_not_told_to_indent_it() -> None:
    said = _said("sources:\n  a:\n  b: {kind: stdin, to: out}\nsinks:\n  out: {kind: stdout}\n")
    assert [one[2] for one in said] == ["write `a: {kind: …}`"]


def test_a_section_inside_the_other_is_one_finding_and_is_read() -> None:
    said = _said("sources:\n  in: {kind: stdin, to: out}\n  sinks:\n    out: {kind: stdot}\n")
    assert said == [
        ("SG120", "sinks", "move `sinks` to the top level, beside `sources`"),
        ("SG124", "stdot", "the nearest is `stdout`"),
    ]


def test_a_node_may_have_the_name_of_the_other_section() -> None:
    assert not _said(
        "sources: {sinks: {kind: stdin, to: sources}}\nsinks: {sources: {kind: stdout}}"
    )


def test_the_slip_of_a_section_is_one_finding_and_is_read() -> None:
    said = _said("source:\n  in: {kind: stdin, to: ot}\nsink:\n  out: {kind: stdout}\n")
    assert [one[:2] for one in said] == [("SG120", "source"), ("SG204", "ot"), ("SG120", "sink")]


def test_a_list_of_nodes_is_shown_as_a_mapping() -> None:
    said = _said("sources: {in: {kind: stdin, to: out}}\nsinks:\n  - {name: out, kind: stdout}\n")
    assert [one[2] for one in said] == ["write each node under its name: `out: {kind: …}`"]


def test_what_is_no_node_is_still_a_name_that_may_be_written_to() -> None:
    assert [
        one[0] for one in _said("sources: {in: {kind: stdin, to: out}}\nsinks: {out: stdout}")
    ] == ["SG122"]


def test_a_name_given_to_a_source_and_a_sink_has_no_consequences() -> None:
    said = _said("sources: {x: {kind: stdin, to: x}}\nsinks: {x: {kind: stdout}}")
    assert [one[0] for one in said] == ["SG201"]
