"""JSON is read strictly, and what is wrong is said in its own words."""

from __future__ import annotations

import pytest

from sinkgraph.spec.document import Scalar, parse
from sinkgraph.spec.leaves import Placeholder
from tests.spec.test_document import brief, values


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"a": 1,}', "g:1:8"),
        ('{"a": [1, 2,]}', "g:1:12"),
        ("{'a': 1}", "g:1:2"),
        ('{"a" 1}', "g:1:6"),
        ('{"a": }', "g:1:7"),
        ('{"a": 1 "b": 2}', "g:1:9"),
        ('{"a": [1 2]}', "g:1:10"),
        ('{"a": 1]', "g:1:8"),
        ('{"a": tru}', "g:1:7"),
        ('{"a": True}', "g:1:7"),
        ('{"a": 01}', "g:1:7"),
        ('{"a": .5}', "g:1:7"),
        ('{"a": 5.}', "g:1:7"),
        ('{"a": +5}', "g:1:7"),
        ('{"a": 0x1F}', "g:1:7"),
        ('{"a": "x', "g:1:7"),
        ('{"a": "\\q"}', "g:1:8"),
        ('{"a": "\\u12"}', "g:1:9"),
        ('{"a": "x\ny"}', "g:1:9"),
        ('{"a": 1} x', "g:1:10"),
        ('{"a": 1}{}', "g:1:9"),
        ("// c\n{}", "g:1:1"),
        ('{"a": 1 /* c */}', "g:1:9"),
        ("{", "g:1:2"),
        ('{"a"', "g:1:5"),
        ('{"a":', "g:1:6"),
        ('{"a": [', "g:1:8"),
        ("{a: 1}", "g:1:2"),
    ],
)
def test_broken_json_is_one_finding_at_its_place(text: str, place: str) -> None:
    tree, found = parse(text, "g", "json")
    assert (tree, brief(found)) == (None, [("SG105", place)])


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "9" * 1001])
def test_numbers_that_are_not_finite_are_refused_and_the_rest_is_read(number: str) -> None:
    tree, found = parse(f'{{"a": {number}, "b": 1}}', "g", "json")
    assert brief(found) == [("SG118", "g:1:7")]
    assert tree is not None
    node = tree.get("a")
    assert isinstance(node, Scalar)
    assert isinstance(node.value, Placeholder)
    assert values(tree.get("b")) == 1


def test_half_a_surrogate_is_refused() -> None:
    _, found = parse('{"a": "\\ud83d", "\\udc00": 1}', "g", "json")
    assert brief(found) == [("SG117", "g:1:7"), ("SG117", "g:1:17")]


def test_a_whole_surrogate_pair_is_a_character() -> None:
    assert values(parse('{"a": "\\ud83d\\ude00"}', "g", "json")[0]) == {"a": "\U0001f600"}


def test_an_empty_key_is_refused_and_the_rest_is_read() -> None:
    tree, found = parse('{"": 1, "b": 2}', "g", "json")
    assert brief(found) == [("SG115", "g:1:2")]
    assert values(tree) == {"b": 2}


def test_numbers_keep_their_text() -> None:
    tree, _ = parse('{"a": 1.10, "b": -0, "c": 1E2}', "g", "json")
    assert tree is not None
    leaves = [entry.value for entry in tree]
    assert [leaf.text for leaf in leaves if isinstance(leaf, Scalar)] == ["1.10", "-0", "1E2"]
    assert values(tree) == {"a": 1.1, "b": 0, "c": 100.0}


def test_empty_collections() -> None:
    assert values(parse('{"a": [], "b": {}, "c": [ ]}', "g", "json")[0]) == {
        "a": [],
        "b": {},
        "c": [],
    }


def test_findings_are_bounded() -> None:
    twice = ", ".join(['"a": 1'] * 5_000)
    assert len(parse(f"{{{twice}}}", "g", "json")[1]) == 101
