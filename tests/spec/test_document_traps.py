"""An expression that YAML misreads is one finding that says to quote it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkgraph.diagnostics.report import render_human
from sinkgraph.spec.document import Mapping, Node, Scalar, parse
from sinkgraph.spec.document_traps import balanced, quoted
from sinkgraph.spec.document_yaml import _Builder
from tests.spec.test_document import brief, values

TRAPS = [
    ("!has(data.x)", 0),
    ("!has(data.x) && data.y", 0),
    ("!data.x || data.y", 0),
    ("!(data.a || data.b)", 0),
    ('!has(x) ? "a" : "b"', 0),
    ('"x" in data.y', 0),
    ("'x' == data.y", 0),
    ('"a" + "b" == data.x', 0),
    ('data.x == "a #b"', 13),
    ("data.x.matches('a #') && data.y", 18),
    ("size(data.x #1) > 2", 12),
    ("data.a ? data.b : data.c", 16),
    ('data.x == "a: b"', 12),
    ("data.x in {'a': 1}", 14),
    ("[1, 2].exists(x, x > 1)", 0),
    ("{'a': 1}.a == data.x", 0),
    ("&a && b", 0),
    ("@x", 0),
    ("`x`", 0),
    ("%x", 0),
    ("> 5", 0),
    ("| x", 0),
]


@pytest.mark.parametrize(("expression", "at"), TRAPS)
def test_a_misread_expression_is_one_finding_and_the_rest_is_read(expression: str, at: int) -> None:
    tree, found = parse(f"f:\n  where: {expression}\n  to: x\n", "g", "yaml")
    assert brief(found) == [("SG116", f"g:2:{10 + at}")]
    assert values(tree) == {"f": {"where": expression, "to": "x"}}
    (help,) = found[0].help
    assert help == f"quote it: `where: {quoted(expression)}`"


@pytest.mark.parametrize("expression", [trap for trap, _ in TRAPS])
def test_the_quoted_line_of_the_help_is_read_as_meant(expression: str) -> None:
    tree, found = parse(f"f:\n  where: {quoted(expression)}\n  to: x\n", "g", "yaml")
    assert (values(tree), found) == ({"f": {"where": expression, "to": "x"}}, [])


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ('"data.tenant == "x""', 'data.tenant == "x"'),
        ('"data.a == "x" && data.b == "y""', 'data.a == "x" && data.b == "y"'),
        ("'data.tenant == 'it''", "data.tenant == 'it'"),
        ('"data.a == """', 'data.a == ""'),
    ],
)
def test_quotes_around_an_expression_with_the_same_quotes_are_replaced(
    written: str, meant: str
) -> None:
    _, found = parse(f"f:\n  where: {written}\n  to: x\n", "g", "yaml")
    (help,) = found[0].help
    line = help.removeprefix("quote it: `").removesuffix("`")
    tree, again = parse(f"f:\n  {line}\n  to: x\n", "g", "yaml")
    assert (values(tree), again) == ({"f": {"where": meant, "to": "x"}}, [])


@pytest.mark.parametrize(
    "expression",
    [
        "!has(x)",
        '"x" in y',
        "a ? b : c",
        "!has(x) && f(a, [b, c])",
        "a == '}'",
        "f(a, b) && c",
        "data['x'] == 1",
        "x in [1, 2]",
        "x == 'a, b'",
        "f(a, g(b, c), {'k': 1})",
    ],
)
def test_a_misread_expression_in_braces_ends_where_the_braces_say(expression: str) -> None:
    tree, found = parse(f"f: {{kind: filter, where: {expression}, to: [a, b]}}\n", "g", "yaml")
    assert [one.code for one in found] == ["SG116"]
    assert values(tree) == {"f": {"kind": "filter", "where": expression, "to": ["a", "b"]}}


@pytest.mark.parametrize("key", ["where", "when", "by", "key", "order_by"])
def test_every_expression_field_is_known(key: str) -> None:
    assert [one.code for one in parse(f"{key}: !x && y\n", "g", "yaml")[1]] == ["SG116"]


