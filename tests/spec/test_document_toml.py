"""TOML gives the same tree as tomllib's data, with every place it can be sure of."""

from __future__ import annotations

import pytest

from sinkgraph.spec.document import Mapping, Node, Scalar, Sequence, parse
from sinkgraph.spec.document_toml_places import scan_places
from tests.spec.test_document import brief, values

TEXT = '''\
sinkgraph = 1 # version
[sinks.a]
kind = "queue"
capacity = 1_000
ratio = 1.10
to.kind = "http"
to.url = 'http://x'
headers = {A = "b", "C.d" = "e", f.g = [1, {h = 2}], z = {}}
text = """
several "quoted" \\""" lines"""
literal = \'\'\'it's\'\'\'
list = [
  "x", # note
  [1, 2], [],
]
at = 1979-05-27 07:32:00Z
day = 1979-05-27
[[sinks.r.routes]]
when = "a"
[[sinks.r.routes]]
when = "b"
[sinks.r.routes.to]
kind = "file"
["q\\u0041".z]
on = true
'''

PLACES = {
    "sinkgraph": ("sinkgraph", "1"),
    "sinks": ("sinks", "sinks"),
    "sinks/a": ("a", "[sinks.a]"),
    "sinks/a/capacity": ("capacity", "1_000"),
    "sinks/a/ratio": ("ratio", "1.10"),
    "sinks/a/to": ("to", "to"),
    "sinks/a/to/url": ("url", "'http://x'"),
    "sinks/a/headers/A": ("A", '"b"'),
    "sinks/a/headers/C.d": ('"C.d"', '"e"'),
    "sinks/a/headers/f/g": ("g", "[1, {h = 2}]"),
    "sinks/a/headers/f/g/1/h": ("h", "2"),
    "sinks/a/headers/z": ("z", "{}"),
    "sinks/a/text": ("text", '"""\nseveral "quoted" \\""" lines"""'),
    "sinks/a/literal": ("literal", "'''it's'''"),
    "sinks/a/at": ("at", "1979-05-27 07:32:00Z"),
    "sinks/r/routes": ("routes", "[[sinks.r.routes]]"),
    "sinks/r/routes/1/when": ("when", '"b"'),
    "sinks/r/routes/1/to": ("to", "[sinks.r.routes.to]"),
    "sinks/r/routes/1/to/kind": ("kind", '"file"'),
    "qA": ('"q\\u0041"', '"q\\u0041"'),
    "qA/z/on": ("on", "true"),
}


def walk(node: Node | None, path: str) -> tuple[str | None, Node]:
    """Return the text of the key and the node that a path leads to."""
    key: str | None = None
    for name in path.split("/"):
        if isinstance(node, Sequence):
            node = node.items[int(name)]
            continue
        assert isinstance(node, Mapping)
        at = node.key_span(name)
        key = None if at is None else at.text
        node = node.get(name)
    assert node is not None
    return key, node


@pytest.mark.parametrize("path", PLACES)
def test_places_of_keys_and_values(path: str) -> None:
    tree, found = parse(TEXT, "g", "toml")
    assert found == []
    key, node = walk(tree, path)
    assert node.span is not None
    assert (key, node.span.text) == PLACES[path]


def test_every_node_has_a_place() -> None:
    tree, _ = parse(TEXT, "g", "toml")
    assert tree is not None
    todo: list[Node] = [tree]
    while todo:
        node = todo.pop()
        assert node.span is not None
        if isinstance(node, Mapping):
            assert all(entry.key.span is not None for entry in node)
            todo.extend(entry.value for entry in node)
        elif isinstance(node, Sequence):
            todo.extend(node.items)


def test_scalars_keep_their_text_and_dates_are_text() -> None:
    tree, _ = parse(TEXT, "g", "toml")
    found = {}
    for name in ("capacity", "ratio", "at", "day"):
        node = walk(tree, f"sinks/a/{name}")[1]
        assert isinstance(node, Scalar)
        found[name] = (node.text, node.value)
    assert found == {
        "capacity": ("1_000", 1000),
        "ratio": ("1.10", 1.1),
        "at": ("1979-05-27 07:32:00Z", "1979-05-27 07:32:00Z"),
        "day": ("1979-05-27", "1979-05-27"),
    }


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a = x\n", "g:1:5"),
        ("a = 1 b = 2\n", "g:1:7"),
        ("a\n", "g:1:2"),
        ("= 1\n", "g:1:1"),
        ("[a\n", "g:1:3"),
        ("a = [1,\n", "g:2:1"),
        ('a = "x\n', "g:1:7"),
        ('a = """x', "g:1:9"),
        ("a = 01\n", "g:1:6"),
        ("a = {b = 1,}\n", "g:1:12"),
        ("a.b = 1\na.b.c = 2\n", "g:2:10"),
        ("é = 1\n", "g:1:1"),
    ],
)
def test_broken_toml_is_one_finding_at_its_place(text: str, place: str) -> None:
    tree, found = parse(text, "g", "toml")
    assert (tree, brief(found)) == (None, [("SG105", place)])
    assert found[0].headline.startswith("the TOML cannot be read: ")


def test_a_number_with_too_many_digits_is_placed() -> None:
    tree, found = parse("b = 1\na = " + "1" * 5_000 + "\n", "g", "toml")
    assert (tree, brief(found)) == (None, [("SG118", "g:2:5")])


@pytest.mark.parametrize(
    "text", ["a = 1\nb", "a = [1, {", 'a = "', "[x", "a = '''b", "[[x]]\nc = ["]
)
def test_the_scan_of_broken_text_stops_quietly(text: str) -> None:
    assert scan_places(text).too_deep is None


def test_a_place_that_was_not_found_is_none_and_not_a_guess() -> None:
    from sinkgraph.diagnostics.source import SourceText
    from sinkgraph.spec.document_toml import _tree

    places = scan_places("a = 1\n")
    tree = _tree(SourceText("g", "a = 1\n"), {"a": 1, "b": {"c": [2]}}, places.root)
    assert values(tree) == {"a": 1, "b": {"c": [2]}}
    assert walk(tree, "a")[1].span is not None
    assert walk(tree, "b/c/0")[1].span is None
