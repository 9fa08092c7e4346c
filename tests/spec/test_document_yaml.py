"""YAML is read by the core schema of 1.2; what a document does not need is refused."""

from __future__ import annotations

import math

import pytest

from sinkgraph.diagnostics.report import render_human
from sinkgraph.spec.document import Mapping, Scalar, parse
from tests.spec.test_document import brief, values


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("off", "off"),
        ("y", "y"),
        ("NO", "NO"),
        ("true", True),
        ("True", True),
        ("FALSE", False),
        ("tRUE", "tRUE"),
        ("null", None),
        ("~", None),
        ("", None),
        ("Null", None),
        ("nULL", "nULL"),
        ("12:30:45", "12:30:45"),
        ("190:20:30", "190:20:30"),
        ("2020-01-01", "2020-01-01"),
        ("2020-01-01T00:00:00Z", "2020-01-01T00:00:00Z"),
        ("0777", 777),
        ("0o777", 511),
        ("0x1F", 31),
        ("0b11", "0b11"),
        ("1_000", "1_000"),
        ("+5", 5),
        ("-5", -5),
        ("1e3", 1000.0),
        ("1.10", 1.1),
        (".5", 0.5),
        ("5.", 5.0),
        ("1.", 1.0),
        (".", "."),
        ("-", None),
        ("-.inf", -math.inf),
        (".INF", math.inf),
        (".nan", math.nan),
        ("nan", "nan"),
        ("inf", "inf"),
        ("1e", "1e"),
        ("0o8", "0o8"),
        ("=", "="),
        ("v1.10", "v1.10"),
        ("1.2.3", "1.2.3"),
        ("10MB", "10MB"),
        ("9" * 2000, "9" * 2000),
    ],
)
def test_plain_scalars_follow_the_core_schema_and_keep_their_text(
    written: str, value: object
) -> None:
    if written == "-":
        return
    tree, found = parse(f"a: {written}\n", "g", "yaml")
    assert found == []
    assert tree is not None
    node = tree.get("a")
    assert isinstance(node, Scalar)
    assert type(node.value) is type(value)
    assert node.value == value or (node.value != node.value and value != value)
    assert node.text == written
    assert not node.quoted


@pytest.mark.parametrize("quoted", ["'no'", '"5"', "'true'", '"null"', "''", "|\n  5\n", ">-\n  5"])
def test_quoted_scalars_and_blocks_are_text(quoted: str) -> None:
    tree, _ = parse(f"a: {quoted}\n", "g", "yaml")
    assert tree is not None
    node = tree.get("a")
    assert isinstance(node, Scalar)
    assert isinstance(node.value, str)
    assert node.quoted


def test_keys_are_text_as_written() -> None:
    tree, found = parse("404: a\n1.10: b\ntrue: c\nno: d\n~: e\n", "g", "yaml")
    assert found == []
    assert list(values(tree)) == ["404", "1.10", "true", "no", "~"]


def test_places_of_keys_values_and_collections() -> None:
    text = "sinks:\n  é: {kind: queue, to: [a, 😀b]}\n  c:\n    to: d\n\ne: |\n  x\n  y\n\nf: 1\n"
    tree, _ = parse(text, "g", "yaml")
    assert tree is not None
    sinks = tree.get("sinks")
    assert isinstance(sinks, Mapping)
    assert sinks.span is not None
    assert sinks.span.text.startswith("é: {")
    assert sinks.span.text.endswith("to: d")
    spans = {}
    for name in ("é", "c"):
        inner = sinks.get(name)
        assert inner is not None
        assert inner.span is not None
        spans[name] = inner.span.text
    assert spans == {"é": "{kind: queue, to: [a, 😀b]}", "c": "to: d"}
    block = tree.get("e")
    assert block is not None
    assert block.span is not None
    assert block.span.text == "|\n  x\n  y"
    at = tree.key_span("f")
    assert at is not None
    assert (at.line, at.col) == (10, 1)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: !!python/object/apply:os.system [echo]\n", "g:1:4"),
        ("a: !!str 5\n", "g:1:4"),
        ("a: !custom x\n", "g:1:4"),
        ("a: ! x\n", "g:1:4"),
        ("!!map\na: 1\n", "g:1:1"),
        ("a: &x !t {b: 1}\n", "g:1:7"),
        ("!t a: 1\n", "g:1:1"),
        ("a: !!binary aGk=\n", "g:1:4"),
    ],
)
def test_tags_are_refused_where_they_stand(text: str, place: str) -> None:
    assert brief(parse(text, "g", "yaml")[1]) == [("SG110", place)]


def test_merge_keys_are_refused_with_help() -> None:
    tree, found = parse("a: &x {k: 1}\nb:\n  <<: *x\n  l: 2\n", "g", "yaml")
    assert brief(found) == [("SG111", "g:3:3")]
    assert found[0].help
    assert values(tree) == {"a": {"k": 1}, "b": {"l": 2}}


def test_a_merge_key_bomb_is_refused() -> None:
    lines = ["a0: &a0 {k: v}"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 30)]
    _, found = parse("\n".join(lines), "g", "yaml")
    assert {one.code for one in found} <= {"SG111", "SG113"}
    assert found


def test_a_quoted_merge_key_is_a_key() -> None:
    assert values(parse("'<<': 1\n", "g", "yaml")[0]) == {"<<": 1}


def test_anchors_are_shared_and_keep_their_places() -> None:
    tree, found = parse("a: &x {k: 1}\nb: *x\nc: &s no\nd: *s\n", "g", "yaml")
    assert found == []
    assert tree is not None
    assert values(tree) == {"a": {"k": 1}, "b": {"k": 1}, "c": "no", "d": "no"}
    assert tree.get("b") is tree.get("a")


