"""Whatever is given, a document is a tree or findings with places; the three syntaxes agree."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinkgraph.diagnostics.codes import CODES
from sinkgraph.diagnostics.diagnostic import Diagnostic
from sinkgraph.diagnostics.report import render_human
from sinkgraph.spec.document import Mapping, Node, Scalar, Sequence, Syntax, from_python, parse
from sinkgraph.spec.document import read as read_document
from sinkgraph.spec.document_text import MAX_BYTES

SYNTAXES: tuple[Syntax, ...] = ("yaml", "toml", "json")
STARTS: dict[Syntax, str] = {"yaml": "a: 1\n", "toml": "a = 1\n", "json": '{"a": 1}'}


def values(node: Node | None) -> Any:
    """Return the values of a tree."""
    if isinstance(node, Mapping):
        return {entry.key.text: values(entry.value) for entry in node}
    if isinstance(node, Sequence):
        return [values(item) for item in node]
    assert isinstance(node, Scalar)
    return node.value


def brief(found: list[Diagnostic]) -> list[tuple[str, str]]:
    """Return code and place of each finding."""
    return [(one.code, one.where) for one in found]


def bad(text: str | bytes, syntax: Syntax) -> tuple[str, str]:
    """Return code and place of the only finding of a document that has no tree."""
    tree, found = parse(text, "g", syntax)
    assert tree is None
    (only,) = brief(found)
    return only


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("text", ["", "\n", "  \n", "\ufeff"])
def test_an_empty_document_is_refused(text: str, syntax: Syntax) -> None:
    assert bad(text, syntax) == ("SG104", "g:1:1")


def test_a_document_of_comments_is_empty() -> None:
    assert bad("# nothing\n", "yaml") == ("SG104", "g:1:1")
    assert bad("---\n", "yaml") == ("SG104", "g:1:1")
    assert bad("# nothing\n", "toml") == ("SG104", "g:1:1")


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\xff\xfea\0:\0", ("SG102", "g:1:1")),
        (b"\xfe\xff\0a", ("SG102", "g:1:1")),
        (b"\xff\xfe\0\0a\0\0\0", ("SG102", "g:1:1")),
        (b"a\0:\0 \0", ("SG102", "g:1:1")),
        (b"\0a\0:\0 ", ("SG102", "g:1:1")),
        (b"a: \xff", ("SG102", "g:1:4")),
        (b"a: 1\nb: \xe2\x82", ("SG102", "g:2:4")),
        ("é: ".encode() + b"\xc0\xaf", ("SG102", "g:1:4")),
        (b"\xef\xbb\xbfa: \xff", ("SG102", "g:1:4")),
        (b"\x7fELF\x02\x01\x01\0", ("SG117", "g:1:1")),
        (b"a: x\0y", ("SG117", "g:1:5")),
        (b"a: 1\nb: \x1b[31m", ("SG117", "g:2:4")),
        (b"\xef\xbb\xbf\xef\xbb\xbfa: 1", ("SG117", "g:1:1")),
        ("a: \x85 \x9b".encode(), ("SG117", "g:1:6")),
    ],
)
def test_what_is_not_utf8_text_is_refused_at_its_first_byte(
    content: bytes, expected: tuple[str, str], syntax: Syntax
) -> None:
    assert bad(content, syntax) == expected


def test_text_with_half_a_surrogate_is_refused() -> None:
    assert bad("a: \udc80", "yaml") == ("SG117", "g:1:4")


def test_invalid_bytes_are_shown_as_escapes() -> None:
    shown = render_human(parse(b"a: \xffz", "g", "yaml")[1])
    assert " 1 | a: \\xffz" in shown
    assert shown.splitlines()[4].startswith("   |    ^^^^ byte 0xff")


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_one_byte_order_mark_is_accepted(syntax: Syntax) -> None:
    tree, found = parse(b"\xef\xbb\xbf" + STARTS[syntax].encode(), "g", syntax)
    assert (values(tree), found) == ({"a": 1}, [])


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_crlf_is_a_line_break_and_places_stay_true(syntax: Syntax) -> None:
    text = {
        "yaml": "a: 1\r\nb:\r\n  c: x\r\n",
        "toml": "a = 1\r\n[b]\r\nc = 'x'\r\n",
        "json": '{"a": 1,\r\n"b": {\r\n"c": "x"}}\r\n',
    }[syntax]
    tree, found = parse(text, "g", syntax)
    assert (values(tree), found) == ({"a": 1, "b": {"c": "x"}}, [])
    assert tree is not None
    inner = tree.get("b")
    assert isinstance(inner, Mapping)
    at = inner.key_span("c")
    assert at is not None
    assert (at.line, at.text.strip('"')) == (3, "c")


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_more_than_16_mib_is_refused(syntax: Syntax) -> None:
    assert bad(b"#" * (MAX_BYTES + 1), syntax) == ("SG103", "g:1:1")
    assert bad("é" * (MAX_BYTES // 2 + 1), syntax) == ("SG103", "g:1:1")


@pytest.mark.parametrize(
    ("text", "syntax"),
    [
        ("a: " + "[" * 5_000, "yaml"),
        ("a: " + "{a: " * 5_000, "yaml"),
        ("".join(" " * n + "a:\n" for n in range(300)), "yaml"),
        ("- " * 5_000, "yaml"),
        ("a: " + "[" * 100_000, "yaml"),
        ('{"a": ' + "[" * 200_000, "json"),
        ('{"a":' * 200_000, "json"),
        ("a = " + "[" * 200_000, "toml"),
        ("a = " + "{a = " * 5_000, "toml"),
        ("a" + ".a" * 5_000 + " = 1", "toml"),
        ("[a" + ".a" * 5_000 + "]", "toml"),
    ],
)
def test_deep_nesting_is_refused_where_level_65_begins(text: str, syntax: Syntax) -> None:
    tree, found = parse(text, "g", syntax)
    assert tree is None
    assert [one.code for one in found] == ["SG107"]
    assert found[0].span is not None


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_64_levels_are_accepted(syntax: Syntax) -> None:
    deep = "[" * 63 + "]" * 63
    text = {"yaml": f"a: {deep}", "toml": f"a = {deep}", "json": f'{{"a": {deep}}}'}[syntax]
    assert parse(text, "g", syntax)[1] == []
    assert [one.code for one in parse(text.replace("[]", "[[]]"), "g", syntax)[1]] == ["SG107"]


@pytest.mark.parametrize(
    ("text", "syntax"),
    [
        ("- a\n- b\n", "yaml"),
        ("just text\n", "yaml"),
        ("42\n", "yaml"),
        ("[1, 2]", "json"),
        ('"x"', "json"),
        ("null", "json"),
    ],
)
def test_a_document_that_is_no_mapping_is_refused(text: str, syntax: Syntax) -> None:
    assert bad(text, syntax) == ("SG114", "g:1:1")


@pytest.mark.parametrize(
    ("text", "syntax", "first", "again"),
    [
        ("a: 1\nb: 2\na: 3\n", "yaml", "g:1:1", "g:3:1"),
        ("s:\n  x: 1\n  'x': 2\n", "yaml", "g:2:3", "g:3:3"),
        ("{a: 1, a: 2}", "yaml", "g:1:2", "g:1:8"),
        ("1: a\n'1': b\n", "yaml", "g:1:1", "g:2:1"),
        ('{"a": 1,\n "\\u0061": 2}', "json", "g:1:2", "g:2:2"),
        ("a = 1\nb = 1\na = 2\n", "toml", "g:1:1", "g:3:1"),
        ("[a]\nx = 1\n[b]\n[a]\n", "toml", "g:1:2", "g:4:2"),
        ("a = {b = 1, b = 2}", "toml", "g:1:6", "g:1:13"),
        ("[[a]]\n[a]\n", "toml", "g:1:3", "g:2:2"),
    ],
)
def test_duplicate_key_shows_both_places(text: str, syntax: Syntax, first: str, again: str) -> None:
    _, found = parse(text, "g", syntax)
    assert brief(found) == [("SG108", again)]
    assert [str(one.span) for one in found[0].secondary] == [first]


@pytest.mark.parametrize("syntax", ["yaml", "json"])
def test_an_escaped_key_is_shown_inert_in_a_headline(syntax: Syntax) -> None:
    _, found = parse('{"\\u001b[31m": 1, "\\u001b[31m": 2}', "g", syntax)
    assert [one.headline for one in found] == ["the key `\\x1b[31m` stands twice in one mapping"]


def test_every_duplicate_is_found_in_one_run() -> None:
    tree, found = parse("a: 1\na: 2\nb: {c: 1, c: 2}\nd: 3\n", "g", "yaml")
    assert brief(found) == [("SG108", "g:2:1"), ("SG108", "g:3:11")]
    assert values(tree) == {"a": 1, "b": {"c": 1}, "d": 3}


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**12), 10**12),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(
        alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Cn", "Co"]), max_size=8
    ),
)
KEYS = st.text(alphabet="abc.-é \"'#:", min_size=1, max_size=4).filter(lambda key: key != "<<")
TREES = st.dictionaries(
    KEYS,
    st.recursive(
        SCALARS,
        lambda kids: st.lists(kids, max_size=3) | st.dictionaries(KEYS, kids, max_size=3),
        max_leaves=8,
    ),
    min_size=1,
    max_size=4,
)


def no_bom(value: Any) -> bool:
    return "\ufeff" not in json.dumps(value, ensure_ascii=False)


@settings(max_examples=150, deadline=None)
@given(TREES.filter(no_bom), st.sampled_from([None, 1, 3]))
def test_json_reads_what_json_wrote_and_every_place_holds_its_value(
    document: dict[str, Any], indent: int | None
) -> None:
    tree, found = parse(json.dumps(document, ensure_ascii=False, indent=indent), "g", "json")
    assert (values(tree), found) == (document, [])
    todo: list[Node] = [tree] if tree is not None else []
    while todo:
        node = todo.pop()
        assert node.span is not None
        assert json.loads(node.span.text) == values(node)
        if isinstance(node, Mapping):
            todo.extend(one for entry in node for one in (entry.key, entry.value))
        elif isinstance(node, Sequence):
            todo.extend(node.items)


def as_toml(value: Any) -> str:
    """Write a value as inline TOML."""
    if isinstance(value, dict):
        inner = ", ".join(f"{json.dumps(key)} = {as_toml(one)}" for key, one in value.items())
        return f"{{{inner}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(as_toml, value))}]"
    if isinstance(value, float):
        return repr(value) if "e" not in repr(value) else f"{value:e}"
    return json.dumps(value, ensure_ascii=True)


def no_null(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(no_null, value.values()))
    return all(map(no_null, value)) if isinstance(value, list) else value is not None


def no_surrogates(value: Any) -> bool:
    return json.dumps(value, ensure_ascii=False).isprintable() and all(
        ord(char) < 0x10000 for char in json.dumps(value, ensure_ascii=False)
    )


@settings(max_examples=150, deadline=None)
@given(TREES.filter(no_null).filter(no_surrogates))
def test_toml_places_hold_their_values(document: dict[str, Any]) -> None:
    import tomllib

    text = "\n".join(f"{json.dumps(key)} = {as_toml(one)}" for key, one in document.items())
    expected = tomllib.loads(text)
    tree, found = parse(text, "g", "toml")
    assert (values(tree), found) == (expected, [])
    assert tree is not None
    todo: list[Node] = [entry.value for entry in tree]
    while todo:
        node = todo.pop()
        assert node.span is not None
        assert tomllib.loads(f"v = {node.span.text}")["v"] == values(node)
        if isinstance(node, Mapping):
            for entry in node:
                assert entry.key.span is not None
                assert json.loads(entry.key.span.text) == entry.key.text
                todo.append(entry.value)
        elif isinstance(node, Sequence):
            todo.extend(node.items)


@settings(max_examples=150, deadline=None)
@given(TREES.filter(no_surrogates))
def test_yaml_reads_what_json_wrote(document: dict[str, Any]) -> None:
    tree, found = parse(json.dumps(document), "g", "yaml")
    assert found == []
    assert values(tree) == document


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=60),
        st.text(alphabet="ab:{}[]-#&*!|>'\"%@`,?\n \t=.0<~$", max_size=60),
    ),
    st.sampled_from(SYNTAXES),
)
def test_any_input_gives_a_tree_or_findings_that_can_be_shown(
    content: str | bytes, syntax: Syntax
) -> None:
    tree, found = parse(content, "g", syntax)
    assert tree is not None or found
    for one in found:
        assert one.code in CODES
        assert one.span is not None
    render_human(found)


def test_gc_is_as_it_was() -> None:
    import gc

    assert gc.isenabled()
    parse("a: [", "g", "yaml")
    assert gc.isenabled()
    gc.disable()
    try:
        parse("a: 1", "g", "yaml")
        assert not gc.isenabled()
    finally:
        gc.enable()


# --- files --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("g.yaml", "a: 1"),
        ("g.yml", "a: 1"),
        ("g.toml", "a = 1"),
        ("g.json", '{"a": 1}'),
        ("g.JSON", '{"a": 1}'),
    ],
)
def test_the_suffix_decides_the_syntax(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    tree, found = read_document(path)
    assert (values(tree), found) == ({"a": 1}, [])


def test_an_unknown_suffix_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "g.txt"
    path.write_text("a: 1")
    tree, found = read_document(path)
    assert (tree, [one.code for one in found]) == (None, ["SG119"])
    assert read_document(path, "yaml")[0] is not None


@pytest.mark.parametrize("kind", ["missing", "directory", "fifo", "long", "nul"])
def test_what_cannot_be_read_is_refused_and_nothing_hangs(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "g.yaml"
    name = str(path)
    if kind == "directory":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "long":
        name = str(tmp_path / ("x" * 300 + ".yaml"))
    elif kind == "nul":
        name = str(tmp_path / "a\0b.yaml")
    tree, found = read_document(name)
    assert (tree, [one.code for one in found]) == (None, ["SG101"])
    render_human(found)


@pytest.mark.parametrize(
    ("error", "headline"),
    [
        (PermissionError(13, "Permission denied"), "the document may not be read by this user"),
        (OSError(5, "Input/output error"), "the document cannot be opened: input/output error"),
    ],
)
def test_what_the_system_refuses_is_told(
    error: OSError, headline: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object) -> int:
        raise error

    monkeypatch.setattr("os.open", refuse)
    assert [one.headline for one in read_document("g.yaml")[1]] == [headline]


def test_a_file_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "g.yaml"
    path.write_text("a: 1\n")
    read_part = os.read

    def read_and_append(handle: int, size: int) -> bytes:
        with path.open("a") as more:
            more.write("b: 2\n")
        return read_part(handle, 1) if path.stat().st_size < 30 else b""

    monkeypatch.setattr("os.read", read_and_append)
    tree, found = read_document(path)
    assert (tree, [one.headline for one in found]) == (
        None,
        ["the document changed while it was being read"],
    )


class _Stdin(io.TextIOWrapper):
    def __init__(self, content: bytes) -> None:
        super().__init__(io.BytesIO(content), encoding="utf-8")


@pytest.mark.parametrize("content", [b"a: 1\n", b' {"a": 1}'])
def test_dash_reads_standard_input(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", _Stdin(content))
    tree, found = read_document("-")
    assert (values(tree), found) == ({"a": 1}, [])
    assert tree is not None
    assert str(tree.entries[0].key.span).startswith("<stdin>:1:")


def test_a_terminal_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = _Stdin(b"")
    monkeypatch.setattr(stdin, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", stdin)
    tree, found = read_document("-")
    assert (tree, [one.code for one in found]) == (None, ["SG101"])


# --- Python values ------------------------------------------------------------------------------


@given(TREES)
def test_python_values_become_the_same_tree_without_places(document: dict[str, Any]) -> None:
    tree, found = from_python(document)
    assert (values(tree), found) == (document, [])
    assert tree is not None
    assert tree.span is None


def test_python_keys_and_leaves_have_text() -> None:
    tree, found = from_python({404: Path("a/b"), True: 1.5})
    assert found == []
    assert values(tree) == {"404": "a/b", "true": 1.5}


def test_what_a_document_cannot_hold_is_found_with_its_path() -> None:
    _, found = from_python({"sinks": {"a": [1, object()], 2: {3}}, "": 1})
    assert sorted((one.code, one.path) for one in found) == [
        ("SG115", ""),
        ("SG122", "sinks.2"),
        ("SG122", "sinks.a[1]"),
    ]


def test_python_keys_with_one_text_are_duplicates() -> None:
    assert [(one.code, one.path) for one in from_python({1: 2, "1": 3})[1]] == [("SG108", "1")]


def test_a_document_that_contains_itself_is_refused() -> None:
    one: dict[str, Any] = {}
    one["a"] = one
    assert [found.code for found in from_python(one)[1]] == ["SG107"]
    two: dict[str, Any] = {}
    two["a"] = two["b"] = two
    assert "SG113" in [found.code for found in from_python(two)[1]]


def test_the_text_of_a_document_is_not_taken_for_its_path() -> None:
    tree, found = read_document("sinkgraph: 1\nname: x\n" * 1000)
    assert (tree, [one.code for one in found]) == (None, ["SG101"])
    assert found[0].headline == "the text of a document stands where its path is needed"
    assert found[0].where == "<text>:1:1"


TOO_MANY = {
    "yaml list": ("yaml", "a: [" + "1," * 300_000 + "1]"),
    "yaml mapping": ("yaml", "".join(f"k{n}: 1\n" for n in range(150_000))),
    "json list": ("json", '{"a": [' + "1," * 300_000 + "1]}"),
    "json mapping": ("json", "{" + ",".join(f'"k{n}": 1' for n in range(150_000)) + "}"),
    "toml list": ("toml", "a = [" + "1," * 300_000 + "1]"),
    "toml table": ("toml", "".join(f"k{n} = 1\n" for n in range(150_000))),
}


@pytest.mark.parametrize(("syntax", "text"), TOO_MANY.values(), ids=TOO_MANY.keys())
def test_reading_ends_at_the_first_value_too_many(syntax: Syntax, text: str) -> None:
    tree, (found,) = parse(text, "g", syntax)
    assert tree is None
    assert (found.code, found.headline) == (
        "SG103",
        "the document holds more than 250,000 keys and values",
    )
    assert found.span is not None
    assert 0 < found.span.start < len(text)


@pytest.mark.parametrize("syntax", ["yaml", "toml", "json"])
@pytest.mark.parametrize("line_break", ["\n", "\r", "\r\n"])
def test_a_document_of_lines_without_end_is_refused(syntax: Syntax, line_break: str) -> None:
    tree, (found,) = parse(line_break * 1_000_001, "g", syntax)
    assert tree is None
    assert found.headline == "the document has 1,000,001 lines, more than 1,000,000"


def test_a_toml_number_as_long_as_a_book_is_refused_in_its_place() -> None:
    tree, (found,) = parse("a = 1\nb = 1." + "1" * 5000, "g", "toml")
    assert tree is None
    assert (found.code, found.where) == ("SG118", "g:2:5")