def test_expressions_of_compute_are_known_by_their_place() -> None:
    tree, found = parse("compute:\n  data.a: !data.b\n  data.c: x ? 1 : 2\n", "g", "yaml")
    assert brief(found) == [("SG116", "g:2:11"), ("SG116", "g:3:17")]
    assert values(tree) == {"compute": {"data.a": "!data.b", "data.c": "x ? 1 : 2"}}


def test_every_misread_expression_is_found_in_one_run() -> None:
    text = "a: 1\na: 2\nr:\n- when: !x\n- when: y ? z : 1\nwhere: 'q' in z\n"
    assert [one.code for one in parse(text, "g", "yaml")[1]] == ["SG108", *["SG116"] * 3]


@pytest.mark.parametrize(
    "text",
    [
        "where: data.x == 1  # a comment\n",
        "where: data.x == 'a' # a comment\n",
        "where: data.a && !has(data.b)\n",
        "where: data.x == 'it' || data.y > 2\n",
        "where: data.x.exists(y, y == 'b')\n",
        'where: data["x"] == 1\n',
        "where: data.x >\n  5\n",
        "where: |\n  data.x ? 1 : 2\n",
        "where: data.?x.orValue('')\n",
    ],
)
def test_what_yaml_reads_as_meant_is_no_finding(text: str) -> None:
    assert parse(text, "g", "yaml")[1] == []


def test_the_same_text_under_another_key_is_a_plain_finding() -> None:
    assert [one.code for one in parse("to: !has(x)\n", "g", "yaml")[1]] == ["SG110"]
    assert [one.code for one in parse("to: a ? b : c\n", "g", "yaml")[1]] == ["SG105"]
    assert [one.code for one in parse("where: !!str x\n", "g", "yaml")[1]] == ["SG110"]


def test_the_tree_places_the_expression_as_meant() -> None:
    tree, _ = parse("where: a ? b : c  # note\n", "g", "yaml")
    assert tree is not None
    node = tree.get("where")
    assert isinstance(node, Scalar)
    assert node.span is not None
    assert node.span.text == node.text == "a ? b : c"


def test_a_trap_is_drawn_with_the_quoted_line() -> None:
    shown = render_human(parse("where: !has(x)\n", "g.yaml", "yaml")[1])
    assert shown == (
        """\
error[SG116]: YAML does not read the expression of `where` as text
  --> g.yaml:1:8
   |
 1 | where: !has(x)
   |        ^ `!` begins a tag in YAML
   |
   = help: quote it: `where: '!has(x)'`"""
    )


@given(st.text(alphabet="ab'\"\\: #[]{}!&*", min_size=1, max_size=12))
def test_quoted_text_is_read_back(text: str) -> None:
    tree, found = parse(f"a: {quoted(text)}\n", "g", "yaml")
    assert found == []
    assert isinstance(tree, Mapping)
    assert values(tree) == {"a": text}


@pytest.mark.parametrize(
    ("text", "closed"),
    [
        ("a", True),
        ('a == "b"', True),
        ('a == "b', False),
        ("f(a", False),
        ("f(')')", True),
        ("'\\''", True),
        ("a)", False),
        ("[{(", False),
        ("", True),
    ],
)
def test_balanced(text: str, closed: bool) -> None:
    assert balanced(text) is closed


def test_a_long_document_is_not_read_again_for_every_trap(monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[int] = []
    build = _Builder.build

    def counted(self: _Builder, text: str) -> Node | None:
        reads.append(len(text))
        return build(self, text)

    monkeypatch.setattr(_Builder, "build", counted)
    traps = "".join(f'f{n}: {{where: "x" in data}}\n' for n in range(30))
    for filler, most in (("", 21), ("# " + "x" * 600_000 + "\n", 2)):
        reads.clear()
        _, found = parse(filler + traps, "g", "yaml")
        assert found
        assert len(reads) <= most