def test_an_anchor_may_be_given_again() -> None:
    assert values(parse("a: &x 1\nb: *x\nc: &x 2\nd: *x\n", "g", "yaml")[0])["d"] == 2


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: &x [*x]\n", "g:1:8"),
        ("a: &x {b: {c: *x}}\n", "g:1:15"),
        ("&r\na: *r\n", "g:2:4"),
        ("a: *nowhere\n", "g:1:4"),
        ("a: 1\nb: &x 1\nx: &x {c: *x}\n", "g:3:11"),
    ],
)
def test_aliases_of_nothing_or_of_themselves_are_refused(text: str, place: str) -> None:
    tree, found = parse(text, "g", "yaml")
    assert (tree, brief(found)) == (None, [("SG112", place)])


def test_an_alias_bomb_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 20)]
    tree, found = parse("\n".join(lines), "g", "yaml")
    assert (tree, [one.code for one in found]) == (None, ["SG113"])


def test_aliases_cannot_hide_depth() -> None:
    text = "a: &a " + "[" * 40 + "]" * 40 + "\nb: " + "[" * 40 + "*a" + "]" * 40
    tree, found = parse(text, "g", "yaml")
    assert (tree, [one.code for one in found]) == (None, ["SG107"])


@pytest.mark.parametrize("text", ["a: 1\n---\nb: 2\n", "a: 1\n...\n---\nb: 2\n"])
def test_a_second_document_is_refused(text: str) -> None:
    tree, found = parse(text, "g", "yaml")
    assert (tree, [one.code for one in found]) == (None, ["SG109"])
    assert found[0].span is not None
    assert found[0].span.text == "---"


def test_one_document_may_have_its_marks() -> None:
    assert values(parse("%YAML 1.2\n---\na: 1\n...\n", "g", "yaml")[0]) == {"a": 1}


@pytest.mark.parametrize("text", ["? [a]\n: b\nc: 1\n", "? {a: 1}\n: b\nc: 1\n", "{[a]: b, c: 1}"])
def test_a_collection_as_key_is_refused_and_the_rest_is_read(text: str) -> None:
    tree, found = parse(text, "g", "yaml")
    assert [one.code for one in found] == ["SG115"]
    assert values(tree) == {"c": 1}


def test_an_alias_of_a_collection_as_key_is_refused() -> None:
    tree, found = parse("a: &x [1]\n*x : b\nc: 1\n", "g", "yaml")
    assert [one.code for one in found] == ["SG115"]
    assert values(tree) == {"a": [1], "c": 1}


@pytest.mark.parametrize("text", [": a\nb: 1\n", "{: a, b: 1}", "'': a\nb: 1\n", "? \n: a\n"])
def test_an_empty_key_is_refused(text: str) -> None:
    assert [one.code for one in parse(text, "g", "yaml")[1]] == ["SG115"]


@pytest.mark.parametrize("text", ["a:\n\tb: 1\n", "a:\n  b: 1\n\tc: 2\n", "\ta: 1\n"])
def test_a_tab_for_indent_gets_a_hint(text: str) -> None:
    tree, found = parse(text, "g", "yaml")
    assert (tree, [one.code for one in found]) == (None, ["SG106"])
    assert found[0].span is not None
    assert found[0].span.text == "\t"
    assert "spaces" in found[0].help[0]


def test_a_tab_between_key_and_value_is_fine() -> None:
    assert values(parse("a:\tb\n", "g", "yaml")[0]) == {"a": "b"}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: [1, 2\nb: 3\n", "g:2:2"),
        ("a: {b: 1\n", "g:2:1"),
        ("a: b: c\n", "g:1:5"),
        ('a: "x\n', "g:2:1"),
        ("a: 'x' y\n", "g:1:8"),
        ("a: 1\n b: 2\n", "g:2:3"),
        ("a: @x\n", "g:1:4"),
        ('a: "\\q"\n', "g:1:5"),
        ("a: 1\nb\nc: 2\n", "g:3:1"),
        ("a: %x\n", "g:1:4"),
    ],
)
def test_broken_yaml_is_one_finding_at_its_place(text: str, place: str) -> None:
    tree, found = parse(text, "g", "yaml")
    assert (tree, brief(found)) == (None, [("SG105", place)])


@pytest.mark.parametrize(
    "text", ["{u: ${env:X}}", "a: [${env:X}]", "a: {h: Bearer ${env:X}, b: c}"]
)
def test_an_interpolation_in_braces_must_be_quoted(text: str) -> None:
    _, found = parse(text, "g", "yaml")
    assert [one.code for one in found] == ["SG105"]
    assert found[0].span is not None
    assert found[0].span.text == "${env:X}"
    assert found[0].help == ('quote the text: `"${env:X}"`',)


def test_findings_before_broken_syntax_are_kept() -> None:
    _, found = parse("a: 1\na: 2\nb: [\n", "g", "yaml")
    assert [one.code for one in found] == ["SG108", "SG105"]


def test_findings_are_bounded() -> None:
    _, found = parse("a: 1\n" * 5_000, "g", "yaml")
    assert len(found) == 100


def test_a_duplicate_key_is_drawn_with_both_lines() -> None:
    shown = render_human(parse("sinks:\n  a: {}\n  b: {}\n  a: {}\n", "g.yaml", "yaml")[1])
    assert shown == (
        """\
error[SG108]: the key `a` stands twice in one mapping
  --> g.yaml:4:3
   |
 2 |   a: {}
   |   - first here
 3 |   b: {}
 4 |   a: {}
   |   ^ a second time
   |
   = help: remove one of them"""
    )
